//! One SLO of the page: its plots, its alerts, and where nothing was known.

use serde::Serialize;

use super::alerts::{AlertRow, Limits, rows};
use super::curves::{self, Curve, Frame, looks, numbers};
use super::dates::{Clock, Mark};
use super::heat::{Week, heat};
use super::lines::{bands, burns, curves_of, lanes, left, shared, thresholds};
use super::path::COLUMNS_MAX;
use super::scale::TimeScale;
use super::svg::shown;
use super::timeline::timeline;
use super::words;
use crate::engine::{Severity, Timestamp};
use crate::message::figures;
use crate::replay::report::{
    self as given, AlertKind, AlertReport, InstanceReport, NightHours, Report, SloReport,
};

/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 200;
/// Longest description, in characters.
const TEXT_CHARS_MAX: usize = 500;
/// Gaps that are listed of an SLO.
const GAPS_MAX: usize = 12;

/// What the sections of a page share.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    /// The report.
    pub report: &'a Report,
    /// Its wall clock.
    pub clock: Clock,
    /// Its stretch of time.
    pub time: TimeScale,
    /// The dates of its axes.
    pub marks: Vec<Mark>,
    /// Its nights.
    pub nights: Vec<(Timestamp, Timestamp)>,
    /// How much of each list is shown.
    pub limits: Limits,
    /// Columns of the grid of curves.
    pub columns: u16,
}

/// A section, as the template wants it.
#[derive(Debug, Serialize)]
pub(super) struct Section {
    anchor: String,
    id: String,
    description: String,
    facts: Vec<String>,
    is_open: bool,
    /// Whether any variant saw it: only then is there something to draw.
    is_seen: bool,
    badges: Vec<Badge>,
    verdicts: Vec<VerdictLine>,
    legend: Vec<Key>,
    budget_svg: String,
    burn_svg: String,
    timeline_svg: String,
    heats: Vec<Heat>,
    alerts: Vec<AlertRow>,
    alerts_omitted: u64,
    gaps: Vec<GapRow>,
    gaps_omitted: u64,
}

/// How loud an SLO was, in the summary of its section.
#[derive(Debug, Serialize)]
struct Badge {
    class: &'static str,
    text: String,
}

/// What one variant comes to.
#[derive(Debug, Serialize)]
struct VerdictLine {
    looks: String,
    variants: String,
    name: String,
    terms: String,
    text: String,
}

/// A line of a plot and its name.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct Key {
    classes: String,
    variants: String,
    text: String,
}

/// When people are paged, in one variant.
#[derive(Debug, Serialize)]
pub(super) struct Heat {
    /// The variant's number.
    pub variants: String,
    /// Its name.
    pub name: String,
    /// The drawing.
    pub week_svg: String,
}

/// A stretch in which nothing was decided.
#[derive(Debug, Serialize)]
struct GapRow {
    variants: String,
    variant: String,
    from: String,
    until: String,
    length: String,
    what: &'static str,
    why: String,
}

impl Section {
    /// The section of the SLO with this number.
    pub(super) fn new(stage: &Stage<'_>, index: usize, slo: &SloReport) -> Self {
        let anchor = format!("s{index}");
        let frame = Frame {
            id: &anchor,
            name: &slo.id,
            time: stage.time,
            marks: &stage.marks,
            clock: &stage.clock,
            columns: stage.columns.min(COLUMNS_MAX),
        };
        let played: Vec<(usize, &InstanceReport)> = (slo.variants.iter().enumerate())
            .filter_map(|(variant, instance)| Some((variant, instance.as_ref()?)))
            .collect();
        let budgets = shared(&played, |instance| left(&instance.curve));
        let burns = shared(&played, |instance| burns(&instance.curve));
        let rows_of_lanes = lanes(stage, slo);
        let bands = bands(&rows_of_lanes);
        let thresholds = thresholds(&played);
        let (alerts, alerts_omitted) = rows(stage, slo);
        let (gaps, gaps_omitted) = gaps(stage, &played);
        let budget_curves = curves_of(&budgets);
        let burn_curves = curves_of(&burns);
        Self {
            id: shown(&slo.id, NAME_CHARS_MAX),
            description: shown(&slo.description, TEXT_CHARS_MAX),
            facts: facts(slo),
            is_open: false,
            is_seen: !played.is_empty(),
            badges: badges(&played),
            verdicts: verdicts(stage, slo),
            legend: legend(stage, &burn_curves, played.len()),
            budget_svg: curves::budget(&frame, &budget_curves, &bands),
            burn_svg: curves::burn(&frame, &burn_curves, &thresholds, &bands),
            timeline_svg: timeline(&frame, &rows_of_lanes, &stage.nights),
            heats: heats(stage, &anchor, &slo.id, &played),
            alerts,
            alerts_omitted,
            gaps,
            gaps_omitted,
            anchor,
        }
    }

    /// Whether anybody would have been told of anything.
    pub(super) fn is_loud(&self) -> bool {
        !self.alerts.is_empty()
    }

    /// The same section, unfolded or not.
    pub(super) fn unfolded(self, is_open: bool) -> Self {
        Self { is_open, ..self }
    }
}

/// Heat maps of the variants that paged.
fn heats(
    stage: &Stage<'_>,
    anchor: &str,
    id: &str,
    played: &[(usize, &InstanceReport)],
) -> Vec<Heat> {
    let of = |(variant, instance): &(usize, &InstanceReport)| {
        let drawing = format!("{anchor}-week{variant}");
        week(stage, *variant, &drawing, id, instance.alerts.iter())
    };
    played.iter().filter_map(of).collect()
}

