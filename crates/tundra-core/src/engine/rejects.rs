//! Records that were set aside, on their way to `rejects.parquet`.
//!
//! They are spooled to a temporary file beyond a few megabytes, so that a file of nothing but bad
//! records does not take the memory of a run.

use std::{
    fmt,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use arrow::{
    array::{
        ArrayRef, BinaryViewBuilder, RecordBatch, RecordBatchReader, StringViewBuilder,
        UInt64Builder,
    },
    datatypes::{DataType, Field, Schema, SchemaRef},
    error::ArrowError,
};
use serde::{Deserialize, Serialize};
use tempfile::SpooledTempFile;

use crate::read::chunk::Reject;

/// Bytes of rejects that are held in memory.
const IN_MEMORY: usize = 4 << 20;

/// Rows of a batch of rejects.
const BATCH_ROWS: usize = 4096;

/// Rejects in the order in which they came.
#[derive(Default)]
pub(crate) struct Spool {
    /// Where what does not fit into memory goes; the system's own place when it is not given.
    directory: Option<PathBuf>,
    /// Made with the first reject.
    file: Option<SpooledTempFile>,
    count: u64,
    /// From which input the rejects are, where there are several.
    input: Option<CurrentInput>,
}

/// The name of the input that is being read.
pub(crate) type CurrentInput = Arc<Mutex<Arc<str>>>;

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spool").field("count", &self.count).finish_non_exhaustive()
    }
}

/// A reject as it is spooled.
#[derive(Serialize, Deserialize)]
struct Line {
    record: u64,
    line: u64,
    byte: u64,
    end_byte: u64,
    column: Option<String>,
    code: String,
    message: String,
    raw: Vec<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input: Option<String>,
}

impl Spool {
    /// Begins with no rejects. They go to `directory` when there are many.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { directory: Some(directory.to_owned()), ..Self::default() }
    }

    /// Tells from which input the rejects are, in a column of its own.
    pub(crate) fn of_inputs(self, input: CurrentInput) -> Self {
        Self { input: Some(input), ..self }
    }

    /// Appends a reject.
    pub(crate) fn push(&mut self, reject: &Reject) -> io::Result<()> {
        let line = Line {
            record: reject.error.record,
            line: reject.error.line,
            byte: reject.error.byte,
            end_byte: reject.end_byte,
            column: reject.error.column.clone(),
            code: reject.code().to_string(),
            message: reject.error.message.clone(),
            raw: reject.raw.clone(),
            input: self
                .input
                .as_ref()
                .map(|input| input.lock().unwrap_or_else(PoisonError::into_inner).to_string()),
        };
        let bytes = serde_json::to_vec(&line)?;
        let file = self.file.get_or_insert_with(|| match &self.directory {
            Some(directory) => tempfile::spooled_tempfile_in(IN_MEMORY, directory),
            None => tempfile::spooled_tempfile(IN_MEMORY),
        });
        file.write_all(&(bytes.len() as u64).to_le_bytes())?;
        file.write_all(&bytes)?;
        self.count += 1;
        Ok(())
    }

    /// Returns how many rejects there are.
    pub(crate) fn len(&self) -> u64 {
        self.count
    }

    /// Returns the rejects as record batches.
    pub(crate) fn into_reader(self) -> io::Result<Box<dyn RecordBatchReader + Send>> {
        let has_inputs = self.input.is_some();
        let mut file = self.file.unwrap_or_else(|| tempfile::spooled_tempfile(IN_MEMORY));
        file.seek(SeekFrom::Start(0))?;
        let reader = io::BufReader::new(file);
        let schema = schema(has_inputs);
        Ok(Box::new(SpoolReader { reader, left: self.count, schema, has_inputs }))
    }
}

/// Returns the columns of `rejects.parquet`: where the record stands, why it was set aside, and
/// the record itself, as text or, when it is none, as bytes. Of several inputs the first column says which.
fn schema(has_inputs: bool) -> SchemaRef {
    let input = has_inputs.then(|| Field::new("input", DataType::Utf8View, false));
    Arc::new(Schema::new(Vec::from_iter(input.into_iter().chain([
        Field::new("record", DataType::UInt64, false),
        Field::new("line", DataType::UInt64, false),
        Field::new("byte_start", DataType::UInt64, false),
        Field::new("byte_end", DataType::UInt64, false),
        Field::new("column", DataType::Utf8View, true),
        Field::new("code", DataType::Utf8View, false),
        Field::new("reason", DataType::Utf8View, false),
        Field::new("raw", DataType::Utf8View, true),
        Field::new("raw_bytes", DataType::BinaryView, true),
    ]))))
}

struct SpoolReader<R> {
    reader: R,
    left: u64,
    schema: SchemaRef,
    has_inputs: bool,
}

impl<R: Read> SpoolReader<R> {
    fn line(&mut self) -> io::Result<Line> {
        let mut length = [0; 8];
        self.reader.read_exact(&mut length)?;
        let length = usize::try_from(u64::from_le_bytes(length)).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes)?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    fn batch(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut numbers: [UInt64Builder; 4] = Default::default();
        let mut texts: [StringViewBuilder; 4] = Default::default();
        let mut bytes = BinaryViewBuilder::new();
        let mut inputs = StringViewBuilder::new();
        for _ in 0..self.left.min(BATCH_ROWS as u64) {
            let line = self.line()?;
            self.left -= 1;
            for (builder, value) in
                numbers.iter_mut().zip([line.record, line.line, line.byte, line.end_byte])
            {
                builder.append_value(value);
            }
            inputs.append_value(line.input.unwrap_or_default());
            let raw = String::from_utf8(line.raw);
            let [column, code, reason, text] = &mut texts;
            column.append_option(line.column);
            code.append_value(line.code);
            reason.append_value(line.message);
            match raw {
                Ok(raw) => {
                    text.append_value(raw);
                    bytes.append_null();
                }
                Err(error) => {
                    text.append_null();
                    bytes.append_value(error.into_bytes());
                }
            }
        }
        let mut columns: Vec<ArrayRef> = Vec::new();
        if self.has_inputs {
            columns.push(Arc::new(inputs.finish()));
        }
        columns.extend(numbers.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef));
        columns.extend(texts.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef));
        columns.push(Arc::new(bytes.finish()));
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

impl<R: Read> Iterator for SpoolReader<R> {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.left > 0).then(|| self.batch())
    }
}

impl<R: Read> RecordBatchReader for SpoolReader<R> {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
