//! A body that ends when it becomes too large or too slow: [`Guarded`].
//!
//! Only the time counts in which somebody waits for the body. A reader that is slow itself, because the
//! store that it writes to is, does not make the sender slow.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{BoxError, body::Body, http::StatusCode};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::Rules;
use crate::Failure;

/// How long a body may lag behind the least rate: what a network takes that loses a few packets.
const LENIENCE: Duration = Duration::from_secs(5);

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyFault {
    /// It is larger than it may be.
    #[error("the body is larger than {limit} bytes, which is as large as it may be")]
    TooLarge {
        /// How large it may be.
        limit: u64,
    },
    /// It comes too slowly.
    #[error("the body came too slowly: {received} bytes in {seconds} seconds")]
    TooSlow {
        /// How many bytes came.
        received: u64,
        /// In which time.
        seconds: u64,
    },
}

impl BodyFault {
    /// Returns what its sender is told.
    pub(super) fn failure(self) -> Failure {
        let (status, code) = match self {
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::TooSlow { .. } => (StatusCode::REQUEST_TIMEOUT, "timeout"),
        };
        Failure::new(status, code, self.to_string())
    }
}

/// A body that is held to rules.
pub(super) struct Guarded {
    body: Body,
    rules: Rules,
    received: u64,
    /// For how long somebody waited for it, until the last piece.
    waited: Duration,
    /// Since when somebody waits for the next piece.
    waiting: Option<Instant>,
    /// Wakes whoever waits when it has become too slow. There is none before the first wait: most bodies
    /// come with their head.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Guarded {
    pub(super) fn new(body: Body, rules: Rules) -> Self {
        Self { body, rules, received: 0, waited: Duration::ZERO, waiting: None, alarm: None }
    }

    /// Returns how long may be waited for what came, altogether.
    fn patience(&self) -> Duration {
        let due = Duration::from_secs(self.received / u64::from(self.rules.least_rate.get()));
        let patience = LENIENCE + due;
        self.rules.timeout.map_or(patience, |timeout| timeout.min(patience))
    }

    /// Waits on; ready when that was too long.
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<BodyFault> {
        let patience = self.patience();
        let waited = self.waited;
        if self.waiting.is_none() {
            let now = Instant::now();
            self.waiting = Some(now);
            let deadline = now + patience.saturating_sub(waited);
            match &mut self.alarm {
                Some(alarm) => alarm.as_mut().reset(deadline),
                None => self.alarm = Some(Box::pin(sleep_until(deadline))),
            }
        }
        if let Some(alarm) = &mut self.alarm {
            ready!(alarm.as_mut().poll(context));
        }
        Poll::Ready(BodyFault::TooSlow { received: self.received, seconds: patience.as_secs() })
    }
}

impl http_body::Body for Guarded {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) else {
            let fault = ready!(this.poll_patience(context));
            return Poll::Ready(Some(Err(fault.into())));
        };
        if let Some(since) = this.waiting.take() {
            this.waited += since.elapsed();
        }
        let Some(frame) = frame.transpose()? else { return Poll::Ready(None) };
        let length = frame.data_ref().map_or(0, Bytes::len);
        this.received = this.received.saturating_add(length as u64);
        let limit = this.rules.limit;
        if this.received > limit {
            return Poll::Ready(Some(Err(BodyFault::TooLarge { limit }.into())));
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, num::NonZeroU32};

    use futures::{StreamExt as _, channel::mpsc, stream};
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::settings::Settings;

    type Piece = Result<Bytes, Infallible>;

    fn rules(timeout: u64) -> Rules {
        let settings = Settings {
            body_timeout: Duration::from_secs(timeout),
            least_body_rate: NonZeroU32::new(100).unwrap(),
            ..Settings::default()
        };
        Rules::json(&settings)
    }

    fn guarded(
        pieces: impl futures::Stream<Item = Piece> + Send + 'static,
        rules: Rules,
    ) -> Guarded {
        Guarded::new(Body::from_stream(pieces), rules)
    }

    /// Reads to the end, and returns how many bytes came, or why not more, and how long it took.
    async fn read(mut body: Guarded) -> (Result<u64, BodyFault>, Duration) {
        let start = Instant::now();
        while let Some(frame) = body.frame().await {
            if let Err(error) = frame {
                return (Err(*error.downcast::<BodyFault>().unwrap()), start.elapsed());
            }
        }
        (Ok(body.received), start.elapsed())
    }

    /// A piece of so many bytes each so many seconds.
    fn every(seconds: u64, length: usize, pieces: usize) -> impl futures::Stream<Item = Piece> {
        stream::repeat(()).take(pieces).then(move |()| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Ok(Bytes::from(vec![b'x'; length]))
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_is_given_up() {
        let (sender, pieces) = mpsc::unbounded::<Piece>();
        sender.unbounded_send(Ok(Bytes::from_static(b"{"))).unwrap();
        let (end, took) = read(guarded(pieces, rules(30))).await;
        assert_eq!(end, Err(BodyFault::TooSlow { received: 1, seconds: 5 }));
        assert_eq!(took.as_secs(), 5);
        drop(sender);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_given_up_and_a_slow_one_is_not() {
        let (end, took) = read(guarded(every(1, 10, 1000), rules(60))).await;
        assert!(matches!(end, Err(BodyFault::TooSlow { .. })), "{end:?}");
        assert!((5..=6).contains(&took.as_secs()), "{took:?}");
        let (end, took) = read(guarded(every(4, 400, 10), rules(60))).await;
        assert_eq!((end, took.as_secs()), (Ok(4000), 40));
    }

    #[tokio::test(start_paused = true)]
    async fn json_has_a_time_for_all_of_it_and_a_file_has_none() {
        let (end, took) = read(guarded(every(1, 1000, 60), rules(30))).await;
        assert!(matches!(end, Err(BodyFault::TooSlow { seconds: 30, .. })), "{end:?}");
        assert_eq!(took.as_secs(), 30);
        let file = Rules { timeout: None, ..rules(30) };
        let (end, _) = read(guarded(every(1, 1000, 60), file)).await;
        assert_eq!(end, Ok(60_000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_does_not_make_the_sender_slow() {
        let pieces = stream::iter(vec![Ok(Bytes::from_static(b"x")); 10]);
        let mut body = guarded(pieces, rules(2));
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_secs(60)).await;
            body.frame().await.unwrap().unwrap();
        }
        assert!(body.frame().await.is_none());
    }
}
