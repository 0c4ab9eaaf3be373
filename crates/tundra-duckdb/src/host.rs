//! What one database's callbacks share: the file system, the errors, and the files that wait for
//! their statement's outcome.
//!
//! DuckDB closes a file before its statement has succeeded. So a closed file is only put aside here,
//! and finished or given up when the outcome is known.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};

use crate::error::{BoxError, Error, Operation, Result};
use crate::failures::{Failures, catch};
use crate::file_system::{FileSystem, WriteFile};

/// Why a file cannot be written any more that DuckDB still has open.
const GIVEN_UP: &str = "it was given up";

/// What the callbacks of one database share.
pub(crate) struct Host {
    pub(crate) files: Arc<dyn FileSystem>,
    pub(crate) failures: Failures,
    /// Files that DuckDB closed during the statement that runs.
    written: Mutex<Vec<Written>>,
    /// Files that DuckDB is writing.
    writing: Mutex<Vec<Weak<Writing>>>,
    /// Whether the caller has left. What DuckDB still does must come to nothing then.
    revoked: AtomicBool,
}

/// A file that DuckDB has written to its end.
struct Written {
    path: String,
    file: Box<dyn WriteFile>,
}

/// A file that DuckDB writes, until it is closed or given up.
pub(crate) struct Writing(Mutex<Option<Box<dyn WriteFile>>>);

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

impl Host {
    pub(crate) fn new(files: Arc<dyn FileSystem>) -> Self {
        Self {
            files,
            failures: Failures::default(),
            written: Mutex::default(),
            writing: Mutex::default(),
            revoked: AtomicBool::new(false),
        }
    }

    /// Takes charge of a file that DuckDB is going to write.
    pub(crate) fn begin(&self, file: Box<dyn WriteFile>) -> Arc<Writing> {
        let writing = Arc::new(Writing(Mutex::new(Some(file))));
        {
            let mut all = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|other| other.strong_count() > 0);
            all.push(Arc::downgrade(&writing));
        }
        if self.is_revoked() {
            writing.give_up();
        }
        writing
    }

    /// Appends to a file. One that could not be written is given up.
    pub(crate) fn write(&self, writing: &Writing, data: &[u8]) -> Result<(), BoxError> {
        let outcome = match writing.lock().as_mut() {
            None => Err(GIVEN_UP.into()),
            Some(file) => file.write(data),
        };
        if outcome.is_err() || self.is_revoked() {
            // DuckDB gives up what it could not write, but that is not left to DuckDB alone.
            writing.give_up();
        }
        outcome
    }

    /// Puts a file aside that DuckDB has closed.
    pub(crate) fn close(&self, path: &str, writing: &Writing) -> Result<(), BoxError> {
        let file = writing.lock().take().ok_or(GIVEN_UP)?;
        let written = Written { path: path.to_owned(), file };
        self.written.lock().unwrap_or_else(PoisonError::into_inner).push(written);
        if self.is_revoked() {
            self.discard_written();
        }
        Ok(())
    }

    /// Finishes the files of a statement that succeeded.
    ///
    /// # Errors
    ///
    /// Fails with the first file that cannot be finished; those after it are given up.
    pub(crate) fn keep_written(&self) -> Result<()> {
        let mut outcome = Ok(());
        for Written { path, file } in self.take_written() {
            if outcome.is_err() {
                give_up(file);
                continue;
            }
            outcome = match catch(|| file.close()) {
                Ok(Ok(())) => Ok(()),
                Ok(Err(source)) => Err(Error::File { path, operation: Operation::Close, source }),
                Err(message) => {
                    Err(Error::Panicked { operation: Operation::Close, name: path, message })
                }
            };
        }
        outcome
    }

    /// Gives up the files of a statement that failed.
    pub(crate) fn discard_written(&self) {
        for Written { file, .. } in self.take_written() {
            give_up(file);
        }
    }

    /// Gives up all files of a statement whose caller leaves before it has ended: the closed ones,
    /// those being written, and those to come. One that is in the middle of a write is given up by
    /// the thread that writes it.
    pub(crate) fn revoke(&self) {
        self.revoked.store(true, Ordering::SeqCst);
        let writing =
            std::mem::take(&mut *self.writing.lock().unwrap_or_else(PoisonError::into_inner));
        for writing in writing.iter().filter_map(Weak::upgrade) {
            writing.try_give_up();
        }
        self.discard_written();
    }

    fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::SeqCst)
    }

    fn take_written(&self) -> Vec<Written> {
        std::mem::take(&mut *self.written.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Writing {
    /// Aborts the file, unless that was done or it was closed.
    pub(crate) fn give_up(&self) {
        let file = self.lock().take();
        if let Some(file) = file {
            give_up(file);
        }
    }

    /// Aborts the file, unless a thread is writing to it.
    fn try_give_up(&self) {
        let file = match self.0.try_lock() {
            Ok(mut file) => file.take(),
            Err(TryLockError::Poisoned(file)) => file.into_inner().take(),
            Err(TryLockError::WouldBlock) => None,
        };
        if let Some(file) = file {
            give_up(file);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<dyn WriteFile>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn give_up(file: Box<dyn WriteFile>) {
    // There is nobody to tell: the statement failed already, with a better reason.
    let _ = catch(|| file.abort());
}
