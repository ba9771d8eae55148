//! What need not be said any more.
//!
//! Two rules, both per episode of one alert at one receiver, both applied in the transaction that
//! makes them true:
//! - A resolve whose episode the receiver certainly never heard of takes the whole episode with
//!   it. It knows of the episode if an attempt of a trigger or update succeeded, ended without a
//!   clear answer, was cut off by a crash, or is under way.
//! - While the trigger is undelivered, only the newest update matters.

use rusqlite::{Transaction, params};

use crate::engine::Timestamp;

/// The rows of the same alert, receiver and episode as row `?1`, itself among them.
const SAME_EPISODE: &str = "(dedup_key, receiver, episode) =
    (SELECT dedup_key, receiver, episode FROM outbox WHERE id = ?1)";

/// Supersedes what is unfinished of the episode of row `id`, if it is resolved and was never heard
/// of. An episode without a trigger row is left alone: its trigger may belong to a lost database,
/// and a resolve too many harms nobody.
pub(super) fn unheard_episode(
    tx: &Transaction<'_>,
    id: i64,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let question = format!(
        "SELECT count(*) FILTER (WHERE kind = 'resolve' AND finished_at IS NULL) > 0
             AND count(*) FILTER (WHERE kind = 'trigger') > 0
             AND count(*) FILTER (
                 WHERE kind <> 'resolve' AND (may_have_arrived OR state = 'in_flight')) = 0
         FROM outbox WHERE {SAME_EPISODE}"
    );
    let unheard = tx
        .prepare_cached(&question)?
        .query_row([id], |row| row.get(0))?;
    if unheard {
        let sql = format!(
            "UPDATE outbox SET state = 'superseded', finished_at = ?2
             WHERE finished_at IS NULL AND {SAME_EPISODE}"
        );
        tx.prepare_cached(&sql)?
            .execute(params![id, now.as_millis()])?;
    }
    Ok(())
}

/// Supersedes the pending updates before update `id`, unless the receiver has the trigger.
pub(super) fn older_updates(tx: &Transaction<'_>, id: i64, now: Timestamp) -> rusqlite::Result<()> {
    let undelivered = format!(
        "SELECT EXISTS (SELECT 1 FROM outbox
             WHERE kind = 'trigger' AND state <> 'delivered' AND {SAME_EPISODE})"
    );
    if tx
        .prepare_cached(&undelivered)?
        .query_row([id], |row| row.get(0))?
    {
        let sql = format!(
            "UPDATE outbox SET state = 'superseded', finished_at = ?2
             WHERE kind = 'update' AND state = 'pending' AND id < ?1 AND {SAME_EPISODE}"
        );
        tx.prepare_cached(&sql)?
            .execute(params![id, now.as_millis()])?;
    }
    Ok(())
}
