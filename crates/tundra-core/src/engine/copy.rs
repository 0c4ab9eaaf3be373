//! One statement of DuckDB that writes an output, watched while it runs.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use arrow::{
    array::{Array, AsArray},
    datatypes::{Int64Type, UInt64Type},
};
use tundra_duckdb::{Database, FileSystem, Interrupter};

use crate::{
    Cancel, Control, Error, Progress, Resources, RunId,
    engine::{
        failure::{engine_error, input_error},
        resources::Shares,
    },
};

/// How often a run looks whether somebody wants it to stop: well below the second that is promised.
pub(crate) const LOOK_UP: Duration = Duration::from_millis(20);

/// What stops a run: the caller's switch, its deadline, or that nobody waits for it any more.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    control: Control,
    /// When the run began.
    pub(crate) began: Instant,
    deadline: Option<Instant>,
    /// The run's own switch; what reads the input looks at it.
    pub(crate) own: Cancel,
}

impl Stop {
    /// Begins to count the time.
    pub(crate) fn new(control: &Control) -> Self {
        let began = Instant::now();
        let deadline = control.timeout.and_then(|timeout| began.checked_add(timeout));
        Self { control: control.clone(), began, deadline, own: Cancel::default() }
    }

    /// Fails when the run is to stop.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.reason() {
            Some(error) => {
                self.own.cancel();
                Err(error)
            }
            None => Ok(()),
        }
    }

    /// Does work that can be given up at any moment, and gives it up when the run is to stop. It is not begun
    /// when that is so already.
    pub(crate) async fn unless_stopped<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<T, Error> {
        self.check()?;
        let stopped = async {
            loop {
                if let Err(error) = self.check() {
                    return error;
                }
                tokio::time::sleep(LOOK_UP).await;
            }
        };
        tokio::select! {
            done = work => Ok(done),
            error = stopped => Err(error),
        }
    }

    /// Returns the error itself, or why the run was stopped when that is what it means.
    pub(crate) fn explain(&self, error: Error) -> Error {
        match (&error, self.reason()) {
            (Error::Cancelled, Some(reason)) => reason,
            _ => error,
        }
    }

    fn reason(&self) -> Option<Error> {
        if self.control.cancel.is_cancelled() || self.own.is_cancelled() && !self.is_late() {
            return Some(Error::Cancelled);
        }
        self.control.timeout.filter(|_| self.is_late()).map(Error::Timeout)
    }

    fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// Whether the rows of the output stand in the order in which they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowOrder {
    /// They do.
    Kept,
    /// They need not, which takes less memory.
    Free,
}

/// Which functions statements have. Most of the time that it takes to open a database is for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Functions {
    /// Those that count and compare: enough where the rows come from us as they are to be written.
    Few,
    /// All: DuckDB reads a file by itself, and changes types.
    All,
}

/// Opens a database for a run.
pub(crate) fn open_database(
    resources: &Resources,
    shares: Shares,
    run: RunId,
    order: RowOrder,
    functions: Functions,
    files: Arc<dyn FileSystem>,
) -> Result<Arc<Database>, Error> {
    let options = tundra_duckdb::Options {
        memory_limit: shares.engine,
        threads: resources.threads,
        io_threads: 0,
        temp_directory: Some(resources.temp_directory.join(format!("tundra-{run}"))),
        max_temp_size: resources.max_temp_size,
        preserve_insertion_order: order == RowOrder::Kept,
        cache_files: false,
        all_functions: functions == Functions::All,
    };
    Database::open(&options, files).map(Arc::new).map_err(|error| engine_error("start", error))
}

/// A Parquet file that DuckDB itself reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadByEngine<'a> {
    /// Its place as a person would write it.
    pub(crate) location: &'a str,
    /// Its size in bytes.
    pub(crate) bytes: u64,
}

/// Runs a `COPY … RETURN_STATS` and returns how many rows the writer counted.
///
/// With an `input` DuckDB's own progress is reported, and what is wrong with the input is its fault.
pub(crate) fn run_copy(
    database: &Arc<Database>,
    sql: &str,
    stop: &Stop,
    input: Option<ReadByEngine<'_>>,
) -> Result<u64, Error> {
    const OPERATION: &str = "write the output";
    let bytes = input.map(|input| input.bytes);
    run_copy_or(database, sql, stop, bytes, |error| match input {
        Some(input) => input_error(OPERATION, input.location, error),
        None => engine_error(OPERATION, error),
    })
}

/// Runs a `COPY … RETURN_STATS` as [`run_copy`] does, where a failure means something of its own. Of
/// `progress_bytes` DuckDB's progress is reported.
pub(crate) fn run_copy_or(
    database: &Arc<Database>,
    sql: &str,
    stop: &Stop,
    progress_bytes: Option<u64>,
    meant: impl FnOnce(tundra_duckdb::Error) -> Error,
) -> Result<u64, Error> {
    stop.check()?;
    let watcher = Watcher::start(database, stop, progress_bytes)?;
    let result = database.query(sql);
    drop(watcher);
    let batches = result.map_err(|error| stop.explain(meant(error)))?;
    let count = batches.iter().find(|batch| batch.num_rows() > 0).and_then(|batch| {
        let column = batch.column_by_name("count")?;
        if let Some(counts) = column.as_primitive_opt::<UInt64Type>() {
            return (!counts.is_null(0)).then(|| counts.value(0));
        }
        let counts = column.as_primitive_opt::<Int64Type>()?;
        u64::try_from(counts.value(0)).ok()
    });
    count.ok_or_else(|| Error::Internal("DuckDB returned no statistics of its output".to_owned()))
}

/// A thread that interrupts the database when the run is to stop.
pub(crate) struct Watcher {
    /// Dropped to end the thread.
    done: Option<mpsc::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Watcher {
    /// Starts watching.
    pub(crate) fn start(
        database: &Arc<Database>,
        stop: &Stop,
        progress_bytes: Option<u64>,
    ) -> Result<Self, Error> {
        let (done, ended) = mpsc::channel::<()>();
        let interrupter: Interrupter = database.interrupter();
        let (database, stop) = (Arc::clone(database), stop.clone());
        let thread = thread::Builder::new()
            .name("tundra-watch".to_owned())
            .spawn(move || {
                while ended.recv_timeout(LOOK_UP) == Err(mpsc::RecvTimeoutError::Timeout) {
                    if stop.reason().is_some() {
                        stop.own.cancel();
                        interrupter.interrupt();
                    }
                    if let (Some(total), Some(share)) = (progress_bytes, database.progress()) {
                        #[expect(
                            clippy::cast_possible_truncation,
                            clippy::cast_precision_loss,
                            clippy::cast_sign_loss,
                            reason = "progress is approximate"
                        )]
                        let bytes = (total as f64 * share) as u64;
                        stop.control.reporter.progress(Progress {
                            bytes,
                            total_bytes: Some(total),
                            records: 0,
                        });
                    }
                }
            })
            .map_err(|error| Error::Internal(format!("could not start a thread: {error}")))?;
        Ok(Self { done: Some(done), thread: Some(thread) })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.done.take();
        if let Some(thread) = self.thread.take() {
            // It cannot panic: it only reads and interrupts.
            drop(thread.join());
        }
    }
}
