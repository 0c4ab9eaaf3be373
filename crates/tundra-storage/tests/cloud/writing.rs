//! What is sent when objects are written and copied.

use tundra_core::{IfExists, StorageError};

use super::{
    at,
    server::{Reply, Request, Server},
    told,
};
use crate::support::{begin, error, put};

const MARK: &str = "x-amz-meta-tundrawrite";

fn begun() -> Reply {
    Reply::new(
        200,
        "<InitiateMultipartUploadResult><UploadId>id-1</UploadId></InitiateMultipartUploadResult>",
    )
}

fn completed() -> Reply {
    Reply::new(
        200,
        "<CompleteMultipartUploadResult><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>",
    )
}

/// Answers like a store that has no objects yet.
fn empty_store(request: &Request) -> Reply {
    match request.method.as_str() {
        "HEAD" | "GET" => Reply::error(404, "NoSuchKey", "No."),
        "POST" if request.target.contains("uploads") => begun(),
        "POST" => completed(),
        "PUT" => Reply::new(200, "").with("etag", "\"part\""),
        _ => Reply::new(204, ""),
    }
}

fn lines(server: &Server, method: &str) -> Vec<Request> {
    server.requests().into_iter().filter(|it| it.method == method).collect()
}

#[tokio::test]
async fn a_small_object_is_put_under_its_condition_and_with_its_digest() {
    let server = Server::start(|request, _| empty_store(request)).await;
    let (storage, _) = at(&server.endpoint, "s3://bucket/a");
    put(&*storage, "a", IfExists::Fail, "data").await.unwrap();
    put(&*storage, "b", IfExists::Replace, "data").await.unwrap();
    let puts = lines(&server, "PUT");
    assert_eq!(puts[0].header("if-none-match"), Some("*"));
    assert_eq!(puts[1].header("if-none-match"), None);
    for put in &puts {
        assert_eq!(put.body, b"data");
        // SHA-256 of `data`, which the signature covers and the store compares.
        assert_eq!(
            put.header("x-amz-content-sha256"),
            Some("3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7")
        );
        assert!(put.header("user-agent").unwrap().starts_with("tundra/"));
    }
}

#[tokio::test]
async fn a_large_object_is_completed_under_its_condition() {
    let server = Server::start(|request, _| empty_store(request)).await;
    let (storage, _) = at(&server.endpoint, "s3://bucket/a");
    put(&*storage, "a", IfExists::Fail, vec![1; 2500]).await.unwrap();
    put(&*storage, "b", IfExists::Replace, vec![1; 2500]).await.unwrap();
    let completions: Vec<_> = lines(&server, "POST")
        .into_iter()
        .filter(|it| it.target.contains("uploadId="))
        .map(|it| it.header("if-none-match").map(str::to_owned))
        .collect();
    assert_eq!(completions, [Some("*".to_owned()), None]);
    let mut sizes: Vec<_> = lines(&server, "PUT").iter().map(|it| it.body.len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [500, 500, 1000, 1000, 1000, 1000]);
}

#[tokio::test]
async fn a_store_that_does_not_know_the_condition_completes_without() {
    let server = Server::start(|request, _| match request.header("if-none-match") {
        Some(_) => Reply::error(501, "NotImplemented", "A header is not implemented."),
        None => empty_store(request),
    })
    .await;
    let (storage, _) = at(&server.endpoint, "s3://bucket/a");
    put(&*storage, "a", IfExists::Fail, vec![1; 2500]).await.unwrap();
    assert!(!storage.capabilities().atomic_create);
}

#[tokio::test]
async fn a_name_that_is_taken_ends_the_upload() {
    let server = Server::start(|request, _| match request.header("if-none-match") {
        Some(_) => Reply::error(412, "PreconditionFailed", "It is there."),
        None => empty_store(request),
    })
    .await;
    let (storage, _) = at(&server.endpoint, "s3://bucket/a");
    for size in [10, 2500] {
        let error = error(put(&*storage, "a", IfExists::Fail, vec![1; size]).await);
        assert!(matches!(error, StorageError::AlreadyExists { .. }), "{error:?}");
    }
    assert_eq!(lines(&server, "DELETE").len(), 1, "{:?}", server.log());
}

