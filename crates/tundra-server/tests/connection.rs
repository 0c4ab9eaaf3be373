//! `POST /test/database-connection`.

use serde_json::{Value, json};

use crate::support::{Service, Wishes};

const PATH: &str = "/test/database-connection";

#[tokio::test]
async fn a_database_that_answers_says_what_it_is() {
    let service = Service::new().await;
    let file = service.database("shop.db", "CREATE TABLE t (a INTEGER)");
    let request = json!({"connector_type": "sqlite", "credentials": {"file_path": file}});
    let body = service.post(PATH, &request).await.ok();
    assert_eq!(body["success"], true);
    assert_eq!(body["message"], "Connection successful");
    let metadata = &body["metadata"];
    assert_eq!(metadata["database_type"], "SQLite");
    assert_eq!(metadata["rows_returned"], 1);
    assert!(metadata["server_version"].as_str().unwrap().starts_with('3'), "{metadata}");
    assert!(metadata["latency_ms"].is_number() && metadata["tls"].is_null(), "{metadata}");
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_told_as_the_old_api_did() {
    let service = Service::new().await;
    // Addresses of documentation are those of nobody.
    let request = json!({"connector_type": "postgresql", "credentials": {
        "host": "192.0.2.1", "port": 5432, "database": "d", "username": "u", "password": "hunter2",
    }});
    let answer = service.post(PATH, &request).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    let body = &answer.body;
    assert_eq!((&body["success"], &body["error"]), (&json!(false), &json!("connection_failed")));
    assert!(body["message"].is_string() && body["code"].is_string(), "{body}");
    assert!(body["request_id"].is_string() && body["hints"].is_array(), "{body}");
    assert!(body.get("detail").is_none(), "{body}");
    assert!(!body.to_string().contains("hunter2"), "{body}");
}

#[tokio::test]
async fn nobody_is_led_into_the_own_network() {
    let service = Service::new().await;
    for host in [
        "127.0.0.1",
        "localhost",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "::ffff:169.254.169.254",
        "::1",
        "10.0.0.1",
        "/var/run/postgresql",
    ] {
        let credentials = json!({"host": host, "database": "d", "username": "u", "password": "p"});
        let request = json!({"connector_type": "postgresql", "credentials": credentials});
        let answer = service.post(PATH, &request).await;
        assert_eq!(answer.status, 400, "{host}: {}", answer.body);
        // Nobody was asked: that would be told as no answer.
        let code = answer.body["code"].as_str().unwrap();
        assert!(["permission_denied", "invalid_request"].contains(&code), "{host}: {code}");
    }
}

#[tokio::test]
async fn files_of_this_machine_are_read_only_where_that_is_allowed() {
    let service = Service::with(Wishes { sqlite: false, ..Wishes::default() }).await;
    let file = service.database("shop.db", "CREATE TABLE t (a INTEGER)");
    let outside = service.directory.path().join("catalog.db");
    let check = async |service: &Service, file: &Value| {
        let request = json!({"connector_type": "sqlite", "credentials": {"file_path": file}});
        let answer = service.post(PATH, &request).await;
        assert_eq!(answer.status, 400, "{file}: {}", answer.body);
        assert_eq!(answer.body["error"], "connection_failed", "{file}");
    };
    check(&service, &json!(file)).await;
    let service = Service::new().await;
    for file in [json!(outside), json!("/etc/passwd"), json!("databases/../catalog.db")] {
        check(&service, &file).await;
    }
}

#[tokio::test]
async fn credentials_that_make_no_sense_are_refused_and_not_repeated() {
    let service = Service::new().await;
    for (kind, credentials) in [
        ("postgresql", json!({"hosts": "h", "password": "hunter2"})),
        ("postgresql", json!({"host": "h", "password": ["hunter2"]})),
        ("postgresql", json!({"connection_string": "hunter2"})),
        ("postgresql", json!({"connection_string": "hunter2://x@h/d"})),
        ("postgresql", json!({"connection_string": "mysql://u:hunter2@h/d"})),
        ("postgresql", json!("hunter2")),
        ("postgresql", json!(["hunter2"])),
        ("postgresql", json!({"host": "h", "ssl_key": "/etc/passwd", "password": "hunter2"})),
        ("oracle'; DROP TABLE x", json!({"host": "h", "password": "hunter2"})),
    ] {
        let request = json!({"connector_type": kind, "credentials": credentials});
        let answer = service.post(PATH, &request).await;
        assert_eq!(answer.status, 400, "{request}: {}", answer.body);
        assert!(!answer.body.to_string().contains("hunter2"), "{request}: {}", answer.body);
    }
    service.post(PATH, &json!({})).await.failure(400, "invalid_request");
    service.post(PATH, &json!({"connector_type": "mysql"})).await.failure(400, "invalid_request");
}
