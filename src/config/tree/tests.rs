//! Places, anchors and mistakes of YAML, and the bounds that hostile files meet.

use std::cell::RefCell;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::config::diagnostic::Diagnostics;

/// The documents as nested text with places, and what was reported.
fn read_all(bytes: &[u8]) -> (String, Diagnostics) {
    let found = RefCell::default();
    let tree = parse(bytes, &Report::new("a.yaml".into(), &found));
    let mut text = String::new();
    for node in &tree.documents {
        show(node, &mut text);
        text.push('\n');
    }
    (text, found.into_inner())
}

fn show(node: &Node, out: &mut String) {
    let Mark { line, column, .. } = node.mark;
    write!(out, "{line}:{column} ").unwrap();
    match &node.value {
        Value::Null => out.push_str("null"),
        Value::Scalar { text, column, .. } => {
            let exact = column.map_or(String::new(), |column| format!("@{column}"));
            write!(out, "{text:?}{exact}").unwrap();
        }
        Value::Sequence(items) => {
            out.push('[');
            items.iter().for_each(|item| show(item, out));
            out.push(']');
        }
        Value::Mapping(entries) => {
            out.push('{');
            for (key, value) in entries {
                write!(out, " {}: ", key.text).unwrap();
                show(value, out);
            }
            out.push('}');
        }
    }
}

fn only_error(bytes: &[u8]) -> String {
    let (_, found) = read_all(bytes);
    assert_eq!(found.errors(), 1, "{found}");
    let first = found.iter().next().unwrap();
    format!(
        "{}:{} {}",
        first.place.line, first.place.column, first.message
    )
}

