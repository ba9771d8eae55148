//! Receivers: their names, limits, fallbacks and storms. What each kind needs is in [`super::kind`].

use std::collections::{BTreeMap, BTreeSet};

use crate::config::diagnostic::excerpt;
use crate::config::field::{Field, Section, ValueOr};
use crate::config::lint::Lint;
use crate::config::nearest::suggestion;
use crate::config::raw::settings as raw;
use crate::config::settings::{HeartbeatSettings, ReceiverKind, ReceiverSettings};
use crate::config::value::{Duration, Name};
use crate::engine::{Recipient, Span, StormLimit};

use super::kind::{self, secret_url};
use super::muting::{bounded, unique};
use super::secret::Outside;
use super::settings::{span, timeout};
use super::templates::templates;

/// Deliveries under way at once that make sense for one receiver.
const CONCURRENCY_MAX: usize = 256;
/// Receivers of one settings file.
const RECEIVERS_MAX: usize = 1_000;
/// Heartbeats of one settings file.
const HEARTBEATS_MAX: usize = 32;
/// From when on pages to people come as one summary, unless the receiver says otherwise: nobody
/// reads a twenty-first page within five minutes.
const STORM: StormLimit = StormLimit {
    pages: 20,
    within: Span::from_mins(5),
};

/// A receiver and from when on it wants summaries.
pub(super) struct Compiled {
    pub(super) settings: ReceiverSettings,
    pub(super) storm: Option<StormLimit>,
}

impl Compiled {
    /// What the engine knows of it.
    pub(super) fn recipient(&self) -> Recipient {
        Recipient {
            name: self.settings.name.clone(),
            send_resolved: self.settings.send_resolved,
            storm: self.storm,
        }
    }
}

/// The names of receivers that references may use.
pub(super) struct Names<'a>(Option<Vec<&'a str>>);

impl<'a> Names<'a> {
    /// All names, or nothing to check by while names have mistakes of their own.
    pub(super) fn new(receivers: &'a Field<Vec<Field<raw::Receiver>>>) -> Self {
        let names = receivers.value().and_then(|receivers| {
            let names = receivers.iter().map(|item| item.value()?.name.value());
            names
                .map(|name| name.map(|Name(name)| name.as_str()))
                .collect()
        });
        Self(names)
    }

    /// The names of a list that exist, each once; the rest is reported.
    pub(super) fn known(
        &self,
        section: &Section<'_>,
        list: &[Field<String>],
    ) -> Option<Vec<String>> {
        let mut known: Vec<String> = Vec::new();
        let mut sound = true;
        for field in list {
            let Some(name) = field.value() else {
                sound = false;
                continue;
            };
            if known.contains(name) {
                let message = format!("{:?} is listed twice", excerpt(name));
                section.refuse(field, message, "remove one");
                sound = false;
            }
            match self.check(section, field) {
                Some(()) => known.push(name.clone()),
                None => sound = false,
            }
        }
        sound.then_some(known)
    }

    /// Reports the name of a receiver that there is not.
    pub(super) fn check(&self, section: &Section<'_>, field: &Field<String>) -> Option<()> {
        let name = field.value()?;
        let Some(names) = &self.0 else {
            return Some(());
        };
        if names.contains(&name.as_str()) {
            return Some(());
        }
        let message = format!("there is no receiver called {:?}", excerpt(name));
        let fix = suggestion(name, names.iter().copied());
        let mark = field.mark_or(section.mark);
        section
            .report
            .lint(Lint::UnknownReference, mark, message, fix);
        None
    }
}

/// All receivers, in the order of the file; `None` when one was refused.
pub(super) fn receivers(
    section: &Section<'_>,
    field: &Field<Vec<Field<raw::Receiver>>>,
    outside: &Outside<'_>,
) -> Option<Vec<Compiled>> {
    section.required(field, "receivers")?;
    let written = bounded(section, field, RECEIVERS_MAX, "receivers")?;
    if written.is_empty() {
        let fix = "add a receiver, for a start: {name: console, console: {}}";
        section.refuse(field, "there is nobody to tell", fix);
        return None;
    }
    let names = Names::new(field);
    let mut taken = BTreeSet::new();
    let compiled: Vec<Option<Compiled>> = written
        .iter()
        .map(|item| {
            let raw = item.value()?;
            let section = section.within(item, "the receiver");
            let name = raw.name.value().map(|Name(name)| name);
            unique(&section, &raw.name, name, &mut taken, "receivers");
            receiver(&section, raw, &names, outside)
        })
        .collect();
    let circle = refuse_circles(section, written);
    circle?;
    compiled.into_iter().collect()
}

fn receiver(
    section: &Section<'_>,
    raw: &raw::Receiver,
    names: &Names<'_>,
    outside: &Outside<'_>,
) -> Option<Compiled> {
    let name = section.required(&raw.name, "name");
    let kind = kind::kind(section, raw, outside);
    let default = ReceiverSettings::new("", ReceiverKind::Console);
    let timeout = timeout(section, &raw.timeout, default.timeout);
    let concurrency = section.bounded(&raw.concurrency, default.concurrency, 1, CONCURRENCY_MAX);
    let send_resolved = section.or(&raw.send_resolved, default.send_resolved);
    let tls = outside.tls(section, &raw.tls);
    let fallback = section.maybe(&raw.fallback).filter(|fallback| {
        let known = names.check(section, &raw.fallback);
        fallback.is_none() || known.is_some()
    });
    let for_machines = kind.as_ref().is_some_and(ReceiverKind::is_for_machines);
    let storm = storm(section, &raw.storm, (!for_machines).then_some(STORM));
    let words = templates(section, &raw.templates, outside);
    if let Some(kind) = &kind {
        refuse_unused_templates(section, raw, kind);
    }
    Some(Compiled {
        settings: ReceiverSettings {
            name: name?.0.clone(),
            kind: kind?,
            timeout: timeout?,
            concurrency: concurrency?,
            send_resolved: send_resolved?,
            tls: tls?,
            fallback: fallback?,
            templates: words?,
        },
        storm: storm?,
    })
}

