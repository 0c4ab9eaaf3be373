//! One state of the database on several connections, and where it is not to be had.

use arrow_array::{
    RecordBatch,
    cast::AsArray,
    types::{Int32Type, Int64Type},
};
use futures::StreamExt;
use tundra_connectors::mysql::MysqlConnector;
use tundra_core::{Connector, ErrorKind, ExtractRequest, Window, testing::connector::TestDatabase};

use super::support::{Server, query, read, table};

fn fill(server: &Server) {
    server.run(
        "CREATE TABLE rows_of_it (id INT PRIMARY KEY, label VARCHAR(20));
         INSERT INTO rows_of_it SELECT seq, 'x' FROM seq_1_to_10000",
    );
}

/// Returns the reason of the decision about something.
fn reason(read: &super::support::Read, what: &str) -> String {
    let found = read.decisions.iter().find(|decision| decision.what == what);
    found.map(|decision| format!("{}: {}", decision.value, decision.reason)).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_has_a_place_in_the_log() {
    let server = Server::create();
    fill(&server);
    let first = server.session().await;
    let first = first.position().expect("there is a log").to_owned();
    assert!(first.starts_with("gtid 0-"), "{first}");
    server.run("INSERT INTO rows_of_it VALUES (20000, 'later')");
    let second = server.session().await;
    assert_ne!(second.position(), Some(first.as_str()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_lock_has_a_snapshot_while_commits_wait() {
    let server = Server::create();
    fill(&server);
    let mut session = server.session().await;
    assert_eq!(session.single(), None);
    // This session, which goes on, locks nothing any more. Others of the same server lock it for moments.
    server.run("SET lock_wait_timeout = 20; UPDATE rows_of_it SET label = 'later'");
    let request = ExtractRequest { partitions: Some(4), ..table("rows_of_it") };
    let read = read(&mut *session, &request).await.unwrap();
    assert_eq!((read.rows(), read.ends.len()), (10_000, 4));
    let labels = read.batches.iter().map(|batch| batch.column(1).as_string::<i32>().clone());
    assert!(labels.into_iter().all(|labels| labels.iter().all(|label| label == Some("x"))));
    let reason = reason(&read, "snapshot");
    assert!(reason.contains("while commits waited"), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_lock_has_a_snapshot_that_the_log_proves() {
    let server = Server::with_rights(&["SELECT ON {}.*"]);
    fill(&server);
    let mut session = server.session().await;
    assert_eq!(session.single(), None);
    let request = ExtractRequest { partitions: Some(4), ..table("rows_of_it") };
    let read = read(&mut *session, &request).await.unwrap();
    assert_eq!((read.rows(), read.ends.len()), (10_000, 4));
    let reason = reason(&read, "snapshot");
    assert!(reason.contains("binary log"), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_of_one_connection_reads_on_one_and_is_told_why() {
    let server = Server::create();
    fill(&server);
    server.run(&format!("ALTER USER '{}'@'%' WITH MAX_USER_CONNECTIONS 1", server.user));
    let mut session = server.session().await;
    let single = session.single().expect("there is one connection").to_owned();
    assert!(single.contains("max_user_connections"), "{single}");
    let request = ExtractRequest { partitions: Some(4), ..table("rows_of_it") };
    let read = read(&mut *session, &request).await.unwrap();
    assert_eq!((read.rows(), read.ends.len()), (10_000, 1));
}

/// A table of an engine without transactions is one state within one statement only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_without_snapshots_is_read_in_one_stream() {
    let server = Server::create();
    for engine in ["MyISAM", "Aria", "MEMORY"] {
        server.run(&format!(
            "CREATE OR REPLACE TABLE old (id INT PRIMARY KEY) ENGINE={engine};
             INSERT INTO old SELECT seq FROM seq_1_to_1000"
        ));
        let request = ExtractRequest { partitions: Some(4), ..table("old") };
        let read = server.read(&request).await.unwrap();
        assert_eq!((read.rows(), read.ends.len()), (1000, 1), "{engine}");
        let reason = reason(&read, "partitions");
        assert!(reason.contains(engine), "{reason}");
    }
}

/// A view is split only where every table behind it is under the snapshot, as deep as it lies.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_or_query_of_an_engine_without_snapshots_is_read_in_one_stream() {
    let server = Server::create();
    server.run(
        "CREATE TABLE kept (id INT PRIMARY KEY) ENGINE=InnoDB;
         CREATE TABLE old_rows (id INT PRIMARY KEY) ENGINE=MyISAM;
         INSERT INTO kept SELECT seq FROM seq_1_to_1000;
         INSERT INTO old_rows SELECT seq FROM seq_1_to_1000;
         CREATE VIEW of_kept AS SELECT id FROM kept;
         CREATE VIEW of_old AS SELECT id FROM old_rows;
         CREATE VIEW of_view AS SELECT id FROM of_old",
    );
    for (request, streams) in [
        (table("of_kept"), 4),
        (table("of_old"), 1),
        (table("of_view"), 1),
        (query("SELECT id FROM kept"), 4),
        (query("SELECT id FROM of_kept"), 4),
        (query("SELECT kept.id FROM kept JOIN `old_rows` USING (id)"), 1),
        (query("SELECT id FROM of_view"), 1),
    ] {
        let request = ExtractRequest {
            partitions: Some(4),
            partition_column: Some("id".to_owned()),
            ..request
        };
        let read = server.read(&request).await.unwrap();
        assert_eq!((read.rows(), read.ends.len()), (1000, streams), "{:?}", request.relation);
        if streams == 1 {
            let reason = reason(&read, "partitions");
            assert!(reason.contains("`old_rows`"), "{reason}");
        }
    }
}

/// Rows that are written while the window is read are in the next one, and not in both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_without_a_snapshot_ends_at_its_mark() {
    let server = Server::create();
    server.run(
        "CREATE TABLE old (id INT, note INT) ENGINE=MyISAM;
         INSERT INTO old VALUES (1, 0), (2, 0), (NULL, 0)",
    );
    let mut after = None;
    // A null is in the first window only, and this one is.
    for (written, rows) in [("(3, 0), (NULL, 0)", 4), ("(4, 0)", 1), ("(5, 0)", 1)] {
        let mut session = server.session().await;
        let window = Some(Window { column: "id".to_owned(), after: after.clone() });
        // The column need not be among those that are read.
        let columns = Some(vec!["note".to_owned()]);
        let request = ExtractRequest { window, columns, ..table("old") };
        let mut extraction = session.extract(&request).await.unwrap();
        server.run(&format!("INSERT INTO old VALUES {written}"));
        let mut stream = extraction.stream(0).await.unwrap();
        let mut read = 0;
        while let Some(batch) = stream.next().await {
            read += batch.unwrap().num_rows();
        }
        assert_eq!(read, rows, "{after:?}");
        after = extraction.end(0).expect("it was read").watermark;
    }
    server.run("CREATE TABLE ratios (ratio FLOAT)");
    let window = Some(Window { column: "ratio".to_owned(), after: None });
    let error = server.refused(&ExtractRequest { window, ..table("ratios") }).await;
    assert_eq!(error.kind, ErrorKind::InvalidRequest);
    assert!(error.to_string().contains("FLOAT"), "{error}");
}

/// Keys of every type, skewed and with nulls, are all read, and each once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_key_splits_a_table_without_a_gap() {
    const ROWS: usize = 5000;
    let server = Server::create();
    server.run(&format!(
        "CREATE TABLE keyed (id INT PRIMARY KEY, skewed BIGINT, negative INT, wide BIGINT UNSIGNED,
             label VARCHAR(40), folded VARCHAR(40) COLLATE utf8mb4_general_ci, raw VARBINARY(20),
             moment DATETIME(6), instant TIMESTAMP(6) NULL, day DATE, clock TIME, u UUID, address INET6,
             amount DECIMAL(20,4), ratio DOUBLE, kind ENUM('z','m','a'), bits BIT(10), few INT,
             INDEX (skewed), INDEX (wide), INDEX (label), INDEX (few));
         INSERT INTO keyed SELECT seq, IF(seq % 100 = 0, seq * 1000000007, 5), -seq,
             18446744073709551615 - seq * 3000000000000000, CONCAT('ключ-', MD5(seq)),
             IF(seq % 2, CONCAT('KEY', seq), CONCAT('key', seq)), UNHEX(MD5(seq)),
             '2024-01-01' + INTERVAL seq * 7919 MICROSECOND, '2024-03-31' + INTERVAL seq MINUTE,
             '2000-01-01' + INTERVAL seq % 9000 DAY, SEC_TO_TIME(seq * 17),
             CONCAT(LEFT(MD5(seq), 8), '-0000-4000-8000-', SUBSTR(MD5(seq), 9, 12)),
             INET6_NTOA(UNHEX(MD5(seq))), seq / 7, SQRT(seq), ELT(seq % 3 + 1, 'z', 'm', 'a'),
             seq % 1024, seq % 3 FROM seq_1_to_{ROWS};
         UPDATE keyed SET skewed = NULL, negative = NULL, wide = NULL, label = NULL, folded = NULL,
             raw = NULL, moment = NULL, instant = NULL, day = NULL, clock = NULL, u = NULL,
             address = NULL, amount = NULL, ratio = NULL, kind = NULL, bits = NULL, few = NULL
             WHERE id % 50 = 0;
         ANALYZE TABLE keyed"
    ));
    let mut session = server.session().await;
    for (column, most) in [
        ("id", 0.4),
        ("skewed", 1.0),
        ("negative", 0.4),
        ("wide", 0.4),
        ("label", 0.4),
        ("folded", 0.4),
        ("raw", 0.4),
        ("moment", 0.4),
        ("instant", 0.4),
        ("day", 0.4),
        ("clock", 0.4),
        ("u", 0.4),
        ("address", 0.4),
        ("amount", 0.4),
        ("ratio", 0.4),
        ("kind", 0.8),
        ("bits", 0.4),
        ("few", 0.8),
    ] {
        let request = ExtractRequest {
            partitions: Some(4),
            partition_column: Some(column.to_owned()),
            columns: Some(vec!["id".to_owned()]),
            ..table("keyed")
        };
        let mut extraction = session.extract(&request).await.unwrap();
        let mut ids = Vec::new();
        let mut largest = 0;
        let count = extraction.partitions();
        for partition in 0..count {
            let mut stream = extraction.stream(partition).await.unwrap();
            let mut rows = 0;
            while let Some(batch) = stream.next().await {
                let batch = batch.unwrap();
                rows += batch.num_rows();
                ids.extend_from_slice(batch.column(0).as_primitive::<Int32Type>().values());
            }
            largest = largest.max(rows);
        }
        ids.sort_unstable();
        let expected: Vec<i32> = (1..=i32::try_from(ROWS).unwrap()).collect();
        assert!(ids == expected, "{column}: {} rows in {count} streams", ids.len());
        let share = largest as f64 / ROWS as f64;
        assert!(share <= most, "{column}: one of {count} streams has {share} of the rows");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_may_have_one_connection_by_wish() {
    let server = Server::create();
    fill(&server);
    let one = std::num::NonZeroUsize::MIN;
    let connector = MysqlConnector::new(server.settings()).with_connections(one);
    let mut session = connector.session().await.unwrap();
    assert_eq!(session.single(), None);
    let request = ExtractRequest { partitions: Some(4), ..table("rows_of_it") };
    let read = read(&mut *session, &request).await.unwrap();
    assert_eq!((read.rows(), read.ends.len()), (10_000, 1));
    assert_eq!(server.connector().name(), "mariadb");
}

/// While amounts go from one row to another all the time, their sum stays, with a lock and without.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sums_hold_under_constant_transfers() {
    const ROUNDS: usize = 15;
    for rights in [&["ALL ON {}.*", "RELOAD ON *.*"][..], &["SELECT ON {}.*"]] {
        let server = Server::with_rights(rights);
        server.run(
            "CREATE TABLE accounts (id INT PRIMARY KEY, amount BIGINT NOT NULL);
             INSERT INTO accounts SELECT seq, 1000 FROM seq_1_to_400;
             CREATE TABLE stop (it INT);
             DELIMITER //
             CREATE PROCEDURE transfer() BEGIN
                 WHILE NOT EXISTS (SELECT * FROM stop) DO
                     START TRANSACTION;
                     SET @one = 1 + FLOOR(RAND() * 400), @other = 1 + FLOOR(RAND() * 400);
                     UPDATE accounts SET amount = amount - 7 WHERE id = @one;
                     UPDATE accounts SET amount = amount + 7 WHERE id = @other;
                     COMMIT;
                 END WHILE;
             END //",
        );
        let transfers = server.run_beside("CALL transfer()");
        let reads = async {
            let request = ExtractRequest { partitions: Some(4), ..table("accounts") };
            let mut sums = Vec::new();
            for _ in 0..ROUNDS {
                let read = server.read(&request).await.unwrap();
                let of = |batch: &RecordBatch| -> i64 {
                    batch.column(1).as_primitive::<Int64Type>().values().iter().sum()
                };
                sums.push((read.rows(), read.batches.iter().map(of).sum::<i64>()));
            }
            server.run_beside("INSERT INTO stop VALUES (1)").await;
            sums
        };
        let (sums, _) = futures::future::join(reads, transfers).await;
        assert_eq!(sums, vec![(400, 400_000); ROUNDS], "{rights:?}");
    }
}
