//! No bytes make the loader panic, and what it takes it takes whole.

use proptest::prelude::*;

use super::labels::Later;
use super::plugins::load;
use super::*;

const FILE: &str = include_str!("../../../../../tests/fixtures/formats/sloth/shop.yml");
const RESOURCES: &str = include_str!("../../../../../tests/fixtures/formats/sloth/stock-k8s.yml");
const WINDOWS: &str = include_str!("../../../../../tests/fixtures/formats/sloth/windows-7d.yml");

/// Words that mean something to the loader.
const WORDS: [&str; 24] = [
    "version",
    "prometheus/v1",
    "apiVersion",
    "sloth.slok.dev/v1",
    "kind",
    "AlertWindows",
    "PrometheusServiceLevel",
    "spec",
    "slos",
    "sli",
    "events",
    "plugin",
    "options",
    "{{.window}}",
    "{{",
    "}}",
    "$labels.",
    "alerting",
    "null",
    "yes",
    "1e999",
    "-0x7fffffffffffffff",
    "[]",
    "{}",
];

/// A file with some bytes cut out, replaced or repeated.
fn mutated() -> impl Strategy<Value = String> {
    let file = prop::sample::select(vec![FILE, RESOURCES, WINDOWS]);
    let word = prop::sample::select(WORDS.to_vec());
    let edit = (any::<prop::sample::Index>(), 0_usize..40, word);
    (file, prop::collection::vec(edit, 1..6)).prop_map(|(file, edits)| {
        let mut chars: Vec<char> = file.chars().collect();
        for (at, length, word) in edits {
            let at = at.index(chars.len() + 1).min(chars.len());
            let end = (at + length).min(chars.len());
            chars.splice(at..end, word.chars());
        }
        chars.into_iter().collect()
    })
}

proptest! {
    #[test]
    fn mutated_files_never_panic(text in mutated()) {
        load(&[("a.yml", &text), ("windows.yml", WINDOWS)]);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let found = RefCell::default();
        let mut documents = crate::config::compile::Documents::new(&found);
        documents.read("a.yml".into(), &bytes);
        documents.compile();
        let text = [b"version: prometheus/v1\nservice: a\nslos:\n- ", bytes.as_slice()].concat();
        documents = crate::config::compile::Documents::new(&found);
        documents.read("b.yml".into(), &text);
        documents.compile();
    }

    #[test]
    fn places_never_lose_text(before in "[^{}]{0,20}", after in "[^{}]{0,20}", name in "[a-z]{1,5}") {
        let known = Texts::new();
        let text = format!("{before}{{{{ $labels.{name} }}}}{after}");
        for later in [Later::Nothing, Later::Labels, Later::LabelsAndValue] {
            let places = labels::Places { known: [&known, &known], later };
            let (filled, left) = places.fill(&text);
            prop_assert_eq!(filled, text.clone());
            prop_assert_eq!(left.is_some(), later == Later::Nothing);
        }
    }

    #[test]
    fn no_text_grows_without_bound(times in 0_usize..2000, length in 0_usize..2000) {
        let value = Field::at(tree::Mark::start(0), "x".repeat(length));
        let known = Texts::from([("a".to_owned(), value)]);
        let none = Texts::new();
        let places = labels::Places { known: [&known, &none], later: Later::LabelsAndValue };
        let text = "{{$labels.a}}".repeat(times);
        let (filled, _) = places.fill(&text);
        prop_assert!(filled.len() <= text.len() + (16 << 10));
    }
}

#[test]
fn only_what_nobody_fills_in_is_left() {
    let known = Texts::new();
    let left = |later, text: &str| {
        let places = labels::Places {
            known: [&known, &known],
            later,
        };
        places.fill(text).1
    };
    for text in [
        "{{ $value }}",
        "{{$value}}",
        "{{ $labels.zone }} {{ $value }}",
    ] {
        assert_eq!(left(Later::LabelsAndValue, text), None, "{text}");
        assert!(left(Later::Labels, text).is_some(), "{text}");
        assert!(left(Later::Nothing, text).is_some(), "{text}");
    }
    for text in [
        "{{ $value | humanize }}",
        "{{- $value }}",
        "{{ .Labels.zone }}",
        "{{ $labels.zone | toUpper }}",
        "{{ $externalURL }}",
        "{{}}",
    ] {
        assert_eq!(left(Later::LabelsAndValue, text).as_deref(), Some(text));
    }
}
