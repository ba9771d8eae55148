//! The schema of tests of definitions.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::{Shorthand, generator};
use crate::config::raw::trial::{MessageWanted, OneOrMany, Stream, TestFile};

/// The schema of files of tests, `*.test.yaml`.
pub fn tests() -> Value {
    let mut schema = generator().into_root_schema_for::<TestFile>();
    schema.insert("title".to_owned(), json!("slofuse tests"));
    schema.to_value()
}

impl Shorthand for Stream {
    fn shorthand(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<String>()
    }
}

impl Shorthand for MessageWanted {
    fn shorthand(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"const": "none"})
    }
}

/// One text, or a list.
impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<String>();
        let many = generator.subschema_for::<Vec<T>>();
        json_schema!({"anyOf": [one, many]})
    }
}
