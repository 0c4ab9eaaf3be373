//! Why a statement or a rule of the store failed, and what a person is told of it.

use std::{path::Path, sync::Arc};

use rusqlite::{Error as SqliteError, ErrorCode};
use tundra_core::{BoxError, Classify, ErrorKind, Retry};

use crate::Words;

/// Why work on the file was not done. Several calls may share one: their transaction's.
#[derive(Debug, Clone)]
pub enum Failure {
    /// The store's own rules, or what is in it, forbid it.
    Refused {
        /// What sort of failure it is.
        kind: ErrorKind,
        /// Why, safe to show.
        reason: String,
        /// The way out, when there is one.
        hint: Option<String>,
    },
    /// A row makes no sense.
    Senseless(String),
    /// SQLite could not.
    Sqlite(Arc<SqliteError>),
    /// The file or its directory could not be made.
    File(Arc<std::io::Error>),
}

/// Why the file could not be opened, read or written, as a person is told it.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Error {
    /// Why, naming the file; safe to show.
    pub reason: String,
    /// What sort of failure it is.
    pub kind: ErrorKind,
    /// Whether trying again can help.
    pub retry: Retry,
    /// The way out. Only what a store refuses may be without one.
    pub hint: Option<String>,
    /// The cause.
    pub source: Option<BoxError>,
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        self.kind
    }

    fn retry(&self) -> Retry {
        self.retry
    }

    fn hints(&self) -> Vec<String> {
        self.hint.iter().cloned().collect()
    }
}

impl Failure {
    /// Returns a refusal by the store's own rules.
    pub fn refused(kind: ErrorKind, reason: impl Into<String>) -> Self {
        Self::Refused { kind, reason: reason.into(), hint: None }
    }

    /// Returns a refusal by the store's own rules, with the way out.
    pub fn with_hint(kind: ErrorKind, reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused { kind, reason: reason.into(), hint: Some(hint.into()) }
    }

    /// Returns the failure to make a value of what stands in a row.
    pub fn senseless(reason: impl ToString) -> Self {
        Self::Senseless(reason.to_string())
    }

    /// Says which row makes no sense, by what it is a row of and its id. Other failures stay as they are.
    #[must_use]
    pub fn of_row(self, what: &str, id: &str) -> Self {
        match self {
            Self::Senseless(reason) => {
                Self::Senseless(format!("the row of the {what} `{id}` makes no sense: {reason}"))
            }
            failure => failure,
        }
    }

    /// Returns whether another connection was in the way for too long.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self, Self::Sqlite(error) if matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
        ))
    }

    /// Returns the error that a person gets of the file.
    pub(crate) fn told(self, path: &Path, words: &Words) -> Error {
        let shown = path.display();
        match self {
            Self::Refused { kind, reason, hint } => {
                Error { reason, kind, retry: Retry::Never, hint, source: None }
            }
            Self::Senseless(reason) => Error {
                reason,
                kind: ErrorKind::InvalidData,
                retry: Retry::Never,
                hint: Some(format!("mend or remove the row with `sqlite3 {shown}`")),
                source: None,
            },
            Self::Sqlite(error) => {
                let (kind, retry, reason, hint) = explain(&error, &shown.to_string(), words);
                Error { reason, kind, retry, hint: Some(hint), source: Some(error.into()) }
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
                Error {
                    reason: format!("`{shown}` could not be made"),
                    kind,
                    retry: Retry::Never,
                    hint: Some("name a file in a directory that this user may write to".to_owned()),
                    source: Some(error.into()),
                }
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

/// Returns what sort of failure it is, what is said of it, and the way out.
fn explain(error: &SqliteError, file: &str, words: &Words) -> (ErrorKind, Retry, String, String) {
    match error.sqlite_error_code() {
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
            format!("name another file; {}", words.if_not_sqlite),
        ),
        Some(ErrorCode::DatabaseCorrupt) => (
            ErrorKind::Corrupt,
            Retry::Never,
            format!("`{file}` is damaged"),
            format!(
                "restore a backup, or rescue what can be read with `sqlite3 {file} .recover | \
                 sqlite3 NEW-FILE`{}",
                words.if_damaged.map(|comfort| format!("; {comfort}")).unwrap_or_default()
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
            format!(
                "look at the disk and at the system's log; {} on a network file system must move to a \
                 local disk",
                words.any
            ),
        ),
        _ => (
            ErrorKind::Internal,
            Retry::Never,
            format!("SQLite refused a statement on `{file}`"),
            "this is a bug in Tundra, or another program changed the tables; please report it"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    static WORDS: Words = Words {
        content: "a catalog",
        this: "the catalog",
        any: "a catalog",
        if_not_sqlite: "if this was the catalog, restore a backup",
        if_damaged: Some("the data in storage stays where it is"),
    };

    fn told(code: i32, words: &Words) -> Error {
        let error = SqliteError::SqliteFailure(ffi::Error::new(code), None);
        Failure::from(error).told(Path::new("/data/catalog.db"), words)
    }

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
            let told = told(code, &WORDS);
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

    #[test]
    fn ways_out_are_in_the_words_of_the_store() {
        let hint = |code| told(code, &WORDS).hint.unwrap();
        assert_eq!(
            hint(ffi::SQLITE_NOTADB),
            "name another file; if this was the catalog, restore a backup"
        );
        assert_eq!(
            hint(ffi::SQLITE_IOERR),
            "look at the disk and at the system's log; a catalog on a network file system must move \
             to a local disk"
        );
        let rescue = "restore a backup, or rescue what can be read with \
                      `sqlite3 /data/catalog.db .recover | sqlite3 NEW-FILE`";
        let comforted = format!("{rescue}; the data in storage stays where it is");
        assert_eq!(hint(ffi::SQLITE_CORRUPT), comforted);
        let words = Words { if_damaged: None, ..WORDS };
        assert_eq!(told(ffi::SQLITE_CORRUPT, &words).hint.as_deref(), Some(rescue));
    }
}
