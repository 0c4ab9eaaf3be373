//! Tests of connections: slow ones, many of them, and the end of a service.

use std::{
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering},
};

use axum::{
    body::Body,
    extract::Request,
    http::Version,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tundra_access::Asking;

use super::*;
use crate::layers::{around, body};

/// Longer than anything here takes that goes as it should.
const AGES: Duration = Duration::from_secs(30);

/// A server that runs.
struct Running {
    address: SocketAddr,
    connections: Connections,
    end: oneshot::Sender<()>,
    server: JoinHandle<io::Result<Report>>,
}

impl Running {
    fn start(router: Router, settings: Settings) -> Self {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = oneshot::channel::<()>();
        let connections = Connections::new(settings.max_connections);
        let places = connections.clone();
        let server = tokio::spawn(async move {
            let shutdown = async {
                let _ = ended.await;
            };
            serve_router(listener, router, &settings, &places, shutdown, async |_| 0).await
        });
        Self { address, connections, end, server }
    }

    async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    async fn end(self) -> Report {
        self.end.send(()).unwrap();
        self.server.await.unwrap().unwrap()
    }
}

struct Client(TcpStream);

impl Client {
    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads until the connection is closed.
    async fn rest(&mut self) -> String {
        let mut text = Vec::new();
        tokio::time::timeout(AGES, self.0.read_to_end(&mut text)).await.unwrap().unwrap();
        String::from_utf8(text).unwrap()
    }

    /// Reads an answer whose body is short.
    async fn answer(&mut self) -> String {
        let mut text = String::new();
        let is_whole = |text: &str| {
            let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            length.is_none_or(|length| body.len() >= length.parse().unwrap())
        };
        while !is_whole(&text) {
            let mut piece = [0; 1024];
            let read = tokio::time::timeout(AGES, self.0.read(&mut piece)).await.unwrap().unwrap();
            assert!(read > 0, "closed after {text:?}");
            text.push_str(std::str::from_utf8(&piece[..read]).unwrap());
        }
        text
    }
}

const GET: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
const GET_AND_CLOSE: &str = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

fn plain() -> Router {
    Router::new().route("/", get(async || "done"))
}

fn impatient() -> Settings {
    Settings { header_timeout: Duration::from_millis(50), ..Settings::default() }
}

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let server = Running::start(plain(), impatient());
    for text in ["", "GET / HT", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\r\nhost: x\r\n"] {
        let begun = Instant::now();
        let mut client = server.connect().await;
        client.send(text).await;
        assert_eq!(client.rest().await, "", "{text:?}");
        assert!(begun.elapsed() >= impatient().header_timeout, "{text:?}");
    }
    // One that comes byte by byte, for ever.
    let mut client = server.connect().await;
    let mut pace = tokio::time::interval(Duration::from_millis(5));
    while client.0.write_all(b"a").await.is_ok() {
        pace.tick().await;
    }
}

