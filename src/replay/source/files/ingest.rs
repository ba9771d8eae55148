//! Samples in any order become chunks in order: sorted in memory piece by piece, then merged hour
//! by hour. Memory holds [`BUFFER_SAMPLES`], or one hour of what one selector matches.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::super::Gather;
use super::super::chunk::{self, Chunk, ChunkError, Writer};
use super::super::litter::Scratch;
use super::super::question::Question;
use super::super::tape::{Summary, Tape};
use super::SPACING_MAX;
use super::lines::Mistakes;
use crate::engine::{Labels, RawSeries, Sample, Selector, Span, Timestamp};

/// Samples that wait for being sorted: 64 MB.
const BUFFER_SAMPLES: usize = 4_000_000;
/// Series whose text is remembered.
const KNOWN_MAX: usize = 200_000;
/// Distances of samples from which their rhythm is seen.
const DISTANCES: usize = 10_000;
/// What chunks of files are written under: nobody else reads them.
const KEY: &str = "file";

/// Takes samples and writes those that some selector matches.
pub(super) struct Ingest {
    selectors: Vec<Selector>,
    /// The runs of each selector: sorted files, in the order in which they were read.
    runs: Vec<Vec<Summary>>,
    buffers: Vec<BTreeMap<Labels, Vec<Sample>>>,
    buffered: usize,
    buffer_max: usize,
    known: HashMap<String, (Labels, Vec<usize>)>,
    scratch: Arc<Scratch>,
    distances: Vec<i64>,
    doubles: u64,
    /// What is wrong with the files.
    pub(super) mistakes: Mistakes,
}

/// What files held.
pub(super) struct Read {
    pub(super) tapes: Vec<(Question, Tape)>,
    pub(super) oldest: Option<Timestamp>,
    pub(super) newest: Option<Timestamp>,
    /// The usual time between samples of a series.
    pub(super) spacing: Option<Span>,
    pub(super) remarks: Vec<String>,
}

impl Ingest {
    /// Keeps what these selectors match.
    pub(super) fn new(selectors: Vec<Selector>, scratch: Arc<Scratch>) -> Self {
        Self {
            runs: vec![Vec::new(); selectors.len()],
            buffers: vec![BTreeMap::new(); selectors.len()],
            selectors,
            buffered: 0,
            buffer_max: BUFFER_SAMPLES,
            known: HashMap::new(),
            scratch,
            distances: Vec::new(),
            doubles: 0,
            mistakes: Mistakes::default(),
        }
    }

    #[cfg(test)]
    pub(super) fn with_buffer(mut self, samples: usize) -> Self {
        self.buffer_max = samples;
        self
    }

    #[cfg(test)]
    pub(super) fn buffered(&self) -> usize {
        self.buffered
    }

    /// Takes a sample of a series as text; `read` is asked once per text.
    pub(super) fn add_text(
        &mut self,
        series: &str,
        sample: Sample,
        read: impl FnOnce(&str) -> Result<Labels, String>,
    ) -> Result<(), String> {
        if !self.known.contains_key(series) {
            let labels = read(series)?;
            let places = self.places(&labels);
            if self.known.len() >= KNOWN_MAX {
                self.known.clear();
            }
            self.known.insert(series.to_owned(), (labels, places));
        }
        if let Some((labels, places)) = self.known.get(series) {
            let (buffers, buffered) = (&mut self.buffers, &mut self.buffered);
            // By NaN a series ends; no counter has it.
            let places = places.iter().filter(|_| !sample.value.is_nan());
            for place in places {
                if let Some(buffer) = buffers.get_mut(*place) {
                    put(buffer, labels, sample);
                    *buffered += 1;
                }
            }
        }
        Ok(())
    }

    /// Takes a sample.
    pub(super) fn add(&mut self, labels: &Labels, sample: Sample) {
        for place in self.places(labels) {
            if let Some(buffer) = self.buffers.get_mut(place) {
                put(buffer, labels, sample);
                self.buffered += 1;
            }
        }
    }

    fn places(&self, labels: &Labels) -> Vec<usize> {
        let selectors = self.selectors.iter().enumerate();
        let wanted = selectors.filter(|(_, selector)| selector.matches(labels));
        wanted.map(|(place, _)| place).collect()
    }

