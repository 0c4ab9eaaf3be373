//! `tundra extract`, `dump`, `tables`, `test-connection` and `connectors`, against real databases.

mod mariadb;
mod postgresql;
mod sqlite;

use sha2::{Digest, Sha256};

use crate::support::{Ran, Sandbox};

/// What makes `orders`, `"Order lines"` and the view `dear` in every dialect.
const SHOP: &str = "
    CREATE TABLE orders (id INTEGER PRIMARY KEY, total NUMERIC(10, 2), note VARCHAR(20), changed BIGINT);
    CREATE TABLE \"Order lines\" (line INTEGER PRIMARY KEY, quantity BIGINT);
    INSERT INTO orders VALUES (1, 10.50, 'first', 100), (2, 20.25, NULL, 200), (3, 0.75, 'dritte: ä€😀', 300);
    INSERT INTO \"Order lines\" VALUES (7, 70);
    CREATE VIEW dear AS SELECT * FROM orders WHERE total > 10;";

/// The password that must show nowhere.
const PASSWORD: &str = "correct-horse-battery";

/// The files of a dump of the shop are those that its manifest names, as it says.
#[track_caller]
fn dump_is_whole(sandbox: &Sandbox, folder: &str, files: &[(&str, u64)]) -> serde_json::Value {
    let manifest: serde_json::Value =
        serde_json::from_str(&sandbox.read(&format!("{folder}/manifest.json"))).unwrap();
    let tables = manifest["tables"].as_array().unwrap();
    let told: Vec<(&str, u64)> = tables
        .iter()
        .map(|it| (it["file"].as_str().unwrap(), it["rows"].as_u64().unwrap()))
        .collect();
    assert_eq!(told, files);
    for table in tables {
        let file = format!("{folder}/{}", table["file"].as_str().unwrap());
        let bytes = std::fs::read(sandbox.path(&file)).unwrap();
        let digest: String =
            Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(table["sha256"], digest, "{file}");
        assert_eq!(table["size_bytes"], bytes.len(), "{file}");
        assert_eq!(sandbox.rows(&file).len() as u64, table["rows"].as_u64().unwrap(), "{file}");
    }
    manifest
}

/// Nothing of what a run left to be seen has the password.
#[track_caller]
fn shows_no_password(ran: &Ran) {
    assert!(!ran.to_string().contains(PASSWORD), "{ran}");
}
