//! The only file of this room that looks at the file system and the standard input, secrets apart.
//!
//! Directories are walked in sorted order, so that a report reads the same on every machine.
//! Names that begin with a dot are passed over: Kubernetes mounts each volume a second and third
//! time under `..data`. The same file named twice is read once. A path that does not exist may be a
//! pattern: `*`, `?`, `[..]` and `**`, which stands for any number of directories.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::diagnostic::{Diagnostics, Place, Report};
use super::tree::Mark;

/// Bytes of a settings file.
pub(super) const SETTINGS_BYTES_MAX: u64 = 4 << 20;
/// Bytes of a small file that settings name, such as a template.
const TEXT_BYTES_MAX: u64 = 64 << 10;
/// Bytes of a file of definitions.
const DEFINITIONS_BYTES_MAX: u64 = 64 << 20;
/// Files of definitions.
const FILES_MAX: usize = 20_000;
/// Directories within directories.
const DEPTH_MAX: usize = 32;
/// Files and directories that are compared with one pattern.
const COMPARED_MAX: usize = 200_000;
/// The path that stands for the standard input.
const STDIN: &str = "-";

/// The name under which a file appears in reports.
pub(super) fn name(path: &Path) -> Arc<str> {
    if is_stdin(path) {
        return "<stdin>".into();
    }
    path.to_string_lossy().into()
}

/// Whether the path stands for the standard input, which can be read only once.
fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == STDIN
}

/// The whole file.
///
/// # Errors
///
/// When it is not a regular file (a pipe might never end, unless it is the standard input), is too
/// large, or cannot be read.
pub(super) fn read(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    if is_stdin(path) {
        return read_all(io::stdin().lock(), bytes_max);
    }
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    read_all(fs::File::open(path)?, bytes_max)
}

/// The text of a small file that settings name.
///
/// # Errors
///
/// When it cannot be read, is larger than 64 KiB or is not UTF-8; in words.
pub(super) fn text(path: &Path) -> Result<String, String> {
    let bytes = read(path, TEXT_BYTES_MAX).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

/// A file of definitions; why it cannot be read is reported. The text of the standard input is
/// remembered for the report, for it cannot be read a second time.
pub(super) fn read_definitions(path: &Path, found: &RefCell<Diagnostics>) -> Option<Vec<u8>> {
    match read(path, DEFINITIONS_BYTES_MAX) {
        Ok(bytes) => {
            if is_stdin(path) {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                found.borrow_mut().remember(name(path), text);
            }
            Some(bytes)
        }
        Err(error) => {
            let (report, mark) = about(path, None, found);
            let message = format!("the file cannot be read: {error}");
            report.error(mark, message, "correct the path or its permissions");
            None
        }
    }
}

fn read_all(from: impl Read, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        let mebibytes = bytes_max >> 20;
        return Err(io::Error::other(format!("larger than {mebibytes} MiB")));
    }
    Ok(bytes)
}

