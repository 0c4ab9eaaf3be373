//! pandas with PyArrow, as the tests run it.

use super::{DAYS_OF_FOUR_DIGITS, KEEP_AS_TEXT};
use crate::readers::{
    Reader,
    facts::{
        Basis, Facts, Instead, Names, Pattern, RangeFact,
        Severity::{self, Differs, Loses, Refuses},
        Span, TypeFact, When,
    },
};

const READ_PARQUET: &str = "https://pandas.pydata.org/docs/reference/api/pandas.read_parquet.html";

pub(in crate::readers) static PANDAS: Facts = Facts {
    reader: Reader::Pandas,
    title: "pandas",
    meant: "`read_parquet` with PyArrow and no `dtype_backend`; run with pandas 3.1.1 and PyArrow 26.0.1",
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
        fact(
            Pattern::Interval,
            Loses,
            "its twelve bytes arrive as they are",
            "",
            Some(Instead::Text),
        ),
        fact(
            Pattern::TimeNanos,
            Refuses,
            "a time that is no whole microsecond is refused",
            "",
            Some(Instead::Text),
        ),
        fact(
            Pattern::Enum,
            Differs,
            "its values arrive as bytes and not as text",
            "decode them",
            None,
        ),
        fact(Pattern::Map, Differs, "it becomes a list of pairs", "make a `dict` of each", None),
    ],
    ranges: &[
        RangeFact {
            span: Span::ExactWithNulls,
            severity: Loses,
            reason: "where there are nulls integers become doubles, which hold 53 bits",
            way_out: "keep the column exact with `--type COLUMN=DECIMAL(20,0)`, or read it with \
                      `dtype_backend=\"pyarrow\"`",
            basis: Basis::Tested,
            source: "https://pandas.pydata.org/docs/user_guide/integer_na.html",
        },
        RangeFact {
            span: Span::Days(DAYS_OF_FOUR_DIGITS.0, DAYS_OF_FOUR_DIGITS.1),
            severity: Refuses,
            reason: "dates become those of Python, which are of the years 1 to 9999",
            way_out: KEEP_AS_TEXT,
            basis: Basis::Tested,
            source: "https://docs.python.org/3/library/datetime.html#datetime.MINYEAR",
        },
    ],
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
