//! From settings to a connection that is logged in, and the cancelling of what runs on it.
//!
//! Start at [`Place::connect`]. The way to the host is that of `route`; TLS is asked for as libpq
//! does it. A connection is tried again when the failure passes by itself, at most five times in all.

use std::sync::Arc;

use backon::Retryable;
use bytes::BytesMut;
use futures::future::BoxFuture;
use postgres_protocol::message::frontend;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tundra_core::{Decision, ErrorKind};

use crate::{
    address::AddressError,
    postgresql::{
        binding::server_end_point,
        failure::Failure,
        wire::{BackendKey, Shelter, Socket, Wire},
    },
    route::{Endpoint, Route, Stream},
    settings::{ConnectionSettings, SslMode},
    tls,
    tries::waits,
};

/// The silence after which we look by another connection, in times that a connection may take. The
/// system asks the other side too, but a proxy answers for a server that it does not reach.
const SILENT_CONNECTS: u32 = 4;

/// A database that can be connected to, any number of times.
#[derive(Debug, Clone)]
pub(super) struct Place(Arc<Route>);

/// A connection and what is needed to cancel what runs on it.
#[derive(Debug)]
pub(super) struct Connection {
    /// The connection.
    pub(super) wire: Wire,
    /// The version of TLS and the cipher.
    pub(super) tls: Option<String>,
    way: Way,
}

/// How the server was reached. Another lookup of the name could lead to another server.
#[derive(Debug, Clone)]
enum Way {
    Unix(String),
    Net { end: Endpoint, tls: Option<Arc<ClientConfig>> },
}

/// By what a running statement is cancelled.
#[derive(Debug, Clone)]
pub(super) struct Canceller {
    place: Place,
    way: Way,
    key: BackendKey,
}

impl Place {
    /// Takes the settings.
    pub(super) fn new(settings: ConnectionSettings) -> Self {
        Self(Arc::new(Route::new(settings)))
    }

    /// Returns the settings.
    pub(super) fn settings(&self) -> &ConnectionSettings {
        &self.0
    }

    /// Returns the tunnel that connections went through.
    pub(super) fn tunnel(&self) -> Option<String> {
        self.0.tunnel()
    }

    /// Returns what was decided, with the way that connections went.
    pub(super) fn decisions(&self, decision: Decision) -> Vec<Decision> {
        std::iter::once(decision).chain(self.0.decision()).collect()
    }

    /// Connects and logs in.
    pub(super) async fn connect(&self) -> Result<Connection, Failure> {
        (|| async {
            match timeout(self.0.connect_timeout, self.connect_once()).await {
                Ok(result) => result,
                Err(_) => Err(Failure::Timeout(self.0.connect_timeout)),
            }
        })
        .retry(waits())
        .when(Failure::is_worth_another_try)
        .notify(|error, wait| tracing::warn!(%error, ?wait, "connecting again"))
        .await
    }

    async fn connect_once(&self) -> Result<Connection, Failure> {
        let settings = &*self.0;
        if settings.is_socket() {
            return self.connect_socket().await;
        }
        let tls = tls::client_config(settings).await?;
        // Which of the two is tried first and whether the other follows; the other way is only for a
        // server that refuses this one, not for a wrong password.
        let (first, second) = match settings.ssl_mode {
            SslMode::Disable => (None, None),
            SslMode::Allow => (None, tls),
            SslMode::Prefer | SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => {
                (tls, None)
            }
        };
        match (self.connect_tcp(first).await, settings.ssl_mode) {
            (Err(error), SslMode::Allow) if refused_before_login(&error) => {
                self.connect_tcp(second).await
            }
            (Err(error), SslMode::Prefer) if refused_before_login(&error) => {
                self.connect_tcp(None).await
            }
            (result, _) => result,
        }
    }

    async fn connect_socket(&self) -> Result<Connection, Failure> {
        let settings = &*self.0;
        if !settings.sockets_allowed {
            return Err(Failure::Setting("Unix sockets are not allowed here"));
        }
        if settings.ssh.is_some() {
            return Err(Failure::Setting("no tunnel leads to a Unix socket"));
        }
        let host = settings.host.as_deref().unwrap_or_default();
        let path = match std::path::Path::new(host).file_name().and_then(|name| name.to_str()) {
            Some(name) if name.starts_with(".s.PGSQL.") => host.to_owned(),
            _ => format!("{host}/.s.PGSQL.{}", settings.port()),
        };
        let socket = UnixStream::connect(&path).await?;
        let wire = self.log_in(Box::new(socket), Shelter::Socket).await?;
        Ok(self.watched(Connection { wire, tls: None, way: Way::Unix(path) }))
    }

