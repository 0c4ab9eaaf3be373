//! What the service says of itself.

use serde_json::json;

use crate::support::{Service, Wishes};

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[tokio::test]
async fn the_service_is_there_and_says_so_as_ever() {
    let service = Service::new().await;
    let health = service.get("/health").await.ok();
    let expected = json!({"status": "healthy", "service": "halatio-tundra", "version": VERSION});
    assert_eq!(health, expected);
    let index = service.get("/").await.ok();
    assert_eq!(
        (&index["service"], &index["version"]),
        (&expected["service"], &expected["version"])
    );
}

#[tokio::test]
async fn deep_health_asks_everything_that_is_needed() {
    let service = Service::new().await;
    let health = service.get("/health/deep").await.ok();
    let checks = json!({
        "catalog": "healthy", "secret_manager": "healthy", "warehouse": "healthy",
    });
    assert_eq!(health["status"], "healthy");
    assert_eq!(health["checks"], checks);
}

#[tokio::test]
async fn deep_health_says_what_is_not_there() {
    let service = Service::new().await;
    std::fs::remove_dir(service.directory.path().join("warehouse")).unwrap();
    std::fs::write(service.directory.path().join("secrets.json"), "no JSON: hunter2").unwrap();
    let health = service.get("/health/deep").await;
    assert_eq!(health.status, 503);
    assert_eq!(health.body["status"], "unhealthy");
    let checks = &health.body["checks"];
    assert_eq!(checks["catalog"], "healthy");
    for name in ["warehouse", "secret_manager"] {
        assert!(checks[name].as_str().unwrap().starts_with("unhealthy: "), "{checks}");
    }
    assert!(!health.body.to_string().contains("hunter2"));
}

#[tokio::test]
async fn the_connectors_are_those_of_the_old_api() {
    let connectors = Service::new().await.get("/connectors").await.ok();
    let names = ["postgresql", "mysql", "sqlite", "mariadb", "redshift"];
    assert_eq!(connectors, json!({"connectors": names, "count": 5}));
}

#[tokio::test]
async fn info_tells_formats_limits_and_features() {
    let wishes = Wishes { max_file_size: Some(500 << 20), ..Wishes::default() };
    let info = Service::with(wishes).await.get("/info").await.ok();
    let formats: Vec<&str> =
        info["formats"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(formats, ["csv", "tsv", "json", "ndjson", "geojson", "parquet", "excel"]);
    assert_eq!(info["limits"]["max_file_size_mb"], 500.0);
    assert_eq!(info["limits"]["max_partitions"], 16);
    assert_eq!(info["features"]["authentication"], false);
    assert!(info["versions"]["duckdb"].as_str().unwrap().starts_with('2'));
}

#[tokio::test]
async fn everybody_may_ask_whether_it_is_there_and_only_who_is_known_may_convert() {
    let service = Service::with(Wishes { with_keys: true, ..Wishes::default() }).await;
    for path in ["/", "/health", "/health/deep", "/info", "/connectors", "/openapi.json"] {
        service.get(path).await.ok();
    }
    for path in ["/convert/file", "/convert/database", "/infer/schema", "/test/database-connection"]
    {
        service.post(path, &json!({})).await.failure(401, "unauthenticated");
    }
}

#[tokio::test]
async fn the_description_names_every_path_and_refers_to_nothing_that_is_not_there() {
    let service = Service::new().await;
    let document = service.get("/openapi.json").await.ok();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for (path, method) in [
        ("/", "get"),
        ("/health", "get"),
        ("/health/deep", "get"),
        ("/info", "get"),
        ("/connectors", "get"),
        ("/convert/file", "post"),
        ("/convert/database", "post"),
        ("/infer/schema", "post"),
        ("/test/database-connection", "post"),
        ("/jobs", "get"),
        ("/jobs/{id}", "delete"),
        ("/sources", "get"),
    ] {
        assert!(document["paths"][path][method].is_object(), "{method} {path}");
    }
    let text = document.to_string();
    for reference in text.split(r##""$ref":"#"##).skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[tokio::test]
async fn the_description_can_be_read_as_a_page_without_anybody_elses_help() {
    let service = Service::new().await;
    let page = service.get("/docs/").await;
    assert_eq!(page.status, 200);
    let text = page.body.as_str().unwrap();
    assert!(text.contains("swagger"), "{text}");
    assert!(!text.contains("https://"), "{text}");
}
