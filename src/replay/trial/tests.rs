//! Whole tests through the engine: traffic in words means the same whatever counts it.

use std::path::Path;

use super::*;
use crate::config::settings::Settings;
use crate::config::{self, trial::TestFile};
use crate::engine::Options;

const HEAD: &str = "
apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: availability, owner: me}
spec:
  objective: 99
  sli: ";

const SETTINGS: &str = "
definitions: [none]
receivers: [{name: day, console: {}}, {name: boss, console: {}}]
route:
  receiver: day
  routes:
    - matchers: ['severity=\"page\"']
      receiver: day
      escalate: [{after: 15m, receivers: [boss]}]
";

/// What is wrong with the only test of a text, played with definitions.
fn verdict(definitions: &str, settings: Option<&Settings>, test: &str) -> Vec<String> {
    let loaded = config::embedded(SETTINGS, definitions).unwrap_or_else(|found| panic!("{found}"));
    let text = format!("definitions: definitions\ntests:\n- name: test\n{test}");
    let file = TestFile::embedded(Path::new("shop.test.yaml"), &text);
    let file = file.unwrap_or_else(|found| panic!("{found}"));
    let stage = Stage::new(&file, &loaded.definitions, settings, Options::for_testing());
    match stage.run(&file.tests[0]) {
        Ok(verdict) => {
            let failures = verdict.failures.into_iter();
            failures
                .map(|failure| format!("{}, but {}", failure.expected, failure.happened))
                .collect()
        }
        Err(TrialError::Mistakes(found)) => vec![found.to_string()],
        Err(error) => panic!("{error}"),
    }
}

fn passes(sli: &str, test: &str) {
    let failures = verdict(&format!("{HEAD}{sli}\n"), None, test);
    assert!(failures.is_empty(), "{sli}\n{test}\n{failures:#?}");
}

const ERRORS: &str = "{events: {bad: 'r_total{code=~\"5..\"}', total: r_total}}";

#[test]
fn traffic_means_the_same_whatever_counts_it() {
    for sli in [
        ERRORS,
        "{events: {good: 'r_total{outcome=\"ok\"}', total: 'r_total{job=\"shop\"}'}}",
        "{events: {good: forwarded_total, bad: dropped_total}}",
        "{events: {bad: 'r_total{code!~\"2..|3..\"}', total: 'r_total{code!=\"\"}'}}",
        "{events: {bad: 'errors_total{job=~\"shop-.*\"}', total: 'requests_total{job=~\"shop-.*\"}'}}",
        "{events: {bad: 'sum(rate(a_total{c=\"x\"}[$window])) + sum(rate(b_total{c=\"x\"}[$window]))', \
         total: 'sum(rate(a_total[$window])) + sum(rate(b_total[$window]))'}}",
        "{events: {bad: 'r_total{code=~\"5..\"}', total: r_total, exclude: ['{path=\"/healthz\"}']}}",
        "{latency: {histogram: 'd_seconds{handler=\"/pay\"}', threshold: 300ms}}",
        "{latency: {histogram: d_seconds, threshold: 5s, native: true}}",
        "{ratio: {error_ratio: 'sum(rate(e[$window])) / sum(rate(r[$window]))'}}",
        "{time_slices: {good_ratio: 'sum(rate(e[1m])) / sum(rate(r[1m]))'}}",
    ] {
        passes(
            sli,
            "  traffic: 100rps, 20% errors from 10m for 5m, 50rps from 20m\n  expect:
  - {at: 10m, burn: {5m: 0.0, 1h: 0.0, 3d: 0.0}, budget_consumed: 0%}
  - {at: 15m, burn: {5m: 20.0, 1h: 1.67}, outcome: quiet, page: inactive}
  - {at: 25m, burn: {5m: 0.0}}\n",
        );
    }
    passes(
        "{time_slices: {condition: 'up > 0'}}",
        "  traffic: 100rps, 100% errors from 10m for 5m\n  expect: [{at: 15m, burn: {5m: 100, 1h: 8.33}}]\n",
    );
}

#[test]
fn what_was_before_can_be_told() {
    let expect = |warm_up: &str, expect: &str| {
        let test =
            format!("  warm_up: {warm_up}\n  traffic: 10rps, 5% errors\n  expect: [{expect}]\n");
        passes(ERRORS, &test);
    };
    expect(
        "steady traffic",
        "{at: 30s, burn: {3d: 5.00}, outcome: burning, budget_consumed: 499% .. 500%}",
    );
    expect("no traffic", "{at: 30s, burn: {5m: 5.00, 3d: 5.00}}");
    // A source that has never heard of the series has nothing bad to say of the past, either.
    expect(
        "nothing",
        "{at: 10m, burn: {5m: 5.00, 3d: 5.00}, budget_consumed: < 1%}",
    );
}

#[test]
fn written_series_go_on_backwards_as_they_begin() {
    let series = "  series:
  - {series: 'r_total{job=\"a\",instance=\"b\",code=\"200\"}', values: 5+150x40 0+150x40}
  - {series: 'r_total{job=\"a\",instance=\"b\",code=\"500\"}', values: 0x19 0+15x20 3+15x100}\n";
    let expect = "  expect:
  - {at: 4m30s, burn: {5m: 0.0, 3d: 0.0}, outcome: quiet}
  - {at: 10m, burn: {5m: 9.09}}
  # Both counters begin anew; what they have counted since is counted.
  - {at: 14m, burn: {5m: 9.1 +- 0.1}}\n";
    passes(ERRORS, &format!("{series}{expect}"));
    // Without samples the SLO is blind; a mark of the end ends nothing else.
    passes(
        ERRORS,
        "  series: [{series: 'r_total{code=\"200\"}', values: 0+10x40 stale _x40 400+10x40}]
  expect:
  - {at: 10m, outcome: quiet}
  - {at: 12m, outcome: no_data}
  - {at: 22m, outcome: quiet}\n",
    );
}

