//! GeoJSON becomes GeoParquet that a validator finds no fault with, and that GeoPandas opens as what it
//! was, whose own reader of GeoJSON shares nothing with ours.

use std::fs;

use serde_json::{Value, json};
use tundra_core::{ConvertOptions, GeometryEncoding, GeometryOptions};
use tundra_tests::python;

use crate::support::Folder;

/// Prints what the validator says of a file, and what GeoPandas reads of it and of the text it was made of.
const READER: &str = r#"
import json, sys, warnings
import geopandas, geoparquet_validator, shapely
from shapely.geometry import box
warnings.simplefilter("ignore")
output, text = sys.argv[1:3]
report = geoparquet_validator.check(output)
frame = geopandas.read_parquet(output)
features = json.loads(open(text, encoding="utf-8").read())["features"]
expected = [f["geometry"] and shapely.geometry.shape(f["geometry"]) for f in features]
differences = [
    index for index, (found, wanted) in enumerate(zip(frame.geometry, expected, strict=True))
    if (found is None) != (wanted is None) or found is not None and found.wkb != wanted.wkb
]
within = geopandas.read_parquet(output, bbox=(6, 50, 8, 52))
print(json.dumps({
    "failed": [o for o in report["outcomes"] if o["status"] == "fail"],
    "covering": sorted({o["status"] for o in report["outcomes"] if "/covering/" in o["id"]}),
    "primary": frame.geometry.name,
    "crs": frame.crs and frame.crs.to_string(),
    "columns": [name for name in frame.columns],
    "types": sorted({str(kind) for kind in frame.geometry.geom_type}),
    "differences": differences,
    "rows": len(frame),
    "within": len(within),
}))
"#;

/// Prints where GeoPandas says the geometries of a file are on a curve, the type that PyArrow finds for
/// them, and what the validator says.
const ORDER: &str = r#"
import json, sys
import geopandas, geoparquet_validator
import pyarrow.parquet
output = sys.argv[1]
frame = geopandas.read_parquet(output)
somewhere = ~(frame.geometry.isna() | frame.geometry.is_empty)
placed = frame[somewhere]
distances = placed.geometry.hilbert_distance(total_bounds=placed.total_bounds)
file = pyarrow.parquet.ParquetFile(output)
columns = [file.schema.column(index) for index in range(len(file.schema.names))]
print(json.dumps({
    "failed": [o for o in geoparquet_validator.check(output)["outcomes"] if o["status"] == "fail"],
    "type": next(c.logical_type.type for c in columns if c.path == "geometry"),
    "order": list(zip(map(int, distances), map(int, placed.n))),
    "last": list(map(int, frame[~somewhere].n)),
    "behind": bool(somewhere[:len(placed)].all()),
    "crs": frame.crs.to_string(),
    "within": len(geopandas.read_parquet(output, bbox=(0, 0, 20, 20))),
}))
"#;

/// Converts a text and returns what others make of the output.
async fn read(text: &str) -> Value {
    let folder = Folder::new();
    folder.convert_bytes("in.geojson", text, &ConvertOptions::default()).await.unwrap();
    let paths = [folder.path("out.parquet"), folder.path("in.geojson")];
    assert!(fs::metadata(&paths[0]).unwrap().len() > 0);
    serde_json::from_str(&python::run(READER, paths).unwrap()).unwrap()
}

/// Every kind of geometry, those with nothing in them included, with heights or without.
fn every_kind(z: bool) -> Vec<Value> {
    let at = |x: f64, y: f64| if z { json!([x, y, 1.5]) } else { json!([x, y]) };
    let line = json!([at(7.0, 51.0), at(7.25, 51.5), at(-8.125, 1e-7)]);
    let outer = json!([at(6.0, 50.0), at(8.0, 50.0), at(8.0, 52.0), at(6.0, 50.0)]);
    let inner = json!([at(7.0, 50.1), at(7.2, 50.3), at(7.2, 50.1), at(7.0, 50.1)]);
    let mut found: Vec<Value> = [
        ("Point", at(6.960_278, 50.937_531)),
        ("LineString", line.clone()),
        ("Polygon", json!([outer, inner])),
        ("MultiPoint", line.clone()),
        ("MultiLineString", json!([line, line])),
        ("MultiPolygon", json!([[outer, inner], [outer]])),
    ]
    .map(|(kind, coordinates)| json!({ "type": kind, "coordinates": coordinates }))
    .to_vec();
    found.push(json!({ "type": "GeometryCollection", "geometries": found }));
    found
}

