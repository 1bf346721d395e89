//! The binary `sms`.
fn main() {}
