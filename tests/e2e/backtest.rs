//! On data that a real Prometheus holds, a backtest and the daemon that watched the same minutes
//! agree on every transition: same alert, same states, same slot, same tiers, same burn rates.
//!
//! One thing cannot be known afterwards: when a sample became readable. Its time is that of the
//! scrape's start, and a daemon that asks between the start and the end does not see it yet. So
//! the scenario looks at a target that is scraped well after a slot and well before the next, and
//! a daemon that missed a slot, because the machine was held up, is asked for another performance.
//! Forecasts of exhaustion are not compared: in an earlier run one crossed its limit, at a crawl,
//! a slot later. Probably because where a daemon begins to read the period sample by sample, and no
//! longer hour by hour, depends on when it was started; that moves what is known of the budget by
//! less than a thousandth. Nor are windows longer than six minutes of the direct path compared: they are asked for less
//! often than each slot, and at which ones depends on when the daemon was started.

mod performance;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use slofuse::config;
use slofuse::config::settings::engine_options;
use slofuse::engine::{StateName, Timestamp, Transition};
use slofuse::message::figures::rfc3339;
use slofuse::replay::{
    Attendant, Estimate, Journal, Opening, Player, Progress, Script, from_server,
};
use slofuse::store::{HistoryEvent, HistoryQuery, Store};
use tempfile::TempDir;

use crate::bed::daemon::Daemon;
use performance::{Performance, SLOT};

/// SLOs that a dump of samples cannot decide: they are asked of a server.
const ASKED: [&str; 2] = ["shop/direct", "shop/slices"];
/// Before the stretch, as the command does it.
const RUN_UP: slofuse::engine::Span = slofuse::engine::Span::from_hours(1);

struct Silent;

impl Attendant for Silent {
    fn agrees(&mut self, _estimate: &Estimate) -> bool {
        true
    }

    fn told(&mut self, _progress: Progress) {}
}

/// One alert as a report lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    fired_at: String,
    key: String,
    burning_from: String,
    ended_at: Option<String>,
    reason: String,
    end_reason: Option<String>,
    /// Long and short window of each tier that burned, by the end.
    tiers: Option<Vec<String>>,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backtest_and_the_daemon_agree_on_every_transition() {
    let mut performance = Performance::watched().await;
    let (from, until) = (performance.from, performance.until);
    performance.daemon.terminate().await;
    let live = kept(performance.daemon.directory(), from, until);
    everything_happened(&live);
    let listed = listed(&live);

    let work = TempDir::new().expect("a temp dir");
    let cache = work.path().join("cache");
    let cached = ["--cache", &*cache.to_string_lossy()];
    let report = backtest(&performance.daemon, from, until, &cached);
    assert_agree(&listed, &reported(&report), "fetched");
    let report = backtest(&performance.daemon, from, until, &cached);
    assert_agree(
        &listed,
        &reported(&report),
        "fetched again, most of it from the cache",
    );

    let settings = performance.daemon.directory().join("slofuse.yaml");
    let url = performance.prometheus.url().to_owned();
    let whole = work.path().join("whole");
    let played = replayed(&settings, &whole, from, until).await;
    assert_same(&live, &played, from, "every transition");
    performance.prometheus.kill();
    let played = replayed(&settings, &whole, from, until).await;
    assert_same(&live, &played, from, "without the server");

    let dump = dumped(&performance, work.path());
    let given = ["--history", &*dump.to_string_lossy()];
    let report = backtest(&performance.daemon, from, until, &given);
    let is_asked = |alert: &&Listed| {
        ASKED
            .iter()
            .any(|slo| alert.key.starts_with(&format!("{slo}/")))
    };
    let counted: Vec<Listed> = listed
        .iter()
        .filter(|alert| !is_asked(alert))
        .cloned()
        .collect();
    assert_ne!(counted, listed);
    assert_agree(
        &counted,
        &reported(&report),
        &format!("a dump of what {url} holds"),
    );
}

/// What the daemon did, from its own books, oldest first.
fn kept(directory: &Path, from: Timestamp, until: Timestamp) -> Vec<Transition> {
    let store = Store::open(&directory.join("state")).expect("the daemon has ended");
    let query = HistoryQuery {
        from: from + SLOT,
        to: until + SLOT,
        slo: None,
        limit: usize::MAX,
    };
    let entries = store.history(&query).expect("the history is read");
    assert!(entries.len() < 1000, "not everything is told");
    let transition = |event| match event {
        HistoryEvent::Transition(transition) => Some(*transition),
        _ => None,
    };
    let entries = entries.into_iter().rev();
    entries
        .filter_map(|entry| transition(entry.event))
        .collect()
}

