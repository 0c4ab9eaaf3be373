//! The types that a column of the output can have.
//!
//! Start at [`ColumnType`]. Names are those that users of DuckDB know; parsing is a closed
//! grammar, so that no text of a user ever reaches SQL.

use std::{fmt, str::FromStr};

use arrow_schema::{DataType, Field, Fields, TimeUnit};

/// The type of a column of the output.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColumnType {
    /// `true` and `false`.
    Boolean,
    /// Signed integer of 8 bits.
    TinyInt,
    /// Signed integer of 16 bits.
    SmallInt,
    /// Signed integer of 32 bits.
    Integer,
    /// Signed integer of 64 bits.
    BigInt,
    /// Unsigned integer of 8 bits.
    UTinyInt,
    /// Unsigned integer of 16 bits.
    USmallInt,
    /// Unsigned integer of 32 bits.
    UInteger,
    /// Unsigned integer of 64 bits.
    UBigInt,
    /// Binary floating point of 32 bits.
    Float,
    /// Binary floating point of 64 bits.
    Double,
    /// Exact decimal.
    Decimal {
        /// Digits in all, from 1 to 38.
        precision: u8,
        /// Digits behind the point, at most `precision`.
        scale: u8,
    },
    /// Text.
    Varchar,
    /// Bytes; text input is taken as hexadecimal.
    Blob,
    /// A day.
    Date,
    /// A time of day, to the microsecond.
    Time,
    /// A date and time without a zone, to the microsecond.
    Timestamp,
    /// A date and time without a zone, to the nanosecond.
    TimestampNs,
    /// An instant, to the microsecond.
    TimestampTz,
    /// A UUID, kept as its canonical text.
    Uuid,
    /// A JSON value, kept as its text.
    Json,
    /// A list of values of one type.
    List(Box<Self>),
    /// Named values.
    Struct(Vec<(String, Self)>),
}

/// The largest number of digits of a [`ColumnType::Decimal`].
pub const MAX_DECIMAL_PRECISION: u8 = 38;

/// A text that is no column type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no type `{text}`{reason}; the types are {}, {}", SCALAR_NAMES.join(", "), "DECIMAL(p,s) and T[] for a list")]
pub struct ColumnTypeError {
    text: String,
    reason: &'static str,
}

const SCALAR_NAMES: &[&str] = &[
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "FLOAT",
    "DOUBLE",
    "VARCHAR",
    "BLOB",
    "DATE",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMP_NS",
    "TIMESTAMPTZ",
    "UUID",
    "JSON",
];

impl ColumnType {
    /// Returns the Arrow type in which values of this type are handed to the engine.
    pub fn to_arrow(&self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::TinyInt => DataType::Int8,
            Self::SmallInt => DataType::Int16,
            Self::Integer => DataType::Int32,
            Self::BigInt => DataType::Int64,
            Self::UTinyInt => DataType::UInt8,
            Self::USmallInt => DataType::UInt16,
            Self::UInteger => DataType::UInt32,
            Self::UBigInt => DataType::UInt64,
            Self::Float => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::Decimal { precision, scale } => {
                DataType::Decimal128(*precision, (*scale).cast_signed())
            }
            Self::Varchar | Self::Uuid | Self::Json => DataType::Utf8View,
            Self::Blob => DataType::BinaryView,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::TimestampNs => DataType::Timestamp(TimeUnit::Nanosecond, None),
            Self::TimestampTz => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::List(item) => DataType::List(Field::new_list_field(item.to_arrow(), true).into()),
            Self::Struct(fields) => DataType::Struct(
                fields
                    .iter()
                    .map(|(name, kind)| Field::new(name, kind.to_arrow(), true))
                    .collect::<Fields>(),
            ),
        }
    }

    /// Returns the type that an Arrow type of a file is shown as, or `None` when there is no
    /// lossless one.
    pub fn from_arrow(kind: &DataType) -> Option<Self> {
        Some(match kind {
            DataType::Boolean => Self::Boolean,
            DataType::Int8 => Self::TinyInt,
            DataType::Int16 => Self::SmallInt,
            DataType::Int32 => Self::Integer,
            DataType::Int64 => Self::BigInt,
            DataType::UInt8 => Self::UTinyInt,
            DataType::UInt16 => Self::USmallInt,
            DataType::UInt32 => Self::UInteger,
            DataType::UInt64 => Self::UBigInt,
            DataType::Float32 => Self::Float,
            DataType::Float64 => Self::Double,
            DataType::Decimal32(precision, scale)
            | DataType::Decimal64(precision, scale)
            | DataType::Decimal128(precision, scale)
                if *scale >= 0 =>
            {
                Self::Decimal { precision: *precision, scale: scale.unsigned_abs() }
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Varchar,
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Blob,
            DataType::Date32 => Self::Date,
            DataType::Time32(_) | DataType::Time64(TimeUnit::Microsecond) => Self::Time,
            DataType::Timestamp(TimeUnit::Nanosecond, None) => Self::TimestampNs,
            DataType::Timestamp(TimeUnit::Nanosecond, Some(_)) => return None,
            DataType::Timestamp(_, None) => Self::Timestamp,
            DataType::Timestamp(_, Some(_)) => Self::TimestampTz,
            DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) => {
                Self::List(Box::new(Self::from_arrow(item.data_type())?))
            }
            DataType::Struct(fields) => Self::Struct(
                fields
                    .iter()
                    .map(|field| Some((field.name().clone(), Self::from_arrow(field.data_type())?)))
                    .collect::<Option<_>>()?,
            ),
            _ => return None,
        })
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Boolean => "BOOLEAN",
            Self::TinyInt => "TINYINT",
            Self::SmallInt => "SMALLINT",
            Self::Integer => "INTEGER",
            Self::BigInt => "BIGINT",
            Self::UTinyInt => "UTINYINT",
            Self::USmallInt => "USMALLINT",
            Self::UInteger => "UINTEGER",
            Self::UBigInt => "UBIGINT",
            Self::Float => "FLOAT",
            Self::Double => "DOUBLE",
            Self::Varchar => "VARCHAR",
            Self::Blob => "BLOB",
            Self::Date => "DATE",
            Self::Time => "TIME",
            Self::Timestamp => "TIMESTAMP",
            Self::TimestampNs => "TIMESTAMP_NS",
            Self::TimestampTz => "TIMESTAMPTZ",
            Self::Uuid => "UUID",
            Self::Json => "JSON",
            Self::Decimal { precision, scale } => return write!(f, "DECIMAL({precision},{scale})"),
            Self::List(item) => return write!(f, "{item}[]"),
            Self::Struct(fields) => {
                f.write_str("STRUCT(")?;
                for (index, (name, kind)) in fields.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(f, "{comma}\"{}\" {kind}", name.replace('"', "\"\""))?;
                }
                return f.write_str(")");
            }
        };
        f.write_str(name)
    }
}

