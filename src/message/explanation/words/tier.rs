//! The sentences about a tier.

use super::{date, figures};
use crate::engine::{Counts, Scales, Slo, Span, Verdict};
use crate::message::explanation::burns;
use crate::message::explanation::tier::{TierStory, WindowStory};

/// A tier: its windows, its verdict, and what would have to change, by whether anything was `seen`
/// and whether its alert is up.
pub(in crate::message::explanation) fn tier(
    slo: &Slo,
    scales: &Scales<'_>,
    story: &TierStory,
    (seen, is_up): (bool, bool),
) -> Vec<String> {
    let windows = [&story.long, &story.short];
    let mut says: Vec<String> = windows.map(|one| window(one, story, seen)).into();
    says.push(match (seen, story.verdict) {
        (false, Verdict::Quiet) => "Not burning as far as is known.".to_owned(),
        _ => verdict(story),
    });
    says.push(match (seen, burns(story.verdict)) {
        (false, _) => "It neither fires nor ends on what nobody saw.".to_owned(),
        (true, true) => to_end(slo, story),
        (true, false) => to_fire(slo, scales, story, is_up),
    });
    says.retain(|sentence| !sentence.is_empty());
    says
}

fn window(window: &WindowStory, tier: &TierStory, seen: bool) -> String {
    let name = window.window.0;
    let Some(burn) = window.burn else {
        let known = match (window.known, window.known_at) {
            (Some(known), Some(at)) => {
                format!(
                    "history is known for {} of it, all of it at {}",
                    figures::span(known.0),
                    date(at)
                )
            }
            _ => "it is not known yet".to_owned(),
        };
        return format!("{name}: {known}.");
    };
    let burn = figures::burn(burn);
    let ratio = window.error_ratio.map(figures::percent);
    match (window.bad.zip(window.total), ratio) {
        (Some((_, total)), _) if total <= 0.0 && !seen => format!("{name}: no events were seen."),
        (Some((_, total)), _) if total <= 0.0 => format!("{name}: no events, burn {burn}."),
        (Some((bad, total)), ratio) => {
            let (bad, total) = (figures::count(bad), figures::count(total));
            let ratio = ratio.unwrap_or_default();
            let needed = match window.bad_needed {
                Some(needed) if !burns(tier.verdict) => {
                    format!("; it takes {}", figures::count(needed as f64))
                }
                _ => String::new(),
            };
            format!("{name}: {bad} of {total} events bad ({ratio}), burn {burn}{needed}.")
        }
        (None, Some(ratio)) => format!("{name}: error ratio {ratio}, burn {burn}."),
        (None, None) => format!("{name}: burn {burn}."),
    }
}

fn verdict(story: &TierStory) -> String {
    let threshold = figures::burn(story.threshold);
    let eased = match story.threshold < story.factor {
        true => format!(" (it fires above {})", figures::burn(story.factor)),
        false => String::new(),
    };
    let above = |window: &WindowStory| window.burn.is_some_and(|burn| burn > story.threshold);
    match story.verdict {
        Verdict::Burning => format!("Burns: both windows are above {threshold}{eased}."),
        Verdict::TooFewEvents => format!(
            "Does not fire: both windows are above {threshold}, but it takes {} bad events.",
            figures::count(story.minimum_events)
        ),
        Verdict::Unknown => "Unknown: what is known does not settle it.".to_owned(),
        Verdict::Quiet => match (above(&story.long), above(&story.short)) {
            (true, false) => format!(
                "Quiet: the last {} are not above {threshold}, so it is no longer going on.",
                story.short.window.0
            ),
            (false, true) => format!(
                "Quiet: the last {} are not above {threshold}, so it does not matter yet.",
                story.long.window.0
            ),
            _ => format!("Quiet: neither window is above {threshold}{eased}."),
        },
    }
}

fn to_fire(slo: &Slo, scales: &Scales<'_>, story: &TierStory, is_up: bool) -> String {
    let then = match story.pending.0 {
        Span::ZERO => String::new(),
        // What is up already does not wait.
        _ if is_up => String::new(),
        pending => format!(", and go on so for {pending}"),
    };
    let fires = if is_up { "Burns" } else { "Fires" };
    if let Some(more) = story.bad_to_fire {
        let outage = match story.outage_to_fire {
            Some(time) => format!(
                " A complete outage takes about {} for that.",
                figures::span(time.0.max(Span::from_secs(1)))
            ),
            None => String::new(),
        };
        let are = if more == 1 { "is" } else { "are" };
        let events = figures::count(more as f64);
        return format!("{fires} when {events} more of the newest events {are} bad{then}.{outage}");
    }
    if story.verdict == Verdict::Unknown {
        return "Nothing fires by it before its windows are known.".to_owned();
    }
    if let Some(counts) = scales.counts() {
        return out_of_reach(story, counts, slo);
    }
    let ratio = story.threshold * slo.objective.budget_ratio();
    let (long, short) = (story.long.window.0, story.short.window.0);
    match ratio < 1.0 {
        true => format!(
            "{fires} when the error ratio is above {} over both {long} and {short}{then}.",
            figures::percent(ratio)
        ),
        false => never(story, slo),
    }
}

/// Why no number of bad events among those that there are would do.
fn out_of_reach(story: &TierStory, (long, short): (Counts, Counts), slo: &Slo) -> String {
    if long.total <= 0.0 || short.total <= 0.0 {
        return "Without events nothing can fire.".to_owned();
    }
    let all = figures::count(long.total);
    if long.total < story.minimum_events {
        return format!(
            "Cannot fire at this traffic: it takes {} bad events, and there are {all} events in \
             {}.",
            figures::count(story.minimum_events),
            story.long.window.0
        );
    }
    if story.long.bad_needed.is_some() && story.short.bad_needed.is_some() {
        return format!(
            "Cannot fire at this traffic: it takes {} bad events.",
            figures::count(story.minimum_events)
        );
    }
    match story.threshold * slo.objective.budget_ratio() < 1.0 {
        true => format!(
            "Cannot fire at this traffic: not even {all} bad events in {} cost enough of the \
             budget.",
            story.long.window.0
        ),
        false => never(story, slo),
    }
}

fn never(story: &TierStory, slo: &Slo) -> String {
    format!(
        "Can never fire: a complete outage burns {}, and that is not above {}.",
        figures::burn(1.0 / slo.objective.budget_ratio()),
        figures::burn(story.threshold)
    )
}

fn to_end(slo: &Slo, story: &TierStory) -> String {
    let mut ways = Vec::new();
    if let Some(good) = story.good_to_end {
        let s = if good == 1 { "" } else { "s" };
        ways.push(format!(
            "after {} more good event{s}",
            figures::count(good as f64)
        ));
    }
    if let Some(quiet) = story.quiet_to_end {
        let (about, latest) = (figures::span(quiet.0), story.short.window.0);
        ways.push(format!(
            "about {about} after the last failure (at most {latest})"
        ));
    }
    let hold = match slo.policy.hold {
        Span::ZERO => String::new(),
        hold => format!(" The alert outlives the last tier that burns by {hold}."),
    };
    match ways.as_slice() {
        [] => String::new(),
        ways => format!("Stops burning {}.{hold}", ways.join(", or ")),
    }
}
