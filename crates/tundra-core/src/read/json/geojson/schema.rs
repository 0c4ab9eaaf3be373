//! The columns of features.
//!
//! Start at [`finish`]. First stands the id, where there is one, then the properties, then what else
//! features have, then the geometry and the box around it. The properties keep their names, but for those
//! that the geometry and its box have.

use super::{
    Content,
    collection::Surroundings,
    column::{GeometryShape, SIDES},
    facts::Bounds,
};
use crate::{
    ColumnType, ConvertOptions, Error, GeometryFacts,
    geometry::GeometryDetails,
    read::{
        json::{
            JsonObservation, JsonSchema, JsonSchemaOptions,
            observation::Node,
            schema::{Entry, JsonColumn, Leaves, Rows, Slot, column, objects_only},
            shape::{Member, Shape},
        },
        names::unique_names,
        table::{Found, Wanted},
    },
};

/// The columns that are made of geometries.
const GEOMETRY: &str = "geometry";
const BOX: &str = "bbox";
const TEXT: &str = "geometry_json";

/// The name of the column of ids when a property is named `id`.
const OTHER_ID: &str = "feature_id";

/// Returns the columns that hold everything that was observed. With `complete` that is every record of the
/// input.
///
/// # Errors
/// Fails when another type is wanted of the geometries or the boxes around them.
pub(super) fn finish(
    observed: &JsonObservation,
    content: Content,
    surroundings: &Surroundings,
    options: &JsonSchemaOptions,
    complete: bool,
) -> Result<JsonSchema, Error> {
    let mut leaves = Leaves { options, found: Vec::new(), groups: Vec::new() };
    let mut entries = Vec::new();
    let fields = observed.root.objects.as_deref().map_or(&[][..], |objects| &objects.fields);
    let node = |name: &str| fields.iter().find(|field| &*field.name == name).map(|it| &it.node);
    let empty = Node::default();
    let (mut id, mut properties) = (None, 0..0);
    if content == Content::Features {
        entries.push(Entry { source: "type".to_owned(), slot: Slot::FeatureType });
        if let Some(node) = node("id") {
            id = Some(leaves.found.len());
            entries.push(leaves.column("id", "id".to_owned(), node));
        }
        let first = leaves.found.len();
        entries.push(properties_of(&mut leaves, node("properties").unwrap_or(&empty)));
        properties = first..leaves.found.len();
        for field in fields.iter().filter(|it| !matches!(&*it.name, "id" | "properties")) {
            let name = field.name.to_string();
            entries.push(leaves.column(&field.name, name, &field.node));
        }
    }
    let Leaves { found, groups, .. } = leaves;
    let number = found.len();
    entries.push(Entry { source: GEOMETRY.to_owned(), slot: Slot::Column(number) });

    let names = names(&found, id, properties, observed.geometries.shape);
    let mut columns: Vec<JsonColumn> = Vec::with_capacity(names.len());
    for ((path, node), name) in found.into_iter().zip(&names) {
        columns.push(column(path, name.clone(), node, options, complete));
    }
    columns.extend(geometry_columns(observed, surroundings, &names[number..], complete));
    columns[number..]
        .iter()
        .try_for_each(|column| check(column, options.wanted.get(&column.name)))?;

    let record_bytes = observed.bytes.checked_div(observed.records + observed.faulty).unwrap_or(0);
    let width: u64 = columns.iter().map(|column| column.shape.row_bytes()).sum();
    let has_own_crs = observed.geometries.shape.traits.crs || node("crs").is_some();
    let facts = GeometryFacts {
        crs: surroundings.crs().filter(|_| !has_own_crs),
        spherical: false,
        kinds: Some(observed.geometries.shape.kinds.names()),
    };
    let details = details(observed, complete);
    Ok(JsonSchema {
        columns,
        complete,
        row_bytes: width + record_bytes,
        record_bytes,
        rows: if content == Content::Features { Rows::Fields } else { Rows::Value },
        entries,
        groups,
        content,
        geometry: Some((number, facts, details)),
    })
}

/// Returns what the properties are read into: columns of their own, unless they are too many.
fn properties_of<'a>(leaves: &mut Leaves<'a>, node: &'a Node) -> Entry {
    let source = "properties".to_owned();
    let is_concealed = node.objects.as_deref().is_some_and(|objects| objects.opaque.is_some());
    if is_concealed {
        return leaves.column("properties", source, node);
    }
    let number = leaves.groups.len();
    leaves.groups.push(source.clone());
    let entries = objects_only(node).map_or_else(Vec::new, |objects| leaves.of(objects, ""));
    Entry { source, slot: Slot::Group { number, entries } }
}

