//! What happens after a failed attempt: a pure function of the row, the error and the settings.
//!
//! The delay grows by half from `backoff_initial` to `backoff_max`, with ±20 % jitter so that rows that
//! failed together do not come back together. The jitter derives from the row and its attempt
//! number: the same failure gives the same answer on every run.

use crate::config::settings::DeliverySettings;
use crate::engine::labels::Fnv;
use crate::engine::{Severity, Span, Timestamp};
use crate::store::{AttemptOutcome, Delivery};

use super::error::{DeliveryError, ErrorClass};

/// Growth of the delay: five failures cost a page about seven seconds, an hour of them about a
/// request per minute.
const GROWTH: f64 = 1.5;
/// The jitter's half width, as a share of the delay.
const JITTER: f64 = 0.2;

/// The outcome of an attempt that failed at `now`; `delivery` is the row as it was before.
///
/// A permanent error, or a next attempt that would come after `age_max`, makes a dead letter.
pub fn after_failure(
    settings: &DeliverySettings,
    delivery: &Delivery,
    error: &DeliveryError,
    now: Timestamp,
) -> AttemptOutcome {
    let ErrorClass::Retry { after } = error.class else {
        return AttemptOutcome::Dead {
            error: error.text.clone(),
            ambiguous: error.ambiguous,
        };
    };
    let backoff = backoff(settings, delivery);
    let at = now + backoff.max(after.unwrap_or(Span::ZERO));
    if at.since(delivery.created_at) > settings.age_max {
        let attempts = delivery.attempts.saturating_add(1);
        let age = settings.age_max;
        return AttemptOutcome::Dead {
            error: format!(
                "gave up after {attempts} attempts within {age}: {}",
                error.text
            ),
            ambiguous: error.ambiguous,
        };
    }
    AttemptOutcome::Retry {
        at,
        error: error.text.clone(),
        ambiguous: error.ambiguous,
    }
}

fn backoff(settings: &DeliverySettings, delivery: &Delivery) -> Span {
    // A page is ready again whenever an open breaker lets a probe through.
    let longest = match delivery.notification.facts.severity {
        Severity::Page => settings.backoff_max.min(settings.breaker_pause),
        Severity::Ticket | Severity::Info => settings.backoff_max,
    };
    // Beyond 64 attempts the delay has long reached its longest.
    let growth = GROWTH.powi(delivery.attempts.min(64).cast_signed());
    let delay = settings.backoff_initial.scale(growth).min(longest);
    let spread = 1.0 + JITTER * (2.0 * unit(delivery) - 1.0);
    delay.scale(spread).min(longest)
}

/// A number in 0..1 that belongs to this attempt of this row.
fn unit(delivery: &Delivery) -> f64 {
    let mut hash = Fnv::default();
    hash.write(&delivery.id.to_le_bytes());
    hash.write(&delivery.attempts.to_le_bytes());
    // FNV mixes its low bits last; folding the high half in spreads neighbouring ids.
    let mixed = (hash.0 ^ (hash.0 >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::super::error::FailureReason;
    use super::super::fixture;
    use super::*;
    use proptest::prelude::*;

    fn error(after: Option<Span>) -> DeliveryError {
        DeliveryError {
            class: ErrorClass::Retry { after },
            ambiguous: true,
            reason: FailureReason::ServerError,
            text: "answered 503".to_owned(),
        }
    }

    fn row(id: i64, attempts: u32) -> Delivery {
        let mut delivery = fixture::delivery(id, fixture::burning());
        delivery.notification.facts.severity = Severity::Ticket;
        delivery.attempts = attempts;
        delivery
    }

    fn delay(delivery: &Delivery, after: Option<Span>) -> Span {
        let settings = DeliverySettings::default();
        let now = delivery.created_at + Span::from_mins(1);
        match after_failure(&settings, delivery, &error(after), now) {
            AttemptOutcome::Retry { at, .. } => at.since(now),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn delays_grow_by_half_up_to_the_longest() {
        for attempts in 0..10 {
            let nominal = 500.0 * 1.5_f64.powi(attempts as i32);
            let millis = delay(&row(7, attempts), None).as_millis() as f64;
            assert!(
                (nominal * 0.8..=nominal * 1.2).contains(&millis),
                "{attempts}: {millis}"
            );
        }
        let far = delay(&row(7, u32::MAX), None);
        assert!(
            far >= Span::from_secs(48) && far <= Span::from_mins(1),
            "{far}"
        );
    }

    #[test]
    fn jitter_spreads_neighbours_and_repeats_itself() {
        let delays: Vec<i64> = (0..100)
            .map(|id| delay(&row(id, 7), None).as_millis())
            .collect();
        let (low, high) = (delays.iter().min().unwrap(), delays.iter().max().unwrap());
        assert!(high - low > 2_500, "of 3417 ms possible: {low}..{high}");
        assert_eq!(delay(&row(5, 3), None), delay(&row(5, 3), None));
    }

    #[test]
    fn a_page_is_ready_for_every_probe() {
        let mut page = row(1, 20);
        page.notification.facts.severity = Severity::Page;
        assert!(delay(&page, None) <= DeliverySettings::default().breaker_pause);
    }

    #[test]
    fn permanent_errors_and_old_rows_become_dead_letters() {
        let settings = DeliverySettings::default();
        let mut permanent = error(None);
        permanent.class = ErrorClass::Permanent;
        permanent.ambiguous = false;
        let outcome = after_failure(&settings, &row(1, 0), &permanent, Timestamp::EPOCH);
        let expected = AttemptOutcome::Dead {
            error: "answered 503".to_owned(),
            ambiguous: false,
        };
        assert_eq!(outcome, expected);

        let old = row(1, 11);
        let now = old.created_at + settings.age_max;
        let outcome = after_failure(&settings, &old, &error(None), now);
        // The last attempt may have arrived, like any other.
        let expected = AttemptOutcome::Dead {
            error: "gave up after 12 attempts within 1d: answered 503".to_owned(),
            ambiguous: true,
        };
        assert_eq!(outcome, expected);
    }

    proptest! {
        #[test]
        fn retry_after_is_a_minimum(id: i64, attempts: u32, secs in 0_i64..3_600) {
            let after = Span::from_secs(secs);
            let delay = delay(&row(id, attempts), Some(after));
            prop_assert!(delay >= after);
            prop_assert!(delay == after || delay <= Span::from_mins(1));
        }
    }
}
