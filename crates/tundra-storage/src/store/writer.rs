//! Sending an object to its store.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    mem,
    ops::Range,
    sync::LazyLock,
    time::Duration,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use object_store::{
    Attribute, Attributes, GetOptions, MultipartUpload, PutMode, PutMultipartOptions, PutOptions,
    PutPayload, Result as StoreResult,
};
use tokio::{runtime::Handle, task::JoinSet, time::timeout};
use tokio_util::task::TaskTracker;
use tundra_core::{IfExists, ObjectInfo, ObjectWriter, StorageError};

use crate::{
    error::{Operation, range_length},
    store::Place,
};

/// Parts that are on their way at once. Each is held in memory until the store has it.
const PARTS_IN_FLIGHT: usize = 4;

/// The most parts that an object can have, in every store.
const MOST_PARTS: u64 = 10_000;

/// Where an object carries the mark of who wrote it. Azure wants a name without hyphens.
const MARK: &str = "tundrawrite";

/// Uploads of dropped writers that are being aborted.
static ABORTS: LazyLock<TaskTracker> = LazyLock::new(|| {
    let tracker = TaskTracker::new();
    // It takes more all the same, and can be waited for at any time.
    tracker.close();
    tracker
});

/// Waits until the uploads of dropped writers are aborted, but no longer than this. For a process that ends
/// after a failure.
pub async fn uploads_aborted(within: Duration) {
    // What has not been aborted by then is left to the rules of the store.
    let _ = timeout(within, ABORTS.wait()).await;
}

/// An object that is being sent.
///
/// Nothing is sent before there is more than one part.
///
/// An answer that is lost on its way makes the next attempt find what the first one did: an object
/// that is there, or an upload that is gone. So the object carries a mark, where the store can keep
/// one, and is looked at before a failure is told.
pub(super) struct StoreWriter {
    place: Place,
    if_exists: IfExists,
    part_size: usize,
    mark: Option<String>,
    /// Bytes not sent yet: less than a part, except within [`StoreWriter::write`].
    pending: Chunks,
    /// The last part that was sent, for reading back.
    last_part: Chunks,
    written: u64,
    upload: Option<Box<dyn MultipartUpload>>,
    sending: JoinSet<StoreResult<()>>,
    /// A part failed or was abandoned, so that bytes may be missing.
    broken: bool,
}

impl StoreWriter {
    pub(super) fn new(place: Place, if_exists: IfExists, part_size: usize) -> Self {
        let mark = place.abilities.marks.then(new_mark);
        Self {
            place,
            if_exists,
            part_size,
            mark,
            pending: Chunks::default(),
            last_part: Chunks::default(),
            written: 0,
            upload: None,
            sending: JoinSet::new(),
            broken: false,
        }
    }

    fn attributes(&self) -> Attributes {
        let mark = self.mark.iter().map(|mark| (Attribute::Metadata(MARK.into()), mark.clone()));
        mark.collect()
    }

    fn failed(&self, error: object_store::Error) -> StorageError {
        Operation::Write.store_failed(&self.place.shown, error)
    }

    fn check_whole(&self) -> Result<(), StorageError> {
        if self.broken {
            return Err(Operation::Write.failed(&self.place.shown, "an earlier write failed"));
        }
        Ok(())
    }

    /// Sends a part when fewer than [`PARTS_IN_FLIGHT`] are on their way.
    async fn send(&mut self, part: Chunks) -> Result<(), StorageError> {
        self.wait_for_fewer_than(PARTS_IN_FLIGHT).await?;
        let mut upload = match self.upload.take() {
            Some(upload) => upload,
            None => {
                let creating = match self.if_exists {
                    IfExists::Fail => self.place.abilities.creating.as_ref(),
                    IfExists::Replace => None,
                };
                let store = creating.unwrap_or(&self.place.store);
                let options =
                    PutMultipartOptions { attributes: self.attributes(), ..Default::default() };
                let begun = store.put_multipart_opts(&self.place.key, options).await;
                begun.map_err(|error| self.failed(error))?
            }
        };
        self.sending.spawn(upload.put_part(part.payload()));
        self.upload = Some(upload);
        self.last_part = part;
        Ok(())
    }

