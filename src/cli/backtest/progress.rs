//! How far playing has come, on one line of standard error that is written over again and again.

use std::io::IsTerminal;

use crate::message::figures;
use crate::replay::report::Progress;

/// The line; nothing where nobody watches a terminal.
pub(in crate::cli) struct ProgressLine {
    is_shown: bool,
    /// The percent that is shown.
    percent: Option<u32>,
}

impl ProgressLine {
    pub(in crate::cli) fn new() -> Self {
        Self {
            is_shown: std::io::stderr().is_terminal(),
            percent: None,
        }
    }

    /// Writes the line anew when there is something new to say.
    pub(in crate::cli) fn show(&mut self, progress: &Progress<'_>) {
        let percent = (progress.share * 100.0) as u32;
        if !self.is_shown || self.percent == Some(percent) {
            return;
        }
        self.percent = Some(percent);
        write(&line(progress, percent));
    }

    /// Takes the line away.
    pub(in crate::cli) fn clear(&self) {
        if self.percent.is_some() {
            write("");
        }
    }
}

/// `playing as defined: 2026-03-14 12:00 UTC, 47%`
fn line(progress: &Progress<'_>, percent: u32) -> String {
    let date = figures::date(progress.at);
    let date = date.replace(":00 UTC", " UTC");
    format!("playing {}: {date}, {percent}%", progress.variant)
}

#[expect(clippy::print_stderr, reason = "the command line talks to people")]
fn write(text: &str) {
    // To the start of the line, and away with the rest of it.
    eprint!("\r{text}\x1b[K");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Timestamp;

    #[test]
    fn the_line_tells_what_when_and_how_much() {
        let progress = Progress {
            variant: "policy fast",
            at: Timestamp::from_secs(1_700_006_400),
            share: 0.4761,
        };
        let line = line(&progress, 47);
        assert_eq!(line, "playing policy fast: 2023-11-15 00:00 UTC, 47%");
    }
}
