//! A network that breaks off or hangs: what goes through it is passed on until it is told otherwise.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};
use tundra_connectors::ConnectionSettings;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Passing,
    /// The connections with smaller numbers hang.
    Hanging(u64),
    Cut,
}

/// A way to a server, which ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Network {
    state: Arc<watch::Sender<State>>,
    /// The connections so far.
    count: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Drop for Network {
    fn drop(&mut self) {
        self.cut();
        self.task.abort();
    }
}

impl Network {
    /// Stands before a server, and returns settings that lead through it.
    pub(crate) async fn before(settings: ConnectionSettings) -> (Self, ConnectionSettings) {
        let host = settings.host.as_deref().expect("the server has a host");
        let upstream: SocketAddr =
            format!("{host}:{}", settings.port()).parse().expect("it is an address");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let port = listener.local_addr().expect("it has an address").port();
        let state = Arc::new(watch::Sender::new(State::Passing));
        let count = Arc::new(AtomicU64::new(0));
        let (states, counted) = (Arc::clone(&state), Arc::clone(&count));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(pass(client, upstream, number, states.subscribe()));
            }
        });
        (Self { state, count, task }, ConnectionSettings { port: Some(port), ..settings })
    }

    /// Lets nothing through any more, and says nothing about it.
    pub(crate) fn hang(&self) {
        self.state.send_replace(State::Hanging(u64::MAX));
    }

    /// Lets only new connections through.
    #[cfg(feature = "postgresql")]
    pub(crate) fn hang_those_there(&self) {
        self.state.send_replace(State::Hanging(self.count.load(Ordering::SeqCst)));
    }

    /// Breaks off all connections.
    pub(crate) fn cut(&self) {
        self.state.send_replace(State::Cut);
    }
}

async fn pass(client: TcpStream, upstream: SocketAddr, number: u64, state: watch::Receiver<State>) {
    let mut cut = state.clone();
    let both = async {
        let Ok(server) = TcpStream::connect(upstream).await else { return };
        let (client_read, client_write) = client.into_split();
        let (server_read, server_write) = server.into_split();
        tokio::join!(
            copy(client_read, server_write, number, state.clone()),
            copy(server_read, client_write, number, state),
        );
    };
    tokio::select! {
        () = both => {}
        _ = cut.wait_for(|state| *state == State::Cut) => {}
    }
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    number: u64,
    mut state: watch::Receiver<State>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        // What hangs stays so until it is cut.
        let hangs = |state: &State| matches!(state, State::Hanging(before) if number < *before);
        if state.wait_for(|state| !hangs(state)).await.is_err() {
            return;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
