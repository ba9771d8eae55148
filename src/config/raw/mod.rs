//! Files as they are written: one struct per section, one field per key.
//!
//! The structs are the reference of both formats: a key that is not here is refused. They hold
//! no rule beyond the grammar of a value; defaults and rules belong to [`super::compile`].
//! None of them implements `Debug`, for settings hold secrets.

pub(super) mod definition;
pub(super) mod settings;
pub(super) mod trial;
pub(super) mod wishes;
