//! Mistakes and warnings in files: where, what, and how to put it right.
//!
//! A [`Diagnostic`] always names its place and a fix. [`Diagnostics`] keeps them sorted and is
//! bounded: a file with a million mistakes of one kind costs no more than one with two hundred, and
//! the rest are counted. The bound is per rule, so that a rule that many files break hides no other.
//! Texts never hold a secret: whoever writes one quotes keys and plain values only.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::lint::Lint;
use super::tree::Mark;

/// A position in a file. Line and column count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file as it was named to the loader.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// `rules/checkout.yaml:12:5`
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// How grave a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing is loaded until it is fixed.
    Error,
    /// Loaded, but probably not what was meant.
    Warning,
    /// Loaded, and worth knowing.
    Note,
}

impl Level {
    /// All levels, gravest first.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Note];

    /// The lower-case word shown to people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One mistake or warning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Diagnostic {
    /// Where it was found.
    #[serde(flatten)]
    pub place: Place,
    /// How grave it is.
    pub severity: Level,
    /// The rule that was broken.
    pub rule: Lint,
    /// What is wrong, lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub fix: String,
}

/// `path:line:column: error: message`, then the fix on a line of its own.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = self.severity.as_str();
        writeln!(f, "{}: {severity}: {}", self.place, self.message)?;
        write!(f, "  fix: {}", self.fix)
    }
}

/// Everything that was found, sorted by place, each once.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    kept: BTreeSet<Diagnostic>,
    /// How many there are, kept or not.
    counts: BTreeMap<(Level, Lint), usize>,
    /// The files that marks refer to by number.
    files: Vec<Arc<str>>,
    /// Texts that cannot be read a second time, by the name of their file.
    texts: BTreeMap<Arc<str>, String>,
}

impl Diagnostics {
    /// Diagnostics of one rule and severity that are kept; more are only counted.
    pub const KEPT_MAX: usize = 200;

    /// Adds one, unless it is known.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.kept.contains(&diagnostic) {
            return;
        }
        let kind = (diagnostic.severity, diagnostic.rule);
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        if *count <= Self::KEPT_MAX {
            self.kept.insert(diagnostic);
        }
    }

    /// Remembers the text of a file that cannot be read a second time.
    pub(super) fn remember(&mut self, file: Arc<str>, text: String) {
        self.texts.insert(file, text);
    }

    /// The text of a file that cannot be read a second time: of the standard input.
    pub fn text(&self, file: &str) -> Option<&str> {
        self.texts.get(file).map(String::as_str)
    }

    /// How many of a severity there are, kept or not.
    pub fn count(&self, severity: Level) -> usize {
        let all = self.counts.iter();
        all.filter(|((level, _), _)| *level == severity)
            .map(|(_, count)| count)
            .sum()
    }

    /// How many errors there are, kept or not.
    pub fn errors(&self) -> usize {
        self.count(Level::Error)
    }

    /// How many warnings there are, kept or not.
    pub fn warnings(&self) -> usize {
        self.count(Level::Warning)
    }

    /// How many notes there are, kept or not.
    pub fn notes(&self) -> usize {
        self.count(Level::Note)
    }

    /// How many of a severity are only counted.
    pub fn omitted(&self, severity: Level) -> usize {
        let all = self.counts.iter();
        all.filter(|((level, _), _)| *level == severity)
            .map(|(_, count)| count.saturating_sub(Self::KEPT_MAX))
            .sum()
    }

    /// The same with other severities: `level` says how grave what breaks a rule now is, given how
    /// grave it was; `None` leaves it out.
    #[must_use]
    pub fn relevel(self, level: impl Fn(Lint, Level) -> Option<Level>) -> Self {
        let kept = self.kept.into_iter().filter_map(|diagnostic| {
            let severity = level(diagnostic.rule, diagnostic.severity)?;
            Some(Diagnostic {
                severity,
                ..diagnostic
            })
        });
        let kept = kept.collect();
        let mut counts = BTreeMap::new();
        for ((severity, rule), count) in self.counts {
            if let Some(severity) = level(rule, severity) {
                *counts.entry((severity, rule)).or_default() += count;
            }
        }
        Self {
            kept,
            counts,
            ..self
        }
    }

    /// Those that were kept, sorted by file and place.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.kept.iter()
    }
}

/// One per line with its fix below; the last lines say how many are not shown.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in &self.kept {
            writeln!(f, "{diagnostic}")?;
        }
        for severity in Level::ALL {
            let omitted = self.omitted(severity);
            if omitted > 0 {
                writeln!(f, "and {omitted} more {}s", severity.as_str())?;
            }
        }
        Ok(())
    }
}

/// `{"errors": 1, "warnings": 0, "notes": 0, "diagnostics": [..]}`
impl Serialize for Diagnostics {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut object = serializer.serialize_struct("Diagnostics", 4)?;
        object.serialize_field("errors", &self.errors())?;
        object.serialize_field("warnings", &self.warnings())?;
        object.serialize_field("notes", &self.notes())?;
        object.serialize_field("diagnostics", &self.kept)?;
        object.end()
    }
}

impl std::error::Error for Diagnostics {}

/// Where the loader writes down what it finds in one file.
///
/// It is shared by everything that reads the file, hence the cell. Marks know their file, so what
/// one file refers to in another is reported in the other.
#[derive(Clone)]
pub(super) struct Report<'a> {
    file: u32,
    found: &'a RefCell<Diagnostics>,
    /// The rule that a key nobody knows breaks.
    unknown_key: Lint,
}

