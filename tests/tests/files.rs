//! Text files become Parquet that PyArrow reads as what they held.

use std::fmt::Write as _;

use tundra_core::{BadRowPolicy, Compression, ConvertOptions, WriteOptions};
use tundra_tests::{parquet, python};

use crate::support::{Folder, converted};

fn defaults() -> ConvertOptions {
    ConvertOptions::default()
}

#[tokio::test(flavor = "multi_thread")]
async fn delimited_text_keeps_values_types_order_and_nulls() {
    let text = "\
id,price,huge,name,day,at,instant,clock,flag,code
1,2.5,12345678901234567890123,\"Ada \"\"L\"\", é\",2024-02-29,2024-02-29 10:00:00.25,2024-02-29T10:00:00+02:00,10:00:00,true,00713
2,,,,,,,,,
-3,1e300,-7,\"\",0001-01-01,9999-12-31 23:59:59.999999,1969-12-31T23:59:59-01:00,23:59:59.5,false,12
";

    let (receipt, contents) = converted("a.csv", text, &defaults()).await;

    assert_eq!(
        contents.names(),
        ["id", "price", "huge", "name", "day", "at", "instant", "clock", "flag", "code"]
    );
    assert_eq!(
        contents.types(),
        [
            "int64",
            "double",
            "decimal128(38, 0)",
            "string",
            "date32[day]",
            "timestamp[us]",
            "timestamp[us, tz=UTC]",
            "time64[us]",
            "bool",
            "string",
        ]
    );
    assert_eq!(
        contents.row(0).unwrap(),
        [
            Some("1"),
            Some("2.5"),
            Some("12345678901234567890123"),
            Some("Ada \"L\", é"),
            Some("2024-02-29"),
            Some("2024-02-29T10:00:00.250000"),
            Some("2024-02-29T08:00:00+00:00"),
            Some("10:00:00"),
            Some("true"),
            Some("00713"),
        ]
    );
    assert_eq!(contents.row(1).unwrap(), [&[Some("2")][..], &[None; 9]].concat());
    assert_eq!(
        contents.row(2).unwrap(),
        [
            Some("-3"),
            Some("1e+300"),
            Some("-7"),
            Some(""),
            Some("0001-01-01"),
            Some("9999-12-31T23:59:59.999999"),
            Some("1970-01-01T00:59:59+00:00"),
            Some("23:59:59.500000"),
            Some("false"),
            Some("12"),
        ]
    );
    assert_eq!(contents.codecs, ["ZSTD"]);
    assert_eq!(contents.metadata.get("tundra.plan_digest"), Some(&receipt.plan_digest));
}