    async fn connect_tcp(&self, tls: Option<Arc<ClientConfig>>) -> Result<Connection, Failure> {
        let (stream, end) = self.0.connect(self.host()?).await?;
        Ok(self.watched(self.enter(stream, end, tls).await?))
    }

    fn host(&self) -> Result<&str, Failure> {
        self.0.host.as_deref().ok_or(Failure::Setting("the host is not given"))
    }

    /// Logs in over a stream to the server.
    async fn enter(
        &self,
        stream: Stream,
        end: Endpoint,
        tls: Option<Arc<ClientConfig>>,
    ) -> Result<Connection, Failure> {
        let (wire, facts, tls) = match self.secure(stream, tls.as_ref()).await? {
            Secured::Tls(stream) => {
                let facts = facts(&stream);
                let certificates = stream.get_ref().1.peer_certificates();
                let end_point =
                    certificates.and_then(<[_]>::first).and_then(|it| server_end_point(it));
                let shelter = Shelter::Tls { end_point };
                let wire = self.log_in(stream, shelter).await.map_err(of_the_handshake)?;
                (wire, facts, tls)
            }
            Secured::Plain(stream) => {
                (self.log_in(Box::new(stream), Shelter::None).await?, None, None)
            }
        };
        Ok(Connection { wire, tls: facts, way: Way::Net { end, tls } })
    }

    /// Lets the connection ask elsewhere whether the server is there when it hears nothing.
    fn watched(&self, mut connection: Connection) -> Connection {
        let watch = Watch { canceller: self.canceller(&connection) };
        connection.wire.watch(watch);
        connection
    }

    /// Asks for TLS where it is wanted.
    async fn secure(
        &self,
        mut stream: Stream,
        tls: Option<&Arc<ClientConfig>>,
    ) -> Result<Secured, Failure> {
        let settings = &*self.0;
        let Some(tls) = tls else { return Ok(Secured::Plain(stream)) };
        let mut request = BytesMut::new();
        frontend::ssl_request(&mut request);
        stream.write_all(&request).await?;
        // One byte and no more: what an attacker puts behind it must not pass for what TLS protects.
        match stream.read_u8().await? {
            b'S' => {
                let host = settings.host.clone().unwrap_or_default();
                let name = ServerName::try_from(host).map_err(|_| {
                    Failure::Setting("the host is no name that a certificate can have")
                })?;
                let connector = TlsConnector::from(Arc::clone(tls));
                let stream = connector.connect(name, stream).await.map_err(Failure::Handshake)?;
                Ok(Secured::Tls(Box::new(stream)))
            }
            b'N' if matches!(settings.ssl_mode, SslMode::Prefer) => Ok(Secured::Plain(stream)),
            b'N' => Err(Failure::NoTls),
            _ => Err(Failure::Protocol("it answers neither yes nor no to the question for TLS")),
        }
    }

    async fn log_in(&self, socket: Box<dyn Socket>, shelter: Shelter) -> Result<Wire, Failure> {
        let settings = &*self.0;
        let user = settings.username.as_deref().ok_or(Failure::Setting("the user is not given"))?;
        let database = settings.database.as_deref().unwrap_or(user);
        Wire::log_in(socket, user, database, settings.password.as_ref(), shelter).await
    }

    /// Returns by what statements on the connection are cancelled.
    pub(super) fn canceller(&self, connection: &Connection) -> Canceller {
        Canceller { place: self.clone(), way: connection.way.clone(), key: connection.wire.key() }
    }
}

impl Canceller {
    /// Asks the server to cancel what runs on the connection. That it was asked is all that is known.
    pub(super) async fn cancel(self) -> Result<(), Failure> {
        let within = self.place.settings().connect_timeout;
        match timeout(within, self.ask()).await {
            Ok(result) => result,
            Err(_) => Err(Failure::Timeout(within)),
        }
    }

