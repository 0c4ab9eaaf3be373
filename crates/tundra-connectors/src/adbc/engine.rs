//! Whether PostgreSQL and Redshift are read with a driver or without.

use std::sync::Arc;

use tundra_core::{Classify, Connector, ConnectorError, ErrorKind};

use super::{
    AdbcConnector, AdbcDriver, NAME, dialect::Dialect, driver, failure::refused, link::blocking,
};
use crate::settings::{ConnectionSettings, SettingsError};

const CHOOSE: &str = "choose how to read";

/// The names under which the driver for PostgreSQL is installed: that of its manifest, and that of its
/// library.
const DRIVERS: [&str; 2] = ["postgresql", "adbc_driver_postgresql"];

/// What reads a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Tundra itself.
    Native,
    /// A driver.
    Adbc,
}

/// What somebody wants to read with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wish {
    /// Without a driver: the default.
    #[default]
    Native,
    /// With a driver where there is one, as `USE_ADBC_DRIVER=true` says: for PostgreSQL and Redshift, and
    /// without one, with a warning, where it cannot be loaded.
    AdbcIfThere,
    /// With a driver and not otherwise, as `--engine adbc` says.
    Adbc,
}

/// What a database is read with.
#[derive(Debug)]
pub struct Choice {
    /// The connector.
    pub connector: Arc<dyn Connector>,
    /// Which of them it is.
    pub engine: Engine,
    /// Why it is not the one that was wished for; to be said to whoever wished.
    pub warning: Option<String>,
}

/// Chooses what a database is read with, by what somebody wants and what there is.
///
/// Where a driver may be used it is loaded to see whether that works, which runs code of its library; no
/// connection is made. `driver` is the one to load, else the usual one for PostgreSQL, which also reads
/// Redshift. It is for whoever runs Tundra to say, and never for a request.
///
/// # Errors
/// When [`Wish::Adbc`] cannot be had, or this build does not read databases of the kind.
pub async fn choose_engine(
    settings: ConnectionSettings,
    wish: Wish,
    driver: Option<AdbcDriver>,
) -> Result<Choice, ConnectorError> {
    if wish == Wish::Native {
        return native(settings, None);
    }
    if Dialect::of(settings.kind).is_none() {
        if wish == Wish::AdbcIfThere {
            return native(settings, None);
        }
        let reason = format!("{} is not read with a driver by these settings", settings.kind);
        let hints = ["leave `--engine adbc` away, or name the driver and its own options"];
        return Err(refused(CHOOSE, ErrorKind::Unsupported, reason, &hints));
    }
    let found = match driver::check(&settings) {
        Ok(()) => find(driver).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(driver) => {
            let connector =
                AdbcConnector::new(driver, settings).map_err(|error| of_settings(&error))?;
            Ok(Choice { connector: Arc::new(connector), engine: Engine::Adbc, warning: None })
        }
        Err(error) if wish == Wish::AdbcIfThere => {
            let warning = format!("reading without an ADBC driver: {}", error.reason);
            native(settings, Some(warning))
        }
        Err(error) => Err(error),
    }
}

/// Returns the first driver that can be loaded.
async fn find(driver: Option<AdbcDriver>) -> Result<AdbcDriver, ConnectorError> {
    let candidates = match driver {
        Some(driver) => vec![driver],
        None => DRIVERS.map(AdbcDriver::new).to_vec(),
    };
    blocking(CHOOSE, move || {
        let mut failure = None;
        for candidate in candidates {
            match driver::load(&candidate) {
                Ok(_) => return Ok(candidate),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure
            .unwrap_or_else(|| refused(CHOOSE, ErrorKind::NotFound, "no driver is named", &[])))
    })
    .await
}

fn native(settings: ConnectionSettings, warning: Option<String>) -> Result<Choice, ConnectorError> {
    let connector = crate::registry::connector(settings).map_err(|error| of_settings(&error))?;
    Ok(Choice { connector, engine: Engine::Native, warning })
}

fn of_settings(error: &SettingsError) -> ConnectorError {
    ConnectorError {
        connector: NAME,
        operation: CHOOSE,
        reason: error.to_string(),
        kind: error.kind(),
        retry: error.retry(),
        hints: error.hints(),
        source: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> ConnectionSettings {
        ConnectionSettings::from_url(url).unwrap()
    }

    fn missing() -> Option<AdbcDriver> {
        Some(AdbcDriver::new("/nowhere/libadbc_driver_postgresql.so"))
    }

    #[tokio::test]
    async fn a_driver_that_is_missing_is_done_without_and_said() {
        let url = "postgresql://u@db.example.com/d";
        let choice = choose_engine(settings(url), Wish::AdbcIfThere, missing()).await.unwrap();
        assert_eq!((choice.engine, choice.connector.name()), (Engine::Native, "postgresql"));
        let warning = choice.warning.unwrap();
        assert!(warning.contains("/nowhere/libadbc_driver_postgresql.so"), "{warning}");
    }

    #[tokio::test]
    async fn a_driver_that_must_be_and_is_missing_is_an_error() {
        let url = "postgresql://u@db.example.com/d";
        let error = choose_engine(settings(url), Wish::Adbc, missing()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
        let url = "mysql://u@db.example.com/d";
        let error = choose_engine(settings(url), Wish::Adbc, missing()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unsupported);
    }

    #[tokio::test]
    async fn what_a_driver_cannot_be_told_is_read_without_it() {
        let url = "postgresql://u@db.example.com/d?sslmode=verify-ca";
        let choice = choose_engine(settings(url), Wish::AdbcIfThere, missing()).await.unwrap();
        assert_eq!(choice.engine, Engine::Native);
        assert!(choice.warning.unwrap().contains("verify-full"));
    }

    #[cfg(feature = "mysql")]
    #[tokio::test]
    async fn databases_without_a_driver_of_theirs_are_read_without_a_word() {
        let url = "mysql://u@db.example.com/d";
        let choice = choose_engine(settings(url), Wish::AdbcIfThere, missing()).await.unwrap();
        assert_eq!((choice.engine, choice.warning), (Engine::Native, None));
    }
}
