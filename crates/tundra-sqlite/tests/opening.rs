//! What may be where the file is to be.

use std::{
    fs::{self, Metadata},
    path::Path,
};

use rusqlite::Connection;
use tundra_core::{Classify, ErrorKind};
use tundra_sqlite::{Database, Error, Failure, Purpose};

use super::{DIARY, STEPS, WORDS, add, by_hand, numbers, open, place};

/// Returns why the file cannot be opened, which must name it and a way out.
async fn refusal(path: &Path) -> Error {
    let error = Database::open(path, &DIARY).await.unwrap_err();
    assert!(error.reason.contains(&format!("`{}`", path.display())), "{error}");
    assert!(error.hint.is_some(), "{error}");
    error
}

#[tokio::test]
async fn a_new_file_is_for_its_owner_alone() {
    let (directory, _path) = place();
    let path = directory.path().join("new/er/diary.db");
    let diary = open(&path).await;
    add(&diary, "today").await.unwrap();
    assert_eq!(numbers(&diary).await.unwrap(), [1]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        for name in ["diary.db", "diary.db-wal", "diary.db-shm"] {
            assert_eq!(mode(&path.with_file_name(name)), 0o600, "{name}");
        }
    }
}

#[tokio::test]
async fn nothing_is_left_beside_a_file_that_is_closed() {
    let (directory, path) = place();
    let diary = open(&path).await;
    add(&diary, "today").await.unwrap();
    drop(diary);
    let left: Vec<_> = directory.path().read_dir().unwrap().map(|it| it.unwrap().path()).collect();
    assert_eq!(left, std::slice::from_ref(&path));
    assert_eq!(numbers(&open(&path).await).await.unwrap(), [1]);
}

#[tokio::test]
async fn a_file_in_the_working_directory_needs_no_more_than_its_name() {
    let name = format!("tundra-test-{}.db", std::process::id());
    let diary = open(Path::new(&name)).await;
    let path = diary.path().to_owned();
    assert!(path.is_absolute());
    drop(diary);
    fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn one_process_may_open_it_several_times() {
    let (_directory, path) = place();
    let (first, second) = futures::future::join(open(&path), open(&path)).await;
    let number = add(&first, "today").await.unwrap();
    assert_eq!(numbers(&second).await.unwrap(), [number]);
    drop(first);
    assert_eq!(add(&second, "tomorrow").await.unwrap(), 2);
}

#[tokio::test]
async fn an_empty_file_is_taken() {
    let (_directory, path) = place();
    fs::write(&path, "").unwrap();
    add(&open(&path).await, "today").await.unwrap();
}

#[tokio::test]
async fn a_directory_is_refused() {
    let (directory, _path) = place();
    let error = refusal(directory.path()).await;
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.reason.ends_with("is a directory"), "{error}");
    assert_eq!(error.hints(), ["name a file, new or of a diary"]);
}

#[tokio::test]
async fn no_path_at_all_is_refused() {
    assert_eq!(refusal(Path::new("")).await.kind(), ErrorKind::InvalidRequest);
}

#[tokio::test]
async fn a_file_in_place_of_the_directory_is_refused() {
    let (_directory, path) = place();
    fs::write(&path, "").unwrap();
    let error = refusal(&path.join("diary.db")).await;
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error:?}");
}

