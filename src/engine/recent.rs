//! How the last slots of an instance ended: enough to see at a glance what has been going on.
//!
//! It lives in memory only: a restart begins anew. At most [`PAST_SLOTS_MAX`] slots of 16 bytes,
//! so 320 bytes per instance.

use super::evaluation::Outcome;
use super::time::Timestamp;

/// So many slots of an instance are remembered.
pub const PAST_SLOTS_MAX: usize = 20;

/// One slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastSlot {
    /// When.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
}

/// The last slots of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recent(Vec<PastSlot>);

impl Recent {
    /// The slots, oldest first.
    pub fn slots(&self) -> &[PastSlot] {
        &self.0
    }

    /// Whether older slots have made room, or the memory is just full: what is shown is not all
    /// since the start.
    pub fn is_full(&self) -> bool {
        self.0.len() >= PAST_SLOTS_MAX
    }

    /// With one more; a slot that is decided again takes its own place.
    #[must_use]
    pub fn with(&self, slot: PastSlot) -> Self {
        let before = self.0.iter().filter(|past| past.at < slot.at);
        let mut slots = Vec::with_capacity(PAST_SLOTS_MAX);
        let surplus = before.clone().count().saturating_sub(PAST_SLOTS_MAX - 1);
        slots.extend(before.skip(surplus).copied());
        slots.push(slot);
        Self(slots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(secs: i64, outcome: Outcome) -> PastSlot {
        PastSlot {
            at: Timestamp::from_secs(secs),
            outcome,
        }
    }

    #[test]
    fn only_the_last_slots_are_remembered_each_once() {
        let mut recent = Recent::default();
        for secs in 1..=25 {
            recent = recent.with(slot(secs, Outcome::Quiet));
            assert_eq!(recent.is_full(), secs >= 20);
        }
        recent = recent.with(slot(25, Outcome::Burning));
        assert_eq!(recent.slots().len(), PAST_SLOTS_MAX);
        assert_eq!(recent.slots()[0], slot(6, Outcome::Quiet));
        assert_eq!(recent.slots()[19], slot(25, Outcome::Burning));
    }
}
