//! What the daemon's own engine decides: a [`Player`] over the samples, slot by slot.

use std::collections::BTreeMap;
use std::sync::Arc;

use slofuse::config;
use slofuse::engine::{
    AlertKey, Drops, Effect, Engine, Options, Policy, ReadingOptions, Severity, Slo, Span,
    Timestamp, Verdict,
};
use slofuse::replay::{Journal, MemoryReel, Player, Script, Watcher};

use super::intervals::{Decisions, Interval, RULES};
use super::traffic::METRIC;
use super::truth::SLOT;

const SETTINGS: &str = "
definitions: [none]
receivers:
  - {name: somebody, console: {}}
routes: {default: [somebody]}
";

/// What is played: every service, at 99.9 % over 30 days.
pub(crate) fn script(services: &[String], scrape: f64, bare: bool) -> Script {
    let slo = |service: &String| {
        format!(
            "---
apiVersion: slofuse/v1
kind: SLO
metadata: {{service: '{service}', name: availability}}
spec:
  objective: 99.9
  period: 30d
  sli:
    events:
      bad: {METRIC}{{service=\"{service}\",code=~\"5..\"}}
      total: {METRIC}{{service=\"{service}\"}}
"
        )
    };
    let definitions: String = services.iter().map(slo).collect();
    let loaded = config::embedded(SETTINGS, &definitions);
    let loaded = loaded.unwrap_or_else(|mistakes| panic!("sound definitions: {mistakes:?}"));
    let slos = loaded.definitions.iter().map(|definition| match bare {
        true => Arc::new(bared(&definition.slo)),
        false => definition.slo.clone(),
    });
    let reading = ReadingOptions {
        interval: Span::from_secs(SLOT),
        scrape_interval: Span::from_millis((scrape * 1_000.0) as i64),
        target_labels: vec!["job".to_owned(), "pod".to_owned()],
        forget_after: Span::from_hours(24),
        instances_max: 100,
        drops: Drops::AreResets,
    };
    Script {
        slos: slos.collect(),
        routing: loaded.settings.routing,
        options: Options {
            source: "prometheus".to_owned(),
            reading,
        },
        tick: Span::from_secs(SLOT),
    }
}

/// The four rules and nothing else: no minimum of events, no hold, no hysteresis, no budget
/// notices. Then a tier asks what the rule asks.
fn bared(slo: &Slo) -> Slo {
    let mut policy = Policy::clone(&slo.policy);
    for tier in &mut policy.tiers {
        tier.minimum_events = 1.0;
    }
    policy.hold = Span::ZERO;
    policy.recover = 1.0;
    policy.budget.thresholds.clear();
    policy.budget.exhaustion_within = None;
    Slo {
        policy: Arc::new(policy),
        ..slo.clone()
    }
}

/// Bad and total events of the long and of the short window of a rule.
pub(crate) type Counted = [(u32, u32); 2];

/// What the engine said of one service, slot by slot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    /// Whether each rule held.
    pub(crate) holds: Decisions,
    /// What it had counted.
    pub(crate) counted: [Vec<Counted>; RULES.len()],
}

/// What each rule of each service says at `count` slots from `from` on. Like an alert, a rule says
/// on what it said while there is no evidence.
pub(crate) fn tiers(
    script: &Script,
    reel: &mut MemoryReel,
    from: Timestamp,
    count: usize,
) -> BTreeMap<String, Said> {
    let slot = Span::from_secs(SLOT);
    let begin = from - slot;
    let player = Player::begin(script, reel, begin);
    let mut player = player.unwrap_or_else(|error| panic!("samples in memory: {error}"));
    let mut seen = Seen::default();
    let played = player.play(reel, begin + slot.times(count as i64), &mut seen);
    played.unwrap_or_else(|error| panic!("samples in memory: {error}"));
    seen.0
}

#[derive(Default)]
struct Seen(BTreeMap<String, Said>);

impl Watcher for Seen {
    fn see(&mut self, _now: Timestamp, _effects: &[Effect], engine: &Engine) {
        for (feed, _) in engine.decided() {
            let Some((slos, evaluations)) = engine.evaluations(feed) else {
                continue;
            };
            for evaluation in evaluations {
                let Some(slo) = slos.iter().find(|slo| slo.id == evaluation.id.slo) else {
                    continue;
                };
                let said = self.0.entry(slo.service.clone()).or_default();
                for (number, rule) in RULES.iter().enumerate() {
                    let row = &mut said.holds[number];
                    let windows = (Span::from_secs(rule.long), Span::from_secs(rule.short));
                    let mut tiers = evaluation.tiers.iter();
                    let tier = tiers.find(|t| (t.facts.long, t.facts.short) == windows);
                    let before = row.last().copied().unwrap_or(false);
                    row.push(match tier {
                        Some(tier) if evaluation.is_evidence() => tier.verdict == Verdict::Burning,
                        _ => before,
                    });
                    let counts = |window| {
                        let mut readings = evaluation.readings.iter();
                        let counts = readings.find(|reading| reading.window == window)?.counts?;
                        Some((counts.bad as u32, counts.total as u32))
                    };
                    let counts = [windows.0, windows.1].map(|w| counts(w).unwrap_or_default());
                    said.counted[number].push(counts);
                }
            }
        }
    }
}

/// The alerts of a severity, as shipped: intervals of each service after `from`.
pub(crate) fn alerts(
    script: &Script,
    reel: &mut MemoryReel,
    from: Timestamp,
    count: usize,
) -> BTreeMap<(String, Severity), Vec<Interval>> {
    let slot = Span::from_secs(SLOT);
    let begin = from - slot;
    let player = Player::begin(script, reel, begin);
    let mut player = player.unwrap_or_else(|error| panic!("samples in memory: {error}"));
    let mut journal = Journal::default();
    let until = begin + slot.times(count as i64);
    let played = player.play(reel, until, &mut journal);
    played.unwrap_or_else(|error| panic!("samples in memory: {error}"));
    let mut found: BTreeMap<_, Vec<Interval>> = BTreeMap::new();
    // That nothing could be seen during the gap is told too, but is no matter of the rules.
    let is_burn = |key: &AlertKey| matches!(key, AlertKey::Burn { .. });
    for episode in journal.episodes().into_iter().filter(|e| is_burn(&e.key)) {
        let secs = |at: Timestamp| at.since(from).as_millis() / 1_000;
        let interval = Interval {
            start: secs(episode.fired_at),
            end: secs(episode.ended_at.unwrap_or(until)),
        };
        let of = (episode.first.service.clone(), episode.severity);
        found.entry(of).or_default().push(interval);
    }
    found
}
