//! Programs that are no runs: what becomes of them, and of the version that a run would have had.

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tundra_catalog::SqliteCatalog;
use tundra_core::{
    Cancel, Catalog, NewSource, Reserved, SchemaRule, Silent, Source, SourceId, SourceType,
    Version, VersionStatus,
};
use tundra_runs::Warehouse;
use tundra_storage::{Layout, StoreSettings, Stores};

use super::*;
use crate::{tasks::TaskScope, wire};

/// What none of these programs takes: a shell has a few megabytes.
const MEMORY: u64 = 256 << 20;

/// A catalog with one source.
struct Place {
    directory: TempDir,
    catalog: Arc<SqliteCatalog>,
    source: Source,
    runs: Runs,
}

impl Place {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for name in ["warehouse", "temp"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        let catalog = SqliteCatalog::open(directory.path().join("catalog.db")).await.unwrap();
        let catalog = Arc::new(catalog);
        let new = NewSource {
            id: SourceId::generate(),
            tenant: "acme".parse().unwrap(),
            name: None,
            source_type: SourceType::File,
            connector_type: "csv".to_owned(),
            location: None,
            schema_rule: SchemaRule::Any,
        };
        let source = catalog.add_source(&new).await.unwrap();
        let root = directory.path().join("warehouse");
        let stores = Stores::new(StoreSettings::default());
        let warehouse = Warehouse::new(root.to_str().unwrap(), Layout::standard(), stores).unwrap();
        let runs = Runs::new(catalog.clone(), warehouse);
        Self { directory, catalog, source, runs }
    }

    /// Does a task with a shell that runs this script in the place of a run.
    async fn run(&self, script: &str, key: Option<&str>, control: Control) -> Failure {
        let request = Request::ConvertFile(wire::ConvertFile {
            source_id: Some(self.source.id.to_string()),
            ..wire::ConvertFile::default()
        });
        let key = key.map(str::to_owned);
        let task = Task { key, ..Task::new(TaskScope::All, request) };
        self.executor(script).run(task, control).await.unwrap_err()
    }

    fn executor(&self, script: &str) -> ProcessExecutor {
        let arguments = vec!["-c".into(), script.into()];
        let temp = self.directory.path().join("temp");
        let limits =
            ProcessLimits { grace: Duration::from_millis(300), ..ProcessLimits::new(MEMORY) };
        ProcessExecutor::new(self.runs.clone(), "/bin/sh", arguments, temp, limits)
            .with_environment(vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())])
    }

    async fn versions(&self) -> Vec<Version> {
        self.catalog.versions(&self.source, None, 10).await.unwrap()
    }
}

fn control() -> Control {
    Control { reporter: Arc::new(Silent), cancel: Cancel::default(), timeout: None }
}

#[tokio::test]
async fn a_program_that_dies_is_told_by_how_it_died() {
    let place = Place::new().await;
    let no_memory = "echo 'memory allocation of 64 bytes failed' >&2; kill -ABRT $$";
    for (number, (script, status, code, says)) in [
        ("exit 3", 500, "run_crashed", "exit code 3"),
        ("kill -SEGV $$", 500, "run_crashed", "signal 11"),
        ("kill -KILL $$", 500, "run_crashed", "killed from outside"),
        ("echo hello; exec sleep 60", 500, "run_crashed", "makes no sense"),
        ("echo '{\"rows\":1}'", 500, "run_crashed", "makes no sense"),
        (no_memory, 413, "memory_limit", "256 MiB"),
        ("exec tail /dev/zero", 413, "memory_limit", "256 MiB"),
    ]
    .into_iter()
    .enumerate()
    {
        let failure = place.run(script, None, control()).await;
        assert_eq!((failure.status, failure.code.as_str()), (status, code), "{script}: {failure}");
        assert!(failure.detail.contains(says), "{script}: {failure}");
        // What happened is on record.
        let versions = place.versions().await;
        assert_eq!(versions.len(), number + 1, "{script}");
        assert_eq!(failure.version, Some(versions[0].number.get()), "{script}");
        assert_eq!(versions[0].status, VersionStatus::Error, "{script}");
        assert_eq!(versions[0].error_message.as_ref(), Some(&failure.detail), "{script}");
    }
    let left = fs::read_dir(place.directory.path().join("temp")).unwrap().count();
    assert_eq!(left, 0, "directories of runs");
}

