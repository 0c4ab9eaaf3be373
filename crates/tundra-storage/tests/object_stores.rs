//! How objects are sent to a store, seen from the store.

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart, memory::InMemory,
    path::Path,
};
use tokio::sync::Notify;
use tundra_core::{IfExists, Storage, StorageError};
use tundra_storage::{ObjectStoreOptions, ObjectStoreStorage, Upload};

use crate::support::{begin, error, get, path, put};

const PART: usize = 1000;

/// A store in memory that counts what is asked of it, and refuses one part if told so.
#[derive(Debug, Default)]
struct Watched {
    store: InMemory,
    seen: Arc<Seen>,
    refused_part: Option<usize>,
}

#[derive(Debug, Default)]
struct Seen {
    puts: AtomicUsize,
    parts: Mutex<Vec<usize>>,
    completed: AtomicUsize,
    aborted: AtomicUsize,
    abort: Notify,
}

#[derive(Debug)]
struct WatchedUpload {
    upload: Box<dyn MultipartUpload>,
    seen: Arc<Seen>,
    refused_part: Option<usize>,
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Watched {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.seen.puts.fetch_add(1, Ordering::Relaxed);
        self.store.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(WatchedUpload {
            upload: self.store.put_multipart_opts(location, options).await?,
            seen: Arc::clone(&self.seen),
            refused_part: self.refused_part,
        }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.store.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.store.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}

#[async_trait]
impl MultipartUpload for WatchedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let number = {
            let mut parts = self.seen.parts.lock().unwrap();
            parts.push(data.content_length());
            parts.len()
        };
        if self.refused_part == Some(number) {
            return Box::pin(async {
                Err(object_store::Error::Generic {
                    store: "Watched",
                    source: std::io::Error::from(std::io::ErrorKind::StorageFull).into(),
                })
            });
        }
        self.upload.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.seen.completed.fetch_add(1, Ordering::Relaxed);
        self.upload.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        self.seen.aborted.fetch_add(1, Ordering::Relaxed);
        self.seen.abort.notify_one();
        self.upload.abort().await
    }
}

impl Seen {
    fn parts(&self) -> Vec<usize> {
        self.parts.lock().unwrap().clone()
    }

    async fn wait_for_abort(&self) {
        let limit = Duration::from_secs(30);
        tokio::time::timeout(limit, self.abort.notified()).await.expect("no upload was aborted");
    }

    fn counts(&self) -> [usize; 3] {
        [&self.puts, &self.completed, &self.aborted].map(|count| count.load(Ordering::Relaxed))
    }
}

fn watched(refused_part: Option<usize>) -> (Arc<Seen>, ObjectStoreStorage) {
    let store = Watched { refused_part, ..Watched::default() };
    let seen = Arc::clone(&store.seen);
    let options = ObjectStoreOptions {
        base: "watched://bucket".to_owned(),
        durable: false,
        upload: Upload::Parts { size: NonZeroUsize::new(PART).unwrap() },
    };
    (seen, ObjectStoreStorage::new(Arc::new(store), options))
}

#[tokio::test]
async fn parts_have_one_size_but_the_last() {
    for (written, sent) in [
        (vec![2500], vec![1000, 1000, 500]),
        (vec![1, 999, 1], vec![1000, 1]),
        (vec![300; 10], vec![1000, 1000, 1000]),
        (vec![0, 1000, 0, 1000, 1], vec![1000, 1000, 1]),
    ] {
        let (seen, storage) = watched(None);
        let mut writer = storage.create(&path("a.bin"), IfExists::Fail).await.unwrap();
        let mut expected = Vec::new();
        for (number, size) in (1_u8..).zip(&written) {
            let data = vec![number; *size];
            expected.extend_from_slice(&data);
            writer.write(data.into()).await.unwrap();
        }
        writer.publish().await.unwrap();
        assert_eq!(seen.parts(), sent, "{written:?}");
        assert_eq!(seen.counts(), [0, 1, 0]);
        assert_eq!(get(&storage, "a.bin").await.unwrap(), expected);
    }
}

