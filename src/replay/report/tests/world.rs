//! Small worlds for tests: a shop whose requests fail when a function says so.

use crate::config::{self, Change, Definition, Loaded};
use crate::engine::labels::METRIC_NAME;
use crate::engine::{Labels, Options, RawSeries, Sample, Slo, Span, Timestamp};
use crate::replay::MemoryReel;
use crate::replay::report::{HistoryUsed, Plan, PlannedVariant, Report, Writers, backtest};

/// 2023-11-15 00:00 UTC, a Wednesday.
pub(crate) const BEGIN: Timestamp = Timestamp::from_secs(1_700_006_400);
pub(crate) const SLOT: Span = Span::from_secs(30);
const SCRAPE: i64 = 15;

pub(crate) const SETTINGS: &str = "
definitions: [none]
night: {start: '22:00', end: '07:00'}
receivers:
  - {name: pager, console: {}}
  - {name: board, console: {}}
routes: {default: [board], page: [pager]}
";

/// The night is told, pages rest from two to five, and tickets go together.
pub(crate) const QUIET_SETTINGS: &str = "
definitions: [none]
night: {start: '22:00', end: '07:00'}
receivers:
  - {name: pager, console: {}}
  - {name: board, console: {}}
time_intervals:
  - name: small-hours
    intervals: [{times: [{start_time: '02:00', end_time: '05:00'}]}]
route:
  receivers: [board]
  routes:
    - matchers: ['slofuse_severity=\"page\"']
      receivers: [pager]
      mute_time_intervals: [small-hours]
    - matchers: ['slofuse_severity=\"ticket\"']
      receivers: [board]
      group_by: [service]
      group_wait: 5m
";

/// Pages when a tenth of a day's budget burns in ten minutes, tickets at a fifth in an hour.
pub(crate) const SHOP: &str = r#"
apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: checkout, description: people cannot pay}
spec:
  objective: 99
  period: 1d
  policy:
    tiers:
      - {severity: page, long: 10m, short: 2m, budget: 10%}
      - {severity: ticket, long: 1h, short: 10m, budget: 20%}
    hold: 1m
    budget: {thresholds: [0.5, 1], exhaustion_within: never}
  sli:
    events:
      bad: requests_total{code="500"}
      total: requests_total
"#;

/// A stretch of seconds after the beginning, and the share of requests that fail in it.
pub(crate) type Outage = (i64, i64, f64);

/// Ten requests a second from two days before the beginning on; of each outage the share fails.
/// Scrapes in `silent` are missing.
pub(crate) fn shop(seconds: i64, outages: &[Outage], silent: &[(i64, i64)]) -> Vec<RawSeries> {
    let failing = |second: i64| {
        let now = outages
            .iter()
            .find(|(from, until, _)| *from < second && second <= *until);
        now.map_or(0.0, |(_, _, share)| *share)
    };
    let series = |code: &str, share: &dyn Fn(i64) -> f64| {
        let labels = [
            (METRIC_NAME, "requests_total"),
            ("job", "shop"),
            ("instance", "a"),
            ("code", code),
        ];
        let mut value = 0.0;
        let mut samples = Vec::new();
        for scrape in -2 * 86_400 / SCRAPE..=seconds / SCRAPE {
            let second = scrape * SCRAPE;
            value += 10.0 * SCRAPE as f64 * share(second);
            if silent
                .iter()
                .any(|(from, until)| *from < second && second <= *until)
            {
                continue;
            }
            samples.push(Sample {
                at: after(second),
                value,
            });
        }
        RawSeries {
            labels: Labels::new(labels),
            samples,
        }
    };
    vec![
        series("200", &|second| 1.0 - failing(second)),
        series("500", &failing),
    ]
}

/// So many seconds after the beginning.
pub(crate) fn after(seconds: i64) -> Timestamp {
    Timestamp::from_millis(BEGIN.as_millis() + seconds * 1000)
}

pub(crate) fn load(settings: &str, definitions: &str) -> Loaded {
    config::embedded(settings, definitions).unwrap()
}

/// The variant of the definitions that a change makes.
pub(crate) fn variant(name: &str, definitions: &[Definition], change: &Change) -> PlannedVariant {
    let varied = change.apply(definitions, &|_: &Slo| true);
    PlannedVariant {
        name: name.to_owned(),
        policy: change.policy.as_ref().map(|policy| policy.name.clone()),
        objective_percent: change.objective.map(|objective| objective.percent()),
        slos: varied.slos,
        hidden: varied.hidden,
        remarks: Vec::new(),
    }
}

/// A plan for the stretch that begins at `BEGIN`.
pub(crate) fn plan(loaded: &Loaded, seconds: i64) -> Plan {
    let as_defined = variant("as defined", &loaded.definitions, &Change::default());
    Plan {
        variants: vec![as_defined],
        routing: loaded.settings.routing.clone(),
        options: Options::for_testing(),
        night: loaded.settings.night.0.clone(),
        writers: Writers::default(),
        begin: BEGIN,
        from: BEGIN,
        until: after(seconds),
        asked_slos: Vec::new(),
        history: HistoryUsed {
            source: "a test".to_owned(),
            ..HistoryUsed::default()
        },
        unquieted: true,
    }
}

/// The report of a plan over these samples.
pub(crate) fn report(plan: &Plan, series: Vec<RawSeries>) -> Report {
    let mut reel = MemoryReel::new(series);
    backtest(plan, &mut reel, &mut |_| {}).unwrap()
}
