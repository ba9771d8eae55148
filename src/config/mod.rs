//! Files in, engine types and settings out.
pub mod secret;
pub mod settings;
