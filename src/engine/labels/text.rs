//! Matchers as people write them: `severity="page"`, or several as `{service=~"shop|cart",team!=a}`.
//!
//! The syntax is that of Alertmanager's `matchers:` and of `amtool` (prometheus.io/docs/alerting,
//! "Configuration", matcher): names and values may stand bare as long as they hold no white space
//! and none of ``{}!=~,\"'` ``, or in double quotes with the escapes of Go. Where Alertmanager
//! falls back to its older parser for a quoted value with an escape that Go does not know, as in
//! `"5\d\d"`, the backslash stands for itself here too. What [`Matcher`] shows is read back as the
//! same matcher.

use std::fmt;
use std::iter::Peekable;
use std::str::CharIndices;

use super::{MatchOp, Matcher};

/// Matchers in one text.
const MATCHERS_MAX: usize = 128;
/// Bytes of one text.
const BYTES_MAX: usize = 16 << 10;

/// Why a text is no matcher, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct MatcherError {
    /// The byte of the text where it goes wrong.
    pub offset: usize,
    /// What is wrong, lower case, no full stop.
    pub text: String,
}

impl Matcher {
    /// Reads one matcher, in braces or without.
    ///
    /// # Errors
    ///
    /// When the text is no matcher or more than one, or its regular expression is not valid.
    pub fn parse(text: &str) -> Result<Self, MatcherError> {
        let mut matchers = parse_matchers(text)?;
        match matchers.pop() {
            Some(matcher) if matchers.is_empty() => Ok(matcher),
            Some(_) => Err(error(0, "several matchers stand where one is expected")),
            None => Err(error(0, "there is no matcher")),
        }
    }
}

/// Reads any number of matchers, separated by commas, in braces or without; none at all for an
/// empty text or `{}`.
///
/// # Errors
///
/// When something is no matcher, a regular expression is not valid, or the text is longer than
/// 16 KiB or holds more than 128 matchers.
pub fn parse_matchers(text: &str) -> Result<Vec<Matcher>, MatcherError> {
    if text.len() > BYTES_MAX {
        return Err(error(0, "the text is longer than 16 KiB"));
    }
    let mut reader = Reader {
        text,
        rest: text.char_indices().peekable(),
    };
    let braced = reader.take('{');
    let mut matchers = Vec::new();
    loop {
        if reader.at_end(braced) {
            break;
        }
        if matchers.len() == MATCHERS_MAX {
            let what = format!("there are more than {MATCHERS_MAX} matchers");
            return Err(error(reader.offset(), what));
        }
        matchers.push(reader.matcher()?);
        if !reader.take(',') {
            break;
        }
    }
    if braced && !reader.take('}') {
        let what = match reader.peek() {
            Some(found) => format!("{found:?} stands where a comma or the closing }} is expected"),
            None => "the closing } is missing".to_owned(),
        };
        return Err(error(reader.offset(), what));
    }
    match reader.peek() {
        None => Ok(matchers),
        Some('}') => Err(error(reader.offset(), "there is a } without its {")),
        Some(found) => {
            let what = format!("{found:?} stands where a comma or the end is expected");
            Err(error(reader.offset(), what))
        }
    }
}

fn error(offset: usize, text: impl Into<String>) -> MatcherError {
    let text = text.into();
    MatcherError { offset, text }
}

struct Reader<'a> {
    text: &'a str,
    rest: Peekable<CharIndices<'a>>,
}

