//! The edge of the service: who is let in, how often, by which connections, and how it ends.

use std::{net::SocketAddr, num::NonZeroU32, time::Duration};

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};
use tundra_core::{SourceType, VersionStatus};
use tundra_server::{CorsOrigins, Rates, Report, Settings, serve};

use crate::support::{FileServer, Service, Wishes};

/// A service that listens.
struct Listening {
    address: SocketAddr,
    end: oneshot::Sender<()>,
    server: JoinHandle<std::io::Result<Report>>,
}

impl Listening {
    async fn start(service: &Service) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = oneshot::channel::<()>();
        let app = service.app.clone();
        let server = tokio::spawn(serve(listener, app, async {
            let _ = ended.await;
        }));
        Self { address, end, server }
    }

    async fn end(self) -> Report {
        self.end.send(()).unwrap();
        self.server.await.unwrap().unwrap()
    }

    /// Sends a request, and returns the connection on which its answer comes.
    async fn send(&self, path: &str, headers: &str, body: &Value) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let body = body.to_string();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// Sends a request, and returns the status and the body of its answer.
    async fn ask(&self, path: &str, headers: &str, body: &Value) -> (u16, Value) {
        answer(self.send(path, headers, body).await).await
    }
}

async fn answer(mut stream: TcpStream) -> (u16, Value) {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    (status, serde_json::from_str(body).unwrap())
}

fn per_minute(number: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(number)
}

#[tokio::test]
async fn what_is_not_there_is_told_in_the_form_of_failures() {
    let service = Service::new().await;
    let request = Request::get("/nowhere").header("x-request-id", "mine");
    let answer = service.send(request.body(Body::empty()).unwrap()).await;
    answer.failure(404, "not_found");
    assert_eq!(answer.body["request_id"], "mine");
    assert_eq!(answer.headers["x-request-id"], "mine");
    let answer = service.get("/convert/file").await;
    answer.failure(405, "method_not_allowed");
    assert_eq!(answer.headers[header::ALLOW], "POST");
    let request = Request::post("/convert/file").header(header::CONTENT_TYPE, "text/plain");
    let answer = service.send(request.body(Body::from("{}")).unwrap()).await;
    answer.failure(415, "unsupported_media_type");
}

#[tokio::test]
async fn each_caller_may_ask_as_often_as_in_4_0() {
    let settings = Settings::default();
    let wishes = Wishes { settings, with_keys: true, ..Wishes::default() };
    let service = Service::with(wishes).await;
    let (one, other) = (service.key("acme", "convert").await, service.key("acme", "convert").await);
    let ask = async |path: &str, key: &str| {
        service.post_with(path, &[("x-api-key", key)], &json!({})).await
    };
    for (path, most) in
        [("/convert/file", 10), ("/infer/schema", 20), ("/test/database-connection", 20)]
    {
        for left in (0..most).rev() {
            let answer = ask(path, &one).await;
            assert!([400, 403].contains(&answer.status.as_u16()), "{path}: {}", answer.body);
            assert_eq!(answer.headers["ratelimit-limit"], most.to_string().as_str());
            assert_eq!(answer.headers["ratelimit-remaining"], left.to_string().as_str());
        }
        let answer = ask(path, &one).await;
        answer.failure(429, "rate_limited");
        let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60 / most).contains(&wait), "{wait}");
        assert_ne!(ask(path, &other).await.status, 429);
    }
}

#[tokio::test]
async fn behind_a_proxy_that_is_trusted_each_client_has_its_own_rate() {
    let rates = Rates { infer: per_minute(1), ..Rates::default() };
    for (trusted, expected) in [(vec!["127.0.0.0/8".parse().unwrap()], 400), (Vec::new(), 429)] {
        let settings = Settings { rates, trusted_proxies: trusted, ..Settings::default() };
        let service = Service::with(Wishes { settings, ..Wishes::default() }).await;
        let listening = Listening::start(&service).await;
        let ask = async |client: &str| {
            let header = format!("x-forwarded-for: 6.6.6.6, {client}\r\n");
            listening.ask("/infer/schema", &header, &json!({})).await.0
        };
        assert_eq!(ask("1.1.1.1").await, 400);
        assert_eq!(ask("1.1.1.1").await, 429);
        assert_eq!(ask("2.2.2.2").await, expected);
        listening.end().await;
    }
}

