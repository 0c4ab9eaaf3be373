//! What becomes of the types of MySQL and MariaDB.
//!
//! Start at [`plan`]: it looks at a column as the server describes it and at nothing else. The table
//! [`TABLE`] is the same in words, from which the documentation is made.

use tundra_core::{ColumnType, MAX_DECIMAL_PRECISION, OnLossy};

use super::protocol::{BINARY, WireColumn, WireType};
use crate::types::{TypeRow, TypeTable};

/// How the cells of a column are read and kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Int8,
    UInt8,
    Int16,
    UInt16,
    Int32,
    UInt32,
    Int64,
    UInt64,
    Float,
    Double,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Date,
    /// Without a zone, or as an instant: the session's zone is UTC, so both arrive alike.
    DateTime,
    Time,
    DateText,
    DateTimeText {
        decimals: u8,
    },
    TimeText {
        decimals: u8,
    },
    Text,
    Bytes,
    /// One bit.
    Bit,
    /// Up to 64 bits, the highest byte first.
    Bits,
}

/// How a cell lies in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// So many bytes.
    Fixed(usize),
    /// A byte of length, then so many.
    Short,
    /// A length of one to nine bytes, then so many.
    LengthEncoded,
}

impl Form {
    pub(super) const fn width(self) -> Width {
        match self {
            Self::Int8 | Self::UInt8 => Width::Fixed(1),
            Self::Int16 | Self::UInt16 => Width::Fixed(2),
            Self::Int32 | Self::UInt32 | Self::Float => Width::Fixed(4),
            Self::Int64 | Self::UInt64 | Self::Double => Width::Fixed(8),
            Self::Date
            | Self::DateTime
            | Self::Time
            | Self::DateText
            | Self::DateTimeText { .. }
            | Self::TimeText { .. } => Width::Short,
            Self::Decimal { .. } | Self::Text | Self::Bytes | Self::Bit | Self::Bits => {
                Width::LengthEncoded
            }
        }
    }
}

/// A column as it will be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) form: Form,
    pub(super) kind: ColumnType,
    pub(super) reason: String,
}

/// Why a column cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column `{column}` has a type with the number {number}, which is not known")]
pub(super) struct UnknownType {
    pub(super) column: String,
    pub(super) number: u8,
}

/// What the values of a column were found to be; nothing where nobody looked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Measured {
    /// There is one that its type does not hold.
    pub(super) has_lossy: bool,
    /// The digits of decimals.
    pub(super) digits: Digits,
}

/// The most digits that decimals have, without zeros at their ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Digits {
    /// Before the point.
    pub(super) whole: u32,
    /// Behind it.
    pub(super) fraction: u32,
}

