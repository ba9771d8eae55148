//! One slot of one instance: what its windows say, and which of the five outcomes that is.

use serde::Serialize;

use super::budget::{Account, Allowance};
use super::burn::{Reading, Verdict, judge};
use super::direct::DirectReadings;
use super::exclusion;
use super::maintenance::Stretch;
use super::measure::Tally;
use super::notification::{BudgetFacts, SlaFacts, TierFacts};
use super::policy::{Severity, Tier};
use super::recent::Recent;
use super::slo::{InstanceId, Slo};
use super::spending::{price, spending};
use super::time::{Span, Timestamp};

/// Samples may be this much older than three scrapes before they count as stale: a sample is
/// readable only once its scrape has ended.
pub(super) const STALE_GRACE: Span = Span::from_secs(2);
/// So many scrapes may be missing before an instance has no data.
pub(super) const STALE_SCRAPES: i64 = 3;

/// What a slot of an instance ends in: exactly one of five.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// At least one tier burns.
    Burning,
    /// Every tier is known not to burn.
    Quiet,
    /// There were no events to judge; nothing burns.
    NoTraffic,
    /// The samples are stale, absent, or do not reach back far enough.
    NoData,
    /// The source did not give a usable answer.
    Failed,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 5] = [
        Self::Burning,
        Self::Quiet,
        Self::NoTraffic,
        Self::NoData,
        Self::Failed,
    ];

    /// The word used in the API and as a metric label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Burning => "burning",
            Self::Quiet => "quiet",
            Self::NoTraffic => "no_traffic",
            Self::NoData => "no_data",
            Self::Failed => "failed",
        }
    }

    /// Whether the slot saw anything: only then may an alert resolve.
    pub const fn is_evidence(self) -> bool {
        matches!(self, Self::Burning | Self::Quiet | Self::NoTraffic)
    }
}

/// A tier at one slot.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TierStatus {
    /// Whom it reaches.
    pub severity: Severity,
    /// What it measures.
    #[serde(flatten)]
    pub facts: TierFacts,
    /// What it says.
    pub verdict: Verdict,
}

/// Everything that is known about an instance at one slot.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Whose.
    #[serde(skip)]
    pub id: InstanceId,
    /// The slot.
    pub at: Timestamp,
    /// The verdict on the slot.
    pub outcome: Outcome,
    /// Why there is nothing to decide on, where that is so.
    pub detail: Option<String>,
    /// Every window of the policy, shortest first.
    pub readings: Vec<Reading>,
    /// Every tier of the policy.
    pub tiers: Vec<TierStatus>,
    /// The budget of the period, where known.
    pub budget: Option<BudgetFacts>,
    /// The same for the SLA, where there is one.
    pub sla: Option<SlaFacts>,
    /// Time until the budget is gone at the burn of the longest window; `None` while that has no
    /// end.
    #[serde(skip)]
    pub exhausted_in: Option<Span>,
    /// Newest sample.
    pub newest: Option<Timestamp>,
    /// Whether there are fresh samples, even if too few to decide.
    #[serde(skip)]
    pub fresh: bool,
    /// From when on samples are known; `None` where the source itself answers for windows.
    #[serde(skip)]
    pub covered_from: Option<Timestamp>,
    /// The bad events of the period and how many are allowed, where events are counted.
    #[serde(skip)]
    pub allowance: Option<Allowance>,
    /// Slots in a row, this one included, in which nothing was seen of it.
    #[serde(skip)]
    pub dark_slots: u32,
    /// How its last slots ended, this one included.
    #[serde(skip)]
    pub recent: Recent,
}

impl Evaluation {
    /// A slot without anything to decide on.
    pub fn blank(id: InstanceId, at: Timestamp, outcome: Outcome, detail: String) -> Self {
        Self {
            id,
            at,
            outcome,
            detail: Some(detail),
            readings: Vec::new(),
            tiers: Vec::new(),
            budget: None,
            sla: None,
            exhausted_in: None,
            newest: None,
            fresh: false,
            covered_from: None,
            allowance: None,
            dark_slots: 0,
            recent: Recent::default(),
        }
    }

