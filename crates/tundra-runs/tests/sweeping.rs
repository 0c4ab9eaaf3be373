//! What dead runs left pending.

use std::time::Duration;

use tundra_core::{Catalog, Reserved, VersionStatus};

use crate::support::{Place, convert};

#[tokio::test]
async fn only_what_has_been_pending_for_too_long_is_swept() {
    let place = Place::new().await;
    let source = place.uploaded("people", "id\n1\n").await;
    convert(&place.runs, &source).await;
    let Reserved::New(pending) = place.catalog.reserve(&source, None).await.unwrap() else {
        panic!("no new version")
    };
    // What a run wrote that died before it could say anything.
    let v2 = place.bucket(&source).join(format!("processed/{}/v2", source.id));
    std::fs::create_dir_all(&v2).unwrap();
    std::fs::write(v2.join("data.parquet"), "half").unwrap();

    let sweep = place.runs.sweep(Duration::from_secs(3600)).await.unwrap();
    assert!(sweep.swept.is_empty());
    assert_eq!(place.versions(&source).await[1], pending);

    let sweep = place.runs.sweep(Duration::ZERO).await.unwrap();
    assert_eq!(sweep.swept.len(), 1);
    assert_eq!((sweep.swept[0].version, sweep.swept[0].objects), (pending.number, 1));
    let versions = place.versions(&source).await;
    assert_eq!(versions[0].status, VersionStatus::Active);
    assert_eq!(versions[1].status, VersionStatus::Error);
    assert!(versions[1].error_message.as_deref().unwrap().contains("swept"));
    assert!(!place.objects(&source).iter().any(|it| it.contains("/v2/")));
    assert!(place.runs.sweep(Duration::ZERO).await.unwrap().swept.is_empty());
}

#[tokio::test]
async fn more_versions_than_are_asked_for_at_once_are_swept() {
    let place = Place::new().await;
    let source = place.uploaded("people", "id\n1\n").await;
    for _ in 0..230 {
        place.catalog.reserve(&source, None).await.unwrap();
    }
    let sweep = place.runs.sweep(Duration::ZERO).await.unwrap();
    assert_eq!((sweep.swept.len(), sweep.failed), (230, 0));
}

#[tokio::test]
async fn objects_that_cannot_be_removed_are_told_and_keep_nobody() {
    let place = Place::new().await;
    let (one, other) =
        (place.uploaded("one", "id\n1\n").await, place.uploaded("other", "id\n1\n").await);
    for source in [&one, &other] {
        place.catalog.reserve(source, None).await.unwrap();
        let v1 = place.bucket(source).join(format!("processed/{}/v1", source.id));
        std::fs::create_dir_all(&v1).unwrap();
        // A directory in the place of an object cannot be removed as one.
        std::fs::write(v1.join("data.parquet"), "half").unwrap();
    }
    // Another file system object where the directory of the first source should be.
    let blocked = place.bucket(&one).join(format!("raw/{}", one.id));
    std::fs::create_dir_all(blocked.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink("/nowhere/at/all", &blocked).unwrap();
    let sweep = place.runs.sweep(Duration::ZERO).await.unwrap();
    assert_eq!(sweep.swept.len() + sweep.failed, 2);
    assert_eq!(place.versions(&other).await[0].status, VersionStatus::Error);
    assert_eq!(place.objects(&other), [""; 0]);
}

#[tokio::test]
async fn what_goes_stale_later_is_swept_later() {
    let place = Place::new().await;
    let source = place.uploaded("people", "id\n1\n").await;
    let runs = place.runs.clone();
    let sweeper = tokio::spawn(async move {
        runs.sweep_forever(Duration::from_millis(1), Duration::from_millis(1)).await
    });
    for number in 1..=3 {
        place.catalog.reserve(&source, None).await.unwrap();
        let is_swept = async || {
            let versions = place.versions(&source).await;
            versions.len() == number && versions.iter().all(|it| it.status == VersionStatus::Error)
        };
        while !is_swept().await {
            tokio::task::yield_now().await;
        }
    }
    sweeper.abort();
}
