//! Other formats of definitions, each translated into the native one.
//!
//! A format is recognised by what a document says (`apiVersion`, `kind`, `version`), never by its
//! file's name. A reader first takes every document of its format, from all files, for they may
//! refer to each other; then it translates them. A translation is a native document whose fields
//! stand where they stood in the other file: everything that [`super::compile`] checks and reports
//! holds for all formats alike. Nothing is dropped in silence: what has no effect, or another one
//! than in the tool it was written for, is reported.

mod openslo;
mod pyrra;
mod sloth;

use std::collections::BTreeMap;

use super::diagnostic::Report;
use super::field::Field;
use super::lint::Lint;
use super::raw::definition::{PolicyDocument, SloDocument, TierChange};
use super::tree::{Mark, Node, Value};
use crate::engine::{Policy, Tier};

/// A format of definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// `slofuse/v1`
    Native,
    /// `prometheus/v1` and `sloth.slok.dev/v1`
    Sloth,
    /// `pyrra.dev/v1alpha1`
    Pyrra,
    /// `openslo/v1alpha`, `openslo/v1`, `openslo.com/v2alpha`
    OpenSlo,
}

impl Format {
    /// The name shown to people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native => "slofuse",
            Self::Sloth => "Sloth",
            Self::Pyrra => "Pyrra",
            Self::OpenSlo => "OpenSLO",
        }
    }

    /// How to name who answers for an SLO.
    pub(super) const fn fix_owner(self) -> &'static str {
        match self {
            Self::Native => "add owner: with the team that answers for it",
            Self::Sloth => "add the label owner: or team: with the team that answers for it",
            Self::Pyrra => "add the label pyrra.dev/owner: with the team that answers for it",
            Self::OpenSlo => "add the label owner: to metadata, with the team that answers for it",
        }
    }

    /// How to say what to do when an SLO burns.
    pub(super) const fn fix_runbook(self) -> &'static str {
        match self {
            Self::Native => "add runbook: with the URL that says what to do when it burns",
            Self::Sloth => {
                "add the annotation runbook: to alerting, with the URL that says what to do when it \
                 burns"
            }
            Self::Pyrra => {
                "add the annotation pyrra.dev/runbook: with the URL that says what to do when it \
                 burns"
            }
            Self::OpenSlo => {
                "add the annotation runbook: to metadata, with the URL that says what to do when it \
                 burns"
            }
        }
    }

    /// The format that a document says it is in; `None` when it names none that is known.
    pub(super) fn of(document: &Node) -> Option<Self> {
        let text = |key: &str| match document.get(key).map(|node| &node.value) {
            Some(Value::Scalar { text, .. }) => text.as_str(),
            _ => "",
        };
        let version = text("apiVersion");
        match version.split('/').next().unwrap_or_default() {
            "slofuse" => Some(Self::Native),
            "sloth.slok.dev" => Some(Self::Sloth),
            "pyrra.dev" => Some(Self::Pyrra),
            "openslo" | "openslo.com" => Some(Self::OpenSlo),
            _ if version.is_empty() && text("version").starts_with("prometheus/") => {
                Some(Self::Sloth)
            }
            _ => None,
        }
    }
}

/// The documents in one document of a file: the items of a Kubernetes list, or itself.
pub(super) fn unpacked(document: Node) -> Vec<Node> {
    if is_list(&document)
        && let Value::Mapping(entries) = document.value
    {
        let items = entries.into_iter().find(|(key, _)| key.text == "items");
        return match items.map(|(_, node)| node.value) {
            Some(Value::Sequence(items)) => items,
            _ => Vec::new(),
        };
    }
    vec![document]
}

/// `kind: List` as `kubectl get` prints it, or a list of one kind.
fn is_list(document: &Node) -> bool {
    let text = |key: &str| match document.get(key).map(|node| &node.value) {
        Some(Value::Scalar { text, .. }) => text.as_str(),
        _ => "",
    };
    let of_kubernetes = text("apiVersion") == "v1"
        || matches!(Format::of(document), Some(Format::Pyrra | Format::Sloth));
    let items = document.get("items").map(|items| &items.value);
    of_kubernetes && text("kind").ends_with("List") && matches!(items, Some(Value::Sequence(_)))
}

/// Leaves out every tier of the built-in policy.
fn no_tiers(mark: Mark) -> BTreeMap<String, Field<TierChange>> {
    let off = |tier: &Tier| {
        let change = TierChange {
            disabled: Field::at(mark, true),
            ..TierChange::default()
        };
        (tier.long.to_string(), Field::at(mark, change))
    };
    Policy::sre_workbook().tiers.iter().map(off).collect()
}

/// A native document, and what it was made of.
pub(super) struct Translation<'a, T> {
    /// Where mistakes in it are written down.
    pub(super) report: Report<'a>,
    /// The document as if it had been written natively.
    pub(super) document: Field<T>,
    /// What it was written in.
    pub(super) format: Format,
    /// What means something else than in the tool it was written for, in sentences for people.
    pub(super) notes: Vec<String>,
}

impl<'a, T> Translation<'a, T> {
    pub(super) const fn new(format: Format, report: Report<'a>, document: Field<T>) -> Self {
        Self {
            report,
            document,
            format,
            notes: Vec::new(),
        }
    }

    /// Reports that something means something else here, and keeps it for whoever converts.
    pub(super) fn note(&mut self, mark: Mark, message: impl Into<String>, fix: impl Into<String>) {
        let message = message.into();
        self.notes.push(message.clone());
        self.report.lint(Lint::ChangedMeaning, mark, message, fix);
    }
}

/// What documents of one format come to.
#[derive(Default)]
pub(super) struct Translated<'a> {
    pub(super) slos: Vec<Translation<'a, SloDocument>>,
    pub(super) policies: Vec<Translation<'a, PolicyDocument>>,
}

/// All documents of other formats, on their way to native ones.
#[derive(Default)]
pub(super) struct Foreign<'a> {
    sloth: sloth::Sloth<'a>,
    pyrra: pyrra::Pyrra<'a>,
    openslo: openslo::OpenSlo<'a>,
}

impl<'a> Foreign<'a> {
    /// Takes one document of another format.
    pub(super) fn add(&mut self, format: Format, report: Report<'a>, document: Node) {
        match format {
            Format::Native => {}
            Format::Sloth => self.sloth.add(report, document),
            Format::Pyrra => self.pyrra.add(report, document),
            Format::OpenSlo => self.openslo.add(report, document),
        }
    }

    /// Translates all of them.
    pub(super) fn translate(self) -> Translated<'a> {
        let mut all = Translated::default();
        for one in [
            self.sloth.translate(),
            self.pyrra.translate(),
            self.openslo.translate(),
        ] {
            all.slos.extend(one.slos);
            all.policies.extend(one.policies);
        }
        all
    }
}
