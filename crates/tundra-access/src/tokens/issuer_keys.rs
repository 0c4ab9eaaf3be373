//! The keys that an issuer publishes at an address: asked for, and kept for a while. Start at
//! [`IssuerKeys::key`].
//!
//! However many requests need them, they are asked for once at a time, and not again within a few seconds
//! whatever the tokens say: nobody makes us flood the issuer with names of keys that are made up.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use futures::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use reqwest::{
    StatusCode,
    header::{ACCEPT, HeaderValue},
};
use tokio::task::AbortHandle;
use tundra_core::BoxError;
use url::{Host, Url};

use super::{
    key_set::KeySet,
    settings::{KeySetSettings, TokenSettingsError},
    signature::{Algorithm, VerificationKey},
};
use crate::error::{AccessError, TokenFault};

/// The longest document. A key has less than 2 KiB, and issuers have a few.
const LONGEST: usize = 256 << 10;

/// The published keys of one issuer.
#[derive(Debug)]
pub(super) struct IssuerKeys {
    issuer: Arc<Issuer>,
}

#[derive(Debug)]
struct Issuer {
    http: reqwest::Client,
    url: Url,
    settings: KeySetSettings,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    /// When they were asked for last.
    tried_at: Option<SystemTime>,
    /// Why they could not be had, the last time.
    trouble: Option<Arc<Trouble>>,
    /// That they are being asked for.
    flight: Option<(Flight, AbortHandle)>,
}

#[derive(Debug)]
struct Held {
    keys: KeySet,
    fetched_at: SystemTime,
}

/// Ends when keys were asked for, with whatever outcome.
type Flight = Shared<BoxFuture<'static, ()>>;

/// What is known of a key at a moment.
#[derive(Debug)]
enum Known {
    /// It is there, and was there not long ago.
    Fresh(Arc<VerificationKey>),
    /// It was there some time ago.
    Stale {
        key: Arc<VerificationKey>,
        /// Whether it is worth to wait for newer ones.
        may_wait: bool,
    },
    /// Keys are there that can be used, and this is none of them.
    Absent,
    /// No keys are there that can be used.
    Nothing,
}

