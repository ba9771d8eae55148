//! Queries of any server that speaks the Prometheus HTTP API.

use std::collections::BTreeMap;

use serde_json::Value;
use slofuse::engine::{Span, Timestamp};

use super::api::Api;

/// A series with its samples; one of an instant vector has one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    /// All labels, `__name__` among them.
    pub(crate) labels: BTreeMap<String, String>,
    /// Oldest first.
    pub(crate) samples: Vec<(Timestamp, f64)>,
}

/// An instant query: a vector or a matrix, sorted by labels.
pub(crate) async fn query(api: &Api, expression: &str, at: Timestamp) -> Vec<Series> {
    let form = [("query", expression.to_owned()), ("time", secs(at))];
    read(&api.post_form("/api/v1/query", &form).await)
}

/// A range query, sorted by labels.
pub(crate) async fn query_range(
    api: &Api,
    expression: &str,
    (start, end): (Timestamp, Timestamp),
    step: Span,
) -> Vec<Series> {
    let form = [
        ("query", expression.to_owned()),
        ("start", secs(start)),
        ("end", secs(end)),
        ("step", step.as_secs_f64().to_string()),
    ];
    read(&api.post_form("/api/v1/query_range", &form).await)
}

fn secs(at: Timestamp) -> String {
    at.as_secs_f64().to_string()
}

fn read(answer: &Value) -> Vec<Series> {
    let result = answer["data"]["result"].as_array();
    let result = result.unwrap_or_else(|| panic!("no result in {answer}"));
    let mut series: Vec<Series> = result.iter().map(one).collect();
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    series
}

fn one(item: &Value) -> Series {
    let labels = serde_json::from_value(item["metric"].clone()).expect("labels are strings");
    let vector = item.get("value").into_iter();
    let matrix = item["values"].as_array().into_iter().flatten();
    let samples = vector.chain(matrix).map(|pair| {
        let secs = pair[0].as_f64().expect("a time in seconds");
        let value = pair[1].as_str().expect("values are strings");
        let at = Timestamp::from_millis((secs * 1000.0).round() as i64);
        (at, value.parse().expect("values are numbers"))
    });
    Series {
        labels,
        samples: samples.collect(),
    }
}
