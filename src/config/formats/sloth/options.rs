//! The options of an SLI plugin, and the label matchers that are made of them.
//!
//! Sloth's plugins paste options into the text of a query. Here each must be what it is meant to be,
//! so that no option can change what the query measures.

use crate::config::diagnostic::{Report, excerpt};
use crate::config::lint::Lint;
use crate::config::nearest::nearest;
use crate::config::promql::{self, bucket_matcher};
use crate::config::tree::{Key, Mark, Node, Value};

use super::scalar::{resolve, text_of};

/// What stands under `options` of one plugin.
pub(super) struct Options<'n, 'a> {
    report: Report<'a>,
    /// Where the plugin is named: for options that are missing.
    mark: Mark,
    entries: &'n [(Key, Node)],
    /// Whether they are no section, which is reported.
    refused: bool,
    known: Vec<&'static str>,
}

impl<'n, 'a> Options<'n, 'a> {
    pub(super) fn new(node: Option<&'n Node>, mark: Mark, report: &Report<'a>) -> Self {
        let entries = match node.map(|node| (node.mark, &node.value)) {
            Some((_, Value::Mapping(entries))) => entries.as_slice(),
            None | Some((_, Value::Null)) => &[],
            Some((mark, Value::Scalar { .. } | Value::Sequence(_))) => {
                let fix = "write one \"key: value\" per line, indented";
                report.error(mark, "options are not a section of keys and values", fix);
                &[]
            }
        };
        Self {
            report: report.clone(),
            mark,
            entries,
            refused: !node.is_none_or(|node| matches!(node.value, Value::Mapping(_) | Value::Null)),
            known: Vec::new(),
        }
    }

    /// An option that is written and not empty.
    pub(super) fn get(&mut self, name: &'static str) -> Option<(Mark, String)> {
        self.known.push(name);
        let (_, node) = self.entries.iter().find(|(key, _)| key.text == name)?;
        let Some(text) = text_of(node) else {
            let message = format!("the option {name} is not a single value");
            self.report.error(node.mark, message, "write one value");
            return None;
        };
        let text = text.trim();
        (!text.is_empty()).then(|| (node.mark, text.to_owned()))
    }

    /// An option without which the plugin measures nothing.
    pub(super) fn required(&mut self, name: &'static str) -> Option<(Mark, String)> {
        let found = self.get(name);
        if found.is_none() && !self.is_refused(name) {
            let message = format!("the plugin needs the option {name}");
            self.report
                .error(self.mark, message, format!("add {name}: to the options"));
        }
        found
    }

    /// Whether the option is reported already, being no single value.
    fn is_refused(&self, name: &str) -> bool {
        let entry = self.entries.iter().find(|(key, _)| key.text == name);
        self.refused || entry.is_some_and(|(_, node)| text_of(node).is_none())
    }

    /// A number that is finite.
    pub(super) fn number(&mut self, name: &'static str, text: (Mark, String)) -> Option<f64> {
        let (mark, text) = text;
        let number: Option<f64> = text.parse().ok();
        let number = number.filter(|number| number.is_finite());
        if number.is_none() {
            let message = format!("the option {name} is not a number");
            self.report
                .error(mark, message, "write a number such as 0.5");
        }
        number
    }

    /// Whether a switch is on; off when it is not written, `None` when it is refused.
    pub(super) fn switch(&mut self, name: &'static str) -> Option<bool> {
        let Some((mark, text)) = self.get(name) else {
            return Some(false);
        };
        match resolve(&text).as_str() {
            "true" | "1" | "t" | "T" => Some(true),
            "false" | "0" | "f" | "F" => Some(false),
            _ => {
                let message = format!("the option {name} is neither true nor false");
                self.report.error(mark, message, "write true or false");
                None
            }
        }
    }

    /// The label matchers of the option `filter`, empty when there are none.
    pub(super) fn filter(&mut self, needed: bool) -> Option<String> {
        let option = if needed {
            Some(self.required("filter")?)
        } else {
            self.get("filter")
        };
        let Some((mark, text)) = option else {
            return Some(String::new());
        };
        let text = text.trim_matches(['{', '}', ',', ' ']);
        self.matchers("filter", mark, text)
    }

    /// A matcher whose value is a required option: `label=~"value"`.
    pub(super) fn matcher(&mut self, label: &str, op: &str, name: &'static str) -> Option<String> {
        let (mark, value) = self.required(name)?;
        self.matchers(name, mark, &format!("{label}{op}\"{value}\""))
    }

    /// The matcher on `le` of the required option `bucket`.
    pub(super) fn bucket(&mut self) -> Option<String> {
        let option = self.required("bucket")?;
        let mark = option.0;
        let bound = self.number("bucket", option)?;
        if bound > 0.0 {
            return bucket_matcher(bound);
        }
        let fix = "write the bound of a bucket of the histogram, such as 0.5";
        self.report
            .error(mark, "the option bucket is not above 0", fix);
        None
    }

    /// The text, if it is label matchers and nothing else.
    pub(super) fn matchers(&self, name: &str, mark: Mark, text: &str) -> Option<String> {
        if text.is_empty() {
            return Some(String::new());
        }
        let Err(error) = promql::exclusion(&format!("{{{text}}}")) else {
            return Some(text.to_owned());
        };
        let reason = error.message;
        let message = format!("the option {name} does not make label matchers: {reason}");
        let fix = "write it as it stands between the braces of a selector, such as job=\"x\"";
        self.report.error(mark, message, fix);
        None
    }

    /// Reports the options that the plugin does not have.
    pub(super) fn finish(self) {
        for (key, _) in self.entries {
            if self.known.contains(&key.text.as_str()) {
                continue;
            }
            let message = format!(
                "the plugin has no option {:?}, so it is ignored",
                excerpt(&key.text)
            );
            let fix = match nearest(&key.text, self.known.iter().copied()) {
                Some(near) => format!("did you mean {near:?}? remove it otherwise"),
                None => "remove it".to_owned(),
            };
            self.report.lint(Lint::IgnoredKey, key.mark, message, fix);
        }
    }
}
