//! Sources, their versions and which one readers see: the [`Catalog`] trait.
//!
//! Nothing here knows how a catalog is kept, and no object is touched: who converts, and who removes
//! what a failed run wrote, is a caller of this trait. Implementations live in `tundra-catalog`; each
//! passes the suite in `tundra_core::testing::catalog`.

mod history;
mod source;
mod standing;
mod version;

use std::{fmt::Debug, time::SystemTime};

use async_trait::async_trait;
use uuid::Uuid;

pub use self::{
    history::{SchemaChange, SchemaDifference, TableColumn, TableSchema},
    source::{NewSource, SchemaRule, Scope, Source, SourceType},
    standing::{BreakerState, CatalogStanding},
    version::{
        IdempotencyKey, IdempotencyKeyError, RequestDigest, RequestDigestError, Reserved, Version,
        VersionFacts, VersionStatus,
    },
};
use crate::{
    error::{Classify, ErrorKind, Retry},
    identity::{SourceId, VersionNumber},
};

/// A record of sources and their versions.
///
/// # Contract
/// - **Numbers.** `(source, number)` is unique, and a number is never used twice while its row is
///   there: of two reservations at once each gets one of its own.
/// - **Once.** A version moves from pending to active or to error, and whoever comes second is refused
///   with [`ErrorKind::Conflict`]. The one way on is [`Catalog::retire`], from active to error.
/// - **Forward.** [`Catalog::activate`] makes a version the current one only when it is newer than the
///   current one. Only [`Catalog::select`] moves it back, and records that it did.
/// - **Gone.** What is done to a version or to a source whose row is not there any more is
///   [`ErrorKind::NotFound`], unless the method says otherwise.
/// - **Lost answers.** A call whose answer was lost is resolved by reading what became of it. Where not
///   even that is possible, the error is [`ErrorKind::Unavailable`] or [`ErrorKind::Timeout`], and the
///   outcome is unknown to the caller too. Every other error means that nothing was changed.
/// - **Tenants.** A source of another tenant is [`ErrorKind::NotFound`], as if it were not there. What
///   takes a [`Source`] or a [`Version`] trusts that it came from a call with a [`Scope`].
/// - **Rows of others.** A row that makes no sense, such as one without a tenant, is
///   [`ErrorKind::InvalidData`] where it is asked for by name, and left out of lists with a warning in
///   the log.
#[async_trait]
pub trait Catalog: Debug + Send + Sync + 'static {
    /// Returns the catalog's place as a person would write it, without credentials.
    fn display(&self) -> String;

    /// Asks for an answer of any kind.
    async fn ping(&self) -> Result<(), CatalogError>;

    /// Returns how the catalog stands with the server behind it, by what it has met so far: it asks nobody,
    /// waits for nothing and changes nothing. A catalog of this machine has no such server.
    fn standing(&self) -> CatalogStanding {
        CatalogStanding::default()
    }

    /// Returns the source.
    async fn source(&self, scope: &Scope, id: SourceId) -> Result<Source, CatalogError>;

    /// Returns the source with this name; [`ErrorKind::Conflict`] when several tenants have one.
    async fn source_named(&self, scope: &Scope, name: &str) -> Result<Source, CatalogError>;

    /// Returns sources by their ids in rising order: those behind `after`, at most `limit`.
    async fn sources(
        &self,
        scope: &Scope,
        after: Option<SourceId>,
        limit: usize,
    ) -> Result<Vec<Source>, CatalogError>;

    /// Adds a source; [`ErrorKind::AlreadyExists`] when its id is taken, or its name by the tenant.
    async fn add_source(&self, source: &NewSource) -> Result<Source, CatalogError>;

    /// Removes a source and the rows of its versions; their objects stay. Nothing happens when it is
    /// not there.
    async fn remove_source(&self, source: &Source) -> Result<(), CatalogError>;

    /// Reserves the next version of the source as pending. A key that was used for this source before
    /// gives the version that was reserved then, whatever became of it. Where the key says what is asked
    /// for, that is kept with it, and [`Reserved::OtherRequest`] tells that it was something else; a
    /// catalog that cannot keep it takes every request under a key for the same.
    async fn reserve(
        &self,
        source: &Source,
        key: Option<&IdempotencyKey>,
    ) -> Result<Reserved, CatalogError>;

    /// Fails with [`ErrorKind::Conflict`] when the version is no longer pending, or is not there.
    async fn check_pending(&self, version: &Version) -> Result<(), CatalogError>;

    /// Makes a pending version active and, when it is newer, the current one.
    ///
    /// Returns the version as it is now. When it was activated by this very call before, of which
    /// the answer was lost, that is no conflict.
    async fn activate(
        &self,
        version: &Version,
        facts: &VersionFacts,
    ) -> Result<Version, CatalogError>;

    /// Ends a pending version as failed, with a message that may be shown to its owner and is kept as
    /// [`Version::message`] makes it. Nothing happens when it has failed already.
    async fn fail(&self, version: &Version, message: &str) -> Result<(), CatalogError>;

    /// Returns the version with this number.
    async fn version(
        &self,
        source: &Source,
        number: VersionNumber,
    ) -> Result<Version, CatalogError>;

    /// Returns the version whose row has this id, and its source.
    async fn version_by_id(
        &self,
        scope: &Scope,
        id: Uuid,
    ) -> Result<(Source, Version), CatalogError>;

    /// Returns the version that was reserved with this key, if one was and its row is there.
    async fn version_by_key(
        &self,
        source: &Source,
        key: &IdempotencyKey,
    ) -> Result<Option<Version>, CatalogError>;

    /// Returns versions of the source, the newest first: those older than `before`, at most `limit`.
    async fn versions(
        &self,
        source: &Source,
        before: Option<VersionNumber>,
        limit: usize,
    ) -> Result<Vec<Version>, CatalogError>;

    /// Makes an active version the current one on purpose, forward or back, and records it with its
    /// reason. [`ErrorKind::Conflict`] when the version is not active, or when the current version is
    /// no longer that of `source`.
    async fn select(
        &self,
        source: &Source,
        number: VersionNumber,
        reason: &str,
    ) -> Result<Source, CatalogError>;

    /// Returns pending versions that were reserved before a moment, of all tenants, the oldest first,
    /// at most `limit`.
    async fn stale(
        &self,
        before: SystemTime,
        limit: usize,
    ) -> Result<Vec<(Source, Version)>, CatalogError>;

    /// Ends an active version that is not the current one, before its objects are removed:
    /// [`ErrorKind::Conflict`] when it is the current one or not active.
    async fn retire(&self, version: &Version, message: &str) -> Result<(), CatalogError>;

    /// Removes the row of a version that ended as failed, after its objects are. Nothing happens
    /// when it is not there; [`ErrorKind::Conflict`] when it is pending or active.
    async fn remove_version(&self, version: &Version) -> Result<(), CatalogError>;
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
    /// What the user can do about it.
    pub hints: Vec<String>,
    /// The cause.
    pub source: Option<crate::BoxError>,
}

impl CatalogError {
    /// Makes an error that trying again does not mend, without a cause.
    pub fn new(operation: &'static str, kind: ErrorKind, reason: impl Into<String>) -> Self {
        Self {
            operation,
            reason: reason.into(),
            kind,
            retry: Retry::Never,
            hints: Vec::new(),
            source: None,
        }
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl Classify for CatalogError {
    fn kind(&self) -> ErrorKind {
        self.kind
    }

    fn retry(&self) -> Retry {
        self.retry
    }

    fn hints(&self) -> Vec<String> {
        self.hints.clone()
    }
}
