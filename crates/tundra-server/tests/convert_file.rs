//! `POST /convert/file` of catalogued sources.

use serde_json::{Value, json};
use tundra_core::{SourceType, VersionStatus};

use crate::support::{Service, Wishes, column};

const ORDERS: &str = "id,amount,name\n1,1.50,ann\n2,2.25,bob\n3,,cyd\n";

#[tokio::test]
async fn a_file_becomes_the_next_version_of_its_source() {
    let service = Service::new().await;
    let source = service.uploaded("orders", ORDERS).await;
    let answer = service.post("/convert/file", &json!({"source_id": source.id.to_string()})).await;
    let body = answer.ok();
    let metadata = &body["metadata"];
    assert_eq!(body["success"], true);
    assert_eq!(metadata["version"], 1);
    assert_eq!((&metadata["rows"], &metadata["columns"]), (&json!(3), &json!(3)));
    assert_eq!(
        metadata["column_schema"],
        json!({"fields": [
            {"name": "id", "type": "BIGINT", "nullable": true},
            {"name": "amount", "type": "DOUBLE", "nullable": true},
            {"name": "name", "type": "VARCHAR", "nullable": true},
        ]})
    );
    assert_eq!(metadata["source_type"], "file");
    assert!(metadata["file_size_mb"].as_f64().unwrap() > 0.0);
    assert!(metadata["processing_time_seconds"].is_number());
    let data = service.data(&source, 1);
    assert_eq!(metadata["location"], data.to_str().unwrap());
    assert_eq!(metadata["file_size_bytes"], data.metadata().unwrap().len());
    assert_eq!(column(&data, "name"), ["ann", "bob", "cyd"]);
    let again = service.post("/convert/file", &json!({"source_id": source.id.to_string()})).await;
    assert_eq!(again.ok()["metadata"]["version"], 2);
}

#[tokio::test]
async fn options_do_what_they_say() {
    let service = Service::new().await;
    let source = service.uploaded("orders", "id;amount;name\n1;7;ann\n2;8;bob\n3;9;cyd\n").await;
    let request = json!({
        "source_id": source.id.to_string(),
        "format": "csv",
        "options": {
            "column_mapping": {"name": "customer"},
            "type_overrides": {"amount": "DOUBLE"},
            "skip_rows": [0, 2],
            "delimiter": ";",
        },
        "compression": "snappy",
    });
    let body = service.post("/convert/file", &request).await.ok();
    assert_eq!(body["metadata"]["rows"], 1);
    let fields = &body["metadata"]["column_schema"]["fields"];
    assert_eq!(fields[1], json!({"name": "amount", "type": "DOUBLE", "nullable": true}));
    assert_eq!(column(&service.data(&source, 1), "customer"), ["bob"]);
}

#[tokio::test]
async fn the_same_request_with_the_same_key_makes_one_version() {
    let service = Service::new().await;
    let source = service.uploaded("orders", ORDERS).await;
    let request = json!({"source_id": source.id.to_string()});
    let key = [("idempotency-key", "\"once\"")];
    let first = service.post_with("/convert/file", &key, &request).await.ok();
    let second = service.post_with("/convert/file", &key, &request).await.ok();
    for field in
        ["version", "rows", "columns", "column_schema", "file_size_mb", "source_type", "location"]
    {
        assert_eq!(first["metadata"][field], second["metadata"][field], "{field}");
    }
    assert_eq!(service.versions(&source).await.len(), 1);
}

#[tokio::test]
async fn a_key_whose_run_failed_says_why_and_makes_nothing_new() {
    let service = Service::new().await;
    let source = service.uploaded("orders", "a,b\n1,2\n3\n").await;
    let request = json!({"source_id": source.id.to_string()});
    let key = [("idempotency-key", "once")];
    let first = service.post_with("/convert/file", &key, &request).await;
    first.failure(400, "invalid_data");
    let second = service.post_with("/convert/file", &key, &request).await;
    let told = second.failure(409, "conflict");
    assert!(told.contains("version 1") && told.contains("line 3"), "{told}");
    assert_eq!(second.body["version"], 1);
    assert_eq!(service.versions(&source).await.len(), 1);
    service
        .post_with("/convert/file", &[("idempotency-key", "a\tb")], &request)
        .await
        .failure(400, "invalid_request");
}

