//! Silences as requests make, change and end them, whatever the API that brings the request.

use crate::engine::silence::{Revision, SILENCE_MATCHERS_MAX, SILENCES_MAX, revise};
use crate::engine::{Matcher, Operation, Silence, SilenceState, Timestamp};

use super::App;
use super::actor::Actor;
use super::error::ApiError;
use super::operate::Doing;

/// What somebody wants to be quiet.
#[derive(Debug)]
pub(super) struct Wish {
    /// Which silence it changes, if it changes one.
    pub(super) id: Option<String>,
    pub(super) matchers: Vec<Matcher>,
    pub(super) starts_at: Timestamp,
    pub(super) ends_at: Timestamp,
    pub(super) created_by: String,
    pub(super) comment: String,
}

impl App {
    /// Makes a silence, or changes one: a silence whose matchers or begin change while it is live
    /// is ended and made anew, and so is one that has expired.
    ///
    /// # Errors
    ///
    /// 400 for a wish that cannot be, 404 for a silence that is not known.
    pub(super) async fn silence(&self, actor: &Actor, wish: Wish) -> Result<Silence, ApiError> {
        let now = (self.clock)();
        let published = self.board.read();
        let silences = &published.notices.silences;
        let existing = match &wish.id {
            Some(id) => Some(self.find_silence(id)?),
            None => None,
        };
        let wanted = Silence {
            id: new_id(),
            matchers: wish.matchers,
            starts_at: wish.starts_at,
            ends_at: wish.ends_at,
            created_by: wish.created_by,
            comment: wish.comment,
            updated_at: now,
        };
        let revision = revise(existing.as_ref(), wanted, now).map_err(ApiError::bad_request)?;
        let (action, ended, silence) = match revision {
            Revision::Update(silence) => ("silence.update", None, silence),
            Revision::Create(silence) => ("silence.create", None, silence),
            Revision::Replace { ended, created } => ("silence.create", Some(ended), created),
        };
        let live = |kept: &&Silence| kept.state(now) != SilenceState::Expired;
        if action == "silence.create" && silences.iter().filter(live).count() >= SILENCES_MAX {
            let text = format!("there are {SILENCES_MAX} silences already; expire some");
            return Err(ApiError::conflict(text));
        }
        let made = silence.clone();
        // The new one first: between the two nobody is woken.
        let set = Doing {
            action,
            object: silence.id.clone(),
            operation: Operation::SetSilence(silence),
        };
        let doings = std::iter::once(set).chain(ended.map(expiry));
        self.operate_all(actor, doings.collect()).await?;
        Ok(made)
    }

    /// Ends a silence.
    ///
    /// # Errors
    ///
    /// 404 for one that is not known, 409 for one that has ended.
    pub(super) async fn expire_silence(&self, actor: &Actor, id: &str) -> Result<(), ApiError> {
        let silence = self.find_silence(id)?;
        if silence.state((self.clock)()) == SilenceState::Expired {
            return Err(ApiError::conflict(format!(
                "silence {} has expired already",
                silence.id
            )));
        }
        self.operate(actor, expiry(silence.id)).await
    }

    /// A silence by its id.
    pub(super) fn find_silence(&self, id: &str) -> Result<Silence, ApiError> {
        let published = self.board.read();
        let mut silences = published.notices.silences.iter();
        let found = silences.find(|silence| silence.id == id).cloned();
        found.ok_or_else(|| {
            let id: String = id.chars().take(64).collect();
            ApiError::not_found(format!("there is no silence {id:?}"))
        })
    }
}

/// Refuses more matchers than a silence can have before more of them are compiled.
pub(super) fn bounded(matchers: usize) -> Result<(), ApiError> {
    if matchers > SILENCE_MATCHERS_MAX {
        let text = format!("a silence has at most {SILENCE_MATCHERS_MAX} matchers");
        return Err(ApiError::bad_request(text));
    }
    Ok(())
}

fn expiry(id: String) -> Doing {
    Doing {
        action: "silence.expire",
        object: id.clone(),
        operation: Operation::ExpireSilence { id },
    }
}

/// A random UUID (RFC 9562, version 4).
fn new_id() -> String {
    let mut bytes: [u8; 16] = rand::random();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = |range: &[u8]| -> String { range.iter().map(|byte| format!("{byte:02x}")).collect() };
    let [a, b, c, d, e] = [
        hex(&bytes[..4]),
        hex(&bytes[4..6]),
        hex(&bytes[6..8]),
        hex(&bytes[8..10]),
        hex(&bytes[10..]),
    ];
    format!("{a}-{b}-{c}-{d}-{e}")
}
