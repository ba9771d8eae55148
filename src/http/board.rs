//! The published state: what the daemon knows, for readers who must not disturb it.
//!
//! The daemon publishes after every step; a reader takes a snapshot, which later publications do
//! not change. Both hold the lock only to exchange pointers: nobody renders, sorts or frees a large
//! value under it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::asked::{PollMade, Questions};
use crate::engine::{
    AlertRecord, Evaluation, Routing, Silence, Slo, SloId, Span, ThreadRecord, TimeInterval,
    Timestamp,
};

/// Longest reload report that is kept, in bytes.
const REPORT_BYTES_MAX: usize = 64 << 10;

/// What does not change while the daemon runs.
#[derive(Clone, Debug)]
pub struct About {
    /// Version of the program.
    pub version: String,
    /// Name of the source; never a URL with credentials.
    pub source: String,
    /// Time between slots.
    pub interval: Span,
    /// Where people reach this server.
    pub external_url: Option<String>,
    /// When it started.
    pub started_at: Timestamp,
}

/// The SLOs that are evaluated together.
#[derive(Clone, Debug)]
pub struct FeedInfo {
    /// Stable name of the feed.
    pub key: String,
    /// Its SLOs.
    pub slos: Vec<Arc<Slo>>,
    /// Why an SLO takes the evaluation path that it takes, where there is something to say.
    pub path_reasons: BTreeMap<SloId, String>,
    /// What its polls ask, where somebody knows.
    pub questions: Option<Questions>,
}

/// Who is told and when not, as it stands.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    /// The routes in force.
    pub routing: Arc<Routing>,
    /// Every silence, those that expired a while ago among them.
    pub silences: Vec<Silence>,
    /// Open threads.
    pub threads: Vec<ThreadRecord>,
}

/// A receiver as the settings name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverInfo {
    /// Its name.
    pub name: String,
    /// The word for its kind.
    pub kind: &'static str,
    /// Who is told in its place.
    pub fallback: Option<String>,
}

/// What the daemon is doing, for `/readyz`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It prepares: not ready.
    Starting {
        /// What it does at present, in words for people.
        what: String,
    },
    /// It evaluates: ready as soon as a slot was decided and as long as the last one is young.
    Evaluating,
    /// It is about to end: not ready.
    Stopping,
}

/// The handle of the published state; clones share it.
#[derive(Clone)]
pub struct Board(Arc<Shared>);

struct Shared {
    about: About,
    published: Mutex<Arc<Published>>,
}

/// A snapshot of everything that was published.
#[derive(Clone)]
pub(super) struct Published {
    feeds: BTreeMap<Arc<str>, Arc<FeedState>>,
    /// Pending and firing alerts.
    pub(super) alerts: Arc<[AlertRecord]>,
    /// Who is told.
    pub(super) notices: Arc<Notices>,
    /// Who can be told, in the order of the settings.
    pub(super) receivers: Arc<[ReceiverInfo]>,
    /// When people sleep.
    pub(super) night: Option<Arc<TimeInterval>>,
    /// What became of reloads.
    pub(super) reloads: Reloads,
    /// What the daemon says it is doing.
    pub(super) readiness: Readiness,
    /// The newest slot that was decided.
    pub(super) decided_at: Option<Timestamp>,
}

#[derive(Clone)]
struct FeedState {
    info: Arc<FeedInfo>,
    evaluations: Arc<[Arc<Evaluation>]>,
    decided_at: Option<Timestamp>,
    covered: Option<f64>,
    /// The poll of the last slot.
    poll: Option<Arc<PollMade>>,
}

/// What became of reloads, the first load among them.
#[derive(Clone, Default)]
pub(super) struct Reloads {
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    pub(super) last_success: Option<Timestamp>,
    /// Warnings of the configuration in use.
    pub(super) warnings: usize,
    /// When and why the last reload failed, unless a later one succeeded.
    pub(super) failure: Option<(Timestamp, Arc<str>)>,
}

