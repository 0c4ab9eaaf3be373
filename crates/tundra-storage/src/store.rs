//! Objects in anything that implements [`ObjectStore`].
//!
//! Start at [`ObjectStoreStorage`]. It adds what the trait of `object_store` does not promise: a
//! version that is pinned, parts of one size, and an upload that is aborted when it is given up. It
//! knows no credentials and no addresses, and it does not retry: the stores do that themselves.

mod abilities;
mod copy;
mod reader;
mod writer;

use std::{
    fmt,
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use async_trait::async_trait;
use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, path::Path};
use tundra_core::{
    IfExists, ObjectInfo, ObjectPath, ObjectReader, ObjectWriter, Storage, StorageCapabilities,
    StorageError,
};

pub(crate) use self::abilities::Abilities;
pub use self::writer::uploads_aborted;
use self::{reader::StoreReader, writer::StoreWriter};
use crate::error::Operation;

/// How an [`ObjectStoreStorage`] uses its store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectStoreOptions {
    /// What stands before `/` and the path where a place is shown, such as `s3://bucket`. Without
    /// credentials: it appears in messages, logs and receipts.
    pub base: String,
    /// Objects survive the process.
    pub durable: bool,
    /// How objects are sent.
    pub upload: Upload,
}

/// How objects are sent to a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upload {
    /// In one piece at publishing. The whole object is held in memory until then. With
    /// [`IfExists::Fail`] the store itself refuses to replace.
    Whole,
    /// In parts of `size` bytes while they are written, the last one smaller; in one piece when it
    /// fits into one part. With [`IfExists::Fail`] an object in parts is published after a look
    /// whether the name is still free, because the multipart upload of `object_store` has no such
    /// condition; the stores that [`crate::Stores`] makes send it where the provider knows it.
    Parts {
        /// The size of a part. Stores want at least 5 MiB. There are at most 10,000 parts: more than
        /// that many times the size is [`StorageError::TooLarge`].
        size: NonZeroUsize,
    },
}

/// Objects in an [`ObjectStore`].
///
/// - **Publishing** is the store's own: a put, or the completion of a multipart upload.
/// - **Pinning** is by the object's tag, or by its time of modification where the store gives no
///   tag. A replaced object is [`StorageError::Changed`].
/// - **Dropping** a writer aborts its upload in the background. What a killed process leaves are
///   parts that nobody sees, for the store's lifecycle rules to remove.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use object_store::memory::InMemory;
/// use tundra_core::Storage;
/// use tundra_storage::{ObjectStoreOptions, ObjectStoreStorage, Upload};
///
/// let storage = ObjectStoreStorage::new(
///     Arc::new(InMemory::new()),
///     ObjectStoreOptions {
///         base: "mine://objects".to_owned(),
///         durable: false,
///         upload: Upload::Whole,
///     },
/// );
/// let path = "a/b.csv".parse().expect("a valid object path");
/// assert_eq!(storage.display(&path), "mine://objects/a/b.csv");
/// ```
#[derive(Clone)]
pub struct ObjectStoreStorage {
    store: Arc<dyn ObjectStore>,
    options: Arc<ObjectStoreOptions>,
    abilities: Arc<Abilities>,
}

/// One object's place in its store.
#[derive(Clone)]
struct Place {
    store: Arc<dyn ObjectStore>,
    abilities: Arc<Abilities>,
    path: ObjectPath,
    key: Path,
    shown: String,
}

impl ObjectStoreStorage {
    /// Makes a [`Storage`] of an object store.
    pub fn new(store: Arc<dyn ObjectStore>, options: ObjectStoreOptions) -> Self {
        let abilities = match options.upload {
            Upload::Whole => Abilities { atomic_create: true, ..Abilities::unknown() },
            Upload::Parts { .. } => Abilities::unknown(),
        };
        Self::with_abilities(store, options, abilities)
    }

    /// Makes a [`Storage`] of a store of which more is known than the trait of `object_store` says.
    pub(crate) fn with_abilities(
        store: Arc<dyn ObjectStore>,
        options: ObjectStoreOptions,
        abilities: Abilities,
    ) -> Self {
        Self { store, options: Arc::new(options), abilities: Arc::new(abilities) }
    }

    fn place(&self, path: &ObjectPath) -> Result<Place, StorageError> {
        let shown = self.display(path);
        let key = key(path, &shown)?;
        if self.abilities.folds_backslash && path.as_str().contains('\\') {
            return Err(StorageError::InvalidName {
                location: shown,
                source: "the store takes `\\` for `/`".into(),
            });
        }
        Ok(Place {
            store: Arc::clone(&self.store),
            abilities: Arc::clone(&self.abilities),
            path: path.clone(),
            key,
            shown,
        })
    }
}

