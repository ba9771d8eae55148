//! `/api/v1/explain`: why the alerts of an SLO are, or are not, up; and without an SLO, which ones
//! there are.
//!
//! The instances that deserve a look most come first: a firing page, ... a tier near its threshold.
//! At most `limit` are explained, [`OTHERS_MAX`] more are named.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::engine::{
    AlertKey, AlertRecord, Evaluation, Indicator, InstanceId, Labels, Outcome, Severity, Slo,
    SloId, StateName, Timestamp,
};
use crate::http::App;
use crate::http::asked::AskedQuery;
use crate::http::board::{Published, SloRow};
use crate::http::error::ApiError;
use crate::http::matching::Filter;
use crate::http::question::Question;
use crate::http::view::{Rfc3339, objective};
use crate::message::explanation::{self, Explanation, Present};

/// Instances that are explained unless a request says otherwise.
const LIMIT_DEFAULT: usize = 10;
/// Most instances that one answer explains.
const LIMIT_MAX: usize = 100;
/// Most other instances that are named.
const OTHERS_MAX: usize = 100;
/// Most SLOs that are named.
const SLOS_MAX: usize = 20_000;
/// Most requests to the source that are told.
const QUERIES_MAX: usize = 64;

/// Which SLO (`service/name`), which of its instances (matchers on their labels), how many.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExplainQuery {
    slo: Option<String>,
    labels: Option<String>,
    limit: Option<usize>,
}

/// What can be explained.
#[derive(Serialize)]
struct Known<'a> {
    total: usize,
    slos: Vec<&'a SloId>,
}

#[derive(Serialize)]
struct Answer<'a> {
    slo: &'a SloId,
    /// Ratio of good events that is promised.
    objective: f64,
    period: String,
    policy: &'a str,
    path: &'static str,
    path_reason: Option<&'a str>,
    /// The daemon remembers no slot from before.
    started_at: Rfc3339,
    /// Instances that match.
    total: usize,
    limit: usize,
    instances: Vec<Explanation>,
    /// The next ones after those.
    others: Vec<Other<'a>>,
    /// What the source was asked at the last slot.
    queries: Vec<QueryView>,
}

/// An instance that is not explained.
#[derive(Serialize)]
struct Other<'a> {
    instance: String,
    labels: &'a Labels,
    outcome: Option<Outcome>,
    /// Its loudest open alert.
    alert: Option<OtherAlert>,
    /// How near its nearest tier is to its factor.
    closeness: f64,
}

#[derive(Serialize)]
struct OtherAlert {
    severity: Severity,
    state: StateName,
}

#[derive(Serialize)]
struct QueryView {
    at: Rfc3339,
    #[serde(flatten)]
    asked: AskedQuery,
}

/// One instance on its way to the answer.
struct Candidate<'a> {
    id: InstanceId,
    evaluation: Option<&'a Evaluation>,
    alerts: Vec<&'a AlertRecord>,
    interest: (u8, f64),
}

/// `GET /api/v1/explain`
pub(super) async fn explain(
    State(app): State<App>,
    Question(query): Question<ExplainQuery>,
) -> Result<Response, ApiError> {
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    if limit > LIMIT_MAX {
        let text = format!("limit {limit} is larger than {LIMIT_MAX}");
        return Err(ApiError::bad_request(text));
    }
    let filter = Filter::parse(query.labels.as_deref())?;
    let published = app.board.read();
    let rows = published.slos();
    let Some(wanted) = query.slo else {
        let slos = rows.iter().map(|row| &row.slo.id);
        let known = Known {
            total: rows.len(),
            slos: slos.take(SLOS_MAX).collect(),
        };
        return Ok(Json(known).into_response());
    };
    let row = rows.iter().find(|row| row.slo.id.as_str() == wanted);
    let row = row.ok_or_else(|| ApiError::not_found(format!("there is no slo {wanted}")))?;
    let mut candidates = candidates(row, &published);
    candidates.retain(|candidate| filter.matches(&candidate.id.labels));
    if candidates.is_empty() {
        let text = format!("no instance of {wanted} has such labels");
        return Err(ApiError::not_found(text));
    }
    // The sort is stable: what is equally interesting stays in the order of its labels.
    candidates.sort_by(|a, b| {
        let key = |c: &Candidate<'_>| Reverse(c.interest.0);
        key(a)
            .cmp(&key(b))
            .then(b.interest.1.total_cmp(&a.interest.1))
    });
    let now = (app.clock)();
    let alerts: Vec<&AlertRecord> = published.alerts.iter().collect();
    let explained = candidates.iter().take(limit);
    let others = candidates.iter().skip(limit).take(OTHERS_MAX);
    let answer = Answer {
        slo: &row.slo.id,
        objective: objective(row.slo.objective),
        period: row.slo.period.to_string(),
        policy: &row.slo.policy.name,
        path: row.slo.indicator.path(),
        path_reason: row.path_reason,
        started_at: Rfc3339(app.board.about().started_at),
        total: candidates.len(),
        limit,
        instances: explained
            .map(|candidate| candidate.explain(row.slo, &published, &alerts, now))
            .collect(),
        others: others.map(Other::of).collect(),
        queries: queries(row.slo, &rows, &published),
    };
    Ok(Json(answer).into_response())
}

