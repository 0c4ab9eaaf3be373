//! Snowflake, by its documentation and by what others report who loaded into it.

use crate::readers::{
    Reader,
    facts::{
        Basis, Facts, Instead, Names, Pattern,
        Severity::{self, Differs, Loses, Refuses},
        TypeFact, When,
    },
};

const FORMATS: &str = "https://docs.snowflake.com/en/sql-reference/sql/create-file-format";
const TYPES: &str = "https://docs.snowflake.com/en/sql-reference/intro-summary-data-types";
const REPORTED: &str =
    "https://docs.rs/crate/rivet-cli/0.16.5/source/docs/recipes/snowflake-load.md";

pub(in crate::readers) static SNOWFLAKE: Facts = Facts {
    reader: Reader::Snowflake,
    title: "Snowflake",
    meant: "`COPY INTO` a table, with the file format as it is at first; by its documentation, never run \
            here",
    codecs: &["uncompressed", "snappy", "gzip", "zstd", "brotli", "lz4", "lz4_raw", "lzo"],
    codecs_basis: Basis::Documented,
    codecs_source: FORMATS,
    names: Names {
        may_be_empty: false,
        longest: Some(255),
        words_only: false,
        fields_words_only: false,
        reserved: &[],
        fold_case: false,
        minded: None,
        basis: Basis::Documented,
        source: "https://docs.snowflake.com/en/sql-reference/identifiers-syntax",
    },
    max_columns: None,
    types: &[
        TypeFact {
            pattern: Pattern::Unsigned(64),
            severity: Refuses,
            when: When::AboveSigned,
            reason: "values above 9223372036854775807 are reported to be refused",
            way_out: "",
            instead: Some(Instead::Signed),
            basis: Basis::Documented,
            source: REPORTED,
        },
        fact(
            Pattern::Uuid,
            Loses,
            "its bytes arrive and not its text, and are taken for text while `BINARY_AS_TEXT` is on",
            "",
            Some(Instead::Text),
            FORMATS,
        ),
        fact(
            Pattern::Bytes,
            Differs,
            "bytes are taken for text in UTF-8 while `BINARY_AS_TEXT` is on, as it is at first",
            "say `BINARY_AS_TEXT = FALSE` in the file format",
            None,
            FORMATS,
        ),
        fact(
            Pattern::Time,
            Differs,
            "it is a time only while `USE_LOGICAL_TYPE` is on, and a number otherwise",
            "say `USE_LOGICAL_TYPE = TRUE` in the file format",
            None,
            FORMATS,
        ),
        fact(
            Pattern::TimestampNanos,
            Differs,
            "it is a timestamp only while `USE_LOGICAL_TYPE` is on, and a number otherwise",
            "say `USE_LOGICAL_TYPE = TRUE` in the file format",
            None,
            FORMATS,
        ),
        fact(
            Pattern::Json,
            Differs,
            "it arrives as text",
            "load it with `PARSE_JSON($1:column)`",
            None,
            REPORTED,
        ),
        fact(
            Pattern::Interval,
            Refuses,
            "it has no type for what tables could hold of it",
            "",
            Some(Instead::Text),
            TYPES,
        ),
        fact(
            Pattern::DecimalOver(38),
            Refuses,
            "its numbers end at 38 digits",
            "write the column with fewer digits, or as text, where the file is made",
            None,
            TYPES,
        ),
    ],
    ranges: &[],
};

const fn fact(
    pattern: Pattern,
    severity: Severity,
    reason: &'static str,
    way_out: &'static str,
    instead: Option<Instead>,
    source: &'static str,
) -> TypeFact {
    TypeFact {
        pattern,
        severity,
        when: When::Always,
        reason,
        way_out,
        instead,
        basis: Basis::Documented,
        source,
    }
}
