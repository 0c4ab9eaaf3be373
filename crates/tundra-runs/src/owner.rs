//! A run that has a version: what is done for it whatever it reads.
//!
//! Start at [`Owner::reserve`]. The order is what keeps every promise: a version is reserved before
//! anything is written, the output is complete and proven before the catalog is asked once more, the
//! data comes before its receipt and both before the version becomes active. Whoever dies in between
//! leaves a pending version, which [`Runs::sweep`] ends.

use std::time::{Duration, Instant};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use tundra_core::{
    Classify, Error, ErrorKind, IdempotencyKey, IfExists, ObjectInfo, Output, Receipt, Reserved,
    SchemaDifference, SchemaRule, Source, TableSchema, Version, VersionFacts, engine::Prepared,
};
use tundra_storage::{Archive, Layout, UploadFate, archive};

use crate::{RunError, RunResult, Runs, warehouse::Shelf};

/// How long what a run wrote is removed for, when the run was to stop.
const TO_CLEAR: Duration = Duration::from_secs(1);

/// What came of a run that did not fail.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// A new version.
    Converted(Box<Conversion>),
    /// The version that an earlier run with the same key made, or is making, or failed to make.
    Earlier(Version),
}

/// A new version that readers see.
#[derive(Debug, Clone)]
pub struct Conversion {
    /// The version.
    pub version: Version,
    /// What the run read, decided and wrote.
    pub receipt: Receipt,
    /// How the columns differ from those of the version that was current before; `None` when there was
    /// none, or when its columns are not known.
    pub differences: Option<Vec<SchemaDifference>>,
    /// The data.
    pub location: String,
}

/// A run that has a version.
pub(crate) struct Owner<'a> {
    pub(crate) runs: &'a Runs,
    pub(crate) source: &'a Source,
    pub(crate) shelf: Shelf,
    version: Version,
    began: Instant,
}

/// What was published and waits for the catalog.
pub(crate) struct Published {
    facts: VersionFacts,
    receipt: Receipt,
    differences: Option<Vec<SchemaDifference>>,
    /// The upload, when it is to be archived.
    upload: Option<ObjectInfo>,
    manifest: Bytes,
}

impl<'a> Owner<'a> {
    /// Reserves a version of a source, or returns the one that an earlier run with the same key has.
    ///
    /// # Errors
    /// Fails when the catalog does, when the tenant has no place in the warehouse, and when the key was used
    /// for another request.
    pub(crate) async fn reserve(
        runs: &'a Runs,
        source: &'a Source,
        key: Option<&IdempotencyKey>,
    ) -> RunResult<Result<Self, Version>> {
        let began = Instant::now();
        let shelf = runs.warehouse.of(&source.tenant)?;
        Ok(match runs.catalog.reserve(source, key).await? {
            Reserved::New(version) => Ok(Self { runs, source, shelf, version, began }),
            Reserved::Earlier(version) => Err(version),
            Reserved::OtherRequest(version) => {
                return Err(RunError::OtherRequest { version: version.number });
            }
        })
    }

    /// Returns where the version's data goes.
    pub(crate) fn output(&self) -> RunResult<Output> {
        let Self { runs, source, shelf, version, .. } = self;
        let data = runs.warehouse.layout().processed(&source.tenant, source.id, version.number)?;
        Ok(Output {
            storage: shelf.storage.clone(),
            path: shelf.at(&data),
            if_exists: IfExists::Fail,
        })
    }

