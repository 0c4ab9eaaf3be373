//! SQLite: a file, read as it was at one moment.
//!
//! Start at [`SqliteConnector`]. A session holds one read transaction on as many connections as there
//! are processors, proven to see the same content, and a table is read by ranges of its rowid on all of
//! them. The cells of a column may be of any storage class, whatever was declared; so they are counted
//! first, and the column becomes the narrowest type that keeps all of them.
//!
//! Where it can be, the rows are read from the pages of the file, which SQLite hands out under its own
//! locks; see `pages`.
//!
//! Nothing is written to the database, no other database is attached, and no file is opened but by
//! SQLite itself: closing a second handle to it would take the locks of every connection of the process
//! away.

mod connect;
mod date;
mod decode;
mod failure;
mod measure;
mod pages;
mod partition;
mod record;
mod relation;
mod session;
mod stream;
mod types;
mod watch;

#[cfg(test)]
mod tests;

use std::time::Instant;

use async_trait::async_trait;
use tundra_core::{Connector, ConnectorError, ServerFacts, Session};

pub(crate) use self::types::TABLE;
use self::{session::SqliteSession, watch::in_background};
use crate::settings::ConnectionSettings;

/// The connector's name.
const NAME: &str = "sqlite";

/// Reads a SQLite database.
///
/// Of the settings it takes `file_path`, `allowed_directories` and `connect_timeout`, which is how long
/// it waits for a writer to unlock the file.
#[derive(Debug, Clone)]
pub struct SqliteConnector {
    settings: ConnectionSettings,
    /// Whether pages are read where they can be.
    pages: bool,
}

impl SqliteConnector {
    /// Returns a connector; nothing is opened yet.
    pub const fn new(settings: ConnectionSettings) -> Self {
        Self { settings, pages: true }
    }

    /// Returns a connector that asks for every row.
    #[cfg(test)]
    const fn without_pages(settings: ConnectionSettings) -> Self {
        Self { settings, pages: false }
    }
}

#[async_trait]
impl Connector for SqliteConnector {
    fn name(&self) -> &'static str {
        NAME
    }

    fn display(&self) -> String {
        self.settings.to_string()
    }

    async fn test(&self) -> Result<ServerFacts, ConnectorError> {
        let settings = self.settings.clone();
        let asked = Instant::now();
        in_background("connect", None, move |_| {
            let place = connect::locate(&settings)?;
            let (connection, _) = connect::open(&place)?;
            connect::begin(&connection)?;
            Ok(ServerFacts {
                tunnel: None,
                product: "SQLite".to_owned(),
                version: rusqlite::version().to_owned(),
                latency: asked.elapsed(),
                tls: None,
                read_only: true,
            })
        })
        .await
    }

    async fn session(&self) -> Result<Box<dyn Session>, ConnectorError> {
        let (settings, pages) = (self.settings.clone(), self.pages);
        in_background("take a snapshot", None, move |_| {
            Ok(Box::new(SqliteSession::open(&settings, pages)?) as Box<dyn Session>)
        })
        .await
    }
}
