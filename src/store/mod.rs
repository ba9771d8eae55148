//! Durable state: what must survive a crash, in one SQLite file.
//!
//! Owns `slofuse.db` in the state directory: the open alerts, the outbox of notifications with
//! its delivery attempts, and the history of transitions. Promises:
//! - [`Store::commit`] is one transaction: a kill at any instant leaves all of it or nothing.
//! - What a call returned `Ok` for is on disk (`synchronous=FULL`).
//! - A notification that was committed ends delivered, superseded or dead, never forgotten
//!   ([`outbox`] has the rules).
//! - One process at a time: the directory is locked while a [`Store`] is open.
//!
//! Calls block for as long as the disk takes; asynchronous callers use `spawn_blocking`. Beside
//! the database lives the [`cache`] of samples, which may be deleted at any time.

pub mod attempts;
pub mod audit;
pub mod cache;
pub mod claim;
pub mod dead_letters;
pub mod error;
pub mod fallback;
pub mod history;
pub mod load;
pub mod outbox;

mod alerts;
mod collapse;
mod enqueue;
mod keys;
mod memories;
mod schema;
mod success;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::{Effect, Memories, Timestamp};
use memories::Table;

pub use attempts::AttemptRecord;
pub use audit::AuditEntry;
pub use cache::SampleCache;
pub use dead_letters::{DeadLetter, Revival};
pub use error::StoreError;
pub use fallback::KnownReceiver;
pub use history::{DeliveryRecord, HistoryEntry, HistoryEvent, HistoryQuery};
pub use load::ReceiverLoad;
pub use outbox::{AttemptOutcome, Backlog, Delivery, DeliveryState};

/// The database's file name in the state directory.
pub const DATABASE_FILE: &str = "slofuse.db";

/// Locked for as long as a process uses the state directory; its content means nothing.
const LOCK_FILE: &str = "slofuse.lock";

/// How often to look for the lock of the directory, a second in all: at a restart the last process may be about to
/// end, and a child that is being started holds what its parent holds until it runs its program.
const LOCK_TRIES: u32 = 50;

/// Pause between looks at that lock.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// How long to wait for a lock of another program, such as a backup that reads the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Memory for pages of the database.
const CACHE_KIB: i64 = 16 << 10;

/// Size to which the write-ahead log is cut back after a burst.
const WAL_BYTES_KEPT: i64 = 64 << 20;

/// A cheap handle to the durable state; clones share one connection.
#[derive(Clone, Debug)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connection: Mutex<Connection>,
    /// The receivers of the configuration.
    known: Mutex<Arc<fallback::Known>>,
    /// The database's path, for error texts.
    file: String,
    /// Held, never read: dropping it frees the directory, after the connection is closed.
    _lock: Option<File>,
}

/// What a commit put into the outbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Receivers with new rows: their workers have something to look at.
    pub receivers: BTreeSet<String>,
}

