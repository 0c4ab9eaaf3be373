//! The arguments of `tundra version`.

use clap::Args;

/// Print the versions of Tundra and of the engine inside it
///
/// Both stand in every receipt and in the metadata of every file that Tundra writes.
#[derive(Debug, Args)]
pub(crate) struct VersionArgs {
    /// Print them as a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
