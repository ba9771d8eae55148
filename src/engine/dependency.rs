//! Which SLO depends on which, and what the pages of those it depends on mean for it.
//!
//! An SLO depends on what its definition names and on whatever that depends on. Where SLOs depend
//! on each other in a circle, the one whose page began first keeps the others quiet and nobody
//! keeps it quiet, so that a circle always has a voice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::labels::Labels;
use super::mute::Mute;
use super::notification::{AlertKey, DependencyFacts};
use super::policy::Severity;
use super::routing::DependencyPolicy;
use super::slo::{InstanceId, Slo, SloId};
use super::step::Engine;
use super::time::Timestamp;

/// Most burning dependencies that one alert names, those that began first: a message stays
/// readable.
const DEPENDENCIES_MAX: usize = 16;

/// What each SLO says it depends on.
#[derive(Debug, Default)]
pub(super) struct Dependencies {
    direct: BTreeMap<SloId, Vec<SloId>>,
}

impl Dependencies {
    pub(super) fn new<'a>(slos: impl Iterator<Item = &'a Arc<Slo>>) -> Self {
        let direct = slos
            .filter(|slo| !slo.document.depends_on.is_empty())
            .map(|slo| (slo.id.clone(), slo.document.depends_on.clone()));
        Self {
            direct: direct.collect(),
        }
    }

    /// Everything that an SLO depends on, directly or through others; never the SLO itself.
    fn of<'a>(&'a self, slo: &'a SloId) -> BTreeSet<&'a SloId> {
        let mut found = BTreeSet::from([slo]);
        let mut open = vec![slo];
        while let Some(next) = open.pop() {
            for below in self.direct.get(next).into_iter().flatten() {
                if found.insert(below) {
                    open.push(below);
                }
            }
        }
        found.remove(slo);
        found
    }
}

/// The first page of an SLO that burns, by the time it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct FirstPage<'a> {
    since: Timestamp,
    slo: &'a SloId,
    key: &'a AlertKey,
}

impl Engine {
    /// The SLOs that this one depends on and whose page fires, whatever the policy about them.
    pub(super) fn burning_dependencies(&self, slo: &SloId) -> Vec<DependencyFacts> {
        let pages = self.pages_below(slo).into_iter();
        let facts = |page: FirstPage<'_>| DependencyFacts {
            slo: page.slo.clone(),
            since: page.since,
        };
        pages.take(DEPENDENCIES_MAX).map(facts).collect()
    }

    /// The pages of other SLOs that keep an alert quiet.
    pub(super) fn dependency_mutes(&self, key: &AlertKey) -> Vec<Mute> {
        let Some(instance) = key.instance() else {
            return Vec::new();
        };
        if self.routing.dependencies != DependencyPolicy::Mute {
            return Vec::new();
        }
        let slo = &instance.slo;
        let below = self.pages_below(slo);
        if below.is_empty() {
            return Vec::new();
        }
        let own = self.first_pages(&BTreeSet::from([slo])).into_iter().next();
        let comes_first = |page: &FirstPage<'_>| match own {
            Some(own) if self.dependencies.of(page.slo).contains(slo) => {
                (page.since, page.slo) < (own.since, own.slo)
            }
            _ => true,
        };
        let mute = |page: FirstPage<'_>| Mute::Dependency {
            slo: page.slo.clone(),
            by: page.key.clone(),
        };
        let quiet = below.into_iter().filter(comes_first);
        quiet.take(DEPENDENCIES_MAX).map(mute).collect()
    }

    fn pages_below(&self, slo: &SloId) -> Vec<FirstPage<'_>> {
        if self.alerts.is_empty() || !self.dependencies.direct.contains_key(slo) {
            return Vec::new();
        }
        self.first_pages(&self.dependencies.of(slo))
    }

    /// Of each of these SLOs the page that began first, the first of all to begin with.
    fn first_pages(&self, slos: &BTreeSet<&SloId>) -> Vec<FirstPage<'_>> {
        let first = slos.iter().filter_map(|slo| self.first_page(slo));
        let mut pages: Vec<FirstPage<'_>> = first.collect();
        pages.sort_unstable();
        pages
    }

    /// The alerts of an SLO lie side by side, so only they are looked at.
    fn first_page(&self, slo: &SloId) -> Option<FirstPage<'_>> {
        let begin = AlertKey::Burn {
            instance: InstanceId {
                slo: slo.clone(),
                labels: Labels::lowest(),
            },
            severity: Severity::Page,
        };
        let mut first: Option<FirstPage<'_>> = None;
        for (key, record) in self.alerts.range(begin..) {
            let AlertKey::Burn { instance, severity } = key else {
                break;
            };
            if instance.slo != *slo {
                break;
            }
            if *severity != Severity::Page || !record.is_firing() {
                continue;
            }
            let page = FirstPage {
                since: record.state.since(),
                slo: &instance.slo,
                key,
            };
            first = Some(first.map_or(page, |known| known.min(page)));
        }
        first
    }
}
