//! A made-up world of pods, events and scrapes, and what a reader of its samples can know.
//!
//! The world is a list of events per process and series and a log of scrapes. Samples follow from
//! it by counting. So does the oracle: it never looks at a counter's arithmetic, it asks which
//! events happened between two scrapes.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::engine::counts::Counts;
use crate::engine::labels::{Labels, METRIC_NAME};
use crate::engine::sample::{RawSeries, Sample};
use crate::engine::time::{Span, Timestamp};

/// A slot, and a multiple of 30 s.
pub(super) const START: i64 = 1_700_000_010_000;
/// Time between slots in milliseconds.
pub(super) const SLOT: i64 = 30_000;
/// A poll reaches back so far behind the last good one: three scrapes.
const REACH: i64 = 45_000;
/// Zones of the pods: the instances of a grouped SLO.
pub(super) const ZONES: [&str; 2] = ["east", "west"];
/// The series of a pod: metric and code. The SLO of a metric counts code 500 as bad.
const KINDS: [(&str, &str); 4] = [
    ("requests_total", "200"),
    ("requests_total", "500"),
    ("jobs_total", "200"),
    ("jobs_total", "500"),
];

/// How rough the world is.
#[derive(Clone, Debug)]
pub(super) struct Weather {
    pub(super) seed: u64,
    pub(super) slots: i64,
    /// Pods at work at the same time.
    pub(super) pods: usize,
    /// Mean life of a pod in seconds; then it is replaced by another.
    pub(super) pod_life: i64,
    /// Mean time between restarts in place in seconds.
    pub(super) process_life: i64,
    /// Events per second of good series; bad ones have a tenth.
    pub(super) rate: f64,
    /// Share of scrapes that fail.
    pub(super) missed: f64,
    /// Share of polls that fail.
    pub(super) failed: f64,
    /// Holes of minutes in which nothing is scraped at all.
    pub(super) holes: usize,
}

pub(super) struct World {
    pods: Vec<Pod>,
    /// The slots whose poll gets an answer.
    good: Vec<i64>,
    shuffle: SmallRng,
}

struct Pod {
    name: String,
    zone: &'static str,
    processes: Vec<Process>,
    /// Of each series, every scrape that saw it, with its value.
    samples: [Vec<(Scrape, f64)>; 4],
}

struct Process {
    from: i64,
    until: i64,
    /// When each event of each series happened.
    events: [Vec<i64>; 4],
    /// Whether the series is exported only once it has counted something.
    lazy: [bool; 4],
}

#[derive(Clone, Copy)]
struct Scrape {
    at: i64,
    /// When its samples can be queried.
    readable: i64,
}

impl World {
    pub(super) fn new(weather: &Weather) -> Self {
        let mut rng = SmallRng::seed_from_u64(weather.seed);
        let (dawn, dusk) = (START - 600_000, START + weather.slots * SLOT);
        let holes: Vec<(i64, i64)> = (0..weather.holes)
            .map(|_| {
                let from = rng.random_range(START - 60_000..dusk);
                (from, from + rng.random_range(70_000..1_200_000))
            })
            .collect();
        let mut pods = Vec::new();
        for place in 0..weather.pods {
            let mut from = dawn;
            while from < dusk {
                let until = from + some(&mut rng, weather.pod_life);
                let name = format!("10.0.{place}.{}:80", pods.len());
                let zone = ZONES[rng.random_range(0..ZONES.len())];
                pods.push(Pod::new(
                    name,
                    zone,
                    (from, until),
                    weather,
                    &holes,
                    &mut rng,
                ));
                from = until;
            }
        }
        let mut good: Vec<i64> = (0..weather.slots)
            .filter(|_| !rng.random_bool(weather.failed))
            .collect();
        // Nothing is known before the first answer and checked after the last.
        good.insert(0, 0);
        good.push(weather.slots);
        good.dedup();
        Self {
            pods,
            good: good.into_iter().map(|slot| START + slot * SLOT).collect(),
            shuffle: rng,
        }
    }

    /// The same world, whose source answers in another order.
    pub(super) fn shuffled(mut self) -> Self {
        self.shuffle = SmallRng::seed_from_u64(1);
        self
    }

    /// The last slot at or before `now` whose poll had an answer.
    pub(super) fn last_good(&self, now: i64) -> Option<i64> {
        self.good.iter().copied().rfind(|good| *good <= now)
    }

    /// Where the poll at this slot reaches back to.
    pub(super) fn poll_from(&self, now: i64) -> i64 {
        self.last_good(now - 1).unwrap_or(now - SLOT) - REACH
    }

