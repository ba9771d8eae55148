//! Who is told, when, and when not: as an operator sets it up, sees it and changes it.
//!
//! Every scenario runs the real binary over a real Prometheus; operators use its own commands.

mod a_minute;
mod access;
mod delivery;
mod estate;
mod quiet;
mod routes;