#[tokio::test]
async fn more_than_ten_thousand_parts_are_refused_before_they_are_sent() {
    const MOST: usize = 10_000 * PART;
    let (seen, storage) = watched(None);
    let mut writer = begin(&storage, "a.bin", IfExists::Fail, vec![1; MOST]).await.unwrap();
    let error = error(writer.write("x".into()).await);
    assert!(
        matches!(&error, StorageError::TooLarge { limit, .. } if *limit == MOST as u64),
        "{error:?}"
    );
    assert!(seen.parts().len() < 10_000);
    drop(writer);
    seen.wait_for_abort().await;

    // That many and no more is an object.
    let (seen, storage) = watched(None);
    put(&storage, "a.bin", IfExists::Fail, vec![1; MOST]).await.unwrap();
    assert_eq!(seen.parts().len(), 10_000);
}

#[tokio::test]
async fn what_fits_into_one_part_is_put_at_once() {
    for size in [0, 1, PART] {
        let (seen, storage) = watched(None);
        put(&storage, "a.bin", IfExists::Fail, vec![1; size]).await.unwrap();
        assert!(seen.parts().is_empty());
        assert_eq!(seen.counts(), [1, 0, 0]);
    }
}

#[tokio::test]
async fn a_refused_part_fails_the_object_and_ends_the_upload() {
    for refused in [1, 2, 9] {
        let (seen, storage) = watched(Some(refused));
        let mut writer = storage.create(&path("a.bin"), IfExists::Fail).await.unwrap();
        let mut failed = None;
        for _ in 0..9 {
            if let Err(error) = writer.write(vec![1; PART].into()).await {
                failed = Some(error);
            }
        }
        let published = error(writer.publish().await);
        let failed = failed.unwrap_or(published);
        assert!(
            matches!(failed, StorageError::NoSpace { .. } | StorageError::Other { .. }),
            "{failed:?}"
        );
        seen.wait_for_abort().await;
        assert_eq!(seen.counts(), [0, 0, 1]);
        assert!(storage.list(None).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_upload_that_is_given_up_is_aborted() {
    let (seen, storage) = watched(None);
    let writer = begin(&storage, "a.bin", IfExists::Fail, vec![1; 3 * PART]).await.unwrap();
    writer.abort().await.unwrap();
    assert_eq!(seen.counts(), [0, 0, 1]);

    let (seen, storage) = watched(None);
    drop(begin(&storage, "a.bin", IfExists::Fail, vec![1; 3 * PART]).await.unwrap());
    seen.wait_for_abort().await;
    assert_eq!(seen.counts(), [0, 0, 1]);

    let (seen, storage) = watched(None);
    drop(begin(&storage, "a.bin", IfExists::Fail, vec![1; PART]).await.unwrap());
    assert_eq!(seen.counts(), [0, 0, 0]);
    assert!(storage.list(None).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_name_that_was_taken_meanwhile_ends_the_upload() {
    let (seen, storage) = watched(None);
    let writer = begin(&storage, "a.bin", IfExists::Fail, vec![1; 3 * PART]).await.unwrap();
    put(&storage, "a.bin", IfExists::Fail, "theirs").await.unwrap();
    let error = error(writer.publish().await);
    assert!(matches!(error, StorageError::AlreadyExists { .. }), "{error:?}");
    assert_eq!(seen.counts(), [1, 0, 1]);
    assert_eq!(get(&storage, "a.bin").await.unwrap(), "theirs");
}

#[tokio::test]
async fn what_was_sent_is_not_read_back_but_said_to_be_gone() {
    let (_seen, storage) = watched(None);
    let mut writer = begin(&storage, "a.bin", IfExists::Fail, vec![1; 3500]).await.unwrap();
    let window = storage.capabilities().read_back_window.unwrap();
    assert_eq!(window, PART as u64);
    writer.read_back(3500 - window..3500).await.unwrap();
    let error = error(writer.read_back(0..10).await);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "the byte 0 was sent already, and only the last 1500 of 3500 are still here");
}
