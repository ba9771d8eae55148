//! Budgets without what happened in maintenance.

use proptest::prelude::*;

use super::*;
use crate::engine::feed::tests::slo;
use crate::engine::labels::{MatchOp, Matcher};
use crate::engine::maintenance::MaintenanceTime;
use crate::engine::window::Layout;

fn minute(minute: i64) -> Timestamp {
    Timestamp::EPOCH + Span::from_mins(minute)
}

fn window() -> Window {
    Window::new(Layout {
        interval: Span::from_secs(30),
        longest_window: Span::from_days(3),
        period: Span::from_days(30),
        quarters: false,
    })
}

const ONE_BAD: Counts = Counts {
    bad: 1.0,
    total: 2.0,
};

#[test]
fn a_window_is_about_the_instances_that_its_matchers_name() {
    let matcher = |name: &str, value: &str| Matcher {
        name: name.to_owned(),
        op: MatchOp::Equal(value.to_owned()),
    };
    let maintenance = |exclude, matchers| Maintenance {
        name: "upgrade".to_owned(),
        matchers,
        when: MaintenanceTime::Once {
            from: minute(10),
            until: minute(20),
        },
        exclude_from_budget: exclude,
    };
    let definition = Arc::new(slo("shop", &[]));
    let id = InstanceId {
        slo: definition.id.clone(),
        labels: crate::engine::labels::Labels::new([("zone", "eu")]),
    };
    let of = |maintenance: Vec<Maintenance>, now: i64| {
        let routing = Routing {
            maintenance,
            ..Routing::default()
        };
        let exclusions = Exclusions::new(&routing, [&definition].into_iter(), minute(now));
        exclusions.of(&definition, &id, minute(now))
    };
    let eu = || vec![matcher("zone", "eu"), matcher("service", "shop")];
    let whole = [(minute(10), minute(20))];
    assert_eq!(of(vec![maintenance(true, eu())], 60), whole);
    assert_eq!(
        of(vec![maintenance(true, eu())], 15),
        [(minute(10), minute(15))]
    );
    assert_eq!(of(vec![maintenance(true, eu())], 5), []);
    assert_eq!(of(vec![maintenance(false, eu())], 60), []);
    assert_eq!(
        of(vec![maintenance(true, vec![matcher("zone", "us")])], 60),
        []
    );
    assert_eq!(
        of(
            vec![maintenance(true, vec![matcher("severity", "page")])],
            60
        ),
        []
    );
    assert_eq!(
        of(vec![maintenance(true, eu()), maintenance(true, eu())], 60),
        whole
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Against a look at each event by itself. Within three days by the minute; older ones by
    /// the hour, whole hours that are touched at all.
    #[test]
    fn what_is_excluded_is_what_an_event_by_event_count_says(
        stretches in prop::collection::vec((0_i64..10 * 1440, 1_i64..400), 0..6),
        events in prop::collection::vec(0_i64..10 * 1440, 0..200),
        age in 0_i64..200,
    ) {
        let now = minute(10 * 1440 + age);
        let mut window = window();
        let mut events = events;
        events.sort_unstable();
        let at = |event: i64| minute(event) + Span::from_secs(15);
        events.iter().for_each(|event| window.add(at(*event), ONE_BAD));
        let stretches: Vec<Stretch> = stretches
            .into_iter()
            .map(|(from, length)| (minute(from), minute(from + length).min(now)))
            .collect();
        let hour = Span::from_hours(1);
        let fine = now - Span::from_days(3);
        let left_out = |event: Timestamp| stretches.iter().any(|(from, until)| {
            let from = if *from < fine { from.align_down(hour) } else { *from };
            let until = match *until < fine && until.align_down(hour) != *until {
                true => until.align_down(hour) + hour,
                false => *until,
            };
            from <= event && event < until
        });
        let count = events.iter().filter(|event| left_out(at(**event))).count() as f64;
        let counts = excluded(&window, &join(stretches.clone()), Span::from_days(30), now);
        // An edge of wide buckets that falls among narrow ones belongs to both.
        prop_assert!((counts.bad - count).abs() < 1e-6, "{:?} instead of {}", counts, count);
        prop_assert!((counts.total - 2.0 * count).abs() < 1e-6);
    }
}
