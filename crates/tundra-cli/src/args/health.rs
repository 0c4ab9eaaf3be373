//! The arguments of `tundra health`.

use std::time::Duration;

use clap::Args;

use crate::args::values;

/// Ask a server whether it is well
///
/// Asks for `/health`, or for another path where the URL has one, such as `/health/deep`. Without a URL
/// the server of this machine is asked, where TUNDRA_LISTEN and PORT say that it listens. Ends with 0 when
/// the server says that it is healthy, and with 1 when it does not: a health check of containers.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tundra health
  tundra health https://tundra.example.com/health/deep --timeout 20s")]
pub(crate) struct HealthArgs {
    /// The server, such as http://127.0.0.1:8080 [default: that of this machine]
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,

    /// How long to wait for the whole answer
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "4s")]
    pub(crate) timeout: Duration,
}
