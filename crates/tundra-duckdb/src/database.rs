//! One sandboxed DuckDB: opening it, running statements on it, closing it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{RecordBatch, RecordBatchReader};

use crate::connection::{Answer, Connection, duckdb_version};
use crate::desk::Desk;
use crate::error::{Class, Error, Result};
use crate::file_system::FileSystem;
use crate::host::Host;
use crate::interrupt::Interrupter;
use crate::stream::Stream;
use crate::worker::{Job, Worker};

/// With what a [`Database`] is opened. Nothing of it can be changed later, from SQL least of all.
#[derive(Debug, Clone)]
pub struct Options {
    /// How much memory DuckDB's buffers may take, in bytes. The process takes more: what is decoded,
    /// compressed or read at the moment is not all counted.
    pub memory_limit: u64,

    /// How many threads compute. At least 1.
    pub threads: usize,

    /// How many further threads write files while the others compute. With 0, whoever has something
    /// to write does it. That is as fast and takes less memory where writing does not block.
    pub io_threads: usize,

    /// Where DuckDB puts what does not fit in memory: a local directory. If it does not exist, DuckDB
    /// makes it when it needs it, inside a directory that does, and removes it at the end. If `None`,
    /// what does not fit is an error.
    pub temp_directory: Option<PathBuf>,

    /// How many bytes the spill directory may hold at any time.
    pub max_temp_size: u64,

    /// Whether rows are written in the order in which they are read. Costs memory.
    pub preserve_insertion_order: bool,

    /// Whether DuckDB keeps the bytes that it has read of a file, as far as memory allows, for reading
    /// them again.
    pub cache_files: bool,

    /// Whether SQL has all of DuckDB's functions and types. Otherwise it has those of DuckDB's core, among
    /// them counting, comparing and casting, and Parquet's: to set up the others takes most of the time
    /// that it takes to open a database.
    pub all_functions: bool,
}

/// One in-memory DuckDB that sees nothing but its [`FileSystem`], sandboxed from the moment it is
/// returned. Dropping it ends its threads and removes its spill files.
///
/// Statements run one after the other: a second caller waits for the first. After an
/// [interrupt](Interrupter::interrupt) that DuckDB was slow to notice, dropping does not wait for it.
#[derive(Debug)]
pub struct Database {
    connection: Arc<Connection>,
    host: Arc<Host>,
    desk: Arc<Desk>,
    /// Gone only while the database is dropped.
    worker: Option<Worker>,
    turn: Mutex<()>,
}

impl Database {
    /// Opens a database over `files`. Takes some 12 ms, or 5 without [`Options::all_functions`], nearly all
    /// of them DuckDB's own, and touches no disk.
    ///
    /// # Errors
    ///
    /// Fails if DuckDB cannot start with these options.
    pub fn open(options: &Options, files: Arc<dyn FileSystem>) -> Result<Self> {
        let host = Arc::new(Host::new(files));
        let connection = Arc::new(Connection::open(options, Arc::clone(&host))?);
        let desk = Arc::new(Desk::new(&connection));
        let worker =
            Worker::start(Arc::clone(&connection), Arc::clone(&desk)).map_err(|error| {
                Error::Open {
                    class: Class::Other,
                    message: format!("no thread to run on: {error}"),
                }
            })?;
        Ok(Self { connection, host, desk, worker: Some(worker), turn: Mutex::default() })
    }

    /// Runs one statement and returns how many rows it changed or copied.
    ///
    /// Files that it wrote are finished before this returns, and only if everything else succeeded;
    /// otherwise they are given up.
    ///
    /// # Errors
    ///
    /// Fails if the statement is wrong, forbidden or interrupted, or if it fails while it runs.
    pub fn execute(&self, sql: &str) -> Result<u64> {
        self.run(sql, false).map(|answer| answer.changed)
    }

    /// Runs one statement and collects its rows. For small results: they are all in memory, outside
    /// of the memory limit. The batches may outlive the database.
    ///
    /// An empty result is one batch without rows.
    ///
    /// # Errors
    ///
    /// As for [`execute`](Self::execute), and if the result has a type that Arrow lacks.
    pub fn query(&self, sql: &str) -> Result<Vec<RecordBatch>> {
        self.run(sql, true).map(|answer| answer.rows)
    }

    /// Makes the record batches of `reader` a view, to be selected from once.
    ///
    /// DuckDB's threads pull one batch at a time, in turn, so that the reader is never ahead of them,
    /// and convert them in parallel. With [`Options::preserve_insertion_order`] the rows keep their
    /// order. Batches of as many rows as a row group of the output are the fastest. The reader is
    /// dropped when the statement that reads it ends, or with the database.
    ///
    /// # Errors
    ///
    /// Fails if the name is taken, or if DuckDB lacks one of the types.
    pub fn register_stream(
        &self,
        name: &str,
        reader: Box<dyn RecordBatchReader + Send>,
    ) -> Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if self.desk.is_abandoned() {
            return Err(Error::Interrupted);
        }
        let stream = Stream::new(Arc::clone(&self.host), name, reader);
        self.connection.add_stream(name, stream)
    }

    /// Returns a handle that stops this database.
    #[must_use]
    pub fn interrupter(&self) -> Interrupter {
        Interrupter::new(Arc::clone(&self.desk))
    }

    /// Returns how much of the statement that runs is done, from 0 to 1, or `None` if none runs or
    /// DuckDB cannot tell. It cannot where a stream is read. May be called while another thread is in
    /// [`execute`](Self::execute).
    #[must_use]
    pub fn progress(&self) -> Option<f64> {
        let percentage = self.connection.progress();
        (percentage >= 0.0).then(|| (percentage / 100.0).min(1.0))
    }

    /// Returns how many bytes of memory DuckDB's buffers hold now. May be called at any time.
    #[must_use]
    pub fn memory_used(&self) -> u64 {
        self.connection.memory_used()
    }

    /// Returns how many bytes the spill directory holds now. May be called at any time.
    #[must_use]
    pub fn spilled(&self) -> u64 {
        self.connection.spilled()
    }

    /// Returns the version of DuckDB that is linked in, for example `v2.0.0`.
    #[must_use]
    pub fn duckdb_version() -> String {
        duckdb_version()
    }

    fn run(&self, sql: &str, wants_rows: bool) -> Result<Answer> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(worker) = self.worker.as_ref().filter(|_| !self.desk.is_abandoned()) else {
            return Err(Error::Interrupted);
        };
        worker.run(Job { sql: sql.to_owned(), wants_rows });
        let outcome = self.desk.wait();
        match &outcome {
            Ok(_) => self.host.keep_written()?,
            Err(_) if self.desk.is_abandoned() => self.host.revoke(),
            Err(_) => self.host.discard_written(),
        }
        outcome
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.desk.close();
        if let Some(worker) = self.worker.take() {
            if self.desk.is_abandoned() {
                worker.detach();
            } else {
                worker.join();
            }
        }
    }
}
