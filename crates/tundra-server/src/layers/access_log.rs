//! One line of the log for each request: [`Entry`].
//!
//! It is written when the answer has gone, or its receiver has. It tells the template of the route and
//! never the path, the query or a body: those hold names, signed URLs and credentials.

mod json;
mod levels;

use std::{
    net::IpAddr,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, ready},
    time::Instant,
};

use axum::{
    body::Body,
    extract::{MatchedPath, Request},
    http::{Method, Version, header::CONTENT_LENGTH},
    response::Response,
};
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use tracing::Span;
use tundra_access::Principal;

pub use self::{
    json::json_log,
    levels::{LogHandle, LogLevels, LogLevelsError},
};
use crate::{layers::client::Client, traces::RequestSpan};

/// The target of these lines, by which they can be chosen, and by which they are known to the writer of
/// JSON.
pub(crate) const TARGET: &str = "tundra_server::access";

/// The status that is logged when nobody was there any more to be answered.
const CLIENT_GONE: u16 = 499;

/// A request whose line is still to be written.
pub(crate) struct Entry(Option<Line>);

/// What is noted of a request while it is served, in its extensions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Noted(Arc<OnceLock<Who>>);

#[derive(Debug)]
struct Who {
    subject: String,
    tenant: Option<String>,
    via: &'static str,
}

struct Line {
    span: Span,
    begun: Instant,
    method: Method,
    route: Option<MatchedPath>,
    version: Version,
    client: Option<IpAddr>,
    request_bytes: Option<u64>,
    noted: Noted,
    /// The span of the request, which ends with it.
    traced: Option<RequestSpan>,
}

/// The body of an answer, which writes the line when it is dropped: sent, or given up.
struct Counted {
    body: Body,
    line: Line,
    status: u16,
    sent: u64,
    ended: bool,
}

impl Noted {
    /// Notes who asks.
    pub(crate) fn caller(&self, principal: &Principal) {
        let Principal { subject, tenant, via, .. } = principal;
        let tenant = tenant.as_ref().map(ToString::to_string);
        // A request has one caller; whoever was noted first is it.
        let _ = self.0.set(Who { subject: subject.clone(), tenant, via: via.name() });
    }
}

impl Entry {
    /// Begins the line of a request that is served in this span.
    pub(crate) fn begin(
        request: &Request,
        client: Option<Client>,
        span: Span,
        traced: Option<RequestSpan>,
    ) -> Self {
        let length = request.headers().get(CONTENT_LENGTH);
        Self(Some(Line {
            span,
            begun: Instant::now(),
            method: request.method().clone(),
            route: request.extensions().get::<MatchedPath>().cloned(),
            version: request.version(),
            client: client.map(|Client(address)| address),
            request_bytes: length.and_then(|length| length.to_str().ok()?.parse().ok()),
            noted: Noted::default(),
            traced,
        }))
    }

    /// Returns where the caller is noted, once it is known.
    pub(crate) fn noted(&self) -> Noted {
        self.0.as_ref().map(|line| line.noted.clone()).unwrap_or_default()
    }

    /// Has the line written when the answer is sent.
    pub(crate) fn answered(mut self, response: Response) -> Response {
        let Some(line) = self.0.take() else { return response };
        let status = response.status().as_u16();
        // Nothing of a body is sent for these.
        let ended = line.method == Method::HEAD || response.body().is_end_stream();
        response.map(|body| Body::new(Counted { body, line, status, sent: 0, ended }))
    }
}

impl Drop for Entry {
    /// Whoever serves the request has stopped: its client has gone.
    fn drop(&mut self) {
        if let Some(mut line) = self.0.take() {
            line.write(CLIENT_GONE, 0, true);
        }
    }
}

impl Line {
    fn write(&mut self, status: u16, response_bytes: u64, cut_off: bool) {
        if let Some(traced) = self.traced.take() {
            traced.ended(status, cut_off);
        }
        let who = self.noted.0.get();
        tracing::info!(
            target: TARGET,
            parent: &self.span,
            method = self.method.as_str(),
            route = self.route.as_ref().map(MatchedPath::as_str),
            status,
            seconds = self.begun.elapsed().as_secs_f64(),
            request_bytes = self.request_bytes,
            response_bytes,
            cut_off,
            protocol = ?self.version,
            client = self.client.map(tracing::field::display),
            subject = who.map(|who| who.subject.as_str()),
            tenant = who.and_then(|who| who.tenant.as_deref()),
            via = who.map(|who| who.via),
            "answered"
        );
    }
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                self.sent += frame.data_ref().map_or(0, Bytes::len) as u64;
                self.ended = self.body.is_end_stream();
            }
            Some(Err(_)) => {}
            None => self.ended = true,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.line.write(self.status, self.sent, !self.ended);
    }
}

#[cfg(test)]
mod tests;
