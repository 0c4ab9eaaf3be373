//! How slowly a server may send before it counts as broken.

use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::Response;

/// A server that sends less than this in the time allowed sends to keep us waiting: at the 30 s of
/// the default that is 2 KiB/s, less than any line that is of use.
const LEAST: usize = 64 << 10;

/// The time in which a server has to send [`LEAST`] bytes, or the rest if that is less.
#[derive(Debug)]
pub(super) struct Pace {
    stall: Duration,
    left: Duration,
    got: usize,
}

/// Why no more bytes come.
#[derive(Debug)]
pub(super) enum Broken {
    /// The connection broke.
    Client(reqwest::Error),
    /// Too little came in this time.
    Stalled(Duration),
}

impl Pace {
    pub(super) fn new(stall: Duration) -> Self {
        Self { stall, left: stall, got: 0 }
    }

    /// Returns the next bytes of the body, nothing at its end. Only the time spent here counts, not
    /// what the caller does between two calls.
    pub(super) async fn chunk(&mut self, response: &mut Response) -> Result<Option<Bytes>, Broken> {
        let began = Instant::now();
        let chunk = tokio::time::timeout(self.left, response.chunk()).await;
        self.left = self.left.saturating_sub(began.elapsed());
        let chunk = chunk.map_err(|_| Broken::Stalled(self.stall))?.map_err(Broken::Client)?;
        self.got += chunk.as_ref().map_or(0, Bytes::len);
        if self.got >= LEAST {
            *self = Self::new(self.stall);
        }
        Ok(chunk)
    }
}
