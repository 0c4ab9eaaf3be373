//! What the service counts, and who sees it.

use std::sync::Arc;

use axum::body::Body;
use serde_json::json;
use tundra_jobs::MemoryJobs;

use crate::place::{Desk, Opening, Place};

async fn lines(desk: &Desk) -> Vec<String> {
    let answer = desk.get("/metrics").await;
    assert_eq!(
        answer.headers["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let text = answer.body.as_str().expect("it is no JSON");
    assert!(text.ends_with("# EOF\n"));
    text.lines().map(str::to_owned).collect()
}

#[track_caller]
fn has(lines: &[String], line: &str) {
    assert!(lines.iter().any(|found| found == line), "{line} is not in {lines:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_runs_and_states_are_counted() {
    let place = Place::new().await;
    let jobs = Some(Arc::new(MemoryJobs::new()) as _);
    let desk = place.open(Opening { jobs, ..Opening::default() }).await;
    let source = place.uploaded("acme", "id,name\n1,Ann\n2,Bob\n").await;
    desk.convert(&source).await;
    place.upload(&source, "id,n\n1,2\n3\n4,5,6\n");
    let request = json!({ "source_id": source.id.to_string() });
    desk.post("/convert/file", &[], &request).await.failure(400, "invalid_data");
    desk.get("/sources/hunter2").await.failure(404, "not_found");
    desk.get("/hunter2").await;

    let lines = lines(&desk).await;
    for line in [
        r#"tundra_http_requests_total{route="/convert/file",method="POST",status="200"} 1"#,
        r#"tundra_http_requests_total{route="/convert/file",method="POST",status="400"} 1"#,
        r#"tundra_http_requests_total{route="/sources/{id}",method="GET",status="404"} 1"#,
        r#"tundra_http_requests_total{route="unknown",method="GET",status="404"} 1"#,
        r#"tundra_http_request_duration_seconds_count{route="/convert/file",method="POST"} 2"#,
        r#"tundra_runs_total{kind="convert_file",result="done",code=""} 1"#,
        r#"tundra_runs_total{kind="convert_file",result="failed",code="invalid_data"} 1"#,
        r#"tundra_runs_in_flight{kind="convert_file"} 0"#,
        r#"tundra_rows_written_total{kind="convert_file"} 2"#,
        "tundra_gate_running 0",
        "tundra_gate_waiting 0",
        "tundra_jobs_queued 0",
        "tundra_jobs_up 1",
        "tundra_catalog_up 1",
        "tundra_catalog_breaker_state 0",
        "tundra_catalog_requests_in_flight 0",
        "tundra_event_streams 0",
        // Runs are threads here, and nobody listens.
        "tundra_run_processes -1",
        "tundra_run_resident_memory_bytes -1",
        "tundra_http_connections -1",
    ] {
        has(&lines, line);
    }
    assert!(!lines.concat().contains("hunter2"));
    let figure = |name: &str| -> f64 {
        let line = lines.iter().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().parse().unwrap()
    };
    assert!(figure(r#"tundra_output_bytes_total{kind="convert_file"}"#) > 100.0);
    assert!(figure("tundra_process_resident_memory_bytes") > 1e6);
    let build = lines.iter().find(|line| line.starts_with("tundra_build_info{")).unwrap();
    assert!(build.contains(concat!("version=\"", env!("CARGO_PKG_VERSION"), "\"")), "{build}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_operators_see_them_where_it_is_asked_who_asks() {
    let place = Place::new().await;
    let desk = place.open(Opening { with_keys: true, ..Opening::default() }).await;
    desk.get("/metrics").await.failure(401, "unauthenticated");
    let ask =
        async |key: &str| desk.call("GET", "/metrics", &[("x-api-key", key)], Body::empty()).await;
    let member = place.key(Some("acme"), "convert,read,write").await;
    let reader = place.key(None, "read").await;
    let operator = place.key(None, "operate").await;
    ask(&member).await.failure(403, "permission_denied");
    ask(&reader).await.failure(403, "permission_denied");
    assert_eq!(ask(&operator).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_shows_what_there_is() {
    let dashboard = include_str!("../../../deploy/grafana/tundra.json");
    let place = Place::new().await;
    let desk = place.open(Opening::default()).await;
    let source = place.uploaded("acme", "id\n1\n").await;
    desk.convert(&source).await;
    let lines = lines(&desk).await;
    let names = dashboard.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let names: Vec<&str> = names.filter(|name| name.starts_with("tundra_")).collect();
    assert!(names.len() > 20);
    for name in names {
        let is_there = lines
            .iter()
            .any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
        assert!(is_there, "the dashboard shows `{name}`, which there is not");
    }
}
