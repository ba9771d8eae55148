//! Windows against a naive recount.

use proptest::prelude::*;

use super::*;

fn layout(interval: i64) -> Layout {
    Layout {
        interval: Span::from_secs(interval),
        longest_window: Span::from_days(3),
        period: Span::from_days(30),
        quarters: false,
    }
}

/// The slow oracle: every event with its time, summed anew for each question.
#[derive(Default)]
struct Naive(Vec<(Timestamp, Counts)>);

impl Naive {
    fn sum(&self, window: Span, now: Timestamp) -> Counts {
        let inside = self
            .0
            .iter()
            .filter(|(at, _)| *at > now - window && *at <= now);
        inside.fold(Counts::ZERO, |sum, (_, counts)| sum + *counts)
    }
}

const START: i64 = 1_700_000_010; // a multiple of 30 s, not of an hour

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Random streams, some of it late by up to a day, read at random slots.
    #[test]
    fn sums_equal_a_naive_recount(
        steps in prop::collection::vec((1_i64..40_000, 0_u32..50, 0_u32..5_000, 0_i64..86_400), 1..200),
    ) {
        let mut window = Window::new(layout(30));
        let mut naive = Naive::default();
        let mut now = START;
        for (step, bad, more, late) in steps {
            now += step;
            let late = if late % 5 == 0 { late } else { late % 60 };
            let counts = Counts { bad: bad.into(), total: (bad + more).into() };
            let at = Timestamp::from_secs(now - late);
            window.add(at, counts);
            naive.0.push((at, counts));
            if step % 3 == 0 {
                window.seal();
            }
            let slot = Timestamp::from_secs(now + 29).align_down(Span::from_secs(30));
            for text in ["5m", "30m", "1h", "2h", "6h", "1d", "3d"] {
                let span = Span::parse(text).unwrap();
                prop_assert_eq!(window.sum(span, slot), naive.sum(span, slot), "{}", text);
            }
        }
    }

    /// With slots closer than 30 s, windows up to 6 h are still exact at every slot.
    #[test]
    fn narrow_slots_are_exact(
        steps in prop::collection::vec((1_i64..900, 0_u32..9), 1..300),
    ) {
        let mut window = Window::new(layout(5));
        let mut naive = Naive::default();
        let mut now = START;
        for (step, bad) in steps {
            now += step;
            let counts = Counts { bad: bad.into(), total: 10.0 };
            window.add(Timestamp::from_secs(now), counts);
            window.seal();
            naive.0.push((Timestamp::from_secs(now), counts));
            let slot = Timestamp::from_secs(now + 4).align_down(Span::from_secs(5));
            for text in ["5m", "1h", "6h"] {
                let span = Span::parse(text).unwrap();
                prop_assert_eq!(window.sum(span, slot), naive.sum(span, slot), "{}", text);
            }
        }
    }

    /// The period is read from hourly buckets: never off by more than the bucket at its edge.
    #[test]
    fn the_period_is_off_by_at_most_its_edge(
        steps in prop::collection::vec((60_i64..20_000, 0_u32..9), 1..300),
    ) {
        let mut window = Window::new(layout(30));
        let mut naive = Naive::default();
        let mut now = START;
        for (step, bad) in steps {
            now += step;
            let counts = Counts { bad: bad.into(), total: 10.0 };
            window.add(Timestamp::from_secs(now), counts);
            naive.0.push((Timestamp::from_secs(now), counts));
            window.seal();
        }
        let slot = Timestamp::from_secs(now);
        let sum = window.sum(Span::from_days(30), slot);
        let inner = naive.sum(Span::from_days(30) - Span::from_hours(1), slot);
        let outer = naive.sum(Span::from_days(30) + Span::from_hours(1), slot);
        prop_assert!(inner.bad <= sum.bad + 1e-9 && sum.bad <= outer.bad + 1e-9);
    }

    /// Spreading loses nothing, invents nothing and keeps whole events whole.
    #[test]
    fn spreading_keeps_the_sum(bad in 0_u32..1000, more in 0_u32..100_000, secs in 61_i64..200_000) {
        let mut window = Window::new(layout(30));
        let counts = Counts { bad: bad.into(), total: (bad + more).into() };
        let from = Timestamp::from_secs(START);
        let to = from + Span::from_secs(secs);
        window.spread(from, to, counts);
        let now = to.align_down(Span::from_secs(30)) + Span::from_secs(30);
        prop_assert_eq!(window.sum(Span::from_days(3), now), counts);
        let half = window.sum(Span::from_secs(secs / 2), to);
        let expected = counts.scale((secs / 2) as f64 / secs as f64);
        let bucket = 1.0 + counts.total * 31.0 / secs as f64;
        prop_assert!((half.total - expected.total).abs() <= bucket, "{:?} {:?}", half, expected);
    }
}

#[test]
fn far_jumps_do_not_take_time_or_memory() {
    let mut window = Window::new(layout(30));
    let one = Counts {
        bad: 1.0,
        total: 1.0,
    };
    window.add(Timestamp::from_secs(0), one);
    window.add(Timestamp::from_millis(i64::MAX / 2), one);
    window.add(Timestamp::from_secs(0), one);
    let now = Timestamp::from_millis(i64::MAX / 2);
    assert_eq!(
        window.sum(Span::from_days(1), now + Span::from_secs(30)),
        one
    );
}

#[test]
fn history_fills_only_the_budget() {
    let mut window = Window::new(layout(30));
    let one = Counts {
        bad: 1.0,
        total: 1.0,
    };
    let now = Timestamp::from_secs(START).align_down(Span::from_hours(1));
    window.add(now, one);
    window.add_history(now - Span::from_days(20), one);
    assert_eq!(window.sum(Span::from_days(3), now), one);
    assert_eq!(window.sum(Span::from_days(30), now), one + one);
}

#[test]
fn a_saved_window_reads_the_same() {
    let mut window = Window::new(layout(30));
    for minute in 0..5_000 {
        let counts = Counts {
            bad: f64::from(minute % 3),
            total: 20.5,
        };
        window.add(Timestamp::from_secs(START + i64::from(minute) * 60), counts);
    }
    window.seal();
    let bytes = postcard::to_stdvec(&window).unwrap();
    let back: Window = postcard::from_bytes(&bytes).unwrap();
    let now = Timestamp::from_secs(START + 5_000 * 60);
    for span in [Span::from_mins(5), Span::from_days(1), Span::from_days(30)] {
        assert_eq!(window.sum(span, now), back.sum(span, now));
    }
}
