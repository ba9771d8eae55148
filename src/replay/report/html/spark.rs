//! The budget of an SLO as a small line in the list of all.

use super::lines::points;
use super::path::Grid;
use super::scale::ValueScale;
use super::section::Stage;
use super::svg::{Caption, Svg};
use crate::message::figures;
use crate::replay::report::SloReport;

/// Columns of its grid.
const COLUMNS: u16 = 90;
/// Its height in pixels.
const HEIGHT: u32 = 24;

/// The budget of the first variant that was played; empty when there is none.
pub(super) fn spark(stage: &Stage<'_>, index: usize, slo: &SloReport) -> String {
    let Some(instance) = slo.variants.iter().flatten().next() else {
        return String::new();
    };
    let points = points(&instance.curve, None);
    let values = points.iter().filter_map(|(_, value)| *value);
    let lowest = values.filter(|v| !v.is_nan()).fold(1.0, f64::min);
    let scale = ValueScale::budget(lowest);
    let grid = Grid {
        time: stage.time,
        value: scale,
        columns: COLUMNS,
    };
    let line = grid.line(&points);
    if line.is_empty() {
        return String::new();
    }
    let caption = Caption {
        id: &format!("k{index}"),
        title: "Budget left over time",
        description: &format!("Lowest {}.", figures::percent(lowest)),
    };
    let mut svg = Svg::drawing("spark", caption, HEIGHT, "");
    let zero = super::svg::y(scale, 0.0, HEIGHT);
    svg.put(format_args!(
        "<line class=\"rule\" x2=\"100%\" y1=\"{zero}\" y2=\"{zero}\"/>"
    ));
    let path = format!("<path class=\"curve v0 left\" d=\"{line}\"/>");
    svg.stretched(COLUMNS, HEIGHT, &path);
    svg.finish()
}