    /// Looks from another connection to the very same server at what ours does.
    /// It is boxed because the other connection waits in the same way as ours, and could look in turn.
    fn look(&self) -> BoxFuture<'_, Result<Sight, Failure>> {
        let seen = async move {
            let mut other = match &self.way {
                Way::Unix(path) => {
                    let socket = Box::new(UnixStream::connect(path).await?);
                    self.place.log_in(socket, Shelter::Socket).await?
                }
                Way::Net { end, tls } => {
                    let stream = self.place.0.connect_again(self.place.host()?, *end).await?;
                    self.place.enter(stream, *end, tls.clone()).await?.wire
                }
            };
            let process = self.key.process;
            let rows = other
                .ask(&format!(
                    "SELECT 1 FROM pg_catalog.pg_stat_activity \
                     WHERE pid = {process} AND wait_event = 'ClientWrite'"
                ))
                .await?;
            Ok(if rows.is_empty() { Sight::Unknown } else { Sight::Sending })
        };
        Box::pin(seen)
    }

    async fn ask(self) -> Result<(), Failure> {
        let mut request = BytesMut::new();
        frontend::cancel_request(self.key.process, self.key.secret, &mut request);
        let mut socket: Box<dyn Socket> = match self.way {
            Way::Unix(path) => Box::new(UnixStream::connect(path).await?),
            Way::Net { end, tls } => {
                let stream = self.place.0.connect_again(self.place.host()?, end).await?;
                match self.place.secure(stream, tls.as_ref()).await? {
                    Secured::Tls(stream) => stream,
                    Secured::Plain(stream) => Box::new(stream),
                }
            }
        };
        socket.write_all(&request).await?;
        socket.flush().await?;
        // The server closes the connection when it has passed the signal on.
        let mut rest = [0; 16];
        while socket.read(&mut rest).await? > 0 {}
        Ok(())
    }
}

/// Looks after a connection on which nothing arrives: whether the server works or the network hangs.
#[derive(Debug)]
pub(super) struct Watch {
    canceller: Canceller,
}

/// What another connection tells about one on which nothing arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// The server has sent something that did not arrive, or waits for us to take it.
    Sending,
    /// No answer.
    Nothing,
    /// The server works, or cannot be asked: a pooler in between, too many connections.
    Unknown,
}

impl Watch {
    /// Returns when there is no more hope that anything arrives, and why.
    pub(super) async fn until_hopeless(&self) -> Failure {
        let within = self.canceller.place.settings().connect_timeout;
        let silence = within * SILENT_CONNECTS;
        let mut last = Sight::Unknown;
        loop {
            sleep(silence).await;
            let seen = match timeout(within, self.canceller.look()).await {
                Ok(Ok(seen)) => seen,
                Err(_) | Ok(Err(Failure::Address(AddressError::Timeout { .. }))) => Sight::Nothing,
                Ok(Err(Failure::Tunnel(error))) if error.kind == ErrorKind::Timeout => {
                    Sight::Nothing
                }
                Ok(Err(_)) => Sight::Unknown,
            };
            // Once may be chance: a server that is very busy, a batch that was just taken.
            match (last, seen) {
                (Sight::Nothing, Sight::Nothing) => return Failure::Silent { silence, within },
                (Sight::Sending, Sight::Sending) => return Failure::Stuck(silence),
                _ => {}
            }
            last = seen;
        }
    }
}

enum Secured {
    Tls(Box<TlsStream<Stream>>),
    Plain(Stream),
}

/// Returns the failure of a login as what it is: with TLS 1.3 the server looks at our certificate when the
/// handshake is over for us.
fn of_the_handshake(failure: Failure) -> Failure {
    match failure {
        Failure::Io(error) if error.get_ref().is_some_and(|it| it.is::<rustls::Error>()) => {
            Failure::Handshake(error)
        }
        other => other,
    }
}

/// Returns whether the server does not take connections of this sort from us: no line of its pg_hba.conf.
fn refused_before_login(failure: &Failure) -> bool {
    matches!(failure, Failure::Server(error) if error.code == "28000")
}

fn facts(stream: &TlsStream<Stream>) -> Option<String> {
    let (_, connection) = stream.get_ref();
    let version = connection.protocol_version()?;
    let cipher = connection.negotiated_cipher_suite()?;
    Some(format!("{version:?} {:?}", cipher.suite()))
}
