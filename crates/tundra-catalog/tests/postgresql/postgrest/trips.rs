//! How often the catalog is asked.

use tundra_core::{Catalog, ErrorKind, IdempotencyKey, Reserved, Scope, SourceId};
use tundra_test_services::{FaultProxy, PostgRest};

use super::{add, behind, catalog, essential, facts, whole};

/// Counts the round trips of one conversion, by a process that knows nothing of the catalog yet.
async fn count(server: &PostgRest, key: Option<&IdempotencyKey>) -> usize {
    let id = add(&catalog(server)).await.id;
    let proxy = FaultProxy::start(&server.endpoint()).unwrap();
    let catalog = behind(&proxy, server);
    let source = catalog.source(&Scope::All, id).await.unwrap();
    let Reserved::New(version) = catalog.reserve(&source, key).await.unwrap() else {
        panic!("it is the first");
    };
    catalog.check_pending(&version).await.unwrap();
    let active = catalog.activate(&version, &facts(7)).await.unwrap();
    assert_eq!(active.facts.unwrap().rows, 7);
    proxy.seen().len()
}

#[tokio::test]
async fn a_conversion_takes_five() {
    let server = whole();
    assert_eq!(count(&server, None).await, 5);
    assert_eq!(count(&server, Some(&"k".parse().unwrap())).await, 5);
}

#[tokio::test]
async fn a_conversion_takes_five_without_our_columns() {
    let server = essential();
    assert_eq!(count(&server, None).await, 5);
    // One more, and only in a process that does not know yet that there is no column for keys.
    assert_eq!(count(&server, Some(&"k".parse().unwrap())).await, 6);
}

#[tokio::test]
async fn a_source_that_is_not_there_takes_one() {
    let server = whole();
    let proxy = FaultProxy::start(&server.endpoint()).unwrap();
    let catalog = behind(&proxy, &server);
    let error = catalog.source(&Scope::All, SourceId::generate()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert_eq!(proxy.seen().len(), 1);
}

#[tokio::test]
async fn a_version_is_never_behind_the_current_one() {
    let server = whole();
    let catalog = catalog(&server);
    let before = add(&catalog).await;
    let Reserved::New(first) = catalog.reserve(&before, None).await.unwrap() else { panic!() };
    let Reserved::New(second) = catalog.reserve(&before, None).await.unwrap() else { panic!() };
    catalog.activate(&second, &facts(2)).await.unwrap();
    catalog.fail(&first, "no").await.unwrap();
    catalog.remove_version(&first).await.unwrap();
    // By what was seen before all that, the next number is 1, and it is free.
    let Reserved::New(third) = catalog.reserve(&before, None).await.unwrap() else { panic!() };
    assert_eq!(third.number.get(), 3);
    catalog.check_pending(&third).await.unwrap();
}
