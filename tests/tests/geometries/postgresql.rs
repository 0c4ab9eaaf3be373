//! PostGIS as `cargo xtask test` finds it beside PostgreSQL.

use std::sync::Arc;

use serde_json::json;
use tundra_connectors::{AddressPolicy, ConnectionSettings};
use tundra_core::{
    Cancel, Control, ConvertOptions, ExtractRequest, IfExists, Output, Receipt, Relation,
    Resources, Silent, TableName, WriteOptions, engine,
};
use tundra_test_services::Database;

use super::read;
use crate::support::{Folder, convert};

const TABLE: &str = "
    CREATE EXTENSION postgis;
    CREATE TABLE place (
        id integer, spot geometry(PointZ, 25832), area geometry, globe geography, curve geometry,
        nowhere geometry(LineString)
    );
    INSERT INTO place VALUES
        (1, 'SRID=25832;POINTZ(500000 5500000 12.5)', 'SRID=4326;POLYGON((0 0,4 0,4 4,0 0))',
            'POINT(7 51)', 'CIRCULARSTRING(0 0,1 1,2 0)', 'LINESTRING(0 0,1e-9 0.1)'),
        (2, NULL, 'SRID=4326;MULTIPOINT((1 2),(3 4))', 'LINESTRING(7 51,8 52)', NULL, NULL)";

async fn extract(database: &Database, folder: &Folder, name: &str) -> Receipt {
    let mut settings = ConnectionSettings::from_url(&database.url()).unwrap();
    settings.addresses = AddressPolicy::PrivateAllowed;
    let connector = tundra_connectors::connector(settings).unwrap();
    let control = Control { reporter: Arc::new(Silent), cancel: Cancel::default(), timeout: None };
    let spill = tempfile::tempdir().unwrap();
    let resources = Resources {
        threads: 2,
        memory: 1 << 29,
        temp_directory: spill.path().to_owned(),
        max_temp_size: 1 << 30,
    };
    let (storage, path) = tundra_storage::resolve(folder.path(name)).unwrap();
    let output = Output { storage, path, if_exists: IfExists::Fail };
    let table = TableName { schema: None, name: "place".to_owned() };
    let request = ExtractRequest::new(Relation::Table(table));
    let mut session = engine::open_session(&*connector, &control).await.unwrap();
    let from = (&*connector, &mut *session);
    let options = WriteOptions::default();
    engine::extract(from, &request, &output, &options, &resources, &control).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn geometries_open_as_what_they_are() {
    let database = Database::create().unwrap();
    database.run(TABLE).unwrap();
    let folder = Folder::new();
    let receipt = extract(&database, &folder, "place.parquet").await;
    let said: Vec<String> = receipt
        .plan
        .decisions
        .iter()
        .filter(|decision| decision.what == "geometry")
        .map(|decision| format!("{}: {}", decision.value, decision.reason))
        .collect();
    assert_eq!(
        said,
        [
            "GeoParquet 1.1.0: column `spot`: Point Z, EPSG:25832",
            "GeoParquet 1.1.0: column `area`: MultiPoint, Polygon, EPSG:4326",
            "GeoParquet 1.1.0: column `globe`: LineString, Point, EPSG:4326",
            "WKB: column `curve`: it holds CircularString, which GeoParquet does not have",
            "GeoParquet 1.1.0: column `nowhere`: LineString, no reference system",
        ]
    );
    let found = read(&folder.path("place.parquet"));
    assert_eq!(found["primary"], "spot");
    let columns = &found["columns"];
    assert_eq!(
        columns["spot"],
        json!({ "crs": "EPSG:25832", "values": ["POINT Z (500000 5500000 12.5)", null] })
    );
    assert_eq!(
        columns["area"],
        json!({
            "crs": "EPSG:4326",
            "values": ["POLYGON ((0 0, 4 0, 4 4, 0 0))", "MULTIPOINT ((1 2), (3 4))"],
        })
    );
    assert_eq!(columns["globe"]["crs"], "EPSG:4326");
    assert_eq!(
        columns["nowhere"],
        json!({ "crs": null, "values": ["LINESTRING (0 0, 1e-9 0.1)", null] })
    );
    // Bytes, of which nothing is said.
    let curve = database.run("SELECT st_asbinary(curve) FROM place WHERE id = 1").unwrap();
    let curve = curve.trim().trim_start_matches("\\x");
    let kept = columns["curve"]["values"][0].as_str().unwrap();
    assert!(kept.starts_with("b'\\x01\\x08"), "{kept} for {curve}");

    // What is converted again stays what it is, under its new name.
    let options = ConvertOptions {
        column_mapping: vec![("spot".to_owned(), "where".to_owned())],
        ..ConvertOptions::default()
    };
    let (first, second) = (folder.path("place.parquet"), folder.path("again.parquet"));
    convert(&first, &second, &options).await.unwrap();
    let again = read(&second);
    assert_eq!(again["primary"], "where");
    assert_eq!(again["columns"]["where"], columns["spot"]);
    for name in ["id", "area", "globe", "curve", "nowhere"] {
        assert_eq!(again["columns"][name], columns[name], "{name}");
    }
}
