//! Amazon Athena, by its documentation alone.

use crate::readers::{
    Reader,
    facts::{
        Basis, Facts, Instead, Names, Pattern,
        Severity::{self, Differs, Loses, Refuses},
        TypeFact, When,
    },
};

const TYPES: &str = "https://docs.aws.amazon.com/athena/latest/ug/data-types.html";
const NAMES: &str =
    "https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html";

pub(in crate::readers) static ATHENA: Facts = Facts {
    reader: Reader::Athena,
    title: "Athena",
    meant: "engine version 3 and an external table of the Glue catalog, not Iceberg; by its documentation, \
            never run here",
    codecs: &["uncompressed", "snappy", "gzip", "zstd", "lz4", "lz4_raw", "lzo"],
    codecs_basis: Basis::Documented,
    codecs_source: "https://docs.aws.amazon.com/athena/latest/ug/compression-support-hive.html",
    names: Names {
        may_be_empty: false,
        longest: Some(255),
        words_only: false,
        fields_words_only: true,
        reserved: &[],
        fold_case: true,
        minded: Some((char::is_uppercase, "Athena makes names lower case")),
        basis: Basis::Documented,
        source: NAMES,
    },
    max_columns: None,
    types: &[
        fact(
            Pattern::Unsigned(8),
            Differs,
            "there are no unsigned types",
            "declare the column as `smallint`",
            None,
        ),
        fact(
            Pattern::Unsigned(16),
            Differs,
            "there are no unsigned types",
            "declare the column as `int`",
            None,
        ),
        fact(
            Pattern::Unsigned(32),
            Loses,
            "there are no unsigned types, and as `int` values above 2147483647 are negative",
            "",
            Some(Instead::Signed),
        ),
        TypeFact {
            pattern: Pattern::Unsigned(64),
            severity: Loses,
            when: When::AboveSigned,
            reason: "there are no unsigned types, and as `bigint` values above 9223372036854775807 are \
                     negative",
            way_out: "",
            instead: Some(Instead::Signed),
            basis: Basis::Documented,
            source: TYPES,
        },
        fact(
            Pattern::Time,
            Refuses,
            "a table cannot be declared with a time",
            "",
            Some(Instead::Text),
        ),
        fact(
            Pattern::Uuid,
            Refuses,
            "a table cannot be declared with a UUID",
            "",
            Some(Instead::Text),
        ),
        fact(
            Pattern::Interval,
            Refuses,
            "a table cannot be declared with an interval",
            "",
            Some(Instead::Text),
        ),
        fact(
            Pattern::TimestampFine,
            Loses,
            "a timestamp of a table ends at milliseconds",
            "",
            Some(Instead::Millis),
        ),
        fact(
            Pattern::TimestampUtc,
            Differs,
            "it becomes a timestamp without a zone, as a clock in UTC shows it",
            "know that it is UTC",
            None,
        ),
        fact(
            Pattern::Float16,
            Refuses,
            "a table cannot be declared with it",
            "write it anew with `tundra convert`, which makes `FLOAT` of it",
            None,
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
        basis: Basis::Documented,
        source: TYPES,
    }
}
