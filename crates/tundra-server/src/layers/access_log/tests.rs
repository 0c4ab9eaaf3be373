//! Tests of what the log says of a request, and what it does not.

use std::{io, sync::Mutex};

use axum::{
    Router,
    body::to_bytes,
    extract::Path,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use serde_json::Value;
use tower::ServiceExt as _;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::{Registry, fmt::MakeWriter, layer::SubscriberExt as _};
use tundra_access::Asking;

use super::*;
use crate::{
    Failure,
    layers::{
        around,
        authentication::{Door, authenticate},
        client::Peer,
    },
    settings::Settings,
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Kept {
    /// Logs to it from now on, until the guard is dropped.
    fn begin(project: Option<&str>) -> (Self, LogHandle, DefaultGuard) {
        let kept = Self::default();
        let (filter, handle) = LogHandle::new("info".parse().unwrap());
        let log = json_log(project.map(str::to_owned), kept.clone());
        let guard = tracing::subscriber::set_default(Registry::default().with(filter).with(log));
        (kept, handle, guard)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn router() -> Router {
    let done = async |Path(_): Path<String>, _: String| {
        tracing::warn!(rows = 7, "did it");
        "done"
    };
    let endless =
        async || Body::from_stream(futures::stream::repeat_with(|| Ok::<_, io::Error>("x")));
    let router = Router::new()
        .route("/sources/{id}", post(done))
        .route_layer(from_fn_with_state(Door::new(None), authenticate))
        .route("/broken", get(async || Failure::of_kind(tundra_core::ErrorKind::Internal, "oh no")))
        .route("/endless", get(endless))
        .route("/never", get(std::future::pending::<()>));
    around(router, &Settings::default(), Some(Asking::default()), None)
}

fn request(method: &str, path: &str) -> Request {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("x-request-id", "r-1")
        .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"))
        .extension(Peer("9.9.9.9:1".parse().unwrap()));
    request.header(CONTENT_LENGTH, 5).body(Body::from("hush!")).unwrap()
}

#[tokio::test]
async fn a_request_is_one_line_without_what_it_says() {
    let (kept, _, _guard) = Kept::begin(Some("acme-prod"));
    let response = router().oneshot(request("POST", "/sources/hush?token=hush")).await.unwrap();
    assert!(!kept.text().contains("answered"), "the answer was not sent yet");
    to_bytes(response.into_body(), usize::MAX).await.unwrap();

    let lines = kept.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    for line in &lines {
        assert_eq!(line["request_id"], "r-1");
        let trace = &line["logging.googleapis.com/trace"];
        assert_eq!(*trace, format!("projects/acme-prod/traces/{TRACE}"));
        assert_eq!(line["logging.googleapis.com/spanId"], "00f067aa0ba902b7");
        assert_eq!(line["logging.googleapis.com/trace_sampled"], true);
        assert!(humantime::parse_rfc3339(line["time"].as_str().unwrap()).is_ok());
    }
    assert_eq!(lines[0]["severity"], "WARNING");
    assert_eq!((&lines[0]["message"], &lines[0]["rows"]), (&"did it".into(), &7.into()));
    let answered = &lines[1];
    assert_eq!(answered["severity"], "INFO");
    assert_eq!((&answered["subject"], &answered["via"]), (&"local".into(), &"local".into()));
    assert_eq!(answered["cut_off"], false);
    let http = &answered["httpRequest"];
    assert_eq!(http["requestMethod"], "POST");
    assert_eq!(http["requestUrl"], "/sources/{id}");
    assert_eq!(http["status"], 200);
    assert_eq!((&http["requestSize"], &http["responseSize"]), (&"5".into(), &"4".into()));
    assert_eq!(http["remoteIp"], "9.9.9.9");
    assert!(http["latency"].as_str().unwrap().ends_with('s'));
    assert!(!kept.text().contains("hush"), "{}", kept.text());
}

#[tokio::test]
async fn what_is_ours_to_mend_is_logged_with_the_id() {
    let (kept, _, _guard) = Kept::begin(None);
    router().oneshot(request("GET", "/broken")).await.unwrap();
    router().oneshot(request("GET", "/nowhere")).await.unwrap();
    let lines = kept.lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!((&lines[0]["severity"], &lines[0]["detail"]), (&"ERROR".into(), &"oh no".into()));
    assert_eq!(lines[0]["request_id"], "r-1");
    assert_eq!(lines[0]["logging.googleapis.com/trace"], TRACE);
    assert_eq!(lines[1]["httpRequest"]["status"], 500);
    let missing = &lines[2]["httpRequest"];
    assert_eq!(missing["status"], 404);
    assert!(missing.get("requestUrl").is_none(), "{missing}");
}

#[tokio::test]
async fn a_client_that_goes_away_is_logged_too() {
    let (kept, _, _guard) = Kept::begin(None);
    let router = router();
    let waiting = router.clone().oneshot(request("GET", "/never"));
    assert!(futures::FutureExt::now_or_never(waiting).is_none());
    assert_eq!(kept.lines()[0]["httpRequest"]["status"], CLIENT_GONE);
    assert_eq!(kept.lines()[0]["httpRequest"]["requestUrl"], "/never");

    let response = router.oneshot(request("GET", "/endless")).await.unwrap();
    let mut body = response.into_body();
    for _ in 0..3 {
        http_body_util::BodyExt::frame(&mut body).await.unwrap().unwrap();
    }
    drop(body);
    let lines = kept.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[1]["cut_off"], true);
    assert_eq!(lines[1]["httpRequest"]["responseSize"], "3");
}

#[tokio::test]
async fn little_is_logged_when_little_is_wanted_and_keeps_its_id() {
    let (kept, handle, _guard) = Kept::begin(None);
    assert!(handle.set("error".parse().unwrap()));
    router().oneshot(request("GET", "/broken")).await.unwrap();
    let lines = kept.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["request_id"], "r-1");
}
