//! Translates what the operating system and `object_store` report into [`StorageError`].
//!
//! This is the only place that decides what a failure means. Causes are kept as sources and never
//! repeated in the text above them.

use std::{error::Error as StdError, fmt, io, ops::Range};

use tundra_core::{BoxError, StorageError};

/// What was being done, as it stands in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Read,
    Write,
    ReadBack,
    List,
    Copy,
    #[cfg(feature = "cloud")]
    Sign,
    Delete,
}

impl Operation {
    /// Returns the verb that messages show.
    pub(crate) const fn verb(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::ReadBack => "read back",
            Self::List => "list",
            Self::Copy => "copy to",
            #[cfg(feature = "cloud")]
            Self::Sign => "sign a URL for",
            Self::Delete => "delete",
        }
    }

    /// Returns whether it makes an object, so that a condition that fails means that there is one.
    #[cfg(feature = "cloud")]
    pub(crate) const fn writes(self) -> bool {
        matches!(self, Self::Write | Self::Copy)
    }

    /// Returns the error for what fits no other variant.
    pub(crate) fn failed(self, location: &str, source: impl Into<BoxError>) -> StorageError {
        StorageError::Other {
            operation: self.verb(),
            location: location.to_owned(),
            source: source.into(),
        }
    }

    /// Translates an error of the operating system.
    pub(crate) fn io_failed(self, location: &str, error: io::Error) -> StorageError {
        use io::ErrorKind as Kind;

        let operation = self.verb();
        let location = location.to_owned();
        match error.kind() {
            // A segment of the path that is a file has nothing below it.
            Kind::NotFound | Kind::NotADirectory => StorageError::NotFound { location },
            Kind::AlreadyExists => StorageError::AlreadyExists { location },
            Kind::IsADirectory => StorageError::IsDirectory { location },
            Kind::PermissionDenied | Kind::ReadOnlyFilesystem => {
                StorageError::PermissionDenied { operation, location, source: error.into() }
            }
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => {
                StorageError::NoSpace { location, source: error.into() }
            }
            Kind::BrokenPipe => StorageError::Closed { location },
            Kind::InvalidFilename => StorageError::InvalidName { location, source: error.into() },
            // The file is shorter than it was, or the server has put another in its place.
            Kind::UnexpectedEof | Kind::StaleNetworkFileHandle => {
                StorageError::Changed { location }
            }
            Kind::TimedOut
            | Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::NetworkDown => {
                StorageError::Unavailable { operation, location, source: error.into() }
            }
            _ => StorageError::Other { operation, location, source: error.into() },
        }
    }

    /// Translates an error of an object store.
    pub(crate) fn store_failed(self, location: &str, error: object_store::Error) -> StorageError {
        use object_store::Error;

        #[cfg(feature = "cloud")]
        if let Some(failure) = crate::cloud::failure::Failure::of(&error) {
            return failure.clone().into_error(self, location);
        }
        let operation = self.verb();
        let shown = location.to_owned();
        match error {
            Error::NotFound { .. } => StorageError::NotFound { location: shown },
            Error::AlreadyExists { .. } => StorageError::AlreadyExists { location: shown },
            Error::Precondition { .. } | Error::NotModified { .. } => {
                StorageError::Changed { location: shown }
            }
            Error::PermissionDenied { .. } => StorageError::PermissionDenied {
                operation,
                location: shown,
                source: WholeMessage(error).into(),
            },
            Error::Unauthenticated { .. } => StorageError::Unauthenticated {
                operation,
                location: shown,
                source: WholeMessage(error).into(),
            },
            Error::InvalidPath { source } => {
                StorageError::InvalidName { location: shown, source: source.into() }
            }
            // A store on a disk, or behind a socket, hides the system's error in a generic one.
            error => match innermost_io_kind(&error) {
                Some(kind) => self.io_failed(location, io::Error::new(kind, WholeMessage(error))),
                None => self.failed(location, WholeMessage(error)),
            },
        }
    }
}

