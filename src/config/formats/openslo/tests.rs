//! From documents of all three versions to native ones, and every way in which they can be wrong.

use std::cell::RefCell;
use std::fmt::Write as _;

use super::*;
use crate::config::compile::{Definition, Documents};
use crate::config::diagnostic::Diagnostics;
use crate::config::field::{Field, ValueOr};
use crate::config::raw::definition::{Events, Sli, SloDocument, SloPolicy, TimeSlices};
use crate::config::tree;
use crate::engine::Span;

use proptest::prelude::*;

const SLO: &str = r#"apiVersion: openslo/v1
kind: SLO
metadata: {name: api}
spec:
  service: shop
  budgetingMethod: Occurrences
  timeWindow: [{duration: 30d, isRolling: true}]
  indicator:
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: Prometheus, spec: {query: good_total}}}
        total: {metricSource: {type: Prometheus, spec: {query: all_total}}}
  objectives: [{target: 0.999}]
  alertPolicies: [{alertPolicyRef: night}]
"#;

const POLICY: &str = "apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: night}
spec:
  alertWhenBreaching: true
  alertWhenNoData: true
  alertWhenResolved: true
  conditions: [{conditionRef: fast}]
  notificationTargets: [{targetRef: phone}]
";

const CONDITION: &str = "apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: fast}
spec:
  severity: page
  condition: {kind: burnrate, op: gt, threshold: 14.4, lookbackWindow: 1h, alertAfter: 5m}
---
apiVersion: openslo/v1
kind: AlertNotificationTarget
metadata: {name: phone}
spec: {target: pagerduty}
";

const RATIO: &str = "counter: true
        good: {metricSource: {type: Prometheus, spec: {query: good_total}}}
        total: {metricSource: {type: Prometheus, spec: {query: all_total}}}";

