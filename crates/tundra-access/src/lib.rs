//! Who asks, and what they may do.
//!
//! Start at [`Authenticator`]: it makes a [`Principal`] of the credentials of a request, or says why not
//! as an [`AccessError`]. What the principal may do, [`Principal::may`] and [`Principal::scope`] say.
//! Credentials are API keys, which are issued here and kept by a [`KeyStore`], and JSON web tokens of
//! Supabase or another issuer, which a [`TokenVerifier`] checks.
//!
//! This crate knows no web framework, no engine, no store and no catalog. It decides, and whoever
//! embeds it answers: with 401, 403 or 503, as [`AccessError::standing`] says.

mod authenticator;
mod credentials;
mod error;
mod keys;
mod principal;
#[cfg(feature = "tokens")]
mod tokens;

#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "sqlite")]
pub use self::keys::SqliteKeys;
#[cfg(feature = "tokens")]
pub use self::tokens::{
    ClaimPath, ClaimPathError, KeySetSettings, MembershipSettings, Memberships, ServiceRole,
    TenantLookup, TenantSource, TokenSettings, TokenSettingsError, TokenVerifier,
};
pub use self::{
    authenticator::{Asking, Authenticator},
    credentials::Credentials,
    error::{AccessError, Standing, TokenFault},
    keys::{
        ApiKey, ApiKeyFault, KeyDigest, KeyId, KeyRecord, KeyState, KeyStore, KeyStoreError,
        MemoryKeys, NewKey, NewKeyError, NoRandomness, issue,
    },
    principal::{Action, Actions, Denied, Principal, UnknownAction, Via},
};
