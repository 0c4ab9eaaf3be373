//! Conversions as jobs: asked for, watched, cancelled, told and taken up again.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};
use tundra_core::{Catalog as _, Reserved, Source, Version, VersionFacts, VersionStatus};
use tundra_jobs::{
    DerivedKeys, JobStore, MemoryJobs, NewJob, OnInterruption, Reach, Room, SigningKey, SqliteJobs,
    WebhookSettings,
};
use tundra_server::{
    Settings,
    tasks::{Request, Task, TaskScope},
    wire::ConvertFile,
};

use crate::{
    place::{Desk, LateFile, Opening, Place},
    support::Answer,
};

const TWO_ROWS: &str = "id,name\n1,Ann\n2,Bob\n";

const ASYNC: (&str, &str) = ("prefer", "respond-async");

fn in_memory() -> Opening {
    Opening { jobs: Some(Arc::new(MemoryJobs::new())), ..Opening::default() }
}

fn request(source: &Source) -> Value {
    json!({ "source_id": source.id.to_string() })
}

/// Asks for a conversion, and returns the path of its job.
async fn submit(desk: &Desk, source: &Source) -> String {
    let answer = desk.post("/convert/file", &[ASYNC], &request(source)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
    answer.headers["location"].to_str().unwrap().to_owned()
}

/// What an event says: its id and its data.
type Event = (u64, Value);

/// Reads all events of a job, to the end of the stream.
async fn events(desk: &Desk, job: &str, headers: &[(&str, &str)]) -> Vec<Event> {
    let path = format!("{job}/events");
    let answer = desk.call("GET", &path, headers, Body::empty()).await;
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    let text = answer.body.as_str().unwrap();
    let events = text.split("\n\n").filter(|event| event.contains("data:"));
    let read = |event: &str| {
        let field =
            |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim();
        assert_eq!(field("event:"), "job");
        (field("id:").parse().unwrap(), serde_json::from_str(field("data:")).unwrap())
    };
    events.map(read).collect()
}

/// Waits until a job has ended, and returns it as it is then.
async fn ended(desk: &Desk, job: &str) -> Value {
    let (_, last) = events(desk, job, &[]).await.pop().unwrap();
    last
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_is_asked_for_watched_and_done() {
    let place = Place::new().await;
    let desk = place.open(in_memory()).await;
    let source = place.uploaded("acme", TWO_ROWS).await;
    let prefer = [("prefer", "wait=1, Respond-Async")];
    let answer = desk.post("/convert/file", &prefer, &request(&source)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.headers["preference-applied"], "respond-async");
    let job = answer.headers["location"].to_str().unwrap();
    assert_eq!(job, format!("/jobs/{}", answer.body["id"].as_str().unwrap()));
    assert_eq!(answer.body["kind"], "convert_file");

    let events = events(&desk, job, &[]).await;
    assert!(events.is_sorted_by(|one, other| one.0 < other.0), "{events:?}");
    let order = ["queued", "running", "done"];
    let place_of = |event: &Event| order.iter().position(|status| event.1["status"] == *status);
    assert!(events.is_sorted_by_key(|event| place_of(event).unwrap()), "{events:?}");
    let (last, done) = events.last().unwrap();
    assert_eq!(done["status"], "done");
    assert_eq!(done["result"]["success"], true);
    assert_eq!(done["result"]["metadata"]["rows"], 2);
    assert_eq!(done["result"]["metadata"]["version"], 1);
    assert_eq!(&desk.get(job).await.ok(), done);
    assert_eq!(place.again(&source).await.current_version.unwrap().get(), 1);

    // Whoever has heard the end is told not to come back.
    let heard = last.to_string();
    let path = format!("{job}/events");
    let again = desk.call("GET", &path, &[("last-event-id", &heard)], Body::empty()).await;
    assert_eq!(again.status, StatusCode::NO_CONTENT);
    let rest = self::events(&desk, job, &[("last-event-id", "1")]).await;
    assert_eq!(rest, [(*last, done.clone())]);

    let ended = desk.call("DELETE", job, &[], Body::empty()).await;
    assert_eq!(ended.ok()["status"], "done");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_preference_or_without_jobs_it_is_waited_for() {
    let place = Place::new().await;
    let source = place.uploaded("acme", TWO_ROWS).await;
    let desk = place.open(in_memory()).await;
    assert_eq!(desk.convert(&source).await["metadata"]["version"], 1);
    assert_eq!(desk.get("/jobs").await.ok()["jobs"], json!([]));

    let desk = place.open(Opening::default()).await;
    let answer = desk.post("/convert/file", &[ASYNC], &request(&source)).await;
    assert!(!answer.headers.contains_key("preference-applied"));
    assert_eq!(answer.ok()["metadata"]["version"], 2);
    desk.get("/jobs").await.failure(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_says_why_and_where() {
    let place = Place::new().await;
    let desk = place.open(in_memory()).await;
    let source = place.uploaded("acme", "id,n\n1,2\n3\n4,5,6\n").await;
    let job = submit(&desk, &source).await;
    let failed = ended(&desk, &job).await;
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["error"]["code"], "invalid_data");
    assert_eq!(failed["error"]["place"]["line"], 3);
    assert_eq!(place.versions(&source).await[0].status, VersionStatus::Error);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_runs_is_cancelled_and_leaves_no_version_pending() {
    let place = Place::new().await;
    let desk = place.open(in_memory()).await;
    let mut file = LateFile::start(TWO_ROWS).await;
    let source = place.add("acme", Some(file.url.clone())).await;
    let job = submit(&desk, &source).await;
    file.is_asked().await;
    let told = desk.call("DELETE", &job, &[], Body::empty()).await;
    assert_eq!(told.status, StatusCode::ACCEPTED, "{}", told.body);
    assert_eq!(told.body["cancel_requested"], true);
    let last = ended(&desk, &job).await;
    assert_eq!((&last["status"], &last["error"]), (&json!("cancelled"), &Value::Null));
    let versions = place.versions(&source).await;
    assert!(versions.iter().all(|version| version.status == VersionStatus::Error), "{versions:?}");
    let again = desk.call("DELETE", &job, &[], Body::empty()).await;
    assert_eq!(again.ok()["status"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_in_pages_and_by_status() {
    let place = Place::new().await;
    let desk = place.open(in_memory()).await;
    let source = place.uploaded("acme", TWO_ROWS).await;
    let mut jobs = Vec::new();
    for _ in 0..5 {
        let job = submit(&desk, &source).await;
        ended(&desk, &job).await;
        jobs.insert(0, job);
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = desk.get(&format!("/jobs?limit=2&status=done{cursor}")).await.ok();
        let listed = page["jobs"].as_array().unwrap();
        assert!(listed.len() <= 2);
        seen.extend(listed.iter().map(|job| format!("/jobs/{}", job["id"].as_str().unwrap())));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, jobs);
    assert_eq!(desk.get("/jobs?status=failed").await.ok()["jobs"], json!([]));
    for query in ["status=lost", "cursor=x", "limit=-1", "limit=0", "limit=501", "limit=x"] {
        desk.get(&format!("/jobs?{query}")).await.failure(400, "invalid_request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_is_one_request() {
    let place = Place::new().await;
    let desk = place.open(in_memory()).await;
    let source = place.uploaded("acme", TWO_ROWS).await;
    let headers = [ASYNC, ("idempotency-key", "\"monday\"")];
    let ask = async |body: &Value| desk.post("/convert/file", &headers, body).await;
    let first = ask(&request(&source)).await;
    let job = first.headers["location"].to_str().unwrap();
    ended(&desk, job).await;
    let again = ask(&request(&source)).await;
    assert_eq!((again.status, &again.body["id"]), (StatusCode::ACCEPTED, &first.body["id"]));
    assert_eq!(again.body["status"], "done");
    let other = json!({ "source_id": source.id.to_string(), "compression": "snappy" });
    ask(&other).await.failure(409, "idempotency_conflict");

    // A request that is waited for has keys of its own.
    let key = [("idempotency-key", "tuesday")];
    let one = desk.post("/convert/file", &key, &request(&source)).await.ok();
    let same = desk.post("/convert/file", &key, &request(&source)).await.ok();
    assert_eq!(one["metadata"]["version"], 2);
    assert_eq!(same["metadata"]["version"], 2);
    assert_eq!(place.versions(&source).await.len(), 2);
    let other = json!({ "source_id": source.id.to_string(), "compression": "snappy" });
    desk.post("/convert/file", &key, &other).await.failure(409, "idempotency_conflict");
    assert_eq!(place.versions(&source).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_run_that_goes_on_is_told_and_so_is_another_request_under_it() {
    let place = Place::new().await;
    let desk = Arc::new(place.open(in_memory()).await);
    let mut late = LateFile::start(TWO_ROWS).await;
    let source = place.add("acme", Some(late.url.clone())).await;
    let key = [("idempotency-key", "once")];
    let first = tokio::spawn({
        let (desk, body) = (Arc::clone(&desk), request(&source));
        async move { desk.post("/convert/file", &key, &body).await }
    });
    late.is_asked().await;
    let again = desk.post("/convert/file", &key, &request(&source)).await;
    assert!(again.failure(409, "conflict").contains("is being made"), "{}", again.body);
    assert!(again.headers.contains_key("retry-after"));
    let other = json!({ "source_id": source.id.to_string(), "format": "csv" });
    let other = desk.post("/convert/file", &key, &other).await;
    other.failure(409, "idempotency_conflict");
    assert_eq!(other.body["hints"], json!(["use a new key for a new request"]));
    assert!(!other.headers.contains_key("retry-after"));

    late.comes();
    let made = first.await.unwrap().ok();
    let again = desk.post("/convert/file", &key, &request(&source)).await.ok();
    assert_eq!(again["metadata"]["version"], made["metadata"]["version"]);
    assert_eq!(place.versions(&source).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_jobs_of_others_are_not_there() {
    let place = Place::new().await;
    let desk = place.open(Opening { with_keys: true, ..in_memory() }).await;
    let source = place.uploaded("acme", TWO_ROWS).await;
    let own = place.key(Some("acme"), "convert,read").await;
    let other = place.key(Some("other"), "convert,read").await;
    let reader = place.key(Some("acme"), "read").await;
    let operator = place.key(None, "convert,read,operate").await;
    let ask = async |key: &str, path: &str, method: &str| -> Answer {
        desk.call(method, path, &[("x-api-key", key)], Body::empty()).await
    };
    let convert = async |key: &str| {
        desk.post("/convert/file", &[ASYNC, ("x-api-key", key)], &request(&source)).await
    };
    convert(&other).await.failure(404, "not_found");
    convert(&reader).await.failure(403, "permission_denied");
    let job = convert(&own).await.headers["location"].to_str().unwrap().to_owned();
    ask(&own, &format!("{job}/events"), "GET").await;
    let nobodys = "/jobs/01890a5d-ac96-774b-bcce-b302099a8057";
    for job in [job.as_str(), nobodys, "/jobs/x"] {
        for (path, method) in
            [(job.to_owned(), "GET"), (job.to_owned(), "DELETE"), (format!("{job}/events"), "GET")]
        {
            ask(&other, &path, method).await.failure(404, "not_found");
        }
    }
    ask(&reader, &job, "DELETE").await.failure(403, "permission_denied");
    assert_eq!(ask(&other, "/jobs", "GET").await.ok()["jobs"], json!([]));
    for key in [&own, &reader, &operator] {
        assert_eq!(ask(key, "/jobs", "GET").await.ok()["jobs"].as_array().unwrap().len(), 1);
    }
    // What an operator asks for is the job of whomever the source belongs to.
    convert(&operator).await;
    assert_eq!(ask(&own, "/jobs", "GET").await.ok()["jobs"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_hears_so_many_streams_of_events_and_all_together_some_more() {
    let place = Place::new().await;
    let settings =
        Settings { event_streams_per_caller: 2, event_streams: 3, ..Opening::default().settings };
    let desk = place.open(Opening { settings, with_keys: true, ..in_memory() }).await;
    let mut file = LateFile::start(TWO_ROWS).await;
    let source = place.add("acme", Some(file.url.clone())).await;
    let one = place.key(Some("acme"), "convert,read").await;
    let other = place.key(Some("acme"), "read").await;
    let third = place.key(Some("acme"), "read").await;
    let headers = [ASYNC, ("x-api-key", one.as_str())];
    let answer = desk.post("/convert/file", &headers, &request(&source)).await;
    let path = format!("{}/events", answer.headers["location"].to_str().unwrap());
    file.is_asked().await;
    let hear =
        async |key: &str| desk.response("GET", &path, &[("x-api-key", key)], Body::empty()).await;
    let refused = async |key: &str| {
        let answer = desk.call("GET", &path, &[("x-api-key", key)], Body::empty()).await;
        assert!(answer.headers.contains_key("retry-after"), "{}", answer.body);
        answer
    };
    let streams = [hear(&one).await, hear(&one).await, hear(&other).await];
    assert!(streams.iter().all(|stream| stream.status() == 200));
    refused(&one).await.failure(429, "rate_limited");
    refused(&third).await.failure(503, "queue_full");
    // Whoever stops hearing makes room.
    drop(streams);
    assert_eq!(hear(&third).await.status(), 200);
    file.comes();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_and_says_when_to_come_back() {
    /// As many as may wait of one organisation, and one less than may wait in all.
    const ROOM: u64 = 3;
    let place = Place::new().await;
    let settings = Settings {
        concurrent_runs: 1.try_into().unwrap(),
        queued_jobs: (ROOM + 1).try_into().unwrap(),
        queued_jobs_per_tenant: ROOM.try_into().unwrap(),
        ..Opening::default().settings
    };
    let desk = place.open(Opening { settings, ..in_memory() }).await;
    let mut file = LateFile::start(TWO_ROWS).await;
    let source = place.add("acme", Some(file.url.clone())).await;
    submit(&desk, &source).await;
    file.is_asked().await;
    for _ in 0..ROOM {
        submit(&desk, &source).await;
    }
    let refused = desk.post("/convert/file", &[ASYNC], &request(&source)).await;
    refused.failure(429, "queue_full");
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=300).contains(&wait));
    // Others have their own.
    let others = place.uploaded("other", TWO_ROWS).await;
    submit(&desk, &others).await;
    let refused = desk.post("/convert/file", &[ASYNC], &request(&others)).await;
    refused.failure(503, "queue_full");
    assert!(refused.headers.contains_key("retry-after"));
    desk.app.shutdown(Duration::from_secs(1)).await;
    let late = desk.post("/convert/file", &[ASYNC], &request(&source)).await;
    late.failure(503, "shutting_down");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_loses_no_job_and_makes_no_version_twice() {
    let place = Place::new().await;
    let file = place.directory.path().join("jobs.db");
    let open = async |at_once: usize| {
        let jobs: Arc<dyn JobStore> = Arc::new(SqliteJobs::open(&file).await.unwrap());
        let settings = Settings {
            concurrent_runs: at_once.try_into().unwrap(),
            ..Opening::default().settings
        };
        place.open(Opening { jobs: Some(jobs), settings, ..Opening::default() }).await
    };
    let desk = open(1).await;
    let mut late = LateFile::start(TWO_ROWS).await;
    let (begun, waiting) =
        (place.add("acme", Some(late.url.clone())).await, place.uploaded("acme", TWO_ROWS).await);
    let running = submit(&desk, &begun).await;
    late.is_asked().await;
    let queued = submit(&desk, &waiting).await;
    assert_eq!(desk.app.shutdown(Duration::from_secs(1)).await, 0);
    assert_eq!(desk.get(&running).await.ok()["status"], "queued");
    assert_eq!(place.versions(&begun).await[0].status, VersionStatus::Error);
    drop(desk);

    late.comes();
    let desk = open(2).await;
    for (job, source, attempts, version) in [(&running, &begun, 2, 2), (&queued, &waiting, 1, 1)] {
        let done = ended(&desk, job).await;
        assert_eq!(done["status"], "done", "{done}");
        assert_eq!(done["attempts"], attempts);
        assert_eq!(done["result"]["metadata"]["version"], version);
        let active = place.versions(source).await;
        let active = active.iter().filter(|version| version.status == VersionStatus::Active);
        assert_eq!(active.count(), 1);
    }
}

/// Leaves a job as a process does that dies while it runs it, with the version that it had reserved.
async fn dies(place: &Place, jobs: &SqliteJobs, source: &Source) -> (String, Version) {
    let request = ConvertFile { source_id: Some(source.id.to_string()), ..ConvertFile::default() };
    let scope = TaskScope::Tenant(source.tenant.to_string());
    let task = Task::new(scope, Request::ConvertFile(request));
    let request = serde_json::to_value(&task).unwrap();
    let at_most = 3.try_into().unwrap();
    let new = NewJob {
        on_interruption: OnInterruption::Retry { at_most },
        ..NewJob::new(source.tenant.clone(), task.kind(), request)
    };
    let room = Room { total: 9, per_tenant: 9 };
    let then = SystemTime::now() - Duration::from_secs(600);
    let job = jobs.submit(&new, room, then).await.unwrap().into_job();
    jobs.claim("a dead process", then, then).await.unwrap().unwrap();
    let key = job.id.to_string().parse().unwrap();
    let Reserved::New(version) = place.catalog.reserve(source, Some(&key)).await.unwrap() else {
        panic!("the key was used")
    };
    (format!("/jobs/{}", job.id), version)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_of_a_dead_process_is_done_once() {
    let place = Place::new().await;
    let jobs = Arc::new(SqliteJobs::open(place.directory.path().join("jobs.db")).await.unwrap());
    let (one, other) =
        (place.uploaded("acme", TWO_ROWS).await, place.uploaded("acme", TWO_ROWS).await);
    let (begun, _) = dies(&place, &jobs, &one).await;
    let (made, version) = dies(&place, &jobs, &other).await;
    let facts = VersionFacts {
        rows: 7,
        columns: 1,
        size_bytes: 99,
        seconds: 0.1,
        receipt_sha256: None,
        schema: None,
        extraction_query: None,
    };
    place.catalog.activate(&version, &facts).await.unwrap();

    let desk = place.open(Opening { jobs: Some(jobs), ..Opening::default() }).await;
    // What it had not come to the end of, is begun anew.
    let done = ended(&desk, &begun).await;
    assert_eq!((&done["status"], &done["attempts"]), (&json!("done"), &json!(2)), "{done}");
    assert_eq!(done["result"]["metadata"]["version"], 2);
    let versions = place.versions(&one).await;
    assert_eq!(versions[0].status, VersionStatus::Error);
    assert!(versions[0].error_message.as_deref().unwrap().contains("the service ended"));
    // What it had made is found.
    let done = ended(&desk, &made).await;
    assert_eq!((&done["status"], &done["attempts"]), (&json!("done"), &json!(2)), "{done}");
    assert_eq!(done["result"]["metadata"]["version"], 1);
    assert_eq!(done["result"]["metadata"]["rows"], 7);
    assert_eq!(place.versions(&other).await.len(), 1);
}

/// A receiver of webhooks.
async fn receiver() -> (String, mpsc::UnboundedReceiver<(HeaderMap, Bytes)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks/hunter2", listener.local_addr().unwrap());
    let (sender, heard) = mpsc::unbounded_channel();
    let hear = async move |headers: HeaderMap, body: Bytes| {
        sender.send((headers, body)).unwrap();
        StatusCode::NO_CONTENT
    };
    let router = Router::new().route("/hooks/hunter2", post(hear));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, heard)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_tells_the_end_signed() {
    let place = Place::new().await;
    let keys = DerivedKeys::new([SigningKey::from_bytes([7; 32]).unwrap()]);
    let webhooks =
        WebhookSettings { reach: Reach::Private, ..WebhookSettings::new(Arc::new(keys.clone())) };
    let desk = place.open(Opening { webhooks: Some(webhooks), ..in_memory() }).await;
    let source = place.uploaded("acme", TWO_ROWS).await;
    let (url, mut heard) = receiver().await;
    let body = json!({ "source_id": source.id.to_string(), "webhook": { "url": url } });
    let accepted = desk.post("/convert/file", &[ASYNC], &body).await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED, "{}", accepted.body);
    assert!(!accepted.body.to_string().contains("hunter2"));

    let heard = tokio::time::timeout(Duration::from_secs(20), heard.recv()).await;
    let (headers, body) = heard.unwrap().unwrap();
    let key = keys.of(&"acme".parse().unwrap()).remove(0);
    let webhook = standardwebhooks::Webhook::new(key.reveal().expose()).unwrap();
    webhook.verify(&body, &headers).unwrap();
    let event: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(event["type"], "job.done");
    assert_eq!(event["data"]["id"], accepted.body["id"]);
    assert_eq!(event["data"]["result"]["metadata"]["rows"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_cannot_be_called_is_refused_at_once() {
    let place = Place::new().await;
    let keys = DerivedKeys::new([SigningKey::from_bytes([7; 32]).unwrap()]);
    let webhooks = WebhookSettings::new(Arc::new(keys));
    let desk = place.open(Opening { webhooks: Some(webhooks), ..in_memory() }).await;
    let source = place.uploaded("acme", TWO_ROWS).await;
    let ask = async |url: &str, headers: &[(&str, &str)]| {
        let body = json!({ "source_id": source.id.to_string(), "webhook": { "url": url } });
        desk.post("/convert/file", headers, &body).await
    };
    for url in ["", "hunter2", "file:///hunter2", "https://hunter2@h.example/"] {
        let refused = ask(url, &[ASYNC]).await;
        let text = refused.failure(400, "invalid_request");
        assert!(text.contains("webhook") && !text.contains("hunter2"), "{text}");
    }
    for url in ["http://h.example/", "https://127.0.0.1/", "https://[::ffff:169.254.169.254]/"] {
        ask(url, &[ASYNC]).await.failure(403, "permission_denied");
    }
    ask("https://h.example/", &[]).await.failure(400, "invalid_request");
    assert_eq!(place.versions(&source).await, []);

    let desk = place.open(in_memory()).await;
    let body =
        json!({ "source_id": source.id.to_string(), "webhook": { "url": "https://h.example" } });
    desk.post("/convert/file", &[ASYNC], &body).await.failure(400, "unsupported");
}
