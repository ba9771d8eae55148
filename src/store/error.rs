//! Why the durable state could not be read or written, and what a person can do about it.

use std::io;

use rusqlite::ErrorCode;

/// A failed call of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused something around the database.
    #[error("cannot {attempt} the state directory {directory}")]
    Directory {
        /// What was tried with the directory: a verb.
        attempt: &'static str,
        /// Its path.
        directory: String,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has the state directory open.
    #[error(
        "cannot lock the state directory {directory}: another slofuse is using it; \
         stop that one or give this one its own directory"
    )]
    InUse {
        /// Its path.
        directory: String,
    },
    /// The database was written by a later version of slofuse.
    #[error(
        "cannot use the database {file}: its schema version {found} is newer than {supported}, \
         the newest that this slofuse knows; run the newer slofuse or use another state directory"
    )]
    NewerSchema {
        /// The database's path.
        file: String,
        /// The version it has.
        found: i64,
        /// The version this program writes.
        supported: i64,
    },
    /// A SQLite database of another program.
    #[error(
        "cannot use the database {file}: it was not written by slofuse; \
         use another state directory"
    )]
    Foreign {
        /// The database's path.
        file: String,
    },
    /// SQLite refused.
    #[error("cannot {attempt} in {file}{}", advice(source))]
    Database {
        /// What was tried: completes "cannot ...".
        attempt: &'static str,
        /// The database's path.
        file: String,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The stored record of an alert does not parse.
    #[error(
        "cannot load the record {key} from {file}: it is damaged or was written by another version; \
         delete its row from the table alerts, threads or silences and close its incident by hand"
    )]
    UnreadableRecord {
        /// Which alert, thread or silence.
        key: String,
        /// The database's path.
        file: String,
        /// What is wrong with the record.
        source: serde_json::Error,
    },
    /// An attempt cannot begin: the notification was superseded since it was claimed, is already
    /// being delivered, or waits for an earlier one. The caller drops its claim.
    #[error("cannot begin an attempt of delivery {id}: it is not waiting to be sent")]
    NotPending {
        /// Which delivery.
        id: i64,
    },
    /// An outcome cannot be recorded: there is no attempt under way, or it has been recorded.
    #[error("cannot record the outcome of delivery {id}: no attempt is under way")]
    NotUnderWay {
        /// Which delivery.
        id: i64,
    },
}

impl StoreError {
    pub(super) fn database(attempt: &'static str, file: &str, source: rusqlite::Error) -> Self {
        Self::Database {
            attempt,
            file: file.to_owned(),
            source,
        }
    }

    /// Whether the same call may succeed later without anyone changing the configuration or the
    /// file: a full disk, a lock of another program, an input/output error.
    pub fn is_transient(&self) -> bool {
        let Self::Database { source, .. } = self else {
            return false;
        };
        matches!(
            source.sqlite_error_code(),
            Some(
                ErrorCode::DiskFull
                    | ErrorCode::DatabaseBusy
                    | ErrorCode::DatabaseLocked
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::OutOfMemory
            )
        )
    }
}

/// What to do, where the code tells; begins with its own punctuation.
fn advice(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            ": the file is damaged; put a backup in its place, or move it away to start anew \
             without its open alerts and undelivered notifications"
        }
        Some(ErrorCode::DiskFull) => ": the disk is full; free some space",
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            ": the file cannot be written; make it and its directory writable for this user"
        }
        Some(ErrorCode::SystemIoFailure) => ": the disk reports an error; look at the kernel log",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            ": another program has kept it locked; end that program"
        }
        _ => "",
    }
}
