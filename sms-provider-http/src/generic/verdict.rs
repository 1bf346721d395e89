//! From an answer to what became of the message.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use sms_core::{Answer, Outcome, ProviderId, Submission};

use super::config::AnswerConfig;
use super::location::Opened;
use super::pattern;
use crate::class::Class;
use crate::client::HttpAnswer;
use crate::{ConfigError, answer, retry_after, status};

/// What the answers of one provider mean.
#[derive(Debug)]
pub(super) struct Verdict {
    config: AnswerConfig,
    statuses: Vec<(StatusPattern, Class)>,
}

impl Verdict {
    pub(super) fn new(config: AnswerConfig) -> Result<Self, ConfigError> {
        if config.verdict.is_some() && config.accepted.is_empty() {
            let problem = "is missing; say which verdicts mean that the message was taken";
            return Err(ConfigError::new("answer.accepted", problem));
        }
        if config.verdict.is_none() && lists(&config).any(|(list, _)| !list.is_empty()) {
            let problem = "is missing; say where in the answer the listed verdicts are";
            return Err(ConfigError::new("answer.verdict", problem));
        }
        let mut statuses = config
            .http_status
            .iter()
            .map(|(text, class)| Ok((StatusPattern::parse(text)?, *class)))
            .collect::<Result<Vec<_>, ConfigError>>()?;
        // The exact ones are asked before the families.
        statuses.sort_by_key(|(pattern, _)| matches!(pattern, StatusPattern::Family(_)));
        Ok(Self { config, statuses })
    }

    pub(super) fn read(&self, answer: &HttpAnswer, submission: &Submission) -> Answer {
        let opened = Opened::new(answer);
        let find = |location: &Option<_>| location.as_ref().and_then(|place| opened.find(place));
        let verdict = find(&self.config.verdict);
        let wait = self.wait(&opened, answer);
        let provider_id = answer::provider_id(find(&self.config.id).as_deref());
        let code = find(&self.config.code).or_else(|| verdict.clone());
        let words = find(&self.config.description);
        Answer {
            outcome: self.outcome(verdict.as_deref(), answer.status, provider_id, wait),
            code: code
                .and_then(|code| answer::code(&code))
                .or_else(|| Some(status::code(answer.status))),
            description: words
                .and_then(|words| answer::description(&words, submission))
                .or_else(|| Some(status::describe(answer.status))),
            node: answer.node,
        }
    }

    /// A listed verdict decides whatever the HTTP status is; else the status does.
    fn outcome(
        &self,
        verdict: Option<&str>,
        status: StatusCode,
        provider_id: Option<ProviderId>,
        wait: Option<Duration>,
    ) -> Outcome {
        let listed = verdict.and_then(|verdict| self.listed(verdict));
        if let Some(class) = listed.or_else(|| self.by_status(status)) {
            return class.outcome(provider_id, wait);
        }
        match (&self.config.verdict, verdict) {
            _ if !status.is_success() => status::outcome(status, wait),
            // The head alone tells that the message was taken, also where the body is cut off.
            (None, _) => Outcome::Accepted { provider_id },
            (Some(_), Some(_)) => self.config.otherwise.outcome(provider_id, wait),
            (Some(_), None) => Outcome::Unknown,
        }
    }

    fn listed(&self, verdict: &str) -> Option<Class> {
        lists(&self.config)
            .find(|(list, _)| pattern::any(list, verdict))
            .map(|(_, class)| class)
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
            .and_then(|place| opened.find(place))
            .and_then(|text| retry_after::of_text(&text, now))
            .or_else(|| retry_after::of_headers(&answer.headers, now))
    }
}

fn lists(config: &AnswerConfig) -> impl Iterator<Item = (&[pattern::Pattern], Class)> {
    [
        (config.accepted.as_slice(), Class::Accepted),
        (config.duplicate.as_slice(), Class::Duplicate),
        (config.rejected.as_slice(), Class::Rejected),
        (config.throttled.as_slice(), Class::Throttled),
        (config.unavailable.as_slice(), Class::Unavailable),
        (config.unauthorized.as_slice(), Class::Unauthorized),
        (config.unknown.as_slice(), Class::Unknown),
    ]
    .into_iter()
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
