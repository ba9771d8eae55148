//! Series for traffic in words, invented from the selectors of an SLO.
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
const OTHER: &str = "other";
/// Values that the patterns of definitions often match.
const USUAL: [&str; 12] = [
    "200", "500", "404", "0", "1", "a", "ok", "error", "GET", "POST", "/", "x.y",
];

/// The series of good and of bad events.
pub(super) struct Invented {
    pub(super) good: Vec<Labels>,
    pub(super) bad: Vec<Labels>,
}

/// What an event adds, in bad and total events.
type Worth = (f64, f64);

const GOOD: Worth = (0.0, 1.0);
const BAD: Worth = (1.0, 1.0);

/// Invents series with these labels besides; `target` are the labels that name a scrape target.
pub(super) fn invent(
    slo: &Slo,
    terms: (&[Term], &[Term]),
    fixed: &Labels,
    target: &[String],
) -> Option<Invented> {
    let (bad, total) = terms;
    let selectors: Vec<&Selector> = bad.iter().chain(total).map(|term| &term.selector).collect();
    let mut pools = Pools::default();
    for selector in &selectors {
        pools.learn(selector);
    }
    // Both kinds of events have to be of one instance.
    let mut instances: BTreeMap<Labels, Vec<(Labels, Worth)>> = BTreeMap::new();
    for labels in pools.candidates(slo, fixed, target) {
        let sum = |terms: &[Term]| -> f64 {
            let counting = terms.iter().filter(|term| term.selector.matches(&labels));
            counting.map(|term| term.coefficient).sum()
        };
        let worth = (sum(bad), sum(total));
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
    fn candidates(mut self, slo: &Slo, fixed: &Labels, target: &[String]) -> Vec<Labels> {
        for name in &slo.group_by {
            let pool = self.labels.entry(name.clone()).or_default();
            pool.insert(Some(OTHER.to_owned()));
        }
        for name in target
            .iter()
            .filter(|name| !self.labels.contains_key(*name))
            .cloned()
            .collect::<Vec<_>>()
        {
            self.labels
                .insert(name, BTreeSet::from([Some("test".to_owned())]));
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
