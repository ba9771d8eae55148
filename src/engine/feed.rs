//! A feed: the SLOs that are evaluated from the same polls, and where each series counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::labels::{Labels, MatchOp};
use super::slo::{Indicator, Slo, Term};

/// SLOs that share their polls, with an index from series to the terms that count them.
#[derive(Clone, Debug)]
pub struct Feed {
    /// Stable name of the feed.
    pub key: String,
    /// Its SLOs; series are routed to positions in this list.
    pub slos: Vec<Arc<Slo>>,
    index: Index,
}

/// Where a series counts within one SLO.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Share {
    /// Position in [`Feed::slos`].
    pub(super) slo: usize,
    /// What one event of the series adds to the bad events.
    pub(super) bad: f64,
    /// What one event of the series adds to all events.
    pub(super) total: f64,
}

impl Feed {
    /// A feed of these SLOs.
    pub fn new(key: impl Into<String>, slos: Vec<Arc<Slo>>) -> Self {
        let index = Index::new(&slos);
        Self {
            key: key.into(),
            slos,
            index,
        }
    }

    /// Every SLO in which a series with these labels counts, in the order of the list.
    pub(super) fn shares(&self, labels: &Labels) -> Vec<Share> {
        let mut shares: BTreeMap<usize, Share> = BTreeMap::new();
        for place in self.index.candidates(labels) {
            let Some(term) = term(&self.slos, place) else {
                continue;
            };
            if !term.selector.matches(labels) {
                continue;
            }
            let nothing = Share {
                slo: place.slo,
                bad: 0.0,
                total: 0.0,
            };
            let share = shares.entry(place.slo).or_insert(nothing);
            match place.side {
                Side::Bad => share.bad += term.coefficient,
                Side::Total => share.total += term.coefficient,
            }
        }
        shares.into_values().collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Bad,
    Total,
}

/// One term of one SLO.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    slo: usize,
    side: Side,
    term: usize,
}

fn term(slos: &[Arc<Slo>], place: Place) -> Option<&Term> {
    let Indicator::Counters { bad, total } = &slos.get(place.slo)?.indicator else {
        return None;
    };
    match place.side {
        Side::Bad => bad.get(place.term),
        Side::Total => total.get(place.term),
    }
}

/// Finds the terms that may select a series without trying them all: each term is filed under
/// the equality of its selector that the fewest others share.
#[derive(Clone, Debug, Default)]
struct Index {
    by_equality: BTreeMap<String, BTreeMap<String, Vec<Place>>>,
    anywhere: Vec<Place>,
}

impl Index {
    fn new(slos: &[Arc<Slo>]) -> Self {
        let mut places = Vec::new();
        for (slo, definition) in slos.iter().enumerate() {
            if let Indicator::Counters { bad, total } = &definition.indicator {
                let of = |side, terms: &[Term]| {
                    (0..terms.len())
                        .map(move |term| Place { slo, side, term })
                        .collect::<Vec<_>>()
                };
                places.extend(of(Side::Bad, bad));
                places.extend(of(Side::Total, total));
            }
        }
        let mut frequency: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for place in &places {
            for equality in equalities(slos, *place) {
                *frequency.entry(equality).or_default() += 1;
            }
        }
        let mut index = Self::default();
        for place in &places {
            let rarest = equalities(slos, *place)
                .into_iter()
                .min_by_key(|e| (frequency[e], *e));
            match rarest {
                Some((name, value)) => {
                    let values = index.by_equality.entry(name.to_owned()).or_default();
                    values.entry(value.to_owned()).or_default().push(*place);
                }
                None => index.anywhere.push(*place),
            }
        }
        index
    }

    fn candidates(&self, labels: &Labels) -> BTreeSet<Place> {
        let filed = self.by_equality.iter().filter_map(|(name, values)| {
            // A missing label equals the empty string.
            values.get(labels.get(name).unwrap_or(""))
        });
        filed.flatten().chain(&self.anywhere).copied().collect()
    }
}

