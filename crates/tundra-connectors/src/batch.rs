//! Batches that are bounded in bytes, and the channel that carries them.
//!
//! A connector fills the [`Builder`]s of a [`Batches`] cell by cell, says [`Batches::end_row`] after
//! each row, and sends what [`Batches::take`] returns through [`channel`]. A cell is written once, into
//! the buffer that the batch is made of. What a value means is the connector's business: nothing here
//! decodes.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use arrow_array::{
    ArrayRef, ListArray, RecordBatch, RecordBatchOptions, StringArray, StructArray,
    builder::{
        ArrayBuilder, BinaryViewBuilder, BooleanBuilder, Date32Builder, Decimal128Builder,
        Float32Builder, Float64Builder, Int8Builder, Int16Builder, Int32Builder, Int64Builder,
        Time64MicrosecondBuilder, TimestampMicrosecondBuilder, UInt8Builder, UInt16Builder,
        UInt32Builder, UInt64Builder,
    },
};
use arrow_buffer::{Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, FieldRef, Fields, SchemaRef, TimeUnit};
use futures::Stream;
use tokio::sync::mpsc;
use tundra_core::{BatchStream, ConnectorError, ErrorKind, Retry};

/// The rows that a batch has at most, whatever its bytes: as many as a row group of DuckDB, so that a
/// table of narrow columns does not wait for megabytes of them.
const MAX_ROWS: usize = 122_880;

/// The rows for which the first batch has room before anything is known of their size.
const FIRST_ROWS: usize = 1024;

/// The batches that wait between a producer and the consumer. Two keep both busy; each more is memory.
const WAITING: usize = 2;

/// The bytes up to which a view holds its byte string itself.
const INLINE: usize = 12;

