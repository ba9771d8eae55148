//! A past from a server: planned, priced, fetched, filled up where it is coarse, and judged by how
//! far back it really reaches.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::cache::{Cache, without_secrets};
use super::estimate;
use super::fetch::{FetchError, Fetcher, Patience};
use super::litter::Scratch;
use super::opening::{Attendant, OpenError, Opening};
use super::plan::{Wanted, plan};
use super::question::{PERIOD_STEP, Question};
use super::tape::Tape;
use super::track::Track;
use super::{CoarseStretch, History, instant};
use crate::engine::{Indicator, Slo, SloId, Span, Timestamp};
use crate::prometheus::Client;
use crate::replay::reel::DiskReel;

/// Samples younger than this may still be followed by older ones: remote write and rulers are late.
const SETTLES: Span = Span::from_mins(5);
/// Steps at which counters are read where there are no raw samples, finest first. Thanos keeps
/// samples of 5 m and of 1 h after the raw ones.
const COARSE_STEPS: [Span; 2] = [Span::from_mins(5), Span::from_hours(1)];
/// A hole in the raw samples of a selector that is shorter is nothing to fill.
const HOLE_MIN: Span = Span::from_mins(30);

/// Reads a past from a server.
///
/// # Errors
///
/// See [`OpenError`]. What was fetched before an error, or before this is dropped, stays in the
/// cache.
pub async fn from_server(
    opening: &Opening,
    attendant: &mut dyn Attendant,
) -> Result<History, OpenError> {
    with_patience(opening, attendant, Patience::default()).await
}

/// As [`from_server`], with other pauses between attempts.
pub(super) async fn with_patience(
    opening: &Opening,
    attendant: &mut dyn Attendant,
    patience: Patience,
) -> Result<History, OpenError> {
    let origin = without_secrets(&opening.source.url);
    let unanswered = |source| OpenError::Source {
        origin: origin.clone(),
        source,
    };
    let client = Client::new(&opening.source).map_err(unanswered)?;
    let client = Arc::new(client.with_series_max(opening.evaluation.series_max));
    let cache = opening.cache.as_deref();
    let cache = cache
        .map(|root| Cache::open(root, opening.now))
        .transpose()?;
    let fetcher = Fetcher {
        client,
        cache: cache.map(Arc::new),
        scratch: Arc::new(Scratch::new()?),
        settled: (opening.now - SETTLES).align_down(SETTLES),
        concurrency: opening.source.concurrency,
        patience,
    };
    let stretch = (opening.from, opening.until);
    let evaluation = &opening.evaluation;
    let wanted = plan(
        &opening.slos,
        stretch,
        evaluation.interval,
        evaluation.scrape_interval,
    );
    let mut fetch = Fetch {
        opening,
        origin: origin.clone(),
        fetcher,
        remarks: Vec::new(),
    };
    let asked = wanted.iter();
    let asked = asked.map(|wanted| (wanted.question.clone(), (wanted.from, wanted.until)));
    let mut tracks = fetch.tracks(asked.collect()).await;
    if tracks.iter().any(|track| !track.missing().is_zero()) {
        let client = &fetch.fetcher.client;
        let spacing = evaluation.scrape_interval;
        let estimate = estimate::price(client, &mut tracks, spacing, opening.source.concurrency);
        let estimate = estimate.await.map_err(unanswered)?;
        if !attendant.agrees(&estimate) {
            return Err(OpenError::Declined);
        }
        fetch.remark_retention().await;
    }
    fetch.run(&mut tracks, attendant).await?;
    let coarse = fetch.fill(&wanted, &mut tracks, attendant).await?;
    fetch.sweep(&tracks);
    fetch.history(&wanted, &tracks, coarse)
}

struct Fetch<'a> {
    opening: &'a Opening,
    origin: String,
    fetcher: Fetcher,
    remarks: Vec<String>,
}

