//! Series for events that nobody wrote down as series (traffic in words, counts in a table),
//! invented from the selectors of an SLO. Pure.
//!
//! An event is counted by one or two series: a bad one must add one to the bad and to the total
//! events of the SLO, a good one to the total only. Candidates are all combinations of a few
//! values per label: those that matchers name, some that regular expressions match, one that
//! nothing names, and none. What is found is what the SLO's own terms say, or nothing is.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::labels::METRIC_NAME;
use crate::engine::{Labels, MatchOp, Matcher, Selector, Slo, Term};

/// Label sets that are tried per metric.
const CANDIDATES_MAX: usize = 20_000;
/// A value that no definition names.
pub(super) const OTHER: &str = "other";
/// Values that the patterns of definitions often match.
const USUAL: [&str; 12] = [
    "200", "500", "404", "0", "1", "a", "ok", "error", "GET", "POST", "/", "x.y",
];

/// The series that rise by one with an event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Invented {
    /// With a good one.
    pub(super) good: Vec<Labels>,
    /// With a bad one.
    pub(super) bad: Vec<Labels>,
}

/// What one more in a series adds, in bad and total events.
pub(super) type Worth = (f64, f64);

const GOOD: Worth = (0.0, 1.0);
const BAD: Worth = (1.0, 1.0);

/// Invents series with these labels besides, and with those of `open` that nothing else names.
/// `None` where the terms cannot tell a good event from a bad one by two series.
pub(super) fn invent(
    slo: &Slo,
    terms: (&[Term], &[Term]),
    fixed: &Labels,
    open: &[(&str, &str)],
) -> Option<Invented> {
    let (bad, total) = terms;
    let selectors: Vec<&Selector> = bad.iter().chain(total).map(|term| &term.selector).collect();
    let mut pools = Pools::default();
    for selector in &selectors {
        pools.learn(selector);
    }
    // Both kinds of events have to be of one instance.
    let mut instances: BTreeMap<Labels, Vec<(Labels, Worth)>> = BTreeMap::new();
    for labels in pools.candidates(fixed, open) {
        let worth = worth(terms, &labels);
        let known = instances.entry(labels.pick(&slo.group_by)).or_default();
        if worth != (0.0, 0.0) && !known.iter().any(|(_, known)| *known == worth) {
            known.push((labels, worth));
        }
    }
    instances.values().find_map(|candidates| {
        Some(Invented {
            good: counting(candidates, GOOD)?,
            bad: counting(candidates, BAD)?,
        })
    })
}

/// What one more in a series adds.
pub(super) fn worth((bad, total): (&[Term], &[Term]), labels: &Labels) -> Worth {
    let sum = |terms: &[Term]| {
        let counting = terms.iter().filter(|term| term.selector.matches(labels));
        // Not `-0.0`, which the sum of nothing is.
        counting.fold(0.0, |sum, term| sum + term.coefficient)
    };
    (sum(bad), sum(total))
}

/// One series, else two, that together are worth an event.
fn counting(candidates: &[(Labels, Worth)], wanted: Worth) -> Option<Vec<Labels>> {
    if let Some((labels, _)) = candidates.iter().find(|(_, worth)| *worth == wanted) {
        return Some(vec![labels.clone()]);
    }
    for (one, (bad, total)) in candidates {
        let rest = (wanted.0 - bad, wanted.1 - total);
        if let Some((other, _)) = candidates.iter().find(|(_, worth)| *worth == rest)
            && one != other
        {
            return Some(vec![one.clone(), other.clone()]);
        }
    }
    None
}

/// Values to try, by label.
#[derive(Default)]
struct Pools {
    metrics: BTreeSet<String>,
    labels: BTreeMap<String, BTreeSet<Option<String>>>,
}

impl Pools {
    fn learn(&mut self, selector: &Selector) {
        for matcher in selector.matchers() {
            let values = satisfying(matcher);
            if matcher.name == METRIC_NAME {
                self.metrics.extend(values);
                continue;
            }
            let pool = self.labels.entry(matcher.name.clone()).or_default();
            pool.insert(None);
            pool.insert(Some(OTHER.to_owned()));
            pool.extend(values.into_iter().map(Some));
        }
    }

    /// Every combination, as far as the bound allows.
    fn candidates(mut self, fixed: &Labels, open: &[(&str, &str)]) -> Vec<Labels> {
        for (name, value) in open {
            let pool = self.labels.entry((*name).to_owned());
            pool.or_insert_with(|| BTreeSet::from([Some((*value).to_owned())]));
        }
        for (name, value) in fixed.iter() {
            let only = BTreeSet::from([Some(value.to_owned())]);
            self.labels.insert(name.to_owned(), only);
        }
        let mut found: Vec<Vec<(String, String)>> = self
            .metrics
            .into_iter()
            .map(|metric| vec![(METRIC_NAME.to_owned(), metric)])
            .collect();
        for (name, pool) in self.labels {
            let mut next = Vec::new();
            for labels in &found {
                // What is named comes before what is left out.
                for value in pool.iter().rev() {
                    let value = value.iter().map(|value| (name.clone(), value.clone()));
                    next.push(labels.iter().cloned().chain(value).collect());
                    if next.len() >= CANDIDATES_MAX {
                        break;
                    }
                }
            }
            next.truncate(CANDIDATES_MAX);
            found = next;
        }
        found.into_iter().map(Labels::new).collect()
    }
}

