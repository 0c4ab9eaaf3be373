//! The certificates of the tests, made when they are first needed and never before: an authority that
//! vouches for the servers and for one client, and another one that nobody asked.
//!
//! The servers' certificate is for the name `localhost` and not for the address behind it, so that the
//! same server is reached by a name that is right and by one that is wrong.

use std::{path::Path, sync::OnceLock};

use anyhow::{Context, anyhow};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};

use super::{
    account::Account,
    users::{BY_CERTIFICATE, SERVER_NAME},
};
use crate::env::{
    TUNDRA_TEST_TLS_CA, TUNDRA_TEST_TLS_CLIENT_CERTIFICATE, TUNDRA_TEST_TLS_CLIENT_KEY,
    TUNDRA_TEST_TLS_OTHER_CA, TUNDRA_TEST_TLS_OTHER_CERTIFICATE, TUNDRA_TEST_TLS_OTHER_KEY,
    Variables,
};

/// The files below a server's folder.
pub(super) const CA: &str = "ca.pem";
pub(super) const SERVER_CERTIFICATE: &str = "server.pem";
pub(super) const SERVER_KEY: &str = "server-key.pem";
const OTHER_CA: &str = "other-ca.pem";
const CLIENT_CERTIFICATE: &str = "client.pem";
const CLIENT_KEY: &str = "client-key.pem";
const OTHER_CERTIFICATE: &str = "other-client.pem";
const OTHER_KEY: &str = "other-client-key.pem";

/// Those of one run; each in the form of PEM.
#[derive(Debug)]
pub(super) struct Certificates {
    authority: String,
    other_authority: String,
    server: Signed,
    client: Signed,
    /// As the client's, but the other authority vouches for it.
    other_client: Signed,
}

/// A certificate with its key.
#[derive(Debug)]
struct Signed {
    certificate: String,
    key: String,
}

/// Returns the certificates of this process: one authority vouches for all servers.
///
/// # Errors
/// When the system has no random numbers.
pub(super) fn certificates() -> anyhow::Result<&'static Certificates> {
    static MADE: OnceLock<Result<Certificates, rcgen::Error>> = OnceLock::new();
    let made = MADE.get_or_init(Certificates::make);
    made.as_ref().map_err(|error| anyhow!(error.clone())).context("could not make certificates")
}

impl Certificates {
    fn make() -> Result<Self, rcgen::Error> {
        let authority = make_authority("Tundra's tests")?;
        let other = make_authority("Nobody")?;
        let client = ExtendedKeyUsagePurpose::ClientAuth;
        Ok(Self {
            server: sign(&authority, SERVER_NAME, ExtendedKeyUsagePurpose::ServerAuth)?,
            client: sign(&authority, BY_CERTIFICATE, client.clone())?,
            other_client: sign(&other, BY_CERTIFICATE, client)?,
            authority: authority.pem(),
            other_authority: other.pem(),
        })
    }

    /// Writes all of them into a server's folder, as files of whom it runs as.
    ///
    /// # Errors
    /// When there is no room.
    pub(super) fn write(&self, folder: &Path, account: &Account) -> anyhow::Result<()> {
        let Self { authority, other_authority, server, client, other_client } = self;
        for (name, content) in [
            (CA, authority),
            (OTHER_CA, other_authority),
            (SERVER_CERTIFICATE, &server.certificate),
            (SERVER_KEY, &server.key),
            (CLIENT_CERTIFICATE, &client.certificate),
            (CLIENT_KEY, &client.key),
            (OTHER_CERTIFICATE, &other_client.certificate),
            (OTHER_KEY, &other_client.key),
        ] {
            account.write(&folder.join(name), content)?;
        }
        Ok(())
    }
}

/// Returns the variables that say where a client finds them, in a server's folder.
///
/// # Errors
/// When the folder's name is not UTF-8.
pub(super) fn variables(folder: &Path) -> anyhow::Result<Variables> {
    [
        (TUNDRA_TEST_TLS_CA, CA),
        (TUNDRA_TEST_TLS_OTHER_CA, OTHER_CA),
        (TUNDRA_TEST_TLS_CLIENT_CERTIFICATE, CLIENT_CERTIFICATE),
        (TUNDRA_TEST_TLS_CLIENT_KEY, CLIENT_KEY),
        (TUNDRA_TEST_TLS_OTHER_CERTIFICATE, OTHER_CERTIFICATE),
        (TUNDRA_TEST_TLS_OTHER_KEY, OTHER_KEY),
    ]
    .into_iter()
    .map(|(variable, name)| {
        let path = folder.join(name);
        let path = path.to_str().context("the folder for temporary files has an odd name")?;
        Ok((variable, path.to_owned()))
    })
    .collect()
}

fn make_authority(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

fn sign(
    authority: &CertifiedIssuer<'_, KeyPair>,
    name: &str,
    purpose: ExtendedKeyUsagePurpose,
) -> Result<Signed, rcgen::Error> {
    let mut params = match purpose {
        ExtendedKeyUsagePurpose::ServerAuth => CertificateParams::new([name.to_owned()])?,
        _ => CertificateParams::default(),
    };
    params.distinguished_name = named(name);
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, authority)?.pem();
    Ok(Signed { certificate, key: key.serialize_pem() })
}

fn named(name: &str) -> DistinguishedName {
    let mut named = DistinguishedName::new();
    named.push(DnType::CommonName, name);
    named
}
