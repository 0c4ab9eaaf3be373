//! What the failures of DuckDB mean to a user.

use std::error::Error as StdError;

use tundra_duckdb::Class;

use crate::{Classify, Error, ErrorKind, StorageError, engine::sql};

/// Returns the error of a failed statement: what a store said is taken out of DuckDB's wrapping.
pub(crate) fn engine_error(operation: &'static str, error: tundra_duckdb::Error) -> Error {
    match error {
        tundra_duckdb::Error::Interrupted => Error::Cancelled,
        tundra_duckdb::Error::File { path, operation: file_operation, source } => {
            let source = match source.downcast::<Error>() {
                Ok(error) => return *error,
                Err(source) => source,
            };
            match source.downcast::<StorageError>() {
                Ok(source) => Error::Storage {
                    role: match file_operation {
                        tundra_duckdb::Operation::Open | tundra_duckdb::Operation::Read => {
                            "could not read the input"
                        }
                        _ => "could not write the output",
                    },
                    source: *source,
                },
                Err(source) => Error::Engine {
                    operation,
                    source: tundra_duckdb::Error::File { path, operation: file_operation, source },
                },
            }
        }
        tundra_duckdb::Error::Stream { name, source } => match source.downcast::<Error>() {
            Ok(error) => *error,
            Err(source) => {
                Error::Engine { operation, source: tundra_duckdb::Error::Stream { name, source } }
            }
        },
        source => Error::Engine { operation, source: without_advice(source) },
    }
}

/// Returns the error without DuckDB's advice about its own settings, which nobody can change here.
fn without_advice(error: tundra_duckdb::Error) -> tundra_duckdb::Error {
    match error {
        tundra_duckdb::Error::Query { class: Class::OutOfMemory, mut message } => {
            message.truncate(message.find("\n\nPossible solutions").unwrap_or(message.len()));
            tundra_duckdb::Error::Query { class: Class::OutOfMemory, message }
        }
        error => error,
    }
}

/// Returns the error of a failed statement that reads the Parquet file `input`. What DuckDB cannot
/// name is then a file that is not what its footer says.
pub(crate) fn input_error(
    operation: &'static str,
    input: &str,
    error: tundra_duckdb::Error,
) -> Error {
    match error {
        tundra_duckdb::Error::Query { class: Class::Other | Class::Corrupt, .. } => {
            Error::BadParquet { input: input.to_owned(), source: Box::new(error) }
        }
        error => engine_error(operation, error),
    }
}

/// Returns the error of somebody's query that failed: what is wrong with the query itself is told with the
/// columns that there are.
pub(crate) fn query_error(
    operation: &'static str,
    error: tundra_duckdb::Error,
    columns: &[String],
) -> Error {
    match error {
        tundra_duckdb::Error::Query { class, message }
            if !matches!(class, Class::OutOfMemory | Class::SpillLimit | Class::Interrupted) =>
        {
            let message = by_typed_lines(&message);
            let source = tundra_duckdb::Error::Query { class, message };
            Error::Query { source, columns: columns.to_vec() }
        }
        // Whoever asks may name a file, and there is none.
        tundra_duckdb::Error::File { ref source, .. }
            if !source.is::<Error>() && !source.is::<StorageError>() =>
        {
            Error::Query { source: error, columns: columns.to_vec() }
        }
        error => engine_error(operation, error),
    }
}

/// Returns DuckDB's words with the lines of the query as they were typed: it counts those before it as well.
/// A place that is not in the query is left out.
fn by_typed_lines(message: &str) -> String {
    const LINE: &str = "\n\nLINE ";
    let Some((said, shown)) = message.rsplit_once(LINE) else { return message.to_owned() };
    let Some((number, rest)) = shown.split_once(": ") else { return message.to_owned() };
    let Ok(number) = number.parse::<usize>() else { return message.to_owned() };
    let Some(typed) = number.checked_sub(sql::LINES_BEFORE).filter(|typed| *typed > 0) else {
        return said.to_owned();
    };
    let digits = |number: usize| number.to_string().len();
    // The mark under the place moves where the number loses a digit.
    let moved = " ".repeat(digits(number) - digits(typed));
    let rest = match rest.split_once('\n') {
        Some((line, mark)) => format!("{line}\n{}", mark.strip_prefix(&*moved).unwrap_or(mark)),
        None => rest.to_owned(),
    };
    format!("{said}{LINE}{typed}: {rest}")
}

/// Returns the kind of a failure of somebody's query.
pub(crate) fn query_error_kind(error: &tundra_duckdb::Error) -> ErrorKind {
    match error.class() {
        Class::Conversion | Class::Corrupt => ErrorKind::InvalidData,
        Class::Internal => ErrorKind::Internal,
        _ => ErrorKind::InvalidRequest,
    }
}

/// Returns the kind of a failure of DuckDB.
pub(crate) fn engine_error_kind(error: &tundra_duckdb::Error) -> ErrorKind {
    if let Some(storage) = error.source().and_then(|source| source.downcast_ref::<StorageError>()) {
        return storage.kind();
    }
    match error.class() {
        Class::OutOfMemory | Class::SpillLimit => ErrorKind::LimitExceeded,
        Class::Interrupted => ErrorKind::Cancelled,
        Class::Conversion | Class::InvalidInput | Class::Corrupt => ErrorKind::InvalidData,
        Class::Io => ErrorKind::Unavailable,
        Class::Unsupported => ErrorKind::Unsupported,
        _ => ErrorKind::Internal,
    }
}

/// Returns what a person can do about a failure of DuckDB.
pub(crate) fn engine_error_hints(error: &tundra_duckdb::Error) -> Vec<String> {
    let hint = match error.class() {
        Class::OutOfMemory => {
            "raise `--memory`, or lower `--row-group-size` and `--threads`: wide rows need room"
        }
        Class::SpillLimit => "give `--temp-dir` more room, or raise `--memory`",
        Class::Conversion => "give the column another `--type`, or let the type be inferred",
        _ => return Vec::new(),
    };
    vec![hint.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_the_engine_are_no_advice() {
        let message = "no memory\n\nPossible solutions:\n* (SET threads=X)".to_owned();
        let query = |class| tundra_duckdb::Error::Query { class, message: message.clone() };
        let told = |class| without_advice(query(class)).to_string();
        assert!(!told(Class::OutOfMemory).contains("SET"), "{}", told(Class::OutOfMemory));
        assert!(told(Class::OutOfMemory).contains("no memory"));
        assert!(told(Class::Sql).contains("SET"));
    }

    #[test]
    fn lines_are_counted_as_they_were_typed() {
        for (said, shown) in [
            (
                "no \"x\"\n\nLINE 2: SELECT x\n               ^",
                "no \"x\"\n\nLINE 1: SELECT x\n               ^",
            ),
            ("no\n\nLINE 10: x\n         ^", "no\n\nLINE 9: x\n        ^"),
            ("no\n\nLINE 1: DESCRIBE\n        ^", "no"),
            ("no place", "no place"),
            ("a\n\nLINE x", "a\n\nLINE x"),
        ] {
            assert_eq!(by_typed_lines(said), shown);
        }
    }
}
