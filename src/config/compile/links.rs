//! How SLOs refer to each other, once all of them are known.
//!
//! Everything here is linear in the number of SLOs and references.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use crate::config::diagnostic::Level;
use crate::config::lint::Lint;
use crate::config::nearest::nearest;
use crate::config::tree::Mark;
use crate::engine::{Indicator, Reach, Slo, SloId};

use super::fit::has_counts;
use super::slo::Draft;

/// Checks all references, and tells each part how much of its past composites read. A composite
/// that lacks a part is no SLO; one with a dependency that does not exist is, without it.
///
/// `lost` says that some SLO may stand in a part that could not be read.
pub(super) fn link(drafts: &mut [Draft<'_>], lost: bool) {
    let mut numbers: BTreeMap<SloId, usize> = BTreeMap::new();
    for (number, draft) in drafts.iter().enumerate() {
        numbers.entry(draft.id.clone()).or_insert(number);
    }
    let links = Links {
        drafts,
        numbers: &numbers,
        lost,
        searches: Cell::new(0),
    };
    let broken = links.check_parts();
    let known = links.check_dependencies();
    links.check_cycles();
    let reaches = links.reaches(&broken);
    for (draft, known) in drafts.iter_mut().zip(known) {
        if let Some((slo, _)) = &mut draft.slo {
            slo.document.depends_on = known;
        }
    }
    for number in broken {
        drafts[number].slo = None;
    }
    for (number, reach) in reaches {
        if let Some((slo, _)) = &mut drafts[number].slo {
            slo.reach = std::mem::take(&mut slo.reach).join(&reach);
        }
    }
}

struct Links<'d, 'a> {
    drafts: &'d [Draft<'a>],
    numbers: &'d BTreeMap<SloId, usize>,
    lost: bool,
    /// How often a similar name was looked for.
    searches: Cell<usize>,
}

/// A search for a similar name looks at so many names of the service, ...
const NAMES_MAX: usize = 1000;
/// ... and there are so many searches: more mistakes are hardly shown.
const SEARCHES_MAX: usize = 200;

impl Links<'_, '_> {
    /// The composites that cannot be evaluated.
    fn check_parts(&self) -> BTreeSet<usize> {
        let mut broken = BTreeSet::new();
        for (number, draft) in self.drafts.iter().enumerate() {
            let Some((whole, _)) = &draft.slo else {
                continue;
            };
            for (id, mark) in &draft.parts {
                let Some(part) = self.numbers.get(id) else {
                    self.unknown(draft, *mark, id, Level::Error);
                    broken.insert(number);
                    continue;
                };
                // One that has mistakes has been reported.
                let fits = self.drafts[*part].slo.as_ref().is_some_and(|(part, _)| {
                    let misfit = misfit(whole, part);
                    if let Some((message, fix)) = &misfit {
                        draft.report.error(*mark, message, fix);
                    }
                    misfit.is_none()
                });
                if !fits {
                    broken.insert(number);
                }
            }
        }
        broken
    }

