//! Record batches into DuckDB: their types, their order, how far ahead they are read.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{
    Array, ArrayRef, BinaryArray, BinaryViewArray, BooleanArray, Date32Array, Decimal128Array,
    DictionaryArray, FixedSizeBinaryArray, FixedSizeListArray, Float32Array, Float64Array,
    Int8Array, Int16Array, Int32Array, Int64Array, LargeBinaryArray, LargeListArray,
    LargeStringArray, ListArray, MapArray, RecordBatch, RecordBatchIterator, StringArray,
    StringViewArray, StructArray, Time64MicrosecondArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt8Array,
    UInt16Array, UInt32Array, UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Fields, Int32Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatchReader;
use tundra_duckdb::{Class, Database, Error, Options, quote_identifier};

use crate::support::{MemoryFiles, integer_batch, integers, open, options};

const ROWS: usize = 5000;

/// Whether a row is null, the same for every column.
fn null(row: usize) -> bool {
    row % 5 == 3
}

fn some<T>(value: impl Fn(usize) -> T) -> impl Iterator<Item = Option<T>> {
    (0..ROWS).map(move |row| (!null(row)).then(|| value(row)))
}

fn offsets(counts: impl Iterator<Item = usize>) -> OffsetBuffer<i32> {
    OffsetBuffer::from_lengths(counts)
}

