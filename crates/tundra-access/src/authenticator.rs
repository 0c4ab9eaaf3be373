//! Finds out who asks: [`Authenticator`].
//!
//! It answers no request and limits no rates. The one moment that it needs comes from the caller, or is
//! read from the system's clock in [`Authenticator::authenticate`] and nowhere else in this crate.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use tundra_core::{Scope, Secret, TenantId};

#[cfg(feature = "tokens")]
use crate::tokens::TokenVerifier;
use crate::{
    credentials::Credentials,
    error::AccessError,
    keys::{ApiKey, KeyId, KeyRecord, KeyState, KeyStore, KeyStoreError},
    principal::{Principal, Via},
};

/// How old the moment of a key's last use may become before it is written anew. Whoever looks for keys
/// that nobody needs any more thinks in days, and a write waits for the disk.
const USE_INTERVAL: Duration = Duration::from_secs(300);

/// How long a request waits for that write, which it does not need.
const USE_PATIENCE: Duration = Duration::from_secs(1);

/// Keys that are looked at at once.
const PAGE: usize = 100;

/// Finds out who asks, by what it was given to find it out with. New, it lets nobody in.
///
/// It needs a runtime of Tokio with time, and for tokens with I/O.
///
/// # Examples
/// ```
/// use std::{sync::Arc, time::SystemTime};
/// use tundra_access::{Action, Actions, Authenticator, Credentials, MemoryKeys, NewKey, issue};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let keys = Arc::new(MemoryKeys::default());
/// let new = NewKey {
///     name: "dashboard".to_owned(),
///     tenant: Some("acme".parse()?),
///     actions: "read".parse()?,
///     expires_at: None,
/// };
/// let (key, _) = issue(&*keys, &new, SystemTime::now()).await?;
///
/// let door = Authenticator::new().with_keys(keys);
/// let shown = Credentials { api_key: Some(key.reveal()), ..Credentials::none() };
/// let principal = door.authenticate(&shown).await?;
/// principal.may(Action::Read)?;
/// assert!(principal.may(Action::Write).is_err());
/// assert!(door.authenticate(&Credentials::none()).await.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Default)]
pub struct Authenticator {
    keys: Option<Arc<dyn KeyStore>>,
    #[cfg(feature = "tokens")]
    tokens: Option<TokenVerifier>,
    /// When the use of a key was written, or was tried to be. Only keys that are let in get here.
    used: Mutex<HashMap<KeyId, SystemTime>>,
    asking: Asking,
}

/// Whether callers are asked who they are. Clones are the same, and once they are asked, they stay so.
#[derive(Debug, Clone)]
pub struct Asking(Arc<AtomicBool>);

impl Default for Asking {
    /// They are.
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Asking {
    /// Returns whether they are.
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn begin(&self) {
        if !self.0.swap(true, Ordering::AcqRel) {
            tracing::info!("there is a key: callers are asked who they are from now on");
        }
    }
}

impl Authenticator {
    /// Returns one that lets nobody in.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets in who has a key of this store.
    #[must_use]
    pub fn with_keys(mut self, keys: Arc<dyn KeyStore>) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Lets in who has a token that this verifier takes.
    #[cfg(feature = "tokens")]
    #[must_use]
    pub fn with_tokens(mut self, tokens: TokenVerifier) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// Asks nobody who they are until there is a key: until then everybody is who runs the service, on the
    /// machine where it runs. A key is seen by [`Authenticator::look_for_keys`], which somebody must call
    /// from time to time, and as soon as it is shown.
    #[must_use]
    pub fn from_the_first_key(mut self) -> Self {
        self.asking = Asking(Arc::new(AtomicBool::new(false)));
        self
    }

    /// Returns whether callers are asked who they are, now and later.
    pub fn asking(&self) -> Asking {
        self.asking.clone()
    }

    /// Looks whether there is a key that lets somebody in, and asks callers from then on.
    ///
    /// # Errors
    /// When the store of keys cannot be asked.
    pub async fn look_for_keys(&self, now: SystemTime) -> Result<(), KeyStoreError> {
        let Some(store) = &self.keys else { return Ok(()) };
        let mut after = None;
        while !self.asking.is_on() {
            let page = store.list(&Scope::All, after.as_ref(), PAGE).await?;
            if page.iter().any(|key| key.state(now) == KeyState::Valid) {
                self.asking.begin();
            }
            if page.len() < PAGE {
                break;
            }
            after = page.last().map(|key| key.id.clone());
        }
        Ok(())
    }

    /// Returns whether anybody can be let in at all.
    pub fn is_set_up(&self) -> bool {
        self.keys.is_some() || self.takes_tokens()
    }

    /// Finds out who shows these credentials, now.
    ///
    /// # Errors
    /// Why they are not let in; see [`AccessError::standing`].
    pub async fn authenticate(&self, shown: &Credentials) -> Result<Principal, AccessError> {
        self.authenticate_at(shown, SystemTime::now()).await
    }

