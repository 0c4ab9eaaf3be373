//! PostgreSQL through an SSH server: the same as without, and what an SSH server can do wrong.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::StreamExt;
use tokio::time::timeout;
use tundra_connectors::{
    AddressPolicy, ConnectionSettings, HostKey, Pem, SshSettings, SslMode,
    postgresql::{PostgresConnector, RedshiftConnector},
};
use tundra_core::{Connector, ConnectorError, ErrorKind, Retry};
use tundra_test_services::env;

use super::server::{Server, query, read, table};
use crate::{
    bastion::{expect, fingerprint, kill_owner_of, mistakes, public, ssh, through, ways, with_key},
    network::Network,
    reached::Reached,
};

/// Makes a database behind an SSH server.
fn behind() -> Reached<Server> {
    let database = Server::new();
    let connector = PostgresConnector::new(through(database.settings(), ssh()));
    Reached { database, connector: Arc::new(connector), splits_tables: true }
}

tundra_core::connector_behaviours!(behind());

async fn refused(settings: ConnectionSettings) -> ConnectorError {
    let connector = PostgresConnector::new(settings);
    let debug = format!("{connector:?} {}", connector.display());
    assert!(!debug.contains("PRIVATE KEY") && !debug.contains("passphrase-"), "{debug}");
    connector.test().await.expect_err("there is no way through")
}

#[tokio::test]
async fn every_sort_of_key_leads_through() {
    let (server, folder) = (Server::new(), tempfile::tempdir().expect("there is room"));
    for (what, ssh) in ways(folder.path()) {
        let connector = PostgresConnector::new(through(server.settings(), ssh));
        if let Err(error) = connector.test().await {
            panic!("{what}: {error}");
        }
        let debug = format!("{connector:?}");
        assert!(!debug.contains("PRIVATE KEY") && !debug.contains("passphrase-"), "{debug}");
    }
}