/// Columns of every type that has a place in Parquet, with nulls.
fn every_type() -> RecordBatch {
    let n = |row: usize| i64::try_from(row).unwrap();
    let text = |row: usize| {
        if row.is_multiple_of(2) { "short".to_owned() } else { format!("number {row:020}") }
    };
    let items = Arc::new(Field::new("item", DataType::Int64, true));
    let list_values: ArrayRef = Arc::new(Int64Array::from_iter(
        (0..ROWS).flat_map(|row| (0..row % 4).map(move |i| (i != 1).then(|| n(row) + n(i)))),
    ));
    let list_offsets = offsets((0..ROWS).map(|row| row % 4));
    let nulls = arrow::buffer::NullBuffer::from_iter((0..ROWS).map(|row| !null(row)));
    let views = Arc::new(Field::new("item", DataType::Utf8View, true));
    let view_values: ArrayRef = Arc::new(StringViewArray::from_iter_values(
        (0..ROWS).flat_map(|row| (0..row % 4).map(move |i| text(row + i))),
    ));
    let inner = Fields::from(vec![
        Field::new("x", DataType::Int32, true),
        Field::new("y", DataType::Utf8, true),
    ]);
    let structs = StructArray::new(
        inner,
        vec![
            Arc::new(Int32Array::from_iter((0..ROWS).map(|row| (row % 3 != 0).then_some(7)))),
            Arc::new(StringArray::from_iter_values((0..ROWS).map(text))),
        ],
        Some(nulls.clone()),
    );
    let entries = StructArray::from(vec![
        (
            Arc::new(Field::new("keys", DataType::Utf8, false)),
            Arc::new(StringArray::from_iter_values(
                (0..ROWS).flat_map(|row| (0..row % 4).map(|i| format!("k{i}"))),
            )) as ArrayRef,
        ),
        (Arc::new(Field::new("values", DataType::Int64, true)), Arc::clone(&list_values)),
    ]);
    let maps = MapArray::new(
        Arc::new(Field::new("entries", entries.data_type().clone(), false)),
        list_offsets.clone(),
        entries,
        Some(nulls.clone()),
        false,
    );
    let pairs: ArrayRef = Arc::new(Int64Array::from_iter_values((0..2 * ROWS).map(n)));
    let time = |row: usize| 1_600_000_000 + n(row) * 86_399;

    let columns: Vec<(&str, ArrayRef)> = vec![
        ("boolean", Arc::new(BooleanArray::from_iter(some(|row| row % 2 == 0)))),
        ("i8", Arc::new(Int8Array::from_iter(some(|row| (row % 256) as u8 as i8)))),
        ("i16", Arc::new(Int16Array::from_iter(some(|row| (row * 13) as u16 as i16)))),
        ("i32", Arc::new(Int32Array::from_iter(some(|row| i32::MIN + row as i32)))),
        ("i64", Arc::new(Int64Array::from_iter(some(|row| i64::MAX - n(row))))),
        ("u8", Arc::new(UInt8Array::from_iter(some(|row| (row % 256) as u8)))),
        ("u16", Arc::new(UInt16Array::from_iter(some(|row| u16::MAX - row as u16)))),
        ("u32", Arc::new(UInt32Array::from_iter(some(|row| u32::MAX - row as u32)))),
        ("u64", Arc::new(UInt64Array::from_iter(some(|row| u64::MAX - row as u64)))),
        ("f32", Arc::new(Float32Array::from_iter(some(|row| row as f32 / 3.0)))),
        ("f64", Arc::new(Float64Array::from_iter(some(|row| row as f64 / 3.0)))),
        (
            "decimal4",
            Arc::new(
                Decimal128Array::from_iter(some(|row| row as i128))
                    .with_precision_and_scale(4, 2)
                    .unwrap(),
            ),
        ),
        (
            "decimal18",
            Arc::new(
                Decimal128Array::from_iter(some(|row| 10_i128.pow(17) + row as i128))
                    .with_precision_and_scale(18, 6)
                    .unwrap(),
            ),
        ),
        (
            "decimal38",
            Arc::new(
                Decimal128Array::from_iter(some(|row| 10_i128.pow(38) - 1 - row as i128))
                    .with_precision_and_scale(38, 20)
                    .unwrap(),
            ),
        ),
        ("text", Arc::new(StringArray::from_iter(some(text)))),
        ("large_text", Arc::new(LargeStringArray::from_iter(some(text)))),
        ("text_view", Arc::new(StringViewArray::from_iter(some(text)))),
        ("binary", Arc::new(BinaryArray::from_iter(some(|row| text(row).into_bytes())))),
        ("large_binary", Arc::new(LargeBinaryArray::from_iter(some(|row| text(row).into_bytes())))),
        ("binary_view", Arc::new(BinaryViewArray::from_iter(some(|row| text(row).into_bytes())))),
        (
            "fixed",
            Arc::new(
                FixedSizeBinaryArray::try_from_sparse_iter_with_size(
                    some(|row| (row as u64).to_be_bytes()),
                    8,
                )
                .unwrap(),
            ),
        ),
        (
            "dictionary",
            Arc::new(DictionaryArray::<Int32Type>::from_iter(
                (0..ROWS).map(|row| (!null(row)).then_some(["red", "green", "blue"][row % 3])),
            )),
        ),
        ("date", Arc::new(Date32Array::from_iter(some(|row| row as i32 * 10 - 20_000)))),
        ("time", Arc::new(Time64MicrosecondArray::from_iter(some(|row| n(row) * 17_279_999)))),
        ("seconds", Arc::new(TimestampSecondArray::from_iter(some(time)))),
        (
            "millis",
            Arc::new(TimestampMillisecondArray::from_iter(some(|row| time(row) * 1000 + 1))),
        ),
        (
            "micros",
            Arc::new(TimestampMicrosecondArray::from_iter(some(|row| time(row) * 1_000_000 + 1))),
        ),
        (
            "nanos",
            Arc::new(TimestampNanosecondArray::from_iter(some(|row| {
                time(row) * 1_000_000_000 + 1
            }))),
        ),
        (
            "micros_utc",
            Arc::new(
                TimestampMicrosecondArray::from_iter(some(|row| time(row) * 1_000_000 + 1))
                    .with_timezone("UTC"),
            ),
        ),
        (
            "list",
            Arc::new(ListArray::new(
                Arc::clone(&items),
                list_offsets.clone(),
                Arc::clone(&list_values),
                Some(nulls.clone()),
            )),
        ),
        (
            "large_list",
            Arc::new(LargeListArray::new(
                Arc::clone(&items),
                OffsetBuffer::from_lengths((0..ROWS).map(|row| row % 4)),
                list_values,
                Some(nulls.clone()),
            )),
        ),
        (
            "view_list",
            Arc::new(ListArray::new(views, list_offsets, view_values, Some(nulls.clone()))),
        ),
        ("pair", Arc::new(FixedSizeListArray::new(items, 2, pairs, Some(nulls)))),
        ("struct", Arc::new(structs)),
        ("map", Arc::new(maps)),
    ];
    RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )
    .unwrap()
}

fn reader(
    schema: &SchemaRef,
    batches: Vec<Result<RecordBatch, ArrowError>>,
) -> Box<dyn RecordBatchReader + Send> {
    Box::new(RecordBatchIterator::new(batches, Arc::clone(schema)))
}

