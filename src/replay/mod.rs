//! The past, played through the engine: what definitions would have done, decided by the daemon's
//! own [`Engine`](crate::engine::Engine).
//!
//! ```text
//! Reel (what a source said) ──► Player (virtual time, slot by slot) ──► Engine::step
//!                                                                         │ effects
//!                          report, Journal ◄── Watcher ◄───────────────┘
//! ```
//!
//! A [`Reel`] holds what a source said over a stretch of time: a Prometheus, a file, a script of
//! traffic. A [`Player`] reads it slot by slot, as the daemon would have, and shows every step to
//! a [`Watcher`]: that of a [`report`] keeps figures, a [`Journal`] every step. Nothing in here
//! decides: the same samples give the same alerts as in the daemon that saw them live.

pub mod explain;
pub mod inject;
mod invent;
mod journal;
pub mod judge;
mod player;
mod reel;
pub mod report;
mod source;
pub mod trial;
pub mod tune;

pub use journal::{ENTRIES_MAX, Episode, Journal, Sent};
pub use player::{Player, Script, Watcher};
pub use reel::{MemoryReel, Reel, ReelError};
pub use source::{
    Attendant, CoarseStretch, Estimate, Filing, History, OpenError, Opening, Progress,
    clear_litter, from_files, from_server,
};
