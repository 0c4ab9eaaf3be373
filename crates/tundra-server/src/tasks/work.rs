//! How tasks are done: [`Workshop::perform`], which both executors call in the end.
//!
//! A task has been admitted and its caller may have it. What is left is to find what it names, within its
//! scope, and to hand it to the engine. Nothing here waits for a turn, and nothing knows who asked.

mod connection;
mod database;
mod describe;
mod file;
mod infer;
mod preview;
mod secret_rule;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tundra_connectors::{AddressPolicy, AllowedDirectories};
use tundra_core::{
    Control, Error, Format, IdempotencyKey, Input, Output, Resources, Scope, SecretStore, Source,
    SourceId, StorageError, UnpackLimit, Version, VersionStatus,
};
use tundra_runs::{RunError, Runs};
use tundra_storage::{AllowedHosts, HttpClient, HttpOptions, UrlPolicy};
use uuid::Uuid;

pub use self::secret_rule::SecretRule;
use crate::{
    Failure,
    tasks::{Answer, IDEMPOTENCY_CONFLICT, Request, Task, cancelled},
    wire::SignedUrl,
};

/// What is left for the catalog when a run has failed: its caller waits for that.
const TO_ASK_THE_CATALOG: Duration = Duration::from_secs(2);

/// Everything that tasks are done with.
#[derive(Debug, Clone)]
pub struct Workshop {
    /// The catalog and the warehouse.
    pub runs: Runs,
    /// Where the credentials of databases are.
    pub secrets: Arc<dyn SecretStore>,
    /// Which databases may be read, and how.
    pub databases: DatabaseRules,
    /// What one run may use.
    pub resources: Resources,
    /// Rows of a row group of what is written; by the width of the rows for `None`.
    pub row_group_rows: Option<u64>,
    /// The most bytes that a file may have; no limit for `None`.
    pub max_file_size: Option<u64>,
    /// How long a run may take; no limit for `None`.
    pub timeout: Option<Duration>,
    /// Which URLs may be read and written.
    pub urls: UrlPolicy,
}

/// Which databases may be read, and how. No request and no credentials decide this.
#[derive(Debug, Clone, Default)]
pub struct DatabaseRules {
    /// To which networks connections may go.
    pub addresses: AddressPolicy,
    /// Where files of SQLite may be.
    pub directories: AllowedDirectories,
    /// Whether PostgreSQL and Redshift are read with an ADBC driver where there is one.
    pub use_adbc: bool,
    /// Whose credentials callers of one organisation may name.
    pub secrets: SecretRule,
}

impl Workshop {
    /// Returns whether there is any host whose URLs may be used.
    pub(crate) fn takes_urls(&self) -> bool {
        match &self.urls.hosts {
            AllowedHosts::Any => true,
            AllowedHosts::Only(hosts) => !hosts.is_empty(),
        }
    }

    /// Returns how much may come out of what is packed: what a file may have, and no more of what goes in
    /// than is likely for a table.
    pub(crate) fn unpack_limit(&self) -> UnpackLimit {
        self.max_file_size.map_or(UnpackLimit::Usual, UnpackLimit::AtMost)
    }

    /// Does a task. Must be called within a Tokio runtime with I/O and time.
    ///
    /// # Errors
    /// When it cannot be done. A version that it reserved has the status `error` then.
    ///
    /// # Cancellation
    /// By the cancel of `control` and by its timeout, which is that of the workshop where it has none.
    /// Dropping the future may leave a version pending until it is swept.
    pub async fn perform(&self, task: Task, control: Control) -> Result<Answer, Failure> {
        let scope = task.scope.scope()?;
        let key = task.run_key()?;
        let work = Work {
            workshop: self,
            scope,
            key,
            control: Control { timeout: control.timeout.or(self.timeout), ..control },
            began: Instant::now(),
        };
        // Each is large, and only one of them is ever there.
        match task.request {
            Request::ConvertFile(request) => {
                Box::pin(file::convert(&work, &request)).await.map(Answer::Converted)
            }
            Request::ConvertDatabase(request) => {
                Box::pin(database::convert(&work, &request)).await.map(Answer::Converted)
            }
            Request::Infer(request) => {
                Box::pin(infer::infer(&work, &request)).await.map(Answer::Inferred)
            }
            Request::TestConnection(request) => {
                Box::pin(connection::test(&work, &request)).await.map(Answer::Connected)
            }
            Request::Preview(request) => {
                Box::pin(preview::preview(self, &work.scope, request, &work.control()))
                    .await
                    .map(Answer::Preview)
            }
        }
    }
}

/// A task that is being done.
#[derive(Debug)]
struct Work<'a> {
    workshop: &'a Workshop,
    scope: Scope,
    key: Option<IdempotencyKey>,
    control: Control,
    began: Instant,
}

