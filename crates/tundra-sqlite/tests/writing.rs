//! What callers that write at once do to each other, and what they do not.

use std::{
    panic::AssertUnwindSafe,
    path::Path,
    sync::mpsc::{self, Sender},
};

use futures::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use rusqlite::Connection;
use tundra_core::{Classify, ErrorKind};
use tundra_sqlite::{Database, Error, Failure};

use super::{add, by_hand, numbers, open, place};

const ADD: &str = "INSERT INTO lines (text) VALUES ('x')";

fn count(connection: &Connection) -> i64 {
    connection.query_row("SELECT count(*) FROM lines", [], |row| row.get(0)).unwrap()
}

/// Holds the thread that writes until the sender is dropped, so that what is asked meanwhile waits
/// together.
async fn hold(diary: &Database) -> (Sender<()>, BoxFuture<'_, Result<(), Error>>) {
    let (release, released) = mpsc::channel();
    let (begin, begun) = mpsc::channel();
    let write = diary.write(move |_| {
        begin.send(()).unwrap();
        let _ = released.recv();
        Ok(())
    });
    let mut write = write.boxed();
    assert!(futures::poll!(&mut write).is_pending());
    begun.recv().unwrap();
    (release, write)
}

/// Returns how many lines another process sees.
fn seen_outside(path: &Path) -> impl Fn() -> i64 + Send + use<> {
    let other = by_hand(path);
    move || count(&other)
}

#[tokio::test]
async fn calls_that_wait_together_share_a_transaction() {
    let (_directory, path) = place();
    let diary = open(&path).await;
    let (release, holding) = hold(&diary).await;
    let writes = (0..3).map(|before| {
        let outside = seen_outside(&path);
        diary.write(move |it| {
            assert_eq!((count(it), outside()), (before, 0));
            it.execute(ADD, [])?;
            Ok(())
        })
    });
    let (_, written, ()) = futures::join!(holding, join_all(writes), async { drop(release) });
    assert!(written.iter().all(Result::is_ok), "{written:?}");
    assert_eq!(seen_outside(&path)(), 3);
}

#[tokio::test]
async fn what_fails_is_undone_alone() {
    let (_directory, path) = place();
    let diary = open(&path).await;
    let (release, holding) = hold(&diary).await;
    let writes = (0..5).map(|number| {
        diary.write(move |it| {
            it.execute(ADD, [])?;
            if number == 1 {
                return Err(Failure::with_hint(ErrorKind::Conflict, "no ones", "ask for another"));
            }
            // A statement that SQLite refuses.
            it.execute(
                if number == 3 { "INSERT INTO lines (text) VALUES (NULL)" } else { ADD },
                [],
            )?;
            Ok(number)
        })
    });
    let (_, written, ()) = futures::join!(holding, join_all(writes), async { drop(release) });
    let [Ok(0), Err(ones), Ok(2), Err(threes), Ok(4)] = &written[..] else {
        panic!("{written:?}");
    };
    assert_eq!((ones.kind(), ones.to_string()), (ErrorKind::Conflict, "no ones".to_owned()));
    assert_eq!(ones.hints(), ["ask for another"]);
    assert_eq!(threes.kind(), ErrorKind::Internal, "{threes:?}");
    assert_eq!(numbers(&diary).await.unwrap().len(), 6);
}

#[tokio::test]
async fn a_panic_is_its_callers_alone() {
    let (_directory, path) = place();
    let diary = open(&path).await;
    let (release, holding) = hold(&diary).await;
    let panics = AssertUnwindSafe(diary.write(|it| -> Result<(), Failure> {
        it.execute(ADD, [])?;
        panic!("on purpose")
    }));
    let (_, panicked, added, ()) =
        futures::join!(holding, panics.catch_unwind(), add(&diary, "beside"), async {
            drop(release)
        });
    let payload = panicked.unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"on purpose"));
    added.unwrap();
    add(&diary, "afterwards").await.unwrap();

    let panics = diary.read(|_| -> Result<(), Failure> { panic!("on purpose") });
    assert!(AssertUnwindSafe(panics).catch_unwind().await.is_err());
    assert_eq!(numbers(&diary).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_written_all_the_same() {
    let (_directory, path) = place();
    let diary = open(&path).await;
    let (release, holding) = hold(&diary).await;
    let mut forgotten = Box::pin(add(&diary, "forgotten"));
    assert!(futures::poll!(&mut forgotten).is_pending());
    drop(forgotten);
    drop(release);
    holding.await.unwrap();
    add(&diary, "remembered").await.unwrap();
    assert_eq!(numbers(&diary).await.unwrap().len(), 2);
}

#[tokio::test]
async fn who_reads_cannot_write() {
    let (_directory, path) = place();
    let diary = open(&path).await;
    let error = diary.read(|it| Ok(it.execute(ADD, [])?)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    assert!(numbers(&diary).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_named_with_a_way_to_mend_it() {
    let (_directory, path) = place();
    let diary = open(&path).await;
    let number = add(&diary, "x").await.unwrap();
    let read = diary.read(move |it| {
        let text = "SELECT text FROM lines WHERE number = ?1";
        let read: Result<i64, Failure> =
            it.query_row(text, [number], |row| row.get(0)).map_err(Failure::from);
        read.map_err(|failure| failure.of_row("line", &number.to_string()))
    });
    let error = read.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error:?}");
    assert!(error.reason.starts_with("the row of the line `1` makes no sense: "), "{error}");
    let hint = format!("mend or remove the row with `sqlite3 {}`", path.display());
    assert_eq!(error.hints(), [hint]);
}
