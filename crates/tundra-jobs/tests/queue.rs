//! The queue, on a store in memory and in a time that passes only where nothing else happens.

mod cancelling;
mod leases;
mod outages;
mod running;
mod stopping;
mod watching;

use std::{sync::Arc, time::Duration};

use tundra_core::Scope;
use tundra_jobs::{Job, JobId, JobStatus, Jobs};

use crate::support::Scripted;

const ALL: Scope = Scope::All;

/// Waits for the end of a job.
async fn end(jobs: &Jobs, id: JobId) -> Arc<Job> {
    jobs.watch(&ALL, id).await.unwrap().last().await.unwrap().unwrap()
}

/// Waits until a job has this status.
async fn becomes(jobs: &Jobs, id: JobId, status: JobStatus) -> Arc<Job> {
    let mut events = jobs.watch(&ALL, id).await.unwrap();
    while let Some(job) = events.next().await {
        let job = job.unwrap();
        if job.status == status {
            return job;
        }
    }
    panic!("the job never was {status:?}");
}

/// Waits until so many jobs run.
async fn run_now(executor: &Scripted, number: usize) {
    while executor.now.load(std::sync::atomic::Ordering::SeqCst) != number {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