fn collection(geometries: &[Value], more: &Value) -> String {
    let features: Vec<Value> = geometries
        .iter()
        .enumerate()
        .map(|(n, geometry)| {
            json!({
                "type": "Feature", "id": n, "geometry": geometry,
                "properties": { "n": n, "name": format!("é{n}"), "geometry": "no" },
            })
        })
        .collect();
    let mut collection = json!({ "type": "FeatureCollection", "features": features });
    for (name, value) in more.as_object().unwrap() {
        collection[name] = value.clone();
    }
    collection.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_geometry_is_valid_and_opens_as_it_was() {
    for z in [false, true] {
        let mut geometries = every_kind(z);
        geometries.push(Value::Null);
        let found = read(&collection(&geometries, &json!({}))).await;
        assert_eq!(found["failed"], json!([]), "{found}");
        assert_eq!(found["covering"], json!(["pass"]), "{found}");
        assert_eq!(found["differences"], json!([]), "{found}");
        assert_eq!((&found["rows"], &found["crs"]), (&json!(8), &json!("OGC:CRS84")), "{found}");
        assert_eq!(found["primary"], "geometry");
        assert_eq!(found["columns"], json!(["id", "geometry_1", "n", "name", "geometry"]));
        assert_eq!(found["within"], 7, "{found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_and_mixed_geometries_and_another_system_are_valid() {
    let empty = ["LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"]
        .map(|kind| json!({ "type": kind, "coordinates": [] }));
    let mut geometries = [every_kind(false), every_kind(true), empty.to_vec()].concat();
    geometries.push(json!({ "type": "Point", "coordinates": [] }));
    let crs = json!({ "type": "name", "properties": { "name": "urn:ogc:def:crs:EPSG::25832" } });
    let found = read(&collection(&geometries, &json!({ "name": "x", "crs": crs }))).await;
    assert_eq!(found["failed"], json!([]), "{found}");
    assert_eq!(found["crs"], "EPSG:25832", "{found}");
    assert_eq!(found["rows"], 20, "{found}");
    // GeoPandas and its libraries do not agree about how a point without a position is written.
    let differences = found["differences"].as_array().unwrap();
    assert!(differences.iter().all(|index| index == 19), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_along_the_curve_is_that_of_geopandas() {
    // Somewhere in the world, by a generator that gives the same numbers each time.
    let mut state = 42_u64;
    let mut chance = move |range: f64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        #[expect(clippy::cast_precision_loss, reason = "any number will do")]
        let share = (state >> 33) as f64 / (1_u64 << 31) as f64;
        (share - 0.5) * range
    };
    let mut geometries = Vec::new();
    for n in 0..3000 {
        let at = [chance(350.0), chance(170.0)];
        geometries.push(match n % 10 {
            0 => Value::Null,
            1 => json!({ "type": "LineString", "coordinates": [] }),
            2..6 => {
                json!({ "type": "LineString", "coordinates": [at, [chance(350.0), chance(170.0)]] })
            }
            // Many in one place, which stay as they were.
            6 => json!({ "type": "Point", "coordinates": [7, 51] }),
            _ => json!({ "type": "Point", "coordinates": at }),
        });
    }
    let text = collection(&geometries, &json!({}));
    for encoding in [GeometryEncoding::Wkb, GeometryEncoding::Native] {
        let geometry = GeometryOptions { encoding, hilbert: true };
        let options = ConvertOptions { geometry, ..ConvertOptions::default() };
        let folder = Folder::new();
        folder.convert_bytes("in.geojson", &text, &options).await.unwrap();
        let printed = python::run(ORDER, [folder.path("out.parquet")]).unwrap();
        let found: Value = serde_json::from_str(&printed).unwrap();

        let order: Vec<(u64, u64)> = serde_json::from_value(found["order"].clone()).unwrap();
        assert_eq!(order.len(), 2400);
        assert!(order.is_sorted(), "by distance, and by number where that is the same");
        let last: Vec<u64> = serde_json::from_value(found["last"].clone()).unwrap();
        assert!(last.len() == 600 && last.is_sorted() && found["behind"] == true, "{last:?}");
        assert_eq!((&found["failed"], &found["crs"]), (&json!([]), &json!("OGC:CRS84")));
        let is_native = encoding == GeometryEncoding::Native;
        assert_eq!(found["type"], if is_native { "GEOMETRY" } else { "NONE" }, "{encoding}");
        assert!(found["within"].as_u64().unwrap() > 0);
    }
}
