//! Colour, on terminals only.

use std::io::IsTerminal as _;

use sms_grpc::proto::v1::State;

const RESET: &str = "\x1b[0m";

/// Whether to use colour.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    colour: bool,
}

impl Style {
    /// Colour if standard output is a terminal and `NO_COLOR` does not forbid it.
    pub(crate) fn of_stdout() -> Self {
        let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            colour: std::io::stdout().is_terminal() && !forbidden,
        }
    }

    fn paint(self, code: &str, text: &str) -> String {
        match self.colour {
            true => format!("\x1b[{code}m{text}{RESET}"),
            false => text.to_owned(),
        }
    }

    /// What matters less.
    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// What matters most.
    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// A text about a state: green if all went well, red if it did not, yellow while nobody
    /// knows.
    pub(crate) fn state(self, state: State, text: &str) -> String {
        match state {
            State::Delivered => self.paint("32", text),
            State::Undelivered | State::Rejected | State::Failed | State::Expired => {
                self.paint("31", text)
            }
            State::Unconfirmed | State::Unknown => self.paint("33", text),
            State::Canceled => self.paint("2", text),
            State::Unspecified
            | State::Scheduled
            | State::Queued
            | State::Sending
            | State::Sent => text.to_owned(),
        }
    }
}
