//! One alert and some counts in a few words.

use crate::cli::check::harmless;
use crate::message::figures;
use crate::replay::report::AlertReport;

/// Most messages that are spelled out of one alert.
const MESSAGES_SHOWN: usize = 3;

/// Tiers and peak, or the reason.
pub(super) fn why(alert: &AlertReport) -> String {
    let Some(peak) = alert.peak_burn.filter(|_| !alert.tiers.is_empty()) else {
        return harmless(&alert.reason);
    };
    let tiers = alert.tiers.iter();
    let tiers: Vec<String> = tiers
        .map(|tier| format!("{}/{}", tier.long, tier.short))
        .collect();
    format!("{}, peak {}", tiers.join(" "), figures::burn(peak))
}

/// Who was told, or why nobody was.
pub(super) fn told(alert: &AlertReport) -> String {
    let mut receivers: Vec<&str> = Vec::new();
    for message in &alert.messages {
        if !receivers.contains(&message.receiver.as_str()) {
            receivers.push(&message.receiver);
        }
    }
    let mut words: Vec<String> = receivers
        .iter()
        .take(MESSAGES_SHOWN)
        .map(|receiver| harmless(receiver))
        .collect();
    if let more @ 1.. = receivers.len().saturating_sub(MESSAGES_SHOWN) {
        words.push(counted_more(more));
    }
    if let Some(mute) = alert.mutes.first() {
        words.push(format!("muted: {}", mute.kinds.join(", ")));
    }
    if alert.is_flap {
        words.push("a flap".to_owned());
    }
    match words.is_empty() {
        true => "nobody".to_owned(),
        false => words.join(", "),
    }
}

/// `1 page`, `1,284 pages`
pub(super) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    let count = figures::count(count as f64);
    let count = count.strip_suffix(".0").unwrap_or(&count);
    format!("{count} {noun}{plural}")
}

/// `3 more`
pub(super) fn counted_more(count: usize) -> String {
    format!("{count} more")
}

/// To one decimal.
pub(super) fn tenth(value: f64) -> String {
    format!("{value:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_well() {
        assert_eq!(counted(0, "page"), "0 pages");
        assert_eq!(counted(1, "page"), "1 page");
        assert_eq!(counted(12_840, "flap"), "12,840 flaps");
        assert_eq!(tenth(3.06), "3.1");
    }
}
