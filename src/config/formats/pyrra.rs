//! Pyrra: documents in, native ones out.

use super::Translated;
use crate::config::diagnostic::Report;
use crate::config::tree::Node;

/// The Pyrra documents of all files.
#[derive(Default)]
pub(super) struct Pyrra<'a> {
    documents: Vec<(Report<'a>, Node)>,
}

impl<'a> Pyrra<'a> {
    /// Takes one document.
    pub(super) fn add(&mut self, report: Report<'a>, document: Node) {
        self.documents.push((report, document));
    }

    /// Translates all of them.
    pub(super) fn translate(self) -> Translated<'a> {
        Translated::default()
    }
}