#[tokio::test]
async fn every_mistake_is_told_apart_and_nothing_is_shown_that_is_secret() {
    let server = Server::new();
    for (ssh, kind, words) in mistakes() {
        let error = refused(through(server.settings(), ssh)).await;
        expect(&error, kind, &words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(error.retry, Retry::Never, "{error}");
    }
}

#[tokio::test]
async fn an_ssh_server_that_is_not_there_is_tried_again() {
    let server = Server::new();
    // A port that nobody listens on: it was somebody's a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = listener.local_addr().expect("it has an address").port();
    drop(listener);
    let closed = SshSettings { port: Some(port), ..ssh() };
    let error = refused(through(server.settings(), closed)).await;
    expect(&error, ErrorKind::Unavailable, &["SSH server", &port.to_string(), "refused"]);
    assert_eq!(error.retry, Retry::Later);
}

#[tokio::test]
async fn a_database_that_the_ssh_server_does_not_reach_is_told_as_that() {
    let server = Server::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = Some(listener.local_addr().expect("it has an address").port());
    drop(listener);
    let settings = ConnectionSettings { port, ..server.settings() };
    let error = refused(through(settings, ssh())).await;
    expect(&error, ErrorKind::Unavailable, &["does not reach", "refused"]);
    assert_eq!(error.retry, Retry::Later);
}

#[tokio::test]
async fn an_ssh_server_that_says_nothing_is_not_waited_for() {
    let server = Server::new();
    // The system takes the connections, and nobody answers.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = Some(listener.local_addr().expect("it has an address").port());
    let settings = through(server.settings(), SshSettings { port, ..ssh() });
    let settings = ConnectionSettings { connect_timeout: Duration::from_millis(300), ..settings };
    let begun = Instant::now();
    let error = refused(settings).await;
    expect(&error, ErrorKind::Timeout, &["SSH server"]);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_server_that_speaks_something_else_is_no_ssh_server() {
    let server = Server::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = Some(listener.local_addr().expect("it has an address").port());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            use tokio::io::AsyncWriteExt;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let error = refused(through(server.settings(), SshSettings { port, ..ssh() })).await;
    expect(&error, ErrorKind::Unavailable, &["SSH server"]);
}

#[tokio::test]
async fn the_address_rules_are_those_of_the_ssh_server() {
    let server = Server::new();
    let private = ConnectionSettings {
        addresses: AddressPolicy::PublicOnly,
        ..through(server.settings(), ssh())
    };
    let error = refused(private).await;
    expect(&error, ErrorKind::PermissionDenied, &["SSH server", "127.0.0.1", "this machine"]);
    for target in ["169.254.169.254", "0xa9fea9fe", "fd00:ec2::254"] {
        let settings = ConnectionSettings { host: Some(target.to_owned()), ..server.settings() };
        let error = refused(through(settings, ssh())).await;
        expect(&error, ErrorKind::PermissionDenied, &[target, "where no tunnel leads"]);
    }
}

#[tokio::test]
async fn the_receipt_and_the_test_name_the_tunnel() {
    let server = Server::with("CREATE TABLE t AS SELECT 1 AS n");
    let settings = through(server.settings(), ssh());
    let place = settings.ssh.as_ref().expect("there is one").to_string();
    let key = fingerprint("host_ed25519");
    let connector = PostgresConnector::new(settings.clone());
    let facts = connector.test().await.expect("it connects");
    assert_eq!(facts.tunnel, Some(format!("{place} with the key {key}")));
    let read = read(&connector, &table("t")).await.expect("it is read");
    let decisions = read.extraction.decisions();
    let tunnel = decisions.iter().find(|it| it.what == "tunnel").expect("it is told");
    assert_eq!(tunnel.value, place);
    assert!(tunnel.reason.contains(&key), "{}", tunnel.reason);
    let redshift = ConnectionSettings { ..settings };
    let facts = RedshiftConnector::new(redshift).test().await;
    assert!(facts.is_ok_and(|facts| facts.tunnel.is_some()));
    let straight = server.postgres().test().await.expect("it connects");
    assert_eq!(straight.tunnel, None);
}

#[tokio::test]
async fn tls_is_that_of_the_database_whatever_is_between() {
    let tls = env::tls().expect("there are certificates");
    let server = Server::new();
    let of = |host: &str| ConnectionSettings {
        host: Some(host.to_owned()),
        ssl_mode: SslMode::VerifyFull,
        ca: Some(Pem::File(tls.ca.clone())),
        ..through(server.settings(), ssh())
    };
    let facts = PostgresConnector::new(of("localhost")).test().await.expect("it connects");
    assert!(facts.tls.is_some_and(|it| it.starts_with("TLSv1")) && facts.tunnel.is_some());
    let error = refused(of("127.0.0.1")).await;
    expect(&error, ErrorKind::Unavailable, &["TLS"]);
}

/// Rows that never end, and how many of them a server sends is seen by what it works on.
const MANY: &str = "SELECT repeat('x', 1000) AS pad, inet_client_port() AS port \
                    FROM generate_series(1, 50000000)";

/// Waits until the server works on such a query no more.
fn wait_until_ended(server: &Server) {
    let limit = Instant::now() + Duration::from_secs(20);
    let working = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND state = 'active' AND query LIKE 'COPY%50000000%'";
    while server.run(working).trim() != "0" {
        assert!(Instant::now() < limit, "the query is still running");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_nobody_reads_holds_up_no_other_and_is_cancelled() {
    let server = Server::new();
    let connector = PostgresConnector::new(through(server.settings(), ssh()));
    let mut session = connector.session().await.expect("a session");
    let mut stuck = session.extract(&query(MANY)).await.expect("it is prepared");
    let mut stuck = stuck.stream(0).await.expect("it starts");
    stuck.next().await.expect("there are rows").expect("they arrive");
    // Nobody reads it from here on, and everything between is soon full.
    let sql = "SELECT repeat('y', 1000) AS pad FROM generate_series(1, 60000)";
    let mut other = session.extract(&query(sql)).await.expect("it is prepared");
    let rows = timeout(Duration::from_secs(60), async {
        let mut stream = other.stream(0).await.expect("it starts");
        let mut rows = 0;
        while let Some(batch) = stream.next().await {
            rows += batch.expect("it arrives").num_rows();
        }
        rows
    });
    assert_eq!(rows.await.expect("it is not held up"), 60_000);
    drop(stuck);
    let ended = tokio::task::spawn_blocking(move || wait_until_ended(&server));
    ended.await.expect("it was cancelled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_killed_while_rows_flow_is_an_error_at_once() {
    let server = Server::new();
    let connector = PostgresConnector::new(through(server.settings(), ssh()));
    let mut session = connector.session().await.expect("a session");
    let mut extraction = session.extract(&query(MANY)).await.expect("it is prepared");
    let mut stream = extraction.stream(0).await.expect("it starts");
    let first = stream.next().await.expect("there are rows").expect("they arrive");
    let ports = first.column(1).as_any().downcast_ref::<arrow_array::Int32Array>();
    kill_owner_of(u16::try_from(ports.expect("a number").value(0)).expect("a port"));
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_hangs_before_the_login_is_not_waited_for() {
    let server = Server::new();
    let bastion =
        ConnectionSettings { host: Some(ssh().host), port: ssh().port, ..server.settings() };
    let (network, front) = Network::before(bastion).await;
    let ssh = SshSettings {
        port: front.port,
        host_key: Some(HostKey::PublicKey(public("host_ed25519"))),
        ..ssh()
    };
    let settings = ConnectionSettings {
        connect_timeout: Duration::from_secs(2),
        ..through(server.settings(), ssh)
    };
    let connector = PostgresConnector::new(settings);
    connector.test().await.expect("it connects");
    network.hang();
    let error = connector.test().await.expect_err("nothing arrives");
    expect(&error, ErrorKind::Timeout, &["SSH server", "1.8s"]);
    network.cut();
    let error = connector.test().await.expect_err("nothing arrives");
    assert!(matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Timeout), "{error}");
}

#[tokio::test]
async fn a_key_that_may_forward_nothing_is_refused_once() {
    let server = Server::new();
    let begun = Instant::now();
    let error = refused(through(server.settings(), with_key("id_closed"))).await;
    expect(&error, ErrorKind::PermissionDenied, &["does not forward"]);
    assert_eq!(error.retry, Retry::Never);
    // Trying again would have waited.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
