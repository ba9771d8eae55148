//! The JSON Schemas: as checked in, true of every file that loads, false of common mistakes.

use boon::{Compiler, SchemaIndex, Schemas};
use serde::Deserialize;
use serde_json::{Value, json};

use super::cli::slofuse;
use super::readme::blocks_in;
use super::repository::{self, read};

/// A schema that is ready to judge.
struct Judge {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Judge {
    fn new(file: &str) -> Self {
        Self::of(file, "")
    }

    /// A part of a schema, such as `#/$defs/Sli`.
    fn of(file: &str, part: &str) -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        let schema: Value = serde_json::from_str(&read(file)).unwrap();
        let place = format!("https://slofuse.invalid/{file}");
        compiler.add_resource(&place, schema).unwrap();
        let index = compiler
            .compile(&format!("{place}{part}"), &mut schemas)
            .unwrap();
        Self { schemas, index }
    }

    fn accepts(&self, value: &Value) -> Result<(), String> {
        let verdict = self.schemas.validate(value, self.index);
        verdict.map_err(|error| format!("{error:#}"))
    }
}

fn yaml(text: &str) -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(text);
    let documents = documents.map(|document| Value::deserialize(document).unwrap());
    documents.filter(|document| !document.is_null()).collect()
}

#[test]
fn the_schemas_checked_in_are_those_of_the_program() {
    for of in ["definitions", "settings", "tests", "wishes"] {
        let output = slofuse(&["schema", of]).output().unwrap();
        let made = String::from_utf8(output.stdout).unwrap();
        assert!(
            made == read(&format!("schema/{of}.json")),
            "schema/{of}.json is out of date: cargo run -- schema {of} > schema/{of}.json"
        );
    }
}

#[test]
fn every_file_follows_its_schema() {
    let definitions = Judge::new("schema/definitions.json");
    let settings = Judge::new("schema/settings.json");
    let tests = Judge::new("schema/tests.json");
    let mut files = 0;
    for path in repository::files() {
        let native = ["rules/", "tests/fixtures/rules/slos/", "src/demo/"];
        let judge = match path.as_str() {
            path if path.starts_with("rules/") && path.ends_with(".test.yaml") => &tests,
            path if !path.ends_with(".yaml") || path.ends_with(".test.yaml") => continue,
            path if path.starts_with("config/") => &settings,
            path if native.iter().any(|folder| path.starts_with(folder)) => &definitions,
            _ => continue,
        };
        files += 1;
        for document in yaml(&read(&path)) {
            judge
                .accepts(&document)
                .unwrap_or_else(|error| panic!("{path}: {error}"));
        }
    }
    assert!(files > 15, "only {files} files were found");
}

#[test]
fn the_examples_in_the_documents_follow_the_schema() {
    let definitions = Judge::new("schema/definitions.json");
    let sli = Judge::of("schema/definitions.json", "#/$defs/Sli");
    let wishes = Judge::new("schema/wishes.json");
    let (mut judged, mut wished) = (0, 0);
    for block in blocks_in("yaml") {
        for document in yaml(&block.text) {
            let verdict = match (&document["apiVersion"], &document["sli"]) {
                (Value::String(version), _) if version == "slofuse/v1" => {
                    definitions.accepts(&document)
                }
                (Value::Null, part @ Value::Object(_)) => sli.accepts(part),
                (Value::Null, Value::Null) if !document["pages_per_week"].is_null() => {
                    wished += 1;
                    wishes.accepts(&document)
                }
                _ => continue,
            };
            judged += 1;
            verdict.unwrap_or_else(|error| panic!("{}: {error}", block.place));
        }
    }
    assert!(judged >= 5, "only {judged} examples were found");
    assert!(wished > 0, "no example of wishes was found");
}

#[test]
fn wishes_that_load_follow_their_schema_and_common_mistakes_do_not() {
    let judge = Judge::new("schema/wishes.json");
    for (text, is_right) in [
        ("pages_per_week: 2", true),
        ("detect: [10% within 5m, {errors: 0.5, within: 1h}]", true),
        ("slos: [{slo: shop/*, objective: {at_least: 99}}]", true),
        ("pages_per_wek: 2", false),
        ("detect: [10% in 5m]", false),
        ("detect: [{errors: 10%}]", false),
        ("slos: [{pages_per_week: 1}]", false),
    ] {
        let loads = slofuse::config::wishes::WishList::read("w", text.as_bytes()).is_ok();
        let follows = yaml(text).iter().all(|one| judge.accepts(one).is_ok());
        assert_eq!((loads, follows), (is_right, is_right), "{text}");
    }
}

