//! What becomes of records that are no features.

use serde_json::json;

use super::{collection, fails, feature, policy, read_sampled};
use crate::{BadRowPolicy, DataCode};

const POINT: &str = r#"{"type":"Point","coordinates":[1,2]}"#;

/// Records that are no features, and why.
fn bad() -> Vec<(String, DataCode, &'static str)> {
    let unclosed = r#"{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]}"#;
    vec![
        ("5".to_owned(), DataCode::NotAnObject, "a record is no object"),
        ("null".to_owned(), DataCode::NotAnObject, "a record is no object"),
        ("{}".to_owned(), DataCode::NotAFeature, "an object has no `type`"),
        (POINT.to_owned(), DataCode::NotAFeature, "a geometry, `Point`, stands where features are"),
        ("{\"type\":\"feature\"}".to_owned(), DataCode::NotAFeature, "`feature` is not the type"),
        ("{\"type\":1}".to_owned(), DataCode::NotAFeature, "the type of a feature is no string"),
        (collection(&[]), DataCode::NotAFeature, "a collection stands where features are"),
        (feature(POINT, "[1]"), DataCode::NotAFeature, "the properties of a feature are no object"),
        (feature(POINT, "7"), DataCode::NotAFeature, "the properties of a feature are no object"),
        (feature(unclosed, "{\"a\":\"x\",\"b\":1}"), DataCode::BadGeometry, "a ring is not closed"),
        (feature(POINT, "{\"a\":tru}"), DataCode::BadJson, "`tru` is no value"),
        (feature(POINT, "{},\"geometry\":null"), DataCode::DuplicateKey, "the name `geometry`"),
        (feature(POINT, "{},\"type\":\"Feature\""), DataCode::DuplicateKey, "the name `type`"),
    ]
}

#[test]
fn a_record_that_is_no_feature_fails_the_run() {
    for (record, code, message) in bad() {
        let error = fails(&collection(&[feature(POINT, "{\"a\":1}"), record.clone()]));
        assert_eq!(error.code, code, "{record}: {error}");
        assert!(error.message.starts_with(message), "{record}: {error}");
        assert_eq!((error.record, error.line), (2, 2), "{record}");
    }
}

#[test]
fn a_record_that_is_no_feature_is_set_aside_and_decides_nothing() {
    for (record, code, _) in bad() {
        // A kind that only the bad one has must not be listed, nor its properties.
        let records = [feature(POINT, "{\"a\":1}"), record.clone(), feature(POINT, "{\"a\":2}")];
        let text = collection(&records);
        let options = policy(BadRowPolicy::Reject);
        let outcome = read_sampled(text.as_bytes(), usize::MAX, &options).unwrap();
        let codes: Vec<DataCode> = outcome.rejects.iter().map(|error| error.code).collect();
        assert_eq!(codes, [code], "{record}");
        assert_eq!((outcome.rejects[0].record, outcome.rejects[0].line), (2, 2));
        let values: Vec<_> = outcome.rows.iter().map(|row| row["a"].clone()).collect();
        assert_eq!(values, [json!(1), json!(2)], "{record}");
        assert_eq!(outcome.facts.kinds.unwrap(), ["Point"], "{record}");
        assert_eq!(outcome.columns[0], "a BIGINT");
    }
}

#[test]
fn a_repair_keeps_the_last_of_two_and_mends_no_geometry() {
    let options = policy(BadRowPolicy::Repair);
    let twice = feature("null", &format!("{{\"a\":1}},\"geometry\":{POINT}"));
    let text = collection(&[twice]);
    let outcome = read_sampled(text.as_bytes(), usize::MAX, &options).unwrap();
    assert_eq!(outcome.rows[0]["geometry"], "POINT 1 2");
    let text = collection(&[feature("{\"type\":\"Point\",\"coordinates\":[1]}", "{}")]);
    assert!(read_sampled(text.as_bytes(), usize::MAX, &options).is_err());
}
