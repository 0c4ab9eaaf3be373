//! The arguments of `tundra clean`.

use std::time::Duration;

use clap::Args;

use crate::args::values;

/// Remove uploads that nobody completed
///
/// A process that is killed while it writes to a store leaves the parts that it has sent. Nobody sees
/// them, but they are paid for. Objects are never removed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tundra clean r2://bucket/ --older-than 1d --dry-run
  tundra clean s3://bucket/processed/ --older-than 12h")]
pub(crate) struct CleanArgs {
    /// A bucket or a prefix that ends in `/`, or one object
    #[arg(value_name = "LOCATION")]
    pub(crate) location: String,

    /// Leave those alone that were begun within this time, such as 12h or 1d
    ///
    /// A conversion that takes longer and is still at it loses what it has sent, and fails.
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub(crate) older_than: Duration,

    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Print a JSON array of the uploads with `location`, `id`, `begun` and `removed`
    #[arg(long)]
    pub(crate) json: bool,
}