/// Why keys could not be had.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("nobody answered")]
    Lost(#[source] reqwest::Error),
    #[error("the answer had the status {0}")]
    Status(StatusCode),
    #[error("the answer had more than 256 KiB")]
    TooLong,
    #[error("the answer was no set of keys")]
    NoKeys(#[source] serde_json::Error),
}

impl IssuerKeys {
    /// Makes the client. Nothing is asked yet.
    pub(super) fn new(settings: &KeySetSettings) -> Result<Self, TokenSettingsError> {
        let url = settings.checked_url()?;
        if url.scheme() == "http" && !is_next_door(&url) {
            tracing::warn!(
                host = url.host_str(),
                "the keys of the issuer come over an open connection, where they can be replaced"
            );
        }
        let http = client(&url, settings.connect_timeout, settings.timeout)?;
        let issuer = Issuer { http, url, settings: settings.clone(), state: Mutex::default() };
        Ok(Self { issuer: Arc::new(issuer) })
    }

    /// Returns the key of this name, or without one the only key of the algorithm.
    pub(super) async fn key(
        &self,
        name: Option<&str>,
        algorithm: Algorithm,
        now: SystemTime,
    ) -> Result<Arc<VerificationKey>, AccessError> {
        let before = self.issuer.look(name, algorithm, now);
        let is_wanted = match &before {
            Known::Fresh(key) => return Ok(Arc::clone(key)),
            Known::Stale { may_wait, .. } => *may_wait,
            Known::Absent | Known::Nothing => true,
        };
        let flight = self.refresh(now);
        if let Some(flight) = flight
            && is_wanted
        {
            flight.await;
        }
        let after = self.issuer.look(name, algorithm, now);
        let trouble = self.issuer.lock().trouble.clone();
        match (after, trouble) {
            (Known::Fresh(key) | Known::Stale { key, .. }, _) => Ok(key),
            (Known::Absent, None) => Err(TokenFault::UnknownSigner.into()),
            // It may be a new key, of which nobody can tell us.
            (Known::Absent | Known::Nothing, trouble) => Err(self.issuer.told(trouble)),
        }
    }

    /// Has the keys asked for, unless that was done a moment ago. It goes on when nobody waits for it.
    fn refresh(&self, now: SystemTime) -> Option<Flight> {
        let mut state = self.issuer.lock();
        if let Some((flight, task)) = &state.flight
            && !task.is_finished()
        {
            return Some(flight.clone());
        }
        let interval = self.issuer.settings.min_interval;
        let is_soon = |tried: SystemTime| now.duration_since(tried).is_ok_and(|it| it < interval);
        if state.tried_at.is_some_and(is_soon) {
            return None;
        }
        state.tried_at = Some(now);
        let issuer = Arc::clone(&self.issuer);
        let task = tokio::spawn(async move { issuer.ask(now).await });
        let handle = task.abort_handle();
        let flight = task.map(drop).boxed().shared();
        state.flight = Some((flight.clone(), handle));
        Some(flight)
    }
}

impl Drop for IssuerKeys {
    fn drop(&mut self) {
        if let Some((_, task)) = self.issuer.lock().flight.take() {
            task.abort();
        }
    }
}

impl Issuer {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing here panics half-way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, name: Option<&str>, algorithm: Algorithm, now: SystemTime) -> Known {
        let state = self.lock();
        let Some(held) = &state.held else { return Known::Nothing };
        // A clock that was set back makes keys no older than they are.
        let age = now.duration_since(held.fetched_at).unwrap_or(Duration::ZERO);
        if age >= self.settings.stale_for.max(self.settings.fresh_for) {
            return Known::Nothing;
        }
        match held.keys.find(name, algorithm) {
            None => Known::Absent,
            Some(key) if age < self.settings.fresh_for => Known::Fresh(key),
            Some(key) => {
                // For a while nobody need wait for newer ones; later only while the issuer answers.
                let is_old = age >= 2 * self.settings.fresh_for;
                Known::Stale { key, may_wait: is_old && state.trouble.is_none() }
            }
        }
    }

    async fn ask(&self, now: SystemTime) {
        let answer = self.fetch().await;
        let mut state = self.lock();
        match answer {
            Ok(keys) => {
                tracing::debug!(keys = keys.len(), "read the keys of the issuer");
                state.held = Some(Held { keys, fetched_at: now });
                state.trouble = None;
            }
            Err(trouble) => {
                let url = self.url.as_str();
                tracing::warn!(url, error = %trouble, "could not read the keys of the issuer");
                state.trouble = Some(Arc::new(trouble));
            }
        }
    }

    async fn fetch(&self) -> Result<KeySet, Trouble> {
        let lost = |error: reqwest::Error| Trouble::Lost(error.without_url());
        let request = self.http.get(self.url.clone());
        let request = request.header(ACCEPT, HeaderValue::from_static("application/json"));
        let mut response = request.send().await.map_err(lost)?;
        if response.status() != StatusCode::OK {
            return Err(Trouble::Status(response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > LONGEST {
                return Err(Trouble::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        KeySet::read(&body).map_err(Trouble::NoKeys)
    }

    fn told(&self, trouble: Option<Arc<Trouble>>) -> AccessError {
        let reason = format!("the keys at `{}` cannot be read", self.url);
        AccessError::Issuer { reason, source: trouble.map(BoxError::from) }
    }
}

/// Makes what an address is asked with.
pub(super) fn client(
    url: &Url,
    connect_timeout: Duration,
    timeout: Duration,
) -> Result<reqwest::Client, TokenSettingsError> {
    let unusable = |reason: &str| TokenSettingsError::new(reason, "look at the system's log");
    let tls = tundra_net::tls::config()
        .map_err(|error| unusable("there are no certificates").with_cause(error))?;
    let mut http = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("tundra/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect_timeout)
        .timeout(timeout)
        // Whoever answers for another address could sign for it, or would be shown a token.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never());
    if is_next_door(url) {
        http = http.no_proxy();
    }
    http.build().map_err(|error| unusable("there is no HTTP client").with_cause(error))
}

/// Returns whether no proxy can be meant.
pub(super) fn is_next_door(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::from(ip).is_loopback(),
        None => false,
    }
}
