//! Silences: what an operator does not want to hear of for a while.
//!
//! A silence stands where its times say, so it needs no clock of its own and a restart changes
//! nothing. When the clock is set back, what ended in the repeated time is active in it again;
//! when it is set forward, silences end early: then somebody is told, not the other way round.

use serde::{Deserialize, Serialize};

use super::effect::Effect;
use super::labels::{Labels, Matcher};
use super::operation::Operation;
use super::step::Engine;
use super::time::{Span, Timestamp};

/// Most silences that are kept, those that expired a while ago among them.
pub const SILENCES_MAX: usize = 10_000;
/// Most matchers of one silence.
pub const SILENCE_MATCHERS_MAX: usize = 32;
/// Longest comment or author of a silence, in characters.
pub const SILENCE_TEXT_CHARS_MAX: usize = 4096;
/// Longest matchers of one silence, names and values together, in bytes.
const MATCHER_BYTES_MAX: usize = 16 << 10;
/// Longest id of a silence, in bytes; a UUID has 36.
const ID_BYTES_MAX: usize = 64;
/// An expired silence is shown for so long: Alertmanager's `--data.retention`, 120 h.
const RETENTION: Span = Span::from_days(5);

/// One silence. It is stored as one JSON value per id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// A UUID, given by whoever made it.
    pub id: String,
    /// All must match; never empty, and at least one does not match the empty string.
    pub matchers: Vec<Matcher>,
    /// From here on.
    pub starts_at: Timestamp,
    /// Until here, not included.
    pub ends_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Where a silence stands in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SilenceState {
    /// Not yet.
    Pending,
    /// Now.
    Active,
    /// No longer.
    Expired,
}

impl SilenceState {
    /// The lower-case word used in the API and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Expired => "expired",
        }
    }
}

impl Silence {
    /// Where it stands.
    pub fn state(&self, now: Timestamp) -> SilenceState {
        if now >= self.ends_at {
            SilenceState::Expired
        } else if now >= self.starts_at {
            SilenceState::Active
        } else {
            SilenceState::Pending
        }
    }

    /// Whether it is about an alert with these labels.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches(labels))
    }

    /// Whether it can be a silence at all, whenever it is.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words for whoever made it.
    pub fn check(&self) -> Result<(), String> {
        let no = |problem: &str| Err(problem.to_owned());
        if self.id.is_empty() || self.id.len() > ID_BYTES_MAX {
            return Err(format!("the id of a silence has 1 to {ID_BYTES_MAX} bytes"));
        }
        if self.matchers.is_empty() {
            return no("a silence needs at least one matcher");
        }
        if self.matchers.len() > SILENCE_MATCHERS_MAX {
            return Err(format!(
                "a silence has at most {SILENCE_MATCHERS_MAX} matchers"
            ));
        }
        let bytes = |matcher: &Matcher| matcher.name.len() + matcher.op.parts().1.len();
        if self.matchers.iter().map(bytes).sum::<usize>() > MATCHER_BYTES_MAX {
            return Err(format!(
                "the matchers of a silence have at most {MATCHER_BYTES_MAX} bytes"
            ));
        }
        for Matcher { name, .. } in &self.matchers {
            if name.is_empty() || name.chars().any(char::is_control) {
                return Err(format!("{name:?} is not the name of a label"));
            }
        }
        if self.matchers.iter().all(|matcher| matcher.op.matches("")) {
            return no(
                "every matcher matches the empty string, so this would silence alerts that lack \
                 these labels; at least one matcher must not",
            );
        }
        for (what, text) in [("author", &self.created_by), ("comment", &self.comment)] {
            if text.trim().is_empty() {
                return Err(format!("a silence needs the {what}"));
            }
            if text.chars().count() > SILENCE_TEXT_CHARS_MAX {
                return Err(format!(
                    "the {what} of a silence has at most {SILENCE_TEXT_CHARS_MAX} characters"
                ));
            }
        }
        if self.starts_at >= self.ends_at {
            return no("a silence must end after it starts");
        }
        Ok(())
    }
}

/// What becomes of a silence that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revision {
    /// It takes the place of the existing one, under its id.
    Update(Silence),
    /// It is a new one.
    Create(Silence),
    /// It is a new one, and the existing one ends.
    Replace {
        /// The id of the existing one.
        ended: String,
        /// The new one.
        created: Silence,
    },
}

