//! A past from a server that misbehaves, and from its cache: the same as from memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::fetch::Patience;
use super::server::with_patience;
use super::*;
use crate::config;
use crate::config::secret::Secret;
use crate::config::settings::{Auth, EvaluationSettings, SourceSettings};
use crate::engine::labels::METRIC_NAME;
use crate::engine::{Drops, Labels, RawSeries, ReadingOptions, Sample, Slo};
use crate::prometheus::PolledFeed;
use crate::replay::{Journal, MemoryReel, Player, Reel, Script};

const SETTINGS: &str = "
definitions: [none]
receivers:
  - {name: somebody, console: {}}
routes: {default: [somebody]}
";

pub(super) const AVAILABILITY: &str = r#"
apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: availability}
spec:
  objective: 99.9
  period: 7d
  sli:
    events:
      bad: requests_total{code=~"5.."}
      total: requests_total
"#;

/// On the hour.
pub(super) const BEGIN: Timestamp = Timestamp::from_secs(1_700_006_400);

pub(super) fn loaded(definition: &str) -> config::Loaded {
    config::embedded(SETTINGS, definition).unwrap()
}

pub(super) fn slos(definition: &str) -> Vec<Arc<Slo>> {
    let definitions = loaded(definition).definitions;
    definitions.iter().map(|d| d.slo.clone()).collect()
}

pub(super) fn options() -> Options {
    let evaluation = EvaluationSettings::default();
    Options {
        source: "prometheus".to_owned(),
        reading: ReadingOptions {
            interval: evaluation.interval,
            scrape_interval: evaluation.scrape_interval,
            target_labels: evaluation.target_labels,
            forget_after: evaluation.forget_after,
            instances_max: evaluation.instances_max,
            drops: Drops::AreResets,
        },
    }
}

