//! The one classification of failures, and the errors of this crate.
//!
//! Start at [`ErrorKind`]: it decides what a caller may do, which HTTP status an API answers and
//! with which code a command ends. A kind says nothing about wording; the text, the cause and the
//! hints belong to the error values. This module never prints and never logs.

mod no_common_type;

use std::{error::Error as StdError, fmt, time::Duration};

pub use self::no_common_type::NoCommonType;

use crate::{
    connector::ConnectorError,
    data_error::DataError,
    format::OutputFormat,
    readers::Reader,
    schema_file::{Difference, Drift},
    storage::StorageError,
};

/// An error of any origin, kept as the cause of one of ours.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure it is, whoever reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// What was asked for makes no sense: an unknown column, a type that does not exist.
    InvalidRequest,
    /// The source holds something that cannot be converted as asked.
    InvalidData,
    /// The named thing does not exist, or not for this principal.
    NotFound,
    /// The thing to be created is already there.
    AlreadyExists,
    /// Somebody else changed the thing at the same time.
    Conflict,
    /// The principal or the process may not do this.
    PermissionDenied,
    /// Tundra, or the other side, does not do this.
    Unsupported,
    /// A limit was reached: disk, memory, size, rate.
    LimitExceeded,
    /// The other side cannot be reached or does not answer as it should.
    Unavailable,
    /// The time allowed is over.
    Timeout,
    /// Somebody asked to stop.
    Cancelled,
    /// What was written is not what was read: the proof failed.
    Corrupt,
    /// A bug.
    Internal,
}

impl ErrorKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 13] = [
        Self::InvalidRequest,
        Self::InvalidData,
        Self::NotFound,
        Self::AlreadyExists,
        Self::Conflict,
        Self::PermissionDenied,
        Self::Unsupported,
        Self::LimitExceeded,
        Self::Unavailable,
        Self::Timeout,
        Self::Cancelled,
        Self::Corrupt,
        Self::Internal,
    ];

    /// Returns the name that programs see; stable.
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidData => "invalid_data",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::Conflict => "conflict",
            Self::PermissionDenied => "permission_denied",
            Self::Unsupported => "unsupported",
            Self::LimitExceeded => "limit_exceeded",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Corrupt => "corrupt",
            Self::Internal => "internal",
        }
    }

    /// Returns the HTTP status of a response that reports this kind.
    ///
    /// The classes are those of the 3.0 API: 400 for what the caller can mend, 403, 404, 502 for
    /// upstreams, 500 for ourselves.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::InvalidRequest | Self::InvalidData | Self::Unsupported => 400,
            Self::PermissionDenied => 403,
            Self::NotFound => 404,
            Self::AlreadyExists | Self::Conflict => 409,
            Self::LimitExceeded => 413,
            Self::Cancelled => 499,
            Self::Corrupt | Self::Internal => 500,
            Self::Unavailable => 502,
            Self::Timeout => 504,
        }
    }

    /// Returns the exit code of a command that ends with this kind; stable.
    ///
    /// 0 is success and 2 is also what a wrong command line gets. 130 is what a shell reports for
    /// an interrupted command.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::InvalidRequest => 2,
            Self::InvalidData => 3,
            Self::NotFound => 4,
            Self::PermissionDenied => 5,
            Self::AlreadyExists => 6,
            Self::LimitExceeded => 7,
            Self::Unsupported => 8,
            Self::Unavailable => 9,
            Self::Timeout => 10,
            Self::Conflict => 11,
            Self::Corrupt => 12,
            Self::Cancelled => 130,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Whether trying the same thing again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same request fails the same way.
    Never,
    /// It may work later; the caller decides when.
    Later,
    /// It may work after this time, as the other side said.
    After(Duration),
}

/// What every error of every Tundra crate can tell about itself.
pub trait Classify: StdError {
    /// Returns the sort of failure.
    fn kind(&self) -> ErrorKind;

    /// Returns whether trying again can help.
    fn retry(&self) -> Retry;

    /// Returns what a person can do about it, one fragment per way out; may be empty.
    fn hints(&self) -> Vec<String>;
}

