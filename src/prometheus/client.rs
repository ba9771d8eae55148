//! The questions slofuse asks a Prometheus-compatible server.
//!
//! An answer that may lack data is an error, never a smaller answer. The client does not retry: the
//! next slot asks again, and reaches back to where the last answer ended.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::settings::{EvaluationSettings, SourceSettings};
use crate::engine::{Labels, RawSeries, Span, Timestamp};

use super::error::SourceError;
use super::interner::Interner;
use super::transport::Transport;
use super::wire::{self, Answer, Shape};

/// Label sets that no answer held for one to two times this long are forgotten.
const GENERATION: Duration = Duration::from_secs(300);

/// Asks one source. Shared by reference; all methods may run at the same time.
pub struct Client {
    transport: Transport,
    series_max: usize,
    labels: Arc<Mutex<Generations>>,
}

/// The shared label sets and the age of their generation.
#[derive(Default)]
struct Generations {
    interner: Interner,
    since: Option<Instant>,
}

impl Client {
    /// A client for the source; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// `Config` when the URL, the name of a header or a certificate file cannot be used.
    pub fn new(settings: &SourceSettings) -> Result<Self, SourceError> {
        Ok(Self {
            transport: Transport::new(settings)?,
            series_max: EvaluationSettings::default().series_max,
            labels: Arc::default(),
        })
    }

    /// Sets the most series an answer may have; else the default of [`EvaluationSettings`] holds.
    #[must_use]
    pub fn with_series_max(mut self, series_max: usize) -> Self {
        self.series_max = series_max;
        self
    }

    /// The raw samples of a range selector such as `x{job="a"}[75s]`, up to and including `at`.
    ///
    /// # Errors
    ///
    /// Any [`SourceError`]; never a part of the samples.
    pub async fn samples(
        &self,
        selector_query: &str,
        at: Timestamp,
    ) -> Result<Vec<RawSeries>, SourceError> {
        Ok(matrix(self.query(selector_query, at, false).await?)?.series)
    }

    /// As [`Client::samples`], with the number of samples the server loaded, if it says so.
    ///
    /// # Errors
    ///
    /// As [`Client::samples`].
    pub async fn samples_with_stats(
        &self,
        selector_query: &str,
        at: Timestamp,
    ) -> Result<(Vec<RawSeries>, Option<u64>), SourceError> {
        let answer = matrix(self.query(selector_query, at, true).await?)?;
        Ok((answer.series, answer.queryable_samples))
    }

    /// The value of an expression at `at`, per series; a scalar has no labels.
    ///
    /// # Errors
    ///
    /// Any [`SourceError`].
    pub async fn instant(
        &self,
        expr: &str,
        at: Timestamp,
    ) -> Result<Vec<(Labels, f64)>, SourceError> {
        values(self.query(expr, at, false).await?)
    }

    /// As [`Client::instant`], with the number of samples the server loaded, if it says so.
    ///
    /// # Errors
    ///
    /// As [`Client::instant`].
    pub async fn instant_with_stats(
        &self,
        expr: &str,
        at: Timestamp,
    ) -> Result<(Vec<(Labels, f64)>, Option<u64>), SourceError> {
        let answer = self.query(expr, at, true).await?;
        let loaded = answer.queryable_samples;
        Ok((values(answer)?, loaded))
    }

    /// The values of an expression from `start` to `end`, both included, every `step`.
    ///
    /// # Errors
    ///
    /// Any [`SourceError`]; more than 11 000 steps are a `BadQuery`.
    pub async fn range(
        &self,
        expr: &str,
        start: Timestamp,
        end: Timestamp,
        step: Span,
    ) -> Result<Vec<RawSeries>, SourceError> {
        let form = vec![
            ("query", expr.to_owned()),
            ("start", seconds(start)),
            ("end", seconds(end)),
            ("step", step.to_string()),
        ];
        let body = self.transport.post("query_range", form).await?;
        Ok(matrix(self.read(body).await?)?.series)
    }

    /// The version of the server; `None` when it has no such page.
    ///
    /// # Errors
    ///
    /// Any [`SourceError`].
    pub async fn build_info(&self) -> Result<Option<String>, SourceError> {
        match self.transport.get("status/buildinfo").await {
            Ok(body) => wire::read_version(&body).map(Some),
            Err(SourceError::BadQuery { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How long the server says it keeps samples, in its own words such as `15d` or `60d or 5GB`;
    /// `None` when it has no such page.
    ///
    /// # Errors
    ///
    /// Any [`SourceError`].
    pub async fn retention(&self) -> Result<Option<String>, SourceError> {
        match self.transport.get("status/runtimeinfo").await {
            Ok(body) => wire::read_retention(&body),
            Err(SourceError::BadQuery { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The names of all metrics, sorted by the server.
    ///
    /// # Errors
    ///
    /// Any [`SourceError`].
    pub async fn metric_names(&self) -> Result<Vec<String>, SourceError> {
        let body = self.transport.get("label/__name__/values").await?;
        wire::read_names(&body)
    }

    async fn query(&self, expr: &str, at: Timestamp, stats: bool) -> Result<Answer, SourceError> {
        let mut form = vec![("query", expr.to_owned()), ("time", seconds(at))];
        if stats {
            form.push(("stats", "true".to_owned()));
        }
        let body = self.transport.post("query", form).await?;
        self.read(body).await
    }

    /// Parses away from the threads that serve the network: a large body takes 0.1 s.
    async fn read(&self, body: Vec<u8>) -> Result<Answer, SourceError> {
        let (series_max, now) = (self.series_max, Instant::now());
        let labels = Arc::clone(&self.labels);
        let parse = move || {
            let mut labels = labels.lock().unwrap_or_else(PoisonError::into_inner);
            let since = *labels.since.get_or_insert(now);
            if now.saturating_duration_since(since) >= GENERATION {
                labels.interner.rotate();
                labels.since = Some(now);
            }
            wire::read(&body, series_max, &mut labels.interner)
        };
        match tokio::task::spawn_blocking(parse).await {
            Ok(answer) => answer,
            Err(_) => Err(SourceError::malformed("a body that stopped the parser")),
        }
    }
}

/// Only where it asks: the settings hold secrets.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.transport.origin())
    }
}

fn matrix(answer: Answer) -> Result<Answer, SourceError> {
    match answer.shape {
        Shape::Matrix => Ok(answer),
        Shape::Vector | Shape::Scalar => {
            Err(SourceError::malformed("single values instead of samples"))
        }
    }
}

fn values(answer: Answer) -> Result<Vec<(Labels, f64)>, SourceError> {
    if answer.shape == Shape::Matrix {
        return Err(SourceError::malformed("samples instead of single values"));
    }
    let value = |series: RawSeries| match series.samples.as_slice() {
        [sample] => Ok((series.labels, sample.value)),
        _ => Err(SourceError::malformed("a series without a value")),
    };
    answer.series.into_iter().map(value).collect()
}

fn seconds(at: Timestamp) -> String {
    format!("{:.3}", at.as_secs_f64())
}
