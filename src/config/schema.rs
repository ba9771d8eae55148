//! JSON Schemas (2020-12) of the files that people write, made from the structs that read them.
//!
//! Keys, their meaning and which of them are required come from `config::raw`: a doc comment is
//! the description of its key, and one that begins with `Required.` makes the key required. The
//! grammars of `config::value` are written out here as patterns, for editors. A schema is looser
//! than the loader: it knows no rule that joins two places, but it refuses nothing that loads.

mod trial;
mod wishes;

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::engine::{CalendarUnit, Mode, Severity};

use super::field::{Field, ValueOr};
use super::raw::definition::{
    Blind, DefaultsDocument, Period, PolicyDocument, SloDocument, SloPolicy,
};
use super::raw::settings::{SecretSource, Settings, Storm, TemplateFile, TimeInterval};
use super::value::{
    ChangeEvents, Day, DayOfMonthRange, Duration, DurationOrNever, Fraction, Instant, LabelName,
    MonthRange, Name, Size, SloRef, TimeOfDay, WebUrl, WeekdayRange, YearRange, ZoneName,
};

pub use trial::tests;
pub use wishes::wishes;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of native definitions: documents of kind `SLO`, `Policy` and `Defaults`.
pub fn definitions() -> Value {
    let mut generator = generator();
    let mut one_of = Vec::new();
    one_of.push(document::<SloDocument>(
        &mut generator,
        "SLO",
        &["metadata", "spec"],
    ));
    one_of.push(document::<PolicyDocument>(
        &mut generator,
        "Policy",
        &["metadata", "spec"],
    ));
    one_of.push(document::<DefaultsDocument>(
        &mut generator,
        "Defaults",
        &[],
    ));
    json!({
        "$schema": DIALECT,
        "title": "slofuse definitions",
        "description": "A document of apiVersion slofuse/v1: an SLO, a Policy or Defaults.",
        "oneOf": one_of,
        "$defs": generator.take_definitions(true),
    })
}

/// The schema of the daemon's settings file.
pub fn settings() -> Value {
    let mut schema = generator().into_root_schema_for::<Settings>();
    schema.insert("title".to_owned(), json!("slofuse settings"));
    schema.to_value()
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12()
        .with_transform(RecursiveTransform(tidy))
        .into_generator()
}

/// A document whose first two keys say what it is.
fn document<T: JsonSchema>(
    generator: &mut SchemaGenerator,
    kind: &str,
    required: &[&str],
) -> Schema {
    let reference = generator.subschema_for::<T>();
    let definition = generator.definitions_mut().get_mut(&*T::schema_name());
    let keys = [("apiVersion", "slofuse/v1"), ("kind", kind)];
    if let Some(Value::Object(definition)) = definition {
        if let Some(Value::Object(properties)) = definition.get_mut("properties") {
            properties.extend(keys.map(|(key, value)| (key.to_owned(), json!({"const": value}))));
        }
        let required: Vec<&str> = keys
            .iter()
            .map(|(key, _)| key)
            .chain(required)
            .copied()
            .collect();
        definition.insert("required".to_owned(), json!(required));
    }
    reference
}

/// Makes the schema of a struct say what its doc comments say, and what YAML allows.
fn tidy(schema: &mut Schema) {
    // A format such as `uint32` is of no standard.
    schema.remove("format");
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    if let Some(text) = schema.get("description").and_then(Value::as_str) {
        let plain = text
            .replace("[`", "`")
            .replace("`]", "`")
            .replace('\n', " ");
        schema.insert("description".to_owned(), json!(plain));
    }
    let is_free_text = ["pattern", "enum", "const"]
        .iter()
        .all(|key| schema.get(*key).is_none());
    if schema.get("type") == Some(&json!("string")) && is_free_text {
        // YAML has no quotes around `version: 3`.
        schema.insert("type".to_owned(), json!(["string", "number", "boolean"]));
    }
    require(schema);
}

/// Moves the word `Required.` from descriptions to where a schema has it.
fn require(schema: &mut Schema) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else {
        return;
    };
    let mut required = Vec::new();
    for (key, property) in properties {
        let Some(Value::String(text)) = property.get_mut("description") else {
            continue;
        };
        if let Some(rest) = text.strip_prefix("Required.") {
            *text = rest.trim_start().to_owned();
            required.push(json!(key));
        }
    }
    if !required.is_empty() {
        schema.insert("required".to_owned(), Value::Array(required));
    }
}

/// Alternatives of a section: exactly one of these keys.
pub(super) fn one_of<const N: usize>(keys: [&str; N]) -> Value {
    Value::from_iter(keys.map(|key| json!({"required": [key]})))
}

/// Alternatives of a section: two of these keys.
pub(super) fn two_of(keys: [&str; 3]) -> Value {
    let [one, two, three] = keys;
    let pairs = [[one, two], [one, three], [two, three]];
    Value::from_iter(pairs.map(|pair| json!({"required": pair})))
}

/// A field is what it holds.
impl<T: JsonSchema> JsonSchema for Field<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A section that may be written as a single value.
trait Shorthand: JsonSchema {
    /// What the single value may be.
    fn shorthand(generator: &mut SchemaGenerator) -> Schema;
}

impl Shorthand for Period {
    fn shorthand(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Duration>()
    }
}

