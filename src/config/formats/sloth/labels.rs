//! Labels of an SLO: those of its file, its own over them, and the identity that Sloth's
//! dashboards, routes and silences select by.

use crate::config::diagnostic::{Report, excerpt};
use crate::config::field::Field;
use crate::config::lint::Lint;
use crate::config::raw::definition::Texts;
use crate::config::tree::Mark;
use crate::config::value::{LabelName, WebUrl};

use super::windows::PERIOD_LABEL;

/// The merged labels, and what they say to the loader.
pub(super) struct Labels {
    /// What receivers see.
    pub(super) texts: Texts,
    /// What [`PERIOD_LABEL`] says.
    pub(super) period: Option<Field<String>>,
}

impl Labels {
    /// The labels of a file under those of one of its SLOs.
    pub(super) fn new(file: &Texts, slo: Texts, report: &Report<'_>) -> Self {
        let mut texts = file.clone();
        texts.extend(slo);
        if let Some(value) = texts.remove("__name__") {
            let mark = value.mark_or(report.start());
            let message = "no label can be called __name__: it is the name of the metric";
            report.error(mark, message, "rename it, or remove it");
        }
        let period = texts.remove(PERIOD_LABEL);
        Self { texts, period }
    }

    /// Adds `sloth_id`, `sloth_service` and `sloth_slo`, which Sloth computes from the names.
    pub(super) fn identify(&mut self, service: &str, name: &str, mark: Mark, report: &Report<'_>) {
        let identity = [
            ("sloth_id", format!("{service}-{name}")),
            ("sloth_service", service.to_owned()),
            ("sloth_slo", name.to_owned()),
        ];
        for (label, value) in identity {
            let written = self.texts.insert(label.to_owned(), Field::at(mark, value));
            if let Some(written) = written {
                let message =
                    format!("the label {label} is made of the names, so this one is ignored");
                let fix = "remove it, or give it another name";
                report.lint(Lint::IgnoredKey, written.mark_or(mark), message, fix);
            }
        }
    }
}

/// The first of some texts that is there.
pub(super) fn first<'t>(texts: &[&'t Texts], names: &[&str]) -> Option<&'t Field<String>> {
    let candidates = names
        .iter()
        .flat_map(|name| texts.iter().map(move |texts| texts.get(*name)));
    candidates.flatten().find(|field| field.value().is_some())
}

/// The first of some texts that is a whole URL, without a place that is still to be filled in.
pub(super) fn first_url(texts: &[&Texts], names: &[&str], section: Mark) -> Field<WebUrl> {
    for name in names {
        for field in texts.iter().filter_map(|texts| texts.get(*name)) {
            let whole = field.value().filter(|text| !text.contains("{{"));
            if let Some(Ok(url)) = whole.map(|text| WebUrl::try_from(text.clone())) {
                return Field::at(field.mark_or(section), url);
            }
        }
    }
    Field::default()
}

/// What the engine fills in when it notifies (`engine::alert_text`), for a text is then whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Later {
    /// Nothing: the text is a label.
    Nothing,
    /// `{{ $labels.x }}`: the annotation is of an alert that no tier raises.
    Labels,
    /// Also `{{ $value }}`, the burn rate.
    LabelsAndValue,
}

/// What `{{ $labels.x }}` may say in the texts of an alert.
pub(super) struct Places<'t> {
    /// Outermost last: a later one hides an earlier one.
    pub(super) known: [&'t Texts; 2],
    /// What of the rest is left to the engine.
    pub(super) later: Later,
}

impl Later {
    fn fills(self, action: &str) -> bool {
        let action = action.trim();
        match action.strip_prefix("$labels.") {
            Some(name) => self != Self::Nothing && LabelName::try_from(name.to_owned()).is_ok(),
            None => self == Self::LabelsAndValue && action == "$value",
        }
    }
}

/// Bytes of a text with its places filled in.
const FILLED_BYTES_MAX: usize = 16 << 10;

impl Places<'_> {
    /// Fills in the labels that the file gives; returns the first place that nobody fills in.
    pub(super) fn fill(&self, text: &str) -> (String, Option<String>) {
        let mut filled = String::with_capacity(text.len());
        let mut left = None;
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            filled.push_str(before);
            let Some((action, after)) = after.split_once("}}") else {
                filled.push_str("{{");
                rest = after;
                continue;
            };
            match self.value(action) {
                Some(value) if filled.len() + value.len() <= FILLED_BYTES_MAX => {
                    filled.push_str(value);
                }
                _ => {
                    let place = format!("{{{{{action}}}}}");
                    filled.push_str(&place);
                    if !self.later.fills(action) {
                        left.get_or_insert_with(|| excerpt(&place));
                    }
                }
            }
            rest = after;
        }
        filled.push_str(rest);
        (filled, left)
    }

    fn value(&self, action: &str) -> Option<&str> {
        let action = action.trim_matches(['-', ' ']);
        let name = action
            .strip_prefix("$labels.")
            .or_else(|| action.strip_prefix(".Labels."))?;
        let mut values = self.known.iter().rev().filter_map(|texts| texts.get(name));
        values.find_map(Field::value).map(String::as_str)
    }
}
