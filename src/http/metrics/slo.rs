//! What the board says, as metrics: SLO results, open alerts, reloads.
//!
//! The labels of an instance are labels of its series, so that dashboards can sum and join by
//! them. One that has the name of a label used here, or no legal name, is renamed as Prometheus
//! renames on a clash: `exported_service`. What is not known (a window that is not covered) has no
//! sample.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::{Evaluation, Outcome, Severity, Slo, SloId, StateName};

use super::exposition::{Exposition, Family, Kind, LabelText};
use crate::http::board::{About, Published, SloRow};
use crate::http::view::{kind, objective};

/// Instances with series of their own. SLOs share the room fairly: one with very many instances
/// does not crowd out the others.
pub(super) const INSTANCES_MAX: usize = 2000;

/// Labels of the families here, and the two that promise a histogram or a summary.
const TAKEN: [&str; 7] = [
    "le", "outcome", "quantile", "service", "severity", "slo", "window",
];

/// An SLO or an instance with its labels, written once for all its series.
struct Labelled<T> {
    labels: LabelText,
    of: T,
}

/// Appends every family that is computed from the board.
pub(super) fn write(about: &About, published: &Published, text: &mut Exposition) {
    write_daemon(about, published, text);
    write_alert_counts(published, text);
    let rows = published.slos();
    let counts: Vec<usize> = rows.iter().map(|row| row.evaluations.len()).collect();
    let shares = shares(&counts, INSTANCES_MAX);
    write_slos(published, &rows, &shares, text);
    write_instances(&exported(&rows, &shares), text);
}

fn write_daemon(about: &About, published: &Published, text: &mut Exposition) {
    text.family(
        "slofuse_build_info",
        Kind::Gauge,
        "Always 1; the label names the version.",
        |family| {
            let labels = LabelText::default().with("version", &about.version);
            family.sample(&labels, &[], 1.0);
        },
    );
    text.gauge(
        "slofuse_evaluation_interval_seconds",
        "Time between slots.",
        about.interval.as_secs_f64(),
    );
    text.gauge(
        "slofuse_last_slot_timestamp_seconds",
        "The newest slot that was decided, 0 before the first.",
        published.decided_at.unwrap_or_default().as_secs_f64(),
    );
    let reloads = &published.reloads;
    text.family(
        "slofuse_config_reloads_total",
        Kind::Counter,
        "Times the configuration was read, the first included, by result.",
        |family| {
            let none = LabelText::default();
            family.sample(&none, &[("result", "success")], reloads.succeeded as f64);
            family.sample(&none, &[("result", "failure")], reloads.failed as f64);
        },
    );
    let successful = reloads.failure.is_none() && reloads.last_success.is_some();
    text.gauge(
        "slofuse_config_last_reload_successful",
        "Whether the configuration in use is what the files said last.",
        f64::from(u8::from(successful)),
    );
    text.gauge(
        "slofuse_config_last_reload_success_timestamp_seconds",
        "When the configuration in use was read.",
        reloads.last_success.unwrap_or_default().as_secs_f64(),
    );
    text.gauge(
        "slofuse_config_warnings",
        "Warnings about the configuration in use.",
        reloads.warnings as f64,
    );
}

fn write_alert_counts(published: &Published, text: &mut Exposition) {
    const KINDS: [&str; 3] = ["blind", "burn", "source_down"];
    const STATES: [StateName; 2] = [StateName::Pending, StateName::Firing];
    let mut counts: BTreeMap<(&str, Severity, StateName), u32> = BTreeMap::new();
    for alert in published.alerts.iter() {
        let of = (kind(&alert.key), alert.facts.severity, alert.state.name());
        *counts.entry(of).or_default() += 1;
    }
    text.family(
        "slofuse_alerts",
        Kind::Gauge,
        "Open alerts by what they are about, severity and state.",
        |family| {
            for kind in KINDS {
                for severity in Severity::ALL {
                    for state in STATES {
                        let count = counts.get(&(kind, severity, state)).copied();
                        let labels = [
                            ("kind", kind),
                            ("severity", severity.as_str()),
                            ("state", state.as_str()),
                        ];
                        let none = LabelText::default();
                        family.sample(&none, &labels, count.unwrap_or(0).into());
                    }
                }
            }
        },
    );
}

