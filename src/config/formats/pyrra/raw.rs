//! `pyrra.dev/v1alpha1`: a `ServiceLevelObjective` as its author wrote it.
//!
//! What Kubernetes adds to an object that was asked back from a cluster is known and has no
//! meaning here.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::config::field::Field;
use crate::config::raw::definition::Texts;
use crate::config::value::{Duration, LabelName, Name};

/// The document.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Document {
    #[serde(rename = "apiVersion")]
    pub(super) api_version: Field<String>,
    pub(super) kind: Field<String>,
    pub(super) metadata: Field<Metadata>,
    pub(super) spec: Field<Spec>,
    #[serde(rename = "status")]
    _status: Field<IgnoredAny>,
}

/// Kubernetes' object metadata.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Metadata {
    pub(super) name: Field<Name>,
    pub(super) namespace: Field<Name>,
    pub(super) labels: Field<Texts>,
    pub(super) annotations: Field<Texts>,
    #[serde(rename = "creationTimestamp")]
    _creation_timestamp: Field<IgnoredAny>,
    #[serde(rename = "deletionGracePeriodSeconds")]
    _deletion_grace_period_seconds: Field<IgnoredAny>,
    #[serde(rename = "deletionTimestamp")]
    _deletion_timestamp: Field<IgnoredAny>,
    #[serde(rename = "finalizers")]
    _finalizers: Field<IgnoredAny>,
    #[serde(rename = "generateName")]
    _generate_name: Field<IgnoredAny>,
    #[serde(rename = "generation")]
    _generation: Field<IgnoredAny>,
    #[serde(rename = "managedFields")]
    _managed_fields: Field<IgnoredAny>,
    #[serde(rename = "ownerReferences")]
    _owner_references: Field<IgnoredAny>,
    #[serde(rename = "resourceVersion")]
    _resource_version: Field<IgnoredAny>,
    #[serde(rename = "selfLink")]
    _self_link: Field<IgnoredAny>,
    #[serde(rename = "uid")]
    _uid: Field<IgnoredAny>,
}

/// The promise.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Spec {
    /// Percent; a text in Kubernetes, a number in files.
    pub(super) target: Field<f64>,
    pub(super) window: Field<Duration>,
    pub(super) description: Field<String>,
    pub(super) indicator: Field<Indicator>,
    pub(super) alerting: Field<Alerting>,
    pub(super) partial_response_strategy: Field<String>,
    #[serde(rename = "performanceOverAccuracy")]
    pub(super) performance_over_accuracy: Field<Switch>,
    #[serde(rename = "ruleOutput")]
    pub(super) rule_output: Field<IgnoredAny>,
}

/// What is measured: the first of its keys counts.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Indicator {
    pub(super) ratio: Field<Ratio>,
    pub(super) latency: Field<Latency>,
    #[serde(rename = "latencyNative")]
    pub(super) latency_native: Field<LatencyNative>,
    pub(super) bool_gauge: Field<BoolGauge>,
}

/// Labels that split the objective.
pub(super) type Grouping = Field<Vec<Field<LabelName>>>;

/// Errors out of all requests.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Ratio {
    pub(super) errors: Field<Query>,
    pub(super) total: Field<Query>,
    pub(super) grouping: Grouping,
}

/// The bucket of requests that were fast enough, out of all requests.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Latency {
    pub(super) success: Field<Query>,
    pub(super) total: Field<Query>,
    pub(super) grouping: Grouping,
}

/// A native histogram and how fast is fast enough.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct LatencyNative {
    pub(super) total: Field<Query>,
    pub(super) latency: Field<Duration>,
    pub(super) grouping: Grouping,
}

/// A gauge that is 1 while all is well and 0 otherwise.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct BoolGauge {
    pub(super) metric: Field<String>,
    pub(super) grouping: Grouping,
}

/// A plain selector.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Query {
    pub(super) metric: Field<String>,
}

/// Which alerts there are, and what they are called.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Alerting {
    pub(super) burnrates: Field<Switch>,
    pub(super) absent: Field<Switch>,
    /// Deprecated: the reverse of `burnrates`.
    pub(super) disabled: Field<Switch>,
    pub(super) name: Field<String>,
    #[serde(rename = "absentName")]
    pub(super) absent_name: Field<String>,
    pub(super) severities: Field<Severities>,
}

/// The label `severity` of each alert.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Severities {
    pub(super) fast_burn: Field<String>,
    pub(super) medium_burn: Field<String>,
    pub(super) slow_burn: Field<String>,
    pub(super) long_term_burn: Field<String>,
    pub(super) absent: Field<String>,
}

/// True or false, in any of the words that YAML 1.1 has for them, as Pyrra's reader takes them.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Switch(pub(super) bool);

impl TryFrom<String> for Switch {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => Ok(Self(true)),
            "false" | "no" | "off" | "n" => Ok(Self(false)),
            _ => Err("this is neither true nor false\nwrite true or false"),
        }
    }
}
