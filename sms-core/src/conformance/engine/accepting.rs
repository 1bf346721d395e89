//! Accepting messages, once each.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Barrier;
use tokio::time::sleep;

use super::Subject;
use super::world::{A_WHILE, World, new_message};
use crate::{AcceptError, Accepted, IdempotencyKey, MessageId, NewMessage, State};

/// Good ones are accepted, whatever is wrong with others.
pub async fn many_in_one_call_have_each_their_own_answer(place: Subject) {
    let world = World::new(place);
    let process = world.worker().await;
    let impossible = NewMessage {
        validity: Some(Duration::ZERO),
        ..new_message()
    };
    let nobodys = NewMessage {
        provider: Some("nobody".parse().expect("a name")),
        ..new_message()
    };
    let all = vec![
        new_message(),
        impossible,
        new_message(),
        nobodys,
        new_message(),
    ];
    let answers = process
        .call(async move |engine| engine.accept_many(all).await)
        .await;
    assert!(matches!(
        answers[1],
        Err(AcceptError::Invalid {
            field: "validity",
            ..
        })
    ));
    assert!(matches!(answers[3], Err(AcceptError::UnknownProvider(_))));
    for at in [0, 2, 4] {
        let accepted = answers[at].as_ref().expect("it is good");
        process.until(accepted.message.id(), State::Sent).await;
    }
    assert_eq!(world.submissions(), 3);
}

/// In one call, in later ones, and after it was sent; other contents are an error.
pub async fn a_repeat_under_one_key_is_the_same_message(place: Subject) {
    let world = World::new(place);
    let process = world.worker().await;
    let answers = process
        .call(async |engine| engine.accept_many(vec![keyed("order-1"); 8]).await)
        .await;
    let (id, new) = one_message(answers);
    assert_eq!(new, 1, "all but one are replays");
    process.until(id, State::Sent).await;
    let again = process
        .try_accept(keyed("order-1"))
        .await
        .expect("it is accepted");
    assert!(again.replayed);
    assert_eq!(
        (again.message.id(), again.message.state()),
        (id, State::Sent)
    );
    let other = NewMessage {
        text: "Another text".parse().expect("a text"),
        ..keyed("order-1")
    };
    let refused = process.try_accept(other.clone()).await;
    assert!(matches!(refused, Err(AcceptError::KeyReused)));
    let of_another = NewMessage {
        tenant: "acme".parse().expect("a tenant"),
        ..other
    };
    assert_ne!(process.accept(of_another).await, id);
}

/// A client that repeats a call whose answer is late reaches another process.
pub async fn the_same_key_at_two_processes_at_one_instant_is_one_message(place: Subject) {
    const ROUNDS: usize = 25;
    let world = World::new(place);
    let processes = [world.api().await, world.api().await];
    let mut ids = HashSet::new();
    for round in 0..ROUNDS {
        let at_once = Arc::new(Barrier::new(processes.len()));
        let calls = processes.each_ref().map(|process| {
            let at_once = at_once.clone();
            process.begin(async move |engine| {
                at_once.wait().await;
                engine.accept(keyed(&format!("order-{round}"))).await
            })
        });
        let mut answers = Vec::new();
        for call in calls {
            answers.push(call.await.expect("the process lives"));
        }
        let (id, new) = one_message(answers);
        assert_eq!(new, 1, "one of the two is a replay");
        ids.insert(id);
    }
    assert_eq!(ids.len(), ROUNDS);
    let worker = world.worker().await;
    for id in &ids {
        worker.until(*id, State::Sent).await;
    }
    sleep(A_WHILE).await;
    assert_eq!(world.submissions(), ROUNDS);
}

/// The one message of which all answers speak, and how many of them call it new.
fn one_message(answers: Vec<Result<Accepted, AcceptError>>) -> (MessageId, usize) {
    let accepted: Vec<Accepted> = answers
        .into_iter()
        .map(|answer| answer.expect("it is accepted"))
        .collect();
    let id = accepted[0].message.id();
    assert!(accepted.iter().all(|one| one.message.id() == id));
    (id, accepted.iter().filter(|one| !one.replayed).count())
}

fn keyed(key: &str) -> NewMessage {
    let key: IdempotencyKey = key.parse().expect("a key");
    NewMessage {
        idempotency_key: Some(key),
        ..new_message()
    }
}