/// Decides what a column becomes.
///
/// Under [`OnLossy::Text`] a column without a value that its type does not hold keeps its type.
pub(super) fn plan(
    column: &WireColumn,
    on_lossy: OnLossy,
    measured: Measured,
) -> Result<Planned, UnknownType> {
    let as_text = on_lossy == OnLossy::Text && measured.has_lossy;
    let integer = |signed: (Form, ColumnType), unsigned: (Form, ColumnType), name: &str| {
        let (form, kind) = if column.unsigned { unsigned } else { signed };
        let sign = if column.unsigned { " UNSIGNED" } else { "" };
        let reason = if column.zerofill {
            format!("it is {name}{sign} ZEROFILL; the zeros are how it is shown, not its value")
        } else {
            format!("it is {name}{sign}")
        };
        Planned { form, kind, reason }
    };
    Ok(match column.kind {
        WireType::Tiny => integer(
            (Form::Int8, ColumnType::TinyInt),
            (Form::UInt8, ColumnType::UTinyInt),
            "TINYINT",
        ),
        WireType::Short => integer(
            (Form::Int16, ColumnType::SmallInt),
            (Form::UInt16, ColumnType::USmallInt),
            "SMALLINT",
        ),
        WireType::Int24 => integer(
            (Form::Int32, ColumnType::Integer),
            (Form::UInt32, ColumnType::UInteger),
            "MEDIUMINT",
        ),
        WireType::Long => {
            integer((Form::Int32, ColumnType::Integer), (Form::UInt32, ColumnType::UInteger), "INT")
        }
        WireType::LongLong => integer(
            (Form::Int64, ColumnType::BigInt),
            (Form::UInt64, ColumnType::UBigInt),
            "BIGINT",
        ),
        // A year without a century is shown as 0000, and the last one is 2155.
        WireType::Year => planned(Form::UInt16, ColumnType::USmallInt, "it is YEAR"),
        WireType::Float => planned(Form::Float, ColumnType::Float, "it is FLOAT"),
        WireType::Double => planned(Form::Double, ColumnType::Double, "it is DOUBLE"),
        WireType::Decimal => decimal(column, measured.digits),
        WireType::Date if as_text => planned(
            Form::DateText,
            ColumnType::Varchar,
            "it is DATE with dates that no calendar has",
        ),
        WireType::Date => planned(Form::Date, ColumnType::Date, "it is DATE"),
        WireType::DateTime | WireType::Timestamp if as_text => Planned {
            form: Form::DateTimeText { decimals: column.decimals },
            kind: ColumnType::Varchar,
            reason: format!("it is {} with dates that no calendar has", date_time_name(column)),
        },
        WireType::DateTime => {
            planned(Form::DateTime, ColumnType::Timestamp, "it is DATETIME, which has no zone")
        }
        WireType::Timestamp => planned(
            Form::DateTime,
            ColumnType::TimestampTz,
            "it is TIMESTAMP, which is an instant; read in UTC",
        ),
        WireType::Time if as_text => Planned {
            form: Form::TimeText { decimals: column.decimals },
            kind: ColumnType::Varchar,
            reason: "it is TIME with values that no day has".to_owned(),
        },
        WireType::Time => planned(Form::Time, ColumnType::Time, "it is TIME"),
        WireType::Bit if column.length == 1 => {
            planned(Form::Bit, ColumnType::Boolean, "it is BIT(1)")
        }
        WireType::Bit => Planned {
            form: Form::Bits,
            kind: ColumnType::UBigInt,
            reason: format!("it is BIT({}), as the number it stands for", column.length),
        },
        WireType::Json => planned(Form::Text, ColumnType::Json, "it is JSON"),
        WireType::Enum => planned(Form::Text, ColumnType::Varchar, "it is ENUM, as its label"),
        WireType::Set => planned(Form::Text, ColumnType::Varchar, SET_REASON),
        WireType::Geometry => planned(Form::Bytes, ColumnType::Blob, GEOMETRY_REASON),
        WireType::Vector => {
            planned(Form::Bytes, ColumnType::Blob, "it is VECTOR, floats of 32 bits in a row")
        }
        WireType::Null => planned(Form::Text, ColumnType::Varchar, "it is only NULL"),
        WireType::String => string(column),
        WireType::Other(number) => {
            return Err(UnknownType { column: column.name.clone(), number });
        }
    })
}

const SET_REASON: &str = "it is SET, as its labels with commas between";
const GEOMETRY_REASON: &str =
    "it is a geometry, as the server keeps it: 4 bytes of SRID, lowest first, then WKB";

fn planned(form: Form, kind: ColumnType, reason: &str) -> Planned {
    Planned { form, kind, reason: reason.to_owned() }
}

const fn date_time_name(column: &WireColumn) -> &'static str {
    match column.kind {
        WireType::Timestamp => "TIMESTAMP",
        _ => "DATETIME",
    }
}

/// Returns the digits that a decimal can have. Its width counts its point and, where there can be one,
/// its sign.
pub(super) fn precision(column: &WireColumn) -> u32 {
    let point = u32::from(column.decimals > 0);
    let sign = u32::from(!column.unsigned);
    column.length.saturating_sub(point + sign).max(u32::from(column.decimals))
}

fn decimal(column: &WireColumn, digits: Digits) -> Planned {
    let (precision, scale) = (precision(column), column.decimals);
    let name = format!("DECIMAL({precision},{scale})");
    let kept = |precision, scale, reason| Planned {
        form: Form::Decimal { precision, scale },
        kind: ColumnType::Decimal { precision, scale },
        reason,
    };
    const MOST: u32 = MAX_DECIMAL_PRECISION as u32;
    match u8::try_from(precision) {
        Ok(precision @ 1..=MAX_DECIMAL_PRECISION) => {
            return kept(precision, scale, format!("it is {name}"));
        }
        _ if digits.whole.saturating_add(u32::from(scale)) <= MOST => {
            let reason = format!(
                "it is {name}; its values have at most {} digits before the point",
                digits.whole
            );
            return kept(MAX_DECIMAL_PRECISION, scale, reason);
        }
        _ => {}
    }
    match u8::try_from(digits.fraction) {
        Ok(scale) if digits.whole.saturating_add(digits.fraction) <= MOST => {
            let reason = format!(
                "it is {name}; its values have at most {} digits before the point and {} behind it",
                digits.whole, digits.fraction
            );
            kept(MAX_DECIMAL_PRECISION, scale, reason)
        }
        _ => Planned {
            form: Form::Text,
            kind: ColumnType::Varchar,
            reason: format!(
                "it is {name} with values of more digits than the {MAX_DECIMAL_PRECISION} that a \
                 decimal has"
            ),
        },
    }
}

