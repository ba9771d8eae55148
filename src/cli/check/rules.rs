//! `slofuse check --list-rules`: what is checked, and how grave it is.

use serde_json::{Value, json};

use crate::config::Level;
use crate::config::lint::Lint;

use super::levels::Levels;

/// One rule per line: name, level, meaning.
pub(super) fn text(levels: &Levels) -> String {
    let width = Lint::ALL.map(|rule| rule.name().len()).into_iter().max();
    let width = width.unwrap_or_default();
    let line = |rule: Lint| {
        let level = word(levels.of(rule, rule.level()));
        let fixed = if rule.is_fixed() {
            " (always an error)"
        } else {
            ""
        };
        format!(
            "{:width$}  {level:7}  {}{fixed}",
            rule.name(),
            rule.summary()
        )
    };
    Lint::ALL.map(line).join("\n")
}

/// The same for programs.
pub(super) fn as_json(levels: &Levels) -> Value {
    let rule = |rule: Lint| {
        json!({
            "rule": rule.name(),
            "severity": word(levels.of(rule, rule.level())),
            "fixed": rule.is_fixed(),
            "summary": rule.summary(),
        })
    };
    json!({ "rules": Lint::ALL.map(rule) })
}

fn word(level: Option<Level>) -> &'static str {
    level.map_or("allowed", Level::as_str)
}
