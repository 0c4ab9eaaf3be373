//! Geometries of PostGIS as WKB that another reader takes, with what is known about where they are.

use std::collections::HashMap;

use arrow_array::cast::AsArray;

use super::server::{Server, table};

const GEOMETRIES: &[&str] = &[
    "POINT(1 2)",
    "POINT EMPTY",
    "POINTZ(1 2 3)",
    "POINTM(1 2 3)",
    "POINTZM(1 2 3 4)",
    "LINESTRING(0 0,1e-300 1e300)",
    "POLYGON((0 0,4 0,4 4,0 4,0 0),(1 1,2 1,2 2,1 2,1 1))",
    "MULTIPOINT((1 2),(3 4))",
    "MULTILINESTRING((0 0,1 1),(2 2,3 3))",
    "MULTIPOLYGONZ(((0 0 1,1 0 1,1 1 1,0 0 1)))",
    "GEOMETRYCOLLECTION(POINT(1 2),GEOMETRYCOLLECTION(LINESTRING(0 0,1 1)))",
    "CIRCULARSTRING(0 0,1 1,2 0)",
    "COMPOUNDCURVE(CIRCULARSTRING(0 0,1 1,2 0),(2 0,3 0))",
    "CURVEPOLYGON(CIRCULARSTRING(0 0,4 0,4 4,0 4,0 0))",
    "POLYHEDRALSURFACEZ(((0 0 0,0 0 1,0 1 1,0 1 0,0 0 0)))",
    "TINZ(((0 0 0,0 0 1,0 1 0,0 0 0)))",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_geometry_is_wkb_and_comes_back() {
    let server = Server::with("CREATE SCHEMA \"g is\"; CREATE EXTENSION postgis SCHEMA \"g is\"");
    server.run("CREATE TABLE t (id integer, g \"g is\".geometry)");
    for (id, text) in GEOMETRIES.iter().enumerate() {
        server.run(&format!("INSERT INTO t VALUES ({id}, 'SRID=3857;{text}')"));
    }
    server.run("INSERT INTO t VALUES (99, NULL)");
    let read = server.read(&table("t")).await.expect("geometries have a type");
    assert_eq!(read.column_type("g"), "BLOB");
    let column = read.batches[0].column_by_name("g").expect("it is there");
    let column = column.as_binary_view();
    for (row, text) in GEOMETRIES.iter().enumerate() {
        let hex = column.value(row).iter().fold(String::new(), |hex, it| format!("{hex}{it:02x}"));
        let same = server.run(&format!(
            "SET search_path = \"g is\"; SELECT st_asewkt(st_geomfromwkb('\\x{hex}', 3857)) = \
             st_asewkt(g), encode(st_asbinary(g), 'hex') = '{hex}' FROM public.t WHERE id = {row}"
        ));
        assert_eq!(same, "t|t", "{text}");
    }
    assert!(arrow_array::Array::is_null(column, GEOMETRIES.len()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reference_system_and_the_kinds_stand_in_the_metadata_of_the_column() {
    let server = Server::with(
        "CREATE EXTENSION postgis; DELETE FROM spatial_ref_sys WHERE srid = 3035; \
         CREATE DOMAIN place AS geometry(Point, 25832); \
         CREATE TABLE t (declared geometry(Point, 4326), measured geometry, unknown geometry, \
             nowhere geometry, globe geography, empty geometry, below place, several geometry, \
             many geometry[], curved geometry(GeometryM, 25832)); \
         INSERT INTO t VALUES ('SRID=4326;POINT(1 2)', 'SRID=3857;POINT(1 2)', \
             'SRID=3035;POINT(1 2)', 'POINT(1 2)', 'POINT(1 2)', NULL, 'SRID=25832;POINT(1 2)', \
             'SRID=4326;POINT(1 2)', ARRAY['POINT(1 2)'::geometry], \
             'SRID=25832;CIRCULARSTRINGM(0 0 1, 1 1 1, 2 0 1)'), \
             (NULL, NULL, NULL, 'LINESTRINGZ(1 2 3,4 5 6)', NULL, NULL, NULL, \
             'SRID=3857;POINT(1 2)', NULL, NULL)",
    );
    let read = server.read(&table("t")).await.expect("geometries have a type");
    let schema = read.extraction.schema();
    for (name, expected, kinds) in [
        ("declared", r#"{"crs":"EPSG:4326","crs_type":"authority_code"}"#, r#"["Point"]"#),
        ("measured", r#"{"crs":"EPSG:3857","crs_type":"authority_code"}"#, r#"["Point"]"#),
        ("unknown", r#"{"crs":"3035","crs_type":"srid"}"#, r#"["Point"]"#),
        ("nowhere", "{}", r#"["LineString Z","Point"]"#),
        (
            "globe",
            r#"{"crs":"EPSG:4326","crs_type":"authority_code","edges":"spherical"}"#,
            r#"["Point"]"#,
        ),
        ("empty", "{}", "[]"),
        ("below", r#"{"crs":"EPSG:25832","crs_type":"authority_code"}"#, r#"["Point"]"#),
        (
            "curved",
            r#"{"crs":"EPSG:25832","crs_type":"authority_code"}"#,
            r#"["CircularString M"]"#,
        ),
    ] {
        let expected = HashMap::from([
            ("ARROW:extension:name".to_owned(), "geoarrow.wkb".to_owned()),
            ("ARROW:extension:metadata".to_owned(), expected.to_owned()),
            ("tundra:geometry_types".to_owned(), kinds.to_owned()),
        ]);
        let field = schema.field_with_name(name).expect("it is there");
        assert_eq!(field.metadata(), &expected, "{name}");
        assert_eq!(read.column_type(name), "BLOB", "{name}");
    }
    // Bytes without their systems would lose them.
    assert_eq!(read.column_type("several"), "VARCHAR");
    assert_eq!(read.column_type("many"), "VARCHAR[]");
    let texts = read.batches[0].column_by_name("several").expect("it is there");
    assert_eq!(texts.as_string::<i32>().value(0), server.run("SELECT several FROM t LIMIT 1"));
}
