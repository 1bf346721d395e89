//! Listing by filter and page, and counting.

use std::time::Duration;

use super::{Subject, apply, commit_one, ids, insert_new};
use crate::conformance::{Samples, changed, finished};
use crate::{
    Committed, Inserted, ListFilter, Message, MessageId, Page, PageToken, State, StateCounts,
    StoreErrorKind, TenantId, Timestamp,
};

/// Every field of every message is there.
pub async fn a_list_shows_the_latest_first(store: Subject) {
    let samples = Samples::new(100);
    let mut messages = samples.messages(9);
    messages.push(samples.rich());
    // The order of the calls is not that of acceptance.
    insert_new(&store, &messages[5..]).await;
    insert_new(&store, &messages[..5]).await;
    messages.reverse();
    let page = list(&store, &ListFilter::default(), None, 100).await;
    assert_eq!(page.messages, messages);
    assert_eq!(page.next, None);
    let page = list(&store, &ListFilter::default(), None, 3).await;
    assert_eq!(page.messages, messages[..3]);
}

/// Tenants see nothing of each other.
pub async fn a_list_can_be_filtered_by_tenant(store: Subject) {
    let samples = Samples::new(101);
    let of = |name: &str| {
        let tenant: TenantId = name.parse().expect("a tenant");
        samples.message_with(|request| request.tenant = tenant)
    };
    let messages = ["a", "b", "ab", "default", "a"].map(of);
    insert_new(&store, &messages).await;
    for (tenant, expected) in [
        ("a", vec![4, 0]),
        ("b", vec![1]),
        ("default", vec![3]),
        ("c", vec![]),
    ] {
        let filter = ListFilter {
            tenant: Some(tenant.parse().expect("a tenant")),
            ..ListFilter::default()
        };
        expect_listed(&store, &filter, &messages, &expected).await;
    }
}

/// By the state now, one or several.
pub async fn a_list_can_be_filtered_by_state(store: Subject) {
    let samples = Samples::new(102);
    let messages: Vec<Message> = (0..2 * State::ALL.len())
        .map(|_| samples.message())
        .collect();
    insert_new(&store, &messages).await;
    for (message, state) in messages.iter().zip(State::ALL.iter().cycle()) {
        apply(&store, enter(&samples, message, *state)).await;
    }
    for (index, state) in State::ALL.into_iter().enumerate() {
        let filter = in_states(&[state]);
        let expected = [index + State::ALL.len(), index];
        expect_listed(&store, &filter, &messages, &expected).await;
    }
    let filter = in_states(&[State::Delivered, State::Queued, State::Failed]);
    let index_of = |state| State::ALL.iter().position(|one| *one == state).unwrap_or(0);
    let mut expected: Vec<usize> = filter
        .states
        .iter()
        .flat_map(|state| [index_of(*state), index_of(*state) + State::ALL.len()])
        .collect();
    expected.sort_by(|a, b| b.cmp(a));
    expect_listed(&store, &filter, &messages, &expected).await;
    let filter = in_states(&State::ALL);
    let expected: Vec<usize> = (0..messages.len()).rev().collect();
    expect_listed(&store, &filter, &messages, &expected).await;
}

/// What became of the messages to a number is what support is asked most.
pub async fn a_list_can_be_filtered_by_recipient(store: Subject) {
    let samples = Samples::new(103);
    let mut messages = samples.messages(6);
    let to = messages[1].request.to;
    messages.push(samples.message_with(|request| request.to = to));
    insert_new(&store, &messages).await;
    let filter = ListFilter {
        to: Some(to),
        ..ListFilter::default()
    };
    expect_listed(&store, &filter, &messages, &[6, 1]).await;
    let nobody = ListFilter {
        to: Some("+14155552671".parse().expect("a number")),
        ..ListFilter::default()
    };
    expect_listed(&store, &nobody, &messages, &[]).await;
}

