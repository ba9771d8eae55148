//! How commands speak to a running daemon: where it is, who asks, and words for what goes wrong.
//!
//! A request takes at most [`DEADLINE`], an answer at most [`ANSWER_BYTES_MAX`].

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use clap::Args;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Certificate, Method, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{Failure, Form, chain, complain};
use crate::config;
use crate::config::secret::Secret;
use crate::engine::causes::innermost;

/// Longest request: more than the daemon gives itself, which tries receivers meanwhile.
const DEADLINE: Duration = Duration::from_secs(35);
/// Largest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Where a daemon is that nobody has told otherwise.
const USUAL_URL: &str = "http://127.0.0.1:9876";

/// Where the daemon is and who asks.
#[derive(Debug, Args)]
pub(super) struct ClientArgs {
    /// Where the daemon is [default: server.listen of --config, or SLOFUSE_URL, or
    /// http://127.0.0.1:9876]
    #[arg(long, value_name = "URL")]
    pub(super) url: Option<String>,
    /// A settings file that says where the daemon listens
    #[arg(long, short, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// A file with the token to show; SLOFUSE_TOKEN may hold the token itself
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Who asks: a user of the daemon; with --password-file
    #[arg(long, value_name = "NAME", requires = "password_file")]
    user: Option<String>,
    /// A file with the user's password
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// A PEM file with authorities to trust besides the system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// For people, or what the daemon answered, for programs
    #[arg(long, value_enum, default_value = "text")]
    format: Form,
}

/// Speaks to one daemon.
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    credentials: Credentials,
}

enum Credentials {
    None,
    Token(SecretString),
    Password(String, SecretString),
}

impl ClientArgs {
    /// Whether the answer is for programs.
    pub(super) fn is_json(&self) -> bool {
        self.format == Form::Json
    }

    /// A client; nothing is sent yet.
    pub(super) fn client(&self) -> Result<Client, Failure> {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            // Fails only when there is one already, which serves as well.
            rustls::crypto::ring::default_provider()
                .install_default()
                .ok();
        });
        let base = self.base()?;
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("slofuse/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .timeout(DEADLINE);
        if is_here(&base) {
            // A proxy is for the world; it must not see who speaks to whom on this host.
            http = http.no_proxy();
        }
        if let Some(file) = &self.ca_file {
            let refused = |error: &dyn std::fmt::Display| {
                usage(&format!("reading --ca-file {}: {error}", file.display()))
            };
            let pem = std::fs::read(file).map_err(|error| refused(&error))?;
            let authorities =
                Certificate::from_pem_bundle(&pem).map_err(|error| refused(&error))?;
            http = http.tls_certs_merge(authorities);
        }
        let http = http.build();
        let http = http.map_err(|error| usage(&format!("setting up HTTP: {}", chain(&error))))?;
        Ok(Client {
            http,
            base,
            credentials: self.credentials()?,
        })
    }

    fn base(&self) -> Result<Url, Failure> {
        let text = match (&self.url, &self.config) {
            (Some(url), _) => url.clone(),
            (None, Some(file)) => listening(file)?,
            (None, None) => variable("SLOFUSE_URL").unwrap_or_else(|| USUAL_URL.to_owned()),
        };
        let url = Url::parse(&text).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let mut url =
            url.ok_or_else(|| usage(&format!("--url {text:?} is no http or https URL")))?;
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(url)
    }

    fn credentials(&self) -> Result<Credentials, Failure> {
        let reveal = |file: &PathBuf| {
            let secret = Secret::file(file.clone()).reveal();
            secret.map_err(|error| usage(&chain(&error)))
        };
        if let (Some(user), Some(file)) = (&self.user, &self.password_file) {
            return Ok(Credentials::Password(user.clone(), reveal(file)?));
        }
        if let Some(file) = &self.token_file {
            return Ok(Credentials::Token(reveal(file)?));
        }
        // The environment, unlike arguments, is not shown to every user of the host.
        let token = variable("SLOFUSE_TOKEN").map(SecretString::from);
        Ok(token.map_or(Credentials::None, Credentials::Token))
    }
}

