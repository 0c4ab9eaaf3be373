//! Geometries in an order, and with Parquet's own type.

use std::{fmt::Write as _, sync::Arc};

use bytes::Bytes;
use parquet::{
    basic::{LogicalType, Repetition, Type as PhysicalType},
    data_type::ByteArrayType,
    file::writer::SerializedFileWriter,
    schema::types::Type,
};
use serde_json::json;
use tundra_core::{
    BadRowPolicy, Classify, ColumnType, ConvertOptions, Error, ErrorKind, GeometryEncoding,
    GeometryOptions, OutputFormat, Receipt,
};

use super::geo;
use crate::support::{OUTPUT, Scene, Table, convert, converted};

fn along_curve() -> ConvertOptions {
    let geometry = GeometryOptions { hilbert: true, ..GeometryOptions::default() };
    ConvertOptions { geometry, ..ConvertOptions::default() }
}

fn native() -> ConvertOptions {
    let geometry = GeometryOptions { encoding: GeometryEncoding::Native, hilbert: false };
    ConvertOptions { geometry, ..ConvertOptions::default() }
}

/// Features whose ids are their numbers, one a line.
fn features(geometries: &[&str]) -> String {
    // The properties are called as the engine calls what it sorts by, and are the wrong way round.
    let lines = geometries.iter().enumerate().map(|(id, geometry)| {
        format!(
            "{{\"type\":\"Feature\",\"id\":{id},\"properties\":{{\"curve\":{0},\"place\":{0}}},\
             \"geometry\":{geometry}}}\n",
            100 - id
        )
    });
    lines.collect()
}

fn told<'a>(receipt: &'a Receipt, what: &str) -> Option<&'a str> {
    let mut decisions = receipt.plan.decisions.iter();
    decisions.find(|decision| decision.what == what).map(|decision| decision.value.as_str())
}

