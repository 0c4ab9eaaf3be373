//! Why a statement failed, with the original error wherever Rust was the one that failed.
//!
//! What a failure means to a user is decided above this crate; [`Class`] says what DuckDB said.

use std::fmt;
use std::path::PathBuf;

/// An error of a [`FileSystem`](crate::FileSystem) or of a stream, of whatever type.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The result of what this crate does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why opening a database or running a statement failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// DuckDB did not start.
    #[error("could not open DuckDB: {message}")]
    Open {
        /// What kind of failure DuckDB reported.
        class: Class,
        /// DuckDB's words.
        message: String,
    },

    /// The spill directory's path is not UTF-8, and DuckDB takes no other.
    #[error("the path of the spill directory is not UTF-8: `{}`", path.display())]
    TempDirectory {
        /// The path as given.
        path: PathBuf,
    },

    /// DuckDB rejected the statement or failed while it ran.
    #[error("{message}")]
    Query {
        /// What kind of failure DuckDB reported.
        class: Class,
        /// DuckDB's words, without the kind that it puts before them.
        message: String,
    },

    /// The [`FileSystem`](crate::FileSystem) failed, and the statement with it.
    #[error("could not {operation} `{path}`")]
    File {
        /// The path after `tundra://`.
        path: String,
        /// What was being done.
        operation: Operation,
        /// The error that the file system returned, unchanged.
        source: BoxError,
    },

    /// A stream given to [`Database::register_stream`](crate::Database::register_stream) failed, and
    /// the statement with it.
    #[error("could not read the stream `{name}`")]
    Stream {
        /// The name under which the stream was registered.
        name: String,
        /// The error that the reader returned, or what is wrong with its batch. An
        /// [`ArrowError::ExternalError`](arrow_schema::ArrowError::ExternalError) is unwrapped.
        source: BoxError,
    },

    /// The database was interrupted: while the statement ran, or before it.
    #[error("interrupted")]
    Interrupted,

    /// A file or a stream panicked. The statement failed, and nothing unwound through DuckDB.
    #[error("could not {operation} `{name}`: panicked: {message}")]
    Panicked {
        /// What was being done.
        operation: Operation,
        /// The path after `tundra://`, or the name of the stream.
        name: String,
        /// The panic's message, if it was text.
        message: String,
    },

    /// DuckDB's result could not be taken over.
    #[error("could not read the result of the statement: {message}")]
    Result {
        /// What was wrong with it.
        message: String,
    },
}

impl Error {
    /// Returns what kind of failure it was.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Open { class, .. } | Self::Query { class, .. } => *class,
            Self::TempDirectory { .. } => Class::InvalidInput,
            Self::File { .. } | Self::Stream { .. } => Class::Io,
            Self::Interrupted => Class::Interrupted,
            Self::Panicked { .. } | Self::Result { .. } => Class::Internal,
        }
    }
}

/// What was being done with a file or a stream when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Opening a file for reading.
    Open,
    /// Reading from a file or a stream.
    Read,
    /// Opening a file for writing.
    Create,
    /// Writing to a file.
    Write,
    /// Finishing a file after its statement succeeded.
    Close,
    /// Asking whether a file exists.
    Exists,
    /// Removing a file.
    Remove,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Read => "read",
            Self::Create => "create",
            Self::Write => "write",
            Self::Close => "finish writing",
            Self::Exists => "look for",
            Self::Remove => "remove",
        })
    }
}

/// What kind of failure DuckDB reported, as far as callers act on the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// The memory limit was reached and nothing more could be spilled.
    OutOfMemory,
    /// The limit on what may be spilled was reached.
    SpillLimit,
    /// The database was interrupted.
    Interrupted,
    /// A value does not fit the type that it was given: a failed cast, an overflow.
    Conversion,
    /// Anything else that is wrong with the data or with an argument.
    InvalidInput,
    /// A constraint of a table does not hold.
    Constraint,
    /// The statement itself is wrong: its syntax, a name in it, a type.
    Sql,
    /// Reading or writing failed.
    Io,
    /// The data that was read is damaged.
    Corrupt,
    /// The sandbox forbids it.
    Permission,
    /// DuckDB cannot do it, or only with an extension that is not there.
    Unsupported,
    /// DuckDB is at fault, or this crate. The database may be unusable afterwards.
    Internal,
    /// None of these.
    Other,
}

impl Class {
    /// Classifies by the number of DuckDB's `ExceptionType`, and by the message where the type says
    /// less than needed.
    pub(crate) fn from_duckdb(exception_type: u8, message: &str) -> Self {
        match exception_type {
            // OUT_OF_MEMORY stands for both limits. Only the one on spilling names its setting.
            33 if message.contains("max_temp_directory_size") => Self::SpillLimit,
            33 => Self::OutOfMemory,
            29 => Self::Interrupted,
            // OUT_OF_RANGE, CONVERSION, DECIMAL, MISMATCH_TYPE, DIVIDE_BY_ZERO
            1 | 2 | 4 | 5 | 6 => Self::Conversion,
            // OBJECT_SIZE, INVALID_TYPE, INVALID_INPUT, INVALID_CONFIGURATION, SETTINGS, SEQUENCE
            7 | 8 | 32 | 42 | 23 | 41 => Self::InvalidInput,
            18 => Self::Constraint,
            // UNKNOWN_TYPE, EXPRESSION, CATALOG, PARSER, PLANNER, SYNTAX, BINDER,
            // PARAMETER_NOT_RESOLVED, PARAMETER_NOT_ALLOWED, DEPENDENCY
            3 | 12 | 13 | 14 | 15 | 22 | 24 | 35 | 36 | 37 => Self::Sql,
            // NETWORK, IO, HTTP
            25 | 28 | 38 => Self::Io,
            // SERIALIZATION, DATA_CORRUPTION
            9 | 43 => Self::Corrupt,
            34 => Self::Permission,
            // NOT_IMPLEMENTED, MISSING_EXTENSION, AUTOLOAD
            11 | 39 | 40 => Self::Unsupported,
            // SCHEDULER, EXECUTOR, INDEX, STAT, OPTIMIZER, NULL_POINTER, FATAL, INTERNAL
            16 | 17 | 19 | 20 | 26 | 27 | 30 | 31 => Self::Internal,
            _ => Self::Other,
        }
    }
}
