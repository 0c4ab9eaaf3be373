//! Loading a driver, and what it is told of the database.
//!
//! A driver for PostgreSQL resolves names itself, so it is given the address that was judged and reached
//! a moment before, and the name only for the certificate.

use std::{borrow::Cow, fmt::Write, net::IpAddr, path::Path};

use adbc_core::{
    Driver, LOAD_FLAG_DEFAULT,
    error::{Error, Status},
    options::{AdbcVersion, OptionDatabase, OptionValue},
};
use adbc_driver_manager::{ManagedDatabase, ManagedDriver};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tundra_core::{ConnectorError, ErrorKind};

use super::{
    AdbcDriver, Place,
    failure::{failed, refused},
};
use crate::{
    address::{self, AddressError},
    settings::{ConnectionSettings, Pem, SslMode},
};

const LOAD: &str = "load the driver";
const CONNECT: &str = "connect";

/// Loads a driver. It blocks, and runs code of the library.
pub(super) fn load(driver: &AdbcDriver) -> Result<ManagedDriver, ConnectorError> {
    let AdbcDriver { name, entrypoint } = driver;
    let missing = |reason: &str| {
        refused(
            LOAD,
            ErrorKind::NotFound,
            format!("`{name}` cannot be loaded: {}", reason.trim()),
            &[
                "name the driver by the path of its library or manifest, or install it where ADBC looks",
            ],
        )
    };
    // A path is one from here, and not looked for elsewhere.
    let path = if name.contains('/') {
        Cow::Owned(std::path::absolute(name).map_err(|error| missing(&error.to_string()))?)
    } else {
        Cow::Borrowed(Path::new(name))
    };
    let load = |version| {
        let entrypoint = entrypoint.as_deref().map(str::as_bytes);
        ManagedDriver::load_from_name(&*path, entrypoint, version, LOAD_FLAG_DEFAULT, None)
    };
    match load(AdbcVersion::V110) {
        // An old one, which has no cancellation.
        Err(Error { status: Status::NotImplemented, .. }) => load(AdbcVersion::V100),
        loaded => loaded,
    }
    .map_err(|error| missing(&error.message))
}

/// What a driver is told, and what of it nobody may see.
pub(super) struct Options {
    pairs: Vec<(String, String)>,
    pub(super) secrets: Vec<String>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.pairs.iter().map(|(name, _)| name).collect();
        f.debug_struct("Options").field("names", &names).finish_non_exhaustive()
    }
}

impl Options {
    /// Finds out what to tell it.
    pub(super) async fn of(place: &Place) -> Result<Self, ConnectorError> {
        let settings = match place {
            Place::Known(settings) => settings,
            Place::Options(options) => {
                let pairs = options.iter().map(|(name, value)| (name, value.expose()));
                let pairs: Vec<_> =
                    pairs.map(|(name, value)| (name.clone(), value.to_owned())).collect();
                let secrets = pairs.iter().map(|(_, value)| value.clone()).collect();
                return Ok(Self { pairs, secrets });
            }
        };
        check(settings)?;
        let address = reach(settings).await?;
        let uri = uri(settings, address);
        let password = settings.password.as_ref().map(|it| it.expose().to_owned());
        let mut secrets = vec![uri.clone()];
        if let Some(password) = password {
            secrets.push(encoded(&password));
            secrets.push(password);
        }
        Ok(Self { pairs: vec![("uri".to_owned(), uri)], secrets })
    }

    /// Opens the database, which connects to nothing yet in most drivers. It blocks.
    pub(super) fn open(
        &self,
        mut driver: ManagedDriver,
    ) -> Result<ManagedDatabase, ConnectorError> {
        let pairs = self.pairs.iter().map(|(name, value)| {
            (OptionDatabase::from(name.as_str()), OptionValue::String(value.clone()))
        });
        let database = driver.new_database_with_opts(pairs);
        database.map_err(|error| failed(CONNECT, &error, &self.secrets))
    }
}

/// Refuses settings that a driver cannot be told, so that none is left out silently.
pub(super) fn check(settings: &ConnectionSettings) -> Result<(), ConnectorError> {
    let unsupported =
        |reason: &str, hint: &str| Err(refused(CONNECT, ErrorKind::Unsupported, reason, &[hint]));
    if settings.ssh.is_some() {
        return unsupported(
            "a driver connects by itself, and knows no tunnel through SSH",
            "read without a driver",
        );
    }
    let pems = [&settings.ca, &settings.client_certificate, &settings.client_key];
    if pems.into_iter().any(|pem| matches!(pem, Some(Pem::Text(_)))) {
        return unsupported(
            "the driver takes certificates and keys as files only",
            "name files, or read without a driver",
        );
    }
    if settings.ssl_mode == SslMode::VerifyCa && settings.ca.is_none() {
        return unsupported(
            "the driver asks the system's authorities only with `verify-full`",
            "set `ssl_mode` to `verify-full`, or name a CA with `ssl_ca`",
        );
    }
    if settings.client_certificate.is_some() != settings.client_key.is_some() {
        let reason = "a client certificate needs both `ssl_cert` and `ssl_key`";
        return Err(refused(CONNECT, ErrorKind::InvalidRequest, reason, &[]));
    }
    Ok(())
}

