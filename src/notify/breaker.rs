//! The circuit breaker of one receiver, and its rate limit.
//!
//! Failures in a row open it; while it is open rows stay in the outbox; when the pause is over one
//! probe goes out (half-open), and its success closes it. Any answer that shows the receiver alive
//! counts as success, a refusal of one message among them: one bad message must not stop the rest.
//! A 429 is not a failure but an order to wait, obeyed to the millisecond.

use crate::config::settings::DeliverySettings;
use crate::engine::{Span, Timestamp};

use super::error::{DeliveryError, ErrorClass, FailureReason};

/// Decides whether attempts may start.
#[derive(Clone, Debug)]
pub struct Breaker {
    failures_max: u32,
    pause: Span,
    state: State,
    limited_until: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: Timestamp },
}

/// Whether attempts may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// As many as the receiver's concurrency allows.
    Free,
    /// One, when none is under way.
    Probe,
    /// None before this time.
    Wait(Timestamp),
}

/// What an attempt showed about its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// It is alive.
    Alive,
    /// It did not answer, or answered that it is broken.
    Failed,
    /// It wants to be left alone.
    Limited(Span),
    /// Nothing: no request was made.
    Nothing,
}

impl Signal {
    /// Reads the result of an attempt.
    pub fn of<T>(result: &Result<T, DeliveryError>) -> Self {
        let Err(error) = result else {
            return Self::Alive;
        };
        match (error.reason, error.class) {
            (FailureReason::Local, _) => Self::Nothing,
            (FailureReason::RateLimited, ErrorClass::Retry { after: Some(after) }) => {
                Self::Limited(after)
            }
            (_, ErrorClass::Retry { .. }) => Self::Failed,
            (_, ErrorClass::Permanent) => Self::Alive,
        }
    }
}

impl Breaker {
    /// A closed breaker.
    pub fn new(settings: &DeliverySettings) -> Self {
        Self {
            failures_max: settings.breaker_failures,
            pause: settings.breaker_pause,
            state: State::Closed { failures: 0 },
            limited_until: None,
        }
    }

    /// Whether attempts may start at `now`.
    pub fn permit(&self, now: Timestamp) -> Permit {
        match (self.limited_until, self.state) {
            (Some(until), _) if now < until => Permit::Wait(until),
            (_, State::Open { until }) if now < until => Permit::Wait(until),
            (_, State::Open { .. }) => Permit::Probe,
            (_, State::Closed { .. }) => Permit::Free,
        }
    }

    /// Takes in what an attempt that ended at `now` showed.
    pub fn record(&mut self, now: Timestamp, signal: Signal) {
        match signal {
            Signal::Alive => self.state = State::Closed { failures: 0 },
            Signal::Limited(after) => {
                self.state = State::Closed { failures: 0 };
                self.limited_until = self.limited_until.max(Some(now + after));
            }
            Signal::Failed => self.fail(now),
            Signal::Nothing => {}
        }
    }

    /// Whether the breaker is open; a rate limit alone does not open it.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    fn fail(&mut self, now: Timestamp) {
        self.state = match self.state {
            State::Closed { failures } if failures.saturating_add(1) < self.failures_max => {
                State::Closed {
                    failures: failures + 1,
                }
            }
            // A failure that was under way when the breaker opened is no news.
            State::Open { until } if now < until => State::Open { until },
            State::Closed { .. } | State::Open { .. } => State::Open {
                until: now + self.pause,
            },
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: fn(i64) -> Timestamp = Timestamp::from_secs;

    fn settings() -> DeliverySettings {
        DeliverySettings {
            breaker_failures: 5,
            breaker_pause: Span::from_secs(30),
            ..DeliverySettings::default()
        }
    }

    fn opened_at(secs: i64) -> Breaker {
        let mut breaker = Breaker::new(&settings());
        for _ in 0..5 {
            assert_eq!(breaker.permit(T(secs)), Permit::Free);
            breaker.record(T(secs), Signal::Failed);
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_probe_decides() {
        let mut breaker = opened_at(0);
        assert!(breaker.is_open());
        assert_eq!(breaker.permit(T(29)), Permit::Wait(T(30)));
        breaker.record(T(10), Signal::Failed);
        assert_eq!(
            breaker.permit(T(30)),
            Permit::Probe,
            "late failures do not extend it"
        );
        breaker.record(T(31), Signal::Failed);
        assert_eq!(breaker.permit(T(60)), Permit::Wait(T(61)));
        breaker.record(T(62), Signal::Alive);
        assert_eq!(breaker.permit(T(62)), Permit::Free);
        assert!(!breaker.is_open());
    }

    #[test]
    fn a_success_or_a_refusal_starts_the_count_anew() {
        let mut breaker = Breaker::new(&settings());
        for at in 0..100 {
            let signal = if at % 5 == 4 {
                Signal::Alive
            } else {
                Signal::Failed
            };
            breaker.record(T(at), signal);
        }
        assert!(!breaker.is_open());
    }

    #[test]
    fn a_rate_limit_is_kept_to_the_end_and_never_shortened() {
        let mut breaker = Breaker::new(&settings());
        breaker.record(T(0), Signal::Limited(Span::from_secs(120)));
        breaker.record(T(1), Signal::Limited(Span::from_secs(5)));
        breaker.record(T(2), Signal::Alive);
        let last = Timestamp::from_millis(119_999);
        assert_eq!(breaker.permit(last), Permit::Wait(T(120)));
        assert_eq!(breaker.permit(T(120)), Permit::Free);
        assert!(!breaker.is_open());
    }

    #[test]
    fn signals_follow_the_class() {
        let error = |reason, class| DeliveryError {
            class,
            ambiguous: false,
            reason,
            text: String::new(),
        };
        let retry = |after| ErrorClass::Retry { after };
        let wait = Some(Span::from_secs(9));
        for (reason, class, signal) in [
            (
                FailureReason::ClientError,
                ErrorClass::Permanent,
                Signal::Alive,
            ),
            (
                FailureReason::RateLimited,
                retry(wait),
                Signal::Limited(Span::from_secs(9)),
            ),
            (FailureReason::RateLimited, retry(None), Signal::Failed),
            (FailureReason::ServerError, retry(wait), Signal::Failed),
            (FailureReason::Refused, retry(None), Signal::Failed),
            (FailureReason::Local, retry(None), Signal::Nothing),
        ] {
            assert_eq!(
                Signal::of::<()>(&Err(error(reason, class))),
                signal,
                "{reason:?}"
            );
        }
        assert_eq!(Signal::of(&Ok(())), Signal::Alive);
    }
}
