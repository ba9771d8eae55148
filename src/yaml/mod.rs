//! Values as YAML, line by line, so that it reads as if a person had written it.
//!
//! Readers differ in what ends a line and in which words are more than texts. What is written here
//! is read alike by all: a text is plain only where it cannot be anything else, and characters
//! that do not show are escaped.

use std::fmt::Write as _;

use serde_yaml::{Mapping, Value};

/// Levels are set in by so many spaces.
const STEP: usize = 2;

/// A document: a section or a list; entries of a section without a value are left out.
pub fn document(value: &Value) -> String {
    let mut out = String::new();
    block(value, 0, &mut out);
    out
}

/// A section or list, each of its lines set in.
fn block(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Mapping(entries) => section(entries, indent, out),
        Value::Sequence(items) => {
            for item in items {
                list_item(item, indent, out);
            }
        }
        _ => {
            out.push_str(&scalar(value, indent));
            out.push('\n');
        }
    }
}

fn section(entries: &Mapping, indent: usize, out: &mut String) {
    for (key, value) in entries.iter().filter(|(_, value)| !value.is_null()) {
        set_in(indent, out);
        out.push_str(&key.as_str().map(in_one_line).unwrap_or_default());
        out.push(':');
        if is_nested(value) {
            out.push('\n');
            block(value, indent + STEP, out);
        } else {
            out.push(' ');
            out.push_str(&scalar(value, indent + STEP));
            out.push('\n');
        }
    }
}

fn list_item(item: &Value, indent: usize, out: &mut String) {
    set_in(indent, out);
    out.push_str("- ");
    if is_nested(item) {
        // The first line of the item stands where the dash already is.
        let mut lines = String::new();
        block(item, indent + STEP, &mut lines);
        out.push_str(lines.trim_start_matches(' '));
    } else {
        out.push_str(&scalar(item, indent + STEP));
        out.push('\n');
    }
}

fn set_in(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// Whether lines of its own follow.
fn is_nested(value: &Value) -> bool {
    match value {
        Value::Mapping(entries) => entries.values().any(|value| !value.is_null()),
        Value::Sequence(items) => !items.is_empty(),
        _ => false,
    }
}

fn scalar(value: &Value, indent: usize) -> String {
    match value {
        Value::String(text) => in_lines(text, indent).unwrap_or_else(|| in_one_line(text)),
        Value::Bool(is) => is.to_string(),
        Value::Number(number) => match (number.as_u64(), number.as_f64()) {
            (Some(whole), _) => whole.to_string(),
            (None, Some(number)) => number.to_string(),
            (None, None) => number.to_string(),
        },
        Value::Sequence(_) => "[]".to_owned(),
        Value::Mapping(_) => "{}".to_owned(),
        Value::Null | Value::Tagged(_) => "null".to_owned(),
    }
}

/// A text of several lines as it is, if that is safe.
fn in_lines(text: &str, indent: usize) -> Option<String> {
    let (inner, head) = match text.strip_suffix('\n') {
        Some(inner) => (inner, "|"),
        None => (text, "|-"),
    };
    let starts_well = !inner.starts_with([' ', '\n']);
    let ends_well = !inner.ends_with('\n');
    let several = text.contains('\n') && !inner.is_empty();
    if !several || !starts_well || !ends_well || !text.chars().all(|c| c == '\n' || shows(c)) {
        return None;
    }
    let mut out = head.to_owned();
    for line in inner.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            set_in(indent, &mut out);
            out.push_str(line);
        }
    }
    Some(out)
}

fn in_one_line(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else if text.chars().all(shows) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        let mut out = String::from("\"");
        for c in text.chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                c if shows(c) => out.push(c),
                // Writing to a text cannot fail.
                c => drop(write!(out, "\\U{:08x}", u32::from(c))),
            }
        }
        out.push('"');
        out
    }
}

