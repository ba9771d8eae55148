//! What a feed asks its source at a slot, for people who want to ask the same: as PromQL, and as a
//! line for a shell.
//!
//! No secret is in it: credentials and the values of headers are variables of the shell, which
//! whoever pastes the line has to fill. Nothing of a query or of the settings can end a quotation.

use std::fmt::Write as _;

use reqwest::Url;

use super::polled::{PolledFeed, window_queries};
use crate::config::settings::{Auth, SourceSettings};
use crate::engine::{Indicator, Span, Timestamp};

/// Most requests of one slot that are spelled out.
const ASKED_MAX: usize = 64;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The endpoint below `/api/v1`.
    endpoint: &'static str,
    /// The parameters, `query` first.
    form: Vec<(&'static str, String)>,
}

impl Asked {
    fn instant(promql: String, at: Timestamp) -> Self {
        Self {
            endpoint: "query",
            form: vec![("query", promql), ("time", seconds(at))],
        }
    }

    /// The query.
    pub fn promql(&self) -> &str {
        self.form.first().map_or("", |(_, promql)| promql)
    }

    /// A line for a shell that asks the same; `None` when the URL of the settings is none.
    pub fn curl(&self, settings: &SourceSettings) -> Option<String> {
        let mut url = Url::parse(&settings.url).ok()?;
        // Whoever writes a password into the URL does not want to see it again.
        let has_user = !url.username().is_empty() || url.password().is_some();
        url.set_username("").ok()?;
        url.set_password(None).ok()?;
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{path}/api/v1/{}", self.endpoint));
        url.set_query(None);
        url.set_fragment(None);
        let mut target = quoted(url.as_str());
        for (number, (name, value)) in settings.params.iter().enumerate() {
            let sign = if number == 0 { '?' } else { '&' };
            let name_text = encoded(&[(name, "")]);
            let _written = match is_secret(name) {
                true => write!(target, "'{sign}{name_text}'\"${}\"", variable(name)),
                false => write!(target, "'{sign}{}'", encoded(&[(name, value)])),
            };
        }
        let mut line = "curl -sS".to_owned();
        let mut add = |text: &str| {
            line.push(' ');
            line.push_str(text);
        };
        match &settings.auth {
            Auth::Bearer(_) => add(r#"-H "Authorization: Bearer $TOKEN""#),
            Auth::Basic { .. } => add(r#"--user "$USERNAME:$PASSWORD""#),
            Auth::None if has_user => add(r#"--user "$USERNAME:$PASSWORD""#),
            Auth::None => {}
        }
        for name in settings.headers.keys() {
            let header = quoted(&format!("{name}: "));
            add(&format!("-H {header}\"${}\"", variable(name)));
        }
        let file = |path: &std::path::Path| quoted(&path.display().to_string());
        if let Some(path) = &settings.tls.ca_file {
            add(&format!("--cacert {}", file(path)));
        }
        if let (Some(cert), Some(key)) = (&settings.tls.cert_file, &settings.tls.key_file) {
            add(&format!("--cert {} --key {}", file(cert), file(key)));
        }
        if settings.tls.insecure_skip_verify {
            add("--insecure");
        }
        let form: Vec<(&str, &str)> = self.form.iter().map(|(n, v)| (*n, v.as_str())).collect();
        add(&format!("--data '{}'", encoded(&form)));
        add(&target);
        Some(line)
    }
}

impl PolledFeed {
    /// What is asked to read `(from, until]`, and of a direct feed about these windows at
    /// `until`. At most 64 requests.
    pub fn asked(&self, from: Timestamp, until: Timestamp, windows: &[Span]) -> Vec<Asked> {
        let asked: Vec<Asked> = match self.slos.first().map(|slo| &slo.indicator) {
            None | Some(Indicator::Composite(_)) => Vec::new(),
            Some(Indicator::Counters { .. }) => {
                let range = until.since(from);
                let polls = self.polls.iter();
                polls
                    .map(|poll| Asked::instant(poll.query(range), until))
                    .collect()
            }
            Some(Indicator::Slices {
                condition, slice, ..
            }) => {
                let start = from.align_down(*slice) + *slice;
                let end = until.align_down(*slice);
                let range = Asked {
                    endpoint: "query_range",
                    form: vec![
                        ("query", condition.clone()),
                        ("start", seconds(start)),
                        ("end", seconds(end)),
                        ("step", slice.to_string()),
                    ],
                };
                (start <= end).then_some(range).into_iter().collect()
            }
            Some(Indicator::Windows(query)) => {
                let windows = windows.iter();
                let rendered = windows.flat_map(|window| window_queries(query, *window));
                rendered
                    .map(|promql| Asked::instant(promql, until))
                    .collect()
            }
        };
        asked.into_iter().take(ASKED_MAX).collect()
    }
}

/// A word of a shell: nothing in it means anything.
fn quoted(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The form as a body or a query string: letters, digits and `%&=+._-*` only.
fn encoded(form: &[(&str, &str)]) -> String {
    let Ok(mut url) = Url::parse("http://x/") else {
        return String::new();
    };
    url.query_pairs_mut().extend_pairs(form);
    // A form leaves nothing that ends a quotation, and neither does this.
    url.query().unwrap_or_default().replace('\'', "%27")
}

/// The variable that stands for a secret: `X-Scope-OrgID` is `X_SCOPE_ORGID`.
fn variable(name: &str) -> String {
    let letter = |c: char| match c.is_ascii_alphanumeric() {
        true => c.to_ascii_uppercase(),
        false => '_',
    };
    let name: String = name.chars().map(letter).collect();
    match name.starts_with(|c: char| c.is_ascii_digit()) {
        true => format!("_{name}"),
        false => name,
    }
}

/// Parameters are not meant for secrets, but some servers take keys that way.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let words = ["key", "token", "secret", "pass", "auth", "sig", "cred"];
    words.iter().any(|word| name.contains(word))
}

fn seconds(at: Timestamp) -> String {
    format!("{:.3}", at.as_secs_f64())
}

#[cfg(test)]
mod tests;
