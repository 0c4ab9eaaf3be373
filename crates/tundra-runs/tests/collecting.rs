//! Old versions, and objects that no version stands for.

use std::time::{Duration, SystemTime};

use tundra_core::{Catalog, ErrorKind, VersionStatus};
use tundra_runs::{CollectOptions, SourceRemoval};

use crate::support::{Place, convert, version};

const YES: CollectOptions =
    CollectOptions { keep: 2, min_age: Duration::from_secs(3600), dry_run: false };

async fn five_versions(place: &Place) -> tundra_core::Source {
    let source = place.uploaded("people", "id\n1\n").await;
    for _ in 0..5 {
        convert(&place.runs, &source).await;
    }
    place.again(&source).await
}

#[tokio::test]
async fn the_newest_versions_and_the_current_one_are_kept() {
    let place = Place::new().await;
    let source = five_versions(&place).await;
    let source = place.catalog.select(&source, version(2), "rolled back").await.unwrap();

    let dry = CollectOptions { dry_run: true, ..YES };
    let would = place.runs.collect(&source, dry).await.unwrap();
    let numbers: Vec<u32> = would.versions.iter().map(|it| it.version.get()).collect();
    assert_eq!(numbers, [3, 1]);
    assert!(would.versions.iter().all(|it| it.objects == 4 && it.bytes > 0));
    assert_eq!(place.versions(&source).await.len(), 5, "a dry run removes nothing");
    assert_eq!(place.objects(&source).len(), 20);

    assert_eq!(place.runs.collect(&source, YES).await.unwrap(), would);
    let left: Vec<u32> = place.versions(&source).await.iter().map(|it| it.number.get()).collect();
    assert_eq!(left, [2, 4, 5]);
    assert_eq!(place.objects(&source).len(), 12);
    assert_eq!(place.again(&source).await.current_version, Some(version(2)));
    let again = place.runs.collect(&source, YES).await.unwrap();
    assert!(again.versions.is_empty() && again.leftovers.is_empty());
}

#[tokio::test]
async fn a_collection_that_died_in_the_middle_is_finished_by_the_next() {
    let place = Place::new().await;
    let source = five_versions(&place).await;
    // The row was ended, and then the process died.
    let first = place.catalog.version(&source, version(1)).await.unwrap();
    place.catalog.retire(&first, "removed").await.unwrap();
    let collection = place.runs.collect(&source, YES).await.unwrap();
    assert_eq!(collection.leftovers[0].version, version(1));
    assert_eq!(place.objects(&source).len(), 8);
    assert_eq!(place.versions(&source).await.len(), 2);
}

#[tokio::test]
async fn objects_of_no_row_go_when_they_are_old_enough() {
    let place = Place::new().await;
    let source = five_versions(&place).await;
    let orphan = place.bucket(&source).join(format!("processed/{}/v9", source.id));
    std::fs::create_dir_all(&orphan).unwrap();
    std::fs::write(orphan.join("data.parquet"), "orphan").unwrap();
    let keep_all = CollectOptions { keep: 100, ..YES };
    let young = place.runs.collect(&source, keep_all).await.unwrap();
    assert!(young.leftovers.is_empty(), "a run may be writing it: {young:?}");
    let file = std::fs::File::options().append(true).open(orphan.join("data.parquet")).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(7200)).unwrap();
    let old = place.runs.collect(&source, keep_all).await.unwrap();
    assert_eq!((old.leftovers[0].version, old.leftovers[0].bytes), (version(9), 6));
    assert_eq!(place.objects(&source).len(), 20);
}

#[tokio::test]
async fn a_version_in_use_is_not_collected() {
    let place = Place::new().await;
    let source = five_versions(&place).await;
    place.catalog.reserve(&source, None).await.unwrap();
    place.runs.collect(&source, CollectOptions { keep: 1, ..YES }).await.unwrap();
    let versions = place.versions(&source).await;
    let statuses: Vec<VersionStatus> = versions.iter().map(|it| it.status).collect();
    assert_eq!(statuses, [VersionStatus::Active, VersionStatus::Pending]);
}

#[tokio::test]
async fn a_source_goes_with_or_without_its_data() {
    let place = Place::new().await;
    let source = five_versions(&place).await;
    let gone = place.runs.remove_source(&source, SourceRemoval::Purge).await.unwrap();
    assert_eq!(gone, 20);
    assert_eq!(place.objects(&source), [""; 0]);
    let error = place.catalog.source(&tundra_core::Scope::All, source.id).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);

    let source = place.uploaded("again", "id\n1\n").await;
    convert(&place.runs, &source).await;
    place.runs.remove_source(&source, SourceRemoval::KeepData).await.unwrap();
    assert_eq!(place.objects(&source).len(), 4);
}