/// Strings of characters and of bytes, and what MariaDB sends as one.
fn string(column: &WireColumn) -> Planned {
    match column.extended.as_deref() {
        Some("uuid") => return planned(Form::Text, ColumnType::Uuid, "it is UUID"),
        Some("json") => return planned(Form::Text, ColumnType::Json, "it is JSON"),
        Some("inet4") => {
            return planned(Form::Text, ColumnType::Varchar, "it is INET4, as its address");
        }
        Some("inet6") => {
            return planned(Form::Text, ColumnType::Varchar, "it is INET6, as its address");
        }
        _ => {}
    }
    if column.is_enum {
        planned(Form::Text, ColumnType::Varchar, "it is ENUM, as its label")
    } else if column.is_set {
        planned(Form::Text, ColumnType::Varchar, SET_REASON)
    } else if column.charset == BINARY {
        planned(Form::Bytes, ColumnType::Blob, "it is a string of bytes")
    } else {
        planned(Form::Text, ColumnType::Varchar, "it is a string of characters")
    }
}

/// The values of dates and times that no type of ours holds.
const BAD_DATES: &str = "0000-00-00, dates without a month or day, and days that no month has";

/// Every type of MySQL 8 and MariaDB 10.11.
pub(crate) const TABLE: TypeTable = TypeTable {
    database: "MySQL and MariaDB",
    notes: "A column with a value that its type does not hold is text under `--on-lossy text`.\n\
            Decimals of more than 38 digits are measured first, as their values may have fewer.\n\
            Character strings are read as UTF-8, whatever the character set of their column.",
    rows: ROWS,
};

