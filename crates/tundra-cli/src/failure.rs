//! Failures as the user meets them: what is printed and with which code the program ends.
//!
//! Start at [`Failure`]. Its texts follow the rules of [`tundra_core::Classify`]: a failure speaks
//! of itself and leaves its cause to `source`. [`report`] prints one, once, at the end of the
//! program; nothing else prints errors. The exit codes of kinds are those of
//! [`ErrorKind::exit_code`]; this file adds only what a kind cannot tell: which signal it was, and
//! that a pipe was closed.

use std::{error::Error as StdError, io};

use clap::error::{ContextKind, ContextValue};
use serde_json::{Value, json};
use tundra_access::{AccessError, KeyStoreError, NewKeyError, TokenSettingsError};
use tundra_connectors::SettingsError;
use tundra_core::{
    CatalogError, Classify, DataError, Difference, Drift, Error, ErrorKind, IdentityError, Retry,
    SchemaFileError, SecretError, StorageError,
};
use tundra_jobs::{JobStoreError, JobsError};
use tundra_runs::{RunError, WarehouseError};
use tundra_server::{TraceSettingsError, TracesError};
use tundra_storage::SignError;

use crate::{
    printer::{Printer, printable},
    render::{self, counted, one_line},
    signals::Signal,
};

/// The exit code when whoever read the Parquet on standard output went away: that of SIGPIPE.
pub(crate) const BROKEN_PIPE: u8 = 141;

/// The exit code of a wrong command line.
pub(crate) const USAGE: u8 = ErrorKind::InvalidRequest.exit_code();

/// The exit code of a doctor who found something wrong, and of a server that is not healthy.
pub(crate) const UNWELL: u8 = 1;

