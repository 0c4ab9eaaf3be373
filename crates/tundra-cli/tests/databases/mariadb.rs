//! MariaDB as `cargo xtask test` starts it.

use tundra_test_services::MariadbDatabase;

use super::{PASSWORD, SHOP, dump_is_whole, shows_no_password};
use crate::support::Sandbox;

fn with_shop() -> (Sandbox, MariadbDatabase) {
    let database = MariadbDatabase::create().unwrap();
    database.run(&format!("SET sql_mode = 'ANSI_QUOTES'; {SHOP}")).unwrap();
    (Sandbox::new(), database)
}

#[test]
fn a_table_becomes_a_file_of_its_name() {
    let (sandbox, database) = with_shop();
    let ran = sandbox.run(&["extract", &database.url(), "--table", "orders"]).succeeds();
    assert!(ran.stderr.contains("3 rows sent = 3 written"), "{ran}");
    assert_eq!(
        sandbox.rows("orders.parquet"),
        [
            r#"{id: 1, total: 10.50, note: "first", changed: 100}"#,
            "{id: 2, total: 20.25, note: null, changed: 200}",
            r#"{id: 3, total: 0.75, note: "dritte: ä€😀", changed: 300}"#,
        ]
    );
    sandbox.holds_only(&["orders.parquet"]);
}

#[test]
fn a_dump_stands_for_one_moment() {
    let (sandbox, database) = with_shop();
    sandbox.run(&["dump", &database.url(), "-o", "dump"]).succeeds();
    let name = database.name();
    let (lines, orders) = (format!("{name}.Order lines.parquet"), format!("{name}.orders.parquet"));
    let manifest = dump_is_whole(&sandbox, "dump", &[(&lines, 1), (&orders, 3)]);
    assert!(manifest["position"].as_str().unwrap().starts_with("gtid "), "{manifest}");
}

#[test]
fn a_wrong_password_is_refused_and_shown_nowhere() {
    let (sandbox, database) = with_shop();
    let (url, user) = database.user("reader", PASSWORD).unwrap();
    database.run(&format!("GRANT SELECT ON orders TO '{user}'@'%'")).unwrap();
    sandbox.run(&["extract", &url, "--table", "orders"]).succeeds();
    let ran = sandbox.run(&["extract", &url, "--table", "Order lines"]);
    shows_no_password(&ran);
    let ran = sandbox.run(&["extract", &url, "--table", "`Order lines`"]).fails(5, &["denied"]);
    shows_no_password(&ran);
    let wrong = url.replace(PASSWORD, "hunter2hunter2");
    let ran = sandbox.run(&["-vv", "extract", &wrong, "--table", "orders", "--overwrite"]);
    assert_eq!(ran.code, Some(5), "{ran}");
    assert!(!ran.to_string().contains("hunter2"), "{ran}");
}
