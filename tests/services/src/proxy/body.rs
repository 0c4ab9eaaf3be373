//! Bodies on their way through the proxy: counted, and broken off where they should be.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::{
    seen::Recording,
    socket::{Control, End},
};

/// A body of either direction.
pub(super) type AnyBody = UnsyncBoxBody<Bytes, hyper::Error>;

/// Which way a body goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// What happens behind the last byte that may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// The connection ends.
    End(End),
    /// Nothing, ever.
    Stall,
    /// The body ends.
    Done,
}

/// How much of a body may pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    pub(super) behind: u64,
    pub(super) then: Then,
}

/// A body that is passed on.
#[derive(Debug)]
struct Passing {
    inner: Incoming,
    way: Way,
    cut: Option<Cut>,
    control: Arc<Control>,
    /// Ends the recording of the request when the last body that has it is dropped.
    recording: Arc<Recording>,
}

impl Body for Passing {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(Cut { behind: 0, then }) = self.cut {
            match then {
                Then::Done => return Poll::Ready(None),
                Then::Stall => return Poll::Pending,
                Then::End(how) => {
                    match self.way {
                        Way::Up => self.control.end(how),
                        // What came before must arrive.
                        Way::Down => self.control.end_after_flush(how),
                    }
                    return Poll::Pending;
                }
            }
        }
        let mut frame = match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            other => return Poll::Ready(other),
        };
        if let Some(data) = frame.data_mut() {
            if let Some(cut) = &mut self.cut {
                let may_pass = usize::try_from(cut.behind).unwrap_or(usize::MAX);
                data.truncate(may_pass);
                cut.behind -= data.len() as u64;
            }
            let count = data.len() as u64;
            self.recording.note(|seen| match self.way {
                Way::Up => seen.sent += count,
                Way::Down => seen.received += count,
            });
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.cut.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match self.cut {
            Some(Cut { behind, then: Then::Done }) => SizeHint::with_exact(behind),
            _ => self.inner.size_hint(),
        }
    }
}

/// A body that is passed on as it comes, up to where it is cut.
pub(super) fn passing(
    inner: Incoming,
    way: Way,
    cut: Option<Cut>,
    control: &Arc<Control>,
    recording: &Arc<Recording>,
) -> AnyBody {
    let (control, recording) = (Arc::clone(control), Arc::clone(recording));
    Passing { inner, way, cut, control, recording }.boxed_unsync()
}

/// A body that the proxy makes up.
pub(super) fn whole(bytes: impl Into<Bytes>) -> AnyBody {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}
