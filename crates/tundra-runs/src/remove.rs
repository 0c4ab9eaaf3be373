//! Removing a source.

use tundra_core::Source;

use crate::{RunError, RunResult, Runs};

/// What becomes of the data of a source that is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceRemoval {
    /// It stays, and no catalog knows of it.
    KeepData,
    /// The data of all versions and the archived uploads go, too.
    Purge,
}

impl Runs {
    /// Removes a source with its versions, and returns how many objects went with it.
    ///
    /// The rows go first, so that no reader is led to data that is gone. Uploads stay.
    ///
    /// # Errors
    /// Fails when the catalog does, and when an object cannot be removed: the source is gone then, and
    /// the error names an object that is left.
    pub async fn remove_source(&self, source: &Source, removal: SourceRemoval) -> RunResult<usize> {
        self.catalog.remove_source(source).await?;
        if removal == SourceRemoval::KeepData {
            return Ok(0);
        }
        let shelf = self.warehouse.of(&source.tenant)?;
        let below = self.warehouse.layout().versions_of(&source.tenant, source.id)?;
        let removed = shelf.remove_below(&below).await;
        removed.map_err(RunError::storage("removed the source, but not all of its objects"))
    }
}
