//! Files of jobs of every version that there was, brought up to date.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tundra_core::{ErrorKind, Scope, Stage};
use tundra_jobs::{Delivery, JobFilter, JobStatus, JobStore, OnInterruption};

use super::{at, by_hand, open, place};

#[tokio::test]
async fn jobs_of_version_1_keep_all_that_is_in_them() {
    let (_directory, path) = place();
    by_hand(&path).execute_batch(include_str!("../samples/sqlite-001.sql")).unwrap();
    let store = open(&path).await;
    let filter = JobFilter { status: None, before: None, limit: 9 };
    let jobs = store.list(&Scope::All, &filter).await.unwrap();
    let [done, failed, running, queued] = &jobs[..] else { panic!("{jobs:?}") };

    assert_eq!(queued.status, JobStatus::Queued);
    assert_eq!(queued.tenant.as_str(), "acme");
    assert_eq!(queued.request, json!({ "source_id": "s", "n": 0.1 }));
    assert_eq!(queued.idempotency_key.as_ref().unwrap().as_str(), "nightly-1");
    let retry = OnInterruption::Retry { at_most: 3.try_into().unwrap() };
    assert_eq!((queued.on_interruption, queued.attempts, queued.revision), (retry, 1, 4));
    let created = SystemTime::UNIX_EPOCH + Duration::from_micros(1_760_000_000_000_001);
    assert_eq!((queued.created_at, queued.started_at), (created, None));
    let webhook = queued.webhook.as_ref().unwrap();
    assert_eq!(webhook.url.expose().query(), Some("token=x"));
    assert_eq!((webhook.tries, webhook.delivery), (0, Delivery::Waiting));

    assert_eq!(running.status, JobStatus::Running);
    assert!(running.cancel_requested);
    assert_eq!(running.progress.stage, Some(Stage::Converting));
    assert_eq!((running.progress.rows, running.progress.bytes), (1000, 4096));
    assert_eq!(running.progress.total_bytes, Some(1 << 53));
    let lease = running.lease.as_ref().unwrap();
    assert_eq!((lease.owner.as_str(), lease.until), ("process 7", at(40)));
    assert_eq!(running.on_interruption, OnInterruption::Fail);

    let failure = failed.failure.as_ref().unwrap();
    assert_eq!((failure.kind, failure.message.as_str()), (ErrorKind::InvalidData, "no number"));
    let place = failure.place.as_ref().unwrap();
    assert_eq!((place.line, place.column.as_deref()), (9, Some("price")));
    assert_eq!(failed.webhook.as_ref().unwrap().delivery, Delivery::Due(at(100)));
    assert_eq!((failed.request.clone(), failed.ended_at), (Value::Null, Some(at(20))));
    assert_eq!(done.result, Some(json!({ "columns": [] })));

    // They go on from there.
    assert_eq!(store.recover(at(41), 9).await.unwrap()[0].status, JobStatus::Cancelled);
    assert_eq!(store.claim("a", at(60), at(50)).await.unwrap().unwrap().job.attempts, 2);
    let attempt = store.claim_delivery(at(200), at(100)).await.unwrap().unwrap();
    assert_eq!((attempt.job.id, attempt.number), (failed.id, 3));

    // Brought up to date, the file is as one that was made now.
    let (_other_directory, fresh) = super::place();
    drop(open(&fresh).await);
    let tables = |path| -> Vec<(String, String)> {
        let by_hand = by_hand(path);
        let mut statement = by_hand
            .prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
            .unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(tables(&path), tables(&fresh));
}
