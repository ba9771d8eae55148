//! How often one peer may ask, and how often it may guess.
//!
//! Two kinds of buckets of tokens refill with time: one for the requests of a peer, one for its
//! wrong credentials. Guesses at one name are counted apart from those at others, for many people
//! may share an address behind a proxy: whoever guesses locks the name out, at that address, not
//! the people around. Names fall into a few slots, so that one address has few guesses in all, and
//! nobody learns from being locked out which names there are.
//!
//! An IPv6 peer is its network of 64 bits, of which it can use every address. The number of buckets
//! is bounded; who comes when all places are taken shares one with all others of that kind.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Clock;
use crate::engine::{Span, Timestamp};

/// Buckets of one kind remembered at once.
const BUCKETS_MAX: usize = 10_000;
/// While all places are taken, this long passes between looks for free ones.
const SWEEP_EVERY: Span = Span::from_secs(1);
/// Wrong credentials that a peer may send at once, for the names of one slot ...
const GUESSES: f64 = 10.0;
/// ... and per second in the long run.
const GUESSES_PER_SECOND: f64 = 0.2;
/// Slots of names.
const NAME_SLOTS: u8 = 16;

/// A peer, or `None` for all that are not remembered.
type Block = Option<IpAddr>;

/// The buckets of all peers.
pub(super) struct Rates {
    requests: Mutex<Buckets<Block>>,
    guesses: Mutex<Buckets<(Block, Slot)>>,
}

/// What guesses are counted apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    /// Tokens, and what is no credential at all.
    Tokens,
    /// Passwords of some of the names.
    Names(u8),
}

impl Slot {
    /// That of a name, by a number that nobody else can compute from it.
    pub(super) fn of(hash: u8) -> Self {
        Self::Names(hash % NAME_SLOTS)
    }
}

struct Buckets<K> {
    /// Tokens per second.
    rate: f64,
    /// Tokens at most.
    room: f64,
    buckets: BTreeMap<K, Bucket>,
    /// When full buckets were last forgotten.
    swept_at: Option<Timestamp>,
}

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

impl<K: Ord + Copy> Buckets<K> {
    fn new(rate: f64, room: f64) -> Self {
        Self {
            rate,
            room,
            buckets: BTreeMap::new(),
            swept_at: None,
        }
    }

    /// The bucket of `key`, or while all places are taken that of `shared`; refilled.
    fn bucket(&mut self, key: K, shared: K, now: Timestamp) -> &mut Bucket {
        let (rate, room) = (self.rate, self.room);
        let is_new = !self.buckets.contains_key(&key);
        let full = is_new && self.buckets.len() >= BUCKETS_MAX;
        if full && self.swept_at.is_none_or(|at| now.since(at) >= SWEEP_EVERY) {
            self.swept_at = Some(now);
            // Those that are full are as good as new.
            self.buckets.retain(|_, bucket| {
                bucket.refill(rate, room, now);
                bucket.tokens < room
            });
        }
        let full = is_new && self.buckets.len() >= BUCKETS_MAX;
        let key = if full { shared } else { key };
        let fresh = Bucket {
            tokens: room,
            at: now,
        };
        let bucket = self.buckets.entry(key).or_insert(fresh);
        bucket.refill(rate, room, now);
        bucket
    }
}

impl Bucket {
    /// Refills for the time since the last look; a clock that goes back refills nothing.
    fn refill(&mut self, rate: f64, room: f64, now: Timestamp) {
        let passed = now.since(self.at).as_secs_f64().max(0.0);
        self.tokens = (self.tokens + passed * rate).min(room);
        self.at = now;
    }

    /// # Errors
    ///
    /// While there is no whole token: how long until there is.
    fn check(&self, rate: f64) -> Result<(), Span> {
        let missing = 1.0 - self.tokens;
        if missing > 0.0 {
            return Err(Span::from_secs((missing / rate).ceil() as i64));
        }
        Ok(())
    }

    fn take(&mut self, rate: f64) -> Result<(), Span> {
        self.check(rate)?;
        self.tokens -= 1.0;
        Ok(())
    }
}

