//! Reads a text in a test the way a conversion does, and compares values as JSON.

use std::{
    fs::File,
    io::{Cursor, Write},
    ops::Range,
    sync::Arc,
};

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::{
        DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimeUnit,
        TimestampMicrosecondType, UInt64Type,
    },
    util::display::array_value_to_string,
};
use async_trait::async_trait;
use bytes::Bytes;
use encoding_rs::Encoding;
use serde_json::{Map, Value};

use crate::{
    BadRowPolicy, Cancel, ColumnType, DataError, Error, ObjectInfo, ObjectReader, RecordsPath,
    Silent, StorageError, TypePolicy,
    read::{
        chunk::{Chunk, Decode, DecodeError, Decoded, Split},
        json::{
            Framing, JsonDecode, JsonDecodeOptions, JsonInfer, JsonLayout, JsonObservation,
            JsonSchema, JsonSchemaOptions, JsonSplit,
        },
        source::TextSource,
        table::{ReadContext, Wanted, WantedBy},
    },
};

/// A local file that is an input.
#[derive(Debug)]
struct LocalFile {
    info: ObjectInfo,
    file: File,
}

#[async_trait]
impl ObjectReader for LocalFile {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    async fn read(&self, _: Range<u64>) -> Result<Bytes, StorageError> {
        Err(StorageError::NotFound { location: "only the file itself is read".to_owned() })
    }

    fn as_file(&self) -> Option<&File> {
        Some(&self.file)
    }

    async fn check_unchanged(&self) -> Result<(), StorageError> {
        Ok(())
    }
}

/// Returns a file of these bytes as a text, and what reading it may use.
pub(super) fn text_source(bytes: &[u8], encoding: &'static Encoding) -> (TextSource, ReadContext) {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    let info = ObjectInfo {
        path: "in.json".parse().expect("a path"),
        size: bytes.len() as u64,
        etag: None,
        modified: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let handle = runtime.handle().clone();
    let object = Arc::new(LocalFile { info, file });
    let source = TextSource::new(object, "test".to_owned(), handle, encoding, 0);
    let context = ReadContext {
        name: "in.json".to_owned(),
        threads: 2,
        cancel: Cancel::default(),
        reporter: Arc::new(Silent),
        total_bytes: None,
        memory: 1 << 30,
        types_by: None,
    };
    (source, context)
}

/// How a text is read.
#[derive(Debug, Clone)]
pub(super) struct Setup {
    pub(super) layout: JsonLayout,
    pub(super) records: Option<RecordsPath>,
    pub(super) chunk_bytes: usize,
    pub(super) on_bad_row: BadRowPolicy,
    pub(super) types: TypePolicy,
    pub(super) overrides: Vec<(String, ColumnType)>,
    pub(super) wanted_by: WantedBy,
    pub(super) flatten: bool,
    pub(super) skip: Vec<u64>,
    /// Infer from this many chunks only.
    pub(super) sample: Option<usize>,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) schema: Arc<JsonSchema>,
    pub(super) chunks: Vec<Decoded>,
    pub(super) counted: u64,
    pub(super) faulty: u64,
}

/// Why nothing was.
#[derive(Debug)]
pub(super) enum Failure {
    Split(Error),
    Decode(DecodeError),
}

impl Setup {
    pub(super) fn new(layout: JsonLayout) -> Self {
        Self {
            layout,
            records: None,
            chunk_bytes: 1 << 20,
            on_bad_row: BadRowPolicy::Fail,
            types: TypePolicy::Infer,
            overrides: Vec::new(),
            wanted_by: WantedBy::Option,
            flatten: false,
            skip: Vec::new(),
            sample: None,
        }
    }

    pub(super) fn ndjson() -> Self {
        Self::new(JsonLayout::Ndjson)
    }

    pub(super) fn policy(mut self, on_bad_row: BadRowPolicy) -> Self {
        self.on_bad_row = on_bad_row;
        self
    }

    pub(super) fn chunks_of(mut self, bytes: usize) -> Self {
        self.chunk_bytes = bytes;
        self
    }

    pub(super) fn records(mut self, path: &str) -> Self {
        self.records = Some(path.parse().expect("a path"));
        self
    }

    pub(super) fn flatten(mut self) -> Self {
        self.flatten = true;
        self
    }

    /// A schema asks for the type of a column.
    pub(super) fn expected(mut self, column: &str, kind: &str) -> Self {
        self.wanted_by = WantedBy::Schema;
        self.forced(column, kind)
    }

    pub(super) fn forced(mut self, column: &str, kind: &str) -> Self {
        self.overrides.push((column.to_owned(), kind.parse().expect("a type")));
        self
    }

    /// Returns the chunks of a text.
    pub(super) fn split(&self, text: &[u8]) -> Result<Vec<Chunk>, Error> {
        let reader = Box::new(Cursor::new(text.to_vec()));
        let name = "in.json".to_owned();
        let mut split = JsonSplit::new(reader, self.layout, self.records.clone(), name, 0)
            .with_chunk_bytes(self.chunk_bytes);
        let mut chunks = Vec::new();
        while let Some(chunk) = split.next_chunk()? {
            chunks.push(chunk);
        }
        assert_eq!(split.bytes_read(), text.len() as u64);
        Ok(chunks)
    }

