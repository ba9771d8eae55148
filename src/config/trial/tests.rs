//! Files of tests: what they mean, and every mistake in them.
