//! API keys: how they are issued, and where they are kept. Start at [`issue`] and [`KeyStore`].
//!
//! What is kept of a key lets nobody in: its secret is there as a digest only. Nothing here decides
//! whether a request is let in; the authenticator does, by what a store says of a key.

mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;
mod text;

use std::{
    fmt::Debug,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use tundra_core::{Classify, ErrorKind, Retry, Scope, TenantId};

#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteKeys;
pub use self::{
    memory::MemoryKeys,
    text::{ApiKey, ApiKeyFault, KeyDigest, KeyId, NoRandomness},
};
use crate::principal::{Action, Actions};

/// What is kept of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// The key.
    pub id: KeyId,
    /// The digest of its secret.
    pub digest: KeyDigest,
    /// What people call it. It need not be unique.
    pub name: String,
    /// The organisation that it acts for; `None` for all of them.
    pub tenant: Option<TenantId>,
    /// What it may do.
    pub actions: Actions,
    /// When it was made.
    pub created_at: SystemTime,
    /// From when on it is of no use any more; `None` for never.
    pub expires_at: Option<SystemTime>,
    /// When it was used last, or some minutes before that; `None` for never.
    pub last_used_at: Option<SystemTime>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<SystemTime>,
}

/// Whether a key is of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It is.
    Valid,
    /// Its time is over.
    Expired,
    /// Somebody has revoked it.
    Revoked,
}

/// A key to be issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// What people call it: 1 to 100 characters, none of them a control character.
    pub name: String,
    /// The organisation that it acts for; `None` for all of them.
    pub tenant: Option<TenantId>,
    /// What it may do: at least one thing.
    pub actions: Actions,
    /// From when on it is of no use any more; `None` for never.
    pub expires_at: Option<SystemTime>,
}

/// A place where keys are kept.
///
/// # Contract
/// - **Moments** are kept to the microsecond.
/// - **At once.** What a call has answered is seen by every call that begins after it, in other
///   processes too: a key that was revoked lets nobody in any more.
/// - **Once.** An id is never given to a second key, and a revoked key is never valid again.
/// - **Tenants.** What a scope does not include is not there. Keys for all organisations are seen by
///   [`Scope::All`] only.
/// - **Repeating.** [`KeyStore::revoke`] and [`KeyStore::touch`] may be repeated; of
///   [`KeyStore::add`] the second is refused.
#[async_trait]
pub trait KeyStore: Debug + Send + Sync + 'static {
    /// Returns the store's place as a person would write it.
    fn display(&self) -> String;

    /// Adds a key; [`ErrorKind::AlreadyExists`] when its id is taken.
    async fn add(&self, key: &KeyRecord) -> Result<(), KeyStoreError>;

    /// Returns the key with this id, valid or not; `None` when there is none.
    async fn find(&self, id: &KeyId) -> Result<Option<KeyRecord>, KeyStoreError>;

    /// Returns keys by their ids in rising order: those behind `after`, at most `limit`.
    async fn list(
        &self,
        scope: &Scope,
        after: Option<&KeyId>,
        limit: usize,
    ) -> Result<Vec<KeyRecord>, KeyStoreError>;

    /// Revokes a key and returns it; [`ErrorKind::NotFound`] when there is none. One that is revoked
    /// stays revoked as of the first time.
    async fn revoke(
        &self,
        scope: &Scope,
        id: &KeyId,
        at: SystemTime,
    ) -> Result<KeyRecord, KeyStoreError>;

    /// Remembers that a key was used, unless it was used later too. Nothing happens when there is none.
    async fn touch(&self, id: &KeyId, at: SystemTime) -> Result<(), KeyStoreError>;
}

/// Why a store of keys could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("the store of keys could not {operation}: {reason}")]
pub struct KeyStoreError {
    /// What it was asked, as a verb phrase.
    pub operation: &'static str,
    /// Why not, safe to show to whoever runs the service.
    pub reason: String,
    /// What sort of failure it is.
    pub kind: ErrorKind,
    /// Whether trying again can help.
    pub retry: Retry,
    /// What can be done about it.
    pub hints: Vec<String>,
    /// The cause.
    pub source: Option<tundra_core::BoxError>,
}

/// Why a key was not issued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NewKeyError {
    /// What was asked for makes no sense.
    #[error("{reason}")]
    Invalid {
        /// What is wrong.
        reason: String,
        /// The way out.
        hint: &'static str,
    },
    /// No key could be made.
    #[error("no key could be made")]
    Randomness(#[source] NoRandomness),
    /// It could not be kept.
    #[error(transparent)]
    Store(#[from] KeyStoreError),
}

/// Makes a key, keeps what is to be kept of it, and returns it for the one time that it is shown.
///
/// # Errors
/// When the name, the actions or the expiry make no sense, or the store refuses.
///
/// # Examples
/// ```
/// use std::time::SystemTime;
/// use tundra_access::{Actions, MemoryKeys, NewKey, issue};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let keys = MemoryKeys::default();
/// let new = NewKey {
///     name: "nightly export".to_owned(),
///     tenant: Some("acme".parse()?),
///     actions: Actions::MEMBER,
///     expires_at: None,
/// };
/// let (key, record) = issue(&keys, &new, SystemTime::now()).await?;
/// assert!(key.reveal().expose().starts_with("tnd_"));
/// assert_eq!(&record.id, key.id());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub async fn issue(
    store: &dyn KeyStore,
    new: &NewKey,
    now: SystemTime,
) -> Result<(ApiKey, KeyRecord), NewKeyError> {
    new.check(now)?;
    let key = ApiKey::generate().map_err(NewKeyError::Randomness)?;
    let record = KeyRecord {
        id: key.id().clone(),
        digest: key.digest(),
        name: new.name.clone(),
        tenant: new.tenant.clone(),
        actions: new.actions,
        created_at: to_the_microsecond(now),
        expires_at: new.expires_at.map(to_the_microsecond),
        last_used_at: None,
        revoked_at: None,
    };
    store.add(&record).await?;
    Ok((key, record))
}

