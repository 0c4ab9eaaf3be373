//! The login: who we are, and the proofs that the server asks for.
//!
//! The methods are those of `mysql_common`. A password goes as it is only over TLS or a socket of this
//! machine, and encrypted by a key of the server only where nobody in between could have sent that;
//! whether the other end of TLS is the right one is for `ssl_mode` to say.

use std::collections::HashMap;

use mysql_common::{
    auth::plugins::{AuthProc, ChallengeResponsePlugin, Context, Response},
    constants::{CapabilityFlags, MariadbCapabilities},
    io::ParseBuf,
    packets::{AuthPlugin, AuthSwitchRequest, HandshakePacket, HandshakeResponse},
    proto::MySerialize,
};

use super::MAX_PACKET;
use crate::{
    mysql::{
        failure::Failure,
        protocol::{ERR, ServerError},
        wire::{Wire, WireError},
    },
    settings::ConnectionSettings,
};

/// What is known of the way to the server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Transport {
    /// It is TLS with a certificate that was verified.
    pub(super) verified: bool,
    /// It is TLS.
    pub(super) encrypted: bool,
    /// It is a socket of this machine.
    pub(super) socket: bool,
}

/// What a method of login may know.
#[derive(Clone, Copy)]
struct Known<'a> {
    password: &'a [u8],
    nonce: &'a [u8],
    transport: Transport,
}

impl Context for Known<'_> {
    fn pass(&self) -> &[u8] {
        self.password
    }

    fn is_ipc_transport(&self) -> bool {
        self.transport.socket
    }

    fn is_tls_transport(&self) -> bool {
        self.transport.encrypted
    }

    fn scramble(&self) -> &[u8] {
        self.nonce
    }

    fn server_key_pem(&self) -> Option<&[u8]> {
        None
    }
}

/// Says who we are and proves it.
pub(super) async fn log_in(
    wire: &mut Wire,
    settings: &ConnectionSettings,
    hello: &HandshakePacket<'_>,
    capabilities: CapabilityFlags,
    extensions: MariadbCapabilities,
    transport: Transport,
) -> Result<(), Failure> {
    let password = settings.password.as_ref().map_or(&[][..], |it| it.expose().as_bytes());
    let mut nonce = hello.nonce();
    let first = hello.auth_plugin().unwrap_or(AuthPlugin::MysqlNativePassword);
    // A method that we do not have, or do not want here: name the oldest, and the server asks for the
    // user's own.
    let first = match allowed(&first, transport) {
        Ok(()) => first,
        Err(_) => AuthPlugin::MysqlNativePassword,
    };
    let mut method = start(&first)?;
    let known = Known { password, nonce: &nonce, transport };
    let proof = step(&mut method, known, &nonce)?;
    let response = HandshakeResponse::new(
        Some(proof.unwrap_or_default()),
        (5, 7, 0),
        settings.username.as_deref().map(str::as_bytes),
        settings.database.as_deref().map(str::as_bytes),
        Some(first),
        capabilities,
        Some(HashMap::from([("program_name".to_owned(), "tundra".to_owned())])),
        MAX_PACKET,
    )
    .with_mariadb_ext_capabilities(extensions);
    let mut payload = Vec::new();
    response.serialize(&mut payload);
    wire.send(&payload).await?;

    // A server that asks for ever would keep us for ever; no login has so many steps.
    const STEPS: usize = 16;
    for _ in 0..STEPS {
        let packet = wire.message().await?;
        let proof = match packet {
            [0, ..] => return Ok(()),
            [ERR, ..] => return Err(ServerError::parse(packet)?.into()),
            [SWITCH] => {
                return Err(Failure::Unsupported(
                    "the server asks for a login older than MySQL 4.1".to_owned(),
                ));
            }
            [SWITCH, ..] => {
                let request: AuthSwitchRequest<'_> = ParseBuf(packet)
                    .parse(())
                    .map_err(|_| WireError::Protocol("the login cannot be read"))?;
                allowed(&request.auth_plugin(), transport)?;
                method = start(&request.auth_plugin())?;
                nonce = request.plugin_data().to_vec();
                step(&mut method, Known { password, nonce: &nonce, transport }, &nonce)?
            }
            // Anybody in between can send a key of his own, and would read the password.
            [MORE, challenge @ ..] if challenge.starts_with(b"-----BEGIN") => {
                return Err(Failure::Denied {
                    message:
                        "the server wants the password encrypted with a key that nothing proves \
                              to be its own"
                            .to_owned(),
                    hint: Some("use TLS: set `ssl_mode` to `require` or more".to_owned()),
                });
            }
            [MORE, challenge @ ..] => {
                let challenge = challenge.to_vec();
                step(&mut method, Known { password, nonce: &nonce, transport }, &challenge)?
            }
            _ => return Err(WireError::Protocol("the login goes on in an unknown way").into()),
        };
        if let Some(proof) = proof {
            wire.send(&proof).await?;
        }
    }
    Err(WireError::Protocol("the login does not end").into())
}

/// The first byte of a request to use another method.
const SWITCH: u8 = 0xFE;
/// The first byte of what a method sends beyond its first packet.
const MORE: u8 = 0x01;

/// Refuses what would give a password away.
fn allowed(plugin: &AuthPlugin<'_>, transport: Transport) -> Result<(), Failure> {
    match plugin {
        AuthPlugin::MysqlClearPassword if !(transport.verified || transport.socket) => {
            Err(Failure::Denied {
                message: "the server asks for the password as it is, and nothing proves who it is"
                    .to_owned(),
                hint: Some("set `ssl_mode` to `verify-full` and give the CA".to_owned()),
            })
        }
        AuthPlugin::MysqlOldPassword => Err(Failure::Unsupported(
            "the login `mysql_old_password` is broken, and not used".to_owned(),
        )),
        AuthPlugin::Other(name) => Err(unknown(&String::from_utf8_lossy(name))),
        _ => Ok(()),
    }
}

fn unknown(name: &str) -> Failure {
    Failure::Unsupported(format!("the server asks for the login `{name}`, which is not supported"))
}

fn start(plugin: &AuthPlugin<'_>) -> Result<AuthProc, Failure> {
    plugin.init().map_err(|_| unknown(&String::from_utf8_lossy(plugin.as_bytes())))
}

fn step(
    method: &mut AuthProc,
    known: Known<'_>,
    challenge: &[u8],
) -> Result<Option<Vec<u8>>, Failure> {
    match method.run(known, challenge) {
        Ok(Response::Next { packet } | Response::Last { packet }) => Ok(packet),
        Err(error) => Err(Failure::Unsupported(format!("the login failed: {error}"))),
    }
}
