//! Two lines over time: the burn with its limit, and the budget that is left.

use crate::engine::Curve;
use crate::message::figures;

use super::{HEIGHT, WIDTH, font};

/// Most points that are drawn, the newest.
const POINTS_MAX: usize = 300;
/// Values are drawn up to here; what is beyond is as bad.
const VALUE_MAX: f64 = 1e9;
/// Space beside the lines.
const MARGIN: f64 = 12.0;
/// Size of the letters: pixels per unit of the font.
const LETTER: f64 = 1.6;
const RED: &str = "#d7263d";
const AMBER: &str = "#b87900";
const BLUE: &str = "#2f6fcf";
const GREY: &str = "#4b5563";
/// The smallest range of the budget's line, so that a flat one looks flat.
const BUDGET_RANGE_MIN: f64 = 0.05;

/// Where a line is drawn.
struct Panel {
    top: f64,
    bottom: f64,
    low: f64,
    high: f64,
}

/// The picture; `None` when nothing is known.
pub(super) fn svg(curve: &Curve, limit: Option<f64>) -> Option<String> {
    let (burn, left) = values(curve);
    let words = titles(curve, &burn, &left, limit)?;
    let limit = limit.filter(|limit| limit.is_finite() && *limit > 0.0);
    let limit = limit.map(|limit| limit.min(VALUE_MAX));
    let known = |values: &[Option<f64>]| -> Vec<f64> { values.iter().copied().flatten().collect() };
    let highest = known(&burn).into_iter().fold(1.0, f64::max);
    let burn_panel = Panel {
        top: 34.0,
        bottom: 104.0,
        low: 0.0,
        high: highest.max(limit.unwrap_or(0.0)) * 1.1,
    };
    let lowest = known(&left).into_iter().fold(f64::INFINITY, f64::min);
    let highest = known(&left).into_iter().fold(f64::NEG_INFINITY, f64::max);
    let middle = f64::midpoint(lowest, highest);
    let half = ((highest - lowest) * 0.6).max(BUDGET_RANGE_MIN / 2.0);
    let left_panel = Panel {
        top: 136.0,
        bottom: 190.0,
        low: middle - half,
        high: middle + half,
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n"
    );
    burn_panel.frame(&mut svg);
    burn_panel.area(&mut svg, &burn, RED);
    if let Some(limit) = limit {
        burn_panel.level(&mut svg, limit, AMBER);
    }
    burn_panel.line(&mut svg, &burn, RED);
    if !known(&left).is_empty() {
        left_panel.frame(&mut svg);
        left_panel.area(&mut svg, &left, BLUE);
        if left_panel.low < 0.0 && left_panel.high > 0.0 {
            left_panel.level(&mut svg, 0.0, RED);
        }
        left_panel.line(&mut svg, &left, BLUE);
    }
    let mut x = MARGIN;
    for (text, colour) in [(&words.burn, RED), (&words.limit, AMBER)] {
        letters(&mut svg, text, x, 12.0, colour);
        x += font::width(text, LETTER) + 16.0;
    }
    let right = f64::from(WIDTH) - MARGIN - font::width(&words.until, LETTER) + 2.0 * LETTER;
    letters(&mut svg, &words.until, right, 12.0, GREY);
    letters(&mut svg, &words.left, MARGIN, 116.0, BLUE);
    svg += "</svg>\n";
    Some(svg)
}

/// What the picture shows, in words; `None` when nothing is known.
pub(super) fn words(curve: &Curve, limit: Option<f64>) -> Option<String> {
    let (burn, left) = values(curve);
    let titles = titles(curve, &burn, &left, limit)?;
    let all = [titles.burn, titles.limit, titles.left, titles.until];
    let known: Vec<String> = all.into_iter().filter(|text| !text.is_empty()).collect();
    Some(known.join("; "))
}

/// The texts of the picture; those of what is not known are empty.
struct Titles {
    burn: String,
    limit: String,
    left: String,
    until: String,
}

fn titles(
    curve: &Curve,
    burn: &[Option<f64>],
    left: &[Option<f64>],
    limit: Option<f64>,
) -> Option<Titles> {
    let highest = burn.iter().flatten().copied().reduce(f64::max)?;
    let last = burn.last().copied().flatten();
    let last = last.map_or_else(|| "unknown".to_owned(), figures::burn);
    let budget = left
        .iter()
        .flatten()
        .next()
        .zip(left.iter().flatten().last());
    let until = figures::date(curve.until);
    let until = until.get(11..16).unwrap_or_default();
    let steps = i64::try_from(burn.len()).unwrap_or(0) - 1;
    let reach = figures::span(curve.step.times(steps.max(0)));
    Some(Titles {
        burn: format!(
            "burn over {}: {last}, peak {}",
            curve.step,
            figures::burn(highest)
        ),
        limit: limit.map_or_else(String::new, |limit| {
            format!("limit {}", figures::burn(limit))
        }),
        left: budget.map_or_else(String::new, |(first, last)| {
            let (first, last) = (figures::percent(*first), figures::percent(*last));
            format!("budget left: {last}, was {first}")
        }),
        until: format!("{reach} until {until} UTC"),
    })
}

