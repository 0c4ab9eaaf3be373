//! Garage.

use std::{sync::Arc, time::Duration};

use tundra_core::{IfExists, testing::storage::run_all};
use tundra_storage::Stores;
use tundra_test_services::env;

use crate::{
    remote::{PART, noise, s3, s3_settings},
    support::{begin, get, put},
};

#[tokio::test]
async fn s3_conforms() {
    let bucket = env::garage().unwrap().new_bucket().await.unwrap();
    run_all(s3(&bucket).as_ref()).await;
    assert_eq!(bucket.uploads("").await.unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_conforms_for_several_at_once() {
    let bucket = env::garage().unwrap().new_bucket().await.unwrap();
    let storage = s3(&bucket);
    let suites = [0; 3].map(|_| {
        let storage = Arc::clone(&storage);
        tokio::spawn(async move { run_all(storage.as_ref()).await })
    });
    for suite in suites {
        suite.await.unwrap();
    }
}

/// Garage does not know the condition, so that nothing but our own look keeps what is there.
#[tokio::test]
async fn what_is_there_is_kept_without_help_from_the_store() {
    let bucket = env::garage().unwrap().new_bucket().await.unwrap();
    let only_new = [("if-none-match", "*")];
    for _ in 0..2 {
        // The day on which the second one fails, this test and docs/STORES.md may say more.
        let put = bucket.request("PUT", "a.bin", &only_new, "x").await.unwrap();
        put.success().unwrap();
    }
    let storage = s3(&bucket);
    assert!(!storage.capabilities().atomic_create);
    for (name, size) in [("small.bin", 10), ("large.bin", 2 * PART)] {
        let late = begin(storage.as_ref(), name, IfExists::Fail, noise(size)).await.unwrap();
        put(storage.as_ref(), name, IfExists::Fail, "theirs").await.unwrap();
        assert!(late.publish().await.is_err());
        assert_eq!(get(storage.as_ref(), name).await.unwrap(), "theirs");
    }
    assert_eq!(bucket.uploads("").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn the_janitor_removes_what_nobody_completed_and_only_that() {
    let bucket = env::garage().unwrap().new_bucket().await.unwrap();
    let storage = s3(&bucket);
    put(storage.as_ref(), "out/done.bin", IfExists::Fail, noise(2 * PART)).await.unwrap();
    for key in ["out/a.bin", "out/a%20b/%C3%A4.bin", "output.bin", "other/a.bin"] {
        bucket
            .request("POST", &format!("{key}?uploads"), &[], "")
            .await
            .unwrap()
            .success()
            .unwrap();
    }
    let stores = Stores::new(s3_settings(&bucket));
    let janitor = stores.janitor(&format!("s3://{}/out/", bucket.bucket)).unwrap();
    let young = janitor.find(Duration::from_secs(3600)).await.unwrap();
    assert_eq!(young, []);

    let found = janitor.find(Duration::ZERO).await.unwrap();
    let keys: Vec<&str> = found.iter().map(|upload| upload.key.as_str()).collect();
    assert_eq!(keys, ["out/a b/ä.bin", "out/a.bin"]);
    for upload in &found {
        // Twice, as two janitors at once do.
        janitor.abort(upload).await.unwrap();
        janitor.abort(upload).await.unwrap();
    }
    assert_eq!(janitor.find(Duration::ZERO).await.unwrap(), []);
    let mut left = bucket.uploads("").await.unwrap();
    left.sort();
    assert_eq!(left, ["other/a.bin", "output.bin"]);
    assert_eq!(get(storage.as_ref(), "out/done.bin").await.unwrap(), noise(2 * PART));
}

#[tokio::test]
async fn more_uploads_than_one_page_holds_are_all_found() {
    let bucket = env::garage().unwrap().new_bucket().await.unwrap();
    let begin = async |number: usize| {
        let target = format!("out/{:04}.bin?uploads", number / 3);
        bucket.request("POST", &target, &[], "").await.unwrap().success().unwrap();
    };
    // A page has a thousand; three uploads of one key, so that a page ends within one.
    for number in 0..1100 {
        begin(number).await;
    }
    let stores = Stores::new(s3_settings(&bucket));
    let janitor = stores.janitor(&format!("s3://{}", bucket.bucket)).unwrap();
    let mut found = janitor.find(Duration::ZERO).await.unwrap();
    assert_eq!(found.len(), 1100);
    found.dedup_by(|a, b| a.id == b.id);
    assert_eq!(found.len(), 1100);
}
