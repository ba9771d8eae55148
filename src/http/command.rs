//! What requests ask of the daemon: one bounded queue, one answer each.

use tokio::sync::{mpsc, oneshot};

use super::error::ApiError;
use crate::engine::Operation;

/// One wish. If nobody waits for the reply any more, it still counts.
#[derive(Debug)]
pub struct CommandRequest {
    /// What is wished.
    pub command: Command,
    /// Takes what came of it, or why nothing did; both for people.
    pub reply: oneshot::Sender<Result<String, String>>,
}

/// What can be wished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Read the configuration anew.
    Reload,
    /// A step of the engine; committed when the reply comes.
    Operate(Operation),
    /// Send a sample to a receiver, past routes and outbox.
    TestReceiver {
        /// Its name.
        receiver: String,
    },
    /// Look at the outbox of a receiver now: a row of it was changed.
    Wake {
        /// Its name.
        receiver: String,
    },
}

/// The queue's near end.
#[derive(Clone, Debug)]
pub struct Commands(mpsc::Sender<CommandRequest>);

impl Commands {
    /// The near end of a queue.
    pub fn new(queue: mpsc::Sender<CommandRequest>) -> Self {
        Self(queue)
    }

    /// Asks, and waits for what comes of it.
    ///
    /// # Errors
    ///
    /// 503 while the daemon stops.
    pub(super) async fn ask(&self, command: Command) -> Result<Result<String, String>, ApiError> {
        let stopping = || ApiError::unavailable("the daemon is stopping and takes no command");
        let (reply, verdict) = oneshot::channel();
        let sent = self.0.send(CommandRequest { command, reply }).await;
        sent.map_err(|_closed| stopping())?;
        verdict.await.map_err(|_dropped| stopping())
    }
}
