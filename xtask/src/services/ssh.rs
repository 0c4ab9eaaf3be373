//! OpenSSH's server: the package of the system, with keys of its own that are gone with it.
//!
//! It lets in one user with one of several keys, and forwards to wherever that user asks.

use std::{
    fs,
    io::Read as _,
    net::{SocketAddr, TcpStream},
    path::Path,
    time::Duration,
};

use anyhow::{Context, ensure};

use super::{
    account::Account,
    program,
    server::{End, Server, free_address},
};
use crate::{
    env::{TUNDRA_TEST_SSH_ADDRESS, TUNDRA_TEST_SSH_FOLDER, TUNDRA_TEST_SSH_USER, Variables},
    process::Cmd,
    workspace::Workspace,
};

pub(super) const NAME: &str = "ssh";

/// The package of Debian that has it.
const PACKAGE: &str = "openssh-server";

/// Whom the server runs as, and lets in, when we are root. As somebody who is not root it needs no folder
/// of the system.
const LESSER: &str = "nobody";

const CONFIG: &str = "sshd_config";
const AUTHORIZED: &str = "authorized_keys";

/// The server's own keys.
const HOST_KEYS: [(&str, &str); 2] = [("host_ed25519", "ed25519"), ("host_rsa", "rsa")];

/// What unlocks the key that is encrypted; tests know it as well.
const PASSPHRASE: &str = "a-passphrase-of-the-tests";

/// Keys of clients: their file, what the program that makes them is told, and what stands before them in
/// the list of those who are let in, if they do.
const CLIENT_KEYS: [(&str, &[&str], Option<&str>); 7] = [
    ("id_ed25519", &["-t", "ed25519", "-N", ""], Some("")),
    ("id_ecdsa", &["-t", "ecdsa", "-N", ""], Some("")),
    ("id_rsa", &["-t", "rsa", "-N", ""], Some("")),
    ("id_rsa_pem", &["-t", "rsa", "-m", "PEM", "-N", ""], Some("")),
    ("id_encrypted", &["-t", "ed25519", "-N", PASSPHRASE], Some("")),
    ("id_closed", &["-t", "ed25519", "-N", ""], Some("no-port-forwarding ")),
    ("id_stranger", &["-t", "ed25519", "-N", ""], None),
];

/// Starts it.
pub(super) fn start(_: &Workspace) -> anyhow::Result<(Server, Variables)> {
    let program = program::find("sshd", PACKAGE)?;
    let keygen = program::find("ssh-keygen", PACKAGE)?;
    let address = free_address()?;
    let account = Account::ours_or_lesser(&[LESSER])?;
    let user = match account {
        Account::Ours => Cmd::new("id").arg("-un").read()?.trim().to_owned(),
        Account::Lesser { .. } => LESSER.to_owned(),
    };
    let mut command = account.command(&program)?;
    command.extend(["-D", "-e", "-f", CONFIG].map(str::to_owned));
    let (program, args) = command.split_first().context("there is no program")?;
    let mut server = Server::start(NAME, End::Kill, Path::new(program), args, |folder| {
        account.own(folder)?;
        account.write(&folder.join(CONFIG), &configuration(folder, address))?;
        make_keys(folder, &keygen, &account)
    })?;
    server.wait_until(|| greeting(address))?;
    let folder = server.folder().to_str().context("the server is in a folder with an odd name")?;
    let variables = vec![
        (TUNDRA_TEST_SSH_ADDRESS, address.to_string()),
        (TUNDRA_TEST_SSH_USER, user),
        (TUNDRA_TEST_SSH_FOLDER, folder.to_owned()),
    ];
    Ok((server, variables))
}

/// Returns the server's configuration.
fn configuration(folder: &Path, address: SocketAddr) -> String {
    let path = |name: &str| folder.join(name).display().to_string();
    let mut text = format!(
        "ListenAddress {address}\nAuthorizedKeysFile {}\n\
         PidFile none\nStrictModes no\n\
         # Without it an account that nobody can log in to by a password counts as locked.\n\
         UsePAM yes\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         PermitRootLogin prohibit-password\nAllowTcpForwarding yes\n\
         # Many tests log in at once.\nMaxStartups 200\nLogLevel ERROR\n",
        path(AUTHORIZED),
    );
    for (name, _) in HOST_KEYS {
        text.push_str(&format!("HostKey {}\n", path(name)));
    }
    text
}

fn make_keys(folder: &Path, keygen: &Path, account: &Account) -> anyhow::Result<()> {
    let make = |name: &str, options: &[&str]| -> anyhow::Result<String> {
        let file = folder.join(name);
        let text = file.to_str().context("the folder for temporary files has an odd name")?;
        Cmd::new(keygen).args(["-q", "-C", name, "-f", text]).args(options).read()?;
        let public = file.with_extension("pub");
        account.own(&file)?;
        account.own(&public)?;
        fs::read_to_string(&public)
            .with_context(|| format!("could not read `{}`", public.display()))
    };
    for (name, kind) in HOST_KEYS {
        make(name, &["-t", kind, "-N", ""])?;
    }
    let mut authorized = String::new();
    for (name, options, restriction) in CLIENT_KEYS {
        let public = make(name, options)?;
        if let Some(restriction) = restriction {
            authorized.push_str(restriction);
            authorized.push_str(&public);
        }
    }
    account.write(&folder.join(AUTHORIZED), &authorized)
}

/// Reads what a server says first.
fn greeting(address: SocketAddr) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut said = [0; 8];
    stream.read_exact(&mut said)?;
    ensure!(&said == b"SSH-2.0-", "it is not SSH");
    Ok(())
}
