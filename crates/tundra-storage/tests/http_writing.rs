//! Writing to signed URLs, seen from the server.

use std::time::Duration;

use tundra_core::{Classify, ErrorKind, IfExists, ObjectInfo, Storage, StorageError};
use tundra_storage::{HttpClient, HttpOptions};

use crate::{
    http_reading::{data, options},
    http_server::{Answer, Manner, Server},
    support::{error, names},
};

const SIGNED: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=hunter2";

async fn put(
    url: &str,
    options: HttpOptions,
    if_exists: IfExists,
    pieces: &[&[u8]],
) -> Result<ObjectInfo, StorageError> {
    let (storage, path) = HttpClient::new(options)?.locate(url)?;
    let mut writer = storage.create(&path, if_exists).await?;
    for piece in pieces {
        writer.write(piece.to_vec().into()).await?;
    }
    writer.publish().await
}

fn url(server: &Server, query: &str) -> String {
    format!("http://127.0.0.1:{}/out/a.parquet?{query}", server.port())
}

#[tokio::test]
async fn an_object_is_one_put_with_its_length_and_type() {
    let temp = tempfile::tempdir().unwrap();
    for size in [0, 1, 300_000, 3 << 20] {
        let server = Server::scripted([Answer::new(200, "").header("ETag", "\"new\"")]).await;
        let data: Vec<u8> = data().into_iter().cycle().take(size).collect();
        let (first, second) = data.split_at(size / 3);
        let url = url(&server, SIGNED);
        let put =
            put(&url, options(temp.path()), IfExists::Replace, &[first, second]).await.unwrap();
        assert_eq!((put.path.as_str(), put.size), ("a.parquet", size as u64));
        assert_eq!(put.etag.as_deref(), Some("\"new\""));
        let seen = server.seen();
        assert_eq!(seen.len(), 1, "{size}");
        let request = &seen[0];
        assert_eq!(request.method, "PUT");
        assert_eq!(request.target, format!("/out/a.parquet?{SIGNED}"));
        assert_eq!(request.header("content-length"), Some(size.to_string().as_str()));
        assert_eq!(request.header("transfer-encoding"), None);
        assert_eq!(request.header("content-type"), Some("application/vnd.apache.parquet"));
        assert_eq!(request.header("if-none-match"), None);
        assert_eq!(request.header("x-ms-blob-type"), None);
        assert!(request.body == data, "{size}");
        assert_eq!(names(temp.path()), [""; 0]);
    }
}

#[tokio::test]
async fn nothing_is_sent_before_publishing_or_after_giving_up() {
    let (server, temp) =
        (Server::scripted([Answer::new(200, "")]).await, tempfile::tempdir().unwrap());
    let client = HttpClient::new(options(temp.path())).unwrap();
    let (storage, path) = client.locate(&url(&server, SIGNED)).unwrap();
    let mut writer = storage.create(&path, IfExists::Fail).await.unwrap();
    writer.write(data().into()).await.unwrap();
    assert!(writer.read_back(100..200_000).await.unwrap() == data()[100..200_000]);
    assert!(writer.read_back(0..data().len() as u64 + 1).await.is_err());
    assert!(storage.capabilities().read_back_window.is_none());
    writer.abort().await.unwrap();
    drop(storage.create(&path, IfExists::Fail).await.unwrap());
    assert!(server.seen().is_empty());
    assert_eq!(names(temp.path()), [""; 0]);
}

#[tokio::test]
async fn the_content_type_can_be_another_or_none() {
    let temp = tempfile::tempdir().unwrap();
    for (content_type, expected) in [(Some("text/csv"), Some("text/csv")), (None, None)] {
        let server = Server::scripted([Answer::new(201, "")]).await;
        let options =
            HttpOptions { content_type: content_type.map(str::to_owned), ..options(temp.path()) };
        put(&url(&server, SIGNED), options, IfExists::Replace, &[b"x"]).await.unwrap();
        assert_eq!(server.seen()[0].header("content-type"), expected);
    }
}

#[tokio::test]
async fn the_condition_is_sent_only_where_the_signature_covers_it() {
    let temp = tempfile::tempdir().unwrap();
    let covered = "X-Amz-SignedHeaders=host%3Bif-none-match&X-Amz-Signature=hunter2";
    for (query, if_exists, expected) in [
        (SIGNED, IfExists::Fail, None),
        (SIGNED, IfExists::Replace, None),
        (covered, IfExists::Fail, Some("*")),
        ("sv=2020&sig=hunter2", IfExists::Fail, None),
        ("", IfExists::Fail, Some("*")),
        ("", IfExists::Replace, None),
    ] {
        let server = Server::scripted([Answer::new(200, "")]).await;
        put(&url(&server, query), options(temp.path()), if_exists, &[b"x"]).await.unwrap();
        assert_eq!(server.seen()[0].header("if-none-match"), expected, "{query} {if_exists:?}");
    }
    let server = Server::scripted([Answer::new(412, "<Code>PreconditionFailed</Code>")]).await;
    let failed =
        error(put(&url(&server, covered), options(temp.path()), IfExists::Fail, &[b"x"]).await);
    assert!(matches!(failed, StorageError::AlreadyExists { .. }), "{failed:?}");
    let failed =
        error(put(&url(&server, covered), options(temp.path()), IfExists::Replace, &[b"x"]).await);
    assert!(matches!(failed, StorageError::Refused { .. }), "{failed:?}");
}

