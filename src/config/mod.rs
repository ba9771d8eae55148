//! Files in, engine types and settings out.
pub mod promql;
pub mod secret;
pub mod settings;
