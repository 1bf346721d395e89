//! From an answer to what became of the message.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use sms_core::{Answer, Outcome, Submission};

use super::config::AnswerConfig;
use super::location::{Location, Opened};
use super::pattern::{List, Meanings};
use crate::class::Class;
use crate::client::HttpAnswer;
use crate::{ConfigError, answer, retry_after, status};

/// What the answers of one provider mean.
#[derive(Debug)]
pub(super) struct Verdict {
    config: AnswerConfig,
    meanings: Meanings<Class>,
    statuses: Vec<(StatusPattern, Class)>,
}

impl Verdict {
    pub(super) fn new(config: AnswerConfig) -> Result<Self, ConfigError> {
        check(&config)?;
        let mut statuses = config
            .http_status
            .iter()
            .map(|(text, class)| Ok((StatusPattern::parse(text)?, *class)))
            .collect::<Result<Vec<_>, ConfigError>>()?;
        // The exact ones are asked before the families.
        statuses.sort_by_key(|(pattern, _)| matches!(pattern, StatusPattern::Family(_)));
        Ok(Self {
            meanings: Meanings::new("answer", lists(&config))?,
            config,
            statuses,
        })
    }

    pub(super) fn read(&self, answer: &HttpAnswer, submission: &Submission) -> Answer {
        let opened = Opened::new(answer, submission);
        let find = |location: &Option<_>| location.as_ref().and_then(|place| opened.find(place));
        let verdicts = opened.first_of(&self.config.verdict.0);
        let wait = self.wait(&opened, answer);
        // Where the parts of a message fare differently, the last tells more than the first.
        let code = find(&self.config.code).or_else(|| verdicts.last().cloned());
        let words = find(&self.config.description);
        Answer {
            outcome: self.outcome(&verdicts, &opened, wait),
            code: code
                .and_then(|code| answer::code(&code, submission))
                .or_else(|| Some(status::code(answer.status))),
            description: words
                .and_then(|words| answer::description(&words, submission))
                .or_else(|| Some(status::describe(answer.status))),
            node: answer.node,
        }
    }

    fn outcome(&self, verdicts: &[String], opened: &Opened<'_>, wait: Option<Duration>) -> Outcome {
        if let Some(class) = self.class(verdicts, opened) {
            let id = self.config.id.as_ref().and_then(|id| opened.find(id));
            return class.outcome(answer::provider_id(id.as_deref()), wait);
        }
        match status::outcome(opened.status(), wait) {
            // This provider writes why it refuses a message. Whoever refused this one did not: a
            // proxy on the way, whose mood must not end the message for good.
            Outcome::Rejected if verdicts.is_empty() && self.has_verdict() => {
                Outcome::Unavailable { retry_after: wait }
            }
            outcome => outcome,
        }
    }

    /// What the answer says, where it says more than its status does by itself. A listed verdict
    /// decides whatever the status is.
    fn class(&self, verdicts: &[String], opened: &Opened<'_>) -> Option<Class> {
        let listed = self.listed(verdicts);
        let status = opened.status();
        let accepted = verdicts.is_empty() && status.is_success() && self.accepted_if(opened);
        listed
            .or(accepted.then_some(Class::Accepted))
            .or_else(|| self.by_status(status))
            .or_else(|| status.is_success().then(|| self.success(verdicts, opened)))
    }

    /// What the verdicts on the parts of a message mean. Parts that fare differently leave the
    /// outcome unknown: to submit the message again would send the taken ones twice.
    fn listed(&self, verdicts: &[String]) -> Option<Class> {
        let mut classes = verdicts.iter().map(|verdict| self.meanings.of(verdict));
        let first = classes.next()?;
        if classes.all(|class| class == first) {
            first
        } else {
            Some(Class::Unknown)
        }
    }

