//! Curves against a recount of the events one by one.

use proptest::prelude::*;

use super::*;
use crate::engine::counts::Counts;
use crate::engine::feed::tests::slo;
use crate::engine::labels::Labels;
use crate::engine::window::{Layout, Window};

/// A slot of the clock.
const NOW: Timestamp = Timestamp::from_secs(1_700_006_400);

fn tally(longest_window: Span, events: &[(i64, bool)]) -> Tally {
    let mut window = Window::new(Layout {
        interval: Span::from_secs(30),
        longest_window,
        period: Span::from_days(30),
        quarters: false,
    });
    for (ago, bad) in events {
        let counts = Counts {
            bad: f64::from(u8::from(*bad)),
            total: 1.0,
        };
        window.add(NOW - Span::from_secs(*ago), counts);
    }
    window.seal();
    Tally {
        id: InstanceId {
            slo: slo("shop", &[]).id,
            labels: Labels::empty(),
        },
        window,
        first: NOW - Span::from_days(30),
        newest: Some(NOW),
        spacing: Span::from_secs(15),
    }
}

fn days() -> Span {
    Span::from_days(3)
}

fn close(drawn: Option<f32>, counted: f64) -> bool {
    drawn.is_some_and(|drawn| (f64::from(drawn) - counted).abs() <= 1e-5 * counted.max(1.0))
}

proptest! {
    #[test]
    fn a_curve_is_what_counting_gives(
        mut events in proptest::collection::vec((0i64..8 * 3600, any::<bool>()), 1..200),
    ) {
        events.sort_by_key(|(ago, _)| std::cmp::Reverse(*ago));
        let definition = slo("shop", &[]);
        let ratio = definition.objective.budget_ratio();
        let drawn = curve(&definition, &tally(days(), &events), NOW - days(), NOW).unwrap();
        prop_assert_eq!((drawn.burn.len(), drawn.consumed.len()), (73, 73));
        for (at, (burn, consumed)) in drawn.burn.iter().zip(&drawn.consumed).enumerate() {
            let end = (72 - at as i64) * 300;
            // An event at the very edge belongs to what ends there.
            let within: Vec<_> = events.iter().filter(|(ago, _)| (end..end + 300).contains(ago)).collect();
            let bad = within.iter().filter(|(_, bad)| *bad).count() as f64;
            let share = if within.is_empty() { 0.0 } else { bad / within.len() as f64 };
            prop_assert!(close(*burn, share / ratio), "{at}: {burn:?} {share}");
            let bad = events.iter().filter(|(ago, bad)| *ago >= end && *bad).count() as f64;
            let share = bad / (events.len() as f64 * ratio);
            prop_assert!(close(*consumed, share), "{at}: {consumed:?} {share}");
        }
    }

    #[test]
    fn numbers_that_are_none_are_not_drawn(bad in any::<f64>(), total in any::<f64>()) {
        let mut tally = tally(days(), &[(10, true)]);
        tally.window.add(NOW - Span::from_secs(100), Counts { bad, total });
        if let Some(drawn) = curve(&slo("shop", &[]), &tally, NOW - days(), NOW) {
            let all = drawn.burn.iter().chain(&drawn.consumed).flatten();
            prop_assert!(all.into_iter().all(|value| value.is_finite()));
        }
    }
}

#[test]
fn what_was_not_read_is_not_drawn() {
    let events = [(60, true), (7_000, false)];
    let definition = slo("shop", &[]);
    let known = |values: &[Option<f32>]| values.iter().flatten().count();
    let hour = NOW - Span::from_hours(1);
    let drawn = curve(&definition, &tally(days(), &events), hour, NOW).unwrap();
    assert_eq!((known(&drawn.burn), known(&drawn.consumed)), (12, 13));
    assert_eq!(drawn.burn[60], None);
    assert!(drawn.burn[61].is_some());
    // Windows of an hour at most: what lies before is in buckets of an hour.
    let coarse = tally(Span::from_hours(1), &events);
    let drawn = curve(&definition, &coarse, NOW - days(), NOW).unwrap();
    assert_eq!(known(&drawn.burn), 12);
    assert_eq!(curve(&definition, &coarse, NOW, NOW), None);
    let silent = tally(days(), &[]);
    let drawn = curve(&definition, &silent, NOW - days(), NOW).unwrap();
    assert_eq!((known(&drawn.burn), known(&drawn.consumed)), (73, 0));
}
