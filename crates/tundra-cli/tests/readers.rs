//! `tundra check`, and `--for` of `tundra convert` and `tundra extract`.

use crate::support::Sandbox;

/// A time of day, a number beyond signed integers, and a name with a blank.
const ORDERS: &str = "order no,at,count\n1,09:30:00,18446744073709551615\n2,10:00:00,7\n";

#[test]
fn a_check_says_what_readers_choke_on_and_the_way_out() {
    let sandbox = Sandbox::new();
    sandbox.write("orders.csv", ORDERS);
    sandbox.run(&["convert", "orders.csv"]).succeeds();
    let ran = sandbox.run(&["check", "orders.parquet", "--for", "spark", "--for", "BigQuery"]);
    assert_eq!(ran.code, Some(3), "{ran}");
    for text in ["Spark", "refuses", "TIME(MICROS)", "UINT_64", "order no", "--for bigquery"] {
        assert!(ran.stdout().contains(text), "`{text}` is missing: {ran}");
    }
    let error = "error: `orders.parquet` does not do for Spark, BigQuery: 4 things\n";
    assert!(ran.stderr.starts_with(error), "{ran}");
    let ran = sandbox.run(&["check", "--json", "orders.parquet"]);
    assert_eq!(ran.code, Some(3), "{ran}");
    let checked = ran.json();
    assert_eq!(checked["readers"].as_array().unwrap().len(), 7);
    assert_eq!(checked["findings"][0]["reader"], "spark");
    assert_eq!(checked["findings"][0]["severity"], "refuses");
    assert_eq!(checked["findings"][0]["basis"], "run");
    assert_eq!(ran.json_error()["code"], "invalid_data");
}

#[test]
fn a_file_that_does_ends_with_zero() {
    let sandbox = Sandbox::with_sales();
    sandbox.run(&["convert", "sales.csv"]).succeeds();
    let ran = sandbox.run(&["check", "sales.parquet", "--for", "polars"]).succeeds();
    assert_eq!(
        ran.stdout(),
        "checked sales.parquet: 3 columns, 3 rows, for Polars\nall of it is taken as it is\n"
    );
    // What only differs is told, and is no failure.
    sandbox.write("t.csv", "at\n2024-01-01 00:00:00\n");
    sandbox.run(&["convert", "t.csv"]).succeeds();
    let ran = sandbox.run(&["check", "t.parquet", "--for", "bigquery"]).succeeds();
    assert!(ran.stdout().contains("differs"), "{ran}");
}

#[test]
fn what_cannot_be_checked_is_told() {
    let sandbox = Sandbox::with_sales();
    sandbox.run(&["check", "sales.csv"]).fails(2, &["`sales.csv` is csv", "tundra convert"]);
    sandbox.run(&["check", "missing.parquet"]).fails(4, &["missing.parquet"]);
    let ran = sandbox.run(&["check", "sales.csv", "--for", "excel"]);
    ran.fails(2, &["invalid value 'excel'", "bigquery"]);
}

#[test]
fn what_is_written_for_a_reader_passes_its_check() {
    let sandbox = Sandbox::new();
    sandbox.write("orders.csv", ORDERS);
    let readers = ["--for", "spark", "--for", "bigquery"];
    let ran = sandbox.run(&[&["convert", "orders.csv"][..], &readers].concat()).succeeds();
    for note in [
        "name `order no` -> `order_no` (BigQuery takes letters",
        "type `at`: TIME(MICROS) -> STRING (Spark refuses it",
        "type `count`: UINT_64 -> DECIMAL(20,0) (BigQuery refuses it",
    ] {
        assert!(ran.stderr.contains(note), "`{note}` is missing: {ran}");
    }
    sandbox.run(&[&["check", "orders.parquet"][..], &readers].concat()).succeeds();
    assert_eq!(
        sandbox.rows("orders.parquet")[0],
        // A decimal without places is printed with its point here.
        "{order_no: 1, at: \"09:30:00\", count: 18446744073709551615.}"
    );
    let ran = sandbox.run(&["convert", "orders.csv", "--to", "csv", "--for", "spark", "-o", "-"]);
    ran.fails(2, &["`--for spark` is about Parquet"]);
    let ran = sandbox.run(&[
        "convert",
        "orders.csv",
        "--overwrite",
        "--type",
        "at=TIME",
        "--for",
        "spark",
    ]);
    ran.fails(2, &["column `at` is given a type that does not do for Spark"]);
}

#[test]
fn a_table_of_a_database_is_written_for_a_reader() {
    let sandbox = Sandbox::new();
    let database = rusqlite::Connection::open(sandbox.path("shop.db")).unwrap();
    database
        .execute_batch("CREATE TABLE t (\"a b\" INTEGER, c TEXT); INSERT INTO t VALUES (1, 'x')")
        .unwrap();
    drop(database);
    let extract = ["extract", "sqlite:shop.db", "--table", "t", "--for", "bigquery"];
    sandbox.run(&extract).succeeds();
    assert_eq!(sandbox.rows("t.parquet"), ["{a_b: 1, c: \"x\"}"]);
    sandbox.run(&["check", "t.parquet", "--for", "bigquery"]).succeeds();
}
