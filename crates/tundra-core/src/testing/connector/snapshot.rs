//! One state of the database, whoever writes.

use futures::future::join;

use super::{
    TestDatabase,
    harness::{Test, of_table, row},
};
use crate::connector::ExtractRequest;

/// What is written after the session began is not seen, neither when reading is prepared nor later.
pub async fn sees_no_later_writes(database: &dyn TestDatabase) {
    let test = Test::new(database, "sees_no_later_writes");
    const ROWS: u64 = 1000;
    let name = test.filled(ROWS).await;
    let table = database.quote(&name);
    let mut session = test.session().await;
    let request = ExtractRequest { partitions: Some(2), ..of_table(&name) };
    let first = test.read_in(&mut *session, &request).await;
    test.same_rows("before the write", &first.sorted(), &Test::expected(ROWS));
    test.execute(&format!("DELETE FROM {table} WHERE id > 10")).await;
    test.execute(&format!("UPDATE {table} SET amount = 0")).await;
    let extraction = test.ok("prepare to read", session.extract(&request).await);
    test.execute(&format!("INSERT INTO {table} (id, amount, label) VALUES (-5, 5, 'new')")).await;
    let second = test.finish(extraction).await;
    test.same_rows("after the write", &second.sorted(), &Test::expected(ROWS));
    drop(session);
    let later = test.read(&request).await;
    test.same("the rows of a new session", &later.sorted().len(), &11);
}

/// All tables of a session are as they were at one moment.
pub async fn shares_one_snapshot_among_tables(database: &dyn TestDatabase) {
    let test = Test::new(database, "shares_one_snapshot_among_tables");
    let (one, two) = (test.filled(10).await, test.filled(10).await);
    let mut session = test.session().await;
    let first = test.read_in(&mut *session, &of_table(&one)).await;
    for name in [&one, &two] {
        let table = database.quote(name);
        test.execute(&format!("INSERT INTO {table} (id, amount, label) VALUES (99, 0, 'new')"))
            .await;
    }
    let second = test.read_in(&mut *session, &of_table(&two)).await;
    test.same_rows("the first table", &first.sorted(), &Test::expected(10));
    test.same_rows("the second table", &second.sorted(), &Test::expected(10));
}

/// While amounts go from one row to another, their sum stays, in every extraction.
pub async fn keeps_sums_under_writers(database: &dyn TestDatabase) {
    let test = Test::new(database, "keeps_sums_under_writers");
    const ROWS: u64 = 64;
    const ROUNDS: u64 = 25;
    let name = test.filled(ROWS).await;
    let table = database.quote(&name);
    let sum = 7 * ROWS * (ROWS + 1) / 2;
    let sum = i64::try_from(sum).unwrap_or(0);
    let request = ExtractRequest {
        partitions: Some(4),
        columns: Some(vec!["amount".to_owned()]),
        ..of_table(&name)
    };
    for round in 0..ROUNDS {
        let (from, to) = (round % ROWS + 1, (round * 13 + 40) % ROWS + 1);
        let transfer = async {
            // One statement, so that it is one transaction everywhere.
            test.execute(&format!(
                "UPDATE {table} SET amount = amount + CASE id WHEN {from} THEN -5 ELSE 5 END \
                 WHERE id IN ({from}, {to}) AND {from} <> {to}"
            ))
            .await;
        };
        let (read, ()) = join(test.read(&request), transfer).await;
        let amounts = read.partitions.iter().flatten().flatten().flatten();
        let total: i64 = amounts.filter_map(|amount| amount.parse::<i64>().ok()).sum();
        test.same(&format!("the sum in round {round}"), &total, &sum);
    }
    let read = test.read(&ExtractRequest { limit: Some(1), ..request }).await;
    test.check("there is a row", read.sorted() != [row(&[None])]);
}
