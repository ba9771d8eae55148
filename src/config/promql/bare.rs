//! A text that is one vector selector and nothing else, for formats that allow nothing else.

use std::fmt;

use promql_parser::label::MatchOp as ParsedOp;
use promql_parser::parser::Expr;

use crate::engine::labels::METRIC_NAME;

use super::selector::selector;
use super::text::Text;
use super::{PromqlError, unwrap_parens};

/// One vector selector, taken apart.
pub(in crate::config) struct Bare {
    /// The name before the braces.
    pub(in crate::config) name: Option<String>,
    /// What stands in the braces, in the order of the text.
    pub(in crate::config) matchers: Vec<BareMatcher>,
    /// Whether an `offset` or `@` follows.
    pub(in crate::config) moved: bool,
    /// Why the exact path cannot read it, if it cannot.
    pub(in crate::config) unreadable: Option<String>,
}

/// One matcher as it is written, its value without quotes.
pub(in crate::config) struct BareMatcher {
    pub(in crate::config) label: String,
    /// `=`, `!=`, `=~` or `!~`.
    pub(in crate::config) op: &'static str,
    pub(in crate::config) value: String,
}

impl Bare {
    /// # Errors
    ///
    /// When the text is not PromQL, or more than a selector.
    pub(in crate::config) fn new(field: &'static str, source: &str) -> Result<Self, PromqlError> {
        let text = Text::new(field, source)?;
        let parsed = text.parse()?;
        let Expr::VectorSelector(parsed) = unwrap_parens(&parsed) else {
            return Err(text.error("this is not one plain selector"));
        };
        let moved = parsed.offset.is_some() || parsed.at.is_some();
        let matchers = parsed.matchers.matchers.iter();
        let matchers = matchers.map(|matcher| BareMatcher {
            label: matcher.name.clone(),
            op: match matcher.op {
                ParsedOp::Equal => "=",
                ParsedOp::NotEqual => "!=",
                ParsedOp::Re(_) => "=~",
                ParsedOp::NotRe(_) => "!~",
            },
            value: matcher.value.clone(),
        });
        if !parsed.matchers.or_matchers.is_empty() {
            return Err(text.error("`or` between matchers is not known here"));
        }
        Ok(Self {
            name: parsed.name.clone(),
            matchers: matchers.collect(),
            moved,
            unreadable: selector(parsed).err(),
        })
    }

    /// The metric, wherever its name stands.
    pub(in crate::config) fn metric(&self) -> Option<&str> {
        let inside = || self.equality(METRIC_NAME);
        self.name.as_deref().or_else(inside)
    }

    /// The value that an `=` matcher demands of this label.
    pub(in crate::config) fn equality(&self, label: &str) -> Option<&str> {
        let mut equal = self.matchers.iter().filter(|matcher| matcher.op == "=");
        let matcher = equal.find(|matcher| matcher.label == label)?;
        Some(&matcher.value)
    }
}

/// PromQL, in the order of the source and without its comments and line breaks.
impl fmt::Display for Bare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.as_deref().unwrap_or_default())?;
        let mut separator = "{";
        for BareMatcher { label, op, value } in &self.matchers {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            let value = value.replace('\n', "\\n");
            write!(f, "{separator}{label}{op}\"{value}\"")?;
            separator = ",";
        }
        match (&self.name, separator) {
            (_, ",") => f.write_str("}"),
            (None, _) => f.write_str("{}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bare(text: &str) -> Result<Bare, PromqlError> {
        Bare::new("total", text)
    }

    #[test]
    fn a_selector_is_taken_apart_and_put_together() {
        for (text, normal) in [
            ("up", "up"),
            ("(up{ })", "up"),
            (
                "a_total{code=~'5..|\"x\"',path=\"a\\\\b\\n\"} # all",
                r#"a_total{code=~"5..|\"x\"",path="a\\b\n"}"#,
            ),
            (
                "{__name__=\"up\",job!~\"a.*\"}",
                r#"{__name__="up",job!~"a.*"}"#,
            ),
            ("up offset 5m", "up"),
        ] {
            let first = bare(text).unwrap();
            assert_eq!(first.to_string(), normal);
            assert_eq!(bare(normal).unwrap().to_string(), normal);
            assert_eq!(first.moved, text.contains("offset"));
        }
    }

    #[test]
    fn what_is_more_than_a_selector_is_refused() {
        for text in [
            "",
            "rate(a[5m])",
            "a[5m]",
            "a + b",
            "1",
            "a{",
            "sum(a)",
            "a{b='x' or c='y'}",
        ] {
            assert!(bare(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_recorded_series_cannot_be_read_exactly() {
        let recorded = bare("job:requests:total{job='a'}").unwrap();
        assert!(recorded.unreadable.is_some());
        assert_eq!(recorded.metric(), Some("job:requests:total"));
        assert_eq!(bare("{__name__='up',a='b'}").unwrap().metric(), Some("up"));
        assert_eq!(bare("{a='b'}").unwrap().metric(), None);
    }
}