impl Reader<'_> {
    /// The next character that is not white space.
    fn peek(&mut self) -> Option<char> {
        while self.rest.next_if(|(_, c)| c.is_whitespace()).is_some() {}
        self.rest.peek().map(|(_, c)| *c)
    }

    fn offset(&mut self) -> usize {
        let end = self.text.len();
        self.rest.peek().map_or(end, |(at, _)| *at)
    }

    /// Passes over a character, if it is the next one.
    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.rest.next();
        }
        found
    }

    fn at_end(&mut self, braced: bool) -> bool {
        match self.peek() {
            None => true,
            Some(c) => braced && c == '}',
        }
    }

    fn matcher(&mut self) -> Result<Matcher, MatcherError> {
        self.peek();
        let start = self.offset();
        let name = self.literal("the name of a label")?;
        if name.is_empty() {
            return Err(error(start, "the name of the label is empty"));
        }
        let op = self.operator()?;
        self.peek();
        let start = self.offset();
        let value = self.literal("a value; write \"\" for an empty one")?;
        let op = MatchOp::new(op, value.as_str()).map_err(|why| {
            let why = why.lines().last().unwrap_or_default().trim().to_owned();
            let why = why.strip_prefix("error: ").unwrap_or(&why);
            error(
                start,
                format!("{value:?} is not a regular expression: {why}"),
            )
        })?;
        Ok(Matcher { name, op })
    }

    fn operator(&mut self) -> Result<&'static str, MatcherError> {
        let first = self.peek();
        let start = self.offset();
        let what = "one of = != =~ !~ is expected after the name of a label";
        self.rest.next();
        let second = self.rest.peek().map(|(_, c)| *c);
        let op = match (first, second) {
            (Some('='), Some('~')) => "=~",
            (Some('!'), Some('=')) => "!=",
            (Some('!'), Some('~')) => "!~",
            (Some('='), _) => return Ok("="),
            _ => return Err(error(start, what)),
        };
        self.rest.next();
        Ok(op)
    }

    /// A name or a value, bare or quoted.
    fn literal(&mut self, what: &str) -> Result<String, MatcherError> {
        if self.take('"') {
            return self.quoted();
        }
        let start = self.offset();
        let mut literal = String::new();
        while let Some((_, c)) = self.rest.next_if(|(_, c)| is_bare(*c)) {
            literal.push(c);
        }
        match self.rest.peek() {
            _ if !literal.is_empty() => Ok(literal),
            Some((at, c)) => Err(error(*at, format!("{c:?} stands where {what} is expected"))),
            None => Err(error(
                start,
                format!("the text ends where {what} is expected"),
            )),
        }
    }

    /// The rest of a quoted text; its first quote is behind us.
    fn quoted(&mut self) -> Result<String, MatcherError> {
        let start = self.offset().saturating_sub(1);
        let mut bytes = Vec::new();
        while let Some((at, c)) = self.rest.next() {
            match c {
                '"' => {
                    let not_utf8 = |_| error(start, "the quoted text is not UTF-8");
                    return String::from_utf8(bytes).map_err(not_utf8);
                }
                '\\' => self.escape(at, &mut bytes),
                other => push(&mut bytes, other),
            }
        }
        Err(error(start, "the closing quote is missing"))
    }

    /// What follows a backslash at `at`; an escape that Go does not know stands for itself.
    fn escape(&mut self, at: usize, bytes: &mut Vec<u8>) {
        let rest = self.text.get(at + 1..).unwrap_or_default();
        let Some(first) = rest.chars().next() else {
            return;
        };
        let digits = |from: usize, count: usize, radix: u32| {
            let digits = rest.get(from..from + count)?;
            let well_formed = digits.chars().all(|c| c.is_digit(radix));
            well_formed.then(|| u32::from_str_radix(digits, radix).ok())?
        };
        let byte = |value: u32| u8::try_from(value).ok();
        // The bytes that it stands for, and the length of what stands for them.
        let known = match first {
            'a' => Some((vec![0x07], 1)),
            'b' => Some((vec![0x08], 1)),
            'f' => Some((vec![0x0c], 1)),
            'n' => Some((vec![b'\n'], 1)),
            'r' => Some((vec![b'\r'], 1)),
            't' => Some((vec![b'\t'], 1)),
            'v' => Some((vec![0x0b], 1)),
            '\\' => Some((vec![b'\\'], 1)),
            '"' => Some((vec![b'"'], 1)),
            'x' => digits(1, 2, 16).and_then(byte).map(|byte| (vec![byte], 3)),
            '0'..='7' => digits(0, 3, 8).and_then(byte).map(|byte| (vec![byte], 3)),
            'u' | 'U' => {
                let count = if first == 'u' { 4 } else { 8 };
                let c = digits(1, count, 16).and_then(char::from_u32);
                c.map(|c| (c.to_string().into_bytes(), count + 1))
            }
            _ => None,
        };
        let (meant, length) = known.unwrap_or_else(|| (vec![b'\\'], 0));
        bytes.extend(meant);
        for _ in 0..length {
            self.rest.next();
        }
    }
}

fn push(bytes: &mut Vec<u8>, c: char) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Whether a character may stand in a name or value without quotes.
fn is_bare(c: char) -> bool {
    !c.is_whitespace()
        && !matches!(
            c,
            '{' | '}' | '!' | '=' | '~' | ',' | '\\' | '"' | '\'' | '`'
        )
}

/// Matchers as they are read by [`parse_matchers`]: `{a="1", b=~"2|3"}`.
pub struct MatcherList<'a>(pub &'a [Matcher]);

