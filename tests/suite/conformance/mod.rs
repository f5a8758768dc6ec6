//! What the ports of an AWS account do, whoever plays it: one list of behaviours,
//! held against the embedded simulator and against the real backend on the
//! stand-in, so that the two cannot drift apart.

mod account;
mod behaviours;

macro_rules! held_by_both {
    ($($behaviour:ident,)*) => {
        mod simulator {
            $(#[tokio::test]
            async fn $behaviour() {
                super::behaviours::$behaviour(super::account::Player::Simulator).await;
            })*
        }

        #[cfg(feature = "aws")]
        mod stand_in {
            $(#[tokio::test]
            async fn $behaviour() {
                super::behaviours::$behaviour(super::account::Player::StandIn).await;
            })*
        }
    };
}

held_by_both! {
    a_group_is_made_with_its_template_and_starts_what_it_asks_for,
    a_group_whose_template_is_not_there_is_not_made,
    a_name_that_somebody_else_has_is_not_taken,
    a_desired_outside_its_bounds_is_refused,
    new_bounds_pull_desired_along,
    a_seed_counts_when_a_group_is_made_and_stays_in_its_bounds,
    protected_instances_do_not_end_by_a_smaller_number,
    named_instances_end_through_their_hook_with_one_fewer_asked_for,
    instances_that_are_gone_are_drained_already,
    a_drained_group_ends_all_its_instances_and_can_go_then,
    a_group_in_which_instances_run_is_not_deleted,
    what_is_another_thing_by_now_is_stale_and_not_written,
    a_lack_of_capacity_is_told_and_is_not_ready,
    a_warm_pool_stands_beside_a_group_and_counts_for_nothing,
    a_warm_pool_beside_spot_is_refused,
    every_step_can_be_repeated,
    another_content_is_another_version_and_the_default,
    a_refresh_replaces_what_runs_another_version,
    a_raise_and_a_catch_up_only_add_and_stay_in_bounds,
    a_number_is_set_over_the_one_that_was_seen_and_over_no_other,
    a_group_that_goes_notes_who_carries_on,
    what_may_not_be_read_is_no_empty_account,
    tags_of_others_are_not_seen_and_stay,
    only_what_carries_our_marks_is_seen_and_by_name_the_rest,
}
