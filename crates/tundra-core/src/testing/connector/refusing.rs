//! What is not done, and what is said then.

use std::time::Duration;

use futures::{StreamExt, future::Either};

use super::{
    TestDatabase,
    harness::{Test, of_query, of_table},
};
use crate::{
    connector::{ExtractRequest, Window},
    error::ErrorKind,
};

/// A table that is not there is not found, and a column that is not there is a wrong request; both are
/// named.
pub async fn refuses_what_is_not_there(database: &dyn TestDatabase) {
    let test = Test::new(database, "refuses_what_is_not_there");
    let missing = test.name("tundra_missing");
    let error = test.refused_as("a missing table", ErrorKind::NotFound, &of_table(&missing)).await;
    test.check("the table is named", error.reason.contains(&missing));

    let name = test.filled(3).await;
    let column = "no_such_column".to_owned();
    let whole = || of_table(&name);
    let window = Window { column: column.clone(), after: None };
    for (what, request) in [
        (
            "a missing column",
            ExtractRequest { columns: Some(vec!["id".to_owned(), column.clone()]), ..whole() },
        ),
        (
            "a missing partition column",
            ExtractRequest {
                partition_column: Some(column.clone()),
                partitions: Some(2),
                ..whole()
            },
        ),
        ("a window of a missing column", ExtractRequest { window: Some(window), ..whole() }),
    ] {
        let error = test.refused_as(what, ErrorKind::InvalidRequest, &request).await;
        test.check("the column is named", error.reason.contains(&column));
    }
    for partitions in [0, 17] {
        let request = ExtractRequest { partitions: Some(partitions), ..whole() };
        test.refused_as("a wrong number of partitions", ErrorKind::InvalidRequest, &request).await;
    }
}

/// A query that the database does not understand is a wrong request, in the database's words.
pub async fn refuses_wrong_sql(database: &dyn TestDatabase) {
    let test = Test::new(database, "refuses_wrong_sql");
    for sql in ["SELEKT 1", "SELECT 1 FROM", "SELECT 'open", ""] {
        let what = format!("the query `{sql}`");
        let error = test.refused_as(&what, ErrorKind::InvalidRequest, &of_query(sql)).await;
        test.check("the reason is told", !error.reason.is_empty());
    }
}

/// A query that writes does not, whatever it is hidden in.
pub async fn refuses_queries_that_write(database: &dyn TestDatabase) {
    let test = Test::new(database, "refuses_queries_that_write");
    let name = test.filled(3).await;
    let table = database.quote(&name);
    let made = database.quote(&test.name("tundra_made"));
    for sql in [
        format!("DELETE FROM {table}"),
        format!("UPDATE {table} SET amount = 0"),
        format!("INSERT INTO {table} (id) VALUES (99)"),
        format!("DELETE FROM {table} RETURNING id"),
        format!("DROP TABLE {table}"),
        format!("CREATE TABLE {made} (id INTEGER)"),
        "COMMIT".to_owned(),
        "ROLLBACK".to_owned(),
    ] {
        let error = test.refused(&format!("`{sql}`"), &of_query(sql.as_str())).await;
        let kind = error.kind;
        test.check(&format!("the kind of `{sql}` is the caller's: {kind}"), {
            matches!(
                kind,
                ErrorKind::InvalidRequest | ErrorKind::PermissionDenied | ErrorKind::Unsupported
            )
        });
        let read = test.read(&of_table(&name)).await;
        test.same_rows("the table afterwards", &read.sorted(), &Test::expected(3));
    }
}

/// Two statements are not run, not even the first one.
pub async fn refuses_two_statements(database: &dyn TestDatabase) {
    let test = Test::new(database, "refuses_two_statements");
    let name = test.filled(3).await;
    let table = database.quote(&name);
    for sql in [
        "SELECT 1; SELECT 2".to_owned(),
        format!("SELECT id FROM {table}; DELETE FROM {table}"),
        format!("SELECT id FROM {table}; COMMIT; DELETE FROM {table}"),
        format!("SELECT id FROM {table} /* ; */; -- \n DROP TABLE {table}"),
    ] {
        let what = format!("`{sql}`");
        test.refused_as(&what, ErrorKind::InvalidRequest, &of_query(sql.as_str())).await;
        let read = test.read(&of_table(&name)).await;
        test.same_rows("the table afterwards", &read.sorted(), &Test::expected(3));
    }
}

