//! From a scenario to its events and to what scrapes saw of them.
//!
//! Every second of every pod draws its good and bad requests (Poisson). A pod is scraped at its own
//! phase, some milliseconds off, sometimes up to two seconds late; scrapes fail, are left out, or
//! meet a pod that is down; Prometheus itself has a gap. Stale markers are not written, for neither
//! a poll of raw samples nor `rate()` ever sees one.

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use slofuse::engine::labels::METRIC_NAME;
use slofuse::engine::{Labels, RawSeries, Sample, Timestamp};

use super::hindsight::{Hindsight, Place};
use super::truth::Truth;
use super::world::{BEGIN, PODS, Scenario, World};

/// The one metric of every service.
pub(crate) const METRIC: &str = "http_requests_total";

/// One service: what happened, and what was seen.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    /// Its name.
    pub(crate) name: String,
    /// What happened.
    pub(crate) truth: Truth,
    /// What was seen: one series for each pod and code.
    pub(crate) series: Vec<RawSeries>,
    /// What it shows, and when.
    pub(crate) hindsight: Hindsight,
}

/// Draws the world of one scenario.
pub(crate) fn draw(world: &World, number: usize, scenario: &Scenario) -> Service {
    let mut rng = SmallRng::seed_from_u64(world.seed.wrapping_mul(1_000) + number as u64);
    let seconds = usize::try_from(world.seconds()).unwrap_or(0);
    let load = Load::new(world, scenario);
    let deployments = deployments(world, scenario, &mut rng);
    let mut events = vec![(0_u32, 0_u32); seconds];
    let mut series = Vec::new();
    let mut places = Vec::new();
    for pod in 0..PODS {
        let life = Life::draw(world, scenario, pod, &load, &mut rng);
        for (sum, (good, bad)) in events.iter_mut().zip(life.each_second()) {
            sum.0 += bad;
            sum.1 += good + bad;
        }
        let mut bounds = vec![0];
        bounds.extend(deployments.iter().map(|at| at + 30 * pod as i64));
        bounds.push(world.seconds());
        let mut scrapes = Vec::new();
        for (generation, bound) in bounds.windows(2).enumerate() {
            let stay = Stay {
                name: format!("s{number:02}-{generation:03}-{pod}"),
                first: generation == 0,
                from: bound[0],
                until: bound[1],
            };
            let seen = scrape(world, scenario, &life, &stay, &mut rng, &mut series);
            scrapes.extend(seen);
        }
        let mut starts = [bounds, life.restarts.clone()].concat();
        starts.sort_unstable();
        let seconds = life.each_second();
        let seconds = seconds.map(|(good, bad)| (u64::from(bad), u64::from(good + bad)));
        places.push(Place::new(seconds, &starts, &scrapes));
    }
    let each = events.iter();
    let each = each.map(|(bad, total)| (u64::from(*bad), u64::from(*total)));
    Service {
        name: scenario.name.to_owned(),
        truth: Truth::of_seconds(each),
        series,
        hindsight: Hindsight(places),
    }
}

/// Requests per second and pod, and the share of them that fail.
struct Load {
    rate: Vec<f64>,
    errors: Vec<f64>,
}

impl Load {
    fn new(world: &World, scenario: &Scenario) -> Self {
        let day_share = |second: i64| second as f64 / 86_400.0 - 0.3;
        let rate = |second: i64| {
            let course = (std::f64::consts::TAU * day_share(second)).sin();
            scenario.rate / PODS as f64 * (1.0 + scenario.diurnal * course)
        };
        let mut errors = vec![scenario.errors; usize::try_from(world.seconds()).unwrap_or(0)];
        for incident in &scenario.incidents {
            let from = (world.trouble() + incident.after).max(0);
            for second in from..from + incident.lasts {
                let at = usize::try_from(second).unwrap_or(usize::MAX);
                if let Some(share) = errors.get_mut(at) {
                    *share = incident.errors;
                }
            }
        }
        Self {
            rate: (0..world.seconds()).map(rate).collect(),
            errors,
        }
    }
}

