//! MariaDB as `cargo xtask test` starts it.

use std::{sync::Arc, thread};

use tundra_test_services::MariadbDatabase;

use super::{ACCOUNTS, AMOUNT, TABLES, connector, sums_are_exact, sums_over_tables_are_exact};

#[tokio::test(flavor = "multi_thread")]
async fn sums_are_exact_under_constant_transfers() {
    let database = Arc::new(MariadbDatabase::create().unwrap());
    database
        .run(&format!(
            "CREATE TABLE account (id BIGINT PRIMARY KEY, amount BIGINT NOT NULL);
             INSERT INTO account SELECT seq, {AMOUNT} FROM seq_1_to_{ACCOUNTS};
             CREATE TABLE ended (is_ended BOOLEAN);
             DELIMITER //
             CREATE PROCEDURE transfer() BEGIN
               DECLARE a BIGINT; DECLARE b BIGINT;
               WHILE NOT EXISTS (SELECT * FROM ended) DO
                 SET a = 1 + FLOOR(RAND() * {ACCOUNTS}), b = 1 + FLOOR(RAND() * {ACCOUNTS});
                 START TRANSACTION;
                 UPDATE account SET amount = amount - 7 WHERE id = a;
                 UPDATE account SET amount = amount + 7 WHERE id = b;
                 COMMIT;
               END WHILE;
             END //
             DELIMITER ;"
        ))
        .unwrap();
    let writer = {
        let database = Arc::clone(&database);
        thread::spawn(move || database.run("CALL transfer()"))
    };
    // The writer ends with its server when this fails.
    sums_are_exact(&*connector(&database.url()), 1000).await;
    database.run("INSERT INTO ended VALUES (TRUE)").unwrap();
    writer.join().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_over_several_tables_are_exact_under_constant_transfers() {
    let database = Arc::new(MariadbDatabase::create().unwrap());
    let mut moves = String::new();
    for number in 1..=TABLES {
        database
            .run(&format!(
                "CREATE TABLE account_{number} (id BIGINT PRIMARY KEY, amount BIGINT NOT NULL);
                 INSERT INTO account_{number} SELECT seq, {AMOUNT} FROM seq_1_to_{ACCOUNTS}"
            ))
            .unwrap();
        let next = number % TABLES + 1;
        moves += &format!(
            "SET a = 1 + FLOOR(RAND() * {ACCOUNTS});
             START TRANSACTION;
             UPDATE account_{number} SET amount = amount - 7 WHERE id = a;
             UPDATE account_{next} SET amount = amount + 7 WHERE id = a;
             COMMIT;\n"
        );
    }
    database
        .run(&format!(
            "CREATE TABLE ended (is_ended BOOLEAN);
             DELIMITER //
             CREATE PROCEDURE transfer() BEGIN
               DECLARE a BIGINT;
               WHILE NOT EXISTS (SELECT * FROM ended) DO {moves} END WHILE;
             END //
             DELIMITER ;"
        ))
        .unwrap();
    let writer = {
        let database = Arc::clone(&database);
        thread::spawn(move || database.run("CALL transfer()"))
    };
    // The writer ends with its server when this fails.
    sums_over_tables_are_exact(&*connector(&database.url()), 20).await;
    database.run("INSERT INTO ended VALUES (TRUE)").unwrap();
    writer.join().unwrap().unwrap();
}
