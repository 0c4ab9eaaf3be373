//! Sources, their versions and which one readers see: the [`Catalog`] trait.
//!
//! Nothing here knows how a catalog is kept. Implementations live in `tundra-catalog`.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::{
    error::{Classify, ErrorKind, Retry},
    identity::{SourceId, TenantId, VersionNumber},
};

/// A named origin of one logical table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The source.
    pub id: SourceId,
    /// Who owns it.
    pub tenant: TenantId,
    /// What it is read with: a format's name or a connector's.
    pub connector_type: String,
    /// The version that readers see; `None` before the first.
    pub current_version: Option<VersionNumber>,
}

/// Where a version stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionStatus {
    /// Reserved by a run that has not ended.
    Pending,
    /// Complete and checked.
    Active,
    /// Ended without data.
    Error,
}

/// What is recorded of a version that became active.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionFacts {
    /// Rows written.
    pub rows: u64,
    /// Columns written.
    pub columns: u64,
    /// Size of the data in bytes.
    pub size_bytes: u64,
    /// Seconds from reservation to publication.
    pub seconds: f64,
}

/// A record of sources and their versions.
///
/// # Contract
/// - `(source, version)` is unique: of two reservations at once each gets a number of its own.
/// - A version moves from pending to active or to error, once; whoever comes second is refused
///   with [`ErrorKind::Conflict`].
/// - The current version only moves forward, in the same step that makes a version active.
/// - Every call may be repeated when its answer was lost: the outcome is found by reading.
#[async_trait]
pub trait Catalog: Debug + Send + Sync + 'static {
    /// Returns the source, when the tenant owns it; otherwise [`ErrorKind::NotFound`].
    async fn source(&self, tenant: TenantId, id: SourceId) -> Result<Source, CatalogError>;

    /// Reserves the next version of the source as pending. The same key gives the same version.
    async fn reserve(
        &self,
        source: &Source,
        idempotency_key: Option<&str>,
    ) -> Result<VersionNumber, CatalogError>;

    /// Makes a pending version active and, when it is newer, the current one.
    async fn activate(
        &self,
        source: SourceId,
        version: VersionNumber,
        facts: &VersionFacts,
    ) -> Result<(), CatalogError>;

    /// Ends a pending version as failed, with a message that may be shown to its owner.
    async fn fail(
        &self,
        source: SourceId,
        version: VersionNumber,
        message: &str,
    ) -> Result<(), CatalogError>;

    /// Returns the versions of the source, oldest first.
    async fn versions(
        &self,
        source: SourceId,
    ) -> Result<Vec<(VersionNumber, VersionStatus)>, CatalogError>;
}

/// Why a catalog could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("the catalog could not {operation}: {reason}")]
pub struct CatalogError {
    /// What it was asked, as a verb phrase.
    pub operation: &'static str,
    /// Why not, safe to show.
    pub reason: String,
    /// What sort of failure it is.
    pub kind: ErrorKind,
    /// Whether trying again can help.
    pub retry: Retry,
    /// The cause.
    pub source: Option<crate::BoxError>,
}

impl Classify for CatalogError {
    fn kind(&self) -> ErrorKind {
        self.kind
    }

    fn retry(&self) -> Retry {
        self.retry
    }

    fn hints(&self) -> Vec<String> {
        Vec::new()
    }
}
