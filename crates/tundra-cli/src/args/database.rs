//! The options of every command that connects to a database.

use std::path::PathBuf;

use clap::Args;

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
