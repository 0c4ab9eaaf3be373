//! What goes wrong between us and an SSH server, and what it means for a caller.
//!
//! Start at [`SshError`]. Of a server's words only what it says of a channel is shown, shortened: a banner
//! or a farewell can be anything, and comes from a server that may not have been proven yet.

use std::{io, time::Duration};

use tundra_core::ErrorKind;

use crate::{address::AddressError, route::TunnelError};

/// Why there is no channel through the server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SshError {
    /// The server cannot be reached, or must not be.
    #[error("the SSH server cannot be reached: {}", with_source(.0))]
    Address(AddressError),

    /// It did not answer in time.
    #[error("the SSH server `{place}` did not answer within {within:?}")]
    Timeout {
        /// Where it is.
        place: String,
        /// The time allowed.
        within: Duration,
    },

    /// It went away before it let us in, as a server does that has too many others to let in.
    #[error("the SSH server `{place}` closed the connection before the login")]
    Closed {
        /// Where it is.
        place: String,
    },

    /// It does not speak the protocol, or nothing that we do.
    #[error("the handshake with the SSH server `{place}` failed: {reason}")]
    Handshake {
        /// Where it is.
        place: String,
        /// What the library says.
        reason: String,
    },

    /// Nothing is known of its key.
    #[error(
        "the SSH server `{place}` shows the key {fingerprint} ({algorithm}), and no key of it is known"
    )]
    UnknownHostKey {
        /// Where it is.
        place: String,
        /// Its key's fingerprint.
        fingerprint: String,
        /// What sort of key that is.
        algorithm: String,
    },

    /// It is known by another key.
    #[error(
        "the SSH server `{place}` shows the key {fingerprint} ({algorithm}), which is not the one it is \
         known by, {known}: it was set up anew, or somebody stands between"
    )]
    ChangedHostKey {
        /// Where it is.
        place: String,
        /// Its key's fingerprint.
        fingerprint: String,
        /// What sort of key that is.
        algorithm: String,
        /// The fingerprints of those that are known.
        known: String,
    },

    /// Its key was revoked.
    #[error("the SSH server `{place}` shows the key {fingerprint}, which is revoked")]
    RevokedHostKey {
        /// Where it is.
        place: String,
        /// Its key's fingerprint.
        fingerprint: String,
    },

    /// A file of the settings cannot be read.
    #[error("`{path}` cannot be read: {source}")]
    File {
        /// Its name.
        path: String,
        /// What the system said.
        source: io::Error,
    },

    /// What should be a key is none.
    #[error("{which} is no private key that can be used: {reason}")]
    Key {
        /// Which.
        which: String,
        /// What the library says.
        reason: String,
    },

    /// A key is encrypted.
    #[error("{which} is encrypted, and there is no passphrase")]
    Locked {
        /// Which.
        which: String,
    },

    /// The passphrase is another one.
    #[error("the passphrase does not unlock {which}")]
    Passphrase {
        /// Which.
        which: String,
    },

    /// A setting is missing or makes no sense.
    #[error("{0}")]
    Setting(&'static str),

    /// It does not let us in.
    #[error("the SSH server `{place}` does not let the user in with {keys}; it takes {methods}")]
    Denied {
        /// Where it is.
        place: String,
        /// The fingerprints of the keys that were tried.
        keys: String,
        /// By what it lets somebody in.
        methods: String,
    },

    /// It does not allow this channel.
    #[error("the SSH server `{place}` does not forward to `{target}`: {said}")]
    Forbidden {
        /// Where it is.
        place: String,
        /// Where to.
        target: String,
        /// What it said.
        said: String,
    },

    /// It does not reach the database's host.
    #[error("the SSH server `{place}` does not reach `{target}`: {said}")]
    Unreached {
        /// Where it is.
        place: String,
        /// Where to.
        target: String,
        /// What it said.
        said: String,
    },

    /// We do not ask for this target.
    #[error("`{target}` is {zone}, where no tunnel leads")]
    Target {
        /// Where to.
        target: String,
        /// Where that is.
        zone: &'static str,
    },

    /// The connection broke after the channel was there.
    #[error("the connection to the SSH server `{place}` is lost{}", because(.reason))]
    Lost {
        /// Where it is.
        place: String,
        /// What the library says.
        reason: Option<String>,
    },

    /// What the library fails with by itself.
    #[error(transparent)]
    Library(#[from] russh::Error),
}

fn because(reason: &Option<String>) -> String {
    reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"))
}

/// Tells of an address what the system said as well.
fn with_source(error: &AddressError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

impl SshError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Address(AddressError::Refused { .. })
            | Self::UnknownHostKey { .. }
            | Self::ChangedHostKey { .. }
            | Self::RevokedHostKey { .. }
            | Self::Denied { .. }
            | Self::Forbidden { .. }
            | Self::Target { .. } => ErrorKind::PermissionDenied,
            Self::Address(AddressError::Timeout { .. }) | Self::Timeout { .. } => {
                ErrorKind::Timeout
            }
            Self::Address(_)
            | Self::Closed { .. }
            | Self::Handshake { .. }
            | Self::Unreached { .. }
            | Self::Lost { .. }
            | Self::Library(_) => ErrorKind::Unavailable,
            Self::File { .. }
            | Self::Key { .. }
            | Self::Locked { .. }
            | Self::Passphrase { .. }
            | Self::Setting(_) => ErrorKind::InvalidRequest,
        }
    }

    /// Returns whether the same may work a moment later. What somebody has to decide does not.
    fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Address(AddressError::Connect { .. } | AddressError::Timeout { .. })
                | Self::Timeout { .. }
                | Self::Closed { .. }
                | Self::Unreached { .. }
                | Self::Lost { .. }
        )
    }

    fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Address(AddressError::Refused { private: true, .. }) => {
                "connections to private networks are allowed by whoever runs Tundra, not here"
            }
            Self::Address(_) | Self::Timeout { .. } => {
                "check the SSH server's name and port, and that no firewall is between"
            }
            Self::UnknownHostKey { .. } => {
                "ask whoever runs the server whether that is its key; if so, add it with `ssh-keyscan` to \
                 the file of known hosts, or give the fingerprint as `ssh_host_key`"
            }
            Self::ChangedHostKey { .. } => {
                "ask whoever runs the server; if its key did change, remove the old one with \
                 `ssh-keygen -R` and add the new one"
            }
            Self::Locked { .. } => {
                "give the passphrase as `ssh_passphrase`, or at a terminal with \
                 `--ask-ssh-passphrase` or in TUNDRA_SSH_PASSPHRASE"
            }
            Self::Denied { .. } => {
                "check the user, and that the key stands in the server's authorized_keys"
            }
            Self::Forbidden { .. } => {
                "the server must allow it: see AllowTcpForwarding and PermitOpen in its sshd_config"
            }
            Self::Unreached { .. } => {
                "the database's host and port are those that the SSH server sees, not those that this \
                 machine does"
            }
            _ => return None,
        })
    }
}

impl From<SshError> for TunnelError {
    fn from(error: SshError) -> Self {
        Self {
            kind: error.kind(),
            transient: error.is_transient(),
            hint: error.hint().map(str::to_owned),
            reason: error.to_string(),
        }
    }
}