/// Returns an address of the host that answers and that may be connected to; none for a socket.
async fn reach(settings: &ConnectionSettings) -> Result<Option<IpAddr>, ConnectorError> {
    let Some(host) = settings.host.as_deref() else {
        return Err(refused(CONNECT, ErrorKind::InvalidRequest, "the host is not given", &[]));
    };
    if settings.is_socket() {
        if !settings.sockets_allowed {
            let reason = "Unix sockets are not allowed here";
            return Err(refused(CONNECT, ErrorKind::PermissionDenied, reason, &[]));
        }
        return Ok(None);
    }
    let within = settings.connect_timeout;
    let unreached = |error: AddressError| {
        let kind = match &error {
            AddressError::Refused { .. } => ErrorKind::PermissionDenied,
            AddressError::Timeout { .. } => ErrorKind::Timeout,
            AddressError::Name { .. } | AddressError::Connect { .. } => ErrorKind::Unavailable,
        };
        ConnectorError {
            source: Some(error.into()),
            ..refused(CONNECT, kind, "the server cannot be reached", &[])
        }
    };
    let stream = address::connect(host, settings.port(), settings.addresses, within).await;
    let address = stream.map_err(unreached)?.peer_addr();
    match address {
        Ok(address) => Ok(Some(address.ip())),
        Err(error) => Err(unreached(AddressError::Name { host: host.to_owned(), source: error })),
    }
}

/// Returns the settings as libpq reads them, with the address that is connected to.
fn uri(settings: &ConnectionSettings, address: Option<IpAddr>) -> String {
    let mut uri = "postgresql://?".to_owned();
    let mut set = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = write!(uri, "{name}={}&", encoded(value));
    };
    set("host", settings.host.as_deref().unwrap_or_default());
    if let Some(address) = address {
        set("hostaddr", &address.to_string());
    }
    set("port", &settings.port().to_string());
    for (name, value) in [("user", &settings.username), ("dbname", &settings.database)] {
        if let Some(value) = value {
            set(name, value);
        }
    }
    // Given even if it is empty, or libpq looks for one in places of its own.
    set("password", settings.password.as_ref().map_or("", |it| it.expose()));
    set("connect_timeout", &settings.connect_timeout.as_secs().max(2).to_string());
    set("application_name", "tundra");
    set("client_encoding", "UTF8");
    let mode = match settings.ssl_mode {
        SslMode::Disable => "disable",
        SslMode::Allow => "allow",
        SslMode::Prefer => "prefer",
        SslMode::Require => "require",
        SslMode::VerifyCa => "verify-ca",
        SslMode::VerifyFull => "verify-full",
    };
    set("sslmode", mode);
    let file = |pem: &Option<Pem>| match pem {
        Some(Pem::File(path)) => path.to_str().map(str::to_owned),
        _ => None,
    };
    match (file(&settings.ca), settings.ssl_mode) {
        (Some(path), _) => set("sslrootcert", &path),
        (None, SslMode::VerifyFull) => set("sslrootcert", "system"),
        (None, _) => {}
    }
    for (name, pem) in [("sslcert", &settings.client_certificate), ("sslkey", &settings.client_key)]
    {
        if let Some(path) = file(pem) {
            set(name, &path);
        }
    }
    uri.pop();
    uri
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::AddressPolicy;

    #[test]
    fn the_driver_is_given_the_address_and_everything_else_encoded() {
        let text = "postgresql://an%26a:p%20%26host=evil@db.example.com:6432/d?sslmode=verify-full";
        let settings = ConnectionSettings::from_url(text).unwrap();
        let address = Some("192.0.2.7".parse().unwrap());
        assert_eq!(
            uri(&settings, address),
            "postgresql://?host=db%2Eexample%2Ecom&hostaddr=192%2E0%2E2%2E7&port=6432&user=an%26a\
             &dbname=d&password=p%20%26host%3Devil&connect_timeout=15&application_name=tundra\
             &client_encoding=UTF8&sslmode=verify%2Dfull&sslrootcert=system"
        );
    }

    #[test]
    fn what_a_driver_cannot_be_told_is_refused() {
        for (text, kind) in [
            ("postgresql://h/d?sslmode=verify-ca", ErrorKind::Unsupported),
            ("postgresql://h/d?sslrootcert=-----BEGIN", ErrorKind::Unsupported),
            ("postgresql://h/d?sslkey=/a", ErrorKind::InvalidRequest),
        ] {
            let settings = ConnectionSettings::from_url(text).unwrap();
            assert_eq!(check(&settings).unwrap_err().kind, kind, "{text}");
        }
    }

    #[tokio::test]
    async fn a_driver_is_told_nothing_of_an_address_that_may_not_be_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["127.0.0.1", "localhost", "%5B::ffff:127.0.0.1%5D", "2130706433", "0x7f000001"]
        {
            let text = format!("postgresql://u@{host}:{port}/d");
            let Ok(mut settings) = ConnectionSettings::from_url(&text) else { continue };
            settings.addresses = AddressPolicy::PublicOnly;
            let error = Options::of(&Place::Known(Box::new(settings))).await.unwrap_err();
            let is_refused =
                [ErrorKind::PermissionDenied, ErrorKind::Unavailable].contains(&error.kind);
            assert!(is_refused, "{host}: {error:?}");
        }
        let mut settings =
            ConnectionSettings::from_url(&format!("postgresql://u@localhost:{port}/d")).unwrap();
        settings.addresses = AddressPolicy::PrivateAllowed;
        let options = Options::of(&Place::Known(Box::new(settings))).await.unwrap();
        // Whatever the name means by then, this is where it goes.
        let (_, uri) = &options.pairs[0];
        assert!(uri.contains("hostaddr=127%2E0%2E0%2E1&"), "{uri}");
    }

    #[test]
    fn a_driver_that_is_missing_is_named() {
        for name in ["adbc_driver_of_nobody", "/nowhere/libadbc.so", "./nowhere/manifest.toml"] {
            let error = load(&AdbcDriver::new(name)).unwrap_err();
            assert_eq!(error.kind, ErrorKind::NotFound);
            assert!(error.reason.contains(name), "{}", error.reason);
        }
    }
}
