//! A JSON API on loopback, as a test client sees it.

use std::time::Duration;

use serde_json::Value;

use super::certificate::Certificate;

/// One server.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    base: String,
    client: reqwest::Client,
}

impl Api {
    /// A client for `http://127.0.0.1:port`.
    pub(crate) fn new(port: u16) -> Self {
        Self::at(format!("http://127.0.0.1:{port}"), None)
    }

    /// A client for `https://localhost:port` that trusts the authority of the certificate.
    pub(crate) fn secure(port: u16, certificate: &Certificate) -> Self {
        let pem = std::fs::read(certificate.authority()).expect("the authority is there");
        let authority = reqwest::Certificate::from_pem(&pem).expect("it is a certificate");
        Self::at(format!("https://localhost:{port}"), Some(authority))
    }

    fn at(base: String, authority: Option<reqwest::Certificate>) -> Self {
        const TIMEOUT: Duration = Duration::from_secs(10);
        // Fails when another test was first; what it installed is the same.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let mut client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT);
        if let Some(authority) = authority {
            client = client.tls_certs_merge([authority]);
        }
        Self {
            base,
            client: client.build().expect("a plain client can be built"),
        }
    }

    /// Where the server is.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The status of a GET; `None` when nobody answers.
    pub(crate) async fn status(&self, path: &str) -> Option<u16> {
        let answer = self.client.get(format!("{}{path}", self.base)).send().await;
        Some(answer.ok()?.status().as_u16())
    }

    /// The body of a GET.
    ///
    /// # Panics
    ///
    /// When nobody answers, or with something else than 2xx and JSON.
    pub(crate) async fn get_json(&self, path: &str) -> Value {
        read(path, self.client.get(format!("{}{path}", self.base))).await
    }

    /// The body of the answer to a form.
    ///
    /// # Panics
    ///
    /// As [`Self::get_json`].
    pub(crate) async fn post_form(&self, path: &str, form: &[(&str, String)]) -> Value {
        let request = self.client.post(format!("{}{path}", self.base)).form(form);
        read(path, request).await
    }

    /// The body of a GET by whoever has this token.
    ///
    /// # Panics
    ///
    /// As [`Self::get_json`].
    pub(crate) async fn get_json_as(&self, token: &str, path: &str) -> Value {
        let request = self.client.get(format!("{}{path}", self.base));
        read(path, request.bearer_auth(token)).await
    }

    /// The body of the answer to a JSON body.
    ///
    /// # Panics
    ///
    /// As [`Self::get_json`].
    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> Value {
        let request = self.client.post(format!("{}{path}", self.base)).json(body);
        read(path, request).await
    }

    /// Status and text of the answer to a POST without a body.
    ///
    /// # Panics
    ///
    /// When nobody answers.
    pub(crate) async fn post(&self, path: &str) -> (u16, String) {
        let answer = self
            .client
            .post(format!("{}{path}", self.base))
            .send()
            .await;
        let answer = answer.unwrap_or_else(|error| panic!("asking {path}: {error}"));
        (
            answer.status().as_u16(),
            answer.text().await.unwrap_or_default(),
        )
    }

    /// The text of a GET.
    ///
    /// # Panics
    ///
    /// When nobody answers.
    pub(crate) async fn get_text(&self, path: &str) -> String {
        let answer = self.client.get(format!("{}{path}", self.base)).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("asking {path}: {error}"));
        answer.text().await.unwrap_or_default()
    }
}

async fn read(path: &str, request: reqwest::RequestBuilder) -> Value {
    let answer = request.send().await;
    let answer = answer.unwrap_or_else(|error| panic!("asking {path}: {error}"));
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    assert!(status.is_success(), "{path} answered {status}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
}