/// The outer `None` says that it was refused.
#[expect(clippy::option_option, reason = "refused, off, or a limit")]
fn storm(
    section: &Section<'_>,
    field: &Field<ValueOr<raw::Storm>>,
    default: Option<StormLimit>,
) -> Option<Option<StormLimit>> {
    if field.is_absent() {
        return Some(default);
    }
    let raw = match field.value()? {
        ValueOr::Section(raw) => raw,
        ValueOr::Value(word) if word == "off" || word == "false" => return Some(None),
        ValueOr::Value(_) => {
            let fix = "write storm: off, or storm: {pages: 20, within: 5m}";
            section.refuse(field, "this is neither off nor a section", fix);
            return None;
        }
    };
    let section = section.within(field, "storm");
    let pages = section.bounded(&raw.pages, STORM.pages, 1, 10_000);
    let (shortest, day) = (Span::from_secs(10), Span::from_hours(24));
    let within = span(&section, &raw.within, STORM.within, shortest, day);
    Some(Some(StormLimit {
        pages: pages?,
        within: within?,
    }))
}

/// Words that the kind has no place for.
fn refuse_unused_templates(section: &Section<'_>, raw: &raw::Receiver, kind: &ReceiverKind) {
    let Some(templates) = raw.templates.value() else {
        return;
    };
    let is_webhook = matches!(kind, ReceiverKind::Webhook { .. });
    if !templates.body.is_absent() && !is_webhook {
        let message = "only a webhook's body can be replaced";
        section.refuse(&templates.body, message, "remove body");
    }
    if !templates.subject.is_absent() && !matches!(kind, ReceiverKind::Email(_)) {
        let message = "only e-mail has a subject";
        section.refuse(&templates.subject, message, "use title");
    }
}

/// Fallbacks that lead back to where they began: nobody would be told for good.
fn refuse_circles(section: &Section<'_>, receivers: &[Field<raw::Receiver>]) -> Option<()> {
    let named: BTreeMap<&str, &Field<String>> = receivers
        .iter()
        .filter_map(|item| {
            let raw = item.value()?;
            Some((raw.name.value()?.0.as_str(), &raw.fallback))
        })
        .collect();
    let mut sound = Some(());
    for (name, fallback) in &named {
        let mut path = vec![*name];
        let mut next = fallback.value().map(String::as_str);
        while let Some(at) = next.filter(|at| !path.contains(at)) {
            path.push(at);
            next = named
                .get(at)
                .and_then(|fallback| fallback.value())
                .map(String::as_str);
        }
        if next != Some(*name) {
            continue;
        }
        let message = match path.as_slice() {
            [_] => format!("{name:?} is its own fallback"),
            path => format!(
                "fallbacks go round in a circle: {} -> {name}",
                path.join(" -> ")
            ),
        };
        let fix = "let the last receiver of a chain have no fallback";
        section.refuse(fallback, message, fix);
        sound = None;
    }
    sound
}

/// Buttons whose presses nobody could trust, so that they are not shown.
pub(super) fn report_dead_buttons(section: &Section<'_>, field: &Field<Vec<Field<raw::Receiver>>>) {
    let receivers = field.value().into_iter().flatten();
    for raw in receivers.filter_map(|item| item.value()?.slack.value()) {
        if raw.buttons.value() == Some(&true) {
            let message = "no buttons are shown, for what they send could not be checked";
            let fix = "add server.slack_signing_secret, or remove buttons";
            let mark = raw.buttons.mark_or(section.mark);
            section.report.lint(Lint::IgnoredKey, mark, message, fix);
        }
    }
}

/// Services that raise an alarm when they are no longer called.
pub(super) fn heartbeats(
    section: &Section<'_>,
    field: &Field<Vec<Field<raw::Heartbeat>>>,
    outside: &Outside<'_>,
) -> Option<Vec<HeartbeatSettings>> {
    let written = bounded(section, field, HEARTBEATS_MAX, "heartbeats")?;
    let mut taken = BTreeSet::new();
    let compiled: Vec<Option<HeartbeatSettings>> = written
        .iter()
        .map(|item| {
            let raw = item.value()?;
            let section = section.within(item, "the heartbeat");
            let name = section.required(&raw.name, "name").map(|Name(name)| name);
            unique(&section, &raw.name, name, &mut taken, "heartbeats");
            let url = secret_url(&section, &raw.url, "url", outside);
            let [shortest, day] = [Span::from_secs(10), Span::from_hours(24)];
            let every = span(&section, &raw.interval, Span::from_mins(1), shortest, day);
            let deadline = timeout(&section, &raw.timeout, Span::from_secs(10));
            let tls = outside.tls(&section, &raw.tls);
            if let (Some(every), Some(deadline)) = (every, deadline)
                && deadline > every
            {
                let message = "one call may take longer than the time between two";
                let fix = format!("choose a timeout of at most {}", Duration(every));
                section.refuse(&raw.timeout, message, fix);
            }
            Some(HeartbeatSettings {
                name: name?.clone(),
                url: url?,
                interval: every?,
                timeout: deadline?,
                tls: tls?,
            })
        })
        .collect();
    compiled.into_iter().collect()
}
