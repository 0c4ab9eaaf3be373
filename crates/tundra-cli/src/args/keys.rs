//! The arguments of `tundra keys`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use tundra_access::{Actions, KeyId};

use crate::args::values;

/// Create, list and revoke the API keys of the server
///
/// A server on this machine learns of a key that is revoked with the next request, and of the first key
/// within a second or two.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tundra keys create dashboard --org acme --actions read
  tundra keys create nightly --org acme --expires-in 90d
  tundra keys list
  tundra keys revoke 4fT0kZr81LqA")]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    pub(crate) command: KeysCommand,
}

/// What is done with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    Create(CreateKeyArgs),
    List(ListKeysArgs),
    Revoke(RevokeKeyArgs),
    Webhook(WebhookKeyArgs),
}

impl KeysCommand {
    /// Returns whether the result is to be JSON.
    pub(crate) fn wants_json(&self) -> bool {
        match self {
            Self::Create(args) => args.json,
            Self::List(args) => args.json,
            Self::Revoke(args) => args.json,
            Self::Webhook(_) => false,
        }
    }
}

/// Create a key, and print it this one time
///
/// What is kept of it lets nobody in, so that a key that is lost is replaced by another.
#[derive(Debug, Args)]
pub(crate) struct CreateKeyArgs {
    /// What the key is for, in a few words
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// The organisation that it acts for [default: all of them]
    ///
    /// The default is also set by TUNDRA_ORG.
    #[arg(long, value_name = "ORG")]
    pub(crate) org: Option<String>,

    /// What it may do: convert, read, write, test-connection, operate, with commas between them
    ///
    /// `operate` is to see metrics and the jobs of everybody, and only for a key for all organisations.
    #[arg(long, value_name = "ACTIONS", default_value_t = Actions::MEMBER)]
    pub(crate) actions: Actions,

    /// When it ends, such as 12h or 90d from now [default: never]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub(crate) expires_in: Option<Duration>,

    /// Print the key and what is known of it as JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) store: KeyStoreArgs,
}

/// List the keys, without their secrets
#[derive(Debug, Args)]
pub(crate) struct ListKeysArgs {
    /// Only the keys of this organisation [default: all of them]
    ///
    /// The default is also set by TUNDRA_ORG.
    #[arg(long, value_name = "ORG")]
    pub(crate) org: Option<String>,

    /// Print a JSON array of the keys
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) store: KeyStoreArgs,
}

/// Revoke a key for good
#[derive(Debug, Args)]
pub(crate) struct RevokeKeyArgs {
    /// The id of the key, which is the part of it behind `tnd_`
    #[arg(value_name = "ID")]
    pub(crate) id: KeyId,

    /// Print what is known of the key as JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) store: KeyStoreArgs,
}

/// Print the key by which an organisation knows the webhooks of the server
///
/// It is made of what TUNDRA_WEBHOOK_KEYS holds, and is for the receiver of webhooks, which checks by it
/// that they are the server's. Several lines, the newest first, while one takes the place of another.
#[derive(Debug, Args)]
pub(crate) struct WebhookKeyArgs {
    /// The organisation
    #[arg(value_name = "ORG")]
    pub(crate) org: String,
}

/// Where the keys are.
#[derive(Debug, Args)]
pub(crate) struct KeyStoreArgs {
    /// Where the server keeps what is its own [default: the directory of the catalog]
    ///
    /// The default is also set by TUNDRA_DATA_DIRECTORY.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_directory: Option<PathBuf>,
}
