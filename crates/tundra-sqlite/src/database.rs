//! The open file: reads on one connection, writes on a thread of their own.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::Connection;
use tundra_core::ErrorKind;

use crate::{Error, Failure, Purpose, file, writer::Writer};

/// A file of SQLite that is open, ours and up to date.
///
/// A call whose future is dropped may still take effect. When the last one of a file is dropped, nothing
/// is left beside the file.
#[derive(Debug)]
pub struct Database {
    path: PathBuf,
    purpose: &'static Purpose,
    // Dropped first, so that the writer is the last to close the file and tidies up.
    reader: Arc<Mutex<Connection>>,
    writer: Writer,
}

impl Database {
    /// Opens the file. Where there is none it is made, for this user alone (mode 0600), and its directory
    /// too (0700); one that an older Tundra wrote is brought up to date. A file of another program or of
    /// a newer Tundra is refused and left as it is.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for what is no such file, [`ErrorKind::Unsupported`] for that of a
    /// newer Tundra or a file system without shared memory, [`ErrorKind::Corrupt`] for a damaged one,
    /// [`ErrorKind::PermissionDenied`] for one that cannot be written to, [`ErrorKind::LimitExceeded`] on
    /// a full disk, and [`ErrorKind::Timeout`] when another process keeps it locked for ten seconds.
    pub async fn open(path: impl AsRef<Path>, purpose: &'static Purpose) -> Result<Self, Error> {
        let given = path.as_ref();
        let path = file::whole(given, purpose);
        let path = path.map_err(|failure| failure.told(given, &purpose.words))?;
        let at = path.clone();
        let opened = blocking(move || {
            let writer = file::open_for_writing(&at, purpose)?;
            Ok((file::open_for_reading(&at)?, Writer::start(writer, purpose.name)?))
        });
        let (reader, writer) =
            opened.await.map_err(|failure| failure.told(&path, &purpose.words))?;
        Ok(Self { path, purpose, reader: Arc::new(Mutex::new(reader)), writer })
    }

    /// Returns the whole path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads, while others may write. What is read is of one moment only within one statement.
    ///
    /// # Errors
    /// As the work fails, in words for people; to write is refused.
    ///
    /// # Panics
    /// As the work panics.
    pub async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let reader = Arc::clone(&self.reader);
        // What panicked while it read has left nothing behind.
        let read = blocking(move || work(&reader.lock().unwrap_or_else(PoisonError::into_inner)));
        read.await.map_err(|failure| self.told(failure))
    }

    /// Does the work in a transaction, alone among all processes, and returns what it came to when that
    /// is on the disk. Work that waits at the same time shares the transaction, and with it the wait for
    /// the disk; what fails or panics is undone alone.
    ///
    /// # Errors
    /// As the work fails, or the transaction, in words for people.
    ///
    /// # Panics
    /// As the work panics.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.writer.call(work).await.map_err(|failure| self.told(failure))
    }

    fn told(&self, failure: Failure) -> Error {
        failure.told(&self.path, &self.purpose.words)
    }
}

/// Runs work that may wait away from the runtime's own threads. A panic in it goes on here.
async fn blocking<T, F>(work: F) -> Result<T, Failure>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Failure> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(payload) => std::panic::resume_unwind(payload),
            // Only a runtime that is being shut down cancels a blocking task.
            Err(error) => Err(Failure::refused(ErrorKind::Cancelled, error.to_string())),
        },
    }
}
