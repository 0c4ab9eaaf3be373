//! The first rows of what was written: the same values, no more rows than asked for, and no more bytes
//! than those rows need.

use std::{
    fs::File,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arrow::{
    array::{AsArray, Int64Array, RecordBatch, StringArray},
    compute::concat_batches,
    datatypes::Int64Type,
};
use async_trait::async_trait;
use bytes::Bytes;
use parquet::{arrow::ArrowWriter, file::properties::WriterProperties};
use tundra_core::{
    Classify, ErrorKind, IfExists, Input, ObjectInfo, ObjectPath, ObjectReader, ObjectWriter,
    Storage, StorageCapabilities, StorageError,
    engine::{self, FirstRows},
};

use crate::support::{OUTPUT, Scene};

/// Rows of the first row group and of all.
const GROUP: i64 = 40_000;
const ROWS: i64 = 100_000;

/// A file of three row groups, with a column of numbers and one of texts that compress badly.
fn numbered() -> Bytes {
    let numbers = Int64Array::from_iter_values(0..ROWS);
    let texts = StringArray::from_iter_values((0..ROWS).map(text_of));
    let batch =
        RecordBatch::try_from_iter([("n", Arc::new(numbers) as _), ("text", Arc::new(texts) as _)])
            .unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(usize::try_from(GROUP).unwrap()))
        .set_dictionary_enabled(false)
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes.into()
}

fn text_of(n: i64) -> String {
    format!("{:016x}{:016x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed()), n)
}

fn whole(rows: &FirstRows) -> RecordBatch {
    concat_batches(&rows.schema, &rows.batches).unwrap()
}

#[tokio::test]
async fn the_first_rows_are_those_of_the_file() {
    let scene = Scene::memory();
    scene.put("in.parquet", numbered()).await;
    for limit in [0, 1, 1024, 1025, 50_000, 1_000_000] {
        let rows =
            engine::preview(&scene.input("in.parquet"), limit, &scene.control).await.unwrap();
        assert_eq!(rows.total_rows, 100_000);
        let batch = whole(&rows);
        assert_eq!(batch.num_rows() as u64, limit.min(rows.total_rows), "{limit}");
        let numbers = batch.column(0).as_primitive::<Int64Type>().values();
        let texts = batch.column(1).as_string::<i32>();
        for (n, (found, text)) in (0..).zip(numbers.iter().zip(texts)) {
            assert_eq!((*found, text), (n, Some(&*text_of(n))));
        }
    }
}

#[tokio::test]
async fn what_was_converted_reads_back() {
    let scene = Scene::local();
    scene.put("in.csv", "a,b\n1,x\n,\"ä\n\"\n").await;
    scene.convert("in.csv", &tundra_core::ConvertOptions::default()).await.unwrap();
    let rows = engine::preview(&scene.input(OUTPUT), 100, &scene.control).await.unwrap();
    let batch = whole(&rows);
    let names: Vec<&str> = rows.schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    let numbers: Vec<Option<i64>> = batch.column(0).as_primitive::<Int64Type>().iter().collect();
    assert_eq!(numbers, [Some(1), None]);
    assert_eq!(batch.column(1).as_string::<i32>().value(1), "ä\n");
}

#[tokio::test]
async fn a_hundred_rows_need_no_more_than_the_pages_they_are_in() {
    let scene = Scene::memory();
    scene.put("in.parquet", numbered()).await;
    let read = Arc::new(AtomicU64::new(0));
    let storage = Counting { inner: Arc::clone(&scene.storage), read: Arc::clone(&read) };
    let input = Input { storage: Arc::new(storage), path: "in.parquet".parse().unwrap() };
    let size = scene.storage.head(&input.path).await.unwrap().size;
    let rows = engine::preview(&input, 100, &scene.control).await.unwrap();
    assert_eq!(whole(&rows).num_rows(), 100);
    let read = read.load(Ordering::Relaxed);
    assert!(read < size / 2 && read < 3 << 20, "{read} of {size} bytes were read");
}

#[tokio::test]
async fn a_file_that_is_cut_off_is_refused_and_a_run_that_is_cancelled_ends() {
    let scene = Scene::memory();
    let whole = numbered();
    scene.put("short.parquet", whole.slice(..whole.len() - 9)).await;
    let error =
        engine::preview(&scene.input("short.parquet"), 5, &scene.control).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
    // The footer is whole, and what it leads to is not.
    let mut torn = whole.to_vec();
    torn[4..400_000].fill(0xff);
    scene.put("torn.parquet", torn).await;
    let error = engine::preview(&scene.input("torn.parquet"), 5, &scene.control).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");

    scene.put("in.parquet", whole).await;
    scene.control.cancel.cancel();
    let error = engine::preview(&scene.input("in.parquet"), 5, &scene.control).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}

/// A store that counts the bytes that are read.
#[derive(Debug)]
struct Counting {
    inner: Arc<dyn Storage>,
    read: Arc<AtomicU64>,
}

#[derive(Debug)]
struct CountingReader {
    inner: Arc<dyn ObjectReader>,
    read: Arc<AtomicU64>,
}

#[async_trait]
impl Storage for Counting {
    fn capabilities(&self) -> StorageCapabilities {
        self.inner.capabilities()
    }

    fn display(&self, path: &ObjectPath) -> String {
        self.inner.display(path)
    }

    async fn head(&self, path: &ObjectPath) -> Result<ObjectInfo, StorageError> {
        self.inner.head(path).await
    }

    async fn open(&self, path: &ObjectPath) -> Result<Arc<dyn ObjectReader>, StorageError> {
        let inner = self.inner.open(path).await?;
        Ok(Arc::new(CountingReader { inner, read: Arc::clone(&self.read) }))
    }

    async fn create(
        &self,
        path: &ObjectPath,
        if_exists: IfExists,
    ) -> Result<Box<dyn ObjectWriter>, StorageError> {
        self.inner.create(path, if_exists).await
    }

    async fn list(&self, prefix: Option<&ObjectPath>) -> Result<Vec<ObjectInfo>, StorageError> {
        self.inner.list(prefix).await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StorageError> {
        self.inner.delete(path).await
    }
}

#[async_trait]
impl ObjectReader for CountingReader {
    fn info(&self) -> &ObjectInfo {
        self.inner.info()
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, StorageError> {
        self.read.fetch_add(range.end - range.start, Ordering::Relaxed);
        self.inner.read(range).await
    }

    fn as_file(&self) -> Option<&File> {
        None
    }

    async fn check_unchanged(&self) -> Result<(), StorageError> {
        self.inner.check_unchanged().await
    }
}
