//! The way to a database's host: straight, or through an SSH server.
//!
//! Start at [`Route::connect`], whose [`Stream`] is all that the protocols see of it. The address rules
//! hold for the address that is connected to, which with a tunnel is that of the SSH server; what is
//! behind it is named there and reached from there.

use std::{
    io,
    net::SocketAddr,
    ops::Deref,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tundra_core::{Decision, ErrorKind};

#[cfg(feature = "ssh")]
use crate::tunnel::{Channel, Tunnel};
use crate::{
    address::{self, AddressError},
    settings::ConnectionSettings,
};

/// A database's host that can be connected to, any number of times. It is its settings as well.
#[derive(Debug)]
pub(crate) struct Route {
    settings: ConnectionSettings,
    #[cfg(feature = "ssh")]
    tunnel: Option<Tunnel>,
}

/// What was connected to. Another lookup of the name could lead to another server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// This address.
    Address(SocketAddr),
    /// What the SSH server finds under the database's name.
    Tunnel,
}

/// A connection to the host.
#[derive(Debug)]
pub(crate) enum Stream {
    /// A socket.
    Tcp(TcpStream),
    /// A channel through an SSH server.
    #[cfg(feature = "ssh")]
    Tunnel(Box<Channel>),
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum RouteError {
    /// The host cannot be reached, or must not be.
    Address(AddressError),
    /// There is no tunnel to it.
    Tunnel(TunnelError),
}

/// Why there is no tunnel, in the terms of every connector.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct TunnelError {
    /// Why.
    pub(crate) reason: String,
    /// What sort of failure it is.
    pub(crate) kind: ErrorKind,
    /// Whether the same may work a moment later.
    pub(crate) transient: bool,
    /// The way out.
    pub(crate) hint: Option<String>,
}

impl Route {
    /// Takes the settings; nothing is connected yet.
    pub(crate) fn new(settings: ConnectionSettings) -> Self {
        Self {
            #[cfg(feature = "ssh")]
            tunnel: settings.ssh.clone().map(Tunnel::new),
            settings,
        }
    }

    /// Connects to the port of this host.
    ///
    /// # Errors
    /// See [`RouteError`].
    pub(crate) async fn connect(&self, host: &str) -> Result<(Stream, Endpoint), RouteError> {
        if self.settings.ssh.is_some() {
            return Ok((self.through_tunnel(host).await?, Endpoint::Tunnel));
        }
        let ConnectionSettings { addresses, connect_timeout, .. } = self.settings;
        let stream = address::connect(host, self.settings.port(), addresses, connect_timeout)
            .await
            .map_err(RouteError::Address)?;
        let address = stream.peer_addr().map_err(|source| {
            // The other side was there and has gone again.
            let address = SocketAddr::from(([0, 0, 0, 0], self.settings.port()));
            RouteError::Address(AddressError::Connect { address, source })
        })?;
        Ok((Stream::Tcp(stream), Endpoint::Address(address)))
    }

    /// Connects once more to what was connected to before.
    ///
    /// # Errors
    /// See [`RouteError`].
    pub(crate) async fn connect_again(
        &self,
        host: &str,
        end: Endpoint,
    ) -> Result<Stream, RouteError> {
        match end {
            Endpoint::Address(address) => match TcpStream::connect(address).await {
                Ok(stream) => Ok(Stream::Tcp(stream)),
                Err(source) => Err(RouteError::Address(AddressError::Connect { address, source })),
            },
            Endpoint::Tunnel => self.through_tunnel(host).await,
        }
    }

    /// Returns the SSH server that was gone through, and its key; once there was a connection.
    pub(crate) fn tunnel(&self) -> Option<String> {
        let (place, key) = self.gone_through()?;
        Some(format!("{place} with the key {key}"))
    }

    /// Returns the same for a receipt.
    pub(crate) fn decision(&self) -> Option<Decision> {
        let (value, key) = self.gone_through()?;
        Some(Decision {
            what: "tunnel".to_owned(),
            value,
            confidence: 1.0,
            reason: format!("an SSH server, known by its key {key}"),
        })
    }

    #[cfg(feature = "ssh")]
    fn gone_through(&self) -> Option<(String, &str)> {
        let tunnel = self.tunnel.as_ref()?;
        Some((tunnel.place(), tunnel.fingerprint()?))
    }

    #[cfg(not(feature = "ssh"))]
    fn gone_through(&self) -> Option<(String, &str)> {
        None
    }

    #[cfg(feature = "ssh")]
    async fn through_tunnel(&self, host: &str) -> Result<Stream, RouteError> {
        let Some(tunnel) = &self.tunnel else {
            return Err(RouteError::Tunnel(TunnelError {
                reason: "the tunnel was not prepared".to_owned(),
                kind: ErrorKind::Internal,
                transient: false,
                hint: None,
            }));
        };
        let ConnectionSettings { addresses, connect_timeout, .. } = self.settings;
        let channel = tunnel
            .connect(host, self.settings.port(), addresses, connect_timeout)
            .await
            .map_err(|error| RouteError::Tunnel(error.into()))?;
        Ok(Stream::Tunnel(Box::new(channel)))
    }

    #[cfg(not(feature = "ssh"))]
    async fn through_tunnel(&self, _: &str) -> Result<Stream, RouteError> {
        std::future::ready(Err(RouteError::Tunnel(TunnelError {
            reason: "this build of Tundra has no tunnels through SSH".to_owned(),
            kind: ErrorKind::Unsupported,
            transient: false,
            hint: None,
        })))
        .await
    }
}

impl Deref for Route {
    type Target = ConnectionSettings;

    fn deref(&self) -> &ConnectionSettings {
        &self.settings
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            #[cfg(feature = "ssh")]
            Self::Tunnel(channel) => Pin::new(channel).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            #[cfg(feature = "ssh")]
            Self::Tunnel(channel) => Pin::new(channel).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            #[cfg(feature = "ssh")]
            Self::Tunnel(channel) => Pin::new(channel).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            #[cfg(feature = "ssh")]
            Self::Tunnel(channel) => Pin::new(channel).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            #[cfg(feature = "ssh")]
            Self::Tunnel(channel) => Pin::new(channel).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            #[cfg(feature = "ssh")]
            Self::Tunnel(_) => false,
        }
    }
}
