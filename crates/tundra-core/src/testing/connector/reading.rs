//! What is read, and how.

use super::{
    TestDatabase,
    harness::{Test, of_query, of_table, row},
};
use crate::connector::{ExtractRequest, TablePattern, Window};

/// A connection that works says what is at its other end.
pub async fn tells_what_it_speaks_to(database: &dyn TestDatabase) {
    let test = Test::new(database, "tells_what_it_speaks_to");
    let connector = database.connector();
    let facts = test.ok("test the connection", connector.test().await);
    test.check("the product has a name", !facts.product.is_empty());
    test.check("the version is told", facts.version.contains(|c: char| c.is_ascii_digit()));
    test.check("the connector has a name", !connector.name().is_empty());
    test.check("the place is shown", !connector.display().is_empty());
}

/// Numbers at their edges, nulls and any text come out as they went in.
pub async fn keeps_values(database: &dyn TestDatabase) {
    let test = Test::new(database, "keeps_values");
    let name = test.table().await;
    let table = database.quote(&name);
    test.execute(&format!(
        "INSERT INTO {table} (id, amount, label) VALUES \
         (-2147483648, -9223372036854775807, ''), (2147483647, 9223372036854775807, ' '), \
         (0, NULL, NULL), (1, 0, 'NULL'), (2, -1, 'it''s \"quoted\"; -- no comment'), \
         (3, 1, 'ä € 🦀 \u{301}')"
    ))
    .await;
    let mut expected = vec![
        row(&[Some("-2147483648"), Some("-9223372036854775807"), Some("")]),
        row(&[Some("2147483647"), Some("9223372036854775807"), Some(" ")]),
        row(&[Some("0"), None, None]),
        row(&[Some("1"), Some("0"), Some("NULL")]),
        row(&[Some("2"), Some("-1"), Some("it's \"quoted\"; -- no comment")]),
        row(&[Some("3"), Some("1"), Some("ä € 🦀 \u{301}")]),
    ];
    expected.sort();
    let read = test.read(&of_table(&name)).await;
    test.same_rows("the table", &read.sorted(), &expected);
    let read = test.read(&of_query(format!("SELECT id, amount, label FROM {table}"))).await;
    test.same_rows("the query", &read.sorted(), &expected);
}

/// A table without rows has columns and ends at once.
pub async fn reads_an_empty_table(database: &dyn TestDatabase) {
    let test = Test::new(database, "reads_an_empty_table");
    let name = test.table().await;
    for partitions in [None, Some(1), Some(4)] {
        let read = test.read(&ExtractRequest { partitions, ..of_table(&name) }).await;
        test.same(
            "the columns",
            &read.columns,
            &["id", "amount", "label"].map(String::from).to_vec(),
        );
        test.same_rows("the table", &read.sorted(), &[]);
    }
}

/// Columns come in the order in which they are asked for, and no others.
pub async fn reads_columns_as_asked(database: &dyn TestDatabase) {
    let test = Test::new(database, "reads_columns_as_asked");
    let name = test.filled(3).await;
    let table = database.quote(&name);
    let columns = Some(vec!["amount".to_owned(), "id".to_owned()]);
    let expected = [["14", "2"], ["21", "3"], ["7", "1"]].map(|[a, b]| row(&[Some(a), Some(b)]));
    for request in [of_table(&name), of_query(format!("SELECT * FROM {table}"))] {
        let read = test.read(&ExtractRequest { columns: columns.clone(), ..request }).await;
        test.same("the columns", &read.columns, &["amount", "id"].map(String::from).to_vec());
        test.same_rows("the rows", &read.sorted(), &expected);
    }
}

/// A limit is never exceeded, and reached when there are as many rows.
pub async fn reads_at_most_the_limit(database: &dyn TestDatabase) {
    let test = Test::new(database, "reads_at_most_the_limit");
    let name = test.filled(100).await;
    let table = database.quote(&name);
    for (limit, expected) in [(0, 0), (1, 1), (99, 99), (100, 100), (1000, 100)] {
        for partitions in [Some(1), Some(3)] {
            let limit = Some(limit);
            let whole = ExtractRequest { limit, partitions, ..of_table(&name) };
            let query = of_query(format!("SELECT * FROM {table} ORDER BY id"));
            let query = ExtractRequest { limit, partitions, ..query };
            for request in [whole, query] {
                let mut rows = test.read(&request).await.sorted();
                test.same("the number of rows", &rows.len(), &expected);
                rows.dedup();
                test.same("the number of different rows", &rows.len(), &expected);
            }
        }
    }
}