fn write_slos(published: &Published, rows: &[SloRow<'_>], shares: &[usize], text: &mut Exposition) {
    let slos: Vec<Labelled<&SloRow<'_>>> = rows
        .iter()
        .map(|row| Labelled {
            labels: slo_labels(row.slo),
            of: row,
        })
        .collect();
    let mut gauge = |name, help, value: &dyn Fn(&SloRow<'_>) -> Option<f64>| {
        text.family(name, Kind::Gauge, help, |family| {
            for slo in &slos {
                if let Some(value) = value(slo.of) {
                    family.sample(&slo.labels, &[], value);
                }
            }
        });
    };
    gauge(
        "slofuse_slo_objective_ratio",
        "Ratio of good events that is promised.",
        &|row| Some(objective(row.slo.objective)),
    );
    gauge(
        "slofuse_slo_coverage_ratio",
        "Share of the longest window for which samples are known.",
        &|row| row.covered,
    );
    gauge(
        "slofuse_slo_last_slot_timestamp_seconds",
        "The last slot of the SLO.",
        &|row| Some(row.decided_at?.as_secs_f64()),
    );
    gauge(
        "slofuse_slo_instances",
        "Label sets of the SLO that are evaluated.",
        &|row| Some(row.evaluations.len() as f64),
    );
    text.family(
        "slofuse_slo_instances_not_exported",
        Kind::Gauge,
        "Label sets of the SLO that are evaluated but have no series here.",
        |family| {
            for (slo, share) in slos.iter().zip(shares) {
                let rest = slo.of.evaluations.len().saturating_sub(*share);
                family.sample(&slo.labels, &[], rest as f64);
            }
        },
    );
    let firing = firing(published);
    text.family(
        "slofuse_alert_firing",
        Kind::Gauge,
        "Firing alerts of the SLO, over all its label sets.",
        |family| {
            for slo in &slos {
                for severity in Severity::ALL {
                    let count = firing.get(&(&slo.of.slo.id, severity)).copied();
                    let own = [("severity", severity.as_str())];
                    family.sample(&slo.labels, &own, count.unwrap_or(0).into());
                }
            }
        },
    );
}

fn firing(published: &Published) -> BTreeMap<(&SloId, Severity), u32> {
    let mut firing = BTreeMap::new();
    for alert in published.alerts.iter().filter(|alert| alert.is_firing()) {
        if let Some(id) = alert.key.instance() {
            *firing.entry((&id.slo, alert.facts.severity)).or_default() += 1;
        }
    }
    firing
}

fn write_instances(instances: &[Labelled<&Evaluation>], text: &mut Exposition) {
    let mut gauge = |name, help, samples: &dyn Fn(&mut Family<'_>, &Labelled<&Evaluation>)| {
        text.family(name, Kind::Gauge, help, |family| {
            for instance in instances {
                samples(family, instance);
            }
        });
    };
    gauge(
        "slofuse_slo_burn_rate",
        "Error ratio of the window over the ratio that the objective allows.",
        &|family, instance| {
            for reading in &instance.of.readings {
                if let Some(burn) = reading.burn {
                    let window = reading.window.to_string();
                    family.sample(&instance.labels, &[("window", &window)], burn);
                }
            }
        },
    );
    gauge(
        "slofuse_slo_error_budget_remaining_ratio",
        "Share of the period's budget that is left, negative when overspent.",
        &|family, instance| {
            if let Some(budget) = instance.of.budget {
                family.sample(&instance.labels, &[], budget.remaining);
            }
        },
    );
    gauge(
        "slofuse_slo_sla_budget_remaining_ratio",
        "Share of the SLA's budget of the period that is left, negative when overspent.",
        &|family, instance| {
            if let Some(sla) = instance.of.sla {
                family.sample(&instance.labels, &[], sla.budget.remaining);
            }
        },
    );
    gauge(
        "slofuse_slo_outcome",
        "What the last slot ended in: 1 for one outcome, 0 for the others.",
        &|family, instance| {
            for outcome in Outcome::ALL {
                let is = f64::from(u8::from(instance.of.outcome == outcome));
                family.sample(&instance.labels, &[("outcome", outcome.as_str())], is);
            }
        },
    );
    gauge(
        "slofuse_slo_newest_sample_timestamp_seconds",
        "Time of the newest sample.",
        &|family, instance| {
            if let Some(newest) = instance.of.newest {
                family.sample(&instance.labels, &[], newest.as_secs_f64());
            }
        },
    );
}

/// The instances that get series, with their labels.
fn exported<'a>(rows: &[SloRow<'a>], shares: &[usize]) -> Vec<Labelled<&'a Evaluation>> {
    let mut exported = Vec::new();
    for (row, share) in rows.iter().zip(shares) {
        let base = slo_labels(row.slo);
        let names = exposed_names(&row.slo.group_by);
        for evaluation in row.evaluations.iter().take(*share) {
            let mut labels = base.clone();
            for (name, exposed) in row.slo.group_by.iter().zip(&names) {
                if let Some(value) = evaluation.id.labels.get(name) {
                    labels = labels.with(exposed, value);
                }
            }
            exported.push(Labelled {
                labels,
                of: *evaluation,
            });
        }
    }
    exported
}

fn slo_labels(slo: &Slo) -> LabelText {
    LabelText::default()
        .with("service", &slo.service)
        .with("slo", &slo.name)
}

/// A legal name for each label, all different from each other and from [`TAKEN`].
pub(super) fn exposed_names(group_by: &[String]) -> Vec<String> {
    let mut used: BTreeSet<String> = TAKEN.map(str::to_owned).into();
    let exposed = |name: &String| {
        let legal = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let mut exposed: String = name.chars().map(legal).collect();
        let is_legal_start = |c: char| c == '_' || c.is_ascii_alphabetic();
        let reserved = exposed.starts_with("__") || !exposed.starts_with(is_legal_start);
        while reserved && !exposed.starts_with("exported_") || used.contains(&exposed) {
            exposed.insert_str(0, "exported_");
        }
        used.insert(exposed.clone());
        exposed
    };
    group_by.iter().map(exposed).collect()
}

/// Divides `room` among SLOs with so many instances each: small ones get all they need, the rest
/// is shared equally.
pub(super) fn shares(counts: &[usize], room: usize) -> Vec<usize> {
    let mut by_size: Vec<(usize, usize)> = counts.iter().copied().enumerate().collect();
    by_size.sort_by_key(|(_, count)| *count);
    let mut shares = vec![0; counts.len()];
    let mut left = room;
    for (served, (at, count)) in by_size.into_iter().enumerate() {
        let share = count.min(left / (counts.len() - served));
        shares[at] = share;
        left -= share;
    }
    shares
}
