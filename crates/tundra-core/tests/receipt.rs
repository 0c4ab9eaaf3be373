//! The form of receipts: those that were written once can always be read.

use tundra_core::{
    ColumnCounts, ColumnPlan, Counts, Decision, EventSample, FORMAT_VERSION, LossEvent,
    OutputFacts, Plan, Receipt, SourceFacts, Timings,
};

use crate::support::converted;

const V1: &str = include_str!("receipts/v1.json");

fn receipt() -> Receipt {
    Receipt {
        format_version: 1,
        run: "01998f0e-7b3c-7d52-9a61-3f0c5be2a471".parse().unwrap(),
        plan: Plan {
            tundra_version: "5.0.0".to_owned(),
            duckdb_version: "v2.0.0".to_owned(),
            source: SourceFacts {
                location: "data/orders.csv".to_owned(),
                format: "csv".to_owned(),
                size_bytes: 1234,
                etag: Some("18c3-4d2".to_owned()),
                database: None,
                inputs: None,
            },
            decisions: vec![Decision {
                what: "delimiter".to_owned(),
                value: ";".to_owned(),
                confidence: 0.75,
                reason: "2 fields in most records".to_owned(),
            }],
            columns: vec![
                ColumnPlan {
                    name: "key".to_owned(),
                    source_name: "id".to_owned(),
                    column_type: "BIGINT".to_owned(),
                    format: None,
                    reason: "all 42 values are integers of 64 bits".to_owned(),
                },
                ColumnPlan {
                    name: "code".to_owned(),
                    source_name: "code".to_owned(),
                    column_type: "VARCHAR".to_owned(),
                    format: None,
                    reason: "record 3 has `00713`, which is no integer".to_owned(),
                },
            ],
        },
        plan_digest: "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
            .to_owned(),
        counts: Counts {
            records: 45,
            sent: None,
            decoded: 45,
            skipped: 2,
            rejected: 1,
            repaired: 0,
            written: 42,
            left_out_lines: 3,
            left_out_bytes: 57,
        },
        columns: vec![
            ColumnCounts { name: "key".to_owned(), nulls: Some(0) },
            ColumnCounts { name: "code".to_owned(), nulls: Some(7) },
        ],
        events: vec![LossEvent {
            code: "rejected_too_many_fields".to_owned(),
            count: 1,
            samples: vec![EventSample {
                record: 9,
                line: 10,
                byte: 187,
                column: None,
                text: "9;x;y".to_owned(),
            }],
        }],
        window: None,
        inputs: Vec::new(),
        outputs: vec![OutputFacts {
            role: "data".to_owned(),
            location: "data/orders.parquet".to_owned(),
            size_bytes: 987,
            sha256: "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752".to_owned(),
            rows: 42,
            row_groups: 1,
            format: None,
        }],
        timings: Timings {
            inspect_seconds: 0.25,
            convert_seconds: 1.5,
            publish_seconds: 0.125,
            total_seconds: 1.875,
        },
        peak_memory_bytes: Some(67_108_864),
    }
}

#[test]
fn a_receipt_of_version_1_is_read() {
    let read: Receipt = serde_json::from_str(V1).unwrap();
    assert_eq!(read, receipt());
}

#[test]
fn what_is_written_has_the_form_of_version_1() {
    assert_eq!(FORMAT_VERSION, 1, "a new version needs a sample of its own");
    let written = serde_json::to_value(receipt()).unwrap();
    let expected: serde_json::Value = serde_json::from_str(V1).unwrap();
    assert_eq!(written, expected);
}

#[test]
fn what_was_not_counted_yet_is_none() {
    let mut value: serde_json::Value = serde_json::from_str(V1).unwrap();
    let counts = value["counts"].as_object_mut().unwrap();
    counts.retain(|name, _| !name.starts_with("left_out"));
    let read: Receipt = serde_json::from_value(value).unwrap();
    assert_eq!((read.counts.left_out_lines, read.counts.left_out_bytes), (0, 0));
}

#[test]
fn fields_of_later_versions_are_ignored() {
    let mut value: serde_json::Value = serde_json::from_str(V1).unwrap();
    value["later"] = serde_json::json!({"more": true});
    value["plan"]["later"] = serde_json::json!(1);
    assert_eq!(serde_json::from_value::<Receipt>(value).unwrap(), receipt());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receipt_of_a_run_survives_being_stored() {
    let done = converted("a.csv", "id,x\n1,0.1\n2,\n").await;

    let text = serde_json::to_string(&done.receipt).unwrap();
    assert_eq!(serde_json::from_str::<Receipt>(&text).unwrap(), done.receipt);
    assert_eq!(done.receipt.format_version, FORMAT_VERSION);
    let timings = done.receipt.timings;
    assert!(timings.total_seconds >= timings.convert_seconds, "{timings:?}");
    assert!(timings.total_seconds > 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_run_has_a_name_of_its_own() {
    let first = converted("a.csv", "id\n1\n").await.receipt;
    let second = converted("a.csv", "id\n1\n").await.receipt;
    assert_ne!(first.run, second.run);
}
