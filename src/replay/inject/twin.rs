//! Where a failed request would have been counted: the bad series beside a good one.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::labels::METRIC_NAME;
use crate::engine::{Indicator, Labels, MatchOp, Matcher, Selector, Slo, Term};

/// Label values that mean an error in most metrics; they are tried where the definition names none
/// (`code=~"5.."` names none).
const ERROR_WORDS: [&str; 14] = [
    "500",
    "5xx",
    "503",
    "502",
    "504",
    "error",
    "errors",
    "failure",
    "failed",
    "fail",
    "false",
    "Internal",
    "Unavailable",
    "400",
];
/// Values seen in bad series that are remembered of one label.
const SEEN_MAX: usize = 50;

/// What one event of a series adds to the bad events, and to all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Weight {
    pub(super) bad: f64,
    pub(super) total: f64,
}

/// What becomes of a series while requests fail.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Role {
    /// It counts good requests; failed ones are counted by its twin instead (`moves`), or by its
    /// twin as well, where a series counts all requests.
    Good { twin: Labels, moves: bool },
    /// It counts good requests, and what is missing from all is bad: failed ones are not counted.
    Shrinks,
    /// It counts only failures, which are part of what another series counts.
    Failures,
    /// It stays as it is.
    Stays,
}

/// Knows the terms of one SLO, and the values that bad series had.
#[derive(Debug)]
pub(super) struct Terms {
    bad: Vec<Term>,
    total: Vec<Term>,
    /// Labels that a twin shares with its series: they name the target and the instance.
    fixed: BTreeSet<String>,
    seen: BTreeMap<String, BTreeSet<String>>,
}

impl Terms {
    /// The terms of an SLO that is a sum of counters.
    pub(super) fn of(slo: &Slo, target_labels: &[String]) -> Option<Self> {
        let Indicator::Counters { bad, total } = &slo.indicator else {
            return None;
        };
        let fixed = target_labels.iter().chain(&slo.group_by);
        Some(Self {
            bad: bad.clone(),
            total: total.clone(),
            fixed: fixed.cloned().collect(),
            seen: BTreeMap::new(),
        })
    }

    pub(super) fn weight(&self, labels: &Labels) -> Weight {
        let sum = |terms: &[Term]| {
            let counts = terms.iter().filter(|term| term.selector.matches(labels));
            counts.map(|term| term.coefficient).sum()
        };
        Weight {
            bad: sum(&self.bad),
            total: sum(&self.total),
        }
    }

    /// Remembers the values of a series that counts bad events.
    pub(super) fn see(&mut self, labels: &Labels) {
        if self.weight(labels).bad <= 0.0 {
            return;
        }
        let all = self.bad.iter().chain(&self.total);
        let names: BTreeSet<&str> = all
            .flat_map(|term| term.selector.matchers())
            .map(|matcher| matcher.name.as_str())
            .collect();
        for name in names {
            if let Some(value) = labels.get(name) {
                let seen = self.seen.entry(name.to_owned()).or_default();
                if seen.len() < SEEN_MAX {
                    seen.insert(value.to_owned());
                }
            }
        }
    }

    /// What becomes of a series.
    pub(super) fn role(&self, labels: &Labels) -> Role {
        let weight = self.weight(labels);
        match weight {
            Weight { bad, total } if bad == 0.0 && total > 0.0 => self.good(labels, weight),
            Weight { bad, total } if bad < 0.0 && total == 0.0 => Role::Shrinks,
            Weight { bad, total } if bad > 0.0 && total == 0.0 => Role::Failures,
            Weight { .. } => Role::Stays,
        }
    }

    fn good(&self, labels: &Labels, weight: Weight) -> Role {
        let positive = self.bad.iter().filter(|term| term.coefficient > 0.0);
        let chosen = positive.filter_map(|term| self.chosen_by(&term.selector, labels));
        // All less the good: a failed request is one that the selector of the good does not take.
        let negative = self.bad.iter().filter(|term| term.coefficient < 0.0);
        let avoided = negative.flat_map(|term| self.avoiding(&term.selector, labels));
        let candidates: Vec<Labels> = chosen.chain(avoided).collect();
        let fitting = |total: f64| {
            let mut candidates = candidates.iter();
            let wanted = Weight {
                bad: weight.total,
                total,
            };
            candidates.find(|labels| self.weight(labels) == wanted)
        };
        match (fitting(weight.total), fitting(0.0)) {
            (Some(twin), _) => Role::Good {
                twin: twin.clone(),
                moves: true,
            },
            (None, Some(twin)) => Role::Good {
                twin: twin.clone(),
                moves: false,
            },
            (None, None) => Role::Stays,
        }
    }

    /// The labels with the fewest changes that a selector takes. What a definition leaves out by
    /// name (`path!="/healthz"`) stays left out.
    fn chosen_by(&self, selector: &Selector, labels: &Labels) -> Option<Labels> {
        let mut twin = labels.clone();
        for matcher in selector.matchers() {
            if matcher.matches(&twin) {
                continue;
            }
            if self.fixed.contains(&matcher.name) {
                return None;
            }
            let value = match &matcher.op {
                MatchOp::Equal(value) => value.clone(),
                MatchOp::NotEqual(_) => return None,
                MatchOp::Regex(_) | MatchOp::NotRegex(_) => {
                    let named = selector.matchers();
                    let named: Vec<_> = named.iter().filter(|m| m.name == matcher.name).collect();
                    self.value(&matcher.name, |value| {
                        named.iter().all(|m| m.op.matches(value))
                    })?
                }
            };
            twin = with(&twin, &matcher.name, &value);
        }
        Some(twin)
    }

    /// The labels with one change each that a selector does not take.
    fn avoiding(&self, selector: &Selector, labels: &Labels) -> Vec<Labels> {
        let can_change =
            |matcher: &&Matcher| matcher.name != METRIC_NAME && !self.fixed.contains(&matcher.name);
        let changed = selector.matchers().iter().filter(can_change);
        let changed = changed.filter_map(|matcher| {
            let value = self.value(&matcher.name, |value| !matcher.op.matches(value))?;
            Some(with(labels, &matcher.name, &value))
        });
        changed.collect()
    }

    /// A value of a label that fits: one that was seen in a bad series, else a usual one.
    fn value(&self, name: &str, fits: impl Fn(&str) -> bool) -> Option<String> {
        let seen = self.seen.get(name).into_iter().flatten();
        let known = seen.map(String::as_str).chain(ERROR_WORDS);
        // `5..|timeout` names a value itself.
        let own = self.bad.iter().flat_map(|term| term.selector.matchers());
        let own = own
            .filter(|matcher| matcher.name == name)
            .flat_map(|matcher| matcher.op.parts().1.split('|'));
        let mut values = known.chain(own);
        let found = values.find(|value| !value.is_empty() && fits(value));
        found.map(str::to_owned)
    }
}

/// The labels with another value for one.
fn with(labels: &Labels, name: &str, value: &str) -> Labels {
    Labels::new(labels.iter().chain([(name, value)]))
}
