//! The real SSH server, and what leads through it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tundra_connectors::{ConnectionSettings, HostKey, KnownHosts, Pem, SshSettings};
use tundra_core::{ConnectorError, ErrorKind, Secret};
use tundra_test_services::env::{self, SSH_PASSPHRASE};

use crate::errors;

/// The passphrase that opens nothing.
pub(crate) const WRONG: &str = "a-passphrase-that-is-wrong";

/// Returns the SSH server, who has one key to it and knows one of its own keys.
pub(crate) fn ssh() -> SshSettings {
    let server = env::ssh().expect("there is an SSH server");
    SshSettings {
        host: server.address.ip().to_string(),
        port: Some(server.address.port()),
        user: Some(server.user),
        keys: vec![Pem::File(server.folder.join("id_ed25519"))],
        passphrase: None,
        known_hosts: Some(KnownHosts::Text(known("host_ed25519"))),
        host_key: None,
    }
}

/// Returns the same with another key to it.
pub(crate) fn with_key(name: &str) -> SshSettings {
    SshSettings { keys: vec![Pem::File(file(name))], ..ssh() }
}

/// Returns a file of the SSH server's folder.
pub(crate) fn file(name: &str) -> PathBuf {
    env::ssh().expect("there is an SSH server").folder.join(name)
}

