//! Reading what a URL leads to, by ranges or in one go.
//!
//! Start at [`open`]. The first request is a GET of the first bytes, never a HEAD, which many
//! signatures do not allow. What it tells of the object is what every later answer must tell.

use std::{fs::File, ops::Range, sync::Arc, time::SystemTime};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::{
    Response, StatusCode,
    header::{
        CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_RANGE,
        LAST_MODIFIED, RANGE,
    },
};
use tundra_core::{ObjectInfo, ObjectReader, StorageError};

use crate::{
    error::{Operation, range_length},
    http::{
        client::{Client, Message},
        date::http_date,
        failure::Failed,
        pace::{Broken, Pace},
        spool::{Spool, read_at},
        target::Target,
    },
};

/// Bytes that the first request asks for. They hold all of a small file and what tells the format
/// of a large one, and cost less than the way there and back.
const FIRST: u64 = 64 << 10;

/// A broken answer that brought this much is progress: the tries are counted anew.
const PROGRESS: u64 = 1 << 20;

/// Memory is taken up to this before the bytes are there.
const TAKEN_AHEAD: usize = 16 << 20;

/// Opens the object: by ranges if the server knows them, else with all of it in a temporary file.
pub(super) async fn open(
    client: &Client,
    target: &Arc<Target>,
) -> Result<Arc<dyn ObjectReader>, StorageError> {
    match first(client, target).await? {
        First::Ranges { version, bytes } => {
            let info = version.info(target);
            let (client, target) = (client.clone(), Arc::clone(target));
            Ok(Arc::new(RangedReader { client, target, version, info, first: bytes }))
        }
        First::Whole(response) => {
            tracing::info!(
                location = target.shown(),
                "the server gives no ranges: reading all of it into a temporary file first"
            );
            Ok(Arc::new(spooled(client, target, response).await?))
        }
    }
}

/// Returns what is known of the object, without reading it if the server tells.
pub(super) async fn head(
    client: &Client,
    target: &Arc<Target>,
) -> Result<ObjectInfo, StorageError> {
    match first(client, target).await? {
        First::Ranges { version, .. } => Ok(version.info(target)),
        First::Whole(response) => match length(&response) {
            Some(size) => Ok(Version::of(response.headers(), size).info(target)),
            None => Ok(spooled(client, target, response).await?.info),
        },
    }
}

/// What the first request brings.
enum First {
    /// The first bytes, and the whole size.
    Ranges { version: Version, bytes: Bytes },
    /// An answer that is about to bring everything.
    Whole(Response),
}

/// What tells one version of the object from another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    size: u64,
    etag: Option<HeaderValue>,
    modified: Option<HeaderValue>,
}

impl Version {
    fn of(headers: &HeaderMap, size: u64) -> Self {
        let get = |name: HeaderName| headers.get(name).cloned();
        let etag = get(ETAG);
        // Where there is a tag the time adds nothing, and replicas disagree on it.
        let modified = get(LAST_MODIFIED);
        Self { size, etag, modified }
    }

    fn is(&self, other: &Self) -> bool {
        let same = match (&self.etag, &other.etag) {
            (Some(one), Some(other)) => one == other,
            (None, None) => self.modified == other.modified,
            _ => false,
        };
        same && self.size == other.size
    }

    /// Returns what an `If-Range` may hold: a strong tag.
    fn condition(&self) -> Option<&HeaderValue> {
        self.etag.as_ref().filter(|tag| tag.as_bytes().starts_with(b"\""))
    }

    fn info(&self, target: &Target) -> ObjectInfo {
        let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
        ObjectInfo {
            path: target.path().clone(),
            size: self.size,
            etag: self.etag.as_ref().and_then(text),
            modified: self
                .modified
                .as_ref()
                .and_then(text)
                .and_then(|text| -> Option<SystemTime> { http_date(&text) }),
        }
    }
}

async fn first(client: &Client, target: &Target) -> Result<First, StorageError> {
    let mut tries = client.tries();
    loop {
        match try_first(client, target).await {
            Ok(first) => return Ok(first),
            Err(failed) => tries.again(failed).await?,
        }
    }
}

