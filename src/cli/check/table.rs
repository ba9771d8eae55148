//! What each SLO will do, as a table.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};

use crate::config::Definition;
use crate::engine::{Slo, Tier};

/// Columns that names of SLOs may take from the others.
const NAME_WIDTH_MAX: usize = 32;

/// An empty table that fits into a terminal of usual width.
pub(in crate::cli) fn empty() -> Table {
    const COLUMNS: u16 = 100;
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(COLUMNS);
    table
}

/// One row per SLO.
pub(super) fn slos(definitions: &[Definition]) -> String {
    let mut table = empty();
    table.set_header(["SLO", "format", "promise", "fires at", "path, and why"]);
    for Definition {
        slo,
        format,
        path_reason,
        ..
    } in definitions
    {
        let promise = format!("{} % over {}", slo.objective.percent(), slo.period);
        table.add_row([
            slo.id.to_string(),
            format.as_str().to_owned(),
            promise,
            tiers(slo),
            format!("{}: {path_reason}", slo.indicator.path()),
        ]);
    }
    // Names that fit are not broken.
    let longest = definitions
        .iter()
        .map(|one| one.slo.id.as_str().len())
        .max();
    if longest.unwrap_or_default() <= NAME_WIDTH_MAX
        && let Some(names) = table.column_mut(0)
    {
        names.set_constraint(ColumnConstraint::ContentWidth);
    }
    table.trim_fmt()
}

/// `page 14.4x 1h/5m`, one line per tier.
fn tiers(slo: &Slo) -> String {
    let line = |tier: &Tier| {
        let factor = (tier.factor(slo.period.nominal()) * 1000.0).round() / 1000.0;
        format!("{} {factor}x {}", tier.severity, tier.windows())
    };
    slo.policy
        .tiers
        .iter()
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}