/// A few values that satisfy a matcher, and for an exclusion those that do not.
fn satisfying(matcher: &Matcher) -> BTreeSet<String> {
    let mut values = BTreeSet::new();
    match &matcher.op {
        MatchOp::Equal(value) | MatchOp::NotEqual(value) => {
            values.insert(value.clone());
        }
        MatchOp::Regex(pattern) | MatchOp::NotRegex(pattern) => {
            let wants = matches!(matcher.op, MatchOp::Regex(_));
            let words = samples(pattern.source());
            let words = words.into_iter().chain(USUAL.map(str::to_owned));
            let fits = words.filter(|word| matcher.op.matches(word) == wants);
            values.extend(fits.take(3));
        }
    }
    values.retain(|value| !value.is_empty());
    values
}

/// Words that a simple regular expression may match: its alternatives, with something plain in place
/// of classes and repetitions. Whether they do is for the caller to ask.
fn samples(pattern: &str) -> Vec<String> {
    let mut words = Vec::new();
    let bare = pattern.replace("(?:", "(");
    for part in bare.trim_matches(['^', '$']).split('|') {
        let mut word = String::new();
        let mut rest = part.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '\\' => match rest.next() {
                    Some('d') => word.push('0'),
                    Some('w') => word.push('a'),
                    Some('s') => word.push(' '),
                    Some(escaped) => word.push(escaped),
                    None => {}
                },
                '.' => word.push('0'),
                '[' => {
                    let class: String = rest.by_ref().take_while(|c| *c != ']').collect();
                    word.extend(class.chars().find(|c| *c != '^'));
                }
                '*' | '+' | '?' | '(' | ')' | '^' | '$' => {}
                '{' => {
                    let count: String = rest.by_ref().take_while(|c| *c != '}').collect();
                    let count = count
                        .split(',')
                        .next()
                        .and_then(|n| n.parse::<usize>().ok());
                    if let Some(last) = word.chars().next_back() {
                        let more = count.unwrap_or(1).saturating_sub(1).min(32);
                        word.extend(std::iter::repeat_n(last, more));
                    }
                }
                plain => word.push(plain),
            }
        }
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::engine::Indicator;

    const SETTINGS: &str =
        "{definitions: [none], receivers: [{name: me, console: {}}], route: {receiver: me}}";

    fn of(events: &str, given: &Labels) -> Option<Invented> {
        let definition = format!(
            "
apiVersion: slofuse/v1
kind: SLO
metadata: {{service: shop, name: some}}
spec:
  objective: 99
  period: 7d
  sli:
    events:
{events}
"
        );
        let loaded = config::embedded(SETTINGS, &definition);
        let slo = loaded.unwrap().definitions.remove(0).slo;
        let Indicator::Counters { bad, total } = &slo.indicator else {
            panic!("{definition} is not made of counters");
        };
        let made = invent(&slo, (bad, total), given, &[])?;
        let sum = |series: &[Labels]| {
            let weights = series.iter().map(|labels| worth((bad, total), labels));
            weights.fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
        };
        assert_eq!((sum(&made.good), sum(&made.bad)), ((0.0, 1.0), (1.0, 1.0)));
        Some(made)
    }

    #[test]
    fn events_are_told_apart_by_the_selectors_own_labels() {
        let given = Labels::new([("zone", "eu")]);
        for events in [
            "      bad: x{code=~\"5..\"}\n      total: x",
            "      bad: x{code=~\"5..|429\",job=\"shop\"}\n      total: x{job=\"shop\"}",
            "      bad: errors_total{job=\"a\"}\n      total: requests_total{job=\"a\"}",
            "      good: x{code!~\"5..\"}\n      total: x",
            "      good: x_bucket{le=\"0.3\"}\n      total: x_count",
            "      good: x{result=\"ok\"}\n      bad: x{result!=\"ok\"}",
            "      good: x_bucket{le=\"0.3\"}\n      total: x_bucket{le=\"+Inf\"}",
            "      bad: x{path=~\"/api/.*\",code=~\"[45]..\"}\n      total: x{path=~\"/api/.*\"}",
        ] {
            let made = of(events, &given);
            let made = made.unwrap_or_else(|| panic!("nothing for {events}"));
            let zones = made
                .good
                .iter()
                .chain(&made.bad)
                .map(|labels| labels.get("zone"));
            assert!(zones.into_iter().all(|zone| zone == Some("eu")));
        }
    }

    #[test]
    fn good_and_bad_events_are_of_one_instance() {
        let definition = "
apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: some}
spec:
  objective: 99
  period: 7d
  group_by: [zone]
  sli:
    events:
      bad: x{zone=\"b\",code=\"500\"}
      total: x
";
        let loaded = config::embedded(SETTINGS, definition);
        let slo = loaded.unwrap().definitions.remove(0).slo;
        let Indicator::Counters { bad, total } = &slo.indicator else {
            panic!("it is not made of counters");
        };
        let made = invent(&slo, (bad, total), &Labels::empty(), &[]).unwrap();
        let mut all = made.good.iter().chain(&made.bad);
        assert!(
            all.all(|labels| labels.get("zone") == Some("b")),
            "{made:?}"
        );
    }

    #[test]
    fn a_label_that_is_given_is_kept() {
        let given = Labels::new([("code", "503")]);
        assert_eq!(
            of("      bad: x{code=~\"5..\"}\n      total: x", &given),
            None
        );
    }
}