    /// What the source answers at a slot about some metrics: everything readable after `from`. In
    /// no particular order, and some of it twice.
    pub(super) fn poll<'a>(
        &mut self,
        metrics: impl IntoIterator<Item = &'a str>,
        from: i64,
        now: i64,
    ) -> Vec<RawSeries> {
        let metrics: Vec<&str> = metrics.into_iter().collect();
        let mut answer = Vec::new();
        for pod in &self.pods {
            for (kind, (metric, code)) in KINDS.into_iter().enumerate() {
                let samples: Vec<Sample> = pod.samples[kind]
                    .iter()
                    .filter(|(scrape, _)| scrape.at > from && scrape.readable <= now)
                    .map(|(scrape, value)| Sample {
                        at: Timestamp::from_millis(scrape.at),
                        value: *value,
                    })
                    .collect();
                if metrics.contains(&metric) && !samples.is_empty() {
                    let labels = Labels::new([
                        (METRIC_NAME, metric),
                        ("code", code),
                        ("service", "shop"),
                        ("job", "shop"),
                        ("instance", &pod.name),
                        ("zone", pod.zone),
                    ]);
                    answer.push(RawSeries { labels, samples });
                }
            }
        }
        for at in 1..answer.len() {
            answer.swap(at, self.shuffle.random_range(0..=at));
        }
        let twice: Vec<RawSeries> = answer
            .iter()
            .filter(|_| self.shuffle.random_bool(0.1))
            .cloned()
            .collect();
        answer.extend(twice);
        answer
    }

    /// What can be known of a metric to a reader who asks for each metric from some time on.
    pub(super) fn knowledge(&self, metric: &str, asked: &Asked) -> Knowledge {
        let mut seen = Vec::new();
        for pod in &self.pods {
            for (kind, (name, code)) in KINDS.into_iter().enumerate() {
                if name == metric {
                    pod.learn(kind, code == "500", asked, &mut seen);
                }
            }
        }
        Knowledge(seen)
    }
}

/// From when on a reader asks for which metric.
pub(super) struct Asked {
    /// Metrics, and after what time their samples are returned.
    pub(super) metrics: Vec<(&'static str, i64)>,
    /// A series that was absent since then at the latest was not there.
    pub(super) trusts_from: i64,
}

impl Asked {
    fn from(&self, metric: &str) -> Option<i64> {
        let found = self.metrics.iter().find(|(name, _)| *name == metric);
        found.map(|(_, from)| *from)
    }
}

fn some(rng: &mut SmallRng, mean_secs: i64) -> i64 {
    rng.random_range(mean_secs * 200..mean_secs * 2000)
}

impl Pod {
    fn new(
        name: String,
        zone: &'static str,
        (born, dies): (i64, i64),
        weather: &Weather,
        holes: &[(i64, i64)],
        rng: &mut SmallRng,
    ) -> Self {
        let mut processes = Vec::new();
        let mut from = born;
        // A crash loop now and then: a process lives some scrapes, or not even one.
        let mut loops = 0;
        while from < dies {
            if rng.random_bool(0.05) {
                loops = 10;
            }
            let mean = if loops > 0 { 40 } else { weather.process_life };
            loops -= 1;
            let until = dies.min(from + some(rng, mean));
            processes.push(Process::new(from, until, weather, rng));
            from = until + rng.random_range(0..40_000);
        }
        let mut scrapes = Vec::new();
        let mut due = born + rng.random_range(0..15_000);
        while due < dies {
            let at = due + rng.random_range(0..1_000);
            let dark = holes
                .iter()
                .any(|(from, until)| (*from..*until).contains(&at));
            if !dark && !rng.random_bool(weather.missed) {
                let readable = at + rng.random_range(20..9_000);
                scrapes.push(Scrape { at, readable });
            }
            due += 15_000;
        }
        let mut pod = Self {
            name,
            zone,
            processes,
            samples: [const { Vec::new() }; 4],
        };
        pod.samples = std::array::from_fn(|kind| pod.samples(kind, &scrapes));
        pod
    }

    fn process_at(&self, at: i64) -> Option<&Process> {
        self.processes
            .iter()
            .find(|process| process.from <= at && at < process.until)
    }

    fn samples(&self, kind: usize, scrapes: &[Scrape]) -> Vec<(Scrape, f64)> {
        let sample = |scrape: &Scrape| {
            let process = self.process_at(scrape.at)?;
            let value = process.count(kind, process.from, scrape.at);
            (value > 0.0 || !process.lazy[kind]).then_some((*scrape, value))
        };
        scrapes.iter().filter_map(sample).collect()
    }

