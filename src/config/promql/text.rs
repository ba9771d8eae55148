//! A PromQL text before it is parsed: bounded, its brackets and windows found.
//!
//! The parser's tree is as deep as the text nests, and trees are walked and dropped recursively.
//! [`Text::new`] therefore bounds length, nesting and the number of operators first. It also finds
//! the offsets that the parser does not report, and the places that stand for the window.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use promql_parser::parser::Expr;

use crate::engine::Span;

use super::PromqlError;

/// Longest text that is looked at, in bytes.
const BYTES_MAX: usize = 64 << 10;
/// Deepest nesting of brackets.
const NESTING_MAX: usize = 64;
/// Most operators and brackets: a chain of operators is a tree as deep as the chain is long.
const OPERATORS_MAX: usize = 256;

/// The length that stands for the window while the text is parsed. No definition writes it.
pub(super) const WINDOW: Duration = Duration::from_millis(86_399_977);
const WINDOW_TEXT: &str = "86399977ms";

/// A PromQL text that is safe to parse.
pub(super) struct Text<'a> {
    field: &'static str,
    source: &'a str,
    tokens: Vec<Token>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Token {
    kind: Kind,
    start: usize,
    end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `$window` or `{{.window}}`.
    Window,
    Open,
    Close,
    /// `==`, `!=`, `<`, `<=`, `>`, `>=`.
    Comparison,
    /// Any other punctuation.
    Operator,
    /// Identifiers, keywords, numbers, durations.
    Word,
    Quoted,
}

impl<'a> Text<'a> {
    /// Checks bounds, quotes, brackets and placeholders.
    pub(super) fn new(field: &'static str, source: &'a str) -> Result<Self, PromqlError> {
        let error = |offset: usize, message: String| PromqlError {
            field,
            message,
            offset: Some(offset),
        };
        if source.len() > BYTES_MAX {
            return Err(error(0, format!("longer than {BYTES_MAX} bytes")));
        }
        let tokens = Scanner { source, at: 0 }.tokens();
        let tokens = tokens.map_err(|(offset, message)| error(offset, message))?;
        let text = Self {
            field,
            source,
            tokens,
        };
        text.check_brackets()?;
        Ok(text)
    }

    /// The tree, with every window place read as [`WINDOW`].
    pub(super) fn parse(&self) -> Result<Expr, PromqlError> {
        let text = self.render(WINDOW_TEXT);
        // The parser panics on some numbers and escapes (`x[1e300]`); that is a mistake in the
        // text, not in this process.
        let parsed = catch_unwind(AssertUnwindSafe(|| promql_parser::parser::parse(&text)));
        let parsed = parsed.unwrap_or_else(|_| Err("a number or an escape is invalid".to_owned()));
        parsed.map_err(|message| {
            let message = message.replace(WINDOW_TEXT, "$window");
            self.error(format!("not valid PromQL: {message}"))
        })
    }

    /// The text with every window place written as `$window`.
    pub(super) fn template(&self) -> String {
        self.render("$window")
    }

    /// The text with every window place replaced.
    pub(super) fn over(&self, window: Span) -> String {
        self.render(&window.to_string())
    }

    /// Where the first window place is.
    pub(super) fn window(&self) -> Option<usize> {
        let place = self.tokens.iter().find(|t| t.kind == Kind::Window)?;
        Some(place.start)
    }

    /// The bytes of all ranges, brackets included.
    pub(super) fn ranges(&self) -> Vec<Range<usize>> {
        let mut open = None;
        let mut ranges = Vec::new();
        for token in &self.tokens {
            match self.source_of(token) {
                "[" => open = Some(token.start),
                "]" => ranges.extend(open.take().map(|start| start..token.end)),
                _ => {}
            }
        }
        ranges
    }

    /// The first range without a window place: its offset and text.
    pub(super) fn fixed_range(&self) -> Option<(usize, &'a str)> {
        let windows = self.tokens.iter().filter(|t| t.kind == Kind::Window);
        let is_fixed = |range: &Range<usize>| !windows.clone().any(|t| range.contains(&t.start));
        let range = self.ranges().into_iter().find(is_fixed)?;
        Some((range.start, self.source.get(range)?))
    }

