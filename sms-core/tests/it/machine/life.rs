//! One message under test, and the time it lives in.

use std::sync::Arc;
use std::time::Duration;

use sms_core::{
    Answer, Attempt, AttemptOutcome, Callback, Cause, ClaimToken, Decision, Encoding, Event,
    Jitter, Message, MessageId, MessageText, Outcome, PhoneNumber, Priority, Progress, ProviderId,
    ProviderName, ProviderRules, QueryAnswer, Report, ReportStatus, Request, RetrySchedule, Rules,
    State, SystemEntropy, TenantId, Timestamp, Unchanged, UnknownPolicy,
};

pub(super) const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
pub(super) const LEASE: Duration = Duration::from_secs(60);
pub(super) const DAY: Duration = Duration::from_secs(24 * 3_600);
pub(super) const SECOND: Duration = Duration::from_secs(1);

/// What an event did: whether to hint, whether to ask.
pub(super) type Effects = (bool, bool);

#[derive(Debug, Clone)]
pub(super) struct Life {
    pub(super) rules: Arc<Rules>,
    pub(super) message: Message,
    pub(super) now: Timestamp,
    next_token: u64,
}

/// A provider of a kind, as the rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    Deduplicates,
    AnswersQueries,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Plain, Self::Deduplicates, Self::AnswersQueries];

    pub(super) fn rules(self) -> ProviderRules {
        ProviderRules {
            deduplicates: self == Self::Deduplicates,
            answers_queries: self == Self::AnswersQueries,
            ..ProviderRules::default()
        }
    }
}

pub(super) fn main_provider() -> ProviderName {
    "main".parse().unwrap()
}

pub(super) fn provider_id(text: &str) -> ProviderId {
    text.parse().unwrap()
}

pub(super) fn accepted(id: &str) -> Outcome {
    Outcome::Accepted {
        provider_id: Some(provider_id(id)),
    }
}

pub(super) const NAMELESS: Outcome = Outcome::Accepted { provider_id: None };
pub(super) const UNAVAILABLE: Outcome = Outcome::Unavailable { retry_after: None };
pub(super) const THROTTLED: Outcome = Outcome::Throttled { retry_after: None };

pub(super) fn report(status: ReportStatus, id: Option<&str>) -> Report {
    Report {
        received_at: START,
        provider: main_provider(),
        status,
        provider_id: id.map(provider_id),
        receipt_id: None,
        code: None,
        text: None,
        late: false,
    }
}

impl Life {
    /// A message that holds what is unknown, at a plain provider, retried without jitter.
    pub(super) fn new() -> Self {
        let retry = RetrySchedule::new(5 * SECOND, 600 * SECOND, 11, Jitter::None).unwrap();
        let rules = Rules {
            retry,
            providers: [(main_provider(), Kind::Plain.rules())].into(),
            ..Rules::default()
        };
        let request = Request {
            id: MessageId::generate(START, &SystemEntropy),
            tenant: TenantId::default(),
            to: PhoneNumber::parse_possible("+79991234567").unwrap(),
            from: None,
            text: MessageText::new("Your code is 123456").unwrap(),
            encoding: Encoding::Gsm7,
            segments: 1,
            priority: Priority::Normal,
            on_unknown: UnknownPolicy::Hold,
            route: main_provider(),
            callback: Callback::generate(&SystemEntropy),
            accepted_at: START,
            send_at: None,
            expires_at: START + DAY,
            fingerprint: None,
        };
        Self {
            message: Message {
                request: Arc::new(request),
                progress: Progress::accepted(START, State::Queued, START + 5 * SECOND),
            },
            rules: Arc::new(rules),
            now: START,
            next_token: 1,
        }
    }

    pub(super) fn scheduled(send_at: Timestamp) -> Self {
        let mut life = Self::new();
        life.message.progress = Progress::accepted(START, State::Scheduled, send_at);
        life.request().send_at = Some(send_at);
        life.request().expires_at = send_at + DAY;
        life
    }

