//! A provider with a mind of its own, which remembers the truth.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use sms_core::{
    Answer, CallbackSupport, Capabilities, MessageId, Outcome, Provider, ProviderId, ProviderName,
    State, Store, Submission,
};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::books::Books;
use crate::random::Dice;

/// The longest that a submission takes.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// A message was taken: reports may follow.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) id: MessageId,
    pub(crate) provider: ProviderName,
    pub(crate) provider_id: ProviderId,
}

#[derive(Debug)]
pub(crate) struct SimProvider {
    name: ProviderName,
    deduplicates: bool,
    /// What it says of itself; a planted bug makes it lie.
    claims_to_deduplicate: bool,
    dice: Dice,
    books: Arc<Books>,
    store: Arc<dyn Store>,
    taken: mpsc::UnboundedSender<Taken>,
    calm: Mutex<bool>,
}

#[derive(Debug, Clone, Copy)]
enum Mood {
    Take,
    TakeAndSayNothing,
    TakeAndCut,
    SayNothing,
    Cut,
    Reject,
    Throttle,
    Unavailable,
    Unauthorized,
}

impl SimProvider {
    pub(crate) fn new(
        (name, deduplicates, claims_to_deduplicate): (&str, bool, bool),
        dice: Dice,
        books: Arc<Books>,
        store: Arc<dyn Store>,
        taken: mpsc::UnboundedSender<Taken>,
    ) -> Self {
        Self {
            name: name.parse().unwrap(),
            deduplicates,
            claims_to_deduplicate,
            dice,
            books,
            store,
            taken,
            calm: Mutex::new(false),
        }
    }

    /// From here on it takes what it is given.
    pub(crate) fn calm_down(&self) {
        *self.calm.lock().unwrap() = true;
    }

    fn mood(&self) -> Mood {
        if *self.calm.lock().unwrap() {
            return Mood::Take;
        }
        self.dice.pick(&[
            (50, Mood::Take),
            (7, Mood::TakeAndSayNothing),
            (5, Mood::TakeAndCut),
            (5, Mood::SayNothing),
            (4, Mood::Cut),
            (4, Mood::Reject),
            (6, Mood::Throttle),
            (10, Mood::Unavailable),
            (1, Mood::Unauthorized),
        ])
    }

    /// Intent before action, and one sender at a time.
    async fn check(&self, submission: &Submission) {
        let id = submission.id;
        let stored = self.store.load(&[id]).await.unwrap().remove(0);
        let Some(message) = stored else {
            return self.books.violation(format!("{id}: submitted, not stored"));
        };
        let progress = &message.progress;
        let recorded = progress
            .attempts
            .iter()
            .any(|attempt| attempt.number == submission.attempt);
        if !recorded {
            let attempt = submission.attempt;
            self.books.violation(format!(
                "{id}: attempt {attempt} was not written down before"
            ));
        }
        let taken = progress.attempts.iter().any(sms_core::Attempt::is_taken);
        if taken || !matches!(progress.state, State::Sending) {
            let state = progress.state;
            self.books.violation(format!(
                "{id}: submitted while {state}, known as taken: {taken}"
            ));
        }
        if self.books.truth(id, |truth| truth.under_way) > 0 {
            self.books
                .violation(format!("{id}: two submissions at the same time"));
        }
    }

    fn take(&self, id: MessageId) -> Outcome {
        let earlier = self.books.truth(id, |truth| truth.takings);
        let provider_id: ProviderId = if self.deduplicates {
            id.reference().as_str().parse().unwrap()
        } else {
            format!("{}-{earlier}", id.reference()).parse().unwrap()
        };
        if self.deduplicates && earlier > 0 {
            self.books.meet("duplicate answer");
            return Outcome::Duplicate {
                provider_id: Some(provider_id),
            };
        }
        self.books.truth(id, |truth| truth.takings += 1);
        self.books.tell(format!("{id} taken by {}", self.name));
        let taken = Taken {
            id,
            provider: self.name.clone(),
            provider_id: provider_id.clone(),
        };
        // The world may have stopped listening at the end of a run.
        let _ = self.taken.send(taken);
        Outcome::Accepted {
            provider_id: Some(provider_id),
        }
    }

    fn wish(&self) -> Option<Duration> {
        self.dice.chance(50).then(|| self.dice.millis(100..8_000))
    }

    async fn answer(&self, id: MessageId) -> Outcome {
        let mood = self.mood();
        self.books.tell(format!("{id} submitted: {mood:?}"));
        sleep(self.dice.millis(0..200)).await;
        match mood {
            Mood::Take => {
                let outcome = self.take(id);
                if self.dice.chance(10) {
                    // Slow to answer, so that reports and crashes come first.
                    sleep(self.dice.millis(200..4_500)).await;
                }
                outcome
            }
            Mood::TakeAndSayNothing => {
                self.take(id);
                std::future::pending().await
            }
            Mood::TakeAndCut => {
                self.take(id);
                Outcome::Unknown
            }
            Mood::SayNothing => std::future::pending().await,
            Mood::Cut => Outcome::Unknown,
            Mood::Reject => self.refuse(id, Outcome::Rejected),
            Mood::Throttle => self.refuse(
                id,
                Outcome::Throttled {
                    retry_after: self.wish(),
                },
            ),
            Mood::Unavailable => self.refuse(
                id,
                Outcome::Unavailable {
                    retry_after: self.wish(),
                },
            ),
            Mood::Unauthorized => self.refuse(id, Outcome::Unauthorized),
        }
    }

    /// A provider that has the message by this reference does not say that it refuses it.
    fn refuse(&self, id: MessageId, outcome: Outcome) -> Outcome {
        let has_it = self.deduplicates && self.books.truth(id, |truth| truth.takings > 0);
        if has_it { self.take(id) } else { outcome }
    }
}

/// Counts a submission out, also when its caller stops waiting.
struct UnderWay<'a>(&'a Books, MessageId);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.truth(self.1, |truth| truth.under_way -= 1);
    }
}

#[async_trait]
impl Provider for SimProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            deduplicates: self.claims_to_deduplicate,
            callback: CallbackSupport::PerMessage,
            timeout: TIMEOUT,
        }
    }

    async fn submit(&self, submission: &Submission) -> Answer {
        let id = submission.id;
        self.check(submission).await;
        self.books.truth(id, |truth| {
            truth.deduplicates = self.deduplicates;
            truth.requests += 1;
            truth.under_way += 1;
        });
        let _under_way = UnderWay(&self.books, id);
        self.answer(id).await.into()
    }
}
