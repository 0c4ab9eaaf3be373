//! Objects that live in the memory of the process and end with it.
//!
//! For tests, and for programs that convert what they hold already.

use std::sync::Arc;

use async_trait::async_trait;
use object_store::memory::InMemory;
use tundra_core::{
    IfExists, ObjectInfo, ObjectPath, ObjectReader, ObjectWriter, Storage, StorageCapabilities,
    StorageError,
};

use crate::store::{ObjectStoreOptions, ObjectStoreStorage, Upload};

/// A store in memory. Clones share their objects.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tundra_core::StorageError> {
/// use tundra_core::{IfExists, Storage};
/// use tundra_storage::MemoryStorage;
///
/// let storage = MemoryStorage::new();
/// let path = "orders.csv".parse().expect("a valid object path");
/// let mut writer = storage.create(&path, IfExists::Fail).await?;
/// writer.write("id\n1\n".into()).await?;
/// writer.publish().await?;
/// assert_eq!(storage.open(&path).await?.read(0..2).await?, "id");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct MemoryStorage(ObjectStoreStorage);

impl MemoryStorage {
    /// Makes an empty store.
    pub fn new() -> Self {
        Self(ObjectStoreStorage::new(
            Arc::new(InMemory::new()),
            ObjectStoreOptions {
                base: "memory:/".to_owned(),
                durable: false,
                upload: Upload::Whole,
            },
        ))
    }
}

impl Default for MemoryStorage {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Storage for MemoryStorage {
    fn capabilities(&self) -> StorageCapabilities {
        self.0.capabilities()
    }

    fn display(&self, path: &ObjectPath) -> String {
        self.0.display(path)
    }

    async fn head(&self, path: &ObjectPath) -> Result<ObjectInfo, StorageError> {
        self.0.head(path).await
    }

    async fn open(&self, path: &ObjectPath) -> Result<Arc<dyn ObjectReader>, StorageError> {
        self.0.open(path).await
    }

    async fn create(
        &self,
        path: &ObjectPath,
        if_exists: IfExists,
    ) -> Result<Box<dyn ObjectWriter>, StorageError> {
        self.0.create(path, if_exists).await
    }

    async fn list(&self, prefix: Option<&ObjectPath>) -> Result<Vec<ObjectInfo>, StorageError> {
        self.0.list(prefix).await
    }

    async fn copy(
        &self,
        from: &ObjectPath,
        to: &ObjectPath,
        if_exists: IfExists,
    ) -> Result<ObjectInfo, StorageError> {
        self.0.copy(from, to, if_exists).await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StorageError> {
        self.0.delete(path).await
    }
}
