//! What changed from version to version.

use tundra_core::{Catalog, Classify, ErrorKind, SchemaChange};

use crate::support::{Place, control, convert, run_of, version};

#[tokio::test]
async fn each_version_is_compared_with_the_active_one_before_it() {
    let place = Place::new().await;
    let source = place.uploaded("people", "id,zip\n1,100\n").await;
    convert(&place.runs, &source).await;
    place.upload(&source, "in.csv", "id,zip\n1,2\n3\n4,5,6\n");
    place.runs.convert_file(run_of(&source), &control()).await.unwrap_err();
    place.upload(&source, "in.csv", "id,name\n1,Ann\n");
    convert(&place.runs, &source).await;
    let source = place.again(&source).await;

    let history = place.runs.history(&source, None, 10).await.unwrap();
    let numbers: Vec<u32> = history.iter().map(|it| it.version.number.get()).collect();
    assert_eq!(numbers, [3, 2, 1]);
    assert!(history[0].is_current);
    let changes = history[0].differences.as_ref().unwrap();
    assert_eq!(changes[0].change, SchemaChange::Removed);
    assert_eq!(changes[1].change, SchemaChange::Added);
    assert_eq!(history[1].differences, None, "a failed version has no columns");
    assert_eq!(history[2].differences, None, "there is none before the first");

    // A page knows of what is behind it.
    let page = place.runs.history(&source, None, 2).await.unwrap();
    assert_eq!(page, history[..2]);
}

#[tokio::test]
async fn two_versions_are_compared_in_either_order() {
    let place = Place::new().await;
    let source = place.uploaded("people", "id\n1\n").await;
    convert(&place.runs, &source).await;
    place.upload(&source, "in.csv", "id,more\n1,2\n3,4\n");
    convert(&place.runs, &source).await;
    let there = place.runs.diff(&source, version(1), version(2)).await.unwrap();
    assert_eq!(there.differences[0].change, SchemaChange::Added);
    assert_eq!(there.to.facts.unwrap().rows, 2);
    let back = place.runs.diff(&source, version(2), version(1)).await.unwrap();
    assert_eq!(back.differences[0].change, SchemaChange::Removed);
    let error = place.runs.diff(&source, version(1), version(7)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    place.catalog.reserve(&source, None).await.unwrap();
    let error = place.runs.diff(&source, version(1), version(3)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("pending"), "{error}");
}
