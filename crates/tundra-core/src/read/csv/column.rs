//! One column of a chunk: from the places of its fields to an Arrow array.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, BinaryViewBuilder, BooleanArray, PrimitiveArray, StringViewArray, make_view,
    },
    buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer},
    datatypes::{
        ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type,
        Int16Type, Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
        TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
    error::ArrowError,
};
use arrow_buffer::NullBufferBuilder;

use crate::{
    ColumnType,
    read::csv::{
        Dialect,
        tokenize::{Span, unescape},
    },
    value::{decimal, double, forced, integer, parse_boolean, temporal},
};

/// How the values of a column become its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Only values that print back the same.
    Lossless,
    /// Values that a person would accept, because the user asked for the type.
    Forced,
}

/// The fields of some records, row by row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    /// The chunk.
    pub(crate) bytes: &'a [u8],
    /// The fields.
    pub(crate) spans: &'a [Span],
    /// Fields of a record.
    pub(crate) width: usize,
    /// How the chunk is written.
    pub(crate) dialect: &'a Dialect,
}

/// What collects the values of a column.
pub(crate) struct ColumnBuilder {
    values: Values,
    nulls: NullBufferBuilder,
    null_count: u64,
}

enum Values {
    Boolean(Vec<bool>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>, Reading),
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>, Reading),
    Float(Vec<f32>),
    Double(Vec<f64>, Reading),
    Decimal(Vec<i128>, u8, u8, Reading),
    Date(Vec<i32>, Reading),
    Time(Vec<i64>, Reading),
    Timestamp(Vec<i64>, Reading),
    TimestampNs(Vec<i64>),
    TimestampTz(Vec<i64>, Reading),
    /// Views into the chunk (buffer 0) and into what was unescaped or made (buffer 1).
    Text(Vec<u128>, Vec<u8>, TextKind),
    Blob(BinaryViewBuilder),
    BooleanStrict(Vec<bool>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextKind {
    Any,
    Uuid,
    Json,
}

impl ColumnBuilder {
    /// Makes room for `rows` values of the type; `None` when delimited text has no such values.
    pub(crate) fn new(kind: &ColumnType, reading: Reading, rows: usize) -> Option<Self> {
        let values = match kind {
            ColumnType::Boolean if reading == Reading::Lossless => {
                Values::BooleanStrict(Vec::with_capacity(rows))
            }
            ColumnType::Boolean => Values::Boolean(Vec::with_capacity(rows)),
            ColumnType::TinyInt => Values::I8(Vec::with_capacity(rows)),
            ColumnType::SmallInt => Values::I16(Vec::with_capacity(rows)),
            ColumnType::Integer => Values::I32(Vec::with_capacity(rows)),
            ColumnType::BigInt => Values::I64(Vec::with_capacity(rows), reading),
            ColumnType::UTinyInt => Values::U8(Vec::with_capacity(rows)),
            ColumnType::USmallInt => Values::U16(Vec::with_capacity(rows)),
            ColumnType::UInteger => Values::U32(Vec::with_capacity(rows)),
            ColumnType::UBigInt => Values::U64(Vec::with_capacity(rows), reading),
            ColumnType::Float => Values::Float(Vec::with_capacity(rows)),
            ColumnType::Double => Values::Double(Vec::with_capacity(rows), reading),
            ColumnType::Decimal { precision, scale } => {
                Values::Decimal(Vec::with_capacity(rows), *precision, *scale, reading)
            }
            ColumnType::Date => Values::Date(Vec::with_capacity(rows), reading),
            ColumnType::Time => Values::Time(Vec::with_capacity(rows), reading),
            ColumnType::Timestamp => Values::Timestamp(Vec::with_capacity(rows), reading),
            ColumnType::TimestampNs => Values::TimestampNs(Vec::with_capacity(rows)),
            ColumnType::TimestampTz => Values::TimestampTz(Vec::with_capacity(rows), reading),
            ColumnType::Varchar => {
                Values::Text(Vec::with_capacity(rows), Vec::new(), TextKind::Any)
            }
            ColumnType::Uuid => Values::Text(Vec::with_capacity(rows), Vec::new(), TextKind::Uuid),
            ColumnType::Json => Values::Text(Vec::with_capacity(rows), Vec::new(), TextKind::Json),
            ColumnType::Blob => Values::Blob(BinaryViewBuilder::with_capacity(rows)),
            ColumnType::List(_) | ColumnType::Struct(_) => return None,
        };
        Some(Self { values, nulls: NullBufferBuilder::new(rows), null_count: 0 })
    }

    /// Returns how many nulls were appended.
    pub(crate) fn null_count(&self) -> u64 {
        self.null_count
    }

    /// Appends field `column` of every row. `unfit` is called with the row of a value that is none
    /// of the type: when it returns an error that is returned, otherwise the value becomes null.
    pub(crate) fn append<E>(
        &mut self,
        rows: Rows<'_>,
        column: usize,
        mut unfit: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut sink = Sink {
            nulls: &mut self.nulls,
            null_count: &mut self.null_count,
            rows,
            column,
            unfit: &mut unfit,
        };
        match &mut self.values {
            Values::Boolean(values) => sink.fill(values, forced::boolean),
            Values::BooleanStrict(values) => sink.fill(values, parse_boolean),
            Values::I8(values) => sink.fill(values, forced::integer),
            Values::I16(values) => sink.fill(values, forced::integer),
            Values::I32(values) => sink.fill(values, forced::integer),
            Values::I64(values, Reading::Lossless) => sink.fill(values, integer::parse_i64),
            Values::I64(values, Reading::Forced) => sink.fill(values, forced::integer),
            Values::U8(values) => sink.fill(values, forced::integer),
            Values::U16(values) => sink.fill(values, forced::integer),
            Values::U32(values) => sink.fill(values, forced::integer),
            Values::U64(values, Reading::Lossless) => sink.fill(values, integer::parse_u64),
            Values::U64(values, Reading::Forced) => sink.fill(values, forced::integer),
            Values::Float(values) => sink.fill(values, forced::float),
            Values::Double(values, Reading::Lossless) => sink.fill(values, lossless_double),
            Values::Double(values, Reading::Forced) => sink.fill(values, forced::double),
            Values::Decimal(values, precision, scale, reading) => {
                let (precision, scale) = (*precision, *scale);
                match reading {
                    Reading::Lossless => {
                        sink.fill(values, |text| decimal::parse(text)?.rescale(precision, scale))
                    }
                    Reading::Forced => {
                        sink.fill(values, |text| forced::decimal(text, precision, scale))
                    }
                }
            }
            Values::Date(values, Reading::Lossless) => sink.fill(values, temporal::parse_date),
            Values::Date(values, Reading::Forced) => sink.fill(values, forced::date),
            Values::Time(values, Reading::Lossless) => sink.fill(values, temporal::parse_time),
            Values::Time(values, Reading::Forced) => sink.fill(values, forced::time),
            Values::Timestamp(values, Reading::Lossless) => {
                sink.fill(values, temporal::parse_timestamp)
            }
            Values::Timestamp(values, Reading::Forced) => sink.fill(values, forced::timestamp),
            Values::TimestampNs(values) => sink.fill(values, forced::timestamp_ns),
            Values::TimestampTz(values, Reading::Lossless) => {
                sink.fill(values, temporal::parse_timestamptz)
            }
            Values::TimestampTz(values, Reading::Forced) => sink.fill(values, forced::timestamptz),
            Values::Text(views, made, kind) => sink.fill_text(views, made, *kind),
            Values::Blob(builder) => sink.fill_blob(builder),
        }
    }

    /// Returns the array. `chunk` is the buffer that the fields were in.
    pub(crate) fn finish(mut self, chunk: &Buffer) -> Result<ArrayRef, ArrowError> {
        let nulls = self.nulls.finish();
        Ok(match self.values {
            Values::Boolean(values) | Values::BooleanStrict(values) => {
                Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls))
            }
            Values::I8(values) => primitive::<Int8Type>(values, nulls),
            Values::I16(values) => primitive::<Int16Type>(values, nulls),
            Values::I32(values) => primitive::<Int32Type>(values, nulls),
            Values::I64(values, _) => primitive::<Int64Type>(values, nulls),
            Values::U8(values) => primitive::<UInt8Type>(values, nulls),
            Values::U16(values) => primitive::<UInt16Type>(values, nulls),
            Values::U32(values) => primitive::<UInt32Type>(values, nulls),
            Values::U64(values, _) => primitive::<UInt64Type>(values, nulls),
            Values::Float(values) => primitive::<Float32Type>(values, nulls),
            Values::Double(values, _) => primitive::<Float64Type>(values, nulls),
            Values::Decimal(values, precision, scale, _) => Arc::new(
                PrimitiveArray::<Decimal128Type>::new(values.into(), nulls)
                    .with_precision_and_scale(precision, scale.cast_signed())?,
            ),
            Values::Date(values, _) => primitive::<Date32Type>(values, nulls),
            Values::Time(values, _) => primitive::<Time64MicrosecondType>(values, nulls),
            Values::Timestamp(values, _) => primitive::<TimestampMicrosecondType>(values, nulls),
            Values::TimestampNs(values) => primitive::<TimestampNanosecondType>(values, nulls),
            Values::TimestampTz(values, _) => Arc::new(
                PrimitiveArray::<TimestampMicrosecondType>::new(values.into(), nulls)
                    .with_timezone("UTC"),
            ),
            Values::Text(views, made, _) => Arc::new(StringViewArray::try_new(
                ScalarBuffer::from(views),
                vec![chunk.clone(), Buffer::from_vec(made)],
                nulls,
            )?),
            Values::Blob(mut builder) => Arc::new(builder.finish()),
        })
    }
}

