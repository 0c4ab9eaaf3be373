//! Records of delimited text that do not fit: where they are, and what becomes of them.

use std::fmt::Write as _;

use tundra_core::{
    BadRowPolicy, Classify, ConvertOptions, DataCode, DataError, Error, ErrorKind, IfExists,
    RejectLimit, TextHints,
};

use crate::support::{OUTPUT, Scene, convert};

const REJECTS: &str = "rejects.parquet";

/// Thirty good records; behind the tenth one with a field too many, behind the twentieth one with a
/// field too few.
fn text() -> String {
    let mut text = "id,name,note\n".to_owned();
    for id in 1..=30 {
        writeln!(text, "{id},n{id},x").unwrap();
        match id {
            10 => text.push_str("100,many,y,z\n"),
            20 => text.push_str("200,few\n"),
            _ => {}
        }
    }
    text
}

fn policy(on_bad_row: BadRowPolicy) -> ConvertOptions {
    ConvertOptions { on_bad_row, ..ConvertOptions::default() }
}

/// Returns what is wrong with the data.
fn data_error(error: &Error) -> &DataError {
    match error {
        Error::Data { source, .. } | Error::TooManyRejects { source, .. } => source,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_bad_record_fails_the_run_and_is_located() {
    let scene = Scene::local();
    let text = text();
    scene.put("a.csv", text.clone()).await;

    let error = scene.convert("a.csv", &policy(BadRowPolicy::Fail)).await.unwrap_err();

    let found = data_error(&error);
    assert_eq!(found.code, DataCode::TooManyFields);
    assert_eq!((found.record, found.line), (11, 12));
    assert_eq!(found.byte, text.find("100,many").unwrap() as u64);
    assert_eq!(found.text, "100,many,y,z");
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(error.hints()[0].contains("--on-bad-row reject"), "{:?}", error.hints());
    assert_eq!(scene.names().await, ["a.csv"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_records_are_set_aside_whole_and_everything_adds_up() {
    let text = text();

    let done = convert("a.csv", text.clone(), &policy(BadRowPolicy::Reject)).await.unwrap();

    assert_eq!(done.scene.names().await, ["a.csv", OUTPUT, REJECTS]);
    assert_eq!(done.table.rows.len(), 30);
    assert_eq!(done.table.type_of("id"), "BIGINT");
    assert_eq!(done.table.row(10), [Some("11"), Some("n11"), Some("x")]);
    let rejects = done.scene.table(REJECTS).await;
    assert_eq!(
        rejects.names,
        [
            "record",
            "line",
            "byte_start",
            "byte_end",
            "column",
            "code",
            "reason",
            "raw",
            "raw_bytes",
        ]
    );
    let (first, second) = (text.find("100,many").unwrap(), text.find("200,few").unwrap());
    let first_end = first + "100,many,y,z".len();
    assert_eq!(
        rejects.row(0),
        [
            Some("11"),
            Some("12"),
            Some(first.to_string().as_str()),
            Some(first_end.to_string().as_str()),
            None,
            Some("too_many_fields"),
            Some("4 fields where there should be 3"),
            Some("100,many,y,z"),
            None,
        ]
    );
    assert_eq!(rejects.column("record")[1], Some("22"));
    assert_eq!(rejects.column("line")[1], Some("23"));
    assert_eq!(rejects.column("byte_start")[1], Some(second.to_string().as_str()));
    assert_eq!(rejects.column("code")[1], Some("too_few_fields"));
    assert_eq!(rejects.column("raw")[1], Some("200,few"));
    assert_eq!(rejects.rows.len(), 2);

    let receipt = &done.receipt;
    assert_eq!((receipt.counts.records, receipt.counts.rejected), (32, 2));
    assert_eq!((receipt.counts.decoded, receipt.counts.written), (32, 30));
    let roles: Vec<_> =
        receipt.outputs.iter().map(|output| (output.role.as_str(), output.rows)).collect();
    assert_eq!(roles, [("data", 30), ("rejects", 2)]);
    let events: Vec<_> =
        receipt.events.iter().map(|event| (event.code.as_str(), event.count)).collect();
    assert_eq!(events, [("rejected_too_many_fields", 1), ("rejected_too_few_fields", 1)]);
    assert_eq!(receipt.events[0].samples[0].line, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_rejects_make_no_file() {
    let done = convert("a.csv", "id\n1\n2\n", &policy(BadRowPolicy::Reject)).await.unwrap();

    assert_eq!(done.scene.names().await, ["a.csv", OUTPUT]);
    assert_eq!(done.receipt.outputs.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_of_an_earlier_run_are_not_overwritten_unless_asked() {
    let scene = Scene::local();
    scene.put("a.csv", text()).await;
    scene.put(REJECTS, "somebody's").await;

    let error = scene.convert("a.csv", &policy(BadRowPolicy::Reject)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error:?}");
    assert_eq!(scene.names().await, ["a.csv", REJECTS]);
    assert_eq!(scene.get(REJECTS).await, "somebody's");

    // Not what is no rejects of this output either.
    let scene = Scene { if_exists: IfExists::Replace, ..scene };
    let error = scene.convert("a.csv", &policy(BadRowPolicy::Reject)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error:?}");
    assert_eq!(scene.names().await, ["a.csv", REJECTS]);
    assert_eq!(scene.get(REJECTS).await, "somebody's");
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_are_replaced_with_their_output_and_go_with_the_last_bad_record() {
    let scene = Scene { if_exists: IfExists::Replace, ..Scene::local() };
    scene.put("a.csv", text()).await;
    for _ in 0..2 {
        scene.convert("a.csv", &policy(BadRowPolicy::Reject)).await.unwrap();
        assert_eq!(scene.table(REJECTS).await.rows.len(), 2);
    }

    scene.convert("a.csv", &policy(BadRowPolicy::Repair)).await.unwrap();
    assert_eq!(scene.names().await, ["a.csv", OUTPUT]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_rejects_every_record_fails() {
    let scene = Scene::local();
    scene.put("a.csv", "id,name\n1\n2\n3\n").await;
    let options = ConvertOptions {
        text: TextHints {
            delimiter: Some(",".to_owned()),
            header_rows: Some(1),
            ..TextHints::default()
        },
        ..policy(BadRowPolicy::Reject)
    };

    let error = scene.convert("a.csv", &options).await.unwrap_err();

    assert!(matches!(error, Error::NothingLeft { rejected: 3, .. }), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert_eq!(scene.names().await, ["a.csv"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn repaired_records_keep_every_character_and_are_counted() {
    let done = convert("a.csv", text(), &policy(BadRowPolicy::Repair)).await.unwrap();

    assert_eq!(done.table.rows.len(), 32);
    assert_eq!(done.table.row(10), [Some("100"), Some("many"), Some("y,z")]);
    assert_eq!(done.table.row(21), [Some("200"), Some("few"), None]);
    let counts = done.receipt.counts;
    assert_eq!((counts.records, counts.repaired, counts.rejected, counts.written), (32, 2, 0, 32));
    let events: Vec<_> =
        done.receipt.events.iter().map(|event| (event.code.as_str(), event.count)).collect();
    assert_eq!(events, [("repaired_too_many_fields", 1), ("repaired_too_few_fields", 1)]);
    assert_eq!(done.scene.names().await, ["a.csv", OUTPUT]);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_rejects_than_allowed_fail_the_run_and_leave_nothing() {
    for (limit, succeeds) in [
        (RejectLimit::Count(1), false),
        (RejectLimit::Count(2), true),
        (RejectLimit::Ratio(0.05), false),
        (RejectLimit::Ratio(0.07), true),
    ] {
        let scene = Scene::local();
        scene.put("a.csv", text()).await;
        let options = ConvertOptions { max_rejects: Some(limit), ..policy(BadRowPolicy::Reject) };
        let outcome = scene.convert("a.csv", &options).await;
        match outcome {
            Ok(receipt) => {
                assert!(succeeds, "{limit}");
                assert_eq!(receipt.counts.rejected, 2);
            }
            Err(error) => {
                assert!(!succeeds, "{limit}: {error:?}");
                assert!(matches!(error, Error::TooManyRejects { rejected: 2, .. }), "{error:?}");
                assert_eq!(data_error(&error).line, 12);
                assert_eq!(error.kind(), ErrorKind::InvalidData);
                assert_eq!(scene.names().await, ["a.csv"], "{limit}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_does_not_fit_a_forced_type_follows_the_policy() {
    let text = "id,n\n1,5\n2,five\n3,7\n";
    let options = |on_bad_row| ConvertOptions {
        type_overrides: vec![("n".to_owned(), "INTEGER".parse().unwrap())],
        ..policy(on_bad_row)
    };

    let error = convert("a.csv", text, &options(BadRowPolicy::Fail)).await.err().unwrap();
    let found = data_error(&error);
    assert_eq!((found.code, found.record, found.line), (DataCode::BadValue, 2, 3));
    assert_eq!(found.column.as_deref(), Some("n"));
    assert_eq!(found.text, "five");

    let rejected = convert("a.csv", text, &options(BadRowPolicy::Reject)).await.unwrap();
    assert_eq!(rejected.table.column("n"), [Some("5"), Some("7")]);
    let rejects = rejected.scene.table(REJECTS).await;
    assert_eq!(rejects.column("column"), [Some("n")]);
    assert_eq!(rejects.column("code"), [Some("bad_value")]);
    assert_eq!(rejects.column("raw"), [Some("2,five")]);

    let repaired = convert("a.csv", text, &options(BadRowPolicy::Repair)).await.unwrap();
    assert_eq!(repaired.table.column("n"), [Some("5"), None, Some("7")]);
    assert_eq!(repaired.table.type_of("n"), "INTEGER");
    assert_eq!(repaired.receipt.counts.repaired, 1);
    assert_eq!(repaired.receipt.events[0].code, "repaired_bad_value");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_text_are_set_aside_as_bytes() {
    // Valid for longer than what is looked at beforehand.
    let mut text = b"id,name\n".to_vec();
    for id in 0..150_000 {
        text.extend_from_slice(format!("{id},g\u{fc}nstig\n").as_bytes());
    }
    text.extend_from_slice(b"150000,\xff\xfe\n150001,end\n");

    let error = convert("a.csv", text.clone(), &policy(BadRowPolicy::Fail)).await.err().unwrap();
    let found = data_error(&error);
    assert_eq!((found.code, found.line), (DataCode::UndecodableBytes, 150_002));

    let done = convert("a.csv", text, &policy(BadRowPolicy::Reject)).await.unwrap();
    assert_eq!(done.receipt.counts.rejected, 1);
    assert_eq!(done.table.rows.len(), 150_001);
    assert_eq!(done.table.row(150_000), [Some("150001"), Some("end")]);
    let rejects = done.scene.table(REJECTS).await;
    assert_eq!(rejects.column("raw"), [None]);
    assert_eq!(rejects.column("raw_bytes"), [Some("3135303030302cfffe")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_record_far_behind_the_sample_is_located_exactly() {
    let mut text = "id,name\n".to_owned();
    for id in 0..200_000 {
        writeln!(text, "{id},\"n\n{id}\"").unwrap();
    }
    let byte = text.len() as u64;
    text.push_str("1,2,3\n4,5\n");

    let error = convert("a.csv", text, &policy(BadRowPolicy::Fail)).await.err().unwrap();

    let found = data_error(&error);
    assert_eq!(found.code, DataCode::TooManyFields);
    assert_eq!((found.record, found.line, found.byte), (200_001, 400_002, byte));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quoted_text_glued_to_the_field_before_it_is_taken_apart_by_a_repair() {
    let text = "item,text,n\nSofa,\"Soft, grey\",1\nBed,\"Hard, white\",2\nRug\"Round, red\",3\n\
                Lamp,\"Big, black\",4\nDesk\"Oak, plain, small\",5\n";
    let done = convert("a.csv", text, &policy(BadRowPolicy::Repair)).await.unwrap();
    assert_eq!(done.table.types, ["VARCHAR", "VARCHAR", "BIGINT"]);
    assert_eq!(done.table.row(2), [Some("Rug"), Some("Round, red"), Some("3")]);
    assert_eq!(done.table.row(4), [Some("Desk"), Some("Oak, plain, small"), Some("5")]);
    assert_eq!(done.receipt.counts.repaired, 2);
    let codes: Vec<&str> = done.receipt.events.iter().map(|event| event.code.as_str()).collect();
    assert_eq!(codes, ["repaired_stray_quote", "repaired_too_many_fields"]);
    // Nobody else changes what has the right number of fields.
    let text = "item,text,n\nSofa,\"Soft, grey\",1\nRug\"Round, red\",3\n";
    let done = convert("a.csv", text, &policy(BadRowPolicy::Reject)).await.unwrap();
    assert_eq!(done.table.row(1), [Some("Rug\"Round"), Some(" red\""), Some("3")]);
}
