//! What was put in is what the engine counts, whatever the metrics look like.

use std::sync::Arc;

use proptest::prelude::*;

use super::plan::PlanWish;
use super::*;
use crate::engine::labels::METRIC_NAME;
use crate::engine::{Counts, Labels, RawSeries, Sample, SloId, Span, Timestamp};
use crate::replay::player::tests::rehearsal;
use crate::replay::{Journal, MemoryReel, Player, Reel, Script};

const BEGIN: Timestamp = Timestamp::from_secs(1_700_006_400);
const HOUR: Span = Span::from_hours(1);

/// An SLO of these events, paged by one tier.
fn script(events: &str) -> Script {
    script_of(&format!("{{events: {events}}}"))
}

/// The same for an SLI of any kind.
fn script_of(sli: &str) -> Script {
    let definitions = format!(
        r#"
apiVersion: slofuse/v1
kind: SLO
metadata: {{service: shop, name: api}}
spec:
  objective: 99.9
  policy:
    tiers: [{{severity: page, budget: 2%, long: 1h, short: 5m}}, {{severity: ticket, budget: 5%, long: 6h, short: 30m}}]
  sli: {sli}
"#
    );
    rehearsal(&definitions)
}

/// One counter of one target: events per scrape, by the number of the scrape since `BEGIN`.
struct Line {
    labels: Vec<(&'static str, &'static str)>,
    instance: &'static str,
    rate: fn(i64) -> f64,
    /// It restarts from zero at this scrape.
    reset: Option<i64>,
    /// It does not exist before this one.
    since: i64,
}

impl Line {
    fn new(labels: &[(&'static str, &'static str)], rate: fn(i64) -> f64) -> Self {
        Self {
            labels: labels.to_vec(),
            instance: "a",
            rate,
            reset: None,
            since: i64::MIN,
        }
    }

    fn on(self, instance: &'static str) -> Self {
        Self { instance, ..self }
    }

    fn reset_at(self, scrape: i64) -> Self {
        Self {
            reset: Some(scrape),
            ..self
        }
    }

    fn since(self, scrape: i64) -> Self {
        Self {
            since: scrape,
            ..self
        }
    }

    fn series(&self, hours: i64) -> RawSeries {
        let own = [("job", "shop"), ("instance", self.instance)];
        let labels = self.labels.iter().copied().chain(own);
        let mut value = 0.0;
        let samples = (-8 * 240..hours * 240).filter_map(|scrape| {
            if self.reset == Some(scrape) {
                value = 0.0;
            }
            value += (self.rate)(scrape);
            let at = Timestamp::from_millis(BEGIN.as_millis() + scrape * 15_000);
            (scrape >= self.since).then_some(Sample { at, value })
        });
        RawSeries {
            labels: Labels::new(labels),
            samples: samples.collect(),
        }
    }
}

fn reel(lines: &[Line], hours: i64) -> MemoryReel {
    MemoryReel::new(lines.iter().map(|line| line.series(hours)).collect())
}

/// What the six hours up to the end hold, by the engine.
fn counted(script: &Script, reel: &mut dyn Reel, hours: i64) -> Counts {
    let mut player = Player::begin(script, reel, BEGIN).unwrap();
    let until = BEGIN + HOUR.times(hours);
    player.play(reel, until, &mut Journal::default()).unwrap();
    let feed = player.feeds()[0].key.clone();
    let (_, evaluations) = player.engine().evaluations(&feed).unwrap();
    let sum = |window: Span| {
        let of = evaluations.iter().flat_map(|e| &e.readings);
        let of = of.filter(|reading| reading.window == window);
        of.filter_map(|reading| reading.counts)
            .fold(Counts::ZERO, |a, b| a + b)
    };
    sum(HOUR.times(6))
}

fn burst(minute: i64, minutes: i64, error_ratio: f64) -> Injection {
    let start = BEGIN + Span::from_mins(minute);
    Injection {
        start,
        end: start + Span::from_mins(minutes),
        error_ratio,
    }
}

/// Plays with and without, and compares what the engine counts; how many events failed.
fn check(events: &str, lines: &[Line], plan: Plan, expected: &[f64]) {
    check_script(&script(events), lines, plan, expected);
}

