//! What may be where the jobs are to be. What holds for every file of SQLite is tested in
//! `tundra-sqlite`.

use std::{fs, path::Path};

use tundra_core::{Classify, ErrorKind, Scope};
use tundra_jobs::{JobStore, SqliteJobs};

use super::{add, at, by_hand, open, place, support::job};

/// Holds when the file is refused by its name, with this way out.
async fn assert_refused(path: &Path, kind: ErrorKind, hint: &str) {
    let error = SqliteJobs::open(path).await.unwrap_err();
    assert!(error.reason.contains(&format!("`{}`", path.display())), "{error}");
    assert_eq!((error.operation, error.kind()), ("open its file", kind), "{error:?}");
    assert_eq!(error.hints(), [hint]);
}

#[tokio::test]
async fn keeps_everything_when_it_is_closed() {
    let (directory, path) = place();
    let store = open(&path).await;
    let waiting = add(&*store, &job("echo")).await;
    let claim = store.claim("a", at(10), at(0)).await.unwrap().unwrap();
    assert_eq!(claim.job.id, waiting.id);
    assert_eq!(store.display(), path.display().to_string());
    drop(store);
    let left: Vec<_> = directory.path().read_dir().unwrap().map(|it| it.unwrap().path()).collect();
    assert_eq!(left, std::slice::from_ref(&path), "nothing beside the file is left");
    let store = open(&path).await;
    assert_eq!(store.get(&Scope::All, waiting.id).await.unwrap(), claim.job);
    // Whoever has a hold has it also on the file that was opened again.
    store.renew(&claim.hold, &Default::default(), at(20)).await.unwrap();
}

#[tokio::test]
async fn what_is_no_file_of_jobs_is_refused_in_words_of_jobs() {
    let (directory, path) = place();
    let hint = "name a file, new or of jobs";
    assert_refused(directory.path(), ErrorKind::InvalidRequest, hint).await;

    fs::write(&path, "id,name\n1,x\n".repeat(1000)).unwrap();
    let hint = "name another file; if these were the jobs, restore a backup, or move it away to begin \
                with an empty one";
    assert_refused(&path, ErrorKind::InvalidRequest, hint).await;

    fs::remove_file(&path).unwrap();
    by_hand(&path).execute_batch("CREATE TABLE jobs (id TEXT)").unwrap();
    assert_refused(&path, ErrorKind::InvalidRequest, "name another file").await;

    fs::remove_file(&path).unwrap();
    drop(open(&path).await);
    by_hand(&path).pragma_update(None, "user_version", 99).unwrap();
    let hint = "use the newest Tundra of those that share the jobs";
    assert_refused(&path, ErrorKind::Unsupported, hint).await;
}

#[tokio::test]
async fn damaged_jobs_are_said_to_be_damaged() {
    let (_directory, path) = place();
    let store = open(&path).await;
    add(&*store, &job("echo")).await;
    drop(store);
    let mut damaged = fs::read(&path).unwrap();
    damaged[100..4096].fill(0xAA);
    fs::write(&path, damaged).unwrap();
    let hint = format!(
        "restore a backup, or rescue what can be read with `sqlite3 {} .recover | sqlite3 NEW-FILE`",
        path.display()
    );
    assert_refused(&path, ErrorKind::Corrupt, &hint).await;
}
