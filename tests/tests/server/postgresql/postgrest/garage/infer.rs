//! `POST /infer/schema` with the requests of 4.0.

use serde_json::{Value, json};

use crate::server::stack::Stack;

#[tokio::test]
async fn columns_have_types_and_statistics_as_the_document_shows_them() {
    let stack = Stack::new().await;
    let server = stack.serve();
    let ask = server.asker();
    let text = "amount,name\n1.5,ann\n2.0,bob\n3.7,\n0.01,ann\n";
    let id = stack.uploaded("csv", "in.csv", text).await;
    let request = json!({"source_id": id, "format": "csv", "sample_size": 1000});
    let found = ask.post("/infer/schema", &request).await.ok();
    assert_eq!(
        found,
        json!({
            "success": true,
            "schema": {
                "columns": [
                    {
                        "name": "amount", "inferred_type": "DOUBLE", "nullable": false, "null_count": 0,
                        "unique_count": 4, "sample_values": [1.5, 2.0, 3.7, 0.01],
                        "min_value": 0.01, "max_value": 3.7,
                    },
                    {
                        "name": "name", "inferred_type": "VARCHAR", "nullable": true, "null_count": 1,
                        "unique_count": 2, "sample_values": ["ann", "bob"],
                        "min_value": "ann", "max_value": "bob",
                    },
                ],
                "total_rows": 4,
                "total_columns": 2,
            },
            "sample_data": [
                {"amount": 1.5, "name": "ann"},
                {"amount": 2.0, "name": "bob"},
                {"amount": 3.7, "name": null},
                {"amount": 0.01, "name": "ann"},
            ],
            "warnings": [],
        })
    );
    // The format is the source's, and a sample is no more than was asked for.
    let sampled = ask.post("/infer/schema", &json!({"source_id": id, "sample_size": 2})).await.ok();
    assert_eq!(sampled["schema"]["total_rows"], 2);
    // Looking makes no version.
    assert!(stack.statuses(&id).is_empty());
    assert_eq!(stack.objects(&id).await, ["uploads/ID/in.csv"]);
}

#[tokio::test]
async fn every_format_is_looked_at() {
    let stack = Stack::new().await;
    let server = stack.serve();
    let ask = server.asker();
    let csv = stack.uploaded("csv", "in.csv", "a,b\n1,x\n2,y\n").await;
    ask.post("/convert/file", &json!({"source_id": csv})).await.ok();
    let parquet = stack.get(&format!("processed/{csv}/v1/data.parquet")).await;
    for (format, bytes) in [
        ("csv", b"a,b\n1,x\n2,y\n".to_vec()),
        ("tsv", b"a\tb\n1\tx\n2\ty\n".to_vec()),
        ("json", br#"[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]"#.to_vec()),
        ("ndjson", b"{\"a\": 1, \"b\": \"x\"}\n{\"a\": 2, \"b\": \"y\"}\n".to_vec()),
        ("parquet", parquet),
    ] {
        let id = stack.uploaded(format, &format!("in.{format}"), bytes).await;
        let found = ask.post("/infer/schema", &json!({"source_id": id, "format": format})).await;
        let found = found.ok();
        let columns = found["schema"]["columns"].as_array().unwrap();
        let told: Vec<(&Value, &Value)> =
            columns.iter().map(|it| (&it["name"], &it["inferred_type"])).collect();
        let expected =
            [("a", "BIGINT"), ("b", "VARCHAR")].map(|(name, kind)| (json!(name), json!(kind)));
        let expected: Vec<(&Value, &Value)> = expected.iter().map(|(a, b)| (a, b)).collect();
        assert_eq!(told, expected, "{format}: {found}");
        assert_eq!(found["schema"]["total_rows"], 2, "{format}: {found}");
        assert_eq!(found["sample_data"][1], json!({"a": 2, "b": "y"}), "{format}");
    }
    let geojson = r#"{"type": "FeatureCollection", "features": [
        {"type": "Feature", "geometry": null, "properties": {"n": "x"}}
    ]}"#;
    let id = stack.uploaded("geojson", "in.geojson", geojson).await;
    let found = ask.post("/infer/schema", &json!({"source_id": id})).await.ok();
    assert_eq!(found["schema"]["total_rows"], 1, "{found}");
    let geometry = &found["schema"]["columns"][1];
    assert_eq!(geometry["name"], "geometry", "{found}");
    // What has no order has no smallest.
    assert_eq!((&geometry["min_value"], &geometry["max_value"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_refused_as_a_conversion_is() {
    let stack = Stack::new().await;
    let server = stack.serve();
    let ask = server.asker();
    let empty = stack.add("file", "csv");
    let nobodys = "00000000-0000-4000-8000-000000000000";
    for (request, status, code) in [
        (json!({}), 400, "invalid_request"),
        (json!({"source_id": "x"}), 400, "invalid_request"),
        (json!({"source_id": nobodys}), 404, "not_found"),
        (json!({"source_id": empty}), 404, "not_found"),
        (json!({"source_id": empty, "sample_size": 0}), 400, "invalid_request"),
        (json!({"source_id": empty, "format": "xml"}), 400, "invalid_request"),
        (json!({"source_url": "file:///etc/passwd"}), 403, "permission_denied"),
        (json!({"source_url": "https://169.254.169.254/latest"}), 403, "permission_denied"),
    ] {
        let answer = ask.post("/infer/schema", &request).await;
        assert_eq!(answer.status, status, "{request}: {}", answer.text());
        answer.failure(status, code);
    }
}
