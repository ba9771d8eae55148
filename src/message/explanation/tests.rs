//! What is said where counts, traffic, windows or policies are not the usual ones.

use std::sync::Arc;

use super::*;
use crate::engine::burn::judge;
use crate::engine::{
    Counts, Document, Indicator, Objective, Outcome, Period, Policy, Reach, Reading, Tier,
    TierFacts, TierStatus,
};

const NOON: Timestamp = Timestamp::from_secs(1_772_366_400);

/// One tier that pages for this share of the budget of 30 days.
fn slo(objective: f64, budget_fraction: f64, minimum_events: f64) -> Slo {
    let usual = Policy::sre_workbook();
    let tier = Tier {
        budget_fraction,
        minimum_events,
        ..usual.tiers[0].clone()
    };
    let policy = Policy {
        tiers: vec![tier],
        ..usual
    };
    let period = Period::Rolling(Span::from_days(30));
    Slo {
        id: SloId::new("shop", "api"),
        service: "shop".to_owned(),
        name: "api".to_owned(),
        objective: Objective::from_percent(objective).unwrap(),
        sla: None,
        indicator: Indicator::Counters {
            bad: Vec::new(),
            total: Vec::new(),
        },
        group_by: Vec::new(),
        reach: Reach::new(&policy, &period),
        period,
        policy: Arc::new(policy),
        document: Document::default(),
    }
}

/// The slot of an instance with these readings, of 1h and 5m.
fn evaluation(slo: &Slo, long: Reading, short: Reading) -> Evaluation {
    let id = InstanceId {
        slo: slo.id.clone(),
        labels: Labels::empty(),
    };
    let tier = &slo.policy.tiers[0];
    let factor = tier.factor(Span::from_days(30));
    let verdict = judge(tier, factor, 1.0, &long, &short);
    let outcome = match verdict {
        Verdict::Burning => Outcome::Burning,
        Verdict::Unknown => Outcome::NoData,
        _ => Outcome::Quiet,
    };
    Evaluation {
        readings: vec![short, long],
        tiers: vec![TierStatus {
            severity: tier.severity,
            verdict,
            facts: TierFacts {
                long: tier.long,
                short: tier.short,
                factor,
                budget_fraction: tier.budget_fraction,
                long_burn: long.burn.unwrap_or(0.0),
                short_burn: short.burn.unwrap_or(0.0),
                bad_events: None,
                total_events: None,
            },
        }],
        newest: Some(NOON),
        fresh: true,
        detail: None,
        ..Evaluation::blank(id, NOON, outcome, String::new())
    }
}

/// What is said of the only tier.
fn of_tier(slo: &Slo, evaluation: &Evaluation) -> String {
    let explanation = explain(&Present {
        slo,
        id: &evaluation.id,
        evaluation: Some(evaluation),
        alerts: &[],
        routing: &Routing::default(),
        silences: &[],
        now: NOON,
    });
    explanation.tiers[0].says.join("\n")
}

fn counted(slo: &Slo, long: (f64, f64), short: (f64, f64)) -> String {
    let reading =
        |window, (bad, total)| Reading::from_counts(window, Counts { bad, total }, slo.objective);
    let (long, short) = (
        reading(Span::from_hours(1), long),
        reading(Span::from_mins(5), short),
    );
    of_tier(slo, &evaluation(slo, long, short))
}

