//! Which databases this build reads, and the connector of each.

use std::sync::Arc;

use tundra_core::Connector;

use crate::settings::{ConnectionSettings, DatabaseKind, SettingsError, complete};

/// Returns the kinds of database that this build reads.
pub fn built_in() -> Vec<DatabaseKind> {
    [
        #[cfg(feature = "postgresql")]
        DatabaseKind::Postgresql,
        #[cfg(feature = "postgresql")]
        DatabaseKind::Redshift,
        #[cfg(feature = "mysql")]
        DatabaseKind::Mysql,
        #[cfg(feature = "mysql")]
        DatabaseKind::Mariadb,
        #[cfg(feature = "sqlite")]
        DatabaseKind::Sqlite,
    ]
    .into()
}

/// Returns the connector for a database; nothing is connected yet.
///
/// # Errors
/// When this build does not read databases of that kind, or settings make no sense together.
pub fn connector(settings: ConnectionSettings) -> Result<Arc<dyn Connector>, SettingsError> {
    let settings = complete(settings)?;
    match settings.kind {
        #[cfg(feature = "postgresql")]
        DatabaseKind::Postgresql => {
            Ok(Arc::new(crate::postgresql::PostgresConnector::new(settings)))
        }
        #[cfg(feature = "postgresql")]
        DatabaseKind::Redshift => Ok(Arc::new(crate::postgresql::RedshiftConnector::new(settings))),
        #[cfg(feature = "mysql")]
        DatabaseKind::Mysql | DatabaseKind::Mariadb => {
            Ok(Arc::new(crate::mysql::MysqlConnector::new(settings)))
        }
        #[cfg(feature = "sqlite")]
        DatabaseKind::Sqlite => Ok(Arc::new(crate::sqlite::SqliteConnector::new(settings))),
        #[cfg(not(all(feature = "postgresql", feature = "mysql", feature = "sqlite")))]
        kind => Err(SettingsError::NotBuilt { kind: kind.name() }),
    }
}
