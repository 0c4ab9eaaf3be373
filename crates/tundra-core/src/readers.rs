//! Who reads Parquet besides us, and what each of them would choke on.
//!
//! Start at [`Reader`]. What is known stands in `readers/table/`, a file for each reader, as plain data: with
//! where it is from, and whether the reader itself was run or its documentation was believed. Looking at a
//! file, and writing one that a reader takes, is the engine's business.

mod facts;
mod kind;
mod names;
mod page;
mod table;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use self::{
    facts::{Basis, Severity},
    page::readers_page,
};
pub(crate) use self::{
    facts::{Facts, RangeFact, Span, TypeFact, When},
    kind::{Kind, Unit},
    names::{codec_fault, name_fault, usable_for},
};
use crate::format::UnknownName;

/// A program or a service that reads Parquet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Reader {
    /// Apache Spark.
    Spark,
    /// BigQuery, by a load job.
    BigQuery,
    /// Snowflake, by `COPY INTO`.
    Snowflake,
    /// Amazon Athena, by a table of the Glue catalog.
    Athena,
    /// ClickHouse.
    ClickHouse,
    /// Polars.
    Polars,
    /// pandas, with PyArrow.
    Pandas,
}

impl Reader {
    /// Every reader, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::Spark,
        Self::BigQuery,
        Self::Snowflake,
        Self::Athena,
        Self::ClickHouse,
        Self::Polars,
        Self::Pandas,
    ];

    /// The names of all readers.
    pub const NAMES: &'static [&'static str] =
        &["spark", "bigquery", "snowflake", "athena", "clickhouse", "polars", "pandas"];

    /// Returns the name by which options know it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spark => "spark",
            Self::BigQuery => "bigquery",
            Self::Snowflake => "snowflake",
            Self::Athena => "athena",
            Self::ClickHouse => "clickhouse",
            Self::Polars => "polars",
            Self::Pandas => "pandas",
        }
    }

    /// Returns its name as its makers write it.
    pub const fn title(self) -> &'static str {
        self.facts().title
    }

    /// Returns what is known of it.
    pub(crate) const fn facts(self) -> &'static Facts {
        match self {
            Self::Spark => &table::SPARK,
            Self::BigQuery => &table::BIGQUERY,
            Self::Snowflake => &table::SNOWFLAKE,
            Self::Athena => &table::ATHENA,
            Self::ClickHouse => &table::CLICKHOUSE,
            Self::Polars => &table::POLARS,
            Self::Pandas => &table::PANDAS,
        }
    }
}

impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Reader {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.to_ascii_lowercase();
        Self::ALL.into_iter().find(|reader| reader.name() == lower).ok_or_else(|| UnknownName {
            text: text.to_owned(),
            what: "reader",
            known: Self::NAMES,
        })
    }
}

/// Something about a file that a reader would not take as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The reader.
    pub reader: Reader,
    /// How bad it is.
    pub severity: Severity,
    /// The column, with the names of fields behind it where it is nested; `None` for the file as a whole.
    pub column: Option<String>,
    /// What it is, as a word or two: `UINT_64`, `name`, `codec brotli`.
    pub what: String,
    /// What the reader makes of it.
    pub reason: String,
    /// What can be done about it.
    pub way_out: String,
    /// How that is known.
    pub basis: Basis,
    /// Where that stands, as an address.
    pub source: String,
}

/// Returns the names of readers as an option lists them.
pub(crate) fn listed(readers: &[Reader]) -> String {
    readers.iter().map(|reader| reader.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_parsing_agree() {
        for (reader, name) in Reader::ALL.into_iter().zip(Reader::NAMES) {
            assert_eq!(reader.name(), *name);
            assert_eq!(name.parse(), Ok(reader));
            assert_eq!(name.to_uppercase().parse(), Ok(reader));
            assert_eq!(reader.facts().reader, reader);
            assert_eq!(serde_json::to_value(reader).unwrap(), *name);
        }
        assert!("excel".parse::<Reader>().is_err());
    }

    #[test]
    fn every_fact_says_where_it_is_from() {
        for reader in Reader::ALL {
            let facts = reader.facts();
            let types = facts.types.iter().map(|fact| fact.source);
            let ranges = facts.ranges.iter().map(|fact| fact.source);
            for source in types.chain(ranges).chain([facts.names.source, facts.codecs_source]) {
                assert!(source.starts_with("https://"), "{reader}: {source}");
            }
        }
    }
}
