//! The arguments of `tundra presign`.

use std::time::Duration;

use clap::Args;

use crate::args::values;

/// Sign a URL that lets somebody without credentials read or write one object
///
/// The URL goes to standard output. Whoever has it may do what it allows until it expires, so keep it
/// out of logs. The store is not asked: whether the object is there, and whether the key may be used
/// for it, is found out by whoever uses the URL.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tundra presign r2://bucket/in/sales.csv
  tundra presign s3://bucket/out/sales.parquet --put --expires 15m
  curl -T sales.csv -H 'Content-Type: text/csv' \\
      \"$(tundra presign --put --content-type text/csv s3://bucket/in/sales.csv)\"
  tundra convert sales.csv -o \"$(tundra presign --put s3://bucket/out/sales.parquet)\"")]
pub(crate) struct PresignArgs {
    /// The object: s3://, r2://, gs:// or az://
    #[arg(value_name = "LOCATION")]
    pub(crate) location: String,

    /// Allow to write the object instead of reading it
    ///
    /// By one PUT of the whole object. An object that is there is replaced.
    #[arg(long)]
    pub(crate) put: bool,

    /// How long the URL can be used, such as 15m, 1h or 7d, which is the most
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "1h")]
    pub(crate) expires: Duration,

    /// The content type that the object must be written with [default: any]
    ///
    /// It becomes part of the signature, but not of Azure's, which cannot hold it. `tundra convert`
    /// writes application/vnd.apache.parquet.
    #[arg(long, value_name = "TYPE", requires = "put")]
    pub(crate) content_type: Option<String>,

    /// Print the URL, its method and the headers that it needs as a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