impl Shorthand for SloPolicy {
    fn shorthand(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Name>()
    }
}

impl Shorthand for Blind {
    fn shorthand(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"const": false})
    }
}

impl Shorthand for SecretSource {
    fn shorthand(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<String>()
    }
}

impl Shorthand for TemplateFile {
    fn shorthand(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<String>()
    }
}

impl Shorthand for TimeInterval {
    fn shorthand(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Name>()
    }
}

impl Shorthand for Storm {
    fn shorthand(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"enum": ["off", false]})
    }
}

impl<S: Shorthand> JsonSchema for ValueOr<S> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("ValueOr{}", S::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = S::shorthand(generator);
        json_schema!({"anyOf": [value, generator.subschema_for::<S>()]})
    }
}

/// Types whose schema is written by hand.
macro_rules! written {
    ($($type:ident: $schema:tt)*) => {
        $(impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        })*
    };
}

written! {
    Duration: {
        "description": "A length of time in the notation of Prometheus.",
        "type": ["string", "integer"],
        "minLength": 1,
        "pattern": "^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$",
        "minimum": 0,
        "maximum": 0,
        "examples": ["30s", "5m", "1h30m", "30d"]
    }
    DurationOrNever: {
        "description": "A length of time in the notation of Prometheus, or never.",
        "type": ["string", "integer"],
        "minLength": 1,
        "pattern": "^(never|0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$",
        "minimum": 0,
        "maximum": 0,
        "examples": ["12h", "3d", "never"]
    }
    Fraction: {
        "description": "A part of a whole: a percentage, or a number from 0 to 1.",
        "type": ["string", "number"],
        "pattern": "^[+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?( *%)?$",
        "minimum": 0,
        "maximum": 1,
        "examples": ["2%", 0.02]
    }
    Size: {
        "description": "A number of bytes.",
        "type": ["string", "integer"],
        "pattern": "^[+]?[0-9]+( *(KiB|MiB|GiB))?$",
        "minimum": 0,
        "examples": [4096, "64KiB", "256MiB", "1GiB"]
    }
    Name: {
        "description": "Up to 63 letters, digits, _, . and -, beginning with a letter or digit.",
        "type": ["string", "integer"],
        "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$",
        "examples": ["checkout", "availability"]
    }
    SloRef: {
        "description": "An SLO: service/name, or its name within the same service.",
        "type": ["string", "integer"],
        "pattern": "^([A-Za-z0-9][A-Za-z0-9_.-]{0,62}/)?[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$",
        "examples": ["checkout/availability", "availability"]
    }
    ZoneName: {
        "description": "A time zone by its IANA name.",
        "type": "string",
        "minLength": 1,
        "pattern": "^[A-Za-z0-9_+/-]+$",
        "examples": ["Europe/Berlin", "UTC"]
    }
    Day: {
        "description": "A day: year-month-day.",
        "type": "string",
        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        "examples": ["2026-11-21"]
    }
    Instant: {
        "description": "An instant: day and time with the offset from UTC.",
        "type": "string",
        "pattern": "^[-+0-9]{4,7}-?[0-9]{2}-?[0-9]{2}[Tt ]",
        "examples": ["2026-11-21T22:00:00Z", "2026-11-21T23:00:00+01:00"]
    }
    TimeOfDay: {
        "description": "A time of the day, 00:00 to 24:00.",
        "type": "string",
        "pattern": "^[0-2][0-9]:[0-5][0-9]$",
        "examples": ["09:00", "24:00"]
    }
    WeekdayRange: {
        "description": "A day of the week, or a range of them, both ends included.",
        "type": "string",
        "examples": ["sunday", "monday:friday"]
    }
    DayOfMonthRange: {
        "description": "A day of the month, negative from its end, or a range of them, both ends included.",
        "type": ["string", "integer"],
        "minimum": -31,
        "maximum": 31,
        "examples": [1, "1:5", "-3:-1"]
    }
    MonthRange: {
        "description": "A month by name or number, or a range of them, both ends included.",
        "type": ["string", "integer"],
        "minimum": 1,
        "maximum": 12,
        "examples": ["december", "january:march", "1:3"]
    }
    YearRange: {
        "description": "A year, or a range of them, both ends included.",
        "type": ["string", "integer"],
        "minimum": 1970,
        "maximum": 9999,
        "examples": [2026, "2026:2028"]
    }
    ChangeEvents: {
        "description": "Whether changes are shown, or the URL for it.",
        "type": ["string", "boolean"],
        "pattern": "^(true|false|[hH][tT][tT][pP][sS]?:)",
        "examples": [true, "https://events.pagerduty.com/v2/change/enqueue"]
    }
    LabelName: {
        "description": "The name of a Prometheus label.",
        "type": ["string", "boolean"],
        "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
        "examples": ["region"]
    }
    WebUrl: {
        "description": "A whole http or https URL without credentials.",
        "type": "string",
        "pattern": "^[hH][tT][tT][pP][sS]?:",
        "examples": ["https://runbooks.example.com/checkout"]
    }
    CalendarUnit: {
        "type": "string",
        "enum": ["week", "month", "quarter", "year"]
    }
    Mode: {
        "type": "string",
        "enum": ["ratio", "budget"]
    }
    Severity: {
        "type": "string",
        "enum": ["page", "ticket", "info"]
    }
}
