//! `POST /test/database-connection` of PostgreSQL and SQLite, with the requests and the answers of 3.0.

use rusqlite::Connection;
use serde_json::{Value, json};
use tundra_test_services::Database;
use tundra_tests::server::Asker;

use crate::server::stack::{Stack, but, credentials};

pub(super) const PATH: &str = "/test/database-connection";

/// Checks that a connection succeeds as 3.0 says it, and returns what the server says of itself.
pub(super) async fn succeeds(ask: &Asker, connector_type: &str, credentials: &Value) -> Value {
    let request = json!({"connector_type": connector_type, "credentials": credentials});
    let told = ask.post(PATH, &request).await.ok();
    assert_eq!(told["success"], true, "{told}");
    assert_eq!(told["message"], "Connection successful", "{told}");
    assert_eq!(told["metadata"]["rows_returned"], 1, "{told}");
    assert_eq!(told["metadata"]["read_only"], true, "{told}");
    told["metadata"].clone()
}

/// Checks that a connection fails as 3.0 says it, with this code, and returns the message.
pub(super) async fn fails(
    ask: &Asker,
    connector_type: &str,
    credentials: &Value,
    code: &str,
) -> String {
    let request = json!({"connector_type": connector_type, "credentials": credentials});
    let answer = ask.post(PATH, &request).await;
    let told = answer.json();
    assert_eq!(answer.status, 400, "{told}");
    assert_eq!((&told["success"], &told["error"]), (&json!(false), &json!("connection_failed")));
    assert_eq!(told["code"], code, "{told}");
    assert_eq!(told["request_id"].as_str(), answer.header("x-request-id"), "{told}");
    assert!(told["hints"].is_array() && told.get("detail").is_none(), "{told}");
    for secret in ["hunter2", credentials["password"].as_str().unwrap_or("hunter2")] {
        assert!(!told.to_string().contains(secret), "{told}");
    }
    told["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_database_of_postgresql_answers_or_it_is_said_why_not() {
    let stack = Stack::new().await;
    let shop = Database::create().unwrap();
    let server = stack.serve();
    let ask = server.asker();
    let good = credentials(&shop.url());
    let found = succeeds(ask, "postgresql", &good).await;
    assert_eq!(found["database_type"], "PostgreSQL", "{found}");
    let version = shop.run("SHOW server_version").unwrap();
    assert_eq!(found["server_version"], version, "{found}");
    // As the document of 3.0 writes them, and as one URL.
    succeeds(ask, "postgresql", &but(&good, json!({"ssl_mode": "prefer"}))).await;
    succeeds(ask, "postgresql", &json!({"connection_string": shop.url()})).await;

    let wrong = but(&good, json!({"password": "hunter2"}));
    let told = fails(ask, "postgresql", &wrong, "permission_denied").await;
    assert!(told.contains("password authentication failed"), "{told}");
    let told =
        fails(ask, "postgresql", &but(&good, json!({"database": "nobodys"})), "not_found").await;
    assert!(told.contains("nobodys"), "{told}");
    // Nobody listens there.
    let told = fails(ask, "postgresql", &but(&good, json!({"port": 1})), "unavailable").await;
    assert!(told.to_lowercase().contains("connection refused"), "{told}");
    // Where the metadata service of a cloud would be.
    let metadata = but(&good, json!({"host": "169.254.169.254"}));
    fails(ask, "postgresql", &metadata, "permission_denied").await;

    // What is no request is no connection that failed.
    for request in [
        json!({}),
        json!({"connector_type": "postgresql"}),
        json!({"connector_type": "oracle'; DROP TABLE x", "credentials": good}),
    ] {
        ask.post(PATH, &request).await.failure(400, "invalid_request");
    }
    let (_, log) = server.stop("TERM").unwrap();
    assert!(!log.contains("hunter2") && !log.contains(good["password"].as_str().unwrap()), "{log}");
}

#[tokio::test]
async fn a_file_of_sqlite_is_opened_where_that_is_allowed() {
    let stack = Stack::new().await;
    let server = stack.serve();
    let ask = server.asker();
    let file = stack.database_file("shop.db");
    Connection::open(&file).unwrap().execute_batch("CREATE TABLE t (a INTEGER)").unwrap();
    let found = succeeds(ask, "sqlite", &json!({"file_path": file})).await;
    assert_eq!(found["database_type"], "SQLite", "{found}");
    let missing = stack.database_file("missing.db");
    fails(ask, "sqlite", &json!({"file_path": missing}), "not_found").await;
    for path in ["/etc/passwd", "databases/../secrets/shop", "file:///etc/passwd"] {
        fails(ask, "sqlite", &json!({"file_path": path}), "permission_denied").await;
    }
}
