//! Between judgements and reports: the alerts of a report, and a judgement as a report tells it.

use std::sync::Arc;

use super::{Alert, Event, Judgement, VerdictKind};
use crate::engine::{Labels, Slo, Timestamp};
use crate::replay::inject::RatioClass;
use crate::replay::report::{
    AlertReport, FalseAlertReport, JUDGED_MAX, JudgementDetails, MissedReport, Quantiles,
    RatioReport, Report, SeverityJudgement, SloReport,
};

/// The alerts of one variant of a report that somebody was told of; `slos` are those that were
/// played in it. What a report leaves out is not known here.
pub fn reported(report: &Report, variant: usize, slos: &[Arc<Slo>]) -> Vec<Alert> {
    let mut all = Vec::new();
    for row in &report.slos {
        let id = format!("{}/{}", row.service, row.name);
        let slo = slos.iter().find(|slo| slo.id.as_str() == id);
        let instance = row.variants.get(variant).and_then(Option::as_ref);
        for alert in instance.into_iter().flat_map(|instance| &instance.alerts) {
            all.extend(told_at(alert).map(|told_at| Alert {
                key: alert.key.clone(),
                severity: alert.severity,
                slo: Some(id.clone()),
                service: row.service.clone(),
                labels: labels(row, slo, alert),
                told_at,
                until: alert.ended_at,
            }));
        }
    }
    let source = report.variants.get(variant);
    let source = source
        .into_iter()
        .flat_map(|variant| &variant.source_alerts);
    all.extend(source.filter_map(|alert| {
        Some(Alert {
            key: alert.key.clone(),
            severity: alert.severity,
            slo: None,
            service: "slofuse".to_owned(),
            labels: Labels::empty(),
            told_at: told_at(alert)?,
            until: alert.ended_at,
        })
    }));
    all
}

/// The labels as routes see them; the tier's own aside.
fn labels(row: &SloReport, slo: Option<&Arc<Slo>>, alert: &AlertReport) -> Labels {
    let of = |slo: &Arc<Slo>| slo.alert_labels(alert.severity, row.labels.clone());
    slo.map_or_else(|| row.labels.clone(), of)
}

/// When somebody was first told: when it fired, or at the end of the mutes that it began with.
fn told_at(alert: &AlertReport) -> Option<Timestamp> {
    let mut told = alert.fired_at;
    for mute in &alert.mutes {
        if mute.from <= told {
            told = told.max(mute.until?);
        }
    }
    alert.ended_at.is_none_or(|end| told < end).then_some(told)
}

impl Judgement {
    /// As a report tells it; `events` are those that were judged.
    pub fn told(&self, events: &[Event]) -> SeverityJudgement {
        let missed = self.verdicts.iter().filter_map(|verdict| {
            let event = events.get(verdict.event)?;
            let is_missed = event.significant && verdict.kind != VerdictKind::Detected;
            is_missed.then(|| MissedReport {
                title: event.title.clone(),
                start: event.start,
                end: event.end,
                masked: verdict.kind == VerdictKind::Masked,
            })
        });
        let false_list = self.false_list.iter().map(|alert| FalseAlertReport {
            key: alert.key.clone(),
            told_at: alert.told_at,
            until: alert.until,
        });
        SeverityJudgement {
            severity: self.severity,
            alerts: self.alerts,
            detected: self.detected,
            missed: self.missed,
            repeats: self.repeats,
            false_alerts: self.false_alerts,
            precision: self.precision,
            recall: self.recall,
            detection: self.detection.map(quantiles),
            reset: self.reset.map(quantiles),
            details: JudgementDetails {
                masked: self.masked,
                insignificant: self.insignificant,
                louder: self.louder,
                false_per_week: self.false_per_week,
                recall_by_cost: self.recall_by_cost,
                unreset: self.unreset,
                unalerted: self.unalerted,
                false_list: false_list.take(JUDGED_MAX).collect(),
                missed_list: missed.take(JUDGED_MAX).collect(),
                ratios: Vec::new(),
            },
        }
    }

    /// The same for incidents that were put in: their times are of no world, so those are not told.
    pub fn told_of_injected(&self, classes: &[RatioClass]) -> SeverityJudgement {
        let mut told = self.told(&[]);
        told.details.false_list.clear();
        let ratios = classes.iter().map(|class| RatioReport {
            from: class.from,
            until: class.until,
            incidents: class.incidents,
            significant: class.significant,
            detected: class.detected,
            detection: class.detection.map(quantiles),
            reset: class.reset.map(quantiles),
        });
        told.details.ratios = ratios.collect();
        told
    }
}

fn quantiles(of: super::Quantiles) -> Quantiles {
    Quantiles {
        p50: of.p50,
        p95: of.p95,
        max: of.max,
    }
}
