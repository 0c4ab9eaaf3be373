//! ClickHouse, as chDB runs it in the tests.

use super::KEEP_AS_TEXT;
use crate::readers::{
    Reader,
    facts::{
        Basis, Facts, Instead, Names, Pattern, RangeFact,
        Severity::{self, Differs, Loses, Refuses},
        Span, TypeFact, When,
    },
};

const FORMAT: &str = "https://clickhouse.com/docs/interfaces/formats/Parquet";

pub(in crate::readers) static CLICKHOUSE: Facts = Facts {
    reader: Reader::ClickHouse,
    title: "ClickHouse",
    meant: "the format `Parquet` with the types that it finds itself; run as chDB with 26.9",
    codecs: &["uncompressed", "snappy", "gzip", "zstd", "brotli", "lz4", "lz4_raw"],
    codecs_basis: Basis::Tested,
    codecs_source: FORMAT,
    names: Names {
        may_be_empty: false,
        longest: None,
        words_only: false,
        fields_words_only: false,
        reserved: &[],
        fold_case: false,
        minded: None,
        basis: Basis::Tested,
        source: FORMAT,
    },
    max_columns: None,
    types: &[
        fact(
            Pattern::Json,
            Loses,
            "it is taken apart: fields are sorted, 1.10 becomes 1.1, and what is no object is refused",
            "",
            Some(Instead::Text),
        ),
        fact(
            Pattern::Interval,
            Loses,
            "its twelve bytes arrive as they are",
            "",
            Some(Instead::Text),
        ),
        fact(
            Pattern::Time,
            Differs,
            "it becomes a timestamp of 1970-01-01",
            "take the time of it in the query",
            None,
        ),
        fact(
            Pattern::TimestampLocal,
            Differs,
            "it becomes an instant, as if it were UTC",
            "know that it is none",
            None,
        ),
        TypeFact {
            pattern: Pattern::DecimalOver(76),
            severity: Refuses,
            when: When::Always,
            reason: "its decimals end at 76 digits",
            way_out: "write the column with fewer digits, or as text, where the file is made",
            instead: None,
            basis: Basis::Documented,
            source: "https://clickhouse.com/docs/sql-reference/data-types/decimal",
        },
    ],
    ranges: &[RangeFact {
        span: Span::Days(-719_528, 2_932_896),
        severity: Refuses,
        reason: "its dates are those of the years 0 to 9999",
        way_out: KEEP_AS_TEXT,
        basis: Basis::Tested,
        source: "https://clickhouse.com/docs/sql-reference/data-types/date32",
    }],
};

const fn fact(
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
        basis: Basis::Tested,
        source: FORMAT,
    }
}
