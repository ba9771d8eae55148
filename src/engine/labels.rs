//! Label sets and the selectors that match them.
//!
//! A [`Labels`] is immutable, sorted and carries a fingerprint, so that finding one among a
//! hundred thousand series costs an integer comparison. A [`Selector`] has Prometheus' matching
//! semantics: a missing label equals the empty string, regular expressions are anchored.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

mod matcher;
mod text;

pub use matcher::{MatchOp, Matcher, Pattern};
pub use text::{MatcherError, MatcherList, parse_matchers};

/// The label that holds a series' metric name.
pub const METRIC_NAME: &str = "__name__";

/// An immutable set of labels, sorted by name, each name at most once.
#[derive(Clone)]
pub struct Labels(Arc<Inner>);

struct Inner {
    fingerprint: u64,
    pairs: Box<[(Box<str>, Box<str>)]>,
}

impl Labels {
    /// The empty set.
    pub fn empty() -> Self {
        Self::new(std::iter::empty::<(&str, &str)>())
    }

    /// Comes before every other in order, for the bound of a range; it is no set to keep.
    pub(super) fn lowest() -> Self {
        Self(Arc::new(Inner {
            fingerprint: 0,
            pairs: Box::default(),
        }))
    }

    /// Collects pairs in any order; the last of two equal names wins, empty values are dropped
    /// (in Prometheus a label with an empty value does not exist).
    pub fn new<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<Box<str>>,
        V: Into<Box<str>>,
    {
        let mut sorted: Vec<(Box<str>, Box<str>)> = pairs
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        sorted.reverse();
        sorted.dedup_by(|later, kept| later.0 == kept.0);
        sorted.reverse();
        sorted.retain(|(_, value)| !value.is_empty());
        let fingerprint = fingerprint(&sorted);
        Self(Arc::new(Inner {
            fingerprint,
            pairs: sorted.into_boxed_slice(),
        }))
    }

    /// The value of a label, if it is set.
    pub fn get(&self, name: &str) -> Option<&str> {
        let pairs = &self.0.pairs;
        let at = pairs
            .binary_search_by(|(candidate, _)| (**candidate).cmp(name))
            .ok()?;
        Some(&pairs[at].1)
    }

    /// All pairs, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.pairs.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Only the named labels.
    pub fn pick(&self, names: &[String]) -> Self {
        Self::new(
            names
                .iter()
                .filter_map(|name| Some((name.as_str(), self.get(name)?))),
        )
    }

    /// Whether no label is set.
    pub fn is_empty(&self) -> bool {
        self.0.pairs.is_empty()
    }

    /// FNV-1a over names and values: equal sets have equal fingerprints on every run.
    pub fn fingerprint(&self) -> u64 {
        self.0.fingerprint
    }
}

fn fingerprint(pairs: &[(Box<str>, Box<str>)]) -> u64 {
    let mut hash = Fnv::default();
    for (name, value) in pairs {
        hash.write(name.as_bytes());
        hash.write(&[0xff]);
        hash.write(value.as_bytes());
        hash.write(&[0xfe]);
    }
    hash.0
}

/// The FNV-1a hash, 64 bit: stable across runs, which the standard hasher is not.
#[derive(Clone, Copy, Debug)]
pub struct Fnv(pub u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// Feeds bytes into the hash.
    pub fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.fingerprint == other.0.fingerprint && self.0.pairs == other.0.pairs)
    }
}

impl Eq for Labels {}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Orders by fingerprint first: cheap and stable, but not alphabetical.
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        if Arc::ptr_eq(&self.0, &other.0) {
            return Ordering::Equal;
        }
        let by_fingerprint = self.0.fingerprint.cmp(&other.0.fingerprint);
        by_fingerprint.then_with(|| self.0.pairs.cmp(&other.0.pairs))
    }
}

/// `{a="1", b="2"}`, values quoted and escaped as in PromQL; nothing for the empty set.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return Ok(());
        }
        f.write_str("{")?;
        for (at, (name, value)) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{name}={value:?}")?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs = std::collections::BTreeMap::<String, String>::deserialize(deserializer)?;
        Ok(Self::new(pairs))
    }
}

/// A conjunction of matchers over the labels of a series, the metric name among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    matchers: Vec<Matcher>,
}

impl Selector {
    /// Takes the matchers in a canonical order, so that equal selectors compare equal.
    pub fn new(mut matchers: Vec<Matcher>) -> Self {
        matchers.sort_by(|a, b| (&a.name, a.op.parts()).cmp(&(&b.name, b.op.parts())));
        matchers.dedup();
        Self { matchers }
    }

