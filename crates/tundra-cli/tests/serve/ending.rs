//! How a server ends.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    add_source,
    server::{Server, until},
    versions,
};
use crate::support::Sandbox;

/// Cloud Run waits as long.
const PROMISED: Duration = Duration::from_secs(10);

#[test]
fn a_run_that_goes_on_at_the_end_leaves_nothing_pending() {
    for isolation in ["process", "thread"] {
        let sandbox = Sandbox::new();
        sandbox.write_big();
        let id = add_source(&sandbox, "big.csv");
        let server = Server::start(&sandbox, &["--isolation", isolation, "--threads", "1"]);
        let asked = server.begin_post("/convert/file", json!({ "source_id": id }));
        until("a version is pending", || {
            versions(&sandbox).first().is_some_and(|it| it.1 == "pending").then_some(())
        });
        let sent = Instant::now();
        let (status, log) = server.stop("TERM");
        let took = sent.elapsed();
        assert!(status.success(), "{status}: {log}");
        assert!(took < PROMISED, "{took:?}");
        // Its caller is told, whether it was done in time or not.
        let answer = asked.join().unwrap();
        let answer = answer.unwrap_or_else(|| panic!("no answer: {log}"));
        let told = versions(&sandbox);
        match answer.status {
            200 => assert_eq!(told[0].1, "active", "{told:?}"),
            _ => assert_eq!(told[0].1, "error", "{told:?} {answer:?}"),
        }
        sandbox.holds_only(&["big.csv"]);
    }
}

#[test]
fn a_client_that_goes_away_ends_its_run() {
    let sandbox = Sandbox::new();
    sandbox.write_big();
    let id = add_source(&sandbox, "big.csv");
    let server = Server::start(&sandbox, &["--threads", "1"]);
    let body = json!({ "source_id": id }).to_string();
    {
        use std::io::Write;
        let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
        let head = format!(
            "POST /convert/file HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            server.address(),
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        server.first_run();
        until("a version is pending", || {
            versions(&sandbox).first().is_some_and(|it| it.1 == "pending").then_some(())
        });
    }
    until("the run has ended", || server.runs().is_empty().then_some(()));
    let told = versions(&sandbox);
    assert_eq!(told[0].1, "error", "{told:?}");
    assert!(told[0].2.contains("cancelled"), "{told:?}");
    server.stop("TERM");
}
