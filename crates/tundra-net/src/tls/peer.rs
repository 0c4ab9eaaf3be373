//! TLS to a peer that brings its own authorities, as databases do.
//!
//! Start at [`peer_config`]. How much of the certificate is checked is the user's say, because half of
//! the databases of this world have certificates that nobody vouches for; the signature of the handshake
//! is checked in every case.

use std::sync::Arc;

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{
        CertificateDer, PrivateKeyDer, ServerName, UnixTime,
        pem::{Error as PemError, PemObject},
    },
    server::ParsedCertificate,
};
use rustls_platform_verifier::Verifier;

/// What is checked of the peer's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// Nothing: the connection is private, but from whoever answers.
    Nothing,
    /// That an authority vouches for it.
    Authority,
    /// That an authority vouches for it and that it is for the host that was asked for.
    AuthorityAndName,
}

/// What TLS to a peer needs. Certificates and keys are PEM.
#[derive(Clone, Copy)]
pub struct Peer<'a> {
    /// What is checked.
    pub verification: Verification,
    /// The authorities that are believed; those of the system when not given.
    pub authorities: Option<&'a [u8]>,
    /// The certificate with which we show who we are, with those up to its authority, and its key.
    pub client: Option<(&'a [u8], &'a [u8])>,
}

impl std::fmt::Debug for Peer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer")
            .field("verification", &self.verification)
            .field("authorities", &self.authorities.is_some())
            .field("client", &self.client.is_some())
            .finish()
    }
}

/// Why there is no TLS to be had from what was given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// A PEM text cannot be read.
    #[error("the {what} cannot be read as PEM: {reason}")]
    Pem {
        /// Which of them.
        what: &'static str,
        /// Why not; nothing of the text.
        reason: String,
    },

    /// They can be read but not used.
    #[error("the certificates cannot be used")]
    Unusable(#[source] rustls::Error),

    /// An authority is refused.
    #[error("the system's certificates or the CA cannot be used: {0}")]
    Authorities(String),
}

/// Returns TLS by ring for this peer.
///
/// # Errors
/// See [`PeerError`].
pub fn peer_config(peer: &Peer<'_>) -> Result<ClientConfig, PeerError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(PeerError::Unusable)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier(peer, provider)?));
    let Some((certificates, key)) = peer.client else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates_of("client certificate", certificates)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| pem("client key", &error))?;
    builder.with_client_auth_cert(chain, key).map_err(PeerError::Unusable)
}

fn verifier(peer: &Peer<'_>, provider: Arc<CryptoProvider>) -> Result<PeerVerifier, PeerError> {
    let mut authorities = Vec::new();
    let inner: Option<Arc<dyn ServerCertVerifier>> = match (peer.verification, peer.authorities) {
        (Verification::Nothing, _) => None,
        (_, Some(text)) => {
            let mut roots = RootCertStore::empty();
            authorities = certificates_of("CA", text)?;
            for certificate in &authorities {
                roots.add(certificate.clone()).map_err(PeerError::Unusable)?;
            }
            let verifier =
                WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(&provider))
                    .build()
                    .map_err(|error| PeerError::Authorities(error.to_string()))?;
            Some(verifier)
        }
        (_, None) => {
            let verifier = Verifier::new(Arc::clone(&provider)).map_err(PeerError::Unusable)?;
            Some(Arc::new(verifier))
        }
    };
    let name = peer.verification == Verification::AuthorityAndName;
    Ok(PeerVerifier { inner, authorities, name, provider })
}

fn certificates_of(
    what: &'static str,
    text: &[u8],
) -> Result<Vec<CertificateDer<'static>>, PeerError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(text)
        .collect::<Result<_, _>>()
        .map_err(|error| pem(what, &error))?;
    if certificates.is_empty() {
        return Err(PeerError::Pem { what, reason: "there is no certificate in it".to_owned() });
    }
    Ok(certificates)
}

/// The reader's messages quote the text, which may be a key.
fn pem(what: &'static str, error: &PemError) -> PeerError {
    let reason = match error {
        PemError::NoItemsFound => "there is none in it",
        PemError::MissingSectionEnd { .. } => "it is cut off",
        PemError::Base64Decode(_) => "it is damaged",
        _ => "it is not PEM",
    };
    PeerError::Pem { what, reason: reason.to_owned() }
}

/// What webpki says of a certificate that is one of an authority and is shown as that of a server.
const CA_ITSELF: &str = "CaUsedAsEndEntity";

