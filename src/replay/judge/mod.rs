//! Is a policy any good? Alerts of a replay held against what was really wrong.
//!
//! The figures are those of the SRE workbook, chapter 5, "Alerting Considerations": *precision*,
//! the share of detected events that were significant; *recall*, the share of significant events
//! that were detected; *detection time*, from the start of an event to its alert; and *reset
//! time*, from the end of an event to that of its alert. An [`Event`] comes from a file of
//! incidents ([`crate::config::incidents`]) or was put into the traffic on purpose
//! ([`crate::replay::inject`]); [`judge`] is told both sides and decides nothing itself.

mod figures;
mod matching;
mod told;

use crate::config::incidents::Incident;
use crate::engine::{Labels, Matcher, Severity, Span, Timestamp};

pub use figures::{FalseAlert, Quantiles, Verdict, VerdictKind};
pub use matching::judge;
pub use told::{alerts, reported};

/// Something that happened and that somebody should, or need not, have been told of.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it began.
    pub start: Timestamp,
    /// When it ended; `None` while it is open.
    pub end: Option<Timestamp>,
    /// Whose it is.
    pub subject: Subject,
    /// How loudly somebody should have been told; `None`: not said, so any loudness will do.
    pub severity: Option<Severity>,
    /// Whether it was worth telling anybody: in the chapter's words, whether it consumed a large
    /// fraction of the error budget.
    pub significant: bool,
    /// Fraction of the budget that it consumed, where that is known.
    pub cost: Option<f64>,
    /// What it was.
    pub title: String,
}

/// What an event is about. An alert may tell of it when it satisfies all that is said here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subject {
    /// `service/name` of the SLO; `None`: any.
    pub slo: Option<String>,
    /// The service; `None`: any. Compared without regard to case, and any run of other characters
    /// than letters and digits is one dash, for a pager's service is rarely spelt as a definition's.
    pub service: Option<String>,
    /// What the labels of the alert must satisfy.
    pub labels: Vec<Matcher>,
}

/// An alert that somebody was told of.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Which one: `service/name{labels}/page`.
    pub key: String,
    /// How loudly.
    pub severity: Severity,
    /// `service/name` of the SLO; `None` where it is about the source.
    pub slo: Option<String>,
    /// The service it is about.
    pub service: String,
    /// Its labels as routes see them: of the instance, the definition and the alert itself.
    pub labels: Labels,
    /// When somebody was first told: when it fired, or when it was first no longer muted.
    pub told_at: Timestamp,
    /// When it ended; `None` if it was up at the end.
    pub until: Option<Timestamp>,
}

/// What is judged, and how strictly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// Events that begin at this time or later are judged.
    pub from: Timestamp,
    /// The end of the replay; what is open then lasts until then.
    pub until: Timestamp,
    /// Alerts of this severity or a louder one are judged.
    pub severity: Severity,
    /// An alert so long before the start of an event, or after its end, may still tell of it:
    /// people write down times by heart, and the last samples are read after the end.
    pub grace: Span,
}

/// How the alerts of a replay do against events.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Alerts of this severity or a louder one.
    pub severity: Severity,
    /// How many alerts there were; those that were up when the stretch began are not counted.
    pub alerts: u64,
    /// Significant events that an alert told of.
    pub detected: u64,
    /// Significant events that none told of.
    pub missed: u64,
    /// Those of the missed during which an alert was up that had told of another event: nobody was
    /// told anew.
    pub masked: u64,
    /// Events that were not significant, and told of all the same.
    pub insignificant: u64,
    /// Events that were not significant, and not told of: rightly.
    pub passed_over: u64,
    /// Further alerts about an event that had been told of already.
    pub repeats: u64,
    /// Alerts about events for which something quieter would have done; neither right nor wrong.
    pub louder: u64,
    /// Alerts about nothing.
    pub false_alerts: u64,
    /// The same, per week of the stretch.
    pub false_per_week: f64,
    /// Of the alerts that told of something new, the share that told of a significant event:
    /// detected / (detected + insignificant + false). `None` without any.
    pub precision: Option<f64>,
    /// detected / (detected + missed); `None` without significant events.
    pub recall: Option<f64>,
    /// The same weighed by what the events cost: the share of the budget consumed by significant
    /// events that was consumed by detected ones. `None` unless all costs are known.
    pub recall_by_cost: Option<f64>,
    /// From the start of a detected significant event to its alert; none before the start.
    pub detection: Option<Quantiles>,
    /// From the end of a detected event to that of the last alert that told of it; none if it
    /// ended before. Alerts that were up at the end of the replay are not among them.
    pub reset: Option<Quantiles>,
    /// Detected events whose alert was up at the end of the replay.
    pub unreset: u64,
    /// Time of significant events during which no alert about them was up.
    pub unalerted: Span,
    /// What became of each event that was judged, in the order of their start.
    pub verdicts: Vec<Verdict>,
    /// The alerts about nothing, oldest first.
    pub false_list: Vec<FalseAlert>,
}

impl Event {
    /// An incident that somebody wrote down.
    pub fn of(incident: &Incident) -> Self {
        Self {
            start: incident.start,
            end: incident.end,
            subject: Subject {
                slo: incident.slo.clone(),
                service: incident.service.clone(),
                labels: incident.labels.clone(),
            },
            severity: incident.severity,
            significant: incident.significant,
            cost: None,
            title: incident.title.clone(),
        }
    }
}

impl Subject {
    /// Whether an alert about `slo` (`service/name`) of this service and these labels may tell of
    /// it; `None` where the alert is about the source.
    pub fn admits(&self, slo: Option<&str>, service: &str, labels: &Labels) -> bool {
        let same_slo = self.slo.as_deref().is_none_or(|wanted| Some(wanted) == slo);
        let same_service = self
            .service
            .as_deref()
            .is_none_or(|wanted| spelling(wanted) == spelling(service));
        let mut matchers = self.labels.iter();
        same_slo && same_service && matchers.all(|matcher| matcher.matches(labels))
    }

    fn admits_alert(&self, alert: &Alert) -> bool {
        self.admits(alert.slo.as_deref(), &alert.service, &alert.labels)
    }
}

/// `Checkout API (prod)` is `checkout-api-prod`.
fn spelling(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join("-")
}

#[cfg(test)]
mod tests;