    /// Finds out who shows these credentials at a moment.
    ///
    /// # Errors
    /// As [`Authenticator::authenticate`].
    pub async fn authenticate_at(
        &self,
        shown: &Credentials,
        now: SystemTime,
    ) -> Result<Principal, AccessError> {
        let principal = match self.asking.is_on() {
            false => self.not_asked(shown, now).await,
            true => self.asked(shown, now).await?,
        };
        principal.acting_for(shown.organisation.as_ref())
    }

    async fn asked(&self, shown: &Credentials, now: SystemTime) -> Result<Principal, AccessError> {
        match (&shown.bearer, &shown.api_key) {
            (None, None) => {
                Err(AccessError::Missing { keys: self.keys.is_some(), tokens: self.takes_tokens() })
            }
            (Some(_), Some(_)) => Err(AccessError::Ambiguous),
            (None, Some(key)) => self.by_key(key, now).await,
            // Many clients can send nothing but a bearer token.
            (Some(bearer), None) if ApiKey::is_meant(bearer.expose()) => {
                self.by_key(bearer, now).await
            }
            (Some(bearer), None) => self.by_token(bearer, shown.organisation.as_ref(), now).await,
        }
    }

    /// Returns who a caller is that is not asked. One who shows a key has heard of it before us.
    async fn not_asked(&self, shown: &Credentials, now: SystemTime) -> Principal {
        let shown = [&shown.api_key, &shown.bearer].into_iter().flatten();
        for key in shown.filter(|text| ApiKey::is_meant(text.expose())) {
            if let Ok(principal) = self.by_key(key, now).await {
                self.asking.begin();
                return principal;
            }
        }
        Principal::local()
    }

    async fn by_key(&self, text: &Secret, now: SystemTime) -> Result<Principal, AccessError> {
        let Some(store) = &self.keys else {
            return Err(AccessError::NotAccepted { what: "API keys" });
        };
        let key: ApiKey = text.expose().parse()?;
        let id = key.id().clone();
        let Some(record) = store.find(&id).await?.filter(|record| record.digest.is_of(&key)) else {
            return Err(AccessError::UnknownKey { id });
        };
        match record.state(now) {
            KeyState::Expired => return Err(AccessError::ExpiredKey { id }),
            KeyState::Revoked => return Err(AccessError::RevokedKey { id }),
            KeyState::Valid => {}
        }
        self.remember_use(&**store, &record, now).await;
        Ok(Principal {
            subject: id.to_string(),
            tenant: record.tenant,
            actions: record.actions,
            via: Via::ApiKey,
        })
    }

    /// Writes that the key is used, unless that was written not long ago. A key is valid, whether or not
    /// this can be written.
    async fn remember_use(&self, store: &dyn KeyStore, key: &KeyRecord, now: SystemTime) {
        let is_recent = |moment: SystemTime| {
            now.duration_since(moment).is_ok_and(|passed| passed < USE_INTERVAL)
        };
        if key.last_used_at.is_some_and(is_recent) || !self.is_turn(&key.id, now, is_recent) {
            return;
        }
        let id = key.id.as_str();
        match tokio::time::timeout(USE_PATIENCE, store.touch(&key.id, now)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(key = id, error = %error, "lost the use of a key"),
            Err(_) => tracing::warn!(key = id, "gave up to write the use of a key"),
        }
    }

    /// Returns whether it is this request's to write the use of a key: the first one's in a while, even
    /// where the write fails, so that a full disk does not slow every request.
    fn is_turn(&self, id: &KeyId, now: SystemTime, is_recent: impl Fn(SystemTime) -> bool) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        match used.get(id) {
            Some(moment) if is_recent(*moment) => false,
            _ => {
                used.insert(id.clone(), now);
                true
            }
        }
    }

    #[cfg(feature = "tokens")]
    async fn by_token(
        &self,
        token: &Secret,
        wanted: Option<&TenantId>,
        now: SystemTime,
    ) -> Result<Principal, AccessError> {
        match &self.tokens {
            Some(tokens) => tokens.verify(token, wanted, now).await,
            None => Err(AccessError::NotAccepted { what: "tokens" }),
        }
    }

    #[cfg(not(feature = "tokens"))]
    #[expect(clippy::unused_async, reason = "with the feature `tokens` it waits")]
    async fn by_token(
        &self,
        _token: &Secret,
        _wanted: Option<&TenantId>,
        _now: SystemTime,
    ) -> Result<Principal, AccessError> {
        Err(AccessError::NotAccepted { what: "tokens" })
    }

    #[cfg(feature = "tokens")]
    fn takes_tokens(&self) -> bool {
        self.tokens.is_some()
    }

    #[cfg(not(feature = "tokens"))]
    fn takes_tokens(&self) -> bool {
        false
    }
}