impl Fetch<'_> {
    /// What is there already; the files are read away from the threads that serve the network.
    async fn tracks(&self, asked: Vec<(Question, (Timestamp, Timestamp))>) -> Vec<Track> {
        let (source, cache) = (self.opening.source.clone(), self.fetcher.cache.clone());
        let look = move || {
            let track =
                |(question, stretch)| Track::new(question, stretch, &source, cache.as_deref());
            asked.into_iter().map(track).collect()
        };
        let looked = tokio::task::spawn_blocking(look).await;
        looked.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    async fn run(
        &self,
        tracks: &mut [Track],
        attendant: &mut dyn Attendant,
    ) -> Result<(), OpenError> {
        let mut report = |progress| attendant.told(progress);
        let fetched = self.fetcher.fetch(tracks, &mut report).await;
        fetched.map_err(|error| match error {
            FetchError::Source { subject, source } => OpenError::Fetch {
                origin: self.origin.clone(),
                subject,
                source,
            },
            FetchError::Disk { source, .. } => source.into(),
        })
    }

    /// Says when the server keeps less than is asked for.
    async fn remark_retention(&mut self) {
        let Ok(Some(kept)) = self.fetcher.client.retention().await else {
            return;
        };
        let spans = kept
            .split(" or ")
            .filter_map(|part| Span::parse(part.trim()).ok());
        let Some(span) = spans.filter(|span| !span.is_zero()).min() else {
            return;
        };
        if self.opening.now - span > self.opening.from {
            self.remarks.push(format!(
                "the server keeps samples for {kept}, which is less than is asked for: raise \
                 --storage.tsdb.retention.time, or begin later with --from"
            ));
        }
    }

    /// Reads counters at coarser steps where there are no raw samples.
    async fn fill(
        &self,
        wanted: &[Wanted],
        tracks: &mut [Track],
        attendant: &mut dyn Attendant,
    ) -> Result<Vec<(SloId, CoarseStretch)>, OpenError> {
        let mut coarse = Vec::new();
        for step in COARSE_STEPS {
            let mut holes = Vec::new();
            for (place, (wanted, track)) in wanted.iter().zip(tracks.iter()).enumerate() {
                if let Question::Samples(selector) = &wanted.question
                    && track.refusal.is_none()
                {
                    for (from, until) in holes_of(track, (wanted.from, wanted.until), step) {
                        let question = Question::Coarse(selector.clone(), step);
                        holes.push((place, (question, (from, until))));
                    }
                }
            }
            let (places, asked): (Vec<usize>, Vec<_>) = holes.into_iter().unzip();
            let mut filling = self.tracks(asked).await;
            self.run(&mut filling, attendant).await?;
            for (place, filled) in places.into_iter().zip(filling) {
                let found = filled.chunks.into_iter().filter(|chunk| chunk.samples > 0);
                for chunk in found {
                    let slos = wanted.get(place).map(|wanted| &wanted.slos);
                    for slo in slos.into_iter().flatten() {
                        let (from, until) = (chunk.from, chunk.until);
                        coarse.push((slo.clone(), CoarseStretch { from, until, step }));
                    }
                    if let Some(track) = tracks.get_mut(place) {
                        track.cover(chunk);
                    }
                }
            }
        }
        Ok(coarse)
    }

    fn sweep(&self, tracks: &[Track]) {
        if let Some(cache) = &self.fetcher.cache {
            let chunks = tracks.iter().flat_map(|track| &track.chunks);
            let used: BTreeSet<PathBuf> = chunks.map(|chunk| chunk.path.clone()).collect();
            cache.sweep(self.opening.cache_bytes_max, &used);
        }
    }

    fn history(
        mut self,
        wanted: &[Wanted],
        tracks: &[Track],
        coarse: Vec<(SloId, CoarseStretch)>,
    ) -> Result<History, OpenError> {
        let opening = self.opening;
        let mut refused: BTreeMap<SloId, String> = BTreeMap::new();
        for (wanted, track) in wanted.iter().zip(tracks) {
            let Some(refusal) = &track.refusal else {
                continue;
            };
            if let Question::Hours(slo) = &wanted.question {
                self.remarks.push(format!(
                    "{}: its budget begins without the days before, for the server refuses hourly \
                     sums: {refusal}",
                    slo.id
                ));
                continue;
            }
            for slo in &wanted.slos {
                let subject = wanted.question.subject();
                refused
                    .entry(slo.clone())
                    .or_insert_with(|| format!("{subject}: {refusal}"));
            }
        }
        let refused = with_dependents(&opening.slos, refused);
        let from = self.begin(wanted, tracks)?;
        if opening.slos.iter().any(|slo| is_asked_by_the_hour(slo)) {
            self.remarks.push(format!(
                "what queries say of a calendar period so far was asked every {PERIOD_STEP}, where \
                 the daemon asks every 5m: budgets of such SLOs change in steps"
            ));
        }
        let tapes = wanted.iter().zip(tracks);
        let tapes = tapes.map(|(wanted, track)| (wanted.question.clone(), track.tape()));
        let tapes: Vec<(Question, Tape)> = tapes.collect();
        let oldest = wanted
            .iter()
            .map(|wanted| wanted.from)
            .min()
            .unwrap_or(from);
        let reel = DiskReel::new((oldest, opening.until), tapes, Some(self.fetcher.scratch));
        Ok(History {
            reel: Box::new(reel),
            from,
            until: opening.until,
            options: opening.options.clone(),
            origin: format!("prometheus at {}", self.origin),
            coarse,
            refused,
            remarks: self.remarks,
        })
    }

    /// Where playing begins: nowhere before the oldest sample.
    fn begin(&mut self, wanted: &[Wanted], tracks: &[Track]) -> Result<Timestamp, OpenError> {
        let opening = self.opening;
        let is_evidence = |wanted: &Wanted| !matches!(wanted.question, Question::Hours(_));
        let evidence: Vec<_> = wanted
            .iter()
            .zip(tracks)
            .filter(|(wanted, _)| is_evidence(wanted))
            .map(|(wanted, track)| (wanted, track.tape()))
            .collect();
        if evidence.is_empty() {
            return Ok(opening.from);
        }
        let newest = evidence.iter().filter_map(|(_, tape)| tape.newest()).max();
        let oldest = evidence.iter().filter_map(|(_, tape)| tape.oldest()).min();
        // Files of the cache may hold samples of another stretch.
        let oldest = oldest.filter(|at| *at < opening.until);
        let (Some(oldest), Some(_)) = (oldest, newest.filter(|at| *at > opening.from)) else {
            return Err(OpenError::Empty {
                origin: self.origin.clone(),
                from: Some(instant(opening.from)),
                until: Some(instant(opening.until)),
            });
        };
        let interval = opening.evaluation.interval;
        if oldest > opening.from + HOLE_MIN {
            self.remarks.push(format!(
                "there are no samples before {}: playing begins there, and not at {}",
                instant(oldest),
                instant(opening.from)
            ));
            return Ok(oldest.align_down(interval));
        }
        let short = evidence.iter().filter(|(wanted, tape)| {
            let is_raw = matches!(wanted.question, Question::Samples(_));
            is_raw
                && tape
                    .oldest()
                    .is_some_and(|oldest| oldest > wanted.from + Span::from_hours(3))
        });
        let slos: BTreeSet<&SloId> = short.flat_map(|(wanted, _)| &wanted.slos).collect();
        if !slos.is_empty() {
            let names: Vec<&str> = slos.iter().take(5).map(|slo| slo.as_str()).collect();
            let more = match slos.len().saturating_sub(names.len()) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            self.remarks.push(format!(
                "the longest windows of {}{more} reach back to before their first samples: they \
                 hold what there is",
                names.join(", ")
            ));
        }
        Ok(opening.from)
    }
}

