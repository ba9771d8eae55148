//! Label sets that an SLO's own selectors tell apart: which series count a good event, and which a
//! bad one. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::labels::METRIC_NAME;
use crate::engine::{Labels, MatchOp, Matcher, Selector, Term};

/// Values tried for one label.
const VALUES_MAX: usize = 12;
/// Label sets tried for one metric.
const SETS_MAX: usize = 4096;
/// Values that patterns like to match, and one that they do not.
const USUAL: [&str; 6] = ["500", "200", "GET", "a", "0", "other"];

/// The series that rise by one with an event.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Invented {
    /// With a good one.
    pub(super) good: Vec<Labels>,
    /// With a bad one.
    pub(super) bad: Vec<Labels>,
}

/// What one more in a series adds to bad events and to all events.
pub(super) type Weight = (f64, f64);

/// Finds series, with `given` labels where selectors leave them open; `None` where the terms
/// cannot tell a good event from a bad one by one series a metric.
pub(super) fn invent(bad: &[Term], total: &[Term], given: &Labels) -> Option<Invented> {
    let selectors: Vec<&Selector> = bad.iter().chain(total).map(|term| &term.selector).collect();
    let metrics: BTreeSet<String> = selectors.iter().flat_map(|s| names(s)).collect();
    let mut choices = Vec::new();
    for metric in metrics {
        let mut by_weight: Vec<(Weight, Labels)> = Vec::new();
        for labels in sets(&metric, &selectors, given) {
            let weight = weight(bad, total, &labels);
            if weight != (0.0, 0.0) && !by_weight.iter().any(|(known, _)| *known == weight) {
                by_weight.push((weight, labels));
            }
        }
        choices.push(by_weight);
    }
    Some(Invented {
        good: choose(&choices, (0.0, 1.0))?,
        bad: choose(&choices, (1.0, 1.0))?,
    })
}

/// What one more in a series adds.
pub(super) fn weight(bad: &[Term], total: &[Term], labels: &Labels) -> Weight {
    let sum = |terms: &[Term]| {
        let matching = terms.iter().filter(|term| term.selector.matches(labels));
        matching.map(|term| term.coefficient).sum::<f64>()
    };
    (sum(bad), sum(total))
}

/// At most one series a metric, that together weigh what is wanted.
fn choose(choices: &[Vec<(Weight, Labels)>], wanted: Weight) -> Option<Vec<Labels>> {
    let Some((first, rest)) = choices.split_first() else {
        return (wanted == (0.0, 0.0)).then(Vec::new);
    };
    for (weight, labels) in first {
        let left = (wanted.0 - weight.0, wanted.1 - weight.1);
        if let Some(mut chosen) = choose(rest, left) {
            chosen.push(labels.clone());
            return Some(chosen);
        }
    }
    choose(rest, wanted)
}

/// Metric names that a selector may mean.
fn names(selector: &Selector) -> Vec<String> {
    let matchers = selector.matchers().iter();
    let matchers = matchers.filter(|matcher| matcher.name == METRIC_NAME);
    matchers
        .flat_map(values)
        .filter(|name| !name.is_empty())
        .collect()
}

/// Label sets of one metric, made of the values that selectors ask for or exclude.
fn sets(metric: &str, selectors: &[&Selector], given: &Labels) -> Vec<Labels> {
    let mut options: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for matcher in selectors.iter().flat_map(|selector| selector.matchers()) {
        if matcher.name != METRIC_NAME && given.get(&matcher.name).is_none() {
            let known = options.entry(&matcher.name).or_default();
            for value in values(matcher) {
                if !known.contains(&value) && known.len() < VALUES_MAX {
                    known.push(value);
                }
            }
        }
    }
    let mut sets: Vec<Vec<(String, String)>> = vec![vec![(METRIC_NAME.into(), metric.into())]];
    for (name, values) in &options {
        let longer = |set: &Vec<(String, String)>| {
            let with = |value: &String| {
                let mut set = set.clone();
                set.push(((*name).to_owned(), value.clone()));
                set
            };
            values.iter().map(with).collect::<Vec<_>>()
        };
        sets = sets.iter().flat_map(longer).take(SETS_MAX).collect();
    }
    let given = || {
        given
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    sets.into_iter()
        .map(|set| Labels::new(set.into_iter().chain(given())))
        .collect()
}

/// Values that a matcher may match, and some that it may not.
fn values(matcher: &Matcher) -> Vec<String> {
    let mut values = Vec::new();
    match &matcher.op {
        MatchOp::Equal(value) | MatchOp::NotEqual(value) => values.push(value.clone()),
        op => {
            let (_, pattern) = op.parts();
            for alternative in pattern.split('|') {
                values.push(simplest(alternative));
            }
        }
    }
    let usual = USUAL.iter().map(|value| (*value).to_owned());
    if matcher.name != METRIC_NAME {
        values.extend(usual.chain([String::new()]));
    }
    // Those that match come first.
    values.sort_by_key(|value| !matcher.op.matches(value));
    values.truncate(VALUES_MAX);
    values
}

/// A text that a plain pattern matches: `5..` becomes `500`, `/api/.*` `/api/`.
fn simplest(pattern: &str) -> String {
    let mut text = String::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        let next = match c {
            '(' | ')' | '^' | '$' => continue,
            '\\' => match chars.next() {
                Some('d') => '0',
                Some('w') => 'a',
                Some(other) => other,
                None => continue,
            },
            '.' => '0',
            '[' => {
                let first = chars.next().unwrap_or('0');
                for inner in chars.by_ref() {
                    if inner == ']' {
                        break;
                    }
                }
                first
            }
            other => other,
        };
        match chars.peek() {
            Some('*' | '?') => {
                chars.next();
            }
            Some('+') => {
                chars.next();
                text.push(next);
            }
            _ => text.push(next),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Indicator;
    use crate::replay::source::tests::slos;

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
        let slo = slos(&definition).remove(0);
        let Indicator::Counters { bad, total } = &slo.indicator else {
            panic!("{definition} is not made of counters");
        };
        let made = invent(bad, total, given)?;
        let sum = |series: &[Labels]| {
            let weights = series.iter().map(|labels| weight(bad, total, labels));
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
    fn a_label_that_is_given_is_kept() {
        let given = Labels::new([("code", "503")]);
        assert_eq!(
            of("      bad: x{code=~\"5..\"}\n      total: x", &given),
            None
        );
    }
}
