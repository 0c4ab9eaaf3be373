//! What every [`JobStore`] does, as functions that panic where one does not.
//!
//! Start at [`run_all`]. Each behaviour needs a store without jobs, because a claim takes the next one of
//! whomever. The suite is public, so that an embedding program can prove its own store. It does not try
//! what needs a broken store: damaged files and killed processes are for each store's own tests.

mod cancelling;
mod claiming;
mod ending;
mod harness;
mod listing;
mod recovering;
mod submitting;
mod telling;

use std::sync::Arc;

pub use self::{
    cancelling::{
        asks_a_run_to_end, cancels_what_waits, hides_what_is_others_from_cancelling,
        lets_a_run_end_first,
    },
    claiming::{
        claims_nothing_where_nothing_waits, claims_the_oldest_first, gives_each_job_to_one,
        is_fair_between_tenants,
    },
    ending::{
        ends_once, hands_back_what_may_be_retried, keeps_a_job_and_its_progress,
        keeps_what_went_wrong, refuses_results_that_do_not_fit,
    },
    listing::{
        counts_what_has_not_ended, lists_the_newest_first, removes_what_ended_long_ago,
        shows_nobody_elses_jobs,
    },
    recovering::{
        ends_what_was_asked_to_end, gives_up_what_was_begun_too_often, takes_back_or_keeps,
        takes_back_what_nobody_keeps,
    },
    submitting::{
        finds_room_again, gives_one_job_to_one_key, gives_one_job_to_twins, keeps_what_was_asked,
        refuses_what_does_not_fit, refuses_what_is_no_job, takes_a_job_twice,
    },
    telling::{
        forgets_no_webhook_of_a_dead_process, keeps_what_is_to_be_told, tells_an_end_once,
        tells_in_order, tries_again_when_told_to,
    },
};
use crate::store::JobStore;

/// Runs every behaviour of this module in turn, each on a store that `fresh` makes.
///
/// # Panics
/// Panics when the store lacks one, and names it.
pub async fn run_all<S: JobStore>(fresh: impl AsyncFn() -> Arc<S>) {
    keeps_what_was_asked(&*fresh().await).await;
    gives_one_job_to_one_key(&*fresh().await).await;
    gives_one_job_to_twins(&*fresh().await).await;
    takes_a_job_twice(&*fresh().await).await;
    refuses_what_does_not_fit(&*fresh().await).await;
    finds_room_again(&*fresh().await).await;
    refuses_what_is_no_job(&*fresh().await).await;

    claims_nothing_where_nothing_waits(&*fresh().await).await;
    claims_the_oldest_first(&*fresh().await).await;
    is_fair_between_tenants(&*fresh().await).await;
    gives_each_job_to_one(&*fresh().await).await;

    keeps_a_job_and_its_progress(&*fresh().await).await;
    ends_once(&*fresh().await).await;
    keeps_what_went_wrong(&*fresh().await).await;
    refuses_results_that_do_not_fit(&*fresh().await).await;
    hands_back_what_may_be_retried(&*fresh().await).await;

    cancels_what_waits(&*fresh().await).await;
    asks_a_run_to_end(&*fresh().await).await;
    lets_a_run_end_first(&*fresh().await).await;
    hides_what_is_others_from_cancelling(&*fresh().await).await;

    takes_back_what_nobody_keeps(&*fresh().await).await;
    gives_up_what_was_begun_too_often(&*fresh().await).await;
    ends_what_was_asked_to_end(&*fresh().await).await;
    takes_back_or_keeps(&*fresh().await).await;

    shows_nobody_elses_jobs(&*fresh().await).await;
    lists_the_newest_first(&*fresh().await).await;
    counts_what_has_not_ended(&*fresh().await).await;
    removes_what_ended_long_ago(&*fresh().await).await;

    keeps_what_is_to_be_told(&*fresh().await).await;
    tells_an_end_once(&*fresh().await).await;
    tries_again_when_told_to(&*fresh().await).await;
    forgets_no_webhook_of_a_dead_process(&*fresh().await).await;
    tells_in_order(&*fresh().await).await;
}
