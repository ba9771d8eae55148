//! Colours on a terminal, and what keeps foreign text from colouring it.

use std::io::IsTerminal;

use clap::ValueEnum;

use crate::config::Level;

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Colour {
    Auto,
    Always,
    Never,
}

/// Puts escape sequences around text, or does not.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Paint(bool);

const RED: &str = "\x1b[1;31m";
const GREEN: &str = "\x1b[1;32m";
const YELLOW: &str = "\x1b[1;33m";
const CYAN: &str = "\x1b[1;36m";
const BLUE: &str = "\x1b[1;34m";
const BOLD: &str = "\x1b[1m";
const END: &str = "\x1b[0m";

impl Paint {
    /// As asked for, on this stream.
    pub(in crate::cli) fn new(colour: Colour, stream: &impl IsTerminal) -> Self {
        Self(match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => crate::cli::has_colours(stream),
        })
    }

    #[cfg(test)]
    pub(in crate::cli) const fn plain() -> Self {
        Self(false)
    }

    /// In the colour of a severity.
    pub(in crate::cli) fn level(self, level: Level, text: &str) -> String {
        let code = match level {
            Level::Error => RED,
            Level::Warning => YELLOW,
            Level::Note => CYAN,
        };
        self.wrap(code, text)
    }

    /// For what is as it should be.
    pub(in crate::cli) fn good(self, text: &str) -> String {
        self.wrap(GREEN, text)
    }

    /// For what surrounds the source.
    pub(in crate::cli) fn frame(self, text: &str) -> String {
        self.wrap(BLUE, text)
    }

    /// For what matters.
    pub(in crate::cli) fn bold(self, text: &str) -> String {
        self.wrap(BOLD, text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 && !text.is_empty() {
            format!("{code}{text}{END}")
        } else {
            text.to_owned()
        }
    }
}

/// Text from files or servers on one line, without what a terminal would obey: control characters
/// and the marks that turn the direction of writing.
pub(in crate::cli) fn harmless(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\r' | '\t' => ' ',
        c if is_obeyed(c) => '\u{fffd}',
        c => c,
    };
    text.chars().map(shown).collect()
}

/// Whether a terminal does something else with it than show it.
pub(super) fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_drive_the_terminal() {
        assert_eq!(
            harmless("a\x1b[31mb\nc\u{202e}d"),
            "a\u{fffd}[31mb c\u{fffd}d"
        );
    }

    #[test]
    fn colours_are_only_used_when_wanted() {
        assert_eq!(Paint(true).level(Level::Error, "x"), "\x1b[1;31mx\x1b[0m");
        assert_eq!(Paint::plain().level(Level::Error, "x"), "x");
    }
}