#[test]
fn every_type_arrives_with_its_values() {
    let batch = every_type();
    let schema = batch.schema();
    let files = MemoryFiles::default();
    let database = open(&files);
    // Parts that do not begin at the beginning of their buffers, nor at a full byte of the nulls.
    let cuts = [0, 1, 2050, 2051, 4999, ROWS];
    let parts = cuts.windows(2).map(|cut| Ok(batch.slice(cut[0], cut[1] - cut[0]))).collect();
    database.register_stream("input", reader(&schema, parts)).unwrap();
    database
        .execute("COPY input TO 'tundra://out.parquet' (FORMAT parquet, USE_TMP_FILE false)")
        .unwrap();

    let read = files.parquet("out.parquet");
    let read = concat_batches(&read[0].schema(), &read).unwrap();
    assert_eq!(read.num_rows(), ROWS);
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        let found = read.column_by_name(field.name()).expect("a column of every name");
        // Parquet has fewer types, and the reader takes the plain ones.
        let found =
            cast(found, field.data_type()).unwrap_or_else(|error| panic!("{field}: {error}"));
        assert_eq!(
            &found,
            column,
            "{field} came as {}",
            read.schema().field_with_name(field.name()).unwrap()
        );
    }
}

#[test]
fn a_type_that_duckdb_lacks_is_an_error_at_once() {
    for data_type in [DataType::Decimal256(50, 0), DataType::Float16] {
        let schema = Arc::new(Schema::new(vec![Field::new("a", data_type.clone(), true)]));
        let database = open(&MemoryFiles::default());
        let error = database.register_stream("input", reader(&schema, Vec::new())).unwrap_err();
        assert!(
            matches!(error.class(), Class::Unsupported | Class::InvalidInput),
            "{data_type}: {error:?}"
        );
    }
}

#[test]
fn a_name_that_arrow_cannot_hand_over_is_an_error_at_once() {
    let schema = Arc::new(Schema::new(vec![Field::new("a\0b", DataType::Int64, true)]));
    let database = open(&MemoryFiles::default());
    let error = database.register_stream("input", reader(&schema, Vec::new())).unwrap_err();
    assert!(matches!(error, Error::Stream { .. }), "{error:?}");
}

#[test]
fn an_empty_stream_becomes_parquet_with_its_columns() {
    let schema = every_type().schema();
    let empty = RecordBatch::new_empty(Arc::clone(&schema));
    for batches in [Vec::new(), vec![Ok(empty.clone())], vec![Ok(empty.clone()), Ok(empty)]] {
        let files = MemoryFiles::default();
        let database = open(&files);
        database.register_stream("input", reader(&schema, batches)).unwrap();
        let copied = database
            .execute("COPY input TO 'tundra://out.parquet' (FORMAT parquet, USE_TMP_FILE false)")
            .unwrap();
        assert_eq!(copied, 0);
        let data = files.get("out.parquet").unwrap();
        let read =
            parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(data).unwrap();
        let names = |schema: &SchemaRef| {
            schema.fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(read.schema()), names(&schema));
        assert_eq!(read.metadata().file_metadata().num_rows(), 0);
    }
}

#[test]
fn a_batch_that_breaks_the_schema_is_an_error() {
    let announced = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    let other: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let wrong_type = RecordBatch::try_from_iter([("a", Arc::clone(&other))]).unwrap();
    let integers: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let too_many = RecordBatch::try_from_iter([("a", integers), ("b", other)]).unwrap();
    let schema = Schema::new(Vec::<Field>::new());
    let no_columns = RecordBatch::try_new_with_options(
        Arc::new(schema),
        Vec::new(),
        &arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(1)),
    )
    .unwrap();
    for (wrong, words) in [
        (wrong_type, "column `a` of batch 2 is Utf8"),
        (too_many, "batch 2 has 2 columns"),
        (no_columns, "batch 2 has 0 columns"),
    ] {
        let database = open(&MemoryFiles::default());
        let batches = vec![Ok(integer_batch(&announced, 0..3)), Ok(wrong)];
        database.register_stream("input", reader(&announced, batches)).unwrap();
        let error = database.query("SELECT sum(a) FROM input").unwrap_err();
        let Error::Stream { source, .. } = error else { panic!("{error:?}") };
        assert!(source.to_string().contains(words), "{source}");
    }
}

