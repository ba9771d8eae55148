//! An outage of a known shape, explained before, while and after it.

use super::*;
use crate::engine::labels::METRIC_NAME;
use crate::engine::{Labels, Outcome, RawSeries, Sample, Span, Verdict};
use crate::replay::MemoryReel;
use crate::replay::player::tests::rehearsal;

const SLO: &str = r#"
apiVersion: slofuse/v1
kind: SLO
metadata: {service: shop, name: availability}
spec:
  objective: 99
  period: 30d
  group_by: [zone]
  sli:
    events:
      bad: requests_total{code=~"5.."}
      total: requests_total
  policy: patient
---
apiVersion: slofuse/v1
kind: Policy
metadata: {name: patient}
spec:
  tiers:
    - {severity: page, long: 1h, short: 5m, budget: 2%, pending: 2m}
  hold: 3m
"#;

const BEGIN: Timestamp = Timestamp::from_secs(1_700_006_400);

pub(in crate::replay) fn script() -> Script {
    rehearsal(SLO)
}

/// Two zones with ten requests a second each for a day and six hours; in `eu` all fail from one
/// hour after the beginning on, for 20 minutes.
pub(in crate::replay) fn shop() -> MemoryReel {
    let series = |zone: &str, code: &str, rate: &dyn Fn(i64) -> f64| {
        let labels = [
            (METRIC_NAME, "requests_total"),
            ("job", "shop"),
            ("instance", zone),
            ("zone", zone),
            ("code", code),
        ];
        let mut value = 0.0;
        let samples = (-86_400 / 15..6 * 3_600 / 15).map(|scrape| {
            let second = scrape * 15;
            value += 15.0 * rate(second);
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
    let fails = |second: i64| match 3_600 < second && second <= 4_800 {
        true => 10.0,
        false => 0.0,
    };
    MemoryReel::new(vec![
        series("eu", "200", &|second| 10.0 - fails(second)),
        series("eu", "500", &fails),
        series("us", "200", &|_| 10.0),
        series("us", "500", &|_| 0.0),
    ])
}

/// The slot so many seconds after the beginning.
pub(in crate::replay) fn at(reel: MemoryReel, seconds: i64) -> PastExplanation {
    let script = script();
    let question = Question {
        slo: &script.slos[0].id,
        labels: &[],
        limit: 1,
        from: BEGIN,
        at: BEGIN + Span::from_secs(seconds),
    };
    let mut reel = reel;
    explain(&script, &mut reel, &question).unwrap()
}

/// Everything that is said, a sentence a line.
fn said(past: &PastExplanation) -> String {
    let one = &past.instances[0];
    let mut said = vec![one.instance.clone(), one.summary.clone()];
    for alert in &one.alerts {
        said.extend(alert.says.iter().map(|says| format!("  alert: {says}")));
    }
    for tier in &one.tiers {
        said.extend(
            tier.says
                .iter()
                .map(|says| format!("  {}: {says}", tier.tier)),
        );
    }
    let budget = one.budget.iter().flat_map(|budget| &budget.says);
    said.extend(budget.map(|says| format!("  budget: {says}")));
    said.extend(one.sight.says.iter().map(|says| format!("  sight: {says}")));
    said.extend(
        one.recent
            .says
            .iter()
            .map(|says| format!("  slots: {says}")),
    );
    let events = past.timeline.iter();
    said.extend(events.map(|event| format!("{} {}", event.at, event.says)));
    said.join("\n")
}

#[test]
fn what_is_quiet_says_what_would_fire_it() {
    insta::assert_snapshot!(said(&at(shop(), 3_600)), @r#"
    shop/availability{zone="us"}
    No alert is up; the nearest tier is the page's 1h/5m, at 0% of its threshold.
      alert: The page alert is not up: no page tier burns.
      alert: Route page leads to somebody.
      alert: The info alert is not up: no threshold of the budget is crossed.
      alert: Route info leads to somebody.
      1h/5m: 1h: 0 of 36,000 events bad (0%), burn 0x; it takes 5,185.
      1h/5m: 5m: 0 of 3,000 events bad (0%), burn 0x; it takes 433.
      1h/5m: Quiet: neither window is above 14.4x.
      1h/5m: Fires when 5,185 more of the newest events are bad, and go on so for 2m. A complete outage takes about 8m 38s for that.
      budget: 0% of the 30d budget is consumed: 0 of the 259,200 bad events that are allowed.
      budget: The events of 0.42% of the period are known; the rest is estimated by them.
      budget: At the present burn it does not run out.
      budget: 259,200 more bad events exhaust it.
      budget: The next notice is due at 50%, after 129,600 more bad events.
      budget: A notice is also due when the longest window's burn exhausts it within 3d.
      sight: The newest sample is 0s old.
      slots: The last 20 slots: 20 quiet.
    "#);
}

#[test]
fn what_is_pending_says_until_when() {
    insta::assert_snapshot!(said(&at(shop(), 4_200)), @r#"
    shop/availability{zone="eu"}
    The page alert is pending since 2023-11-15 01:09:00 UTC: it fires in 1m (2023-11-15 01:11:00 UTC) if it burns until then.
      alert: The page alert is pending since 2023-11-15 01:09:00 UTC: it fires in 1m (2023-11-15 01:11:00 UTC) if it burns until then.
      alert: Route page leads to somebody.
      alert: The info alert is up since 2023-11-15 01:06:00 UTC: at the present burn nothing is left of the 30d budget in 2d 23h.
      alert: Route info leads to somebody.
      alert: somebody was told once, last at 2023-11-15 01:06:00 UTC.
      1h/5m: 1h: 6,000 of 36,000 events bad (16.67%), burn 16.67x.
      1h/5m: 5m: 3,000 of 3,000 events bad (100%), burn 100x.
      1h/5m: Burns: both windows are above 14.4x.
      1h/5m: Stops burning after 5,667 more good events, or about 4m 16s after the last failure (at most 5m). The alert outlives the last tier that burns by 3m.
      budget: 2.31% of the 30d budget is consumed: 6,000 of the 259,200 bad events that are allowed.
      budget: The events of 0.44% of the period are known; the rest is estimated by them.
      budget: At the present burn nothing is left in 1d 18h.
      budget: 253,200 more bad events exhaust it.
      budget: The next notice is due at 50%, after 123,600 more bad events.
      budget: A notice is also due when the longest window's burn exhausts it within 3d.
      sight: The newest sample is 0s old.
      slots: The last 20 slots: 3 burning, 17 quiet.
    2023-11-15T01:06:00.000Z fires: budget exhausted in 2d 23h at this burn
    2023-11-15T01:09:00.000Z pending: burning
    "#);
}

#[test]
fn what_fires_says_what_ends_it() {
    let past = at(shop(), 4_800);
    insta::assert_snapshot!(said(&past), @r#"
    shop/availability{zone="eu"}
    The page alert is up since 2023-11-15 01:09:00 UTC: tier 1h/5m burns.
      alert: The page alert is up since 2023-11-15 01:09:00 UTC: tier 1h/5m burns.
      alert: Route page leads to somebody.
      alert: somebody was told once, last at 2023-11-15 01:11:00 UTC.
      alert: The info alert is up since 2023-11-15 01:06:00 UTC: at the present burn nothing is left of the 30d budget in 2d 23h.
      alert: Route info leads to somebody.
      alert: somebody was told once, last at 2023-11-15 01:06:00 UTC.
      1h/5m: 1h: 12,000 of 36,000 events bad (33.33%), burn 33.33x.
      1h/5m: 5m: 3,000 of 3,000 events bad (100%), burn 100x.
      1h/5m: Burns: both windows are above 12.96x (it fires above 14.4x).
      1h/5m: Stops burning after 20,149 more good events, or about 4m 21s after the last failure (at most 5m). The alert outlives the last tier that burns by 3m.
      budget: 4.63% of the 30d budget is consumed: 12,000 of the 259,200 bad events that are allowed.
      budget: The events of 0.46% of the period are known; the rest is estimated by them.
      budget: At the present burn nothing is left in 20h 36m.
      budget: 247,200 more bad events exhaust it.
      budget: The next notice is due at 50%, after 117,600 more bad events.
      budget: A notice is also due when the longest window's burn exhausts it within 3d.
      sight: The newest sample is 0s old.
      slots: The last 20 slots: 20 burning.
    2023-11-15T01:06:00.000Z fires: budget exhausted in 2d 23h at this burn
    2023-11-15T01:09:00.000Z pending: burning
    2023-11-15T01:11:00.000Z fires: burning
    "#);
    let others: Vec<&str> = past
        .others
        .iter()
        .map(|one| one.instance.as_str())
        .collect();
    assert_eq!(
        (past.total, others),
        (2, vec![r#"shop/availability{zone="us"}"#])
    );
}

#[test]
fn what_is_held_says_until_when() {
    let mut reel = 0;
    // The first slot after the last that burned.
    let held = (4_800..6_000).step_by(30).find_map(|second| {
        reel += 1;
        let past = at(shop(), second);
        past.instances[0].alerts[0].hold_until.map(|_| past)
    });
    insta::assert_snapshot!(said(&held.expect("a held alert")), @r#"
    shop/availability{zone="eu"}
    The page alert is up since 2023-11-15 01:09:00 UTC and held: nothing burns since 2023-11-15 01:24:30 UTC; it resolves at 2023-11-15 01:27:30 UTC unless something burns again.
      alert: The page alert is up since 2023-11-15 01:09:00 UTC and held: nothing burns since 2023-11-15 01:24:30 UTC; it resolves at 2023-11-15 01:27:30 UTC unless something burns again.
      alert: Route page leads to somebody.
      alert: somebody was told once, last at 2023-11-15 01:11:00 UTC.
      alert: The info alert is up since 2023-11-15 01:06:00 UTC: at the present burn nothing is left of the 30d budget in 2d 23h.
      alert: Route info leads to somebody.
      alert: somebody was told once, last at 2023-11-15 01:06:00 UTC.
      1h/5m: 1h: 12,000 of 36,000 events bad (33.33%), burn 33.33x; it takes 4,666.
      1h/5m: 5m: 300 of 3,000 events bad (10%), burn 10x; it takes 389.
      1h/5m: Quiet: the last 5m are not above 12.96x, so it is no longer going on.
      1h/5m: Burns when 89 more of the newest events are bad. A complete outage takes about 8s for that.
      budget: 4.63% of the 30d budget is consumed: 12,000 of the 259,200 bad events that are allowed.
      budget: The events of 0.47% of the period are known; the rest is estimated by them.
      budget: At the present burn nothing is left in 20h 36m.
      budget: 247,200 more bad events exhaust it.
      budget: The next notice is due at 50%, after 117,600 more bad events.
      budget: A notice is also due when the longest window's burn exhausts it within 3d.
      sight: The newest sample is 0s old.
      slots: The last 20 slots: 19 burning, 1 quiet.
    2023-11-15T01:06:00.000Z fires: budget exhausted in 2d 23h at this burn
    2023-11-15T01:09:00.000Z pending: burning
    2023-11-15T01:11:00.000Z fires: burning
    "#);
}

#[test]
fn what_nobody_saw_fires_and_resolves_nothing() {
    let outage = (BEGIN + Span::from_secs(4_700), BEGIN + Span::from_hours(9));
    let reel = shop().with_outage(outage.0, outage.1);
    insta::assert_snapshot!(said(&at(reel, 4_800)), @r#"
    shop/availability{zone="eu"}
    The page alert is up since 2023-11-15 01:09:00 UTC: tier 1h/5m burns. It cannot resolve while nothing is seen.
      alert: The page alert is up since 2023-11-15 01:09:00 UTC: tier 1h/5m burns. It cannot resolve while nothing is seen.
      alert: Route page leads to somebody.
      alert: somebody was told once, last at 2023-11-15 01:11:00 UTC.
      alert: The info alert is up since 2023-11-15 01:06:00 UTC: at the present burn nothing is left of the 30d budget in 2d 23h. It cannot resolve while nothing is seen.
      alert: Route info leads to somebody.
      alert: somebody was told once, last at 2023-11-15 01:06:00 UTC.
      1h/5m: 1h: 10,800 of 34,800 events bad (31.03%), burn 31.03x.
      1h/5m: 5m: 1,800 of 1,800 events bad (100%), burn 100x.
      1h/5m: Burns: both windows are above 12.96x (it fires above 14.4x).
      1h/5m: It neither fires nor ends on what nobody saw.
      budget: 4.21% of the 30d budget is consumed: 10,800 of the 256,614 bad events that are allowed.
      budget: The events of 0.46% of the period are known; the rest is estimated by them.
      budget: At the present burn nothing is left in 22h 13m.
      budget: 245,815 more bad events exhaust it.
      budget: The next notice is due at 50%, after 117,508 more bad events.
      budget: A notice is also due when the longest window's burn exhausts it within 3d.
      sight: The newest sample is 2m old.
      sight: Nothing was decided: the source does not answer.
      sight: Nothing was seen for 4 slots in a row; 6 more make an alert.
      slots: The last 20 slots: 16 burning, 4 failed.
    2023-11-15T01:06:00.000Z fires: budget exhausted in 2d 23h at this burn
    2023-11-15T01:09:00.000Z pending: burning
    2023-11-15T01:11:00.000Z fires: burning
    "#);
}

#[test]
fn the_number_that_fires_it_does() {
    let past = at(shop(), 3_600);
    let tier = &past.instances[0].tiers[0];
    assert_eq!(past.instances[0].outcome, Some(Outcome::Quiet));
    assert_eq!(tier.verdict, Verdict::Quiet);
    // 14.4 times 1 % of 36 000 are 5184, of 3000 in the short window 432: one more than either.
    assert_eq!(tier.long.bad_needed, Some(5_185));
    assert_eq!(tier.short.bad_needed, Some(433));
    assert_eq!(tier.bad_to_fire, Some(5_185));
    // Ten requests a second.
    assert_eq!(
        tier.outage_to_fire.map(|time| time.0),
        Some(Span::from_millis(518_500))
    );
}
