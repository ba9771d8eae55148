//! What a person reads: a notification in words, the same for every receiver.
//!
//! [`Writer`] turns a notification into a [`Message`]: the built-in words, or those of the user's
//! templates. Everything here is pure and total; every text is one line, bounded, and free of
//! control characters. [`sample`] has notifications to try words on before anything burns.

pub mod annotations;
pub mod figures;
pub mod reason;
pub mod sample;
mod templates;
pub mod text;
mod words;
mod writer;

pub use templates::{Slot, TemplateError, Templates};
pub use words::{Fact, Link, Message, Tone};
pub use writer::Writer;
