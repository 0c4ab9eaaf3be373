//! The first rows of a version, value for value.

use arrow::{
    array::{Array, ArrayRef, AsArray},
    compute::concat_batches,
    ipc::reader::StreamReader,
    util::display::{ArrayFormatter, FormatOptions},
};
use axum::body::{Body, to_bytes};
use serde_json::{Value, json};
use tundra_core::Source;

use crate::place::{Desk, Opening, Place};

/// One record of values at the ends of their types, one of ordinary ones, and one of nulls.
const VALUES: &str = "\
flag,small,large,exact,approximate,text,day,clock,moment,instant,id,document
true,-2147483648,-9223372036854775808,-12345678901234567890.12,1e300,\"ä\"\"\n\",1969-12-31,23:59:59.999999,\
2024-02-29T03:04:05.678901,2024-02-29T03:04:05.678901+02:00,0f8fad5b-d9cb-469f-a165-70867728950e,\"{\"\"a\"\":1.0}\"
false,2147483647,9007199254740991,0.10,0.1,x,2024-02-29,00:00:00,1970-01-01T00:00:00,1970-01-01T00:00:00Z,\
0f8fad5b-d9cb-469f-a165-70867728950e,[]
,,,,,,,,,,,
";

fn types() -> Value {
    json!({
        "flag": "BOOLEAN",
        "small": "INTEGER",
        "large": "BIGINT",
        "exact": "DECIMAL(38,2)",
        "approximate": "DOUBLE",
        "text": "VARCHAR",
        "day": "DATE",
        "clock": "TIME",
        "moment": "TIMESTAMP",
        "instant": "TIMESTAMPTZ",
        "id": "UUID",
        "document": "JSON",
    })
}

async fn converted(place: &Place, desk: &Desk) -> Source {
    let source = place.uploaded("acme", VALUES).await;
    let request = json!({
        "source_id": source.id.to_string(),
        "options": { "type_overrides": types() },
    });
    desk.post("/convert/file", &[], &request).await.ok();
    source
}

#[tokio::test(flavor = "multi_thread")]
async fn every_value_is_answered_as_it_is() {
    let place = Place::new().await;
    let desk = place.open(Opening::default()).await;
    let source = converted(&place, &desk).await;
    let version = place.version(&source, 1).await.id;
    let answer = desk.get(&format!("/versions/{version}/preview")).await.ok();
    assert_eq!(answer["source_id"], source.id.to_string());
    assert_eq!(
        (&answer["version"], &answer["row_count"], &answer["total_rows"]),
        (&json!(1), &json!(3), &json!(3))
    );
    let names: Vec<&str> = answer["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names[..3], ["flag", "small", "large"]);
    assert_eq!(answer["columns"][3], json!({ "name": "exact", "type": "DECIMAL(38,2)" }));
    assert_eq!(
        answer["rows"][0],
        json!({
            "flag": true,
            "small": -2_147_483_648_i64,
            "large": "-9223372036854775808",
            "exact": "-12345678901234567890.12",
            "approximate": 1e300,
            "text": "ä\"\n",
            "day": "1969-12-31",
            "clock": "23:59:59.999999",
            "moment": "2024-02-29T03:04:05.678901",
            "instant": "2024-02-29T01:04:05.678901Z",
            "id": "0f8fad5b-d9cb-469f-a165-70867728950e",
            "document": "{\"a\":1.0}",
        })
    );
    assert_eq!(
        answer["rows"][1],
        json!({
            "flag": false,
            "small": 2_147_483_647,
            "large": 9_007_199_254_740_991_i64,
            "exact": "0.10",
            "approximate": 0.1,
            "text": "x",
            "day": "2024-02-29",
            "clock": "00:00:00",
            "moment": "1970-01-01T00:00:00",
            "instant": "1970-01-01T00:00:00Z",
            "id": "0f8fad5b-d9cb-469f-a165-70867728950e",
            "document": "[]",
        })
    );
    for (column, value) in answer["rows"][2].as_object().unwrap() {
        assert_eq!(value, &Value::Null, "{column}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn arrow_has_the_same_values_in_their_types() {
    let place = Place::new().await;
    let desk = place.open(Opening::default()).await;
    let source = converted(&place, &desk).await;
    let path = format!("/sources/{}/versions/current/preview?limit=2", source.id);
    let accept = [("accept", "application/vnd.apache.arrow.stream")];
    let response = desk.response("GET", &path, &accept, Body::empty()).await;
    assert_eq!(response.headers()["content-type"], "application/vnd.apache.arrow.stream");
    assert_eq!(response.headers()["x-total-rows"], "3");
    let stream = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let reader = StreamReader::try_new(&*stream, None).unwrap();
    let schema = reader.schema();
    let batches: Vec<_> = reader.map(Result::unwrap).collect();
    let rows = concat_batches(&schema, &batches).unwrap();
    assert_eq!(rows.num_rows(), 2);
    let shown = |name: &str| {
        let column: &ArrayRef = rows.column_by_name(name).unwrap();
        let formatter =
            ArrayFormatter::try_new(column.as_ref(), &FormatOptions::default()).unwrap();
        [formatter.value(0).to_string(), formatter.value(1).to_string()]
    };
    assert_eq!(shown("large"), ["-9223372036854775808", "9007199254740991"]);
    assert_eq!(shown("exact"), ["-12345678901234567890.12", "0.10"]);
    assert_eq!(shown("instant")[0], "2024-02-29T01:04:05.678901Z");
    assert_eq!(rows.column_by_name("text").unwrap().as_string::<i32>().value(0), "ä\"\n");
    assert_eq!(rows.column(0).null_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_rows_come_than_are_asked_for() {
    let place = Place::new().await;
    let desk = place.open(Opening::default()).await;
    let mut text = "n\n".to_owned();
    for n in 0..12_000 {
        text.push_str(&format!("{n}\n"));
    }
    let source = place.uploaded("acme", &text).await;
    desk.convert(&source).await;
    let path = format!("/sources/{}/versions/1/preview", source.id);
    for (query, rows) in
        [("", 100), ("?limit=1", 1), ("?limit=5000", 5000), ("?limit=10000", 10_000)]
    {
        let answer = desk.get(&format!("{path}{query}")).await.ok();
        let found = answer["rows"].as_array().unwrap();
        assert_eq!(
            (found.len(), answer["row_count"].as_u64()),
            (rows, Some(rows as u64)),
            "{query}"
        );
        assert_eq!(answer["total_rows"], 12_000);
        for (n, row) in found.iter().enumerate() {
            assert_eq!(row["n"], n as u64);
        }
    }
    for limit in ["x", "0", "10001"] {
        let asked = format!("{path}?limit={limit}");
        desk.get(&asked).await.failure(400, "invalid_request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_without_data_has_no_rows() {
    let place = Place::new().await;
    let desk = place.open(Opening::default()).await;
    let source = place.uploaded("acme", "id,n\n1,2\n3\n4,5,6\n").await;
    let request = json!({ "source_id": source.id.to_string() });
    desk.post("/convert/file", &[], &request).await.failure(400, "invalid_data");
    let path = format!("/sources/{}/versions", source.id);
    let failed = desk.get(&format!("{path}/1/preview")).await;
    failed.failure(409, "conflict");
    assert_eq!(failed.body["version"], 1);
    desk.get(&format!("{path}/1/receipt")).await.failure(409, "conflict");
    desk.get(&format!("{path}/current/preview")).await.failure(404, "not_found");
}
