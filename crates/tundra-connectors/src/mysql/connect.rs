//! Connections to MySQL and MariaDB: the way there, TLS, the login, and questions with small answers.
//!
//! Start at [`connect`]. It asks for no feature of the protocol that is not needed: several statements
//! in one and files of ours are among what a server cannot have from us. Rows of extractions are not
//! read here but in [`super::stream`].

mod login;

use std::{sync::Arc, time::Duration};

use backon::Retryable;
use mysql_common::{
    constants::{CapabilityFlags, MariadbCapabilities},
    io::ParseBuf,
    packets::{HandshakePacket, SslRequest},
    proto::MySerialize,
};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{net::UnixStream, time::timeout};
use tokio_rustls::TlsConnector;

use super::{
    failure::Failure,
    protocol::{EOF, ERR, End, Input, LOCAL_INFILE, ServerError, WireColumn, text_row},
    wire::{ROW_BYTES, Transport, Wire, WireError},
};
use crate::{
    route::{Endpoint, Route},
    settings::SslMode,
    tls,
    tries::waits,
};

/// What is said of packets that we take: the most that the protocol allows.
const MAX_PACKET: u32 = 1 << 30;

/// `utf8mb4_general_ci`, which every server since 5.5 knows; `SET NAMES` follows.
const UTF8MB4: u8 = 45;

/// The most that a question of ours may be answered with, as it is kept. A catalog of half a million tables
/// has less; a server that does not end its answer gets no more memory than this.
const ANSWER_BYTES: usize = 64 << 20;

/// How long a server may wait for us while the sink is slow, in seconds. Its default of one minute is
/// less than an upload of a large part can take.
const PATIENCE_SECONDS: u32 = 3600;

/// How long a statement is with which a session begins. A server writes as much at once as the longest
/// statement it got, if that is more than its `net_buffer_length` of 16 KiB, and a few large writes cost it
/// and us less than many small ones.
const SERVER_BUFFER: usize = 64 * 1024;

/// How long the end of a statement whose time is over may be on its way before the network hangs.
const GRACE: Duration = Duration::from_secs(5);

/// Where Unix sockets are when only their directory is given.
const SOCKET_NAME: &str = "mysqld.sock";

/// What a server said of itself, and what was agreed.
#[derive(Debug, Clone)]
pub(super) struct Agreed {
    /// In its own words.
    pub(super) version: String,
    pub(super) is_mariadb: bool,
    /// The version and the cipher of TLS.
    pub(super) tls: Option<String>,
    /// Rows end with an OK packet instead of an EOF packet.
    deprecate_eof: bool,
    /// Columns come with MariaDB's names of types.
    extended: bool,
}

impl Agreed {
    pub(super) const fn product(&self) -> &'static str {
        if self.is_mariadb { "MariaDB" } else { "MySQL" }
    }

    /// Returns the product and its version, without what its builder added.
    pub(super) fn server(&self) -> String {
        // MariaDB puts this before its own, for replicas that know only MySQL.
        let version = self.version.strip_prefix("5.5.5-").unwrap_or(&self.version);
        let number = version.split(|it: char| it != '.' && !it.is_ascii_digit()).next();
        format!("{} {}", self.product(), number.unwrap_or_default())
    }
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    wire: Wire,
    pub(super) backend: Backend,
    pub(super) agreed: Agreed,
    /// Rows of a statement are on their way.
    rows_pending: bool,
}

/// By what a connection is ended from another one. Another lookup of the name could lead to another
/// server, where the number is somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Backend {
    /// The number by which the server knows it.
    id: u64,
    /// Where the server is, unless it is a socket.
    end: Option<Endpoint>,
}

/// What the server does with texts before it sends them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Texts {
    /// They become UTF-8, whatever they are kept as.
    MadeUtf8,
    /// Nothing, because they are kept as UTF-8. It saves a copy of each of them, and of each decimal.
    AsTheyAre,
}

/// A statement that the server prepared.
#[derive(Debug)]
pub(super) struct Statement {
    id: u32,
    pub(super) columns: Vec<WireColumn>,
}

/// What arrives while rows are read.
#[derive(Debug)]
pub(super) enum Arrival<'a> {
    Row(&'a [u8]),
    End(End),
}

/// A row of text.
pub(super) type TextRow = Vec<Option<String>>;

/// Connects, trying again what may work a moment later.
pub(super) async fn connect(settings: &Route) -> Result<Connection, Failure> {
    (|| connect_once(settings, None)).retry(waits()).when(Failure::is_worth_another_try).await
}

