//! A stretch of samples as a file: written once, front to back, and read block by block.
//!
//! ```text
//! file := magic, version, block*, footer, length of footer, checksum of footer, magic
//! ```
//!
//! The footer names the key under which the file was written, the stretch `(from, until]` that it
//! holds, its series, and its blocks with their checksums. A file appears under its name only when
//! it is whole; one of another version, key or checksum is not read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::block::{self, Gather};
use super::litter;
use super::tape::Summary;
use crate::engine::labels::Fnv;
use crate::engine::{Labels, RawSeries, Sample, Span, Timestamp};

const MAGIC: &[u8; 8] = b"slofuseH";
/// Counts up with each change of the format, so that files of another one are fetched anew.
const VERSION: u8 = 1;
/// Length and checksum of the footer, magic.
const TAIL: u64 = 24;
/// Larger footers and blocks are damage: 200 000 series with long labels take a tenth of it.
const PART_BYTES_MAX: u64 = 1 << 30;

/// What a file says of itself.
#[derive(Debug, Serialize, Deserialize)]
struct Footer {
    key: String,
    from: Timestamp,
    until: Timestamp,
    /// Each block holds the samples of `(start, start + block]`.
    block: Span,
    series: Vec<Labels>,
    blocks: Vec<BlockRef>,
    samples: u64,
    oldest: Option<Timestamp>,
    newest: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct BlockRef {
    start: Timestamp,
    offset: u64,
    length: u64,
    checksum: u64,
}

/// Why a chunk cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub(in crate::replay) enum ChunkError {
    /// The file system refuses.
    #[error("{attempt} {path}")]
    File {
        /// `writing`, `reading` ...
        attempt: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not what was written.
    #[error("{path} is damaged, or no chunk of this version")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

impl ChunkError {
    pub(super) fn file(attempt: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            attempt,
            path,
            source,
        }
    }

    fn damaged(path: &Path) -> Self {
        Self::Damaged {
            path: path.to_owned(),
        }
    }
}

/// Writes one file; it has its name only after [`Writer::finish`].
pub(super) struct Writer {
    out: BufWriter<File>,
    path: PathBuf,
    partial: PathBuf,
    offset: u64,
    footer: Footer,
    known: BTreeMap<Labels, usize>,
    done: bool,
}

impl Writer {
    /// Begins a file for `(from, until]`. The directory must exist.
    pub(super) fn create(
        path: &Path,
        key: &str,
        (from, until): (Timestamp, Timestamp),
        block: Span,
    ) -> Result<Self, ChunkError> {
        let partial = partial(path);
        litter::note(&partial);
        let file = File::create(&partial).map_err(ChunkError::file("creating", &partial))?;
        let mut out = BufWriter::new(file);
        let head = out
            .write_all(MAGIC)
            .and_then(|()| out.write_all(&[VERSION]));
        head.map_err(ChunkError::file("writing", &partial))?;
        Ok(Self {
            out,
            path: path.to_owned(),
            partial,
            offset: MAGIC.len() as u64 + 1,
            footer: Footer {
                key: key.to_owned(),
                from,
                until,
                block,
                series: Vec::new(),
                blocks: Vec::new(),
                samples: 0,
                oldest: None,
                newest: None,
            },
            known: BTreeMap::new(),
            done: false,
        })
    }

    /// The block that holds samples of `at`: its start.
    pub(super) fn block_of(at: Timestamp, block: Span) -> Timestamp {
        Timestamp::from_millis(at.as_millis().saturating_sub(1)).align_down(block)
    }

