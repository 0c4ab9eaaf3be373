//! The metadata of GeoParquet, by which readers know columns of geometries.
//!
//! It is JSON under [`KEY`], as GeoParquet 1.1.0 has it (<https://geoparquet.org/releases/v1.1.0/>). It is
//! written before the first row and says what the source knows: of a database that is no bounding box, and
//! of a text that was looked at as a whole it is one. The definitions of reference systems are those of the
//! EPSG dataset.

mod union;

use std::collections::HashMap;

use arrow::datatypes::{Field, Schema};
use serde_json::{Map, Value, json};

pub(crate) use self::union::{Disagreement, GeoUnion};
use crate::{Decision, Error, GeometryFacts, ReferenceSystem, geometry::GeometryDetails};

/// Where it stands in a Parquet file.
pub(crate) const KEY: &str = "geo";

const VERSION: &str = "1.1.0";

/// What GeoParquet can list, each also with ` Z` behind it.
const KINDS: [&str; 7] = [
    "Point",
    "LineString",
    "Polygon",
    "MultiPoint",
    "MultiLineString",
    "MultiPolygon",
    "GeometryCollection",
];

/// The reference system of GeoParquet where none is said: longitude and latitude of WGS 84.
const DEFAULT: &str = "OGC:CRS84";

/// What is written of the geometries of an output.
#[derive(Debug, Default)]
pub(crate) struct GeoMetadata {
    /// The metadata, if there is anything to say.
    pub(crate) json: Option<String>,
    /// What was decided about each column of geometries.
    pub(crate) decisions: Vec<Decision>,
}

impl GeoMetadata {
    /// Says of the columns what their fields know.
    pub(crate) fn of_schema(schema: &Schema) -> Self {
        let (mut columns, mut primary) = (Map::new(), None);
        let mut decisions = Vec::new();
        for field in schema.fields() {
            let Some(facts) = GeometryFacts::of(field) else { continue };
            let (value, reason) = match column(&facts) {
                Ok((mut column, reason)) => {
                    add_details(&mut column, &GeometryDetails::of(field));
                    primary.get_or_insert_with(|| field.name().clone());
                    columns.insert(field.name().clone(), column);
                    (format!("GeoParquet {VERSION}"), reason)
                }
                Err(reason) => ("WKB".to_owned(), reason),
            };
            decisions.push(Decision {
                what: "geometry".to_owned(),
                value,
                confidence: 1.0,
                reason: format!("column `{}`: {reason}", field.name()),
            });
        }
        let json = primary.map(|primary| {
            json!({ "version": VERSION, "primary_column": primary, "columns": columns }).to_string()
        });
        Self { json, decisions }
    }

    /// Carries the metadata of an input over to an output that keeps these columns, each with its name
    /// in the input and in the output. Metadata that makes no sense is left behind.
    pub(crate) fn carried_over(json: &str, kept: &[(String, String)]) -> Option<String> {
        let mut metadata: Map<String, Value> = serde_json::from_str(json).ok()?;
        let name_of = |name: &str| Some(&kept.iter().find(|(written, _)| written == name)?.1);
        let Value::Object(columns) = metadata.remove("columns")? else { return None };
        let mut carried = Map::new();
        for (name, mut column) in columns {
            let Some(new_name) = name_of(&name) else { continue };
            if column.get_mut("covering").is_some_and(|it| !rename_covering(it, &name_of)) {
                column.as_object_mut()?.remove("covering");
            }
            carried.insert(new_name.clone(), column);
        }
        let primary = metadata.get("primary_column").and_then(Value::as_str).and_then(name_of);
        let primary = primary.filter(|it| carried.contains_key(*it)).or(carried.keys().next())?;
        metadata.insert("primary_column".to_owned(), primary.clone().into());
        metadata.insert("columns".to_owned(), carried.into());
        Some(Value::Object(metadata).to_string())
    }
}

