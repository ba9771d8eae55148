//! Receivers and the routes to them.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::diagnostic::excerpt;
use crate::config::field::{Field, Section};
use crate::config::nearest::suggestion;
use crate::config::raw::settings as raw;
use crate::config::secret::Secret;
use crate::config::settings::{ReceiverKind, ReceiverSettings};
use crate::config::value::{Name, WebUrl};
use crate::engine::{Recipient, Routing, Severity};
use crate::message::Templates;

use super::secret::Outside;
use super::settings::{headers, timeout};

/// PagerDuty's enqueue endpoint: developer.pagerduty.com, "Send an alert event".
const PAGERDUTY_URL: &str = "https://events.pagerduty.com/v2/enqueue";
/// Slack's Web API: docs.slack.dev, "Using the Slack Web API".
const SLACK_API_URL: &str = "https://slack.com/api";
/// Deliveries under way at once that make sense for one receiver.
const CONCURRENCY_MAX: usize = 256;

/// All receivers without mistakes, in the order of the file; `None` when one was refused.
pub(super) fn receivers(
    section: &Section<'_>,
    field: &Field<Vec<Field<raw::Receiver>>>,
    outside: &Outside<'_>,
) -> Option<Vec<ReceiverSettings>> {
    let written = section.required(field, "receivers")?;
    if written.is_empty() {
        let fix = "add a receiver, for a start: {name: console, console: {}}";
        section.refuse(field, "there is nobody to tell", fix);
        return None;
    }
    let mut names = BTreeSet::new();
    let compiled: Vec<Option<ReceiverSettings>> = written
        .iter()
        .map(|item| {
            let raw = item.value()?;
            if let Some(Name(name)) = raw.name.value()
                && !names.insert(name.clone())
            {
                let message = format!("there are two receivers called {name:?}");
                section.refuse(&raw.name, message, "rename one of the two");
            }
            receiver(&section.within(item, "the receiver"), raw, outside)
        })
        .collect();
    compiled.into_iter().collect()
}

fn receiver(
    section: &Section<'_>,
    raw: &raw::Receiver,
    outside: &Outside<'_>,
) -> Option<ReceiverSettings> {
    let name = section.required(&raw.name, "name");
    let kind = kind(section, raw, outside);
    let default = ReceiverSettings::new("", ReceiverKind::Console);
    let timeout = timeout(section, &raw.timeout, default.timeout);
    let concurrency = section.bounded(&raw.concurrency, default.concurrency, 1, CONCURRENCY_MAX);
    let send_resolved = section.or(&raw.send_resolved, default.send_resolved);
    let tls = outside.tls(section, &raw.tls);
    Some(ReceiverSettings {
        name: name?.0.clone(),
        kind: kind?,
        timeout: timeout?,
        concurrency: concurrency?,
        send_resolved: send_resolved?,
        tls: tls?,
        fallback: None,
        templates: Templates::default(),
    })
}

fn kind(section: &Section<'_>, raw: &raw::Receiver, outside: &Outside<'_>) -> Option<ReceiverKind> {
    let kinds = [
        ("pagerduty", raw.pagerduty.is_absent()),
        ("slack", raw.slack.is_absent()),
        ("webhook", raw.webhook.is_absent()),
        ("console", raw.console.is_absent()),
    ];
    match section.one_of(kinds)? {
        "pagerduty" => {
            let section = section.within(&raw.pagerduty, "pagerduty");
            pagerduty(&section, raw.pagerduty.value()?, outside)
        }
        "slack" => slack(
            &section.within(&raw.slack, "slack"),
            raw.slack.value()?,
            outside,
        ),
        "webhook" => {
            let section = section.within(&raw.webhook, "webhook");
            webhook(&section, raw.webhook.value()?, outside)
        }
        _ => raw.console.value().map(|_| ReceiverKind::Console),
    }
}

fn pagerduty(
    section: &Section<'_>,
    raw: &raw::PagerDuty,
    outside: &Outside<'_>,
) -> Option<ReceiverKind> {
    let routing_key = outside.required_secret(section, &raw.routing_key, "routing_key");
    let url = section.or(&raw.url, WebUrl(PAGERDUTY_URL.to_owned()));
    Some(ReceiverKind::PagerDuty {
        routing_key: routing_key?,
        url: url?.0,
        change_url: None,
    })
}

fn slack(section: &Section<'_>, raw: &raw::Slack, outside: &Outside<'_>) -> Option<ReceiverKind> {
    let kinds = [
        ("webhook_url", raw.webhook_url.is_absent()),
        ("bot_token", raw.bot_token.is_absent()),
    ];
    if section.one_of(kinds)? == "webhook_url" {
        if !raw.channel.is_absent() || !raw.api_url.is_absent() {
            let message = "channel and api_url belong to bot_token; a webhook has its own channel";
            section
                .report
                .error(section.mark, message, "remove them, or use a bot_token");
        }
        let url = secret_url(section, &raw.webhook_url, "webhook_url", outside);
        return Some(ReceiverKind::SlackWebhook { url: url? });
    }
    let token = outside.required_secret(section, &raw.bot_token, "bot_token");
    let channel = section.required(&raw.channel, "channel");
    let api_url = section.or(&raw.api_url, WebUrl(SLACK_API_URL.to_owned()));
    Some(ReceiverKind::SlackBot {
        token: token?,
        channel: channel?.clone(),
        api_url: api_url?.0,
        buttons: false,
    })
}

