//! A node under translation: reads its entries by key and reports what is not what it should be.

use std::cell::RefCell;

use serde::Deserialize;

use crate::config::decode::decode;
use crate::config::diagnostic::Report;
use crate::config::field::Field;
use crate::config::lint::Lint;
use crate::config::tree::{Mark, Node, Value};

/// Objectives, policies, conditions or targets in one list.
const ITEMS_MAX: usize = 32;

/// A node, and where to write down what is wrong with it.
#[derive(Clone, Copy)]
pub(super) struct Entry<'n> {
    node: &'n Node,
    pub(super) report: &'n Report<'n>,
}

impl<'n> Entry<'n> {
    pub(super) const fn new(node: &'n Node, report: &'n Report<'n>) -> Self {
        Self { node, report }
    }

    pub(super) const fn mark(&self) -> Mark {
        self.node.mark
    }

    /// An entry that is written and not empty.
    pub(super) fn at(&self, key: &str) -> Option<Self> {
        let node = self.node.get(key)?;
        let written = !matches!(node.value, Value::Null);
        written.then_some(Self { node, ..*self })
    }

    /// The first of these keys that is written: one thing under the names of several versions.
    pub(super) fn any(&self, keys: &[&'static str]) -> Option<(&'static str, Self)> {
        keys.iter().find_map(|key| Some((*key, self.at(key)?)))
    }

    /// The only one of these keys that is written; several exclude each other.
    pub(super) fn only(&self, keys: &[&'static str]) -> Option<(&'static str, Self)> {
        let mut written = keys.iter().filter_map(|key| Some((*key, self.at(key)?)));
        let first = written.next()?;
        if let Some((key, other)) = written.next() {
            let message = format!("{} and {key} exclude each other", first.0);
            other.error(message, "keep one of the two");
        }
        Some(first)
    }

    /// The value of an entry; an absent field if it is not written.
    pub(super) fn read<T: for<'de> Deserialize<'de>>(&self, key: &str) -> Field<T> {
        self.at(key)
            .map_or_else(Field::default, |entry| entry.value())
    }

    /// This value.
    pub(super) fn value<T: for<'de> Deserialize<'de>>(&self) -> Field<T> {
        decode(self.node, self.report)
    }

    /// This value, when it is a single one.
    pub(super) fn text(&self) -> Option<&'n str> {
        match &self.node.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// A section; anything else is refused.
    pub(super) fn section(&self, key: &str) -> Option<Self> {
        let entry = self.at(key)?;
        if matches!(entry.node.value, Value::Mapping(_)) {
            return Some(entry);
        }
        let message = format!("{key} must be a section of keys and values");
        entry.error(message, "write one \"key: value\" per line, indented");
        None
    }

    /// The items of a list; anything else is refused, and so is what no SLO needs.
    pub(super) fn items(&self, key: &str) -> Vec<Self> {
        let Some(entry) = self.at(key) else {
            return Vec::new();
        };
        let Some(mut items) = entry.list() else {
            let fix = "write one \"- item\" per line";
            entry.error(format!("{key} must be a list"), fix);
            return Vec::new();
        };
        if items.len() > ITEMS_MAX {
            let message = format!("{key} has more than {ITEMS_MAX} items");
            entry.error(message, "write several objects instead");
            items.truncate(ITEMS_MAX);
        }
        items
    }

    /// Its items, if it is a list.
    pub(super) fn list(&self) -> Option<Vec<Self>> {
        let Value::Sequence(items) = &self.node.value else {
            return None;
        };
        Some(items.iter().map(|node| Self { node, ..*self }).collect())
    }

    /// Its entries with the marks of their keys, if it is a mapping.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'n str, Mark, Self)> {
        let entries = match &self.node.value {
            Value::Mapping(entries) => entries.as_slice(),
            _ => &[],
        };
        let report = self.report;
        entries
            .iter()
            .map(move |(key, node)| (key.text.as_str(), key.mark, Self { node, report }))
    }

    pub(super) fn error(&self, message: impl Into<String>, fix: impl Into<String>) {
        self.report.error(self.mark(), message, fix);
    }

    pub(super) fn lint(&self, rule: Lint, message: impl Into<String>, fix: impl Into<String>) {
        self.report.lint(rule, self.mark(), message, fix);
    }
}

/// What means something else here, until there is a translation to tell it.
#[derive(Default)]
pub(super) struct Notes(RefCell<Vec<Note>>);

#[derive(Clone, PartialEq)]
pub(super) struct Note {
    pub(super) mark: Mark,
    pub(super) message: String,
    pub(super) fix: String,
}

impl Notes {
    pub(super) fn add(&self, mark: Mark, message: impl Into<String>, fix: impl Into<String>) {
        let (message, fix) = (message.into(), fix.into());
        let note = Note { mark, message, fix };
        let mut notes = self.0.borrow_mut();
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    pub(super) fn all(&self) -> Vec<Note> {
        self.0.borrow().clone()
    }
}
