//! Budgets of every kind of period, by hand and against a recount of every event.

use std::sync::Arc;

use super::*;
use crate::engine::feed::tests::slo;
use crate::engine::labels::Labels;
use crate::engine::period::{CalendarUnit, Zone};
use crate::engine::policy::Policy;
use crate::engine::slo::{InstanceId, Reach};
use crate::engine::window::{Layout, Window};

mod oracle;

/// An SLO of 99.9 % with this period and mode.
fn slo_over(period: Period, mode: Mode) -> Slo {
    let mut slo = slo("shop", &[]);
    Arc::make_mut(&mut slo.policy).mode = mode;
    slo.reach = Reach::new(&slo.policy, &period);
    slo.period = period;
    slo
}

fn month(zone: &str) -> Period {
    unit(CalendarUnit::Month, zone)
}

fn unit(calendar: CalendarUnit, zone: &str) -> Period {
    let zone = Zone::named(zone).unwrap();
    Period::Calendar(Calendar { calendar, zone })
}

fn at(text: &str) -> Timestamp {
    let at: jiff::Timestamp = text.parse().unwrap();
    Timestamp::from_millis(at.as_millisecond())
}

/// Nothing yet, seen since `first`.
fn tally(slo: &Slo, first: Timestamp) -> Tally {
    let layout = Layout {
        interval: Span::from_secs(30),
        longest_window: slo.reach.longest_window(),
        period: slo.reach.period,
        quarters: slo.reach.quarters,
    };
    Tally {
        id: InstanceId {
            slo: slo.id.clone(),
            labels: Labels::empty(),
        },
        window: Window::new(layout),
        first,
        newest: None,
        spacing: Span::from_secs(15),
    }
}

/// So many events in every hour of `(from, until]`.
fn hourly(tally: &mut Tally, from: Timestamp, until: Timestamp, bad: f64, total: f64) {
    let mut hour = from + Span::from_hours(1);
    while hour <= until {
        tally.window.add(hour, Counts { bad, total });
        hour = hour + Span::from_hours(1);
    }
}

fn budget(slo: &Slo, tally: &Tally, now: Timestamp, burn: f64) -> BudgetFacts {
    Account::from_tally(slo, tally, now).facts(slo.objective, 0.0, burn)
}

#[track_caller]
fn assert_close(got: f64, wanted: f64) {
    let scale = wanted.abs().max(1.0);
    assert!((got - wanted).abs() < 1e-9 * scale, "{got} is not {wanted}");
}

#[test]
fn a_rolling_budget_is_spent_event_by_event() {
    let slo = slo_over(Span::from_days(30).into(), Mode::Ratio);
    let now = at("2026-03-01T00:00:00Z");
    let begin = now - Span::from_days(30);
    let mut tally = tally(&slo, begin);
    hourly(&mut tally, begin, now, 0.0, 1000.0);
    let costly = Counts {
        bad: 180.0,
        total: 0.0,
    };
    tally.window.add(now - Span::from_hours(2), costly);
    let facts = Account::from_tally(&slo, &tally, now).facts(slo.objective, 90.0, 14.4);
    assert_close(facts.consumed, 0.25);
    assert_close(facts.consumed_by_alert, 0.125);
    let left = Span::from_days(30).scale(0.75 / 14.4);
    assert_eq!(facts.exhausted_in, Some(left));
    assert_eq!(budget(&slo, &tally, now, 1.0).exhausted_in, None);
}

#[test]
fn a_young_service_is_priced_by_the_traffic_it_will_have() {
    for period in [Span::from_days(30).into(), month("UTC")] {
        let slo = slo_over(period, Mode::Ratio);
        let now = at("2026-04-01T03:00:00Z");
        let begin = at("2026-04-01T00:00:00Z");
        let mut tally = tally(&slo, begin);
        hourly(&mut tally, begin, now, 10.0, 10_000.0);
        let facts = budget(&slo, &tally, now, 1.0);
        assert_close(facts.consumed, 3.0 / 720.0);
        assert_eq!(facts.exhausted_in, None);
    }
}

#[test]
fn no_events_cost_nothing_and_an_empty_budget_is_gone_now() {
    let now = at("2026-04-10T00:00:00Z");
    for period in [Span::from_days(30).into(), month("UTC")] {
        let slo = slo_over(period, Mode::Ratio);
        let empty = budget(&slo, &tally(&slo, now), now, 0.0);
        assert_eq!((empty.consumed, empty.remaining), (0.0, 1.0));
        let begin = at("2026-03-01T00:00:00Z");
        let mut tally = tally(&slo, begin);
        hourly(&mut tally, begin, now, 100.0, 100.0);
        let spent = budget(&slo, &tally, now, 0.0);
        assert_eq!(spent.exhausted_in, Some(Span::ZERO));
        assert!(spent.remaining < 0.0);
    }
}

