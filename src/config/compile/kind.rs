//! What each kind of receiver needs, and the defaults that its vendor documents.

use crate::config::field::{Field, Section};
use crate::config::lint::Lint;
use crate::config::raw::settings as raw;
use crate::config::secret::Secret;
use crate::config::settings::{Auth, BodySignature, ReceiverKind};
use crate::config::value::{ChangeEvents, WebUrl};
use crate::engine::Span;

use super::email::email;
use super::secret::Outside;
use super::settings::{headers, span};

/// PagerDuty's Events API: developer.pagerduty.com, "Send an alert event". Its paths are
/// `/v2/enqueue` and `/v2/change/enqueue`.
const PAGERDUTY_US: &str = "https://events.pagerduty.com";
/// The same in the EU service region.
const PAGERDUTY_EU: &str = "https://events.eu.pagerduty.com";
/// Slack's Web API: docs.slack.dev, "Using the Slack Web API".
const SLACK_API_URL: &str = "https://slack.com/api";
/// Telegram's Bot API: core.telegram.org/bots/api, "Making requests".
const TELEGRAM_API_URL: &str = "https://api.telegram.org";
/// Opsgenie's Alert API: docs.opsgenie.com, "Alert API".
const OPSGENIE_US: &str = "https://api.opsgenie.com/v2/alerts";
/// The same in the EU service region.
const OPSGENIE_EU: &str = "https://api.eu.opsgenie.com/v2/alerts";
/// Jira Service Management: developer.atlassian.com, "Integration Events API".
const JSM_URL: &str = "https://api.atlassian.com/jsm/ops/integration/v2/alerts";
/// Peers of one cluster of Alertmanagers.
const PEERS_MAX: usize = 16;

/// The one kind of a receiver.
pub(super) fn kind(
    section: &Section<'_>,
    raw: &raw::Receiver,
    outside: &Outside<'_>,
) -> Option<ReceiverKind> {
    let absent = [
        raw.pagerduty.is_absent(),
        raw.slack.is_absent(),
        raw.webhook.is_absent(),
        raw.alertmanager.is_absent(),
        raw.teams.is_absent(),
        raw.discord.is_absent(),
        raw.telegram.is_absent(),
        raw.email.is_absent(),
        raw.opsgenie.is_absent(),
        raw.jira_service_management.is_absent(),
        raw.incident_io.is_absent(),
        raw.grafana_irm.is_absent(),
        raw.console.is_absent(),
    ];
    let mut at = 0;
    let kinds = raw::KINDS.map(|kind| {
        at += 1;
        (kind, absent[at - 1])
    });
    let key = section.one_of(kinds)?;
    let url = |field: &Field<raw::UrlOnly>| {
        let section = section.within(field, key);
        secret_url(&section, &field.value()?.url, "url", outside)
    };
    match key {
        "pagerduty" => pagerduty(
            &section.within(&raw.pagerduty, key),
            raw.pagerduty.value()?,
            outside,
        ),
        "slack" => slack(
            &section.within(&raw.slack, key),
            raw.slack.value()?,
            outside,
        ),
        "webhook" => webhook(
            &section.within(&raw.webhook, key),
            raw.webhook.value()?,
            outside,
        ),
        "alertmanager" => {
            let section = section.within(&raw.alertmanager, key);
            alertmanager(&section, raw.alertmanager.value()?, outside)
        }
        "teams" => Some(ReceiverKind::Teams {
            url: url(&raw.teams)?,
        }),
        "discord" => Some(ReceiverKind::Discord {
            url: url(&raw.discord)?,
        }),
        "telegram" => telegram(
            &section.within(&raw.telegram, key),
            raw.telegram.value()?,
            outside,
        ),
        "email" => email(
            &section.within(&raw.email, key),
            raw.email.value()?,
            outside,
        ),
        "opsgenie" => opsgenie(
            &section.within(&raw.opsgenie, key),
            raw.opsgenie.value()?,
            outside,
        ),
        "jira_service_management" => {
            let field = &raw.jira_service_management;
            jira(&section.within(field, key), field.value()?, outside)
        }
        "incident_io" => {
            let section = section.within(&raw.incident_io, key);
            incident_io(&section, raw.incident_io.value()?, outside)
        }
        "grafana_irm" => Some(ReceiverKind::GrafanaIrm {
            url: url(&raw.grafana_irm)?,
        }),
        _ => raw.console.value().map(|_| ReceiverKind::Console),
    }
}

/// A URL, or that of a region.
fn region_or_url(
    section: &Section<'_>,
    region: &Field<raw::Region>,
    url: &Field<WebUrl>,
    [us, eu]: [&str; 2],
) -> Option<String> {
    if !region.is_absent() && !url.is_absent() {
        let message = "region and url exclude each other";
        section.refuse(url, message, "keep one of the two");
        return None;
    }
    let default = match section.or(region, raw::Region::Us)? {
        raw::Region::Us => us,
        raw::Region::Eu => eu,
    };
    Some(section.or(url, WebUrl(default.to_owned()))?.0)
}

