//! Fixtures of the room's tests: a small shop on the board, and the router asked in process.

mod alertmanager;
mod alerts;
mod board;
mod doing;
mod explain;
mod health;
mod limits;
mod operators;
mod reload;
mod server;
mod silences;
mod slack;
mod slos;

use std::collections::BTreeMap;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method};
use serde_json::Value;
use tokio::sync::mpsc;
use tower::ServiceExt;

use super::*;
use crate::engine::{
    AlertFacts, AlertKey, AlertRecord, AlertState, BudgetFacts, Counts, Document, Evaluation,
    Indicator, InstanceId, Labels, Objective, Outcome, Period, Policy, QueryTemplate, Reach,
    Reading, Reason, Severity, SlaFacts, Slo, SloId, Span, TierFacts, TierStatus, Told, Verdict,
    WindowQuery,
};

/// 2026-03-01T12:00:00Z
const NOON: Timestamp = Timestamp::from_secs(1_772_366_400);
const INTERVAL: Span = Span::from_secs(30);

pub(super) fn slo(service: &str, name: &str, group_by: &[&str]) -> Arc<Slo> {
    Arc::new(Slo {
        id: SloId::new(service, name),
        service: service.to_owned(),
        name: name.to_owned(),
        objective: Objective::from_percent(99.9).unwrap(),
        sla: Some(Objective::from_percent(99.5).unwrap()),
        period: Period::Rolling(Span::from_days(30)),
        indicator: Indicator::Windows(WindowQuery::Ratio {
            error_ratio: QueryTemplate::new("errors:ratio[$window]").unwrap(),
        }),
        group_by: group_by.iter().map(|&label| label.to_owned()).collect(),
        policy: Arc::new(Policy::sre_workbook()),
        reach: Reach::new(
            &Policy::sre_workbook(),
            &Period::Rolling(Span::from_days(30)),
        ),
        document: Document {
            description: "Customers cannot pay.".to_owned(),
            owner: Some("payments".to_owned()),
            runbook: Some("https://wiki.example/pay".to_owned()),
            ..Document::default()
        },
    })
}

/// An instance whose page burns; the window of 3 d is not covered.
pub(super) fn evaluation(slo: &Slo, labels: Labels, outcome: Outcome) -> Arc<Evaluation> {
    let counts = Counts {
        bad: 20.0,
        total: 1000.0,
    };
    let known = |window| Reading::from_counts(window, counts, slo.objective);
    let readings = vec![
        known(Span::from_mins(5)),
        Reading::from_ratio(Span::from_hours(1), Some(0.02), slo.objective),
        Reading::uncovered(Span::from_days(3)),
    ];
    let tier = |severity, long, short, verdict| TierStatus {
        severity,
        facts: tier_facts(long, short),
        verdict,
    };
    let (short, long) = (Span::from_mins(5), Span::from_hours(1));
    let tiers = vec![
        tier(Severity::Page, long, short, Verdict::Burning),
        tier(Severity::Ticket, Span::from_days(3), long, Verdict::Unknown),
    ];
    Arc::new(Evaluation {
        readings,
        tiers,
        detail: None,
        budget: Some(budget()),
        sla: slo.sla.map(|sla| SlaFacts {
            objective_percent: sla.percent(),
            budget: BudgetFacts {
                consumed: 0.05,
                remaining: 0.95,
                ..budget()
            },
        }),
        newest: Some(NOON - Span::from_millis(1500)),
        fresh: true,
        ..Evaluation::blank(instance(slo, labels), NOON, outcome, String::new())
    })
}

fn instance(slo: &Slo, labels: Labels) -> InstanceId {
    InstanceId {
        slo: slo.id.clone(),
        labels,
    }
}

fn budget() -> BudgetFacts {
    BudgetFacts {
        consumed: 0.25,
        remaining: 0.75,
        exhausted_in: Some(Span::from_hours(30)),
        consumed_by_alert: 0.125,
        coverage: 1.0,
    }
}

fn tier_facts(long: Span, short: Span) -> TierFacts {
    TierFacts {
        long,
        short,
        factor: 14.4,
        budget_fraction: 0.02,
        long_burn: 20.0,
        short_burn: 20.0,
        bad_events: Some(20.0),
        total_events: Some(1000.0),
    }
}