/// Returns the metadata of a column, and what it says in short; or why there is none.
fn column(facts: &GeometryFacts) -> Result<(Value, String), String> {
    let kinds = facts.kinds.as_deref().unwrap_or_default();
    let foreign = kinds.iter().find(|kind| {
        let plain = kind.strip_suffix(" Z").unwrap_or(kind);
        !KINDS.contains(&plain)
    });
    if let Some(foreign) = foreign {
        return Err(format!("it holds {foreign}, which GeoParquet does not have"));
    }
    let mut column = Map::new();
    column.insert("encoding".to_owned(), "WKB".into());
    column.insert("geometry_types".to_owned(), kinds.into());
    let system = match &facts.crs {
        Some(ReferenceSystem::Authority(name)) if name == DEFAULT => DEFAULT.to_owned(),
        Some(ReferenceSystem::Authority(name)) => match definition(name) {
            Some(definition) => {
                column.insert("crs".to_owned(), definition);
                name.clone()
            }
            None => {
                column.insert("crs".to_owned(), Value::Null);
                format!("{name}, whose definition is not known")
            }
        },
        Some(ReferenceSystem::Srid(number)) => {
            column.insert("crs".to_owned(), Value::Null);
            format!("the reference system {number}, which only the database knows")
        }
        // Without the entry it would be the default.
        None => {
            column.insert("crs".to_owned(), Value::Null);
            "no reference system".to_owned()
        }
    };
    if facts.spherical {
        column.insert("edges".to_owned(), "spherical".into());
    }
    let kinds = if kinds.is_empty() { "any kind".to_owned() } else { kinds.join(", ") };
    Ok((column.into(), format!("{kinds}, {system}")))
}

/// Adds to the metadata of a column what a reader of our own found out about it.
fn add_details(column: &mut Value, details: &GeometryDetails) {
    let GeometryDetails { covering, bounds, counterclockwise } = details;
    if let Some(boxes) = covering {
        let sides = ["xmin", "ymin", "xmax", "ymax"];
        let sides: Map<String, Value> =
            sides.iter().map(|side| ((*side).to_owned(), json!([boxes, side]))).collect();
        column["covering"] = json!({ "bbox": sides });
    }
    if let Some(bounds) = bounds {
        column["bbox"] = json!(bounds);
    }
    if *counterclockwise {
        column["orientation"] = "counterclockwise".into();
    }
}

/// Returns the definition of the reference system of a column of Parquet's own geometries; nothing for
/// longitudes and latitudes, which they have where none is said.
///
/// # Errors
/// Fails when it is not known, which they cannot say.
pub(crate) fn native_system(column: &str, facts: &GeometryFacts) -> Result<Option<String>, Error> {
    let what = match &facts.crs {
        Some(ReferenceSystem::Authority(name)) if name == DEFAULT => return Ok(None),
        Some(ReferenceSystem::Authority(name)) => match definition(name) {
            Some(definition) => return Ok(Some(definition.to_string())),
            None => format!("the definition of its reference system, {name}, is not known"),
        },
        Some(ReferenceSystem::Srid(_)) | None => "its reference system is not known".to_owned(),
    };
    Err(Error::Request {
        message: format!("column `{column}` cannot be of Parquet's own type of geometries: {what}"),
        hint: Some(
            "leave `--geometry native` away; as bytes it can be without a reference system"
                .to_owned(),
        ),
    })
}

/// Returns the definition of a reference system in PROJJSON.
fn definition(name: &str) -> Option<Value> {
    let mut found = by_code(name.strip_prefix("EPSG:")?.parse().ok()?)?;
    complete(&mut found)?;
    Some(found)
}

fn by_code(code: i32) -> Option<Value> {
    serde_json::from_str(epsg_utils::epsg_to_projjson(code).ok()?).ok()
}

/// Gives the systems that another is made of what the dataset says of them by themselves: their axes,
/// without which PROJ does not take them. Returns nothing when one of them is not known.
fn complete(system: &mut Value) -> Option<()> {
    let system = system.as_object_mut()?;
    let parts = system.get_mut("components").and_then(Value::as_array_mut).map(|it| it.iter_mut());
    for part in parts.into_iter().flatten() {
        *part = of_its_own(part)?;
    }
    if let Some(base) = system.get_mut("base_crs") {
        *base = of_its_own(base)?;
    }
    Some(())
}

