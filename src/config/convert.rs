//! Definitions of any format as native files.
//!
//! What is written loads to the same SLOs as what was read: conversion uses the translation that
//! loading uses. A file that is native already stays as it is, comments included.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::compile::Documents;
use super::diagnostic::Diagnostics;
use super::formats::{Format, Translated, Translation};
use super::tree::Mark;
use super::{files, written};

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

/// Converts the definitions of these files and directories.
///
/// # Errors
///
/// Every mistake in any of the files: what does not load cannot be converted.
pub fn convert(paths: &[PathBuf]) -> Result<Conversion, Diagnostics> {
    let found = RefCell::default();
    let roots: Vec<_> = paths.iter().map(|path| (path.clone(), None)).collect();
    let sources = read(files::find(&roots, &found), &found);
    let mut documents = Documents::new(&found);
    for source in &sources {
        documents.read(files::name(&source.path), &source.bytes);
    }
    documents.compile();
    let warnings = found.into_inner();
    if warnings.errors() > 0 {
        return Err(warnings);
    }
    let files = native(&sources);
    let converted = files.into_iter().zip(sources).filter_map(|(file, source)| {
        let file = file?;
        Some(Converted {
            relative: relative(&source.path, paths),
            source: source.path,
            unchanged: file.unchanged,
            text: file.text,
        })
    });
    Ok(Conversion {
        files: converted.collect(),
        warnings,
    })
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
    let mut sources = Vec::new();
    for path in paths {
        match files::read(&path, files::DEFINITIONS_BYTES_MAX) {
            Ok(bytes) => sources.push(Source { path, bytes }),
            Err(error) => {
                let (report, mark) = files::about(&path, None, found);
                let message = format!("the file cannot be read: {error}");
                report.error(mark, message, "correct the path or its permissions");
            }
        }
    }
    sources
}

/// For each source its native text; `None` for one without documents.
fn native(sources: &[Source]) -> Vec<Option<Native>> {
    let found = RefCell::default();
    let mut documents = Documents::new(&found);
    for source in sources {
        documents.read(files::name(&source.path), &source.bytes);
    }
    let with_defaults = documents.files_of_defaults();
    let mut files: Vec<Vec<Written>> = sources.iter().map(|_| Vec::new()).collect();
    for document in all_written(documents.translate()) {
        let file = usize::try_from(document.mark.file).ok();
        if let Some(file) = file.and_then(|number| files.get_mut(number)) {
            file.push(document);
        }
    }
    let file = |(number, (documents, source)): (usize, (Vec<Written>, &Source))| {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let unchanged = documents
            .iter()
            .all(|document| document.format == Format::Native);
        let text = match String::from_utf8(source.bytes.clone()) {
            Ok(text) if unchanged => text,
            _ => joined(&documents, &source.path),
        };
        let is_wanted = !documents.is_empty() || with_defaults.contains(&number);
        is_wanted.then_some(Native { unchanged, text })
    };
    files
        .into_iter()
        .zip(sources)
        .enumerate()
        .map(file)
        .collect()
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
fn all_written(translated: Translated<'_>) -> Vec<Written> {
    let policies = translated.policies.iter().filter_map(Written::new);
    let slos = translated.slos.iter().filter_map(Written::new);
    let mut all: Vec<Written> = policies.chain(slos).collect();
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
    let below = |root: &PathBuf| path.strip_prefix(root).ok().map(Path::to_owned);
    let below = roots
        .iter()
        .find_map(below)
        .filter(|path| *path != Path::new(""));
    below.unwrap_or_else(|| path.file_name().unwrap_or_default().into())
}

#[cfg(test)]
mod tests;
