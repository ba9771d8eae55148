//! Files that are of no use once this process ends: removed when it ends, however it ends.
//!
//! A [`Scratch`] directory goes when nobody needs it. Whoever ends the process at once
//! ([`clear`]) removes what there is then. What a killed process left goes when the next one
//! makes a directory of its own: each is locked (`flock`) as long as its process lives, and the
//! kernel takes the lock away with the process, whatever its number is used for later.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::cache::EXTENSION;
use super::chunk::ChunkError;

/// How the names of such directories begin; what follows is the process and a random number.
const PREFIX: &str = "slofuse-scratch-";
/// While a directory has no lock yet its name ends like this.
const UNLOCKED: &str = ".new";
/// Most directories that one process clears away: a full directory delays nobody for long.
const STALE_MAX: usize = 1000;

/// Everything there is of this process.
static THERE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

fn there() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    THERE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes that a file or directory is to be removed when the process ends.
pub(super) fn note(path: &Path) {
    there().insert(path.to_owned());
}

/// Notes that it is gone, or to be kept.
pub(super) fn forget(path: &Path) {
    there().remove(path);
}

/// Removes everything that is of no use without this process, for whoever ends it now: what goes
/// on meanwhile fails. Whatever is to be noted, made or dropped afterwards waits for ever.
pub fn clear() {
    let there = there();
    for path in there.iter() {
        remove(path);
    }
    std::mem::forget(there);
}

fn remove(path: &Path) {
    let is_directory = fs::symlink_metadata(path).is_ok_and(|about| about.is_dir());
    let _gone = match is_directory {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
}

/// A directory that is gone when nobody needs it.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
    /// Holds the lock.
    _lock: File,
}

impl Scratch {
    /// A new, empty directory for files that only this process needs, where all processes have
    /// theirs.
    pub(super) fn new() -> Result<Self, ChunkError> {
        Self::in_directory(&std::env::temp_dir())
    }

    fn in_directory(parent: &Path) -> Result<Self, ChunkError> {
        let name = format!(
            "{PREFIX}{}-{:016x}",
            std::process::id(),
            rand::random::<u64>()
        );
        let path = parent.join(&name);
        let unlocked = parent.join(format!("{name}{UNLOCKED}"));
        // One that is there already is somebody else's.
        let made = DirBuilder::new().mode(0o700).create(&unlocked);
        made.map_err(ChunkError::file("creating", &unlocked))?;
        note(&unlocked);
        let locked = File::open(&unlocked).and_then(|lock| lock.lock().map(|()| lock));
        let lock = locked.map_err(ChunkError::file("locking", &unlocked))?;
        let owner = lock.metadata().map(|about| about.uid());
        note(&path);
        fs::rename(&unlocked, &path).map_err(ChunkError::file("naming", &path))?;
        forget(&unlocked);
        if let Ok(owner) = owner {
            clear_stale(parent, owner);
        }
        Ok(Self { path, _lock: lock })
    }

    /// A path for a new file.
    pub(super) fn file(&self) -> PathBuf {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        self.path.join(format!("{number}.{EXTENSION}"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.path);
        forget(&self.path);
    }
}

/// Removes the directories of processes that are no more. Only those of this user, so that nobody
/// else's directory is taken for ours; those without their lock yet stay.
fn clear_stale(parent: &Path, owner: u32) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with(PREFIX) && !name.ends_with(UNLOCKED)
    });
    for path in ours.map(|entry| entry.path()).take(STALE_MAX) {
        let about = fs::symlink_metadata(&path);
        if !about.is_ok_and(|about| about.is_dir() && about.uid() == owner) {
            continue;
        }
        let Ok(lock) = File::open(&path) else {
            continue;
        };
        match lock.try_lock() {
            Ok(()) => remove(&path),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn names(parent: &TempDir) -> Vec<String> {
        let entries = fs::read_dir(parent.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<BTreeSet<_>>().into_iter().collect()
    }

    #[test]
    fn what_a_killed_process_left_goes_and_what_somebody_holds_stays() {
        let parent = TempDir::new().unwrap();
        let alive = Scratch::in_directory(parent.path()).unwrap();
        fs::write(alive.file(), "mine").unwrap();
        let killed = parent.path().join(format!("{PREFIX}1-killed"));
        fs::create_dir(&killed).unwrap();
        fs::write(killed.join("0.chunk"), "left").unwrap();
        for other in ["slofuse-scratch-2.new", "slofuse-state", "systemd-1"] {
            fs::create_dir(parent.path().join(other)).unwrap();
        }
        std::os::unix::fs::symlink("slofuse-state", parent.path().join("slofuse-scratch-link"))
            .unwrap();

        let next = Scratch::in_directory(parent.path()).unwrap();

        assert!(!killed.exists());
        let here = [&alive, &next].map(|one| one.path.file_name().unwrap().to_string_lossy());
        let mut expected: Vec<String> = here.iter().map(|name| name.to_string()).collect();
        let others = [
            "slofuse-scratch-2.new",
            "slofuse-scratch-link",
            "slofuse-state",
            "systemd-1",
        ];
        expected.extend(others.map(str::to_owned));
        expected.sort();
        assert_eq!(names(&parent), expected);
        assert_eq!(fs::read_dir(&alive.path).unwrap().count(), 1);
        drop((alive, next));
        assert_eq!(names(&parent), others);
    }

    #[test]
    fn a_directory_is_noted_as_long_as_it_is_there() {
        let parent = TempDir::new().unwrap();
        let one = Scratch::in_directory(parent.path()).unwrap();
        let path = one.path.clone();
        assert!(there().contains(&path));
        drop(one);
        assert!(!there().contains(&path) && !path.exists());
    }
}
