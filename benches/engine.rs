//! The engine alone: what a slot costs with 10 000 instances, and what an instance weighs.
//!
//! `cargo bench --bench engine` prints the time of a steady slot (poll ingested, everything
//! decided), of ingestion without decisions, of the first sight of 100 000 series, and the bytes
//! of an instance that remembers three days of buckets and thirty days of hours.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion};
use slofuse::engine::labels::METRIC_NAME;
use slofuse::engine::{
    Book, Counts, Document, Drops, Engine, Evidence, Feed, Indicator, Input, Labels, Layout,
    MatchOp, Matcher, Memories, Objective, Options, Pattern, Period, Policy, RawSeries, Reach,
    ReadingOptions, Routing, Sample, Selector, Slo, SloId, Span, Term, Timestamp, Window,
};

const INSTANCES: usize = 10_000;
const CODES: [&str; 3] = ["200", "404", "500"];
const SLOT: Span = Span::from_secs(30);
const SCRAPE: Span = Span::from_secs(15);
const START: Timestamp = Timestamp::from_secs(1_700_000_010);
const FEED: &str = "requests_total";

fn main() {
    weigh();
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    slots(&mut criterion, "10 000 SLOs of one instance", ungrouped());
    slots(
        &mut criterion,
        "one SLO of 10 000 instances",
        vec![slo(None)],
    );
    ingestion(&mut criterion);
    first_sight(&mut criterion);
    criterion.final_summary();
}

/// A slot: two new samples of each of 30 000 series are counted, 10 000 instances decided.
fn slots(criterion: &mut Criterion, name: &str, slos: Vec<Arc<Slo>>) {
    let (mut engine, mut fleet) = running(slos);
    criterion.bench_function(&format!("slot, {name}, 30 000 series"), |bencher| {
        bencher.iter_batched(
            || fleet.poll(),
            |(from, slot, series)| {
                let evidence = Ok(Evidence::Samples { from, series });
                black_box(engine.step(
                    slot,
                    Input::Slot {
                        feed: FEED.to_owned(),
                        evidence,
                    },
                ))
            },
            BatchSize::PerIteration,
        );
    });
}

/// Ingestion alone: the same poll, counted without deciding.
fn ingestion(criterion: &mut Criterion) {
    let (mut engine, mut fleet) = running(ungrouped());
    criterion.bench_function("ingestion, 60 000 samples of 30 000 series", |bencher| {
        bencher.iter_batched(
            || fleet.poll(),
            |(from, until, series)| {
                let feed = FEED.to_owned();
                engine.step(
                    until,
                    Input::Read {
                        feed,
                        into: Book::Live,
                        from,
                        until,
                        series,
                    },
                )
            },
            BatchSize::PerIteration,
        );
    });
}

