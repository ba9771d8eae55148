//! The shop: every series, every sample, as a function of time.
//!
//! Two services of two pods each and a nightly report. Counters are integrals of the traffic,
//! rounded down; pods are deployed once a week and then count from zero. Each target is scraped
//! every 15 s at a phase of its own, some milliseconds late.

use crate::engine::labels::METRIC_NAME;
use crate::engine::{Labels, Selector, Span, Timestamp};

use super::traffic::Traffic;

/// Time between two scrapes of a target.
pub(super) const SCRAPE_INTERVAL: Span = Span::from_secs(15);

/// The latest that a scrape starts after its time.
const JITTER_MAX: Span = Span::from_millis(20);

/// Samples exist for so long before the start.
const HISTORY: Span = Span::from_days(32);

/// From one deployment of a pod to the next.
const DEPLOYED_EVERY: Span = Span::from_days(7);

/// The last deployment before the start.
const DEPLOYED_BEFORE: Span = Span::from_days(3);

/// Between the deployments of two pods.
const DEPLOYED_APART: Span = Span::from_mins(2);

const PODS: u8 = 2;

/// Part of the requests to `checkout` that fail on any day.
const ERROR_RATIO: f64 = 0.000_1;

/// Part of the requests to `checkout` that fail during the incident.
const INCIDENT_RATIO: f64 = 0.12;

/// From the start of the demo to the incident.
const INCIDENT_AFTER: Span = Span::from_secs(90);

const INCIDENT_LENGTH: Span = Span::from_mins(8);

/// The bucket bounds of `search`, as Prometheus 3 writes them, and the part of the requests that
/// each holds.
const BUCKETS: [(&str, f64); 6] = [
    ("0.05", 0.60),
    ("0.1", 0.85),
    ("0.3", 0.996),
    ("0.5", 0.998),
    ("1.0", 0.999_5),
    ("+Inf", 1.0),
];

/// When the report is done, after midnight UTC; within `REPORT_SPREAD` of that.
const REPORT_DONE: Span = Span::from_hours(2);
const REPORT_SPREAD: Span = Span::from_mins(10);

/// One night, so many before the start, the report came late.
const REPORT_LATE_NIGHT: i64 = 12;
const REPORT_LATE_BY: Span = Span::from_hours(3);

const DAY: Span = Span::from_days(1);

/// A simulated shop.
#[derive(Clone, Debug)]
pub struct World {
    start: Timestamp,
    seed: u64,
    checkout: Traffic,
    search: Traffic,
    series: Vec<Series>,
}

/// One time series.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// All labels, the metric name among them.
    pub(super) labels: Labels,
    target: u8,
    measure: Measure,
}

/// What a series measures. Counts are those of one pod.
#[derive(Clone, Copy, Debug)]
enum Measure {
    /// Requests to `checkout` that were answered well.
    Served,
    /// Requests to `checkout` that failed.
    Failed,
    /// This part of the requests to `search`.
    Searched(f64),
    /// When the report last succeeded, in seconds since the epoch.
    LastSuccess,
}

impl World {
    /// A world whose incident begins 90 s after `start`, with a month of history before it.
    ///
    /// The seed varies traffic, scrape times and the nights' reports.
    pub fn new(start: Timestamp, seed: u64) -> Self {
        let vary = |salt| fraction(mix(seed, salt));
        let mut world = Self {
            start,
            seed,
            checkout: Traffic {
                mean: 36.0 + 8.0 * vary(1),
                phase: vary(2),
            },
            search: Traffic {
                mean: 72.0 + 16.0 * vary(3),
                phase: vary(4),
            },
            series: Vec::new(),
        };
        for pod in 0..PODS {
            world.add_checkout(pod);
            world.add_search(pod);
        }
        world.add_report();
        world
    }

    fn add_checkout(&mut self, pod: u8) {
        for (code, measure) in [("200", Measure::Served), ("500", Measure::Failed)] {
            let own = [("code", code)];
            self.add("checkout", pod, "http_requests_total", &own, pod, measure);
        }
    }

    fn add_search(&mut self, pod: u8) {
        let target = PODS + pod;
        let name = "http_request_duration_seconds";
        for (bound, part) in BUCKETS {
            let own = [("le", bound)];
            let measure = Measure::Searched(part);
            self.add(
                "search",
                pod,
                &format!("{name}_bucket"),
                &own,
                target,
                measure,
            );
        }
        let all = Measure::Searched(1.0);
        self.add("search", pod, &format!("{name}_count"), &[], target, all);
    }

    fn add_report(&mut self) {
        let name = "report_last_success_timestamp_seconds";
        self.add("report", 0, name, &[], 2 * PODS, Measure::LastSuccess);
    }

