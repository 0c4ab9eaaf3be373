//! Columns of a type that somebody asked for.
//!
//! Start at [`ForcedColumn`]. What a value of such a type may look like is decided by
//! [`crate::value::asked`], the same for every text format.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BinaryViewBuilder, BooleanBuilder, Date32Builder, Decimal128Builder,
        Float32Builder, Float64Builder, Int8Builder, Int16Builder, Int32Builder, Int64Builder,
        StringViewBuilder, Time64MicrosecondBuilder, TimestampMicrosecondBuilder,
        TimestampNanosecondBuilder, UInt8Builder, UInt16Builder, UInt32Builder, UInt64Builder,
        builder::ArrayBuilder,
    },
    error::ArrowError,
};
use arrow_schema::DataType;

use crate::{ColumnType, read::json::shape::Forced, value::forced};

/// A column of a type that somebody asked for.
#[derive(Debug)]
pub(super) struct ForcedColumn {
    wanted: Forced,
    builder: Builder,
}

/// A value as it stands in a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written<'a> {
    /// The value as it is written, with its quotes when it is a string.
    pub(super) raw: &'a str,
    /// What a string stands for; for everything else the same as `raw`.
    pub(super) text: &'a str,
}

#[derive(Debug)]
enum Builder {
    Boolean(BooleanBuilder),
    Int8(Int8Builder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    UInt8(UInt8Builder),
    UInt16(UInt16Builder),
    UInt32(UInt32Builder),
    UInt64(UInt64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Decimal { values: Decimal128Builder, precision: u8, scale: u8 },
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    TimestampNs(TimestampNanosecondBuilder),
    Text(StringViewBuilder),
    Uuid(StringViewBuilder),
    Json(StringViewBuilder),
    Blob(BinaryViewBuilder),
}

/// Does the same with the builder of every type.
macro_rules! each_builder {
    ($builder:expr, $values:ident => $body:expr) => {
        match $builder {
            Builder::Boolean($values) => $body,
            Builder::Int8($values) => $body,
            Builder::Int16($values) => $body,
            Builder::Int32($values) => $body,
            Builder::Int64($values) => $body,
            Builder::UInt8($values) => $body,
            Builder::UInt16($values) => $body,
            Builder::UInt32($values) => $body,
            Builder::UInt64($values) => $body,
            Builder::Float32($values) => $body,
            Builder::Float64($values) => $body,
            Builder::Decimal { values: $values, .. } => $body,
            Builder::Date($values) => $body,
            Builder::Time($values) => $body,
            Builder::Timestamp($values) => $body,
            Builder::TimestampNs($values) => $body,
            Builder::Text($values) | Builder::Uuid($values) | Builder::Json($values) => $body,
            Builder::Blob($values) => $body,
        }
    };
}

impl ForcedColumn {
    /// Makes a column for about `rows` rows.
    pub(super) fn new(wanted: &Forced, rows: usize) -> Self {
        let builder = match &wanted.kind {
            ColumnType::Boolean => Builder::Boolean(BooleanBuilder::with_capacity(rows)),
            ColumnType::TinyInt => Builder::Int8(Int8Builder::with_capacity(rows)),
            ColumnType::SmallInt => Builder::Int16(Int16Builder::with_capacity(rows)),
            ColumnType::Integer => Builder::Int32(Int32Builder::with_capacity(rows)),
            ColumnType::BigInt => Builder::Int64(Int64Builder::with_capacity(rows)),
            ColumnType::UTinyInt => Builder::UInt8(UInt8Builder::with_capacity(rows)),
            ColumnType::USmallInt => Builder::UInt16(UInt16Builder::with_capacity(rows)),
            ColumnType::UInteger => Builder::UInt32(UInt32Builder::with_capacity(rows)),
            ColumnType::UBigInt => Builder::UInt64(UInt64Builder::with_capacity(rows)),
            ColumnType::Float => Builder::Float32(Float32Builder::with_capacity(rows)),
            ColumnType::Double => Builder::Float64(Float64Builder::with_capacity(rows)),
            ColumnType::Decimal { precision, scale } => Builder::Decimal {
                values: Decimal128Builder::with_capacity(rows),
                precision: *precision,
                scale: *scale,
            },
            ColumnType::Date => Builder::Date(Date32Builder::with_capacity(rows)),
            ColumnType::Time => Builder::Time(Time64MicrosecondBuilder::with_capacity(rows)),
            ColumnType::Timestamp | ColumnType::TimestampTz => {
                Builder::Timestamp(TimestampMicrosecondBuilder::with_capacity(rows))
            }
            ColumnType::TimestampNs => {
                Builder::TimestampNs(TimestampNanosecondBuilder::with_capacity(rows))
            }
            ColumnType::Varchar => Builder::Text(StringViewBuilder::with_capacity(rows)),
            ColumnType::Uuid => Builder::Uuid(StringViewBuilder::with_capacity(rows)),
            ColumnType::Blob => Builder::Blob(BinaryViewBuilder::with_capacity(rows)),
            // Lists and structs are columns of their own and do not come here.
            ColumnType::Json | ColumnType::List(_) | ColumnType::Struct(_) => {
                Builder::Json(StringViewBuilder::with_capacity(rows))
            }
        };
        Self { wanted: wanted.clone(), builder }
    }

    /// Returns the type.
    pub(super) fn kind(&self) -> &ColumnType {
        &self.wanted.kind
    }

    /// Returns the number of rows.
    pub(super) fn len(&self) -> usize {
        each_builder!(&self.builder, values => values.len())
    }

    /// Appends nulls.
    pub(super) fn push_nulls(&mut self, count: usize) {
        each_builder!(&mut self.builder, values => (0..count).for_each(|_| values.append_null()));
    }

    /// Appends a value when it fits, and says whether it did.
    pub(super) fn push(&mut self, value: Written<'_>) -> bool {
        self.try_push(value).is_some()
    }

    fn try_push(&mut self, value: Written<'_>) -> Option<()> {
        let text = value.text.as_bytes();
        let asked = self.wanted.asked();
        match &mut self.builder {
            Builder::Boolean(values) => values.append_value(asked.boolean(text)?),
            Builder::Int8(values) => values.append_value(asked.integer(text)?),
            Builder::Int16(values) => values.append_value(asked.integer(text)?),
            Builder::Int32(values) => values.append_value(asked.integer(text)?),
            Builder::Int64(values) => values.append_value(asked.integer(text)?),
            Builder::UInt8(values) => values.append_value(asked.integer(text)?),
            Builder::UInt16(values) => values.append_value(asked.integer(text)?),
            Builder::UInt32(values) => values.append_value(asked.integer(text)?),
            Builder::UInt64(values) => values.append_value(asked.integer(text)?),
            Builder::Float32(values) => values.append_value(asked.float(text)?),
            Builder::Float64(values) => values.append_value(asked.double(text)?),
            Builder::Decimal { values, precision, scale } => {
                values.append_value(asked.decimal(text, *precision, *scale)?);
            }
            Builder::Date(values) => values.append_value(asked.date(text)?),
            Builder::Time(values) => values.append_value(asked.time(text)?),
            Builder::Timestamp(values) => values.append_value(match self.wanted.kind {
                ColumnType::TimestampTz => asked.timestamptz(text)?,
                _ => asked.timestamp(text)?,
            }),
            Builder::TimestampNs(values) => values.append_value(asked.timestamp_ns(text)?),
            Builder::Text(values) => values.append_value(value.text),
            Builder::Uuid(values) => {
                let canonical = forced::uuid(text)?;
                values.append_value(std::str::from_utf8(&canonical).ok()?);
            }
            Builder::Json(values) => values.append_value(value.raw),
            Builder::Blob(values) => values.append_value(forced::blob(text)?),
        }
        Some(())
    }

    /// Returns the array, which is of this type.
    pub(super) fn finish(self, kind: &DataType) -> Result<ArrayRef, ArrowError> {
        Ok(match self.builder {
            Builder::Decimal { mut values, precision, scale } => {
                let array = values.finish();
                Arc::new(array.with_precision_and_scale(precision, scale.cast_signed())?)
            }
            Builder::Timestamp(mut values) => {
                Arc::new(values.finish().with_data_type(kind.clone()))
            }
            mut builder => each_builder!(&mut builder, values => Arc::new(values.finish())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{read::json::harness::as_json, value::format::ValueFormat};

    /// Returns what a value becomes, as text; `None` when it does not fit.
    fn push(kind: &str, text: &str) -> Option<String> {
        push_exactly(kind, text, false)
    }

    fn push_exactly(kind: &str, text: &str, exact: bool) -> Option<String> {
        let kind: ColumnType = kind.parse().unwrap();
        let mut column = ForcedColumn::new(&Forced { kind: kind.clone(), format: None, exact }, 1);
        let raw = format!("{text:?}");
        let fits = column.push(Written { raw: &raw, text });
        assert_eq!(column.len(), usize::from(fits));
        column.push_nulls(1);
        let arrow = kind.to_arrow();
        let array = column.finish(&arrow).unwrap();
        assert_eq!(array.data_type(), &arrow);
        assert!(array.is_null(array.len() - 1));
        fits.then(|| match as_json(&array, 0) {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        })
    }

    #[test]
    fn takes_what_the_type_holds() {
        for (kind, text, expected) in [
            ("BOOLEAN", "true", "true"),
            ("TINYINT", "-128", "-128"),
            ("SMALLINT", "32767", "32767"),
            ("INTEGER", "-5", "-5"),
            ("BIGINT", "9223372036854775807", "9223372036854775807"),
            ("UTINYINT", "255", "255"),
            ("USMALLINT", "65535", "65535"),
            ("UINTEGER", "4294967295", "4294967295"),
            ("UBIGINT", "18446744073709551615", "18446744073709551615"),
            ("FLOAT", "0.1", "0.1"),
            ("DOUBLE", "0.10000000000000000001", "0.1"),
            ("DECIMAL(5,2)", "12.5", "12.50"),
            ("DATE", "2020-02-29", "2020-02-29"),
            ("TIME", "10:00:00", "10:00:00"),
            ("TIMESTAMP", "2020-01-01 10:00", "2020-01-01 10:00:00"),
            ("TIMESTAMPTZ", "2020-01-01T10:00:00+02:00", "2020-01-01 08:00:00"),
            ("TIMESTAMP_NS", "2020-01-01T10:00:00.123456789", "2020-01-01T10:00:00.123456789"),
            ("VARCHAR", "a", "a"),
            ("JSON", "a", "\"a\""),
            (
                "UUID",
                "67E55044-10B1-426F-9247-BB680E5FE0C8",
                "67e55044-10b1-426f-9247-bb680e5fe0c8",
            ),
            ("BLOB", "00fF", "00ff"),
        ] {
            assert_eq!(push(kind, text).as_deref(), Some(expected), "{kind} {text}");
        }
    }

    #[test]
    fn refuses_what_it_does_not() {
        for (kind, text) in [
            ("BOOLEAN", "maybe"),
            ("TINYINT", "128"),
            ("INTEGER", "1.5"),
            ("UTINYINT", "-1"),
            ("BIGINT", "9223372036854775808"),
            ("FLOAT", "1e39"),
            ("DOUBLE", "1e400"),
            ("DECIMAL(5,2)", "12.555"),
            ("DATE", "01/02/2020"),
            ("TIMESTAMP_NS", "2300-01-01T00:00:00"),
            ("UUID", "67e55044"),
            ("BLOB", "zz"),
        ] {
            assert_eq!(push(kind, text), None, "{kind} {text}");
        }
    }

    #[test]
    fn a_format_that_was_given_is_the_one_that_is_read() {
        let kind = ColumnType::Date;
        let format = ValueFormat::parse("%m/%d/%Y", &kind);
        let mut column = ForcedColumn::new(&Forced { kind, format, exact: false }, 2);
        for (text, fits) in [("03/04/2020", true), ("13/02/2020", false), ("2020-01-01", false)] {
            assert_eq!(column.push(Written { raw: &format!("\"{text}\""), text }), fits, "{text}");
        }
        let array = column.finish(&DataType::Date32).unwrap();
        assert_eq!(as_json(&array, 0), "2020-03-04");
    }

    #[test]
    fn what_must_be_exact_keeps_every_digit() {
        assert_eq!(push_exactly("INTEGER", "7", true).as_deref(), Some("7"));
        assert_eq!(push_exactly("INTEGER", "007", true), None);
        assert_eq!(push_exactly("DOUBLE", "0.1", true).as_deref(), Some("0.1"));
        assert_eq!(push_exactly("DOUBLE", "9007199254740993", true), None);
    }
}
