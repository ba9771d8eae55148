//! A proposal, as people read it on a terminal.

use comfy_table::{Table, presets};

use crate::cli::backtest::width;
use crate::cli::check::{self, Colour, Paint, harmless};
use crate::config::Level;
use crate::engine::Span;
use crate::message::figures;
use crate::replay::tune::{BurstFigures, CurvePoint, Proposal, Standing, WishKind, WishOutcome};

/// What is not known.
const UNKNOWN: &str = "-";
/// Columns of the longest bar.
const BAR: usize = 12;

/// How it is shown.
pub(super) struct Page {
    paint: Paint,
    width: u16,
}

impl Page {
    pub(super) fn new(colour: Colour) -> Self {
        Self {
            paint: Paint::new(colour, &std::io::stdout()),
            width: width(),
        }
    }

    /// All of it.
    pub(super) fn text(&self, proposal: &Proposal) -> String {
        let mut parts = vec![self.past(proposal)];
        let warnings = proposal.warnings.iter();
        let warnings: Vec<String> = warnings
            .map(|one| self.paint.level(Level::Warning, &harmless(one)))
            .collect();
        if !warnings.is_empty() {
            parts.push(warnings.join("\n"));
        }
        parts.push(self.verdict(proposal));
        parts.push(self.wishes(proposal));
        parts.push(self.sides(proposal));
        parts.push(self.curve(proposal));
        parts.push(self.objectives(proposal));
        parts.push(confidence(proposal));
        parts.join("\n\n")
    }

    fn past(&self, proposal: &Proposal) -> String {
        let past = &proposal.past;
        let title = self.paint.bold(&harmless(&proposal.slo));
        let [low, half, high] = past.events_per_hour.map(figures::count);
        let weeks = past.error_ratio_by_week.iter();
        let weeks: Vec<String> = weeks.map(|ratio| share(*ratio)).collect();
        let longest = match past.incidents {
            0 => "none".to_owned(),
            count => format!(
                "{count}, the longest {}",
                seconds(past.longest_incident_seconds)
            ),
        };
        let length = match past.weeks >= 2.0 {
            true => format!("{:.1} weeks", past.weeks),
            false => seconds((past.weeks * 7.0 * 86_400.0).round()),
        };
        format!(
            "{title}: {length} of history\n\
             events an hour: {low} p10, {half} p50, {high} p90; errors by week: {}\n\
             incidents (10x the budget or faster): {longest}; worst errors over a period: {}",
            weeks.join(", "),
            figures::percent(past.worst_error_ratio)
        )
    }

    fn verdict(&self, proposal: &Proposal) -> String {
        let title = match (proposal.is_met, proposal.is_change) {
            (true, false) => "nothing needs to change",
            (true, true) => "a definition that meets every wish",
            (false, true) => "no definition that was tried meets every wish; this comes nearest",
            (false, false) => {
                "no definition that was tried meets every wish, and none comes nearer"
            }
        };
        let reasons = proposal.reasons.iter();
        let reasons = reasons.map(|one| format!("\n- {}", harmless(one)));
        format!("{}{}", self.paint.bold(title), reasons.collect::<String>())
    }

    fn wishes(&self, proposal: &Proposal) -> String {
        let mut table = self.table(&["wish", "at most", "now", "proposed", ""]);
        for wish in &proposal.wishes {
            table.add_row([
                name(wish.kind),
                amount(wish.kind, Some(wish.wished)),
                amount(wish.kind, wish.present),
                amount(wish.kind, wish.proposed),
                met(wish),
            ]);
        }
        let mut text = table.trim_fmt();
        for wish in &proposal.wishes {
            let why = wish.why.iter();
            let why = why.map(|why| format!("\n- {}: {}", name(wish.kind), harmless(why)));
            text.extend(why);
        }
        if !proposal.is_met {
            text += &gives(&proposal.wishes);
        }
        text
    }

