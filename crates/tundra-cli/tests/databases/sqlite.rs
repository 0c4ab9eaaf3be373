//! Files of SQLite, which need no server.

use rusqlite::Connection;

use super::{SHOP, dump_is_whole};
use crate::support::{Sandbox, shows};

fn with_shop() -> (Sandbox, Connection) {
    let sandbox = Sandbox::new();
    let connection = Connection::open(sandbox.path("shop.db")).unwrap();
    connection.execute_batch(SHOP).unwrap();
    (sandbox, connection)
}

#[test]
fn a_table_becomes_a_file_of_its_name() {
    let (sandbox, _connection) = with_shop();
    let ran = sandbox.run(&["extract", "sqlite:shop.db", "--table", "orders"]).succeeds();
    assert!(ran.stderr.contains("-> orders.parquet\n"), "{ran}");
    assert!(ran.stderr.contains("3 rows sent = 3 written; nulls agree in every column"), "{ran}");
    assert_eq!(
        sandbox.rows("orders.parquet"),
        [
            r#"{id: 1, total: 10.5, note: "first", changed: 100}"#,
            "{id: 2, total: 20.25, note: null, changed: 200}",
            r#"{id: 3, total: 0.75, note: "dritte: ä€😀", changed: 300}"#,
        ]
    );
    sandbox.holds_only(&["orders.parquet", "shop.db"]);
}

#[test]
fn a_table_becomes_several_files() {
    let (sandbox, _connection) = with_shop();
    let extract = |extra: &[&str]| {
        let arguments = ["extract", "sqlite:shop.db", "--table", "orders", "-o", "orders/"];
        sandbox.run(&[&arguments[..], extra].concat())
    };
    let ran = extract(&["--partition-by", "changed", "--max-file-size", "1MiB"]).succeeds();
    assert!(ran.stderr.contains("-> orders/\n"), "{ran}");
    assert!(ran.stderr.contains("3 in 3 files with 3 row groups, 4 columns"), "{ran}");
    assert_eq!(
        sandbox.rows("orders/changed=200/part-00001.parquet"),
        ["{id: 2, total: 20.25, note: null}"]
    );
    extract(&["--partition-by", "changed"]).fails(6, &["already exists", "--overwrite"]);
    let floats = ["extract", "sqlite:shop.db", "--table", "orders", "-o", "totals/"];
    sandbox
        .run(&[&floats[..], &["--partition-by", "total"]].concat())
        .fails(2, &["`total` makes no partitions", "DOUBLE"]);
    sandbox.holds_only(&["orders", "shop.db"]);
}

#[test]
fn a_query_needs_an_output_and_reads_only() {
    let (sandbox, _connection) = with_shop();
    let query = "SELECT sum(changed) AS changed FROM orders";
    let extract = |extra: &[&str]| {
        let mut arguments = vec!["extract", "sqlite:shop.db"];
        arguments.extend(extra);
        sandbox.run(&arguments)
    };
    extract(&["--query", query]).fails(2, &["a query has no name", "-o"]);
    extract(&["--query", query, "-o", "sum.parquet"]).succeeds();
    assert_eq!(sandbox.rows("sum.parquet"), ["{changed: 600}"]);
    sandbox.write("query.sql", "SELECT id FROM orders ORDER BY id DESC LIMIT 1;\n");
    extract(&["--query-file", "query.sql", "-o", "last.parquet"]).succeeds();
    assert_eq!(sandbox.rows("last.parquet"), ["{id: 3}"]);
    extract(&["--query", "DELETE FROM orders", "-o", "no.parquet"]).fails(2, &[]);
    extract(&["--query", "SELECT 1; SELECT 2", "-o", "no.parquet"]).fails(2, &[]);
    sandbox.holds_only(&["last.parquet", "query.sql", "shop.db", "sum.parquet"]);
}

#[test]
fn what_is_not_there_is_told_with_a_way_out() {
    let (sandbox, _connection) = with_shop();
    let extract = |arguments: &[&str]| {
        let mut all = vec!["extract"];
        all.extend(arguments);
        sandbox.run(&all)
    };
    extract(&["sqlite:shop.db", "--table", "nobody"]).fails(4, &["nobody"]);
    extract(&["sqlite:shop.db", "--table", "orders", "--columns", "id,nope"]).fails(2, &["nope"]);
    extract(&["sqlite:none.db", "--table", "orders"]).fails(4, &["none.db"]);
    extract(&["sqlite:shop.db", "--table", "a b"]).fails(2, &["quotes"]);
    extract(&["sqlite:shop.db"]).fails(2, &["--table"]);
    extract(&["oracle://me@db/x", "--table", "t"]).fails(2, &["oracle", "postgresql"]);
    sandbox.run(&["dump", "sqlite:shop.db", "--tables", "no*", "-o", "dump"]).fails(4, &["no*"]);
    assert!(!sandbox.path("none.db").exists());
}

