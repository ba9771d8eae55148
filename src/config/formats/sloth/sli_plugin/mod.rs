//! The SLI plugins that come with Sloth, as the queries that they stand for.
//!
//! Sloth runs plugins as programs, which slofuse does not. Those everybody has are known here by
//! their ids, and all that are ratios of counters are written as such, so that they take the exact
//! path. Their guards against dividing by zero are left out: no traffic burns nothing anyway.

mod catalogue;

use crate::config::diagnostic::excerpt;
use crate::config::field::Field;
use crate::config::lint::Lint;
use crate::config::nearest::nearest;
use crate::config::raw::definition::{Events, Ratio, Sli};
use crate::config::tree::Mark;

use super::Translating;
use super::options::Options;
use super::reader::Keys;

use catalogue::{ISTIO_NO_5XX, Measure, PLUGINS, PREFIX, Plugin, Scope};

/// The section `plugin` of an SLI; `None` when it is refused, which is then reported.
///
/// `objective` is in percent, for the plugin that pretends to miss it.
pub(super) fn sli(
    mut keys: Keys<'_, '_>,
    objective: Option<f64>,
    slo: &mut Translating<'_>,
) -> Option<Sli> {
    let report = keys.report.clone();
    let id = keys.required("id");
    let field = keys.text("id");
    let options = keys.node("options");
    keys.finish();
    let (mark, id) = (id?.mark, field.value()?);
    let known = PLUGINS
        .iter()
        .find(|p| id.strip_prefix(PREFIX) == Some(p.id));
    let Some(plugin) = known else {
        let message = format!(
            "the SLI plugin {:?} is a program of Sloth's, and slofuse runs none",
            excerpt(id)
        );
        let ids: Vec<String> = PLUGINS
            .iter()
            .map(|p| format!("{PREFIX}{}", p.id))
            .collect();
        let fix = match nearest(id, ids.iter().map(String::as_str)) {
            Some(near) => format!("did you mean {near:?}?"),
            None => "write the query that it returns as sli.raw, or better the two queries of its \
                     ratio as sli.events"
                .to_owned(),
        };
        report.lint(Lint::Unsupported, mark, message, fix);
        return None;
    };
    let mut options = Options::new(options, mark, &report);
    let sli = plugin.measure(&mut options, mark, objective, slo);
    options.finish();
    sli
}

impl Plugin {
    fn measure(
        &self,
        options: &mut Options<'_, '_>,
        mark: Mark,
        objective: Option<f64>,
        slo: &mut Translating<'_>,
    ) -> Option<Sli> {
        if let Measure::Nothing = self.measure {
            return Some(ratio(mark, "max_over_time(vector(0)[$window:])".to_owned()));
        }
        if let Measure::Fake = self.measure {
            return fake(options, mark, objective);
        }
        let series = self.series(options, mark, slo);
        match self.measure {
            Measure::Availability(metric, errors) => {
                let errors = self.errors(options, errors);
                let (series, errors) = (series?, errors?);
                let bad = sum(metric, &[&series, &errors]);
                Some(bad_events(mark, bad, sum(metric, &[&series])))
            }
            Measure::Latency(histogram) => {
                let bucket = options.bucket();
                let (series, bucket) = (series?, bucket?);
                let fast = sum(&format!("{histogram}_bucket"), &[&series, &bucket]);
                let total = sum(&format!("{histogram}_count"), &[&series]);
                Some(good_events(mark, fast, total))
            }
            Measure::Failures(failures, total) => {
                let series = series?;
                let bad = sum(failures, &[&series]);
                Some(bad_events(mark, bad, sum(total, &[&series])))
            }
            Measure::KooperAvailability => {
                let series = series?;
                let processed = "kooper_controller_processed_event_duration_seconds_count";
                let requeued = "kooper_controller_queued_events_total";
                let bad = sum(processed, &[&series, "success=\"false\""]);
                let total = sum(processed, &[&series]);
                let requeued = sum(requeued, &[&series, "requeue=\"true\""]);
                Some(bad_events(
                    mark,
                    bad,
                    format!("{total} - ({requeued} or vector(0))"),
                ))
            }
            Measure::Targets => Some(targets(mark, &series?, slo)),
            Measure::Nothing | Measure::Fake => None,
        }
    }

