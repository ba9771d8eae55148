//! What operators do: asked of the daemon, answered after its commit, written into their log.

use crate::engine::Operation;
use crate::store::{AuditEntry, Store, StoreError};

use super::App;
use super::actor::Actor;
use super::command::Command;
use super::error::ApiError;

/// Longest text of an outcome in the log, in bytes.
const OUTCOME_BYTES_MAX: usize = 1000;

impl App {
    /// Asks an operation of the daemon; it is committed when this returns.
    pub(super) async fn operate(
        &self,
        actor: &Actor,
        action: &str,
        object: &str,
        operation: Operation,
    ) -> Result<(), ApiError> {
        let asked = self.commands.ask(Command::Operate(operation)).await;
        let done = match asked {
            Ok(Ok(_said)) => Ok(()),
            Ok(Err(refusal)) => Err(ApiError::conflict(refusal)),
            Err(error) => Err(error),
        };
        self.record(actor, action, object, &done).await;
        done
    }

    /// Writes into the log of operators what somebody did, and what came of it. What is done is
    /// done, even if the log cannot be written.
    pub(super) async fn record(
        &self,
        actor: &Actor,
        action: &str,
        object: &str,
        done: &Result<(), ApiError>,
    ) {
        let outcome = match done {
            Ok(()) => "done",
            Err(error) => error.text(),
        };
        let cut = outcome.floor_char_boundary(OUTCOME_BYTES_MAX);
        let entry = AuditEntry {
            at: (self.clock)(),
            actor: actor.name.clone(),
            origin: actor.origin.clone(),
            action: action.to_owned(),
            object: object.to_owned(),
            outcome: outcome.get(..cut).unwrap_or_default().to_owned(),
        };
        tracing::info!(
            target: "audit",
            actor = entry.actor,
            origin = entry.origin,
            action = entry.action,
            object = entry.object,
            outcome = entry.outcome,
            "Operator acted"
        );
        let written = self
            .in_store("writing the log of operators", move |store| {
                store.record_audit(&entry)
            })
            .await;
        if let Err(error) = written {
            tracing::error!(target: "audit", error = error.text(), "Log of operators not written");
        }
    }

    /// Calls the blocking store away from the async threads; `attempt` names it for people.
    pub(super) async fn in_store<T: Send + 'static>(
        &self,
        attempt: &'static str,
        call: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let store = self.store.clone();
        let called = tokio::task::spawn_blocking(move || call(&store)).await;
        let unavailable = || ApiError::unavailable(format!("{attempt} failed"));
        match called {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::error!(error, "The API could not use the state: {attempt} failed");
                Err(unavailable())
            }
            Err(_panicked) => Err(unavailable()),
        }
    }
}
