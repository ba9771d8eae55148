//! Diagnostics as SARIF 2.1.0, the format in which code scanners report (OASIS, 2020).

use serde_json::{Value, json};

use crate::config::lint::Lint;
use crate::config::{Diagnostic, Diagnostics};

use super::levels::Levels;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// One run with all rules and results.
pub(super) fn report(found: &Diagnostics, levels: &Levels) -> Value {
    let results: Vec<Value> = found.iter().map(result).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": env!("CARGO_PKG_NAME"),
                "version": env!("CARGO_PKG_VERSION"),
                "rules": Lint::ALL.map(|lint| rule(lint, levels)),
            }},
            // Columns of the loader count characters.
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(rule: Lint, levels: &Levels) -> Value {
    let level = levels.of(rule, rule.level());
    json!({
        "id": rule.name(),
        "shortDescription": {"text": rule.summary()},
        "defaultConfiguration": {
            "enabled": level.is_some(),
            "level": level.unwrap_or_else(|| rule.level()).as_str(),
        },
    })
}

fn result(one: &Diagnostic) -> Value {
    let index = Lint::ALL.iter().position(|rule| *rule == one.rule);
    json!({
        "ruleId": one.rule.name(),
        "ruleIndex": index,
        "level": one.severity.as_str(),
        "message": {"text": format!("{}\nhelp: {}", one.message, one.fix)},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": uri(&one.place.file)},
            "region": {"startLine": one.place.line.max(1), "startColumn": one.place.column.max(1)},
        }}],
    })
}

/// A path as a URI reference: what may not stand in one is escaped.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    let path = path.strip_prefix("./").unwrap_or(path);
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~') {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri("./rules/a b.yaml"), "rules/a%20b.yaml");
        assert_eq!(uri("/etc/ä.yaml"), "file:///etc/%C3%A4.yaml");
    }
}