/// Values of one column as they are decoded. What a connector appends is one value or one null per row,
/// to each column, before it ends the row.
#[derive(Debug)]
pub(crate) enum Builder {
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
    Decimal(Decimal128Builder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Text(TextBuilder),
    Bytes(BytesBuilder),
    List(ListBuilder),
    Struct(StructBuilder),
}

/// Texts, one behind the other in one buffer, as they then are in the batch: views of them would have to
/// be made, and the engine makes its own. Whether they are UTF-8 is asked of all of them at once, when
/// the batch is taken: of a text of some bytes the question costs more than the copy.
#[derive(Debug)]
pub(crate) struct TextBuilder {
    bytes: Vec<u8>,
    /// Where each text begins, and where the last one ends.
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

/// Byte strings, with their bytes counted.
#[derive(Debug)]
pub(crate) struct BytesBuilder {
    values: BinaryViewBuilder,
    bytes: usize,
}

/// Lists of values of one type.
#[derive(Debug)]
pub(crate) struct ListBuilder {
    field: FieldRef,
    /// Where the items go, before the list is ended.
    pub(crate) items: Box<Builder>,
    offsets: Vec<i32>,
    nulls: NullBufferBuilder,
}

/// Values of several named types.
#[derive(Debug)]
pub(crate) struct StructBuilder {
    fields: Fields,
    /// Where the values go, one each, before the struct is ended.
    pub(crate) values: Vec<Builder>,
    nulls: NullBufferBuilder,
}

/// Returns the Arrow type in which a builder makes values of this type: that of the column type, but texts
/// with offsets in place of views.
#[cfg(any(feature = "mysql", feature = "sqlite"))]
pub(crate) fn data_type(kind: &tundra_core::ColumnType) -> DataType {
    match kind.to_arrow() {
        DataType::Utf8View => DataType::Utf8,
        other => other,
    }
}

/// Why a batch cannot be made of what was appended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TakeError {
    /// A text is not UTF-8; the first one of the batch, row by row.
    #[error("a text is not UTF-8")]
    NotUtf8 {
        /// Its row in the batch, from 0.
        row: usize,
        /// Its column.
        column: usize,
        /// The text.
        bytes: Vec<u8>,
    },
    /// The columns do not fit together: a bug.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
}

/// Does the same with whichever builder of single values it is.
macro_rules! with_scalar {
    ($builder:expr, $values:ident => $do:expr, $($rest:tt)*) => {
        match $builder {
            Self::Boolean($values) => $do,
            Self::Int8($values) => $do,
            Self::Int16($values) => $do,
            Self::Int32($values) => $do,
            Self::Int64($values) => $do,
            Self::UInt8($values) => $do,
            Self::UInt16($values) => $do,
            Self::UInt32($values) => $do,
            Self::UInt64($values) => $do,
            Self::Float32($values) => $do,
            Self::Float64($values) => $do,
            Self::Decimal($values) => $do,
            Self::Date($values) => $do,
            Self::Time($values) => $do,
            Self::Timestamp($values) => $do,
            $($rest)*
        }
    };
}

impl Builder {
    /// Returns a builder for a type that [`data_type`] returns, or a list or struct of such, with room for so
    /// many values; an error for any other type.
    pub(crate) fn new(kind: &DataType, rows: usize) -> Result<Self, ArrowError> {
        Ok(match kind {
            DataType::Boolean => Self::Boolean(BooleanBuilder::with_capacity(rows)),
            DataType::Int8 => Self::Int8(Int8Builder::with_capacity(rows)),
            DataType::Int16 => Self::Int16(Int16Builder::with_capacity(rows)),
            DataType::Int32 => Self::Int32(Int32Builder::with_capacity(rows)),
            DataType::Int64 => Self::Int64(Int64Builder::with_capacity(rows)),
            DataType::UInt8 => Self::UInt8(UInt8Builder::with_capacity(rows)),
            DataType::UInt16 => Self::UInt16(UInt16Builder::with_capacity(rows)),
            DataType::UInt32 => Self::UInt32(UInt32Builder::with_capacity(rows)),
            DataType::UInt64 => Self::UInt64(UInt64Builder::with_capacity(rows)),
            DataType::Float32 => Self::Float32(Float32Builder::with_capacity(rows)),
            DataType::Float64 => Self::Float64(Float64Builder::with_capacity(rows)),
            DataType::Decimal128(precision, scale) => Self::Decimal(
                Decimal128Builder::with_capacity(rows)
                    .with_precision_and_scale(*precision, *scale)?,
            ),
            DataType::Date32 => Self::Date(Date32Builder::with_capacity(rows)),
            DataType::Time64(TimeUnit::Microsecond) => {
                Self::Time(Time64MicrosecondBuilder::with_capacity(rows))
            }
            DataType::Timestamp(TimeUnit::Microsecond, zone) => Self::Timestamp(
                TimestampMicrosecondBuilder::with_capacity(rows).with_timezone_opt(zone.clone()),
            ),
            DataType::Utf8 => Self::Text(TextBuilder {
                bytes: Vec::new(),
                offsets: beginning(rows),
                nulls: NullBufferBuilder::new(rows),
            }),
            DataType::BinaryView => Self::Bytes(BytesBuilder {
                values: BinaryViewBuilder::with_capacity(rows),
                bytes: 0,
            }),
            DataType::List(field) => Self::List(ListBuilder {
                field: field.clone(),
                items: Box::new(Self::new(field.data_type(), rows)?),
                offsets: beginning(rows),
                nulls: NullBufferBuilder::new(rows),
            }),
            DataType::Struct(fields) => Self::Struct(StructBuilder {
                fields: fields.clone(),
                values: fields
                    .iter()
                    .map(|field| Self::new(field.data_type(), rows))
                    .collect::<Result<_, _>>()?,
                nulls: NullBufferBuilder::new(rows),
            }),
            other => {
                return Err(ArrowError::InvalidArgumentError(format!(
                    "there is no builder for `{other}`"
                )));
            }
        })
    }

    /// Appends a null, of whatever type.
    #[inline]
    pub(crate) fn null(&mut self) {
        with_scalar!(self, values => values.append_null(),
            Self::Text(text) => text.null(),
            Self::Bytes(bytes) => bytes.values.append_null(),
            Self::List(list) => list.null(),
            Self::Struct(record) => record.null(),
        );
    }

    /// Returns the values and nulls that were appended.
    pub(crate) fn len(&self) -> usize {
        with_scalar!(self, values => values.len(),
            Self::Text(text) => text.nulls.len(),
            Self::Bytes(bytes) => bytes.values.len(),
            Self::List(list) => list.nulls.len(),
            Self::Struct(record) => record.nulls.len(),
        )
    }

