//! How fast the past is played: thirty days of a hundred SLOs, from memory.
//!
//! `cargo bench --bench replay` prints SLO-days per second of the engine alone and end to end, slot
//! by slot and in strides, and the peak of resident memory. Four series for each SLO (two pods, good
//! and bad), scraped each 15 s, slots of 30 s. `-- --slos N --days N --series N` change the size.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]
#![expect(
    clippy::disallowed_methods,
    reason = "a bench measures with the clock on the wall"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use slofuse::config;
use slofuse::engine::labels::METRIC_NAME;
use slofuse::engine::{
    Answer, Counts, Drops, Effect, Engine, InstanceId, Labels, Options, RawSeries, ReadingOptions,
    Sample, Slo, Span, Timestamp,
};
use slofuse::prometheus::PolledFeed;
use slofuse::replay::{Player, Reel, ReelError, Script, Watcher};

const BEGIN: Timestamp = Timestamp::from_secs(1_761_955_200);
const SCRAPE: i64 = 15;
const SLOT: Span = Span::from_secs(30);
const RUN_IN_DAYS: i64 = 3;
const SETTINGS: &str = "
definitions: [none]
receivers:
  - {name: somebody, console: {}}
routes: {default: [somebody]}
";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str, default: i64| {
        let at = arguments.iter().position(|argument| argument == name);
        let value = at.and_then(|at| arguments.get(at + 1)?.parse().ok());
        value.unwrap_or(default)
    };
    let (slos, days) = (number("--slos", 100), number("--days", 30));
    let pods = number("--pods", 2);
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let (calm, strides) = (has("--calm"), !has("--slots"));
    let script = script(slos);
    let mut fleet = Fleet::new(slos, pods, calm);
    let before = peak_bytes();
    let started = Instant::now();
    let player = Player::begin(&script, &mut fleet, BEGIN);
    let player = player.unwrap_or_else(|error| panic!("samples in memory: {error}"));
    let mut player = player.with_strides(strides);
    println!(
        "run-in of {RUN_IN_DAYS} days: {:.1} s",
        started.elapsed().as_secs_f64()
    );
    fleet.spent = Duration::ZERO;
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let mut seen = Seen::default();
    let until = BEGIN + Span::from_days(days);
    let played = player.play(&mut fleet, until, &mut seen);
    played.unwrap_or_else(|error| panic!("samples in memory: {error}"));
    let whole = started.elapsed();
    let cpu = cpu_seconds() - cpu;
    let work = (slos * days) as f64;
    // On a busy machine the clock on the wall runs on while others work: what drawing took is
    // taken off by its share.
    let share = 1.0 - fleet.spent.as_secs_f64() / whole.as_secs_f64();
    println!(
        "{slos} SLOs of {} series, {days} days: {:.0} SLO-days/s by the clock; of CPU time {:.0}/s end to end, \
         {:.0}/s without the drawing of samples; {} steps seen, {} effects; peak resident {:.0} MB, before {:.0} MB",
        2 * pods,
        work / whole.as_secs_f64(),
        work / cpu,
        work / (cpu * share),
        seen.steps,
        seen.effects,
        peak_bytes() as f64 / 1e6,
        before as f64 / 1e6,
    );
}

#[derive(Default)]
struct Seen {
    steps: u64,
    effects: usize,
}

impl Watcher for Seen {
    fn see(&mut self, _now: Timestamp, effects: &[Effect], _engine: &Engine) {
        self.steps += 1;
        self.effects += effects.len();
    }
}

