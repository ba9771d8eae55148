//! An alert: where it stands, what it waits for, who is told and what keeps it quiet.

use serde::Serialize;

use crate::engine::{
    Acknowledgement, AlertKey, AlertRecord, AlertState, Labels, Maintenance, MaintenanceTime, Mute,
    Routing, Severity, SilenceState, StateName, Timestamp,
};

use super::form::Moment;
use super::{Present, alerts_of, words};

/// An alert of an instance, open or not.
#[derive(Clone, Debug, Serialize)]
pub struct AlertStory {
    /// `burn`, `blind` or `source_down`.
    pub kind: &'static str,
    /// How loud it is.
    pub severity: Severity,
    /// By what receivers know it.
    pub dedup_key: String,
    /// Where it stands.
    pub state: StateName,
    /// First burning slot; `None` while it is inactive.
    pub since: Option<Moment>,
    /// When it fires if its tiers go on burning; of a pending alert.
    pub pending_until: Option<Moment>,
    /// Since when its condition no longer holds, while it is held.
    pub quiet_since: Option<Moment>,
    /// When it resolves if nothing burns again; of a held alert.
    pub hold_until: Option<Moment>,
    /// What keeps it quiet, or would if it fired now.
    pub mutes: Vec<MuteStory>,
    /// The routes that take it, or would.
    pub routes: Vec<RouteStory>,
    /// Who has heard of it.
    pub told: Vec<Announcement>,
    /// Who looks after it.
    pub acknowledged: Option<Keeper>,
    /// In words.
    pub says: Vec<String>,
}

/// A reason for quiet.
#[derive(Clone, Debug, Serialize)]
pub struct MuteStory {
    /// Its kind: `page`, `silence`, `inhibition`, `dependency`, `maintenance`.
    pub kind: &'static str,
    /// In words.
    pub words: String,
    /// When it ends, where that is known.
    pub until: Option<Moment>,
}

/// A route that takes the alert.
#[derive(Clone, Debug, Serialize)]
pub struct RouteStory {
    /// Its name.
    pub route: String,
    /// Whom it tells.
    pub receivers: Vec<String>,
    /// Why it tells nobody at present, if so.
    pub rests: Option<String>,
}

/// A receiver that heard of the alert.
#[derive(Clone, Debug, Serialize)]
pub struct Announcement {
    /// Its name.
    pub receiver: String,
    /// Notifications so far, the trigger included.
    pub notifications: u32,
    /// When the last one was decided, if that is remembered.
    pub at: Option<Moment>,
}

/// Who looks after the alert.
#[derive(Clone, Debug, Serialize)]
pub struct Keeper {
    /// Who.
    pub by: String,
    /// Since when.
    pub at: Moment,
    /// What they said.
    pub note: String,
}

/// The alert of each severity that has a condition, and whatever else is open, loudest first.
pub(super) fn stories(present: &Present<'_>) -> Vec<AlertStory> {
    let open = alerts_of(present.id, present.alerts);
    let policy = &present.slo.policy;
    let mut stories = Vec::new();
    for severity in Severity::ALL {
        let key = AlertKey::Burn {
            instance: present.id.clone(),
            severity,
        };
        let record = open.iter().find(|alert| alert.key == key).copied();
        let has_tier = policy.tiers.iter().any(|tier| tier.severity == severity);
        let has_notices =
            !policy.budget.thresholds.is_empty() || policy.budget.exhaustion_within.is_some();
        if record.is_some() || has_tier || (severity == Severity::Info && has_notices) {
            stories.push(story(present, key, severity, record));
        }
        let others = open.iter().filter(|alert| {
            alert.facts.severity == severity && !matches!(alert.key, AlertKey::Burn { .. })
        });
        for record in others {
            stories.push(story(present, record.key.clone(), severity, Some(record)));
        }
    }
    stories
}

fn story(
    present: &Present<'_>,
    key: AlertKey,
    severity: Severity,
    record: Option<&AlertRecord>,
) -> AlertStory {
    let labels = match record {
        Some(record) => record.facts.matching_labels(),
        None => present
            .slo
            .alert_labels(severity, present.id.labels.clone()),
    };
    let state = record.map(|record| record.state);
    let quiet_since = match state {
        Some(AlertState::Firing { quiet_since, .. }) => quiet_since,
        _ => None,
    };
    let mutes = match record {
        Some(record) if record.is_firing() => record.mutes.iter().map(MuteStory::of).collect(),
        _ => expected_mutes(present, &key, &labels),
    };
    let kind = match &key {
        AlertKey::Burn { .. } => "burn",
        AlertKey::Blind { .. } => "blind",
        AlertKey::SourceDown { .. } => "source_down",
    };
    let story = AlertStory {
        kind,
        severity,
        dedup_key: key.dedup_key(),
        state: state.map_or(StateName::Inactive, AlertState::name),
        since: state.map(|state| Moment(state.since())),
        pending_until: pending_until(present, record).map(Moment),
        quiet_since: quiet_since.map(Moment),
        hold_until: quiet_since.map(|since| Moment(since + present.slo.policy.hold)),
        mutes,
        routes: routes(present.routing, &labels, present.now),
        told: record.map(told).unwrap_or_default(),
        acknowledged: record
            .and_then(|record| record.facts.acknowledged.as_ref())
            .map(Keeper::of),
        says: Vec::new(),
    };
    AlertStory {
        says: words::alert(present, &story, record),
        ..story
    }
}