/// However many partitions there are, and in whatever order they are read, every row is in one of them.
pub async fn reads_any_number_of_partitions(database: &dyn TestDatabase) {
    let test = Test::new(database, "reads_any_number_of_partitions");
    const ROWS: u64 = 20_000;
    let name = test.filled(ROWS).await;
    // The ranges that are equally wide are not equally full any more.
    test.execute(&format!(
        "INSERT INTO {} (id, amount, label) VALUES (-2000000000, NULL, NULL), (2000000000, 1, 'x')",
        database.quote(&name)
    ))
    .await;
    let mut expected = Test::expected(ROWS);
    expected.push(row(&[Some("-2000000000"), None, None]));
    expected.push(row(&[Some("2000000000"), Some("1"), Some("x")]));
    expected.sort();
    for partitions in [1, 2, 7, 16] {
        let request = ExtractRequest { partitions: Some(partitions), ..of_table(&name) };
        let read = test.read(&request).await;
        test.check("there are at most as many as asked for", {
            (1..=partitions).contains(&read.partitions.len())
        });
        if database.splits_tables() && partitions <= 2 {
            test.same("the number of partitions", &read.partitions.len(), &partitions);
            let least = read.partitions.iter().map(Vec::len).min().unwrap_or_default();
            test.check("no partition is nearly empty", least >= expected.len() / partitions / 2);
        }
        test.same_rows("the table", &read.sorted(), &expected);
    }
    // One after another, the last one first.
    let mut session = test.session().await;
    let request = ExtractRequest { partitions: Some(4), ..of_table(&name) };
    let mut extraction = test.ok("prepare to read", session.extract(&request).await);
    let mut rows = Vec::new();
    for partition in (0..extraction.partitions()).rev() {
        let stream = test.ok("start a stream", extraction.stream(partition).await);
        rows.extend(test.drain(stream).await.iter().flat_map(|batch| test.rows(batch)));
    }
    rows.sort();
    test.same_rows("the table, one partition after another", &rows, &expected);
}

/// No batch is larger than asked for by more than one row and what Arrow adds.
pub async fn keeps_batches_small(database: &dyn TestDatabase) {
    let test = Test::new(database, "keeps_batches_small");
    const ROWS: u64 = 10_000;
    let name = test.filled(ROWS).await;
    let mut session = test.session().await;
    let request = ExtractRequest { batch_bytes: 16 << 10, partitions: Some(1), ..of_table(&name) };
    let mut extraction = test.ok("prepare to read", session.extract(&request).await);
    let stream = test.ok("start a stream", extraction.stream(0).await);
    let batches = test.drain(stream).await;
    // A row is of 20 bytes at least, and 50 with its label as Arrow has it.
    let most = (16 << 10) / 20 + 1;
    for batch in &batches {
        test.check("a batch has rows", batch.num_rows() > 0);
        test.check("a batch has at most its bytes", batch.num_rows() <= most);
    }
    let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
    test.same("the number of rows", &u64::try_from(rows).unwrap_or(0), &ROWS);
}

/// A view reads as the table that it shows.
pub async fn reads_a_view(database: &dyn TestDatabase) {
    let test = Test::new(database, "reads_a_view");
    let table = test.filled(50).await;
    let view = test.name("tundra_view");
    test.execute(&format!(
        "CREATE VIEW {} AS SELECT id, amount, label FROM {} WHERE id <= 20",
        database.quote(&view),
        database.quote(&table)
    ))
    .await;
    for partitions in [None, Some(4)] {
        let read = test.read(&ExtractRequest { partitions, ..of_table(&view) }).await;
        test.same_rows("the view", &read.sorted(), &Test::expected(20));
    }
}

/// A query is what its database makes of it, comments, order and all.
pub async fn reads_a_query(database: &dyn TestDatabase) {
    let test = Test::new(database, "reads_a_query");
    let table = database.quote(&test.filled(50).await);
    for tail in ["", ";", " -- a comment", " /* a comment */ ;\n"] {
        let sql = format!(
            "SELECT id, amount, label FROM {table} WHERE label <> ';' AND id <= 20 ORDER BY id DESC{tail}"
        );
        let read = test.read(&of_query(sql)).await;
        test.same_rows("the query", &read.sorted(), &Test::expected(20));
    }
    let sql = format!("SELECT id FROM {table} WHERE id <= 12 ORDER BY id DESC");
    let read = test.read(&ExtractRequest { partitions: Some(4), ..of_query(sql) }).await;
    if let [rows] = read.partitions.as_slice() {
        let expected: Vec<_> = (1..=12).rev().map(|id| vec![Some(id.to_string())]).collect();
        test.same_rows("the order of a query in one stream", rows, &expected);
    }
    let sql = format!("WITH few AS (SELECT id FROM {table} WHERE id < 3) SELECT id FROM few");
    let read = test.read(&of_query(sql)).await;
    test.same_rows("a query with `WITH`", &read.sorted(), &[row(&[Some("1")]), row(&[Some("2")])]);
}

