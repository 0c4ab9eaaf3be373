//! Why a statement or a rule of the catalog failed, and what a person is told of it.

use std::{path::Path, sync::Arc};

use rusqlite::{Error as SqliteError, ErrorCode};
use tundra_core::{BoxError, CatalogError, ErrorKind, Retry};

/// Why something was not done. Several calls may share one: their transaction's.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// The catalog's own rules, or what is in it, forbid it.
    Refused { kind: ErrorKind, reason: String, hint: Option<String> },
    /// A row makes no sense.
    Senseless(String),
    /// SQLite could not.
    Sqlite(Arc<SqliteError>),
    /// The file or its directory could not be made.
    File(Arc<std::io::Error>),
}

impl Failure {
    pub(super) fn refused(kind: ErrorKind, reason: impl Into<String>) -> Self {
        Self::Refused { kind, reason: reason.into(), hint: None }
    }

    pub(super) fn with_hint(
        kind: ErrorKind,
        reason: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::Refused { kind, reason: reason.into(), hint: Some(hint.into()) }
    }

    /// Returns whether another connection was in the way for too long.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self, Self::Sqlite(error) if matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
        ))
    }

    /// Returns the error that a caller gets.
    pub(super) fn told(self, operation: &'static str, path: &Path) -> CatalogError {
        let shown = path.display();
        match self {
            Self::Refused { kind, reason, hint } => {
                let mut error = CatalogError::new(operation, kind, reason);
                error.hints.extend(hint);
                error
            }
            Self::Senseless(reason) => CatalogError::new(operation, ErrorKind::InvalidData, reason)
                .hint(format!("mend or remove the row with `sqlite3 {shown}`")),
            Self::Sqlite(error) => {
                let (kind, retry, reason, hint) = explain(&error, &shown.to_string());
                caused(CatalogError { retry, ..CatalogError::new(operation, kind, reason) }, error)
                    .hint(hint)
            }
            Self::File(error) => {
                let kind = match error.kind() {
                    std::io::ErrorKind::PermissionDenied
                    | std::io::ErrorKind::ReadOnlyFilesystem => ErrorKind::PermissionDenied,
                    std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                        ErrorKind::LimitExceeded
                    }
                    std::io::ErrorKind::NotADirectory | std::io::ErrorKind::InvalidInput => {
                        ErrorKind::InvalidRequest
                    }
                    _ => ErrorKind::Unavailable,
                };
                caused(
                    CatalogError::new(operation, kind, format!("`{shown}` could not be made")),
                    error,
                )
                .hint("name a file in a directory that this user may write to")
            }
        }
    }
}

impl From<SqliteError> for Failure {
    fn from(error: SqliteError) -> Self {
        match error {
            // The types of the columns are checked by SQLite; only a value can be out of its range,
            // or a text no UTF-8.
            SqliteError::FromSqlConversionFailure(..)
            | SqliteError::IntegralValueOutOfRange(..)
            | SqliteError::InvalidColumnType(..)
            | SqliteError::Utf8Error(..) => Self::Senseless(error.to_string()),
            error => Self::Sqlite(Arc::new(error)),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::File(Arc::new(error))
    }
}

fn caused<E: std::error::Error + Send + Sync + 'static>(
    mut error: CatalogError,
    cause: Arc<E>,
) -> CatalogError {
    error.source = Some(BoxError::from(cause));
    error
}

