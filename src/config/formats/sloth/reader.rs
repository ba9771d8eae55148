//! Sections read as leniently as Sloth reads them, and what it passes over in silence named.
//!
//! Sloth ignores keys that it does not know. A whole block is lost when it is spelled as in the
//! other of the two formats, `pageAlert` beside `page_alert`: it is lost here as well, but not in
//! silence. Keys of the plain format may be written in any case, those of the Kubernetes resource
//! may not.

use std::str::FromStr;

use crate::config::decode::decode;
use crate::config::diagnostic::{Report, excerpt};
use crate::config::field::Field;
use crate::config::lint::Lint;
use crate::config::nearest::nearest;
use crate::config::raw::definition::Texts;
use crate::config::tree::{Key, Mark, Node, Value};

use super::scalar::{text_of, truth_of};

/// How keys are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// `page_alert`, in any case: the plain format.
    Snake,
    /// `pageAlert`, exactly: Kubernetes resources.
    Camel,
}

impl Spelling {
    /// A key, given in snake case, in this spelling.
    fn spell(self, key: &str) -> String {
        if self == Self::Snake {
            return key.to_owned();
        }
        let mut spelled = String::with_capacity(key.len());
        let mut upper = false;
        for c in key.chars() {
            match c {
                '_' => upper = true,
                c if upper => {
                    spelled.push(c.to_ascii_uppercase());
                    upper = false;
                }
                c => spelled.push(c),
            }
        }
        spelled
    }

    fn matches(self, written: &str, key: &str) -> bool {
        match self {
            Self::Snake => written.eq_ignore_ascii_case(key),
            Self::Camel => written == key,
        }
    }
}

/// A section that is being read.
pub(super) struct Keys<'n, 'a> {
    pub(super) report: Report<'a>,
    /// Where the section begins.
    pub(super) mark: Mark,
    /// What it is called in messages.
    pub(super) name: &'static str,
    spelling: Spelling,
    entries: &'n [(Key, Node)],
    /// By entry, whether somebody asked for it.
    used: Vec<bool>,
    /// What was asked for, as it is spelled here.
    known: Vec<String>,
}

impl<'n, 'a> Keys<'n, 'a> {
    /// Opens a section; nothing written is an empty one. Anything else is reported.
    pub(super) fn open(
        node: &'n Node,
        name: &'static str,
        spelling: Spelling,
        report: &Report<'a>,
    ) -> Option<Self> {
        let entries = match &node.value {
            Value::Mapping(entries) => entries.as_slice(),
            Value::Null => &[],
            Value::Scalar { .. } | Value::Sequence(_) => {
                let message = format!("{name} is not a section of keys and values");
                let fix = "write one \"key: value\" per line, indented";
                report.error(node.mark, message, fix);
                return None;
            }
        };
        Some(Self {
            report: report.clone(),
            mark: node.mark,
            name,
            spelling,
            entries,
            used: vec![false; entries.len()],
            known: Vec::new(),
        })
    }

