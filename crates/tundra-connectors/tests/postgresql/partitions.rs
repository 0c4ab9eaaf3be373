//! Tables in several streams, by whatever they are split: every row is in one of them, under writers too.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use arrow_array::{
    RecordBatch,
    cast::AsArray,
    types::{Int32Type, Int64Type},
};
use futures::{StreamExt, future::join_all};
use tundra_core::{Connector, ConnectorError, ExtractRequest, TablePattern};

use super::server::{Server, query, table};

const ROWS: i32 = 20_000;

/// Reads all streams at once and returns the ids of each.
async fn streams(server: &Server, request: &ExtractRequest) -> (Vec<Vec<i32>>, String) {
    let mut session = server.postgres().session().await.expect("a session");
    let mut extraction = session.extract(request).await.expect("an extraction");
    let reason = extraction.decisions()[0].reason.clone();
    let batches = all(&mut *extraction).await.expect("all streams are read");
    let ids = |batches: &Vec<RecordBatch>| -> Vec<i32> {
        let column = |batch: &RecordBatch| batch.column_by_name("id").expect("an id").clone();
        let ids = batches.iter().map(column);
        ids.flat_map(|ids| ids.as_primitive::<Int32Type>().values().to_vec()).collect()
    };
    (batches.iter().map(ids).collect(), reason)
}

async fn all(
    extraction: &mut dyn tundra_core::Extraction,
) -> Result<Vec<Vec<RecordBatch>>, ConnectorError> {
    let mut streams = Vec::new();
    for partition in 0..extraction.partitions() {
        streams.push(extraction.stream(partition).await?);
    }
    let read = join_all(streams.into_iter().map(|mut stream| async move {
        let mut batches = Vec::new();
        while let Some(batch) = stream.next().await {
            batches.push(batch?);
        }
        Ok(batches)
    }));
    read.await.into_iter().collect()
}

