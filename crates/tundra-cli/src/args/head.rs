//! The arguments of `tundra head`.

use clap::Args;

use crate::args::{ReadingArgs, ResourceArgs, values};

/// Show the first rows of a file as a table
///
/// Little more is read than what is shown, however large the file is. On a terminal the table fits its
/// width: values and columns that have no room end with `…`, and no value is changed otherwise. Control
/// characters are shown as escapes. Into a pipe everything is shown whole.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tundra head sales.csv
  tundra head -n 100 sales.parquet
  tundra head --json sales.csv | jq .name")]
pub(crate) struct HeadArgs {
    /// The file, or `-` for standard input
    #[arg(value_name = "INPUT")]
    pub(crate) input: String,

    /// How many rows
    #[arg(
        short = 'n',
        long = "rows",
        value_name = "N",
        default_value_t = 10,
        value_parser = values::from_zero::<u64>,
        allow_negative_numbers = true
    )]
    pub(crate) rows: u64,

    /// Print each row as a JSON object on a line of its own
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) reading: ReadingArgs,

    #[command(flatten)]
    pub(crate) resources: ResourceArgs,
}
