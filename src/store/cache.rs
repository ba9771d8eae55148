//! The sample cache: files that save re-reading samples after a restart, and nothing else.
//!
//! One file per feed: a header, the feed's key, opaque bytes. A file appears whole or not at all
//! (written beside, synced, renamed), and is written as its content comes, for that may be as large
//! as the engine's memory. Whatever is torn, foreign, of another version or of another
//! feed is ignored: losing the cache costs a backfill, believing a wrong one costs an alert. All
//! files may be deleted at any time.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::engine::labels::Fnv;

/// Largest content of one file. A larger one is not written and not read.
pub const BYTES_MAX: u64 = 1 << 30;

/// Longest key of a feed, in bytes.
const KEY_BYTES_MAX: usize = 64 << 10;

const MAGIC: [u8; 8] = *b"slofuse\0";

/// Changes with the layout of the header; the caller's bytes carry their own version.
const FORMAT_VERSION: u32 = 2;

/// Magic, format version, key length, content length, checksum.
const HEADER_BYTES: usize = 8 + 4 + 4 + 8 + 8;

const FILE_BYTES_MAX: u64 = (HEADER_BYTES + KEY_BYTES_MAX) as u64 + BYTES_MAX;

const SUFFIX: &str = ".cache";
const UNFINISHED_SUFFIX: &str = ".cache.new";

/// The cache files of one directory. Each feed has one writer at a time.
#[derive(Clone, Debug)]
pub struct SampleCache {
    directory: PathBuf,
}

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("it cannot be read")]
    Io(#[from] io::Error),
    #[error("it is not a cache file of this format version")]
    Format,
    #[error("it is torn or damaged")]
    Damaged,
    #[error("it belongs to another feed")]
    Feed,
}

impl SampleCache {
    /// The cache in `directory`, which is created by the first write.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
        }
    }

    /// Replaces the content for a feed by what `content` writes.
    ///
    /// # Errors
    ///
    /// When the disk refuses or a bound is exceeded; what was there before is then still there.
    pub fn write(
        &self,
        key: &str,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        if key.len() > KEY_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)?;
        let unfinished = self.path(key, UNFINISHED_SUFFIX);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)?;
        let mut file = Unfinished::begin(file, key)?;
        content(&mut file)?;
        file.finish(key)?;
        fs::rename(&unfinished, self.path(key, SUFFIX))
    }

    /// The content for a feed, if there is a sound one; why a file is ignored is logged.
    pub fn read(&self, key: &str) -> Option<Vec<u8>> {
        let path = self.path(key, SUFFIX);
        match load(&path, key) {
            Ok(bytes) => Some(bytes),
            Err(Unusable::Io(error)) if error.kind() == io::ErrorKind::NotFound => None,
            Err(reason) => {
                tracing::warn!(
                    file = %path.display(),
                    feed = key,
                    "Ignored a file of the sample cache: {reason}"
                );
                None
            }
        }
    }

    /// Deletes the files of all feeds but these. Files that are not the cache's stay.
    ///
    /// # Errors
    ///
    /// When the directory cannot be listed or a file not deleted; a missing directory is empty.
    pub fn retain(&self, keys: &BTreeSet<String>) -> io::Result<()> {
        let kept: BTreeSet<String> = keys.iter().map(|key| file_name(key, SUFFIX)).collect();
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            listed => listed?,
        };
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if is_ours(&name) && !kept.contains(&name) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn path(&self, key: &str, suffix: &str) -> PathBuf {
        self.directory.join(file_name(key, suffix))
    }
}

fn file_name(key: &str, suffix: &str) -> String {
    let mut hash = Fnv::default();
    hash.write(key.as_bytes());
    format!("{:016x}{suffix}", hash.0)
}