/// From a time on, that time included; up to a time, that time excluded.
pub async fn a_list_can_be_filtered_by_time(store: Subject) {
    let samples = Samples::new(104);
    let messages = samples.messages(10);
    insert_new(&store, &messages).await;
    let at = |index: usize| Some(messages[index].request.accepted_at);
    let between = |accepted_from, accepted_before| ListFilter {
        accepted_from,
        accepted_before,
        ..ListFilter::default()
    };
    expect_listed(&store, &between(at(8), None), &messages, &[9, 8]).await;
    expect_listed(&store, &between(None, at(2)), &messages, &[1, 0]).await;
    expect_listed(&store, &between(at(3), at(6)), &messages, &[5, 4, 3]).await;
    expect_listed(&store, &between(at(6), at(3)), &messages, &[]).await;
    let all = between(Some(Timestamp::from_millis(0)), Some(Timestamp::MAX));
    let expected: Vec<usize> = (0..10).rev().collect();
    expect_listed(&store, &all, &messages, &expected).await;
}

/// All fields of a filter hold at once.
pub async fn filters_narrow_each_other(store: Subject) {
    let samples = Samples::new(105);
    let tenant: TenantId = "acme".parse().expect("a tenant");
    let to = samples.message().request.to;
    let mut messages = Vec::new();
    // Every combination of the three: the number's bits say what fits.
    for bits in 0..8_u8 {
        let mut message = samples.message_with(|request| {
            if bits & 1 != 0 {
                request.tenant = tenant.clone();
            }
            if bits & 2 != 0 {
                request.to = to;
            }
        });
        if bits & 4 != 0 {
            message.progress.state = State::Unconfirmed;
        }
        messages.push(message);
    }
    insert_new(&store, &messages).await;
    for bits in 0..8_usize {
        let filter = ListFilter {
            tenant: (bits & 1 != 0).then(|| tenant.clone()),
            to: (bits & 2 != 0).then_some(to),
            states: if bits & 4 != 0 {
                vec![State::Unconfirmed]
            } else {
                Vec::new()
            },
            accepted_from: Some(messages[2].request.accepted_at),
            accepted_before: None,
        };
        let fits = |index: &usize| index & bits == bits && *index >= 2;
        let expected: Vec<usize> = (0..8).rev().filter(fits).collect();
        expect_listed(&store, &filter, &messages, &expected).await;
    }
}

/// Whatever the size of a page, also when the last one is exactly full.
pub async fn pages_show_every_message_once(store: Subject) {
    let samples = Samples::new(106);
    let mut messages = samples.messages(12);
    insert_new(&store, &messages).await;
    messages.reverse();
    for size in [1, 4, 5, 11, 12, 13] {
        let shown = follow(&store, &ListFilter::default(), size).await;
        assert_eq!(shown, ids(&messages), "pages of {size}");
    }
}

/// What does not fit takes no room on a page.
pub async fn pages_of_a_filtered_list_show_every_message_once(store: Subject) {
    let samples = Samples::new(107);
    let messages = samples.messages(60);
    insert_new(&store, &messages).await;
    let mut expected = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let state = [State::Failed, State::Sent, State::Rejected][index % 3];
        if state != State::Sent {
            expected.push(message.id());
        }
        apply(&store, enter(&samples, message, state)).await;
    }
    expected.reverse();
    for size in [1, 7, 40] {
        let filter = in_states(&[State::Rejected, State::Failed]);
        assert_eq!(
            follow(&store, &filter, size).await,
            expected,
            "pages of {size}"
        );
    }
}

/// What was there all the time is shown once; what comes or goes meanwhile may be shown or not.
pub async fn pages_stay_whole_while_messages_come_and_go(store: Subject) {
    let samples = Samples::new(108);
    let messages = samples.messages(30);
    insert_new(&store, &messages).await;
    let mut shown = Vec::new();
    let mut token = None;
    let mut gone = messages.iter().step_by(3);
    loop {
        let page = list(&store, &ListFilter::default(), token.as_ref(), 4).await;
        shown.extend(ids(&page.messages));
        token = page.next;
        if token.is_none() {
            break;
        }
        insert_new(&store, &samples.messages(3)).await;
        if let Some(message) = gone.next() {
            let end = Timestamp::from_millis(1);
            apply(&store, finished(message, State::Failed, end)).await;
            let removed = store
                .remove_finished(Timestamp::MAX, 10)
                .await
                .expect("remove");
            assert_eq!(removed, 1);
        }
        assert!(shown.len() < 1_000, "the list does not end");
    }
    for (index, message) in messages.iter().enumerate() {
        let times = shown.iter().filter(|id| **id == message.id()).count();
        let expected = if index % 3 == 0 { 0..=1 } else { 1..=1 };
        assert!(
            expected.contains(&times),
            "message {index} was shown {times} times"
        );
    }
}