/// One SLO of a snapshot with all its instances.
pub(super) struct SloRow<'a> {
    pub(super) slo: &'a Slo,
    pub(super) path_reason: Option<&'a str>,
    /// Share (0..1) of the longest window for which samples are known.
    pub(super) covered: Option<f64>,
    /// The last slot of its feed.
    pub(super) decided_at: Option<Timestamp>,
    /// The last evaluation of each instance, sorted by label set; empty before the first slot.
    pub(super) evaluations: Vec<&'a Evaluation>,
}

impl Board {
    /// An empty board: no SLOs, no alerts, no slot decided yet, and taken to be evaluating.
    pub fn new(about: About) -> Self {
        let published = Published {
            feeds: BTreeMap::new(),
            alerts: Arc::default(),
            notices: Arc::default(),
            receivers: Arc::default(),
            night: None,
            reloads: Reloads::default(),
            readiness: Readiness::Evaluating,
            decided_at: None,
        };
        Self(Arc::new(Shared {
            about,
            published: Mutex::new(Arc::new(published)),
        }))
    }

    /// Replaces the definitions. A feed that stays keeps its evaluations of the SLOs that still
    /// measure the same.
    pub fn replace_feeds(&self, feeds: Vec<FeedInfo>) {
        let before = self.read();
        let next = feeds.into_iter().map(|info| {
            let state = match before.feeds.get(info.key.as_str()) {
                Some(old) => old.redefined(info),
                None => FeedState::new(info),
            };
            (Arc::from(state.info.key.as_str()), Arc::new(state))
        });
        let next = next.collect();
        self.update(|published| published.feeds = next);
    }

    /// Replaces the evaluations of a feed by those of the slot `at`. A feed that is not defined
    /// (any more) is ignored.
    pub fn publish_slot(&self, feed: &str, at: Timestamp, evaluations: Vec<Arc<Evaluation>>) {
        let evaluations = evaluations.into();
        let replaced = self.update(|published| {
            let state = Arc::make_mut(published.feeds.get_mut(feed)?);
            state.decided_at = Some(at);
            published.decided_at = published.decided_at.max(Some(at));
            Some(std::mem::replace(&mut state.evaluations, evaluations))
        });
        drop(replaced);
    }

    /// Says what the poll of a feed's last slot was about.
    pub fn publish_poll(&self, feed: &str, poll: PollMade) {
        self.update(|published| {
            if let Some(state) = published.feeds.get_mut(feed) {
                Arc::make_mut(state).poll = Some(Arc::new(poll));
            }
        });
    }

    /// Replaces the open alerts.
    pub fn publish_alerts(&self, alerts: Vec<AlertRecord>) {
        let alerts = alerts.into();
        let replaced = self.update(|published| std::mem::replace(&mut published.alerts, alerts));
        drop(replaced);
    }

    /// Replaces who is told and when not.
    pub fn publish_notices(&self, notices: Notices) {
        let notices = Arc::new(notices);
        let replaced = self.update(|published| std::mem::replace(&mut published.notices, notices));
        drop(replaced);
    }

    /// Replaces who can be told, and when they sleep.
    pub fn set_receivers(&self, receivers: Vec<ReceiverInfo>, night: TimeInterval) {
        let (receivers, night) = (receivers.into(), Arc::new(night));
        let replaced = self.update(|published| {
            published.night = Some(night);
            std::mem::replace(&mut published.receivers, receivers)
        });
        drop(replaced);
    }

    /// Sets for how much (0..1) of its longest window a feed has samples.
    pub fn set_coverage(&self, feed: &str, covered: f64) {
        self.update(|published| {
            if let Some(state) = published.feeds.get_mut(feed) {
                Arc::make_mut(state).covered = covered.is_finite().then(|| covered.clamp(0.0, 1.0));
            }
        });
    }

    /// A configuration, the first one included, is in use since `at`.
    pub fn reload_succeeded(&self, at: Timestamp, warnings: usize) {
        self.update(|published| {
            let reloads = &mut published.reloads;
            reloads.succeeded += 1;
            reloads.last_success = Some(at);
            reloads.warnings = warnings;
            reloads.failure = None;
        });
    }