fn check_script(script: &Script, lines: &[Line], plan: Plan, expected: &[f64]) {
    let events = &script.slos[0].indicator;
    let without = counted(script, &mut reel(lines, 6), 6);
    let mut recorded = reel(lines, 6);
    let reading = &script.options.reading;
    let mut injected = InjectedReel::new(&mut recorded, &script.slos[0], plan, reading).unwrap();
    let with = counted(script, &mut injected, 6);
    let tally = injected.tally();
    assert_eq!(tally.bad, expected, "{events:?}");
    let put_in: f64 = tally.bad.iter().sum();
    assert_eq!(
        with.bad - without.bad,
        put_in,
        "{events:?}: {without:?} {with:?}"
    );
    assert_eq!(with.total, without.total, "{events:?}");
}

const CODE: &str = "code";
const REQUESTS: (&str, &str) = (METRIC_NAME, "requests_total");
const BY_CODE: &str = r#"{bad: 'requests_total{code=~"5.."}', total: requests_total}"#;

#[test]
fn requests_move_to_a_series_that_appears_with_its_first_error() {
    let lines = [Line::new(&[REQUESTS, (CODE, "200")], |_| 150.0)];
    let plan = Plan::new(vec![burst(60, 30, 0.1), burst(200, 1, 1.0)]);
    check(BY_CODE, &lines, plan, &[1_800.0, 600.0]);
}

#[test]
fn requests_move_to_the_series_that_is_there() {
    let lines = [
        Line::new(&[REQUESTS, (CODE, "200")], |scrape| {
            100.0 + (scrape % 7) as f64
        }),
        Line::new(&[REQUESTS, (CODE, "204")], |_| 10.0),
        Line::new(&[REQUESTS, (CODE, "503")], |scrape| (scrape % 3) as f64),
        Line::new(&[REQUESTS, (CODE, "200")], |_| 7.0).on("b"),
    ];
    let plan = Plan::new(vec![burst(60, 5, 0.5)]);
    let per_scrape = |scrape: i64| 117.0 + (scrape % 7) as f64;
    let good: f64 = (241..=260).map(per_scrape).sum();
    check(BY_CODE, &lines, plan, &[(good / 2.0).floor()]);
}

#[test]
fn resets_in_the_middle_lose_nothing() {
    let lines = [
        Line::new(&[REQUESTS, (CODE, "200")], |_| 100.0).reset_at(250),
        Line::new(&[REQUESTS, (CODE, "500")], |_| 1.0).reset_at(250),
        Line::new(&[REQUESTS, (CODE, "200")], |_| 100.0)
            .on("b")
            .reset_at(245),
    ];
    let plan = Plan::new(vec![burst(60, 5, 0.25), burst(300, 5, 0.01)]);
    check(BY_CODE, &lines, plan, &[1_000.0, 40.0]);
}

#[test]
fn a_bad_series_that_appears_by_itself_joins_the_one_that_was_put_in() {
    let lines = [
        Line::new(&[REQUESTS, (CODE, "200")], |_| 100.0),
        Line::new(&[REQUESTS, (CODE, "500")], |scrape| {
            f64::from(u8::from(scrape >= 250)) * 3.0
        })
        .since(250),
    ];
    let plan = Plan::new(vec![burst(60, 5, 0.25)]);
    check(BY_CODE, &lines, plan, &[500.0]);
}

#[test]
fn failures_counted_apart_are_added() {
    let failures = (METRIC_NAME, "failures_total");
    let events = "{bad: 'failures_total{kind=\"server\"}', total: requests_total}";
    let lines = [
        Line::new(&[REQUESTS], |_| 100.0),
        Line::new(&[failures, ("kind", "server")], |_| 20.0),
    ];
    let plan = Plan::new(vec![burst(60, 5, 0.5), burst(120, 5, 1.0)]);
    // Of 100 requests 20 fail anyway.
    check(events, &lines, plan, &[800.0, 1_600.0]);
}

#[test]
fn good_and_bad_make_the_total() {
    let events = "{good: requests_ok_total, bad: requests_failed_total}";
    let lines = [Line::new(&[(METRIC_NAME, "requests_ok_total")], |_| 40.0)];
    check(
        events,
        &lines,
        Plan::new(vec![burst(60, 10, 0.001)]),
        &[1.0],
    );
}