    fn sides(&self, proposal: &Proposal) -> String {
        let (now, new) = (&proposal.present, &proposal.proposed);
        let mut table = self.table(&["", "now", "proposed"]);
        let mut row = |name: &str, of: &dyn Fn(&Standing) -> String| {
            table.add_row([name.to_owned(), of(now), of(new)]);
        };
        row("objective", &|one| one.objective_percent.to_string());
        row("tiers", &tiers);
        row("mode", &|one| format!("{:?}", one.mode).to_lowercase());
        row("hold", &|one| seconds(one.hold_seconds));
        row("recover", &|one| figures::percent(one.recover));
        row("pages a week", &|one| tenth(one.figures.pages_per_week));
        row("pages", &|one| one.figures.pages.to_string());
        row("pages at night", &|one| {
            one.figures.pages_at_night.to_string()
        });
        row("tickets a week", &|one| tenth(one.figures.tickets_per_week));
        row("flaps", &|one| one.figures.flaps.to_string());
        row("burning without alert", &|one| {
            figures::span(one.figures.burning_unalerted)
        });
        row("over the objective without alert", &|one| {
            figures::span(one.figures.over_objective_unalerted)
        });
        row("budget left at the end", &|one| {
            share(one.budget.as_ref().and_then(|budget| budget.last))
        });
        for number in 0..now.bursts.len() {
            let Some(burst) = now.bursts.get(number) else {
                continue;
            };
            let name = format!("{} of requests fail", figures::percent(burst.error_ratio));
            row(&name, &|one| {
                one.bursts.get(number).map_or_else(String::new, seen)
            });
        }
        table.trim_fmt()
    }

    /// Pages against detection.
    fn curve(&self, proposal: &Proposal) -> String {
        let burst = figures::percent(proposal.curve_error_ratio);
        let title = format!(
            "what can be had: pages, and how fast {burst} of errors page (reckoned, in an hour as \
             quiet as one in ten)"
        );
        if proposal.curve.is_empty() {
            let title = self.paint.bold(&title);
            return format!("{title}\nno definition that was tried would page about such a burst");
        }
        let mut table = self.table(&[
            "objective",
            "fastest page at",
            "paged after",
            "pages a week",
            "",
            "besides",
        ]);
        let most = proposal.curve.iter().map(|point| point.pages_per_week);
        let most = most.fold(0.0, f64::max);
        for point in &proposal.curve {
            let mark = if point.is_proposed { " proposed" } else { "" };
            table.add_row([
                point.objective_percent.to_string(),
                format!("{} of the budget", figures::percent(point.budget_fraction)),
                seconds(point.detection_seconds),
                tenth(point.pages_per_week),
                format!("{}{mark}", bar(point, most)),
                point.changes.join(", "),
            ]);
        }
        format!("{}\n{}", self.paint.bold(&title), table.trim_fmt())
    }

    fn objectives(&self, proposal: &Proposal) -> String {
        let mut table = self.table(&[
            "objective",
            "budget spent",
            "pages a week",
            "tickets a week",
            "paged after",
        ]);
        for point in &proposal.objectives {
            table.add_row([
                point.objective_percent.to_string(),
                figures::percent(point.spent),
                tenth(point.pages_per_week),
                tenth(point.tickets_per_week),
                point
                    .detection_seconds
                    .map_or_else(|| "never".to_owned(), seconds),
            ]);
        }
        let title = self
            .paint
            .bold("objectives, each with the best policy that was tried (paged after: reckoned)");
        format!("{title}\n{}", table.trim_fmt())
    }

    pub(super) fn bold(&self, text: &str) -> String {
        self.paint.bold(text)
    }

    pub(super) fn table(&self, header: &[&str]) -> Table {
        let mut table = check::table();
        table.load_style(presets::NOTHING);
        table.set_width(self.width);
        table.set_header(header);
        table
    }
}

pub(super) fn name(kind: WishKind) -> String {
    match kind {
        WishKind::BudgetSpent => "budget spent over a period".to_owned(),
        WishKind::PagesPerWeek => "pages a week".to_owned(),
        WishKind::NightPagesPerWeek => "pages a week at night".to_owned(),
        WishKind::TicketsPerWeek => "tickets a week".to_owned(),
        WishKind::Burst(ratio) => format!("page when {} fail", figures::percent(ratio)),
    }
}

