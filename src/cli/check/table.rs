//! What each SLO will do, as a table.

use std::collections::BTreeMap;

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

/// One row per SLO, and below why each path is taken.
pub(super) fn slos(definitions: &[Definition]) -> String {
    let mut table = empty();
    table.set_header(["SLO", "format", "promise", "fires at", "path"]);
    let mut reasons: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for Definition {
        slo,
        format,
        path_reason,
        ..
    } in definitions
    {
        let promise = format!("{} % over {}", slo.objective.percent(), slo.period);
        let path = slo.indicator.path();
        table.add_row([
            slo.id.to_string(),
            format.as_str().to_owned(),
            promise,
            tiers(slo),
            path.to_owned(),
        ]);
        let alike = reasons.entry((path, path_reason)).or_default();
        alike.push(slo.id.as_str());
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
    let paths = reasons.iter().map(|((path, reason), slos)| {
        let others = reasons.keys().filter(|(other, _)| other == path).count() > 1;
        match (others, slos.as_slice()) {
            (false, _) => format!("{path}: {reason}"),
            (true, [only]) => format!("{path} ({only}): {reason}"),
            (true, [first, rest @ ..]) => {
                format!("{path} ({first} and {} more): {reason}", rest.len())
            }
            (true, []) => String::new(),
        }
    });
    let parts = std::iter::once(table.trim_fmt()).chain(paths);
    parts.collect::<Vec<_>>().join("\n")
}

/// `page 14.4x 1h/5m`, one line per tier.
fn tiers(slo: &Slo) -> String {
    let line = |tier: &Tier| {
        let factor = (tier.factor(slo.period.nominal()) * 1000.0).round() / 1000.0;
        format!("{} {factor}x {}", tier.severity, tier.windows())
    };
    if slo.policy.tiers.is_empty() {
        return "nothing".to_owned();
    }
    slo.policy
        .tiers
        .iter()
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}
