//! `POST /convert/database`, of a database in a file.

use serde_json::{Value, json};
use tundra_connectors::AddressPolicy;
use tundra_core::{Source, SourceType, VersionStatus};

use crate::{
    place::{Opening, Place},
    support::{FileServer, Service, column},
};

const SHOP: &str = "CREATE TABLE orders (id INTEGER NOT NULL, name TEXT);
                    INSERT INTO orders VALUES (1, 'ann'), (2, 'bob'), (3, NULL);
                    CREATE TABLE \"odd; name\" (a INTEGER);";

/// Adds a source of a database, and its credentials under the name `shop`.
async fn shop(service: &Service) -> Source {
    let file = service.database("shop.db", SHOP);
    service.keep_secrets(&json!({"shop": {"file_path": file}}));
    service.add("acme", "shop", SourceType::Database, "sqlite", None).await
}

#[tokio::test]
async fn a_query_becomes_the_next_version_of_its_source() {
    let service = Service::new().await;
    let source = shop(&service).await;
    let query = "SELECT id, name FROM orders WHERE id < 3 ORDER BY id";
    let request = json!({
        "source_id": source.id.to_string(), "credentials_id": "shop", "query": query,
        "compression": "zstd",
    });
    let body = service.post("/convert/database", &request).await.ok();
    let metadata = &body["metadata"];
    assert_eq!((&metadata["version"], &metadata["rows"]), (&json!(1), &json!(2)));
    assert_eq!((&metadata["columns"], &metadata["source_type"]), (&json!(2), &json!("database")));
    assert_eq!(metadata["column_schema"]["fields"][0]["name"], "id");
    assert_eq!(
        metadata["connection_info"],
        json!({
            "connector_type": "sqlite", "query": query, "partitioned": false,
            "compression": "zstd", "engine": "native",
        })
    );
    assert_eq!(column(&service.data(&source, 1), "name"), ["ann", "bob"]);
}

#[tokio::test]
async fn a_table_is_read_whole_or_some_of_its_columns() {
    let service = Service::new().await;
    let source = shop(&service).await;
    let request = json!({
        "source_id": source.id.to_string(), "credentials_id": "shop", "table_name": "orders",
        "columns": ["name"], "compression": "snappy",
    });
    let body = service.post("/convert/database", &request).await.ok();
    let metadata = &body["metadata"];
    assert_eq!((&metadata["rows"], &metadata["columns"]), (&json!(3), &json!(1)));
    let info = &metadata["connection_info"];
    assert_eq!((&info["table_name"], &info["query"]), (&json!("orders"), &Value::Null));
    assert_eq!(info["compression"], "snappy");
    // Any name can be written, in quotes.
    let odd = json!({
        "source_id": source.id.to_string(), "credentials_id": "shop",
        "table_name": "\"odd; name\"",
    });
    assert_eq!(service.post("/convert/database", &odd).await.ok()["metadata"]["rows"], 0);
}

#[tokio::test]
async fn the_same_request_with_the_same_key_makes_one_version() {
    let service = Service::new().await;
    let source = shop(&service).await;
    let request = json!({
        "source_id": source.id.to_string(), "credentials_id": "shop", "table_name": "orders",
    });
    let key = [("idempotency-key", "once")];
    let first = service.post_with("/convert/database", &key, &request).await.ok();
    let second = service.post_with("/convert/database", &key, &request).await.ok();
    for field in ["version", "rows", "columns", "column_schema", "connection_info"] {
        assert_eq!(first["metadata"][field], second["metadata"][field], "{field}");
    }
    for (field, value) in
        [("table_name", "\"odd; name\""), ("compression", "snappy"), ("on_lossy", "text")]
    {
        let mut other = request.clone();
        other[field] = json!(value);
        let answer = service.post_with("/convert/database", &key, &other).await;
        answer.failure(409, "idempotency_conflict");
    }
    assert_eq!(service.versions(&source).await.len(), 1);
}

#[tokio::test]
async fn a_table_goes_to_a_signed_url_as_in_the_api_before() {
    let (service, files) = (Service::new().await, FileServer::start().await);
    shop(&service).await;
    let request = json!({
        "output_url": files.url("out.parquet"), "connector_type": "sqlite",
        "credentials_id": "shop", "table_name": "orders", "partition_column": "id",
        "partition_num": 2,
    });
    let body = service.post("/convert/database", &request).await.ok();
    let metadata = &body["metadata"];
    assert!(metadata.get("version").is_none(), "{metadata}");
    assert_eq!((&metadata["rows"], &metadata["source_type"]), (&json!(3), &json!("database")));
    assert_eq!(metadata["connection_info"]["compression"], "snappy");
    assert!(!body.to_string().contains("hunter2"), "{body}");
    let written = service.directory.path().join("out.parquet");
    std::fs::write(&written, files.take("out.parquet").unwrap()).unwrap();
    let mut names = column(&written, "name");
    names.sort_unstable();
    assert_eq!(names, ["ann", "bob", "null"]);
}

