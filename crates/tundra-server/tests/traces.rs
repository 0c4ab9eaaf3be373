//! The spans of requests, jobs and runs, as a collector gets them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::{Span, span::SpanKind, status::StatusCode as SpanStatus},
};
use prost::Message as _;
use serde_json::json;
use tokio::{net::TcpListener, sync::oneshot};
use tundra_jobs::MemoryJobs;
use tundra_server::{Sampling, TraceSettings, Traces};

use crate::{
    place::{Desk, Opening, Place},
    support::FileServer,
};

/// A collector, and what it was sent.
#[derive(Clone)]
struct Collector {
    url: String,
    sent: Arc<Mutex<Vec<(HeaderMap, ExportTraceServiceRequest)>>>,
    /// What it answers first, before it takes anything.
    refusals: Arc<Mutex<Vec<StatusCode>>>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let collector = Self { url, sent: Arc::default(), refusals: Arc::default() };
        let router = Router::new().route("/v1/traces", post(take)).with_state(collector.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        collector
    }

    fn settings(&self) -> TraceSettings {
        TraceSettings::new(self.url.parse().unwrap())
    }

    /// All spans that came, by their names.
    fn spans(&self) -> HashMap<String, Span> {
        let sent = self.sent.lock().unwrap();
        let spans = sent.iter().flat_map(|(_, message)| &message.resource_spans);
        let spans = spans.flat_map(|of_resource| &of_resource.scope_spans);
        spans.flat_map(|of_scope| &of_scope.spans).map(|it| (it.name.clone(), it.clone())).collect()
    }

    /// Everything that came, as a text in which anything would be found.
    fn everything(&self) -> String {
        format!("{:?}", self.sent.lock().unwrap())
    }
}

async fn take(State(collector): State<Collector>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if let Some(refusal) = collector.refusals.lock().unwrap().pop() {
        return refusal;
    }
    let message = ExportTraceServiceRequest::decode(body).unwrap();
    collector.sent.lock().unwrap().push((headers, message));
    StatusCode::OK
}

fn attribute<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a Value> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    found.value.as_ref()?.value.as_ref()
}

fn text<'a>(span: &'a Span, name: &str) -> Option<&'a str> {
    match attribute(&span.attributes, name)? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

fn number(span: &Span, name: &str) -> Option<i64> {
    match attribute(&span.attributes, name)? {
        Value::IntValue(number) => Some(*number),
        _ => None,
    }
}

fn has_failed(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code == SpanStatus::Error as i32)
}

