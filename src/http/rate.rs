//! How often one peer may ask, and how often it may guess.
//!
//! Each peer address has two buckets of tokens that refill with time: one for requests, one for
//! credentials that were wrong. The number of peers that are remembered is bounded; who comes when
//! all places are taken shares one bucket with all others of that kind.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::engine::{Span, Timestamp};

/// Peers remembered at once.
const PEERS_MAX: usize = 10_000;
/// While all places are taken, this long passes between looks for free ones.
const SWEEP_EVERY: Span = Span::from_secs(1);
/// Wrong credentials that a peer may send at once ...
const GUESSES: f64 = 10.0;
/// ... and per second in the long run.
const GUESSES_PER_SECOND: f64 = 0.2;

/// The buckets of all peers.
pub(super) struct Rates {
    /// Requests per second in the long run; twice as many at once.
    per_second: f64,
    peers: Mutex<Peers>,
}

#[derive(Default)]
struct Peers {
    buckets: BTreeMap<Option<IpAddr>, Buckets>,
    /// When those with full buckets were last forgotten.
    swept_at: Option<Timestamp>,
}

#[derive(Clone, Copy)]
struct Buckets {
    requests: Bucket,
    guesses: Bucket,
}

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

impl Bucket {
    /// Refills for the time since the last look; a clock that goes back refills nothing.
    fn refill(&mut self, rate: f64, room: f64, now: Timestamp) {
        let passed = now.since(self.at).as_secs_f64().max(0.0);
        self.tokens = (self.tokens + passed * rate).min(room);
        self.at = now;
    }

    /// How long until there is a whole token, unless there is one.
    fn lacks(&self, rate: f64) -> Option<Span> {
        let missing = 1.0 - self.tokens;
        (missing > 0.0).then(|| Span::from_secs((missing / rate).ceil() as i64))
    }
}

impl Rates {
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            per_second: f64::from(per_second.max(1)),
            peers: Mutex::default(),
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    ///
    /// When there were too many: how long to wait.
    pub(super) fn request(&self, peer: Option<IpAddr>, now: Timestamp) -> Result<(), Span> {
        self.with(peer, now, |buckets| {
            if let Some(wait) = buckets.guesses.lacks(GUESSES_PER_SECOND) {
                return Err(wait);
            }
            if let Some(wait) = buckets.requests.lacks(self.per_second) {
                return Err(wait);
            }
            buckets.requests.tokens -= 1.0;
            Ok(())
        })
    }

    /// Counts wrong credentials.
    pub(super) fn guessed(&self, peer: Option<IpAddr>, now: Timestamp) {
        self.with(peer, now, |buckets| buckets.guesses.tokens -= 1.0);
    }

    fn with<T>(
        &self,
        peer: Option<IpAddr>,
        now: Timestamp,
        change: impl FnOnce(&mut Buckets) -> T,
    ) -> T {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !peers.buckets.contains_key(&peer);
        let full = is_new && peers.buckets.len() >= PEERS_MAX;
        if full && peers.swept_at.is_none_or(|at| now.since(at) >= SWEEP_EVERY) {
            peers.swept_at = Some(now);
            self.sweep(&mut peers.buckets, now);
        }
        let full = is_new && peers.buckets.len() >= PEERS_MAX;
        let peer = if full { None } else { peer };
        let fresh = |tokens| Bucket { tokens, at: now };
        let buckets = peers.buckets.entry(peer).or_insert_with(|| Buckets {
            requests: fresh(self.room()),
            guesses: fresh(GUESSES),
        });
        buckets.requests.refill(self.per_second, self.room(), now);
        buckets.guesses.refill(GUESSES_PER_SECOND, GUESSES, now);
        change(buckets)
    }

    /// Forgets the peers whose buckets are full: they are as good as new.
    fn sweep(&self, peers: &mut BTreeMap<Option<IpAddr>, Buckets>, now: Timestamp) {
        peers.retain(|_, buckets| {
            buckets.requests.refill(self.per_second, self.room(), now);
            buckets.guesses.refill(GUESSES_PER_SECOND, GUESSES, now);
            buckets.requests.tokens < self.room() || buckets.guesses.tokens < GUESSES
        });
    }

    fn room(&self) -> f64 {
        self.per_second * 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn peer(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn a_burst_is_allowed_and_the_long_run_is_bounded() {
        let rates = Rates::new(5);
        let mut taken = 0;
        for tenth in 0..1000 {
            let now = T0 + Span::from_millis(tenth * 100);
            for _ in 0..10 {
                taken += u32::from(rates.request(peer(1), now).is_ok());
            }
        }
        assert!((505..=510).contains(&taken), "{taken}");
        assert!(
            rates.request(peer(2), T0).is_ok(),
            "others are not affected"
        );
        let rates = Rates::new(5);
        (0..10).for_each(|_| rates.request(peer(1), T0).unwrap());
        assert_eq!(rates.request(peer(1), T0), Err(Span::from_secs(1)));
    }

    #[test]
    fn guessing_locks_a_peer_out_for_a_while() {
        let rates = Rates::new(1000);
        for _ in 0..10 {
            rates.request(peer(1), T0).unwrap();
            rates.guessed(peer(1), T0);
        }
        assert_eq!(rates.request(peer(1), T0), Err(Span::from_secs(5)));
        assert!(rates.request(peer(2), T0).is_ok());
        assert!(rates.request(peer(1), T0 + Span::from_secs(6)).is_ok());
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing_away() {
        let rates = Rates::new(1);
        (0..2).for_each(|_| rates.request(peer(1), T0).unwrap());
        for _ in 0..5 {
            assert!(rates.request(peer(1), T0 - Span::from_hours(1)).is_err());
        }
        let later = T0 - Span::from_hours(1) + Span::from_secs(1);
        assert!(rates.request(peer(1), later).is_ok());
    }

    #[test]
    fn peers_are_bounded() {
        let rates = Rates::new(1);
        for number in 0..30_000_u32 {
            let peer = IpAddr::from(number.to_be_bytes());
            let _limited = rates.request(Some(peer), T0);
        }
        assert!(rates.peers.lock().unwrap().buckets.len() <= PEERS_MAX + 1);
    }
}
