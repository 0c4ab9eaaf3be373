//! Tasks in processes of their own: [`ProcessExecutor`].
//!
//! A run that crashes, that takes more memory than it may or that hangs ends alone, and its caller is told
//! why. The program of a run is that of the service, started anew: see [`serve_task`] for its side. What is
//! not here is how a task is done, which is [`crate::tasks::Workshop::perform`] on either side.

mod budget;
mod child;
mod death;
mod log;
mod memory;
mod protocol;
mod sum;
mod watch;

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use axum::http::StatusCode;
use tempfile::TempDir;
use tokio::{process::Command, time::timeout};
use tundra_core::{Control, ErrorKind, IdempotencyKey, Scope, VersionStatus};
use tundra_runs::Runs;
use uuid::Uuid;

pub use self::{
    budget::{Available, Budget, Wishes},
    child::serve_task,
    memory::confine,
};
use self::{
    protocol::Assignment,
    sum::Sum,
    watch::{End, Ended},
};
use crate::{
    Failure,
    tasks::{Answer, Executor, Processes, Request, Task},
};

/// How long the catalog is waited for when a run has died. Its caller waits as long.
const BURIAL: Duration = Duration::from_secs(5);

/// What the process of a run may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessLimits {
    /// Memory in bytes: a process that takes more is ended.
    pub memory_per_run: u64,
    /// How long a run that is to stop may take to do so before it is ended, and one whose time is over.
    pub grace: Duration,
}

impl ProcessLimits {
    /// Returns limits with two seconds of grace: a run ends within one, unless the machine is busy.
    pub const fn new(memory_per_run: u64) -> Self {
        Self { memory_per_run, grace: Duration::from_secs(2) }
    }
}

/// Does each task in a process of its own.
///
/// # Cancellation
/// As the contract of [`Executor`] has it, but for a process that does not end when it is told to: it is
/// killed after [`ProcessLimits::grace`]. Whatever becomes of the service, no process outlives it for long:
/// each hears when the service is gone.
pub struct ProcessExecutor {
    runs: Runs,
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    temp_directory: PathBuf,
    limits: ProcessLimits,
    sum: Sum,
}

impl ProcessExecutor {
    /// Runs a program that calls [`serve_task`], with these arguments and nothing in its environment. The
    /// directory in which a run keeps what does not fit into memory is made for it in `temp_directory`, is
    /// named to it by `--temp-dir`, and is removed when it ends. `runs` is for versions of runs that died.
    pub fn new(
        runs: Runs,
        program: impl Into<PathBuf>,
        arguments: Vec<OsString>,
        temp_directory: impl Into<PathBuf>,
        limits: ProcessLimits,
    ) -> Self {
        Self {
            runs,
            program: program.into(),
            arguments,
            environment: Vec::new(),
            temp_directory: temp_directory.into(),
            limits,
            sum: Sum::default(),
        }
    }

    /// Gives the program this environment.
    #[must_use]
    pub fn with_environment(mut self, environment: Vec<(OsString, OsString)>) -> Self {
        self.environment = environment;
        self
    }

    fn command(&self, temp_directory: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg0("tundra")
            .args(&self.arguments)
            .arg("--temp-dir")
            .arg(temp_directory)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C at a terminal is for the service, which then ends its runs in order.
            .process_group(0)
            .kill_on_drop(true);
        command
    }

    /// Makes the directory of one run.
    async fn directory(&self) -> Result<TempDir, Failure> {
        let parent = self.temp_directory.clone();
        let made = tokio::task::spawn_blocking(move || {
            tempfile::Builder::new().prefix("tundra-run-").tempdir_in(parent)
        });
        let error = match made.await {
            Ok(Ok(directory)) => return Ok(directory),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        let shown = self.temp_directory.display();
        let detail = format!("could not make a directory for the run in `{shown}`: {error}");
        Err(Failure::of_kind(ErrorKind::Internal, detail))
    }

    /// Ends the version of a run that died, and says so in the failure.
    async fn bury(&self, dead: &Dead, failure: &mut Failure) {
        let work = async {
            let source = self.runs.find(&dead.scope, &dead.source).await?;
            self.runs.bury(&source, &dead.key, &failure.detail).await
        };
        match timeout(BURIAL, work).await {
            Ok(Ok(version)) => {
                failure.version = Some(version.number.get());
                if version.status == VersionStatus::Active {
                    failure
                        .detail
                        .push_str("; its version was complete before that, and is active");
                }
            }
            // A source that is gone has no versions left.
            Ok(Err(error)) => {
                tracing::warn!(%error, "could not end the version of a run that died: a sweep will");
            }
            Err(_) => {
                tracing::warn!("gave up to end the version of a run that died: a sweep will");
            }
        }
    }
}

#[async_trait]
impl Executor for ProcessExecutor {
    fn processes(&self) -> Option<Processes> {
        Some(self.sum.processes())
    }

    async fn run(&self, mut task: Task, control: Control) -> Result<Answer, Failure> {
        let began = Instant::now();
        let has_key = task.key.is_some();
        let dead = Dead::foreseen(&mut task)?;
        let directory = self.directory().await?;
        let timeout_ms = control.timeout.map(|limit| {
            let left = limit.saturating_sub(began.elapsed());
            u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
        });
        let assignment = Assignment { task, timeout_ms };
        let mut command = self.command(directory.path());
        let ended = watch::run(&mut command, &assignment, &control, self.limits, &self.sum).await;
        // It may hold gigabytes of a run that was killed.
        let _ = tokio::task::spawn_blocking(move || drop(directory)).await;
        let Ended { end, had_begun } = ended.map_err(|error| {
            let detail = format!("could not start a process for the run: {error}");
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, ErrorKind::Unavailable.code(), detail)
                .retry_after(Duration::from_secs(1))
        })?;
        let death = match end {
            End::Answered(answer) => return Ok(*answer),
            End::Failed(failure) => return Err(*failure),
            End::Died(death) => death,
        };
        let mut failure = death.failure(self.limits.memory_per_run);
        tracing::error!(code = failure.code, reason = failure.detail, "a run died");
        // Under a key of the caller's, the version may be that of another run which lives: it is this one's
        // for certain once it had begun.
        if let Some(dead) = dead
            && (!has_key || had_begun)
        {
            self.bury(&dead, &mut failure).await;
        }
        Err(failure)
    }
}

impl fmt::Debug for ProcessExecutor {
    /// Shows no variable: they hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessExecutor")
            .field("program", &self.program)
            .field("arguments", &self.arguments)
            .field("temp_directory", &self.temp_directory)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// By what the version of a run is found if the run dies.
#[derive(Debug)]
struct Dead {
    scope: Scope,
    /// The id of the source.
    source: String,
    key: IdempotencyKey,
}

impl Dead {
    /// Returns it for a task that makes a version, and gives the task a key if it has none.
    fn foreseen(task: &mut Task) -> Result<Option<Self>, Failure> {
        let source = match &task.request {
            Request::ConvertFile(request) => request.source_id.as_ref(),
            Request::ConvertDatabase(request) => request.source_id.as_ref(),
            Request::Infer(_) | Request::TestConnection(_) | Request::Preview(_) => None,
        };
        let Some(source) = source.cloned() else { return Ok(None) };
        let scope = task.scope.scope()?;
        task.key.get_or_insert_with(|| format!("run-{}", Uuid::new_v4()));
        Ok(task.run_key()?.map(|key| Self { scope, source, key }))
    }
}

#[cfg(test)]
mod tests;
