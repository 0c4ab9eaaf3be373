//! Reading an open file.

use std::{
    fs::{self, File},
    ops::Range,
    os::unix::fs::FileExt,
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use tundra_core::{ObjectInfo, ObjectReader, StorageError};

use crate::{
    blocking::blocking,
    error::{Operation, range_length},
    local::{Place, etag},
};

/// A file that stays open, so that replacing or deleting it changes nothing here.
#[derive(Debug)]
pub(super) struct LocalReader {
    opened: Arc<Opened>,
}

#[derive(Debug)]
struct Opened {
    file: File,
    info: ObjectInfo,
    shown: String,
}

impl LocalReader {
    /// Opens the file. Blocks.
    pub(super) fn open(place: Place) -> Result<Self, StorageError> {
        let failed = |error| Operation::Read.io_failed(&place.shown, error);
        place.check_file(&fs::metadata(&place.file).map_err(failed)?)?;
        let file = File::open(&place.file).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        place.check_file(&metadata)?;
        let info = place.info_of(&metadata);
        Ok(Self { opened: Arc::new(Opened { file, info, shown: place.shown }) })
    }

    async fn with_file<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Opened) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let opened = Arc::clone(&self.opened);
        blocking(Operation::Read, &self.opened.shown, move || work(&opened)).await
    }
}

impl Opened {
    /// Checks that nobody wrote to the file or cut it off.
    fn check_unchanged(&self) -> Result<(), StorageError> {
        let metadata =
            self.file.metadata().map_err(|error| Operation::Read.io_failed(&self.shown, error))?;
        if self.info.etag.as_ref() == Some(&etag(&metadata)) {
            Ok(())
        } else {
            Err(StorageError::Changed { location: self.shown.clone() })
        }
    }
}

#[async_trait]
impl ObjectReader for LocalReader {
    fn info(&self) -> &ObjectInfo {
        &self.opened.info
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
        let opened = &self.opened;
        let length = range_length(Operation::Read, &opened.shown, &range, opened.info.size)?;
        self.with_file(move |opened| {
            let mut bytes = vec![0; length];
            opened
                .file
                .read_exact_at(&mut bytes, range.start)
                .map_err(|error| Operation::Read.io_failed(&opened.shown, error))?;
            // Afterwards, so that bytes written during the read are noticed.
            opened.check_unchanged()?;
            Ok(Bytes::from(bytes))
        })
        .await
    }

    fn as_file(&self) -> Option<&File> {
        Some(&self.opened.file)
    }

    async fn check_unchanged(&self) -> Result<(), StorageError> {
        self.with_file(Opened::check_unchanged).await
    }
}