    /// The matchers, sorted by label name, operator and text.
    pub fn matchers(&self) -> &[Matcher] {
        &self.matchers
    }

    /// The metric name, when the selector fixes it by equality.
    pub fn metric(&self) -> Option<&str> {
        self.equality(METRIC_NAME)
    }

    /// The value that an `=` matcher demands of this label.
    pub fn equality(&self, name: &str) -> Option<&str> {
        self.matchers.iter().find_map(|matcher| match &matcher.op {
            MatchOp::Equal(value) if matcher.name == name => Some(value.as_str()),
            _ => None,
        })
    }

    /// Whether a series with these labels is selected.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches(labels))
    }
}

/// PromQL: `metric{a="1",b=~"x|y"}`; a name that is not a legacy identifier is quoted inside.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = self.metric().filter(|name| is_legacy_metric(name));
        if let Some(name) = bare {
            f.write_str(name)?;
        }
        let inner = self.matchers.iter().filter(|m| {
            bare.is_none() || m.name != METRIC_NAME || !matches!(m.op, MatchOp::Equal(_))
        });
        let mut wrote = false;
        for matcher in inner {
            f.write_str(if wrote { "," } else { "{" })?;
            wrote = true;
            let (op, text) = matcher.op.parts();
            write_label_name(f, &matcher.name)?;
            write!(f, "{op}{}", Quoted(text))?;
        }
        if wrote || bare.is_none() {
            f.write_str(if wrote { "}" } else { "{}" })?;
        }
        Ok(())
    }
}

fn write_label_name(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    let legacy = name.bytes().enumerate().all(|(at, byte)| {
        byte == b'_' || byte.is_ascii_alphabetic() || (at > 0 && byte.is_ascii_digit())
    });
    if legacy && !name.is_empty() {
        f.write_str(name)
    } else {
        write!(f, "{}", Quoted(name))
    }
}

fn is_legacy_metric(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().enumerate().all(|(at, byte)| {
            matches!(byte, b'_' | b':')
                || byte.is_ascii_alphabetic()
                || (at > 0 && byte.is_ascii_digit())
        })
}

/// A PromQL string literal.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.0.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                other => write!(f, "{other}")?,
            }
        }
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equal(name: &str, value: &str) -> Matcher {
        Matcher {
            name: name.into(),
            op: MatchOp::Equal(value.into()),
        }
    }

    fn regex(name: &str, source: &str) -> Matcher {
        Matcher {
            name: name.into(),
            op: MatchOp::Regex(Pattern::new(source).unwrap()),
        }
    }

    #[test]
    fn labels_do_not_depend_on_the_order_they_came_in() {
        let one = Labels::new([("b", "2"), ("a", "1")]);
        let two = Labels::new([("a", "0"), ("b", "2"), ("a", "1"), ("empty", "")]);
        assert_eq!(one, two);
        assert_eq!(one.cmp(&two), Ordering::Equal);
        assert_eq!(one.to_string(), r#"{a="1", b="2"}"#);
        assert_eq!(
            one.pick(&["b".into(), "c".into()]),
            Labels::new([("b", "2")])
        );
    }

    #[test]
    fn selectors_match_as_prometheus_does() {
        let series = Labels::new([(METRIC_NAME, "http_requests_total"), ("code", "503")]);
        let of = |matchers: Vec<Matcher>| Selector::new(matchers).matches(&series);
        assert!(of(vec![
            equal(METRIC_NAME, "http_requests_total"),
            regex("code", "5..")
        ]));
        assert!(
            !of(vec![regex("code", "5")]),
            "regular expressions are anchored"
        );
        assert!(
            of(vec![equal("absent", "")]),
            "a missing label equals the empty string"
        );
        assert!(of(vec![Matcher {
            name: "job".into(),
            op: MatchOp::NotEqual("x".into())
        }]));
    }

    #[test]
    fn selectors_print_as_promql() {
        let selector = Selector::new(vec![
            regex("code", "5..|\"x\\d"),
            equal(METRIC_NAME, "http_requests_total"),
            equal("my.label", "a"),
        ]);
        insta::assert_snapshot!(
            selector,
            @r#"http_requests_total{code=~"5..|\"x\\d","my.label"="a"}"#
        );
        assert_eq!(
            Selector::new(vec![equal(METRIC_NAME, "up")]).to_string(),
            "up"
        );
        insta::assert_snapshot!(
            Selector::new(vec![equal(METRIC_NAME, "my.metric")]),
            @r#"{__name__="my.metric"}"#
        );
    }
}
