//! Uploads in parts: what the servers here make of them, and the rules of R2.

use bytes::Bytes;
use tundra_test_services::{S3, proxy::PartRules};

use crate::support::Setup;

/// Sends parts of these sizes and returns the upload's name and what completes it.
async fn send(store: &S3, key: &str, sizes: &[usize]) -> (String, String) {
    let begun = store.request("POST", &format!("{key}?uploads"), &[], "").await.unwrap();
    let upload = begun.success().unwrap().element("UploadId").unwrap();
    let mut list = String::from("<CompleteMultipartUpload>");
    for (number, size) in (1..).zip(sizes) {
        let target = format!("{key}?partNumber={number}&uploadId={upload}");
        let sent = store.request("PUT", &target, &[], vec![1; *size]).await.unwrap();
        let tag = sent.success().unwrap().headers["etag"].to_str().unwrap().to_owned();
        list.push_str(&format!("<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"));
    }
    list.push_str("</CompleteMultipartUpload>");
    (upload, list)
}

const PART: usize = 5 << 20;

#[tokio::test]
async fn unequal_parts_are_refused_as_r2_does_and_equal_ones_are_taken() {
    let setup = Setup::new();
    setup.proxy.enforce_parts(PartRules::default());
    let store = setup.through();
    for (sizes, taken) in [([PART, PART, 10], true), ([PART, PART + 1, 10], false)] {
        let (upload, list) = send(&store, "a.bin", &sizes).await;
        let target = format!("a.bin?uploadId={upload}");
        let completed = store.request("POST", &target, &[], list).await.unwrap();
        assert_eq!(completed.status == 200, taken);
        assert_eq!(setup.has("a.bin").await, taken);
        if !taken {
            assert_eq!(completed.status, 400);
            assert_eq!(completed.element("Code").as_deref(), Some("InvalidPart"));
            assert_eq!(
                completed.element("Message").as_deref(),
                Some("All non-trailing parts must have the same length.")
            );
        }
        store.request("DELETE", "a.bin", &[], "").await.unwrap();
    }
}

#[tokio::test]
async fn unfinished_uploads_of_the_local_server_are_found_by_their_files() {
    let setup = Setup::new();
    let store = setup.server.store();
    assert!(setup.server.unfinished().unwrap().is_empty());
    let (upload, _) = send(store, "a.bin", &[PART, 3]).await;
    assert!(!setup.server.unfinished().unwrap().is_empty());
    let target = format!("a.bin?uploadId={upload}");
    store.request("DELETE", &target, &[], Bytes::new()).await.unwrap().success().unwrap();
    assert_eq!(setup.server.unfinished().unwrap(), [""; 0]);
}

#[tokio::test]
async fn the_local_server_refuses_to_replace_when_asked() {
    let setup = Setup::new();
    let store = setup.server.store();
    setup.put("a.bin", "old").await;
    let only_new = [("if-none-match", "*")];
    let put = store.request("PUT", "a.bin", &only_new, "new").await.unwrap();
    assert_eq!(put.status, 412);
    let (upload, list) = send(store, "a.bin", &[PART, 3]).await;
    let target = format!("a.bin?uploadId={upload}");
    let completed = store.request("POST", &target, &only_new, list).await.unwrap();
    assert_eq!(completed.status, 412);
    assert_eq!(setup.get("a.bin").await.unwrap().body, "old");
}
