//! A shop with an outage, judged by what people wrote down, and by what is put in.

use clap::Parser;

use super::*;
use crate::cli::backtest::text::Page;
use crate::cli::check::Paint;
use crate::config;
use crate::config::settings::Night;
use crate::engine::labels::METRIC_NAME;
use crate::engine::{Labels, Options, RawSeries, Sample, Timestamp};
use crate::replay::MemoryReel;
use crate::replay::report::{self, HistoryUsed, Writers};

const SETTINGS: &str = "
definitions: [none]
receivers:
  - {name: somebody, console: {}}
routes: {default: [somebody]}
";
const SLO: &str = r#"
apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: api}
spec:
  objective: 99.9
  policy:
    tiers: [{severity: page, budget: 2%, long: 1h, short: 5m}]
  sli:
    events: {bad: 'requests_total{code=~"5.."}', total: requests_total}
"#;
/// 2023-11-15T00:00:00Z
const BEGIN: Timestamp = Timestamp::from_secs(1_700_006_400);
const HOURS: i64 = 60;

/// Arguments as they are written on the command line.
#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    judge: JudgeArgs,
}

fn arguments(words: &[&str]) -> Result<JudgeArgs, String> {
    let words = std::iter::once("backtest").chain(words.iter().copied());
    let parsed = Line::try_parse_from(words);
    parsed.map(|line| line.judge).map_err(|e| e.to_string())
}

/// Ten requests a second, of which all fail in the second hour of the stretch for ten minutes.
fn shop() -> MemoryReel {
    let fails = |scrape: i64| (360..400).contains(&scrape);
    let series = |code: &str, counts: &dyn Fn(i64) -> bool| {
        let labels = [
            (METRIC_NAME, "requests_total"),
            ("job", "shop"),
            ("instance", "a"),
            ("code", code),
        ];
        let mut value = 0.0;
        let samples = (-2 * 240..HOURS * 240).map(|scrape| {
            value += f64::from(u8::from(counts(scrape))) * 150.0;
            let at = Timestamp::from_millis(BEGIN.as_millis() + scrape * 15_000);
            Sample { at, value }
        });
        RawSeries {
            labels: Labels::new(labels),
            samples: samples.collect(),
        }
    };
    MemoryReel::new(vec![
        series("200", &|scrape| !fails(scrape)),
        series("500", &fails),
    ])
}

fn plan() -> Plan {
    let loaded = config::embedded(SETTINGS, SLO).unwrap();
    let variant = PlannedVariant {
        name: "as defined".to_owned(),
        slos: loaded.definitions.iter().map(|d| d.slo.clone()).collect(),
        ..PlannedVariant::default()
    };
    Plan {
        variants: vec![variant],
        routing: loaded.settings.routing,
        options: Options::for_testing(),
        night: Night::default().0,
        writers: Writers::default(),
        begin: BEGIN,
        from: BEGIN,
        until: BEGIN + Span::from_hours(HOURS),
        asked_slos: Vec::new(),
        history: HistoryUsed::default(),
        unquieted: false,
    }
}

/// What is judged, and the text of it.
fn judged(words: &[&str], incidents: Option<&str>) -> Result<(Judgement, String), Failure> {
    let plan = plan();
    let mut reel = shop();
    let mut report = report::backtest(&plan, &mut reel, &mut |_| {}).unwrap();
    let known = incidents.map(|text| {
        let read = incidents::read("incidents.yaml", text.as_bytes(), None);
        read.map_err(|found| found.to_string()).unwrap().incidents
    });
    let args = arguments(words).unwrap();
    let judgement = args.judge(known.as_deref(), &plan, &report, &mut reel)?;
    report.judgement.clone_from(&judgement);
    let page = Page::new(&report, Paint::plain(), false, 140);
    Ok((judgement.unwrap(), page.judgement().unwrap()))
}

