//! Runs that die, each alone.

use serde_json::json;

use super::{
    add_source,
    server::{Server, is_alive, send, until},
    versions,
};
use crate::support::Sandbox;

/// Waits until `sales` has a version that is being made.
fn wait_until_pending(sandbox: &Sandbox) {
    until("a version is pending", || {
        versions(sandbox).first().is_some_and(|it| it.1 == "pending").then_some(())
    });
}

#[test]
fn a_run_that_is_killed_ends_alone_and_its_version_with_it() {
    let sandbox = Sandbox::new();
    sandbox.write_big();
    let id = add_source(&sandbox, "big.csv");
    let server = Server::start(&sandbox, &["--threads", "1"]);
    let asked = server.begin_post("/convert/file", json!({ "source_id": id }));
    let run = server.first_run();
    wait_until_pending(&sandbox);
    send("KILL", run);
    let answer = asked.join().unwrap().unwrap();
    assert_eq!((answer.status, answer.code()), (500, "run_crashed"), "{answer:?}");
    assert_eq!(answer.body["version"], 1, "{answer:?}");
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(detail.contains("killed from outside"), "{detail}");

    assert_eq!(server.get("/health").status, 200);
    let told = versions(&sandbox);
    assert_eq!((told[0].0, told[0].1.as_str()), (1, "error"));
    assert!(told[0].2.contains("killed from outside"), "{told:?}");
    sandbox.write("big.csv", "id\n1\n");
    let answer = server.post("/convert/file", &json!({ "source_id": id }));
    assert_eq!(
        (answer.status, &answer.body["metadata"]["version"]),
        (200, &json!(2)),
        "{answer:?}"
    );
    server.stop("TERM");
    sandbox.holds_only(&["big.csv"]);
}

#[test]
fn a_run_under_a_key_of_the_caller_s_is_ended_too() {
    let sandbox = Sandbox::new();
    sandbox.write_big();
    let id = add_source(&sandbox, "big.csv");
    let server = Server::start(&sandbox, &["--threads", "1"]);
    let request = json!({ "source_id": id });
    let answered = std::thread::scope(|scope| {
        let asked = scope
            .spawn(|| server.post_with("/convert/file", "idempotency-key: once\r\n", &request));
        let run = server.first_run();
        wait_until_pending(&sandbox);
        // A stage has begun once the log of the run, or the file, is read: the version alone does not say it.
        until("the run has read some of its input", || has_read(run).then_some(()));
        send("KILL", run);
        asked.join().unwrap()
    });
    assert_eq!((answered.status, answered.code()), (500, "run_crashed"), "{answered:?}");
    assert_eq!(versions(&sandbox)[0].1, "error");
    let again = server.post_with("/convert/file", "idempotency-key: once\r\n", &request);
    assert_eq!((again.status, again.code()), (409, "conflict"), "{again:?}");
    server.stop("TERM");
}

/// Whether a process has read more than what it takes to start.
fn has_read(process: u32) -> bool {
    let io = std::fs::read_to_string(format!("/proc/{process}/io")).unwrap_or_default();
    let read = io.lines().find_map(|line| line.strip_prefix("rchar: ")?.trim().parse::<u64>().ok());
    read.is_some_and(|bytes| bytes > 16 << 20)
}

#[test]
fn a_run_that_takes_more_memory_than_it_may_is_ended() {
    let sandbox = Sandbox::new();
    sandbox.write_big();
    let id = add_source(&sandbox, "big.csv");
    let server = Server::start(&sandbox, &["--memory", "48MiB"]);
    let answer = server.post("/convert/file", &json!({ "source_id": id }));
    assert_eq!((answer.status, answer.code()), (413, "memory_limit"), "{answer:?}");
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(detail.contains("a run may take 48 MiB"), "{detail}");
    assert_eq!(server.get("/health").status, 200);
    assert_eq!(versions(&sandbox)[0].1, "error");
    let (_, log) = server.stop("TERM");
    assert!(log.contains("warning: a run may take 48.0 MiB of memory"), "{log}");
    sandbox.holds_only(&["big.csv"]);
}

#[test]
fn a_run_outlives_its_server_only_to_end_in_order() {
    let sandbox = Sandbox::new();
    sandbox.write_big();
    let id = add_source(&sandbox, "big.csv");
    let mut server = Server::start(&sandbox, &["--threads", "1"]);
    let asked = server.begin_post("/convert/file", json!({ "source_id": id }));
    let run = server.first_run();
    wait_until_pending(&sandbox);
    server.signal("KILL");
    server.wait();
    until("the run has ended", || (!is_alive(run)).then_some(()));
    assert!(asked.join().unwrap().is_none());
    let told = versions(&sandbox);
    assert_eq!(told[0].1, "error", "{told:?}");
    assert!(told[0].2.contains("cancelled"), "{told:?}");
    sandbox.holds_only(&["big.csv"]);
}
