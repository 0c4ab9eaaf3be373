//! Redshift's part of the protocol, without `COPY` and without snapshots, played by PostgreSQL. Redshift
//! itself is not to be had here.

use std::sync::Arc;

use tundra_connectors::{DatabaseKind, connector};
use tundra_core::{Connector, ErrorKind, ExtractRequest, OnLossy, testing::connector as behaviour};

use super::{
    server::{Server, query, read, table},
    torture,
};
use crate::reached::Reached;

/// Returns a connector that takes the database for one of Redshift.
fn redshift(server: &Server) -> Arc<dyn Connector> {
    let mut settings = server.settings();
    // The port of the kind is another one.
    settings.port = Some(settings.port());
    settings.kind = DatabaseKind::Redshift;
    connector(settings).expect("this build reads Redshift")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_does_what_every_connector_does() {
    let database = Server::new();
    let connector = redshift(&database);
    assert_eq!(connector.name(), "redshift");
    behaviour::run_all(&Reached { database, connector, splits_tables: false }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_types_that_both_have_are_what_the_server_prints() {
    const TYPES: &[&str] = &[
        "boolean",
        "smallint",
        "integer",
        "bigint",
        "real",
        "double precision",
        "numeric(15,2)",
        "numeric(38,0)",
        "numeric(38,38)",
        "numeric(38,10)",
        "text",
        "varchar(10)",
        "date",
        "time",
        "timetz",
        "timestamp",
        "timestamptz",
        "interval",
    ];
    let server = Server::with(&torture::table());
    let columns = torture::of_types(TYPES);
    assert_eq!(columns.len(), TYPES.len());
    for on_lossy in [OnLossy::Fail, OnLossy::Text, OnLossy::Null] {
        let names = columns.iter().map(|(name, _)| name.clone()).collect();
        let request = ExtractRequest { columns: Some(names), on_lossy, ..table("torture") };
        let read = read(&*redshift(&server), &request).await.expect("they have types");
        for (name, target) in &columns {
            assert_eq!(torture::differences_of(&server, &read, name), [""; 0], "{on_lossy:?}");
            if on_lossy != OnLossy::Text {
                assert_eq!(read.column_type(name), *target, "{name}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_type_holds_is_named() {
    let server = Server::with(
        "CREATE TABLE t AS SELECT n AS id, \
             CASE n WHEN 30001 THEN date 'infinity' ELSE date '2020-01-01' + n END AS d \
         FROM generate_series(1, 50000) AS n",
    );
    let connector = redshift(&server);
    let ordered = query("SELECT id, d FROM t ORDER BY id");
    let error = read(&*connector, &ordered).await.expect_err("one day is none");
    assert_eq!(error.kind, ErrorKind::InvalidData);
    assert_eq!(error.connector, "redshift");
    for words in ["row 30001", "`d`", "`infinity`"] {
        assert!(error.reason.contains(words), "{error}");
    }
    // In several portions.
    let request = ExtractRequest { on_lossy: OnLossy::Null, ..ordered };
    let read = read(&*connector, &request).await.expect("one day is null");
    assert_eq!(read.rows(), 50_000);
    assert_eq!(read.extraction.end(0).expect("it was read").server_rows, Some(50_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_fails_ends_the_session_and_says_so() {
    let server = Server::with("CREATE TABLE t AS SELECT 1 AS id");
    let mut session = redshift(&server).session().await.expect("a session");
    let error = session.extract(&table("missing")).await.expect_err("it is missing");
    assert_eq!(error.kind, ErrorKind::NotFound);
    // Another snapshot in its place would be another state of the database.
    let error = session.extract(&table("t")).await.expect_err("the transaction is over");
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    assert!(error.reason.contains("begin anew"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_stream_ends_the_query_on_the_server_too() {
    let server = Server::new();
    let mut session = redshift(&server).session().await.expect("a session");
    let slow = query("SELECT 1 AS one FROM pg_sleep(600)");
    let mut extraction = session.extract(&slow).await.expect("an extraction");
    let stream = extraction.stream(0).await.expect("a stream");
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                    AND wait_event = 'PgSleep'";
    while server.run(sleeping) != "1" {
        tokio::task::yield_now().await;
    }
    drop(stream);
    while server.run(sleeping) != "0" {
        tokio::task::yield_now().await;
    }
}
