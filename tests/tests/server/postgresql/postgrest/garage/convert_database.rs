//! `POST /convert/database` of PostgreSQL and SQLite: the requests of 4.0 into a version, those of 3.0 into a
//! signed URL, and what is refused.

use rusqlite::Connection;
use serde_json::{Value, json};
use tundra_test_services::Database;
use tundra_tests::{parquet::Contents, server::Asker};

use crate::server::{
    stack::{Stack, but, credentials},
    until::until,
};

/// A table of a hundred orders with every kind of column that a shop has.
const ORDERS: &str = "
    CREATE TABLE orders (
        id bigint PRIMARY KEY, total numeric(12, 2), note text, created_at timestamptz, day date, paid boolean
    );
    INSERT INTO orders SELECT
        n, CASE WHEN n % 11 <> 0 THEN round(n * 1.37, 2) END,
        CASE WHEN n % 7 <> 0 THEN 'Nº ' || n || ', „ä€😀“' END,
        timestamptz '2023-12-25 03:04:05.678901+00' + n * interval '1 day',
        date '1999-12-31' + n::integer, CASE WHEN n % 5 <> 0 THEN n % 3 = 0 END
    FROM generate_series(1, 100) AS n";

/// The rows as PyArrow's texts, with `|` between them and `NULL` for what is not there.
pub(super) const ORDERS_AS_TEXT: &str = "
    SELECT concat_ws('|', id, coalesce(total::text, 'NULL'), coalesce(note, 'NULL'),
        to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') || '+00:00',
        day, coalesce(paid::text, 'NULL'))
    FROM orders";

const ORDERS_TYPES: [&str; 6] =
    ["int64", "decimal128(12, 2)", "string", "timestamp[us, tz=UTC]", "date32[day]", "bool"];

/// The compressions of both documents, and what Parquet calls them.
pub(super) const COMPRESSIONS: [(&str, &str); 3] =
    [("zstd", "ZSTD"), ("snappy", "SNAPPY"), ("none", "UNCOMPRESSED")];

/// Returns the rows of a file as texts, with `|` between the cells.
pub(super) fn lines(contents: &Contents) -> Vec<String> {
    let line = |row: &Vec<Option<String>>| {
        let cells: Vec<&str> = row.iter().map(|cell| cell.as_deref().unwrap_or("NULL")).collect();
        cells.join("|")
    };
    contents.rows.iter().map(line).collect()
}

/// Returns what a database printed, a row a line, in the order of the rows' texts.
pub(super) fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

/// A shop, and its credentials under the name `shop`.
pub(super) fn shop(stack: &Stack) -> Database {
    let shop = Database::create().unwrap();
    shop.run(ORDERS).unwrap();
    stack.keep_secret("shop", &credentials(&shop.url()));
    shop
}

#[tokio::test]
async fn a_query_and_a_table_of_postgresql_become_versions() {
    let stack = Stack::new().await;
    let shop = shop(&stack);
    let server = stack.serve();
    let ask = server.asker();
    let id = stack.add("database", "postgresql");
    // The one of the document, in an order.
    let condition = "WHERE created_at > '2024-01-01'";
    let query = format!("SELECT * FROM orders {condition} ORDER BY id");
    let rows = shop.run(&format!("{ORDERS_AS_TEXT} {condition} ORDER BY id")).unwrap();
    let rows: Vec<&str> = rows.lines().collect();
    assert!(rows.len() > 50 && rows.len() < 100, "{}", rows.len());
    for (compression, codec) in COMPRESSIONS {
        let request = json!({
            "source_id": id, "credentials_id": "shop", "query": query, "compression": compression,
        });
        let answer = ask.post("/convert/database", &request).await.ok();
        let contents = stack.proven(&id, &answer, "database").await;
        assert_eq!(contents.types(), ORDERS_TYPES);
        assert_eq!(lines(&contents), rows, "{compression}");
        assert_eq!(contents.codecs, [codec]);
        assert_eq!(
            answer["metadata"]["connection_info"],
            json!({
                "connector_type": "postgresql", "query": query, "partitioned": false,
                "compression": compression, "engine": "native",
            })
        );
        assert_eq!(stack.source(&id)["extraction_query"], query);
    }
    let all = shop.run(ORDERS_AS_TEXT).unwrap();
    for (table, more) in [
        ("orders", json!({})),
        ("public.orders", json!({"partition_column": "id", "partition_num": 4})),
    ] {
        let request = json!({"source_id": id, "credentials_id": "shop", "table_name": table});
        let answer = ask.post("/convert/database", &but(&request, more.clone())).await.ok();
        let contents = stack.proven(&id, &answer, "database").await;
        assert_eq!(sorted(&lines(&contents).join("\n")), sorted(&all), "{table}");
        // The default of 4.0.
        assert_eq!(contents.codecs, ["ZSTD"]);
        let info = &answer["metadata"]["connection_info"];
        assert_eq!((&info["query"], &info["table_name"]), (&Value::Null, &json!(table)), "{info}");
        assert_eq!(info["partitioned"], more["partition_num"] == 4, "{info}");
        assert!(stack.source(&id)["extraction_query"].as_str().unwrap().contains("orders"));
    }
    let told: Vec<_> = (1..=5).map(|number| (number, "active".to_owned())).collect();
    assert_eq!(stack.statuses(&id), told);
    // Nothing was uploaded, so nothing is archived.
    let objects = stack.objects(&id).await;
    assert!(objects.iter().all(|key| key.starts_with("processed/")), "{objects:?}");
}

