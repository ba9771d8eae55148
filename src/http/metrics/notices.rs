//! Metrics of who is told and when not: mutes, silences, pages by day and night, heartbeats.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use prometheus::IntCounterVec;

use crate::engine::{Mute, SilenceState, Timestamp};

use super::exposition::{Exposition, Kind, LabelText};
use super::{Register, listed};
use crate::http::board::Published;

/// When a page came.
const PERIODS: [&str; 2] = ["day", "night"];
/// What became of a heartbeat.
const BEATS: [&str; 3] = ["delivered", "failed", "withheld"];

pub(super) struct NoticeMetrics {
    pages: IntCounterVec,
    muted: IntCounterVec,
    beats: IntCounterVec,
    receivers: Mutex<BTreeSet<String>>,
    heartbeats: Mutex<BTreeSet<String>>,
}

impl NoticeMetrics {
    pub(super) fn new(own: &Register<'_>) -> Self {
        let metrics = Self {
            pages: own.counters(
                "slofuse_pages_total",
                "Pages a receiver was told of, a storm counted once, by day and by night.",
                &["receiver", "period"],
            ),
            muted: own.counters(
                "slofuse_alert_mutes_total",
                "How often a firing alert became muted, by what asked for it.",
                &["reason"],
            ),
            beats: own.counters(
                "slofuse_heartbeats_total",
                "Heartbeats by what became of them.",
                &["heartbeat", "outcome"],
            ),
            receivers: Mutex::default(),
            heartbeats: Mutex::default(),
        };
        for reason in Mute::WORDS {
            metrics.muted.with_label_values(&[reason]);
        }
        metrics
    }

    pub(super) fn register_receivers(&self, names: &[String]) {
        register(&self.pages, &self.receivers, names, &PERIODS);
    }

    pub(super) fn register_heartbeats(&self, names: &[String]) {
        register(&self.beats, &self.heartbeats, names, &BEATS);
    }

    pub(super) fn page(&self, receiver: &str, night: bool) {
        let period = PERIODS[usize::from(night)];
        self.pages.with_label_values(&[receiver, period]).inc();
    }

    pub(super) fn muted(&self, reason: &str) {
        let reason = listed(reason, &Mute::WORDS);
        self.muted.with_label_values(&[reason]).inc();
    }

    pub(super) fn heartbeat(&self, name: &str, outcome: &str) {
        let outcome = listed(outcome, &BEATS);
        self.beats.with_label_values(&[name, outcome]).inc();
    }
}

/// The series of these names, at zero; those of others end.
fn register(
    counters: &IntCounterVec,
    known: &Mutex<BTreeSet<String>>,
    names: &[String],
    words: &[&str],
) {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let next: BTreeSet<String> = names.iter().cloned().collect();
    for gone in known.difference(&next) {
        for word in words {
            let _absent = counters.remove_label_values(&[gone.as_str(), word]);
        }
    }
    for name in &next {
        for word in words {
            counters.with_label_values(&[name.as_str(), word]);
        }
    }
    *known = next;
}

/// What is muted, silenced and grouped at present.
pub(super) fn write(published: &Published, now: Timestamp, text: &mut Exposition) {
    let firing = published.alerts.iter().filter(|alert| alert.is_firing());
    let mut muted: BTreeMap<&str, usize> = Mute::WORDS.into_iter().map(|word| (word, 0)).collect();
    for mute in firing.flat_map(|alert| &alert.mutes) {
        *muted.entry(mute.as_str()).or_default() += 1;
    }
    count(
        text,
        "slofuse_alerts_muted",
        "Firing alerts of which nobody is told, by what asks for it.",
        ("reason", &muted),
    );
    let states = [
        SilenceState::Pending,
        SilenceState::Active,
        SilenceState::Expired,
    ];
    let mut silences: BTreeMap<&str, usize> = states.map(|state| (state.as_str(), 0)).into();
    for silence in &published.notices.silences {
        *silences.entry(silence.state(now).as_str()).or_default() += 1;
    }
    count(
        text,
        "slofuse_silences",
        "Silences by where they stand in time.",
        ("state", &silences),
    );
    text.gauge(
        "slofuse_threads",
        "Groups and storms of alerts that are told as one at present.",
        published.notices.threads.len() as f64,
    );
}

fn count(
    text: &mut Exposition,
    name: &'static str,
    help: &str,
    (label, counts): (&str, &BTreeMap<&str, usize>),
) {
    text.family(name, Kind::Gauge, help, |family| {
        for (value, count) in counts {
            family.sample(&LabelText::default(), &[(label, value)], *count as f64);
        }
    });
}