    /// The text with `bool` after the comparison on the outside, if there is one without it.
    pub(super) fn with_bool(&self) -> String {
        let mut inner = self.tokens.as_slice();
        while let [open, middle @ .., close] = inner
            && open.kind == Kind::Open
            && close.kind == Kind::Close
            && encloses(inner)
        {
            inner = middle;
        }
        let mut depth = 0_usize;
        let mut outermost = None;
        for (at, token) in inner.iter().enumerate() {
            match token.kind {
                Kind::Open => depth += 1,
                Kind::Close => depth = depth.saturating_sub(1),
                Kind::Comparison if depth == 0 => outermost = Some(at),
                Kind::Word if depth == 0 && self.is_set_operator(token) => {
                    return self.source.to_owned();
                }
                _ => {}
            }
        }
        let Some(at) = outermost else {
            return self.source.to_owned();
        };
        let next = inner.get(at + 1).map(|token| self.source_of(token));
        if next.is_some_and(|word| word.eq_ignore_ascii_case("bool")) {
            return self.source.to_owned();
        }
        match self.source.split_at_checked(inner[at].end) {
            Some((before, after)) => format!("{before} bool{after}"),
            None => self.source.to_owned(),
        }
    }

    /// An error about the whole text.
    pub(super) fn error(&self, message: impl Into<String>) -> PromqlError {
        PromqlError {
            field: self.field,
            message: message.into(),
            offset: None,
        }
    }

    /// An error at a place, in bytes from the start.
    pub(super) fn error_at(&self, offset: usize, message: impl Into<String>) -> PromqlError {
        PromqlError {
            offset: Some(offset),
            ..self.error(message)
        }
    }

    fn render(&self, window: &str) -> String {
        let mut out = String::with_capacity(self.source.len());
        let mut done = 0;
        for place in self.tokens.iter().filter(|t| t.kind == Kind::Window) {
            out.push_str(self.source.get(done..place.start).unwrap_or_default());
            out.push_str(window);
            done = place.end;
        }
        out.push_str(self.source.get(done..).unwrap_or_default());
        out
    }

    fn check_brackets(&self) -> Result<(), PromqlError> {
        let mut open: Vec<&Token> = Vec::new();
        let mut operators = 0;
        for token in &self.tokens {
            let in_matchers = open.last().is_some_and(|t| self.source_of(t) == "{");
            match token.kind {
                Kind::Open => open.push(token),
                Kind::Close => {
                    let wanted = match self.source_of(token) {
                        ")" => "(",
                        "]" => "[",
                        _ => "{",
                    };
                    let found = open.pop().map(|t| self.source_of(t));
                    if found != Some(wanted) {
                        let message = format!("`{}` closes nothing", self.source_of(token));
                        return Err(self.error_at(token.start, message));
                    }
                }
                _ => {}
            }
            let nests = match token.kind {
                Kind::Open | Kind::Operator | Kind::Comparison => !in_matchers,
                Kind::Word => self.is_set_operator(token) && !in_matchers,
                Kind::Window | Kind::Close | Kind::Quoted => false,
            };
            operators += usize::from(nests);
            if open.len() > NESTING_MAX {
                let message = format!("brackets nest deeper than {NESTING_MAX}");
                return Err(self.error_at(token.start, message));
            }
            if operators > OPERATORS_MAX {
                let message = format!("more than {OPERATORS_MAX} operators");
                return Err(self.error_at(token.start, message));
            }
        }
        match open.last() {
            Some(token) => {
                let message = format!("`{}` is never closed", self.source_of(token));
                Err(self.error_at(token.start, message))
            }
            None => Ok(()),
        }
    }

    fn is_set_operator(&self, token: &Token) -> bool {
        ["and", "or", "unless", "atan2"]
            .iter()
            .any(|word| self.source_of(token).eq_ignore_ascii_case(word))
    }

    fn source_of(&self, token: &Token) -> &'a str {
        self.source.get(token.start..token.end).unwrap_or_default()
    }
}