/// A partition is started once, and there are no others.
pub async fn refuses_a_second_start(database: &dyn TestDatabase) {
    let test = Test::new(database, "refuses_a_second_start");
    let name = test.filled(3).await;
    let mut session = test.session().await;
    let mut extraction = test.ok("prepare to read", session.extract(&of_table(&name)).await);
    let stream = test.ok("start a stream", extraction.stream(0).await);
    test.drain(stream).await;
    for partition in [0, extraction.partitions()] {
        match extraction.stream(partition).await {
            Ok(_) => test.fail(format!("partition {partition} was started")),
            Err(error) => test.same("the kind", &error.kind, &ErrorKind::InvalidRequest),
        }
    }
}

/// Names that are SQL are names nonetheless, and there are none like that.
pub async fn executes_no_name(database: &dyn TestDatabase) {
    let test = Test::new(database, "executes_no_name");
    let name = test.filled(3).await;
    let table = database.quote(&name);
    for attack in [
        format!("{name}; DROP TABLE {table}"),
        format!("{name}\"; DROP TABLE {table}; --"),
        format!("{name}`; DROP TABLE {table}; --"),
        format!("{name} WHERE 1 = 0"),
        "(SELECT 1)".to_owned(),
        String::new(),
        "zero\0byte".to_owned(),
    ] {
        let what = format!("the table {attack:?}");
        let error = test.refused(&what, &of_table(&attack)).await;
        test.check(&format!("{what} is not found or wrong: {}", error.kind), {
            matches!(error.kind, ErrorKind::NotFound | ErrorKind::InvalidRequest)
        });
        let what = format!("the column {attack:?}");
        let request = ExtractRequest { columns: Some(vec![attack]), ..of_table(&name) };
        test.refused_as(&what, ErrorKind::InvalidRequest, &request).await;
    }
    let read = test.read(&of_table(&name)).await;
    test.same_rows("the table afterwards", &read.sorted(), &Test::expected(3));
}

/// A statement that works longer than it may is ended, and so says the error.
pub async fn ends_a_statement_at_its_time(database: &dyn TestDatabase) {
    let test = Test::new(database, "ends_a_statement_at_its_time");
    let request = ExtractRequest {
        statement_timeout: Some(Duration::from_millis(300)),
        ..of_query(database.endless())
    };
    test.refused_as("a query without end", ErrorKind::Timeout, &request).await;
}

/// Streams that nobody reads to the end, and preparations that nobody waits for, leave a session that
/// can be used.
pub async fn survives_dropped_streams(database: &dyn TestDatabase) {
    let test = Test::new(database, "survives_dropped_streams");
    const ROWS: u64 = 20_000;
    let name = test.filled(ROWS).await;
    let mut session = test.session().await;
    let small = ExtractRequest { batch_bytes: 1 << 10, partitions: Some(2), ..of_table(&name) };
    for batches in [0, 1, 5] {
        let mut extraction = test.ok("prepare to read", session.extract(&small).await);
        let mut streams = Vec::new();
        for partition in 0..extraction.partitions() {
            let mut stream = test.ok("start a stream", extraction.stream(partition).await);
            for _ in 0..batches {
                if let Some(batch) = stream.next().await {
                    test.ok("read a batch", batch);
                }
            }
            streams.push(stream);
        }
        drop(streams);
    }
    let read = test.read_in(&mut *session, &of_table(&name)).await;
    test.same_rows("the table", &read.sorted(), &Test::expected(ROWS));

    // Preparing, or the first batch, does not come before the hour is over, unless it is dropped.
    let endless = of_query(database.endless());
    let mut session = test.session().await;
    let begin = async {
        let mut extraction = session.extract(&endless).await?;
        let mut stream = extraction.stream(0).await?;
        stream.next().await.transpose()
    };
    let whole = of_table(&name);
    let some_work = test.read(&whole);
    let ended = futures::future::select(Box::pin(begin), Box::pin(some_work)).await;
    if let Either::Left((result, _)) = ended {
        test.fail(format!("a query without end ended: {result:?}"));
    }
}

/// No text that anybody sees has the password in it.
pub async fn shows_no_password(database: &dyn TestDatabase) {
    let test = Test::new(database, "shows_no_password");
    let Some(password) = database.password() else { return };
    let connector = database.connector();
    let session = test.session().await;
    let error = test.refused("wrong SQL", &of_query("SELEKT 1")).await;
    for (what, text) in [
        ("the connector", format!("{connector:?} {connector:#?} {}", connector.display())),
        ("the session", format!("{session:?} {session:#?}")),
        ("an error", format!("{error} {error:?} {error:#?}")),
    ] {
        test.check(&format!("{what} hides the password"), !text.contains(password));
    }
}
