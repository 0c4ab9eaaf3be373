//! What becomes of features, of their members, and of what stands around them.

use serde_json::{Value, json};

use super::{collection, feature, open, policy, read, read_sampled};
use crate::{
    BadRowPolicy, ColumnType, ConvertOptions, Error, ReferenceSystem, TypePolicy,
    read::table::Table,
};

const POINT: &str = r#"{"type":"Point","coordinates":[1,2]}"#;

#[test]
fn properties_are_columns_of_their_types() {
    let outcome = read(&collection(&[
        feature(
            POINT,
            r#"{"name":"a","count":1,"share":0.5,"day":"2024-01-31","ok":true,"tags":["x"]}"#,
        ),
        feature("null", "null"),
        feature(POINT, r#"{"share":1.25,"more":{"a":1}}"#),
    ]));
    assert_eq!(
        outcome.columns,
        [
            "name VARCHAR",
            "count BIGINT",
            "share DOUBLE",
            "day DATE",
            "ok BOOLEAN",
            "tags VARCHAR[]",
            "more STRUCT(\"a\" BIGINT)",
            "geometry BLOB",
            "bbox STRUCT(\"xmin\" DOUBLE, \"ymin\" DOUBLE, \"xmax\" DOUBLE, \"ymax\" DOUBLE)",
        ]
    );
    assert_eq!(outcome.rows[0]["tags"], json!(["x"]));
    let second = outcome.rows[1].as_object().unwrap();
    assert!(second.values().all(Value::is_null), "{second:?}");
    assert_eq!(outcome.rows[2]["more"], json!({ "a": 1 }));
    assert_eq!(outcome.rows[2]["geometry"], "POINT 1 2");
}

#[test]
fn ids_and_other_members_are_columns_too() {
    let with = |id: &str, more: &str| {
        format!(
            "{{\"id\":{id},{more}\"type\":\"Feature\",\"properties\":{{\"a\":1}},\"geometry\":{POINT}}}"
        )
    };
    let outcome =
        read(&collection(&[with("7", ""), with("8", "\"title\":\"x\",\"bbox\":[1,2,1,2],")]));
    assert_eq!(
        &outcome.columns[..4],
        ["id BIGINT", "a BIGINT", "title VARCHAR", "bbox_1 DOUBLE[]"]
            .map(|it| it.replace("DOUBLE[]", "BIGINT[]"))
    );
    assert_eq!((&outcome.rows[0]["id"], &outcome.rows[1]["title"]), (&json!(7), &json!("x")));
    let outcome = read(&collection(&[with("\"7\"", ""), with("8", "")]));
    assert_eq!(outcome.columns[0], "id JSON", "a number and a string are different");
    assert_eq!((&outcome.rows[0]["id"], &outcome.rows[1]["id"]), (&json!("\"7\""), &json!("8")));
}

#[test]
fn names_that_clash_are_kept_apart() {
    let text = format!(
        "{{\"type\":\"Feature\",\"id\":1,\"name\":3,\"geometry\":{POINT},\"properties\":\
         {{\"ID\":\"x\",\"geometry\":\"g\",\"BBOX\":\"b\",\"name\":\"n\",\"type\":\"t\",\"properties\":\"p\"}}}}"
    );
    let outcome = read(&text);
    let names: Vec<&str> = outcome.columns.iter().map(|it| it.split_once(' ').unwrap().0).collect();
    assert_eq!(
        names,
        [
            "feature_id",
            "ID",
            "geometry_1",
            "BBOX_1",
            "name",
            "type",
            "properties",
            "name_1",
            "geometry",
            "bbox",
        ]
    );
    let row = &outcome.rows[0];
    assert_eq!((&row["feature_id"], &row["ID"]), (&json!(1), &json!("x")));
    assert_eq!((&row["geometry_1"], &row["geometry"]), (&json!("g"), &json!("POINT 1 2")));
    assert_eq!((&row["name"], &row["name_1"]), (&json!("n"), &json!(3)));
}

#[test]
fn every_layout_is_read() {
    let one = feature(POINT, "{\"a\":1}");
    for (text, count) in [
        (collection(&[one.clone(), one.clone()]), 2),
        (format!(" {{\"features\" : [ {one} ] , \"type\" : \"FeatureCollection\"}}\n"), 1),
        (one.clone(), 1),
        (one.replace(',', ",\n"), 1),
        (format!("{one}\n{one}\n\n{one}"), 3),
        (format!("{one}{one}"), 2),
        (format!("[{one},{one}]"), 2),
        (format!("\u{1e}{one}\n\u{1e}{one}\n"), 2),
        (format!("\u{1e}{}\n\u{1e}{}\n", one.replace(',', ",\n"), one.replace(',', ",\n")), 2),
        (
            format!(
                "{}\n{}",
                collection(std::slice::from_ref(&one)),
                collection(&[one.clone(), one.clone()])
            ),
            3,
        ),
    ] {
        let outcome = read(&text);
        assert_eq!(outcome.rows.len(), count, "{text}");
        for row in &outcome.rows {
            assert_eq!((&row["a"], &row["geometry"]), (&json!(1), &json!("POINT 1 2")), "{text}");
        }
    }
    for text in [POINT.to_owned(), format!("{POINT}\nnull\n{POINT}"), format!("[{POINT}]")] {
        let outcome = read(&text);
        assert_eq!(outcome.columns.len(), 2);
        assert_eq!(outcome.rows[0]["geometry"], "POINT 1 2", "{text}");
        assert_eq!(outcome.rows.len(), text.matches(['P', 'u']).count().clamp(1, 3), "{text}");
    }
}

#[test]
fn members_of_the_collection_are_told_wherever_they_stand() {
    let crs =
        "\"crs\":{\"type\":\"name\",\"properties\":{\"name\":\"urn:ogc:def:crs:EPSG::25832\"}}";
    let many = vec![feature(POINT, "{\"a\":1}"); 3_000].join(",\n");
    for text in [
        format!("{{\"type\":\"FeatureCollection\",\"name\":\"x\",{crs},\"features\":[{many}]}}"),
        format!("{{\"type\":\"FeatureCollection\",\"features\":[{many}],\"name\":\"x\",{crs}}}"),
        format!("{{\"features\":[{many}],\"name\":\"x\",\"type\":\"FeatureCollection\",{crs}}}"),
    ] {
        for sample in [200_000, usize::MAX] {
            let options = ConvertOptions::default();
            let outcome = read_sampled(text.as_bytes(), sample, &options).unwrap();
            assert_eq!(outcome.rows.len(), 3_000);
            let expected = ReferenceSystem::Authority("EPSG:25832".to_owned());
            assert_eq!(outcome.facts.crs, Some(expected), "{sample}");
            let told = |what: &str| outcome.decisions.iter().any(|it| it.starts_with(what));
            assert!(told("collection_member: name: \"x\""), "{:?}", outcome.decisions);
            assert!(told("collection_member: crs: {\"type\""), "{:?}", outcome.decisions);
            assert!(!told("collection_member: type"), "{:?}", outcome.decisions);
        }
    }
    let unknown = text_with_crs("{\"type\":\"name\",\"properties\":{\"name\":\"local\"}}");
    let error = read_sampled(unknown.as_bytes(), usize::MAX, &ConvertOptions::default());
    assert!(error.unwrap_err().to_string().contains("what is not understood"));
    assert_eq!(read(&text_with_crs("null")).facts.crs, None);
    let default = ReferenceSystem::Authority("OGC:CRS84".to_owned());
    assert_eq!(read(&collection(&[feature(POINT, "{}")])).facts.crs, Some(default));
}

fn text_with_crs(crs: &str) -> String {
    let one = feature(POINT, "{}");
    format!("{{\"type\":\"FeatureCollection\",\"crs\":{crs},\"features\":[{one}]}}")
}

#[test]
fn what_comes_behind_the_sample_contradicts_it_and_is_read_again() {
    let many = vec![feature(POINT, "{\"a\":1}"); 3_000];
    let line = r#"{"type":"LineString","coordinates":[[1,2,3],[3,4,5]]}"#;
    let boxed = r#"{"type":"Point","coordinates":[1,2],"bbox":[1,2,1,2]}"#;
    let long = r#"{"type":"Point","coordinates":[0.12345678901234567890,2]}"#;
    for last in [
        feature(line, "{\"a\":1}"),
        feature(boxed, "{\"a\":1}"),
        feature(long, "{\"a\":1}"),
        feature(POINT, "{\"a\":\"x\"}"),
        feature(POINT, "{\"a\":1,\"b\":2}"),
        feature(POINT, "{\"a\":1},\"id\":5"),
    ] {
        let text = collection(&[&many[..], std::slice::from_ref(&last)].concat());
        let options = ConvertOptions::default();
        let table = open(text.as_bytes(), 200_000, &options).unwrap();
        assert!(!table.is_complete());
        assert!(super::rows(&table).is_err(), "{last}");
        let outcome = read_sampled(text.as_bytes(), 200_000, &options).unwrap();
        assert_eq!(outcome.rows.len(), 3_001);
        assert_ne!(outcome.details["bounds"], Value::Null);
        let whole = read_sampled(text.as_bytes(), usize::MAX, &options).unwrap();
        assert_eq!((&outcome.rows, &outcome.facts), (&whole.rows, &whole.facts), "{last}");
    }
    let text = collection(&many);
    let outcome = read_sampled(text.as_bytes(), 200_000, &ConvertOptions::default()).unwrap();
    assert_eq!(outcome.rows.len(), 3_000);
    assert_eq!(outcome.facts.kinds.unwrap(), ["Point"], "all that there are");
    assert_eq!(outcome.details["bounds"], Value::Null, "not all were looked at");
}

#[test]
fn options_for_columns_hold_for_properties() {
    let text = collection(&[feature(POINT, "{\"a\":\"007\",\"b\":{\"c\":1}}")]);
    let options = ConvertOptions {
        column_mapping: vec![
            ("a".to_owned(), "A".to_owned()),
            ("bbox".to_owned(), "extent".to_owned()),
            ("geometry".to_owned(), "geom".to_owned()),
        ],
        type_overrides: vec![("a".to_owned(), ColumnType::Integer)],
        json: crate::JsonHints { records: None, flatten: true },
        ..ConvertOptions::default()
    };
    let outcome = read_sampled(text.as_bytes(), usize::MAX, &options).unwrap();
    assert_eq!(&outcome.columns[..3], ["A INTEGER", "b.c BIGINT", "geom BLOB"]);
    assert_eq!((&outcome.rows[0]["A"], &outcome.rows[0]["b.c"]), (&json!(7), &json!(1)));
    assert_eq!(outcome.details["covering"], "extent");
    for (column, kind) in [("geometry", ColumnType::Varchar), ("bbox", ColumnType::Double)] {
        let type_overrides = vec![(column.to_owned(), kind)];
        let options = ConvertOptions { type_overrides, ..ConvertOptions::default() };
        let error = read_sampled(text.as_bytes(), usize::MAX, &options).unwrap_err();
        assert!(error.to_string().contains("is made of the geometries"), "{error}");
    }
    let options = ConvertOptions { types: TypePolicy::Text, ..ConvertOptions::default() };
    let outcome = read_sampled(text.as_bytes(), usize::MAX, &options).unwrap();
    assert_eq!(&outcome.columns[..3], ["a VARCHAR", "b JSON", "geometry BLOB"]);
}

#[test]
fn a_text_without_features_is_told() {
    for (text, what) in [
        (collection(&[]), "its collection has no features"),
        ("[]".to_owned(), "it has no features"),
    ] {
        for bad in [BadRowPolicy::Fail, BadRowPolicy::Reject] {
            match read_sampled(text.as_bytes(), usize::MAX, &policy(bad)) {
                Err(Error::NoRecords { what: found, .. }) => assert_eq!(found, what),
                other => panic!("{other:?}"),
            }
        }
    }
    let text = "{\"type\":\"FeatureCollection\",\"name\":\"x\"}";
    let error = read_sampled(text.as_bytes(), usize::MAX, &ConvertOptions::default());
    assert!(error.unwrap_err().to_string().contains("there is no `features`"));
}