#[tokio::test]
async fn bad_data_is_told_with_its_place_and_the_version_ends_as_failed() {
    let service = Service::new().await;
    let source = service.uploaded("orders", "id,amount\n1,2\n3\n4,5\n").await;
    let request = json!({"source_id": source.id.to_string()});
    let answer = service.post("/convert/file", &request).await;
    answer.failure(400, "invalid_data");
    let body = &answer.body;
    assert_eq!((&body["line"], &body["byte"], &body["record"]), (&json!(3), &json!(14), &json!(2)));
    assert_eq!(body["data_code"], "too_few_fields");
    assert_eq!(body["version"], 1);
    let hints = body["hints"].to_string();
    assert!(hints.contains("options.on_bad_row: reject") && !hints.contains("--"), "{hints}");
    let versions = service.versions(&source).await;
    assert_eq!(versions.len(), 1);
    assert_eq!(versions[0].status, VersionStatus::Error);
    // What the hint says works.
    let reject = json!({
        "source_id": source.id.to_string(), "options": {"on_bad_row": "reject"},
    });
    let body = service.post("/convert/file", &reject).await.ok();
    assert_eq!(body["metadata"]["rejected_rows"], 1);
    assert_eq!(body["metadata"]["version"], 2);
    let warnings = body["metadata"]["warnings"].to_string();
    assert!(warnings.contains("line 3"), "{warnings}");
}

#[tokio::test]
async fn a_source_of_another_organisation_is_not_there() {
    let service = Service::with(Wishes { with_keys: true, ..Wishes::default() }).await;
    let source = service.uploaded("orders", ORDERS).await;
    let (own, other) =
        (service.key("acme", "convert").await, service.key("rival", "convert").await);
    let request = json!({"source_id": source.id.to_string()});
    let nobodys = json!({"source_id": tundra_core::SourceId::generate().to_string()});
    for path in ["/convert/file", "/infer/schema"] {
        let theirs = service.post_with(path, &[("x-api-key", &other)], &request).await;
        let missing = service.post_with(path, &[("x-api-key", &other)], &nobodys).await;
        let (theirs, missing) =
            (theirs.failure(404, "not_found"), missing.failure(404, "not_found"));
        // Nothing tells one from the other but the id.
        assert_eq!(
            theirs.replace(&source.id.to_string(), ""),
            missing.replace(nobodys["source_id"].as_str().unwrap(), "")
        );
        service.post_with(path, &[("x-api-key", &own)], &request).await.ok();
    }
    let reader = service.key("acme", "read").await;
    let denied = service.post_with("/convert/file", &[("x-api-key", &reader)], &request).await;
    denied.failure(403, "permission_denied");
    assert_eq!(service.versions(&source).await.len(), 1);
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_before_it_is_read() {
    let wishes = Wishes { max_file_size: Some(ORDERS.len() as u64 - 1), ..Wishes::default() };
    let service = Service::with(wishes).await;
    let source = service.uploaded("orders", ORDERS).await;
    let request = json!({"source_id": source.id.to_string()});
    for path in ["/convert/file", "/infer/schema"] {
        service.post(path, &request).await.failure(413, "limit_exceeded");
    }
    assert!(service.versions(&source).await.is_empty());
}

#[tokio::test]
async fn what_is_missing_or_makes_no_sense_is_said() {
    let service = Service::new().await;
    let empty = service.add("acme", "empty", SourceType::File, "csv", None).await;
    let database = service.add("acme", "shop", SourceType::Database, "postgresql", None).await;
    let (empty, database) = (empty.id.to_string(), database.id.to_string());
    let check = async |request: Value, status: u16, code: &str, word: &str| {
        let answer = service.post("/convert/file", &request).await;
        let told = answer.failure(status, code);
        assert!(told.contains(word), "{request}: {told}");
    };
    check(json!({}), 400, "invalid_request", "`source_id` is missing").await;
    check(json!({"source_id": "7"}), 400, "invalid_request", "`source_id`").await;
    check(json!({"source_id": 7}), 400, "invalid_request", "`source_id`").await;
    check(json!({"source_id": empty}), 404, "not_found", "nothing was uploaded").await;
    check(json!({"source_id": database}), 400, "invalid_request", "no format").await;
    let url = "https://x.r2.cloudflarestorage.com/a";
    let both = json!({"source_id": empty, "source_url": url, "output_url": url});
    check(both, 400, "invalid_request", "stands alone").await;
    check(json!({"source_url": url}), 400, "invalid_request", "`output_url` is missing").await;
    check(json!({"output_url": url}), 400, "invalid_request", "`source_url` is missing").await;
    let sheet = json!({"source_id": empty, "options": {"sheet_name": "x".repeat(256)}});
    check(sheet, 400, "invalid_request", "`options.sheet_name`").await;
    let kind = json!({"source_id": empty, "options": {"type_overrides": {"a": "MONEY"}}});
    check(kind, 400, "invalid_request", "there is no type `MONEY`").await;
}

#[tokio::test]
async fn a_sheet_of_a_workbook_is_read() {
    const XLS: &[u8] = include_bytes!("../../tundra-core/tests/workbooks/small.xls");

    let service = Service::new().await;
    let source = service.add("acme", "report", SourceType::File, "xlsx", None).await;
    service.upload(&source, "in.xlsx", XLS);
    let id = source.id.to_string();
    let data = json!({"source_id": id, "options": {"sheet_name": "Data"}});
    for request in [data, json!({"source_id": id, "format": "excel"})] {
        let body = service.post("/convert/file", &request).await.ok();
        assert_eq!(body["metadata"]["rows"], 3, "{request}");
        assert_eq!(body["metadata"]["columns"], 6, "{request}");
    }
    let request = json!({"source_id": id, "options": {"sheet_name": "Data"}});
    let body = service.post("/infer/schema", &request).await.ok();
    assert_eq!(body["schema"]["total_columns"], 6);
    let other = json!({"source_id": id, "options": {"sheet_name": "Other"}});
    let told = service.post("/convert/file", &other).await;
    assert!(told.failure(400, "invalid_request").contains("there is no sheet `Other`"));
    let text = service.uploaded("orders", ORDERS).await;
    let request = json!({"source_id": text.id.to_string(), "options": {"sheet_name": "Data"}});
    service.post("/convert/file", &request).await.failure(400, "invalid_request");
}

#[tokio::test]
async fn the_records_of_geojson_are_its_features() {
    let service = Service::new().await;
    let text = r#"{"type": "FeatureCollection", "features": [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}, "properties": {"name": "x"}},
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [3, 4]}, "properties": {"name": "y"}}
    ]}"#;
    let source = service.add("acme", "places", SourceType::File, "geojson", None).await;
    service.upload(&source, "in.geojson", text);
    let id = source.id.to_string();
    for request in [json!({"source_id": id}), json!({"source_id": id, "format": "geojson"})] {
        let body = service.post("/convert/file", &request).await.ok();
        assert_eq!(body["metadata"]["rows"], 2, "{request}");
        let body = service.post("/infer/schema", &request).await.ok();
        assert_eq!(body["schema"]["total_rows"], 2, "{request}");
    }
}

