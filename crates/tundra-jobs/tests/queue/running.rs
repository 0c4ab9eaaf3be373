//! Jobs that run.

use std::{sync::Arc, sync::atomic::Ordering, time::Duration};

use serde_json::json;
use tokio::time::Instant;
use tundra_core::{Classify, ErrorKind, Retry, Stage};
use tundra_jobs::{JobStatus, JobsError, JobsSettings, MemoryJobs, NewJob, Room, Submitted};

use super::{ALL, end, run_now};
use crate::support::{Scripted, job, settings, start, submit};

#[tokio::test(start_paused = true)]
async fn a_job_that_is_submitted_runs_at_once_and_tells_its_result() {
    let jobs = start(&Arc::new(MemoryJobs::new()), &Scripted::new(), settings()).await;
    let began = Instant::now();
    let queued = submit(&jobs, &job("echo")).await;
    assert_eq!(queued.status, JobStatus::Queued);
    let done = end(&jobs, queued.id).await;
    assert_eq!(done.status, JobStatus::Done);
    assert_eq!(done.result, Some(json!({ "say": "echo" })));
    assert_eq!(done.attempts, 1);
    assert!(done.started_at >= Some(done.created_at) && done.ended_at >= done.started_at);
    assert!(began.elapsed() < Duration::from_millis(10), "nobody waits for a poll");
    assert_eq!(jobs.get(&ALL, done.id).await.unwrap(), *done);
}

