//! The connector on real files.

mod failures;
mod pages;
mod torture;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use arrow_array::{
    Array, RecordBatch,
    cast::AsArray,
    types::{Date32Type, Float64Type, Int64Type},
};
use arrow_schema::DataType;
use async_trait::async_trait;
use futures::StreamExt;
use rusqlite::Connection;
use tempfile::TempDir;
use tundra_core::{
    Connector, ConnectorError, ErrorKind, ExtractRequest, Extraction, OnLossy, Relation, Retry,
    StreamEnd, TableName,
    testing::connector::{self as suite, TestDatabase},
};

use super::SqliteConnector;
use crate::settings::{AllowedDirectories, ConnectionSettings, DatabaseKind};

/// A database in a directory of its own.
#[derive(Debug)]
struct Database {
    directory: TempDir,
}

impl Database {
    fn new(sql: &str) -> Self {
        let database = Self { directory: tempfile::tempdir().expect("a directory") };
        database.writer().execute_batch(sql).expect("the statements are right");
        database
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("a b?.db")
    }

    fn writer(&self) -> Connection {
        let writer = Connection::open(self.path()).expect("a file");
        writer.busy_timeout(Duration::from_secs(30)).expect("a timeout");
        writer
    }

    fn connector(&self) -> SqliteConnector {
        SqliteConnector::new(settings(&self.path(), AllowedDirectories::Everything))
    }

    async fn read(&self, request: &ExtractRequest) -> Result<Table, ConnectorError> {
        let mut session = self.connector().session().await?;
        drain(session.extract(request).await?).await
    }

    async fn table(&self, name: &str) -> Table {
        self.read(&of_table(name)).await.expect("the table can be read")
    }

    async fn refused(&self, request: &ExtractRequest) -> ConnectorError {
        match self.read(request).await {
            Ok(table) => panic!("{request:?} is not refused: {:?}", table.rows),
            Err(error) => error,
        }
    }
}

/// What was read: the types with their reasons, and the rows as text.
#[derive(Debug)]
struct Table {
    types: Vec<String>,
    reasons: Vec<String>,
    decisions: Vec<String>,
    rows: Vec<Vec<String>>,
    partitions: usize,
    ends: Vec<StreamEnd>,
}

fn settings(path: &Path, allowed: AllowedDirectories) -> ConnectionSettings {
    ConnectionSettings {
        file_path: Some(path.to_owned()),
        allowed_directories: allowed,
        connect_timeout: Duration::from_secs(30),
        ..ConnectionSettings::new(DatabaseKind::Sqlite)
    }
}

fn of(relation: Relation) -> ExtractRequest {
    ExtractRequest { batch_bytes: 1 << 20, ..ExtractRequest::new(relation) }
}

fn of_table(name: &str) -> ExtractRequest {
    of(Relation::Table(TableName { schema: None, name: name.to_owned() }))
}

fn of_query(sql: &str) -> ExtractRequest {
    of(Relation::Query(sql.to_owned()))
}

async fn drain(mut extraction: Box<dyn Extraction>) -> Result<Table, ConnectorError> {
    let mut rows = Vec::new();
    let mut ends = Vec::new();
    for partition in 0..extraction.partitions() {
        let mut stream = extraction.stream(partition).await?;
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            rows.extend((0..batch.num_rows()).map(|row| values(&batch, row)));
        }
        ends.extend(extraction.end(partition));
    }
    Ok(Table {
        types: extraction.columns().iter().map(|plan| plan.column_type.clone()).collect(),
        reasons: extraction.columns().iter().map(|plan| plan.reason.clone()).collect(),
        decisions: extraction
            .decisions()
            .iter()
            .map(|decision| format!("{}: {}: {}", decision.what, decision.value, decision.reason))
            .collect(),
        rows,
        partitions: extraction.partitions(),
        ends,
    })
}