/// Returns what sort of failure it is, what is said of it, and the way out.
fn explain(error: &SqliteError, file: &str) -> (ErrorKind, Retry, String, String) {
    let (kind, retry, reason, hint) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            ErrorKind::Timeout,
            Retry::Later,
            format!("another process kept `{file}` locked for too long"),
            "try again; a process that hangs, or a tool that has the file open in a transaction, \
             must be ended first"
                .to_owned(),
        ),
        Some(ErrorCode::DiskFull) => (
            ErrorKind::LimitExceeded,
            Retry::Later,
            format!("the disk of `{file}` is full"),
            "make room on it; nothing was changed".to_owned(),
        ),
        Some(
            ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::AuthorizationForStatementDenied,
        ) => (
            ErrorKind::PermissionDenied,
            Retry::Never,
            format!("`{file}` cannot be written to"),
            "give this user the right to write to the file and to its directory, where SQLite keeps \
             two more files beside it"
                .to_owned(),
        ),
        Some(ErrorCode::CannotOpen) => (
            ErrorKind::PermissionDenied,
            Retry::Never,
            format!("`{file}`, or a file beside it, cannot be opened"),
            "give this user the right to write to the file and to its directory, where SQLite keeps \
             two more files beside it"
                .to_owned(),
        ),
        Some(ErrorCode::NotADatabase) => (
            ErrorKind::InvalidRequest,
            Retry::Never,
            format!("`{file}` is no SQLite file"),
            "name another file; if this was the catalog, restore a backup, or move it away to begin \
             with an empty one: the data in storage stays where it is"
                .to_owned(),
        ),
        Some(ErrorCode::DatabaseCorrupt) => (
            ErrorKind::Corrupt,
            Retry::Never,
            format!("`{file}` is damaged"),
            format!(
                "restore a backup, or rescue what can be read with `sqlite3 {file} .recover | \
                 sqlite3 NEW-FILE`; the data in storage stays where it is"
            ),
        ),
        Some(ErrorCode::TooBig) => (
            ErrorKind::LimitExceeded,
            Retry::Never,
            "a text is larger than SQLite takes".to_owned(),
            "shorten it".to_owned(),
        ),
        Some(ErrorCode::SystemIoFailure | ErrorCode::FileLockingProtocolFailed) => (
            ErrorKind::Unavailable,
            Retry::Later,
            format!("`{file}` could not be read or written"),
            "look at the disk and at the system's log; a catalog on a network file system must move \
             to a local disk"
                .to_owned(),
        ),
        _ => (
            ErrorKind::Internal,
            Retry::Never,
            format!("SQLite refused a statement on `{file}`"),
            "this is a bug in Tundra, or another program changed the tables; please report it"
                .to_owned(),
        ),
    };
    (kind, retry, reason, hint)
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;
    use tundra_core::Classify;

    use super::*;

    #[test]
    fn every_failure_of_sqlite_names_the_file_and_a_way_out() {
        for (code, kind) in [
            (ffi::SQLITE_BUSY, ErrorKind::Timeout),
            (ffi::SQLITE_BUSY_RECOVERY, ErrorKind::Timeout),
            (ffi::SQLITE_FULL, ErrorKind::LimitExceeded),
            (ffi::SQLITE_READONLY_DBMOVED, ErrorKind::PermissionDenied),
            (ffi::SQLITE_CANTOPEN, ErrorKind::PermissionDenied),
            (ffi::SQLITE_NOTADB, ErrorKind::InvalidRequest),
            (ffi::SQLITE_CORRUPT, ErrorKind::Corrupt),
            (ffi::SQLITE_IOERR_FSYNC, ErrorKind::Unavailable),
            (ffi::SQLITE_ERROR, ErrorKind::Internal),
        ] {
            let error = SqliteError::SqliteFailure(ffi::Error::new(code), None);
            let told = Failure::from(error).told("read", Path::new("/data/catalog.db"));
            assert_eq!(told.kind(), kind, "{told}");
            assert!(told.reason.contains("`/data/catalog.db`"), "{told}");
            assert!(!told.hints().is_empty(), "{told}");
            assert!(told.source.is_some(), "{told}");
            let later = matches!(
                kind,
                ErrorKind::Timeout | ErrorKind::LimitExceeded | ErrorKind::Unavailable
            );
            assert_eq!(told.retry() == Retry::Later, later, "{told}");
        }
    }
}
