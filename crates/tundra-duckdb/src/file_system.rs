//! What a database sees under `tundra://`: the traits that a caller implements.
//!
//! They are called from DuckDB's threads, several at once, and may block. A panic in one fails the
//! statement.

use std::sync::Arc;
use std::time::SystemTime;

use crate::error::BoxError;

/// The files that a database can reach. `path` is what follows `tundra://`, as it stands in the SQL:
/// nothing is decoded, and `..` means nothing.
///
/// # Contract
///
/// - Whatever is not in here does not exist for the database, so an implementation knows only what
///   one run may touch.
/// - Errors reach the caller of the statement unchanged, as the `source` of
///   [`Error::File`](crate::Error::File).
/// - A call that is under way is not cut short by an interrupt. One that may take long should have a
///   timeout, or be cancelled from outside.
pub trait FileSystem: Send + Sync + 'static {
    /// Opens a file for reading.
    ///
    /// # Errors
    ///
    /// Fails if there is no such file.
    fn open(&self, path: &str) -> Result<Arc<dyn ReadFile>, BoxError>;

    /// Begins a file. It need not appear under its name before [`WriteFile::close`].
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be written.
    fn create(&self, path: &str) -> Result<Box<dyn WriteFile>, BoxError>;

    /// Returns whether a file exists. DuckDB asks before it writes one, and for files that need not
    /// be there.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be told.
    fn exists(&self, path: &str) -> Result<bool, BoxError>;

    /// Removes a file. DuckDB asks for it after a failed `COPY`, if the file exists then and did not
    /// before.
    ///
    /// # Errors
    ///
    /// Fails if the file is still there afterwards.
    fn remove(&self, path: &str) -> Result<(), BoxError>;
}

/// A file that is open for reading.
pub trait ReadFile: Send + Sync {
    /// Returns the length in bytes, which does not change while the file is open.
    fn len(&self) -> u64;

    /// Returns whether the file has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads bytes from `offset` on into `buf`, which may hold anything before, and returns how many.
    /// Called from several threads at once. May return fewer than fit, but 0 only at the end.
    ///
    /// # Errors
    ///
    /// Fails if the bytes cannot be read. A file that ends before [`len`](Self::len) fails the
    /// statement as well.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize, BoxError>;

    /// Returns what tells this version of the file from any other, an ETag for example.
    fn version(&self) -> Option<&str>;

    /// Returns when the file was last changed.
    fn modified(&self) -> Option<SystemTime>;
}

/// A file that is being written.
///
/// # Contract
///
/// Of [`close`](Self::close) and [`abort`](Self::abort), one is called, once, and after the
/// statement that wrote the file has ended or given it up: `close` if the whole statement succeeded,
/// `abort` in every other case. That a panic of `write` came before changes nothing.
pub trait WriteFile: Send {
    /// Appends all of `data`. One call at a time, but from any thread.
    ///
    /// # Errors
    ///
    /// Fails if not all of it could be written. The file will be aborted.
    fn write(&mut self, data: &[u8]) -> Result<(), BoxError>;

    /// Finishes the file.
    ///
    /// # Errors
    ///
    /// Fails if the file is not complete. The statement fails then, although DuckDB was content.
    fn close(self: Box<Self>) -> Result<(), BoxError>;

    /// Gives the file up: nothing of it may remain.
    fn abort(self: Box<Self>);
}