/// The exit code of a comparison that found differences, as that of diff(1).
pub(crate) const DIFFERENT: u8 = 1;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The engine says so.
    #[error(transparent)]
    Engine(#[from] Error),

    /// The text of an input or an output names no place.
    #[error(transparent)]
    Location(#[from] tundra_storage::LocationError),

    /// A run of a catalogued source failed, or what is done about its versions did.
    #[error(transparent)]
    Run(RunError),

    /// The catalog refused or failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),

    /// A text names no organisation.
    #[error("`--org` cannot be used")]
    Organisation {
        /// Why not.
        source: IdentityError,
    },

    /// A text names no warehouse.
    #[error("`--warehouse` cannot be used")]
    Warehouse {
        /// Why not.
        source: WarehouseError,
    },

    /// A directory for what belongs to the user cannot be made.
    #[error("could not make the directory `{directory}`")]
    MakeDirectory {
        /// The directory.
        directory: String,
        /// What the system said.
        source: io::Error,
    },

    /// The URL of a database makes no sense, or this build does not read it.
    #[error(transparent)]
    Connection(#[from] SettingsError),

    /// A password cannot be read.
    #[error("could not read the password from {place}")]
    Password {
        /// Where from.
        place: String,
        /// What the system said.
        source: io::Error,
    },

    /// A key cannot be read.
    #[error("could not read the key from {place}")]
    Key {
        /// Where from.
        place: String,
        /// What the system said.
        source: io::Error,
    },

    /// No table has such a name.
    #[error("there is no table `{pattern}` that you may read")]
    NoTables {
        /// What was typed.
        pattern: String,
    },

    /// The options do not fit together.
    #[error("{message}")]
    Usage {
        /// What is wrong, naming the options.
        message: String,
        /// The way out.
        hint: &'static str,
    },

    /// An environment variable makes no sense.
    #[error("the environment variable `{variable}` is `{value}`: {reason}")]
    Environment {
        /// Its name.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What it should be.
        reason: String,
    },

    /// The temporary directory is none.
    #[error("the temporary directory `{directory}` is not a directory")]
    NoTempDirectory {
        /// The directory as given.
        directory: String,
    },

    /// The directory of an output is none.
    #[error("cannot write `{file}`: there is no directory `{directory}`")]
    NoDirectory {
        /// The file to be written.
        file: String,
        /// Its directory.
        directory: String,
    },

    /// Standard input, or another pipe, cannot be read.
    #[error("could not read {input}")]
    Pipe {
        /// What is read, as messages call it.
        input: String,
        /// What the system said.
        source: io::Error,
    },

    /// What comes from a pipe cannot be kept.
    #[error("could not keep {input} in the temporary directory `{directory}`")]
    Spool {
        /// What is read, as messages call it.
        input: String,
        /// The directory.
        directory: String,
        /// What the system said.
        source: io::Error,
    },

    /// Text cannot be written.
    #[error("could not write to standard output")]
    StandardOutput {
        /// What the system said.
        source: io::Error,
    },

    /// The receipt cannot be written. The data can no longer be taken back.
    #[error("`{output}` is complete, but its receipt could not be written")]
    Receipt {
        /// The data.
        output: String,
        /// What the store said.
        source: StorageError,
    },

    /// A file that would be written is there, or cannot be looked at.
    #[error("could not prepare the receipt")]
    ReceiptPlace {
        /// What the store said.
        source: StorageError,
    },

    /// A file that should be a schema is none.
    #[error("`{file}` is no schema file")]
    Schema {
        /// The file as typed.
        file: String,
        /// What is wrong with it.
        source: SchemaFileError,
    },

    /// A schema file cannot be read.
    #[error("could not read the schema")]
    SchemaRead {
        /// What the store said.
        source: StorageError,
    },

    /// A schema file cannot be written.
    #[error("could not write the schema")]
    SchemaPlace {
        /// What the store said.
        source: StorageError,
    },

    /// A URL cannot be signed.
    #[error("could not sign the URL")]
    Sign {
        /// Why not.
        source: SignError,
    },

    /// Uploads cannot be found or removed.
    #[error("could not clean up")]
    Clean {
        /// What the store said.
        source: StorageError,
    },

    /// The keys of the server refuse or fail.
    #[error(transparent)]
    Keys(#[from] KeyStoreError),

    /// A key makes no sense.
    #[error("could not create the key")]
    NewKey {
        /// Why not.
        source: NewKeyError,
    },

    /// Tokens cannot be checked.
    #[error(transparent)]
    Tokens(#[from] TokenSettingsError),

    /// It makes no sense where traces are to be sent.
    #[error(transparent)]
    TraceSettings(#[from] TraceSettingsError),

    /// Traces cannot be sent.
    #[error(transparent)]
    Traces(#[from] TracesError),

    /// The file of the jobs cannot be opened.
    #[error(transparent)]
    JobStore(#[from] JobStoreError),

    /// Jobs cannot be taken up.
    #[error("could not take up the jobs")]
    Jobs {
        /// Why not.
        source: JobsError,
    },

    /// A server must not, or cannot, be as it is set up.
    #[error(transparent)]
    Server(#[from] tundra_server::SettingsError),

    /// A server cannot listen where it is to.
    #[error("could not listen on {address}")]
    Listen {
        /// The address as it was named.
        address: String,
        /// What the system said.
        source: io::Error,
    },

    /// A server cannot accept connections any more.
    #[error("could not go on serving")]
    Serve {
        /// What the system said.
        source: io::Error,
    },

    /// Secrets cannot be read.
    #[error("could not ask for secrets")]
    Secrets {
        /// Why not.
        source: SecretError,
    },

    /// The issuer of tokens does not give its keys.
    #[error("tokens could not be checked")]
    Issuer {
        /// Why not.
        source: AccessError,
    },

    /// Nothing can be kept in the temporary directory.
    #[error("could not write to the temporary directory `{directory}`")]
    TempDirectory {
        /// The directory.
        directory: String,
        /// What the system said.
        source: io::Error,
    },

    /// A doctor found something wrong, and has said what.
    #[error("{wrong} of {all} checks found something wrong")]
    Unwell {
        /// How many.
        wrong: usize,
        /// How many checks there are.
        all: usize,
    },

    /// Somebody would refuse or lose something of a file that was checked, and was told what.
    #[error("`{input}` does not do for {readers}: {}", counted(*bad, "thing"))]
    Unportable {
        /// The file as typed.
        input: String,
        /// How many things.
        bad: u64,
        /// Who.
        readers: String,
    },

    /// A server that was asked for its health is not well.
    #[error("{url} is not healthy: {reason}")]
    Unhealthy {
        /// What was asked for.
        url: String,
        /// What it answered, or why it did not.
        reason: String,
    },

    /// What was compared differs, which was told. Nothing failed.
    #[error("there are differences")]
    Different,

    /// The runtime or the signal handlers cannot be set up.
    #[error("could not start")]
    Start {
        /// What the system said.
        source: io::Error,
    },

    /// A signal asked the program to stop.
    #[error("{}; no output was written", .0.participle())]
    Stopped(Signal),
}

impl From<RunError> for Failure {
    /// Takes apart what is told alike with and without a catalog.
    fn from(error: RunError) -> Self {
        match error {
            RunError::Engine(error) => Self::Engine(error),
            RunError::Location(error) => Self::Location(error),
            RunError::Catalog(error) => Self::Catalog(error),
            other => Self::Run(other),
        }
    }
}

impl Failure {
    /// Returns a failure for options that do not fit together.
    pub(crate) fn usage(message: impl Into<String>, hint: &'static str) -> Self {
        Self::Usage { message: message.into(), hint }
    }

    /// Returns the code with which the program ends.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Stopped(signal) => signal.exit_code(),
            Self::Unwell { .. } | Self::Unhealthy { .. } => UNWELL,
            Self::Different => DIFFERENT,
            Self::Engine(Error::Storage { source: StorageError::Closed { .. }, .. }) => BROKEN_PIPE,
            _ => self.kind().exit_code(),
        }
    }

    /// Returns the place in the data, when the failure is about one.
    fn data_error(&self) -> Option<&DataError> {
        match self {
            Self::Engine(
                Error::Data { source, .. }
                | Error::TooManyRejects { source, .. }
                | Error::NothingLeft { source, .. },
            ) => Some(source),
            _ => None,
        }
    }
}

impl Classify for Failure {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Engine(error) => error.kind(),
            Self::Location(error) => error.kind(),
            Self::Run(error) => error.kind(),
            Self::Catalog(error) => error.kind(),
            Self::Connection(error) => error.kind(),
            Self::Password { source, .. } | Self::Key { source, .. } => io_kind(source),
            Self::Organisation { .. } | Self::Warehouse { .. } => ErrorKind::InvalidRequest,
            Self::MakeDirectory { source, .. } => io_kind(source),
            Self::Usage { .. } | Self::Environment { .. } => ErrorKind::InvalidRequest,
            Self::NoTempDirectory { .. } | Self::NoDirectory { .. } | Self::NoTables { .. } => {
                ErrorKind::NotFound
            }
            Self::Pipe { source, .. }
            | Self::Spool { source, .. }
            | Self::StandardOutput { source } => io_kind(source),
            Self::Schema { source, .. } => source.kind(),
            Self::Sign { source } => source.kind(),
            Self::Receipt { source, .. }
            | Self::ReceiptPlace { source }
            | Self::SchemaRead { source }
            | Self::SchemaPlace { source }
            | Self::Clean { source } => source.kind(),
            Self::Keys(error) => error.kind(),
            Self::NewKey { source } => source.kind(),
            Self::Tokens(error) => error.kind(),
            Self::TraceSettings(error) => error.kind(),
            Self::Traces(TracesError::Refused { .. }) => ErrorKind::Unavailable,
            Self::Traces(_) => ErrorKind::Internal,
            Self::JobStore(error) => error.kind(),
            Self::Jobs { source } => source.kind(),
            Self::Server(error) => error.kind(),
            Self::Listen { source, .. } | Self::TempDirectory { source, .. } => io_kind(source),
            Self::Secrets { source } => source.kind(),
            Self::Issuer { source } => source.kind(),
            Self::Serve { .. } | Self::Unwell { .. } | Self::Unhealthy { .. } => {
                ErrorKind::Unavailable
            }
            Self::Unportable { .. } => ErrorKind::InvalidData,
            Self::Different => ErrorKind::InvalidData,
            Self::Start { .. } => ErrorKind::Internal,
            Self::Stopped(_) => ErrorKind::Cancelled,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Engine(error) => error.retry(),
            Self::Location(error) => error.retry(),
            Self::Run(error) => error.retry(),
            Self::Catalog(error) => error.retry(),
            Self::Receipt { source, .. }
            | Self::ReceiptPlace { source }
            | Self::SchemaRead { source }
            | Self::SchemaPlace { source }
            | Self::Clean { source } => source.retry(),
            Self::Sign { source } => source.retry(),
            Self::Keys(error) => error.retry(),
            Self::NewKey { source } => source.retry(),
            Self::JobStore(error) => error.retry(),
            Self::Jobs { source } => source.retry(),
            _ => Retry::Never,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Engine(error) => return error.hints(),
            Self::Location(error) => return error.hints(),
            Self::Run(error) => return error.hints(),
            Self::Catalog(error) => return error.hints(),
            Self::Connection(error) => return error.hints(),
            Self::Unportable { .. } => {
                "write one that does with `tundra convert FILE --for READER`"
            }
            Self::NoTables { .. } => "see which there are with `tundra tables`",
            Self::MakeDirectory { .. } => "name others with `--catalog` and `--warehouse`",
            Self::Receipt { .. } => {
                "the data is good, and its own metadata says how it was made: see `tundra inspect`"
            }
            Self::ReceiptPlace { source } => match source {
                StorageError::AlreadyExists { .. } => {
                    "use `--overwrite` to replace it, or another name with `--receipt`"
                }
                other => return other.hints(),
            },
            Self::SchemaPlace { source } => match source {
                StorageError::AlreadyExists { .. } => {
                    "use `--overwrite` to replace it, or another name with `--output`"
                }
                other => return other.hints(),
            },
            Self::Schema { source, .. } => return source.hints(),
            Self::SchemaRead { source } | Self::Clean { source } => return source.hints(),
            Self::Sign { source } => return source.hints(),
            Self::Keys(error) => return error.hints(),
            Self::NewKey { source } => return source.hints(),
            Self::Tokens(error) => return error.hints(),
            Self::TraceSettings(error) => return error.hints(),
            Self::Traces(TracesError::Refused { .. }) => {
                "look whether the collector is there and takes OTLP over HTTP at that path with these headers"
            }
            Self::Traces(_) => {
                "install the certificates of authorities, or set OTEL_SDK_DISABLED=true"
            }
            Self::JobStore(error) => return error.hints(),
            Self::Jobs { source } => return source.hints(),
            Self::Server(error) => return error.hints(),
            Self::Secrets { source } => return source.hints(),
            Self::Issuer { source } => return source.hints(),
            Self::TempDirectory { .. } => {
                "name a directory with enough room with `--temp-dir` or DUCKDB_TEMP_DIR"
            }
            Self::Listen { .. } => {
                "choose another port with `--port`, or 0 for one that is free, and an address of this \
                 machine with `--listen`"
            }
            Self::Unhealthy { .. } => "look at its log; `tundra doctor` checks what it needs",
            Self::Usage { hint, .. } => hint,
            Self::Environment { .. } => "correct the variable, or unset it",
            Self::NoTempDirectory { .. } => "create it, or name another one with `--temp-dir`",
            Self::NoDirectory { .. } => "create the directory first, or check its spelling",
            Self::Key { .. } => "name a file that holds the key and that you may read",
            Self::Spool { .. } => "name a directory with enough room with `--temp-dir`",
            Self::Pipe { .. }
            | Self::Password { .. }
            | Self::Organisation { .. }
            | Self::Warehouse { .. }
            | Self::StandardOutput { .. }
            | Self::Serve { .. }
            | Self::Unwell { .. }
            | Self::Different
            | Self::Start { .. }
            | Self::Stopped(_) => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}

/// Returns the kind of a failure of the standard streams or of the temporary directory.
fn io_kind(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            ErrorKind::LimitExceeded
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            ErrorKind::PermissionDenied
        }
        io::ErrorKind::IsADirectory => ErrorKind::InvalidRequest,
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        _ => ErrorKind::Unavailable,
    }
}

/// Prints the failure on standard error, as text or as a JSON object.
pub(crate) fn report(failure: &Failure, printer: &Printer) {
    let message = failure.to_string();
    let causes = causes(failure, &message);
    let hints = failure.hints();
    if printer.is_json() {
        printer.error_json(&error_object(failure, message, causes, hints));
        return;
    }
    let in_one_line = |texts: Vec<String>| -> Vec<String> {
        texts.iter().map(|text| one_line(text, None)).collect()
    };
    // What was typed, and names of columns, may hold line breaks. Where a message has lines of its
    // own, they stay.
    let (message, causes) = match failure {
        Failure::Engine(Error::Query { .. }) => {
            let width = render::error_width();
            (message, causes.iter().map(|cause| render::sql_error(cause, width)).collect())
        }
        Failure::Engine(Error::Drift { .. } | Error::Engine { .. }) => (message, causes),
        _ => (one_line(&message, None), in_one_line(causes)),
    };
    printer.error(&message, &causes, &in_one_line(hints));
}

/// Returns a failure in one text with its causes, and what can be done about it: for whoever tells of more
/// than one.
pub(crate) fn told(failure: &Failure) -> (String, Vec<String>) {
    let mut text = failure.to_string();
    for cause in causes(failure, &failure.to_string()) {
        text.push_str(": ");
        text.push_str(&cause);
    }
    (text, failure.hints())
}

/// Returns the texts of the causes, outermost first, without those that only repeat what stands
/// before them.
fn causes(failure: &Failure, message: &str) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut next = failure.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        let previous = causes.last().map_or(message, String::as_str);
        if !text.is_empty() && text != previous {
            causes.push(text);
        }
        next = cause.source();
    }
    causes
}

fn error_object(
    failure: &Failure,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
) -> Value {
    let mut error = json!({
        "code": failure.kind().code(),
        "exit_code": failure.exit_code(),
        "message": message,
        "causes": causes,
        "hints": hints,
    });
    if let Some(data) = failure.data_error() {
        error["data_code"] = data.code.as_str().into();
        error["line"] = data.line.into();
        error["byte"] = data.byte.into();
        error["record"] = data.record.into();
        error["column"] = data.column.clone().into();
        error["text"] = data.text.clone().into();
    }
    if let Failure::Engine(Error::Drift { drift, .. }) = failure {
        error["differences"] = differences(drift);
    }
    if let Failure::Schema { source, .. } = failure {
        error["line"] = source.line.into();
    }
    json!({ "error": error })
}

/// Returns the differences between an input and its schema as JSON.
fn differences(drift: &Drift) -> Value {
    let objects = drift.differences.iter().map(|difference| {
        let mut object = json!({
            "kind": difference.kind(),
            "column": difference.column(),
            "detail": difference.detail(),
        });
        match difference {
            Difference::Added { column_type, .. } => object["type"] = column_type.clone().into(),
            Difference::Missing { column_type, .. } => {
                object["expected_type"] = column_type.as_ref().map(ToString::to_string).into();
            }
            Difference::Retyped { expected, found, reason, values, first, .. } => {
                object["expected_type"] = expected.to_string().into();
                object["type"] = found.clone().into();
                object["reason"] = reason.clone().into();
                object["values"] = (*values).into();
                if let Some(first) = first {
                    object["line"] = first.line.into();
                    object["byte"] = first.byte.into();
                    object["record"] = first.record.into();
                    object["text"] = first.text.clone().into();
                }
            }
            Difference::Nulls { nulls, .. } => object["nulls"] = (*nulls).into(),
            // What a later version adds has its kind and its detail.
            _ => {}
        }
        object
    });
    objects.collect()
}

/// Prints what clap says about the command line, and returns the code with which the program ends.
///
/// Help and version are no errors. With `--json` among the arguments an error is a JSON object, as
/// every other.
pub(crate) fn report_clap(mut error: clap::Error, json: bool) -> Result<u8, Failure> {
    explain_second_file(&mut error);
    if error.use_stderr() && json {
        let text = error.to_string();
        let message = text.trim_start_matches("error: ");
        let (message, rest) = message.split_once("\n\n").unwrap_or((message, ""));
        let hints: Vec<&str> =
            rest.lines().filter_map(|line| line.trim().strip_prefix("tip: ")).collect();
        Printer::for_errors(json).error_json(&json!({ "error": {
            "code": ErrorKind::InvalidRequest.code(),
            "exit_code": USAGE,
            "message": message,
            "causes": [],
            "hints": hints,
        }}));
        return Ok(USAGE);
    }
    let is_control = |character: char| character.is_control();
    let drives = |text: std::ffi::OsString| text.to_string_lossy().contains(is_control);
    if error.use_stderr() && std::env::args_os().any(drives) {
        // It repeats what was typed, which must not drive the terminal.
        Printer::for_errors(json).stderr(&printable(&error.to_string()));
        return Ok(USAGE);
    }
    match error.print() {
        // Nobody is left to read the help: that is not a failure.
        Err(source) if source.kind() == io::ErrorKind::BrokenPipe => {}
        Err(source) if !error.use_stderr() => return Err(Failure::StandardOutput { source }),
        // An error that cannot be printed is still told by the exit code.
        Ok(()) | Err(_) => {}
    }
    Ok(if error.use_stderr() { USAGE } else { 0 })
}

/// Says what can be done about a second file, which clap only calls unexpected.
fn explain_second_file(error: &mut clap::Error) {
    let Some(ContextValue::String(second)) = error.get(ContextKind::InvalidArg) else { return };
    let usage = error.get(ContextKind::Usage).map_or(String::new(), ToString::to_string);
    let is_convert = usage.contains(" convert ");
    let is_known = is_convert || usage.contains(" inspect ");
    let is_unknown = error.kind() == clap::error::ErrorKind::UnknownArgument;
    if !is_unknown || !is_known || second.starts_with('-') {
        return;
    }
    let is_output = [".parquet", ".pq", ".parq"].iter().any(|end| second.ends_with(end));
    let tip = if is_convert && is_output {
        format!("to write to '{second}', use '-o {second}'")
    } else {
        "one file is read at a time".to_owned()
    };
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_repeats_its_parent_is_left_out() {
        let inner = io::Error::other("disk on fire");
        let outer = io::Error::other(io::Error::other(inner));
        let input = "standard input".to_owned();
        let failure = Failure::Pipe { input, source: outer };
        let message = failure.to_string();
        assert_eq!(causes(&failure, &message), ["disk on fire"]);
    }

    #[test]
    fn the_codes_of_signals_and_pipes_are_no_kind_s_code() {
        let codes: Vec<u8> = ErrorKind::ALL.iter().map(|kind| kind.exit_code()).collect();
        assert!(!codes.contains(&BROKEN_PIPE));
        assert!(!codes.contains(&Signal::Terminate.exit_code()));
        assert_eq!(Signal::Interrupt.exit_code(), ErrorKind::Cancelled.exit_code());
    }

    #[test]
    fn a_data_error_tells_its_place_to_programs() {
        let source = Box::new(DataError {
            code: tundra_core::DataCode::BadValue,
            record: 3,
            line: 4,
            byte: 31,
            column: Some("zip".to_owned()),
            text: "00713".to_owned(),
            message: "not a BIGINT".to_owned(),
        });
        let failure = Failure::from(Error::Data { input: "a.csv".to_owned(), source });
        let object = error_object(&failure, failure.to_string(), Vec::new(), Vec::new());
        assert_eq!(object["error"]["line"], 4);
        assert_eq!(object["error"]["column"], "zip");
        assert_eq!(object["error"]["data_code"], "bad_value");
        assert_eq!(object["error"]["code"], "invalid_data");
    }
}
