//! What asks for quiet about an alert: silences, inhibition, dependencies, maintenance, the page of
//! the same instance; and when a route rests.
//!
//! Everything is asked anew each time, of the alerts that fire and of the time: no mute has a
//! memory of its own, so none outlives its cause.

use super::alert::AlertRecord;
use super::inhibit::InhibitRule;
use super::labels::Labels;
use super::mute::Mute;
use super::notification::AlertKey;
use super::policy::Severity;
use super::routing::{Route, Routing};
use super::silence::{Silence, SilenceState};
use super::slo::InstanceId;
use super::step::Engine;
use super::time::Timestamp;

/// Most silences that one alert names: more explain nothing.
const SILENCES_NAMED_MAX: usize = 16;

impl Engine {
    /// What asks for quiet about a firing alert with these matching labels, whatever its routes;
    /// empty when somebody should be told. An alert that fired before must still be among the
    /// open ones: in a circle of dependencies it matters which began first.
    pub(super) fn mutes_of(&self, key: &AlertKey, labels: &Labels, now: Timestamp) -> Vec<Mute> {
        let mut mutes: Vec<Mute> = Vec::new();
        mutes.extend(self.page_over(key).map(|by| Mute::Page { by }));
        mutes.extend(self.silences_of(labels, now));
        let rules = self.routing.inhibit.iter();
        mutes.extend(rules.filter_map(|rule| self.inhibition(rule, key, labels)));
        mutes.extend(self.dependency_mutes(key));
        let windows = self.routing.maintenance.iter();
        let open = windows.filter(|window| window.is_about(labels, now));
        mutes.extend(open.map(|window| Mute::Maintenance {
            name: window.name.clone(),
        }));
        mutes
    }

    /// The firing page that keeps the ticket of the same instance quiet, where the policy says so.
    fn page_over(&self, key: &AlertKey) -> Option<AlertKey> {
        let AlertKey::Burn {
            instance,
            severity: Severity::Ticket,
        } = key
        else {
            return None;
        };
        let page = AlertKey::Burn {
            instance: instance.clone(),
            severity: Severity::Page,
        };
        let record = self.alerts.get(&page)?;
        (record.is_firing() && self.page_mutes_ticket(instance)).then_some(page)
    }

    fn page_mutes_ticket(&self, instance: &InstanceId) -> bool {
        let mut slos = self.feeds.values().flat_map(|state| &state.feed.slos);
        let slo = slos.find(|slo| slo.id == instance.slo);
        slo.is_some_and(|slo| slo.policy.page_mutes_ticket)
    }

    fn silences_of(&self, labels: &Labels, now: Timestamp) -> impl Iterator<Item = Mute> {
        let is_active = move |silence: &&Silence| {
            silence.state(now) == SilenceState::Active && silence.matches(labels)
        };
        let mute = |silence: &Silence| Mute::Silence {
            id: silence.id.clone(),
            until: silence.ends_at,
            created_by: silence.created_by.clone(),
            comment: silence.comment.clone(),
        };
        let active = self.silences.values().filter(is_active);
        active.take(SILENCES_NAMED_MAX).map(mute)
    }

    /// The alert that keeps this one quiet by a rule: of several the one that began first.
    fn inhibition(&self, rule: &InhibitRule, key: &AlertKey, labels: &Labels) -> Option<Mute> {
        if !rule.is_target(labels) {
            return None;
        }
        let is_source = |record: &&AlertRecord| {
            record.is_firing() && record.key != *key && rule.is_inhibited_by(&record.facts, labels)
        };
        let sources = self.alerts.values().filter(is_source);
        let first = sources.min_by_key(|record| record.state.since())?;
        Some(Mute::Inhibited {
            rule: rule.name.clone(),
            by: first.key.clone(),
        })
    }
}

impl Routing {
    /// Why a route tells nobody at this time, if it rests: it is outside all its active intervals,
    /// or inside one of its mute intervals.
    pub fn rest(&self, route: &Route, now: Timestamp) -> Option<Mute> {
        let is_inside = |name: &&String| self.is_inside(name, now);
        let rest = |interval: String, active: bool| Mute::Interval {
            route: route.name.clone(),
            interval,
            active,
        };
        let active = &route.active_intervals;
        if !active.is_empty() && !active.iter().any(|name| is_inside(&name)) {
            return Some(rest(active.join(", "), true));
        }
        let inside = route.mute_intervals.iter().find(is_inside)?;
        Some(rest(inside.clone(), false))
    }

    /// Whether the time is inside a named interval; never inside one that has no such name.
    fn is_inside(&self, name: &str, now: Timestamp) -> bool {
        let intervals = self.intervals.get(name).into_iter().flatten();
        intervals.into_iter().any(|interval| interval.contains(now))
    }
}

#[cfg(test)]
mod tests;
