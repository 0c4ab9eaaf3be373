//! The form in which facts about readers are kept.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::readers::{Kind, Reader, Unit};

/// How bad it is what a reader makes of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Every value arrives, as another type than a person may expect or after a setting.
    Differs,
    /// Values arrive as others.
    Loses,
    /// The file, the column or a value is not read at all.
    Refuses,
}

impl Severity {
    /// Returns the word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Differs => "differs",
            Self::Loses => "loses",
            Self::Refuses => "refuses",
        }
    }

    /// Returns whether a file is not fit for the reader with it.
    pub const fn is_bad(self) -> bool {
        matches!(self, Self::Refuses | Self::Loses)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a fact is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// A test of ours runs the reader.
    Tested,
    /// The reader was run when the fact was written down.
    Run,
    /// The documentation of the reader says so, and nobody tried it here.
    Documented,
}

impl Basis {
    /// Returns the word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tested => "tested",
            Self::Run => "run",
            Self::Documented => "documented",
        }
    }
}

/// Everything that is known of a reader.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) reader: Reader,
    /// Its name as its makers write it.
    pub(crate) title: &'static str,
    /// Which of its versions, and which way of reading, is meant.
    pub(crate) meant: &'static str,
    /// The codecs that it reads, as Parquet calls them in lower case. `lz4` is that of Hadoop, which Parquet
    /// has given up, and `lz4_raw` the one that is written today.
    pub(crate) codecs: &'static [&'static str],
    pub(crate) codecs_basis: Basis,
    pub(crate) codecs_source: &'static str,
    pub(crate) names: Names,
    /// How many columns a table may have.
    pub(crate) max_columns: Option<usize>,
    /// Types that it does not take as they are. The others it does.
    pub(crate) types: &'static [TypeFact],
    /// Values that it does not take as they are, of types that it takes.
    pub(crate) ranges: &'static [RangeFact],
}

/// Which letters are minded, and what is made of them.
pub(crate) type Minded = (fn(char) -> bool, &'static str);

/// What names of columns a reader takes.
#[derive(Debug)]
pub(crate) struct Names {
    /// The empty name is one.
    pub(crate) may_be_empty: bool,
    /// Bytes that a name may have, or characters, which are as many where there is only ASCII.
    pub(crate) longest: Option<usize>,
    /// Only letters of ASCII, digits and underscores, and no digit at the beginning.
    pub(crate) words_only: bool,
    /// The same, but of fields within a column, and digits may begin.
    pub(crate) fields_words_only: bool,
    /// What a name must not begin with, in whatever case.
    pub(crate) reserved: &'static [&'static str],
    /// Names that differ in case only are the same.
    pub(crate) fold_case: bool,
    /// Letters that are minded by some versions or in some places, and what is made of them.
    pub(crate) minded: Option<Minded>,
    pub(crate) basis: Basis,
    pub(crate) source: &'static str,
}

/// A type that a reader does not take as it is.
#[derive(Debug)]
pub(crate) struct TypeFact {
    pub(crate) pattern: Pattern,
    pub(crate) severity: Severity,
    /// When it is so.
    pub(crate) when: When,
    /// What the reader makes of it, as a sentence fragment.
    pub(crate) reason: &'static str,
    /// What can be done about it, where no other type is written instead.
    pub(crate) way_out: &'static str,
    /// What is written instead for this reader, without losing anything.
    pub(crate) instead: Option<Instead>,
    pub(crate) basis: Basis,
    pub(crate) source: &'static str,
}

/// When a fact about a type holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Whatever the values are.
    Always,
    /// When a value is larger than signed integers of 64 bits are.
    AboveSigned,
}

/// Which types a fact is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// Unsigned integers of so many bits.
    Unsigned(u8),
    Float16,
    /// Decimals of more digits.
    DecimalOver(u32),
    /// Decimals of more digits before the point or behind it.
    DecimalBeyond {
        whole: u32,
        scale: u32,
    },
    Enum,
    Json,
    Bson,
    /// Bytes without a meaning.
    Bytes,
    Uuid,
    Interval,
    Time,
    TimeNanos,
    TimestampNanos,
    /// Finer than milliseconds.
    TimestampFine,
    /// Without a zone.
    TimestampLocal,
    /// In UTC.
    TimestampUtc,
    Map,
    List,
    Geometry,
    Variant,
}

