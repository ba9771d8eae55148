//! Pure: from files as written to the values the daemon runs on, collecting every mistake.
//!
//! Each function returns `None` when something it needs was refused; whoever finds the mistake
//! has reported it. Pieces are all compiled before they are put together, so that one run names
//! every mistake of a file.

mod composite;
mod defaults;
mod document;
mod fit;
mod indicator;
mod interval;
mod kind;
mod links;
mod muting;
mod period;
mod policies;
mod policy;
mod receiver;
mod route;
mod route_lint;
mod route_tree;
mod secret;
mod server;
mod settings;
mod slo;
mod templates;
mod tier;
mod vary;

use std::cell::RefCell;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::engine::{Policy, Slo, SloId};

use defaults::{AllDefaults, Inherited};
use policies::Policies;
use slo::Draft;

use super::decode::decode;
use super::diagnostic::{Diagnostics, Place, Report, excerpt};
use super::formats::{self, Foreign, Format, Translated, Translation};
use super::lint::Lint;
use super::nearest::suggestion;
use super::tree::{self, Node, Value};

pub(super) use defaults::Placed;
pub(super) use secret::Outside;
pub(super) use settings::{Compiled as Settings, compile as settings};
pub use vary::{Change, Varied};

/// An SLO and where it came from.
#[derive(Clone, Debug)]
pub struct Definition {
    /// What the engine evaluates.
    pub slo: Arc<Slo>,
    /// Where its document begins.
    pub place: Place,
    /// What it is written in.
    pub format: Format,
    /// Why it takes its evaluation path, in one sentence.
    pub path_reason: String,
}

/// The documents of all definition files, on their way to [`Definition`]s.
pub(super) struct Documents<'a> {
    found: &'a RefCell<Diagnostics>,
    native: Translated<'a>,
    foreign: Foreign<'a>,
    defaults: Vec<Placed<'a>>,
    /// Numbers of the files that hold something else than defaults.
    mixed: BTreeSet<u32>,
    /// Whether a document may stand in a part that could not be read.
    lost: bool,
}

const API_VERSION: &str = "slofuse/v1";
const KINDS: [&str; 3] = ["SLO", "Policy", "Defaults"];

impl<'a> Documents<'a> {
    pub(super) fn new(found: &'a RefCell<Diagnostics>) -> Self {
        Self {
            found,
            native: Translated::default(),
            foreign: Foreign::default(),
            defaults: Vec::new(),
            mixed: BTreeSet::new(),
            lost: false,
        }
    }

    /// Adds the documents of one file.
    pub(super) fn read(&mut self, file: Arc<str>, bytes: &[u8]) {
        let report = Report::new(file, self.found);
        let tree = tree::parse(bytes, &report);
        self.lost |= !tree.complete;
        for node in tree.documents.into_iter().flat_map(formats::unpacked) {
            // A list of documents is as many documents.
            let documents = match node.value {
                Value::Sequence(items) => items,
                _ => vec![node],
            };
            for node in documents.into_iter().flat_map(formats::unpacked) {
                self.add(node, report.clone());
            }
        }
    }

    fn add(&mut self, node: Node, report: Report<'a>) {
        let format = Format::of(&node).unwrap_or(Format::Native);
        let kind = match format {
            Format::Native => kind(&node, &report),
            _ => None,
        };
        if kind != Some("Defaults") {
            self.mixed.insert(report.file());
        }
        match kind {
            _ if format != Format::Native => self.foreign.add(format, report, node),
            Some("SLO") => {
                let document = decode(&node, &report);
                let translation = Translation::new(format, report, document);
                self.native.slos.push(translation);
            }
            Some("Policy") => {
                let document = decode(&node, &report);
                let translation = Translation::new(format, report, document);
                self.native.policies.push(translation);
            }
            Some(_) => {
                let document = decode(&node, &report);
                self.defaults.push(Placed { report, document });
            }
            None => self.lost = true,
        }
    }

    /// Adds nothing, but remembers that a file is missing.
    pub(super) const fn miss(&mut self) {
        self.lost = true;
    }