/// Where the daemon of a settings file is to be reached from its own host.
fn listening(file: &Path) -> Result<String, Failure> {
    let loaded = config::load(file, &|name| std::env::var(name).ok()).map_err(|mistakes| {
        complain(&format!("the configuration has mistakes\n{mistakes}"));
        Failure::Problems
    })?;
    let server = loaded.settings.server;
    let scheme = if server.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let mut address = server.listen;
    if address.ip().is_unspecified() {
        let loopback = match address {
            std::net::SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            std::net::SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        };
        address.set_ip(loopback);
    }
    Ok(format!("{scheme}://{address}"))
}

/// Whether a URL stays on this host.
fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    host == "localhost" || address.is_ok_and(|address: IpAddr| address.is_loopback())
}

/// A variable of the environment, if it says something.
fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok()?.trim().to_owned();
    (!value.is_empty()).then_some(value)
}

fn usage(text: &str) -> Failure {
    complain(text);
    Failure::Usage
}

impl Client {
    /// Looks at something.
    pub(super) async fn get(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Value, Failure> {
        let mut url = self.place(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.ask(Method::GET, url, None).await
    }

    /// Changes something.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &[&str],
        body: &Value,
    ) -> Result<Value, Failure> {
        let body = (method != Method::DELETE).then_some(body);
        self.ask(method, self.place(path), body).await
    }

    /// `base/api/v1/...`, each segment escaped.
    fn place(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        url
    }

    async fn ask(&self, method: Method, url: Url, body: Option<&Value>) -> Result<Value, Failure> {
        let mut request = self
            .http
            .request(method, url)
            .header(ACCEPT, "application/json");
        request = match &self.credentials {
            Credentials::None => request,
            Credentials::Token(token) => request.bearer_auth(token.expose_secret()),
            Credentials::Password(user, password) => {
                request.basic_auth(user, Some(password.expose_secret()))
            }
        };
        if let Some(body) = body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_string());
        }
        let mut response = request
            .send()
            .await
            .map_err(|error| self.unreached(&error))?;
        let status = response.status();
        let mut answer = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => answer.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => return Err(self.unreached(&error)),
            }
            if answer.len() > ANSWER_BYTES_MAX {
                return Err(self.failed("its answer is too large"));
            }
        }
        let json: Value = serde_json::from_slice(&answer).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(json);
        }
        Err(self.refused(status, &json))
    }

    fn refused(&self, status: StatusCode, json: &Value) -> Failure {
        let said = json["error"].as_str().map(str::to_owned);
        let said = said.unwrap_or_else(|| format!("it answered {status}"));
        match status {
            StatusCode::UNAUTHORIZED => self.failed(&format!(
                "{said}: see --token-file, SLOFUSE_TOKEN, --user and --password-file"
            )),
            _ => {
                complain(&said);
                Failure::Failed
            }
        }
    }

    fn unreached(&self, error: &reqwest::Error) -> Failure {
        if error.is_timeout() {
            return self.failed(&format!("no answer within {} s", DEADLINE.as_secs()));
        }
        if error.is_connect() {
            let why = innermost(error).to_string();
            if why.contains("certificate") {
                return self.failed(&format!(
                    "{why}; --ca-file names the authority of a certificate that the system does \
                     not trust"
                ));
            }
            return self.failed(&format!(
                "{why}; is the daemon running there? --url or --config say where it is"
            ));
        }
        self.failed(&innermost(error).to_string())
    }

    /// The URL's credentials, if somebody wrote some, are not shown.
    fn failed(&self, why: &str) -> Failure {
        let at = self.base.origin().ascii_serialization();
        complain(&format!("asking the daemon at {at}: {why}"));
        Failure::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stays_on_this_host_goes_past_proxies() {
        for (url, here) in [
            ("http://127.0.0.1:9876", true),
            ("https://[::1]:9876/x", true),
            ("http://localhost/", true),
            ("http://127.0.0.1.example/", false),
            ("http://user@slo.example/localhost", false),
            ("https://[2001:db8::1]/", false),
        ] {
            assert_eq!(is_here(&Url::parse(url).unwrap()), here, "{url}");
        }
    }
}
