//! What a fetch will cost, asked before it begins: cheaply, and therefore roughly.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::track::Track;
use crate::engine::{Span, Timestamp};
use crate::prometheus::{Client, SourceError};

/// Bytes of a sample on disk, as measured with counters scraped every 15 s.
const SAMPLE_BYTES: f64 = 1.5;
/// Samples per second that one request brings: Prometheus' encoding and our reading of JSON.
const SAMPLES_PER_SECOND: f64 = 800_000.0;
/// What a request takes besides.
const REQUEST_SECONDS: f64 = 0.05;
/// Questions whose series are counted; of more, those are taken for typical.
const COUNTED_MAX: usize = 200;

/// What is to be fetched, roughly.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Series that answer.
    pub series: u64,
    /// Samples they have in the stretch.
    pub samples: u64,
    /// Requests.
    pub requests: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// How long it takes.
    pub duration: Duration,
    /// Samples that are in the cache.
    pub cached: u64,
}

/// Asks how many series each question has, at the ends and in the middle of what is missing, and
/// lets the tracks know.
pub(super) async fn price(
    client: &Arc<Client>,
    tracks: &mut [Track],
    spacing: Span,
    concurrency: usize,
) -> Result<Estimate, SourceError> {
    let mut counting = JoinSet::new();
    let open = tracks.iter().enumerate();
    let open = open.filter(|(_, track)| !track.missing().is_zero());
    for (place, track) in open.take(COUNTED_MAX) {
        let Some(expr) = track.question.priced() else {
            continue;
        };
        let times = probes(track);
        let client = client.clone();
        counting.spawn(async move { (place, count(&client, &expr, &times).await) });
    }
    let mut counts = vec![None; tracks.len()];
    while let Some(counted) = counting.join_next().await {
        let (place, counted) =
            counted.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        match counted {
            Ok(count) => {
                if let Some(slot) = counts.get_mut(place) {
                    *slot = Some(count);
                }
            }
            // The question itself will tell why.
            Err(SourceError::BadQuery { status, .. }) if status != 404 && status != 405 => {}
            Err(SourceError::TooLarge { .. } | SourceError::Timeout { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let known: Vec<f64> = counts.iter().flatten().copied().collect();
    let typical = known.iter().sum::<f64>() / known.len().max(1) as f64;
    let mut estimate = Estimate::default();
    for (track, count) in tracks.iter_mut().zip(counts) {
        estimate.cached += track.chunks.iter().map(|chunk| chunk.samples).sum::<u64>();
        if track.missing().is_zero() {
            continue;
        }
        let step = track.question.step().unwrap_or(spacing);
        let series = match track.question.priced() {
            Some(_) => count.unwrap_or(typical),
            None => 1.0,
        };
        track.expect(series, step);
        estimate.series += series as u64;
        estimate.samples += (series * track.missing().ratio(step)) as u64;
        estimate.requests += track.requests();
    }
    let seconds =
        estimate.samples as f64 / SAMPLES_PER_SECOND + estimate.requests as f64 * REQUEST_SECONDS;
    estimate.bytes = (estimate.samples as f64 * SAMPLE_BYTES) as u64;
    estimate.duration = Duration::from_secs_f64(seconds / concurrency.clamp(1, 8) as f64);
    Ok(estimate)
}

/// The mean number of series at some times.
async fn count(client: &Client, expr: &str, times: &[Timestamp]) -> Result<f64, SourceError> {
    let mut sum = 0.0;
    for at in times {
        let answer = client.instant(&format!("count({expr})"), *at).await?;
        sum += answer.iter().map(|(_, count)| count).sum::<f64>();
    }
    Ok(sum / times.len().max(1) as f64)
}

fn probes(track: &Track) -> Vec<Timestamp> {
    let first = track.gaps().next().map(|(from, _)| from);
    let last = track.gaps().last().map(|(_, until)| until);
    let (Some(first), Some(last)) = (first, last) else {
        return Vec::new();
    };
    let length = last.since(first);
    let shares = [0.1, 0.5, 0.95];
    shares
        .iter()
        .map(|share| first + length.scale(*share))
        .collect()
}
