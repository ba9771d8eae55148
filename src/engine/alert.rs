//! The alert: one identity from its first burning slot to its resolve.
//!
//! The state machine is one function, [`advance`]: inactive, pending, firing, and back. It knows
//! three signals. *Unknown* (no data, failed, not covered) changes nothing: an alert neither fires
//! nor resolves on what nobody saw.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::effect::StateName;
use super::mute::Mute;
use super::notification::{AlertFacts, AlertKey, Reason};
use super::pending::TierStart;
use super::time::{Span, Timestamp};

/// The durable memory of one alert that is pending or firing.
///
/// It is stored as one JSON value per key; a restart restores it unchanged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertRecord {
    /// Identity.
    pub key: AlertKey,
    /// Where it stands.
    pub state: AlertState,
    /// What is known about it; the tiers are all that burned during the episode.
    pub facts: AlertFacts,
    /// Long and short windows of the tiers that burn at present.
    pub burning: Vec<(Span, Span)>,
    /// Since when tiers have burned without interruption; `None` in a record of a version that did
    /// not remember it.
    #[serde(default)]
    pub tier_starts: Option<Vec<TierStart>>,
    /// Bad events after this time are what the alert costs.
    pub costs_from: Timestamp,
    /// What each receiver was told in this episode about this alert by itself.
    pub told: BTreeMap<String, Told>,
    /// Why nobody is told at present.
    #[serde(default)]
    pub mutes: Vec<Mute>,
    /// When somebody was first told of this episode, or when an acknowledgement was last taken
    /// back: escalation counts from here. `None` before.
    #[serde(default)]
    pub announced_at: Option<Timestamp>,
}

/// The last notification of an episode to a receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "ToldForm")]
pub struct Told {
    /// Its sequence number.
    pub sequence: u32,
    /// When it was decided; `None` in a record of a version that did not remember it.
    pub at: Option<Timestamp>,
    /// Whether there have been news since that it has not heard, for the alert was muted.
    pub behind: bool,
}

/// How [`Told`] is stored; the first version knew only the sequence number.
#[derive(Deserialize)]
#[serde(untagged)]
enum ToldForm {
    Sequence(u32),
    Full {
        sequence: u32,
        at: Option<Timestamp>,
        #[serde(default)]
        behind: bool,
    },
}

impl From<ToldForm> for Told {
    fn from(form: ToldForm) -> Self {
        match form {
            ToldForm::Sequence(sequence) => Self {
                sequence,
                at: None,
                behind: false,
            },
            ToldForm::Full {
                sequence,
                at,
                behind,
            } => Self {
                sequence,
                at,
                behind,
            },
        }
    }
}

impl AlertRecord {
    /// The number of the episode: the millisecond of its first burning slot. It rises from episode
    /// to episode without being stored anywhere.
    pub fn episode(&self) -> u64 {
        self.state.since().as_millis().unsigned_abs()
    }

    /// Whether the alert is up.
    pub fn is_firing(&self) -> bool {
        matches!(self.state, AlertState::Firing { .. })
    }

    /// Whether the alert is up and not merely held.
    pub(super) fn is_burning(&self) -> bool {
        matches!(
            self.state,
            AlertState::Firing {
                quiet_since: None,
                ..
            }
        )
    }
}

/// Where an open alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "name")]
pub enum AlertState {
    /// The condition holds since `since`, but not for long enough.
    Pending {
        /// First burning slot.
        since: Timestamp,
    },
    /// Up.
    Firing {
        /// First burning slot, pending time included.
        since: Timestamp,
        /// First slot without the condition, while the hold time runs.
        quiet_since: Option<Timestamp>,
    },
}

impl AlertState {
    /// First burning slot.
    pub fn since(self) -> Timestamp {
        match self {
            Self::Pending { since } | Self::Firing { since, .. } => since,
        }
    }

    /// The state's name.
    pub fn name(self) -> StateName {
        match self {
            Self::Pending { .. } => StateName::Pending,
            Self::Firing { .. } => StateName::Firing,
        }
    }
}

/// What a slot says about an alert's condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// It holds.
    Up,
    /// It does not, for this reason.
    Down(Reason),
    /// Nobody can say.
    Unknown,
}

/// Whether a condition has held for long enough, and how long an alert outlives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Whether the condition, if it holds, has done so for long enough to fire.
    pub ripe: bool,
    /// How long it must not hold before the alert resolves.
    pub hold: Span,
}

impl Timing {
    /// Fires and resolves at once.
    pub const AT_ONCE: Self = Self {
        ripe: true,
        hold: Span::ZERO,
    };
}

