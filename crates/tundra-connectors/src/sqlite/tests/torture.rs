//! Every storage class in columns of every affinity and tables of every kind, compared with what
//! SQLite's own `quote()` prints, under every policy.

use super::{super::SqliteConnector, *};

/// Values as SQL: all classes at their edges.
const CELLS: &[&str] = &[
    "NULL",
    "0",
    "-1",
    "127",
    "-129",
    "32768",
    "8388608",
    "-8388609",
    "2147483648",
    "140737488355328",
    "-140737488355329",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "0.0",
    "-0.0",
    "2.0",
    "0.1",
    "0.1 + 0.2",
    "-1e15",
    "123456789012345678",
    "5e-324",
    "1.7976931348623157e308",
    "9e999",
    "-9e999",
    "9e999 - 9e999",
    "''",
    "'text'",
    "'12'",
    "' 12 '",
    "'1e3'",
    "'0x10'",
    "'it''s'",
    "'ä € 🦀'",
    "'nul' || char(0) || 'nul'",
    "'NULL'",
    "CAST(x'61ff62' AS TEXT)",
    "CAST(x'eda080' AS TEXT)",
    "x''",
    "x'00'",
    "x'ff00fe'",
    "x'6162'",
    "zeroblob(5000)",
];

const AFFINITIES: &[&str] = &["", "INTEGER", "REAL", "TEXT", "BLOB", "NUMERIC", "BOOLEAN"];

/// What SQLite says of a cell.
#[derive(Debug)]
struct Said {
    class: String,
    quoted: String,
    hex: String,
}

fn said(database: &Database, table: &str, column: &str, order: &str) -> Vec<Said> {
    let reader = database.writer();
    let sql = format!(
        "SELECT typeof({column}), quote({column}), hex(CAST({column} AS BLOB)) FROM {table} \
         ORDER BY {order}"
    );
    let mut statement = reader.prepare(&sql).expect("a query");
    let rows = statement.query_map([], |row| {
        // What is quoted may be no UTF-8; then only its bytes are compared.
        let quoted = String::from_utf8_lossy(row.get_ref(1)?.as_bytes()?).into_owned();
        Ok(Said { class: row.get(0)?, quoted, hex: row.get(2)? })
    });
    rows.expect("a query").map(|row| row.expect("a row")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2).map(|two| str::from_utf8(two).expect("ASCII"));
    digits.map(|two| u8::from_str_radix(two, 16).expect("hexadecimal")).collect()
}

/// Returns what becomes of a cell in a column of the type; `None` when it cannot be there.
fn expected(said: &Said, kind: &str, on_lossy: OnLossy) -> Option<String> {
    let number = || said.quoted.parse::<f64>().expect("a number");
    let is_null = on_lossy == OnLossy::Null;
    Some(match (said.class.as_str(), kind) {
        ("null", _) => "null".to_owned(),
        ("integer", "BIGINT" | "VARCHAR") => said.quoted.clone(),
        ("integer", "DOUBLE") => {
            let exact: i128 = said.quoted.parse().expect("an integer");
            assert_eq!(number() as i128, exact, "a double holds it");
            format!("{:?}", number())
        }
        ("real", "DOUBLE") => format!("{:?}", number()),
        ("real", "VARCHAR") if number().is_infinite() => {
            if number() > 0.0 { "Inf" } else { "-Inf" }.to_owned()
        }
        ("real", "VARCHAR") => format!("{:?}", number()),
        ("text", "VARCHAR") => match String::from_utf8(bytes(&said.hex)) {
            Ok(text) => {
                if !text.contains('\0') {
                    assert_eq!(format!("'{}'", text.replace('\'', "''")), said.quoted);
                }
                text
            }
            Err(_) if is_null => "null".to_owned(),
            Err(error) => {
                let chunks = error.as_bytes().utf8_chunks().map(|chunk| {
                    let rest = chunk.invalid().iter().map(|byte| format!("\\x{byte:02X}"));
                    chunk.valid().to_owned() + &rest.collect::<String>()
                });
                chunks.collect()
            }
        },
        ("blob", "BLOB") => format!("{:?}", bytes(&said.hex)),
        ("blob", _) if is_null => "null".to_owned(),
        ("blob", "VARCHAR") => said.quoted.clone(),
        _ => return None,
    })
}

/// Returns whether a policy has to decide about a cell in a column of the type.
fn is_lossy(said: &Said, kind: &str) -> bool {
    match said.class.as_str() {
        "blob" => kind != "BLOB",
        "text" => String::from_utf8(bytes(&said.hex)).is_err(),
        _ => false,
    }
}

