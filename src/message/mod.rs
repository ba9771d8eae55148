//! What a person reads: a notification in words, the same for every receiver.
//!
//! [`Writer`] turns a notification into a [`Message`]: the built-in words, or those of the user's
//! templates. Everything here is pure and total; every text is bounded, free of control
//! characters, and one line (notes are a few). [`sample`] has notifications to try words on before anything burns.

pub mod annotations;
mod context;
pub mod explanation;
pub mod figures;
mod filters;
mod group;
pub mod picture;
pub mod reason;
pub mod sample;
mod templates;
pub mod text;
mod words;
mod writer;

pub use templates::{NOTES_LINES_MAX, Slot, TemplateError, Templates};
pub use words::{Fact, Link, MemberLine, Message, Tone};
pub use writer::Writer;
