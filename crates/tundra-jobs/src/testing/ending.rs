//! Runs that go on, and how they end.

use serde_json::json;
use tundra_core::{ErrorKind, Stage};

use super::harness::{Test, at, progress};
use crate::{
    job::{JobFailure, JobProgress, JobStatus, MAX_VALUE_SIZE, Place},
    store::{JobStore, Outcome},
};

/// Who has a job keeps it and tells how far it is.
pub async fn keeps_a_job_and_its_progress(store: &dyn JobStore) {
    let test = Test::new(store, "keeps_a_job_and_its_progress");
    test.job("acme").await;
    let claim = test.claim(0).await;
    let mut revision = claim.job.revision;
    for (stage, total_bytes, second) in
        [(None, None, 11), (Some(Stage::Converting), Some(1 << 40), 12)]
    {
        let heard = JobProgress { stage, total_bytes, ..progress(second) };
        let job = test.ok("keep it", store.renew(&claim.hold, &heard, at(second)).await);
        test.same("the progress", &job.progress, &heard);
        let until = job.lease.as_ref().map(|lease| lease.until);
        test.same("the end of the lease", &until, &Some(at(second)));
        test.same("what is read", &test.again(job.id).await, &job);
        test.same("whether the revision grew", &(job.revision > revision), &true);
        revision = job.revision;
    }
    let late = test.ok("keep it", store.renew(&claim.hold, &progress(1), at(5)).await);
    let until = late.lease.map(|lease| lease.until);
    test.same("the end of the lease after a late call", &until, &Some(at(12)));
}

/// A run ends once; what comes after that is refused and changes nothing.
pub async fn ends_once(store: &dyn JobStore) {
    let test = Test::new(store, "ends_once");
    let failure = || JobFailure::new(ErrorKind::InvalidData, "no number");
    for (outcome, status) in [
        (Outcome::Done(json!({ "rows": 7, "ä": [1.5, null] })), JobStatus::Done),
        (Outcome::Failed(failure()), JobStatus::Failed),
        (Outcome::Cancelled, JobStatus::Cancelled),
        (Outcome::Interrupted, JobStatus::Failed),
    ] {
        test.job("acme").await;
        let claim = test.claim(0).await;
        let ended = test.end(&claim, outcome.clone(), 3).await;
        test.is(&ended, status);
        test.same("when it ended", &ended.ended_at, &Some(at(3)));
        test.same("when it began", &ended.started_at, &Some(at(0)));
        test.same("the progress", &ended.progress, &progress(1));
        let result = match &outcome {
            Outcome::Done(result) => Some(result.clone()),
            _ => None,
        };
        test.same("the result", &ended.result, &result);
        test.same("whether it failed", &ended.failure.is_some(), &(status == JobStatus::Failed));
        test.same("what is read", &test.again(ended.id).await, &ended);

        for second in [Outcome::Done(json!(1)), Outcome::Interrupted] {
            let refused = store.end(&claim.hold, &progress(2), &second, at(4)).await;
            test.refused("ending it again", refused, ErrorKind::Conflict);
        }
        let refused = store.renew(&claim.hold, &progress(2), at(20)).await;
        test.refused("keeping it after its end", refused, ErrorKind::Conflict);
        test.same("what is read after that", &test.again(ended.id).await, &ended);
    }
}

/// A failure reads as it was told.
pub async fn keeps_what_went_wrong(store: &dyn JobStore) {
    let test = Test::new(store, "keeps_what_went_wrong");
    for kind in ErrorKind::ALL {
        test.job("acme").await;
        let claim = test.claim(0).await;
        let mut failure = JobFailure::new(kind, "line 9: no number: `1\u{1f600}5`");
        if kind == ErrorKind::InvalidData {
            failure = failure.hint("mend it").hint("force the type");
            failure.place = Some(Place {
                code: "bad_value".to_owned(),
                line: 9,
                byte: 1 << 40,
                record: 0,
                column: Some("price \"net\"".to_owned()),
            });
        }
        let ended = test.end(&claim, Outcome::Failed(failure.clone()), 1).await;
        test.same("the failure", &ended.failure, &Some(failure));
        test.same("what is read", &test.again(ended.id).await, &ended);
    }
}

/// A result that cannot be kept is refused, and the run goes on.
pub async fn refuses_results_that_do_not_fit(store: &dyn JobStore) {
    let test = Test::new(store, "refuses_results_that_do_not_fit");
    test.job("acme").await;
    let claim = test.claim(0).await;
    let deep = (0..200).fold(json!(0), |value, _| json!([value]));
    for result in [deep, json!("x".repeat(MAX_VALUE_SIZE))] {
        let ended = store.end(&claim.hold, &progress(1), &Outcome::Done(result), at(1)).await;
        test.refused("such a result", ended, ErrorKind::InvalidRequest);
    }
    test.same("what is read", &test.again(claim.job.id).await, &claim.job);
    let ended = test.done(&claim, 2).await;
    test.is(&ended, JobStatus::Done);
}

/// A run that is interrupted waits again in its old place, until it was begun as often as it may be.
pub async fn hands_back_what_may_be_retried(store: &dyn JobStore) {
    let test = Test::new(store, "hands_back_what_may_be_retried");
    let retried = test.retried_job(2).await;
    let later = test.job("acme").await;
    let first = test.claim(0).await;
    let back = test.end(&first, Outcome::Interrupted, 1).await;
    test.same("the job", &back.id, &retried.id);
    test.is(&back, JobStatus::Queued);
    test.same("the progress", &back.progress, &JobProgress::default());
    test.same("when it began", &back.started_at, &None);
    test.same("what is read", &test.again(back.id).await, &back);

    let second = test.claim(2).await;
    test.same("the next job", &second.job.id, &retried.id);
    test.same("the number of attempts", &second.job.attempts, &2);
    let refused = store.end(&first.hold, &progress(1), &Outcome::Cancelled, at(3)).await;
    test.refused("ending it with the first hold", refused, ErrorKind::Conflict);
    let failed = test.end(&second, Outcome::Interrupted, 4).await;
    test.is(&failed, JobStatus::Failed);
    let kind = failed.failure.map(|failure| failure.kind);
    test.same("why it failed", &kind, &Some(ErrorKind::Unavailable));
    test.same("the next job", &test.claim(5).await.job.id, &later.id);
}