    async fn wait_for_fewer_than(&mut self, count: usize) -> Result<(), StorageError> {
        while self.sending.len() >= count {
            match self.sending.join_next().await {
                None => break,
                Some(Ok(sent)) => sent.map_err(|error| self.failed(error))?,
                Some(Err(error)) => match error.try_into_panic() {
                    Ok(payload) => std::panic::resume_unwind(payload),
                    Err(error) => return Err(self.failed(error.into())),
                },
            }
        }
        Ok(())
    }

    /// Sends all of it in one piece.
    async fn put(&mut self) -> Result<Option<String>, StorageError> {
        if self.if_exists == IfExists::Fail && !self.place.abilities.atomic_create {
            // Some stores take the condition for a header that means nothing.
            self.place.check_free().await?;
        }
        let mode = match self.if_exists {
            IfExists::Fail => PutMode::Create,
            IfExists::Replace => PutMode::Overwrite,
        };
        let payload = mem::take(&mut self.pending).payload();
        let options = PutOptions { mode, attributes: self.attributes(), ..PutOptions::default() };
        let put = self.place.store.put_opts(&self.place.key, payload, options).await;
        Ok(put.map_err(|error| self.failed(error))?.e_tag)
    }

    /// Sends the last part, and waits until the store has all of them.
    async fn send_rest(&mut self) -> Result<(), StorageError> {
        if self.pending.length > 0 {
            let part = mem::take(&mut self.pending);
            self.send(part).await?;
        }
        self.wait_for_fewer_than(1).await
    }

    /// Sends what is left and makes the store put all parts together.
    async fn complete(&mut self) -> Result<Option<String>, StorageError> {
        self.send_rest().await?;
        if self.if_exists == IfExists::Fail {
            self.place.check_free().await?;
        }
        let Some(upload) = &mut self.upload else {
            return Err(Operation::Write.failed(&self.place.shown, "the upload was aborted"));
        };
        let completed = upload.complete().await.map_err(|error| self.failed(error))?;
        self.upload = None;
        Ok(completed.e_tag)
    }

    async fn abort_upload(&mut self) -> Result<(), StorageError> {
        self.sending.shutdown().await;
        match self.upload.take() {
            None => Ok(()),
            Some(mut upload) => upload.abort().await.map_err(|error| self.failed(error)),
        }
    }
}

#[async_trait]
impl ObjectWriter for StoreWriter {
    async fn write(&mut self, data: Bytes) -> Result<(), StorageError> {
        self.check_whole()?;
        let written = self.written + data.len() as u64;
        let limit = MOST_PARTS.saturating_mul(self.part_size as u64);
        if written > limit {
            self.broken = true;
            return Err(StorageError::TooLarge { location: self.place.shown.clone(), limit });
        }
        self.written = written;
        self.pending.push(data);
        // Stays so when the future is dropped below, because a part may be lost then.
        self.broken = true;
        // A part that is just full waits: it is the whole object if nothing follows.
        while self.pending.length > self.part_size {
            let part = self.pending.split_to(self.part_size);
            if let Err(error) = self.send(part).await {
                return Err(blame(&self.place, self.if_exists, error).await);
            }
        }
        self.broken = false;
        Ok(())
    }

    async fn read_back(&mut self, range: Range<u64>) -> Result<Bytes, StorageError> {
        let shown = &self.place.shown;
        let length = range_length(Operation::ReadBack, shown, &range, self.written)?;
        let held = (self.last_part.length + self.pending.length) as u64;
        let Some(start) = range.start.checked_sub(self.written - held) else {
            let sent = SentAlready { start: range.start, held, written: self.written };
            return Err(Operation::ReadBack.failed(shown, sent));
        };
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let chunks = self.last_part.chunks.iter().chain(&self.pending.chunks);
        Ok(copy_out(chunks, start, length))
    }

    async fn flush(&mut self) -> Result<(), StorageError> {
        self.check_whole()?;
        // An object of one piece is there as soon as it is sent.
        if self.upload.is_none() {
            return Ok(());
        }
        self.broken = true;
        if let Err(error) = self.send_rest().await {
            return Err(blame(&self.place, self.if_exists, error).await);
        }
        self.broken = false;
        Ok(())
    }

