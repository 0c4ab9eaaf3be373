//! Several files, from the temporary directory to their places.

use std::{collections::BTreeSet, fs::File, ops::Range, sync::Arc};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::Layout;
use crate::{
    Error, ObjectPath, ObjectWriter, Output, Result, StorageError,
    engine::{
        copy::Stop,
        files::hexadecimal,
        prepared::{not_published, take_back},
        run::create,
        spool::read_range,
    },
};

/// Bytes that are read at a time.
const PIECE: u64 = 4 << 20;

/// Files that are complete and checked.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(super) layout: Layout,
    pub(super) parts: Vec<Part>,
    /// What holds their bytes.
    pub(super) file: Arc<File>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) path: ObjectPath,
    /// Where its bytes are.
    pub(super) bytes: Range<u64>,
    pub(super) sha256: String,
}

impl Parts {
    /// Makes the files visible, one after another, and removes those of an earlier run that no new one
    /// replaced.
    ///
    /// # Errors
    /// Fails when the store does, and when a file came into being since. Files that were not to replace
    /// anything are taken back then; what replaced another one stays, because that is gone.
    pub(crate) async fn publish(self, stop: &Stop) -> Result<()> {
        let written: BTreeSet<ObjectPath> =
            self.parts.iter().map(|part| part.path.clone()).collect();
        let leftovers = stop.unless_stopped(self.layout.leftovers(&written)).await??;
        let mut visible = Vec::new();
        for part in &self.parts {
            let output = Output { path: part.path.clone(), ..self.layout.output.clone() };
            if let Err(error) = self.publish_part(part, &output, stop).await {
                take_back(visible).await;
                return Err(error);
            }
            visible.push(output);
        }
        let storage = &self.layout.output.storage;
        // The last first: what is looked for next time ends where a number is missing.
        for path in leftovers.iter().rev() {
            let role = "could not remove a file of an earlier run, which the new ones replace";
            let removed = storage.delete(path).await;
            removed.map_err(|source| Error::Storage { role, source })?;
        }
        Ok(())
    }

    async fn publish_part(&self, part: &Part, output: &Output, stop: &Stop) -> Result<()> {
        let mut writer = create(output, stop).await?;
        let sent = stop.unless_stopped(self.send(part, &mut *writer)).await;
        if let Err(error) = sent.flatten() {
            // Why it has to go is the error that counts.
            drop(writer.abort().await);
            return Err(error);
        }
        writer.publish().await.map(drop).map_err(not_published)
    }

    /// Sends the bytes of a file, which must be those that were looked at.
    async fn send(&self, part: &Part, writer: &mut dyn ObjectWriter) -> Result<()> {
        let mut digest = Sha256::new();
        let mut start = part.bytes.start;
        while start < part.bytes.end {
            let end = part.bytes.end.min(start + PIECE);
            let file = Arc::clone(&self.file);
            let read = move || -> Result<(Bytes, Sha256), StorageError> {
                let bytes = read_range(&file, start..end)?;
                digest.update(&bytes);
                Ok((bytes, digest))
            };
            let read = tokio::task::spawn_blocking(read)
                .await
                .map_err(|error| Error::Internal(format!("reading a file panicked: {error}")))?;
            let (bytes, so_far) = read.map_err(not_published)?;
            digest = so_far;
            writer.write(bytes).await.map_err(not_published)?;
            start = end;
        }
        if hexadecimal(&digest.finalize()) != part.sha256 {
            return Err(Error::Verification {
                output: self.layout.display(&part.path),
                mismatch: "its bytes are no longer those that were written".to_owned(),
            });
        }
        writer.flush().await.map_err(not_published)
    }
}