impl Work<'_> {
    /// Returns the control with what is left of the time.
    fn control(&self) -> Control {
        let left = self.control.timeout.map(|all| all.saturating_sub(self.began.elapsed()));
        Control { timeout: left, ..self.control.clone() }
    }

    /// Does what can be given up at any moment, and gives it up when the task is to stop.
    async fn unless_stopped<T>(
        &self,
        step: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let control = self.control();
        let late = async {
            match control.timeout {
                Some(left) => tokio::time::sleep(left).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            done = step => done,
            () = cancelled(&control.cancel) => Err(Failure::of(&Error::Cancelled)),
            () = late => Err(self.too_late()),
        }
    }

    fn too_late(&self) -> Failure {
        Failure::of(&Error::Timeout(self.control.timeout.unwrap_or_default()))
    }

    /// Finds a source. One of another organisation is not there.
    async fn source(&self, id: SourceId) -> Result<Source, Failure> {
        let found = self.workshop.runs.catalog().source(&self.scope, id);
        self.unless_stopped(async { found.await.map_err(|error| Failure::of(&error)) }).await
    }

    /// Returns the format that a source is read with; `None` where it is to be found.
    fn format_of(&self, source: &Source) -> Result<Option<Format>, Failure> {
        self.workshop.runs.format(source).map_err(|error| Failure::of(&error))
    }

    /// Checks that the file of a source is not too large, before any of it is read.
    async fn check_size(&self, input: &Input) -> Result<(), Failure> {
        let Some(limit) = self.workshop.max_file_size else { return Ok(()) };
        let head = async {
            let head = input.storage.head(&input.path).await;
            head.map_err(|error| Failure::of(&error))
        };
        if self.unless_stopped(head).await?.size > limit {
            let location = input.storage.display(&input.path);
            return Err(Failure::of(&StorageError::TooLarge { location, limit }));
        }
        Ok(())
    }

    /// Opens a URL to read from it, as much as a file may have.
    fn read_url(&self, url: &SignedUrl) -> Result<Input, Failure> {
        let Workshop { urls, max_file_size, .. } = self.workshop;
        let smallest = [urls.max_size, *max_file_size].into_iter().flatten().min();
        let client = self.client(UrlPolicy { max_size: smallest, ..urls.clone() })?;
        let (storage, path) =
            client.locate(url.expose()).map_err(|error| of_url("source_url", &error))?;
        Ok(Input { storage: Arc::new(storage), path })
    }

    /// Opens a URL to write to it. What is there is replaced, as the signature allows.
    fn write_url(&self, url: &SignedUrl) -> Result<Output, Failure> {
        let client = self.client(self.workshop.urls.clone())?;
        let (storage, path) =
            client.locate(url.expose()).map_err(|error| of_url("output_url", &error))?;
        Ok(Output { storage: Arc::new(storage), path, if_exists: tundra_core::IfExists::Replace })
    }

    fn client(&self, policy: UrlPolicy) -> Result<HttpClient, Failure> {
        let mut options = HttpOptions::new(policy);
        options.temp_directory = self.workshop.resources.temp_directory.clone();
        HttpClient::new(options).map_err(|error| Failure::of(&error))
    }

    /// Returns the key of the run: the caller's, or one of its own, by which its version is found.
    fn run_key(&self) -> IdempotencyKey {
        let own = || format!("run {}", Uuid::now_v7()).parse().expect("it is short and plain");
        self.key.clone().unwrap_or_else(own)
    }

    /// Returns why a run failed, with the version that it had.
    async fn run_failed(&self, source: &Source, key: &IdempotencyKey, error: &RunError) -> Failure {
        let mut failure = Failure::of(error);
        let version = match error {
            RunError::OtherRequest { .. } => {
                failure.code = IDEMPOTENCY_CONFLICT.to_owned();
                None
            }
            RunError::Unsettled { version, .. } => Some(*version),
            RunError::BreakingSchema { new, .. } => Some(*new),
            _ => {
                let found = self.workshop.runs.catalog().version_by_key(source, key);
                match tokio::time::timeout(TO_ASK_THE_CATALOG, found).await {
                    Ok(Ok(Some(version))) if version.status == VersionStatus::Error => {
                        Some(version.number)
                    }
                    // It is told what is known, and the version can be looked up.
                    _ => None,
                }
            }
        };
        match version {
            Some(version) => failure.version(version.get()),
            None => failure,
        }
    }
}

/// Returns why an earlier request with the same key has no answer that could be given again.
fn earlier_failure(version: &Version) -> Failure {
    let number = version.number.get();
    if version.status == VersionStatus::Pending {
        return Failure::of_kind(
            tundra_core::ErrorKind::Conflict,
            format!(
                "version {number} is being made by an earlier request with this `Idempotency-Key`"
            ),
        )
        .retry_after(Duration::from_secs(1))
        .hint("send the request again when that has ended");
    }
    let message = version.error_message.as_deref().unwrap_or("the reason was not recorded");
    Failure::of_kind(
        tundra_core::ErrorKind::Conflict,
        format!(
            "version {number}, which an earlier request with this `Idempotency-Key` was to make, \
             failed: {message}"
        ),
    )
    .version(number)
    .hint("send the request with a new key to try again")
}

/// Returns why a URL cannot be used, and which one it is.
fn of_url(field: &str, error: &StorageError) -> Failure {
    let mut failure = Failure::of(error);
    failure.detail = format!("`{field}`: {}", failure.detail);
    failure
}
