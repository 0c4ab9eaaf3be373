//! What `COPY … (RETURN_STATS)` tells: the engine above counts on its form.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, MapArray};
use arrow::datatypes::UInt64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::support::{MemoryFiles, open};

fn map_of_text(map: &ArrayRef) -> BTreeMap<String, String> {
    let entries = map.as_struct();
    let (keys, values) =
        (entries.column(0).as_string::<i32>(), entries.column(1).as_string::<i32>());
    (0..entries.len())
        .map(|row| (keys.value(row).to_owned(), values.value(row).to_owned()))
        .collect()
}

/// Returns name and value of every statistic of every column.
fn column_statistics(column: &MapArray) -> BTreeMap<String, BTreeMap<String, String>> {
    let entries = column.value(0);
    let (names, values) = (entries.column(0).as_string::<i32>(), entries.column(1).as_map());
    (0..entries.len())
        .map(|row| {
            let statistics: ArrayRef = std::sync::Arc::new(values.value(row));
            (names.value(row).to_owned(), map_of_text(&statistics))
        })
        .collect()
}

#[test]
fn a_copy_tells_what_it_wrote() {
    let files = MemoryFiles::default();
    let database = open(&files);
    let rows = database
        .query(
            "COPY (SELECT i::INTEGER AS number, CASE WHEN i % 3 <> 0 THEN 'text ' || i END AS text, \
             {'x': i, 'y': CASE WHEN i % 2 = 0 THEN 'even' END} AS pair, \
             CASE WHEN i % 5 <> 0 THEN [i, NULL] END AS list, NULL::INTEGER AS nothing, \
             'quoted' AS \"a \"\"b\"\".c\" \
             FROM range(300000) t(i)) TO 'tundra://out.parquet' \
             (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 5, ROW_GROUP_SIZE 100000, \
             KV_METADATA {'tundra': 'receipt'}, RETURN_STATS, USE_TMP_FILE false)",
        )
        .unwrap();
    let [rows] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!(rows.num_rows(), 1);
    let names: Vec<_> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(
        names,
        [
            "filename",
            "count",
            "file_size_bytes",
            "footer_size_bytes",
            "column_statistics",
            "partition_keys",
            "extra_info"
        ]
    );
    let number = |name: &str| rows[name].as_primitive::<UInt64Type>().value(0);
    assert_eq!(rows["filename"].as_string::<i32>().value(0), "tundra://out.parquet");
    assert_eq!(number("count"), 300_000);
    let data = files.get("out.parquet").unwrap();
    assert_eq!(number("file_size_bytes"), data.len() as u64);

    let statistics = column_statistics(rows["column_statistics"].as_map());
    let of = |column: &str, name: &str| statistics[column][name].as_str();
    for (column, nulls, values) in [
        (r#""number""#, "0", "300000"),
        (r#""text""#, "100000", "300000"),
        // A struct, its fields, a list and its elements have an entry each.
        (r#""pair""#, "0", "300000"),
        (r#""pair"."x""#, "0", "300000"),
        (r#""pair"."y""#, "150000", "300000"),
        (r#""list""#, "60000", "300000"),
        // A list that is null counts as one element that is null.
        (r#""list"."element""#, "300000", "540000"),
        (r#""nothing""#, "300000", "300000"),
        (r#""a ""b"".c""#, "0", "300000"),
    ] {
        assert_eq!(of(column, "null_count"), nulls, "{column}");
        assert_eq!(of(column, "num_values"), values, "{column}");
    }
    assert_eq!(statistics.len(), 9);
    assert_eq!((of(r#""number""#, "min"), of(r#""number""#, "max")), ("0", "299999"));

    let reader = ParquetRecordBatchReaderBuilder::try_new(data).unwrap();
    let metadata = reader.metadata();
    let footer = metadata.file_metadata();
    let pairs = footer.key_value_metadata().unwrap();
    let kept = pairs.iter().find(|pair| pair.key == "tundra").unwrap();
    assert_eq!(kept.value.as_deref(), Some("receipt"));
    assert_eq!(footer.num_rows(), 300_000);
    let groups: Vec<_> = metadata.row_groups().iter().map(|group| group.num_rows()).collect();
    // DuckDB fills row groups in whole vectors of 2048 rows.
    assert!(groups.len() == 3 && groups.iter().all(|rows| *rows <= 100_352), "{groups:?}");
}