/// The first poll: every series is new and finds its SLO.
fn first_sight(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("first sight");
    group.sample_size(10);
    group.bench_function("100 000 series among 10 000 SLOs", |bencher| {
        bencher.iter_batched(
            || (engine(ungrouped()), Fleet::new(10).poll()),
            |(mut engine, (from, slot, series))| {
                let evidence = Ok(Evidence::Samples { from, series });
                engine.step(
                    slot,
                    Input::Slot {
                        feed: FEED.to_owned(),
                        evidence,
                    },
                );
                engine
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// Prints the memory of an instance with all of its past.
fn weigh() {
    const WEIGHED: usize = 500;
    let layout = Layout {
        interval: SLOT,
        longest_window: Span::from_days(3),
        period: Span::from_days(30),
        quarters: false,
    };
    let before = resident_bytes();
    let windows: Vec<Window> = (0..WEIGHED).map(|seed| past(layout, seed as i64)).collect();
    let per_instance = (resident_bytes() - before) / WEIGHED as u64;
    black_box(&windows);
    println!(
        "window of one instance: {:.1} KiB resident (3 d of 30 s buckets, 30 d of hours, about 120 \
         requests per bucket, an error in every third)",
        per_instance as f64 / 1024.0
    );
}

fn past(layout: Layout, seed: i64) -> Window {
    let mut window = Window::new(layout);
    let end = START;
    for hour in (73..720).rev() {
        let counts = Counts {
            bad: 40.0,
            total: 14_400.0 + (seed + hour) as f64 % 997.0,
        };
        window.add_history(end - Span::from_hours(hour), counts);
    }
    for bucket in (0..8640).rev() {
        let noise = (seed * 31 + bucket * 17).rem_euclid(41) as f64;
        let bad = f64::from(u8::from(bucket % 3 == 0));
        window.add(
            end - SLOT.times(bucket),
            Counts {
                bad,
                total: 100.0 + noise,
            },
        );
        if bucket % 64 == 0 {
            window.seal();
        }
    }
    window.seal();
    window
}

fn resident_bytes() -> u64 {
    const PAGE: u64 = 4096;
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or_default() * PAGE
}

/// An engine that has seen its fleet for some slots.
fn running(slos: Vec<Arc<Slo>>) -> (Engine, Fleet) {
    let mut engine = engine(slos);
    let mut fleet = Fleet::new(CODES.len());
    for _ in 0..20 {
        let (from, slot, series) = fleet.poll();
        let evidence = Ok(Evidence::Samples { from, series });
        engine.step(
            slot,
            Input::Slot {
                feed: FEED.to_owned(),
                evidence,
            },
        );
    }
    (engine, fleet)
}

fn engine(slos: Vec<Arc<Slo>>) -> Engine {
    let reading = ReadingOptions {
        interval: SLOT,
        scrape_interval: SCRAPE,
        target_labels: vec!["instance".to_owned()],
        forget_after: Span::from_hours(24),
        instances_max: INSTANCES,
        drops: Drops::AreResets,
    };
    let options = Options {
        source: "prometheus".to_owned(),
        reading,
    };
    let mut engine = Engine::new(options, Memories::default());
    let feeds = vec![Feed::new(FEED, slos)];
    engine.step(
        START,
        Input::Configured {
            feeds,
            routing: Routing::default(),
        },
    );
    engine
}

/// Counters of 10 000 services and the polls that read them.
struct Fleet {
    labels: Vec<Labels>,
    slot: Timestamp,
}

impl Fleet {
    fn new(codes: usize) -> Self {
        let labels = |service: usize| {
            (0..codes).map(move |code| {
                let code = CODES
                    .get(code)
                    .map_or_else(|| format!("2{code:02}"), |code| (*code).to_owned());
                Labels::new([
                    (METRIC_NAME, FEED.to_owned()),
                    ("code", code),
                    (
                        "instance",
                        format!("10.0.{}.{}:8080", service / 250, service % 250),
                    ),
                    ("job", "shop".to_owned()),
                    ("service", format!("service-{service:05}")),
                ])
            })
        };
        Self {
            labels: (0..INSTANCES).flat_map(labels).collect(),
            slot: START,
        }
    }

    /// The next slot and what is polled at it: two scrapes, and three that were read before.
    fn poll(&mut self) -> (Timestamp, Timestamp, Vec<RawSeries>) {
        let from = self.slot;
        self.slot = self.slot + SLOT;
        let until = self.slot;
        let samples = |at: usize| {
            let scrapes = (0..5).rev().map(move |back| until - SCRAPE.times(back));
            let rate = if at % CODES.len() == 2 { 0.01 } else { 4.0 };
            let value =
                move |at: Timestamp| (at.since(START).as_secs_f64() * rate).floor() + 1000.0;
            scrapes
                .map(move |at| Sample {
                    at,
                    value: value(at),
                })
                .collect()
        };
        let series = self.labels.iter().enumerate();
        let series = series.map(|(at, labels)| RawSeries {
            labels: labels.clone(),
            samples: samples(at),
        });
        (from, until, series.collect())
    }
}

fn ungrouped() -> Vec<Arc<Slo>> {
    (0..INSTANCES).map(|service| slo(Some(service))).collect()
}

/// The SLO of one service, or of all of them grouped.
fn slo(service: Option<usize>) -> Arc<Slo> {
    let equal = |name: &str, value: &str| Matcher {
        name: name.to_owned(),
        op: MatchOp::Equal(value.to_owned()),
    };
    let mut total = vec![equal(METRIC_NAME, FEED)];
    let name = service.map_or_else(
        || "all".to_owned(),
        |service| format!("service-{service:05}"),
    );
    if service.is_some() {
        total.push(equal("service", &name));
    }
    let mut bad = total.clone();
    let errors = Pattern::new("5..").unwrap_or_else(|error| panic!("a valid pattern: {error}"));
    bad.push(Matcher {
        name: "code".to_owned(),
        op: MatchOp::Regex(errors),
    });
    let sum = |matchers| {
        vec![Term {
            coefficient: 1.0,
            selector: Selector::new(matchers),
        }]
    };
    let objective = Objective::from_percent(99.9);
    Arc::new(Slo {
        id: SloId::new(&name, "availability"),
        service: name,
        name: "availability".to_owned(),
        objective: objective.unwrap_or_else(|error| panic!("a valid objective: {error}")),
        sla: None,
        period: Period::Rolling(Span::from_days(30)),
        indicator: Indicator::Counters {
            bad: sum(bad),
            total: sum(total),
        },
        group_by: if service.is_none() {
            vec!["service".to_owned()]
        } else {
            Vec::new()
        },
        policy: Arc::new(Policy::sre_workbook()),
        reach: Reach::new(
            &Policy::sre_workbook(),
            &Period::Rolling(Span::from_days(30)),
        ),
        document: Document::default(),
    })
}
