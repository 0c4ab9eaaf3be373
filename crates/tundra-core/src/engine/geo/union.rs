//! What several GeoParquet inputs say of their columns of geometries, as one.
//!
//! Start at [`GeoUnion`]. What it means for the values has to be the same in all inputs, and what it says of
//! them all becomes what is true of all: the kinds and the box around all of them.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

/// What inputs say, one after the other.
#[derive(Debug, Default)]
pub(crate) struct GeoUnion {
    /// What the first says of the file as a whole.
    metadata: Option<Map<String, Value>>,
    /// Columns of geometries, in the order in which they come first.
    columns: Vec<Column>,
    /// Other columns, each with the first input that has it.
    others: HashMap<String, String>,
}

#[derive(Debug)]
struct Column {
    name: String,
    entry: Map<String, Value>,
    /// The first input that has it.
    first: String,
}

/// Two inputs that say something else of a column.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Disagreement {
    /// What the later one is.
    pub(crate) found: String,
    /// What the earlier one is.
    pub(crate) others: String,
}

impl GeoUnion {
    /// Adds an input with columns of these names, and what it says of them.
    ///
    /// # Errors
    /// Fails when an input before it says something else of a column, and is as it was then.
    pub(crate) fn add(
        &mut self,
        input: &str,
        names: &[String],
        geo: Option<&str>,
    ) -> Result<(), Disagreement> {
        let metadata: Option<Map<String, Value>> =
            geo.and_then(|json| serde_json::from_str(json).ok());
        let entries = metadata.as_ref().and_then(|it| it.get("columns")?.as_object());
        let entry_of = |name: &String| entries?.get(name)?.as_object();
        for name in names {
            let known = self.columns.iter().find(|column| is_same(&column.name, name));
            match (known, entry_of(name)) {
                (Some(known), Some(entry)) => {
                    if let Some(what) = difference(&known.entry, entry) {
                        return Err(Disagreement {
                            found: format!("GeoParquet with another `{what}` of column `{name}`"),
                            others: format!("GeoParquet such as `{}`", known.first),
                        });
                    }
                }
                (Some(known), None) => {
                    return Err(Disagreement {
                        found: format!(
                            "Parquet that says nothing of geometries in column `{name}`"
                        ),
                        others: format!("GeoParquet such as `{}`", known.first),
                    });
                }
                (None, Some(_)) => {
                    if let Some(first) = self.others.get(&name.to_lowercase()) {
                        return Err(Disagreement {
                            found: format!("GeoParquet with geometries in column `{name}`"),
                            others: format!("without, such as `{first}`"),
                        });
                    }
                }
                (None, None) => {}
            }
        }
        for name in names {
            let known = self.columns.iter_mut().find(|column| is_same(&column.name, name));
            match (known, entry_of(name)) {
                (Some(known), Some(entry)) => unite(&mut known.entry, entry),
                (None, Some(entry)) => self.columns.push(Column {
                    name: name.clone(),
                    entry: entry.clone(),
                    first: input.to_owned(),
                }),
                (_, None) => {
                    self.others.entry(name.to_lowercase()).or_insert_with(|| input.to_owned());
                }
            }
        }
        if let Some(metadata) = metadata {
            let first = self.metadata.get_or_insert_with(|| metadata.clone());
            let version = |it: &Map<String, Value>| it.get("version")?.as_str().map(str::to_owned);
            if version(&metadata) > version(first)
                && let Some(version) = metadata.get("version")
            {
                first.insert("version".to_owned(), version.clone());
            }
        }
        Ok(())
    }

