//! What asks for quiet about an alert: silences, inhibition, dependencies, maintenance, the page of
//! the same instance; and when a route rests.
//!
//! Everything is asked anew each time, of the alerts that fire and of the time: no mute has a
//! memory of its own, so none outlives its cause.

use super::alert::AlertRecord;
use super::inhibit::{InhibitRule, Inhibitors};
use super::labels::Labels;
use super::maintenance::Maintenance;
use super::mute::Mute;
use super::notification::AlertKey;
use super::routing::{Route, Routing};
use super::silence::{Silence, SilenceState};
use super::step::Engine;
use super::time::Timestamp;

/// Most silences that one alert names: more explain nothing.
const SILENCES_NAMED_MAX: usize = 16;

/// What asks for quiet at one time, as far as it is the same for all alerts. Which of them fire and
/// which silences there are must not change while it is used.
#[derive(Debug)]
pub(super) struct Quiet {
    /// The active ones.
    silences: Vec<Silence>,
    /// The open windows.
    maintenance: Vec<Maintenance>,
    /// By rule, once it has met a target.
    inhibitors: Vec<Option<Inhibitors>>,
}

impl Engine {
    /// What asks for quiet at this time.
    pub(super) fn quiet(&self, now: Timestamp) -> Quiet {
        let silences = self.silences.values();
        let active = silences.filter(|silence| silence.state(now) == SilenceState::Active);
        let windows = self.routing.maintenance.iter();
        let open = windows.filter(|window| window.when.contains(now));
        Quiet {
            silences: active.cloned().collect(),
            maintenance: open.cloned().collect(),
            inhibitors: self.routing.inhibit.iter().map(|_| None).collect(),
        }
    }

    /// What asks for quiet about a firing alert with these matching labels, whatever its routes;
    /// empty when somebody should be told. An alert that fired before must still be among the
    /// open ones: in a circle of dependencies it matters which began first.
    pub(super) fn mutes_of(&self, key: &AlertKey, labels: &Labels, quiet: &mut Quiet) -> Vec<Mute> {
        let mut mutes: Vec<Mute> = Vec::new();
        mutes.extend(self.page_over(key).map(|by| Mute::Page { by }));
        let silences = quiet.silences.iter();
        let silences = silences.filter(|silence| silence.matches(labels));
        mutes.extend(silences.take(SILENCES_NAMED_MAX).map(mute_of));
        let rules = self.routing.inhibit.iter().zip(&mut quiet.inhibitors);
        for (rule, inhibitors) in rules.filter(|(rule, _)| rule.is_target(labels)) {
            let inhibitors = inhibitors.get_or_insert_with(|| {
                let firing = self.alerts.values().filter(|record| record.is_firing());
                Inhibitors::new(rule, firing)
            });
            mutes.extend(inhibitors.over(rule, labels).map(|by| Mute::Inhibited {
                rule: rule.name.clone(),
                by: by.clone(),
            }));
        }
        mutes.extend(self.dependency_mutes(key));
        let windows = quiet.maintenance.iter();
        let windows = windows.filter(|window| window.is_about(labels));
        mutes.extend(windows.map(|window| Mute::Maintenance {
            name: window.name.clone(),
        }));
        mutes
    }

    /// The firing page that keeps the ticket of the same instance quiet, where the policy says so.
    fn page_over(&self, key: &AlertKey) -> Option<AlertKey> {
        let page = key.page_over()?;
        let mutes = self
            .slos
            .get(&page.instance()?.slo)?
            .policy
            .page_mutes_ticket;
        (mutes && self.alerts.get(&page)?.is_firing()).then_some(page)
    }
}

fn mute_of(silence: &Silence) -> Mute {
    Mute::Silence {
        id: silence.id.clone(),
        until: silence.ends_at,
        created_by: silence.created_by.clone(),
        comment: silence.comment.clone(),
    }
}

impl Routing {
    /// What rules of inhibition ask for about an alert with these matching labels, while these
    /// alerts are open.
    pub fn inhibitions(&self, labels: &Labels, open: &[&AlertRecord]) -> Vec<Mute> {
        let rules = self.inhibit.iter().filter(|rule| rule.is_target(labels));
        let mute = |rule: &InhibitRule| {
            let firing = open.iter().copied().filter(|record| record.is_firing());
            let inhibitors = Inhibitors::new(rule, firing);
            inhibitors.over(rule, labels).map(|by| Mute::Inhibited {
                rule: rule.name.clone(),
                by: by.clone(),
            })
        };
        rules.filter_map(mute).collect()
    }

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
