//! Labels and annotations as templates see them.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, Value};

use super::cut;

/// Texts by name; a name that is not there is an empty text, as in Prometheus.
#[derive(Debug)]
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    pub(super) fn of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Value {
        let pairs = pairs.map(|(name, value)| (cut(name), cut(value)));
        Value::from_object(Self(pairs.collect()))
    }

    pub(super) fn of_map(map: &BTreeMap<String, String>) -> Value {
        let pairs = map.iter();
        Self::of(pairs.map(|(name, value)| (name.as_str(), value.as_str())))
    }
}

impl Object for Names {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let value = self.0.get(key.as_str()?);
        Some(value.map_or_else(|| Value::from(""), |value| Value::from(value.as_str())))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names = self.0.keys().map(|name| Value::from(name.as_str()));
        Enumerator::Values(names.collect())
    }
}