#[tokio::test]
async fn a_query_goes_to_a_signed_url_as_in_3_0() {
    let stack = Stack::new().await;
    let shop = shop(&stack);
    let server = stack.serve();
    let ask = server.asker();
    let all = sorted(&shop.run(ORDERS_AS_TEXT).unwrap());
    let query = "SELECT * FROM orders WHERE created_at > '2024-01-01'";
    let of_query = format!("{ORDERS_AS_TEXT} WHERE created_at > '2024-01-01'");
    let some = sorted(&shop.run(&of_query).unwrap());
    for (number, (what, codec, partitioned)) in [
        (json!({"query": query, "compression": "snappy"}), "SNAPPY", false),
        // What is not said is as 3.0 has it.
        (json!({"query": query}), "SNAPPY", false),
        (
            json!({"table_name": "orders", "compression": "zstd", "partition_column": "id"}),
            "ZSTD",
            true,
        ),
        (
            json!({
                "table_name": "orders", "partition_column": "id", "partition_num": 8,
                "compression": "none",
            }),
            "UNCOMPRESSED",
            true,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("out/{number}.parquet");
        let place = json!({
            "output_url": stack.signed(&key, "PUT"), "connector_type": "postgresql",
            "credentials_id": "shop",
        });
        let answer = ask.post("/convert/database", &but(&place, what.clone())).await.ok();
        let metadata = &answer["metadata"];
        assert_eq!(
            (&answer["success"], &metadata["source_type"]),
            (&json!(true), &json!("database"))
        );
        assert!(metadata.get("version").is_none(), "{answer}");
        let contents = stack.parquet(&key).await;
        assert_eq!(contents.types(), ORDERS_TYPES);
        let expected = if what.get("query").is_some() { &some } else { &all };
        assert_eq!(&sorted(&lines(&contents).join("\n")), expected, "{what}");
        assert_eq!(contents.codecs, [codec], "{what}");
        assert_eq!(metadata["rows"], contents.rows.len(), "{answer}");
        assert_eq!(metadata["columns"], 6, "{answer}");
        assert!(metadata["file_size_mb"].is_f64(), "{answer}");
        assert!(metadata["processing_time_seconds"].is_f64(), "{answer}");
        let info = &metadata["connection_info"];
        assert_eq!(
            (&info["connector_type"], &info["query"]),
            (&json!("postgresql"), &what["query"])
        );
        assert_eq!(info["partitioned"], partitioned, "{info}");
        assert_eq!(info["compression"], codec.to_lowercase().replace("uncompressed", "none"));
        assert!(!answer.to_string().contains("Signature"), "{answer}");
    }
    assert_eq!(stack.catalog().run("SELECT count(*) FROM source_versions").unwrap(), "0");
    assert!(!server.log().contains("Signature"), "{}", server.log());
}

#[tokio::test]
async fn a_file_of_sqlite_becomes_versions() {
    let stack = Stack::new().await;
    let file = stack.database_file("shop.db");
    Connection::open(&file)
        .unwrap()
        .execute_batch(
            "CREATE TABLE orders (id INTEGER NOT NULL, total REAL, note TEXT);
             INSERT INTO orders VALUES (1, 1.5, 'ann'), (2, NULL, 'ä€😀'), (3, 0.25, NULL);",
        )
        .unwrap();
    stack.keep_secret("shop", &json!({"file_path": file}));
    let server = stack.serve();
    let id = stack.add("database", "sqlite");
    let request = json!({"source_id": id, "credentials_id": "shop"});
    for what in [
        json!({"query": "SELECT * FROM orders ORDER BY id", "compression": "none"}),
        json!({"table_name": "orders", "compression": "snappy"}),
    ] {
        let answer = server.asker().post("/convert/database", &but(&request, what)).await.ok();
        let contents = stack.proven(&id, &answer, "database").await;
        assert_eq!(lines(&contents), ["1|1.5|ann", "2|NULL|ä€😀", "3|0.25|NULL"]);
        assert_eq!(answer["metadata"]["connection_info"]["connector_type"], "sqlite");
    }
}

/// Asks for a conversion that fails, and returns why.
async fn fails(ask: &Asker, request: &Value, status: u16, code: &str) -> Value {
    let answer = ask.post("/convert/database", request).await;
    assert_eq!(answer.status, status, "{request}: {}", answer.text());
    let told = answer.failure(status, code);
    assert!(!told.to_string().contains("hunter2"), "{told}");
    told
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_the_statuses_of_3_0() {
    let stack = Stack::new().await;
    let shop = shop(&stack);
    let server = stack.serve();
    let ask = server.asker();
    let id = stack.add("database", "postgresql");
    let of_id = json!({"source_id": id, "credentials_id": "shop"});
    // In its very words.
    let injected = but(&of_id, json!({"table_name": "users; DROP TABLE users"}));
    assert_eq!(
        fails(ask, &injected, 400, "invalid_request").await["detail"],
        "Invalid table name: 'users; DROP TABLE users'. Table names must contain only alphanumeric \
         characters, underscores, and dots."
    );
    let file = stack.add("file", "csv");
    for request in [
        json!({}),
        json!({"source_id": id, "table_name": "orders"}),
        json!({"credentials_id": "shop", "table_name": "orders"}),
        json!({"output_url": stack.signed("x", "PUT"), "credentials_id": "shop", "query": "SELECT 1"}),
        json!({"source_id": file, "credentials_id": "shop", "table_name": "orders"}),
        json!({"source_id": id, "credentials_id": "../shop", "table_name": "orders"}),
        of_id.clone(),
        but(&of_id, json!({"table_name": "orders", "query": "SELECT 1"})),
        but(&of_id, json!({"table_name": "orders", "compression": "lzo"})),
        but(&of_id, json!({"table_name": "orders", "partition_num": 17})),
        but(&of_id, json!({"table_name": "orders", "partition_num": 0})),
        but(&of_id, json!({"table_name": "orders", "connector_type": "mysql"})),
    ] {
        fails(ask, &request, 400, "invalid_request").await;
    }
    let elsewhere = json!({
        "output_url": "https://evil.example/b/k?X-Amz-Signature=hunter2", "connector_type": "postgresql",
        "credentials_id": "shop", "table_name": "orders",
    });
    fails(ask, &elsewhere, 403, "permission_denied").await;
    // Neither secret nor source.
    let secret = json!({"source_id": id, "credentials_id": "nobodys", "table_name": "orders"});
    fails(ask, &secret, 404, "not_found").await;
    let nobodys = json!({"source_id": "00000000-0000-4000-8000-000000000000"});
    fails(ask, &but(&but(&of_id, nobodys), json!({"table_name": "orders"})), 404, "not_found")
        .await;
    assert!(stack.statuses(&id).is_empty());

    // What only the database can say makes a version that says so.
    let mut number = 0;
    let mut failed = async |request: &Value, status: u16, code: &str| {
        number += 1;
        let told = fails(ask, request, status, code).await;
        assert_eq!(told["version"], number, "{told}");
        let version = stack.versions(&id).pop().unwrap();
        assert_eq!((&version["version"], &version["status"]), (&json!(number), &json!("error")));
        assert_eq!(version["error_message"], told["detail"]);
    };
    failed(&but(&of_id, json!({"table_name": "nobodys"})), 404, "not_found").await;
    failed(&but(&of_id, json!({"query": "SELEC 1"})), 400, "invalid_request").await;
    let two = json!({"query": "SELECT 1; DROP TABLE orders"});
    failed(&but(&of_id, two), 400, "invalid_request").await;
    let writing = json!({"query": "DELETE FROM orders RETURNING id"});
    failed(&but(&of_id, writing), 400, "invalid_request").await;
    let good = credentials(&shop.url());
    stack.keep_secret("wrong", &but(&good, json!({"password": "hunter2"})));
    let wrong = json!({"source_id": id, "credentials_id": "wrong", "table_name": "orders"});
    failed(&wrong, 403, "permission_denied").await;
    stack.keep_secret("away", &but(&good, json!({"port": 1})));
    let away = json!({"source_id": id, "credentials_id": "away", "table_name": "orders"});
    failed(&away, 502, "unavailable").await;

    assert_eq!(shop.run("SELECT count(*) FROM orders").unwrap(), "100");
    assert_eq!(stack.source(&id)["current_version"], 0);
    assert_eq!(stack.objects(&id).await, [""; 0]);
}

#[tokio::test]
async fn a_query_that_ends_with_its_connection_or_takes_too_long_is_told_apart() {
    let stack = Stack::new().await;
    let shop = shop(&stack);
    let id = stack.add("database", "postgresql");
    let request = json!({
        "source_id": id, "credentials_id": "shop", "query": "SELECT pg_sleep(600), 'in the middle'",
    });
    let server = stack.serve();
    let ask = server.asker().clone();
    let asking = request.clone();
    let asked = tokio::spawn(async move { ask.post("/convert/database", &asking).await });
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE wait_event = 'PgSleep' AND datname = current_database()";
    let killed = || (shop.run(kill).unwrap() != "0").then_some(());
    until("the query runs", killed).await;
    asked.await.unwrap().failure(502, "unavailable");
    assert!(server.stop("TERM").unwrap().0.success());

    let server = stack.serve_with(&["--authentication", "off", "--timeout", "2s"]);
    let told = server.asker().post("/convert/database", &request).await.failure(504, "timeout");
    assert_eq!(told["version"], 2, "{told}");
    let told = [(1, "error".to_owned()), (2, "error".to_owned())];
    assert_eq!(stack.statuses(&id), told);
}