    pub(super) fn request(&mut self) -> &mut Request {
        Arc::make_mut(&mut self.message.request)
    }

    pub(super) fn rules_mut(&mut self) -> &mut Rules {
        Arc::make_mut(&mut self.rules)
    }

    pub(super) fn at(mut self, kind: Kind) -> Self {
        self.rules_mut()
            .providers
            .insert(main_provider(), kind.rules());
        self
    }

    pub(super) fn with(mut self, policy: UnknownPolicy) -> Self {
        self.request().on_unknown = policy;
        self
    }

    pub(super) fn valid_for(mut self, validity: Duration) -> Self {
        self.request().expires_at = START + validity;
        self
    }

    pub(super) fn retried(mut self, most: u32) -> Self {
        let retry = RetrySchedule::new(5 * SECOND, 600 * SECOND, most, Jitter::None);
        self.rules_mut().retry = retry.unwrap();
        self
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.message.progress
    }

    pub(super) fn state(&self) -> State {
        self.message.progress.state
    }

    pub(super) fn attempt(&self, number: usize) -> &Attempt {
        &self.message.progress.attempts[number - 1]
    }

    pub(super) fn outcome(&self, number: usize) -> Option<AttemptOutcome> {
        self.attempt(number).outcome
    }

    /// How long from now until something happens by itself.
    pub(super) fn waits(&self) -> Duration {
        self.progress().deadline.unwrap().since(self.now)
    }

    pub(super) fn cause(&self) -> Cause {
        self.progress().timeline.last().unwrap().cause
    }

