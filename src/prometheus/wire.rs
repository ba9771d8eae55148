//! Bodies of the Prometheus query API in, series out. Pure.
//!
//! Reads the JSON once, front to back, without a tree in between: an answer of 20 MB and 100 000
//! series is the normal case. An answer that may lack data is an error, never a smaller answer.

mod result;

#[cfg(test)]
mod tests;

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::engine::{Labels, RawSeries};

use super::error::{SourceError, clip};
use super::interner::Interner;
use result::ResultReader;

/// A successful, complete answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// The shape of the result.
    pub(super) shape: Shape,
    /// Its series; a scalar is one series without labels.
    pub(super) series: Vec<RawSeries>,
    /// Samples the server loaded for it, when it says so.
    pub(super) queryable_samples: Option<u64>,
}

/// The result types of the API that hold numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Series with samples over time.
    Matrix,
    /// Series with one value each.
    Vector,
    /// One number.
    Scalar,
}

/// Reads the body of a successful response.
///
/// # Errors
///
/// `Malformed`, `Partial`, `TooManySeries`, `NativeHistogram`, or `BadQuery` when the envelope says
/// so in spite of the HTTP status.
pub(super) fn read(
    body: &[u8],
    series_max: usize,
    interner: &mut Interner,
) -> Result<Answer, SourceError> {
    let mut result = ResultReader::new(interner, series_max);
    let mut json = serde_json::Deserializer::from_slice(body);
    let envelope = EnvelopeSeed(&mut result).deserialize(&mut json);
    let envelope = envelope.and_then(|envelope| json.end().map(|()| envelope));
    if let Some(refusal) = result.refusal {
        return Err(refusal);
    }
    let envelope = envelope.map_err(|error| not_json(body, &error))?;
    let shape = envelope.check()?;
    let mut series = result.series;
    if shape == Shape::Scalar {
        series.extend(result.scalar.map(|sample| RawSeries {
            labels: Labels::empty(),
            samples: vec![sample],
        }));
    }
    for one in &mut series {
        if !one.samples.is_sorted_by_key(|sample| sample.at) {
            one.samples.sort_by_key(|sample| sample.at);
        }
    }
    Ok(Answer {
        shape,
        series,
        queryable_samples: envelope.queryable_samples,
    })
}

/// The server's own words in the body of a failed response; empty when it is a page for people.
pub(super) fn error_message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Failure {
        error: String,
    }
    if let Ok(failure) = serde_json::from_slice::<Failure>(body) {
        return clip(&failure.error);
    }
    let text = String::from_utf8_lossy(body);
    if text.trim_start().starts_with(['<', '{']) {
        String::new()
    } else {
        clip(&text)
    }
}

/// The version in an answer of `/api/v1/status/buildinfo`.
pub(super) fn read_version(body: &[u8]) -> Result<String, SourceError> {
    #[derive(Deserialize)]
    struct Envelope {
        data: BuildInfo,
    }
    #[derive(Deserialize)]
    struct BuildInfo {
        version: String,
    }
    let parsed: Envelope = serde_json::from_slice(body).map_err(|error| not_json(body, &error))?;
    Ok(clip(&parsed.data.version))
}

/// The retention in an answer of `/api/v1/status/runtimeinfo`; other servers leave it out.
pub(super) fn read_retention(body: &[u8]) -> Result<Option<String>, SourceError> {
    #[derive(Deserialize)]
    struct Envelope {
        data: RuntimeInfo,
    }
    #[derive(Deserialize)]
    struct RuntimeInfo {
        #[serde(rename = "storageRetention")]
        storage_retention: Option<String>,
    }
    let parsed: Envelope = serde_json::from_slice(body).map_err(|error| not_json(body, &error))?;
    Ok(parsed.data.storage_retention.map(|text| clip(&text)))
}

/// The texts in an answer of `/api/v1/label/<name>/values`.
pub(super) fn read_names(body: &[u8]) -> Result<Vec<String>, SourceError> {
    #[derive(Deserialize)]
    struct Envelope {
        data: Vec<String>,
    }
    let parsed: Envelope = serde_json::from_slice(body).map_err(|error| not_json(body, &error))?;
    Ok(parsed.data)
}

