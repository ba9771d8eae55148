//! Whole tests through the engine.
