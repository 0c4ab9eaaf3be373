//! The catalog in a file of this machine, by SQLite. Start at [`SqliteCatalog`].
//!
//! Several processes may have it open at once. What is answered is on the disk. This module knows no
//! network: a file on a network file system is for one machine at a time, and better not at all.

mod rows;
mod sources;
mod sql;
mod versions;

use std::{path::Path, time::SystemTime};

use async_trait::async_trait;
use rusqlite::Connection;
use tundra_core::{
    Catalog, CatalogError, IdempotencyKey, NewSource, Reserved, Scope, Source, SourceId, Version,
    VersionFacts, VersionNumber,
};
use tundra_sqlite::{Database, Failure, Purpose, Words};
use uuid::Uuid;

static CATALOG: Purpose = Purpose {
    name: "catalog",
    application: 0x5455_4E44,
    steps: &[
        include_str!("../migrations/sqlite/001_catalog.sql"),
        include_str!("../migrations/sqlite/002_requests.sql"),
    ],
    accept: None,
    words: Words {
        content: "a catalog",
        this: "the catalog",
        any: "a catalog",
        if_not_sqlite: "if this was the catalog, restore a backup, or move it away to begin with an \
                        empty one: the data in storage stays where it is",
        if_damaged: Some("the data in storage stays where it is"),
    },
};

/// A catalog in an SQLite file.
///
/// A call whose future is dropped may still take effect.
#[derive(Debug)]
pub struct SqliteCatalog {
    database: Database,
}

impl SqliteCatalog {
    /// Opens the catalog in this file. Where there is none it is made, for this user alone, and its
    /// directory too; one that an older Tundra wrote is brought up to date.
    ///
    /// # Errors
    /// Of the kind [`InvalidRequest`](tundra_core::ErrorKind) for what is no catalog, `Unsupported` for
    /// the catalog of a newer Tundra, `Corrupt` for a damaged one, `PermissionDenied` for one that
    /// cannot be written to, and `LimitExceeded` on a full disk. Each names the file and a way out.
    ///
    /// # Example
    /// ```
    /// use tundra_catalog::SqliteCatalog;
    /// use tundra_core::Catalog;
    ///
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("catalog.db");
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let catalog = SqliteCatalog::open(&path).await?;
    /// catalog.ping().await?;
    /// # Ok::<(), tundra_core::CatalogError>(())
    /// # }).unwrap();
    /// ```
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, CatalogError> {
        let opened = Database::open(path, &CATALOG).await;
        opened.map(|database| Self { database }).map_err(|error| told("open its file", error))
    }

    async fn read<T, F>(&self, operation: &'static str, work: F) -> Result<T, CatalogError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.database.read(work).await.map_err(|error| told(operation, error))
    }

    async fn write<T, F>(&self, operation: &'static str, work: F) -> Result<T, CatalogError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.database.write(work).await.map_err(|error| told(operation, error))
    }
}

#[async_trait]
impl Catalog for SqliteCatalog {
    fn display(&self) -> String {
        self.database.path().display().to_string()
    }

    async fn ping(&self) -> Result<(), CatalogError> {
        self.read("answer", |connection| {
            connection.prepare_cached(sql::PING)?.query_row([], |_| Ok(()))?;
            Ok(())
        })
        .await
    }

    async fn source(&self, scope: &Scope, id: SourceId) -> Result<Source, CatalogError> {
        let scope = scope.clone();
        self.read("read a source", move |connection| sources::by_id(connection, &scope, id)).await
    }

    async fn source_named(&self, scope: &Scope, name: &str) -> Result<Source, CatalogError> {
        let (scope, name) = (scope.clone(), name.to_owned());
        self.read("read a source", move |connection| sources::by_name(connection, &scope, &name))
            .await
    }

    async fn sources(
        &self,
        scope: &Scope,
        after: Option<SourceId>,
        limit: usize,
    ) -> Result<Vec<Source>, CatalogError> {
        let scope = scope.clone();
        let read = move |connection: &Connection| sources::page(connection, &scope, after, limit);
        self.read("list sources", read).await
    }

