//! The windows of Pyrra's four alerts, which follow from the window of the objective.
//!
//! They are those that fit 28 days, scaled, each rounded to whole minutes (Pyrra, `slo/rules.go`:
//! `Windows`). The arithmetic is done as there, in whole nanoseconds, so that an alert looks at the
//! same windows here as it did before.

use crate::engine::Span;

/// What one of the four alerts looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Burn {
    /// How many times faster than allowed the budget must burn.
    pub(super) factor: i64,
    /// The label `severity` unless the author writes another one.
    pub(super) severity: &'static str,
    /// The window that says it is still going on; zero when the objective's is too short for it.
    pub(super) short: Span,
    /// The window that says it matters.
    pub(super) long: Span,
    /// How long it must burn.
    pub(super) pending: Span,
}

/// Fast, medium, slow and long-term burn.
pub(super) fn burns(window: Span) -> [Burn; 4] {
    let burn = |factor, severity, [short, long, pending]: [i128; 3]| Burn {
        factor,
        severity,
        short: minutes_of(window, short),
        long: minutes_of(window, long),
        pending: minutes_of(window, pending),
    };
    [
        burn(14, "critical", [8064, 672, 20_160]),
        burn(7, "critical", [1344, 112, 2688]),
        burn(2, "warning", [336, 28, 672]),
        burn(1, "warning", [112, 7, 224]),
    ]
}

impl Burn {
    /// The share of the budget that is gone when it has burned at this speed for the long window.
    pub(super) fn budget_fraction(&self, window: Span) -> f64 {
        self.factor as f64 * self.long.ratio(window)
    }

    /// When the whole budget would be gone at this speed, in whole seconds.
    pub(super) fn exhaustion(&self, window: Span) -> Span {
        Span::from_secs((window.as_secs_f64() / self.factor as f64) as i64)
    }
}

/// How long a metric must be absent before Pyrra says so: as long as a total failure would take to
/// fire the fastest alert.
pub(super) fn absent_after(window: Span, target_percent: f64) -> Span {
    let [fast, ..] = burns(window);
    let threshold = fast.factor as f64 * (1.0 - target_percent / 100.0);
    let seconds = (threshold * fast.long.as_secs_f64()) as i64;
    whole_minutes(nanoseconds(Span::from_secs(seconds) + fast.pending))
}

/// As Prometheus writes it: years and weeks only when nothing is left over, so `4w` and `30d`.
pub(super) fn notation(span: Span) -> String {
    const WHOLE: [(&str, Span); 2] = [("y", Span::from_days(365)), ("w", Span::from_days(7))];
    let whole = WHOLE
        .into_iter()
        .find(|(_, unit)| !span.is_zero() && span.as_millis() % unit.as_millis() == 0);
    match whole {
        Some((name, unit)) => format!("{}{name}", span.as_millis() / unit.as_millis()),
        None => span.to_string(),
    }
}

fn minutes_of(window: Span, divisor: i128) -> Span {
    whole_minutes(nanoseconds(window) / divisor)
}

fn nanoseconds(span: Span) -> i128 {
    i128::from(span.as_millis()) * 1_000_000
}

fn whole_minutes(nanoseconds: i128) -> Span {
    const MINUTE: i128 = 60_000_000_000;
    let minutes = (nanoseconds + MINUTE / 2) / MINUTE;
    Span::from_mins(i64::try_from(minutes).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(window: &str) -> String {
        let line = |burn: &Burn| format!("{}/{}, {}", burn.short, burn.long, burn.pending);
        let lines = burns(Span::parse(window).unwrap()).each_ref().map(line);
        lines.join(" | ")
    }

    #[test]
    fn windows_are_those_of_pyrra() {
        for (window, expected) in [
            (
                "7d",
                "1m/15m, 1m | 8m/1h30m, 4m | 30m/6h, 15m | 1h30m/1d, 45m",
            ),
            (
                "14d",
                "3m/30m, 1m | 15m/3h, 8m | 1h/12h, 30m | 3h/2d, 1h30m",
            ),
            ("28d", "5m/1h, 2m | 30m/6h, 15m | 2h/1d, 1h | 6h/4d, 3h"),
            (
                "30d",
                "5m/1h4m, 2m | 32m/6h26m, 16m | 2h9m/1d1h43m, 1h4m | 6h26m/4d6h51m, 3h13m",
            ),
            (
                "12w",
                "15m/3h, 6m | 1h30m/18h, 45m | 6h/3d, 3h | 18h/12d, 9h",
            ),
            (
                "90d",
                "16m/3h13m, 6m | 1h36m/19h17m, 48m | 6h26m/3d5h9m, 3h13m | 19h17m/12d20h34m, 9h39m",
            ),
        ] {
            assert_eq!(table(window), expected, "{window}");
        }
    }

    #[test]
    fn the_fast_alert_needs_a_window_of_two_days_and_eight_tenths() {
        let short = |secs| burns(Span::from_secs(secs))[0].short;
        assert_eq!(short(241_920), Span::from_mins(1));
        assert_eq!(short(241_919), Span::ZERO);
    }

    #[test]
    fn exhaustion_is_the_window_by_the_factor() {
        let texts = |window: &str| {
            let window = Span::parse(window).unwrap();
            burns(window).map(|burn| notation(burn.exhaustion(window)))
        };
        assert_eq!(texts("4w"), ["2d", "4d", "2w", "4w"]);
        assert_eq!(texts("30d"), ["2d3h25m42s", "4d6h51m25s", "15d", "30d"]);
        assert_eq!(notation(Span::from_days(365)), "1y");
        assert_eq!(notation(Span::ZERO), "0s");
    }

    #[test]
    fn absence_takes_as_long_as_a_total_failure() {
        for (window, target, expected) in [
            ("28d", 99.0, "10m"),
            ("28d", 99.9, "3m"),
            ("7d", 99.99, "1m"),
            ("1d", 99.99, "0s"),
        ] {
            let after = absent_after(Span::parse(window).unwrap(), target);
            assert_eq!(after.to_string(), expected, "{window} {target}");
        }
    }

    proptest! {
        #[test]
        fn rounding_is_to_the_nearest_minute(millis in 0i64..400 * 86_400_000) {
            let window = Span::from_millis(millis);
            for (burn, divisor) in burns(window).iter().zip([672.0, 112.0, 28.0, 7.0]) {
                let exact = millis as f64 / divisor;
                prop_assert!((burn.long.as_millis() as f64 - exact).abs() <= 30_001.0);
                prop_assert_eq!(burn.long.as_millis() % 60_000, 0);
                prop_assert!(burn.short <= burn.long && burn.long <= window + Span::from_secs(30));
                prop_assert!(burn.long.is_zero() || burn.budget_fraction(window) > 0.0);
            }
        }

        #[test]
        fn no_length_is_too_long(millis in any::<i64>(), target in any::<f64>()) {
            let window = Span::from_millis(millis);
            for burn in burns(window) {
                notation(burn.exhaustion(window));
            }
            absent_after(window, target);
        }
    }
}