#[test]
fn a_calendar_budget_is_that_of_the_whole_month_and_begins_anew() {
    let slo = slo_over(month("Asia/Kolkata"), Mode::Ratio);
    // April in India; March had twice the traffic and half of it failed.
    let (march, april) = (at("2026-02-28T18:30:00Z"), at("2026-03-31T18:30:00Z"));
    let mut tally = tally(&slo, march);
    hourly(&mut tally, march, april, 1_000.0, 2_000.0);
    let may = at("2026-04-30T18:30:00Z");
    assert!(budget(&slo, &tally, april - Span::from_mins(1), 0.0).remaining < 0.0);
    let fresh = budget(&slo, &tally, april, 0.5);
    assert_eq!((fresh.consumed, fresh.remaining), (0.0, 1.0));
    assert_eq!((fresh.exhausted_in, fresh.coverage), (None, 1.0));
    // One bad hour at the very beginning: of 2 000 events an hour for 720 hours 1 440 may fail.
    let bad = Counts {
        bad: 144.0,
        total: 1_000.0,
    };
    tally.window.add(april + Span::from_mins(1), bad);
    let early = budget(&slo, &tally, april + Span::from_mins(1), 0.5);
    assert!((early.consumed - 0.1).abs() < 1e-3, "{early:?}");
    // At the end of the month it is exactly what was allowed: nothing is left to estimate.
    hourly(&mut tally, april + Span::from_hours(1), may, 0.0, 1_000.0);
    let events = 720_000.0 - 1_000.0 + 1_000.0;
    let end = budget(&slo, &tally, may - Span::from_millis(1), 0.5);
    assert!(
        (end.consumed - 144.0 / (events * 0.001)).abs() < 1e-4,
        "{end:?}"
    );
}

#[test]
fn a_calendar_budget_that_lasts_to_the_end_is_not_exhausted() {
    let slo = slo_over(month("UTC"), Mode::Ratio);
    let begin = at("2026-03-01T00:00:00Z");
    let mut tally = tally(&slo, begin);
    hourly(&mut tally, begin, at("2026-04-16T00:00:00Z"), 0.0, 1000.0);
    // 80 % of the budget is gone half way through the month.
    let bad = Counts {
        bad: 576.0,
        total: 0.0,
    };
    let now = at("2026-04-16T00:00:00Z");
    tally.window.add(now - Span::from_days(5), bad);
    let at_burn = |burn| budget(&slo, &tally, now, burn).exhausted_in;
    assert_eq!(at_burn(0.0), None);
    assert_eq!(at_burn(0.39), None);
    let left = at_burn(0.5).unwrap();
    assert!(
        left.as_millis().abs_diff(Span::from_days(12).as_millis()) < 1000,
        "{left}"
    );
}

#[test]
fn a_service_born_in_the_month_is_covered_from_then_on() {
    let slo = slo_over(month("UTC"), Mode::Ratio);
    let (start, now) = (at("2026-04-01T00:00:00Z"), at("2026-04-11T00:00:00Z"));
    let covered = |first| budget(&slo, &tally(&slo, first), now, 0.0).coverage;
    assert_close(covered(start - Span::from_days(20)), 1.0);
    assert_close(covered(start + Span::from_days(5)), 0.5);
    assert_close(covered(now), 0.0);
    assert_eq!(budget(&slo, &tally(&slo, start), start, 0.0).coverage, 0.0);
}

#[test]
fn history_by_the_hour_reaches_a_period_that_begins_at_half_past() {
    let slo = slo_over(month("Asia/Kolkata"), Mode::Ratio);
    let start = at("2026-03-31T18:30:00Z");
    let mut tally = tally(&slo, start - Span::from_days(1));
    let hour = Counts {
        bad: 40.0,
        total: 4_000.0,
    };
    tally.window.add_history(start + Span::from_mins(30), hour);
    let now = start + Span::from_days(10);
    let spent = tally.window.sum(slo.period.elapsed(now), now);
    assert_eq!(spent, hour.scale(0.5), "half of the hour lies in April");
}

