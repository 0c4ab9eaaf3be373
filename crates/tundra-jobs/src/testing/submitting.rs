//! What is taken as a job, and once.

use futures::future::join_all;
use serde_json::json;
use tundra_core::{ErrorKind, IdempotencyKey, Scope};

use super::harness::{ROOM, Test, at};
use crate::{
    JobsError,
    job::{Delivery, Job, JobProgress, JobStatus, MAX_VALUE_SIZE, NewJob, OnInterruption, Webhook},
    store::{JobStore, Room, Submitted},
};

fn key(test: &Test<'_>, text: &str) -> Option<IdempotencyKey> {
    match text.parse() {
        Ok(key) => Some(key),
        Err(error) => test.fail(&format!("the suite is wrong: {error}")),
    }
}

/// A job reads as it was asked for.
pub async fn keeps_what_was_asked(store: &dyn JobStore) {
    let test = Test::new(store, "keeps_what_was_asked");
    let url = "https://hooks.example/T0?token=x".parse().ok();
    let request = json!({
        "text": "ä\u{1f600}\n\0\"'; DROP TABLE jobs; --",
        "numbers": [0, -1, u64::MAX, i64::MIN, 0.1, 1e300, 5e-324],
        "nested": { "": [null, true, {}, []] },
    });
    let at_most = test.some("a number above zero", std::num::NonZeroU32::new(3));
    let new = NewJob {
        idempotency_key: key(&test, "nightly 7"),
        on_interruption: OnInterruption::Retry { at_most },
        webhook: url,
        request,
        ..test.new_job("acme")
    };
    let expected = Job {
        id: new.id,
        tenant: new.tenant.clone(),
        kind: new.kind.clone(),
        request: new.request.clone(),
        idempotency_key: new.idempotency_key.clone(),
        on_interruption: new.on_interruption,
        status: JobStatus::Queued,
        cancel_requested: false,
        attempts: 0,
        progress: JobProgress::default(),
        result: None,
        failure: None,
        lease: None,
        webhook: new.webhook.clone().map(|url| Webhook {
            url,
            tries: 0,
            delivery: Delivery::Waiting,
            last_error: None,
        }),
        created_at: at(0),
        started_at: None,
        ended_at: None,
        revision: 1,
    };
    test.same("the new job", &test.add(&new).await, &expected);
    test.same("what is read", &test.again(new.id).await, &expected);
    let plain = test.new_job("other");
    let job = test.add(&plain).await;
    test.same("what is read of a plain one", &test.again(plain.id).await, &job);
    test.same("its webhook", &job.webhook, &None);
    test.same("its policy", &job.on_interruption, &OnInterruption::Fail);
}

/// A key that was used before gives the job of then, if it asks for the same; each tenant has its own.
pub async fn gives_one_job_to_one_key(store: &dyn JobStore) {
    let test = Test::new(store, "gives_one_job_to_one_key");
    let new = NewJob { idempotency_key: key(&test, "k"), ..test.new_job("acme") };
    let first = test.add(&new).await;
    let again = || NewJob { id: crate::JobId::generate(), ..new.clone() };
    let submitted = test.ok("add it again", store.submit(&again(), ROOM, at(1)).await);
    test.same("what is given", &submitted, &Submitted::Earlier(first.clone()));

    let url = "https://hooks.example/".parse().ok();
    for other in [
        NewJob { request: json!({ "path": "prices.csv" }), ..again() },
        NewJob { kind: "infer_schema".to_owned(), ..again() },
        NewJob { webhook: url, ..again() },
    ] {
        match store.submit(&other, ROOM, at(1)).await {
            Err(JobsError::OtherRequest { key: Some(_), id }) if id == first.id => {}
            other => test.fail(&format!("another request with the key gave {other:?}")),
        }
    }
    test.add(&NewJob { tenant: test.tenant("other"), ..again() }).await;
    test.add(&test.new_job("acme")).await;

    let claim = test.claim(2).await;
    test.same("the job that is taken", &claim.job.id, &first.id);
    let ended = test.done(&claim, 3).await;
    let submitted = test.ok("add it again", store.submit(&again(), ROOM, at(4)).await);
    test.same("what is given after its end", &submitted, &Submitted::Earlier(ended));
}