/// Returns whether the text is a value of the type, for a type that was forced.
pub(crate) fn fits(text: &[u8], kind: &ColumnType) -> bool {
    match kind {
        ColumnType::Boolean => forced::boolean(text).is_some(),
        ColumnType::TinyInt => forced::integer::<i8>(text).is_some(),
        ColumnType::SmallInt => forced::integer::<i16>(text).is_some(),
        ColumnType::Integer => forced::integer::<i32>(text).is_some(),
        ColumnType::BigInt => forced::integer::<i64>(text).is_some(),
        ColumnType::UTinyInt => forced::integer::<u8>(text).is_some(),
        ColumnType::USmallInt => forced::integer::<u16>(text).is_some(),
        ColumnType::UInteger => forced::integer::<u32>(text).is_some(),
        ColumnType::UBigInt => forced::integer::<u64>(text).is_some(),
        ColumnType::Float => forced::float(text).is_some(),
        ColumnType::Double => forced::double(text).is_some(),
        ColumnType::Decimal { precision, scale } => {
            forced::decimal(text, *precision, *scale).is_some()
        }
        ColumnType::Date => forced::date(text).is_some(),
        ColumnType::Time => forced::time(text).is_some(),
        ColumnType::Timestamp => forced::timestamp(text).is_some(),
        ColumnType::TimestampNs => forced::timestamp_ns(text).is_some(),
        ColumnType::TimestampTz => forced::timestamptz(text).is_some(),
        ColumnType::Uuid => forced::uuid(text).is_some(),
        ColumnType::Json => forced::is_json(text),
        ColumnType::Blob => forced::blob(text).is_some(),
        ColumnType::Varchar => true,
        ColumnType::List(_) | ColumnType::Struct(_) => false,
    }
}

