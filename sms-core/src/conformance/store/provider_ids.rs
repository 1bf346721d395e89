//! Finding messages by the ids that providers gave.

use super::{Subject, apply, commit_one, ids, insert_new};
use crate::conformance::samples::provider_name;
use crate::conformance::{Samples, changed};
use crate::{Change, Committed, Message, Report, ReportKey, State};

/// Not before, and as soon as the commit has returned.
pub async fn a_provider_id_is_found_once_committed(store: Subject) {
    let samples = Samples::new(40);
    for _ in 0..20 {
        let (message, key) = (samples.message(), samples.key());
        insert_new(&store, std::slice::from_ref(&message)).await;
        assert_eq!(
            store.find(std::slice::from_ref(&key)).await.expect("find"),
            [None]
        );
        let after = apply(&store, accepted(&samples, &message, &key)).await;
        let keys = std::slice::from_ref(&key);
        assert_eq!(store.find(keys).await.expect("find"), [Some(message.id())]);
        // A later change of something else does not lose it.
        apply(
            &store,
            changed(&after, |progress| progress.state = State::Sent),
        )
        .await;
        assert_eq!(store.find(keys).await.expect("find"), [Some(message.id())]);
    }
}

/// Each attempt may have been given another one.
pub async fn every_provider_id_of_a_message_leads_to_it(store: Subject) {
    let samples = Samples::new(41);
    let message = samples.message();
    insert_new(&store, std::slice::from_ref(&message)).await;
    let keys = [samples.key(), samples.key(), samples.key()];
    let first = apply(&store, accepted(&samples, &message, &keys[0])).await;
    let both = changed(&first, |progress| {
        for (number, key) in (2..).zip(&keys[1..]) {
            let attempt = samples.accepted_attempt(number, &key.provider_id);
            progress.attempts.push(attempt);
        }
    });
    apply(&store, both).await;
    let found = store.find(&keys).await.expect("find");
    assert_eq!(found, [Some(message.id()); 3]);
}

/// Two providers may give the same id to different messages.
pub async fn a_provider_id_belongs_to_its_provider(store: Subject) {
    let samples = Samples::new(42);
    let messages = samples.messages(2);
    insert_new(&store, &messages).await;
    let main = samples.key();
    let other = ReportKey {
        provider: provider_name("other"),
        ..main.clone()
    };
    apply(&store, accepted(&samples, &messages[0], &main)).await;
    let found = store
        .find(&[main.clone(), other.clone()])
        .await
        .expect("find");
    assert_eq!(found, [Some(messages[0].id()), None]);
    apply(&store, accepted(&samples, &messages[1], &other)).await;
    let found = store.find(&[main, other]).await.expect("find");
    assert_eq!(found, [Some(messages[0].id()), Some(messages[1].id())]);
}

/// A report came first and named one id, then the answer named another.
pub async fn a_provider_id_that_gave_way_to_another_is_found_while_a_report_names_it(
    store: Subject,
) {
    let samples = Samples::new(45);
    let message = samples.message();
    insert_new(&store, std::slice::from_ref(&message)).await;
    let [reported, answered] = [samples.key(), samples.key()];
    let mut before = accepted(&samples, &message, &reported);
    before.after.reports.push(Report {
        provider_id: Some(reported.provider_id.clone()),
        ..samples.report()
    });
    let before = apply(&store, before).await;
    let after = changed(&before, |progress| {
        progress.attempts[0].provider_id = Some(answered.provider_id.clone());
    });
    apply(&store, after).await;
    let found = store.find(&[reported, answered]).await.expect("find");
    assert_eq!(found, [Some(message.id()); 2]);
}

/// A provider began to count anew; the reports that are to come speak of the later one.
pub async fn a_provider_id_that_is_given_again_leads_to_the_later_message(store: Subject) {
    let samples = Samples::new(46);
    let messages = samples.messages(2);
    insert_new(&store, &messages).await;
    let key = samples.key();
    let first = apply(&store, accepted(&samples, &messages[0], &key)).await;
    apply(&store, accepted(&samples, &messages[1], &key)).await;
    // A change of the first that has nothing to do with the id does not take it back.
    apply(
        &store,
        changed(&first, |progress| progress.state = State::Unknown),
    )
    .await;
    let found = store.find(&[key]).await.expect("find");
    assert_eq!(found, [Some(messages[1].id())]);
}

/// Nothing of a conflicting change is written.
pub async fn a_conflicting_commit_leaves_no_provider_id(store: Subject) {
    let samples = Samples::new(43);
    let message = samples.message();
    insert_new(&store, std::slice::from_ref(&message)).await;
    apply(
        &store,
        changed(&message, |progress| progress.state = State::Sending),
    )
    .await;
    let key = samples.key();
    let answer = commit_one(&store, accepted(&samples, &message, &key)).await;
    assert!(matches!(answer, Committed::Conflict(_)));
    assert_eq!(store.find(&[key]).await.expect("find"), [None]);
}

/// One entry for each key, in their order.
pub async fn find_answers_in_the_order_of_the_keys(store: Subject) {
    let samples = Samples::new(44);
    let messages = samples.messages(100);
    insert_new(&store, &messages).await;
    let mut keys: Vec<ReportKey> = messages.iter().map(|_| samples.key()).collect();
    let changes: Vec<Change> = messages
        .iter()
        .zip(&keys)
        .map(|(message, key)| accepted(&samples, message, key))
        .collect();
    let answers = store.commit(changes).await.expect("commit");
    assert_eq!(answers, vec![Committed::Applied; 100]);
    let mut expected: Vec<_> = ids(&messages).into_iter().map(Some).collect();
    keys.reverse();
    expected.reverse();
    keys.insert(50, samples.key());
    expected.insert(50, None);
    assert_eq!(store.find(&keys).await.expect("find"), expected);
}

/// A change by which the message was accepted under the key.
fn accepted(samples: &Samples, message: &Message, key: &ReportKey) -> Change {
    changed(message, |progress| {
        let mut attempt = samples.accepted_attempt(1, &key.provider_id);
        attempt.provider = key.provider.clone();
        progress.state = State::Sent;
        progress.attempts.push(attempt);
    })
}
