//! The conversion engine: one input in, one Parquet file and its receipt out.
//!
//! Start at [`convert`] for files and at [`extract`] for databases. Text is read by `crate::read`,
//! losslessly and in parallel, and handed to DuckDB as record batches, as are the rows of a database;
//! Parquet is read by DuckDB itself. DuckDB writes the output into a writer of the store; what it wrote is
//! compared with what was read, and only then published. Another format than Parquet, and several files, are
//! made of what DuckDB wrote (`transcode`, `parts`). [`query()`] asks something of an input, [`head()`] shows
//! its beginning, and [`diff()`] says how one differs from another. [`check()`] says what readers would
//! choke on of a file, and `fit` keeps an output to what they take.

mod beside;
mod blocks;
mod check;
mod contract;
mod copy;
mod diff;
mod encrypt;
mod extract;
mod failure;
mod features;
mod files;
mod fit;
mod geo;
mod head;
mod hilbert;
mod input;
mod inspect;
mod load;
mod many;
mod opening;
mod parquet;
mod parts;
mod prepared;
mod preview;
mod query;
mod rejects;
mod resources;
mod rows;
mod run;
mod several;
mod spool;
mod sql;
mod tally;
mod transcode;
mod unpack;
mod verify;

mod convert;

pub(crate) use self::failure::{engine_error_hints, engine_error_kind, query_error_kind};
pub use self::{
    check::{Checked, check},
    convert::{convert, prepare},
    diff::{
        ChangedRow, ChangedValue, ColumnChange, Diff, DiffOptions, DiffSide, KeyedRows, MOST_SHOWN,
        RowsDiff, ShownRows, WholeRows, diff,
    },
    extract::{OpenRelation, extract, open_session, prepare_extraction},
    head::{Head, InputColumns, columns, head},
    inspect::{inspect, unsure_decisions},
    many::{convert_many, prepare_many, sheet_names},
    prepared::Prepared,
    preview::{FirstRows, preview},
    query::{QueryOutput, query, query_into},
    resources::default_resources,
    rows::{RowColumn, Rows},
    several::prepare_extractions,
};

use crate::{Control, Error};

/// Does work that can be given up at any moment, and gives it up when a run with this control is to stop.
/// What is left of the time then is the caller's to tell to what comes next. Must be called within a Tokio
/// runtime with time.
///
/// # Errors
/// [`Error::Cancelled`] and [`Error::Timeout`] when it was given up.
pub async fn unless_stopped<T>(
    control: &Control,
    work: impl Future<Output = T>,
) -> Result<T, Error> {
    copy::Stop::new(control).unless_stopped(work).await
}

/// Returns the version of DuckDB that is linked in, such as `v2.0.0`.
pub fn duckdb_version() -> String {
    // It calls itself `v2.0.0`.
    tundra_duckdb::Database::duckdb_version().trim_start_matches('v').to_owned()
}