fn primitive<T: ArrowPrimitiveType>(values: Vec<T::Native>, nulls: Option<NullBuffer>) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(values.into(), nulls))
}

#[inline]
fn lossless_double(text: &[u8]) -> Option<f64> {
    double::parse_exact(text).or_else(|| double::parse_special(text))
}

/// Where the values of one column go.
struct Sink<'a, 'b, F> {
    nulls: &'a mut NullBufferBuilder,
    null_count: &'a mut u64,
    rows: Rows<'b>,
    column: usize,
    unfit: &'a mut F,
}

impl<F, E> Sink<'_, '_, F>
where
    F: FnMut(usize) -> Result<(), E>,
{
    fn null(&mut self) {
        self.nulls.append_null();
        *self.null_count += 1;
    }

    #[inline]
    fn fill<T: Default>(
        &mut self,
        values: &mut Vec<T>,
        parse: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<(), E> {
        let Rows { bytes, spans, width, .. } = self.rows;
        for (row, span) in spans.iter().skip(self.column).step_by(width).enumerate() {
            let text = span.of(bytes);
            match parse(text) {
                Some(value) => {
                    values.push(value);
                    self.nulls.append_non_null();
                }
                None => {
                    // An empty field of a column that is no text is a null, quoted or not.
                    if !text.is_empty() {
                        (self.unfit)(row)?;
                    }
                    values.push(T::default());
                    self.null();
                }
            }
        }
        Ok(())
    }

    fn fill_text(
        &mut self,
        views: &mut Vec<u128>,
        made: &mut Vec<u8>,
        kind: TextKind,
    ) -> Result<(), E> {
        let Rows { bytes, spans, width, dialect } = self.rows;
        for (row, span) in spans.iter().skip(self.column).step_by(width).enumerate() {
            let text = span.of(bytes);
            if text.is_empty() && (!span.is_quoted() || kind != TextKind::Any) {
                views.push(0);
                self.null();
                continue;
            }
            if kind == TextKind::Any && !span.is_escaped() {
                views.push(make_view(text, 0, span.start()));
                self.nulls.append_non_null();
                continue;
            }
            let from = made.len();
            if span.is_escaped() {
                unescape(text, dialect, made);
            } else {
                made.extend_from_slice(text);
            }
            let fits = match kind {
                TextKind::Any => true,
                TextKind::Json => forced::is_json(&made[from..]),
                TextKind::Uuid => match forced::uuid(&made[from..]) {
                    Some(canonical) => {
                        made.truncate(from);
                        made.extend_from_slice(&canonical);
                        true
                    }
                    None => false,
                },
            };
            if fits {
                // What a chunk holds in escapes is no longer than the chunk.
                views.push(make_view(&made[from..], 1, from as u32));
                self.nulls.append_non_null();
            } else {
                made.truncate(from);
                (self.unfit)(row)?;
                views.push(0);
                self.null();
            }
        }
        Ok(())
    }

    fn fill_blob(&mut self, builder: &mut BinaryViewBuilder) -> Result<(), E> {
        let Rows { bytes, spans, width, .. } = self.rows;
        for (row, span) in spans.iter().skip(self.column).step_by(width).enumerate() {
            let text = span.of(bytes);
            match forced::blob(text) {
                Some(value) if !text.is_empty() => {
                    builder.append_value(&value);
                    self.nulls.append_non_null();
                }
                _ => {
                    if !text.is_empty() {
                        (self.unfit)(row)?;
                    }
                    builder.append_null();
                    self.null();
                }
            }
        }
        Ok(())
    }
}
