//! What a user can say about compressed files and archives.

use clap::Args;
use tundra_core::UnpackLimit;

use crate::args::values;

/// How much may come out of what is packed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Unpacking")]
pub(crate) struct UnpackingArgs {
    /// Bytes that may come out of a compressed file or an archive, such as 100GiB [default: what is
    /// likely for a table]
    ///
    /// By default 1 TiB, and no more than 1,000 bytes of each byte beyond the first 64 MiB, so that a
    /// small file that was made to fill a machine ends the run at once. What is given here may come
    /// out whatever it is packed to.
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    max_unpacked: Option<u64>,
}

impl UnpackingArgs {
    /// Returns the engine's form of it.
    pub(crate) fn into_limit(self) -> UnpackLimit {
        let Self { max_unpacked } = self;
        max_unpacked.map_or(UnpackLimit::Usual, UnpackLimit::Allowed)
    }
}
