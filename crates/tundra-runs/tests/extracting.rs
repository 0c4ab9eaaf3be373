//! Versions of a table of a database, a real file of SQLite.

use std::{path::PathBuf, sync::Arc};

use rusqlite::Connection;
use tundra_connectors::{AllowedDirectories, ConnectionSettings, DatabaseKind};
use tundra_core::{
    Catalog, Classify, Connector, ErrorKind, ExtractRequest, NewSource, Relation, Resources,
    Source, SourceType, TableName, VersionStatus, Window, WriteOptions, engine,
};
use tundra_runs::{CollectOptions, Conversion, DatabaseRun, Outcome, RunError};

use crate::support::{Call, Fault, Place, control, convert, new_source, run_of};

/// Returns the connector to a file.
fn connector(file: PathBuf) -> Arc<dyn Connector> {
    let mut settings = ConnectionSettings::new(DatabaseKind::Sqlite);
    settings.file_path = Some(file);
    settings.allowed_directories = AllowedDirectories::Everything;
    tundra_connectors::connector(settings).unwrap()
}

/// A catalogued table `orders` with three rows.
struct Shop {
    place: Place,
    source: Source,
    connection: Connection,
    connector: Arc<dyn Connector>,
}

impl Shop {
    async fn new() -> Self {
        let place = Place::new().await;
        let file = place.directory.path().join("shop.db");
        let connection = Connection::open(&file).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE orders (id INTEGER PRIMARY KEY, changed BIGINT);
                 INSERT INTO orders VALUES (1, 100), (2, 200), (3, 300);",
            )
            .unwrap();
        let source = NewSource {
            source_type: SourceType::Database,
            connector_type: "sqlite".to_owned(),
            ..new_source("orders")
        };
        let source = place.catalog.add_source(&source).await.unwrap();
        let connector = connector(file);
        Self { place, source, connection, connector }
    }

    fn run(&self, source: Source) -> DatabaseRun {
        let table = TableName { schema: None, name: "orders".to_owned() };
        DatabaseRun {
            source,
            connector: Arc::clone(&self.connector),
            request: ExtractRequest::new(Relation::Table(table)),
            options: WriteOptions::default(),
            resources: Resources { threads: 1, ..engine::default_resources() },
            key: None,
        }
    }

    /// Reads what changed since the current version.
    async fn next(&self, column: &str) -> Conversion {
        let mut run = self.run(self.place.again(&self.source).await);
        run.request.window = Some(Window { column: column.to_owned(), after: None });
        match self.place.runs.extract(run, &control()).await.unwrap() {
            Outcome::Converted(conversion) => *conversion,
            Outcome::Earlier(version) => panic!("an earlier version: {version:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_becomes_a_version_with_its_receipt_beside_it() {
    let shop = Shop::new().await;
    let outcome = shop.place.runs.extract(shop.run(shop.source.clone()), &control()).await.unwrap();
    let Outcome::Converted(conversion) = outcome else { panic!("{outcome:?}") };
    let objects = ["processed/ID/v1/_manifest.json", "processed/ID/v1/data.parquet"];
    assert_eq!(shop.place.objects(&shop.source), objects);
    let facts = conversion.version.facts.unwrap();
    assert_eq!((facts.rows, facts.columns), (3, 2));
    let source = shop.place.again(&shop.source).await;
    assert_eq!(source.extraction_query.as_deref(), Some("TABLE orders"));
    assert_eq!(source.current_version, Some(conversion.version.number));
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_go_on_where_the_current_version_ended() {
    let shop = Shop::new().await;
    let window = |conversion: &Conversion| {
        let window = conversion.receipt.window.clone().unwrap();
        (window.after, window.until, conversion.receipt.counts.written)
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(window(&shop.next("changed").await), (None, text("300"), 3));
    shop.connection.execute_batch("INSERT INTO orders VALUES (4, 301), (5, 302)").unwrap();
    assert_eq!(window(&shop.next("changed").await), (text("300"), text("302"), 2));
    // Nothing changed.
    assert_eq!(window(&shop.next("changed").await), (text("302"), text("302"), 0));
    // A rollback takes the window back.
    let source = shop.place.again(&shop.source).await;
    let first = crate::support::version(1);
    shop.place.catalog.select(&source, first, "again").await.unwrap();
    assert_eq!(window(&shop.next("changed").await), (text("300"), text("302"), 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_of_windows_are_not_collected() {
    let shop = Shop::new().await;
    shop.next("changed").await;
    shop.next("changed").await;
    let whole = shop.run(shop.place.again(&shop.source).await);
    shop.place.runs.extract(whole, &control()).await.unwrap();
    for _ in 0..2 {
        shop.next("changed").await;
    }
    let source = shop.place.again(&shop.source).await;
    let options = CollectOptions { keep: 1, min_age: std::time::Duration::ZERO, dry_run: false };
    let collection = shop.place.runs.collect(&source, options).await.unwrap();
    let windows: Vec<u32> = collection.windows.iter().map(|it| it.get()).collect();
    assert_eq!(windows, [4, 2, 1]);
    let removed: Vec<u32> = collection.versions.iter().map(|it| it.version.get()).collect();
    assert_eq!(removed, [3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_of_something_else_is_not_gone_on_with() {
    let mut shop = Shop::new().await;
    shop.next("changed").await;
    let windowed = |shop: &Shop, source: Source, column: &str, table: &str| {
        let mut run = shop.run(source);
        let name = TableName { schema: None, name: table.to_owned() };
        run.request.relation = Relation::Table(name);
        run.request.window = Some(Window { column: column.to_owned(), after: None });
        run
    };
    shop.connection.execute_batch("CREATE TABLE other AS SELECT * FROM orders").unwrap();
    let source = shop.place.again(&shop.source).await;
    for (column, table, what) in [("id", "orders", "column"), ("changed", "other", "table")] {
        let run = windowed(&shop, source.clone(), column, table);
        let error = shop.place.runs.extract(run, &control()).await.unwrap_err();
        assert!(error.to_string().ends_with(&format!("another {what}")), "{error}");
    }
    // A database elsewhere, with a table of the same name.
    let file = shop.place.directory.path().join("copy.db");
    shop.connection.execute("VACUUM INTO ?1", [file.to_str().unwrap()]).unwrap();
    shop.connector = connector(file);
    let run = windowed(&shop, source.clone(), "changed", "orders");
    let error = shop.place.runs.extract(run, &control()).await.unwrap_err();
    assert!(error.to_string().ends_with("another database"), "{error}");
    // Who says where to begin knows.
    let mut run = windowed(&shop, source, "changed", "orders");
    run.request.window =
        Some(Window { column: "changed".to_owned(), after: Some("200".to_owned()) });
    let outcome = shop.place.runs.extract(run, &control()).await.unwrap();
    let Outcome::Converted(conversion) = outcome else { panic!("{outcome:?}") };
    assert_eq!(conversion.receipt.counts.written, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_behind_a_damaged_receipt_does_not_begin_anew() {
    let shop = Shop::new().await;
    shop.next("changed").await;
    let manifest = format!("processed/{}/v1/_manifest.json", shop.source.id);
    std::fs::write(shop.place.bucket(&shop.source).join(manifest), "{").unwrap();
    let mut run = shop.run(shop.place.again(&shop.source).await);
    run.request.window = Some(Window { column: "changed".to_owned(), after: None });
    let error = shop.place.runs.extract(run, &control()).await.unwrap_err();
    assert!(matches!(error, RunError::Receipt { .. }), "{error}");
    assert!(error.to_string().contains("the receipt of v1 of `orders`"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_extraction_leaves_its_reason_and_no_objects() {
    let shop = Shop::new().await;
    let mut run = shop.run(shop.source.clone());
    run.request.columns = Some(vec!["nope".to_owned()]);
    let error = shop.place.runs.extract(run, &control()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    let versions = shop.place.versions(&shop.source).await;
    assert_eq!(versions[0].status, VersionStatus::Error);
    assert!(versions[0].error_message.as_ref().unwrap().contains("nope"), "{versions:?}");
    assert_eq!(shop.place.objects(&shop.source), [""; 0]);
    assert_eq!(shop.place.again(&shop.source).await.current_version, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_is_gone_before_publishing_leaves_no_objects() {
    let shop = Shop::new().await;
    let runs = shop.place.failing(Fault { at: Call::CheckPending, done: false, before: None });
    let error = runs.extract(shop.run(shop.source.clone()), &control()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(shop.place.objects(&shop.source), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_read_with_what_it_was_added_for() {
    let shop = Shop::new().await;
    let files = shop.place.uploaded("people", "id\n1\n").await;
    let error = shop.place.runs.extract(shop.run(files.clone()), &control()).await.unwrap_err();
    assert!(matches!(error, RunError::NotThisDatabase { .. }), "{error}");
    let error = shop.place.runs.convert_file(run_of(&shop.source), &control()).await.unwrap_err();
    assert!(matches!(error, RunError::NotAFile { .. }), "{error}");
    // Neither took a number.
    assert_eq!(shop.place.versions(&shop.source).await, []);
    convert(&shop.place.runs, &files).await;
}
