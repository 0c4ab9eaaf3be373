//! Rows that somebody else wrote, and tables that are not quite ours.

use std::time::{Duration, SystemTime};

use tundra_catalog::{SUPABASE_MIGRATIONS, SupabaseCatalog, SupabaseSettings};
use tundra_core::{
    Catalog, ErrorKind, IdempotencyKey, NewSource, RequestDigest, Reserved, Scope, Secret,
};
use tundra_test_services::{MEMBER, PostgRest, STRANGER};

use super::{add, again, catalog, essential, facts, new_source, number, whole, with_uuids};

#[tokio::test]
async fn a_source_without_an_organisation_is_named_and_left_out_of_lists() {
    let server = whole();
    let catalog = catalog(&server);
    let sane = add(&catalog).await;
    let sql = "INSERT INTO sources (id, org_id, source_type, connector_type) VALUES
         ('00000000-0000-4000-8000-00000000000a', NULL, 'file', 'csv');
         INSERT INTO source_versions (source_id, version, created_at)
         VALUES ('00000000-0000-4000-8000-00000000000a', 1, now() - interval '1 day')";
    server.database().run(sql).unwrap();
    let id = "00000000-0000-4000-8000-00000000000a".parse().unwrap();
    let error = catalog.source(&Scope::All, id).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidData);
    assert!(error.reason.contains("`org_id` is null"), "{error}");
    let Reserved::New(pending) = catalog.reserve(&sane, None).await.unwrap() else { panic!() };
    let listed = catalog.sources(&Scope::All, None, 1).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&sane));
    let later = SystemTime::now() + Duration::from_secs(60);
    // What makes no sense does not stand in the way of what does.
    assert_eq!(catalog.stale(later, 1).await.unwrap(), [(sane, pending)]);
}

#[tokio::test]
async fn a_connector_that_nobody_knows_is_the_callers_to_judge() {
    let server = essential();
    let sql =
        "INSERT INTO sources (id, org_id, source_type, connector_type, current_version) VALUES
         ('00000000-0000-4000-8000-00000000000a', 'acme', 'api', 'holographic', NULL),
         ('00000000-0000-4000-8000-00000000000b', 'acme', 'api', NULL, 0)";
    server.database().run(sql).unwrap();
    let catalog = catalog(&server);
    let read = async |id: &str| catalog.source(&Scope::All, id.parse().unwrap()).await;
    let source = read("00000000-0000-4000-8000-00000000000a").await.unwrap();
    assert_eq!((&*source.connector_type, source.current_version), ("holographic", None));
    let error = read("00000000-0000-4000-8000-00000000000b").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidData);
    // Null counts as no version yet.
    let Reserved::New(version) = catalog.reserve(&source, None).await.unwrap() else { panic!() };
    catalog.activate(&version, &facts(1)).await.unwrap();
    let source = again(&catalog, &source).await;
    assert_eq!(source.current_version, Some(number(1)));
    assert_eq!(source.extraction_query.as_deref(), Some("SELECT 1"));
}

#[tokio::test]
async fn names_of_tenants_that_cannot_be_theirs_have_no_sources() {
    let server = with_uuids(&[]);
    let catalog = catalog(&server);
    let scope = Scope::Tenant("acme".parse().unwrap());
    assert!(catalog.sources(&scope, None, 5).await.unwrap().is_empty());
    let error = catalog.source_named(&scope, "x").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    let error = catalog.add_source(&new_source()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidRequest);
}

#[tokio::test]
async fn lists_are_whole_where_the_server_gives_fewer_rows_than_asked() {
    let server = with_uuids(&[("PGRST_DB_MAX_ROWS", "3")]);
    let catalog = catalog(&server);
    let new = || NewSource { tenant: MEMBER.id.parse().unwrap(), ..new_source() };
    let source = catalog.add_source(&new()).await.unwrap();
    for _ in 0..7 {
        catalog.add_source(&new()).await.unwrap();
        catalog.reserve(&source, None).await.unwrap();
    }
    assert_eq!(catalog.sources(&Scope::All, None, 100).await.unwrap().len(), 8);
    assert_eq!(catalog.sources(&Scope::All, None, 5).await.unwrap().len(), 5);
    let versions = catalog.versions(&source, None, 100).await.unwrap();
    let numbers: Vec<u32> = versions.iter().map(|version| version.number.get()).collect();
    assert_eq!(numbers, [7, 6, 5, 4, 3, 2, 1]);
    let later = SystemTime::now() + Duration::from_secs(60);
    let stale = catalog.stale(later, 100).await.unwrap();
    let numbers: Vec<u32> = stale.iter().map(|(_, version)| version.number.get()).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
}

