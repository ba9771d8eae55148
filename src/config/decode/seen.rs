//! The structs that were decoded and the keys they were given: lets a test ask which keys an example
//! file leaves out.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::{Node, Value};

/// By `struct.key`: whether it was ever written.
type Keys = BTreeMap<String, bool>;

thread_local! {
    static KEYS: RefCell<Keys> = RefCell::default();
}

pub(super) fn record(name: &str, fields: &[&str], node: &Node) {
    let written: BTreeSet<&str> = match &node.value {
        Value::Mapping(entries) => entries.iter().map(|(key, _)| key.text.as_str()).collect(),
        _ => BTreeSet::new(),
    };
    KEYS.with_borrow_mut(|keys| {
        for field in fields {
            let ever = keys.entry(format!("{name}.{field}")).or_default();
            *ever |= written.contains(field);
        }
    });
}

/// Keys that structs decoded on this thread have, but were never given.
pub(in crate::config) fn never_written() -> Vec<String> {
    KEYS.with_borrow(|keys| {
        let never = keys.iter().filter(|(_, written)| !**written);
        never.map(|(key, _)| key.clone()).collect()
    })
}
