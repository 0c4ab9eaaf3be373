//! How the versions of a source differ.

use tundra_core::{
    Input, InspectOptions, Receipt, SchemaDifference, Source, StorageError, TableColumn,
    TableSchema, Version, VersionNumber, VersionStatus, engine,
};
use tundra_storage::Layout;

use crate::{RunError, RunResult, Runs};

/// The largest receipt that is read, in bytes: a version of 10,000 columns has one of a few MB.
pub(crate) const LARGEST_MANIFEST: u64 = 64 << 20;

/// A version, and what changed with it.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionHistory {
    /// The version.
    pub version: Version,
    /// It is the one that readers see.
    pub is_current: bool,
    /// How its columns differ from those of the active version before it; `None` where there is none,
    /// where it is not active, and where its columns are not known.
    pub differences: Option<Vec<SchemaDifference>>,
}

/// How one version differs from another.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionDiff {
    /// The one that is looked from.
    pub from: Version,
    /// The one that is looked to.
    pub to: Version,
    /// How its columns differ.
    pub differences: Vec<SchemaDifference>,
}

impl Runs {
    /// Returns versions of a source with what changed, the newest first, at most `limit`.
    ///
    /// # Errors
    /// Fails when the catalog does. Where columns are not known, they are not compared.
    pub async fn history(
        &self,
        source: &Source,
        before: Option<VersionNumber>,
        limit: usize,
    ) -> RunResult<Vec<VersionHistory>> {
        // One more, with which the last is compared; failed runs may lie between.
        let versions = self.catalog.versions(source, before, limit.saturating_add(1)).await?;
        let mut schemas = Vec::with_capacity(versions.len());
        for version in &versions {
            schemas.push(match version.status {
                VersionStatus::Active => self.schema_or_unknown(source, version).await,
                VersionStatus::Pending | VersionStatus::Error => None,
            });
        }
        let history = versions.iter().enumerate().take(limit).map(|(at, version)| {
            let is_active =
                |it: &&(&Version, &Option<TableSchema>)| it.0.status == VersionStatus::Active;
            let rest = versions.iter().zip(&schemas).skip(at + 1).collect::<Vec<_>>();
            let earlier = rest.iter().find(is_active).and_then(|(_, schema)| schema.as_ref());
            let differences = schemas[at].as_ref().zip(earlier);
            VersionHistory {
                version: version.clone(),
                is_current: source.current_version == Some(version.number),
                differences: differences.map(|(now, before)| now.differences_since(before)),
            }
        });
        Ok(history.collect())
    }

    /// Compares two versions of a source that have data.
    ///
    /// # Errors
    /// Fails when one does not exist or has no data, and when its columns cannot be found.
    pub async fn diff(
        &self,
        source: &Source,
        from: VersionNumber,
        to: VersionNumber,
    ) -> RunResult<VersionDiff> {
        let (from, before) = self.version_with_schema(source, from).await?;
        let (to, now) = self.version_with_schema(source, to).await?;
        Ok(VersionDiff { from, to, differences: now.differences_since(&before) })
    }

    async fn version_with_schema(
        &self,
        source: &Source,
        number: VersionNumber,
    ) -> RunResult<(Version, TableSchema)> {
        let version = self.catalog.version(source, number).await?;
        let no_data = || RunError::NoData {
            source_label: source.label(),
            version: number,
            status: version.status.name(),
        };
        if version.status != VersionStatus::Active {
            return Err(no_data());
        }
        let schema = self.schema(source, &version).await?.ok_or_else(no_data)?;
        Ok((version, schema))
    }

    async fn schema_or_unknown(&self, source: &Source, version: &Version) -> Option<TableSchema> {
        self.schema(source, version).await.unwrap_or_else(|error| {
            tracing::warn!(%error, version = %version.number, "could not find the columns");
            None
        })
    }

    /// Returns the columns of a version that has data: as the catalog has them, or as its objects do.
    async fn schema(&self, source: &Source, version: &Version) -> RunResult<Option<TableSchema>> {
        match version.facts.as_ref().and_then(|facts| facts.schema.clone()) {
            Some(schema) => Ok(Some(schema)),
            None => self.schema_of_objects(source, version.number).await,
        }
    }

    /// Returns the receipt of a version; `None` when it has none, as one of Tundra 4.0.
    pub(crate) async fn receipt(
        &self,
        source: &Source,
        version: VersionNumber,
    ) -> RunResult<Option<Receipt>> {
        let shelf = self.warehouse.of(&source.tenant)?;
        let data = self.warehouse.layout().processed(&source.tenant, source.id, version)?;
        let manifest = shelf.read(&Layout::manifest(&data), LARGEST_MANIFEST).await;
        let manifest = manifest.map_err(RunError::storage("could not read the receipt"))?;
        let receipt = manifest.map(|text| serde_json::from_slice(&text)).transpose();
        receipt.map_err(|source_error| RunError::Receipt {
            source_label: source.label(),
            version,
            source: source_error,
        })
    }

    /// Returns the columns of a version by its receipt, or by its data where it has none, as one of
    /// Tundra 4.0. `None` when there is no data.
    pub(crate) async fn schema_of_objects(
        &self,
        source: &Source,
        version: VersionNumber,
    ) -> RunResult<Option<TableSchema>> {
        match self.receipt(source, version).await {
            Ok(Some(receipt)) => return Ok(Some(TableSchema::of(&receipt.plan))),
            Ok(None) => {}
            // The data says which columns it has.
            Err(error @ RunError::Receipt { .. }) => tracing::warn!(%error, "a damaged receipt"),
            Err(error) => return Err(error),
        }
        let shelf = self.warehouse.of(&source.tenant)?;
        let data = self.warehouse.layout().processed(&source.tenant, source.id, version)?;
        let input = Input { storage: shelf.storage.clone(), path: shelf.at(&data) };
        match input.storage.head(&input.path).await {
            Ok(_) => {}
            Err(StorageError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(RunError::storage("could not read the data")(error)),
        }
        self.schema_of_parquet(&input).await.map(Some)
    }

    async fn schema_of_parquet(&self, input: &Input) -> RunResult<TableSchema> {
        let options = InspectOptions {
            format: Some(tundra_core::Format::Parquet),
            sample_size: Some(1),
            ..InspectOptions::default()
        };
        let control = tundra_core::Control {
            reporter: std::sync::Arc::new(tundra_core::Silent),
            cancel: tundra_core::Cancel::default(),
            timeout: None,
        };
        let found =
            engine::inspect(input, &options, &engine::default_resources(), &control).await?;
        let columns = found
            .columns
            .into_iter()
            .map(|column| TableColumn { name: column.name, column_type: column.column_type });
        Ok(TableSchema { columns: columns.collect() })
    }
}