/// A window begins behind the last one, and tells where the next one begins.
pub async fn reads_a_window(database: &dyn TestDatabase) {
    let test = Test::new(database, "reads_a_window");
    let name = test.filled(30).await;
    let table = database.quote(&name);
    let windowed = |after: Option<String>| ExtractRequest {
        window: Some(Window { column: "amount".to_owned(), after }),
        partitions: Some(2),
        ..of_table(&name)
    };
    let first = test.read(&windowed(None)).await;
    test.same_rows("the first window", &first.sorted(), &Test::expected(30));
    let last = |ends: &[crate::connector::StreamEnd]| {
        let marks = ends.iter().filter_map(|end| end.watermark.as_deref());
        // Before the value may stand what the connector has to know besides.
        let values = marks.filter_map(|mark| mark.rsplit("; ").next());
        values.filter_map(|value| value.parse::<i64>().ok()).max()
    };
    test.same("the first mark", &last(&first.ends), &Some(210));
    test.execute(&format!(
        "INSERT INTO {table} (id, amount, label) VALUES (31, 211, 'new'), (32, 5, 'late'), \
         (33, 1000, 'new')"
    ))
    .await;
    let second = test.read(&windowed(Some("210".to_owned()))).await;
    let expected = [
        row(&[Some("31"), Some("211"), Some("new")]),
        row(&[Some("33"), Some("1000"), Some("new")]),
    ];
    test.same_rows("the second window", &second.sorted(), &expected);
    test.same("the second mark", &last(&second.ends), &Some(1000));
    let third = test.read(&windowed(Some("1000".to_owned()))).await;
    test.same_rows("a window without rows", &third.sorted(), &[]);
}

/// Names with blanks, quotes, points and words of SQL are names.
pub async fn keeps_awkward_names(database: &dyn TestDatabase) {
    let test = Test::new(database, "keeps_awkward_names");
    for awkward in ["Ein Tisch", "a\"b", "a`b", "a.b", "select", "ä€", "a;b", "a'b", "a--b", "%s"]
    {
        let (name, column) = (test.name(awkward), awkward.to_owned());
        let table = database.quote(&name);
        let quoted = database.quote(&column);
        test.execute(&format!("CREATE TABLE {table} (id INTEGER PRIMARY KEY, {quoted} BIGINT)"))
            .await;
        test.execute(&format!("INSERT INTO {table} VALUES (1, 10), (2, 20), (3, 30)")).await;
        let request = ExtractRequest {
            columns: Some(vec![column.clone()]),
            partition_column: Some("id".to_owned()),
            partitions: Some(2),
            window: Some(Window { column: column.clone(), after: Some("10".to_owned()) }),
            ..of_table(&name)
        };
        let read = test.read(&request).await;
        test.same("the columns", &read.columns, &vec![column]);
        test.same_rows("the table", &read.sorted(), &[row(&[Some("20")]), row(&[Some("30")])]);
    }
}

/// Tables and views are found by a pattern in which only `*` is special.
pub async fn lists_tables(database: &dyn TestDatabase) {
    let test = Test::new(database, "lists_tables");
    let name = test.filled(10).await;
    let stem = name.clone() + "_";
    test.execute(&format!(
        "CREATE VIEW {} AS SELECT id FROM {}",
        database.quote(&format!("{stem}view")),
        database.quote(&name)
    ))
    .await;
    let mut session = test.session().await;
    for (pattern, expected) in [
        (name.clone(), vec![name.clone()]),
        (format!("{name}*"), vec![name.clone(), format!("{stem}view")]),
        (format!("{name}*w"), vec![format!("{stem}view")]),
        (name.replacen('_', "%", 1), vec![]),
        (name.replacen("tundra", "______", 1), vec![]),
    ] {
        let asked = TablePattern { schema: None, name: pattern.clone() };
        let found = test.ok("list tables", session.tables(&asked).await);
        let mut names: Vec<String> = found.iter().map(|facts| facts.name.name.clone()).collect();
        names.sort();
        test.same(&format!("what `{pattern}` finds"), &names, &expected);
        for facts in &found {
            let kind = if facts.name.name == name { "table" } else { "view" };
            test.same("its kind", &facts.kind, &kind.to_owned());
        }
    }
    let all = TablePattern { schema: None, name: "*".to_owned() };
    let found = test.ok("list tables", session.tables(&all).await);
    test.check("the table is among all", found.iter().any(|facts| facts.name.name == name));
}
