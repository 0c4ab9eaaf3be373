//! The catalog of Supabase, or of any PostgREST before the same tables. Start at [`SupabaseCatalog`].
//!
//! The columns that Tundra 4.0 knows suffice; ours are used where they are. Nothing here makes or
//! changes tables: the SQL for that is in `migrations/supabase`, for whoever runs the database.

mod client;
mod columns;
mod failure;
mod rows;
mod selecting;
mod settings;
mod sources;
mod versions;

use std::time::SystemTime;

use async_trait::async_trait;
use tundra_core::{
    Catalog, CatalogError, CatalogStanding, IdempotencyKey, NewSource, Reserved, Scope, Source,
    SourceId, Version, VersionFacts, VersionNumber,
};
use uuid::Uuid;

pub use self::settings::SupabaseSettings;
use self::{client::Client, columns::Columns, failure::Problem};

/// The SQL that makes the tables of this catalog, in the order in which to run it: those of Tundra 4.0,
/// then what Tundra keeps besides, and then what tells the organisations of a user, for servers that ask for
/// them. Each may be run again.
pub const SUPABASE_MIGRATIONS: [(&str, &str); 3] = [
    ("001_catalog.sql", include_str!("../migrations/supabase/001_catalog.sql")),
    ("002_tundra.sql", include_str!("../migrations/supabase/002_tundra.sql")),
    ("003_organisations.sql", include_str!("../migrations/supabase/003_organisations.sql")),
];

/// A catalog behind PostgREST.
///
/// It needs a key that may read and write all rows; whose sources a caller sees is for the
/// [`Scope`] to say. A call whose future is dropped may still take effect.
#[derive(Debug)]
pub struct SupabaseCatalog {
    client: Client,
    columns: Columns,
    place: String,
}

impl SupabaseCatalog {
    /// Makes the client. Nothing is asked yet.
    ///
    /// # Errors
    /// When the address or the key cannot be used.
    ///
    /// # Examples
    /// ```
    /// use tundra_catalog::{SupabaseCatalog, SupabaseSettings};
    /// use tundra_core::{Catalog, Secret};
    ///
    /// let key = Secret::new("sb_secret_of_your_project");
    /// let settings = SupabaseSettings::new("https://abcdef.supabase.co", key);
    /// let catalog = SupabaseCatalog::new(&settings)?;
    /// assert_eq!(catalog.display(), "https://abcdef.supabase.co/rest/v1");
    /// # Ok::<(), tundra_core::CatalogError>(())
    /// ```
    pub fn new(settings: &SupabaseSettings) -> Result<Self, CatalogError> {
        let place = settings.url()?.as_str().trim_end_matches('/').to_owned();
        Ok(Self { client: Client::new(settings)?, columns: Columns::default(), place })
    }

    fn told<T>(
        &self,
        operation: &'static str,
        result: Result<T, Problem>,
    ) -> Result<T, CatalogError> {
        result.map_err(|problem| problem.during(operation, &self.place))
    }
}

#[async_trait]
impl Catalog for SupabaseCatalog {
    fn display(&self) -> String {
        self.place.clone()
    }

    async fn ping(&self) -> Result<(), CatalogError> {
        self.told("answer", self.answer().await)
    }

    fn standing(&self) -> CatalogStanding {
        self.client.standing()
    }

    async fn source(&self, scope: &Scope, id: SourceId) -> Result<Source, CatalogError> {
        self.told("read a source", self.source_by_id(scope, id).await)
    }

    async fn source_named(&self, scope: &Scope, name: &str) -> Result<Source, CatalogError> {
        self.told("read a source", self.source_by_name(scope, name).await)
    }

    async fn sources(
        &self,
        scope: &Scope,
        after: Option<SourceId>,
        limit: usize,
    ) -> Result<Vec<Source>, CatalogError> {
        self.told("list sources", self.list_sources(scope, after, limit).await)
    }

    async fn add_source(&self, source: &NewSource) -> Result<Source, CatalogError> {
        self.told("add a source", self.insert_source(source).await)
    }

    async fn remove_source(&self, source: &Source) -> Result<(), CatalogError> {
        self.told("remove a source", self.delete_source(source.id).await)
    }

    async fn reserve(
        &self,
        source: &Source,
        key: Option<&IdempotencyKey>,
    ) -> Result<Reserved, CatalogError> {
        self.told("reserve a version", self.insert_version(source, key).await)
    }

    async fn check_pending(&self, version: &Version) -> Result<(), CatalogError> {
        self.told("check that a version is pending", self.pending(version).await)
    }

    async fn activate(
        &self,
        version: &Version,
        facts: &VersionFacts,
    ) -> Result<Version, CatalogError> {
        self.told("activate a version", self.make_active(version, facts).await)
    }

    async fn fail(&self, version: &Version, message: &str) -> Result<(), CatalogError> {
        self.told("record why a version failed", self.make_failed(version, message).await)
    }

    async fn version(
        &self,
        source: &Source,
        number: VersionNumber,
    ) -> Result<Version, CatalogError> {
        self.told("read a version", self.version_by_number(source.id, number).await)
    }

    async fn version_by_id(
        &self,
        scope: &Scope,
        id: Uuid,
    ) -> Result<(Source, Version), CatalogError> {
        self.told("read a version", self.version_with_source(scope, id).await)
    }

    async fn version_by_key(
        &self,
        source: &Source,
        key: &IdempotencyKey,
    ) -> Result<Option<Version>, CatalogError> {
        self.told("read a version", self.version_with_key(source.id, key).await)
    }

    async fn versions(
        &self,
        source: &Source,
        before: Option<VersionNumber>,
        limit: usize,
    ) -> Result<Vec<Version>, CatalogError> {
        self.told("list versions", self.list_versions(source.id, before, limit).await)
    }

    async fn select(
        &self,
        source: &Source,
        number: VersionNumber,
        reason: &str,
    ) -> Result<Source, CatalogError> {
        self.told("select a version", self.make_current(source, number, reason).await)
    }

    async fn stale(
        &self,
        before: SystemTime,
        limit: usize,
    ) -> Result<Vec<(Source, Version)>, CatalogError> {
        self.told("list stale versions", self.list_stale(before, limit).await)
    }

    async fn retire(&self, version: &Version, message: &str) -> Result<(), CatalogError> {
        self.told("retire a version", self.make_retired(version, message).await)
    }

    async fn remove_version(&self, version: &Version) -> Result<(), CatalogError> {
        self.told("remove a version", self.delete_version(version).await)
    }
}
