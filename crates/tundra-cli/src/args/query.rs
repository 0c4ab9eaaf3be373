//! The arguments of `tundra query`.

use clap::{Args, ValueEnum};
use tundra_core::OutputFormat;

use crate::args::{ReadingArgs, ResourceArgs, WritingArgs, values};

/// Ask something of a file in SQL
///
/// The file is the table `input`, its columns have the types that `tundra convert` would give them, and
/// the SQL is DuckDB's with all of its functions: one SELECT, which can reach nothing but that table.
/// Other files, settings and the network are out of its reach, and nothing can be written by it.
///
/// On a terminal the answer is a table, in a pipe it is CSV, and with `-o` it is the file that the name
/// ends with, complete or not at all.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tundra query 'SELECT name, sum(price) FROM input GROUP BY name' sales.csv
  tundra query 'FROM input WHERE price > 100' sales.parquet -o dear.parquet
  tundra query 'SELECT * FROM input LIMIT 5' sales.csv --output-format ndjson | jq .
  tundra query 'SUMMARIZE input' sales.csv")]
pub(crate) struct QueryArgs {
    /// The query
    #[arg(value_name = "SQL")]
    pub(crate) sql: String,

    /// The file, or `-` for standard input
    #[arg(value_name = "INPUT")]
    pub(crate) input: String,

    /// Write the answer to a file, or to standard output with `-`
    ///
    /// As Parquet, CSV, JSON, NDJSON or Arrow, by the extension or `--output-format`.
    #[arg(short, long, value_name = "OUTPUT")]
    pub(crate) output: Option<String>,

    /// Replace the output if it exists
    #[arg(long, requires = "output")]
    pub(crate) overwrite: bool,

    /// How the answer is written [default: by where it goes]
    #[arg(long, value_name = "FORMAT", value_enum, ignore_case = true)]
    pub(crate) output_format: Option<Answer>,

    /// Rows of a table that are shown at most [default: 40]
    ///
    /// How many more there are is told. For every other format the query says it: LIMIT.
    #[arg(
        long,
        value_name = "N",
        value_parser = values::from_zero::<u64>,
        allow_negative_numbers = true
    )]
    pub(crate) limit: Option<u64>,

    #[command(flatten)]
    pub(crate) reading: ReadingArgs,

    #[command(flatten)]
    pub(crate) writing: WritingArgs,

    #[command(flatten)]
    pub(crate) resources: ResourceArgs,
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Answer {
    /// A table to look at
    Table,
    /// Delimited text with a header
    Csv,
    /// One JSON array
    Json,
    /// One JSON object a line
    #[value(alias = "jsonl")]
    Ndjson,
    /// Parquet
    Parquet,
    /// Arrow IPC
    Arrow,
}

impl Answer {
    /// Returns the format of a file; a table is none.
    pub(crate) fn format(self) -> Option<OutputFormat> {
        Some(match self {
            Self::Table => return None,
            Self::Csv => OutputFormat::Csv,
            Self::Json => OutputFormat::Json,
            Self::Ndjson => OutputFormat::Ndjson,
            Self::Parquet => OutputFormat::Parquet,
            Self::Arrow => OutputFormat::Arrow,
        })
    }
}