/// The next state of an alert; `None` is inactive.
pub fn advance(
    state: Option<AlertState>,
    signal: &Signal,
    now: Timestamp,
    timing: Timing,
) -> Option<AlertState> {
    use AlertState::{Firing, Pending};
    match (state, signal) {
        (state, Signal::Unknown) => state,
        (None, Signal::Down(_)) | (Some(Pending { .. }), Signal::Down(_)) => None,
        (None | Some(Pending { .. }), Signal::Up) => {
            let since = state.map_or(now, AlertState::since);
            Some(if timing.ripe {
                Firing {
                    since,
                    quiet_since: None,
                }
            } else {
                Pending { since }
            })
        }
        (Some(Firing { since, .. }), Signal::Up) => Some(Firing {
            since,
            quiet_since: None,
        }),
        (Some(Firing { since, quiet_since }), Signal::Down(_)) => {
            let quiet_since = quiet_since.unwrap_or(now);
            let held = now.since(quiet_since) < timing.hold;
            held.then_some(Firing {
                since,
                quiet_since: Some(quiet_since),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::labels::Labels;
    use crate::engine::period::Period;

    /// As it stood in a store before definitions had calendar periods, an SLA or tiers of their own.
    #[test]
    fn a_record_of_the_first_version_is_read() {
        let json = r#"{
            "key": {"burn": {"instance": {"slo": "shop/api", "labels": LABELS},
                             "severity": "page"}},
            "state": {"name": "firing", "since": 1700006400000, "quiet_since": null},
            "facts": {
                "key": {"burn": {"instance": {"slo": "shop/api", "labels": LABELS},
                                 "severity": "page"}},
                "severity": "page", "service": "shop", "slo": "api", "labels": LABELS,
                "objective_percent": 99.9, "period": 2592000000,
                "reason": {"kind": "burning"},
                "started_at": 1700006400000, "decided_at": 1700006400000, "resolved_at": null,
                "tiers": [{"long": 3600000, "short": 300000, "factor": 14.4,
                           "budget_fraction": 0.02, "long_burn": 20.0, "short_burn": 30.0,
                           "bad_events": 72.0, "total_events": 3600.0}],
                "peak_burn": 20.0,
                "budget": {"consumed": 0.1, "remaining": 0.9, "exhausted_in": null,
                           "consumed_by_alert": 0.02, "coverage": 1.0},
                "document": {"description": "", "owner": null, "runbook": null,
                             "dashboard": null, "rationale": null,
                             "labels": {}, "annotations": {}},
                "affected": 1
            },
            "burning": [[3600000, 300000]],
            "costs_from": 1700002800000,
            "told": {"pager": 1}
        }"#;
        let labels = serde_json::to_string(&Labels::new([("zone", "eu")])).unwrap();
        let record: AlertRecord = serde_json::from_str(&json.replace("LABELS", &labels)).unwrap();
        let days = Span::from_days(30);
        assert_eq!(record.facts.period, Some(Period::Rolling(days)));
        assert_eq!(record.burning, [(Span::from_hours(1), Span::from_mins(5))]);
        assert_eq!(
            (&record.tier_starts, record.told["pager"].sequence),
            (&None, 1)
        );
        assert!(record.is_firing() && record.facts.alert_name.is_none());
        let again = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<AlertRecord>(&again).unwrap(), record);
    }

    /// Plays one letter per 30 s slot (`U`p, `D`own, `?`) and prints the state after each:
    /// `.` inactive, `p`ending, `F`iring, `h`eld.
    fn play(pending: i64, hold: i64, signals: &str) -> String {
        let mut state: Option<AlertState> = None;
        let mut seen = String::new();
        for (slot, letter) in signals.chars().enumerate() {
            let signal = match letter {
                'U' => Signal::Up,
                'D' => Signal::Down(Reason::Recovered),
                _ => Signal::Unknown,
            };
            let now = Timestamp::from_secs(slot as i64 * 30);
            // One tier: it has burned since the alert is up.
            let since = state.map_or(now, AlertState::since);
            let timing = Timing {
                ripe: now.since(since) >= Span::from_secs(pending),
                hold: Span::from_secs(hold),
            };
            state = advance(state, &signal, now, timing);
            seen.push(match state {
                None => '.',
                Some(AlertState::Pending { .. }) => 'p',
                Some(AlertState::Firing {
                    quiet_since: None, ..
                }) => 'F',
                Some(AlertState::Firing { .. }) => 'h',
            });
        }
        seen
    }

    #[test]
    fn fires_and_resolves_at_once_by_default() {
        assert_eq!(play(0, 0, "DUUDDU"), ".FF..F");
    }

    #[test]
    fn pending_counts_from_the_first_burning_slot() {
        assert_eq!(play(60, 0, "UUUDUDUUU"), "ppF.p.ppF");
        assert_eq!(
            play(60, 0, "U??U"),
            "pppF",
            "what nobody saw does not interrupt"
        );
    }

    #[test]
    fn hold_keeps_an_alert_through_short_quiet() {
        assert_eq!(play(0, 60, "UDUDDDU"), "FhFhh.F");
    }

    #[test]
    fn nothing_fires_or_resolves_on_what_nobody_saw() {
        assert_eq!(play(0, 0, "??U????D"), "..FFFFF.");
        assert_eq!(play(0, 60, "UD???D"), "Fhhhh.", "the hold clock goes on");
    }
}
