//! One condition on one label.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Labels, Quoted, write_label_name};

/// One condition on one label.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// The label's name; `__name__` for the metric.
    pub name: String,
    /// What its value must satisfy.
    pub op: MatchOp,
}

/// The four matching operators of PromQL.
#[derive(Clone, Debug)]
pub enum MatchOp {
    /// `=`
    Equal(String),
    /// `!=`
    NotEqual(String),
    /// `=~`, fully anchored.
    Regex(Pattern),
    /// `!~`, fully anchored.
    NotRegex(Pattern),
}

/// An anchored regular expression with its source text; compared by that text.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: String,
    regex: regex::Regex,
}

impl Pattern {
    /// Compiles `^(?s:source)$`, as Prometheus 3 does (a dot matches a line break).
    ///
    /// # Errors
    ///
    /// When the expression is not valid, or compiles to more than 1 MiB.
    pub fn new(source: &str) -> Result<Self, regex::Error> {
        const COMPILED_BYTES_MAX: usize = 1 << 20;
        let regex = regex::RegexBuilder::new(&format!("^(?s:{source})$"))
            .size_limit(COMPILED_BYTES_MAX)
            .build()?;
        Ok(Self {
            source: source.to_owned(),
            regex,
        })
    }

    /// The text as the user wrote it.
    pub fn source(&self) -> &str {
        &self.source
    }

    fn is_match(&self, value: &str) -> bool {
        self.regex.is_match(value)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> Ordering {
        self.source.cmp(&other.source)
    }
}

impl MatchOp {
    /// An operator as PromQL writes it, with the text on its right.
    ///
    /// # Errors
    ///
    /// When there is no such operator, or the regular expression is not valid; in words.
    pub fn new(op: &str, value: impl Into<String>) -> Result<Self, String> {
        let value = value.into();
        let pattern = |value: &str| Pattern::new(value).map_err(|error| error.to_string());
        Ok(match op {
            "=" => Self::Equal(value),
            "!=" => Self::NotEqual(value),
            "=~" => Self::Regex(pattern(&value)?),
            "!~" => Self::NotRegex(pattern(&value)?),
            _ => return Err(format!("{op:?} is none of = != =~ !~")),
        })
    }

    /// Whether a label's value (empty when the label is missing) satisfies the condition.
    pub fn matches(&self, value: &str) -> bool {
        match self {
            Self::Equal(wanted) => wanted == value,
            Self::NotEqual(refused) => refused != value,
            Self::Regex(pattern) => pattern.is_match(value),
            Self::NotRegex(pattern) => !pattern.is_match(value),
        }
    }

    /// The operator as PromQL writes it, and the text on its right.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Equal(value) => ("=", value),
            Self::NotEqual(value) => ("!=", value),
            Self::Regex(pattern) => ("=~", pattern.source()),
            Self::NotRegex(pattern) => ("!~", pattern.source()),
        }
    }
}

impl PartialEq for MatchOp {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for MatchOp {}

impl Matcher {
    /// Whether a label set satisfies the condition; a missing label is empty.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.op.matches(labels.get(&self.name).unwrap_or(""))
    }
}

/// `name=~"a|b"`, as Alertmanager and PromQL write it.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (op, text) = self.op.parts();
        write_label_name(f, &self.name)?;
        write!(f, "{op}{}", Quoted(text))
    }
}

/// A matcher as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredMatcher {
    name: String,
    op: String,
    value: String,
}

impl Serialize for Matcher {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (op, value) = self.op.parts();
        let stored = StoredMatcher {
            name: self.name.clone(),
            op: op.to_owned(),
            value: value.to_owned(),
        };
        stored.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Matcher {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let StoredMatcher { name, op, value } = StoredMatcher::deserialize(deserializer)?;
        let op = MatchOp::new(&op, value).map_err(D::Error::custom)?;
        Ok(Self { name, op })
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.op == other.op
    }
}

impl Eq for Matcher {}
