//! Rows of binary `COPY`, straight from the buffer they arrived in into the builders of a batch.
//!
//! Start at [`Decoder::message`]. The format is that of PostgreSQL's manual under `COPY`, "Binary
//! Format", and of the types' `…_send` functions. Nothing is believed: a length that does not fit is an
//! error, and so is a value that our type does not hold, unless it is to be null.

mod numeric;
mod text;
mod value;

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema, SchemaRef};
use tundra_core::{EventSample, LossEvent, OnLossy};

use crate::{
    batch::{Batches, TakeError},
    postgresql::{
        failure::{Failure, Misfit},
        types::Kind,
        wire::Body,
    },
    shown::shortened,
};

/// What every stream of binary `COPY` begins with.
const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";

/// What stands instead of a row behind the last one.
const END: [u8; 2] = [0xff, 0xff];

/// The code of values that became null because no type of ours holds them.
const NULLED: &str = "value_without_type_nulled";

/// How many of them are shown.
const SAMPLES: usize = 5;

/// A column that is decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    /// Its name.
    pub(super) name: String,
    /// Its type.
    pub(super) kind: Kind,
    /// Whether the server sends it as text.
    pub(super) is_text: bool,
}

/// Why a value cannot be appended.
#[derive(Debug, PartialEq, Eq)]
enum Unfit {
    /// The bytes are not what the type's format says.
    Malformed(&'static str),
    /// Our type has no such value.
    Lossy {
        /// The value, as the server prints it where that can be said.
        value: String,
        /// Why not.
        reason: &'static str,
    },
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// There is room for more rows.
    More,
    /// The batch is to be taken before the next message.
    Full,
    /// There are no more rows.
    End,
}

/// The rows of one stream.
#[derive(Debug)]
pub(super) struct Decoder {
    columns: Arc<[Column]>,
    batches: Batches,
    on_lossy: OnLossy,
    /// The stream's number from 1, for messages.
    stream: usize,
    /// The rows of the stream so far.
    rows: u64,
    /// Whether the head has been read.
    begun: bool,
    /// Whether the mark behind the last row has been read.
    ended: bool,
    nulled: u64,
    samples: Vec<EventSample>,
}

/// Returns the schema of the columns.
pub(super) fn schema(columns: &[Column]) -> SchemaRef {
    let fields: Vec<Field> = columns
        .iter()
        .map(|column| {
            let field = Field::new(&column.name, column.kind.data_type(), true);
            match &column.kind {
                Kind::Wkb { facts } => field.with_metadata(facts.to_metadata()),
                _ => field,
            }
        })
        .collect();
    Arc::new(Schema::new(fields))
}

impl Decoder {
    /// Returns a decoder of the columns, whose batches have at most so many bytes.
    pub(super) fn new(
        columns: Arc<[Column]>,
        batch_bytes: usize,
        on_lossy: OnLossy,
        stream: usize,
    ) -> Result<Self, Failure> {
        let batches = Batches::new(schema(&columns), batch_bytes)
            .map_err(|_| Failure::Internal("a column has a type without a builder"))?;
        Ok(Self {
            columns,
            batches,
            on_lossy,
            stream,
            rows: 0,
            begun: false,
            ended: false,
            nulled: 0,
            samples: Vec::new(),
        })
    }

    /// Takes the body of one `CopyData`, in which the server sends one row.
    pub(super) fn message(&mut self, body: &[u8]) -> Result<Step, Failure> {
        let mut body = Body(body);
        if self.ended {
            return Err(Failure::Protocol("a row behind the last one"));
        }
        if !self.begun {
            self.begun = true;
            if body.array::<11>()? != *SIGNATURE {
                return Err(Failure::Protocol("COPY without its signature"));
            }
            let _flags = body.i32()?;
            let extension = usize::try_from(body.i32()?).unwrap_or(usize::MAX);
            body.take(extension)?;
            if body.0.is_empty() {
                return Ok(Step::More);
            }
        }
        if body.0 == END {
            self.ended = true;
            return Ok(Step::End);
        }
        self.row(body.0)
    }

    /// Takes the body of one `DataRow`, which is as a row of `COPY`.
    pub(super) fn row(&mut self, body: &[u8]) -> Result<Step, Failure> {
        let mut body = Body(body);
        let fields = body.i16()?;
        if usize::try_from(fields) != Ok(self.columns.len()) {
            return Err(Failure::Protocol("a row with another number of columns"));
        }
        self.rows += 1;
        for at in 0..self.columns.len() {
            let bytes = body.value()?;
            let column = &self.columns[at];
            let builder = &mut self.batches.columns()[at];
            let Some(bytes) = bytes else {
                builder.null();
                continue;
            };
            let appended = if column.is_text {
                text::append(&column.kind, builder, bytes)
            } else {
                value::append(&column.kind, builder, bytes)
            };
            match appended {
                Ok(()) => {}
                Err(Unfit::Lossy { value, .. })
                    if self.on_lossy == OnLossy::Null && !nested(&column.kind) =>
                {
                    builder.null();
                    self.nulled += 1;
                    if self.samples.len() < SAMPLES {
                        self.samples.push(EventSample {
                            record: self.rows,
                            line: 0,
                            byte: 0,
                            column: Some(column.name.clone()),
                            text: shortened(&value),
                        });
                    }
                }
                Err(unfit) => return Err(self.misfit(self.rows, at, unfit)),
            }
        }
        if !body.0.is_empty() {
            return Err(Failure::Protocol("a message with more than one row"));
        }
        Ok(if self.batches.end_row() { Step::Full } else { Step::More })
    }

    /// Returns the rows since the last batch, if there are any.
    pub(super) fn take(&mut self) -> Result<Option<RecordBatch>, Failure> {
        if self.batches.rows() == 0 {
            return Ok(None);
        }
        let first = self.rows - self.batches.rows() as u64 + 1;
        match self.batches.take() {
            Ok(batch) => Ok(Some(batch)),
            Err(TakeError::NotUtf8 { row, column, .. }) => {
                Err(self.misfit(first + row as u64, column, value::NOT_UTF8))
            }
            Err(TakeError::Arrow(_)) => {
                Err(Failure::Internal("the columns of a batch do not fit together"))
            }
        }
    }

    /// Returns the rows so far.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns whether the mark behind the last row has been seen.
    pub(super) fn is_complete(&self) -> bool {
        self.ended
    }

    /// Returns what was not kept.
    pub(super) fn events(&mut self) -> Vec<LossEvent> {
        if self.nulled == 0 {
            return Vec::new();
        }
        let samples = std::mem::take(&mut self.samples);
        vec![LossEvent { code: NULLED.to_owned(), count: self.nulled, samples }]
    }

    fn misfit(&self, row: u64, at: usize, unfit: Unfit) -> Failure {
        let (value, reason, lossy) = match unfit {
            Unfit::Malformed(reason) => ("?".to_owned(), reason.to_owned(), false),
            Unfit::Lossy { value, reason } => (value, reason.to_owned(), true),
        };
        Failure::Misfit(Misfit {
            stream: self.stream,
            row,
            column: self.columns[at].name.clone(),
            value: shortened(&value),
            reason,
            lossy,
        })
    }
}

/// Of a nested value only the whole could become null, which would lose what fits.
fn nested(kind: &Kind) -> bool {
    matches!(kind, Kind::List { .. } | Kind::Struct(_))
}

#[cfg(test)]
mod tests;