impl Store {
    /// Opens the state directory, creates what is missing (directory 0700, database 0600), brings
    /// an older schema up to date, and makes attempts that a crash cut off due again.
    ///
    /// # Errors
    ///
    /// When another process holds the directory, when the file was written by a newer slofuse or
    /// by another program, and when the disk refuses.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let refused = |attempt| {
            move |source| StoreError::Directory {
                attempt,
                directory: directory.display().to_string(),
                source,
            }
        };
        create_private_directory(directory).map_err(refused("create"))?;
        let lock = lock(directory)?;
        let path = directory.join(DATABASE_FILE);
        create_private_file(&path).map_err(refused("create the database in"))?;
        let file = path.display().to_string();
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags)
            .map_err(|source| StoreError::database("open the state", &file, source))?;
        Self::prepare(connection, file, Some(lock))
    }

    /// A store that ends with its last handle: for demonstrations and tests.
    ///
    /// # Errors
    ///
    /// When SQLite cannot allocate it.
    pub fn in_memory() -> Result<Self, StoreError> {
        let file = "memory".to_owned();
        let connection = Connection::open_in_memory()
            .map_err(|source| StoreError::database("open the state", &file, source))?;
        Self::prepare(connection, file, None)
    }

    /// Carries out the effects of one step, in their order, in one transaction.
    ///
    /// Committing the same effects again changes nothing: a step that is replayed after a crash
    /// neither repeats history nor notifies twice.
    ///
    /// # Errors
    ///
    /// When the disk refuses; then nothing of the step is stored and it can be committed again.
    pub fn commit(&self, now: Timestamp, effects: &[Effect]) -> Result<Committed, StoreError> {
        let mut committed = Committed::default();
        if effects.is_empty() {
            return Ok(committed);
        }
        let known = self.known();
        self.write("commit the effects of a step", |tx| {
            for effect in effects {
                match effect {
                    Effect::Save(record) => alerts::save(tx, record)?,
                    Effect::Forget(key) => alerts::forget(tx, key)?,
                    Effect::Transitioned(transition) => history::append(tx, transition)?,
                    Effect::SaveThread(thread) => memories::save_thread(tx, thread)?,
                    Effect::ForgetThread(key) => memories::forget_thread(tx, key)?,
                    Effect::SaveSilence(silence) => memories::save_silence(tx, silence)?,
                    Effect::ForgetSilence(id) => memories::forget_silence(tx, id)?,
                    Effect::Muted(change) => history::append_mute(tx, change)?,
                    Effect::Notify(notification) => {
                        let news = &mut committed.receivers;
                        enqueue::enqueue(tx, &known, now, notification, news)?;
                    }
                }
            }
            Ok(())
        })?;
        Ok(committed)
    }

    /// What a restart begins with: every alert that is pending or firing, open threads, silences.
    ///
    /// # Errors
    ///
    /// When the disk refuses, or a record does not parse: to go on without it would leave an
    /// incident open for ever, or wake somebody who asked for quiet.
    pub fn load(&self) -> Result<Memories, StoreError> {
        Ok(Memories {
            alerts: self.records("load the open alerts", Table::Alerts)?,
            threads: self.records("load the open threads", Table::Threads)?,
            silences: self.records("load the silences", Table::Silences)?,
        })
    }

    fn records<T: DeserializeOwned>(
        &self,
        attempt: &'static str,
        table: Table,
    ) -> Result<Vec<T>, StoreError> {
        let stored = self.read(attempt, |connection| memories::all(connection, table))?;
        let parsed = stored.into_iter().map(|(key, record)| {
            serde_json::from_str(&record).map_err(|source| StoreError::UnreadableRecord {
                key,
                file: self.0.file.clone(),
                source,
            })
        });
        parsed.collect()
    }

    fn prepare(
        mut connection: Connection,
        file: String,
        lock: Option<File>,
    ) -> Result<Self, StoreError> {
        configure(&connection)
            .map_err(|source| StoreError::database("open the state", &file, source))?;
        schema::migrate(&mut connection, schema::MIGRATIONS, &file)?;
        let store = Self(Arc::new(Inner {
            connection: Mutex::new(connection),
            known: Mutex::default(),
            file,
            _lock: lock,
        }));
        store.write("recover interrupted deliveries", outbox::recover)?;
        Ok(store)
    }

    /// Runs a query; `attempt` completes "cannot ...".
    fn read<T>(
        &self,
        attempt: &'static str,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.with(attempt, |connection| query(connection))
    }

    /// Runs a transaction that takes the write lock first, so that it cannot fail half-way for
    /// want of it. An error, or a panic, rolls it back.
    fn write<T>(
        &self,
        attempt: &'static str,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.with(attempt, |connection| {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = change(&tx)?;
            tx.commit()?;
            Ok(value)
        })
    }

    fn with<T>(
        &self,
        attempt: &'static str,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let connection = self.0.connection.lock();
        let mut connection = connection.unwrap_or_else(PoisonError::into_inner);
        work(&mut connection).map_err(|source| StoreError::database(attempt, &self.0.file, source))
    }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)
}

fn lock(directory: &Path) -> Result<File, StoreError> {
    let refused = |source| StoreError::Directory {
        attempt: "lock",
        directory: directory.display().to_string(),
        source,
    };
    let file = create_private_file(&directory.join(LOCK_FILE)).map_err(refused)?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => pause(),
            Err(TryLockError::Error(source)) => return Err(refused(source)),
        }
    }
    Err(StoreError::InUse {
        directory: directory.display().to_string(),
    })
}

/// The system tells nobody that a lock became free, unless one waits for it without end.
#[expect(
    clippy::disallowed_methods,
    reason = "there is nothing else to wait for"
)]
fn pause() {
    std::thread::sleep(LOCK_PAUSE);
}

fn create_private_directory(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700).create(directory)
}

fn create_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.mode(0o600).open(path)
}

/// A value as it is stored; a value that JSON cannot express is a failed conversion.
fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}
