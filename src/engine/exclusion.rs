//! What maintenance leaves out of budgets: the events of the stretches in which a window that says
//! so was open. The windows of tiers keep them: whatever burns is still seen to burn.
//!
//! Nothing is remembered for it. Whenever a budget is reckoned, the events of the stretches are
//! taken out of the past as it is booked, so late samples, a restart and a window that is declared
//! afterwards all come out right. As long as a stretch lies within the longest window of a tier it
//! is exact to the bucket of 30 s. What is older is kept by the hour (by the quarter of an hour
//! where a calendar period begins on one): there every bucket that the stretch touches is left
//! out, so that no error of the maintenance comes back, and stretches of whole hours stay exact.

use std::sync::Arc;

use super::burn_alert::facts_of;
use super::counts::Counts;
use super::maintenance::{Maintenance, Stretch, join};
use super::notification::{AlertKey, Reason};
use super::policy::Severity;
use super::routing::Routing;
use super::slo::{InstanceId, Slo};
use super::time::{Span, Timestamp};
use super::window::Window;

/// The maintenance windows that leave something out at one slot, and when they were open.
pub(super) struct Exclusions<'a> {
    windows: Vec<(&'a Maintenance, Vec<Stretch>)>,
}

impl<'a> Exclusions<'a> {
    /// As far back as the budget of any of these SLOs looks.
    pub(super) fn new<'s>(
        routing: &'a Routing,
        slos: impl Iterator<Item = &'s Arc<Slo>>,
        now: Timestamp,
    ) -> Self {
        let excluding = routing.maintenance.iter();
        let mut excluding = excluding
            .filter(|window| window.exclude_from_budget)
            .peekable();
        if excluding.peek().is_none() {
            return Self {
                windows: Vec::new(),
            };
        }
        let reach = slos.map(|slo| slo.period.reach()).max();
        let from = now - reach.unwrap_or(Span::ZERO);
        let opened = |window: &'a Maintenance| (window, window.when.stretches(from, now));
        Self {
            windows: excluding.map(opened).collect(),
        }
    }

    /// The stretches that are left out of the budget of an instance. A window is about it when it
    /// is about its alerts: the matchers are asked of the labels that its info alert, the one
    /// about the budget, has at this time.
    pub(super) fn of(&self, slo: &Slo, id: &InstanceId, now: Timestamp) -> Vec<Stretch> {
        if self.windows.is_empty() {
            return Vec::new();
        }
        let severity = Severity::Info;
        let key = AlertKey::Burn {
            instance: id.clone(),
            severity,
        };
        let labels = id.labels.clone();
        let facts = facts_of(slo, labels, key, severity, None, Reason::Burning, now);
        let labels = facts.matching_labels();
        let about = self
            .windows
            .iter()
            .filter(|(window, _)| window.is_about(&labels));
        join(
            about
                .flat_map(|(_, stretches)| stretches)
                .copied()
                .collect(),
        )
    }
}

/// The events of `(now - length, now]` within the stretches.
pub(super) fn excluded(
    window: &Window,
    stretches: &[Stretch],
    length: Span,
    now: Timestamp,
) -> Counts {
    let begin = now - length;
    let widened = stretches.iter().map(|(from, until)| {
        let (from, _) = window.edges(*from, now);
        let (_, until) = window.edges(*until, now);
        (from.max(begin), until.min(now))
    });
    let since = |at: Timestamp| window.sum(now.since(at), now);
    join(widened.collect())
        .into_iter()
        .fold(Counts::ZERO, |sum, (from, until)| {
            sum + (since(from) - since(until))
        })
}

#[cfg(test)]
mod tests;
