//! Feeds and merged selectors: few queries, and no series that goes unasked.

use proptest::prelude::*;

use super::*;
use crate::config::promql::{self, EventTexts};
use crate::engine::{
    Combination, Composite, Document, Labels, Objective, Part, Period, Policy, Reach,
};

fn slo(name: &str, indicator: Indicator) -> Arc<Slo> {
    Arc::new(Slo {
        id: SloId::new("svc", name),
        service: "svc".to_owned(),
        name: name.to_owned(),
        objective: Objective::from_percent(99.9).unwrap(),
        sla: None,
        period: Period::Rolling(Span::from_days(30)),
        indicator,
        group_by: Vec::new(),
        policy: Arc::new(Policy::sre_workbook()),
        reach: Reach::new(
            &Policy::sre_workbook(),
            &Period::Rolling(Span::from_days(30)),
        ),
        document: Document::default(),
    })
}

fn events(name: &str, bad: &str, total: &str) -> Arc<Slo> {
    slo(
        name,
        promql::events(EventTexts::BadOfTotal { bad, total })
            .unwrap()
            .indicator,
    )
}

fn show(feeds: &[Feed]) -> String {
    let feed = |feed: &Feed| {
        let slos: Vec<&str> = feed.slos.iter().map(SloId::as_str).collect();
        let polls = feed.polls.iter().map(|poll| format!("\n  {poll}"));
        format!(
            "{} [{}]{}",
            feed.key,
            slos.join(" "),
            polls.collect::<String>()
        )
    };
    feeds.iter().map(feed).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_hundred_services_are_one_query() {
    let of = |i: usize| {
        let total = format!(r#"requests_total{{service="svc-{i}"}}"#);
        let bad = total.replace('}', r#",code=~"5.."}"#);
        events(&i.to_string(), &bad, &total)
    };
    let slos: Vec<Arc<Slo>> = (0..100).map(of).collect();
    let feeds = feeds(&slos);
    let [feed] = feeds.as_slice() else {
        panic!("{}", show(&feeds));
    };
    assert_eq!((feed.slos.len(), feed.polls.len()), (100, 1));
    let query = feed.polls[0].query(Span::from_secs(75));
    assert!(
        query.starts_with(r#"requests_total{service=~"svc\\-0|svc\\-1|svc\\-10|"#),
        "{query}"
    );
    assert!(query.ends_with(r#"|svc\\-99"}[1m15s]"#), "{query}");
}

#[test]
fn slos_that_share_a_metric_are_fed_together() {
    let histogram = promql::latency(r#"seconds{job="a"}"#, 0.3).unwrap();
    let slow = promql::latency(r#"seconds{job="a"}"#, 1.0).unwrap();
    let condition = promql::condition("up", Span::from_mins(1)).unwrap();
    let direct = promql::ratio("avg_over_time(errors[$window])").unwrap();
    let step = |name| Part {
        slo: SloId::new("svc", name),
        weight: 1.0,
    };
    let journey = Indicator::Composite(Composite {
        combination: Combination::Journey,
        parts: vec![step("up"), step("direct")],
    });
    let slos = [
        slo("slow", slow.indicator),
        slo("fast", histogram.indicator),
        events("chain-1", "a", "b"),
        events("chain-2", "c", "b"),
        events("chain-3", r#"c{x!="1"}"#, "d"),
        events("alone", r#"e{a="",b!="2"}"#, r#"e{a="x y",b!="2"}"#),
        events("pattern", r#"{__name__=~"d|f",x="1"}"#, "g"),
        slo("up", condition.indicator),
        slo("direct", direct.indicator),
        slo("journey", journey),
    ];
    let planned = feeds(&slos);
    insta::assert_snapshot!(show(&planned), @r#"
    composite:svc/journey [svc/journey]
    direct:svc/direct [svc/direct]
    exact:a [svc/chain-1 svc/chain-2 svc/chain-3 svc/pattern]
      a
      b
      c
      d
      g
      {__name__=~"d|f",x="1"}
    exact:e [svc/alone]
      e{a=~"|x y",b!="2"}
    exact:seconds_bucket [svc/fast svc/slow]
      seconds_bucket{job="a",le=~"1|1\\.0"}
      seconds_count{job="a"}
      seconds_bucket{job="a",le="0.3"}
    slices:svc/up [svc/up]
    "#);
    let mut reversed = slos;
    reversed.reverse();
    assert_eq!(
        feeds(&reversed),
        planned,
        "the order of the slos does not matter"
    );
    assert_eq!(feeds(&[]), []);
}

#[test]
fn ten_thousand_slos_of_one_metric_are_planned_at_once() {
    let of = |i: usize| {
        let total = format!(
            r#"requests_total{{service="service-{i}",job="job-{}"}}"#,
            i % 7
        );
        events(
            &i.to_string(),
            &total.replace('}', r#",code="500"}"#),
            &total,
        )
    };
    let slos: Vec<Arc<Slo>> = (0..10_000).map(of).collect();
    let feeds = feeds(&slos);
    let polls = &feeds[0].polls;
    assert_eq!(feeds.len(), 1);
    assert!(polls.len() <= 27, "{} polls", polls.len());
    for poll in polls {
        assert!(poll.query(Span::from_hours(2)).len() <= 16 << 10);
    }
}

fn matchers() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "c"]);
    let op = prop::sample::select(vec!["=", "=", "=", "!=", "=~", "!~"]);
    let value = prop::sample::select(vec!["", "1", "2", "1|2", "a.b", "a+b", "(1)", ".*", ".+"]);
    (name, op, value).prop_map(|(name, op, value)| format!("{name}{op}\"{value}\""))
}

fn selectors() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["x", "x", "y", "z", r#"{__name__=~"x|y""#]);
    (name, prop::collection::vec(matchers(), 0..4)).prop_map(|(name, matchers)| {
        let matchers = matchers.join(",");
        match name.strip_prefix('{') {
            Some(pattern) if matchers.is_empty() => format!("{{{pattern}}}"),
            Some(pattern) => format!("{{{pattern},{matchers}}}"),
            None => format!("{name}{{{matchers}}}"),
        }
    })
}

fn series() -> impl Strategy<Value = Labels> {
    let value = || prop::sample::select(vec!["", "1", "2", "1|2", "a.b", "axb", "a+b", "(1)"]);
    let name = prop::sample::select(vec!["x", "y", "z"]);
    (name, value(), value(), value()).prop_map(|(name, a, b, c)| {
        Labels::new([(METRIC_NAME, name), ("a", a), ("b", b), ("c", c)])
    })
}

proptest! {
    #[test]
    fn every_series_of_an_slo_is_polled_by_its_feed(
        pairs in prop::collection::vec((selectors(), selectors()), 1..12),
        series in prop::collection::vec(series(), 20),
    ) {
        let mut slos: Vec<Arc<Slo>> = Vec::new();
        for (at, (bad, total)) in pairs.iter().enumerate() {
            if let Ok(classified) = promql::events(EventTexts::GoodOfTotal { good: bad, total }) {
                slos.push(slo(&at.to_string(), classified.indicator));
            }
        }
        let feeds = feeds(&slos);
        let fed: usize = feeds.iter().map(|feed| feed.slos.len()).sum();
        prop_assert_eq!(fed, slos.len(), "each slo has one feed");
        for slo in &slos {
            let feed = feeds.iter().find(|feed| feed.slos.contains(&slo.id)).unwrap();
            let Indicator::Counters { bad, total } = &slo.indicator else {
                continue;
            };
            for term in bad.iter().chain(total) {
                for labels in series.iter().filter(|labels| term.selector.matches(labels)) {
                    let polled = feed.polls.iter().any(|p| p.selector().matches(labels));
                    prop_assert!(polled, "{} {:?}", term.selector, labels);
                }
            }
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn no_joined_text_exceeds_the_bounds(
        values in prop::collection::btree_set("[a-z.\"\\\\\n]{1,120}", 1..600),
    ) {
        let selectors: Vec<Selector> = values
            .iter()
            .map(|value| {
                let equal = |name: &str, value: &str| Matcher {
                    name: name.to_owned(),
                    op: MatchOp::Equal(value.to_owned()),
                };
                Selector::new(vec![equal(METRIC_NAME, "x"), equal("a", value)])
            })
            .collect();
        let polls = merge(selectors.iter().collect());
        for poll in &polls {
            prop_assert!(poll.query(Span::from_millis(i64::MAX)).len() <= 16 << 10);
        }
        for value in &values {
            let labels = Labels::new([(METRIC_NAME, "x"), ("a", value)]);
            prop_assert!(polls.iter().any(|poll| poll.selector().matches(&labels)));
        }
        prop_assert!(polls.len() <= values.len() / 60 + 1, "{} polls", polls.len());
    }
}
