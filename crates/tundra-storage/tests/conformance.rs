//! Every store of this crate runs the suite of the trait.

use std::{num::NonZeroUsize, sync::Arc};

use object_store::{
    ObjectStore, local::LocalFileSystem, memory::InMemory, path::Path, prefix::PrefixStore,
};
use tundra_core::{Storage, testing::storage::run_all};
use tundra_storage::{MemoryStorage, ObjectStoreOptions, ObjectStoreStorage, Upload};

use crate::support::{local, names};

/// The least that S3 takes, so that the suite's objects have several parts.
const PARTS: Upload = Upload::Parts { size: NonZeroUsize::new(5 << 20).unwrap() };

fn over(store: impl ObjectStore, upload: Upload) -> ObjectStoreStorage {
    let options = ObjectStoreOptions { base: "test://store".to_owned(), durable: false, upload };
    ObjectStoreStorage::new(Arc::new(store), options)
}

#[tokio::test]
async fn local_storage_conforms() {
    let (directory, storage) = local();
    run_all(&storage).await;
    // Nothing that the suite gave up is left anywhere.
    for name in names(directory.path()) {
        assert!(name.starts_with("conformance-"), "{name}");
        let below = names(&directory.path().join(name));
        assert!(!below.iter().any(|name| name.ends_with(".tmp")), "{below:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn local_storage_conforms_on_many_threads() {
    let (_directory, storage) = local();
    let storage: Arc<dyn Storage> = Arc::new(storage);
    let suites = [0; 3].map(|_| {
        let storage = Arc::clone(&storage);
        tokio::spawn(async move { run_all(storage.as_ref()).await })
    });
    for suite in suites {
        suite.await.unwrap();
    }
}

#[tokio::test]
async fn memory_storage_conforms() {
    run_all(&MemoryStorage::new()).await;
}

#[tokio::test]
async fn memory_storage_conforms_behind_a_pointer() {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    tokio::spawn(async move { run_all(storage.as_ref()).await }).await.unwrap();
}

#[tokio::test]
async fn an_object_store_conforms_with_whole_objects() {
    run_all(&over(InMemory::new(), Upload::Whole)).await;
}

#[tokio::test]
async fn an_object_store_conforms_with_parts() {
    run_all(&over(InMemory::new(), PARTS)).await;
}

#[tokio::test]
async fn an_embedding_programs_own_store_conforms() {
    let directory = tempfile::tempdir().unwrap();
    let files = LocalFileSystem::new_with_prefix(directory.path()).unwrap();
    run_all(&over(PrefixStore::new(files, Path::from("below/here")), PARTS)).await;
}
