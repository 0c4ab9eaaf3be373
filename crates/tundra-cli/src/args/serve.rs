//! The arguments of `tundra serve` and of `tundra doctor`.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use crate::args::{PlaceArgs, values};

/// Start the HTTP server
///
/// Without any configuration it listens on this machine only, for everybody who is on it, and keeps
/// everything in a directory of your own: the catalog, the objects, jobs, keys and secrets. It says at
/// the start what it uses. Every run is a process of its own with a limit of memory, so that none can
/// harm another.
///
/// Ctrl-C or SIGTERM ends it: nothing more is accepted, runs have most of ten seconds to end, and what
/// has not ended then is stopped in order. A second one ends it at once.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tundra serve                                        on http://127.0.0.1:8080, for this machine
  tundra serve --port 0                               on a port that is free
  tundra keys create me && tundra serve --listen 0.0.0.0
                                                      for everybody who has a key
  tundra doctor                                       see whether everything is there")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) service: ServiceArgs,

    #[command(flatten)]
    pub(crate) places: PlaceArgs,

    #[command(flatten)]
    pub(crate) limits: RunLimitArgs,
}

/// How the server meets the world.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServiceArgs {
    /// Where to listen: an address, with or without a port [default: 127.0.0.1]
    ///
    /// 0.0.0.0 is every address of this machine, and :: also those of IPv6. What others can reach
    /// needs authentication. The default is also set by TUNDRA_LISTEN.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,

    /// The port, or 0 for one that is free [default: 8080]
    ///
    /// The first line on standard error says which it is. The default is also set by PORT, as Cloud
    /// Run does.
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,

    /// Whether each run is a process of its own [default: process]
    ///
    /// The default is also set by TUNDRA_ISOLATION.
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) isolation: Option<Isolation>,

    /// Where the server keeps what is its own [default: the directory of the catalog]
    ///
    /// Jobs and keys, and catalog, objects and secrets where nothing else is said for them. It is made
    /// on first use. The default is also set by TUNDRA_DATA_DIRECTORY, for every command.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_directory: Option<PathBuf>,

    /// Whether callers have to say who they are [default: on, where there are keys or tokens]
    ///
    /// Tokens are checked where SUPABASE_URL or TUNDRA_JWT_ISSUER is set, and keys are made by
    /// `tundra keys create`. The default is also set by TUNDRA_AUTHENTICATION.
    #[arg(long, value_enum, value_name = "ON|OFF")]
    pub(crate) authentication: Option<Switch>,

    /// Let everybody who reaches the server do everything, also from other machines
    ///
    /// For a server behind something that asks callers who they are. Without it, a server that asks
    /// nobody listens on this machine only.
    #[arg(long)]
    pub(crate) allow_public_without_authentication: bool,
}

/// What the runs of a server may use.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Runs")]
pub(crate) struct RunLimitArgs {
    /// How many runs go on at once [default: by the processors and the memory]
    ///
    /// They share the memory evenly. Without it MAX_CONCURRENT_RUNS decides, if that is set; else it is
    /// two for each processor, as long as each has 512 MiB.
    #[arg(
        long,
        value_name = "N",
        value_parser = values::from_one::<NonZeroUsize>,
        allow_negative_numbers = true
    )]
    pub(crate) runs: Option<NonZeroUsize>,

    /// Threads that compute for one run [default: as many as the process may use]
    ///
    /// Without it DUCKDB_THREADS decides, if that is set.
    #[arg(
        long,
        value_name = "N",
        value_parser = values::from_one::<NonZeroUsize>,
        allow_negative_numbers = true
    )]
    pub(crate) threads: Option<NonZeroUsize>,

    /// The most memory of one run, such as 512MiB or 4GB [default: its share]
    ///
    /// Its share is what the machine or its container has, less what the server needs, by the number of
    /// runs; more than that is not given. Without it DUCKDB_MEMORY_LIMIT decides, if that is set.
    /// MAX_MEMORY_USAGE_GB limits the server with all of its runs.
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    pub(crate) memory: Option<u64>,

    /// Where runs keep what does not fit into memory [default: the system's directory]
    ///
    /// Without it DUCKDB_TEMP_DIR decides, then TMPDIR. Where that directory is memory, as on Cloud Run,
    /// it is a part of each run's share.
    #[arg(long, value_name = "DIR")]
    pub(crate) temp_dir: Option<PathBuf>,

    /// Bytes that one run may keep there at most, such as 20GiB [default: by the memory]
    ///
    /// Without it DUCKDB_MAX_TEMP_DIR_SIZE decides, if that is set; else it is four times the share of
    /// a run, or a quarter of it where the directory is memory.
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    pub(crate) max_temp_size: Option<u64>,

    /// Stop a run that takes longer, such as 90s or 1h30m [default: 10m]
    ///
    /// Without it MAX_PROCESSING_TIME_MINUTES decides, if that is set.
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub(crate) timeout: Option<Duration>,
}

/// Whether each run is a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Isolation {
    /// It is, and has a limit of memory: a crash ends that run alone
    Process,
    /// It is not, which is faster for small files: a crash ends the server
    Thread,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    /// It is
    On,
    /// It is not
    Off,
}

/// Check the server's configuration and everything that it needs
///
/// Looks at what `tundra serve` with the same options would use: the variables, the catalog, the
/// objects, for which one is written, read and removed, secrets, the temporary directory, memory, jobs,
/// and who is let in. Says what is wrong and what can be done about it, and ends with 1 if anything is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tundra doctor
  tundra doctor --json | jq '.checks[] | select(.ok | not)'")]
pub(crate) struct DoctorArgs {
    /// The organisation for whose objects one is written and read [default: that of some source]
    ///
    /// The default is also set by TUNDRA_ORG.
    #[arg(long, value_name = "ORG")]
    pub(crate) org: Option<String>,

    /// Print what was found as JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}
