//! The embedded store: every message in one SQLite file.
