//! Where the objects of catalogued sources are.
//!
//! Start at [`Warehouse`]: it gives the layout's names a store, one bucket for each tenant. No text
//! of a user becomes a part of a name here but ids that were checked.

use std::{path::PathBuf, str::FromStr, sync::Arc};

use bytes::Bytes;
use tundra_core::{
    IfExists, ObjectInfo, ObjectPath, Source, Storage, StorageError, TenantId, VersionNumber,
};
use tundra_storage::{Layout, LocalStorage, Stores};

use crate::{RunError, RunResult};

/// Buckets in one kind of store, or directories below one directory.
#[derive(Debug, Clone)]
pub struct Warehouse {
    stores: Stores,
    layout: Layout,
    root: Root,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Root {
    /// Each tenant has a bucket: what stands before its name.
    Buckets(&'static str),
    /// Each tenant has a directory in this one.
    Directory(PathBuf),
}

/// A text that names no warehouse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no warehouse: {reason}")]
pub struct WarehouseError {
    text: String,
    reason: &'static str,
}

/// Schemes of stores that have buckets.
const SCHEMES: [&str; 4] = ["r2://", "s3://", "gs://", "az://"];

impl FromStr for Root {
    type Err = WarehouseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |reason| WarehouseError { text: text.to_owned(), reason };
        if let Some(scheme) = SCHEMES.into_iter().find(|scheme| text.starts_with(scheme)) {
            if text != scheme {
                return Err(wrong(
                    "the bucket is chosen by the organisation; name only the kind of store, such as \
                     `r2://`",
                ));
            }
            return Ok(Self::Buckets(scheme));
        }
        let path = text.strip_prefix("file://").unwrap_or(text);
        match path {
            "" => Err(wrong("it is empty")),
            _ if path.contains("://") => {
                Err(wrong("it is a directory, or one of `r2://`, `s3://`, `gs://` and `az://`"))
            }
            _ => Ok(Self::Directory(PathBuf::from(path))),
        }
    }
}

impl Warehouse {
    /// Takes what a person wrote: `r2://`, `s3://`, `gs://` or `az://` for buckets in such a store,
    /// which must exist, or a directory, which must exist too. Nobody is asked yet.
    ///
    /// # Errors
    /// Fails when the text is neither.
    pub fn new(text: &str, layout: Layout, stores: Stores) -> Result<Self, WarehouseError> {
        Ok(Self { stores, layout, root: text.parse()? })
    }

    /// Returns the names of objects.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Returns the stores that locations of sources lead to.
    pub fn stores(&self) -> &Stores {
        &self.stores
    }

    /// Returns what all objects are in.
    pub(crate) fn root(&self) -> &Root {
        &self.root
    }

    /// Returns the objects of a tenant.
    ///
    /// # Errors
    /// Fails when the tenant's id makes no name of a bucket, and when the settings do not suffice to
    /// use the store.
    pub(crate) fn of(&self, tenant: &TenantId) -> RunResult<Shelf> {
        let bucket = self.layout.bucket(tenant)?;
        Ok(match &self.root {
            Root::Buckets(scheme) => {
                let (storage, _) = self.stores.below(format!("{scheme}{bucket}/"))?;
                Shelf { storage, directory: None }
            }
            Root::Directory(directory) => {
                let storage = LocalStorage::new(directory)
                    .map_err(RunError::storage("could not find the warehouse"))?;
                Shelf { storage: Arc::new(storage), directory: Some(bucket) }
            }
        })
    }

    /// Asks the store for an answer of any kind, by the bucket of nobody: that there is none, or that it is
    /// not ours to look at, is one.
    ///
    /// # Errors
    /// Fails when the store does not answer or does not know us, and when the directory is not there.
    pub async fn ping(&self) -> RunResult<()> {
        let failed = RunError::storage("could not reach the warehouse");
        if let Root::Directory(directory) = &self.root {
            let (looked_at, location) =
                (directory.clone(), directory.to_string_lossy().into_owned());
            let is_there = tokio::task::spawn_blocking(move || looked_at.is_dir()).await;
            return match is_there {
                Ok(true) => Ok(()),
                _ => Err(failed(StorageError::NotFound { location })),
            };
        }
        let nobody = "tundra-health-check".parse().expect("the name is a constant and an id");
        let shelf = self.of(&nobody)?;
        let nothing = "nothing".parse().expect("the name is a constant and a path");
        match shelf.storage.head(&nothing).await {
            Ok(_)
            | Err(
                StorageError::NotFound { .. }
                | StorageError::NoContainer { .. }
                | StorageError::PermissionDenied { .. },
            ) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    /// Returns the place of a version's data as a person would write it.
    ///
    /// # Errors
    /// As for the tenant's bucket.
    pub fn location(&self, source: &Source, version: VersionNumber) -> RunResult<String> {
        let shelf = self.of(&source.tenant)?;
        let path = shelf.at(&self.layout.processed(&source.tenant, source.id, version)?);
        Ok(shelf.storage.display(&path))
    }
}

/// The objects of one tenant.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    pub(crate) storage: Arc<dyn Storage>,
    /// What stands for the bucket in a directory.
    directory: Option<String>,
}

impl Shelf {
    /// Returns the path in the store of a path in the bucket.
    pub(crate) fn at(&self, path: &ObjectPath) -> ObjectPath {
        match &self.directory {
            None => path.clone(),
            Some(bucket) => {
                format!("{bucket}/{path}").parse().expect("both parts are checked paths")
            }
        }
    }

