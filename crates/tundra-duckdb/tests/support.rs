//! A file system in memory that notes what is done with it and fails where it is told to.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use arrow::array::{Array, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{Int64Type, SchemaRef, UInt64Type};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tundra_duckdb::{BoxError, Database, FileSystem, Operation, Options, ReadFile, WriteFile};

/// What was done with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Opened(String),
    Created(String),
    Closed(String),
    Aborted(String),
    Removed(String),
}

/// The error that a fault returns: found again by its type.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Broken(pub(crate) &'static str);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken on purpose: {}", self.0)
    }
}

impl std::error::Error for Broken {}

/// How an operation fails.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    Error,
    Panic,
}

/// Files in memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemoryFiles(Arc<State>);

#[derive(Debug, Default)]
struct State {
    files: Mutex<BTreeMap<String, Bytes>>,
    events: Mutex<Vec<Event>>,
    fault: Mutex<Option<(Operation, u64, Fault)>>,
}

impl MemoryFiles {
    pub(crate) fn put(&self, path: &str, data: impl Into<Bytes>) {
        self.0.files.lock().unwrap().insert(path.to_owned(), data.into());
    }

    pub(crate) fn get(&self, path: &str) -> Option<Bytes> {
        self.0.files.lock().unwrap().get(path).cloned()
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.0.events.lock().unwrap().clone()
    }

    /// Returns how many hold these files: their database, its open files and the test.
    pub(crate) fn owners(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// Lets an operation fail from a position in the file on; for those without a position, 0.
    pub(crate) fn fail(&self, operation: Operation, from: u64, fault: Fault) {
        *self.0.fault.lock().unwrap() = Some((operation, from, fault));
    }

    /// Reads a Parquet file with another reader than DuckDB.
    pub(crate) fn parquet(&self, path: &str) -> Vec<RecordBatch> {
        let data = self.get(path).expect("the file is there");
        let reader = ParquetRecordBatchReaderBuilder::try_new(data).unwrap();
        reader.with_batch_size(1 << 16).build().unwrap().collect::<Result<_, _>>().unwrap()
    }
}

impl State {
    fn note(&self, event: Event) {
        self.events.lock().unwrap().push(event);
    }

    fn check(&self, operation: Operation, position: u64) -> Result<(), BoxError> {
        let fault = *self.fault.lock().unwrap();
        match fault {
            Some((failing, from, fault)) if failing == operation && position >= from => match fault
            {
                Fault::Error => Err(Broken("file").into()),
                Fault::Panic => panic!("{operation} panics on purpose"),
            },
            _ => Ok(()),
        }
    }
}

impl FileSystem for MemoryFiles {
    fn open(&self, path: &str) -> Result<Arc<dyn ReadFile>, BoxError> {
        self.0.check(Operation::Open, 0)?;
        let data = self.get(path).ok_or(Broken("no such file"))?;
        self.0.note(Event::Opened(path.to_owned()));
        Ok(Arc::new(MemoryRead { data, state: Arc::clone(&self.0) }))
    }

    fn create(&self, path: &str) -> Result<Box<dyn WriteFile>, BoxError> {
        self.0.check(Operation::Create, 0)?;
        self.0.note(Event::Created(path.to_owned()));
        let (path, state) = (path.to_owned(), Arc::clone(&self.0));
        Ok(Box::new(MemoryWrite { path, data: Vec::new(), state }))
    }

    fn exists(&self, path: &str) -> Result<bool, BoxError> {
        self.0.check(Operation::Exists, 0)?;
        Ok(self.get(path).is_some())
    }

    fn remove(&self, path: &str) -> Result<(), BoxError> {
        self.0.check(Operation::Remove, 0)?;
        self.0.note(Event::Removed(path.to_owned()));
        self.0.files.lock().unwrap().remove(path);
        Ok(())
    }
}

struct MemoryRead {
    data: Bytes,
    state: Arc<State>,
}

impl ReadFile for MemoryRead {
    fn len(&self) -> u64 {
        self.data.len() as u64
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize, BoxError> {
        self.state.check(Operation::Read, offset + buf.len() as u64)?;
        let rest = &self.data[usize::try_from(offset)?..];
        // Short reads are allowed, so they happen.
        let count = rest.len().min(buf.len()).min(1 << 20);
        buf[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn version(&self) -> Option<&str> {
        Some("v1")
    }

    fn modified(&self) -> Option<SystemTime> {
        None
    }
}

struct MemoryWrite {
    path: String,
    data: Vec<u8>,
    state: Arc<State>,
}

impl WriteFile for MemoryWrite {
    fn write(&mut self, data: &[u8]) -> Result<(), BoxError> {
        self.data.extend_from_slice(data);
        self.state.check(Operation::Write, self.data.len() as u64)
    }

    fn close(self: Box<Self>) -> Result<(), BoxError> {
        self.state.note(Event::Closed(self.path.clone()));
        self.state.check(Operation::Close, 0)?;
        self.state.files.lock().unwrap().insert(self.path, self.data.into());
        Ok(())
    }

    fn abort(self: Box<Self>) {
        self.state.note(Event::Aborted(self.path));
    }
}

/// Options that suit most tests: two threads, no spilling.
pub(crate) fn options() -> Options {
    Options {
        memory_limit: 1 << 30,
        threads: 2,
        io_threads: 2,
        temp_directory: None,
        max_temp_size: 0,
        preserve_insertion_order: true,
        cache_files: false,
        all_functions: true,
    }
}

pub(crate) fn open(files: &MemoryFiles) -> Database {
    Database::open(&options(), Arc::new(files.clone())).unwrap()
}

/// Makes a batch of one column with these integers.
pub(crate) fn integer_batch(schema: &SchemaRef, values: Range<i64>) -> RecordBatch {
    let column = Arc::new(Int64Array::from_iter_values(values));
    RecordBatch::try_new(Arc::clone(schema), vec![column]).unwrap()
}

/// Returns the first column of a result as integers.
pub(crate) fn integers(batches: &[RecordBatch]) -> Vec<i64> {
    let columns = batches.iter().map(|batch| batch.column(0).as_primitive::<Int64Type>());
    columns.flat_map(|column| column.values().iter().copied().collect::<Vec<_>>()).collect()
}

/// Checks that the column rises, and returns how many rows there are.
pub(crate) fn sorted_rows(batches: &[RecordBatch], column: &str) -> u64 {
    let mut last = 0;
    let mut rows = 0;
    for batch in batches {
        let column = batch.column_by_name(column).unwrap().as_primitive::<UInt64Type>();
        for value in column.values() {
            assert!(*value >= last, "{value} came after {last}");
            last = *value;
        }
        rows += batch.num_rows() as u64;
    }
    rows
}

/// Returns the first column of a result as text.
pub(crate) fn texts(batches: &[RecordBatch]) -> Vec<String> {
    let columns = batches.iter().map(|batch| batch.column(0).as_string::<i32>());
    columns
        .flat_map(|column| {
            (0..column.len()).map(|row| column.value(row).to_owned()).collect::<Vec<_>>()
        })
        .collect()
}
