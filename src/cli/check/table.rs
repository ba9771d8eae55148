//! What each SLO will do, as a table.

use comfy_table::{ContentArrangement, Table, presets};

use crate::config::Definition;
use crate::engine::{Slo, Tier};

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
    table.set_header([
        "SLO",
        "format",
        "objective",
        "period",
        "fires at",
        "path",
        "why this path",
    ]);
    for Definition {
        slo,
        format,
        path_reason,
        ..
    } in definitions
    {
        table.add_row([
            slo.id.to_string(),
            format.as_str().to_owned(),
            format!("{} %", slo.objective.percent()),
            slo.period.to_string(),
            tiers(slo),
            slo.indicator.path().to_owned(),
            path_reason.clone(),
        ]);
    }
    table.trim_fmt()
}

/// `page 14.4x over 1h/5m`, one line per tier.
fn tiers(slo: &Slo) -> String {
    let line = |tier: &Tier| {
        let factor = (tier.factor(slo.period.nominal()) * 1000.0).round() / 1000.0;
        format!("{} {factor}x over {}", tier.severity, tier.windows())
    };
    slo.policy
        .tiers
        .iter()
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}
