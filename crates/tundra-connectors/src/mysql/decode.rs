//! Rows of prepared statements, from where they lie in the socket's buffer into Arrow builders.
//!
//! Start at [`Decoder`]. One pass, and no allocation for a value: a cell goes from its bytes to its
//! builder, and a builder grows as it does. What a value says is [`value`]; nothing here waits or knows
//! a connection.

mod value;

use std::fmt::Write as _;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use tundra_core::{EventSample, LossEvent, OnLossy};

use self::value::{Clock, Moment, decimal};
use super::{
    protocol::Input,
    types::{Form, Width},
    wire::WireError,
};
use crate::{
    batch::{Batches, Builder, TakeError, TextBuilder},
    shown::{SHOWN, shortened},
};

/// How many values that were lost are shown in a receipt.
const SAMPLES: usize = 5;

/// The code of the event of values that became null.
const LOST: &str = "value_to_null";

/// Why a row could not be kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum DecodeError {
    /// It is not as the protocol says.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A value fits no type.
    #[error("row {row}, column `{column}`: `{value}` {why}")]
    Value {
        /// The row, counted from 1 in its stream.
        row: u64,
        /// The column.
        column: String,
        /// The value as the server prints it, shortened.
        value: String,
        /// What is wrong with it, as a verb phrase.
        why: &'static str,
    },
    /// A batch could not be made: a bug.
    #[error("a batch could not be made")]
    Batch(#[from] ArrowError),
}

/// A column of the rows as they arrive.
#[derive(Debug, Clone)]
pub(super) struct Arriving {
    /// How its cells are read.
    pub(super) form: Form,
    /// Its place in the batch; `None` when nobody asked for it.
    pub(super) place: Option<usize>,
}

/// Turns rows into batches.
#[derive(Debug)]
pub(super) struct Decoder {
    schema: SchemaRef,
    columns: Vec<Arriving>,
    batches: Batches,
    on_lossy: OnLossy,
    /// The rows of earlier batches.
    before: u64,
    lost: u64,
    samples: Vec<EventSample>,
}

/// What came of a cell: kept, or a value that does not fit.
enum Cell {
    Kept,
    Lossy(String, &'static str),
}

/// When texts are looked at for what is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Texts {
    /// When they are appended.
    Each,
    /// When the batch is taken.
    Later,
}

impl Decoder {
    /// Prepares for rows with these columns. Each column of the schema arrives once.
    pub(super) fn new(
        schema: SchemaRef,
        columns: Vec<Arriving>,
        on_lossy: OnLossy,
        batch_bytes: usize,
    ) -> Result<Self, DecodeError> {
        let batches = Batches::new(schema.clone(), batch_bytes)?;
        Ok(Self { schema, columns, batches, on_lossy, before: 0, lost: 0, samples: Vec::new() })
    }

    /// Returns the rows that were read.
    pub(super) const fn total(&self) -> u64 {
        self.before + self.batches.rows() as u64
    }

    /// Reads one row, and returns whether the batch is to be taken before the next one.
    pub(super) fn row(&mut self, packet: &[u8]) -> Result<bool, DecodeError> {
        /// The bitmap of nulls begins with two bits that mean nothing.
        const OFFSET: usize = 2;
        let mut input = Input::new(packet);
        if input.u8()? != 0 {
            return Err(WireError::Protocol("a row begins with something else").into());
        }
        let nulls = input.bytes((self.columns.len() + OFFSET).div_ceil(8))?;
        let number = self.total() + 1;
        // A text that is to become null is found at once, the others with their batch.
        let texts = match self.on_lossy {
            OnLossy::Null => Texts::Each,
            OnLossy::Fail | OnLossy::Text => Texts::Later,
        };
        let builders = self.batches.columns();
        for (index, column) in self.columns.iter().enumerate() {
            let bit = index + OFFSET;
            let byte = nulls.get(bit / 8).copied().unwrap_or_default();
            let null = (byte >> (bit % 8)) & 1 == 1;
            let Some(builder) = column.place.and_then(|place| builders.get_mut(place)) else {
                if !null {
                    skip(column.form, &mut input)?;
                }
                continue;
            };
            if null {
                builder.null();
                continue;
            }
            let Cell::Lossy(value, why) = cell(column.form, builder, &mut input, texts)? else {
                continue;
            };
            let name = column
                .place
                .and_then(|place| self.schema.fields().get(place))
                .map_or_else(String::new, |field| field.name().clone());
            let value = shortened(&value);
            if self.on_lossy != OnLossy::Null {
                return Err(DecodeError::Value { row: number, column: name, value, why });
            }
            builder.null();
            self.lost += 1;
            if self.samples.len() < SAMPLES {
                self.samples.push(EventSample {
                    record: number,
                    line: 0,
                    byte: 0,
                    column: Some(name),
                    text: value,
                });
            }
        }
        if !input.is_empty() {
            return Err(WireError::Protocol("a row is longer than its columns").into());
        }
        Ok(self.batches.end_row())
    }

    /// Returns what is there as a batch, or nothing when there is nothing.
    pub(super) fn batch(&mut self) -> Result<Option<RecordBatch>, DecodeError> {
        let rows = self.batches.rows();
        if rows == 0 {
            return Ok(None);
        }
        let before = self.before;
        self.before += rows as u64;
        match self.batches.take() {
            Ok(batch) => Ok(Some(batch)),
            Err(TakeError::Arrow(error)) => Err(error.into()),
            Err(TakeError::NotUtf8 { row, column, bytes }) => Err(DecodeError::Value {
                row: before + row as u64 + 1,
                column: self.name(Some(column)),
                value: shortened(&readable(&bytes)),
                why: NO_TEXT,
            }),
        }
    }

