//! The only reader of time.
//!
//! Everything else takes `now` as an argument or a [`Clock`] as a value. The clock never goes
//! back, whatever the machine's does; and it can run faster than the world, for the demo.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::engine::{Span, Timestamp};

/// A clock that never goes back.
#[derive(Clone, Debug)]
pub struct Clock {
    /// Virtual time at `started`, in milliseconds.
    origin: i64,
    started: i64,
    /// Virtual seconds per real second, at least 1.
    speed: u32,
    /// The latest time that was read.
    latest: Arc<AtomicI64>,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        let now = machine_millis();
        Self {
            origin: now,
            started: now,
            speed: 1,
            latest: Arc::new(AtomicI64::new(now)),
        }
    }

    /// A clock that starts at the present and runs `speed` times as fast as the machine's.
    pub fn fast(speed: u32) -> Self {
        Self {
            speed: speed.max(1),
            ..Self::system()
        }
    }

    /// The time. While the machine's clock is behind what it once said, time stands still.
    pub fn now(&self) -> Timestamp {
        let elapsed = machine_millis().saturating_sub(self.started);
        let now = self
            .origin
            .saturating_add(elapsed.saturating_mul(i64::from(self.speed)));
        Timestamp::from_millis(self.latest.fetch_max(now, Ordering::AcqRel).max(now))
    }

    /// Waits until the clock shows `at`.
    pub async fn wait_until(&self, at: Timestamp) {
        /// Waits are cut, so that a machine clock that is set forward does not oversleep a slot.
        const PIECE_MAX: Duration = Duration::from_secs(1);
        loop {
            let left = at.since(self.now());
            if left.is_zero() {
                return;
            }
            let real = left.to_std() / self.speed;
            tokio::time::sleep(real.clamp(Duration::from_millis(1), PIECE_MAX)).await;
        }
    }

    /// How long `span` of this clock takes in the world.
    pub fn real(&self, span: Span) -> Duration {
        span.to_std() / self.speed
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this file is the one place that reads the clock"
)]
fn machine_millis() -> i64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_goes_back() {
        let clock = Clock::system();
        let ahead = clock.now() + Span::from_hours(1);
        clock.latest.store(ahead.as_millis(), Ordering::Release);
        assert_eq!(
            clock.now(),
            ahead,
            "the machine's clock was set back an hour"
        );
    }

    #[tokio::test]
    async fn a_fast_clock_waits_for_less() {
        let clock = Clock::fast(1000);
        let at = clock.now() + Span::from_secs(10);
        clock.wait_until(at).await;
        assert!(clock.now() >= at);
        assert_eq!(clock.real(Span::from_secs(10)), Duration::from_millis(10));
    }
}
