//! Texts of alerting rules: annotations and labels that Prometheus takes as templates.
//!
//! One name or template that Prometheus refuses makes it refuse the whole file, and every alert in
//! it. So names are made to fit, and what cannot be a template is written as the text it is.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::{AlertText, Severity};

use super::Plan;

/// What templates may call, and the words of their language.
const WORDS: &[&str] = &[
    // Control.
    "block",
    "break",
    "continue",
    "define",
    "else",
    "end",
    "if",
    "range",
    "template",
    "with",
    // Go.
    "and",
    "call",
    "eq",
    "false",
    "ge",
    "gt",
    "html",
    "index",
    "js",
    "le",
    "len",
    "lt",
    "ne",
    "nil",
    "not",
    "or",
    "print",
    "printf",
    "println",
    "slice",
    "true",
    "urlquery",
    // Prometheus.
    "args",
    "externalURL",
    "first",
    "graphLink",
    "humanize",
    "humanize1024",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "label",
    "match",
    "parseDuration",
    "pathPrefix",
    "query",
    "reReplaceAll",
    "safeHtml",
    "sortByLabel",
    "stripDomain",
    "stripPort",
    "strvalue",
    "tableLink",
    "title",
    "tmpl",
    "toLower",
    "toTime",
    "toUpper",
    "value",
];

/// Variables that Prometheus defines.
const VARIABLES: &[&str] = &["", "externalLabels", "externalURL", "labels", "value"];

impl Plan<'_> {
    /// Sloth's own, what the document says, and over them what the alert says.
    pub(super) fn annotations(
        &self,
        severity: Severity,
        text: &AlertText,
    ) -> BTreeMap<String, String> {
        const SLO: &str = "{{$labels.sloth_service}} {{$labels.sloth_slo}}";
        let document = &self.slo.document;
        let description = Some(&document.description).filter(|text| !text.is_empty());
        let title = format!("{SLO}: budget burns too fast ({severity})");
        let summary = format!("{SLO} spends its error budget faster than it can afford.");
        let own = [
            ("title", Some(title)),
            ("summary", Some(summary)),
            ("description", description.map(|text| literal(text))),
            ("owner", document.owner.as_deref().map(literal)),
            ("runbook_url", document.runbook.as_deref().map(literal)),
            ("dashboard_url", document.dashboard.as_deref().map(literal)),
        ];
        let own = own
            .into_iter()
            .filter_map(|(name, text)| Some((name.to_owned(), text?)));
        let mut annotations: BTreeMap<String, String> = own.collect();
        for written in [&document.annotations, &text.annotations] {
            annotations.extend(templates(written));
        }
        annotations
    }

    /// What Prometheus does not take as it is written.
    pub(super) fn text_notes(&self) -> Vec<String> {
        let document = &self.slo.document;
        let alerts = document.alerts.values();
        let annotations = alerts
            .clone()
            .map(|text| &text.annotations)
            .chain([&document.annotations]);
        let mut notes = BTreeSet::new();
        for (name, text) in annotations.clone().flatten() {
            let fitting = fitting(name);
            if fitting != *name {
                notes.insert(format!(
                    "its annotation {name} is called {fitting}, for Prometheus refuses that name"
                ));
            }
            if !is_template(text) {
                notes.insert(format!(
                    "its annotation {name} is no template of Prometheus, and is written as it is"
                ));
            }
        }
        for (name, text) in alerts.flat_map(|text| &text.labels) {
            if !is_template(text) {
                notes.insert(format!(
                    "the label {name} of its alerts is no template of Prometheus, and is written \
                     as it is"
                ));
            }
        }
        notes.into_iter().collect()
    }
}

/// Texts under names, and as templates, that Prometheus takes.
pub(super) fn templates(
    texts: &BTreeMap<String, String>,
) -> impl Iterator<Item = (String, String)> {
    // A name that fits as it is comes last: it is meant, and wins.
    let (fit, made): (Vec<_>, Vec<_>) = texts.iter().partition(|(name, _)| fitting(name) == **name);
    made.into_iter().chain(fit).map(|(name, text)| {
        let text = match is_template(text) {
            true => text.clone(),
            false => literal(text),
        };
        (fitting(name), text)
    })
}