    pub(super) fn wait(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    /// Applies an event and checks what holds of every change.
    pub(super) fn apply(&mut self, event: &Event) -> Result<Effects, Unchanged> {
        match self.rules.decide(&self.message, event, self.now) {
            Decision::Keep(why) => Err(why),
            Decision::Change {
                progress,
                hint,
                query,
            } => {
                check_change(self.progress(), &progress);
                self.message.progress = progress;
                Ok((hint, query))
            }
        }
    }

    fn new_token(&mut self) -> ClaimToken {
        self.next_token += 1;
        ClaimToken(self.next_token)
    }

    pub(super) fn try_claim(&mut self) -> Result<ClaimToken, Unchanged> {
        let token = self.new_token();
        let event = self.claim_event(token);
        self.apply(&event).map(|_| token)
    }

    pub(super) fn claim_event(&self, token: ClaimToken) -> Event {
        Event::Claim {
            provider: main_provider(),
            token,
            lease_until: self.now + LEASE,
        }
    }

    /// Claims a message that can be claimed.
    pub(super) fn claim(&mut self) -> ClaimToken {
        let token = self.try_claim().unwrap();
        assert_eq!(self.state(), State::Sending);
        token
    }

    pub(super) fn answer(
        &mut self,
        token: ClaimToken,
        answer: impl Into<Answer>,
    ) -> Result<Effects, Unchanged> {
        let answer = answer.into();
        self.apply(&Event::Answered { token, answer })
    }

    /// Claims it and hears this.
    pub(super) fn submit(&mut self, outcome: Outcome) -> ClaimToken {
        let token = self.claim();
        self.answer(token, outcome).unwrap();
        token
    }

    pub(super) fn give_back(&mut self, token: ClaimToken) -> Result<Effects, Unchanged> {
        self.apply(&Event::GiveBack { token })
    }

    pub(super) fn report(&mut self, report: Report) -> Result<Effects, Unchanged> {
        self.apply(&Event::Reported(report))
    }

    pub(super) fn reported(&mut self, status: ReportStatus) -> Result<Effects, Unchanged> {
        self.report(report(status, None))
    }

    pub(super) fn query(&mut self, answer: QueryAnswer) -> Result<Effects, Unchanged> {
        self.apply(&Event::Queried(answer))
    }

    pub(super) fn cancel(&mut self) -> Result<Effects, Unchanged> {
        self.apply(&Event::Cancel)
    }

    pub(super) fn deadline(&mut self) -> Result<Effects, Unchanged> {
        self.apply(&Event::Deadline {
            expected_wait: Duration::ZERO,
        })
    }

    /// Lets the time pass until the deadline, and it.
    pub(super) fn pass_deadline(&mut self) -> Effects {
        self.now = self.now.max(self.progress().deadline.unwrap());
        self.deadline().unwrap()
    }

    /// Lets deadlines pass until the message can be claimed.
    pub(super) fn wait_until_ready(&mut self) {
        while self.state() != State::Queued || self.progress().ready_at.is_some() {
            self.pass_deadline();
        }
    }

    /// In this state, by the shortest way.
    pub(super) fn in_state(state: State) -> Self {
        let mut life = match state {
            State::Scheduled => Self::scheduled(START + 10 * SECOND),
            State::Failed => Self::new().retried(0),
            _ => Self::new(),
        };
        match state {
            State::Scheduled | State::Queued => {}
            State::Sending => drop(life.claim()),
            State::Unconfirmed => drop(life.submit(Outcome::Unknown)),
            State::Sent => drop(life.submit(accepted("p1"))),
            State::Delivered | State::Undelivered => {
                life.submit(accepted("p1"));
                let status = match state {
                    State::Delivered => ReportStatus::Delivered,
                    _ => ReportStatus::Undelivered,
                };
                life.report(report(status, Some("p1"))).unwrap();
            }
            State::Rejected => drop(life.submit(Outcome::Rejected)),
            State::Failed => drop(life.submit(UNAVAILABLE)),
            State::Expired => {
                life.now = life.message.request.expires_at;
                life.pass_deadline();
            }
            State::Canceled => drop(life.cancel().unwrap()),
            State::Unknown => {
                life.submit(accepted("p1"));
                life.pass_deadline();
            }
        }
        assert_eq!(life.state(), state);
        life
    }
}

/// What holds of every change, whatever its event.
pub(super) fn check_change(before: &Progress, after: &Progress) {
    assert_eq!(after.version, before.version + 1, "{after:#?}");
    check(after);
    if before.state.is_final() && after.state != before.state {
        let settled = matches!(after.state, State::Delivered | State::Undelivered);
        assert!(
            before.state == State::Unknown && settled,
            "{} became {}",
            before.state,
            after.state
        );
    }
    let sequence = |progress: &Progress| progress.timeline.last().unwrap().sequence;
    let steps = sequence(after) - sequence(before);
    assert!(steps <= 1, "one event, one step: {after:#?}");
    assert_eq!(steps == 1, before.state != after.state, "{after:#?}");
}

/// What holds of every progress.
pub(super) fn check(progress: &Progress) {
    assert_eq!(
        progress.deadline.is_none(),
        progress.state.is_final(),
        "{progress:#?}"
    );
    assert!(
        progress.ready_at.is_none() || progress.state == State::Queued,
        "{progress:#?}"
    );
    let last = progress.timeline.last().unwrap();
    assert_eq!(last.state, progress.state, "{progress:#?}");
    let rises = |pair: &[sms_core::Transition]| pair[0].sequence < pair[1].sequence;
    assert!(progress.timeline.windows(2).all(rises), "{progress:#?}");
    let rises = |pair: &[Attempt]| pair[0].number < pair[1].number;
    assert!(progress.attempts.windows(2).all(rises), "{progress:#?}");
    let in_flight = progress.attempts.iter().any(Attempt::is_in_flight);
    assert!(
        progress.state != State::Sending || in_flight,
        "nobody is sending: {progress:#?}"
    );
    let taken = progress.attempts.iter().any(Attempt::is_taken);
    let untaken_end = matches!(
        progress.state,
        State::Failed | State::Expired | State::Rejected | State::Canceled
    );
    let maybe = progress.attempts.iter().any(Attempt::may_be_taken);
    assert!(!(untaken_end && maybe && !taken), "{progress:#?}");
}
