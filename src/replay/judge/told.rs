//! Between replays and judgements: the alerts of a journal or a report that somebody was told of, and
//! a judgement as a report tells it.

use std::sync::Arc;

use super::{Alert, Event, Judgement, VerdictKind};
use crate::engine::{Labels, Slo, Timestamp};
use crate::replay::Journal;
use crate::replay::inject::RatioClass;
use crate::replay::report::{
    AlertReport, FalseAlertReport, JUDGED_MAX, JudgementDetails, MissedReport, RatioReport, Report,
    SeverityJudgement, SloReport,
};

/// The alerts of a journal that somebody was told of, oldest first. Alerts that were muted from
/// start to end told nobody, and are left out.
pub fn alerts(journal: &Journal) -> Vec<Alert> {
    let told = journal.episodes().into_iter().filter_map(|episode| {
        let changes = journal.mutes.iter();
        let changes =
            changes.filter(|(at, change)| change.key == episode.key && *at >= episode.fired_at);
        let changes: Vec<_> = changes.map(|(at, change)| (*at, &change.mutes)).collect();
        let quiets = changes
            .iter()
            .enumerate()
            .filter_map(|(place, (from, mutes))| {
                let until = changes.get(place + 1).map(|(until, _)| *until);
                (!mutes.is_empty()).then_some((*from, until))
            });
        Some(Alert {
            told_at: first_told(episode.fired_at, episode.ended_at, quiets)?,
            severity: episode.severity,
            slo: episode.key.instance().map(|of| of.slo.to_string()),
            service: episode.first.service.clone(),
            labels: episode.first.matching_labels(),
            until: episode.ended_at,
            key: episode.key.to_string(),
        })
    });
    told.collect()
}

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

fn told_at(alert: &AlertReport) -> Option<Timestamp> {
    let quiets = alert.mutes.iter().map(|mute| (mute.from, mute.until));
    first_told(alert.fired_at, alert.ended_at, quiets)
}

/// When somebody was first told: when the alert fired, or at the end of the quiet that it began with,
/// unless that is its own end. `quiets` are stretches in which nobody is told, oldest first; one
/// without an end lasts as long as the alert.
fn first_told(
    fired_at: Timestamp,
    ended_at: Option<Timestamp>,
    quiets: impl Iterator<Item = (Timestamp, Option<Timestamp>)>,
) -> Option<Timestamp> {
    let mut told = fired_at;
    for (from, until) in quiets {
        if from <= told {
            told = told.max(until?);
        }
    }
    ended_at.is_none_or(|end| told < end).then_some(told)
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
            detection: self.detection,
            reset: self.reset,
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
            detection: class.detection,
            reset: class.reset,
        });
        told.details.ratios = ratios.collect();
        told
    }
}
