//! Silences as requests make, change and end them, whatever the API that brings the request.

use crate::engine::{Matcher, Operation, Silence, SilenceState, Timestamp};

use super::App;
use super::actor::Actor;
use super::error::ApiError;

/// Most matchers of one silence.
const MATCHERS_MAX: usize = 32;
/// Longest comment or name of an author, in bytes.
const TEXT_BYTES_MAX: usize = 4096;
/// Most silences that are kept, those that expired a while ago among them.
const SILENCES_MAX: usize = 10_000;

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
        let (action, ended, silence) = revise(existing.as_ref(), wish, now)?;
        if silences.len() >= SILENCES_MAX && existing.is_none() {
            let text = format!("there are {SILENCES_MAX} silences already");
            return Err(ApiError::conflict(text));
        }
        let (id, made) = (silence.id.clone(), silence.clone());
        let set = Operation::SetSilence(silence);
        self.operate(actor, action, &id, set).await?;
        // The new one first: between the two nobody is woken.
        if let Some(id) = ended {
            let expire = Operation::ExpireSilence { id: id.clone() };
            self.operate(actor, "silence.expire", &id, expire).await?;
        }
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
        let expire = Operation::ExpireSilence { id: silence.id };
        self.operate(actor, "silence.expire", id, expire).await
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

/// What a wish makes of what is: the action, the silence that ends by it, the silence that is to be.
fn revise(
    existing: Option<&Silence>,
    wish: Wish,
    now: Timestamp,
) -> Result<(&'static str, Option<String>, Silence), ApiError> {
    check(&wish, now)?;
    let mut silence = Silence {
        id: String::new(),
        matchers: wish.matchers,
        starts_at: wish.starts_at,
        ends_at: wish.ends_at,
        created_by: wish.created_by,
        comment: wish.comment,
        updated_at: now,
    };
    let live = existing.filter(|existing| existing.state(now) != SilenceState::Expired);
    if let Some(live) = live {
        let active = live.state(now) == SilenceState::Active;
        let same_start = silence.starts_at == live.starts_at;
        if live.matchers == silence.matchers && (same_start || !active) {
            silence.id.clone_from(&live.id);
            if !active {
                silence.starts_at = silence.starts_at.max(now);
            }
            return Ok(("silence.update", None, silence));
        }
    }
    silence.id = new_id();
    silence.starts_at = silence.starts_at.max(now);
    Ok(("silence.create", live.map(|live| live.id.clone()), silence))
}

fn check(wish: &Wish, now: Timestamp) -> Result<(), ApiError> {
    let refuse = |text: String| Err(ApiError::bad_request(text));
    if wish.matchers.is_empty() {
        return refuse("a silence needs at least one matcher".to_owned());
    }
    if wish.matchers.len() > MATCHERS_MAX {
        return refuse(format!("a silence has at most {MATCHERS_MAX} matchers"));
    }
    if wish.matchers.iter().any(|matcher| matcher.name.is_empty()) {
        return refuse("a matcher has no label".to_owned());
    }
    if wish.matchers.iter().all(|matcher| matcher.op.matches("")) {
        let text = "at least one matcher must not match the empty string: this one would silence \
                    everything";
        return refuse(text.to_owned());
    }
    if wish.starts_at >= wish.ends_at {
        return refuse("a silence must end after it begins".to_owned());
    }
    if wish.ends_at <= now {
        return refuse("a silence must not end in the past".to_owned());
    }
    for (name, text) in [("author", &wish.created_by), ("comment", &wish.comment)] {
        if text.trim().is_empty() {
            return refuse(format!("a silence needs the {name}"));
        }
        if text.len() > TEXT_BYTES_MAX {
            return refuse(format!("the {name} is longer than {TEXT_BYTES_MAX} bytes"));
        }
    }
    Ok(())
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
