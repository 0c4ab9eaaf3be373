//! Several processes on one file, and processes that end without warning.

use std::{
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use serde_json::{Value, json};
use tundra_core::{Control, Scope};
use tundra_jobs::{
    Counts, Executor, Job, JobFailure, JobFilter, JobStatus, JobStore, Jobs, JobsSettings, NewJob,
    OnInterruption,
};
use tundra_test_services::scenario::say;

use super::{ROOM, by_hand, child::PLAYER, open, support::job};

/// Holds a lock of its job while it runs, which the system gives up with the process, and writes a line
/// when it is done.
#[derive(Debug)]
struct Locking(PathBuf);

#[async_trait]
impl Executor for Locking {
    async fn run(&self, job: &Job, _control: Control) -> Result<Value, JobFailure> {
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.0.join(format!("{}.lock", job.id)))
            .unwrap();
        if lock.try_lock().is_err() {
            fs::write(self.0.join("twice-at-once"), job.id.to_string()).unwrap();
        }
        say(&format!("runs {}", job.id));
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(json!(job.attempts))
    }
}

fn settings() -> JobsSettings {
    JobsSettings {
        workers: 3,
        lease: Duration::from_millis(400),
        poll_every: Duration::from_millis(20),
        report_every: Duration::from_millis(50),
        ..JobsSettings::default()
    }
}

/// Scenario: runs jobs of the shared file until nothing waits and nothing runs.
pub(super) async fn serve(directory: &Path) {
    let store = open(&directory.join("jobs.db")).await;
    let executor = Arc::new(Locking(directory.to_owned()));
    let jobs = Jobs::start(store, executor, settings()).await.unwrap();
    while jobs.counts().await.unwrap() != Counts::default() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    jobs.shutdown(Duration::from_secs(10)).await;
}

#[tokio::test]
async fn whenever_a_process_is_killed_no_job_is_lost_and_none_runs_twice_at_once() {
    const JOBS: usize = 120;
    const KILLED: usize = 8;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jobs.db");
    let store = open(&path).await;
    let at_most = 100.try_into().unwrap();
    let on_interruption = OnInterruption::Retry { at_most };
    for number in 0..JOBS {
        let tenant = format!("tenant-{}", number % 5).parse().unwrap();
        let new = NewJob { on_interruption, tenant, ..job("lock") };
        store.submit(&new, ROOM, std::time::SystemTime::now()).await.unwrap();
    }
    // One process runs to the end, beside others that are killed one after the other.
    let steady = PLAYER.start("serve", directory.path());
    let mut interrupted = 0;
    for lines in 1..=KILLED {
        let mut process = PLAYER.start("serve", directory.path());
        for _ in 0..lines.min(3) {
            process.hear();
            interrupted += 1;
        }
        process.kill();
    }
    steady.finish();

    let filter = JobFilter { status: None, before: None, limit: 1000 };
    let ended = store.list(&Scope::All, &filter).await.unwrap();
    assert_eq!(ended.len(), JOBS);
    for job in &ended {
        assert_eq!(job.status, JobStatus::Done, "{job:?}");
        assert_eq!(job.result, Some(json!(job.attempts)));
    }
    assert!(!directory.path().join("twice-at-once").exists());
    let again = ended.iter().filter(|job| job.attempts > 1).count();
    assert!(again > 0 && interrupted > 0, "no process was killed while it ran a job");
    drop(store);
    let check: String =
        by_hand(&path).query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}