/// What becomes of a silence that somebody wants in place of an existing one, or as a new one:
/// what Alertmanager's `POST /api/v2/silences` does (`Silences.Set` of its `silence` package).
///
/// The times, the author and the comment of a live silence can be changed. One with other
/// matchers, an active one with another start and a pending one that is to have started already
/// end, and a new one begins; an expired one stays as it is, and a new one begins. A new one does
/// not start before now. `wanted` has the id that a new one gets.
///
/// # Errors
///
/// What is wrong with what is wanted, in words.
pub fn revise(
    existing: Option<&Silence>,
    wanted: Silence,
    now: Timestamp,
) -> Result<Revision, String> {
    wanted.check()?;
    if wanted.ends_at <= now {
        return Err("a silence must not end in the past".to_owned());
    }
    let wanted = Silence {
        updated_at: now,
        ..wanted
    };
    let live = existing.filter(|existing| existing.state(now) != SilenceState::Expired);
    if let Some(live) = live
        && can_become(live, &wanted, now)
    {
        // What is asked for comes in whole seconds or less; the start does not move by it.
        let starts_at = match live.state(now) {
            SilenceState::Active => live.starts_at,
            _ => wanted.starts_at,
        };
        return Ok(Revision::Update(Silence {
            id: live.id.clone(),
            starts_at,
            ..wanted
        }));
    }
    let created = Silence {
        starts_at: wanted.starts_at.max(now),
        ..wanted
    };
    Ok(match live {
        Some(live) => Revision::Replace {
            ended: live.id.clone(),
            created,
        },
        None => Revision::Create(created),
    })
}

/// Whether a live silence is still the same one after the change.
fn can_become(live: &Silence, wanted: &Silence, now: Timestamp) -> bool {
    let second = |at: Timestamp| at.align_down(Span::from_secs(1));
    let start_stays = match live.state(now) {
        SilenceState::Active => second(wanted.starts_at) == second(live.starts_at),
        _ => wanted.starts_at >= now,
    };
    start_stays && wanted.matchers == live.matchers
}

impl Engine {
    /// Sets or ends a silence; other operations are not its concern. What cannot be a silence, and
    /// what is one too many, is not taken.
    pub(super) fn operate_silence(
        &mut self,
        operation: &Operation,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) {
        match operation {
            Operation::SetSilence(silence) => self.set_silence(silence, now, effects),
            Operation::ExpireSilence { id } => self.expire_silence(id, now, effects),
            Operation::Acknowledge { .. } | Operation::Unacknowledge { .. } => {}
        }
    }

    fn set_silence(&mut self, silence: &Silence, now: Timestamp, effects: &mut Vec<Effect>) {
        if silence.check().is_err() {
            return;
        }
        let is_new = !self.silences.contains_key(&silence.id);
        if is_new && self.silences.len() >= SILENCES_MAX {
            // Those that have expired make room, the oldest first.
            let expired = self.silences.values();
            let expired = expired.filter(|kept| kept.state(now) == SilenceState::Expired);
            let Some(oldest) = expired.min_by_key(|kept| kept.ends_at) else {
                return;
            };
            let id = oldest.id.clone();
            self.silences.remove(&id);
            effects.push(Effect::ForgetSilence(id));
        }
        self.silences.insert(silence.id.clone(), silence.clone());
        effects.push(Effect::SaveSilence(silence.clone()));
    }

    fn expire_silence(&mut self, id: &str, now: Timestamp, effects: &mut Vec<Effect>) {
        let Some(silence) = self.silences.get_mut(id) else {
            return;
        };
        if silence.state(now) == SilenceState::Expired {
            return;
        }
        silence.starts_at = silence.starts_at.min(now);
        silence.ends_at = now;
        silence.updated_at = now;
        effects.push(Effect::SaveSilence(silence.clone()));
    }

    /// Forgets the silences that ended long ago.
    pub(super) fn forget_silences(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let is_old = |silence: &Silence| now.since(silence.ends_at) >= RETENTION;
        self.silences.retain(|id, silence| {
            let is_old = is_old(silence);
            if is_old {
                effects.push(Effect::ForgetSilence(id.clone()));
            }
            !is_old
        });
    }
}

#[cfg(test)]
mod tests;
