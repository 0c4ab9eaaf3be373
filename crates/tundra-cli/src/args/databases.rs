//! The arguments of the commands that look at databases, and of `tundra dump`.

use std::time::Duration;

use clap::Args;
use tundra_core::{Compression, TablePattern};

use crate::args::{ConnectionArgs, ResourceArgs, extract::Lossy, values};

/// List the tables and views of a database, with their estimated rows and sizes
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tundra tables postgresql://reader@db.example.com/shop
  tundra tables postgresql://reader@db/shop 'sales.*'    quoted, so that the shell leaves it alone
  tundra tables --json sqlite:shop.db | jq '.[].table'")]
pub(crate) struct TablesArgs {
    /// The database, as `tundra extract` takes it
    #[arg(value_name = "URL")]
    pub(crate) url: String,

    /// Only those that match, such as orders_* or sales.*
    ///
    /// `*` stands for any characters. Without a schema, tables of all schemas of users match.
    #[arg(value_name = "PATTERN", default_value = "*", value_parser = pattern)]
    pub(crate) pattern: TablePattern,

    /// Print a JSON array of the tables
    #[arg(long)]
    pub(crate) json: bool,

    /// Stop when it takes longer, such as 30s or 5m [default: never]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub(crate) timeout: Option<Duration>,

    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// Connect to a database, and say what it is and what may be read
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tundra test-connection postgresql://reader@db.example.com/shop?sslmode=verify-full
  tundra test-connection mysql://reader@db/shop --ask-password
  tundra test-connection postgresql://reader@10.0.0.5/shop --ssh me@bastion.example.com")]
pub(crate) struct TestConnectionArgs {
    /// The database, as `tundra extract` takes it
    #[arg(value_name = "URL")]
    pub(crate) url: String,

    /// Print what was found as JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// Stop when it takes longer, such as 30s or 5m [default: never]
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub(crate) timeout: Option<Duration>,

    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,
}

/// List the kinds of database that can be read
#[derive(Debug, Args)]
pub(crate) struct ConnectorsArgs {
    /// Print a JSON array of the connectors
    #[arg(long)]
    pub(crate) json: bool,
}

/// Read several tables of a database into a directory, all under one snapshot
///
/// Writes SCHEMA.TABLE.parquet for each, and at the end manifest.json, which lists them in order with the
/// place in the server's log that the snapshot stands for. Nothing is published unless every table is
/// complete and checked.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tundra dump postgresql://reader@db.example.com/shop -o shop
  tundra dump postgresql://reader@db/shop --tables 'sales.*,public.customers' -o s3://bucket/shop")]
pub(crate) struct DumpArgs {
    /// The database, as `tundra extract` takes it
    #[arg(value_name = "URL")]
    pub(crate) url: String,

    /// The directory, which is made if it is not there, or a prefix in a store
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: String,

    /// The tables, such as orders,sales.*
    ///
    /// `*` stands for any characters. Without a schema, tables of all schemas of users match. A view is
    /// read only when it is named without `*`.
    #[arg(
        long,
        value_name = "PATTERN,...",
        value_delimiter = ',',
        default_value = "*",
        value_parser = pattern
    )]
    pub(crate) tables: Vec<TablePattern>,

    /// Replace files that exist
    #[arg(long)]
    pub(crate) overwrite: bool,

    /// On how many connections at once tables are read, 1 to 16
    ///
    /// Small tables are read beside each other, one connection each, and large ones on several. Each
    /// needs a part of the memory, so that fewer are read at once where that is little.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 4,
        value_parser = clap::value_parser!(u8).range(1..=16)
    )]
    pub(crate) connections: u8,

    /// On how many connections a table is read, 1 to 16 [default: by its size and the processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) partitions: Option<u8>,

    /// What happens to a value that no type holds, such as the date 0000-00-00
    #[arg(long, value_name = "POLICY", value_enum, default_value_t)]
    pub(crate) on_lossy: Lossy,

    /// How the files are compressed: zstd, zstd:LEVEL, snappy, gzip, brotli, lz4 or none
    #[arg(long, value_name = "CODEC", default_value = "zstd")]
    pub(crate) compression: Compression,

    /// Print the manifest as JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,

    #[command(flatten)]
    pub(crate) resources: ResourceArgs,
}

/// Reads `NAME` or `SCHEMA.NAME`, each with any number of `*`.
fn pattern(text: &str) -> Result<TablePattern, String> {
    let (schema, name) = match text.split_once('.') {
        Some((schema, name)) => (Some(schema), name),
        None => (None, text),
    };
    if name.is_empty() || schema == Some("") {
        return Err("it is a name or SCHEMA.NAME, where `*` stands for any characters".to_owned());
    }
    Ok(TablePattern { schema: schema.map(str::to_owned), name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_a_schema_before_the_point() {
        let of = |text| pattern(text).map(|it| (it.schema, it.name));
        assert_eq!(of("orders"), Ok((None, "orders".to_owned())));
        assert_eq!(of("sales.*"), Ok((Some("sales".to_owned()), "*".to_owned())));
        assert_eq!(of("a.b.c"), Ok((Some("a".to_owned()), "b.c".to_owned())));
        assert!(of("").is_err() && of(".a").is_err() && of("a.").is_err());
    }
}
