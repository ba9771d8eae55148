//! The words for each [`Reason`]: the title of a message and the sentence that says why now.
//!
//! A title names the subject first and tells recovery apart from everything else that closes an
//! alert. "Would" is used with care: a burn rate says what happens if the present errors and
//! traffic go on, not what has happened.

use crate::engine::{AlertFacts, AlertKey, NotificationKind, Reason, Severity, TierFacts};

use super::{figures, text};

/// Longest name of what an alert is about, in characters.
const SUBJECT_CHARS_MAX: usize = 200;
/// Longest quotation of what the source said, in characters.
const DETAIL_CHARS_MAX: usize = 300;

/// What happened, to whom.
pub fn title(facts: &AlertFacts, kind: NotificationKind) -> String {
    let subject = subject(facts);
    let news = match (&facts.key, kind) {
        (_, NotificationKind::Resolve) => closed(facts),
        (AlertKey::Burn { .. }, kind) => burning(facts, kind),
        (AlertKey::Blind { .. }, _) => {
            format!("cannot be evaluated{}", blindness(&facts.reason))
        }
        (AlertKey::SourceDown { .. }, _) => {
            let s = if facts.affected == 1 { "" } else { "s" };
            format!(
                "fails: {} SLO instance{s} cannot be evaluated",
                facts.affected
            )
        }
    };
    format!("{subject} {news}")
}

/// Why somebody is told now.
pub fn why(facts: &AlertFacts) -> String {
    match &facts.reason {
        Reason::Burning => tier_sentence(facts),
        Reason::MoreTiers => format!("One more tier burns. {}", tier_sentence(facts)),
        Reason::Unmuted => {
            let condition = condition(facts);
            format!("This was open before, muted or covered by another alert.{condition}")
        }
        Reason::Repeated => format!("This is still open.{}", condition(facts)),
        Reason::Acknowledged { by } => {
            format!("{} looks after it.", text::line(by, SUBJECT_CHARS_MAX))
        }
        Reason::Unacknowledged { after } => {
            let (long, condition) = (figures::span(*after), condition(facts));
            format!("Nobody has acknowledged this for {long}.{condition}")
        }
        Reason::GroupChanged => "The alerts of the group have changed.".to_owned(),
        Reason::BudgetConsumed { threshold } => {
            let (share, period) = (figures::percent(*threshold), period(facts));
            format!("Consumption of the {period}budget has passed {share}.")
        }
        Reason::ExhaustionAhead { within } => {
            let (left, period) = (figures::span(*within), period(facts));
            format!("At the present burn nothing is left of the {period}budget in {left}.")
        }
        Reason::NoData { slots, detail } => {
            let said = said(detail);
            format!("{slots} evaluations in a row found no usable samples{said}. {SILENCE}")
        }
        Reason::SourceFailed { slots, detail } => {
            let said = said(detail);
            format!("{slots} evaluations in a row got no usable answer{said}. {SILENCE}")
        }
        Reason::Recovered if facts.severity == Severity::Info && facts.tiers.is_empty() => {
            "The budget is back within its thresholds.".to_owned()
        }
        Reason::Recovered => format!("Every {} tier is quiet again.", facts.severity),
        Reason::NoTraffic => "There is no traffic left to fail. If that is not intended, \
             users may not reach the service at all."
            .to_owned(),
        Reason::PeriodEnded => format!(
            "The {}is over; a new budget has begun. {NOT_A_RECOVERY}",
            period(facts)
        ),
        Reason::DataReturned => "Usable answers are back; alerting works again.".to_owned(),
        Reason::DefinitionRemoved => format!("The definition was removed. {NOT_A_RECOVERY}"),
        Reason::DefinitionChanged => {
            format!("The definition changed; the alert no longer applies. {NOT_A_RECOVERY}")
        }
        Reason::InstanceGone => {
            format!("Its series have been gone so long that they are forgotten. {NOT_A_RECOVERY}")
        }
    }
}

/// Whether the end of an alert for this reason means that its cause is over.
pub const fn is_recovery(reason: &Reason) -> bool {
    matches!(reason, Reason::Recovered | Reason::DataReturned)
}

/// `30d ` before the word budget, where there is a period.
pub fn period(facts: &AlertFacts) -> String {
    facts
        .period
        .as_ref()
        .map_or_else(String::new, |period| format!("{period} "))
}

const SILENCE: &str = "Until that changes no burn can be seen: silence is not health.";
const NOT_A_RECOVERY: &str = "This is not a recovery.";