    /// Appends a block that starts at `start`: later than those before it. The samples of each
    /// series rise in time and lie in the block.
    pub(super) fn push(
        &mut self,
        start: Timestamp,
        series: &[(&Labels, &[Sample])],
    ) -> Result<(), ChunkError> {
        let mut numbered = Vec::with_capacity(series.len());
        for (labels, samples) in series {
            let number = match self.known.get(*labels) {
                Some(number) => *number,
                None => {
                    let number = self.footer.series.len();
                    self.footer.series.push((*labels).clone());
                    self.known.insert((*labels).clone(), number);
                    number
                }
            };
            numbered.push((number, *samples));
            let footer = &mut self.footer;
            footer.samples += samples.len() as u64;
            let (first, last) = (samples.first(), samples.last());
            footer.oldest = least(footer.oldest, first.map(|s| s.at));
            footer.newest = footer.newest.max(last.map(|s| s.at));
        }
        let bytes = block::encode(&numbered);
        let written = self.out.write_all(&bytes);
        written.map_err(ChunkError::file("writing", &self.partial))?;
        self.footer.blocks.push(BlockRef {
            start,
            offset: self.offset,
            length: bytes.len() as u64,
            checksum: checksum(&bytes),
        });
        self.offset += bytes.len() as u64;
        Ok(())
    }

    /// Writes the footer and gives the file its name.
    pub(super) fn finish(mut self) -> Result<Summary, ChunkError> {
        let footer = postcard::to_stdvec(&self.footer).map_err(|_| {
            // Nothing in a footer can fail to serialise but its size.
            ChunkError::damaged(&self.partial)
        })?;
        let tail = [
            &footer[..],
            &(footer.len() as u64).to_le_bytes(),
            &checksum(&footer).to_le_bytes(),
            MAGIC,
        ]
        .concat();
        let written = self.out.write_all(&tail).and_then(|()| self.out.flush());
        written.map_err(ChunkError::file("writing", &self.partial))?;
        std::fs::rename(&self.partial, &self.path)
            .map_err(ChunkError::file("naming", &self.path))?;
        self.done = true;
        litter::forget(&self.partial);
        let bytes = self.offset + tail.len() as u64;
        Ok(self.footer.summary(&self.path, bytes))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.done {
            // Nobody looks for it; what cannot be removed now is swept up later.
            std::fs::remove_file(&self.partial).ok();
            litter::forget(&self.partial);
        }
    }
}

/// Writes series whose samples rise in time as one file.
pub(super) fn write(
    path: &Path,
    key: &str,
    stretch: (Timestamp, Timestamp),
    block: Span,
    series: &[RawSeries],
) -> Result<Summary, ChunkError> {
    let mut writer = Writer::create(path, key, stretch, block)?;
    let mut blocks: BTreeMap<Timestamp, Vec<(&Labels, &[Sample])>> = BTreeMap::new();
    for one in series {
        let same =
            |a: &Sample, b: &Sample| Writer::block_of(a.at, block) == Writer::block_of(b.at, block);
        for run in one.samples.chunk_by(same) {
            if let Some(first) = run.first() {
                let start = Writer::block_of(first.at, block);
                blocks.entry(start).or_default().push((&one.labels, run));
            }
        }
    }
    for (start, series) in blocks {
        writer.push(start, &series)?;
    }
    writer.finish()
}

/// A whole file, whose footer has been read.
#[derive(Debug)]
pub(in crate::replay) struct Chunk {
    path: PathBuf,
    footer: Footer,
    bytes: u64,
}

impl Chunk {
    /// Reads the footer.
    pub(in crate::replay) fn open(path: &Path) -> Result<Self, ChunkError> {
        let reading = || ChunkError::file("reading", path);
        let mut file = File::open(path).map_err(reading())?;
        let bytes = file.metadata().map_err(reading())?.len();
        let damaged = || ChunkError::damaged(path);
        let head = (MAGIC.len() + 1) as u64;
        if bytes < head + TAIL {
            return Err(damaged());
        }
        let mut start = [0; MAGIC.len() + 1];
        file.read_exact(&mut start).map_err(reading())?;
        file.seek(SeekFrom::Start(bytes - TAIL))
            .map_err(reading())?;
        let mut tail = [0; TAIL as usize];
        file.read_exact(&mut tail).map_err(reading())?;
        let (length, rest) = tail.split_at(8);
        let (sum, magic) = rest.split_at(8);
        let number = |bytes: &[u8]| bytes.try_into().map(u64::from_le_bytes).unwrap_or(0);
        let (length, sum) = (number(length), number(sum));
        let is_ours = start.strip_prefix(MAGIC) == Some(&[VERSION]) && magic == MAGIC;
        if !is_ours || length > PART_BYTES_MAX || length > bytes - TAIL - head {
            return Err(damaged());
        }
        let footer = part(&mut file, bytes - TAIL - length, length).map_err(reading())?;
        if checksum(&footer) != sum {
            return Err(damaged());
        }
        let footer = postcard::from_bytes(&footer).map_err(|_| damaged())?;
        Ok(Self {
            path: path.to_owned(),
            footer,
            bytes,
        })
    }