#[tokio::test]
async fn whoever_tries_keys_is_told_to_come_back_later_and_nobody_else_is() {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let settings = Settings { trusted_proxies, ..Settings::default() };
    let service = Service::with(Wishes { settings, with_keys: true, ..Wishes::default() }).await;
    let (known, late) = (service.key("acme", "read").await, service.key("acme", "read").await);
    let listening = Listening::start(&service).await;
    let ask = async |client: &str, key: &str| {
        let headers = format!("x-forwarded-for: {client}\r\nx-api-key: {key}\r\n");
        listening.ask("/convert/file", &headers, &json!({})).await
    };
    assert_eq!(ask("1.1.1.1", &known).await.0, 403);
    for guess in 0..30 {
        assert_eq!(ask("1.1.1.1", &format!("tnd_{guess}")).await.0, 401);
    }
    let (status, body) = ask("1.1.1.1", "tnd_30").await;
    assert_eq!((status, &body["code"]), (429, &json!("rate_limited")));
    // Not even a right one, which would be told by that; but one that was let in before.
    assert_eq!(ask("1.1.1.1", &late).await.0, 429);
    assert_eq!(ask("1.1.1.1", &known).await.0, 403);
    assert_eq!(ask("2.2.2.2", &late).await.0, 403);
    // Who shows nothing guesses nothing.
    for _ in 0..40 {
        let empty = json!({});
        let answer = listening.ask("/convert/file", "x-forwarded-for: 3.3.3.3\r\n", &empty).await;
        assert_eq!(answer.0, 401);
    }
    listening.end().await;
}

#[tokio::test]
async fn without_authentication_pages_of_others_are_kept_out() {
    let service = Service::new().await;
    let source = service.uploaded("orders", "a\n1\n").await;
    let body = json!({"source_id": source.id.to_string()});
    for headers in [
        [("origin", "https://evil.example.com"), ("host", "127.0.0.1:8080")],
        [("sec-fetch-site", "cross-site"), ("host", "localhost")],
        [("origin", "http://evil.example.com"), ("host", "evil.example.com")],
    ] {
        let answer = service.post_with("/convert/file", &headers, &body).await;
        answer.failure(403, "permission_denied");
    }
    assert!(service.versions(&source).await.is_empty());
    service.post_with("/convert/file", &[("host", "localhost:8080")], &body).await.ok();
}

#[tokio::test]
async fn a_browser_may_ask_what_it_may_without_credentials() {
    let cors = CorsOrigins::These(vec!["https://app.example.com".to_owned()]);
    let settings = Settings { cors, ..Settings::default() };
    let service = Service::with(Wishes { settings, with_keys: true, ..Wishes::default() }).await;
    let request = Request::options("/convert/file")
        .header(header::ORIGIN, "https://app.example.com")
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization");
    let answer = service.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 200);
    let allowed = &answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN];
    assert_eq!(allowed, "https://app.example.com");
    // A page can read why it was refused.
    let request = Request::post("/convert/file").header(header::ORIGIN, "https://app.example.com");
    let answer = service.send(request.body(Body::empty()).unwrap()).await;
    answer.failure(401, "unauthenticated");
    assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://app.example.com");
    assert!(answer.headers.contains_key(header::WWW_AUTHENTICATE));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_stops_its_run() {
    let (service, files) = (Service::new().await, FileServer::start().await);
    let source = service.add("acme", "slow", SourceType::File, "csv", Some(files.never())).await;
    let listening = Listening::start(&service).await;
    let body = json!({"source_id": source.id.to_string()});
    let connection = listening.send("/convert/file", "", &body).await;
    files.is_asked().await;
    assert_eq!(service.versions(&source).await[0].status, VersionStatus::Pending);
    drop(connection);
    service.until(&source, VersionStatus::Error).await;
    // The service has a place for the next one.
    let orders = service.uploaded("orders", "a\n1\n").await;
    let body = json!({"source_id": orders.id.to_string()});
    let (status, body) = listening.ask("/convert/file", "", &body).await;
    assert_eq!((status, &body["metadata"]["rows"]), (200, &json!(1)));
    listening.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_ends_answers_what_it_has_begun_and_leaves_nothing_pending() {
    let shutdown_time = Duration::from_secs(4);
    let settings = Settings { shutdown_time, rates: Rates::UNLIMITED, ..Settings::default() };
    let service = Service::with(Wishes { settings, ..Wishes::default() }).await;
    let files = FileServer::start().await;
    let source = service.add("acme", "slow", SourceType::File, "csv", Some(files.never())).await;
    let listening = Listening::start(&service).await;
    let body = json!({"source_id": source.id.to_string()});
    let connection = listening.send("/convert/file", "", &body).await;
    files.is_asked().await;
    let report = listening.end().await;
    assert_eq!((report.connections, report.cut_off, report.runs_left), (1, 0, 0), "{report:?}");
    assert!(report.took < shutdown_time, "{report:?}");
    let (status, body) = answer(connection).await;
    assert!([499, 503].contains(&status), "{body}");
    assert_eq!(service.versions(&source).await[0].status, VersionStatus::Error);
}
