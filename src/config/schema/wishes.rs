//! The schema of wishes.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::{Shorthand, generator};
use crate::config::raw::wishes::{Detect, WishesFile};

/// The schema of files of wishes, for `slofuse tune --wishes`.
pub fn wishes() -> Value {
    let mut schema = generator().into_root_schema_for::<WishesFile>();
    schema.insert("title".to_owned(), json!("slofuse wishes"));
    schema.to_value()
}

impl Shorthand for Detect {
    fn shorthand(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^\s*[0-9.]+\s*%?\s*within.*$",
        })
    }
}
