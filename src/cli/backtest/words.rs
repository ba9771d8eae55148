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

/// A name on lines of at most so many characters, broken after its parts where that is possible.
pub(super) fn folded(name: &str, width: usize) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    let mut room = width;
    for part in name.split_inclusive(['/', '-', '_', '.', ',', '{', ' ']) {
        let length = part.chars().count();
        if length > room && room < width {
            lines.push(String::new());
            room = width;
        }
        for letter in part.chars() {
            if room == 0 && width > 0 {
                lines.push(String::new());
                room = width;
            }
            if let Some(line) = lines.last_mut() {
                line.push(letter);
            }
            room = room.saturating_sub(1);
        }
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join("\n")
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

    #[test]
    fn names_are_broken_after_their_parts() {
        assert_eq!(
            folded("checkout/availability/blind", 40),
            "checkout/availability/blind"
        );
        assert_eq!(
            folded("checkout/availability/blind", 24),
            "checkout/availability/\nblind"
        );
        assert_eq!(
            folded("checkout/availability", 14),
            "checkout/\navailability"
        );
        assert_eq!(
            folded("checkout/availability", 8),
            "checkout\n/\navailabi\nlity"
        );
        assert_eq!(folded("s/n{region=\"eu\"}", 8), "s/n{\nregion=\"\neu\"}");
        assert_eq!(
            (folded("", 3), folded("ab", 0)),
            (String::new(), "ab".to_owned())
        );
    }
}