/// The small definition with some pieces replaced, wherever they stand: what it comes to, and what
/// is said about it.
fn changed(pieces: &[(&str, &str)]) -> (Vec<String>, String) {
    let mut files = [
        ("a.yaml", SLO.to_owned()),
        ("b.yaml", POLICY.to_owned()),
        ("c.yaml", CONDITION.to_owned()),
    ];
    for (from, to) in pieces {
        let file = files.iter_mut().find(|(_, text)| text.contains(from));
        let (_, text) = file.unwrap_or_else(|| panic!("{from}"));
        *text = text.replacen(from, to, 1);
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let (slos, found) = translate(&files);
    (slos, said(&found))
}

/// Only what the definition comes to, when nothing is said about it.
fn quiet(pieces: &[(&str, &str)]) -> String {
    let (slos, said) = changed(pieces);
    assert_eq!(said, "");
    slos.join("\n\n")
}

/// Only what is said about it.
fn complaint(from: &str, to: &str) -> String {
    changed(&[(from, to)]).1
}

fn said(found: &Diagnostics) -> String {
    let mut lines = found.iter().map(|one| {
        format!(
            "{} {}: {}; {}",
            one.place,
            one.rule.name(),
            one.message,
            one.fix
        )
    });
    let first = lines.next().unwrap_or_default();
    lines.fold(first, |all, line| format!("{all}\n{line}"))
}

/// What the documents of some files come to, and what is said about them.
fn translate(files: &[(&str, &str)]) -> (Vec<String>, Diagnostics) {
    let found = RefCell::default();
    let mut openslo = OpenSlo::default();
    for (name, text) in files {
        let report = Report::new((*name).into(), &found);
        for node in tree::parse(text.as_bytes(), &report).documents {
            openslo.add(report.clone(), node);
        }
    }
    let slos = openslo.translate().slos;
    let shown = slos
        .iter()
        .map(|slo| show(slo.document.value().unwrap()))
        .collect();
    (shown, found.into_inner())
}

/// Every value that a definition has, in few lines; `!` where one was refused.
fn show(slo: &SloDocument) -> String {
    let metadata = slo.metadata.value().unwrap();
    let spec = slo.spec.value().unwrap();
    let mut out = format!(
        "{}/{} {}%",
        text(&metadata.service.clone().map(|name| name.0)),
        text(&metadata.name.clone().map(|name| name.0)),
        text(&spec.objective),
    );
    match spec.period.value() {
        Some(ValueOr::Value(period)) => write!(out, " of {period}").unwrap(),
        Some(ValueOr::Section(period)) => {
            let unit = period.calendar.value().unwrap().as_str();
            let zone = text(&period.zone.clone().map(|zone| zone.0.name().to_owned()));
            write!(out, " of a {unit} ({zone})").unwrap();
        }
        None => write!(out, " of {}", text(&Field::<String>::default())).unwrap(),
    }
    for (what, texts) in [
        ("labels", &metadata.labels),
        ("annotations", &metadata.annotations),
    ] {
        for (key, value) in texts.value().into_iter().flatten() {
            write!(out, "\n{what} {key}={}", text(value)).unwrap();
        }
    }
    if let Some(owner) = metadata.owner.value() {
        write!(out, "\nowner {owner}").unwrap();
    }
    for (what, url) in [
        ("runbook", &metadata.runbook),
        ("dashboard", &metadata.dashboard),
    ] {
        if let Some(url) = url.value() {
            write!(out, "\n{what} {}", url.0).unwrap();
        }
    }
    if let Some(description) = metadata.description.value() {
        write!(out, "\n{description}").unwrap();
    }
    for label in spec.group_by.value().into_iter().flatten() {
        write!(out, "\nby {}", text(&label.clone().map(|label| label.0))).unwrap();
    }
    sli(&mut out, "", &spec.sli);
    match spec.policy.value() {
        None if spec.policy.is_absent() => {}
        None => out.push_str("\npolicy !"),
        Some(ValueOr::Value(name)) => write!(out, "\npolicy {name}").unwrap(),
        Some(ValueOr::Section(own)) => policy(&mut out, own),
    }
    out
}

fn text<T: std::fmt::Display>(field: &Field<T>) -> String {
    match field.value() {
        Some(value) => value.to_string(),
        None if field.is_absent() => "-".to_owned(),
        None => "!".to_owned(),
    }
}

fn sli(out: &mut String, indent: &str, field: &Field<Sli>) {
    let Some(sli) = field.value() else {
        write!(out, "\n{indent}sli {}", text(&field.clone_as_text())).unwrap();
        return;
    };
    if let Some(found) = sli.events.value() {
        events(out, indent, found);
    }
    if let Some(TimeSlices {
        condition,
        good_ratio,
        events: per_slice,
        target,
        slice,
    }) = sli.time_slices.value()
    {
        let target = text(&target.clone().map(|target| target.0));
        write!(out, "\n{indent}slices of {} from {target}", text(slice)).unwrap();
        for (name, query) in [("condition", condition), ("good_ratio", good_ratio)] {
            if !query.is_absent() {
                write!(out, "\n{indent}{name}: {}", text(query)).unwrap();
            }
        }
        if let Some(found) = per_slice.value() {
            events(out, indent, found);
        }
    }
    if let Some(ratio) = sli.ratio.value() {
        for (name, query) in [
            ("error_ratio", &ratio.error_ratio),
            ("good_ratio", &ratio.good_ratio),
        ] {
            if !query.is_absent() {
                write!(out, "\n{indent}{name}: {}", text(query)).unwrap();
            }
        }
    }
    for step in sli.weighted.value().into_iter().flatten() {
        let step = step.value().unwrap();
        let name = text(&step.name.clone().map(|name| name.0));
        write!(out, "\n{indent}{name} x {}", text(&step.weight)).unwrap();
        self::sli(out, "  ", &step.sli);
    }
}

fn events(out: &mut String, indent: &str, events: &Events) {
    for (name, query) in [
        ("bad", &events.bad),
        ("good", &events.good),
        ("total", &events.total),
    ] {
        if !query.is_absent() {
            write!(out, "\n{indent}{name}: {}", text(query)).unwrap();
        }
    }
}

fn policy(out: &mut String, policy: &SloPolicy) {
    for tier in policy.tiers.value().into_iter().flatten() {
        let tier = tier.value().unwrap();
        write!(
            out,
            "\n{} at {:.4} of the budget in {}/{} after {}, {} events",
            text(&tier.severity),
            tier.budget.value().unwrap().0,
            text(&tier.long),
            text(&tier.short),
            text(&tier.pending),
            text(&tier.minimum_events),
        )
        .unwrap();
        for (key, value) in tier.labels.value().into_iter().flatten() {
            write!(out, " {key}={}", text(value)).unwrap();
        }
    }
    for (window, change) in policy.vary.value().into_iter().flatten() {
        let off = text(&change.value().unwrap().disabled);
        write!(out, "\nwithout {window}: {off}").unwrap();
    }
    if let Some(ValueOr::Value(blind)) = policy.blind.value() {
        write!(out, "\nblind: {blind}").unwrap();
    }
}

impl Field<Sli> {
    fn clone_as_text(&self) -> Field<String> {
        match self.is_absent() {
            true => Field::default(),
            false => Field::refused(tree::Mark::start(0)),
        }
    }
}

#[test]
fn a_small_definition_is_taken_without_a_word() {
    insta::assert_snapshot!(quiet(&[]), @"
    shop/api 99.9% of 30d
    labels openslo_targets=phone
    good: sum(increase(good_total[$window]))
    total: sum(increase(all_total[$window]))
    page at 0.0200 of the budget in 1h/1h after 5m, 1 events openslo_targets=phone
    ");
}

#[test]
fn examples_of_all_versions_load() {
    let example = |name: &str, text: &str| {
        let (slos, found) = translate(&[(name, text)]);
        assert_eq!(found.errors() + found.warnings(), 0, "{found}");
        format!("{}\n\n{}", slos.join("\n\n"), said(&found))
    };
    let v1alpha = include_str!("../../../../tests/fixtures/formats/openslo/v1alpha.yaml");
    insta::assert_snapshot!(example("v1alpha.yaml", v1alpha), @r#"
    bakery/orders-accepted 99.5% of 28d
    annotations display_name=Orders are taken
    An order that fails is a breakfast without bread.
    good: sum by (region) (increase(orders_total{outcome="accepted"}[$window]))
    total: sum by (region) (increase(orders_total[$window]))

    bakery/orders-not-too-slow 98% of 28d
    annotations display_name=Orders are taken
    An order that fails is a breakfast without bread.
    good: sum(rate(order_seconds_bucket{le="2"}[{{.window}}]))
    total: sum(rate(order_seconds_count[{{.window}}]))

    bakery/oven 95% of a week (Europe/Vienna)
    A cold oven bakes nothing.
    slices of - from -
    condition: (min(oven_celsius{kind="stone"})) >= bool 230

    v1alpha.yaml:16:3 changed-meaning: the SLO has no alertPolicies, so the built-in policy alerts on it; add alertPolicies:, or silence it by routes, if that is not meant
    v1alpha.yaml:56:3 changed-meaning: the SLO has no alertPolicies, so the built-in policy alerts on it; add alertPolicies:, or silence it by routes, if that is not meant
    v1alpha.yaml:72:7 changed-meaning: no timeSliceWindow is given, so it is 1m; add timeSliceWindow: with the length of a slice
    "#);
    let v1 = include_str!("../../../../tests/fixtures/formats/openslo/v1.yaml");
    insta::assert_snapshot!(example("v1.yaml", v1), @r#"
    ferry/timetable 97.5% of a month (Europe/Oslo)
    labels harbour_example_pier=north
    labels openslo_targets=harbour-master,timetable-office
    labels team=deck,engine
    annotations display_name=Ferries keep their timetable
    annotations example_com_handbook=chapter-4
    owner deck,engine
    Who misses the ferry waits for two hours.
    bad: sum(increase(crossings_total{delay=~"late|cancelled"}[$window]))
    total: sum(increase(crossings_total[$window]))
    page at 0.0200 of the budget in 1h/1h after 2m, 1 events openslo_targets=harbour-master
    ticket at 0.0667 of the budget in 1d/1d after -, 1 events openslo_targets=timetable-office

    ferry/boarding 98.85714285714% of 28d
    From the gate to the seat.
    gates x 75
      slices of 5m from -
      good: sum(rate(gate_scans_total{result="ok"}[$window]))
      total: sum(rate(gate_scans_total[$window]))
    ramps x 12.5
      slices of 5m from -
      good_ratio: 1 - (avg(ramp_blocked_ratio))

    v1.yaml:59:28 changed-meaning: the query is asked at the source in the settings, whatever it refers to; run slofuse with the settings of this source
    v1.yaml:64:28 changed-meaning: the query is asked at the source in the settings, whatever it refers to; run slofuse with the settings of this source
    v1.yaml:75:7 changed-meaning: "harbour.example/pier" is called harbour_example_pier here; write harbour_example_pier to have one name everywhere
    v1.yaml:77:7 changed-meaning: "example.com/handbook" is called example_com_handbook here; write example_com_handbook to have one name everywhere
    v1.yaml:123:5 changed-meaning: every part burns the budget of the whole at its own rate times its weight, which makes an objective of 98.857% of the weighted mean; write compositeWeight: so that the weights add up to 1 if the parts share a budget
    v1.yaml:123:5 changed-meaning: the SLO has no alertPolicies, so the built-in policy alerts on it; add alertPolicies:, or silence it by routes, if that is not meant
    v1.yaml:144:28 changed-meaning: [5m] is read as the window that is asked about; write [{{.window}}] to say so
    v1.yaml:149:28 changed-meaning: [5m] is read as the window that is asked about; write [{{.window}}] to say so
    "#);
    let v2alpha = include_str!("../../../../tests/fixtures/formats/openslo/v2alpha.yaml");
    insta::assert_snapshot!(example("v2alpha.yaml", v2alpha), @r#"
    observatory/stars-stand-still 99% of 30d
    labels env=prod
    Long exposures need a steady telescope.
    by telescope
    slices of 10m from -
    condition: avg_over_time(((max by (telescope) (tracking_error_arcsec)) < bool 0.5)[10m:1m]) >= bool 0.8
    page at 0.0500 of the budget in 6h/6h after 15m, 1 events

    observatory/plates 90% of 91d
    good: sum(sum_over_time(plates_exposed{usable="yes"}[$window]))
    total: sum(sum_over_time(plates_exposed[$window]))
    page at 0.0165 of the budget in 6h/6h after 15m, 1 events

    v2alpha.yaml:25:20 changed-meaning: the query is asked at the source in the settings, whatever it refers to; run slofuse with the settings of this source
    v2alpha.yaml:97:26 changed-meaning: the query is asked at the source in the settings, whatever it refers to; run slofuse with the settings of this source
    "#);
}

#[test]
fn json_is_read_as_yaml_is() {
    let json = r#"[{"apiVersion": "openslo/v1", "kind": "SLO", "metadata": {"name": "api"},
        "spec": {"service": "shop", "budgetingMethod": "Occurrences",
        "timeWindow": [{"duration": "30d", "isRolling": true}],
        "indicator": {"spec": {"ratioMetric": {"counter": true,
          "bad": {"metricSource": {"type": "prometheus", "spec": {"query": "bad_total{code=\"500\"}"}}},
          "total": {"metricSource": {"type": "prometheus", "spec": {"query": "all_total"}}}}}},
        "objectives": [{"target": 0.9995}]}}]"#;
    let (slos, found) = translate(&[("a.json", json)]);
    assert_eq!(found.errors() + found.warnings(), 0, "{found}");
    insta::assert_snapshot!(slos.join("\n\n"), @r#"
    shop/api 99.95% of 30d
    bad: sum(increase(bad_total{code="500"}[$window]))
    total: sum(increase(all_total[$window]))
    "#);
}

/// What follows the objective in the first line, and what is said.
fn window(written: &str) -> String {
    let (slos, said) = changed(&[("{duration: 30d, isRolling: true}", written)]);
    let first = slos[0].lines().next().unwrap_or_default();
    let period = first.trim_start_matches("shop/api 99.9% of ");
    format!("{period} {said}").trim_end().to_owned()
}

#[test]
fn rolling_windows_have_the_shorthand_of_their_version() {
    for (written, expected) in [
        ("{duration: 1d, isRolling: true}", "1d"),
        ("{duration: 36h, isRolling: true}", "1d12h"),
        (
            "{duration: 2880m, isRolling: true}",
            "2d a.yaml:7:27 suspect-duration: 2880m is a number of minutes; months are written 2880M; write 2880M if months are meant",
        ),
        ("{duration: 4w, isRolling: true}", "28d"),
        ("{duration: 1M, isRolling: true}", "30d"),
        ("{duration: 1Q, isRolling: true}", "90d"),
        ("{duration: 1Y, isRolling: true}", "365d"),
        ("{unit: Second, count: 172800, isRolling: true}", "2d"),
        ("{unit: day, count: 28, isRolling: true}", "28d"),
        ("{unit: Week, isRolling: true}", "7d"),
        ("{unit: Month, count: 2, isRolling: true}", "60d"),
        ("{unit: Quarter, count: 1, isRolling: true}", "90d"),
        ("{unit: Year, count: 1, isRolling: true}", "365d"),
    ] {
        assert_eq!(window(written), expected, "{written}");
    }
    insta::assert_snapshot!(window("{duration: 1m, isRolling: true}"), @"
    - a.yaml:7:27 invalid: a time window of 1m is too short: a budget needs at least 1d; write 1M for months, or a number of days
    a.yaml:7:27 suspect-duration: 1m is a number of minutes; months are written 1M; write 1M if months are meant
    ");
    insta::assert_snapshot!(window("{duration: 12h, isRolling: true}"), @"- a.yaml:7:27 invalid: a time window of 12h is too short: a budget needs at least 1d; write a number of days, such as 28d");
    insta::assert_snapshot!(window("{duration: 0d, isRolling: true}"), @"- a.yaml:7:27 invalid: a time window of 0s is too short: a budget needs at least 1d; write a number of days, such as 28d");
    insta::assert_snapshot!(window("{duration: 30, isRolling: true}"), @r#"- a.yaml:7:27 invalid: "30" is not a duration; write a whole number and one of m (minutes), h, d, w, M (months), Q, Y, such as 28d"#);
    insta::assert_snapshot!(window("{duration: 1h30m, isRolling: true}"), @r#"- a.yaml:7:27 invalid: "1h30m" is not a duration; write a whole number and one of m (minutes), h, d, w, M (months), Q, Y, such as 28d"#);
    insta::assert_snapshot!(window("{duration: 99999999999d, isRolling: true}"), @r#"- a.yaml:7:27 invalid: "99999999999d" is not a duration; write a whole number and one of m (minutes), h, d, w, M (months), Q, Y, such as 28d"#);
    insta::assert_snapshot!(window("{unit: Fortnight, count: 1, isRolling: true}"), @r#"- a.yaml:7:23 invalid: the unit "Fortnight" is not known; use one of: Second, Day, Week, Month, Quarter, Year"#);
    insta::assert_snapshot!(window("{unit: Day, count: -1, isRolling: true}"), @"- a.yaml:7:35 invalid: this is not a whole number below 4294967296; write a number such as 4");
    insta::assert_snapshot!(window("{isRolling: true}"), @"- a.yaml:7:16 invalid: the time window has no length; add duration: such as 28d, 4w or 1M");
    insta::assert_snapshot!(window("{duration: 30d}"), @"30d a.yaml:7:16 changed-meaning: the time window is read as rolling; add isRolling: true to say so");
    insta::assert_snapshot!(window("{duration: 30d, isRolling: maybe}"), @"
    30d a.yaml:7:16 changed-meaning: the time window is read as rolling; add isRolling: true to say so
    a.yaml:7:43 invalid: expected true or false, found a single value; write true or false
    ");
    insta::assert_snapshot!(window(""), @"- a.yaml:5:3 changed-meaning: no time window is given, so it is 30d; add timeWindow: with the duration that is meant");
    insta::assert_snapshot!(window("{duration: 30d, isRolling: true}, {duration: 7d, isRolling: true}"), @"30d a.yaml:7:50 invalid: an SLO has one time window only; keep one, and write another SLO for the other");
    insta::assert_snapshot!(complaint("[{duration: 30d, isRolling: true}]", "30d"), @r#"a.yaml:7:15 invalid: timeWindow must be a list; write one "- item" per line"#);
}

#[test]
fn calendar_windows_begin_where_a_unit_begins() {
    let calendar = |duration: &str, start: &str| {
        window(&format!(
            "{{duration: {duration}, isRolling: false, calendar: {{startTime: {start}, timeZone: Europe/Paris}}}}"
        ))
    };
    for (duration, start, unit) in [
        ("1w", "2026-01-05 00:00:00", "week"),
        ("7d", "2026-01-05 00:00:00", "week"),
        ("1M", "2026-02-01 00:00:00", "month"),
        ("1Q", "2025-10-01 00:00:00", "quarter"),
        ("3M", "2025-10-01T00:00:00", "quarter"),
        ("1Y", "2024-01-01", "year"),
        ("12M", "'2024-01-01 00:00:00'", "year"),
        ("4Q", "2024-01-01 00:00:00", "year"),
    ] {
        let expected = format!("a {unit} (Europe/Paris)");
        assert_eq!(calendar(duration, start), expected, "{duration}");
    }
    insta::assert_snapshot!(calendar("1w", "2022-01-01 12:00:00"), @"- a.yaml:7:71 unsupported: a week begins at midnight on a Monday here; write such a startTime if that is meant, or isRolling: true without calendar:");
    insta::assert_snapshot!(calendar("1M", "2022-01-01 12:00:00"), @"- a.yaml:7:71 unsupported: a month begins at midnight on the 1st of a month here; write such a startTime if that is meant, or isRolling: true without calendar:");
    insta::assert_snapshot!(calendar("1M", "2022-01-15 00:00:00"), @"- a.yaml:7:71 unsupported: a month begins at midnight on the 1st of a month here; write such a startTime if that is meant, or isRolling: true without calendar:");
    insta::assert_snapshot!(calendar("1Q", "2022-02-01 00:00:00"), @"- a.yaml:7:71 unsupported: a quarter begins at midnight on the 1st of January, April, July or October here; write such a startTime if that is meant, or isRolling: true without calendar:");
    insta::assert_snapshot!(calendar("1Y", "2022-02-01 00:00:00"), @"- a.yaml:7:71 unsupported: a year begins at midnight on the 1st of January here; write such a startTime if that is meant, or isRolling: true without calendar:");
    insta::assert_snapshot!(calendar("1M", "soon"), @r#"- a.yaml:7:71 invalid: "soon" is not a date and time; write it like 2026-01-01 00:00:00; the zone stands in timeZone:"#);
    insta::assert_snapshot!(calendar("1m", "2022-01-01 12:00:00"), @"
    - a.yaml:7:27 unsupported: a calendar window is a week, a month, a quarter or a year here; write 1M for a month
    a.yaml:7:27 suspect-duration: 1m is a number of minutes; months are written 1M; write 1M if months are meant
    ");
    insta::assert_snapshot!(calendar("2w", "2026-01-05 00:00:00"), @"- a.yaml:7:27 unsupported: a calendar window is a week, a month, a quarter or a year here; write 1w, 1M, 1Q or 1Y, or isRolling: true without calendar:");
    insta::assert_snapshot!(calendar("30d", "2026-01-01 00:00:00"), @"- a.yaml:7:27 unsupported: a calendar window is a week, a month, a quarter or a year here; write 1w, 1M, 1Q or 1Y, or isRolling: true without calendar:");
    insta::assert_snapshot!(window("{duration: 1M, calendar: {startTime: 2026-01-01 00:00:00}}"), @"a month (-)");
    insta::assert_snapshot!(window("{duration: 1M, calendar: {startTime: 2026-01-01 00:00:00, timeZone: Mars/Olympus}}"), @r#"a month (!) a.yaml:7:84 invalid: "Mars/Olympus" is not a time zone; write an IANA name such as Europe/Berlin or UTC"#);
    insta::assert_snapshot!(window("{duration: 1M, isRolling: false}"), @"a month (-) a.yaml:7:16 changed-meaning: the calendar window has no calendar, so it begins at midnight UTC; add calendar: with startTime and timeZone, or write isRolling: true");
    insta::assert_snapshot!(window("{duration: 30d, isRolling: true, calendar: {timeZone: UTC}}"), @"30d a.yaml:7:59 ignored-key: a rolling window has no calendar; remove calendar:, or write isRolling: false");
    insta::assert_snapshot!(window("{unit: Month, count: 1, isRolling: false, calendar: {startTime: 2026-01-01 00:00:00, timeZone: UTC}}"), @"a month (UTC)");
}

#[test]
fn targets_are_shares_or_percentages() {
    for (written, percent) in [
        ("target: 0.999", "99.9"),
        ("target: 0.9995", "99.95"),
        ("target: 0.99999", "99.999"),
        ("target: 0.7", "70"),
        ("targetPercent: 99.9", "99.9"),
        ("targetPercent: 0.5", "0.5"),
    ] {
        let first = quiet(&[("target: 0.999", written)]);
        assert!(
            first.starts_with(&format!("shop/api {percent}% of")),
            "{first}"
        );
    }
    insta::assert_snapshot!(complaint("target: 0.999", "target: 1.0"), @"a.yaml:14:25 invalid: a target of 1 leaves no budget, so every failure would break it; write target: 0.999, or another number between 0 and 1");
    insta::assert_snapshot!(complaint("target: 0.999", "targetPercent: 100"), @"a.yaml:14:32 invalid: a target of 100 leaves no budget, so every failure would break it; write targetPercent: 99.9, or another number between 0 and 100");
    insta::assert_snapshot!(complaint("target: 0.999", "target: 0"), @"a.yaml:14:25 invalid: a target of 0 promises nothing; write target: 0.999, or another number between 0 and 1");
    insta::assert_snapshot!(complaint("target: 0.999", "target: 99.9"), @"a.yaml:14:25 invalid: a target of 99.9 is more than everything; write target: 0.999, or another number between 0 and 1");
    insta::assert_snapshot!(complaint("target: 0.999", "target: most"), @"a.yaml:14:25 invalid: this is not a number; write a number such as 99.9");
    insta::assert_snapshot!(complaint("target: 0.999", "target: 0.9, targetPercent: 90"), @"a.yaml:14:45 invalid: target and targetPercent exclude each other; keep one of the two");
    insta::assert_snapshot!(complaint("target: 0.999", "displayName: Good"), @"a.yaml:14:16 invalid: the objective has no target; add target: such as 0.999, or targetPercent: such as 99.9");
    insta::assert_snapshot!(complaint("[{target: 0.999}]", "[]"), @"a.yaml:5:3 invalid: the SLO has no objectives; add objectives: with one that has a target:");
    insta::assert_snapshot!(complaint("[{target: 0.999}]", "0.999"), @r#"
    a.yaml:5:3 invalid: the SLO has no objectives; add objectives: with one that has a target:
    a.yaml:14:15 invalid: objectives must be a list; write one "- item" per line
    "#);
}

/// The two queries, and what is said, when both are written like this with N for their names.
fn queries(counter: &str, query: &str) -> String {
    let metric = |name: &str| {
        let query = query.replace('N', name);
        format!("{{metricSource: {{type: Prometheus, spec: {{query: '{query}'}}}}}}")
    };
    let ratio = format!(
        "{counter}\n        good: {}\n        total: {}",
        metric("good"),
        metric("all")
    );
    let (slos, said) = changed(&[(RATIO, ratio.trim_start())]);
    let is_query = |line: &&str| line.starts_with("good") || line.starts_with("total");
    let lines: Vec<&str> = slos[0].lines().filter(is_query).collect();
    format!("{}\n{said}", lines.join("\n"))
        .trim_end()
        .to_owned()
}

#[test]
fn a_query_says_in_one_of_three_ways_what_it_counts() {
    insta::assert_snapshot!(queries("counter: true", "N"), @"
    good: sum(increase(good[$window]))
    total: sum(increase(all[$window]))
    ");
    insta::assert_snapshot!(queries("counter: true", r#"sum by (job) (N{code="2.."})"#), @r#"
    good: sum by (job) (increase(good{code="2.."}[$window]))
    total: sum by (job) (increase(all{code="2.."}[$window]))
    "#);
    insta::assert_snapshot!(queries("counter: false", "sum(N)"), @"
    good: sum(sum_over_time(good[$window]))
    total: sum(sum_over_time(all[$window]))
    ");
    insta::assert_snapshot!(queries("counter: true", "sum(rate(N[5m]))"), @"
    good: sum(rate(good[$window]))
    total: sum(rate(all[$window]))
    a.yaml:12:63 changed-meaning: [5m] is read as the window that is asked about; write [{{.window}}] to say so
    a.yaml:13:64 changed-meaning: [5m] is read as the window that is asked about; write [{{.window}}] to say so
    ");
    insta::assert_snapshot!(queries("", "sum(rate(N[{{.window}}]))"), @"
    good: sum(rate(good[{{.window}}]))
    total: sum(rate(all[{{.window}}]))
    ");
    insta::assert_snapshot!(queries("", "max(rate(N[$window]))"), @"
    good: max(rate(good[$window]))
    total: max(rate(all[$window]))
    ");
}

#[test]
fn queries_whose_window_cannot_be_known_are_refused() {
    insta::assert_snapshot!(queries("", "sum(N)"), @"
    good: !
    total: !
    a.yaml:11:63 invalid: the query has no window, and nothing says whether it is a counter; add counter: true beside it if its metrics only grow, or counter: false
    a.yaml:12:64 invalid: the query has no window, and nothing says whether it is a counter; add counter: true beside it if its metrics only grow, or counter: false
    ");
    insta::assert_snapshot!(queries("counter: true", "max(N)"), @"
    good: !
    total: !
    a.yaml:12:63 invalid: the query has no window, and it is more than a sum of selectors; write the range as [{{.window}}], as in sum(rate(requests_total[{{.window}}]))
    a.yaml:13:64 invalid: the query has no window, and it is more than a sum of selectors; write the range as [{{.window}}], as in sum(rate(requests_total[{{.window}}]))
    ");
    insta::assert_snapshot!(queries("counter: true", "sum(avg_over_time(N[5m]))"), @"
    good: !
    total: !
    a.yaml:12:86 invalid: [5m] measures the same window whatever is asked about; write [{{.window}}] in its place
    a.yaml:13:86 invalid: [5m] measures the same window whatever is asked about; write [{{.window}}] in its place
    ");
    insta::assert_snapshot!(queries("counter: true", "sum(N"), @"
    good: !
    total: !
    a.yaml:12:67 invalid: `(` is never closed; correct the PromQL; try it in the Prometheus UI first
    a.yaml:13:68 invalid: `(` is never closed; correct the PromQL; try it in the Prometheus UI first
    ");
    insta::assert_snapshot!(queries("counter: maybe", "sum(N)"), @"
    good: sum(increase(good[$window]))
    total: sum(increase(all[$window]))
    a.yaml:11:18 invalid: expected true or false, found a single value; write true or false
    ");
    insta::assert_snapshot!(queries("counter: true", "sum(rate(N[$interval]))"), @"
    good: !
    total: !
    a.yaml:12:78 invalid: `$interval` is no placeholder: the window is written $window or {{.window}}; correct the PromQL; try it in the Prometheus UI first
    a.yaml:13:78 invalid: `$interval` is no placeholder: the window is written $window or {{.window}}; correct the PromQL; try it in the Prometheus UI first
    ");
    let ranges = [
        ("good_total}", "'sum(rate(good[5m]))'}"),
        ("all_total}", "'sum(rate(all[10m]))'}"),
    ];
    insta::assert_snapshot!(changed(&ranges).1, @"
    a.yaml:12:63 changed-meaning: [5m] is read as the window that is asked about; write [{{.window}}] to say so
    a.yaml:13:16 invalid: the two queries measure different ranges, [5m] and [10m]; write [{{.window}}] in both
    a.yaml:13:64 changed-meaning: [10m] is read as the window that is asked about; write [{{.window}}] to say so
    ");
}

#[test]
fn metrics_are_read_from_prometheus_only() {
    let typed = |kind: &str| {
        complaint(
            "{metricSource: {type: Prometheus, spec: {query: good_total}}}",
            kind,
        )
    };
    insta::assert_snapshot!(typed("{metricSource: {type: Datadog, spec: {query: good_total}}}"), @r#"a.yaml:12:37 unsupported: slofuse reads Prometheus, not "Datadog"; write type: Prometheus and PromQL, or leave this SLO to another tool"#);
    insta::assert_snapshot!(typed("{metricSource: {spec: {query: good_total}}}"), @"a.yaml:12:30 changed-meaning: the metric names no source, so it is PromQL; add type: Prometheus");
    insta::assert_snapshot!(typed("{metricSource: {type: PROMETHEUS, spec: {}}}"), @"a.yaml:12:30 invalid: the metric has no query; add query: with the PromQL below spec:");
    insta::assert_snapshot!(typed("{metricSource: {type: prometheus, spec: {promql: good_total}}}"), @"");
    insta::assert_snapshot!(typed("{metricSource: prometheus}"), @r#"a.yaml:12:30 invalid: metricSource must be a section of keys and values; write one "key: value" per line, indented"#);
    insta::assert_snapshot!(typed("{metricSource: {metricSourceRef: main, spec: {query: good_total}}}"), @r#"a.yaml:12:48 unknown-reference: the DataSource "main" is not defined; add an object of kind: DataSource with this name"#);
    insta::assert_snapshot!(typed("{metricSource: {metricSourceRef: main, type: Prometheus, spec: {query: good_total}}}"), @"a.yaml:12:48 changed-meaning: the query is asked at the source in the settings, whatever it refers to; run slofuse with the settings of this source");
    insta::assert_snapshot!(typed("{dataSourceSpec: {type: Graphite}, spec: {query: good_total}}"), @r#"a.yaml:12:39 unsupported: slofuse reads Prometheus, not "Graphite"; write type: Prometheus and PromQL, or leave this SLO to another tool"#);
    insta::assert_snapshot!(typed("{dataSourceRef: main, dataSourceSpec: {type: Prometheus}, spec: {query: good_total}}"), @r#"
    a.yaml:12:31 unknown-reference: the DataSource "main" is not defined; add an object of kind: DataSource with this name
    a.yaml:12:53 invalid: dataSourceRef and dataSourceSpec exclude each other; keep one of the two
    "#);
    insta::assert_snapshot!(typed("{source: sloth, queryType: promql, query: good_total}"), @"");
}

const RAW: &str = "rawType: success
        raw: {metricSource: {type: Prometheus, spec: {query: QUERY}}}";

/// The SLI under a budgeting method, and what is said.
fn under(method: &str, metrics: &str, objective: &str) -> String {
    let (slos, said) = changed(&[
        (
            "budgetingMethod: Occurrences",
            &format!("budgetingMethod: {method}"),
        ),
        (
            "ratioMetric:\n        counter: true
        good: {metricSource: {type: Prometheus, spec: {query: good_total}}}
        total: {metricSource: {type: Prometheus, spec: {query: all_total}}}",
            metrics,
        ),
        ("target: 0.999", &format!("target: 0.999{objective}")),
    ]);
    let lines: Vec<&str> = slos[0]
        .lines()
        .skip(1)
        .filter(|line| !line.starts_with("page at") && !line.starts_with("labels"))
        .collect();
    format!("{}\n{said}", lines.join("\n"))
        .trim_end()
        .to_owned()
}

#[test]
fn methods_decide_what_a_ratio_counts() {
    let ratio = format!("ratioMetric:\n        {RATIO}");
    insta::assert_snapshot!(under("Timeslices", &ratio, ", timeSliceTarget: 0.95, timeSliceWindow: 2m"), @"
    slices of 2m from 0.95
    good: sum(increase(good_total[$window]))
    total: sum(increase(all_total[$window]))
    ");
    insta::assert_snapshot!(under("RatioTimeslices", &ratio, ", timeSliceWindow: 5"), @"
    slices of 5m from -
    good: sum(increase(good_total[$window]))
    total: sum(increase(all_total[$window]))
    ");
    insta::assert_snapshot!(under("timeslices", &ratio, ", timeSliceTarget: 1.0"), @"
    slices of - from 1
    good: sum(increase(good_total[$window]))
    total: sum(increase(all_total[$window]))
    a.yaml:14:16 changed-meaning: no timeSliceWindow is given, so it is 1m; add timeSliceWindow: with the length of a slice
    ");
    insta::assert_snapshot!(under("Timeslices", &ratio, ""), @"
    slices of - from !
    good: sum(increase(good_total[$window]))
    total: sum(increase(all_total[$window]))
    a.yaml:14:16 invalid: budgetingMethod: Timeslices needs a timeSliceTarget; add timeSliceTarget: with the share of good events, such as 0.95
    a.yaml:14:16 changed-meaning: no timeSliceWindow is given, so it is 1m; add timeSliceWindow: with the length of a slice
    ");
    insta::assert_snapshot!(under("Timeslices", &ratio, ", timeSliceTarget: 95, timeSliceWindow: 1s"), @r#"
    slices of ! from !
    good: sum(increase(good_total[$window]))
    total: sum(increase(all_total[$window]))
    a.yaml:14:49 invalid: a timeSliceTarget of 95 is not a share of good events; write a number above 0 and up to 1, such as 0.95
    a.yaml:14:70 invalid: "1s" is not a duration; write a whole number and one of m (minutes), h, d, w, M (months), Q, Y, such as 28d
    "#);
    insta::assert_snapshot!(under("Timeslots", &ratio, ""), @r#"
    sli !
    a.yaml:6:20 invalid: the budgetingMethod "Timeslots" is not known; did you mean "Timeslices"?
    "#);
    insta::assert_snapshot!(complaint("  budgetingMethod: Occurrences\n", ""), @"a.yaml:5:3 changed-meaning: no budgetingMethod is given, so it is Occurrences; add budgetingMethod: Occurrences, Timeslices or RatioTimeslices");
}

#[test]
fn raw_ratios_are_ratios_of_a_window_or_of_a_moment() {
    let raw = |query: &str| format!("ratioMetric:\n        {}", RAW.replace("QUERY", query));
    let windowed = "'sum(rate(good_total[{{.window}}])) / sum(rate(all_total[{{.window}}]))'";
    insta::assert_snapshot!(under("Occurrences", &raw(windowed), ""), @"good_ratio: sum(rate(good_total[{{.window}}])) / sum(rate(all_total[{{.window}}]))");
    insta::assert_snapshot!(under("Occurrences", &raw(windowed).replace("success", "failure"), ""), @"error_ratio: sum(rate(good_total[{{.window}}])) / sum(rate(all_total[{{.window}}]))");
    insta::assert_snapshot!(under("Occurrences", &raw("'sum(rate(a_total[5m])) / sum(rate(b_total[5m]))'"), ""), @"
    good_ratio: sum(rate(a_total[$window])) / sum(rate(b_total[$window]))
    a.yaml:12:62 changed-meaning: [5m] is read as the window that is asked about; write [{{.window}}] to say so
    ");
    insta::assert_snapshot!(under("Occurrences", &raw("'avg_over_time(ratio[5m])'"), ""), @"
    good_ratio: !
    a.yaml:12:82 invalid: [5m] measures the same window whatever is asked about; write [{{.window}}] in its place
    ");
    insta::assert_snapshot!(under("Occurrences", &raw("'avg by (pod) (ratio{path=~\"[a-z]+\"})'"), ""), @r#"
    by pod
    slices of - from -
    good_ratio: (avg by (pod) (ratio{path=~"[a-z]+"}))
    a.yaml:13:16 changed-meaning: a ratio does not say how many events it is made of, so each minute counts once; write budgetingMethod: Timeslices or RatioTimeslices, or count events
    "#);
    insta::assert_snapshot!(under("Occurrences", &raw("a_total / b_total"), ""), @"
    sli !
    a.yaml:12:62 invalid: the ratio of two counters is that of all time since they began; write sum(rate(errors_total[{{.window}}])) / sum(rate(requests_total[{{.window}}]))
    ");
    insta::assert_snapshot!(under("RatioTimeslices", &raw(windowed).replace("success", "failure"), ", timeSliceWindow: 10m"), @"
    slices of 10m from -
    good_ratio: 1 - (sum(rate(good_total[10m])) / sum(rate(all_total[10m])))
    ");
    insta::assert_snapshot!(under("Timeslices", &raw("'ratio # of what is stored'"), ", timeSliceWindow: 1m, timeSliceTarget: 0.5"), @"
    slices of 1m from -
    condition: (ratio # of what is stored
    ) >= bool 0.5
    ");
    insta::assert_snapshot!(under("Occurrences", &raw("ratio").replace("success", "both"), ""), @r#"
    sli !
    a.yaml:11:18 invalid: the rawType "both" is not known; use one of: success, failure
    "#);
    insta::assert_snapshot!(under("Occurrences", &raw("ratio").replace("rawType: success", "counter: true"), ""), @"
    sli !
    a.yaml:11:9 invalid: a raw ratio needs a rawType; add rawType: success if it is the share of good events, or failure
    ");
    insta::assert_snapshot!(under("Occurrences", &raw("ratio +"), ""), @"
    good_ratio: !
    a.yaml:12:62 invalid: not valid PromQL: invalid promql query; correct the PromQL; try it in the Prometheus UI first
    ");
}

#[test]
fn ratios_have_two_sides() {
    insta::assert_snapshot!(complaint("good: {metricSource", "bad: {metricSource"), @"");
    insta::assert_snapshot!(complaint("        total: {metricSource: {type: Prometheus, spec: {query: all_total}}}\n", ""), @"a.yaml:11:9 invalid: the ratio has good but no total; add total: with all events");
    insta::assert_snapshot!(complaint("        good: {metricSource: {type: Prometheus, spec: {query: good_total}}}\n", ""), @"a.yaml:11:9 invalid: the ratio has none of good, bad, raw; add good: or bad: with total:, or raw: with rawType:");
    insta::assert_snapshot!(complaint("        total: {metricSource", "        bad: {metricSource"), @"
    a.yaml:11:9 invalid: the ratio has good but no total; add total: with all events
    a.yaml:13:14 invalid: good and bad exclude each other; keep one of the two
    ");
    insta::assert_snapshot!(complaint("        good: {metricSource", "        rawType: success\n        raw: {metricSource"), @"
    a.yaml:14:16 ignored-key: total has no effect beside raw; remove it, or write good: or bad: instead of raw:
    a.yaml:15:16 changed-meaning: a ratio does not say how many events it is made of, so each minute counts once; write budgetingMethod: Timeslices or RatioTimeslices, or count events
    ");
}

#[test]
fn thresholds_are_conditions_of_each_minute() {
    let threshold = "thresholdMetric: {metricSource: {type: Prometheus, spec: {query: max by (pod) (lag_seconds)}}}";
    let windowed = "thresholdMetric: {metricSource: {type: Prometheus, spec: {query: 'max(rate(lag[{{.window}}]))'}}}";
    insta::assert_snapshot!(under("Occurrences", threshold, ", op: lt, value: 2.5"), @"
    by pod
    slices of - from -
    condition: (max by (pod) (lag_seconds)) < bool 2.5
    a.yaml:11:16 changed-meaning: a threshold does not say how many events it is made of, so each minute counts once; write budgetingMethod: Timeslices or RatioTimeslices, or count events
    ");
    insta::assert_snapshot!(under("Timeslices", threshold, ", op: gte, value: -1e3, timeSliceWindow: 1m, timeSliceTarget: 0.9"), @"
    by pod
    slices of 1m from -
    condition: (max by (pod) (lag_seconds)) >= bool -1000
    ");
    insta::assert_snapshot!(under("Timeslices", windowed, ", op: lte, value: 2, timeSliceWindow: 1h, timeSliceTarget: 0.9"), @"
    slices of 1h from -
    condition: avg_over_time(((max(rate(lag[1h]))) <= bool 2)[1h:1m]) >= bool 0.9
    ");
    insta::assert_snapshot!(under("RatioTimeslices", threshold, ", op: gt, value: 2, timeSliceWindow: 5m"), @"
    by pod
    slices of 5m from -
    good_ratio: avg_over_time(((max by (pod) (lag_seconds)) > bool 2)[5m:1m])
    ");
    insta::assert_snapshot!(under("RatioTimeslices", threshold, ", op: gt, value: 2, timeSliceWindow: 1m"), @"
    by pod
    slices of 1m from -
    condition: (max by (pod) (lag_seconds)) > bool 2
    ");
    insta::assert_snapshot!(under("Occurrences", threshold, ""), @"
    by pod
    slices of - from -
    condition: !
    a.yaml:11:16 invalid: an objective of a thresholdMetric needs a value; add value: with the threshold
    a.yaml:11:16 invalid: an objective of a thresholdMetric needs an op; add op: lt, lte, gt or gte, as the good values compare with value
    a.yaml:11:16 changed-meaning: a threshold does not say how many events it is made of, so each minute counts once; write budgetingMethod: Timeslices or RatioTimeslices, or count events
    ");
    insta::assert_snapshot!(under("Occurrences", threshold, ", op: below, value: 2"), @r#"
    by pod
    slices of - from -
    condition: !
    a.yaml:11:16 changed-meaning: a threshold does not say how many events it is made of, so each minute counts once; write budgetingMethod: Timeslices or RatioTimeslices, or count events
    a.yaml:11:36 invalid: the op "below" is not known; use one of: lt, lte, gt, gte
    "#);
    insta::assert_snapshot!(under("Timeslices", threshold, ", op: lt, value: NaN, timeSliceWindow: 1m"), @"
    by pod
    slices of 1m from -
    condition: !
    a.yaml:11:16 invalid: budgetingMethod: Timeslices needs a timeSliceTarget; add timeSliceTarget: with the share of good events, such as 0.95
    a.yaml:11:47 invalid: expected a finite number, found a single value; write a number such as 99.9
    ");
    insta::assert_snapshot!(under("Occurrences", &threshold.replace("(lag_seconds)", "(lag_seconds"), ", op: lt, value: 1"), @"
    slices of - from -
    condition: !
    a.yaml:10:85 invalid: `(` is never closed; correct the PromQL; try it in the Prometheus UI first
    a.yaml:11:16 changed-meaning: a threshold does not say how many events it is made of, so each minute counts once; write budgetingMethod: Timeslices or RatioTimeslices, or count events
    ");
    let both = format!("{threshold}\n      ratioMetric: {{}}");
    insta::assert_snapshot!(under("Occurrences", &both, ", op: lt, value: 1"), @"
    sli !
    a.yaml:10:24 invalid: ratioMetric and thresholdMetric exclude each other; keep one of the two
    a.yaml:11:20 invalid: the ratio has none of good, bad, raw; add good: or bad: with total:, or raw: with rawType:
    ");
    insta::assert_snapshot!(under("Occurrences", "description: nothing", ""), @"
    sli !
    a.yaml:10:7 invalid: the indicator measures nothing; add ratioMetric: or thresholdMetric:
    ");
}

#[test]
fn objectives_of_one_indicator_are_slos_of_their_own() {
    let names = |objectives: &str| {
        let (slos, said) = changed(&[("[{target: 0.999}]", objectives)]);
        let first = slos
            .iter()
            .map(|slo| slo.split(' ').next().unwrap_or_default());
        let first: Vec<&str> = first.collect();
        format!("{} {said}", first.join(" ")).trim_end().to_owned()
    };
    assert_eq!(names("[{target: 0.9, displayName: Alone}]"), "shop/api");
    let named = "[{target: 0.9, displayName: Not too Slow!}, {target: 0.99, displayName: v1.2}]";
    assert_eq!(names(named), "shop/api-not-too-slow shop/api-v1.2");
    let same = "[{target: 0.9, displayName: Good}, {target: 0.99, displayName: good}]";
    assert_eq!(names(same), "shop/api-0 shop/api-1");
    let some = "[{target: 0.9, displayName: Good}, {target: 0.99}, {target: 0.999}]";
    assert_eq!(names(some), "shop/api-0 shop/api-1 shop/api-2");
    let unusable = "[{target: 0.9, displayName: 良い}, {target: 0.99, displayName: b}]";
    assert_eq!(names(unusable), "shop/api-0 shop/api-1");
    let long = "x".repeat(62);
    let slos = changed(&[
        ("name: api", &format!("name: {long}")),
        ("[{target: 0.999}]", some),
    ]);
    insta::assert_snapshot!(slos.1, @"a.yaml:3:18 invalid: the name has no room for the number of an objective; write a shorter name, or one objective only");
    let own = "[{target: 0.9, indicatorRef: other}]";
    insta::assert_snapshot!(names(own), @"shop/api a.yaml:14:16 invalid: both the SLO and this objective have an indicator; keep the indicator of the SLO, or give every objective its own");
}

const PARTS: &str = "[{target: 0.99, displayName: Front, indicatorRef: one},
    {targetPercent: 99.9, displayName: Back, compositeWeight: 0.5, indicator: {spec: {ratioMetric: {counter: true,
      bad: {metricSource: {type: Prometheus, spec: {query: bad_total}}},
      total: {metricSource: {type: Prometheus, spec: {query: b_total}}}}}}}]";

/// The small definition, to be given objectives with indicators.
fn without_indicator() -> String {
    let (before, rest) = SLO.split_once("  indicator:").unwrap();
    let (_, after) = rest.split_once("  objectives:").unwrap();
    format!("{before}  objectives:{after}")
}

/// A composite of `objectives`; its first indicator is in a file of its own.
fn composite(method: &str, objectives: &str) -> (Vec<String>, String) {
    let slo = without_indicator();
    let slo = slo
        .replace("[{target: 0.999}]", objectives)
        .replace("Occurrences", method);
    let sli = "apiVersion: openslo/v1
kind: SLI
metadata: {name: one}
spec:
  ratioMetric: {counter: true, good: {metricSource: {type: Prometheus, spec: {query: ok_total}}},
    total: {metricSource: {type: Prometheus, spec: {query: a_total}}}}
";
    let (slos, found) = translate(&[
        ("a.yaml", &slo),
        ("b.yaml", POLICY),
        ("c.yaml", CONDITION),
        ("d.yaml", sli),
    ]);
    (slos, said(&found))
}

#[test]
fn objectives_with_indicators_make_a_composite() {
    let shown = |(slos, said): (Vec<String>, String)| format!("{}\n\n{said}", slos.join("\n\n"));
    insta::assert_snapshot!(shown(composite("Occurrences", PARTS)), @"
    shop/api 99.83333333333% of 30d
    labels openslo_targets=phone
    front x 100
      good: sum(increase(ok_total[$window]))
      total: sum(increase(a_total[$window]))
    back x 500
      bad: sum(increase(bad_total[$window]))
      total: sum(increase(b_total[$window]))
    page at 0.0200 of the budget in 1h/1h after 5m, 1 events openslo_targets=phone

    a.yaml:5:3 changed-meaning: every part burns the budget of the whole at its own rate times its weight, which makes an objective of 99.833% of the weighted mean; write compositeWeight: so that the weights add up to 1 if the parts share a budget
    ");
    let sliced = PARTS.replace(
        "target",
        "timeSliceWindow: 1m, timeSliceTarget: 0.9, target",
    );
    insta::assert_snapshot!(composite("Timeslices", &sliced).1, @"
    a.yaml:5:3 changed-meaning: a slice that is bad in several parts counts once for each of them; expect the whole to burn a little faster
    a.yaml:5:3 changed-meaning: every part burns the budget of the whole at its own rate times its weight, which makes an objective of 99.833% of the weighted mean; write compositeWeight: so that the weights add up to 1 if the parts share a budget
    ");
    insta::assert_snapshot!(composite("Occurrences", &PARTS.replace("0.5", "0")).1, @"a.yaml:9:63 invalid: a weight of 0 is not above 0; write a number above 0, or remove the objective");
    insta::assert_snapshot!(composite("Occurrences", &PARTS.replace("0.5", "half")).1, @"a.yaml:9:63 invalid: this is not a number; write a number such as 99.9");
    insta::assert_snapshot!(composite("Occurrences", &PARTS.replace("99.9", "100")).1, @"a.yaml:9:21 invalid: a target of 100 leaves no budget, so every failure would break it; write targetPercent: 99.9, or another number between 0 and 100");
    insta::assert_snapshot!(composite("Occurrences", &PARTS.replace("one", "two")).1, @r#"
    a.yaml:5:3 changed-meaning: every part burns the budget of the whole at its own rate times its weight, which makes an objective of 99.833% of the weighted mean; write compositeWeight: so that the weights add up to 1 if the parts share a budget
    a.yaml:8:65 unknown-reference: the SLI "two" is not defined; use one of: one
    "#);
    insta::assert_snapshot!(composite("Occurrences", "[{target: 0.99, indicatorRef: one}, {target: 0.9}]").1, @"
    a.yaml:5:3 changed-meaning: every part burns the budget of the whole at its own rate times its weight, which makes an objective of 99.091% of the weighted mean; write compositeWeight: so that the weights add up to 1 if the parts share a budget
    a.yaml:8:51 invalid: this objective of a composite has no indicator; add indicator: or indicatorRef:, as the other objectives have
    ");
    insta::assert_snapshot!(composite("Occurrences", "[{target: 0.99}, {target: 0.9}]").1, @"a.yaml:5:3 invalid: the SLO has no indicator; add indicator: with a ratioMetric: or a thresholdMetric:");
    let one = composite("Occurrences", "[{target: 0.99, indicatorRef: one}]");
    insta::assert_snapshot!(shown(one), @"
    shop/api 99% of 30d
    labels openslo_targets=phone
    good: sum(increase(ok_total[$window]))
    total: sum(increase(a_total[$window]))
    page at 0.0200 of the budget in 1h/1h after 5m, 1 events openslo_targets=phone
    ");
}

/// What a policy comes to, and what is said.
fn alerting(from: &str, to: &str) -> String {
    let (slos, said) = changed(&[(from, to)]);
    let is_sli = |line: &&str| line.starts_with("good") || line.starts_with("total");
    let lines: Vec<&str> = slos[0]
        .lines()
        .skip(1)
        .filter(|line| !is_sli(line))
        .collect();
    format!("{}\n{said}", lines.join("\n")).trim().to_owned()
}

#[test]
fn policies_are_tiers() {
    insta::assert_snapshot!(alerting("threshold: 14.4", "threshold: 14.4"), @"
    labels openslo_targets=phone
    page at 0.0200 of the budget in 1h/1h after 5m, 1 events openslo_targets=phone
    ");
    insta::assert_snapshot!(alerting(", alertAfter: 5m", ""), @"
    labels openslo_targets=phone
    page at 0.0200 of the budget in 1h/1h after -, 1 events openslo_targets=phone
    ");
    insta::assert_snapshot!(alerting("  notificationTargets: [{targetRef: phone}]\n", ""), @"page at 0.0200 of the budget in 1h/1h after 5m, 1 events");
    insta::assert_snapshot!(alerting("op: gt", "op: lte"), @"
    labels openslo_targets=phone
    page at 0.0200 of the budget in 1h/1h after 5m, 1 events openslo_targets=phone
    c.yaml:6:35 ignored-key: op: lte would alert all the time except while the budget burns fast; it is read as the opposite; write op: gte
    ");
    insta::assert_snapshot!(alerting("op: gt", "op: about"), @r#"
    labels openslo_targets=phone
    policy !
    c.yaml:6:35 invalid: the op "about" is not known; write op: gt
    "#);
    insta::assert_snapshot!(alerting("threshold: 14.4", "threshold: 1000"), @"
    labels openslo_targets=phone
    policy !
    c.yaml:6:50 unsupported: burning 1000 times as fast as allowed for 1h takes more than the whole budget of 30d, so the alert would come too late or never; write a threshold of at most 720, or a shorter lookbackWindow
    ");
    insta::assert_snapshot!(alerting("threshold: 14.4", "threshold: 0"), @"
    labels openslo_targets=phone
    policy !
    c.yaml:6:50 invalid: a threshold that is not above 0 would always alert; write the burn rate that deserves an alert, such as 14.4
    ");
    insta::assert_snapshot!(alerting("lookbackWindow: 1h", "lookbackWindow: 1 hour"), @r#"
    labels openslo_targets=phone
    policy !
    c.yaml:6:72 invalid: "1 hour" is not a duration; write a whole number and one of m (minutes), h, d, w, M (months), Q, Y, such as 28d
    "#);
    insta::assert_snapshot!(alerting("kind: burnrate", "kind: budget"), @r#"
    labels openslo_targets=phone
    policy !
    c.yaml:6:21 unsupported: the condition "budget" is not known; write kind: burnrate, the only one there is
    "#);
    insta::assert_snapshot!(alerting("kind: burnrate, op: gt, threshold: 14.4, lookbackWindow: 1h, alertAfter: 5m", ""), @r#"
    labels openslo_targets=phone
    policy !
    c.yaml:6:14 invalid: the condition lacks the key "lookbackWindow"; add lookbackWindow:
    c.yaml:6:14 invalid: the condition lacks the key "op"; add op: gt
    c.yaml:6:14 invalid: the condition lacks the key "threshold"; add threshold:
    "#);
    insta::assert_snapshot!(alerting("  severity: page\n", ""), @"
    labels openslo_targets=phone
    policy !
    c.yaml:5:3 invalid: the alert condition has no severity; add severity: page, ticket or info
    ");
    insta::assert_snapshot!(alerting("severity: page", "severity: spicy"), @r#"
    labels openslo_targets=phone
    page at 0.0200 of the budget in 1h/1h after 5m, 1 events openslo_targets=phone
    c.yaml:5:13 ignored-key: the severity "spicy" is not known, so it pages; write page, ticket or info
    "#);
    let inline = "[{alertPolicyRef: night}, {kind: AlertPolicy, metadata: {name: day}, spec: {alertWhenBreaching: true,
      conditions: [{spec: {severity: warning, condition: {op: gt, threshold: 3, lookbackWindow: 1d}}},
      {spec: {severity: low, condition: {op: gt, threshold: 1, lookbackWindow: 3d}}}],
      notificationTargets: [{metadata: {name: desk}, spec: {target: email}}, {targetRef: phone}]}}]";
    insta::assert_snapshot!(alerting("[{alertPolicyRef: night}]", inline), @"
    labels openslo_targets=phone,desk
    page at 0.0200 of the budget in 1h/1h after 5m, 1 events openslo_targets=phone
    ticket at 0.1000 of the budget in 1d/1d after -, 1 events openslo_targets=desk,phone
    info at 0.1000 of the budget in 3d/3d after -, 1 events openslo_targets=desk,phone
    ");
}

#[test]
fn severities_have_many_names() {
    for (written, read) in [
        ("page", "page"),
        ("CRITICAL", "page"),
        ("sev1", "page"),
        ("p1", "page"),
        ("high", "page"),
        ("ticket", "ticket"),
        ("Warning", "ticket"),
        ("medium", "ticket"),
        ("info", "info"),
        ("low", "info"),
    ] {
        let shown = alerting("severity: page", &format!("severity: {written}"));
        assert!(
            shown.contains(&format!("{read} at 0.0200")),
            "{written}: {shown}"
        );
    }
}

#[test]
fn flags_of_a_policy_are_heeded_or_named() {
    insta::assert_snapshot!(alerting("alertWhenBreaching: true", "alertWhenBreaching: false"), @"
    labels openslo_targets=phone
    without 1d: true
    without 1h: true
    without 3d: true
    without 6h: true
    b.yaml:5:3 changed-meaning: the policy does not alert on breaching, so its conditions have no effect; write alertWhenBreaching: true if somebody should be told
    ");
    insta::assert_snapshot!(alerting("  alertWhenBreaching: true\n  alertWhenNoData: true\n", ""), @"
    labels openslo_targets=phone
    without 1d: true
    without 1h: true
    without 3d: true
    without 6h: true
    blind: false
    b.yaml:5:3 changed-meaning: the policy does not alert on breaching, so its conditions have no effect; write alertWhenBreaching: true if somebody should be told
    ");
    insta::assert_snapshot!(alerting("  alertWhenBreaching: true\n  alertWhenNoData: true\n  alertWhenResolved: true\n", ""), @"
    labels openslo_targets=phone
    page at 0.0200 of the budget in 1h/1h after 5m, 1 events openslo_targets=phone
    a.yaml:15:18 changed-meaning: lack of data is alerted on, though no policy asks for it; write alertWhenNoData: true to say so
    b.yaml:5:3 changed-meaning: the policy names nothing to alert on, so it is breaching; add alertWhenBreaching: true to say so
    ");
    insta::assert_snapshot!(alerting("alertWhenResolved: true", "alertWhenResolved: false"), @"
    labels openslo_targets=phone
    page at 0.0200 of the budget in 1h/1h after 5m, 1 events openslo_targets=phone
    b.yaml:5:3 changed-meaning: whoever is told of an alert is also told of its end; leave out the end in the receiver if it is not wanted
    ");
    insta::assert_snapshot!(alerting("alertWhenNoData: true", "alertWhenNoData: false"), @"
    labels openslo_targets=phone
    page at 0.0200 of the budget in 1h/1h after 5m, 1 events openslo_targets=phone
    a.yaml:15:18 changed-meaning: lack of data is alerted on, though no policy asks for it; write alertWhenNoData: true to say so
    ");
    insta::assert_snapshot!(alerting("alertWhenNoData: true", "alertWhenNoData: perhaps"), @"
    labels openslo_targets=phone
    page at 0.0200 of the budget in 1h/1h after 5m, 1 events openslo_targets=phone
    a.yaml:15:18 changed-meaning: lack of data is alerted on, though no policy asks for it; write alertWhenNoData: true to say so
    b.yaml:6:20 invalid: expected true or false, found a single value; write true or false
    ");
    insta::assert_snapshot!(alerting("[{conditionRef: fast}]", "[]"), @"
    labels openslo_targets=phone
    policy !
    b.yaml:5:3 invalid: the alert policy has no condition; add conditions: with a conditionRef: or an AlertCondition
    ");
    insta::assert_snapshot!(alerting("[{conditionRef: fast}]", "[{name: fast}]"), @r#"
    labels openslo_targets=phone
    policy !
    b.yaml:8:16 invalid: this is no AlertCondition; add conditionRef: with the name of an AlertCondition, or its spec:
    b.yaml:8:17 ignored-key: the key "name" has no effect; use one of: conditionRef, kind, metadata, spec
    "#);
    insta::assert_snapshot!(alerting("  alertPolicies: [{alertPolicyRef: night}]\n", ""), @"a.yaml:5:3 changed-meaning: the SLO has no alertPolicies, so the built-in policy alerts on it; add alertPolicies:, or silence it by routes, if that is not meant");
}

#[test]
fn references_lead_somewhere() {
    insta::assert_snapshot!(complaint("alertPolicyRef: night", "alertPolicyRef: nigth"), @r#"a.yaml:15:36 unknown-reference: the AlertPolicy "nigth" is not defined; did you mean "night"?"#);
    insta::assert_snapshot!(complaint("conditionRef: fast", "conditionRef: slow"), @r#"b.yaml:8:31 unknown-reference: the AlertCondition "slow" is not defined; use one of: fast"#);
    insta::assert_snapshot!(complaint("targetRef: phone", "targetRef: fone"), @r#"b.yaml:9:37 unknown-reference: the AlertNotificationTarget "fone" is not defined; use one of: phone"#);
    insta::assert_snapshot!(complaint("  indicator:\n    spec:\n", "  indicatorRef: one\n  ignored:\n    spec:\n"), @r#"
    a.yaml:8:17 unknown-reference: the SLI "one" is not defined; add an object of kind: SLI with this name
    a.yaml:9:3 ignored-key: the key "ignored" has no effect; use one of: description, service, serviceRef, indicator, indicatorRef, sli, sliRef, budgetingMethod, timeWindow, timeWindows, objectives, alertPolicies
    "#);
    insta::assert_snapshot!(complaint("service: shop", "serviceRef: shop"), @"");
    let service = format!(
        "{SLO}---\napiVersion: openslo.com/v2alpha\nkind: Service\nmetadata: {{name: shops}}\n"
    );
    let service = service.replace("service: shop", "serviceRef: shop");
    insta::assert_snapshot!(changed(&[(SLO, &service)]).1, @r#"a.yaml:5:15 unknown-reference: the Service "shop" is not defined; did you mean "shops"?"#);
    let source = format!(
        "{SLO}---\napiVersion: openslo/v1\nkind: DataSource\nmetadata: {{name: main}}\nspec: {{type: Loki}}\n"
    );
    let source = source.replace(
        "type: Prometheus, spec: {query: good",
        "metricSourceRef: main, spec: {query: good",
    );
    insta::assert_snapshot!(changed(&[(SLO, &source)]).1, @r#"a.yaml:20:14 unsupported: slofuse reads Prometheus, not "Loki"; write type: Prometheus and PromQL, or leave this SLO to another tool"#);
    insta::assert_snapshot!(changed(&[(SLO, &source.replace("spec: {type: Loki}", ""))]).1, @"a.yaml:17:1 invalid: the DataSource has no type; add type: Prometheus below its spec:");
    insta::assert_snapshot!(changed(&[(SLO, &source.replace("Loki", "Prometheus"))]).1, @"a.yaml:12:48 changed-meaning: the query is asked at the source in the settings, whatever it refers to; run slofuse with the settings of this source");
}

#[test]
fn policies_that_nobody_uses_are_checked_too() {
    let unused = POLICY
        .replace("night", "day")
        .replace("conditionRef: fast", "conditionRef: slow");
    let (_, found) = translate(&[("unused.yaml", &unused), ("c.yaml", CONDITION)]);
    insta::assert_snapshot!(said(&found), @r#"unused.yaml:8:31 unknown-reference: the AlertCondition "slow" is not defined; use one of: fast"#);
    let (slos, found) = translate(&[("b.yaml", POLICY), ("c.yaml", CONDITION)]);
    assert_eq!((slos.len(), said(&found).as_str()), (0, ""));
}

#[test]
fn two_objects_of_one_name_are_too_many() {
    let twice = format!("{CONDITION}---\n{CONDITION}");
    insta::assert_snapshot!(changed(&[(CONDITION, &twice)]).1, @r#"
    c.yaml:13:1 duplicate: the AlertCondition "fast" is defined twice, first at c.yaml:1:1; rename or remove one of the two
    c.yaml:20:1 duplicate: the AlertNotificationTarget "phone" is defined twice, first at c.yaml:8:1; rename or remove one of the two
    "#);
    let service = "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: a}\n";
    let (_, found) = translate(&[("a.yaml", &format!("{service}---\n{service}"))]);
    assert_eq!(said(&found), "");
}

#[test]
fn labels_get_names_that_prometheus_allows() {
    let labels = "name: api, displayName: The API, labels: {team: [a, b], app.kubernetes.io/name: shop, a-b: 1, a_b: 2, 1st: x}, annotations: {display_name: mine, c.d: e, runbook: ask me, dashboard_url: 'https://d.example/'}";
    let (slos, said) = changed(&[("name: api", labels)]);
    insta::assert_snapshot!(format!("{}\n\n{said}", slos[0]), @r#"
    shop/api 99.9% of 30d
    labels _1st=x
    labels a_b=2
    labels app_kubernetes_io_name=shop
    labels openslo_targets=phone
    labels team=a,b
    annotations c_d=e
    annotations dashboard_url=https://d.example/
    annotations display_name=mine
    annotations runbook=ask me
    owner a,b
    dashboard https://d.example/
    good: sum(increase(good_total[$window]))
    total: sum(increase(all_total[$window]))
    page at 0.0200 of the budget in 1h/1h after 5m, 1 events openslo_targets=phone

    a.yaml:3:68 changed-meaning: "app.kubernetes.io/name" is called app_kubernetes_io_name here; write app_kubernetes_io_name to have one name everywhere
    a.yaml:3:98 ignored-key: "a-b" has no effect: as a label name it would be a_b, which is there; give one of the two another name
    a.yaml:3:114 changed-meaning: "1st" is called _1st here; write _1st to have one name everywhere
    a.yaml:3:157 changed-meaning: "c.d" is called c_d here; write c_d to have one name everywhere
    "#);
    insta::assert_snapshot!(complaint("name: api", "name: api, labels: [a, b]"), @r#"a.yaml:3:31 invalid: labels must be a section of keys and values; write one "key: value" per line, indented"#);
    insta::assert_snapshot!(complaint("name: api", "name: api, labels: {a: {b: c}}"), @"a.yaml:3:35 invalid: expected a text, found a section of keys and values; write one value here");
    insta::assert_snapshot!(complaint("name: api", "name: api, labels: {a: [{b: c}]}"), @"a.yaml:3:36 invalid: expected a text, found a section of keys and values; write one value here");
}

#[test]
fn objects_say_what_they_are() {
    insta::assert_snapshot!(complaint("openslo/v1", "openslo/v2"), @r#"a.yaml:1:13 invalid: the apiVersion "openslo/v2" is not known; did you mean "openslo/v1"?"#);
    insta::assert_snapshot!(complaint("kind: SLO", "kind: SL0"), @r#"a.yaml:2:7 invalid: the kind "SL0" is not known; did you mean "SLO"?"#);
    insta::assert_snapshot!(complaint("kind: SLO\n", ""), @"a.yaml:1:1 invalid: the document lacks a kind; add kind: SLO");
    insta::assert_snapshot!(complaint("metadata: {name: api}\n", ""), @r#"a.yaml:1:1 invalid: the SLO lacks the key "metadata"; add metadata: with a name:"#);
    insta::assert_snapshot!(complaint("{name: api}", "{displayName: API}"), @r#"a.yaml:3:11 invalid: metadata lacks the key "name"; add name: with a name of its own"#);
    insta::assert_snapshot!(complaint("{name: api}", "api"), @r#"a.yaml:3:11 invalid: metadata must be a section of keys and values; write one "key: value" per line, indented"#);
    insta::assert_snapshot!(complaint("name: api", "name: the API"), @r#"a.yaml:3:18 invalid: "the API" is not a name; use up to 63 letters, digits, _, . and -, beginning with a letter or digit"#);
    insta::assert_snapshot!(complaint("  service: shop\n", ""), @r#"a.yaml:5:3 invalid: spec lacks the key "service"; add service: with the name of what it speaks for"#);
    let (_, found) = translate(&[(
        "a.yaml",
        "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\n",
    )]);
    insta::assert_snapshot!(said(&found), @r#"a.yaml:1:1 invalid: the SLO lacks the key "spec"; add spec: with service, indicator and objectives"#);
    let (_, found) = translate(&[(
        "a.yaml",
        "- apiVersion: openslo/v1\n  kind: SLO\n- just: this\n- 7\n",
    )]);
    insta::assert_snapshot!(said(&found), @r#"
    a.yaml:1:3 invalid: the SLO lacks the key "metadata"; add metadata: with a name:
    a.yaml:3:3 invalid: this object of a list lacks an apiVersion; add apiVersion: openslo/v1 and a kind:, or remove the item
    a.yaml:4:3 invalid: this object of a list lacks an apiVersion; add apiVersion: openslo/v1 and a kind:, or remove the item
    "#);
    let (_, found) = translate(&[(
        "a.yaml",
        "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec: 1\n",
    )]);
    insta::assert_snapshot!(said(&found), @r#"a.yaml:4:7 invalid: spec must be a section of keys and values; write one "key: value" per line, indented"#);
}

#[test]
fn keys_without_effect_are_named() {
    insta::assert_snapshot!(complaint("service: shop", "service: shop\n  owner: me"), @r#"a.yaml:6:3 ignored-key: the key "owner" has no effect; use one of: description, service, serviceRef, indicator, indicatorRef, sli, sliRef, budgetingMethod, timeWindow, timeWindows, objectives, alertPolicies"#);
    insta::assert_snapshot!(complaint("target: 0.999", "target: 0.999, budget: 0.1"), @r#"a.yaml:14:32 ignored-key: the key "budget" has no effect; use one of: displayName, op, value, target, targetPercent, timeSliceTarget, timeSliceWindow, indicator, indicatorRef, sli, sliRef, compositeWeight, ratioMetrics"#);
    insta::assert_snapshot!(complaint("isRolling: true", "isRolling: true, rolling: true"), @r#"a.yaml:7:49 ignored-key: the key "rolling" has no effect; did you mean "isRolling"?"#);
    insta::assert_snapshot!(complaint("counter: true", "counter: true\n        couter: true"), @r#"a.yaml:12:9 ignored-key: the key "couter" has no effect; did you mean "counter"?"#);
    insta::assert_snapshot!(complaint("severity: page", "severity: page\n  severty: page"), @r#"c.yaml:6:3 ignored-key: the key "severty" has no effect; did you mean "severity"?"#);
    insta::assert_snapshot!(complaint("kind: SLO", "kind: SLO\nstatus: {}"), @r#"a.yaml:3:1 ignored-key: the key "status" has no effect; use one of: apiVersion, kind, metadata, spec"#);
    let empty = quiet(&[
        ("name: api", "name: api, displayName: , labels: "),
        ("service: shop", "service: shop\n  description:"),
    ]);
    assert_eq!(empty, quiet(&[]));
}

#[test]
fn what_a_file_can_grow_to_is_bounded() {
    let objectives = format!("[{}]", vec!["{target: 0.999}"; 33].join(", "));
    let (slos, said) = changed(&[("[{target: 0.999}]", &objectives)]);
    assert_eq!(slos.len(), 32);
    insta::assert_snapshot!(said, @"a.yaml:14:15 invalid: objectives has more than 32 items; write several objects instead");
    let long = "x".repeat(1 << 20);
    let condition = format!(
        "apiVersion: openslo/v1\nkind: AlertCondition\nmetadata: {{name: fast, displayName: {long}}}\n"
    );
    let conditions = vec!["{conditionRef: fast}"; 30].join(", ");
    let policies: Vec<String> = (0..20)
        .map(|at| POLICY.replace("night", &format!("night{at}")))
        .map(|policy| policy.replace("{conditionRef: fast}", &conditions))
        .collect();
    let policies = policies.join("---\n");
    let (_, found) = translate(&[("a.yaml", &condition), ("b.yaml", &policies)]);
    let bound = "all references together copy more than 512 MiB";
    assert!(found.iter().any(|one| one.message == bound), "{found}");
}

/// A mistake in what several SLOs refer to is told once, where it stands.
#[test]
fn mistakes_are_told_in_the_file_they_are_in() {
    let second = format!("{SLO}---\n{}", SLO.replace("name: api", "name: web"));
    let policy = "alertWhenBreaching: yes";
    let found = changed(&[
        (SLO, &second),
        ("alertWhenBreaching: true", policy),
        ("1h", "1H"),
    ]);
    insta::assert_snapshot!(found.1, @r#"
    b.yaml:5:23 invalid: expected true or false, found a single value; write true or false
    c.yaml:6:72 invalid: "1H" is not a duration; write a whole number and one of m (minutes), h, d, w, M (months), Q, Y, such as 28d
    "#);
}

/// What the whole pipeline makes of some files.
fn load(files: &[(&str, &str)]) -> (Vec<Definition>, Diagnostics) {
    let found = RefCell::default();
    let mut documents = Documents::new(&found);
    for (name, text) in files {
        documents.read((*name).into(), text.as_bytes());
    }
    let definitions = documents.compile();
    (definitions, found.into_inner())
}

/// What is measured and alerted on in the end.
fn compiled(definitions: &[Definition]) -> String {
    let mut out = String::new();
    for Definition { slo, place, .. } in definitions {
        let id = &slo.id;
        let (objective, period, path) =
            (slo.objective.percent(), &slo.period, slo.indicator.path());
        write!(out, "{id} at {place}: {objective}% of {period}, {path}").unwrap();
        if !slo.group_by.is_empty() {
            write!(out, " by {}", slo.group_by.join(",")).unwrap();
        }
        for tier in &slo.policy.tiers {
            let factor = tier.factor(slo.period.nominal());
            let (severity, windows, pending) = (tier.severity, tier.windows(), tier.pending);
            write!(out, "\n  {severity} {windows} x{factor:.2} after {pending}").unwrap();
        }
        out.push('\n');
    }
    out
}

#[test]
fn examples_pass_through_the_whole_pipeline() {
    let examples = [
        (
            "v1alpha.yaml",
            include_str!("../../../../tests/fixtures/formats/openslo/v1alpha.yaml"),
        ),
        (
            "v1.yaml",
            include_str!("../../../../tests/fixtures/formats/openslo/v1.yaml"),
        ),
        (
            "v2alpha.yaml",
            include_str!("../../../../tests/fixtures/formats/openslo/v2alpha.yaml"),
        ),
    ];
    let (definitions, found) = load(&examples);
    assert_eq!(found.errors(), 0, "{found}");
    insta::assert_snapshot!(compiled(&definitions), @"
    bakery/orders-accepted at v1alpha.yaml:10:1: 99.5% of 28d, exact by region
      page 1h/5m x13.44 after 0s
      page 6h/30m x5.60 after 0s
      ticket 1d/2h x2.80 after 0s
      ticket 3d/6h x0.93 after 0s
    bakery/orders-not-too-slow at v1alpha.yaml:10:1: 98% of 28d, exact
      page 1h/5m x13.44 after 0s
      page 6h/30m x5.60 after 0s
      ticket 1d/2h x2.80 after 0s
      ticket 3d/6h x0.93 after 0s
    bakery/oven at v1alpha.yaml:51:1: 95% of week (Europe/Vienna), slices
      page 1h/5m x3.36 after 0s
      page 6h/30m x1.40 after 0s
      ticket 1d/2h x0.70 after 0s
      ticket 3d/6h x0.23 after 0s
    ferry/timetable at v1.yaml:68:3: 97.5% of month (Europe/Oslo), exact
      page 1h/1h x14.40 after 2m
      ticket 1d/1d x2.00 after 0s
    ferry/boarding.gates at v1.yaml:130:9: 98.85714285714% of 28d, slices
    ferry/boarding.ramps at v1.yaml:150:9: 98.85714285714% of 28d, slices
    ferry/boarding at v1.yaml:118:3: 98.85714285714% of 28d, composite
      page 1h/5m x13.44 after 0s
      page 6h/30m x5.60 after 0s
      ticket 1d/2h x2.80 after 0s
      ticket 3d/6h x0.93 after 0s
    observatory/stars-stand-still at v2alpha.yaml:53:1: 99% of 30d, slices by telescope
      page 6h/6h x6.00 after 15m
    observatory/plates at v2alpha.yaml:77:1: 90% of 91d, direct
      page 6h/6h x6.00 after 15m
    ");
}

#[test]
fn conditions_alert_as_they_say() {
    let (definitions, found) = load(&[("a.yaml", SLO), ("b.yaml", POLICY), ("c.yaml", CONDITION)]);
    assert_eq!(found.errors(), 0, "{found}");
    let policy = &definitions[0].slo.policy;
    assert!(!policy.page_mutes_ticket);
    assert!(policy.blind.is_some());
    let tier = &policy.tiers[0];
    assert_eq!(
        (tier.long, tier.short),
        (Span::from_hours(1), Span::from_hours(1))
    );
    assert!((tier.factor(Span::from_days(30)) - 14.4).abs() < 1e-9);
    assert_eq!(tier.minimum_events.to_string(), "1");
    assert_eq!(tier.labels["openslo_targets"], "phone");
    let nobody = POLICY.replace("alertWhenBreaching: true", "alertWhenBreaching: false");
    let (definitions, found) = load(&[("a.yaml", SLO), ("b.yaml", &nobody), ("c.yaml", CONDITION)]);
    assert_eq!(found.errors(), 0, "{found}");
    let policy = &definitions[0].slo.policy;
    assert!(policy.tiers.is_empty() && policy.blind.is_some());
}

#[test]
fn the_pipeline_checks_what_is_left() {
    let dead = SLO.replace("0.999", "0.5");
    let threshold = CONDITION.replace("14.4", "20");
    let twice = format!("{dead}---\n{SLO}");
    let (_, found) = load(&[
        ("a.yaml", &twice),
        ("b.yaml", POLICY),
        ("c.yaml", &threshold),
    ]);
    insta::assert_snapshot!(said(&found), @r#"
    a.yaml:3:11 no-owner: nobody owns this SLO; add the label owner: to metadata, with the team that answers for it
    a.yaml:3:11 no-runbook: this SLO has no runbook; add the annotation runbook: to metadata, with the URL that says what to do when it burns
    a.yaml:14:25 dead-tier: the page tier 1h/1h of "own" can never fire: it needs an error ratio of 1000%; choose a policy with a smaller budget or a longer window, or an objective above 95.00
    a.yaml:17:1 duplicate: the SLO shop/api is defined twice, first at a.yaml:1:1; rename or remove one of the two
    a.yaml:19:11 no-owner: nobody owns this SLO; add the label owner: to metadata, with the team that answers for it
    a.yaml:19:11 no-runbook: this SLO has no runbook; add the annotation runbook: to metadata, with the URL that says what to do when it burns
    "#);
    let same = SLO.replace("all_total", "good_total");
    let slice = "budgetingMethod: RatioTimeslices";
    let long = SLO
        .replace("name: api", "name: web")
        .replace("budgetingMethod: Occurrences", slice);
    let long = long.replace("target: 0.999", "target: 0.999, timeSliceWindow: 1d");
    let files = format!("{same}---\n{long}");
    let (_, found) = load(&[
        ("a.yaml", &files),
        ("b.yaml", POLICY),
        ("c.yaml", CONDITION),
    ]);
    insta::assert_snapshot!(said(&found), @"
    a.yaml:3:11 no-owner: nobody owns this SLO; add the label owner: to metadata, with the team that answers for it
    a.yaml:3:11 no-runbook: this SLO has no runbook; add the annotation runbook: to metadata, with the URL that says what to do when it burns
    a.yaml:12:63 invalid: both queries count the same events, so the ratio never changes; correct the PromQL; try it in the Prometheus UI first
    a.yaml:19:11 no-owner: nobody owns this SLO; add the label owner: to metadata, with the team that answers for it
    a.yaml:19:11 no-runbook: this SLO has no runbook; add the annotation runbook: to metadata, with the URL that says what to do when it burns
    a.yaml:30:49 invalid: 1d is out of bounds; choose a value from 1s to 1h
    ");
}

proptest! {
    /// The burn rate of the whole is the sum of those of the parts, times their weights.
    #[test]
    fn composites_burn_as_their_parts_do(
        parts in prop::collection::vec((0.5_f64..0.9999, 0.01_f64..10.0, 0.0_f64..1.0), 2..6),
    ) {
        let objectives: Vec<String> = parts.iter().map(|(target, weight, _)| {
            format!("{{target: {target}, compositeWeight: {weight}, indicatorRef: one}}")
        }).collect();
        let slo = without_indicator();
        let slo = slo.replace("[{target: 0.999}]", &format!("[{}]", objectives.join(", ")));
        let found = RefCell::default();
        let report = Report::new("a.yaml".into(), &found);
        let mut openslo = OpenSlo::default();
        for node in tree::parse(slo.as_bytes(), &report).documents {
            openslo.add(report.clone(), node);
        }
        let slos = openslo.translate().slos;
        let spec = slos[0].document.value().unwrap().spec.value().unwrap();
        let budget = 1.0 - spec.objective.value().unwrap() / 100.0;
        let steps = spec.sli.value().unwrap().weighted.value().unwrap();
        let weights: Vec<f64> = steps.iter().map(|step| *step.value().unwrap().weight.value().unwrap()).collect();
        let error: f64 = weights.iter().zip(&parts).map(|(weight, (.., error))| weight * error).sum();
        let burn = error / weights.iter().sum::<f64>() / budget;
        let expected: f64 = parts.iter().map(|(target, weight, error)| weight * error / (1.0 - target)).sum();
        prop_assert!((burn - expected).abs() <= 1e-6 * expected.max(1.0), "{burn} is not {expected}");
    }

    #[test]
    fn no_file_makes_it_panic(
        which in 0_usize..5,
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..4, any::<u8>()), 0..12),
    ) {
        let files = [
            include_str!("../../../../tests/fixtures/formats/openslo/v1alpha.yaml"),
            include_str!("../../../../tests/fixtures/formats/openslo/v1.yaml"),
            include_str!("../../../../tests/fixtures/formats/openslo/v2alpha.yaml"),
            SLO,
            POLICY,
        ];
        let mut bytes = files[which].as_bytes().to_vec();
        for (at, kind, byte) in edits {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                2 => bytes.insert(at, byte),
                _ => {
                    let end = (at + usize::from(byte)).min(bytes.len());
                    bytes.drain(at..end);
                }
            }
            if bytes.is_empty() {
                bytes.push(b' ');
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        let _ = translate(&[("a.yaml", &text), ("c.yaml", CONDITION)]);
    }
}

/// The definition of a composite of these targets (ratios) and weights, and what was said.
fn weighed(parts: &[(f64, f64)]) -> (Vec<Definition>, Diagnostics) {
    let objective = |(target, weight): &(f64, f64)| {
        format!(
            "{{target: {target}, compositeWeight: {weight}, indicator: {{spec: {{ratioMetric: \
             {{counter: true, good: {{metricSource: {{type: Prometheus, spec: {{query: ok_total}}}}}}, \
             total: {{metricSource: {{type: Prometheus, spec: {{query: a_total}}}}}}}}}}}}}}"
        )
    };
    let objectives: Vec<String> = parts.iter().map(objective).collect();
    let slo = without_indicator();
    let slo = slo.replace("[{target: 0.999}]", &format!("[{}]", objectives.join(", ")));
    let found = RefCell::default();
    let mut documents = Documents::new(&found);
    for (name, text) in [
        ("a.yaml", slo.as_str()),
        ("b.yaml", POLICY),
        ("c.yaml", CONDITION),
    ] {
        documents.read(name.into(), text.as_bytes());
    }
    let definitions = documents.compile();
    (definitions, found.into_inner())
}

#[test]
fn weights_that_leave_no_objective_are_refused_once() {
    let hostile = [1e-12, 1e-3, 1e5, 1e9, 1e300];
    for weight in hostile {
        let (_, found) = weighed(&[(0.9, weight), (0.99, weight)]);
        assert!(found.errors() <= 1, "{found}");
        assert_eq!(found.errors() == 1, weight != 1e5, "{weight}: {found}");
    }
    let (_, found) = weighed(&[(0.999_999_999_999_999, 1.0), (0.99, 1.0)]);
    assert_eq!(found.errors(), 1, "{found}");
    // More than the largest native weight, and still an objective.
    let (_, found) = weighed(&[(0.999_999_9, 1.0), (0.99, 1.0)]);
    assert_eq!(found.errors(), 0, "{found}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_whole_burns_as_the_format_says(
        parts in prop::collection::vec((1e-3..0.9999f64, 0.02..50f64, 0.0..1f64), 2..6),
    ) {
        let written: Vec<(f64, f64)> = parts.iter().map(|part| (part.0, part.1)).collect();
        let (definitions, found) = weighed(&written);
        let asked: f64 = parts.iter().map(|(target, weight, bad)| weight * bad / (1.0 - target)).sum();
        let fastest: f64 = parts.iter().map(|(target, weight, _)| weight / (1.0 - target)).sum();
        if fastest < 1.001 {
            return Ok(());
        }
        prop_assert_eq!(found.errors(), 0, "{}", found);
        let slo = definitions.iter().find_map(|definition| match &definition.slo.indicator {
            crate::engine::Indicator::Composite(composite) => Some((&definition.slo, composite)),
            _ => None,
        });
        let (slo, composite) = slo.unwrap();
        let weights: Vec<f64> = composite.parts.iter().map(|part| part.weight).collect();
        let bad: f64 = weights.iter().zip(&parts).map(|(weight, part)| weight * part.2).sum();
        let burn = bad / weights.iter().sum::<f64>() / slo.objective.budget_ratio();
        prop_assert!((burn - asked).abs() <= 1e-4 * asked + 1e-9, "{} is not {}", burn, asked);
    }
}
