//! Reading one pinned version of an object.

use std::{fs::File, ops::Range};

use async_trait::async_trait;
use bytes::Bytes;
use object_store::{GetOptions, ObjectMeta};
use tundra_core::{ObjectInfo, ObjectReader, StorageError};

use crate::{
    error::{Operation, range_length},
    store::{Place, info},
};

/// An object as it was when it was opened. Nothing is held open meanwhile.
#[derive(Debug)]
pub(super) struct StoreReader {
    place: Place,
    opened: ObjectMeta,
    info: ObjectInfo,
}

impl StoreReader {
    pub(super) fn new(place: Place, opened: ObjectMeta) -> Self {
        let info = info(place.path.clone(), &opened);
        Self { place, opened, info }
    }

    fn changed(&self) -> StorageError {
        StorageError::Changed { location: self.place.shown.clone() }
    }

    fn is_opened_version(&self, meta: &ObjectMeta) -> bool {
        let same = match (&self.opened.e_tag, &meta.e_tag) {
            (Some(opened), Some(now)) => opened == now,
            (None, None) => self.opened.last_modified == meta.last_modified,
            _ => false,
        };
        same && self.opened.size == meta.size
    }

    fn failed(&self, error: object_store::Error) -> StorageError {
        match Operation::Read.store_failed(&self.place.shown, error) {
            // It was there when it was opened.
            StorageError::NotFound { .. } => self.changed(),
            error => error,
        }
    }
}

#[async_trait]
impl ObjectReader for StoreReader {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
        let length = range_length(Operation::Read, &self.place.shown, &range, self.info.size)?;
        if length == 0 {
            // Stores refuse to read nothing.
            return Ok(Bytes::new());
        }
        let pin = GetOptions {
            if_match: self.opened.e_tag.clone(),
            if_unmodified_since: match self.opened.e_tag {
                Some(_) => None,
                None => Some(self.opened.last_modified),
            },
            ..GetOptions::new().with_range(Some(range.clone()))
        };
        let found = self
            .place
            .store
            .get_opts(&self.place.key, pin)
            .await
            .map_err(|error| self.failed(error))?;
        // For stores that do not know the condition, and ranges cut short by a shorter object.
        if !self.is_opened_version(&found.meta) || found.range != range {
            return Err(self.changed());
        }
        let bytes = found.bytes().await.map_err(|error| self.failed(error))?;
        if bytes.len() == length { Ok(bytes) } else { Err(self.changed()) }
    }

    fn as_file(&self) -> Option<&File> {
        None
    }

    async fn check_unchanged(&self) -> Result<(), StorageError> {
        match self.place.head().await {
            Ok(now) if self.is_opened_version(&now) => Ok(()),
            Ok(_) | Err(StorageError::NotFound { .. }) => Err(self.changed()),
            Err(error) => Err(error),
        }
    }
}
