//! A player over a reel in memory: what outages of a known shape come to.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::config;
use crate::engine::labels::METRIC_NAME;
use crate::engine::{InstanceId, Labels, Outcome, Sample, Severity, StateName};
use crate::replay::{Journal, MemoryReel};

const SETTINGS: &str = "
definitions: [none]
receivers:
  - {name: somebody, console: {}}
routes: {default: [somebody]}
";

const SLO: &str = r#"
apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: availability}
spec:
  objective: 99.9
  period: 30d
  sli:
    events:
      bad: requests_total{code=~"5.."}
      total: requests_total
"#;

const BEGIN: Timestamp = Timestamp::from_secs(1_700_006_400);

fn script() -> Script {
    rehearsal(SLO)
}

/// These definitions, told to one receiver and decided each 30 s on scrapes of 15 s.
pub(in crate::replay) fn rehearsal(definitions: &str) -> Script {
    let loaded = config::embedded(SETTINGS, definitions);
    let loaded = loaded.unwrap_or_else(|found| panic!("{found}"));
    Script {
        slos: loaded.definitions.iter().map(|d| d.slo.clone()).collect(),
        routing: loaded.settings.routing,
        options: Options::for_testing(),
        tick: Span::from_secs(30),
    }
}

/// Ten requests a second; between `from` and `until` (seconds after the beginning) all fail.
fn shop(from: i64, until: i64) -> MemoryReel {
    let series = |code: &str, rate: &dyn Fn(i64) -> f64| {
        let labels = [
            (METRIC_NAME, "requests_total"),
            ("job", "shop"),
            ("instance", "a"),
            ("code", code),
        ];
        let mut value = 0.0;
        let samples = (-4 * 86_400 / 15..2 * 86_400 / 15).map(|scrape| {
            let second = scrape * 15;
            value += 15.0 * rate(second);
            Sample {
                at: Timestamp::from_millis(BEGIN.as_millis() + second * 1000),
                value,
            }
        });
        RawSeries {
            labels: Labels::new(labels),
            samples: samples.collect(),
        }
    };
    let fails = |second: i64| {
        if from < second && second <= until {
            10.0
        } else {
            0.0
        }
    };
    MemoryReel::new(vec![
        series("200", &|second| 10.0 - fails(second)),
        series("500", &fails),
    ])
}

#[test]
fn an_outage_pages_and_ends() {
    let mut reel = shop(3_600, 4_200);
    let mut player = Player::begin(&script(), &mut reel, BEGIN).unwrap();
    let mut journal = Journal::default();
    let until = BEGIN + Span::from_hours(3);
    player.play(&mut reel, until, &mut journal).unwrap();
    let episodes = journal.episodes();
    let page = episodes.iter().find(|e| e.severity == Severity::Page);
    let page = page.expect("a page");
    let after = page.fired_at.since(BEGIN + Span::from_secs(3_600));
    assert!(after <= Span::from_secs(90), "paged after {after}");
    assert!(page.ended_at.is_some());
    let to: Vec<StateName> = journal.transitions.iter().map(|t| t.to).collect();
    assert!(to.contains(&StateName::Firing) && to.contains(&StateName::Inactive));
    assert_eq!(
        journal.sent.first().map(|sent| sent.at),
        Some(page.fired_at)
    );
}

#[test]
fn steady_traffic_tells_nobody() {
    let mut reel = shop(0, 0);
    let mut player = Player::begin(&script(), &mut reel, BEGIN).unwrap();
    let mut seen = Slots::default();
    let until = BEGIN + Span::from_hours(12);
    player.play(&mut reel, until, &mut seen).unwrap();
    assert_eq!(seen.journal.sent, []);
    assert_eq!((seen.instances.len(), seen.decided), (1, 12 * 120));
}

/// Steps, and what was decided in slots.
#[derive(Default)]
struct Slots {
    journal: Journal,
    decided: u64,
    instances: BTreeSet<InstanceId>,
    /// How many slots of each instance burned while no alert of it was up.
    unalerted: BTreeMap<InstanceId, u64>,
}

impl Watcher for Slots {
    fn see(&mut self, now: Timestamp, effects: &[Effect], engine: &Engine) {
        self.journal.see(now, effects, engine);
        for (feed, at) in engine.decided() {
            let (_, evaluations) = engine.evaluations(feed).unwrap();
            for evaluation in evaluations.iter().filter(|e| e.at == *at) {
                self.decided += 1;
                self.instances.insert(evaluation.id.clone());
                let mut alerts = engine.alerts().filter(|alert| alert.is_firing());
                let is_up = alerts.any(|alert| alert.key.instance() == Some(&evaluation.id));
                if evaluation.outcome == Outcome::Burning && !is_up {
                    *self.unalerted.entry(evaluation.id.clone()).or_default() += 1;
                }
            }
        }
    }
}

mod strides;
