//! Small pieces.