#[tokio::test]
async fn a_selection_is_recorded_with_its_reason() {
    let server = whole();
    let catalog = catalog(&server);
    let source = add(&catalog).await;
    for rows in [1, 2] {
        let Reserved::New(version) = catalog.reserve(&source, None).await.unwrap() else {
            panic!()
        };
        catalog.activate(&version, &facts(rows)).await.unwrap();
    }
    let seen = again(&catalog, &source).await;
    catalog.select(&seen, number(1), "wrong prices").await.unwrap();
    // What was refused is not recorded.
    assert!(catalog.select(&seen, number(2), "late").await.is_err());
    let recorded = "SELECT from_version, to_version, reason FROM source_selections";
    assert_eq!(server.database().run(recorded).unwrap(), "2|1|wrong prices");
}

#[tokio::test]
async fn columns_that_are_added_later_are_used_when_the_server_knows_them() {
    let server = essential();
    let catalog = catalog(&server);
    let named = NewSource { name: Some("orders".to_owned()), ..new_source() };
    assert_eq!(catalog.add_source(&named).await.unwrap().name, None);
    let error = catalog.source_named(&Scope::All, "orders").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.hints[0].contains("keeps no names"), "{error:?}");

    server.database().run(SUPABASE_MIGRATIONS[1].1).unwrap();
    let server = server.restart().unwrap();
    let catalog_again = super::catalog(&server);
    let source = again(&catalog_again, &add(&catalog_again).await).await;
    let key: IdempotencyKey = "k".parse().unwrap();
    catalog_again.reserve(&source, Some(&key)).await.unwrap();
    let kept = server.database().run("SELECT idempotency_key FROM source_versions").unwrap();
    assert_eq!(kept, "k");
}

#[tokio::test]
async fn a_key_does_without_the_column_for_what_was_asked() {
    let server = whole();
    server.database().run("ALTER TABLE source_versions DROP COLUMN request_digest").unwrap();
    let server = server.restart().unwrap();
    let catalog = catalog(&server);
    let source = add(&catalog).await;
    let key = |byte| {
        let key: IdempotencyKey = "k".parse().unwrap();
        key.of_request(RequestDigest::of_sha256([byte; 32]))
    };
    let Reserved::New(first) = catalog.reserve(&source, Some(&key(1))).await.unwrap() else {
        panic!("it is the first")
    };
    let kept = server.database().run("SELECT idempotency_key FROM source_versions").unwrap();
    assert_eq!(kept, "k");
    let other = catalog.reserve(&source, Some(&key(2))).await.unwrap();
    assert_eq!(other, Reserved::Earlier(first));
}

#[tokio::test]
async fn a_database_without_the_tables_says_what_to_run() {
    let server =
        PostgRest::start(&[SUPABASE_MIGRATIONS[0].1, "DROP TABLE sources CASCADE"]).unwrap();
    let error = catalog(&server).ping().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(error.hints[0].contains("migrations"), "{error:?}");
}

#[tokio::test]
async fn the_key_of_a_user_sees_what_the_user_may_see() {
    let server = whole();
    let source = add(&catalog(&server)).await;
    let member = format!("INSERT INTO organization_members VALUES ('acme', '{}')", MEMBER.id);
    server.database().run(&member).unwrap();
    let with = |key: &str| {
        let settings = SupabaseSettings::bare(server.endpoint(), Secret::new(key));
        SupabaseCatalog::new(&settings).unwrap()
    };
    let (member, stranger) = (with(MEMBER.token), with(STRANGER.token));
    let listed = member.sources(&Scope::All, None, 9).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&source));
    assert!(stranger.sources(&Scope::All, None, 9).await.unwrap().is_empty());
    let error = member.reserve(&source, None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::PermissionDenied);
    // No token that anybody signed, and none at all.
    let forged = format!("{}x", MEMBER.token);
    for key in [&forged, "sb_secret_without_a_gateway"] {
        let error = with(key).ping().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::PermissionDenied, "{error:?}");
        assert!(error.hints[0].contains("key"), "{error:?}");
    }
}
