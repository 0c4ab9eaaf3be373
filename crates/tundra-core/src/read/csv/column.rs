//! One column of a chunk: from the places of its fields to an Arrow array.

mod sink;

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, BinaryViewBuilder, BooleanArray, PrimitiveArray, StringViewArray},
    buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer},
    datatypes::{
        ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type,
        Int16Type, Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
        TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
    error::ArrowError,
};
use arrow_buffer::NullBufferBuilder;

use self::sink::Sink;
use crate::{
    ColumnType,
    read::{
        csv::{
            Dialect,
            decode::CsvColumn,
            tokenize::{Span, unescape},
        },
        lattice::Evidence,
    },
    value::{
        asked::{Asked, Manner},
        format::ValueFormat,
    },
};

/// How the values of a column become its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Only values that print back the same, because the type was found by looking at values. Any
    /// other contradicts it.
    Lossless,
    /// Values that a person would accept, because the user asked for the type.
    Forced,
    /// Those of them that are read alike whatever the others of the column are, because only a sample
    /// of those was seen. Any other contradicts what was planned.
    Provisional,
    /// Those of them that keep every digit, because a schema asks for the type.
    Exact,
}

impl Reading {
    /// Returns whether somebody asked for the type, so that a value that does not fit is a bad one.
    pub(crate) fn is_asked_for(self) -> bool {
        matches!(self, Self::Forced | Self::Exact)
    }

    fn manner(self) -> Manner {
        match self {
            Self::Lossless | Self::Exact => Manner::Exact,
            Self::Provisional => Manner::Plain,
            Self::Forced => Manner::Free,
        }
    }
}

impl CsvColumn {
    /// Returns how its values are read.
    pub(crate) fn asked(&self) -> Asked<'_> {
        let Self { column_type: kind, format, reading, .. } = self;
        Asked { kind, format: *format, manner: reading.manner() }
    }
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
    how: How,
    nulls: NullBufferBuilder,
    null_count: u64,
    /// What was seen of a column that is text because too little was.
    watch: Option<Evidence>,
}

/// How values are read.
struct How {
    kind: ColumnType,
    reading: Reading,
    format: Option<ValueFormat>,
}