#[tokio::test]
async fn azure_is_told_what_kind_of_blob_it_is() {
    let temp = tempfile::tempdir().unwrap();
    let server = Server::scripted([Answer::new(201, "")]).await;
    let url = url(&server, "sv=2024-01-01&sr=b&sp=cw&se=2099-01-01&sig=hunter2");
    put(&url, options(temp.path()), IfExists::Replace, &[b"x"]).await.unwrap();
    assert_eq!(server.seen()[0].header("x-ms-blob-type"), Some("BlockBlob"));
}

#[tokio::test]
async fn a_signature_for_a_header_that_is_not_sent_is_refused_before_any_work() {
    let (server, temp) =
        (Server::scripted([Answer::new(200, "")]).await, tempfile::tempdir().unwrap());
    let query = "X-Amz-SignedHeaders=host%3Bx-amz-acl&X-Amz-Signature=hunter2";
    let client = HttpClient::new(options(temp.path())).unwrap();
    let (storage, path) = client.locate(&url(&server, query)).unwrap();
    let failed = error(storage.create(&path, IfExists::Replace).await);
    assert!(failed.to_string().contains("`x-amz-acl`"), "{failed}");
    assert!(!format!("{failed:?}").contains("hunter2"), "{failed:?}");
}

#[tokio::test]
async fn a_put_is_sent_again_from_its_beginning() {
    let temp = tempfile::tempdir().unwrap();
    let server = Server::scripted([
        Answer::new(503, "<Code>SlowDown</Code>"),
        Answer::new(200, "").manner(Manner::Nothing),
        Answer::new(307, "").header("Location", "/elsewhere/on/this/host"),
        Answer::new(200, ""),
    ])
    .await;
    let data = data();
    let url = url(&server, SIGNED);
    put(&url, options(temp.path()), IfExists::Replace, &[&data]).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 4);
    assert!(seen.iter().all(|request| request.method == "PUT" && request.body == data));
    assert_eq!(seen[3].target, "/elsewhere/on/this/host");
}

#[tokio::test]
async fn refusals_say_what_they_are() {
    let temp = tempfile::tempdir().unwrap();
    let expired = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
    for (status, body, kind, says) in [
        (403, expired, ErrorKind::PermissionDenied, "expired"),
        (403, "<Code>SignatureDoesNotMatch</Code>", ErrorKind::PermissionDenied, "credentials"),
        (403, "", ErrorKind::PermissionDenied, "no permission to write"),
        (404, "<Code>NoSuchBucket</Code>", ErrorKind::NotFound, "no bucket"),
        (507, "", ErrorKind::LimitExceeded, "no space"),
        (411, "", ErrorKind::Unavailable, "could not write"),
    ] {
        let server = Server::scripted([Answer::new(status, body)]).await;
        let url = url(&server, SIGNED);
        let failed = error(put(&url, options(temp.path()), IfExists::Replace, &[b"x"]).await);
        assert_eq!(failed.kind(), kind, "{failed:?}");
        assert!(failed.to_string().contains(says), "{failed}");
        assert!(!format!("{failed} {failed:?}").contains("hunter2"), "{failed:?}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn more_than_the_limit_is_refused_while_it_is_written() {
    let (server, temp) =
        (Server::scripted([Answer::new(200, "")]).await, tempfile::tempdir().unwrap());
    let mut options = options(temp.path());
    options.policy.max_size = Some(10);
    let url = url(&server, SIGNED);
    put(&url, options.clone(), IfExists::Replace, &[b"12345", b"67890"]).await.unwrap();
    let failed = error(put(&url, options, IfExists::Replace, &[b"12345", b"678901"]).await);
    assert!(matches!(failed, StorageError::TooLarge { limit: 10, .. }), "{failed:?}");
    assert_eq!(server.methods(), ["PUT"]);
}

#[tokio::test]
async fn a_server_that_takes_nothing_is_given_up() {
    let temp = tempfile::tempdir().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let options =
        HttpOptions { stall: Duration::from_millis(100), retries: 1, ..options(temp.path()) };
    // The kernel makes the connections; nobody reads from them.
    let url = format!("http://127.0.0.1:{port}/a?{SIGNED}");
    let large = vec![0; 32 << 20];
    let failed = error(put(&url, options, IfExists::Replace, &[&large]).await);
    assert!(matches!(failed, StorageError::Unavailable { .. }), "{failed:?}");
    let cause = std::error::Error::source(&failed).unwrap().to_string();
    assert_eq!(cause, "the server took nothing for 100ms");
    drop(listener);
}
