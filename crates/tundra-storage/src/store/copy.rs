//! Copying an object within its store.

use object_store::{CopyMode, CopyOptions, Error};
use tundra_core::{IfExists, ObjectInfo, ObjectPath, StorageError, copy_through};

use super::ObjectStoreStorage;
use crate::error::Operation;

/// Makes `to` an object of the same bytes as `from`: by the store itself, and through this process
/// where it cannot do that.
pub(super) async fn copy(
    storage: &ObjectStoreStorage,
    from: &ObjectPath,
    to: &ObjectPath,
    if_exists: IfExists,
) -> Result<ObjectInfo, StorageError> {
    let source = storage.place(from)?;
    let target = storage.place(to)?;
    let original = source.info().await?;
    if if_exists == IfExists::Fail {
        target.check_free().await?;
    } else if from == to {
        // Stores refuse what would change nothing.
        return Ok(original);
    }
    if original.size > storage.abilities.largest_copy {
        return copy_through(storage, from, to, if_exists).await;
    }
    let mode = match if_exists {
        IfExists::Fail if storage.abilities.copies_create => CopyMode::Create,
        _ => CopyMode::Overwrite,
    };
    let options = CopyOptions::new().with_mode(mode);
    match source.store.copy_opts(&source.key, &target.key, options).await {
        Ok(()) => {}
        Err(Error::NotSupported { .. } | Error::NotImplemented { .. }) => {
            return copy_through(storage, from, to, if_exists).await;
        }
        Err(error) => {
            return Err(match Operation::Copy.store_failed(&target.shown, error) {
                // The bucket is there: it is the object that went away meanwhile.
                StorageError::NotFound { .. } => StorageError::NotFound { location: source.shown },
                error => error,
            });
        }
    }
    let copied = target.info().await?;
    if copied.size != original.size {
        let reason = format!("the copy has {} bytes, not {}", copied.size, original.size);
        return Err(Operation::Copy.failed(&target.shown, reason));
    }
    Ok(copied)
}
