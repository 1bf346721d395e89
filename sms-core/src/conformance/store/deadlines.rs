//! Deadlines: what brings every message back.

use std::time::Duration;

use super::{Subject, apply, ids, insert_new};
use crate::conformance::{Samples, changed, finished};
use crate::{Message, MessageId, State, Timestamp};

/// The millisecond itself counts.
pub async fn due_gives_what_is_at_or_before_now(store: Subject) {
    let samples = Samples::new(60);
    let message = samples.message();
    insert_new(&store, std::slice::from_ref(&message)).await;
    let deadline = deadline_of(&message);
    let before = deadline - Duration::from_millis(1);
    assert_eq!(due(&store, before).await, []);
    assert_eq!(due(&store, deadline).await, [message.id()]);
    assert_eq!(due(&store, Timestamp::MAX).await, [message.id()]);
    // To look takes nothing away.
    assert_eq!(due(&store, deadline).await, [message.id()]);
}

/// Whatever the order in which they were stored.
pub async fn due_gives_the_longest_overdue_first(store: Subject) {
    let samples = Samples::new(61);
    let seconds = [50, 10, 40, 20, 30];
    let messages: Vec<Message> = seconds
        .into_iter()
        .map(|seconds| with_deadline(&samples, at(seconds)))
        .collect();
    insert_new(&store, &messages).await;
    let by_deadline = [1, 3, 4, 2, 0].map(|index: usize| messages[index].id());
    assert_eq!(due(&store, at(50)).await, by_deadline);
    assert_eq!(due(&store, at(49)).await, by_deadline[..4]);
}

/// The longest overdue are those that are given.
pub async fn due_gives_no_more_than_asked(store: Subject) {
    let samples = Samples::new(62);
    let messages: Vec<Message> = (0..20)
        .map(|seconds| with_deadline(&samples, at(seconds)))
        .collect();
    insert_new(&store, &messages).await;
    for limit in [0, 1, 7, 20, 21] {
        let given = store.due(at(100), limit).await.expect("due");
        assert_eq!(given, ids(&messages)[..limit.min(20)]);
    }
    // A message that is always due does not hide those behind it once it is settled.
    apply(&store, finished(&messages[0], State::Failed, at(100))).await;
    let given = store.due(at(100), 1).await.expect("due");
    assert_eq!(given, [messages[1].id()]);
}

/// Earlier or later.
pub async fn a_deadline_that_moves_is_due_at_its_new_time_only(store: Subject) {
    let samples = Samples::new(63);
    let message = with_deadline(&samples, at(10));
    insert_new(&store, std::slice::from_ref(&message)).await;
    let later = changed(&message, |progress| progress.deadline = Some(at(20)));
    let message = apply(&store, later).await;
    assert_eq!(due(&store, at(19)).await, []);
    assert_eq!(due(&store, at(20)).await, [message.id()]);
    let earlier = changed(&message, |progress| progress.deadline = Some(at(5)));
    apply(&store, earlier).await;
    assert_eq!(due(&store, at(4)).await, []);
    assert_eq!(due(&store, at(20)).await, [message.id()]);
}

/// Nothing more is to happen to it.
pub async fn a_final_message_is_never_due(store: Subject) {
    let samples = Samples::new(64);
    let message = samples.message();
    insert_new(&store, std::slice::from_ref(&message)).await;
    apply(&store, finished(&message, State::Delivered, samples.now())).await;
    assert_eq!(due(&store, Timestamp::MAX).await, []);
    assert_eq!(store.next_deadline().await.expect("next deadline"), None);
}

/// Of all messages; it follows every change.
pub async fn the_next_deadline_is_the_earliest(store: Subject) {
    let samples = Samples::new(65);
    let next = async || store.next_deadline().await.expect("next deadline");
    let late = with_deadline(&samples, at(50));
    insert_new(&store, std::slice::from_ref(&late)).await;
    assert_eq!(next().await, Some(at(50)));
    let early = with_deadline(&samples, at(10));
    insert_new(&store, std::slice::from_ref(&early)).await;
    assert_eq!(next().await, Some(at(10)));
    let moved = changed(&early, |progress| progress.deadline = Some(at(70)));
    let early = apply(&store, moved).await;
    assert_eq!(next().await, Some(at(50)));
    apply(&store, finished(&late, State::Expired, at(60))).await;
    assert_eq!(next().await, Some(at(70)));
    apply(&store, finished(&early, State::Expired, at(60))).await;
    assert_eq!(next().await, None);
}

async fn due(store: &Subject, now: Timestamp) -> Vec<MessageId> {
    store.due(now, 100).await.expect("due")
}

fn deadline_of(message: &Message) -> Timestamp {
    message.progress.deadline.expect("a deadline")
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000) + Duration::from_secs(seconds)
}

fn with_deadline(samples: &Samples, deadline: Timestamp) -> Message {
    let mut message = samples.message();
    message.progress.deadline = Some(deadline);
    message
}
