//! `tundra convert` when all goes well.

use std::fs;

use parquet::{basic::Compression, file::reader::FileReader};
use serde_json::Value;

use crate::support::{Sandbox, shows};

#[test]
fn the_output_stands_beside_the_input() {
    let sandbox = Sandbox::with_sales();
    let ran = sandbox.run(&["convert", "sales.csv"]).succeeds();
    sandbox.holds_only(&["sales.csv", "sales.parquet"]);
    assert_eq!(
        sandbox.rows("sales.parquet"),
        [
            "{id: 1, name: \"apple\", price: 1.5}",
            "{id: 2, name: \"pear\", price: 2.25}",
            "{id: 3, name: null, price: 0.75}",
        ]
    );
    shows!(ran, @"
    exit code: 0
    ----- stdout -----
    ----- stderr -----
    converted sales.csv -> sales.parquet
      rows   3 in 1 row group, 3 columns
      size   47 B -> [SIZE] ([SHARE] %)
      time   [TIME], [MEMORY] of memory at most
      proof  3 records counted = 3 written; nulls agree in every column
    ");
}

#[test]
fn the_output_goes_where_it_is_told() {
    let sandbox = Sandbox::with_sales();
    fs::create_dir(sandbox.path("out")).unwrap();
    sandbox.run(&["convert", "sales.csv", "-o", "out/s.pq"]).succeeds();
    let target = format!("file://{}", sandbox.path("t.parquet").display());
    let source = format!("file://{}", sandbox.path("sales.csv").display());
    sandbox.run(&["convert", &source, "--output", &target]).succeeds();
    assert_eq!(sandbox.rows("out/s.pq"), sandbox.rows("t.parquet"));
    sandbox.holds_only(&["out", "sales.csv", "t.parquet"]);
}

#[test]
fn awkward_names_are_names() {
    let sandbox = Sandbox::new();
    for name in ["a b", "ä", "100%", "*", "'; DROP TABLE x; --", "-x", "a\"b", "s3:"] {
        sandbox.write(&format!("{name}.csv"), "id\n1\n");
        sandbox.run(&["convert", "--", &format!("{name}.csv")]).succeeds();
        assert_eq!(sandbox.rows(&format!("{name}.parquet")), ["{id: 1}"], "{name}");
    }
}

#[test]
fn a_header_without_rows_is_a_file_without_rows() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", "id,name\n");
    sandbox.run(&["convert", "a.csv"]).succeeds();
    assert_eq!(sandbox.rows("a.parquet"), [""; 0]);
    let names: Vec<String> = sandbox
        .schema("a.parquet")
        .iter()
        .map(|column| column.split(':').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(names, ["\"id\"", "\"name\""]);
    sandbox.holds_only(&["a.csv", "a.parquet"]);
}

#[test]
fn columns_are_renamed_and_typed() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", "Order ID,a=b,price\n1,x,2\n");
    sandbox
        .run(&[
            "convert",
            "a.csv",
            "--rename",
            "Order ID=id",
            "--rename",
            r"a\=b=c=d",
            "--type",
            "price=DECIMAL(12,2)",
            "--type",
            "a=b=VARCHAR",
        ])
        .succeeds();
    assert_eq!(sandbox.rows("a.parquet"), ["{id: 1, c=d: \"x\", price: 2.00}"]);
}

#[test]
fn rows_can_be_left_out() {
    let sandbox = Sandbox::with_sales();
    let ran = sandbox.run(&["convert", "sales.csv", "--skip-rows", "0,2", "--json"]).succeeds();
    assert_eq!(sandbox.rows("sales.parquet"), ["{id: 2, name: \"pear\", price: 2.25}"]);
    let counts = &ran.json()["counts"];
    assert_eq!((&counts["records"], &counts["skipped"]), (&3.into(), &2.into()), "{counts}");
}

