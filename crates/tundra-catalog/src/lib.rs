//! Catalogs of sources and versions, and stores of secrets.
//!
//! Each is a feature of its own: [`SqliteCatalog`] keeps everything in one file of this machine,
//! [`SupabaseCatalog`] asks a PostgREST. The traits that they implement stand in `tundra-core`: [`tundra_core::Catalog`], in which a version
//! becomes visible once and only forward, and [`tundra_core::SecretStore`].
//!
//! This crate knows no engine and no object store: it depends on `tundra-core` without that crate's
//! feature `engine`, so that it builds and is tested without DuckDB.

mod secrets;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "supabase")]
mod supabase;
#[cfg(any(feature = "google", feature = "supabase"))]
mod upstream;

pub use self::secrets::{
    CachedSecrets, DEFAULT_SECRETS_FILE, EnvironmentSecrets, FileSecrets, SecretChain,
    SecretSettings,
};
#[cfg(feature = "google")]
pub use self::secrets::{GoogleCredentials, GoogleSecrets, GoogleSettings};
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteCatalog;
#[cfg(feature = "supabase")]
pub use self::supabase::{SUPABASE_MIGRATIONS, SupabaseCatalog, SupabaseSettings};
#[cfg(any(feature = "google", feature = "supabase"))]
pub use self::upstream::{BreakerSettings, UpstreamSettings};
