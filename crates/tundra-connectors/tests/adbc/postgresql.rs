//! PostgreSQL through its driver.

use std::sync::Arc;

use arrow_array::{Array, StringArray};
use async_trait::async_trait;
use tundra_connectors::{
    AddressPolicy, ConnectionSettings, SslMode,
    adbc::{AdbcConnector, AdbcDriver, Engine, Wish, choose_engine},
};
use tundra_core::{
    Connector, ErrorKind, ExtractRequest, OnLossy, testing::connector::TestDatabase,
};
use tundra_test_services::{Database, env};

use super::{driver, query, read};

/// A database of its own, read through the driver.
#[derive(Debug)]
struct Server {
    database: Arc<Database>,
    settings: ConnectionSettings,
    driver: AdbcDriver,
    password: String,
}

impl Server {
    fn new() -> Self {
        let database = Arc::new(Database::create().unwrap());
        let mut settings = ConnectionSettings::from_url(&database.url()).unwrap();
        settings.addresses = AddressPolicy::PrivateAllowed;
        let password = settings.password.as_ref().unwrap().expose().to_owned();
        Self { database, settings, driver: driver("adbc_driver_postgresql"), password }
    }

    fn connector_with(&self, settings: ConnectionSettings) -> AdbcConnector {
        AdbcConnector::new(self.driver.clone(), settings).unwrap()
    }

    fn adbc(&self) -> AdbcConnector {
        self.connector_with(self.settings.clone())
    }
}

#[async_trait]
impl TestDatabase for Server {
    fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(self.adbc())
    }

    async fn execute(&self, sql: &str) {
        let (database, sql) = (self.database.clone(), format!("BEGIN; {sql}; COMMIT"));
        tokio::task::spawn_blocking(move || database.run(&sql).unwrap()).await.unwrap();
    }

    fn quote(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn numbers(&self, count: u64) -> String {
        format!("SELECT n FROM generate_series(1, {count}) AS n")
    }

    fn endless(&self) -> String {
        "SELECT COUNT(*) AS n FROM generate_series(1, 1000000) AS a, generate_series(1, 1000000) AS b \
         WHERE a % 7 = b % 11"
            .to_owned()
    }

    fn splits_tables(&self) -> bool {
        false
    }

    fn password(&self) -> Option<&str> {
        Some(&self.password)
    }
}

tundra_core::connector_behaviours!(Server::new());

#[tokio::test]
async fn tells_the_server_and_its_tls() {
    let server = Server::new();
    let facts = server.adbc().test().await.unwrap();
    assert_eq!(facts.product, "PostgreSQL");
    assert!(facts.tls.unwrap().starts_with("TLSv1"));
    let plain = ConnectionSettings { ssl_mode: SslMode::Disable, ..server.settings.clone() };
    assert_eq!(server.connector_with(plain).test().await.unwrap().tls, None);
}

#[tokio::test]
async fn connects_only_to_addresses_that_are_allowed() {
    let server = Server::new();
    let public =
        ConnectionSettings { addresses: AddressPolicy::PublicOnly, ..server.settings.clone() };
    let error = server.connector_with(public).test().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::PermissionDenied, "{error}");
    let socket = env::postgres_sockets().unwrap().to_str().unwrap().to_owned();
    let socket = ConnectionSettings { host: Some(socket), ..server.settings.clone() };
    let error = server.connector_with(socket.clone()).test().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::PermissionDenied, "{error}");
    let allowed = ConnectionSettings { sockets_allowed: true, ..socket };
    assert_eq!(server.connector_with(allowed).test().await.unwrap().tls, None);
}

#[tokio::test]
async fn checks_the_certificate_by_name_although_it_is_given_the_address() {
    let server = Server::new();
    let ca = Some(tundra_connectors::Pem::File(env::tls().unwrap().ca));
    let verified = ConnectionSettings {
        ssl_mode: SslMode::VerifyFull,
        host: Some("localhost".to_owned()),
        ca,
        ..server.settings.clone()
    };
    assert!(server.connector_with(verified.clone()).test().await.unwrap().tls.is_some());
    let wrong = ConnectionSettings { host: Some("127.0.0.1".to_owned()), ..verified };
    let error = server.connector_with(wrong).test().await.unwrap_err();
    assert!(error.reason.contains("certificate"), "{error}");
}

