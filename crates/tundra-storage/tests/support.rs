//! Short forms of what most tests here do.

use std::{fs, path::Path};

use bytes::Bytes;
use tempfile::TempDir;
use tundra_core::{IfExists, ObjectInfo, ObjectPath, ObjectWriter, Storage, StorageError};
use tundra_storage::LocalStorage;

/// A store in a directory that goes with the returned handle.
pub(crate) fn local() -> (TempDir, LocalStorage) {
    let directory = tempfile::tempdir().unwrap();
    let storage = LocalStorage::new(directory.path()).unwrap();
    (directory, storage)
}

pub(crate) fn path(text: &str) -> ObjectPath {
    text.parse().unwrap()
}

/// Begins an object and writes `data`.
pub(crate) async fn begin(
    storage: &dyn Storage,
    name: &str,
    if_exists: IfExists,
    data: impl Into<Bytes>,
) -> Result<Box<dyn ObjectWriter>, StorageError> {
    let mut writer = storage.create(&path(name), if_exists).await?;
    writer.write(data.into()).await?;
    Ok(writer)
}

/// Writes and publishes an object.
pub(crate) async fn put(
    storage: &dyn Storage,
    name: &str,
    if_exists: IfExists,
    data: impl Into<Bytes>,
) -> Result<ObjectInfo, StorageError> {
    begin(storage, name, if_exists, data).await?.publish().await
}

/// Reads a whole object.
pub(crate) async fn get(storage: &dyn Storage, name: &str) -> Result<Bytes, StorageError> {
    let reader = storage.open(&path(name)).await?;
    reader.read(0..reader.info().size).await
}

/// Returns every name in the directory, hidden ones too, sorted.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Returns the result's error, whatever the success would be.
#[track_caller]
pub(crate) fn error<T>(result: Result<T, StorageError>) -> StorageError {
    match result {
        Ok(_) => panic!("this should have failed"),
        Err(error) => error,
    }
}