/// When the first of the tiers that burn has done so for as long as it asks.
fn pending_until(present: &Present<'_>, record: Option<&AlertRecord>) -> Option<Timestamp> {
    let record = record.filter(|record| !record.is_firing())?;
    let starts = record.tier_starts.as_deref().unwrap_or_default();
    let ripe = starts.iter().filter_map(|start| {
        let mut tiers = present.slo.policy.tiers.iter();
        let tier = tiers.find(|tier| {
            (tier.severity, tier.long, tier.short)
                == (record.facts.severity, start.long, start.short)
                && tier
                    .budget_fraction
                    .total_cmp(&start.budget_fraction)
                    .is_eq()
        })?;
        Some(start.since + tier.pending)
    });
    ripe.min()
}

/// What would keep an alert with these labels quiet if it fired now and nothing else changed;
/// dependencies excepted, which the alert alone does not know.
fn expected_mutes(present: &Present<'_>, key: &AlertKey, labels: &Labels) -> Vec<MuteStory> {
    let page = page_over(present, key).map(|by| MuteStory::of(&Mute::Page { by }));
    let silences = present.silences.iter().filter(|silence| {
        silence.state(present.now) == SilenceState::Active && silence.matches(labels)
    });
    let silences = silences.map(|silence| {
        MuteStory::of(&Mute::Silence {
            id: silence.id.clone(),
            until: silence.ends_at,
            created_by: silence.created_by.clone(),
            comment: silence.comment.clone(),
        })
    });
    let is_open = |window: &&Maintenance| {
        window.when.contains(present.now) && window.matchers.iter().all(|m| m.matches(labels))
    };
    let windows = present.routing.maintenance.iter().filter(is_open);
    let windows = windows.map(|window| MuteStory {
        until: match &window.when {
            MaintenanceTime::Once { until, .. } => Some(Moment(*until)),
            MaintenanceTime::Recurring(_) => None,
        },
        ..MuteStory::of(&Mute::Maintenance {
            name: window.name.clone(),
        })
    });
    let inhibitions = present.routing.inhibitions(labels, present.alerts);
    let inhibitions = inhibitions.iter().map(MuteStory::of);
    let mutes = page.into_iter().chain(silences);
    let mutes = mutes.chain(inhibitions).chain(windows);
    mutes.take(MUTES_MAX).collect()
}

/// The firing page of the same instance, where it keeps a ticket quiet.
fn page_over(present: &Present<'_>, key: &AlertKey) -> Option<AlertKey> {
    let page = key.page_over()?;
    let mut firing = present.alerts.iter().filter(|record| record.is_firing());
    let fires = firing.any(|record| record.key == page);
    (fires && present.slo.policy.page_mutes_ticket).then_some(page)
}

/// Most reasons for quiet that are named.
const MUTES_MAX: usize = 16;

fn routes(routing: &Routing, labels: &Labels, now: Timestamp) -> Vec<RouteStory> {
    let traced = routing.trace(labels).routes;
    let routes = routing.find(labels).into_iter().zip(traced);
    let story = routes.map(|(route, traced)| RouteStory {
        route: traced.route,
        receivers: traced.receivers,
        rests: routing.rest(route, now).map(|mute| mute.to_string()),
    });
    story.collect()
}

fn told(record: &AlertRecord) -> Vec<Announcement> {
    let told = record.told.iter().map(|(receiver, told)| Announcement {
        receiver: receiver.clone(),
        notifications: told.sequence,
        at: told.at.map(Moment),
    });
    told.collect()
}

impl MuteStory {
    fn of(mute: &Mute) -> Self {
        Self {
            kind: mute.as_str(),
            words: mute.to_string(),
            until: match mute {
                Mute::Silence { until, .. } => Some(Moment(*until)),
                _ => None,
            },
        }
    }
}

impl Keeper {
    fn of(acknowledgement: &Acknowledgement) -> Self {
        Self {
            by: acknowledgement.by.clone(),
            at: Moment(acknowledgement.at),
            note: acknowledgement.note.clone(),
        }
    }
}
