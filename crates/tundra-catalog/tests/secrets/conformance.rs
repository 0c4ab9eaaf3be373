//! Every store of this crate runs the suite of the trait.

use std::{fs, sync::Arc, time::Duration};

use tempfile::TempDir;
use tundra_catalog::{CachedSecrets, EnvironmentSecrets, FileSecrets, SecretChain};
use tundra_core::{
    SecretStore,
    testing::secrets::{Held, run_all},
};

use super::VALUE;

/// What every store of these tests holds.
pub(super) const HELD: Held<'_> =
    Held { name: "Warehouse-main_2", value: VALUE, missing: "Lakehouse-main_2" };

fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let all = format!(r#"{{"{}": "{VALUE}"}}"#, HELD.name);
    fs::write(directory.path().join("all.json"), all).unwrap();
    fs::write(directory.path().join(HELD.name), VALUE).unwrap();
    directory
}

fn variables() -> EnvironmentSecrets {
    let variable = ("TUNDRA_SECRET_WAREHOUSE_MAIN_2".to_owned(), VALUE.to_owned());
    EnvironmentSecrets::from_vars([variable])
}

#[tokio::test]
async fn variables_conform() {
    run_all(&variables(), HELD).await;
}

#[tokio::test]
async fn one_file_conforms() {
    let directory = directory();
    run_all(&FileSecrets::file(directory.path().join("all.json")), HELD).await;
}

#[tokio::test]
async fn a_directory_conforms() {
    let directory = directory();
    run_all(&FileSecrets::directory(directory.path()), HELD).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_stores_and_a_cached_one_conform_on_many_threads() {
    let directory = directory();
    let empty: Arc<dyn SecretStore> = Arc::new(EnvironmentSecrets::default());
    let file: Arc<dyn SecretStore> = Arc::new(FileSecrets::file(directory.path().join("all.json")));
    let joined: Arc<dyn SecretStore> = Arc::new(SecretChain::new([empty, file]));
    run_all(&*joined, HELD).await;
    run_all(&CachedSecrets::new(Arc::clone(&joined), Duration::from_secs(60)), HELD).await;
    run_all(&CachedSecrets::new(joined, Duration::ZERO), HELD).await;
}
