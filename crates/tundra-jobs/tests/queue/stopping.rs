//! The end of a queue.

use std::{sync::Arc, sync::atomic::Ordering, time::Duration};

use serde_json::json;
use tokio::time::Instant;
use tundra_core::{Classify, ErrorKind};
use tundra_jobs::{JobStatus, JobsError, JobsSettings, MemoryJobs, ShutdownReport};

use super::{ALL, end, run_now};
use crate::support::{Scripted, job, retried, settings, start, submit};

const DEADLINE: Duration = Duration::from_secs(10);

#[tokio::test(start_paused = true)]
async fn an_idle_queue_ends_at_once() {
    let jobs = start(&Arc::new(MemoryJobs::new()), &Scripted::new(), settings()).await;
    let began = Instant::now();
    let nothing = ShutdownReport { ended: 0, handed_back: 0, left: 0 };
    assert_eq!(jobs.shutdown(DEADLINE).await, nothing);
    assert_eq!(jobs.shutdown(DEADLINE).await, nothing);
    assert!(began.elapsed() < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn runs_that_end_in_time_end_and_nothing_new_is_begun() {
    let store = Arc::new(MemoryJobs::new());
    let executor = Scripted::new();
    let jobs = start(&store, &executor, JobsSettings { workers: 1, ..settings() }).await;
    let runs = submit(&jobs, &job("gate")).await.id;
    let waits = submit(&jobs, &job("echo")).await.id;
    run_now(&executor, 1).await;
    let release = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let error = jobs.submit(&job("echo")).await.unwrap_err();
        assert!(matches!(error, JobsError::ShuttingDown), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        executor.gate.add_permits(1);
    };
    let began = Instant::now();
    let (report, ()) = tokio::join!(jobs.shutdown(DEADLINE), release);
    assert_eq!(report, ShutdownReport { ended: 1, handed_back: 0, left: 0 });
    assert_eq!(began.elapsed().as_secs(), 2);
    assert_eq!(jobs.get(&ALL, runs).await.unwrap().status, JobStatus::Done);
    assert_eq!(jobs.get(&ALL, waits).await.unwrap().status, JobStatus::Queued);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_in_time_is_handed_back_or_failed() {
    let store = Arc::new(MemoryJobs::new());
    let executor = Scripted::new();
    let settings = JobsSettings { workers: 4, ..settings() };
    let jobs = start(&store, &executor, settings.clone()).await;
    let again = submit(&jobs, &retried("wait-once")).await.id;
    let fails = submit(&jobs, &job("wait")).await.id;
    let deaf = submit(&jobs, &retried("stubborn")).await.id;
    run_now(&executor, 3).await;
    let mut watching = jobs.watch(&ALL, again).await.unwrap();
    let began = Instant::now();
    let report = jobs.shutdown(DEADLINE).await;
    assert_eq!(report, ShutdownReport { ended: 1, handed_back: 2, left: 0 });
    assert!(began.elapsed() <= DEADLINE, "{:?}", began.elapsed());
    assert_eq!(executor.now.load(Ordering::SeqCst), 0);
    for (id, status) in
        [(again, JobStatus::Queued), (fails, JobStatus::Failed), (deaf, JobStatus::Queued)]
    {
        assert_eq!(jobs.get(&ALL, id).await.unwrap().status, status);
    }
    let mut seen = Vec::new();
    while let Some(event) = watching.next().await {
        seen.push(event.unwrap().status);
    }
    assert!(seen.iter().all(|status| !status.is_final()), "{seen:?}");

    // The next process goes on at once.
    let next = start(&store, &Scripted::new(), settings).await;
    let done = end(&next, again).await;
    assert_eq!((done.status, done.result.clone()), (JobStatus::Done, Some(json!(2))));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_of_nothing_still_hands_back() {
    let store = Arc::new(MemoryJobs::new());
    let executor = Scripted::new();
    let jobs = start(&store, &executor, settings()).await;
    let ids =
        [submit(&jobs, &retried("stubborn")).await.id, submit(&jobs, &retried("wait")).await.id];
    run_now(&executor, 2).await;
    let report = jobs.shutdown(Duration::ZERO).await;
    assert_eq!(report, ShutdownReport { ended: 0, handed_back: 2, left: 0 });
    for id in ids {
        assert_eq!(jobs.get(&ALL, id).await.unwrap().status, JobStatus::Queued);
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_dropped_stops_its_runs() {
    let executor = Scripted::new();
    let jobs = start(&Arc::new(MemoryJobs::new()), &executor, settings()).await;
    submit(&jobs, &job("stubborn")).await;
    submit(&jobs, &job("wait")).await;
    run_now(&executor, 2).await;
    drop(jobs);
    run_now(&executor, 0).await;
}
