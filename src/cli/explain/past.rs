//! A time in the past, or the present without a daemon: played here, up to the slot.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::ExplainArgs;
use crate::cli::history::when;
use crate::cli::{Failure, chain, complain};
use crate::config::settings::SourceSettings;
use crate::config::{self, Loaded};
use crate::daemon::Clock;
use crate::engine::{Indicator, Slo, SloId, Span};
use crate::message::figures;
use crate::prometheus::Asked;
use crate::replay::explain::{PastExplanation, Question, explain};
use crate::replay::{History, Script};

/// How often time passes while something is open.
const TICK: Span = Span::from_secs(10);

/// Plays and explains; the answer is as the daemon's.
pub(super) fn answer(args: &ExplainArgs) -> Result<Value, Failure> {
    let now = Clock::system().now();
    let at = when::read(args.at.as_deref().unwrap_or("now"), now, now).map_err(|error| {
        complain(&format!("--at: {error}"));
        Failure::Usage
    })?;
    let at = at.min(now);
    let loaded = load(args)?;
    let definitions = &loaded.definitions;
    let wanted = args.named(definitions.iter().map(|one| one.slo.id.as_str()))?;
    let slos: Vec<Arc<Slo>> = definitions.iter().map(|one| one.slo.clone()).collect();
    let slos = needed(&wanted, &slos);
    let Some(slo) = slos.iter().find(|slo| slo.id.as_str() == wanted) else {
        return Err(Failure::Failed);
    };
    let settings = &loaded.settings;
    let source = &args.source;
    let mut history = source.open(&slos, Some(settings), Some(at - args.back), Some(at))?;
    if let Some((id, why)) = history.refused.iter().find(|(id, _)| *id == slo.id) {
        complain(&format!("{id} cannot be explained from this past: {why}"));
        return Err(Failure::Failed);
    }
    let script = Script {
        slos: slos.clone(),
        routing: settings.routing.clone(),
        options: history.options.clone(),
        tick: TICK,
    };
    let question = Question {
        slo: &slo.id,
        labels: &args.label,
        limit: 1,
        from: history.from,
        at: history.until.min(at),
    };
    let explained = explain(&script, history.reel.as_mut(), &question).map_err(|error| {
        complain(&chain(&error));
        Failure::Failed
    })?;
    if explained.total == 0 {
        complain(&format!(
            "no instance of {wanted} has such labels at that time"
        ));
        return Err(Failure::Failed);
    }
    let definition = definitions.iter().find(|one| one.slo.id == slo.id);
    let path_reason = definition.map(|one| one.path_reason.as_str());
    let mut answer = json!({
        "slo": slo.id,
        "objective": 1.0 - slo.objective.budget_ratio(),
        "period": slo.period.to_string(),
        "policy": slo.policy.name,
        "path": slo.indicator.path(),
        "path_reason": path_reason,
        "origin": history.origin,
        "remarks": remarks(&history, &slo.id),
        "queries": queries(&loaded, source.asks(settings).as_ref(), slo, &explained),
    });
    let explained = serde_json::to_value(&explained).unwrap_or_default();
    if let (Value::Object(answer), Value::Object(more)) = (&mut answer, explained) {
        answer.extend(more);
    }
    Ok(answer)
}

fn load(args: &ExplainArgs) -> Result<Loaded, Failure> {
    let Some(file) = &args.client.config else {
        complain("--config is missing: it says what to explain and where samples are");
        return Err(Failure::Usage);
    };
    config::load(file, &|name| std::env::var(name).ok()).map_err(|mistakes| {
        complain(&format!("the configuration has mistakes\n{mistakes}"));
        Failure::Problems
    })
}

/// An SLO and everything that it is made of, or depends on.
fn needed(wanted: &str, all: &[Arc<Slo>]) -> Vec<Arc<Slo>> {
    let by_id: BTreeMap<&str, &Arc<Slo>> = all.iter().map(|slo| (slo.id.as_str(), slo)).collect();
    let mut found: BTreeMap<&SloId, Arc<Slo>> = BTreeMap::new();
    let mut open: Vec<&str> = vec![wanted];
    while let Some(id) = open.pop() {
        let Some(slo) = by_id.get(id) else {
            continue;
        };
        if found.insert(&slo.id, (*slo).clone()).is_some() {
            continue;
        }
        if let Indicator::Composite(composite) = &slo.indicator {
            open.extend(composite.parts.iter().map(|part| part.slo.as_str()));
        }
        open.extend(slo.document.depends_on.iter().map(SloId::as_str));
    }
    found.into_values().collect()
}

/// What is to be known of the past besides.
fn remarks(history: &History, slo: &SloId) -> Vec<String> {
    let coarse = history.coarse.iter().filter(|(id, _)| id == slo);
    let coarse = coarse.map(|(_, stretch)| {
        let (from, until) = (figures::date(stretch.from), figures::date(stretch.until));
        format!("From {from} to {until} samples are {} apart.", stretch.step)
    });
    history.remarks.iter().cloned().chain(coarse).collect()
}

/// What the daemon would have asked at that slot, where the past comes from a server.
fn queries(
    loaded: &Loaded,
    source: Option<&SourceSettings>,
    slo: &Slo,
    explained: &PastExplanation,
) -> Vec<Value> {
    /// As the daemon, which reads what may have become readable late.
    const OVERLAP_SCRAPES: i64 = 3;
    let (Some(feed), Some(source)) = (&explained.feed, source) else {
        return Vec::new();
    };
    let evaluation = &loaded.settings.evaluation;
    let at = explained.at.0;
    let from = at - evaluation.interval - evaluation.scrape_interval.times(OVERLAP_SCRAPES);
    let query = |asked: &Asked| {
        json!({
            "at": explained.at,
            "promql": asked.promql(),
            "curl": asked.curl(source),
        })
    };
    let asked = feed.asked(from, at, &slo.windows());
    asked.iter().map(query).collect()
}
