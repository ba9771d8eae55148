//! Which wishes no definition can grant.

use super::windows::shortest_page;
pub use crate::config::wishes::{BURSTS_MAX, Burst, Wishes};
use crate::engine::{Objective, Policy, ReadingOptions, Severity, Slo, Span};
use crate::message::figures;

impl Wishes {
    /// Whether this objective may be promised.
    pub fn allow(&self, objective: Objective) -> bool {
        self.objective_at_least
            .is_none_or(|least| objective >= least)
            && self.objective_at_most.is_none_or(|most| objective <= most)
    }

    /// The wishes that contradict each other or that arithmetic forbids, whatever the past was.
    pub fn impossible(&self, slo: &Slo, reading: &ReadingOptions) -> Vec<String> {
        let mut found = Vec::new();
        if *self == Self::default() {
            found.push(
                "nothing is wished for: say for example --pages-per-week 2 --detect \"10% within 10m\""
                    .to_owned(),
            );
        }
        if let (Some(least), Some(most)) = (self.objective_at_least, self.objective_at_most)
            && least > most
        {
            let (least, most) = (least.percent(), most.percent());
            found.push(format!(
                "the objective cannot be at least {least} and at most {most}"
            ));
        }
        let latency = latency(reading);
        let pages = page_tiers(&slo.policy);
        let needs_pages = !self.bursts.is_empty();
        if needs_pages && pages == 0 {
            let policy = &slo.policy.name;
            found.push(format!(
                "bursts cannot page: the policy {policy:?} of {} has no page tier",
                slo.id
            ));
        }
        for burst in &self.bursts {
            found.extend(self.unseen(burst, slo, reading, latency));
        }
        found
    }

    /// Why a burst cannot be seen in time with any allowed objective.
    fn unseen(
        &self,
        burst: &Burst,
        slo: &Slo,
        reading: &ReadingOptions,
        latency: Span,
    ) -> Option<String> {
        let ratio = figures::percent(burst.error_ratio);
        if burst.within <= latency {
            return Some(format!(
                "errors of {ratio} cannot be seen within {}: a sample is up to {} old (scrape \
                 interval) and is looked at every {} (slot), so wish for more than {latency}",
                burst.within, reading.scrape_interval, reading.interval
            ));
        }
        let most = self.objective_at_most?;
        let most_percent = most.percent();
        if burst.error_ratio <= most.budget_ratio() {
            return Some(format!(
                "errors of {ratio} are within the budget of {most_percent}, the strictest \
                 objective that is allowed: no burn rate above 1 comes of them"
            ));
        }
        let needed = budget_needed(burst, shortest_page(&slo.policy, reading)?, latency);
        (most.budget_ratio() > needed).then(|| {
            let objective = 100.0 * (1.0 - needed);
            format!(
                "errors of {ratio} are seen within {} only with an objective of at least \
                 {objective:.3}, or a tier pages at burns that the budget allows (burn = ratio x \
                 time / (window x budget)); at most {most_percent} is allowed",
                burst.within
            )
        })
    }
}

/// The widest budget ratio with which the tier of this long window sees a burst in time while its
/// factor is at least 1: within `t` a burst of ratio `e` brings the window to `e t / long`.
pub(super) fn budget_needed(burst: &Burst, long: Span, latency: Span) -> f64 {
    burst.error_ratio * (burst.within - latency).ratio(long)
}

/// What passes at most between a request and the decision about it.
pub(super) fn latency(reading: &ReadingOptions) -> Span {
    reading.interval + reading.scrape_interval
}

fn page_tiers(policy: &Policy) -> usize {
    let pages = policy.tiers.iter();
    pages.filter(|tier| tier.severity == Severity::Page).count()
}