    /// Returns the bytes beside those that every row has.
    #[inline]
    fn variable_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.bytes.len(),
            Self::Bytes(bytes) => bytes.bytes,
            Self::List(list) => {
                list.items.variable_bytes() + list.items.len() * list.items.fixed_bytes()
            }
            Self::Struct(record) => record.values.iter().map(Self::variable_bytes).sum(),
            _ => 0,
        }
    }

    /// Returns whether the bytes of a row depend on its value.
    fn is_variable(&self) -> bool {
        match self {
            Self::Text(_) | Self::Bytes(_) | Self::List(_) => true,
            Self::Struct(record) => record.values.iter().any(Self::is_variable),
            _ => false,
        }
    }

    /// Returns the bytes that every row has, whatever its value; flags of nulls are one for eight rows and
    /// not counted.
    fn fixed_bytes(&self) -> usize {
        match self {
            Self::Boolean(_) | Self::Int8(_) | Self::UInt8(_) => 1,
            Self::Int16(_) | Self::UInt16(_) => 2,
            Self::Int32(_)
            | Self::UInt32(_)
            | Self::Float32(_)
            | Self::Date(_)
            | Self::Text(_)
            | Self::List(_) => 4,
            Self::Int64(_)
            | Self::UInt64(_)
            | Self::Float64(_)
            | Self::Time(_)
            | Self::Timestamp(_) => 8,
            Self::Decimal(_) | Self::Bytes(_) => 16,
            Self::Struct(record) => record.values.iter().map(Self::fixed_bytes).sum(),
        }
    }

    /// Returns the values as an array and begins anew.
    fn finish(&mut self) -> Result<ArrayRef, TakeError> {
        Ok(with_scalar!(self, values => ArrayBuilder::finish(values),
            Self::Text(text) => text.finish()?,
            Self::Bytes(bytes) => {
                bytes.bytes = 0;
                ArrayBuilder::finish(&mut bytes.values)
            }
            Self::List(list) => list.finish()?,
            Self::Struct(record) => record.finish()?,
        ))
    }
}

impl TextBuilder {
    /// Appends a text. The error is that of a batch whose texts have 2 GiB and more.
    #[inline]
    pub(crate) fn push(&mut self, text: &str) -> Result<(), ArrowError> {
        self.push_bytes(text.as_bytes())
    }

    /// Appends a text that is not known to be UTF-8: if it is not, [`Batches::take`] says so. The error is
    /// as that of [`TextBuilder::push`].
    #[inline]
    pub(crate) fn push_bytes(&mut self, text: &[u8]) -> Result<(), ArrowError> {
        let end = self.bytes.len() + text.len();
        let offset = i32::try_from(end).map_err(|_| ArrowError::OffsetOverflowError(end))?;
        self.bytes.extend_from_slice(text);
        self.offsets.push(offset);
        self.nulls.append_non_null();
        Ok(())
    }

    /// Appends a null.
    #[inline]
    pub(crate) fn null(&mut self) {
        self.offsets.push(self.offsets.last().copied().unwrap_or(0));
        self.nulls.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef, TakeError> {
        let offsets = std::mem::replace(&mut self.offsets, beginning(0));
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        let bytes = Buffer::from_vec(std::mem::take(&mut self.bytes));
        // This looks once through all the bytes, and whether each text begins where a character does.
        match StringArray::try_new(offsets.clone(), bytes.clone(), self.nulls.finish()) {
            Ok(texts) => Ok(std::sync::Arc::new(texts)),
            Err(error) => Err(not_utf8(&offsets, &bytes).unwrap_or(error.into())),
        }
    }
}

/// Returns the first of the texts that is not UTF-8.
#[cold]
fn not_utf8(offsets: &[i32], bytes: &[u8]) -> Option<TakeError> {
    let mut from = 0;
    for (row, end) in offsets.iter().skip(1).enumerate() {
        let end = usize::try_from(*end).ok()?;
        let text = bytes.get(from..end)?;
        if std::str::from_utf8(text).is_err() {
            return Some(TakeError::NotUtf8 { row, column: 0, bytes: text.to_vec() });
        }
        from = end;
    }
    None
}

/// Returns the offsets of no values, with room for those of so many.
fn beginning(rows: usize) -> Vec<i32> {
    let mut offsets = Vec::with_capacity(rows + 1);
    offsets.push(0);
    offsets
}

impl BytesBuilder {
    /// Appends a byte string. The error is that of one of 4 GiB and more, or of a batch that was never
    /// taken.
    #[inline]
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), ArrowError> {
        if bytes.len() > INLINE {
            self.bytes += bytes.len();
        }
        self.values.try_append_value(bytes)
    }
}

