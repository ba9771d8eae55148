//! What need not be said any more.
//!
//! Two rules, both per episode of one alert at one receiver, both applied in the transaction that
//! makes them true:
//! - A resolve whose episode the receiver certainly never heard of takes the whole episode with
//!   it. It knows of the episode if an attempt of a trigger or update succeeded, ended without a
//!   clear answer, was cut off by a crash, or is under way.
//! - While the trigger is undelivered, only the newest update matters. A group's update lists every
//!   member that is up, and those that ended since the update before: these are taken over from
//!   the updates that it supersedes, for the trigger may have named them.

use rusqlite::{Transaction, params};

use crate::engine::{GROUP_MEMBERS_MAX, Notification, NotificationKind, Timestamp};

/// The rows of the same alert, receiver and episode as row `?1`, itself among them.
const SAME_EPISODE: &str = "(dedup_key, receiver, episode) =
    (SELECT dedup_key, receiver, episode FROM outbox WHERE id = ?1)";

/// Supersedes what is unfinished of the episode of row `id`, if it is resolved and was never heard
/// of. An episode without a trigger row is left alone: its trigger may belong to a lost database,
/// and a resolve too many harms nobody. A fallback's episode begins with whatever was diverted
/// first.
pub(super) fn unheard_episode(
    tx: &Transaction<'_>,
    id: i64,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let question = format!(
        "SELECT count(*) FILTER (WHERE kind = 'resolve' AND finished_at IS NULL) > 0
             AND count(*) FILTER (
                 WHERE kind = 'trigger'
                     OR (diverted_from IS NOT NULL AND kind <> 'resolve')) > 0
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
    let undelivered = tx
        .prepare_cached(&undelivered)?
        .query_row([id], |row| row.get(0))?;
    if undelivered {
        let sql = format!(
            "UPDATE outbox SET state = 'superseded', finished_at = ?2
             WHERE kind = 'update' AND state = 'pending' AND id < ?1 AND {SAME_EPISODE}"
        );
        tx.prepare_cached(&sql)?
            .execute(params![id, now.as_millis()])?;
    }
    Ok(())
}

/// The update of a group with the members that have ended according to the updates which
/// [`older_updates`] will supersede; `None` when it stays as it is.
pub(super) fn with_older_ends(
    tx: &Transaction<'_>,
    update: &Notification,
) -> rusqlite::Result<Option<Notification>> {
    let (NotificationKind::Update, Some(group)) = (update.kind, &update.group) else {
        return Ok(None);
    };
    let older: Vec<String> = tx
        .prepare_cached(
            "SELECT notification FROM outbox
             WHERE dedup_key = ?1 AND receiver = ?2 AND episode = ?3
                 AND kind = 'update' AND state = 'pending'
                 AND EXISTS (SELECT 1 FROM outbox
                     WHERE dedup_key = ?1 AND receiver = ?2 AND episode = ?3
                         AND kind = 'trigger' AND state <> 'delivered')
             ORDER BY id DESC",
        )?
        .query_map(
            params![
                update.dedup_key(),
                update.receiver,
                update.episode.cast_signed()
            ],
            |row| row.get(0),
        )?
        .collect::<Result<_, _>>()?;
    let mut fuller = group.as_ref().clone();
    for stored in older {
        let Ok(Notification {
            group: Some(older), ..
        }) = serde_json::from_str(&stored)
        else {
            continue;
        };
        for member in older.members {
            let is_known = fuller.members.iter().any(|known| known.key == member.key);
            if member.resolved_at.is_none() || is_known {
                continue;
            }
            if fuller.members.len() < GROUP_MEMBERS_MAX {
                fuller.members.push(member);
            } else {
                fuller.omitted = fuller.omitted.saturating_add(1);
            }
        }
    }
    Ok((fuller != **group).then(|| Notification {
        group: Some(Box::new(fuller)),
        ..update.clone()
    }))
}
