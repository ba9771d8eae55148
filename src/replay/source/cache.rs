//! Chunks that are kept from run to run, and those that are not.
//!
//! ```text
//! <cache>/v1/<key of source and question>/<from>_<until>.chunk    milliseconds since the epoch
//! ```
//!
//! Several processes may use one cache: a file appears whole or not at all, and what was used
//! within the hour is not removed. What cannot be trusted is removed and fetched anew.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use super::chunk::{Chunk, ChunkError};
use super::question::Question;
use super::tape::Summary;
use crate::config::settings::{Auth, SourceSettings};
use crate::engine::Timestamp;

const LAYOUT: &str = "v1";
const EXTENSION: &str = "chunk";
/// Headers by which servers of many tenants (Mimir, Loki, Thanos, VictoriaMetrics' vmauth) tell
/// them apart; other headers may be secrets, and are no part of a key.
const TENANT_HEADERS: [&str; 4] = ["x-scope-orgid", "thanos-tenant", "accountid", "projectid"];
/// Files that somebody used so recently are not removed.
const IN_USE: Duration = Duration::from_secs(3600);
/// Files of a writer that is no more are removed after so long.
const ABANDONED: Duration = Duration::from_secs(86_400);
/// Hex digits of a key: 128 bit of SHA-256.
const KEY_DIGITS: usize = 32;

/// A directory of chunks.
#[derive(Debug)]
pub(super) struct Cache {
    root: PathBuf,
    now: SystemTime,
}

impl Cache {
    /// Creates the directory where it is not there; only its owner may look into it.
    pub(super) fn open(root: &Path, now: Timestamp) -> Result<Self, ChunkError> {
        let root = root.join(LAYOUT);
        make_directory(&root)?;
        let since = now.since(Timestamp::EPOCH).to_std();
        let now = SystemTime::UNIX_EPOCH + since;
        Ok(Self { root, now })
    }

    /// The stretches of `(from, until]` that are there, in rising time and each once.
    pub(super) fn find(&self, key: &str, from: Timestamp, until: Timestamp) -> Vec<Summary> {
        let mut files = self.files_of(key);
        files.retain(|(start, end, _)| *end > from && *start < until && start < end);
        let mut found = Vec::new();
        let mut at = from;
        while at < until {
            // Of those that go on from here the one that reaches furthest; else the next one.
            let on = files
                .iter()
                .filter(|(start, end, _)| *start <= at && at < *end);
            let next = files.iter().filter(|(start, ..)| *start > at);
            let on = on.max_by_key(|(_, end, _)| *end);
            let chosen =
                on.or_else(|| next.min_by_key(|(start, end, _)| (*start, -end.as_millis())));
            let Some(chosen) = chosen.cloned() else { break };
            let (start, end, path) = &chosen;
            match Chunk::verify(path, key) {
                Ok(summary) if summary.from == *start && summary.until == *end => {
                    touch(path, self.now);
                    at = *end;
                    found.push(summary);
                }
                _ => {
                    fs::remove_file(path).ok();
                    files.retain(|file| *file != chosen);
                }
            }
        }
        found
    }

    /// Where a chunk is written.
    pub(super) fn path(
        &self,
        key: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<PathBuf, ChunkError> {
        let directory = self.root.join(key);
        make_directory(&directory)?;
        let (from, until) = (from.as_millis(), until.as_millis());
        Ok(directory.join(format!("{from}_{until}.{EXTENSION}")))
    }

    /// Removes what was used least recently until the rest fits, and what writers left behind.
    pub(super) fn sweep(&self, bytes_max: u64, keep: &BTreeSet<PathBuf>) {
        let mut chunks = Vec::new();
        let mut total = 0;
        for directory in entries(&self.root) {
            for path in entries(&directory) {
                let Ok(about) = fs::metadata(&path) else {
                    continue;
                };
                let used = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                let age = self.now.duration_since(used).unwrap_or_default();
                if path.extension().is_some_and(|of| of == EXTENSION) {
                    total += about.len();
                    chunks.push((used, age, about.len(), path));
                } else if age > ABANDONED {
                    fs::remove_file(&path).ok();
                }
            }
            // Only an empty one goes.
            fs::remove_dir(&directory).ok();
        }
        chunks.sort();
        for (_, age, bytes, path) in chunks {
            if total <= bytes_max {
                break;
            }
            if age > IN_USE && !keep.contains(&path) && fs::remove_file(&path).is_ok() {
                total -= bytes;
            }
        }
    }

    fn files_of(&self, key: &str) -> Vec<(Timestamp, Timestamp, PathBuf)> {
        let stretch = |path: PathBuf| {
            let name = path.file_name()?.to_str()?;
            let (from, until) = name
                .strip_suffix(EXTENSION)?
                .strip_suffix('.')?
                .split_once('_')?;
            let time = |text: &str| text.parse().ok().map(Timestamp::from_millis);
            Some((time(from)?, time(until)?, path))
        };
        let files = entries(&self.root.join(key)).into_iter();
        files.filter_map(stretch).collect()
    }
}

/// The key of a question to a source: no secret is in it, and it tells nothing.
pub(super) fn key(source: &SourceSettings, question: &Question) -> String {
    let mut parts = vec![without_secrets(&source.url)];
    if let Auth::Basic { username, .. } = &source.auth {
        parts.push(format!("user {username}"));
    }
    for (name, value) in &source.headers {
        let is_tenant = TENANT_HEADERS.contains(&name.to_ascii_lowercase().as_str());
        if let (true, Ok(value)) = (is_tenant, value.reveal()) {
            use secrecy::ExposeSecret;
            parts.push(format!("header {name} {}", value.expose_secret()));
        }
    }
    let params = source.params.iter();
    parts.extend(params.map(|(name, value)| format!("param {name} {value}")));
    parts.push(question.name());
    let digest = Sha256::digest(parts.join("\n").as_bytes());
    let mut key: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    key.truncate(KEY_DIGITS);
    key
}

/// A URL without user and password, for keys and for people.
pub(super) fn without_secrets(url: &str) -> String {
    let Ok(mut url) = reqwest::Url::parse(url) else {
        return "the configured url".to_owned();
    };
    // Fails only for URLs that cannot have any.
    url.set_username("").ok();
    url.set_password(None).ok();
    url.set_query(None);
    url.as_str().trim_end_matches('/').to_owned()
}

/// A directory that is gone when nobody needs it.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// A new, empty directory for files that only this process needs.
    pub(super) fn new() -> Result<Self, ChunkError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!(
            "slofuse-history-{}-{}-{:08x}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed),
            rand::random::<u32>()
        );
        let path = std::env::temp_dir().join(name);
        // One that is there already is somebody else's.
        let made = fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(ChunkError::file("creating", &path))?;
        Ok(Self(path))
    }

    /// A path for a new file.
    pub(super) fn file(&self) -> PathBuf {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        self.0.join(format!("{number}.{EXTENSION}"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // In a directory for temporary files; the machine removes what stays.
        fs::remove_dir_all(&self.0).ok();
    }
}

fn make_directory(path: &Path) -> Result<(), ChunkError> {
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.map_err(ChunkError::file("creating", path))
}

/// What is in a directory; nothing if it cannot be read.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Notes that a file was used; without that it is removed sooner than others.
fn touch(path: &Path, now: SystemTime) {
    let file = fs::File::options().append(true).open(path);
    file.and_then(|file| file.set_modified(now)).ok();
}