/// The pages among these alerts by weekday and hour; `None` when there are none.
pub(super) fn week<'a>(
    stage: &Stage<'_>,
    variant: usize,
    drawing: &str,
    of: &str,
    alerts: impl Iterator<Item = &'a AlertReport>,
) -> Option<Heat> {
    let pages = alerts.filter(|alert| is_page(alert) && !alert.open_at_start);
    let week = Week::count(&stage.clock, pages.map(|alert| alert.fired_at));
    let name = stage.name(variant);
    let title = format!("Pages by weekday and hour, {name}: {}", shown(of, 60));
    let night: &NightHours = &stage.report.night;
    (!week.is_empty()).then(|| Heat {
        variants: variant.to_string(),
        week_svg: heat(drawing, &title, &week, night),
        name,
    })
}

impl Stage<'_> {
    /// What a variant is called.
    pub(super) fn name(&self, variant: usize) -> String {
        let variant = self.report.variants.get(variant);
        variant.map_or_else(String::new, |variant| shown(&variant.name, 60))
    }
}

fn is_page(alert: &AlertReport) -> bool {
    alert.kind == AlertKind::Burn && alert.severity == Severity::Page
}

fn facts(slo: &SloReport) -> Vec<String> {
    let mut facts = vec![format!("period {}", shown(&slo.period, 60))];
    if let Some(owner) = &slo.owner {
        facts.push(format!("owner {}", shown(owner, 60)));
    }
    facts.push(format!("evaluation {}", shown(&slo.path, 20)));
    facts
}

fn badges(played: &[(usize, &InstanceReport)]) -> Vec<Badge> {
    let Some((_, first)) = played.first() else {
        return Vec::new();
    };
    let figures = &first.figures;
    let counts = [
        ("page", figures.pages, "page", "pages"),
        ("ticket", figures.tickets, "ticket", "tickets"),
    ];
    let counts = counts.into_iter().filter(|(_, count, _, _)| *count > 0);
    let badge = |(class, count, one, many)| Badge {
        class,
        text: words::counted(count, one, many),
    };
    let mut badges: Vec<Badge> = counts.map(badge).collect();
    if first.budget.exhausted_at.is_some() {
        badges.push(Badge {
            class: "ended",
            text: "budget ended".to_owned(),
        });
    }
    if badges.is_empty() {
        badges.push(Badge {
            class: "quiet",
            text: "quiet".to_owned(),
        });
    }
    badges
}

fn verdicts(stage: &Stage<'_>, slo: &SloReport) -> Vec<VerdictLine> {
    let variants = slo.variants.iter().enumerate();
    let line = |(variant, instance): (usize, &Option<InstanceReport>)| {
        let (terms, text) = match instance {
            None => (
                String::new(),
                "Was not played, or not seen, in this variant.".to_owned(),
            ),
            Some(instance) => (
                format!(
                    "objective {}%, policy {}",
                    instance.objective_percent,
                    shown(&instance.policy, 60)
                ),
                verdict(stage, instance),
            ),
        };
        VerdictLine {
            looks: looks(&[variant]),
            variants: variant.to_string(),
            name: stage.name(variant),
            terms,
            text,
        }
    };
    variants.map(line).collect()
}

fn verdict(stage: &Stage<'_>, instance: &InstanceReport) -> String {
    let alerts = words::alerts(&instance.figures, stage.report.asked.weeks);
    let budget = match (instance.budget.exhausted_at, instance.budget.last) {
        (Some(at), last) => format!(
            " The budget ended on {}{}.",
            stage.clock.minute(at),
            last.map_or_else(String::new, |last| format!("; {}", words::left(last)))
        ),
        (None, Some(last)) => format!(" The budget did not end; {}.", words::left(last)),
        (None, None) => " Its budget is not known.".to_owned(),
    };
    let unseen = instance.figures.over_objective_unalerted;
    let unseen = match unseen.is_zero() {
        true => String::new(),
        false => format!(
            " {} over the objective passed without an alert.",
            figures::span(unseen)
        ),
    };
    format!("{alerts}{budget}{unseen}")
}

/// The lines of a plot; whose they are, where not all variants have them in common.
fn legend(stage: &Stage<'_>, curves: &[Curve<'_>], played: usize) -> Vec<Key> {
    let key = |curve: &Curve<'_>| {
        let names = curve.variants.iter().map(|variant| stage.name(*variant));
        let names: Vec<String> = names.collect();
        Key {
            classes: format!("{} {}", looks(&curve.variants), curve.class),
            variants: numbers(&curve.variants),
            text: match names.len() == played {
                true => curve.name.clone(),
                false => format!("{}, {}", curve.name, words::list(&names)),
            },
        }
    };
    curves.iter().map(key).collect()
}

fn gaps(stage: &Stage<'_>, played: &[(usize, &InstanceReport)]) -> (Vec<GapRow>, u64) {
    let mut seen: Vec<&given::GapReport> = Vec::new();
    let mut rows = Vec::new();
    let mut omitted = 0;
    for (variant, instance) in played {
        omitted += instance.gaps_omitted;
        for gap in &instance.gaps {
            // What the source did not say is the same for most variants.
            if seen.contains(&gap) {
                continue;
            }
            seen.push(gap);
            if rows.len() == GAPS_MAX {
                omitted += 1;
                continue;
            }
            rows.push(GapRow {
                variants: variant.to_string(),
                variant: stage.name(*variant),
                from: stage.clock.minute(gap.from),
                until: stage.clock.minute(gap.until),
                length: figures::span(gap.until.since(gap.from)),
                what: match gap.outcome {
                    crate::engine::Outcome::Failed => "the source failed",
                    _ => "no data",
                },
                why: shown(&gap.why, 200),
            });
        }
    }
    (rows, omitted)
}
