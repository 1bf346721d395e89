//! How the sandbox behaves towards one message.

use std::collections::VecDeque;
use std::time::Duration;

/// How the sandbox behaves towards one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behaviour {
    /// Whether it takes the message.
    pub takes: bool,
    /// What it answers.
    pub response: Response,
    /// What it reports if it takes the message.
    pub reports: Vec<PlannedReport>,
}

/// What the sandbox answers to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// MegaFon's JSON with this code, 20102 in place of 0 if it had the message before.
    Code(i64),
    /// An HTTP status with an empty body.
    Status {
        /// The status.
        status: u16,
        /// The header `Retry-After`, in seconds.
        retry_after: Option<u64>,
    },
    /// Nothing: it closes the connection.
    Cut,
    /// Nothing: it keeps the connection open.
    Never,
    /// As `Code(0)`, but only after this time.
    After(Duration),
    /// Status 200 and a body that is no JSON.
    Garbage,
    /// Status 200 and a body of so many bytes.
    Huge(usize),
}

/// A report that the sandbox is going to post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedReport {
    /// When.
    pub when: When,
    /// The final state as a word of seven letters, as in SMPP: `DELIVRD`, `EXPIRED`, `REJECTD`,
    /// `UNDELIV`.
    pub stat: &'static str,
}

/// When a report is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Before the request is answered.
    BeforeAnswer,
    /// After the sandbox's usual delay.
    Usual,
    /// This long after the message was taken.
    After(Duration),
}

impl Default for Behaviour {
    /// Takes the message and reports its delivery after the usual delay.
    fn default() -> Self {
        Self::answering(Response::Code(0))
    }
}

impl Behaviour {
    /// Takes the message, answers so, and reports its delivery.
    #[must_use]
    pub fn answering(response: Response) -> Self {
        Self {
            takes: true,
            response,
            reports: vec![PlannedReport {
                when: When::Usual,
                stat: "DELIVRD",
            }],
        }
    }

    /// Does not take the message and answers so.
    #[must_use]
    pub fn refusing(response: Response) -> Self {
        Self {
            takes: false,
            response,
            reports: Vec::new(),
        }
    }

    /// Takes the message, says so, and reports so.
    #[must_use]
    pub fn reporting(reports: impl IntoIterator<Item = (When, &'static str)>) -> Self {
        Self {
            reports: reports
                .into_iter()
                .map(|(when, stat)| PlannedReport { when, stat })
                .collect(),
            ..Self::default()
        }
    }

    /// What a word in the text asks for, to try things by hand. `request` counts the requests of
    /// the same reference from 1: what a retry gets over happens at the first only.
    ///
    /// | word | what happens |
    /// |---|---|
    /// | `#fail` | taken, then reported as undelivered |
    /// | `#expire` | taken, then reported as expired |
    /// | `#reject` | refused for good |
    /// | `#throttle` | the first two requests are throttled |
    /// | `#never` | taken, never reported |
    /// | `#twice` | reported twice |
    /// | `#early` | reported before the request is answered |
    /// | `#late` | reported after 30 s |
    /// | `#cut` | taken, but the first request's connection is cut without an answer |
    /// | `#hang` | taken, but the first request is never answered |
    /// | `#error` | the first request is answered with HTTP 500 and not taken |
    #[must_use]
    pub fn of_text(text: &str, request: u64) -> Self {
        let asks = |word| text.contains(word);
        let first = request == 1;
        if asks("#reject") {
            Self::refusing(Response::Code(102))
        } else if asks("#throttle") && request <= 2 {
            Self::refusing(Response::Code(88))
        } else if asks("#error") && first {
            Self::refusing(Response::Status {
                status: 500,
                retry_after: None,
            })
        } else if asks("#cut") && first {
            Self::answering(Response::Cut)
        } else if asks("#hang") && first {
            Self::answering(Response::Never)
        } else {
            Self::reporting(reports_of_text(asks))
        }
    }
}

fn reports_of_text(asks: impl Fn(&'static str) -> bool) -> Vec<(When, &'static str)> {
    if asks("#never") {
        vec![]
    } else if asks("#fail") {
        vec![(When::Usual, "UNDELIV")]
    } else if asks("#expire") {
        vec![(When::Usual, "EXPIRED")]
    } else if asks("#twice") {
        vec![(When::Usual, "DELIVRD"), (When::Usual, "DELIVRD")]
    } else if asks("#early") {
        vec![(When::BeforeAnswer, "DELIVRD")]
    } else if asks("#late") {
        vec![(When::After(Duration::from_secs(30)), "DELIVRD")]
    } else {
        vec![(When::Usual, "DELIVRD")]
    }
}

/// What was asked of the sandbox through its handle.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) next: VecDeque<Behaviour>,
    pub(super) always: Option<Behaviour>,
}

impl Script {
    /// The behaviour towards a request, if it was asked for.
    pub(super) fn draw(&mut self) -> Option<Behaviour> {
        self.next.pop_front().or_else(|| self.always.clone())
    }
}