/// Connects, to where another connection ends where that is given.
async fn connect_once(settings: &Route, end: Option<Endpoint>) -> Result<Connection, Failure> {
    let within = settings.connect_timeout;
    match timeout(within, log_in(settings, end)).await {
        Ok(result) => result,
        Err(_) => Err(Failure::Timeout(format!("the server did not let us in within {within:?}"))),
    }
}

/// Logs in as `ssl_mode` asks: `allow` tries without TLS first.
async fn log_in(settings: &Route, end: Option<Endpoint>) -> Result<Connection, Failure> {
    let config = tls::client_config(settings).await?;
    if settings.ssl_mode != SslMode::Allow {
        return open(settings, config, end).await;
    }
    match open(settings, None, end).await {
        // Refused: perhaps because the user, or the server, wants TLS.
        Err(Failure::Server(_) | Failure::Denied { .. }) => open(settings, config, end).await,
        result => result,
    }
}

async fn open(
    settings: &Route,
    config: Option<Arc<ClientConfig>>,
    end: Option<Endpoint>,
) -> Result<Connection, Failure> {
    let (transport, end) = transport(settings, end).await?;
    let mut wire = Wire::new(transport);
    let packet = wire.message().await?;
    if packet.first() == Some(&ERR) {
        return Err(ServerError::parse(packet)?.into());
    }
    let hello: HandshakePacket<'static> = ParseBuf(packet)
        .parse::<HandshakePacket<'_>>(())
        .map_err(|_| WireError::Protocol("the greeting cannot be read"))?
        .into_owned();
    if hello.protocol_version() != 10 {
        return Err(WireError::Protocol("the greeting is of another protocol").into());
    }
    let version = hello.server_version_str().into_owned();
    let is_mariadb = version.contains("MariaDB");
    let offered = hello.capabilities();
    let (capabilities, extensions) = wanted(&hello, is_mariadb);

    let encrypted = match config {
        Some(config) if !settings.is_socket() => {
            if offered.contains(CapabilityFlags::CLIENT_SSL) {
                Some(config)
            } else if matches!(settings.ssl_mode, SslMode::Prefer | SslMode::Allow) {
                None
            } else {
                return Err(Failure::NoTls);
            }
        }
        _ => None,
    };
    let mut capabilities = capabilities;
    // A server reads what follows the request for TLS by what this says, and not by what follows.
    if settings.database.is_none() {
        capabilities.remove(CapabilityFlags::CLIENT_CONNECT_WITH_DB);
    }
    let mut tls_facts = None;
    if let Some(config) = encrypted {
        capabilities.insert(CapabilityFlags::CLIENT_SSL);
        let request = SslRequest::new(capabilities, MAX_PACKET, UTF8MB4)
            .with_mariadb_capabilities(extensions);
        let mut payload = Vec::new();
        request.serialize(&mut payload);
        wire.send(&payload).await?;
        let host = settings.host.as_deref().unwrap_or(DEFAULT_HOST);
        let (secured, facts) = encrypt(wire, config, host).await?;
        wire = secured;
        tls_facts = Some(facts);
    }

    let transport = login::Transport {
        verified: tls_facts.is_some()
            && match settings.ssl_mode {
                SslMode::VerifyCa | SslMode::VerifyFull => true,
                // Where an authority is named, it was asked.
                SslMode::Require => settings.ca.is_some(),
                SslMode::Disable | SslMode::Allow | SslMode::Prefer => false,
            },
        encrypted: tls_facts.is_some(),
        socket: settings.is_socket(),
    };
    login::log_in(&mut wire, settings, &hello, capabilities, extensions, transport)
        .await
        .map_err(of_the_handshake)?;

    let agreed = Agreed {
        version,
        is_mariadb,
        tls: tls_facts,
        deprecate_eof: capabilities.contains(CapabilityFlags::CLIENT_DEPRECATE_EOF),
        extended: extensions.contains(MariadbCapabilities::MARIADB_CLIENT_EXTENDED_METADATA),
    };
    let backend = Backend { id: u64::from(hello.connection_id()), end };
    let mut connection = Connection { wire, backend, agreed, rows_pending: false };
    connection.prepare_session().await?;
    Ok(connection)
}

/// Returns the failure of a login as what it is: with TLS 1.3 the server looks at our certificate when the
/// handshake is over for us.
fn of_the_handshake(failure: Failure) -> Failure {
    match failure {
        Failure::Wire(WireError::Io(error))
            if error.get_ref().is_some_and(|it| it.is::<rustls::Error>()) =>
        {
            Failure::Handshake(error)
        }
        other => other,
    }
}