#[track_caller]
fn every_row_once(streams: &[Vec<i32>], what: &str) {
    let mut ids = streams.concat();
    ids.sort_unstable();
    assert!(ids.iter().copied().eq(1..=ROWS), "{what}: {} rows", ids.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_of_any_type_splits_a_table_evenly() {
    let server = Server::new();
    for (what, key) in [
        ("negative", "n - 10000000"),
        ("skewed", "(n::bigint * n * n * n)"),
        ("textual", "md5(n::text)"),
        ("awkward text", "chr(39) || chr(92) || (n * 7919 % 20011)::text"),
        ("timestamps", "timestamptz '2020-01-01' + n * interval '1 hour'"),
        (
            "days, some of them infinite",
            "CASE WHEN n % 100 = 0 THEN 'infinity' ELSE date '2020-01-01' + n END",
        ),
        ("identifiers", "md5(n::text)::uuid"),
        ("numbers, some of them none", "CASE WHEN n % 100 = 0 THEN 'NaN' ELSE n::float8 END"),
        ("with nulls", "CASE WHEN n % 10 <> 0 THEN n END"),
    ] {
        server.run(&format!(
            "DROP TABLE IF EXISTS t; CREATE TABLE t AS SELECT n::integer AS id, {key} AS k \
             FROM generate_series(1, {ROWS}) AS n"
        ));
        let by = ExtractRequest {
            partitions: Some(4),
            partition_column: Some("k".to_owned()),
            columns: Some(vec!["id".to_owned()]),
            ..table("t")
        };
        for request in
            [by.clone(), ExtractRequest { relation: query("SELECT * FROM t").relation, ..by }]
        {
            let (streams, reason) = streams(&server, &request).await;
            assert_eq!(streams.len(), 4, "{what}: {reason}");
            every_row_once(&streams, what);
            let least = streams.iter().map(Vec::len).min().unwrap_or(0);
            assert!(
                least >= 4000,
                "{what}: {:?}",
                streams.iter().map(Vec::len).collect::<Vec<_>>()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_value_or_none_at_all_makes_fewer_streams() {
    let server = Server::with(&format!(
        "CREATE TABLE t AS SELECT n AS id, 7 AS same, NULL::integer AS nothing, n % 2 AS two \
         FROM generate_series(1, {ROWS}) AS n"
    ));
    for (column, most) in [("same", 2), ("nothing", 1), ("two", 3)] {
        let partition_column = Some(column.to_owned());
        let request = ExtractRequest { partitions: Some(4), partition_column, ..table("t") };
        let (streams, _) = streams(&server, &request).await;
        assert!(streams.len() <= most, "{column}: {}", streams.len());
        every_row_once(&streams, column);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sort_of_relation_is_read_whole() {
    let server = Server::with(&format!(
        "CREATE TABLE plain AS SELECT n AS id FROM generate_series(1, {ROWS}) AS n; \
         CREATE VIEW v AS SELECT * FROM plain; \
         CREATE MATERIALIZED VIEW m AS SELECT * FROM plain; \
         CREATE TABLE parts (id integer) PARTITION BY RANGE (id); \
         CREATE TABLE parts1 PARTITION OF parts FOR VALUES FROM (MINVALUE) TO (300) \
             PARTITION BY LIST (id); \
         CREATE TABLE parts11 PARTITION OF parts1 DEFAULT; \
         CREATE TABLE parts2 PARTITION OF parts FOR VALUES FROM (300) TO (MAXVALUE); \
         INSERT INTO parts SELECT id FROM plain; \
         CREATE TABLE parent AS SELECT id FROM plain WHERE id % 2 = 0; \
         CREATE TABLE child () INHERITS (parent); \
         INSERT INTO child SELECT id FROM plain WHERE id % 2 = 1; \
         CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw; \
         CREATE FOREIGN TABLE elsewhere (id integer) SERVER files \
             OPTIONS (program 'seq 1 {ROWS}'); \
         CREATE TABLE keyed (k text PRIMARY KEY, id integer); \
         INSERT INTO keyed SELECT md5(id::text), id FROM plain; \
         CREATE TABLE \"odd \"\"name\" AS SELECT id FROM plain"
    ));
    server.run("ANALYZE");
    let pattern = TablePattern { schema: Some("public".to_owned()), name: "*".to_owned() };
    let mut session = server.postgres().session().await.expect("a session");
    let tables = session.tables(&pattern).await.expect("a list");
    let facts: Vec<_> = tables
        .iter()
        .map(|it| (it.name.name.as_str(), it.kind.as_str(), it.estimated_rows, it.bytes.is_some()))
        .collect();
    let all = u64::try_from(ROWS).ok();
    assert_eq!(
        facts,
        [
            ("child", "table", Some(10_000), true),
            ("elsewhere", "foreign table", None, false),
            ("keyed", "table", all, true),
            ("m", "materialized view", all, true),
            ("odd \"name", "table", all, true),
            ("parent", "table", Some(10_000), true),
            ("parts", "partitioned table", all, true),
            ("plain", "table", all, true),
            ("v", "view", None, false),
        ]
    );
    drop(session);
    for (name, column, expected) in [
        ("plain", None, 4),
        ("m", None, 4),
        ("parts", None, 4),
        ("parent", None, 4),
        ("keyed", None, 4),
        ("odd \"name", None, 4),
        ("v", None, 1),
        ("elsewhere", None, 1),
        ("v", Some("id"), 4),
        ("elsewhere", Some("id"), 4),
        ("parts", Some("id"), 4),
    ] {
        let partition_column = column.map(str::to_owned);
        let request = ExtractRequest { partitions: Some(4), partition_column, ..table(name) };
        let (streams, reason) = streams(&server, &request).await;
        assert_eq!(streams.len(), expected, "{name} by {column:?}: {reason}");
        every_row_once(&streams, name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_extractions_under_transfers_have_the_same_sum() {
    const EXTRACTIONS: usize = 1000;
    const TASKS: usize = 4;
    let server = Arc::new(Server::with(
        "CREATE TABLE accounts (id integer PRIMARY KEY, amount bigint) WITH (fillfactor = 50); \
         INSERT INTO accounts SELECT n, 1000 FROM generate_series(1, 2000) AS n; \
         CREATE PROCEDURE transfer(count integer) LANGUAGE plpgsql AS $$ BEGIN \
             FOR round IN 1..count LOOP \
                 UPDATE accounts SET amount = amount + CASE id WHEN a THEN -5 ELSE 5 END \
                 FROM (SELECT 1 + (random() * 999)::integer AS a, 1001 + (random() * 999)::integer AS b) \
                     AS pair WHERE id IN (a, b); \
                 COMMIT; \
             END LOOP; \
         END $$",
    ));
    let over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..2)
        .map(|_| {
            let (server, over) = (Arc::clone(&server), Arc::clone(&over));
            tokio::task::spawn_blocking(move || {
                while !over.load(Ordering::Relaxed) {
                    // Two transfers may wait for each other's rows; the server then ends one of them.
                    let _ = server.database.run("CALL transfer(500)");
                }
            })
        })
        .collect();
    let before = server.run("SELECT sum(xmin::text::bigint) FROM accounts");
    let readers: Vec<_> = (0..TASKS)
        .map(|_| {
            let server = Arc::clone(&server);
            tokio::spawn(async move {
                for round in 0..EXTRACTIONS / TASKS {
                    let request = ExtractRequest { partitions: Some(2), ..table("accounts") };
                    let mut session = server.postgres().session().await.expect("a session");
                    let mut extraction = session.extract(&request).await.expect("an extraction");
                    let batches = all(&mut *extraction).await.expect("all streams are read");
                    let amounts = batches.iter().flatten().map(|batch| {
                        let amounts = batch.column(1).as_primitive::<Int64Type>();
                        (amounts.len(), amounts.values().iter().sum::<i64>())
                    });
                    let (rows, sum) = amounts.fold((0, 0), |all, it| (all.0 + it.0, all.1 + it.1));
                    assert_eq!((rows, sum), (2000, 2_000_000), "round {round}");
                }
            })
        })
        .collect();
    for reader in readers {
        reader.await.expect("every sum is the same");
    }
    over.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.expect("it wrote");
    }
    assert_ne!(server.run("SELECT sum(xmin::text::bigint) FROM accounts"), before);
}
