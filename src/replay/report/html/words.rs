//! The report in sentences: what was asked, and what would have happened.

use super::dates::Clock;
use super::svg::shown;
use crate::engine::Span;
use crate::message::figures;
use crate::replay::report::{Asked, Figures, InstanceReport, Report};

/// Longest name within a sentence, in characters.
const NAME_CHARS_MAX: usize = 80;
/// Names in a list before the rest is only counted.
const NAMES_MAX: usize = 5;
/// Less than this share of the time watched is worth a sentence.
const WATCHED_WELL: f64 = 0.995;

/// `What would as defined and policy fast have done with 3 SLOs from .. to ..?`
pub(super) fn question(report: &Report, clock: &Clock) -> String {
    let names: Vec<String> = report.variants.iter().map(|v| v.name.clone()).collect();
    let slos = match report.slos.as_slice() {
        [only] => shown(&only.id, NAME_CHARS_MAX),
        many => counted(many.len() as u64, "SLO", "SLOs"),
    };
    let variants = match names.as_slice() {
        [] | [_] => String::new(),
        many => format!(", {}", list(many)),
    };
    let Asked {
        from, until, slot, ..
    } = &report.asked;
    format!(
        "What would these definitions have done with {slos} from {} to {} ({}), \
         decided every {}{variants}?",
        clock.full(*from),
        clock.full(*until),
        days(until.since(*from)),
        figures::span(*slot),
    )
}

/// What would have happened in one variant.
pub(super) fn answer(report: &Report, variant: usize, clock: &Clock) -> String {
    let Some(played) = report.variants.get(variant) else {
        return String::new();
    };
    let mut total = &played.total;
    let unrouted;
    if played.receivers.is_empty() {
        // Without routes there is nobody to reach, which says nothing about the definitions.
        unrouted = Figures {
            pages_untold: 0,
            ..total.clone()
        };
        total = &unrouted;
    }
    let alerts = alerts(total, report.asked.weeks);
    let budget = budget_sentence(report, variant, clock);
    [alerts, budget, watched(total)].concat()
}

/// `2 pages, 1 in the night, 3.1 tickets a week`
pub(super) fn alerts(total: &Figures, weeks: f64) -> String {
    let night = match (total.pages, total.pages_at_night) {
        (0, _) => String::new(),
        (_, 0) => ", none in the night".to_owned(),
        (1, _) => ", in the night".to_owned(),
        (pages, night) if pages == night => ", all in the night".to_owned(),
        (_, night) => format!(", {night} in the night"),
    };
    let pages = counted(total.pages, "page", "pages");
    // Of less than a week there is no saying how many a week there are.
    let tickets = match total.tickets {
        many if many > 0 && weeks >= 1.0 => {
            let rate = rate(total.tickets_per_week);
            let noun = if rate == "1" { "ticket" } else { "tickets" };
            format!("{rate} {noun} a week")
        }
        many => counted(many, "ticket", "tickets"),
    };
    let untold = match (total.pages_untold, total.pages) {
        (0, _) => String::new(),
        (1, 1) => " The page would have reached nobody.".to_owned(),
        (untold, _) => {
            let pages = counted(untold, "page", "pages");
            format!(" {} would have reached nobody.", capital(&pages))
        }
    };
    format!("{}{night}, {tickets}.{untold}", capital(&pages))
}

fn budget_sentence(report: &Report, variant: usize, clock: &Clock) -> String {
    let instances = report.slos.iter().filter_map(|slo| {
        let instance = slo.variants.get(variant)?.as_ref()?;
        Some((slo.id.as_str(), instance))
    });
    let instances: Vec<(&str, &InstanceReport)> = instances.collect();
    let ended = instances.iter().filter_map(|(id, instance)| {
        let at = instance.budget.exhausted_at?;
        Some((at, *id))
    });
    let mut ended: Vec<_> = ended.collect();
    ended.sort_unstable();
    let when = |at| match at <= report.asked.from + report.asked.slot {
        true => "had ended before".to_owned(),
        false => format!("would have ended on {}", clock.day(at)),
    };
    let lowest = instances.iter().filter_map(|(id, instance)| {
        let lowest = instance.budget.lowest?;
        lowest.is_finite().then_some((lowest, *id))
    });
    let lowest = lowest.min_by(|a, b| a.0.total_cmp(&b.0));
    match (instances.as_slice(), ended.as_slice()) {
        ([_], [(at, _)]) => format!(" The budget {}.", when(*at)),
        (_, [(at, id)]) => {
            let id = shown(id, NAME_CHARS_MAX);
            format!(" The budget of {id} {}.", when(*at))
        }
        (_, [(at, id), ..]) => format!(
            " {} of {} budgets would have ended; the first, of {}, {}.",
            ended.len(),
            instances.len(),
            shown(id, NAME_CHARS_MAX),
            when(*at)
        ),
        (_, []) => match (lowest, instances.len()) {
            (Some((lowest, _)), 1) => format!(
                " The budget would have lasted; at its lowest, {} was left.",
                figures::percent(lowest)
            ),
            (Some((lowest, id)), _) => format!(
                " Every budget would have lasted; the lowest, of {}, had {} left.",
                shown(id, NAME_CHARS_MAX),
                figures::percent(lowest)
            ),
            (None, _) => " What became of the budget is not known.".to_owned(),
        },
    }
}