const DEFAULT_HOST: &str = "localhost";

/// Opens the way to the server, and returns where that is.
async fn transport(
    settings: &Route,
    end: Option<Endpoint>,
) -> Result<(Box<dyn Transport>, Option<Endpoint>), Failure> {
    let host = settings.host.as_deref().unwrap_or(DEFAULT_HOST);
    if settings.is_socket() {
        if !settings.sockets_allowed {
            return Err(Failure::Denied {
                message: format!("`{host}` is a socket of this machine, which is not allowed"),
                hint: None,
            });
        }
        if settings.ssh.is_some() {
            return Err(Failure::request("no tunnel leads to a Unix socket"));
        }
        let mut path = std::path::PathBuf::from(host);
        if tokio::fs::metadata(&path).await.is_ok_and(|it| it.is_dir()) {
            path.push(SOCKET_NAME);
        }
        let stream = UnixStream::connect(path).await.map_err(WireError::Io)?;
        return Ok((Box::new(stream), None));
    }
    let (stream, end) = match end {
        // It was judged when it was first connected to.
        Some(end) => (settings.connect_again(host, end).await?, end),
        None => settings.connect(host).await?,
    };
    Ok((Box::new(stream), Some(end)))
}

async fn encrypt(
    wire: Wire,
    config: Arc<ClientConfig>,
    host: &str,
) -> Result<(Wire, String), Failure> {
    let (transport, sequence) = wire.into_transport()?;
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Failure::request(format!("`{host}` is no name of a host")))?;
    let stream =
        TlsConnector::from(config).connect(name, transport).await.map_err(Failure::Handshake)?;
    let (_, session) = stream.get_ref();
    let version = session.protocol_version().and_then(|it| it.as_str().map(str::to_owned));
    let cipher = session.negotiated_cipher_suite().and_then(|it| it.suite().as_str());
    let facts = [version.as_deref(), cipher].into_iter().flatten().collect::<Vec<_>>().join(" ");
    Ok((Wire::continued(Box::new(stream), sequence), facts))
}

/// Returns what we want of what the server offers.
///
/// Not among it, whatever it offers: several statements in one, files of ours (`LOAD DATA LOCAL`),
/// compression, and tracking of the session.
fn wanted(hello: &HandshakePacket<'_>, is_mariadb: bool) -> (CapabilityFlags, MariadbCapabilities) {
    let mut wanted = CapabilityFlags::CLIENT_PROTOCOL_41
        | CapabilityFlags::CLIENT_SECURE_CONNECTION
        | CapabilityFlags::CLIENT_LONG_FLAG
        | CapabilityFlags::CLIENT_TRANSACTIONS
        | CapabilityFlags::CLIENT_PLUGIN_AUTH
        | CapabilityFlags::CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA
        | CapabilityFlags::CLIENT_CONNECT_ATTRS
        | CapabilityFlags::CLIENT_CONNECT_WITH_DB
        | CapabilityFlags::CLIENT_DEPRECATE_EOF;
    let mut extensions = MariadbCapabilities::empty();
    // MariaDB says of itself that it is not MySQL by leaving this bit out, and a client answers alike.
    let speaks_mariadb =
        is_mariadb && !hello.capabilities().contains(CapabilityFlags::CLIENT_LONG_PASSWORD);
    if speaks_mariadb {
        extensions = hello.mariadb_ext_capabilities()
            & MariadbCapabilities::MARIADB_CLIENT_EXTENDED_METADATA;
    } else {
        wanted |= CapabilityFlags::CLIENT_LONG_PASSWORD;
    }
    (wanted & (hello.capabilities() | CapabilityFlags::CLIENT_LONG_PASSWORD), extensions)
}

impl Connection {
    /// Sets what every connection of ours needs. Text is UTF-8, instants are UTC, a snapshot stays, a
    /// slow sink is waited for, and a backslash escapes, so that there is one way to read a query.
    async fn prepare_session(&mut self) -> Result<(), Failure> {
        let room = " ".repeat(SERVER_BUFFER);
        for statement in [
            &format!("SET NAMES utf8mb4 /*{room}*/"),
            "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "SET SESSION sql_mode = REPLACE(@@SESSION.sql_mode, 'NO_BACKSLASH_ESCAPES', '')",
            &format!(
                "SET SESSION time_zone = '+00:00', net_write_timeout = {PATIENCE_SECONDS}, \
                 net_read_timeout = {PATIENCE_SECONDS}, sql_select_limit = DEFAULT"
            ),
        ] {
            self.run(statement).await?;
        }
        Ok(())
    }

