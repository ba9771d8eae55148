//! Two plots over the same time: what is left of the budget, and how fast it burned.

use std::fmt::Write as _;

use super::bands::{Band, blocks};
use super::dates::{Clock, Mark};
use super::path::{COLUMNS_MAX, Grid, Series};
use super::scale::{TimeScale, ValueScale};
use super::svg::{Caption, Svg, class, escaped, percent, shown, y};
use crate::engine::{Severity, Timestamp};
use crate::message::figures;

/// Height of the plot of the budget, in pixels.
const BUDGET_HEIGHT: u32 = 170;
/// Height of the plot of burn rates, in pixels.
const BURN_HEIGHT: u32 = 190;
/// Most thresholds that are drawn: more would be a hatching.
const THRESHOLDS_MAX: usize = 12;
/// Longest name of a threshold, in characters.
const NAME_CHARS_MAX: usize = 40;

/// What all plots of an SLO share.
#[derive(Clone, Debug)]
pub(super) struct Frame<'a> {
    /// Begins the identifiers of its plots; letters and digits.
    pub id: &'a str,
    /// Names the SLO, in captions.
    pub name: &'a str,
    /// What is shown of time.
    pub time: TimeScale,
    /// The dates of the axis.
    pub marks: &'a [Mark],
    /// The wall clock.
    pub clock: &'a Clock,
    /// Columns of the grid of curves.
    pub columns: u16,
}

/// A curve and the variants whose curve it is.
#[derive(Clone, Debug)]
pub(super) struct Curve<'a> {
    /// Numbers of the variants, rising; the first gives the looks.
    pub variants: Vec<usize>,
    /// What is drawn, without the variant: `burn over 1h`.
    pub name: String,
    /// How heavy it is: `left`, `short`, `fast` or `long`.
    pub class: &'static str,
    /// Its points.
    pub series: &'a Series,
}

/// A burn rate from which on a tier burns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Threshold {
    /// Numbers of the variants that have it, rising.
    pub variants: Vec<usize>,
    /// Whom it reaches.
    pub severity: Severity,
    /// The burn rate.
    pub factor: f64,
    /// Its windows: `1h/5m`.
    pub windows: String,
}

/// The share of the budget that is left, over the alerts that were up.
pub(super) fn budget(frame: &Frame<'_>, curves: &[Curve<'_>], bands: &[Band]) -> String {
    let known = curves.iter().flat_map(|curve| values(curve.series));
    let lowest = known.fold(1.0, f64::min);
    let scale = ValueScale::budget(lowest);
    let id = format!("{}-budget", frame.id);
    let caption = Caption {
        id: &id,
        title: &format!("Error budget left: {}", shown(frame.name, 60)),
        description: &budget_description(frame, curves, bands),
    };
    let mut svg = frame.open(caption, BUDGET_HEIGHT, "budget", scale);
    svg.values(scale, BUDGET_HEIGHT, figures::percent);
    svg.dates(frame.time, frame.marks, BUDGET_HEIGHT, false);
    let bands = drawn_bands(frame.time, bands, BUDGET_HEIGHT);
    svg.raw(&bands);
    if scale.share(0.0) != Some(0.0) {
        let zero = y(scale, 0.0, BUDGET_HEIGHT);
        svg.put(format_args!(
            "<line class=\"limit\" x2=\"100%\" y1=\"{zero}\" y2=\"{zero}\"/>"
        ));
    }
    frame.draw(&mut svg, curves, scale, BUDGET_HEIGHT);
    if lowest < ValueScale::BUDGET_LOWEST {
        svg.put(format_args!(
            "<text class=\"note\" x=\"4\" y=\"{}\">lowest: {}, below this plot</text>",
            BUDGET_HEIGHT - 6,
            figures::percent(lowest)
        ));
    }
    svg.finish()
}

