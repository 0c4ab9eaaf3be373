//! `POST /infer/schema`.

use serde_json::{Value, json};
use tundra_core::SourceType;

use crate::support::{FileServer, Service};

#[tokio::test]
async fn a_sample_is_described_as_the_old_api_did() {
    let service = Service::new().await;
    let text =
        "amount,zip,day,ok\n1.5,00713,2024-01-01,true\n2.5,10115,2024-02-01,false\n,80331,,true\n";
    let source = service.uploaded("orders", text).await;
    let request = json!({"source_id": source.id.to_string(), "format": "csv", "sample_size": 1000});
    let body = service.post("/infer/schema", &request).await.ok();
    assert_eq!(body["success"], true);
    assert_eq!(
        (&body["schema"]["total_rows"], &body["schema"]["total_columns"]),
        (&json!(3), &json!(4))
    );
    let columns = body["schema"]["columns"].as_array().unwrap();
    let names: Vec<&str> = columns[0].as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "name",
        "inferred_type",
        "nullable",
        "null_count",
        "unique_count",
        "sample_values",
        "min_value",
        "max_value",
    ];
    expected.sort_unstable();
    let mut names = names;
    names.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(columns[0]["nullable"], true);
    assert_eq!(columns[0]["null_count"], 1);
    assert_eq!(columns[0]["unique_count"], 2);
    assert_eq!(columns[0]["sample_values"], json!([1.5, 2.5]));
    assert_eq!((&columns[0]["min_value"], &columns[0]["max_value"]), (&json!(1.5), &json!(2.5)));
    // What would lose its zeros as a number is a text.
    assert_eq!(columns[1]["inferred_type"], "VARCHAR");
    assert_eq!(columns[1]["min_value"], "00713");
    assert_eq!(columns[2]["inferred_type"], "DATE");
    assert_eq!(columns[3]["sample_values"], json!([true, false]));
    assert_eq!(
        body["sample_data"][0],
        json!({"amount": 1.5, "zip": "00713", "day": "2024-01-01", "ok": true})
    );
    assert_eq!(body["sample_data"][2]["amount"], Value::Null);
    assert!(body["warnings"].as_array().unwrap().iter().all(Value::is_string));
}

#[tokio::test]
async fn the_sample_is_as_large_as_was_asked_for() {
    let service = Service::new().await;
    let text = format!("a\n{}", "1\n".repeat(5000));
    let source = service.uploaded("many", text).await;
    let id = source.id.to_string();
    let body =
        service.post("/infer/schema", &json!({"source_id": id, "sample_size": 10})).await.ok();
    assert_eq!(body["schema"]["total_rows"], 10);
    let body = service.post("/infer/schema", &json!({"source_id": id})).await.ok();
    assert_eq!(body["schema"]["total_rows"], 1000);
    for size in [json!(0), json!(-1), json!(10_000_001), json!("10"), json!(1.5)] {
        let request = json!({"source_id": id, "sample_size": size});
        let answer = service.post("/infer/schema", &request).await;
        let told = answer.failure(400, "invalid_request");
        assert!(told.contains("`sample_size`"), "{told}");
    }
    // Nothing was made of it.
    assert!(service.versions(&source).await.is_empty());
}

#[tokio::test]
async fn a_url_is_looked_at_without_a_source() {
    let (service, files) = (Service::new().await, FileServer::start().await);
    let url = files.put("in.ndjson", "{\"a\": 1, \"b\": \"x\"}\n{\"a\": 2, \"b\": null}\n");
    let body = service.post("/infer/schema", &json!({"source_url": url})).await.ok();
    assert_eq!(body["schema"]["columns"][0]["name"], "a");
    assert_eq!(body["schema"]["columns"][1]["null_count"], 1);
    let missing = service.post("/infer/schema", &json!({"source_url": files.url("no.csv")})).await;
    let told = missing.failure(404, "not_found");
    assert!(!told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_said() {
    let service = Service::new().await;
    let database = service.add("acme", "shop", SourceType::Database, "mysql", None).await;
    let empty = service.uploaded("empty", "").await;
    let check = async |request: Value, status: u16, code: &str| {
        service.post("/infer/schema", &request).await.failure(status, code);
    };
    check(json!({"source_id": database.id.to_string()}), 400, "invalid_request").await;
    check(json!({"source_id": empty.id.to_string()}), 400, "invalid_data").await;
    check(json!({}), 400, "invalid_request").await;
    let both = json!({"source_id": empty.id.to_string(), "source_url": "https://x/y"});
    check(both, 400, "invalid_request").await;
    check(json!({"source_id": empty.id.to_string(), "format": "xml"}), 400, "invalid_request")
        .await;
}