fn webhook(
    section: &Section<'_>,
    raw: &raw::Webhook,
    outside: &Outside<'_>,
) -> Option<ReceiverKind> {
    let url = secret_url(section, &raw.url, "url", outside);
    let auth = outside.auth(section, &raw.basic_auth, &raw.bearer_token);
    let headers = headers(section, &raw.headers, outside);
    let signing_secret = outside.secret(section, &raw.signing_secret);
    Some(ReceiverKind::Webhook {
        url: url?,
        auth: auth?,
        headers: headers?,
        signing_secret: signing_secret?,
        body_signature: None,
    })
}

/// A URL that is itself a credential: its form is checked where it is known, never shown.
fn secret_url(
    section: &Section<'_>,
    field: &Field<raw::Secret>,
    key: &'static str,
    outside: &Outside<'_>,
) -> Option<Secret> {
    let secret = outside.required_secret(section, field, key)?;
    let well_formed = secret
        .peek()
        .is_none_or(|text| WebUrl::try_from(text.to_owned()).is_ok());
    if !well_formed {
        let fix = "write a whole URL that begins with https:// and has no user name in it";
        section.refuse(field, format!("the {key} is not an http or https URL"), fix);
        return None;
    }
    Some(secret)
}

/// Routes to receivers that exist, at least one for each severity.
pub(super) fn routes(
    section: &Section<'_>,
    field: &Field<raw::Routes>,
    receivers: &Field<Vec<Field<raw::Receiver>>>,
) -> Option<BTreeMap<Severity, Vec<String>>> {
    let (section, raw) = section.section(field, "routes")?;
    let names: Option<Vec<&str>> = receivers.value().and_then(|receivers| {
        let names = receivers.iter().map(|item| item.value()?.name.value());
        names
            .map(|name| name.map(|Name(name)| name.as_str()))
            .collect()
    });
    let by_severity = [
        (Severity::Page, &raw.page),
        (Severity::Ticket, &raw.ticket),
        (Severity::Info, &raw.info),
    ];
    let default = section.or(&raw.default, Vec::new())?;
    let mut routes = BTreeMap::new();
    for (severity, field) in by_severity {
        match section.maybe(field)? {
            Some(own) if own.is_empty() => {
                let fix = "name a receiver, or remove the key so that the default is used";
                section.refuse(field, format!("severity {severity} reaches nobody"), fix);
            }
            Some(own) => {
                let own = known(&section, &own, names.as_deref());
                routes.extend(own.map(|own| (severity, own)));
            }
            None if default.is_empty() => {
                let message = format!("severity {severity} reaches nobody");
                let fix = format!("add {severity}: or default: with at least one receiver");
                section.report.error(section.mark, message, fix);
            }
            None => {}
        }
    }
    let default = known(&section, &default, names.as_deref());
    let default = default?;
    Some(
        Severity::ALL
            .into_iter()
            .map(|severity| (severity, routes.get(&severity).unwrap_or(&default).clone()))
            .collect(),
    )
}

/// The flat form as a tree.
pub(super) fn routing(
    routes: BTreeMap<Severity, Vec<String>>,
    receivers: &[ReceiverSettings],
) -> Routing {
    let recipient = |name: &String| {
        let settings = receivers.iter().find(|receiver| receiver.name == *name)?;
        Some(Recipient {
            name: name.clone(),
            send_resolved: settings.send_resolved,
            storm: None,
        })
    };
    let told = |(severity, names): (Severity, Vec<String>)| {
        (severity, names.iter().filter_map(recipient).collect())
    };
    Routing::by_severity(routes.into_iter().map(told).collect())
}

/// The names of one route; `names` is `None` while receivers have mistakes of their own.
fn known(
    section: &Section<'_>,
    list: &[Field<String>],
    names: Option<&[&str]>,
) -> Option<Vec<String>> {
    let mut route: Vec<String> = Vec::new();
    for field in list {
        let name = field.value()?;
        match names {
            Some(names) if !names.contains(&name.as_str()) => {
                let message = format!("there is no receiver called {:?}", excerpt(name));
                section.refuse(field, message, suggestion(name, names.iter().copied()));
            }
            _ if route.contains(name) => {
                section.refuse(field, format!("{name:?} is listed twice"), "remove one");
            }
            _ => route.push(name.clone()),
        }
    }
    Some(route)
}