/// How fast the budget burned, with the thresholds of the tiers.
pub(super) fn burn(
    frame: &Frame<'_>,
    curves: &[Curve<'_>],
    thresholds: &[Threshold],
    bands: &[Band],
) -> String {
    let thresholds = thresholds.get(..thresholds.len().min(THRESHOLDS_MAX));
    let thresholds = thresholds.unwrap_or_default();
    let known = curves.iter().flat_map(|curve| values(curve.series));
    let highest = known.fold(0.0, f64::max);
    let limits = thresholds.iter().map(|threshold| threshold.factor);
    let scale = ValueScale::burn(limits.fold(highest, f64::max));
    let id = format!("{}-burn", frame.id);
    let caption = Caption {
        id: &id,
        title: &format!("Burn rate: {}", shown(frame.name, 60)),
        description: &burn_description(highest, thresholds),
    };
    let mut svg = frame.open(caption, BURN_HEIGHT, "burn", scale);
    svg.values(scale, BURN_HEIGHT, |value| {
        match value <= ValueScale::BURN_LOWEST {
            true => "≤0.1×".to_owned(),
            false => times(value),
        }
    });
    svg.dates(frame.time, frame.marks, BURN_HEIGHT, false);
    let bands = drawn_bands(frame.time, bands, BURN_HEIGHT);
    svg.raw(&bands);
    frame.draw(&mut svg, curves, scale, BURN_HEIGHT);
    svg.raw(&drawn_thresholds(thresholds, scale));
    svg.finish()
}

/// `14.4×`
pub(super) fn times(rate: f64) -> String {
    figures::burn(rate).replace('x', "×")
}

impl Frame<'_> {
    fn open(&self, caption: Caption<'_>, height: u32, kind: &str, scale: ValueScale) -> Svg {
        let (low, high) = match scale {
            ValueScale::Linear { low, high } | ValueScale::Log { low, high } => (low, high),
        };
        let (from, to) = (self.time.from.as_millis(), self.time.to.as_millis());
        let data = format!(
            " data-kind=\"{kind}\" data-from=\"{from}\" data-to=\"{to}\" data-low=\"{low}\" \
             data-high=\"{high}\" data-columns=\"{}\"",
            self.columns
        );
        Svg::drawing("plot", caption, height, &data)
    }

    fn draw(&self, svg: &mut Svg, curves: &[Curve<'_>], scale: ValueScale, height: u32) {
        let grid = Grid {
            time: self.time,
            value: scale,
            columns: self.columns.clamp(1, COLUMNS_MAX),
        };
        let mut content = String::new();
        // The first variant is drawn last, above the others.
        for curve in curves.iter().rev() {
            let line = grid.line(curve.series);
            if line.is_empty() {
                continue;
            }
            let looks = looks(&curve.variants);
            let class = curve.class;
            // Writing to a string cannot fail.
            let _always_ok = write!(
                content,
                "<path class=\"curve {looks} {class}\" data-variants=\"{}\" data-name=\"{}\" \
                 d=\"{line}\"/>",
                numbers(&curve.variants),
                escaped(&shown(&curve.name, NAME_CHARS_MAX)),
            );
        }
        if content.is_empty() {
            svg.put(format_args!(
                "<text class=\"empty\" x=\"50%\" y=\"{}\">nothing is known</text>",
                height / 2
            ));
        }
        svg.stretched(grid.columns, height, &content);
    }
}

/// The class of the first of these variants.
pub(super) fn looks(variants: &[usize]) -> String {
    // There are so many looks; further variants share the last.
    const LOOKS: usize = 6;
    let first = variants.first().copied().unwrap_or(0);
    format!("v{}", first.min(LOOKS - 1))
}

/// `0 2`
pub(super) fn numbers(variants: &[usize]) -> String {
    let numbers: Vec<String> = variants.iter().map(usize::to_string).collect();
    numbers.join(" ")
}

fn drawn_bands(time: TimeScale, bands: &[Band], height: u32) -> String {
    let mut drawn = String::new();
    let mut kinds: Vec<(usize, Severity)> = Vec::new();
    kinds.extend(bands.iter().map(|band| (band.variant, band.severity)));
    kinds.sort_unstable();
    kinds.dedup();
    for (variant, severity) in kinds {
        // The page shows those of one variant at a time, at first of the first.
        let on = if variant == 0 { " on" } else { "" };
        let class = class(severity);
        let alike = |band: &&Band| (band.variant, band.severity) == (variant, severity);
        for block in blocks(time, bands.iter().filter(alike)) {
            let from = time.percent(block.from);
            let breadth = percent(time.percent(block.to) - from);
            let from = percent(from);
            // Writing to a string cannot fail.
            let _always_ok = write!(
                drawn,
                "<rect class=\"band {class}{on}\" data-variants=\"{variant}\" x=\"{from}\" \
                 width=\"{breadth}\" height=\"{height}\"/>"
            );
        }
    }
    drawn
}

fn drawn_thresholds(thresholds: &[Threshold], scale: ValueScale) -> String {
    let mut drawn = String::new();
    let mut lowest_name = f64::INFINITY;
    let mut rising: Vec<&Threshold> = thresholds.iter().collect();
    rising.sort_by(|a, b| b.factor.total_cmp(&a.factor));
    for threshold in rising {
        let Some(share) = scale.share(threshold.factor) else {
            continue;
        };
        let top = (1.0 - share) * f64::from(BURN_HEIGHT);
        let line = y(scale, threshold.factor, BURN_HEIGHT);
        let (class, variants) = (class(threshold.severity), numbers(&threshold.variants));
        let name = format!(
            "{} {class} ({})",
            times(threshold.factor),
            shown(&threshold.windows, NAME_CHARS_MAX)
        );
        let name = escaped(&name);
        // Names that would cover each other give way; the line has a title.
        let is_free = (top - lowest_name).abs() >= 14.0 || lowest_name.is_infinite();
        // Writing to a string cannot fail.
        let _always_ok = write!(
            drawn,
            "<g class=\"threshold {class}\" data-variants=\"{variants}\"><title>{name}</title>\
             <line x2=\"100%\" y1=\"{line}\" y2=\"{line}\"/>"
        );
        if is_free {
            lowest_name = top;
            let above = top - 4.0;
            let _always_ok = write!(drawn, "<text x=\"100%\" y=\"{above:.1}\">{name}</text>");
        }
        drawn += "</g>";
    }
    drawn
}

/// What is known of a curve and can be drawn.
fn values(series: &Series) -> impl Iterator<Item = f64> + '_ {
    let known = series.iter().filter_map(|(_, value)| *value);
    known.filter(|value| !value.is_nan())
}

