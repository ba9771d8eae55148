//! A shop with a past, and what it takes to watch it: the scenery of tests about definitions.

use std::time::Duration;

use serde_json::{Value, json};
use slofuse::engine::{Span, Timestamp};

use crate::bed::daemon::{Daemon, DaemonConfig};
use crate::bed::prometheus::JOB;
use crate::bed::{Exporter, History, Prometheus, clock, wait};

/// How long a definition may take until it is covered.
pub(crate) const LIMIT: Duration = Duration::from_secs(45);
/// The `instance` label of every series.
pub(crate) const INSTANCE: &str = "shop-1";

/// A shop with two hours behind it. Of 10 requests per second in each of two regions, `us` fails
/// one in ten; of 10 searches per second two are slow; the last backup is an hour old.
pub(crate) struct Shop {
    pub(crate) prometheus: Prometheus,
    pub(crate) _exporter: Exporter,
}

impl Shop {
    /// Starts its server with two hours of history.
    pub(crate) async fn open() -> Self {
        let exporter = Exporter::start().await;
        let step = Span::from_secs(15);
        let end = clock::now().align_down(step);
        let begin = end - Span::from_hours(2);
        let mut history = History::new(begin, end, step);
        let counters = [
            ("requests_total", r#"region="eu",code="200""#, 10.0),
            ("requests_total", r#"region="us",code="200""#, 9.0),
            ("requests_total", r#"region="us",code="500""#, 1.0),
            ("latency_seconds_count", "", 10.0),
            ("latency_seconds_bucket", r#"le="0.3""#, 8.0),
            ("latency_seconds_bucket", r#"le="+Inf""#, 10.0),
        ];
        for (metric, labels, per_second) in counters {
            let comma = if labels.is_empty() { "" } else { "," };
            let series = format!(r#"{metric}{{job="{JOB}",instance="{INSTANCE}"{comma}{labels}}}"#);
            let count = move |at: Timestamp| (at.since(begin).as_secs_f64() * per_second).floor();
            history = history.series(&series, move |at| Some(count(at)));
            let pairs: Vec<(String, String)> = labels
                .split(',')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
                .collect();
            let pairs: Vec<(&str, &str)> = pairs
                .iter()
                .map(|(name, value)| (&**name, &**value))
                .collect();
            exporter
                .counter(metric, &pairs, count(end) as u64)
                .rate(per_second);
        }
        let backup = (end - Span::from_hours(1)).as_secs_f64() as u64;
        let gauge = "last_backup_timestamp_seconds";
        let series = format!(r#"{gauge}{{job="{JOB}",instance="{INSTANCE}"}}"#);
        history = history.series(&series, move |at| {
            let last = Timestamp::from_secs(backup as i64);
            Some(if at < last {
                begin.as_secs_f64()
            } else {
                last.as_secs_f64()
            })
        });
        exporter.counter(gauge, &[], backup);
        let target = exporter.target(INSTANCE);
        let prometheus = Prometheus::that_remembers(history, end, target).await;
        Self {
            prometheus,
            _exporter: exporter,
        }
    }

    /// A daemon with these definitions and the policy [`policy`].
    pub(crate) async fn watch(&self, definitions: Vec<Value>) -> Daemon {
        watch(&self.prometheus, definitions).await
    }
}

/// A daemon with these definitions and the policy [`policy`].
pub(crate) async fn watch(prometheus: &Prometheus, definitions: Vec<Value>) -> Daemon {
    let config = DaemonConfig {
        settings: json!({
            "prometheus": {"url": prometheus.url()},
            "evaluation": {"interval": "1s", "scrape_interval": "1s"},
            "receivers": [{"name": "console", "console": {}}],
            "routes": {"default": ["console"]},
        }),
        definitions,
        policies: vec![policy()],
    };
    config.start().await
}

/// One tier, 50 % of the budget in 1 h, and no notices.
pub(crate) fn policy() -> Value {
    json!({
        "apiVersion": "slofuse/v1",
        "kind": "Policy",
        "metadata": {"name": "hour"},
        "spec": {
            "tiers": [{"severity": "page", "budget": "50%", "long": "1h", "short": "5m"}],
            "budget": {"thresholds": [], "exhaustion_within": "never"},
        },
    })
}

/// A definition of one day's period, judged by [`policy`].
pub(crate) fn slo(name: &str, group_by: &[&str], sli: Value) -> Value {
    json!({
        "apiVersion": "slofuse/v1",
        "kind": "SLO",
        "metadata": {"service": "shop", "name": name},
        "spec": {"objective": 99, "period": "1d", "policy": "hour", "group_by": group_by, "sli": sli},
    })
}

/// The error ratio over the last hour, once every window is covered.
pub(crate) async fn hourly_ratio(
    daemon: &Daemon,
    name: &str,
    region: Option<&str>,
) -> (f64, Value) {
    wait::until(&format!("shop/{name} to be covered"), LIMIT, async || {
        let slos = daemon.get_json("/api/v1/slos?service=shop").await;
        let all = slos["slos"].as_array()?.iter();
        let mut mine = all.filter(|slo| slo["name"] == name);
        let slo = mine.find(|slo| region.is_none_or(|region| slo["labels"]["region"] == region))?;
        let hour = slo["windows"]
            .as_array()?
            .iter()
            .find(|window| window["window"] == "1h")?;
        Some((hour["error_ratio"].as_f64()?, slo.clone()))
    })
    .await
}

/// Within 2 %, or 0.002 of small ratios.
pub(crate) fn is_about(ratio: f64, expected: f64) -> bool {
    (ratio - expected).abs() <= 0.02 * expected.max(0.1)
}
