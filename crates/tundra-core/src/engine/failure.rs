//! What the failures of DuckDB mean to a user.

use std::error::Error as StdError;

use tundra_duckdb::Class;

use crate::{Classify, Error, ErrorKind, StorageError};

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
        source => Error::Engine { operation, source },
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