    /// Returns the metadata for all inputs, in which columns have the names of the inputs, if there is any.
    pub(crate) fn json(&self) -> Option<String> {
        let mut metadata = self.metadata.clone()?;
        let columns = self.columns.iter();
        let columns: Map<String, Value> = columns
            .map(|column| (column.name.clone(), Value::Object(column.entry.clone())))
            .collect();
        metadata.insert("columns".to_owned(), Value::Object(columns));
        Some(Value::Object(metadata).to_string())
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// What is said of the geometries of one input, and may be said otherwise of those of another.
const OF_ONE_INPUT: [&str; 4] = ["geometry_types", "bbox", "covering", "orientation"];

/// Names what has another meaning.
fn difference(one: &Map<String, Value>, other: &Map<String, Value>) -> Option<String> {
    let names = one.keys().chain(other.keys()).filter(|name| !OF_ONE_INPUT.contains(&&***name));
    let mut different = names.filter(|name| meaning(one, name) != meaning(other, name));
    different.next().cloned()
}

/// Returns what is said, also where it is said by saying nothing.
fn meaning<'a>(entry: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    entry.get(name).filter(|value| name != "edges" || **value != json!("planar"))
}

/// Makes what is said of the geometries of one input true of those of another as well.
fn unite(one: &mut Map<String, Value>, other: &Map<String, Value>) {
    let kinds = |entry: &Map<String, Value>| entry.get("geometry_types")?.as_array().cloned();
    let united = match (kinds(one), kinds(other)) {
        (Some(mut all), Some(more)) if !all.is_empty() && !more.is_empty() => {
            all.extend(more);
            let mut seen = Vec::new();
            all.retain(|kind| {
                let is_new = !seen.contains(kind);
                seen.push(kind.clone());
                is_new
            });
            all
        }
        // Of one of them nothing is known.
        _ => Vec::new(),
    };
    one.insert("geometry_types".to_owned(), Value::Array(united));
    match bounds(one).zip(bounds(other)).and_then(|(one, other)| around(&one, &other)) {
        Some(bounds) => one.insert("bbox".to_owned(), json!(bounds)),
        None => one.remove("bbox"),
    };
    for name in ["covering", "orientation"] {
        if one.get(name) != other.get(name) {
            one.remove(name);
        }
    }
}

fn bounds(entry: &Map<String, Value>) -> Option<Vec<f64>> {
    entry.get("bbox")?.as_array()?.iter().map(Value::as_f64).collect()
}

/// Returns the box around two boxes, unless one of them goes across the antimeridian.
fn around(one: &[f64], other: &[f64]) -> Option<Vec<f64>> {
    let half = one.len() / 2;
    let is_plain = |sides: &[f64]| (0..half).all(|side| sides[side] <= sides[side + half]);
    if one.len() != other.len() || !matches!(one.len(), 4 | 6) || !is_plain(one) || !is_plain(other)
    {
        return None;
    }
    let sides = one.iter().zip(other).enumerate();
    Some(
        sides
            .map(|(at, (one, other))| if at < half { one.min(*other) } else { one.max(*other) })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(entry: &Value) -> String {
        json!({ "version": "1.0.0", "primary_column": "g", "columns": { "g": entry } }).to_string()
    }

    fn united(entries: &[Value]) -> Result<Value, Disagreement> {
        let mut union = GeoUnion::default();
        for (entry, name) in entries.iter().zip(["a", "b", "c"]) {
            union.add(name, &["id".to_owned(), "g".to_owned()], Some(&input(entry)))?;
        }
        let json: Value = serde_json::from_str(&union.json().unwrap()).unwrap();
        assert_eq!(json["primary_column"], "g");
        Ok(json["columns"]["g"].clone())
    }

    #[test]
    fn kinds_and_boxes_become_those_of_all() {
        let found = united(&[
            json!({ "encoding": "WKB", "geometry_types": ["Point"], "bbox": [0, 1, 2, 3] }),
            json!({ "encoding": "WKB", "geometry_types": ["Polygon", "Point"], "edges": "planar",
                    "bbox": [-1, 2, 1, 4.5] }),
        ]);
        let expected = json!({ "encoding": "WKB", "geometry_types": ["Point", "Polygon"],
                               "bbox": [-1.0, 1.0, 2.0, 4.5] });
        assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn what_is_not_known_of_one_is_not_known_of_all() {
        let covering = json!({ "bbox": { "xmin": ["box", "xmin"] } });
        let found = united(&[
            json!({ "encoding": "WKB", "geometry_types": ["Point"], "bbox": [0, 1, 2, 3],
                    "covering": covering, "orientation": "counterclockwise" }),
            json!({ "encoding": "WKB", "geometry_types": [], "covering": covering }),
            json!({ "encoding": "WKB", "geometry_types": ["Point"], "bbox": [170, 1, -170, 3] }),
        ]);
        assert_eq!(found.unwrap(), json!({ "encoding": "WKB", "geometry_types": [] }));
        let across = json!({ "encoding": "WKB", "geometry_types": [], "bbox": [170, 1, -170, 3] });
        assert_eq!(united(&[across.clone(), across]).unwrap().get("bbox"), None);
    }

    #[test]
    fn another_meaning_is_named() {
        let plain = json!({ "encoding": "WKB", "geometry_types": [] });
        for (name, value) in [
            ("crs", Value::Null),
            ("edges", json!("spherical")),
            ("encoding", json!("point")),
            ("epoch", json!(2021.5)),
        ] {
            let mut other = plain.clone();
            other[name] = value;
            let error = united(&[plain.clone(), other]).unwrap_err();
            assert_eq!(error.found, format!("GeoParquet with another `{name}` of column `g`"));
            assert_eq!(error.others, "GeoParquet such as `a`");
        }
    }

    #[test]
    fn geometries_and_bytes_are_no_one_column() {
        let geo = input(&json!({ "encoding": "WKB", "geometry_types": [] }));
        let names = ["g".to_owned()];
        for inputs in [[Some(&*geo), None], [None, Some(&*geo)]] {
            let mut union = GeoUnion::default();
            union.add("a", &names, inputs[0]).unwrap();
            assert!(union.add("b", &names, inputs[1]).is_err());
        }
        let mut union = GeoUnion::default();
        union.add("a", &names, Some(&geo)).unwrap();
        union.add("b", &["other".to_owned()], None).unwrap();
        assert!(union.json().is_some());
    }

    #[test]
    fn what_is_no_metadata_says_nothing() {
        let mut union = GeoUnion::default();
        for geo in [Some("[1]"), Some("{\"columns\":[]}"), None] {
            union.add("a", &["g".to_owned()], geo).unwrap();
        }
        assert!(union.columns.is_empty());
    }
}