#[tokio::test]
async fn what_the_database_refuses_is_told_and_recorded() {
    let service = Service::new().await;
    let source = shop(&service).await;
    let id = source.id.to_string();
    let ask = async |what: &str, text: &str| {
        let mut request = json!({"source_id": id, "credentials_id": "shop"});
        request[what] = json!(text);
        service.post("/convert/database", &request).await
    };
    let missing = ask("table_name", "nothing").await;
    missing.failure(404, "not_found");
    assert_eq!(missing.body["version"], 1);
    for sql in ["SELECT * FROM", "DELETE FROM orders", "SELECT 1; DELETE FROM orders"] {
        let answer = ask("query", sql).await;
        assert!(matches!(answer.status.as_u16(), 400 | 403), "{sql}: {}", answer.body);
    }
    let versions = service.versions(&source).await;
    assert!(versions.iter().all(|version| version.status == VersionStatus::Error));
    let body = ask("table_name", "orders").await.ok();
    assert_eq!(body["metadata"]["rows"], 3);
}

#[tokio::test]
async fn credentials_that_are_missing_or_of_another_database_are_told() {
    let service = Service::new().await;
    let source = shop(&service).await;
    service.keep_secrets(&json!({
        "other": "mysql://u:hunter2@db.example.com/d", "wrong": "hunter2",
    }));
    let ask = async |credentials: &str| {
        let request = json!({
            "source_id": source.id.to_string(), "credentials_id": credentials,
            "table_name": "orders",
        });
        service.post("/convert/database", &request).await
    };
    ask("nobody").await.failure(404, "not_found");
    for (name, word) in [("other", "mysql"), ("wrong", "wrong")] {
        let answer = ask(name).await;
        let told = answer.failure(400, "invalid_request");
        assert!(told.contains(word) && !answer.body.to_string().contains("hunter2"), "{told}");
    }
    assert!(service.versions(&source).await.is_empty());
}

#[tokio::test]
async fn what_makes_no_sense_is_said_before_anybody_is_asked() {
    let service = Service::new().await;
    let files = service.uploaded("files", "a\n1\n").await;
    let id = shop(&service).await.id.to_string();
    let check = async |request: Value, word: &str| {
        let answer = service.post("/convert/database", &request).await;
        let told = answer.failure(400, "invalid_request");
        assert!(told.contains(word), "{request}: {told}");
    };
    check(json!({}), "credentials_id").await;
    check(json!({"credentials_id": "shop", "table_name": "t"}), "`source_id` is missing").await;
    let of_id = |more: Value| {
        let mut request = json!({"source_id": id, "credentials_id": "shop"});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    check(of_id(json!({})), "neither `query` nor `table_name`").await;
    check(of_id(json!({"query": "SELECT 1", "table_name": "t"})), "both").await;
    check(of_id(json!({"table_name": "users; DROP TABLE users"})), "Invalid table name").await;
    check(of_id(json!({"table_name": "t", "partition_num": 17})), "partition_num").await;
    check(of_id(json!({"table_name": "t", "compression": "lzo"})), "compression").await;
    check(of_id(json!({"table_name": "t", "output_url": "https://x/y"})), "both given").await;
    check(of_id(json!({"table_name": "t", "connector_type": "mysql"})), "connector_type").await;
    let no_kind = json!({
        "output_url": "https://x/y", "credentials_id": "shop", "table_name": "t",
    });
    check(no_kind, "`connector_type` is missing").await;
    let file = json!({
        "source_id": files.id.to_string(), "credentials_id": "shop", "table_name": "t",
    });
    check(file, "no database").await;
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_not_the_caller_s_fault() {
    let place = Place::new().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    place.keep_secrets(&json!({
        "shop": format!("postgresql://u:hunter2@127.0.0.1:{port}/d"),
    }));
    let ask = async |addresses: AddressPolicy| {
        let desk = place.open(Opening { addresses, ..Opening::default() }).await;
        let request = json!({
            "output_url": "https://x.example/out.parquet", "connector_type": "postgresql",
            "credentials_id": "shop", "table_name": "t",
        });
        let answer = desk.post("/convert/database", &[], &request).await;
        assert!(!answer.body.to_string().contains("hunter2"), "{}", answer.body);
        answer
    };
    ask(AddressPolicy::PrivateAllowed).await.failure(502, "unavailable");
    // Who may not ask for it does not learn whether it is there.
    ask(AddressPolicy::PublicOnly).await.failure(403, "permission_denied");
}