/// The whole numbers that `le` is compared with by `=`, each with its place in bytes: Prometheus 2
/// stores the bound `1` as its exporter wrote it, Prometheus 3 as `1.0`.
pub fn whole_bounds(source: &str) -> Vec<(usize, &str)> {
    let Ok(text) = Text::new("", source) else {
        return Vec::new();
    };
    let bound = |tokens: &[Token]| {
        let [label, operator, value] = tokens else {
            return None;
        };
        let bound = text.source.get(value.start + 1..value.end - 1)?;
        let whole = !bound.is_empty() && bound.bytes().all(|byte| byte.is_ascii_digit());
        let named = text.source_of(label) == "le" && text.source_of(operator) == "=";
        (named && whole && value.kind == Kind::Quoted).then_some((value.start, bound))
    };
    text.tokens.windows(3).filter_map(bound).collect()
}

/// Whether the first token's bracket is closed by the last token.
fn encloses(tokens: &[Token]) -> bool {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1 == tokens.len();
        }
    }
    false
}

struct Scanner<'a> {
    source: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn tokens(mut self) -> Result<Vec<Token>, (usize, String)> {
        let mut tokens = Vec::new();
        while let Some(&byte) = self.rest().first() {
            let start = self.at;
            let kind = match byte {
                b'#' => {
                    self.take_while(|byte| byte != b'\n');
                    continue;
                }
                b'"' | b'\'' | b'`' => self.quoted(byte)?,
                b'$' => self.dollar()?,
                b'{' if self.rest().starts_with(b"{{") => self.braces()?,
                b'(' | b'[' | b'{' => self.take(1, Kind::Open),
                b')' | b']' | b'}' => self.take(1, Kind::Close),
                byte if is_word(byte) => {
                    self.take_while(is_word);
                    Kind::Word
                }
                byte if byte.is_ascii_punctuation() => self.operator(),
                _ => {
                    self.at += 1;
                    continue;
                }
            };
            tokens.push(Token {
                kind,
                start,
                end: self.at,
            });
        }
        Ok(tokens)
    }

    fn operator(&mut self) -> Kind {
        match self.rest() {
            [b'=' | b'!' | b'<' | b'>', b'=', ..] => self.take(2, Kind::Comparison),
            [b'<' | b'>', ..] => self.take(1, Kind::Comparison),
            _ => self.take(1, Kind::Operator),
        }
    }

    fn quoted(&mut self, quote: u8) -> Result<Kind, (usize, String)> {
        let start = self.at;
        self.at += 1;
        while let Some(&byte) = self.rest().first() {
            let escapes = byte == b'\\' && quote != b'`';
            self.at += if escapes { 2 } else { 1 };
            if byte == quote {
                return Ok(Kind::Quoted);
            }
        }
        Err((start, "the text in quotes is never closed".to_owned()))
    }

    fn dollar(&mut self) -> Result<Kind, (usize, String)> {
        let start = self.at;
        self.at += 1;
        self.take_while(is_identifier);
        match self.source.get(start..self.at).unwrap_or_default() {
            "$window" => Ok(Kind::Window),
            other => Err((start, unknown_placeholder(other))),
        }
    }

    fn braces(&mut self) -> Result<Kind, (usize, String)> {
        let start = self.at;
        let rest = self.source.get(start..).unwrap_or_default();
        let length = rest.find("}}").map_or(2, |inside| inside + 2);
        let place = rest.get(..length).unwrap_or("{{");
        let name = place.trim_start_matches('{').trim_end_matches('}');
        if name.trim() == ".window" {
            Ok(self.take(length, Kind::Window))
        } else {
            Err((start, unknown_placeholder(place)))
        }
    }

    fn take(&mut self, bytes: usize, kind: Kind) -> Kind {
        self.at += bytes;
        kind
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) {
        let more = self.rest().iter().take_while(|byte| wanted(**byte)).count();
        self.at += more;
    }

    fn rest(&self) -> &[u8] {
        self.source.as_bytes().get(self.at..).unwrap_or_default()
    }
}

fn unknown_placeholder(found: &str) -> String {
    let found: String = found.chars().take(40).collect();
    format!("`{found}` is no placeholder: the window is written $window or {{{{.window}}}}")
}

fn is_word(byte: u8) -> bool {
    is_identifier(byte) || matches!(byte, b':' | b'.')
}

fn is_identifier(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}