    /// Of each SLO the dependencies that exist. A missing one stops nothing: it may have been
    /// removed by its owner, and alerts are worth more than a reference.
    fn check_dependencies(&self) -> Vec<Vec<SloId>> {
        let known = |draft: &Draft<'_>| {
            let exists = |(id, mark): &(SloId, Mark)| {
                let exists = self.numbers.contains_key(id);
                if !exists {
                    self.unknown(draft, *mark, id, Level::Warning);
                }
                exists.then(|| id.clone())
            };
            draft.depends_on.iter().filter_map(exists).collect()
        };
        self.drafts.iter().map(known).collect()
    }

    fn unknown(&self, draft: &Draft<'_>, mark: Mark, id: &SloId, level: Level) {
        let near = self.similar(id);
        // It may stand in what could not be read, unless it looks like a typing error.
        if self.lost && near.is_none() {
            return;
        }
        let fix = match near {
            Some(near) => format!("did you mean {near:?}?"),
            None => "write service/name of an SLO that is loaded beside this one".to_owned(),
        };
        let message = format!("the SLO {id} is not defined");
        draft
            .report
            .lint_as(level, Lint::UnknownReference, mark, message, fix);
    }

    /// The nearest name of the same service.
    fn similar(&self, id: &SloId) -> Option<&str> {
        let number = self.searches.replace(self.searches.get() + 1);
        if number >= SEARCHES_MAX {
            return None;
        }
        let service = id.as_str().split('/').next().unwrap_or_default();
        let all = self.numbers.range(SloId::new(service, "")..);
        let same_service = all
            .map(|(id, _)| id.as_str())
            .take_while(|id| id.split('/').next() == Some(service));
        nearest(id.as_str(), same_service.take(NAMES_MAX))
    }

    /// Two SLOs cannot each be the cause of the other. Each circle is told once, where it closes.
    fn check_cycles(&self) {
        let mut state = vec![Visit::Not; self.drafts.len()];
        for start in 0..self.drafts.len() {
            if state[start] != Visit::Not {
                continue;
            }
            // The way from the start, and which dependency of each comes next.
            let mut way: Vec<(usize, usize)> = vec![(start, 0)];
            state[start] = Visit::OnTheWay;
            while let Some((number, next)) = way.last_mut() {
                let draft = &self.drafts[*number];
                let Some((id, mark)) = draft.depends_on.get(*next) else {
                    state[*number] = Visit::Done;
                    way.pop();
                    continue;
                };
                *next += 1;
                let Some(to) = self.numbers.get(id).copied() else {
                    continue;
                };
                match state[to] {
                    Visit::Done => {}
                    Visit::Not => {
                        state[to] = Visit::OnTheWay;
                        way.push((to, 0));
                    }
                    Visit::OnTheWay => self.circle(draft, *mark, &way, to),
                }
            }
        }
    }

    fn circle(&self, draft: &Draft<'_>, mark: Mark, way: &[(usize, usize)], to: usize) {
        const SHOWN_MAX: usize = 10;
        let circle = way.iter().skip_while(|(number, _)| *number != to);
        let mut names: Vec<&str> = circle
            .map(|(number, _)| self.drafts[*number].id.as_str())
            .take(SHOWN_MAX)
            .collect();
        names.push(self.drafts[to].id.as_str());
        let message = format!("depends_on leads in a circle: {}", names.join(" -> "));
        let fix = "remove one of these dependencies: a cause has an end";
        draft.report.error(mark, message, fix);
    }

    /// What composites ask of their parts.
    fn reaches(&self, broken: &BTreeSet<usize>) -> Vec<(usize, Reach)> {
        let mut reaches = Vec::new();
        for (number, draft) in self.drafts.iter().enumerate() {
            let Some((whole, _)) = draft.slo.as_ref().filter(|_| !broken.contains(&number)) else {
                continue;
            };
            let parts = draft.parts.iter();
            let parts = parts.filter_map(|(id, _)| self.numbers.get(id));
            reaches.extend(parts.map(|part| (*part, whole.reach.clone())));
        }
        reaches
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    Not,
    OnTheWay,
    Done,
}

/// Why an SLO cannot be a part of another, and what to do instead.
fn misfit(whole: &Slo, part: &Slo) -> Option<(String, String)> {
    let id = &part.id;
    if matches!(part.indicator, Indicator::Composite(_)) {
        let message = format!("{id} is a composite itself");
        return Some((message, "list its parts here instead".to_owned()));
    }
    let missing: Vec<&String> = whole
        .group_by
        .iter()
        .filter(|label| !part.group_by.contains(label))
        .collect();
    let shared = part.group_by.is_empty();
    if let Some(first) = missing.first().filter(|_| !shared) {
        let message = format!(
            "the composite is grouped by {first:?}, but {id} is grouped by other labels only"
        );
        let fix = format!(
            "group the part by all of {}, or by nothing if it is shared",
            whole.group_by.join(", ")
        );
        return Some((message, fix));
    }
    let more = part.group_by.len() > whole.group_by.len();
    if more && !has_counts(&part.indicator) {
        let message = format!(
            "{id} is grouped by more labels than the composite, and its ratios cannot be added up"
        );
        let fix = "group both by the same labels, or write the part as sums of counters";
        return Some((message, fix.to_owned()));
    }
    None
}