#[tokio::test]
async fn a_wrong_password_is_told_in_the_servers_words_and_not_shown() {
    let server = Server::new();
    let password = Some(tundra_core::Secret::new("hunter2 is wrong"));
    let wrong = ConnectionSettings { password, ..server.settings.clone() };
    let error = server.connector_with(wrong).test().await.unwrap_err();
    assert!(error.reason.contains("password authentication failed"), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn types_without_a_counterpart_are_refused_or_text() {
    let server = Server::new();
    let sql = "SELECT 1 AS a, '[1,5)'::int4range AS r, B'101' AS p";
    let error = read(&server.adbc(), &query(sql)).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Unsupported, "{error}");
    assert!(error.reason.contains("`r`"), "{error}");
    let request = ExtractRequest { on_lossy: OnLossy::Text, ..query(sql) };
    let (_, batches) = read(&server.adbc(), &request).await.unwrap();
    let text = |at: usize| {
        let column = batches[0].column(at).as_any().downcast_ref::<StringArray>().unwrap();
        column.value(0).to_owned()
    };
    assert_eq!((text(1), text(2)), ("[1,5)".to_owned(), "101".to_owned()));
}

#[tokio::test]
async fn values_that_arrow_does_not_have_are_refused_and_not_made_up() {
    let server = Server::new();
    for value in [
        "'infinity'::date",
        "'-infinity'::date",
        "'infinity'::timestamp",
        "'-infinity'::timestamp",
        "'infinity'::timestamptz",
        "'24:00:00'::time",
    ] {
        let sql = format!("SELECT v FROM (VALUES (NULL), ({value})) AS t (v)");
        match read(&server.adbc(), &query(sql)).await {
            Err(error) => {
                assert_ne!(error.kind, ErrorKind::Internal, "{value}: {error}");
            }
            Ok((extraction, batches)) => {
                panic!("{value} is read as {:?}: {batches:?}", extraction.columns());
            }
        }
    }
}

#[tokio::test]
async fn numerics_keep_every_digit() {
    let server = Server::new();
    let sql = "SELECT 123456789012345678901234567890.123456789::numeric AS n, 'NaN'::numeric AS m";
    let (extraction, batches) = read(&server.adbc(), &query(sql)).await.unwrap();
    let text = |at: usize| {
        let column = batches[0].column(at).as_any().downcast_ref::<StringArray>();
        column.unwrap_or_else(|| panic!("{:?}", extraction.columns())).value(0).to_owned()
    };
    assert_eq!(text(0), "123456789012345678901234567890.123456789");
    assert_eq!(text(1).to_lowercase(), "nan");
}

#[tokio::test]
async fn the_driver_is_chosen_where_it_is_there() {
    let server = Server::new();
    for wish in [Wish::AdbcIfThere, Wish::Adbc] {
        let driver = Some(server.driver.clone());
        let choice = choose_engine(server.settings.clone(), wish, driver).await.unwrap();
        assert_eq!((choice.engine, choice.warning), (Engine::Adbc, None));
        assert_eq!(choice.connector.test().await.unwrap().product, "PostgreSQL");
    }
}

#[tokio::test]
async fn a_driver_is_found_by_a_manifest() {
    let server = Server::new();
    let folder = tempfile::tempdir().unwrap();
    let manifest = folder.path().join("anything.toml");
    let text = format!(
        "manifest_version = 1\nname = 'x'\nversion = '1'\n[Driver]\nshared = '{}'\n",
        server.driver.name
    );
    std::fs::write(&manifest, text).unwrap();
    for name in [manifest.clone(), manifest.with_extension("")] {
        let driver = AdbcDriver {
            name: name.to_str().unwrap().to_owned(),
            entrypoint: Some("AdbcDriverPostgresqlInit".to_owned()),
        };
        let connector = AdbcConnector::new(driver, server.settings.clone()).unwrap();
        assert_eq!(connector.test().await.unwrap().product, "PostgreSQL", "{name:?}");
    }
}