/// `at the end 12% of it was left`
pub(super) fn left(last: f64) -> String {
    match last < 0.0 {
        true => format!("at the end it was overspent by {}", figures::percent(-last)),
        false => format!("at the end {} of it was left", figures::percent(last)),
    }
}

fn watched(total: &Figures) -> String {
    match total.watched < WATCHED_WELL {
        true => format!(
            " Only {} of the time could be watched at all.",
            figures::percent(total.watched)
        ),
        false => String::new(),
    }
}

/// `no pages`, `1 page`, `2 pages`
pub(super) fn counted(count: u64, one: &str, many: &str) -> String {
    match count {
        0 => format!("no {many}"),
        1 => format!("1 {one}"),
        count => format!("{} {many}", figures::count(count as f64)),
    }
}

/// A number a week: `3.1`, `0.25`.
pub(super) fn rate(per_week: f64) -> String {
    let decimals = if per_week.abs() < 1.0 { 2 } else { 1 };
    let text = format!("{per_week:.decimals$}");
    match text.contains('.') && per_week.is_finite() {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => figures::count(per_week),
    }
}

fn days(span: Span) -> String {
    let days = span.ratio(Span::from_days(1));
    match days >= 2.0 {
        true => format!("{} days", rate(days)),
        false => figures::span(span),
    }
}

/// `a, b and 3 more`
pub(super) fn list(names: &[String]) -> String {
    let few = names.iter().take(NAMES_MAX);
    let few: Vec<String> = few.map(|name| shown(name, NAME_CHARS_MAX)).collect();
    let more = names.len() - few.len();
    match few.split_last() {
        Some(_) if more > 0 => format!("{} and {more} more", few.join(", ")),
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => few.concat(),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_in_a_sentence() {
        let say = |pages, pages_at_night, tickets, per_week, untold, weeks| {
            let total = Figures {
                pages,
                pages_at_night,
                tickets,
                tickets_per_week: per_week,
                pages_untold: untold,
                ..Figures::default()
            };
            alerts(&total, weeks)
        };
        let sentences = [
            say(2, 1, 13, 3.05, 0, 4.28),
            say(1, 1, 1, 0.233, 1, 4.28),
            say(3, 3, 0, 0.0, 2, 4.28),
            say(0, 0, 4, 1.0, 0, 4.0),
            say(1, 0, 2, 14.0, 0, 1.0 / 7.0),
        ];
        let expected = [
            "2 pages, 1 in the night, 3 tickets a week.",
            "1 page, in the night, 0.23 tickets a week. The page would have reached nobody.",
            "3 pages, all in the night, no tickets. 2 pages would have reached nobody.",
            "No pages, 1 ticket a week.",
            "1 page, none in the night, 2 tickets.",
        ];
        assert_eq!(sentences, expected);
    }

    #[test]
    fn lists_and_rates_read_well() {
        let names = |count: usize| -> Vec<String> { (0..count).map(|n| format!("v{n}")).collect() };
        let lists = [0, 1, 2, 3, 7].map(|count| list(&names(count)));
        assert_eq!(
            lists,
            [
                "",
                "v0",
                "v0 and v1",
                "v0, v1 and v2",
                "v0, v1, v2, v3, v4 and 2 more"
            ]
        );
        let rates = [0.0, 0.254, 3.0, 3.16, 120.0, f64::NAN].map(rate);
        assert_eq!(rates, ["0", "0.25", "3", "3.2", "120", "unknown"]);
        assert_eq!(days(Span::from_days(30)), "30 days");
        assert_eq!(days(Span::from_hours(6)), "6h");
    }
}
