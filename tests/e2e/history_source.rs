//! The past of a real Prometheus: fetched, played without it, and read from its own files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use slofuse::config::settings::{EvaluationSettings, SourceSettings, engine_options};
use slofuse::config::{self, Loaded};
use slofuse::engine::labels::METRIC_NAME;
use slofuse::engine::{Answer, Labels, RawSeries, Sample, Slo, Span, Timestamp};
use slofuse::prometheus::{Client, PolledFeed, hours};
use slofuse::replay::{
    Attendant, Estimate, Filing, History as Past, Journal, MemoryReel, Opening, Player, Progress,
    Reel, Script, from_files, from_server,
};
use tempfile::TempDir;

use crate::bed::{History, Prometheus, PrometheusConfig, clock};

const SETTINGS: &str = "
definitions: [none]
receivers:
  - {name: somebody, console: {}}
routes: {default: [somebody]}
";

/// One of each kind that asks a source: counters, whole windows (rolling and of a calendar
/// period), time slices.
const DEFINITIONS: &str = r#"
apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: availability}
spec:
  objective: 99.9
  period: 7d
  sli:
    events: {bad: 'requests_total{code=~"5.."}', total: requests_total}
---
apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: ratio}
spec:
  objective: 99
  period: 7d
  sli:
    ratio:
      error_ratio: |
        clamp_min(1 - sum(rate(requests_total{code="200"}[$window])) / sum(rate(requests_total[$window])), 0)
---
apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: month}
spec:
  objective: 99
  period: {calendar: month}
  sli:
    ratio:
      error_ratio: |
        clamp_min(1 - sum(rate(requests_total{code="200"}[$window])) / sum(rate(requests_total[$window])), 0)
---
apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: traffic}
spec:
  objective: 99
  period: 7d
  sli:
    time_slices: {condition: 'sum(rate(requests_total{code="200"}[2m])) > 8', slice: 1m}
"#;

const STEP: Span = Span::from_secs(15);
const LENGTH: Span = Span::from_hours(3);
/// What is played and the windows before it, and no hours before those: memory has none.
const REACH: Span = Span::from_hours(3 + 73);

fn loaded() -> Loaded {
    config::embedded(SETTINGS, DEFINITIONS).expect("they load")
}

fn slos() -> Vec<Arc<Slo>> {
    loaded().definitions.iter().map(|d| d.slo.clone()).collect()
}

/// Ends well before now, so that everything has settled; on the hour.
fn end() -> Timestamp {
    (clock::now() - Span::from_hours(1)).align_down(Span::from_hours(1))
}

/// Ten requests a second; for ten minutes of the last three hours all fail.
fn value(code: &str, at: Timestamp, end: Timestamp) -> f64 {
    let start = end - REACH;
    let outage = end - Span::from_hours(2);
    let failed = at.since(outage).min(Span::from_mins(10)).as_secs_f64() * 10.0;
    let all = at.since(start).as_secs_f64() * 10.0;
    if code == "500" { failed } else { all - failed }
}

