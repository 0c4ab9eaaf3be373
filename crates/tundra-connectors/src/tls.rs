//! From settings to TLS: what is asked of it, and the certificates read.
//!
//! Whether TLS is tried at all, and what follows when the other side has none, is the protocol's
//! business.

use std::sync::Arc;

use rustls::ClientConfig;
use tundra_net::tls::{Peer, PeerError, Verification, peer_config};

use crate::settings::{ConnectionSettings, Pem, SslMode};

/// Why there is no TLS to be had from the settings.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// A file of certificates cannot be read.
    #[error("`{path}` cannot be read")]
    File {
        /// Its name.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },

    /// A client's certificate without its key, or a key without its certificate.
    #[error("a client certificate needs both `ssl_cert` and `ssl_key`")]
    Half,

    /// What was read cannot be used.
    #[error(transparent)]
    Peer(#[from] PeerError),
}

/// Returns TLS as the settings ask for it; none for [`SslMode::Disable`].
///
/// # Errors
/// See [`TlsError`].
pub(crate) async fn client_config(
    settings: &ConnectionSettings,
) -> Result<Option<Arc<ClientConfig>>, TlsError> {
    let verification = match settings.ssl_mode {
        SslMode::Disable => return Ok(None),
        SslMode::VerifyFull => Verification::AuthorityAndName,
        SslMode::VerifyCa => Verification::Authority,
        // As libpq does it: who names an authority wants it to be asked.
        SslMode::Require if settings.ca.is_some() => Verification::Authority,
        SslMode::Allow | SslMode::Prefer | SslMode::Require => Verification::Nothing,
    };
    let authorities = text(settings.ca.as_ref()).await?;
    let certificate = text(settings.client_certificate.as_ref()).await?;
    let key = text(settings.client_key.as_ref()).await?;
    let client = match (&certificate, &key) {
        (Some(certificate), Some(key)) => Some((certificate.as_slice(), key.as_slice())),
        (None, None) => None,
        _ => return Err(TlsError::Half),
    };
    let peer = Peer { verification, authorities: authorities.as_deref(), client };
    Ok(Some(Arc::new(peer_config(&peer)?)))
}

async fn text(pem: Option<&Pem>) -> Result<Option<Vec<u8>>, TlsError> {
    match pem {
        None => Ok(None),
        Some(Pem::Text(text)) => Ok(Some(text.expose().as_bytes().to_vec())),
        Some(Pem::File(path)) => match tokio::fs::read(path).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(source) => Err(TlsError::File { path: path.display().to_string(), source }),
        },
    }
}