fn deployments(world: &World, scenario: &Scenario, rng: &mut SmallRng) -> Vec<i64> {
    let mut all = Vec::new();
    if let Some(every) = scenario.deployed_every {
        let mut at = rng.random_range(600..every) as f64;
        while at < (world.seconds() - 600) as f64 {
            all.push(at as i64);
            at += every as f64 * rng.random_range(0.8..1.2);
        }
    }
    if let Some(bad) = scenario.bad_deployment {
        let bad = world.trouble() + bad;
        all.retain(|at| (at - bad).abs() > 3 * 3_600);
        all.push(bad);
        all.sort_unstable();
    }
    all
}

/// One place for pods: what was asked of it in every second, and when it was down.
struct Life {
    /// Good and bad requests before each second.
    counted: Vec<(u32, u32)>,
    up: Vec<bool>,
    /// Seconds at which a process began anew after a restart.
    restarts: Vec<i64>,
    /// Seconds in which scrapes fail, the end excluded.
    unseen: Vec<(f64, f64)>,
}

impl Life {
    fn draw(
        world: &World,
        scenario: &Scenario,
        pod: usize,
        load: &Load,
        rng: &mut SmallRng,
    ) -> Self {
        let mut up = vec![true; load.rate.len()];
        let mut restarts = Vec::new();
        for at in crashes(world, scenario, rng) {
            let back = (at + rng.random_range(3..13)).min(world.seconds());
            for second in at..back {
                if let Some(up) = usize::try_from(second).ok().and_then(|at| up.get_mut(at)) {
                    *up = false;
                }
            }
            restarts.push(back);
        }
        let mut good = Poisson::default();
        let mut bad = Poisson::default();
        let mut counted = Vec::with_capacity(up.len() + 1);
        let mut sum = (0, 0);
        counted.push(sum);
        for ((rate, errors), up) in load.rate.iter().zip(&load.errors).zip(&up) {
            let (more_good, more_bad) = (
                good.draw(rate * (1.0 - errors), rng),
                bad.draw(rate * errors, rng),
            );
            if *up {
                sum = (sum.0 + more_good, sum.1 + more_bad);
            }
            counted.push(sum);
        }
        let mut unseen = Vec::new();
        if let (Some((from, lasts)), 0) = (scenario.blind_pod, pod) {
            let from = (world.trouble() + from) as f64;
            unseen.push((from, from + lasts as f64));
        }
        if scenario.bursts {
            let mut at = exponential(10_800.0, rng);
            while at < world.seconds() as f64 {
                unseen.push((at, at + rng.random_range(60.0..240.0)));
                at += exponential(10_800.0, rng) + 300.0;
            }
        }
        Self {
            counted,
            up,
            restarts,
            unseen,
        }
    }

    /// Good and bad requests of every second.
    fn each_second(&self) -> impl Iterator<Item = (u32, u32)> {
        let pairs = self.counted.windows(2);
        pairs.map(|pair| (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1))
    }

    fn counted(&self, second: i64) -> (u32, u32) {
        let at = usize::try_from(second).unwrap_or(0);
        let last = self.counted.last().copied().unwrap_or_default();
        self.counted.get(at).copied().unwrap_or(last)
    }

    fn is_seen(&self, second: i64) -> bool {
        let at = usize::try_from(second).unwrap_or(0);
        let up = self
            .up
            .get(at)
            .or_else(|| self.up.last())
            .is_none_or(|up| *up);
        let at = second as f64;
        up && !self
            .unseen
            .iter()
            .any(|(from, until)| *from <= at && at < *until)
    }
}

fn crashes(world: &World, scenario: &Scenario, rng: &mut SmallRng) -> Vec<i64> {
    let mut all = Vec::new();
    if let Some(every) = scenario.restarted_every {
        let mut at = exponential(every, rng);
        while at < world.seconds() as f64 {
            all.push(at as i64);
            at += exponential(every, rng) + 60.0;
        }
    }
    if let Some(crash_loop) = scenario.crash_loop {
        let first = world.trouble() + crash_loop.from + rng.random_range(0..crash_loop.every);
        let mut at = first as f64;
        while at < (world.trouble() + crash_loop.until) as f64 {
            all.push(at as i64);
            at += rng.random_range(0.6..1.4) * crash_loop.every as f64;
        }
    }
    all.sort_unstable();
    all
}

/// A pod from its deployment to the next.
struct Stay {
    name: String,
    /// Whether it was there before the world began: its counters stand somewhere.
    first: bool,
    from: i64,
    until: i64,
}

