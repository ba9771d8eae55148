//! Keeps what a request knows out of what an error says.
//!
//! Servers echo requests in their error pages. A [`Redaction`] collects everything secret in one
//! request, in each form in which it travels, and strikes it from a text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;

/// What a text shows in place of a secret.
const MARK: &str = "[redacted]";

/// Shorter pieces of a URL are words such as `api` or `v1`, not credentials.
const URL_PIECE_BYTES_MIN: usize = 6;

/// The secrets of one request.
#[derive(Clone, Default)]
pub(super) struct Redaction {
    secrets: Vec<String>,
}

impl Redaction {
    /// Hides a text, also in the form it takes inside JSON.
    pub(super) fn hide(&mut self, secret: &str) {
        self.insert(secret.to_owned());
        let json = serde_json::Value::from(secret).to_string();
        self.insert(json.get(1..json.len() - 1).unwrap_or_default().to_owned());
    }

    /// Hides a URL: whole, its path and query, and each of their longer pieces.
    pub(super) fn hide_url(&mut self, url: &Url) {
        self.hide(url.as_str());
        self.hide(url.password().unwrap_or_default());
        let query = url.query().unwrap_or_default();
        let wholes = [url.path().trim_matches('/'), query, url.username()];
        let pieces = url.path().split('/').chain(query.split(['&', '=']));
        for piece in wholes.into_iter().chain(pieces) {
            if piece.len() >= URL_PIECE_BYTES_MIN {
                self.hide(piece);
            }
        }
    }

    /// Hides the password of HTTP basic authentication, and gives the credentials as they travel.
    pub(super) fn hide_basic(&mut self, username: &str, password: &str) -> String {
        let credentials = STANDARD.encode(format!("{username}:{password}"));
        self.hide(password);
        self.hide(&credentials);
        credentials
    }

    /// The text without the secrets.
    pub(super) fn clean(&self, text: &str) -> String {
        let struck = |text: String, secret: &String| text.replace(secret.as_str(), MARK);
        self.secrets.iter().fold(text.to_owned(), struck)
    }

    /// Keeps the longest first, so that no secret survives as the rest of a shorter one.
    fn insert(&mut self, secret: String) {
        if secret.is_empty() || self.secrets.contains(&secret) {
            return;
        }
        let at = self
            .secrets
            .partition_point(|kept| kept.len() >= secret.len());
        self.secrets.insert(at, secret);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_struck_in_every_form_they_travel_in() {
        let mut redaction = Redaction::default();
        let url = "https://u:pa55word@hooks.example/services/T000/B000/s3cr3t-path?sig=abcdef%2F";
        redaction.hide_url(&Url::parse(url).unwrap());
        redaction.hide("to\"ken");
        let basic = redaction.hide_basic("user", "opensesame");
        let echo = format!(
            r#"POST /services/T000/B000/s3cr3t-path?sig=abcdef%2F {url} pa55word "to\"ken" Basic {basic} opensesame s3cr3t-path"#
        );
        let clean = redaction.clean(&echo);
        for secret in [
            "T000",
            "s3cr3t",
            "abcdef",
            "pa55",
            "ken",
            "opensesame",
            basic.as_str(),
        ] {
            assert!(!clean.contains(secret), "{secret} in {clean}");
        }
    }

    #[test]
    fn a_text_without_secrets_stays_as_it_is() {
        let mut redaction = Redaction::default();
        redaction.hide("");
        redaction.hide("token");
        assert_eq!(redaction.clean("invalid payload"), "invalid payload");
    }
}