async fn open(place: &Place, settings: TraceSettings) -> (Desk, Traces) {
    let traces = Traces::start(settings).unwrap();
    let opening = Opening {
        jobs: Some(Arc::new(MemoryJobs::new())),
        traces: Some(traces.clone()),
        ..Opening::default()
    };
    (place.open(opening).await, traces)
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_its_run_and_the_stages_of_it_are_one_trace_within_that_of_the_caller() {
    let collector = Collector::start().await;
    let mut settings = collector.settings();
    settings.headers.insert("api-key", "k".parse().unwrap());
    settings.attributes.push(("team".to_owned(), "a".to_owned()));
    let place = Place::new().await;
    let (desk, traces) = open(&place, settings).await;
    let source = place.uploaded("acme", "id,name\n1,Ann\n2,Bob\n").await;
    let parent = format!("00-{TRACE}-{CALLER}-01");
    let body = json!({ "source_id": source.id.to_string() });
    desk.post("/convert/file?hunter2=1", &[("traceparent", &parent)], &body).await.ok();
    traces.end().await;

    let spans = collector.spans();
    let request = &spans["POST /convert/file"];
    assert_eq!(hex(&request.trace_id), TRACE);
    assert_eq!(hex(&request.parent_span_id), CALLER);
    assert_eq!(request.kind, SpanKind::Server as i32);
    assert_eq!(text(request, "http.request.method"), Some("POST"));
    assert_eq!(text(request, "http.route"), Some("/convert/file"));
    assert_eq!(number(request, "http.response.status_code"), Some(200));
    assert!(!has_failed(request));
    let run = &spans["run convert_file"];
    assert_eq!((&run.trace_id, &run.parent_span_id), (&request.trace_id, &request.span_id));
    assert_eq!(number(run, "tundra.run.rows"), Some(2));
    let mut began = run.start_time_unix_nano;
    for stage in ["inspect", "convert", "verify", "publish"] {
        let stage = &spans[stage];
        assert_eq!((&stage.trace_id, &stage.parent_span_id), (&run.trace_id, &run.span_id));
        assert!(stage.start_time_unix_nano >= began && stage.attributes.is_empty());
        assert!(stage.end_time_unix_nano <= run.end_time_unix_nano);
        began = stage.end_time_unix_nano;
    }

    let sent = collector.sent.lock().unwrap();
    let (headers, message) = &sent[0];
    assert_eq!(headers["content-type"], "application/x-protobuf");
    assert_eq!(headers["api-key"], "k");
    let resource = message.resource_spans[0].resource.as_ref().unwrap();
    for (name, value) in [
        ("service.name", "halatio-tundra"),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("team", "a"),
    ] {
        let found = attribute(&resource.attributes, name);
        assert_eq!(found, Some(&Value::StringValue(value.to_owned())), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_caller_wrote_is_in_a_span() {
    let collector = Collector::start().await;
    let place = Place::new().await;
    let (desk, traces) = open(&place, collector.settings()).await;
    let source = place.uploaded("hunter2", "hunter2\nhunter2\n").await;
    place.upload(&source, "hunter2,a\n1,2\n3\nhunter2,5,6\n");
    let headers = [("x-request-id", "hunter2"), ("authorization", "Bearer hunter2")];
    let body = json!({ "source_id": source.id.to_string(), "options": { "encoding": "hunter2" } });
    desk.post("/convert/file?q=hunter2", &headers, &body).await;
    let body = json!({ "source_id": source.id.to_string() });
    desk.post("/convert/file", &headers, &body).await.failure(400, "invalid_data");
    desk.get("/sources/hunter2?hunter2").await;
    desk.get("/hunter2").await;
    desk.call("HUNTER2", "/health", &[], Body::empty()).await;
    traces.end().await;

    let spans = collector.spans();
    let run = &spans["run convert_file"];
    assert!(has_failed(run));
    assert_eq!(text(run, "error.type"), Some("invalid_data"));
    // What has no route has no name but its method.
    assert_eq!(number(&spans["GET"], "http.response.status_code"), Some(404));
    assert!(spans.contains_key("GET /sources/{id}") && spans.contains_key("_OTHER /health"));
    let everything = collector.everything().to_lowercase();
    assert!(!everything.contains("hunter2"), "{everything}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_has_a_trace_of_its_own_with_its_run_and_the_request_names_it() {
    let collector = Collector::start().await;
    let place = Place::new().await;
    let (desk, traces) = open(&place, collector.settings()).await;
    let source = place.uploaded("acme", "id\n1\n").await;
    let body = json!({ "source_id": source.id.to_string() });
    let answer = desk.post("/convert/file", &[("prefer", "respond-async")], &body).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let path = answer.headers["location"].to_str().unwrap().to_owned();
    // The stream of its events ends with it.
    desk.get(&format!("{path}/events")).await;
    desk.app.shutdown(Duration::from_secs(5)).await;
    traces.end().await;

    let spans = collector.spans();
    let (request, job, run) =
        (&spans["POST /convert/file"], &spans["job convert_file"], &spans["run convert_file"]);
    assert!(job.parent_span_id.is_empty() && job.trace_id != request.trace_id);
    assert_eq!((&run.trace_id, &run.parent_span_id), (&job.trace_id, &job.span_id));
    let id = path.trim_start_matches("/jobs/");
    assert_eq!(text(job, "tundra.job.id"), Some(id));
    assert_eq!(text(request, "tundra.job.id"), Some(id));
    assert_eq!(number(job, "tundra.job.attempt"), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_ends_its_span() {
    let collector = Collector::start().await;
    let (place, files) = (Place::new().await, FileServer::start().await);
    let (desk, traces) = open(&place, collector.settings()).await;
    let source = place.add("acme", Some(files.never())).await;
    let body = json!({ "source_id": source.id.to_string() });
    {
        let asking = desk.post("/convert/file", &[], &body);
        tokio::select! {
            answer = asking => panic!("{answer:?}"),
            () = files.is_asked() => {}
        }
    }
    desk.app.shutdown(Duration::from_secs(5)).await;
    traces.end().await;
    let spans = collector.spans();
    assert_eq!(text(&spans["POST /convert/file"], "error.type"), Some("client_gone"));
    assert_eq!(text(&spans["run convert_file"], "error.type"), Some("cancelled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_sampled_is_sent_and_a_caller_may_decide() {
    for (by_parent, flags, expected) in
        [(true, "01", true), (true, "00", false), (false, "01", false)]
    {
        let collector = Collector::start().await;
        let mut settings = collector.settings();
        settings.sampling = Sampling { share: 0.0, by_parent };
        let place = Place::new().await;
        let (desk, traces) = open(&place, settings).await;
        desk.get("/health").await.ok();
        let parent = format!("00-{TRACE}-{CALLER}-{flags}");
        desk.call("GET", "/info", &[("traceparent", &parent)], Body::empty()).await.ok();
        traces.end().await;
        let names: Vec<String> = collector.spans().into_keys().collect();
        let wanted: &[&str] = if expected { &["GET /info"] } else { &[] };
        assert_eq!(names, wanted, "{by_parent} {flags}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_busy_is_asked_again() {
    let collector = Collector::start().await;
    *collector.refusals.lock().unwrap() = vec![StatusCode::SERVICE_UNAVAILABLE];
    let place = Place::new().await;
    let (desk, traces) = open(&place, collector.settings()).await;
    // As many as are sent at once, so that they are sent now.
    for _ in 0..512 {
        desk.get("/health").await.ok();
    }
    let arrived = async {
        while !collector.spans().contains_key("GET /health") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), arrived).await.unwrap();
    traces.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_or_deaf_keeps_nobody_waiting() {
    // One that takes connections and never answers, and one that is not there.
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = deaf.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        let accepting = async {
            while let Ok((stream, _)) = deaf.accept().await {
                kept.push(stream);
            }
        };
        tokio::select! {
            () = accepting => {}
            _ = stopped => {}
        }
    });
    for url in [format!("http://{address}/v1/traces"), "http://127.0.0.1:1/v1/traces".to_owned()] {
        let place = Place::new().await;
        let (desk, traces) = open(&place, TraceSettings::new(url.parse().unwrap())).await;
        let began = Instant::now();
        // More than the queue holds.
        for _ in 0..6000 {
            desk.get("/health").await.ok();
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        let ending = Instant::now();
        traces.end().await;
        assert!(ending.elapsed() < Duration::from_millis(1500), "{:?}", ending.elapsed());
    }
    stop.send(()).unwrap();
}
