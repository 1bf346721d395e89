//! Leases that end while the provider is still thinking.

use tokio::time::{Instant, sleep};

use super::Subject;
use super::process::Process;
use super::unknown::assert_same_submissions;
use super::world::{
    A_WHILE, LEASE, RETRY, SOON, World, by_provider_id, de_duplicating, holding, new_message,
    outcomes, plain, taken, with_policy,
};
use crate::testing::{HeldAnswer, ScriptedProvider};
use crate::{
    AttemptOutcome, Message, MessageId, NewMessage, Outcome, ReportStatus, Reported, State,
    UnknownPolicy,
};

/// In whichever order they come. The provider knows the reference, so there is one message.
pub async fn both_answers_count_when_the_lease_ends_while_the_provider_thinks(place: Subject) {
    for first_first in [true, false] {
        let mut overtaken = overtaken(&place, de_duplicating(), new_message()).await;
        let name = if first_first { "p1" } else { "q1" };
        let (accepted, duplicate) = (taken(name), Outcome::Duplicate { provider_id: None });
        let message = overtaken.answer(first_first, accepted, duplicate).await;
        let expected = [AttemptOutcome::Accepted, AttemptOutcome::Duplicate];
        assert_eq!(outcomes(&message), expected.map(Some));
        assert_same_submissions(&overtaken.world, 2);
        overtaken
            .ends_by(name, ReportStatus::Delivered, State::Delivered)
            .await;
    }
}

/// Two messages are on their way, and the reports of both are heard.
pub async fn both_answers_count_when_a_duplicate_was_preferred(place: Subject) {
    for first_first in [true, false] {
        let new = with_policy(UnknownPolicy::PreferDuplicate);
        let mut overtaken = overtaken(&place, plain(), new).await;
        let (one, two) = if first_first {
            ("p1", "p2")
        } else {
            ("q1", "q2")
        };
        let message = overtaken.answer(first_first, taken(one), taken(two)).await;
        assert_eq!(outcomes(&message), [Some(AttemptOutcome::Accepted); 2]);
        overtaken
            .ends_by(two, ReportStatus::Undelivered, State::Sent)
            .await;
        overtaken
            .ends_by(one, ReportStatus::Delivered, State::Delivered)
            .await;
        assert_eq!(overtaken.world.submissions(), 2);
    }
}

/// It was late, not lost.
pub async fn an_answer_after_the_lease_settles_what_is_held(place: Subject) {
    let (provider, [answer]) = holding(plain());
    let world = World::with(place, provider);
    let (worker, sweeper) = (world.worker().await, world.worker().await);
    let id = worker.accept(new_message()).await;
    world.until_submitted(1).await;
    world.skip(LEASE);
    sweeper.until(id, State::Unconfirmed).await;
    answer.say(taken("p1"));
    sweeper.until(id, State::Sent).await;
    let report = by_provider_id("p1", ReportStatus::Delivered);
    assert_eq!(sweeper.report(report).await, Reported::Applied(id));
    assert_eq!(
        (world.submissions(), sweeper.state(id).await),
        (1, State::Delivered)
    );
}

/// A message of which two attempts are under way, as the lease of the first ended.
struct Overtaken {
    world: World,
    id: MessageId,
    workers: [Process; 2],
    answers: Option<[HeldAnswer; 2]>,
}

impl Overtaken {
    /// Lets the provider answer both attempts; gives the message when it knows both answers.
    async fn answer(&mut self, in_order: bool, first: Outcome, second: Outcome) -> Message {
        let [one, two] = self.answers.take().expect("it has not answered yet");
        let known = async |count| {
            let end = Instant::now() + SOON;
            loop {
                let message = self.workers[1].message(self.id).await;
                let is_known = |outcome: &Option<AttemptOutcome>| {
                    outcome.is_some_and(|outcome| outcome != AttemptOutcome::Unknown)
                };
                if outcomes(&message)
                    .iter()
                    .filter(|one| is_known(one))
                    .count()
                    >= count
                {
                    return message;
                }
                assert!(Instant::now() < end, "an answer is lost: {message:#?}");
                sleep(A_WHILE / 20).await;
            }
        };
        if in_order {
            one.say(first);
            known(1).await;
            two.say(second);
        } else {
            two.say(second);
            known(1).await;
            one.say(first);
        }
        let message = known(2).await;
        assert_eq!(message.state(), State::Sent);
        message
    }

    async fn ends_by(&self, id: &str, status: ReportStatus, state: State) {
        let reported = self.workers[1].report(by_provider_id(id, status)).await;
        assert_eq!(reported, Reported::Applied(self.id));
        assert_eq!(self.workers[0].state(self.id).await, state);
    }
}

async fn overtaken(place: &Subject, provider: ScriptedProvider, new: NewMessage) -> Overtaken {
    let (provider, answers) = holding(provider);
    let world = World::with(place.clone(), provider);
    let workers = [world.worker().await, world.worker().await];
    let id = workers[0].accept(new).await;
    world.until_submitted(1).await;
    world.skip(LEASE);
    workers[1].until(id, State::Unconfirmed).await;
    world.skip(RETRY);
    world.until_submitted(2).await;
    Overtaken {
        world,
        id,
        workers,
        answers: Some(answers),
    }
}
