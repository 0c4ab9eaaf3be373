//! Tunnels to a database's host through an SSH server, with a key.
//!
//! Start at [`Tunnel::connect`]. The server is proven by its key before anything else is sent to it, and
//! lets us in by ours and by nothing else: no password, no agent, and no program of this machine.
//!
//! Each connection to the database has an SSH connection of its own. The library opens a channel's window
//! again when data arrives and not when somebody has taken it, and holds up a whole SSH connection
//! while one channel's buffer is full: on a shared one, a stream that waits for its sink would stop the
//! others, the cancelling of its own query, and with them perhaps that for which the sink waits. With one
//! channel each, the sink's pace becomes the server's, and the ciphers of several streams run on several
//! cores.

mod failure;
mod hosts;
mod keys;
mod stream;
mod target;

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use russh::{
    ChannelId, ChannelOpenFailure, Disconnect, MethodKind, Preferred, SshId, cipher,
    client::{self, AuthResult, DisconnectReason, Handle},
    keys::{Algorithm, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKeyOrCertificate},
};
use tokio::{
    sync::{OnceCell, Semaphore},
    time::timeout,
};

pub(crate) use self::{failure::SshError, stream::Channel};
use self::{
    hosts::{Hosts, Judgement, fingerprint},
    stream::Fate,
};
use crate::{
    address,
    settings::{AddressPolicy, SshSettings},
};

/// How much may be on its way on a channel. With 2 MiB a line of 1 GBit/s is full up to 16 ms away.
const WINDOW_BYTES: u32 = 2 * 1024 * 1024;

/// How much a packet may hold; more than a TCP segment is no gain.
const PACKET_BYTES: u32 = 65_535;

/// How many packets the library keeps for us; what is behind them waits on the network.
const PACKETS: usize = 16;

/// How long a server may be silent before it is asked whether it is still there, and how often it may
/// leave that unanswered. Within a minute a server that is gone is known to be.
const SILENCE: Duration = Duration::from_secs(15);
const QUESTIONS: usize = 3;

/// How often a server hears of us while rows arrive and we have nothing to say; one that asks after its
/// clients may get no other answer while a sink is slow.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// How many logins are under way at once. OpenSSH begins to turn away those beyond ten.
const LOGINS: usize = 4;

/// How much of a server's words is shown.
const SAID_CHARACTERS: usize = 200;

/// An SSH server through which connections are made, any number of times.
pub(crate) struct Tunnel {
    ssh: SshSettings,
    /// Read and unlocked once.
    keys: OnceCell<Vec<Arc<PrivateKey>>>,
    /// What the server's key was when it was last connected to.
    fingerprint: Arc<OnceLock<String>>,
    logins: Semaphore,
}

/// Without the keys, whatever the library would show of them.
impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnel").field("ssh", &self.ssh).finish_non_exhaustive()
    }
}

impl Tunnel {
    /// Takes the settings; nothing is connected yet.
    pub(crate) fn new(ssh: SshSettings) -> Self {
        Self {
            ssh,
            keys: OnceCell::new(),
            fingerprint: Arc::default(),
            logins: Semaphore::new(LOGINS),
        }
    }

    /// Returns where the server is.
    pub(crate) fn place(&self) -> String {
        self.ssh.to_string()
    }