impl FromStr for ColumnType {
    type Err = ColumnTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |reason| ColumnTypeError { text: text.to_owned(), reason };
        let upper = text.trim().to_ascii_uppercase();
        if let Some(item) = upper.strip_suffix("[]") {
            let item: Self = item.parse().map_err(|_| error(""))?;
            return Ok(Self::List(Box::new(item)));
        }
        Ok(match upper.as_str() {
            "BOOLEAN" | "BOOL" | "LOGICAL" => Self::Boolean,
            "TINYINT" | "INT1" => Self::TinyInt,
            "SMALLINT" | "INT2" | "SHORT" => Self::SmallInt,
            "INTEGER" | "INT" | "INT4" | "SIGNED" => Self::Integer,
            "BIGINT" | "INT8" | "LONG" => Self::BigInt,
            "UTINYINT" => Self::UTinyInt,
            "USMALLINT" => Self::USmallInt,
            "UINTEGER" => Self::UInteger,
            "UBIGINT" => Self::UBigInt,
            "FLOAT" | "FLOAT4" | "REAL" => Self::Float,
            "DOUBLE" | "FLOAT8" | "DOUBLE PRECISION" => Self::Double,
            "VARCHAR" | "TEXT" | "STRING" | "CHAR" | "BPCHAR" => Self::Varchar,
            "BLOB" | "BYTEA" | "BINARY" | "VARBINARY" => Self::Blob,
            "DATE" => Self::Date,
            "TIME" => Self::Time,
            "TIMESTAMP" | "DATETIME" | "TIMESTAMP_US" => Self::Timestamp,
            "TIMESTAMP_NS" => Self::TimestampNs,
            "TIMESTAMPTZ" | "TIMESTAMP WITH TIME ZONE" => Self::TimestampTz,
            "UUID" => Self::Uuid,
            "JSON" => Self::Json,
            "DECIMAL" | "NUMERIC" => Self::Decimal { precision: 18, scale: 3 },
            _ => {
                let arguments = upper
                    .strip_prefix("DECIMAL")
                    .or_else(|| upper.strip_prefix("NUMERIC"))
                    .map(str::trim)
                    .and_then(|rest| rest.strip_prefix('(')?.strip_suffix(')'))
                    .ok_or_else(|| error(""))?;
                let (precision, scale) = arguments.split_once(',').unwrap_or((arguments, "0"));
                let (Ok(precision), Ok(scale)) =
                    (precision.trim().parse::<u8>(), scale.trim().parse::<u8>())
                else {
                    return Err(error(""));
                };
                if !(1..=MAX_DECIMAL_PRECISION).contains(&precision) {
                    return Err(error(" (a decimal has 1 to 38 digits)"));
                }
                if scale > precision {
                    return Err(error(" (the scale is larger than the precision)"));
                }
                Self::Decimal { precision, scale }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_parses_back() {
        for name in
            SCALAR_NAMES.iter().copied().chain(["DECIMAL(38,0)", "DECIMAL(12,2)", "BIGINT[]"])
        {
            assert_eq!(name.parse::<ColumnType>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn refuses_what_is_no_type() {
        for text in [
            "",
            "FOO",
            "DECIMAL(39,0)",
            "DECIMAL(0,0)",
            "DECIMAL(3,4)",
            "DECIMAL(3",
            "INT; DROP",
            "VARCHAR)",
            "[]",
            "DECIMAL(1,2,3)",
            "DECIMAL(-1,2)",
        ] {
            assert!(text.parse::<ColumnType>().is_err(), "{text}");
        }
    }

    #[test]
    fn arrow_and_back_is_the_same_type() {
        for name in ["BOOLEAN", "UBIGINT", "DECIMAL(38,10)", "DATE", "TIMESTAMPTZ", "DOUBLE[]"] {
            let kind: ColumnType = name.parse().unwrap();
            assert_eq!(ColumnType::from_arrow(&kind.to_arrow()), Some(kind));
        }
    }
}