    /// Returns the path in the bucket of a path in the store.
    pub(crate) fn within(&self, path: &ObjectPath) -> Option<ObjectPath> {
        match &self.directory {
            None => Some(path.clone()),
            Some(bucket) => {
                path.as_str().strip_prefix(bucket.as_str())?.strip_prefix('/')?.parse().ok()
            }
        }
    }

    /// Returns the objects below a path in the bucket; those in the store's own paths.
    pub(crate) async fn list(&self, below: &ObjectPath) -> Result<Vec<ObjectInfo>, StorageError> {
        match self.storage.list(Some(&self.at(below))).await {
            // A directory that nothing needed yet.
            Err(StorageError::NotFound { .. } | StorageError::NoDirectory { .. }) => Ok(Vec::new()),
            found => found,
        }
    }

    /// Reads a whole object of at most `limit` bytes; `None` when it is not there.
    pub(crate) async fn read(
        &self,
        path: &ObjectPath,
        limit: u64,
    ) -> Result<Option<Bytes>, StorageError> {
        let path = self.at(path);
        let object = match self.storage.open(&path).await {
            Ok(object) => object,
            Err(StorageError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let size = object.info().size;
        if size > limit {
            return Err(StorageError::TooLarge { location: self.storage.display(&path), limit });
        }
        object.read(0..size).await.map(Some)
    }

    /// Writes a whole object that is not there yet.
    pub(crate) async fn write(&self, path: &ObjectPath, data: Bytes) -> Result<(), StorageError> {
        let mut writer = self.storage.create(&self.at(path), IfExists::Fail).await?;
        writer.write(data).await?;
        writer.publish().await.map(drop)
    }

    /// Removes everything below paths in the bucket, and returns how many objects that were. What
    /// cannot be removed does not keep the rest.
    pub(crate) async fn remove_below(&self, below: &[ObjectPath]) -> Result<usize, StorageError> {
        let (mut removed, mut failed) = (0, None);
        for prefix in below {
            for object in self.list(prefix).await? {
                match self.storage.delete(&object.path).await {
                    Ok(()) => removed += 1,
                    Err(error) => failed = Some(error),
                }
            }
        }
        failed.map_or(Ok(removed), Err)
    }
}

#[cfg(test)]
mod tests {
    use tundra_storage::StoreSettings;

    use super::*;

    #[test]
    fn a_warehouse_is_a_kind_of_store_or_a_directory() {
        assert_eq!("r2://".parse(), Ok(Root::Buckets("r2://")));
        assert_eq!("data/tundra".parse(), Ok(Root::Directory("data/tundra".into())));
        assert_eq!("file:///data".parse(), Ok(Root::Directory("/data".into())));
        for text in ["", "r2://bucket", "https://example.org", "file://"] {
            let error = text.parse::<Root>().unwrap_err();
            assert!(error.to_string().contains("is no warehouse"), "{error}");
        }
    }

    #[test]
    fn each_tenant_has_a_directory() {
        let stores = Stores::new(StoreSettings::default());
        let warehouse = Warehouse::new("/data", Layout::standard(), stores).unwrap();
        let shelf = warehouse.of(&"acme".parse().unwrap()).unwrap();
        let path: ObjectPath = "raw/x".parse().unwrap();
        assert_eq!(shelf.at(&path).as_str(), "org-acme/raw/x");
        assert_eq!(shelf.within(&shelf.at(&path)), Some(path));
        assert_eq!(shelf.within(&"org-acmeraw/x".parse().unwrap()), None);
    }
}
