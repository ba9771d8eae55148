//! The elements of a query result, read as they stream by.

use std::fmt;

use serde::Deserialize;
use serde::de::{
    self, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Unexpected,
    Visitor,
};
use serde_json::value::RawValue;

use crate::engine::{Labels, RawSeries, Sample, Timestamp};

use super::super::error::{SourceError, clip};
use super::super::interner::Interner;

/// Collects the elements of `result`, whatever its type: the type may be named after it.
pub(super) struct ResultReader<'i> {
    interner: &'i mut Interner,
    series_max: usize,
    /// What was read so far.
    pub(super) series: Vec<RawSeries>,
    /// A result that is a time and a value.
    pub(super) scalar: Option<Sample>,
    /// The reason behind a deserialization error that is more than "malformed".
    pub(super) refusal: Option<SourceError>,
}

impl<'i> ResultReader<'i> {
    pub(super) fn new(interner: &'i mut Interner, series_max: usize) -> Self {
        Self {
            interner,
            series_max,
            series: Vec::new(),
            scalar: None,
            refusal: None,
        }
    }
}

impl<'de> DeserializeSeed<'de> for &mut ResultReader<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for &mut ResultReader<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of series, or a time and a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut time = None;
        while let Some(element) = seq.next_element_seed(ElementSeed(self))? {
            match element {
                Element::Series => {}
                Element::Time(at) => time = Some(at),
                Element::Value(value) => {
                    let at = time.ok_or_else(|| A::Error::custom("a value without a time"))?;
                    self.scalar = Some(Sample { at, value });
                }
            }
        }
        Ok(())
    }
}

enum Element {
    Series,
    Time(Timestamp),
    Value(f64),
}

struct ElementSeed<'a, 'i>(&'a mut ResultReader<'i>);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum SeriesKey {
    Metric,
    Value,
    Values,
    Histogram,
    Histograms,
    #[serde(other)]
    Other,
}

impl<'de> DeserializeSeed<'de> for ElementSeed<'_, '_> {
    type Value = Element;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Element, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ElementSeed<'_, '_> {
    type Value = Element;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a series")
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Element, E> {
        self.visit_f64(seconds as f64)
    }

    fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Element, E> {
        timestamp(seconds).map(Element::Time)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Element, E> {
        number(text).map(Element::Value)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Element, A::Error> {
        let reader = self.0;
        if reader.series.len() >= reader.series_max {
            let series_max = reader.series_max;
            reader.refusal = Some(SourceError::TooManySeries { series_max });
            return Err(A::Error::custom("too many series"));
        }
        let mut labels = Labels::empty();
        let mut samples = Vec::new();
        let mut histogram = false;
        while let Some(key) = map.next_key()? {
            match key {
                SeriesKey::Metric => {
                    let json: &RawValue = map.next_value()?;
                    let known = reader.interner.labels(json.get());
                    labels = known.map_err(A::Error::custom)?;
                }
                SeriesKey::Value => samples.push(map.next_value::<WireSample>()?.0),
                SeriesKey::Values => map.next_value_seed(SamplesSeed(&mut samples))?,
                SeriesKey::Histogram | SeriesKey::Histograms => {
                    map.next_value::<IgnoredAny>()?;
                    histogram = true;
                }
                SeriesKey::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if histogram {
            let series = clip(&labels.to_string());
            reader.refusal = Some(SourceError::NativeHistogram { series });
            return Err(A::Error::custom("a native histogram"));
        }
        reader.series.push(RawSeries { labels, samples });
        Ok(Element::Series)
    }
}

struct SamplesSeed<'a>(&'a mut Vec<Sample>);

impl<'de> DeserializeSeed<'de> for SamplesSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for SamplesSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of samples")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(sample) = seq.next_element::<WireSample>()? {
            self.0.push(sample.0);
        }
        Ok(())
    }
}

/// `[1435781430.781, "1.5e3"]`
struct WireSample(Sample);

impl<'de> Deserialize<'de> for WireSample {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (seconds, Number(value)) = Deserialize::deserialize(deserializer)?;
        let at = timestamp(seconds)?;
        Ok(Self(Sample { at, value }))
    }
}

/// A number in quotes: JSON has no NaN.
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number in quotes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                number(text).map(Number)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

fn number<E: de::Error>(text: &str) -> Result<f64, E> {
    text.parse()
        .map_err(|_| E::invalid_value(Unexpected::Str(text), &"a number in quotes"))
}

/// Float seconds as whole milliseconds: that is how Prometheus stores them.
fn timestamp<E: de::Error>(seconds: f64) -> Result<Timestamp, E> {
    /// Beyond this a float no longer tells milliseconds apart (285 000 years).
    const MILLIS_MAX: f64 = 9e15;
    let millis = (seconds * 1000.0).round();
    if millis.abs() < MILLIS_MAX {
        Ok(Timestamp::from_millis(millis as i64))
    } else {
        Err(E::custom("a time that is out of range"))
    }
}
