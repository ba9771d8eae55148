//! Rule groups as YAML: a rule file, or the object that the Prometheus operator reads.

use std::collections::BTreeMap;

use super::{Group, Purpose, Rule, SloRules};

/// What the operator's object is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectName {
    /// `metadata.name`
    pub name: String,
    /// `metadata.namespace`, where it has one.
    pub namespace: Option<String>,
    /// `metadata.labels`
    pub labels: BTreeMap<String, String>,
}

/// A rule file: `groups:`.
pub fn rule_file(slos: &[SloRules]) -> String {
    let mut out = header(slos);
    groups(&mut out, "", slos);
    out
}

/// A `PrometheusRule`.
pub fn prometheus_rule(slos: &[SloRules], object: &ObjectName) -> String {
    let mut out = header(slos);
    out.push_str("apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n");
    line(&mut out, "  ", "name", &object.name);
    if let Some(namespace) = &object.namespace {
        line(&mut out, "  ", "namespace", namespace);
    }
    texts(&mut out, "  ", "labels", &object.labels);
    out.push_str("spec:\n");
    groups(&mut out, "  ", slos);
    out
}

/// Where it comes from, and what the rules do otherwise than slofuse.
fn header(slos: &[SloRules]) -> String {
    let mut out =
        "# Made from SLO definitions by slofuse rules. Changes here are lost.\n".to_owned();
    for slo in slos {
        for note in &slo.notes {
            // A note on one line cannot leave the comment.
            let note = note.replace(char::is_control, " ");
            out.push_str(&format!("# {}: {note}.\n", slo.slo));
        }
    }
    out
}

fn groups(out: &mut String, indent: &str, slos: &[SloRules]) {
    if slos.is_empty() {
        return out.push_str(&format!("{indent}groups: []\n"));
    }
    out.push_str(&format!("{indent}groups:\n"));
    for Group { name, rules } in slos.iter().flat_map(|slo| &slo.groups) {
        line(out, &format!("{indent}- "), "name", name);
        out.push_str(&format!("{indent}  rules:\n"));
        for rule in rules {
            self::rule(out, &format!("{indent}  "), rule);
        }
    }
}

fn rule(out: &mut String, indent: &str, rule: &Rule) {
    let first = format!("{indent}- ");
    let indent = format!("{indent}  ");
    match &rule.purpose {
        Purpose::Record(name) => line(out, &first, "record", name),
        Purpose::Alert { name, .. } => line(out, &first, "alert", name),
    }
    expression(out, &indent, &rule.expr);
    if let Purpose::Alert { pending, .. } = &rule.purpose
        && !pending.is_zero()
    {
        line(out, &indent, "for", &pending.to_string());
    }
    texts(out, &indent, "labels", &rule.labels);
    texts(out, &indent, "annotations", &rule.annotations);
}

/// PromQL as it is, where YAML can hold it as it is.
fn expression(out: &mut String, indent: &str, expr: &str) {
    let literal = expr.contains(['\n', '"', '\\'])
        && !expr.starts_with(char::is_whitespace)
        && !expr.ends_with(char::is_whitespace)
        && expr.chars().all(|c| c == '\n' || is_printable(c));
    if !literal {
        return line(out, indent, "expr", expr);
    }
    out.push_str(&format!("{indent}expr: |\n"));
    for line in expr.lines() {
        if !line.is_empty() {
            out.push_str(&format!("{indent}  {line}"));
        }
        out.push('\n');
    }
}

fn texts(out: &mut String, indent: &str, key: &str, texts: &BTreeMap<String, String>) {
    if texts.is_empty() {
        return;
    }
    out.push_str(&format!("{indent}{key}:\n"));
    for (name, text) in texts {
        line(out, &format!("{indent}  "), name, text);
    }
}

fn line(out: &mut String, indent: &str, key: &str, text: &str) {
    out.push_str(&format!("{indent}{}: {}\n", scalar(key), scalar(text)));
}

/// A text that YAML reads as this text: bare when it can be nothing else, else in quotes.
fn scalar(text: &str) -> String {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    let is_word = WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    // A colon is part of a bare text unless a space or the end follows.
    let plain = text.chars().all(|c| bare(c) || c == ':') && !text.ends_with(':');
    if starts_well && plain && !is_word {
        return text.to_owned();
    }
    quoted(text)
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if is_printable(c) => out.push(c),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out + "\""
}

/// Whether YAML takes a character as it is and for nothing else, such as a line break.
fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        )
}
