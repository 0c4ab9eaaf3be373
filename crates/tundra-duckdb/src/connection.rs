//! The C++ database behind a safe face: one call per function of `cpp/abi.h`.
//!
//! It runs what it is told on the thread that calls. Waiting, giving up and files are the business of
//! [`Database`](crate::Database) and [`Host`].

#![expect(unsafe_code, reason = "calls C++ with the database's pointer")]

use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use arrow_array::ffi::FFI_ArrowSchema;

use crate::callbacks::callbacks;
use crate::database::Options;
use crate::error::{Class, Error, Result};
use crate::ffi::{
    RawDatabase, RawError, RawOptions, Str, tundra_database_add_stream, tundra_database_free,
    tundra_database_interrupt, tundra_database_memory, tundra_database_open,
    tundra_database_progress, tundra_database_run, tundra_database_spilled, tundra_error_free,
    tundra_error_message, tundra_error_slot, tundra_error_type, tundra_version,
};
use crate::host::Host;
use crate::results::Rows;
use crate::stream::Stream;

/// An open database. Dropping it closes it.
pub(crate) struct Connection {
    raw: NonNull<RawDatabase>,
    host: Arc<Host>,
    /// Taken for the functions that C++ wants called by one thread at a time.
    turn: Mutex<()>,
}

/// What a statement returned.
#[derive(Debug)]
pub(crate) struct Answer {
    /// How many rows it changed or copied.
    pub(crate) changed: u64,
    /// The rows, if they were asked for.
    pub(crate) rows: Vec<RecordBatch>,
}

// SAFETY: the C++ side may be used from any thread, one at a time where `turn` is taken; the other
// functions set or read atomics.
unsafe impl Send for Connection {}
// SAFETY: as above.
unsafe impl Sync for Connection {}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Connection {
    pub(crate) fn open(options: &Options, host: Arc<Host>) -> Result<Self> {
        let temp_directory = spill_directory(options)?;
        let raw_options = RawOptions {
            memory_limit: options.memory_limit,
            threads: options.threads.max(1) as u64,
            io_threads: options.io_threads as u64,
            temp_directory: Str::borrow(&temp_directory),
            max_temp_size: options.max_temp_size,
            preserve_insertion_order: options.preserve_insertion_order,
            cache_files: options.cache_files,
            all_functions: options.all_functions,
        };
        let mut raw = ptr::null_mut();
        // SAFETY: the options live for the call, and C++ takes the callbacks' context.
        let error =
            unsafe { tundra_database_open(&raw const raw_options, callbacks(&host), &raw mut raw) };
        if let Some(failure) = Failure::take(error) {
            return Err(Error::Open { class: failure.class(), message: failure.message });
        }
        let raw = NonNull::new(raw).ok_or_else(|| Error::Open {
            class: Class::Internal,
            message: "no database and no reason".to_owned(),
        })?;
        Ok(Self { raw, host, turn: Mutex::default() })
    }

    /// Runs one statement and collects its rows if `wants_rows`.
    pub(crate) fn run(&self, sql: &str, wants_rows: bool) -> Result<Answer> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rows = Rows::default();
        let mut changed = 0;
        let sink = rows.sink();
        let sink = if wants_rows { &raw const sink } else { ptr::null() };
        // SAFETY: the database is open and no other statement runs. The text, the sink with the rows
        // behind it and the count live for the call.
        let error = unsafe {
            tundra_database_run(self.raw.as_ptr(), Str::borrow(sql), sink, &raw mut changed)
        };
        self.outcome(error)?;
        Ok(Answer { changed, rows: rows.finish()? })
    }

    /// Makes a stream a view.
    pub(crate) fn add_stream(&self, name: &str, stream: Stream) -> Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut schema = FFI_ArrowSchema::try_from(stream.schema().as_ref())
            .map_err(|source| Error::Stream { name: name.to_owned(), source: source.into() })?;
        // SAFETY: the database is open, no statement runs, and C++ takes the stream and the schema.
        let error = unsafe {
            tundra_database_add_stream(
                self.raw.as_ptr(),
                Str::borrow(name),
                stream.into_raw(),
                &raw mut schema,
            )
        };
        self.outcome(error)
    }

    pub(crate) fn interrupt(&self) {
        // SAFETY: the database is open. C++ sets atomics.
        unsafe { tundra_database_interrupt(self.raw.as_ptr()) };
    }

    /// Returns a percentage, negative if unknown.
    pub(crate) fn progress(&self) -> f64 {
        // SAFETY: the database is open. C++ reads an atomic.
        unsafe { tundra_database_progress(self.raw.as_ptr()) }
    }

    pub(crate) fn memory_used(&self) -> u64 {
        // SAFETY: the database is open. C++ reads atomics.
        unsafe { tundra_database_memory(self.raw.as_ptr()) }
    }

    pub(crate) fn spilled(&self) -> u64 {
        // SAFETY: the database is open. C++ reads an atomic.
        unsafe { tundra_database_spilled(self.raw.as_ptr()) }
    }

    /// Turns C++'s answer into ours, and gets the original error back if it was one of Rust's.
    fn outcome(&self, error: *mut RawError) -> Result<()> {
        let outcome = Failure::take(error).map_or(Ok(()), |failure| {
            Err(self.host.failures.take(failure.slot, &failure.message).unwrap_or_else(|| {
                match failure.class() {
                    Class::Interrupted => Error::Interrupted,
                    class => Error::Query { class, message: failure.message },
                }
            }))
        });
        self.host.failures.clear();
        outcome
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: nobody else has the pointer any more. C++ ends its threads first.
        unsafe { tundra_database_free(self.raw.as_ptr()) };
    }
}

/// Returns the version of DuckDB that is linked in.
pub(crate) fn duckdb_version() -> String {
    // SAFETY: the text is static.
    unsafe { tundra_version().copy() }
}

/// What C++ reported, copied out of its error.
struct Failure {
    exception_type: u8,
    slot: u64,
    message: String,
}

impl Failure {
    fn take(error: *mut RawError) -> Option<Self> {
        if error.is_null() {
            return None;
        }
        // SAFETY: C++ gave the error away; it is read, then freed.
        unsafe {
            let failure = Self {
                exception_type: tundra_error_type(error),
                slot: tundra_error_slot(error),
                message: tundra_error_message(error).copy(),
            };
            tundra_error_free(error);
            Some(failure)
        }
    }

    fn class(&self) -> Class {
        Class::from_duckdb(self.exception_type, &self.message)
    }
}

/// Returns the spill directory as C++ takes it: absolute, or empty for none.
fn spill_directory(options: &Options) -> Result<String> {
    let Some(path) = &options.temp_directory else { return Ok(String::new()) };
    // An absolute path stays right when the process changes its directory.
    std::path::absolute(path)
        .ok()
        .and_then(|path| path.to_str().map(str::to_owned))
        .ok_or_else(|| Error::TempDirectory { path: path.clone() })
}
