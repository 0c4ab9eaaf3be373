//! The private keys that are tried with an SSH server.
//!
//! Start at [`read`]. Unlocking a key is made slow on purpose, so it is done once for a connector and not
//! on a thread that others wait for. Nothing of a key or its passphrase is in an error.

use std::sync::Arc;

use russh::keys::{PrivateKey, decode_secret_key};
use tokio::task::spawn_blocking;
use tundra_core::Secret;

use crate::{
    settings::{Pem, SshSettings},
    tunnel::SshError,
};

/// Reads all keys and unlocks those that are encrypted.
///
/// Where several may be tried, one that cannot be used is left out, as long as another one can.
pub(super) async fn read(ssh: &SshSettings) -> Result<Vec<Arc<PrivateKey>>, SshError> {
    let mut keys = Vec::new();
    let mut refused = None;
    for pem in &ssh.keys {
        match one(pem, ssh.passphrase.clone()).await {
            Ok(key) => keys.push(Arc::new(key)),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    match refused {
        Some(error) if keys.is_empty() => Err(error),
        None if keys.is_empty() => Err(SshError::Setting(
            "there is no key for the SSH server; name one with `ssh_key`, or with `--ssh-key`",
        )),
        _ => Ok(keys),
    }
}

async fn one(pem: &Pem, passphrase: Option<Secret>) -> Result<PrivateKey, SshError> {
    let (which, text) = match pem {
        Pem::Text(text) => ("the SSH key".to_owned(), text.clone()),
        Pem::File(path) => {
            let which = format!("the SSH key `{}`", path.display());
            match tokio::fs::read_to_string(path).await {
                Ok(text) => (which, Secret::new(text)),
                Err(source) => {
                    return Err(SshError::File { path: path.display().to_string(), source });
                }
            }
        }
    };
    let decoded = spawn_blocking(move || decode(&which, &text, passphrase.as_ref())).await;
    decoded.unwrap_or_else(|_| Err(SshError::Setting("the SSH key could not be decoded")))
}

fn decode(which: &str, text: &Secret, passphrase: Option<&Secret>) -> Result<PrivateKey, SshError> {
    // First without: a key that is not encrypted is not refused for a passphrase that others need.
    let error = match decode_secret_key(text.expose(), None) {
        Ok(key) => return Ok(key),
        Err(error) => error,
    };
    let which = which.to_owned();
    let is_encrypted = matches!(error, russh::keys::Error::KeyIsEncrypted)
        || text.expose().contains("ENCRYPTED")
        || text.expose().lines().any(|line| {
            line.strip_prefix("Encryption: ").is_some_and(|method| method.trim() != "none")
        });
    match passphrase {
        _ if !is_encrypted => {
            let reason = match error {
                russh::keys::Error::UnsupportedKeyType { .. } => "its type is not supported",
                _ => "it is in none of the forms of OpenSSH, PEM and PuTTY",
            };
            Err(SshError::Key { which, reason: reason.to_owned() })
        }
        None => Err(SshError::Locked { which }),
        Some(passphrase) => match decode_secret_key(text.expose(), Some(passphrase.expose())) {
            Ok(key) => Ok(key),
            Err(_) => Err(SshError::Passphrase { which }),
        },
    }
}
