//! What the chats have in common: who need not be roused, who looks after it, how a text is cut.
//!
//! A cut is always visible: a text ends in an ellipsis, a list in how much more there is.

use crate::engine::{AlertFacts, Notification, NotificationKind, Reason, Severity};
use crate::message::text;

/// Longest name of a person, in characters.
const PERSON_CHARS_MAX: usize = 80;

/// Whether the message should make no sound: an info alert, or news that asks nobody to act.
pub(super) const fn is_quiet(notification: &Notification) -> bool {
    let facts = &notification.facts;
    matches!(facts.severity, Severity::Info) || matches!(facts.reason, Reason::Acknowledged { .. })
}

/// Whether an update asks people to come, as the first message did: a reminder, an escalation,
/// more alerts.
pub(super) fn calls_again(notification: &Notification) -> bool {
    notification.kind == NotificationKind::Update
        && notification.facts.severity == Severity::Page
        && matches!(
            notification.facts.reason,
            Reason::Repeated
                | Reason::Unacknowledged { .. }
                | Reason::Unmuted
                | Reason::GroupChanged
        )
}

/// Who looks after it; of a group only when every alert that is up is looked after.
pub(super) fn keeper(notification: &Notification) -> Option<String> {
    let name = |facts: &AlertFacts| {
        let acknowledged = facts.acknowledged.as_ref()?;
        Some(text::line(&acknowledged.by, PERSON_CHARS_MAX))
    };
    let Some(group) = &notification.group else {
        return name(&notification.facts);
    };
    let up = |member: &&AlertFacts| member.resolved_at.is_none();
    let keepers: Option<Vec<String>> = group.members.iter().filter(up).map(name).collect();
    let keepers = keepers.filter(|_| group.omitted == 0)?;
    keepers.into_iter().next()
}

/// `and 7 more alerts`
pub(super) fn more_alerts(count: u32) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("and {count} more alert{s}")
}

/// `3 lines are left out: the message would be too long`
pub(super) fn left_out(lines: usize) -> String {
    let are = if lines == 1 { " is" } else { "s are" };
    format!("{lines} line{are} left out: the message would be too long")
}

/// The length of a text as the chats count it, the strict way: in UTF-16 code units.
pub(super) fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// At most `units_max` UTF-16 code units, the last an ellipsis when something was cut.
pub(super) fn clip(text: &str, units_max: usize) -> String {
    escape(text, units_max, |_, _| None)
}

/// The text with some characters replaced, cut between characters of the original so that no
/// escape is broken. `replace` is given a character and what follows it.
pub(super) fn escape(
    text: &str,
    units_max: usize,
    replace: impl Fn(char, &str) -> Option<&'static str>,
) -> String {
    if units_max == 0 {
        return String::new();
    }
    let (mut kept, mut length) = (String::new(), 0);
    // Where an ellipsis would still fit.
    let mut cut = 0;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let piece = replace(c, rest.as_str());
        length += piece.map_or_else(|| c.len_utf16(), units);
        if length > units_max {
            kept.truncate(cut);
            kept.push('…');
            return kept;
        }
        match piece {
            Some(piece) => kept.push_str(piece),
            None => kept.push(c),
        }
        if length < units_max {
            cut = kept.len();
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn a_cut_fits_and_shows() {
        assert_eq!(clip("abcd", 4), "abcd");
        assert_eq!(clip("abcde", 4), "abc…");
        assert_eq!(clip("👩👩👩", 6), "👩👩👩");
        assert_eq!(clip("👩👩👩", 5), "👩👩…");
        assert_eq!(clip("👩👩👩", 4), "👩…");
        assert_eq!(clip("abc", 0), "");
        assert_eq!(clip("", 3), "");
        let doubled = |c: char, _: &str| (c == '*').then_some("\\*");
        assert_eq!(escape("a**b", 10, doubled), "a\\*\\*b");
        assert_eq!(escape("a**b", 5, doubled), "a\\*…", "no lonely backslash");
    }

    proptest::proptest! {
        #[test]
        fn no_cut_is_too_long(text in ".{0,40}", units_max in 0_usize..50) {
            let cut = clip(&text, units_max);
            assert!(units(&cut) <= units_max);
            assert!(cut == text || units(&text) > units_max);
        }
    }

    #[test]
    fn a_group_is_looked_after_when_all_of_it_is() {
        let mut notification = fixture::group();
        assert_eq!(keeper(&notification), None);
        let by_ann = fixture::acknowledgement("ann");
        let group = notification.group.as_mut().unwrap();
        group.members[0].acknowledged = Some(by_ann.clone());
        assert_eq!(keeper(&notification), None, "the second is nobody's");
        let group = notification.group.as_mut().unwrap();
        group.members[1].acknowledged = Some(by_ann);
        assert_eq!(keeper(&notification).as_deref(), Some("ann"));
        notification.group.as_mut().unwrap().omitted = 1;
        assert_eq!(keeper(&notification), None, "nobody knows about the rest");
    }
}
