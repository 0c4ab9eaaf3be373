//! What a user can say about JSON, and how it becomes the engine's hints.

use clap::Args;
use tundra_core::{JsonHints, RecordsPath};

/// Where in JSON the records are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading JSON")]
pub(crate) struct JsonArgs {
    /// Where in a document its records are, such as data.items [default: the document itself]
    ///
    /// The names of members with dots between them, such as `data.items`; `pages[0].rows` for one
    /// element of an array and `pages[*].rows` for all of them; `data["odd.key"]` for a name with a
    /// dot. What it leads to is an array of records, or one record. The rest of the document is
    /// passed over and not kept in memory.
    #[arg(long, value_name = "PATH")]
    records: Option<RecordsPath>,

    /// Make columns of the fields of nested objects, named like user.address.city
    ///
    /// Arrays stay lists, and what is not an object in every record stays one column. `--rename` and
    /// `--type` then mean these names, and `--type user=JSON` keeps an object whole. An object that
    /// is null, empty or missing makes all of its columns null.
    #[arg(long)]
    flatten: bool,
}

impl JsonArgs {
    /// Returns the engine's form of it.
    pub(crate) fn into_hints(self) -> JsonHints {
        let Self { records, flatten } = self;
        JsonHints { records, flatten }
    }
}
