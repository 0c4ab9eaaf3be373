//! Standard input, other pipes and standard output as stores of one object each.
//!
//! The engine reads and writes objects in stores. [`PipedInput`] is one whose only object is what
//! standard input or another pipe held, kept in a file without a name, because the engine may read it
//! twice.
//! [`StandardOutput`] is one whose object goes to such a file first and to standard output when it
//! is published, complete and checked. Files without a name cannot be left behind, however the
//! process ends.

mod input;
mod output;

use std::{fs::File, io, os::unix::fs::FileExt, sync::Arc};

use bytes::Bytes;
use tundra_core::{ObjectPath, StorageError};

pub(crate) use self::{
    input::{Pipe, PipedInput},
    output::StandardOutput,
};

/// The name of the only object of either store.
fn object_path(name: &str) -> ObjectPath {
    name.parse().expect("the name is a constant of one plain segment")
}

/// Reads bytes of a file on a thread that may block.
async fn read_at(
    file: &Arc<File>,
    range: std::ops::Range<u64>,
    location: &str,
) -> Result<Bytes, StorageError> {
    let file = Arc::clone(file);
    blocking("read", location, move || {
        let length = usize::try_from(range.end.saturating_sub(range.start))
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        let mut buffer = vec![0; length];
        file.read_exact_at(&mut buffer, range.start)?;
        Ok(Bytes::from(buffer))
    })
    .await
}

/// Runs a system call on a thread that may block, and says what failed if it does.
async fn blocking<T: Send + 'static>(
    operation: &'static str,
    location: &str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, StorageError> {
    let result = match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(io::Error::other(error)),
    };
    result.map_err(|error| storage_error(operation, location, error))
}

/// Returns what an error of the system means for a store.
fn storage_error(operation: &'static str, location: &str, error: io::Error) -> StorageError {
    let location = location.to_owned();
    match error.kind() {
        io::ErrorKind::BrokenPipe => StorageError::Closed { location },
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            StorageError::NoSpace { location, source: error.into() }
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StorageError::PermissionDenied { operation, location, source: error.into() }
        }
        _ => StorageError::Other { operation, location, source: error.into() },
    }
}

/// Returns the error for something that a stream cannot do.
fn refused(operation: &'static str, location: &str) -> StorageError {
    StorageError::Other {
        operation,
        location: location.to_owned(),
        source: "a standard stream holds one object and cannot do this".into(),
    }
}
