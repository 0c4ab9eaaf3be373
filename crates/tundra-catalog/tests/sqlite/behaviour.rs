//! What the catalog does on a healthy file.

use std::{sync::Arc, time::SystemTime};

use futures::{
    future::{join, join_all},
    poll,
};
use tundra_core::{
    Catalog, Classify, ErrorKind, Scope, VersionFacts, VersionNumber, VersionStatus,
    testing::catalog::{Keeps, run_all},
};

use super::{add, by_hand, facts, new_source, open, place, reserve, run};

#[tokio::test(flavor = "multi_thread")]
async fn is_a_catalog() {
    let (_directory, path) = place();
    let catalog: Arc<dyn Catalog> = Arc::new(open(&path).await);
    run_all(&*catalog, Keeps::EVERYTHING).await;
    // Once more, among what was left.
    run_all(&*catalog, Keeps::EVERYTHING).await;
}

#[tokio::test]
async fn is_a_catalog_on_one_thread() {
    let (_directory, path) = place();
    run_all(&open(&path).await, Keeps::EVERYTHING).await;
}

#[tokio::test]
async fn keeps_everything_when_it_is_closed() {
    let (directory, path) = place();
    let catalog = open(&path).await;
    let source = add(&catalog).await;
    let version = run(&catalog, &source).await.unwrap();
    assert_eq!(catalog.display(), path.display().to_string());
    drop(catalog);
    let left: Vec<_> = directory.path().read_dir().unwrap().map(|it| it.unwrap().path()).collect();
    assert_eq!(left, std::slice::from_ref(&path), "nothing beside the file is left");

    let catalog = open(&path).await;
    let again = catalog.source(&Scope::All, source.id).await.unwrap();
    assert_eq!(again.current_version, Some(version.number));
    assert_eq!(catalog.versions(&again, None, 10).await.unwrap(), [version]);
}

#[tokio::test]
async fn records_what_was_selected_and_why() {
    let (_directory, path) = place();
    let catalog = open(&path).await;
    let source = add(&catalog).await;
    run(&catalog, &source).await.unwrap();
    run(&catalog, &source).await.unwrap();
    let source = catalog.source(&Scope::All, source.id).await.unwrap();
    let first = VersionNumber::FIRST;
    let source = catalog.select(&source, first, "v2 has \"wrong\" prices").await.unwrap();
    catalog.select(&source, first.next().unwrap(), "they were right").await.unwrap();

    let by_hand = by_hand(&path);
    let mut statement = by_hand
        .prepare("SELECT source_id, from_version, to_version, reason FROM source_selections")
        .unwrap();
    let recorded: Vec<(String, u32, u32, String)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let id = source.id.to_string();
    let expected = [
        (id.clone(), 2, 1, "v2 has \"wrong\" prices".to_owned()),
        (id, 1, 2, "they were right".to_owned()),
    ];
    assert_eq!(recorded, expected);
}

#[tokio::test]
async fn never_gives_a_number_twice_even_when_its_row_is_gone() {
    let (_directory, path) = place();
    let catalog = open(&path).await;
    let source = add(&catalog).await;
    let first = reserve(&catalog, &source).await.unwrap();
    catalog.fail(&first, "no").await.unwrap();
    catalog.remove_version(&first).await.unwrap();
    assert_eq!(reserve(&catalog, &source).await.unwrap().number.get(), 2);
}

#[tokio::test]
async fn takes_the_same_activation_again() {
    let (_directory, path) = place();
    let catalog = open(&path).await;
    let source = add(&catalog).await;
    let version = reserve(&catalog, &source).await.unwrap();
    let query = Some("SELECT 1".to_owned());
    let facts = VersionFacts { extraction_query: query.clone(), ..facts() };
    let first = catalog.activate(&version, &facts).await.unwrap();
    assert_eq!(catalog.activate(&version, &facts).await.unwrap(), first);
    let source = catalog.source(&Scope::All, source.id).await.unwrap();
    assert_eq!(source.extraction_query, query);
}

#[tokio::test]
async fn of_a_selection_and_a_retirement_one_wins() {
    let (_directory, path) = place();
    let catalog = open(&path).await;
    for round in 0..20 {
        let source = add(&catalog).await;
        let first = run(&catalog, &source).await.unwrap();
        run(&catalog, &source).await.unwrap();
        let source = catalog.source(&Scope::All, source.id).await.unwrap();
        let select = catalog.select(&source, first.number, "back");
        let retire = catalog.retire(&first, "old");
        let (selected, retired) = if round % 2 == 0 {
            join(select, retire).await
        } else {
            let (retired, selected) = join(retire, select).await;
            (selected, retired)
        };
        assert_eq!(selected.is_ok(), retired.is_err());
        let now = catalog.source(&Scope::All, source.id).await.unwrap();
        let current = catalog.version(&now, now.current_version.unwrap()).await.unwrap();
        assert_eq!(current.status, VersionStatus::Active);
    }
}

#[tokio::test]
async fn one_failing_call_spoils_no_other() {
    let (_directory, path) = place();
    let catalog = open(&path).await;
    let (source, gone) = (add(&catalog).await, add(&catalog).await);
    catalog.remove_source(&gone).await.unwrap();
    // They wait for the writer together, and share its transaction.
    let calls = (0..60).map(|call| {
        let (catalog, source) = (&catalog, if call % 3 == 1 { &gone } else { &source });
        async move { (call, reserve(catalog, source).await) }
    });
    for (call, result) in join_all(calls).await {
        match result {
            Err(error) if call % 3 == 1 => assert_eq!(error.kind(), ErrorKind::NotFound),
            result => drop(result.unwrap()),
        }
    }
    let versions = catalog.versions(&source, None, 100).await.unwrap();
    let numbers: Vec<u32> = versions.iter().map(|version| version.number.get()).collect();
    assert_eq!(numbers, (1..=40).rev().collect::<Vec<u32>>());
}

