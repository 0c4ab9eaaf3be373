//! The arguments of `tundra schema`.

use clap::Args;

use crate::args::{ReadingArgs, ResourceArgs};

/// Show the names and types of the columns of a file
///
/// The types are those that `tundra convert` would write. All of a text file is read for them, because
/// its last value counts as much as its first; `--quick` goes by the beginning. `tundra inspect` says why
/// a column has its type, and writes a schema to edit.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tundra schema sales.csv
  tundra schema --quick huge.csv
  tundra schema --json sales.parquet | jq -r '.columns[].name'")]
pub(crate) struct SchemaArgs {
    /// The file, or `-` for standard input
    #[arg(value_name = "INPUT")]
    pub(crate) input: String,

    /// Look at the beginning of the file only
    ///
    /// What comes later can need another type: the result says that it is of a part.
    #[arg(long)]
    pub(crate) quick: bool,

    /// Print the columns as a JSON object
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) reading: ReadingArgs,

    #[command(flatten)]
    pub(crate) resources: ResourceArgs,
}
