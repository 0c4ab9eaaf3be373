//! An object among many, which is open only while somebody reads it.

use std::{
    fs::File,
    ops::Range,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Input, ObjectInfo, ObjectReader, StorageError};

/// An object of which one version is read, opened as often as is needed. It is never another version: that
/// is found out when it is opened again.
#[derive(Debug)]
pub(super) struct PartObject {
    input: Input,
    info: ObjectInfo,
    /// Open until [`PartObject::close`].
    open: Mutex<Option<Arc<dyn ObjectReader>>>,
    /// Open until it is dropped.
    pinned: OnceLock<Arc<dyn ObjectReader>>,
    /// All of its bytes.
    held: OnceLock<Bytes>,
}

impl PartObject {
    /// Opens the present version.
    pub(super) async fn open(input: &Input) -> Result<Self, StorageError> {
        let reader = input.storage.open(&input.path).await?;
        Ok(Self {
            input: input.clone(),
            info: reader.info().clone(),
            open: Mutex::new(Some(reader)),
            pinned: OnceLock::new(),
            held: OnceLock::new(),
        })
    }

    /// Returns whether reading it once more costs next to nothing.
    pub(super) fn is_local(&self) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().is_some_and(|reader| reader.as_file().is_some())
    }

    /// Keeps all of its bytes, so that nobody is asked for them again.
    pub(super) fn hold(&self, bytes: Bytes) {
        if bytes.len() as u64 == self.info.size {
            self.held.get_or_init(|| bytes);
        }
    }

    /// Returns it open, for whoever closes it by dropping it.
    pub(super) async fn again(self: &Arc<Self>) -> Result<Arc<dyn ObjectReader>, StorageError> {
        if self.held.get().is_some() {
            return Ok(Arc::clone(self) as Arc<dyn ObjectReader>);
        }
        let reader = self.input.storage.open(&self.input.path).await?;
        self.check(reader.info())?;
        Ok(reader)
    }

    /// Closes it until somebody reads it again.
    pub(super) fn close(&self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Opens it for good, which makes reading a local file cheaper.
    pub(super) async fn pin(&self) -> Result<(), StorageError> {
        if self.held.get().is_none() && self.pinned.get().is_none() {
            let reader = self.reader().await?;
            self.pinned.get_or_init(|| reader);
            self.close();
        }
        Ok(())
    }

    async fn reader(&self) -> Result<Arc<dyn ObjectReader>, StorageError> {
        if let Some(reader) = self.present() {
            return Ok(reader);
        }
        let reader = self.input.storage.open(&self.input.path).await?;
        self.check(reader.info())?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(open.get_or_insert(reader)))
    }

    fn check(&self, now: &ObjectInfo) -> Result<(), StorageError> {
        if is_same(now, &self.info) {
            return Ok(());
        }
        let location = self.input.storage.display(&self.input.path);
        Err(StorageError::Changed { location })
    }

    /// Returns what is open.
    fn present(&self) -> Option<Arc<dyn ObjectReader>> {
        if let Some(reader) = self.pinned.get() {
            return Some(Arc::clone(reader));
        }
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Returns whether both are of one version of an object.
pub(super) fn is_same(one: &ObjectInfo, other: &ObjectInfo) -> bool {
    let facts = |info: &ObjectInfo| (info.size, info.etag.clone(), info.modified);
    facts(one) == facts(other)
}

#[async_trait]
impl ObjectReader for PartObject {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
        if let Some(bytes) = self.held.get() {
            let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
            return Ok(bytes.slice(place(range.start)..place(range.end)));
        }
        self.reader().await?.read(range).await
    }

    fn as_file(&self) -> Option<&File> {
        self.pinned.get()?.as_file()
    }

    async fn check_unchanged(&self) -> Result<(), StorageError> {
        match self.present() {
            Some(reader) if self.held.get().is_none() => reader.check_unchanged().await,
            _ => Ok(()),
        }
    }
}
