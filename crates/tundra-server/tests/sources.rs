//! What is catalogued, as callers see it and choose in it.

use axum::body::Body;
use serde_json::{Value, json};
use tundra_core::Receipt;

use crate::place::{Desk, Opening, Place};

const TWO_ROWS: &str = "id,name\n1,Ann\n2,Bob\n";

/// Returns the items of a list and of all pages behind it.
async fn pages(desk: &Desk, path: &str, field: &str, limit: usize) -> Vec<Value> {
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = desk.get(&format!("{path}?limit={limit}{cursor}")).await.ok();
        let items = page[field].as_array().unwrap();
        assert!(items.len() <= limit);
        seen.extend(items.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return seen,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_are_listed_in_pages_and_shown_one_by_one() {
    let place = Place::new().await;
    let desk = place.open(Opening::default()).await;
    assert_eq!(desk.get("/sources").await.ok(), json!({ "sources": [], "next_cursor": null }));
    for _ in 0..5 {
        place.uploaded("acme", TWO_ROWS).await;
    }
    for limit in [1, 2, 5, 100] {
        let listed = pages(&desk, "/sources", "sources", limit).await;
        assert_eq!(listed.len(), 5);
        assert!(listed.is_sorted_by(|a, b| a["id"].as_str() < b["id"].as_str()));
        for source in &listed {
            let path = format!("/sources/{}", source["id"].as_str().unwrap());
            assert_eq!(&desk.get(&path).await.ok(), source);
            assert_eq!(source["org_id"], "acme");
            assert_eq!(source["current_version"], Value::Null);
        }
    }
    desk.get("/sources?cursor=x").await.failure(400, "invalid_request");
    for limit in ["x", "0", "501"] {
        desk.get(&format!("/sources?limit={limit}")).await.failure(400, "invalid_request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_listed_with_what_changed() {
    let place = Place::new().await;
    let desk = place.open(Opening::default()).await;
    let source = place.uploaded("acme", "id,zip\n1,100\n").await;
    desk.convert(&source).await;
    place.upload(&source, "id,zip\n1,2\n3\n4,5,6\n");
    let request = json!({ "source_id": source.id.to_string() });
    desk.post("/convert/file", &[], &request).await.failure(400, "invalid_data");
    place.upload(&source, "id,name\n1,Ann\n");
    desk.convert(&source).await;

    let path = format!("/sources/{}/versions", source.id);
    let page = desk.get(&path).await.ok();
    assert_eq!((&page["current_version"], &page["next_cursor"]), (&json!(3), &Value::Null));
    let versions = page["versions"].as_array().unwrap();
    let shown: Vec<_> =
        versions.iter().map(|it| (it["version"].as_u64(), it["status"].as_str())).collect();
    let (active, error) = (Some("active"), Some("error"));
    assert_eq!(shown, [(Some(3), active), (Some(2), error), (Some(1), active)]);
    assert_eq!(
        (&versions[0]["is_current"], &versions[2]["is_current"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(versions[0]["differences"][0]["change"], "removed");
    assert_eq!(versions[0]["differences"][0]["column"], "zip");
    assert_eq!(versions[0]["schema"][1], json!({ "name": "name", "type": "VARCHAR" }));
    assert!(versions[1]["error_message"].as_str().unwrap().contains("line 3"));
    assert_eq!((&versions[1]["row_count"], &versions[2]["row_count"]), (&Value::Null, &json!(1)));
    assert_eq!(&pages(&desk, &path, "versions", 2).await, versions);

    for (number, version) in [(1, &versions[2]), (2, &versions[1]), (3, &versions[0])] {
        let mut expected = version.clone();
        expected["differences"] = Value::Null;
        let by_number = desk.get(&format!("{path}/{number}")).await.ok();
        let by_id = desk.get(&format!("/versions/{}", version["id"].as_str().unwrap())).await.ok();
        assert_eq!((&by_number, &by_id), (&expected, &expected));
    }
    assert_eq!(desk.get(&format!("{path}/current")).await.ok()["version"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_what_stands_beside_the_data() {
    let place = Place::new().await;
    let desk = place.open(Opening::default()).await;
    let source = place.uploaded("acme", TWO_ROWS).await;
    desk.convert(&source).await;
    let version = desk.get(&format!("/sources/{}/versions/1", source.id)).await.ok();
    let by_id = format!("/versions/{}/receipt", version["id"].as_str().unwrap());
    for path in [by_id, format!("/sources/{}/versions/current/receipt", source.id)] {
        let response = desk.response("GET", &path, &[], Body::empty()).await;
        assert_eq!(response.headers()["content-type"], "application/json");
        let text = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let digest = ring::digest::digest(&ring::digest::SHA256, &text);
        let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(version["receipt_sha256"], digest);
        let receipt: Receipt = serde_json::from_slice(&text).unwrap();
        assert_eq!(receipt.counts.written, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_are_led_back_and_forward_again() {
    let place = Place::new().await;
    let desk = place.open(Opening::default()).await;
    let source = place.uploaded("acme", TWO_ROWS).await;
    desk.convert(&source).await;
    desk.convert(&source).await;
    let path = format!("/sources/{}/rollback", source.id);
    let roll = async |body: Value| desk.post(&path, &[], &body).await;
    let back = roll(json!({ "version": 1, "reason": "the file was wrong" })).await.ok();
    assert_eq!((&back["success"], &back["previous_version"]), (&json!(true), &json!(2)));
    assert_eq!(back["source"]["current_version"], 1);
    assert_eq!(desk.get(&format!("/sources/{}", source.id)).await.ok(), back["source"]);
    let forward = roll(json!({ "version": 2, "reason": null })).await.ok();
    assert_eq!(forward["source"]["current_version"], 2);
    desk.convert(&source).await;
    assert_eq!(place.again(&source).await.current_version.unwrap().get(), 3);

    place.upload(&source, "id,n\n1,2\n3\n4,5,6\n");
    let request = json!({ "source_id": source.id.to_string() });
    desk.post("/convert/file", &[], &request).await.failure(400, "invalid_data");
    roll(json!({ "version": 4 })).await.failure(409, "conflict");
    roll(json!({ "version": 9 })).await.failure(404, "not_found");
    for body in [
        json!({ "version": 0 }),
        json!({ "version": -1 }),
        json!({ "version": "1" }),
        json!({}),
        json!({ "version": 1, "reason": "x".repeat(1001) }),
    ] {
        roll(body).await.failure(400, "invalid_request");
    }
    assert_eq!(place.again(&source).await.current_version.unwrap().get(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_somebody_elses_is_not_there() {
    let place = Place::new().await;
    let desk = place.open(Opening { with_keys: true, ..Opening::default() }).await;
    let source = place.uploaded("acme", TWO_ROWS).await;
    let own = place.key(Some("acme"), "convert,read,write").await;
    let other = place.key(Some("other"), "convert,read,write").await;
    let reader = place.key(Some("acme"), "read").await;
    let request = json!({ "source_id": source.id.to_string() });
    desk.post("/convert/file", &[("x-api-key", &own)], &request).await.ok();
    let version = place.version(&source, 1).await.id.to_string();

    let nobodys = "01890a5d-ac96-774b-bcce-b302099a8057";
    let source_id = source.id.to_string();
    let get = async |key: &str, path: &str| {
        desk.call("GET", path, &[("x-api-key", key)], Body::empty()).await
    };
    for path in ["", "/versions", "/versions/1", "/versions/1/receipt", "/versions/1/preview"] {
        get(&own, &format!("/sources/{source_id}{path}")).await.ok();
        for id in [source_id.as_str(), nobodys, "x", "..%2fx"] {
            get(&other, &format!("/sources/{id}{path}")).await.failure(404, "not_found");
        }
    }
    for path in ["", "/receipt", "/preview"] {
        get(&own, &format!("/versions/{version}{path}")).await.ok();
        for id in [version.as_str(), source_id.as_str(), nobodys, "x", "1"] {
            get(&other, &format!("/versions/{id}{path}")).await.failure(404, "not_found");
        }
    }
    for number in ["0", "2", "x", "-1", "99999999999"] {
        let path = format!("/sources/{source_id}/versions/{number}");
        get(&own, &path).await.failure(404, "not_found");
    }
    assert_eq!(get(&other, "/sources").await.ok()["sources"], json!([]));
    let (path, body) = (format!("/sources/{source_id}/rollback"), json!({ "version": 1 }));
    desk.post(&path, &[("x-api-key", &other)], &body).await.failure(404, "not_found");
    desk.post(&path, &[("x-api-key", &reader)], &body).await.failure(403, "permission_denied");
    desk.get("/sources").await.failure(401, "unauthenticated");
}