async fn try_first(client: &Client, target: &Target) -> Result<First, Failed> {
    let response = get(client, target, Some(0..FIRST), None).await?;
    let told = ContentRange::of(response.headers());
    match (response.status(), told) {
        (StatusCode::OK, _) => {
            check_size(client, target, length(&response).unwrap_or(0))?;
            Ok(First::Whole(response))
        }
        (StatusCode::PARTIAL_CONTENT, Some(ContentRange { start: 0, end, size: Some(size) }))
            if end == size.min(FIRST) || (end > 0 && end < size.min(FIRST)) =>
        {
            check_size(client, target, size)?;
            let version = Version::of(response.headers(), size);
            let bytes = body(client, target, response, end).await?;
            Ok(First::Ranges { version, bytes })
        }
        // An empty object has no first byte.
        (StatusCode::RANGE_NOT_SATISFIABLE, Some(ContentRange { size: Some(0), .. })) => {
            let version = Version::of(response.headers(), 0);
            Ok(First::Ranges { version, bytes: Bytes::new() })
        }
        // It knows ranges but does not tell the size, which only reading all of it can.
        (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE, _) => {
            drop(response);
            whole(client, target).await.map(First::Whole)
        }
        _ => Err(unexpected(client, target, response).await),
    }
}

/// Asks for all of the object.
async fn whole(client: &Client, target: &Target) -> Result<Response, Failed> {
    let response = get(client, target, None, None).await?;
    if response.status() != StatusCode::OK {
        return Err(unexpected(client, target, response).await);
    }
    check_size(client, target, length(&response).unwrap_or(0))?;
    Ok(response)
}

async fn get(
    client: &Client,
    target: &Target,
    range: Option<Range<u64>>,
    version: Option<&Version>,
) -> Result<Response, Failed> {
    let mut message = Message::get();
    if let Some(range) = range {
        let text = format!("bytes={}-{}", range.start, range.end - 1);
        let value = HeaderValue::from_str(&text).expect("digits can stand in a header");
        message.headers.insert(RANGE, value);
    }
    if let Some(tag) = version.and_then(Version::condition) {
        message.headers.insert(IF_RANGE, tag.clone());
    }
    client.send(Operation::Read, target, &message, Some(client.options().stall)).await
}

async fn unexpected(client: &Client, target: &Target, response: Response) -> Failed {
    Failed::of_response(Operation::Read, target, response, client.options().stall).await
}

fn check_size(client: &Client, target: &Target, size: u64) -> Result<(), Failed> {
    match client.policy().max_size {
        Some(limit) if size > limit => Err(Failed::Final(StorageError::TooLarge {
            location: target.shown().to_owned(),
            limit,
        })),
        _ => Ok(()),
    }
}

/// Reads a body of a known length.
async fn body(
    client: &Client,
    target: &Target,
    mut response: Response,
    length: u64,
) -> Result<Bytes, Failed> {
    let mut bytes = BytesMut::new();
    match append(client, target, &mut response, &mut bytes, length).await? {
        None => Ok(bytes.freeze()),
        Some(broken) => Err(broken),
    }
}

/// Appends a body to `bytes`, which shall have `until` of them in the end. What came before it broke
/// stays, and why it broke is returned.
async fn append(
    client: &Client,
    target: &Target,
    response: &mut Response,
    bytes: &mut BytesMut,
    until: u64,
) -> Result<Option<Failed>, Failed> {
    let mut pace = Pace::new(client.options().stall);
    loop {
        match pace.chunk(response).await {
            Ok(Some(chunk)) => {
                if (bytes.len() + chunk.len()) as u64 > until {
                    return Err(Failed::Final(
                        Operation::Read
                            .failed(target.shown(), "the server sent more than it was asked for"),
                    ));
                }
                bytes.extend_from_slice(&chunk);
            }
            Ok(None) if bytes.len() as u64 == until => return Ok(None),
            Ok(None) => return Ok(Some(truncated(target))),
            Err(broken) => return Ok(Some(failed(target, broken))),
        }
    }
}

fn truncated(target: &Target) -> Failed {
    let cause = "the connection ended before all of it was there".to_owned();
    Failed::transient(Operation::Read, target, cause)
}

fn failed(target: &Target, broken: Broken) -> Failed {
    match broken {
        Broken::Client(error) => Failed::of_client(Operation::Read, target, &error),
        Broken::Stalled(stall) => {
            let cause = format!("the server sent next to nothing for {stall:?}");
            Failed::transient(Operation::Read, target, cause)
        }
    }
}

/// An object of a server that gives ranges.
#[derive(Debug)]
struct RangedReader {
    client: Client,
    target: Arc<Target>,
    version: Version,
    info: ObjectInfo,
    /// The bytes that the first request brought.
    first: Bytes,
}

