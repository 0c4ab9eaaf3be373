//! The arguments of `tundra inspect`.

use std::num::NonZeroU64;

use clap::Args;
use tundra_core::Format;

use crate::args::{
    JsonArgs, NullArgs, ResourceArgs, TextArgs, UnpackingArgs, WorkbookArgs, convert::Types, values,
};

/// Show how a file is written and what its columns hold, and why that was concluded
///
/// For text: encoding, dialect and header, for workbooks: sheet and header, and for each column its type and the reason for it,
/// nulls, distinct values, minimum, maximum and samples. For Parquet: schema, row groups, codecs,
/// sizes, metadata, and how it was made if Tundra made it. Nothing is written but the schema file of
/// `--output`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tundra inspect sales.csv
  tundra inspect sales.parquet
  tundra inspect sales.csv -o schema.yaml          write a schema to edit and to convert with
  tundra inspect export.zip --member 2024/sales.csv
  tundra inspect response.json --records data.items --flatten
  tundra inspect budget.xlsx --sheet 2024
  tundra inspect --json sales.csv | jq '.columns[] | {name, type, reason}'
  head -c 1M huge.csv | tundra inspect -")]
pub(crate) struct InspectArgs {
    /// The file, or `-` for standard input
    #[arg(value_name = "INPUT")]
    pub(crate) input: String,

    /// Write a schema file instead of the report, or print it with `-`
    ///
    /// A YAML file that says how the input is written and what its columns are, with comments that
    /// say why. Edit it, and hold other inputs to it with `tundra convert --schema FILE`.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<String>,

    /// Replace the schema file if it exists, with everything that was edited in it
    #[arg(long, requires = "output")]
    pub(crate) overwrite: bool,

    /// Look at the first N records only [default: at all of them]
    ///
    /// Faster on a large file, but what comes later can need another type: the result says that it
    /// is of a part.
    #[arg(
        long,
        value_name = "N",
        value_parser = values::from_one::<NonZeroU64>,
        allow_negative_numbers = true
    )]
    pub(crate) sample_size: Option<NonZeroU64>,

    /// Print everything as a JSON object
    #[arg(long)]
    pub(crate) json: bool,

    /// The format of the input [default: found out]
    #[arg(long, value_name = "FORMAT", value_parser = values::format(), ignore_case = true)]
    pub(crate) format: Option<Format>,

    /// The member of an archive, as its name stands there [default: the only one that holds data]
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub(crate) member: Option<String>,

    /// How columns get their types
    #[arg(long, value_name = "HOW", value_enum, default_value_t, hide_possible_values = true)]
    pub(crate) types: Types,

    #[command(flatten)]
    pub(crate) text: TextArgs,

    #[command(flatten)]
    pub(crate) nulls: NullArgs,

    #[command(flatten)]
    pub(crate) json_hints: JsonArgs,

    #[command(flatten)]
    pub(crate) workbook: WorkbookArgs,

    #[command(flatten)]
    pub(crate) unpacking: UnpackingArgs,

    #[command(flatten)]
    pub(crate) resources: ResourceArgs,
}
