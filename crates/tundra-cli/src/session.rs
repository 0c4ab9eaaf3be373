//! The runtime of a command that works, and how such a command is stopped.
//!
//! Start at [`run`]. Commands that only print never come here, so that they start at once.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::runtime;
use tundra_core::{Control, Error, Input, Reporter};

use crate::{
    failure::Failure,
    places::Source,
    progress::Bar,
    signals::{Signal, Signals},
    streams::PipedInput,
};

/// Threads of the runtime. They only wait: what computes runs on threads of the engine. Two, so
/// that a signal is heard while the other one is busy.
const RUNTIME_THREADS: usize = 2;

/// How long a run that writes to a pipe may go on after it was to stop. Whoever reads the pipe may have
/// stopped reading, and such a write never ends.
const PIPE_GRACE: Duration = Duration::from_millis(500);

/// How long a run that failed waits until servers were told to end their queries. With it a run that is
/// stopped still ends within a second.
const ORDERS_LEAVE: Duration = Duration::from_millis(700);

/// How long a run that failed waits until a store has dropped what was sent to it. One that answers takes
/// moments for that.
const UPLOADS_LEAVE: Duration = Duration::from_secs(5);

/// What a working command has at hand.
#[derive(Debug)]
pub(crate) struct Session {
    signals: Signals,
    began: Instant,
    timeout: Option<Duration>,
}

/// Runs a command's work on a runtime of its own, which ends with it.
///
/// # Errors
/// Fails when the work does. When a signal stopped it, the failure says which.
pub(crate) fn run<T>(
    timeout: Option<Duration>,
    work: impl AsyncFnOnce(&Session) -> Result<T, Failure>,
) -> Result<T, Failure> {
    run_on(RUNTIME_THREADS, timeout, work)
}

/// Runs a command's work as [`run`] does, on so many threads; one is too few to hear a signal.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_on<T>(
    threads: usize,
    timeout: Option<Duration>,
    work: impl AsyncFnOnce(&Session) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(threads.max(RUNTIME_THREADS))
        .enable_all()
        .build()
        .map_err(|source| Failure::Start { source })?;
    let result = runtime.block_on(async {
        let signals = Signals::listen().map_err(|source| Failure::Start { source })?;
        let session = Session { signals, began: Instant::now(), timeout };
        let result = work(&session).await;
        match (result, session.signals.received()) {
            (Err(Failure::Engine(Error::Cancelled)), Some(signal)) => Err(Failure::Stopped(signal)),
            // What the engine was given is what was left of the time; the user knows the whole.
            (Err(Failure::Engine(Error::Timeout(left))), _) => {
                Err(Error::Timeout(timeout.unwrap_or(left)).into())
            }
            (result, _) => result,
        }
    });
    if result.is_err() {
        // Servers are told that nobody waits for their answers any more, and stores that nothing follows.
        runtime.block_on(async {
            tokio::join!(
                tundra_connectors::orders_sent(ORDERS_LEAVE),
                tundra_storage::uploads_aborted(UPLOADS_LEAVE),
            )
        });
    }
    // A thread may still wait for standard input or output, which can last for ever.
    runtime.shutdown_background();
    result
}

impl Session {
    /// Returns what watches and stops a run of the engine.
    pub(crate) fn control(&self, reporter: &Arc<Bar>) -> Control {
        Control {
            reporter: Arc::clone(reporter) as Arc<dyn Reporter>,
            cancel: self.signals.cancel(),
            timeout: self.timeout.map(|timeout| timeout.saturating_sub(self.began.elapsed())),
        }
    }

    /// Returns the input for the engine; standard input, or another pipe, is read to its end first.
    ///
    /// # Errors
    /// Fails when the pipe cannot be read or kept, or when the run is stopped.
    pub(crate) async fn open(
        &self,
        source: Source,
        directory: PathBuf,
        bar: &Arc<Bar>,
    ) -> Result<Input, Failure> {
        let pipe = match source {
            Source::Object(input) => return Ok(input),
            Source::Pipe(pipe) => pipe,
        };
        bar.begin("reading");
        let cancel = self.signals.cancel();
        let reporter = Arc::clone(bar);
        let spool = tokio::task::spawn_blocking(move || {
            PipedInput::spool(&pipe, &directory, &*reporter, &cancel)
        });
        let spooled = tokio::select! {
            spooled = spool => spooled,
            signal = self.signals.wait() => return Err(Failure::Stopped(signal)),
            timeout = self.time_is_up() => return Err(Error::Timeout(timeout).into()),
        };
        let spooled = spooled.map_err(|error| Error::Internal(error.to_string()))??;
        if let Some(signal) = self.signals.received() {
            return Err(Failure::Stopped(signal));
        }
        Ok(Input { storage: Arc::new(spooled), path: PipedInput::path() })
    }

    /// Does work that may be given up at any moment, and gives it up when the run is to stop.
    ///
    /// # Errors
    /// Fails when the work does, or when the run is stopped.
    pub(crate) async fn unless_stopped<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            done = work => done,
            signal = self.signals.wait() => Err(Failure::Stopped(signal)),
            timeout = self.time_is_up() => Err(Error::Timeout(timeout).into()),
        }
    }

    /// Waits until a signal asks the program to stop.
    pub(crate) async fn signal(&self) -> Signal {
        self.signals.wait().await
    }

    /// Waits until the run was to stop and the time to end in order is over, and returns why.
    pub(crate) async fn stopped_and_late(&self) -> Failure {
        let why = tokio::select! {
            signal = self.signals.wait() => Failure::Stopped(signal),
            timeout = self.time_is_up() => Error::Timeout(timeout).into(),
        };
        tokio::time::sleep(PIPE_GRACE).await;
        why
    }

    /// Waits until the time allowed is over, and returns it.
    async fn time_is_up(&self) -> Duration {
        match self.timeout {
            Some(timeout) => {
                tokio::time::sleep_until((self.began + timeout).into()).await;
                timeout
            }
            None => std::future::pending().await,
        }
    }
}