#[tokio::test]
async fn a_file_that_the_store_does_not_take_is_not_touched() {
    fn accept(path: &Path, metadata: &Metadata) -> Result<(), Failure> {
        assert!(metadata.is_file());
        let reason = format!("`{}` is somebody else's", path.display());
        Err(Failure::with_hint(ErrorKind::PermissionDenied, reason, "keep your own"))
    }
    static SHY: Purpose = Purpose {
        name: "diary",
        application: 1234,
        steps: STEPS,
        accept: Some(accept),
        words: WORDS,
    };
    let (_directory, path) = place();
    // Only what is there is asked about.
    drop(Database::open(&path, &SHY).await.unwrap());
    let before = fs::read(&path).unwrap();
    let error = Database::open(&path, &SHY).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(error.hints(), ["keep your own"]);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_kept() {
    let (_directory, path) = place();
    let text = "id,name\n1,x\n".repeat(1000);
    fs::write(&path, &text).unwrap();
    let error = refusal(&path).await;
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.reason.ends_with("is no SQLite file"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn the_database_of_another_program_is_refused_and_kept() {
    let (_directory, path) = place();
    by_hand(&path).execute_batch("CREATE TABLE lines (number INTEGER)").unwrap();
    let before = fs::read(&path).unwrap();
    let error = refusal(&path).await;
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.reason.ends_with("is an SQLite file of another program"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn an_older_file_gets_the_steps_that_it_lacks_and_an_older_tundra_refuses_it_then() {
    static NEWER: Purpose = Purpose {
        name: "diary",
        application: 1234,
        steps: &[STEPS[0], "ALTER TABLE lines ADD COLUMN day TEXT NOT NULL DEFAULT 'monday'"],
        accept: None,
        words: WORDS,
    };
    let (_directory, path) = place();
    let old = open(&path).await;
    add(&old, "today").await.unwrap();
    for _ in 0..2 {
        let new = Database::open(&path, &NEWER).await.unwrap();
        let day = "SELECT day FROM lines";
        let day = new.read(move |it| Ok(it.query_row(day, [], |row| row.get::<_, String>(0))?));
        assert_eq!(day.await.unwrap(), "monday");
    }
    // Who had it open goes on; to open it anew is refused.
    assert_eq!(numbers(&old).await.unwrap(), [1]);
    drop(old);
    let before = fs::read(&path).unwrap();
    let error = refusal(&path).await;
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.reason.contains("written by a newer Tundra"), "{error}");
    assert!(error.reason.contains("version 2, and this one knows them up to version 1"), "{error}");
    assert_eq!(error.hints(), ["use the newest Tundra of those that share the diary"]);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_step_that_fails_leaves_the_file_as_it_was() {
    static BROKEN: Purpose = Purpose {
        name: "diary",
        application: 1234,
        steps: &[STEPS[0], "CREATE TABLE days (day TEXT); CREATE TABLE lines (again TEXT)"],
        accept: None,
        words: WORDS,
    };
    let (_directory, path) = place();
    add(&open(&path).await, "today").await.unwrap();
    let error = Database::open(&path, &BROKEN).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal, "{error:?}");
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'days'";
    assert_eq!(by_hand(&path).query_row(tables, [], |row| row.get::<_, i64>(0)), Ok(0));
    assert_eq!(numbers(&open(&path).await).await.unwrap(), [1]);
}

#[tokio::test]
async fn a_damaged_file_is_said_to_be_damaged() {
    const PAGE: usize = 4096;
    let (_directory, path) = place();
    let diary = open(&path).await;
    for _ in 0..100 {
        add(&diary, &"a long day ".repeat(50)).await.unwrap();
    }
    drop(diary);
    let whole = fs::read(&path).unwrap();

    // The first page: what the tables are.
    let mut damaged = whole.clone();
    damaged[100..PAGE].fill(0xAA);
    fs::write(&path, damaged).unwrap();
    let error = refusal(&path).await;
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
    let hint = error.hint.unwrap();
    assert!(hint.contains("restore a backup") && hint.ends_with("; the days stay lived"), "{hint}");

    // All others: it opens, and says it where it is asked.
    let mut damaged = whole.clone();
    damaged[PAGE..].fill(0xAA);
    fs::write(&path, damaged).unwrap();
    let diary = open(&path).await;
    for error in [numbers(&diary).await.unwrap_err(), add(&diary, "today").await.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error:?}");
        assert!(error.hints()[0].contains(".recover"), "{error:?}");
    }
    drop(diary);

    // Cut off in the middle.
    fs::write(&path, &whole[..2 * PAGE]).unwrap();
    let read = match Database::open(&path, &DIARY).await {
        Ok(diary) => numbers(&diary).await.map(drop),
        Err(error) => Err(error),
    };
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Corrupt);

    fs::write(&path, whole).unwrap();
    assert_eq!(numbers(&open(&path).await).await.unwrap().len(), 100);
}

#[tokio::test]
async fn tables_that_somebody_changed_are_no_riddle() {
    let (_directory, path) = place();
    let diary = open(&path).await;
    by_hand(&path).execute_batch("DROP TABLE lines").unwrap();
    let error = numbers(&diary).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal, "{error:?}");
    assert!(error.hints()[0].contains("another program changed the tables"), "{error:?}");
}

#[tokio::test]
async fn other_tools_read_the_file() {
    let (_directory, path) = place();
    let diary = open(&path).await;
    add(&diary, "today").await.unwrap();
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let read = || {
        let other = Connection::open_with_flags(&path, flags).unwrap();
        other.query_row("SELECT text FROM lines", [], |row| row.get::<_, String>(0)).unwrap()
    };
    assert_eq!(read(), "today");
    drop(diary);
    assert_eq!(read(), "today");
}