#[test]
fn a_stream_without_columns_is_an_error() {
    let schema = Arc::new(Schema::empty());
    let database = open(&MemoryFiles::default());
    let error = database.register_stream("input", reader(&schema, Vec::new())).unwrap_err();
    assert_eq!(error.class(), Class::InvalidInput, "{error:?}");
}

#[test]
fn a_stream_is_read_once() {
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    let database = open(&MemoryFiles::default());
    let batches = vec![Ok(integer_batch(&schema, 0..3))];
    database.register_stream("input", reader(&schema, batches)).unwrap();
    // Looking at the columns is not reading.
    database.query("DESCRIBE input").unwrap();
    assert_eq!(integers(&database.query("SELECT sum(a)::BIGINT FROM input").unwrap()), [3]);
    let error = database.query("SELECT sum(a) FROM input").unwrap_err();
    assert_eq!(error.class(), Class::InvalidInput);
    assert!(error.to_string().contains("only once"), "{error}");
}

#[test]
fn a_name_is_given_once_and_may_be_anything() {
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    let database = open(&MemoryFiles::default());
    for name in ["input", "a b", r#"quo"te"#, "x'; DROP VIEW input; --", "SELECT", "été", "a.b"] {
        let batches = || vec![Ok(integer_batch(&schema, 0..3))];
        database.register_stream(name, reader(&schema, batches())).unwrap();
        let error = database.register_stream(name, reader(&schema, batches())).unwrap_err();
        assert_eq!(error.class(), Class::Sql, "{error:?}");
        let quoted = tundra_duckdb::quote_identifier(name);
        let rows = database.query(&format!("SELECT a FROM {quoted}")).unwrap();
        assert_eq!(integers(&rows), [0, 1, 2]);
    }
}

#[test]
fn columns_can_be_chosen_and_rows_counted() {
    let batch = every_type();
    let schema = batch.schema();
    let database = open(&MemoryFiles::default());
    for (sql, expected) in [
        ("SELECT count(*) FROM input0", ROWS as i64),
        ("SELECT count(map) FROM input1", 4000),
        ("SELECT sum(u8)::BIGINT FROM input2 WHERE text = 'short'", 253_440),
        ("SELECT count(*) FROM input3 WHERE i64 IS NULL", 1000),
        ("SELECT sum(list_sum(list))::BIGINT FROM input4 WHERE boolean", 7_500_000),
    ] {
        let name = sql.split_whitespace().nth(3).unwrap();
        database.register_stream(name, reader(&schema, vec![Ok(batch.clone())])).unwrap();
        let found = integers(&database.query(sql).unwrap());
        let expected = match sql {
            // Worked out from the values rather than by hand.
            sql if sql.contains("u8") => (0..ROWS)
                .filter(|row| !null(*row) && row % 2 == 0)
                .map(|row| (row % 256) as i64)
                .sum(),
            sql if sql.contains("list_sum") => (0..ROWS)
                .filter(|row| !null(*row) && row % 2 == 0)
                .flat_map(|row| (0..row % 4).filter(|i| *i != 1).map(move |i| (row + i) as i64))
                .sum(),
            _ => expected,
        };
        assert_eq!(found, [expected], "{sql}");
    }
}

#[test]
fn order_is_kept_while_many_threads_read() {
    const BATCHES: i64 = 300;
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    for (threads, rows) in [(1, 4000), (2, 4000), (4, 4000), (4, 1), (3, 2049)] {
        let files = MemoryFiles::default();
        let options = Options { threads, ..options() };
        let database = Database::open(&options, Arc::new(files.clone())).unwrap();
        let batches =
            (0..BATCHES).map(|batch| Ok(integer_batch(&schema, batch * rows..(batch + 1) * rows)));
        database.register_stream("input", reader(&schema, batches.collect())).unwrap();
        database
            .execute(
                "COPY input TO 'tundra://out.parquet' \
                 (FORMAT parquet, ROW_GROUP_SIZE 30000, USE_TMP_FILE false)",
            )
            .unwrap();
        let read = integers(&files.parquet("out.parquet"));
        assert!(read.iter().copied().eq(0..BATCHES * rows), "{threads} threads, {rows} rows");
    }
}