    /// Writes what is buffered when it is enough.
    pub(super) fn keep_small(&mut self) -> Result<(), ChunkError> {
        match self.buffered >= self.buffer_max {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), ChunkError> {
        self.buffered = 0;
        let Self {
            buffers,
            runs,
            distances,
            doubles,
            scratch,
            ..
        } = self;
        for (buffer, runs) in buffers.iter_mut().zip(runs) {
            if buffer.is_empty() {
                continue;
            }
            let series = std::mem::take(buffer).into_iter();
            let series: Vec<RawSeries> = series
                .map(|(labels, samples)| RawSeries {
                    labels,
                    samples: sorted(samples, doubles),
                })
                .collect();
            for one in &series {
                let pairs = one.samples.iter().zip(one.samples.iter().skip(1));
                let room = DISTANCES.saturating_sub(distances.len());
                let between = pairs.map(|(one, two)| two.at.since(one.at).as_millis());
                distances.extend(between.take(room.min(100)));
            }
            let first = series
                .iter()
                .filter_map(|one| one.samples.first())
                .map(|s| s.at);
            let last = series
                .iter()
                .filter_map(|one| one.samples.last())
                .map(|s| s.at);
            if let (Some(first), Some(last)) = (first.min(), last.max()) {
                let stretch = (first - Span::from_millis(1), last);
                let block = Question::raw_block();
                runs.push(chunk::write(&scratch.file(), KEY, stretch, block, &series)?);
            }
        }
        Ok(())
    }

    /// Merges what was written into one tape a selector.
    pub(super) fn finish(mut self) -> Result<Read, ChunkError> {
        self.flush()?;
        let mut tapes = Vec::new();
        let (mut oldest, mut newest) = (None, None);
        let runs = std::mem::take(&mut self.runs);
        for (selector, runs) in self.selectors.iter().zip(runs) {
            let merged = match runs.len() {
                0 | 1 => runs.into_iter().next(),
                _ => Some(merge(&runs, &self.scratch, &mut self.doubles)?),
            };
            let mut tape = Tape::default();
            if let Some(merged) = merged {
                oldest = merged.oldest.into_iter().chain(oldest).min();
                newest = newest.max(merged.newest);
                tape.chunks.push(Arc::new(merged));
            }
            tapes.push((Question::Samples(selector.clone()), tape));
        }
        let mut remarks = Vec::new();
        if self.doubles > 0 {
            let doubles = self.doubles;
            remarks.push(format!(
                "{doubles} samples came twice: the first of each counts"
            ));
        }
        self.distances.sort_unstable();
        let middle = self.distances.get(self.distances.len() / 2);
        let spacing = middle.map(|millis| Span::from_millis(*millis));
        Ok(Read {
            tapes,
            oldest,
            newest,
            spacing: spacing.filter(|span| !span.is_zero() && *span <= SPACING_MAX),
            remarks,
        })
    }
}

fn put(buffer: &mut BTreeMap<Labels, Vec<Sample>>, labels: &Labels, sample: Sample) {
    match buffer.get_mut(labels) {
        Some(samples) => samples.push(sample),
        None => {
            buffer.insert(labels.clone(), vec![sample]);
        }
    }
}

/// In rising time; of samples at one time the first stays.
fn sorted(mut samples: Vec<Sample>, doubles: &mut u64) -> Vec<Sample> {
    samples.sort_by_key(|sample| sample.at);
    let before = samples.len();
    samples.dedup_by_key(|sample| sample.at);
    *doubles += (before - samples.len()) as u64;
    samples
}

/// Collects the samples of one block, under the labels of its run.
struct Collect<'a> {
    names: &'a [Labels],
    into: &'a mut BTreeMap<Labels, Vec<Sample>>,
}

impl Gather for Collect<'_> {
    fn samples_of(&mut self, number: usize) -> Option<&mut Vec<Sample>> {
        let labels = self.names.get(number)?;
        Some(self.into.entry(labels.clone()).or_default())
    }
}

/// One file from several, block by block.
fn merge(runs: &[Summary], scratch: &Scratch, doubles: &mut u64) -> Result<Summary, ChunkError> {
    let chunks: Result<Vec<Chunk>, ChunkError> =
        runs.iter().map(|run| Chunk::open(&run.path)).collect();
    let chunks = chunks?;
    let starts: BTreeSet<Timestamp> = chunks.iter().flat_map(Chunk::starts).collect();
    let from = runs.iter().map(|run| run.from).min().unwrap_or_default();
    let until = runs.iter().map(|run| run.until).max().unwrap_or_default();
    let block = Question::raw_block();
    let mut writer = Writer::create(&scratch.file(), KEY, (from, until), block)?;
    for start in starts {
        let mut series = BTreeMap::new();
        for chunk in &chunks {
            let mut collect = Collect {
                names: chunk.series(),
                into: &mut series,
            };
            chunk.read((start, start + block), &mut collect)?;
        }
        for samples in series.values_mut() {
            *samples = sorted(std::mem::take(samples), doubles);
        }
        let series: Vec<(&Labels, &[Sample])> = series
            .iter()
            .map(|(labels, samples)| (labels, samples.as_slice()))
            .collect();
        writer.push(start, &series)?;
    }
    let merged = writer.finish()?;
    for run in runs {
        // What stays goes with the directory.
        std::fs::remove_file(&run.path).ok();
    }
    Ok(merged)
}