#[test]
fn rows_to_be_left_out_that_are_not_there_are_told() {
    let sandbox = Sandbox::with_sales();
    let ran = sandbox.run(&["convert", "sales.csv", "--skip-rows", "3,9"]).succeeds();
    assert!(
        ran.stderr.contains("warning: skip_rows_beyond_end: 2 times: `--skip-rows 3`\n"),
        "{ran}"
    );
    assert_eq!(sandbox.rows("sales.parquet").len(), 3);
}

#[test]
fn every_column_can_be_text() {
    let sandbox = Sandbox::with_sales();
    sandbox.run(&["convert", "sales.csv", "--types", "text"]).succeeds();
    assert_eq!(sandbox.rows("sales.parquet")[0], "{id: \"1\", name: \"apple\", price: \"1.50\"}");
}

#[test]
fn delimiters_have_names() {
    for (name, delimiter) in [
        ("tab", "\t"),
        ("\\t", "\t"),
        ("comma", ","),
        ("semicolon", ";"),
        ("pipe", "|"),
        ("space", " "),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("a.txt", format!("id{delimiter}b\n1{delimiter}x\n2{delimiter}y\n"));
        sandbox.run(&["convert", "a.txt", "--delimiter", name]).succeeds();
        assert_eq!(sandbox.rows("a.parquet"), ["{id: 1, b: \"x\"}", "{id: 2, b: \"y\"}"], "{name}");
    }
}

#[test]
fn the_way_the_text_is_written_can_be_told() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", b"# made by hand\n'gr\xfcn';'it\\'s'\n'rot';'x'\n");
    sandbox
        .run(&[
            "convert",
            "a.csv",
            "--encoding",
            "windows-1252",
            "--quote",
            "'",
            "--escape",
            "backslash",
            "--delimiter",
            ";",
            "--comment",
            "#",
            "--no-header",
        ])
        .succeeds();
    let rows = sandbox.rows("a.parquet");
    assert!(rows[0].contains("\"grün\"") && rows[0].contains("\"it's\""), "{rows:?}");
    assert_eq!(rows.len(), 2);
}

