//! What is done with PostgreSQL, with MariaDB: as itself, and as the MySQL that it speaks like.

use serde_json::json;
use tundra_test_services::MariadbDatabase;

use super::{
    connection::{fails, succeeds},
    convert_database::{COMPRESSIONS, lines, sorted},
};
use crate::server::stack::{Stack, but, credentials};

const ORDERS: &str = "
    CREATE TABLE orders (
        id BIGINT PRIMARY KEY, total DECIMAL(12, 2), note TEXT, created_at DATETIME(6), day DATE
    );
    INSERT INTO orders SELECT
        seq, IF(seq % 11 = 0, NULL, ROUND(seq * 1.37, 2)),
        IF(seq % 7 = 0, NULL, CONCAT('Nº ', seq, ', „ä€😀“')),
        TIMESTAMP '2023-12-25 03:04:05.678901' + INTERVAL seq DAY, DATE '1999-12-31' + INTERVAL seq DAY
    FROM seq_1_to_100";

/// The rows as PyArrow's texts, with `|` between them and `NULL` for what is not there.
const ORDERS_AS_TEXT: &str = "
    SELECT CONCAT_WS('|', id, COALESCE(total, 'NULL'), COALESCE(note, 'NULL'),
        DATE_FORMAT(created_at, '%Y-%m-%dT%H:%i:%s.%f'), day)
    FROM orders";

const ORDERS_TYPES: [&str; 5] =
    ["int64", "decimal128(12, 2)", "string", "timestamp[us]", "date32[day]"];

#[tokio::test]
async fn a_database_answers_by_either_name_or_it_is_said_why_not() {
    let stack = Stack::new().await;
    let shop = MariadbDatabase::create().unwrap();
    let server = stack.serve();
    let ask = server.asker();
    let good = credentials(&shop.url());
    for name in ["mariadb", "mysql"] {
        let found = succeeds(ask, name, &good).await;
        assert_eq!(found["database_type"], "MariaDB", "{found}");
        let version = shop.run("SELECT VERSION()").unwrap();
        assert_eq!(found["server_version"], version, "{found}");
        let wrong = but(&good, json!({"password": "hunter2"}));
        let told = fails(ask, name, &wrong, "permission_denied").await;
        assert!(told.contains("Access denied"), "{told}");
    }
    fails(ask, "mysql", &but(&good, json!({"database": "nobodys"})), "not_found").await;
}

#[tokio::test]
async fn queries_and_tables_become_versions_by_either_name() {
    let stack = Stack::new().await;
    let shop = MariadbDatabase::create().unwrap();
    shop.run(ORDERS).unwrap();
    stack.keep_secret("shop", &credentials(&shop.url()));
    let server = stack.serve();
    let ask = server.asker();
    let condition = "WHERE created_at > '2024-01-01'";
    let query = format!("SELECT * FROM orders {condition} ORDER BY id");
    let rows = shop.run(&format!("{ORDERS_AS_TEXT} {condition} ORDER BY id")).unwrap();
    let rows: Vec<&str> = rows.lines().collect();
    let all = sorted(&shop.run(ORDERS_AS_TEXT).unwrap());
    for name in ["mariadb", "mysql"] {
        let id = stack.add("database", name);
        for (compression, codec) in COMPRESSIONS {
            let request = json!({
                "source_id": id, "credentials_id": "shop", "query": query, "compression": compression,
            });
            let answer = ask.post("/convert/database", &request).await.ok();
            let contents = stack.proven(&id, &answer, "database").await;
            assert_eq!(contents.types(), ORDERS_TYPES);
            assert_eq!(lines(&contents), rows, "{compression}");
            assert_eq!(contents.codecs, [codec]);
            assert_eq!(answer["metadata"]["connection_info"]["connector_type"], name);
            assert_eq!(stack.source(&id)["extraction_query"], query);
        }
        let request = json!({
            "source_id": id, "credentials_id": "shop", "table_name": "orders",
            "partition_column": "id", "partition_num": 3,
        });
        let answer = ask.post("/convert/database", &request).await.ok();
        let contents = stack.proven(&id, &answer, "database").await;
        assert_eq!(sorted(&lines(&contents).join("\n")), all);
        assert_eq!(answer["metadata"]["connection_info"]["partitioned"], true);
        let nobodys = json!({"source_id": id, "credentials_id": "shop", "table_name": "nobodys"});
        let told = ask.post("/convert/database", &nobodys).await.failure(404, "not_found");
        assert_eq!(told["version"], 5, "{told}");
        assert_eq!(stack.source(&id)["current_version"], 4);
    }
}

#[tokio::test]
async fn a_table_goes_to_a_signed_url_as_in_3_0() {
    let stack = Stack::new().await;
    let shop = MariadbDatabase::create().unwrap();
    shop.run(ORDERS).unwrap();
    stack.keep_secret("shop", &credentials(&shop.url()));
    let server = stack.serve();
    let request = json!({
        "output_url": stack.signed("out/orders.parquet", "PUT"), "connector_type": "mysql",
        "credentials_id": "shop", "table_name": "orders", "partition_column": "id",
        "partition_num": 8,
    });
    let answer = server.asker().post("/convert/database", &request).await.ok();
    let contents = stack.parquet("out/orders.parquet").await;
    let all = sorted(&shop.run(ORDERS_AS_TEXT).unwrap());
    assert_eq!(sorted(&lines(&contents).join("\n")), all);
    assert_eq!(contents.codecs, ["SNAPPY"]);
    let info = &answer["metadata"]["connection_info"];
    assert_eq!((&info["connector_type"], &info["partitioned"]), (&json!("mysql"), &json!(true)));
}
