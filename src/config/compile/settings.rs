//! The settings file to [`Settings`]: defaults filled in, every bound checked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::decode::decode;
use crate::config::diagnostic::{Place, Report, excerpt};
use crate::config::field::{Field, Section};
use crate::config::raw::settings as raw;
use crate::config::secret::Secret;
use crate::config::settings::{
    DeliverySettings, EvaluationSettings, ServerSettings, Settings, SourceSettings, StateSettings,
};
use crate::config::tree;
use crate::config::value::{Duration, Size, WebUrl};
use crate::engine::{Routing, Span};

use super::receiver;
use super::route::{self, Context};
use super::secret::Outside;
use super::server::server;
use super::templates::templates;
use super::{interval, muting};

/// What could be made of a settings file.
#[derive(Default)]
pub(crate) struct Compiled {
    /// `None` when something was refused.
    pub(crate) settings: Option<Settings>,
    /// The files and directories of definitions and policies, known even when the rest has
    /// mistakes, so that these are read in the same run.
    pub(crate) sources: Vec<(PathBuf, Place)>,
    /// Owners with receivers, and where they stand.
    pub(crate) owners: Vec<(String, Place)>,
}

/// Compiles the one document of a settings file.
pub(crate) fn compile(bytes: &[u8], report: &Report<'_>, outside: &Outside<'_>) -> Compiled {
    let tree = tree::parse(bytes, report);
    let [node] = tree.documents.as_slice() else {
        if tree.complete {
            let count = tree.documents.len();
            let message = format!("a settings file has one document, not {count}");
            let fix = "copy config/minimal.yaml for a start";
            report.error(report.start(), message, fix);
        }
        return Compiled::default();
    };
    let document: Field<raw::Settings> = decode(node, report);
    let mark = document.mark_or(report.start());
    let section = Section::new(report, mark, "the settings file");
    let Some(raw) = document.value() else {
        return Compiled::default();
    };
    let settings = settings(&section, raw, outside);
    let lists = [&raw.definitions, &raw.policies];
    let sources = lists
        .into_iter()
        .filter_map(Field::value)
        .flatten()
        .filter_map(|item| {
            let path = outside.directory.join(item.value()?);
            Some((path, report.place(item.mark_or(mark))))
        })
        .collect();
    let owners = raw.owners.value().into_iter().flatten();
    let owners = owners
        .map(|(name, item)| (name.clone(), report.place(item.mark_or(mark))))
        .collect();
    Compiled {
        settings,
        sources,
        owners,
    }
}

fn settings(section: &Section<'_>, raw: &raw::Settings, outside: &Outside<'_>) -> Option<Settings> {
    let source = source(
        &section.within(&raw.prometheus, "prometheus"),
        &raw.prometheus,
        outside,
    );
    let evaluation = evaluation(
        &section.within(&raw.evaluation, "evaluation"),
        &raw.evaluation,
    );
    let definitions = section.required(&raw.definitions, "definitions");
    if definitions.is_some_and(Vec::is_empty) {
        let fix = "name a file or directory of SLO definitions";
        section.refuse(&raw.definitions, "there is nothing to evaluate", fix);
    }
    let definitions = definitions.and_then(|list| paths(list, outside));
    let policies = section.or(&raw.policies, Vec::new());
    let policies = policies.and_then(|list| paths(&list, outside));
    let receivers = receiver::receivers(section, &raw.receivers, outside);
    let routing = routing(section, raw, receivers.as_deref());
    let templates = templates(section, &raw.templates, outside);
    let heartbeats = receiver::heartbeats(section, &raw.heartbeats, outside);
    let night = interval::night(&section.within(&raw.night, "night"), &raw.night);
    let delivery = delivery(&section.within(&raw.delivery, "delivery"), &raw.delivery);
    let server = server(&section.within(&raw.server, "server"), &raw.server, outside);
    let signed = |server: &ServerSettings| server.slack_signing_secret.is_some();
    if !server.as_ref().is_none_or(signed) {
        receiver::report_dead_buttons(section, &raw.receivers);
    }
    let state = state(&section.within(&raw.state, "state"), &raw.state);
    Some(Settings {
        source: source?,
        evaluation: evaluation?,
        definitions: definitions?,
        policies: policies?,
        receivers: receivers?.into_iter().map(|one| one.settings).collect(),
        routing: routing?,
        templates: templates?,
        heartbeats: heartbeats?,
        night: night?,
        delivery: delivery?,
        server: server?,
        state: state?,
    })
}

