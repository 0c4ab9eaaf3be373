//! What is read from the pages is what SQLite says cell by cell, whatever the table.

use std::fs;

use proptest::{collection::vec, prelude::*, sample::select};
use rusqlite::{Connection, params_from_iter, types::Value};
use tundra_core::{Connector, ConnectorError, ErrorKind, ExtractRequest, OnLossy};

use super::{
    super::{SqliteConnector, connect, relation::Source},
    Database, Table, drain, of_table, settings,
};
use crate::settings::AllowedDirectories;

const DECLARED: &[&str] = &[
    "",
    "INTEGER",
    "BIGINT",
    "REAL",
    "DOUBLE PRECISION",
    "FLOAT",
    "TEXT",
    "VARCHAR(9)",
    "BLOB",
    "NUMERIC",
    "DECIMAL(15,2)",
    "DATE",
];

/// The default values of columns that are added later.
const DEFAULTS: &[&str] =
    &["", "DEFAULT 1", "DEFAULT 1.5", "DEFAULT 'later'", "DEFAULT x'00ff'", "DEFAULT -7e300"];

/// A value as it is written, which the affinity of its column may turn into another.
#[derive(Debug, Clone)]
enum Cell {
    Value(Value),
    /// A text of any bytes.
    Raw(Vec<u8>),
}

/// A database with one table.
#[derive(Debug, Clone)]
struct Plan {
    page_size: u32,
    reserved: u8,
    encoding: &'static str,
    auto_vacuum: u8,
    is_wal: bool,
    /// Where the rowid stands among the columns, if it is one.
    alias: Option<usize>,
    columns: Vec<&'static str>,
    generated: Option<&'static str>,
    rows: Vec<(Option<i64>, Vec<Cell>)>,
    added: Vec<(&'static str, &'static str)>,
    later: Vec<(Option<i64>, Vec<Cell>)>,
    deleted: u8,
    is_vacuumed: bool,
}

#[derive(Debug, Clone)]
struct Request {
    partitions: Option<usize>,
    limit: Option<u64>,
    on_lossy: OnLossy,
    /// Of the columns, those with a bit, from the last to the first.
    columns: Option<u8>,
}

fn lengths() -> impl Strategy<Value = usize> {
    prop_oneof![8 => 0..20_usize, 2 => 0..700_usize, 1 => 0..9000_usize]
}

fn cells() -> impl Strategy<Value = Cell> {
    let integers = prop_oneof![
        any::<i8>().prop_map(i64::from),
        any::<i16>().prop_map(i64::from),
        any::<i32>().prop_map(i64::from),
        any::<i64>(),
        select(vec![0, 1, -1, 1 << 53, (1 << 53) + 1, (1 << 47) - 1, 1 << 47, i64::MIN, i64::MAX]),
    ];
    let reals = prop_oneof![
        any::<f64>().prop_filter("SQLite has no such", |it| !it.is_nan()),
        any::<i16>().prop_map(f64::from),
        select(vec![0.0, -0.0, 1e15, 4_503_599_627_370_497.5, f64::INFINITY, f64::MIN_POSITIVE]),
    ];
    prop_oneof![
        2 => Just(Cell::Value(Value::Null)),
        6 => integers.prop_map(|it| Cell::Value(Value::Integer(it))),
        4 => reals.prop_map(|it| Cell::Value(Value::Real(it))),
        4 => (lengths(), any::<char>())
            .prop_map(|(length, sign)| Cell::Value(Value::Text(sign.to_string().repeat(length)))),
        1 => "[0-9.e+-]{1,5}|20[0-3][0-9]-0[1-9]-[0-3][0-9]"
            .prop_map(|text| Cell::Value(Value::Text(text))),
        1 => (lengths(), any::<u8>())
            .prop_map(|(length, byte)| Cell::Value(Value::Blob(vec![byte; length]))),
        1 => vec(any::<u8>(), 0..6).prop_map(Cell::Raw),
    ]
}

/// Rows whose columns are of one sort each more often than not, as in real tables.
fn rows(most: usize) -> impl Strategy<Value = Vec<(Option<i64>, Vec<Cell>)>> {
    let rowids = prop_oneof![
        6 => Just(None),
        2 => any::<i16>().prop_map(|it| Some(i64::from(it))),
        1 => any::<i64>().prop_map(Some),
    ];
    vec((rowids, vec(cells(), 12)), 0..most)
}