fn budget_description(frame: &Frame<'_>, curves: &[Curve<'_>], bands: &[Band]) -> String {
    let Some(curve) = curves.first() else {
        return "Nothing is known.".to_owned();
    };
    let mut known: Vec<(Timestamp, f64)> = Vec::new();
    known.extend(curve.series.iter().filter_map(|(at, v)| Some((*at, (*v)?))));
    known.retain(|(_, value)| !value.is_nan());
    let lowest = known.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1));
    let (Some((_, first)), Some((_, last)), Some(lowest)) = (known.first(), known.last(), lowest)
    else {
        return "Nothing is known.".to_owned();
    };
    let ups = |severity| bands.iter().filter(move |b| b.severity == severity).count();
    format!(
        "{} of the budget at the beginning, {} at the end, lowest {} on {}. \
         Bands: {} pages, {} tickets, {} notices.",
        figures::percent(*first),
        figures::percent(*last),
        figures::percent(lowest.1),
        frame.clock.minute(lowest.0),
        ups(Severity::Page),
        ups(Severity::Ticket),
        ups(Severity::Info),
    )
}

fn burn_description(highest: f64, thresholds: &[Threshold]) -> String {
    let names: Vec<String> = thresholds
        .iter()
        .map(|t| format!("{} {} ({})", times(t.factor), t.severity, t.windows))
        .collect();
    format!(
        "Highest burn rate {}, on a logarithmic scale. Thresholds: {}.",
        times(highest),
        names.join(", ")
    )
}
