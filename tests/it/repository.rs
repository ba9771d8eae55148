//! The files of the repository, as the tests of documents and of tidiness see them.

use std::fs;
use std::path::{Path, PathBuf};

/// What is built or kept beside the sources.
const NOT_OURS: [&str; 3] = [".git", "target", "slofuse-state"];

/// The top of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file of the repository.
pub(crate) fn read(path: &str) -> String {
    let text = fs::read_to_string(root().join(path));
    text.unwrap_or_else(|error| panic!("reading {path}: {error}"))
}

/// Every file, by its path from the top.
pub(crate) fn files() -> Vec<String> {
    walk(root()).iter().map(|path| relative(path)).collect()
}

/// Every file of a folder and the folders in it, in order.
pub(crate) fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut entries: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if NOT_OURS.contains(&&*name) {
            continue;
        }
        if path.is_dir() {
            found.extend(walk(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// The path from the top, with `/`.
pub(crate) fn relative(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap_or(path);
    path.to_string_lossy().into_owned()
}