/// Returns the names of all columns, each different from the others.
fn names(
    found: &[(String, &Node)],
    id: Option<usize>,
    properties: std::ops::Range<usize>,
    shape: GeometryShape,
) -> Vec<String> {
    let number = found.len();
    let made = [GEOMETRY, BOX, TEXT].into_iter().take(2 + usize::from(shape.keeps_text()));
    let mut wanted: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).chain(made).collect();
    let is_id = |at: &usize| wanted[*at].eq_ignore_ascii_case("id");
    if let Some(id) = id
        && properties.clone().any(|at| is_id(&at))
    {
        wanted[id] = OTHER_ID;
    }
    // Who comes first here keeps the name.
    let mut order: Vec<usize> = (number..wanted.len()).chain(properties.clone()).collect();
    order.extend((0..number).filter(|at| !properties.contains(at)));
    let unique = unique_names(order.iter().map(|at| wanted[*at]));
    let mut names = vec![String::new(); wanted.len()];
    for (at, name) in order.into_iter().zip(unique) {
        names[at] = name;
    }
    names
}

/// Returns the columns that are made of geometries.
fn geometry_columns(
    observed: &JsonObservation,
    surroundings: &Surroundings,
    names: &[String],
    complete: bool,
) -> Vec<JsonColumn> {
    let seen = &observed.geometries;
    let shape = seen.shape;
    let kinds = shape.kinds.names();
    let kinds = if kinds.is_empty() { "no geometry".to_owned() } else { kinds.join(", ") };
    let mut reason = format!("geometries of GeoJSON as Well-Known Binary: {kinds}");
    if shape.traits.rounded {
        let some = match (complete, seen.rounded) {
            (false, _) => "some have".to_owned(),
            (true, 1) => "1 has".to_owned(),
            (true, count) => format!("{count} have"),
        };
        reason.push_str(&format!(
            "; {some} coordinates with more digits than a double holds, which are the nearest double"
        ));
    }
    if surroundings.crs().is_some() && shape.traits.crs {
        reason.push_str("; some name a reference system of their own, so that none is said of all");
    }
    let side = |name: &str| Member {
        source: name.to_owned(),
        name: name.to_owned(),
        shape: Shape::Double,
    };
    let sides = Shape::Struct(SIDES.iter().map(|(name, ..)| side(name)).collect());
    let boxes = "the box around each geometry, by which readers find those of a place".to_owned();
    let text = "the text of geometries that have members beside their coordinates".to_owned();
    let made = [(Shape::Geometry(shape), reason), (sides, boxes), (Shape::Json, text)];
    let columns = names.iter().zip(made).map(|(name, (shape, reason))| {
        let column_type = shape.column_type();
        JsonColumn {
            found: Found {
                name: name.clone(),
                column_type: column_type.to_string(),
                reason: reason.clone(),
            },
            name: name.clone(),
            source_name: GEOMETRY.to_owned(),
            column_type,
            reason,
            shape,
            forced: false,
        }
    });
    columns.collect()
}

/// Checks that nothing else is wanted of a column that is made of geometries.
fn check(column: &JsonColumn, wanted: Option<&Wanted>) -> Result<(), Error> {
    let Some(wanted) = wanted.filter(|it| !is_same(&it.column_type, &column.column_type)) else {
        return Ok(());
    };
    Err(Error::Request {
        message: format!(
            "column `{}` is made of the geometries and has the type {}, not {}",
            column.name, column.column_type, wanted.column_type
        ),
        hint: Some(
            "`--format json --records features` reads the features as plain JSON".to_owned(),
        ),
    })
}

/// Returns whether types are the same but for the order of the fields of a struct.
fn is_same(wanted: &ColumnType, own: &ColumnType) -> bool {
    match (wanted, own) {
        (ColumnType::Struct(wanted), ColumnType::Struct(own)) => {
            wanted.len() == own.len() && wanted.iter().all(|field| own.contains(field))
        }
        (wanted, own) => wanted == own,
    }
}

fn details(observed: &JsonObservation, complete: bool) -> GeometryDetails {
    let seen = &observed.geometries;
    GeometryDetails {
        covering: None,
        bounds: corners(&seen.bounds, seen.shape.kinds.all_have_heights()).filter(|_| complete),
        counterclockwise: complete
            && seen.shape.kinds.may_have_rings()
            && !seen.shape.traits.reversed,
    }
}

/// Returns the least coordinates and then the greatest, with heights where all have them.
fn corners(bounds: &Bounds, heights: bool) -> Option<Vec<f64>> {
    let axes = if heights { 3 } else { 2 };
    let found: Option<Vec<(f64, f64)>> = (0..axes).map(|axis| bounds.of(axis)).collect();
    let found = found?;
    let least = found.iter().map(|(least, _)| *least);
    Some(least.chain(found.iter().map(|(_, greatest)| *greatest)).collect())
}

/// Returns how the properties get their types.
pub(super) fn schema_options(options: &ConvertOptions) -> Result<JsonSchemaOptions, Error> {
    Ok(JsonSchemaOptions {
        types: options.types,
        wanted: crate::read::table::wanted_types(options)?,
        flatten: options.json.flatten,
    })
}
