//! Every type at its edges, compared value for value with what the server prints.

use tundra_core::{ErrorKind, ExtractRequest, OnLossy};

use super::{
    printed::is_same,
    server::{Read, Server, table as whole},
};

/// A column: its type in the server, its type here, how the server prints it, and its values.
struct Column {
    source: &'static str,
    target: &'static str,
    /// The expression that prints `@`.
    print: &'static str,
    values: &'static [&'static str],
}

const fn column(
    source: &'static str,
    target: &'static str,
    values: &'static [&'static str],
) -> Column {
    Column { source, target, print: "@::text", values }
}

const fn as_output(
    source: &'static str,
    target: &'static str,
    values: &'static [&'static str],
) -> Column {
    // The type's own output, which for some types is not what a cast to text makes.
    Column { source, target, print: "CASE WHEN @ IS NOT NULL THEN format('%s', @) END", values }
}

const TYPES: &str = r#"
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'ha''ppy', '');
    CREATE DOMAIN posint AS integer CHECK (VALUE > 0);
    CREATE DOMAIN posarr AS posint[];
    CREATE DOMAIN price AS numeric(10,2);
    CREATE DOMAIN deep AS price;
    CREATE TYPE pair AS (x integer, "y ""z" text);
    CREATE TYPE exotic AS (a inet, b integer);
    CREATE TYPE nest AS (p pair, m mood, d date, pr price);
    CREATE TYPE holder AS (p pair, ps pair[]);
    CREATE TYPE nothing AS ();
    CREATE TYPE span AS RANGE (subtype = float8);
"#;