    /// A new configuration was refused; the old one stays in use.
    pub fn reload_failed(&self, at: Timestamp, mut report: String) {
        report.truncate(report.floor_char_boundary(REPORT_BYTES_MAX));
        self.update(|published| {
            let reloads = &mut published.reloads;
            reloads.failed += 1;
            reloads.failure = Some((at, report.into()));
        });
    }

    /// Says what the daemon is doing.
    pub fn set_ready(&self, readiness: Readiness) {
        self.update(|published| published.readiness = readiness);
    }

    /// The open alerts and threads, as they were published last.
    pub fn open(&self) -> (Arc<[AlertRecord]>, Arc<Notices>) {
        let published = self.read();
        (published.alerts.clone(), published.notices.clone())
    }

    /// What does not change.
    pub(super) fn about(&self) -> &About {
        &self.0.about
    }

    /// The present state.
    pub(super) fn read(&self) -> Arc<Published> {
        self.lock().clone()
    }

    fn update<T>(&self, change: impl FnOnce(&mut Published) -> T) -> T {
        change(Arc::make_mut(&mut self.lock()))
    }

    /// Every change is complete before anything can panic, so a poisoned lock is as good as new.
    fn lock(&self) -> MutexGuard<'_, Arc<Published>> {
        let published = &self.0.published;
        published.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Published {
    /// Every SLO, sorted by identifier, each once.
    pub(super) fn slos(&self) -> Vec<SloRow<'_>> {
        let mut rows: BTreeMap<&SloId, SloRow<'_>> = BTreeMap::new();
        for state in self.feeds.values() {
            for slo in &state.info.slos {
                rows.insert(&slo.id, state.row(slo));
            }
            for evaluation in state.evaluations.iter() {
                if let Some(row) = rows.get_mut(&evaluation.id.slo) {
                    row.evaluations.push(evaluation);
                }
            }
        }
        for row in rows.values_mut() {
            // The order of `Labels` is that of their fingerprints, which means nothing to people.
            row.evaluations
                .sort_by(|a, b| a.id.labels.iter().cmp(b.id.labels.iter()));
        }
        rows.into_values().collect()
    }

    /// The feed of an SLO: what its polls ask, and the poll of its last slot.
    pub(super) fn poll_of(&self, slo: &SloId) -> Option<(&Questions, &PollMade)> {
        let mut feeds = self.feeds.values();
        let feed = feeds.find(|feed| feed.info.slos.iter().any(|one| one.id == *slo))?;
        feed.info.questions.as_ref().zip(feed.poll.as_deref())
    }
}

impl FeedState {
    fn new(info: FeedInfo) -> Self {
        Self {
            info: Arc::new(info),
            evaluations: Arc::default(),
            decided_at: None,
            covered: None,
            poll: None,
        }
    }

    fn redefined(&self, info: FeedInfo) -> Self {
        let slo = |slos: &[Arc<Slo>], id: &SloId| slos.iter().find(|slo| slo.id == *id).cloned();
        let same = |evaluation: &&Arc<Evaluation>| {
            let id = &evaluation.id.slo;
            match (slo(&self.info.slos, id), slo(&info.slos, id)) {
                (Some(old), Some(new)) => old.measures_the_same(&new),
                _ => false,
            }
        };
        let evaluations = self.evaluations.iter().filter(same).cloned().collect();
        Self {
            evaluations,
            info: Arc::new(info),
            // What was asked then is not what is asked now.
            poll: None,
            ..*self
        }
    }

    fn row<'a>(&'a self, slo: &'a Slo) -> SloRow<'a> {
        SloRow {
            slo,
            path_reason: self.info.path_reasons.get(&slo.id).map(String::as_str),
            covered: self.covered,
            decided_at: self.decided_at,
            evaluations: Vec::new(),
        }
    }
}
