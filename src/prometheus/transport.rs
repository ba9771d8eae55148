//! Requests to one Prometheus-compatible server, and the bounds on each of them.
//!
//! At most `concurrency` requests are under way; each has a deadline from the moment it is sent and
//! a bound on its decompressed answer. Secrets are read anew for each request and appear nowhere
//! else. Redirects are not followed: credentials must not travel.

use std::path::Path;
use std::sync::Once;

use reqwest::header::{HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::config::secret::Secret;
use crate::config::settings::{Auth, SourceSettings, TlsSettings};
use crate::engine::Span;
use crate::engine::causes::chain;

use super::error::SourceError;
use super::wire;

/// How much of an error page is read, in bytes.
const ERROR_BYTES_MAX: u64 = 64 << 10;
/// Longest `Retry-After` that is believed.
const RETRY_AFTER_MAX: Span = Span::from_hours(1);

/// Sends requests to one server.
pub(super) struct Transport {
    http: reqwest::Client,
    base: Url,
    settings: SourceSettings,
    permits: Semaphore,
}

impl Transport {
    /// Checks the settings; nothing is sent yet.
    pub(super) fn new(settings: &SourceSettings) -> Result<Self, SourceError> {
        for name in settings.headers.keys() {
            header_name(name)?;
        }
        Ok(Self {
            http: http_client(&settings.tls, settings.concurrency)?,
            base: base_url(&settings.url)?,
            settings: settings.clone(),
            permits: Semaphore::new(settings.concurrency.max(1)),
        })
    }

    /// The body of the answer to a GET of `/api/v1/{endpoint}`.
    pub(super) async fn get(&self, endpoint: &str) -> Result<Vec<u8>, SourceError> {
        self.send(self.http.get(self.url(endpoint))).await
    }

    /// The body of the answer to a POST; the server gives up after the same deadline as we do.
    pub(super) async fn post(
        &self,
        endpoint: &str,
        mut form: Vec<(&'static str, String)>,
    ) -> Result<Vec<u8>, SourceError> {
        form.push(("timeout", self.settings.timeout.to_string()));
        self.send(self.http.post(self.url(endpoint)).form(&form))
            .await
    }

    /// Scheme, host and port.
    pub(super) fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    async fn send(&self, request: RequestBuilder) -> Result<Vec<u8>, SourceError> {
        let permit = self.permits.acquire().await;
        let _permit = permit.expect("the semaphore is never closed");
        let request = self.authorize(request)?;
        let deadline = self.settings.timeout;
        let exchange = tokio::time::timeout(deadline.to_std(), self.exchange(request)).await;
        exchange.unwrap_or_else(|_| {
            let origin = self.origin();
            Err(SourceError::Timeout { origin, deadline })
        })
    }

    async fn exchange(&self, request: RequestBuilder) -> Result<Vec<u8>, SourceError> {
        let response = request.send().await.map_err(|error| self.broken(error))?;
        let status = response.status();
        if status.is_success() {
            return self.body(response, self.settings.body_bytes_max).await;
        }
        let retry_after = retry_after(&response);
        // The status says enough when the page itself cannot be read.
        let page = self.body(response, ERROR_BYTES_MAX).await;
        let message = wire::error_message(&page.unwrap_or_default());
        Err(refusal(status, message, retry_after))
    }

    /// Reads a body piece by piece, decompressed, up to a bound.
    async fn body(&self, mut response: Response, bytes_max: u64) -> Result<Vec<u8>, SourceError> {
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.broken(error))? {
            if body.len() as u64 + piece.len() as u64 > bytes_max {
                return Err(SourceError::TooLarge { bytes_max });
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    fn authorize(&self, mut request: RequestBuilder) -> Result<RequestBuilder, SourceError> {
        for (name, secret) in &self.settings.headers {
            request = request.header(header_name(name)?, header_value(name, secret)?);
        }
        Ok(match &self.settings.auth {
            Auth::None => request,
            Auth::Basic { username, password } => {
                let password = reveal(password)?;
                request.basic_auth(username, Some(password.expose_secret()))
            }
            Auth::Bearer(token) => request.bearer_auth(reveal(token)?.expose_secret()),
        })
    }

    fn url(&self, endpoint: &str) -> Url {
        let mut url = self.base.clone();
        let prefix = self.base.path().trim_end_matches('/');
        url.set_path(&format!("{prefix}/api/v1/{endpoint}"));
        if !self.settings.params.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.settings.params);
        }
        url
    }

    fn broken(&self, error: reqwest::Error) -> SourceError {
        let (origin, source) = (self.origin(), error.without_url());
        if source.is_builder() {
            return config("a credential cannot be sent in a header");
        }
        if is_tls(&source) {
            SourceError::Tls { origin, source }
        } else {
            SourceError::Unreachable { origin, source }
        }
    }
}

fn refusal(status: StatusCode, message: String, retry_after: Option<Span>) -> SourceError {
    let status = status.as_u16();
    match status {
        401 | 403 => SourceError::Refused { status, message },
        429 => SourceError::Throttled {
            retry_after,
            message,
        },
        408 | 500.. => SourceError::Unavailable { status, message },
        404 | 405 if message.is_empty() => SourceError::BadQuery {
            status,
            message: "is the path of the url right?".to_owned(),
        },
        400..=499 => SourceError::BadQuery { status, message },
        _ => SourceError::malformed(format!("status {status}, is the url right?")),
    }
}

fn retry_after(response: &Response) -> Option<Span> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    let seconds = text.trim().parse().ok()?;
    Some(Span::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// The URL without the endpoint. Its text is in no error: it may hold a password.
fn base_url(text: &str) -> Result<Url, SourceError> {
    let url = Url::parse(text).map_err(|error| config(format!("the url is not valid: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(config("the url does not start with http:// or https://"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(config("the url has a query: write it under params"));
    }
    Ok(url)
}

fn http_client(tls: &TlsSettings, concurrency: usize) -> Result<reqwest::Client, SourceError> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // An error says that another client has installed one already, which serves as well.
        drop(rustls::crypto::ring::default_provider().install_default());
    });
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("slofuse/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(concurrency)
        .tls_danger_accept_invalid_certs(tls.insecure_skip_verify);
    if let Some(path) = &tls.ca_file {
        let authorities = reqwest::Certificate::from_pem_bundle(&read_file(path)?);
        let authorities = authorities.ok().filter(|bundle| !bundle.is_empty());
        let authorities = authorities
            .ok_or_else(|| config(format!("{} holds no pem certificate", path.display())))?;
        builder = builder.tls_certs_merge(authorities);
    }
    match (&tls.cert_file, &tls.key_file) {
        (Some(certificate), Some(key)) => {
            let mut pem = read_file(certificate)?;
            pem.push(b'\n');
            pem.extend(read_file(key)?);
            let identity = reqwest::Identity::from_pem(&pem).map_err(|_| {
                let (certificate, key) = (certificate.display(), key.display());
                config(format!(
                    "{certificate} and {key} hold no pem certificate and key"
                ))
            })?;
            builder = builder.identity(identity);
        }
        (None, None) => {}
        _ => return Err(config("a client certificate needs cert_file and key_file")),
    }
    builder.build().map_err(|error| config(chain(&error)))
}

fn header_name(name: &str) -> Result<HeaderName, SourceError> {
    HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| config(format!("{name:?} is not the name of a header")))
}

fn header_value(name: &str, secret: &Secret) -> Result<HeaderValue, SourceError> {
    let mut value = HeaderValue::from_str(reveal(secret)?.expose_secret())
        .map_err(|_| config(format!("the value of header {name} cannot be sent")))?;
    value.set_sensitive(true);
    Ok(value)
}

fn reveal(secret: &Secret) -> Result<SecretString, SourceError> {
    secret.reveal().map_err(|error| config(chain(&error)))
}

fn read_file(path: &Path) -> Result<Vec<u8>, SourceError> {
    std::fs::read(path).map_err(|error| config(format!("reading {}: {error}", path.display())))
}

fn config(message: impl Into<String>) -> SourceError {
    let message = message.into();
    SourceError::Config { message }
}

/// Whether TLS is at fault. An `io::Error` hides its inner error from `source`.
fn is_tls(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<rustls::Error>() {
            return true;
        }
        let io = error.downcast_ref::<std::io::Error>();
        cause = match io.and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}
