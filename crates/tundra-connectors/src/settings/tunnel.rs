//! What is said of the SSH server through which a database is reached.
//!
//! Start at [`SshSettings`]. Texts are taken apart here as far as they must be to tell them from the names
//! of files; whether a key is one is seen when it is used.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use tundra_core::Secret;

use crate::settings::{Pem, SettingsError, pem, port_of};

/// The port of SSH.
const PORT: u16 = 22;

/// An SSH server, who we are there, and by which key it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SshSettings {
    /// Its name or address.
    pub host: String,
    /// Its port; 22 when not given.
    pub port: Option<u16>,
    /// Who asks.
    pub user: Option<String>,
    /// The private keys that are tried, in this order, in the form of OpenSSH or PEM.
    pub keys: Vec<Pem>,
    /// What unlocks those of them that are encrypted.
    pub passphrase: Option<Secret>,
    /// The hosts and the keys by which they are known.
    pub known_hosts: Option<KnownHosts>,
    /// The one key by which the server is known, whatever `known_hosts` says.
    pub host_key: Option<HostKey>,
}

impl SshSettings {
    /// Returns the port that is connected to.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(PORT)
    }

    /// Returns whether anything is read from a file.
    pub fn names_files(&self) -> bool {
        self.keys.iter().any(|key| matches!(key, Pem::File(_)))
            || matches!(self.known_hosts, Some(KnownHosts::File(_)))
    }

    /// Returns whether there is something in it that must not be shown: a key's text or a passphrase.
    pub fn holds_secrets(&self) -> bool {
        self.passphrase.is_some() || self.keys.iter().any(|key| matches!(key, Pem::Text(_)))
    }
}

/// The server's place, without who asks: `bastion.example.com:22`.
impl fmt::Display for SshSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(f, "[{}]:{}", self.host, self.port());
        }
        write!(f, "{}:{}", self.host, self.port())
    }
}

/// Reads `[USER@]HOST[:PORT]`, where an IPv6 address with a port stands in brackets.
impl FromStr for SshSettings {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, SettingsError> {
        let refused = |reason| SettingsError::Value { name: "ssh_host", reason };
        let (user, place) = match text.rsplit_once('@') {
            Some(("", _)) => return Err(refused("has an `@` without a user")),
            Some((user, place)) => (Some(user.to_owned()), place),
            None => (None, text),
        };
        let (host, port) = match place.strip_prefix('[') {
            Some(rest) => match rest.split_once(']') {
                Some((host, "")) => (host, None),
                Some((host, port)) => (host, Some(port.strip_prefix(':').unwrap_or(port))),
                None => return Err(refused("has a `[` without a `]`")),
            },
            // Several colons are an IPv6 address, which has no port without brackets.
            None => match place.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (place, None),
            },
        };
        let port = port.map(|port| port_of("ssh_port", port)).transpose()?;
        Ok(Self { host: host_of(host.to_owned())?, port, user, ..Self::default() })
    }
}

/// Which hosts are known, and by which keys; in the form of OpenSSH's `known_hosts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownHosts {
    /// The lines themselves.
    Text(String),
    /// A file of them, read when the connection is made.
    File(PathBuf),
}

/// A key by which a server is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostKey {
    /// As `ssh-keyscan` prints it behind the name of the host: `ssh-ed25519 AAAA...`.
    PublicKey(String),
    /// As `ssh-keygen -l` prints it: `SHA256:` and 43 characters.
    Fingerprint(String),
}

impl FromStr for HostKey {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, SettingsError> {
        let text = text.trim();
        if let Some(digest) = text.strip_prefix("SHA256:") {
            let digest = digest.trim_end_matches('=');
            let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
            if digest.len() == 43 && digest.bytes().all(is_base64) {
                return Ok(Self::Fingerprint(format!("SHA256:{digest}")));
            }
        } else if looks_like_key(text) {
            return Ok(Self::PublicKey(text.to_owned()));
        }
        Err(SettingsError::Value {
            name: "ssh_host_key",
            reason: "is neither a public key such as `ssh-ed25519 AAAA...` nor a fingerprint such as \
                     `SHA256:...`",
        })
    }
}

/// Returns whether a text begins as a public key does.
fn looks_like_key(text: &str) -> bool {
    let mut words = text.split_ascii_whitespace();
    words.next().is_some_and(|kind| kind.starts_with("ssh-") || kind.starts_with("ecdsa-sha2-"))
        && words.next().is_some_and(|key| key.starts_with("AAAA"))
}

/// Returns whether a text has a line of `known_hosts`, which no path has.
fn looks_like_known_hosts(text: &str) -> bool {
    text.lines().any(|line| {
        line.find([' ', '\t'])
            .is_some_and(|at| line.get(at..).is_some_and(|rest| rest.contains(" AAAA")))
    })
}

/// Returns whether a setting with this name is known; it begins with `ssh_`.
pub(super) fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

/// The names of the settings, and those under which others know them.
const NAMES: [&str; 12] = [
    "ssh_host",
    "ssh_port",
    "ssh_user",
    "ssh_username",
    "ssh_key",
    "ssh_private_key",
    "ssh_key_file",
    "ssh_passphrase",
    "ssh_key_passphrase",
    "ssh_known_hosts",
    "ssh_host_key",
    "ssh_hostkey",
];

