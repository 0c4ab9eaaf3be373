//! The arguments of `tundra ls`.

use clap::Args;

/// List the objects below a prefix, in a directory, or matching a pattern
///
/// On a terminal with size and time, else one location in each line, as other commands take it.
/// Uploads that are not complete are no objects; `tundra clean` finds them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tundra ls s3://bucket/in/
  tundra ls 's3://bucket/in/*.csv'                 quoted, so that the shell leaves it alone
  tundra ls -l r2://bucket/ | sort -n | tail -3    the largest ones
  tundra ls --json data/ | jq 'map(.size) | add'")]
pub(crate) struct LsArgs {
    /// A prefix that ends in `/`, a pattern, a directory or one object
    #[arg(value_name = "LOCATION")]
    pub(crate) location: String,

    /// Print size in bytes, time and location with tabs between them
    ///
    /// The time is that of the last change, in UTC; `-` where the store does not tell.
    #[arg(short, long, conflicts_with = "json")]
    pub(crate) long: bool,

    /// Print a JSON array of objects with `location`, `size`, `modified` and `etag`
    #[arg(long)]
    pub(crate) json: bool,
}
