//! Jobs whose lease is lost, and those that dead processes left.

use std::{sync::Arc, sync::atomic::Ordering, time::Duration};

use serde_json::json;
use tokio::time::Instant;
use tundra_core::ErrorKind;
use tundra_jobs::{JobStatus, JobStore, JobsSettings, MemoryJobs};

use super::{ALL, becomes, end, run_now};
use crate::support::{Scripted, job, retried, settings, start, submit};

#[tokio::test(start_paused = true)]
async fn a_long_run_keeps_its_job() {
    let store = Arc::new(MemoryJobs::new());
    let executor = Scripted::new();
    let jobs = start(&store, &executor, settings()).await;
    let _other = start(&store, &Scripted::new(), settings()).await;
    let id = submit(&jobs, &retried("gate")).await.id;
    run_now(&executor, 1).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    executor.gate.add_permits(1);
    let done = end(&jobs, id).await;
    assert_eq!((done.status, done.attempts), (JobStatus::Done, 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_process_left_is_run_again_when_its_lease_is_over() {
    let store = Arc::new(MemoryJobs::new());
    let settings = settings();
    let dead = start(&store, &Scripted::new(), settings.clone()).await;
    let (again, once) =
        (submit(&dead, &retried("wait-once")).await.id, submit(&dead, &job("wait")).await.id);
    becomes(&dead, once, JobStatus::Running).await;
    becomes(&dead, again, JobStatus::Running).await;
    let began = Instant::now();
    drop(dead);
    let jobs = start(&store, &Scripted::new(), settings).await;
    assert_eq!(jobs.get(&ALL, again).await.unwrap().status, JobStatus::Running);
    let done = end(&jobs, again).await;
    assert_eq!((done.status, done.result.clone()), (JobStatus::Done, Some(json!(2))));
    let failed = end(&jobs, once).await;
    assert_eq!(failed.status, JobStatus::Failed);
    assert_eq!(failed.failure.as_ref().unwrap().kind, ErrorKind::Unavailable);
    assert!((29..50).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_lost_its_job_stops_before_the_job_is_begun_again() {
    let store = Arc::new(MemoryJobs::new());
    let executor = Scripted::new();
    let settings = settings();
    let clock = settings.clock.clone();
    let jobs = start(&store, &executor, settings).await;
    let id = submit(&jobs, &retried("stubborn")).await.id;
    run_now(&executor, 1).await;
    // As another process would whose clock goes wrong.
    let taken = store.recover(clock.now() + Duration::from_secs(3600), 9).await.unwrap();
    assert_eq!(taken[0].status, JobStatus::Queued);
    // The second run waits for the first, which hears of it with the next renewal and does not listen.
    tokio::time::sleep(Duration::from_secs(60)).await;
    let now = jobs.get(&ALL, id).await.unwrap();
    assert_eq!((now.status, now.attempts), (JobStatus::Running, 2));
    run_now(&executor, 1).await;
    assert_eq!(executor.most_of_one.load(Ordering::SeqCst), 1);
    jobs.cancel(&ALL, id).await.unwrap();
    assert_eq!(end(&jobs, id).await.status, JobStatus::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn however_many_processes_share_a_store_each_job_runs_once() {
    let store = Arc::new(MemoryJobs::new());
    let executor = Scripted::new();
    let mut queues = Vec::new();
    for _ in 0..4 {
        queues.push(start(&store, &executor, JobsSettings { workers: 2, ..settings() }).await);
    }
    let mut ids = Vec::new();
    for number in 0..50 {
        ids.push(submit(&queues[number % 4], &retried("report")).await.id);
    }
    for id in ids {
        let done = end(&queues[0], id).await;
        assert_eq!((done.status, done.attempts), (JobStatus::Done, 1));
    }
    assert_eq!(executor.most_of_one.load(Ordering::SeqCst), 1);
    assert_eq!(executor.most.load(Ordering::SeqCst), 8);
}
