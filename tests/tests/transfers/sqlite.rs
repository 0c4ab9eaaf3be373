//! A file of SQLite with a write-ahead log.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use rusqlite::Connection;

use super::{ACCOUNTS, AMOUNT, connector, sums_are_exact};

/// Moves amounts until it is told that it is over.
fn transfer(connection: &Connection, over: &AtomicBool) -> rusqlite::Result<()> {
    let mut from = 0;
    while !over.load(Ordering::Relaxed) {
        let to = (from * 7 + 3) % ACCOUNTS;
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE;
             UPDATE account SET amount = amount - 7 WHERE id = {};
             UPDATE account SET amount = amount + 7 WHERE id = {};
             COMMIT;",
            from + 1,
            to + 1
        ))?;
        from = (from + 1) % ACCOUNTS;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_are_exact_under_constant_transfers() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bank.db");
    let connection = Connection::open(&file).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = OFF;
             CREATE TABLE account (id INTEGER PRIMARY KEY, amount BIGINT NOT NULL);
             WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {ACCOUNTS})
             INSERT INTO account SELECT n, {AMOUNT} FROM n;"
        ))
        .unwrap();
    connection.busy_timeout(Duration::from_secs(30)).unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let writer = {
        let over = Arc::clone(&over);
        thread::spawn(move || transfer(&connection, &over))
    };
    // The writer ends with the process when this fails.
    sums_are_exact(&*connector(&format!("sqlite:{}", file.display())), 1000).await;
    over.store(true, Ordering::Relaxed);
    writer.join().unwrap().unwrap();
}
