//! `POST /convert/file` and `/infer/schema` of 3.0: from one signed URL to another.

use serde_json::json;

use crate::server::stack::{Stack, but};

const CSV: &str = "id,name\n1,ann\n2,\"bob, jr.\"\n3,\n";

#[tokio::test]
async fn a_file_goes_from_one_signed_url_to_another() {
    let stack = Stack::new().await;
    let server = stack.serve();
    let ask = server.asker();
    stack.put("in/orders.csv", CSV).await;
    let source = stack.signed("in/orders.csv", "GET");
    let looked =
        ask.post("/infer/schema", &json!({"source_url": source, "format": "csv"})).await.ok();
    assert_eq!((&looked["schema"]["total_rows"], &looked["warnings"]), (&json!(3), &json!([])));
    let request = json!({
        "source_url": source, "output_url": stack.signed("out/orders.parquet", "PUT"),
        "format": "csv", "options": {"column_mapping": {"name": "customer"}},
    });
    let answer = ask.post("/convert/file", &request).await.ok();
    let metadata = &answer["metadata"];
    assert_eq!((&answer["success"], &metadata["source_type"]), (&json!(true), &json!("file")));
    assert!(metadata.get("version").is_none(), "{answer}");
    assert_eq!((&metadata["rows"], &metadata["columns"]), (&json!(3), &json!(2)));
    let contents = stack.parquet("out/orders.parquet").await;
    assert_eq!(contents.names(), ["id", "customer"]);
    assert_eq!(contents.row(1).unwrap(), [Some("2"), Some("bob, jr.")]);
    assert_eq!(contents.row(2).unwrap(), [Some("3"), None]);
    // No source was named, so nothing is catalogued.
    assert_eq!(stack.catalog().run("SELECT count(*) FROM sources").unwrap(), "0");
    let (_, log) = server.stop("TERM").unwrap();
    for shown in [log, looked.to_string(), answer.to_string()] {
        assert!(!shown.contains("X-Amz-Signature"), "{shown}");
    }
}

#[tokio::test]
async fn what_a_signature_does_not_allow_is_not_done() {
    let stack = Stack::new().await;
    let server = stack.serve();
    let ask = server.asker();
    stack.put("in/orders.csv", CSV).await;
    stack.put("in/bad.csv", "a,b\n1,2\n3\n").await;
    let source = stack.signed("in/orders.csv", "GET");
    let output = stack.signed("out/orders.parquet", "PUT");
    let good = json!({"source_url": source, "output_url": output});
    let other_key = source.replace("in/orders.csv", "in/bad.csv");
    let evil = "https://evil.example/orders.csv?X-Amz-Signature=hunter2";
    for (changes, status, code) in [
        (json!({"source_url": stack.signed("in/missing.csv", "GET")}), 404, "not_found"),
        (json!({"source_url": other_key}), 403, "permission_denied"),
        (json!({"source_url": evil}), 403, "permission_denied"),
        (json!({"output_url": evil}), 403, "permission_denied"),
        (json!({"source_url": "file:///etc/passwd"}), 403, "permission_denied"),
        (json!({"source_url": stack.signed("in/bad.csv", "GET")}), 400, "invalid_data"),
        // Signed for reading.
        (json!({"output_url": source}), 403, "permission_denied"),
        (json!({"output_url": null}), 400, "invalid_request"),
        (json!({"source_url": null}), 400, "invalid_request"),
    ] {
        let answer = ask.post("/convert/file", &but(&good, changes.clone())).await;
        assert_eq!(answer.status, status, "{changes}: {}", answer.text());
        let told = answer.failure(status, code).to_string();
        assert!(!told.contains("Signature") && !told.contains("hunter2"), "{told}");
    }
    let objects = stack.bucket.keys("").await.unwrap();
    assert_eq!(objects, ["in/bad.csv", "in/orders.csv"]);
    assert_eq!(stack.get("in/orders.csv").await, CSV.as_bytes());
}
