//! `slofuse route`: the way of an alert through the routes, as people and programs read it.

use serde_json::Value;

use super::cli::run;

const SETTINGS: &str = r#"definitions: [slo.yaml]
receivers:
  - {name: pager, console: {}}
  - {name: chat, console: {}}
  - {name: boss, console: {}}
  - {name: team, console: {}}
route:
  receivers: [chat]
  routes:
    - name: pages
      matchers: ['slofuse_severity="page"']
      continue: true
      receivers: [pager]
      labels: {room: war}
      escalate: [{after: 15m, receivers: [boss]}]
    - matchers: ['service=~"shop|cart"', 'slofuse_severity="ticket"']
      to_owner: true
      group_by: [service]
      repeat_interval: 4h
      active_time_intervals: [working-hours]
owners:
  payments: {default: [team]}
time_intervals:
  - name: working-hours
    intervals:
      - {weekdays: ['monday:friday'], times: [{start_time: '09:00', end_time: '17:00'}], location: Europe/Berlin}
"#;

const SLO: &str = r#"apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: api, owner: payments, runbook: "https://example.com"}
spec:
  objective: 99.9
  group_by: [region]
  sli: {events: {bad: 'errors_total', total: 'requests_total'}}
"#;

/// Runs a command of `route` on the settings; the name of the file is left out of the report.
fn route(settings: &str, command: &str, arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("slofuse.yaml");
    std::fs::write(&file, settings).unwrap();
    std::fs::write(folder.path().join("slo.yaml"), SLO).unwrap();
    let file = file.to_str().unwrap();
    let all = [&["route", command, "--config", file], arguments].concat();
    let (code, out, err) = run(&all);
    let folder = format!("{}/", folder.path().display());
    (code, out.replace(&folder, ""), err.replace(&folder, ""))
}

#[test]
fn the_tree_is_shown() {
    let (code, out, err) = route(SETTINGS, "show", &[]);
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!(out, @r#"
    route everything -> chat
      pages {slofuse_severity="page"} -> pager, continues
      route[1] {service=~"shop|cart", slofuse_severity="ticket"} -> the owner's receivers, or chat, by [service]
    "#);
    let (_, out, _) = route(SETTINGS, "show", &["--format", "json"]);
    let tree: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(tree["routes"][1]["repeat_interval"], "4h");
    assert_eq!(tree["routes"][0]["group_by"][0], "...");
    assert_eq!(tree["routes"][0]["escalate"][0]["after"], "15m");
}

#[test]
fn the_way_of_an_alert_is_shown_with_its_reasons() {
    let monday = ["--at", "2026-11-23T12:00:00+01:00"];
    let ticket = ["service=shop", "severity=ticket", "owner=payments"];
    let (code, out, err) = route(SETTINGS, "test", &[&ticket[..], &monday[..]].concat());
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!(out, @r#"
    {owner="payments", service="shop", severity="ticket", slofuse_severity="ticket"}

    route: matches
      pages {slofuse_severity="page"}: no: "ticket" is not slofuse_severity="page"
      route[1] {service=~"shop|cart", slofuse_severity="ticket"}: takes it

    route[1]
      tells      team (of the owner payments)
      together   with those of {service="shop"}
      waits      30s for the first, then 5m between news; pages never
      repeats    every 4h
      rests      outside working-hours: monday:friday, 09:00-17:00, Europe/Berlin
    "#);
    let (_, out, _) = route(SETTINGS, "test", &["--slo", "shop/api", "region=eu"]);
    insta::assert_snapshot!(out, @r#"
    {alertname="SLOBurn", owner="payments", region="eu", service="shop", severity="page", slo="api", slofuse_severity="page", sloth_service="shop", sloth_severity="page", sloth_slo="api"}

    route: matches
      pages {slofuse_severity="page"}: takes it, and its siblings are asked too
      route[1] {service=~"shop|cart", slofuse_severity="ticket"}: no: "page" is not slofuse_severity="ticket"

    pages
      tells      pager
      together   with no other alert
      repeats    never
      adds       room="war"
      escalates  after 15m to boss
    "#);
}

#[test]
fn times_at_which_a_route_rests_are_told_apart() {
    let ticket = ["service=shop", "severity=ticket"];
    let at = |time: &str| {
        let arguments = [&ticket[..], &["--at", time, "--format", "json"]].concat();
        let (_, out, _) = route(SETTINGS, "test", &arguments);
        let value: Value = serde_json::from_str(&out).unwrap();
        (value["told"].clone(), value["routes"][0]["rests"].clone())
    };
    let (told, rests) = at("2026-11-23T12:00:00+01:00");
    assert_eq!((told, rests), (serde_json::json!(["chat"]), Value::Null));
    let (told, rests) = at("2026-11-22T12:00:00+01:00");
    assert_eq!(told, serde_json::json!([]));
    assert_eq!(rests, "outside working-hours");
}

#[test]
fn expectations_are_exit_codes() {
    let page = ["severity=page", "service=x"];
    let expect = |who: &str| {
        let arguments = [&page[..], &["--expect", who]].concat();
        let (code, _, err) = route(SETTINGS, "test", &arguments);
        (code, err)
    };
    assert_eq!(expect("pager"), (0, String::new()));
    let (code, err) = expect("pager,chat");
    assert_eq!(code, 1);
    insta::assert_snapshot!(err, @"slofuse: told: pager; expected: chat, pager");
    let (code, _, err) = route(SETTINGS, "test", &["--slo", "shop/apj"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!(err, @r#"slofuse: there is no SLO "shop/apj"; did you mean "shop/api"?"#);
    let broken = SETTINGS.replace("[chat]", "[caht]");
    let (code, _, err) = route(&broken, "test", &page);
    assert_eq!(code, 2);
    assert!(err.contains("did you mean \"chat\"?"), "{err}");
    for wrong in [
        &["severity"][..],
        &["=x"],
        &[],
        &["a=b", "--severity", "loud"],
        &["a=b", "--at", "noon"],
    ] {
        let (code, _, err) = route(SETTINGS, "test", wrong);
        assert_eq!(code, 64, "{err}");
    }
}
