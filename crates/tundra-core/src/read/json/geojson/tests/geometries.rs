//! What becomes of geometries.

use serde_json::{Value, json};

use super::{collection, fails, feature, read};
use crate::DataCode;

/// Returns the geometry of a collection with this one feature, and the box around it.
fn one(geometry: &str) -> (String, Value) {
    let outcome = read(&collection(&[feature(geometry, "null")]));
    let row = &outcome.rows[0];
    (row["geometry"].as_str().unwrap_or_default().to_owned(), row["bbox"].clone())
}

#[test]
fn every_kind_is_read() {
    for (text, expected) in [
        (r#"{"type":"Point","coordinates":[1,2]}"#, "POINT 1 2"),
        (r#"{"type":"Point","coordinates":[-1.5,2e1,3]}"#, "POINT Z -1.5 20 3"),
        (r#"{ "coordinates" : [ 1 , 2 ] , "type" : "Point" }"#, "POINT 1 2"),
        (r#"{"type":"P\u006fint","coordinates":[1,2]}"#, "POINT 1 2"),
        (r#"{"type":"LineString","coordinates":[[1,2],[3,4]]}"#, "LINESTRING (1 2,3 4)"),
        (r#"{"type":"LineString","coordinates":[[1,2,3],[3,4,5]]}"#, "LINESTRING Z (1 2 3,3 4 5)"),
        (
            r#"{"type":"Polygon","coordinates":[[[0,0],[4,0],[4,4],[0,0]],[[1,1],[2,2],[2,1],[1,1]]]}"#,
            "POLYGON ((0 0,4 0,4 4,0 0),(1 1,2 2,2 1,1 1))",
        ),
        (
            r#"{"coordinates":[[[0,0,1],[4,0,1],[4,4,1],[0,0,1]]],"type":"Polygon"}"#,
            "POLYGON Z ((0 0 1,4 0 1,4 4 1,0 0 1))",
        ),
        (
            r#"{"type":"MultiPoint","coordinates":[[1,2],[3,4]]}"#,
            "MULTIPOINT (POINT 1 2,POINT 3 4)",
        ),
        (
            r#"{"type":"MultiPoint","coordinates":[[1,2,5],[3,4,5]]}"#,
            "MULTIPOINT Z (POINT Z 1 2 5,POINT Z 3 4 5)",
        ),
        (
            r#"{"type":"MultiLineString","coordinates":[[[1,2],[3,4]],[[5,6],[7,8],[9,0]]]}"#,
            "MULTILINESTRING (LINESTRING (1 2,3 4),LINESTRING (5 6,7 8,9 0))",
        ),
        (
            r#"{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,0]]],[[[5,5],[6,5],[6,6],[5,5]]]]}"#,
            "MULTIPOLYGON (POLYGON ((0 0,1 0,1 1,0 0)),POLYGON ((5 5,6 5,6 6,5 5)))",
        ),
        (
            r#"{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]},
               {"geometries":[{"type":"MultiPoint","coordinates":[]}],"type":"GeometryCollection"}]}"#,
            "GEOMETRYCOLLECTION (POINT 1 2,GEOMETRYCOLLECTION (MULTIPOINT ()))",
        ),
    ] {
        assert_eq!(one(text).0, expected, "{text}");
    }
}

#[test]
fn empty_geometries_are_geometries_and_null_is_none() {
    for (text, expected) in [
        (r#"{"type":"Point","coordinates":[]}"#, "POINT NaN NaN"),
        (r#"{"type":"LineString","coordinates":[ ]}"#, "LINESTRING ()"),
        (r#"{"type":"Polygon","coordinates":[]}"#, "POLYGON ()"),
        (r#"{"type":"MultiPolygon","coordinates":[[]]}"#, "MULTIPOLYGON (POLYGON ())"),
        (r#"{"type":"GeometryCollection","geometries":[]}"#, "GEOMETRYCOLLECTION ()"),
    ] {
        let nothing = json!({ "xmin": null, "ymin": null, "xmax": null, "ymax": null });
        assert_eq!(one(text), (expected.to_owned(), nothing), "{text}");
    }
    // Positions are as long as those beside them, also where there are none.
    let text = r#"{"type":"GeometryCollection","geometries":[
        {"type":"Point","coordinates":[]},{"type":"Point","coordinates":[1,2,3]},
        {"type":"Point","coordinates":[]}]}"#;
    let expected = "GEOMETRYCOLLECTION Z (POINT Z NaN NaN NaN,POINT Z 1 2 3,POINT Z NaN NaN NaN)";
    assert_eq!(one(text).0, expected);
    let outcome = read(&collection(&[feature("null", "{}")]));
    assert_eq!(outcome.rows, [json!({ "geometry": null, "bbox": null })]);
    assert_eq!(outcome.facts.kinds, Some(Vec::new()));
    assert_eq!(outcome.details["bounds"], Value::Null);
}

#[test]
fn boxes_kinds_and_directions_are_told() {
    let square = r#"{"type":"Polygon","coordinates":[[[0,0],[4,0],[4,4],[0,0]]]}"#;
    let outcome = read(&collection(&[
        feature(square, "{}"),
        feature(r#"{"type":"LineString","coordinates":[[7,-3],[-2.5,9]]}"#, "{}"),
    ]));
    let boxes: Vec<&Value> = outcome.rows.iter().map(|row| &row["bbox"]).collect();
    assert_eq!(*boxes[0], json!({ "xmin": 0.0, "ymin": 0.0, "xmax": 4.0, "ymax": 4.0 }));
    assert_eq!(*boxes[1], json!({ "xmin": -2.5, "ymin": -3.0, "xmax": 7.0, "ymax": 9.0 }));
    assert_eq!(outcome.facts.kinds.unwrap(), ["LineString", "Polygon"]);
    assert_eq!(
        outcome.details,
        json!({
            "covering": "bbox", "bounds": ["-2.5", "-3", "7", "9"],
            "counterclockwise": true,
        })
    );
    // Some have heights, of which the boxes say nothing; and a ring runs the other way.
    let outcome = read(&collection(&[
        feature(r#"{"type":"Polygon","coordinates":[[[0,0],[4,4],[4,0],[0,0]]]}"#, "{}"),
        feature(r#"{"type":"Point","coordinates":[1,2,3]}"#, "{}"),
    ]));
    assert_eq!(outcome.facts.kinds.unwrap(), ["Point Z", "Polygon"]);
    assert_eq!(
        outcome.rows[0]["bbox"],
        json!({ "xmin": 0.0, "ymin": 0.0, "xmax": 4.0, "ymax": 4.0 })
    );
    assert_eq!(outcome.details["bounds"], json!(["0", "0", "4", "4"]));
    assert_eq!(outcome.details["counterclockwise"], false);
    // An inner ring runs clockwise.
    let holed =
        r#"{"type":"Polygon","coordinates":[[[0,0],[9,0],[9,9],[0,0]],[[2,1],[3,1],[3,2],[2,1]]]}"#;
    let outcome = read(&collection(&[feature(holed, "{}")]));
    assert_eq!(outcome.details["counterclockwise"], false);
    let all_high = read(&collection(&[feature(r#"{"type":"Point","coordinates":[1,2,3]}"#, "{}")]));
    assert_eq!(all_high.details["bounds"], json!(["1", "2", "3", "1", "2", "3"]));
}

#[test]
fn coordinates_are_the_nearest_doubles_and_it_is_told_when_digits_are_lost() {
    for (number, expected) in [
        ("0.1", "0.1"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("-0", "-0"),
        ("1e-7", "0.0000001"),
        ("12345678901234567890", "12345678901234567000"),
    ] {
        let text = format!("{{\"type\":\"Point\",\"coordinates\":[{number},0]}}");
        assert_eq!(one(&text).0, format!("POINT {expected} 0"));
    }
    let exact = feature(r#"{"type":"Point","coordinates":[0.1,0.2]}"#, "{}");
    let long = feature(r#"{"type":"Point","coordinates":[0.12345678901234567890,0.2]}"#, "{}");
    let table = |text: &str| {
        let options = crate::ConvertOptions::default();
        let table = super::open(text.as_bytes(), usize::MAX, &options).unwrap();
        crate::read::table::Table::columns(&table)[0].reason.clone()
    };
    let told =
        "1 has coordinates with more digits than a double holds, which are the nearest double";
    assert!(table(&collection(&[exact.clone(), long])).contains(told));
    assert!(!table(&collection(&[exact])).contains("digits"));
}

#[test]
fn what_is_no_geometry_is_refused_with_its_place() {
    for (text, message) in [
        ("5", "expected a geometry, which is an object, found `5`"),
        ("[1,2]", "expected a geometry, which is an object, found `[1,2]`"),
        ("{}", "a geometry has no `type`"),
        (r#"{"type":"Point"}"#, "a Point has no `coordinates`"),
        (r#"{"type":"GeometryCollection"}"#, "a GeometryCollection has no `geometries`"),
        (r#"{"type":"Circle","coordinates":[1,2]}"#, "`Circle` is no type of a geometry"),
        (r#"{"type":null,"coordinates":[1,2]}"#, "expected the type of a geometry, found `null`"),
        (r#"{"type":"Point","coordinates":null}"#, "expected a position"),
        (r#"{"type":"Point","coordinates":[1]}"#, "a position has one number"),
        (r#"{"type":"Point","coordinates":[1,2,3,4]}"#, "a position has more than 3 numbers"),
        (r#"{"type":"Point","coordinates":["1",2]}"#, "expected a number, found `\"1\"`"),
        (r#"{"type":"Point","coordinates":[1,null]}"#, "expected a number, found `null`"),
        (r#"{"type":"Point","coordinates":[1e999,2]}"#, "no double is near `1e999`"),
        (r#"{"type":"MultiPoint","coordinates":[[]]}"#, "a position has no numbers"),
        (r#"{"type":"LineString","coordinates":[[1,2]]}"#, "a line has one position"),
        (r#"{"type":"LineString","coordinates":[1,2]}"#, "expected a position"),
        (
            r#"{"type":"LineString","coordinates":[[1,2],[1,2,3]]}"#,
            "a position has a height and another of the geometry has none",
        ),
        (r#"{"type":"Polygon","coordinates":[[1,2],[3,4]]}"#, "expected a position"),
        (
            r#"{"type":"Polygon","coordinates":[[]]}"#,
            "a ring has 0 positions, and 4 are the fewest",
        ),
        (
            r#"{"type":"Polygon","coordinates":[[[0,0],[1,0],[0,0]]]}"#,
            "a ring has 3 positions, and 4 are the fewest",
        ),
        (
            r#"{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0.1]]]}"#,
            "a ring is not closed",
        ),
        (
            r#"{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]},null]}"#,
            "expected a geometry, which is an object, found `null`",
        ),
    ] {
        let good = feature(r#"{"type":"Point","coordinates":[1,2]}"#, "{}");
        let error = fails(&collection(&[good, feature(text, "{}")]));
        assert_eq!(error.code, DataCode::BadGeometry, "{text}: {error}");
        assert!(error.message.starts_with(message), "{text}: {error}");
        assert_eq!((error.record, error.line, error.byte), (2, 2, 124), "{text}");
    }
    let twice = r#"{"type":"Point","type":"Point","coordinates":[1,2]}"#;
    assert_eq!(fails(&collection(&[feature(twice, "{}")])).code, DataCode::DuplicateKey);
    let open = r#"{"type":"Point","coordinates":[NaN,2]}"#;
    assert_eq!(fails(&collection(&[feature(open, "{}")])).code, DataCode::BadJson);
    let deep = |depth: usize| {
        let open = r#"{"type":"GeometryCollection","geometries":["#.repeat(depth);
        feature(&format!("{open}{}", "]}".repeat(depth)), "{}")
    };
    assert_eq!(read(&collection(&[deep(32)])).rows.len(), 1);
    assert_eq!(fails(&collection(&[deep(33)])).code, DataCode::TooDeep);
}

#[test]
fn members_of_geometries_are_kept_as_text() {
    let plain = r#"{"type":"Point","coordinates":[1,2]}"#;
    let boxed = r#"{"type":"Point","bbox":[1,2,1,2],"coordinates":[1,2]}"#;
    let outcome = read(&collection(&[feature(plain, "{}"), feature(boxed, "{}")]));
    assert_eq!(outcome.columns[2], "geometry_json JSON");
    assert_eq!(outcome.rows[0]["geometry_json"], Value::Null);
    assert_eq!(outcome.rows[1]["geometry_json"], boxed);
    assert_eq!(outcome.rows[1]["geometry"], "POINT 1 2");
    assert!(outcome.facts.crs.is_some());
    let own = r#"{"type":"Point","crs":{"type":"name"},"coordinates":[1,2]}"#;
    let outcome = read(&collection(&[feature(plain, "{}"), feature(own, "{}")]));
    assert_eq!(outcome.facts.crs, None, "nobody can say it of all");
    // What another kind has is no more than another member.
    let other = r#"{"type":"Point","geometries":[1],"coordinates":[1,2]}"#;
    let outcome = read(&collection(&[feature(other, "{}")]));
    assert_eq!(outcome.rows[0]["geometry_json"], other);
}