#[tokio::test]
async fn only_json_is_taken() {
    use axum::{body::Body, http::Request};

    let service = Service::new().await;
    let post = |kind: &str, text: &'static str| {
        Request::post("/convert/file").header("content-type", kind).body(Body::from(text)).unwrap()
    };
    let answer = service.send(post("text/plain", "{}")).await;
    assert_eq!(answer.status, 415, "{}", answer.body);
    assert!(answer.body["detail"].is_string() && answer.body["request_id"].is_string());
    for text in ["", "{", "[1,", "nul"] {
        service.send(post("application/json", text)).await.failure(400, "invalid_json");
    }
    // Nor are the values of the fields alone.
    for text in
        ["[]", "[null, null]", "{\"options\": []}", "{\"webhook\": [\"https://h.example\"]}"]
    {
        service.send(post("application/json", text)).await.failure(400, "invalid_request");
    }
}

#[tokio::test]
async fn row_groups_have_the_rows_that_the_service_is_set_to() {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};

    let rows: String = (0..10_000).map(|row| format!("{row}\n")).collect();
    for (row_group_rows, groups) in [(None, 1), (Some(2048), 5)] {
        let service = Service::with(Wishes { row_group_rows, ..Wishes::default() }).await;
        let file = service.uploaded("numbers", format!("n\n{rows}")).await;
        let database = service.add("acme", "shop", SourceType::Database, "sqlite", None).await;
        let sql = "CREATE TABLE t AS WITH RECURSIVE s(n) AS \
                   (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < 9999) SELECT n FROM s";
        let secret = json!({ "file_path": service.database("shop.db", sql) });
        service.keep_secrets(&json!({ "shop": secret }));
        let request = json!({"source_id": file.id.to_string()});
        service.post("/convert/file", &request).await.ok();
        let request = json!({
            "source_id": database.id.to_string(), "credentials_id": "shop", "table_name": "t",
        });
        service.post("/convert/database", &request).await.ok();
        for source in [&file, &database] {
            let data = std::fs::File::open(service.data(source, 1)).unwrap();
            let reader = SerializedFileReader::new(data).unwrap();
            assert_eq!(reader.metadata().num_row_groups(), groups, "{row_group_rows:?}");
        }
    }
}
