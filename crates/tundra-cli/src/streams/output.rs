//! Standard output as a store to which one object can be written.

use std::{
    fs::File,
    io::{self, Seek},
    ops::Range,
    os::{fd::AsFd, unix::fs::FileExt},
    path::PathBuf,
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use tundra_core::{
    IfExists, ObjectInfo, ObjectPath, ObjectReader, ObjectWriter, Storage, StorageCapabilities,
    StorageError,
};

use crate::streams::{blocking, object_path, read_at, refused};

/// What messages and receipts call it.
const LOCATION: &str = "standard output";

/// What messages call the file that holds the output until it is complete.
const SPOOL: &str = "the temporary copy of standard output";

/// Standard output.
#[derive(Debug)]
pub(crate) struct StandardOutput {
    directory: PathBuf,
}

impl StandardOutput {
    /// Returns a store that keeps the output in `directory` until it is complete.
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Returns the name of its only object.
    pub(crate) fn path() -> ObjectPath {
        object_path("stdout.parquet")
    }
}

#[async_trait]
impl Storage for StandardOutput {
    fn capabilities(&self) -> StorageCapabilities {
        StorageCapabilities { atomic_create: false, durable: false, read_back_window: None }
    }

    fn display(&self, _path: &ObjectPath) -> String {
        LOCATION.to_owned()
    }

    async fn head(&self, _path: &ObjectPath) -> Result<ObjectInfo, StorageError> {
        Err(StorageError::NotFound { location: LOCATION.to_owned() })
    }

    async fn open(&self, _path: &ObjectPath) -> Result<Arc<dyn ObjectReader>, StorageError> {
        Err(refused("read", LOCATION))
    }

    async fn create(
        &self,
        path: &ObjectPath,
        _if_exists: IfExists,
    ) -> Result<Box<dyn ObjectWriter>, StorageError> {
        if *path != Self::path() {
            return Err(refused("write a second file to", LOCATION));
        }
        let directory = self.directory.clone();
        let file = blocking("create", SPOOL, move || tempfile::tempfile_in(directory)).await?;
        Ok(Box::new(Spool { file: Arc::new(file), size: 0 }))
    }

    async fn list(&self, _prefix: Option<&ObjectPath>) -> Result<Vec<ObjectInfo>, StorageError> {
        Ok(Vec::new())
    }

    async fn delete(&self, _path: &ObjectPath) -> Result<(), StorageError> {
        Err(refused("delete", LOCATION))
    }
}

/// The output in a file without a name, until it is complete.
#[derive(Debug)]
struct Spool {
    file: Arc<File>,
    size: u64,
}

#[async_trait]
impl ObjectWriter for Spool {
    async fn write(&mut self, data: Bytes) -> Result<(), StorageError> {
        let file = Arc::clone(&self.file);
        let offset = self.size;
        let length = data.len() as u64;
        blocking("write", SPOOL, move || file.write_all_at(&data, offset)).await?;
        self.size += length;
        Ok(())
    }

    async fn read_back(&mut self, range: Range<u64>) -> Result<Bytes, StorageError> {
        read_at(&self.file, range, SPOOL).await
    }

    async fn publish(self: Box<Self>) -> Result<ObjectInfo, StorageError> {
        let Self { file, size } = *self;
        blocking("write", LOCATION, move || copy_to_stdout(&file)).await?;
        Ok(ObjectInfo { path: StandardOutput::path(), size, etag: None, modified: None })
    }

    async fn abort(self: Box<Self>) -> Result<(), StorageError> {
        // The file has no name: closing it removes it.
        Ok(())
    }
}

/// Copies the file to standard output, past the line buffer that Rust keeps for text.
fn copy_to_stdout(mut file: &File) -> io::Result<()> {
    file.rewind()?;
    let mut stdout = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    io::copy(&mut file, &mut stdout)?;
    Ok(())
}