/// A name of letters, digits and `_`, not beginning with a digit.
fn fitting(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let fitting: String = name.chars().map(plain).collect();
    match fitting.starts_with(|c: char| c.is_ascii_digit()) || fitting.is_empty() {
        true => format!("_{fitting}"),
        false => fitting,
    }
}

/// A text that Prometheus' templates leave as it is.
fn literal(text: &str) -> String {
    text.replace("{{", "{{\"{{\"}}")
}

/// Whether Prometheus can read a text as a template, as far as can be told without its parser:
/// places are closed, blocks end, and words and variables are known.
fn is_template(text: &str) -> bool {
    let mut open = 0_u32;
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("{{") {
        let Some((action, after)) = after.split_once("}}") else {
            return false;
        };
        let action = action.strip_prefix('-').unwrap_or(action);
        let action = action.strip_suffix('-').unwrap_or(action).trim();
        if !is_action(action, text) {
            return false;
        }
        match first_word(action) {
            "if" | "range" | "with" | "define" | "block" => open += 1,
            "else" | "end" if open == 0 => return false,
            "end" => open -= 1,
            _ => {}
        }
        rest = after;
    }
    open == 0
}

fn is_action(action: &str, text: &str) -> bool {
    if action.starts_with("/*") {
        return action.ends_with("*/");
    }
    // A quoted text may hold anything; without one each call begins the action or follows a bar.
    let quoted = action.contains(['"', '`', '\'']);
    let calls: Vec<&str> = match quoted {
        true => vec![action],
        false => action.split('|').map(str::trim).collect(),
    };
    let is_call = |call: &&str| match call.chars().next() {
        Some(first) if first.is_alphabetic() => WORDS.contains(&first_word(call)),
        Some(first) => matches!(first, '$' | '.' | '(' | '"' | '`') || first.is_ascii_digit(),
        None => false,
    };
    let variables = action.split('$').skip(1).map(first_word);
    let is_variable = |name: &str| {
        VARIABLES.contains(&name) || (text.contains(":=") && text.contains(&format!("${name}")))
    };
    calls.iter().all(is_call)
        && (quoted || (!action.contains(['{', '}']) && variables.into_iter().all(is_variable)))
}

fn first_word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_told_from_texts_with_braces() {
        for template in [
            "",
            "plain } text",
            "{{ $labels.depot }} at {{ $value | humanizePercentage }}",
            "{{- if gt $value 0.5 -}} half {{ else }} less {{ end }}",
            "{{ range query \"up == 0\" }}{{ .Labels.job }}{{ end }}",
            "{{ with $x := $labels.job }}{{ $x }}{{ end }}",
            "{{ reReplaceAll \"a|b\" \"c\" $labels.d }}",
            "{{/* silent */}}",
            "{{ \"{{\" }}",
        ] {
            assert!(is_template(template), "{template}");
        }
        for text in [
            "{{",
            "{{}}",
            "{{ customer }}",
            "{{ $customer }}",
            "{{ $value | percent }}",
            "{{ if $value }} never ends",
            "{{ end }}",
            "{{ ! }}",
            "{{ ${{ }}",
        ] {
            assert!(!is_template(text), "{text}");
        }
    }

    #[test]
    fn names_fit_and_those_that_did_win() {
        for (name, expected) in [
            ("runbook", "runbook"),
            ("example.com/team", "example_com_team"),
            ("2nd", "_2nd"),
            ("", "_"),
            ("\u{e9}", "_"),
        ] {
            assert_eq!(fitting(name), expected);
        }
        let texts = [("a.b", "made"), ("a_b", "meant"), ("a/b", "made")];
        let texts = texts.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let fit: BTreeMap<String, String> = templates(&BTreeMap::from(texts)).collect();
        assert_eq!(fit["a_b"], "meant");
    }
}
