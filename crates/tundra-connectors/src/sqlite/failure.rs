//! Why SQLite failed, in its own words.

use rusqlite::ErrorCode;
use tundra_core::{ConnectorError, ErrorKind, Retry};

use super::NAME;
use crate::batch::TakeError;

/// What can be done about a file that is not as it must be.
const MALFORMED: &str =
    "check the file with `PRAGMA integrity_check`, and copy it with its `-wal` file";

/// Returns the error of an operation that SQLite gave up.
pub(super) fn failed(operation: &'static str, error: rusqlite::Error) -> ConnectorError {
    let (kind, retry, hint) = classify(&error);
    ConnectorError {
        connector: NAME,
        operation,
        reason: words(&error),
        kind,
        retry,
        hints: hint.into_iter().map(ToOwned::to_owned).collect(),
        source: Some(Box::new(error)),
    }
}

/// Returns the error of something that is not even tried, or that no retry mends.
pub(super) fn refused(
    operation: &'static str,
    kind: ErrorKind,
    reason: impl Into<String>,
    hints: &[&str],
) -> ConnectorError {
    ConnectorError {
        connector: NAME,
        operation,
        reason: reason.into(),
        kind,
        retry: Retry::Never,
        hints: hints.iter().map(|&hint| hint.to_owned()).collect(),
        source: None,
    }
}

/// Returns the error of a record that is not as it must be, in the words of SQLite.
#[cold]
pub(super) fn malformed_record(operation: &'static str, rowid: i64) -> ConnectorError {
    malformed(operation, format!("the record of rowid {rowid} has a value of no class"))
}

/// Returns the error of what is not as it must be in the file, in the words of SQLite.
#[cold]
pub(super) fn malformed(operation: &'static str, what: impl std::fmt::Display) -> ConnectorError {
    let reason = format!("database disk image is malformed: {what}");
    refused(operation, ErrorKind::InvalidData, reason, &[MALFORMED])
}

/// Returns the error of an Arrow array that cannot be built, which is for a value that is too large.
pub(super) fn unbuildable(error: arrow_schema::ArrowError) -> ConnectorError {
    ConnectorError {
        connector: NAME,
        operation: "build a batch",
        reason: error.to_string(),
        kind: ErrorKind::LimitExceeded,
        retry: Retry::Never,
        hints: Vec::new(),
        source: Some(Box::new(error)),
    }
}

/// Returns the error of a batch that cannot be taken. Texts are UTF-8 before they are appended.
pub(super) fn unfinished(error: TakeError) -> ConnectorError {
    match error {
        TakeError::Arrow(error) => unbuildable(error),
        TakeError::NotUtf8 { .. } => ConnectorError {
            connector: NAME,
            operation: "build a batch",
            reason: error.to_string(),
            kind: ErrorKind::Internal,
            retry: Retry::Never,
            hints: Vec::new(),
            source: None,
        },
    }
}

/// Returns whether the database is locked by somebody who writes.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Returns what SQLite says, without what the error already is.
fn words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(words)) => words.clone(),
        rusqlite::Error::SqlInputError { msg, offset, .. } if *offset >= 0 => {
            format!("{msg} (at byte {offset} of the query)")
        }
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        rusqlite::Error::MultipleStatement => "there is more than one statement".to_owned(),
        rusqlite::Error::NulError(_) => "there is a zero byte in it".to_owned(),
        other => other.to_string(),
    }
}

fn classify(error: &rusqlite::Error) -> (ErrorKind, Retry, Option<&'static str>) {
    let never = |kind, hint| (kind, Retry::Never, hint);
    let code = match error {
        rusqlite::Error::SqlInputError { error, .. } => error.code,
        rusqlite::Error::SqliteFailure(error, _) => error.code,
        rusqlite::Error::MultipleStatement => {
            return never(ErrorKind::InvalidRequest, Some("ask for one statement at a time"));
        }
        rusqlite::Error::NulError(_) => return never(ErrorKind::InvalidRequest, None),
        _ => return never(ErrorKind::Internal, None),
    };
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => (
            ErrorKind::Unavailable,
            Retry::Later,
            Some("another program writes to the database; try again when it is done"),
        ),
        ErrorCode::NotADatabase => never(
            ErrorKind::InvalidData,
            Some("the file is no SQLite database, or it is encrypted, which Tundra cannot open"),
        ),
        ErrorCode::DatabaseCorrupt => never(ErrorKind::InvalidData, Some(MALFORMED)),
        ErrorCode::PermissionDenied | ErrorCode::CannotOpen => never(
            ErrorKind::PermissionDenied,
            Some("the file, its directory and its `-wal` and `-shm` files must be readable"),
        ),
        ErrorCode::ReadOnly => never(
            ErrorKind::PermissionDenied,
            Some(
                "its last writer was stopped before it was done; open the database once with the \
                 program that writes it, so that it is put in order",
            ),
        ),
        ErrorCode::AuthorizationForStatementDenied => never(
            ErrorKind::InvalidRequest,
            Some("a query may only read: no writing, `ATTACH`, `PRAGMA` or transactions"),
        ),
        ErrorCode::OperationInterrupted => never(ErrorKind::Cancelled, None),
        ErrorCode::SystemIoFailure | ErrorCode::FileLockingProtocolFailed => {
            (ErrorKind::Unavailable, Retry::Later, None)
        }
        ErrorCode::OutOfMemory | ErrorCode::TooBig | ErrorCode::DiskFull => {
            never(ErrorKind::LimitExceeded, None)
        }
        // What is wrong in the SQL, a table that is not there among it.
        ErrorCode::Unknown => never(ErrorKind::InvalidRequest, None),
        _ => never(ErrorKind::Internal, None),
    }
}
