//! Accepts connections and ends in order: [`serve`].
//!
//! Every connection has its time and its place: the head of a request must come within a time, a
//! connection without requests is closed after another, and there are only so many of them. What a request
//! asks for is the router's.

mod connection;

use std::{
    io,
    net::SocketAddr,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::conn::auto,
};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;

use self::connection::{Patience, drive};
use crate::{
    App,
    layers::head::MOST_HEADERS,
    settings::{LEAST_HEAD, Settings},
    traces::TO_SEND,
};

/// How many requests a connection of HTTP/2 may make at once.
const MOST_STREAMS: u32 = 64;

/// How often the other side of a connection of HTTP/2 is asked whether it is still there, and how long its
/// answer may take.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_ANSWER: Duration = Duration::from_secs(20);

/// After which silence the system asks the other side of any connection whether it is there, and how long
/// it tries to send what is not confirmed: a reader that has stopped holds its connection no longer.
const SILENCE: Duration = Duration::from_secs(60);
const UNCONFIRMED: Duration = Duration::from_secs(90);

/// How long is waited when a connection cannot be accepted, because the process or the system has no more
/// files: some are closed every moment, and asking at once would only burn the processor.
const NO_FILES: Duration = Duration::from_millis(100);

/// How much of the time of the end is kept for what has ended to be told: answers to be sent, and
/// connections to be closed.
const TO_TELL: Duration = Duration::from_secs(1);

/// How many connections the system may keep until they are accepted. Linux allows as many by default.
const QUEUE: u32 = 4096;

/// What happened until the service ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How many connections there were.
    pub connections: u64,
    /// How many of them still had an answer to send when the time was over.
    pub cut_off: usize,
    /// How many runs did not end in time. What they wrote is swept later.
    pub runs_left: usize,
    /// How long the end took.
    pub took: Duration,
}

/// Begins to listen at an address for [`serve()`]. Connections that are not accepted yet, because there are as
/// many as there may be, wait in a queue of the system that is as long as systems usually allow: those that
/// find it full are tried again by who makes them, after seconds that double.
///
/// Must be called within a Tokio runtime.
///
/// # Errors
/// When the system refuses the address.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A server that begins again gets the address of the one before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(QUEUE)
}

/// Serves until `shutdown` is there, and then ends within [`Settings::shutdown_time`]: no connection is
/// accepted any more, and those that wait are closed; what runs may end, is told to stop when its time is
/// over, and answers why.
///
/// It speaks HTTP/1.1 and, with clients that begin with it, HTTP/2 without TLS: a balancer has TLS.
///
/// # Errors
/// When the listener is none.
pub async fn serve(
    listener: TcpListener,
    app: App,
    shutdown: impl Future<Output = ()>,
) -> io::Result<Report> {
    let mut settings = app.settings().clone();
    if app.traces().is_some() {
        let all = settings.shutdown_time;
        settings.shutdown_time = all.saturating_sub(TO_SEND).max(all / 2);
    }
    let router = app.router();
    let end = async |time| app.shutdown(time).await;
    let connections = app.connections();
    let report = serve_router(listener, router, &settings, connections, shutdown, end).await?;
    if let Some(traces) = app.traces() {
        // Those of the last requests are among them.
        traces.end().await;
    }
    Ok(report)
}

/// The places of connections, of which there are only so many. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Connections(Arc<Places>);

#[derive(Debug)]
struct Places {
    free: Arc<Semaphore>,
    all: usize,
    open: AtomicUsize,
    is_listening: AtomicBool,
}

/// A connection that is open, until it is dropped.
struct Opened(Connections);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connections {
    /// Makes so many.
    pub(crate) fn new(most: NonZeroUsize) -> Self {
        let all = most.get().min(Semaphore::MAX_PERMITS);
        let free = Arc::new(Semaphore::new(all));
        let (open, is_listening) = (AtomicUsize::new(0), AtomicBool::new(false));
        Self(Arc::new(Places { free, all, open, is_listening }))
    }

    /// Returns how many connections are open and how many there may be; nothing before anybody listens.
    pub(crate) fn load(&self) -> Option<(usize, usize)> {
        let Places { all, open, is_listening, .. } = &*self.0;
        is_listening.load(Ordering::Relaxed).then(|| (open.load(Ordering::Relaxed), *all))
    }

    /// Counts a connection.
    fn opened(&self) -> Opened {
        self.0.open.fetch_add(1, Ordering::Relaxed);
        Opened(self.clone())
    }

    fn listens(&self) {
        self.0.is_listening.store(true, Ordering::Relaxed);
    }

    /// Waits for a place, which is free again when it is dropped.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        // A semaphore that nobody closes always has a place in the end.
        Arc::clone(&self.0.free).acquire_owned().await.ok()
    }
}

