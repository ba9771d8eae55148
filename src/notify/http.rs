//! The one way to send something to a receiver: bounded, without redirects, errors without secrets.
//!
//! [`HttpSender::post`] gives the answer to a 2xx status; [`classify`] is the table of every other.
//! A receiver that reads more from a failure than its status takes the [`Reply`] of
//! [`HttpSender::send`].

use std::collections::BTreeMap;
use std::sync::Once;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Identity, Method, Response, StatusCode, Url};
use secrecy::ExposeSecret;

use crate::config::secret::Secret;
use crate::config::settings::{Auth, ReceiverSettings, TlsSettings};
use crate::engine::causes::innermost;
use crate::engine::{Span, Timestamp};

use super::error::{DeliveryError, ErrorClass, FailureReason, Problem};
use super::redaction::Redaction;
use crate::message::text;

/// Most of an answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Most of an answer that is quoted in an error, in characters.
const QUOTE_CHARS_MAX: usize = 200;
/// Longest `Retry-After` that is believed.
const RETRY_AFTER_MAX: Span = Span::from_hours(1);

/// A client with the limits of one receiver.
pub(super) struct HttpSender {
    client: Client,
    deadline: Span,
}

/// One request.
pub(super) struct Post {
    pub(super) url: Url,
    /// Headers; without a content type among them the body is JSON.
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) redaction: Redaction,
}

/// An answer with status 2xx.
pub(super) struct Answer {
    /// The body, cut at [`ANSWER_BYTES_MAX`] or where it broke off.
    pub(super) body: Vec<u8>,
    /// `Retry-After`, for APIs that answer 200 to failures.
    pub(super) retry_after: Option<Span>,
}

/// An answer of any status.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    /// The body, cut at [`ANSWER_BYTES_MAX`] or where it broke off.
    pub(super) body: Vec<u8>,
    /// `Retry-After`, clamped.
    pub(super) retry_after: Option<Span>,
    redaction: Redaction,
}

impl Reply {
    /// The answer, if the status is 2xx; the error that every other status is.
    pub(super) fn answer(self) -> Result<Answer, DeliveryError> {
        let (body, retry_after) = (self.body, self.retry_after);
        if self.status.is_success() {
            return Ok(Answer { body, retry_after });
        }
        Err(refusal(self.status, retry_after, &body, &self.redaction))
    }
}

impl HttpSender {
    pub(super) fn new(settings: &ReceiverSettings) -> Result<Self, Problem> {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            // Fails only when another part of the process has installed one, which serves as well.
            rustls::crypto::ring::default_provider()
                .install_default()
                .ok();
        });
        let deadline = settings.timeout;
        let client = Client::builder()
            .user_agent(concat!("slofuse/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .no_gzip()
            .timeout(deadline.to_std())
            // Half of the deadline, so that a host that does not answer at all is told apart from
            // one that took the request: only the latter may have the message.
            .connect_timeout(deadline.to_std() / 2)
            .pool_max_idle_per_host(settings.concurrency);
        let client = with_tls(client, &settings.tls)?
            .build()
            .map_err(|error| unusable("tls", &error))?;
        Ok(Self { client, deadline })
    }

    /// Posts within the deadline.
    ///
    /// # Errors
    ///
    /// On every status but 2xx and every failure of transport, classified.
    pub(super) async fn post(&self, post: Post, now: Timestamp) -> Result<Answer, DeliveryError> {
        self.send(Method::POST, post, now).await?.answer()
    }

    /// Makes a request within the deadline, for receivers with statuses of a meaning of their own.
    ///
    /// # Errors
    ///
    /// On every failure of transport, classified; the status is for the caller to judge.
    pub(super) async fn send(
        &self,
        method: Method,
        request: Post,
        now: Timestamp,
    ) -> Result<Reply, DeliveryError> {
        let Post {
            url,
            headers,
            body,
            redaction,
        } = request;
        let sending = self
            .client
            .request(method, url)
            .header(CONTENT_TYPE, "application/json")
            // Replaces the content type where the receiver has its own.
            .headers(headers)
            .body(body)
            .send();
        let response = sending
            .await
            .map_err(|error| transport_error(error, &redaction))?;
        Ok(Reply {
            status: response.status(),
            retry_after: retry_after(response.headers(), now),
            body: self.read(response).await,
            redaction,
        })
    }

    /// What arrives of the body within a quarter of the deadline: the status has already decided,
    /// and a body that never ends must not turn a success into a repetition.
    async fn read(&self, mut response: Response) -> Vec<u8> {
        let mut body = Vec::new();
        let reading = async {
            while let Ok(Some(chunk)) = response.chunk().await {
                let room = ANSWER_BYTES_MAX - body.len();
                body.extend(chunk.iter().take(room));
                if body.len() == ANSWER_BYTES_MAX {
                    break;
                }
            }
        };
        let patience = self.deadline.to_std() / 4;
        tokio::time::timeout(patience, reading).await.ok();
        body
    }
}

