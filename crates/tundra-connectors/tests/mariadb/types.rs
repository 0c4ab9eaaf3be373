//! Every type at its edges, compared with what the server prints.

mod lossy;

use std::fmt::Write as _;

use arrow_array::{
    Array,
    cast::AsArray,
    types::{
        Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
        Int64Type, Time64MicrosecondType, TimestampMicrosecondType, UInt8Type, UInt16Type,
        UInt32Type, UInt64Type,
    },
};
use arrow_schema::{DataType, TimeUnit};
use tundra_core::{OnLossy, testing::connector::TestDatabase};

use super::support::{Server, query, read, table};

/// How a value is compared with what the server has.
#[derive(Debug, Clone, Copy)]
enum As {
    /// The text that the server prints.
    Text,
    /// The text of the number, because the server prints it shortened, or with zeros before it.
    Number,
    /// The bytes.
    Bytes,
}

/// A type, what it becomes, and values of it as they stand in SQL. Each has a null, too.
struct Case(&'static str, &'static str, As, &'static [&'static str]);

const CASES: &[Case] = &[
    Case("TINYINT", "TINYINT", As::Text, &["-128", "127", "0"]),
    Case("TINYINT UNSIGNED", "UTINYINT", As::Text, &["0", "255"]),
    Case("BOOL", "TINYINT", As::Text, &["TRUE", "FALSE", "7"]),
    Case("SMALLINT", "SMALLINT", As::Text, &["-32768", "32767"]),
    Case("SMALLINT UNSIGNED", "USMALLINT", As::Text, &["0", "65535"]),
    Case("MEDIUMINT", "INTEGER", As::Text, &["-8388608", "8388607", "-1"]),
    Case("MEDIUMINT UNSIGNED", "UINTEGER", As::Text, &["0", "16777215"]),
    Case("INT", "INTEGER", As::Text, &["-2147483648", "2147483647"]),
    Case("INT UNSIGNED", "UINTEGER", As::Text, &["0", "4294967295"]),
    Case("INT(8) ZEROFILL", "UINTEGER", As::Number, &["0", "42", "4294967295"]),
    Case("BIGINT", "BIGINT", As::Text, &["-9223372036854775808", "9223372036854775807"]),
    Case("BIGINT UNSIGNED", "UBIGINT", As::Text, &["0", "18446744073709551615"]),
    Case("DECIMAL(10,0)", "DECIMAL(10,0)", As::Text, &["-9999999999", "9999999999", "0"]),
    Case("DECIMAL(18,18)", "DECIMAL(18,18)", As::Text, &["-0.000000000000000001", "0.5"]),
    Case("DECIMAL(15,2) UNSIGNED", "DECIMAL(15,2)", As::Text, &["9999999999999.99", "0.01"]),
    Case(
        "DECIMAL(38,0)",
        "DECIMAL(38,0)",
        As::Text,
        &["-99999999999999999999999999999999999999", "99999999999999999999999999999999999999"],
    ),
    Case(
        "DECIMAL(38,38)",
        "DECIMAL(38,38)",
        As::Text,
        &["-0.99999999999999999999999999999999999999", "0.00000000000000000000000000000000000001"],
    ),
    Case(
        "DECIMAL(65,30)",
        "VARCHAR",
        As::Text,
        &[
            "-99999999999999999999999999999999999.999999999999999999999999999999",
            "0.000000000000000000000000000001",
            "0",
        ],
    ),
    Case(
        "DECIMAL(65,2)",
        "DECIMAL(38,2)",
        As::Text,
        &["999999999999999999999999999999999999.99", "-0.01"],
    ),
    Case(
        "DECIMAL(60,30)",
        "DECIMAL(38,10)",
        As::Text,
        &["9999999999999999999999999999.9999999999", "-1"],
    ),
    Case("FLOAT", "FLOAT", As::Number, &["-3.402823466e38", "1.175494351e-38", "0.1", "16777217"]),
    Case("FLOAT(7,3)", "FLOAT", As::Number, &["1234.568", "-0.001"]),
    Case(
        "DOUBLE",
        "DOUBLE",
        As::Number,
        &["-1.7976931348623157e308", "2.2250738585072014e-308", "0.1", "9007199254740993"],
    ),
    Case("BIT(1)", "BOOLEAN", As::Number, &["b'0'", "b'1'"]),
    Case("BIT(9)", "UBIGINT", As::Number, &["b'111111111'", "b'0'"]),
    Case("BIT(64)", "UBIGINT", As::Number, &["18446744073709551615", "1", "0"]),
    Case("YEAR", "USMALLINT", As::Number, &["1901", "2155", "0"]),
    Case(
        "DATE",
        "DATE",
        As::Text,
        &["'0001-01-01'", "'1582-10-10'", "'2024-02-29'", "'9999-12-31'"],
    ),
    Case("DATETIME", "TIMESTAMP", As::Text, &["'0001-01-01 00:00:00'", "'9999-12-31 23:59:59'"]),
    Case("DATETIME(3)", "TIMESTAMP", As::Text, &["'1969-12-31 23:59:59.999'", "'2000-01-01'"]),
    Case("DATETIME(6)", "TIMESTAMP", As::Text, &["'9999-12-31 23:59:59.999999'"]),
    Case(
        "TIMESTAMP(6) NULL",
        "TIMESTAMPTZ",
        As::Text,
        &[
            "'1970-01-01 00:00:01.000001'",
            "'2038-01-19 03:14:07.999999'",
            // In a zone with summer time this hour is there twice, or not at all.
            "'2024-03-31 02:30:00'",
            "'2024-10-27 01:30:00'",
        ],
    ),
    Case("TIMESTAMP NULL", "TIMESTAMPTZ", As::Text, &["'1970-01-01 00:00:01'"]),
    Case("TIME", "TIME", As::Text, &["'00:00:00'", "'23:59:59'"]),
    Case("TIME(6)", "TIME", As::Text, &["'23:59:59.999999'", "'00:00:00.000001'"]),
    Case("CHAR(10)", "VARCHAR", As::Text, &["''", "'a  '", "'ä€🦀'"]),
    Case(
        "VARCHAR(50)",
        "VARCHAR",
        As::Text,
        &["''", "'a  '", "'tab\\tline\\nzero\\0end'", "'🦀🦀🦀🦀'"],
    ),
    Case("VARCHAR(50) CHARACTER SET latin1", "VARCHAR", As::Text, &["'Größe € ÿ'", "''"]),
    Case("VARCHAR(50) CHARACTER SET utf8mb3", "VARCHAR", As::Text, &["'Größe € 中'"]),
    Case("VARCHAR(50) CHARACTER SET utf16", "VARCHAR", As::Text, &["'Größe 🦀'"]),
    Case("VARCHAR(50) CHARACTER SET cp1251", "VARCHAR", As::Text, &["'Привет'"]),
    Case("VARCHAR(50) CHARACTER SET sjis", "VARCHAR", As::Text, &["'こんにちは'"]),
    Case("VARCHAR(50) CHARACTER SET binary", "BLOB", As::Bytes, &["0x00FF", "''"]),
    Case("TINYTEXT", "VARCHAR", As::Text, &["REPEAT('x', 255)", "''"]),
    Case("TEXT", "VARCHAR", As::Text, &["REPEAT('ö', 30000)", "REPEAT('y', 251)"]),
    Case("MEDIUMTEXT", "VARCHAR", As::Text, &["REPEAT('ab', 100000)"]),
    Case("LONGTEXT", "VARCHAR", As::Text, &["REPEAT('z', 65536)"]),
    Case("BINARY(4)", "BLOB", As::Bytes, &["0x01", "0xFFFFFFFF"]),
    Case("VARBINARY(300)", "BLOB", As::Bytes, &["''", "0x00", "REPEAT(0xFE, 300)"]),
    Case("TINYBLOB", "BLOB", As::Bytes, &["0xC328"]),
    Case("BLOB", "BLOB", As::Bytes, &["REPEAT(0x00, 65535)"]),
    Case("MEDIUMBLOB", "BLOB", As::Bytes, &["REPEAT(0xFF, 65536)"]),
    Case("LONGBLOB", "BLOB", As::Bytes, &["''", "REPEAT(0xFB, 252)"]),
    Case("ENUM('a','ä,b','')", "VARCHAR", As::Text, &["'a'", "'ä,b'", "''"]),
    Case("SET('x','y','zä')", "VARCHAR", As::Text, &["''", "'x'", "'x,y,zä'"]),
    Case("JSON", "JSON", As::Text, &[r#"'{"a": [1, null, "ä\\u0041"]}'"#, "'null'", "'12e3'"]),
    Case(
        "UUID",
        "UUID",
        As::Text,
        &[
            "'00000000-0000-0000-0000-000000000000'",
            "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
            "'123e4567-e89b-12d3-a456-426655440000'",
        ],
    ),
    Case("INET6", "VARCHAR", As::Text, &["'::'", "'2001:db8::ff00:42:8329'", "'::ffff:1.2.3.4'"]),
    Case("INET4", "VARCHAR", As::Text, &["'0.0.0.0'", "'255.255.255.255'"]),
    Case("POINT", "BLOB", As::Bytes, &["ST_GeomFromText('POINT(1 -2.5)', 4326)"]),
    Case(
        "GEOMETRY",
        "BLOB",
        As::Bytes,
        &[
            "ST_GeomFromText('POLYGON((0 0, 4 0, 4 4, 0 0))')",
            "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1), LINESTRING(0 0, 1 1))')",
        ],
    ),
    Case("INT AS (7 * 6)", "INTEGER", As::Text, &[]),
    Case("VARCHAR(9) COMPRESSED", "VARCHAR", As::Text, &["'compress'"]),
];

/// Makes the table `torture` with a column for each case, and returns how many rows it has.
fn torture(server: &Server, cases: &[&Case]) -> usize {
    let columns: Vec<String> =
        cases.iter().enumerate().map(|(at, Case(kind, ..))| format!("c{at} {kind}")).collect();
    let mut sql = format!("CREATE TABLE torture (id INT PRIMARY KEY, {});", columns.join(", "));
    let rows = cases.iter().map(|Case(_, _, _, values)| values.len()).max().unwrap_or(0) + 1;
    for row in 0..rows {
        // A row of nulls is the last one.
        let values: Vec<&str> = cases
            .iter()
            .map(|Case(kind, _, _, values)| match values.get(row) {
                Some(value) => value,
                None if kind.contains(" AS ") => "DEFAULT",
                None => "NULL",
            })
            .collect();
        // Writing to a string does not fail.
        let _ = write!(sql, "INSERT INTO torture VALUES ({row}, {});", values.join(", "));
    }
    server.run(&format!("SET time_zone = '+00:00'; {sql}"));
    rows
}

/// Returns what the server has in the table, value for value, in hexadecimal.
fn printed(server: &Server, cases: &[&Case], rows: usize) -> Vec<Vec<Option<String>>> {
    let shown: Vec<String> = cases
        .iter()
        .enumerate()
        .map(|(at, Case(_, _, how, _))| match how {
            As::Text => format!("HEX(CONVERT(CAST(c{at} AS CHAR) USING utf8mb4))"),
            // Doubles have all their digits, and floats are doubles.
            As::Number => format!("HEX(CAST(c{at} + 0e0 AS CHAR)), HEX(CAST(c{at} + 0 AS CHAR))"),
            As::Bytes => format!("HEX(c{at})"),
        })
        .collect();
    let sql =
        format!("SET time_zone = '+00:00'; SELECT {} FROM torture ORDER BY id", shown.join(", "));
    let lines = server.run(&sql);
    let table: Vec<Vec<Option<String>>> = lines
        .lines()
        .map(|line| {
            let mut cells = line.split('\t');
            cases
                .iter()
                .map(|Case(_, becomes, how, _)| {
                    let mut cell = cells.next().expect("a value");
                    if matches!(how, As::Number) {
                        let exact = cells.next().expect("a value");
                        if !matches!(*becomes, "FLOAT" | "DOUBLE") {
                            cell = exact;
                        }
                    }
                    (cell != "NULL").then(|| cell.to_owned())
                })
                .collect()
        })
        .collect();
    assert_eq!(table.len(), rows);
    table
}

/// Returns a value as the server prints it.
fn text(array: &dyn Array, row: usize) -> Vec<u8> {
    macro_rules! number {
        ($kind:ty) => {
            array.as_primitive::<$kind>().value(row).to_string()
        };
    }
    let text = match array.data_type() {
        DataType::Boolean => u8::from(array.as_boolean().value(row)).to_string(),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Date32 => {
            let date = array.as_primitive::<Date32Type>().value_as_date(row);
            date.expect("a date").format("%Y-%m-%d").to_string()
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            let time = array.as_primitive::<Time64MicrosecondType>().value_as_time(row);
            time.expect("a time").format("%H:%M:%S%.6f").to_string()
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let moment = array.as_primitive::<TimestampMicrosecondType>().value_as_datetime(row);
            moment.expect("a moment").format("%Y-%m-%d %H:%M:%S%.6f").to_string()
        }
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::BinaryView => return array.as_binary_view().value(row).to_vec(),
        other => panic!("no column becomes {other}"),
    };
    text.into_bytes()
}

#[track_caller]
fn same(what: &str, array: &dyn Array, row: usize, printed: Option<&str>) {
    let Some(hex) = printed else {
        assert!(array.is_null(row), "{what} is null on the server");
        return;
    };
    assert!(array.is_valid(row), "{what} is not null on the server");
    let bytes: Vec<u8> = (0..hex.len() / 2)
        .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hexadecimal"))
        .collect();
    let double = || String::from_utf8_lossy(&bytes).parse::<f64>().expect("a number");
    match array.data_type() {
        DataType::Float32 => {
            assert_eq!(
                f64::from(array.as_primitive::<Float32Type>().value(row)),
                double(),
                "{what}"
            );
        }
        DataType::Float64 => {
            assert_eq!(array.as_primitive::<Float64Type>().value(row), double(), "{what}");
        }
        DataType::Decimal128(..) if bytes.contains(&b'.') => {
            // The column may have more decimals than its values.
            let ours = text(array, row);
            assert!(bytes.starts_with(&ours), "{what}: {ours:?} {bytes:?}");
            assert!(bytes[ours.len()..].iter().all(|it| *it == b'0'), "{what}: {bytes:?}");
        }
        DataType::Time64(_) | DataType::Timestamp(..) => {
            // The server prints as many decimals as the column has.
            let ours = text(array, row);
            assert!(bytes.len() >= 8 && ours.starts_with(&bytes), "{what}: {ours:?} {bytes:?}");
            assert!(ours[bytes.len()..].iter().all(|it| b".0".contains(it)), "{what}: {ours:?}");
        }
        _ => {
            let ours = text(array, row);
            assert!(
                ours == bytes,
                "{what}: {} and not {}",
                String::from_utf8_lossy(&ours),
                String::from_utf8_lossy(&bytes)
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_at_its_edges_is_what_the_server_prints() {
    let server = Server::create();
    compare(&server, &CASES.iter().collect::<Vec<_>>()).await;
}

/// The server need not convert anything where all texts are UTF-8.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_of_a_table_in_utf8_is_what_the_server_prints() {
    let server = Server::create();
    let is_utf8 = |case: &&Case| !case.0.contains("CHARACTER SET") || case.0.contains("utf8mb3");
    compare(&server, &CASES.iter().filter(is_utf8).collect::<Vec<_>>()).await;
}

async fn compare(server: &Server, cases: &[&Case]) {
    let rows = torture(server, cases);
    let printed = printed(server, cases, rows);
    let mut session = server.session().await;
    for (on_lossy, partitions) in
        [(OnLossy::Fail, 1), (OnLossy::Null, 1), (OnLossy::Text, 1), (OnLossy::Fail, 3)]
    {
        let mut request = table("torture");
        (request.on_lossy, request.partitions) = (on_lossy, Some(partitions));
        let extraction = session.extract(&request).await.unwrap();
        for (Case(kind, becomes, ..), plan) in cases.iter().zip(&extraction.columns()[1..]) {
            assert_eq!(plan.column_type, *becomes, "{kind}");
        }
        drop(extraction);
        let read = read(&mut *session, &request).await.unwrap();
        let mut seen = 0;
        for batch in &read.batches {
            for row in 0..batch.num_rows() {
                let id = batch.column(0).as_primitive::<Int32Type>().value(row);
                seen += 1;
                for (at, Case(kind, ..)) in cases.iter().enumerate() {
                    let expected = printed[usize::try_from(id).unwrap()][at].as_deref();
                    same(&format!("{kind}, row {id}"), batch.column(at + 1), row, expected);
                }
            }
        }
        assert_eq!(seen, rows);
        assert!(read.ends.iter().all(|end| end.events.is_empty()), "{:?}", read.ends);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_of_many_megabytes_are_whole() {
    let server = Server::create();
    server.run(
        "SET SESSION max_statement_time = 0; CREATE TABLE long_values (id INT PRIMARY KEY, c LONGBLOB);
         INSERT INTO long_values VALUES (1, REPEAT('abc', 7000000)), (2, 'short'),
             (3, REPEAT('x', 16777215 - 11)), (4, REPEAT('y', 16777215)), (5, REPEAT('z', 40000000))",
    );
    let read = server.read(&query("SELECT id, c FROM long_values ORDER BY id")).await.unwrap();
    let values: Vec<(usize, u8)> = read
        .batches
        .iter()
        .flat_map(|batch| {
            let column = batch.column(1).as_binary_view();
            (0..batch.num_rows()).map(|row| (column.value(row).len(), column.value(row)[0]))
        })
        .collect();
    let expected =
        [(21_000_000, b'a'), (5, b's'), (16_777_204, b'x'), (16_777_215, b'y'), (40_000_000, b'z')];
    assert_eq!(values, expected);
}

/// The zone of the server and of its session is not ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instants_do_not_depend_on_the_servers_zone() {
    let server = Server::create();
    server.run(
        "SET time_zone = '+05:30'; CREATE TABLE moments (t TIMESTAMP, d DATETIME);
         INSERT INTO moments VALUES ('2024-01-01 05:30:00', '2024-01-01 05:30:00')",
    );
    let read = server.read(&table("moments")).await.unwrap();
    for (name, expected) in [("t", 1_704_067_200_000_000), ("d", 1_704_087_000_000_000_i64)] {
        let column = read.column(name).as_primitive::<TimestampMicrosecondType>();
        assert_eq!(column.value(0), expected, "{name}");
    }
}

/// What a query computes has types of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expressions_have_types() {
    let server = Server::create();
    let mut session = server.connector().session().await.unwrap();
    for (expression, becomes) in [
        ("1", "INTEGER"),
        ("9223372036854775807 + 0", "BIGINT"),
        ("1.5", "DECIMAL(2,1)"),
        ("1.5e0", "DOUBLE"),
        ("NULL", "VARCHAR"),
        ("'text'", "VARCHAR"),
        ("0xFF", "BLOB"),
        ("NOW(3)", "TIMESTAMP"),
        ("CURRENT_DATE", "DATE"),
        ("CURRENT_TIME", "TIME"),
        ("1 = 1", "INTEGER"),
        ("COUNT(*)", "BIGINT"),
        ("SUM(seq)", "DECIMAL(38,0)"),
        ("AVG(seq)", "DECIMAL(24,4)"),
        ("GROUP_CONCAT(seq)", "VARCHAR"),
        ("JSON_OBJECT('a', 1)", "JSON"),
        ("UUID()", "UUID"),
        ("CAST('::1' AS INET6)", "VARCHAR"),
    ] {
        let sql = format!("SELECT {expression} AS it FROM seq_1_to_3");
        let extraction = session.extract(&query(sql)).await.unwrap();
        assert_eq!(extraction.columns()[0].column_type, becomes, "{expression}");
    }
}
