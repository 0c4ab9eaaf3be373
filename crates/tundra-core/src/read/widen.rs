//! The type that holds the values of two types without loss, for columns that have one already.
//!
//! Start at [`widened`]. It knows types only, and no values: where a value decides whether nothing is lost,
//! there is no such type.

use crate::{
    column_type::MAX_DECIMAL_PRECISION,
    readers::{Kind, Unit},
};

/// The integers that a double holds, all of them, are those of up to this many bits.
const BITS_OF_DOUBLE: u8 = 32;

/// Returns the smallest type that holds every value of both, if there is one. What has no value takes the
/// other type.
pub(crate) fn widened(one: &Kind, other: &Kind) -> Option<Kind> {
    if one == other {
        return Some(one.clone());
    }
    match (one, other) {
        (Kind::Null, kind) | (kind, Kind::Null) => Some(kind.clone()),
        (Kind::List(one), Kind::List(other)) => Some(Kind::List(Box::new(widened(one, other)?))),
        (Kind::Map(key, value), Kind::Map(other_key, other_value)) => Some(Kind::Map(
            Box::new(widened(key, other_key)?),
            Box::new(widened(value, other_value)?),
        )),
        (Kind::Struct(one), Kind::Struct(other)) if one.len() == other.len() => {
            let pairs = one.iter().zip(other);
            let fields = pairs.map(|((name, kind), (other_name, other))| {
                (name == other_name).then_some(())?;
                Some((name.clone(), widened(kind, other)?))
            });
            fields.collect::<Option<_>>().map(Kind::Struct)
        }
        _ => leaf(one, other).or_else(|| leaf(other, one)),
    }
}

/// Returns the same for two types that differ and hold no others, in this order.
fn leaf(one: &Kind, other: &Kind) -> Option<Kind> {
    match (one, other) {
        (Kind::Int { bits, signed }, Kind::Int { bits: other_bits, signed: other_signed }) => {
            Some(integer((*bits, *signed), (*other_bits, *other_signed)))
        }
        (Kind::Int { bits, signed }, Kind::Decimal { precision, scale }) => {
            decimal((digits(*bits, *signed), 0), (*precision, *scale))
        }
        (
            Kind::Decimal { precision, scale },
            Kind::Decimal { precision: other_precision, scale: other_scale },
        ) => decimal((*precision, *scale), (*other_precision, *other_scale)),
        (Kind::Int { bits, .. }, Kind::Float | Kind::Double) => {
            (*bits <= BITS_OF_DOUBLE).then_some(Kind::Double)
        }
        (Kind::Float, Kind::Double) => Some(Kind::Double),
        (Kind::Date, Kind::Timestamp { utc: false, .. }) => Some(other.clone()),
        (Kind::Timestamp { unit, utc }, Kind::Timestamp { unit: other, utc: other_utc })
            if utc == other_utc =>
        {
            Some(Kind::Timestamp { unit: finer(*unit, *other), utc: *utc })
        }
        (Kind::Time { unit }, Kind::Time { unit: other }) => {
            Some(Kind::Time { unit: finer(*unit, *other) })
        }
        // They are text of which more is known.
        (Kind::Enum | Kind::Json, Kind::Text | Kind::Enum | Kind::Json) => Some(Kind::Text),
        (Kind::Bson, Kind::Bytes) => Some(Kind::Bytes),
        _ => None,
    }
}

fn integer(one: (u8, bool), other: (u8, bool)) -> Kind {
    let ((signed_bits, _), (unsigned_bits, _)) = match (one.1, other.1) {
        (true, false) => (one, other),
        (false, true) => (other, one),
        (signed, _) => return Kind::Int { bits: one.0.max(other.0), signed },
    };
    if signed_bits > unsigned_bits {
        return Kind::Int { bits: signed_bits, signed: true };
    }
    match unsigned_bits {
        8 | 16 | 32 => Kind::Int { bits: unsigned_bits * 2, signed: true },
        // Parquet has no larger integers.
        _ => Kind::Decimal { precision: digits(64, false), scale: 0 },
    }
}

/// Returns the digits of the largest integer of a type.
const fn digits(bits: u8, signed: bool) -> u32 {
    match (bits, signed) {
        (8, _) => 3,
        (16, _) => 5,
        (32, _) => 10,
        (_, true) => 19,
        (_, false) => 20,
    }
}

fn decimal(one: (u32, u32), other: (u32, u32)) -> Option<Kind> {
    let scale = one.1.max(other.1);
    // What makes no sense is more than anybody holds.
    let whole = one.0.checked_sub(one.1)?.max(other.0.checked_sub(other.1)?);
    let precision = whole.checked_add(scale)?;
    (precision <= u32::from(MAX_DECIMAL_PRECISION)).then_some(Kind::Decimal { precision, scale })
}