    /// The tiers of a severity that burn, fastest first.
    pub fn burning(&self, severity: Severity) -> Vec<TierFacts> {
        let burning = self
            .tiers
            .iter()
            .filter(|tier| tier.severity == severity && tier.verdict == Verdict::Burning);
        let mut burning: Vec<TierFacts> = burning.map(|tier| tier.facts.clone()).collect();
        burning.sort_by(|a, b| b.factor.total_cmp(&a.factor));
        burning
    }

    /// Whether the slot saw anything of the instance: only then may an alert move.
    pub fn is_evidence(&self) -> bool {
        self.fresh && self.outcome != Outcome::Failed
    }

    /// Whether some tier of the severity cannot be judged.
    pub fn is_undecided(&self, severity: Severity) -> bool {
        let mut tiers = self.tiers.iter().filter(|tier| tier.severity == severity);
        tiers.any(|tier| tier.verdict == Verdict::Unknown)
    }
}

/// What an evaluation knows of its instance besides the samples.
#[derive(Default)]
pub(super) struct Memory {
    /// Severity and windows of the tiers that fire.
    pub(super) burning: Vec<(Severity, Span, Span)>,
    /// The costs of the open page (else ticket) count from here.
    pub(super) costs_from: Option<Timestamp>,
    /// What is left out of the budget.
    pub(super) excluded: Vec<Stretch>,
}

/// Evaluates an instance from its counted past.
pub(super) fn from_tally(
    slo: &Slo,
    tally: &Tally,
    covered_from: Option<Timestamp>,
    memory: &Memory,
    now: Timestamp,
) -> Evaluation {
    let covered_from = covered_from.unwrap_or(now);
    let covers = |window: Span| covered_from <= now - window;
    let account = Account::from_tally(slo, tally, now);
    let read = |window: Span| match covers(window) {
        true => account.reading(window, tally.window.sum(window, now), slo.objective),
        false => Reading::uncovered(window),
    };
    let readings: Vec<Reading> = slo.windows().into_iter().map(read).collect();
    let tiers = tiers(slo, &readings, &memory.burning, account.length);
    let silence = silence(tally, now);
    let fresh = silence.is_none();
    let (outcome, detail) = match silence {
        Some(detail) => (Outcome::NoData, Some(detail)),
        None => settle(&readings, &tiers),
    };
    let spending = spending(&readings, &tiers);
    let costs_from = memory.costs_from.unwrap_or(now - spending.window);
    let costs = now.since(costs_from).min(account.elapsed);
    let excluded = |length| exclusion::excluded(&tally.window, &memory.excluded, length, now);
    let by_alert = (tally.window.sum(costs, now) - excluded(costs)).sane().bad;
    let account = account.without(excluded(account.elapsed));
    let priced = price(slo, &account, by_alert, &spending);
    Evaluation {
        id: tally.id.clone(),
        at: now,
        outcome,
        detail,
        readings,
        tiers,
        budget: Some(priced.budget),
        sla: priced.sla,
        exhausted_in: priced.exhausted_in,
        newest: tally.newest,
        fresh,
        covered_from: Some(covered_from),
        allowance: account.allowance(slo.objective),
        dark_slots: 0,
        recent: Recent::default(),
    }
}