const COLUMNS: &[Column] = &[
    column("boolean", "BOOLEAN", &["true", "false"]),
    column("smallint", "SMALLINT", &["-32768", "0", "32767"]),
    column("integer", "INTEGER", &["-2147483648", "0", "2147483647"]),
    column("bigint", "BIGINT", &["-9223372036854775808", "0", "9223372036854775807"]),
    column(
        "real",
        "FLOAT",
        &["NaN", "Infinity", "-Infinity", "-0", "1e-45", "3.4028235e38", "-1.17549435e-38", "0.1"],
    ),
    column(
        "double precision",
        "DOUBLE",
        &["NaN", "Infinity", "-Infinity", "-0", "5e-324", "1.7976931348623157e308", "0.1", "1e23"],
    ),
    column(
        "numeric(15,2)",
        "DECIMAL(15,2)",
        &["-9999999999999.99", "0", "0.01", "9999999999999.9"],
    ),
    column(
        "numeric(38,0)",
        "DECIMAL(38,0)",
        &["99999999999999999999999999999999999999", "-99999999999999999999999999999999999999", "0"],
    ),
    column(
        "numeric(38,38)",
        "DECIMAL(38,38)",
        &["0.99999999999999999999999999999999999999", "-0.00000000000000000000000000000000000001"],
    ),
    column("numeric(38,10)", "DECIMAL(38,10)", &["1234567890123456789012345678.0000000001"]),
    column("numeric(3,-2)", "DECIMAL(5,0)", &["99900", "-100", "12345"]),
    column("numeric(2,4)", "DECIMAL(4,4)", &["0.0099", "-0.0001"]),
    column("numeric(39,2)", "VARCHAR", &["1234567890123456789012345678901234567.89", "0.10"]),
    column("numeric(5,1)", "DECIMAL(5,1)", &["9999.9", "-9999.9", "0.05"]),
    column("numeric", "DECIMAL(18,9)", &["123456789.123456789", "-0.5", "0", "1e8"]),
    column("numeric", "DECIMAL(38,1)", &["1234567890123456789012345678901234567.5", "-1"]),
    column("numeric", "DECIMAL(38,30)", &["0.000000000000000000000000000001", "12345678"]),
    column("numeric", "VARCHAR", &["1e200", "1e-200", "1.50"]),
    column("numeric", "VARCHAR", &["NaN", "Infinity", "-Infinity", "1.10"]),
    column("numeric", "DECIMAL(18,3)", &[]),
    Column {
        source: "money",
        target: "DECIMAL(19,2)",
        print: "@::numeric::text",
        values: &["-92233720368547758.08", "92233720368547758.07", "0", "0.01"],
    },
    column("text", "VARCHAR", &["", " ", "NULL", "ä € 🦀", "a\tb\nc\\d\"e'f", "\u{1}\u{7f}"]),
    column("varchar(10)", "VARCHAR", &["", "zehn Buch.", "🦀🦀🦀🦀🦀🦀🦀🦀🦀🦀"]),
    as_output("char(5)", "VARCHAR", &["", "ab", "abcde", "ä"]),
    column("name", "VARCHAR", &["", "a_name"]),
    as_output("\"char\"", "VARCHAR", &["", "x", "~", "\\344"]),
    column("bytea", "BLOB", &["\\x", "\\x00ff00", "\\xdeadbeefdeadbeefdeadbeefdeadbeef"]),
    column(
        "uuid",
        "UUID",
        &["00112233-4455-6677-8899-aabbccddeeff", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
    ),
    column("json", "JSON", &["{\"a\":  1, \"a\": 2}", "null", "\"\\u00e4\"", " [1] "]),
    column("jsonb", "JSON", &["{\"b\": [1,2], \"a\": null}", "null", "1.10", "\"x\""]),
    column(
        "date",
        "DATE",
        &[
            "4713-11-24 BC",
            "0001-12-31 BC",
            "0001-01-01",
            "1970-01-01",
            "2000-02-29",
            "5874897-12-31",
        ],
    ),
    column("time", "TIME", &["00:00:00", "23:59:59.999999", "12:30:00.5"]),
    column("time(0)", "TIME", &["23:59:59"]),
    column("timetz", "VARCHAR", &["24:00:00-15:59", "00:00:00+15:59:59", "12:00:00.000001+00"]),
    column(
        "timestamp",
        "TIMESTAMP",
        &[
            "4713-11-24 00:00:00 BC",
            "0001-12-31 23:59:59.999999 BC",
            "1969-12-31 23:59:59.999999",
            "2000-01-01 00:00:00",
            "294247-01-10 04:00:54.775806",
        ],
    ),
    column(
        "timestamptz",
        "TIMESTAMPTZ",
        &[
            "4713-11-24 00:00:00+00 BC",
            "2024-02-29 12:34:56.789+02",
            "294247-01-10 04:00:54.775806+00",
        ],
    ),
    column(
        "interval",
        "VARCHAR",
        &[
            "178000000 years",
            "-178000000 years",
            "1 mon -1 day 00:00:00.000001",
            "0",
            "-1 year 2 mons",
        ],
    ),
    column("bit(5)", "VARCHAR", &["10101", "00000"]),
    column("bit varying", "VARCHAR", &["", "1", "101010101"]),
    column("mood", "VARCHAR", &["sad", "ok", "ha'ppy", ""]),
    column("posint", "INTEGER", &["1", "2147483647"]),
    column("posarr", "INTEGER[]", &["{1,2}", "{}"]),
    column("price", "DECIMAL(10,2)", &["9.99", "-99999999.99"]),
    column("deep", "DECIMAL(10,2)", &["9.99"]),
    column("integer[]", "INTEGER[]", &["{1,NULL,-3}", "{}", "{NULL}"]),
    column("integer[]", "INTEGER[][]", &["{{1,2},{3,NULL}}", "{}", "{{5},{6}}"]),
    column("integer[]", "INTEGER[][][]", &["{{{1,2}},{{3,4}}}"]),
    column("integer[]", "VARCHAR", &["{1}", "{{1}}"]),
    column("integer[]", "VARCHAR", &["[0:1]={1,2}", "{3}"]),
    column("bigint[]", "BIGINT[]", &[]),
    column("boolean[]", "BOOLEAN[]", &["{t,f,NULL}"]),
    column("text[]", "VARCHAR[]", &[r#"{"a,b",NULL,"c\"d","","null","{}","e f"}"#]),
    column("real[]", "FLOAT[]", &["{0.5,-1.25}"]),
    column("numeric(5,2)[]", "DECIMAL(5,2)[]", &["{1.50,-999.99}"]),
    column("numeric[]", "DECIMAL(18,3)[]", &["{1.500,NULL}", "{12.345,0.000}"]),
    column("numeric[]", "VARCHAR[]", &["{1.5,NaN}", "{}"]),
    column("uuid[]", "UUID[]", &["{00112233-4455-6677-8899-aabbccddeeff}"]),
    column("bytea[]", "BLOB[]", &[r#"{"\\x00ff","\\x"}"#]),
    column("date[]", "DATE[]", &["{2020-01-01,\"0044-03-15 BC\"}"]),
    column("timestamptz[]", "TIMESTAMPTZ[]", &["{\"2020-01-01 00:00:00.5+00\"}"]),
    column("mood[]", "VARCHAR[]", &["{sad,ha'ppy,\"\"}"]),
    column("price[]", "DECIMAL(10,2)[]", &["{9.99}"]),
    column("jsonb[]", "JSON[]", &[r#"{"{\"a\": 1}"}"#]),
    column("inet[]", "VARCHAR[]", &["{10.0.0.1,10.0.0.0/8,::1}"]),
    column("interval[]", "VARCHAR[]", &["{\"1 day\",01:00:00}"]),
    column(
        "pair",
        "STRUCT(\"x\" INTEGER, \"y \"\"z\" VARCHAR)",
        &[r#"(1,"a ""b")"#, "(,)", "(,\"\")"],
    ),
    column("pair[]", "STRUCT(\"x\" INTEGER, \"y \"\"z\" VARCHAR)[]", &[r#"{"(1,x)",NULL,"(,)"}"#]),
    column("exotic", "VARCHAR", &["(10.0.0.1,2)", "(,)"]),
    column(
        "nest",
        "STRUCT(\"p\" STRUCT(\"x\" INTEGER, \"y \"\"z\" VARCHAR), \"m\" VARCHAR, \"d\" DATE, \"pr\" DECIMAL(10,2))",
        &[r#"("(1,x)",sad,2020-01-01,1.50)"#, "(,,,)"],
    ),
    column("holder", "VARCHAR", &[r#"("(1,x)","{""(2,y)""}")"#]),
    column("nothing", "VARCHAR", &["()"]),
    column("int4range", "VARCHAR", &["[1,5)", "empty", "(,)", "[1,)"]),
    column("int8range", "VARCHAR", &["[1,9223372036854775807)"]),
    column("numrange", "VARCHAR", &["[1.10,2.20]"]),
    column("tsrange", "VARCHAR", &["[\"2020-01-01 00:00:00\",infinity)"]),
    column("tstzrange", "VARCHAR", &["[\"2020-01-01 00:00:00+00\",)"]),
    column("daterange", "VARCHAR", &["[2020-01-01,2020-01-02)"]),
    column("span", "VARCHAR", &["[0.1,1e+300)"]),
    column("int4multirange", "VARCHAR", &["{[1,2),[4,5)}", "{}"]),
    column("tstzmultirange", "VARCHAR", &["{[\"2020-01-01 00:00:00+00\",)}"]),
    as_output("inet", "VARCHAR", &["10.0.0.1", "10.0.0.1/8", "::1", "fe80::1/64"]),
    column("cidr", "VARCHAR", &["10.0.0.0/8", "10.0.0.1/32", "::/0"]),
    column("macaddr", "VARCHAR", &["08:00:2b:01:02:03"]),
    column("macaddr8", "VARCHAR", &["08:00:2b:01:02:03:04:05"]),
    column("point", "VARCHAR", &["(0.1,-2)", "(Infinity,NaN)"]),
    column("line", "VARCHAR", &["{1,-1,0.5}"]),
    column("lseg", "VARCHAR", &["[(1,2),(3,4)]"]),
    column("box", "VARCHAR", &["(3,4),(1,2)"]),
    column("path", "VARCHAR", &["((0,0),(1,1))", "[(0,0),(1,1)]"]),
    column("polygon", "VARCHAR", &["((0,0),(1,1),(1,0))"]),
    column("circle", "VARCHAR", &["<(1,2),3>"]),
    column("tsvector", "VARCHAR", &["'a':1 'cat':3A 'fat'"]),
    column("tsquery", "VARCHAR", &["'fat' & !'cat' <-> 'rat':*"]),
    column("xml", "VARCHAR", &["<a>é</a>", "text only"]),
    column("jsonpath", "VARCHAR", &["$.\"a\"[*]?(@ > 1)"]),
    column("oid", "UINTEGER", &["0", "4294967295"]),
    column("xid", "UINTEGER", &["0", "4294967295"]),
    column("cid", "UINTEGER", &["4294967295"]),
    column("xid8", "UBIGINT", &["0", "18446744073709551615"]),
    column("tid", "VARCHAR", &["(5,6)", "(4294967295,65535)"]),
    column("pg_lsn", "VARCHAR", &["16/B374D848", "FFFFFFFF/FFFFFFFF"]),
    column("pg_snapshot", "VARCHAR", &["10:20:10,14,15"]),
    column("txid_snapshot", "VARCHAR", &["10:20:10,14,15"]),
    column("regclass", "VARCHAR", &["pg_class", "-", "424242"]),
    column("regproc", "VARCHAR", &["now"]),
    column("regprocedure", "VARCHAR", &["abs(integer)"]),
    column("regoper", "VARCHAR", &["||/"]),
    column("regoperator", "VARCHAR", &["+(integer,integer)"]),
    column("regtype", "VARCHAR", &["integer", "double precision"]),
    column("regrole", "VARCHAR", &["pg_monitor"]),
    column("regnamespace", "VARCHAR", &["pg_catalog"]),
    column("regconfig", "VARCHAR", &["english"]),
    column("regdictionary", "VARCHAR", &["simple"]),
    column("regcollation", "VARCHAR", &["\"C\""]),
    column("int2vector", "VARCHAR", &["1 2", ""]),
    column("oidvector", "VARCHAR", &["3 4294967295"]),
    column("aclitem", "VARCHAR", &["pg_monitor=r/pg_monitor"]),
    column("refcursor", "VARCHAR", &["a cursor"]),
];

/// Returns the columns with these types, by their names, and the types that they have here.
pub(super) fn of_types(types: &[&str]) -> Vec<(String, &'static str)> {
    let of = |(at, column): (usize, &Column)| {
        types.contains(&column.source).then(|| (format!("c{at}"), column.target))
    };
    COLUMNS.iter().enumerate().filter_map(of).collect()
}

/// Returns where a column differs from what the server prints, a line each.
pub(super) fn differences_of(server: &Server, read: &Read, name: &str) -> Vec<String> {
    let at: usize = name.trim_start_matches('c').parse().expect("it is one of ours");
    let expected = printed(server, "torture", &COLUMNS[at].print.replace('@', name));
    differences(read, name, COLUMNS[at].source, &expected)
}

/// Returns statements that make the table `torture` with a column `c0`, `c1`, … for each of ours.
pub(super) fn table() -> String {
    let columns: Vec<String> =
        COLUMNS.iter().enumerate().map(|(at, it)| format!("c{at} {}", it.source)).collect();
    let mut sql = format!("{TYPES} CREATE TABLE torture (id integer, {});", columns.join(", "));
    let most = COLUMNS.iter().map(|it| it.values.len()).max().unwrap_or(0);
    // One row more, in which everything is null.
    for row in 0..=most {
        let values: Vec<String> = COLUMNS
            .iter()
            .map(|it| match it.values.get(row) {
                Some(value) => format!("E'{}'", value.replace('\\', "\\\\").replace('\'', "''")),
                None => "NULL".to_owned(),
            })
            .collect();
        sql.push_str(&format!("INSERT INTO torture VALUES ({row}, {});", values.join(", ")));
    }
    sql
}

/// Returns the values of an expression in the order of the rows.
fn printed(server: &Server, table: &str, expression: &str) -> Vec<Option<String>> {
    let rows = server.run(&format!(
        "SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; \
         SET extra_float_digits = 3; SET bytea_output = 'hex'; \
         SELECT coalesce(encode(convert_to({expression}, 'UTF8'), 'hex'), 'null') FROM {table} \
         ORDER BY id"
    ));
    rows.lines()
        .map(|line| (line != "null").then(|| String::from_utf8(bytes(line)).expect("it is UTF-8")))
        .collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("it is hex");
    (0..hex.len()).step_by(2).map(digit).collect()
}

/// Returns what differs from what the server prints, a line each.
fn differences(read: &Read, name: &str, source: &str, expected: &[Option<String>]) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = 0;
    for batch in &read.batches {
        let column = batch.column_by_name(name).expect("the column is there");
        for row in 0..batch.num_rows() {
            let server = expected[at].as_deref();
            if !is_same(column, row, server) {
                let ours = if column.is_null(row) {
                    "null".to_owned()
                } else {
                    super::printed::printed(column, row)
                };
                found.push(format!("{name} {source}: row {at} is {ours} and not {server:?}"));
            }
            at += 1;
        }
    }
    assert_eq!(at, expected.len(), "the rows of {name}");
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_at_its_edges_is_what_the_server_prints() {
    let server = Server::with(&table());
    for on_lossy in [OnLossy::Fail, OnLossy::Text, OnLossy::Null] {
        let request = ExtractRequest { on_lossy, ..whole("torture") };
        let read = server.read(&request).await.expect("every value has a type");
        assert!(read.extraction.end(0).expect("it was read").events.is_empty());
        let mut wrong = Vec::new();
        for (at, column) in COLUMNS.iter().enumerate() {
            let name = format!("c{at}");
            wrong.extend(differences_of(&server, &read, &name));
            // As text is what could be lossy inside of an array, whether it is or not.
            if on_lossy != OnLossy::Text && read.column_type(&name) != column.target {
                let got = read.column_type(&name);
                wrong.push(format!("{name} {}: {got} and not {}", column.source, column.target));
            }
        }
        assert!(wrong.is_empty(), "{on_lossy:?}\n{}", wrong.join("\n"));
    }
}

/// A column with a value that its type does not hold, that value, and the others that are text then.
const LOSSY: &[(&str, &str, &str)] = &[
    ("date", "infinity", "2020-01-01"),
    ("date", "-infinity", "0044-03-15 BC"),
    ("timestamp", "infinity", "2020-01-01 00:00:00"),
    ("timestamp", "-infinity", "2020-01-01 00:00:00.5"),
    ("timestamp", "294276-12-31 23:59:59.999999", "2020-01-01 00:00:00"),
    ("timestamp", "294247-01-10 04:00:54.775807", "2020-01-01 00:00:00"),
    ("timestamptz", "infinity", "2020-01-01 00:00:00+00"),
    ("timestamptz", "294276-12-31 23:59:59.999999", "2020-01-01 00:00:00+00"),
    ("time", "24:00:00", "12:00:00"),
    ("numeric(5,1)", "NaN", "1.5"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_type_holds_follows_the_policy() {
    let server = Server::new();
    for (at, (source, misfit, other)) in LOSSY.iter().enumerate() {
        let name = format!("lossy{at}");
        server.run(&format!(
            "CREATE TABLE {name} (id integer, x {source}); \
             INSERT INTO {name} VALUES (1, '{other}'), (2, '{misfit}'), (3, NULL)"
        ));
        let error = server.refused(&whole(&name)).await;
        assert_eq!(error.kind, ErrorKind::InvalidData, "{error}");
        for part in ["`x`", "row 2", misfit] {
            assert!(error.reason.contains(part), "{part} is not in {error}");
        }
        let expected = printed(&server, &name, "x::text");

        let request = ExtractRequest { on_lossy: OnLossy::Text, ..whole(&name) };
        let read = server.read(&request).await.expect("everything is text");
        assert_eq!(read.column_type("x"), "VARCHAR", "{source} {misfit}");
        assert_eq!(differences(&read, "x", source, &expected), [""; 0]);

        let request = ExtractRequest { on_lossy: OnLossy::Null, ..whole(&name) };
        let read = server.read(&request).await.expect("one value is null");
        let expected = [expected[0].clone(), None, None];
        assert_eq!(differences(&read, "x", source, &expected), [""; 0]);
        let events = read.extraction.end(0).expect("it was read").events;
        assert_eq!((events.len(), events[0].count), (1, 1), "{events:?}");
        let sample = &events[0].samples[0];
        assert_eq!((sample.record, sample.column.as_deref()), (2, Some("x")));
        assert_eq!(sample.text, *misfit);
    }
}
