//! Processes that end without warning.

use std::{fs, path::Path};

use bytes::Bytes;
use tundra_core::{IfExists, Storage};
use tundra_storage::LocalStorage;

use tundra_test_services::scenario::say;

use crate::{
    child::PLAYER,
    support::{begin, get, local, names, path, put},
};

const SIZE: usize = 40 << 20;

/// Scenario: writes most of an object and then waits to be killed.
pub(crate) async fn write_half(directory: &Path) {
    let storage = LocalStorage::new(directory).unwrap();
    let mut writer =
        begin(&storage, "out.parquet", IfExists::Replace, vec![1; SIZE]).await.unwrap();
    writer.read_back(0..1).await.unwrap();
    say("written");
    std::future::pending::<()>().await;
}

/// Scenario: publishes versions of an object, each of bytes of its own, until it is killed.
pub(crate) async fn publish_forever(directory: &Path) {
    let storage = LocalStorage::new(directory).unwrap();
    for version in 1..=u8::MAX {
        let mut writer = storage.create(&path("out.bin"), IfExists::Replace).await.unwrap();
        say("created");
        for _ in 0..4 {
            writer.write(Bytes::from(vec![version; 500_000])).await.unwrap();
            say("written");
        }
        say("publishing");
        writer.publish().await.unwrap();
    }
}

#[tokio::test]
async fn a_killed_run_leaves_nothing_under_the_final_name() {
    let (directory, storage) = local();
    let mut run = PLAYER.start("write-half", directory.path());
    while run.hear() != "written" {}
    run.kill();

    let left = names(directory.path());
    assert!(!left.contains(&"out.parquet".to_owned()), "{left:?}");
    assert!(storage.list(None).await.unwrap().is_empty());
    // What is left says what it is, and nobody takes it for data.
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0].starts_with(".out.parquet.tundra-") && left[0].ends_with(".tmp"), "{left:?}");
    assert!(fs::metadata(directory.path().join(&left[0])).unwrap().len() > 0);

    put(&storage, "out.parquet", IfExists::Fail, "again").await.unwrap();
    assert_eq!(get(&storage, "out.parquet").await.unwrap(), "again");
}

#[tokio::test]
async fn a_killed_replacement_leaves_the_old_file() {
    let (directory, storage) = local();
    put(&storage, "out.parquet", IfExists::Fail, "old").await.unwrap();
    let mut run = PLAYER.start("write-half", directory.path());
    while run.hear() != "written" {}
    run.kill();
    assert_eq!(get(&storage, "out.parquet").await.unwrap(), "old");
}

#[tokio::test]
async fn whenever_a_run_is_killed_the_object_is_whole() {
    let (directory, storage) = local();
    for lines in 1..40 {
        let mut run = PLAYER.start("publish-forever", directory.path());
        for _ in 0..lines {
            run.hear();
        }
        run.kill();
        let versions = storage.list(None).await.unwrap();
        assert!(versions.iter().all(|info| info.path.as_str() == "out.bin"), "{versions:?}");
        if let [info] = versions.as_slice() {
            assert_eq!(info.size, 2_000_000);
            let data = get(&storage, "out.bin").await.unwrap();
            assert!(data.iter().all(|byte| *byte == data[0]), "two versions in one object");
        }
    }
    // Seven lines are one version; so the last rounds had something to break.
    storage.head(&path("out.bin")).await.unwrap();
}