/// Evaluates an instance from answers per window.
pub(super) fn from_answers(
    slo: &Slo,
    id: &InstanceId,
    answers: &DirectReadings,
    interval: Span,
    memory: &Memory,
    now: Timestamp,
) -> Evaluation {
    let answered = answers.period(&slo.period, interval, now);
    let period = answered.filter(|(_, answer)| answer.is_known());
    let usual = slo.usual_window(now);
    let usual = usual.and_then(|window| answers.get(window, interval, now)?.counts());
    let account = Account::from_answers(slo, period, usual, now);
    let read = |window: Span| match answers.get(window, interval, now) {
        Some(answer) => match (&account, answer.counts()) {
            (Some(account), Some(counts)) => account.reading(window, counts, slo.objective),
            _ => answer.reading(window, slo.objective),
        },
        None => Reading::uncovered(window),
    };
    let readings: Vec<Reading> = slo.windows().into_iter().map(read).collect();
    let length = account.map_or_else(|| slo.period.length(now), |account| account.length);
    let tiers = tiers(slo, &readings, &memory.burning, length);
    let known = readings.iter().any(|reading| reading.burn.is_some());
    let fresh = known || (readings.is_empty() && answered.is_some());
    let (outcome, detail) = if fresh {
        settle(&readings, &tiers)
    } else {
        (Outcome::NoData, Some("no window has an answer".to_owned()))
    };
    let priced = account.filter(|_| period.is_some()).map(|account| {
        let spending = spending(&readings, &tiers);
        let by_alert = account.bad_of(&spending, &readings, slo);
        price(slo, &account, by_alert, &spending)
    });
    Evaluation {
        id: id.clone(),
        at: now,
        outcome,
        detail,
        readings,
        tiers,
        budget: priced.map(|priced| priced.budget),
        sla: priced.and_then(|priced| priced.sla),
        exhausted_in: priced.and_then(|priced| priced.exhausted_in),
        newest: answers.newest(),
        fresh,
        covered_from: None,
        allowance: account
            .filter(|_| period.is_some())
            .and_then(|account| account.allowance(slo.objective)),
        dark_slots: 0,
        recent: Recent::default(),
    }
}

/// Why the samples of an instance say nothing about the present, if so.
pub(super) fn silence(tally: &Tally, now: Timestamp) -> Option<String> {
    let Some(newest) = tally.newest else {
        return Some("no series counts the total".to_owned());
    };
    let age = now.since(newest);
    let stale = age > tally.spacing.times(STALE_SCRAPES) + STALE_GRACE;
    stale.then(|| format!("the newest sample is {} old", age.brief()))
}

pub(super) fn tiers(
    slo: &Slo,
    readings: &[Reading],
    burning: &[(Severity, Span, Span)],
    length: Span,
) -> Vec<TierStatus> {
    let reading = |window: Span| {
        let found = readings.iter().find(|reading| reading.window == window);
        found.copied().unwrap_or_else(|| Reading::uncovered(window))
    };
    let status = |tier: &Tier| {
        let (long, short) = (reading(tier.long), reading(tier.short));
        let factor = tier.factor(length);
        let burned = burning.contains(&(tier.severity, tier.long, tier.short));
        let recovering = if burned { slo.policy.recover } else { 1.0 };
        TierStatus {
            severity: tier.severity,
            verdict: judge(tier, factor, recovering, &long, &short),
            facts: TierFacts {
                long: tier.long,
                short: tier.short,
                factor,
                budget_fraction: tier.budget_fraction,
                long_burn: long.burn.unwrap_or(0.0),
                short_burn: short.burn.unwrap_or(0.0),
                bad_events: long.counts.map(|counts| counts.bad),
                total_events: long.counts.map(|counts| counts.total),
            },
        }
    };
    slo.policy.tiers.iter().map(status).collect()
}

pub(super) fn settle(readings: &[Reading], tiers: &[TierStatus]) -> (Outcome, Option<String>) {
    if tiers.iter().any(|tier| tier.verdict == Verdict::Burning) {
        return (Outcome::Burning, None);
    }
    if tiers.iter().any(|tier| tier.verdict == Verdict::Unknown) {
        let uncovered = readings.iter().filter(|reading| reading.burn.is_none());
        let names: Vec<String> = uncovered
            .map(|reading| reading.window.to_string())
            .collect();
        let detail = format!("history does not reach back over {} yet", names.join(", "));
        return (Outcome::NoData, Some(detail));
    }
    let idle = readings.first().and_then(|reading| reading.counts);
    match idle {
        Some(counts) if counts.total <= 0.0 => (Outcome::NoTraffic, None),
        _ => (Outcome::Quiet, None),
    }
}
