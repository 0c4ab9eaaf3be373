//! Which types hold every value of another one.

use super::{ColumnType, MAX_DECIMAL_PRECISION};

impl ColumnType {
    /// Returns whether every value of `other` is one of this type too, by the types alone. `VARCHAR`
    /// holds whatever can be written as one text.
    ///
    /// That it is `false` says nothing of particular values: those of a `DOUBLE` may all fit into
    /// a `DECIMAL(12,2)`.
    pub fn holds(&self, other: &Self) -> bool {
        if self == other {
            return true;
        }
        match (self, other) {
            (Self::Varchar, Self::List(_) | Self::Struct(_) | Self::Blob) => false,
            (Self::Varchar, _) | (Self::Double, Self::Float) | (Self::Timestamp, Self::Date) => {
                true
            }
            (Self::Decimal { precision, scale }, Self::Decimal { .. }) => {
                let Self::Decimal { precision: digits, scale: fraction } = other else {
                    return false;
                };
                scale >= fraction && precision - scale >= digits - fraction
            }
            (Self::List(item), Self::List(other)) => item.holds(other),
            (Self::Struct(fields), Self::Struct(others)) => {
                fields.len() == others.len()
                    && fields
                        .iter()
                        .zip(others)
                        .all(|(field, other)| field.0 == other.0 && field.1.holds(&other.1))
            }
            _ => match (self.whole_numbers(), other.integers()) {
                (Some(room), Some(needed)) => room.holds(needed),
                _ => false,
            },
        }
    }

    /// Returns the integers that are values of an integer type.
    fn integers(&self) -> Option<Integers> {
        let (bits, signed) = match self {
            Self::TinyInt => (7, true),
            Self::SmallInt => (15, true),
            Self::Integer => (31, true),
            Self::BigInt => (63, true),
            Self::UTinyInt => (8, false),
            Self::USmallInt => (16, false),
            Self::UInteger => (32, false),
            Self::UBigInt => (64, false),
            _ => return None,
        };
        Some(Integers { bits, signed })
    }

    /// Returns the integers that are values of any type of numbers.
    fn whole_numbers(&self) -> Option<Integers> {
        match self {
            // All integers up to these powers of two have a value of their own (IEEE 754).
            Self::Float => Some(Integers { bits: 24, signed: true }),
            Self::Double => Some(Integers { bits: 53, signed: true }),
            Self::Decimal { precision, scale } => {
                let digits = u32::from((precision - scale).min(MAX_DECIMAL_PRECISION));
                // The powers of ten that hold the powers of two.
                let bits = 10u128.pow(digits).ilog2();
                Some(Integers { bits, signed: true })
            }
            other => other.integers(),
        }
    }
}

/// A range of integers: the magnitudes below a power of two.
#[derive(Debug, Clone, Copy)]
struct Integers {
    bits: u32,
    signed: bool,
}

impl Integers {
    fn holds(self, other: Self) -> bool {
        self.bits >= other.bits && (self.signed || !other.signed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wider_types_hold_narrower_ones() {
        for (wide, narrow, holds) in [
            ("BIGINT", "INTEGER", true),
            ("INTEGER", "BIGINT", false),
            ("BIGINT", "UINTEGER", true),
            ("BIGINT", "UBIGINT", false),
            ("UBIGINT", "BIGINT", false),
            ("UBIGINT", "UTINYINT", true),
            ("DOUBLE", "INTEGER", true),
            ("DOUBLE", "BIGINT", false),
            ("DOUBLE", "FLOAT", true),
            ("FLOAT", "SMALLINT", true),
            ("FLOAT", "INTEGER", false),
            ("DECIMAL(38,0)", "UBIGINT", true),
            ("DECIMAL(19,0)", "BIGINT", true),
            ("DECIMAL(18,0)", "BIGINT", false),
            ("DECIMAL(3,0)", "TINYINT", true),
            ("DECIMAL(2,0)", "TINYINT", false),
            ("DECIMAL(21,2)", "BIGINT", true),
            ("DECIMAL(12,2)", "DECIMAL(10,1)", true),
            ("DECIMAL(12,2)", "DECIMAL(12,1)", false),
            ("DECIMAL(12,2)", "DOUBLE", false),
            ("VARCHAR", "BIGINT", true),
            ("VARCHAR", "BIGINT[]", false),
            ("BIGINT", "VARCHAR", false),
            ("TIMESTAMP", "DATE", true),
            ("DATE", "TIMESTAMP", false),
            ("TIMESTAMPTZ", "TIMESTAMP", false),
            ("BIGINT[]", "INTEGER[]", true),
            ("STRUCT(a BIGINT)", "STRUCT(a INTEGER)", true),
            ("STRUCT(a BIGINT)", "STRUCT(b INTEGER)", false),
            ("STRUCT(a BIGINT)", "STRUCT(a BIGINT, b BIGINT)", false),
        ] {
            let (wide, narrow): (ColumnType, ColumnType) =
                (wide.parse().unwrap(), narrow.parse().unwrap());
            assert_eq!(wide.holds(&narrow), holds, "{wide} of {narrow}");
        }
    }
}
