//! The reader that other scenarios trust: what PyArrow wrote comes back as it was.

use tundra_tests::{parquet, python};

/// Values that a careless reader changes: nulls, exact decimals, the largest integers, floats that
/// need all their digits, times to the nanosecond, text with quotes and beyond ASCII.
const WRITER: &str = r#"
import sys, datetime, decimal
import pyarrow as pa, pyarrow.parquet
table = pa.table(
    {
        "n": pa.array([9223372036854775807, None, -1], pa.int64()),
        "d": pa.array([decimal.Decimal("12345678901234567890.10"), None, None], pa.decimal128(38, 2)),
        "f": pa.array([0.1, float("nan"), 1e300], pa.float64()),
        "b": pa.array([True, False, None]),
        "t": pa.array(["ä\"\n", "", None]),
        "day": pa.array([datetime.date(2024, 2, 29), None, None]),
        "at": pa.array([1700000000123456789, None, None], pa.timestamp("ns")),
        "raw": pa.array([b"\x00\xff", None, b""]),
        "l": pa.array([[1, None], [], None], pa.list_(pa.int64())),
    },
    metadata={"tundra.version": "5"},
)
pa.parquet.write_table(table, sys.argv[1], compression="zstd", row_group_size=2)
"#;

#[test]
fn every_value_type_and_null_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    python::run(WRITER, [&path]).unwrap();

    let contents = parquet::read(&path).unwrap();

    assert_eq!(contents.names(), ["n", "d", "f", "b", "t", "day", "at", "raw", "l"]);
    assert_eq!(
        contents.types(),
        [
            "int64",
            "decimal128(38, 2)",
            "double",
            "bool",
            "string",
            "date32[day]",
            "timestamp[ns]",
            "binary",
            "list<element: int64>",
        ]
    );
    let rows: Vec<_> = (0..3).map(|index| contents.row(index).unwrap()).collect();
    assert_eq!(
        rows,
        [
            vec![
                Some("9223372036854775807"),
                Some("12345678901234567890.10"),
                Some("0.1"),
                Some("true"),
                Some("ä\"\n"),
                Some("2024-02-29"),
                Some("2023-11-14 22:13:20.123456789"),
                Some("00ff"),
                Some("[\"1\", null]"),
            ],
            vec![None, None, Some("nan"), Some("false"), Some(""), None, None, None, Some("[]"),],
            vec![Some("-1"), None, Some("1e+300"), None, None, None, None, Some(""), None],
        ]
    );
    assert_eq!(contents.row_groups, [2, 1]);
    assert_eq!(contents.codecs, ["ZSTD"]);
    assert_eq!(contents.metadata.get("tundra.version").map(String::as_str), Some("5"));
    assert!(contents.columns.iter().all(|column| column.nullable));
}

#[test]
fn a_file_that_is_no_parquet_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    std::fs::write(&path, "not Parquet").unwrap();

    let error = parquet::read(&path).unwrap_err();

    assert!(error.to_string().contains("a.parquet"), "{error}");
}