/// Scrapes a pod; returns when that succeeded, in milliseconds after the beginning of the world.
fn scrape(
    world: &World,
    scenario: &Scenario,
    life: &Life,
    stay: &Stay,
    rng: &mut SmallRng,
    into: &mut Vec<RawSeries>,
) -> Vec<i64> {
    let times = scrape_times(world, stay, rng);
    let mut starts = vec![stay.from];
    let restarts = life.restarts.iter().copied();
    starts.extend(restarts.filter(|at| stay.from < *at && *at < stay.until));
    let base = if stay.first {
        rng.random_range(10_000..1_000_000)
    } else {
        0
    };
    let base_bad = (f64::from(base) * scenario.errors) as u32;
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    let mut seen = Vec::new();
    for at in times {
        let lost = rng.random::<f64>() < scenario.missed;
        let second = at.div_euclid(1_000);
        if lost || !life.is_seen(second) {
            continue;
        }
        seen.push(at);
        let process = starts.partition_point(|start| *start <= second).max(1) - 1;
        let (before, now) = (life.counted(starts[process]), life.counted(second));
        let (of_good, of_bad) = if process == 0 {
            (base, base_bad)
        } else {
            (0, 0)
        };
        let sample = |value: u32| Sample {
            at: Timestamp::from_millis(BEGIN * 1_000 + at),
            value: f64::from(value),
        };
        good.push(sample(now.0 - before.0 + of_good));
        let errors = now.1 - before.1 + of_bad;
        if errors > 0 || !scenario.lazy {
            bad.push(sample(errors));
        }
    }
    for (code, samples) in [("200", good), ("500", bad)] {
        if !samples.is_empty() {
            let labels = labels(scenario.name, &stay.name, code);
            into.push(RawSeries { labels, samples });
        }
    }
    seen
}

/// The labels of one series.
pub(crate) fn labels(service: &str, pod: &str, code: &str) -> Labels {
    Labels::new([
        (METRIC_NAME, METRIC),
        ("job", "app"),
        ("service", service),
        ("pod", pod),
        ("code", code),
    ])
}

/// When a pod is scraped, in rising milliseconds after the beginning of the world.
fn scrape_times(world: &World, stay: &Stay, rng: &mut SmallRng) -> Vec<i64> {
    let phase = rng.random_range(0.0..world.scrape);
    let begin = stay.from as f64;
    let first = if stay.first {
        begin
    } else {
        begin + rng.random_range(2.0..20.0)
    };
    let until = stay.until as f64;
    let count = |at: f64| (at - phase) / world.scrape;
    let (from, to) = (count(first).ceil() as i64, count(until).floor() as i64);
    let (gap_from, gap_until) = world.gap();
    let mut times: Vec<i64> = Vec::new();
    for number in from..=to {
        let late = match rng.random::<f64>() < 0.005 {
            true => rng.random_range(0.1..2.0),
            false => normal(rng) * 0.003,
        };
        let at = number as f64 * world.scrape + phase + late;
        let millis = (at * 1_000.0) as i64;
        let in_life = at >= first.max(0.001) && at < until - 0.01;
        let in_gap = (gap_from * 1_000..gap_until * 1_000).contains(&millis);
        if in_life && !in_gap && times.last().is_none_or(|last| *last < millis) {
            times.push(millis);
        }
    }
    times
}

fn exponential(mean: f64, rng: &mut SmallRng) -> f64 {
    -(1.0 - rng.random::<f64>()).ln() * mean
}

/// Box and Muller's first half.
fn normal(rng: &mut SmallRng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

/// Poisson numbers by inversion; the exponential of the last mean is kept.
#[derive(Default)]
struct Poisson {
    mean: f64,
    none: f64,
}

impl Poisson {
    fn draw(&mut self, mean: f64, rng: &mut SmallRng) -> u32 {
        if mean <= 0.0 {
            return 0;
        }
        if self.mean.total_cmp(&mean).is_ne() {
            *self = Self {
                mean,
                none: (-mean).exp(),
            };
        }
        let most = (mean + 50.0 * mean.sqrt()) as u32 + 50;
        let (mut left, mut share, mut count) = (rng.random::<f64>(), self.none, 0);
        while left > share && count < most {
            left -= share;
            count += 1;
            share *= mean / f64::from(count);
        }
        count
    }
}
