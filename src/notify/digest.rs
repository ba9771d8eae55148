//! What is said of a notification where the receiver has no form of its own for it: one
//! notification per alert of a group for machines, and plain lines for people.

use std::collections::BTreeMap;

use crate::engine::{AlertFacts, Notification, NotificationKind};
use crate::message::{Message, figures, text};

/// Longest line, in characters.
const LINE_CHARS_MAX: usize = 1200;

/// One notification per alert, the loudest first: those of a group each by themselves.
pub(super) fn apart(notification: &Notification) -> Vec<Notification> {
    let alone = |facts: &AlertFacts| {
        let mut facts = facts.clone();
        let over = notification.kind == NotificationKind::Resolve || facts.resolved_at.is_some();
        if over && facts.resolved_at.is_none() {
            facts.resolved_at = Some(notification.facts.decided_at);
        }
        let kind = match (over, &notification.group) {
            (true, _) => NotificationKind::Resolve,
            // News of the group, but this alert has only just joined it.
            (false, Some(_)) if facts.reason.is_beginning() => NotificationKind::Trigger,
            (false, _) => notification.kind,
        };
        Notification {
            receiver: notification.receiver.clone(),
            kind,
            episode: notification.episode,
            sequence: notification.sequence,
            facts,
            group: None,
            route_labels: notification.route_labels.clone(),
        }
    };
    match &notification.group {
        Some(group) if !group.members.is_empty() => group.members.iter().map(alone).collect(),
        _ => vec![alone(&notification.facts)],
    }
}

/// What stands around an alert, by names that machines may ask for: who looks after it, and what
/// it depends on that burns too.
pub(super) fn context(facts: &AlertFacts) -> BTreeMap<String, String> {
    let mut context = BTreeMap::new();
    let mut set = |name: &str, value: &str| {
        context.insert(name.to_owned(), text::line(value, LINE_CHARS_MAX));
    };
    if let Some(acknowledged) = &facts.acknowledged {
        set("acknowledged_by", &acknowledged.by);
        set("acknowledged_at", &figures::rfc3339(acknowledged.at));
        if !acknowledged.note.is_empty() {
            set("acknowledged_note", &acknowledged.note);
        }
    }
    if !facts.dependencies.is_empty() {
        let burning = facts.dependencies.iter();
        let burning: Vec<String> = burning
            .map(|dependency| {
                let since = figures::rfc3339(dependency.since);
                format!("{} since {since}", dependency.slo)
            })
            .collect();
        set("burning_dependencies", &burning.join(", "));
    }
    context
}

/// The message in plain lines, the most urgent first, without its title and links.
pub(super) fn lines(message: &Message) -> Vec<String> {
    let mut lines = vec![message.why.clone()];
    let facts = message.facts.iter();
    lines.extend(facts.map(|fact| format!("{}: {}", fact.name, fact.value)));
    if !message.labels.is_empty() {
        lines.push(format!("Labels: {}", message.labels));
    }
    let members = message.members.iter();
    lines.extend(members.map(|member| {
        let link = member.link.as_deref().unwrap_or_default();
        let (badge, title, since) = (member.tone.badge(), &member.title, &member.since);
        format!("[{badge}] {title}, {since} {link}")
    }));
    if message.omitted > 0 {
        lines.push(format!("and {} more alerts", message.omitted));
    }
    lines.extend(
        message
            .notes
            .iter()
            .flat_map(|notes| notes.lines().map(str::to_owned)),
    );
    let shown = lines.iter().map(|line| text::line(line, LINE_CHARS_MAX));
    shown.filter(|line| !line.is_empty()).collect()
}

