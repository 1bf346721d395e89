//! Writing to standard output.

use std::io::{self, ErrorKind, Write as _, stdout};

use crate::failure::Failure;

/// Writes a text as it is. A reader who has gone, such as `head`, has seen all that was wanted:
/// that ends the process quietly.
pub(crate) fn text(text: &str) -> Result<(), Failure> {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(unwritable(&error)),
    }
}

/// Writes a text and ends the line.
pub(crate) fn line(line: &str) -> Result<(), Failure> {
    text(&format!("{line}\n"))
}

/// Writes a text that nothing depends on.
pub(crate) fn offer(text: &str) {
    let mut out = stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn unwritable(error: &io::Error) -> Failure {
    Failure::new(format!("cannot write to standard output: {error}"))
}
