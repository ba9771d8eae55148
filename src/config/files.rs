//! The only file of this room that looks at the file system, secrets apart.
//!
//! Directories are walked in sorted order, so that a report reads the same on every machine.
//! Names that begin with a dot are passed over: Kubernetes mounts each volume a second and third
//! time under `..data`. The same file named twice is read once.

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
/// Bytes of a file of definitions.
pub(super) const DEFINITIONS_BYTES_MAX: u64 = 64 << 20;
/// Files of definitions.
const FILES_MAX: usize = 20_000;
/// Directories within directories.
const DEPTH_MAX: usize = 32;

/// The name under which a file appears in reports.
pub(super) fn name(path: &Path) -> Arc<str> {
    path.to_string_lossy().into()
}

/// The whole file.
///
/// # Errors
///
/// When it is not a regular file (a pipe would never end), is too large, or cannot be read.
pub(super) fn read(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    let mut file = fs::File::open(path)?.take(bytes_max + 1);
    file.read_to_end(&mut bytes)?;
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

/// Finds the files of definitions under some paths, in sorted order. What cannot be looked at is
/// reported at the place that named it, or at the file itself.
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
        walk.enter(root, named_at.as_ref(), 0);
    }
    walk.files
}

struct Walk<'a> {
    found: &'a RefCell<Diagnostics>,
    /// Canonical paths: end symlink loops and repetitions.
    seen: BTreeSet<PathBuf>,
    files: Vec<PathBuf>,
}

impl Walk<'_> {
    fn enter(&mut self, path: &Path, named_at: Option<&Place>, depth: usize) {
        if self.files.len() > FILES_MAX {
            return;
        }
        if let Err(error) = self.look(path, named_at, depth) {
            let (report, mark) = about(path, named_at, self.found);
            let message = format!("{} cannot be read: {error}", path.display());
            report.error(mark, message, "correct the path or its permissions");
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
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            names.push(entry?.file_name());
        }
        names.sort();
        for name in names {
            if !name.to_string_lossy().starts_with('.') {
                self.enter(&path.join(name), named_at, depth + 1);
            }
        }
        Ok(())
    }
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
