//! `POST /convert/file` with the requests of 4.0: every format, every option, and what is refused.

use bytes::Bytes;
use serde_json::{Value, json};
use tundra_tests::server::Answer;

use crate::server::stack::Stack;

const CSV: &str = "id,amount,name,day\n\
                   1,1.5,ann,2026-01-02\n\
                   2,2.25,\"bob, jr.\",2026-01-03\n\
                   3,,čyd 😀,1999-12-31\n";

const CSV_TYPES: [&str; 4] = ["int64", "double", "string", "date32[day]"];

const CSV_ROWS: [[Option<&str>; 4]; 3] = [
    [Some("1"), Some("1.5"), Some("ann"), Some("2026-01-02")],
    [Some("2"), Some("2.25"), Some("bob, jr."), Some("2026-01-03")],
    [Some("3"), None, Some("čyd 😀"), Some("1999-12-31")],
];

const JSON: &str =
    r#"[{"a": 1, "b": {"c": [1, 2]}, "t": "x"}, {"a": 20000000000, "b": null, "t": "y"}]"#;

const NDJSON: &str = "{\"a\": 1, \"t\": \"x\"}\n{\"a\": 2.5, \"t\": null}\n";

const GEOJSON: &str = r#"{"type": "FeatureCollection", "features": [
    {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1.5, 2]}, "properties": {"n": "x"}}
]}"#;

