//! Standard input, or another pipe, as a store with one object, which can only be read.

use std::{
    fs::File,
    io::{self, Read, Write},
    ops::Range,
    path::{Path, PathBuf},
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

/// Bytes that are read at once. Pipes hold 64 KiB; more only helps when it is a file.
const CHUNK: usize = 256 << 10;

/// What can be read once, from its beginning to its end.
#[derive(Debug)]
pub(crate) enum Pipe {
    /// Standard input.
    StandardInput,
    /// A pipe with a name.
    Named(PathBuf),
}

impl Pipe {
    /// Returns what messages and receipts call it.
    fn location(&self) -> String {
        match self {
            Self::StandardInput => "standard input".to_owned(),
            Self::Named(path) => path.to_string_lossy().into_owned(),
        }
    }

    /// Opens it; a pipe with a name when somebody opens it to write.
    fn open(&self) -> io::Result<Box<dyn Read>> {
        Ok(match self {
            Self::StandardInput => Box::new(io::stdin().lock()),
            Self::Named(path) => Box::new(File::open(path)?),
        })
    }
}

/// What a pipe held.
#[derive(Debug)]
pub(crate) struct PipedInput {
    file: Arc<File>,
    size: u64,
    location: String,
}

impl PipedInput {
    /// Reads a pipe to its end into a file without a name in `directory`. Blocks; ends early, with
    /// what it has, when `cancel` is turned between two reads.
    ///
    /// # Errors
    /// Fails when the pipe cannot be read, or the directory has no room.
    pub(crate) fn spool(
        pipe: &Pipe,
        directory: &Path,
        reporter: &dyn Reporter,
        cancel: &Cancel,
    ) -> Result<Self, Failure> {
        let location = pipe.location();
        let input = match pipe {
            Pipe::StandardInput => location.clone(),
            Pipe::Named(_) => format!("`{location}`"),
        };
        let failed = |source| Failure::Pipe { input: input.clone(), source };
        let spool = |source| Failure::Spool {
            input: input.clone(),
            directory: directory.display().to_string(),
            source,
        };
        let mut file = tempfile::tempfile_in(directory).map_err(spool)?;
        let mut source = pipe.open().map_err(failed)?;
        let mut buffer = vec![0; CHUNK];
        let mut size = 0_u64;
        while !cancel.is_cancelled() {
            let count = match source.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(failed(source)),
            };
            file.write_all(&buffer[..count]).map_err(spool)?;
            size += count as u64;
            reporter.progress(Progress { bytes: size, total_bytes: None, records: 0 });
        }
        Ok(Self { file: Arc::new(file), size, location })
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
impl Storage for PipedInput {
    fn capabilities(&self) -> StorageCapabilities {
        StorageCapabilities { atomic_create: false, durable: false, read_back_window: None }
    }

    fn display(&self, _path: &ObjectPath) -> String {
        self.location.clone()
    }

    async fn head(&self, path: &ObjectPath) -> Result<ObjectInfo, StorageError> {
        Self::check(path)?;
        Ok(self.info())
    }

    async fn open(&self, path: &ObjectPath) -> Result<Arc<dyn ObjectReader>, StorageError> {
        Self::check(path)?;
        Ok(Arc::new(Spooled {
            file: Arc::clone(&self.file),
            info: self.info(),
            location: self.location.clone(),
        }))
    }

    async fn create(
        &self,
        _path: &ObjectPath,
        _if_exists: IfExists,
    ) -> Result<Box<dyn ObjectWriter>, StorageError> {
        Err(refused("write", &self.location))
    }

    async fn list(&self, prefix: Option<&ObjectPath>) -> Result<Vec<ObjectInfo>, StorageError> {
        match prefix {
            Some(prefix) if *prefix != Self::path() => Ok(Vec::new()),
            _ => Ok(vec![self.info()]),
        }
    }

    async fn delete(&self, _path: &ObjectPath) -> Result<(), StorageError> {
        Err(refused("delete", &self.location))
    }
}

/// What a pipe held, open for reading.
#[derive(Debug)]
struct Spooled {
    file: Arc<File>,
    info: ObjectInfo,
    location: String,
}

#[async_trait]
impl ObjectReader for Spooled {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
        read_at(&self.file, range, &self.location).await
    }

    fn as_file(&self) -> Option<&File> {
        Some(&self.file)
    }

    async fn check_unchanged(&self) -> Result<(), StorageError> {
        // Nobody else can open a file without a name.
        Ok(())
    }
}
