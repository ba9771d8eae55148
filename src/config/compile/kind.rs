//! What each kind of receiver needs, and the defaults that its vendor documents.

use crate::config::field::{Field, Section};
use crate::config::lint::Lint;
use crate::config::raw::settings as raw;
use crate::config::secret::Secret;
use crate::config::settings::ReceiverKind;
use crate::config::value::WebUrl;

use super::secret::Outside;

mod chat;
mod email;
mod incident;
mod machine;

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
        "pagerduty" => incident::pagerduty(section, &raw.pagerduty, outside),
        "slack" => chat::slack(section, &raw.slack, outside),
        "webhook" => machine::webhook(section, &raw.webhook, outside),
        "alertmanager" => machine::alertmanager(section, &raw.alertmanager, outside),
        "teams" => url(&raw.teams).map(|url| ReceiverKind::Teams { url }),
        "discord" => url(&raw.discord).map(|url| ReceiverKind::Discord { url }),
        "telegram" => chat::telegram(section, &raw.telegram, outside),
        "email" => email::email(section, &raw.email, outside),
        "opsgenie" => incident::opsgenie(section, &raw.opsgenie, outside),
        "jira_service_management" => incident::jira(section, &raw.jira_service_management, outside),
        "incident_io" => incident::incident_io(section, &raw.incident_io, outside),
        "grafana_irm" => url(&raw.grafana_irm).map(|url| ReceiverKind::GrafanaIrm { url }),
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
