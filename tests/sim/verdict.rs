//! At the end of a world, when all has been well for long: everything that was decided is
//! delivered, superseded or a dead letter, what was opened is closed, nothing was invented, nothing
//! overtaken. Looked at from the receivers' side and in the rows of the outbox.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::Connection;
use slofuse::engine::{AlertKey, AlertState, NotificationKind, Severity, Span, Timestamp};
use slofuse::store::DATABASE_FILE;

use crate::phone::Heard;
use crate::world::World;

/// An answer of the source, a request and its wait behind one about the same, in milliseconds.
const PROMPT: i64 = 10_000;

/// A fallback hears after so long, and a little more, in milliseconds: the default of the settings.
const OVERDUE: i64 = 5 * 60_000 + 90_000;

/// A row of the outbox.
#[derive(Clone, Debug)]
struct Row {
    message: String,
    dedup_key: String,
    episode: u64,
    kind: String,
    state: String,
    diverted_from: Option<String>,
    /// When it was decided, in milliseconds.
    created_at: i64,
    /// When it was settled.
    finished_at: Option<i64>,
}

/// What was decided so shortly before the end, in milliseconds, need not be delivered.
const LAST_BREATH: i64 = 60_000;
/// No policy of any world holds an alert for so long.
const HOLD_MAX: Span = Span::from_mins(10);

impl World {
    /// Fails unless the world has ended well.
    pub(crate) fn conclude(&self) {
        let rows = self.rows();
        let unfinished: Vec<&Row> = rows
            .values()
            .flatten()
            .map(|(_, row)| row)
            .filter(|row| matches!(row.state.as_str(), "pending" | "in_flight"))
            // A reminder may be decided with the world's last breath.
            .filter(|row| self.now - row.created_at > LAST_BREATH)
            .collect();
        assert!(unfinished.is_empty(), "never settled: {unfinished:?}");
        let end = Timestamp::from_millis(self.now);
        self.oracle.told.assert_settled(end);
        let node = self.node.as_ref().expect("a process at the end");
        assert!(node.held.is_none(), "a step is not committed");
        for alert in node.engine.alerts() {
            let loud = matches!(
                &alert.key,
                AlertKey::Burn {
                    severity: Severity::Page | Severity::Ticket,
                    ..
                }
            );
            // Ordinary errors may burn at the very end; that they do, the oracle has said slot by slot.
            let quiet_since = match alert.state {
                AlertState::Firing { quiet_since, .. } => quiet_since,
                AlertState::Pending { .. } => None,
            };
            let now = Timestamp::from_millis(self.now);
            let held = quiet_since.is_some_and(|since| now.since(since) > HOLD_MAX);
            assert!(!(loud && held), "still up: {:?}", alert.key);
            let blind = matches!(
                alert.key,
                AlertKey::Blind { .. } | AlertKey::SourceDown { .. }
            );
            assert!(
                !blind,
                "still blind: {:?} {:?}",
                alert.key, alert.facts.reason
            );
        }
        for (feed, polled) in &node.feeds {
            let now = Timestamp::from_millis(self.now);
            let past = self.scenario.extent.past < self.now - 4 * 3_600_000;
            assert!(
                !past || node.engine.is_covered(feed, now),
                "{feed} is not covered"
            );
            assert!(!polled.slos.is_empty());
        }
        let extent = self.scenario.extent;
        let long = extent.end - extent.begin > 20 * 3_600_000;
        let stored: BTreeSet<&String> = rows
            .values()
            .flatten()
            .map(|(_, row)| &row.message)
            .collect();
        for message in &self.oracle.told.decided {
            assert!(long || stored.contains(message), "{message} is nowhere");
        }
        if !long {
            self.assert_stood_in_for(&rows);
        }
        for (receiver, heard) in &self.phones.heard {
            let rows = rows.get(receiver).map_or(&[][..], Vec::as_slice);
            assert_in_order(receiver, heard, rows, long);
            self.assert_closed(receiver, heard, rows);
            self.assert_ended(receiver, heard, rows);
            if self.calm {
                assert_prompt(receiver, heard, rows);
            }
        }
    }

