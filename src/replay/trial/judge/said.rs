//! Claims in words, as a failure repeats them.

use crate::config::trial::{AlertKind, Claim, MessageClaim};
use crate::engine::{NotificationKind, Span};

use super::super::timeline::figure;

/// A claim in words.
pub(super) fn said(claim: &Claim) -> String {
    match claim {
        Claim::State(AlertKind::Burn(severity), wanted) => format!("{severity} {wanted}"),
        Claim::State(AlertKind::Blind, wanted) => format!("blind {wanted}"),
        Claim::State(AlertKind::SourceDown, wanted) => format!("source_down {wanted}"),
        Claim::Outcome(wanted) => format!("outcome {wanted}"),
        Claim::Tiers(windows) => format!("the tiers that burn are {}", list(windows)),
        Claim::Burn(window, range) => format!("burn over {window} {}", range.text),
        Claim::Consumed(range) => format!("budget consumed {}", range.text),
        Claim::Remaining(range) => format!("budget remaining {}", range.text),
        Claim::Message(claim) => message_said(claim),
        Claim::Fired(severity, count) => format!("{count} of severity {severity} begin to fire"),
    }
}

fn message_said(claim: &MessageClaim) -> String {
    let mut words = match claim.count {
        None => "a message".to_owned(),
        Some(0) => "no message".to_owned(),
        Some(1) => "one message".to_owned(),
        Some(count) => format!("{count} messages"),
    };
    let parts = [
        ("to", claim.to.clone()),
        (
            "of kind",
            claim.kind.map(NotificationKind::as_str).map(str::to_owned),
        ),
        (
            "of severity",
            claim.severity.map(|severity| severity.to_string()),
        ),
        (
            "that contains",
            claim.contains.as_ref().map(|text| format!("{text:?}")),
        ),
        (
            "that matches",
            claim
                .matches
                .as_ref()
                .map(|regex| format!("{:?}", regex.as_str())),
        ),
    ];
    for (what, value) in parts {
        if let Some(value) = value {
            words += &format!(" {what} {value}");
        }
    }
    words
}

/// A figure with its unit, if it is known.
pub(super) fn known(value: Option<f64>, unit: &str) -> String {
    value.map_or_else(
        || "unknown".to_owned(),
        |value| format!("{}{unit}", figure(value)),
    )
}

/// Lengths of time, or `none`.
pub(super) fn list(spans: &[Span]) -> String {
    match spans {
        [] => "none".to_owned(),
        some => some
            .iter()
            .map(Span::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    }
}
