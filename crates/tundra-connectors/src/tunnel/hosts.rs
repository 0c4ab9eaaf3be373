//! Whether the key that a server shows is the one it is known by.
//!
//! Start at [`Hosts::judge`]. Files are those of OpenSSH, with hashed names, ports, patterns and
//! `@revoked`; a line that is none is left out, as OpenSSH does it. Certificates of hosts
//! (`@cert-authority`) are not taken.

use ring::hmac;
use russh::keys::{
    Algorithm, HashAlg, PublicKey,
    ssh_key::known_hosts::{Entry, HostPatterns, Marker},
};

use crate::{
    settings::{HostKey, KnownHosts, SshSettings},
    tunnel::SshError,
};

/// What is known of one server.
#[derive(Debug, Clone, Default)]
pub(super) struct Hosts {
    /// Its keys.
    known: Vec<PublicKey>,
    /// Keys that are nobody's any more.
    revoked: Vec<PublicKey>,
    /// The fingerprint of its key, when that alone is known.
    fingerprint: Option<String>,
}

/// What a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    /// One of the server's.
    Known,
    /// The server is not known at all.
    Unknown,
    /// Another one than the server's.
    Changed,
    /// One that must not be used.
    Revoked,
}

impl Hosts {
    /// Reads what is known of the server.
    pub(super) async fn read(ssh: &SshSettings) -> Result<Self, SshError> {
        if let Some(key) = &ssh.host_key {
            return Self::of_key(key);
        }
        match &ssh.known_hosts {
            None => Ok(Self::default()),
            Some(KnownHosts::Text(text)) => Ok(Self::of_file(text, &ssh.host, ssh.port())),
            Some(KnownHosts::File(path)) => match tokio::fs::read(path).await {
                Ok(bytes) => {
                    Ok(Self::of_file(&String::from_utf8_lossy(&bytes), &ssh.host, ssh.port()))
                }
                // Nobody is known yet, which is said with the key that the server shows.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
                Err(source) => Err(SshError::File { path: path.display().to_string(), source }),
            },
        }
    }

    fn of_key(key: &HostKey) -> Result<Self, SshError> {
        match key {
            HostKey::Fingerprint(text) => {
                Ok(Self { fingerprint: Some(text.clone()), ..Self::default() })
            }
            HostKey::PublicKey(text) => match PublicKey::from_openssh(&spaced(text)) {
                Ok(key) => Ok(Self { known: vec![key], ..Self::default() }),
                Err(_) => Err(SshError::Setting("`ssh_host_key` is no public key")),
            },
        }
    }

    fn of_file(text: &str, host: &str, port: u16) -> Self {
        let name = name(host, port);
        let mut hosts = Self::default();
        for line in text.lines() {
            let line = spaced(line);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Ok(entry) = line.parse::<Entry>() else { continue };
            if !is_of(entry.host_patterns(), &name) {
                continue;
            }
            match entry.marker() {
                None => hosts.known.push(entry.public_key().clone()),
                Some(Marker::Revoked) => hosts.revoked.push(entry.public_key().clone()),
                Some(Marker::CertAuthority) => {}
            }
        }
        hosts
    }

    /// Returns what a key is that the server shows.
    pub(super) fn judge(&self, key: &PublicKey) -> Judgement {
        let is_it = |known: &PublicKey| known.key_data() == key.key_data();
        if self.revoked.iter().any(is_it) {
            return Judgement::Revoked;
        }
        if let Some(known) = &self.fingerprint {
            return if *known == fingerprint(key) { Judgement::Known } else { Judgement::Changed };
        }
        if self.known.iter().any(is_it) {
            return Judgement::Known;
        }
        // A key of another sort than those that are known is asked for last, so that a server which still
        // has one of them shows that one.
        if self.known.is_empty() { Judgement::Unknown } else { Judgement::Changed }
    }

    /// Returns the fingerprints by which the server is known.
    pub(super) fn fingerprints(&self) -> String {
        let known: Vec<String> =
            self.known.iter().map(fingerprint).chain(self.fingerprint.clone()).collect();
        known.join(", ")
    }