/// Converts a source of every format and holds what comes out against what went in.
async fn every_format_is_converted(stack: &Stack, isolation: &str) {
    let server = stack.serve_with(&["--authentication", "off", "--isolation", isolation]);
    let ask = server.asker();
    let tsv = CSV.replace("\"bob, jr.\"", "bob; jr.").replace(',', "\t").replace("; jr.", ", jr.");
    let csv_rows: Vec<Vec<Option<&str>>> = CSV_ROWS.map(|row| row.to_vec()).to_vec();
    let mut made = Vec::new();
    for (format, bytes, types, rows) in [
        ("csv", CSV.as_bytes().to_vec(), Some(CSV_TYPES.to_vec()), csv_rows.clone()),
        ("tsv", tsv.into_bytes(), Some(CSV_TYPES.to_vec()), csv_rows.clone()),
        (
            "json",
            JSON.as_bytes().to_vec(),
            None,
            vec![
                vec![Some("1"), Some(r#"{"c": "[\"1\", \"2\"]"}"#), Some("x")],
                vec![Some("20000000000"), None, Some("y")],
            ],
        ),
        (
            "ndjson",
            NDJSON.as_bytes().to_vec(),
            Some(vec!["double", "string"]),
            vec![vec![Some("1.0"), Some("x")], vec![Some("2.5"), None]],
        ),
        (
            "geojson",
            GEOJSON.as_bytes().to_vec(),
            None,
            vec![vec![
                Some("x"),
                Some("0101000000000000000000f83f0000000000000040"),
                Some(r#"{"xmin": "1.5", "ymin": "2.0", "xmax": "1.5", "ymax": "2.0"}"#),
            ]],
        ),
        // What was made of the CSV.
        ("parquet", Vec::new(), Some(CSV_TYPES.to_vec()), csv_rows),
    ] {
        let bytes = match format {
            "parquet" => std::mem::take(&mut made),
            _ => bytes,
        };
        let name = format!("orders.{format}");
        // The request wins over the source, and says nothing where the source is right.
        let (of_source, of_request) = match isolation {
            "process" => (format, Value::Null),
            _ => ("csv", json!(format)),
        };
        let id = stack.uploaded(of_source, &name, &bytes).await;
        let request = json!({"source_id": id, "format": of_request});
        let answer = ask.post("/convert/file", &request).await.ok();
        assert_eq!(answer["metadata"]["version"], 1, "{answer}");
        let contents = stack.proven(&id, &answer, "file").await;
        for (index, row) in rows.iter().enumerate() {
            assert_eq!(contents.row(index).as_ref(), Some(row), "{format}");
        }
        assert_eq!(contents.rows.len(), rows.len(), "{format}");
        if let Some(types) = &types {
            assert_eq!(&contents.types(), types, "{format}");
        }
        assert_eq!(contents.codecs, ["ZSTD"], "{format}");
        assert_eq!(stack.get(&format!("raw/{id}/v1/data.{format}")).await, bytes, "{format}");
        assert_eq!(stack.get(&format!("uploads/{id}/{name}")).await, bytes, "{format}");
        if format == "csv" {
            made = stack.get(&format!("processed/{id}/v1/data.parquet")).await;
            let layout = [
                "processed/ID/v1/_manifest.json",
                "processed/ID/v1/data.parquet",
                "raw/ID/v1/_manifest.json",
                "raw/ID/v1/data.csv",
                "uploads/ID/orders.csv",
            ];
            assert_eq!(stack.objects(&id).await, layout);
        }
    }
    assert!(server.stop("TERM").unwrap().0.success());
}

#[tokio::test]
async fn every_format_is_converted_in_a_process_for_each_run() {
    every_format_is_converted(&Stack::new().await, "process").await;
}

#[tokio::test]
async fn every_format_is_converted_in_a_thread_for_each_run() {
    every_format_is_converted(&Stack::new().await, "thread").await;
}

#[tokio::test]
async fn the_options_of_the_document_do_what_they_say() {
    let stack = Stack::new().await;
    let server = stack.serve();
    let ask = server.asker();
    let text = "old_name,amount\nann,7\nbob,8\ncyd,9\ndee,10\n";
    let id = stack.uploaded("csv", "in.csv", text).await;
    let options = json!({
        "column_mapping": {"old_name": "new_name"}, "type_overrides": {"amount": "DOUBLE"},
        "skip_rows": [0, 1], "delimiter": ",",
    });
    let request = json!({"source_id": id, "format": "csv", "options": options});
    let answer = ask.post("/convert/file", &request).await.ok();
    let contents = stack.proven(&id, &answer, "file").await;
    assert_eq!(contents.names(), ["new_name", "amount"]);
    assert_eq!(contents.types(), ["string", "double"]);
    assert_eq!(contents.row(0).unwrap(), [Some("cyd"), Some("9.0")]);
    assert_eq!(contents.row(1).unwrap(), [Some("dee"), Some("10.0")]);
    assert_eq!(contents.rows.len(), 2);
    let field = &answer["metadata"]["column_schema"]["fields"][1];
    assert_eq!(field, &json!({"name": "amount", "type": "DOUBLE", "nullable": true}));

    // Each may be null, as a client writes what it does not have.
    let nulls = json!({
        "column_mapping": null, "type_overrides": null, "skip_rows": null, "delimiter": null,
        "sheet_name": null,
    });
    let request = json!({"source_id": id, "format": null, "options": nulls});
    let answer = ask.post("/convert/file", &request).await.ok();
    assert_eq!(stack.proven(&id, &answer, "file").await.rows.len(), 4);

    // Semicolons are found, and taken when they are said.
    let id = stack.uploaded("csv", "in.csv", "a;b\n1;x,y\n").await;
    for options in [json!({}), json!({"delimiter": ";"})] {
        let request = json!({"source_id": id, "options": options});
        let answer = ask.post("/convert/file", &request).await.ok();
        let contents = stack.proven(&id, &answer, "file").await;
        assert_eq!(contents.row(0).unwrap(), [Some("1"), Some("x,y")]);
    }

    // Sheets are those of workbooks, and what is cut off is none.
    let request = json!({"source_id": id, "options": {"sheet_name": "Sheet1"}});
    ask.post("/convert/file", &request).await.failure(400, "invalid_request");
    let id = stack.uploaded("xlsx", "in.xlsx", "PK\x03\x04").await;
    ask.post("/convert/file", &json!({"source_id": id})).await.failure(400, "invalid_data");
}

#[tokio::test]
async fn an_upload_that_is_named_by_its_source_alone_is_found_as_4_0_left_it() {
    let stack = Stack::new().await;
    let server = stack.serve();
    let id = stack.add("file", "csv");
    stack.put(&format!("uploads/{id}"), CSV).await;
    let answer = server.asker().post("/convert/file", &json!({"source_id": id})).await.ok();
    assert_eq!(stack.proven(&id, &answer, "file").await.types(), CSV_TYPES);
    assert_eq!(stack.get(&format!("raw/{id}/v1/data.csv")).await, CSV.as_bytes());
}

#[tokio::test]
async fn a_run_that_fails_leaves_its_reason_and_nothing_else() {
    let stack = Stack::new().await;
    let server = stack.serve();
    let ask = server.asker();
    let id = stack.uploaded("csv", "in.csv", "a,b\n1,2\n3\n4,5\n").await;
    let refused = ask.post("/convert/file", &json!({"source_id": id})).await;
    let told = refused.failure(400, "invalid_data");
    assert_eq!((&told["line"], &told["byte"], &told["record"]), (&json!(3), &json!(8), &json!(2)));
    assert_eq!((&told["data_code"], &told["version"]), (&json!("too_few_fields"), &json!(1)));
    let version = stack.versions(&id).pop().unwrap();
    assert_eq!((&version["version"], &version["status"]), (&json!(1), &json!("error")));
    assert_eq!(version["error_message"], told["detail"]);
    for metric in ["row_count", "column_count", "file_size_bytes", "processing_time_seconds"] {
        assert_eq!(version[metric], Value::Null, "{metric}");
    }
    assert_eq!(stack.source(&id)["current_version"], 0);
    assert_eq!(stack.objects(&id).await, ["uploads/ID/in.csv"]);

    // What the answer advises works, and has the next number.
    let request = json!({"source_id": id, "options": {"on_bad_row": "reject"}});
    let answer = ask.post("/convert/file", &request).await.ok();
    let contents = stack.proven(&id, &answer, "file").await;
    assert_eq!(contents.rows.len(), 2);
    assert_eq!(answer["metadata"]["rejected_rows"], 1);
    let rejects = stack.parquet(&format!("processed/{id}/v2/rejects.parquet")).await;
    assert_eq!(rejects.rows.len(), 1);
    let told = [(1, "error".to_owned()), (2, "active".to_owned())];
    assert_eq!(stack.statuses(&id), told);
    assert!(!server.log().contains("\"severity\":\"ERROR\""), "{}", server.log());
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_the_statuses_of_3_0() {
    let stack = Stack::new().await;
    let server = stack.serve();
    let ask = server.asker();
    let empty = stack.add("file", "csv");
    let shop = stack.add("database", "postgresql");
    let nobodys = "00000000-0000-4000-8000-000000000000";
    let column = json!({"type_overrides": {"a": "INTEGER); DROP TABLE sources"}});
    for (request, status, code) in [
        (json!({}), 400, "invalid_request"),
        (json!([]), 400, "invalid_request"),
        (json!({"source_id": 7}), 400, "invalid_request"),
        (json!({"source_id": "' OR 1=1 --"}), 400, "invalid_request"),
        (json!({"source_id": "../../etc/passwd"}), 400, "invalid_request"),
        (json!({"source_id": nobodys}), 404, "not_found"),
        // Nothing was uploaded.
        (json!({"source_id": empty}), 404, "not_found"),
        (json!({"source_id": shop}), 400, "invalid_request"),
        (json!({"source_id": empty, "format": "xls'; DROP TABLE sources"}), 400, "invalid_request"),
        (json!({"source_id": empty, "compression": "lzo"}), 400, "invalid_request"),
        (json!({"source_id": empty, "options": column}), 400, "invalid_request"),
        (json!({"source_id": empty, "options": {"skip_rows": [-1]}}), 400, "invalid_request"),
    ] {
        let answer = ask.post("/convert/file", &request).await;
        assert_eq!(answer.status, status, "{request}: {}", answer.text());
        answer.failure(status, code);
    }
    let send = async |kind: Option<&str>, body: &'static str| -> Answer {
        ask.send("POST", "/convert/file", kind, Bytes::from(body)).await.unwrap()
    };
    send(Some("application/json"), "{\"source_id\":").await.failure(400, "invalid_json");
    send(Some("text/plain"), "{}").await.failure(415, "unsupported_media_type");
    send(None, "{}").await.failure(415, "unsupported_media_type");
    assert_eq!(stack.catalog().run("SELECT count(*) FROM sources").unwrap(), "2");
    // A run was begun only where the request is right and the file is missing, and it ended as failed.
    assert_eq!(stack.statuses(&empty), [(1, "error".to_owned())]);
    assert_eq!(stack.catalog().run("SELECT count(*) FROM source_versions").unwrap(), "1");
}
