//! What changed since an earlier run, while others write: no row is lost, and none is doubled.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use arrow_array::{cast::AsArray, types::Int32Type};
use tundra_core::{ErrorKind, ExtractRequest, Window};

use super::server::{Read, Server, query, table};

/// A user who is in the middle of something.
struct User {
    psql: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl User {
    fn of(server: &Server) -> Self {
        let program = tundra_test_services::env::postgres().expect("PostgreSQL is there").psql;
        let mut psql = Command::new(program)
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
            .arg(server.database.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("psql starts");
        let input = psql.stdin.take().expect("it has an input");
        let output = BufReader::new(psql.stdout.take().expect("it has an output"));
        Self { psql, input, output }
    }

    /// Runs a statement, and returns when it is done.
    fn run(&mut self, sql: &str) {
        writeln!(self.input, "{sql};\n\\echo done").expect("psql reads");
        let mut line = String::new();
        while line.trim_end() != "done" {
            line.clear();
            let read = self.output.read_line(&mut line).expect("psql writes");
            assert!(read > 0, "psql ended at {sql}");
        }
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = self.psql.kill();
        let _ = self.psql.wait();
    }
}

/// Reads the table from where the last window ended, and returns the ids and where this one ends.
async fn next(server: &Server, column: &str, after: Option<String>) -> (Vec<i32>, Option<String>) {
    let window = Some(Window { column: column.to_owned(), after });
    let request = ExtractRequest { window, partitions: Some(2), ..table("t") };
    let read = server.read(&request).await.expect("a window");
    let mark = read.extraction.end(0).expect("it was read").watermark;
    (ids(&read), mark)
}

fn ids(read: &Read) -> Vec<i32> {
    let mut ids = Vec::new();
    for batch in &read.batches {
        let column = batch.column_by_name("id").expect("there is an id");
        ids.extend(column.as_primitive::<Int32Type>().values());
    }
    ids.sort_unstable();
    ids
}

const TABLE: &str = "CREATE TABLE t (id integer, at timestamptz DEFAULT now())";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_are_committed_late_are_in_the_next_window_once() {
    for column in ["xmin", "at"] {
        let server = Server::with(TABLE);
        let (mut early, mut late, mut parts) =
            (User::of(&server), User::of(&server), User::of(&server));
        server.run("INSERT INTO t VALUES (1)");
        // One has written, one has not yet, and one writes in parts with numbers of their own.
        early.run("BEGIN; INSERT INTO t VALUES (2)");
        late.run("BEGIN; SELECT now()");
        parts.run("BEGIN; INSERT INTO t VALUES (3); SAVEPOINT s; INSERT INTO t VALUES (4)");
        server.run("INSERT INTO t VALUES (5)");

        let (ids, mark) = next(&server, column, None).await;
        assert_eq!(ids, [1, 5], "{column} {mark:?}");
        early.run("COMMIT");
        late.run("INSERT INTO t VALUES (6); SAVEPOINT s; INSERT INTO t VALUES (7)");
        let (ids, mark) = next(&server, column, mark).await;
        assert_eq!(ids, [2], "{column} {mark:?}");
        parts.run("COMMIT");
        let (ids, mark) = next(&server, column, mark).await;
        assert_eq!(ids, [3, 4], "{column} {mark:?}");
        late.run("COMMIT");
        server.run("INSERT INTO t VALUES (8)");
        let (ids, mark) = next(&server, column, mark).await;
        assert_eq!(ids, [6, 7, 8], "{column} {mark:?}");
        let (ids, mark) = next(&server, column, mark).await;
        assert_eq!(ids, [0; 0], "{column} {mark:?}");
        server.run("UPDATE t SET at = now() WHERE id < 3");
        let (ids, mark) = next(&server, column, mark).await;
        assert_eq!(ids, [1, 2], "{column} {mark:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_share_the_last_value_or_have_a_smaller_one_are_in_the_next_window_once() {
    let server = Server::with("CREATE TABLE t (id integer, at date)");
    server.run("INSERT INTO t VALUES (1, '2020-01-01'), (2, '2020-01-02')");
    // Nobody else is at work here, then or later.
    let (ids, mark) = next(&server, "at", None).await;
    assert_eq!(ids, [1, 2]);
    server.run("INSERT INTO t VALUES (3, '2020-01-02'), (4, '2019-12-31'), (5, NULL)");
    let (ids, mark) = next(&server, "at", mark).await;
    assert_eq!(ids, [3, 4, 5], "{mark:?}");
    let (ids, mark) = next(&server, "at", mark).await;
    assert_eq!(ids, [0; 0], "{mark:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nulls_alone_are_in_one_window() {
    let server = Server::with("CREATE TABLE t (id integer, at date)");
    let (ids, mark) = next(&server, "at", None).await;
    assert_eq!(ids, [0; 0]);
    server.run("INSERT INTO t VALUES (1, NULL)");
    let (ids, mark) = next(&server, "at", mark).await;
    assert_eq!(ids, [1], "{mark:?}");
    let (ids, mark) = next(&server, "at", mark).await;
    assert_eq!(ids, [0; 0], "{mark:?}");
    server.run("INSERT INTO t VALUES (2, '2020-01-01'), (3, NULL)");
    let (ids, mark) = next(&server, "at", mark).await;
    assert_eq!(ids, [2, 3], "{mark:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_windows_together_have_every_row_once_while_four_write() {
    const ROUNDS: usize = 12;
    const USERS: usize = 4;
    for column in ["xmin", "at"] {
        let server = std::sync::Arc::new(Server::with(TABLE));
        let writers: Vec<_> = (0..USERS)
            .map(|user| {
                let server = std::sync::Arc::clone(&server);
                tokio::task::spawn_blocking(move || {
                    let mut psql = User::of(&server);
                    for round in 0..ROUNDS * 4 {
                        let id = user * 10_000 + round * 10;
                        psql.run(&format!("BEGIN; INSERT INTO t VALUES ({id})"));
                        psql.run(&format!(
                            "SAVEPOINT s; INSERT INTO t SELECT {id} + n FROM generate_series(1, 3) AS n"
                        ));
                        psql.run(if round % 5 == 0 { "ROLLBACK" } else { "COMMIT" });
                    }
                })
            })
            .collect();
        let mut seen = BTreeMap::new();
        let mut mark = None;
        for _ in 0..ROUNDS {
            let (ids, after) = next(&server, column, mark).await;
            mark = after;
            for id in ids {
                *seen.entry(id).or_insert(0) += 1;
            }
        }
        for writer in writers {
            writer.await.expect("it wrote");
        }
        let (ids, _) = next(&server, column, mark).await;
        for id in ids {
            *seen.entry(id).or_insert(0) += 1;
        }
        let doubled: Vec<_> = seen.iter().filter(|(_, count)| **count > 1).collect();
        assert!(doubled.is_empty(), "{column} {doubled:?}");
        let all = server.run("SELECT id FROM t ORDER BY id");
        let all: Vec<i32> = all.lines().map(|id| id.parse().expect("a number")).collect();
        assert_eq!(seen.into_keys().collect::<Vec<_>>(), all, "{column}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_are_told_only_by_tables_that_know_them() {
    let server = Server::with(&format!(
        "{TABLE}; CREATE VIEW v AS SELECT * FROM t; \
         CREATE TABLE p (id integer) PARTITION BY LIST (id); \
         CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); INSERT INTO p VALUES (1)"
    ));
    let by = |after: Option<&str>| {
        Some(Window { column: "xmin".to_owned(), after: after.map(str::to_owned) })
    };
    for request in [table("v"), query("SELECT 1 AS id"), query("SELECT xmin FROM t")] {
        let request = ExtractRequest { window: by(None), ..request };
        // A query has a column of that name when it says so, and its values have no order.
        let error = server.refused(&request).await;
        assert_eq!(error.kind, ErrorKind::InvalidRequest, "{error}");
    }
    let request = ExtractRequest { window: by(Some("2020-01-01")), ..table("t") };
    assert_eq!(server.refused(&request).await.kind, ErrorKind::InvalidRequest);
    let request = ExtractRequest { window: by(None), ..table("p") };
    assert_eq!(server.read(&request).await.expect("its parts know").rows(), 1);
}