    /// What a 2xx means whose verdict is not listed or not there.
    fn success(&self, verdicts: &[String], opened: &Opened<'_>) -> Class {
        if !verdicts.is_empty() {
            return self.config.otherwise;
        }
        let body_decides = self.has_verdict() || self.config.accepted_if.is_some();
        if body_decides || self.lacks_id(opened) {
            return Class::Unknown;
        }
        // The head alone tells that the message was taken, also where the body is cut off.
        Class::Accepted
    }

    fn has_verdict(&self) -> bool {
        !self.config.verdict.0.is_empty()
    }

    fn accepted_if(&self, opened: &Opened<'_>) -> bool {
        let place = self.config.accepted_if.as_ref();
        place.is_some_and(|place| holds_value(opened, place))
    }

    /// Whether the body is all there and has no id in the place that is known for it.
    fn lacks_id(&self, opened: &Opened<'_>) -> bool {
        let place = self.config.id.as_ref().filter(|id| id.is_in_body());
        place.is_some_and(|place| opened.is_whole() && !holds_value(opened, place))
    }

    fn by_status(&self, status: StatusCode) -> Option<Class> {
        self.statuses
            .iter()
            .find(|(pattern, _)| pattern.matches(status))
            .map(|(_, class)| *class)
    }

    fn wait(&self, opened: &Opened<'_>, answer: &HttpAnswer) -> Option<Duration> {
        let now = SystemTime::now();
        self.config
            .retry_after
            .as_ref()
            .and_then(|place| place.find(opened, now))
            .or_else(|| retry_after::of_headers(&answer.headers, now))
    }
}

fn holds_value(opened: &Opened<'_>, place: &Location) -> bool {
    opened
        .find(place)
        .is_some_and(|value| !value.trim().is_empty())
}

fn check(config: &AnswerConfig) -> Result<(), ConfigError> {
    let has_verdict = !config.verdict.0.is_empty();
    if has_verdict && config.accepted.is_empty() && config.accepted_if.is_none() {
        let problem = "is missing; say which verdicts mean that the message was taken, or where \
                       a value tells it by accepted_if";
        return Err(ConfigError::new("answer.accepted", problem));
    }
    if !has_verdict && lists(config).iter().any(|(_, list, _)| !list.is_empty()) {
        let problem = "is missing; say where in the answer the listed verdicts are";
        return Err(ConfigError::new("answer.verdict", problem));
    }
    Ok(())
}

fn lists(config: &AnswerConfig) -> [List<'_, Class>; 7] {
    [
        ("accepted", &config.accepted, Class::Accepted),
        ("duplicate", &config.duplicate, Class::Duplicate),
        ("rejected", &config.rejected, Class::Rejected),
        ("throttled", &config.throttled, Class::Throttled),
        ("unavailable", &config.unavailable, Class::Unavailable),
        ("unauthorized", &config.unauthorized, Class::Unauthorized),
        ("unknown", &config.unknown, Class::Unknown),
    ]
}

/// `404`, or `4xx` for the whole family.
#[derive(Debug)]
enum StatusPattern {
    Exact(u16),
    Family(u16),
}

impl StatusPattern {
    fn parse(text: &str) -> Result<Self, ConfigError> {
        let number = |text: &str, range: std::ops::RangeInclusive<u16>| {
            text.parse().ok().filter(|number| range.contains(number))
        };
        let pattern = match text.strip_suffix("xx") {
            Some(family) => number(family, 1..=5).map(Self::Family),
            None => number(text, 100..=599).map(Self::Exact),
        };
        pattern.ok_or_else(|| {
            let problem = "is no HTTP status; write it as \"404\" or, for all of a family, \"4xx\"";
            ConfigError::new(format!("answer.http_status.{text}"), problem)
        })
    }

    fn matches(&self, status: StatusCode) -> bool {
        match self {
            Self::Exact(exact) => status.as_u16() == *exact,
            Self::Family(family) => status.as_u16() / 100 == *family,
        }
    }
}
