//! Sends the requests of `object_store`, again where that helps.

use std::{
    error::Error as StdError,
    io,
    time::{Duration, Instant},
};

use ::http::{
    HeaderValue, Method, StatusCode,
    header::{
        AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH, RANGE, RETRY_AFTER,
    },
};
use async_trait::async_trait;
use futures::StreamExt;
use object_store::client::{
    HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use url::Url;

use super::{
    Completion, retry,
    watch::{Heard, Received, Sent},
};
use crate::{
    cloud::failure::{Answer, Asked, Failure, Seen},
    settings::TransferSettings,
};

/// The most that is read of an answer that is no success.
const LARGEST_REASON: usize = 64 << 10;

/// The most that is read of an answer to what was copied or completed.
const LARGEST_VERDICT: usize = 1 << 20;

/// One store's way to the network.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) client: reqwest::Client,
    /// Scheme, host and port of the store.
    pub(super) store: String,
    /// Addresses without TLS are allowed.
    pub(super) insecure: bool,
    pub(super) completion: Completion,
    pub(super) transfer: TransferSettings,
}

#[async_trait]
impl HttpService for Service {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let begun = Instant::now();
        let endpoint = endpoint_of(request.uri());
        let asked = if endpoint == self.store { Asked::Store } else { Asked::Credentials };
        // Copying a second time onto a free name would find the first copy there.
        let repeatable = !(is_copy(&request) && is_conditional(&request));
        let mut conditioned = self.completion == Completion::Create && completes_upload(&request);
        if conditioned {
            request.headers_mut().insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        }
        let mut attempts = 0;
        loop {
            attempts += 1;
            let seen = match self.send(&endpoint, request.clone()).await {
                Ok(response) => return Ok(response),
                Err(seen) => seen,
            };
            let elapsed = begun.elapsed();
            let failure = Failure { endpoint: endpoint.clone(), asked, seen, attempts, elapsed };
            if conditioned && failure.status() == Some(501) {
                // A store that does not know the condition; the name was looked at before.
                conditioned = false;
                request.headers_mut().remove(IF_NONE_MATCH);
                continue;
            }
            match retry::pause(&self.transfer, attempts, begun, repeatable, &failure) {
                Some(pause) => {
                    let milliseconds = pause.as_millis() as u64;
                    tracing::info!(error = %failure, attempts, milliseconds, "trying again");
                    tokio::time::sleep(pause).await;
                }
                // Of a kind that `object_store` does not repeat.
                None => return Err(HttpError::new(HttpErrorKind::Unknown, failure)),
            }
        }
    }
}

impl Service {
    /// Sends a request once.
    async fn send(&self, endpoint: &str, request: HttpRequest) -> Result<HttpResponse, Seen> {
        let (parts, body) = request.into_parts();
        if !self.insecure && parts.uri.scheme_str() != Some("https") {
            return Err(Seen::Insecure);
        }
        let wanted = Wanted {
            part: parts.headers.contains_key(RANGE),
            head: parts.method == Method::HEAD,
            verdict: parts.headers.keys().any(|name| name.as_str().ends_with("-copy-source"))
                || (parts.method == Method::POST && has_parameter(&parts.uri, "uploadId")),
            document: parts.method == Method::POST
                || parts.uri.query().is_some_and(|query| {
                    query.contains("list-type=") || query.contains("comp=list")
                }),
        };
        let url = Url::parse(&parts.uri.to_string())
            .map_err(|error| Seen::NoConnection(error.to_string()))?;
        let mut sent = reqwest::Request::new(parts.method, url);
        *sent.headers_mut() = parts.headers;
        let heard = Heard::now();
        if body.content_length() > 0 {
            *sent.body_mut() = Some(reqwest::Body::wrap(Sent::new(body, heard.clone())));
        } else if matches!(*sent.method(), Method::PUT | Method::POST) {
            // Some stores want to be told that there is nothing.
            sent.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let silence = self.transfer.silence;
        let response = heard.until_silent(silence, self.client.execute(sent)).await;
        let response = match response {
            None => return Err(Seen::Silent(silence)),
            Some(Err(error)) => return Err(not_sent(&error)),
            Some(Ok(response)) => response,
        };
        let status = response.status();
        let header = |name: &str| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let kind = header(CONTENT_TYPE.as_str());
        let retry_after = header(RETRY_AFTER.as_str()).and_then(|value| value.parse().ok());
        if wanted.head && header("x-ms-copy-status").is_some_and(|status| status == "pending") {
            // Azure shows an object before its copy is complete.
            return Err(Seen::Answer(Answer::busy("CopyPending")));
        }
        let response: ::http::Response<reqwest::Body> = response.into();
        let (parts, body) = response.into_parts();
        let body = Received::new(body, silence, endpoint.to_owned());
        let body = HttpResponseBody::new(body);
        if !status.is_success() {
            // Whatever is wrong with the reason, the status is known.
            let reason = text(body, LARGEST_REASON).await.unwrap_or_default();
            let mut answer = Answer::new(status.as_u16(), kind.as_deref(), &reason);
            answer.retry_after = retry_after.map(Duration::from_secs);
            return Err(Seen::Answer(answer));
        }
        let is_page = kind.as_deref().is_some_and(|kind| kind.starts_with("text/html"));
        if wanted.part && !wanted.head && status != StatusCode::PARTIAL_CONTENT {
            return Err(Seen::Strange("does not give parts of an object"));
        }
        if wanted.document && is_page {
            return Err(Seen::Strange("answers with a page for people"));
        }
        if wanted.verdict {
            // Stores begin such an answer as a success, to keep the connection alive, and may find
            // out later that it is none.
            let verdict = text(body, LARGEST_VERDICT).await.map_err(|error| broken(&error))?;
            if verdict.trim_start().contains("<Error>") {
                return Err(Seen::Answer(Answer::new(status.as_u16(), None, &verdict)));
            }
            return Ok(HttpResponse::from_parts(parts, verdict.into()));
        }
        Ok(HttpResponse::from_parts(parts, body))
    }
}

/// What a request asks for.
struct Wanted {
    part: bool,
    head: bool,
    verdict: bool,
    document: bool,
}

/// Returns scheme, host and port.
fn endpoint_of(uri: &::http::Uri) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    format!("{}://{authority}", uri.scheme_str().unwrap_or_default())
}

