//! `tundra schema` and `tundra head`, and the way back with `tundra convert --to`.

use crate::support::{Sandbox, shows};

#[test]
fn the_columns_are_a_line_each() {
    let sandbox = Sandbox::with_sales();
    let ran = sandbox.run(&["schema", "sales.csv"]).succeeds();
    assert_eq!(
        ran.stdout(),
        "  #  name   type\n  1  id     BIGINT\n  2  name   VARCHAR\n  3  price  DOUBLE\n"
    );
    let ran = sandbox.run(&["schema", "--json", "sales.csv"]).succeeds();
    assert_eq!(ran.json()["columns"][2]["type"], "DOUBLE");
    assert_eq!(ran.json()["complete"], true);
    sandbox.run(&["convert", "sales.csv"]).succeeds();
    let ran = sandbox.run(&["schema", "--json", "sales.parquet"]).succeeds();
    assert_eq!(ran.json()["columns"][0]["name"], "id");
}

#[test]
fn the_first_rows_are_a_table_or_json() {
    let sandbox = Sandbox::with_sales();
    shows!(sandbox.run(&["head", "-n", "2", "sales.csv"]), @r"
    exit code: 0
    ----- stdout -----
          id  name      price
      BIGINT  VARCHAR  DOUBLE
           1  apple       1.5
           2  pear       2.25
    ----- stderr -----
    the first 2 rows
    ");
    let ran = sandbox.run(&["head", "--json", "-n", "1", "sales.csv"]).succeeds();
    assert_eq!(ran.stdout(), "{\"id\":1,\"name\":\"apple\",\"price\":1.5}\n");
    assert!(ran.stderr.is_empty(), "{ran}");
    let piped = sandbox.run_with_input(&["head", "-"], b"a;b\n1;x\n").succeeds();
    assert!(piped.stdout().contains("x\n"), "{piped}");
    sandbox.run(&["head", "missing.csv"]).fails(4, &["missing.csv"]);
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let sandbox = Sandbox::new();
    sandbox.write("a.csv", "a,b\n\u{1b}[31mred,1\n");
    let ran = sandbox.run(&["head", "a.csv"]).succeeds();
    assert!(!ran.stdout.contains(&0x1b), "{ran}");
    assert!(ran.stdout().contains("\\u{1b}[31mred"), "{ran}");
}

#[test]
fn parquet_has_a_way_back() {
    let sandbox = Sandbox::with_sales();
    sandbox.run(&["convert", "sales.csv"]).succeeds();
    for (output, first) in [
        ("back.csv", "id,name,price\n1,apple,1.5\n"),
        ("back.ndjson", "{\"id\":1,\"name\":\"apple\",\"price\":1.5}\n"),
        ("back.json", "[\n{\"id\":1,\"name\":\"apple\",\"price\":1.5},\n"),
        ("back.arrow", "ARROW1"),
    ] {
        let ran = sandbox.run(&["convert", "sales.parquet", "-o", output]).succeeds();
        let format = output.rsplit('.').next().unwrap_or_default();
        assert!(ran.stderr.contains(&format!("3 as {format}, 3 columns")), "{ran}");
        let written = std::fs::read(sandbox.path(output)).unwrap();
        assert!(written.starts_with(first.as_bytes()), "{output}");
    }
    sandbox.run(&["convert", "back.csv"]).succeeds();
    assert_eq!(sandbox.rows("back.parquet"), sandbox.rows("sales.parquet"));
    assert_eq!(sandbox.schema("back.parquet"), sandbox.schema("sales.parquet"));
    // Beside the input, under its name.
    sandbox.run(&["convert", "sales.csv", "--to", "ndjson"]).succeeds();
    assert_eq!(sandbox.read("sales.ndjson"), sandbox.read("back.ndjson"));
    let piped = sandbox.run(&["convert", "sales.parquet", "--to", "csv", "-o", "-"]).succeeds();
    assert_eq!(piped.stdout(), sandbox.read("back.csv"));
    sandbox.run(&["convert", "sales.parquet", "--to", "csv"]).fails(6, &["already exists"]);
}
