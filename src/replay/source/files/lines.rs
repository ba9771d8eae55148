//! Lines of a file, whatever made it: byte order mark, carriage returns, missing last newline.

use std::io::{BufRead, Read};

/// Longer lines are mistakes: a series with many long labels takes a few kilobytes.
const LINE_BYTES_MAX: usize = 1 << 20;
/// So many mistakes are told.
const MISTAKES_MAX: usize = 20;
/// So many characters of a foreign line are repeated.
const EXCERPT_CHARS: usize = 60;
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Lines with their numbers.
pub(super) struct Lines<R> {
    name: String,
    input: R,
    number: u64,
    line: Vec<u8>,
}

/// One line.
pub(super) enum Line<'a> {
    /// Its text, without the end.
    Text(&'a str),
    /// It is no text, or too long.
    Bad(&'static str),
}

impl<R: BufRead> Lines<R> {
    /// Lines of what people know under a name.
    pub(super) fn new(name: String, input: R) -> Self {
        Self {
            name,
            input,
            number: 0,
            line: Vec::new(),
        }
    }

    /// `file:line`, of the line that was read last.
    pub(super) fn place(&self) -> Place {
        Place {
            name: self.name.clone(),
            line: self.number,
        }
    }

    /// The name that people know.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The number of the line that was read last, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next line; `None` after the last.
    pub(super) fn next(&mut self) -> std::io::Result<Option<Line<'_>>> {
        self.line.clear();
        let limit = LINE_BYTES_MAX as u64 + 1;
        let mut limited = self.input.by_ref().take(limit);
        if limited.read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        if self.number == 1 && self.line.starts_with(MARK) {
            self.line.drain(..MARK.len());
        }
        if self.line.len() > LINE_BYTES_MAX {
            self.input.skip_until(b'\n')?;
            return Ok(Some(Line::Bad("the line is longer than 1 MiB")));
        }
        while matches!(self.line.last(), Some(b'\n' | b'\r')) {
            self.line.pop();
        }
        Ok(Some(match std::str::from_utf8(&self.line) {
            Ok(text) => Line::Text(text),
            Err(_) => Line::Bad("the line is not UTF-8"),
        }))
    }
}

/// Where a line stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    name: String,
    line: u64,
}

/// What is wrong with files, up to a bound.
#[derive(Debug, Default)]
pub(super) struct Mistakes(Vec<String>);

impl Mistakes {
    /// Notes what is wrong at a place, and what to do.
    pub(super) fn add(&mut self, place: &Place, what: &str) {
        if !self.is_full() {
            let line = format!("{}:{}: {what}", place.name, place.line);
            self.0.push(line);
        }
        if self.is_full() {
            self.0
                .push("there may be more mistakes: reading ended here".to_owned());
        }
    }

    /// Whether reading on is of no use.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= MISTAKES_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_texts(self) -> Vec<String> {
        self.0
    }
}

/// The beginning of a foreign text, for messages.
pub(super) fn excerpt(text: &str) -> String {
    let mut short: String = text.chars().take(EXCERPT_CHARS).collect();
    if text.chars().count() > EXCERPT_CHARS {
        short.push_str("...");
    }
    format!("{short:?}")
}
