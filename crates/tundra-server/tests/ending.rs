//! Runs whose clients go away, and services that end.

use std::time::Duration;

use serde_json::json;
use tower::ServiceExt as _;
use tundra_core::{Source, SourceType, VersionStatus};

use crate::support::{FileServer, Service, request};

/// Adds a source of whose file nothing ever comes.
async fn slow(service: &Service, files: &FileServer) -> Source {
    service.add("acme", "slow", SourceType::File, "csv", Some(files.never())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_stops_its_run_and_the_version_ends_as_failed() {
    let (service, files) = (Service::new().await, FileServer::start().await);
    let source = slow(&service, &files).await;
    let body = json!({"source_id": source.id.to_string()});
    let run = tokio::spawn(service.router().oneshot(request("/convert/file", &[], &body)));
    files.is_asked().await;
    assert_eq!(service.versions(&source).await[0].status, VersionStatus::Pending);
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled());
    let version = service.until(&source, VersionStatus::Error).await;
    assert!(version.error_message.unwrap().contains("cancelled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_ends_leaves_no_version_pending() {
    let (service, files) = (Service::new().await, FileServer::start().await);
    let source = slow(&service, &files).await;
    let body = json!({"source_id": source.id.to_string()});
    let run = tokio::spawn(service.router().oneshot(request("/convert/file", &[], &body)));
    files.is_asked().await;
    assert_eq!(service.app.shutdown(Duration::from_secs(4)).await, 0);
    assert_eq!(run.await.unwrap().unwrap().status(), 499);
    assert_eq!(service.versions(&source).await[0].status, VersionStatus::Error);
    service.post("/convert/file", &body).await.failure(503, "shutting_down");
}
