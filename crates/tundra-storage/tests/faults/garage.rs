//! What Garage refuses for good.

use tundra_core::{Classify, ErrorKind, IfExists, StorageError};
use tundra_test_services::{
    FaultProxy, S3, env,
    proxy::{Reply, Rule},
};

use super::refusals::{errors, is_fit_to_show};
use crate::{
    remote::{PART, chain, noise, s3},
    support::{error, get, path, put},
};

#[tokio::test]
async fn a_missing_bucket_is_told_as_such() {
    let store = env::garage().unwrap().with_bucket("no-such-bucket");
    for error in errors(s3(&store).as_ref()).await {
        let is_it = matches!(&error, StorageError::NoContainer { container, .. }
            if container == "s3://no-such-bucket");
        assert!(is_it, "{error:?}");
        assert_eq!(error.kind(), ErrorKind::NotFound);
        is_fit_to_show(&error, &store);
    }
}

#[tokio::test]
async fn wrong_credentials_are_told_as_such() {
    let store = env::garage().unwrap();
    let wrong_secret = S3 { secret: "0".repeat(64), ..store.clone() };
    let unknown_key = S3 { key: format!("GK{}", "0".repeat(24)), ..store.clone() };
    for store in [wrong_secret, unknown_key] {
        for error in errors(s3(&store).as_ref()).await {
            let is_it = matches!(error, StorageError::Unauthenticated { .. });
            assert!(is_it, "{}: {}", store.key, chain(&error));
            is_fit_to_show(&error, &store);
        }
    }
}

#[tokio::test]
async fn what_may_only_be_read_is_not_written() {
    let owner = env::garage().unwrap();
    let name = "reader/a.bin";
    put(s3(&owner).as_ref(), name, IfExists::Replace, "x").await.unwrap();
    let reader = env::garage_reader().unwrap();
    let storage = s3(&reader);
    assert_eq!(get(storage.as_ref(), name).await.unwrap(), "x");
    let written = [
        put(storage.as_ref(), name, IfExists::Replace, "y").await.map(drop),
        put(storage.as_ref(), "reader/b.bin", IfExists::Fail, noise(2 * PART)).await.map(drop),
        storage.delete(&path(name)).await,
        storage.copy(&path(name), &path("reader/c.bin"), IfExists::Fail).await.map(drop),
    ];
    for written in written {
        let error = error(written);
        assert!(matches!(error, StorageError::PermissionDenied { .. }), "{}", chain(&error));
        is_fit_to_show(&error, &reader);
    }
    assert_eq!(get(storage.as_ref(), name).await.unwrap(), "x");
    assert_eq!(owner.uploads("reader").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn an_upload_that_fails_is_not_listed_any_more() {
    let bucket = env::garage().unwrap().new_bucket().await.unwrap();
    let proxy = FaultProxy::start(&bucket.endpoint).unwrap();
    let denied = Reply::s3(403, "AccessDenied", "Access Denied");
    proxy.add(Rule::new(denied.into()).method("PUT").query("partNumber").skip(1));
    let storage = s3(&bucket.at(proxy.endpoint()));
    error(put(storage.as_ref(), "a.bin", IfExists::Fail, noise(3 * PART)).await);
    proxy
        .wait_until(|seen| seen.iter().any(|it| it.is("DELETE", "uploadId") && it.ended.is_some()))
        .await
        .unwrap();
    assert_eq!(bucket.uploads("").await.unwrap(), [""; 0]);
    assert_eq!(s3(&bucket).list(None).await.unwrap(), []);
}
