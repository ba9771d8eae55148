//! Rooms where people talk.

use crate::config::field::{Field, Section};
use crate::config::raw::settings as raw;
use crate::config::settings::ReceiverKind;
use crate::config::value::WebUrl;

use super::super::secret::Outside;
use super::{plain, secret_url};

/// Slack's Web API: docs.slack.dev, "Using the Slack Web API".
const SLACK_API_URL: &str = "https://slack.com/api";
/// Telegram's Bot API: core.telegram.org/bots/api, "Making requests".
const TELEGRAM_API_URL: &str = "https://api.telegram.org";

/// Slack, by a webhook or a bot.
pub(super) fn slack(
    section: &Section<'_>,
    field: &Field<raw::Slack>,
    outside: &Outside<'_>,
) -> Option<ReceiverKind> {
    let (section, raw) = (&section.within(field, "slack"), field.value()?);
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

/// Telegram, by a bot.
pub(super) fn telegram(
    section: &Section<'_>,
    field: &Field<raw::Telegram>,
    outside: &Outside<'_>,
) -> Option<ReceiverKind> {
    let (section, raw) = (&section.within(field, "telegram"), field.value()?);
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
