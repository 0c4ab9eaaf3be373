//! What a run left that is known to be dead.

use tundra_core::{Catalog, IdempotencyKey, Reserved, VersionFacts, VersionStatus};

use crate::support::{Place, convert};

fn key(text: &str) -> IdempotencyKey {
    text.parse().unwrap()
}

#[tokio::test]
async fn the_version_of_a_dead_run_ends_and_its_objects_go() {
    let place = Place::new().await;
    let source = place.uploaded("people", "id\n1\n").await;
    convert(&place.runs, &source).await;
    let reserved = place.catalog.reserve(&source, Some(&key("k"))).await.unwrap();
    let Reserved::New(pending) = reserved else { panic!("no new version") };
    let v2 = place.bucket(&source).join(format!("processed/{}/v2", source.id));
    std::fs::create_dir_all(&v2).unwrap();
    std::fs::write(v2.join("data.parquet"), "half").unwrap();

    for _ in 0..2 {
        let buried = place.runs.bury(&source, &key("k"), "it crashed").await.unwrap();
        assert_eq!((buried.id, buried.status), (pending.id, VersionStatus::Error));
        assert_eq!(buried.error_message.as_deref(), Some("it crashed"));
    }
    let versions = place.versions(&source).await;
    assert_eq!(versions.len(), 2);
    assert_eq!(versions[0].status, VersionStatus::Active);
    assert!(!place.objects(&source).iter().any(|it| it.contains("/v2/")));
}

#[tokio::test]
async fn a_run_that_had_reserved_nothing_is_on_record_nevertheless() {
    let place = Place::new().await;
    let source = place.uploaded("people", "id\n1\n").await;
    let buried = place.runs.bury(&source, &key("k"), "it crashed").await.unwrap();
    assert_eq!(buried.status, VersionStatus::Error);
    assert_eq!(place.versions(&source).await, [buried]);
}

#[tokio::test]
async fn a_run_that_had_come_to_its_end_keeps_its_version() {
    let place = Place::new().await;
    let source = place.uploaded("people", "id\n1\n").await;
    let reserved = place.catalog.reserve(&source, Some(&key("k"))).await.unwrap();
    let Reserved::New(version) = reserved else { panic!("no new version") };
    let facts = VersionFacts {
        rows: 1,
        columns: 1,
        size_bytes: 1,
        seconds: 0.1,
        receipt_sha256: None,
        schema: None,
        extraction_query: None,
    };
    place.catalog.activate(&version, &facts).await.unwrap();
    let buried = place.runs.bury(&source, &key("k"), "it crashed").await.unwrap();
    assert_eq!(buried.status, VersionStatus::Active);
    assert_eq!(place.again(&source).await.current_version, Some(version.number));
}
