//! Runs of catalogued sources that are killed at any moment.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use tundra_catalog::SqliteCatalog;
use tundra_core::{Catalog, Scope, VersionStatus};
use tundra_runs::{CollectOptions, Runs, Warehouse};
use tundra_storage::{Layout, StoreSettings, Stores};

use crate::support::Sandbox;

/// How many runs are killed.
const KILLS: u64 = 40;

#[tokio::test]
async fn a_run_that_is_killed_leaves_nothing_that_readers_see_and_nothing_after_a_sweep() {
    let sandbox = Sandbox::new();
    sandbox.write("sales.csv", format!("id,name\n{}", "1,Ann\n".repeat(40_000)));
    let here = ["--catalog", "catalog.db", "--warehouse", "."];
    let tundra = |arguments: &[&str]| sandbox.tundra(&[arguments, &here].concat());
    sandbox.finish(&mut tundra(&["source", "add", "sales", "sales.csv"])).succeeds();
    sandbox.finish(&mut tundra(&["convert", "--source", "sales"])).succeeds();

    let mut finished = 0;
    for kill in 0..KILLS {
        let mut command = tundra(&["convert", "--source", "sales"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // From before the first call of the catalog to behind the last.
        tokio::time::sleep(Duration::from_millis(5 + kill * 5)).await;
        match child.try_wait().unwrap() {
            Some(status) => {
                assert!(status.success());
                finished += 1;
            }
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
            }
        }
    }
    assert!(finished < KILLS, "every run ended before it was killed");

    let catalog = SqliteCatalog::open(sandbox.path("catalog.db")).await.unwrap();
    let catalog = Arc::new(catalog);
    let stores = Stores::new(StoreSettings::default());
    let root = sandbox.work();
    let warehouse = Warehouse::new(root.to_str().unwrap(), Layout::standard(), stores).unwrap();
    let runs = Runs::new(catalog.clone(), warehouse);
    let source = runs.find(&Scope::All, "sales").await.unwrap();
    check_what_readers_see(&sandbox, &catalog, &source).await;

    runs.sweep(Duration::ZERO).await.unwrap();
    let options = CollectOptions { keep: 1000, min_age: Duration::ZERO, dry_run: false };
    runs.collect(&source, options).await.unwrap();
    check_what_readers_see(&sandbox, &catalog, &source).await;
    let versions = catalog.versions(&source, None, 1000).await.unwrap();
    let active: BTreeSet<PathBuf> = versions
        .iter()
        .filter(|it| it.status == VersionStatus::Active)
        .flat_map(|it| ["data.parquet", "_manifest.json"].map(|name| (it, name)))
        .map(|(it, name)| {
            sandbox.path(&format!("org-local/processed/{}/{}/{name}", source.id, it.number))
        })
        .collect();
    assert!(versions.iter().all(|it| it.status != VersionStatus::Pending));
    assert_eq!(files(&sandbox.path("org-local/processed")), active);

    // And whoever comes next is not in anybody's way.
    sandbox.finish(&mut tundra(&["convert", "--source", "sales"])).succeeds();
}

/// The current version is an active one, and every active version has all of its data.
async fn check_what_readers_see(
    sandbox: &Sandbox,
    catalog: &SqliteCatalog,
    source: &tundra_core::Source,
) {
    let source = catalog.source(&Scope::All, source.id).await.unwrap();
    let versions = catalog.versions(&source, None, 1000).await.unwrap();
    let active = versions.iter().filter(|it| it.status == VersionStatus::Active);
    let mut numbers = BTreeSet::new();
    for version in active {
        numbers.insert(version.number);
        let data = format!("org-local/processed/{}/{}/data.parquet", source.id, version.number);
        assert_eq!(sandbox.rows(&data).len(), 40_000, "{}", version.number);
    }
    assert!(numbers.contains(&source.current_version.unwrap()));
}

/// Returns all files below a directory but hidden ones, which nobody takes for objects.
fn files(directory: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
        if path.is_dir() {
            found.extend(files(&path));
        } else if !is_hidden {
            found.insert(path);
        }
    }
    found
}
