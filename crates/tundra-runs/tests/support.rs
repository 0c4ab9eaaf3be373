//! A catalog, a warehouse, and a catalog that fails when told to.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use async_trait::async_trait;
use tempfile::TempDir;
use tundra_catalog::SqliteCatalog;
use tundra_core::{
    Cancel, Catalog, CatalogError, Control, ConvertOptions, ErrorKind, IdempotencyKey, NewSource,
    Reserved, Resources, Scope, Silent, Source, SourceId, SourceType, TenantId, Version,
    VersionFacts, VersionNumber, engine,
};
use tundra_runs::{FileRun, Outcome, Runs, Warehouse};
use tundra_storage::{Layout, StoreSettings, Stores, UploadFate};
use uuid::Uuid;

/// A catalog and a warehouse in a directory of their own.
pub(crate) struct Place {
    pub(crate) directory: TempDir,
    pub(crate) catalog: Arc<SqliteCatalog>,
    pub(crate) runs: Runs,
}

impl Place {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("warehouse")).unwrap();
        let catalog = SqliteCatalog::open(directory.path().join("catalog.db")).await.unwrap();
        let catalog = Arc::new(catalog);
        let runs = Runs::new(catalog.clone(), warehouse(directory.path()));
        Self { directory, catalog, runs }
    }

    /// Returns runs whose catalog fails as told.
    pub(crate) fn failing(&self, fault: Fault) -> Runs {
        let catalog = Failing { inner: self.catalog.clone(), fault };
        Runs::new(Arc::new(catalog), warehouse(self.directory.path()))
    }

    /// Adds a source that is read from its upload, which has this text now.
    pub(crate) async fn uploaded(&self, name: &str, text: &str) -> Source {
        let source = self.catalog.add_source(&new_source(name)).await.unwrap();
        self.upload(&source, "in.csv", text);
        source
    }

    pub(crate) fn upload(&self, source: &Source, name: &str, text: &str) {
        let uploads = self.bucket(source).join("uploads").join(source.id.to_string());
        fs::create_dir_all(&uploads).unwrap();
        fs::write(uploads.join(name), text).unwrap();
    }

    pub(crate) fn bucket(&self, source: &Source) -> PathBuf {
        self.directory.path().join("warehouse").join(format!("org-{}", source.tenant))
    }

    /// Reads the source anew.
    pub(crate) async fn again(&self, source: &Source) -> Source {
        self.catalog.source(&Scope::All, source.id).await.unwrap()
    }

    /// Returns all files of the source's versions, below the bucket.
    pub(crate) fn objects(&self, source: &Source) -> Vec<String> {
        let bucket = self.bucket(source);
        let id = source.id.to_string();
        let mut found = Vec::new();
        for kind in ["processed", "raw"] {
            collect(&bucket.join(kind).join(&id), &bucket, &mut found);
        }
        let mut found: Vec<String> =
            found.into_iter().map(|path| path.replace(&id, "ID")).collect();
        found.sort();
        found
    }

    pub(crate) async fn versions(&self, source: &Source) -> Vec<Version> {
        let mut versions = self.catalog.versions(source, None, 1000).await.unwrap();
        versions.reverse();
        versions
    }
}

fn warehouse(directory: &Path) -> Warehouse {
    let root = directory.join("warehouse");
    let stores = Stores::new(StoreSettings::default());
    Warehouse::new(root.to_str().unwrap(), Layout::standard(), stores).unwrap()
}

fn collect(directory: &Path, root: &Path, found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, root, found);
        } else {
            found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
}

pub(crate) fn new_source(name: &str) -> NewSource {
    NewSource {
        id: SourceId::generate(),
        tenant: tenant(),
        name: Some(name.to_owned()),
        source_type: SourceType::File,
        connector_type: "csv".to_owned(),
        location: None,
        schema_rule: tundra_core::SchemaRule::Any,
    }
}

pub(crate) fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

pub(crate) fn version(number: u32) -> VersionNumber {
    VersionNumber::new(number).unwrap()
}

/// Returns a run of the source as it is now, with nothing said.
pub(crate) fn run_of(source: &Source) -> FileRun {
    FileRun {
        source: source.clone(),
        input: None,
        options: ConvertOptions::default(),
        resources: Resources { threads: 1, ..engine::default_resources() },
        key: None,
        upload: UploadFate::Keep,
    }
}

pub(crate) fn control() -> Control {
    Control { reporter: Arc::new(Silent), cancel: Cancel::default(), timeout: None }
}

/// Converts and expects a new version.
pub(crate) async fn convert(runs: &Runs, source: &Source) -> tundra_runs::Conversion {
    match runs.convert_file(run_of(source), &control()).await.unwrap() {
        Outcome::Converted(conversion) => *conversion,
        Outcome::Earlier(version) => panic!("an earlier version: {version:?}"),
    }
}

/// A call of a catalog that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Reserve,
    CheckPending,
    Activate,
    Fail,
}

