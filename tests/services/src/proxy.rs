//! A proxy between a client and an HTTP server, which breaks what it is told to break.
//!
//! Start at [`FaultProxy`]. A [`Rule`] chooses requests and says what happens to them, a [`Link`] is
//! the network that all of them cross, and [`Seen`] is what there was to be seen. What no rule chooses
//! goes through unchanged, the `Host` header included, so that signatures stay valid.

mod body;
mod exchange;
mod parts;
mod rule;
mod seen;
mod socket;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinSet,
    time,
};

pub(crate) use self::rule::pairs;
use self::{
    exchange::Upstream,
    parts::Parts,
    rule::Active,
    socket::{Control, Socket},
};
pub use self::{
    parts::PartRules,
    rule::{Fault, Reply, Rule},
    seen::Seen,
};
use crate::background::Background;

/// How long a test waits for what must come.
const LIMIT: Duration = Duration::from_secs(60);

/// A proxy in front of one server, which ends when it is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    server: Background,
    shared: Arc<Shared>,
}

/// The network that every connection crosses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Link {
    /// How long each new connection, and each request besides, waits before it goes on.
    pub latency: Duration,
    /// Bytes per second of each connection and each direction; as many as go through for `None`.
    pub bandwidth: Option<u64>,
}

/// What the connections of a proxy have in common.
#[derive(Debug)]
struct Shared {
    upstream: Upstream,
    latency_micros: AtomicU64,
    /// 0 for no limit.
    bandwidth: AtomicU64,
    rules: Mutex<Vec<Active>>,
    parts: Mutex<Parts>,
    seen: Mutex<Vec<Seen>>,
    in_flight: AtomicUsize,
    connections: AtomicUsize,
    changed: Notify,
}

impl FaultProxy {
    /// Starts a proxy in front of a server such as `http://127.0.0.1:3900`.
    ///
    /// # Errors
    /// When that is no such address, or there is no free port.
    pub fn start(upstream: &str) -> anyhow::Result<Self> {
        let authority = upstream
            .strip_prefix("http://")
            .and_then(|rest| rest.split('/').next())
            .with_context(|| format!("`{upstream}` is not `http://HOST:PORT`"))?;
        let shared = Arc::new(Shared {
            upstream: Upstream::new(authority.parse()?),
            latency_micros: AtomicU64::new(0),
            bandwidth: AtomicU64::new(0),
            rules: Mutex::default(),
            parts: Mutex::default(),
            seen: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            changed: Notify::new(),
        });
        let accepting = Arc::clone(&shared);
        let server = Background::start("fault-proxy", |listener| accept(listener, accepting))?;
        Ok(Self { server, shared })
    }

    /// Returns where it is, such as `http://127.0.0.1:40000`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.server.endpoint()
    }

    /// Sets the network, for connections that are there already, too.
    pub fn set_link(&self, link: Link) {
        let micros = u64::try_from(link.latency.as_micros()).unwrap_or(u64::MAX);
        self.shared.latency_micros.store(micros, Ordering::Relaxed);
        self.shared.bandwidth.store(link.bandwidth.unwrap_or(0), Ordering::Relaxed);
    }

    /// Adds a rule. The first one that chooses a request and is not used up applies to it.
    pub fn add(&self, rule: Rule) {
        lock(&self.shared.rules).push(Active::new(rule));
    }

    /// Forgets all rules.
    pub fn clear(&self) {
        lock(&self.shared.rules).clear();
    }

    /// Refuses multipart uploads that break these rules, as R2 does.
    pub fn enforce_parts(&self, rules: PartRules) {
        lock(&self.shared.parts).rules = Some(rules);
    }

    /// Returns every request so far, in the order in which they came.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.shared.seen).clone()
    }

    /// Forgets the requests so far. None may be on its way.
    pub fn forget(&self) {
        lock(&self.shared.seen).clear();
    }

    /// Returns how many connections were made.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Waits until the requests so far are as asked.
    ///
    /// # Errors
    /// When they are not after a minute, with those that there were.
    pub async fn wait_until(&self, mut is_so: impl FnMut(&[Seen]) -> bool) -> anyhow::Result<()> {
        let limit = Instant::now() + LIMIT;
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            // From here on no change is missed.
            changed.as_mut().enable();
            if is_so(&lock(&self.shared.seen)) {
                return Ok(());
            }
            if time::timeout_at(limit.into(), changed).await.is_err() {
                bail!("the proxy waited in vain; it saw {:#?}", self.seen());
            }
        }
    }
}

impl Shared {
    fn latency(&self) -> Duration {
        Duration::from_micros(self.latency_micros.load(Ordering::Relaxed))
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let number = shared.connections.fetch_add(1, Ordering::Relaxed);
    // What is small must not wait for more.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    time::sleep(shared.latency()).await;
    let control = Arc::new(Control::new(stream));
    let socket = Socket::new(Arc::clone(&control), Arc::clone(&shared));
    let service = service_fn(|request| {
        exchange::pass(Arc::clone(&shared), Arc::clone(&control), number, request)
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
    tokio::select! {
        // The client went away in the middle, or was done.
        _ = connection => {}
        () = control.ended() => {}
    }
}

/// Locks what no panic leaves half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
