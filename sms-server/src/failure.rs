//! Why a command ends without success.

use std::fmt;
use std::process::ExitCode;

use crate::config::{Problem, Problems};

/// What a person is told when a command fails, and the exit status.
#[derive(Debug)]
pub(crate) struct Failure {
    words: String,
    status: u8,
}

impl Failure {
    /// Something went wrong; exit status 1.
    pub(crate) fn new(words: impl fmt::Display) -> Self {
        Self {
            words: words.to_string(),
            status: 1,
        }
    }

    /// The command line makes no sense; exit status 2, as for what `clap` refuses.
    pub(crate) fn usage(words: impl fmt::Display) -> Self {
        Self {
            words: words.to_string(),
            status: 2,
        }
    }

    /// The words, each line marked as an error, to standard error.
    pub(crate) fn report(&self) -> ExitCode {
        for line in self.words.lines() {
            // Nobody is left to be told that this could not be told.
            let _ = write_line(line);
        }
        ExitCode::from(self.status)
    }
}

fn write_line(line: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    writeln!(std::io::stderr(), "error: {line}")
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::new(problems)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::new(problem)
    }
}

/// An error and what caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        // Some errors repeat the words of their cause.
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}
