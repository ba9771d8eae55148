//! Rule groups as YAML: a rule file, or the object that the Prometheus operator reads.

use std::collections::BTreeMap;

use serde_yaml::{Mapping, Value};

use crate::yaml;

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
    header(slos) + &yaml::document(&groups(slos))
}

/// A `PrometheusRule`.
pub fn prometheus_rule(slos: &[SloRules], object: &ObjectName) -> String {
    let metadata = section([
        ("name", text(&object.name)),
        (
            "namespace",
            object.namespace.as_ref().map_or(Value::Null, text),
        ),
        ("labels", texts(&object.labels)),
    ]);
    let rule = section([
        ("apiVersion", text("monitoring.coreos.com/v1")),
        ("kind", text("PrometheusRule")),
        ("metadata", metadata),
        ("spec", groups(slos)),
    ]);
    header(slos) + &yaml::document(&rule)
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

fn groups(slos: &[SloRules]) -> Value {
    let groups = slos.iter().flat_map(|slo| &slo.groups);
    let groups = groups.map(|Group { name, rules }| {
        let rules = rules.iter().map(rule).collect();
        section([("name", text(name)), ("rules", Value::Sequence(rules))])
    });
    section([("groups", Value::Sequence(groups.collect()))])
}

fn rule(rule: &Rule) -> Value {
    let (kind, name, pending) = match &rule.purpose {
        Purpose::Record(name) => ("record", name, Value::Null),
        Purpose::Alert { name, pending } if pending.is_zero() => ("alert", name, Value::Null),
        Purpose::Alert { name, pending } => ("alert", name, text(pending.to_string())),
    };
    section([
        (kind, text(name)),
        ("expr", text(&rule.expr)),
        ("for", pending),
        ("labels", texts(&rule.labels)),
        ("annotations", texts(&rule.annotations)),
    ])
}

/// Entries in this order; those without a value are not written.
fn section<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let entries = entries.into_iter().map(|(key, value)| (text(key), value));
    Value::Mapping(entries.collect())
}

/// Nothing where there are none.
fn texts(texts: &BTreeMap<String, String>) -> Value {
    if texts.is_empty() {
        return Value::Null;
    }
    let entries = texts.iter().map(|(key, value)| (text(key), text(value)));
    Value::Mapping(entries.collect::<Mapping>())
}

fn text(text: impl AsRef<str>) -> Value {
    Value::String(text.as_ref().to_owned())
}
