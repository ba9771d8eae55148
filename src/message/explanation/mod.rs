//! Why an alert is, or is not, up: an [`Explanation`] of one instance at one slot.
//!
//! Everything in it follows from what the engine has decided: the evaluation of the slot, the open
//! alerts, silences and routes. Each part has its figures, and says in words (`says`) what they
//! mean; all sentences are made in `words`.

mod alert;
mod form;
mod tier;
mod words;

#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::engine::{
    AlertKey, AlertRecord, Evaluation, InstanceId, Labels, Outcome, Routing, Severity, Silence,
    Slo, SloId, Span, Timestamp, Verdict,
};

pub use alert::{AlertStory, Announcement, Keeper, MuteStory, RouteStory};
pub use form::{Length, Moment};
pub use tier::{TierStory, WindowStory};

/// What an explanation is made from.
#[derive(Clone, Debug)]
pub struct Present<'a> {
    /// The definition.
    pub slo: &'a Slo,
    /// Whose explanation it is.
    pub id: &'a InstanceId,
    /// Its last slot; `None` before the first one.
    pub evaluation: Option<&'a Evaluation>,
    /// The open alerts, those of others among them.
    pub alerts: &'a [&'a AlertRecord],
    /// Who is told.
    pub routing: &'a Routing,
    /// The silences there are.
    pub silences: &'a [Silence],
    /// When this is asked.
    pub now: Timestamp,
}

/// Why the alerts of an instance are up, or are not.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// `service/name{labels}`.
    pub instance: String,
    /// The SLO.
    pub slo: SloId,
    /// The labels of the instance.
    pub labels: Labels,
    /// The slot that is explained; `None` before the first one.
    pub at: Option<Moment>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// All of it in one sentence.
    pub summary: String,
    /// The alert of each severity that the policy knows, and whatever else is open, loudest first.
    pub alerts: Vec<AlertStory>,
    /// The tiers of the policy, in its order.
    pub tiers: Vec<TierStory>,
    /// The budget of the period, where known.
    pub budget: Option<BudgetStory>,
    /// What is seen of the instance.
    pub sight: Sight,
    /// How its last slots ended.
    pub recent: Past,
}

/// The budget, and what would exhaust it.
#[derive(Clone, Debug, Serialize)]
pub struct BudgetStory {
    /// Share consumed, above 1 when overspent.
    pub consumed: f64,
    /// Share left, below 0 when overspent.
    pub remaining: f64,
    /// Share (0..1) of the period whose events are known.
    pub coverage: f64,
    /// Time until nothing is left at the present burn; `None` while it does not shrink.
    pub exhausted_in: Option<Length>,
    /// Bad events of the period, where events are counted.
    pub bad: Option<f64>,
    /// Bad events that the period allows.
    pub allowed: Option<f64>,
    /// The least number of further bad events that exhausts it.
    pub bad_to_exhaust: Option<u64>,
    /// The policy's thresholds, rising.
    pub thresholds: Vec<Threshold>,
    /// In words.
    pub says: Vec<String>,
}

/// A share of the budget at which a notice is due.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Threshold {
    /// The share (0..1).
    pub share: f64,
    /// Whether so much is consumed.
    pub is_crossed: bool,
    /// The least number of further bad events that crosses it; `None` once it is crossed, or where
    /// events are not counted.
    pub bad_to_cross: Option<u64>,
}

/// What is seen of an instance.
#[derive(Clone, Debug, Serialize)]
pub struct Sight {
    /// Why the slot has nothing to decide on, if so.
    pub detail: Option<String>,
    /// The newest sample.
    pub newest_sample_at: Option<Moment>,
    /// Its age at the slot.
    pub newest_sample_age: Option<Length>,
    /// From when on samples are known.
    pub covered_from: Option<Moment>,
    /// Slots in a row in which nothing was seen.
    pub dark_slots: u32,
    /// So many of them make an alert.
    pub alert_after_slots: Option<u32>,
    /// In words.
    pub says: Vec<String>,
}

/// How the last slots ended.
#[derive(Clone, Debug, Serialize)]
pub struct Past {
    /// Oldest first.
    pub slots: Vec<SlotStory>,
    /// In words.
    pub says: Vec<String>,
}

/// One slot.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SlotStory {
    /// When.
    pub at: Moment,
    /// How it ended.
    pub outcome: Outcome,
}

