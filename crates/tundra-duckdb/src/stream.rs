//! Record batches of Rust on their way into DuckDB.
//!
//! DuckDB asks for one batch at a time, under a lock; nothing is read ahead of that.

#![expect(unsafe_code, reason = "called by C++ with raw pointers")]

use std::ffi::c_void;
use std::sync::Arc;

use arrow_array::ffi::FFI_ArrowArray;
use arrow_array::{Array, RecordBatch, RecordBatchReader, StructArray};
use arrow_schema::{ArrowError, SchemaRef};

use crate::callbacks::answer;
use crate::error::{BoxError, Error, Operation, Result};
use crate::failures::catch;
use crate::ffi::Text;
use crate::host::Host;

/// A reader that C++ owns.
pub(crate) struct Stream {
    host: Arc<Host>,
    name: String,
    schema: SchemaRef,
    /// Gone once it ended, failed or panicked: it is not asked again.
    reader: Option<Box<dyn RecordBatchReader + Send>>,
    batches: u64,
}

impl Stream {
    pub(crate) fn new(
        host: Arc<Host>,
        name: &str,
        reader: Box<dyn RecordBatchReader + Send>,
    ) -> Self {
        let schema = reader.schema();
        Self { host, name: name.to_owned(), schema, reader: Some(reader), batches: 0 }
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Returns the stream as C++ takes it; it comes back in [`drop_stream`].
    pub(crate) fn into_raw(self) -> *mut c_void {
        Box::into_raw(Box::new(self)).cast()
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let Some(mut reader) = self.reader.take() else { return Ok(None) };
        let Some(batch) = reader.next() else { return Ok(None) };
        let batch = batch.map_err(|error| self.failed(unwrap_external(error)))?;
        self.check(&batch)?;
        self.batches += 1;
        self.reader = Some(reader);
        Ok(Some(batch))
    }

    /// DuckDB reads the buffers by the types of the schema, so a batch with others is not let
    /// through.
    fn check(&self, batch: &RecordBatch) -> Result<()> {
        let fields = self.schema.fields();
        if batch.num_columns() != fields.len() {
            let wrong = format!(
                "batch {} has {} columns, but the stream was announced with {}",
                self.batches + 1,
                batch.num_columns(),
                fields.len()
            );
            return Err(self.failed(wrong.into()));
        }
        for (field, column) in fields.iter().zip(batch.columns()) {
            if field.data_type() != column.data_type() {
                let wrong = format!(
                    "column `{}` of batch {} is {}, but the stream was announced with {}",
                    field.name(),
                    self.batches + 1,
                    column.data_type(),
                    field.data_type()
                );
                return Err(self.failed(wrong.into()));
            }
        }
        Ok(())
    }

    fn failed(&self, source: BoxError) -> Error {
        Error::Stream { name: self.name.clone(), source }
    }
}

/// Arrow wraps errors that are not its own; what the reader meant is inside.
fn unwrap_external(error: ArrowError) -> BoxError {
    match error {
        ArrowError::ExternalError(source) => source,
        error => error.into(),
    }
}

/// Writes the next batch to `out`, and nothing at the end of the stream.
pub(crate) unsafe extern "C" fn next(
    stream: *mut c_void,
    out: *mut FFI_ArrowArray,
    message: *mut Text,
) -> u64 {
    // SAFETY: C++ passes what `into_raw` gave it, under the lock of its scan.
    let stream = unsafe { &mut *stream.cast::<Stream>() };
    let host = Arc::clone(&stream.host);
    let name = stream.name.clone();
    let work = || {
        if let Some(batch) = stream.next_batch()? {
            let array = FFI_ArrowArray::new(&StructArray::from(batch).into_data());
            // SAFETY: `out` is a place of C++ that lives for the call and holds nothing to release.
            // C++ releases what is put there.
            unsafe { out.write(array) };
        }
        Ok(())
    };
    // SAFETY: `message` came with the call.
    unsafe { answer(&host, message, Operation::Read, &name, work) }
}

pub(crate) unsafe extern "C" fn drop_stream(stream: *mut c_void) {
    // SAFETY: C++ calls this once, as its last use of what `into_raw` gave it.
    let stream = unsafe { Box::from_raw(stream.cast::<Stream>()) };
    let _ = catch(|| drop(stream));
}
