//! Why nobody is told of an alert that fires.
//!
//! A mute says who or what asked for quiet, so that every place that shows an alert can explain
//! it. A muted alert that was announced still gets its resolve.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::notification::AlertKey;
use super::period::Zone;
use super::policy::Severity;
use super::slo::SloId;
use super::time::Timestamp;

/// One reason for quiet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Mute {
    /// The page of the same instance fires.
    Page {
        /// That page.
        by: AlertKey,
    },
    /// An operator asked for it.
    Silence {
        /// Which silence.
        id: String,
        /// Until when.
        until: Timestamp,
        /// Who asked.
        created_by: String,
        /// Why.
        comment: String,
    },
    /// A rule of the settings, and the alert that it refers to.
    Inhibited {
        /// The rule's name.
        rule: String,
        /// The alert that fires.
        by: AlertKey,
    },
    /// The page of an SLO that this one depends on fires.
    Dependency {
        /// That SLO.
        slo: SloId,
        /// Its page.
        by: AlertKey,
    },
    /// A maintenance window is open.
    Maintenance {
        /// Its name.
        name: String,
    },
    /// The route that leads to the receivers rests.
    Interval {
        /// The route.
        route: String,
        /// The name of the interval.
        interval: String,
        /// Whether the route is active only within the interval, or mute within it.
        active: bool,
    },
}

impl Mute {
    /// The bounded word for metrics: `page`, `silence`, `inhibition`, `dependency`, `maintenance`
    /// or `interval`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Page { .. } => "page",
            Self::Silence { .. } => "silence",
            Self::Inhibited { .. } => "inhibition",
            Self::Dependency { .. } => "dependency",
            Self::Maintenance { .. } => "maintenance",
            Self::Interval { .. } => "interval",
        }
    }

    /// Every word, so that metrics can start at zero.
    pub const WORDS: [&'static str; 6] = [
        "page",
        "silence",
        "inhibition",
        "dependency",
        "maintenance",
        "interval",
    ];
}

/// Longest text of a person in a mute's words, in characters: the whole of it is in the silence.
const QUOTED_CHARS_MAX: usize = 200;

/// Plain words on one line: `silence 3f2a by "ann" until 2026-01-02 04:00 UTC: deploying`
impl fmt::Display for Mute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page { by } => write!(f, "the page of the same SLO fires: {by}"),
            Self::Silence {
                id,
                until,
                created_by,
                comment,
            } => {
                let (id, by, why) = (quoted(id), quoted(created_by), quoted(comment));
                write!(f, "silence {id} by {by:?} until {}", minute(*until))?;
                match why.is_empty() {
                    true => Ok(()),
                    false => write!(f, ": {why}"),
                }
            }
            Self::Inhibited { rule, by } => {
                write!(f, "inhibited by rule {rule:?} while {by} fires")
            }
            Self::Dependency { slo, by } => write!(f, "depends on {slo}, whose page fires: {by}"),
            Self::Maintenance { name } => write!(f, "maintenance {name:?} is under way"),
            Self::Interval {
                route,
                interval,
                active,
            } => {
                let word = if *active { "outside" } else { "within" };
                write!(f, "route {route:?} rests {word} {interval:?}")
            }
        }
    }
}

/// A text of a person, cut and on one line.
fn quoted(text: &str) -> String {
    let line = |c: char| if c.is_control() { ' ' } else { c };
    let cut = text.trim().chars().take(QUOTED_CHARS_MAX);
    cut.map(line).collect()
}

/// `2026-01-02 04:00 UTC`
fn minute(at: Timestamp) -> String {
    let at = Zone::utc().civil(at);
    let (year, month, day) = (at.year(), at.month(), at.day());
    let (hour, minute) = (at.hour(), at.minute());
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

/// The mutes of a firing alert changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MuteChange {
    /// When.
    pub at: Timestamp,
    /// Which alert.
    pub key: AlertKey,
    /// How loud it would be.
    pub severity: Severity,
    /// What asks for quiet from now on; empty when somebody is told again.
    pub mutes: Vec<Mute>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::labels::Labels;
    use crate::engine::slo::InstanceId;

    #[test]
    fn mutes_say_who_what_and_until_when() {
        let by = AlertKey::Burn {
            instance: InstanceId {
                slo: SloId::new("shop", "db"),
                labels: Labels::new([("zone", "eu")]),
            },
            severity: Severity::Page,
        };
        let silence = |comment: &str, until| Mute::Silence {
            id: "3f2a".to_owned(),
            until,
            created_by: "ann".to_owned(),
            comment: comment.to_owned(),
        };
        let interval = |active| Mute::Interval {
            route: "nights".to_owned(),
            interval: "office".to_owned(),
            active,
        };
        let long = "x".repeat(10_000);
        let mutes = [
            Mute::Page { by: by.clone() },
            silence("deploying", Timestamp::from_secs(1_767_326_400)),
            silence("two\nlines\u{1b}[2J", Timestamp::from_millis(i64::MAX)),
            silence("", Timestamp::from_millis(i64::MIN)),
            Mute::Inhibited {
                rule: "db".to_owned(),
                by: by.clone(),
            },
            Mute::Dependency {
                slo: SloId::new("shop", "db"),
                by,
            },
            Mute::Maintenance {
                name: "upgrade".to_owned(),
            },
            interval(true),
            interval(false),
        ];
        let words: Vec<String> = mutes.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(words.join("\n"), @r#"
        the page of the same SLO fires: shop/db{zone="eu"}/page
        silence 3f2a by "ann" until 2026-01-02 04:00 UTC: deploying
        silence 3f2a by "ann" until 9999-12-30 22:00 UTC: two lines [2J
        silence 3f2a by "ann" until -9999-01-02 01:59 UTC
        inhibited by rule "db" while shop/db{zone="eu"}/page fires
        depends on shop/db, whose page fires: shop/db{zone="eu"}/page
        maintenance "upgrade" is under way
        route "nights" rests outside "office"
        route "nights" rests within "office"
        "#);
        let longest = silence(&long, Timestamp::EPOCH).to_string();
        assert!(longest.chars().count() < 300, "{longest}");
        let kinds: std::collections::BTreeSet<&str> = mutes.iter().map(Mute::as_str).collect();
        assert_eq!(kinds, Mute::WORDS.into());
    }
}
