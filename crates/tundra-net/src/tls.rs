//! The TLS of every client: [`config`] for HTTP, [`peer_config`] for databases.
//!
//! Nothing is installed for the whole process, which belongs to whoever embeds us; what of Google's
//! client needs that stands where it is used, in `tundra-catalog`.

mod peer;

use std::sync::Arc;

use rustls::{ClientConfig, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt;

pub use self::peer::{Peer, PeerError, Verification, peer_config};

/// Returns TLS by ring with the certificates that the system trusts.
///
/// # Errors
/// When the system has no certificates that can be read.
pub fn config() -> Result<ClientConfig, rustls::Error> {
    Ok(ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth())
}
