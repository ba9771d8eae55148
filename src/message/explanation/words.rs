//! Every sentence of an explanation.
//!
//! "Would" and "if" are used with care: what is said of the future holds if the present traffic
//! goes on; what is said of numbers of events is exact.

mod tier;

use crate::engine::{AlertRecord, Outcome, PastSlot, Reason, Severity, Slo, Span, StateName};

use super::alert::AlertStory;
use super::tier::TierStory;
use super::{BudgetStory, Moment, Present, Sight, left};
use crate::message::{figures, reason, text};

pub(super) use tier::tier;

/// Longest quotation of what somebody or the source said, in characters.
const QUOTED_CHARS_MAX: usize = 300;

/// All of it in one sentence.
pub(super) fn summary(present: &Present<'_>, alerts: &[AlertStory], tiers: &[TierStory]) -> String {
    let Some(evaluation) = present.evaluation else {
        return "It has not been evaluated yet.".to_owned();
    };
    let loudest = |state| alerts.iter().find(|alert| alert.state == state);
    let firing = loudest(StateName::Firing);
    let open = firing.filter(|alert| alert.severity != Severity::Info);
    let open = open.or_else(|| loudest(StateName::Pending)).or(firing);
    if let Some(says) = open.and_then(|alert| alert.says.first()) {
        return says.clone();
    }
    let detail = evaluation.detail.as_deref().map(quoted).unwrap_or_default();
    match evaluation.outcome {
        Outcome::Failed => format!("No alert is up; nothing can be decided: {detail}."),
        Outcome::NoData => format!("No alert is up; too little is known: {detail}."),
        Outcome::NoTraffic => "No alert is up: there is no traffic to judge.".to_owned(),
        Outcome::Quiet | Outcome::Burning => {
            let nearest = tiers
                .iter()
                .max_by(|a, b| a.closeness.total_cmp(&b.closeness));
            match nearest {
                None => "No alert is up: the policy has no tiers.".to_owned(),
                Some(tier) => format!(
                    "No alert is up; the nearest tier is the {}'s {}, at {} of its threshold.",
                    tier.severity,
                    tier.tier,
                    figures::percent(tier.closeness)
                ),
            }
        }
    }
}

/// An alert: its state first, then who is told.
pub(super) fn alert(
    present: &Present<'_>,
    story: &AlertStory,
    record: Option<&AlertRecord>,
) -> Vec<String> {
    let mut says = vec![state(present, story, record)];
    if let Some(keeper) = &story.acknowledged {
        let note = match keeper.note.is_empty() {
            true => String::new(),
            false => format!(": {}", quoted(&keeper.note)),
        };
        let (by, at) = (quoted(&keeper.by), date(keeper.at));
        says.push(format!("{by} looks after it since {at}{note}."));
    }
    let fires = story.state == StateName::Firing;
    for mute in &story.mutes {
        says.push(match fires {
            true => format!("Nobody is told: {}.", quoted(&mute.words)),
            false => format!(
                "If it fired now, nobody would be told: {}.",
                quoted(&mute.words)
            ),
        });
    }
    says.extend(story.routes.iter().map(|route| {
        let name = quoted(&route.route);
        match (&route.rests, route.receivers.as_slice()) {
            (_, []) => format!("Route {name} leads to no receiver: it tells nobody."),
            (Some(rests), _) => format!("It tells nobody at present: {}.", quoted(rests)),
            (None, receivers) => format!("Route {name} leads to {}.", receivers.join(", ")),
        }
    }));
    says.extend(story.told.iter().map(|told| {
        let times = match told.notifications {
            1 => "once".to_owned(),
            times => format!("{times} times"),
        };
        let last = told.at.map(|at| format!(", last at {}", date(at)));
        format!(
            "{} was told {times}{}.",
            told.receiver,
            last.unwrap_or_default()
        )
    }));
    says
}

/// Where an alert stands, and what it waits for.
fn state(present: &Present<'_>, story: &AlertStory, record: Option<&AlertRecord>) -> String {
    let what = match story.kind {
        "burn" => format!("The {} alert", story.severity),
        "blind" => format!("The {} alert about missing data", story.severity),
        _ => format!("The {} alert about the source", story.severity),
    };
    let (Some(record), Some(since)) = (record, story.since) else {
        return format!("{what} is not up: {}.", why_not(present, story));
    };
    let since = date(since);
    if let Some(until) = story.pending_until {
        let left = match left(until.0, present.now) {
            Span::ZERO => "at the next slot".to_owned(),
            left => format!("in {}", figures::span(left)),
        };
        let at = date(until);
        return format!(
            "{what} is pending since {since}: it fires {left} ({at}) if it burns until then."
        );
    }
    if let (Some(quiet), Some(until)) = (story.quiet_since, story.hold_until) {
        let (quiet, until) = (date(quiet), date(until));
        return format!(
            "{what} is up since {since} and held: nothing burns since {quiet}; it resolves at \
             {until} unless something burns again."
        );
    }
    let why = match record.facts.reason {
        Reason::Burning | Reason::MoreTiers | Reason::Unmuted | Reason::Repeated => burning(record),
        _ => uncapped(&reason::why(&record.facts)),
    };
    let stays = match present.evaluation {
        Some(evaluation) if !evaluation.is_evidence() && story.kind == "burn" => {
            " It cannot resolve while nothing is seen."
        }
        _ => "",
    };
    format!("{what} is up since {since}: {why}{stays}")
}

