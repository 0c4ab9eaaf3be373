//! Standard input as a store with one object, which can only be read.

use std::{
    fs::File,
    io::{self, Read, Write},
    ops::Range,
    path::Path,
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;
use tundra_core::{
    Cancel, IfExists, ObjectInfo, ObjectPath, ObjectReader, ObjectWriter, Progress, Reporter,
    Storage, StorageCapabilities, StorageError,
};

use crate::{
    failure::Failure,
    streams::{object_path, read_at, refused},
};

/// What messages and receipts call it.
const LOCATION: &str = "standard input";

/// Bytes that are read at once. Pipes hold 64 KiB; more only helps when it is a file.
const CHUNK: usize = 256 << 10;

/// What standard input held.
#[derive(Debug)]
pub(crate) struct StandardInput {
    file: Arc<File>,
    size: u64,
}

impl StandardInput {
    /// Reads standard input to its end into a file without a name in `directory`. Blocks; ends
    /// early, with what it has, when `cancel` is turned between two reads.
    ///
    /// # Errors
    /// Fails when standard input cannot be read, or the directory has no room.
    pub(crate) fn spool(
        directory: &Path,
        reporter: &dyn Reporter,
        cancel: &Cancel,
    ) -> Result<Self, Failure> {
        let spool = |source| Failure::Spool { directory: directory.display().to_string(), source };
        let mut file = tempfile::tempfile_in(directory).map_err(spool)?;
        let mut stdin = io::stdin().lock();
        let mut buffer = vec![0; CHUNK];
        let mut size = 0_u64;
        while !cancel.is_cancelled() {
            let count = match stdin.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(Failure::StandardInput { source }),
            };
            file.write_all(&buffer[..count]).map_err(spool)?;
            size += count as u64;
            reporter.progress(Progress { bytes: size, total_bytes: None, records: 0 });
        }
        Ok(Self { file: Arc::new(file), size })
    }

    /// Returns the name of its only object.
    pub(crate) fn path() -> ObjectPath {
        object_path("stdin")
    }

    fn info(&self) -> ObjectInfo {
        ObjectInfo { path: Self::path(), size: self.size, etag: None, modified: None }
    }

    fn check(path: &ObjectPath) -> Result<(), StorageError> {
        if *path == Self::path() {
            Ok(())
        } else {
            Err(StorageError::NotFound { location: path.to_string() })
        }
    }
}

#[async_trait]
impl Storage for StandardInput {
    fn capabilities(&self) -> StorageCapabilities {
        StorageCapabilities { atomic_create: false, durable: false, read_back_window: None }
    }

    fn display(&self, _path: &ObjectPath) -> String {
        LOCATION.to_owned()
    }

    async fn head(&self, path: &ObjectPath) -> Result<ObjectInfo, StorageError> {
        Self::check(path)?;
        Ok(self.info())
    }

    async fn open(&self, path: &ObjectPath) -> Result<Arc<dyn ObjectReader>, StorageError> {
        Self::check(path)?;
        Ok(Arc::new(Spooled { file: Arc::clone(&self.file), info: self.info() }))
    }

    async fn create(
        &self,
        _path: &ObjectPath,
        _if_exists: IfExists,
    ) -> Result<Box<dyn ObjectWriter>, StorageError> {
        Err(refused("write", LOCATION))
    }

    async fn list(&self, prefix: Option<&ObjectPath>) -> Result<Vec<ObjectInfo>, StorageError> {
        match prefix {
            Some(prefix) if *prefix != Self::path() => Ok(Vec::new()),
            _ => Ok(vec![self.info()]),
        }
    }

    async fn delete(&self, _path: &ObjectPath) -> Result<(), StorageError> {
        Err(refused("delete", LOCATION))
    }
}

/// What standard input held, open for reading.
#[derive(Debug)]
struct Spooled {
    file: Arc<File>,
    info: ObjectInfo,
}

#[async_trait]
impl ObjectReader for Spooled {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
        read_at(&self.file, range, LOCATION).await
    }

    fn as_file(&self) -> Option<&File> {
        Some(&self.file)
    }

    async fn check_unchanged(&self) -> Result<(), StorageError> {
        // Nobody else can open a file without a name.
        Ok(())
    }
}