    /// Puts the sorts of keys first that are known, so that the server shows one of those.
    pub(super) fn order(&self, algorithms: &mut [Algorithm]) {
        let is_known = |algorithm: &Algorithm| {
            self.known.iter().any(|key| match (key.algorithm(), algorithm) {
                (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }) => true,
                (known, algorithm) => known == *algorithm,
            })
        };
        algorithms.sort_by_key(|algorithm| !is_known(algorithm));
    }
}

/// Returns the fingerprint of a key as OpenSSH prints it.
pub(super) fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// Returns the name under which a server is known.
fn name(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

/// Returns a line with single blanks between its words, as the reader wants it.
fn spaced(line: &str) -> String {
    line.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_of(patterns: &HostPatterns, name: &str) -> bool {
    match patterns {
        HostPatterns::HashedName { salt, hash } => {
            let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, salt);
            hmac::verify(&key, name.as_bytes(), hash).is_ok()
        }
        HostPatterns::Patterns(patterns) => {
            let mut found = false;
            for pattern in patterns {
                let pattern = pattern.to_ascii_lowercase();
                match pattern.strip_prefix('!') {
                    // What is taken out stays out.
                    Some(pattern) if matches(pattern.as_bytes(), name.as_bytes()) => return false,
                    Some(_) => {}
                    None => found |= matches(pattern.as_bytes(), name.as_bytes()),
                }
            }
            found
        }
    }
}

/// Returns whether a name is of a pattern, in which `*` stands for any characters and `?` for one. It takes
/// the time of their lengths multiplied, whatever the pattern.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut next) = (0, 0);
    // Where the last star stands, and up to where in the name it reaches so far.
    let mut star: Option<(usize, usize)> = None;
    while next < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, next));
                at += 1;
            }
            Some(byte) if *byte == b'?' || name.get(next) == Some(byte) => {
                at += 1;
                next += 1;
            }
            _ => {
                let Some((begin, reached)) = star else { return false };
                star = Some((begin, reached + 1));
                at = begin + 1;
                next = reached + 1;
            }
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ED25519: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const OTHER: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA6rWI3G1sz07DnfFlrouTcysQlj2P+jpNSOEWD9OJ3X";
    /// `example.com`, hashed by OpenSSH, with a key of its own.
    const HASHED: &str = "|1|O33ESRMWPVkMYIwJ1Uw+n877jTo=|nuuC5vEqXlEZ/8BXQR7m619W6Ak= ssh-ed25519 \
                          AAAAC3NzaC1lZDI1NTE5AAAAILIG2T/B0l0gaqj3puu510tu9N1OkQ4znY3LYuEm5zCF";

    fn key(text: &str) -> PublicKey {
        PublicKey::from_openssh(text).unwrap()
    }

    #[track_caller]
    fn check(file: &str, host: &str, port: u16, shown: &str, expected: Judgement) {
        let judged = Hosts::of_file(file, host, port).judge(&key(shown));
        assert_eq!(judged, expected, "{host}:{port} in {file}");
    }

    #[test]
    fn a_server_is_known_by_its_name_and_port() {
        let file =
            format!("# mine\n\nbastion,10.0.0.1 {ED25519} me@home\n[bastion]:2222 {OTHER}\n");
        check(&file, "bastion", 22, ED25519, Judgement::Known);
        check(&file, "BASTION", 22, ED25519, Judgement::Known);
        check(&file, "10.0.0.1", 22, ED25519, Judgement::Known);
        check(&file, "bastion", 2222, OTHER, Judgement::Known);
        check(&file, "bastion", 2222, ED25519, Judgement::Changed);
        check(&file, "bastion", 22, OTHER, Judgement::Changed);
        check(&file, "bastion", 23, ED25519, Judgement::Unknown);
        check(&file, "bastion.example.com", 22, ED25519, Judgement::Unknown);
        check("", "bastion", 22, ED25519, Judgement::Unknown);
    }

    #[test]
    fn hashed_names_are_known() {
        let shown = HASHED.split_once(' ').unwrap().1;
        check(HASHED, "example.com", 22, shown, Judgement::Known);
        check(HASHED, "example.com", 22, OTHER, Judgement::Changed);
        check(HASHED, "example.org", 22, shown, Judgement::Unknown);
    }

    #[test]
    fn a_server_may_have_several_keys() {
        let file = format!("bastion {ED25519}\nbastion {OTHER}\n");
        check(&file, "bastion", 22, ED25519, Judgement::Known);
        check(&file, "bastion", 22, OTHER, Judgement::Known);
    }

    #[test]
    fn patterns_are_those_of_openssh() {
        let file = format!("*.example.com,!bad.example.com,db? {ED25519}");
        check(&file, "a.example.com", 22, ED25519, Judgement::Known);
        check(&file, "bad.example.com", 22, ED25519, Judgement::Unknown);
        check(&file, "db1", 22, ED25519, Judgement::Known);
        check(&file, "db12", 22, ED25519, Judgement::Unknown);
    }

    #[test]
    fn a_revoked_key_is_refused_wherever_else_it_stands() {
        let file = format!("bastion {ED25519}\n@revoked * {ED25519}\n@cert-authority * {OTHER}\n");
        check(&file, "bastion", 22, ED25519, Judgement::Revoked);
        check(&file, "other", 22, ED25519, Judgement::Revoked);
        check(&file, "bastion", 22, OTHER, Judgement::Changed);
        check(&file, "other", 22, OTHER, Judgement::Unknown);
    }

    #[test]
    fn lines_that_are_none_are_left_out() {
        let file = format!(
            "bastion\nbastion ssh-ed25519\nbastion ssh-ed25519 AAAA\n@other bastion {OTHER}\n\
             |1|x|y {OTHER}\nbastion 1024 35 1234\n  bastion\t{}\r\n",
            ED25519.replace(' ', "\t")
        );
        check(&file, "bastion", 22, ED25519, Judgement::Known);
        check(&file, "bastion", 22, OTHER, Judgement::Changed);
    }

    #[test]
    fn a_fingerprint_is_that_of_one_key() {
        let pinned = HostKey::Fingerprint(fingerprint(&key(ED25519)));
        let hosts = Hosts::of_key(&pinned).unwrap();
        assert_eq!(hosts.judge(&key(ED25519)), Judgement::Known);
        assert_eq!(hosts.judge(&key(OTHER)), Judgement::Changed);
        let pinned = HostKey::PublicKey(format!("{ED25519} a comment"));
        let hosts = Hosts::of_key(&pinned).unwrap();
        assert_eq!(hosts.judge(&key(ED25519)), Judgement::Known);
        assert_eq!(hosts.judge(&key(OTHER)), Judgement::Changed);
        assert!(Hosts::of_key(&HostKey::PublicKey("ssh-rsa AAAA".to_owned())).is_err());
    }

    #[test]
    fn sorts_of_keys_that_are_known_are_asked_for_first() {
        let hosts = Hosts::of_file(&format!("b {ED25519}"), "b", 22);
        let rsa = Algorithm::Rsa { hash: Some(HashAlg::Sha512) };
        let mut algorithms = [rsa.clone(), Algorithm::Ed25519];
        hosts.order(&mut algorithms);
        assert_eq!(algorithms, [Algorithm::Ed25519, rsa]);
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(text in "([!-~]{0,12}[ \t\r\n|@*?]){0,24}", host in "[a-z.:]{1,8}") {
            let _ = Hosts::of_file(&text, &host, 22).judge(&key(ED25519));
        }

        #[test]
        fn a_damaged_line_makes_no_other_key_known(at in 0_usize..90, byte in 33_u8..127) {
            let mut line = format!("bastion {ED25519}").into_bytes();
            let at = at.min(line.len() - 1);
            line[at] = byte;
            let hosts = Hosts::of_file(&String::from_utf8(line).unwrap(), "bastion", 22);
            prop_assert_ne!(hosts.judge(&key(OTHER)), Judgement::Known);
        }

        #[test]
        fn patterns_match_as_if_tried_one_by_one(pattern in "[ab*?]{0,8}", name in "[ab]{0,8}") {
            fn slow(pattern: &[u8], name: &[u8]) -> bool {
                match (pattern.split_first(), name.split_first()) {
                    (None, _) => name.is_empty(),
                    (Some((b'*', rest)), _) => {
                        slow(rest, name) || name.split_first().is_some_and(|it| slow(pattern, it.1))
                    }
                    (Some((byte, rest)), Some((first, others))) => {
                        (*byte == b'?' || byte == first) && slow(rest, others)
                    }
                    (Some(_), None) => false,
                }
            }
            let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
            prop_assert_eq!(matches(pattern, name), slow(pattern, name));
        }
    }
}