/// Why a conversion or an inspection failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option is wrong in itself or for this input.
    #[error("{message}")]
    Request {
        /// What is wrong, naming the option.
        message: String,
        /// The way out, when there is one.
        hint: Option<String>,
    },

    /// A mapping, a type or a rule names a column that the input does not have.
    #[error("{option} names the column `{column}`, which `{input}` does not have")]
    UnknownColumn {
        /// The option that names it.
        option: &'static str,
        /// The name as given.
        column: String,
        /// The input.
        input: String,
        /// The columns that there are.
        known: Vec<String>,
    },

    /// The input holds no bytes at all.
    #[error("`{input}` is empty: it has no header and no rows")]
    EmptyInput {
        /// The input.
        input: String,
    },

    /// The input is JSON without a record, so that nothing says which columns there are.
    #[error("`{input}` has no records: {what}")]
    NoRecords {
        /// The input.
        input: String,
        /// What is there instead, as a sentence fragment.
        what: String,
    },

    /// The input is not in a format that Tundra reads.
    #[error("`{input}` is {found}, which is not a format that Tundra reads")]
    UnknownFormat {
        /// The input.
        input: String,
        /// What its bytes look like.
        found: String,
    },

    /// The input is text in an encoding that Tundra does not read.
    #[error("`{input}` is text in {encoding}, which Tundra does not read")]
    UnsupportedEncoding {
        /// The input.
        input: String,
        /// The encoding.
        encoding: &'static str,
    },

    /// A column has a type that cannot be kept without loss.
    #[error("column `{column}` of `{input}` is {found}, which cannot be kept without loss")]
    Unconvertible {
        /// The input.
        input: String,
        /// The column.
        column: String,
        /// Its type.
        found: String,
    },

    /// A column, or a value in it, cannot be written in the format of the output.
    #[error("column `{column}` cannot be written as {format}: {what}")]
    Unwritable {
        /// The column.
        column: String,
        /// The format.
        format: OutputFormat,
        /// What is in the way, as a sentence fragment.
        what: String,
        /// The way out.
        hint: String,
    },

    /// Somebody who is to read the output would not take it as it is, and nothing else can be written instead.
    #[error("{}", unportable(*reader, column.as_deref(), what))]
    Unportable {
        /// Who would not.
        reader: Reader,
        /// The column; `None` when it is the file as a whole.
        column: Option<String>,
        /// What is in the way, as a sentence fragment.
        what: String,
        /// The way out.
        hint: String,
    },

    /// A query that somebody asks of an input cannot be run.
    #[cfg(feature = "engine")]
    #[error("the query cannot be run")]
    Query {
        /// What the engine said.
        source: tundra_duckdb::Error,
        /// The columns of the input.
        columns: Vec<String>,
    },

    /// Columns that are to tell which row is which do not.
    #[error(
        "{} no key of `{input}`: {keys} of {} values stand in {rows} rows, first {}",
        named(key),
        if key.len() == 1 { "its" } else { "their" },
        shown_key(example)
    )]
    RepeatedKey {
        /// The input.
        input: String,
        /// The columns.
        key: Vec<String>,
        /// How many values stand in more than one row.
        keys: u64,
        /// In how many rows.
        rows: u64,
        /// The values of the first of these rows; `None` is a null.
        example: Vec<Option<String>>,
    },

    /// The input is a Parquet file that cannot be read.
    #[error("`{input}` is not a complete Parquet file")]
    BadParquet {
        /// The input.
        input: String,
        /// What the reader said.
        source: BoxError,
    },

    /// The input is compressed or an archive, and cannot be unpacked.
    #[cfg(feature = "read")]
    #[error("could not unpack `{input}`")]
    Unpack {
        /// The input.
        input: String,
        /// Why not.
        source: tundra_unpack::Error,
    },

    /// The input is unpacked to a temporary file first, which becomes too large.
    #[error(
        "more than {limit} bytes come out of `{input}` when it is unpacked, the most that may be kept in \
         the temporary directory"
    )]
    TooLargeForTemp {
        /// The input.
        input: String,
        /// The limit, in bytes.
        limit: u64,
    },

    /// The input is a workbook that cannot be read.
    #[error("`{input}` is a damaged workbook: {what}")]
    BadWorkbook {
        /// The input.
        input: String,
        /// What is wrong, with the part, the sheet and the cell where they are known.
        what: String,
    },

    /// The input is a workbook that takes more than may be used.
    #[error("`{input}` is too large a workbook: {what}")]
    WorkbookTooLarge {
        /// The input.
        input: String,
        /// What is too large, and the limit.
        what: String,
    },

    /// The input is a workbook that is encrypted.
    #[error("`{input}` is a workbook that is protected by a password")]
    EncryptedWorkbook {
        /// The input.
        input: String,
    },

    /// The input is Parquet that is encrypted.
    #[error("`{input}` is encrypted Parquet, which is not read")]
    EncryptedParquet {
        /// The input.
        input: String,
    },

    /// A record or a value does not fit.
    #[error("could not read `{input}`")]
    Data {
        /// The input.
        input: String,
        /// Where and why.
        source: Box<DataError>,
    },

    /// The input is not what its schema says.
    #[error("`{input}` is not as the schema says: {}\n{drift}", drift.summary())]
    Drift {
        /// The input.
        input: String,
        /// How it differs.
        drift: Box<Drift>,
    },

    /// A store refused or failed.
    #[error("{role}")]
    Storage {
        /// What the store was used for, as a sentence fragment.
        role: &'static str,
        /// What the store said.
        source: StorageError,
    },

    /// A database refused or failed.
    #[error(transparent)]
    Database(Box<ConnectorError>),

    /// The engine failed.
    #[cfg(feature = "engine")]
    #[error("the engine could not {operation}")]
    Engine {
        /// What it was doing.
        operation: &'static str,
        /// What it said.
        source: tundra_duckdb::Error,
    },

    /// What was written is not what was read.
    #[error("verification of `{output}` failed: {mismatch}")]
    Verification {
        /// The output, which was not published.
        output: String,
        /// Which two counts disagree.
        mismatch: String,
    },

    /// More rows were rejected than the limit allows.
    #[error(
        "{rejected} of {records} records were rejected, more than `--max-rejects {limit}` allows"
    )]
    TooManyRejects {
        /// Rejected so far.
        rejected: u64,
        /// Records read so far.
        records: u64,
        /// The limit as given.
        limit: String,
        /// The first reject.
        source: Box<DataError>,
    },

    /// Every row was rejected, so that the output would be empty.
    #[error("no record of `{input}` can be kept: all {rejected} were rejected")]
    NothingLeft {
        /// The input.
        input: String,
        /// How many there are.
        rejected: u64,
        /// The first reject.
        source: Box<DataError>,
    },

    /// One of several inputs is of another sort than those before it, so that they are no one table.
    #[error("`{input}` is {found}, and what stands before it is {others}")]
    MixedInputs {
        /// The input.
        input: String,
        /// What it is.
        found: String,
        /// What the others are.
        others: String,
    },

    /// Several inputs have types for a column that cannot be one without loss.
    #[error(transparent)]
    NoCommonType(Box<NoCommonType>),

    /// A value of one of several inputs does not become what it should.
    #[error("could not convert `{input}`")]
    InInput {
        /// The input.
        input: String,
        /// What is wrong.
        source: Box<Self>,
    },

    /// Every one of several inputs was left out.
    #[error("none of {inputs} inputs can be read; this is what is wrong with the first")]
    NothingReadable {
        /// How many there are.
        inputs: u64,
        /// What is wrong with the first.
        source: Box<Self>,
    },

    /// Somebody asked to stop.
    #[error("cancelled")]
    Cancelled,

    /// The time allowed is over.
    #[error("not finished after {0:?}")]
    Timeout(Duration),

    /// A bug: something that cannot happen did.
    #[error("internal error: {0}")]
    Internal(String),
}