/// Whether a text needs no quotes: to no reader is it a number, a date, a word with a meaning of
/// its own, or more than one line.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"];
    let is_word = WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    let starts_well = match text.chars().next() {
        Some(first) if first.is_ascii_digit() => is_quantity(text),
        Some(first) => first.is_alphabetic() || matches!(first, '_' | '/' | '('),
        None => false,
    };
    let structured = [": ", " #", "\t"].iter().any(|part| text.contains(part));
    starts_well && !is_word && !structured && !text.ends_with([' ', ':']) && text.chars().all(shows)
}

/// `30d`, `1d12h` or `6.25%`
fn is_quantity(text: &str) -> bool {
    match text.strip_suffix('%') {
        Some(number) => number.parse::<f64>().is_ok(),
        None => is_duration(text),
    }
}

/// Numbers, each with a unit behind it.
fn is_duration(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let unit = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let next = unit.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let name = unit.strip_suffix(next).unwrap_or_default();
        if unit == rest || !matches!(name, "ms" | "s" | "m" | "h" | "d" | "w" | "y") {
            return false;
        }
        rest = next;
    }
    true
}

/// Whether a character can be seen, or is a space, and is the same to all readers.
fn shows(c: char) -> bool {
    let hidden = matches!(
        c,
        '\u{ad}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff0}'..='\u{ffff}'
    );
    c == ' ' || !(c.is_control() || c.is_whitespace() || hidden)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> String {
        in_one_line(text)
    }

    #[test]
    fn a_text_stays_a_text() {
        for plain in [
            "30d",
            "1d12h",
            "500ms",
            "6.25%",
            "a_total{job=\"x\"}",
            "web/api",
            "sum(a)",
            "https://a.b:1/#c",
        ] {
            assert_eq!(text(plain), plain);
        }
        for quoted in [
            "",
            "1.10",
            "2031-02-03",
            "1:30",
            "0x1f",
            "1e3",
            "no",
            "True",
            "null",
            "~",
            "- a",
            "a: b",
            "a #b",
            " a",
            "a ",
            "a:",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a`",
            "{a}",
            "[a]",
            "? a",
            "|",
            ">",
            "1d2",
            "12e",
            "1_0",
            "-1",
            ".5",
            "'a'",
            "=",
            "<<",
        ] {
            assert_eq!(
                text(quoted),
                format!("'{}'", quoted.replace('\'', "''")),
                "{quoted}"
            );
        }
        assert_eq!(text("a\u{2028}\"b\\"), r#""a\U00002028\"b\\""#);
    }

    #[test]
    fn sections_and_lists_are_set_in() {
        let value = serde_json::json!({
            "a": {"b": [{"c": 1, "d": ["x", {"e": 2.5}]}, {}, []]},
            "f": "one\n\n two\n",
            "g": "\nthree",
            "h": null,
        });
        let value = serde_yaml::to_value(value).unwrap();
        insta::assert_snapshot!(document(&value), @r#"
        a:
          b:
            - c: 1
              d:
                - x
                - e: 2.5
            - {}
            - []
        f: |
          one

           two
        g: "\nthree"
        "#);
    }

    fn any_value() -> impl Strategy<Value = serde_json::Value> {
        let text =
            "([ :#'\"|>\\n\\t{}\\[\\]!&*%@`,?-]|\\PC|[a-z0-9.]{1,3}|\u{85}|\u{2028}|\u{feff}){0,6}";
        let leaf = prop_oneof![
            text.prop_map(serde_json::Value::from),
            any::<u64>().prop_map(serde_json::Value::from),
            any::<i32>().prop_map(|half| serde_json::Value::from(f64::from(half) + 0.5)),
            any::<bool>().prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
                proptest::collection::btree_map(text, inner, 1..5)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// By a reader that is not ours.
        #[test]
        fn another_reader_reads_what_was_written(value in any_value()) {
            let value = serde_json::json!({ "value": value });
            let text = document(&serde_yaml::to_value(&value).unwrap());
            let read: serde_json::Value = serde_yaml::from_str(&text).unwrap();
            prop_assert_eq!(read, value, "{}", text);
        }
    }
}
