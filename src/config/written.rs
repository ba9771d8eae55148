//! Native documents as text: the raw structs back to YAML that reads as if a person had written it.
//!
//! The order of keys is that of the structs. Reading what is written here gives the same values
//! again, so a conversion changes nothing. Keys that are absent are left out; a value that was
//! refused is, too, for nobody writes documents with mistakes.

use serde::{Serialize, Serializer};

use crate::yaml;

use super::field::{Field, ValueOr};
use super::value::{
    Day, Duration, DurationOrNever, Fraction, LabelName, Name, SloRef, WebUrl, ZoneName,
};

/// A document as YAML.
///
/// # Errors
///
/// When it holds something that YAML cannot; native documents hold nothing of the kind.
pub(super) fn yaml<T: Serialize>(document: &T) -> Result<String, serde_yaml::Error> {
    Ok(yaml::document(&serde_yaml::to_value(document)?))
}

impl<T: Serialize> Serialize for Field<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<T: Serialize> Serialize for ValueOr<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(text) if text == "false" => serializer.serialize_bool(false),
            Self::Value(text) => serializer.serialize_str(text),
            Self::Section(section) => section.serialize(serializer),
        }
    }
}

/// A percentage where it means exactly the same number.
impl Serialize for Fraction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(fraction) = *self;
        let percent = (fraction * 100.0 * 1e9).round() / 1e9;
        if percent / 100.0 == fraction {
            serializer.collect_str(&format_args!("{percent}%"))
        } else {
            serializer.serialize_f64(fraction)
        }
    }
}

impl Serialize for DurationOrNever {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(span) => serializer.collect_str(&span),
            None => serializer.serialize_str("never"),
        }
    }
}

impl Serialize for ZoneName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

/// Types that are written as they are shown.
macro_rules! shown {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

shown!(Duration, SloRef, Day);

/// Types that are texts with a grammar.
macro_rules! texts {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    )*};
}

texts!(Name, LabelName, WebUrl);