impl KeyRecord {
    /// Returns whether the key is of use at this moment.
    pub fn state(&self, now: SystemTime) -> KeyState {
        if self.revoked_at.is_some() {
            // Even if it says a moment to come: clocks differ, and whoever revokes a key means now.
            return KeyState::Revoked;
        }
        match self.expires_at {
            Some(end) if end <= now => KeyState::Expired,
            _ => KeyState::Valid,
        }
    }
}

impl NewKey {
    fn check(&self, now: SystemTime) -> Result<(), NewKeyError> {
        const LONGEST_NAME: usize = 100;
        let invalid =
            |reason: &str, hint| Err(NewKeyError::Invalid { reason: reason.to_owned(), hint });
        let length = self.name.chars().count();
        if self.name.trim().is_empty() || length > LONGEST_NAME {
            let reason = format!("the name has {length} characters, not 1 to {LONGEST_NAME}");
            return invalid(&reason, "say in a few words what the key is for");
        }
        if self.name.chars().any(char::is_control) {
            return invalid("the name has a control character", "write it on one line");
        }
        if self.actions.is_empty() {
            return invalid("the key may do nothing", "name at least one action, such as `read`");
        }
        if self.tenant.is_some() && self.actions.contains(Action::Operate) {
            return invalid(
                "a key of one organisation cannot operate the service",
                "leave out the action `operate`, or make the key for all organisations",
            );
        }
        if self.expires_at.is_some_and(|end| end <= now) {
            return invalid("the key would be of no use: its time is over", "name a later moment");
        }
        Ok(())
    }
}

impl KeyStoreError {
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

    /// Adds what can be done about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl Classify for KeyStoreError {
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

impl Classify for NewKeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid { .. } => ErrorKind::InvalidRequest,
            Self::Randomness(_) => ErrorKind::Unavailable,
            Self::Store(error) => error.kind,
        }
    }

    fn retry(&self) -> Retry {
        match self {
            Self::Invalid { .. } => Retry::Never,
            Self::Randomness(_) => Retry::Later,
            Self::Store(error) => error.retry,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Invalid { hint, .. } => vec![(*hint).to_owned()],
            Self::Randomness(_) => Vec::new(),
            Self::Store(error) => error.hints.clone(),
        }
    }
}

/// Returns the error for a key that is not there, or not for whoever asks.
pub(crate) fn no_such_key(operation: &'static str, id: &KeyId) -> KeyStoreError {
    KeyStoreError::new(operation, ErrorKind::NotFound, format!("there is no key `{id}`"))
}

/// Returns whether a key is there for whoever asks.
pub(crate) fn is_visible(tenant: Option<&TenantId>, scope: &Scope) -> bool {
    match (scope, tenant) {
        (Scope::All, _) => true,
        (Scope::Tenant(_), None) => false,
        (scope, Some(tenant)) => scope.includes(tenant),
    }
}

/// Returns a moment as precisely as a store keeps it; what is before 1970 counts as its first.
pub(crate) fn to_the_microsecond(moment: SystemTime) -> SystemTime {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
    SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new_key() -> NewKey {
        NewKey {
            name: "nightly".to_owned(),
            tenant: Some("acme".parse().unwrap()),
            actions: Actions::MEMBER,
            expires_at: None,
        }
    }

    #[tokio::test]
    async fn a_key_that_makes_no_sense_is_not_issued() {
        let (keys, now) = (MemoryKeys::default(), SystemTime::now());
        let long = "x".repeat(101);
        let named = |name: &str| NewKey { name: name.to_owned(), ..new_key() };
        for new in [
            named(""),
            named("  "),
            named(&long),
            named("a\nb"),
            NewKey { actions: Actions::NONE, ..new_key() },
            NewKey { actions: Actions::ALL, ..new_key() },
            NewKey { expires_at: Some(now), ..new_key() },
        ] {
            let error = issue(&keys, &new, now).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{new:?}");
            assert!(!error.hints().is_empty(), "{error}");
        }
        assert!(keys.list(&Scope::All, None, 10).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_key_that_was_issued_is_kept_without_its_secret() {
        let (keys, now) = (MemoryKeys::default(), SystemTime::now());
        let everywhere = NewKey { tenant: None, actions: Actions::ALL, ..new_key() };
        for new in [new_key(), everywhere] {
            let (key, record) = issue(&keys, &new, now).await.unwrap();
            assert!(record.digest.is_of(&key));
            assert_eq!(keys.find(key.id()).await.unwrap(), Some(record));
        }
    }

    #[tokio::test]
    async fn a_key_ends_at_its_expiry_and_when_it_is_revoked() {
        let now = SystemTime::now();
        let end = now + Duration::from_secs(60);
        let new = NewKey { expires_at: Some(end), ..new_key() };
        let (_, record) = issue(&MemoryKeys::default(), &new, now).await.unwrap();
        assert_eq!(record.state(now), KeyState::Valid);
        assert_eq!(record.state(end), KeyState::Expired);
        let revoked = KeyRecord { revoked_at: Some(end), ..record };
        assert_eq!(revoked.state(now), KeyState::Revoked);
    }
}