/// Why a file that settings refer to cannot be used, if it cannot.
pub(super) fn unusable(path: &Path) -> Option<String> {
    match fs::File::open(path).and_then(|file| file.metadata()) {
        Ok(metadata) if metadata.is_file() => None,
        Ok(_) => Some("it is not a regular file".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

/// Finds the files of definitions under some paths and patterns, in sorted order. What cannot be
/// looked at is reported at the place that named it, or at the file itself. `-` is the standard
/// input, unless a file named it.
pub(super) fn find(
    roots: &[(PathBuf, Option<Place>)],
    found: &RefCell<Diagnostics>,
) -> Vec<PathBuf> {
    let mut walk = Walk {
        found,
        seen: BTreeSet::new(),
        files: Vec::new(),
    };
    for (root, named_at) in roots {
        let named_at = named_at.as_ref();
        if !is_stdin(root) {
            walk.named(root, named_at);
        } else if named_at.is_some() {
            walk.named(&Path::new(".").join(root), named_at);
        } else if walk.seen.insert(root.clone()) {
            walk.files.push(root.clone());
        }
    }
    walk.files
}

/// A path that holds wildcards.
struct Wildcards {
    pattern: glob::Pattern,
    /// Where it begins to be compared.
    base: PathBuf,
    /// How many directories below the base something can match.
    depth: usize,
    /// Whether it says how names end: then any ending will do.
    says_ending: bool,
}

impl Wildcards {
    /// The pattern of a path; `None` when it has no wildcard.
    fn of(path: &Path) -> io::Result<Option<Self>> {
        let is_wild = |text: &str| text.contains(['*', '?', '[']);
        let path: PathBuf = path.components().collect();
        let text = path.to_string_lossy();
        if !is_wild(&text) {
            return Ok(None);
        }
        let pattern = glob::Pattern::new(&text)
            .map_err(|error| io::Error::other(format!("not a pattern: {}", error.msg)))?;
        let base: PathBuf = path
            .components()
            .take_while(|part| !is_wild(&part.as_os_str().to_string_lossy()))
            .collect();
        let rest = path.components().count() - base.components().count();
        let depth = if text.contains("**") { DEPTH_MAX } else { rest };
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        Ok(Some(Self {
            pattern,
            base,
            depth,
            says_ending: !ending.is_empty() && !is_wild(&ending),
        }))
    }

    fn matches(&self, path: &Path) -> bool {
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        self.pattern.matches_path_with(path, options)
    }
}

struct Walk<'a> {
    found: &'a RefCell<Diagnostics>,
    /// Canonical paths: end symlink loops and repetitions.
    seen: BTreeSet<PathBuf>,
    files: Vec<PathBuf>,
}

impl Walk<'_> {
    /// A path that somebody wrote: what is there, or else what it matches.
    fn named(&mut self, path: &Path, named_at: Option<&Place>) {
        if fs::symlink_metadata(path).is_ok() {
            self.enter(path, named_at, 0);
        } else if let Err(error) = self.expand(path, named_at) {
            self.refuse(path, named_at, &error);
        }
    }

    fn refuse(&self, path: &Path, named_at: Option<&Place>, error: &io::Error) {
        let (report, mark) = about(path, named_at, self.found);
        let message = format!("{} cannot be read: {error}", path.display());
        report.error(mark, message, "correct the path or its permissions");
    }

    fn report_no_match(&self, path: &Path, named_at: Option<&Place>) {
        let (report, mark) = about(path, named_at, self.found);
        let message = format!("nothing matches {}", path.display());
        report.error(
            mark,
            message,
            "correct the pattern, or create what it should find",
        );
    }

    /// Enters everything that a pattern matches.
    fn expand(&mut self, path: &Path, named_at: Option<&Place>) -> io::Result<()> {
        let Some(wild) = Wildcards::of(path)? else {
            return fs::symlink_metadata(path).map(|_| ());
        };
        let mut found = Vec::new();
        let mut open = vec![(wild.base.clone(), 0)];
        let mut compared = 0;
        while let Some((directory, depth)) = open.pop() {
            for path in entries(&directory)? {
                compared += 1;
                if compared > COMPARED_MAX {
                    let message = format!("it is compared with more than {COMPARED_MAX} files");
                    return Err(io::Error::other(message));
                }
                // A directory that matches is entered; what it holds need not match.
                if wild.matches(&path) {
                    found.push(path);
                } else if depth + 1 < wild.depth && path.is_dir() && !path.is_symlink() {
                    open.push((path, depth + 1));
                }
            }
        }
        if found.is_empty() {
            self.report_no_match(path, named_at);
            return Ok(());
        }
        found.sort();
        for path in found {
            if path.is_dir() || is_definition(&path, wild.says_ending) {
                self.enter(&path, named_at, 0);
            }
        }
        Ok(())
    }

    fn enter(&mut self, path: &Path, named_at: Option<&Place>, depth: usize) {
        if self.files.len() > FILES_MAX {
            return;
        }
        if let Err(error) = self.look(path, named_at, depth) {
            self.refuse(path, named_at, &error);
        }
    }

    fn look(&mut self, path: &Path, named_at: Option<&Place>, depth: usize) -> io::Result<()> {
        let metadata = fs::metadata(path)?;
        let named = depth == 0;
        if metadata.is_file() && !is_definition(path, named) {
            return Ok(());
        }
        if !self.seen.insert(fs::canonicalize(path)?) {
            return Ok(());
        }
        if !metadata.is_dir() {
            self.files.push(path.to_owned());
            if self.files.len() > FILES_MAX {
                return Err(io::Error::other(format!(
                    "there are more than {FILES_MAX} files"
                )));
            }
            return Ok(());
        }
        if depth >= DEPTH_MAX {
            let message = format!("nested in more than {DEPTH_MAX} directories");
            return Err(io::Error::other(message));
        }
        for entry in entries(path)? {
            self.enter(&entry, named_at, depth + 1);
        }
        Ok(())
    }
}

/// What a directory holds, sorted, without what is hidden.
fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let here = Path::new(".");
    let unnamed = directory.as_os_str().is_empty();
    let mut names = Vec::new();
    for entry in fs::read_dir(if unnamed { here } else { directory })? {
        names.push(entry?.file_name());
    }
    names.retain(|name| !name.to_string_lossy().starts_with('.'));
    names.sort();
    Ok(names.into_iter().map(|name| directory.join(name)).collect())
}

/// Whether a file may hold definitions: `.yaml` and `.yml`, but not the tests beside them. A file
/// that was named itself may have any ending.
fn is_definition(path: &Path, named: bool) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let Some(stem) = [".yaml", ".yml"]
        .iter()
        .find_map(|end| name.strip_suffix(end))
    else {
        return named;
    };
    !stem.ends_with(".test")
}

/// Where to report something about a whole file: where it was named, or at its own beginning.
pub(super) fn about<'a>(
    path: &Path,
    named_at: Option<&Place>,
    found: &'a RefCell<Diagnostics>,
) -> (Report<'a>, Mark) {
    match named_at {
        None => {
            let report = Report::new(name(path), found);
            let start = report.start();
            (report, start)
        }
        Some(place) => {
            let (line, column) = (place.line, place.column);
            let report = Report::new(Arc::clone(&place.file), found);
            let file = report.file();
            (report, Mark { file, line, column })
        }
    }
}

#[cfg(test)]
mod tests;
