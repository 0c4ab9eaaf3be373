//! PostgreSQL as `cargo xtask test` starts it.

use std::{sync::Arc, thread};

use tundra_test_services::Database;

use super::{ACCOUNTS, AMOUNT, TABLES, connector, sums_are_exact, sums_over_tables_are_exact};

#[tokio::test(flavor = "multi_thread")]
async fn sums_are_exact_under_constant_transfers() {
    let database = Arc::new(Database::create().unwrap());
    database
        .run(&format!(
            "CREATE TABLE account (id bigint PRIMARY KEY, amount bigint NOT NULL);
             INSERT INTO account SELECT n, {AMOUNT} FROM generate_series(1, {ACCOUNTS}) AS n;
             CREATE TABLE over ();"
        ))
        .unwrap();
    let writer = {
        let database = Arc::clone(&database);
        thread::spawn(move || {
            database.run(&format!(
                "DO $$ DECLARE a bigint; b bigint; BEGIN
                 WHILE to_regclass('over') IS NOT NULL LOOP
                   a := 1 + floor(random() * {ACCOUNTS}); b := 1 + floor(random() * {ACCOUNTS});
                   UPDATE account SET amount = amount - 7 WHERE id = a;
                   UPDATE account SET amount = amount + 7 WHERE id = b;
                   COMMIT;
                 END LOOP; END $$"
            ))
        })
    };
    // The writer ends with its server when this fails.
    sums_are_exact(&*connector(&database.url()), 1000).await;
    database.run("DROP TABLE over").unwrap();
    writer.join().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_over_several_tables_are_exact_under_constant_transfers() {
    let database = Arc::new(Database::create().unwrap());
    for number in 1..=TABLES {
        database
            .run(&format!(
                "CREATE TABLE account_{number} (id bigint PRIMARY KEY, amount bigint NOT NULL);
                 INSERT INTO account_{number}
                     SELECT n, {AMOUNT} FROM generate_series(1, {ACCOUNTS}) AS n"
            ))
            .unwrap();
    }
    database.run("CREATE TABLE over ()").unwrap();
    let writer = {
        let database = Arc::clone(&database);
        thread::spawn(move || {
            database.run(&format!(
                "DO $$ DECLARE a bigint; f integer; t integer; BEGIN
                 WHILE to_regclass('over') IS NOT NULL LOOP
                   a := 1 + floor(random() * {ACCOUNTS});
                   f := 1 + floor(random() * {TABLES}); t := 1 + floor(random() * {TABLES});
                   EXECUTE format('UPDATE account_%s SET amount = amount - 7 WHERE id = %s', f, a);
                   EXECUTE format('UPDATE account_%s SET amount = amount + 7 WHERE id = %s', t, a);
                   COMMIT;
                 END LOOP; END $$"
            ))
        })
    };
    // The writer ends with its server when this fails.
    sums_over_tables_are_exact(&*connector(&database.url()), 50).await;
    database.run("DROP TABLE over").unwrap();
    writer.join().unwrap().unwrap();
}
