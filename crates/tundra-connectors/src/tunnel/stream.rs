//! A channel through an SSH server, as a stream of bytes.
//!
//! Start at [`Channel`]. A task takes packets from the library and hands them on; while nobody takes them
//! it stops, so that the server stops. A connection that breaks is an error and never an end.

use std::{
    collections::VecDeque,
    fmt, io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, Bytes};
use futures::task::AtomicWaker;
use russh::{ChannelMsg, ChannelReadHalf, Disconnect, client};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::mpsc,
    time::{sleep, timeout},
};

use crate::tunnel::{Client, SshError};

/// How many packets wait for whoever reads.
const PACKETS: usize = 32;

/// How often one more packet is taken while nobody reads. A server that asks whether we are still there
/// gets an answer only when what it sent before the question was taken; a packet is at most 64 KiB, so
/// that an hour of waiting costs 24 MiB.
const TRICKLE: Duration = Duration::from_secs(10);

/// How long a server may take to hear that we go.
const FAREWELL: Duration = Duration::from_secs(1);

/// A connection to the database's host through the SSH server. It ends when it is dropped.
pub(crate) struct Channel {
    packets: mpsc::Receiver<io::Result<Bytes>>,
    /// What is left of the last packet.
    rest: Bytes,
    /// What came behind it and is to be said next.
    failed: Option<io::Error>,
    writer: Box<dyn AsyncWrite + Send + Sync + Unpin>,
    fate: Arc<Fate>,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("place", &self.fate.place).finish_non_exhaustive()
    }
}

/// What has become of an SSH connection.
#[derive(Debug)]
pub(super) struct Fate {
    place: String,
    state: Mutex<State>,
    /// Whoever waits to write.
    writer: AtomicWaker,
}

#[derive(Debug, Default)]
struct State {
    /// The connection is gone.
    lost: bool,
    /// Why.
    reason: Option<String>,
    /// What the server said of a channel that it refused.
    said: Option<String>,
}

impl Fate {
    pub(super) fn new(place: String) -> Self {
        Self { place, state: Mutex::default(), writer: AtomicWaker::new() }
    }

    /// Takes note that the connection is gone.
    pub(super) fn lost(&self, reason: &str) {
        {
            let mut state = self.state();
            state.lost = true;
            state.reason.get_or_insert_with(|| reason.to_owned());
        }
        self.writer.wake();
    }

    /// Takes note of what the server said.
    pub(super) fn say(&self, words: String) {
        self.state().said = Some(words).filter(|words| !words.is_empty());
    }

    /// Returns what the server said.
    pub(super) fn said(&self) -> Option<String> {
        self.state().said.clone()
    }

    fn error(&self) -> io::Error {
        let reason = self.state().reason.clone();
        let lost = SshError::Lost { place: self.place.clone(), reason };
        io::Error::new(io::ErrorKind::ConnectionAborted, lost.to_string())
    }

    fn is_lost(&self) -> bool {
        self.state().lost
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Channel {
    /// Takes over a channel that is open, and the connection, on which there is no other.
    pub(super) fn new(
        channel: russh::Channel<client::Msg>,
        handle: client::Handle<Client>,
        fate: Arc<Fate>,
    ) -> Self {
        let (reader, writer) = channel.split();
        let (sender, packets) = mpsc::channel(PACKETS);
        let passing = pass_on(reader, sender, Arc::clone(&fate));
        tokio::spawn(async move {
            passing.await;
            let _ = timeout(FAREWELL, handle.disconnect(Disconnect::ByApplication, "", "")).await;
        });
        let writer = Box::new(writer.make_writer());
        Self { packets, rest: Bytes::new(), failed: None, writer, fate }
    }
}

/// Hands on what arrives until one of the two sides has ended.
async fn pass_on(
    mut reader: ChannelReadHalf,
    sender: mpsc::Sender<io::Result<Bytes>>,
    fate: Arc<Fate>,
) {
    let mut waiting: VecDeque<io::Result<Bytes>> = VecDeque::new();
    let (mut ended, mut one_more) = (false, false);
    loop {
        let is_stuck = !waiting.is_empty();
        tokio::select! {
            biased;
            permit = sender.reserve(), if is_stuck => {
                let Ok(permit) = permit else { return };
                if let Some(packet) = waiting.pop_front() {
                    permit.send(packet);
                }
                if ended && waiting.is_empty() {
                    return;
                }
            }
            // Whoever reads is gone.
            () = sender.closed(), if !is_stuck => return,
            message = reader.wait(), if !ended && (!is_stuck || one_more) => {
                one_more = false;
                match message {
                    Some(ChannelMsg::Data { data }) => waiting.push_back(Ok(data)),
                    Some(ChannelMsg::Eof | ChannelMsg::Close) => ended = true,
                    Some(_) => {}
                    None => {
                        fate.lost("it was closed");
                        ended = true;
                        waiting.push_back(Err(fate.error()));
                    }
                }
                if ended && waiting.is_empty() {
                    return;
                }
            }
            () = sleep(TRICKLE), if is_stuck && !ended && !one_more => one_more = true,
        }
    }
}

impl AsyncRead for Channel {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.rest.is_empty() {
            if let Some(error) = self.failed.take() {
                return Poll::Ready(Err(error));
            }
            match std::task::ready!(self.packets.poll_recv(context)) {
                Some(packet) => self.rest = packet?,
                None => return Poll::Ready(Ok(())),
            }
        }
        loop {
            let count = self.rest.len().min(buffer.remaining());
            if let Some(piece) = self.rest.get(..count) {
                buffer.put_slice(piece);
            }
            self.rest.advance(count);
            if buffer.remaining() == 0 || !self.rest.is_empty() {
                return Poll::Ready(Ok(()));
            }
            // As much at once as there is, which saves whoever reads its turns.
            match self.packets.try_recv() {
                Ok(Ok(packet)) => self.rest = packet,
                Ok(Err(error)) => self.failed = Some(error),
                Err(_) => return Poll::Ready(Ok(())),
            }
            if self.failed.is_some() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for Channel {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        // The library does not wake a writer whose connection is gone.
        self.fate.writer.register(context.waker());
        if self.fate.is_lost() {
            return Poll::Ready(Err(self.fate.error()));
        }
        let written = Pin::new(&mut self.writer).poll_write(context, bytes);
        written.map_err(|_| self.fate.error())
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.fate.writer.register(context.waker());
        if self.fate.is_lost() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.writer).poll_shutdown(context)
    }
}
