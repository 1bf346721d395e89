//! The webhook server that takes delivery reports from providers.
