//! The options of every command that connects to a database.

use std::path::PathBuf;

use clap::Args;
use tundra_connectors::{SettingsError, SshSettings};

/// How to reach a database and how to log in there.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct ConnectionArgs {
    #[command(flatten)]
    pub(crate) password: PasswordArgs,

    #[command(flatten)]
    pub(crate) ssh: SshArgs,

    /// Ask for the passphrase of the SSH key on the terminal
    ///
    /// It may also stand in the variable TUNDRA_SSH_PASSPHRASE.
    #[arg(long)]
    pub(crate) ask_ssh_passphrase: bool,
}

/// Through which SSH server a database is reached.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct SshArgs {
    /// Reach the database through this SSH server, which lets us in by a key
    ///
    /// The database's host and port are those that the SSH server sees: 127.0.0.1 is the SSH server itself.
    /// Without a user it is the one who runs this command.
    #[arg(long, value_name = "[USER@]HOST[:PORT]", value_parser = server)]
    pub(crate) ssh: Option<Box<SshSettings>>,

    /// The private key for the SSH server [default: id_ed25519, id_ecdsa and id_rsa in ~/.ssh]
    #[arg(long, value_name = "FILE")]
    pub(crate) ssh_key: Option<PathBuf>,

    /// Where the SSH server's own key is known from [default: ~/.ssh/known_hosts]
    ///
    /// A server that is not known there is refused, and the error says by which key it could be.
    #[arg(long, value_name = "FILE")]
    pub(crate) ssh_known_hosts: Option<PathBuf>,
}

/// How to log in.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct PasswordArgs {
    /// Read the password from this file
    ///
    /// A line break at its end does not belong to it. The password may also stand in the URL, where
    /// other users of this machine may see it, or in the variable TUNDRA_DATABASE_PASSWORD.
    #[arg(long, value_name = "FILE", conflicts_with = "ask_password")]
    pub(crate) password_file: Option<PathBuf>,

    /// Ask for the password on the terminal
    #[arg(long)]
    pub(crate) ask_password: bool,
}

fn server(text: &str) -> Result<Box<SshSettings>, SettingsError> {
    text.parse().map(Box::new)
}