#[tokio::test]
async fn the_second_head_has_its_time_too_and_waiting_has_its_own() {
    let idle = Duration::from_millis(300);
    let server = Running::start(plain(), Settings { idle_timeout: idle, ..impatient() });
    let mut client = server.connect().await;
    client.send(GET).await;
    assert!(client.answer().await.starts_with("HTTP/1.1 200"));
    let begun = Instant::now();
    assert_eq!(client.rest().await, "");
    assert!(begun.elapsed() >= idle, "{:?}", begun.elapsed());

    let settings = Settings { idle_timeout: AGES * 2, ..impatient() };
    let server = Running::start(plain(), settings);
    let mut client = server.connect().await;
    client.send(GET).await;
    client.answer().await;
    client.send("GET /").await;
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_request_may_take_longer_than_its_head() {
    let (sender, mut receiver) = mpsc::channel::<oneshot::Sender<()>>(1);
    let handler = async move || {
        let (go, gone) = oneshot::channel();
        sender.send(go).await.unwrap();
        gone.await.unwrap();
        "done"
    };
    let settings = Settings { idle_timeout: Duration::from_millis(50), ..impatient() };
    let server = Running::start(Router::new().route("/", get(handler)), settings);
    // Others come and are closed for their slowness meanwhile.
    let mut client = server.connect().await;
    client.send(GET_AND_CLOSE).await;
    let go = receiver.recv().await.unwrap();
    for _ in 0..3 {
        assert_eq!(server.connect().await.rest().await, "");
    }
    go.send(()).unwrap();
    assert!(client.rest().await.ends_with("done"));
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused_in_the_form_of_failures_as_far_as_they_are_read() {
    let settings = Settings::default();
    let server =
        Running::start(around(plain(), &settings, Some(Asking::default()), None), settings);
    let many = |number| "a: b\r\n".repeat(number);
    let large = |kib: usize| format!("a: {}\r\n", "b".repeat(kib << 10));
    for headers in [many(150), large(40)] {
        let mut client = server.connect().await;
        client.send(&format!("GET / HTTP/1.1\r\nhost: x\r\n{headers}\r\n")).await;
        let answer = client.answer().await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
        assert!(answer.contains(r#""code":"headers_too_large""#), "{answer}");
    }
    for headers in [many(10_000), large(128)] {
        let mut client = server.connect().await;
        client.send(&format!("GET / HTTP/1.1\r\nhost: x\r\n{headers}\r\n")).await;
        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    let mut client = server.connect().await;
    let token = "t".repeat(16 << 10);
    client.send(&format!("GET / HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\n\r\n")).await;
    assert!(client.answer().await.starts_with("HTTP/1.1 200"));
}

fn reading_bodies(settings: &Settings) -> Router {
    let read = async |request: Request| {
        body::read_json::<serde_json::Value>(request).await.map(axum::Json)
    };
    let router = Router::new()
        .route("/", post(read))
        .route_layer(from_fn_with_state(body::Rules::json(settings), body::guard));
    around(router, settings, Some(Asking::default()), None)
}

fn post_of(length: usize) -> String {
    format!(
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered() {
    let settings = Settings { body_timeout: Duration::from_millis(50), ..Settings::default() };
    let server = Running::start(reading_bodies(&settings), settings);
    let mut client = server.connect().await;
    client.send(&post_of(10)).await;
    client.send("{").await;
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains(r#""code":"timeout""#), "{answer}");
    assert!(answer.contains(r#""request_id":""#), "{answer}");
}

#[tokio::test]
async fn who_sends_too_much_can_read_that_it_was() {
    let settings = Settings { body_limit: 1 << 10, ..Settings::default() };
    let server = Running::start(reading_bodies(&settings), settings);
    let length = 2 << 20;
    for head in [post_of(length), post_of(length).replace("content-length", "x-length")] {
        let mut client = server.connect().await;
        client.send(&head.replace("x-length", "transfer-encoding: chunked\r\nx-length")).await;
        client.send(&format!("{length:x}\r\n")).await;
        // All of it is sent before anything is read, as many clients do.
        client.send(&"x".repeat(length)).await;
        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
        assert!(answer.contains(r#""code":"body_too_large""#), "{answer}");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_ends_what_it_asked_for() {
    struct Told(Option<oneshot::Sender<()>>);
    impl Drop for Told {
        fn drop(&mut self) {
            self.0.take().unwrap().send(()).unwrap();
        }
    }
    let (begun, mut begins) = mpsc::channel::<oneshot::Receiver<()>>(1);
    let handler = async move || {
        let (sender, receiver) = oneshot::channel();
        let _told = Told(Some(sender));
        begun.send(receiver).await.unwrap();
        std::future::pending::<()>().await;
    };
    let server = Running::start(Router::new().route("/", get(handler)), Settings::default());
    let mut client = server.connect().await;
    client.send(GET).await;
    let dropped = begins.recv().await.unwrap();
    drop(client);
    tokio::time::timeout(AGES, dropped).await.unwrap().unwrap();
}

#[tokio::test]
async fn there_are_only_so_many_connections_and_the_others_wait() {
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let handler = async || {
        MOST.fetch_max(NOW.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        NOW.fetch_sub(1, Ordering::SeqCst);
        "done"
    };
    let most = NonZeroUsize::new(4).unwrap();
    let settings = Settings { max_connections: most, ..Settings::default() };
    let server = Running::start(Router::new().route("/", get(handler)), settings);
    let mut clients = Vec::new();
    for _ in 0..100 {
        let mut client = server.connect().await;
        client.send(GET_AND_CLOSE).await;
        clients.push(client);
    }
    for mut client in clients {
        assert!(client.rest().await.ends_with("done"));
    }
    assert_eq!(MOST.load(Ordering::SeqCst), most.get());
    assert_eq!(server.end().await.connections, 100);
}

/// Connections of people who send nothing, more than there may be. Those beyond wait in the queue of the
/// system, and where that is full, their system tries again.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_connections_leave_everybody_else_an_answer_and_no_trace() {
    const CROWD: usize = 10_000;
    let settings = Settings { header_timeout: Duration::from_secs(1), ..Settings::default() };
    let most = settings.max_connections.get();
    // Their ends and ours are files of this process; only as many of ours are open as may be.
    let wanted = (CROWD + most + 500) as u64;
    let files = rlimit::increase_nofile_limit(wanted).unwrap();
    let crowd = CROWD.min(usize::try_from(files).unwrap().saturating_sub(most + 500));
    let server = Running::start(plain(), settings);
    let address = server.address;
    let mut somebody = server.connect().await;
    somebody.send(GET).await;
    assert!(somebody.answer().await.ends_with("done"));

    let mut clients = JoinSet::new();
    for _ in 0..crowd {
        clients.spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            // Until the server closes it.
            tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
        });
    }
    let mut refused = 0;
    let waiting = async {
        while let Some(ended) = clients.join_next().await {
            // Nothing was sent, so that nothing is answered.
            match ended.unwrap() {
                Ok(bytes) => assert_eq!(bytes, 0),
                Err(_) => refused += 1,
            }
            // Whoever is there is served all the time.
            if clients.len() % 500 == 0 {
                somebody.send(GET).await;
                assert!(somebody.answer().await.ends_with("done"));
            }
        }
    };
    tokio::time::timeout(AGES * 4, waiting).await.unwrap();
    assert!(refused * 100 <= crowd, "{refused} of {crowd} connections broke off");

    // And so is whoever comes afterwards.
    let mut late = server.connect().await;
    late.send(GET_AND_CLOSE).await;
    assert!(late.rest().await.ends_with("done"));
    drop(somebody);
    let connections = server.connections.clone();
    let report = server.end().await;
    assert_eq!(report.cut_off, 0);
    assert!(report.connections as usize >= crowd - refused, "{report:?}");
    // Every place and every file was given back.
    assert_eq!(connections.load(), Some((0, most)));
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count();
    assert!(open < most, "{open} files are open");
}

#[tokio::test]
async fn thousands_of_connections_are_nothing_special() {
    // Both ends of each are files of this process.
    let files = rlimit::increase_nofile_limit(8192).unwrap();
    let number = (usize::try_from(files).unwrap().saturating_sub(200) / 2).min(2000);
    let server = Running::start(plain(), Settings::default());
    let mut clients = Vec::new();
    for _ in 0..number {
        let mut client = server.connect().await;
        client.send(GET).await;
        clients.push(client);
    }
    for client in &mut clients {
        assert!(client.answer().await.ends_with("done"));
    }
    assert_eq!(server.connections.load(), Some((number, 4096)));
    // All of them are still there, and one more is served as quickly as any.
    let mut one_more = server.connect().await;
    one_more.send(GET_AND_CLOSE).await;
    assert!(one_more.rest().await.ends_with("done"));
    let report = server.end().await;
    assert_eq!((report.connections, report.cut_off), (number as u64 + 1, 0));
    for client in &mut clients {
        assert_eq!(client.rest().await, "");
    }
}

#[tokio::test]
async fn the_end_lets_answers_out_and_nobody_in() {
    let (sender, mut receiver) = mpsc::channel::<oneshot::Sender<()>>(1);
    let handler = async move || {
        let (go, gone) = oneshot::channel();
        sender.send(go).await.unwrap();
        gone.await.unwrap();
        "done"
    };
    let router = plain().route("/slow", get(handler));
    let server = Running::start(router, Settings::default());
    let (mut idle, mut half, mut slow) =
        (server.connect().await, server.connect().await, server.connect().await);
    idle.send(GET).await;
    idle.answer().await;
    half.send("GET / HT").await;
    slow.send(&GET.replace("GET / ", "GET /slow ")).await;
    let go = receiver.recv().await.unwrap();

    let address = server.address;
    let begun = Instant::now();
    let ending = tokio::spawn(server.end());
    // Those that have nothing to wait for are closed at once.
    assert_eq!(idle.rest().await, "");
    assert_eq!(half.rest().await, "");
    assert!(TcpStream::connect(address).await.is_err());
    go.send(()).unwrap();
    let answer = slow.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
    let report = ending.await.unwrap();
    assert_eq!((report.connections, report.cut_off), (3, 0));
    assert!(begun.elapsed() < Settings::default().shutdown_time / 2, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn the_end_does_not_wait_for_ever() {
    let shutdown_time = Duration::from_millis(300);
    let (begun, mut begins) = mpsc::channel(1);
    let handler = async move || {
        begun.send(()).await.unwrap();
        std::future::pending::<()>().await;
    };
    let router = Router::new().route("/", get(handler));
    let server = Running::start(router, Settings { shutdown_time, ..Settings::default() });
    let mut client = server.connect().await;
    client.send(GET).await;
    begins.recv().await.unwrap();
    let report = server.end().await;
    assert!(report.took >= shutdown_time && report.took < AGES, "{report:?}");
    assert_eq!(report.cut_off, 1);
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn http_2_is_spoken_without_tls() {
    let server = Running::start(plain(), Settings::default());
    let stream = TcpStream::connect(server.address).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    let connection = tokio::spawn(connection);
    for _ in 0..3 {
        let request = Request::builder().uri("http://x/").body(Body::empty()).unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.version(), Version::HTTP_2);
    }
    let report = server.end().await;
    assert_eq!((report.connections, report.cut_off), (1, 0));
    // It was told, and not merely cut off.
    connection.await.unwrap().unwrap();
}
