//! What a run may use, as it is said on the command line or by the environment.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::Args;
use tundra_core::Resources;

use crate::{args::values, env::Settings, failure::Failure};

/// What the run may use.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Resources")]
pub(crate) struct ResourceArgs {
    /// Threads that compute [default: as many as the process may use]
    ///
    /// Without it DUCKDB_THREADS decides, if that is set. Fewer threads also need less memory.
    #[arg(
        long,
        value_name = "N",
        value_parser = values::from_one::<NonZeroUsize>,
        allow_negative_numbers = true
    )]
    threads: Option<NonZeroUsize>,

    /// Memory of the whole process, such as 512MiB or 4GB [default: by the machine]
    ///
    /// Without it DUCKDB_MEMORY_LIMIT decides, if that is set; else it is 60 % of what the machine or
    /// its container has. What does not fit is kept in the temporary directory, which is slower.
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    memory: Option<u64>,

    /// Where to keep what does not fit into memory [default: the system's directory]
    ///
    /// Without it DUCKDB_TEMP_DIR decides, then TMPDIR. Standard input is kept there as well. The
    /// files have no name or are removed at the end, also after a failure.
    #[arg(long, value_name = "DIR")]
    temp_dir: Option<PathBuf>,

    /// Bytes that may be kept there at most, such as 20GiB [default: by the machine]
    ///
    /// Without it DUCKDB_MAX_TEMP_DIR_SIZE decides, if that is set; else it is four times the memory
    /// that a run takes by default. A run that needs more fails.
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    max_temp_size: Option<u64>,

    /// Stop when it takes longer, such as 90s, 10m or 1h30m [default: never]
    ///
    /// Without it MAX_PROCESSING_TIME_MINUTES decides, if that is set. A run that is stopped leaves
    /// no output.
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    timeout: Option<Duration>,
}

impl ResourceArgs {
    /// Returns what the run may use and how long: flags first, then the environment, then what the
    /// machine has.
    ///
    /// # Errors
    /// Fails when the temporary directory that was named is none.
    pub(crate) fn resolve(
        self,
        settings: Settings,
        machine: Resources,
    ) -> Result<(Resources, Option<Duration>), Failure> {
        let Self { threads, memory, temp_dir, max_temp_size, timeout } = self;
        let temp_dir = temp_dir.or(settings.temp_dir);
        if let Some(directory) = &temp_dir
            && !directory.is_dir()
        {
            return Err(Failure::NoTempDirectory { directory: directory.display().to_string() });
        }
        let resources = Resources {
            threads: threads.or(settings.threads).map_or(machine.threads, NonZeroUsize::get),
            memory: memory.or(settings.memory).unwrap_or(machine.memory),
            temp_directory: temp_dir.unwrap_or(machine.temp_directory),
            max_temp_size: max_temp_size
                .or(settings.max_temp_size)
                .unwrap_or(machine.max_temp_size),
        };
        Ok((resources, timeout.or(settings.timeout)))
    }
}