/// The lines as one text of at most `chars_max` characters: what does not fit is left out from the
/// end, and the last line says how much that is.
pub(super) fn paragraph(lines: &[String], chars_max: usize) -> String {
    /// Room for the last line.
    const NOTE_CHARS: usize = 40;
    let whole = lines.join("\n");
    if whole.chars().count() <= chars_max {
        return whole;
    }
    let mut room = chars_max.saturating_sub(NOTE_CHARS);
    let mut kept = Vec::new();
    for line in lines {
        let length = line.chars().count() + 1;
        if length > room {
            break;
        }
        room -= length;
        kept.push(line.as_str());
    }
    let note = format!("… {} more lines left out", lines.len() - kept.len());
    kept.push(&note);
    text::clip(kept.join("\n").chars(), chars_max)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::fixture;
    use super::*;
    use crate::engine::{
        Acknowledgement, DependencyFacts, GroupFacts, Labels, Reason, Severity, SloId, Span,
        ThreadKey,
    };

    /// A group of a page that burns, one that ended, and two more that are not spelled out.
    pub(in crate::notify) fn group() -> Notification {
        let mut notification = fixture::updated();
        let mut ended = fixture::resolved().facts;
        ended.labels = Labels::new([("region", "us")]);
        if let crate::engine::AlertKey::Burn { instance, .. } = &mut ended.key {
            instance.labels = ended.labels.clone();
        }
        notification.facts.reason = Reason::GroupChanged;
        notification.group = Some(Box::new(GroupFacts {
            key: ThreadKey::Group {
                receiver: "on-call".to_owned(),
                route: "shop".to_owned(),
                labels: Labels::new([("service", "shop")]),
            },
            members: vec![notification.facts.clone(), ended],
            omitted: 2,
            firing: 3,
        }));
        notification
    }

    /// The same group when all of it has ended.
    pub(in crate::notify) fn ended_group() -> Notification {
        let mut notification = fixture::closed(group(), Reason::Recovered);
        let resolved_at = notification.facts.resolved_at;
        let group = notification.group.as_mut().unwrap();
        group.firing = 0;
        for member in &mut group.members {
            member.resolved_at = resolved_at;
        }
        notification
    }

    /// A page that somebody looks after and whose dependency burns too.
    pub(in crate::notify) fn attended() -> Notification {
        let mut notification = fixture::updated();
        let facts = &mut notification.facts;
        facts.reason = Reason::Acknowledged {
            by: "ada".to_owned(),
        };
        facts.acknowledged = Some(Acknowledgement {
            by: "ada".to_owned(),
            at: fixture::NOW,
            via: "api".to_owned(),
            note: "on it".to_owned(),
        });
        facts.dependencies = vec![DependencyFacts {
            slo: SloId::new("shop", "payments"),
            since: fixture::NOW - Span::from_mins(9),
        }];
        notification
    }

    #[test]
    fn a_group_is_its_alerts() {
        let apart = apart(&group());
        let kinds: Vec<NotificationKind> = apart.iter().map(|alone| alone.kind).collect();
        assert_eq!(kinds, [NotificationKind::Update, NotificationKind::Resolve]);
        assert!(apart.iter().all(|alone| alone.group.is_none()));
        let mut forgotten = ended_group();
        forgotten.group.as_mut().unwrap().members[0].resolved_at = None;
        let end = super::apart(&forgotten)[0].facts.resolved_at;
        assert_eq!(
            end,
            Some(forgotten.facts.decided_at),
            "a resolve has an end"
        );
    }

    #[test]
    fn the_lines_name_what_stands_around() {
        let all = |notification| lines(&fixture::plain().message(&notification)).join("\n");
        let attended_lines = all(attended());
        for expected in ["ada", "shop/payments"] {
            assert!(attended_lines.contains(expected), "{attended_lines}");
        }
        let context = context(&attended().facts);
        assert_eq!(context["acknowledged_by"], "ada");
        let burning = &context["burning_dependencies"];
        assert_eq!(burning, "shop/payments since 2026-01-02T03:01:30Z");
        let grouped = all(group());
        for expected in ["[PAGE] shop", "[RESOLVED] shop", "and 2 more alerts"] {
            assert!(grouped.contains(expected), "{expected} in {grouped}");
        }
    }

    #[test]
    fn a_cut_says_how_much_is_missing() {
        let lines: Vec<String> = (0..100).map(|n| format!("line {n}")).collect();
        let cut = paragraph(&lines, 100);
        assert!(cut.chars().count() <= 100, "{cut}");
        assert!(cut.ends_with("… 92 more lines left out"), "{cut}");
        assert_eq!(paragraph(&lines[..2], 100), "line 0\nline 1");
        assert!(paragraph(&["ü".repeat(50)], 10).chars().count() <= 10);
    }

    #[test]
    fn who_has_just_joined_does_not_still_burn() {
        let mut notification = group();
        let members = &mut notification.group.as_mut().unwrap().members;
        members[0].reason = Reason::Burning;
        let apart = apart(&notification);
        assert_eq!(apart[0].kind, NotificationKind::Trigger);
        let title = fixture::plain().message(&apart[0]).title;
        assert!(!title.contains("still"), "{title}");
    }

    #[test]
    fn severities_stay_apart() {
        let mut notification = group();
        let members = &mut notification.group.as_mut().unwrap().members;
        members[1].severity = Severity::Ticket;
        members[1].resolved_at = None;
        let apart = apart(&notification);
        assert_eq!(apart[1].facts.severity, Severity::Ticket);
        assert_eq!(apart[1].kind, NotificationKind::Update);
    }
}