/// Every instance of an SLO; before its first slot, the SLO as a whole.
fn candidates<'a>(row: &SloRow<'a>, published: &'a Published) -> Vec<Candidate<'a>> {
    let mut whole: Vec<&AlertRecord> = Vec::new();
    let mut own: BTreeMap<&Labels, Vec<&AlertRecord>> = BTreeMap::new();
    for alert in published.alerts.iter() {
        match &alert.key {
            AlertKey::SourceDown { .. } => whole.push(alert),
            AlertKey::Burn { instance, .. } | AlertKey::Blind { instance } => {
                if instance.slo == row.slo.id {
                    own.entry(&instance.labels).or_default().push(alert);
                }
            }
        }
    }
    // An alert about a grouped SLO as a whole concerns each of its instances.
    let nothing = Labels::empty();
    let of_slo = own.get(&nothing).into_iter().flatten().copied();
    let of_slo: Vec<&AlertRecord> = of_slo.chain(whole).collect();
    let candidate = |id: InstanceId, evaluation: Option<&'a Evaluation>| {
        let mut alerts = of_slo.clone();
        if !id.labels.is_empty() {
            alerts.extend(own.get(&id.labels).into_iter().flatten().copied());
        }
        Candidate {
            interest: explanation::interest(evaluation, &alerts),
            id,
            evaluation,
            alerts,
        }
    };
    let evaluated = row.evaluations.iter().copied();
    let mut found: Vec<Candidate<'a>> = evaluated
        .map(|evaluation| candidate(evaluation.id.clone(), Some(evaluation)))
        .collect();
    if found.is_empty() {
        let id = InstanceId {
            slo: row.slo.id.clone(),
            labels: Labels::empty(),
        };
        found.push(candidate(id, None));
    }
    found
}

impl Candidate<'_> {
    /// `alerts` are all that are open: those of others may keep its own quiet.
    fn explain(
        &self,
        slo: &Slo,
        published: &Published,
        alerts: &[&AlertRecord],
        now: Timestamp,
    ) -> Explanation {
        explanation::explain(&Present {
            slo,
            id: &self.id,
            evaluation: self.evaluation,
            alerts,
            routing: &published.notices.routing,
            silences: &published.notices.silences,
            now,
        })
    }
}

impl<'a> Other<'a> {
    fn of(candidate: &'a Candidate<'_>) -> Self {
        let loudest = candidate.alerts.iter().min_by_key(|alert| {
            let state = alert.state.name();
            (Reverse(state), alert.facts.severity)
        });
        Self {
            instance: candidate.id.to_string(),
            labels: &candidate.id.labels,
            outcome: candidate.evaluation.map(|evaluation| evaluation.outcome),
            alert: loudest.map(|alert| OtherAlert {
                severity: alert.facts.severity,
                state: alert.state.name(),
            }),
            closeness: candidate.interest.1,
        }
    }
}

/// What the source was asked for an SLO; for a composite, for all that it is made of.
fn queries(slo: &Slo, rows: &[SloRow<'_>], published: &Published) -> Vec<QueryView> {
    let mut queries = Vec::new();
    let mut seen: BTreeSet<SloId> = BTreeSet::new();
    let mut open = vec![slo];
    while let Some(slo) = open.pop() {
        if !seen.insert(slo.id.clone()) {
            continue;
        }
        if let Indicator::Composite(composite) = &slo.indicator {
            let parts = composite.parts.iter();
            let part = |id: &SloId| rows.iter().find(|row| row.slo.id == *id);
            open.extend(parts.filter_map(|one| Some(part(&one.slo)?.slo)));
        }
        let Some((questions, poll)) = published.poll_of(&slo.id) else {
            continue;
        };
        for asked in questions.of(poll) {
            let is_new = queries.iter().all(|query: &QueryView| query.asked != asked);
            if is_new && queries.len() < QUERIES_MAX {
                queries.push(QueryView {
                    at: Rfc3339(poll.slot),
                    asked,
                });
            }
        }
    }
    queries
}