#[test]
fn all_less_the_good_is_bad() {
    let events = r#"{good: 'requests_total{code!~"5.."}', total: requests_total}"#;
    let lines = [Line::new(&[REQUESTS, (CODE, "200")], |_| 100.0)];
    check(events, &lines, Plan::new(vec![burst(60, 5, 0.1)]), &[200.0]);
    // As of histograms: the good are counted apart from all.
    let events = r#"{good: 'seconds_bucket{le="0.3"}', total: seconds_count}"#;
    let lines = [
        Line::new(&[(METRIC_NAME, "seconds_bucket"), ("le", "0.3")], |_| 90.0),
        Line::new(&[(METRIC_NAME, "seconds_count")], |_| 100.0),
    ];
    check(events, &lines, Plan::new(vec![burst(60, 5, 0.1)]), &[180.0]);
}

#[test]
fn what_a_definition_leaves_out_stays_left_out() {
    let total = r#"requests_total{path!="/healthz"}"#;
    let events = format!(
        r#"{{bad: 'requests_total{{code=~"5..|timeout",path!="/healthz"}}', total: '{total}'}}"#
    );
    let lines = [
        Line::new(&[REQUESTS, (CODE, "200"), ("path", "/healthz")], |_| 1000.0),
        Line::new(&[REQUESTS, (CODE, "200"), ("path", "/pay")], |_| 10.0),
    ];
    check(
        &events,
        &lines,
        Plan::new(vec![burst(60, 5, 1.0)]),
        &[200.0],
    );
}

#[test]
fn what_has_no_events_is_refused_with_what_to_do() {
    let windows =
        "{events: {bad: 'max_over_time(bad[$window])', total: 'max_over_time(all[$window])'}}";
    let ratio = "{ratio: {error_ratio: 'avg_over_time(bad_share[$window])'}}";
    let native = "{latency: {histogram: seconds, threshold: 300ms, native: true}}";
    for sli in [windows, ratio, native] {
        let script = script_of(sli);
        let mut nothing = MemoryReel::default();
        let reading = &script.options.reading;
        let refused = InjectedReel::new(&mut nothing, &script.slos[0], Plan::default(), reading);
        let text = refused.err().unwrap().to_string();
        assert_eq!(
            text,
            "incidents cannot be put into shop/api: it is asked by PromQL as a whole (native \
             histograms are, too), so there are no events that could fail: judge it by --incidents, \
             or measure it by counters, a classic histogram or time_slices",
            "{sli}"
        );
    }
    let steps = "{journey: [{name: one, sli: {events: {bad: a, total: b}}}, {name: two, sli: {events: {bad: c, total: d}}}]}";
    let script = script_of(steps);
    let whole = script
        .slos
        .iter()
        .find(|slo| slo.id == SloId::new("shop", "api"));
    let why = refusal(whole.unwrap()).unwrap();
    assert!(
        why.contains("put them into shop/api.one, shop/api.two"),
        "{why}"
    );
}

#[test]
fn requests_that_take_too_long_are_put_into_a_classic_histogram() {
    let script = script_of("{latency: {histogram: seconds, threshold: 300ms}}");
    let bucket = (METRIC_NAME, "seconds_bucket");
    let lines = [
        Line::new(&[bucket, ("le", "0.1")], |_| 50.0),
        Line::new(&[bucket, ("le", "0.3")], |_| 90.0),
        Line::new(&[bucket, ("le", "+Inf")], |_| 100.0),
        Line::new(&[(METRIC_NAME, "seconds_count")], |_| 100.0),
    ];
    let plan = Plan::new(vec![burst(60, 5, 0.1), burst(200, 2, 1.0)]);
    check_script(&script, &lines, plan, &[180.0, 720.0]);
}

/// Slices of a minute, as a query would have said: bad at these minutes, all good otherwise.
struct Minutes(Vec<i64>);

