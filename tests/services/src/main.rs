//! The proxy as a program, for benchmarks: slows down what goes through it until its standard input
//! ends. Its first line says where it is.

use std::{
    io::{self, Read, Write},
    time::Duration,
};

use clap::Parser;
use tundra_test_services::{FaultProxy, proxy::Link};

/// Passes HTTP on to a server, with the latency and the bandwidth of a network.
#[derive(Debug, Parser)]
struct Args {
    /// The server, such as `http://127.0.0.1:3900`.
    upstream: String,
    /// How long each new connection and each request waits, in milliseconds.
    #[arg(long, default_value_t = 0)]
    latency: u64,
    /// Bytes per second of each connection and direction; without it as many as go through.
    #[arg(long)]
    bandwidth: Option<u64>,
}

fn main() -> anyhow::Result<()> {
    let Args { upstream, latency, bandwidth } = Args::parse();
    let proxy = FaultProxy::start(&upstream)?;
    proxy.set_link(Link { latency: Duration::from_millis(latency), bandwidth });
    writeln!(io::stdout(), "{}", proxy.endpoint())?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