#[test]
fn a_table_goes_through_a_pipe_or_elsewhere() {
    let (sandbox, _connection) = with_shop();
    let all = ["extract", "sqlite:shop.db", "--table", "\"Order lines\"", "-o", "-"];
    let ran = sandbox.run(&all);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(crate::support::rows_of(ran.stdout), ["{line: 7, quantity: 70}"]);
    let some = ["extract", "sqlite:shop.db", "--table", "dear", "--columns", "note,id"];
    sandbox.run(&some).succeeds();
    assert_eq!(sandbox.rows("dear.parquet"), [r#"{note: "first", id: 1}"#, "{note: null, id: 2}"]);
    sandbox.run(&some).fails(6, &["exists"]);
    let ran =
        sandbox.run(&["extract", "sqlite:shop.db", "--table", "dear", "--overwrite", "--json"]);
    let receipt = ran.succeeds().json();
    assert_eq!(receipt["plan"]["source"]["database"]["table"], "dear");
    assert_eq!(receipt["counts"]["written"], 2);
}

#[test]
fn tables_are_listed_for_a_person_and_for_a_program() {
    let (sandbox, _connection) = with_shop();
    let listed = sandbox.run(&["tables", "sqlite:shop.db", "--json"]).succeeds().json();
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|it| it["table"].as_str().unwrap()).collect();
    assert_eq!(names, ["Order lines", "dear", "orders"]);
    let ran = sandbox.run(&["tables", "sqlite:shop.db", "or*"]).succeeds();
    assert!(ran.stdout().contains("orders") && !ran.stdout().contains("dear"), "{ran}");
}

#[test]
fn a_dump_has_every_table_and_a_manifest() {
    let (sandbox, _connection) = with_shop();
    let ran = sandbox.run(&["dump", "sqlite:shop.db", "-o", "dump"]).succeeds();
    assert!(ran.stderr.contains("dumped 2 tables of sqlite:shop.db"), "{ran}");
    let manifest =
        dump_is_whole(&sandbox, "dump", &[("Order lines.parquet", 1), ("orders.parquet", 3)]);
    assert_eq!(manifest["format_version"], 1);
    let again = sandbox.run(&["dump", "sqlite:shop.db", "-o", "dump"]);
    again.fails(6, &["exists"]);
    sandbox.run(&["dump", "sqlite:shop.db", "-o", "dump", "--overwrite"]).succeeds();
}

#[test]
fn a_source_grows_by_what_changed() {
    let (sandbox, connection) = with_shop();
    sandbox.run(&["source", "add", "orders", "sqlite:shop.db"]).succeeds();
    let next = ["extract", "--source", "orders", "--table", "orders", "--since-column", "changed"];
    let data = |number: u32| {
        let shown = sandbox.run(&["source", "show", "orders", "--json"]).succeeds().json();
        assert_eq!(shown["current_version"], number);
        sandbox.rows(shown["data"].as_str().unwrap()).len()
    };
    let ran = sandbox.run(&next).succeeds();
    assert!(ran.stderr.contains("`changed` from the beginning to 300"), "{ran}");
    assert_eq!(data(1), 3);
    connection
        .execute_batch("INSERT INTO orders VALUES (4, 1, 'new', 301); UPDATE orders SET changed = 302 WHERE id = 1")
        .unwrap();
    let ran = sandbox.run(&next).succeeds();
    assert!(ran.stderr.contains("`changed` from 300 to 302"), "{ran}");
    assert_eq!(data(2), 2);
    let ran = sandbox.run(&next).succeeds();
    assert!(ran.stderr.contains("`changed` from 302 to 302"), "{ran}");
    assert_eq!(data(3), 0);
    // A rollback takes the window back.
    sandbox.run(&["rollback", "orders", "v1"]).succeeds();
    let ran = sandbox.run(&next).succeeds();
    assert!(ran.stderr.contains("`changed` from 300 to 302"), "{ran}");
    assert_eq!(data(4), 2);
}

#[test]
fn a_source_of_a_database_is_no_file() {
    let (sandbox, _connection) = with_shop();
    sandbox.write("sales.csv", crate::support::SALES);
    sandbox.run(&["source", "add", "orders", "sqlite:shop.db"]).succeeds();
    sandbox.run(&["source", "add", "sales", "sales.csv"]).succeeds();
    sandbox.run(&["convert", "--source", "orders"]).fails(2, &["sqlite"]);
    let ran = sandbox.run(&["extract", "sqlite:shop.db", "--source", "sales", "--table", "orders"]);
    ran.fails(2, &["sales"]);
    let ran = sandbox.run(&["source", "add", "secret", "mysql://me:hunter2hunter2@db/shop"]);
    assert!(!ran.to_string().contains("hunter2"), "{ran}");
    ran.fails(2, &["password"]);
}

#[test]
fn a_database_is_never_replaced_by_its_own_output() {
    let (sandbox, connection) = with_shop();
    connection.execute_batch("PRAGMA journal_mode = WAL; DELETE FROM orders WHERE id = 3").unwrap();
    let before = std::fs::read(sandbox.path("shop.db")).unwrap();
    for file in ["shop.db", "./shop.db", "shop.db-wal", "shop.db-shm"] {
        let extract = ["extract", "sqlite:shop.db", "--table", "orders", "--overwrite"];
        let output = [&extract[..], &["-o", file]].concat();
        sandbox.run(&output).fails(2, &["database itself"]);
        let receipt = [&extract[..], &["-o", "out.parquet", "--receipt", file]].concat();
        sandbox.run(&receipt).fails(2, &["database itself"]);
    }
    assert_eq!(std::fs::read(sandbox.path("shop.db")).unwrap(), before);
}

#[test]
fn connectors_are_listed() {
    let sandbox = Sandbox::new();
    shows!(sandbox.run(&["connectors"]), @"
    exit code: 0
    ----- stdout -----
      connector   URL
      postgresql  postgresql://user@host:5432/database
      redshift    redshift://user@host:5439/database
      mysql       mysql://user@host:3306/database
      mariadb     mariadb://user@host:3306/database
      sqlite      sqlite:file.db
    ----- stderr -----
    ");
}