/// Reads a table under a policy and compares every cell.
async fn compare(
    database: &Database,
    connector: &SqliteConnector,
    table: &str,
    order: &str,
    on_lossy: OnLossy,
) {
    let request = ExtractRequest { on_lossy, ..of_table(table) };
    let mut session = connector.session().await.expect("a session");
    let extraction = match session.extract(&request).await {
        Ok(extraction) => extraction,
        Err(error) => {
            assert_eq!((error.kind, on_lossy), (ErrorKind::InvalidData, OnLossy::Fail), "{error}");
            return;
        }
    };
    let names: Vec<String> =
        extraction.schema().fields().iter().map(|field| field.name().clone()).collect();
    let read = match drain(extraction).await {
        Ok(read) => read,
        Err(error) => {
            assert_eq!((error.kind, on_lossy), (ErrorKind::InvalidData, OnLossy::Fail), "{error}");
            return;
        }
    };
    let mut lossy = 0;
    for (at, (name, kind)) in names.iter().zip(&read.types).enumerate() {
        let said = said(database, table, name, order);
        assert_eq!(said.len(), read.rows.len());
        for (row, said) in read.rows.iter().zip(&said) {
            let expected = expected(said, kind, on_lossy);
            // The sign of a zero is kept, and not printed.
            let got = if row[at] == "-0.0" && said.class == "real" { "0.0" } else { &row[at] };
            assert_eq!(Some(got), expected.as_deref(), "{table}.{name} {kind}: {said:?}");
            lossy += u64::from(is_lossy(said, kind));
        }
    }
    let counted = read.ends.iter().flat_map(|end| &end.events).map(|event| event.count);
    assert_eq!(counted.sum::<u64>(), lossy, "{table}");
    assert!(lossy == 0 || on_lossy != OnLossy::Fail, "{table}");
}

async fn compare_all(database: &Database, tables: &[(&str, &str)]) {
    let settings = || settings(&database.path(), AllowedDirectories::Everything);
    for connector in [SqliteConnector::new(settings()), SqliteConnector::without_pages(settings())]
    {
        for &(table, order) in tables {
            for on_lossy in [OnLossy::Fail, OnLossy::Text, OnLossy::Null] {
                compare(database, &connector, table, order, on_lossy).await;
            }
        }
    }
}

#[tokio::test]
async fn all_classes_in_all_affinities_are_what_sqlite_prints() {
    let columns: Vec<String> =
        AFFINITIES.iter().enumerate().map(|(at, kind)| format!("c{at} {kind}")).collect();
    let columns = columns.join(", ");
    let mut sql = format!(
        "CREATE TABLE t ({columns}); CREATE TABLE keyed (k TEXT PRIMARY KEY, {columns}) WITHOUT ROWID;"
    );
    for (at, cell) in CELLS.iter().enumerate() {
        let cells = vec![*cell; AFFINITIES.len()].join(", ");
        sql += &format!(
            "INSERT INTO t VALUES ({cells}); INSERT INTO keyed VALUES ('{at:04}', {cells});"
        );
    }
    // One class each with nothing, and all pairs of classes, as tables of their own.
    let classes = [&CELLS[1..14], &CELLS[14..27], &CELLS[27..37], &CELLS[37..39], &CELLS[39..44]];
    let mut tables =
        vec![("t".to_owned(), "rowid"), ("keyed".to_owned(), "k"), ("seen".to_owned(), "k")];
    sql += "CREATE VIEW seen AS SELECT * FROM keyed;";
    for (one, first) in classes.iter().enumerate() {
        for (two, second) in classes.iter().enumerate().skip(one) {
            let name = format!("pair_{one}_{two}");
            sql += &format!("CREATE TABLE {name} ({columns});");
            for cell in first.iter().chain(*second).chain(&["NULL"]) {
                let cells = vec![*cell; AFFINITIES.len()].join(", ");
                sql += &format!("INSERT INTO {name} VALUES ({cells});");
            }
            tables.push((name, "rowid"));
        }
    }
    let database = Database::new(&sql);
    let tables: Vec<(&str, &str)> = tables.iter().map(|(name, by)| (name.as_str(), *by)).collect();
    compare_all(&database, &tables).await;
}

#[tokio::test]
async fn strict_and_generated_columns_are_what_sqlite_prints() {
    let mut sql = String::from(
        "CREATE TABLE s (id INTEGER PRIMARY KEY, i INT, r REAL, t TEXT, b BLOB, a ANY) STRICT;
         CREATE TABLE g (a, s REAL AS (a) STORED, v INT AS (a || '!') VIRTUAL, z AS (typeof(a)) STORED);
         CREATE TABLE stored (a, s REAL AS (a) STORED, z AS (typeof(a)) STORED);",
    );
    for cell in CELLS {
        sql += &format!(
            "INSERT INTO g (a) VALUES ({cell}); INSERT INTO stored (a) VALUES ({cell});
             INSERT INTO s (a) VALUES ({cell});"
        );
    }
    sql += "INSERT INTO s (i, r, t, b) VALUES (9223372036854775807, 9007199254740993, 'x', x'00'),
            (-1, 3, 4, x''), (NULL, -0.0, '', NULL), (1, 9e999, '0', zeroblob(3));";
    let database = Database::new(&sql);
    compare_all(&database, &[("s", "rowid"), ("g", "rowid"), ("stored", "rowid")]).await;
}

#[tokio::test]
async fn a_double_that_is_no_number_is_null() {
    let database = Database::new("CREATE TABLE t (a REAL); INSERT INTO t VALUES (1.25), (0.7531)");
    let mut bytes = fs::read(database.path()).expect("the file");
    let stored = 0.7531_f64.to_be_bytes();
    let at = bytes.windows(8).position(|it| it == stored).expect("the value is stored so");
    bytes[at..at + 8].copy_from_slice(&f64::NAN.to_be_bytes());
    fs::write(database.path(), bytes).expect("the file");
    let settings = || settings(&database.path(), AllowedDirectories::Everything);
    for connector in [SqliteConnector::new(settings()), SqliteConnector::without_pages(settings())]
    {
        let mut session = connector.session().await.expect("a session");
        let extraction = session.extract(&of_table("t")).await.expect("a table");
        let table = drain(extraction).await.expect("the table can be read");
        assert_eq!(table.rows, [["1.25"], ["null"]]);
    }
}
