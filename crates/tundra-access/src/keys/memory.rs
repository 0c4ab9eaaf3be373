//! Keys in the memory of this process, for tests and for embedding programs that keep them elsewhere.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;
use tundra_core::{ErrorKind, Scope};

use super::{
    KeyId, KeyRecord, KeyStore, KeyStoreError, is_visible, no_such_key, to_the_microsecond,
};

/// Keys that are gone when this is dropped.
#[derive(Debug, Default)]
pub struct MemoryKeys(Mutex<BTreeMap<KeyId, KeyRecord>>);

impl MemoryKeys {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<KeyId, KeyRecord>> {
        // Nothing here panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl KeyStore for MemoryKeys {
    fn display(&self) -> String {
        "memory".to_owned()
    }

    async fn add(&self, key: &KeyRecord) -> Result<(), KeyStoreError> {
        let mut keys = self.lock();
        if keys.contains_key(&key.id) {
            let reason = format!("there is a key `{}` already", key.id);
            return Err(KeyStoreError::new("add a key", ErrorKind::AlreadyExists, reason));
        }
        let mut kept = key.clone();
        kept.created_at = to_the_microsecond(kept.created_at);
        for moment in [&mut kept.expires_at, &mut kept.last_used_at, &mut kept.revoked_at] {
            *moment = moment.map(to_the_microsecond);
        }
        keys.insert(key.id.clone(), kept);
        Ok(())
    }

    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, KeyStoreError> {
        Ok(self.lock().get(id).cloned())
    }

    async fn list(
        &self,
        scope: &Scope,
        after: Option<&KeyId>,
        limit: usize,
    ) -> Result<Vec<KeyRecord>, KeyStoreError> {
        let keys = self.lock();
        let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let found = keys.range::<KeyId, _>(behind).map(|(_, key)| key);
        Ok(found
            .filter(|key| is_visible(key.tenant.as_ref(), scope))
            .take(limit)
            .cloned()
            .collect())
    }

    async fn revoke(
        &self,
        scope: &Scope,
        id: &KeyId,
        at: SystemTime,
    ) -> Result<KeyRecord, KeyStoreError> {
        let mut keys = self.lock();
        let key = keys.get_mut(id).filter(|key| is_visible(key.tenant.as_ref(), scope));
        let key = key.ok_or_else(|| no_such_key("revoke a key", id))?;
        key.revoked_at.get_or_insert(to_the_microsecond(at));
        Ok(key.clone())
    }

    async fn touch(&self, id: &KeyId, at: SystemTime) -> Result<(), KeyStoreError> {
        if let Some(key) = self.lock().get_mut(id) {
            key.last_used_at = key.last_used_at.max(Some(to_the_microsecond(at)));
        }
        Ok(())
    }
}