#[test]
fn one_window_alone_does_not_fire() {
    let slo = slo(99.0, 0.02, 5.0);
    let over = counted(&slo, (900.0, 1_000.0), (0.0, 100.0));
    let young = counted(&slo, (90.0, 1_000.0), (90.0, 100.0));
    insta::assert_snapshot!([over, young].join("\n\n"), @r#"
    1h: 900 of 1,000 events bad (90%), burn 90x; it takes 145.
    5m: 0 of 100 events bad (0%), burn 0x; it takes 15.
    Quiet: the last 5m are not above 14.4x, so it is no longer going on.
    Fires when 15 more of the newest events are bad. A complete outage takes about 45s for that.

    1h: 90 of 1,000 events bad (9%), burn 9x; it takes 145.
    5m: 90 of 100 events bad (90%), burn 90x; it takes 15.
    Quiet: the last 1h are not above 14.4x, so it does not matter yet.
    Fires when 55 more of the newest events are bad. A complete outage takes about 2m 45s for that.
    "#);
}

#[test]
fn little_traffic_is_told() {
    let slo = slo(99.0, 0.02, 5.0);
    let few = counted(&slo, (3.0, 40.0), (3.0, 3.0));
    let fewer = counted(&slo, (3.0, 4.0), (3.0, 3.0));
    let none = counted(&slo, (0.0, 0.0), (0.0, 0.0));
    let idle = counted(&slo, (0.0, 10.0), (0.0, 0.0));
    insta::assert_snapshot!([few, fewer, none, idle].join("\n\n"), @r#"
    1h: 3 of 40 events bad (7.5%), burn 7.5x; it takes 6.
    5m: 3 of 3 events bad (100%), burn 100x; it takes 1.
    Quiet: the last 1h are not above 14.4x, so it does not matter yet.
    Fires when 3 more of the newest events are bad. A complete outage takes about 5m for that.

    1h: 3 of 4 events bad (75%), burn 75x.
    5m: 3 of 3 events bad (100%), burn 100x; it takes 1.
    Does not fire: both windows are above 14.4x, but it takes 5 bad events.
    Cannot fire at this traffic: it takes 5 bad events, and there are 4 events in 1h.

    1h: no events, burn 0x.
    5m: no events, burn 0x.
    Quiet: neither window is above 14.4x.
    Without events nothing can fire.

    1h: 0 of 10 events bad (0%), burn 0x; it takes 5.
    5m: no events, burn 0x.
    Quiet: neither window is above 14.4x.
    Without events nothing can fire.
    "#);
}

#[test]
fn a_tier_that_can_never_fire_says_so() {
    // 20 % of the budget in an hour is 144 times as fast; an outage burns 100 times as fast.
    let slo = slo(99.0, 0.2, 5.0);
    let never = counted(&slo, (0.0, 1_000.0), (0.0, 100.0));
    let ratio = |window| Reading::from_ratio(window, Some(0.5), slo.objective);
    let (long, short) = (ratio(Span::from_hours(1)), ratio(Span::from_mins(5)));
    let ratios = of_tier(&slo, &evaluation(&slo, long, short));
    insta::assert_snapshot!([never, ratios].join("\n\n"), @r#"
    1h: 0 of 1,000 events bad (0%), burn 0x.
    5m: 0 of 100 events bad (0%), burn 0x.
    Quiet: neither window is above 144x.
    Can never fire: a complete outage burns 100x, and that is not above 144x.

    1h: error ratio 50%, burn 50x.
    5m: error ratio 50%, burn 50x.
    Quiet: neither window is above 144x.
    Can never fire: a complete outage burns 100x, and that is not above 144x.
    "#);
}

#[test]
fn ratios_have_no_events_to_count() {
    let slo = slo(99.9, 0.02, 5.0);
    let ratio = |window, ratio| Reading::from_ratio(window, Some(ratio), slo.objective);
    let said = |long, short| {
        let (long, short) = (
            ratio(Span::from_hours(1), long),
            ratio(Span::from_mins(5), short),
        );
        of_tier(&slo, &evaluation(&slo, long, short))
    };
    insta::assert_snapshot!([said(0.0002, 0.0), said(0.5, 0.5)].join("\n\n"), @r#"
    1h: error ratio 0.02%, burn 0.2x.
    5m: error ratio 0%, burn 0x.
    Quiet: neither window is above 14.4x.
    Fires when the error ratio is above 1.44% over both 1h and 5m.

    1h: error ratio 50%, burn 500x.
    5m: error ratio 50%, burn 500x.
    Burns: both windows are above 14.4x.
    Stops burning about 4m 51s after the last failure (at most 5m). The alert outlives the last tier that burns by 1m.
    "#);
}

#[test]
fn a_window_that_is_not_covered_says_when_it_will_be() {
    let slo = slo(99.9, 0.02, 5.0);
    let counts = Counts {
        bad: 50.0,
        total: 100.0,
    };
    let short = Reading::from_counts(Span::from_mins(5), counts, slo.objective);
    let long = Reading::uncovered(Span::from_hours(1));
    let evaluation = Evaluation {
        covered_from: Some(NOON - Span::from_mins(40)),
        ..evaluation(&slo, long, short)
    };
    insta::assert_snapshot!(of_tier(&slo, &evaluation), @r#"
    1h: history is known for 40m of it, all of it at 2026-03-01 12:20:00 UTC.
    5m: 50 of 100 events bad (50%), burn 500x.
    Unknown: what is known does not settle it.
    Nothing fires by it before its windows are known.
    "#);
}

#[test]
fn in_budget_mode_the_usual_traffic_counts() {
    let slo = slo(99.0, 0.02, 5.0);
    let reading = |window, bad, total, usual| {
        Reading::from_usual(window, Counts { bad, total }, usual, slo.objective)
    };
    let said = |bad: f64| {
        let long = reading(Span::from_hours(1), bad, 2_000.0, 1_000.0);
        let short = reading(Span::from_mins(5), bad, 200.0, 83.0);
        of_tier(&slo, &evaluation(&slo, long, short))
    };
    insta::assert_snapshot!([said(10.0), said(160.0)].join("\n\n"), @r#"
    1h: 10 of 2,000 events bad (0.5%), burn 1x; it takes 145.
    5m: 10 of 200 events bad (5%), burn 12.05x; it takes 12.
    Quiet: neither window is above 14.4x.
    Fires when 135 more of the newest events are bad. A complete outage takes about 3m 22s for that.

    1h: 160 of 2,000 events bad (8%), burn 16x.
    5m: 160 of 200 events bad (80%), burn 193x.
    Burns: both windows are above 14.4x.
    Stops burning about 4m 37s after the last failure (at most 5m). The alert outlives the last tier that burns by 1m.
    "#);
}

#[test]
fn hostile_texts_stay_on_their_line() {
    let slo = slo(99.0, 0.02, 5.0);
    let detail = format!("refused\r\n\u{1b}[2J{}", "x".repeat(10_000));
    let id = InstanceId {
        slo: slo.id.clone(),
        labels: Labels::empty(),
    };
    let evaluation = Evaluation::blank(id, NOON, Outcome::Failed, detail);
    let explanation = explain(&Present {
        slo: &slo,
        id: &evaluation.id,
        evaluation: Some(&evaluation),
        alerts: &[],
        routing: &Routing::default(),
        silences: &[],
        now: NOON,
    });
    for said in explanation.sight.says.iter().chain([&explanation.summary]) {
        assert!(!said.contains(char::is_control), "{said}");
        assert!(said.chars().count() < 500, "{said}");
    }
}