/// Burn, and the share of the budget that is left; what is no number is not known.
fn values(curve: &Curve) -> (Vec<Option<f64>>, Vec<Option<f64>>) {
    let newest = |values: &[Option<f32>]| -> Vec<Option<f64>> {
        let skip = values.len().saturating_sub(POINTS_MAX);
        let finite = |value: &Option<f32>| value.map(f64::from).filter(|value| value.is_finite());
        values.iter().skip(skip).map(finite).collect()
    };
    let bounded = |value: f64| value.clamp(-VALUE_MAX, VALUE_MAX);
    let burn = newest(&curve.burn)
        .into_iter()
        .map(|burn| burn.map(|b| bounded(b.max(0.0))));
    let left = newest(&curve.consumed)
        .into_iter()
        .map(|c| c.map(|c| bounded(1.0 - c)));
    (burn.collect(), left.collect())
}

impl Panel {
    fn y(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        self.bottom - share.clamp(0.0, 1.0) * (self.bottom - self.top)
    }

    /// The baseline.
    fn frame(&self, svg: &mut String) {
        let (right, y) = (f64::from(WIDTH) - MARGIN, self.bottom);
        *svg += &format!(
            "<path d=\"M{MARGIN} {y}L{right} {y}\" stroke=\"#d1d5db\" stroke-width=\"1\"/>\n"
        );
    }

    fn level(&self, svg: &mut String, value: f64, colour: &str) {
        let (right, y) = (f64::from(WIDTH) - MARGIN, self.y(value));
        *svg += &format!(
            "<path d=\"M{MARGIN} {y:.1}L{right} {y:.1}\" stroke=\"{colour}\" \
             stroke-width=\"1.5\" stroke-dasharray=\"6 4\"/>\n"
        );
    }

    fn area(&self, svg: &mut String, values: &[Option<f64>], colour: &str) {
        let mut path = String::new();
        for run in self.runs(values) {
            if let (Some((first, _)), Some((last, _))) = (run.first(), run.last()) {
                let bottom = self.bottom;
                path += &format!("M{first:.1} {bottom}");
                for (x, y) in &run {
                    path += &format!("L{x:.1} {y:.1}");
                }
                path += &format!("L{last:.1} {bottom}Z");
            }
        }
        *svg += &format!("<path d=\"{path}\" fill=\"{colour}\" fill-opacity=\"0.15\"/>\n");
    }

    fn line(&self, svg: &mut String, values: &[Option<f64>], colour: &str) {
        let mut path = String::new();
        for run in self.runs(values) {
            for (at, (x, y)) in run.iter().enumerate() {
                let command = if at == 0 { 'M' } else { 'L' };
                path += &format!("{command}{x:.1} {y:.1}");
            }
            // A point between gaps is a dash.
            if let [(x, y)] = run.as_slice() {
                path += &format!("L{:.1} {y:.1}", x + 1.0);
            }
        }
        *svg += &format!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" \
             stroke-linejoin=\"round\" stroke-linecap=\"round\"/>\n"
        );
    }

    /// The stretches without a gap, as places in the picture.
    fn runs(&self, values: &[Option<f64>]) -> Vec<Vec<(f64, f64)>> {
        let steps = values.len().saturating_sub(1).max(1) as f64;
        let width = f64::from(WIDTH) - 2.0 * MARGIN;
        let place = |(at, value): (usize, &Option<f64>)| {
            value.map(|value| (MARGIN + at as f64 / steps * width, self.y(value)))
        };
        let places: Vec<Option<(f64, f64)>> = values.iter().enumerate().map(place).collect();
        let runs = places.split(Option::is_none);
        let runs = runs.map(|run| run.iter().copied().flatten().collect::<Vec<_>>());
        runs.filter(|run| !run.is_empty()).collect()
    }
}

fn letters(svg: &mut String, text: &str, x: f64, y: f64, colour: &str) {
    let path = font::path(text, x, y, LETTER);
    if !path.is_empty() {
        *svg += &format!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.4\" \
             stroke-linejoin=\"round\" stroke-linecap=\"round\"/>\n"
        );
    }
}