prop_compose! {
    fn plans()(
        page_size in select(vec![512, 1024, 4096, 4096, 65536]),
        reserved in select(vec![0, 0, 0, 1, 8, 32]),
        encoding in select(vec!["UTF-8", "UTF-8", "UTF-8", "UTF-8", "UTF-16le"]),
        auto_vacuum in 0..3_u8,
        is_wal in any::<bool>(),
        alias in proptest::option::of(0..4_usize),
        columns in vec(select(DECLARED), 1..6),
        generated in proptest::option::of(select(vec!["STORED", "VIRTUAL"])),
        rows in rows(60),
        added in vec((select(DECLARED), select(DEFAULTS)), 0..3),
        later in rows(20),
        deleted in any::<u8>(),
        is_vacuumed in any::<bool>(),
    ) -> Plan {
        Plan {
            page_size, reserved, encoding, auto_vacuum, is_wal, alias, columns, generated, rows,
            added, later, deleted, is_vacuumed,
        }
    }
}

prop_compose! {
    fn requests()(
        partitions in proptest::option::of(1..4_usize),
        limit in proptest::option::weighted(0.2, 0..50_u64),
        on_lossy in select(vec![OnLossy::Fail, OnLossy::Text, OnLossy::Text, OnLossy::Null]),
        columns in proptest::option::weighted(0.3, 1..=255_u8),
    ) -> Request {
        Request { partitions, limit, on_lossy, columns }
    }
}