fn equalities(slos: &[Arc<Slo>], place: Place) -> BTreeSet<(&str, &str)> {
    let matchers = term(slos, place)
        .map(|term| term.selector.matchers())
        .unwrap_or_default();
    let equal = matchers.iter().filter_map(|matcher| match &matcher.op {
        MatchOp::Equal(value) => Some((matcher.name.as_str(), value.as_str())),
        _ => None,
    });
    equal.collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::engine::labels::{METRIC_NAME, Matcher, Pattern, Selector};
    use crate::engine::period::Period;
    use crate::engine::policy::Policy;
    use crate::engine::slo::{Document, Objective, Reach, SloId};
    use crate::engine::time::Span;

    pub(in crate::engine) fn selector(matchers: &[(&str, &str, &str)]) -> Selector {
        let matcher = |(name, op, text): &(&str, &str, &str)| Matcher {
            name: (*name).to_owned(),
            op: match *op {
                "=" => MatchOp::Equal((*text).to_owned()),
                "!=" => MatchOp::NotEqual((*text).to_owned()),
                "=~" => MatchOp::Regex(Pattern::new(text).unwrap()),
                _ => MatchOp::NotRegex(Pattern::new(text).unwrap()),
            },
        };
        Selector::new(matchers.iter().map(matcher).collect())
    }

    /// `requests_total{service=..}` with `code=~"5.."` bad, at 99.9 % over 30 d.
    pub(in crate::engine) fn slo(service: &str, group_by: &[&str]) -> Slo {
        let plus = |selector| {
            vec![Term {
                coefficient: 1.0,
                selector,
            }]
        };
        let of = [
            (METRIC_NAME, "=", "requests_total"),
            ("service", "=", service),
        ];
        let mut bad = of.to_vec();
        bad.push(("code", "=~", "5.."));
        Slo {
            id: SloId::new(service, "availability"),
            service: service.to_owned(),
            name: "availability".to_owned(),
            objective: Objective::from_percent(99.9).unwrap(),
            sla: None,
            period: Period::Rolling(Span::from_days(30)),
            indicator: Indicator::Counters {
                bad: plus(selector(&bad)),
                total: plus(selector(&of)),
            },
            group_by: group_by.iter().map(|label| (*label).to_owned()).collect(),
            policy: Arc::new(Policy::sre_workbook()),
            reach: Reach::new(
                &Policy::sre_workbook(),
                &Period::Rolling(Span::from_days(30)),
            ),
            document: Document::default(),
        }
    }

    #[test]
    fn series_are_routed_to_every_term_that_selects_them() {
        let good = Term {
            coefficient: -1.0,
            selector: selector(&[(METRIC_NAME, "=", "requests_total"), ("code", "!=", "500")]),
        };
        let mut all = slo("a", &[]);
        all.indicator = Indicator::Counters {
            bad: vec![
                Term {
                    coefficient: 1.0,
                    selector: selector(&[(METRIC_NAME, "=~", "requests.*")]),
                },
                good,
            ],
            total: vec![Term {
                coefficient: 1.0,
                selector: selector(&[("absent", "=", "")]),
            }],
        };
        let slos = vec![
            Arc::new(slo("a", &[])),
            Arc::new(slo("b", &[])),
            Arc::new(all),
        ];
        let feed = Feed::new("f", slos);
        let series = |service, code| {
            Labels::new([
                (METRIC_NAME, "requests_total"),
                ("service", service),
                ("code", code),
            ])
        };
        let share = |slo, bad, total| Share { slo, bad, total };
        let expect = vec![share(0, 1.0, 1.0), share(2, 0.0, 1.0)];
        assert_eq!(feed.shares(&series("a", "503")), expect);
        assert_eq!(
            feed.shares(&series("a", "500")),
            vec![share(0, 1.0, 1.0), share(2, 1.0, 1.0)]
        );
        assert_eq!(
            feed.shares(&series("b", "200")),
            vec![share(1, 0.0, 1.0), share(2, 0.0, 1.0)]
        );
        assert_eq!(feed.shares(&series("c", "200")), vec![share(2, 0.0, 1.0)]);
    }
}
