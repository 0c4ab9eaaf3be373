//! Polars, as the tests run it.

use crate::readers::{
    Reader,
    facts::{
        Basis, Facts, Instead, Names, Pattern,
        Severity::{self, Differs, Refuses},
        TypeFact, When,
    },
};

const READ_PARQUET: &str =
    "https://docs.pola.rs/api/python/stable/reference/api/polars.read_parquet.html";

pub(in crate::readers) static POLARS: Facts = Facts {
    reader: Reader::Polars,
    title: "Polars",
    meant: "`read_parquet` and `scan_parquet` of its own engine; run with 2.1.0",
    codecs: &["uncompressed", "snappy", "gzip", "zstd", "brotli", "lz4", "lz4_raw"],
    codecs_basis: Basis::Tested,
    codecs_source: READ_PARQUET,
    names: Names {
        may_be_empty: true,
        longest: None,
        words_only: false,
        fields_words_only: false,
        reserved: &[],
        fold_case: false,
        minded: None,
        basis: Basis::Tested,
        source: READ_PARQUET,
    },
    max_columns: None,
    types: &[
        fact(Pattern::Json, Differs, "it arrives as bytes", "", Some(Instead::Text)),
        fact(Pattern::Uuid, Differs, "its sixteen bytes arrive", "", Some(Instead::Text)),
        fact(
            Pattern::Interval,
            Refuses,
            "it ends the program unless `POLARS_IMPORT_INTERVAL_AS_STRUCT` is set",
            "",
            Some(Instead::Text),
        ),
        fact(
            Pattern::DecimalOver(38),
            Refuses,
            "its decimals end at 38 digits",
            "write the column with fewer digits, or as text, where the file is made",
            None,
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
) -> TypeFact {
    TypeFact {
        pattern,
        severity,
        when: When::Always,
        reason,
        way_out,
        instead,
        basis: Basis::Tested,
        source: READ_PARQUET,
    }
}
