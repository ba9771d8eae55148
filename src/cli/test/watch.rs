//! Running again whenever a file changes.
//!
//! Modification times are looked at a few times a second: it works on every file system, mounted
//! ones too. An editor writes a file in several steps, so tests run once nothing has changed for
//! a moment.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{SignalKind, signal};

use super::{TestArgs, once};
use crate::cli::{Failure, Outcome, complain, runtime, say};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// Files that are watched; of more, only the first are.
const FILES_MAX: usize = 50_000;
/// Directories within directories.
const DEPTH_MAX: usize = 32;

/// When each file was changed last, and how long it is.
type Stand = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Runs the tests until Ctrl-C.
pub(super) fn watch(args: &TestArgs) -> Outcome {
    runtime()?.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| {
            complain(&format!("waiting for Ctrl-C: {error}"));
            Failure::Failed
        })?;
        loop {
            // Looked at before the run: what changes while tests run, runs them again.
            let before = stand(&args.paths);
            let (_outcome, sources) = once(args);
            let mut watcher = Watcher::new(stand_over(&sources, before));
            say("waiting for changes; Ctrl-C ends");
            loop {
                tokio::select! {
                    _ = interrupt.recv() => return Ok(()),
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                }
                if watcher.look(stand(&sources)) {
                    break;
                }
            }
        }
    })
}

/// How the files stood before a run; those that only the run has named, as they stand now.
fn stand_over(sources: &[PathBuf], before: Stand) -> Stand {
    let mut stand = stand(sources);
    stand.extend(before);
    stand
}

/// Notices changes, once they are over.
struct Watcher {
    /// What was run.
    run: Stand,
    /// What was seen last.
    seen: Stand,
}

impl Watcher {
    fn new(run: Stand) -> Self {
        let seen = run.clone();
        Self { run, seen }
    }

    /// Whether something differs from what was run, and has not changed since the last look.
    fn look(&mut self, now: Stand) -> bool {
        let settled = now == self.seen;
        self.seen = now;
        settled && self.seen != self.run
    }
}

/// How files stand, and all YAML files below directories.
fn stand(paths: &[PathBuf]) -> Stand {
    let mut stand = Stand::new();
    for path in paths {
        look_at(path, 0, &mut stand);
    }
    stand
}

fn look_at(path: &Path, depth: usize, stand: &mut Stand) {
    if stand.len() >= FILES_MAX || depth > DEPTH_MAX {
        return;
    }
    let Ok(metadata) = fs::metadata(path) else {
        return;
    };
    if metadata.is_file() {
        let changed = metadata.modified().ok();
        stand.insert(path.to_owned(), (changed, metadata.len()));
        return;
    }
    let Ok(entries) = fs::read_dir(path) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !name.starts_with('.') && (is_yaml || is_directory) {
            look_at(&entry.path(), depth + 1, stand);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_count_once_they_are_over() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.test.yaml");
        fs::write(&file, "1").unwrap();
        fs::write(directory.path().join("notes.txt"), "1").unwrap();
        let paths = vec![directory.path().to_owned()];
        let mut watcher = Watcher::new(stand(&paths));
        assert!(!watcher.look(stand(&paths)), "nothing has changed");
        fs::write(&file, "22").unwrap();
        assert!(!watcher.look(stand(&paths)), "it may still change");
        fs::write(&file, "333").unwrap();
        assert!(!watcher.look(stand(&paths)), "it did");
        assert!(watcher.look(stand(&paths)));
        let mut watcher = Watcher::new(stand(&paths));
        fs::write(directory.path().join("notes.txt"), "22").unwrap();
        assert!(!watcher.look(stand(&paths)) && !watcher.look(stand(&paths)));
        fs::remove_file(&file).unwrap();
        assert!(!watcher.look(stand(&paths)) && watcher.look(stand(&paths)));
    }
}
