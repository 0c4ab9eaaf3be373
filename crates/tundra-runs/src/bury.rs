//! Ending the version of one run that is known to be dead.
//!
//! Start at [`Runs::bury`]. A run that merely has not been heard of is none of this module's business: see
//! [`Runs::sweep`].

use tundra_core::{ErrorKind, IdempotencyKey, Reserved, Scope, Source, Version, VersionStatus};

use crate::{RunResult, Runs};

impl Runs {
    /// Ends the version that a run reserved under this key, and removes what it wrote; for whoever saw the
    /// run die. Returns the version as it is now: with the status `error`, or active where the run had come
    /// to its end before it died.
    ///
    /// A run that died before it had reserved a version gets one that failed with the message, so that what
    /// happened is on record under its key. May be called again.
    ///
    /// # Errors
    /// Fails when the catalog does; the version stays pending then, until it is swept. Objects that cannot
    /// be removed are no failure: a collection removes them later.
    pub async fn bury(
        &self,
        source: &Source,
        key: &IdempotencyKey,
        message: &str,
    ) -> RunResult<Version> {
        let version = match self.catalog.reserve(source, Some(key)).await? {
            Reserved::New(version) => version,
            Reserved::Earlier(version) | Reserved::OtherRequest(version) => match version.status {
                VersionStatus::Pending => version,
                VersionStatus::Active | VersionStatus::Error => return Ok(version),
            },
        };
        match self.catalog.fail(&version, message).await {
            Ok(()) => {}
            // Its last call reached the catalog just before ours, or somebody swept it.
            Err(error) if error.kind == ErrorKind::Conflict => {
                let scope = Scope::Tenant(source.tenant.clone());
                let source = self.catalog.source(&scope, source.id).await?;
                return Ok(self.catalog.version(&source, version.number).await?);
            }
            Err(error) => return Err(error.into()),
        }
        if let Err(error) = self.remove_objects(source, version.number).await {
            tracing::warn!(%error, source = %source.id, "could not remove what a dead run wrote");
        }
        Ok(Version {
            status: VersionStatus::Error,
            error_message: Some(Version::message(message).into_owned()),
            ..version
        })
    }
}