impl Pattern {
    /// Returns whether a type is one of those.
    pub(crate) fn is(self, kind: &Kind) -> bool {
        match self {
            Self::Unsigned(bits) => *kind == Kind::Int { bits, signed: false },
            Self::Float16 => *kind == Kind::Float16,
            Self::DecimalOver(most) => {
                matches!(kind, Kind::Decimal { precision, .. } if *precision > most)
            }
            Self::DecimalBeyond { whole, scale: most } => match kind {
                Kind::Decimal { precision, scale } => {
                    *scale > most || precision.saturating_sub(*scale) > whole
                }
                _ => false,
            },
            Self::Enum => *kind == Kind::Enum,
            Self::Json => *kind == Kind::Json,
            Self::Bson => *kind == Kind::Bson,
            Self::Bytes => *kind == Kind::Bytes,
            Self::Uuid => *kind == Kind::Uuid,
            Self::Interval => *kind == Kind::Interval,
            Self::Time => matches!(kind, Kind::Time { .. }),
            Self::TimeNanos => *kind == Kind::Time { unit: Unit::Nanos },
            Self::TimestampNanos => matches!(kind, Kind::Timestamp { unit: Unit::Nanos, .. }),
            Self::TimestampFine => {
                matches!(kind, Kind::Timestamp { unit: Unit::Micros | Unit::Nanos, .. })
            }
            Self::TimestampLocal => matches!(kind, Kind::Timestamp { utc: false, .. }),
            Self::TimestampUtc => matches!(kind, Kind::Timestamp { utc: true, .. }),
            Self::Map => matches!(kind, Kind::Map(..)),
            Self::List => matches!(kind, Kind::List(_)),
            Self::Geometry => *kind == Kind::Geometry,
            Self::Variant => *kind == Kind::Variant,
        }
    }

    /// Returns how it is called in the documentation.
    pub(crate) fn title(self) -> String {
        match self {
            Self::Unsigned(bits) => format!("UINT_{bits}"),
            Self::Float16 => "FLOAT16".to_owned(),
            Self::DecimalOver(most) => format!("DECIMAL of more than {most} digits"),
            Self::DecimalBeyond { whole, scale } => {
                format!("DECIMAL of more than {whole} digits before the point or {scale} behind it")
            }
            Self::Enum => "ENUM".to_owned(),
            Self::Json => "JSON".to_owned(),
            Self::Bson => "BSON".to_owned(),
            Self::Bytes => "BYTE_ARRAY".to_owned(),
            Self::Uuid => "UUID".to_owned(),
            Self::Interval => "INTERVAL".to_owned(),
            Self::Time => "TIME".to_owned(),
            Self::TimeNanos => "TIME in nanoseconds".to_owned(),
            Self::TimestampNanos => "TIMESTAMP in nanoseconds".to_owned(),
            Self::TimestampFine => "TIMESTAMP finer than milliseconds".to_owned(),
            Self::TimestampLocal => "TIMESTAMP without a zone".to_owned(),
            Self::TimestampUtc => "TIMESTAMP in UTC".to_owned(),
            Self::Map => "MAP".to_owned(),
            Self::List => "LIST".to_owned(),
            Self::Geometry => "GEOMETRY and GEOGRAPHY".to_owned(),
            Self::Variant => "VARIANT".to_owned(),
        }
    }
}

/// What is written instead of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instead {
    /// Text, as DuckDB prints the value: dates and times as ISO 8601, UUIDs in their canonical form.
    Text,
    /// The next larger signed integer, or a decimal of 20 digits.
    Signed,
    /// The same in microseconds; a run with a value that is finer fails.
    Micros,
    /// Without a zone and in milliseconds; a run with a value that is finer fails.
    Millis,
}

impl Instead {
    /// Returns what is written instead of the type.
    pub(crate) fn of(self, kind: &Kind) -> Kind {
        match (self, kind) {
            (Self::Text, _) => Kind::Text,
            (Self::Signed, Kind::Int { bits, .. }) if *bits < 64 => {
                Kind::Int { bits: bits * 2, signed: true }
            }
            (Self::Signed, _) => Kind::Decimal { precision: 20, scale: 0 },
            (Self::Micros, Kind::Timestamp { utc, .. }) => {
                Kind::Timestamp { unit: Unit::Micros, utc: *utc }
            }
            (Self::Millis, Kind::Timestamp { .. }) => {
                Kind::Timestamp { unit: Unit::Millis, utc: false }
            }
            (Self::Micros | Self::Millis, other) => other.clone(),
        }
    }

    /// Returns how it is called in the documentation.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Signed => "the next larger signed integer, or `DECIMAL(20,0)`",
            Self::Micros => "`TIMESTAMP` in microseconds, if no value is finer",
            Self::Millis => "`TIMESTAMP` in milliseconds, if no value is finer",
        }
    }
}

/// Values that a reader does not take as they are.
#[derive(Debug)]
pub(crate) struct RangeFact {
    pub(crate) span: Span,
    pub(crate) severity: Severity,
    /// What the reader makes of values beyond, as a sentence fragment.
    pub(crate) reason: &'static str,
    pub(crate) way_out: &'static str,
    pub(crate) basis: Basis,
    pub(crate) source: &'static str,
}

/// Which values a reader takes as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Span {
    /// Days since 1970, both included.
    Days(i64, i64),
    /// Microseconds since 1970, both included.
    Micros(i64, i64),
    /// Integers as far as doubles hold them, where nulls are among them.
    ExactWithNulls,
}

impl Span {
    /// Returns how values beyond it are called in the documentation.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Days(..) => "dates beyond the range",
            Self::Micros(..) => "timestamps beyond the range",
            Self::ExactWithNulls => "integers of more than 53 bits beside nulls",
        }
    }
}
