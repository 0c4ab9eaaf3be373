//! Noticing that nothing comes any more.
//!
//! A whole transfer may take as long as it needs; what is limited is how long nothing happens.
//! [`Sent`] is a body that tells when the other side takes something of it, [`Received`] one that
//! ends when the other side does not send, or sends so little that it would never end.

use std::{
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures::FutureExt;
use http_body::{Body, Frame, SizeHint};
use object_store::client::{HttpError, HttpErrorKind, HttpRequestBody};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use crate::cloud::failure::{Failure, Seen};

/// A body is handed to the connection in pieces of this size, so that each one that is taken shows.
const PIECE: usize = 64 << 10;

/// Whoever sends fewer bytes within the time of silence is not sending in earnest.
const LEAST: u64 = 4 << 10;

/// When something was last heard of the other side.
#[derive(Debug, Clone)]
pub(super) struct Heard(Arc<Mutex<Instant>>);

impl Heard {
    pub(super) fn now() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for `work` until nothing was heard for `limit`.
    pub(super) async fn until_silent<F: Future>(
        &self,
        limit: Duration,
        work: F,
    ) -> Option<F::Output> {
        let mut work = pin!(work);
        loop {
            let deadline = self.last() + limit;
            if let Ok(done) = timeout_at(deadline, &mut work).await {
                return Some(done);
            }
            if self.last() + limit <= Instant::now() {
                return None;
            }
        }
    }
}

/// A body on its way out.
#[derive(Debug)]
pub(super) struct Sent {
    body: HttpRequestBody,
    /// What was taken out of `body` and is not handed on yet.
    rest: Bytes,
    heard: Heard,
}

impl Sent {
    pub(super) fn new(body: HttpRequestBody, heard: Heard) -> Self {
        Self { body, rest: Bytes::new(), heard }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        self.heard.note();
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => self.rest = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // Never asked for after the first byte was taken: the length goes before all of them.
        SizeHint::with_exact(self.body.size_hint().lower() + self.rest.len() as u64)
    }
}

/// A body on its way in.
///
/// Time counts only while somebody waits for it: who takes his time with what came does not make
/// the other side late.
#[derive(Debug)]
pub(super) struct Received {
    body: reqwest::Body,
    limit: Duration,
    /// What the errors say.
    endpoint: String,
    /// Since when somebody waits.
    waiting: Option<Instant>,
    /// How long they waited within this period, and what came in it.
    waited: Duration,
    came: u64,
    alarm: Pin<Box<Sleep>>,
}

impl Received {
    pub(super) fn new(body: reqwest::Body, limit: Duration, endpoint: String) -> Self {
        let alarm = Box::pin(sleep_until(Instant::now() + limit));
        Self { body, limit, endpoint, waiting: None, waited: Duration::ZERO, came: 0, alarm }
    }

    fn failed(&self, seen: Seen) -> HttpError {
        let failure = Failure::once(&self.endpoint, seen);
        HttpError::new(HttpErrorKind::Interrupted, failure)
    }
}

impl Body for Received {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(frame) => {
                if let Some(since) = self.waiting.take() {
                    self.waited += since.elapsed();
                }
                if self.waited >= self.limit {
                    // A period is over, and whoever waited got something in the end.
                    let (bytes, within) = (self.came, self.waited);
                    (self.came, self.waited) = (0, Duration::ZERO);
                    if bytes < LEAST && matches!(frame, Some(Ok(_))) {
                        return Poll::Ready(Some(Err(self.failed(Seen::Slow { bytes, within }))));
                    }
                }
                Poll::Ready(match frame {
                    Some(Ok(frame)) => {
                        self.came += frame.data_ref().map_or(0, |data| data.len() as u64);
                        Some(Ok(frame))
                    }
                    Some(Err(error)) => Some(Err(self.failed(super::service::broken(&error)))),
                    None => None,
                })
            }
            Poll::Pending => {
                let now = Instant::now();
                if self.waiting.is_none() {
                    self.waiting = Some(now);
                    let end = now + self.limit.saturating_sub(self.waited);
                    self.alarm.as_mut().reset(end);
                }
                ready!(self.alarm.poll_unpin(context));
                let (bytes, within) = (self.came, self.limit);
                (self.came, self.waited, self.waiting) = (0, Duration::ZERO, None);
                if bytes >= LEAST {
                    // It is slow, and it goes on.
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                let seen = match bytes {
                    0 => Seen::Silent(within),
                    _ => Seen::Slow { bytes, within },
                };
                Poll::Ready(Some(Err(self.failed(seen))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