fn is_ours(name: &str) -> bool {
    let stem = name
        .strip_suffix(UNFINISHED_SUFFIX)
        .or_else(|| name.strip_suffix(SUFFIX));
    stem.is_some_and(|stem| stem.len() == 16 && stem.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// A file under way: its header is written last, for it knows length and checksum.
struct Unfinished {
    file: BufWriter<File>,
    checksum: Fnv,
    length: u64,
}

impl Unfinished {
    fn begin(file: File, key: &str) -> io::Result<Self> {
        let mut file = BufWriter::with_capacity(256 << 10, file);
        file.write_all(&[0; HEADER_BYTES])?;
        file.write_all(key.as_bytes())?;
        Ok(Self {
            file,
            checksum: begin_checksum(key.as_bytes()),
            length: 0,
        })
    }

    fn finish(mut self, key: &str) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        let header = header(key.as_bytes(), self.length, self.checksum);
        self.file.write_all(&header)?;
        self.file.flush()?;
        self.file.get_ref().sync_all()
    }
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.length.saturating_add(bytes.len() as u64) > BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let written = self.file.write(bytes)?;
        self.checksum
            .write(bytes.get(..written).unwrap_or_default());
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Everything that is known before the content; the content and its length follow.
fn begin_checksum(key: &[u8]) -> Fnv {
    let mut checksum = Fnv::default();
    checksum.write(&preamble(key));
    checksum.write(key);
    checksum
}

fn preamble(key: &[u8]) -> Vec<u8> {
    let mut preamble = Vec::with_capacity(HEADER_BYTES);
    preamble.extend_from_slice(&MAGIC);
    preamble.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    preamble.extend_from_slice(&(key.len() as u32).to_le_bytes());
    preamble
}

/// The header of a content of this length, whose bytes are in the checksum.
fn header(key: &[u8], length: u64, mut checksum: Fnv) -> Vec<u8> {
    checksum.write(&length.to_le_bytes());
    let mut header = preamble(key);
    header.extend_from_slice(&length.to_le_bytes());
    header.extend_from_slice(&checksum.0.to_le_bytes());
    header
}

/// The header that a key and its content must have.
fn header_of(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut checksum = begin_checksum(key);
    checksum.write(bytes);
    header(key, bytes.len() as u64, checksum)
}

fn load(path: &Path, key: &str) -> Result<Vec<u8>, Unusable> {
    let file = File::open(path)?;
    if file.metadata()?.len() > FILE_BYTES_MAX {
        return Err(Unusable::Damaged);
    }
    let mut content = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut content)?;
    check(&content, key)?;
    content.drain(..HEADER_BYTES + key.len());
    Ok(content)
}

/// Compares a file with the header that its own key and bytes must have.
fn check(content: &[u8], key: &str) -> Result<(), Unusable> {
    let (found, rest) = content
        .split_at_checked(HEADER_BYTES)
        .ok_or(Unusable::Damaged)?;
    let (magic, after) = found.split_at(MAGIC.len());
    let Some((version, after)) = after.split_first_chunk() else {
        return Err(Unusable::Damaged);
    };
    if magic != MAGIC || u32::from_le_bytes(*version) != FORMAT_VERSION {
        return Err(Unusable::Format);
    }
    let key_bytes = after.first_chunk().map_or(0, |le| u32::from_le_bytes(*le));
    let (found_key, bytes) = rest
        .split_at_checked(key_bytes as usize)
        .ok_or(Unusable::Damaged)?;
    if found != header_of(found_key, bytes) {
        return Err(Unusable::Damaged);
    }
    if found_key != key.as_bytes() {
        return Err(Unusable::Feed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "http_requests_total{job=\"shop\"}";

    fn cache() -> (tempfile::TempDir, SampleCache) {
        let directory = tempfile::tempdir().unwrap();
        let cache = SampleCache::new(directory.path().join("cache"));
        (directory, cache)
    }

    fn write(cache: &SampleCache, key: &str, content: &[u8]) -> io::Result<()> {
        cache.write(key, |file| file.write_all(content))
    }

    fn names(cache: &SampleCache) -> Vec<String> {
        let entries = fs::read_dir(&cache.directory).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_written_last_is_read() {
        let (_directory, cache) = cache();
        assert_eq!(cache.read(KEY), None);
        for content in [&b"one"[..], b"", &[0xff; 70_000]] {
            write(&cache, KEY, content).unwrap();
            assert_eq!(cache.read(KEY).as_deref(), Some(content));
        }
        write(&cache, "", b"a feed without a name").unwrap();
        assert_eq!(
            cache.read("").as_deref(),
            Some(&b"a feed without a name"[..])
        );
        assert_eq!(names(&cache).len(), 2, "nothing unfinished is left");
    }

    #[test]
    fn files_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let (_directory, cache) = cache();
        write(&cache, KEY, b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&cache.directory), 0o700);
        assert_eq!(mode(&cache.path(KEY, SUFFIX)), 0o600);
    }

    #[test]
    fn a_file_of_another_kind_is_ignored() {
        let (_directory, cache) = cache();
        write(&cache, KEY, b"content").unwrap();
        let path = cache.path(KEY, SUFFIX);
        let sound = fs::read(&path).unwrap();
        let expect = |content: &[u8], reason: &str| {
            fs::write(&path, content).unwrap();
            assert_eq!(load(&path, KEY).unwrap_err().to_string(), reason);
            assert_eq!(cache.read(KEY), None);
        };
        let mut other_version = sound.clone();
        other_version[8] += 1;
        expect(
            &other_version,
            "it is not a cache file of this format version",
        );
        let sqlite = [&b"SQLite format 3\0"[..], &[0; 4096]].concat();
        expect(&sqlite, "it is not a cache file of this format version");
        expect(b"", "it is torn or damaged");
        let mut endless_key = sound;
        endless_key[12..16].fill(0xff);
        expect(&endless_key, "it is torn or damaged");

        write(&cache, "another feed", b"content").unwrap();
        let foreign = fs::read(cache.path("another feed", SUFFIX)).unwrap();
        expect(&foreign, "it belongs to another feed");
    }

    #[test]
    fn a_file_beyond_the_bound_is_refused_both_ways() {
        let (_directory, cache) = cache();
        write(&cache, KEY, b"content").unwrap();
        let path = cache.path(KEY, SUFFIX);
        let long_key = "k".repeat(KEY_BYTES_MAX + 1);
        let error = write(&cache, &long_key, b"").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        let beyond = cache.write(KEY, |file| {
            file.write_all(b"new")?;
            let mut nearly_full = Unfinished::begin(tempfile::tempfile()?, KEY)?;
            nearly_full.length = BYTES_MAX - 1;
            nearly_full.write_all(b"1")?;
            nearly_full.write_all(b"2")
        });
        assert_eq!(beyond.unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(cache.read(KEY).as_deref(), Some(&b"content"[..]));
        // A hole: the bound is on the length, so nothing needs to be stored.
        let file = OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(FILE_BYTES_MAX * 4).unwrap();
        assert!(matches!(load(&path, KEY), Err(Unusable::Damaged)));
    }

    #[test]
    fn a_write_that_cannot_finish_keeps_the_old_content() {
        let (_directory, cache) = cache();
        write(&cache, KEY, b"old").unwrap();
        fs::create_dir(cache.path(KEY, UNFINISHED_SUFFIX)).unwrap();
        assert!(write(&cache, KEY, b"new").is_err());
        assert_eq!(cache.read(KEY).as_deref(), Some(&b"old"[..]));
    }

    #[test]
    fn only_files_of_feeds_that_are_gone_are_deleted() {
        let (_directory, cache) = cache();
        let kept = BTreeSet::from([KEY.to_owned()]);
        cache.retain(&kept).unwrap();
        write(&cache, KEY, b"1").unwrap();
        write(&cache, "gone", b"2").unwrap();
        fs::write(cache.path("torn", UNFINISHED_SUFFIX), b"3").unwrap();
        for foreign in ["slofuse.db", "notes.cache", "0123456789abcdeg.cache"] {
            fs::write(cache.directory.join(foreign), b"4").unwrap();
        }
        cache.retain(&kept).unwrap();
        assert_eq!(cache.read(KEY).as_deref(), Some(&b"1"[..]));
        let mut expected = vec![
            file_name(KEY, SUFFIX),
            "0123456789abcdeg.cache".to_owned(),
            "notes.cache".to_owned(),
            "slofuse.db".to_owned(),
        ];
        expected.sort();
        assert_eq!(names(&cache), expected);
    }

    proptest! {
        #[test]
        fn damage_anywhere_is_noticed(
            key in "[a-z{}=]{0,40}",
            content in prop::collection::vec(any::<u8>(), 0..200),
            at in any::<prop::sample::Index>(),
            flip in 1_u8..,
            cut in any::<bool>(),
        ) {
            let sound = [&header_of(key.as_bytes(), &content)[..], key.as_bytes(), &content].concat();
            prop_assert!(check(&sound, &key).is_ok());
            let longer = [&sound[..], &[0]].concat();
            prop_assert!(check(&longer, &key).is_err());
            let at = at.index(sound.len());
            let mut damaged = sound;
            if cut {
                damaged.truncate(at);
            } else {
                damaged[at] ^= flip;
            }
            prop_assert!(check(&damaged, &key).is_err());
        }
    }
}