impl<'a> Report<'a> {
    pub(super) fn new(file: Arc<str>, found: &'a RefCell<Diagnostics>) -> Self {
        let files = &mut found.borrow_mut().files;
        files.push(file);
        let file = u32::try_from(files.len() - 1).unwrap_or(u32::MAX);
        let unknown_key = Lint::Invalid;
        Self {
            file,
            found,
            unknown_key,
        }
    }

    /// The same, for a format whose own tool may pass over keys that it does not know.
    #[must_use]
    pub(super) const fn passing_over_unknown_keys(mut self) -> Self {
        self.unknown_key = Lint::IgnoredKey;
        self
    }

    /// Reports a key that nobody knows; whether it is refused.
    pub(super) fn unknown_key(&self, mark: Mark, key: &str, fix: impl Into<String>) -> bool {
        let message = format!("unknown key {:?}", excerpt(key));
        self.lint(self.unknown_key, mark, message, fix);
        self.unknown_key.level() == Level::Error
    }

    /// The number of the file in marks.
    pub(super) const fn file(&self) -> u32 {
        self.file
    }

    /// The beginning of the file.
    pub(super) const fn start(&self) -> Mark {
        Mark::start(self.file)
    }

    pub(super) fn place(&self, mark: Mark) -> Place {
        let found = self.found.borrow();
        let file = usize::try_from(mark.file).ok();
        let file = file.and_then(|number| found.files.get(number)).cloned();
        Place {
            file: file.unwrap_or_default(),
            line: mark.line,
            column: mark.column,
        }
    }

    pub(super) fn error(&self, mark: Mark, message: impl Into<String>, fix: impl Into<String>) {
        self.lint(Lint::Invalid, mark, message, fix);
    }

    /// Reports what breaks a rule, as gravely as the rule says.
    pub(super) fn lint(
        &self,
        rule: Lint,
        mark: Mark,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.lint_as(rule.level(), rule, mark, message, fix);
    }

    /// Reports what breaks a rule, where it is less or more grave than the rule usually is.
    pub(super) fn lint_as(
        &self,
        severity: Level,
        rule: Lint,
        mark: Mark,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        let diagnostic = Diagnostic {
            place: self.place(mark),
            severity,
            rule,
            message: message.into(),
            fix: fix.into(),
        };
        self.found.borrow_mut().push(diagnostic);
    }
}

/// The start of a text, short enough for a message.
pub(super) fn excerpt(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    let mut start: String = text.chars().take(CHARS_MAX).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnostic(file: &str, line: u32, severity: Level) -> Diagnostic {
        Diagnostic {
            place: Place {
                file: file.into(),
                line,
                column: 3,
            },
            severity,
            rule: Lint::Invalid,
            message: "the objective is 100".to_owned(),
            fix: "promise less".to_owned(),
        }
    }

    #[test]
    fn they_are_sorted_and_each_is_shown_once() {
        let mut all = Diagnostics::default();
        all.push(diagnostic("b.yaml", 1, Level::Error));
        all.push(diagnostic("a.yaml", 10, Level::Warning));
        all.push(diagnostic("a.yaml", 9, Level::Error));
        all.push(diagnostic("a.yaml", 9, Level::Error));
        insta::assert_snapshot!(all, @r"
        a.yaml:9:3: error: the objective is 100
          fix: promise less
        a.yaml:10:3: warning: the objective is 100
          fix: promise less
        b.yaml:1:3: error: the objective is 100
          fix: promise less
        ");
        assert_eq!((all.errors(), all.warnings()), (2, 1));
    }

    #[test]
    fn warnings_never_crowd_out_errors() {
        let mut all = Diagnostics::default();
        for line in 1..=500 {
            all.push(diagnostic("a.yaml", line, Level::Warning));
        }
        all.push(diagnostic("z.yaml", 1, Level::Error));
        assert_eq!(all.iter().count(), Diagnostics::KEPT_MAX + 1);
        assert!(all.to_string().ends_with("and 300 more warnings\n"));
        assert!(all.iter().any(|d| d.severity == Level::Error));
    }

    #[test]
    fn a_rule_that_many_break_hides_no_other() {
        let mut all = Diagnostics::default();
        for line in 1..=500 {
            let rule = Lint::NoOwner;
            all.push(Diagnostic {
                rule,
                ..diagnostic("a.yaml", line, Level::Warning)
            });
        }
        all.push(Diagnostic {
            rule: Lint::DeadTier,
            ..diagnostic("z.yaml", 1, Level::Warning)
        });
        let allowed = all.relevel(|rule, level| (rule != Lint::NoOwner).then_some(level));
        assert_eq!(allowed.warnings(), 1);
        let denied = allowed.relevel(|_, _| Some(Level::Error));
        assert_eq!((denied.errors(), denied.warnings()), (1, 0));
        insta::assert_snapshot!(denied, @r"
        z.yaml:1:3: error: the objective is 100
          fix: promise less
        ");
    }

    #[test]
    fn json_is_flat() {
        let mut all = Diagnostics::default();
        all.push(diagnostic("a.yaml", 2, Level::Error));
        insta::assert_snapshot!(
            serde_json::to_string(&all).unwrap(),
            @r#"{"errors":1,"warnings":0,"notes":0,"diagnostics":[{"file":"a.yaml","line":2,"column":3,"severity":"error","rule":"invalid","message":"the objective is 100","fix":"promise less"}]}"#
        );
    }
}
