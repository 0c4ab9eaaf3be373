//! `tundra query`.

use crate::support::Sandbox;

const BY_NAME: &str = "SELECT name, sum(price) AS price FROM input GROUP BY name ORDER BY price";

#[test]
fn the_answer_is_csv_in_a_pipe_and_a_table_when_asked() {
    let sandbox = Sandbox::with_sales();
    let ran = sandbox.run(&["query", BY_NAME, "sales.csv"]).succeeds();
    assert!(ran.stdout().starts_with("name,price\n"), "{ran}");
    assert_eq!(ran.stdout().lines().count(), 4, "{ran}");
    assert!(ran.stderr.is_empty(), "{ran}");
    let table = ["query", "FROM range(100)", "sales.csv", "--output-format", "table"];
    let ran = sandbox.run(&table).succeeds();
    assert_eq!(ran.stdout().lines().count(), 42, "{ran}");
    assert!(ran.stderr.contains("40 of 100 rows"), "{ran}");
    let ran = sandbox.run(&[&table[..], &["--limit", "2"]].concat()).succeeds();
    assert_eq!(ran.stdout().lines().count(), 4, "{ran}");
    sandbox.run(&["query", BY_NAME, "sales.csv", "--limit", "2"]).fails(2, &["LIMIT"]);
    sandbox.holds_only(&["sales.csv"]);
}

#[test]
fn the_answer_is_written_as_its_name_says() {
    let sandbox = Sandbox::with_sales();
    for output in ["a.csv", "a.ndjson", "a.json", "a.arrow", "a.parquet"] {
        let ran = sandbox.run(&["query", BY_NAME, "sales.csv", "-o", output]).succeeds();
        assert!(ran.stdout.is_empty(), "{ran}");
        assert!(ran.stderr.contains("3, 2 columns"), "{ran}");
    }
    assert_eq!(sandbox.schema("a.parquet").len(), 2);
    assert_eq!(sandbox.read("a.ndjson").lines().count(), 3);
    sandbox.run(&["query", BY_NAME, "sales.csv", "-o", "a.csv"]).fails(6, &["already exists"]);
    let again = ["query", "SELECT 1 AS x", "sales.csv", "-o", "a.csv", "--overwrite"];
    sandbox.run(&again).succeeds();
    assert_eq!(sandbox.read("a.csv"), "x\n1\n");
    sandbox.run(&["query", BY_NAME, "sales.csv", "-o", "sales.csv"]).fails(2, &["input itself"]);
}

#[test]
fn what_is_no_query_is_refused_and_says_what_there_is() {
    let sandbox = Sandbox::with_sales();
    let ran = sandbox.run(&["query", "SELECT nam FROM input", "sales.csv"]);
    ran.fails(2, &["the query cannot be run", "nam", "`input`", "`id`, `name`, `price`"]);
    for sql in ["SELECT * FROM read_csv('/etc/passwd')", "COPY input TO 'x.csv'", "INSTALL httpfs"]
    {
        sandbox.run(&["query", sql, "sales.csv"]).fails(2, &["the query cannot be run"]);
    }
    sandbox.holds_only(&["sales.csv"]);
}

#[test]
fn a_wrong_query_is_shown_with_a_mark_under_the_place() {
    let sandbox = Sandbox::with_sales();
    let ran = sandbox.run(&["query", "SELECT nam FROM input", "sales.csv"]);
    let place = "\n\n  LINE 1: SELECT nam FROM input\n                 ^^^\n\nhint: ";
    ran.fails(2, &["\n  Candidate bindings: \"name\"", place]);
    // Also where it is wrong only for some value, and where lines and tabs stand before it.
    let sql = "/* names */\nSELECT id,\n\tname::INTEGER\nFROM input";
    let ran = sandbox.run(&["query", sql, "sales.csv"]);
    let place = "\n\n  LINE 3:  name::INTEGER\n               ^^^^^^^^^\n";
    ran.fails(3, &["apple", place]);
    let ran = sandbox.run(&["query", "SELECT sum(name)\u{1b}[31m FROM input", "sales.csv"]);
    assert!(!ran.stderr.contains('\u{1b}'), "{ran}");
}

#[test]
fn what_only_parquet_has_is_refused_where_something_else_is_written() {
    let sandbox = Sandbox::with_sales();
    let options = [
        ["--compression", "zstd"],
        ["--row-group-size", "1000"],
        ["--row-group-bytes", "1MiB"],
        ["--dictionary-values", "5"],
        ["--bloom-filters", "off"],
        ["--metadata", "a=b"],
    ];
    for [option, value] in options {
        let says = [option, "is for Parquet", "csv"];
        let convert = ["convert", "sales.csv", "-o", "x.csv", option, value];
        sandbox.run(&convert).fails(2, &says);
        let query = ["query", BY_NAME, "sales.csv", "-o", "x.csv", option, value];
        sandbox.run(&query).fails(2, &says);
        let query =
            ["query", BY_NAME, "sales.csv", "-o", "x.parquet", "--overwrite", option, value];
        sandbox.run(&query).succeeds();
        let table = ["query", BY_NAME, "sales.csv", "--output-format", "table", option, value];
        sandbox.run(&table).fails(2, &[option, "the answer is a table"]);
    }
    let sorted = ["convert", "sales.csv", "-o", "x.csv", "--sort-by", "price"];
    sandbox.run(&sorted).succeeds();
    assert!(sandbox.read("x.csv").contains("price\n3,,0.75\n"), "{}", sandbox.read("x.csv"));
}