/// Ten requests a second, scraped every 15 s from `from` to `until` (hours after the beginning);
/// in the 31st minute all fail, for ten minutes.
pub(super) fn shop(from: i64, until: i64) -> Vec<RawSeries> {
    let fails = |second: i64| (1_800..2_400).contains(&second);
    let series = |code: &str| {
        let labels = [
            (METRIC_NAME, "requests_total"),
            ("job", "shop"),
            ("instance", "a"),
            ("code", code),
        ];
        let mut value = 0.0;
        let samples = (from * 240..until * 240).map(|scrape| {
            let second = scrape * 15;
            if fails(second) == (code == "500") {
                value += 150.0;
            }
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
    vec![series("200"), series("500")]
}

/// A Prometheus that holds some series and may misbehave.
struct Fake {
    /// Raw samples.
    series: Vec<RawSeries>,
    /// What `max_over_time` sees besides: of stores that keep old times coarsely.
    old: Vec<RawSeries>,
    /// A range longer than this has too many samples.
    longest: Span,
    /// What is answered first instead, request by request.
    faults: Mutex<Vec<ResponseTemplate>>,
    /// After so many answers there is none any more.
    answers: usize,
    answered: AtomicUsize,
}

impl Fake {
    fn new(series: Vec<RawSeries>) -> Self {
        Self {
            series,
            old: Vec::new(),
            longest: Span::from_days(365),
            faults: Mutex::default(),
            answers: usize::MAX,
            answered: AtomicUsize::new(0),
        }
    }

    async fn start(self) -> MockServer {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(self).mount(&server).await;
        server
    }

    fn matrix(&self, form: &BTreeMap<String, String>) -> Option<Value> {
        let query = form.get("query")?;
        let (_, range) = query.rsplit_once('[')?;
        let range = Span::parse(range.strip_suffix(']')?).ok()?;
        let until = time(form.get("time")?);
        if range > self.longest {
            return None;
        }
        // Both ends, as Prometheus 2 has it.
        let from = until - range - Span::from_millis(1);
        Some(success(&cut(&self.series, from, until), false))
    }

    fn steps(&self, form: &BTreeMap<String, String>) -> Option<Value> {
        let query = form.get("query")?;
        if !query.starts_with("max_over_time") {
            return Some(success(&[], false));
        }
        let (start, end) = (time(form.get("start")?), time(form.get("end")?));
        let step = Span::parse(form.get("step")?).ok()?;
        let all = self.old.iter().chain(&self.series);
        let mut series = Vec::new();
        for one in all {
            let mut samples = Vec::new();
            let mut at = start;
            while at <= end {
                let within = one
                    .samples
                    .iter()
                    .filter(|s| at - step < s.at && s.at <= at);
                let value = within.map(|s| s.value).reduce(f64::max);
                samples.extend(value.map(|value| Sample { at, value }));
                at = at + step;
            }
            series.push(RawSeries {
                labels: one.labels.clone(),
                samples,
            });
        }
        Some(success(&series, true))
    }
}

impl Respond for Fake {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        if let Some(fault) = self.faults.lock().unwrap().pop() {
            return fault;
        }
        if self.answered.fetch_add(1, Ordering::Relaxed) >= self.answers {
            return ResponseTemplate::new(503);
        }
        let form: BTreeMap<String, String> = reqwest::Url::parse(&format!(
            "http://x/?{}",
            String::from_utf8_lossy(&request.body)
        ))
        .unwrap()
        .query_pairs()
        .into_owned()
        .collect();
        let path = request.url.path();
        let answer = if path.ends_with("/query") && form["query"].starts_with("count(") {
            let at = time(&form["time"]);
            let count = cut(&self.series, at - Span::from_mins(5), at).len();
            let value = json!([at.as_secs_f64(), count.to_string()]);
            let result = [json!({"metric": {}, "value": value})];
            let result: &[Value] = if count > 0 { &result } else { &[] };
            Some(json!({"status": "success", "data": {"resultType": "vector", "result": result}}))
        } else if path.ends_with("/query") {
            self.matrix(&form)
        } else if path.ends_with("/query_range") {
            self.steps(&form)
        } else {
            Some(json!({"status": "success", "data": {"storageRetention": "15d"}}))
        };
        match answer {
            Some(answer) => ResponseTemplate::new(200).set_body_json(answer),
            None => ResponseTemplate::new(422).set_body_json(json!({
                "status": "error",
                "errorType": "execution",
                "error": "query processing would load too many samples into memory",
            })),
        }
    }
}

fn time(text: &str) -> Timestamp {
    Timestamp::from_millis((text.parse::<f64>().unwrap() * 1000.0).round() as i64)
}

pub(super) fn cut(series: &[RawSeries], from: Timestamp, until: Timestamp) -> Vec<RawSeries> {
    let cut = |one: &RawSeries| RawSeries {
        labels: one.labels.clone(),
        samples: one
            .samples
            .iter()
            .filter(|s| from < s.at && s.at <= until)
            .copied()
            .collect(),
    };
    let cut = series.iter().map(cut);
    cut.filter(|one| !one.samples.is_empty()).collect()
}

fn success(series: &[RawSeries], unnamed: bool) -> Value {
    let one = |one: &RawSeries| {
        let labels = one
            .labels
            .iter()
            .filter(|(name, _)| !unnamed || *name != METRIC_NAME);
        let metric: BTreeMap<_, _> = labels.collect();
        let values = one.samples.iter();
        let values = values.map(|s| json!([s.at.as_secs_f64(), s.value.to_string()]));
        json!({"metric": metric, "values": values.collect::<Vec<_>>()})
    };
    let result: Vec<Value> = series.iter().map(one).collect();
    json!({"status": "success", "data": {"resultType": "matrix", "result": result}})
}

/// Agrees to everything, and remembers.
#[derive(Default)]
struct Nodding {
    estimates: Vec<Estimate>,
    progress: Vec<Progress>,
    refuses: bool,
}

impl Attendant for Nodding {
    fn agrees(&mut self, estimate: &Estimate) -> bool {
        self.estimates.push(*estimate);
        !self.refuses
    }

    fn told(&mut self, progress: Progress) {
        self.progress.push(progress);
    }
}

const QUICK: Patience = Patience {
    attempts: 4,
    pause: Duration::from_millis(1),
    pause_max: Duration::from_millis(5),
};

/// Two hours of the shop.
fn opening(server: &str, cache: &Path) -> Opening {
    Opening {
        slos: slos(AVAILABILITY),
        source: SourceSettings {
            url: server.to_owned(),
            ..SourceSettings::default()
        },
        evaluation: EvaluationSettings::default(),
        options: options(),
        from: BEGIN,
        until: BEGIN + Span::from_hours(2),
        now: BEGIN + Span::from_days(1),
        cache: Some(cache.to_owned()),
        cache_bytes_max: 1 << 30,
    }
}

async fn open(server: &MockServer, cache: &TempDir) -> Result<History, OpenError> {
    let opening = opening(&server.uri(), cache.path());
    with_patience(&opening, &mut Nodding::default(), QUICK).await
}

/// All that happened, as text.
pub(super) fn played(reel: &mut dyn Reel, from: Timestamp, until: Timestamp) -> String {
    let script = Script {
        slos: slos(AVAILABILITY),
        routing: loaded(AVAILABILITY).settings.routing,
        options: options(),
        tick: Span::from_secs(30),
    };
    let mut player = Player::begin(&script, reel, from).unwrap();
    let mut journal = Journal::default();
    player.play(reel, until, &mut journal).unwrap();
    assert!(!journal.transitions.is_empty(), "the outage is seen");
    format!("{:#?}", journal.transitions)
}

fn expected() -> String {
    let mut memory = MemoryReel::new(shop(-80, 2));
    played(&mut memory, BEGIN, BEGIN + Span::from_hours(2))
}

async fn plays_as_expected(server: &MockServer, cache: &TempDir) {
    let mut history = open(server, cache).await.unwrap();
    assert_eq!(
        (history.from, history.until),
        (BEGIN, BEGIN + Span::from_hours(2))
    );
    assert_eq!(
        played(&mut *history.reel, history.from, history.until),
        expected()
    );
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap_or_default().len()
}

#[tokio::test]
async fn what_was_fetched_once_is_played_without_a_request() {
    let (server, cache) = (
        Fake::new(shop(-80, 2)).start().await,
        TempDir::new().unwrap(),
    );
    plays_as_expected(&server, &cache).await;
    let first = requests(&server).await;
    assert!(first > 0);
    plays_as_expected(&server, &cache).await;
    assert_eq!(requests(&server).await, first);
}

#[tokio::test]
async fn faults_are_waited_out() {
    let html = ResponseTemplate::new(200).set_body_string("<html>sign in</html>");
    let partial = json!({
        "status": "success",
        "warnings": ["a store did not answer"],
        "data": {"resultType": "matrix", "result": []},
    });
    let truncated = "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{";
    for fault in [
        ResponseTemplate::new(500),
        ResponseTemplate::new(503).set_body_string("<html>starting</html>"),
        ResponseTemplate::new(429).insert_header("Retry-After", "3600"),
        html,
        ResponseTemplate::new(200).set_body_json(partial),
        ResponseTemplate::new(200).set_body_string(truncated),
        ResponseTemplate::new(200),
    ] {
        let fake = Fake::new(shop(-80, 2));
        let (server, cache) = (MockServer::start().await, TempDir::new().unwrap());
        // Prices are asked for once: after them each request meets the fault at first.
        let priced = Mock::given(wiremock::matchers::body_string_contains("%5B"));
        let mounted = priced.respond_with(fault).up_to_n_times(3).with_priority(1);
        mounted.mount(&server).await;
        Mock::given(any()).respond_with(fake).mount(&server).await;
        plays_as_expected(&server, &cache).await;
    }
}

#[tokio::test]
async fn what_is_too_much_is_asked_for_in_halves() {
    let mut fake = Fake::new(shop(-80, 2));
    fake.longest = Span::from_mins(100);
    let (server, cache) = (fake.start().await, TempDir::new().unwrap());
    plays_as_expected(&server, &cache).await;
}

#[tokio::test]
async fn a_slow_answer_is_asked_for_in_halves() {
    let (server, cache) = (MockServer::start().await, TempDir::new().unwrap());
    let slow = ResponseTemplate::new(503).set_delay(Duration::from_secs(60));
    let long = Mock::given(wiremock::matchers::body_string_contains("%5B3d"));
    long.respond_with(slow)
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(Fake::new(shop(-80, 2)))
        .mount(&server)
        .await;
    let mut opening = opening(&server.uri(), cache.path());
    opening.source.timeout = Span::from_secs(2);
    let mut history = with_patience(&opening, &mut Nodding::default(), QUICK)
        .await
        .unwrap();
    assert_eq!(
        played(&mut *history.reel, history.from, history.until),
        expected()
    );
}

#[tokio::test]
async fn a_query_that_is_refused_refuses_its_slo_only() {
    let (server, cache) = (MockServer::start().await, TempDir::new().unwrap());
    let error = json!({"status": "error", "errorType": "execution", "error": "no such function"});
    let refusal = ResponseTemplate::new(422).set_body_json(error);
    let other = Mock::given(wiremock::matchers::body_string_contains("other_total"));
    other
        .respond_with(refusal)
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(Fake::new(shop(-80, 2)))
        .mount(&server)
        .await;
    let mut opening = opening(&server.uri(), cache.path());
    let other = AVAILABILITY
        .replace("shop", "other")
        .replace("requests_total", "other_total");
    opening.slos.extend(slos(&other));
    let history = with_patience(&opening, &mut Nodding::default(), QUICK)
        .await
        .unwrap();
    let refused: Vec<&str> = history
        .refused
        .iter()
        .map(|(slo, _)| slo.as_str())
        .collect();
    assert_eq!(refused, ["other/availability"]);
    assert!(
        history.refused[0].1.contains("no such function"),
        "{:?}",
        history.refused
    );
}

#[tokio::test]
async fn an_interrupted_fetch_goes_on() {
    let mut fake = Fake::new(shop(-80, 2));
    fake.longest = Span::from_hours(8);
    fake.answers = 20;
    let (dying, cache) = (fake.start().await, TempDir::new().unwrap());
    let mut opening = opening(&dying.uri(), cache.path());
    opening.source.concurrency = 1;
    let failed = with_patience(&opening, &mut Nodding::default(), QUICK).await;
    let failed = failed.err().expect("the server is gone").to_string();
    assert!(failed.contains("requests_total"), "{failed}");

    let mut whole = Fake::new(shop(-80, 2));
    whole.longest = Span::from_hours(8);
    let (alone, fresh) = (whole.start().await, TempDir::new().unwrap());
    let mut anew = opening.clone();
    anew.source.url = alone.uri();
    anew.cache = Some(fresh.path().to_owned());
    let mut all = Nodding::default();
    with_patience(&anew, &mut all, QUICK).await.unwrap();

    // The same server comes back: a port of its own would be another source.
    dying.reset().await;
    let mut back = Fake::new(shop(-80, 2));
    back.longest = Span::from_hours(8);
    Mock::given(any()).respond_with(back).mount(&dying).await;
    let mut rest = Nodding::default();
    let mut history = with_patience(&opening, &mut rest, QUICK).await.unwrap();
    assert_eq!(
        played(&mut *history.reel, history.from, history.until),
        expected()
    );
    assert!(rest.estimates[0].cached > 0, "{:?}", rest.estimates);
    let samples = |of: &Nodding| of.progress.iter().map(|p| p.samples).max().unwrap_or(0);
    assert!(
        samples(&rest) < samples(&all),
        "{} of {}",
        samples(&rest),
        samples(&all)
    );
}

/// The chunks of a cache.
fn chunks(cache: &TempDir) -> Vec<std::path::PathBuf> {
    let keys = std::fs::read_dir(cache.path().join("v1")).unwrap();
    let keys = keys.map(|key| key.unwrap().path());
    let files = keys.flat_map(|key| std::fs::read_dir(key).into_iter().flatten());
    files.map(|file| file.unwrap().path()).collect()
}

#[tokio::test]
async fn a_damaged_file_is_fetched_anew() {
    let (server, cache) = (
        Fake::new(shop(-80, 2)).start().await,
        TempDir::new().unwrap(),
    );
    plays_as_expected(&server, &cache).await;
    let files = || -> Vec<std::path::PathBuf> { chunks(&cache) };
    let largest = || {
        files()
            .into_iter()
            .max_by_key(|f| f.metadata().unwrap().len())
            .unwrap()
    };
    let length = std::fs::read(largest()).unwrap().len();
    for damage in [4, 100, length / 2, length - 40, length - 3] {
        let path = largest();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[damage] ^= 0x40;
        std::fs::write(&path, bytes).unwrap();
        let before = requests(&server).await;
        plays_as_expected(&server, &cache).await;
        assert!(
            requests(&server).await > before,
            "byte {damage} was not noticed"
        );
    }
    std::fs::write(largest(), "foreign").unwrap();
    plays_as_expected(&server, &cache).await;
}

#[tokio::test]
async fn what_may_still_change_is_not_cached() {
    let (server, cache) = (
        Fake::new(shop(-80, 2)).start().await,
        TempDir::new().unwrap(),
    );
    let mut opening = opening(&server.uri(), cache.path());
    opening.now = opening.until + Span::from_secs(10);
    for _ in 0..2 {
        let before = requests(&server).await;
        let history = with_patience(&opening, &mut Nodding::default(), QUICK).await;
        let mut history = history.unwrap();
        assert_eq!(
            played(&mut *history.reel, history.from, history.until),
            expected()
        );
        assert!(requests(&server).await > before);
    }
    for path in chunks(&cache) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let until = name.trim_end_matches(".chunk").split_once('_').unwrap().1;
        let until = Timestamp::from_millis(until.parse().unwrap());
        assert!(opening.now.since(until) >= Span::from_mins(5), "{name}");
    }
}

#[tokio::test]
async fn where_raw_samples_are_gone_coarser_ones_are_read() {
    let mut fake = Fake::new(shop(-10, 2));
    fake.old = shop(-80, -10);
    let (server, cache) = (fake.start().await, TempDir::new().unwrap());
    for _ in 0..2 {
        let history = open(&server, &cache).await.unwrap();
        let (slo, coarse) = history.coarse.first().expect("a coarse stretch");
        assert_eq!(slo.as_str(), "shop/availability");
        assert_eq!(coarse.step, Span::from_mins(5));
        let raw = BEGIN - Span::from_hours(10);
        assert!(coarse.until <= raw && raw.since(coarse.until) <= Span::from_mins(5));
        let mut reel = history.reel;
        let feeds = PolledFeed::plan(&slos(AVAILABILITY));
        let until = BEGIN - Span::from_hours(20);
        let series = reel
            .samples(&feeds[0], until - Span::from_hours(1), until)
            .unwrap();
        let good = series
            .iter()
            .find(|one| one.labels.get("code") == Some("200"))
            .unwrap();
        assert_eq!(good.labels.get(METRIC_NAME), Some("requests_total"));
        assert_eq!(good.samples.len(), 12);
        let raw = cut(&shop(-80, -10), until - Span::from_mins(5), until);
        assert_eq!(
            good.samples.last().unwrap().value,
            raw[0].samples.last().unwrap().value
        );
    }
}

#[tokio::test]
async fn playing_begins_where_there_are_samples() {
    let (server, cache) = (Fake::new(shop(1, 2)).start().await, TempDir::new().unwrap());
    let history = open(&server, &cache).await.unwrap();
    assert_eq!(history.from, BEGIN + Span::from_hours(1));
    let remarks = history.remarks.join("\n");
    assert!(
        remarks.contains("no samples before 2023-11-15T01:00:00Z"),
        "{remarks}"
    );

    let (empty, cache) = (Fake::new(Vec::new()).start().await, TempDir::new().unwrap());
    let error = open(&empty, &cache)
        .await
        .err()
        .expect("there is nothing")
        .to_string();
    assert!(error.contains("no samples of these SLOs"), "{error}");
}

/// The file that holds the first samples begins long before them.
#[tokio::test]
async fn before_the_first_samples_there_is_nothing_to_play() {
    let (server, cache) = (Fake::new(shop(1, 2)).start().await, TempDir::new().unwrap());
    open(&server, &cache).await.unwrap();
    let mut opening = opening(&server.uri(), cache.path());
    (opening.from, opening.until) = (BEGIN - Span::from_hours(10), BEGIN - Span::from_hours(8));
    let empty = with_patience(&opening, &mut Nodding::default(), QUICK).await;
    assert!(matches!(empty, Err(OpenError::Empty { .. })));
}

#[tokio::test]
async fn the_price_is_near_and_may_be_refused() {
    let (server, cache) = (
        Fake::new(shop(-90, 2)).start().await,
        TempDir::new().unwrap(),
    );
    let opening = opening(&server.uri(), cache.path());
    let mut nodding = Nodding::default();
    with_patience(&opening, &mut nodding, QUICK).await.unwrap();
    let estimate = nodding.estimates[0];
    let came = nodding.progress.iter().map(|p| p.samples).max().unwrap();
    assert!(
        estimate.samples.abs_diff(came) < came / 4,
        "{estimate:?}, {came} came"
    );
    let done: Vec<f64> = nodding.progress.iter().map(|p| p.done).collect();
    assert!(
        done.is_sorted() && done.iter().all(|share| (0.0..=1.0).contains(share)),
        "{done:?}"
    );

    let mut refusing = Nodding {
        refuses: true,
        ..Nodding::default()
    };
    let other = TempDir::new().unwrap();
    let mut opening = opening.clone();
    opening.cache = Some(other.path().to_owned());
    let declined = with_patience(&opening, &mut refusing, QUICK).await;
    assert!(matches!(declined, Err(OpenError::Declined)));
}

#[tokio::test]
async fn secrets_are_in_no_key_and_no_text() {
    let (server, cache) = (
        Fake::new(shop(-80, 2)).start().await,
        TempDir::new().unwrap(),
    );
    let url = server.uri().replace("http://", "http://user:hunter2@");
    let opening = opening(&url, cache.path());
    let history = with_patience(&opening, &mut Nodding::default(), QUICK)
        .await
        .unwrap();
    assert!(!history.origin.contains("hunter2"), "{}", history.origin);
    let question = Question::Values("x".to_owned(), Span::from_secs(30));
    let key = |url: &str| {
        let source = SourceSettings {
            url: url.to_owned(),
            ..opening.source.clone()
        };
        cache::key(&source, &question, b"salt")
    };
    let of = |user: &str| key(&server.uri().replace("http://", &format!("http://{user}")));
    assert_eq!(of("user:hunter2@"), of("user:changed@"));
    assert_ne!(of("user:hunter2@"), of("other:hunter2@"));
    assert_ne!(of("user:hunter2@"), of(""));
}

/// Where only credentials say whose data the answers are, nobody is given those of another.
#[tokio::test]
async fn who_asks_with_another_token_finds_nothing_in_the_cache() {
    let (server, cache) = (
        Fake::new(shop(-80, 2)).start().await,
        TempDir::new().unwrap(),
    );
    let secret = |text: &str| Secret::inline(text);
    let asks = async |change: &dyn Fn(&mut SourceSettings)| {
        let before = requests(&server).await;
        let mut opening = opening(&server.uri(), cache.path());
        change(&mut opening.source);
        with_patience(&opening, &mut Nodding::default(), QUICK)
            .await
            .unwrap();
        requests(&server).await > before
    };
    let token = |text| {
        let token = secret(text);
        move |source: &mut SourceSettings| source.auth = Auth::Bearer(token.clone())
    };
    let header = |name: &str, text| {
        let (name, value) = (name.to_owned(), secret(text));
        move |source: &mut SourceSettings| drop(source.headers.insert(name.clone(), value.clone()))
    };
    let changes: [&dyn Fn(&mut SourceSettings); 5] = [
        &token("one"),
        &token("two"),
        &header("X-Scope-OrgID", "one"),
        &header("X-Scope-OrgID", "two"),
        &header("X-Auth", "one"),
    ];
    for change in changes {
        assert!(asks(change).await);
    }
    for change in changes {
        assert!(!asks(change).await, "its own answers are found");
    }
    assert!(
        !asks(&header("x-scope-orgid", "one")).await,
        "names of headers have no case"
    );
}

/// Without the salt of the cache a key is no way to try tokens.
#[test]
fn a_key_of_another_cache_is_another_one() {
    let source = SourceSettings {
        auth: Auth::Bearer(Secret::inline("token")),
        ..SourceSettings::default()
    };
    let question = Question::Values("x".to_owned(), Span::from_secs(30));
    let key = |salt: &[u8]| cache::key(&source, &question, salt);
    assert_ne!(key(b"one"), key(b"two"));
    let dir = TempDir::new().unwrap();
    let open = || {
        cache::Cache::open(dir.path(), BEGIN)
            .unwrap()
            .key(&source, &question)
    };
    let first = open();
    assert_eq!(first, open());
    std::fs::write(dir.path().join("v1/salt"), "torn").unwrap();
    let mended = open();
    assert_ne!(first, mended);
    assert_eq!(mended, open());
    use std::os::unix::fs::PermissionsExt;
    let about = std::fs::metadata(dir.path().join("v1/salt")).unwrap();
    assert_eq!(about.permissions().mode() & 0o777, 0o600);
}

mod disk {
    use super::super::cache::Cache;
    use super::super::chunk;
    use super::*;
    use crate::replay::reel::DiskReel;

    fn any_series() -> impl Strategy<Value = Vec<RawSeries>> {
        let sample = (1..40_000_000_i64, -3..1000_i64);
        let samples = prop::collection::btree_map(sample.0, sample.1, 0..120);
        prop::collection::vec(samples, 1..5).prop_map(|all| {
            let series = all.into_iter().enumerate().map(|(number, samples)| {
                let labels = [
                    (METRIC_NAME, "requests_total".to_owned()),
                    ("code", format!("{}", 200 + number * 100)),
                ];
                let sample = |(at, value)| Sample {
                    at: Timestamp::from_millis(at),
                    value: value as f64 / 4.0,
                };
                RawSeries {
                    labels: Labels::new(labels),
                    samples: samples.into_iter().map(sample).collect(),
                }
            });
            series.collect()
        })
    }

    fn sorted(mut series: Vec<RawSeries>) -> Vec<RawSeries> {
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        series
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_reel_on_disk_says_what_one_in_memory_does(
            series in any_series(),
            cuts in prop::collection::btree_set(1..40_000_000_i64, 0..6),
            asked in prop::collection::btree_set(0..40_000_000_i64, 2..9),
        ) {
            let feeds = PolledFeed::plan(&slos(AVAILABILITY));
            let dir = TempDir::new().unwrap();
            let end = Timestamp::from_millis(40_000_000);
            let ends: Vec<Timestamp> =
                cuts.into_iter().map(Timestamp::from_millis).chain([end]).collect();
            let mut tape = Tape::default();
            let mut from = Timestamp::EPOCH;
            for until in ends {
                let path = dir.path().join(format!("{}.chunk", until.as_millis()));
                let piece = cut(&series, from, until);
                let block = Span::from_hours(1);
                let summary = chunk::write(&path, "key", (from, until), block, &piece).unwrap();
                prop_assert_eq!(&Chunk::verify(&path, "key").unwrap(), &summary);
                tape.chunks.push(Arc::new(summary));
                from = until;
            }
            let selector = feeds[0].polls[0].selector().clone();
            let tapes = vec![(Question::Samples(selector), tape)];
            let mut disk = DiskReel::new((Timestamp::EPOCH, end), tapes, None);
            let mut memory = MemoryReel::new(series);
            let asked: Vec<Timestamp> = asked.into_iter().map(Timestamp::from_millis).collect();
            for pair in asked.windows(2) {
                let one = disk.samples(&feeds[0], pair[0], pair[1]).unwrap();
                let two = memory.samples(&feeds[0], pair[0], pair[1]).unwrap();
                prop_assert_eq!(sorted(one), sorted(two));
            }
        }
    }

    #[test]
    fn beyond_its_ends_a_reel_says_so() {
        let feeds = PolledFeed::plan(&slos(AVAILABILITY));
        let (from, until) = (BEGIN, BEGIN + Span::from_hours(1));
        let mut reel = DiskReel::new((from, until), Vec::new(), None);
        let error = reel.samples(&feeds[0], from, until + Span::from_secs(1));
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("the history ends at 2023-11-15T01:00:00Z"),
            "{error}"
        );
        let error = reel.samples(&feeds[0], from - Span::from_secs(1), until);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("the history begins at"), "{error}");
    }

    #[test]
    fn the_cache_keeps_what_was_used_last() {
        let dir = TempDir::new().unwrap();
        let day = Span::from_days(1);
        let store = |at: Timestamp, number: i64| {
            let cache = Cache::open(dir.path(), at).unwrap();
            let from = BEGIN + day.times(number);
            let path = cache.path("key", from, from + day).unwrap();
            let samples = (1..2000).map(|n| Sample {
                at: from + Span::from_secs(n),
                value: (n as f64).sqrt(),
            });
            let series = [RawSeries {
                labels: Labels::new([(METRIC_NAME, "x")]),
                samples: samples.collect(),
            }];
            let hour = Span::from_hours(1);
            let written = chunk::write(&path, "key", (from, from + day), hour, &series).unwrap();
            assert_eq!(cache.find("key", from, from + day).len(), 1);
            written.bytes
        };
        let bytes = store(BEGIN, 0);
        store(BEGIN + day, 1);
        store(BEGIN + day.times(2), 2);
        let later = Cache::open(dir.path(), BEGIN + day.times(3)).unwrap();
        // The first one is used again.
        later.find("key", BEGIN, BEGIN + Span::from_hours(1));
        later.sweep(2 * bytes + bytes / 2, &Default::default());
        let found = later.find("key", BEGIN, BEGIN + day.times(3));
        let found: Vec<Timestamp> = found.iter().map(|chunk| chunk.from).collect();
        assert_eq!(found, [BEGIN, BEGIN + day.times(2)]);
    }
}