fn finer(one: Unit, other: Unit) -> Unit {
    match (one, other) {
        (Unit::Nanos, _) | (_, Unit::Nanos) => Unit::Nanos,
        (Unit::Micros, _) | (_, Unit::Micros) => Unit::Micros,
        _ => Unit::Millis,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Kind {
        match text {
            "NULL" => Kind::Null,
            "TIME_NS" => Kind::Time { unit: Unit::Nanos },
            "TIMESTAMPTZ_NS" => Kind::Timestamp { unit: Unit::Nanos, utc: true },
            "MAP(VARCHAR, INTEGER)" => {
                Kind::Map(Box::new(kind("VARCHAR")), Box::new(kind("INTEGER")))
            }
            "MAP(VARCHAR, BIGINT)" => {
                Kind::Map(Box::new(kind("VARCHAR")), Box::new(kind("BIGINT")))
            }
            text => Kind::of_engine(&text.parse().unwrap()),
        }
    }

    /// Checks what two types become, whichever is the first.
    #[track_caller]
    fn check(one: &str, other: &str, expected: Option<&str>) {
        for (one, other) in [(one, other), (other, one)] {
            let found = widened(&kind(one), &kind(other)).map(|found| found.sql().unwrap());
            let expected = expected.map(|it| kind(it).sql().unwrap());
            assert_eq!(found, expected, "{one} with {other}");
        }
    }

    #[test]
    fn two_types_become_the_smallest_that_holds_both() {
        for (one, other, expected) in [
            ("TINYINT", "SMALLINT", "SMALLINT"),
            ("INTEGER", "BIGINT", "BIGINT"),
            ("UTINYINT", "UBIGINT", "UBIGINT"),
            ("UTINYINT", "TINYINT", "SMALLINT"),
            ("UTINYINT", "INTEGER", "INTEGER"),
            ("USMALLINT", "SMALLINT", "INTEGER"),
            ("UINTEGER", "TINYINT", "BIGINT"),
            ("UINTEGER", "BIGINT", "BIGINT"),
            ("UBIGINT", "TINYINT", "DECIMAL(20,0)"),
            ("UBIGINT", "BIGINT", "DECIMAL(20,0)"),
            ("INTEGER", "DECIMAL(4,2)", "DECIMAL(12,2)"),
            ("TINYINT", "DECIMAL(9,2)", "DECIMAL(9,2)"),
            ("BIGINT", "DECIMAL(38,10)", "DECIMAL(38,10)"),
            ("UBIGINT", "DECIMAL(18,18)", "DECIMAL(38,18)"),
            ("DECIMAL(10,2)", "DECIMAL(6,4)", "DECIMAL(12,4)"),
            ("DECIMAL(38,0)", "DECIMAL(4,0)", "DECIMAL(38,0)"),
            ("TINYINT", "FLOAT", "DOUBLE"),
            ("INTEGER", "FLOAT", "DOUBLE"),
            ("UINTEGER", "DOUBLE", "DOUBLE"),
            ("FLOAT", "DOUBLE", "DOUBLE"),
            ("DATE", "TIMESTAMP", "TIMESTAMP"),
            ("DATE", "TIMESTAMP_NS", "TIMESTAMP_NS"),
            ("TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_NS"),
            ("TIMESTAMPTZ", "TIMESTAMPTZ_NS", "TIMESTAMPTZ_NS"),
            ("TIME", "TIME_NS", "TIME_NS"),
            ("JSON", "VARCHAR", "VARCHAR"),
            ("NULL", "UUID", "UUID"),
            ("NULL", "STRUCT(a DATE)", "STRUCT(a DATE)"),
            ("INTEGER[]", "BIGINT[]", "BIGINT[]"),
            ("MAP(VARCHAR, INTEGER)", "MAP(VARCHAR, BIGINT)", "MAP(VARCHAR, BIGINT)"),
            ("STRUCT(a INTEGER, b DATE)", "STRUCT(a DOUBLE, b DATE)", "STRUCT(a DOUBLE, b DATE)"),
            ("UUID", "UUID", "UUID"),
        ] {
            check(one, other, Some(expected));
        }
    }

    #[test]
    fn what_would_lose_something_becomes_nothing() {
        for (one, other) in [
            ("BIGINT", "DOUBLE"),
            ("UBIGINT", "FLOAT"),
            ("DECIMAL(10,2)", "DOUBLE"),
            ("DECIMAL(38,0)", "DECIMAL(2,1)"),
            ("BIGINT", "DECIMAL(38,20)"),
            ("VARCHAR", "INTEGER"),
            ("VARCHAR", "UUID"),
            ("VARCHAR", "BLOB"),
            ("BOOLEAN", "TINYINT"),
            ("DATE", "TIMESTAMPTZ"),
            ("TIMESTAMP", "TIMESTAMPTZ"),
            ("TIME", "TIMESTAMP"),
            ("STRUCT(a INTEGER)", "STRUCT(b INTEGER)"),
            ("STRUCT(a INTEGER)", "STRUCT(a INTEGER, b INTEGER)"),
            ("STRUCT(a INTEGER)", "STRUCT(a VARCHAR)"),
            ("INTEGER[]", "INTEGER"),
            ("INTEGER[]", "VARCHAR[]"),
        ] {
            check(one, other, None);
        }
    }

    #[test]
    fn what_has_no_width_that_makes_sense_is_no_reason_to_panic() {
        let odd = Kind::Decimal { precision: 3, scale: u32::MAX };
        assert_eq!(widened(&odd, &kind("INTEGER")), None);
        let wide = Kind::Decimal { precision: u32::MAX, scale: 0 };
        assert_eq!(widened(&wide, &kind("DECIMAL(3,2)")), None);
        let other = Kind::Int { bits: 24, signed: true };
        assert_eq!(widened(&other, &kind("UTINYINT")), Some(other));
    }
}
