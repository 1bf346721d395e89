//! Programs that show how the crates are used.