    /// What a reader of one series learns at each scrape that saw it.
    fn learn(&self, kind: usize, bad: bool, asked: &Asked, seen: &mut Vec<Seen>) {
        let Some(from) = asked.from(KINDS[kind].0) else {
            return;
        };
        let mut before: Option<(Scrape, f64)> = None;
        let samples = self.samples[kind].iter();
        for (scrape, value) in samples.filter(|(scrape, _)| scrape.at > from) {
            let process = self.process_at(scrape.at).expect("it was scraped");
            let events_before = process.count(kind, process.from, scrape.at);
            let (after, events) = match before {
                Some((last, _)) if process.from <= last.at => {
                    (last.at, process.count(kind, last.at, scrape.at))
                }
                // A reset that has already passed the old value looks like progress.
                Some((last, old)) if events_before >= old => (last.at, events_before - old),
                Some((last, _)) => (last.at, events_before),
                None => match self.last_sight(asked, scrape.at) {
                    Some(at) => (at, events_before),
                    None => (scrape.at, 0.0),
                },
            };
            seen.push(Seen {
                zone: self.zone,
                after,
                at: scrape.at,
                readable: scrape.readable,
                counts: Counts {
                    bad: if bad { events } else { 0.0 },
                    total: events,
                },
            });
            before = Some((*scrape, *value));
        }
    }

    /// The last time before `at` that the reader saw anything of this pod and would have seen
    /// more.
    fn last_sight(&self, asked: &Asked, at: i64) -> Option<i64> {
        let sights = (0..KINDS.len()).flat_map(|kind| {
            let from = asked.from(KINDS[kind].0).unwrap_or(i64::MAX);
            let samples = self.samples[kind].iter();
            samples
                .map(|(scrape, _)| scrape.at)
                .filter(move |seen| *seen > from)
        });
        let trusted = sights.filter(|seen| *seen < at && *seen >= asked.trusts_from);
        trusted.max()
    }
}

impl Process {
    fn new(from: i64, until: i64, weather: &Weather, rng: &mut SmallRng) -> Self {
        let mut events = [const { Vec::new() }; 4];
        for (events, (_, code)) in events.iter_mut().zip(KINDS) {
            let rate = if code == "500" {
                weather.rate / 10.0
            } else {
                weather.rate
            };
            let mut at = from as f64;
            loop {
                at += -rng.random_range(f64::EPSILON..1.0).ln() / rate * 1000.0;
                if at >= until as f64 {
                    break;
                }
                events.push(at as i64);
            }
        }
        let lazy = std::array::from_fn(|_| rng.random_bool(0.6));
        Self {
            from,
            until,
            events,
            lazy,
        }
    }

    /// How many events there were in `(after, until]`; a process counts from its start.
    fn count(&self, kind: usize, after: i64, until: i64) -> f64 {
        let up_to = |at| self.events[kind].partition_point(|event| *event <= at);
        let start = if after == self.from { 0 } else { up_to(after) };
        (up_to(until) - start) as f64
    }
}

/// All that can be known of one metric.
pub(super) struct Knowledge(Vec<Seen>);

/// What one scrape of one series tells: so many events since the scrape before it.
struct Seen {
    zone: &'static str,
    after: i64,
    at: i64,
    readable: i64,
    counts: Counts,
}

/// The events of a window as far as they can be known.
#[derive(Debug, PartialEq)]
pub(super) struct Known {
    /// At least.
    pub(super) least: Counts,
    /// At most: more than `least` only where an edge of the window lies in a hole, of which
    /// nobody knows when in it the events happened.
    pub(super) most: Counts,
}

impl Known {
    /// What either of two readers may know.
    pub(super) fn or(self, other: Self) -> Self {
        let of = |a: Counts, b: Counts, pick: fn(f64, f64) -> f64| Counts {
            bad: pick(a.bad, b.bad),
            total: pick(a.total, b.total),
        };
        Self {
            least: of(self.least, other.least, f64::min),
            most: of(self.most, other.most, f64::max),
        }
    }
}

impl Knowledge {
    /// The events of `(now - window, now]` to a reader whose last answer is from `last_good`.
    pub(super) fn sum(&self, zone: Option<&str>, window: Span, now: i64, last_good: i64) -> Known {
        let edge = now.saturating_sub(window.as_millis());
        let (mut least, mut most) = (Counts::ZERO, Counts::ZERO);
        let mine = |seen: &&Seen| zone.is_none_or(|zone| seen.zone == zone);
        for seen in self.0.iter().filter(mine) {
            if seen.readable > last_good || seen.at <= edge {
                continue;
            }
            most += seen.counts;
            let in_hole = seen.after < edge && seen.at - seen.after > 60_000;
            if !in_hole {
                least += seen.counts;
            }
        }
        Known { least, most }
    }
}