/// Returns the type of the column `geometry` by which others know what it is.
fn own_type(table: &Table) -> Option<LogicalType> {
    let schema = table.metadata.file_metadata().schema_descr_ptr();
    let column = schema.columns().iter().find(|column| column.name() == "geometry").unwrap();
    column.logical_type_ref().cloned()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_in_the_order_of_the_curve_and_what_has_no_place_is_last() {
    let text = features(&[
        "null",
        r#"{"type":"Point","coordinates":[9,1]}"#,
        r#"{"type":"LineString","coordinates":[]}"#,
        // Its middle is in the upper right.
        r#"{"type":"LineString","coordinates":[[6,6],[10,10]]}"#,
        r#"{"type":"Point","coordinates":[0,0]}"#,
        r#"{"type":"Point","coordinates":[1,9]}"#,
        r#"{"type":"Point","coordinates":[0,0]}"#,
        "null",
        r#"{"type":"Point","coordinates":[9,1]}"#,
    ]);

    let done = convert("a.geojsonl", text.clone(), &along_curve()).await.unwrap();

    let found: Vec<_> = done.table.column("id").into_iter().flatten().collect();
    assert_eq!(found, ["4", "6", "5", "3", "1", "8", "0", "2", "7"]);
    assert_eq!(done.table.names, ["id", "curve", "place", "geometry", "bbox"]);
    assert_eq!(told(&done.receipt, "order"), Some("`geometry` along a Hilbert curve"));
    assert_eq!(told(&converted("a.geojsonl", text).await.receipt, "order"), None);
}

/// A point in each cell of a square, in an order that has nothing to do with where they are. Every geometry
/// has a property that takes room.
fn square(side: u64) -> String {
    let mut text = "{\"type\":\"FeatureCollection\",\"features\":[\n".to_owned();
    for n in 0..side * side {
        // A prime that shares nothing with the number of points: every one comes once.
        let shuffled = n * 7919 % (side * side);
        let (x, y) = (shuffled % side, shuffled / side);
        let comma = if n == 0 { "" } else { ",\n" };
        write!(
            text,
            "{comma}{{\"type\":\"Feature\",\"properties\":{{\"n\":\"{:0>500}\"}},\
             \"geometry\":{{\"type\":\"Point\",\"coordinates\":[{x},{y}]}}}}",
            shuffled * 31
        )
        .unwrap();
    }
    text + "\n]}"
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_fits_into_memory_is_sorted_along_the_curve_on_disk() {
    const SIDE: u64 = 512;
    let scene = Scene { memory: 384 << 20, threads: 2, ..Scene::local() };
    scene.put("a.geojson", square(SIDE)).await;

    let receipt = scene.convert("a.geojson", &along_curve()).await.unwrap();

    assert_eq!(receipt.counts.written, SIDE * SIDE);
    let table = scene.table(OUTPUT).await;
    // Where there is a point in each cell, the next one along a Hilbert curve is beside the last.
    let places: Vec<(f64, f64)> = table.column("bbox").into_iter().flatten().map(corner).collect();
    assert_eq!((places[0], places.len()), ((0.0, 0.0), 512 * 512));
    let apart = places
        .windows(2)
        .position(|pair| (pair[0].0 - pair[1].0).abs() + (pair[0].1 - pair[1].1).abs() > 1.0);
    assert_eq!(apart, None);
    // All of it was looked at before the first row was written.
    let bounds = &geo(&table)["columns"]["geometry"]["bbox"];
    assert_eq!(*bounds, json!([0.0, 0.0, 511.0, 511.0]));
}

/// Returns the corner with the least coordinates of a box as it is shown.
fn corner(shown: &str) -> (f64, f64) {
    let side = |name: &str| {
        let (_, rest) = shown.split_once(name).unwrap();
        rest.split([',', '}']).next().unwrap().trim().parse().unwrap()
    };
    (side("xmin: "), side("ymin: "))
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_are_set_aside_where_features_are_sorted() {
    let text = features(&[
        r#"{"type":"Point","coordinates":[9,9]}"#,
        r#"{"type":"Point","coordinates":[9]}"#,
        r#"{"type":"Point","coordinates":[0,0]}"#,
    ]);
    let options = ConvertOptions { on_bad_row: BadRowPolicy::Reject, ..along_curve() };

    let done = convert("a.geojsonl", text, &options).await.unwrap();

    assert_eq!(done.receipt.counts.rejected, 1);
    assert_eq!(done.table.column("id"), [Some("2"), Some("0")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_groups_of_geometries_are_half_as_long() {
    let text: String = (0..70_000)
        .map(|n| format!("{{\"type\":\"Point\",\"coordinates\":[{},{}]}}\n", n % 300, n / 300))
        .collect();
    let done = converted("a.geojsonl", text).await;
    let groups = done.table.row_groups();
    assert!(groups.len() == 2 && (61_440..63_488).contains(&groups[0]), "{groups:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn native_geometries_have_their_type_their_boxes_and_the_same_bytes() {
    let text = features(&[
        r#"{"type":"Point","coordinates":[6.96,50.94]}"#,
        r#"{"type":"Polygon","coordinates":[[[0,0],[4,0],[4,4],[0,0]]]}"#,
        "null",
        r#"{"type":"Point","coordinates":[]}"#,
        r#"{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]}]}"#,
    ]);
    let plain = converted("a.geojsonl", text.clone()).await;
    let done = convert("a.geojsonl", text, &native()).await.unwrap();

    assert_eq!(own_type(&plain.table), None);
    assert_eq!(own_type(&done.table), Some(LogicalType::geometry(None)));
    assert_eq!(done.table.rows, plain.table.rows);
    assert_eq!(done.table.types, plain.table.types);
    assert_eq!(geo(&done.table), geo(&plain.table));
    assert_eq!(told(&done.receipt, "geometry_type"), Some("GEOMETRY"));
    let column = |table: &Table| {
        let columns = table.metadata.row_group(0).columns().to_vec();
        columns.into_iter().find(|column| column.column_path().string() == "geometry").unwrap()
    };
    let statistics = column(&done.table);
    let statistics = statistics.geo_statistics().expect("statistics of geometries");
    let bounds = statistics.bounding_box().expect("a box");
    let found = [bounds.get_xmin(), bounds.get_ymin(), bounds.get_xmax(), bounds.get_ymax()];
    assert_eq!(found.map(|it| it.to_string()), ["0", "0", "6.96", "50.94"]);
    assert!(column(&plain.table).geo_statistics().is_none());

    // What was written so stays so.
    let bytes = done.scene.get(OUTPUT).await;
    let again = convert("a.parquet", bytes, &ConvertOptions::default()).await.unwrap();
    assert_eq!(own_type(&again.table), own_type(&done.table));
    assert_eq!((geo(&again.table), &again.table.rows), (geo(&done.table), &done.table.rows));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_system_of_native_geometries_is_defined_and_none_is_refused() {
    let with = |crs: &str| {
        format!(
            "{{\"type\":\"FeatureCollection\",\"crs\":{crs},\"features\":[{{\"type\":\"Feature\",\
             \"properties\":null,\"geometry\":{{\"type\":\"Point\",\"coordinates\":[5e5,5.5e6]}}}}]}}"
        )
    };
    let named = "{\"type\":\"name\",\"properties\":{\"name\":\"urn:ogc:def:crs:EPSG::25832\"}}";
    let both = GeometryOptions { encoding: GeometryEncoding::Native, hilbert: true };
    let options = ConvertOptions { geometry: both, ..ConvertOptions::default() };
    let done = convert("a.geojson", with(named), &options).await.unwrap();
    let Some(LogicalType::Geometry(own)) = own_type(&done.table) else { panic!("no geometry") };
    let crs: serde_json::Value = serde_json::from_str(&own.crs.unwrap()).unwrap();
    assert_eq!(crs["id"], json!({ "authority": "EPSG", "code": 25832 }));

    let error = convert("a.geojson", with("null"), &native()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.to_string().contains("its reference system is not known"), "{error}");
}

/// A Parquet file with a point in the column `geometry` of this type.
fn file_of(kind: LogicalType) -> Bytes {
    let column = Type::primitive_type_builder("geometry", PhysicalType::BYTE_ARRAY);
    let column = column.with_repetition(Repetition::REQUIRED).with_logical_type(Some(kind));
    let schema = Type::group_type_builder("schema")
        .with_fields(vec![Arc::new(column.build().unwrap())])
        .build()
        .unwrap();
    let mut writer =
        SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let point = [&[1, 1, 0, 0, 0][..], &1f64.to_le_bytes(), &2f64.to_le_bytes()].concat();
    column.typed::<ByteArrayType>().write_batch(&[point.into()], None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.into_inner().unwrap().into()
}

#[tokio::test(flavor = "multi_thread")]
async fn geometries_that_would_become_others_are_refused_unless_they_are_to_be_bytes() {
    for (kind, named) in [
        (LogicalType::geography(None, None), "GEOGRAPHY"),
        (LogicalType::geometry(Some("srid:5070".to_owned())), "GEOMETRY(srid:5070)"),
    ] {
        let plain = ConvertOptions::default();
        let error = convert("a.parquet", file_of(kind.clone()), &plain).await.unwrap_err();
        assert!(
            matches!(&error, Error::Unconvertible { column, found, .. }
                if column == "geometry" && found == named),
            "{error}"
        );
        let options = ConvertOptions {
            type_overrides: vec![("geometry".to_owned(), ColumnType::Blob)],
            ..ConvertOptions::default()
        };
        let done = convert("a.parquet", file_of(kind), &options).await.unwrap();
        assert_eq!(own_type(&done.table), None);
        assert_eq!(done.table.row(0), [Some("0101000000000000000000f03f0000000000000040")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_of_geometries_is_refused_where_there_are_none() {
    let point = features(&[r#"{"type":"Point","coordinates":[1,2]}"#]);
    for (name, text, options) in [
        ("a.csv", "a,b\n1,2\n", along_curve()),
        ("a.csv", "a,b\n1,2\n", native()),
        (
            "a.geojsonl",
            point.as_str(),
            ConvertOptions { output_format: OutputFormat::Csv, ..native() },
        ),
    ] {
        let error = convert(name, text.to_owned(), &options).await.unwrap_err();
        assert!(matches!(error, Error::Request { .. }), "{error}");
    }
}
