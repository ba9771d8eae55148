//! A JSON API on loopback, as a test client sees it.

use std::time::Duration;

use serde_json::Value;

/// One server.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    base: String,
    client: reqwest::Client,
}

impl Api {
    /// A client for `http://127.0.0.1:port`.
    pub(crate) fn new(port: u16) -> Self {
        const TIMEOUT: Duration = Duration::from_secs(10);
        // Fails when another test was first; what it installed is the same.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT);
        Self {
            base: format!("http://127.0.0.1:{port}"),
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
