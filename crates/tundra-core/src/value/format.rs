//! How the values of a column are written, when that is not the usual way.

use std::fmt;

use crate::{
    ColumnType,
    value::{figure::FigureFormat, moment::MomentFormat, words::Pair},
};

/// A format that all values of a column have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueFormat {
    /// Dates and timestamps.
    Moment(MomentFormat),
    /// Numbers.
    Figure(FigureFormat),
    /// Words for yes and no.
    Words(Pair),
}

impl ValueFormat {
    /// Reads a format as it is printed, for values of the type.
    pub(crate) fn parse(text: &str, kind: &ColumnType) -> Option<Self> {
        let format = match kind {
            ColumnType::Boolean => Self::Words(Pair::parse(text)?),
            ColumnType::Date | ColumnType::Timestamp | ColumnType::TimestampTz => {
                Self::Moment(text.parse().ok()?)
            }
            _ => Self::Figure(text.parse().ok()?),
        };
        format.is_for(kind).then_some(format)
    }

    /// Returns whether values of the type can be written in other ways than the usual one.
    pub(crate) fn are_for(kind: &ColumnType) -> bool {
        is_number(kind)
            || matches!(
                kind,
                ColumnType::Boolean
                    | ColumnType::Date
                    | ColumnType::Timestamp
                    | ColumnType::TimestampNs
                    | ColumnType::TimestampTz
            )
    }

    /// Says which formats there are for values of the type, as a hint.
    pub(crate) fn possible(kind: &ColumnType) -> &'static str {
        match kind {
            ColumnType::Boolean => "formats of BOOLEAN are yes/no, y/n, t/f and on/off",
            ColumnType::Date => {
                "formats of DATE have %Y (with all four digits), %m, %-m, %b or %B, and %d or %-d, \
                 with the same one of / - . between them, as in %d/%m/%Y, or as in %d%b%Y, \
                 %-d %B %Y and %b %-d, %Y"
            }
            ColumnType::Timestamp | ColumnType::TimestampTz => {
                "formats of timestamps are those of dates with a time behind them, such as \
                 %d/%m/%Y %H:%M, %Y/%m/%dT%H:%M:%S.%f, %m/%d/%Y %-I:%M %p and \
                 %d.%m.%Y %H:%M:%S %:z"
            }
            kind if is_number(kind) => {
                "formats of numbers are such as #,##0, #.##0,00, 0,##, $#,##0.00 and # ##0,00 €; \
                 groups have three digits, and there are no percentages"
            }
            _ => "this type has no formats",
        }
    }

    /// Returns whether values in the format can be of the type.
    pub(crate) fn is_for(&self, kind: &ColumnType) -> bool {
        match self {
            Self::Words(_) => *kind == ColumnType::Boolean,
            Self::Moment(format) => match kind {
                ColumnType::Date => format.column_type() == ColumnType::Date,
                ColumnType::Timestamp => format.column_type() != ColumnType::TimestampTz,
                ColumnType::TimestampTz => true,
                _ => false,
            },
            Self::Figure(_) => is_number(kind),
        }
    }
}

fn is_number(kind: &ColumnType) -> bool {
    matches!(
        kind,
        ColumnType::TinyInt
            | ColumnType::SmallInt
            | ColumnType::Integer
            | ColumnType::BigInt
            | ColumnType::UTinyInt
            | ColumnType::USmallInt
            | ColumnType::UInteger
            | ColumnType::UBigInt
            | ColumnType::Float
            | ColumnType::Double
            | ColumnType::Decimal { .. }
    )
}

impl fmt::Display for ValueFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moment(format) => format.fmt(f),
            Self::Figure(format) => format.fmt(f),
            Self::Words(pair) => pair.fmt(f),
        }
    }
}
