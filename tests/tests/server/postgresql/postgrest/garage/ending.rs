//! Servers that end while something is being done, in order and not.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tundra_test_services::{
    Database, FaultProxy,
    proxy::{Fault, Rule},
};
use tundra_tests::server::Asker;

use crate::server::{
    stack::{Stack, credentials},
    until::{until, until_async},
};

/// As long as Cloud Run waits.
const PROMISED: Duration = Duration::from_secs(10);

/// The lock of the tests in this database and no other.
const LOCK: &str = "locktype = 'advisory' AND
    database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// Returns how many sessions of a database have the lock, and how many wait for it.
fn held_and_wanted(database: &Database) -> String {
    let counts = "count(*) FILTER (WHERE granted), count(*) FILTER (WHERE NOT granted)";
    database.run(&format!("SELECT {counts} FROM pg_locks WHERE {LOCK}")).unwrap()
}

/// Ends a server while it reads a file and a table, of which neither would ever end.
async fn what_goes_on_is_ended_and_told(isolation: &str) {
    let mut stack = Stack::new().await;
    let store = FaultProxy::start(&stack.bucket.endpoint).unwrap();
    stack.set("AWS_ENDPOINT_URL", store.endpoint());
    let shop = Database::create().unwrap();
    stack.keep_secret("shop", &credentials(&shop.url()));
    let file = stack.uploaded("csv", "in.csv", "a,b\n1,x\n").await;
    let table = stack.add("database", "postgresql");
    let mut server = stack.serve_with(&["--authentication", "off", "--isolation", isolation]);
    // The file comes only long after everything is over.
    store.add(Rule::new(Fault::Delay(Duration::from_secs(600))).method("GET").path("in.csv"));
    let of_table = json!({
        "source_id": table, "credentials_id": "shop", "query": "SELECT pg_sleep(600), 1",
    });
    let asked: Vec<_> =
        [("/convert/file", json!({"source_id": file})), ("/convert/database", of_table)]
            .into_iter()
            .map(|(path, request)| {
                let ask = server.asker().clone();
                tokio::spawn(async move { ask.try_post(path, &request).await })
            })
            .collect();
    let pending = [(1, "pending".to_owned())];
    until("both are being made", || {
        (stack.statuses(&file) == pending && stack.statuses(&table) == pending).then_some(())
    })
    .await;
    let sent = Instant::now();
    server.signal("TERM").unwrap();
    for answer in asked {
        // Its caller is told, before the connection closes.
        answer.await.unwrap().unwrap().failure(499, "cancelled");
    }
    let (status, log) = tokio::task::spawn_blocking(move || server.wait()).await.unwrap().unwrap();
    let took = sent.elapsed();
    assert!(status.success(), "{status}: {log}");
    assert!(took < PROMISED, "{took:?}: {log}");
    for id in [&file, &table] {
        let version = stack.versions(id).pop().unwrap();
        assert_eq!(version["status"], "error", "{version}");
        assert!(version["error_message"].as_str().unwrap().contains("cancel"), "{version}");
        assert_eq!(stack.source(id)["current_version"], 0);
    }
    assert_eq!(stack.objects(&file).await, ["uploads/ID/in.csv"]);
    assert_eq!(stack.objects(&table).await, [""; 0]);
}

#[tokio::test]
async fn what_goes_on_at_sigterm_stays_nowhere_pending_in_processes() {
    what_goes_on_is_ended_and_told("process").await;
}

#[tokio::test]
async fn what_goes_on_at_sigterm_stays_nowhere_pending_in_threads() {
    what_goes_on_is_ended_and_told("thread").await;
}

/// Asks for a job, and returns its id.
async fn submit(ask: &Asker, path: &str, request: &Value) -> String {
    let answer = ask.with("prefer", "respond-async").post(path, request).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// Waits until a job has this status, and returns it.
async fn job_that_is(ask: &Asker, job: &str, status: &str) -> Value {
    until_async("a job is as it is to be", async || {
        let told = ask.get(&format!("/jobs/{job}")).await.ok();
        (told["status"] == status).then_some(told)
    })
    .await
}

#[tokio::test]
async fn a_server_that_is_killed_leaves_its_jobs_to_the_next() {
    let mut stack = Stack::new().await;
    stack.set("MAX_CONCURRENT_RUNS", "1");
    let shop = Database::create().unwrap();
    shop.run("CREATE TABLE item (id integer); INSERT INTO item VALUES (1), (2)").unwrap();
    stack.keep_secret("shop", &credentials(&shop.url()));
    let table = stack.add("database", "postgresql");
    let file = stack.uploaded("csv", "in.csv", "a,b\n1,x\n").await;
    // Whoever has the lock decides when the query goes on.
    let psql = tundra_test_services::env::postgres().unwrap().psql;
    let mut holder = Command::new(psql)
        .args(["-X", "-q", &shop.url(), "-c", "SELECT pg_advisory_lock(7), pg_sleep(600)"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    until("the lock is held", || (held_and_wanted(&shop) == "1|0").then_some(())).await;

    let mut server = stack.serve();
    let ask = server.asker().clone();
    let request = json!({
        "source_id": table, "credentials_id": "shop",
        "query": "SELECT id FROM (SELECT pg_advisory_xact_lock(7)) AS waits, item ORDER BY id",
    });
    let running = submit(&ask, "/convert/database", &request).await;
    until("the query waits", || (held_and_wanted(&shop) == "1|1").then_some(())).await;
    let queued = submit(&ask, "/convert/file", &json!({"source_id": file})).await;
    let told = ask.get(&format!("/jobs/{queued}")).await.ok();
    assert_eq!(told["status"], "queued", "{told}");
    server.signal("KILL").unwrap();
    let (status, _) = tokio::task::spawn_blocking(move || server.wait()).await.unwrap().unwrap();
    assert!(!status.success(), "{status}");
    // The process of its run notices, and ends in order.
    until("the query has ended", || (held_and_wanted(&shop) == "1|0").then_some(())).await;
    until("its version has ended", || {
        (stack.statuses(&table) == [(1, "error".to_owned())]).then_some(())
    })
    .await;

    let server = stack.serve();
    let ask = server.asker();
    // The one that waited runs.
    let told = job_that_is(ask, &queued, "done").await;
    stack.proven(&file, &told["result"], "file").await;
    // The one that was interrupted is begun again, into another version.
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE granted AND {LOCK}");
    assert_eq!(shop.run(&end).unwrap(), "t");
    holder.wait().unwrap();
    let told = job_that_is(ask, &running, "done").await;
    assert_eq!(told["attempts"], 2, "{told}");
    assert_eq!(told["result"]["metadata"]["version"], 2, "{told}");
    let contents = stack.proven(&table, &told["result"], "database").await;
    assert_eq!(contents.rows.len(), 2);
    let versions = [(1, "error".to_owned()), (2, "active".to_owned())];
    assert_eq!(stack.statuses(&table), versions);
    assert!(server.stop("TERM").unwrap().0.success());
}
