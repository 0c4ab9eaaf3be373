//! Ending what dead runs left pending.

use std::{
    convert::Infallible,
    time::{Duration, SystemTime},
};

use tundra_core::{ErrorKind, Source, VersionNumber};

use crate::{RunResult, Runs};

/// Versions that are asked for at once.
const BATCH: usize = 100;

/// What a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sweep {
    /// The versions that were ended.
    pub swept: Vec<SweptVersion>,
    /// Versions that could not be ended, or whose objects could not be removed; a warning in the log
    /// says why, and the next sweep or collection tries again.
    pub failed: usize,
}

/// A version that was ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweptVersion {
    /// Its source.
    pub source: Source,
    /// Its number.
    pub version: VersionNumber,
    /// Objects that were removed.
    pub objects: usize,
}

impl Runs {
    /// Ends the versions of all tenants that have been pending for longer than `limit`, and removes what
    /// they wrote. A run that is alive but slower than the limit fails then and publishes nothing.
    ///
    /// May be called at any time, and by several processes at once.
    ///
    /// # Errors
    /// Fails when the catalog cannot be asked. A version that cannot be ended does not keep the others.
    pub async fn sweep(&self, limit: Duration) -> RunResult<Sweep> {
        let mut sweep = Sweep::default();
        let before = SystemTime::now().checked_sub(limit).unwrap_or(SystemTime::UNIX_EPOCH);
        let message = format!("no end was reported within {}: swept", shown(limit));
        loop {
            let stale = self.catalog.stale(before, BATCH).await?;
            let (count, failed_before) = (stale.len(), sweep.failed);
            for (source, version) in stale {
                match self.catalog.fail(&version, &message).await {
                    Ok(()) => {}
                    // Its run ended it meanwhile, or another sweeper did.
                    Err(error) if error.kind == ErrorKind::Conflict => continue,
                    Err(error) => {
                        tracing::warn!(%error, source = %source.id, "could not end a stale version");
                        sweep.failed += 1;
                        continue;
                    }
                }
                match self.remove_objects(&source, version.number).await {
                    Ok(objects) => {
                        sweep.swept.push(SweptVersion { source, version: version.number, objects });
                    }
                    Err(error) => {
                        tracing::warn!(%error, source = %source.id, "could not remove its objects");
                        sweep.failed += 1;
                    }
                }
            }
            // Those that failed would come again for ever.
            if count < BATCH || sweep.failed > failed_before {
                return Ok(sweep);
            }
        }
    }

    /// Sweeps at once and again each time that `every` has passed, until the future is dropped: what a
    /// service does beside its runs. A sweep that fails is told in the log, and the next one tries again.
    pub async fn sweep_forever(&self, limit: Duration, every: Duration) -> Infallible {
        loop {
            match self.sweep(limit).await {
                Ok(sweep) if sweep.swept.is_empty() => {}
                Ok(sweep) => tracing::info!(versions = sweep.swept.len(), "ended stale versions"),
                Err(error) => tracing::warn!(%error, "could not look for stale versions"),
            }
            tokio::time::sleep(every).await;
        }
    }

    /// Removes the objects of a version that no longer counts, and returns how many there were.
    pub(crate) async fn remove_objects(
        &self,
        source: &Source,
        version: VersionNumber,
    ) -> RunResult<usize> {
        let shelf = self.warehouse.of(&source.tenant)?;
        let below = self.warehouse.layout().directories_of(&source.tenant, source.id, version)?;
        let removed = shelf.remove_below(&below).await;
        removed.map_err(crate::RunError::storage("could not remove the objects of a version"))
    }
}

/// Returns a time as a person would say it.
fn shown(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        60.. if seconds.is_multiple_of(60) => format!("{} minutes", seconds / 60),
        _ => format!("{seconds} seconds"),
    }
}
