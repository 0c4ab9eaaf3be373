//! Why a driver failed, in its own words.

use adbc_core::error::{Error, Status};
use tundra_core::{ConnectorError, ErrorKind, Retry};

use super::NAME;

/// Returns the error of something that is not even tried.
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

/// Returns the error of an operation that the driver, or the database behind it, refuses. `secrets` are
/// shown to nobody, whatever the driver quotes.
pub(super) fn failed(operation: &'static str, error: &Error, secrets: &[String]) -> ConnectorError {
    let state = state(error);
    let kind = kind(error, state.as_deref());
    let mut reason = error.message.trim().to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        reason = reason.replace(secret.as_str(), "***");
    }
    if reason.is_empty() {
        reason = format!("the driver says {:?} and no more", error.status);
    }
    if let Some(state) = state.filter(|state| !reason.contains(state.as_str())) {
        reason = format!("{reason} (SQLSTATE {state})");
    }
    let retry = match kind {
        ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Conflict => Retry::Later,
        _ => Retry::Never,
    };
    ConnectorError { retry, ..refused(operation, kind, reason, &[]) }
}

/// Returns whether the same may work a moment later: nobody listens yet, or the server starts or is full,
/// or somebody writes to the file of SQLite. Drivers have only words for it, and libpq and SQLite have no
/// other language where theirs is not set.
pub(super) fn is_worth_another_try(error: &ConnectorError) -> bool {
    const WORDS: [&str; 6] = [
        "Connection refused",
        "the database system is starting up",
        "the database system is shutting down",
        "too many clients already",
        "remaining connection slots",
        "database is locked",
    ];
    error.retry == Retry::Later && WORDS.iter().any(|words| error.reason.contains(words))
}

/// Returns the SQLSTATE, when the driver gave one.
fn state(error: &Error) -> Option<String> {
    let letters = error.sqlstate.map(|letter| letter.cast_unsigned());
    let state = std::str::from_utf8(&letters).ok()?;
    let is_one = state.bytes().all(|byte| byte.is_ascii_alphanumeric()) && state != "00000";
    is_one.then(|| state.to_owned())
}

/// The classes stand in the SQL standard and in appendix A of PostgreSQL's manual. Drivers without
/// SQLSTATE have a status, which some of them give for everything; then SQLite's words decide, which
/// are in no language but English.
fn kind(error: &Error, state: Option<&str>) -> ErrorKind {
    match state {
        Some("42501") => return ErrorKind::PermissionDenied,
        Some("42P01" | "3D000" | "3F000" | "42S02") => return ErrorKind::NotFound,
        Some("57014") => return ErrorKind::Cancelled,
        Some("53100" | "53200") => return ErrorKind::LimitExceeded,
        Some("55P03") => return ErrorKind::Conflict,
        _ => {}
    }
    match state.and_then(|state| state.get(..2)) {
        Some("28") => return ErrorKind::PermissionDenied,
        Some("22" | "23") => return ErrorKind::InvalidData,
        Some("0A") => return ErrorKind::Unsupported,
        Some("40") => return ErrorKind::Conflict,
        Some("08" | "53" | "57") => return ErrorKind::Unavailable,
        Some("25" | "26" | "34" | "42" | "44" | "55") => return ErrorKind::InvalidRequest,
        _ => {}
    }
    let says = |words: &str| error.message.contains(words);
    if says("no such table") {
        return ErrorKind::NotFound;
    }
    if says("interrupted") {
        return ErrorKind::Cancelled;
    }
    if says("database is locked") {
        return ErrorKind::Unavailable;
    }
    if says("syntax error") || says("no such column") || says("readonly database") {
        return ErrorKind::InvalidRequest;
    }
    match error.status {
        Status::NotImplemented => ErrorKind::Unsupported,
        Status::NotFound => ErrorKind::NotFound,
        Status::AlreadyExists => ErrorKind::AlreadyExists,
        Status::InvalidArguments | Status::InvalidState => ErrorKind::InvalidRequest,
        Status::InvalidData | Status::Integrity => ErrorKind::InvalidData,
        Status::Cancelled => ErrorKind::Cancelled,
        Status::Timeout => ErrorKind::Timeout,
        Status::Unauthenticated | Status::Unauthorized => ErrorKind::PermissionDenied,
        Status::Ok | Status::Unknown | Status::Internal | Status::IO => ErrorKind::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: Status, state: &[u8; 5], message: &str) -> Error {
        Error {
            sqlstate: state.map(u8::cast_signed),
            ..Error::with_message_and_status(message, status)
        }
    }

    #[test]
    fn the_state_decides_then_the_words_then_the_status() {
        for (status, state, message, expected) in [
            (Status::IO, b"42P01", "gone", ErrorKind::NotFound),
            (Status::IO, b"28P01", "no", ErrorKind::PermissionDenied),
            (Status::IO, b"57P01", "stopping", ErrorKind::Unavailable),
            (Status::InvalidArguments, b"\0\0\0\0\0", "no such table: a", ErrorKind::NotFound),
            (Status::Unknown, b"00000", "near \"SELEKT\": syntax error", ErrorKind::InvalidRequest),
            (Status::NotImplemented, b"\0\0\0\0\0", "", ErrorKind::Unsupported),
            (Status::IO, b"\0\0\0\0\0", "the line is dead", ErrorKind::Unavailable),
        ] {
            assert_eq!(failed("read", &error(status, state, message), &[]).kind, expected);
        }
    }

    #[test]
    fn what_may_work_a_moment_later_is_tried_again() {
        for (status, message, expected) in [
            (Status::InvalidState, "[SQLite] Failed to prepare query: database is locked", true),
            (Status::IO, "[libpq] connection to server at \"h\" failed: Connection refused", true),
            (Status::IO, "[libpq] FATAL:  sorry, too many clients already", true),
            (Status::IO, "[libpq] FATAL:  password authentication failed for user \"u\"", false),
            (Status::IO, "no such table: locked", false),
        ] {
            let failed = failed("connect", &error(status, b"\0\0\0\0\0", message), &[]);
            assert_eq!(is_worth_another_try(&failed), expected, "{message}");
        }
    }

    #[test]
    fn a_secret_that_a_driver_quotes_is_not_shown() {
        let quoted = error(Status::IO, b"\0\0\0\0\0", "no way to postgresql://u:hunter2@h");
        let failed = failed("connect", &quoted, &["hunter2".to_owned(), String::new()]);
        assert_eq!(failed.reason, "no way to postgresql://u:***@h");
    }
}