/// Returns a public key of that folder, as its two first words.
pub(crate) fn public(name: &str) -> String {
    let text = fs::read_to_string(file(&format!("{name}.pub"))).expect("the key is there");
    text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

/// Returns what OpenSSH says is the fingerprint of a key of that folder.
pub(crate) fn fingerprint(name: &str) -> String {
    let output = Command::new("ssh-keygen").arg("-lf").arg(file(&format!("{name}.pub"))).output();
    let text = String::from_utf8(output.expect("it runs").stdout).expect("it is text");
    text.split_whitespace().nth(1).expect("it says the fingerprint").to_owned()
}

/// Returns the line by which a client knows the server by this key.
pub(crate) fn known(name: &str) -> String {
    let address = env::ssh().expect("there is an SSH server").address;
    format!("[{}]:{} {}\n", address.ip(), address.port(), public(name))
}

/// Leads a connection through the SSH server.
pub(crate) fn through(settings: ConnectionSettings, ssh: SshSettings) -> ConnectionSettings {
    ConnectionSettings { ssh: Some(ssh), ..settings }
}

/// Fails unless the error is of the kind, has the words, and shows nothing that is secret.
#[track_caller]
pub(crate) fn expect(error: &ConnectorError, kind: ErrorKind, words: &[&str]) {
    errors::expect(error, kind, words, &[WRONG, SSH_PASSPHRASE, "PRIVATE KEY"]);
}

/// What somebody can have wrong, with what is said about it.
pub(crate) fn mistakes() -> Vec<(SshSettings, ErrorKind, Vec<String>)> {
    let host_key = fingerprint("host_ed25519");
    let passphrase = |text: &str| Some(Secret::new(text));
    let unknown = |known_hosts| SshSettings { known_hosts, ..ssh() };
    let changed = known("id_stranger");
    let revoked = format!("{}@revoked * {}\n", known("host_ed25519"), public("host_ed25519"));
    vec![
        (
            with_key("id_stranger"),
            ErrorKind::PermissionDenied,
            vec![fingerprint("id_stranger"), "publickey".to_owned(), "authorized_keys".to_owned()],
        ),
        (
            SshSettings { user: Some("nobody-of-this-name".to_owned()), ..ssh() },
            ErrorKind::PermissionDenied,
            vec!["does not let the user in".to_owned()],
        ),
        (
            unknown(None),
            ErrorKind::PermissionDenied,
            vec![host_key.clone(), "no key of it is known".to_owned(), "ssh-keyscan".to_owned()],
        ),
        (
            unknown(Some(KnownHosts::File(file("there-is-no-such-file")))),
            ErrorKind::PermissionDenied,
            vec![host_key.clone(), "no key of it is known".to_owned()],
        ),
        (
            unknown(Some(KnownHosts::Text(changed))),
            ErrorKind::PermissionDenied,
            vec![host_key.clone(), fingerprint("id_stranger"), "ssh-keygen -R".to_owned()],
        ),
        (
            unknown(Some(KnownHosts::Text(revoked))),
            ErrorKind::PermissionDenied,
            vec![host_key, "revoked".to_owned()],
        ),
        (
            SshSettings { host_key: Some(HostKey::PublicKey(public("id_ecdsa"))), ..ssh() },
            ErrorKind::PermissionDenied,
            vec![fingerprint("id_ecdsa")],
        ),
        (
            with_key("id_encrypted"),
            ErrorKind::InvalidRequest,
            vec!["id_encrypted".to_owned(), "no passphrase".to_owned()],
        ),
        (
            SshSettings { passphrase: passphrase(WRONG), ..with_key("id_encrypted") },
            ErrorKind::InvalidRequest,
            vec!["does not unlock".to_owned(), "id_encrypted".to_owned()],
        ),
        (with_key("id_ed25519.pub"), ErrorKind::InvalidRequest, vec!["no private key".to_owned()]),
        (
            with_key("there-is-no-such-file"),
            ErrorKind::InvalidRequest,
            vec!["there-is-no-such-file".to_owned()],
        ),
        (
            SshSettings { keys: Vec::new(), ..ssh() },
            ErrorKind::InvalidRequest,
            vec!["ssh_key".to_owned()],
        ),
        (
            SshSettings { user: None, ..ssh() },
            ErrorKind::InvalidRequest,
            vec!["ssh_user".to_owned()],
        ),
        (
            with_key("id_closed"),
            ErrorKind::PermissionDenied,
            vec!["does not forward".to_owned(), "AllowTcpForwarding".to_owned()],
        ),
        (
            SshSettings { host: "no-such-host.invalid".to_owned(), ..ssh() },
            ErrorKind::Unavailable,
            vec!["no-such-host.invalid".to_owned(), "SSH server".to_owned()],
        ),
    ]
}

/// Returns the ways to be let in that work, with their files in a folder.
pub(crate) fn ways(folder: &Path) -> Vec<(&'static str, SshSettings)> {
    let text = fs::read_to_string(file("id_ed25519")).expect("the key is there");
    let hosts = hashed(folder, &known("host_ed25519"));
    vec![
        ("ed25519", ssh()),
        ("ecdsa", with_key("id_ecdsa")),
        ("rsa", with_key("id_rsa")),
        ("rsa as PEM", with_key("id_rsa_pem")),
        (
            "a key that is encrypted",
            SshSettings {
                passphrase: Some(Secret::new(SSH_PASSPHRASE)),
                ..with_key("id_encrypted")
            },
        ),
        (
            "a passphrase that is not needed",
            SshSettings { passphrase: Some(Secret::new(WRONG)), ..with_key("id_rsa_pem") },
        ),
        (
            "several keys, of which the last one fits",
            SshSettings {
                keys: ["there-is-none", "id_encrypted", "id_stranger", "id_ed25519"]
                    .map(|name| Pem::File(file(name)))
                    .into(),
                ..ssh()
            },
        ),
        ("the text of a key", SshSettings { keys: vec![Pem::Text(Secret::new(text))], ..ssh() }),
        (
            "a file of known hosts, with names that are hashed",
            SshSettings { known_hosts: Some(KnownHosts::File(hosts)), ..ssh() },
        ),
        (
            "a server that is known by its other key only",
            SshSettings { known_hosts: Some(KnownHosts::Text(known("host_rsa"))), ..ssh() },
        ),
        (
            "a fingerprint, whatever the file says",
            SshSettings {
                host_key: Some(HostKey::Fingerprint(fingerprint("host_ed25519"))),
                known_hosts: Some(KnownHosts::Text(known("id_stranger"))),
                ..ssh()
            },
        ),
        (
            "a public key",
            SshSettings {
                host_key: Some(HostKey::PublicKey(public("host_rsa"))),
                known_hosts: None,
                ..ssh()
            },
        ),
    ]
}

/// Writes a file of known hosts and lets OpenSSH hash its names.
fn hashed(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("known_hosts");
    fs::write(&path, text).expect("there is room");
    let done = Command::new("ssh-keygen").arg("-Hf").arg(&path).output().expect("it runs");
    assert!(done.status.success(), "{done:?}");
    let text = fs::read_to_string(&path).expect("it is there");
    assert!(text.starts_with("|1|"), "{text}");
    path
}

/// Ends the process of this machine whose connection has this port: that of the SSH server for one
/// connection, as its database sees it.
pub(crate) fn kill_owner_of(port: u16) {
    let hex = format!(":{port:04X}");
    let table = fs::read_to_string("/proc/net/tcp").expect("Linux has it");
    let inode = table.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_it = words.get(1).is_some_and(|local| local.ends_with(&hex));
        words.get(9).filter(|_| is_it).map(|inode| (*inode).to_owned())
    });
    let socket = format!("socket:[{}]", inode.expect("the connection is there"));
    let holds = |process: &Path| {
        let Ok(files) = fs::read_dir(process.join("fd")) else { return false };
        files
            .flatten()
            .any(|file| fs::read_link(file.path()).is_ok_and(|it| it == Path::new(&socket)))
    };
    let processes = fs::read_dir("/proc").expect("Linux has it").flatten();
    let owners: Vec<String> = processes
        .map(|entry| entry.path())
        .filter(|path| holds(path))
        .filter_map(|path| path.file_name()?.to_str().map(str::to_owned))
        .collect();
    assert!(!owners.is_empty(), "nobody has the port {port}");
    let killed = Command::new("kill").arg("-KILL").args(owners).status().expect("it runs");
    assert!(killed.success());
}
