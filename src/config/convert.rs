//! Definitions of any format as native files.
//!
//! What is written loads to the same SLOs as what was read: conversion uses the translation that
//! loading uses, and the outcome is loaded and compared before anybody sees it. A file that is
//! native already stays as it is, comments included.

mod change;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::compile::{Definition, Documents, Placed};
use super::diagnostic::{Diagnostic, Diagnostics};
use super::formats::{Format, Translated, Translation};
use super::lint::Lint;
use super::tree::Mark;
use super::{files, written};

pub use change::changed;

/// What conversion comes to.
#[derive(Clone, Debug)]
pub struct Conversion {
    /// One native file for each file that holds definitions, in their order.
    pub files: Vec<Converted>,
    /// What is probably not meant, and what means something else than it did.
    pub warnings: Diagnostics,
}

/// One file, converted.
#[derive(Clone, Debug)]
pub struct Converted {
    /// Where the definitions came from.
    pub source: PathBuf,
    /// The source below the path that was named, or its name when it was named itself.
    pub relative: PathBuf,
    /// Whether the definitions were native already, so that the text is that of the source.
    pub unchanged: bool,
    /// Documents of `slofuse/v1`.
    pub text: String,
}

/// What converted files are put into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As many files, at the same places below another directory.
    Files,
    /// One text for all.
    Stream,
}

/// Converts the definitions of these files and directories, patterns and `-` among them.
///
/// # Errors
///
/// Every mistake in any of the files: what does not load cannot be converted. Also when something
/// would be another SLO afterwards, because other defaults would hold for it.
pub fn convert(paths: &[PathBuf], shape: Shape) -> Result<Conversion, Diagnostics> {
    let found = RefCell::default();
    let roots: Vec<_> = paths.iter().map(|path| (path.clone(), None)).collect();
    let sources = read(files::find(&roots, &found), &found);
    let mut documents = Documents::new(&found);
    for source in &sources {
        documents.read(files::name(&source.path), &source.bytes);
    }
    let definitions = documents.compile();
    let mut warnings = found.into_inner();
    if warnings.errors() > 0 {
        return Err(warnings);
    }
    let files = native(&sources).into_iter().zip(sources);
    let files = files.filter_map(|(file, source)| {
        let file = file?;
        Some(Converted {
            relative: relative(&source.path, paths),
            source: source.path,
            unchanged: file.unchanged,
            text: file.text,
        })
    });
    let mut files: Vec<Converted> = files.collect();
    if shape == Shape::Stream {
        files = stream(files).into_iter().collect();
    }
    for diagnostic in changes(&definitions, &files) {
        warnings.push(diagnostic);
    }
    if warnings.errors() > 0 {
        return Err(warnings);
    }
    Ok(Conversion { files, warnings })
}

/// All files as one.
fn stream(files: Vec<Converted>) -> Option<Converted> {
    let texts = files.iter().map(|file| {
        let text = file.text.trim_start_matches('\u{feff}').trim_end();
        format!("{text}\n")
    });
    let text = texts.collect::<Vec<String>>().join("---\n");
    let first = files.into_iter().next()?;
    Some(Converted { text, ..first })
}

/// The SLOs that would not be what they were.
fn changes(before: &[Definition], files: &[Converted]) -> Vec<Diagnostic> {
    let found = RefCell::default();
    let mut documents = Documents::new(&found);
    for file in files {
        documents.read(files::name(&file.relative), file.text.as_bytes());
    }
    let after = documents.compile();
    let after: BTreeMap<_, _> = after.iter().map(|one| (&one.slo.id, &one.slo)).collect();
    let changed = before
        .iter()
        .filter(|one| after.get(&one.slo.id) != Some(&&one.slo));
    let diagnostic = |one: &Definition| Diagnostic {
        place: one.place.clone(),
        severity: Lint::Unsupported.level(),
        rule: Lint::Unsupported,
        message: format!("{} would be another SLO once it is converted", one.slo.id),
        fix: "convert it apart from documents of kind: Defaults, or write the files into a \
              directory that has the same defaults"
            .to_owned(),
    };
    changed.map(diagnostic).collect()
}

/// A file as it was read.
struct Source {
    path: PathBuf,
    bytes: Vec<u8>,
}

