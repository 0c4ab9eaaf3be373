//! What fake-gcs-server lacks of Google's XML interface, in front of it.
//!
//! The server knows reading, listing and deleting by XML, and writing only by JSON. [`GcsFront`]
//! translates puts and copies, and keeps the parts of uploads itself until they are completed. So what
//! is tested with it is what a client asks for and what the server makes of it; how Google puts parts
//! together is not.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, ETAG},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::{net::TcpListener, task::JoinSet};

use crate::{background::Background, proxy::pairs, s3::elements};

/// Separates what is sent to the server; no test writes it.
const BOUNDARY: &str = "between-0d3b1c7e9f2a4856";

const META: &str = "x-goog-meta-";

/// A server of Google Cloud Storage, until this is dropped.
#[derive(Debug)]
pub struct GcsFront {
    server: Background,
}

#[derive(Debug)]
struct Front {
    upstream: String,
    client: Client<HttpConnector, Full<Bytes>>,
    uploads: Mutex<BTreeMap<String, Upload>>,
    next: AtomicU64,
}

/// An upload that is neither completed nor aborted.
#[derive(Debug)]
struct Upload {
    target: Target,
    parts: BTreeMap<u32, Bytes>,
}

/// Where an object goes and what it carries.
#[derive(Debug, Clone)]
struct Target {
    bucket: String,
    /// Encoded.
    key: String,
    metadata: Vec<(String, String)>,
}

type Reply = Response<Full<Bytes>>;

impl GcsFront {
    /// Starts in front of fake-gcs-server at an address such as `http://127.0.0.1:4443`.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn start(upstream: &str) -> anyhow::Result<Self> {
        let front = Arc::new(Front {
            upstream: upstream.to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            uploads: Mutex::default(),
            next: AtomicU64::new(1),
        });
        let server = Background::start("gcs-front", |listener| accept(listener, front))?;
        Ok(Self { server })
    }

    /// Returns where it is.
    #[must_use]
    pub fn endpoint(&self) -> String {
        self.server.endpoint()
    }
}

