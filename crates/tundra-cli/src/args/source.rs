//! The arguments of `tundra source`.

use clap::{Args, Subcommand};
use tundra_core::SourceId;

use crate::args::{CatalogArgs, SshArgs};

/// Add, list, show and remove catalogued sources
///
/// A source is a named origin of one logical table. Each conversion of it makes a version, and readers
/// see the current one; the catalog keeps all of them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tundra source add sales exports/sales.csv    a source that is read from a file
  tundra source add orders mysql://me@db/shop  one that is read from a database
  tundra convert --source sales                make its next version
  tundra versions sales                        see them all
  tundra source list")]
pub(crate) struct SourceArgs {
    #[command(subcommand)]
    pub(crate) command: SourceCommand,
}

/// What is done with sources.
#[derive(Debug, Subcommand)]
pub(crate) enum SourceCommand {
    Add(AddSourceArgs),
    List(ListSourcesArgs),
    Show(ShowSourceArgs),
    Remove(RemoveSourceArgs),
}

impl SourceCommand {
    /// Returns whether the result is to be JSON.
    pub(crate) fn wants_json(&self) -> bool {
        match self {
            Self::Add(args) => args.json,
            Self::List(args) => args.json,
            Self::Show(args) => args.json,
            Self::Remove(_) => false,
        }
    }
}

/// Add a source
///
/// Prints the source's id, which every command takes as well as its name.
#[derive(Debug, Args)]
pub(crate) struct AddSourceArgs {
    /// Its name, unique within the organisation
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// Where it is read from: a path, a URL or a database; without it, from what is uploaded for it
    ///
    /// A database is named by its URL without a password, and read with `tundra extract --source`; the SSH
    /// server before it is kept in its URL.
    /// Uploads are looked for at uploads/SOURCE-ID/ in the organisation's bucket, and the one that was
    /// written last is read.
    #[arg(value_name = "LOCATION")]
    pub(crate) location: Option<String>,

    /// The format it is read as [default: by the extension of LOCATION, else found out]
    #[arg(long, value_name = "FORMAT", value_parser = crate::args::values::format(), ignore_case = true)]
    pub(crate) format: Option<tundra_core::Format>,

    /// Refuse versions whose columns break readers of the one before
    ///
    /// A run fails then when a column is gone, or has a type that does not hold what it held. Columns
    /// may be added, and types may widen.
    #[arg(long)]
    pub(crate) refuse_breaking: bool,

    /// Its id, a UUID [default: a new one]
    #[arg(long, value_name = "UUID")]
    pub(crate) id: Option<SourceId>,

    /// Print the source as JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) ssh: SshArgs,

    #[command(flatten)]
    pub(crate) catalog: CatalogArgs,
}

/// List the sources
#[derive(Debug, Args)]
pub(crate) struct ListSourcesArgs {
    /// Print a JSON array of the sources
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) catalog: CatalogArgs,
}

/// Show a source
#[derive(Debug, Args)]
pub(crate) struct ShowSourceArgs {
    /// Its name or its id
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,

    /// Print the source as JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) catalog: CatalogArgs,
}

/// Remove a source with its versions
///
/// A source that has versions is removed only when it is said what becomes of their data.
#[derive(Debug, Args)]
pub(crate) struct RemoveSourceArgs {
    /// Its name or its id
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,

    /// Remove the data of all versions and the archived uploads, too
    #[arg(long, conflicts_with = "keep_data")]
    pub(crate) purge: bool,

    /// Leave the data where it is; no catalog knows of it then
    #[arg(long)]
    pub(crate) keep_data: bool,

    #[command(flatten)]
    pub(crate) catalog: CatalogArgs,
}