impl Rates {
    /// `per_second` requests of a peer in the long run, twice as many at once.
    pub(super) fn new(per_second: u32) -> Self {
        let per_second = f64::from(per_second.max(1));
        Self {
            requests: Mutex::new(Buckets::new(per_second, per_second * 2.0)),
            guesses: Mutex::new(Buckets::new(GUESSES_PER_SECOND, GUESSES)),
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    ///
    /// When there were too many: how long to wait.
    pub(super) fn request(&self, peer: Option<IpAddr>, now: Timestamp) -> Result<(), Span> {
        let mut requests = lock(&self.requests);
        let rate = requests.rate;
        requests.bucket(block(peer), None, now).take(rate)
    }

    /// The guesses of one peer.
    pub(super) fn guesses<'a>(&'a self, peer: Option<IpAddr>, clock: &'a Clock) -> Guesses<'a> {
        Guesses {
            rates: self,
            peer: block(peer),
            clock,
        }
    }
}

/// The guesses of one peer, as its credentials are judged.
#[derive(Clone, Copy)]
pub(super) struct Guesses<'a> {
    rates: &'a Rates,
    peer: Block,
    clock: &'a Clock,
}

impl Guesses<'_> {
    /// Whether there may be another guess.
    ///
    /// # Errors
    ///
    /// When there were too many: how long to wait.
    pub(super) fn check(&self, slot: Slot) -> Result<(), Span> {
        self.with(slot, |bucket| bucket.check(GUESSES_PER_SECOND))
    }

    /// Counts a guess, before it is judged: whoever hangs up meanwhile has guessed all the same.
    ///
    /// # Errors
    ///
    /// As [`Guesses::check`].
    pub(super) fn take(&self, slot: Slot) -> Result<(), Span> {
        self.with(slot, |bucket| bucket.take(GUESSES_PER_SECOND))
    }

    /// It was no guess.
    pub(super) fn give_back(&self, slot: Slot) {
        self.with(slot, |bucket| {
            bucket.tokens = (bucket.tokens + 1.0).min(GUESSES);
        });
    }

    fn with<T>(&self, slot: Slot, change: impl FnOnce(&mut Bucket) -> T) -> T {
        let mut guesses = lock(&self.rates.guesses);
        change(guesses.bucket((self.peer, slot), (None, slot), (self.clock)()))
    }
}

/// The addresses that one peer can use as it likes.
fn block(peer: Option<IpAddr>) -> Block {
    Some(match peer?.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        v4 => v4,
    })
}

/// Every change under these locks is complete before anything can panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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
    fn guessing_locks_names_out_at_one_address_for_a_while() {
        let rates = Rates::new(1000);
        let clock: Clock = Arc::new(|| T0);
        let (ann, bob) = (Slot::of(1), Slot::of(2));
        let here = rates.guesses(peer(1), &clock);
        for _ in 0..10 {
            here.take(ann).unwrap();
        }
        assert_eq!(here.take(ann), Err(Span::from_secs(5)));
        assert_eq!(here.check(ann), Err(Span::from_secs(5)));
        for slot in [bob, Slot::Tokens] {
            assert_eq!(here.check(slot), Ok(()), "{slot:?}");
        }
        assert_eq!(rates.request(peer(1), T0), Ok(()));
        assert_eq!(rates.guesses(peer(2), &clock).check(ann), Ok(()));
        here.give_back(ann);
        assert_eq!(here.check(ann), Ok(()));
        here.take(ann).unwrap();
        let later: Clock = Arc::new(|| T0 + Span::from_secs(6));
        assert_eq!(rates.guesses(peer(1), &later).check(ann), Ok(()));
    }

    #[test]
    fn a_network_of_ipv6_is_one_peer() {
        let rates = Rates::new(1);
        let at = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        rates.request(at("2001:db8::1"), T0).unwrap();
        rates.request(at("2001:db8::ffff:2"), T0).unwrap();
        assert!(rates.request(at("2001:db8::3"), T0).is_err());
        assert!(rates.request(at("2001:db8:0:1::1"), T0).is_ok());
        // An IPv4 peer of a socket for both.
        for _ in 0..2 {
            rates.request(at("::ffff:192.0.2.1"), T0).unwrap();
        }
        assert!(rates.request(peer(1), T0).is_err());
        assert!(rates.request(at("::ffff:192.0.2.2"), T0).is_ok());
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
        assert!(rates.requests.lock().unwrap().buckets.len() <= BUCKETS_MAX + 1);
    }
}
