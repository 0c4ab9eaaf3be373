//! One connection, from its first byte to its end: [`drive`].
//!
//! It knows three states: a request is served, the head of one comes, or nothing happens. The last two
//! have their time. A request has none here: it waits for runs, and its body is held to rules elsewhere.
//! A connection that is closed is read for a moment more, because a system that is told to close one with
//! bytes unread takes back what was sent last: the answer that says why.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{Router, body::Body, http::Version};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::{
    Request,
    body::Incoming,
    rt::{Read, ReadBuf, ReadBufCursor, Write},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    net::TcpStream,
    time::{Instant, Sleep, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use crate::layers::client::Peer;

/// How long a connection may go on without a request after it was told to end: its last answer is on its
/// way, or the client's farewell.
const FAREWELL: Duration = Duration::from_millis(500);

/// How long a connection is read after its last answer, when nothing comes and when something does, and for
/// how many bytes.
const LINGER: Duration = Duration::from_millis(100);
const LINGER_READING: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 4 << 20;

/// How long a connection may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For the head of a request, counted from its first byte; for the first one, from the connection.
    pub(super) head: Duration,
    /// Between two requests.
    pub(super) idle: Duration,
}

/// Serves a connection to its end.
pub(super) async fn drive(
    http: &auto::Builder<TokioExecutor>,
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    patience: Patience,
    ending: CancellationToken,
) {
    let activity = Activity::new();
    let service = service_fn(|request: Request<Incoming>| {
        let serving = activity.serve(request.version());
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        let answer = router.clone().call(request);
        async move {
            let Ok(response) = answer.await;
            Ok::<_, Infallible>(response.map(|body| Answer { body, serving }))
        }
    });
    let stream = Watched::new(stream, activity.clone());
    let mut connection = pin!(http.serve_connection(stream, service));
    let told = tokio::select! {
        ended = connection.as_mut() => return log(ended),
        () = ending.cancelled() => true,
        overdue = activity.overdue(patience) => overdue == Overdue::Idle,
    };
    // A head that does not come gets no answer: whoever sends it so slowly does not wait for one.
    if !told {
        return tracing::debug!(%peer, "closed a connection whose request did not come");
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        ended = connection => log(ended),
        () = activity.quiet(FAREWELL) => {}
    }
}

/// What goes wrong with a connection is its client's: it goes away, or does not speak HTTP.
fn log(ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// What a connection does.
#[derive(Debug, Clone)]
struct Activity(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// How many requests are served.
    serving: usize,
    /// Since when there has been none.
    idle: Instant,
    /// Since when the head of one comes.
    head: Option<Instant>,
    /// Whether heads cannot be told from other bytes, as in HTTP/2, which has its own signs of life.
    is_framed: bool,
}

/// Why a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Overdue {
    /// The head of a request did not come.
    Head,
    /// No request came.
    Idle,
}

/// A request that is served, until its answer has been sent.
#[derive(Debug)]
struct Serving(Activity);

impl Activity {
    fn new() -> Self {
        let now = Instant::now();
        let state = State { serving: 0, idle: now, head: Some(now), is_framed: false };
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that is done with it panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that bytes came.
    fn received(&self) {
        let mut state = self.state();
        if state.serving == 0 && state.head.is_none() && !state.is_framed {
            state.head = Some(Instant::now());
        }
    }

    /// Notes that the head of a request came.
    fn serve(&self, version: Version) -> Serving {
        let mut state = self.state();
        state.serving += 1;
        state.head = None;
        state.is_framed = version == Version::HTTP_2;
        drop(state);
        Serving(self.clone())
    }

    /// Waits until the connection has been without a request for too long. It looks now and then, so that a
    /// request costs no timer; what is overdue is noticed within another time for a head.
    async fn overdue(&self, patience: Patience) -> Overdue {
        loop {
            let now = Instant::now();
            let (until, overdue) = {
                let state = self.state();
                match state.head {
                    _ if state.serving > 0 => (now + patience.head, Overdue::Idle),
                    Some(since) => (since + patience.head, Overdue::Head),
                    None => (state.idle + patience.idle, Overdue::Idle),
                }
            };
            if until <= now {
                return overdue;
            }
            sleep_until(until.min(now + patience.head)).await;
        }
    }

    /// Waits until no request has been served for so long.
    async fn quiet(&self, time: Duration) {
        loop {
            sleep(time).await;
            let state = self.state();
            if state.serving == 0 && state.idle.elapsed() >= time {
                return;
            }
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.serving -= 1;
        state.idle = Instant::now();
    }
}

/// The body of an answer, with which its request ends.
struct Answer {
    body: Body,
    #[expect(dead_code, reason = "it is there to be dropped")]
    serving: Serving,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream that notes when bytes come, and lingers when it is closed.
struct Watched {
    stream: TokioIo<TcpStream>,
    activity: Activity,
    /// Once nothing is sent any more: until when it is read, and how many bytes.
    lingering: Option<(Pin<Box<Sleep>>, usize)>,
}

impl Watched {
    fn new(stream: TcpStream, activity: Activity) -> Self {
        Self { stream: TokioIo::new(stream), activity, lingering: None }
    }
}

impl Read for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        self.activity.received();
        Poll::Ready(read)
    }
}

impl Write for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, lingering, .. } = &mut *self;
        if lingering.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(context))?;
        }
        let (end, left) = lingering.get_or_insert_with(|| (Box::pin(sleep(LINGER)), LINGER_BYTES));
        let mut space = [0; 4096];
        loop {
            if *left == 0 || end.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut unread = ReadBuf::new(&mut space);
            let read = ready!(Pin::new(&mut *stream).poll_read(context, unread.unfilled()));
            // The other side has closed it too, or has gone.
            if read.is_err() || unread.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            if *left == LINGER_BYTES {
                end.as_mut().reset(Instant::now() + LINGER_READING);
            }
            *left = left.saturating_sub(unread.filled().len());
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }
}
