//! Every `ssl_mode` against the real servers, which have TLS and ask for it of some users only, and what
//! becomes of a connection whose certificate is not what was asked for.
//!
//! The servers' certificate is for `localhost`; `127.0.0.1` is the same server under a wrong name.

/// Makes the tests of what is the same with every server. It is used where there are `url`, and
/// `without_tls`, which stands between and takes TLS out of what the server offers.
macro_rules! with_every_server {
    () => {
        with_every_server!(
            takes_tls_as_the_mode_says,
            takes_tls_where_the_server_asks_for_it,
            believes_anybody_below_verify_ca,
            believes_the_authority_that_is_given,
            believes_the_system_where_no_authority_is_given,
            checks_the_name_with_verify_full_only,
            shows_the_client_certificate,
            refuses_certificates_that_cannot_be_used,
        );

        #[tokio::test]
        async fn goes_without_tls_only_where_that_is_allowed() {
            let front = super::start(super::address(&url()), without_tls).await;
            super::goes_without_tls_only_where_that_is_allowed(&url(), front).await;
        }
    };
    ($($behaviour:ident,)+) => {
        $(
            #[tokio::test]
            async fn $behaviour() {
                super::$behaviour(&url()).await;
            }
        )+
    };
}

#[cfg(feature = "mysql")]
mod mariadb;
#[cfg(feature = "postgresql")]
mod postgresql;

use std::{io, net::SocketAddr, path::Path};

use futures::future::BoxFuture;
use tokio::net::{TcpListener, TcpStream};
use tundra_connectors::{AddressPolicy, ConnectionSettings, Pem, SslMode, connector};
use tundra_core::{ConnectorError, ErrorKind, Retry, Secret};
use tundra_test_services::env::{self, BY_CERTIFICATE, BY_TLS};

/// The name that is in the servers' certificate, and one that is not.
const RIGHT_NAME: &str = "localhost";
const WRONG_NAME: &str = "127.0.0.1";

const MODES: [SslMode; 6] = [
    SslMode::Disable,
    SslMode::Allow,
    SslMode::Prefer,
    SslMode::Require,
    SslMode::VerifyCa,
    SslMode::VerifyFull,
];

/// Returns settings of the user who may do everything, under the right name.
fn settings(url: &str, mode: SslMode) -> ConnectionSettings {
    let mut settings = ConnectionSettings::from_url(url).expect("it is a URL");
    settings.addresses = AddressPolicy::PrivateAllowed;
    settings.host = Some(RIGHT_NAME.to_owned());
    settings.ssl_mode = mode;
    settings
}

fn with_user(settings: ConnectionSettings, user: &str) -> ConnectionSettings {
    ConnectionSettings { username: Some(user.to_owned()), ..settings }
}

fn with_name(settings: ConnectionSettings, host: &str) -> ConnectionSettings {
    ConnectionSettings { host: Some(host.to_owned()), ..settings }
}

fn with_ca(settings: ConnectionSettings, ca: &Path) -> ConnectionSettings {
    ConnectionSettings { ca: Some(Pem::File(ca.to_owned())), ..settings }
}

fn with_client(settings: ConnectionSettings, certificate: &Path, key: &Path) -> ConnectionSettings {
    ConnectionSettings {
        client_certificate: Some(Pem::File(certificate.to_owned())),
        client_key: Some(Pem::File(key.to_owned())),
        ..settings
    }
}

/// Connects and returns the version of TLS and the cipher, nothing without TLS.
async fn connect(settings: ConnectionSettings) -> Result<Option<String>, ConnectorError> {
    let facts = connector(settings).expect("the database is built in").test().await?;
    Ok(facts.tls)
}

async fn connects(settings: ConnectionSettings) -> Option<String> {
    let shown = format!("{settings} with {:?}", settings.ssl_mode);
    match connect(settings).await {
        Ok(tls) => tls,
        Err(error) => panic!("{shown}: {error}; {:?}", error.source),
    }
}

/// Returns why there is no connection. The reason shows neither the password nor a key, and what is
/// refused is not tried again.
async fn refused(settings: ConnectionSettings) -> ConnectorError {
    let shown = format!("{settings} with {:?}", settings.ssl_mode);
    let password = settings.password.as_ref().map(|it| it.expose().to_owned());
    match connect(settings).await {
        Ok(tls) => panic!("{shown}: it connects, with {tls:?}"),
        Err(error) => {
            let told = format!("{error} {error:?} {:?}", error.hints);
            assert!(!told.contains(&password.expect("there is one")), "{told}");
            assert!(!told.contains("PRIVATE KEY"), "{told}");
            assert_eq!(error.retry, Retry::Never, "{told}");
            error
        }
    }
}

