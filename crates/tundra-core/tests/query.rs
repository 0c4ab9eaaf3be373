//! Questions about one input, and what they cannot reach.

use std::time::Duration;

use tundra_core::{Cancel, Classify, ConvertOptions, Error, ErrorKind, OutputFormat, engine::Rows};

use crate::support::Scene;

const SALES: &str =
    "name,price,day\napple,1.5,2024-01-01\npear,2.25,2024-01-02\napple,,2024-01-03\n";

async fn ask(scene: &Scene, sql: &str) -> Result<Rows, Error> {
    scene.query("sales.csv", sql, 100, &ConvertOptions::default()).await
}

async fn sales() -> Scene {
    let scene = Scene::local();
    scene.put("sales.csv", SALES).await;
    scene
}

fn texts(rows: &Rows) -> Vec<Vec<String>> {
    let text = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
    rows.cells().into_iter().map(|row| row.into_iter().map(text).collect()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_input_may_be_named_twice_and_every_function_is_there() {
    let scene = sales().await;
    let sql = "SELECT a.name, count(*) AS n, median(a.price) AS price, strftime(max(b.day), '%d') AS d \
               FROM input a JOIN input b USING (name) GROUP BY ALL ORDER BY 1; -- done";
    // What stands behind the end of the query is a comment on its own.
    let rows = ask(&scene, &sql.replace("; -- done", " -- done")).await.unwrap();
    assert_eq!(texts(&rows), [["apple", "4", "1.5", "03"], ["pear", "1", "2.25", "02"]]);
    let names: Vec<&str> = rows.columns().iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["name", "n", "price", "d"]);
    assert_eq!(rows.total(), Some(2));
    assert!(!rows.more());
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_is_asked_as_it_is() {
    let scene = sales().await;
    scene.convert_to("sales.csv", "sales.parquet", &ConvertOptions::default()).await.unwrap();
    let options = ConvertOptions::default();
    let sql = "FROM input WHERE price IS NULL";
    let rows = scene.query("sales.parquet", sql, 10, &options).await.unwrap();
    assert_eq!(texts(&rows), [["apple", "-", "2024-01-03"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_rows_are_kept_and_all_are_counted() {
    let scene = sales().await;
    let options = ConvertOptions::default();
    let sql = "SELECT * FROM range(100000)";
    let rows = scene.query("sales.csv", sql, 3, &options).await.unwrap();
    assert_eq!(texts(&rows), [["0"], ["1"], ["2"]]);
    assert_eq!(rows.total(), Some(100_000));
    assert!(rows.more());
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_and_other_wide_types_keep_every_digit() {
    let scene = sales().await;
    let sql = "SELECT 9007199254740993::HUGEINT AS h, sum(9007199254740993) AS s, \
               INTERVAL '1 day 0.000001 second' AS i, '01:00:00+02'::TIMETZ AS t, '101'::BIT AS b, \
               '11111111-1111-1111-1111-111111111111'::UUID AS u, 'x' AS u FROM input LIMIT 1";
    let rows = ask(&scene, sql).await.unwrap();
    assert_eq!(
        texts(&rows),
        [[
            "9007199254740993",
            "27021597764222979",
            "1 day 00:00:00.000001",
            "01:00:00+02",
            "101",
            "11111111-1111-1111-1111-111111111111",
            "x",
        ]]
    );
    assert_eq!(rows.columns()[6].name, "u_1");
    let error = ask(&scene, "SELECT {'a': 1::HUGEINT} AS s").await.unwrap_err();
    assert!(matches!(&error, Error::Unwritable { column, .. } if column == "s"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_written_in_every_format() {
    let scene = sales().await;
    let sql = "SELECT name, sum(price) AS price FROM input GROUP BY name ORDER BY name";
    let expected = [
        (OutputFormat::Csv, "name,price\napple,1.5\npear,2.25\n"),
        (
            OutputFormat::Ndjson,
            "{\"name\":\"apple\",\"price\":1.5}\n{\"name\":\"pear\",\"price\":2.25}\n",
        ),
    ];
    for (output_format, text) in expected {
        let options = ConvertOptions { output_format, ..ConvertOptions::default() };
        let answer =
            scene.query_into("sales.csv", sql, output_format.name(), &options).await.unwrap();
        assert_eq!(answer.rows, 2);
        assert_eq!(scene.get(output_format.name()).await, text);
        assert_eq!(answer.size_bytes, text.len() as u64);
    }
    scene.query_into("sales.csv", sql, "a.parquet", &ConvertOptions::default()).await.unwrap();
    let table = scene.table("a.parquet").await;
    assert_eq!(table.types, ["VARCHAR", "DOUBLE"]);
    assert_eq!(table.row(1), [Some("pear"), Some("2.25")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_the_input_can_be_reached() {
    let scene = sales().await;
    for sql in [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM input, read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_parquet('https://example.org/a.parquet')",
        "SELECT * FROM glob('/*')",
        "SELECT getenv('HOME')",
        "SELECT * FROM duckdb_settings()",
        "COPY input TO '/tmp/tundra-query-test.csv'",
        "COPY input TO 'tundra://output.parquet'",
        "ATTACH '/tmp/tundra-query-test.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET threads = 1",
        "PRAGMA version",
        "DROP TABLE input",
        "DELETE FROM input",
        "INSERT INTO input SELECT * FROM input",
        "CREATE TABLE other AS SELECT 1",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE input",
        "SELECT 1) TO 'tundra://other'; --",
        "SELECT 1) AS a, (SELECT 2",
        "SELECT 1 /*",
    ] {
        let error = ask(&scene, sql).await.expect_err(sql);
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{sql}: {error:?}");
        let mut text = format!("{error}");
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        assert!(!text.contains("root:"), "{sql}: {text}");
    }
    assert_eq!(scene.names().await, ["sales.csv"]);
    assert!(!std::path::Path::new("/tmp/tundra-query-test.csv").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_in_the_words_of_duckdb_with_the_columns() {
    let scene = sales().await;
    let error = ask(&scene, "SELECT nam FROM input").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    let words = std::error::Error::source(&error).unwrap().to_string();
    assert!(words.contains("nam"), "{words}");
    assert!(!words.contains("DESCRIBE"), "{words}");
    let hints = error.hints().join(" ");
    assert!(hints.contains("`input`") && hints.contains("`name`, `price`, `day`"), "{hints}");
    let empty = ask(&scene, " ; ").await.unwrap_err();
    assert_eq!(empty.kind(), ErrorKind::InvalidRequest);
    let late = ask(&scene, "SELECT CAST(name AS INTEGER) FROM input").await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::InvalidData, "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_row_fails_as_in_a_conversion() {
    let scene = Scene::local();
    scene.put("sales.csv", "a,b\n1,2\n3,4\n5,6,7\n8,9\n10,11\n").await;
    let asked = ask(&scene, "SELECT count(*) FROM input").await.unwrap_err();
    let converted =
        scene.convert_to("sales.csv", "o.parquet", &ConvertOptions::default()).await.unwrap_err();
    assert_eq!(asked.to_string(), converted.to_string());
    assert_eq!(asked.kind(), converted.kind());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_contradiction_is_read_anew() {
    let mut csv = String::from("a,b\n");
    for number in 0..300_000 {
        csv.push_str(&format!("{number},{number}\n"));
    }
    csv.push_str("last,0\n");
    let scene = Scene::local();
    scene.put("sales.csv", csv).await;
    let rows = ask(&scene, "SELECT count(*), max(a) FROM input").await.unwrap();
    assert_eq!(texts(&rows), [["300001", "last"]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_without_an_end_is_stopped() {
    const FOREVER: &str = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b";
    let mut scene = sales().await;
    scene.control.timeout = Some(Duration::from_millis(300));
    let error = ask(&scene, FOREVER).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    scene.control.timeout = None;
    let cancel = Cancel::default();
    scene.control.cancel = cancel.clone();
    let canceller = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        cancel.cancel();
    });
    let options = ConvertOptions::default();
    let error = scene.query_into("sales.csv", FOREVER, "a.csv", &options).await.unwrap_err();
    canceller.await.unwrap();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error:?}");
    assert_eq!(scene.names().await, ["sales.csv"]);
}