#[test]
fn every_format_is_read() {
    let sandbox = Sandbox::new();
    sandbox.write("a.tsv", "id\tname\n1\tx\n");
    sandbox.write("b.json", r#"[{"id": 1, "name": "x"}]"#);
    sandbox.write("c.ndjson", "{\"id\": 1, \"name\": \"x\"}\n");
    for (input, output) in
        [("a.tsv", "a.parquet"), ("b.json", "b.parquet"), ("c.ndjson", "c.parquet")]
    {
        sandbox.run(&["convert", input]).succeeds();
        assert_eq!(sandbox.rows(output), ["{id: 1, name: \"x\"}"], "{input}");
    }
    sandbox.run(&["convert", "a.parquet", "-o", "d.parquet"]).succeeds();
    assert_eq!(sandbox.rows("d.parquet"), ["{id: 1, name: \"x\"}"]);
    sandbox.write("e.dat", "id\tname\n1\tx\n");
    sandbox.run(&["convert", "e.dat", "--format", "TSV"]).succeeds();
    assert_eq!(sandbox.rows("e.dat.parquet"), ["{id: 1, name: \"x\"}"]);
}

#[test]
fn the_codec_is_the_one_asked_for() {
    let sandbox = Sandbox::with_sales();
    for (name, is_it) in [
        ("zstd", (|codec| matches!(codec, Compression::ZSTD(_))) as fn(Compression) -> bool),
        ("zstd:19", |codec| matches!(codec, Compression::ZSTD(_))),
        ("snappy", |codec| codec == Compression::SNAPPY),
        ("gzip", |codec| matches!(codec, Compression::GZIP(_))),
        ("brotli", |codec| matches!(codec, Compression::BROTLI(_))),
        ("lz4", |codec| codec == Compression::LZ4_RAW),
        ("none", |codec| codec == Compression::UNCOMPRESSED),
    ] {
        sandbox.run(&["convert", "sales.csv", "--overwrite", "--compression", name]).succeeds();
        let reader = sandbox.open("sales.parquet");
        assert!(is_it(reader.metadata().row_group(0).column(0).compression()), "{name}");
        assert_eq!(reader.metadata().file_metadata().num_rows(), 3);
    }
}

#[test]
fn row_groups_have_the_size_asked_for() {
    let sandbox = Sandbox::new();
    let numbers: String = (0..10_000).map(|n| format!("{n}\n")).collect();
    sandbox.write("a.csv", format!("n\n{numbers}"));
    sandbox.run(&["convert", "a.csv", "--row-group-size", "2048"]).succeeds();
    let metadata = sandbox.open("a.parquet").metadata().clone();
    assert!(metadata.num_row_groups() >= 5, "{}", metadata.num_row_groups());
    let expected: Vec<String> = (0..10_000).map(|n| format!("{{n: {n}}}")).collect();
    assert!(sandbox.rows("a.parquet") == expected, "the rows keep their order");
}

#[test]
fn the_receipt_is_printed_and_kept() {
    let sandbox = Sandbox::with_sales();
    let ran =
        sandbox.run(&["convert", "sales.csv", "--json", "--receipt", "receipt.json"]).succeeds();
    assert!(ran.stderr.is_empty(), "{ran}");
    sandbox.holds_only(&["receipt.json", "sales.csv", "sales.parquet"]);
    let printed = ran.json();
    let kept: Value = serde_json::from_str(&sandbox.read("receipt.json")).unwrap();
    assert_eq!(printed, kept);
    assert_eq!(kept["format_version"], 1);
    assert_eq!(kept["counts"]["records"], 3);
    assert_eq!(kept["counts"]["written"], 3);
    let size = fs::metadata(sandbox.path("sales.parquet")).unwrap().len();
    assert_eq!(kept["outputs"][0]["size_bytes"], size);
    serde_json::from_value::<tundra_core::Receipt>(kept).unwrap();
}

#[test]
fn an_existing_receipt_is_replaced_when_asked() {
    let sandbox = Sandbox::with_sales();
    sandbox.write("r.json", "worthless");
    sandbox.run(&["convert", "sales.csv", "--receipt", "r.json", "--overwrite"]).succeeds();
    assert!(sandbox.read("r.json").contains("\"counts\""));
}

#[test]
fn quiet_says_nothing() {
    let sandbox = Sandbox::with_sales();
    for arguments in [["-q", "convert", "sales.csv"], ["convert", "sales.csv", "--quiet"]] {
        let ran = sandbox.run(&arguments).succeeds();
        assert!(ran.stdout.is_empty() && ran.stderr.is_empty(), "{ran}");
        fs::remove_file(sandbox.path("sales.parquet")).unwrap();
    }
    let failed = sandbox.run(&["-q", "convert", "missing.csv"]);
    failed.fails(4, &["missing.csv"]);
}

#[test]
fn verbose_logs_the_stages() {
    let sandbox = Sandbox::with_sales();
    let ran = sandbox.run(&["-v", "convert", "sales.csv"]).succeeds();
    assert!(ran.stderr.contains("stage=\"converting\""), "{ran}");
    assert!(!ran.stderr.contains('\u{1b}'), "{ran}");
    assert!(ran.stdout.is_empty(), "{ran}");
}

#[test]
fn a_run_that_takes_too_long_is_stopped() {
    let sandbox = Sandbox::new();
    let line = "1234567890,some text that is long enough,2024-01-31\n";
    sandbox.write("big.csv", format!("a,b,c\n{}", line.repeat(500_000)));
    sandbox
        .run(&["convert", "big.csv", "--timeout", "1ms"])
        .fails(10, &["not finished after 1ms", "hint: "]);
    sandbox.holds_only(&["big.csv"]);
}

#[test]
fn the_current_directory_may_be_anywhere() {
    let sandbox = Sandbox::with_sales();
    fs::create_dir(sandbox.path("below")).unwrap();
    let mut command = sandbox.tundra(&["convert", "../sales.csv"]);
    sandbox.finish(command.current_dir(sandbox.path("below"))).succeeds();
    sandbox.holds_only(&["below", "sales.csv", "sales.parquet"]);
}
