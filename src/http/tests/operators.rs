//! A daemon that obeys: it applies operations to the board, as the real one does, and tells what
//! it was asked.

use std::sync::Mutex;

use super::*;
use crate::engine::{MatchOp, Matcher, Operation, Silence, SilenceState};

/// A server, and what its daemon was asked.
pub(super) struct Staffed {
    pub(super) router: Router,
    pub(super) store: Store,
    asked: Arc<Mutex<Vec<Command>>>,
}

impl Staffed {
    /// The daemon answers each command with `verdict`.
    pub(super) fn with(board: Board, verdict: Result<&'static str, &'static str>) -> Self {
        let (app, mut commands) = app_at(board.clone(), NOON);
        let store = app.store.clone();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, published) = (asked.clone(), board);
        tokio::spawn(async move {
            while let Some(CommandRequest { command, reply }) = commands.recv().await {
                if let (Command::Operate(operation), Ok(_)) = (&command, verdict) {
                    apply(&published, operation);
                }
                log.lock().unwrap().push(command);
                let verdict = verdict.map(str::to_owned).map_err(str::to_owned);
                let _gone = reply.send(verdict);
            }
        });
        Self {
            router: router(app, &Manners::default()),
            store,
            asked,
        }
    }

    pub(super) fn new(board: Board) -> Self {
        Self::with(board, Ok("done"))
    }

    /// What the daemon was asked since the last time.
    pub(super) fn asked(&self) -> Vec<Command> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    pub(super) async fn get(&self, target: &str) -> Answer {
        ask(&self.router, Method::GET, target).await
    }

    /// Sends JSON.
    pub(super) async fn send(&self, method: Method, target: &str, body: &str) -> Answer {
        let json = [("content-type", "application/json")];
        self.send_with(method, target, &json, body).await
    }

    pub(super) async fn send_with(
        &self,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        answer(&self.router, request, target).await
    }

    /// `action object: outcome`, oldest first.
    pub(super) fn audit(&self) -> Vec<String> {
        let entries = self.store.audit(100).unwrap().into_iter().rev();
        entries
            .map(|entry| {
                assert_eq!(entry.at, NOON);
                assert_eq!((&*entry.actor, &*entry.origin), ("anonymous", "unknown"));
                format!("{} {}: {}", entry.action, entry.object, entry.outcome)
            })
            .collect()
    }
}

fn apply(board: &Board, operation: &Operation) {
    let before = board.read().notices.clone();
    let mut notices = Notices::clone(&before);
    let silences = &mut notices.silences;
    match operation {
        Operation::SetSilence(silence) => {
            silences.retain(|kept| kept.id != silence.id);
            silences.push(silence.clone());
        }
        Operation::ExpireSilence { id } => {
            let found = silences.iter_mut().find(|kept| kept.id == *id);
            found.unwrap().ends_at = NOON;
        }
        Operation::Acknowledge { .. } | Operation::Unacknowledge { .. } => {}
    }
    board.publish_notices(notices);
}

pub(super) fn matcher(name: &str, op: &str, value: &str) -> Matcher {
    Matcher {
        name: name.to_owned(),
        op: MatchOp::new(op, value).unwrap(),
    }
}

/// A silence about the shop, from an hour ago on.
pub(super) fn silence(id: &str, state: SilenceState) -> Silence {
    let hour = Span::from_hours(1);
    let (starts_at, ends_at) = match state {
        SilenceState::Pending => (NOON + hour, NOON + hour.times(2)),
        SilenceState::Active => (NOON - hour, NOON + hour),
        SilenceState::Expired => (NOON - hour.times(2), NOON - hour),
    };
    Silence {
        id: id.to_owned(),
        matchers: vec![matcher("service", "=", "shop")],
        starts_at,
        ends_at,
        created_by: "ann".to_owned(),
        comment: "deploying".to_owned(),
        updated_at: NOON - hour,
    }
}

pub(super) fn with_silences(board: Board, silences: Vec<Silence>) -> Board {
    board.publish_notices(Notices {
        silences,
        ..Notices::default()
    });
    board
}
