//! One column of a chunk: from cells to an Arrow array.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, BooleanArray, PrimitiveArray, StringViewArray, make_view},
    buffer::{BooleanBuffer, Buffer, ScalarBuffer},
    datatypes::{
        Date32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
    },
    error::ArrowError,
};
use arrow_buffer::NullBufferBuilder;

use super::{
    cell::{Cell, Meaning, Value},
    decode::SheetColumn,
    strings::Strings,
};
use crate::{
    ColumnType,
    read::csv::{
        Dialect,
        column::{ColumnBuilder, Rows},
        decode::CsvColumn,
        tokenize::Span,
    },
    value::temporal::MICROS_PER_DAY,
};

/// What becomes of a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Put {
    Null,
    Value(Value),
}

/// What collects the values of a column.
pub(super) struct Column {
    values: Values,
    nulls: NullBufferBuilder,
    null_count: u64,
}

enum Values {
    I64(Vec<i64>),
    Double(Vec<f64>),
    Boolean(Vec<bool>),
    Date(Vec<i32>),
    Time(Vec<i64>),
    Timestamp(Vec<i64>),
    /// Views into the strings of the workbook (buffer 0) and into what was made (buffer 1).
    Text(Vec<u128>, String),
    /// Text that becomes another type in the end, as that of delimited text would.
    Asked(Box<CsvColumn>, String, Vec<Span>),
}

impl SheetColumn {
    /// Returns whether its values are moments, so that a day needs its midnight.
    pub(super) fn is_moment(&self) -> bool {
        matches!(self.column.column_type, ColumnType::Timestamp | ColumnType::TimestampNs)
    }
}

impl Column {
    /// Makes room for `rows` values; `None` when a sheet has no values of the type.
    pub(super) fn new(column: &SheetColumn, rows: usize) -> Option<Self> {
        let values = match (&column.accepts, &column.column.column_type) {
            (Some(_), ColumnType::BigInt) => Values::I64(Vec::with_capacity(rows)),
            (Some(_), ColumnType::Double) => Values::Double(Vec::with_capacity(rows)),
            (Some(_), ColumnType::Boolean) => Values::Boolean(Vec::with_capacity(rows)),
            (Some(_), ColumnType::Date) => Values::Date(Vec::with_capacity(rows)),
            (Some(_), ColumnType::Time) => Values::Time(Vec::with_capacity(rows)),
            (Some(_), ColumnType::Timestamp) => Values::Timestamp(Vec::with_capacity(rows)),
            (Some(_), ColumnType::Varchar) => Values::Text(Vec::with_capacity(rows), String::new()),
            _ => {
                ColumnBuilder::new(&column.column, 0)?;
                Values::Asked(Box::new(column.column.clone()), String::new(), Vec::new())
            }
        };
        Some(Self { values, nulls: NullBufferBuilder::new(rows), null_count: 0 })
    }

    /// Returns how many nulls were appended.
    pub(super) fn null_count(&self) -> u64 {
        self.null_count
    }

    /// Appends a cell that was found to fit.
    #[inline]
    pub(super) fn append(&mut self, put: Put, cell: Cell<'_>, meaning: Meaning<'_>) {
        let Put::Value(value) = put else { return self.append_null() };
        match (&mut self.values, value) {
            (Values::I64(values), Value::Integer(value)) => values.push(value),
            // Exact: wider integers were found not to fit.
            (Values::Double(values), Value::Integer(value)) => values.push(value as f64),
            (Values::Double(values), Value::Number(value)) => values.push(value),
            (Values::Double(values), Value::Clock(micros)) => match cell {
                Cell::Serial(days, _) => values.push(days),
                _ => values.push(micros as f64 / MICROS_PER_DAY as f64),
            },
            (Values::Boolean(values), Value::Boolean(value)) => values.push(value),
            (Values::Date(values), Value::Moment(micros)) => {
                // Days of the years up to 9999.
                values.push(micros.div_euclid(MICROS_PER_DAY) as i32);
            }
            (Values::Timestamp(values), Value::Moment(micros)) => values.push(micros),
            (Values::Time(values), Value::Clock(micros)) => values.push(micros),
            (Values::Text(views, made), _) => match cell {
                Cell::Shared(number) => {
                    views.push(meaning.strings.view(number).unwrap_or_default());
                }
                cell => {
                    let from = made.len();
                    meaning.write(cell, false, made);
                    views.push(make_view(&made.as_bytes()[from..], 1, from as u32));
                }
            },
            (Values::Asked(column, made, spans), _) => {
                let from = made.len();
                let whole =
                    matches!(column.column_type, ColumnType::Timestamp | ColumnType::TimestampNs);
                meaning.write(cell, whole, made);
                spans.push(Span::quoted(from, made.len(), false));
            }
            // What does not fit was found before; were it not, the nulls would not add up.
            _ => return self.append_null(),
        }
        self.nulls.append_non_null();
    }

    fn append_null(&mut self) {
        match &mut self.values {
            Values::I64(values) | Values::Time(values) | Values::Timestamp(values) => {
                values.push(0)
            }
            Values::Double(values) => values.push(0.0),
            Values::Boolean(values) => values.push(false),
            Values::Date(values) => values.push(0),
            Values::Text(views, _) => views.push(0),
            Values::Asked(_, _, spans) => spans.push(Span::MISSING),
        }
        self.nulls.append_null();
        self.null_count += 1;
    }

    /// Returns the array. `strings` are those that the cells pointed to.
    pub(super) fn finish(mut self, strings: &Strings) -> Result<ArrayRef, ArrowError> {
        let nulls = self.nulls.finish();
        Ok(match self.values {
            Values::I64(values) => Arc::new(PrimitiveArray::<Int64Type>::new(values.into(), nulls)),
            Values::Double(values) => {
                Arc::new(PrimitiveArray::<Float64Type>::new(values.into(), nulls))
            }
            Values::Boolean(values) => {
                Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls))
            }
            Values::Date(values) => {
                Arc::new(PrimitiveArray::<Date32Type>::new(values.into(), nulls))
            }
            Values::Time(values) => {
                Arc::new(PrimitiveArray::<Time64MicrosecondType>::new(values.into(), nulls))
            }
            Values::Timestamp(values) => {
                Arc::new(PrimitiveArray::<TimestampMicrosecondType>::new(values.into(), nulls))
            }
            Values::Text(views, made) => Arc::new(StringViewArray::try_new(
                ScalarBuffer::from(views),
                vec![strings.buffer(), Buffer::from_vec(made.into_bytes())],
                nulls,
            )?),
            Values::Asked(column, made, spans) => {
                let unfit =
                    |_| Err(ArrowError::ComputeError("a value that fitted does not".to_owned()));
                let Some(mut builder) = ColumnBuilder::new(&column, spans.len()) else {
                    return Err(ArrowError::ComputeError("a sheet has no such type".to_owned()));
                };
                let bytes = Buffer::from_vec(made.into_bytes());
                let dialect = Dialect::default();
                let rows =
                    Rows { bytes: bytes.as_slice(), spans: &spans, width: 1, dialect: &dialect };
                builder.append(rows, 0, unfit)?;
                builder.finish(&bytes)?
            }
        })
    }
}