pub(super) fn amount(kind: WishKind, value: Option<f64>) -> String {
    match (kind, value) {
        (WishKind::Burst(_), None) => "never".to_owned(),
        (_, None) => UNKNOWN.to_owned(),
        (WishKind::Burst(_), Some(value)) => seconds(value),
        (WishKind::BudgetSpent, Some(value)) => figures::percent(value),
        (_, Some(value)) => tenth(value),
    }
}

fn met(wish: &WishOutcome) -> String {
    match wish.is_met {
        true => "met".to_owned(),
        false => "not met".to_owned(),
    }
}

/// Which wish would have to give way, and how far, for all others to be met.
fn gives(wishes: &[WishOutcome]) -> String {
    let mut text = String::new();
    for wish in wishes {
        let Some(nearest) = wish.nearest.filter(|nearest| *nearest > wish.wished) else {
            continue;
        };
        let reckoned = match wish.nearest_is_reckoned {
            true => " (reckoned, not tried)",
            false => "",
        };
        let (nearest, wished) = (
            amount(wish.kind, Some(nearest)),
            amount(wish.kind, Some(wish.wished)),
        );
        let name = name(wish.kind);
        text += &format!(
            "\n- every other wish is met where {name:?} may be {nearest}{reckoned}, not {wished}"
        );
    }
    match text.is_empty() {
        true => "\n- no single wish stands in the way: more than one would have to give".to_owned(),
        false => text,
    }
}

fn tiers(standing: &Standing) -> String {
    let tiers = standing.tiers.iter();
    let lines: Vec<String> = tiers
        .map(|tier| {
            format!(
                "{} {}/{}: {} ({}), {} events",
                tier.severity,
                tier.long,
                tier.short,
                figures::percent(tier.budget_fraction),
                figures::burn(tier.factor),
                tier.minimum_events
            )
        })
        .collect();
    lines.join("\n")
}

fn seen(burst: &BurstFigures) -> String {
    let reckoned = burst
        .reckoned_seconds
        .map_or_else(|| "never".to_owned(), seconds);
    let Some(seen) = &burst.seen else {
        return format!("reckoned {reckoned}, not tried");
    };
    let left_out = match (seen.broken, seen.empty) {
        (0, 0) => String::new(),
        (holes, 0) => format!("; {holes} fell into holes"),
        (0, empty) => format!("; in {empty} too little happened for any to fail"),
        (holes, empty) => {
            format!("; {holes} fell into holes, in {empty} too little happened for any to fail")
        }
    };
    let worst = seen
        .worst_seconds
        .map_or_else(|| "never".to_owned(), seconds);
    let (paged, tried) = (seen.paged, seen.tried);
    match tried {
        0 => format!("reckoned {reckoned}, none tried{left_out}"),
        _ => {
            format!("{paged} of {tried} paged, the slowest {worst}{left_out}; reckoned {reckoned}")
        }
    }
}

fn confidence(proposal: &Proposal) -> String {
    let (candidates, passes) = (proposal.candidates, proposal.passes);
    let effort = format!("{candidates} candidates, the history was played {passes} times");
    let Some(of) = proposal.confidence else {
        return format!(
            "how sure: not known, there are no two whole weeks to judge one by the other; {effort}"
        );
    };
    format!(
        "how sure: each of {} weeks judged by what the others propose: the same definition {} \
         times, {} pages a week, {} in the worst; {effort}",
        of.weeks,
        of.same,
        tenth(of.pages_per_week),
        of.worst_week
    )
}

fn bar(point: &CurvePoint, most: f64) -> String {
    let share = if most > 0.0 {
        point.pages_per_week / most
    } else {
        0.0
    };
    "█".repeat((share * BAR as f64).ceil() as usize)
}

fn seconds(seconds: f64) -> String {
    figures::span(Span::from_secs(seconds.min(1e12) as i64))
}

fn share(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| UNKNOWN.to_owned(), figures::percent)
}

pub(super) fn tenth(value: f64) -> String {
    format!("{value:.1}")
}
