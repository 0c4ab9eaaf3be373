//! Geometries of PostGIS in GeoParquet, which a reader of that opens without being told anything.

mod postgresql;

use std::path::Path;

use serde_json::Value;
use tundra_tests::python;

/// Prints what GeoPandas makes of a file.
const READER: &str = r#"
import json, sys, warnings
import geopandas
# It takes spherical edges for straight ones, and says so.
warnings.simplefilter("ignore")
frame = geopandas.read_parquet(sys.argv[1])
columns = {}
for name in frame.columns:
    if str(frame[name].dtype) != "geometry":
        columns[name] = {"values": [None if value != value else str(value) for value in frame[name]]}
        continue
    values = frame[name]
    columns[name] = {
        "crs": values.crs and values.crs.to_string(),
        "values": [value and value.wkt for value in values],
    }
print(json.dumps({"primary": frame.geometry.name, "columns": columns}))
"#;

/// Returns what GeoPandas makes of a file.
fn read(path: &Path) -> Value {
    serde_json::from_str(&python::run(READER, [path]).unwrap()).unwrap()
}
