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
use crate::engine::{Indicator, Labels, Matcher, Routing, Severity, Slo, SloId, Span};
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
    if at > now {
        complain(&format!(
            "--at: {} lies ahead: nothing is known of it",
            figures::date(at)
        ));
        return Err(Failure::Usage);
    }
    let loaded = load(args)?;
    let definitions = &loaded.definitions;
    let wanted = args.named(definitions.iter().map(|one| one.slo.id.as_str()))?;
    let slos: Vec<Arc<Slo>> = definitions.iter().map(|one| one.slo.clone()).collect();
    let settings = &loaded.settings;
    let slos = needed(&wanted, &slos, &settings.routing);
    let Some(slo) = slos.iter().find(|slo| slo.id.as_str() == wanted) else {
        return Err(Failure::Failed);
    };
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

/// An SLO and everything that it is made of, depends on, or may be kept quiet by.
fn needed(wanted: &str, all: &[Arc<Slo>], routing: &Routing) -> Vec<Arc<Slo>> {
    let by_id: BTreeMap<&str, &Arc<Slo>> = all.iter().map(|slo| (slo.id.as_str(), slo)).collect();
    let mut found: BTreeMap<&SloId, Arc<Slo>> = BTreeMap::new();
    let mut open: Vec<&str> = vec![wanted];
    if let Some(slo) = by_id.get(wanted) {
        let rules = routing.inhibit.iter();
        let rules = rules.filter(|rule| may_match(slo, &rule.target));
        let sources = rules.flat_map(|rule| all.iter().filter(|slo| may_match(slo, &rule.source)));
        open.extend(sources.map(|slo| slo.id.as_str()));
    }
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

/// Whether an alert of an SLO may match, whatever the labels of its instance and of its tiers are.
fn may_match(slo: &Slo, matchers: &[Matcher]) -> bool {
    Severity::ALL.into_iter().any(|severity| {
        let labels = slo.alert_labels(severity, Labels::empty());
        let is_open = |name: &str| slo.group_by.iter().any(|label| label == name);
        let may = |matcher: &Matcher| {
            let of_tier = slo
                .policy
                .tiers
                .iter()
                .any(|t| t.labels.contains_key(&matcher.name));
            of_tier || is_open(&matcher.name) || matcher.matches(&labels)
        };
        matchers.iter().all(may)
    })
}

/// What is to be known of the past besides.
fn remarks(history: &History, slo: &SloId) -> Vec<String> {
    let coarse = history.coarse.iter().filter(|(id, _)| id == slo);
    let coarse = coarse.map(|(_, stretch)| {
        let (from, until) = (figures::date(stretch.from), figures::date(stretch.until));
        format!("From {from} to {until} samples are {} apart.", stretch.step)
    });
    let refused = history.refused.iter();
    let refused = refused.map(|(id, why)| format!("{id} cannot be played: {why}."));
    let remarks = history.remarks.iter().cloned();
    remarks.chain(coarse).chain(refused).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// `pay` is kept quiet by pages of `db`, and is a part of nothing that `other` is.
    #[test]
    fn whoever_may_keep_an_slo_quiet_is_played_with_it() {
        let settings = r#"
definitions: [none]
receivers: [{name: console, console: {}}]
routes: {default: [console]}
inhibit_rules:
  - {source_matchers: ['service="db"', 'slofuse_severity="page"'], target_matchers: ['service="pay"']}
  - {source_matchers: ['service="other"', 'zone="a"'], target_matchers: ['service="pay"']}
  - {source_matchers: ['zone="a"'], target_matchers: ['service="mail"']}
"#;
        let slo = |service: &str, grouped: &str| {
            format!(
                "---\napiVersion: slofuse/v1\nkind: SLO\n\
                 metadata: {{service: {service}, name: api}}\n\
                 spec:\n  objective: 99\n{grouped}\
                 \x20 sli: {{events: {{bad: bad_total, total: all_total}}}}\n"
            )
        };
        let definitions = [
            slo("pay", ""),
            slo("db", ""),
            slo("other", ""),
            slo("zoned", "  group_by: [zone]\n"),
            slo("mail", ""),
        ];
        let loaded = config::embedded(settings, &definitions.concat()).unwrap();
        let all = loaded.definitions.iter().map(|one| one.slo.clone());
        let all: Vec<Arc<Slo>> = all.collect();
        let played = |wanted: &str| -> Vec<String> {
            let needed = needed(wanted, &all, &loaded.settings.routing);
            needed.iter().map(|slo| slo.service.clone()).collect()
        };
        assert_eq!(played("pay/api"), ["db", "pay"]);
        assert_eq!(played("mail/api"), ["mail", "zoned"]);
        assert_eq!(played("db/api"), ["db"]);
    }
}
