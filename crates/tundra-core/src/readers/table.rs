//! What is known of each reader, as data.
//!
//! A fact is added where the reader was seen to do so, or where its documentation says so, and says which.
//! What is not here is taken as it is, as far as anybody here knows.

mod athena;
mod bigquery;
mod clickhouse;
mod pandas;
mod polars;
mod snowflake;
mod spark;

pub(super) use self::{
    athena::ATHENA, bigquery::BIGQUERY, clickhouse::CLICKHOUSE, pandas::PANDAS, polars::POLARS,
    snowflake::SNOWFLAKE, spark::SPARK,
};

/// The first and the last day of the years 1 to 9999.
const DAYS_OF_FOUR_DIGITS: (i64, i64) = (-719_162, 2_932_896);

/// The first and the last microsecond of those years.
const MICROS_OF_FOUR_DIGITS: (i64, i64) = (-62_135_596_800_000_000, 253_402_300_799_999_999);

/// 1582-10-15, the first day of the calendar of Gregory XIII.
const FIRST_GREGORIAN_DAY: i64 = -141_427;

/// The beginning of 1900.
const MICROS_OF_1900: i64 = -2_208_988_800_000_000;

const KEEP_AS_TEXT: &str = "keep the column as text with `--type COLUMN=VARCHAR`";
