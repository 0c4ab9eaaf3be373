//! PostgreSQL: binary `COPY` over as many connections as are worth it, under one exported snapshot.
//!
//! Start at [`PostgresConnector`]. Nothing here writes: every transaction is read-only, and a statement
//! of a user is sent where the server takes one statement and no more.

mod binding;
mod connect;
mod decode;
mod failure;
mod partition;
mod redshift;
mod relation;
mod session;
mod stream;
mod types;
mod wire;

pub use self::redshift::{RedshiftConnector, TYPES as REDSHIFT_TYPES};

use std::time::Instant;

use async_trait::async_trait;
use tundra_core::{Connector, ConnectorError, ServerFacts, Session};

use crate::{
    postgresql::{
        connect::Place,
        failure::Failure,
        session::{PostgresSession, first},
    },
    settings::ConnectionSettings,
    types::TypeTable,
};

/// What becomes of every type.
pub const TYPES: TypeTable = types::TABLE;

/// The connector's name.
const NAME: &str = "postgresql";

/// A PostgreSQL database.
#[derive(Debug, Clone)]
pub struct PostgresConnector(Place);

impl PostgresConnector {
    /// Takes the settings; nothing is connected yet.
    pub fn new(settings: ConnectionSettings) -> Self {
        Self(Place::new(settings))
    }

    async fn facts(&self) -> Result<ServerFacts, Failure> {
        let mut connection = self.0.connect().await?;
        let wire = &mut connection.wire;
        wire.ask("BEGIN READ ONLY").await?;
        let begun = Instant::now();
        let read_only = first(wire, "SHOW transaction_read_only").await?.as_deref() == Some("on");
        let latency = begun.elapsed();
        let version = match wire.parameter("server_version") {
            Some(version) => version.to_owned(),
            None => first(wire, "SHOW server_version").await?.unwrap_or_default(),
        };
        Ok(ServerFacts {
            product: "PostgreSQL".to_owned(),
            version,
            latency,
            tls: connection.tls.clone(),
            tunnel: self.0.tunnel(),
            read_only,
        })
    }
}

#[async_trait]
impl Connector for PostgresConnector {
    fn name(&self) -> &'static str {
        NAME
    }

    fn display(&self) -> String {
        self.0.settings().to_string()
    }

    async fn test(&self) -> Result<ServerFacts, ConnectorError> {
        self.facts().await.map_err(|failure| failure.during("connect"))
    }

    async fn session(&self) -> Result<Box<dyn Session>, ConnectorError> {
        match PostgresSession::open(self.0.clone()).await {
            Ok(session) => Ok(Box::new(session)),
            Err(failure) => Err(failure.during("connect and take a snapshot")),
        }
    }
}
