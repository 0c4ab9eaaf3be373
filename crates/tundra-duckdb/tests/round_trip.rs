//! Data through DuckDB and back, compared by a reader that is not DuckDB.

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, RecordBatchIterator, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};

use crate::support::{Event, MemoryFiles, integers, open};

#[test]
fn a_query_returns_its_rows() {
    let database = open(&MemoryFiles::default());
    let rows = database.query("SELECT i FROM range(5) t(i)").unwrap();
    assert_eq!(integers(&rows), [0, 1, 2, 3, 4]);
}

#[test]
fn a_stream_becomes_parquet_in_its_order() {
    const BATCHES: i64 = 150;
    const ROWS: i64 = 8192;
    let schema = Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("name", DataType::Utf8View, true),
    ]));
    let batches = (0..BATCHES).map({
        let schema = Arc::clone(&schema);
        move |batch| {
            let ids = batch * ROWS..(batch + 1) * ROWS;
            let names = ids.clone().map(|id| (id % 7 != 0).then(|| format!("name number {id}")));
            let columns: Vec<Arc<dyn arrow::array::Array>> = vec![
                Arc::new(Int64Array::from_iter_values(ids)),
                Arc::new(StringViewArray::from_iter(names)),
            ];
            RecordBatch::try_new(Arc::clone(&schema), columns)
        }
    });
    let files = MemoryFiles::default();
    let database = open(&files);
    let reader = RecordBatchIterator::new(batches, schema);
    database.register_stream("input", Box::new(reader)).unwrap();
    let copied = database
        .execute(
            "COPY (SELECT * FROM input) TO 'tundra://out.parquet' \
             (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 100000, USE_TMP_FILE false)",
        )
        .unwrap();
    assert_eq!(copied, (BATCHES * ROWS) as u64);
    assert_eq!(
        files.events(),
        [Event::Created("out.parquet".into()), Event::Closed("out.parquet".into())]
    );
    let rows = files.parquet("out.parquet");
    assert_eq!(integers(&rows), (0..BATCHES * ROWS).collect::<Vec<_>>());
}
