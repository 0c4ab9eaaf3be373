//! The TLS of every client of this crate.
//!
//! Nothing is installed for the whole process, which belongs to whoever embeds us.

use std::sync::Arc;

use rustls::{ClientConfig, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;

/// Returns TLS by ring with the certificates that the system trusts.
pub(crate) fn config() -> Result<ClientConfig, rustls::Error> {
    Ok(ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth())
}