    /// The entry of a key, given in snake case, if it is written.
    pub(super) fn entry(&mut self, key: &str) -> Option<&'n (Key, Node)> {
        let key = self.spelling.spell(key);
        let exact = self.entries.iter().position(|(k, _)| k.text == key);
        let similar = || {
            let matches = |(k, _): &(Key, Node)| self.spelling.matches(&k.text, &key);
            self.entries.iter().position(matches)
        };
        let at = exact.or_else(similar);
        self.known.push(key);
        let at = at?;
        if let Some(used) = self.used.get_mut(at) {
            *used = true;
        }
        self.entries.get(at)
    }

    /// The value of a key, unless it is missing or empty.
    pub(super) fn node(&mut self, key: &str) -> Option<&'n Node> {
        let (_, node) = self.entry(key)?;
        (!matches!(node.value, Value::Null)).then_some(node)
    }

    /// The value of a key that must be there.
    pub(super) fn required(&mut self, key: &str) -> Option<&'n Node> {
        let node = self.node(key);
        let empty = |node: &Node| matches!(&node.value, Value::Scalar { text, .. } if text.trim().is_empty());
        if let Some(node) = node
            && !empty(node)
        {
            return Some(node);
        }
        let key = self.spelling.spell(key);
        let mark = node.map_or(self.mark, |node| node.mark);
        let message = match node {
            None => format!("{} lacks the key {key:?}", self.name),
            Some(_) => format!("{key} is empty"),
        };
        self.report
            .error(mark, message, format!("write {key}: and a value"));
        None
    }

    /// A section whose keys are spelled in one way, whatever the format.
    pub(super) fn verbatim(
        node: &'n Node,
        name: &'static str,
        report: &Report<'a>,
    ) -> Option<Self> {
        Self::open(node, name, Spelling::Snake, report)
    }

    /// A section that is spelled like this one.
    pub(super) fn open_alike(&self, node: &'n Node, name: &'static str) -> Option<Self> {
        Self::open(node, name, self.spelling, &self.report)
    }

    /// A section within this one, if it is written.
    pub(super) fn section(&mut self, key: &str, name: &'static str) -> Option<Self> {
        let (spelling, report) = (self.spelling, self.report.clone());
        match self.node(key) {
            Some(node) => Self::open(node, name, spelling, &report),
            None => None,
        }
    }

    /// A text that may be left out.
    pub(super) fn text(&mut self, key: &str) -> Field<String> {
        match self.node(key) {
            Some(node) => text(node, &self.report),
            None => Field::default(),
        }
    }

    /// A value that can be read from text, or nothing when there is none or it is refused.
    pub(super) fn parsed<T: FromStr>(&mut self, key: &str, what: &str, fix: &str) -> Field<T> {
        let Some(node) = self.node(key) else {
            return Field::default();
        };
        let value = text_of(node).and_then(|text| text.trim().parse().ok());
        match value {
            Some(value) => Field::at(node.mark, value),
            None => {
                let message = format!("{} is not {what}", self.spelling.spell(key));
                self.report.error(node.mark, message, fix);
                Field::refused(node.mark)
            }
        }
    }

    /// A switch; off when it is not written.
    pub(super) fn switch(&mut self, key: &str) -> Option<(Mark, bool)> {
        let node = self.node(key)?;
        let truth = truth_of(node);
        if truth.is_none() {
            let message = format!("{} is neither true nor false", self.spelling.spell(key));
            self.report.error(node.mark, message, "write true or false");
        }
        Some((node.mark, truth?))
    }

    /// Labels or annotations.
    pub(super) fn texts(&mut self, key: &str, what: &str) -> Texts {
        match self.node(key) {
            Some(node) => texts(node, what, &self.report),
            None => Texts::new(),
        }
    }

    /// The items of a list.
    pub(super) fn list(&mut self, key: &str) -> &'n [Node] {
        let Some(node) = self.node(key) else {
            return &[];
        };
        match &node.value {
            Value::Sequence(items) => items,
            _ => {
                let message = format!("{} is not a list", self.spelling.spell(key));
                self.report
                    .error(node.mark, message, "write one \"- \" per item");
                &[]
            }
        }
    }

    /// Takes note of all other keys: they belong to somebody else.
    pub(super) fn pass(&mut self) {
        self.used.fill(true);
    }

    /// Reports the keys that nobody asked for.
    pub(super) fn finish(self) {
        let squash = |key: &str| key.replace(['_', '-'], "").to_ascii_lowercase();
        let unused = self
            .entries
            .iter()
            .zip(&self.used)
            .filter(|(_, used)| !**used);
        for ((key, _), _) in unused {
            let (name, written) = (self.name, excerpt(&key.text));
            let alike = self.known.iter().find(|k| squash(k) == squash(&key.text));
            let known = self.known.iter().map(String::as_str);
            let (message, fix) = match (alike, nearest(&key.text, known)) {
                (Some(alike), _) if self.entries.iter().any(|(k, _)| k.text == *alike) => (
                    format!("{written:?} stands beside {alike:?}, so it is ignored"),
                    "keep one of the two".to_owned(),
                ),
                (Some(alike), _) => (
                    format!(
                        "{written:?} is not how this format spells the key, so all of it has no \
                         effect in Sloth and none here"
                    ),
                    format!("write {alike}:"),
                ),
                (None, Some(near)) => (
                    format!("{name} has no key {written:?}, so it is ignored"),
                    format!("did you mean {near:?}? remove it otherwise"),
                ),
                (None, None) => (
                    format!("{name} has no key {written:?}, so it is ignored"),
                    "remove it".to_owned(),
                ),
            };
            self.report.lint(Lint::IgnoredKey, key.mark, message, fix);
        }
    }
}

/// A scalar as Sloth has it, at its place.
pub(super) fn text(node: &Node, report: &Report<'_>) -> Field<String> {
    match text_of(node) {
        Some(text) => decode::<String>(node, report).map(|_| text),
        // The decoder says what it found instead.
        None => decode(node, report),
    }
}

/// Entries of one set of labels or annotations.
const TEXTS_MAX: usize = 128;

/// Labels or annotations, as Sloth has them.
pub(super) fn texts(node: &Node, what: &str, report: &Report<'_>) -> Texts {
    let entries = match &node.value {
        Value::Mapping(entries) => entries.as_slice(),
        Value::Null => &[],
        _ => {
            let message = format!("the {what}s are not a section of keys and values");
            let fix = "write one \"key: value\" per line, indented";
            report.error(node.mark, message, fix);
            &[]
        }
    };
    if entries.len() > TEXTS_MAX {
        let message = format!("these are more than {TEXTS_MAX} {what}s");
        report.error(node.mark, message, "remove some");
    }
    let entries = entries.iter().take(TEXTS_MAX);
    entries
        .map(|(key, node)| {
            let name = &key.text;
            let refuse = |message: String, fix: &str| {
                report.error(node.mark, message, fix);
                Field::refused(node.mark)
            };
            let value = match text_of(node) {
                Some(text) if text.is_empty() => refuse(
                    format!("the {what} {:?} has no value", excerpt(name)),
                    "write a value, or remove it",
                ),
                Some(_) | None if name.is_empty() => {
                    refuse(format!("a {what} has no name"), "name it, or remove it")
                }
                Some(text) => Field::at(node.mark, text),
                None => refuse(
                    format!("the {what} {:?} is not a single value", excerpt(name)),
                    "write one value",
                ),
            };
            (name.clone(), value)
        })
        .collect()
}