#[async_trait]
impl Storage for ObjectStoreStorage {
    fn capabilities(&self) -> StorageCapabilities {
        StorageCapabilities {
            atomic_create: self.abilities.atomic_create,
            durable: self.options.durable,
            read_back_window: match self.options.upload {
                Upload::Whole => None,
                Upload::Parts { size } => Some(size.get() as u64),
            },
        }
    }

    fn display(&self, path: &ObjectPath) -> String {
        format!("{}/{path}", self.options.base)
    }

    async fn head(&self, path: &ObjectPath) -> Result<ObjectInfo, StorageError> {
        self.place(path)?.info().await
    }

    async fn open(&self, path: &ObjectPath) -> Result<Arc<dyn ObjectReader>, StorageError> {
        let place = self.place(path)?;
        let meta = place.head().await?;
        Ok(Arc::new(StoreReader::new(place, meta)))
    }

    async fn create(
        &self,
        path: &ObjectPath,
        if_exists: IfExists,
    ) -> Result<Box<dyn ObjectWriter>, StorageError> {
        let place = self.place(path)?;
        if if_exists == IfExists::Fail {
            place.check_free().await?;
        }
        let part_size = match self.options.upload {
            Upload::Whole => usize::MAX,
            Upload::Parts { size } => size.get(),
        };
        Ok(Box::new(StoreWriter::new(place, if_exists, part_size)))
    }

    async fn list(&self, prefix: Option<&ObjectPath>) -> Result<Vec<ObjectInfo>, StorageError> {
        let shown = prefix.map_or_else(|| self.options.base.clone(), |prefix| self.display(prefix));
        let prefix = prefix.map(|prefix| key(prefix, &shown)).transpose()?;
        let mut entries = self.store.list(prefix.as_ref());
        let mut found = Vec::new();
        while let Some(meta) =
            entries.try_next().await.map_err(|error| Operation::List.store_failed(&shown, error))?
        {
            match meta.location.as_ref().parse::<ObjectPath>() {
                Ok(path) => found.push(info(path, &meta)),
                Err(error) => {
                    tracing::warn!(%error, "left out an object without a usable name");
                }
            }
        }
        found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    async fn copy(
        &self,
        from: &ObjectPath,
        to: &ObjectPath,
        if_exists: IfExists,
    ) -> Result<ObjectInfo, StorageError> {
        copy::copy(self, from, to, if_exists).await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StorageError> {
        let place = self.place(path)?;
        let deleted = place.store.delete(&place.key).await;
        match deleted.map_err(|error| Operation::Delete.store_failed(&place.shown, error)) {
            Err(StorageError::NotFound { .. }) => Ok(()),
            result => result,
        }
    }
}

impl Place {
    async fn head(&self) -> Result<ObjectMeta, StorageError> {
        self.head_for(Operation::Read).await
    }

    /// Looks at what is there now.
    async fn head_for(&self, operation: Operation) -> Result<ObjectMeta, StorageError> {
        let error = match self.store.head(&self.key).await {
            Ok(meta) => return Ok(meta),
            Err(error) => error,
        };
        let error = self.abilities.explain(&self.store, &self.key, error).await;
        Err(operation.store_failed(&self.shown, error))
    }

    async fn info(&self) -> Result<ObjectInfo, StorageError> {
        Ok(info(self.path.clone(), &self.head().await?))
    }

    /// Fails when there is an object of this name now.
    async fn check_free(&self) -> Result<(), StorageError> {
        match self.head_for(Operation::Write).await {
            Ok(_) => Err(StorageError::AlreadyExists { location: self.shown.clone() }),
            Err(StorageError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

// A store shows its settings in `Debug`, and not every credential hides itself there.
impl fmt::Debug for ObjectStoreStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectStoreStorage").field("options", &self.options).finish_non_exhaustive()
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Place").field(&self.shown).finish()
    }
}

/// Returns the path as `object_store` has it, with every character as it is.
fn key(path: &ObjectPath, shown: &str) -> Result<Path, StorageError> {
    Path::parse(path.as_str()).map_err(|error| StorageError::InvalidName {
        location: shown.to_owned(),
        source: error.into(),
    })
}

fn info(path: ObjectPath, meta: &ObjectMeta) -> ObjectInfo {
    // What a store lists and what it says of one object differ in form: Azure and Google list tags
    // without their quotes, and S3 lists times more exactly than a header of HTTP can be.
    let etag = meta.e_tag.as_ref().map(|tag| match tag.ends_with('"') {
        true => tag.clone(),
        false => format!("\"{tag}\""),
    });
    let seconds = u64::try_from(meta.last_modified.timestamp()).unwrap_or_default();
    let modified = Some(UNIX_EPOCH + Duration::from_secs(seconds));
    ObjectInfo { path, size: meta.size, etag, modified }
}