fn has_parameter(uri: &::http::Uri, name: &str) -> bool {
    uri.query().is_some_and(|query| {
        query.split('&').any(|pair| pair.split('=').next().is_some_and(|key| key == name))
    })
}

fn is_copy(request: &HttpRequest) -> bool {
    request.headers().keys().any(|name| name.as_str().ends_with("-copy-source"))
}

fn is_conditional(request: &HttpRequest) -> bool {
    let headers = request.headers();
    headers.contains_key(IF_NONE_MATCH)
        || headers.contains_key(IF_MATCH)
        || headers.contains_key("x-goog-if-generation-match")
        || headers.contains_key("cf-copy-destination-if-none-match")
}

/// Returns whether this is what puts the parts of an upload together, and whether a header may still
/// be added to it: a shared key of Azure signs all of them.
fn completes_upload(request: &HttpRequest) -> bool {
    let uri = request.uri();
    let shared_key = request
        .headers()
        .get(AUTHORIZATION)
        .is_some_and(|value| value.as_bytes().starts_with(b"SharedKey"));
    let s3 = request.method() == Method::POST && has_parameter(uri, "uploadId");
    let azure = request.method() == Method::PUT
        && uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "comp=blocklist"));
    s3 || (azure && !shared_key)
}

/// Reads a text that is not long.
async fn text(body: HttpResponseBody, limit: usize) -> Result<String, HttpError> {
    let mut stream = body.bytes_stream();
    let mut bytes = Vec::new();
    while let Some(piece) = stream.next().await {
        bytes.extend_from_slice(&piece?);
        if bytes.len() >= limit {
            bytes.truncate(limit);
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Says why a request could not be sent or got no answer.
fn not_sent(error: &reqwest::Error) -> Seen {
    let why = deepest(error);
    let tls = causes(error).any(|cause| cause.is::<rustls::Error>())
        || causes(error)
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .filter_map(|error| error.get_ref())
            .any(|inner| inner.is::<rustls::Error>());
    if tls {
        Seen::NoHttp(why)
    } else if error.is_connect() {
        if error.is_timeout() {
            Seen::NoConnection("it took too long".to_owned())
        } else {
            Seen::NoConnection(why)
        }
    } else if causes(error).any(is_not_http) {
        Seen::NoHttp("it does not speak HTTP".to_owned())
    } else {
        Seen::Broken(why)
    }
}

/// Returns what is seen when a body ends early.
pub(super) fn broken(error: &(dyn StdError + 'static)) -> Seen {
    match causes(error).find_map(|cause| cause.downcast_ref::<Failure>()) {
        Some(failure) => failure.seen.clone(),
        None => Seen::Broken(deepest(error)),
    }
}

/// Returns whether the other side said something that is not HTTP: instead of an answer, or before
/// it was asked, which is the one error of `hyper` with neither a cause nor a name.
fn is_not_http(error: &(dyn StdError + 'static)) -> bool {
    error.downcast_ref::<hyper::Error>().is_some_and(|error| {
        let broken = error.is_canceled()
            || error.is_closed()
            || error.is_incomplete_message()
            || error.is_body_write_aborted()
            || error.is_timeout()
            || error.is_user();
        error.is_parse() || (error.source().is_none() && !broken)
    })
}

/// Returns the innermost cause in one line: those around it repeat the address.
fn deepest(error: &(dyn StdError + 'static)) -> String {
    let text = causes(error).last().map(ToString::to_string).unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(200).collect()
}

fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error: &&'a (dyn StdError + 'static)| error.source())
}