impl Error {
    /// Returns a [`Error::Request`] without a hint.
    pub fn request(message: impl Into<String>) -> Self {
        Self::Request { message: message.into(), hint: None }
    }

    /// Returns the error of a value that contradicts types which were inferred from all values.
    #[cfg(feature = "engine")]
    pub(crate) fn contradicted() -> Self {
        Self::Internal("a value contradicts a type that was inferred from all values".to_owned())
    }
}

impl From<ConnectorError> for Error {
    fn from(error: ConnectorError) -> Self {
        Self::Database(Box::new(error))
    }
}

impl Classify for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Request { .. } | Self::UnknownColumn { .. } => ErrorKind::InvalidRequest,
            Self::EmptyInput { .. }
            | Self::NoRecords { .. }
            | Self::BadParquet { .. }
            | Self::BadWorkbook { .. }
            | Self::RepeatedKey { .. }
            | Self::TooManyRejects { .. }
            | Self::NothingLeft { .. }
            | Self::Drift { .. } => ErrorKind::InvalidData,
            Self::UnknownFormat { .. }
            | Self::UnsupportedEncoding { .. }
            | Self::EncryptedWorkbook { .. }
            | Self::EncryptedParquet { .. }
            | Self::MixedInputs { .. }
            | Self::NoCommonType(_)
            | Self::Unconvertible { .. }
            | Self::Unportable { .. }
            | Self::Unwritable { .. } => ErrorKind::Unsupported,
            #[cfg(feature = "read")]
            Self::Unpack { source, .. } => crate::read::unpack::kind(source),
            #[cfg(feature = "engine")]
            Self::Query { source, .. } => crate::engine::query_error_kind(source),
            Self::WorkbookTooLarge { .. } | Self::TooLargeForTemp { .. } => {
                ErrorKind::LimitExceeded
            }
            Self::Data { source, .. } => source.kind(),
            Self::Storage { source, .. } => source.kind(),
            Self::Database(source) => source.kind(),
            #[cfg(feature = "engine")]
            Self::Engine { source, .. } => crate::engine::engine_error_kind(source),
            Self::InInput { source, .. } | Self::NothingReadable { source, .. } => source.kind(),
            Self::Verification { .. } => ErrorKind::Corrupt,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::Timeout(_) => ErrorKind::Timeout,
            Self::Internal(_) => ErrorKind::Internal,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Storage { source, .. } => source.retry(),
            Self::Database(source) => source.retry(),
            Self::Timeout(_) => Retry::Later,
            _ => Retry::Never,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Request { hint, .. } => hint.iter().cloned().collect(),
            Self::UnknownColumn { column, known, .. } => unknown_column_hints(column, known),
            Self::EmptyInput { .. } => {
                vec!["check that the upload or the export that made it was complete".to_owned()]
            }
            Self::NoRecords { .. } => vec![
                "columns are found in the records, so without one there is no table to write; check \
                 what was asked of the source, or point elsewhere with `--records`"
                    .to_owned(),
            ],
            Self::UnknownFormat { .. } => vec![
                "name the format with `--format` if you know it: csv, tsv, json, ndjson, parquet \
                 or excel"
                    .to_owned(),
            ],
            Self::UnsupportedEncoding { encoding, .. } => {
                vec![format!("make it UTF-8 first: `iconv -f {encoding} -t UTF-8 FILE`")]
            }
            Self::Unconvertible { .. } => {
                vec!["write the column with another type where the file is made".to_owned()]
            }
            Self::Unwritable { hint, .. } | Self::Unportable { hint, .. } => vec![hint.clone()],
            #[cfg(feature = "engine")]
            Self::Query { columns, .. } => {
                vec![format!("the table is `input`, and {}", listed_columns(columns))]
            }
            Self::RepeatedKey { .. } => vec![
                "name more columns with `--key`, so that no two rows have the same values in all of \
                 them, or leave it out to compare rows as wholes"
                    .to_owned(),
            ],
            Self::BadParquet { .. } => {
                vec!["the file was probably cut off on its way here; fetch it again".to_owned()]
            }
            #[cfg(feature = "read")]
            Self::Unpack { source, .. } => crate::read::unpack::hints(source),
            Self::TooLargeForTemp { .. } => {
                vec!["allow more with `--max-temp-size`, or unpack it first".to_owned()]
            }
            Self::BadWorkbook { .. } => vec![
                "open it in the program that made it and save it anew, or fetch it again: it may have \
                 been cut off on its way here"
                    .to_owned(),
            ],
            Self::WorkbookTooLarge { .. } => vec![
                "allow more memory, or save the sheet as CSV or as xlsx, which is read without holding \
                 it"
                    .to_owned(),
            ],
            Self::EncryptedWorkbook { .. } => {
                vec!["save it without a password first".to_owned()]
            }
            Self::EncryptedParquet { .. } => {
                vec!["write it without encryption first, with a reader that has its key".to_owned()]
            }
            Self::Data { source, .. } => source.hints(),
            Self::TooManyRejects { .. } => vec![
                "mend the input, or allow more with `--max-rejects`; a wrong `--delimiter` or \
                 `--quote` also looks like this"
                    .to_owned(),
            ],
            Self::NothingLeft { .. } => vec![
                "look at what was concluded with `tundra inspect`; a wrong `--delimiter`, `--quote`, \
                 `--header` or `--type` looks like this"
                    .to_owned(),
            ],
            Self::Drift { drift, .. } => drift_hints(&drift.differences),
            Self::Storage { source, .. } => source.hints(),
            Self::Database(source) => source.hints(),
            #[cfg(feature = "engine")]
            Self::Engine { source, .. } => crate::engine::engine_error_hints(source),
            Self::Verification { .. } => vec![
                "nothing was published; this is a bug in Tundra, please report it with the input"
                    .to_owned(),
            ],
            Self::MixedInputs { .. } => vec![
                "make a table of each sort, or leave out what is of another one with \
                 `--on-bad-file reject`"
                    .to_owned(),
            ],
            Self::NoCommonType(found) => vec![found.hint()],
            Self::InInput { source, .. } | Self::NothingReadable { source, .. } => source.hints(),
            Self::Timeout(_) => {
                vec!["allow more time, or convert the input in smaller parts".to_owned()]
            }
            Self::Cancelled | Self::Internal(_) => Vec::new(),
        }
    }
}

