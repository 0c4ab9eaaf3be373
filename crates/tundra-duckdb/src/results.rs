//! Takes over the rows of a query from DuckDB.

#![expect(unsafe_code, reason = "called by C++ with raw pointers")]

use std::ffi::c_void;
use std::sync::Arc;

use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi_and_data_type};
use arrow_array::{RecordBatch, RecordBatchOptions, StructArray};
use arrow_schema::{DataType, Schema, SchemaRef};

use crate::error::{Error, Result};
use crate::failures::catch;
use crate::ffi::Sink;

/// Collects the batches of one query.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    schema: Option<SchemaRef>,
    batches: Vec<RecordBatch>,
    /// What went wrong first.
    wrong: Option<String>,
}

impl Rows {
    /// Returns where C++ shall deliver. It borrows `self` without saying so: `self` must not be
    /// touched until C++ is done.
    pub(crate) fn sink(&mut self) -> Sink {
        Sink { context: std::ptr::from_mut(self).cast(), schema: take_schema, batch: take_batch }
    }

    /// Returns the batches: at least one if there are columns, so that those of an empty result are
    /// known.
    pub(crate) fn finish(self) -> Result<Vec<RecordBatch>> {
        if let Some(message) = self.wrong {
            return Err(Error::Result { message });
        }
        let mut batches = self.batches;
        if let (true, Some(schema)) = (batches.is_empty(), self.schema) {
            batches.push(RecordBatch::new_empty(schema));
        }
        Ok(batches)
    }

    fn add_schema(&mut self, schema: &FFI_ArrowSchema) -> Result<(), String> {
        let schema = Schema::try_from(schema).map_err(|error| error.to_string())?;
        self.schema = Some(Arc::new(schema));
        Ok(())
    }

    fn add_batch(&mut self, array: FFI_ArrowArray) -> Result<(), String> {
        let schema = self.schema.as_ref().ok_or("the columns came after the rows")?;
        let data_type = DataType::Struct(schema.fields().clone());
        // SAFETY: DuckDB exported the array by the schema that it exported before.
        let data = unsafe { from_ffi_and_data_type(array, data_type) }
            .map_err(|error| error.to_string())?;
        let rows = data.len();
        let (_, columns, _) = StructArray::from(data).into_parts();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
            .map_err(|error| error.to_string())?;
        self.batches.push(batch);
        Ok(())
    }

    fn note(&mut self, outcome: Result<Result<(), String>, String>) -> bool {
        match outcome {
            Ok(Ok(())) => true,
            Ok(Err(message)) | Err(message) => {
                self.wrong = Some(message);
                false
            }
        }
    }
}

unsafe extern "C" fn take_schema(context: *mut c_void, schema: *mut FFI_ArrowSchema) -> bool {
    // SAFETY: `context` is the `Rows` that `sink` borrowed, and C++ calls from one thread.
    let rows = unsafe { &mut *context.cast::<Rows>() };
    // SAFETY: C++ gives the schema away and finds an empty one in its place.
    let schema = unsafe { FFI_ArrowSchema::from_raw(schema) };
    let outcome = catch(|| rows.add_schema(&schema));
    rows.note(outcome)
}

unsafe extern "C" fn take_batch(context: *mut c_void, batch: *mut FFI_ArrowArray) -> bool {
    // SAFETY: `context` is the `Rows` that `sink` borrowed, and C++ calls from one thread.
    let rows = unsafe { &mut *context.cast::<Rows>() };
    // SAFETY: C++ gives the array away and finds an empty one in its place.
    let batch = unsafe { FFI_ArrowArray::from_raw(batch) };
    let outcome = catch(|| rows.add_batch(batch));
    rows.note(outcome)
}