    /// Reads a text.
    pub(super) fn read(&self, text: &[u8]) -> Result<Outcome, Failure> {
        let chunks = self.split(text).map_err(Failure::Split)?;
        let framing = Framing::of(self.layout, self.records.as_ref());
        let skip_rows: std::collections::BTreeSet<u64> = self.skip.iter().copied().collect();
        let infer = JsonInfer::new(framing, skip_rows.clone(), self.on_bad_row);
        let mut observation = JsonObservation::default();
        for chunk in chunks.iter().take(self.sample.unwrap_or(usize::MAX)) {
            observation.merge(infer.decode(chunk.clone()).map_err(Failure::Decode)?);
        }
        let wanted = self.overrides.iter().map(|(name, column_type)| {
            let (column_type, by) = (column_type.clone(), self.wanted_by);
            let wanted = Wanted { column_type, format: None, by };
            (name.clone(), wanted)
        });
        let options = JsonSchemaOptions {
            types: self.types,
            wanted: wanted.collect(),
            flatten: self.flatten,
        };
        let complete = self.sample.is_none_or(|sample| sample >= chunks.len());
        let schema = Arc::new(observation.finish(&options, complete));
        let options = JsonDecodeOptions { framing, skip_rows, on_bad_row: self.on_bad_row };
        let decode = JsonDecode::new(Arc::clone(&schema), options);
        let counted = chunks.iter().map(|chunk| chunk.records).sum();
        let chunks: Result<Vec<_>, _> =
            chunks.into_iter().map(|chunk| decode.decode(chunk).map_err(Failure::Decode)).collect();
        Ok(Outcome { schema, chunks: chunks?, counted, faulty: observation.faulty })
    }
}

impl Outcome {
    /// Returns the types of the columns, such as `a BIGINT, b VARCHAR`.
    pub(super) fn types(&self) -> String {
        let columns = self.schema.columns.iter();
        let shown: Vec<_> =
            columns.map(|column| format!("{} {}", column.name, column.column_type)).collect();
        shown.join(", ")
    }

    /// Returns the reason for the type of a column.
    pub(super) fn reason(&self, name: &str) -> &str {
        let column = self.schema.columns.iter().find(|column| column.name == name);
        column.map_or("there is no such column", |column| &column.reason)
    }

    /// Returns the rows, and checks that all counts agree.
    pub(super) fn rows(&self) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut decoded = 0;
        for chunk in &self.chunks {
            assert_eq!(chunk.counted, chunk.decoded, "records of a chunk");
            let gone = chunk.skipped + chunk.rejects.len() as u64;
            assert_eq!(chunk.decoded, chunk.batch.num_rows() as u64 + gone, "rows of a chunk");
            for (column, nulls) in chunk.batch.columns().iter().zip(&chunk.nulls) {
                assert_eq!(column.null_count() as u64, *nulls);
            }
            decoded += chunk.decoded;
            rows.extend((0..chunk.batch.num_rows()).map(|row| row_as_json(&chunk.batch, row)));
        }
        assert_eq!(decoded, self.counted);
        rows
    }

    /// Returns the errors of the rejects.
    pub(super) fn rejects(&self) -> Vec<&DataError> {
        self.chunks.iter().flat_map(|chunk| &chunk.rejects).map(|reject| &reject.error).collect()
    }

    /// Returns what was made to fit.
    pub(super) fn repairs(&self) -> Vec<&DataError> {
        self.chunks.iter().flat_map(|chunk| &chunk.repairs).collect()
    }
}

impl Failure {
    /// Returns the error about the data; any other failure is a failure of the test.
    #[track_caller]
    pub(super) fn data(self) -> DataError {
        match self {
            Self::Split(Error::Data { source, .. }) | Self::Decode(DecodeError::Data(source)) => {
                *source
            }
            other => panic!("no error about data: {other:?}"),
        }
    }
}

fn row_as_json(batch: &RecordBatch, row: usize) -> Value {
    let schema = batch.schema();
    let fields = schema.fields().iter().zip(batch.columns());
    let members = fields.map(|(field, column)| (field.name().clone(), as_json(column, row)));
    Value::Object(members.collect())
}

/// Returns a value as JSON; what JSON has no kind for becomes a string.
pub(super) fn as_json(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).into(),
        DataType::Utf8View => array.as_string_view().value(row).into(),
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            (0..items.len()).map(|index| as_json(&items, index)).collect()
        }
        DataType::Struct(fields) => {
            let columns = fields.iter().zip(array.as_struct().columns());
            let members: Map<String, Value> = columns
                .map(|(field, column)| (field.name().clone(), as_json(column, row)))
                .collect();
            Value::Object(members)
        }
        DataType::Decimal128(..) => {
            array.as_primitive::<Decimal128Type>().value_as_string(row).into()
        }
        DataType::Date32 => {
            let date = array.as_primitive::<Date32Type>().value_as_date(row);
            date.map(|date| date.to_string()).into()
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let instant = array.as_primitive::<TimestampMicrosecondType>().value_as_datetime(row);
            instant.map(|instant| instant.to_string()).into()
        }
        _ => array_value_to_string(array, row).unwrap_or_default().into(),
    }
}