fn not_json(body: &[u8], error: &serde_json::Error) -> SourceError {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => SourceError::malformed("an empty body"),
        Some(b'<') => SourceError::malformed("a page of HTML"),
        Some(_) => SourceError::malformed(error.to_string()),
    }
}

/// What surrounds the result.
#[derive(Default)]
struct Envelope {
    status: String,
    result_type: Option<String>,
    queryable_samples: Option<u64>,
    error: Option<String>,
    warnings: Vec<String>,
    partial: bool,
}

impl Envelope {
    /// Whether the answer is whole, and its shape.
    fn check(&self) -> Result<Shape, SourceError> {
        match (self.status.as_str(), &self.error) {
            ("success", _) => {}
            ("error", Some(error)) => {
                let (status, message) = (200, clip(error));
                return Err(SourceError::BadQuery { status, message });
            }
            _ => return Err(SourceError::malformed("an envelope without success")),
        }
        let foreign = self.warnings.iter().find(|text| !is_annotation(text));
        if let Some(warning) = foreign {
            let warning = clip(warning);
            return Err(SourceError::Partial { warning });
        }
        if self.partial {
            let warning = "a storage node did not answer".to_owned();
            return Err(SourceError::Partial { warning });
        }
        match self.result_type.as_deref() {
            Some("matrix") => Ok(Shape::Matrix),
            Some("vector") => Ok(Shape::Vector),
            Some("scalar") => Ok(Shape::Scalar),
            Some(other) => Err(SourceError::malformed(format!("a result of type {other}"))),
            None => Err(SourceError::malformed("no result type")),
        }
    }
}

/// Whether a warning is about the expression and not about missing data. The engine's annotations
/// carry these prefixes (`util/annotations` of Prometheus); beyond ten it says how many it left out.
fn is_annotation(warning: &str) -> bool {
    warning.starts_with("PromQL warning")
        || warning.starts_with("PromQL info")
        || warning.ends_with("more warning annotations omitted")
}

struct EnvelopeSeed<'a, 'i>(&'a mut ResultReader<'i>);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum EnvelopeKey {
    Status,
    Data,
    Error,
    Warnings,
    IsPartial,
    #[serde(other)]
    Other,
}

impl<'de> DeserializeSeed<'de> for EnvelopeSeed<'_, '_> {
    type Value = Envelope;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Envelope, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EnvelopeSeed<'_, '_> {
    type Value = Envelope;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the envelope of a query result")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Envelope, A::Error> {
        let mut envelope = Envelope::default();
        while let Some(key) = map.next_key()? {
            match key {
                EnvelopeKey::Status => envelope.status = map.next_value()?,
                EnvelopeKey::Data => map.next_value_seed(DataSeed(self.0, &mut envelope))?,
                EnvelopeKey::Error => envelope.error = map.next_value()?,
                EnvelopeKey::Warnings => {
                    let warnings: Option<Vec<String>> = map.next_value()?;
                    envelope.warnings = warnings.unwrap_or_default();
                }
                EnvelopeKey::IsPartial => envelope.partial = map.next_value()?,
                EnvelopeKey::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(envelope)
    }
}

struct DataSeed<'a, 'i, 'e>(&'a mut ResultReader<'i>, &'e mut Envelope);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum DataKey {
    ResultType,
    Result,
    Stats,
    #[serde(other)]
    Other,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Stats {
    samples: SampleStats,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SampleStats {
    total_queryable_samples: Option<u64>,
}

impl<'de> DeserializeSeed<'de> for DataSeed<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for DataSeed<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the data of a query result")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key()? {
            match key {
                DataKey::ResultType => self.1.result_type = Some(map.next_value()?),
                DataKey::Result => map.next_value_seed(&mut *self.0)?,
                DataKey::Stats => {
                    let stats: Option<Stats> = map.next_value()?;
                    let samples = stats.unwrap_or_default().samples;
                    self.1.queryable_samples = samples.total_queryable_samples;
                }
                DataKey::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}