/// What a status other than 2xx means: class, whether the receiver may have acted, metric reason.
/// Some receivers have their own words for a status, or wrap it in a 200.
pub(super) fn classify(status: u16, after: Option<Span>) -> (ErrorClass, bool, FailureReason) {
    let retry = ErrorClass::Retry { after };
    match status {
        408 | 425 => (retry, false, FailureReason::ClientError),
        429 => (retry, false, FailureReason::RateLimited),
        // Redirects are not followed: they would hand the message to somebody nobody configured.
        300..=499 => (ErrorClass::Permanent, false, FailureReason::ClientError),
        _ => (retry, true, FailureReason::ServerError),
    }
}

fn refusal(
    status: StatusCode,
    after: Option<Span>,
    body: &[u8],
    redaction: &Redaction,
) -> DeliveryError {
    let (class, ambiguous, reason) = classify(status.as_u16(), after);
    let quote = quote(body, redaction);
    let colon = if quote.is_empty() { "" } else { ": " };
    DeliveryError {
        class,
        ambiguous,
        reason,
        text: format!("answered {status}{colon}{quote}"),
    }
}

/// The start of a body as one safe line without secrets.
pub(super) fn quote(body: &[u8], redaction: &Redaction) -> String {
    let body = redaction.clean(&String::from_utf8_lossy(body));
    text::line(&body, QUOTE_CHARS_MAX)
}

fn transport_error(error: reqwest::Error, redaction: &Redaction) -> DeliveryError {
    let error = error.without_url();
    let cause = innermost(&error).to_string();
    let cause = quote(cause.as_bytes(), redaction);
    let retry = ErrorClass::Retry { after: None };
    let (class, ambiguous, reason, attempt) = if error.is_builder() {
        let class = ErrorClass::Permanent;
        (class, false, FailureReason::Local, "building the request")
    } else if error.is_connect() && error.is_timeout() {
        (retry, false, FailureReason::Timeout, "connecting")
    } else if error.is_connect() {
        (
            retry,
            false,
            FailureReason::of_connection(&error),
            "connecting",
        )
    } else if error.is_timeout() {
        (
            retry,
            true,
            FailureReason::Timeout,
            "waiting for the answer",
        )
    } else {
        (retry, true, FailureReason::Network, "sending the request")
    };
    DeliveryError {
        class,
        ambiguous,
        reason,
        text: format!("{attempt}: {cause}"),
    }
}

/// `Retry-After` in seconds or as an HTTP date (RFC 9110, section 10.2.3), clamped.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Span> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let after = match value.parse::<u64>() {
        Ok(secs) => Span::from_secs(i64::try_from(secs).unwrap_or(i64::MAX)),
        Err(_) => http_date(value)?.since(now),
    };
    Some(after.min(RETRY_AFTER_MAX))
}

