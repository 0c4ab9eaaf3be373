//! Secrets of another store, kept for a while.

use std::{
    collections::HashMap,
    error::Error as StdError,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use moka::future::Cache;
use tundra_core::{Secret, SecretError, SecretStore};

use crate::secrets::check_name;

/// How many secrets are kept at most. With the longest values there are, that is 64 MiB.
const MOST: u64 = 1024;

/// Longer is for ever; the cache refuses times of centuries.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// Secrets of another store, kept for a while after they were read.
///
/// Callers who want a secret that is being read wait for that reading and share its result, an error
/// included; an error is not kept. After [`SecretStore::forget`] the store is asked, even when a
/// reading that began before has yet to end. A secret whose time is over stays in memory until the
/// cache is used again.
pub struct CachedSecrets {
    store: Arc<dyn SecretStore>,
    /// By name and by how often the name was forgotten when the reading began.
    kept: Cache<(String, u64), Secret>,
    forgotten: Mutex<HashMap<String, u64>>,
}

impl CachedSecrets {
    /// Keeps the secrets of `store` for `time_to_live`. With no time, only callers who come at once
    /// share a reading.
    pub fn new(store: Arc<dyn SecretStore>, time_to_live: Duration) -> Self {
        let kept =
            Cache::builder().max_capacity(MOST).time_to_live(time_to_live.min(LONGEST)).build();
        Self { store, kept, forgotten: Mutex::default() }
    }

    fn key(&self, name: &str) -> (String, u64) {
        let forgotten = self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
        (name.to_owned(), forgotten.get(name).copied().unwrap_or_default())
    }
}

#[async_trait]
impl SecretStore for CachedSecrets {
    async fn get(&self, name: &str) -> Result<Secret, SecretError> {
        check_name(name)?;
        let read = self.kept.try_get_with(self.key(name), self.store.get(name)).await;
        read.map_err(|error| match Arc::try_unwrap(error) {
            Ok(error) => error,
            Err(shared) => copy(&shared),
        })
    }

    async fn forget(&self, name: &str) {
        self.store.forget(name).await;
        if check_name(name).is_err() {
            return;
        }
        let old = self.key(name);
        *self
            .forgotten
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(name.to_owned())
            .or_default() += 1;
        self.kept.invalidate(&old).await;
    }
}

impl fmt::Debug for CachedSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CachedSecrets").field(&self.store).finish()
    }
}

/// Returns the error for one of several who wait for it.
fn copy(error: &Arc<SecretError>) -> SecretError {
    SecretError {
        name: error.name.clone(),
        reason: error.reason.clone(),
        kind: error.kind,
        retry: error.retry,
        hints: error.hints.clone(),
        source: error.source.is_some().then(|| Box::new(SharedCause(Arc::clone(error))) as _),
    }
}

/// The cause of an error that several have.
struct SharedCause(Arc<SecretError>);

impl fmt::Debug for SharedCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0.source, f)
    }
}

impl fmt::Display for SharedCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.source.as_ref().map_or(Ok(()), |cause| fmt::Display::fmt(cause, f))
    }
}

impl StdError for SharedCause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().and_then(|cause| cause.source())
    }
}