#[test]
fn several_threads_convert_a_stream_at_once() {
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    let files = MemoryFiles::default();
    let database = open(&files);
    let threads = Arc::new(Mutex::new(HashSet::new()));
    let seen = Arc::clone(&threads);
    let batch = integer_batch(&schema, 0..500_000);
    let batches = (0..40).map(move |_| {
        seen.lock().unwrap().insert(std::thread::current().id());
        Ok(batch.clone())
    });
    let reader = RecordBatchIterator::new(batches, schema);
    database.register_stream("input", Box::new(reader)).unwrap();
    database.execute("COPY input TO 'tundra://out' (FORMAT parquet, USE_TMP_FILE false)").unwrap();
    assert_eq!(threads.lock().unwrap().len(), 2, "as many threads pull as there are");
}

#[test]
fn a_stream_is_not_read_ahead() {
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    let database = open(&MemoryFiles::default());
    let pulled = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&pulled);
    let batch_schema = Arc::clone(&schema);
    let batches = (0..1000).map(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(integer_batch(&batch_schema, 0..2048))
    });
    let reader = RecordBatchIterator::new(batches, schema);
    database.register_stream("input", Box::new(reader)).unwrap();
    assert_eq!(pulled.load(Ordering::Relaxed), 0, "nothing is read before the query");
    database.query("SELECT a FROM input LIMIT 10").unwrap();
    // Two threads, each with a batch in hand and perhaps one more when the limit was reached.
    assert!(pulled.load(Ordering::Relaxed) < 20, "{pulled:?} batches were read for ten rows");
}

/// A reader that tells when it is dropped.
struct Dropped(SchemaRef, Arc<AtomicUsize>);

impl Iterator for Dropped {
    type Item = Result<RecordBatch, ArrowError>;
    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}

impl RecordBatchReader for Dropped {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.0)
    }
}

impl Drop for Dropped {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_reader_is_dropped_once() {
    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    let drops = Arc::new(AtomicUsize::new(0));
    let new = || Box::new(Dropped(Arc::clone(&schema), Arc::clone(&drops)));
    let database = open(&MemoryFiles::default());

    database.register_stream("read", new()).unwrap();
    database.query("SELECT * FROM read").unwrap();
    assert_eq!(drops.load(Ordering::Relaxed), 1, "with the statement");
    database.register_stream("read", new()).unwrap_err();
    assert_eq!(drops.load(Ordering::Relaxed), 2, "when it is not taken");
    database.register_stream("unread", new()).unwrap();
    drop(database);
    assert_eq!(drops.load(Ordering::Relaxed), 3, "with the database");
}

#[test]
fn a_database_with_few_functions_does_what_a_conversion_needs() {
    let files = MemoryFiles::default();
    let options = Options { all_functions: false, ..options() };
    let database = Database::open(&options, Arc::new(files.clone())).unwrap();
    let batch = every_type();
    let schema = batch.schema();
    for name in ["looked_at", "copied"] {
        database.register_stream(name, reader(&schema, vec![Ok(batch.clone())])).unwrap();
    }
    let columns: Vec<String> = schema
        .fields()
        .iter()
        .filter(|field| !field.data_type().is_nested())
        .map(|field| {
            let name = quote_identifier(field.name());
            format!(
                "count(*) - count({name}), count(DISTINCT {name}), CAST(min({name}) AS VARCHAR), \
                 CAST(max({name}) AS VARCHAR)"
            )
        })
        .collect();
    let looked = format!("SELECT count(*), {} FROM looked_at", columns.join(", "));
    assert_eq!(integers(&database.query(&looked).unwrap()), [ROWS as i64]);
    database
        .execute(
            "COPY copied TO 'tundra://out.parquet' (FORMAT parquet, KV_METADATA {'a': 'b'}, \
             RETURN_STATS, USE_TMP_FILE false)",
        )
        .unwrap();
    let read: usize = files.parquet("out.parquet").iter().map(RecordBatch::num_rows).sum();
    assert_eq!(read, ROWS);
    // What takes the time to set up is not there.
    for sql in ["SELECT sin(1)", "SELECT json_valid('1')", "SELECT CAST('1' AS JSON)"] {
        let error = database.query(sql).unwrap_err();
        assert!(matches!(error, Error::Query { .. }), "{sql}: {error}");
    }
}
