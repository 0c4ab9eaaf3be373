//! Archiving uploads.

use futures::future::join;
use tundra_core::{IfExists, ObjectInfo, SourceId, Storage, StorageError, TenantId, VersionNumber};
use tundra_storage::{Archive, Archived, Layout, MemoryStorage, UploadFate, archive};

use crate::support::{error, get, local, path, put};

const MANIFEST: &str = "{\"rows\": 1}";

struct Places {
    upload: String,
    raw: String,
    manifest: String,
}

fn places() -> Places {
    let layout = Layout::standard();
    let org: TenantId = "acme".parse().unwrap();
    let source: SourceId = "0f8fad5b-d9cb-469f-a165-70867728950e".parse().unwrap();
    let raw = layout.raw(&org, source, VersionNumber::FIRST, "csv").unwrap();
    Places {
        upload: layout.upload(&org, source, "sales.csv").unwrap().to_string(),
        manifest: Layout::manifest(&raw).to_string(),
        raw: raw.to_string(),
    }
}

async fn run(
    storage: &dyn Storage,
    upload: &ObjectInfo,
    fate: UploadFate,
) -> Result<Archived, StorageError> {
    let raw = path(&places().raw);
    archive(storage, Archive { upload, raw: &raw, manifest: MANIFEST.into(), fate }).await
}

async fn upload(storage: &dyn Storage, text: &'static str) -> ObjectInfo {
    put(storage, &places().upload, IfExists::Replace, text).await.unwrap();
    storage.head(&path(&places().upload)).await.unwrap()
}

async fn listed(storage: &dyn Storage) -> Vec<String> {
    let found = storage.list(None).await.unwrap();
    found.into_iter().map(|info| info.path.to_string()).collect()
}

/// Runs a test on every store that is here.
async fn on_every_store(test: impl AsyncFn(&dyn Storage)) {
    let (_directory, storage) = local();
    test(&storage).await;
    test(&MemoryStorage::new()).await;
}

#[tokio::test]
async fn an_upload_is_copied_and_its_manifest_written() {
    on_every_store(async |storage| {
        let places = places();
        let info = upload(storage, "id\n1\n").await;
        let done = run(storage, &info, UploadFate::Keep).await.unwrap();
        assert_eq!(done.object.path.as_str(), places.raw);
        assert_eq!((done.object.size, done.was_complete, done.upload_removed), (5, false, false));
        assert_eq!(get(storage, &places.raw).await.unwrap(), "id\n1\n");
        assert_eq!(get(storage, &places.manifest).await.unwrap(), MANIFEST);
        assert_eq!(listed(storage).await, [places.manifest, places.raw, places.upload]);
    })
    .await;
}

#[tokio::test]
async fn it_may_be_run_again() {
    on_every_store(async |storage| {
        let places = places();
        let info = upload(storage, "id\n1\n").await;
        run(storage, &info, UploadFate::Keep).await.unwrap();
        let again = run(storage, &info, UploadFate::Keep).await.unwrap();
        assert!(again.was_complete && !again.upload_removed);
        let removed = run(storage, &info, UploadFate::Remove).await.unwrap();
        assert!(removed.was_complete && removed.upload_removed);
        let once_more = run(storage, &info, UploadFate::Remove).await.unwrap();
        assert!(once_more.was_complete && once_more.upload_removed);
        assert_eq!(once_more.object.size, 5);
        assert_eq!(listed(storage).await, [places.manifest, places.raw]);
    })
    .await;
}

#[tokio::test]
async fn an_archive_without_a_manifest_is_made_anew() {
    on_every_store(async |storage| {
        let places = places();
        let info = upload(storage, "id\n1\n").await;
        // What a run left that was killed between the copy and the manifest, of another upload.
        put(storage, &places.raw, IfExists::Fail, "id\n9\n").await.unwrap();
        let done = run(storage, &info, UploadFate::Remove).await.unwrap();
        assert!(!done.was_complete && done.upload_removed);
        assert_eq!(get(storage, &places.raw).await.unwrap(), "id\n1\n");
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_was_replaced_is_neither_archived_nor_removed() {
    on_every_store(async |storage| {
        let places = places();
        let converted = upload(storage, "id\n1\n").await;
        upload(storage, "id\n22\n").await;
        let failed = error(run(storage, &converted, UploadFate::Remove).await);
        assert!(matches!(failed, StorageError::Changed { .. }), "{failed:?}");
        assert_eq!(listed(storage).await, [places.upload.as_str()]);

        // Replaced after it was archived: the new one is not the one to be removed.
        let converted = upload(storage, "id\n1\n").await;
        run(storage, &converted, UploadFate::Keep).await.unwrap();
        upload(storage, "id\n22\n").await;
        let done = run(storage, &converted, UploadFate::Remove).await.unwrap();
        assert!(done.was_complete && !done.upload_removed);
        assert_eq!(get(storage, &places.upload).await.unwrap(), "id\n22\n");
        assert_eq!(get(storage, &places.raw).await.unwrap(), "id\n1\n");
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_is_gone_is_not_found() {
    on_every_store(async |storage| {
        let info = upload(storage, "id\n1\n").await;
        storage.delete(&info.path).await.unwrap();
        let failed = error(run(storage, &info, UploadFate::Remove).await);
        assert!(matches!(failed, StorageError::NotFound { .. }), "{failed:?}");
        assert!(listed(storage).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn two_at_once_leave_one_archive() {
    on_every_store(async |storage| {
        let places = places();
        let info = upload(storage, "id\n1\n").await;
        let (one, other) =
            join(run(storage, &info, UploadFate::Keep), run(storage, &info, UploadFate::Keep))
                .await;
        one.unwrap();
        other.unwrap();
        assert_eq!(get(storage, &places.raw).await.unwrap(), "id\n1\n");
        assert_eq!(get(storage, &places.manifest).await.unwrap(), MANIFEST);
    })
    .await;
}
