//! Providers that misbehave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sms_core::testing::{ScriptedProvider, Step};
use sms_core::{
    Answer, AttemptOutcome, CallbackSupport, Capabilities, Cause, Drained, Engine, Outcome,
    Provider, ProviderId, ProviderName, ProviderSetup, QueryAnswer, ReportStatus, State,
    StatusQuery, Submission, UnknownPolicy,
};

use super::rig::{
    Rig, SECOND, UNAVAILABLE, accept, accept_as, accepted, by_reference, name, new_message,
};

#[derive(Debug)]
struct Panics {
    name: ProviderName,
    left: AtomicUsize,
    calls: AtomicUsize,
}

#[async_trait]
impl Provider for Panics {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            deduplicates: false,
            callback: CallbackSupport::None,
            timeout: 5 * SECOND,
        }
    }

    async fn submit(&self, _submission: &Submission) -> Answer {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let panics = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        assert!(panics.is_err(), "a bug in a provider");
        accepted("p").into()
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_leaves_its_message_unconfirmed_and_the_lane_alive() {
    let rig = Rig::new();
    let provider = Arc::new(Panics {
        name: name("main"),
        left: AtomicUsize::new(3),
        calls: AtomicUsize::new(0),
    });
    let setup = ProviderSetup {
        // All slots would be gone after three panics.
        concurrency: 3,
        report_window: 600 * SECOND,
        ..ProviderSetup::new(provider.clone())
    };
    let engine = rig.bare(&Arc::default()).provider(setup).build().unwrap();
    let _running = engine.start();
    let mut doomed = Vec::new();
    for _ in 0..3 {
        doomed.push(accept(&engine).await);
    }
    tokio::time::sleep(SECOND).await;
    let id = accept(&engine).await;
    rig.until(id, State::Sent).await;
    for id in doomed {
        let message = rig.until(id, State::Unconfirmed).await;
        let last = message.progress.timeline.last().unwrap();
        assert_eq!(last.cause, Cause::LeaseEnded);
    }
    assert_eq!(provider.calls.load(Ordering::Relaxed), 4);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_hangs_is_waited_for_until_its_time_out() {
    let rig = Rig::with(ScriptedProvider::new("main").unwrap().then([Step::Hang]));
    let engine = rig.engine();
    let _running = engine.start();
    let id = accept(&engine).await;
    let message = rig.until(id, State::Unconfirmed).await;
    let attempt = &message.progress.attempts[0];
    assert_eq!(attempt.outcome, Some(AttemptOutcome::Unknown));
    let took = attempt.finished_at.unwrap().since(attempt.started_at);
    assert!((5 * SECOND..6 * SECOND).contains(&took), "{took:?}");
    let message = rig.until(id, State::Unknown).await;
    assert_eq!(message.progress.attempts.len(), 1, "held, never resent");
    assert_eq!(rig.submissions(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_is_resent_with_the_same_bytes_where_that_is_safe() {
    let capabilities = Capabilities {
        deduplicates: true,
        callback: CallbackSupport::PerMessage,
        timeout: 5 * SECOND,
    };
    let duplicate = Outcome::Duplicate {
        provider_id: Some("p1".parse().unwrap()),
    };
    let provider = ScriptedProvider::new("main").unwrap();
    let provider = provider.capable_of(capabilities);
    let rig = Rig::with(provider.then([Outcome::Unknown, duplicate]));
    let engine = rig.engine();
    let _running = engine.start();
    let id = accept(&engine).await;
    let message = rig.until(id, State::Sent).await;
    let [first, second] = rig.provider.submissions().try_into().unwrap();
    assert_eq!((first.attempt, second.attempt), (1, 2));
    let same = Submission {
        attempt: 1,
        ..second
    };
    assert_eq!(first, same);
    let outcome = message.progress.attempts[1].outcome;
    assert_eq!(outcome, Some(AttemptOutcome::Duplicate));
}

#[tokio::test(start_paused = true)]
async fn each_policy_does_with_a_silence_what_it_says() {
    for (policy, submissions, end, within) in [
        (UnknownPolicy::Hold, 1, State::Unknown, 600..607),
        (UnknownPolicy::PreferDuplicate, 2, State::Sent, 30..32),
        (UnknownPolicy::PreferLoss, 1, State::Unknown, 30..32),
    ] {
        let silence = [Outcome::Unknown];
        let rig = Rig::with(ScriptedProvider::new("main").unwrap().then(silence));
        let engine = rig.engine();
        let _running = engine.start();
        let mut new = new_message();
        new.on_unknown = policy;
        let id = accept_as(&engine, new).await;
        let message = rig.until(id, end).await;
        assert_eq!(rig.submissions(), submissions, "{policy:?}");
        let progress = &message.progress;
        let took = progress.since().unwrap().since(message.request.accepted_at);
        assert!(within.contains(&took.as_secs()), "{policy:?}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn retries_come_at_their_times_until_they_are_used_up() {
    let failures = vec![UNAVAILABLE; 12];
    let rig = Rig::with(ScriptedProvider::new("main").unwrap().then(failures));
    let engine = rig.engine();
    let _running = engine.start();
    let id = accept(&engine).await;
    let message = rig.until(id, State::Failed).await;
    let attempts = &message.progress.attempts;
    assert_eq!((attempts.len(), rig.submissions()), (12, 12));
    let expected = [5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600];
    for (pair, delay) in attempts.windows(2).zip(expected) {
        let waited = pair[1].started_at.since(pair[0].finished_at.unwrap());
        // The gate, which closes for 60 s at most while a provider fails, may add its pause.
        let range = delay..=delay + 61;
        assert!(range.contains(&waited.as_secs()), "{delay}: {waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn rejected_is_the_end() {
    let rig = Rig::with(
        ScriptedProvider::new("main")
            .unwrap()
            .then([Outcome::Rejected]),
    );
    let engine = rig.engine();
    let _running = engine.start();
    let id = accept(&engine).await;
    rig.until(id, State::Rejected).await;
    tokio::time::sleep(600 * SECOND).await;
    assert_eq!(rig.submissions(), 1);
    let report = by_reference(id.reference(), ReportStatus::Delivered);
    engine.report(&name("main"), report).await.unwrap();
    assert_eq!(rig.state(id).await, State::Rejected, "what is final stays");
}

#[derive(Debug)]
struct Answers(Vec<QueryAnswer>, AtomicUsize);

#[async_trait]
impl StatusQuery for Answers {
    async fn query(&self, _: &Submission, _: Option<&ProviderId>) -> QueryAnswer {
        match self.0.get(self.1.fetch_add(1, Ordering::Relaxed)) {
            Some(answer) => answer.clone(),
            None => std::future::pending().await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_can_be_asked_is_asked() {
    let taken = QueryAnswer::Taken {
        provider_id: Some("q1".parse().unwrap()),
        status: None,
    };
    for (answers, end, after) in [
        (vec![QueryAnswer::Unknown, taken], State::Sent, 30),
        (vec![QueryAnswer::NotTaken], State::Sent, 15),
        // It hangs, and is asked again and again until its window ends.
        (vec![], State::Unknown, 600),
    ] {
        let silence = [Outcome::Unknown];
        let rig = Rig::with(ScriptedProvider::new("main").unwrap().then(silence));
        let setup = ProviderSetup {
            query: Some(Arc::new(Answers(answers, AtomicUsize::new(0)))),
            ..rig.setup()
        };
        let engine = rig.bare(&Arc::default()).provider(setup).build().unwrap();
        let _running = engine.start();
        let id = accept(&engine).await;
        let message = rig.until(id, end).await;
        let took = message
            .progress
            .since()
            .unwrap()
            .since(message.request.accepted_at);
        assert!((after..after + 15).contains(&took.as_secs()), "{took:?}");
        assert!(took < Duration::from_secs(620));
    }
}

/// Dozens of attempts are kept with a message.
#[tokio::test(start_paused = true)]
async fn of_the_words_of_an_answer_only_the_beginning_is_kept() {
    let long = Some("x".repeat(1_000_000));
    let wordy = Answer {
        code: long.clone(),
        description: long,
        ..accepted("p1").into()
    };
    let provider = ScriptedProvider::new("main").unwrap();
    let rig = Rig::with(provider.then([Step::Say(wordy)]));
    let engine = rig.engine();
    let _running = engine.start();
    let id = accept(&engine).await;
    let message = rig.until(id, State::Sent).await;
    let attempt = &message.progress.attempts[0];
    let length = |words: &Option<String>| words.as_ref().map_or(0, String::len);
    let lengths = [&attempt.code, &attempt.description].map(length);
    assert_eq!(lengths, [64, 500]);
}

/// Takes its time over each question, and counts how many it has at once.
#[derive(Debug, Default)]
struct SlowAnswers {
    now: AtomicUsize,
    most: AtomicUsize,
    asked: AtomicUsize,
}

#[async_trait]
impl StatusQuery for SlowAnswers {
    async fn query(&self, _: &Submission, _: Option<&ProviderId>) -> QueryAnswer {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
        tokio::time::sleep(2 * SECOND).await;
        self.now.fetch_sub(1, Ordering::Relaxed);
        QueryAnswer::Taken {
            provider_id: None,
            status: None,
        }
    }
}

/// The first question about a message is asked 15 s after it became unconfirmed.
fn asking(script: impl IntoIterator<Item = Outcome>) -> (Rig, Engine, Arc<SlowAnswers>) {
    let rig = Rig::with(ScriptedProvider::new("main").unwrap().then(script));
    let answers = Arc::new(SlowAnswers::default());
    let setup = ProviderSetup {
        query: Some(answers.clone()),
        ..rig.setup()
    };
    let engine = rig.bare(&Arc::default()).provider(setup).build().unwrap();
    (rig, engine, answers)
}

#[tokio::test(start_paused = true)]
async fn a_provider_is_asked_a_few_questions_at_a_time_until_all_are_answered() {
    // Fewer silences in a row than hold the provider.
    let script = (0..60).map(|number| match number % 15 {
        14 => accepted("p"),
        _ => Outcome::Unknown,
    });
    let (_rig, engine, answers) = asking(script);
    let _running = engine.start();
    for _ in 0..60 {
        accept(&engine).await;
    }
    tokio::time::sleep(16 * SECOND).await;
    assert_eq!(answers.asked.load(Ordering::Relaxed), 8);
    // 56 questions of 2 s each; their next deadlines, at 30 s, ask none of them twice.
    tokio::time::sleep(20 * SECOND).await;
    assert_eq!(answers.asked.load(Ordering::Relaxed), 56);
    assert_eq!(answers.most.load(Ordering::Relaxed), 8);
    assert_eq!(engine.count().await.unwrap().get(State::Sent), 60);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_held_is_asked_nothing() {
    let held = Outcome::Throttled {
        retry_after: Some(100 * SECOND),
    };
    let (rig, engine, answers) = asking([Outcome::Unknown, held]);
    let _running = engine.start();
    let id = accept(&engine).await;
    rig.until_submitted(1).await;
    accept(&engine).await;
    rig.until_submitted(2).await;
    tokio::time::sleep(99 * SECOND).await;
    assert_eq!(answers.asked.load(Ordering::Relaxed), 0);
    rig.until(id, State::Sent).await;
    assert_eq!(answers.asked.load(Ordering::Relaxed), 1);
}

/// Only a message could open its gate, and there may be none for days.
#[tokio::test(start_paused = true)]
async fn a_provider_that_has_to_prove_itself_is_asked() {
    let (rig, engine, _answers) = asking(vec![Outcome::Unknown; 25]);
    let _running = engine.start();
    let mut ids = Vec::new();
    for _ in 0..25 {
        ids.push(accept(&engine).await);
    }
    rig.until(ids[0], State::Sent).await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_the_answer_to_a_question() {
    let (rig, engine, answers) = asking([Outcome::Unknown]);
    let running = engine.start();
    let id = accept(&engine).await;
    while answers.asked.load(Ordering::Relaxed) == 0 {
        tokio::time::sleep(SECOND / 10).await;
    }
    assert_eq!(running.drain(10 * SECOND).await, Drained::Clean);
    assert_eq!(rig.state(id).await, State::Sent);
}
