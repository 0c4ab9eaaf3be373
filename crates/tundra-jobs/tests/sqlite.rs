//! Jobs in a file: what files, restarts and other processes can do to them.

mod child;
mod migrating;
mod opening;
mod processes;
mod rows;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use rusqlite::Connection;
use tempfile::TempDir;
use tundra_jobs::{Job, JobStore, NewJob, Room, SqliteJobs};

use crate::support;

const ROOM: Room = Room { total: 1000, per_tenant: 1000 };

/// Returns a directory that goes with the returned handle, and the path of jobs in it.
fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jobs.db");
    (directory, path)
}

async fn open(path: &Path) -> Arc<SqliteJobs> {
    Arc::new(SqliteJobs::open(path).await.unwrap())
}

/// Opens the file past the store, as a person with SQLite's own tool does.
fn by_hand(path: &Path) -> Connection {
    Connection::open(path).unwrap()
}

fn at(second: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_760_000_000 + second)
}

async fn add(store: &dyn JobStore, new: &NewJob) -> Job {
    store.submit(new, ROOM, at(0)).await.unwrap().into_job()
}