#[tokio::test]
async fn waits_for_the_lock_of_another_while_reading_goes_on() {
    let (_directory, path) = place();
    let catalog = open(&path).await;
    let source = add(&catalog).await;
    let other = by_hand(&path);
    other.execute_batch("BEGIN IMMEDIATE; UPDATE sources SET connector_type = 'tsv'").unwrap();
    let mut reserving = Box::pin(reserve(&catalog, &source));
    for _ in 0..100 {
        assert!(poll!(&mut reserving).is_pending());
        let seen = catalog.source(&Scope::All, source.id).await.unwrap();
        assert_eq!(seen.connector_type, "csv");
    }
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(reserving.await.unwrap().number.get(), 1);
    let seen = catalog.source(&Scope::All, source.id).await.unwrap();
    assert_eq!(seen.connector_type, "tsv");
}

#[tokio::test]
async fn work_that_nobody_waits_for_is_done_or_not_but_whole() {
    let (_directory, path) = place();
    let catalog = open(&path).await;
    let source = add(&catalog).await;
    for _ in 0..50 {
        let mut reserving = Box::pin(catalog.reserve(&source, None));
        let _ = poll!(&mut reserving);
        drop(reserving);
    }
    let last = reserve(&catalog, &source).await.unwrap();
    let versions = catalog.versions(&source, None, 100).await.unwrap();
    assert_eq!(versions.len(), last.number.get() as usize);
}

#[tokio::test]
async fn refuses_figures_that_it_cannot_hold() {
    let (_directory, path) = place();
    let catalog = open(&path).await;
    let source = add(&catalog).await;
    let version = reserve(&catalog, &source).await.unwrap();
    for wrong in [
        VersionFacts { rows: u64::MAX, ..facts() },
        VersionFacts { size_bytes: 1 << 63, ..facts() },
        VersionFacts { seconds: f64::NAN, ..facts() },
        VersionFacts { seconds: f64::INFINITY, ..facts() },
    ] {
        let error = catalog.activate(&version, &wrong).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    }
    catalog.check_pending(&version).await.unwrap();
    let largest = VersionFacts { rows: i64::MAX as u64, ..facts() };
    catalog.activate(&version, &largest).await.unwrap();
}

#[tokio::test]
async fn ends_when_there_is_no_number_left() {
    let (_directory, path) = place();
    let catalog = open(&path).await;
    let source = add(&catalog).await;
    by_hand(&path).execute("UPDATE sources SET last_version = 4294967294", []).unwrap();
    let last = reserve(&catalog, &source).await.unwrap();
    assert_eq!(last.number.get(), u32::MAX);
    let error = reserve(&catalog, &source).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    assert_eq!(catalog.versions(&source, None, 9).await.unwrap(), [last]);
}

#[tokio::test]
async fn rows_that_make_no_sense_are_refused_by_name_and_left_out_of_lists() {
    let (_directory, path) = place();
    let catalog = open(&path).await;
    let mut sources = Vec::new();
    for name in ["a", "b", "c", "d"] {
        sources.push(catalog.add_source(&new_source(Some(name))).await.unwrap());
    }
    sources.sort_by_key(|source| source.id);
    let versions = [
        run(&catalog, &sources[0]).await.unwrap(),
        run(&catalog, &sources[0]).await.unwrap(),
        reserve(&catalog, &sources[0]).await.unwrap(),
    ];
    let pending = reserve(&catalog, &sources[1]).await.unwrap();
    let by_hand = by_hand(&path);
    let change = |statement: &str, id: String| {
        assert_eq!(by_hand.execute(statement, [id]).unwrap(), 1);
    };
    change("UPDATE sources SET org_id = '../x' WHERE id = ?1", sources[1].id.to_string());
    change("UPDATE sources SET schema_rule = 'maybe' WHERE id = ?1", sources[2].id.to_string());
    change("UPDATE source_versions SET schema = '{]' WHERE id = ?1", versions[1].id.to_string());
    change("UPDATE source_versions SET created_at = -5 WHERE id = ?1", versions[2].id.to_string());

    for source in &sources[1..3] {
        let name = source.name.as_deref().unwrap();
        for error in [
            catalog.source(&Scope::All, source.id).await.unwrap_err(),
            catalog.source_named(&Scope::All, name).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
            assert!(error.reason.contains(&source.id.to_string()), "{error}");
            assert!(!error.hints().is_empty(), "{error}");
        }
    }
    // Who is no owner of it does not learn that there is such a row.
    let stranger = Scope::Tenant("stranger".parse().unwrap());
    let error = catalog.source(&stranger, sources[1].id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    for version in &versions[1..] {
        let error = catalog.version(&sources[0], version.number).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
        assert!(error.reason.contains(&version.id.to_string()), "{error}");
    }

    // A page is full even when some were left out, so that nobody takes it for the last.
    let page = catalog.sources(&Scope::All, None, 2).await.unwrap();
    assert_eq!(page.iter().map(|it| it.id).collect::<Vec<_>>(), [sources[0].id, sources[3].id]);
    assert_eq!(catalog.versions(&sources[0], None, 9).await.unwrap(), versions[..1]);
    let stale = catalog.stale(SystemTime::now(), 9).await.unwrap();
    assert!(stale.is_empty(), "{stale:?} {pending:?}");
}