/// Serves a router. `end` is called once nothing is accepted any more, with the time that it has, and
/// returns how many runs are left.
async fn serve_router(
    listener: TcpListener,
    router: Router,
    settings: &Settings,
    connections: &Connections,
    shutdown: impl Future<Output = ()>,
    end: impl AsyncFnOnce(Duration) -> usize,
) -> io::Result<Report> {
    let address = listener.local_addr()?;
    tracing::info!(%address, "listening");
    let mut server = Server::new(router, settings);
    {
        let mut shutdown = std::pin::pin!(shutdown);
        connections.listens();
        loop {
            let accepted = async {
                let place = connections.place().await;
                (accept(&listener).await, place)
            };
            tokio::select! {
                ((stream, peer), place) = accepted => {
                    server.begin(stream, peer, (place, connections.opened()));
                }
                Some(ended) = server.connections.join_next() => log_end(ended),
                () = &mut shutdown => break,
            }
        }
    }
    drop(listener);
    Ok(server.end(settings.shutdown_time, end).await)
}

/// Accepts a connection, however often that fails.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        let error = match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => error,
        };
        // A client that went away before it was its turn is nobody's fault.
        let is_clients = matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionRefused
        );
        if !is_clients {
            tracing::warn!(%error, "could not accept a connection");
            sleep(NO_FILES).await;
        }
    }
}

/// The connections that there are.
struct Server {
    router: Router,
    http: Arc<auto::Builder<TokioExecutor>>,
    patience: Patience,
    connections: JoinSet<()>,
    begun: u64,
    /// Says that the service ends.
    ending: CancellationToken,
}

impl Server {
    fn new(router: Router, settings: &Settings) -> Self {
        // Twice what a head may have, because what is beyond it hyper refuses without a word: see `head`.
        let room = settings.header_limit.max(LEAST_HEAD).saturating_mul(2);
        let mut http = auto::Builder::new(TokioExecutor::new());
        http.http1()
            .timer(TokioTimer::new())
            // What hyper measures is the time since the last answer, so that it cannot tell a slow head
            // from a connection that waits; `connection` can.
            .header_read_timeout(None::<Duration>)
            .max_buf_size(room)
            .max_headers(MOST_HEADERS * 2);
        http.http2()
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(room).unwrap_or(u32::MAX))
            .max_concurrent_streams(MOST_STREAMS)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_ANSWER);
        Self {
            router,
            http: Arc::new(http),
            patience: Patience { head: settings.header_timeout, idle: settings.idle_timeout },
            connections: JoinSet::new(),
            begun: 0,
            ending: CancellationToken::new(),
        }
    }

    /// Begins to serve a connection, which keeps its place as long as it is there.
    fn begin<P: Send + 'static>(&mut self, stream: TcpStream, peer: SocketAddr, place: P) {
        self.begun += 1;
        set_up(&stream);
        let router = self.router.clone();
        let (http, ending) = (Arc::clone(&self.http), self.ending.clone());
        let patience = self.patience;
        self.connections.spawn(async move {
            drive(&http, stream, peer, router, patience, ending).await;
            drop(place);
        });
    }

    /// Ends all connections, in order as long as there is time.
    async fn end(mut self, time: Duration, end: impl AsyncFnOnce(Duration) -> usize) -> Report {
        let begun = Instant::now();
        let deadline = tokio::time::Instant::now() + time;
        tracing::info!(connections = self.connections.len(), "ending");
        self.ending.cancel();
        let for_runs = time.saturating_sub(TO_TELL).max(time / 2);
        let connections = async {
            while let Some(ended) = self.connections.join_next().await {
                log_end(ended);
            }
        };
        let (runs_left, in_time) = tokio::join!(end(for_runs), timeout_at(deadline, connections));
        let cut_off = if in_time.is_ok() { 0 } else { self.connections.len() };
        self.connections.shutdown().await;
        let report = Report { connections: self.begun, cut_off, runs_left, took: begun.elapsed() };
        let Report { connections, cut_off, runs_left, took } = &report;
        tracing::info!(connections, cut_off, runs_left, seconds = took.as_secs_f64(), "ended");
        report
    }
}

/// A connection ends by itself, or is ended; it does not panic, unless a body does.
fn log_end(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!("a connection ended in a panic");
    }
}

/// Sets what the connection is used for. A system that refuses a setting has slower or more patient
/// connections, and works.
fn set_up(stream: &TcpStream) {
    // Answers are small, and each is waited for.
    let _ = stream.set_nodelay(true);
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(SILENCE));
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(UNCONFIRMED));
}

#[cfg(test)]
mod tests;