async fn accept(listener: TcpListener, front: Arc<Front>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let front = Arc::clone(&front);
        let service = service_fn(move |request| {
            let front = Arc::clone(&front);
            async move { front.answer(request).await }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        connections.spawn(connection);
        while connections.try_join_next().is_some() {}
    }
}

impl Front {
    async fn answer(&self, request: Request<Incoming>) -> anyhow::Result<Reply> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let query: BTreeMap<&str, &str> = pairs(&head.uri).collect();
        let path = head.uri.path().trim_start_matches('/');
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let target = || Target {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            metadata: metadata(&head.headers),
        };
        let upload = query.get("uploadId").copied();
        match (head.method.as_str(), upload) {
            ("POST", None) if query.contains_key("uploads") => Ok(self.begin(target())),
            ("GET", None) if query.contains_key("uploads") => Ok(self.list(bucket, &query)),
            ("PUT", Some(upload)) => {
                let number = query.get("partNumber").context("a part has a number")?.parse()?;
                Ok(self.keep(upload, number, body))
            }
            ("POST", Some(upload)) => self.complete(upload, &body).await,
            ("DELETE", Some(upload)) => Ok(match self.uploads().remove(upload) {
                Some(_) => reply(StatusCode::NO_CONTENT, ""),
                None => no_such_upload(),
            }),
            ("PUT", None) => {
                let condition = head.headers.get("x-goog-if-generation-match");
                let condition = condition.map(|value| value.to_str()).transpose()?;
                match head.headers.get("x-goog-copy-source") {
                    Some(from) => self.copy(from.to_str()?, &target(), condition).await,
                    None => self.insert(&target(), body, condition).await,
                }
            }
            _ => {
                let uri = format!("{}{}", self.upstream, head.uri);
                let mut request = Request::builder().method(head.method).uri(uri);
                for (name, value) in head.headers.iter().filter(|(name, _)| *name != "host") {
                    request = request.header(name, value);
                }
                self.send(request.body(Full::new(body))?).await
            }
        }
    }

    fn begin(&self, target: Target) -> Reply {
        let id = format!("upload-{}", self.next.fetch_add(1, Ordering::Relaxed));
        let xml = format!(
            "<InitiateMultipartUploadResult><Bucket>{}</Bucket><Key>{}</Key><UploadId>{id}</UploadId>\
             </InitiateMultipartUploadResult>",
            target.bucket, target.key
        );
        self.uploads().insert(id, Upload { target, parts: BTreeMap::new() });
        reply(StatusCode::OK, xml)
    }

    fn keep(&self, upload: &str, number: u32, body: Bytes) -> Reply {
        let tag = format!("\"{upload}-{number}-{}\"", body.len());
        match self.uploads().get_mut(upload) {
            None => return no_such_upload(),
            Some(upload) => upload.parts.insert(number, body),
        };
        let mut reply = reply(StatusCode::OK, "");
        if let Ok(tag) = tag.parse() {
            reply.headers_mut().insert(ETAG, tag);
        }
        reply
    }

    async fn complete(&self, upload: &str, listed: &[u8]) -> anyhow::Result<Reply> {
        let Some(Upload { target, parts }) = self.uploads().remove(upload) else {
            return Ok(no_such_upload());
        };
        let mut whole = Vec::new();
        for number in elements(&String::from_utf8_lossy(listed), "PartNumber") {
            whole.extend_from_slice(parts.get(&number.parse()?).context("a part was never sent")?);
        }
        let inserted = self.insert(&target, whole.into(), None).await?;
        if !inserted.status().is_success() {
            return Ok(inserted);
        }
        let (head, _) = inserted.into_parts();
        let tag = head.headers.get(ETAG).context("the object has a tag")?.to_str()?.to_owned();
        let xml = format!(
            "<CompleteMultipartUploadResult><Bucket>{}</Bucket><Key>{}</Key><ETag>{tag}</ETag>\
             </CompleteMultipartUploadResult>",
            target.bucket, target.key
        );
        Ok(Response::from_parts(head, Full::new(xml.into())))
    }

    fn list(&self, bucket: &str, query: &BTreeMap<&str, &str>) -> Reply {
        // Begun long ago, so that whoever looks for what was left finds it.
        let prefix = query.get("prefix").copied().unwrap_or_default();
        let mut xml = String::from("<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>");
        for (id, Upload { target, .. }) in self.uploads().iter() {
            if target.bucket == bucket && target.key.starts_with(prefix) {
                // Writing to a string cannot fail.
                let _ = write!(
                    xml,
                    "<Upload><Key>{}</Key><UploadId>{id}</UploadId>\
                     <Initiated>2026-01-01T00:00:00.000Z</Initiated></Upload>",
                    target.key
                );
            }
        }
        xml.push_str("</ListMultipartUploadsResult>");
        reply(StatusCode::OK, xml)
    }

    /// Writes an object, and answers as the XML interface does.
    async fn insert(
        &self,
        target: &Target,
        content: Bytes,
        condition: Option<&str>,
    ) -> anyhow::Result<Reply> {
        let Target { bucket, key, metadata } = target;
        let pairs: Vec<String> =
            metadata.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
        let mut body = format!(
            "--{BOUNDARY}\r\nContent-Type: application/json\r\n\r\n{{\"metadata\":{{{}}}}}\r\n\
             --{BOUNDARY}\r\nContent-Type: application/octet-stream\r\n\r\n",
            pairs.join(",")
        )
        .into_bytes();
        body.extend_from_slice(&content);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let condition = condition.map(|generation| format!("&ifGenerationMatch={generation}"));
        let target_uri = format!(
            "{}/upload/storage/v1/b/{bucket}/o?uploadType=multipart&name={key}{}",
            self.upstream,
            condition.unwrap_or_default()
        );
        let kind = format!("multipart/related; boundary={BOUNDARY}");
        let request = Request::post(target_uri).header(CONTENT_TYPE, kind);
        let answer = self.send(request.body(Full::new(body.into()))?).await?;
        self.written(target, answer).await
    }

    async fn copy(
        &self,
        from: &str,
        target: &Target,
        condition: Option<&str>,
    ) -> anyhow::Result<Reply> {
        let (from_bucket, from_key) =
            from.trim_start_matches('/').split_once('/').context("a source has a key")?;
        let Target { bucket, key, .. } = target;
        let condition = condition.map(|generation| format!("?ifGenerationMatch={generation}"));
        let uri = format!(
            "{}/storage/v1/b/{from_bucket}/o/{from_key}/rewriteTo/b/{bucket}/o/{key}{}",
            self.upstream,
            condition.unwrap_or_default()
        );
        let answer = self.send(Request::post(uri).body(Full::default())?).await?;
        self.written(target, answer).await
    }

    /// Says of an object what the server said of writing it by JSON.
    async fn written(&self, target: &Target, answer: Reply) -> anyhow::Result<Reply> {
        let code = match answer.status() {
            StatusCode::PRECONDITION_FAILED => "PreconditionFailed",
            StatusCode::NOT_FOUND => "NoSuchKey",
            status if status.is_success() => {
                let uri = format!("{}/{}/{}", self.upstream, target.bucket, target.key);
                let head = self.send(Request::head(uri).body(Full::default())?).await?;
                let mut written = reply(StatusCode::OK, "<CopyObjectResult></CopyObjectResult>");
                for name in ["etag", "x-goog-generation"] {
                    if let Some(value) = head.headers().get(name) {
                        written.headers_mut().insert(name, value.clone());
                    }
                }
                return Ok(written);
            }
            _ => return Ok(answer),
        };
        Ok(reply(answer.status(), format!("<Error><Code>{code}</Code></Error>")))
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> anyhow::Result<Reply> {
        let (head, body) = self.client.request(request).await?.into_parts();
        Ok(Response::from_parts(head, Full::new(body.collect().await?.to_bytes())))
    }

    fn uploads(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Upload>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn metadata(headers: &HeaderMap) -> Vec<(String, String)> {
    let named = headers.iter().filter_map(|(name, value)| {
        Some((name.as_str().strip_prefix(META)?.to_owned(), value.to_str().ok()?.to_owned()))
    });
    named.collect()
}

fn reply(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    *reply.status_mut() = status;
    reply
}

fn no_such_upload() -> Reply {
    reply(StatusCode::NOT_FOUND, "<Error><Code>NoSuchUpload</Code></Error>")
}