/// Seconds that a body asks us to wait, clamped as `Retry-After` is; what makes no sense is none at all.
pub(super) fn wait_secs(secs: f64) -> Span {
    // Rounded up: a moment too early is one more refusal.
    let secs = secs.max(0.0).min(RETRY_AFTER_MAX.as_secs_f64()).ceil();
    Span::from_secs(secs as i64)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`; the obsolete forms of RFC 850 and asctime are not read.
fn http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let parts: Vec<&str> = text.split_ascii_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = parts.as_slice() else {
        return None;
    };
    let month = MONTHS.iter().position(|name| name == month)? + 1;
    let date = format!("{year}-{month:02}-{day}T{time}Z");
    let date = humantime::parse_rfc3339(&date).ok()?;
    let since_epoch = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_secs(
        i64::try_from(since_epoch.as_secs()).ok()?,
    ))
}

/// An absolute `http` or `https` URL.
pub(super) fn parse_url(text: &str) -> Result<Url, Problem> {
    Url::parse(text.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| Problem::new("is not an http or https URL"))
}

/// Refuses a secret URL that is known and wrong; one in a file is checked at each delivery.
pub(super) fn check_url(secret: &Secret) -> Result<(), Problem> {
    match secret.peek().map(parse_url) {
        Some(Err(problem)) => Err(problem.in_field("url")),
        _ => Ok(()),
    }
}

/// The URL in a secret; it is hidden from errors.
pub(super) fn reveal_url(secret: &Secret, redaction: &mut Redaction) -> Result<Url, DeliveryError> {
    let text = secret.reveal()?;
    let url = parse_url(text.expose_secret());
    let url = url.map_err(|problem| DeliveryError::local(format!("url {}", problem.text())))?;
    redaction.hide_url(&url);
    Ok(url)
}

/// A secret as a header's value; it is hidden from errors.
pub(super) fn reveal_header(
    name: &str,
    prefix: &str,
    secret: &Secret,
    redaction: &mut Redaction,
) -> Result<HeaderValue, DeliveryError> {
    let text = secret.reveal()?;
    redaction.hide(text.expose_secret());
    sensitive(name, &format!("{prefix}{}", text.expose_secret()))
}

/// The `Authorization` header, if the settings ask for one; its secret is hidden from errors.
pub(super) fn authorization(
    auth: &Auth,
    redaction: &mut Redaction,
) -> Result<Option<HeaderValue>, DeliveryError> {
    match auth {
        Auth::None => Ok(None),
        Auth::Bearer(token) => {
            reveal_header("authorization", "Bearer ", token, redaction).map(Some)
        }
        Auth::Basic { username, password } => {
            let password = password.reveal()?;
            let credentials = redaction.hide_basic(username, password.expose_secret());
            sensitive("authorization", &format!("Basic {credentials}")).map(Some)
        }
    }
}

/// The name of a header.
pub(super) fn header_name(text: &str) -> Result<HeaderName, Problem> {
    HeaderName::try_from(text)
        .map_err(|_| Problem::new(format!("headers: {text:?} is not a header name")))
}

/// Extra headers, by their names.
pub(super) fn header_names(
    headers: &BTreeMap<String, Secret>,
) -> Result<Vec<(HeaderName, Secret)>, Problem> {
    let named = headers
        .iter()
        .map(|(name, value)| Ok((header_name(name)?, value.clone())));
    named.collect()
}

fn sensitive(name: &str, value: &str) -> Result<HeaderValue, DeliveryError> {
    let mut value = HeaderValue::try_from(value).map_err(|_| {
        DeliveryError::local(format!("header {name} holds characters no header may hold"))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn with_tls(
    builder: reqwest::ClientBuilder,
    tls: &TlsSettings,
) -> Result<reqwest::ClientBuilder, Problem> {
    let read = |field: &str, path: &std::path::Path| {
        std::fs::read(path).map_err(|error| unusable(field, &error))
    };
    let mut builder = builder.tls_danger_accept_invalid_certs(tls.insecure_skip_verify);
    if let Some(path) = &tls.ca_file {
        let pem = read("tls.ca_file", path)?;
        let authorities = Certificate::from_pem_bundle(&pem);
        builder =
            builder.tls_certs_merge(authorities.map_err(|error| unusable("tls.ca_file", &error))?);
    }
    if let (Some(cert), Some(key)) = (&tls.cert_file, &tls.key_file) {
        let mut pem = read("tls.cert_file", cert)?;
        pem.push(b'\n');
        pem.extend(read("tls.key_file", key)?);
        let identity = Identity::from_pem(&pem);
        builder = builder.identity(identity.map_err(|error| unusable("tls.cert_file", &error))?);
    }
    Ok(builder)
}

fn unusable(field: &str, error: &(dyn std::error::Error + 'static)) -> Problem {
    let cause = innermost(error).to_string();
    Problem::new(format!("{field}: {cause}"))
}

#[cfg(test)]
mod tests;
