//! OpenSLO: `openslo/v1alpha`, `openslo/v1` and `openslo.com/v2alpha`.
//!
//! All objects of all files are known before the first is translated, for they refer to each other
//! by name. The three versions differ in spelling more than in meaning, so one reader takes the
//! spellings of all of them. It refuses as little as it can: what other readers tolerate is
//! tolerated, and what has no effect is named.
//!
//! One SLO becomes
//!
//! - one SLO of the same name, when it has one objective;
//! - one SLO per objective, when several objectives share an indicator: `name-displayName` if all
//!   objectives have names of their own, otherwise `name-0`, `name-1` and so on;
//! - one weighted SLO, when several objectives each have an indicator (see [`composite`]). Its
//!   parts are measured and shown, but alert nobody: the policies are those of the whole.
//!
//! What the format leaves open is decided in the files here: queries without a window in
//! [`metric`], what a slice is in [`indicator`], alert policies in [`alerting`].

mod alerting;
mod composite;
mod condition;
mod duration;
mod entry;
mod indicator;
mod keys;
mod metadata;
mod metric;
mod objective;
mod objects;
mod slo;
mod window;

use super::Translated;
use crate::config::diagnostic::Report;
use crate::config::tree::{Node, Value};
use objects::{Kind, Objects};

/// The OpenSLO documents of all files.
#[derive(Default)]
pub(super) struct OpenSlo<'a> {
    documents: Vec<(Report<'a>, Node)>,
}

impl<'a> OpenSlo<'a> {
    /// Takes one document; a list of objects is as many documents.
    pub(super) fn add(&mut self, report: Report<'a>, document: Node) {
        match document.value {
            Value::Sequence(items) => {
                let items = items.into_iter().map(|item| (report.clone(), item));
                self.documents.extend(items);
            }
            _ => self.documents.push((report, document)),
        }
    }

    /// Translates all of them.
    pub(super) fn translate(self) -> Translated<'a> {
        let objects = Objects::new(self.documents);
        for policy in objects.of(Kind::AlertPolicy) {
            alerting::check(policy.entry(), &objects);
        }
        let slos = objects.of(Kind::Slo);
        Translated {
            slos: slos.flat_map(|slo| slo::translate(slo, &objects)).collect(),
            policies: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
