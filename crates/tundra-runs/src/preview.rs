//! What a version holds: its receipt as it was written, and its first rows.

use bytes::Bytes;
use tundra_core::{
    Control, Input, Source, Version, VersionStatus,
    engine::{self, FirstRows},
};
use tundra_storage::Layout;

use crate::{RunError, RunResult, Runs, history::LARGEST_MANIFEST};

impl Runs {
    /// Returns the receipt of a version as it was written, byte for byte; `None` when it has none, as one of
    /// Tundra 4.0.
    ///
    /// # Errors
    /// Fails when the version has no data, and when its store does.
    pub async fn receipt_text(
        &self,
        source: &Source,
        version: &Version,
    ) -> RunResult<Option<Bytes>> {
        check_active(source, version)?;
        let shelf = self.warehouse.of(&source.tenant)?;
        let data = self.warehouse.layout().processed(&source.tenant, source.id, version.number)?;
        let manifest = shelf.read(&Layout::manifest(&data), LARGEST_MANIFEST).await;
        manifest.map_err(RunError::storage("could not read the receipt"))
    }

    /// Returns the first rows of a version, at most `limit`.
    ///
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// Fails when the version has no data, when that cannot be read, and when the run is to stop.
    pub async fn first_rows(
        &self,
        source: &Source,
        version: &Version,
        limit: u64,
        control: &Control,
    ) -> RunResult<FirstRows> {
        check_active(source, version)?;
        let shelf = self.warehouse.of(&source.tenant)?;
        let data = self.warehouse.layout().processed(&source.tenant, source.id, version.number)?;
        let input = Input { storage: shelf.storage.clone(), path: shelf.at(&data) };
        Ok(engine::preview(&input, limit, control).await?)
    }
}

fn check_active(source: &Source, version: &Version) -> RunResult<()> {
    match version.status {
        VersionStatus::Active => Ok(()),
        status @ (VersionStatus::Pending | VersionStatus::Error) => Err(RunError::NoData {
            source_label: source.label(),
            version: version.number,
            status: status.name(),
        }),
    }
}