impl ListBuilder {
    /// Ends a list: its items are those that were appended since the last one ended.
    #[cfg(any(feature = "postgresql", test))]
    pub(crate) fn end(&mut self) -> Result<(), ArrowError> {
        let items = self.items.len();
        let end = i32::try_from(items).map_err(|_| ArrowError::OffsetOverflowError(items))?;
        self.offsets.push(end);
        self.nulls.append_non_null();
        Ok(())
    }

    /// Appends a null; there must be no items of an unended list.
    pub(crate) fn null(&mut self) {
        let last = self.offsets.last().copied().unwrap_or(0);
        self.offsets.push(last);
        self.nulls.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef, TakeError> {
        let offsets = std::mem::replace(&mut self.offsets, beginning(0));
        let items = self.items.finish().map_err(|error| match error {
            TakeError::NotUtf8 { row: item, column, bytes } => {
                let row = offsets.iter().skip(1).take_while(|end| **end as usize <= item).count();
                TakeError::NotUtf8 { row, column, bytes }
            }
            other => other,
        })?;
        let list = ListArray::try_new(
            self.field.clone(),
            OffsetBuffer::new(ScalarBuffer::from(offsets)),
            items,
            self.nulls.finish(),
        )?;
        Ok(std::sync::Arc::new(list))
    }
}

impl StructBuilder {
    /// Ends a struct: one value or null was appended to each of its fields.
    #[cfg(any(feature = "postgresql", test))]
    pub(crate) fn end(&mut self) {
        self.nulls.append_non_null();
    }

    /// Appends a null; there must be no values of an unended struct.
    pub(crate) fn null(&mut self) {
        for value in &mut self.values {
            value.null();
        }
        self.nulls.append_null();
    }

    fn finish(&mut self) -> Result<ArrayRef, TakeError> {
        let length = self.nulls.len();
        let values = self.values.iter_mut().map(Builder::finish).collect::<Result<_, _>>()?;
        let nulls = self.nulls.finish();
        let record = StructArray::try_new_with_length(self.fields.clone(), values, nulls, length)?;
        Ok(std::sync::Arc::new(record))
    }
}

/// The batch that is being filled.
#[derive(Debug)]
pub(crate) struct Batches {
    schema: SchemaRef,
    columns: Vec<Builder>,
    /// The columns whose bytes must be asked for after each row.
    variable: Vec<usize>,
    /// The bytes that every row has.
    fixed: usize,
    rows: usize,
    limit: usize,
}

impl Batches {
    /// Returns an empty batch that is full at `limit` bytes, as far as one row fits into them.
    pub(crate) fn new(schema: SchemaRef, limit: usize) -> Result<Self, ArrowError> {
        let columns = builders(&schema, FIRST_ROWS)?;
        let variable = (0..columns.len()).filter(|&at| columns[at].is_variable()).collect();
        let fixed = columns.iter().map(Builder::fixed_bytes).sum();
        Ok(Self { schema, columns, variable, fixed, rows: 0, limit })
    }

    /// Returns the columns of the row that is being written.
    #[inline]
    pub(crate) fn columns(&mut self) -> &mut [Builder] {
        &mut self.columns
    }

    /// Ends a row, and returns whether the batch is to be taken before the next one.
    #[inline]
    #[must_use]
    pub(crate) fn end_row(&mut self) -> bool {
        self.rows += 1;
        self.rows >= MAX_ROWS || self.bytes() >= self.limit
    }

    /// Returns how many rows were ended since the last batch.
    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the batch, which may be empty, and begins the next one with as much room.
    pub(crate) fn take(&mut self) -> Result<RecordBatch, TakeError> {
        let rows = std::mem::take(&mut self.rows);
        let mut columns = std::mem::replace(&mut self.columns, builders(&self.schema, rows)?);
        for (next, last) in self.columns.iter_mut().zip(&columns) {
            if let (Builder::Text(next), Builder::Text(last)) = (next, last) {
                // An eighth more, so that what is a little longer than the last does not grow in steps; one
                // long value does not make room for many.
                let bytes = last.bytes.len() + last.bytes.len() / 8;
                next.bytes.reserve(bytes.min(self.limit));
            }
        }
        let mut arrays = Vec::with_capacity(columns.len());
        let mut failed: Option<TakeError> = None;
        for (at, column) in columns.iter_mut().enumerate() {
            match (column.finish(), &failed) {
                (Ok(array), _) => arrays.push(array),
                (
                    Err(TakeError::NotUtf8 { row, .. }),
                    Some(TakeError::NotUtf8 { row: earlier, .. }),
                ) if *earlier <= row => {}
                (Err(TakeError::NotUtf8 { row, bytes, .. }), _) => {
                    failed = Some(TakeError::NotUtf8 { row, column: at, bytes });
                }
                (Err(other), _) => return Err(other),
            }
        }
        if let Some(failed) = failed {
            return Err(failed);
        }
        // The count is given because a relation may have no columns.
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)?)
    }

    #[inline]
    fn bytes(&self) -> usize {
        let of_each = self.variable.iter().map(|&at| match &self.columns[at] {
            // What most of them are, without a call.
            Builder::Text(text) => text.bytes.len(),
            other => other.variable_bytes(),
        });
        self.rows * self.fixed + of_each.sum::<usize>()
    }
}

