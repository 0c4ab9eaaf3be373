//! `POST /convert/file` from one signed URL to another, as in 3.0.

use serde_json::json;
use tundra_storage::{AllowedHosts, UrlPolicy};

use crate::support::{FileServer, Service, Wishes, column};

#[tokio::test]
async fn a_file_goes_from_one_url_to_another() {
    let (service, files) = (Service::new().await, FileServer::start().await);
    let request = json!({
        "source_url": files.put("in.csv", "a,b\n1,x\n2,y\n"),
        "output_url": files.url("out.parquet"),
        "format": "csv",
        "options": {"column_mapping": {"b": "letter"}},
    });
    let body = service.post("/convert/file", &request).await.ok();
    let metadata = &body["metadata"];
    assert!(metadata.get("version").is_none(), "{metadata}");
    assert_eq!((&metadata["rows"], &metadata["columns"]), (&json!(2), &json!(2)));
    assert_eq!(metadata["source_type"], "file");
    assert!(!body.to_string().contains("hunter2"), "{body}");
    let written = service.directory.path().join("out.parquet");
    std::fs::write(&written, files.take("out.parquet").unwrap()).unwrap();
    assert_eq!(column(&written, "letter"), ["x", "y"]);
}

#[tokio::test]
async fn nothing_is_written_when_the_file_is_bad_or_too_large() {
    let wishes = Wishes { max_file_size: Some(20), ..Wishes::default() };
    let (service, files) = (Service::with(wishes).await, FileServer::start().await);
    let convert = async |source: String| {
        let request = json!({"source_url": source, "output_url": files.url("out.parquet")});
        service.post("/convert/file", &request).await
    };
    let bad = convert(files.put("bad.csv", "a,b\n1,2\n3\n")).await;
    bad.failure(400, "invalid_data");
    assert_eq!(bad.body["line"], 3);
    let large = format!("a,b\n{}", "1,2\n".repeat(100));
    convert(files.put("large.csv", large)).await.failure(413, "limit_exceeded");
    convert(files.url("missing.csv")).await.failure(404, "not_found");
    assert!(files.take("out.parquet").is_none());
}

#[tokio::test]
async fn only_hosts_that_are_allowed_are_asked() {
    let hosts = ["r2.cloudflarestorage.com", "s3.amazonaws.com", "storage.googleapis.com"];
    let hosts = hosts.iter().map(|host| host.parse().unwrap()).collect();
    let urls = UrlPolicy::only(AllowedHosts::Only(hosts));
    let service = Service::with(Wishes { urls, ..Wishes::default() }).await;
    let good = "https://x.r2.cloudflarestorage.com/b/a.csv?X-Amz-Signature=hunter2";
    for url in [
        "file:///etc/passwd",
        "https://evilr2.cloudflarestorage.com/a.csv?X-Amz-Signature=hunter2",
        "https://r2.cloudflarestorage.com.evil.example/a.csv",
        "https://r2.cloudflarestorage.com@evil.example/a.csv",
        "http://x.r2.cloudflarestorage.com/a.csv",
        "https://169.254.169.254/latest/meta-data/",
        "https://2852039166/",
        "https://[::ffff:a9fe:a9fe]/",
        "gopher://x.r2.cloudflarestorage.com/a.csv",
        "",
        "a.csv",
        "/etc/passwd",
    ] {
        for request in [
            json!({"source_url": url, "output_url": good}),
            json!({"source_url": good, "output_url": url}),
        ] {
            let answer = service.post("/convert/file", &request).await;
            assert!(matches!(answer.status.as_u16(), 400 | 403), "{request}: {}", answer.body);
            assert!(!answer.body.to_string().contains("hunter2"), "{}", answer.body);
        }
        let answer = service.post("/infer/schema", &json!({"source_url": url})).await;
        assert!(matches!(answer.status.as_u16(), 400 | 403), "{url}: {}", answer.body);
    }
}