pub(super) fn subject(facts: &AlertFacts) -> String {
    let name = match &facts.key {
        AlertKey::SourceDown { source } => format!("metrics source {source}"),
        AlertKey::Burn { .. } | AlertKey::Blind { .. } => {
            format!("{}/{}{}", facts.service, facts.slo, facts.labels)
        }
    };
    text::line(&name, SUBJECT_CHARS_MAX)
}

fn burning(facts: &AlertFacts, kind: NotificationKind) -> String {
    let period = period(facts);
    match &facts.reason {
        Reason::BudgetConsumed { threshold } if *threshold >= 1.0 => {
            return format!("has used up its {period}error budget");
        }
        Reason::BudgetConsumed { threshold } => {
            let share = figures::percent(*threshold);
            return format!("has used {share} of its {period}error budget");
        }
        Reason::ExhaustionAhead { within } => {
            let left = figures::span(*within);
            return format!("will use up its {period}error budget in {left}");
        }
        _ => {}
    }
    if facts.severity == Severity::Info
        && facts.tiers.is_empty()
        && let Some(budget) = facts.budget
    {
        let share = figures::percent(budget.consumed);
        return format!("has used {share} of its {period}error budget");
    }
    let verb = if kind == NotificationKind::Update {
        "still burns"
    } else {
        "burns"
    };
    let speed = facts.tiers.first().map_or_else(String::new, |tier| {
        format!(" at {}", figures::burn(tier.long_burn))
    });
    format!("{verb} its error budget{speed}{}", rest_of_budget(facts))
}

/// `, 61.2% left for 19h`
fn rest_of_budget(facts: &AlertFacts) -> String {
    let Some(budget) = facts.budget else {
        return String::new();
    };
    if budget.remaining <= 0.0 {
        return ", nothing left".to_owned();
    }
    let left = figures::percent(budget.remaining);
    match budget.exhausted_in {
        Some(time) => format!(", {left} left, gone in {}", figures::span(time)),
        None => format!(", {left} left"),
    }
}

fn blindness(reason: &Reason) -> &'static str {
    match reason {
        Reason::SourceFailed { .. } => ": its queries fail",
        Reason::NoData { .. } => ": no usable samples",
        _ => "",
    }
}

fn closed(facts: &AlertFacts) -> String {
    let ended_at = facts.resolved_at.unwrap_or(facts.decided_at);
    let lasted = figures::span(ended_at.since(facts.started_at));
    let cause = match &facts.reason {
        Reason::Recovered => return format!("recovered after {lasted}"),
        Reason::DataReturned if facts.key.instance().is_none() => {
            return format!("answers again after {lasted}");
        }
        Reason::DataReturned => return format!("can be evaluated again after {lasted}"),
        Reason::NoTraffic => "no traffic",
        Reason::PeriodEnded => "its period ended",
        Reason::DefinitionRemoved => "its definition was removed",
        Reason::DefinitionChanged => "its definition changed",
        Reason::InstanceGone => "its series are gone",
        _ => "no longer alerting",
    };
    format!("alert closed after {lasted}: {cause}")
}

/// The sentence about the tiers after another one, where there are tiers.
pub(super) fn condition(facts: &AlertFacts) -> String {
    match facts.tiers.is_empty() {
        true => String::new(),
        false => format!(" {}", tier_sentence(facts)),
    }
}

/// The condition of the fastest burning tier, in words.
fn tier_sentence(facts: &AlertFacts) -> String {
    let Some(tier) = facts.tiers.first() else {
        return "Its condition holds.".to_owned();
    };
    let TierFacts { long, short, .. } = tier;
    let (limit, speed) = (figures::burn(tier.factor), figures::burn(tier.long_burn));
    let above = tier.long_burn >= tier.factor && tier.short_burn >= tier.factor;
    let condition = if above {
        format!("Both the last {long} and the last {short} burn faster than {limit}.")
    } else {
        format!("A burn faster than {limit} over {long} and {short} has not settled yet.")
    };
    // Burn rate x window / period; the factor is the burn rate of the tier's own fraction.
    let spent = figures::percent(tier.budget_fraction * tier.long_burn / tier.factor);
    let fires = figures::percent(tier.budget_fraction);
    let period = period(facts);
    format!(
        "{condition} At {speed}, {long} costs {spent} of the {period}budget; the limit is {fires}."
    )
}

fn said(detail: &str) -> String {
    let detail = text::line(detail, DETAIL_CHARS_MAX);
    let detail = detail.trim_end_matches('.');
    if detail.is_empty() {
        String::new()
    } else {
        format!(" ({detail})")
    }
}
