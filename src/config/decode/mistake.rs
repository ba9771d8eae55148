//! A mistake on its way up from the node that holds it to the field that reports it.

use std::fmt;

use serde::de;

use crate::config::diagnostic::excerpt;
use crate::config::nearest::suggestion;
use crate::config::tree::Mark;

/// What is wrong with a node, on its way up to the field that reports it.
#[derive(Debug)]
pub(super) struct Mistake {
    /// Where, if the node itself was looked at.
    pub(super) mark: Option<Mark>,
    pub(super) message: String,
    pub(super) fix: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mistake {}

impl de::Error for Mistake {
    /// The types in [`crate::config::value`] say what is wrong in one line and the fix in the next.
    fn custom<T: fmt::Display>(text: T) -> Self {
        let text = text.to_string();
        let (message, fix) = text
            .split_once('\n')
            .unwrap_or((&text, "correct the value"));
        Self {
            mark: None,
            message: message.to_owned(),
            fix: fix.to_owned(),
        }
    }

    /// Without the value that serde would quote.
    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("expected {expected}"))
    }

    /// Without the value that serde would quote.
    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("expected {expected}"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self {
            mark: None,
            message: format!("{:?} is not known here", excerpt(variant)),
            fix: suggestion(variant, expected.iter().copied()),
        }
    }
}
