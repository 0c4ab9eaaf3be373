//! Jobs whose process is gone.

use futures::future::join;
use serde_json::Value;
use tundra_core::{ErrorKind, Scope};

use super::harness::{Test, at, progress};
use crate::{
    job::JobStatus,
    store::{JobStore, Outcome},
};

/// What nobody keeps is taken back when its lease is over, and not before.
pub async fn takes_back_what_nobody_keeps(store: &dyn JobStore) {
    let test = Test::new(store, "takes_back_what_nobody_keeps");
    let (failing, retried) = (test.job("acme").await, test.retried_job(2).await);
    let waiting = test.job("acme").await;
    let first = test.claim(0).await;
    let second = test.claim(5).await;
    test.same("the jobs that run", &(first.job.id, second.job.id), &(failing.id, retried.id));
    test.same("what is taken back", &store.recover(at(10), 9).await.ok(), &Some(Vec::new()));

    let recovered = test.ok("recover", store.recover(at(11), 9).await);
    test.same("the number of those taken back", &recovered.len(), &1);
    test.is(&recovered[0], JobStatus::Failed);
    test.same("the job that failed", &recovered[0].id, &failing.id);
    let kind = recovered[0].failure.as_ref().map(|failure| failure.kind);
    test.same("why it failed", &kind, &Some(ErrorKind::Unavailable));
    test.same("what is read", &test.again(failing.id).await, &recovered[0]);

    test.ok("keep the other", store.renew(&second.hold, &progress(1), at(30)).await);
    test.same("what is taken back", &store.recover(at(30), 9).await.ok(), &Some(Vec::new()));
    let recovered = test.ok("recover", store.recover(at(31), 9).await);
    test.same("the number of those taken back", &recovered.len(), &1);
    test.is(&recovered[0], JobStatus::Queued);
    for hold in [&first.hold, &second.hold] {
        let refused = store.renew(hold, &progress(1), at(60)).await;
        test.refused("keeping what was taken back", refused, ErrorKind::Conflict);
        let refused = store.end(hold, &progress(1), &Outcome::Done(Value::Null), at(40)).await;
        test.refused("ending what was taken back", refused, ErrorKind::Conflict);
    }
    test.same("the next job", &test.claim(41).await.job.id, &retried.id);
    test.same("the one after it", &test.claim(41).await.job.id, &waiting.id);
}

/// A job that takes its process with it does not do so for ever.
pub async fn gives_up_what_was_begun_too_often(store: &dyn JobStore) {
    let test = Test::new(store, "gives_up_what_was_begun_too_often");
    let job = test.retried_job(3).await;
    for attempt in 1..=3 {
        let claim = test.claim(u64::from(attempt) * 100).await;
        test.same("the number of attempts", &claim.job.attempts, &attempt);
        let now = at(u64::from(attempt) * 100 + 50);
        let recovered = test.ok("recover", store.recover(now, 9).await);
        test.same("the number of those taken back", &recovered.len(), &1);
        let status = if attempt < 3 { JobStatus::Queued } else { JobStatus::Failed };
        test.is(&recovered[0], status);
    }
    test.same("what is taken", &test.claim_at(400).await, &None);
    test.is(&test.again(job.id).await, JobStatus::Failed);
}

/// A job that was to end is not begun again.
pub async fn ends_what_was_asked_to_end(store: &dyn JobStore) {
    let test = Test::new(store, "ends_what_was_asked_to_end");
    test.retried_job(9).await;
    test.retried_job(9).await;
    let (first, second) = (test.claim(0).await, test.claim(0).await);
    for claim in [&first, &second] {
        test.ok("cancel it", store.cancel(&Scope::All, claim.job.id, at(1)).await);
    }
    test.is(&test.end(&first, Outcome::Interrupted, 2).await, JobStatus::Cancelled);
    let recovered = test.ok("recover", store.recover(at(20), 9).await);
    test.same("the number of those taken back", &recovered.len(), &1);
    test.is(&recovered[0], JobStatus::Cancelled);
}

/// Of those that take a job back and end it at once, one does.
pub async fn takes_back_or_keeps(store: &dyn JobStore) {
    let test = Test::new(store, "takes_back_or_keeps");
    for round in 0..8 {
        let job = test.retried_job(9).await;
        let claim = test.claim(0).await;
        test.same("the job that runs", &claim.job.id, &job.id);
        let (progress, outcome) = (progress(1), Outcome::Done(Value::Null));
        let end = store.end(&claim.hold, &progress, &outcome, at(20));
        let recover = store.recover(at(20), 9);
        let (ended, recovered) = if round % 2 == 0 {
            join(end, recover).await
        } else {
            let (recovered, ended) = join(recover, end).await;
            (ended, recovered)
        };
        let recovered = test.ok("recover", recovered);
        test.same("whether one of them did", &(ended.is_ok() != recovered.is_empty()), &false);
        let now = test.again(job.id).await;
        if ended.is_ok() {
            test.is(&now, JobStatus::Done);
        } else {
            test.is(&now, JobStatus::Queued);
            test.done(&test.claim(21).await, 22).await;
        }
    }
}
