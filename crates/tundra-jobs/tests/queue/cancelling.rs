//! Jobs that somebody wants no more.

use std::{sync::Arc, sync::atomic::Ordering, time::Duration};

use tokio::time::Instant;
use tundra_core::{Classify, ErrorKind, Scope};
use tundra_jobs::{JobStatus, JobsSettings, MemoryJobs};

use super::{ALL, becomes, end, run_now};
use crate::support::{Scripted, job, retried, settings, start, submit};

#[tokio::test(start_paused = true)]
async fn a_job_that_waits_is_cancelled_and_never_run() {
    let executor = Scripted::new();
    let settings = JobsSettings { workers: 1, ..settings() };
    let jobs = start(&Arc::new(MemoryJobs::new()), &executor, settings).await;
    submit(&jobs, &job("gate")).await;
    run_now(&executor, 1).await;
    let waits = submit(&jobs, &job("echo")).await;
    let mut events = jobs.watch(&ALL, waits.id).await.unwrap();
    assert_eq!(jobs.cancel(&ALL, waits.id).await.unwrap().status, JobStatus::Cancelled);
    let mut last = None;
    while let Some(event) = events.next().await {
        last = Some(event.unwrap());
    }
    let last = last.unwrap();
    assert_eq!((last.status, last.attempts), (JobStatus::Cancelled, 0));
}

#[tokio::test(start_paused = true)]
async fn a_run_is_told_at_once_and_ends_as_cancelled() {
    let jobs = start(&Arc::new(MemoryJobs::new()), &Scripted::new(), settings()).await;
    for new in [job("wait"), retried("wait")] {
        let id = submit(&jobs, &new).await.id;
        becomes(&jobs, id, JobStatus::Running).await;
        let began = Instant::now();
        let asked = jobs.cancel(&ALL, id).await.unwrap();
        assert_eq!((asked.status, asked.cancel_requested), (JobStatus::Running, true));
        let ended = end(&jobs, id).await;
        assert_eq!((ended.status, ended.failure.clone()), (JobStatus::Cancelled, None));
        assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_does_not_listen_is_stopped() {
    let executor = Scripted::new();
    let jobs = start(&Arc::new(MemoryJobs::new()), &executor, settings()).await;
    let id = submit(&jobs, &job("stubborn")).await.id;
    becomes(&jobs, id, JobStatus::Running).await;
    let began = Instant::now();
    jobs.cancel(&ALL, id).await.unwrap();
    assert_eq!(end(&jobs, id).await.status, JobStatus::Cancelled);
    assert_eq!(began.elapsed().as_secs(), 5);
    assert_eq!(executor.now.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_of_another_process_is_told_soon() {
    let store = Arc::new(MemoryJobs::new());
    let front = start(&store, &Scripted::new(), JobsSettings { workers: 0, ..settings() }).await;
    let _back = start(&store, &Scripted::new(), settings()).await;
    let id = submit(&front, &job("wait")).await.id;
    becomes(&front, id, JobStatus::Running).await;
    front.cancel(&ALL, id).await.unwrap();
    let began = Instant::now();
    assert_eq!(end(&front, id).await.status, JobStatus::Cancelled);
    // With the next renewal of its lease, at the latest.
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn nobody_cancels_or_sees_somebody_elses_job() {
    let jobs = start(&Arc::new(MemoryJobs::new()), &Scripted::new(), settings()).await;
    let id = submit(&jobs, &job("wait")).await.id;
    let stranger = Scope::Tenant("stranger".parse().unwrap());
    for error in [
        jobs.cancel(&stranger, id).await.unwrap_err(),
        jobs.get(&stranger, id).await.unwrap_err(),
        jobs.watch(&stranger, id).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.to_string(), format!("there is no job `{id}`"));
    }
    assert!(!jobs.get(&ALL, id).await.unwrap().cancel_requested);
}