/// Which tiers burn.
fn burning(record: &AlertRecord) -> String {
    let tiers: Vec<String> = record
        .burning
        .iter()
        .map(|(long, short)| format!("{long}/{short}"))
        .collect();
    match tiers.as_slice() {
        [] => "its condition holds.".to_owned(),
        [tier] => format!("tier {tier} burns."),
        tiers => format!("tiers {} burn.", tiers.join(", ")),
    }
}

fn why_not(present: &Present<'_>, story: &AlertStory) -> String {
    let Some(evaluation) = present.evaluation else {
        return "nothing has been evaluated yet".to_owned();
    };
    let has_tier = evaluation
        .tiers
        .iter()
        .any(|tier| tier.severity == story.severity);
    match evaluation.outcome {
        Outcome::Failed => {
            "the source does not answer, and nothing fires on what nobody saw".to_owned()
        }
        _ if !evaluation.is_evidence() => {
            "there is no data, and nothing fires on what nobody saw".to_owned()
        }
        _ if evaluation.is_undecided(story.severity) => {
            "history does not reach back far enough to decide".to_owned()
        }
        Outcome::NoTraffic => "there is no traffic".to_owned(),
        _ if !has_tier => "no threshold of the budget is crossed".to_owned(),
        _ => format!("no {} tier burns", story.severity),
    }
}

/// The budget.
pub(super) fn budget(slo: &Slo, story: &BudgetStory) -> Vec<String> {
    let mut says = Vec::new();
    let events = match story.bad.zip(story.allowed) {
        Some((bad, allowed)) => format!(
            ": {} of the {} bad events that are allowed",
            figures::count(bad),
            figures::count(allowed)
        ),
        None => String::new(),
    };
    says.push(format!(
        "{} of the {} budget is consumed{events}.",
        figures::percent(story.consumed),
        slo.period
    ));
    if story.coverage < 1.0 {
        says.push(format!(
            "The events of {} of the period are known; the rest is estimated by them.",
            figures::percent(story.coverage)
        ));
    }
    says.push(match (story.remaining > 0.0, story.exhausted_in) {
        (false, _) => "Nothing is left.".to_owned(),
        (true, Some(time)) => format!(
            "At the present burn nothing is left in {}.",
            figures::span(time.0)
        ),
        (true, None) => "At the present burn it does not run out.".to_owned(),
    });
    if let Some(more) = story.bad_to_exhaust {
        let events = figures::count(more as f64);
        says.push(format!("{events} more bad events exhaust it."));
    }
    let next = story
        .thresholds
        .iter()
        .find(|threshold| !threshold.is_crossed);
    let crossed = story
        .thresholds
        .iter()
        .rfind(|threshold| threshold.is_crossed);
    if let Some(crossed) = crossed {
        let share = figures::percent(crossed.share);
        says.push(format!("The threshold of {share} is crossed."));
    }
    if let Some(next) = next {
        let share = figures::percent(next.share);
        says.push(match next.bad_to_cross {
            Some(more) => format!(
                "The next notice is due at {share}, after {} more bad events.",
                figures::count(more as f64)
            ),
            None => format!("The next notice is due at {share}."),
        });
    }
    if let Some(within) = slo.policy.budget.exhaustion_within {
        let within = figures::span(within);
        says.push(format!(
            "A notice is also due when the longest window's burn exhausts it within {within}."
        ));
    }
    says
}

/// What is seen.
pub(super) fn sight(present: &Present<'_>, sight: &Sight) -> Vec<String> {
    if present.evaluation.is_none() {
        return vec!["No slot has been evaluated yet.".to_owned()];
    }
    let mut says = Vec::new();
    says.push(match sight.newest_sample_age {
        Some(age) => format!("The newest sample is {} old.", figures::span(age.0)),
        None => "No sample was found.".to_owned(),
    });
    if let Some(detail) = &sight.detail {
        let lacks = match present.evaluation.map(|e| e.outcome) {
            Some(Outcome::Failed) => "Nothing was decided",
            _ => "Too little is known",
        };
        says.push(format!("{lacks}: {}.", quoted(detail)));
    }
    if sight.dark_slots > 0 {
        let s = if sight.dark_slots == 1 { "" } else { "s" };
        let dark = sight.dark_slots;
        let after = sight.alert_after_slots.map(|after| match dark >= after {
            true => format!("; {after} make an alert"),
            false => format!("; {} more make an alert", after - dark),
        });
        let after = after.unwrap_or_default();
        says.push(format!(
            "Nothing was seen for {dark} slot{s} in a row{after}."
        ));
    }
    says
}

/// How the last slots ended.
pub(super) fn past(slots: &[PastSlot], is_full: bool) -> Vec<String> {
    let Some(first) = slots.first() else {
        return Vec::new();
    };
    let count = |outcome: &Outcome| slots.iter().filter(|slot| slot.outcome == *outcome).count();
    let counted = Outcome::ALL
        .into_iter()
        .filter(|outcome| count(outcome) > 0);
    let counted: Vec<String> = counted
        .map(|outcome| format!("{} {}", count(&outcome), outcome.as_str().replace('_', " ")))
        .collect();
    let s = if slots.len() == 1 { "" } else { "s" };
    let mut says = vec![format!(
        "The last {} slot{s}: {}.",
        slots.len(),
        counted.join(", ")
    )];
    if !is_full {
        let at = date(Moment(first.at));
        says.push(format!(
            "Remembered since {at}: a restart, a changed definition or a new label set begins \
             anew."
        ));
    }
    says
}

fn date(at: Moment) -> String {
    figures::date(at.0)
}

fn quoted(text: &str) -> String {
    text::line(text, QUOTED_CHARS_MAX)
}

/// A sentence as it stands after a colon.
fn uncapped(sentence: &str) -> String {
    let mut chars = sentence.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}
