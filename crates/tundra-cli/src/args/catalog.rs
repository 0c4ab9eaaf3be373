//! The options of every command that works on catalogued sources.

use clap::Args;

/// Where the catalog and the objects are, and whose sources are meant.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Catalog")]
pub(crate) struct CatalogArgs {
    #[command(flatten)]
    pub(crate) places: PlaceArgs,

    /// Only the sources of this organisation [default: all of them]
    ///
    /// The default is also set by TUNDRA_ORG.
    #[arg(long, value_name = "ORG")]
    pub(crate) org: Option<String>,
}

/// Where the catalog and the objects are.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Catalog")]
pub(crate) struct PlaceArgs {
    /// The catalog: a file of SQLite, or `supabase` [default: a file of your own]
    ///
    /// The file is made on first use. `supabase` is the project of SUPABASE_URL, and the default
    /// where that variable is set. The default is also set by TUNDRA_CATALOG.
    #[arg(long, value_name = "FILE|supabase")]
    pub(crate) catalog: Option<String>,

    /// Where the objects of sources are: a directory, or r2://, s3://, gs:// or az:// for a bucket
    /// per organisation [default: a directory beside the catalog]
    ///
    /// An organisation has the bucket org-ID, which must exist; in a directory it has a directory of
    /// that name. With `supabase` and CLOUDFLARE_ACCOUNT_ID the default is r2://. The default is also
    /// set by TUNDRA_WAREHOUSE.
    #[arg(long, value_name = "PLACE")]
    pub(crate) warehouse: Option<String>,
}
