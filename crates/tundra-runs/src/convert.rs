//! One run of a source that is a file: from the reserved version to the one that readers see.
//!
//! Start at [`Runs::convert_file`]. The order is what keeps every promise: a version is reserved before
//! anything is written, the output is complete and proven before the catalog is asked once more, the
//! data comes before its receipt and both before the version becomes active. Whoever dies in between
//! leaves a pending version, which [`Runs::sweep`] ends.

use std::time::Instant;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tundra_core::{
    Classify, Control, ConvertOptions, Error, ErrorKind, IdempotencyKey, IfExists, Input,
    ObjectInfo, Output, Receipt, Reserved, Resources, SchemaDifference, SchemaRule, Source,
    TableSchema, Version, VersionFacts, engine,
};
use tundra_storage::{Archive, Layout, UploadFate, archive};

use crate::{
    RunError, RunResult, Runs,
    input::{Found, format_of},
    warehouse::Shelf,
};

/// What is to be converted, and how.
#[derive(Debug, Clone)]
pub struct FileRun {
    /// The source, as the catalog has it now.
    pub source: Source,
    /// What is read; by the source itself when it is not given.
    pub input: Option<Input>,
    /// How it is read and written. A format that is not given is the source's.
    pub options: ConvertOptions,
    /// What the run may use.
    pub resources: Resources,
    /// The caller's name for this request, if it has one.
    pub key: Option<IdempotencyKey>,
    /// What becomes of an upload that was converted and archived.
    pub upload: UploadFate,
}

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
struct Owner<'a> {
    runs: &'a Runs,
    source: &'a Source,
    version: Version,
    shelf: Shelf,
    began: Instant,
}

/// What was published and waits for the catalog.
struct Published {
    facts: VersionFacts,
    receipt: Receipt,
    differences: Option<Vec<SchemaDifference>>,
    /// The upload, when it was archived.
    upload: Option<ObjectInfo>,
    manifest: Bytes,
}

impl Runs {
    /// Converts a file of a source into a new version, and makes that the current one if no newer is.
    ///
    /// Must be called within a Tokio runtime. A run that fails leaves its version with the status
    /// `error` and the message, and no objects.
    ///
    /// # Errors
    /// Fails when the input cannot be found or converted, when the version was ended by somebody else
    /// meanwhile, when the source's schema rule is broken, and when a store or the catalog fails.
    /// [`RunError::Unsettled`] alone leaves open whether there is a new version.
    ///
    /// # Cancellation
    /// By [`tundra_core::Cancel`] and by the timeout: the version then ends with that message. Dropping
    /// the future leaves a pending version to the sweeper.
    pub async fn convert_file(&self, run: FileRun, control: &Control) -> RunResult<Outcome> {
        let began = Instant::now();
        let FileRun { source, input, mut options, resources, key, upload } = run;
        let shelf = self.warehouse.of(&source.tenant)?;
        if options.format.is_none() {
            options.format = match format_of(&source) {
                Ok(format) => format,
                // What is given may be anything, and is looked at.
                Err(_) if input.is_some() => None,
                Err(error) => return Err(error),
            };
        }
        let version = match self.catalog.reserve(&source, key.as_ref()).await? {
            Reserved::New(version) => version,
            Reserved::Earlier(version) => return Ok(Outcome::Earlier(version)),
        };
        let owner = Owner { runs: self, source: &source, version, shelf, began };
        let published = match owner.publish(input, &options, &resources, control).await {
            Ok(published) => published,
            Err(error) => return Err(owner.give_up(error).await),
        };
        owner.settle(published, upload).await.map(Box::new).map(Outcome::Converted)
    }
}