/// Takes one named setting.
pub(super) fn set(
    ssh: &mut SshSettings,
    name: &str,
    value: String,
    files: bool,
) -> Result<(), SettingsError> {
    match name {
        "ssh_host" => ssh.host = host_of(value)?,
        "ssh_port" => ssh.port = Some(port_of("ssh_port", &value)?),
        "ssh_user" | "ssh_username" => ssh.user = Some(value),
        "ssh_key" | "ssh_private_key" | "ssh_key_file" => {
            ssh.keys = vec![pem("ssh_key", value, files)?];
        }
        "ssh_passphrase" | "ssh_key_passphrase" => ssh.passphrase = Some(Secret::new(value)),
        "ssh_known_hosts" => ssh.known_hosts = Some(known_hosts(value, files)?),
        _ => ssh.host_key = Some(value.parse()?),
    }
    Ok(())
}

fn host_of(host: String) -> Result<String, SettingsError> {
    let is_odd = |it: char| it.is_whitespace() || it.is_control() || matches!(it, '/' | '@');
    if host.is_empty() || host.contains(is_odd) {
        return Err(SettingsError::Value { name: "ssh_host", reason: "is no name of a host" });
    }
    Ok(host)
}

fn known_hosts(value: String, files: bool) -> Result<KnownHosts, SettingsError> {
    if looks_like_known_hosts(&value) {
        return Ok(KnownHosts::Text(value));
    }
    if files {
        return Ok(KnownHosts::File(Path::new(&value).to_path_buf()));
    }
    Err(SettingsError::Value {
        name: "ssh_known_hosts",
        reason: "is not the text of a known_hosts file",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{ConnectionSettings, DatabaseKind};

    const LINE: &str = "bastion ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9";

    #[test]
    fn a_server_is_named_as_ssh_names_it() {
        for (text, shown, user) in [
            ("bastion", "bastion:22", None),
            ("me@bastion", "bastion:22", Some("me")),
            ("me@bastion:2222", "bastion:2222", Some("me")),
            ("a@b@bastion", "bastion:22", Some("a@b")),
            ("[::1]:2222", "[::1]:2222", None),
            ("me@::1", "[::1]:22", Some("me")),
        ] {
            let ssh: SshSettings = text.parse().expect(text);
            assert_eq!((ssh.to_string().as_str(), ssh.user.as_deref()), (shown, user), "{text}");
        }
        for text in ["", "@b", "me@", "b:0", "b:x", "[::1", "a b", "ssh://b"] {
            assert!(text.parse::<SshSettings>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_url_names_the_tunnel_in_its_parameters() {
        let url = "postgresql://u@db/shop?ssh_host=bastion&ssh_port=2222&ssh_user=jump\
                   &ssh_key=/home/me/.ssh/id_ed25519&ssh_passphrase=hunter2\
                   &ssh_known_hosts=/home/me/.ssh/known_hosts";
        let settings = ConnectionSettings::from_url(url).unwrap();
        assert_eq!(settings.to_string(), "postgresql://u@db:5432/shop");
        assert!(!format!("{settings:?}").contains("hunter2"));
        let ssh = settings.ssh.unwrap();
        assert_eq!(ssh.to_string(), "bastion:2222");
        assert_eq!(ssh.user.as_deref(), Some("jump"));
        assert_eq!(ssh.keys, [Pem::File(PathBuf::from("/home/me/.ssh/id_ed25519"))]);
        let known = PathBuf::from("/home/me/.ssh/known_hosts");
        assert_eq!(ssh.known_hosts, Some(KnownHosts::File(known)));
        assert!(ssh.names_files() && ssh.passphrase.is_some());
    }

    #[test]
    fn stored_credentials_have_the_same_names_and_texts_instead_of_files() {
        let key =
            "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----\n";
        let json = serde_json::json!({
            "host": "db", "username": "u", "ssh_host": "bastion", "ssh_port": 2222,
            "ssh_user": "jump", "ssh_key": key, "ssh_known_hosts": LINE,
            "ssh_host_key": "SHA256:AbCdefghijklmnopqrstuvwxyz0123456789+/ABCDE",
        });
        let settings =
            ConnectionSettings::from_json(DatabaseKind::Mysql, &json.to_string()).unwrap();
        assert!(!format!("{settings:?}").contains("hunter2"));
        let ssh = settings.ssh.unwrap();
        assert_eq!(ssh.keys, [Pem::Text(Secret::new(key))]);
        assert_eq!(ssh.known_hosts, Some(KnownHosts::Text(LINE.to_owned())));
        assert!(matches!(ssh.host_key, Some(HostKey::Fingerprint(_))));
        assert!(!ssh.names_files());
    }

    #[test]
    fn what_makes_no_sense_together_is_refused() {
        for url in [
            "postgresql://u@h/d?ssh_user=me",
            "postgresql://u@h/d?ssh_host=b&ssh_port=0",
            "postgresql://u@h/d?ssh_host=b&ssh_agent=yes",
            "postgresql://u@h/d?ssh_host=b&ssh_host_key=MD5:00",
            "postgresql://u@h/d?ssh_host=b&ssh_host_key=SHA256:short",
            "postgresql://u@%2Frun/d?ssh_host=b",
        ] {
            assert!(ConnectionSettings::from_url(url).is_err(), "{url}");
        }
        let credentials = r#"{"file_path": "a.db", "ssh_host": "b"}"#;
        assert!(ConnectionSettings::from_json(DatabaseKind::Sqlite, credentials).is_err());
    }
}
