//! What passes between the splitter, the decoders and whoever takes the batches.
//!
//! A **splitter** walks through the bytes once, in order, finds where records end and counts them.
//! **Decoders** turn chunks into record batches, many at a time, and count on their own. The two
//! counts are compared by whoever takes the batches.

use arrow::array::RecordBatch;

use crate::{DataCode, DataError, Error};

/// A piece of the input that holds whole records.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    /// The bytes, beginning with a record's first and ending behind a record's last.
    pub(crate) bytes: Vec<u8>,
    /// The offset of the first byte in the input.
    pub(crate) byte: u64,
    /// The line of the first byte, counted from 1.
    pub(crate) line: u64,
    /// The number of the first record, counted from 0 behind the header.
    pub(crate) record: u64,
    /// How many records the splitter counted in it.
    pub(crate) records: u64,
}

/// Finds where records end, and counts them.
pub(crate) trait Split: Send {
    /// Returns the next chunk; `None` at the end.
    fn next_chunk(&mut self) -> Result<Option<Chunk>, Error>;

    /// Returns how many bytes of the input have been read.
    fn bytes_read(&self) -> u64;
}

/// Turns a chunk into something, without knowing of any other chunk.
pub(crate) trait Decode: Send + Sync {
    /// What a chunk becomes.
    type Output: Send;

    /// Decodes one chunk.
    fn decode(&self, chunk: Chunk) -> Result<Self::Output, DecodeError>;
}

/// Why a decoder stopped.
#[derive(Debug)]
pub(crate) enum DecodeError {
    /// A value contradicts a type that was only inferred from a sample: look at the whole input.
    Contradiction(Box<DataError>),
    /// A record or a value does not fit and the policy is to fail.
    Data(Box<DataError>),
    /// Anything else.
    Other(Error),
}

/// The records of a chunk as a batch, with what happened to those that are not in it.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// The rows.
    pub(crate) batch: RecordBatch,
    /// Records that the splitter counted in the chunk.
    pub(crate) counted: u64,
    /// Records that the decoder saw: rows of the batch, skipped and rejected ones.
    pub(crate) decoded: u64,
    /// Records left out because the options name them.
    pub(crate) skipped: u64,
    /// Records set aside, in order.
    pub(crate) rejects: Vec<Reject>,
    /// What was made to fit, in order; each column of a record once per code.
    pub(crate) repairs: Vec<DataError>,
    /// Records that were made to fit.
    pub(crate) repaired: u64,
    /// Records that were skipped because they are the header once more, in order.
    pub(crate) headers: Vec<DataError>,
    /// Lines that are comments.
    pub(crate) comments: u64,
    /// Their bytes.
    pub(crate) comment_bytes: u64,
    /// Nulls of each column of the batch.
    pub(crate) nulls: Vec<u64>,
}

/// A record that was set aside.
#[derive(Debug, Clone)]
pub(crate) struct Reject {
    /// Where and why.
    pub(crate) error: DataError,
    /// The offset behind the record's last byte.
    pub(crate) end_byte: u64,
    /// The record as it stands, whole.
    pub(crate) raw: Vec<u8>,
}

impl Reject {
    /// Returns the reject's code.
    pub(crate) fn code(&self) -> DataCode {
        self.error.code
    }
}