fn history(end: Timestamp) -> History {
    let start = end - REACH;
    let until = end + Span::from_mins(20);
    let series = |code| format!(r#"requests_total{{job="shop",instance="a",code="{code}"}}"#);
    History::new(start, until, STEP)
        .series(&series("200"), |at| Some(value("200", at, end)))
        .series(&series("500"), |at| Some(value("500", at, end)))
}

fn in_memory(end: Timestamp) -> MemoryReel {
    let start = end - REACH;
    let series = |code: &str| {
        let pairs = [
            (METRIC_NAME, "requests_total"),
            ("job", "shop"),
            ("instance", "a"),
        ];
        let grid = std::iter::successors(Some(start), |at| Some(*at + STEP));
        let samples = grid
            .take_while(|at| *at < end + Span::from_mins(20))
            .map(|at| Sample {
                at,
                value: value(code, at, end),
            });
        RawSeries {
            labels: Labels::new(pairs.into_iter().chain([("code", code)])),
            samples: samples.collect(),
        }
    };
    MemoryReel::new(vec![series("200"), series("500")])
}

struct Silent;

impl Attendant for Silent {
    fn agrees(&mut self, _estimate: &Estimate) -> bool {
        true
    }

    fn told(&mut self, _progress: Progress) {}
}

fn opening(url: &str, cache: &Path, end: Timestamp) -> Opening {
    let (evaluation, mut source) = (EvaluationSettings::default(), SourceSettings::default());
    source.url = url.to_owned();
    source.timeout = Span::from_secs(60);
    Opening {
        slos: slos(),
        options: engine_options(&source, &evaluation),
        source,
        evaluation,
        from: end - LENGTH,
        until: end,
        now: clock::now(),
        cache: Some(cache.to_owned()),
        cache_bytes_max: 1 << 30,
    }
}

/// Every transition, as text; of these SLOs only.
fn played(slos: Vec<Arc<Slo>>, past: &mut dyn Reel, from: Timestamp, until: Timestamp) -> String {
    let script = Script {
        slos,
        routing: loaded().settings.routing,
        options: engine_options(&SourceSettings::default(), &EvaluationSettings::default()),
        tick: Span::from_secs(30),
    };
    let mut player = Player::begin(&script, past, from).expect("the past is read");
    let mut journal = Journal::default();
    player
        .play(past, until, &mut journal)
        .expect("the past is played");
    format!("{:#?}", journal.transitions)
}

fn exact() -> Vec<Arc<Slo>> {
    slos()
        .into_iter()
        .filter(|slo| slo.name == "availability")
        .collect()
}

async fn fetched(prometheus: &Prometheus, cache: &Path, end: Timestamp) -> Past {
    let opening = opening(prometheus.url(), cache, end);
    let past = from_server(&opening, &mut Silent).await;
    past.unwrap_or_else(|error| panic!("{error}: {:?}", std::error::Error::source(&error)))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_of_a_prometheus_is_played_without_it() {
    let end = end();
    let config = PrometheusConfig {
        history: Some(history(end)),
        ..PrometheusConfig::default()
    };
    let mut prometheus = config.start().await;
    let cache = TempDir::new().expect("a temp dir");
    let mut past = fetched(&prometheus, cache.path(), end).await;
    assert_eq!((past.from, past.until), (end - LENGTH, end));
    assert_eq!(past.refused, []);
    assert_eq!(past.coarse, []);

    answers_are_those_of_the_server(&prometheus, &mut *past.reel, end).await;
    let all = played(slos(), &mut *past.reel, past.from, past.until);
    for name in ["availability", "ratio", "month", "traffic"] {
        assert!(
            all.contains(&format!("shop/{name}")),
            "nothing happened to {name}: {all}"
        );
    }
    let expected = played(exact(), &mut in_memory(end), past.from, past.until);
    assert_eq!(
        played(exact(), &mut *past.reel, past.from, past.until),
        expected
    );

    prometheus.kill();
    let mut again = fetched(&prometheus, cache.path(), end).await;
    assert_eq!(
        played(slos(), &mut *again.reel, again.from, again.until),
        all
    );
}

/// What the reel says of windows and hours is what the server says at those times.
async fn answers_are_those_of_the_server(
    prometheus: &Prometheus,
    reel: &mut dyn Reel,
    end: Timestamp,
) {
    let source = SourceSettings {
        url: prometheus.url().to_owned(),
        ..SourceSettings::default()
    };
    let client = Arc::new(Client::new(&source).expect("a client"));
    let feeds = PolledFeed::plan(&slos());
    for feed in feeds.iter().filter(|feed| feed.is_direct()) {
        // On the grid of every window, and on the hour for the calendar period.
        let at = end - Span::from_hours(1);
        let slo = &feed.slos[0];
        let windows = slo
            .reach
            .windows
            .iter()
            .copied()
            .chain(slo.period.window(at));
        for window in windows {
            let live = feed.ask(&client, &[window], at).await.expect("an answer");
            let replayed = reel.answer(feed, window, at).expect("an answer");
            let text = |answers: &[(Labels, Answer)]| format!("{answers:?}");
            assert_eq!(
                text(&replayed),
                text(&live[0].1),
                "{} over {window}",
                feed.key
            );
            assert!(!replayed.is_empty(), "{} over {window}", feed.key);
        }
    }
    for slo in exact() {
        let (from, until) = (end - Span::from_days(7), end - LENGTH - Span::from_days(3));
        let live = hours(&client, &slo, from, until).await.expect("hours");
        assert_eq!(reel.hours(&slo, from, until).expect("hours"), live);
        assert!(!live.is_empty());
    }
}

#[test]
fn the_files_of_a_prometheus_hold_the_same_past() {
    let end = end();
    let dir = TempDir::new().expect("a temp dir");
    let data = dir.path().join("data");
    history(end).import(&data);
    // A server makes it at its start; without it promtool reads nothing.
    std::fs::create_dir(data.join("wal")).expect("a directory");
    let dumped = std::process::Command::new("promtool")
        .args(["tsdb", "dump"])
        .arg(&data)
        .output()
        .expect("promtool runs");
    assert!(
        dumped.status.success(),
        "{}",
        String::from_utf8_lossy(&dumped.stderr)
    );
    let dump = dir.path().join("history.dump");
    std::fs::write(&dump, &dumped.stdout).expect("the dump is written");
    let expected = played(exact(), &mut in_memory(end), end - LENGTH, end);
    assert!(expected.contains("Firing"), "{expected}");
    for file in [data, dump] {
        let mut past = filed(vec![file.clone()], end);
        assert_eq!((past.from, past.until), (end - LENGTH, end));
        let got = played(exact(), &mut *past.reel, past.from, past.until);
        assert_eq!(got, expected, "{}", file.display());
        let refused: Vec<&str> = past.refused.iter().map(|(slo, _)| slo.as_str()).collect();
        assert_eq!(refused, ["shop/month", "shop/ratio", "shop/traffic"]);
    }
}

fn filed(files: Vec<PathBuf>, end: Timestamp) -> Past {
    let options = engine_options(&SourceSettings::default(), &EvaluationSettings::default());
    let filing = Filing {
        slos: slos(),
        options,
        files,
        from: Some(end - LENGTH),
        until: Some(end),
    };
    from_files(&filing).unwrap_or_else(|error| panic!("{error}"))
}