    /// Returns the fingerprint of the server's key, once it was connected to.
    pub(crate) fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.get().map(String::as_str)
    }

    /// Connects to a port of a host as the server sees it.
    ///
    /// # Errors
    /// See [`SshError`].
    pub(crate) async fn connect(
        &self,
        host: &str,
        port: u16,
        policy: AddressPolicy,
        within: Duration,
    ) -> Result<Channel, SshError> {
        target::check(host)?;
        // A little less than the caller's own time, so that it is said who did not answer.
        let within = within - within / 10;
        let connected = timeout(within, async {
            let handle = self.log_in(policy, within).await?;
            self.open(handle, host, port).await
        });
        match connected.await {
            Ok(result) => result,
            Err(_) => Err(SshError::Timeout { place: self.place(), within }),
        }
    }

    /// Connects to the server, and is let in.
    async fn log_in(
        &self,
        policy: AddressPolicy,
        within: Duration,
    ) -> Result<(Handle<Client>, Arc<Fate>), SshError> {
        let ssh = &self.ssh;
        let user = ssh
            .user
            .as_deref()
            .ok_or(SshError::Setting("the user for the SSH server is not given: set `ssh_user`"))?;
        let keys = self.keys.get_or_try_init(|| keys::read(ssh)).await?;
        let hosts = Hosts::read(ssh).await?;
        let _turn = self.logins.acquire().await;
        let stream = address::connect(&ssh.host, ssh.port(), policy, within)
            .await
            .map_err(SshError::Address)?;
        let config = Arc::new(config(&hosts));
        let fate = Arc::new(Fate::new(self.place()));
        let client = Client {
            place: self.place(),
            hosts,
            fingerprint: Arc::clone(&self.fingerprint),
            fate: Arc::clone(&fate),
            spoke: Instant::now(),
        };
        let handshake = client::connect_stream(config, stream, client).await;
        let mut handle = handshake.map_err(|error| self.of_handshake(error))?;
        self.authenticate(&mut handle, user, keys).await?;
        Ok((handle, fate))
    }

    /// Tries one key after the other.
    async fn authenticate(
        &self,
        handle: &mut Handle<Client>,
        user: &str,
        keys: &[Arc<PrivateKey>],
    ) -> Result<(), SshError> {
        let mut methods = String::new();
        for key in keys {
            let hash = match key.algorithm() {
                // What the server names, and never SHA-1.
                Algorithm::Rsa { .. } => {
                    let named = handle.best_supported_rsa_hash().await;
                    let named = named.map_err(|error| self.of_handshake(error.into()))?;
                    Some(named.flatten().unwrap_or(HashAlg::Sha256))
                }
                _ => None,
            };
            let key = PrivateKeyWithHashAlg::new(Arc::clone(key), hash);
            let answer = handle.authenticate_publickey(user, key).await;
            match answer.map_err(|error| self.of_handshake(error.into()))? {
                AuthResult::Success => return Ok(()),
                AuthResult::Failure { remaining_methods, partial_success } => {
                    let names: Vec<&str> = remaining_methods.iter().map(<&str>::from).collect();
                    methods = names.join(", ");
                    if partial_success {
                        methods = format!("{methods} besides the key");
                    }
                    if !remaining_methods.contains(&MethodKind::PublicKey) {
                        break;
                    }
                }
            }
        }
        if handle.is_closed() && methods.is_empty() {
            return Err(SshError::Closed { place: self.place() });
        }
        let tried: Vec<String> = keys.iter().map(|key| fingerprint(key.public_key())).collect();
        let keys = match tried.len() {
            1 => format!("the key {}", tried.join(", ")),
            _ => format!("the keys {}", tried.join(", ")),
        };
        if methods.is_empty() {
            methods.push_str("nothing that it names");
        }
        Err(SshError::Denied { place: self.place(), keys, methods })
    }

    /// Opens the channel of a connection.
    async fn open(
        &self,
        (handle, fate): (Handle<Client>, Arc<Fate>),
        host: &str,
        port: u16,
    ) -> Result<Channel, SshError> {
        // Who asked for it is this machine; a port of 0 says that nobody's connection is passed on.
        let opened = handle.channel_open_direct_tcpip(host, port.into(), "127.0.0.1", 0).await;
        let error = match opened {
            Ok(channel) => return Ok(Channel::new(channel, handle, fate)),
            Err(error) => error,
        };
        let target =
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let place = self.place();
        let russh::Error::ChannelOpenFailure(failure) = error else {
            return Err(SshError::Closed { place });
        };
        // Its words are looked at when the library has shown them to the client, which it does next.
        let _ = handle.disconnect(Disconnect::ByApplication, "", "").await;
        let _ = handle.await;
        let said = fate.said().unwrap_or_else(|| format!("{failure:?}"));
        match failure {
            ChannelOpenFailure::ConnectFailed | ChannelOpenFailure::ResourceShortage => {
                Err(SshError::Unreached { place, target, said })
            }
            _ => Err(SshError::Forbidden { place, target, said }),
        }
    }

    /// Returns what a failure before the login means.
    fn of_handshake(&self, error: SshError) -> SshError {
        let place = self.place();
        let SshError::Library(error) = error else { return error };
        match error {
            // A server that has too many others to let in just goes away.
            russh::Error::HUP
            | russh::Error::Disconnect
            | russh::Error::SendError
            | russh::Error::RecvError
            | russh::Error::IO(_) => SshError::Closed { place },
            other => SshError::Handshake { place, reason: other.to_string() },
        }
    }
}

