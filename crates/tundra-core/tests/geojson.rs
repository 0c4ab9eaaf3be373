//! GeoJSON as an input: what the columns, the metadata and the receipt of the output say.

mod writing;

use std::fmt::Write as _;

use serde_json::{Value, json};
use tundra_core::{
    BadRowPolicy, ConvertOptions, DataCode, Error, Format, InspectOptions, JsonHints,
};

use crate::support::{OUTPUT, Scene, Table, convert, converted, reason};

const CITIES: &str = r#"{
"type": "FeatureCollection",
"name": "cities",
"features": [
{"type": "Feature", "id": 1, "properties": {"name": "Köln", "code": "050", "since": "2020-01-01"},
 "geometry": {"type": "Point", "coordinates": [6.96, 50.94]}},
{"type": "Feature", "id": 2, "properties": {"name": null},
 "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4], [0, 0]]]}},
{"type": "Feature", "id": 3, "properties": null, "geometry": null}
]}
"#;

fn geo(table: &Table) -> Value {
    serde_json::from_str(table.metadata("geo").expect("metadata of GeoParquet")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn features_are_rows_and_geometries_are_known_as_such() {
    let done = converted("cities.geojson", CITIES).await;

    let table = &done.table;
    assert_eq!(table.names, ["id", "name", "code", "since", "geometry", "bbox"]);
    assert_eq!(&table.types[..5], ["BIGINT", "VARCHAR", "VARCHAR", "DATE", "BLOB"]);
    assert_eq!(
        table.row(0),
        [
            Some("1"),
            Some("Köln"),
            Some("050"),
            Some("2020-01-01"),
            Some("0101000000d7a3703d0ad71b40b81e85eb51784940"),
            Some("{xmin: 6.96, ymin: 50.94, xmax: 6.96, ymax: 50.94}"),
        ]
    );
    assert_eq!(table.row(1)[5], Some("{xmin: 0.0, ymin: 0.0, xmax: 4.0, ymax: 4.0}"));
    assert_eq!(table.row(2), [Some("3"), None, None, None, None, None]);
    let covering =
        ["xmin", "ymin", "xmax", "ymax"].map(|side| (side.to_owned(), json!(["bbox", side])));
    assert_eq!(
        geo(table),
        json!({
            "version": "1.1.0",
            "primary_column": "geometry",
            "columns": { "geometry": {
                "encoding": "WKB",
                "geometry_types": ["Point", "Polygon"],
                "bbox": [0.0, 0.0, 6.96, 50.94],
                "orientation": "counterclockwise",
                "covering": { "bbox": Value::Object(covering.into_iter().collect()) },
            } },
        })
    );
    let decisions = &done.receipt.plan.decisions;
    let told = |what: &str, value: &str| {
        decisions.iter().any(|decision| decision.what == what && decision.value == value)
    };
    assert!(told("format", "geojson"), "{decisions:?}");
    assert!(told("layout", "the features of a collection"), "{decisions:?}");
    assert!(told("collection_member", "name: \"cities\""), "{decisions:?}");
    assert!(told("geometry", "GeoParquet 1.1.0"), "{decisions:?}");
    assert_eq!(done.receipt.plan.source.format, "geojson");
    assert!(reason(&done.receipt, "geometry").ends_with(": Point, Polygon"));
    let nulls: Vec<_> = done.receipt.columns.iter().map(|column| column.nulls).collect();
    assert_eq!(nulls, [0, 2, 2, 2, 1, 1].map(Some));
}

#[tokio::test(flavor = "multi_thread")]
async fn json_that_begins_with_features_is_geojson_unless_it_is_said_otherwise() {
    for name in ["cities.json", "cities", "cities.ndjson", "cities.geojson"] {
        assert_eq!(converted(name, CITIES).await.receipt.plan.source.format, "geojson", "{name}");
    }
    let features = JsonHints { records: Some("features".parse().unwrap()), flatten: false };
    for options in [
        ConvertOptions {
            format: Some(Format::Json),
            json: features.clone(),
            ..ConvertOptions::default()
        },
        ConvertOptions { json: features, ..ConvertOptions::default() },
    ] {
        let done = convert("cities.json", CITIES, &options).await.unwrap();
        assert_eq!(done.receipt.plan.source.format, "json");
        assert_eq!(done.table.names, ["type", "id", "properties", "geometry"]);
        assert_eq!(done.table.metadata("geo"), None);
    }
    let sequence = "\u{1e}{\"type\":\"Feature\",\"geometry\":null,\"properties\":{\"a\":1}}\n";
    let done = converted("sequence", sequence.repeat(3)).await;
    assert_eq!(done.receipt.plan.source.format, "geojson");
    assert_eq!(done.table.column("a"), [Some("1"); 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_system_of_older_files_is_told_with_its_definition() {
    let with = |crs: &str| {
        format!(
            "{{\"type\":\"FeatureCollection\",\"features\":[{{\"type\":\"Feature\",\"properties\":null,\
             \"geometry\":{{\"type\":\"Point\",\"coordinates\":[500000,5500000,12.5]}}}}],\"crs\":{crs}}}"
        )
    };
    let named =
        |name: &str| format!("{{\"type\":\"name\",\"properties\":{{\"name\":\"{name}\"}}}}");
    let done = converted("a.geojson", with(&named("urn:ogc:def:crs:EPSG::25832"))).await;
    let column = &geo(&done.table)["columns"]["geometry"];
    assert_eq!(column["crs"]["id"], json!({ "authority": "EPSG", "code": 25832 }));
    assert_eq!(column["geometry_types"], json!(["Point Z"]));
    assert_eq!(column["bbox"], json!([500_000.0, 5_500_000.0, 12.5, 500_000.0, 5_500_000.0, 12.5]));
    let done = converted("a.geojson", with("null")).await;
    assert_eq!(geo(&done.table)["columns"]["geometry"].get("crs"), Some(&Value::Null));
    let error = convert("a.geojson", with(&named("home")), &ConvertOptions::default()).await;
    assert!(matches!(error, Err(Error::Request { .. })));
}

/// A collection of more than is looked at first.
fn large(last: &str, behind: &str) -> String {
    let mut text = "{\"type\":\"FeatureCollection\",\"features\":[".to_owned();
    for n in 0..30_000 {
        writeln!(
            text,
            "{{\"type\":\"Feature\",\"id\":{n},\"properties\":{{\"n\":{n}}},\
             \"geometry\":{{\"type\":\"Point\",\"coordinates\":[{n},0.5]}}}},"
        )
        .unwrap();
    }
    format!("{text}{last}]{behind}}}")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_late_is_in_the_metadata_too() {
    let point = "{\"type\":\"Feature\",\"properties\":{\"n\":1},\"geometry\":null}";
    let done = converted("a.geojson", large(point, "")).await;
    let column = &geo(&done.table)["columns"]["geometry"];
    assert_eq!(column["geometry_types"], json!(["Point"]));
    assert_eq!(column.get("bbox"), None, "not all were looked at before the first row was written");
    assert_eq!(done.table.rows.len(), 30_001);

    let line = "{\"type\":\"Feature\",\"properties\":{\"n\":1},\"geometry\":\
                {\"type\":\"LineString\",\"coordinates\":[[-7,1],[2,3]]}}";
    let behind = ",\"crs\":{\"type\":\"name\",\"properties\":{\"name\":\"EPSG:25832\"}}";
    let done = converted("a.geojson", large(line, behind)).await;
    let column = &geo(&done.table)["columns"]["geometry"];
    assert_eq!(column["geometry_types"], json!(["Point", "LineString"]));
    assert_eq!(column["bbox"], json!([-7.0, 0.5, 29_999.0, 3.0]));
    assert_eq!(column["crs"]["id"]["code"], 25832);
    // A collection whose reference system stands behind its features says nothing else that is new.
    let done = converted("a.geojson", large(point, behind)).await;
    assert_eq!(geo(&done.table)["columns"]["geometry"]["crs"]["id"]["code"], 25832);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_features_fail_with_their_place_or_are_set_aside_whole() {
    let bad = "{\"type\":\"Feature\",\"properties\":{},\"geometry\":{\"type\":\"Polygon\",\
               \"coordinates\":[[[0,0],[1,0],[1,1],[0,1]]]}}";
    let text = CITIES.replace(
        "{\"type\": \"Feature\", \"id\": 3",
        &format!("{bad},\n{{\"type\": \"Feature\", \"id\": 3"),
    );
    match convert("a.geojson", text.clone(), &ConvertOptions::default()).await {
        Err(Error::Data { source, .. }) => {
            assert_eq!((source.code, source.record, source.line), (DataCode::BadGeometry, 3, 9));
            assert!(source.message.starts_with("a ring is not closed"), "{source}");
        }
        other => panic!("{:?}", other.err()),
    }
    let options = ConvertOptions { on_bad_row: BadRowPolicy::Reject, ..ConvertOptions::default() };
    let done = convert("a.geojson", text, &options).await.unwrap();
    assert_eq!((done.receipt.counts.rejected, done.table.rows.len()), (1, 3));
    let rejects = done.scene.table("rejects.parquet").await;
    assert_eq!(rejects.rows.len(), 1);
    assert!(rejects.row(0).contains(&Some("bad_geometry")), "{:?}", rejects.row(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inspection_shows_the_geometries() {
    let scene = Scene::memory();
    scene.put("a.geojson", CITIES).await;
    let found = scene.inspect("a.geojson", &InspectOptions::default()).await.unwrap();
    let geometry = found.columns.iter().find(|column| column.name == "geometry").unwrap();
    assert_eq!((geometry.column_type.as_str(), geometry.null_count), ("BLOB", Some(1)));
    assert!(geometry.reason.ends_with("Point, Polygon"), "{}", geometry.reason);
    assert_eq!((&geometry.min, geometry.distinct_count), (&None, None));
    let told = found.decisions.iter().any(|decision| {
        decision.what == "geometry" && decision.reason.ends_with("Point, Polygon, OGC:CRS84")
    });
    assert!(told, "{:?}", found.decisions);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_carried_over_by_another_conversion() {
    let done = converted("cities.geojson", CITIES).await;
    let bytes = done.scene.get(OUTPUT).await;
    let options = ConvertOptions {
        column_mapping: vec![("bbox".to_owned(), "extent".to_owned())],
        ..ConvertOptions::default()
    };
    let again = convert("cities.parquet", bytes, &options).await.unwrap();
    let column = &geo(&again.table)["columns"]["geometry"];
    assert_eq!(column["covering"]["bbox"]["xmin"], json!(["extent", "xmin"]));
    assert_eq!(column["geometry_types"], json!(["Point", "Polygon"]));
}
