//! Chunks that are kept from run to run, and those that are not.
//!
//! ```text
//! <cache>/v1/salt
//! <cache>/v1/<key of source and question>/<from>_<until>.chunk    milliseconds since the epoch
//! ```
//!
//! Several processes may use one cache: a file appears whole or not at all, and what was used
//! within the hour is not removed. What cannot be trusted is removed and fetched anew.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use super::chunk::{Chunk, ChunkError};
use super::question::Question;
use super::tape::Summary;
use crate::config::secret::Secret;
use crate::config::settings::{Auth, SourceSettings};
use crate::engine::Timestamp;

const LAYOUT: &str = "v1";
/// How names of chunks end.
pub(super) const EXTENSION: &str = "chunk";
/// The file of the salt, which is made with the directory and never leaves it.
const SALT: &str = "salt";
const SALT_BYTES: usize = 32;
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
    salt: Vec<u8>,
}

impl Cache {
    /// Creates the directory where it is not there; only its owner may look into it.
    pub(super) fn open(root: &Path, now: Timestamp) -> Result<Self, ChunkError> {
        let root = root.join(LAYOUT);
        make_directory(&root)?;
        let since = now.since(Timestamp::EPOCH).to_std();
        let now = SystemTime::UNIX_EPOCH + since;
        let salt = salt(&root)?;
        Ok(Self { root, now, salt })
    }

    /// The key under which answers to a question are kept.
    pub(super) fn key(&self, source: &SourceSettings, question: &Question) -> String {
        key(source, question, &self.salt)
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

/// The key of a question to a source: it tells apart whatever may decide whose data the answer is.
/// Secrets are in it as a hash under `salt`, so that it tells nothing about them.
///
/// The token is part of it, for it may be all that says who asks; with a new one the cache begins
/// anew. Neither a password is, nor what is in a certificate: the user and the file say who asks.
pub(super) fn key(source: &SourceSettings, question: &Question, salt: &[u8]) -> String {
    let mut parts = vec![without_secrets(&source.url)];
    let url = reqwest::Url::parse(&source.url).ok();
    parts.extend(url.map(|url| format!("user {}", url.username())));
    let certificate = source.tls.cert_file.iter();
    parts.extend(certificate.map(|file| format!("certificate {}", file.display())));
    match &source.auth {
        Auth::None => {}
        Auth::Basic { username, .. } => parts.push(format!("user {username}")),
        Auth::Bearer(token) => parts.push(format!("token {}", hidden(token, salt))),
    }
    let headers = source.headers.iter();
    parts.extend(headers.map(|(name, value)| {
        let name = name.to_ascii_lowercase();
        format!("header {name} {}", hidden(value, salt))
    }));
    let params = source.params.iter();
    parts.extend(params.map(|(name, value)| format!("param {name} {value}")));
    parts.push(question.name());
    let mut key = hex(&Sha256::digest(parts.join("\n").as_bytes()));
    key.truncate(KEY_DIGITS);
    key
}

/// HMAC-SHA256 of a secret. One that cannot be read is as good as none: no request will be sent
/// with it.
fn hidden(secret: &Secret, salt: &[u8]) -> String {
    let (Ok(secret), Ok(mut mac)) = (secret.reveal(), Hmac::<Sha256>::new_from_slice(salt)) else {
        return String::new();
    };
    mac.update(secret.expose_secret().as_bytes());
    hex(&mac.finalize().into_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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

/// The salt of a cache; made where there is none, or a damaged one.
fn salt(root: &Path) -> Result<Vec<u8>, ChunkError> {
    let path = root.join(SALT);
    let known = || fs::read(&path).ok().filter(|salt| salt.len() == SALT_BYTES);
    if let Some(salt) = known() {
        return Ok(salt);
    }
    let fresh: [u8; SALT_BYTES] = rand::random();
    let partial = root.join(format!("{SALT}-{:016x}", rand::random::<u64>()));
    let mut made = fs::File::options();
    let made = made.write(true).create_new(true).mode(0o600).open(&partial);
    let written = made.and_then(|mut file| file.write_all(&fresh));
    written.map_err(ChunkError::file("writing", &partial))?;
    // Of several that begin at once the first one gives its salt to all.
    let is_damaged = fs::metadata(&path).is_ok_and(|about| about.len() != SALT_BYTES as u64);
    let linked = match is_damaged {
        true => fs::rename(&partial, &path),
        false => fs::hard_link(&partial, &path).or_else(|error| match path.exists() {
            true => Ok(()),
            // Not every file system has links.
            false => fs::rename(&partial, &path).map_err(|_| error),
        }),
    };
    fs::remove_file(&partial).ok();
    linked.map_err(ChunkError::file("writing", &path))?;
    Ok(known().unwrap_or_else(|| fresh.to_vec()))
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