#[test]
fn the_last_events_are_counted_however_long_they_took() {
    let last = LastEvents {
        events: 10_000,
        within: Span::from_days(30),
    };
    let slo = slo_over(Period::Events(last), Mode::Ratio);
    let now = at("2026-04-01T00:00:00Z");
    let begin = now - Span::from_days(30);
    let mut tally = tally(&slo, begin);
    // 8 of 10 000 fail, 100 events an hour: the last 10 000 took 100 hours.
    hourly(&mut tally, begin, now - Span::from_hours(100), 50.0, 100.0);
    hourly(&mut tally, now - Span::from_hours(100), now, 0.08, 100.0);
    let account = Account::from_tally(&slo, &tally, now);
    assert_eq!(account.length, Span::from_hours(100));
    let facts = account.facts(slo.objective, 0.0, 1.6);
    assert_close(facts.consumed, 0.8);
    assert_close(facts.coverage, 1.0);
    let left = facts.exhausted_in.unwrap();
    assert!(
        left.as_millis()
            .abs_diff(Span::from_hours(100).scale(0.125).as_millis())
            <= 1
    );
    // A tier of 2 % in 1 h fires on more than 0.2 bad events of an hour.
    let tier = &slo.policy.tiers[0];
    let counts = |bad| Counts { bad, total: 100.0 };
    let burn = |bad| {
        account
            .reading(tier.long, counts(bad), slo.objective)
            .burn
            .unwrap()
    };
    assert!(burn(0.21) > tier.factor(account.length));
    assert!(burn(0.19) < tier.factor(account.length));
}

#[test]
fn too_few_events_are_priced_as_a_part_of_those_the_budget_is_for() {
    let last = LastEvents {
        events: 10_000,
        within: Span::from_days(30),
    };
    let slo = slo_over(Period::Events(last), Mode::Ratio);
    let now = at("2026-04-01T00:00:00Z");
    let mut tally = tally(&slo, now - Span::from_hours(50));
    hourly(&mut tally, now - Span::from_hours(50), now, 0.04, 100.0);
    let account = Account::from_tally(&slo, &tally, now);
    let facts = account.facts(slo.objective, 0.0, 0.0);
    assert_eq!(account.length, Span::from_hours(100), "at this rate");
    assert_close(facts.consumed, 0.2);
    assert_close(facts.coverage, 0.5);
}

#[test]
fn in_budget_mode_a_quiet_night_weighs_what_it_costs() {
    let slo = slo_over(Span::from_days(30).into(), Mode::Budget);
    let now = at("2026-04-01T04:00:00Z");
    let begin = now - Span::from_days(30);
    let mut tally = tally(&slo, begin);
    hourly(&mut tally, begin, now - Span::from_hours(1), 0.0, 10_000.0);
    // Half of the 20 requests of the last hour fail.
    let night = Counts {
        bad: 10.0,
        total: 20.0,
    };
    tally.window.add(now, night);
    let account = Account::from_tally(&slo, &tally, now);
    let burn = |slo: &Slo, account: &Account| {
        let reading = account.reading(Span::from_hours(1), night, slo.objective);
        reading.burn.unwrap()
    };
    let events = 719.0 * 10_000.0 + 20.0;
    assert_close(burn(&slo, &account), 10.0 / (events / 720.0) / 0.001);
    let ratio = slo_over(Span::from_days(30).into(), Mode::Ratio);
    let account = Account::from_tally(&ratio, &tally, now);
    assert_close(burn(&ratio, &account), 500.0);
}

#[test]
fn in_budget_mode_the_first_sample_is_weighed_against_its_own_window() {
    let now = at("2026-04-01T04:00:00Z");
    for period in [Span::from_days(30).into(), month("UTC")] {
        let slo = slo_over(period, Mode::Budget);
        let account = Account::from_tally(&slo, &tally(&slo, now), now);
        let counts = Counts {
            bad: 1.0,
            total: 4.0,
        };
        let reading = account.reading(Span::from_hours(1), counts, slo.objective);
        assert_close(reading.burn.unwrap(), 250.0);
    }
}

fn counted(bad: f64, total: f64) -> Answer {
    Answer::Counts(Counts { bad, total })
}

fn consumed(slo: &Slo, account: &Account) -> f64 {
    account.facts(slo.objective, 0.0, 0.0).consumed
}

#[test]
fn an_answer_about_a_month_is_priced_by_the_part_it_is_about() {
    let slo = slo_over(month("UTC"), Mode::Ratio);
    let now = at("2026-04-16T00:05:00Z");
    let asked = at("2026-04-16T00:00:00Z");
    let account = |answer| Account::from_answers(&slo, Some((asked, answer)), None, now).unwrap();
    let ratio = account(Answer::Ratio(0.0005));
    let readings = [Reading::from_ratio(
        Span::from_hours(6),
        Some(0.002),
        slo.objective,
    )];
    let spending = crate::engine::spending::spending(&readings, &[]);
    let by_alert = ratio.bad_of(&spending, &readings, &slo);
    let facts = ratio.facts(slo.objective, by_alert, 0.9);
    assert_close(facts.consumed, 0.25);
    assert_close(facts.consumed_by_alert, 2.0 / 120.0);
    assert_eq!(facts.exhausted_in, None);
    assert_close(consumed(&slo, &account(counted(500.0, 1e6))), 0.25);
    assert_eq!(consumed(&slo, &account(counted(0.0, 0.0))), 0.0);
    assert_eq!(Account::from_answers(&slo, None, None, now), None);
}

