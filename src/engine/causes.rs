//! What an error was caused by, in words: for every room that tells a person of one.

use std::error::Error;
use std::iter::successors;

/// An error and its causes in one line: `reading the file: permission denied`.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = successors(Some(error), |&error| error.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

/// The cause that has no cause, which is the one a person can act on; an error without a cause is
/// its own.
pub fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    successors(Some(error), |&error| error.source())
        .last()
        .unwrap_or(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        source: Option<Box<Self>>,
    }

    fn layer(text: &'static str, source: Option<Layer>) -> Layer {
        let source = source.map(Box::new);
        Layer { text, source }
    }

    #[test]
    fn causes_follow_their_effects() {
        let alone = layer("out of memory", None);
        assert_eq!(chain(&alone), "out of memory");
        assert_eq!(innermost(&alone).to_string(), "out of memory");
        let deep = layer("asking", Some(layer("connecting", Some(alone))));
        assert_eq!(chain(&deep), "asking: connecting: out of memory");
        assert_eq!(innermost(&deep).to_string(), "out of memory");
    }
}