    /// All definitions without mistakes, in the order of the files.
    pub(super) fn compile(mut self) -> Vec<Definition> {
        self.native = self.take_all();
        let policies = Policies::compile(&self.native, self.lost);
        let defaults = AllDefaults::new(&self.defaults, &self.mixed);
        self.check_defaults(&policies);
        let mut lost = self.lost;
        let mut drafts: Vec<Draft<'_>> = Vec::new();
        for Translation {
            report,
            document,
            format,
            ..
        } in &self.native.slos
        {
            let mark = document.mark_or(report.start());
            let context = slo::Context {
                policies: &policies,
                inherited: match format {
                    Format::Native => defaults.of(report),
                    _ => Inherited::default(),
                },
                format: *format,
            };
            let compiled = document
                .value()
                .map(|raw| slo::compile(raw, mark, report, &context))
                .unwrap_or_default();
            lost |= compiled.is_empty();
            drafts.extend(compiled);
        }
        report_duplicates(&drafts);
        policies.report_unused(&self.native);
        links::link(&mut drafts, lost);
        drafts.into_iter().filter_map(Draft::finish).collect()
    }

    /// All policies without mistakes, by name; the built-in one is among them.
    pub(super) fn policies(mut self) -> Vec<Arc<Policy>> {
        self.native = self.take_all();
        Policies::compile(&self.native, self.lost).into_list()
    }

    /// All documents as native ones.
    pub(super) fn translate(mut self) -> (Translated<'a>, Vec<Placed<'a>>) {
        (self.take_all(), self.defaults)
    }

    /// SLOs in the order of the files.
    fn take_all(&mut self) -> Translated<'a> {
        let mut all = std::mem::take(&mut self.native);
        let foreign = std::mem::take(&mut self.foreign).translate();
        all.slos.extend(foreign.slos);
        all.policies.extend(foreign.policies);
        all.slos.sort_by_key(|document| {
            let mark = document.document.mark_or(document.report.start());
            (mark.file, mark.line, mark.column)
        });
        all
    }

    fn check_defaults(&self, policies: &Policies) {
        for Placed { report, document } in &self.defaults {
            if let Some(raw) = document.value() {
                let mark = document.mark_or(report.start());
                defaults::check(raw, mark, report, policies);
            }
        }
    }
}

/// Identities are unique across files and formats.
fn report_duplicates(drafts: &[Draft<'_>]) {
    let mut places: BTreeMap<&SloId, Place> = BTreeMap::new();
    for Draft {
        id, mark, report, ..
    } in drafts
    {
        match places.entry(id) {
            Entry::Vacant(entry) => {
                entry.insert(report.place(*mark));
            }
            Entry::Occupied(first) => {
                let message = format!("the SLO {id} is defined twice, first at {}", first.get());
                let fix = "rename or remove one of the two";
                report.lint(Lint::Duplicate, *mark, message, fix);
            }
        }
    }
}

impl Draft<'_> {
    fn finish(self) -> Option<Definition> {
        let (slo, path_reason) = self.slo?;
        Some(Definition {
            slo: Arc::new(slo),
            place: self.report.place(self.mark),
            format: self.format,
            path_reason,
        })
    }
}

/// The kind of a document, if it is one of ours.
fn kind(node: &Node, report: &Report<'_>) -> Option<&'static str> {
    if !matches!(node.value, Value::Mapping(_)) {
        let fix = "begin the document with apiVersion: slofuse/v1 and kind: SLO";
        report.error(
            node.mark,
            "a document must be a section of keys and values",
            fix,
        );
        return None;
    }
    let text = |key: &str| match node.get(key).map(|node| (node.mark, &node.value)) {
        Some((mark, Value::Scalar { text, .. })) => Some((mark, text.as_str())),
        _ => None,
    };
    match text("apiVersion") {
        Some((_, API_VERSION)) => {}
        Some((mark, other)) => {
            let message = format!("the apiVersion {:?} is not known", excerpt(other));
            report.error(mark, message, format!("write apiVersion: {API_VERSION}"));
            return None;
        }
        None => {
            let fix = format!("add apiVersion: {API_VERSION}");
            report.error(node.mark, "the document lacks an apiVersion", fix);
            return None;
        }
    }
    let Some((mark, text)) = text("kind") else {
        report.error(node.mark, "the document lacks a kind", "add kind: SLO");
        return None;
    };
    let kind = KINDS.into_iter().find(|kind| *kind == text);
    if kind.is_none() {
        let message = format!("the kind {:?} is not known", excerpt(text));
        report.error(mark, message, suggestion(text, KINDS));
    }
    kind
}