/// Who is told, and what keeps alerts quiet.
fn routing(
    section: &Section<'_>,
    raw: &raw::Settings,
    receivers: Option<&[receiver::Compiled]>,
) -> Option<Routing> {
    let intervals = interval::named(section, &raw.time_intervals);
    let inhibit = muting::inhibit_rules(section, &raw.inhibit_rules);
    let maintenance = muting::maintenance(section, &raw.maintenance, intervals.as_ref());
    let dependencies = muting::dependencies(section, &raw.dependencies);
    let context = Context {
        names: receiver::Names::new(&raw.receivers),
        intervals: intervals.as_ref(),
        receivers,
        owners: !raw.owners.is_absent(),
    };
    let routing = route::routing(section, raw, &context);
    Some(Routing {
        inhibit: inhibit?,
        maintenance: maintenance?,
        dependencies: dependencies?,
        intervals: intervals?,
        ..routing?
    })
}

fn paths(list: &[Field<String>], outside: &Outside<'_>) -> Option<Vec<PathBuf>> {
    list.iter()
        .map(|item| Some(outside.directory.join(item.value()?)))
        .collect()
}

/// The deadline of one request.
pub(super) fn timeout(
    section: &Section<'_>,
    field: &Field<Duration>,
    default: Span,
) -> Option<Span> {
    span(
        section,
        field,
        default,
        Span::from_millis(100),
        Span::from_mins(5),
    )
}

/// A length of time between two bounds, or its default.
pub(super) fn span(
    section: &Section<'_>,
    field: &Field<Duration>,
    default: Span,
    min: Span,
    max: Span,
) -> Option<Span> {
    let [default, min, max] = [default, min, max].map(Duration);
    Some(section.bounded(field, default, min, max)?.0)
}

fn source(
    section: &Section<'_>,
    field: &Field<raw::Prometheus>,
    outside: &Outside<'_>,
) -> Option<SourceSettings> {
    let default = SourceSettings::default();
    if field.is_absent() {
        return Some(default);
    }
    let raw = field.value()?;
    let url = section.or(&raw.url, WebUrl(default.url));
    if let Some(WebUrl(url)) = &url
        && url.contains("/api/v1")
    {
        let fix = "leave /api/v1 and what follows it out; it is added";
        section.refuse(&raw.url, "this is not the base URL of the server", fix);
    }
    let auth = outside.auth(section, &raw.basic_auth, &raw.bearer_token);
    let headers = headers(section, &raw.headers, outside);
    let params: Option<BTreeMap<String, String>> = section
        .or(&raw.params, BTreeMap::new())?
        .into_iter()
        .map(|(name, value)| Some((name, value.value()?.clone())))
        .collect();
    let tls = outside.tls(section, &raw.tls);
    let timeout = timeout(section, &raw.timeout, default.timeout);
    let concurrency = section.bounded(&raw.concurrency, default.concurrency, 1, 256);
    let [size, min, max] = [default.body_bytes_max, 64 << 10, 16 << 30].map(Size);
    let body_bytes_max = section.bounded(&raw.body_bytes_max, size, min, max);
    let deduplicated = section.or(&raw.deduplicated, default.deduplicated);
    Some(SourceSettings {
        url: url?.0,
        auth: auth?,
        headers: headers?,
        params: params?,
        tls: tls?,
        timeout: timeout?,
        concurrency: concurrency?,
        body_bytes_max: body_bytes_max?.0,
        deduplicated: deduplicated?,
    })
}

/// Extra request headers, whose values may be secrets.
pub(super) fn headers(
    section: &Section<'_>,
    field: &Field<BTreeMap<String, Field<raw::Secret>>>,
    outside: &Outside<'_>,
) -> Option<BTreeMap<String, Secret>> {
    let mut headers = BTreeMap::new();
    for (name, value) in field.value().into_iter().flatten() {
        if reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_err() {
            let message = format!("{:?} is not the name of a header", excerpt(name));
            section.refuse(value, message, "use letters, digits and -");
        }
        let secret = outside.secret(section, value).flatten();
        let text = secret.as_ref().and_then(Secret::peek).unwrap_or_default();
        if reqwest::header::HeaderValue::from_str(text).is_err() {
            let message = format!("the value of the header {name:?} cannot be sent");
            section.refuse(value, message, "remove line breaks and control characters");
        }
        headers.insert(name.clone(), secret?);
    }
    (field.is_absent() || field.value().is_some()).then_some(headers)
}