impl Reel for Minutes {
    fn samples(
        &mut self,
        _feed: &crate::prometheus::PolledFeed,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<RawSeries>, crate::replay::ReelError> {
        let minute = Span::from_mins(1);
        let mut at = from.align_down(minute) + minute;
        let mut samples = Vec::new();
        while at <= until {
            let is_bad = self.0.contains(&(at.since(BEGIN).as_millis() / 60_000));
            let value = if is_bad { 0.0 } else { 1.0 };
            samples.push(Sample { at, value });
            at = at + minute;
        }
        Ok(vec![RawSeries {
            labels: Labels::empty(),
            samples,
        }])
    }

    fn answer(
        &mut self,
        _feed: &crate::prometheus::PolledFeed,
        _window: Span,
        _at: Timestamp,
    ) -> Result<Vec<(Labels, crate::engine::Answer)>, crate::replay::ReelError> {
        Ok(Vec::new())
    }

    fn hours(
        &mut self,
        _slo: &Arc<crate::engine::Slo>,
        _from: Timestamp,
        _until: Timestamp,
    ) -> Result<Vec<(crate::engine::InstanceId, Timestamp, Counts)>, crate::replay::ReelError> {
        Ok(Vec::new())
    }
}

#[test]
fn a_share_of_time_slices_goes_bad() {
    let sli = |kind: &str| script_of(&format!("{{time_slices: {{{kind}: 'good_share'}}}}"));
    for (script, expected) in [
        // Every tenth of twenty, one of which was bad anyway; all of five.
        (sli("condition"), [2.0, 5.0]),
        // A tenth of each: of one nothing is left to fail.
        (sli("good_ratio"), [1.9, 5.0]),
    ] {
        let plan = Plan::new(vec![burst(60, 20, 0.1), burst(200, 5, 1.0)]);
        let without = counted(&script, &mut Minutes(vec![65]), 6);
        let mut recorded = Minutes(vec![65]);
        let reading = &script.options.reading;
        let mut injected =
            InjectedReel::new(&mut recorded, &script.slos[0], plan, reading).unwrap();
        let with = counted(&script, &mut injected, 6);
        let tally = injected.tally();
        for (bad, expected) in tally.bad.iter().zip(expected) {
            assert!((bad - expected).abs() < 1e-9, "{:?}", tally.bad);
        }
        let put_in: f64 = tally.bad.iter().sum();
        assert!((with.bad - without.bad - put_in).abs() < 1e-9, "{with:?}");
        assert_eq!(with.total, without.total);
        // Another definition of the same slices is told the same.
        let feed = crate::prometheus::PolledFeed::plan(&script.slos).remove(0);
        let mut other = (*script.slos[0]).clone();
        other.id = SloId::new("shop", "other");
        let others = crate::prometheus::PolledFeed::plan(&[Arc::new(other)]).remove(0);
        let (from, until) = (BEGIN, BEGIN + HOUR.times(6));
        let own = injected.samples(&feed, from, until).unwrap();
        assert_eq!(injected.samples(&others, from, until).unwrap(), own);
    }
}

#[test]
fn what_is_put_into_a_hole_is_known_to_be_broken() {
    let script = script(BY_CODE);
    let mut series = Line::new(&[REQUESTS, (CODE, "200")], |_| 100.0).series(6);
    let hole = BEGIN + Span::from_mins(62)..BEGIN + Span::from_mins(90);
    series.samples.retain(|sample| !hole.contains(&sample.at));
    let mut recorded = MemoryReel::new(vec![series]);
    let plan = Plan::new(vec![burst(60, 20, 0.5), burst(200, 20, 0.5)]);
    let reading = &script.options.reading;
    let mut injected = InjectedReel::new(&mut recorded, &script.slos[0], plan, reading).unwrap();
    counted(&script, &mut injected, 6);
    assert_eq!(injected.tally().broken, [true, false]);
}

#[test]
fn a_second_play_is_told_the_same() {
    let lines = [
        Line::new(&[REQUESTS, (CODE, "200")], |_| 150.0).reset_at(250),
        Line::new(&[REQUESTS, (CODE, "503")], |_| 1.0).since(700),
    ];
    let script = script(BY_CODE);
    let mut recorded = reel(&lines, 6);
    let plan = Plan::new(vec![burst(60, 30, 0.1), burst(200, 1, 1.0)]);
    let reading = &script.options.reading;
    let mut injected = InjectedReel::new(&mut recorded, &script.slos[0], plan, reading).unwrap();
    // The first play ends in the middle, as one does that has seen enough.
    let broken_off = counted(&script, &mut injected, 2);
    assert_eq!(broken_off.bad, 1_800.0);
    assert_eq!(injected.tally().bad, [1_800.0, 0.0]);
    let first = counted(&script, &mut injected, 6);
    let put_in = injected.tally().clone();
    assert_eq!(put_in.bad, [1_800.0, 600.0]);
    let second = counted(&script, &mut injected, 6);
    assert_eq!((second, injected.tally()), (first, &put_in));
    // Raw samples, too, whatever the stretches.
    let feed = crate::prometheus::PolledFeed::plan(&script.slos).remove(0);
    let mut whole = |hours: i64| {
        let mut told: std::collections::BTreeMap<Labels, Vec<Sample>> =
            std::collections::BTreeMap::new();
        let mut from = BEGIN;
        while from < BEGIN + HOUR.times(6) {
            let until = from + HOUR.times(hours);
            for series in injected.samples(&feed, from, until).unwrap() {
                let samples = told.entry(series.labels).or_default();
                samples.extend(series.samples);
            }
            from = until;
        }
        told
    };
    let by_the_hour = whole(1);
    assert_eq!(by_the_hour.len(), 3, "200, 500 that was put in, 503");
    assert_eq!(whole(1), by_the_hour);
}

#[test]
fn counters_never_fall() {
    let lines = [
        Line::new(&[REQUESTS, (CODE, "200")], |scrape| {
            (scrape.rem_euclid(11)) as f64
        })
        .reset_at(300),
        Line::new(&[REQUESTS, (CODE, "500")], |_| 0.0),
    ];
    let script = script(BY_CODE);
    let mut recorded = reel(&lines, 6);
    let plan = Plan::new(vec![burst(30, 240, 0.3)]);
    let reading = &script.options.reading;
    let mut injected = InjectedReel::new(&mut recorded, &script.slos[0], plan, reading).unwrap();
    let feed = crate::prometheus::PolledFeed::plan(&script.slos).remove(0);
    let mut last: std::collections::BTreeMap<Labels, Sample> = std::collections::BTreeMap::new();
    for hour in -2..6 {
        let from = BEGIN + HOUR.times(hour + 2) - HOUR.times(2);
        for series in injected.samples(&feed, from, from + HOUR).unwrap() {
            for sample in series.samples {
                let before = last.insert(series.labels.clone(), sample);
                let rises = before.is_none_or(|b| b.at < sample.at && b.value <= sample.value);
                assert!(rises, "{} {before:?} {sample:?}", series.labels);
            }
        }
    }
}

fn wish(seed: u64, days: i64) -> PlanWish {
    PlanWish {
        seed,
        from: BEGIN,
        until: BEGIN + Span::from_days(days),
        lull: HOUR.times(7),
    }
}

#[test]
fn plans_follow_from_their_seed_and_cover_everything() {
    let plan = Plan::seeded(&wish(1, 365));
    assert_eq!(plan, Plan::seeded(&wish(1, 365)));
    assert_ne!(plan, Plan::seeded(&wish(2, 365)));
    let all = plan.injections();
    assert!(all.len() > 200, "{}", all.len());
    let ratios: Vec<f64> = all.iter().map(|injection| injection.error_ratio).collect();
    assert!(ratios.iter().all(|ratio| (0.001..=1.0).contains(ratio)));
    assert!(ratios.contains(&1.0) && ratios.iter().any(|ratio| *ratio < 0.002));
    let lengths: Vec<Span> = all.iter().map(|i| i.end.since(i.start)).collect();
    let bounds = Span::from_secs(30)..=Span::from_hours(12);
    assert!(
        lengths.iter().all(|length| bounds.contains(length)),
        "{lengths:?}"
    );
    assert!(lengths.iter().any(|length| *length < Span::from_mins(1)));
    assert!(lengths.iter().any(|length| *length > Span::from_hours(9)));
    let hours: std::collections::BTreeSet<i64> = all
        .iter()
        .map(|injection| injection.start.as_millis() / 3_600_000 % 24)
        .collect();
    assert_eq!(hours.len(), 24, "at every hour of the day");
    let classes: std::collections::BTreeSet<(usize, usize)> = all
        .iter()
        .map(|injection| {
            let length = injection.end.since(injection.start);
            let long = [300, 1800, 7200]
                .iter()
                .filter(|s| length > Span::from_secs(**s));
            let ratio = RATIO_CLASSES.iter().filter(|r| injection.error_ratio > **r);
            (long.count(), ratio.count())
        })
        .collect();
    assert!(classes.len() >= 24, "{classes:?}");
}

proptest! {
    #[test]
    fn plans_keep_their_lulls(seed: u64, days in 0i64..60) {
        let wish = wish(seed, days);
        let plan = Plan::seeded(&wish);
        for pair in plan.injections().windows(2) {
            prop_assert!(pair[0].end + wish.lull <= pair[1].start);
        }
        if let Some(last) = plan.injections().last() {
            prop_assert!(last.end + wish.lull <= wish.until);
            prop_assert!(plan.injections()[0].start >= wish.from);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// Whatever fails when: the engine counts it, no more and no less.
    #[test]
    fn the_engine_counts_what_was_put_in(
        bursts in prop::collection::vec((0i64..330, 1i64..30, 0.001f64..=1.0), 1..5),
        reset in 0i64..1440,
    ) {
        let lines = [
            Line::new(&[REQUESTS, (CODE, "200")], |scrape| (scrape.rem_euclid(40)) as f64),
            Line::new(&[REQUESTS, (CODE, "404")], |_| 3.0).reset_at(reset),
            Line::new(&[REQUESTS, (CODE, "500")], |scrape| (scrape.rem_euclid(5)) as f64).since(700),
            Line::new(&[REQUESTS, (CODE, "200")], |_| 11.0).on("b").reset_at(reset),
        ];
        let bursts = bursts.iter().map(|(start, length, ratio)| burst(*start, *length, *ratio));
        let plan = Plan::new(bursts.collect());
        let good = |scrape: i64| scrape.rem_euclid(40) as f64 + 14.0;
        let expected: Vec<f64> = plan
            .injections()
            .iter()
            .map(|injection| {
                let scrape = |at: Timestamp| (at.as_millis() - BEGIN.as_millis()) / 15_000;
                let scrapes = scrape(injection.start) + 1..=scrape(injection.end);
                let good: f64 = scrapes.map(good).sum();
                (good * injection.error_ratio + 1e-6).floor()
            })
            .collect();
        check(BY_CODE, &lines, plan, &expected);
    }
}

#[test]
fn variants_are_measured_round_by_round() {
    let strict = script(BY_CODE);
    let mut deaf = strict.clone();
    let mut slo = (*deaf.slos[0]).clone();
    let mut policy = (*slo.policy).clone();
    policy.tiers.retain(|tier| tier.long == HOUR);
    policy.tiers[0].budget_fraction = 1.1;
    slo.policy = Arc::new(policy);
    deaf.slos = vec![Arc::new(slo)];
    let lines = [Line::new(&[REQUESTS, (CODE, "200")], |_| 150.0)];
    let hours = 4 * 24;
    let mut recorded = reel(&lines, hours);
    let stretch = (BEGIN, BEGIN + HOUR.times(hours));
    let wish = Wish {
        seed: 7,
        incidents: 12,
        significant: 0.02,
        grace: Span::from_mins(5),
    };
    let ids = [SloId::new("shop", "api")];
    let variants = [strict, deaf];
    let mut shares = Vec::new();
    let measured = measure(
        &variants,
        &ids,
        &mut recorded,
        stretch,
        &wish,
        &mut |share| {
            shares.push(share);
        },
    );
    let measured = measured.unwrap();
    assert!(measured.incidents >= 12, "{measured:?}");
    assert_eq!((measured.refused.len(), shares), (0, vec![0.5, 1.0]));
    let [strict, deaf] = measured.variants.clone().try_into().unwrap();
    assert_eq!((strict.confounded, deaf.confounded), (0, 0));
    let (pages, classes) = &strict.severities[0];
    assert_eq!(pages.false_alerts, 0, "{pages:?}");
    assert_eq!(pages.recall.map(|r| r > 0.5), Some(true), "{pages:?}");
    let incidents: u64 = classes.iter().map(|class| class.incidents).sum();
    assert_eq!(incidents, measured.incidents);
    let outage = classes.last().unwrap().detection.unwrap();
    assert!(outage.p50 <= Span::from_mins(3), "{outage:?}");
    assert_eq!(
        deaf.severities.len(),
        1,
        "it has no tier of severity ticket"
    );
    assert!(deaf.severities[0].0.detected < pages.detected);
    let again = measure(&variants, &ids, &mut recorded, stretch, &wish, &mut |_| {});
    assert_eq!(again.unwrap(), measured, "the same seed says the same");
    let short = (BEGIN, BEGIN + HOUR);
    let none = measure(&variants, &ids, &mut recorded, short, &wish, &mut |_| {}).unwrap();
    assert_eq!(none.incidents, 0);
    assert_eq!(
        none.refused[0].1,
        "the past is too short: after an incident there must be 7h without one"
    );
}