fn pagerduty(
    section: &Section<'_>,
    raw: &raw::PagerDuty,
    outside: &Outside<'_>,
) -> Option<ReceiverKind> {
    let routing_key = outside.required_secret(section, &raw.routing_key, "routing_key");
    let hosts = [PAGERDUTY_US, PAGERDUTY_EU];
    let urls = hosts.map(|host| format!("{host}/v2/enqueue"));
    let [us, eu] = &urls;
    let url = region_or_url(section, &raw.region, &raw.url, [us, eu]);
    let change_url = match section.or(&raw.change_events, ChangeEvents::No)? {
        ChangeEvents::No => None,
        ChangeEvents::At(WebUrl(url)) => Some(url),
        ChangeEvents::Yes => {
            let url = url.as_deref()?;
            let Some(host) = url.strip_suffix("/v2/enqueue") else {
                let message = "with a url of its own, change events need theirs";
                let fix = "write change_events: with the whole URL";
                section.refuse(&raw.change_events, message, fix);
                return None;
            };
            Some(format!("{host}/v2/change/enqueue"))
        }
    };
    let (routing_key, url) = (routing_key?, url?);
    for url in std::iter::once(&url).chain(&change_url) {
        plain(section, &raw.url, url, "the routing key");
    }
    Some(ReceiverKind::PagerDuty {
        routing_key,
        url,
        change_url,
    })
}

