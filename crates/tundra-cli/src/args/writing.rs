//! How an output is written, as it is said on the command line.

use std::num::NonZeroU64;

use clap::Args;
use tundra_core::Compression;

use crate::args::values;

/// How the output is written.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Writing")]
pub(crate) struct WritingArgs {
    /// How the output is compressed: zstd, zstd:LEVEL, snappy or none
    ///
    /// Levels of zstd are 1 to 22; higher ones are slower and smaller. Without a level it is 3.
    #[arg(long, value_name = "CODEC", default_value = "zstd")]
    pub(crate) compression: Compression,

    /// Rows in a row group [default: by the width of the rows]
    ///
    /// Smaller groups need less memory to write and let readers skip more; larger ones compress
    /// better. The engine hands rows on in blocks, so that a group has up to 2,047 rows more.
    #[arg(
        long,
        value_name = "ROWS",
        value_parser = values::from_one::<NonZeroU64>,
        allow_negative_numbers = true
    )]
    row_group_size: Option<NonZeroU64>,
}

impl WritingArgs {
    /// Returns the rows of a row group, if they were said.
    pub(crate) fn row_group_rows(&self) -> Option<u64> {
        self.row_group_size.map(NonZeroU64::get)
    }
}
