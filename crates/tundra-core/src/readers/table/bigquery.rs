//! BigQuery, by its documentation alone.

use super::{DAYS_OF_FOUR_DIGITS, KEEP_AS_TEXT, MICROS_OF_FOUR_DIGITS};
use crate::readers::{
    Reader,
    facts::{
        Basis, Facts, Instead, Names, Pattern, RangeFact,
        Severity::{self, Differs, Refuses},
        Span, TypeFact, When,
    },
};

const LOADING: &str =
    "https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#parquet_conversions";
const TYPES: &str = "https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types";
const NOT_LISTED: &str = "it is not among the types of Parquet that BigQuery converts";
const ANEW: &str = "write it as another type where the file is made";

pub(in crate::readers) static BIGQUERY: Facts = Facts {
    reader: Reader::BigQuery,
    title: "BigQuery",
    meant: "load jobs, as they are set up at first; by its documentation, never run here",
    codecs: &["uncompressed", "snappy", "gzip", "zstd", "lz4_raw", "lzo"],
    codecs_basis: Basis::Documented,
    codecs_source: "https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#parquet_compression",
    names: Names {
        may_be_empty: false,
        longest: Some(300),
        words_only: true,
        fields_words_only: true,
        reserved: &[
            "_TABLE_",
            "_FILE_",
            "_PARTITION",
            "_ROW_TIMESTAMP",
            "__ROOT__",
            "_COLIDENTIFIER",
            "_CHANGE_",
        ],
        fold_case: true,
        minded: None,
        basis: Basis::Documented,
        source: "https://cloud.google.com/bigquery/docs/schemas#column_names",
    },
    max_columns: Some(10_000),
    types: &[
        TypeFact {
            pattern: Pattern::Unsigned(64),
            severity: Refuses,
            when: When::AboveSigned,
            reason: "it becomes INT64, and a value above 9223372036854775807 fails the load",
            way_out: "",
            instead: Some(Instead::Signed),
            basis: Basis::Documented,
            source: LOADING,
        },
        listed(Pattern::Time, Refuses, NOT_LISTED, "", Some(Instead::Text)),
        listed(
            Pattern::TimestampNanos,
            Refuses,
            "timestamps are taken in milliseconds and microseconds",
            "",
            Some(Instead::Micros),
        ),
        listed(
            Pattern::TimestampLocal,
            Differs,
            "it becomes TIMESTAMP, an instant, as if it were UTC",
            "name the column as DATETIME in the schema of the load",
            None,
        ),
        listed(Pattern::Uuid, Refuses, NOT_LISTED, "", Some(Instead::Text)),
        listed(Pattern::Interval, Refuses, NOT_LISTED, "", Some(Instead::Text)),
        listed(Pattern::Json, Refuses, NOT_LISTED, "", Some(Instead::Text)),
        listed(Pattern::Bson, Refuses, NOT_LISTED, ANEW, None),
        listed(
            Pattern::Float16,
            Refuses,
            NOT_LISTED,
            "write it anew with `tundra convert`, which makes `FLOAT` of it",
            None,
        ),
        listed(Pattern::Geometry, Refuses, NOT_LISTED, "write plain WKB, as GeoParquet does", None),
        listed(Pattern::Variant, Refuses, NOT_LISTED, ANEW, None),
        listed(
            Pattern::DecimalBeyond { whole: 29, scale: 9 },
            Differs,
            "it does not fit NUMERIC, which is what a load makes of decimals unless told otherwise, and \
             values beyond that fail it",
            "load with `--decimal_target_types=NUMERIC,BIGNUMERIC,STRING`",
            None,
        ),
        listed(
            Pattern::List,
            Differs,
            "it becomes a record with a repeated record in it, and arrays hold no nulls",
            "load with `--parquet_enable_list_inference`",
            None,
        ),
        listed(
            Pattern::Map,
            Differs,
            "it becomes a record with repeated keys and values",
            "take it apart in the query",
            None,
        ),
    ],
    ranges: &[
        RangeFact {
            span: Span::Days(DAYS_OF_FOUR_DIGITS.0, DAYS_OF_FOUR_DIGITS.1),
            severity: Refuses,
            reason: "its dates are those of the years 1 to 9999",
            way_out: KEEP_AS_TEXT,
            basis: Basis::Documented,
            source: TYPES,
        },
        RangeFact {
            span: Span::Micros(MICROS_OF_FOUR_DIGITS.0, MICROS_OF_FOUR_DIGITS.1),
            severity: Refuses,
            reason: "its timestamps are those of the years 1 to 9999",
            way_out: KEEP_AS_TEXT,
            basis: Basis::Documented,
            source: TYPES,
        },
    ],
};

const fn listed(
    pattern: Pattern,
    severity: Severity,
    reason: &'static str,
    way_out: &'static str,
    instead: Option<Instead>,
) -> TypeFact {
    TypeFact {
        pattern,
        severity,
        when: When::Always,
        reason,
        way_out,
        instead,
        basis: Basis::Documented,
        source: LOADING,
    }
}