enum Values {
    Boolean(Vec<bool>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Decimal(Vec<i128>, u8, u8),
    Date(Vec<i32>),
    Time(Vec<i64>),
    Timestamp(Vec<i64>),
    TimestampNs(Vec<i64>),
    TimestampTz(Vec<i64>),
    /// Views into the chunk (buffer 0) and into what was unescaped or made (buffer 1).
    Text(Vec<u128>, Vec<u8>, TextKind),
    Blob(BinaryViewBuilder),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextKind {
    Any,
    Uuid,
    Json,
}

impl ColumnBuilder {
    /// Makes room for `rows` values of the column; `None` when delimited text has no values of its
    /// type.
    pub(crate) fn new(column: &CsvColumn, rows: usize) -> Option<Self> {
        if column.format.is_some_and(|format| !format.is_for(&column.column_type)) {
            return None;
        }
        let values = match &column.column_type {
            ColumnType::Boolean => Values::Boolean(Vec::with_capacity(rows)),
            ColumnType::TinyInt => Values::I8(Vec::with_capacity(rows)),
            ColumnType::SmallInt => Values::I16(Vec::with_capacity(rows)),
            ColumnType::Integer => Values::I32(Vec::with_capacity(rows)),
            ColumnType::BigInt => Values::I64(Vec::with_capacity(rows)),
            ColumnType::UTinyInt => Values::U8(Vec::with_capacity(rows)),
            ColumnType::USmallInt => Values::U16(Vec::with_capacity(rows)),
            ColumnType::UInteger => Values::U32(Vec::with_capacity(rows)),
            ColumnType::UBigInt => Values::U64(Vec::with_capacity(rows)),
            ColumnType::Float => Values::Float(Vec::with_capacity(rows)),
            ColumnType::Double => Values::Double(Vec::with_capacity(rows)),
            ColumnType::Decimal { precision, scale } => {
                Values::Decimal(Vec::with_capacity(rows), *precision, *scale)
            }
            ColumnType::Date => Values::Date(Vec::with_capacity(rows)),
            ColumnType::Time => Values::Time(Vec::with_capacity(rows)),
            ColumnType::Timestamp => Values::Timestamp(Vec::with_capacity(rows)),
            ColumnType::TimestampNs => Values::TimestampNs(Vec::with_capacity(rows)),
            ColumnType::TimestampTz => Values::TimestampTz(Vec::with_capacity(rows)),
            ColumnType::Varchar => {
                Values::Text(Vec::with_capacity(rows), Vec::new(), TextKind::Any)
            }
            ColumnType::Uuid => Values::Text(Vec::with_capacity(rows), Vec::new(), TextKind::Uuid),
            ColumnType::Json => Values::Text(Vec::with_capacity(rows), Vec::new(), TextKind::Json),
            ColumnType::Blob => Values::Blob(BinaryViewBuilder::with_capacity(rows)),
            ColumnType::List(_) | ColumnType::Struct(_) => return None,
        };
        let how = How {
            kind: column.column_type.clone(),
            reading: column.reading,
            format: column.format,
        };
        let nulls = NullBufferBuilder::new(rows);
        Some(Self { values, how, nulls, null_count: 0, watch: column.watch.clone() })
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
        if let Some(row) = self.contradiction(rows, column) {
            unfit(row)?;
        }
        let mut sink = Sink {
            nulls: &mut self.nulls,
            null_count: &mut self.null_count,
            rows,
            column,
            unfit: &mut unfit,
        };
        let How { kind, reading, format } = &self.how;
        if *reading == Reading::Lossless && format.is_none() {
            return sink.fill_lossless(&mut self.values, kind);
        }
        let asked = Asked { kind, format: *format, manner: reading.manner() };
        sink.fill_asked(&mut self.values, asked)
    }

    /// Goes on looking at a column that is text because too little was seen of it. Returns the row
    /// of a value when with those of these rows it would be something else.
    fn contradiction(&mut self, rows: Rows<'_>, column: usize) -> Option<usize> {
        let watch = self.watch.as_mut()?;
        let Rows { bytes, spans, width, dialect } = rows;
        let mut first = None;
        let mut unescaped = Vec::new();
        for (row, span) in spans.iter().skip(column).step_by(width).enumerate() {
            let mut text = span.of(bytes);
            if text.is_empty() {
                continue;
            }
            if span.is_escaped() {
                unescaped.clear();
                unescape(text, dialect, &mut unescaped);
                text = &unescaped;
            }
            first = first.or(Some(row));
            watch.observe(text, 0);
        }
        if watch.is_typed() {
            return first;
        }
        if watch.is_text_for_good() {
            self.watch = None;
        }
        None
    }

    /// Returns the array. `chunk` is the buffer that the fields were in.
    pub(crate) fn finish(mut self, chunk: &Buffer) -> Result<ArrayRef, ArrowError> {
        let nulls = self.nulls.finish();
        Ok(match self.values {
            Values::Boolean(values) => {
                Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls))
            }
            Values::I8(values) => primitive::<Int8Type>(values, nulls),
            Values::I16(values) => primitive::<Int16Type>(values, nulls),
            Values::I32(values) => primitive::<Int32Type>(values, nulls),
            Values::I64(values) => primitive::<Int64Type>(values, nulls),
            Values::U8(values) => primitive::<UInt8Type>(values, nulls),
            Values::U16(values) => primitive::<UInt16Type>(values, nulls),
            Values::U32(values) => primitive::<UInt32Type>(values, nulls),
            Values::U64(values) => primitive::<UInt64Type>(values, nulls),
            Values::Float(values) => primitive::<Float32Type>(values, nulls),
            Values::Double(values) => primitive::<Float64Type>(values, nulls),
            Values::Decimal(values, precision, scale) => Arc::new(
                PrimitiveArray::<Decimal128Type>::new(values.into(), nulls)
                    .with_precision_and_scale(precision, scale.cast_signed())?,
            ),
            Values::Date(values) => primitive::<Date32Type>(values, nulls),
            Values::Time(values) => primitive::<Time64MicrosecondType>(values, nulls),
            Values::Timestamp(values) => primitive::<TimestampMicrosecondType>(values, nulls),
            Values::TimestampNs(values) => primitive::<TimestampNanosecondType>(values, nulls),
            Values::TimestampTz(values) => Arc::new(
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

fn primitive<T: ArrowPrimitiveType>(values: Vec<T::Native>, nulls: Option<NullBuffer>) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(values.into(), nulls))
}
