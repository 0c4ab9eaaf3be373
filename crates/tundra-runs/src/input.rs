//! What a source is read from, and as what.

use tundra_core::{Format, Input, ObjectInfo, Source, StorageError};

use crate::{RunError, RunResult, Runs, warehouse::Shelf};

/// Names of connectors that leave the format to be found.
const UNTOLD: [&str; 3] = ["", "auto", "file"];

/// An input that was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) input: Input,
    /// It is an upload of the source, which is archived.
    pub(crate) is_upload: bool,
}

/// Returns the format that a source is read with; `None` where it is to be found.
pub(crate) fn format_of(source: &Source) -> RunResult<Option<Format>> {
    let name = source.connector_type.trim();
    if UNTOLD.iter().any(|untold| untold.eq_ignore_ascii_case(name)) {
        return Ok(None);
    }
    name.parse().map(Some).map_err(|_| RunError::NotAFile {
        source_label: source.label(),
        connector_type: source.connector_type.clone(),
    })
}

impl Runs {
    /// Returns what a source is read from when nobody names anything: its location, or what was uploaded
    /// last.
    ///
    /// # Errors
    /// Fails when nothing was uploaded, and when a store does.
    pub async fn input(&self, source: &Source) -> RunResult<Input> {
        let shelf = self.warehouse.of(&source.tenant)?;
        Ok(self.input_of(source, &shelf).await?.input)
    }

    /// Returns the format that a source is read with; `None` where it is to be found.
    ///
    /// # Errors
    /// Fails when the source is no file.
    pub fn format(&self, source: &Source) -> RunResult<Option<Format>> {
        format_of(source)
    }

    /// Finds what a source is read from when the caller names nothing: its location, or what was
    /// uploaded last.
    pub(crate) async fn input_of(&self, source: &Source, shelf: &Shelf) -> RunResult<Found> {
        if let Some(location) = &source.location {
            let (storage, path) = self.warehouse.stores().resolve(location)?;
            return Ok(Found { input: Input { storage, path }, is_upload: false });
        }
        let layout = self.warehouse.layout();
        let below = layout.uploads_of(&source.tenant, source.id)?;
        let failed = "could not look for the upload";
        let uploads = shelf.list(&below).await.map_err(RunError::storage(failed))?;
        let path = match newest(uploads) {
            Some(upload) => upload.path,
            None => {
                let bare = shelf.at(&layout.bare_upload(&source.tenant, source.id)?);
                match shelf.storage.head(&bare).await {
                    Ok(_) => bare,
                    Err(StorageError::NotFound { .. } | StorageError::IsDirectory { .. }) => {
                        return Err(RunError::NoUpload {
                            source_label: source.label(),
                            location: shelf.storage.display(&shelf.at(&below)),
                        });
                    }
                    Err(error) => return Err(RunError::storage(failed)(error)),
                }
            }
        };
        Ok(Found { input: Input { storage: shelf.storage.clone(), path }, is_upload: true })
    }
}

/// Returns the upload that was written last; of several at one moment the last by name.
fn newest(uploads: Vec<ObjectInfo>) -> Option<ObjectInfo> {
    uploads.into_iter().max_by(|one, other| {
        one.modified.cmp(&other.modified).then_with(|| one.path.as_str().cmp(other.path.as_str()))
    })
}