    async fn add_source(&self, source: &NewSource) -> Result<Source, CatalogError> {
        let source = source.clone();
        self.write("add a source", move |connection| sources::add(connection, &source)).await
    }

    async fn remove_source(&self, source: &Source) -> Result<(), CatalogError> {
        let id = source.id;
        self.write("remove a source", move |connection| sources::remove(connection, id)).await
    }

    async fn reserve(
        &self,
        source: &Source,
        key: Option<&IdempotencyKey>,
    ) -> Result<Reserved, CatalogError> {
        let (id, key) = (source.id, key.cloned());
        let write = move |connection: &Connection| versions::reserve(connection, id, key.as_ref());
        self.write("reserve a version", write).await
    }

    async fn check_pending(&self, version: &Version) -> Result<(), CatalogError> {
        let version = version.clone();
        let read = move |connection: &Connection| versions::check_pending(connection, &version);
        self.read("check that a version is pending", read).await
    }

    async fn activate(
        &self,
        version: &Version,
        facts: &VersionFacts,
    ) -> Result<Version, CatalogError> {
        let (version, facts) = (version.clone(), facts.clone());
        let write = move |connection: &Connection| versions::activate(connection, &version, &facts);
        self.write("activate a version", write).await
    }

    async fn fail(&self, version: &Version, message: &str) -> Result<(), CatalogError> {
        let (version, message) = (version.clone(), message.to_owned());
        let write = move |connection: &Connection| versions::fail(connection, &version, &message);
        self.write("record why a version failed", write).await
    }

    async fn version(
        &self,
        source: &Source,
        number: VersionNumber,
    ) -> Result<Version, CatalogError> {
        let id = source.id;
        let read = move |connection: &Connection| versions::by_number(connection, id, number);
        self.read("read a version", read).await
    }

    async fn version_by_id(
        &self,
        scope: &Scope,
        id: Uuid,
    ) -> Result<(Source, Version), CatalogError> {
        let scope = scope.clone();
        let read = move |connection: &Connection| versions::with_source(connection, &scope, id);
        self.read("read a version", read).await
    }

    async fn version_by_key(
        &self,
        source: &Source,
        key: &IdempotencyKey,
    ) -> Result<Option<Version>, CatalogError> {
        let (id, key) = (source.id, key.clone());
        let read = move |connection: &Connection| versions::by_key(connection, id, &key);
        self.read("read a version", read).await
    }

    async fn versions(
        &self,
        source: &Source,
        before: Option<VersionNumber>,
        limit: usize,
    ) -> Result<Vec<Version>, CatalogError> {
        let id = source.id;
        let read = move |connection: &Connection| versions::page(connection, id, before, limit);
        self.read("list versions", read).await
    }

    async fn select(
        &self,
        source: &Source,
        number: VersionNumber,
        reason: &str,
    ) -> Result<Source, CatalogError> {
        let (source, reason) = (source.clone(), reason.to_owned());
        self.write("select a version", move |connection| {
            versions::select(connection, &source, number, &reason)
        })
        .await
    }

    async fn stale(
        &self,
        before: SystemTime,
        limit: usize,
    ) -> Result<Vec<(Source, Version)>, CatalogError> {
        let read = move |connection: &Connection| versions::stale(connection, before, limit);
        self.read("list stale versions", read).await
    }

    async fn retire(&self, version: &Version, message: &str) -> Result<(), CatalogError> {
        let (version, message) = (version.clone(), message.to_owned());
        let write = move |connection: &Connection| versions::retire(connection, &version, &message);
        self.write("retire a version", write).await
    }

    async fn remove_version(&self, version: &Version) -> Result<(), CatalogError> {
        let version = version.clone();
        let write = move |connection: &Connection| versions::remove(connection, &version);
        self.write("remove a version", write).await
    }
}

fn told(operation: &'static str, error: tundra_sqlite::Error) -> CatalogError {
    let tundra_sqlite::Error { reason, kind, retry, hint, source } = error;
    CatalogError { operation, reason, kind, retry, hints: hint.into_iter().collect(), source }
}
