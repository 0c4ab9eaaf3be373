//! What cannot be converted, and what stops a run: the error names it, and nothing is left behind.

use std::{
    fmt::Write as _,
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use tundra_core::{
    Classify, ConvertOptions, Error, ErrorKind, IfExists, ObjectInfo, ObjectPath, ObjectReader,
    ObjectWriter, Receipt, Stage, Storage, StorageCapabilities, StorageError,
};

use crate::support::{CancelAt, OUTPUT, Scene, control};

/// More than a run can convert within a few milliseconds.
fn large() -> String {
    let mut text = "id,name,amount\n".to_owned();
    for id in 0..1_000_000 {
        writeln!(text, "{id},name of {id},{}.25", id % 977).unwrap();
    }
    text
}

async fn fails(scene: &Scene, name: &str, options: &ConvertOptions) -> Error {
    let before = scene.names().await;
    let outcome: Result<Receipt, Error> = scene.convert(name, options).await;
    let error = outcome.expect_err("the run should fail");
    assert_eq!(scene.names().await, before, "after {error:?}");
    error
}

async fn fails_on(name: &str, bytes: &'static [u8]) -> Error {
    let scene = Scene::local();
    scene.put(name, bytes).await;
    fails(&scene, name, &ConvertOptions::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_of_no_bytes_is_empty_whatever_its_name() {
    for name in ["a.csv", "a.json", "a.ndjson", "a.parquet", "a"] {
        let error = fails_on(name, b"").await;
        assert!(matches!(error, Error::EmptyInput { .. }), "{name}: {error:?}");
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_of_blanks_is_empty() {
    for name in ["a.csv", "a.json", "a.ndjson"] {
        let error = fails_on(name, b" \n\n").await;
        assert!(matches!(error, Error::EmptyInput { .. }), "{name}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn binary_data_is_named_for_what_it_is() {
    for (bytes, found) in [
        (&b"%PDF-1.7\n"[..], "a PDF document"),
        (b"SQLite format 3\x00\x10\x00", "a SQLite database"),
        (b"\x00\x01\x02\x03\xff\xfe\x00\x10\x00\x00\x07", "binary"),
    ] {
        let error = fails_on("a.csv", bytes).await;
        assert!(matches!(error, Error::UnknownFormat { .. }), "{found}: {error:?}");
        assert!(error.to_string().contains(found), "{error}");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_with_the_name_of_parquet_is_no_parquet() {
    let error = fails_on("a.parquet", b"id,name\n1,a\n").await;
    assert!(matches!(error, Error::BadParquet { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_is_not_there_is_named() {
    for scene in [Scene::local(), Scene::memory()] {
        let error = fails(&scene, "nowhere.csv", &ConvertOptions::default()).await;
        assert!(
            matches!(&error, Error::Storage { source: StorageError::NotFound { location }, .. }
                if location.ends_with("nowhere.csv")),
            "{error:?}"
        );
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_no_input() {
    let scene = Scene::local();
    fs::create_dir(scene.folder().join("a.csv")).unwrap();
    let error = fails(&scene, "a.csv", &ConvertOptions::default()).await;
    assert!(
        matches!(&error, Error::Storage { source: StorageError::IsDirectory { .. }, .. }),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_existing_output_is_kept_unless_it_may_be_replaced() {
    for scene in [Scene::local(), Scene::memory()] {
        scene.put("a.csv", "id\n1\n").await;
        scene.put(OUTPUT, "precious").await;

        let error = fails(&scene, "a.csv", &ConvertOptions::default()).await;
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error:?}");
        assert_eq!(scene.get(OUTPUT).await, "precious");

        let scene = Scene { if_exists: IfExists::Replace, ..scene };
        scene.convert("a.csv", &ConvertOptions::default()).await.unwrap();
        assert_eq!(scene.table(OUTPUT).await.column("id"), [Some("1")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_fails_keeps_the_output_that_it_would_replace() {
    let scene = Scene { if_exists: IfExists::Replace, ..Scene::local() };
    scene.put("a.csv", "id,x\n1,2\n3,4\n5,6\n7,8,9\n").await;
    scene.put(OUTPUT, "precious").await;

    let error = fails(&scene, "a.csv", &ConvertOptions::default()).await;

    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error:?}");
    assert_eq!(scene.get(OUTPUT).await, "precious");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_is_not_there_is_named_with_those_that_are() {
    let mapping = ConvertOptions {
        column_mapping: vec![("Id".to_owned(), "key".to_owned())],
        ..ConvertOptions::default()
    };
    let types = ConvertOptions {
        type_overrides: vec![("Id".to_owned(), "BIGINT".parse().unwrap())],
        ..ConvertOptions::default()
    };
    for (name, text) in
        [("a.csv", "id,name\n1,a\n"), ("a.ndjson", "{\"id\": 1, \"name\": \"a\"}\n")]
    {
        let scene = Scene::local();
        scene.put(name, text).await;
        for options in [&mapping, &types] {
            let error = fails(&scene, name, options).await;
            let Error::UnknownColumn { column, known, .. } = &error else { panic!("{error:?}") };
            assert_eq!(column, "Id");
            assert_eq!(*known, ["id", "name"]);
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            assert_eq!(error.hints()[0], "did you mean `id`?");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_columns_cannot_get_one_name() {
    let scene = Scene::local();
    scene.put("a.csv", "id,name\n1,a\n").await;
    let options = ConvertOptions {
        column_mapping: vec![("id".to_owned(), "NAME".to_owned())],
        ..ConvertOptions::default()
    };
    let error = fails(&scene, "a.csv", &options).await;
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_before_it_begins_does_nothing() {
    let scene = Scene::local();
    scene.put("a.csv", "id\n1\n").await;
    scene.control.cancel.cancel();

    let error = fails(&scene, "a.csv", &ConvertOptions::default()).await;

    assert!(matches!(error, Error::Cancelled), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_can_be_cancelled_at_every_stage_and_leaves_nothing() {
    let text = large();
    for stage in [Stage::Inspecting, Stage::Converting, Stage::Verifying] {
        for mut scene in [Scene::local(), Scene::memory()] {
            let cancel = scene.control.cancel.clone();
            scene.control.reporter = Arc::new(CancelAt { stage, cancel });
            scene.put("a.csv", text.clone()).await;
            let started = Instant::now();

            let error = fails(&scene, "a.csv", &ConvertOptions::default()).await;

            assert!(matches!(error, Error::Cancelled), "{stage:?}: {error:?}");
            if stage != Stage::Verifying {
                assert!(started.elapsed() < Duration::from_secs(5), "{stage:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_looks_at_the_whole_input_can_be_cancelled() {
    let mut scene = Scene::local();
    let cancel = scene.control.cancel.clone();
    scene.control.reporter = Arc::new(CancelAt { stage: Stage::Inferring, cancel });
    scene.put("a.csv", large() + "x,00713,1\n").await;

    let error = fails(&scene, "a.csv", &ConvertOptions::default()).await;

    assert!(matches!(error, Error::Cancelled), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_which_the_future_is_dropped_leaves_nothing() {
    let scene = Arc::new(Scene::local());
    scene.put("a.csv", large()).await;
    let running = Arc::clone(&scene);
    let run =
        tokio::spawn(async move { running.convert("a.csv", &ConvertOptions::default()).await });
    while scene.names().await.len() < 2 {
        // The hidden file of the output is not there yet.
        tokio::task::yield_now().await;
    }

    run.abort();

    assert!(run.await.unwrap_err().is_cancelled());
    let started = Instant::now();
    while scene.names().await != ["a.csv"] {
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", scene.names().await);
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_takes_too_long_says_so() {
    let mut scene = Scene::local();
    scene.put("a.csv", large()).await;
    for timeout in [Duration::ZERO, Duration::from_millis(30)] {
        scene.control = tundra_core::Control { timeout: Some(timeout), ..control() };
        let error = fails(&scene, "a.csv", &ConvertOptions::default()).await;
        assert!(matches!(error, Error::Timeout(limit) if limit == timeout), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }
}

/// A store that reads, and begins an object only after all other time.
#[derive(Debug)]
struct Stuck(Arc<dyn Storage>);

#[async_trait]
impl Storage for Stuck {
    fn capabilities(&self) -> StorageCapabilities {
        self.0.capabilities()
    }

    fn display(&self, path: &ObjectPath) -> String {
        self.0.display(path)
    }

    async fn head(&self, path: &ObjectPath) -> Result<ObjectInfo, StorageError> {
        self.0.head(path).await
    }

    async fn open(&self, path: &ObjectPath) -> Result<Arc<dyn ObjectReader>, StorageError> {
        self.0.open(path).await
    }

    async fn create(
        &self,
        _path: &ObjectPath,
        _if_exists: IfExists,
    ) -> Result<Box<dyn ObjectWriter>, StorageError> {
        std::future::pending().await
    }

    async fn list(&self, prefix: Option<&ObjectPath>) -> Result<Vec<ObjectInfo>, StorageError> {
        self.0.list(prefix).await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StorageError> {
        self.0.delete(path).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_begins_no_output_keeps_no_run_that_is_to_stop() {
    let mut scene = Scene::local();
    scene.put("a.csv", "id\n1\n").await;
    scene.storage = Arc::new(Stuck(Arc::clone(&scene.storage)));
    let timeout = Duration::from_millis(50);
    scene.control = tundra_core::Control { timeout: Some(timeout), ..control() };
    let error = fails(&scene, "a.csv", &ConvertOptions::default()).await;
    assert!(matches!(error, Error::Timeout(limit) if limit == timeout), "{error:?}");

    scene.control = control();
    let cancel = scene.control.cancel.clone();
    let begun = Instant::now();
    tokio::spawn(async move {
        tokio::time::sleep(timeout).await;
        cancel.cancel();
    });
    let error = fails(&scene, "a.csv", &ConvertOptions::default()).await;
    assert!(matches!(error, Error::Cancelled), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_changes_while_it_is_read_is_not_published() {
    struct Change(std::path::PathBuf);
    impl tundra_core::Reporter for Change {
        fn stage(&self, stage: Stage) {
            if stage == Stage::Publishing {
                fs::write(&self.0, "id\n1\n2\n3\n").unwrap();
            }
        }
        fn progress(&self, _progress: tundra_core::Progress) {}
    }
    let mut scene = Scene::local();
    scene.put("a.csv", "id\n1\n").await;
    scene.control.reporter = Arc::new(Change(scene.folder().join("a.csv")));

    let error = fails(&scene, "a.csv", &ConvertOptions::default()).await;

    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_can_be_both_ends() {
    let scene = Scene::memory();
    let text = large();
    scene.put("in/a.csv", text).await;

    let receipt = scene.convert("in/a.csv", &ConvertOptions::default()).await.unwrap();

    assert_eq!(scene.names().await, ["in/a.csv", OUTPUT]);
    let table = scene.table(OUTPUT).await;
    assert_eq!(table.rows.len(), 1_000_000);
    assert_eq!(table.types, ["BIGINT", "VARCHAR", "DOUBLE"]);
    assert_eq!(table.row(999_999), [Some("999999"), Some("name of 999999"), Some("528.25")]);
    assert_eq!(receipt.counts.written, 1_000_000);
}
