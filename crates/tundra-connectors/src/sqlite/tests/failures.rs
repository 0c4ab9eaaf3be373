//! What goes wrong while a table is read, and what a query may not.

use super::{super::SqliteConnector, *};

fn both(database: &Database) -> [SqliteConnector; 2] {
    let settings = || settings(&database.path(), AllowedDirectories::Everything);
    [SqliteConnector::new(settings()), SqliteConnector::without_pages(settings())]
}

/// Returns a database in WAL mode with a table of 20,000 rows.
fn logged() -> Database {
    Database::new(
        "PRAGMA journal_mode = WAL; CREATE TABLE t (a INTEGER, b TEXT);
         WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 20000)
         INSERT INTO t SELECT n, 'some text of a row ' || n FROM s;",
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_are_dropped_or_altered_meanwhile_are_read_as_they_were() {
    for change in [
        "DROP TABLE t; VACUUM; PRAGMA wal_checkpoint(PASSIVE)",
        "ALTER TABLE t RENAME COLUMN b TO c; ALTER TABLE t ADD COLUMN d DEFAULT 7",
        "ALTER TABLE t DROP COLUMN b",
        "ALTER TABLE t RENAME TO u; CREATE TABLE t (x)",
        "UPDATE t SET a = 'no number'; DELETE FROM t WHERE rowid % 2",
    ] {
        for at in 0..2 {
            let database = logged();
            let connector = &both(&database)[at];
            let mut session = connector.session().await.expect("a session");
            let small = ExtractRequest { batch_bytes: 4096, ..of_table("t") };
            let mut begun = session.extract(&small).await.expect("the table is there");
            let mut stream = begun.stream(0).await.expect("it is not started");
            let first = stream.next().await.expect("a batch").expect("the table can be read");
            database.writer().execute_batch(change).expect("the log takes it");
            let mut rows = first.num_rows();
            while let Some(batch) = stream.next().await {
                rows += batch.expect("nothing changed for it").num_rows();
            }
            assert_eq!(rows, 20_000, "{change}");
            let again = session.extract(&of_table("t")).await.expect("the table is there");
            assert_eq!(again.schema().field(1).name(), "b", "{change}");
            let table = drain(again).await.expect("the table can be read");
            assert_eq!(table.rows.len(), 20_000, "{change}");
            assert_eq!(table.rows[19_999], ["20000", "some text of a row 20000"], "{change}");
        }
    }
}

#[tokio::test]
async fn a_table_cannot_be_dropped_under_a_reader_in_the_old_mode() {
    let database = Database::new("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    let mut session = database.connector().session().await.expect("a session");
    let writer = database.writer();
    writer.busy_timeout(Duration::ZERO).expect("a timeout");
    writer.execute_batch("DROP TABLE t").expect_err("there is a reader");
    let extraction = session.extract(&of_table("t")).await.expect("the table is there");
    assert_eq!(drain(extraction).await.expect("the table can be read").rows, [["1"]]);
    drop(session);
    writer.execute_batch("DROP TABLE t").expect("nobody reads");
    let error = database.refused(&of_table("t")).await;
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert_eq!(error.reason, "there is no table or view `t`");
}

#[tokio::test]
async fn queries_that_are_wrong_say_what_sqlite_says() {
    let database = Database::new("CREATE TABLE t (a); CREATE VIEW broken AS SELECT x FROM gone");
    for (sql, words) in [
        ("SELEKT 1", "near \"SELEKT\": syntax error (at byte 0 of the query)"),
        ("SELECT b FROM t", "no such column: b (at byte 7 of the query)"),
        ("SELECT a FROM u", "no such table: u"),
        ("SELECT missing(a) FROM t", "no such function: missing"),
        ("SELECT a FROM t; SELECT a FROM t", "there is more than one statement"),
        ("SELECT abs(-9223372036854775808)", "integer overflow"),
        ("SELECT * FROM broken", "no such table: main.gone"),
    ] {
        let error = database.refused(&of_query(sql)).await;
        assert_eq!(error.kind, ErrorKind::InvalidRequest, "{sql}: {error}");
        assert!(error.reason.starts_with(words), "{sql}: {error}");
    }
    let error = database.refused(&of_table("broken")).await;
    assert!(error.reason.contains("no such table: main.gone"), "{error}");
}

#[tokio::test]
async fn a_query_sees_rows_and_not_what_was_deleted() {
    let database =
        Database::new("CREATE TABLE t (a); INSERT INTO t VALUES ('secret'); DELETE FROM t");
    for sql in [
        "SELECT data FROM sqlite_dbpage",
        "SELECT (SELECT max(hex(data)) FROM SQLITE_DBPAGE) FROM t",
        "SELECT * FROM dbstat",
    ] {
        let error = database.refused(&of_query(sql)).await;
        assert_eq!(error.kind, ErrorKind::InvalidRequest, "{sql}: {error}");
    }
    database.read(&of_table("t")).await.expect("its pages can still be read");
}

#[tokio::test]
async fn a_damaged_page_is_an_error_either_way() {
    for damage in [0x00, 0x05, 0x0d, 0xa5, 0xff] {
        let database = logged();
        database.writer().execute_batch("PRAGMA journal_mode = DELETE").expect("nobody reads");
        let mut bytes = fs::read(database.path()).expect("the file");
        let middle = bytes.len() / 2 / 4096 * 4096;
        bytes[middle..middle + 4096].fill(damage);
        fs::write(database.path(), &bytes).expect("the file");
        for connector in both(&database) {
            let mut session = connector.session().await.expect("the first page is sound");
            let error = match session.extract(&of_table("t")).await {
                Ok(extraction) => drain(extraction).await.expect_err("rows are missing"),
                Err(error) => error,
            };
            assert_eq!(error.kind, ErrorKind::InvalidData, "{damage}: {error}");
            assert!(error.reason.starts_with("database disk image is malformed"), "{error}");
            assert!(!error.hints.is_empty());
        }
        // A file that is cut off is no shorter table either.
        fs::write(database.path(), &bytes[..middle]).expect("the file");
        for connector in both(&database) {
            let error = match connector.session().await {
                Ok(mut session) => match session.extract(&of_table("t")).await {
                    Ok(extraction) => drain(extraction).await.expect_err("rows are missing"),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            assert_eq!(error.kind, ErrorKind::InvalidData, "{error}");
        }
    }
}

#[tokio::test]
async fn reading_pages_ends_at_its_time_too() {
    let database = logged();
    let request =
        ExtractRequest { statement_timeout: Some(Duration::from_nanos(1)), ..of_table("t") };
    let error = database.refused(&request).await;
    assert_eq!((error.kind, error.retry), (ErrorKind::Timeout, Retry::Later), "{error}");
    let patient =
        ExtractRequest { statement_timeout: Some(Duration::from_secs(60)), ..of_table("t") };
    assert_eq!(database.read(&patient).await.expect("there is time").rows.len(), 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_stream_ends_what_reads_for_it() {
    let database = logged();
    for connector in both(&database) {
        let mut session = connector.session().await.expect("a session");
        let small = ExtractRequest { batch_bytes: 1024, partitions: Some(1), ..of_table("t") };
        let mut extraction = session.extract(&small).await.expect("the table is there");
        let mut stream = extraction.stream(0).await.expect("it is not started");
        stream.next().await.expect("a batch").expect("the table can be read");
        drop(stream);
        drop(session);
        drop(extraction);
        // Nobody is left with a transaction as soon as the thread that read has seen it; a writer that
        // waits for all readers gets through, which it does not while one is left.
        let writer = database.writer();
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let busy: i64 = writer.query_row(sql, [], |row| row.get(0)).expect("a checkpoint");
        assert_eq!(busy, 0);
    }
}
