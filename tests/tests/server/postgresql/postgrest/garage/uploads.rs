//! From the announcement of a file to the version that readers see: upload, conversion, preview, receipt and
//! rollback.

use std::time::Duration;

use serde_json::{Value, json};

use crate::server::stack::Stack;

const MAY: &str = "id,amount\n1,1.5\n2,2.5\n";
const JUNE: &str = "id,amount,note\n1,1.5,first\n2,2.5,\n3,3.5,third\n";

#[tokio::test]
async fn a_file_is_announced_sent_to_the_store_converted_and_read() {
    let stack = Stack::new().await;
    let server = stack.serve();
    let ask = server.asker();
    let request =
        json!({"file_name": "may.csv", "name": "orders", "format": "csv", "org_id": stack.org});
    let announced = ask.post("/uploads", &request).await;
    assert_eq!(announced.status, 201, "{}", announced.text());
    let ticket = announced.json();
    let id = ticket["source_id"].as_str().unwrap().to_owned();
    let row = stack.source(&id);
    for (name, value) in [
        ("org_id", json!(stack.org)),
        ("name", json!("orders")),
        ("source_type", json!("file")),
        ("connector_type", json!("csv")),
        ("current_version", json!(0)),
    ] {
        assert_eq!(row[name], value, "{name}");
    }
    // The bytes go to the store by what it was signed for, and nowhere else.
    let send = async |ticket: &Value, text: &'static str| {
        let target = &ticket["upload"];
        assert_eq!(
            (&target["method"], &target["headers"]),
            (&json!("PUT"), &json!({})),
            "{ticket}"
        );
        let url = target["url"].as_str().unwrap();
        assert!(
            url.starts_with(&stack.bucket.endpoint) && url.contains("X-Amz-Signature="),
            "{url}"
        );
        let sent = ask.send("PUT", url, None, text.into()).await.unwrap();
        assert_eq!(sent.status, 200, "{}", sent.text());
        let other = url.replace("/uploads/", "/processed/");
        assert_eq!(ask.send("PUT", &other, None, text.into()).await.unwrap().status, 403);
    };
    send(&ticket, MAY).await;
    let answer = ask.post("/convert/file", &json!({"source_id": id})).await.ok();
    assert_eq!(stack.proven(&id, &answer, "file").await.rows.len(), 2);

    // The next file of the same source. Stores tell the time of an object in seconds, and which of two of one
    // second was sent last cannot be known.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let request = json!({"file_name": "june.csv", "source_id": id});
    let next = ask.post("/uploads", &request).await.json();
    assert_eq!(next["source_id"], id.as_str(), "{next}");
    send(&next, JUNE).await;
    let answer = ask.post("/convert/file", &json!({"source_id": id})).await.ok();
    let contents = stack.proven(&id, &answer, "file").await;
    assert_eq!(contents.row(2).unwrap(), [Some("3"), Some("3.5"), Some("third")]);
    assert_eq!(stack.get(&format!("raw/{id}/v2/data.csv")).await, JUNE.as_bytes());

    let of_source = format!("/sources/{id}");
    let source = ask.get(&of_source).await.ok();
    assert_eq!((&source["id"], &source["current_version"]), (&json!(id), &json!(2)));
    let listed = ask.get("/sources").await.ok();
    assert_eq!(listed, json!({"sources": [source], "next_cursor": null}));
    let versions = ask.get(&format!("{of_source}/versions")).await.ok();
    let versions = versions["versions"].as_array().unwrap();
    let told: Vec<_> = versions.iter().map(|it| (&it["version"], &it["is_current"])).collect();
    assert_eq!(told, [(&json!(2), &json!(true)), (&json!(1), &json!(false))]);
    let added = json!([{"column": "note", "change": "added", "from": null, "to": "VARCHAR"}]);
    assert_eq!(versions[0]["differences"], added);
    let version = ask.get(&format!("/versions/{}", versions[0]["id"].as_str().unwrap())).await.ok();
    for name in ["version", "row_count", "column_count", "file_size_bytes", "receipt_sha256"] {
        assert_eq!(version[name], versions[0][name], "{name}");
    }

    let preview = ask.get(&format!("{of_source}/versions/current/preview?limit=1")).await;
    assert_eq!(preview.header("x-total-rows"), Some("3"));
    assert_eq!(
        preview.ok(),
        json!({
            "source_id": id, "version": 2,
            "columns": [
                {"name": "id", "type": "BIGINT"}, {"name": "amount", "type": "DOUBLE"},
                {"name": "note", "type": "VARCHAR"},
            ],
            "rows": [{"id": 1, "amount": 1.5, "note": "first"}], "row_count": 1, "total_rows": 3,
        })
    );
    // The receipt is what stands beside the data, byte for byte, and what the catalog has the digest of.
    let receipt = ask.get(&format!("{of_source}/versions/2/receipt")).await;
    let beside = stack.get(&format!("processed/{id}/v2/_manifest.json")).await;
    assert_eq!((receipt.status, &receipt.body[..]), (200, &beside[..]));
    let counts = &receipt.json()["counts"];
    assert_eq!((&counts["records"], &counts["written"]), (&json!(3), &json!(3)), "{counts}");
    let digest = ring::digest::digest(&ring::digest::SHA256, &receipt.body);
    let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(version["receipt_sha256"], digest);

    // Back, with the reason, and on.
    let back = json!({"version": 1, "reason": "June came twice"});
    let answer = ask.post(&format!("{of_source}/rollback"), &back).await.ok();
    assert_eq!((&answer["success"], &answer["previous_version"]), (&json!(true), &json!(2)));
    assert_eq!(answer["source"]["current_version"], 1);
    assert_eq!(stack.source(&id)["current_version"], 1);
    let kept = "SELECT from_version, to_version, reason FROM source_selections";
    assert_eq!(stack.catalog().run(kept).unwrap(), "2|1|June came twice");
    let current = ask.get(&format!("{of_source}/versions/current/preview")).await.ok();
    assert_eq!((&current["version"], &current["total_rows"]), (&json!(1), &json!(2)));
    let missing = ask.post(&format!("{of_source}/rollback"), &json!({"version": 9})).await;
    missing.failure(404, "not_found");
    // No number is given twice.
    let answer = ask.post("/convert/file", &json!({"source_id": id})).await.ok();
    assert_eq!(answer["metadata"]["version"], 3);
    stack.proven(&id, &answer, "file").await;
}

#[tokio::test]
async fn the_server_takes_the_bytes_too_and_holds_them_against_their_checksum() {
    let stack = Stack::new().await;
    let server = stack.serve();
    let ask = server.asker();
    let id = stack.add("file", "csv");
    let path = format!("/uploads/{id}/may.csv");
    let digest = ring::digest::digest(&ring::digest::SHA256, MAY.as_bytes());
    let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let send = async |checksum: &str| {
        let ask = ask.with("x-checksum-sha256", checksum);
        ask.send("PUT", &path, Some("text/csv"), MAY.into()).await.unwrap()
    };
    send(&"0".repeat(64)).await.failure(400, "checksum_mismatch");
    assert_eq!(stack.objects(&id).await, [""; 0]);
    let sent = send(&digest).await;
    assert_eq!(sent.status, 201, "{}", sent.text());
    assert_eq!((&sent.json()["size_bytes"], &sent.json()["sha256"]), (&json!(22), &json!(digest)));
    let answer = ask.post("/convert/file", &json!({"source_id": id})).await.ok();
    assert_eq!(stack.proven(&id, &answer, "file").await.rows.len(), 2);
}