/// Composites cannot be decided without their parts.
pub(super) fn with_dependents(
    slos: &[Arc<Slo>],
    mut refused: BTreeMap<SloId, String>,
) -> Vec<(SloId, String)> {
    for slo in slos {
        if let Indicator::Composite(composite) = &slo.indicator
            && let Some(part) = composite
                .parts
                .iter()
                .find(|p| refused.contains_key(&p.slo))
        {
            let why = format!("its part {} cannot be decided", part.slo);
            refused.entry(slo.id.clone()).or_insert(why);
        }
    }
    refused.into_iter().collect()
}

fn is_asked_by_the_hour(slo: &Slo) -> bool {
    matches!(slo.indicator, Indicator::Windows(_))
        && matches!(slo.period, crate::engine::Period::Calendar(_))
}

/// Stretches without any raw sample, ends on the grid of a step. The first step after a sample is
/// left out: it would see that sample again.
fn holes_of(
    track: &Track,
    (from, until): (Timestamp, Timestamp),
    step: Span,
) -> Vec<(Timestamp, Timestamp)> {
    let mut holes = Vec::new();
    let mut add = |from: Timestamp, until: Timestamp| {
        let until = until.align_down(step);
        let from = from.align_down(step) + step;
        if until.since(from) >= HOLE_MIN.max(step.times(2)) {
            holes.push((from, until));
        }
    };
    let tape = track.tape();
    let mut known = from - step;
    for chunk in &tape.chunks {
        if let (Some(oldest), Some(newest)) = (chunk.oldest, chunk.newest) {
            // A step that ends with the sample would see it.
            add(known, oldest - Span::from_millis(1));
            known = known.max(newest);
        }
    }
    add(known, until);
    holes
}