fn builders(schema: &SchemaRef, rows: usize) -> Result<Vec<Builder>, ArrowError> {
    schema.fields().iter().map(|field| Builder::new(field.data_type(), rows)).collect()
}

/// What goes through the channel.
#[derive(Debug)]
enum Message {
    Batch(RecordBatch),
    Failed(Box<ConnectorError>),
    End,
}

/// The end of the channel that a producer holds. It says [`BatchSender::finish`] when everything was
/// sent; a producer that is gone without it is an error for the consumer, not the end of the rows.
#[derive(Debug)]
pub(crate) struct BatchSender(mpsc::Sender<Message>);

/// The consumer is gone; there is nobody to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

impl BatchSender {
    /// Sends a batch, as soon as there is room.
    #[cfg(any(feature = "net", test))]
    pub(crate) async fn send(&self, batch: RecordBatch) -> Result<(), Gone> {
        self.0.send(Message::Batch(batch)).await.map_err(|_| Gone)
    }

    /// Sends a batch from a thread that may wait.
    #[cfg(any(feature = "adbc", feature = "sqlite"))]
    pub(crate) fn send_blocking(&self, batch: RecordBatch) -> Result<(), Gone> {
        self.0.blocking_send(Message::Batch(batch)).map_err(|_| Gone)
    }

    /// Ends the stream, with an error or because everything was sent.
    #[cfg(any(feature = "net", test))]
    pub(crate) async fn finish(self, result: Result<(), ConnectorError>) {
        // Nobody is there to miss it when this fails.
        let _ = self.0.send(last(result)).await;
    }

    /// Ends the stream from a thread that may wait.
    #[cfg(any(feature = "adbc", feature = "sqlite"))]
    pub(crate) fn finish_blocking(self, result: Result<(), ConnectorError>) {
        // As above.
        let _ = self.0.blocking_send(last(result));
    }

    /// Returns when the consumer is gone.
    #[cfg(any(feature = "net", test))]
    pub(crate) async fn gone(&self) {
        self.0.closed().await;
    }
}

fn last(result: Result<(), ConnectorError>) -> Message {
    match result {
        Ok(()) => Message::End,
        Err(error) => Message::Failed(Box::new(error)),
    }
}

/// Returns a channel with room for two batches. The stream keeps `guard` as long as it lives, so that
/// its drop tells the producer, or the server, to stop.
pub(crate) fn channel<G: Send + Unpin + 'static>(
    connector: &'static str,
    guard: G,
) -> (BatchSender, BatchStream) {
    let (sender, messages) = mpsc::channel(WAITING);
    let stream = Received { connector, messages, ended: false, _guard: guard };
    (BatchSender(sender), Box::pin(stream))
}

#[derive(Debug)]
struct Received<G> {
    connector: &'static str,
    messages: mpsc::Receiver<Message>,
    ended: bool,
    _guard: G,
}

impl<G: Unpin> Stream for Received<G> {
    type Item = Result<RecordBatch, ConnectorError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let Poll::Ready(message) = self.messages.poll_recv(context) else {
            return Poll::Pending;
        };
        Poll::Ready(match message {
            Some(Message::Batch(batch)) => Some(Ok(batch)),
            Some(Message::End) => {
                self.ended = true;
                None
            }
            Some(Message::Failed(error)) => {
                self.ended = true;
                Some(Err(*error))
            }
            None => {
                self.ended = true;
                Some(Err(ConnectorError {
                    connector: self.connector,
                    operation: "read to the end",
                    reason: "what read it is gone without a word; this is a bug in Tundra"
                        .to_owned(),
                    kind: ErrorKind::Internal,
                    retry: Retry::Never,
                    hints: Vec::new(),
                    source: None,
                }))
            }
        })
    }
}

#[cfg(test)]
mod tests;
