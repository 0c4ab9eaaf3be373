//! Webhooks: what is to be told, and how far that is.

use std::time::SystemTime;

use tundra_core::Scope;

use super::harness::{Test, at};
use crate::{
    job::{Delivery, Job, NewJob, Webhook},
    store::{Attempt, DeliveryOutcome, JobStore, Outcome},
};

async fn job_with_webhook(test: &Test<'_>) -> Job {
    let webhook = "https://hooks.example/T0?token=x".parse().ok();
    test.add(&NewJob { webhook, ..test.new_job("acme") }).await
}

/// Adds a job with a webhook and ends it at this second.
async fn ended(test: &Test<'_>, second: u64) -> Job {
    job_with_webhook(test).await;
    let claim = test.claim(second).await;
    test.done(&claim, second).await
}

fn webhook(test: &Test<'_>, job: &Job) -> Webhook {
    test.some("a webhook", job.webhook.clone())
}

async fn next(test: &Test<'_>, until: u64, now: SystemTime) -> Option<Attempt> {
    test.ok("take a webhook", test.store.claim_delivery(at(until), now).await)
}

/// A webhook is due when its job has ended, however it did, and not before.
pub async fn keeps_what_is_to_be_told(store: &dyn JobStore) {
    let test = Test::new(store, "keeps_what_is_to_be_told");
    let cancelled = job_with_webhook(&test).await;
    test.ok("cancel it", store.cancel(&Scope::All, cancelled.id, at(1)).await);
    let _run = job_with_webhook(&test).await;
    let claim = test.claim(2).await;
    let waiting = job_with_webhook(&test).await;
    test.job("acme").await;
    for job in [&claim.job, &waiting] {
        test.same("a webhook before the end", &webhook(&test, job).delivery, &Delivery::Waiting);
    }
    let first = next(&test, 60, at(3)).await;
    let first = test.some("a webhook of the cancelled job", first);
    test.same("the job", &first.job.id, &cancelled.id);
    test.same("what is due besides", &next(&test, 60, at(3)).await, &None);
    let failed = test.end(&claim, Outcome::Interrupted, 4).await;
    test.same("when it is due", &webhook(&test, &failed).delivery, &Delivery::Due(at(4)));
    let second = next(&test, 60, at(4)).await;
    test.same("the next job", &second.map(|it| it.job.id), &Some(failed.id));
}

/// A webhook that was delivered is not called again.
pub async fn tells_an_end_once(store: &dyn JobStore) {
    let test = Test::new(store, "tells_an_end_once");
    let job = ended(&test, 1).await;
    let attempt = next(&test, 60, at(2)).await;
    let attempt = test.some("a webhook", attempt);
    test.same("the try", &attempt.number, &1);
    test.same("how often it was tried", &webhook(&test, &attempt.job).tries, &1);
    test.same("what is read", &test.again(job.id).await, &attempt.job);
    let settled = store.settle_delivery(&attempt, &DeliveryOutcome::Delivered, at(3)).await;
    test.ok("record it", settled);
    let told = test.again(job.id).await;
    test.same("its state", &webhook(&test, &told).delivery, &Delivery::Delivered(at(3)));
    test.same(
        "whether the job is the same",
        &(told.status, told.ended_at),
        &(job.status, job.ended_at),
    );
    test.same("what is due", &next(&test, 60, at(1000)).await, &None);

    let again = DeliveryOutcome::Again { at: at(4), reason: "no".to_owned() };
    test.ok("record it again", store.settle_delivery(&attempt, &again, at(4)).await);
    test.same("what is read after that", &test.again(job.id).await, &told);
    let pruned = test.ok("remove it", store.prune(at(100), 9).await);
    test.same("how many are removed", &pruned, &1);
    test.ok("record it of no job", store.settle_delivery(&attempt, &again, at(5)).await);
}

/// A webhook that was not heard is called again when that was said, until it is given up.
pub async fn tries_again_when_told_to(store: &dyn JobStore) {
    let test = Test::new(store, "tries_again_when_told_to");
    let job = ended(&test, 1).await;
    let first = next(&test, 60, at(2)).await;
    let first = test.some("a webhook", first);
    let again = DeliveryOutcome::Again { at: at(50), reason: "503".to_owned() };
    test.ok("record it", store.settle_delivery(&first, &again, at(3)).await);
    let waiting = webhook(&test, &test.again(job.id).await);
    test.same("its state", &waiting.delivery, &Delivery::Due(at(50)));
    test.same("the error", &waiting.last_error, &Some("503".to_owned()));
    test.same("what is due before that", &next(&test, 60, at(49)).await, &None);
    test.same("what is removed", &store.prune(at(1000), 9).await.ok(), &Some(0));

    let second = next(&test, 90, at(50)).await;
    let second = test.some("a webhook", second);
    test.same("the try", &second.number, &2);
    let given_up = DeliveryOutcome::GivenUp { reason: "410".to_owned() };
    test.ok("record it", store.settle_delivery(&second, &given_up, at(51)).await);
    let over = webhook(&test, &test.again(job.id).await);
    test.same("its state", &over.delivery, &Delivery::GivenUp(at(51)));
    test.same("the error", &over.last_error, &Some("410".to_owned()));
    test.same("what is due", &next(&test, 2000, at(1000)).await, &None);
    test.same("what is removed", &store.prune(at(1000), 9).await.ok(), &Some(1));
}

/// A try that nobody recorded is made again, and what its maker says late counts for nothing.
pub async fn forgets_no_webhook_of_a_dead_process(store: &dyn JobStore) {
    let test = Test::new(store, "forgets_no_webhook_of_a_dead_process");
    let job = ended(&test, 1).await;
    let first = next(&test, 30, at(2)).await;
    let first = test.some("a webhook", first);
    test.same("what is due meanwhile", &next(&test, 30, at(29)).await, &None);
    let second = next(&test, 60, at(30)).await;
    let second = test.some("a webhook", second);
    test.same("the job and the try", &(second.job.id, second.number), &(job.id, 2));
    let given_up = DeliveryOutcome::GivenUp { reason: "late".to_owned() };
    test.ok("record the first", store.settle_delivery(&first, &given_up, at(31)).await);
    test.same("what is read", &test.again(job.id).await, &second.job);
    let settled = store.settle_delivery(&second, &DeliveryOutcome::Delivered, at(32)).await;
    test.ok("record the second", settled);
    let told = webhook(&test, &test.again(job.id).await);
    test.same("its state", &told.delivery, &Delivery::Delivered(at(32)));
}

/// What is due for the longest time is told first, and each to one who asks.
pub async fn tells_in_order(store: &dyn JobStore) {
    let test = Test::new(store, "tells_in_order");
    let mut expected = Vec::new();
    for second in [3, 1, 2] {
        expected.push((second, ended(&test, second).await.id));
    }
    expected.sort_unstable();
    let mut told = Vec::new();
    while let Some(attempt) = next(&test, 60, at(9)).await {
        told.push(attempt.job.id);
    }
    let expected: Vec<_> = expected.into_iter().map(|(_, id)| id).collect();
    test.same("the order", &told, &expected);
}