    /// The rows by receiver, in the order in which they were decided.
    fn rows(&self) -> BTreeMap<String, Vec<(i64, Row)>> {
        let path = self.directory.path().join(DATABASE_FILE);
        let connection = Connection::open(path).unwrap();
        let sql = "SELECT id, receiver, idempotency_key, dedup_key, episode, kind, state,
            diverted_from, created_at, finished_at FROM outbox ORDER BY id";
        let mut query = connection.prepare(sql).unwrap();
        let read = query.query_map([], |row| {
            Ok((
                row.get::<_, String>(1)?,
                row.get::<_, i64>(0)?,
                Row {
                    message: row.get(2)?,
                    dedup_key: row.get(3)?,
                    episode: row.get::<_, i64>(4)?.cast_unsigned(),
                    kind: row.get(5)?,
                    state: row.get(6)?,
                    diverted_from: row.get(7)?,
                    created_at: row.get(8)?,
                    finished_at: row.get(9)?,
                },
            ))
        });
        let mut rows: BTreeMap<String, Vec<(i64, Row)>> = BTreeMap::new();
        for (receiver, id, row) in read.unwrap().map(Result::unwrap) {
            rows.entry(receiver).or_default().push((id, row));
        }
        rows
    }

    /// What a receiver took to have begun has ended for it, unless it is up, or the end was given
    /// up, or the receiver wants no ends.
    fn assert_closed(&self, receiver: &str, heard: &[Heard], rows: &[(i64, Row)]) {
        let mut open: BTreeMap<(&str, u64), &Heard> = BTreeMap::new();
        for heard in heard {
            let line = (heard.dedup_key.as_str(), heard.episode);
            match heard.kind {
                NotificationKind::Resolve => drop(open.remove(&line)),
                _ => drop(open.insert(line, heard)),
            }
        }
        let wants_ends = receiver != "chat" || self.scenario.routes.chat_wants_ends;
        let up = self.up();
        for ((key, episode), last) in open {
            let given_up = rows.iter().any(|(_, row)| {
                row.dedup_key == key
                    && row.episode == episode
                    && row.kind == "resolve"
                    && row.state == "dead"
            });
            assert!(
                up.contains(key) || given_up || !wants_ends,
                "{receiver} takes {key} to be up: {last:?}, {rows:#?}"
            );
        }
    }

    /// No alert that is over is up for who heard that it began, by itself or in the company of
    /// others; a line with a dead letter tells less than there was.
    fn assert_ended(&self, receiver: &str, heard: &[Heard], rows: &[(i64, Row)]) {
        // Of each line the alerts that it says are up.
        let mut lines: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for heard in heard {
            let line = lines.entry(&heard.dedup_key).or_default();
            if heard.kind == NotificationKind::Resolve {
                line.clear();
            }
            for (key, up) in &heard.says {
                match up {
                    true => drop(line.insert(key)),
                    false => drop(line.remove(key.as_str())),
                }
            }
        }
        let wants_ends = receiver != "chat" || self.scenario.routes.chat_wants_ends;
        let up = self.up();
        for (line, alerts) in lines.iter().filter(|_| wants_ends) {
            let dead = rows
                .iter()
                .any(|(_, row)| row.dedup_key == *line && row.state == "dead");
            for key in alerts.iter().filter(|_| !dead) {
                assert!(
                    up.contains(*key) || self.oracle.told.is_owed(key, receiver),
                    "{receiver} takes {key} of {line} to be up"
                );
            }
        }
    }

