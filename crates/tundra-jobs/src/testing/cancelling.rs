//! Jobs that somebody wants no more.

use tundra_core::{ErrorKind, Scope};

use super::harness::{Test, at, progress};
use crate::{
    job::JobStatus,
    store::{JobStore, Outcome},
};

/// What waits is cancelled at once, and once.
pub async fn cancels_what_waits(store: &dyn JobStore) {
    let test = Test::new(store, "cancels_what_waits");
    let job = test.job("acme").await;
    let scope = Scope::Tenant(test.tenant("acme"));
    let cancelled = test.ok("cancel it", store.cancel(&scope, job.id, at(1)).await);
    test.is(&cancelled, JobStatus::Cancelled);
    test.same("whether it was asked for", &cancelled.cancel_requested, &true);
    test.same("when it ended", &cancelled.ended_at, &Some(at(1)));
    test.same("what is read", &test.again(job.id).await, &cancelled);
    test.same("what is taken", &test.claim_at(2).await, &None);
    let again = test.ok("cancel it again", store.cancel(&scope, job.id, at(3)).await);
    test.same("what is cancelled again", &again, &cancelled);
}

/// What runs is asked to end, which whoever runs it hears when it is kept.
pub async fn asks_a_run_to_end(store: &dyn JobStore) {
    let test = Test::new(store, "asks_a_run_to_end");
    test.job("acme").await;
    let claim = test.claim(0).await;
    let asked = test.ok("cancel it", store.cancel(&Scope::All, claim.job.id, at(1)).await);
    test.is(&asked, JobStatus::Running);
    test.same("whether it was asked for", &asked.cancel_requested, &true);
    let again = test.ok("cancel it", store.cancel(&Scope::All, claim.job.id, at(2)).await);
    test.same("what is cancelled again", &again, &asked);
    let kept = test.ok("keep it", store.renew(&claim.hold, &progress(1), at(12)).await);
    test.same("whether its run hears of it", &kept.cancel_requested, &true);
    let ended = test.end(&claim, Outcome::Cancelled, 3).await;
    test.is(&ended, JobStatus::Cancelled);
}

/// A run that had done its work when it was asked to end is done.
pub async fn lets_a_run_end_first(store: &dyn JobStore) {
    let test = Test::new(store, "lets_a_run_end_first");
    test.job("acme").await;
    let claim = test.claim(0).await;
    test.ok("cancel it", store.cancel(&Scope::All, claim.job.id, at(1)).await);
    let done = test.done(&claim, 2).await;
    test.is(&done, JobStatus::Done);
    let late = test.ok("cancel it", store.cancel(&Scope::All, done.id, at(3)).await);
    test.same("what is cancelled after its end", &late, &done);
}

/// Nobody cancels somebody else's job, or learns that it is there.
pub async fn hides_what_is_others_from_cancelling(store: &dyn JobStore) {
    let test = Test::new(store, "hides_what_is_others_from_cancelling");
    let job = test.job("acme").await;
    let stranger = Scope::Tenant(test.tenant("stranger"));
    let refused = store.cancel(&stranger, job.id, at(1)).await;
    test.refused("cancelling somebody else's job", refused, ErrorKind::NotFound);
    test.same("what is read", &test.again(job.id).await, &job);
    let refused = store.cancel(&Scope::All, crate::JobId::generate(), at(1)).await;
    test.refused("cancelling what is not there", refused, ErrorKind::NotFound);
}