#[test]
fn restarts_lose_nothing_and_gaps_are_bridged() {
    passes(
        ERRORS,
        "  traffic: 100rps, 20% errors from 10m for 5m, restart at 12m, gone from 13m for 30s
  expect:
  - {at: 10m, burn: {5m: 0.0}}
  - {at: 15m, burn: {5m: 20.0}}
  - {from: 5m, to: 20m, outcome: never no_data}\n",
    );
    passes(
        ERRORS,
        "  traffic: 100rps, gone from 10m for 10m\n  expect:
  - {at: 15m, outcome: no_data}
  - {at: 18m, blind: firing, message: {to: page, kind: trigger, contains: cannot be evaluated}}
  - {at: 25m, blind: inactive, outcome: quiet}\n"
            .replace(
                ", message: {to: page, kind: trigger, contains: cannot be evaluated}",
                "",
            )
            .as_str(),
    );
}

#[test]
fn operators_silence_and_acknowledge() {
    let definitions = format!("{HEAD}{ERRORS}\n");
    let settings = config::embedded(SETTINGS, &definitions).unwrap().settings;
    let outage = "  traffic: 100rps, 100% errors from 10m for 1h\n";
    let failures = |test: &str| verdict(&definitions, Some(&settings), &format!("{outage}{test}"));
    let paged = "{at: 19m, page: firing, message: {to: day, kind: trigger, count: 1}}";
    let unheard = format!(
        "  expect: [{paged}, {{to: 1h, message: {{to: boss, kind: trigger, count: 1}}}}]\n"
    );
    assert_eq!(failures(&unheard), [""; 0]);
    let heard = "  operators: [{at: 25m, acknowledge: page}]\n";
    let heard =
        format!("{heard}  expect: [{paged}, {{to: 1h, message: {{to: boss, count: 0}}}}]\n");
    assert_eq!(failures(&heard), [""; 0]);
    let silence = "  operators:
  - {at: 5m, silence: {name: work, matchers: service=\"shop\", for: 1h}}
  - {at: 30m, expire: work}
  expect:
  - {to: 29m, message: none}
  - {from: 30m, to: 31m, message: {to: day, kind: trigger}}\n";
    assert_eq!(failures(silence), [""; 0]);
    let early =
        "  operators: [{at: 5m, acknowledge: page}]\n  expect: [{at: 6m, page: inactive}]\n";
    insta::assert_snapshot!(failures(early).join("\n"), @"shop/availability/page fires at 5m, so that somebody can look after it, but it did not fire");
}

#[test]
fn instances_are_told_apart() {
    let definitions = HEAD.replace("sli: ", "group_by: [region]\n  sli: ");
    let sli = "{events: {bad: 'sum by (region) (rate(r_total{code=~\"5..\"}[$window]))', \
               total: 'sum by (region) (rate(r_total[$window]))'}}\n";
    let test = "  traffic:
  - {traffic: 10rps, labels: {region: eu}}
  - {traffic: '10rps, 100% errors from 10m', labels: {region: us}}
  expect:
  - {at: 30m, labels: {region: us}, page: firing, burn: {5m: 100}}
  - {at: 30m, labels: {region: eu}, page: inactive, burn: {5m: 0.0}}
  - {at: 30m, page: firing}
  - {fired: {page: 1}}
  - {at: 30m, burn: {5m: 100}}\n";
    let failures = verdict(&format!("{definitions}{sli}"), None, test);
    insta::assert_snapshot!(failures.join("\n"), @r#"burn over 5m 100 at 30m, but there are 2 instances, such as shop/availability{region="us"} and shop/availability{region="eu"}: name one with labels:"#);
}

#[test]
fn what_does_not_fit_is_refused() {
    let journey = HEAD.replace("availability", "journey")
        + "{journey: [{slo: availability}, {slo: availability2}]}\n---"
        + HEAD
        + ERRORS
        + "\n---"
        + &HEAD.replace("availability", "availability2")
        + ERRORS
        + "\n";
    let test = "  slo: journey\n  traffic: 10rps\n  expect: [{at: 1m, page: inactive}]\n";
    insta::assert_snapshot!(verdict(&journey, None, test).join(""), @r#"
    shop.test.yaml:5:12: error: shop/journey has no traffic of its own
      fix: give traffic to its parts, with slo: one of shop/availability, shop/availability2
    "#);
    let odd = format!(
        "{HEAD}{{events: {{bad: 'r_total{{code=~\"[^0-9a-zA-Z/.-]{{40}}\"}}', total: r_total}}}}\n"
    );
    let test = "  traffic: 10rps\n  expect: [{at: 1m, page: inactive}]\n";
    insta::assert_snapshot!(verdict(&odd, None, test).join(""), @r#"
    shop.test.yaml:4:12: error: no series can be invented for shop/availability
      fix: name those that count the events: good: and bad:
    "#);
    let twice = "  series: &s [{series: r_total, values: 1}, {series: r_total, values: 2}]\n  expect: [{at: 1m, page: inactive}]\n";
    insta::assert_snapshot!(verdict(&format!("{HEAD}{ERRORS}\n"), None, twice).join(""), @r#"
    shop.test.yaml:3:3: error: the series r_total is described twice
      fix: describe it once, or give each its labels
    "#);
}