/// A definition that is right, changed at one place.
fn changed(pointer: &str, value: Value) -> Value {
    let mut document = json!({
        "apiVersion": "slofuse/v1",
        "kind": "SLO",
        "metadata": {"service": "shop", "name": "pay", "labels": {"tier": 1, "team": "a"}},
        "spec": {
            "objective": 99.9,
            "period": "30d",
            "sli": {"events": {"bad": "a", "total": "b"}}
        }
    });
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = document
        .pointer_mut(parent)
        .unwrap()
        .as_object_mut()
        .unwrap();
    match value {
        Value::Null => parent.remove(key),
        value => parent.insert(key.to_owned(), value),
    };
    document
}

#[test]
fn common_mistakes_do_not_follow_the_schema() {
    let definitions = Judge::new("schema/definitions.json");
    for (pointer, right) in [
        ("/spec/period", json!("4w")),
        (
            "/spec/period",
            json!({"calendar": "month", "zone": "Europe/Berlin"}),
        ),
        ("/spec/policy", json!("low-traffic")),
        (
            "/spec/policy",
            json!({"from": "low-traffic", "pending": 0, "blind": false}),
        ),
        (
            "/spec/sli",
            json!({"journey": [{"slo": "shop/cart"}, {"name": "x", "sli": {"ratio": {"error_ratio": "a"}}}]}),
        ),
        ("/metadata/service", Value::Null),
        ("/metadata/version", json!(3)),
    ] {
        let document = changed(pointer, right);
        definitions
            .accepts(&document)
            .unwrap_or_else(|error| panic!("{document}: {error}"));
    }
    for (pointer, wrong) in [
        ("/spec/objective", json!(100)),
        ("/spec/objective", json!("high")),
        ("/spec/objective", Value::Null),
        ("/spec/objectives", json!(99)),
        ("/spec/period", json!("30 days")),
        ("/spec/period", json!(30)),
        ("/spec/period", json!({"calendar": "fortnight"})),
        ("/spec/period", json!({"calendar": "week", "events": 5})),
        ("/spec/policy", json!({"tiers": [{"severity": "sms"}]})),
        (
            "/spec/policy",
            json!({"tiers": [{"severity": "page", "budget": "2%", "long": "1h"}]}),
        ),
        ("/spec/policy", json!({"blind": true})),
        ("/spec/group_by", json!("region")),
        ("/spec/group_by", json!(["a-b"])),
        ("/spec/sli", Value::Null),
        ("/spec/sli", json!({})),
        (
            "/spec/sli/latency",
            json!({"histogram": "x", "threshold": "1s"}),
        ),
        ("/spec/sli", json!({"latency": {"histogram": "x"}})),
        ("/spec/sli/events/total", Value::Null),
        ("/spec/sli/events/error", json!("x")),
        ("/spec/alerts", json!({"critical": {}})),
        ("/spec/alerts", json!({"page": {"disable": true}})),
        ("/metadata/name", Value::Null),
        ("/metadata/name", json!("pay/now")),
        ("/metadata/runbook", json!("wiki")),
        ("/metadata/labels", json!({"a": ["b"]})),
        ("/metadata/review_by", json!("21.11.2026")),
        ("/kind", json!("SLI")),
        ("/kind", Value::Null),
        ("/apiVersion", json!("slofuse/v2")),
    ] {
        let document = changed(pointer, wrong);
        assert!(definitions.accepts(&document).is_err(), "{document}");
        refused_by_the_loader(&document);
    }
    let settings = Judge::new("schema/settings.json");
    let right = yaml(&read("config/minimal.yaml")).remove(0);
    settings.accepts(&right).unwrap();
    for (key, wrong) in [
        ("prometheus", json!({"url": "localhost:9090"})),
        ("evaluation", json!({"interval": "soon"})),
        ("delivery", json!({"age_max": 5})),
        ("receiver", json!([])),
        ("routes", json!({"pager": ["a"]})),
    ] {
        let mut document = right.clone();
        document
            .as_object_mut()
            .unwrap()
            .insert(key.to_owned(), wrong);
        assert!(settings.accepts(&document).is_err(), "{document}");
    }
}

/// The schema refuses nothing that loads.
fn refused_by_the_loader(document: &Value) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("slo.yaml");
    std::fs::write(&file, document.to_string()).unwrap();
    let loaded = slofuse::config::load_definitions(&[file], &[]);
    assert!(loaded.is_err(), "the loader accepts {document}");
}