impl Owner<'_> {
    /// Does everything up to the point where only the catalog has to be told.
    async fn publish(
        &self,
        input: Option<Input>,
        options: &ConvertOptions,
        resources: &Resources,
        control: &Control,
    ) -> RunResult<Published> {
        let Self { runs, source, version, shelf, began } = self;
        let layout = runs.warehouse.layout();
        let Found { input, is_upload } = match input {
            Some(input) => Found { input, is_upload: false },
            None => runs.input_of(source, shelf).await?,
        };
        let data = layout.processed(&source.tenant, source.id, version.number)?;
        let output = Output {
            storage: shelf.storage.clone(),
            path: shelf.at(&data),
            if_exists: IfExists::Fail,
        };
        let prepared = engine::prepare(&input, &output, options, resources, control).await?;
        let schema = TableSchema::of(&prepared.receipt().plan);
        let differences = self.differences(&schema).await?;
        // Nobody else may have ended this version while it was being made.
        runs.catalog.check_pending(version).await?;
        let read = prepared.input().clone();
        let receipt = prepared.publish().await?;
        let manifest = manifest(&receipt)?;
        shelf
            .write(&Layout::manifest(&data), manifest.clone())
            .await
            .map_err(RunError::storage("could not write the receipt"))?;
        let upload = is_upload.then_some(read);
        if let Some(upload) = &upload {
            self.archive(upload, &manifest, UploadFate::Keep).await?;
        }
        let output = receipt.outputs.first().ok_or_else(|| missing("an output"))?;
        let facts = VersionFacts {
            rows: output.rows,
            columns: schema.columns.len() as u64,
            size_bytes: output.size_bytes,
            seconds: began.elapsed().as_secs_f64(),
            receipt_sha256: Some(hexadecimal(&manifest)),
            schema: Some(schema),
            extraction_query: None,
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
        manifest: &Bytes,
        fate: UploadFate,
    ) -> RunResult<()> {
        let Self { runs, source, version, shelf, .. } = self;
        let extension = extension_of(upload);
        let raw =
            runs.warehouse.layout().raw(&source.tenant, source.id, version.number, extension)?;
        let raw = shelf.at(&raw);
        let kept = Archive { upload, raw: &raw, manifest: manifest.clone(), fate };
        let archived = archive(&*shelf.storage, kept).await;
        archived.map(drop).map_err(RunError::storage("could not archive the upload"))
    }

    /// Tells the catalog, and clears away what it does not take.
    async fn settle(self, published: Published, fate: UploadFate) -> RunResult<Conversion> {
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
            && let Err(error) = self.archive(&upload, &manifest, fate).await
        {
            // The version is there and proven; an upload that stays harms nobody.
            tracing::warn!(%error, "kept an upload that was to be removed");
        }
        Ok(Conversion { version, receipt, differences, location })
    }

    /// Ends the version as failed, removes what was written, and returns why it failed.
    ///
    /// The row goes first: once it is no longer pending, nobody makes it active.
    async fn give_up(self, error: RunError) -> RunError {
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
        match self.runs.remove_objects(self.source, self.version.number).await {
            Ok(_) => {}
            Err(left) => tracing::warn!(error = %left, "could not remove what a failed run wrote"),
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

/// Returns the extension under which an upload is archived: its own where it is a plain one.
fn extension_of(upload: &ObjectInfo) -> &str {
    let name = upload.path.as_str().rsplit('/').next().unwrap_or_default();
    let is_plain = |part: &str| {
        (1..=16).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_alphanumeric())
    };
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && is_plain(extension) => extension,
        _ => "bin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_keeps_its_extension() {
        for (path, extension) in [
            ("uploads/s/sales.csv", "csv"),
            ("uploads/s/sales.2024.JSON", "JSON"),
            ("uploads/s", "bin"),
            ("uploads/s/.hidden", "bin"),
            ("uploads/s/odd.e x", "bin"),
            ("uploads/s/end.", "bin"),
        ] {
            let path = path.parse().unwrap();
            let info = ObjectInfo { path, size: 0, etag: None, modified: None };
            assert_eq!(extension_of(&info), extension, "{}", info.path);
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
