//! What files, disks and other processes can do to a file of SQLite, and what many callers do to each
//! other.

mod child;
mod disk_conditions;
mod opening;
mod processes;
mod writing;

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;
use tundra_sqlite::{Database, Error, Purpose, Words};

/// Lines of text, each with a number that is never given again.
const STEPS: &[&str] =
    &["CREATE TABLE lines (number INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT \
                          NOT NULL) STRICT; PRAGMA application_id = 1234;"];

const WORDS: Words = Words {
    content: "a diary",
    this: "the diary",
    any: "a diary",
    if_not_sqlite: "if this was the diary, remember",
    if_damaged: Some("the days stay lived"),
};

static DIARY: Purpose =
    Purpose { name: "diary", application: 1234, steps: STEPS, accept: None, words: WORDS };

/// Returns a directory that goes with the returned handle, and the path of a diary in it.
fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("diary.db");
    (directory, path)
}

async fn open(path: &Path) -> Database {
    Database::open(path, &DIARY).await.unwrap()
}

/// Opens the file past the crate, as a person with SQLite's own tool does.
fn by_hand(path: &Path) -> Connection {
    Connection::open(path).unwrap()
}

/// Writes a line and returns its number.
async fn add(diary: &Database, text: &str) -> Result<i64, Error> {
    let text = text.to_owned();
    let add = "INSERT INTO lines (text) VALUES (?1) RETURNING number";
    diary.write(move |it| Ok(it.prepare_cached(add)?.query_row([text], |row| row.get(0))?)).await
}

/// Returns the numbers of all lines.
async fn numbers(diary: &Database) -> Result<Vec<i64>, Error> {
    let numbers = diary.read(|it| {
        let mut lines = it.prepare_cached("SELECT number FROM lines ORDER BY number")?;
        let numbers = lines.query_map([], |row| row.get(0))?;
        Ok(numbers.collect::<Result<_, _>>()?)
    });
    numbers.await
}

/// Holds when SQLite itself finds nothing wrong with the file.
#[track_caller]
fn assert_whole(path: &Path) {
    let check: String =
        by_hand(path).query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}