fn evaluation(section: &Section<'_>, field: &Field<raw::Evaluation>) -> Option<EvaluationSettings> {
    let default = EvaluationSettings::default();
    if field.is_absent() {
        return Some(default);
    }
    let raw = field.value()?;
    let (second, minutes) = (Span::from_secs(1), Span::from_mins(10));
    let interval = span(section, &raw.interval, default.interval, second, minutes);
    let scrape_interval = span(
        section,
        &raw.scrape_interval,
        default.scrape_interval,
        second,
        minutes,
    );
    let target_labels = match section.maybe(&raw.target_labels)? {
        Some(list) => list.iter().map(|item| item.value().cloned()).collect(),
        None => Some(default.target_labels),
    };
    let (hour, year) = (Span::from_hours(1), Span::from_days(400));
    let forget_after = span(section, &raw.forget_after, default.forget_after, hour, year);
    let instances_max = section.bounded(&raw.instances_max, default.instances_max, 1, 1_000_000);
    let series_max = section.bounded(&raw.series_max, default.series_max, 1, 10_000_000);
    Some(EvaluationSettings {
        interval: interval?,
        scrape_interval: scrape_interval?,
        target_labels: target_labels?,
        forget_after: forget_after?,
        instances_max: instances_max?,
        series_max: series_max?,
    })
}

fn delivery(section: &Section<'_>, field: &Field<raw::Delivery>) -> Option<DeliverySettings> {
    let default = DeliverySettings::default();
    if field.is_absent() {
        return Some(default);
    }
    let raw = field.value()?;
    let (shortest, hour) = (Span::from_millis(100), Span::from_hours(1));
    let initial = span(
        section,
        &raw.backoff_initial,
        default.backoff_initial,
        shortest,
        hour,
    );
    let max = span(
        section,
        &raw.backoff_max,
        default.backoff_max,
        shortest,
        hour,
    );
    let (minute, month) = (Span::from_mins(1), Span::from_days(30));
    let age_max = span(section, &raw.age_max, default.age_max, minute, month);
    let failures = section.bounded(&raw.breaker_failures, default.breaker_failures, 1, 1000);
    let pause = span(
        section,
        &raw.breaker_pause,
        default.breaker_pause,
        shortest,
        hour,
    );
    let (second, day) = (Span::from_secs(1), Span::from_hours(24));
    let fallback_after = span(
        section,
        &raw.fallback_after,
        default.fallback_after,
        second,
        day,
    );
    if initial > max && max.is_some() {
        let message = "backoff_initial is longer than backoff_max";
        section.refuse(
            &raw.backoff_initial,
            message,
            "swap the two or raise backoff_max",
        );
    }
    Some(DeliverySettings {
        backoff_initial: initial?,
        backoff_max: max?,
        age_max: age_max?,
        breaker_failures: failures?,
        breaker_pause: pause?,
        fallback_after: fallback_after?,
    })
}

fn state(section: &Section<'_>, field: &Field<raw::State>) -> Option<StateSettings> {
    let default = StateSettings::default();
    if field.is_absent() {
        return Some(default);
    }
    let raw = field.value()?;
    let directory = match section.maybe(&raw.directory)? {
        Some(text) if text.is_empty() => {
            let fix = "name a directory that outlives a restart";
            section.refuse(&raw.directory, "the directory has no name", fix);
            None
        }
        Some(text) => Some(PathBuf::from(text)),
        None => Some(default.directory),
    };
    let (day, years) = (Span::from_days(1), Span::from_days(3650));
    let retention = span(
        section,
        &raw.history_retention,
        default.history_retention,
        day,
        years,
    );
    let (shortest, hour) = (Span::from_secs(1), Span::from_hours(1));
    let cache_interval = span(
        section,
        &raw.cache_interval,
        default.cache_interval,
        shortest,
        hour,
    );
    Some(StateSettings {
        directory: directory?,
        history_retention: retention?,
        cache_interval: cache_interval?,
    })
}