#[tokio::test(start_paused = true)]
async fn as_many_run_at_once_as_there_are_workers() {
    let executor = Scripted::new();
    let settings = JobsSettings { workers: 3, ..settings() };
    let jobs = start(&Arc::new(MemoryJobs::new()), &executor, settings).await;
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(submit(&jobs, &job("gate")).await.id);
    }
    run_now(&executor, 3).await;
    assert_eq!((jobs.running(), jobs.depth().await.unwrap()), (3, 7));
    executor.gate.add_permits(10);
    for id in ids {
        assert_eq!(end(&jobs, id).await.status, JobStatus::Done);
    }
    assert_eq!(executor.most.load(Ordering::SeqCst), 3);
    assert_eq!(jobs.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn without_workers_jobs_are_kept_for_others() {
    let store = Arc::new(MemoryJobs::new());
    let idle = JobsSettings { workers: 0, ..settings() };
    let front = start(&store, &Scripted::new(), idle).await;
    let waiting = submit(&front, &job("echo")).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(front.get(&ALL, waiting.id).await.unwrap(), waiting);
    let _back = start(&store, &Scripted::new(), settings()).await;
    assert_eq!(end(&front, waiting.id).await.status, JobStatus::Done);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_panics_fails_its_job_and_nothing_else() {
    let jobs = start(&Arc::new(MemoryJobs::new()), &Scripted::new(), settings()).await;
    let panics = submit(&jobs, &job("panic")).await;
    let fails = submit(&jobs, &job("fail")).await;
    let failure = end(&jobs, panics.id).await.failure.clone().unwrap();
    assert_eq!(failure.kind, ErrorKind::Internal);
    assert!(!failure.message.contains("as the job says"), "{failure:?}");
    let failure = end(&jobs, fails.id).await.failure.clone().unwrap();
    assert_eq!(failure.kind, ErrorKind::InvalidData);
    assert_eq!(
        (failure.message.as_str(), failure.hints),
        ("no number", vec!["mend it".to_owned()])
    );
    let echoes = submit(&jobs, &job("echo")).await;
    assert_eq!(end(&jobs, echoes.id).await.status, JobStatus::Done);
}

#[tokio::test(start_paused = true)]
async fn a_result_that_cannot_be_kept_fails_its_job() {
    let jobs = start(&Arc::new(MemoryJobs::new()), &Scripted::new(), settings()).await;
    let large = submit(&jobs, &job("large")).await;
    let failure = end(&jobs, large.id).await.failure.clone().unwrap();
    assert_eq!(failure.kind, ErrorKind::Internal);
    assert!(failure.message.contains("bytes"), "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn progress_is_written_a_few_times_a_second_and_in_the_end() {
    let jobs = start(&Arc::new(MemoryJobs::new()), &Scripted::new(), settings()).await;
    let reports = submit(&jobs, &job("report")).await;
    let mut events = jobs.watch(&ALL, reports.id).await.unwrap();
    let mut rows = Vec::new();
    while let Some(event) = events.next().await {
        let job = event.unwrap();
        if job.status == JobStatus::Running && job.progress.stage.is_some() {
            assert_eq!(job.progress.stage, Some(Stage::Converting));
            rows.push(job.progress.rows);
        }
    }
    // Ten seconds at two a second.
    assert!((15..=25).contains(&rows.len()), "{rows:?}");
    assert!(rows.is_sorted());
    let done = jobs.get(&ALL, reports.id).await.unwrap();
    assert_eq!((done.progress.rows, done.progress.bytes), (10_000, 100_000));
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_says_when_to_come_back() {
    let executor = Scripted::new();
    let room = Room { total: 2, per_tenant: 2 };
    let settings = JobsSettings { workers: 1, room, ..settings() };
    let jobs = start(&Arc::new(MemoryJobs::new()), &executor, settings).await;
    let first = submit(&jobs, &job("gate")).await;
    run_now(&executor, 1).await;
    let second = submit(&jobs, &job("gate")).await;
    submit(&jobs, &job("gate")).await;
    let error = jobs.submit(&job("gate")).await.unwrap_err();
    let Retry::After(guess) = error.retry() else { panic!("{error:?}") };
    assert!(guess >= Duration::from_secs(1), "{error:?}");

    // The run took ten minutes, so that the next may, too.
    tokio::time::sleep(Duration::from_secs(600)).await;
    executor.gate.add_permits(1);
    end(&jobs, first.id).await;
    run_now(&executor, 1).await;
    submit(&jobs, &job("gate")).await;
    let error = jobs.submit(&job("gate")).await.unwrap_err();
    assert!(matches!(error.retry(), Retry::After(later) if later > guess), "{error:?} {guess:?}");
    assert!(matches!(error, JobsError::Full { limit: 2, .. }), "{error:?}");
    jobs.cancel(&ALL, second.id).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_key_gives_one_job() {
    let jobs = start(&Arc::new(MemoryJobs::new()), &Scripted::new(), settings()).await;
    let keyed = NewJob { idempotency_key: Some("k".parse().unwrap()), ..job("echo") };
    let first = submit(&jobs, &keyed).await;
    let done = end(&jobs, first.id).await;
    let again = NewJob { idempotency_key: keyed.idempotency_key.clone(), ..job("echo") };
    assert_eq!(jobs.submit(&again).await.unwrap(), Submitted::Earlier((*done).clone()));
    let other = NewJob { request: json!(1), ..again };
    let error = jobs.submit(&other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_takes_too_long_is_stopped() {
    let timeout = Some(Duration::from_secs(60));
    let settings = JobsSettings { timeout, ..settings() };
    let executor = Scripted::new();
    let jobs = start(&Arc::new(MemoryJobs::new()), &executor, settings).await;
    let began = Instant::now();
    for kind in ["wait", "stubborn"] {
        let late = submit(&jobs, &job(kind)).await;
        let failure = end(&jobs, late.id).await.failure.clone().unwrap();
        assert_eq!(failure.kind, ErrorKind::Timeout, "{kind}: {failure:?}");
    }
    let took = began.elapsed().as_secs();
    assert!((130..145).contains(&took), "{took}");
    assert_eq!(executor.now.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn old_jobs_are_removed() {
    let keep = Some(Duration::from_secs(3600));
    let settings = JobsSettings { keep, ..settings() };
    let jobs = start(&Arc::new(MemoryJobs::new()), &Scripted::new(), settings).await;
    let done = submit(&jobs, &job("echo")).await;
    end(&jobs, done.id).await;
    tokio::time::sleep(Duration::from_secs(1800)).await;
    jobs.get(&ALL, done.id).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3 * 3600)).await;
    let error = jobs.get(&ALL, done.id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}
