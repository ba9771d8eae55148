//! What a person is told: one [`Notification`] to one receiver about one alert.
//!
//! A notification is a complete value. It holds every fact a message needs, so that a worker can
//! deliver it hours later, after a restart, without asking the engine anything.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::labels::Labels;
use super::operation::Acknowledgement;
use super::period::Period;
use super::policy::Severity;
pub use super::reason::Reason;
use super::slo::{Document, InstanceId, SloId};
use super::thread::ThreadKey;
use super::time::{Span, Timestamp};

/// What an alert is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKey {
    /// The budget of an instance burns (page, ticket) or runs out (info).
    Burn {
        /// Whose budget.
        instance: InstanceId,
        /// How loudly.
        severity: Severity,
    },
    /// Nothing can be decided about an instance, though the source answers.
    Blind {
        /// About whom.
        instance: InstanceId,
    },
    /// Nothing can be decided about anything: the source fails.
    SourceDown {
        /// The configured name of the source.
        source: String,
    },
}

impl AlertKey {
    /// The key by which receivers recognise the alert: the same for every episode, independent of
    /// routes and configuration, at most 255 bytes (PagerDuty's limit for `dedup_key`).
    pub fn dedup_key(&self) -> String {
        bounded_key(self)
    }

    /// The instance, unless the alert is about the source.
    pub fn instance(&self) -> Option<&InstanceId> {
        match self {
            Self::Burn { instance, .. } | Self::Blind { instance } => Some(instance),
            Self::SourceDown { .. } => None,
        }
    }

    /// Of a ticket the page of the same instance, which keeps it quiet where the policy says so.
    pub fn page_over(&self) -> Option<Self> {
        match self {
            Self::Burn {
                instance,
                severity: Severity::Ticket,
            } => Some(Self::Burn {
                instance: instance.clone(),
                severity: Severity::Page,
            }),
            _ => None,
        }
    }
}

/// `slofuse/` and the subject, cut to 255 bytes; what is cut off leaves its hash.
pub(super) fn bounded_key(subject: &impl fmt::Display) -> String {
    const BYTES_MAX: usize = 255;
    let readable = format!("slofuse/{subject}");
    if readable.len() <= BYTES_MAX {
        return readable;
    }
    let mut hash = super::labels::Fnv::default();
    hash.write(readable.as_bytes());
    let suffix = format!("~{:016x}", hash.0);
    let cut = readable.floor_char_boundary(BYTES_MAX - suffix.len());
    let kept = readable.get(..cut).unwrap_or_default();
    format!("{kept}{suffix}")
}

/// `service/name{labels}/page`
impl fmt::Display for AlertKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Burn { instance, severity } => write!(f, "{instance}/{severity}"),
            Self::Blind { instance } => write!(f, "{instance}/blind"),
            Self::SourceDown { source } => write!(f, "source:{source}/blind"),
        }
    }
}

/// What this notification does to the alert at the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NotificationKind {
    /// Opens it.
    Trigger,
    /// Adds news to an open one.
    Update,
    /// Closes it.
    Resolve,
}

impl NotificationKind {
    /// The lower-case word used in storage, logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Update => "update",
            Self::Resolve => "resolve",
        }
    }
}

/// One tier as it stood when the notification was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TierFacts {
    /// Long window.
    pub long: Span,
    /// Short window.
    pub short: Span,
    /// Burn rate above which it fires.
    pub factor: f64,
    /// Fraction (0..1) of the budget that spent within `long` fires it.
    pub budget_fraction: f64,
    /// Burn rate over the long window.
    pub long_burn: f64,
    /// Burn rate over the short window.
    pub short_burn: f64,
    /// Bad events in the long window, where counts are known.
    pub bad_events: Option<f64>,
    /// All events in the long window, where counts are known.
    pub total_events: Option<f64>,
}

/// The budget of the period as it stood when the notification was decided.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BudgetFacts {
    /// Fraction of the budget consumed over the period; above 1 when overspent.
    pub consumed: f64,
    /// Fraction left; negative when overspent.
    pub remaining: f64,
    /// Time until nothing is left at the present burn; `None` while it does not shrink.
    pub exhausted_in: Option<Span>,
    /// Fraction consumed since this alert started.
    pub consumed_by_alert: f64,
    /// Share (0..1) of the period whose events are known.
    pub coverage: f64,
}

/// What a contract promises, over the same events and the same period.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlaFacts {
    /// The weaker objective in percent.
    pub objective_percent: f64,
    /// The budget that it leaves.
    pub budget: BudgetFacts,
}