/// The performance is worth comparing: each kind of thing happened.
fn everything_happened(live: &[Transition]) {
    let all: BTreeSet<String> = live
        .iter()
        .map(|t| format!("{} {}-{}", t.facts.key, t.from.as_str(), t.to.as_str()))
        .collect();
    let wanted = [
        "shop/requests{region=\"us\"}/page inactive-firing",
        "shop/requests{region=\"us\"}/page firing-inactive",
        "shop/requests{region=\"us\"}/ticket inactive-firing",
        "shop/requests{region=\"eu\"}/ticket inactive-firing",
        "shop/requests{region=\"us\"}/info inactive-firing",
        "shop/patient/page inactive-pending",
        "shop/patient/page pending-firing",
        "shop/patient/page pending-inactive",
        "shop/patient/page firing-inactive",
        "shop/search/page inactive-firing",
        "shop/journey/page inactive-firing",
        "shop/direct/page inactive-firing",
        "shop/slices/page inactive-firing",
        "shop/spent/page inactive-firing",
        "shop/events/info inactive-firing",
    ];
    for wanted in wanted {
        assert!(all.contains(wanted), "{wanted} did not happen: {all:#?}");
    }
    let blind = all
        .iter()
        .filter(|line| line.contains("/blind inactive-firing"));
    assert!(blind.count() > 0, "nobody was blind: {all:#?}");
}

/// A transition in a line, times being seconds since the start; and its burn rates.
fn lines(transitions: &[Transition], from: Timestamp) -> Vec<(String, Vec<f64>)> {
    let line = |t: &Transition| {
        let facts = &t.facts;
        let tiers = facts.tiers.iter();
        let tiers: Vec<String> = tiers.map(|t| format!("{}/{}", t.long, t.short)).collect();
        let burns = facts.tiers.iter().flat_map(|t| [t.long_burn, t.short_burn]);
        let text = format!(
            "{:6} {} {}-{} since {} [{}] {}",
            t.at.since(from).as_secs_f64(),
            facts.key,
            t.from.as_str(),
            t.to.as_str(),
            facts.started_at.since(from).as_secs_f64(),
            tiers.join(", "),
            facts.reason,
        );
        (text, burns.chain([facts.peak_burn]).collect())
    };
    let mut lines: Vec<(String, Vec<f64>)> = transitions.iter().map(line).collect();
    // Feeds of one slot answer in any order.
    lines.sort_by(|(a, _), (b, _)| a.cmp(b));
    lines
}

/// SLOs whose burn is measured by the events of the whole period, not of the window alone.
const BY_PERIOD: [&str; 2] = ["shop/events", "shop/spent"];

/// The same transitions, at burn rates that differ by what is known of the period at most: by how
/// much of it is read in whole hours, which depends on the minute at which the daemon was started.
fn assert_same(live: &[Transition], played: &[Transition], from: Timestamp, what: &str) {
    let tolerance = |text: &str| match BY_PERIOD.iter().any(|slo| text.contains(slo)) {
        true => 1e-2,
        false => 1e-3,
    };
    let (live, played) = (lines(live, from), lines(played, from));
    let texts = |lines: &[(String, Vec<f64>)]| -> Vec<String> {
        lines.iter().map(|(text, _)| text.clone()).collect()
    };
    assert_agree(&texts(&live), &texts(&played), what);
    for ((text, burns), (_, again)) in live.iter().zip(&played) {
        for (burn, again) in burns.iter().zip(again) {
            let error = (burn - again).abs();
            assert!(
                error <= tolerance(text) * burn.abs(),
                "{what}: {text}: {burns:?} is not {again:?}"
            );
        }
    }
}

/// The alerts that these transitions make, as a report lists them.
fn listed(transitions: &[Transition]) -> Vec<Listed> {
    let mut listed: Vec<Listed> = Vec::new();
    for transition in transitions {
        let facts = &transition.facts;
        let key = facts.key.to_string();
        match (transition.from, transition.to) {
            (StateName::Inactive | StateName::Pending, StateName::Firing) => listed.push(Listed {
                fired_at: rfc3339(transition.at),
                key,
                burning_from: rfc3339(facts.started_at),
                ended_at: None,
                reason: facts.reason.to_string(),
                end_reason: None,
                tiers: None,
            }),
            (StateName::Firing, StateName::Inactive) => {
                let open = listed.iter_mut().rev().find(|alert| alert.key == key);
                let open = open.expect("what ends has begun");
                open.ended_at = Some(rfc3339(transition.at));
                open.end_reason = Some(facts.reason.to_string());
                let tiers = facts.tiers.iter();
                open.tiers = Some(tiers.map(|t| format!("{}/{}", t.long, t.short)).collect());
            }
            _ => {}
        }
    }
    listed.sort();
    listed
}

