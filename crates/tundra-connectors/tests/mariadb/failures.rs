//! What goes wrong: each with its kind, the server's own words, and no credentials.

use std::time::Duration;

use arrow_array::RecordBatch;
use futures::StreamExt;
use tundra_connectors::{ConnectionSettings, mysql::MysqlConnector};
use tundra_core::{
    BatchStream, Connector, ConnectorError, ErrorKind, ExtractRequest, Retry, Secret,
    testing::connector::TestDatabase,
};
use tundra_test_services::env;

use super::support::{PASSWORD, Server, query, settings_of, table};
use crate::{
    errors::{self, WRONG},
    network::Network,
};

/// Fails unless the error is of the kind, has the words in its reason, and shows nothing that is secret.
#[track_caller]
fn expect(error: &ConnectorError, kind: ErrorKind, words: &[&str]) {
    errors::expect(error, kind, &[], &[WRONG, PASSWORD]);
    for words in words {
        assert!(error.reason.contains(words), "`{words}` is not in {error:?}");
    }
}

async fn not_connected(settings: ConnectionSettings) -> ConnectorError {
    let connector = MysqlConnector::new(settings);
    let tested = connector.test().await.expect_err("there is no such server");
    let error = connector.session().await.expect_err("there is no such server");
    assert_eq!(tested.kind, error.kind, "{tested}; {error}");
    error
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_lead_to_the_database_is_told_apart() {
    let server = Server::create();

    let password = Some(Secret::new(WRONG));
    let error = not_connected(ConnectionSettings { password, ..server.settings() }).await;
    expect(&error, ErrorKind::PermissionDenied, &["ERROR 1045 (28000): Access denied for user"]);
    assert_eq!(error.retry, Retry::Never);

    let username = Some("nobody at all".to_owned());
    let error = not_connected(ConnectionSettings { username, ..server.settings() }).await;
    expect(&error, ErrorKind::PermissionDenied, &["nobody at all"]);

    // Who may see all databases is told that there is none, others are not.
    let database = Some("no such base".to_owned());
    let error =
        not_connected(ConnectionSettings { database: database.clone(), ..server.settings() }).await;
    expect(&error, ErrorKind::PermissionDenied, &["no such base"]);
    let all = settings_of(&env::mariadb().unwrap().url);
    let error = not_connected(ConnectionSettings { database, ..all }).await;
    expect(&error, ErrorKind::NotFound, &["Unknown database 'no such base'"]);

    let host = Some("no-such-host.invalid".to_owned());
    let error = not_connected(ConnectionSettings { host, ..server.settings() }).await;
    expect(&error, ErrorKind::Unavailable, &["no-such-host.invalid"]);

    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port = Some(free);
    let error = not_connected(ConnectionSettings { port, ..server.settings() }).await;
    expect(&error, ErrorKind::Unavailable, &[&free.to_string()]);
    assert_eq!(error.retry, Retry::Later);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_without_an_end_is_not_waited_for() {
    let server = Server::create();
    let (network, mut settings) = Network::before(server.settings()).await;
    network.hang();
    settings.connect_timeout = Duration::from_millis(300);
    let error = not_connected(settings).await;
    expect(&error, ErrorKind::Timeout, &["300ms"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_that_may_not_be_read_is_named_and_can_be_left_out() {
    let server = Server::with_rights(&[]);
    server.run("CREATE TABLE people (id INT PRIMARY KEY, name TEXT, salary INT)");
    server.run("INSERT INTO people VALUES (1, 'a', 10), (2, 'b', 20)");
    server.run(&format!("GRANT SELECT (id, name) ON people TO '{}'@'%'", server.user));

    let error = server.refused(&table("people")).await;
    expect(&error, ErrorKind::PermissionDenied, &["ERROR 1142 (42000): SELECT command denied"]);
    let hint = "read with `--columns` what you may read: `id`, `name`";
    assert!(error.hints.iter().any(|it| it == hint), "{:?}", error.hints);
    let error = server.refused(&query("SELECT id, salary FROM people")).await;
    expect(&error, ErrorKind::PermissionDenied, &["'salary'"]);

    let columns = Some(vec!["id".to_owned(), "name".to_owned()]);
    let request = ExtractRequest { columns, partitions: Some(2), ..table("people") };
    assert_eq!(server.read(&request).await.unwrap().rows(), 2);

    let error = server.refused(&table("mysql_has_no_such_table")).await;
    expect(&error, ErrorKind::PermissionDenied, &["mysql_has_no_such_table"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_told_in_the_servers_words() {
    let server = Server::create();
    server.run("CREATE TABLE here (id INT PRIMARY KEY)");
    let missing =
        format!("ERROR 1146 (42S02): Table '{}.gone' doesn't exist", server.database.name());
    let error = server.refused(&table("gone")).await;
    expect(&error, ErrorKind::NotFound, &[&missing]);
    let error = server.refused(&query("SELECT * FROM gone")).await;
    expect(&error, ErrorKind::NotFound, &[&missing]);
    let columns = Some(vec!["gone".to_owned()]);
    let error = server.refused(&ExtractRequest { columns, ..table("here") }).await;
    expect(&error, ErrorKind::InvalidRequest, &["ERROR 1054 (42S22): Unknown column 'gone'"]);
    let error = server.refused(&query("SELECT gone FROM here")).await;
    expect(&error, ErrorKind::InvalidRequest, &["ERROR 1054 (42S22): Unknown column 'gone'"]);
    let error = server.refused(&query("SELECT FROM here")).await;
    let words = "ERROR 1064 (42000): You have an error in your SQL syntax";
    expect(&error, ErrorKind::InvalidRequest, &[words]);
    let error = server.refused(&query("SELECT id, id FROM here")).await;
    expect(&error, ErrorKind::InvalidRequest, &["two columns are called `id`"]);
    let error = server.refused(&query("SELECT id FROM here WHERE id = ?")).await;
    expect(&error, ErrorKind::InvalidRequest, &["parameters"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_writes_is_refused_wherever_it_hides() {
    let server = Server::create();
    server.run(
        "CREATE TABLE kept (id INT PRIMARY KEY); INSERT INTO kept VALUES (1);
         CREATE SEQUENCE counter;
         DELIMITER //
         CREATE FUNCTION adds() RETURNS INT DETERMINISTIC
         BEGIN INSERT INTO kept VALUES (2); RETURN 2; END //
         CREATE FUNCTION adds_to_others() RETURNS INT DETERMINISTIC
         BEGIN DELETE FROM kept; RETURN 2; END //",
    );
    for (sql, words) in [
        (
            "SELECT adds()",
            "ERROR 1792 (25006): Cannot execute statement in a READ ONLY transaction",
        ),
        ("SELECT adds_to_others() AS a FROM kept", "READ ONLY transaction"),
        ("SELECT NEXTVAL(counter)", "READ ONLY transaction"),
        ("SELECT id FROM kept INTO OUTFILE '/tmp/tundra-must-not-write'", "INTO"),
        ("SELECT id INTO @a FROM kept", "INTO"),
        ("SELECT id FROM kept FOR UPDATE", "locked"),
        ("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE kept", "LOAD"),
        ("CALL nothing()", "CALL"),
        ("SET GLOBAL max_connections = 1", "SET"),
        ("SELECT 1 /*! ; DELETE FROM kept */", "runs"),
        ("SELECT 1; DELETE FROM kept", "two statements"),
        ("EXECUTE IMMEDIATE 'DELETE FROM kept'", "EXECUTE"),
    ] {
        let error = server.refused(&query(sql)).await;
        expect(&error, ErrorKind::InvalidRequest, &[words]);
        assert_eq!(server.run("SELECT GROUP_CONCAT(id) FROM kept"), "1", "{sql}");
    }
}

/// Makes a table that does not fit into the buffers between it and us.
fn large(server: &Server) {
    server.run(
        "CREATE TABLE large (id INT PRIMARY KEY, filler VARCHAR(1000));
         INSERT INTO large SELECT seq, REPEAT('x', 1000) FROM seq_1_to_50000",
    );
}

/// Returns the rows up to the failure, and the failure.
async fn until_it_fails(mut stream: BatchStream) -> (usize, ConnectorError) {
    let mut rows = 0;
    while let Some(batch) = stream.next().await {
        match batch {
            Ok(batch) => rows += RecordBatch::num_rows(&batch),
            Err(error) => return (rows, error),
        }
    }
    panic!("it was read to the end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_killed_midway_is_no_end() {
    let server = Server::create();
    large(&server);
    let mut session = server.session().await;
    let request = ExtractRequest { partitions: Some(1), ..table("large") };
    let mut extraction = session.extract(&request).await.unwrap();
    let mut stream = extraction.stream(0).await.unwrap();
    stream.next().await.expect("a batch").unwrap();
    let kill = format!(
        "SELECT CONCAT('KILL ', id, ';') FROM information_schema.PROCESSLIST WHERE user = '{}' \
         AND command <> 'Sleep'",
        server.user
    );
    let kill = server.run_beside(&kill).await;
    assert_eq!(kill.lines().count(), 1, "{kill}");
    server.run_beside(&kill).await;
    let (rows, error) = until_it_fails(stream).await;
    assert!(rows < 50_000, "{rows}");
    expect(&error, ErrorKind::Unavailable, &[]);
    assert_eq!(extraction.end(0), None);
    // The session's other connections see what they saw.
    let mut extraction = session.extract(&request).await.unwrap();
    let stream = extraction.stream(0).await.unwrap();
    let rows: usize =
        stream.map(|batch| batch.unwrap().num_rows()).collect::<Vec<_>>().await.iter().sum();
    assert_eq!(rows, 50_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_somebody_ends_is_no_end() {
    let server = Server::create();
    let mut session = server.session().await;
    let mut extraction = session.extract(&query(server.endless())).await.unwrap();
    let stream = extraction.stream(0).await.unwrap();
    let kill = format!(
        "SELECT CONCAT('KILL QUERY ', id, ';') FROM information_schema.PROCESSLIST WHERE \
         user = '{}' AND info LIKE '%seq_1_to_1000000%'",
        server.user
    );
    // It has begun when the server lists it.
    let kill = loop {
        let found = server.run_beside(&kill).await;
        if !found.is_empty() {
            break found;
        }
    };
    server.run_beside(&kill).await;
    let (_, error) = until_it_fails(stream).await;
    expect(&error, ErrorKind::Cancelled, &["ERROR 1317 (70100): Query execution was interrupted"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_breaks_off_midway_is_no_end() {
    let server = Server::create();
    large(&server);
    let (network, settings) = Network::before(server.settings()).await;
    let mut session = MysqlConnector::new(settings).session().await.unwrap();
    let mut extraction = session.extract(&table("large")).await.unwrap();
    let mut stream = extraction.stream(0).await.unwrap();
    stream.next().await.expect("a batch").unwrap();
    network.cut();
    let (_, error) = until_it_fails(stream).await;
    expect(&error, ErrorKind::Unavailable, &[]);
    assert_eq!((error.retry, extraction.end(0)), (Retry::Later, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_hangs_midway_is_not_waited_for_longer_than_the_statement() {
    let server = Server::create();
    large(&server);
    let (network, settings) = Network::before(server.settings()).await;
    let mut session = MysqlConnector::new(settings).session().await.unwrap();
    let statement_timeout = Some(Duration::from_secs(2));
    let request = ExtractRequest { statement_timeout, ..table("large") };
    let mut extraction = session.extract(&request).await.unwrap();
    let mut stream = extraction.stream(0).await.unwrap();
    stream.next().await.expect("a batch").unwrap();
    network.hang();
    let (_, error) = until_it_fails(stream).await;
    expect(&error, ErrorKind::Timeout, &["the network may hang"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_dropped_or_altered_after_the_preparation_is_told() {
    let server = Server::create();
    for (change, kind) in [
        ("DROP TABLE changed", ErrorKind::NotFound),
        ("ALTER TABLE changed ADD COLUMN more INT FIRST, ALGORITHM=COPY", ErrorKind::Conflict),
        ("ALTER TABLE changed MODIFY label INT, ALGORITHM=COPY", ErrorKind::Conflict),
        ("ALTER TABLE changed DROP COLUMN label", ErrorKind::Conflict),
    ] {
        server.run(
            "CREATE OR REPLACE TABLE changed (id INT PRIMARY KEY, label VARCHAR(20));
             INSERT INTO changed SELECT seq, '7' FROM seq_1_to_1000",
        );
        let mut session = server.session().await;
        let request = ExtractRequest { partitions: Some(1), ..table("changed") };
        let mut extraction = session.extract(&request).await.unwrap();
        server.run_beside(&format!("SET lock_wait_timeout = 5; {change}")).await;
        let (rows, error) = until_it_fails(extraction.stream(0).await.unwrap()).await;
        assert_eq!(rows, 0, "{change}");
        expect(&error, kind, &[]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_being_read_cannot_be_changed() {
    let server = Server::create();
    large(&server);
    let mut session = server.session().await;
    let mut extraction = session.extract(&table("large")).await.unwrap();
    let mut stream = extraction.stream(0).await.unwrap();
    stream.next().await.expect("a batch").unwrap();
    for change in ["DROP TABLE large", "ALTER TABLE large DROP COLUMN filler", "TRUNCATE large"] {
        let refused = server.database.run(&format!("SET lock_wait_timeout = 0; {change}"));
        let refused = refused.expect_err("it is being read").to_string();
        assert!(refused.contains("Lock wait timeout exceeded"), "{refused}");
    }
    while let Some(batch) = stream.next().await {
        batch.unwrap();
    }
}
