//! What PyArrow wrote is the same when Tundra has rewritten it.

use tundra_core::{Classify, ConvertOptions, ErrorKind};
use tundra_tests::{parquet, python};

use crate::support::{Folder, convert};

/// Values at the edges of types, written in several row groups, with dictionaries and without.
const WRITER: &str = r#"
import sys, datetime, decimal
import pyarrow as pa, pyarrow.parquet
rows = 5000
def every(values, kind):
    return pa.array([values[i % len(values)] for i in range(rows)], kind)
nines = decimal.Decimal("9" * 28 + "." + "9" * 10)
table = pa.table({
    "n": pa.array(range(rows), pa.int64()),
    "i8": every([-128, 127, None], pa.int8()),
    "u64": every([0, 18446744073709551615, None], pa.uint64()),
    "f32": every([0.1, float("inf"), None], pa.float32()),
    "f64": every([-0.0, float("nan"), 5e-324, None], pa.float64()),
    "d9": every([decimal.Decimal("-9999999.99"), None], pa.decimal128(9, 2)),
    "d38": every([nines, nines.copy_negate(), None], pa.decimal128(38, 10)),
    "t": every(["", "a\0b", "ä\U0001d11e", None], pa.string()),
    "raw": every([b"", b"\x00\xff", None], pa.binary()),
    "day": every([datetime.date(1, 1, 1), datetime.date(9999, 12, 31), None], pa.date32()),
    "clock": every([datetime.time(23, 59, 59, 999999), None], pa.time64("us")),
    "at": every([datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59, 999999), None], pa.timestamp("us")),
    "nanos": every([1700000000123456789, -1, None], pa.timestamp("ns")),
    "instant": every([datetime.datetime(2024, 3, 31, 1, 30), None], pa.timestamp("us", tz="UTC")),
    "l": every([[1, None], [], None], pa.list_(pa.int64())),
    "s": every([{"a": 1, "b": ["x", None]}, {"a": None, "b": None}, None], pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string()))])),
})
pa.parquet.write_table(table, sys.argv[1], row_group_size=1500, compression=sys.argv[2], store_schema=False)
"#;

#[tokio::test(flavor = "multi_thread")]
async fn every_value_survives_being_rewritten() {
    for codec in ["none", "snappy", "zstd", "gzip"] {
        let folder = Folder::new();
        let input = folder.path("a.parquet");
        python::run(WRITER, [input.as_os_str(), codec.as_ref()]).unwrap();

        let output = folder.path("out.parquet");
        let receipt = convert(&input, &output, &ConvertOptions::default()).await.unwrap();

        let (before, after) = (parquet::read(&input).unwrap(), parquet::read(&output).unwrap());
        assert_eq!(after.names(), before.names(), "{codec}");
        assert_eq!(after.types(), before.types(), "{codec}");
        for (row, (after, before)) in after.rows.iter().zip(&before.rows).enumerate() {
            assert_eq!(after, before, "{codec}, row {row}");
        }
        assert_eq!(receipt.counts.written, 5000);
        assert_eq!(after.rows.len(), 5000);
        assert_eq!(after.codecs, ["ZSTD"]);
        assert_eq!(folder.names(), ["a.parquet", "out.parquet"]);
    }
}

/// A decimal that DuckDB would read as a double.
const WIDE: &str = r#"
import sys, decimal
import pyarrow as pa, pyarrow.parquet
values = pa.array([decimal.Decimal("12345678901234567890123456789012345678901.5")], pa.decimal256(50, 1))
pa.parquet.write_table(pa.table({"inner": pa.StructArray.from_arrays([values], ["amount"])}), sys.argv[1])
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_decimal_that_would_be_rounded_is_refused_also_within_a_struct() {
    let folder = Folder::new();
    let input = folder.path("a.parquet");
    python::run(WIDE, [&input]).unwrap();

    let output = folder.path("out.parquet");
    let error = convert(&input, &output, &ConvertOptions::default()).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
    assert!(error.to_string().contains("`inner`"), "{error}");
    assert_eq!(folder.names(), ["a.parquet"]);
}

/// Names that SQL cannot say.
const ODD_NAMES: &str = r#"
import sys
import pyarrow as pa, pyarrow.parquet
pa.parquet.write_table(pa.table([pa.array([1, None]), pa.array(["x", "y"])], names=["", 'a"\0b']), sys.argv[1], store_schema=False)
"#;

#[tokio::test(flavor = "multi_thread")]
async fn names_that_the_engine_cannot_say_are_replaced_and_the_plan_tells_the_written_ones() {
    let folder = Folder::new();
    let input = folder.path("a.parquet");
    python::run(ODD_NAMES, [&input]).unwrap();

    let output = folder.path("out.parquet");
    let receipt = convert(&input, &output, &ConvertOptions::default()).await.unwrap();

    let after = parquet::read(&output).unwrap();
    assert_eq!(after.names(), ["column1", "a\"␀b"]);
    assert_eq!(after.rows.len(), 2);
    assert_eq!(receipt.columns[0].nulls, Some(1));
    let written: Vec<_> = receipt.plan.columns.iter().map(|it| it.source_name.as_str()).collect();
    assert_eq!(written, ["", "a\"\0b"]);
}