    async fn publish(mut self: Box<Self>) -> Result<ObjectInfo, StorageError> {
        self.check_whole()?;
        let published = match self.upload {
            None => self.put().await,
            Some(_) => self.complete().await,
        };
        let info = |etag| ObjectInfo {
            path: self.place.path.clone(),
            size: self.written,
            etag,
            modified: None,
        };
        match published {
            Ok(etag) => Ok(info(etag)),
            Err(error) => {
                // The store may have done what it was asked and lost the answer.
                if let Some(etag) = own(&self.place, self.mark.as_deref(), self.written).await {
                    self.upload = None;
                    return Ok(info(etag));
                }
                let error = blame(&self.place, self.if_exists, error).await;
                if let Err(abort) = self.abort_upload().await {
                    tracing::warn!(error = %abort, "could not abort an upload");
                }
                Err(error)
            }
        }
    }

    async fn abort(mut self: Box<Self>) -> Result<(), StorageError> {
        self.abort_upload().await
    }
}

impl Drop for StoreWriter {
    fn drop(&mut self) {
        let Some(mut upload) = self.upload.take() else { return };
        let mut sending = mem::take(&mut self.sending);
        // Without a runtime nobody can wait for the store; its lifecycle rules have the rest.
        if let Ok(runtime) = Handle::try_current() {
            let abort = async move {
                sending.shutdown().await;
                if let Err(error) = upload.abort().await {
                    tracing::warn!(%error, "could not abort an upload");
                }
            };
            ABORTS.spawn_on(abort, &runtime);
        }
    }
}

/// Returns the tag of the object that is there if it is the one that carries the mark.
async fn own(place: &Place, mark: Option<&str>, size: u64) -> Option<Option<String>> {
    let mark = mark?;
    let look = GetOptions { head: true, ..GetOptions::default() };
    let found = place.store.get_opts(&place.key, look).await.ok()?;
    let carried = found.attributes.get(&Attribute::Metadata(MARK.into()))?;
    (carried.as_ref() == mark && found.meta.size == size).then_some(found.meta.e_tag)
}

/// Returns what a failure comes from: some stores drop an upload when an object of its name comes into
/// being, and then know nothing of it.
async fn blame(place: &Place, if_exists: IfExists, error: StorageError) -> StorageError {
    match error {
        StorageError::Other { .. } if if_exists == IfExists::Fail => {
            match place.check_free().await {
                Err(taken @ StorageError::AlreadyExists { .. }) => taken,
                _ => error,
            }
        }
        error => error,
    }
}

/// Returns a text that no other writer has.
fn new_mark() -> String {
    // The keys of a hasher come from the system, and differ from each other.
    let number = |salt: u8| RandomState::new().hash_one(salt);
    format!("{:016x}{:016x}", number(0), number(1))
}

impl fmt::Debug for StoreWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreWriter")
            .field("place", &self.place)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

/// The bytes were given to the store, which does not give them back before the object is complete.
#[derive(Debug, thiserror::Error)]
#[error("the byte {start} was sent already, and only the last {held} of {written} are still here")]
struct SentAlready {
    start: u64,
    held: u64,
    written: u64,
}

/// Bytes in the pieces in which they came, so that none is copied.
#[derive(Debug, Default)]
struct Chunks {
    chunks: Vec<Bytes>,
    length: usize,
}

impl Chunks {
    fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.length += chunk.len();
            self.chunks.push(chunk);
        }
    }

    /// Takes the first `length` bytes, which there must be.
    fn split_to(&mut self, length: usize) -> Self {
        let mut first = Self::default();
        let mut rest = Self::default();
        for mut chunk in mem::take(&mut self.chunks) {
            let here = chunk.split_to(chunk.len().min(length - first.length));
            first.push(here);
            rest.push(chunk);
        }
        *self = rest;
        first
    }

    fn payload(&self) -> PutPayload {
        self.chunks.iter().cloned().collect()
    }
}

/// Copies `length` bytes from `start` on, which there must be.
fn copy_out<'a>(chunks: impl Iterator<Item = &'a Bytes>, start: usize, length: usize) -> Bytes {
    let mut skip = start;
    let mut copied = BytesMut::with_capacity(length);
    for chunk in chunks {
        let from = skip.min(chunk.len());
        skip -= from;
        let to = chunk.len().min(from + length - copied.len());
        copied.extend_from_slice(&chunk[from..to]);
    }
    copied.freeze()
}
