//! What the world is really like: services, their targets, what those count, and what was scraped.
//!
//! The whole past and future is made at once, so that it does not depend on who looks. A sample
//! has the time of its scrape and the time from which the source shows it.

use std::collections::BTreeMap;

use slofuse::engine::Labels;
use slofuse::engine::labels::METRIC_NAME;

use crate::dice::Dice;
use crate::switches::{Fault, Switches};

/// Time between scrapes, in milliseconds.
pub(crate) const SCRAPE: i64 = 15_000;

/// One scraped value; times in milliseconds since the epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scraped {
    pub(crate) at: i64,
    /// The source shows it from here on.
    pub(crate) visible: i64,
    pub(crate) value: f64,
}

/// How a service's counters are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// One metric with the label `code`.
    Codes,
    /// One metric for all requests and one for those that failed.
    Pair,
}

/// A service to be simulated.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) job: &'static str,
    pub(crate) style: Style,
    pub(crate) zones: Vec<&'static str>,
    /// Requests per second of one target, on average.
    pub(crate) rate: f64,
    pub(crate) shape: Shape,
}

/// How traffic changes with time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Steady,
    /// A day of so many milliseconds.
    Diurnal(i64),
    /// Ten times as much now and then.
    Bursts,
    /// None at all now and then.
    Lulls,
}

/// A stretch of time in which a share of the requests to a service, or to one zone of it, fails.
#[derive(Clone, Debug)]
pub(crate) struct Incident {
    pub(crate) job: &'static str,
    pub(crate) zone: Option<&'static str>,
    pub(crate) from: i64,
    pub(crate) until: i64,
    pub(crate) share: f64,
}

/// Everything that was ever scraped, by series, and the values of the gauges.
#[derive(Debug)]
pub(crate) struct Plant {
    pub(crate) series: BTreeMap<Labels, Vec<Scraped>>,
    pub(crate) incidents: Vec<Incident>,
    /// When a condition can be evaluated at all: not in these stretches.
    pub(crate) gaps: Vec<(i64, i64)>,
    pub(crate) extent: Extent,
}

/// From when to when the world is, and from when on nothing goes wrong any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// The oldest sample.
    pub(crate) past: i64,
    /// The first process starts.
    pub(crate) begin: i64,
    /// From here on all is well.
    pub(crate) peace: i64,
    pub(crate) end: i64,
}

struct Target {
    zone: &'static str,
    instance: String,
    born: i64,
    dies: i64,
}

impl Plant {
    /// Everything these services do.
    pub(crate) fn new(
        seed: u64,
        services: &[Service],
        extent: Extent,
        switches: &Switches,
    ) -> Self {
        let mut dice = Dice::new(seed, "incidents");
        let incidents = incidents(&mut dice, services, extent);
        let mut plant = Self {
            series: BTreeMap::new(),
            incidents,
            gaps: stretches(&mut dice, extent, 1, 12 * 60_000),
            extent,
        };
        for service in services {
            let mut dice = Dice::new(seed, service.job);
            for target in targets(&mut dice, service, extent, switches) {
                plant.run(&mut dice, service, &target, extent, switches);
            }
        }
        plant
    }

    /// The share of requests that fail at a time.
    fn failing(&self, job: &str, zone: &str, at: i64) -> f64 {
        let here = self.incidents.iter().filter(|incident| {
            incident.job == job
                && incident.zone.is_none_or(|z| z == zone)
                && (incident.from..incident.until).contains(&at)
        });
        here.map(|incident| incident.share).fold(0.0004, f64::max)
    }

    /// Whether a condition about a service holds at a time; `None` where nobody can say.
    pub(crate) fn condition(&self, job: &str, at: i64) -> Option<bool> {
        let gone = |(from, until): &(i64, i64)| (*from..*until).contains(&at);
        if self.gaps.iter().any(gone) {
            return None;
        }
        let mut here = self.incidents.iter().filter(|i| i.job == job);
        Some(!here.any(|i| i.share > 0.05 && (i.from..i.until).contains(&at)))
    }