    /// Returns the name of the column at a place of the batch.
    fn name(&self, place: Option<usize>) -> String {
        place
            .and_then(|place| self.schema.fields().get(place))
            .map_or_else(String::new, |field| field.name().clone())
    }

    /// Returns what was not kept.
    pub(super) fn events(&mut self) -> Vec<LossEvent> {
        if self.lost == 0 {
            return Vec::new();
        }
        vec![LossEvent {
            code: LOST.to_owned(),
            count: self.lost,
            samples: std::mem::take(&mut self.samples),
        }]
    }
}

const NO_DAY: &str = "is a date that no calendar has";
const NO_TIME: &str = "is no time of a day";
const NO_DECIMAL: &str = "has more digits than its column";
const NO_TEXT: &str = "is not in the character set of its column";

/// Appends the value to the builder of its type, which the schema made from the same plan as the form.
macro_rules! append {
    ($builder:expr, $kind:ident, $value:expr) => {
        match $builder {
            Builder::$kind(it) => it.append_value($value),
            _ => return Err(mismatch()),
        }
    };
}

/// Reads one cell. Where it does not fit, nothing is appended and the input stands behind it.
#[inline]
fn cell(
    form: Form,
    builder: &mut Builder,
    input: &mut Input<'_>,
    texts: Texts,
) -> Result<Cell, DecodeError> {
    match form {
        Form::Int8 => append!(builder, Int8, i8::from_le_bytes(input.array()?)),
        Form::UInt8 => append!(builder, UInt8, u8::from_le_bytes(input.array()?)),
        Form::Int16 => append!(builder, Int16, i16::from_le_bytes(input.array()?)),
        Form::UInt16 => append!(builder, UInt16, u16::from_le_bytes(input.array()?)),
        Form::Int32 => append!(builder, Int32, i32::from_le_bytes(input.array()?)),
        Form::UInt32 => append!(builder, UInt32, u32::from_le_bytes(input.array()?)),
        Form::Int64 => append!(builder, Int64, i64::from_le_bytes(input.array()?)),
        Form::UInt64 => append!(builder, UInt64, u64::from_le_bytes(input.array()?)),
        Form::Bits => append!(builder, UInt64, value::bits(input.lenenc_bytes()?)?),
        Form::Bit => append!(builder, Boolean, value::bits(input.lenenc_bytes()?)? != 0),
        Form::Float => append!(builder, Float32, f32::from_le_bytes(input.array()?)),
        Form::Double => append!(builder, Float64, f64::from_le_bytes(input.array()?)),
        Form::Decimal { precision, scale } => {
            let digits = input.lenenc_bytes()?;
            match decimal(digits, scale).filter(|value| value::has_digits(*value, precision)) {
                Some(value) => append!(builder, Decimal, value),
                None => return Ok(lossy_bytes(digits, NO_DECIMAL)),
            }
        }
        Form::Date => {
            let moment = Moment::read(input)?;
            match moment.days() {
                Some(days) => append!(builder, Date, days),
                None => return Ok(Cell::Lossy(moment.date_text(), NO_DAY)),
            }
        }
        Form::DateTime => {
            let moment = Moment::read(input)?;
            match moment.micros() {
                Some(micros) => append!(builder, Timestamp, micros),
                None => return Ok(Cell::Lossy(moment.text(0), NO_DAY)),
            }
        }
        Form::Time => {
            let clock = Clock::read(input)?;
            match clock.of_day() {
                Some(micros) => append!(builder, Time, micros),
                None => return Ok(Cell::Lossy(clock.text(0), NO_TIME)),
            }
        }
        Form::Text => {
            let bytes = input.lenenc_bytes()?;
            if texts == Texts::Each && str::from_utf8(bytes).is_err() {
                return Ok(lossy_bytes(bytes, NO_TEXT));
            }
            text(builder)?.push_bytes(bytes)?;
        }
        Form::DateText => text(builder)?.push(&Moment::read(input)?.date_text())?,
        Form::DateTimeText { decimals } => {
            text(builder)?.push(&Moment::read(input)?.text(decimals))?;
        }
        Form::TimeText { decimals } => text(builder)?.push(&Clock::read(input)?.text(decimals))?,
        Form::Bytes => match builder {
            Builder::Bytes(it) => it.push(input.lenenc_bytes()?)?,
            _ => return Err(mismatch()),
        },
    }
    Ok(Cell::Kept)
}

#[inline]
fn text(builder: &mut Builder) -> Result<&mut TextBuilder, DecodeError> {
    match builder {
        Builder::Text(it) => Ok(it),
        _ => Err(mismatch()),
    }
}

#[cold]
fn mismatch() -> DecodeError {
    let text = "a column's form is not that of its builder".to_owned();
    DecodeError::Batch(ArrowError::SchemaError(text))
}

fn skip(form: Form, input: &mut Input<'_>) -> Result<(), WireError> {
    match form.width() {
        Width::Fixed(bytes) => input.bytes(bytes)?,
        Width::Short => {
            let bytes = usize::from(input.u8()?);
            input.bytes(bytes)?
        }
        Width::LengthEncoded => input.lenenc_bytes()?,
    };
    Ok(())
}

#[cold]
fn lossy_bytes(bytes: &[u8], why: &'static str) -> Cell {
    Cell::Lossy(readable(bytes), why)
}

/// Returns a text as it is, and other bytes as a literal.
fn readable(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            let mut text = "0x".to_owned();
            for byte in bytes.iter().take(SHOWN / 2) {
                // Writing to a string does not fail.
                let _ = write!(text, "{byte:02X}");
            }
            text
        }
    }
}

#[cfg(test)]
mod tests;
