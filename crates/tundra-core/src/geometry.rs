//! Columns of geometries, and what is known of them beside their bytes.
//!
//! The bytes are the Well-Known Binary of ISO 13249-3. What else is known travels in the metadata of the
//! Arrow field: as the extension type `geoarrow.wkb` of GeoArrow has it
//! (<https://geoarrow.org/extension-types.html>), and the kinds of the geometries, for which that has no
//! place, under a key of our own. Nothing here reads the bytes.

mod writing;

use std::collections::HashMap;

use arrow_schema::{
    Field,
    extension::{EXTENSION_TYPE_METADATA_KEY, EXTENSION_TYPE_NAME_KEY},
};
use serde_json::{Map, Value};

pub use self::writing::{GeometryEncoding, GeometryOptions};

/// The name of the extension type.
const GEOARROW_WKB: &str = "geoarrow.wkb";

/// The metadata of a field under which the kinds of its geometries stand, as a list in JSON.
const KINDS_KEY: &str = "tundra:geometry_types";

/// The metadata of a field under which stands what a reader of our own found out, in JSON.
#[cfg(feature = "read")]
const DETAILS_KEY: &str = "tundra:geometry";

/// What is known of a column whose values are Well-Known Binary.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GeometryFacts {
    /// The reference system of the coordinates, where one is known.
    pub crs: Option<ReferenceSystem>,
    /// Whether edges are the shortest way on a sphere, and not straight lines of the plane.
    pub spherical: bool,
    /// The kinds of all geometries, such as `Point` and `MultiPolygon Z`: the names of OGC, and behind
    /// them the dimensions beside x and y. Not given when they are not known.
    pub kinds: Option<Vec<String>>,
}

/// How a reference system is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceSystem {
    /// By an authority and its code, as in `EPSG:25832`.
    Authority(String),
    /// By a number that only the database knows.
    Srid(u32),
}

/// What a reader found out about a column of geometries that it made itself.
#[cfg(feature = "read")]
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct GeometryDetails {
    /// The column of the boxes around the geometries: structs of `xmin`, `ymin`, `xmax` and `ymax`.
    pub(crate) covering: Option<String>,
    /// The box around all geometries: the least coordinates and then the greatest. Not given when not all
    /// of them were looked at.
    pub(crate) bounds: Option<Vec<f64>>,
    /// Every outer ring of a polygon runs counterclockwise, and every inner one clockwise. `false` when
    /// it is not known.
    pub(crate) counterclockwise: bool,
}

#[cfg(feature = "read")]
impl GeometryDetails {
    /// Returns the metadata of an Arrow field that has these details.
    pub(crate) fn to_metadata(&self) -> HashMap<String, String> {
        let Self { covering, bounds, counterclockwise } = self;
        // As texts, because a number that is read as JSON may not be the one that was written.
        let bounds = bounds.as_ref().map(|it| it.iter().map(f64::to_string).collect::<Vec<_>>());
        let details = serde_json::json!({
            "covering": covering,
            "bounds": bounds,
            "counterclockwise": counterclockwise,
        });
        HashMap::from([(DETAILS_KEY.to_owned(), details.to_string())])
    }
}

#[cfg(feature = "engine")]
impl GeometryDetails {
    /// Returns the details of a field; what is not understood is not known.
    pub(crate) fn of(field: &Field) -> Self {
        let details = field.metadata().get(DETAILS_KEY);
        let details: Option<Value> = details.and_then(|it| serde_json::from_str(it).ok());
        let details = details.unwrap_or_default();
        Self {
            covering: details["covering"].as_str().map(str::to_owned),
            bounds: details["bounds"]
                .as_array()
                .and_then(|bounds| bounds.iter().map(|it| it.as_str()?.parse().ok()).collect()),
            counterclockwise: details["counterclockwise"] == true,
        }
    }
}

impl GeometryFacts {
    /// Returns the metadata of an Arrow field that has these facts.
    #[must_use]
    pub fn to_metadata(&self) -> HashMap<String, String> {
        let mut facts = Map::new();
        if let Some(crs) = &self.crs {
            let (crs, sort) = match crs {
                ReferenceSystem::Authority(name) => (name.clone(), "authority_code"),
                ReferenceSystem::Srid(number) => (number.to_string(), "srid"),
            };
            facts.insert("crs".to_owned(), crs.into());
            facts.insert("crs_type".to_owned(), sort.into());
        }
        if self.spherical {
            facts.insert("edges".to_owned(), "spherical".into());
        }
        let mut metadata = HashMap::from([
            (EXTENSION_TYPE_NAME_KEY.to_owned(), GEOARROW_WKB.to_owned()),
            (EXTENSION_TYPE_METADATA_KEY.to_owned(), Value::Object(facts).to_string()),
        ]);
        if let Some(kinds) = &self.kinds {
            metadata.insert(KINDS_KEY.to_owned(), Value::from(kinds.clone()).to_string());
        }
        metadata
    }

    /// Returns the facts of a field, unless it has no geometries. What is not understood is not known.
    #[must_use]
    pub fn of(field: &Field) -> Option<Self> {
        let metadata = field.metadata();
        if metadata.get(EXTENSION_TYPE_NAME_KEY)? != GEOARROW_WKB {
            return None;
        }
        let read = |key| serde_json::from_str::<Value>(metadata.get(key)?).ok();
        let facts = read(EXTENSION_TYPE_METADATA_KEY).unwrap_or_default();
        let crs = facts["crs"].as_str().and_then(|crs| match facts["crs_type"].as_str() {
            Some("authority_code") => Some(ReferenceSystem::Authority(crs.to_owned())),
            Some("srid") => crs.parse().ok().map(ReferenceSystem::Srid),
            _ => None,
        });
        Some(Self {
            crs,
            spherical: facts["edges"] == "spherical",
            kinds: read(KINDS_KEY).and_then(|kinds| serde_json::from_value(kinds).ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    use arrow_schema::DataType;

    use super::*;

    fn field(metadata: HashMap<String, String>) -> Field {
        Field::new("place", DataType::BinaryView, true).with_metadata(metadata)
    }

    #[test]
    fn facts_come_back_from_the_metadata_of_a_field() {
        for facts in [
            GeometryFacts::default(),
            GeometryFacts {
                crs: Some(ReferenceSystem::Authority("EPSG:4326".to_owned())),
                spherical: true,
                kinds: Some(vec!["Point".to_owned(), "MultiPolygon Z".to_owned()]),
            },
            GeometryFacts {
                crs: Some(ReferenceSystem::Srid(999_001)),
                spherical: false,
                kinds: Some(Vec::new()),
            },
        ] {
            assert_eq!(GeometryFacts::of(&field(facts.to_metadata())), Some(facts));
        }
    }

    #[test]
    fn other_fields_have_no_facts_and_others_facts_may_be_unknown() {
        assert_eq!(GeometryFacts::of(&field(HashMap::new())), None);
        let with = |name: &str, facts: &str| {
            field(HashMap::from([
                (EXTENSION_TYPE_NAME_KEY.to_owned(), name.to_owned()),
                (EXTENSION_TYPE_METADATA_KEY.to_owned(), facts.to_owned()),
            ]))
        };
        assert_eq!(GeometryFacts::of(&with("geoarrow.point", "{}")), None);
        for facts in ["", "[1]", "{\"crs\":{\"id\":1}}", "{\"crs\":\"x\",\"crs_type\":\"srid\"}"] {
            let found = GeometryFacts::of(&with(GEOARROW_WKB, facts));
            assert_eq!(found, Some(GeometryFacts::default()), "{facts}");
        }
    }
}
