//! `cargo xtask services`: the servers of the tests, for running tests by hand.

use std::{thread, time::Duration};

use anyhow::bail;
use clap::ValueEnum;

use crate::{
    progress::say,
    services::{Service, Services},
    workspace::Workspace,
};

/// How often to look whether a server ended by itself.
const LOOK: Duration = Duration::from_millis(500);

/// Starts the servers that tests need, says where they are, and ends them with Ctrl-C.
///
/// Copy the lines that it prints into another shell, and run `cargo nextest run --release` there.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these.
    #[arg(value_name = "SERVICE")]
    services: Vec<Service>,
}

/// Runs the command, until it is interrupted.
///
/// # Errors
/// When a server cannot be installed or started, or ends by itself.
pub(crate) fn run(args: Args, workspace: &Workspace) -> anyhow::Result<()> {
    let Args { services: chosen } = args;
    let chosen = if chosen.is_empty() { Service::value_variants() } else { &chosen };
    let mut services = Services::start(workspace, chosen);
    if services.missing().iter().any(|service| !service.is_optional()) {
        bail!("not all servers could be started");
    }
    for (name, value) in services.variables() {
        // Addresses, names and keys; none has a quote.
        say(format_args!("export {name}='{value}'"));
    }
    // Ctrl-C ends this process, and the servers with it.
    loop {
        if let Some(ended) = services.ended() {
            bail!(ended);
        }
        thread::sleep(LOOK);
    }
}
