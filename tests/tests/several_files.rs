//! Partitions and codecs as PyArrow reads them: a directory is one table again, with the columns that its
//! names hold.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tundra_core::{Compression, ConvertOptions, FilesOptions, WriteOptions};
use tundra_tests::python;

use crate::support::{Folder, convert, converted};

/// Prints a directory as a table: its columns, and its rows by the column `n`.
const READER: &str = r#"
import json, sys
import pyarrow as pa, pyarrow.dataset
partitioning = pa.dataset.partitioning(
    pa.schema([("country", pa.string()), ("day", pa.date32())]), flavor="hive"
)
dataset = pa.dataset.dataset(sys.argv[1], format="parquet", partitioning=partitioning)
table = dataset.to_table().sort_by("n")
rows = [[str(v) if v is not None else None for v in row.values()] for row in table.to_pylist()]
print(json.dumps({"names": table.column_names, "files": len(dataset.files), "rows": rows}))
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_of_partitions_is_one_table_again() {
    let folder = Folder::new();
    let values = ["DE", "a/b", "100 %", "x=y", "größe", "", "..", "it's \"so\"", "[1]:{2}?*\\^#"];
    let mut text = "n,country,day,word\n".to_owned();
    let mut expected = Vec::new();
    for n in 0..900_usize {
        let country = values[n % values.len()];
        let day = if n % 5 == 0 { "" } else { "2024-02-29" };
        let quoted = format!("\"{}\"", country.replace('"', "\"\""));
        // Without quotes it is a null.
        let country_field = if country.is_empty() { "" } else { &quoted };
        writeln!(text, "{n},{country_field},{day},w{n}").unwrap();
        let known = |text: &str| if text.is_empty() { Value::Null } else { json!(text) };
        let (country, day) = (known(country), known(day));
        expected.push(json!([n.to_string(), format!("w{n}"), country, day]));
    }
    std::fs::write(folder.path("in.csv"), text).unwrap();
    let files = FilesOptions {
        partition_by: vec!["country".to_owned(), "day".to_owned()],
        in_directory: true,
        ..FilesOptions::default()
    };
    let options = ConvertOptions {
        writing: WriteOptions { files, ..WriteOptions::default() },
        ..ConvertOptions::default()
    };

    let receipt = convert(&folder.path("in.csv"), &folder.path("out"), &options).await.unwrap();

    let read = python::run(READER, [folder.path("out")]).unwrap();
    let read: Value = serde_json::from_str(&read).unwrap();
    assert_eq!(read["names"], json!(["n", "word", "country", "day"]));
    assert_eq!(read["files"], json!(receipt.outputs.len()));
    assert_eq!(read["rows"], json!(expected));
    assert_eq!(folder.names(), ["in.csv", "out"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_codec_is_one_that_others_read() {
    for (compression, codec) in [
        (Compression::Zstd(Some(9)), "ZSTD"),
        (Compression::Snappy, "SNAPPY"),
        (Compression::Gzip, "GZIP"),
        (Compression::Brotli, "BROTLI"),
        (Compression::Lz4, "LZ4"),
        (Compression::None, "UNCOMPRESSED"),
    ] {
        let mut text = "n,word\n".to_owned();
        for n in 0..5000 {
            writeln!(text, "{n},{}", "w".repeat(n % 19 + 1)).unwrap();
        }
        let options = ConvertOptions {
            writing: WriteOptions { compression, ..WriteOptions::default() },
            ..ConvertOptions::default()
        };
        let (_, contents) = converted("a.csv", text, &options).await;
        assert_eq!(contents.codecs, [codec]);
        let wrong = (0..5000)
            .find(|n| contents.rows[*n] != [Some(n.to_string()), Some("w".repeat(n % 19 + 1))]);
        assert_eq!(wrong, None, "{compression}");
    }
}
