//! Those who watch jobs.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use tundra_core::{Classify, ErrorKind};
use tundra_jobs::{JobStatus, JobStore, JobsSettings, MemoryJobs};

use super::{ALL, becomes, end, run_now};
use crate::support::{Scripted, job, settings, start, submit};

#[tokio::test(start_paused = true)]
async fn everybody_gets_the_present_state_first_and_the_last_one_last() {
    let executor = Scripted::new();
    let jobs = start(&Arc::new(MemoryJobs::new()), &executor, settings()).await;
    let id = submit(&jobs, &job("gate")).await.id;
    run_now(&executor, 1).await;
    let mut watching = Vec::new();
    for _ in 0..20 {
        let mut events = jobs.watch(&ALL, id).await.unwrap();
        let first = events.next().await.unwrap().unwrap();
        assert_eq!(first.status, JobStatus::Running);
        watching.push(events);
    }
    executor.gate.add_permits(1);
    for mut events in watching {
        let last = events.next().await.unwrap().unwrap();
        assert_eq!(last.status, JobStatus::Done);
        assert!(events.next().await.is_none() && events.next().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_slow_skips_states_but_never_the_last() {
    let jobs = start(&Arc::new(MemoryJobs::new()), &Scripted::new(), settings()).await;
    let id = submit(&jobs, &job("report")).await.id;
    let mut events = std::pin::pin!(jobs.watch(&ALL, id).await.unwrap().into_stream());
    let mut revisions = Vec::new();
    let mut last = None;
    while let Some(event) = events.next().await {
        let job = event.unwrap();
        revisions.push(job.revision);
        last = Some(job.status);
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    assert_eq!(last, Some(JobStatus::Done));
    assert!(revisions.len() < 7, "{revisions:?}");
    assert!(revisions.is_sorted_by(|a, b| a < b), "{revisions:?}");
}

#[tokio::test(start_paused = true)]
async fn what_has_ended_has_one_state() {
    let jobs = start(&Arc::new(MemoryJobs::new()), &Scripted::new(), settings()).await;
    let id = submit(&jobs, &job("echo")).await.id;
    let done = end(&jobs, id).await;
    let mut events = jobs.watch(&ALL, id).await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap(), done);
    assert!(events.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_other_processes_do_is_seen_too() {
    let store = Arc::new(MemoryJobs::new());
    let front = start(&store, &Scripted::new(), JobsSettings { workers: 0, ..settings() }).await;
    let executor = Scripted::new();
    let _back = start(&store, &executor, settings()).await;
    let id = submit(&front, &job("gate")).await.id;
    becomes(&front, id, JobStatus::Running).await;
    executor.gate.add_permits(1);
    assert_eq!(end(&front, id).await.status, JobStatus::Done);
}

#[tokio::test(start_paused = true)]
async fn who_watches_what_is_removed_is_told() {
    let store = Arc::new(MemoryJobs::new());
    let jobs = start(&store, &Scripted::new(), JobsSettings { workers: 0, ..settings() }).await;
    let id = submit(&jobs, &job("echo")).await.id;
    let mut events = jobs.watch(&ALL, id).await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap().status, JobStatus::Queued);
    // By another process.
    let clock = settings().clock;
    store.cancel(&ALL, id, clock.now()).await.unwrap();
    store.prune(clock.now() + Duration::from_secs(9), 9).await.unwrap();
    let error = events.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(events.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn who_watches_hears_no_more_when_the_queue_is_gone() {
    let jobs = start(&Arc::new(MemoryJobs::new()), &Scripted::new(), settings()).await;
    let id = submit(&jobs, &job("wait")).await.id;
    becomes(&jobs, id, JobStatus::Running).await;
    let mut events = jobs.watch(&ALL, id).await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap().status, JobStatus::Running);
    drop(jobs);
    assert!(events.next().await.is_none());
    assert!(events.last().await.is_none());
}