    /// Publishes what was prepared, with its receipt, up to the point where only the catalog has to be
    /// told. What was read is archived when it `is_upload`.
    pub(crate) async fn publish(
        &self,
        prepared: Prepared,
        extraction_query: Option<String>,
        is_upload: bool,
    ) -> RunResult<Published> {
        let Self { runs, source, version, shelf, began } = self;
        let layout = runs.warehouse.layout();
        let data = layout.processed(&source.tenant, source.id, version.number)?;
        let schema = TableSchema::of(&prepared.receipt().plan);
        let differences = self.differences(&schema).await?;
        // Nobody else may have ended this version while it was being made.
        runs.catalog.check_pending(version).await?;
        let upload = prepared.input().filter(|_| is_upload).cloned();
        // On the heap: a whole receipt in it would make the futures of all callers large.
        let receipt = Box::pin(prepared.publish()).await?;
        let manifest = manifest(&receipt)?;
        shelf
            .write(&Layout::manifest(&data), manifest.clone())
            .await
            .map_err(RunError::storage("could not write the receipt"))?;
        if let Some(upload) = &upload {
            self.archive(upload, &receipt, &manifest, UploadFate::Keep).await?;
        }
        let output = receipt.outputs.first().ok_or_else(|| missing("an output"))?;
        let facts = VersionFacts {
            rows: output.rows,
            columns: schema.columns.len() as u64,
            size_bytes: output.size_bytes,
            seconds: began.elapsed().as_secs_f64(),
            receipt_sha256: Some(hexadecimal(&manifest)),
            schema: Some(schema),
            extraction_query,
        };
        Ok(Published { facts, receipt, differences, upload, manifest })
    }

    /// Compares the columns with those of the current version, and holds them to the source's rule.
    async fn differences(&self, schema: &TableSchema) -> RunResult<Option<Vec<SchemaDifference>>> {
        let Some(current) = self.source.current_version else { return Ok(None) };
        let before = match self.runs.schema_of_objects(self.source, current).await {
            Ok(before) => before,
            // Without a rule it is told and no more, and what is told does not fail a run.
            Err(error) if self.source.schema_rule == SchemaRule::Any => {
                tracing::warn!(%error, "could not compare the columns with those before");
                None
            }
            Err(error) => return Err(error),
        };
        let Some(before) = before else { return Ok(None) };
        let differences = schema.differences_since(&before);
        let breaking = differences.iter().filter(|it| it.change.is_breaking());
        if self.source.schema_rule == SchemaRule::NoBreaking && breaking.clone().next().is_some() {
            return Err(RunError::BreakingSchema {
                new: self.version.number,
                current,
                differences: breaking.cloned().collect(),
            });
        }
        Ok(Some(differences))
    }

    async fn archive(
        &self,
        upload: &ObjectInfo,
        receipt: &Receipt,
        manifest: &Bytes,
        fate: UploadFate,
    ) -> RunResult<()> {
        let Self { runs, source, version, shelf, .. } = self;
        let extension = extension_of(upload, &receipt.plan.source.format);
        let raw =
            runs.warehouse.layout().raw(&source.tenant, source.id, version.number, extension)?;
        let raw = shelf.at(&raw);
        let kept = Archive { upload, raw: &raw, manifest: manifest.clone(), fate };
        let archived = archive(&*shelf.storage, kept).await;
        archived.map(drop).map_err(RunError::storage("could not archive the upload"))
    }

    /// Tells the catalog, and clears away what it does not take.
    pub(crate) async fn settle(
        self,
        published: Published,
        fate: UploadFate,
    ) -> RunResult<Conversion> {
        let Published { facts, receipt, differences, upload, manifest } = published;
        let location = self.runs.warehouse.location(self.source, self.version.number)?;
        let version = match self.runs.catalog.activate(&self.version, &facts).await {
            Ok(version) => version,
            // It may be active: nothing is removed that readers could see.
            Err(source) if is_unsure(&source) => {
                let (version, source) = (self.version.number, Box::new(source));
                return Err(RunError::Unsettled { version, location, source });
            }
            Err(error) => return Err(self.give_up(error.into()).await),
        };
        if let Some(upload) = upload
            && fate == UploadFate::Remove
            && let Err(error) = self.archive(&upload, &receipt, &manifest, fate).await
        {
            // The version is there and proven; an upload that stays harms nobody.
            tracing::warn!(%error, "kept an upload that was to be removed");
        }
        Ok(Conversion { version, receipt, differences, location })
    }

