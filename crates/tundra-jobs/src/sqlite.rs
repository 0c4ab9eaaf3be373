//! Jobs in a file of this machine, by SQLite. Start at [`SqliteJobs`].
//!
//! Several processes may have it open at once. What is answered is on the disk. This module knows no
//! network: a file on a network file system is for one machine at a time, and better not at all.

mod jobs;
mod rows;
mod sql;

use std::{path::Path, time::SystemTime};

use async_trait::async_trait;
use rusqlite::Connection;
use tundra_core::Scope;
use tundra_sqlite::{Database, Failure, Purpose, Words};

use self::jobs::Ruled;
use crate::{
    JobStoreError, JobsError,
    job::{Job, JobId, JobProgress, NewJob},
    store::{
        Attempt, Claim, Counts, DeliveryOutcome, Hold, JobFilter, JobStore, Outcome, Room,
        Submitted,
    },
};

static JOBS: Purpose = Purpose {
    name: "jobs",
    application: 0x5455_4E4A,
    steps: &[include_str!("../migrations/001_jobs.sql")],
    accept: None,
    words: Words {
        content: "jobs",
        this: "the jobs",
        any: "jobs",
        if_not_sqlite: "if these were the jobs, restore a backup, or move it away to begin with an \
                        empty one",
        if_damaged: None,
    },
};

/// Jobs in an SQLite file.
#[derive(Debug)]
pub struct SqliteJobs {
    database: Database,
}

impl SqliteJobs {
    /// Opens the jobs in this file. Where there is none it is made, for this user alone, and its directory
    /// too; one that an older Tundra wrote is brought up to date.
    ///
    /// # Errors
    /// Of the kind [`InvalidRequest`](tundra_core::ErrorKind) for what is no file of jobs, `Unsupported`
    /// for that of a newer Tundra, `Corrupt` for a damaged one, `PermissionDenied` for one that cannot be
    /// written to, and `LimitExceeded` on a full disk. Each names the file and a way out.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, JobStoreError> {
        let opened = Database::open(path, &JOBS).await;
        opened.map(|database| Self { database }).map_err(|error| told("open its file", error))
    }

    async fn read<T, F>(&self, operation: &'static str, work: F) -> Result<T, JobsError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.database.read(work).await.map_err(|error| told(operation, error).into())
    }

    async fn write<T, F>(&self, operation: &'static str, work: F) -> Result<T, JobsError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.database.write(work).await.map_err(|error| told(operation, error).into())
    }

    /// Writes what the rules may forbid.
    async fn ruled<T, F>(&self, operation: &'static str, work: F) -> Result<T, JobsError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Ruled<T> + Send + 'static,
    {
        self.write(operation, work).await?
    }
}

#[async_trait]
impl JobStore for SqliteJobs {
    fn display(&self) -> String {
        self.database.path().display().to_string()
    }

    async fn submit(
        &self,
        job: &NewJob,
        room: Room,
        now: SystemTime,
    ) -> Result<Submitted, JobsError> {
        job.check()?;
        let job = job.clone();
        self.ruled("add a job", move |connection| jobs::submit(connection, &job, room, now)).await
    }

    async fn get(&self, scope: &Scope, id: JobId) -> Result<Job, JobsError> {
        let scope = scope.clone();
        self.read("read a job", move |connection| jobs::get(connection, &scope, id)).await?
    }

    async fn list(&self, scope: &Scope, filter: &JobFilter) -> Result<Vec<Job>, JobsError> {
        let (scope, filter) = (scope.clone(), *filter);
        self.read("list jobs", move |connection| jobs::list(connection, &scope, &filter)).await
    }

    async fn claim(
        &self,
        owner: &str,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<Option<Claim>, JobsError> {
        // Asked often by whoever has nothing to do; they must not hold up those who write.
        if self.counts().await?.queued == 0 {
            return Ok(None);
        }
        let owner = owner.to_owned();
        let write = move |connection: &Connection| jobs::claim(connection, &owner, until, now);
        self.write("take a job", write).await
    }

    async fn renew(
        &self,
        hold: &Hold,
        progress: &JobProgress,
        until: SystemTime,
    ) -> Result<Job, JobsError> {
        let (hold, progress) = (*hold, *progress);
        let write = move |connection: &Connection| jobs::renew(connection, &hold, &progress, until);
        self.ruled("keep a job", write).await
    }

    async fn end(
        &self,
        hold: &Hold,
        progress: &JobProgress,
        outcome: &Outcome,
        now: SystemTime,
    ) -> Result<Job, JobsError> {
        let (hold, progress, outcome) = (*hold, *progress, outcome.clone());
        self.ruled("record how a job ended", move |connection| {
            jobs::end(connection, &hold, &progress, &outcome, now)
        })
        .await
    }

    async fn cancel(&self, scope: &Scope, id: JobId, now: SystemTime) -> Result<Job, JobsError> {
        let scope = scope.clone();
        let write = move |connection: &Connection| jobs::cancel(connection, &scope, id, now);
        self.ruled("cancel a job", write).await
    }

    async fn recover(&self, now: SystemTime, limit: usize) -> Result<Vec<Job>, JobsError> {
        let write = move |connection: &Connection| jobs::recover(connection, now, limit);
        self.write("recover jobs", write).await
    }

    async fn prune(&self, before: SystemTime, limit: usize) -> Result<u64, JobsError> {
        let write = move |connection: &Connection| jobs::prune(connection, before, limit);
        self.write("remove old jobs", write).await
    }

    async fn counts(&self) -> Result<Counts, JobsError> {
        self.read("count jobs", jobs::counts).await
    }

    async fn claim_delivery(
        &self,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<Option<Attempt>, JobsError> {
        // Asked often, like `claim`.
        if !self.read("look for a webhook", move |it| jobs::is_delivery_due(it, now)).await? {
            return Ok(None);
        }
        let write = move |connection: &Connection| jobs::claim_delivery(connection, until, now);
        self.write("take a webhook", write).await
    }

    async fn settle_delivery(
        &self,
        attempt: &Attempt,
        outcome: &DeliveryOutcome,
        now: SystemTime,
    ) -> Result<(), JobsError> {
        let (attempt, outcome) = (attempt.clone(), outcome.clone());
        self.write("record what became of a webhook", move |connection| {
            jobs::settle_delivery(connection, &attempt, &outcome, now)
        })
        .await
    }
}

fn told(operation: &'static str, error: tundra_sqlite::Error) -> JobStoreError {
    let tundra_sqlite::Error { reason, kind, retry, hint, source } = error;
    JobStoreError { operation, reason, kind, retry, hints: hint.into_iter().collect(), source }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn is_a_store_of_jobs() {
        // They go when the test ends.
        let places = Mutex::new(Vec::new());
        crate::testing::run_all(async || {
            let place = tempfile::tempdir().unwrap();
            let store = SqliteJobs::open(place.path().join("jobs.db")).await.unwrap();
            places.lock().unwrap().push(place);
            Arc::new(store)
        })
        .await;
    }
}
