//! All objects of all files, found by kind and name.

use std::cell::Cell;
use std::collections::BTreeMap;

use crate::config::diagnostic::{Report, excerpt};
use crate::config::lint::Lint;
use crate::config::nearest::suggestion;
use crate::config::tree::Node;

use super::entry::Entry;
use super::keys;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Slo,
    Sli,
    DataSource,
    Service,
    AlertPolicy,
    AlertCondition,
    AlertNotificationTarget,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Slo,
        Self::Sli,
        Self::DataSource,
        Self::Service,
        Self::AlertPolicy,
        Self::AlertCondition,
        Self::AlertNotificationTarget,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Slo => "SLO",
            Self::Sli => "SLI",
            Self::DataSource => "DataSource",
            Self::Service => "Service",
            Self::AlertPolicy => "AlertPolicy",
            Self::AlertCondition => "AlertCondition",
            Self::AlertNotificationTarget => "AlertNotificationTarget",
        }
    }
}

/// Bytes that references may copy: ten times what 10 000 SLOs with policies of their own need.
const COPIED_BYTES_MAX: usize = 512 << 20;
/// Names among which the one that was meant is looked for.
const SUGGESTED_FROM_MAX: usize = 1000;

const VERSIONS: [&str; 3] = ["openslo/v1alpha", "openslo/v1", "openslo.com/v2alpha"];

/// One object.
pub(super) struct Object<'a> {
    pub(super) report: Report<'a>,
    kind: Kind,
    node: Node,
    /// Memory that a copy takes, in bytes, roughly.
    weight: usize,
}

impl Object<'_> {
    pub(super) fn entry(&self) -> Entry<'_> {
        Entry::new(&self.node, &self.report)
    }
}

/// All objects whose kind and version are known.
pub(super) struct Objects<'a> {
    all: Vec<Object<'a>>,
    by_name: BTreeMap<(Kind, String), usize>,
    /// Bytes that references have copied so far.
    copied: Cell<usize>,
}

impl<'a> Objects<'a> {
    pub(super) fn new(documents: Vec<(Report<'a>, Node)>) -> Self {
        let mut objects = Self {
            all: Vec::new(),
            by_name: BTreeMap::new(),
            copied: Cell::new(0),
        };
        for (report, node) in documents {
            let kind = kind(Entry::new(&node, &report));
            objects.all.extend(kind.map(|kind| Object {
                weight: node.weight(),
                report,
                kind,
                node,
            }));
        }
        let names: Vec<Option<String>> = objects.all.iter().map(identity).collect();
        for (at, name) in names.into_iter().enumerate() {
            objects.name(at, name);
        }
        objects
    }

    /// All objects of a kind, in the order of the files.
    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = &Object<'a>> {
        self.all.iter().filter(move |object| object.kind == kind)
    }

    /// The object that a reference names; a reference that leads nowhere is reported.
    pub(super) fn resolve(&self, reference: Entry<'_>, kind: Kind) -> Option<Entry<'_>> {
        let field = reference.value::<String>();
        let name = field.value()?;
        let found = self.by_name.get(&(kind, name.clone()));
        if let Some(object) = found.and_then(|at| self.all.get(*at)) {
            return self.charge(reference, object);
        }
        let message = format!("the {} {:?} is not defined", kind.as_str(), excerpt(name));
        let known: Vec<&str> = self.names(kind).take(SUGGESTED_FROM_MAX).collect();
        let fix = match known.as_slice() {
            [] => format!("add an object of kind: {} with this name", kind.as_str()),
            known => suggestion(name, known.iter().copied()),
        };
        reference.lint(Lint::UnknownReference, message, fix);
        None
    }

    /// As [`Self::resolve`], for a reference of which nothing but the name is needed: it may lead
    /// out of these files as long as they hold no object of its kind.
    pub(super) fn resolve_if_any(&self, reference: Entry<'_>, kind: Kind) -> Option<Entry<'_>> {
        self.names(kind).next()?;
        self.resolve(reference, kind)
    }

    /// Bounds what references copy, and with it what many short objects can grow to.
    fn charge<'n>(&self, reference: Entry<'_>, object: &'n Object<'_>) -> Option<Entry<'n>> {
        self.copied
            .set(self.copied.get().saturating_add(object.weight));
        if self.copied.get() <= COPIED_BYTES_MAX {
            return Some(object.entry());
        }
        let message = "all references together copy more than 512 MiB";
        reference.error(message, "shorten what is referred to so often");
        None
    }

    fn names(&self, kind: Kind) -> impl Iterator<Item = &str> {
        let keys = self.by_name.keys();
        keys.filter(move |(known, _)| *known == kind)
            .map(|(_, name)| name.as_str())
    }

    /// Makes an object known by its name; the second of two is left out.
    fn name(&mut self, at: usize, name: Option<String>) {
        let Some(object) = self.all.get(at) else {
            return;
        };
        let kind = object.kind;
        // Nothing refers to an SLO, and its service is a part of its identity: two of one identity
        // are found where those of all formats are.
        let Some(name) = name.filter(|_| kind != Kind::Slo) else {
            return;
        };
        let Some(first) = self.by_name.get(&(kind, name.clone())) else {
            self.by_name.insert((kind, name), at);
            return;
        };
        // Of a service only its name matters.
        if kind == Kind::Service {
            return;
        }
        let first = self.all.get(*first);
        if let Some(first) = first.map(|first| first.report.place(first.node.mark)) {
            let kind = kind.as_str();
            let message = format!("the {kind} {name:?} is defined twice, first at {first}");
            let fix = "rename or remove one of the two";
            object.entry().lint(Lint::Duplicate, message, fix);
        }
    }
}

/// The name of an object, after looking at all of its keys.
fn identity(object: &Object<'_>) -> Option<String> {
    let entry = object.entry();
    keys::check(entry, object.kind);
    let Some(metadata) = entry.section("metadata") else {
        if entry.at("metadata").is_none() {
            let message = format!("the {} lacks the key \"metadata\"", object.kind.as_str());
            entry.error(message, "add metadata: with a name:");
        }
        return None;
    };
    let Some(name) = metadata.at("name") else {
        let fix = "add name: with a name of its own";
        metadata.error("metadata lacks the key \"name\"", fix);
        return None;
    };
    name.value::<String>().value().cloned()
}

/// The kind of a document, if it and the version are known.
fn kind(document: Entry<'_>) -> Option<Kind> {
    let version = document.at("apiVersion").and_then(|entry| {
        let text = entry.text()?;
        if !VERSIONS.contains(&text) {
            let message = format!("the apiVersion {:?} is not known", excerpt(text));
            entry.error(message, suggestion(text, VERSIONS));
            return None;
        }
        Some(text)
    });
    if document.at("apiVersion").is_none() {
        let fix = "add apiVersion: openslo/v1 and a kind:, or remove the item";
        document.error("this object of a list lacks an apiVersion", fix);
    }
    version?;
    let Some(entry) = document.at("kind") else {
        document.error("the document lacks a kind", "add kind: SLO");
        return None;
    };
    let text = entry.text().unwrap_or_default();
    let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == text);
    if kind.is_none() {
        let message = format!("the kind {:?} is not known", excerpt(text));
        entry.error(message, suggestion(text, Kind::ALL.map(Kind::as_str)));
    }
    kind
}