    /// Runs a statement without an answer.
    pub(super) async fn run(&mut self, sql: &str) -> Result<End, Failure> {
        let (_, end) = self.ask(sql).await?;
        Ok(end)
    }

    /// Runs a statement of ours whose answer is small, and returns all of it.
    pub(super) async fn rows(&mut self, sql: &str) -> Result<Vec<TextRow>, Failure> {
        let (rows, _) = self.ask(sql).await?;
        Ok(rows)
    }

    /// Returns the first value of the first row.
    pub(super) async fn value(&mut self, sql: &str) -> Result<Option<String>, Failure> {
        let rows = self.rows(sql).await?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()).flatten())
    }

    async fn ask(&mut self, sql: &str) -> Result<(Vec<TextRow>, End), Failure> {
        const COM_QUERY: u8 = 0x03;
        self.wire.set_most(ANSWER_BYTES);
        let mut payload = vec![COM_QUERY];
        payload.extend_from_slice(sql.as_bytes());
        self.wire.send_command(&payload).await?;
        let columns = match self.head().await? {
            Head::Done(end) => return Ok((Vec::new(), end)),
            Head::Columns(count) => self.columns(count).await?.len(),
        };
        let mut rows = Vec::new();
        let mut left = ANSWER_BYTES;
        loop {
            let packet = self.wire.message().await?;
            match packet.first() {
                Some(&ERR) => return Err(ServerError::parse(packet)?.into()),
                // A text of 16 MiB begins with the same byte, and is longer.
                Some(&EOF) if packet.len() < 0xFF_FFFF => {
                    return Ok((rows, End::rows(packet, self.agreed.deprecate_eof)?));
                }
                _ => {
                    let bytes = packet.len();
                    let row = text_row(packet, columns)?;
                    left = spent(left, bytes + size_of::<TextRow>() + size_of_val(row.as_slice()))?;
                    rows.push(row);
                }
            }
        }
    }

    /// Prepares a statement; the server refuses two in one.
    pub(super) async fn prepare(&mut self, sql: &str) -> Result<Statement, Failure> {
        const COM_STMT_PREPARE: u8 = 0x16;
        self.wire.set_most(ANSWER_BYTES);
        let mut payload = vec![COM_STMT_PREPARE];
        payload.extend_from_slice(sql.as_bytes());
        self.wire.send_command(&payload).await?;
        let packet = self.wire.message().await?;
        if packet.first() == Some(&ERR) {
            return Err(ServerError::parse(packet)?.into());
        }
        let mut input = Input::new(packet);
        input.u8()?;
        let id = input.u32()?;
        let columns = usize::from(input.u16()?);
        let parameters = usize::from(input.u16()?);
        self.columns(parameters).await?;
        let columns = self.columns(columns).await?;
        let statement = Statement { id, columns };
        if parameters > 0 {
            self.close(statement).await?;
            return Err(Failure::request("the query has parameters, `?`, and none are given"));
        }
        Ok(statement)
    }

    /// Starts a statement and returns its columns as they are now; rows follow.
    pub(super) async fn execute(
        &mut self,
        statement: &Statement,
    ) -> Result<Vec<WireColumn>, Failure> {
        const COM_STMT_EXECUTE: u8 = 0x17;
        let mut payload = vec![COM_STMT_EXECUTE];
        payload.extend_from_slice(&statement.id.to_le_bytes());
        // No cursor, once.
        payload.push(0);
        payload.extend_from_slice(&1_u32.to_le_bytes());
        self.wire.send_command(&payload).await?;
        match self.head().await? {
            Head::Done(_) => Err(Failure::request("the statement returns no rows")),
            Head::Columns(count) => {
                let columns = self.columns(count).await?;
                self.rows_pending = true;
                self.wire.set_most(ROW_BYTES);
                Ok(columns)
            }
        }
    }

    /// Returns what has arrived already.
    #[inline]
    pub(super) fn arrived(&mut self) -> Result<Option<Arrival<'_>>, Failure> {
        let Some(packet) = self.wire.buffered()? else { return Ok(None) };
        match packet.first() {
            Some(0) => Ok(Some(Arrival::Row(packet))),
            Some(&EOF) => {
                self.rows_pending = false;
                Ok(Some(Arrival::End(End::rows(packet, self.agreed.deprecate_eof)?)))
            }
            Some(&ERR) => {
                self.rows_pending = false;
                Err(ServerError::parse(packet)?.into())
            }
            _ => Err(WireError::Protocol("neither a row nor the end of the rows").into()),
        }
    }

    /// Tells whether rows of a statement are on their way.
    pub(super) const fn has_rows_pending(&self) -> bool {
        self.rows_pending
    }

    /// Reads rows that nobody wants up to their end.
    pub(super) async fn drain(&mut self) -> Result<(), Failure> {
        loop {
            match self.arrived()? {
                Some(Arrival::Row(_)) => {}
                Some(Arrival::End(_)) => return Ok(()),
                None => self.wait().await?,
            }
        }
    }

    /// Says how long the server may work on a statement from now on, how many rows it gives, and whether
    /// it makes texts UTF-8.
    pub(super) async fn expect(
        &mut self,
        within: Option<Duration>,
        rows: Option<u64>,
        texts: Texts,
    ) -> Result<(), Failure> {
        let time = within.unwrap_or_default();
        let time = if self.agreed.is_mariadb {
            format!("max_statement_time = {}", time.as_secs_f64())
        } else {
            // Zero is no limit, which less than a millisecond is not.
            let least = u128::from(within.is_some());
            format!("max_execution_time = {}", time.as_millis().max(least))
        };
        let rows = rows.map_or_else(|| "DEFAULT".to_owned(), |rows| rows.to_string());
        let texts = match texts {
            Texts::MadeUtf8 => "utf8mb4",
            Texts::AsTheyAre => "NULL",
        };
        self.run(&format!(
            "SET SESSION {time}, sql_select_limit = {rows}, character_set_results = {texts}"
        ))
        .await?;
        self.wire.set_patience(within.map(|within| within + GRACE));
        Ok(())
    }

    /// Waits until more has arrived. Dropping the future loses nothing.
    pub(super) async fn wait(&mut self) -> Result<(), Failure> {
        Ok(self.wire.fill().await?)
    }

    /// Forgets a statement; the server does not answer.
    pub(super) async fn close(&mut self, statement: Statement) -> Result<(), Failure> {
        const COM_STMT_CLOSE: u8 = 0x19;
        let mut payload = vec![COM_STMT_CLOSE];
        payload.extend_from_slice(&statement.id.to_le_bytes());
        Ok(self.wire.send_command(&payload).await?)
    }

    /// Ends the connection.
    pub(super) async fn quit(self) {
        self.wire.quit().await;
    }

    async fn head(&mut self) -> Result<Head, Failure> {
        let packet = self.wire.message().await?;
        match packet.first() {
            Some(&ERR) => Err(ServerError::parse(packet)?.into()),
            Some(0) => Ok(Head::Done(End::ok(packet)?)),
            Some(&LOCAL_INFILE) => Err(Failure::Denied {
                message:
                    "the server asked for a file of this machine (`LOAD DATA LOCAL`), which is \
                          never given"
                        .to_owned(),
                hint: Some("be wary of a server that does this unasked".to_owned()),
            }),
            _ => {
                let count = usize::try_from(Input::new(packet).lenenc()?)
                    .ok()
                    // More columns than a table can have are not worth their memory.
                    .filter(|count| *count <= 0xFFFF)
                    .ok_or(WireError::Protocol("a result has too many columns"))?;
                Ok(Head::Columns(count))
            }
        }
    }

    /// Reads descriptions of columns and the EOF packet behind them, if there is one.
    async fn columns(&mut self, count: usize) -> Result<Vec<WireColumn>, Failure> {
        let mut columns = Vec::with_capacity(count);
        let mut left = ANSWER_BYTES;
        for _ in 0..count {
            let packet = self.wire.message().await?;
            left = spent(left, packet.len())?;
            columns.push(WireColumn::parse(packet, self.agreed.extended)?);
        }
        if count > 0 && !self.agreed.deprecate_eof {
            self.wire.message().await?;
        }
        Ok(columns)
    }
}

/// Returns what is left of a budget of memory.
fn spent(left: usize, bytes: usize) -> Result<usize, WireError> {
    left.checked_sub(bytes)
        .ok_or(WireError::Protocol("more than 64 MiB in answer to a question with a small answer"))
}

/// How an answer begins.
enum Head {
    Done(End),
    Columns(usize),
}

/// Ends what another connection of ours is doing.
pub(super) async fn kill(settings: &Route, other: Backend) -> Result<(), Failure> {
    let mut connection = connect_once(settings, other.end).await?;
    connection.wire.set_patience(Some(GRACE));
    connection.run(&format!("KILL QUERY {}", other.id)).await?;
    connection.quit().await;
    Ok(())
}

#[cfg(test)]
mod tests;
