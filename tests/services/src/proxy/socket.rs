//! The connection to the client: as slow as it should be, and reset when it should be.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Notify,
    time::{Instant, Sleep, sleep_until},
};

use super::Shared;

/// As much as is passed on at once where the bandwidth is limited, so that it flows evenly.
const PIECE: usize = 64 << 10;

/// The runtime's clock ticks in milliseconds. What was not used for so long may be caught up on.
const CATCH_UP: Duration = Duration::from_millis(5);

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// As by a program that is done.
    Proper,
    /// With a reset, as by a program that died.
    Reset,
}

/// The means to end a connection from within a request.
#[derive(Debug)]
pub(super) struct Control {
    stream: TcpStream,
    end_after_flush: AtomicBool,
    end: Notify,
}

impl Control {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, end_after_flush: AtomicBool::new(false), end: Notify::new() }
    }

    /// Ends the connection now.
    pub(super) fn end(&self, how: End) {
        self.prepare(how);
        self.end.notify_one();
    }

    /// Ends the connection when everything that was written is on its way.
    pub(super) fn end_after_flush(&self, how: End) {
        self.prepare(how);
        self.end_after_flush.store(true, Ordering::Relaxed);
    }

    /// Waits until the connection should end.
    pub(super) async fn ended(&self) {
        self.end.notified().await;
    }

    fn prepare(&self, how: End) {
        if how == End::Reset {
            // A socket that is gone needs no reset.
            let _ = self.stream.set_zero_linger();
        }
    }
}

/// The connection as hyper reads and writes it.
#[derive(Debug)]
pub(super) struct Socket {
    control: Arc<Control>,
    shared: Arc<Shared>,
    reading: Pace,
    writing: Pace,
}

impl Socket {
    pub(super) fn new(control: Arc<Control>, shared: Arc<Shared>) -> Self {
        Self { control, shared, reading: Pace::new(), writing: Pace::new() }
    }

    fn bandwidth(&self) -> u64 {
        self.shared.bandwidth.load(Ordering::Relaxed)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let bandwidth = self.bandwidth();
        ready!(self.reading.poll_ready(cx, bandwidth));
        let limit = if bandwidth == 0 { usize::MAX } else { PIECE };
        loop {
            ready!(self.control.stream.poll_read_ready(cx))?;
            let room = buffer.remaining().min(limit);
            match self.control.stream.try_read(buffer.initialize_unfilled_to(room)) {
                Ok(count) => {
                    buffer.advance(count);
                    self.reading.charge(count, bandwidth);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let bandwidth = self.bandwidth();
        ready!(self.writing.poll_ready(cx, bandwidth));
        let limit = if bandwidth == 0 { usize::MAX } else { PIECE };
        loop {
            ready!(self.control.stream.poll_write_ready(cx))?;
            match self.control.stream.try_write(&bytes[..bytes.len().min(limit)]) {
                Ok(count) => {
                    self.writing.charge(count, bandwidth);
                    return Poll::Ready(Ok(count));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Everything was handed to the system when it was written.
        if self.control.end_after_flush.load(Ordering::Relaxed) {
            self.control.end.notify_one();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The connection is closed when the last handle to it is dropped, which is soon.
        self.control.end.notify_one();
        Poll::Ready(Ok(()))
    }
}

/// One direction of a connection, as fast as it may be.
#[derive(Debug)]
struct Pace {
    /// When everything so far would have gone through.
    free_at: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    fn new() -> Self {
        Self { free_at: Instant::now(), sleep: None }
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>, bandwidth: u64) -> Poll<()> {
        if bandwidth == 0 || self.free_at <= Instant::now() {
            self.sleep = None;
            return Poll::Ready(());
        }
        let free_at = self.free_at;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(free_at)));
        ready!(sleep.as_mut().poll(cx));
        self.sleep = None;
        Poll::Ready(())
    }

    fn charge(&mut self, bytes: usize, bandwidth: u64) {
        if bandwidth > 0 {
            let takes = Duration::from_secs_f64(bytes as f64 / bandwidth as f64);
            let now = Instant::now();
            self.free_at = self.free_at.max(now.checked_sub(CATCH_UP).unwrap_or(now)) + takes;
        }
    }
}
