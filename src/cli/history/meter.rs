//! What is shown while history is fetched: the price before, a bar during.
//!
//! On a terminal the bar is drawn over itself; elsewhere there is a line now and then.

use std::io::{IsTerminal, Write, stderr, stdin};
use std::time::Duration;

use tokio::time::Instant;

use crate::replay::{Attendant, Estimate, Progress};

/// A bar is drawn at most so often.
const REDRAW: Duration = Duration::from_millis(100);
/// Without a terminal there is a line at most so often.
const LINE: Duration = Duration::from_secs(10);
const BAR_CELLS: usize = 30;
/// More than this is asked about.
const SAMPLES_UNASKED: u64 = 50_000_000;
/// Longer than this is asked about.
const DURATION_UNASKED: Duration = Duration::from_secs(120);
/// The time that is left is guessed from this share on.
const ETA_FROM: f64 = 0.02;

/// Tells on standard error, asks on standard input.
pub(super) struct Meter {
    /// Whether nothing is asked.
    yes: bool,
    is_terminal: bool,
    started: Instant,
    shown: Option<Instant>,
}

impl Meter {
    pub(super) fn new(yes: bool) -> Self {
        Self {
            yes,
            is_terminal: stderr().is_terminal(),
            started: Instant::now(),
            shown: None,
        }
    }

    /// Makes room for other lines.
    pub(super) fn end(&mut self) {
        if self.is_terminal && self.shown.take().is_some() {
            write("\r\x1b[K");
        }
    }
}

impl Attendant for Meter {
    fn agrees(&mut self, estimate: &Estimate) -> bool {
        write(&format!("slofuse: {}\n", price(estimate)));
        let is_large = estimate.samples > SAMPLES_UNASKED || estimate.duration > DURATION_UNASKED;
        let asks = is_large && !self.yes && self.is_terminal && stdin().is_terminal();
        let agreed = !asks || {
            write("Go on? [Y/n] ");
            let mut answer = String::new();
            let read = stdin().read_line(&mut answer);
            let answer = answer.trim().to_ascii_lowercase();
            read.is_ok_and(|bytes| bytes > 0) && matches!(answer.as_str(), "" | "y" | "yes")
        };
        self.started = Instant::now();
        agreed
    }

    fn told(&mut self, progress: Progress) {
        let now = Instant::now();
        let pause = if self.is_terminal { REDRAW } else { LINE };
        // On a terminal the first line comes at once.
        let first = match self.is_terminal {
            true => self.started.checked_sub(pause),
            false => Some(self.started),
        };
        let last = self.shown.or(first).unwrap_or(self.started);
        let is_due = now.duration_since(last) >= pause;
        if !is_due {
            return;
        }
        self.shown = Some(now);
        let line = line(&progress, now.duration_since(self.started));
        match self.is_terminal {
            true => write(&format!("\r\x1b[K{} {line}", bar(progress.done))),
            false => write(&format!("slofuse: fetching history: {line}\n")),
        }
    }
}

fn price(estimate: &Estimate) -> String {
    let cached = match estimate.cached {
        0 => String::new(),
        some => format!(" ({} more are in the cache)", count(some)),
    };
    let requests = match estimate.requests {
        1 => "1 request".to_owned(),
        some => format!("{} requests", count(some)),
    };
    format!(
        "fetching history: about {} samples{cached} of {} series, {requests}, {} on disk, {}",
        count(estimate.samples),
        count(estimate.series),
        size(estimate.bytes),
        lasting(estimate.duration)
    )
}

fn line(progress: &Progress, elapsed: Duration) -> String {
    let left = match progress.done {
        done if (ETA_FROM..1.0).contains(&done) => {
            let all = elapsed.div_f64(done);
            format!(", {} left", lasting(all.saturating_sub(elapsed)))
        }
        _ => String::new(),
    };
    format!(
        "{:3.0}%, {} samples, {}{left}",
        progress.done * 100.0,
        count(progress.samples),
        size(progress.bytes)
    )
}

fn bar(done: f64) -> String {
    let full = ((done * BAR_CELLS as f64) as usize).min(BAR_CELLS);
    let rest = BAR_CELLS - full;
    format!("[{}{}]", "#".repeat(full), "-".repeat(rest))
}

/// `950`, `12.3k`, `4.5M`
fn count(number: u64) -> String {
    let number = number as f64;
    match number {
        n if n < 1e3 => format!("{n:.0}"),
        n if n < 1e6 => format!("{:.1}k", n / 1e3),
        n if n < 1e9 => format!("{:.1}M", n / 1e6),
        n => format!("{:.1}G", n / 1e9),
    }
}

/// `2 KiB`, `34.5 MiB`
fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    const KIB: f64 = 1024.0;
    match bytes {
        b if b < KIB * KIB => format!("{:.0} KiB", (b / KIB).ceil()),
        b if b < KIB * KIB * KIB => format!("{:.1} MiB", b / KIB / KIB),
        b => format!("{:.1} GiB", b / KIB / KIB / KIB),
    }
}

/// `20s`, `3m`: rough.
fn lasting(duration: Duration) -> String {
    let seconds = duration.as_secs_f64().ceil() as i64;
    let span = match seconds {
        s if s < 120 => crate::engine::Span::from_secs(s.max(1)),
        s if s < 7200 => crate::engine::Span::from_mins((s + 30) / 60),
        s => crate::engine::Span::from_hours((s + 1800) / 3600),
    };
    format!("about {span}")
}

fn write(text: &str) {
    let mut stream = stderr();
    // With standard error closed there is nobody to tell.
    let _told = stream
        .write_all(text.as_bytes())
        .and_then(|()| stream.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_price_is_one_line() {
        let estimate = Estimate {
            series: 1200,
            samples: 34_560_000,
            requests: 48,
            bytes: 54 << 20,
            duration: Duration::from_secs(19),
            cached: 2_100_000,
        };
        insta::assert_snapshot!(price(&estimate), @"fetching history: about 34.6M samples (2.1M more are in the cache) of 1.2k series, 48 requests, 54.0 MiB on disk, about 19s");
    }

    #[test]
    fn progress_tells_what_is_left() {
        let progress = Progress {
            done: 0.25,
            requests: 12,
            samples: 8_600_000,
            bytes: 13 << 20,
        };
        let line = line(&progress, Duration::from_secs(100));
        insta::assert_snapshot!(line, @" 25%, 8.6M samples, 13.0 MiB, about 5m left");
        assert_eq!(bar(0.5), format!("[{}{}]", "#".repeat(15), "-".repeat(15)));
        assert_eq!(bar(7.0), format!("[{}]", "#".repeat(30)));
    }
}