impl RangedReader {
    fn changed(&self) -> StorageError {
        StorageError::Changed { location: self.target.shown().to_owned() }
    }

    /// Asks for `range`, and returns an answer that begins at its start and where it ends.
    async fn ask(&self, range: Range<u64>) -> Result<(Response, u64), Failed> {
        let Self { client, target, version, .. } = self;
        let response = get(client, target, Some(range.clone()), Some(version)).await?;
        match (response.status(), ContentRange::of(response.headers())) {
            (StatusCode::PARTIAL_CONTENT, Some(told)) => {
                let size = told.size.unwrap_or(version.size);
                if !Version::of(response.headers(), size).is(version) {
                    return Err(Failed::Final(self.changed()));
                }
                if told.start != range.start || told.end <= range.start || told.end > range.end {
                    return Err(Failed::Final(Operation::Read.failed(
                        target.shown(),
                        "the server sent other bytes than it was asked for",
                    )));
                }
                Ok((response, told.end))
            }
            // `If-Range` makes it send everything when the object is another one, and a range behind
            // the end is one of a shorter object. The same object without its ranges is no change,
            // but is not what was promised either.
            (StatusCode::OK, _)
                if length(&response)
                    .is_some_and(|size| Version::of(response.headers(), size).is(version)) =>
            {
                Err(Failed::transient(
                    Operation::Read,
                    target,
                    "the server gave ranges and does not any more".to_owned(),
                ))
            }
            (StatusCode::OK | StatusCode::RANGE_NOT_SATISFIABLE, _) => {
                Err(Failed::Final(self.changed()))
            }
            _ => match unexpected(client, target, response).await {
                // It was there when it was opened.
                Failed::Final(StorageError::NotFound { .. }) => Err(Failed::Final(self.changed())),
                failed => Err(failed),
            },
        }
    }
}

#[async_trait]
impl ObjectReader for RangedReader {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
        let shown = self.target.shown();
        let length = range_length(Operation::Read, shown, &range, self.version.size)?;
        let known = self.first.len() as u64;
        if range.end <= known {
            // Both ends are within bytes that are here.
            return Ok(self.first.slice(range.start as usize..range.end as usize));
        }
        let mut bytes = BytesMut::with_capacity(length.min(TAKEN_AHEAD));
        if range.start < known {
            bytes.extend_from_slice(&self.first[range.start as usize..]);
        }
        let mut tries = self.client.tries();
        loop {
            let start = range.start + bytes.len() as u64;
            if start == range.end {
                return Ok(bytes.freeze());
            }
            let failed = match self.ask(start..range.end).await {
                Ok((mut response, end)) => {
                    let until = end - range.start;
                    let (client, target) = (&self.client, &self.target);
                    append(client, target, &mut response, &mut bytes, until)
                        .await
                        .map_err(Failed::into_error)?
                }
                Err(failed) => Some(failed),
            };
            if range.start + bytes.len() as u64 >= start + PROGRESS {
                tries = self.client.tries();
            }
            if let Some(failed) = failed {
                tries.again(failed).await?;
            }
        }
    }

    fn as_file(&self) -> Option<&File> {
        None
    }

    async fn check_unchanged(&self) -> Result<(), StorageError> {
        let mut tries = self.client.tries();
        loop {
            // An empty object has no byte to ask for, and answers as it did at first.
            let asked = if self.version.size == 0 {
                match first(&self.client, &self.target).await? {
                    First::Ranges { version, .. } if version.is(&self.version) => Ok(()),
                    First::Ranges { .. } | First::Whole(_) => return Err(self.changed()),
                }
            } else {
                match self.ask(0..1).await {
                    Ok((response, end)) => {
                        body(&self.client, &self.target, response, end).await.map(drop)
                    }
                    Err(failed) => Err(failed),
                }
            };
            match asked {
                Ok(()) => return Ok(()),
                Err(failed) => tries.again(failed).await?,
            }
        }
    }
}

/// Reads everything into a temporary file. A broken answer begins anew.
async fn spooled(
    client: &Client,
    target: &Target,
    response: Response,
) -> Result<SpooledReader, StorageError> {
    let mut spool = Spool::create(&client.options().temp_directory).await?;
    let mut tries = client.tries();
    let mut next = Ok(response);
    loop {
        let failed = match next {
            Ok(mut response) => match fill(client, target, &mut response, &mut spool).await {
                Ok(()) => {
                    let info = Version::of(response.headers(), spool.size()).info(target);
                    return Ok(SpooledReader { file: Arc::clone(spool.file()), info });
                }
                Err(failed) => failed,
            },
            Err(failed) => failed,
        };
        tries.again(failed).await?;
        spool.clear().await?;
        next = whole(client, target).await;
    }
}

