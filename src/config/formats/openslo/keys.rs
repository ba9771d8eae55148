//! The keys of each kind of object, in the spelling of every version.
//!
//! A key that is in none of them has no effect, here or elsewhere; it is named, for it may be a
//! typing error. Sections that belong to other tools (`connectionDetails`, a metric's `spec`,
//! labels) may hold anything.

use crate::config::diagnostic::excerpt;
use crate::config::lint::Lint;
use crate::config::nearest::suggestion;
use crate::config::tree::Mark;

use super::entry::Entry;
use super::objects::Kind;

/// What may stand somewhere.
enum Shape {
    /// Anything.
    Free,
    /// A section with these keys.
    Keys(&'static [(&'static str, &'static Self)]),
    /// A list of such.
    List(&'static Self),
}

use Shape::{Free, Keys, List};

/// Names every key below an object that has no effect.
pub(super) fn check(object: Entry<'_>, kind: Kind) {
    let spec = match kind {
        Kind::Slo => &SLO,
        Kind::Sli => &SLI,
        Kind::DataSource => &DATA_SOURCE,
        Kind::Service => &DESCRIBED,
        Kind::AlertPolicy => &ALERT_POLICY,
        Kind::AlertCondition => &ALERT_CONDITION,
        Kind::AlertNotificationTarget => &TARGET,
    };
    let top = ["apiVersion", "kind", "metadata", "spec"];
    for (key, mark, value) in object.entries() {
        match key {
            "metadata" => walk(value, &METADATA),
            "spec" => walk(value, spec),
            _ if top.contains(&key) => {}
            _ => ignored(object, key, mark, &top),
        }
    }
}

/// As deep as the shapes are.
fn walk(entry: Entry<'_>, shape: &Shape) {
    match shape {
        Free => {}
        List(item) => {
            for entry in entry.list().unwrap_or_default() {
                walk(entry, item);
            }
        }
        Keys(keys) => {
            for (key, mark, value) in entry.entries() {
                match keys.iter().find(|(known, _)| *known == key) {
                    Some((_, shape)) => walk(value, shape),
                    None => {
                        let known: Vec<&str> = keys.iter().map(|(known, _)| *known).collect();
                        ignored(entry, key, mark, &known);
                    }
                }
            }
        }
    }
}

fn ignored(section: Entry<'_>, key: &str, mark: Mark, known: &[&str]) {
    let message = format!("the key {:?} has no effect", excerpt(key));
    let fix = suggestion(key, known.iter().copied());
    section.report.lint(Lint::IgnoredKey, mark, message, fix);
}

const METADATA: Shape = Keys(&[
    ("name", &Free),
    ("displayName", &Free),
    ("labels", &Free),
    ("annotations", &Free),
]);

const DESCRIBED: Shape = Keys(&[("description", &Free)]);

const DATA_SOURCE: Shape = Keys(&[
    ("description", &Free),
    ("type", &Free),
    ("connectionDetails", &Free),
]);

/// `metricSource`, or the metric itself in v2alpha and v1alpha.
const SOURCE: Shape = Keys(&[("metricSourceRef", &Free), ("type", &Free), ("spec", &Free)]);

const METRIC: Shape = Keys(&[
    ("metricSource", &SOURCE),
    ("dataSourceRef", &Free),
    ("dataSourceSpec", &DATA_SOURCE),
    ("spec", &Free),
    ("source", &Free),
    ("queryType", &Free),
    ("query", &Free),
]);

const RATIO: Shape = Keys(&[
    ("counter", &Free),
    ("incremental", &Free),
    ("good", &METRIC),
    ("bad", &METRIC),
    ("total", &METRIC),
    ("raw", &METRIC),
    ("rawType", &Free),
]);

const SLI: Shape = Keys(&[
    ("description", &Free),
    ("thresholdMetric", &METRIC),
    ("ratioMetric", &RATIO),
]);

/// In v1alpha the metrics stand in it directly.
const INDICATOR: Shape = Keys(&[
    ("metadata", &METADATA),
    ("spec", &SLI),
    ("thresholdMetric", &METRIC),
    ("ratioMetric", &RATIO),
]);

const CALENDAR: Shape = Keys(&[("startTime", &Free), ("timeZone", &Free)]);

const TIME_WINDOW: Shape = List(&Keys(&[
    ("duration", &Free),
    ("unit", &Free),
    ("count", &Free),
    ("isRolling", &Free),
    ("calendar", &CALENDAR),
]));

const OBJECTIVE: Shape = Keys(&[
    ("displayName", &Free),
    ("op", &Free),
    ("value", &Free),
    ("target", &Free),
    ("targetPercent", &Free),
    ("timeSliceTarget", &Free),
    ("timeSliceWindow", &Free),
    ("indicator", &INDICATOR),
    ("indicatorRef", &Free),
    ("sli", &INDICATOR),
    ("sliRef", &Free),
    ("compositeWeight", &Free),
    ("ratioMetrics", &RATIO),
]);

const SLO: Shape = Keys(&[
    ("description", &Free),
    ("service", &Free),
    ("serviceRef", &Free),
    ("indicator", &INDICATOR),
    ("indicatorRef", &Free),
    ("sli", &INDICATOR),
    ("sliRef", &Free),
    ("budgetingMethod", &Free),
    ("timeWindow", &TIME_WINDOW),
    ("timeWindows", &TIME_WINDOW),
    ("objectives", &List(&OBJECTIVE)),
    (
        "alertPolicies",
        &List(&Keys(&[
            ("alertPolicyRef", &Free),
            ("kind", &Free),
            ("metadata", &METADATA),
            ("spec", &ALERT_POLICY),
        ])),
    ),
]);

const ALERT_POLICY: Shape = Keys(&[
    ("description", &Free),
    ("alertWhenNoData", &Free),
    ("alertWhenBreaching", &Free),
    ("alertWhenResolved", &Free),
    (
        "conditions",
        &List(&Keys(&[
            ("conditionRef", &Free),
            ("kind", &Free),
            ("metadata", &METADATA),
            ("spec", &ALERT_CONDITION),
        ])),
    ),
    (
        "notificationTargets",
        &List(&Keys(&[
            ("targetRef", &Free),
            ("kind", &Free),
            ("metadata", &METADATA),
            ("spec", &TARGET),
        ])),
    ),
]);

const ALERT_CONDITION: Shape = Keys(&[
    ("description", &Free),
    ("severity", &Free),
    (
        "condition",
        &Keys(&[
            ("kind", &Free),
            ("op", &Free),
            ("threshold", &Free),
            ("lookbackWindow", &Free),
            ("alertAfter", &Free),
        ]),
    ),
]);

const TARGET: Shape = Keys(&[("description", &Free), ("target", &Free)]);
