//! Any database that has an ADBC driver: a library that somebody installed on this machine, loaded when
//! it is asked for.
//!
//! Start at [`AdbcConnector`], or at [`choose_engine`] for PostgreSQL and Redshift, which are read with or
//! without a driver. A session is one connection in one transaction, and rows come in one stream.
//!
//! A driver is code of somebody else in our process. Which one is loaded says whoever runs Tundra, never
//! a request. What the driver makes of a type is looked at and refused where it is no value any more, but
//! it is not proven as it is for the databases that Tundra decodes itself. A driver that cannot cancel, as
//! that of SQLite, works on after nobody waits any more; its connection is given up.

mod dialect;
mod driver;
mod engine;
mod failure;
mod link;
mod scan;
mod session;
mod stream;
mod watch;

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use backon::Retryable;
use tundra_core::{Connector, ConnectorError, Secret, ServerFacts, Session};

pub use self::engine::{Choice, Engine, Wish, choose_engine};
use self::{dialect::Dialect, link::Link, session::AdbcSession};
use crate::{
    settings::{ConnectionSettings, SettingsError},
    tries::waits,
};

/// The connector's name.
const NAME: &str = "adbc";

/// A driver, by the name of a manifest or a library that is installed, by the path of either, or by the
/// path without its ending.
///
/// Names are looked for where ADBC says: in `$ADBC_DRIVER_PATH`, in the user's and the system's folders
/// for drivers, and as a library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdbcDriver {
    /// The name or the path.
    pub name: String,
    /// The function by which the library is entered, where it is none of the usual ones.
    pub entrypoint: Option<String>,
}

impl AdbcDriver {
    /// Names a driver with the usual function.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), entrypoint: None }
    }
}

/// Reads a database through an ADBC driver.
#[derive(Debug, Clone)]
pub struct AdbcConnector {
    target: Arc<Target>,
}

/// What is opened with which driver.
#[derive(Debug)]
struct Target {
    driver: AdbcDriver,
    place: Place,
}

/// Where the database is.
#[derive(Debug)]
enum Place {
    /// PostgreSQL or Redshift, whose addresses are judged before the driver connects to them.
    Known(Box<ConnectionSettings>),
    /// What the driver makes of its own options.
    Options(Vec<(String, Secret)>),
}

impl AdbcConnector {
    /// Returns a connector to PostgreSQL or Redshift; nothing is loaded yet.
    ///
    /// The rules for addresses, sockets and TLS are those of the settings. Certificates and keys must be
    /// files, because the driver takes nothing else.
    ///
    /// # Errors
    /// For a database of another kind.
    pub fn new(driver: AdbcDriver, settings: ConnectionSettings) -> Result<Self, SettingsError> {
        if Dialect::of(settings.kind).is_none() {
            return Err(SettingsError::NotBuilt { kind: settings.kind.name() });
        }
        let place = Place::Known(Box::new(settings));
        Ok(Self { target: Arc::new(Target { driver, place }) })
    }

    /// Returns a connector to whatever the driver's own options name, such as `uri`; nothing is loaded yet.
    ///
    /// No rule of Tundra for addresses or directories holds here: the driver opens what it is told. It is
    /// for somebody at a terminal, or for a program that knows what it opens.
    pub fn unconfined(driver: AdbcDriver, options: Vec<(String, Secret)>) -> Self {
        Self { target: Arc::new(Target { driver, place: Place::Options(options) }) }
    }
}

#[async_trait]
impl Connector for AdbcConnector {
    fn name(&self) -> &'static str {
        NAME
    }

    fn database(&self) -> &'static str {
        match &self.target.place {
            Place::Known(settings) => settings.kind.name(),
            Place::Options(_) => NAME,
        }
    }

    fn display(&self) -> String {
        match &self.target.place {
            Place::Known(settings) => settings.to_string(),
            // A URI may hold a password, and nobody knows where.
            Place::Options(_) => format!("adbc:{}", self.target.driver.name),
        }
    }

    async fn test(&self) -> Result<ServerFacts, ConnectorError> {
        let mut link = (|| Link::open(&self.target))
            .retry(waits())
            .when(failure::is_worth_another_try)
            .await?;
        let asked = Instant::now();
        let facts = link.facts().await?;
        Ok(ServerFacts { latency: asked.elapsed(), ..facts })
    }

    async fn session(&self) -> Result<Box<dyn Session>, ConnectorError> {
        let session = (|| async { AdbcSession::begin(Link::open(&self.target).await?).await })
            .retry(waits())
            .when(failure::is_worth_another_try)
            .await?;
        Ok(Box::new(session))
    }
}