    fn add(
        &mut self,
        service: &str,
        pod: u8,
        metric: &str,
        own: &[(&str, &str)],
        target: u8,
        measure: Measure,
    ) {
        let pod = format!("{service}-{pod}");
        let instance = format!("{pod}:8080");
        let shared = [
            (METRIC_NAME, metric),
            ("job", service),
            ("instance", &instance),
            ("service", service),
            ("pod", &pod),
        ];
        self.series.push(Series {
            labels: Labels::new(shared.iter().chain(own).copied()),
            target,
            measure,
        });
    }

    /// The series that a selector selects.
    pub(super) fn select<'a>(&'a self, selector: &'a Selector) -> impl Iterator<Item = &'a Series> {
        let selected = |series: &&Series| selector.matches(&series.labels);
        self.series.iter().filter(selected)
    }

    /// When the first sample may have been taken.
    pub(super) fn begin(&self) -> Timestamp {
        self.start - HISTORY
    }

    /// The samples of a series after one time, up to and at another, oldest first.
    pub(super) fn samples<'a>(
        &'a self,
        series: &'a Series,
        after: Timestamp,
        until: Timestamp,
    ) -> impl Iterator<Item = (Timestamp, f64)> + 'a {
        let after = after.max(self.begin());
        let interval = SCRAPE_INTERVAL.as_millis();
        let first = (after - JITTER_MAX).as_millis().div_euclid(interval) - 1;
        let last = until.as_millis().div_euclid(interval);
        (first..=last)
            .map(move |scrape| self.scraped_at(series.target, scrape))
            .filter(move |at| after < *at && *at <= until)
            .map(move |at| (at, self.value(series, at)))
    }

    /// The time of a target's scrape; scrapes are counted from the epoch.
    fn scraped_at(&self, target: u8, scrape: i64) -> Timestamp {
        let target = mix(self.seed, u64::from(target) + 1000);
        let phase = SCRAPE_INTERVAL.scale(fraction(target));
        let jitter = JITTER_MAX.scale(fraction(mix(target, scrape.cast_unsigned())));
        let nominal = scrape.saturating_mul(SCRAPE_INTERVAL.as_millis());
        Timestamp::from_millis(nominal) + phase + jitter
    }

    /// What the series reads at a time.
    fn value(&self, series: &Series, at: Timestamp) -> f64 {
        let per_pod = 1.0 / f64::from(PODS);
        let counted_from = self.deployed(series.target % PODS, at);
        match series.measure {
            Measure::Served => {
                let all = self.checkout.requests(counted_from, at);
                per_pod * (all - self.failed(counted_from, at))
            }
            Measure::Failed => per_pod * self.failed(counted_from, at),
            Measure::Searched(part) => per_pod * part * self.search.requests(counted_from, at),
            Measure::LastSuccess => self.last_success(at).as_secs_f64(),
        }
        .floor()
    }

    /// Requests to `checkout` that failed, exactly.
    fn failed(&self, from: Timestamp, to: Timestamp) -> f64 {
        let begin = self.start + INCIDENT_AFTER;
        let end = begin + INCIDENT_LENGTH;
        let within = self.checkout.requests(from.max(begin), to.min(end));
        let always = self.checkout.requests(from, to);
        ERROR_RATIO * always + (INCIDENT_RATIO - ERROR_RATIO) * within
    }

    /// Since when a pod counts: its last deployment, or the beginning of the world.
    fn deployed(&self, pod: u8, at: Timestamp) -> Timestamp {
        let one = self.start - DEPLOYED_BEFORE + DEPLOYED_APART.times(i64::from(pod));
        let every = DEPLOYED_EVERY.as_millis();
        let age = (at.as_millis() - one.as_millis()).rem_euclid(every);
        self.begin().max(at - Span::from_millis(age))
    }

    /// When the report last succeeded.
    fn last_success(&self, at: Timestamp) -> Timestamp {
        let today = at.align_down(DAY);
        let done = self.report_done(today);
        if done <= at {
            done
        } else {
            self.report_done(today - DAY)
        }
    }

    fn report_done(&self, midnight: Timestamp) -> Timestamp {
        let late_night = self.start.align_down(DAY) - DAY.times(REPORT_LATE_NIGHT);
        let late = if midnight == late_night {
            REPORT_LATE_BY
        } else {
            Span::ZERO
        };
        let night = mix(self.seed, midnight.as_millis().cast_unsigned());
        midnight + REPORT_DONE + late + REPORT_SPREAD.scale(fraction(night))
    }
}

/// The finaliser of `SplitMix64` (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number
/// Generators", 2014) over two numbers: as random as needed, the same for ever.
fn mix(seed: u64, salt: u64) -> u64 {
    let mut z = seed.wrapping_add(salt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// 0..1 from the upper 32 bits.
fn fraction(random: u64) -> f64 {
    let upper = u32::try_from(random >> 32).unwrap_or(u32::MAX);
    f64::from(upper) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests;
