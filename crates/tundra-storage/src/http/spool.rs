//! Bytes that wait in a file without a name.
//!
//! Start at [`Spool`]. The file has no name from the beginning, so that nothing is left however the
//! process ends.

use std::{
    fs::File,
    io,
    ops::Range,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use tundra_core::StorageError;

use crate::{
    blocking::blocking,
    error::{Operation, range_length},
};

/// Smaller writes are gathered up to this: handing work to another thread costs some 10 µs, which
/// a megabyte outweighs.
const GATHERED: usize = 1 << 20;

/// A file without a name that is being filled.
#[derive(Debug)]
pub(super) struct Spool {
    directory: PathBuf,
    file: Arc<File>,
    /// Bytes that the file does not have yet.
    gathered: BytesMut,
    /// Bytes that the file has.
    stored: u64,
    /// A write failed or was abandoned, so that bytes may be missing.
    broken: bool,
}

impl Spool {
    /// Makes an empty one in the directory.
    pub(super) async fn create(directory: &Path) -> Result<Self, StorageError> {
        let directory = directory.to_path_buf();
        let shown = shown(&directory);
        blocking(Operation::Write, &shown.clone(), move || {
            let file = tempfile::tempfile_in(&directory)
                .map_err(|error| Operation::Write.io_failed(&shown, error))?;
            Ok(Self {
                directory,
                file: Arc::new(file),
                gathered: BytesMut::new(),
                stored: 0,
                broken: false,
            })
        })
        .await
    }

    /// Returns how many bytes were written.
    pub(super) fn size(&self) -> u64 {
        self.stored + self.gathered.len() as u64
    }

    /// Appends bytes.
    pub(super) async fn write(&mut self, data: Bytes) -> Result<(), StorageError> {
        self.check_whole()?;
        self.gathered.extend_from_slice(&data);
        if self.gathered.len() >= GATHERED { self.flush().await } else { Ok(()) }
    }

    /// Gives the file every byte that was written.
    pub(super) async fn flush(&mut self) -> Result<(), StorageError> {
        self.check_whole()?;
        if self.gathered.is_empty() {
            return Ok(());
        }
        // Stays so when the future is dropped below.
        self.broken = true;
        let bytes = self.gathered.split().freeze();
        let length = bytes.len() as u64;
        let (file, offset, shown) = (Arc::clone(&self.file), self.stored, shown(&self.directory));
        blocking(Operation::Write, &shown.clone(), move || {
            file.write_all_at(&bytes, offset)
                .map_err(|error| Operation::Write.io_failed(&shown, error))
        })
        .await?;
        self.stored += length;
        self.broken = false;
        Ok(())
    }

    /// Reads bytes that were written.
    pub(super) async fn read(
        &mut self,
        location: &str,
        range: Range<u64>,
    ) -> Result<Bytes, StorageError> {
        self.flush().await?;
        let length = range_length(Operation::ReadBack, location, &range, self.stored)?;
        read_at(&self.file, Operation::ReadBack, &shown(&self.directory), range.start, length).await
    }

    /// Empties it for another try.
    pub(super) async fn clear(&mut self) -> Result<(), StorageError> {
        *self = Self::create(&self.directory).await?;
        Ok(())
    }

    /// Returns the file, which has all of it after [`Spool::flush`].
    pub(super) fn file(&self) -> &Arc<File> {
        &self.file
    }

    fn check_whole(&self) -> Result<(), StorageError> {
        if self.broken {
            let shown = shown(&self.directory);
            return Err(Operation::Write.failed(&shown, "an earlier write failed"));
        }
        Ok(())
    }
}

/// Reads `length` bytes of a file away from the runtime's threads.
pub(super) async fn read_at(
    file: &Arc<File>,
    operation: Operation,
    location: &str,
    start: u64,
    length: usize,
) -> Result<Bytes, StorageError> {
    let (file, shown) = (Arc::clone(file), location.to_owned());
    blocking(operation, location, move || {
        let mut bytes = vec![0; length];
        let read: io::Result<()> = file.read_exact_at(&mut bytes, start);
        read.map_err(|error| operation.io_failed(&shown, error))?;
        Ok(Bytes::from(bytes))
    })
    .await
}

/// Returns how messages name a file that has no name.
fn shown(directory: &Path) -> String {
    format!("a temporary file in {}", directory.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_written_reads_back_and_has_no_name() {
        let directory = tempfile::tempdir().unwrap();
        let mut spool = Spool::create(directory.path()).await.unwrap();
        for piece in ["a", "", "bc"] {
            spool.write(piece.into()).await.unwrap();
        }
        spool.write(vec![b'x'; GATHERED].into()).await.unwrap();
        assert_eq!(spool.size(), 3 + GATHERED as u64);
        assert_eq!(spool.read("k", 1..5).await.unwrap(), "bcxx");
        assert!(spool.read("k", 0..spool.size() + 1).await.is_err());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        spool.clear().await.unwrap();
        assert_eq!(spool.size(), 0);
        spool.write("y".into()).await.unwrap();
        assert_eq!(spool.read("k", 0..1).await.unwrap(), "y");
    }

    #[tokio::test]
    async fn a_directory_that_is_none_is_named() {
        let error = Spool::create(Path::new("/no/such")).await.unwrap_err();
        assert!(error.to_string().contains("/no/such"), "{error}");
    }
}
