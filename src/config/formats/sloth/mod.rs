//! Sloth: `prometheus/v1` files and the Kubernetes resources of `sloth.slok.dev/v1`.
//!
//! Files are read as leniently as Sloth reads them, and what it drops in silence is reported. The
//! files say what is measured and what alerts bear; `AlertWindows` say when to alert. What only
//! shapes the rules that Sloth generates has no place here and is told as a note.

mod alerting;
mod chain;
mod labels;
mod options;
mod reader;
mod scalar;
mod sli;
mod sli_plugin;
mod slo;
#[cfg(test)]
mod tests;
mod windows;

use super::{Translated, Translation};
use crate::config::diagnostic::{Report, excerpt};
use crate::config::field::Field;
use crate::config::nearest::suggestion;
use crate::config::raw::definition::SloDocument;
use crate::config::tree::{COPIED_BYTES_MAX, Node, Value};

use reader::{Keys, Spelling};
use slo::File;
use windows::Catalogue;

const VERSION: &str = "prometheus/v1";
const API_VERSION: &str = "sloth.slok.dev/v1";
const SERVICE_LEVEL: &str = "PrometheusServiceLevel";
const ALERT_WINDOWS: &str = "AlertWindows";

/// An SLO on its way to a native one.
type Translating<'a> = Translation<'a, SloDocument>;

/// The Sloth documents of all files.
#[derive(Default)]
pub(super) struct Sloth<'a> {
    documents: Vec<(Report<'a>, Node)>,
}

/// What a document is.
enum Kind {
    Plain,
    ServiceLevel,
    AlertWindows,
}

impl<'a> Sloth<'a> {
    /// Takes one document.
    pub(super) fn add(&mut self, report: Report<'a>, document: Node) {
        self.documents.push((report, document));
    }

    /// Translates all of them. Windows come first: SLOs of any file are measured by them.
    pub(super) fn translate(self) -> Translated<'a> {
        let mut translated = Translated::default();
        let mut windows = Catalogue::default();
        let mut files = Vec::new();
        for (report, node) in &self.documents {
            match kind(node, report) {
                Some(Kind::AlertWindows) => {
                    translated.policies.extend(windows.add(report, node));
                }
                Some(Kind::Plain) => files.push((report, node, Spelling::Snake)),
                Some(Kind::ServiceLevel) => files.push((report, node, Spelling::Camel)),
                None => {}
            }
        }
        for (report, node, spelling) in files {
            let slos = file(node, spelling, &windows, report);
            translated.slos.extend(slos.unwrap_or_default());
        }
        translated
    }
}

fn kind(node: &Node, report: &Report<'_>) -> Option<Kind> {
    let text = |key: &str| match node.get(key).map(|node| (node.mark, &node.value)) {
        Some((mark, Value::Scalar { text, .. })) => Some((mark, text.as_str())),
        _ => None,
    };
    let Some((mark, version)) = text("apiVersion") else {
        let (mark, version) = text("version")?;
        if version == VERSION {
            return Some(Kind::Plain);
        }
        let message = format!("the version {:?} is not known", excerpt(version));
        report.error(mark, message, format!("write version: {VERSION}"));
        return None;
    };
    if version != API_VERSION {
        let message = format!("the apiVersion {:?} is not known", excerpt(version));
        report.error(mark, message, format!("write apiVersion: {API_VERSION}"));
        return None;
    }
    match text("kind") {
        Some((_, SERVICE_LEVEL)) => Some(Kind::ServiceLevel),
        Some((_, ALERT_WINDOWS)) => Some(Kind::AlertWindows),
        Some((mark, other)) => {
            let message = format!("the kind {:?} is not known", excerpt(other));
            report.error(
                mark,
                message,
                suggestion(other, [SERVICE_LEVEL, ALERT_WINDOWS]),
            );
            None
        }
        None => {
            let fix = format!("add kind: {SERVICE_LEVEL}");
            report.error(node.mark, "the document lacks a kind", fix);
            None
        }
    }
}

/// All SLOs of a document; `None` when it says nothing of them, which is then reported.
fn file<'a>(
    node: &Node,
    spelling: Spelling,
    windows: &Catalogue,
    report: &Report<'a>,
) -> Option<Vec<Translating<'a>>> {
    let mut keys = Keys::open(node, "the document", spelling, report)?;
    if spelling == Spelling::Camel {
        // Kubernetes' own: what an object is called and bears does not reach its SLOs.
        for key in ["api_version", "kind", "metadata", "status"] {
            let _ = keys.entry(key);
        }
        let spec = keys.required("spec");
        keys.finish();
        keys = Keys::open(spec?, "spec", spelling, report)?;
    } else {
        let _ = keys.entry("version");
    }
    let service = match keys.required("service") {
        Some(_) => keys.text("service"),
        None => Field::refused(keys.mark),
    };
    let shared = [keys.node("labels"), keys.node("slo_plugins")];
    let file = File {
        spelling,
        service,
        labels: keys.texts("labels", "label"),
        chain: chain::chain(&mut keys, "slo_plugins"),
    };
    let written = keys.node("slos");
    let slos = keys.list("slos");
    let is_list = written.is_none_or(|node| matches!(node.value, Value::Sequence(_)));
    if slos.is_empty() && is_list {
        let fix = "add slos: and a list of at least one";
        report.error(keys.mark, "the document defines no SLO", fix);
    }
    keys.finish();
    let copied: usize = shared.into_iter().flatten().map(Node::weight).sum();
    if copied.saturating_mul(slos.len()) > 16 * COPIED_BYTES_MAX {
        let message = "the labels and plugins of the file, times its SLOs, are more than 64 MiB";
        report.error(
            node.mark,
            message,
            "split the file, or shorten what its SLOs share",
        );
        return None;
    }
    let slos = slos.iter();
    let translated = slos.filter_map(|node| slo::translate(node, &file, windows, report));
    Some(translated.collect())
}