/// Of those that add a job with one key at once, one adds it.
pub async fn gives_one_job_to_twins(store: &dyn JobStore) {
    let test = Test::new(store, "gives_one_job_to_twins");
    let twins: Vec<NewJob> = (0..16)
        .map(|_| NewJob { idempotency_key: key(&test, "k"), ..test.new_job("acme") })
        .collect();
    let added = join_all(twins.iter().map(|twin| store.submit(twin, ROOM, at(0)))).await;
    let mut new = 0;
    let mut ids = Vec::new();
    for submitted in added {
        let submitted = test.ok("add a twin", submitted);
        new += usize::from(matches!(submitted, Submitted::New(_)));
        ids.push(submitted.into_job().id);
    }
    ids.dedup();
    test.same("the number of those that added it", &new, &1);
    test.same("the number of jobs", &ids.len(), &1);
}

/// A submission may be repeated when its answer was lost, also without a key.
pub async fn takes_a_job_twice(store: &dyn JobStore) {
    let test = Test::new(store, "takes_a_job_twice");
    let new = test.new_job("acme");
    let job = test.add(&new).await;
    let again = test.ok("add it again", store.submit(&new, ROOM, at(1)).await);
    test.same("what is given", &again, &Submitted::Earlier(job.clone()));
    for other in [
        NewJob { request: json!(1), ..new.clone() },
        NewJob { tenant: test.tenant("other"), ..new },
    ] {
        let refused = store.submit(&other, ROOM, at(1)).await;
        test.refused("another job with its id", refused, ErrorKind::Conflict);
    }
    test.same("what is read", &test.again(job.id).await, &job);
}

/// No more jobs wait than there is room for, of one tenant and of all, but what was added before is given.
pub async fn refuses_what_does_not_fit(store: &dyn JobStore) {
    let test = Test::new(store, "refuses_what_does_not_fit");
    let room = Room { total: 3, per_tenant: 2 };
    let keyed = NewJob { idempotency_key: key(&test, "k"), ..test.new_job("acme") };
    for new in [&keyed, &test.new_job("acme"), &test.new_job("other")] {
        if new.tenant.as_str() == "other" {
            let refused = store.submit(&test.new_job("acme"), room, at(0)).await;
            match refused {
                Err(JobsError::Full { limit: 2, of_tenant: true, .. }) => {}
                other => test.fail(&format!("a third job of a tenant gave {other:?}")),
            }
        }
        test.ok("add a job", store.submit(new, room, at(0)).await);
    }
    match store.submit(&test.new_job("third"), room, at(0)).await {
        Err(JobsError::Full { limit: 3, of_tenant: false, .. }) => {}
        other => test.fail(&format!("a fourth job gave {other:?}")),
    }
    let again = NewJob { id: crate::JobId::generate(), ..keyed };
    let again = test.ok("add one again", store.submit(&again, room, at(0)).await);
    test.same("whether it is the earlier", &matches!(again, Submitted::Earlier(_)), &true);
    let none = Room { total: 0, per_tenant: 0 };
    let refused = store.submit(&test.new_job("none"), none, at(0)).await;
    test.refused("a job where there is no room at all", refused, ErrorKind::LimitExceeded);
}

/// What runs and what has ended takes no room.
pub async fn finds_room_again(store: &dyn JobStore) {
    let test = Test::new(store, "finds_room_again");
    let room = Room { total: 1, per_tenant: 1 };
    for round in 0..3 {
        test.ok("add a job", store.submit(&test.new_job("acme"), room, at(round)).await);
        let refused = store.submit(&test.new_job("acme"), room, at(round)).await;
        test.refused("a second one", refused, ErrorKind::LimitExceeded);
        let claim = test.claim(round).await;
        if round > 0 {
            test.done(&claim, round).await;
        }
    }
}

/// What cannot be kept is refused, and nothing is added.
pub async fn refuses_what_is_no_job(store: &dyn JobStore) {
    let test = Test::new(store, "refuses_what_is_no_job");
    let deep = (0..200).fold(json!(0), |value, _| json!({ "a": value }));
    for new in [
        NewJob { kind: String::new(), ..test.new_job("acme") },
        NewJob { kind: "no kind".to_owned(), ..test.new_job("acme") },
        NewJob { request: deep, ..test.new_job("acme") },
        NewJob { request: json!("x".repeat(MAX_VALUE_SIZE)), ..test.new_job("acme") },
    ] {
        let refused = store.submit(&new, ROOM, at(0)).await;
        test.refused("what is no job", refused, ErrorKind::InvalidRequest);
        let read = store.get(&Scope::All, new.id).await;
        test.refused("reading it", read, ErrorKind::NotFound);
    }
}