/// Says what a reader would not take.
fn unportable(reader: Reader, column: Option<&str>, what: &str) -> String {
    match column {
        Some(column) => format!("{} does not take column `{column}`, {what}", reader.title()),
        None => format!("{} does not take the output, {what}", reader.title()),
    }
}

/// Names columns and says that they are something.
fn named(columns: &[String]) -> String {
    let names: Vec<String> = columns.iter().map(|name| format!("`{name}`")).collect();
    format!("{} {}", names.join(", "), if columns.len() == 1 { "is" } else { "are" })
}

/// Shows the values of a key, each up to a length that an error can hold.
fn shown_key(values: &[Option<String>]) -> String {
    const LONGEST: usize = 60;
    let shown = values.iter().map(|value| match value {
        None => "null".to_owned(),
        Some(value) if value.chars().count() > LONGEST => {
            format!("`{}…`", value.chars().take(LONGEST).collect::<String>())
        }
        Some(value) => format!("`{value}`"),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// Says what can be done about an input that is not as its schema says.
fn drift_hints(differences: &[Difference]) -> Vec<String> {
    let count = |kind: &str| differences.iter().filter(|it| it.kind() == kind).count();
    let mut hints = Vec::new();
    if count("added") == 1 && count("missing") > 1 {
        hints.push(
            "the text may be written in another way than the schema says under `text`".to_owned(),
        );
    }
    if count("retyped") > 0 {
        hints.push(
            "correct the type in the schema; with `force: true` a column takes what `--type` would, \
             and `--on-bad-row reject` sets records aside that do not fit"
                .to_owned(),
        );
    }
    hints.push(
        "correct the input or the schema, or take the input as it is with `--accept-drift`"
            .to_owned(),
    );
    hints
}

/// Offers the nearest names first, and all of them when they are few.
fn unknown_column_hints(column: &str, known: &[String]) -> Vec<String> {
    let folded = column.to_lowercase();
    let near = known.iter().find(|name| name.to_lowercase() == folded).or_else(|| {
        known.iter().find(|name| {
            let name = name.to_lowercase();
            name.contains(&folded) || folded.contains(&name)
        })
    });
    let mut hints = Vec::new();
    if let Some(near) = near.filter(|name| !name.is_empty()) {
        hints.push(format!("did you mean `{near}`?"));
    }
    hints.push(listed_columns(known));
    hints
}

/// Names the columns, the first of them when they are many.
fn listed_columns(known: &[String]) -> String {
    const SHOWN: usize = 12;
    let listed: Vec<String> = known.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = known.len().saturating_sub(SHOWN);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("the columns are {}{tail}", listed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_code_and_an_exit_code_of_its_own() {
        let mut codes: Vec<_> = ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
        let mut exits: Vec<_> = ErrorKind::ALL.iter().map(|kind| kind.exit_code()).collect();
        codes.sort_unstable();
        codes.dedup();
        exits.sort_unstable();
        exits.dedup();
        assert_eq!(codes.len(), ErrorKind::ALL.len());
        assert_eq!(exits.len(), ErrorKind::ALL.len());
        assert!(!exits.contains(&0), "0 is success");
    }

    #[test]
    fn every_kind_is_an_error_status() {
        for kind in ErrorKind::ALL {
            assert!((400..600).contains(&kind.http_status()), "{kind}");
        }
    }

    #[test]
    fn offers_the_column_that_differs_only_in_case() {
        let known = vec!["Id".to_owned(), "Amount".to_owned()];
        assert_eq!(
            unknown_column_hints("amount", &known),
            ["did you mean `Amount`?", "the columns are `Id`, `Amount`"]
        );
    }
}
