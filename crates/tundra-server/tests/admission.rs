//! How many runs there are at once, and how long one may take.

use std::{num::NonZeroUsize, time::Duration};

use futures::FutureExt as _;
use serde_json::json;
use tokio::{net::TcpListener, task::JoinSet};
use tower::ServiceExt as _;
use tundra_connectors::AddressPolicy;
use tundra_core::{SourceType, VersionStatus};
use tundra_server::{Rates, Settings};

use crate::support::{FileServer, Service, Wishes, request};

/// Returns a service that does one run at once.
async fn narrow(queue_length: usize) -> Service {
    let settings = Settings {
        concurrent_runs: NonZeroUsize::MIN,
        queue_length,
        rates: Rates::UNLIMITED,
        ..Settings::default()
    };
    Service::with(Wishes { settings, ..Wishes::default() }).await
}

#[tokio::test]
async fn who_finds_no_room_is_told_when_to_come_back() {
    let (service, files) = (narrow(0).await, FileServer::start().await);
    let source = service.uploaded("orders", "a\n1\n").await;
    let router = service.router();
    let slow = request("/infer/schema", &[], &json!({"source_url": files.never()}));
    let slow = tokio::spawn(tower::ServiceExt::oneshot(router, slow));
    files.is_asked().await;
    let answer = service.post("/convert/file", &json!({"source_id": source.id.to_string()})).await;
    answer.failure(503, "queue_full");
    let seconds: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
    // What needs no run is answered.
    service.get("/health").await.ok();
    // A test of a connection takes the memory of a run, too.
    let file = service.database("shop.db", "CREATE TABLE t (a INTEGER)");
    let test = json!({"connector_type": "sqlite", "credentials": {"file_path": file}});
    service.post("/test/database-connection", &test).await.failure(503, "queue_full");
    // Who gives up makes room.
    slow.abort();
    let come_back = async {
        loop {
            let request = json!({"source_id": source.id.to_string()});
            let answer = service.post("/convert/file", &request).await;
            if answer.status == 200 {
                break;
            }
            answer.failure(503, "queue_full");
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), come_back).await.expect("there is room again");
}

#[tokio::test(flavor = "multi_thread")]
async fn tests_of_connections_leave_half_of_the_places_to_runs() {
    let settings = Settings {
        concurrent_runs: NonZeroUsize::new(4).unwrap(),
        queue_length: 0,
        rates: Rates::UNLIMITED,
        ..Settings::default()
    };
    let addresses = AddressPolicy::PrivateAllowed;
    let service = Service::with(Wishes { settings, addresses, ..Wishes::default() }).await;
    // A database that takes connections and says nothing.
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let credentials = json!({
        "host": "127.0.0.1", "port": deaf.local_addr().unwrap().port(), "database": "d", "username": "u",
    });
    let test = json!({"connector_type": "postgresql", "credentials": credentials});
    let mut tests = JoinSet::new();
    for _ in 0..6 {
        tests.spawn(service.router().oneshot(request("/test/database-connection", &[], &test)));
    }
    // Two of them are let in.
    let mut kept = Vec::new();
    for _ in 0..2 {
        kept.push(deaf.accept().await.unwrap());
    }
    let source = service.uploaded("orders", "a\n1\n").await;
    let convert = json!({"source_id": source.id.to_string()});
    service.post("/convert/file", &convert).await.ok();
    assert!(deaf.accept().now_or_never().is_none(), "a third one was let in");
    // The others have their turn when those have ended.
    kept.clear();
    deaf.accept().await.unwrap();
    tests.abort_all();
}

#[tokio::test]
async fn who_waits_has_a_turn() {
    let service = narrow(8).await;
    let source = service.uploaded("orders", "a\n1\n").await;
    let request = json!({"source_id": source.id.to_string()});
    let runs = (0..6).map(|_| service.post("/convert/file", &request));
    for answer in futures::future::join_all(runs).await {
        answer.ok();
    }
    assert_eq!(service.versions(&source).await.len(), 6);
}

#[tokio::test]
async fn a_run_that_takes_too_long_is_ended() {
    let files = FileServer::start().await;
    let timeout = Some(Duration::from_millis(300));
    let service = Service::with(Wishes { timeout, ..Wishes::default() }).await;
    let source = service.add("acme", "slow", SourceType::File, "csv", Some(files.never())).await;
    let answer = service.post("/convert/file", &json!({"source_id": source.id.to_string()})).await;
    answer.failure(504, "timeout");
    assert_eq!(answer.body["version"], 1);
    let versions = service.versions(&source).await;
    assert_eq!(versions[0].status, VersionStatus::Error);
}