/// Explains an instance.
pub fn explain(present: &Present<'_>) -> Explanation {
    let evaluation = present.evaluation;
    let tiers = evaluation.map(|e| tier::stories(present, e));
    let tiers = tiers.unwrap_or_default();
    let alerts = alert::stories(present);
    let sight = sight(present);
    Explanation {
        instance: present.id.to_string(),
        slo: present.id.slo.clone(),
        labels: present.id.labels.clone(),
        at: evaluation.map(|e| Moment(e.at)),
        outcome: evaluation.map(|e| e.outcome),
        summary: words::summary(present, &alerts, &tiers),
        alerts,
        tiers,
        budget: evaluation.and_then(|e| budget(present.slo, e)),
        sight,
        recent: past(evaluation),
    }
}

/// How much an instance deserves a look, the more the greater: a firing page, ... a tier close to
/// its threshold.
pub fn interest(evaluation: Option<&Evaluation>, alerts: &[&AlertRecord]) -> (u8, f64) {
    let loudness = |alert: &&AlertRecord| match (alert.is_firing(), alert.facts.severity) {
        (true, Severity::Page) => 6,
        (true, Severity::Ticket) => 5,
        (false, Severity::Page) => 4,
        (false, _) => 3,
        (true, Severity::Info) => 2,
    };
    let loudest = alerts.iter().map(loudness).max().unwrap_or(0);
    let is_dark = evaluation.is_some_and(|e| !e.outcome.is_evidence());
    (
        loudest.max(u8::from(is_dark)),
        evaluation.map_or(0.0, |e| {
            e.tiers.iter().map(tier::closeness).fold(0.0, f64::max)
        }),
    )
}

/// The open alerts that are about an instance: its own, those about its SLO as a whole, and that
/// the source is down.
fn alerts_of<'a>(id: &InstanceId, alerts: &[&'a AlertRecord]) -> Vec<&'a AlertRecord> {
    let is_about = |alert: &&AlertRecord| match &alert.key {
        AlertKey::Burn { instance, .. } => instance == id,
        AlertKey::Blind { instance } => {
            instance.slo == id.slo && (instance.labels.is_empty() || instance.labels == id.labels)
        }
        AlertKey::SourceDown { .. } => true,
    };
    alerts.iter().copied().filter(is_about).collect()
}

fn budget(slo: &Slo, evaluation: &Evaluation) -> Option<BudgetStory> {
    let facts = evaluation.budget?;
    let allowance = evaluation.allowance;
    let threshold = |share: &f64| {
        let is_crossed = facts.consumed >= *share;
        Threshold {
            share: *share,
            is_crossed,
            bad_to_cross: allowance
                .filter(|_| !is_crossed)
                .map(|allowance| allowance.bad_until(*share)),
        }
    };
    let story = BudgetStory {
        consumed: facts.consumed,
        remaining: facts.remaining,
        coverage: facts.coverage,
        exhausted_in: facts.exhausted_in.map(Length),
        bad: allowance.map(|allowance| allowance.bad),
        allowed: allowance.map(|allowance| allowance.allowed),
        bad_to_exhaust: allowance
            .filter(|_| facts.remaining > 0.0)
            .map(|allowance| allowance.bad_until(1.0)),
        thresholds: slo.policy.budget.thresholds.iter().map(threshold).collect(),
        says: Vec::new(),
    };
    Some(BudgetStory {
        says: words::budget(slo, &story),
        ..story
    })
}

fn sight(present: &Present<'_>) -> Sight {
    let evaluation = present.evaluation;
    let newest = evaluation.and_then(|e| e.newest);
    let blind = present.slo.policy.blind.as_ref();
    let sight = Sight {
        detail: evaluation.and_then(|e| e.detail.clone()),
        newest_sample_at: newest.map(Moment),
        newest_sample_age: newest
            .zip(evaluation)
            .map(|(newest, e)| Length(e.at.since(newest))),
        covered_from: evaluation.and_then(|e| e.covered_from).map(Moment),
        dark_slots: evaluation.map_or(0, |e| e.dark_slots),
        alert_after_slots: blind.map(|policy| policy.after_slots),
        says: Vec::new(),
    };
    Sight {
        says: words::sight(present, &sight),
        ..sight
    }
}

fn past(evaluation: Option<&Evaluation>) -> Past {
    let slots = evaluation.map_or(&[][..], |e| e.recent.slots());
    let is_full = evaluation.is_some_and(|e| e.recent.is_full());
    Past {
        says: words::past(slots, is_full),
        slots: slots
            .iter()
            .map(|slot| SlotStory {
                at: Moment(slot.at),
                outcome: slot.outcome,
            })
            .collect(),
    }
}

/// Whether the verdict says that a tier burns.
fn burns(verdict: Verdict) -> bool {
    verdict == Verdict::Burning
}

/// The time that is left until `at`; none when it has passed.
fn left(at: Timestamp, now: Timestamp) -> Span {
    at.since(now)
}