fn values(batch: &RecordBatch, row: usize) -> Vec<String> {
    batch
        .columns()
        .iter()
        .map(|column| match column.data_type() {
            _ if column.is_null(row) => "null".to_owned(),
            DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
            DataType::Float64 => format!("{:?}", column.as_primitive::<Float64Type>().value(row)),
            DataType::Date32 => format!("day {}", column.as_primitive::<Date32Type>().value(row)),
            DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
            DataType::BinaryView => format!("{:?}", column.as_binary_view().value(row)),
            other => panic!("a column of type {other}"),
        })
        .collect()
}

#[derive(Debug)]
struct Suite(Database);

#[async_trait]
impl TestDatabase for Suite {
    fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(self.0.connector())
    }

    async fn execute(&self, sql: &str) {
        let (writer, sql) = (self.0.writer(), sql.to_owned());
        tokio::task::spawn_blocking(move || {
            writer.execute_batch(&sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        })
        .await
        .expect("the statements are right");
    }

    fn quote(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn numbers(&self, count: u64) -> String {
        format!(
            "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) \
             SELECT n FROM s"
        )
    }

    fn endless(&self) -> String {
        "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) SELECT count(*) FROM s"
            .to_owned()
    }

    fn splits_tables(&self) -> bool {
        true
    }

    fn password(&self) -> Option<&str> {
        None
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn does_what_every_connector_does() {
    suite::run_all(&Suite(Database::new("PRAGMA journal_mode = WAL"))).await;
}

#[tokio::test]
async fn cells_decide_the_type_and_the_declaration_does_not() {
    let database = Database::new(
        "CREATE TABLE t (a TEXT, b BOOLEAN, c DATE, d DECIMAL(5, 2), e, f INTEGER, g REAL, h BLOB);
         INSERT INTO t VALUES (1, 1, '2024-01-31', 1, 1, 'x', 2, x'00ff');
         INSERT INTO t VALUES ('b', 0, '2024-02-30', 2.5, 9007199254740993, 2, 0.1, NULL);
         INSERT INTO t VALUES (NULL, NULL, NULL, NULL, 0.5, NULL, NULL, x'');",
    );
    let table = database.table("t").await;
    assert_eq!(
        table.types,
        ["VARCHAR", "BIGINT", "VARCHAR", "DOUBLE", "VARCHAR", "VARCHAR", "DOUBLE", "BLOB"]
    );
    assert_eq!(
        table.rows,
        [
            ["1", "1", "2024-01-31", "1.0", "1", "x", "2.0", "[0, 255]"],
            ["b", "0", "2024-02-30", "2.5", "9007199254740993", "2", "0.1", "null"],
            ["null", "null", "null", "null", "0.5", "null", "null", "[]"],
        ]
    );
    assert_eq!(table.reasons[3], "1 values are INTEGER, 1 REAL, the first at rowid 2");
    assert!(table.reasons[4].ends_with("to the integer at rowid 2"), "{}", table.reasons[4]);
}

#[tokio::test]
async fn dates_become_days_where_they_are_printed_as_they_were() {
    let database = Database::new(
        "CREATE TABLE t (a DATE, b DATE, c TEXT, d DATE, e DATE);
         INSERT INTO t VALUES ('2024-02-29', '2024-02-29', '2024-02-29', 1, NULL),
         (NULL, '2024-02-30', '2024-02-29', '2024-02-29', NULL), ('1969-12-31', NULL, NULL, NULL, NULL);
         CREATE TABLE u (a DATE); INSERT INTO u VALUES ('2024-02-29'), (x'00');",
    );
    let table = database.table("t").await;
    assert_eq!(table.types, ["DATE", "VARCHAR", "VARCHAR", "VARCHAR", "DATE"]);
    assert_eq!(table.rows[0], ["day 19782", "2024-02-29", "2024-02-29", "1", "null"]);
    assert_eq!(table.rows[2][0], "day -1");
    let without = ExtractRequest { on_lossy: OnLossy::Null, ..of_table("u") };
    let table = database.read(&without).await.expect("the policy takes it");
    assert_eq!((table.types[0].as_str(), table.rows[1][0].as_str()), ("DATE", "null"));
}

#[tokio::test]
async fn numbers_are_exact_at_their_edges() {
    let database = Database::new(
        "CREATE TABLE t (i, r);
         INSERT INTO t VALUES (-9223372036854775808, 1e308 * 10), (9223372036854775807, -1e308 * 10),
         (127, 5e-324), (0, -0.0), (-32769, 1.7976931348623157e308), (1099511627776, 0.1), (1, 1.0);",
    );
    let table = database.table("t").await;
    assert_eq!(table.types, ["BIGINT", "DOUBLE"]);
    let column = |at: usize| table.rows.iter().map(|row| row[at].as_str()).collect::<Vec<_>>();
    assert_eq!(
        column(0),
        ["-9223372036854775808", "9223372036854775807", "127", "0", "-32769", "1099511627776", "1"]
    );
    assert_eq!(
        column(1),
        ["inf", "-inf", "5e-324", "-0.0", "1.7976931348623157e308", "0.1", "1.0"]
    );
}

#[tokio::test]
async fn every_kind_of_table_is_read() {
    let database = Database::new(
        "CREATE TABLE plain (a INTEGER PRIMARY KEY, b); INSERT INTO plain VALUES (7, 'x');
         CREATE TABLE strict (a INT, b TEXT, c ANY) STRICT; INSERT INTO strict VALUES (1, 'x', 2);
         CREATE TABLE keyed (a TEXT PRIMARY KEY, b) WITHOUT ROWID; INSERT INTO keyed VALUES ('k', 1);
         CREATE TABLE made (a INT, b INT AS (a * 2), c INT AS (a * 3) STORED);
         INSERT INTO made VALUES (5);
         CREATE TABLE hidden (rowid TEXT, _rowid_ TEXT, oid TEXT); INSERT INTO hidden VALUES (1, 2, 3);
         CREATE TABLE half (rowid TEXT, a); INSERT INTO half VALUES ('r', 1);
         CREATE TABLE descending (a INTEGER PRIMARY KEY DESC); INSERT INTO descending VALUES (3);
         INSERT INTO descending VALUES (NULL);
         CREATE TABLE grown (a); INSERT INTO grown VALUES (1);
         ALTER TABLE grown ADD COLUMN b DEFAULT 'later'; INSERT INTO grown VALUES (2, NULL);
         CREATE VIEW seen AS SELECT a, b AS \"b b\" FROM plain;
         CREATE VIRTUAL TABLE words USING fts5(a, b); INSERT INTO words VALUES ('some words', 'x');",
    );
    for (name, expected, decision) in [
        ("plain", vec![vec!["7", "x"]], "there are few rows"),
        ("PLAIN", vec![vec!["7", "x"]], "there are few rows"),
        ("strict", vec![vec!["1", "x", "2"]], "there are few rows"),
        ("keyed", vec![vec!["k", "1"]], "the table is `WITHOUT ROWID`"),
        ("made", vec![vec!["5", "10", "15"]], "there are few rows"),
        ("hidden", vec![vec!["1", "2", "3"]], "its columns hide the rowid"),
        ("half", vec![vec!["r", "1"]], "there are few rows"),
        ("descending", vec![vec!["3"], vec!["null"]], "there are few rows"),
        ("grown", vec![vec!["1", "later"], vec!["2", "null"]], "there are few rows"),
        ("seen", vec![vec!["7", "x"]], "a view has no rowid to split it by"),
        ("words", vec![vec!["some words", "x"]], "a virtual table cannot be split safely"),
    ] {
        let table = database.table(name).await;
        assert_eq!(table.rows, expected, "{name}");
        assert_eq!(table.decisions, [format!("partitions: 1: {decision}")], "{name}");
    }
    assert_eq!(database.table("strict").await.reasons[1], "declared TEXT, which SQLite keeps to");
}

#[tokio::test]
async fn text_that_is_not_utf8_follows_the_policy() {
    let database = Database::new(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);
         INSERT INTO t VALUES (5, 'fine'), (9, CAST(x'61ff62' AS TEXT)), (12, 'a' || char(0) || 'b');",
    );
    let error = database.refused(&of_table("t")).await;
    assert_eq!(error.kind, ErrorKind::InvalidData);
    assert_eq!(error.reason, "column `a` at rowid 9 holds text that is not UTF-8: a\\xFFb");
    for (on_lossy, expected) in [(OnLossy::Text, "a\\xFFb"), (OnLossy::Null, "null")] {
        let request = ExtractRequest { on_lossy, ..of_table("t") };
        let table = database.read(&request).await.expect("the policy takes it");
        assert_eq!(table.rows, [["5", "fine"], ["9", expected], ["12", "a\0b"]]);
        let events = &table.ends[0].events;
        assert_eq!((events[0].code.as_str(), events[0].count), ("not_utf8", 1));
        assert_eq!(events[0].samples[0].text, "rowid 9: a\\xFFb");
    }
}

#[tokio::test]
async fn blobs_among_others_follow_the_policy() {
    let database = Database::new("CREATE TABLE t (a); INSERT INTO t VALUES (1), (x'00ff'), (2);");
    let error = database.refused(&of_table("t")).await;
    assert_eq!(
        error.reason,
        "no type keeps all of column `a`: 2 values are INTEGER, 1 BLOB, the first at rowid 2"
    );
    for (on_lossy, kind, expected) in
        [(OnLossy::Text, "VARCHAR", "X'00FF'"), (OnLossy::Null, "BIGINT", "null")]
    {
        let request = ExtractRequest { on_lossy, ..of_table("t") };
        let table = database.read(&request).await.expect("the policy takes it");
        assert_eq!(table.types, [kind]);
        assert_eq!(table.rows, [["1"], [expected], ["2"]]);
        assert_eq!(table.ends[0].events[0].count, 1);
    }
}

#[tokio::test]
async fn large_tables_are_split_and_counted() {
    let database = Database::new(
        "CREATE TABLE t (a, b TEXT);
         WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 150000)
         INSERT INTO t (rowid, a, b) SELECT CASE WHEN n < 100000 THEN n ELSE n * 1000000 END, n,
         'row ' || n FROM s;
         INSERT INTO t VALUES (9223372036854775807, 'last');",
    );
    for partitions in [None, Some(1), Some(2), Some(5), Some(16)] {
        let request = ExtractRequest { partitions, batch_bytes: 64 << 10, ..of_table("t") };
        let table = database.read(&request).await.expect("the table can be read");
        if let Some(count) = partitions {
            assert_eq!(table.partitions, count);
        }
        assert_eq!(table.rows.len(), 150_001);
        for (at, row) in table.rows[..150_000].iter().enumerate() {
            assert_eq!(*row, [(at + 1).to_string(), format!("row {}", at + 1)]);
        }
        let counted: Vec<u64> = table.ends.iter().filter_map(|end| end.server_rows).collect();
        assert_eq!(counted.iter().sum::<u64>(), 150_001);
        let (least, most) = (counted.iter().min(), counted.iter().max());
        assert!(most.zip(least).is_some_and(|(most, least)| most - least < 100), "{counted:?}");
    }
}

#[tokio::test]
async fn utf16_databases_are_read() {
    let database = Database::new(
        "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (a); INSERT INTO t VALUES ('ä € 🦀');",
    );
    assert_eq!(database.table("t").await.rows, [["ä € 🦀"]]);
}

#[tokio::test]
async fn nothing_but_reading_is_let_through() {
    let database = Database::new("CREATE TABLE t (a); INSERT INTO t VALUES (1);");
    let other = database.directory.path().join("other.db");
    for sql in [
        format!("ATTACH '{}' AS other", other.display()),
        "PRAGMA journal_mode = DELETE".to_owned(),
        "PRAGMA writable_schema = ON".to_owned(),
        "VACUUM".to_owned(),
        format!("VACUUM INTO '{}'", other.display()),
        "SELECT load_extension('x')".to_owned(),
        "CREATE TEMP TABLE u (a)".to_owned(),
        "BEGIN".to_owned(),
        "SAVEPOINT s".to_owned(),
        "ANALYZE".to_owned(),
    ] {
        let error = database.refused(&of_query(&sql)).await;
        assert_eq!(error.kind, ErrorKind::InvalidRequest, "{sql}: {error}");
    }
    assert!(!other.exists());
    let table = database.read(&of_query("SELECT type FROM pragma_table_list('t')")).await;
    assert_eq!(table.expect("a table like others").rows, [["table"]]);
}

#[tokio::test]
async fn a_query_with_two_columns_of_one_name_or_a_parameter_is_refused() {
    let database = Database::new("CREATE TABLE t (a);");
    let error = database.refused(&of_query("SELECT a, a FROM t")).await;
    assert_eq!(error.kind, ErrorKind::InvalidRequest);
    assert!(error.reason.contains("`a`"), "{error}");
    let error = database.refused(&of_query("SELECT a FROM t WHERE a = ?1")).await;
    assert_eq!(error.kind, ErrorKind::InvalidRequest);
}

#[tokio::test]
async fn a_query_that_changes_its_mind_is_found_out() {
    let database = Database::new("CREATE TABLE t (a);");
    let sql = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) \
               SELECT n FROM s LIMIT abs(random() % 100000)";
    let error = database.refused(&of_query(sql)).await;
    assert_eq!(error.kind, ErrorKind::InvalidData);
    assert!(error.reason.contains("rows were counted, but"), "{error}");
}