impl Plan {
    /// Makes the database, and returns its writer too, which keeps the log of WAL mode where it is.
    fn make(&self) -> (Database, Connection) {
        let database = Database { directory: tempfile::tempdir().expect("a directory") };
        let (page_size, auto_vacuum) = (self.page_size, self.auto_vacuum);
        let run = |writer: &Connection, sql: &str| {
            writer.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        };
        run(
            &database.writer(),
            &format!(
                "PRAGMA page_size = {page_size}; PRAGMA encoding = '{}';
                 PRAGMA auto_vacuum = {auto_vacuum}; CREATE TABLE t (a); DROP TABLE t; VACUUM",
                self.encoding
            ),
        );
        if self.reserved > 0 && self.page_size > 512 && auto_vacuum == 0 {
            reserve(&database, self.reserved);
        }
        let writer = database.writer();
        if self.is_wal {
            run(&writer, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
        }
        let mut columns: Vec<String> =
            self.columns.iter().enumerate().map(|(at, kind)| format!("c{at} {kind}")).collect();
        if let Some(alias) = self.alias {
            columns.insert(alias.min(columns.len()), "id INTEGER PRIMARY KEY".to_owned());
        }
        if let Some(word) = self.generated {
            columns.insert(columns.len() / 2, format!("g INT AS (c0 || 1) {word}"));
        }
        run(&writer, &format!("CREATE TABLE t ({})", columns.join(", ")));
        insert(&writer, self.columns.len(), &self.rows);
        for (at, (kind, default)) in self.added.iter().enumerate() {
            let at = self.columns.len() + at;
            run(&writer, &format!("ALTER TABLE t ADD COLUMN c{at} {kind} {default}"));
        }
        insert(&writer, self.columns.len() + self.added.len(), &self.later);
        if self.deleted > 1 {
            run(&writer, &format!("DELETE FROM t WHERE _rowid_ % {} = 0", self.deleted));
        }
        if self.is_vacuumed {
            run(&writer, "VACUUM");
        }
        (database, writer)
    }
}

/// Takes bytes at the end of every page away from SQLite, as extensions that encrypt do.
fn reserve(database: &Database, reserved: u8) {
    let mut bytes = fs::read(database.path()).expect("the file");
    let size = u16::from_be_bytes([bytes[16], bytes[17]]);
    assert_eq!((bytes[20], &bytes[103..105]), (0, &[0, 0][..]), "an empty database");
    bytes[20] = reserved;
    // A page of 65,536 bytes is 1 there, and the end of its cells is 0.
    let end = if size == 1 { 0_u16 } else { size }.wrapping_sub(u16::from(reserved));
    bytes[105..107].copy_from_slice(&end.to_be_bytes());
    fs::write(database.path(), bytes).expect("the file");
}

fn insert(writer: &Connection, columns: usize, rows: &[(Option<i64>, Vec<Cell>)]) {
    let transaction = writer.unchecked_transaction().expect("a transaction");
    for (rowid, cells) in rows {
        let mut names = vec!["_rowid_".to_owned()];
        let mut places = vec!["?1".to_owned()];
        let mut values = vec![rowid.map_or(Value::Null, Value::Integer)];
        for (at, cell) in cells.iter().take(columns).enumerate() {
            names.push(format!("c{at}"));
            values.push(match cell {
                Cell::Value(value) => {
                    places.push(format!("?{}", at + 2));
                    value.clone()
                }
                Cell::Raw(bytes) => {
                    places.push(format!("CAST(?{} AS TEXT)", at + 2));
                    Value::Blob(bytes.clone())
                }
            });
        }
        let (names, places) = (names.join(", "), places.join(", "));
        // A rowid that was taken is taken over; one behind the last there can be is no row.
        let sql = format!("INSERT OR REPLACE INTO t ({names}) VALUES ({places})");
        if let Err(error) = transaction.execute(&sql, params_from_iter(values)) {
            let code = error.sqlite_error_code();
            assert_eq!(code, Some(rusqlite::ErrorCode::DiskFull), "{sql}: {error}");
        }
    }
    transaction.commit().expect("the rows are written");
}

/// Reads the table both ways: from the pages first.
async fn both(database: &Database, request: &ExtractRequest) -> [Result<Table, ConnectorError>; 2] {
    let settings = || settings(&database.path(), AllowedDirectories::Everything);
    [
        read(&SqliteConnector::new(settings()), request).await,
        read(&SqliteConnector::without_pages(settings()), request).await,
    ]
}

async fn read(
    connector: &SqliteConnector,
    request: &ExtractRequest,
) -> Result<Table, ConnectorError> {
    drain(connector.session().await?.extract(request).await?).await
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(work)
}

fn request(database: &Database, asked: &Request) -> ExtractRequest {
    let columns = asked.columns.map(|bits| {
        let reader = database.writer();
        let mut statement =
            reader.prepare("SELECT name FROM pragma_table_xinfo('t')").expect("a pragma");
        let names: Vec<String> =
            statement.query_map([], |row| row.get(0)).expect("a pragma").flatten().collect();
        let chosen = names.iter().enumerate().filter(|(at, _)| bits >> (at % 8) & 1 == 1);
        chosen.map(|(_, name)| name.clone()).rev().collect()
    });
    ExtractRequest {
        partitions: asked.partitions,
        limit: asked.limit,
        on_lossy: asked.on_lossy,
        columns,
        batch_bytes: 4096,
        ..of_table("t")
    }
}

fn same(pages: Result<Table, ConnectorError>, rows: Result<Table, ConnectorError>) {
    match (pages, rows) {
        (Ok(pages), Ok(rows)) => {
            assert_eq!(pages.types, rows.types);
            assert_eq!(pages.reasons, rows.reasons);
            assert_eq!(pages.rows, rows.rows);
            let events = |table: &Table| {
                let events = table.ends.iter().flat_map(|end| &end.events);
                events.map(|event| event.count).sum::<u64>()
            };
            assert_eq!(events(&pages), events(&rows));
        }
        (Err(pages), Err(rows)) => assert_eq!(pages.to_string(), rows.to_string()),
        (pages, rows) => panic!("from the pages: {pages:?}\nrow by row: {rows:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn tables_are_read_from_their_pages_as_row_by_row(plan in plans(), asked in requests()) {
        let (database, writer) = plan.make();
        let request = request(&database, &asked);
        let [pages, rows] = block_on(both(&database, &request));
        drop(writer);
        same(pages, rows);
    }

    #[test]
    fn no_damage_makes_it_panic_or_shorter(
        plan in plans(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let (database, writer) = Plan { is_wal: false, ..plan }.make();
        drop(writer);
        let mut bytes = fs::read(database.path()).expect("the file");
        for (at, byte) in damage {
            // The header of the file, and where the schema begins, are SQLite's business.
            let at = 108 + at.index(bytes.len() - 108);
            bytes[at] = byte;
        }
        fs::write(database.path(), bytes).expect("the file");
        let request = ExtractRequest { on_lossy: OnLossy::Text, ..of_table("t") };
        let [pages, rows] = block_on(both(&database, &request));
        if let (Ok(pages), Ok(rows)) = (pages, rows) {
            assert_eq!(pages.rows, rows.rows);
        }
    }
}

#[test]
fn pages_are_read_in_this_build_and_only_where_they_can_be() {
    let database = Database::new(
        "CREATE TABLE plain (a INTEGER PRIMARY KEY, b, c AS (b) STORED, d AS (b) VIRTUAL);
         CREATE TABLE keyed (a PRIMARY KEY) WITHOUT ROWID; CREATE VIEW seen AS SELECT * FROM plain;
         CREATE VIRTUAL TABLE words USING fts5(a);",
    );
    let place = connect::locate(&settings(&database.path(), AllowedDirectories::Everything));
    let (connection, _) = connect::open(&place.expect("a file")).expect("a database");
    let is_stored = |name: &str, columns: &[&str], pages: bool, is_windowed: bool| {
        let columns = Some(columns.iter().map(|&it| it.to_owned()).collect());
        let request = ExtractRequest { columns, ..of_table(name) };
        let source = Source::resolve(&connection, &request, pages).expect("there is such a table");
        let all: Vec<usize> = (0..source.columns.len()).collect();
        source.stored(&all, is_windowed).is_some()
    };
    assert!(is_stored("plain", &["c", "a", "b"], true, false), "`.cargo/config.toml` has the flag");
    assert!(is_stored("plain", &[], true, false));
    assert!(!is_stored("plain", &["a"], false, false));
    assert!(!is_stored("plain", &["a"], true, true));
    assert!(!is_stored("plain", &["d"], true, false), "it is computed");
    for name in ["keyed", "seen", "words"] {
        assert!(!is_stored(name, &["a"], true, false), "{name}");
    }
}

#[tokio::test]
async fn tables_of_many_levels_are_read_by_any_number_of_partitions() {
    let database = Database::new(
        "PRAGMA page_size = 512; CREATE TABLE t (a TEXT, b INT);
         WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 60000)
         INSERT INTO t (rowid, a, b) SELECT n * 7 - 100000, 'some text of a row ' || n, n FROM s;
         DELETE FROM t WHERE b BETWEEN 20000 AND 50000 AND b % 1000 <> 0;
         INSERT INTO t (rowid, b) VALUES (-9223372036854775808, 0), (9223372036854775807, 1)",
    );
    for partitions in [1, 2, 7, 16] {
        let request = ExtractRequest { partitions: Some(partitions), ..of_table("t") };
        let [pages, rows] = both(&database, &request).await;
        assert_eq!(pages.as_ref().map(|it| it.partitions).ok(), Some(partitions));
        same(pages, rows);
    }
}

#[tokio::test]
async fn a_value_of_many_pages_is_read_whole() {
    let database = Database::new(
        "CREATE TABLE t (a TEXT, b BLOB, c); INSERT INTO t VALUES
         (hex(zeroblob(3000000)), zeroblob(5000000), 9223372036854775807), ('', x'', 0.5)",
    );
    for columns in [None, Some(vec!["c".to_owned()]), Some(vec!["b".to_owned(), "a".to_owned()])] {
        let [pages, rows] = both(&database, &ExtractRequest { columns, ..of_table("t") }).await;
        same(pages, rows);
    }
}

#[tokio::test]
async fn tables_of_thousands_of_columns_have_long_headers() {
    let names: Vec<String> = (0..1900).map(|at| format!("c{at}")).collect();
    let values: Vec<String> = (0..1900).map(|at| format!("'{}'", "x".repeat(at % 90))).collect();
    let database = Database::new(&format!(
        "PRAGMA page_size = 1024; CREATE TABLE t ({}); INSERT INTO t VALUES ({})",
        names.join(", "),
        values.join(", ")
    ));
    for columns in [None, Some(vec!["c1899".to_owned(), "c3".to_owned()])] {
        let [pages, rows] = both(&database, &ExtractRequest { columns, ..of_table("t") }).await;
        same(pages, rows);
    }
}

#[tokio::test]
async fn a_tree_that_bites_its_tail_comes_to_an_end() {
    let database = Database::new(
        "PRAGMA page_size = 512; CREATE TABLE t (a);
         WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 20000)
         INSERT INTO t SELECT 'some text of a row ' || n FROM s;",
    );
    let root: usize = {
        let writer = database.writer();
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 't'";
        writer.query_row(sql, [], |row| row.get(0)).map(|it: u32| it as usize).expect("a table")
    };
    let whole = fs::read(database.path()).expect("the file");
    let page = (root - 1) * 512;
    assert_eq!(whole[page], 5, "the root is no leaf");
    let first = usize::from(u16::from_be_bytes([whole[page + 12], whole[page + 13]]));
    let top = u32::try_from(root).expect("a small file").to_be_bytes();
    // Its first child, and its last.
    for at in [page + first, page + 8] {
        let mut bytes = whole.clone();
        bytes[at..at + 4].copy_from_slice(&top);
        fs::write(database.path(), bytes).expect("the file");
        let error = database.refused(&of_table("t")).await;
        assert_eq!(error.kind, ErrorKind::InvalidData, "{error}");
        assert!(error.reason.contains("malformed: page "), "{error}");
    }
    // Twice the same child loses as many rows as it doubles.
    let mut bytes = whole.clone();
    let second = usize::from(u16::from_be_bytes([whole[page + 14], whole[page + 15]]));
    bytes.copy_within(page + first..page + first + 4, page + second);
    fs::write(database.path(), bytes).expect("the file");
    let error = database.refused(&of_table("t")).await;
    assert!(error.reason.ends_with("out of order"), "{error}");
}