async fn fill(
    client: &Client,
    target: &Target,
    response: &mut Response,
    spool: &mut Spool,
) -> Result<(), Failed> {
    let promised = length(response);
    let mut pace = Pace::new(client.options().stall);
    while let Some(chunk) = pace.chunk(response).await.map_err(|broken| failed(target, broken))? {
        check_size(client, target, spool.size() + chunk.len() as u64)?;
        spool.write(chunk).await.map_err(Failed::Final)?;
    }
    if promised.is_some_and(|promised| promised != spool.size()) {
        return Err(truncated(target));
    }
    spool.flush().await.map_err(Failed::Final)
}

/// An object that was read at once. It cannot change any more.
#[derive(Debug)]
struct SpooledReader {
    file: Arc<File>,
    info: ObjectInfo,
}

#[async_trait]
impl ObjectReader for SpooledReader {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
        let shown = self.info.path.as_str();
        let length = range_length(Operation::Read, shown, &range, self.info.size)?;
        read_at(&self.file, Operation::Read, shown, range.start, length).await
    }

    fn as_file(&self) -> Option<&File> {
        Some(&self.file)
    }

    async fn check_unchanged(&self) -> Result<(), StorageError> {
        Ok(())
    }
}

/// Returns the length that the answer's body shall have.
fn length(response: &Response) -> Option<u64> {
    response.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// What a `Content-Range` says, with the end behind the last byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ContentRange {
    start: u64,
    end: u64,
    size: Option<u64>,
}

impl ContentRange {
    fn of(headers: &HeaderMap) -> Option<Self> {
        Self::read(headers.get(CONTENT_RANGE)?.to_str().ok()?)
    }

    fn read(text: &str) -> Option<Self> {
        let (range, size) = text.strip_prefix("bytes ")?.trim().split_once('/')?;
        let size = match size {
            "*" => None,
            size => Some(size.parse().ok()?),
        };
        if range == "*" {
            return Some(Self { start: 0, end: 0, size });
        }
        let (start, last) = range.split_once('-')?;
        let (start, last) = (start.parse::<u64>().ok()?, last.parse::<u64>().ok()?);
        let end = last.checked_add(1).filter(|end| *end > start)?;
        (size.is_none_or(|size| end <= size)).then_some(Self { start, end, size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read_exactly() {
        let range = |start, end, size| Some(ContentRange { start, end, size });
        for (text, expected) in [
            ("bytes 0-0/10", range(0, 1, Some(10))),
            ("bytes 5-9/10", range(5, 10, Some(10))),
            ("bytes 5-9/*", range(5, 10, None)),
            ("bytes */0", range(0, 0, Some(0))),
            ("bytes */10", range(0, 0, Some(10))),
            ("bytes 5-10/10", None),
            ("bytes 5-4/10", None),
            ("bytes 0-18446744073709551615/*", None),
            ("bytes -1/10", None),
            ("items 0-1/10", None),
            ("bytes 0-1", None),
            ("", None),
        ] {
            assert_eq!(ContentRange::read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_version_is_its_tag_or_its_time_and_its_size() {
        let version = |etag: Option<&str>, modified: Option<&str>, size| {
            let value = |text: &str| text.parse::<HeaderValue>().unwrap();
            Version { size, etag: etag.map(value), modified: modified.map(value) }
        };
        assert!(version(Some("\"a\""), Some("x"), 1).is(&version(Some("\"a\""), Some("y"), 1)));
        assert!(!version(Some("\"a\""), None, 1).is(&version(Some("\"b\""), None, 1)));
        assert!(!version(Some("\"a\""), None, 1).is(&version(Some("\"a\""), None, 2)));
        assert!(!version(Some("\"a\""), None, 1).is(&version(None, None, 1)));
        assert!(!version(None, Some("x"), 1).is(&version(None, Some("y"), 1)));
        assert!(version(None, None, 1).is(&version(None, None, 1)));
        assert!(version(Some("\"a\""), None, 1).condition().is_some());
        assert!(version(Some("W/\"a\""), None, 1).condition().is_none());
    }
}