/// Everything a message about an alert says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertFacts {
    /// Which alert.
    pub key: AlertKey,
    /// How loudly.
    pub severity: Severity,
    /// Service, or `slofuse` when the source is down.
    pub service: String,
    /// SLO name, or the source's name when it is down.
    pub slo: String,
    /// Labels of the instance.
    pub labels: Labels,
    /// Objective in percent; `None` when the source is down.
    pub objective_percent: Option<f64>,
    /// What the budget is for; `None` when the source is down.
    pub period: Option<Period>,
    /// Why now.
    pub reason: Reason,
    /// When the condition began.
    pub started_at: Timestamp,
    /// The slot of the decision.
    pub decided_at: Timestamp,
    /// When it ended, on resolve.
    pub resolved_at: Option<Timestamp>,
    /// The tiers that burn, fastest first (on resolve: that burned).
    pub tiers: Vec<TierFacts>,
    /// Highest burn rate of any burning tier's long window during the episode.
    pub peak_burn: f64,
    /// Budget, where it is known.
    pub budget: Option<BudgetFacts>,
    /// The same for the SLA, where there is one.
    #[serde(default)]
    pub sla: Option<SlaFacts>,
    /// The name that the definition gives to alerts of this severity.
    #[serde(default)]
    pub alert_name: Option<String>,
    /// Owner, runbook and the rest of the definition's text. Its labels and annotations are those
    /// of this alert: what the severity and the fastest tier add is among them.
    pub document: Document,
    /// How many SLO instances are affected (1, or all of a source).
    pub affected: u32,
    /// The SLOs that this one depends on and whose page fires at present.
    #[serde(default)]
    pub dependencies: Vec<DependencyFacts>,
    /// Who looks after it, if somebody does.
    #[serde(default)]
    pub acknowledged: Option<Acknowledgement>,
    /// How the burn and the budget came to be what they are, for a picture.
    #[serde(default)]
    pub curve: Option<Curve>,
}

impl AlertFacts {
    /// That a source fails, before anybody knows how many SLOs that affects.
    pub fn of_source(source: &str, severity: Severity, reason: Reason, at: Timestamp) -> Self {
        Self {
            key: AlertKey::SourceDown {
                source: source.to_owned(),
            },
            severity,
            service: "slofuse".to_owned(),
            slo: source.to_owned(),
            labels: Labels::empty(),
            objective_percent: None,
            period: None,
            reason,
            started_at: at,
            decided_at: at,
            resolved_at: None,
            tiers: Vec::new(),
            peak_burn: 0.0,
            budget: None,
            sla: None,
            alert_name: None,
            document: Document::default(),
            affected: 1,
            dependencies: Vec::new(),
            acknowledged: None,
            curve: None,
        }
    }
}

/// An SLO that another one depends on, while its page fires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependencyFacts {
    /// Which.
    pub slo: SloId,
    /// Since when its page fires.
    pub since: Timestamp,
}

/// Burn and budget of the last hours, oldest first, at equal distances.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The time of the last point.
    pub until: Timestamp,
    /// Distance of the points.
    pub step: Span,
    /// Burn rate over the step before each point; `None` where nothing is known.
    pub burn: Vec<Option<f32>>,
    /// Fraction of the budget consumed by each point, where it is known.
    pub consumed: Vec<Option<f32>>,
}

/// What a notification about several alerts says of them together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupFacts {
    /// What holds them together.
    pub key: ThreadKey,
    /// The alerts, loudest and oldest first; those that have ended since the last notification
    /// have their `resolved_at`. At most [`GROUP_MEMBERS_MAX`].
    pub members: Vec<AlertFacts>,
    /// How many more there are.
    pub omitted: u32,
    /// How many are up in all.
    pub firing: u32,
}

/// Most alerts spelled out in one notification.
pub const GROUP_MEMBERS_MAX: usize = 50;

/// The route label of a message that went to a fallback: the receivers that it stands in for, first
/// the one that was meant, separated by `, `.
pub const DIVERTED_FROM_LABEL: &str = "diverted_from";

/// One message to one receiver about one alert, or about a group of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// Name of the receiver in the configuration.
    pub receiver: String,
    /// What it does.
    pub kind: NotificationKind,
    /// Tells the firings of this alert apart: the millisecond of the first burning slot.
    pub episode: u64,
    /// Orders the notifications of one episode to one receiver, from 1.
    pub sequence: u32,
    /// What it says; of a group, what it says about its loudest alert.
    pub facts: AlertFacts,
    /// The group, if it is about several.
    #[serde(default)]
    pub group: Option<Box<GroupFacts>>,
    /// Labels of the route that led to the receiver.
    #[serde(default)]
    pub route_labels: BTreeMap<String, String>,
}

impl Notification {
    /// The key by which the receiver recognises what this is about, at most 255 bytes: the
    /// alert's, or that of the group.
    pub fn dedup_key(&self) -> String {
        match &self.group {
            Some(group) => group.key.dedup_key(),
            None => self.facts.key.dedup_key(),
        }
    }

    /// Names this message for ever: receivers may use it to recognise a repetition. One that
    /// stands in for another receiver's is another message.
    pub fn idempotency_key(&self) -> String {
        let stands_in = self.route_labels.get(DIVERTED_FROM_LABEL);
        let stands_in = stands_in.map(|whom| format!("/{whom}"));
        format!(
            "{}#{}.{}@{}{}",
            self.dedup_key(),
            self.episode,
            self.sequence,
            self.receiver,
            stands_in.unwrap_or_default()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::slo::SloId;

    fn key(labels: Labels) -> AlertKey {
        let instance = InstanceId {
            slo: SloId::new("shop", "checkout"),
            labels,
        };
        AlertKey::Burn {
            instance,
            severity: Severity::Page,
        }
    }

    #[test]
    fn dedup_keys_are_readable_and_bounded() {
        let short = key(Labels::new([("region", "eu")])).dedup_key();
        assert_eq!(short, r#"slofuse/shop/checkout{region="eu"}/page"#);
        let one = key(Labels::new([("region", "ü".repeat(300))])).dedup_key();
        let two = key(Labels::new([("region", "ü".repeat(301))])).dedup_key();
        assert!(one.len() <= 255 && two.len() <= 255);
        assert_ne!(one, two, "the cut keys still differ");
    }
}