/// A file as it is written.
struct Native {
    unchanged: bool,
    text: String,
}

fn read(paths: Vec<PathBuf>, found: &RefCell<Diagnostics>) -> Vec<Source> {
    let source = |path: PathBuf| {
        let bytes = files::read_definitions(&path, found)?;
        Some(Source { path, bytes })
    };
    paths.into_iter().filter_map(source).collect()
}

/// For each source its native text; `None` for one without documents.
fn native(sources: &[Source]) -> Vec<Option<Native>> {
    let found = RefCell::default();
    let mut documents = Documents::new(&found);
    for source in sources {
        documents.read(files::name(&source.path), &source.bytes);
    }
    let mut files: Vec<Vec<Written>> = sources.iter().map(|_| Vec::new()).collect();
    let (translated, defaults) = documents.translate();
    for document in all_written(&translated, &defaults) {
        let file = usize::try_from(document.mark.file).ok();
        if let Some(file) = file.and_then(|number| files.get_mut(number)) {
            file.push(document);
        }
    }
    let file = |(documents, source): (Vec<Written>, &Source)| {
        let unchanged = documents
            .iter()
            .all(|document| document.format == Format::Native);
        let text = match String::from_utf8(source.bytes.clone()) {
            Ok(text) if unchanged => text,
            _ => joined(&documents, &source.path),
        };
        (!documents.is_empty()).then_some(Native { unchanged, text })
    };
    files.into_iter().zip(sources).map(file).collect()
}

/// A document as it is written.
struct Written {
    /// Where the document that it was made of begins.
    mark: Mark,
    format: Format,
    notes: Vec<String>,
    yaml: String,
}

/// All documents, in the order of the files.
fn all_written(translated: &Translated<'_>, defaults: &[Placed<'_>]) -> Vec<Written> {
    let defaults = defaults.iter().filter_map(Written::defaults);
    let policies = translated.policies.iter().filter_map(Written::new);
    let slos = translated.slos.iter().filter_map(Written::new);
    let mut all: Vec<Written> = defaults.chain(policies).chain(slos).collect();
    all.sort_by_key(|document| (document.mark.file, document.mark.line, document.mark.column));
    all
}

impl Written {
    fn new<T: serde::Serialize>(translation: &Translation<'_, T>) -> Option<Self> {
        Some(Self {
            mark: translation.document.mark_or(translation.report.start()),
            format: translation.format,
            notes: translation.notes.clone(),
            yaml: written::yaml(&translation.document).ok()?,
        })
    }

    fn defaults(placed: &Placed<'_>) -> Option<Self> {
        Some(Self {
            mark: placed.document.mark_or(placed.report.start()),
            format: Format::Native,
            notes: Vec::new(),
            yaml: written::yaml(&placed.document).ok()?,
        })
    }
}

/// The text of one file. A comment before each document says what it was.
fn joined(documents: &[Written], source: &Path) -> String {
    let mut text = String::new();
    for document in documents {
        if !text.is_empty() {
            text.push_str("---\n");
        }
        if document.format != Format::Native {
            let file = source.file_name().unwrap_or_default().to_string_lossy();
            let (format, line) = (document.format.as_str(), document.mark.line);
            comment(
                &mut text,
                &format!("Converted from {format}: {file}, line {line}."),
            );
        }
        for note in &document.notes {
            comment(&mut text, &format!("note: {note}"));
        }
        text.push_str(&document.yaml);
    }
    text
}

/// One line of comment, whatever the text holds.
fn comment(text: &mut String, line: &str) {
    let line: String = line
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    // Writing to a text cannot fail.
    let _infallible = writeln!(text, "# {line}");
}

/// Where a file lies below what was named.
fn relative(path: &Path, roots: &[PathBuf]) -> PathBuf {
    if path == Path::new("-") {
        return "stdin.yaml".into();
    }
    let below = |root: &PathBuf| path.strip_prefix(root).ok().map(Path::to_owned);
    let below = roots
        .iter()
        .find_map(below)
        .filter(|path| *path != Path::new(""));
    below.unwrap_or_else(|| path.file_name().unwrap_or_default().into())
}

#[cfg(test)]
mod tests;