#[test]
fn an_outage_is_judged_by_what_people_wrote_down() {
    let incidents = "
- {start: 2023-11-15T01:30:00Z, end: 2023-11-15T01:40:00Z, service: Shop, title: the outage}
- {start: 2023-11-15T09:00:00Z, end: 2023-11-15T09:10:00Z, title: nobody noticed}
- {start: 2023-11-10T09:00:00Z, end: 2023-11-10T09:10:00Z, title: long ago}
- {start: 2023-11-15T02:00:00Z, end: 2023-11-15T03:00:00Z, service: mail}
";
    let (judgement, text) = judged(&["--grace", "10m"], Some(incidents)).unwrap();
    let [pages] = judgement.variants[0].severities.clone().try_into().unwrap();
    assert_eq!(
        (pages.detected, pages.missed, pages.false_alerts),
        (1, 1, 0)
    );
    assert_eq!((pages.alerts, pages.recall), (1, Some(0.5)));
    let json = serde_json::to_value(&judgement).unwrap();
    let missed = &json["variants"][0]["severities"][0]["details"]["missed_list"][0];
    assert_eq!(missed["title"], "nobody noticed");
    assert_eq!(missed["start"], "2023-11-15T09:00:00Z");
    insta::assert_snapshot!(text, @r"
    judged by 2 incidents of a file
    1 of 4 incidents about nothing that was played: mail
    1 incident did not begin in this stretch
     alerts   told of   missed   false   false a week   precision   recall   detection p50, p95, max   reset p50, p95, max
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     1 page         1        1       0            0.0        100%      50%                1m, 1m, 1m            6m, 6m, 6m
    missed: Wed 11-15 09:00 nobody noticed
    ");
}

#[test]
fn incidents_of_others_judge_nothing() {
    let incidents = "- {start: 2023-11-15T02:00:00Z, end: 2023-11-15T03:00:00Z, service: mail}";
    let refused = judged(&[], Some(incidents)).err();
    assert_eq!(refused, Some(Failure::Problems));
}

#[test]
fn without_incidents_some_are_put_in() {
    let (judgement, text) = judged(&["--inject=12", "--inject-seed", "3"], None).unwrap();
    assert!(judgement.incidents >= 12);
    let pages = &judgement.variants[0].severities[0];
    assert_eq!(judgement.variants[0].severities.len(), 1);
    assert!(pages.detected > 0 && pages.false_alerts == 0, "{pages:?}");
    assert_eq!(pages.details.ratios.len(), 6);
    insta::assert_snapshot!(text, @r"
    judged by 14 incidents put into 1 SLO (seed 3), significant from 2% of the budget
    1 incident left out, for an alert was up anyway
     alerts   told of   missed   false   false a week   precision   recall   detection p50, p95, max    reset p50, p95, max
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     5 page         5        0       0            0.0        100%     100%    3m 14s, 9m 59s, 9m 59s   5m 58s, 6m 6s, 6m 6s
     error ratio      incidents   significant   told of   detection p50, p95, max      reset p50, p95, max
    ───────────────────────────────────────────────────────────────────────────────────────────────────────
     0.1% to 0.32%            3             0         0                         -                        -
     0.32% to 1%              3             0         0                         -                        -
     1% to 3.16%              1             0         0                         -                        -
     3.16% to 10%             1             1         1    9m 59s, 9m 59s, 9m 59s   5m 39s, 5m 39s, 5m 39s
     10% to 31.62%            2             2         2    3m 14s, 7m 29s, 7m 29s     5m 36s, 6m 6s, 6m 6s
     31.62% to 100%           3             2         2    1m 33s, 1m 50s, 1m 50s     5m 58s, 6m 5s, 6m 5s
    ");
}

#[test]
fn arguments_that_do_not_fit_are_refused() {
    let args = arguments(&["--inject"]).unwrap();
    assert_eq!((args.inject, args.significant), (Some(30), 0.02));
    assert_eq!(args.grace, Span::from_mins(5));
    for wrong in [
        &["--inject", "--incidents", "a.csv"][..],
        &["--inject=0"],
        &["--inject-seed", "3"],
        &["--incidents-zone", "UTC"],
        &["--incidents", "a", "--incidents-zone", "Berlin"],
        &["--inject", "--significant", "0"],
        &["--grace", "soon"],
    ] {
        assert!(arguments(wrong).is_err(), "{wrong:?}");
    }
}