#[test]
fn every_node_knows_its_place() {
    let yaml = "\u{feff}# comment\na: plain text\nb: 'single'\nc: \"dou\\\"ble\"\nd:\n  - 1\n  - [x, ~]\ne:\nf: |\n  one\n  two\n---\n---\nsecond: no\n";
    let (text, found) = read_all(yaml.as_bytes());
    assert_eq!(found.errors(), 0, "{found}");
    insta::assert_snapshot!(text, @r#"
    2:1 { a: 2:4 "plain text"@4 b: 3:4 "single"@5 c: 4:4 "dou\"ble" d: 6:3 [6:5 "1"@57:5 [7:6 "x"@67:9 null]] e: 8:1 null f: 10:3 "one\ntwo\n"@3}
    14:1 { second: 14:9 "no"@9}
    "#);
}

#[test]
fn anchors_are_copied_and_end_with_their_document() {
    let (text, found) = read_all(b"a: &x {k: v}\nb: *x\n");
    assert_eq!(found.errors(), 0, "{found}");
    insta::assert_snapshot!(text, @r#"1:1 { a: 1:4 { k: 1:11 "v"@11} b: 1:4 { k: 1:11 "v"@11}}"#);
    insta::assert_snapshot!(only_error(b"a: &x 1\n---\nb: *x\n"), @"3:4 this alias names an anchor that is not complete before it");
    insta::assert_snapshot!(only_error(b"a: &x [1, *x]\n"), @"1:11 this alias names an anchor that is not complete before it");
}

#[test]
fn duplicate_keys_tags_and_odd_keys_are_mistakes() {
    let (text, found) = read_all(b"a: 1\nb: 2\na: 3\nc: !!int 4\n");
    insta::assert_snapshot!(text, @r#"1:1 { a: 1:4 "1"@4 b: 2:4 "2"@4 c: 4:4 "4"}"#);
    insta::assert_snapshot!(found, @r#"
    a.yaml:3:1: error: the key "a" is given twice
      fix: keep one of the two
    a.yaml:4:4: error: a YAML tag is not understood here
      fix: remove it, and quote the value if it should be text
    "#);
    insta::assert_snapshot!(only_error(b"? [a]\n: b\n"), @"1:3 a key must be plain text");
    insta::assert_snapshot!(only_error(b"~: b\n"), @"1:1 a key must be plain text");
}

#[test]
fn a_mistake_of_syntax_keeps_what_stood_before() {
    let (text, found) = read_all(b"a: 1\n---\nb: [1\nc: 2\n");
    insta::assert_snapshot!(text, @r#"1:1 { a: 1:4 "1"@4}"#);
    assert_eq!(found.errors(), 1);
}

#[test]
fn bytes_that_are_not_text_have_a_place() {
    insta::assert_snapshot!(only_error(b"a: 1\nb: \xff\n"), @"2:4 this is not UTF-8");
    insta::assert_snapshot!(only_error(b"a: 1\nbc\0: 2\n"), @"2:3 a control character is not allowed here");
    insta::assert_snapshot!(only_error(b"a: \xc3\xa9\x1b[31m\n"), @"1:5 a control character is not allowed here");
}

#[test]
fn aliases_cannot_explode() {
    let mut laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..30 {
        let previous = format!("*a{}", level - 1);
        let list = vec![previous; 9].join(", ");
        writeln!(laughs, "a{level}: &a{level} [{list}]").unwrap();
    }
    let error = only_error(laughs.as_bytes());
    assert!(
        error.ends_with("anchors and aliases copy more than 4 MiB"),
        "{error}"
    );

    let huge = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(1 << 20),
        "*a, ".repeat(10_000)
    );
    let error = only_error(huge.as_bytes());
    assert!(
        error.ends_with("anchors and aliases copy more than 4 MiB"),
        "{error}"
    );
}

#[test]
fn nesting_is_bounded_whatever_opens_it() {
    let mut indented = String::new();
    for level in 0..2_000 {
        writeln!(indented, "{}a:", " ".repeat(level)).unwrap();
    }
    let deep = ["[", "{a: ", "- ", "? ", "[{a: "].map(|open| open.repeat(10_000));
    for text in deep.iter().chain([&indented]) {
        let (_, found) = read_all(text.as_bytes());
        let start: String = text.chars().take(8).collect();
        assert_eq!(found.errors(), 1, "{start}: {found}");
    }
    insta::assert_snapshot!(only_error(deep[0].as_bytes()), @r#"1:256 this is nested deeper than 64 levels"#);
    insta::assert_snapshot!(only_error(indented.as_bytes()), @r#"65:65 this is nested deeper than 64 levels"#);
}

#[test]
fn a_megabyte_of_anything_ends() {
    let pieces = [
        "a", " ", "\n", "\t", "[", "]", "{", "}", "- ", "-\n", "? ", ": ", "&a ", "*a ", "!",
        "!!a ", "\"", "'", "|\n", ">", "%", "#", "@", "`", "a: ", "a:\n", "---\n", "...\n", ",",
        "[]", "{}\n", "\u{feff}", "é", "\\", "&", "a: b: ", "[a,", "{a:b,", "? a\n",
    ];
    for piece in pieces {
        let text = piece.repeat((1 << 20) / piece.len());
        let (_, found) = read_all(text.as_bytes());
        assert!(found.iter().count() <= Diagnostics::KEPT_MAX, "{piece}");
    }
}

proptest! {
    #[test]
    fn any_bytes_end_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read_all(&bytes);
    }

    #[test]
    fn any_yaml_like_text_ends_without_panic(
        text in "([ \\n]{0,3}(- |\\? |: |a|b: |&a |\\*a|\\[|\\]|\\{|\\}|,|\"|'|#|---\\n|\\|\\n|!|%)){0,60}",
    ) {
        read_all(text.as_bytes());
    }

    #[test]
    fn literal_lines_begin_in_their_column(lines in proptest::collection::vec("[a-z][a-z ]{0,8}", 1..5)) {
        let body: Vec<String> = lines.iter().map(|line| format!("    {line}\n")).collect();
        let found = RefCell::default();
        let yaml = format!("k: |\n{}", body.concat());
        let tree = parse(yaml.as_bytes(), &Report::new("a".into(), &found));
        let node = tree.documents[0].get("k").unwrap();
        prop_assert_eq!(node.mark, Mark { file: 0, line: 2, column: 5 });
        let Value::Scalar { column, .. } = node.value else { panic!("not a scalar") };
        prop_assert_eq!(column, Some(5));
    }

    #[test]
    fn exact_columns_point_at_the_text(text in "[a-z(=~\"{}]{1,20}", pad in 0usize..5) {
        let yaml = format!("{}: '{}'\n", "k".repeat(pad + 1), text);
        let found = RefCell::default();
        let tree = parse(yaml.as_bytes(), &Report::new("a".into(), &found));
        let Value::Scalar { text: read, column, .. } = &tree.documents[0].get(&"k".repeat(pad + 1)).unwrap().value else {
            panic!("not a scalar");
        };
        let start = column.unwrap() as usize - 1;
        prop_assert_eq!(yaml.get(start..start + read.len()), Some(read.as_str()));
    }
}
