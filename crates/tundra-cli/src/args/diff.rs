//! The arguments of `tundra diff`.

use clap::Args;
use tundra_core::{VersionNumber, engine::MOST_SHOWN};

use crate::args::{CatalogArgs, ReadingArgs, ResourceArgs};

/// Show how two files differ, or two versions of a source: columns, rows and values
///
/// The files may be of different formats, and anything that `tundra convert` reads. Columns are matched by
/// their names. With `--key` rows are matched by the values of those columns, and it is told which rows were
/// removed, added and changed, and in which columns; without it rows are compared as wholes, by how often
/// each is there. The order of rows does not matter. Two versions of a source are compared by what the
/// catalog knows, which is columns and counts, and with `--key`, `--column` or `--ignore` by their rows too.
///
/// Ends with 0 when nothing differs, with 1 when something does, and with another code, or an error, when the
/// two cannot be compared.
#[derive(Debug, Args)]
#[command(
    override_usage = "tundra diff [OPTIONS] <A> <B>\n       tundra diff [OPTIONS] <SOURCE> <V1> <V2>",
    after_help = "\
Examples:
  tundra diff sales-1.csv sales-2.csv
  tundra diff sales-1.csv sales-2.parquet --key id
  tundra diff old.xlsx new.xlsx --key order --key line --ignore exported_at
  tundra diff a.csv b.csv --key id --json | jq '.rows.changes[].key.id'
  tundra diff sales 3 4                          versions of a source"
)]
pub(crate) struct DiffArgs {
    /// The file to look from, or `-` for standard input; or a source
    #[arg(value_name = "A")]
    pub(crate) a: String,

    /// The file to look to, or `-` for standard input; or the version of the source to look from
    #[arg(value_name = "B")]
    pub(crate) b: String,

    /// The version of the source to look to
    #[arg(value_name = "V2")]
    pub(crate) to: Option<VersionNumber>,

    /// A column whose values tell which row is which; repeat it when it takes several
    ///
    /// No two rows of a file may have the same values in all of them; nulls are values here.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) key: Vec<String>,

    /// Look at this column only, and at the key; repeat it for more
    #[arg(long = "column", alias = "columns", value_name = "COLUMN", conflicts_with = "ignore")]
    pub(crate) columns: Vec<String>,

    /// Leave this column out; repeat it for more
    #[arg(long, value_name = "COLUMN")]
    pub(crate) ignore: Vec<String>,

    /// Rows of each sort that are shown: removed, added and changed
    ///
    /// All of them are counted. At most 100,000.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(..=MOST_SHOWN),
        allow_negative_numbers = true
    )]
    pub(crate) limit: u64,

    /// Print the differences as a JSON object
    ///
    /// Values are texts that hold them exactly, or null.
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) reading: ReadingArgs,

    #[command(flatten)]
    pub(crate) resources: ResourceArgs,

    #[command(flatten)]
    pub(crate) catalog: CatalogArgs,
}
