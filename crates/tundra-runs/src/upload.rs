//! Where the bytes of an upload go.
//!
//! The names are the layout's. A file that was sent is an upload of its source as soon as it is complete,
//! and the next run without an input of its own converts it.

use std::time::Duration;

use tundra_core::{IfExists, ObjectWriter, Source};
use tundra_storage::{Access, SignedUrl};

use crate::{RunError, RunResult, Warehouse, warehouse::Root};

impl Warehouse {
    /// Returns whether uploads can be sent to the store itself, by URLs that are signed.
    pub fn signs(&self) -> bool {
        matches!(self.root(), Root::Buckets(_))
    }

    /// Returns a URL by which a file can be sent to the store for so long, as an upload of the source.
    ///
    /// # Errors
    /// Fails when the file cannot have that name, when the warehouse is a directory (see
    /// [`Warehouse::signs`]), and when there are no credentials that can sign.
    pub async fn sign_upload(
        &self,
        source: &Source,
        file_name: &str,
        content_type: Option<String>,
        lasts: Duration,
    ) -> RunResult<SignedUrl> {
        let path = self.layout().upload(&source.tenant, source.id, file_name)?;
        let location = match self.root() {
            Root::Buckets(scheme) => {
                let bucket = self.layout().bucket(&source.tenant)?;
                format!("{scheme}{bucket}/{path}")
            }
            Root::Directory(directory) => directory.join(path.as_str()).display().to_string(),
        };
        let (signer, path) = self.stores().signer(&location)?;
        Ok(signer.sign(&path, &Access::Put { content_type }, lasts).await?)
    }

    /// Begins a file that is sent through this process. It takes the place of an upload of the same name
    /// when it is published; dropped before that, it leaves nothing.
    ///
    /// # Errors
    /// Fails when the file cannot have that name, and when the store does.
    pub async fn upload_writer(
        &self,
        source: &Source,
        file_name: &str,
    ) -> RunResult<Box<dyn ObjectWriter>> {
        let shelf = self.of(&source.tenant)?;
        let path = shelf.at(&self.layout().upload(&source.tenant, source.id, file_name)?);
        let writer = shelf.storage.create(&path, IfExists::Replace).await;
        writer.map_err(RunError::storage("could not begin the upload"))
    }
}
