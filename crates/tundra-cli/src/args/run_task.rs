//! The arguments of `tundra run-task`, which a server gives and nobody types.

use std::{ffi::OsString, path::PathBuf};

use clap::Args;

use crate::args::PlaceArgs;

/// Do one task for a server that has started this process
#[derive(Debug, Clone, Args)]
pub(crate) struct RunTaskArgs {
    /// The most memory that the process may take, in bytes
    #[arg(long)]
    pub(crate) memory_limit: u64,

    /// The memory that the run plans with, in bytes
    #[arg(long)]
    pub(crate) memory: u64,

    /// Threads that compute
    #[arg(long)]
    pub(crate) threads: usize,

    /// Bytes that may be kept in the temporary directory
    #[arg(long)]
    pub(crate) max_temp_size: u64,

    /// Where to keep what does not fit into memory; this run's own
    #[arg(long)]
    pub(crate) temp_dir: PathBuf,

    /// Where the server keeps what is its own
    #[arg(long)]
    pub(crate) data_directory: PathBuf,

    /// Let callers name databases in private networks and on this machine
    #[arg(long)]
    pub(crate) private_databases: bool,

    #[command(flatten)]
    pub(crate) places: PlaceArgs,
}

impl RunTaskArgs {
    /// Returns the command line of such a process, without `--temp-dir`, which each run has its own of.
    pub(crate) fn command_line(self) -> Vec<OsString> {
        let Self {
            memory_limit,
            memory,
            threads,
            max_temp_size,
            temp_dir: _,
            data_directory,
            private_databases,
            places: PlaceArgs { catalog, warehouse },
        } = self;
        let mut line: Vec<OsString> = vec!["run-task".into()];
        let mut option = |name: &str, value: OsString| line.extend([OsString::from(name), value]);
        option("--memory-limit", memory_limit.to_string().into());
        option("--memory", memory.to_string().into());
        option("--threads", threads.to_string().into());
        option("--max-temp-size", max_temp_size.to_string().into());
        option("--data-directory", data_directory.into());
        if let Some(catalog) = catalog {
            option("--catalog", catalog.into());
        }
        if let Some(warehouse) = warehouse {
            option("--warehouse", warehouse.into());
        }
        if private_databases {
            line.push("--private-databases".into());
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    #[test]
    fn a_command_line_is_read_as_it_was_meant() {
        let args = RunTaskArgs {
            memory_limit: 1 << 30,
            memory: 1 << 29,
            threads: 3,
            max_temp_size: 7,
            temp_dir: "/tmp/x".into(),
            data_directory: "/data".into(),
            private_databases: true,
            places: PlaceArgs { catalog: Some("c.db".to_owned()), warehouse: None },
        };
        let line = args.clone().command_line();
        let typed = ["tundra".into()].into_iter().chain(line);
        let typed = typed.chain(["--temp-dir".into(), "/tmp/x".into()]);
        let Command::RunTask(read) = Cli::try_parse_from(typed).unwrap().command else {
            panic!("another command")
        };
        assert_eq!(format!("{read:?}"), format!("{args:?}"));
    }
}