    fn run(
        &mut self,
        dice: &mut Dice,
        service: &Service,
        target: &Target,
        extent: Extent,
        switches: &Switches,
    ) {
        let outages = match switches.on(Fault::Outage) && dice.chance(0.3) {
            true => stretches(dice, extent, 2, 8 * 60_000),
            false => Vec::new(),
        };
        let resets = switches.on(Fault::Reset) && dice.chance(0.5);
        let mut counts = [dice.within(0, 5_000) as f64, 0.0];
        let phase = dice.within(0, SCRAPE - 1);
        let mut scrape = target.born + phase;
        let (mut last, mut shown) = (target.born, target.born);
        while scrape < target.dies {
            let at = scrape + dice.within(0, 900);
            let rate = service.rate * service.shape.factor(at);
            let requests = dice.around(rate * (at - last) as f64 / 1000.0);
            let share = self.failing(service.job, target.zone, at);
            let failed = dice.around(requests * share).min(requests);
            if resets && dice.chance(0.004) && at < extent.peace {
                counts = [0.0, 0.0];
            }
            counts[0] += requests - failed;
            counts[1] += failed;
            (last, scrape) = (at, scrape + SCRAPE);
            let out = outages
                .iter()
                .any(|(from, until)| (*from..*until).contains(&at));
            let missed = switches.on(Fault::Outage) && at < extent.peace && dice.chance(0.01);
            let visible = shown.max(at + dice.within(5, 900));
            if out || missed {
                continue;
            }
            shown = visible;
            self.scrape(service, target, at, visible, counts);
        }
    }

    fn scrape(
        &mut self,
        service: &Service,
        target: &Target,
        at: i64,
        visible: i64,
        counts: [f64; 2],
    ) {
        let [good, failed] = counts;
        let series = |metric: &str, code: Option<&str>| {
            let mut labels = vec![
                (METRIC_NAME, metric.to_owned()),
                ("job", service.job.to_owned()),
                ("instance", target.instance.clone()),
                ("zone", target.zone.to_owned()),
            ];
            labels.extend(code.map(|code| ("code", code.to_owned())));
            Labels::new(labels)
        };
        let values = match service.style {
            Style::Codes => [
                (series("requests_total", Some("200")), good),
                (series("requests_total", Some("500")), failed),
            ],
            Style::Pair => [
                (
                    series(&format!("{}_total", service.job), None),
                    good + failed,
                ),
                (
                    series(&format!("{}_failed_total", service.job), None),
                    failed,
                ),
            ],
        };
        for (number, (labels, value)) in values.into_iter().enumerate() {
            // A counter of errors is created by the first of them.
            if number == 0 || value > 0.0 {
                let samples = self.series.entry(labels).or_default();
                samples.push(Scraped { at, visible, value });
            }
        }
    }
}

impl Shape {
    fn factor(self, at: i64) -> f64 {
        const MINUTE: i64 = 60_000;
        match self {
            Self::Steady => 1.0,
            Self::Diurnal(day) => {
                let turn = (at % day) as f64 / day as f64 * std::f64::consts::TAU;
                1.0 + 0.8 * turn.sin()
            }
            Self::Bursts if at / MINUTE % 23 < 3 => 10.0,
            Self::Lulls if at / MINUTE % 37 < 9 => 0.0,
            Self::Bursts | Self::Lulls => 1.0,
        }
    }
}

fn incidents(dice: &mut Dice, services: &[Service], extent: Extent) -> Vec<Incident> {
    let count = dice.within(1, 4);
    let mut incidents = Vec::new();
    for _ in 0..count {
        let service = dice.pick(services);
        let from = dice.within(extent.begin - 30 * 60_000, extent.peace - 60_000);
        let length = dice.pick(&[1, 3, 5, 10, 20, 40]) * dice.within(40_000, 80_000);
        incidents.push(Incident {
            job: service.job,
            zone: dice.chance(0.4).then(|| dice.pick(&service.zones)),
            from,
            until: (from + length).min(extent.peace),
            share: dice.pick(&[0.01, 0.02, 0.04, 0.1, 0.3, 1.0]),
        });
    }
    incidents
}

/// Up to `most` stretches of up to so many milliseconds, before peace.
pub(crate) fn stretches(
    dice: &mut Dice,
    extent: Extent,
    most: i64,
    longest: i64,
) -> Vec<(i64, i64)> {
    let count = dice.within(0, most);
    let one = |dice: &mut Dice| {
        let from = dice.within(extent.begin, extent.peace - 1);
        (from, (from + dice.within(5_000, longest)).min(extent.peace))
    };
    (0..count).map(|_| one(dice)).collect()
}

/// The targets of a service: some are replaced by others while the world lasts.
fn targets(dice: &mut Dice, service: &Service, extent: Extent, switches: &Switches) -> Vec<Target> {
    let mut targets = Vec::new();
    for zone in &service.zones {
        let churns = switches.on(Fault::Churn) && dice.chance(0.4);
        let mut born = extent.past;
        let mut number = 0;
        while born < extent.end {
            let dies = match churns && number < 3 {
                true => dice.within(extent.begin, extent.peace),
                false => extent.end,
            };
            if dies > born {
                targets.push(Target {
                    zone,
                    instance: format!("{}-{zone}-{number}", service.job),
                    born,
                    dies,
                });
                born = dies + dice.within(0, 20_000);
            }
            number += 1;
        }
    }
    targets
}