    /// Ends the version as failed, removes what was written, and returns why it failed.
    ///
    /// The row goes first: once it is no longer pending, nobody makes it active.
    pub(crate) async fn give_up(self, error: RunError) -> RunError {
        let message = message_of(&error);
        match self.runs.catalog.fail(&self.version, &message).await {
            Ok(()) => {}
            // Somebody ended it already, or removed it.
            Err(other) if matches!(other.kind, ErrorKind::Conflict | ErrorKind::NotFound) => {
                tracing::debug!(error = %other, "the version had been ended already");
            }
            Err(other) => {
                // It stays pending, and so does what was written, until it is swept.
                tracing::warn!(error = %other, "could not end a version that failed");
                return error;
            }
        }
        let removing = self.runs.remove_objects(self.source, self.version.number);
        let removed = match error.kind() {
            // Whoever stops a run waits for its end, and the store may be why it was stopped.
            ErrorKind::Cancelled | ErrorKind::Timeout => timeout(TO_CLEAR, removing).await,
            _ => Ok(removing.await),
        };
        match removed {
            Ok(Ok(_)) => {}
            Ok(Err(left)) => {
                tracing::warn!(error = %left, "could not remove what a failed run wrote");
            }
            Err(_) => {
                tracing::warn!("could not remove in time what a run wrote: collecting removes it");
            }
        }
        error
    }
}

/// Returns whether a call that failed with this may have been carried out nevertheless.
fn is_unsure(error: &tundra_core::CatalogError) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout)
}

/// Returns what is told of a failure, with its causes.
fn message_of(error: &RunError) -> String {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        message.push_str(": ");
        message.push_str(&source.to_string());
        cause = source.source();
    }
    message
}

/// Returns the receipt as it is stored.
fn manifest(receipt: &Receipt) -> RunResult<Bytes> {
    let mut text = serde_json::to_vec_pretty(receipt)
        .map_err(|error| Error::Internal(format!("the receipt is no JSON: {error}")))?;
    text.push(b'\n');
    Ok(text.into())
}

fn hexadecimal(data: &Bytes) -> String {
    Sha256::digest(data).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn missing(what: &str) -> Error {
    Error::Internal(format!("the receipt lacks {what}"))
}

/// Returns the extension under which an upload is archived: its own where it is a plain one, and otherwise
/// the format that it was read as. An upload of Tundra 4.0 is named by its source alone.
fn extension_of<'a>(upload: &'a ObjectInfo, format: &'a str) -> &'a str {
    let name = upload.path.as_str().rsplit('/').next().unwrap_or_default();
    let is_plain = |part: &str| {
        (1..=16).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_alphanumeric())
    };
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && is_plain(extension) => extension,
        _ if is_plain(format) => format,
        _ => "bin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_keeps_its_extension_or_gets_that_of_its_format() {
        for (path, extension) in [
            ("uploads/s/sales.csv", "csv"),
            ("uploads/s/sales.2024.JSON", "JSON"),
            ("uploads/s", "ndjson"),
            ("uploads/s/.hidden", "ndjson"),
            ("uploads/s/odd.e x", "ndjson"),
            ("uploads/s/end.", "ndjson"),
        ] {
            let path = path.parse().unwrap();
            let info = ObjectInfo { path, size: 0, etag: None, modified: None };
            assert_eq!(extension_of(&info, "ndjson"), extension, "{}", info.path);
        }
    }

    #[test]
    fn a_message_has_its_causes() {
        let source = tundra_core::StorageError::NotFound { location: "a.csv".to_owned() };
        let error = RunError::storage("could not read the input")(source);
        let message = message_of(&error);
        assert_eq!(message, "could not read the input: no such file or object: `a.csv`");
    }
}
