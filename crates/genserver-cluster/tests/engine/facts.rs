//! The facts that follow from the rules, for any engine.

use std::time::Duration;

use genserver_cluster::engine::Engine;

// E1 to E6.
pub(crate) mod keys;
// E7.
pub(crate) mod logs;
// E8.
pub(crate) mod messages;
// E9.
pub(crate) mod watches;
// E10 to E12.
pub(crate) mod events;

/// A way to get engines of several members on one system.
pub(crate) trait System {
    type Member: Engine;

    /// The shortest time to live that it keeps.
    const LEASE: Duration;

    /// Connects a member.
    async fn member(&self, name: &str) -> Self::Member;
}

/// A time to live that passes in no test.
pub(crate) const LONG: Duration = Duration::from_hours(1);

/// A test of each fact, for one system: `$check` gets a function that takes the system.
macro_rules! hold_to_the_facts {
    ($check:path) => {
        hold_to_the_facts! { $check; keys:
            e1_of_two_creates_of_a_key_one_succeeds
            e1_a_key_that_was_deleted_is_created_again
            e1_a_key_that_has_ended_is_created_again
            e2_each_change_of_any_key_has_a_larger_revision
            e3_an_update_with_another_revision_changes_nothing
            e3_a_delete_with_another_revision_changes_nothing
            e3_a_key_that_is_not_there_is_neither_updated_nor_deleted
            e4_a_key_is_there_for_its_time_to_live
            e4_an_update_begins_the_time_to_live_anew
            e5_what_is_read_was_written
            e6_a_refused_name_does_nothing
        }
        hold_to_the_facts! { $check; logs:
            e7_an_entry_is_added_behind_the_last_alone
            e7_of_two_appends_at_one_position_one_succeeds
            e7_a_snapshot_replaces_all_entries_if_it_knows_the_last
            e7_a_read_begins_behind_a_position_and_has_a_limit
            e7_logs_do_not_disturb_each_other
        }
        hold_to_the_facts! { $check; messages:
            e8_messages_of_one_member_arrive_in_their_order
            e8_each_subscription_gets_each_message_once
            e8_a_request_gets_the_answer_of_its_subscriber
            e8_a_request_to_nobody_has_no_responders
            e8_a_request_to_a_subscription_that_was_dropped_has_no_responders
            e8_a_request_that_is_not_answered_times_out
            e9_a_subscription_is_in_place_for_its_own_member
        }
        hold_to_the_facts! { $check; watches:
            e9_a_watch_tells_what_is_there_and_then_each_change
            e9_a_change_behind_a_watch_is_told_or_a_later_one_of_its_key
            e9_a_watch_tells_of_its_prefix_alone
            e9_a_watch_tells_that_a_key_has_ended
        }
        hold_to_the_facts! { $check; events:
            e10_events_have_the_order_in_which_they_were_taken
            e10_the_oldest_events_beyond_a_number_are_forgotten
            e10_the_oldest_events_beyond_a_size_are_forgotten
            e10_events_beyond_an_age_are_forgotten
            e11_of_the_events_of_one_id_one_is_added
            e11_an_id_is_printable
            e12_a_follower_is_told_what_is_there_and_then_what_comes
            e12_a_follower_is_told_many_events
            e12_a_follower_is_told_large_events
            e12_a_stream_that_is_not_there_is_not_followed
        }
    };
    ($check:path; $module:ident: $($fact:ident)*) => {
        $(#[test]
        fn $fact() {
            $check(async |system| crate::facts::$module::$fact(&system).await);
        })*
    };
}
