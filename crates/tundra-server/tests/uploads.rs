//! Files that are sent, and what becomes of those that are not what they should be.

use axum::{body::Body, http::StatusCode};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};
use tundra_core::{Catalog as _, Scope, Source};

use crate::{
    place::{Desk, Opening, Place},
    support::Answer,
};

/// Announces a file, and returns the source and where the bytes go.
async fn begin(place: &Place, desk: &Desk, request: &Value) -> (Source, String) {
    let ticket = desk.post("/uploads", &[], request).await;
    assert_eq!(ticket.status, StatusCode::CREATED, "{}", ticket.body);
    let upload = &ticket.body["upload"];
    assert_eq!((&upload["method"], &upload["expires_in"]), (&json!("PUT"), &Value::Null));
    let id = ticket.body["source_id"].as_str().unwrap();
    assert_eq!(ticket.body["source"]["id"], id);
    let source = place.catalog.source(&Scope::All, id.parse().unwrap()).await.unwrap();
    (source, upload["url"].as_str().unwrap().to_owned())
}

async fn put(desk: &Desk, path: &str, headers: &[(&str, &str)], bytes: impl Into<Body>) -> Answer {
    desk.call("PUT", path, headers, bytes.into()).await
}

/// Returns a body that does not say how long it is.
fn streamed(bytes: &str) -> Body {
    let pieces: Vec<_> = bytes.as_bytes().chunks(3).map(Bytes::copy_from_slice).collect();
    Body::from_stream(futures::stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_announced_sent_and_converted() {
    let place = Place::new().await;
    let desk = place.open(Opening::default()).await;
    let request = json!({ "file_name": "a b?.csv", "name": "people", "format": "csv" });
    let (source, path) = begin(&place, &desk, &request).await;
    assert_eq!(path, format!("/uploads/{}/a%20b%3F.csv", source.id));
    assert_eq!((source.name.as_deref(), source.connector_type.as_str()), (Some("people"), "csv"));
    assert_eq!(source.tenant.as_str(), "local");
    let text = "id,name\n1,Ann\n2,Bob\n";
    let sent = put(&desk, &path, &[], streamed(text)).await;
    assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.body);
    assert_eq!(
        (&sent.body["size_bytes"], &sent.body["file_name"]),
        (&json!(20), &json!("a b?.csv"))
    );
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(sent.body["sha256"], digest);
    assert_eq!(place.uploaded_files(&source), ["a b?.csv"]);
    assert_eq!(desk.convert(&source).await["metadata"]["rows"], 2);

    // The next file of the same source.
    let next = json!({ "file_name": "next.csv", "source_id": source.id.to_string() });
    let (same, path) = begin(&place, &desk, &next).await;
    assert_eq!(same.id, source.id);
    put(&desk, &path, &[], "id,name\n3,Eve\n").await;
    let converted = desk.convert(&source).await;
    assert_eq!(
        (&converted["metadata"]["version"], &converted["metadata"]["rows"]),
        (&json!(2), &json!(1))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_may_be_empty_or_as_large_as_is_allowed_and_no_larger() {
    const LIMIT: usize = 1000;
    let place = Place::new().await;
    let desk =
        place.open(Opening { max_file_size: Some(LIMIT as u64), ..Opening::default() }).await;
    for size in [0, 1, LIMIT, LIMIT + 1, 100 * LIMIT] {
        for is_streamed in [false, true] {
            let (source, path) = begin(&place, &desk, &json!({ "file_name": "in.csv" })).await;
            let text = "x".repeat(size);
            let body = if is_streamed { streamed(&text) } else { Body::from(text) };
            let length = size.to_string();
            let said = [("content-length", length.as_str())];
            let sent = put(&desk, &path, if is_streamed { &[] } else { &said }, body).await;
            if size <= LIMIT {
                assert_eq!(sent.status, StatusCode::CREATED, "{size}: {}", sent.body);
                assert_eq!(sent.body["size_bytes"], size);
                assert_eq!(place.uploaded_files(&source), ["in.csv"]);
            } else {
                sent.failure(413, "body_too_large");
                assert_eq!(place.uploaded_files(&source), [""; 0], "{size}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_what_was_announced_leaves_nothing() {
    let place = Place::new().await;
    let desk = place.open(Opening::default()).await;
    let (source, path) = begin(&place, &desk, &json!({ "file_name": "in.csv" })).await;
    let digest = ring::digest::digest(&ring::digest::SHA256, b"id\n1\n");
    let digest = BASE64_STANDARD.encode(digest.as_ref());
    let header = ("content-digest", format!("sha-256=:{digest}:"));
    let said = [(header.0, header.1.as_str())];
    put(&desk, &path, &said, "id\n2\n").await.failure(400, "checksum_mismatch");
    put(&desk, &path, &[("content-md5", "x")], "id\n1\n").await.failure(400, "invalid_request");
    let broken = [Ok(Bytes::from_static(b"id\n1")), Err(std::io::Error::other("gone"))];
    let broken = Body::from_stream(futures::stream::iter(broken));
    put(&desk, &path, &[], broken).await.failure(400, "invalid_request");
    assert_eq!(place.uploaded_files(&source), [""; 0]);
    assert_eq!(put(&desk, &path, &said, "id\n1\n").await.status, StatusCode::CREATED);

    // What was there stays when what should take its place does not come.
    put(&desk, &path, &said, "id\n2\n").await.failure(400, "checksum_mismatch");
    assert_eq!(place.uploaded_files(&source), ["in.csv"]);
    let kept = std::fs::read(place.uploads(&source).join("in.csv")).unwrap();
    assert_eq!(kept, b"id\n1\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_leaves_nothing() {
    let place = Place::new().await;
    let desk = place.open(Opening::default()).await;
    let (source, path) = begin(&place, &desk, &json!({ "file_name": "in.csv" })).await;
    let (sender, pieces) = futures::channel::mpsc::unbounded::<Result<Bytes, std::io::Error>>();
    // More than is gathered before it is written, so that there is something to leave.
    sender.unbounded_send(Ok(Bytes::from(vec![b'x'; 16 << 20]))).unwrap();
    {
        let sending = put(&desk, &path, &[], Body::from_stream(pieces));
        let begun = async {
            while place.uploaded_files(&source).is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            answer = sending => panic!("the body has no end: {}", answer.body),
            () = begun => {}
        }
    }
    let gone = async {
        while !place.uploaded_files(&source).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), gone).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_lead_elsewhere_or_are_not_seen_are_refused() {
    let place = Place::new().await;
    let desk = place.open(Opening::default()).await;
    let source = place.add("acme", None).await;
    let long = "x".repeat(201);
    for name in ["", ".", "..", "../x", "a/b", "a\\b", ".hidden", "a\nb", &long] {
        let refused = desk.post("/uploads", &[], &json!({ "file_name": name })).await;
        refused.failure(400, "invalid_request");
    }
    for name in ["%2e%2e%2fx", "a%2fb", "a%5cb", ".hidden", "a%0ab", &long] {
        let path = format!("/uploads/{}/{name}", source.id);
        put(&desk, &path, &[], "x").await.failure(400, "invalid_request");
    }
    assert_eq!(desk.get("/sources").await.ok()["sources"].as_array().unwrap().len(), 1);
    for request in [
        json!({}),
        json!({ "file_name": "a", "format": "xml" }),
        json!({ "file_name": "a", "name": "x".repeat(256) }),
        json!({ "file_name": "a", "org_id": "../x" }),
        json!({ "file_name": "a", "source_id": source.id.to_string(), "name": "x" }),
    ] {
        desk.post("/uploads", &[], &request).await.failure(400, "invalid_request");
    }
    let named = json!({ "file_name": "a", "name": "people" });
    begin(&place, &desk, &named).await;
    desk.post("/uploads", &[], &named).await.failure(409, "already_exists");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sends_files_to_sources_of_others_or_that_take_none() {
    let place = Place::new().await;
    let desk = place.open(Opening { with_keys: true, ..Opening::default() }).await;
    let source = place.add("acme", None).await;
    let located = place.add("acme", Some("/data/in.csv".to_owned())).await;
    let own = place.key(Some("acme"), "write").await;
    let other = place.key(Some("other"), "write").await;
    let reader = place.key(Some("acme"), "read").await;
    let operator = place.key(None, "write").await;
    let file = |source: &Source| format!("/uploads/{}/in.csv", source.id);
    let sends = async |key: &str, source: &Source| {
        put(&desk, &file(source), &[("x-api-key", key)], "id\n1\n").await
    };
    let begins = async |key: &str, request: Value| {
        desk.post("/uploads", &[("x-api-key", key)], &request).await
    };
    let of = |source: &Source| json!({ "file_name": "in.csv", "source_id": source.id.to_string() });
    sends(&other, &source).await.failure(404, "not_found");
    begins(&other, of(&source)).await.failure(404, "not_found");
    sends(&reader, &source).await.failure(403, "permission_denied");
    begins(&reader, of(&source)).await.failure(403, "permission_denied");
    sends(&own, &located).await.failure(409, "conflict");
    begins(&own, of(&located)).await.failure(409, "conflict");
    assert_eq!(place.uploaded_files(&source), [""; 0]);
    assert_eq!(sends(&own, &source).await.status, StatusCode::CREATED);

    let new = begins(&own, json!({ "file_name": "in.csv" })).await;
    assert_eq!(new.body["source"]["org_id"], "acme");
    let elsewhere = json!({ "file_name": "in.csv", "org_id": "other" });
    begins(&own, elsewhere.clone()).await.failure(403, "permission_denied");
    let theirs = begins(&operator, elsewhere).await;
    assert_eq!(theirs.body["source"]["org_id"], "other");
}
