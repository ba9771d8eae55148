//! Windows that candidates may have.

use super::candidate::fastest_page;
use crate::engine::{Policy, ReadingOptions, Severity, Slo, Span, Tier};

/// Long windows of the fastest page tier, as multiples of its own; its short one keeps its part.
pub(super) const LONGS: [f64; 3] = [0.5, 0.25, 2.0];
/// Short windows of page tiers, as multiples of their own.
pub(super) const SHORTS: [f64; 2] = [2.0, 4.0];
/// A short window holds so many scrapes at least: of fewer, a late one looks like a lull.
const SCRAPES_MIN: i64 = 4;
/// Short windows are at most this part of long ones, however few scrapes they hold.
const SHORT_MAX: f64 = 1.0 / 3.0;

/// A tier with other windows, in whole seconds; `None` if the scrapes are too far apart for it.
pub(super) fn resize(tier: &Tier, factor: f64, reading: &ReadingOptions) -> Option<Tier> {
    let seconds = |span: Span| Span::from_secs(span.as_millis() / 1000);
    let long = seconds(tier.long.scale(factor));
    let least = reading
        .scrape_interval
        .times(SCRAPES_MIN)
        .max(reading.interval);
    let short = seconds(tier.short.scale(factor)).max(least.min(tier.short));
    (short <= long.scale(SHORT_MAX)).then(|| Tier {
        long,
        short,
        ..tier.clone()
    })
}

/// The shortest long window that a page tier of a candidate may have; `None` without pages.
pub(super) fn shortest_page(policy: &Policy, reading: &ReadingOptions) -> Option<Span> {
    let tier = policy.tiers.get(fastest_page(policy)?)?;
    let sized = LONGS
        .iter()
        .filter_map(|factor| resize(tier, *factor, reading));
    let longs = sized.map(|tier| tier.long);
    Some(longs.fold(tier.long, Span::min))
}

/// The longest window of any candidate.
pub(super) fn longest(slo: &Slo) -> Span {
    let pages = slo.policy.tiers.iter();
    let pages = pages.filter(|tier| tier.severity == Severity::Page);
    let factor = LONGS.into_iter().fold(1.0, f64::max);
    let fastest = pages.map(|tier| tier.long).min().unwrap_or(Span::ZERO);
    slo.reach.longest_window().max(fastest.scale(factor))
}
