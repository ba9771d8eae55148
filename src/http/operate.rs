//! What operators do: asked of the daemon, answered after its commit, written into their log.
//!
//! What has begun goes on when the peer hangs up or the request's deadline passes: otherwise
//! somebody could act without a trace.

use tokio::sync::Semaphore;

use crate::engine::Operation;
use crate::store::{AuditEntry, Store, StoreError};

use super::App;
use super::actor::Actor;
use super::command::Command;
use super::error::ApiError;

/// Longest text of an outcome in the log, in bytes.
const OUTCOME_BYTES_MAX: usize = 1000;

/// Doings under way at once, those of peers that hung up among them; more wait.
const DOINGS_MAX: usize = 64;

static DOINGS: Semaphore = Semaphore::const_new(DOINGS_MAX);

/// One operation, and how the log of operators calls it.
pub(super) struct Doing {
    pub(super) action: &'static str,
    pub(super) object: String,
    pub(super) operation: Operation,
}

impl App {
    /// Asks an operation of the daemon; it is committed when this returns.
    pub(super) async fn operate(&self, actor: &Actor, doing: Doing) -> Result<(), ApiError> {
        self.operate_all(actor, vec![doing]).await
    }

    /// Asks operations of the daemon, one after the other, up to one that is refused.
    pub(super) async fn operate_all(
        &self,
        actor: &Actor,
        doings: Vec<Doing>,
    ) -> Result<(), ApiError> {
        let (app, actor) = (self.clone(), actor.clone());
        whole(async move {
            for doing in doings {
                let asked = app.commands.ask(Command::Operate(doing.operation)).await;
                let done = asked.and_then(|said| said.map_err(ApiError::conflict));
                app.record(&actor, doing.action, &doing.object, done.as_ref().err())
                    .await;
                done?;
            }
            Ok(())
        })
        .await
    }

    /// Does something and writes into the log of operators what came of it.
    pub(super) async fn recorded<T: Send + 'static>(
        &self,
        actor: &Actor,
        action: &'static str,
        object: String,
        work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (app, actor) = (self.clone(), actor.clone());
        whole(async move {
            let done = work.await;
            app.record(&actor, action, &object, done.as_ref().err())
                .await;
            done
        })
        .await
    }

    /// Writes into the log of operators what somebody did, and what came of it. What is done is
    /// done, even if the log cannot be written.
    pub(super) async fn record(
        &self,
        actor: &Actor,
        action: &str,
        object: &str,
        refusal: Option<&ApiError>,
    ) {
        let outcome = refusal.map_or("done", ApiError::text);
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

/// Runs `work` to its end, whatever becomes of the request that asked for it.
async fn whole<T: Send + 'static>(
    work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    let broken = || ApiError::unavailable("the request broke down");
    let place = DOINGS.acquire().await.map_err(|_closed| broken())?;
    let task = tokio::spawn(async move {
        let done = work.await;
        drop(place);
        done
    });
    task.await.unwrap_or_else(|_panicked| Err(broken()))
}
