//! Keeping an upload for good, once what was made of it is proven.
//!
//! Start at [`archive`]. The manifest is written last: where it is, the archive is complete.

use bytes::Bytes;
use tundra_core::{IfExists, ObjectInfo, ObjectPath, Storage, StorageError};

use crate::layout::Layout;

/// An upload to be archived.
#[derive(Debug, Clone)]
pub struct Archive<'a> {
    /// The upload as it was when it was converted: its path, size and tag.
    pub upload: &'a ObjectInfo,
    /// Where it goes; see [`Layout::raw`].
    pub raw: &'a ObjectPath,
    /// What the manifest beside it says.
    pub manifest: Bytes,
    /// What becomes of the upload.
    pub fate: UploadFate,
}

/// What becomes of an upload that was archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadFate {
    /// It stays.
    Keep,
    /// It is removed, unless it is no longer the one that was archived.
    Remove,
}

/// What [`archive`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// The archived object.
    pub object: ObjectInfo,
    /// It had been archived already.
    pub was_complete: bool,
    /// The upload is not there any more.
    pub upload_removed: bool,
}

/// Copies an upload to its archive, writes the manifest beside it, and removes the upload if told
/// so. Call it only when the conversion of the upload is verified.
///
/// It may be called again, after a crash as well as after success: an archive with a manifest stays
/// as it is, one without is made anew.
///
/// # Errors
/// [`StorageError::Changed`] when the upload is no longer the one that was converted. The upload is
/// not removed on any error.
pub async fn archive(
    storage: &dyn Storage,
    archive: Archive<'_>,
) -> Result<Archived, StorageError> {
    let Archive { upload, raw, manifest, fate } = archive;
    let manifest_path = Layout::manifest(raw);
    let was_complete = found(storage.head(&manifest_path).await)?.is_some();
    let object = if was_complete {
        storage.head(raw).await?
    } else {
        let object = copy(storage, upload, raw).await?;
        write(storage, &manifest_path, manifest).await?;
        object
    };
    let upload_removed = match fate {
        UploadFate::Keep => false,
        UploadFate::Remove => remove(storage, upload, &object).await?,
    };
    Ok(Archived { object, was_complete, upload_removed })
}

/// Copies the upload if it is still the one that was converted, before the copy and after it.
async fn copy(
    storage: &dyn Storage,
    upload: &ObjectInfo,
    raw: &ObjectPath,
) -> Result<ObjectInfo, StorageError> {
    check_same(storage, upload).await?;
    // What is there without a manifest is from a run that did not finish.
    storage.copy(&upload.path, raw, IfExists::Replace).await?;
    let copied = storage.head(raw).await?;
    let same = if copied.size == upload.size {
        check_same(storage, upload).await
    } else {
        Err(StorageError::Changed { location: storage.display(&upload.path) })
    };
    match same {
        Ok(()) => Ok(copied),
        Err(error) => {
            // Nobody takes it for an archive without its manifest; it only takes room.
            if let Err(left) = storage.delete(raw).await {
                tracing::warn!(error = %left, "could not remove an archive that was given up");
            }
            Err(error)
        }
    }
}

async fn check_same(storage: &dyn Storage, upload: &ObjectInfo) -> Result<(), StorageError> {
    let now = storage.head(&upload.path).await?;
    if is_same(upload, &now) {
        Ok(())
    } else {
        Err(StorageError::Changed { location: storage.display(&upload.path) })
    }
}

/// Returns whether both are of one version of an object, as far as both tell.
fn is_same(one: &ObjectInfo, other: &ObjectInfo) -> bool {
    let same = match (&one.etag, &other.etag) {
        (Some(one), Some(other)) => one == other,
        _ => match (one.modified, other.modified) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        },
    };
    same && one.size == other.size
}

async fn write(storage: &dyn Storage, path: &ObjectPath, text: Bytes) -> Result<(), StorageError> {
    let written = async {
        let mut writer = storage.create(path, IfExists::Fail).await?;
        writer.write(text).await?;
        writer.publish().await
    };
    match written.await {
        // Somebody archived the same version at the same time, and it is complete.
        Err(StorageError::AlreadyExists { .. }) => Ok(()),
        result => result.map(drop),
    }
}

/// Removes the upload if it is the one that was archived, and returns whether it is gone.
async fn remove(
    storage: &dyn Storage,
    upload: &ObjectInfo,
    archived: &ObjectInfo,
) -> Result<bool, StorageError> {
    match found(storage.head(&upload.path).await)? {
        None => Ok(true),
        Some(now) if is_same(upload, &now) && archived.size == upload.size => {
            storage.delete(&upload.path).await?;
            Ok(true)
        }
        Some(_) => {
            tracing::warn!(
                location = storage.display(&upload.path),
                "kept an upload that is no longer the one that was archived"
            );
            Ok(false)
        }
    }
}

fn found(head: Result<ObjectInfo, StorageError>) -> Result<Option<ObjectInfo>, StorageError> {
    match head {
        Ok(info) => Ok(Some(info)),
        Err(StorageError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
