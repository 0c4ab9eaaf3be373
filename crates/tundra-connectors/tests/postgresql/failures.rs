//! What goes wrong: each with its kind, the server's own words, and no credentials.

use std::time::Duration;

use futures::StreamExt;
use tundra_connectors::{ConnectionSettings, postgresql::PostgresConnector};
use tundra_core::{
    BatchStream, Connector, ConnectorError, ErrorKind, ExtractRequest, Extraction, Retry, Secret,
    Session,
};

use super::server::{Server, query, table};
use crate::{
    errors::{self, WRONG},
    network::Network,
};

/// Fails unless the error is of the kind, has the words, and shows nothing that is secret.
#[track_caller]
fn expect(error: &ConnectorError, kind: ErrorKind, words: &[&str]) {
    errors::expect(error, kind, words, &[WRONG]);
}

/// Reads on, and returns why the stream breaks off.
async fn broken_off(stream: &mut BatchStream) -> ConnectorError {
    loop {
        match stream.next().await.expect("it does not end as if all were read") {
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}

async fn not_connected(settings: ConnectionSettings) -> ConnectorError {
    let connector = PostgresConnector::new(settings);
    let tested = connector.test().await.expect_err("there is no such server");
    let error = connector.session().await.expect_err("there is no such server");
    assert_eq!(tested.kind, error.kind, "{tested}; {error}");
    error
}

#[tokio::test]
async fn what_does_not_lead_to_the_database_is_told_apart() {
    let server = Server::new();

    let password = Some(Secret::new(WRONG.to_owned()));
    let settings = ConnectionSettings { password: password.clone(), ..server.settings() };
    let error = not_connected(settings).await;
    expect(&error, ErrorKind::PermissionDenied, &["password authentication failed", "28P01"]);
    assert_eq!(error.retry, Retry::Never);

    let settings =
        ConnectionSettings { username: Some("nobody at all".to_owned()), ..server.settings() };
    let error = not_connected(settings).await;
    expect(&error, ErrorKind::PermissionDenied, &["nobody at all"]);

    let settings =
        ConnectionSettings { database: Some("no such base".to_owned()), ..server.settings() };
    let error = not_connected(settings).await;
    expect(&error, ErrorKind::NotFound, &["database \"no such base\" does not exist"]);

    let settings = ConnectionSettings {
        host: Some("no-such-host.invalid".to_owned()),
        password: password.clone(),
        ..server.settings()
    };
    let error = not_connected(settings).await;
    expect(&error, ErrorKind::Unavailable, &["no-such-host.invalid"]);

    // A port that nobody listens on: it was somebody's a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = listener.local_addr().expect("it has an address").port();
    drop(listener);
    let settings = ConnectionSettings { port: Some(port), password, ..server.settings() };
    let error = not_connected(settings).await;
    expect(&error, ErrorKind::Unavailable, &[&port.to_string(), "refused"]);
    assert_eq!(error.retry, Retry::Later);
}

#[tokio::test]
async fn a_server_that_speaks_otherwise_or_not_at_all_is_not_waited_for() {
    let server = Server::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = listener.local_addr().expect("it has an address").port();
    // The system takes the connections, and nobody answers.
    let settings = ConnectionSettings {
        port: Some(port),
        connect_timeout: Duration::from_millis(200),
        ..server.settings()
    };
    let error = not_connected(settings.clone()).await;
    expect(&error, ErrorKind::Timeout, &["200ms"]);

    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = Some(listener.local_addr().expect("it has an address").port());
    let serving = tokio::task::spawn_blocking(move || {
        use std::io::{Read, Write};
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().expect("somebody connects");
            let _ = stream.read(&mut [0; 64]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let settings =
        ConnectionSettings { port, connect_timeout: Duration::from_secs(20), ..settings };
    let error = not_connected(settings).await;
    expect(&error, ErrorKind::Unavailable, &["protocol"]);
    serving.await.expect("it served");
}

#[tokio::test]
async fn a_request_that_the_server_refuses_has_its_words() {
    let server = Server::with(
        "CREATE TABLE t (id integer, name text); INSERT INTO t VALUES (1, 'a'); \
         CREATE SEQUENCE s; \
         CREATE FUNCTION sneaky() RETURNS integer LANGUAGE sql AS 'INSERT INTO t VALUES (2) RETURNING id'",
    );
    for (request, kind, words) in [
        (table("missing"), ErrorKind::NotFound, "relation \"missing\" does not exist"),
        (
            query("SELECT nothing FROM t"),
            ErrorKind::InvalidRequest,
            "column \"nothing\" does not exist",
        ),
        (
            query("SELECT * FROM missing"),
            ErrorKind::NotFound,
            "relation \"missing\" does not exist",
        ),
        (query("SELECT * FORM t"), ErrorKind::InvalidRequest, "syntax error at or near \"FORM\""),
        (query("SELECT 1; SELECT 2"), ErrorKind::InvalidRequest, "multiple commands"),
        (query("SELECT 1) TO STDOUT; --"), ErrorKind::InvalidRequest, "syntax error"),
        (query("SELECT nextval('s')"), ErrorKind::InvalidRequest, "read-only transaction"),
        (query("SELECT sneaky()"), ErrorKind::InvalidRequest, "read-only transaction"),
        (query("SELECT id FROM t FOR UPDATE"), ErrorKind::InvalidRequest, "read-only transaction"),
        (query("SELECT 1 / (id - 1) FROM t"), ErrorKind::InvalidData, "division by zero"),
        (query("SELECT $1::integer"), ErrorKind::InvalidRequest, "parameter"),
        (query("SET default_transaction_read_only = off"), ErrorKind::InvalidRequest, "no columns"),
        (query("COPY t TO '/tmp/x'"), ErrorKind::InvalidRequest, "no columns"),
        (query("SELECT pg_sleep(60)"), ErrorKind::Timeout, "statement timeout"),
    ] {
        let request = ExtractRequest { statement_timeout: Some(Duration::from_secs(3)), ..request };
        let error = server.refused(&request).await;
        expect(&error, kind, &[words]);
    }
    // What a read-only transaction of PostgreSQL 15 does not refuse is undone with it.
    let _ = server.read(&query("SELECT lo_create(0)")).await;
    assert_eq!(server.run("SELECT count(*) FROM pg_largeobject_metadata"), "0");
    assert_eq!(server.run("SELECT count(*) FROM t"), "1");
    assert_eq!(server.run("SELECT is_called FROM s"), "f");
}

#[tokio::test]
async fn a_column_that_may_not_be_read_is_named() {
    let server = Server::with("CREATE TABLE t (id integer, secret text, name text)");
    let role = format!("{}_reader", server.run("SELECT current_database()"));
    server.run(&format!(
        "INSERT INTO t VALUES (1, 'x', 'a'); CREATE ROLE {role} LOGIN PASSWORD 'pass-of-reader'; \
         GRANT SELECT (id, name) ON t TO {role}"
    ));
    let mut settings = server.settings();
    settings.username = Some(role.clone());
    settings.password = Some(Secret::new("pass-of-reader".to_owned()));
    let connector = PostgresConnector::new(settings);

    let error = super::server::read(&connector, &table("t")).await.expect_err("a column is secret");
    expect(&error, ErrorKind::PermissionDenied, &["permission denied for table t", "`secret`"]);
    let columns = Some(vec!["name".to_owned(), "id".to_owned()]);
    let request = ExtractRequest { columns, ..table("t") };
    let read = super::server::read(&connector, &request).await.expect("these may be read");
    assert_eq!(read.rows(), 1);
    let error = super::server::read(&connector, &query("SELECT secret FROM t")).await;
    expect(&error.expect_err("it is secret"), ErrorKind::PermissionDenied, &["permission denied"]);
    drop(connector);
    server.run(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

const WIDE: &str = "CREATE TABLE wide AS SELECT n AS id, repeat('x', 1000) AS filling \
                    FROM generate_series(1, 60000) AS n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_process_that_is_killed_midway_ends_the_stream_with_an_error() {
    let server = Server::with(WIDE);
    let mut session = server.postgres().session().await.expect("a session");
    let request = ExtractRequest { partitions: Some(2), ..table("wide") };
    let mut extraction = session.extract(&request).await.expect("an extraction");
    let mut streams = vec![
        extraction.stream(0).await.expect("a stream"),
        extraction.stream(1).await.expect("a stream"),
    ];
    for stream in &mut streams {
        stream.next().await.expect("a batch").expect("which is whole");
    }
    let killed = server.run(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE datname = current_database() AND application_name = 'tundra'",
    );
    assert_eq!(killed, "3");
    for (at, mut stream) in streams.into_iter().enumerate() {
        let error = broken_off(&mut stream).await;
        // A server that cannot send its rows sends no words either.
        expect(&error, ErrorKind::Unavailable, &[]);
        assert!(stream.next().await.is_none());
        assert_eq!(extraction.end(at), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_process_that_is_killed_while_it_works_says_so() {
    let server = Server::new();
    let connector = server.postgres();
    let slow = query("SELECT 1 AS one FROM pg_sleep(60)");
    let reading = tokio::spawn(async move { super::server::read(&connector, &slow).await });
    let sleeping = "FROM pg_stat_activity WHERE datname = current_database() \
                    AND application_name = 'tundra' AND wait_event = 'PgSleep'";
    while server.run(&format!("SELECT count(pg_terminate_backend(pid)) {sleeping}")) == "0" {
        tokio::task::yield_now().await;
    }
    let error = reading.await.expect("no panic").expect_err("the server process is gone");
    expect(&error, ErrorKind::Unavailable, &["administrator command", "57P01"]);
    assert_eq!(error.retry, Retry::Later);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_is_gone_is_not_replaced_by_another() {
    let server = Server::with(WIDE);
    let mut session = begun(&server).await;
    let mut extraction = session.extract(&table("wide")).await.expect("an extraction");
    let killed = server.run(
        "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity \
         WHERE datname = current_database() AND application_name = 'tundra'",
    );
    assert_eq!(killed, "1");
    let error = extraction.stream(0).await.err().expect("nobody holds the snapshot any more");
    expect(&error, ErrorKind::Conflict, &["the snapshot of the session is gone"]);
    assert_eq!(error.retry, Retry::Later);
    let error = session.extract(&table("wide")).await.expect_err("its connection is gone");
    expect(&error, ErrorKind::Unavailable, &[]);
}

/// Begins to read the wide table: a batch has come, and others are on their way.
async fn reading(
    settings: ConnectionSettings,
) -> (Box<dyn Session>, Box<dyn Extraction>, BatchStream) {
    let mut session = PostgresConnector::new(settings).session().await.expect("a session");
    let mut extraction = session.extract(&table("wide")).await.expect("an extraction");
    let mut stream = extraction.stream(0).await.expect("a stream");
    stream.next().await.expect("a batch").expect("which is whole");
    (session, extraction, stream)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_breaks_off_is_an_error_and_not_the_end_of_the_rows() {
    let server = Server::with(WIDE);
    let (network, settings) = Network::before(server.settings()).await;
    let (_session, extraction, mut stream) = reading(settings).await;
    network.cut();
    let error = broken_off(&mut stream).await;
    expect(&error, ErrorKind::Unavailable, &["connection"]);
    assert_eq!(extraction.end(0), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_hangs_is_not_waited_for_for_ever() {
    let server = Server::with(WIDE);
    let (network, settings) = Network::before(server.settings()).await;
    let settings = ConnectionSettings { connect_timeout: Duration::from_millis(500), ..settings };
    let (mut session, _extraction, mut stream) = reading(settings).await;
    network.hang();
    let error = broken_off(&mut stream).await;
    expect(&error, ErrorKind::Timeout, &["nothing came", "500ms"]);
    let error = session.extract(&table("wide")).await.expect_err("the network hangs");
    expect(&error, ErrorKind::Timeout, &["nothing came", "500ms"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_hangs_alone_is_not_waited_for_for_ever() {
    let server = Server::with(WIDE);
    let (network, settings) = Network::before(server.settings()).await;
    let settings = ConnectionSettings { connect_timeout: Duration::from_millis(500), ..settings };
    let (_session, _extraction, mut stream) = reading(settings).await;
    network.hang_those_there();
    let error = broken_off(&mut stream).await;
    expect(&error, ErrorKind::Timeout, &["the server sends, and nothing arrived"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_works_for_long_is_waited_for() {
    let server = Server::new();
    let settings =
        ConnectionSettings { connect_timeout: Duration::from_millis(300), ..server.settings() };
    let connector = PostgresConnector::new(settings);
    let read = super::server::read(&connector, &query("SELECT 1 AS one FROM pg_sleep(2)")).await;
    assert_eq!(read.expect("it is only slow").rows(), 1);
}

async fn begun(server: &Server) -> Box<dyn Session> {
    server.postgres().session().await.expect("a session")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_was_rewritten_after_the_snapshot_is_not_read_as_empty() {
    let server = Server::with(
        "CREATE TABLE t AS SELECT 1 AS id FROM generate_series(1, 1000); \
         CREATE TABLE p (k integer) PARTITION BY LIST (k); \
         CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); INSERT INTO p VALUES (1); \
         CREATE VIEW v AS SELECT * FROM t",
    );
    let mut session = begun(&server).await;
    server.run("TRUNCATE t; ALTER TABLE p1 ALTER COLUMN k SET NOT NULL; VACUUM FULL p1");
    for request in [
        table("t"),
        table("p"),
        table("p1"),
        table("v"),
        query("SELECT count(*) FROM t"),
        query("SELECT * FROM (SELECT 1) AS x WHERE EXISTS (SELECT FROM p)"),
    ] {
        let error = session.extract(&request).await.expect_err("the table is another one");
        expect(&error, ErrorKind::Conflict, &["rewritten"]);
        assert_eq!(error.retry, Retry::Later);
    }
    let mut session = begun(&server).await;
    session.extract(&table("t")).await.expect("a new snapshot sees the new table");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_is_not_dropped_or_altered_during_an_extraction() {
    let server = Server::with(WIDE);
    let mut session = begun(&server).await;
    let request = ExtractRequest { partitions: Some(2), ..table("wide") };
    let mut extraction = session.extract(&request).await.expect("an extraction");
    let mut first = extraction.stream(0).await.expect("a stream");
    for change in ["DROP TABLE wide", "TRUNCATE wide", "ALTER TABLE wide ALTER id TYPE text"] {
        let refused = server.database.run(&format!("SET lock_timeout = '100ms'; {change}"));
        let refused = refused.expect_err("the session holds the table").to_string();
        assert!(refused.contains("lock timeout"), "{refused}");
    }
    let mut rows = 0;
    while let Some(batch) = first.next().await {
        rows += batch.expect("a batch").num_rows();
    }
    let mut second = extraction.stream(1).await.expect("a stream");
    while let Some(batch) = second.next().await {
        rows += batch.expect("a batch").num_rows();
    }
    assert_eq!(rows, 60_000);
    drop((session, extraction));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_to_alter_a_table_does_not_stop_the_extraction_for_ever() {
    let server = Server::with(WIDE);
    let mut session = begun(&server).await;
    let mut extraction = session.extract(&table("wide")).await.expect("an extraction");
    let database = std::sync::Arc::clone(&server.database);
    let altering = tokio::task::spawn_blocking(move || database.run("ALTER TABLE wide ADD y text"));
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'wide'::regclass";
    while server.run(waiting) == "0" {
        tokio::task::yield_now().await;
    }
    // Behind whom wants the table alone nobody gets it any more, our second connection neither.
    let error = extraction.stream(0).await.err().expect("the table is waited for by somebody else");
    expect(&error, ErrorKind::Conflict, &["lock timeout"]);
    assert_eq!(error.retry, Retry::Later);
    drop((session, extraction));
    altering.await.expect("no panic").expect("it has the table now");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_does_not_fit_is_named_with_its_row() {
    let server = Server::with(
        "CREATE TABLE t AS SELECT n AS id, date '2020-01-01' + n AS d FROM generate_series(1, 5000) AS n; \
         UPDATE t SET d = 'infinity' WHERE id = 4711",
    );
    let error = server.refused(&query("SELECT * FROM t ORDER BY id")).await;
    expect(&error, ErrorKind::InvalidData, &["row 4711", "`d`", "`infinity`", "--on-lossy"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_stream_ends_the_query_on_the_server_too() {
    let server = Server::with(WIDE);
    let mut session = begun(&server).await;
    let running = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND application_name = 'tundra' AND state = 'active'";
    let mut extraction = session.extract(&table("wide")).await.expect("an extraction");
    let stream = extraction.stream(0).await.expect("a stream");
    assert_eq!(server.run(running), "1");
    drop(stream);
    while server.run(running) != "0" {
        tokio::task::yield_now().await;
    }
}