#[test]
fn the_first_night_of_a_month_is_weighed_by_the_month_before() {
    let slo = slo_over(month("UTC"), Mode::Budget);
    let now = at("2026-04-01T00:10:00Z");
    let usual = counted(0.0, 7.2e6).counts();
    let (bad, hour) = (5.0, Span::from_hours(1));
    let burn = |period: Option<Answer>| {
        let period = period.map(|answer| (now, answer));
        let account = Account::from_answers(&slo, period, usual, now).unwrap();
        let reading = account.reading(hour, Counts { bad, total: 10.0 }, slo.objective);
        reading.burn.unwrap()
    };
    // 10 000 events an hour are usual, of which ten may be bad.
    assert!((burn(None) - 0.5).abs() < 1e-3, "{}", burn(None));
    assert!((burn(Some(counted(5.0, 10.0))) - 0.5).abs() < 1e-3);
    assert_eq!(slo.usual_window(now), Some(Span::from_days(30)));
    let ratio = slo_over(month("UTC"), Mode::Ratio);
    assert_eq!(ratio.usual_window(now), None);
}

#[test]
fn an_answer_about_the_last_events_is_scaled_to_them() {
    let within = Span::from_days(30);
    let last = LastEvents {
        events: 1_000,
        within,
    };
    let slo = slo_over(Period::Events(last), Mode::Ratio);
    let now = at("2026-04-16T00:00:00Z");
    let account = |answer| Account::from_answers(&slo, Some((now, answer)), None, now).unwrap();
    let many = account(counted(2.0, 4_000.0));
    assert_close(consumed(&slo, &many), 0.5);
    assert_eq!(many.length, within.scale(0.25));
    let few = account(counted(0.5, 500.0)).facts(slo.objective, 0.0, 0.0);
    assert_close(few.consumed, 0.5);
    assert_close(few.coverage, 0.5);
    assert_eq!(consumed(&slo, &account(counted(0.0, 0.0))), 0.0);
    // Without numbers of events all that can be said is the ratio.
    assert_close(consumed(&slo, &account(Answer::Ratio(0.0005))), 0.5);
}

/// The factors of the SRE workbook's tiers in the period around a time.
fn factors(period: &Period, text: &str) -> Vec<f64> {
    let length = period.length(at(text));
    let tiers = Policy::sre_workbook().tiers;
    tiers.iter().map(|tier| tier.factor(length)).collect()
}

#[test]
fn factors_follow_the_length_of_the_period_at_hand() {
    let rolling = |days| Period::Rolling(Span::from_days(days));
    let berlin = || unit(CalendarUnit::Week, "Europe/Berlin");
    let howe = || unit(CalendarUnit::Week, "Australia/Lord_Howe");
    let table = [
        (rolling(30), "2026-01-01T00:00:00Z", 720.0),
        (rolling(28), "2026-01-01T00:00:00Z", 672.0),
        (month("UTC"), "2026-02-10T00:00:00Z", 672.0),
        (month("UTC"), "2028-02-10T00:00:00Z", 696.0),
        (month("UTC"), "2026-04-10T00:00:00Z", 720.0),
        (month("UTC"), "2026-05-10T00:00:00Z", 744.0),
        (month("Europe/Berlin"), "2026-03-10T00:00:00Z", 743.0),
        (month("Europe/Berlin"), "2026-10-10T00:00:00Z", 745.0),
        (berlin(), "2026-03-25T00:00:00Z", 167.0),
        (berlin(), "2026-04-01T00:00:00Z", 168.0),
        (berlin(), "2026-10-21T00:00:00Z", 169.0),
        (howe(), "2026-04-02T00:00:00Z", 168.5),
        (howe(), "2026-10-01T00:00:00Z", 167.5),
    ];
    for (period, text, hours) in table {
        let wanted = [
            0.02 * hours,
            0.05 * hours / 6.0,
            0.1 * hours / 24.0,
            0.1 * hours / 72.0,
        ];
        for (got, wanted) in factors(&period, text).into_iter().zip(wanted) {
            assert!(
                (got - wanted).abs() < 1e-9,
                "{period} at {text}: {got} is not {wanted}"
            );
        }
    }
    let workbook = |period: Period| {
        let factors = factors(&period, "2026-01-01T00:00:00Z");
        factors
            .iter()
            .map(|f| format!("{f:.4}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(workbook(rolling(30)), "14.4000 6.0000 3.0000 1.0000");
    assert_eq!(workbook(rolling(28)), "13.4400 5.6000 2.8000 0.9333");
}
