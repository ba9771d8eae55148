//! The report for programs; `docs/check.md` describes its keys.

use serde_json::{Value, json};

use crate::config::Definition;

use super::Report;

pub(super) fn report(report: &Report) -> Value {
    json!({
        "diagnostics": report.found,
        "slos": report.definitions.iter().map(slo).collect::<Vec<_>>(),
        "online": report.findings,
    })
}

fn slo(definition: &Definition) -> Value {
    let Definition {
        slo,
        place,
        format,
        path_reason,
        ..
    } = definition;
    let tiers = slo.policy.tiers.iter().map(|tier| {
        json!({
            "severity": tier.severity,
            "long": tier.long.to_string(),
            "short": tier.short.to_string(),
            "factor": tier.factor(slo.period.nominal()),
            "minimum_events": tier.minimum_events,
        })
    });
    json!({
        "id": slo.id,
        "place": place,
        "format": format.as_str(),
        "objective_percent": slo.objective.percent(),
        "period": slo.period.to_string(),
        "policy": slo.policy.name,
        "tiers": tiers.collect::<Vec<_>>(),
        "path": slo.indicator.path(),
        "path_reason": path_reason,
    })
}