#[derive(Debug)]
struct PeerVerifier {
    /// `None` believes everybody.
    inner: Option<Arc<dyn ServerCertVerifier>>,
    /// The authorities that were given.
    authorities: Vec<CertificateDer<'static>>,
    /// Whether the name counts.
    name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PeerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(inner) = &self.inner else { return Ok(ServerCertVerified::assertion()) };
        match inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is looked at last, when the authority has been found.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.name => Ok(ServerCertVerified::assertion()),
            // It is one of those that were given, byte for byte, as `openssl req -x509` makes one that is its
            // own authority. What it is for is asked only when its time has been found right.
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(error)))
                if error.to_string() == CA_ITSELF && self.authorities.contains(end_entity) =>
            {
                if self.name {
                    verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_certificate_is_refused_without_showing_it() {
        for text in [
            "hunter2",
            "-----BEGIN CERTIFICATE-----\nhunter2",
            "-----BEGIN CERTIFICATE-----\nhunter2!!\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            let peer = Peer {
                verification: Verification::Authority,
                authorities: Some(text.as_bytes()),
                client: None,
            };
            let error = peer_config(&peer).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    /// A certificate for `db.example` that is its own authority, as `openssl req -x509` makes it.
    const OWN: &str = "\
-----BEGIN CERTIFICATE-----
MIIBmTCCAT6gAwIBAgIUALbRDUl1Mlt60JJyIzGIlg1w4WQwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKZGIuZXhhbXBsZTAgFw0yNjExMjEyMDAwNTdaGA8yMTI2MTAy
ODIwMDA1N1owFTETMBEGA1UEAwwKZGIuZXhhbXBsZTBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABI2MCq1FS972/e++VE5uwi+FsMzUbQQsojI/dQ57ZlHUnj/CB1ZS
zKpQsG75IXKvujcEVCNi1IP81CbXeMjABGijajBoMB0GA1UdDgQWBBSKqtaJpn24
83oRuD/yljqf9L+RajAfBgNVHSMEGDAWgBSKqtaJpn2483oRuD/yljqf9L+RajAP
BgNVHRMBAf8EBTADAQH/MBUGA1UdEQQOMAyCCmRiLmV4YW1wbGUwCgYIKoZIzj0E
AwIDSQAwRgIhAOPlVIhRfIhs60sUJKgjOqtJm0XR5FIDCu+7sATdPPy8AiEAvNOt
wxSAkuRG9jeB/X89p3p5B4uQMAci9VjT/j2F9p0=
-----END CERTIFICATE-----";

    /// Another one of the same name.
    const OTHER: &str = "\
-----BEGIN CERTIFICATE-----
MIIBmDCCAT6gAwIBAgIUdA7E9kj3oFUiP7DbtkoLP2rpwAswCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKZGIuZXhhbXBsZTAgFw0yNjExMjEyMDAxMzZaGA8yMTI2MTAy
ODIwMDEzNlowFTETMBEGA1UEAwwKZGIuZXhhbXBsZTBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABDY2/35uZgN5waN72jFMVdOdGRmV69Ho5dcCGwHvGaOLiRzdQp38
86SJJaTA5Mi1juRLGw59dcNP2jQYg8WvlfqjajBoMB0GA1UdDgQWBBT9VUx5SSGR
suEzUvf4oQXY7SK7DzAfBgNVHSMEGDAWgBT9VUx5SSGRsuEzUvf4oQXY7SK7DzAP
BgNVHRMBAf8EBTADAQH/MBUGA1UdEQQOMAyCCmRiLmV4YW1wbGUwCgYIKoZIzj0E
AwIDSAAwRQIhAII3yRtuaAG/JjZ2iODd4pOt7hvldQ01pFvUBdNx35U2AiBM8TXY
JZCoYPYzZT+1AvF52ON/iRMbBhRaYak631/WPA==
-----END CERTIFICATE-----";

    /// In 2030, when it is valid.
    const NOW: UnixTime = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_900_000_000));

    fn shown(
        verification: Verification,
        authority: &str,
        host: &str,
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let peer = Peer { verification, authorities: Some(authority.as_bytes()), client: None };
        let verifier = verifier(&peer, Arc::new(ring::default_provider())).unwrap();
        let certificate = CertificateDer::from_pem_slice(OWN.as_bytes()).unwrap();
        let host = ServerName::try_from(host.to_owned()).unwrap();
        verifier.verify_server_cert(&certificate, &[], &host, &[], now)
    }

    #[test]
    fn a_certificate_that_is_its_own_authority_is_believed_when_it_was_given() {
        use Verification::{Authority, AuthorityAndName};
        shown(AuthorityAndName, OWN, "db.example", NOW).unwrap();
        shown(Authority, OWN, "other.example", NOW).unwrap();
        let error = shown(AuthorityAndName, OWN, "other.example", NOW).unwrap_err();
        let named = rustls::Error::InvalidCertificate(CertificateError::NotValidForName);
        assert!(error == named || error.to_string().contains("other.example"), "{error}");
        let past = UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_000_000_000));
        shown(Authority, OWN, "db.example", past).unwrap_err();
        shown(Authority, OTHER, "db.example", NOW).unwrap_err();
    }

    #[test]
    fn without_verification_no_authority_is_needed() {
        let peer = Peer { verification: Verification::Nothing, authorities: None, client: None };
        assert!(peer_config(&peer).is_ok());
    }
}
