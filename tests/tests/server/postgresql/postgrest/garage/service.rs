//! What the server says of itself, in the words of both documents, and what it says when its catalog is away.

use serde_json::json;
use tundra_test_services::{
    FaultProxy,
    proxy::{Fault, Reply, Rule},
};

use crate::server::{stack::Stack, until::until_async};

#[tokio::test]
async fn it_says_what_it_is_as_it_always_did() {
    let stack = Stack::new().await;
    let server = stack.serve();
    let ask = server.asker();
    let version = env!("CARGO_PKG_VERSION");
    let health = json!({"status": "healthy", "service": "halatio-tundra", "version": version});
    assert_eq!(ask.get("/health").await.ok(), health);

    let index = ask.get("/").await.ok();
    assert_eq!((&index["service"], &index["version"]), (&health["service"], &health["version"]));
    for place in ["docs", "openapi", "health"] {
        let answer = ask.get(index[place].as_str().unwrap()).await;
        assert!(answer.status == 200 || answer.header("location").is_some(), "{place}: {answer:?}");
    }

    let deep = ask.get("/health/deep").await.ok();
    for (name, value) in health.as_object().unwrap() {
        assert_eq!(&deep[name], value, "{deep}");
    }
    // 3.0 asks its secrets, and 4.0 its catalog besides.
    for name in ["secret_manager", "catalog", "warehouse"] {
        assert_eq!(deep["checks"][name], "healthy", "{deep}");
    }

    let names = ["postgresql", "mysql", "sqlite", "mariadb", "redshift"];
    assert_eq!(ask.get("/connectors").await.ok(), json!({"connectors": names, "count": 5}));

    let info = ask.get("/info").await.ok();
    let formats: Vec<&str> =
        info["formats"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(formats, ["csv", "tsv", "json", "ndjson", "geojson", "parquet", "excel"]);
    assert_eq!(info["connectors"], json!(names));
    assert_eq!(info["compression"], json!(["zstd", "snappy", "gzip", "brotli", "lz4", "none"]));
    let limits = &info["limits"];
    assert_eq!((&limits["max_partitions"], &limits["concurrent_runs"]), (&json!(16), &json!(2)));
    assert_eq!(limits["max_processing_time_minutes"], 10.0);
    assert_eq!(info["features"]["signed_urls"], true);

    let document = ask.get("/openapi.json").await.ok();
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
    ] {
        assert!(document["paths"][path][method].is_object(), "{method} {path}");
    }

    // What is not there, or not so, is told in the form of every failure.
    ask.get("/convert").await.failure(404, "not_found");
    ask.get("/convert/file").await.failure(405, "method_not_allowed");
    let (status, log) = server.stop("TERM").unwrap();
    assert!(status.success(), "{status}: {log}");
    assert!(log.contains("stage           dev"), "{log}");
    assert!(!log.contains(stack.supabase.secret_key()), "{log}");
}

#[tokio::test]
async fn a_catalog_that_is_away_is_told_and_used_again_when_it_is_back() {
    let mut stack = Stack::new().await;
    let proxy = FaultProxy::start(&stack.supabase.url()).unwrap();
    stack.set("SUPABASE_URL", proxy.endpoint());
    stack.set("SUPABASE_BREAKER_RECOVERY_TIMEOUT_SECONDS", "1");
    let id = stack.uploaded("csv", "a.csv", "id\n1\n").await;
    let server = stack.serve();
    let ask = server.asker();
    assert_eq!(ask.get("/health/deep").await.status, 200);

    let down = Reply::text(503, "text/html", "<h1>upstream connect error</h1>");
    proxy.add(Rule::new(Fault::Reply(down)));
    // It is asked every few seconds at most.
    let deep = until_async("the catalog is found to be away", async || {
        let answer = ask.get("/health/deep").await;
        (answer.status == 503).then(|| answer.json())
    })
    .await;
    assert_eq!(deep["status"], "unhealthy", "{deep}");
    assert!(deep["checks"]["catalog"].as_str().unwrap().starts_with("unhealthy: "), "{deep}");
    assert_eq!(deep["checks"]["warehouse"], "healthy", "{deep}");
    let refused = ask.post("/convert/file", &json!({"source_id": id})).await;
    refused.failure(502, "unavailable");
    // A balancer need not do without it.
    assert_eq!(ask.get("/health").await.status, 200);

    proxy.clear();
    until_async("the catalog is found to be back", async || {
        (ask.get("/health/deep").await.status == 200).then_some(())
    })
    .await;
    let answer = ask.post("/convert/file", &json!({"source_id": id})).await.ok();
    stack.proven(&id, &answer, "file").await;
    assert_eq!(stack.statuses(&id), [(1, "active".to_owned())]);
}
