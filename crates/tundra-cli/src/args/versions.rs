//! The arguments of the commands that look at versions and choose among them.

use clap::Args;
use tundra_core::VersionNumber;

use crate::args::CatalogArgs;

/// List the versions of a source, and what changed with each
///
/// The newest first. A `*` marks the one that readers see.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tundra versions sales
  tundra versions sales --json | jq '.[] | select(.status == \"error\") | .error_message'")]
pub(crate) struct VersionsArgs {
    /// The source's name or its id
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,

    /// Show at most this many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,

    /// Print a JSON array of the versions
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) catalog: CatalogArgs,
}

/// Make an earlier version of a source the current one
///
/// Readers see that version from then on, until the next run makes a newer one. The catalog records it.
/// The same command leads forward again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tundra rollback sales 3
  tundra rollback sales v3 --reason 'the prices of v4 are wrong'")]
pub(crate) struct RollbackArgs {
    /// The source's name or its id
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,

    /// The version, such as 3 or v3; it must be active
    #[arg(value_name = "VERSION")]
    pub(crate) version: VersionNumber,

    /// Why, for the record
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,

    /// Print the source as JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) catalog: CatalogArgs,
}

/// Remove old versions, and what dead runs left
///
/// Says what would be removed and removes nothing, unless `--yes` is given. Keeps the newest versions
/// of each source, and the current one in any case. Also ended and cleared away: versions that a dead
/// run left pending, objects of failed versions, and objects that no version stands for.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tundra gc --keep 5              see what would go, of every source
  tundra gc sales --keep 5 --yes")]
pub(crate) struct GcArgs {
    /// The source's name or its id [default: every source]
    #[arg(value_name = "SOURCE")]
    pub(crate) source: Option<String>,

    /// How many active versions are kept
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) keep: u32,

    /// Remove what is said
    #[arg(long)]
    pub(crate) yes: bool,

    /// Print what was removed, or would be, as JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) catalog: CatalogArgs,
}
