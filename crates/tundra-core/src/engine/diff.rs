//! How one input differs from another: their columns, and their rows.
//!
//! Start at [`diff`]. DuckDB compares, in the sandbox and within the memory of a run; both inputs are tables
//! of one database, a Parquet file as it is and everything else as [`super::query()`] reads it. Rows are
//! matched by a key, or as wholes by how often they are there; their order does not matter. Equal are nulls,
//! NaNs, and the two zeros of floating point; texts are compared by their bytes.

mod columns;
mod open;
mod possible_key;
mod report;
mod rows;

use tokio::runtime::Handle;

pub use self::report::{
    ChangedRow, ChangedValue, ColumnChange, Diff, DiffSide, KeyedRows, RowsDiff, ShownRows,
    WholeRows,
};
use self::{
    columns::{Columns, pair_up},
    open::OpenPair,
    rows::Comparison,
};
use crate::{
    Control, Error, Input, InspectOptions, Resources, Result, Stage,
    engine::{copy::Stop, prepared::StopOnDrop, run::in_background},
};

/// The most rows of each sort that can be asked for: they are kept in memory.
pub const MOST_SHOWN: u64 = 100_000;

/// What is compared of two inputs, and how much of it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffOptions {
    /// The columns whose values tell which row is which. When empty, rows are compared as wholes.
    pub key: Vec<String>,
    /// The columns that are looked at besides those of the key; all when empty.
    pub columns: Vec<String>,
    /// Columns that are not looked at.
    pub ignored: Vec<String>,
    /// How many rows of each sort are told; at most [`MOST_SHOWN`]. All are counted.
    pub limit: u64,
}

/// Compares two inputs. `reading` says how they are read; what is for one sort of input is not asked of
/// another one, as long as one of the two is such. [`InspectOptions::sample_size`] is of no account.
///
/// Must be called within a Tokio runtime; the work runs on blocking threads.
///
/// # Errors
/// Fails as [`super::convert()`] does for either input; with [`Error::UnknownColumn`] when an option names a
/// column that is not there; and with [`Error::RepeatedKey`] when a key is that of several rows.
///
/// # Cancellation
/// As [`super::convert()`].
pub async fn diff(
    inputs: [&Input; 2],
    reading: &InspectOptions,
    options: &DiffOptions,
    resources: &Resources,
    control: &Control,
) -> Result<Diff> {
    if options.limit > MOST_SHOWN {
        return Err(Error::request(format!("at most {MOST_SHOWN} rows of each sort are told")));
    }
    let stop = Stop::new(control);
    let _guard = StopOnDrop(stop.clone());
    control.reporter.stage(Stage::Inspecting);
    let pair = OpenPair::open(inputs, reading, resources, control, &stop).await?;
    let (runtime, options, reporter) =
        (Handle::current(), options.clone(), control.reporter.clone());
    let working = stop.clone();
    let (found, pair) = in_background(&stop, move || {
        let loaded = pair.load(&options, &runtime, &working)?;
        reporter.stage(Stage::Comparing);
        let Columns { pairs, changes } = pair_up(&loaded.columns[0], &loaded.columns[1]);
        let comparison = Comparison::new(&loaded, &options, &pairs, &working)?;
        let rows = comparison.rows()?;
        let [a, b] = loaded.sides();
        let compared = comparison.compared();
        Ok::<_, Error>((Diff { a, b, columns: changes, compared, rows }, pair))
    })
    .await?;
    stop.unless_stopped(pair.check_unchanged()).await??;
    Ok(found)
}
