//! The rules for an engine over a store and a queue: what the two promise together.
//!
//! Each rule runs whole engines, each on a runtime of its own as if in a process of its own, so
//! that one can die in the middle of anything. Time is the real one, put forward where a rule
//! would have to wait.

mod accepting;
mod at_once;
mod books;
mod cancel;
mod crash;
mod instant;
mod lease;
mod life;
mod process;
mod reports;
mod sharing;
mod timing;
mod unknown;
mod watching;
mod world;

use std::sync::Arc;

use async_trait::async_trait;

use crate::{Queue, Store};

pub use accepting::*;
pub use at_once::*;
pub use books::*;
pub use cancel::*;
pub use crash::*;
pub use instant::*;
pub use lease::*;
pub use life::*;
pub use reports::*;
pub use sharing::*;
pub use timing::*;
pub use unknown::*;
pub use watching::*;

/// A store and a queue that any number of processes can work over.
#[async_trait]
pub trait Place: Send + Sync {
    /// Connects to both as one more process does.
    async fn connect(&self) -> (Arc<dyn Store>, Arc<dyn Queue>);
}

/// For backends that live within one process, or whose handles can be shared.
#[async_trait]
impl Place for (Arc<dyn Store>, Arc<dyn Queue>) {
    async fn connect(&self) -> (Arc<dyn Store>, Arc<dyn Queue>) {
        self.clone()
    }
}

/// The store and the queue under test.
pub type Subject = Arc<dyn Place>;

/// Makes one test of every rule for an engine over a pair of a [`Store`] and a [`Queue`].
///
/// Takes the path of an `async fn() -> (Arc<dyn Place>, Kept)` that makes a [`Place`] with an
/// empty store; of its queue, no hint may lead to a message of that store. A pair in memory:
///
/// ```
/// use std::sync::Arc;
/// use sms_core::conformance::engine::Place;
/// use sms_core::{MemoryQueue, MemoryStore, Queue, Store};
///
/// async fn fresh() -> (Arc<dyn Place>, ()) {
///     let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
///     let queue: Arc<dyn Queue> = Arc::new(MemoryQueue::new());
///     (Arc::new((store, queue)), ())
/// }
///
/// sms_core::engine_conformance!(fresh);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! engine_conformance {
    ($fresh:path) => {
        $crate::__conformance_tests! { $fresh, engine:
            a_message_is_accepted_sent_and_delivered
            a_message_that_was_not_taken_is_tried_again_after_a_growing_delay
            a_message_that_is_never_taken_fails_when_its_retries_are_used_up
            a_refused_message_is_rejected_and_not_tried_again
            a_throttled_message_goes_out_later_and_uses_up_no_retry
            a_backlog_is_submitted_whole_and_each_message_once
            an_unknown_outcome_is_submitted_again_where_the_provider_de_duplicates
            an_unknown_outcome_is_held_until_a_report_settles_it
            an_unknown_outcome_that_nobody_settles_ends_with_its_window
            an_unknown_outcome_is_submitted_again_where_duplicates_are_preferred
            an_unknown_outcome_is_given_up_where_loss_is_preferred
            an_unknown_outcome_is_settled_by_asking
            a_message_that_the_provider_says_it_does_not_have_is_submitted_again
            a_report_before_the_answer_counts_at_once
            a_report_under_an_unknown_id_waits_for_the_answer
            a_report_whose_worker_died_is_joined_by_the_sweep
            a_repeated_report_changes_nothing
            reports_out_of_order_lead_to_the_same_end
            a_report_of_a_stranger_waits_and_is_forgotten
            a_report_that_names_no_message_is_kept_nowhere
            the_id_of_the_answer_is_found_though_a_report_named_another
            a_scheduled_message_waits_for_its_time
            a_message_expires_while_it_waits_for_a_worker
            a_message_expires_rather_than_wait_for_a_retry_beyond_its_validity
            what_is_not_on_its_way_is_taken_back
            what_is_on_its_way_is_not_taken_back_but_no_attempt_follows
            what_is_finished_is_not_taken_back
            lost_hints_cost_time_and_nothing_else
            hints_that_come_twice_do_no_harm
            messages_are_accepted_while_the_queue_is_down
            two_workers_share_the_work_and_submit_each_message_once
            several_sweepers_do_no_harm
            a_process_that_drains_leaves_the_rest_to_others
            many_in_one_call_have_each_their_own_answer
            a_repeat_under_one_key_is_the_same_message
            the_same_key_at_two_processes_at_one_instant_is_one_message
            a_worker_claims_what_it_accepts_with_the_write_that_stores_it
            a_claim_whose_insertion_seemed_to_fail_is_given_back
            a_claim_whose_process_died_while_storing_it_is_an_unknown_outcome
            what_cannot_be_handed_over_at_once_goes_through_the_queue
            counts_equal_the_sum_and_nothing_open_lacks_a_deadline
            finished_messages_go_when_their_time_is_over
            a_watch_shows_a_message_until_its_end
            a_watch_sees_what_other_processes_do
            a_process_that_dies_before_the_queue_has_a_message_does_not_lose_it
            a_process_that_dies_before_it_could_answer_leaves_one_message
            taken_and_then_dead_is_submitted_again_where_the_provider_de_duplicates
            taken_and_then_dead_is_settled_by_a_report
            taken_and_then_dead_is_settled_by_asking
            taken_and_then_dead_is_settled_by_its_policy
            an_answer_that_died_with_its_worker_is_an_unknown_outcome
            hints_in_the_hands_of_a_dead_process_come_to_another
            both_answers_count_when_the_lease_ends_while_the_provider_thinks
            both_answers_count_when_a_duplicate_was_preferred
            an_answer_after_the_lease_settles_what_is_held
            a_report_and_the_answer_at_one_instant_find_each_other
            of_a_cancel_and_a_claim_at_one_instant_one_wins
        }
    };
}
