//! The lines that diagnostics point at, read again from the files.
//!
//! A report is worth reading without them, so whatever cannot be read, has changed since, or may
//! hold a credential is left out.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use regex::Regex;

use crate::config::{Diagnostics, Place};

/// How much of a file is read for its lines, in bytes.
const BYTES_MAX: u64 = 64 << 20;

/// Reads the lines of one file after the other.
pub(super) struct Sources<'a> {
    /// What was found, with the texts that cannot be read again.
    found: &'a Diagnostics,
    /// Files of which no line is shown: settings hold credentials.
    hidden: Option<PathBuf>,
    /// The file that was asked for last; diagnostics are sorted by file.
    latest: Option<(Arc<str>, Option<String>)>,
}

impl<'a> Sources<'a> {
    pub(super) const fn new(found: &'a Diagnostics, hidden: Option<PathBuf>) -> Self {
        Self {
            found,
            hidden,
            latest: None,
        }
    }

    /// The line at a place, if it can and may be shown.
    pub(super) fn line(&mut self, place: &Place) -> Option<&str> {
        let known = self.latest.as_ref();
        if known.is_none_or(|(file, _)| *file != place.file) {
            let text = self.read(&place.file);
            self.latest = Some((Arc::clone(&place.file), text));
        }
        let text = self.latest.as_ref()?.1.as_deref()?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let before = usize::try_from(place.line).ok()?.checked_sub(1)?;
        let line = text.split('\n').nth(before)?;
        let line = line.strip_suffix('\r').unwrap_or(line);
        let reached = usize::try_from(place.column).ok()? <= line.chars().count() + 1;
        (reached && !is_confidential(line)).then_some(line)
    }

    fn read(&self, file: &str) -> Option<String> {
        if let Some(text) = self.found.text(file) {
            return Some(text.to_owned());
        }
        if self
            .hidden
            .as_ref()
            .is_some_and(|path| path.to_string_lossy() == file)
        {
            return None;
        }
        let file = File::open(file).ok()?;
        // A pipe would never end.
        file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let mut bytes = Vec::new();
        file.take(BYTES_MAX).read_to_end(&mut bytes).ok()?;
        // A mistake may be that it is not UTF-8.
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Whether a line may hold a credential: a key that sounds like one, or a URL with a user in it.
fn is_confidential(line: &str) -> bool {
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let key = r"(passw(or)?d|token|secret|authorization|api_?key|routing_?key|credentials?)";
        Regex::new(&format!(r#"(?i){key}["']?\s*[:=]|bearer\s|://[^/\s@]*@"#)).ok()
    });
    PATTERN
        .as_ref()
        .is_none_or(|pattern| pattern.is_match(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(file: &str, line: u32, column: u32) -> Place {
        let file = file.into();
        Place { file, line, column }
    }

    #[test]
    fn what_is_not_there_has_no_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.yaml");
        std::fs::write(&path, b"\xef\xbb\xbfone: 1\r\ntwo: 2\n\xff").unwrap();
        let name = path.to_str().unwrap();
        let found = Diagnostics::default();
        let mut sources = Sources::new(&found, None);
        assert_eq!(sources.line(&place(name, 1, 6)), Some("one: 1"));
        assert_eq!(sources.line(&place(name, 2, 7)), Some("two: 2"));
        assert_eq!(sources.line(&place(name, 2, 9)), None);
        assert_eq!(sources.line(&place(name, 9, 1)), None);
        assert_eq!(sources.line(&place(name, 0, 0)), None);
        let folder = directory.path().to_str().unwrap();
        assert_eq!(sources.line(&place(folder, 1, 1)), None);
        assert_eq!(sources.line(&place("/dev/zero", 1, 1)), None);
        assert_eq!(sources.line(&place("definitions", 1, 1)), None);
        let mut hidden = Sources::new(&found, Some(path.clone()));
        assert_eq!(hidden.line(&place(name, 1, 1)), None);
    }

    #[test]
    fn credentials_are_not_shown() {
        for line in [
            "  password: hunter2",
            "  runbook: https://me:hunter2@example.com/",
            "connectionDetails: {accessToken: abc}",
            "\"api_key\" : abc",
            "  Authorization: Basic YTpi",
            "  header: Bearer abc",
        ] {
            assert!(is_confidential(line), "{line}");
        }
        for line in [
            "  total: token_requests_total",
            "  runbook: https://example.com/a@b",
            "  owner: team-secrets",
        ] {
            assert!(!is_confidential(line), "{line}");
        }
    }
}
