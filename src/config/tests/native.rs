//! What the native format can say, key by key: what it becomes, and how mistakes read.

use super::*;
use crate::engine::{Composite, Mode, Slo, WindowQuery};

/// Compiles one file without mistakes or warnings.
fn sound(text: &str) -> Vec<Definition> {
    let (definitions, found) = definitions(&[("a.yaml", text)]);
    assert_eq!(found.to_string(), "", "{text}");
    definitions
}

/// The SLO with these lines in its spec; the first replaces nothing.
fn with_spec(lines: &str) -> String {
    SLO.replacen("  objective", &format!("{lines}\n  objective"), 1)
}

fn spec(lines: &str) -> Slo {
    let definitions = sound(&with_spec(lines));
    (*definitions[0].slo).clone()
}

fn spec_mistake(lines: &str) -> String {
    only(&definitions(&[("a.yaml", with_spec(lines))]).1)
}

/// Another SLI in the same SLO.
fn with_sli(sli: &str) -> String {
    let (before, _) = SLO.split_once("  sli:").unwrap();
    format!("{before}  sli: {sli}\n")
}

fn sli(sli: &str) -> Slo {
    (*sound(&with_sli(sli)).last().unwrap().slo).clone()
}

fn sli_mistake(sli: &str) -> String {
    only(&definitions(&[("a.yaml", with_sli(sli))]).1)
}

