//! The arguments of `tundra check`.

use clap::Args;
use tundra_core::Reader;

use crate::args::{ResourceArgs, values};

/// Say what readers such as Spark or BigQuery would choke on of a Parquet file
///
/// Only the footer is read, however large the file is: types, names, codecs, and the smallest and largest
/// values where they stand there. Each finding says whether the reader refuses it, loses values or takes
/// them differently, and what can be done. Ends with 0 when nothing is refused or lost, and with 3
/// otherwise. docs/READERS.md lists what is known of each reader, and how it is known.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tundra check sales.parquet
  tundra check sales.parquet --for spark --for bigquery
  tundra check --json s3://bucket/sales.parquet | jq '.findings[].way_out'")]
pub(crate) struct CheckArgs {
    /// The Parquet file, or `-` for standard input
    #[arg(value_name = "FILE")]
    pub(crate) input: String,

    /// Who is to read it; repeat it for more [default: all]
    #[arg(
        long = "for",
        value_name = "READER",
        value_parser = values::reader(),
        ignore_case = true
    )]
    pub(crate) readers: Vec<Reader>,

    /// Print what was found as a JSON object
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) resources: ResourceArgs,
}