/// Checks that `range` lies within `size` bytes, and returns its length.
pub(crate) fn range_length(
    operation: Operation,
    location: &str,
    range: &Range<u64>,
    size: u64,
) -> Result<usize, StorageError> {
    let length = range.end.checked_sub(range.start).filter(|_| range.end <= size);
    length
        .and_then(|length| usize::try_from(length).ok())
        .ok_or_else(|| operation.failed(location, OutOfRange { range: range.clone(), size }))
}

/// A caller asked for bytes that the object does not have.
#[derive(Debug, thiserror::Error)]
#[error("the bytes {} to {} are not within its {size} bytes", range.start, range.end)]
struct OutOfRange {
    range: Range<u64>,
    size: u64,
}

/// An error whose text already holds the texts of all its causes, as those of `object_store` do.
///
/// It hides them from whoever prints the chain, so that each is read once.
#[derive(Debug)]
struct WholeMessage(object_store::Error);

impl fmt::Display for WholeMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for WholeMessage {}

/// Returns the kind of the deepest system error among the causes.
fn innermost_io_kind(error: &object_store::Error) -> Option<io::ErrorKind> {
    let mut found = None;
    let mut cause: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            found = Some(error.kind());
        }
        cause = error.source();
    }
    found
}

#[cfg(test)]
mod tests {
    use tundra_core::{Classify, ErrorKind};

    use super::*;

    /// Linux's numbers, as the kernel reports them.
    const EPERM: i32 = 1;
    const EACCES: i32 = 13;
    const ENOSPC: i32 = 28;
    const EROFS: i32 = 30;
    const EPIPE: i32 = 32;
    const ENAMETOOLONG: i32 = 36;
    const EDQUOT: i32 = 122;
    const EMFILE: i32 = 24;

    fn write(code: i32) -> StorageError {
        Operation::Write.io_failed("out.parquet", io::Error::from_raw_os_error(code))
    }

    #[test]
    fn system_errors_keep_their_meaning() {
        for (code, kind) in [
            (EPERM, ErrorKind::PermissionDenied),
            (EACCES, ErrorKind::PermissionDenied),
            (EROFS, ErrorKind::PermissionDenied),
            (ENOSPC, ErrorKind::LimitExceeded),
            (EDQUOT, ErrorKind::LimitExceeded),
            (EPIPE, ErrorKind::Cancelled),
            (ENAMETOOLONG, ErrorKind::InvalidRequest),
            (EMFILE, ErrorKind::Unavailable),
        ] {
            assert_eq!(write(code).kind(), kind, "error {code}");
        }
    }

    #[test]
    fn the_cause_is_kept_and_not_repeated() {
        let error = write(ENOSPC);
        assert_eq!(error.to_string(), "no space left to write `out.parquet`");
        let cause = error.source().expect("a full disk has a cause");
        assert_eq!(cause.to_string(), "No space left on device (os error 28)");
        assert!(cause.downcast_ref::<io::Error>().is_some());
    }

    #[test]
    fn a_system_error_inside_a_store_error_is_found() {
        let error = object_store::Error::Generic {
            store: "anything",
            source: io::Error::from_raw_os_error(ENOSPC).into(),
        };
        let error = Operation::Write.store_failed("memory://a", error);
        assert!(matches!(error, StorageError::NoSpace { .. }), "{error:?}");
        let cause = error.source().expect("a full store has a cause");
        assert!(cause.to_string().contains("No space left"), "{cause}");
        assert!(cause.source().is_none(), "the text would be printed twice");
    }

    #[test]
    fn a_failed_condition_means_that_the_object_changed() {
        let error =
            object_store::Error::Precondition { path: "a".to_owned(), source: "etag".into() };
        let error = Operation::Read.store_failed("memory://a", error);
        assert!(matches!(error, StorageError::Changed { .. }), "{error:?}");
    }

    #[test]
    fn ranges_must_lie_within_the_object() {
        let length = |range| range_length(Operation::Read, "a", &range, 10).ok();
        assert_eq!(length(0..10), Some(10));
        assert_eq!(length(10..10), Some(0));
        assert_eq!(length(9..11), None);
        assert_eq!(length(11..11), None);
        #[expect(clippy::reversed_empty_ranges, reason = "a reversed range is what is tested")]
        let reversed = 5..4;
        assert_eq!(length(reversed), None);
        assert_eq!(length(0..u64::MAX), None);
    }
}
