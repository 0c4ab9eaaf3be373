//! Writing an object through a URL: all of it at once, when it is complete.
//!
//! A signed PUT takes one body of a length that is told before. So what is written waits in a file
//! without a name until it is published; before that no request is made.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream;
use reqwest::{
    Body, Method, Response,
    header::{
        CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH,
    },
};
use tundra_core::{IfExists, ObjectInfo, ObjectWriter, StorageError};

use crate::{
    error::Operation,
    http::{
        client::{Client, Message},
        failure::{Failed, SpoolLost},
        policy::Refusal,
        spool::{Spool, read_at},
        target::{Style, Target},
    },
};

/// The most that S3, R2 and others of that kind take in one PUT: 5 GiB.
const AMAZON_LIMIT: u64 = 5 << 30;

/// The most that Azure takes in one PUT: 5000 MiB.
const AZURE_LIMIT: u64 = 5000 << 20;

/// Bytes that are read from the temporary file at a time.
const PIECE: u64 = 256 << 10;

/// Headers that the signature may cover because they are sent.
const SENT: [&str; 5] =
    ["host", "content-length", "content-type", "if-none-match", "x-ms-blob-type"];

/// An object that waits to be sent.
#[derive(Debug)]
pub(super) struct HttpWriter {
    client: Client,
    target: Arc<Target>,
    headers: HeaderMap,
    limit: u64,
    spool: Spool,
}

impl HttpWriter {
    /// Finds what would prevent publishing, as far as the URL tells.
    pub(super) async fn begin(
        client: &Client,
        target: &Arc<Target>,
        if_exists: IfExists,
    ) -> Result<Self, StorageError> {
        let headers = headers(client, target, if_exists)?;
        let of_store = match target.signature().style {
            Style::Amazon | Style::Old => AMAZON_LIMIT,
            Style::Azure => AZURE_LIMIT,
            Style::None | Style::Google => u64::MAX,
        };
        let limit = client.policy().max_size.map_or(of_store, |limit| limit.min(of_store));
        let spool = Spool::create(&client.options().temp_directory).await?;
        let (client, target) = (client.clone(), Arc::clone(target));
        Ok(Self { client, target, headers, limit, spool })
    }

    /// Sends everything once.
    async fn put(&self) -> Result<Option<String>, Failed> {
        let operation = Operation::Write;
        let sent = Arc::new(AtomicU64::new(0));
        let message = self.message(&sent);
        let stall = self.client.options().stall;
        let response = {
            let answer = self.client.send(operation, &self.target, &message, None);
            tokio::pin!(answer);
            let mut before = 0;
            loop {
                match tokio::time::timeout(stall, &mut answer).await {
                    Ok(response) => break response?,
                    Err(_) => {
                        let now = sent.load(Ordering::Relaxed);
                        if now == before {
                            let cause = format!("the server took nothing for {stall:?}");
                            return Err(Failed::transient(operation, &self.target, cause));
                        }
                        before = now;
                    }
                }
            }
        };
        if !response.status().is_success() {
            return Err(self.failed(response, stall).await);
        }
        let tag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok());
        Ok(tag.map(str::to_owned))
    }

    async fn failed(&self, response: Response, stall: Duration) -> Failed {
        Failed::of_response(Operation::Write, &self.target, response, stall).await
    }

    /// Returns the request; `sent` counts what of its body went out.
    fn message(&self, sent: &Arc<AtomicU64>) -> Message {
        let size = self.spool.size();
        let file = Arc::clone(self.spool.file());
        let sent = Arc::clone(sent);
        let body = move || {
            if size == 0 {
                return Body::from(Bytes::new());
            }
            let (file, sent) = (Arc::clone(&file), Arc::clone(&sent));
            let pieces = stream::try_unfold(0, move |start| {
                let (file, sent) = (Arc::clone(&file), Arc::clone(&sent));
                async move {
                    if start == size {
                        return Ok(None);
                    }
                    let length = PIECE.min(size - start);
                    let (operation, shown) = (Operation::ReadBack, "a temporary file");
                    let read = read_at(&file, operation, shown, start, length as usize).await;
                    sent.fetch_add(length, Ordering::Relaxed);
                    match read {
                        Ok(bytes) => Ok(Some((bytes, start + length))),
                        Err(error) => Err(SpoolLost(error.to_string())),
                    }
                }
            });
            Body::wrap_stream(pieces)
        };
        let mut headers = self.headers.clone();
        // Without it the body would go in chunks, which stores refuse.
        headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
        Message { method: Method::PUT, headers, body: Some(Box::new(body)) }
    }
}

#[async_trait]
impl ObjectWriter for HttpWriter {
    async fn write(&mut self, data: Bytes) -> Result<(), StorageError> {
        if self.spool.size() + data.len() as u64 > self.limit {
            let location = self.target.shown().to_owned();
            return Err(StorageError::TooLarge { location, limit: self.limit });
        }
        self.spool.write(data).await
    }

    async fn read_back(&mut self, range: Range<u64>) -> Result<Bytes, StorageError> {
        self.spool.read(self.target.shown(), range).await
    }

    async fn publish(mut self: Box<Self>) -> Result<ObjectInfo, StorageError> {
        self.spool.flush().await?;
        let mut tries = self.client.tries();
        let etag = loop {
            match self.put().await {
                Ok(etag) => break etag,
                // A server that refuses may close the connection before it was heard.
                Err(Failed::Transient { .. }) if self.target.signature().is_over() => {
                    let location = self.target.shown().to_owned();
                    return Err(StorageError::Expired { location });
                }
                Err(failed) => tries.again(failed).await?,
            }
        };
        let (path, size) = (self.target.path().clone(), self.spool.size());
        Ok(ObjectInfo { path, size, etag, modified: None })
    }

    async fn abort(self: Box<Self>) -> Result<(), StorageError> {
        // The file has no name: closing it removes it.
        Ok(())
    }
}

/// Returns the headers of the PUT, all but the length.
fn headers(
    client: &Client,
    target: &Target,
    if_exists: IfExists,
) -> Result<HeaderMap, StorageError> {
    let signature = target.signature();
    let not_sent = signature.headers.iter().find(|name| !SENT.contains(&name.as_str()));
    if let Some(name) = not_sent.filter(|name| !name.is_empty()) {
        let reason = format!("its signature wants the header `{name}`, which Tundra does not send");
        let hint = Some("have it signed for `host` and `content-type` only");
        return Err(Refusal { reason, hint }.at(target.shown()));
    }
    let mut headers = HeaderMap::new();
    if let Some(content_type) = &client.options().content_type {
        let value = HeaderValue::from_str(content_type).map_err(|error| {
            Operation::Write.failed(target.shown(), format!("the content type is none: {error}"))
        })?;
        headers.insert(CONTENT_TYPE, value);
    }
    if signature.style == Style::Azure {
        headers.insert(
            HeaderName::from_static("x-ms-blob-type"),
            HeaderValue::from_static("BlockBlob"),
        );
    }
    // A header that a signature does not cover may break it, and a signature for this one name says
    // by itself that the name may be written.
    let may_be_asked = signature.style == Style::None || signature.covers("if-none-match");
    match if_exists {
        IfExists::Fail if may_be_asked => {
            headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        }
        IfExists::Fail => tracing::info!(
            location = target.shown(),
            "the signature does not cover `If-None-Match`: an object that is there is replaced"
        ),
        IfExists::Replace if signature.covers("if-none-match") => {
            let reason = "its signature is for a new object only";
            return Err(Refusal::plain(reason).at(target.shown()));
        }
        IfExists::Replace => {}
    }
    Ok(headers)
}
