//! How a burn came to be: burn and budget of the last hours, for the picture in a notification.
//!
//! A curve is read from the same rings that decide, so it never contradicts the numbers beside it.
//! It is put into notifications only, not into records: it can be read again at any time.

use std::collections::BTreeMap;

use super::budget::Account;
use super::effect::Effect;
use super::measure::Tally;
use super::notification::{AlertKey, Curve};
use super::slo::{InstanceId, Slo};
use super::step::Engine;
use super::time::{Span, Timestamp};

/// Distance of the points.
const STEP: Span = Span::from_mins(5);
/// How many points: 6 h and both ends.
const POINTS: i64 = 73;
/// Most curves drawn in one step: what comes beyond is a storm, whose messages are summaries.
const CURVES_MAX: usize = 64;

impl Engine {
    /// The last six hours of an instance up to `now`, or up to where it has been read. Of an
    /// instance that is measured by counters or slices; the direct path and composites have no
    /// past of their own, and neither has an instance whose rings are too coarse.
    pub fn curve_of(&self, id: &InstanceId, now: Timestamp) -> Option<Curve> {
        let state = self
            .feeds
            .values()
            .find(|state| state.live.tally(id).is_some())?;
        let tally = state.live.tally(id)?;
        let slo = state.feed.slos.iter().find(|slo| slo.id == id.slo)?;
        let covered_from = state.live.covered_from(&id.slo)?;
        let now = now.min(state.live.read_until()?);
        curve(slo, tally, covered_from, now)
    }

    /// Puts the curves into what people are told about burns.
    pub(super) fn illustrate(&self, effects: &mut [Effect]) {
        let mut known: BTreeMap<InstanceId, Option<Curve>> = BTreeMap::new();
        for effect in effects {
            let Effect::Notify(notification) = effect else {
                continue;
            };
            let facts = &mut notification.facts;
            let AlertKey::Burn { instance, .. } = &facts.key else {
                continue;
            };
            if !known.contains_key(instance) {
                if known.len() == CURVES_MAX {
                    continue;
                }
                let curve = self.curve_of(instance, facts.decided_at);
                known.insert(instance.clone(), curve);
            }
            facts.curve = known.get(instance).cloned().flatten();
        }
    }
}

fn curve(slo: &Slo, tally: &Tally, covered_from: Timestamp, now: Timestamp) -> Option<Curve> {
    let window = &tally.window;
    let account = Account::from_tally(slo, tally, now);
    let mut points = Vec::new();
    for back in (0..POINTS).rev() {
        let after = STEP.times(back);
        let before = after + STEP;
        let end = now - after;
        let later = window.sum(after, now);
        let is_read = covered_from <= now - before && window.width(before) <= STEP;
        let burn = is_read.then(|| {
            let counts = (window.sum(before, now) - later).sane();
            account.reading(STEP, counts, slo.objective).burn
        });
        // What lies before the period, or was not read, costs nothing of its budget.
        let is_within = covered_from <= end && window.width(after) <= STEP;
        let is_within = is_within && after <= account.elapsed;
        let consumed = is_within.then(|| account.consumed_without(slo.objective, later.sane().bad));
        points.push((
            burn.flatten().and_then(finite),
            consumed.flatten().and_then(finite),
        ));
    }
    let (burn, consumed): (Vec<_>, Vec<_>) = points.into_iter().unzip();
    burn.iter().any(Option::is_some).then_some(Curve {
        until: now,
        step: STEP,
        burn,
        consumed,
    })
}

fn finite(value: f64) -> Option<f32> {
    let value = value as f32;
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests;
