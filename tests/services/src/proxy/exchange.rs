//! One request through the proxy and its answer back.

use std::{future, sync::Arc};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{
    Request, Response, StatusCode, Uri,
    body::Incoming,
    header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, ETAG},
    http::{HeaderValue, uri::Authority},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::time;

use super::{
    Shared,
    body::{AnyBody, Cut, Then, Way, passing, whole},
    lock,
    rule::{Fault, Reply},
    seen::Recording,
    socket::{Control, End},
};

/// The server behind the proxy.
#[derive(Debug)]
pub(super) struct Upstream {
    authority: Authority,
    client: Client<HttpConnector, AnyBody>,
}

impl Upstream {
    pub(super) fn new(authority: Authority) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        // The client's own `Host` is part of what it signed.
        let client = Client::builder(TokioExecutor::new())
            .set_host(false)
            .retry_canceled_requests(false)
            .build(connector);
        Self { authority, client }
    }

    async fn send(&self, mut request: Request<AnyBody>) -> anyhow::Result<Response<Incoming>> {
        let mut parts = request.uri().clone().into_parts();
        parts.scheme = Some(hyper::http::uri::Scheme::HTTP);
        parts.authority = Some(self.authority.clone());
        *request.uri_mut() = Uri::from_parts(parts)?;
        // Which connection is kept is each side's own affair.
        request.headers_mut().remove(CONNECTION);
        Ok(self.client.request(request).await?)
    }
}

/// Passes a request on, or does with it what a rule says.
pub(super) async fn pass(
    shared: Arc<Shared>,
    control: Arc<Control>,
    connection: usize,
    request: Request<Incoming>,
) -> Result<Response<AnyBody>, hyper::Error> {
    let recording = Arc::new(Recording::begin(&shared, connection, &request));
    let fault = lock(&shared.rules).iter_mut().find_map(|rule| rule.apply(&request));
    recording.note(|seen| seen.faulted = fault.is_some());
    time::sleep(shared.latency()).await;
    match &fault {
        Some(Fault::Reply(reply)) => return refuse(reply, request, &recording, &control).await,
        Some(Fault::Delay(time)) => time::sleep(*time).await,
        Some(Fault::Reset) => return reset(&control).await,
        _ => {}
    }

    let refused = lock(&shared.parts).look(&request);
    if let Some(reply) = refused {
        return refuse(&reply, request, &recording, &control).await;
    }
    let completes = lock(&shared.parts).completes(&request);
    let (head, body) = request.into_parts();
    let body = if fault == Some(Fault::Twice) {
        let bytes = collect(body, &recording, &control).await?;
        let first = Request::from_parts(head.clone(), whole(bytes.clone()));
        // Its failure shows in the second one, too.
        if let Ok(first) = shared.upstream.send(first).await {
            first.into_body().collect().await?;
        }
        whole(bytes)
    } else if completes {
        let bytes = collect(body, &recording, &control).await?;
        let request = Request::from_parts(head.clone(), ());
        let listed = String::from_utf8_lossy(&bytes);
        let refused = lock(&shared.parts).complete(&request, &listed);
        if let Some(reply) = refused {
            return Ok(answer(&reply, &recording));
        }
        whole(bytes)
    } else {
        let cut = match fault {
            Some(Fault::ResetUpload(behind)) => Some(Cut { behind, then: Then::End(End::Reset) }),
            _ => None,
        };
        passing(body, Way::Up, cut, &control, &recording)
    };

    let answer = match shared.upstream.send(Request::from_parts(head, body)).await {
        Ok(answer) => answer,
        Err(error) => {
            let reply = Reply::s3(502, "BadGateway", &format!("{error:#}"));
            return Ok(self::answer(&reply, &recording));
        }
    };
    recording.note(|seen| seen.status = Some(answer.status().as_u16()));
    if fault == Some(Fault::LoseAnswer) {
        // All of it, so that the server is done.
        answer.into_body().collect().await?;
        return reset(&control).await;
    }
    if let Some(Fault::ReplaceAnswer(reply)) = &fault {
        answer.into_body().collect().await?;
        return Ok(self::answer(reply, &recording));
    }
    Ok(back(answer, fault, &control, &recording))
}

/// Passes an answer on.
fn back(
    answer: Response<Incoming>,
    fault: Option<Fault>,
    control: &Arc<Control>,
    recording: &Arc<Recording>,
) -> Response<AnyBody> {
    let (mut head, body) = answer.into_parts();
    head.headers.remove(CONNECTION);
    let cut = match fault {
        Some(Fault::ResetAnswer(behind)) => Some(Cut { behind, then: Then::End(End::Reset) }),
        Some(Fault::Truncate(behind)) => Some(Cut { behind, then: Then::End(End::Proper) }),
        Some(Fault::Stall(behind)) => Some(Cut { behind, then: Then::Stall }),
        Some(Fault::Shorten(behind)) => {
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from(behind));
            Some(Cut { behind, then: Then::Done })
        }
        Some(Fault::ETag(tag)) => {
            if let Ok(tag) = HeaderValue::from_str(&tag) {
                head.headers.insert(ETAG, tag);
            }
            None
        }
        _ => None,
    };
    Response::from_parts(head, passing(body, Way::Down, cut, control, recording))
}

/// Answers in the server's place, after reading the request as a server does.
async fn refuse(
    reply: &Reply,
    request: Request<Incoming>,
    recording: &Arc<Recording>,
    control: &Arc<Control>,
) -> Result<Response<AnyBody>, hyper::Error> {
    collect(request.into_body(), recording, control).await?;
    Ok(answer(reply, recording))
}

fn answer(reply: &Reply, recording: &Recording) -> Response<AnyBody> {
    recording.note(|seen| seen.status = Some(reply.status));
    let mut answer = Response::new(whole(reply.body.clone()));
    *answer.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = reply.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in headers.chain([(CONTENT_TYPE.as_str(), reply.content_type.as_str())]) {
        let name = hyper::http::HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

async fn reset<T>(control: &Control) -> T {
    control.end(End::Reset);
    // The connection's end ends this.
    future::pending().await
}

async fn collect(
    body: Incoming,
    recording: &Arc<Recording>,
    control: &Arc<Control>,
) -> Result<Bytes, hyper::Error> {
    let body = passing(body, Way::Up, None, control, recording);
    Ok(body.collect().await?.to_bytes())
}