/// Returns what we speak, and how fast.
fn config(hosts: &Hosts) -> client::Config {
    // Those that processors are built for come first.
    const CIPHERS: &[cipher::Name] = &[
        cipher::AES_128_GCM,
        cipher::AES_256_GCM,
        cipher::CHACHA20_POLY1305,
        cipher::AES_256_CTR,
        cipher::AES_192_CTR,
        cipher::AES_128_CTR,
    ];
    let mut keys: Vec<Algorithm> = Preferred::DEFAULT.key.to_vec();
    // A signature over SHA-1 proves nothing any more.
    keys.retain(|algorithm| !matches!(algorithm, Algorithm::Rsa { hash: None }));
    hosts.order(&mut keys);
    client::Config {
        client_id: SshId::Standard(Cow::Borrowed(concat!(
            "SSH-2.0-Tundra_",
            env!("CARGO_PKG_VERSION")
        ))),
        window_size: WINDOW_BYTES,
        maximum_packet_size: PACKET_BYTES,
        channel_buffer_size: PACKETS,
        keepalive_interval: Some(SILENCE),
        keepalive_max: QUESTIONS,
        preferred: Preferred {
            key: Cow::Owned(keys),
            cipher: Cow::Borrowed(CIPHERS),
            ..Preferred::DEFAULT
        },
        ..client::Config::default()
    }
}

/// What the library asks of us while it runs a connection.
pub(crate) struct Client {
    place: String,
    hosts: Hosts,
    fingerprint: Arc<OnceLock<String>>,
    fate: Arc<Fate>,
    /// When we last said something by ourselves.
    spoke: Instant,
}

impl client::Handler for Client {
    type Error = SshError;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, SshError> {
        let place = self.place.clone();
        if shown.certificate().is_some() {
            // None was asked for.
            let reason = "it shows a certificate".to_owned();
            return Err(SshError::Handshake { place, reason });
        }
        let key = shown.public_key();
        let fingerprint = fingerprint(&key);
        let algorithm = key.algorithm().to_string();
        match self.hosts.judge(&key) {
            Judgement::Known => {
                self.fingerprint.get_or_init(|| fingerprint);
                Ok(true)
            }
            Judgement::Unknown => Err(SshError::UnknownHostKey { place, fingerprint, algorithm }),
            Judgement::Changed => {
                let known = self.hosts.fingerprints();
                Err(SshError::ChangedHostKey { place, fingerprint, algorithm, known })
            }
            Judgement::Revoked => Err(SshError::RevokedHostKey { place, fingerprint }),
        }
    }

    async fn data(
        &mut self,
        _: ChannelId,
        _: &[u8],
        session: &mut client::Session,
    ) -> Result<(), SshError> {
        if self.spoke.elapsed() >= SIGN_OF_LIFE {
            self.spoke = Instant::now();
            session.send_keepalive(false)?;
        }
        Ok(())
    }

    async fn channel_open_failure(
        &mut self,
        _: ChannelId,
        _: ChannelOpenFailure,
        description: &str,
        _: &str,
        _: &mut client::Session,
    ) -> Result<(), SshError> {
        let plain = description.chars().filter(|it| !it.is_control());
        self.fate.say(plain.take(SAID_CHARACTERS).collect());
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<SshError>) -> Result<(), SshError> {
        match reason {
            DisconnectReason::ReceivedDisconnect(_) => {
                self.fate.lost("the server ended it");
                Ok(())
            }
            DisconnectReason::Error(error) => {
                self.fate.lost(&error.to_string());
                Err(error)
            }
        }
    }
}
