//! Uploads that nobody completed.

use std::time::Duration;

use tundra_storage::Stores;

use super::{
    server::{Reply, Server},
    settings, told,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn page(uploads: &[(&str, &str, &str)], next: Option<(&str, &str)>) -> Reply {
    let mut text = "<ListMultipartUploadsResult>".to_owned();
    for (key, id, begun) in uploads {
        text.push_str(&format!(
            "<Upload><Key>{key}</Key><UploadId>{id}</UploadId><Initiated>{begun}</Initiated></Upload>"
        ));
    }
    if let Some((key, id)) = next {
        text.push_str(&format!(
            "<IsTruncated>true</IsTruncated><NextKeyMarker>{key}</NextKeyMarker>\
             <NextUploadIdMarker>{id}</NextUploadIdMarker>"
        ));
    }
    Reply::new(200, text + "</ListMultipartUploadsResult>")
}

const OLD: &str = "2020-01-01T00:00:00.000Z";
const FUTURE: &str = "2999-01-01T00:00:00.000Z";

#[tokio::test]
async fn old_uploads_below_a_prefix_are_found_on_all_pages() {
    let server = Server::start(|request, before| {
        assert!(request.header("authorization").unwrap().contains("Signature="));
        match before {
            0 => page(
                &[("out/a b", "1", OLD), ("out/new", "2", FUTURE), ("outer/x", "3", OLD)],
                Some(("out/a b", "1/+=")),
            ),
            _ => page(&[("out", "4", OLD), ("out/z", "5", OLD)], None),
        }
    })
    .await;
    let stores = Stores::new(settings(&server.endpoint));
    let janitor = stores.janitor("s3://bucket/out/").unwrap();
    let found = janitor.find(DAY).await.unwrap();
    let found: Vec<_> = found.iter().map(|it| (it.key.as_str(), it.id.as_str())).collect();
    assert_eq!(found, [("out", "4"), ("out/a b", "1"), ("out/z", "5")]);
    assert_eq!(
        server.log(),
        [
            "GET /bucket?uploads=&prefix=out",
            "GET /bucket?uploads=&prefix=out&key-marker=out%2Fa%20b&upload-id-marker=1%2F%2B%3D",
        ]
    );
}

#[tokio::test]
async fn an_upload_is_aborted_and_may_be_gone() {
    let server = Server::start(|request, before| match (request.method.as_str(), before) {
        ("GET", _) => page(&[("a b", "1", OLD)], None),
        (_, 1) => Reply::new(204, ""),
        _ => Reply::error(404, "NoSuchUpload", "It is gone."),
    })
    .await;
    let stores = Stores::new(settings(&server.endpoint));
    let janitor = stores.janitor("s3://bucket").unwrap();
    let found = janitor.find(DAY).await.unwrap();
    for _ in 0..2 {
        janitor.abort(&found[0]).await.unwrap();
    }
    assert_eq!(server.log()[1..], ["DELETE /bucket/a%20b?uploadId=1"; 2]);
}

#[tokio::test]
async fn a_store_that_gives_the_same_page_for_ever_comes_to_an_end() {
    let server = Server::start(|_, _| page(&[("a", "1", OLD)], Some(("a", "1")))).await;
    let janitor = Stores::new(settings(&server.endpoint)).janitor("s3://bucket").unwrap();
    janitor.find(DAY).await.unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn what_is_refused_or_no_list_is_told() {
    let server = Server::start(|_, _| Reply::error(403, "AccessDenied", "No.")).await;
    let janitor = Stores::new(settings(&server.endpoint)).janitor("s3://bucket/x/").unwrap();
    let error = janitor.find(DAY).await.unwrap_err();
    let text = told(&error);
    assert!(text.starts_with("no permission to list `s3://bucket/x`"), "{text}");
    let server = Server::start(|_, _| Reply::new(200, "<ListBucketResult/>")).await;
    let janitor = Stores::new(settings(&server.endpoint)).janitor("s3://bucket").unwrap();
    let text = told(&janitor.find(DAY).await.unwrap_err());
    assert!(text.ends_with("the list of uploads is none"), "{text}");
}

#[test]
fn places_without_uploads_have_no_janitor() {
    let mut settings = settings("http://127.0.0.1:1");
    settings.azure.account = Some("account".to_owned());
    let stores = Stores::new(settings);
    for location in ["/tmp", "az://container/x/", "https://example.com/a?sig=hush"] {
        let error = stores.janitor(location).unwrap_err().to_string();
        assert!(error.contains("keeps no uploads") && !error.contains("hush"), "{error}");
    }
}