#[test]
fn periods_of_every_kind() {
    // Shares that a week is long enough for.
    let policy = "  policy: {vary: {1d: {budget: 20%}, 3d: {budget: 50%}}}";
    let period = |text: &str| {
        let slo = spec(&format!("{policy}\n  period: {text}"));
        slo.period.to_string()
    };
    let shown = [
        "7d",
        "{rolling: 90d}",
        "{calendar: month}",
        "{calendar: week, zone: Europe/Berlin}",
        "{calendar: year, zone: America/New_York}",
        "{events: 10000}",
        "{events: 1, within: 30d}",
    ]
    .map(period);
    insta::assert_snapshot!(shown.join("\n"), @"
    7d
    90d
    month (UTC)
    week (Europe/Berlin)
    year (America/New_York)
    last 10000 events
    last 1 events
    ");
    let Period::Events(last) = spec("  period: {events: 5}").period else {
        panic!("not a number of events");
    };
    assert_eq!((last.events, last.within), (5, Span::from_days(90)));
}

#[test]
fn mistakes_in_periods_have_a_place_and_a_fix() {
    let mistake = |text: &str| spec_mistake(&format!("  period: {text}"));
    insta::assert_snapshot!(mistake("12h"), @"5:11 12h is out of bounds; choose a value from 1d to 400d");
    insta::assert_snapshot!(mistake("401d"), @"5:11 401d is out of bounds; choose a value from 1d to 400d");
    insta::assert_snapshot!(mistake("a month"), @r#"5:11 "a month" is not a duration; write it like 30s, 5m, 1h30m or 30d"#);
    insta::assert_snapshot!(mistake("[30d]"), @"5:11 expected a text, found a list; write one value here");
    insta::assert_snapshot!(mistake("{}"), @"5:11 the period has none of the keys rolling, calendar, events; add one of rolling, calendar, events");
    insta::assert_snapshot!(mistake("{rolling: 1h}"), @"5:21 1h is out of bounds; choose a value from 1d to 400d");
    insta::assert_snapshot!(mistake("{calendar: day}"), @r#"5:22 "day" is not known here; use one of: week, month, quarter, year"#);
    insta::assert_snapshot!(mistake("{calendar: month, zone: Berlin}"), @r#"5:35 "Berlin" is not a time zone; write an IANA name such as Europe/Berlin or UTC"#);
    insta::assert_snapshot!(mistake("{rolling: 30d, calendar: month}"), @"5:11 the period has both rolling and calendar, but they exclude each other; keep one of rolling, calendar, events");
    insta::assert_snapshot!(mistake("{rolling: 30d, zone: UTC}"), @"5:32 zone has no meaning without calendar; remove zone, or add calendar:");
    insta::assert_snapshot!(mistake("{calendar: month, within: 30d}"), @"5:37 within has no meaning without events; remove within, or add events:");
    insta::assert_snapshot!(mistake("{events: 0}"), @"5:20 0 is out of bounds; choose a value from 1 to 1000000000000");
    insta::assert_snapshot!(mistake("{events: -3}"), @"5:20 this is not a whole number; write a number such as 4");
    insta::assert_snapshot!(mistake("{events: 99999999999999999999999999}"), @"5:20 this is not a whole number; write a number such as 4");
    insta::assert_snapshot!(mistake("{events: 3, within: 400000d}"), @"5:31 400000d is out of bounds; choose a value from 1d to 400d");
    insta::assert_snapshot!(mistake("{events: 3, within: 1d}"), @r#"5:11 the policy "sre-workbook" looks back 3d, longer than the period of 1d; choose a period of at least 3d, or a policy of shorter windows"#);
}

fn policy_of(text: &str) -> Policy {
    (*spec(&format!("  policy: {text}")).policy).clone()
}

#[test]
fn an_slo_varies_a_policy() {
    let built_in = Policy::sre_workbook();
    let off = policy_of(
        "{vary: {1d: {disabled: true}, 60m: {severity: ticket, budget: 3%, short: 2m, minimum_events: 9, pending: 1m}}}",
    );
    assert_eq!(off.name, "sre-workbook, varied");
    assert_eq!(off.tiers.len(), 3);
    let first = &off.tiers[0];
    assert_eq!(first.severity, Severity::Ticket);
    assert_eq!(
        (first.long, first.short),
        (Span::from_hours(1), Span::from_mins(2))
    );
    assert_eq!((first.budget_fraction, first.minimum_events), (0.03, 9.0));
    assert_eq!(first.pending, Span::from_mins(1));
    assert_eq!(
        off.tiers[1..],
        [built_in.tiers[1].clone(), built_in.tiers[3].clone()]
    );

    let timing = policy_of(
        "{pending: 2m, hold: 5m, recover: 80%, mode: budget, page_mutes_ticket: false, blind: false, vary: {6h: {pending: 0s}}}",
    );
    let pending: Vec<Span> = timing.tiers.iter().map(|tier| tier.pending).collect();
    let two = Span::from_mins(2);
    assert_eq!(pending, [two, Span::ZERO, two, two]);
    assert_eq!((timing.hold, timing.recover), (Span::from_mins(5), 0.8));
    assert_eq!((timing.mode, timing.blind), (Mode::Budget, None));
    assert!(!timing.page_mutes_ticket);

    let own = policy_of(
        "{tiers: [{severity: page, budget: 2%, long: 1h, short: 1h, labels: {speed: fast}}], blind: {severity: ticket}}",
    );
    assert_eq!(own.tiers.len(), 1);
    assert_eq!(own.tiers[0].long, own.tiers[0].short);
    assert_eq!(own.tiers[0].labels["speed"], "fast");
    let blind = own.blind.unwrap();
    assert_eq!((blind.after_slots, blind.severity), (10, Severity::Ticket));
    assert_eq!(own.budget, built_in.budget);
}

#[test]
fn an_slo_varies_a_policy_of_a_file() {
    let policy = format!("{POLICY}  mode: budget\n  hold: 7m\n  blind: {{after_slots: 3}}\n");
    let slo = with_spec("  policy: {from: p, hold: 9m}");
    let varied = sound(&format!("{policy}---\n{slo}"))[0].slo.policy.clone();
    assert_eq!(
        (varied.mode, varied.hold),
        (Mode::Budget, Span::from_mins(9))
    );
    assert_eq!(varied.tiers.len(), 1);
    assert_eq!(varied.blind.as_ref().unwrap().after_slots, 3);
}

#[test]
fn mistakes_in_an_own_policy_have_a_place_and_a_fix() {
    let mistake = |text: &str| spec_mistake(&format!("  policy: {text}"));
    insta::assert_snapshot!(mistake("{from: nobody}"), @r#"5:18 the policy "nobody" is not defined; use one of: sre-workbook"#);
    insta::assert_snapshot!(mistake("{from: nobody, vary: {5h: {}}}"), @r#"5:18 the policy "nobody" is not defined; use one of: sre-workbook"#);
    insta::assert_snapshot!(mistake("{vary: {2h: {disabled: true}}}"), @r#"5:23 the policy has no tier whose long window is "2h"; vary one of 1h, 6h, 1d, 3d"#);
    insta::assert_snapshot!(mistake("{vary: {soon: {disabled: true}}}"), @r#"5:25 the policy has no tier whose long window is "soon"; vary one of 1h, 6h, 1d, 3d"#);
    insta::assert_snapshot!(mistake("{vary: {1h: {budget: 0}}}"), @"5:32 a tier of no budget would always fire; write the part of the budget that deserves the alert, such as 2%");
    insta::assert_snapshot!(mistake("{vary: {1h: {short: 2h}}}"), @"5:31 the short window 2h is longer than the long one 1h; write short: 5m, a twelfth of the long one");
    insta::assert_snapshot!(mistake("{vary: {1h: {}, 60m: {}}}"), @"5:32 the tiers of 1h are varied twice; keep one of the two");
    insta::assert_snapshot!(mistake("{vary: {1h: {long: 2h}}}"), @r#"5:24 unknown key "long"; use one of: disabled, severity, budget, short, minimum_events, pending"#);
    insta::assert_snapshot!(mistake("{tiers: [], hold: 1m}"), @"5:19 a policy has 1 to 32 tiers, not 0; list the burns that deserve an alert");
    insta::assert_snapshot!(mistake("{tiers: [{severity: page, budget: 2%, long: 1h, short: 5m}], vary: {1h: {}}}"), @"5:78 the policy has both tiers and vary, but they exclude each other; remove vary:, and write the tiers as they shall be");
    insta::assert_snapshot!(mistake("{tiers: [{severity: page, budget: 2%, long: 1h, short: 5m, labels: {a-b: c}}]}"), @r#"5:84 "a-b" is not a label name; use letters, digits and _, not beginning with a digit"#);
    insta::assert_snapshot!(mistake("{mode: fast}"), @r#"5:18 "fast" is not known here; use one of: ratio, budget"#);
    insta::assert_snapshot!(mistake("{tiers: [{severity: page, budget: 2%, long: 40d, short: 5m}]}"), @r#"5:3 the policy "own" looks back 40d, longer than the period of 30d; choose a period of at least 40d, or a policy of shorter windows"#);
}

#[test]
fn alerts_are_named_or_switched_off() {
    let slo = spec(
        "  alerts: {page: {name: Api, labels: {a: b}, annotations: {c: d}}, ticket: {disabled: true}, info: {disabled: true}}",
    );
    let page = &slo.document.alerts[&Severity::Page];
    assert_eq!(page.name.as_deref(), Some("Api"));
    assert_eq!(
        (page.labels["a"].as_str(), page.annotations["c"].as_str()),
        ("b", "d")
    );
    assert_eq!(slo.document.alerts.len(), 1);
    assert!(
        slo.policy
            .tiers
            .iter()
            .all(|tier| tier.severity == Severity::Page)
    );
    assert_eq!(slo.policy.budget, crate::engine::BudgetPolicy::default());
    assert_eq!(slo.policy.blind, Policy::sre_workbook().blind);

    let quiet = spec("  alerts: {page: {disabled: true}}").policy;
    assert_eq!(quiet.blind.as_ref().unwrap().severity, Severity::Ticket);
    let none = spec("  alerts: {page: {disabled: true}, ticket: {disabled: true}}").policy;
    assert_eq!((none.tiers.len(), &none.blind), (0, &None));
    insta::assert_snapshot!(spec_mistake("  alerts: {page: {name: ''}}"), @"5:25 the alert has an empty name; write the name by which receivers know the alert, or remove the key");
    insta::assert_snapshot!(spec_mistake("  alerts: {pager: {}}"), @r#"5:12 unknown key "pager"; did you mean "page"?"#);
    insta::assert_snapshot!(spec_mistake("  alerts: {page: {labels: {a-b: c}}}"), @r#"5:33 "a-b" is not a label name; use letters, digits and _, not beginning with a digit"#);
    insta::assert_snapshot!(spec_mistake("  alerts: {page: {disabled: maybe}}"), @"5:29 expected true or false, found a single value; write true or false");
}

#[test]
fn documents_carry_their_version_and_review() {
    let slo = SLO.replace(
        "owner: me",
        "owner: me, version: 1.10, review_by: 2027-01-31",
    );
    let document = sound(&slo)[0].slo.document.clone();
    assert_eq!(document.version.as_deref(), Some("1.10"));
    assert_eq!(document.review_by.as_deref(), Some("2027-01-31"));
    insta::assert_snapshot!(slo_with("owner: me", "owner: me, review_by: 2027-02-30"), @r#"3:60 "2027-02-30" is not a day; write it as year-month-day, such as 2026-11-21"#);
    insta::assert_snapshot!(slo_with("owner: me", "owner: me, review_by: soon"), @r#"3:60 "soon" is not a day; write it as year-month-day, such as 2026-11-21"#);
}

#[test]
fn an_slo_is_not_weaker_than_its_sla() {
    assert_eq!(spec("  sla: 99.5").sla.unwrap().percent(), 99.5);
    insta::assert_snapshot!(spec_mistake("  sla: 99.95"), @"6:14 the objective 99.9 is weaker than the SLA 99.95; promise more than the contract does, so that there is time to act");
    insta::assert_snapshot!(spec_mistake("  sla: 100"), @"5:8 100 is not an objective: it must lie between 0 and 100 percent, both excluded; write a percentage such as 99.9; 100 would leave no budget to burn");
}

/// SLOs of one service, each with one more line in its spec.
fn family(members: &[(&str, &str)]) -> String {
    let member = |(name, line): &(&str, &str)| {
        with_spec(line).replace("name: api", &format!("name: {name}"))
    };
    members.iter().map(member).collect::<Vec<_>>().join("---\n")
}

#[test]
fn dependencies_are_resolved() {
    let text = family(&[
        ("a", "  depends_on: [b, shop/c]"),
        ("b", "  depends_on: [c]"),
        ("c", ""),
    ]);
    let shown: Vec<String> = sound(&text)
        .iter()
        .map(|definition| format!("{:?}", definition.slo.document.depends_on))
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    [SloId("shop/b"), SloId("shop/c")]
    [SloId("shop/c")]
    []
    "#);
}

#[test]
fn dependencies_that_lead_nowhere_or_in_a_circle() {
    let (loaded, found) = definitions(&[(
        "a.yaml",
        family(&[
            ("first", "  depends_on: [frist, other/thing]"),
            ("self", "  depends_on: [self]"),
            ("x", "  depends_on: [y]"),
            ("y", "  depends_on: [z, z]"),
            ("z", "  depends_on: [x, /, first]"),
        ]),
    )]);
    insta::assert_snapshot!(found, @r#"
    a.yaml:5:16: warning: the SLO shop/frist is not defined
      fix: did you mean "shop/first"?
    a.yaml:5:23: warning: the SLO other/thing is not defined
      fix: write service/name of an SLO that is loaded beside this one
    a.yaml:13:16: error: depends_on leads in a circle: shop/self -> shop/self
      fix: remove one of these dependencies: a cause has an end
    a.yaml:29:19: error: shop/z is listed twice
      fix: remove one
    a.yaml:37:16: error: depends_on leads in a circle: shop/x -> shop/y -> shop/z -> shop/x
      fix: remove one of these dependencies: a cause has an end
    a.yaml:37:19: error: "/" is not the name of an SLO
      fix: write service/name, or only the name of an SLO of the same service
    "#);
    assert!(loaded[0].slo.document.depends_on.is_empty());
}

#[test]
fn event_pairs_of_every_kind() {
    let shown = |text: &str| match sli(text).indicator {
        Indicator::Counters { bad, total } => {
            let side = |terms: &[crate::engine::Term]| {
                let terms = terms.iter();
                let shown = terms.map(|term| format!("{:+} {}", term.coefficient, term.selector));
                shown.collect::<Vec<_>>().join(" ")
            };
            format!("{}  of  {}", side(&bad), side(&total))
        }
        Indicator::Windows(WindowQuery::Events {
            bad,
            total,
            counted,
        }) => {
            let minute = Span::from_mins(1);
            format!(
                "{}  of  {}  counted: {counted}",
                bad.render(minute),
                total.render(minute)
            )
        }
        other => format!("{other:?}"),
    };
    insta::assert_snapshot!(shown("{events: {good: ok, bad: failed}}"), @"+1 failed  of  +1 ok +1 failed");
    insta::assert_snapshot!(shown("{events: {good: 'sum(rate(ok[$window]))', bad: 'sum(rate(failed[$window]))'}}"), @"+1 failed  of  +1 ok +1 failed");
    insta::assert_snapshot!(shown("{events: {good: 'max(rate(ok[$window]))', bad: 'sum(rate(failed[$window]))'}}"), @"sum(rate(failed[1m]))  of  ((sum(rate(failed[1m]))) + (max(rate(ok[1m])))) or (sum(rate(failed[1m]))) or (max(rate(ok[1m])))  counted: false");
    insta::assert_snapshot!(shown("{events: {good: 'max(rate(ok[$window]))', total: 'sum(rate(a[$window]))'}}"), @"((sum(rate(a[1m]))) - (max(rate(ok[1m])))) or (sum(rate(a[1m])))  of  sum(rate(a[1m]))  counted: false");
    insta::assert_snapshot!(shown("{events: {bad: 'a{x=\"1\"}', total: a, exclude: ['{path=\"/healthz\"}']}}"), @r#"+1 a{path!="/healthz",x="1"}  of  +1 a{path!="/healthz"}"#);
    insta::assert_snapshot!(shown("{events: {bad: 'a{x=\"1\"}', total: a, exclude: ['{path=\"/x\", method=\"GET\"}', '{x=\"2\"}']}}"), @r#"+1 a{method!="GET",x="1"} +1 a{method="GET",path!="/x",x="1"}  of  +1 a{method!="GET",x!="2"} +1 a{method="GET",path!="/x",x!="2"}"#);
    insta::assert_snapshot!(shown("{latency: {histogram: h, threshold: 300ms, exclude: ['{path=~\"/a|/b\"}']}}"), @r#"+1 h_count{path!~"/a|/b"} -1 h_bucket{le="0.3",path!~"/a|/b"}  of  +1 h_count{path!~"/a|/b"}"#);
    insta::assert_snapshot!(shown("{latency: {histogram: h, threshold: 300ms, native: true}}"), @"histogram_count(sum(increase(h[1m]))) * (1 - histogram_fraction(-Inf, 0.3, sum(increase(h[1m])))) >= 0  of  histogram_count(sum(increase(h[1m])))  counted: true");
    insta::assert_snapshot!(shown("{latency: {histogram: 'h{a=\"b\"}', threshold: 1s, native: true, exclude: ['{p=\"1\", q=\"2\"}']}}"), @r#"histogram_count(sum(increase(h{a="b",p!="1"}[1m]) or increase(h{a="b",p="1",q!="2"}[1m]))) * (1 - histogram_fraction(-Inf, 1, sum(increase(h{a="b",p!="1"}[1m]) or increase(h{a="b",p="1",q!="2"}[1m])))) >= 0  of  histogram_count(sum(increase(h{a="b",p!="1"}[1m]) or increase(h{a="b",p="1",q!="2"}[1m])))  counted: true"#);
    let grouped = with_sli("{latency: {histogram: h, threshold: 300ms, native: true}}")
        .replace("  objective", "  group_by: [a, b]\n  objective");
    let Indicator::Windows(WindowQuery::Events { total, .. }) = &sound(&grouped)[0].slo.indicator
    else {
        panic!("not asked per window");
    };
    assert_eq!(
        total.render(Span::from_mins(5)),
        "histogram_count(sum by (a, b) (increase(h[5m])))"
    );
}

#[test]
fn mistakes_in_slis_have_a_place_and_a_fix() {
    insta::assert_snapshot!(sli_mistake("{events: {bad: a, good: b, total: c}}"), @"6:17 bad, good and total say the same twice; remove one of the three");
    insta::assert_snapshot!(sli_mistake("{events: {good: b}}"), @"6:17 events has good alone; add total: or bad:");
    insta::assert_snapshot!(sli_mistake("{events: {}}"), @"6:17 events has none of the keys bad, good, total; add two of bad, good, total");
    insta::assert_snapshot!(sli_mistake("{events: {bad: a, total: b, exclude: ['path=\"x\"']}}"), @r#"6:46 this is not a list of matchers in braces; write label matchers in braces, such as {path="/healthz"}"#);
    insta::assert_snapshot!(sli_mistake("{events: {bad: a, total: b, exclude: ['{}']}}"), @r#"6:46 no label is matched, so everything would be excluded; write label matchers in braces, such as {path="/healthz"}"#);
    insta::assert_snapshot!(sli_mistake("{events: {bad: a, total: b, exclude: ['{path=}']}}"), @r#"6:46 not valid PromQL: invalid promql query; write label matchers in braces, such as {path="/healthz"}"#);
    insta::assert_snapshot!(sli_mistake("{events: {bad: 'a{x=\"1\"}', total: 'a{x=~\"1|2\",y=\"3\"}', exclude: ['{y=\"3\"}']}}"), @r#"6:72 everything is excluded; remove exclude: and write the matchers into the queries, such as path!="/healthz""#);
    insta::assert_snapshot!(sli_mistake("{events: {bad: 'max(rate(a[$window]))', total: 'sum(rate(b[$window]))', exclude: ['{x=\"1\"}']}}"), @r#"6:89 only sums of counters can be taken apart to exclude something; remove exclude: and write the matchers into the queries, such as path!="/healthz""#);
    insta::assert_snapshot!(sli_mistake("{events: {bad: 'h_bucket{le=\"1\"}', total: h_count}}"), @r#"6:36 Prometheus 3 stores le="1" as "1.0"; write le=~"1(\\.0)?", which matches both"#);
    insta::assert_snapshot!(sli_mistake("{latency: {histogram: 'h{le=\"1\"}', threshold: 1s, native: true}}"), @"6:30 the bound comes from the threshold: remove the matcher on `le`; correct the PromQL; try it in the Prometheus UI first");
    insta::assert_snapshot!(sli_mistake("{latency: {histogram: h, threshold: 1s, native: often}}"), @"6:56 expected true or false, found a single value; write true or false");
    insta::assert_snapshot!(sli_mistake("{time_slices: {}}"), @"6:22 time_slices has none of the keys condition, good_ratio, events; add one of condition, good_ratio, events");
    insta::assert_snapshot!(sli_mistake("{time_slices: {condition: 'a > 1', good_ratio: b}}"), @"6:22 time_slices has both condition and good_ratio, but they exclude each other; keep one of condition, good_ratio, events");
    insta::assert_snapshot!(sli_mistake("{time_slices: {condition: 'a > 1', target: 95%}}"), @"6:51 target has no meaning without events; remove target, or add events:");
    insta::assert_snapshot!(sli_mistake("{time_slices: {good_ratio: 'a > 1'}}"), @"6:35 a comparison is no share of good events: write it as condition: instead; correct the PromQL; try it in the Prometheus UI first");
    insta::assert_snapshot!(sli_mistake("{time_slices: {events: {bad: a, total: b}, target: 0}}"), @"6:59 with a target of 0 no slice would be bad; write the share of good events that makes a slice good, such as 95%");
    insta::assert_snapshot!(sli_mistake("{time_slices: {events: {bad: 'sum by (x) (rate(a[$window]))', total: 'sum(rate(b[$window]))'}}}"), @"6:37 the two queries group by different labels, so their series would never match; correct the PromQL; try it in the Prometheus UI first");
    insta::assert_snapshot!(sli_mistake("{time_slices: {events: {bad: 'max(rate(a[5m]))', total: 'sum(rate(b[$window]))'}}}"), @"6:48 [5m] measures the same window for every tier: write [$window]; correct the PromQL; try it in the Prometheus UI first");
    insta::assert_snapshot!(sli_mistake("{time_slices: {events: {bad: a, total: b, exclude: ['{x=\"1\"}']}}}"), @r#"6:59 only sums of counters can be taken apart to exclude something; remove exclude: and write the matchers into the queries, such as path!="/healthz""#);
    insta::assert_snapshot!(sli_mistake("{ratio: {error_ratio: 'a[$window]', good_ratio: b}}"), @"6:16 ratio has both error_ratio and good_ratio, but they exclude each other; keep one of error_ratio, good_ratio");
    insta::assert_snapshot!(sli_mistake("{ratio: {good_ratio: 'avg(b)'}}"), @"6:29 the ratio is not a plain quotient of sums, so the query must say where the window goes: write a range as [$window]; correct the PromQL; try it in the Prometheus UI first");
}

#[test]
fn some_periods_and_modes_need_counts() {
    let direct = "{ratio: {error_ratio: 'avg_over_time(a[$window])'}}";
    let mistake = |line: &str| {
        let text = with_sli(direct).replacen("  objective", &format!("{line}\n  objective"), 1);
        only(&definitions(&[("a.yaml", text)]).1)
    };
    insta::assert_snapshot!(mistake("  period: {events: 1000}"), @"5:11 the query yields a ratio, so there are no events that the period could count; write the SLI as sums of counters, or choose a length of time such as 30d");
    insta::assert_snapshot!(mistake("  policy: {mode: budget}"), @"5:11 the query yields a ratio, so mode: budget has no events to weigh; write the SLI as sums of counters, or choose a policy of mode: ratio");
    let native = with_sli("{latency: {histogram: h, threshold: 1s, native: true}}");
    sound(&native.replacen(
        "  objective",
        "  period: {events: 10}\n  policy: {mode: budget}\n  objective",
        1,
    ));
}

fn condition(text: &str) -> String {
    let Indicator::Slices {
        condition,
        slice,
        graded,
    } = sli(text).indicator
    else {
        panic!("not slices: {text}");
    };
    promql_parser::parser::parse(&condition).unwrap();
    format!("every {slice}, graded {graded}: {condition}")
}

#[test]
fn slices_of_every_kind() {
    insta::assert_snapshot!(condition("{time_slices: {condition: a < 1}}"), @"every 1m, graded false: a < bool 1");
    insta::assert_snapshot!(condition("{time_slices: {good_ratio: 'avg_over_time(a[$window])', slice: 5m}}"), @"every 5m, graded true: ((avg_over_time(a[5m])) >= 0) or ((avg_over_time(a[5m])) != bool (avg_over_time(a[5m])))");
    insta::assert_snapshot!(condition("{time_slices: {events: {bad: a, total: b}}}"), @"every 1m, graded true: (((sum(increase(b[1m]))) - (sum(increase(a[1m])))) / ((sum(increase(b[1m]))) > 0)) or ((sum(increase(b[1m]))) >= bool 0)");
    insta::assert_snapshot!(condition("{time_slices: {events: {good: a, total: b}, target: 95%}}"), @"every 1m, graded false: (((sum(increase(a[1m]))) / ((sum(increase(b[1m]))) > 0)) >= bool 0.95) or ((sum(increase(b[1m]))) == bool 0)");
    insta::assert_snapshot!(condition("{time_slices: {events: {good: 'sum(rate(a[$window])) # x', bad: 'rate(b[$window])'}}}"), @"
    every 1m, graded true: ((sum(rate(a[1m])) # x
    ) / (((sum(rate(b[1m]))) + (sum(rate(a[1m])) # x
    )) > 0)) or ((sum(rate(a[1m])) # x
    ) >= bool 0) or ((sum(rate(b[1m]))) == bool 0)
    ");
    insta::assert_snapshot!(condition("{time_slices: {events: {bad: 'sum(rate(a[$window]))', total: 'sum(rate(b[$window]))'}, target: 0.99, slice: 90s}}"), @"every 1m30s, graded false: ((((sum(rate(b[1m30s]))) - (sum(rate(a[1m30s])))) / ((sum(rate(b[1m30s]))) > 0)) >= bool 0.99) or ((sum(rate(b[1m30s]))) >= bool 0)");
    insta::assert_snapshot!(condition("{time_slices: {events: {good: 'scalar(a) * $window', total: 'max(rate(b[$window]))'}}}").replace("$window", "?"), @"every 1m, graded true: (vector(scalar(a) * 1m) / ((max(rate(b[1m]))) > 0)) or ((max(rate(b[1m]))) == bool 0)");
}

#[test]
fn ratios_of_good_events() {
    assert_eq!(
        sli("{ratio: {good_ratio: 'sum(rate(a[$window])) / sum(rate(b[$window]))'}}").indicator,
        sli("{events: {good: a, total: b}}").indicator,
    );
    assert_eq!(
        sli("{ratio: {good_ratio: '1 - sum(rate(a[$window])) / sum(rate(b[$window]))'}}").indicator,
        sli("{events: {bad: a, total: b}}").indicator,
    );
    let Indicator::Windows(WindowQuery::Ratio { error_ratio }) =
        sli("{ratio: {good_ratio: 'avg_over_time(a[$window])'}}").indicator
    else {
        panic!("not a ratio");
    };
    assert_eq!(
        error_ratio.render(Span::from_mins(5)),
        "1 - (avg_over_time(a[5m]))"
    );
}

fn composite(slo: &Slo) -> &Composite {
    match &slo.indicator {
        Indicator::Composite(composite) => composite,
        other => panic!("not a composite: {other:?}"),
    }
}

const JOURNEY: &str = "apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: buy, owner: me, runbook: 'https://example.com'}
spec:
  objective: 99
  period: 60d
  sli:
    journey:
      - slo: api
      - {name: pay, sli: {events: {bad: pay_errors, total: pays}}}
";

#[test]
fn journeys_are_made_of_parts() {
    // The composite stands before its part.
    let all = sound(&format!("{JOURNEY}---\n{SLO}"));
    let ids: Vec<&str> = all.iter().map(|one| one.slo.id.as_str()).collect();
    assert_eq!(ids, ["shop/buy.pay", "shop/buy", "shop/api"]);
    let [pay, buy, api] = [&all[0].slo, &all[1].slo, &all[2].slo];
    let parts: Vec<&str> = composite(buy)
        .parts
        .iter()
        .map(|part| part.slo.as_str())
        .collect();
    assert_eq!(parts, ["shop/api", "shop/buy.pay"]);
    assert_eq!(*pay.policy, Policy::silent());
    assert_eq!(pay.reach, buy.reach);
    assert_eq!(
        (pay.period.clone(), pay.objective),
        (buy.period.clone(), buy.objective)
    );
    // The shared part is read as far back as the composite reads.
    assert_eq!(api.reach.period, Span::from_days(60));
    assert_eq!(api.period, Period::Rolling(Span::from_days(30)));
    assert_eq!(
        all[1].path_reason,
        "it is the product of its steps, whose windows are read"
    );
}

#[test]
fn weighted_parts_have_weights() {
    let text = JOURNEY
        .replace("journey", "weighted")
        .replace("slo: api", "{slo: shop/api, weight: 2.5}");
    let all = sound(&format!("{text}---\n{SLO}"));
    let weights: Vec<f64> = composite(&all[1].slo)
        .parts
        .iter()
        .map(|part| part.weight)
        .collect();
    assert_eq!(weights, [2.5, 1.0]);
}

#[test]
fn mistakes_in_composites_have_a_place_and_a_fix() {
    let mistake = |from: &str, to: &str| {
        assert!(JOURNEY.contains(from), "{from}");
        let text = JOURNEY.replacen(from, to, 1);
        only(&definitions(&[("a.yaml", format!("{SLO}---\n{text}"))]).1)
    };
    insta::assert_snapshot!(mistake("slo: api", "slo: apu"), @r#"16:14 the SLO shop/apu is not defined; did you mean "shop/api"?"#);
    insta::assert_snapshot!(mistake("slo: api", "slo: other/api"), @"16:14 the SLO other/api is not defined; write service/name of an SLO that is loaded beside this one");
    insta::assert_snapshot!(mistake("slo: api", "slo: buy"), @"16:14 shop/buy is a composite itself; list its parts here instead");
    insta::assert_snapshot!(mistake("slo: api", "slo: /a/b"), @r#"16:14 "/a/b" is not the name of an SLO; write service/name, or only the name of an SLO of the same service"#);
    insta::assert_snapshot!(mistake("slo: api", "slo: buy.pay"), @"17:9 shop/buy.pay is a part twice; remove one");
    insta::assert_snapshot!(mistake("slo: api", "{slo: api, sli: {events: {}}}"), @"16:9 the step has both slo and sli, but they exclude each other; keep one of slo, sli");
    insta::assert_snapshot!(mistake("slo: api", "{}"), @"16:9 the step has none of the keys slo, sli; add one of slo, sli");
    insta::assert_snapshot!(mistake("slo: api", "{slo: api, weight: 2}"), @"16:28 every step of a journey weighs the same; remove weight:, or write weighted: instead of journey:");
    insta::assert_snapshot!(mistake("slo: api", "{slo: api, name: x}"), @"16:26 name has no meaning without sli; remove name, or add sli:");
    insta::assert_snapshot!(mistake("      - slo: api\n", ""), @"16:7 a composite has 2 to 20 parts, not 1; list what must work together, or write the only part as the sli itself");
    insta::assert_snapshot!(mistake("name: pay, ", ""), @r#"17:9 the step lacks the key "name"; add name:"#);
    insta::assert_snapshot!(mistake("name: pay", &format!("name: {}", "p".repeat(60))), @r#"17:16 the name of this part, "buy.pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp", is longer than a name may be; shorten the name of the step or of the SLO: 63 characters for both and a dot"#);
    insta::assert_snapshot!(mistake("{events: {bad: pay_errors, total: pays}}", "{journey: [{slo: a}, {slo: b}]}"), @"17:26 a part cannot be a composite itself; list the steps of the inner one here instead");
    insta::assert_snapshot!(mistake("{bad: pay_errors, total: pays}", "{bad: pays, total: pays}"), @"17:41 both queries count the same events, so the ratio never changes; correct the PromQL; try it in the Prometheus UI first");
    insta::assert_snapshot!(mistake("60d", "60d\n  policy: {mode: budget}"), @"14:11 a composite has no events of its own that mode: budget could weigh; choose a policy of mode: ratio; the parts may have one of mode: budget");
    insta::assert_snapshot!(mistake("60d", "{events: 100}"), @"13:11 a composite has no events of its own that the period could count; write a length of time, such as 30d");
    insta::assert_snapshot!(mistake("    journey:\n      - slo: api\n", "    weighted:\n      - {slo: api, weight: 0}\n"), @"16:28 0 is not a weight; write a number above 0, such as 1 or 2.5");
    let twenty_one: String = (0..21).map(|n| format!("      - slo: s{n}\n")).collect();
    insta::assert_snapshot!(mistake("      - slo: api\n", &twenty_one), @"16:7 a composite has 2 to 20 parts, not 22; list what must work together, or write the only part as the sli itself");
}

#[test]
fn groups_of_composites_and_parts_fit() {
    let grouped = |whole: &str, part: &str, sli: &str| {
        let whole = JOURNEY.replace("  objective", &format!("  group_by: {whole}\n  objective"));
        let part =
            with_sli(sli).replace("  objective", &format!("  group_by: {part}\n  objective"));
        definitions(&[("a.yaml", format!("{whole}---\n{part}"))]).1
    };
    let counters = "{events: {bad: a, total: b}}";
    let ratio = "{ratio: {error_ratio: 'avg_over_time(a[$window])'}}";
    for (whole, part, sli) in [
        ("[a]", "[a]", counters),
        ("[a]", "[]", counters),
        ("[a]", "[b, a]", counters),
        ("[]", "[a]", counters),
        ("[a]", "[a]", ratio),
        ("[a]", "[]", ratio),
    ] {
        let found = grouped(whole, part, sli);
        assert_eq!(found.to_string(), "", "{whole} of {part}");
    }
    insta::assert_snapshot!(only(&grouped("[a, b]", "[b]", counters)), @r#"10:14 the composite is grouped by "a", but shop/api is grouped by other labels only; group the part by all of a, b, or by nothing if it is shared"#);
    insta::assert_snapshot!(only(&grouped("[a]", "[b]", counters)), @r#"10:14 the composite is grouped by "a", but shop/api is grouped by other labels only; group the part by all of a, or by nothing if it is shared"#);
    insta::assert_snapshot!(only(&grouped("[a]", "[a, b]", ratio)), @"10:14 shop/api is grouped by more labels than the composite, and its ratios cannot be added up; group both by the same labels, or write the part as sums of counters");
}

#[test]
fn composites_with_broken_parts_are_reported_once() {
    let part = SLO.replace("99.9", "999");
    let (loaded, found) = definitions(&[("a.yaml", format!("{JOURNEY}---\n{part}"))]);
    let ids: Vec<&str> = loaded.iter().map(|one| one.slo.id.as_str()).collect();
    assert_eq!((ids, found.errors()), (vec!["shop/buy.pay"], 1), "{found}");
    let (_, found) = definitions(&[("a.yaml", JOURNEY), ("b.yaml", "{")]);
    assert_eq!(found.errors(), 1, "{found}");
}

const DEFAULTS: &str = "apiVersion: slofuse/v1
kind: Defaults
metadata:
  service: shop
  owner: team-shop
  runbook: https://example.com/all
  labels: {team: shop, tier: '1'}
  annotations: {chat: '#shop'}
spec:
  period: 7d
  policy: {hold: 9m}
  alerts: {page: {name: Burning, labels: {a: '1', b: '1'}}, ticket: {disabled: true}}
";

const BARE: &str = "apiVersion: slofuse/v1
kind: SLO
metadata: {name: bare}
spec:
  objective: 99
  sli: {events: {bad: a, total: b}}
";

#[test]
fn defaults_hold_for_the_documents_of_their_file() {
    let all = sound(&format!("{BARE}---\n{DEFAULTS}"));
    let slo = &all[0].slo;
    assert_eq!(slo.id.as_str(), "shop/bare");
    assert_eq!(slo.document.owner.as_deref(), Some("team-shop"));
    assert_eq!(
        slo.document.runbook.as_deref(),
        Some("https://example.com/all")
    );
    assert_eq!(slo.document.annotations["chat"], "#shop");
    assert_eq!(slo.period, Period::Rolling(Span::from_days(7)));
    assert_eq!(slo.policy.hold, Span::from_mins(9));
    assert!(
        slo.policy
            .tiers
            .iter()
            .all(|tier| tier.severity == Severity::Page)
    );

    let own = BARE
        .replace("{name: bare}", "{name: bare, owner: me, labels: {tier: '2'}}")
        .replace("  objective", "  period: 90d\n  policy: sre-workbook\n  alerts: {page: {labels: {b: '2', c: '2'}}, ticket: {disabled: false}}\n  objective");
    let all = sound(&format!("{DEFAULTS}---\n{own}"));
    let slo = &all[0].slo;
    assert_eq!(slo.document.owner.as_deref(), Some("me"));
    assert_eq!(
        format!("{:?}", slo.document.labels),
        r#"{"team": "shop", "tier": "2"}"#
    );
    assert_eq!(slo.period, Period::Rolling(Span::from_days(90)));
    assert_eq!(*slo.policy, Policy::sre_workbook());
    let page = &slo.document.alerts[&Severity::Page];
    assert_eq!(page.name.as_deref(), Some("Burning"));
    assert_eq!(
        format!("{:?}", page.labels),
        r#"{"a": "1", "b": "2", "c": "2"}"#
    );
}

#[test]
fn defaults_of_a_file_of_nothing_else_hold_below_their_directory() {
    let owner = |name: &str| DEFAULTS.replace("team-shop", name);
    let files = [
        ("./rules/defaults.yaml", owner("outer")),
        ("rules/deep/defaults.yaml", owner("inner")),
        ("rules/a.yaml", BARE.replace("bare", "a")),
        ("rules/deep/down/b.yaml", BARE.replace("bare", "b")),
        (
            "rules/deep/c.yaml",
            format!("{}---\n{}", BARE.replace("bare", "c"), owner("own")),
        ),
        (
            "other/d.yaml",
            BARE.replace("{name: bare}", "{service: x, name: d}"),
        ),
    ];
    let (all, found) = definitions(&files);
    assert_eq!((found.errors(), found.warnings()), (0, 2), "{found}");
    let owners: Vec<String> = all
        .iter()
        .map(|one| format!("{} {:?}", one.slo.id, one.slo.document.owner))
        .collect();
    insta::assert_snapshot!(owners.join("\n"), @r#"
    shop/a Some("outer")
    shop/b Some("inner")
    shop/c Some("own")
    x/d None
    "#);
}

#[test]
fn mistakes_in_defaults_are_reported_once_where_they_are() {
    let wrong = DEFAULTS
        .replace("7d", "7h")
        .replace("{hold: 9m}", "{from: nobody, vary: {1h: {budget: 0}}}")
        .replace("a: '1'", "a-b: '1'")
        .replace("https", "htp")
        .replace("  owner: team-shop\n", "");
    let one = BARE.replace("bare", "one");
    let files = [
        ("a/defaults.yaml", wrong),
        ("a/b.yaml", format!("{BARE}---\n{one}")),
    ];
    insta::assert_snapshot!(definitions(&files).1, @r#"
    a/b.yaml:3:11: warning: nobody owns this SLO
      fix: add owner: with the team that answers for it
    a/b.yaml:10:11: warning: nobody owns this SLO
      fix: add owner: with the team that answers for it
    a/defaults.yaml:5:12: error: this is not an http or https URL
      fix: write a whole URL that begins with http:// or https://
    a/defaults.yaml:9:11: error: 7h is out of bounds
      fix: choose a value from 1d to 400d
    a/defaults.yaml:10:18: error: the policy "nobody" is not defined
      fix: use one of: sre-workbook
    a/defaults.yaml:11:48: error: "a-b" is not a label name
      fix: use letters, digits and _, not beginning with a digit
    "#);
    // Nobody uses these.
    assert_eq!(definitions(&files[..1]).1.errors(), 4);
    let files = [
        ("a/x.yaml", DEFAULTS.to_owned()),
        ("a/y.yaml", DEFAULTS.to_owned()),
        ("a/z.yaml", format!("{BARE}---\n{DEFAULTS}---\n{DEFAULTS}")),
    ];
    insta::assert_snapshot!(definitions(&files).1, @"
    a/y.yaml:1:1: error: this directory has two sets of defaults, the first at a/x.yaml:1:1
      fix: make one of the two
    a/z.yaml:21:1: error: this file has two sets of defaults, the first at a/z.yaml:8:1
      fix: make one of the two
    ");
}

#[test]
fn a_policy_beside_slos_is_used() {
    let (_, found) = definitions(&[("a.yaml", format!("{SLO}---\n{POLICY}"))]);
    insta::assert_snapshot!(found, @r#"
    a.yaml:8:1: note: no SLO uses the policy "p"
      fix: choose it with policy: p, or remove it
    "#);
    // A file of policies is a library, and a policy may be meant for another file.
    let user = with_spec("  policy: {from: p}").replace("name: api", "name: user");
    sound(POLICY);
    let files = [("a.yaml", format!("{SLO}---\n{POLICY}")), ("b.yaml", user)];
    assert_eq!(definitions(&files).1.to_string(), "");
}

#[test]
fn a_misspelt_key_is_not_also_missed() {
    insta::assert_snapshot!(slo_with("objective:", "objctive:"), @r#"5:3 unknown key "objctive"; did you mean "objective"?"#);
    insta::assert_snapshot!(slo_with("total:", "totl:"), @r#"6:39 unknown key "totl"; did you mean "total"?"#);
    insta::assert_snapshot!(slo_with("metadata:", "metdata:"), @r#"3:1 unknown key "metdata"; did you mean "metadata"?"#);
    insta::assert_snapshot!(spec_mistake("  period: {calender: month}"), @r#"5:12 unknown key "calender"; did you mean "calendar"?"#);
    insta::assert_snapshot!(settings_with("definitions:", "definition:"), @r#"1:1 unknown key "definition"; did you mean "definitions"?"#);
}

#[test]
fn a_list_of_documents_is_as_many_documents() {
    let item = |text: &str| {
        let indented: Vec<String> = text.lines().map(|line| format!("\n  {line}")).collect();
        format!("-{}\n", indented.concat())
    };
    let all = sound(&format!(
        "{}{}",
        item(SLO),
        item(&BARE.replace(
            "{name: bare}",
            "{service: x, name: y, owner: z, runbook: 'https://example.com'}"
        ))
    ));
    assert_eq!(all.len(), 2);
    let json = r#"[{"apiVersion": "slofuse/v1", "kind": "SLO",
        "metadata": {"service": "a", "name": "b", "owner": "c", "runbook": "https://example.com"},
        "spec": {"objective": 99.5, "sli": {"events": {"bad": "x", "total": "y"}}}}]"#;
    assert_eq!(sound(json)[0].slo.id.as_str(), "a/b");
    let (_, found) = definitions(&[("a.yaml", "- [1]\n- x\n-\n")]);
    assert_eq!(found.errors(), 3, "{found}");
}

/// Every key of the native format, each at least once.
pub(super) const EVERYTHING: &str = include_str!("everything.yaml");

#[test]
fn every_key_is_understood() {
    let all = sound(EVERYTHING);
    assert_eq!(all.len(), 13);
    let missing = decode::seen::never_written();
    assert!(
        missing.is_empty(),
        "everything.yaml does not show {missing:?}"
    );
}

#[test]
fn many_references_are_linear() {
    let mut text = String::new();
    for number in 0..3000 {
        let line = format!(
            "  depends_on: [api-{}, missing-{number}]",
            (number + 1) % 3001
        );
        let member = with_spec(&line).replace("name: api", &format!("name: api-{number}"));
        writeln!(text, "---\n{member}").unwrap();
    }
    let (all, found) = definitions(&[("a.yaml", text)]);
    assert_eq!(
        (all.len(), found.errors(), found.warnings()),
        (3000, 0, 3001)
    );
}