#[tokio::test]
async fn what_a_run_says_itself_is_told_as_it_said_it() {
    let place = Place::new().await;
    let said = Failure::invalid("the input is bad").hint("mend it").version(7);
    let event = serde_json::to_string(&protocol::Event::Failure(Box::new(said.clone()))).unwrap();
    let script = format!("echo 'INFO a line of its log' >&2; echo '{event}'; exit 1");
    assert_eq!(place.run(&script, None, control()).await, said);
    assert!(place.versions().await.is_empty());
}

#[tokio::test]
async fn a_run_hears_that_it_is_to_stop_and_is_ended_if_it_does_not() {
    let place = Place::new().await;
    for script in ["cat >/dev/null", "exec sleep 60"] {
        let control = control();
        control.cancel.cancel();
        let began = Instant::now();
        let failure = place.run(script, None, control).await;
        assert_eq!((failure.status, failure.code.as_str()), (499, "cancelled"), "{script}");
        assert!(began.elapsed() < Duration::from_secs(5), "{script}");
    }
    let late = Control { timeout: Some(Duration::from_millis(200)), ..control() };
    let failure = place.run("exec sleep 60", None, late).await;
    assert_eq!((failure.status, failure.code.as_str()), (504, "timeout"));
}

#[tokio::test]
async fn the_memory_of_all_runs_is_known_while_they_run() {
    let place = Place::new().await;
    let executor = place.executor("exec sleep 60");
    assert_eq!(executor.processes(), Some(Processes::default()));
    let control = control();
    let cancel = control.cancel.clone();
    let task = Task {
        scope: TaskScope::All,
        request: Request::Preview(crate::tasks::PreviewTask {
            source: place.source.id.to_string(),
            version: None,
            query: wire::PreviewQuery { limit: 1, form: wire::PreviewForm::Json },
        }),
        key: None,
        key_request: None,
    };
    let seen = async {
        loop {
            let processes = executor.processes().unwrap();
            // A process that has not become its program yet has next to none.
            if processes.resident_memory >= 1 << 16 {
                cancel.cancel();
                return processes;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let (failure, processes) = tokio::join!(executor.run(task, control), seen);
    assert_eq!(failure.unwrap_err().code, "cancelled");
    assert_eq!(processes.number, 1);
    assert!(processes.resident_memory < MEMORY, "{processes:?}");
    assert_eq!(executor.processes(), Some(Processes::default()));
}

#[tokio::test]
async fn a_version_of_another_run_with_the_same_key_is_left_alone() {
    let place = Place::new().await;
    let key = "once".parse().unwrap();
    let reserved = place.catalog.reserve(&place.source, Some(&key)).await.unwrap();
    let Reserved::New(pending) = reserved else { panic!("no new version") };
    // It had not begun, so that the version may be another's.
    let failure = place.run("exit 3", Some("once"), control()).await;
    assert_eq!(failure.version, None);
    assert_eq!(place.versions().await, [pending]);
    // It had begun, so that the version is its own.
    let began = "echo '{\"stage\":\"inspecting\"}'; exit 3";
    let failure = place.run(began, Some("once"), control()).await;
    assert_eq!(failure.version, Some(1));
    assert_eq!(place.versions().await[0].status, VersionStatus::Error);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_no_crash() {
    let place = Place::new().await;
    let executor = ProcessExecutor { program: "/nowhere/tundra".into(), ..place.executor("") };
    let request = Request::Preview(crate::tasks::PreviewTask {
        source: place.source.id.to_string(),
        version: None,
        query: wire::PreviewQuery { limit: 1, form: wire::PreviewForm::Json },
    });
    let task = Task::new(TaskScope::All, request);
    let failure = executor.run(task, control()).await.unwrap_err();
    assert_eq!((failure.status, failure.code.as_str()), (503, "unavailable"), "{failure}");
    assert!(!format!("{executor:?}").contains("PATH"));
}