#[tokio::test]
async fn an_answer_that_was_lost_is_not_taken_for_somebody_elses_object() {
    // The store does what it is asked, and the answer does not arrive; asked again, it refuses.
    for size in [10, 2500] {
        let mark = std::sync::Mutex::new(None::<String>);
        let done = std::sync::atomic::AtomicBool::new(false);
        let server = Server::start(move |request, _| {
            use std::sync::atomic::Ordering::SeqCst;
            if let Some(value) = request.header(MARK) {
                *mark.lock().unwrap() = Some(value.to_owned());
            }
            let publishes = request.header("if-none-match").is_some();
            match request.method.as_str() {
                _ if publishes && !done.swap(true, SeqCst) => Reply::hangup(),
                _ if publishes => Reply::error(412, "PreconditionFailed", "It is there."),
                "HEAD" if done.load(SeqCst) => Reply::object(request, &vec![1; size])
                    .with(MARK, mark.lock().unwrap().as_deref().unwrap()),
                _ => empty_store(request),
            }
        })
        .await;
        let (storage, _) = at(&server.endpoint, "s3://bucket/a");
        let info = put(&*storage, "a", IfExists::Fail, vec![1; size]).await.unwrap();
        assert_eq!(info.etag.as_deref(), Some("\"tag\""));
        assert!(lines(&server, "DELETE").is_empty(), "{:?}", server.log());
    }
}

#[tokio::test]
async fn an_error_inside_a_success_is_an_error() {
    let server = Server::start(|request, _| {
        let completes = request.method == "POST" && request.target.contains("uploadId=");
        if completes {
            return Reply::error(200, "EntityTooSmall", "A part is too small.");
        }
        empty_store(request)
    })
    .await;
    let (storage, _) = at(&server.endpoint, "s3://bucket/a");
    let error = error(put(&*storage, "a", IfExists::Replace, vec![1; 2500]).await);
    assert!(told(&error).contains("EntityTooSmall: A part is too small"), "{error:?}");
    assert_eq!(lines(&server, "DELETE").len(), 1, "{:?}", server.log());
}

#[tokio::test]
async fn a_bucket_that_is_missing_is_told_before_anything_is_sent() {
    let server = Server::start(|request, _| match request.method.as_str() {
        "HEAD" => Reply::new(404, ""),
        _ => Reply::error(404, "NoSuchBucket", "There is no such bucket."),
    })
    .await;
    let (storage, _) = at(&server.endpoint, "s3://bucket/a");
    let error = error(begin(&*storage, "a", IfExists::Fail, "x").await.map(drop));
    assert!(matches!(error, StorageError::NoContainer { .. }), "{error:?}");
    assert_eq!(error.to_string(), "there is no bucket or container `s3://bucket`");
    assert!(lines(&server, "PUT").is_empty());
}

#[tokio::test]
async fn a_name_that_the_store_would_change_is_refused() {
    let mut settings = super::settings("http://127.0.0.1:1");
    settings.azure.account = Some("account".to_owned());
    settings.azure.access_key = Some(tundra_core::Secret::new("aHVzaA=="));
    let (storage, key) =
        tundra_storage::Stores::new(settings).resolve("az://container/a\\b").unwrap();
    let error = error(storage.create(&key, IfExists::Replace).await.map(drop));
    assert!(matches!(error, StorageError::InvalidName { .. }), "{error:?}");
}

#[tokio::test]
async fn a_copy_is_the_stores_own() {
    let server = Server::start(|request, _| match request.method.as_str() {
        "HEAD" => Reply::object(request, &[1; 10]),
        "PUT" => Reply::new(200, "<CopyObjectResult><ETag>\"tag\"</ETag></CopyObjectResult>"),
        _ => Reply::hangup(),
    })
    .await;
    let (storage, from) = at(&server.endpoint, "s3://bucket/up/a b");
    let to = "raw/a".parse().unwrap();
    let info = storage.copy(&from, &to, IfExists::Replace).await.unwrap();
    assert_eq!((info.path, info.size), (to.clone(), 10));
    let puts = lines(&server, "PUT");
    assert_eq!(puts[0].line(), "PUT /bucket/raw/a");
    assert_eq!(puts[0].header("x-amz-copy-source"), Some("bucket/up/a%20b"));
    assert!(puts[0].body.is_empty());
    let error = error(storage.copy(&from, &to, IfExists::Fail).await);
    assert!(matches!(error, StorageError::AlreadyExists { .. }), "{error:?}");
    assert_eq!(lines(&server, "PUT").len(), 1);
}