#[tokio::test]
async fn a_writer_in_the_old_mode_waits_and_no_longer() {
    let database = Database::new("CREATE TABLE t (a); INSERT INTO t VALUES (1);");
    let mut session = database.connector().session().await.expect("a session");
    let writer = database.writer();
    writer.busy_timeout(Duration::ZERO).expect("a timeout");
    let refused = writer.execute_batch("INSERT INTO t VALUES (2)").expect_err("there is a reader");
    assert_eq!(refused.sqlite_error_code(), Some(rusqlite::ErrorCode::DatabaseBusy));
    let table = session.extract(&of_table("t")).await.expect("the table is there");
    assert_eq!(drain(table).await.expect("the table can be read").rows, [["1"]]);
    drop(session);
    writer.execute_batch("INSERT INTO t VALUES (2)").expect("nobody reads");
    assert_eq!(database.table("t").await.rows, [["1"], ["2"]]);
}

#[tokio::test]
async fn a_locked_file_is_worth_another_try() {
    let database = Database::new("CREATE TABLE t (a);");
    let writer = database.writer();
    writer.execute_batch("BEGIN EXCLUSIVE").expect("nobody else is there");
    let impatient = SqliteConnector::new(ConnectionSettings {
        connect_timeout: Duration::from_millis(20),
        ..settings(&database.path(), AllowedDirectories::Everything)
    });
    let error = impatient.session().await.expect_err("it is locked");
    assert_eq!((error.kind, error.retry), (ErrorKind::Unavailable, Retry::Later));
    assert_eq!(error.reason, "database is locked");
    writer.execute_batch("COMMIT").expect("there is nothing to write");
    database.connector().session().await.expect("nobody writes");
}

