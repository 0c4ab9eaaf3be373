//! `tundra inspect`.

use crate::support::{Sandbox, shows};

#[test]
fn a_text_file_is_explained() {
    let sandbox = Sandbox::with_sales();
    let ran = sandbox.run(&["inspect", "sales.csv"]).succeeds();
    sandbox.holds_only(&["sales.csv"]);
    shows!(ran, @r#"
    exit code: 0
    ----- stdout -----
    sales.csv: CSV, 47 B, 3 rows, 3 columns

    How it is written
      what       is              sure  because
      encoding   UTF-8          100 %  it is ASCII
      delimiter  ,              100 %  3 fields in most records
      quote      "              100 %  best score
      escape     doubled quote  100 %  best score
      newline    \n             100 %  4 \n, 0 \r\n and 0 \r in the sample
      header     first record   100 %  the first record is text above columns that are not

    Columns
      #  name   type     nullable  nulls  distinct  minimum  maximum
      1  id     BIGINT   no            0         3  1        3
      2  name   VARCHAR  yes           1         2  apple    pear
      3  price  DOUBLE   no            0         3  0.75     2.25

    Why these types
      name   because                                       such as
      id     all 3 values are integers of 64 bits          1, 2, 3
      name   record 1 has `apple`                          apple, pear
      price  all 3 values are numbers that a double holds  1.5, 2.25, 0.75
    ----- stderr -----
    "#);
}

#[test]
fn a_parquet_file_is_explained() {
    let sandbox = Sandbox::with_sales();
    sandbox.run(&["convert", "sales.csv"]).succeeds();
    let ran = sandbox.run(&["inspect", "sales.parquet"]).succeeds();
    for text in ["Parquet", "zstd", "1 row group", "sales.csv", "Made by Tundra", "5.0.0"] {
        assert!(ran.stdout().contains(text), "`{text}` is missing: {ran}");
    }
}

#[test]
fn the_whole_of_it_is_json_for_programs() {
    let sandbox = Sandbox::with_sales();
    let ran = sandbox.run(&["inspect", "sales.csv", "--json"]).succeeds();
    assert!(ran.stderr.is_empty(), "{ran}");
    let found: tundra_core::Inspection = serde_json::from_value(ran.json()).unwrap();
    let names: Vec<&str> = found.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["id", "name", "price"]);
    assert_eq!(found.rows_inspected, 3);
    assert!(found.complete);
    assert_eq!(found.columns[1].null_count, Some(1));
    assert!(found.columns.iter().all(|column| !column.reason.is_empty()), "{ran}");
}

#[test]
fn a_sample_is_said_to_be_one() {
    let sandbox = Sandbox::with_sales();
    let ran = sandbox.run(&["inspect", "sales.csv", "--sample-size", "2"]).succeeds();
    assert!(ran.stdout().contains("the first 2 rows"), "{ran}");
}

#[test]
fn it_reads_standard_input() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run_with_input(&["inspect", "-"], b"a;b\n1;x\n2;y\n").succeeds();
    assert!(ran.stdout().starts_with("standard input: CSV, "), "{ran}");
    sandbox.holds_only(&[]);
}

#[test]
fn cells_cannot_drive_the_terminal() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", "name\nx\u{1b}[31my\nz\n");
    let ran = sandbox.run(&["inspect", "a.csv"]).succeeds();
    assert!(!ran.stdout().contains('\u{1b}'), "{ran}");
}
