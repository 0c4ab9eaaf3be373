//! Trying a warehouse out, before anybody relies on it.
//!
//! Start at [`Warehouse::probe`]. It touches nothing but what it has made itself.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tundra_core::{IfExists, ObjectPath, StorageError, TenantId};

use crate::{
    RunError, RunResult,
    warehouse::{Shelf, Warehouse},
};

/// What is written.
const TEXT: &[u8] = b"written by Tundra to see whether it can be\n";

impl Warehouse {
    /// Writes an object where those of a tenant are, reads it and removes it, and returns its place as a
    /// person would write it.
    ///
    /// # Errors
    /// Fails when the tenant has no place in the warehouse, and when the store refuses one of the three. The
    /// object may stay when it can be written and not removed.
    pub async fn probe(&self, tenant: &TenantId) -> RunResult<String> {
        let shelf = self.of(tenant)?;
        let moment = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let name = format!("tundra-probe-{}-{moment}", std::process::id());
        let path: ObjectPath = name.parse().expect("it is made of numbers");
        let written = write(&shelf, &path).await;
        let read = match written {
            Ok(()) => shelf.read(&path, TEXT.len() as u64).await,
            Err(error) => return Err(RunError::storage("could not write an object")(error)),
        };
        let removed = shelf.storage.delete(&shelf.at(&path)).await;
        match read.map_err(RunError::storage("wrote an object and could not read it"))? {
            Some(text) if text == TEXT => {}
            Some(_) | None => {
                let location = shelf.storage.display(&shelf.at(&path));
                let source = StorageError::NotFound { location };
                return Err(RunError::storage("wrote an object and read something else")(source));
            }
        }
        removed.map_err(RunError::storage("wrote an object and could not remove it"))?;
        Ok(shelf.storage.display(&shelf.at(&path)))
    }
}

async fn write(shelf: &Shelf, path: &ObjectPath) -> Result<(), StorageError> {
    let mut writer = shelf.storage.create(&shelf.at(path), IfExists::Fail).await?;
    writer.write(Bytes::from_static(TEXT)).await?;
    writer.publish().await.map(drop)
}