/// Returns the cause with everything that it says.
fn told(error: &ConnectorError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

async fn takes_tls_as_the_mode_says(url: &str) {
    for (mode, expected) in [
        (SslMode::Disable, false),
        (SslMode::Allow, false),
        (SslMode::Prefer, true),
        (SslMode::Require, true),
    ] {
        let tls = connects(settings(url, mode)).await;
        assert_eq!(tls.is_some(), expected, "{mode:?}: {tls:?}");
        if let Some(facts) = tls {
            assert!(facts.starts_with("TLSv1"), "{facts}");
        }
    }
}

async fn takes_tls_where_the_server_asks_for_it(url: &str) {
    let error = refused(with_user(settings(url, SslMode::Disable), BY_TLS)).await;
    assert_eq!(error.kind, ErrorKind::PermissionDenied, "{error}");
    for mode in [SslMode::Allow, SslMode::Prefer, SslMode::Require] {
        let tls = connects(with_user(settings(url, mode), BY_TLS)).await;
        assert!(tls.is_some(), "{mode:?}");
    }
}

async fn believes_anybody_below_verify_ca(url: &str) {
    for mode in [SslMode::Allow, SslMode::Prefer, SslMode::Require] {
        connects(with_name(settings(url, mode), WRONG_NAME)).await;
    }
    // A CA that is given is asked from `require` on.
    let other = env::tls().unwrap().other_ca;
    connects(with_ca(settings(url, SslMode::Prefer), &other)).await;
    assert_untrusted(&refused(with_ca(settings(url, SslMode::Require), &other)).await);
}

async fn believes_the_authority_that_is_given(url: &str) {
    let tls = env::tls().unwrap();
    for mode in [SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull] {
        let facts = connects(with_ca(settings(url, mode), &tls.ca)).await;
        assert!(facts.is_some(), "{mode:?}");
        assert_untrusted(&refused(with_ca(settings(url, mode), &tls.other_ca)).await);
    }
    // As text instead of a file, and among others.
    let [ca, other] = [&tls.ca, &tls.other_ca].map(|path| std::fs::read_to_string(path).unwrap());
    let bundle = ConnectionSettings {
        ca: Some(Pem::Text(Secret::new(format!("{other}\n{ca}")))),
        ..settings(url, SslMode::VerifyFull)
    };
    connects(bundle).await;
}

async fn believes_the_system_where_no_authority_is_given(url: &str) {
    // No authority of the system vouches for a certificate that was made a moment ago.
    for mode in [SslMode::VerifyCa, SslMode::VerifyFull] {
        assert_untrusted(&refused(settings(url, mode)).await);
    }
}

async fn checks_the_name_with_verify_full_only(url: &str) {
    let ca = env::tls().unwrap().ca;
    for mode in [SslMode::Require, SslMode::VerifyCa] {
        connects(with_ca(with_name(settings(url, mode), WRONG_NAME), &ca)).await;
    }
    let wrong = with_ca(with_name(settings(url, SslMode::VerifyFull), WRONG_NAME), &ca);
    let error = refused(wrong).await;
    assert_untrusted(&error);
    assert!(told(&error).contains("not valid for name"), "{}", told(&error));
}

async fn shows_the_client_certificate(url: &str) {
    let tls = env::tls().unwrap();
    let asked = || with_ca(with_user(settings(url, SslMode::VerifyFull), BY_CERTIFICATE), &tls.ca);
    assert!(connects(with_client(asked(), &tls.client.0, &tls.client.1)).await.is_some());

    // Without it, the server says no.
    let error = refused(asked()).await;
    assert_eq!(error.kind, ErrorKind::PermissionDenied, "{}", told(&error));

    // One for which nobody vouches.
    let other = with_client(asked(), &tls.other_client.0, &tls.other_client.1);
    let error = refused(other).await;
    assert_eq!(error.kind, ErrorKind::Unavailable, "{}", told(&error));
    assert!(told(&error).contains("UnknownCA"), "{}", told(&error));
}

async fn refuses_certificates_that_cannot_be_used(url: &str) {
    let tls = env::tls().unwrap();
    let asked = || settings(url, SslMode::Require);
    let (certificate, key) = (&*tls.client.0, &*tls.client.1);
    let nowhere = Path::new("/nowhere/certificate.pem");
    for (wrong, expected) in [
        (with_ca(asked(), nowhere), "/nowhere/certificate.pem"),
        (with_ca(asked(), key), "CA"),
        (with_client(asked(), certificate, nowhere), "/nowhere/certificate.pem"),
        (with_client(asked(), key, key), "client certificate"),
        (with_client(asked(), certificate, certificate), "client key"),
        // The key of another certificate.
        (with_client(asked(), certificate, &tls.other_client.1), "certificates cannot be used"),
        (ConnectionSettings { client_key: None, ..with_client(asked(), certificate, key) }, "both"),
    ] {
        let error = refused(wrong).await;
        assert_eq!(error.kind, ErrorKind::InvalidRequest, "{}", told(&error));
        assert!(told(&error).contains(expected), "{}", told(&error));
    }
}

/// Asks a server that has no TLS, or that somebody took it from.
async fn goes_without_tls_only_where_that_is_allowed(url: &str, front: SocketAddr) {
    let ca = env::tls().unwrap().ca;
    for mode in MODES {
        let mut asked = with_ca(settings(url, mode), &ca);
        asked.port = Some(front.port());
        match mode {
            SslMode::Disable | SslMode::Allow | SslMode::Prefer => {
                assert_eq!(connects(asked).await, None, "{mode:?}");
            }
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => {
                let error = refused(asked).await;
                assert_eq!(error.kind, ErrorKind::Unsupported, "{}", told(&error));
                assert!(told(&error).contains("the server has no TLS"), "{}", told(&error));
            }
        }
    }
}

#[track_caller]
fn assert_untrusted(error: &ConnectorError) {
    assert_eq!(error.kind, ErrorKind::Unavailable, "{}", told(error));
    assert!(told(error).contains("certificate"), "{}", told(error));
    assert!(error.hints.iter().any(|hint| hint.contains("CA")), "{:?}", error.hints);
}

/// What stands between a client and a server from the first byte to the last.
type Front = fn(TcpStream, TcpStream) -> BoxFuture<'static, io::Result<()>>;

/// Starts what stands before a server.
async fn start(server: SocketAddr, front: Front) -> SocketAddr {
    let listener = TcpListener::bind((WRONG_NAME, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let server = TcpStream::connect(server).await?;
                front(client, server).await
            });
        }
    });
    address
}

/// Returns where the server of a URL is.
fn address(url: &str) -> SocketAddr {
    let place = url.rsplit_once('@').expect("it has a user").1;
    place.split('/').next().and_then(|it| it.parse().ok()).expect("it has an address and a port")
}