fn script(slos: i64) -> Script {
    let slo = |number: i64| {
        format!(
            "---
apiVersion: slofuse/v1
kind: SLO
metadata: {{service: 'service-{number:03}', name: availability}}
spec:
  objective: 99.9
  period: 30d
  sli:
    events:
      bad: requests_total{{service=\"service-{number:03}\",code=~\"5..\"}}
      total: requests_total{{service=\"service-{number:03}\"}}
"
        )
    };
    let definitions: String = (0..slos).map(slo).collect();
    let loaded = config::embedded(SETTINGS, &definitions);
    let loaded = loaded.unwrap_or_else(|mistakes| panic!("sound definitions: {mistakes:?}"));
    let slos = loaded.definitions.iter().map(|d| d.slo.clone());
    Script {
        slos: slos.collect(),
        routing: loaded.settings.routing,
        options: Options {
            source: "prometheus".to_owned(),
            reading: ReadingOptions {
                interval: SLOT,
                scrape_interval: Span::from_secs(SCRAPE),
                target_labels: vec!["job".to_owned(), "instance".to_owned()],
                forget_after: Span::from_hours(24),
                instances_max: 100,
                drops: Drops::AreResets,
            },
        },
        tick: SLOT,
    }
}

/// Services that are asked ten times a second for each pod and fail one request in 6 000; every
/// tenth has an outage of ten minutes each five days.
struct Fleet {
    series: Vec<(Labels, i64, bool, f64, i64)>,
    calm: bool,
    /// Time that drawing took.
    spent: Duration,
}

impl Fleet {
    fn new(services: i64, pods: i64, calm: bool) -> Self {
        let series = |service: i64| {
            (0..pods).flat_map(move |pod| {
                ["200", "500"].map(|code| {
                    let labels = Labels::new([
                        (METRIC_NAME, "requests_total".to_owned()),
                        ("job", "shop".to_owned()),
                        ("instance", format!("pod-{pod}.service-{service:03}")),
                        ("service", format!("service-{service:03}")),
                        ("code", code.to_owned()),
                    ]);
                    (labels, service, code == "500", 0.0, i64::MIN)
                })
            })
        };
        Self {
            series: (0..services).flat_map(series).collect(),
            calm,
            spent: Duration::ZERO,
        }
    }
}

/// A number that looks drawn.
fn hash(value: i64) -> u64 {
    let mut mixed = (value as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^= mixed >> 29;
    mixed = mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 32)
}

impl Reel for Fleet {
    fn samples(
        &mut self,
        _feed: &PolledFeed,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<RawSeries>, ReelError> {
        let started = Instant::now();
        let calm = self.calm;
        let first = from.as_millis().div_euclid(SCRAPE * 1_000) + 1;
        let last = until.as_millis().div_euclid(SCRAPE * 1_000);
        let mut drawn = Vec::with_capacity(self.series.len());
        for (number, (labels, service, is_bad, value, told)) in self.series.iter_mut().enumerate() {
            let mut samples = Vec::with_capacity(usize::try_from(last - first + 1).unwrap_or(0));
            for scrape in first..=last {
                let second = scrape * SCRAPE;
                let out =
                    !calm && *service % 10 == 0 && (second + *service * 7_919) % (5 * 86_400) < 600;
                let drawn = hash(scrape * 100_003 + number as i64);
                let more = match (*is_bad, out) {
                    (true, false) => u64::from(drawn.is_multiple_of(42)),
                    (true, true) | (false, false) => 130 + drawn % 41,
                    (false, true) => 0,
                };
                if scrape > *told {
                    *told = scrape;
                    *value += more as f64;
                }
                samples.push(Sample {
                    at: Timestamp::from_secs(second),
                    value: *value,
                });
            }
            drawn.push(RawSeries {
                labels: labels.clone(),
                samples,
            });
        }
        self.spent += started.elapsed();
        Ok(drawn)
    }

    fn answer(
        &mut self,
        feed: &PolledFeed,
        _window: Span,
        _at: Timestamp,
    ) -> Result<Vec<(Labels, Answer)>, ReelError> {
        Err(ReelError::because(format!("{} is not asked", feed.key)))
    }

    fn hours(
        &mut self,
        _slo: &Arc<Slo>,
        _from: Timestamp,
        _until: Timestamp,
    ) -> Result<Vec<(InstanceId, Timestamp, Counts)>, ReelError> {
        Ok(Vec::new())
    }
}

/// CPU time of this process so far; the kernel counts it in hundredths of a second.
fn cpu_seconds() -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<f64> = after_name
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0.0))
        .collect();
    (fields.get(11).unwrap_or(&0.0) + fields.get(12).unwrap_or(&0.0)) / TICKS_PER_SECOND
}

/// The most memory that was resident so far.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1_024
}
