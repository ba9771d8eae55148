//! What happened, a line per event, and the hash of all lines.
//!
//! Two runs of a seed must have the same hash. The last lines are kept for whoever reads a failure.

use std::collections::VecDeque;

/// Lines that are kept.
const LINES_KEPT: usize = 120;

/// The log of one world.
#[derive(Debug)]
pub(crate) struct Chronicle {
    lines: VecDeque<String>,
    /// FNV-1a of all lines.
    pub(crate) hash: u64,
    /// How many there were.
    pub(crate) count: u64,
    /// Whether every line is printed as it comes.
    aloud: bool,
}

impl Chronicle {
    /// An empty log.
    pub(crate) fn new(aloud: bool) -> Self {
        Self {
            lines: VecDeque::new(),
            hash: 0xcbf2_9ce4_8422_2325,
            count: 0,
            aloud,
        }
    }

    /// Appends what happened at a true time, in milliseconds after the begin of the world.
    pub(crate) fn note(&mut self, at: i64, what: &str) {
        let line = format!(
            "{:>4}:{:02}.{:03} {what}",
            at / 60_000,
            at / 1000 % 60,
            at % 1000
        );
        for byte in line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.count += 1;
        if self.aloud {
            println!("{line}");
        }
        if self.lines.len() == LINES_KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// The last lines.
    pub(crate) fn tail(&self) -> String {
        let lines: Vec<&str> = self.lines.iter().map(String::as_str).collect();
        lines.join("\n")
    }
}
