//! Incidents as YAML or JSON: a native list, or what PagerDuty's REST API answers.

use super::{Cell, Draft, Drafts, End, severity, significance, urgency};
use crate::config::diagnostic::{Level, Report, excerpt};
use crate::config::lint::Lint;
use crate::config::nearest::suggestion;
use crate::config::tree::{self, Node, Value};
use crate::engine::labels::METRIC_NAME;
use crate::engine::{MatchOp, Matcher, Zone};

/// Keys of an incident in a native list, and columns of a native table.
pub(super) const KEYS: [&str; 8] = [
    "start",
    "end",
    "slo",
    "service",
    "labels",
    "severity",
    "significant",
    "title",
];
/// Keys of the file.
const FILE_KEYS: [&str; 2] = ["zone", "incidents"];

/// What the documents of a file say.
pub(super) fn drafts(bytes: &[u8], report: &Report<'_>) -> Drafts {
    let tree = tree::parse(bytes, report);
    let mut drafts = Drafts::default();
    if tree.complete && tree.documents.is_empty() {
        let fix = "write incidents: and a list of them, each with start and end";
        report.error(report.start(), "there are no incidents in this file", fix);
    }
    for document in &tree.documents {
        let listed = match &document.value {
            Value::Sequence(_) => Some(document),
            Value::Mapping(_) => file(document, &mut drafts, report),
            _ => None,
        };
        match listed.map(|listed| &listed.value) {
            Some(Value::Sequence(items)) => {
                let read = items.iter().filter_map(|item| incident(item, report));
                drafts.list.extend(read);
            }
            Some(Value::Null) => {}
            _ => {
                let fix = "write incidents: and a list of them, each with start and end";
                report.error(document.mark, "there is no list of incidents here", fix);
            }
        }
    }
    drafts
}

/// The list of a file that is a mapping.
fn file<'n>(document: &'n Node, drafts: &mut Drafts, report: &Report<'_>) -> Option<&'n Node> {
    let list = document.get("incidents");
    let exported = match list.map(|list| &list.value) {
        Some(Value::Sequence(items)) => items.iter().any(is_exported),
        _ => false,
    };
    if let Some(more) = document.get("more")
        && exported
        && text(more).is_some_and(|(_, text)| text == "true")
    {
        let message = "this is one page of PagerDuty's answer: there are more incidents";
        let fix = "ask with offset until more is false, and put the lists together";
        report.lint_as(Level::Warning, Lint::IgnoredKey, more.mark, message, fix);
    }
    if let Some(node) = document.get("zone") {
        drafts.zone = text(node).and_then(|(_, name)| Zone::named(&name));
        if drafts.zone.is_none() {
            let fix = "write an IANA name such as Europe/Berlin or UTC";
            report.error(node.mark, "this is no time zone", fix);
        }
    }
    if let (Value::Mapping(entries), false) = (&document.value, exported) {
        for (key, _) in entries {
            if !FILE_KEYS.contains(&key.text.as_str()) {
                report.unknown_key(key.mark, &key.text, suggestion(&key.text, FILE_KEYS));
            }
        }
    }
    list
}

/// Whether an item comes from PagerDuty's REST API.
fn is_exported(item: &Node) -> bool {
    item.get("created_at").is_some() && item.get("start").is_none()
}

fn incident(item: &Node, report: &Report<'_>) -> Option<Draft> {
    let Value::Mapping(entries) = &item.value else {
        let fix = "write start: and end: for each incident";
        report.error(item.mark, "this is no incident", fix);
        return None;
    };
    if is_exported(item) {
        return Some(exported(item));
    }
    let mut draft = Draft::new(item.mark, ("start", "end"));
    for (key, node) in entries {
        if !KEYS.contains(&key.text.as_str()) {
            report.unknown_key(key.mark, &key.text, suggestion(&key.text, KEYS));
            continue;
        }
        if key.text == "labels" {
            draft.labels = labels(node, report);
            continue;
        }
        let Some(cell) = text(node) else {
            if !matches!(node.value, Value::Null) {
                report.error(node.mark, "expected one value here", "write a text");
                draft.is_reported = true;
            }
            continue;
        };
        match key.text.as_str() {
            "start" => draft.start = Some(cell),
            "end" if cell.1 == "open" => draft.end = End::Open,
            "end" => draft.end = End::At(cell),
            "slo" => draft.slo = Some(cell),
            "service" => draft.service = Some(cell),
            "severity" => draft.severity = severity(&cell, report),
            "significant" => draft.significant = significance(&cell, report),
            _ => draft.title = cell.1,
        }
    }
    Some(draft)
}

/// An Incident of PagerDuty's REST API v2. `resolved_at` is there once it is resolved; older
/// answers only have `last_status_change_at`, which then is the same time.
fn exported(item: &Node) -> Draft {
    let mut draft = Draft::new(item.mark, ("created_at", "resolved_at"));
    let of = |key: &str| item.get(key).and_then(text);
    draft.start = of("created_at");
    let is_resolved = of("status").is_none_or(|(_, status)| status == "resolved");
    let changed = || of("last_status_change_at").filter(|_| is_resolved);
    draft.end = match of("resolved_at").or_else(changed) {
        Some(cell) => End::At(cell),
        None => End::Open,
    };
    draft.service = item
        .get("service")
        .and_then(|service| service.get("summary"))
        .and_then(text);
    draft.severity = of("urgency").and_then(|(_, word)| urgency(&word));
    let title = of("title").or_else(|| of("summary"));
    draft.title = title.map(|(_, title)| title).unwrap_or_default();
    draft
}

/// `{zone: eu}`: each label has this value.
fn labels(node: &Node, report: &Report<'_>) -> Vec<Matcher> {
    let entries = match &node.value {
        Value::Mapping(entries) => entries.as_slice(),
        Value::Null => &[],
        _ => {
            let fix = "write them as {zone: eu}";
            report.error(node.mark, "labels are a section of names and texts", fix);
            &[]
        }
    };
    let matcher = |(key, node): &(tree::Key, Node)| {
        let Some((_, value)) = text(node).filter(|_| key.text != METRIC_NAME) else {
            let message = format!("the label {:?} has no text", excerpt(&key.text));
            report.error(key.mark, message, "write them as {zone: eu}");
            return None;
        };
        Some(Matcher {
            name: key.text.clone(),
            op: MatchOp::Equal(value),
        })
    };
    entries.iter().filter_map(matcher).collect()
}

fn text(node: &Node) -> Option<Cell> {
    match &node.value {
        Value::Scalar { text, .. } => Some((node.mark, text.clone())),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) => None,
    }
}
