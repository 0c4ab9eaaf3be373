//! Removing old versions, and objects that no version stands for.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, SystemTime},
};

use tundra_core::{
    ErrorKind, ObjectInfo, Source, SourceType, Version, VersionNumber, VersionStatus,
};

use crate::{RunError, RunResult, Runs};

/// Versions that are asked for at once.
const BATCH: usize = 500;

/// What is kept, and whether anything is done at all.
#[derive(Debug, Clone, Copy)]
pub struct CollectOptions {
    /// How many active versions are kept, the newest ones; the current one is kept in any case.
    pub keep: usize,
    /// Objects of which no version knows are removed when they are older than this; a run that has just
    /// begun may be writing younger ones.
    pub min_age: Duration,
    /// Only say what would be removed.
    pub dry_run: bool,
}

/// What was removed, or would be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collection {
    /// Versions beyond those that are kept.
    pub versions: Vec<CollectedVersion>,
    /// Versions beyond those that are kept that stay all the same: each has the rows of its window, and no
    /// later version has them.
    pub windows: Vec<VersionNumber>,
    /// Objects of versions that failed, or that are in no row.
    pub leftovers: Vec<Leftover>,
}

/// A version that was removed, or would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CollectedVersion {
    /// Its number.
    pub version: VersionNumber,
    /// Its objects.
    pub objects: usize,
    /// Their size in bytes.
    pub bytes: u64,
}

/// Objects that no version stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leftover {
    /// The number in their names.
    pub version: VersionNumber,
    /// How many they are.
    pub objects: usize,
    /// Their size in bytes.
    pub bytes: u64,
}

impl Runs {
    /// Removes the versions of a source but the newest ones, the current one and those of windows, the
    /// rows of failed versions older than those, and objects that no version stands for.
    ///
    /// A version's row is ended before its objects go, and goes after them, so that there is never an
    /// active version without its data, whenever this stops.
    ///
    /// # Errors
    /// Fails at the first thing that cannot be done; what was done before stays done, and calling it
    /// again goes on.
    pub async fn collect(&self, source: &Source, options: CollectOptions) -> RunResult<Collection> {
        // The objects first: what comes after is of a run whose row is seen.
        let mut objects = self.objects_of(source).await?;
        let versions = self.all_versions(source).await?;
        let kept = self.kept(source, &versions, options.keep).await?;
        let oldest_kept = kept.iter().next().copied();
        let mut collection = Collection::default();
        for version in &versions {
            let theirs = objects.remove(&version.number).unwrap_or_default();
            let old = oldest_kept.is_some_and(|oldest| version.number < oldest);
            match version.status {
                VersionStatus::Pending => {}
                VersionStatus::Active if kept.contains(&version.number) => {}
                VersionStatus::Active if self.is_window(source, version.number).await? => {
                    collection.windows.push(version.number);
                }
                VersionStatus::Active => {
                    let collected = self.retire(source, version, &theirs, options).await?;
                    collection.versions.extend(collected);
                }
                VersionStatus::Error => {
                    if !theirs.is_empty() {
                        collection.leftovers.push(Leftover::of(version.number, &theirs));
                    }
                    if !options.dry_run {
                        self.delete(source, &theirs).await?;
                        if old {
                            self.catalog.remove_version(version).await?;
                        }
                    }
                }
            }
        }
        let youngest = SystemTime::now().checked_sub(options.min_age);
        for (number, theirs) in objects {
            let is_old = |it: &ObjectInfo| it.modified.zip(youngest).is_some_and(|(at, y)| at < y);
            if theirs.iter().all(is_old) {
                collection.leftovers.push(Leftover::of(number, &theirs));
                if !options.dry_run {
                    self.delete(source, &theirs).await?;
                }
            }
        }
        Ok(collection)
    }

    /// Removes one version, unless it became the current one meanwhile.
    async fn retire(
        &self,
        source: &Source,
        version: &Version,
        objects: &[ObjectInfo],
        options: CollectOptions,
    ) -> RunResult<Option<CollectedVersion>> {
        let Leftover { version: number, objects: count, bytes } =
            Leftover::of(version.number, objects);
        let collected = CollectedVersion { version: number, objects: count, bytes };
        if options.dry_run {
            return Ok(Some(collected));
        }
        let message = format!("removed: only the last {} versions are kept", options.keep);
        match self.catalog.retire(version, &message).await {
            Ok(()) => {}
            Err(error) if error.kind == ErrorKind::Conflict => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        self.delete(source, objects).await?;
        self.catalog.remove_version(version).await?;
        Ok(Some(collected))
    }

    /// Returns whether a version has the rows of a window only, or may have: its receipt is damaged.
    async fn is_window(&self, source: &Source, version: VersionNumber) -> RunResult<bool> {
        if source.source_type != SourceType::Database {
            return Ok(false);
        }
        match self.receipt(source, version).await {
            Ok(receipt) => Ok(receipt.is_some_and(|receipt| receipt.window.is_some())),
            Err(error @ RunError::Receipt { .. }) => {
                tracing::warn!(%error, "kept a version of which it is not known what it holds");
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the numbers of the active versions that are kept.
    async fn kept(
        &self,
        source: &Source,
        versions: &[Version],
        keep: usize,
    ) -> RunResult<BTreeSet<VersionNumber>> {
        let active = versions.iter().filter(|it| it.status == VersionStatus::Active);
        let mut kept: BTreeSet<_> = active.map(|it| it.number).take(keep).collect();
        // It may have been moved since the caller looked.
        let scope = tundra_core::Scope::Tenant(source.tenant.clone());
        let now = self.catalog.source(&scope, source.id).await?;
        kept.extend(now.current_version);
        Ok(kept)
    }

    /// Returns all versions, the newest first.
    async fn all_versions(&self, source: &Source) -> RunResult<Vec<Version>> {
        let mut all: Vec<Version> = Vec::new();
        loop {
            let before = all.last().map(|version| version.number);
            let page = self.catalog.versions(source, before, BATCH).await?;
            let is_last = page.len() < BATCH;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// Returns the objects of all versions, by the number in their names.
    async fn objects_of(
        &self,
        source: &Source,
    ) -> RunResult<BTreeMap<VersionNumber, Vec<ObjectInfo>>> {
        let shelf = self.warehouse.of(&source.tenant)?;
        let layout = self.warehouse.layout();
        let mut objects: BTreeMap<VersionNumber, Vec<ObjectInfo>> = BTreeMap::new();
        for below in layout.versions_of(&source.tenant, source.id)? {
            let found = shelf.list(&below).await;
            for object in found.map_err(RunError::storage("could not list the objects"))? {
                let path = shelf.within(&object.path);
                let version =
                    path.and_then(|path| layout.version_of(&source.tenant, source.id, &path));
                if let Some(version) = version {
                    objects.entry(version).or_default().push(object);
                }
            }
        }
        Ok(objects)
    }

    async fn delete(&self, source: &Source, objects: &[ObjectInfo]) -> RunResult<()> {
        let shelf = self.warehouse.of(&source.tenant)?;
        for object in objects {
            let deleted = shelf.storage.delete(&object.path).await;
            deleted.map_err(RunError::storage("could not remove an object"))?;
        }
        Ok(())
    }
}

impl Leftover {
    fn of(version: VersionNumber, objects: &[ObjectInfo]) -> Self {
        let bytes = objects.iter().map(|object| object.size).sum();
        Self { version, objects: objects.len(), bytes }
    }
}