/// It is refused, not guessed at: the caller would see the wrong messages.
pub async fn a_page_token_of_another_store_is_invalid(store: Subject) {
    let samples = Samples::new(109);
    insert_new(&store, &samples.messages(2)).await;
    for token in [
        "",
        "x",
        "-",
        "1.2.3.4",
        "9999999999999999999999999",
        "текст",
        "' OR 1",
    ] {
        let token = PageToken(token.to_owned());
        let answer = store.list(&ListFilter::default(), Some(&token), 10).await;
        let kind = answer.expect_err("a foreign token is refused").kind();
        assert_eq!(kind, StoreErrorKind::Invalid, "{token:?}");
    }
}

/// The sum over the states is what was stored.
pub async fn counts_follow_every_change(store: Subject) {
    let samples = Samples::new(110);
    let mut expected = StateCounts::default();
    for state in State::ALL {
        for _ in 0..=(state as u8) {
            let message = samples.message();
            insert_new(&store, std::slice::from_ref(&message)).await;
            apply(&store, enter(&samples, &message, state)).await;
            expected.set(state, expected.get(state) + 1);
        }
        assert_eq!(store.count().await.expect("count"), expected);
    }
    let all = samples.messages(50);
    insert_new(&store, &all).await;
    expected.set(State::Queued, expected.get(State::Queued) + 50);
    assert_eq!(store.count().await.expect("count"), expected);
    let ended = all
        .iter()
        .map(|message| finished(message, State::Canceled, samples.now()));
    store.commit(ended.collect()).await.expect("commit");
    expected.set(State::Queued, expected.get(State::Queued) - 50);
    expected.set(State::Canceled, expected.get(State::Canceled) + 50);
    assert_eq!(store.count().await.expect("count"), expected);
}

/// Only what was written counts.
pub async fn conflicts_and_repeats_are_not_counted(store: Subject) {
    let samples = Samples::new(111);
    let message = samples.message();
    insert_new(&store, std::slice::from_ref(&message)).await;
    let change = finished(&message, State::Delivered, samples.now());
    apply(&store, change.clone()).await;
    for _ in 0..3 {
        let again = store.insert(vec![message.clone()]).await.expect("insert");
        assert!(matches!(again[..], [Inserted::Exists(_)]));
        assert!(matches!(
            commit_one(&store, change.clone()).await,
            Committed::Conflict(_)
        ));
        let unknown = finished(&samples.message(), State::Failed, samples.now());
        assert_eq!(commit_one(&store, unknown).await, Committed::Missing);
    }
    let mut expected = StateCounts::default();
    expected.set(State::Delivered, 1);
    assert_eq!(store.count().await.expect("count"), expected);
}

async fn list(
    store: &Subject,
    filter: &ListFilter,
    after: Option<&PageToken>,
    size: usize,
) -> Page {
    let page = store.list(filter, after, size).await.expect("list");
    assert!(page.messages.len() <= size, "a page of {size} at most");
    page
}

/// The ids on all pages.
pub(super) async fn follow(store: &Subject, filter: &ListFilter, size: usize) -> Vec<MessageId> {
    let mut shown = Vec::new();
    let mut token = None;
    loop {
        let page = list(store, filter, token.as_ref(), size).await;
        shown.extend(ids(&page.messages));
        token = page.next;
        if token.is_none() {
            return shown;
        }
        assert!(shown.len() < 10_000, "the list does not end");
    }
}

async fn expect_listed(store: &Subject, filter: &ListFilter, all: &[Message], expected: &[usize]) {
    let expected: Vec<MessageId> = expected.iter().map(|index| all[*index].id()).collect();
    for size in [1, 2, 100] {
        assert_eq!(
            follow(store, filter, size).await,
            expected,
            "{filter:?}, pages of {size}"
        );
    }
}

fn in_states(states: &[State]) -> ListFilter {
    ListFilter {
        states: states.to_vec(),
        ..ListFilter::default()
    }
}

fn enter(samples: &Samples, message: &Message, state: State) -> crate::Change {
    let now = samples.now();
    let mut change = if state.is_final() {
        finished(message, state, now)
    } else {
        changed(message, |progress| {
            progress.deadline = Some(now + Duration::from_secs(9));
        })
    };
    change.after.state = state;
    change
}
