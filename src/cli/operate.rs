//! What commands that speak to a daemon have in common: run, print as JSON, or as a table.

use comfy_table::{ColumnConstraint, Width};
use serde_json::Value;

use super::{Outcome, check, runtime, say};

/// Runs one command.
pub(super) fn run(work: impl Future<Output = Outcome>) -> Outcome {
    runtime()?.block_on(work)
}

/// What the daemon answered, as it is.
pub(super) fn print_json(answer: &Value) {
    say(&serde_json::to_string_pretty(answer).unwrap_or_default());
}

/// Columns of words for people, which may be broken into lines. All others stay whole, even if the
/// table becomes wide: what they show is copied into the next command.
const PROSE: [&str; 3] = ["notes", "comment", "error"];

/// Least width of such a column.
const PROSE_WIDTH_MIN: u16 = 24;

/// A table of what a list of the answer holds, a row per item, and how many more there are.
pub(super) fn print_table<const N: usize>(
    answer: &Value,
    list: &str,
    header: [&str; N],
    row: impl Fn(&Value) -> [String; N],
) {
    let items = answer[list]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if items.is_empty() {
        say(&format!("no {}", list.replace('_', " ")));
    } else {
        let mut table = check::table();
        table.set_header(header);
        for item in items {
            table.add_row(row(item));
        }
        for (column, name) in table.column_iter_mut().zip(header) {
            let is_prose = PROSE.contains(&name);
            column.set_constraint(match is_prose {
                true => ColumnConstraint::LowerBoundary(Width::Fixed(PROSE_WIDTH_MIN)),
                false => ColumnConstraint::ContentWidth,
            });
        }
        say(&table.trim_fmt());
    }
    let total = answer["total"].as_u64().unwrap_or_default();
    let shown = items.len() as u64;
    if total > shown {
        say(&format!("{} more", total - shown));
    }
}

/// The text of a field, free of what a terminal would obey.
pub(super) fn text(value: &Value) -> String {
    const CHARS_MAX: usize = 500;
    match value {
        Value::Null => String::new(),
        Value::String(text) => crate::message::text::line(text, CHARS_MAX),
        other => other.to_string(),
    }
}

/// A time as people read it: `2026-01-02 03:04:05`, UTC.
pub(super) fn time(value: &Value) -> String {
    let text = text(value);
    let seconds = text.get(..19).unwrap_or_default();
    seconds.replace('T', " ")
}

/// The texts of a list, one per line.
pub(super) fn lines(value: &Value) -> String {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().map(text).collect::<Vec<_>>().join("\n")
}

/// The user of the system, for where somebody must be named.
pub(super) fn user() -> Option<String> {
    std::env::var("USER").ok().filter(|user| !user.is_empty())
}
