//! OpenSLO: documents in, native ones out.

use super::Translated;
use crate::config::diagnostic::Report;
use crate::config::tree::Node;

/// The OpenSLO documents of all files.
#[derive(Default)]
pub(super) struct OpenSlo<'a> {
    documents: Vec<(Report<'a>, Node)>,
}

impl<'a> OpenSlo<'a> {
    /// Takes one document.
    pub(super) fn add(&mut self, report: Report<'a>, document: Node) {
        self.documents.push((report, document));
    }

    /// Translates all of them.
    pub(super) fn translate(self) -> Translated<'a> {
        Translated::default()
    }
}
