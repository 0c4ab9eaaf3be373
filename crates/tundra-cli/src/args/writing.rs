//! How an output is written, as it is said on the command line.

use std::{
    fs,
    num::NonZeroU64,
    path::{Path, PathBuf},
};

use clap::Args;
use tundra_core::{
    BloomFilters, Compression, EncryptionKey, EncryptionKeyError, FilesOptions, OutputFormat,
    Secret, SortKey, WriteOptions,
};

use crate::{args::values, failure::Failure};

/// How the output is written.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Writing")]
pub(crate) struct WritingArgs {
    /// How the output is compressed: zstd, zstd:LEVEL, snappy, gzip, brotli, lz4 or none [default: zstd]
    ///
    /// Levels of zstd are 1 to 22; higher ones are slower and smaller. Without a level it is 3.
    #[arg(long, value_name = "CODEC")]
    compression: Option<Compression>,

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

    /// Bytes in a row group, such as 64MiB [default: only its rows count]
    ///
    /// About so many, as the rows stand in memory before they are compressed. Whichever of this and `--row-group-size` is reached
    /// first ends a row group.
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    row_group_bytes: Option<u64>,

    /// Sort the rows by a column of the output; repeat it for the next column
    ///
    /// `COLUMN`, and behind it `desc` for the largest first, and `nulls first` for nulls before and not
    /// behind the others. What is equal stays in its order. What does not fit into memory is sorted on
    /// disk. A column whose own name ends with such a word is written with one more: `"name desc asc"`.
    #[arg(long, value_name = "COLUMN")]
    sort_by: Vec<SortKey>,

    /// Different values up to which a column has a dictionary [default: a fifth of the rows]
    ///
    /// Counted in each row group; 0 for no dictionaries at all.
    #[arg(long, value_name = "N")]
    dictionary_values: Option<u64>,

    /// How often bloom filters may err, as a share such as 0.01, or `off` for none [default: 0.01]
    ///
    /// They tell readers which row groups certainly lack a value, and are written for columns with a
    /// dictionary.
    #[arg(long, value_name = "SHARE")]
    bloom_filters: Option<BloomFilters>,

    /// Put a key and a value into the metadata of the file; repeat it for more
    #[arg(long, value_name = "KEY=VALUE", value_parser = values::pair)]
    metadata: Vec<(String, String)>,

    /// Encrypt the file with the key in this file: 16 or 32 bytes, as hexadecimal digits or in base64
    ///
    /// `openssl rand -hex 32 > key` makes one. The whole file is encrypted, its footer as well, by AES-GCM; who
    /// reads it needs the key. The rows stand in the temporary directory as they are while it is made, and the
    /// receipt quotes values that were repaired.
    #[arg(long, value_name = "FILE")]
    encryption_key_file: Option<PathBuf>,

    /// Write several files where there is more than fits into one of this size, such as 256MiB
    ///
    /// None is larger. `-o sales.parquet` makes sales-00001.parquet and so on, and `-o sales/` makes
    /// sales/part-00001.parquet; there is a number also when one file is enough. The rows go through the
    /// files in their order. All of them are complete and checked before the first appears.
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    max_file_size: Option<u64>,

    /// Write a directory with a part for each value of a column; repeat it for parts of parts
    ///
    /// With `-o sales/` there is sales/country=DE/part-00001.parquet, as Hive and most readers know it. The
    /// column does not stand in the files. Rows keep their order within a partition.
    #[arg(long, value_name = "COLUMN")]
    partition_by: Vec<String>,

    /// How many partitions there may be [default: 1000]
    #[arg(
        long,
        value_name = "N",
        requires = "partition_by",
        value_parser = values::from_one::<NonZeroU64>,
        allow_negative_numbers = true
    )]
    max_partitions: Option<NonZeroU64>,
}

impl WritingArgs {
    /// Checks that nothing was typed that only Parquet has, unless that is what is written; without a format it is
    /// a table.
    ///
    /// # Errors
    /// Fails and names the option.
    pub(crate) fn check(&self, format: Option<OutputFormat>) -> Result<(), Failure> {
        // Taken apart, so that a new option is not forgotten here.
        let Self {
            compression,
            row_group_size,
            row_group_bytes,
            sort_by: _,
            dictionary_values,
            bloom_filters,
            metadata,
            encryption_key_file,
            max_file_size,
            partition_by,
            max_partitions: _,
        } = self;
        let written = match format {
            Some(OutputFormat::Parquet) => return Ok(()),
            Some(format) => format!("the output is {format}"),
            None => "the answer is a table".to_owned(),
        };
        let given = [
            ("--compression", compression.is_some()),
            ("--row-group-size", row_group_size.is_some()),
            ("--row-group-bytes", row_group_bytes.is_some()),
            ("--dictionary-values", dictionary_values.is_some()),
            ("--bloom-filters", bloom_filters.is_some()),
            ("--metadata", !metadata.is_empty()),
            ("--encryption-key-file", encryption_key_file.is_some()),
            ("--max-file-size", max_file_size.is_some()),
            ("--partition-by", !partition_by.is_empty()),
        ];
        match given.iter().find(|(_, is_given)| *is_given) {
            None => Ok(()),
            Some((option, _)) => Err(Failure::usage(
                format!("`{option}` is for Parquet, and {written}"),
                "leave it out, or write Parquet with `-o NAME.parquet`",
            )),
        }
    }

    /// Makes the engine's options of what was typed; `output` is where it goes, as typed.
    ///
    /// # Errors
    /// Fails when a key cannot be read.
    pub(crate) fn into_options(self, output: Option<&str>) -> Result<WriteOptions, Failure> {
        let Self {
            compression,
            row_group_size,
            row_group_bytes,
            sort_by,
            dictionary_values,
            bloom_filters,
            metadata,
            encryption_key_file,
            max_file_size,
            partition_by,
            max_partitions,
        } = self;
        Ok(WriteOptions {
            compression: compression.unwrap_or_default(),
            row_group_rows: row_group_size.map(NonZeroU64::get),
            row_group_bytes,
            dictionary_values,
            bloom_filters: bloom_filters.unwrap_or_default(),
            sort_by,
            metadata,
            // Queries have none; who has says it.
            readers: Vec::new(),
            files: FilesOptions {
                max_size: max_file_size,
                partition_by,
                max_partitions: max_partitions.map(NonZeroU64::get),
                in_directory: output.is_some_and(|output| output.ends_with('/')),
            },
            encryption: encryption_key_file.as_deref().map(key_in).transpose()?,
        })
    }
}

/// Reads a key, which no message shows.
fn key_in(file: &Path) -> Result<EncryptionKey, Failure> {
    let place = format!("`{}`", file.display());
    match fs::read_to_string(file).map(Secret::new) {
        Ok(text) => text.expose().parse().map_err(|error: EncryptionKeyError| {
            Failure::usage(
                format!("{place} holds no key: {error}"),
                "`openssl rand -hex 32` makes one",
            )
        }),
        Err(source) => Err(Failure::Key { place, source }),
    }
}