fn slack(section: &Section<'_>, raw: &raw::Slack, outside: &Outside<'_>) -> Option<ReceiverKind> {
    let kinds = [
        ("webhook_url", raw.webhook_url.is_absent()),
        ("bot_token", raw.bot_token.is_absent()),
    ];
    if section.one_of(kinds)? == "webhook_url" {
        let alone = raw.channel.is_absent() && raw.api_url.is_absent() && raw.buttons.is_absent();
        if !alone {
            let message =
                "channel, api_url and buttons belong to bot_token; a webhook has its own channel";
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
    let buttons = section.or(&raw.buttons, false);
    let WebUrl(api_url) = api_url?;
    plain(section, &raw.api_url, &api_url, "the token");
    Some(ReceiverKind::SlackBot {
        token: token?,
        channel: channel?.clone(),
        api_url,
        buttons: buttons?,
    })
}

fn webhook(
    section: &Section<'_>,
    raw: &raw::Webhook,
    outside: &Outside<'_>,
) -> Option<ReceiverKind> {
    let url = web_secret(section, &raw.url, "url", outside);
    let auth = outside.auth(section, &raw.basic_auth, &raw.bearer_token);
    let headers = headers(section, &raw.headers, outside);
    let signing_secret = outside.secret(section, &raw.signing_secret);
    let body_signature = match raw.body_signature.is_absent() {
        true => Some(None),
        false => {
            let section = section.within(&raw.body_signature, "body_signature");
            let raw = raw.body_signature.value()?;
            body_signature(&section, raw, outside).map(Some)
        }
    };
    let (url, auth, headers) = (url?, auth?, headers?);
    if !matches!(auth, Auth::None) || !headers.is_empty() {
        let text = url.peek().unwrap_or_default();
        plain(section, &raw.url, text, "the credentials");
    }
    Some(ReceiverKind::Webhook {
        url,
        auth,
        headers,
        signing_secret: signing_secret?,
        body_signature: body_signature?,
    })
}

fn body_signature(
    section: &Section<'_>,
    raw: &raw::BodySignature,
    outside: &Outside<'_>,
) -> Option<BodySignature> {
    let secret = outside.required_secret(section, &raw.secret, "secret");
    let header = section.or(&raw.header, "X-Hub-Signature-256".to_owned());
    let prefix = section.or(&raw.prefix, "sha256=".to_owned());
    let (header, prefix) = (header?, prefix?);
    if reqwest::header::HeaderName::from_bytes(header.as_bytes()).is_err() {
        let message = "this is not the name of a header";
        section.refuse(&raw.header, message, "use letters, digits and -");
        return None;
    }
    if reqwest::header::HeaderValue::from_str(&prefix).is_err() {
        let fix = "remove line breaks and control characters";
        section.refuse(&raw.prefix, "this prefix cannot be sent", fix);
        return None;
    }
    Some(BodySignature {
        header,
        prefix,
        secret: secret?,
    })
}

fn alertmanager(
    section: &Section<'_>,
    raw: &raw::Alertmanager,
    outside: &Outside<'_>,
) -> Option<ReceiverKind> {
    let urls = section.required(&raw.urls, "urls");
    if let Some(written) = urls
        && !(1..=PEERS_MAX).contains(&written.len())
    {
        let message = format!("there are {} peers", written.len());
        section.refuse(&raw.urls, message, format!("name 1 to {PEERS_MAX}"));
    }
    let auth = outside.auth(section, &raw.basic_auth, &raw.bearer_token);
    let headers = headers(section, &raw.headers, outside);
    let [default, shortest, hour] = [60, 10, 3600].map(Span::from_secs);
    let refresh = span(section, &raw.refresh, default, shortest, hour);
    let mut peers = Vec::new();
    let mut sound = true;
    for item in urls? {
        let Some(WebUrl(url)) = item.value() else {
            sound = false;
            continue;
        };
        if url.contains("/api/v2") {
            let fix = "leave /api/v2 and what follows it out; it is added";
            section.refuse(item, "this is not the base URL of the server", fix);
        }
        if peers.contains(url) {
            section.refuse(item, "this peer is listed twice", "remove one");
        }
        let open =
            matches!(auth, Some(Auth::None)) && headers.as_ref().is_some_and(|h| h.is_empty());
        if !open {
            plain(section, item, url, "the credentials");
        }
        peers.push(url.clone());
    }
    Some(ReceiverKind::Alertmanager {
        urls: sound.then_some(peers)?,
        auth: auth?,
        headers: headers?,
        refresh: refresh?,
    })
}

fn telegram(
    section: &Section<'_>,
    raw: &raw::Telegram,
    outside: &Outside<'_>,
) -> Option<ReceiverKind> {
    let token = outside.required_secret(section, &raw.bot_token, "bot_token");
    let chat = section.required(&raw.chat, "chat").filter(|chat| {
        let is_id = chat.parse::<i64>().is_ok();
        let is_name = chat.len() > 1 && chat.starts_with('@');
        if !is_id && !is_name {
            let fix = "write the chat's id, such as \"-1001234567890\", or \"@channel\"";
            section.refuse(&raw.chat, "this is no chat", fix);
        }
        is_id || is_name
    });
    let topic = section.maybe(&raw.topic);
    let api_url = section.or(&raw.api_url, WebUrl(TELEGRAM_API_URL.to_owned()));
    let WebUrl(api_url) = api_url?;
    plain(section, &raw.api_url, &api_url, "the token");
    Some(ReceiverKind::Telegram {
        token: token?,
        chat: chat?.clone(),
        topic: topic?.map(i64::from),
        api_url,
    })
}

fn opsgenie(
    section: &Section<'_>,
    raw: &raw::Opsgenie,
    outside: &Outside<'_>,
) -> Option<ReceiverKind> {
    let api_key = outside.required_secret(section, &raw.api_key, "api_key");
    let url = region_or_url(section, &raw.region, &raw.url, [OPSGENIE_US, OPSGENIE_EU]);
    let url = url?;
    plain(section, &raw.url, &url, "the key");
    Some(ReceiverKind::Opsgenie {
        api_key: api_key?,
        url,
    })
}

fn jira(
    section: &Section<'_>,
    raw: &raw::JiraServiceManagement,
    outside: &Outside<'_>,
) -> Option<ReceiverKind> {
    let api_key = outside.required_secret(section, &raw.api_key, "api_key");
    let WebUrl(url) = section.or(&raw.url, WebUrl(JSM_URL.to_owned()))?;
    plain(section, &raw.url, &url, "the key");
    Some(ReceiverKind::Opsgenie {
        api_key: api_key?,
        url,
    })
}

fn incident_io(
    section: &Section<'_>,
    raw: &raw::IncidentIo,
    outside: &Outside<'_>,
) -> Option<ReceiverKind> {
    let token = outside.required_secret(section, &raw.token, "token");
    let url = section.required(&raw.url, "url").map(|WebUrl(url)| url);
    let url = url?;
    plain(section, &raw.url, url, "the token");
    Some(ReceiverKind::IncidentIo {
        token: token?,
        url: url.clone(),
    })
}

/// A URL that is itself a credential: its form is checked where it is known, never shown.
pub(super) fn secret_url(
    section: &Section<'_>,
    field: &Field<raw::Secret>,
    key: &'static str,
    outside: &Outside<'_>,
) -> Option<Secret> {
    let secret = web_secret(section, field, key, outside)?;
    let text = secret.peek().unwrap_or_default();
    plain(section, field, text, "this URL, which is a credential,");
    Some(secret)
}

/// A URL that may be a secret.
fn web_secret(
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

/// Reports that a secret would travel where others can read it.
fn plain<T>(section: &Section<'_>, field: &Field<T>, url: &str, what: &str) {
    let Ok(url) = reqwest::Url::parse(url) else {
        return;
    };
    if url.scheme() == "http" && !is_loopback(url.host_str().unwrap_or_default()) {
        let message = format!("{what} would be sent in plain text");
        let mark = field.mark_or(section.mark);
        let fix = "write https://";
        section
            .report
            .lint(Lint::PlaintextSecret, mark, message, fix);
    }
}

/// Whether a host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    let by_address = plain
        .parse()
        .is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    by_address || plain == "localhost" || plain.ends_with(".localhost")
}