fn of_its_own(part: &Value) -> Option<Value> {
    let code = part["id"]["code"].as_i64()?;
    let mut found = by_code(i32::try_from(code).ok()?)?;
    found.as_object_mut()?.remove("$schema");
    complete(&mut found)?;
    Some(found)
}

/// Renames the columns that a covering is made of. Returns whether all of them are there.
fn rename_covering<'a>(
    covering: &mut Value,
    name_of: &impl Fn(&str) -> Option<&'a String>,
) -> bool {
    match covering {
        // A path: a column, and below it a field.
        Value::Array(path) => match path.first_mut() {
            Some(Value::String(first)) => name_of(first).is_some_and(|name| {
                first.clone_from(name);
                true
            }),
            _ => false,
        },
        Value::Object(parts) => parts.values_mut().all(|part| rename_covering(part, name_of)),
        _ => false,
    }
}

/// Returns the schema without what its fields say of geometries. DuckDB would take them for its own,
/// which are of fewer kinds and have one way to be written.
pub(crate) fn as_bytes(schema: &Schema) -> Schema {
    let plain = |field: &Field| {
        let field = field.clone();
        if GeometryFacts::of(&field).is_some() {
            field.with_metadata(HashMap::new())
        } else {
            field
        }
    };
    Schema::new(schema.fields().iter().map(|field| plain(field)).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;

    use super::*;

    fn facts(crs: Option<&str>, kinds: &[&str]) -> GeometryFacts {
        GeometryFacts {
            crs: crs.map(|crs| ReferenceSystem::Authority(crs.to_owned())),
            spherical: false,
            kinds: Some(kinds.iter().map(|kind| (*kind).to_owned()).collect()),
        }
    }

    fn metadata(columns: &[(&str, Option<GeometryFacts>)]) -> (Option<Value>, Vec<String>) {
        let fields: Vec<Field> = columns
            .iter()
            .map(|(name, facts)| {
                let field = Field::new(*name, DataType::BinaryView, true);
                match facts {
                    Some(facts) => field.with_metadata(facts.to_metadata()),
                    None => field,
                }
            })
            .collect();
        let GeoMetadata { json, decisions } = GeoMetadata::of_schema(&Schema::new(fields));
        let said = decisions.iter().map(|it| format!("{}: {}", it.value, it.reason)).collect();
        (json.map(|json| serde_json::from_str(&json).unwrap()), said)
    }

    #[test]
    fn a_column_of_geometries_is_listed_with_its_kinds_and_its_system() {
        let (found, said) = metadata(&[
            ("id", None),
            ("place", Some(facts(Some("EPSG:25832"), &["Point", "Point Z"]))),
            ("area", Some(facts(Some("OGC:CRS84"), &[]))),
            ("plan", Some(facts(None, &["Polygon"]))),
            ("globe", Some(GeometryFacts { spherical: true, ..facts(Some("ESRI:1"), &[]) })),
        ]);
        let found = found.unwrap();
        assert_eq!(found["version"], "1.1.0");
        assert_eq!(found["primary_column"], "place");
        let place = &found["columns"]["place"];
        assert_eq!(place["encoding"], "WKB");
        assert_eq!(place["geometry_types"], json!(["Point", "Point Z"]));
        assert_eq!(place["crs"]["type"], "ProjectedCRS");
        assert_eq!(place["crs"]["id"], json!({ "authority": "EPSG", "code": 25832 }));
        let area = &found["columns"]["area"];
        assert_eq!(*area, json!({ "encoding": "WKB", "geometry_types": [] }));
        assert!(found["columns"]["plan"]["crs"].is_null());
        assert!(found["columns"]["plan"].as_object().unwrap().contains_key("crs"));
        assert_eq!(found["columns"]["globe"]["edges"], "spherical");
        assert!(found["columns"].get("id").is_none());
        assert_eq!(
            said,
            [
                "GeoParquet 1.1.0: column `place`: Point, Point Z, EPSG:25832",
                "GeoParquet 1.1.0: column `area`: any kind, OGC:CRS84",
                "GeoParquet 1.1.0: column `plan`: Polygon, no reference system",
                "GeoParquet 1.1.0: column `globe`: any kind, ESRI:1, whose definition is not known",
            ]
        );
    }

    #[test]
    fn kinds_that_geoparquet_does_not_have_are_not_listed() {
        for kind in ["CircularString", "Point M", "Point ZM", "TIN Z"] {
            let (found, said) = metadata(&[("place", Some(facts(None, &["Point", kind])))]);
            assert_eq!(found, None, "{kind}");
            let expected =
                format!("WKB: column `place`: it holds {kind}, which GeoParquet does not have");
            assert_eq!(said, [expected]);
        }
        assert_eq!(metadata(&[("id", None)]), (None, Vec::new()));
    }

    #[test]
    fn a_system_of_native_geometries_is_defined_or_needs_not_be_said() {
        let system = |crs| native_system("place", &facts(crs, &["Point"]));
        assert_eq!(system(Some("OGC:CRS84")).unwrap(), None);
        let defined: Value =
            serde_json::from_str(&system(Some("EPSG:25832")).unwrap().unwrap()).unwrap();
        assert_eq!(defined["id"]["code"], 25832);
        for crs in [None, Some("ESRI:1")] {
            let error = system(crs).unwrap_err().to_string();
            assert!(error.contains("`place`") && error.contains("not known"), "{error}");
        }
    }

    #[test]
    fn metadata_is_carried_over_for_the_columns_that_are_kept() {
        let covering = |column: &str| json!({ "bbox": { "xmin": [column, "xmin"], "ymax": [column, "ymax"] } });
        let json = json!({
            "version": "1.0.0",
            "primary_column": "b",
            "columns": {
                "a": { "encoding": "WKB", "geometry_types": [], "covering": covering("box") },
                "b": { "encoding": "point", "geometry_types": ["Point"] },
            },
            "further": 1,
        })
        .to_string();
        let carried = |kept: &[(&str, &str)]| -> Option<Value> {
            let kept: Vec<_> =
                kept.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect();
            let json = GeoMetadata::carried_over(&json, &kept)?;
            Some(serde_json::from_str(&json).unwrap())
        };
        let all = carried(&[("id", "id"), ("a", "A"), ("b", "b"), ("box", "extent")]).unwrap();
        assert_eq!(all["primary_column"], "b");
        assert_eq!(all["further"], 1);
        assert_eq!(all["columns"]["A"]["covering"], covering("extent"));
        assert_eq!(all["columns"]["b"]["encoding"], "point");
        let one = carried(&[("a", "place")]).unwrap();
        assert_eq!(one["primary_column"], "place");
        assert_eq!(one["columns"], json!({ "place": { "encoding": "WKB", "geometry_types": [] } }));
        assert_eq!(carried(&[("id", "id")]), None);
        assert_eq!(GeoMetadata::carried_over("[1]", &[]), None);
        assert_eq!(GeoMetadata::carried_over("{\"columns\":[]}", &[]), None);
    }

    #[test]
    fn every_definition_that_is_found_is_json_and_names_itself() {
        let has_axes = |it: &Value| it["coordinate_system"]["axis"].is_array();
        let mut count = 0;
        for code in 1..33_000 {
            let Some(found) = definition(&format!("EPSG:{code}")) else { continue };
            assert_eq!(found["id"]["code"], code);
            match found["components"].as_array() {
                Some(parts) => assert!(parts.iter().all(has_axes), "{code}"),
                None => assert!(has_axes(&found), "{code}"),
            }
            assert!(found.get("base_crs").is_none_or(has_axes), "{code}");
            count += 1;
        }
        assert!(count > 7000, "{count}");
        assert_eq!(definition("EPSG:0"), None);
        assert_eq!(definition("EPSG:x"), None);
    }
}