const ROWS: &[TypeRow] = &[
    TypeRow::lossless("TINYINT, BOOL", "TINYINT"),
    TypeRow::lossless("TINYINT UNSIGNED", "UTINYINT"),
    TypeRow::lossless("SMALLINT", "SMALLINT"),
    TypeRow::lossless("SMALLINT UNSIGNED", "USMALLINT"),
    TypeRow::lossless("MEDIUMINT, INT", "INTEGER"),
    TypeRow::lossless("MEDIUMINT UNSIGNED, INT UNSIGNED", "UINTEGER"),
    TypeRow::lossless("BIGINT", "BIGINT"),
    TypeRow::lossless("BIGINT UNSIGNED, SERIAL", "UBIGINT"),
    TypeRow::lossless("DECIMAL(p,s), p up to 38", "DECIMAL(p,s)"),
    TypeRow::lossless(
        "DECIMAL(p,s), p from 39 to 65, with values of up to 38 digits",
        "DECIMAL(38,s)",
    ),
    TypeRow::text("DECIMAL(p,s), p from 39 to 65, with values of more"),
    TypeRow::lossless("FLOAT", "FLOAT"),
    TypeRow::lossless("DOUBLE", "DOUBLE"),
    TypeRow::lossless("BIT(1)", "BOOLEAN"),
    TypeRow::lossless("BIT(n), n from 2 to 64", "UBIGINT"),
    TypeRow::lossless("YEAR", "USMALLINT"),
    TypeRow::policy("DATE", "DATE", BAD_DATES),
    TypeRow::policy("DATETIME", "TIMESTAMP", BAD_DATES),
    TypeRow::policy("TIMESTAMP", "TIMESTAMPTZ", BAD_DATES),
    TypeRow::policy("TIME", "TIME", "values below 00:00:00 and from 24:00:00 on"),
    TypeRow::lossless("CHAR, VARCHAR, TINYTEXT, TEXT, MEDIUMTEXT, LONGTEXT", "VARCHAR"),
    TypeRow::lossless("BINARY, VARBINARY, TINYBLOB, BLOB, MEDIUMBLOB, LONGBLOB", "BLOB"),
    TypeRow::lossless("ENUM, SET", "VARCHAR"),
    TypeRow::lossless("JSON", "JSON"),
    TypeRow::lossless("GEOMETRY and its kinds", "BLOB"),
    TypeRow::lossless("VECTOR (MySQL 9)", "BLOB"),
    TypeRow::lossless("UUID (MariaDB)", "UUID"),
    TypeRow::text("INET4, INET6 (MariaDB)"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn column(kind: WireType, length: u32, decimals: u8) -> WireColumn {
        WireColumn {
            name: "c".to_owned(),
            kind,
            charset: 45,
            length,
            decimals,
            unsigned: false,
            not_null: false,
            zerofill: false,
            is_enum: false,
            is_set: false,
            extended: None,
        }
    }

    #[track_caller]
    fn check(column: &WireColumn, expected: &str) {
        let measured = Measured { has_lossy: true, ..Measured::default() };
        let planned = plan(column, OnLossy::Fail, measured).expect("a known type");
        assert_eq!(planned.kind.to_string(), expected);
    }

    #[test]
    fn unsigned_integers_keep_their_range() {
        for (kind, signed, unsigned) in [
            (WireType::Tiny, "TINYINT", "UTINYINT"),
            (WireType::Short, "SMALLINT", "USMALLINT"),
            (WireType::Int24, "INTEGER", "UINTEGER"),
            (WireType::Long, "INTEGER", "UINTEGER"),
            (WireType::LongLong, "BIGINT", "UBIGINT"),
        ] {
            let mut column = column(kind, 11, 0);
            check(&column, signed);
            column.unsigned = true;
            check(&column, unsigned);
        }
    }

    #[test]
    fn decimals_keep_their_digits_or_are_text() {
        check(&column(WireType::Decimal, 17, 2), "DECIMAL(15,2)");
        check(&column(WireType::Decimal, 11, 0), "DECIMAL(10,0)");
        check(&column(WireType::Decimal, 40, 38), "DECIMAL(38,38)");
        let mut unsigned = column(WireType::Decimal, 16, 2);
        unsigned.unsigned = true;
        check(&unsigned, "DECIMAL(15,2)");
    }

    #[test]
    fn wide_decimals_become_what_their_values_need() {
        let column = column(WireType::Decimal, 67, 30);
        for (whole, fraction, expected) in [
            (0, 0, "DECIMAL(38,30)"),
            (8, 30, "DECIMAL(38,30)"),
            (9, 30, "VARCHAR"),
            (9, 29, "DECIMAL(38,29)"),
            (35, 3, "DECIMAL(38,3)"),
            (35, 4, "VARCHAR"),
        ] {
            let measured = Measured { has_lossy: false, digits: Digits { whole, fraction } };
            let planned = plan(&column, OnLossy::Fail, measured).expect("a known type");
            assert_eq!(planned.kind.to_string(), expected, "{whole} {fraction}");
        }
    }

    #[test]
    fn strings_are_told_apart_by_charset_and_by_what_mariadb_says() {
        let mut string = column(WireType::String, 40, 0);
        check(&string, "VARCHAR");
        string.charset = BINARY;
        check(&string, "BLOB");
        string.extended = Some("uuid".to_owned());
        check(&string, "UUID");
        string.extended = Some("inet6".to_owned());
        check(&string, "VARCHAR");
        string.extended = Some("json".to_owned());
        check(&string, "JSON");
    }

    #[test]
    fn columns_turn_to_text_only_where_asked_and_needed() {
        for (kind, typed) in [
            (WireType::Date, "DATE"),
            (WireType::DateTime, "TIMESTAMP"),
            (WireType::Timestamp, "TIMESTAMPTZ"),
            (WireType::Time, "TIME"),
        ] {
            let column = column(kind, 10, 0);
            for (on_lossy, has_lossy, expected) in [
                (OnLossy::Fail, true, typed),
                (OnLossy::Null, true, typed),
                (OnLossy::Text, false, typed),
                (OnLossy::Text, true, "VARCHAR"),
            ] {
                let measured = Measured { has_lossy, ..Measured::default() };
                let planned = plan(&column, on_lossy, measured).expect("a known type");
                assert_eq!(planned.kind.to_string(), expected, "{on_lossy:?} {has_lossy}");
            }
        }
    }

    #[test]
    fn bits_are_a_truth_or_a_number() {
        check(&column(WireType::Bit, 1, 0), "BOOLEAN");
        check(&column(WireType::Bit, 64, 0), "UBIGINT");
    }

    #[test]
    fn refuses_a_type_that_is_not_known() {
        assert!(
            plan(&column(WireType::Other(200), 1, 0), OnLossy::Fail, Measured::default()).is_err()
        );
    }

    #[test]
    fn every_row_names_a_type_that_there_is() {
        for row in ROWS {
            let target = row.target.replace("p,s", "38,2").replace("38,s", "38,2");
            assert!(target.parse::<ColumnType>().is_ok(), "{}", row.source);
        }
    }
}
