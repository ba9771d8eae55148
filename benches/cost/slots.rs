//! The rhythm of all measurements: whole slots, cut in their middle.

use std::time::Duration;

use slofuse::engine::Span;

use crate::bed::clock;

/// Time between evaluations, slofuse's default.
pub(crate) const INTERVAL: Span = Span::from_secs(30);
/// Time between scrapes, Prometheus' usual.
pub(crate) const SCRAPE: Span = Span::from_secs(15);
/// Where a slot is cut: what begins at its start has ended by then.
const CUT: Span = Span::from_secs(20);

/// Waits for the cut of the present or the next slot.
pub(crate) async fn cut() {
    let now = clock::now();
    let slot = now.align_down(INTERVAL);
    let cut = slot + CUT;
    let cut = if cut < now { cut + INTERVAL } else { cut };
    tokio::time::sleep(cut.since(now).to_std()).await;
}

/// Waits so many slots.
pub(crate) async fn pass(count: u32) {
    tokio::time::sleep(INTERVAL.to_std() * count).await;
}

/// Milliseconds per slot.
pub(crate) fn millis_per_slot(time: Duration, slots: u32) -> f64 {
    time.as_secs_f64() * 1000.0 / f64::from(slots)
}
