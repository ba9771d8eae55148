//! The body, the peers and their failures.
