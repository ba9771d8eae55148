//! Label sets that are built once and shared from poll to poll.
//!
//! A steady poll returns the same series each time. Their labels are found by the raw JSON text of
//! the series, so nothing is parsed, sorted or allocated again. Two generations bound the memory:
//! what was not seen for a whole generation is dropped with it.

use std::collections::HashMap;
use std::fmt;

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};

use crate::engine::Labels;

/// Most label sets in a generation; a full generation makes room for the next.
const GENERATION_MAX: usize = 250_000;

/// Label sets by the JSON text they came as.
#[derive(Debug, Default)]
pub(super) struct Interner {
    young: HashMap<Box<str>, Labels>,
    old: HashMap<Box<str>, Labels>,
}

impl Interner {
    /// The label set that is written as `json`.
    pub(super) fn labels(&mut self, json: &str) -> Result<Labels, serde_json::Error> {
        if let Some(labels) = self.young.get(json) {
            return Ok(labels.clone());
        }
        let (key, labels) = match self.old.remove_entry(json) {
            Some(known) => known,
            None => (json.into(), parse(json)?),
        };
        if self.young.len() >= GENERATION_MAX {
            self.rotate();
        }
        self.young.insert(key, labels.clone());
        Ok(labels)
    }

    /// Starts a new generation and forgets the one before the last.
    pub(super) fn rotate(&mut self) {
        self.old = std::mem::take(&mut self.young);
    }
}

fn parse(json: &str) -> Result<Labels, serde_json::Error> {
    struct Pairs;

    impl<'de> Visitor<'de> for Pairs {
        type Value = Vec<(String, String)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of label values")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::with_capacity(8);
            while let Some(pair) = map.next_entry()? {
                pairs.push(pair);
            }
            Ok(pairs)
        }
    }

    let pairs = serde_json::Deserializer::from_str(json).deserialize_map(Pairs)?;
    Ok(Labels::new(pairs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_share_one_label_set() {
        let mut interner = Interner::default();
        let json = r#"{"__name__":"up","job":"a\u0062"}"#;
        let labels = interner.labels(json).unwrap();
        assert_eq!(labels, Labels::new([("job", "ab"), ("__name__", "up")]));
        interner.labels(json).unwrap();
        interner.rotate();
        interner.labels(json).unwrap();
        assert_eq!((interner.young.len(), interner.old.len()), (1, 0));
    }

    #[test]
    fn what_is_not_seen_for_a_generation_is_forgotten() {
        let mut interner = Interner::default();
        interner.labels(r#"{"a":"1"}"#).unwrap();
        interner.rotate();
        interner.labels(r#"{"a":"2"}"#).unwrap();
        interner.rotate();
        assert_eq!((interner.young.len(), interner.old.len()), (0, 1));
    }

    #[test]
    fn endless_new_series_do_not_fill_the_memory() {
        let mut interner = Interner::default();
        for i in 0..GENERATION_MAX * 2 + 10 {
            interner.labels(&format!("{{\"i\":\"{i}\"}}")).unwrap();
        }
        assert!(interner.young.len() + interner.old.len() <= 2 * GENERATION_MAX);
    }

    #[test]
    fn labels_that_are_not_texts_are_refused() {
        let mut interner = Interner::default();
        for json in [r#"{"a":1}"#, "[]", "null", "7"] {
            assert!(interner.labels(json).is_err(), "{json}");
        }
    }
}