/// The alerts that a report lists of its only variant.
fn reported(report: &Value) -> Vec<Listed> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let tier = |tier: &Value| {
        Some(format!(
            "{}/{}",
            text(&tier["long"])?,
            text(&tier["short"])?
        ))
    };
    let alert = |alert: &Value| {
        let ended_at = text(&alert["ended_at"]);
        Listed {
            fired_at: text(&alert["fired_at"]).unwrap_or_default(),
            key: text(&alert["key"]).unwrap_or_default(),
            burning_from: text(&alert["burning_from"]).unwrap_or_default(),
            reason: text(&alert["reason"]).unwrap_or_default(),
            end_reason: text(&alert["end_reason"]),
            tiers: ended_at
                .as_ref()
                .map(|_| list(&alert["tiers"]).iter().filter_map(tier).collect()),
            ended_at,
        }
    };
    let slos = list(&report["slos"]).into_iter();
    let of_slos = slos.flat_map(|slo| list(&slo["variants"][0]["alerts"]));
    let of_source = list(&report["variants"][0]["source_alerts"]);
    let mut all: Vec<Listed> = of_slos.chain(of_source).map(|a| alert(&a)).collect();
    all.sort();
    all
}

fn assert_agree<T: Ord + Clone + std::fmt::Debug>(live: &[T], replayed: &[T], what: &str) {
    let (daemon, backtest): (BTreeSet<&T>, BTreeSet<&T>) =
        (live.iter().collect(), replayed.iter().collect());
    let only_live: Vec<_> = daemon.difference(&backtest).collect();
    let only_replayed: Vec<_> = backtest.difference(&daemon).collect();
    assert!(
        only_live.is_empty() && only_replayed.is_empty() && live.len() == replayed.len(),
        "{what}: only the daemon says\n{only_live:#?}\nonly the backtest says\n{only_replayed:#?}"
    );
}

/// `slofuse backtest` in the daemon's directory, with its settings.
fn backtest(daemon: &Daemon, from: Timestamp, until: Timestamp, source: &[&str]) -> Value {
    let (from, until) = (rfc3339(from), rfc3339(until));
    let mut arguments = vec!["backtest", "--config", "slofuse.yaml", "--format", "json"];
    arguments.extend(["--yes", "--from", &from, "--to", &until]);
    arguments.extend(source);
    let output = daemon.command(&arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// Every transition of the same minutes in virtual time. To the cache it is later: everything has
/// settled and is kept.
async fn replayed(
    settings: &Path,
    cache: &Path,
    from: Timestamp,
    until: Timestamp,
) -> Vec<Transition> {
    let loaded = config::load(settings, &|_| None).expect("the daemon has loaded them");
    let settings = loaded.settings;
    let options = engine_options(&settings.source, &settings.evaluation);
    let slos: Vec<_> = loaded.definitions.iter().map(|d| d.slo.clone()).collect();
    let opening = Opening {
        slos: slos.clone(),
        source: settings.source,
        evaluation: settings.evaluation,
        options: options.clone(),
        from: from - RUN_UP,
        until,
        now: until + RUN_UP,
        cache: Some(cache.to_owned()),
        cache_bytes_max: 1 << 30,
    };
    let past = from_server(&opening, &mut Silent).await;
    let mut past = past.unwrap_or_else(|error| {
        panic!("{error}: {:?}", std::error::Error::source(&error));
    });
    assert_eq!(past.refused, []);
    let script = Script {
        slos,
        routing: settings.routing,
        options,
        tick: SLOT,
    };
    let mut journal = Journal::default();
    let mut player = Player::begin(&script, &mut *past.reel, past.from).expect("it is read");
    player
        .play(&mut *past.reel, until, &mut journal)
        .expect("it is played");
    let mut transitions = journal.transitions;
    transitions.retain(|transition| transition.at > from);
    transitions
}

/// `promtool tsdb dump` of what the server has written.
fn dumped(performance: &Performance, work: &Path) -> PathBuf {
    let dumped = std::process::Command::new("promtool")
        .args(["tsdb", "dump"])
        .arg(performance.prometheus.data())
        .output()
        .expect("promtool runs");
    let said = String::from_utf8_lossy(&dumped.stderr);
    assert!(dumped.status.success(), "{said}");
    let dump = work.join("history.dump");
    std::fs::write(&dump, &dumped.stdout).expect("the dump is written");
    dump
}