    /// Whom the pager's messages did not reach, its fallback heard, unless all was over by then.
    fn assert_stood_in_for(&self, rows: &BTreeMap<String, Vec<(i64, Row)>>) {
        let none = Vec::new();
        let (pager, backup) = (
            rows.get("pager").unwrap_or(&none),
            rows.get("backup").unwrap_or(&none),
        );
        let same = |row: &Row, other: &Row| {
            (&row.dedup_key, row.episode) == (&other.dedup_key, other.episode)
        };
        // What befalls a process may make it late.
        let is_steady = self.lives == 1
            && self.chaos.disk.is_empty()
            && self.chaos.clock.is_empty()
            && self.chaos.reloads.is_empty();
        for (id, row) in pager.iter().filter(|(_, row)| row.kind != "resolve") {
            let overdue = row.created_at + OVERDUE;
            let finished = row.finished_at.unwrap_or(self.now);
            let needed_at = match row.state.as_str() {
                _ if is_steady && finished > overdue => Some(overdue),
                "dead" => Some(finished),
                _ => None,
            };
            let Some(needed_at) = needed_at else {
                continue;
            };
            // What an operator tries again is decided anew then.
            let ended = |(id, other): &(i64, Row)| {
                let in_time = other.created_at <= needed_at || self.revived.contains(id);
                same(row, other) && other.kind == "resolve" && in_time
            };
            let ends = pager.iter().any(ended);
            let told = backup.iter().any(|(_, other)| same(row, other));
            assert!(
                told || ends || !self.scenario.routes.fallback,
                "nobody heard of row {id}: {row:?}"
            );
        }
    }

    /// The keys of what is up.
    fn up(&self) -> BTreeSet<String> {
        let Some(node) = &self.node else {
            return BTreeSet::new();
        };
        let alerts = node.engine.alerts().map(|alert| alert.key.dedup_key());
        let threads = node.engine.threads().map(|thread| thread.key.dedup_key());
        alerts.chain(threads).collect()
    }
}

/// Nothing that was not decided, nothing before what was decided earlier about the same, nothing
/// twice but what may have been lost.
fn assert_in_order(receiver: &str, heard: &[Heard], rows: &[(i64, Row)], long: bool) {
    let mut last: BTreeMap<&str, i64> = BTreeMap::new();
    let mut delivered: BTreeSet<i64> = BTreeSet::new();
    for heard in heard {
        let row = rows
            .iter()
            .find(|(id, _)| *id == heard.id)
            .map(|(_, row)| row);
        if let Some(row) = row {
            assert_eq!(
                row.message, heard.message,
                "{receiver} heard another message"
            );
            assert!(
                row.state != "superseded" || row.kind == "update",
                "{receiver} heard what was superseded: {heard:?}"
            );
            delivered.insert(heard.id);
        }
        let before = last.insert(&heard.dedup_key, heard.id);
        assert!(
            before <= Some(heard.id),
            "{receiver}: {heard:?} was overtaken by {before:?}"
        );
    }
    let silent = rows.iter().filter(|(_, row)| row.state == "delivered");
    for (id, row) in silent {
        assert!(delivered.contains(id), "{receiver} never heard {row:?}");
    }
    // In a long world the begin may be pruned.
    for (id, row) in rows
        .iter()
        .filter(|(_, row)| row.kind == "resolve" && !long)
    {
        let began = rows.iter().any(|(other, begin)| {
            other < id && begin.dedup_key == row.dedup_key && begin.kind != "resolve"
        });
        assert!(
            began || row.diverted_from.is_some(),
            "an end without a begin: {row:?}"
        );
    }
}

/// Where nothing is in the way, what was decided is heard at once.
fn assert_prompt(receiver: &str, heard: &[Heard], rows: &[(i64, Row)]) {
    for heard in heard {
        let row = rows.iter().find(|(id, _)| *id == heard.id);
        let late = row.map_or(0, |(_, row)| heard.at - row.created_at);
        assert!(
            late <= PROMPT,
            "{receiver} heard after {late} ms: {heard:?}"
        );
    }
}