impl fmt::Display for MatcherList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, matcher) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{matcher}")?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::Pattern;

    fn shown(text: &str) -> String {
        match parse_matchers(text) {
            Ok(matchers) => MatcherList(&matchers).to_string(),
            Err(error) => format!("{}: {}", error.offset, error.text),
        }
    }

    /// Inputs and meanings after Alertmanager's documentation of matchers.
    #[test]
    fn matchers_are_read_as_alertmanager_reads_them() {
        for (text, expected) in [
            ("", "{}"),
            ("{}", "{}"),
            (" { } ", "{}"),
            ("foo=bar", r#"{foo="bar"}"#),
            (r#"foo="bar""#, r#"{foo="bar"}"#),
            (r#" foo != "bar" "#, r#"{foo!="bar"}"#),
            ("service=~shop|cart", r#"{service=~"shop|cart"}"#),
            (
                r#"{foo!~"[0-9]+",bar=baz,}"#,
                r#"{foo!~"[0-9]+", bar="baz"}"#,
            ),
            (r#"foo="bar",qux=quux"#, r#"{foo="bar", qux="quux"}"#),
            (r#"foo="""#, r#"{foo=""}"#),
            (r#""foo.bar 🙂"="a=b,{c}""#, r#"{"foo.bar 🙂"="a=b,{c}"}"#),
            ("🙂=x", r#"{"🙂"="x"}"#),
            (r#"foo="a\"b\\c\nd\u00e9""#, "{foo=\"a\\\"b\\\\c\\ndé\"}"),
            (r#"foo="\x41\101\U0001f642""#, "{foo=\"AA🙂\"}"),
            (r#"code=~"5\d\d|\.""#, r#"{code=~"5\\d\\d|\\."}"#),
            (r#"slofuse_severity="page""#, r#"{slofuse_severity="page"}"#),
            ("path=/api/v1:8080", r#"{path="/api/v1:8080"}"#),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn mistakes_say_where_and_what() {
        insta::assert_snapshot!(shown("foo"), @"3: one of = != =~ !~ is expected after the name of a label");
        insta::assert_snapshot!(shown("foo="), @r#"4: the text ends where a value; write "" for an empty one is expected"#);
        insta::assert_snapshot!(shown("=bar"), @"0: '=' stands where the name of a label is expected");
        insta::assert_snapshot!(shown(r#"""="bar""#), @"0: the name of the label is empty");
        insta::assert_snapshot!(shown("foo==bar"), @r#"4: '=' stands where a value; write "" for an empty one is expected"#);
        insta::assert_snapshot!(shown("foo=bar baz"), @"8: 'b' stands where a comma or the end is expected");
        insta::assert_snapshot!(shown("foo='bar'"), @r#"4: '\'' stands where a value; write "" for an empty one is expected"#);
        insta::assert_snapshot!(shown(r#"foo="bar"#), @"4: the closing quote is missing");
        insta::assert_snapshot!(shown(r#"foo="bar\"#), @"4: the closing quote is missing");
        insta::assert_snapshot!(shown("{foo=bar"), @"8: the closing } is missing");
        insta::assert_snapshot!(shown("foo=bar}"), @"7: there is a } without its {");
        insta::assert_snapshot!(shown("{foo=bar baz=x}"), @"9: 'b' stands where a comma or the closing } is expected");
        insta::assert_snapshot!(shown(",foo=bar"), @"0: ',' stands where the name of a label is expected");
        insta::assert_snapshot!(shown("{foo=bar}}"), @"9: there is a } without its {");
        insta::assert_snapshot!(shown(r#"foo=~"a(b""#), @r#"5: "a(b" is not a regular expression: unclosed group"#);
        insta::assert_snapshot!(shown(r#"foo="\xff""#), @"4: the quoted text is not UTF-8");
        insta::assert_snapshot!(shown(&"a=b,".repeat(129)), @"512: there are more than 128 matchers");
        insta::assert_snapshot!(shown(&"a".repeat(20_000)), @"0: the text is longer than 16 KiB");
        assert!(Matcher::parse("a=b").is_ok() && Matcher::parse("{a=b}").is_ok());
        assert!(Matcher::parse("a=b,c=d").is_err() && Matcher::parse("").is_err());
    }

    fn any_matcher() -> impl Strategy<Value = Matcher> {
        let text = prop_oneof!["[a-z_]{1,8}", "\\PC{1,12}", any::<String>()];
        (text.clone(), text, 0..4_u8).prop_filter_map("a name", |(name, value, op)| {
            let pattern = || Pattern::new(&regex::escape(&value)).ok();
            let op = match op {
                0 => MatchOp::Equal(value.clone()),
                1 => MatchOp::NotEqual(value.clone()),
                2 => MatchOp::Regex(pattern()?),
                _ => MatchOp::NotRegex(pattern()?),
            };
            (!name.is_empty()).then_some(Matcher { name, op })
        })
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(matchers in prop::collection::vec(any_matcher(), 0..6)) {
            let text = MatcherList(&matchers).to_string();
            prop_assert_eq!(parse_matchers(&text), Ok(matchers.clone()), "{}", text);
            for matcher in matchers {
                let text = matcher.to_string();
                prop_assert_eq!(Matcher::parse(&text), Ok(matcher), "{}", text);
            }
        }

        #[test]
        fn no_text_makes_it_panic(
            text in prop_oneof![any::<String>(), r#"[a-b{},=!~"\\x0-9uU .é]{0,24}"#],
        ) {
            match parse_matchers(&text) {
                Ok(matchers) => prop_assert!(matchers.len() <= MATCHERS_MAX),
                Err(error) => {
                    prop_assert!(text.is_char_boundary(error.offset));
                    prop_assert!(!error.text.is_empty());
                }
            }
        }
    }
}
