//! The rules for a [`Store`].

mod commit;
mod deadlines;
mod durable;
mod insert;
mod list;
mod parking;
mod provider_ids;
mod random;
mod removal;

use std::sync::Arc;

use crate::{Change, Committed, Inserted, Message, MessageId, Store};

pub use commit::*;
pub use deadlines::*;
pub use durable::*;
pub use insert::*;
pub use list::*;
pub use parking::*;
pub use provider_ids::*;
pub use random::*;
pub use removal::*;

/// The store under test.
pub type Subject = Arc<dyn Store>;

/// Makes one test of every rule for a [`Store`].
///
/// Takes the path of an `async fn() -> (Arc<dyn Store>, Kept)` that makes an empty store which
/// shares nothing with any other. `Kept` is whatever must live as long as the store, such as a
/// temporary folder.
#[macro_export]
macro_rules! store_conformance {
    ($fresh:path) => {
        $crate::__conformance_tests! { $fresh, store:
            an_empty_store_answers_everything
            calls_without_items_do_nothing
            a_message_comes_back_as_it_was_stored
            a_message_in_any_state_comes_back_as_it_was_stored
            texts_come_back_whatever_their_characters
            the_longest_text_comes_back
            load_answers_in_the_order_of_the_ids
            what_has_returned_is_seen
            an_id_that_is_taken_keeps_its_message
            of_two_with_one_id_in_a_call_the_first_is_written
            of_many_concurrent_inserts_of_one_id_one_is_written
            one_taken_id_does_not_keep_the_others_out
            a_thousand_messages_fit_into_one_call
            a_dropped_insert_can_be_repeated
            a_commit_replaces_the_progress_and_nothing_else
            a_commit_over_an_old_version_conflicts_and_tells_the_current
            a_repeated_commit_conflicts_with_itself
            a_commit_of_an_unknown_message_is_missing
            of_two_changes_of_one_message_in_a_call_the_first_is_applied
            one_conflict_does_not_keep_the_others_out
            of_many_concurrent_commits_one_is_applied
            a_thousand_changes_fit_into_one_call
            a_provider_id_is_found_once_committed
            every_provider_id_of_a_message_leads_to_it
            a_provider_id_belongs_to_its_provider
            a_provider_id_that_gave_way_to_another_is_found_while_a_report_names_it
            a_provider_id_that_is_given_again_leads_to_the_later_message
            a_conflicting_commit_leaves_no_provider_id
            find_answers_in_the_order_of_the_keys
            due_gives_what_is_at_or_before_now
            due_gives_the_longest_overdue_first
            due_gives_no_more_than_asked
            a_deadline_that_moves_is_due_at_its_new_time_only
            a_final_message_is_never_due
            the_next_deadline_is_the_earliest
            a_parked_report_comes_back_as_it_was_parked
            a_repeated_report_replaces_the_parked_one
            different_reports_under_one_key_are_all_kept
            parked_reports_are_found_by_their_key_only
            parked_due_gives_what_is_at_or_before_now
            parked_due_gives_no_more_than_asked
            an_unparked_report_is_gone
            unparking_leaves_other_reports
            a_list_shows_the_latest_first
            a_list_can_be_filtered_by_tenant
            a_list_can_be_filtered_by_state
            a_list_can_be_filtered_by_recipient
            a_list_can_be_filtered_by_time
            filters_narrow_each_other
            pages_show_every_message_once
            pages_of_a_filtered_list_show_every_message_once
            pages_stay_whole_while_messages_come_and_go
            a_page_token_of_another_store_is_invalid
            counts_follow_every_change
            conflicts_and_repeats_are_not_counted
            finished_messages_are_removed
            what_finished_at_the_limit_stays
            removal_takes_no_more_than_asked
            an_unfinished_message_is_never_removed
            a_removed_message_leaves_nothing_behind
            removal_spares_a_provider_id_that_was_given_again
            an_id_is_free_again_after_removal
            any_sequence_of_calls_is_answered_as_by_the_memory_store
            any_concurrent_calls_leave_exact_counts_and_deadlines
        }
    };
}

/// Makes one test of every rule for a store that outlives its process.
///
/// Takes the path of an `async fn() -> (Reopen, Kept)`, where `Reopen` is an `AsyncFn() ->
/// Arc<dyn Store>`: the first call makes an empty store, every further one opens that store
/// again, after the earlier handle was dropped.
#[macro_export]
macro_rules! store_durability {
    ($place:path) => {
        $crate::__conformance_tests! { $place, store:
            messages_survive_reopening
            commits_survive_reopening
            provider_ids_survive_reopening
            deadlines_survive_reopening
            parked_reports_survive_reopening
            lists_and_counts_survive_reopening
            removal_survives_reopening
            a_dropped_store_has_finished_what_it_was_handed
        }
    };
}

async fn insert_new(store: &Subject, messages: &[Message]) {
    let answers = store.insert(messages.to_vec()).await.expect("insert");
    assert_eq!(answers, vec![Inserted::Created; messages.len()]);
}

async fn load_all(store: &Subject, messages: &[Message]) -> Vec<Option<Message>> {
    let ids: Vec<MessageId> = messages.iter().map(Message::id).collect();
    store.load(&ids).await.expect("load")
}

async fn load_one(store: &Subject, id: MessageId) -> Option<Message> {
    let mut loaded = store.load(&[id]).await.expect("load");
    assert_eq!(loaded.len(), 1, "one answer for one id");
    loaded.remove(0)
}

async fn commit_one(store: &Subject, change: Change) -> Committed {
    let mut answers = store.commit(vec![change]).await.expect("commit");
    assert_eq!(answers.len(), 1, "one answer for one change");
    answers.remove(0)
}

/// Commits a change that must succeed; the message as it is then.
async fn apply(store: &Subject, change: Change) -> Message {
    let after = Message {
        request: change.before.request.clone(),
        progress: change.after.clone(),
    };
    assert_eq!(commit_one(store, change).await, Committed::Applied);
    after
}

fn ids(messages: &[Message]) -> Vec<MessageId> {
    messages.iter().map(Message::id).collect()
}
