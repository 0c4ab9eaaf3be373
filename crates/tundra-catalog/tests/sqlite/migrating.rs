//! Catalogs of every version that there was, brought up to date.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use tempfile::TempDir;
use tundra_catalog::SqliteCatalog;
use tundra_core::{
    Catalog, IdempotencyKey, RequestDigest, Reserved, SchemaRule, Scope, SourceType, TableColumn,
    TableSchema, VersionStatus,
};

use super::{by_hand, open, place, run};

#[tokio::test]
async fn a_catalog_of_version_1_keeps_all_that_is_in_it() {
    let (_directory, path, catalog) = of_sample(include_str!("../samples/sqlite-001.sql")).await;

    let acme = Scope::Tenant("acme".parse().unwrap());
    let orders = catalog.source_named(&acme, "orders").await.unwrap();
    assert_eq!(orders.id.to_string(), "018f0000-0000-7000-8000-000000000001");
    assert_eq!(orders.source_type, SourceType::Database);
    assert_eq!(orders.connector_type, "postgresql");
    assert_eq!(orders.location.as_deref(), Some("postgresql://db.example/shop"));
    assert_eq!(orders.schema_rule, SchemaRule::NoBreaking);
    assert_eq!(orders.extraction_query.as_deref(), Some("SELECT * FROM orders"));
    assert_eq!(orders.current_version.unwrap().get(), 2);
    let other = catalog.sources(&Scope::All, Some(orders.id), 10).await.unwrap();
    assert_eq!(other.len(), 1);
    assert_eq!((other[0].name.as_deref(), other[0].current_version), (None, None));

    let versions = catalog.versions(&orders, None, 10).await.unwrap();
    let states: Vec<_> = versions.iter().map(|it| (it.number.get(), it.status)).collect();
    let expected =
        [(3, VersionStatus::Pending), (2, VersionStatus::Active), (1, VersionStatus::Error)];
    assert_eq!(states, expected);
    let facts = versions[1].facts.clone().unwrap();
    assert_eq!((facts.rows, facts.columns, facts.size_bytes), (1000, 1, 9_007_199_254_740_992));
    assert!((facts.seconds - 1.5).abs() < f64::EPSILON);
    let column = TableColumn { name: "id".to_owned(), column_type: "BIGINT".to_owned() };
    assert_eq!(facts.schema, Some(TableSchema { columns: vec![column] }));
    assert_eq!(facts.receipt_sha256, Some("ab".repeat(32)));
    assert_eq!(versions[2].error_message.as_deref(), Some("no connection"));
    let reserved = SystemTime::UNIX_EPOCH + Duration::from_micros(1_760_000_000_000_001);
    assert_eq!(versions[0].created_at, reserved);

    let key = "nightly-3".parse().unwrap();
    let earlier = catalog.reserve(&orders, Some(&key)).await.unwrap();
    assert_eq!(earlier, Reserved::Earlier(versions[0].clone()));
    assert_eq!(run(&catalog, &orders).await.unwrap().number.get(), 8);

    is_as_a_new_one(&path).await;
}

#[tokio::test]
async fn a_catalog_of_version_2_keeps_what_was_asked_for_under_a_key() {
    let (_directory, path, catalog) = of_sample(include_str!("../samples/sqlite-002.sql")).await;
    let source = catalog.source_named(&Scope::All, "orders").await.unwrap();
    let key = |byte| {
        let key: IdempotencyKey = "nightly-1".parse().unwrap();
        key.of_request(RequestDigest::of_sha256([byte; 32]))
    };
    let Reserved::Earlier(version) = catalog.reserve(&source, Some(&key(0xab))).await.unwrap()
    else {
        panic!("it was used");
    };
    let other = catalog.reserve(&source, Some(&key(0xcd))).await.unwrap();
    assert_eq!(other, Reserved::OtherRequest(version));
    is_as_a_new_one(&path).await;
}

/// Returns a catalog that is as SQL says, and where it is.
async fn of_sample(sql: &str) -> (TempDir, PathBuf, SqliteCatalog) {
    let (directory, path) = place();
    by_hand(&path).execute_batch(sql).unwrap();
    let catalog = open(&path).await;
    (directory, path, catalog)
}

/// Checks that a catalog that was brought up to date has the tables of one that was made now.
async fn is_as_a_new_one(path: &Path) {
    let (_directory, fresh) = place();
    drop(open(&fresh).await);
    let tables = |path: &Path| -> Vec<(String, String)> {
        let by_hand = by_hand(path);
        let mut statement = by_hand
            .prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
            .unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(tables(path), tables(&fresh));
}