pub(super) fn alert(key: AlertKey, severity: Severity, reason: Reason) -> AlertRecord {
    let slo = slo("shop", "checkout", &["region"]);
    let labels = key
        .instance()
        .map_or_else(Labels::empty, |id| id.labels.clone());
    AlertRecord {
        state: AlertState::Firing {
            since: NOON - Span::from_mins(7),
            quiet_since: None,
        },
        facts: AlertFacts {
            key: key.clone(),
            severity,
            service: slo.service.clone(),
            slo: slo.name.clone(),
            labels,
            objective_percent: Some(99.9),
            period: Some(slo.period.clone()),
            reason,
            started_at: NOON - Span::from_mins(7),
            decided_at: NOON,
            resolved_at: None,
            tiers: vec![tier_facts(Span::from_hours(1), Span::from_mins(5))],
            peak_burn: 22.5,
            budget: Some(budget()),
            sla: None,
            alert_name: None,
            document: slo.document.clone(),
            affected: 1,
            dependencies: Vec::new(),
            acknowledged: None,
            curve: None,
        },
        key,
        burning: Vec::new(),
        tier_starts: None,
        costs_from: NOON,
        told: BTreeMap::from([(
            "oncall".to_owned(),
            Told {
                sequence: 2,
                at: None,
                behind: false,
            },
        )]),
        mutes: Vec::new(),
        announced_at: None,
    }
}

pub(super) fn board() -> Board {
    Board::new(About {
        version: "1.2.3".to_owned(),
        source: "prometheus".to_owned(),
        interval: INTERVAL,
        external_url: Some("https://slofuse.example/".to_owned()),
        started_at: NOON - Span::from_hours(1),
    })
}

pub(super) fn feed(key: &str, slos: &[&Arc<Slo>]) -> FeedInfo {
    FeedInfo {
        key: key.to_owned(),
        slos: slos.iter().map(|&slo| slo.clone()).collect(),
        path_reasons: BTreeMap::new(),
        questions: None,
    }
}

fn eu() -> Labels {
    Labels::new([("region", "eu")])
}

/// `shop/checkout` in three regions, one of them burning with its page open, and `shop/search`
/// before its first slot.
fn shop() -> Board {
    let board = board();
    let checkout = slo("shop", "checkout", &["region"]);
    let search = slo("shop", "search", &[]);
    let why = "a join is no sum of counters".to_owned();
    let path_reasons = BTreeMap::from([(checkout.id.clone(), why)]);
    board.replace_feeds(vec![
        FeedInfo {
            path_reasons,
            ..feed("direct", &[&checkout])
        },
        feed("late", &[&search]),
    ]);
    let region =
        |region, outcome| evaluation(&checkout, Labels::new([("region", region)]), outcome);
    let evaluations = vec![
        region("us", Outcome::Quiet),
        region("eu", Outcome::Burning),
        region("ap", Outcome::Quiet),
    ];
    board.publish_slot("direct", NOON, evaluations);
    let key = AlertKey::Burn {
        instance: instance(&checkout, eu()),
        severity: Severity::Page,
    };
    board.publish_alerts(vec![alert(key, Severity::Page, Reason::Burning)]);
    board
}

struct Server {
    router: Router,
    commands: mpsc::Receiver<CommandRequest>,
}

/// What the handlers work with, and the far end of the commands.
fn app_at(board: Board, now: Timestamp) -> (App, mpsc::Receiver<CommandRequest>) {
    let (command, commands) = mpsc::channel(1);
    let app = App {
        board,
        metrics: Arc::new(Metrics::new()),
        commands: Commands::new(command),
        store: Store::in_memory().unwrap(),
        clock: Arc::new(move || now),
        slack_secret: None,
        picture_key: None,
    };
    (app, commands)
}

fn server_at(board: Board, now: Timestamp) -> Server {
    let (app, commands) = app_at(board, now);
    Server {
        router: router(app, &Manners::default()),
        commands,
    }
}

fn server(board: Board) -> Server {
    server_at(board, NOON)
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        let kind = self.headers.get(header::CONTENT_TYPE).unwrap();
        assert_eq!(kind, "application/json", "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }
}

async fn ask(router: &Router, method: Method, target: &str) -> Answer {
    let request = Request::builder().method(method).uri(target);
    let request = request.body(Body::empty()).unwrap();
    answer(router, request, target).await
}

async fn answer(router: &Router, request: Request, target: &str) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, 64 << 20).await.unwrap();
    assert_eq!(parts.headers[header::CACHE_CONTROL], "no-store", "{target}");
    let sniffing = &parts.headers[header::X_CONTENT_TYPE_OPTIONS];
    assert_eq!(sniffing, "nosniff", "{target}");
    let policy = &parts.headers[header::CONTENT_SECURITY_POLICY];
    assert_eq!(policy, "default-src 'none'; frame-ancestors 'none'");
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

async fn get_from(board: Board, target: &str) -> Answer {
    ask(&server(board).router, Method::GET, target).await
}

/// `400 {"error":"..."}`
async fn brief(board: Board, target: &str) -> String {
    let answer = get_from(board, target).await;
    format!("{} {}", answer.status, answer.json())
}
