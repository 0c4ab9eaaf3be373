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
            Self::Figure(_) => matches!(
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
            ),
        }
    }
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