/// What happens at a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    /// At which call, and at each like it.
    pub(crate) at: Call,
    /// What was asked is done, and only the answer is lost.
    pub(crate) done: bool,
    /// What is done to the version before that.
    pub(crate) before: Option<Interference>,
}

/// What somebody else does to a version meanwhile.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Interference {
    /// A sweeper ends it.
    Sweep,
    /// The source goes, with all rows of its versions.
    RemoveRows,
}

/// A catalog that cannot be reached at one call, or that somebody else changes at that moment.
#[derive(Debug)]
struct Failing {
    inner: Arc<SqliteCatalog>,
    fault: Fault,
}

impl Failing {
    /// Does what is to happen at the call; the error is to be returned, before or after the call.
    async fn meet(&self, call: Call, version: Option<&Version>) -> Option<CatalogError> {
        if self.fault.at != call {
            return None;
        }
        match (self.fault.before, version) {
            (Some(Interference::Sweep), Some(version)) => {
                self.inner.fail(version, "swept by somebody else").await.unwrap();
                None
            }
            (Some(Interference::RemoveRows), Some(version)) => {
                let source = self.inner.source(&Scope::All, version.source).await.unwrap();
                self.inner.remove_source(&source).await.unwrap();
                None
            }
            _ => {
                let reason = "nobody answers";
                Some(CatalogError::new("be reached", ErrorKind::Unavailable, reason))
            }
        }
    }
}

#[async_trait]
impl Catalog for Failing {
    fn display(&self) -> String {
        self.inner.display()
    }

    async fn ping(&self) -> Result<(), CatalogError> {
        self.inner.ping().await
    }

    async fn source(&self, scope: &Scope, id: SourceId) -> Result<Source, CatalogError> {
        self.inner.source(scope, id).await
    }

    async fn source_named(&self, scope: &Scope, name: &str) -> Result<Source, CatalogError> {
        self.inner.source_named(scope, name).await
    }

    async fn sources(
        &self,
        scope: &Scope,
        after: Option<SourceId>,
        limit: usize,
    ) -> Result<Vec<Source>, CatalogError> {
        self.inner.sources(scope, after, limit).await
    }

    async fn add_source(&self, source: &NewSource) -> Result<Source, CatalogError> {
        self.inner.add_source(source).await
    }

    async fn remove_source(&self, source: &Source) -> Result<(), CatalogError> {
        self.inner.remove_source(source).await
    }

    async fn reserve(
        &self,
        source: &Source,
        key: Option<&IdempotencyKey>,
    ) -> Result<Reserved, CatalogError> {
        let error = self.meet(Call::Reserve, None).await;
        if let (Some(error), false) = (&error, self.fault.done) {
            return Err(CatalogError::new(error.operation, error.kind, &*error.reason));
        }
        let done = self.inner.reserve(source, key).await;
        error.map_or(done, Err)
    }

    async fn check_pending(&self, version: &Version) -> Result<(), CatalogError> {
        match self.meet(Call::CheckPending, Some(version)).await {
            Some(error) => Err(error),
            None => self.inner.check_pending(version).await,
        }
    }

    async fn activate(
        &self,
        version: &Version,
        facts: &VersionFacts,
    ) -> Result<Version, CatalogError> {
        match self.meet(Call::Activate, Some(version)).await {
            Some(error) => {
                if self.fault.done {
                    self.inner.activate(version, facts).await.unwrap();
                }
                Err(error)
            }
            None => self.inner.activate(version, facts).await,
        }
    }

    async fn fail(&self, version: &Version, message: &str) -> Result<(), CatalogError> {
        match self.meet(Call::Fail, None).await {
            Some(error) => Err(error),
            None => self.inner.fail(version, message).await,
        }
    }

    async fn version(
        &self,
        source: &Source,
        number: VersionNumber,
    ) -> Result<Version, CatalogError> {
        self.inner.version(source, number).await
    }

    async fn version_by_id(
        &self,
        scope: &Scope,
        id: Uuid,
    ) -> Result<(Source, Version), CatalogError> {
        self.inner.version_by_id(scope, id).await
    }

    async fn version_by_key(
        &self,
        source: &Source,
        key: &IdempotencyKey,
    ) -> Result<Option<Version>, CatalogError> {
        self.inner.version_by_key(source, key).await
    }

    async fn versions(
        &self,
        source: &Source,
        before: Option<VersionNumber>,
        limit: usize,
    ) -> Result<Vec<Version>, CatalogError> {
        self.inner.versions(source, before, limit).await
    }

    async fn select(
        &self,
        source: &Source,
        number: VersionNumber,
        reason: &str,
    ) -> Result<Source, CatalogError> {
        self.inner.select(source, number, reason).await
    }

    async fn stale(
        &self,
        before: SystemTime,
        limit: usize,
    ) -> Result<Vec<(Source, Version)>, CatalogError> {
        self.inner.stale(before, limit).await
    }

    async fn retire(&self, version: &Version, message: &str) -> Result<(), CatalogError> {
        self.inner.retire(version, message).await
    }

    async fn remove_version(&self, version: &Version) -> Result<(), CatalogError> {
        self.inner.remove_version(version).await
    }
}