    /// Opens a file and reads all of it once: whether it is whole, and of this key.
    pub(super) fn verify(path: &Path, key: &str) -> Result<Summary, ChunkError> {
        let chunk = Self::open(path)?;
        let mut file = File::open(path).map_err(ChunkError::file("reading", path))?;
        if chunk.footer.key != key {
            return Err(ChunkError::damaged(path));
        }
        for block in &chunk.footer.blocks {
            if checksum(&chunk.block(&mut file, block)?) != block.checksum {
                return Err(ChunkError::damaged(path));
            }
        }
        Ok(chunk.footer.summary(path, chunk.bytes))
    }

    /// The series, by their numbers.
    pub(in crate::replay) fn series(&self) -> &[Labels] {
        &self.footer.series
    }

    /// Reads the samples in `(from, until]`.
    pub(in crate::replay) fn read(
        &self,
        (from, until): (Timestamp, Timestamp),
        into: &mut impl Gather,
    ) -> Result<(), ChunkError> {
        let blocks = &self.footer.blocks;
        let size = self.footer.block;
        let first = blocks.partition_point(|block| block.start + size <= from);
        let last = blocks.partition_point(|block| block.start < until);
        let Some(blocks) = blocks.get(first..last).filter(|some| !some.is_empty()) else {
            return Ok(());
        };
        let path = &self.path;
        let mut file = File::open(path).map_err(ChunkError::file("reading", path))?;
        for block in blocks {
            let bytes = self.block(&mut file, block)?;
            let read = block::decode(&bytes, (from, until), into);
            read.ok_or_else(|| ChunkError::damaged(path))?;
        }
        Ok(())
    }

    /// The starts of its blocks.
    pub(super) fn starts(&self) -> impl Iterator<Item = Timestamp> {
        self.footer.blocks.iter().map(|block| block.start)
    }

    fn block(&self, file: &mut File, block: &BlockRef) -> Result<Vec<u8>, ChunkError> {
        if block.length > PART_BYTES_MAX {
            return Err(ChunkError::damaged(&self.path));
        }
        let bytes = part(file, block.offset, block.length);
        bytes.map_err(ChunkError::file("reading", &self.path))
    }
}

impl Footer {
    fn summary(&self, path: &Path, bytes: u64) -> Summary {
        Summary {
            path: path.to_owned(),
            from: self.from,
            until: self.until,
            samples: self.samples,
            series: self.series.len(),
            oldest: self.oldest,
            newest: self.newest,
            bytes,
        }
    }
}

fn part(file: &mut File, offset: u64, length: u64) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    match bytes.len() as u64 == length {
        true => Ok(bytes),
        false => Err(std::io::ErrorKind::UnexpectedEof.into()),
    }
}

/// The name of a file that is being written: of this process, and of nothing else in it.
fn partial(path: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id();
    path.with_extension(format!("partial-{process}-{number}"))
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut hash = Fnv::default();
    hash.write(bytes);
    hash.0
}

fn least(one: Option<Timestamp>, two: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(two).min()
}
