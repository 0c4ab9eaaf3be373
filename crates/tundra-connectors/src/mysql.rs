//! MySQL and MariaDB: rows by the binary protocol of prepared statements, under one snapshot.
//!
//! Start at [`MysqlConnector`]. The login is that of `mysql_common`; packets and rows are read by code of
//! our own, because the clients that there are make a value of each cell and keep it in memory of its
//! own, which alone takes as long as the server does. `connect` is the way there, `session` the
//! snapshot, `relation` and `partition` what is asked of the server, `decode` what becomes of its rows.

mod connect;
mod decode;
mod failure;
mod partition;
mod protocol;
mod relation;
mod session;
mod stream;
mod types;
mod wire;

use std::{num::NonZeroUsize, sync::Arc, time::Instant};

use async_trait::async_trait;
use tundra_core::{Connector, ConnectorError, ServerFacts, Session};

use self::{
    connect::Connection,
    failure::Failure,
    protocol::End,
    session::{MysqlSession, Shared},
};
use crate::{route::Route, settings::ConnectionSettings, streams, types::TypeTable};

/// What becomes of the types of MySQL and MariaDB.
pub const TYPES: TypeTable = types::TABLE;

/// The fewest that it has when nobody says how many. A server decodes its pages on one thread for each
/// connection, and even on two cores four of them were faster than two.
const MIN_CONNECTIONS: usize = 4;

/// Reads from MySQL and MariaDB.
#[derive(Debug)]
pub struct MysqlConnector {
    shared: Arc<Shared>,
    connections: usize,
}

impl MysqlConnector {
    /// Prepares to connect; nothing is connected yet. A session has a connection for each core of this
    /// machine, and at least four.
    pub fn new(settings: ConnectionSettings) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let name = settings.kind.name();
        Self {
            shared: Arc::new(Shared { settings: Route::new(settings), name }),
            connections: cores.clamp(MIN_CONNECTIONS, streams::MOST),
        }
    }

    /// Takes snapshots on so many connections, of which there are 16 at most. No extraction of a
    /// session has more streams.
    #[must_use]
    pub fn with_connections(self, connections: NonZeroUsize) -> Self {
        Self { connections: connections.get().min(streams::MOST), ..self }
    }
}

#[async_trait]
impl Connector for MysqlConnector {
    fn name(&self) -> &'static str {
        self.shared.name
    }

    fn display(&self) -> String {
        self.shared.settings.to_string()
    }

    async fn test(&self) -> Result<ServerFacts, ConnectorError> {
        let facts = async {
            let mut connection = connect::connect(&self.shared.settings).await?;
            let mut facts = facts(&mut connection).await?;
            facts.tunnel = self.shared.settings.tunnel();
            connection.quit().await;
            Ok::<_, Failure>(facts)
        };
        facts.await.map_err(|failure| failure.during(self.shared.name, "connect"))
    }

    async fn session(&self) -> Result<Box<dyn Session>, ConnectorError> {
        match MysqlSession::open(self.shared.clone(), self.connections).await {
            Ok(session) => Ok(Box::new(session)),
            Err(failure) => Err(failure.during(self.shared.name, "take a snapshot")),
        }
    }
}

async fn facts(connection: &mut Connection) -> Result<ServerFacts, Failure> {
    let asked = Instant::now();
    let version = connection.value("SELECT VERSION()").await?;
    let latency = asked.elapsed();
    let started = connection.run("START TRANSACTION READ ONLY").await?;
    Ok(ServerFacts {
        product: connection.agreed.product().to_owned(),
        version: version.unwrap_or_else(|| connection.agreed.version.clone()),
        latency,
        tls: connection.agreed.tls.clone(),
        tunnel: None,
        read_only: started.status & End::READ_ONLY != 0,
    })
}
