//! Apache Spark. Everything was run with Spark 4.3.0 unless it says otherwise.

use super::{FIRST_GREGORIAN_DAY, MICROS_OF_1900};
use crate::readers::{
    Reader,
    facts::{
        Basis, Facts, Instead, Names, Pattern, RangeFact,
        Severity::{Differs, Refuses},
        Span, TypeFact, When,
    },
};

const CONVERTER: &str = "https://github.com/apache/spark/blob/master/sql/core/src/main/scala/org/apache/spark/sql/execution/datasources/parquet/ParquetSchemaConverter.scala";
const REBASE: &str = "https://issues.apache.org/jira/browse/SPARK-46440";

pub(in crate::readers) static SPARK: Facts = Facts {
    reader: Reader::Spark,
    title: "Spark",
    meant: "Spark 3.5 and later with its own reader of Parquet, as it is set up at first; run with 4.3.0",
    codecs: &["uncompressed", "snappy", "gzip", "zstd", "lz4", "lz4_raw"],
    codecs_basis: Basis::Run,
    codecs_source: "https://spark.apache.org/docs/latest/sql-data-sources-parquet.html",
    names: Names {
        may_be_empty: true,
        longest: None,
        words_only: false,
        fields_words_only: false,
        reserved: &[],
        fold_case: true,
        minded: Some((
            |letter| " ,;{}()\n\t=".contains(letter),
            "Spark before 3.3 refuses names with blanks, tabs, line breaks and any of `,;{}()=`",
        )),
        basis: Basis::Run,
        source: "https://issues.apache.org/jira/browse/SPARK-27442",
    },
    max_columns: None,
    types: &[
        refused(Pattern::Time, "it is refused as an unsupported or illegal type", Instead::Text),
        refused(
            Pattern::TimestampNanos,
            "it is refused as an illegal type unless `spark.sql.legacy.parquet.nanosAsLong` makes a \
             number of it",
            Instead::Micros,
        ),
        refused(Pattern::Uuid, "it is refused as an illegal type", Instead::Text),
        refused(
            Pattern::Interval,
            "it is refused as a type that is not supported yet",
            Instead::Text,
        ),
        TypeFact {
            pattern: Pattern::Float16,
            severity: Refuses,
            when: When::Always,
            reason: "it is refused as an illegal type",
            way_out: "write it anew with `tundra convert`, which makes `FLOAT` of it",
            instead: None,
            basis: Basis::Run,
            source: CONVERTER,
        },
        TypeFact {
            pattern: Pattern::DecimalOver(38),
            severity: Refuses,
            when: When::Always,
            reason: "its decimals end at 38 digits",
            way_out: "write the column with fewer digits, or as text, where the file is made",
            instead: None,
            basis: Basis::Run,
            source: CONVERTER,
        },
        TypeFact {
            pattern: Pattern::Geometry,
            severity: Refuses,
            when: When::Always,
            reason: "its own list of types ends without it",
            way_out: "write plain WKB where the file is made, as GeoParquet 1.1 does",
            instead: None,
            basis: Basis::Documented,
            source: CONVERTER,
        },
    ],
    ranges: &[
        RangeFact {
            span: Span::Days(FIRST_GREGORIAN_DAY, i64::MAX),
            severity: Differs,
            reason: "Spark before 4.0 refuses dates before 1582-10-15 of files that it did not write, \
                     unless `spark.sql.parquet.datetimeRebaseModeInRead` is `CORRECTED`",
            way_out: "set it to `CORRECTED`",
            basis: Basis::Documented,
            source: REBASE,
        },
        RangeFact {
            span: Span::Micros(MICROS_OF_1900, i64::MAX),
            severity: Differs,
            reason: "Spark before 4.0 refuses timestamps before 1900 of files that it did not write, \
                     unless `spark.sql.parquet.datetimeRebaseModeInRead` is `CORRECTED`",
            way_out: "set it to `CORRECTED`",
            basis: Basis::Documented,
            source: REBASE,
        },
    ],
};

const fn refused(pattern: Pattern, reason: &'static str, instead: Instead) -> TypeFact {
    TypeFact {
        pattern,
        severity: Refuses,
        when: When::Always,
        reason,
        way_out: "",
        instead: Some(instead),
        basis: Basis::Run,
        source: CONVERTER,
    }
}
