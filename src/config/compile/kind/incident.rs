//! Services that make incidents of alerts and wake people.

use crate::config::field::{Field, Section};
use crate::config::raw::settings as raw;
use crate::config::settings::ReceiverKind;
use crate::config::value::{ChangeEvents, WebUrl};

use super::super::secret::Outside;
use super::{plain, region_or_url};

/// PagerDuty's Events API: developer.pagerduty.com, "Send an alert event". Its paths are
/// `/v2/enqueue` and `/v2/change/enqueue`.
const PAGERDUTY_US: &str = "https://events.pagerduty.com";
/// The same in the EU service region.
const PAGERDUTY_EU: &str = "https://events.eu.pagerduty.com";
/// Opsgenie's Alert API: docs.opsgenie.com, "Alert API".
const OPSGENIE_US: &str = "https://api.opsgenie.com/v2/alerts";
/// The same in the EU service region.
const OPSGENIE_EU: &str = "https://api.eu.opsgenie.com/v2/alerts";
/// Jira Service Management: developer.atlassian.com, "Integration Events API".
const JSM_URL: &str = "https://api.atlassian.com/jsm/ops/integration/v2/alerts";

/// PagerDuty Events API v2.
pub(super) fn pagerduty(
    section: &Section<'_>,
    field: &Field<raw::PagerDuty>,
    outside: &Outside<'_>,
) -> Option<ReceiverKind> {
    let (section, raw) = (&section.within(field, "pagerduty"), field.value()?);
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

/// Opsgenie.
pub(super) fn opsgenie(
    section: &Section<'_>,
    field: &Field<raw::Opsgenie>,
    outside: &Outside<'_>,
) -> Option<ReceiverKind> {
    let (section, raw) = (&section.within(field, "opsgenie"), field.value()?);
    let api_key = outside.required_secret(section, &raw.api_key, "api_key");
    let url = region_or_url(section, &raw.region, &raw.url, [OPSGENIE_US, OPSGENIE_EU]);
    let url = url?;
    plain(section, &raw.url, &url, "the key");
    Some(ReceiverKind::Opsgenie {
        api_key: api_key?,
        url,
    })
}

/// Jira Service Management's operations: Opsgenie's API at another place.
pub(super) fn jira(
    section: &Section<'_>,
    field: &Field<raw::JiraServiceManagement>,
    outside: &Outside<'_>,
) -> Option<ReceiverKind> {
    let (section, raw) = (
        &section.within(field, "jira_service_management"),
        field.value()?,
    );
    let api_key = outside.required_secret(section, &raw.api_key, "api_key");
    let WebUrl(url) = section.or(&raw.url, WebUrl(JSM_URL.to_owned()))?;
    plain(section, &raw.url, &url, "the key");
    Some(ReceiverKind::Opsgenie {
        api_key: api_key?,
        url,
    })
}

/// incident.io.
pub(super) fn incident_io(
    section: &Section<'_>,
    field: &Field<raw::IncidentIo>,
    outside: &Outside<'_>,
) -> Option<ReceiverKind> {
    let (section, raw) = (&section.within(field, "incident_io"), field.value()?);
    let token = outside.required_secret(section, &raw.token, "token");
    let url = section.required(&raw.url, "url").map(|WebUrl(url)| url);
    let url = url?;
    plain(section, &raw.url, url, "the token");
    Some(ReceiverKind::IncidentIo {
        token: token?,
        url: url.clone(),
    })
}
