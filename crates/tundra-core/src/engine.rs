//! The conversion engine: one input in, one Parquet file and its receipt out.
//!
//! Start at [`convert`] for files and at [`extract`] for databases. Text is read by `crate::read`, losslessly and in parallel, and handed
//! to DuckDB as record batches, as are the rows of a database; Parquet is read by DuckDB itself. DuckDB writes the output into a
//! writer of the store; what it wrote is compared with what was read, and only then published.

mod beside;
mod contract;
mod copy;
mod extract;
mod failure;
mod files;
mod geo;
mod input;
mod inspect;
mod parquet;
mod prepared;
mod rejects;
mod resources;
mod run;
mod several;
mod sql;
mod tally;
mod verify;

mod convert;

pub(crate) use self::failure::{engine_error_hints, engine_error_kind};
pub use self::{
    convert::{convert, prepare},
    extract::{ExtractOptions, OpenRelation, extract, open_session, prepare_extraction},
    inspect::{inspect, unsure_decisions},
    prepared::Prepared,
    resources::default_resources,
    several::prepare_extractions,
};

/// Returns the version of DuckDB that is linked in, such as `v2.0.0`.
pub fn duckdb_version() -> String {
    // It calls itself `v2.0.0`.
    tundra_duckdb::Database::duckdb_version().trim_start_matches('v').to_owned()
}
