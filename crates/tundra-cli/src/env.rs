//! The environment variables that the program reads, and the one place that reads them.
//!
//! Start at [`ALL`]; the reference of the command line lists it. A flag always wins over a
//! variable. A variable with a value that makes no sense is an error, never ignored; an empty one
//! counts as not set.

use std::{env, num::NonZeroUsize, path::PathBuf, time::Duration};

use crate::{args::values, failure::Failure};

/// An environment variable that is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it does, as a sentence.
    pub(crate) meaning: &'static str,
}

/// Chooses what the log shows.
const TUNDRA_LOG: Variable = Variable {
    name: "TUNDRA_LOG",
    meaning: "What the log on standard error shows, such as `debug` or `tundra_core=trace,warn`; \
              it wins over `--verbose`.",
};

/// Switches colour off.
const NO_COLOR: Variable = Variable { name: "NO_COLOR", meaning: "Any value switches colour off." };

/// Switches the progress bar off.
const CI: Variable = Variable { name: "CI", meaning: "Any value switches the progress bar off." };

/// The default of `--memory`.
const DUCKDB_MEMORY_LIMIT: Variable = Variable {
    name: "DUCKDB_MEMORY_LIMIT",
    meaning: "The default of `--memory`, such as `6GB`. As in Tundra 4.0 in name; it now limits \
              the whole process and not only the engine.",
};

/// The default of `--threads`.
const DUCKDB_THREADS: Variable =
    Variable { name: "DUCKDB_THREADS", meaning: "The default of `--threads`, as in Tundra 4.0." };

/// The default of `--temp-dir`.
const DUCKDB_TEMP_DIR: Variable = Variable {
    name: "DUCKDB_TEMP_DIR",
    meaning: "The default of `--temp-dir`, as in Tundra 4.0. The directory must exist.",
};

/// The default of `--max-temp-size`.
const DUCKDB_MAX_TEMP_DIR_SIZE: Variable = Variable {
    name: "DUCKDB_MAX_TEMP_DIR_SIZE",
    meaning: "The default of `--max-temp-size`, as in Tundra 4.0.",
};

/// The default of `--timeout`.
const MAX_PROCESSING_TIME_MINUTES: Variable = Variable {
    name: "MAX_PROCESSING_TIME_MINUTES",
    meaning: "The default of `--timeout` in minutes, as in Tundra 4.0; without it there is none.",
};

/// Every variable, in the order of the documentation.
pub(crate) const ALL: [Variable; 8] = [
    TUNDRA_LOG,
    NO_COLOR,
    CI,
    DUCKDB_MEMORY_LIMIT,
    DUCKDB_THREADS,
    DUCKDB_TEMP_DIR,
    DUCKDB_MAX_TEMP_DIR_SIZE,
    MAX_PROCESSING_TIME_MINUTES,
];

/// Defaults of flags that the environment sets.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// Of `--memory`, in bytes.
    pub(crate) memory: Option<u64>,
    /// Of `--threads`.
    pub(crate) threads: Option<NonZeroUsize>,
    /// Of `--temp-dir`.
    pub(crate) temp_dir: Option<PathBuf>,
    /// Of `--max-temp-size`, in bytes.
    pub(crate) max_temp_size: Option<u64>,
    /// Of `--timeout`.
    pub(crate) timeout: Option<Duration>,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// Fails when a variable is set to something that is no value of its flag.
    pub(crate) fn read() -> Result<Self, Failure> {
        Ok(Self {
            memory: parsed(DUCKDB_MEMORY_LIMIT, values::size)?,
            threads: parsed(DUCKDB_THREADS, |text| {
                text.parse().map_err(|_| "it must be a number from 1 on".to_owned())
            })?,
            temp_dir: env::var_os(DUCKDB_TEMP_DIR.name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from),
            max_temp_size: parsed(DUCKDB_MAX_TEMP_DIR_SIZE, values::size)?,
            timeout: parsed(MAX_PROCESSING_TIME_MINUTES, |text| {
                match text.parse::<u64>().ok().and_then(|minutes| minutes.checked_mul(60)) {
                    Some(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
                    _ => Err("it must be a number of minutes from 1 on".to_owned()),
                }
            })?,
        })
    }
}

/// Returns what the log shall show, if the environment says so.
pub(crate) fn log_filter() -> Option<String> {
    env::var(TUNDRA_LOG.name).ok().filter(|value| !value.is_empty())
}

/// Returns whether colour may be used, as far as the environment goes.
pub(crate) fn allows_color() -> bool {
    let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    !dumb && !is_set(NO_COLOR)
}

/// Returns whether a progress bar may be drawn, as far as the environment goes.
pub(crate) fn allows_progress() -> bool {
    !is_set(CI)
}

/// The name of the variable for the log, for messages about it.
pub(crate) const fn log_variable() -> &'static str {
    TUNDRA_LOG.name
}

fn is_set(variable: Variable) -> bool {
    env::var_os(variable.name).is_some_and(|value| !value.is_empty())
}

fn parsed<T>(
    variable: Variable,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, Failure> {
    let Some(value) = env::var_os(variable.name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let value = value.to_string_lossy();
    match parse(value.trim()) {
        Ok(parsed) => Ok(Some(parsed)),
        Err(reason) => {
            Err(Failure::Environment { variable: variable.name, value: value.into_owned(), reason })
        }
    }
}