#[tokio::test]
async fn files_that_are_no_database_say_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let noise: Vec<u8> =
        (0..8192_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for (name, content, kind) in [
        ("text.db", &b"id,name\n1,one\n".repeat(100)[..], ErrorKind::InvalidData),
        ("encrypted.db", &noise, ErrorKind::InvalidData),
        ("empty.db", b"", ErrorKind::InvalidData),
    ] {
        let path = directory.path().join(name);
        fs::write(&path, content).expect("a file");
        let connector = SqliteConnector::new(settings(&path, AllowedDirectories::Everything));
        let error = connector.test().await.expect_err(name);
        assert_eq!(error.kind, kind, "{name}: {error}");
        assert!(!error.hints.is_empty(), "{name}");
        assert_eq!(fs::read(&path).expect("the file"), content, "{name}");
    }
    for (path, kind) in [
        (directory.path().to_owned(), ErrorKind::InvalidRequest),
        (directory.path().join("missing.db"), ErrorKind::NotFound),
    ] {
        let connector = SqliteConnector::new(settings(&path, AllowedDirectories::Everything));
        assert_eq!(connector.test().await.expect_err("no file").kind, kind);
        assert!(!directory.path().join("missing.db").exists());
    }
}

#[tokio::test]
async fn a_damaged_file_is_an_error_and_no_shorter_table() {
    let database = Database::new(
        "CREATE TABLE t (a TEXT);
         WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 5000)
         INSERT INTO t SELECT 'some text of a row ' || n FROM s;",
    );
    let mut bytes = fs::read(database.path()).expect("the file");
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 4096].fill(0xa5);
    fs::write(database.path(), bytes).expect("the file");
    let error = database.refused(&of_table("t")).await;
    assert_eq!(error.kind, ErrorKind::InvalidData, "{error}");
    assert!(error.reason.starts_with("database disk image is malformed"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_confined_to_the_allowed_directories() {
    use std::os::unix::fs::symlink;

    let inside = Database::new("CREATE TABLE t (a);");
    let outside = Database::new("CREATE TABLE t (a);");
    let directory = inside.directory.path();
    let link_out = directory.join("out.db");
    symlink(outside.path(), &link_out).expect("a link");
    let link_in = outside.directory.path().join("in.db");
    symlink(inside.path(), &link_in).expect("a link");
    let around = directory.join("..").join(outside.directory.path().file_name().expect("a name"));
    let only = AllowedDirectories::Only(vec![directory.to_owned()]);
    for (path, expected) in [
        (inside.path(), None),
        (link_in, None),
        (link_out, Some(ErrorKind::PermissionDenied)),
        (outside.path(), Some(ErrorKind::PermissionDenied)),
        (around.join("a b?.db"), Some(ErrorKind::PermissionDenied)),
        (outside.directory.path().join("missing.db"), Some(ErrorKind::PermissionDenied)),
        (directory.join("missing.db"), Some(ErrorKind::NotFound)),
    ] {
        let connector = SqliteConnector::new(settings(&path, only.clone()));
        let kind = connector.test().await.err().map(|error| error.kind);
        assert_eq!(kind, expected, "{}", path.display());
    }
    let connector = SqliteConnector::new(settings(&inside.path(), AllowedDirectories::Nothing));
    let error = connector.test().await.expect_err("nothing is allowed");
    assert_eq!(error.kind, ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn reading_leaves_the_file_as_it_was() {
    let database = Database::new("CREATE TABLE t (a); INSERT INTO t VALUES (1);");
    let before = fs::read(database.path()).expect("the file");
    database.table("t").await;
    assert_eq!(fs::read(database.path()).expect("the file"), before);
    let files: Vec<_> = fs::read_dir(database.directory.path()).expect("the directory").collect();
    assert_eq!(files.len(), 1, "{files:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_stream_gives_its_connection_back() {
    let database = Database::new(
        "CREATE TABLE t (a);
         WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100000)
         INSERT INTO t SELECT n FROM s;",
    );
    let mut session = database.connector().session().await.expect("a session");
    for _ in 0..40 {
        let request = ExtractRequest { batch_bytes: 4096, partitions: Some(2), ..of_table("t") };
        let mut extraction = session.extract(&request).await.expect("the table is there");
        let mut streams = Vec::new();
        for partition in 0..extraction.partitions() {
            streams.push(extraction.stream(partition).await.expect("it is not started"));
        }
        assert!(streams[0].next().await.is_some_and(|batch| batch.is_ok()));
    }
    let extraction = session.extract(&of_table("t")).await.expect("the table is there");
    assert_eq!(drain(extraction).await.expect("the table can be read").rows.len(), 100_000);
}