    /// The matchers of the series that the plugin is about.
    fn series(
        &self,
        options: &mut Options<'_, '_>,
        mark: Mark,
        slo: &mut Translating<'_>,
    ) -> Option<String> {
        let filter = options.filter(self.filtered);
        let scope = match self.scope {
            Scope::All => Some(String::new()),
            Scope::Fixed(matcher) => Some(matcher.to_owned()),
            Scope::Option(label, op, name) => options.matcher(label, op, name),
            Scope::Istio => {
                let service = options.matcher("destination_service_name", "=", "service");
                let namespace = options.matcher("destination_service_namespace", "=", "namespace");
                service
                    .zip(namespace)
                    .map(|(service, namespace)| format!("{service},{namespace}"))
            }
        };
        let excludes = match self.excludes {
            Some(matcher) => options
                .switch("exclude_errors")
                .map(|on| on.then_some(matcher)),
            None => Some(None),
        };
        let mut matchers = vec![filter?, scope?];
        if let Some(matcher) = excludes? {
            if matcher == ISTIO_NO_5XX {
                let message = "errors are excluded by the label response_code; Sloth's plugin asks \
                               for the label code, which Istio does not set, and excludes nothing";
                slo.note(
                    mark,
                    message,
                    "remove exclude_errors to count them as Sloth does",
                );
            }
            matchers.push(matcher.to_owned());
        }
        matchers.retain(|matcher| !matcher.is_empty());
        Some(matchers.join(","))
    }

    /// The matcher of bad events; CoreDNS lets its own be replaced.
    fn errors(&self, options: &mut Options<'_, '_>, errors: &str) -> Option<String> {
        if self.id != "coredns/availability" {
            return Some(errors.to_owned());
        }
        match options.get("custom_rcode_regex") {
            Some((mark, regex)) => {
                options.matchers("custom_rcode_regex", mark, &format!("rcode=~\"{regex}\""))
            }
            None => Some(errors.to_owned()),
        }
    }
}

fn targets(mark: Mark, series: &str, slo: &mut Translating<'_>) -> Sli {
    let message = "it measures the share of scrapes that failed; the query of Sloth's plugin divides \
                   only its fallback of 0, and yields a number of scrapes";
    slo.note(mark, message, "expect an error ratio between 0 and 1");
    let all = format!("sum(count_over_time(up{{{series}}}[$window]))");
    let up = format!("sum(sum_over_time(up{{{series}}}[$window]))");
    bad_events(mark, format!("{all} - {up}"), all)
}

fn fake(options: &mut Options<'_, '_>, mark: Mark, objective: Option<f64>) -> Option<Sli> {
    let speed = options.required("burn_rate");
    let speed = speed.and_then(|text| options.number("burn_rate", text));
    let jitter = match options.get("jitter_percent") {
        Some(text) => options.number("jitter_percent", text),
        None => Some(0.0),
    };
    let (speed, jitter, objective) = (speed?, jitter?, objective?);
    let ratio_of_errors = round((100.0 - objective) / 100.0 * speed);
    let steady = format!("max_over_time(vector({ratio_of_errors})[$window:])");
    if jitter == 0.0 {
        return Some(ratio(mark, steady));
    }
    let noise = "(time() * minute() * hour() * day_of_week() * month())";
    let range = round(jitter * 2.0);
    let jitter = format!("({ratio_of_errors} * ({jitter} - ({noise} % {range}))) / 100");
    Some(ratio(mark, format!("({steady}) - ({jitter})")))
}

/// Without binary dust.
fn round(value: f64) -> f64 {
    (value * 1e9).round() / 1e9
}

fn sum(metric: &str, matchers: &[&str]) -> String {
    let matchers: Vec<&str> = matchers.iter().copied().filter(|m| !m.is_empty()).collect();
    match matchers.as_slice() {
        [] => format!("sum(rate({metric}[$window]))"),
        matchers => format!("sum(rate({metric}{{{}}}[$window]))", matchers.join(",")),
    }
}

fn bad_events(mark: Mark, bad: String, total: String) -> Sli {
    events(
        mark,
        Events {
            bad: Field::at(mark, bad),
            total: Field::at(mark, total),
            ..Events::default()
        },
    )
}

fn good_events(mark: Mark, good: String, total: String) -> Sli {
    events(
        mark,
        Events {
            good: Field::at(mark, good),
            total: Field::at(mark, total),
            ..Events::default()
        },
    )
}

fn events(mark: Mark, events: Events) -> Sli {
    Sli {
        events: Field::at(mark, events),
        ..Sli::default()
    }
}

fn ratio(mark: Mark, error_ratio: String) -> Sli {
    let ratio = Ratio {
        error_ratio: Field::at(mark, error_ratio),
        ..Ratio::default()
    };
    Sli {
        ratio: Field::at(mark, ratio),
        ..Sli::default()
    }
}

/// Every id, for those who count them.
#[cfg(test)]
pub(super) fn ids() -> impl Iterator<Item = String> {
    PLUGINS
        .iter()
        .map(|plugin| format!("{PREFIX}{}", plugin.id))
}
