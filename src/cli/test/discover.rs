//! Which files hold tests, and which hold definitions without any.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::trial::ENDINGS;

/// Directories within directories.
const DEPTH_MAX: usize = 32;
/// Files and directories that are looked at.
const ENTRIES_MAX: usize = 200_000;

/// What was found below some paths, sorted.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Files with tests.
    pub(super) tests: Vec<PathBuf>,
    /// Other YAML files.
    pub(super) definitions: Vec<PathBuf>,
    /// What could not be looked at, in words.
    pub(super) problems: Vec<String>,
    entries: usize,
}

/// Whether a file is one with tests.
pub(super) fn is_test(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Searches paths. What is hidden and what links lead in circles to is passed over; a file that is
/// named itself has tests, whatever it is called.
pub(super) fn find(paths: &[PathBuf]) -> Found {
    let mut found = Found::default();
    for path in paths {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => found.tests.push(path.clone()),
            Ok(_) => found.enter(path, 0),
            Err(error) => found.refuse(path, &error),
        }
    }
    for files in [&mut found.tests, &mut found.definitions] {
        files.sort();
        files.dedup();
    }
    found
}

impl Found {
    fn refuse(&mut self, path: &Path, error: &io::Error) {
        let problem = format!("{} cannot be read: {error}", path.display());
        self.problems.push(problem);
    }

    fn enter(&mut self, directory: &Path, depth: usize) {
        if depth > DEPTH_MAX {
            let error = io::Error::other(format!("nested in more than {DEPTH_MAX} directories"));
            self.refuse(directory, &error);
            return;
        }
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) => return self.refuse(directory, &error),
        };
        for entry in entries.filter_map(Result::ok) {
            self.entries += 1;
            if self.entries > ENTRIES_MAX {
                if self.entries == ENTRIES_MAX + 1 {
                    let error = io::Error::other(format!("more than {ENTRIES_MAX} files"));
                    self.refuse(directory, &error);
                }
                return;
            }
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') {
                continue;
            }
            // `./` before every name of the current directory would help nobody.
            let path = match directory == Path::new(".") {
                true => PathBuf::from(entry.file_name()),
                false => entry.path(),
            };
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            // A link is followed to a file, not to a directory: there it may lead back.
            let is_file = kind.is_file() || (kind.is_symlink() && path.is_file());
            if kind.is_dir() {
                self.enter(&path, depth + 1);
            } else if is_file && is_test(&path) {
                self.tests.push(path);
            } else if is_file && (name.ends_with(".yaml") || name.ends_with(".yml")) {
                self.definitions.push(path);
            }
        }
    }
}
