//! MariaDB through an SSH server: the same as without.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arrow_array::{cast::AsArray, types::Int64Type};
use futures::StreamExt;
use tokio::time::timeout;
use tundra_connectors::{ConnectionSettings, Pem, SslMode, mysql::MysqlConnector};
use tundra_core::{Connector, ErrorKind, ExtractRequest, Retry, testing::connector::TestDatabase};
use tundra_test_services::env;

use super::support::{Server, query, read, table};
use crate::{
    bastion::{expect, fingerprint, kill_owner_of, mistakes, ssh, through, ways},
    reached::Reached,
};

/// Makes a database behind an SSH server.
fn behind() -> Reached<Server> {
    let database = Server::create();
    let connector = MysqlConnector::new(through(database.settings(), ssh()));
    Reached { database, connector: Arc::new(connector), splits_tables: true }
}

tundra_core::connector_behaviours!(behind());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sort_of_key_leads_through() {
    let (server, folder) = (Server::create(), tempfile::tempdir().expect("there is room"));
    for (what, ssh) in ways(folder.path()) {
        let connector = MysqlConnector::new(through(server.settings(), ssh));
        if let Err(error) = connector.test().await {
            panic!("{what}: {error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_mistake_is_told_apart_and_nothing_is_shown_that_is_secret() {
    let server = Server::create();
    for (ssh, kind, words) in mistakes() {
        let connector = MysqlConnector::new(through(server.settings(), ssh));
        let debug = format!("{connector:?} {}", connector.display());
        assert!(!debug.contains("PRIVATE KEY") && !debug.contains("passphrase-"), "{debug}");
        let error = connector.test().await.expect_err("there is no way through");
        expect(&error, kind, &words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(error.retry, Retry::Never, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_receipt_and_the_test_name_the_tunnel() {
    let behind = behind();
    behind.execute("CREATE TABLE t AS SELECT 1 AS n").await;
    let key = fingerprint("host_ed25519");
    let facts = behind.connector().test().await.expect("it connects");
    assert!(facts.tunnel.is_some_and(|it| it.ends_with(&key)));
    let mut session = behind.connector().session().await.expect("a session");
    let read = read(&mut *session, &table("t")).await.expect("it is read");
    let tunnel = read.decisions.iter().find(|it| it.what == "tunnel").expect("it is told");
    assert!(tunnel.reason.contains(&key), "{}", tunnel.reason);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_that_of_the_database_whatever_is_between() {
    let tls = env::tls().expect("there are certificates");
    let server = Server::create();
    let of = |host: &str| ConnectionSettings {
        host: Some(host.to_owned()),
        ssl_mode: SslMode::VerifyFull,
        ca: Some(Pem::File(tls.ca.clone())),
        ..through(server.settings(), ssh())
    };
    let facts = MysqlConnector::new(of("localhost")).test().await.expect("it connects");
    assert!(facts.tls.is_some() && facts.tunnel.is_some());
    let error = MysqlConnector::new(of("127.0.0.1")).test().await.expect_err("a wrong name");
    expect(&error, ErrorKind::Unavailable, &["TLS"]);
}

/// Rows that hardly end, with the port from which the server is asked for them.
fn many() -> ExtractRequest {
    query(
        "SELECT REPEAT('x', 1000) AS pad, (SELECT CAST(SUBSTRING_INDEX(host, ':', -1) AS SIGNED) \
         FROM information_schema.processlist WHERE id = CONNECTION_ID()) AS port FROM seq_1_to_50000000",
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_dropped_ends_its_query_at_the_server() {
    let behind = behind();
    let mut session = behind.connector().session().await.expect("a session");
    let mut extraction = session.extract(&many()).await.expect("it is prepared");
    let mut stream = extraction.stream(0).await.expect("it starts");
    stream.next().await.expect("there are rows").expect("they arrive");
    drop(stream);
    let working = format!(
        "SELECT COUNT(*) FROM information_schema.processlist WHERE user = '{}' \
         AND command <> 'Sleep' AND info LIKE '%seq_1_to_50000000%'",
        behind.database.user
    );
    let limit = Instant::now() + Duration::from_secs(20);
    while behind.database.run_beside(&working).await.trim() != "0" {
        assert!(Instant::now() < limit, "the query is still running");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_killed_while_rows_flow_is_an_error_at_once() {
    let behind = behind();
    let mut session = behind.connector().session().await.expect("a session");
    let mut extraction = session.extract(&many()).await.expect("it is prepared");
    let mut stream = extraction.stream(0).await.expect("it starts");
    let first = stream.next().await.expect("there are rows").expect("they arrive");
    let port = first.column(1).as_primitive::<Int64Type>().value(0);
    kill_owner_of(u16::try_from(port).expect("a port"));
    let error = timeout(Duration::from_secs(10), async {
        loop {
            match stream.next().await.expect("it does not end as if all were read") {
                Ok(_) => {}
                Err(error) => return error,
            }
        }
    });
    let error = error.await.expect("it is noticed");
    expect(&error, ErrorKind::Unavailable, &["SSH server", "is lost"]);
}