#[tokio::test(flavor = "multi_thread")]
async fn order_is_kept_over_chunks_and_row_groups() {
    const ROWS: usize = 300_000;
    let mut text = "n,word\n".to_owned();
    for n in 0..ROWS {
        writeln!(text, "{n},{}", "w".repeat(n % 19)).unwrap();
    }
    let options = ConvertOptions {
        writing: WriteOptions {
            row_group_rows: Some(40_960),
            compression: Compression::Snappy,
            ..WriteOptions::default()
        },
        ..defaults()
    };

    let (_, contents) = converted("a.csv", text, &options).await;

    let out_of_place = (0..ROWS).find(|n| {
        let word = (n % 19 > 0).then(|| "w".repeat(n % 19));
        contents.rows[*n] != [Some(n.to_string()), word]
    });
    assert_eq!(out_of_place, None);
    let (last, whole) = contents.row_groups.split_last().expect("a row group");
    // DuckDB hands rows on in batches of up to 2,048.
    let tolerated = 40_960..40_960 + 2048;
    assert!(whole.iter().all(|rows| tolerated.contains(rows)), "{:?}", contents.row_groups);
    assert!(*last < tolerated.end, "{:?}", contents.row_groups);
    assert_eq!(contents.codecs, ["SNAPPY"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn decimals_keep_every_digit_at_the_edge() {
    let nines = "9".repeat(38);
    let text = format!(
        "id,whole,fraction,mixed\n\
         1,{nines},0.{nines},{}.{}\n\
         2,-{nines},-0.{nines},-1.5\n\
         3,0,0.1,\n",
        "9".repeat(20),
        "9".repeat(18),
    );

    let (_, contents) = converted("a.csv", text, &defaults()).await;

    assert_eq!(
        contents.types(),
        ["int64", "decimal128(38, 0)", "decimal128(38, 38)", "decimal128(38, 18)"]
    );
    // Python writes the small ones with an exponent; the digits are what counts.
    let first = contents.row(0).unwrap();
    assert_eq!(first[1], Some(nines.as_str()));
    assert_eq!(first[2], Some(format!("0.{nines}").as_str()));
    assert_eq!(first[3], Some(format!("{}.{}", "9".repeat(20), "9".repeat(18)).as_str()));
    let second = contents.row(1).unwrap();
    assert_eq!(second[1], Some(format!("-{nines}").as_str()));
    assert_eq!(second[2], Some(format!("-0.{nines}").as_str()));
    assert_eq!(second[3], Some("-1.500000000000000000"));
    assert_eq!(contents.row(2).unwrap()[3], None);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_fit_no_decimal_stay_text() {
    let text = format!("id,d\n1,{}\n2,0.{}1\n", "9".repeat(38), "0".repeat(20));

    let (_, contents) = converted("a.csv", text.clone(), &defaults()).await;

    assert_eq!(contents.types(), ["int64", "string"]);
    assert_eq!(contents.rows[0][1], Some("9".repeat(38)));
    assert_eq!(contents.rows[1][1], Some(format!("0.{}1", "0".repeat(20))));
}

#[tokio::test(flavor = "multi_thread")]
async fn timestamps_with_zones_are_instants() {
    let text = "id,at\n\
                1,2024-03-31T02:30:00+01:00\n\
                2,2024-03-31T02:30:00-11:30\n\
                3,2024-03-31 02:30:00.000001Z\n\
                4,1900-01-01T00:00:00+00:00\n";

    let (_, contents) = converted("a.csv", text, &defaults()).await;

    assert_eq!(contents.types(), ["int64", "timestamp[us, tz=UTC]"]);
    let cells: Vec<_> = contents.rows.iter().map(|row| row[1].as_deref().unwrap()).collect();
    assert_eq!(
        cells,
        [
            "2024-03-31T01:30:00+00:00",
            "2024-03-31T14:00:00+00:00",
            "2024-03-31T02:30:00.000001+00:00",
            "1900-01-01T00:00:00+00:00",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_alone_is_a_table_without_rows() {
    let (receipt, contents) = converted("a.csv", "id,name\n", &defaults()).await;

    assert_eq!(contents.names(), ["id", "name"]);
    assert_eq!(contents.types(), ["string", "string"]);
    assert!(contents.rows.is_empty());
    assert_eq!(receipt.counts.records, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_300_columns_are_read_as_they_are() {
    const COLUMNS: usize = 300;
    const ROWS: usize = 2000;
    let names: Vec<String> = (0..COLUMNS).map(|column| format!("c{column}")).collect();
    let cell = |row: usize, column: usize| match column % 4 {
        0 => Some((row * column).to_string()),
        1 => Some(format!("text {row} of {column}")),
        2 => (!(row + column).is_multiple_of(3)).then(|| format!("{row}.{}", column % 10 * 10 + 5)),
        _ => Some(if row.is_multiple_of(2) { "true" } else { "false" }.to_owned()),
    };
    let mut text = names.join(",") + "\n";
    for row in 0..ROWS {
        let cells: Vec<String> =
            (0..COLUMNS).map(|column| cell(row, column).unwrap_or_default()).collect();
        writeln!(text, "{}", cells.join(",")).unwrap();
    }

    let (_, contents) = converted("a.csv", text, &defaults()).await;

    assert_eq!(contents.names(), names);
    assert_eq!(contents.types()[..4], ["int64", "string", "double", "bool"]);
    for (row, cells) in contents.rows.iter().enumerate() {
        for (column, found) in cells.iter().enumerate() {
            assert_eq!(*found, cell(row, column), "row {row}, column {column}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_json_keep_nested_values() {
    let text = r#"{"id": 1, "who": {"name": "Ada", "tags": ["x", null]}, "big": 9007199254740993, "d": 12345678901234567.25, "v": 1}
{"id": 2, "who": null, "big": -1, "d": 1, "v": "x"}
{"id": 3, "who": {"name": null, "tags": []}, "at": "2024-02-29T10:00:00+02:00", "v": [1.50]}
"#;

    let (_, contents) = converted("a.ndjson", text, &defaults()).await;

    assert_eq!(contents.names(), ["id", "who", "big", "d", "v", "at"]);
    assert_eq!(
        contents.types(),
        [
            "int64",
            "struct<name: string, tags: list<element: string>>",
            "int64",
            "decimal128(19, 2)",
            "string",
            "timestamp[us, tz=UTC]",
        ]
    );
    assert_eq!(
        contents.row(0).unwrap(),
        [
            Some("1"),
            Some("{\"name\": \"Ada\", \"tags\": \"[\\\"x\\\", null]\"}"),
            Some("9007199254740993"),
            Some("12345678901234567.25"),
            Some("1"),
            None,
        ]
    );
    assert_eq!(
        contents.row(1).unwrap(),
        [Some("2"), None, Some("-1"), Some("1.00"), Some("\"x\""), None]
    );
    let third = contents.row(2).unwrap();
    assert_eq!(third[1], Some("{\"name\": null, \"tags\": \"[]\"}"));
    assert_eq!(third[4].map(|text| text.replace(' ', "")).as_deref(), Some("[1.50]"));
    assert_eq!(third[5], Some("2024-02-29T08:00:00+00:00"));
}

/// Prints the first cell of a file. What prints whole files escapes each level once more.
const FIRST_CELL: &str = "
import json, sys
import pyarrow.parquet
print(json.dumps(pyarrow.parquet.read_table(sys.argv[1]).column(0)[0].as_py()))
";

#[tokio::test(flavor = "multi_thread")]
async fn deep_values_of_json_become_what_other_readers_can_open() {
    let arrays = |depth: usize| ("[".repeat(depth), "]".repeat(depth));
    let objects = |depth: usize| ("{\"o\":".repeat(depth), "}".repeat(depth));
    let both = |depth: usize| ("[{\"o\":".repeat(depth), "}]".repeat(depth));
    for (depth, (open, close), has_json) in [
        (45, arrays(45), false),
        (46, arrays(46), true),
        (60, arrays(60), true),
        (60, objects(60), false),
        (200, objects(200), true),
        (30, both(30), false),
        (31, both(31), true),
        (200, both(200), true),
    ] {
        let text = format!("{{\"a\":{open}1{close}}}\n");
        let folder = Folder::new();
        let receipt = folder.convert_bytes("a.ndjson", &text, &defaults()).await.unwrap();
        let column = &receipt.plan.columns[0];
        let shown = format!("{depth} of `{open}`: {}", column.reason);
        assert_eq!(column.column_type.contains("JSON"), has_json, "{shown}");
        assert_eq!(column.reason.contains("nested too deep"), has_json, "{shown}");
        let read = python::run(FIRST_CELL, [folder.path("out.parquet")]).expect(&shown);
        let read: serde_json::Value = serde_json::from_str(&read).unwrap();
        let value = format!("{open}1{close}");
        if !has_json {
            assert_eq!(read, serde_json::from_str::<serde_json::Value>(&value).unwrap(), "{shown}");
        } else if column.column_type == "JSON" {
            // A list of texts of JSON would be harder to read than the text of the list.
            assert_eq!(read, serde_json::Value::String(value), "{shown}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_are_a_table_of_their_own() {
    let folder = Folder::new();
    let options = ConvertOptions { on_bad_row: BadRowPolicy::Reject, ..defaults() };
    let text = "id,name\n1,a\n2,b,c\n3,d\n4,e\n";

    let receipt = folder.convert_bytes("a.csv", text, &options).await.unwrap();

    assert_eq!(folder.names(), ["a.csv", "out.parquet", "rejects.parquet"]);
    let rejects = parquet::read(&folder.path("rejects.parquet")).unwrap();
    assert_eq!(
        rejects.row(0).unwrap(),
        [
            Some("2"),
            Some("3"),
            Some("12"),
            Some("17"),
            None,
            Some("too_many_fields"),
            Some("3 fields where there should be 2"),
            Some("2,b,c"),
            None,
        ]
    );
    assert_eq!(rejects.rows.len() as u64, receipt.counts.rejected);
    let contents = parquet::read(&folder.path("out.parquet")).unwrap();
    assert_eq!(contents.rows.len() as u64, receipt.counts.written);
    assert_eq!(receipt.counts.records, receipt.counts.written + receipt.counts.rejected);
}
