//! The columns that hold every value that was observed, and why they are what they are.
//!
//! Start at [`JsonObservation::finish`].

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use arrow_schema::{Field, Schema, SchemaRef};

use crate::{
    ColumnType, GeometryFacts, TypePolicy,
    geometry::GeometryDetails,
    read::{
        json::{
            CHUNK_BYTES, JsonObservation,
            geojson::Content,
            observation::{
                Forms, Lists, MAX_PARQUET_LEVELS, Node, Objects, Seen, Strings, TOO_DEEP,
            },
            shape::{Member, Shape},
        },
        lattice::Place,
        names::unique_names,
        table::{Found, Wanted, WantedBy},
    },
};

/// The column of records that are no objects.
pub(super) const VALUE_COLUMN: &str = "value";

/// The columns that records are read into.
#[derive(Debug, Clone)]
pub(crate) struct JsonSchema {
    /// The columns. There are none when there are no records.
    pub(crate) columns: Vec<JsonColumn>,
    /// Every record was observed. Else a value that does not fit is a contradiction, and the
    /// whole input has to be observed.
    pub(crate) complete: bool,
    /// About how many bytes a row takes in memory.
    pub(crate) row_bytes: u64,
    /// About how many bytes a record takes in the input.
    pub(crate) record_bytes: u64,
    pub(super) rows: Rows,
    /// What the fields of a record are read into.
    pub(super) entries: Vec<Entry>,
    /// Where the objects stand whose fields are columns.
    pub(super) groups: Vec<String>,
    /// What the records are.
    pub(super) content: Content,
    /// What is known of the column of geometries, if there is one, and its number. The boxes around them
    /// are the next column.
    pub(super) geometry: Option<(usize, GeometryFacts, GeometryDetails)>,
}

/// A field of a record, and what it is read into.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The name in the input.
    pub(super) source: String,
    pub(super) slot: Slot,
}

/// What a field is read into.
#[derive(Debug, Clone)]
pub(super) enum Slot {
    /// The column of this number.
    Column(usize),
    /// Nothing: it says that the record is a feature.
    FeatureType,
    /// It is an object, and its fields are columns.
    Group {
        /// The number of its place in [`JsonSchema::groups`].
        number: usize,
        /// Its fields.
        entries: Vec<Entry>,
    },
}

/// What a row is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// The fields of an object are the columns.
    Fields,
    /// The record itself is the one column.
    Value,
}

/// A column.
#[derive(Debug, Clone)]
pub(crate) struct JsonColumn {
    /// The name in the output, different from every other one's also when case is ignored.
    pub(crate) name: String,
    /// The name as it is in the input; for a field of an object with the names of the objects
    /// around it and dots between them.
    pub(crate) source_name: String,
    /// The type.
    pub(crate) column_type: ColumnType,
    /// Why it has this type, as a sentence fragment.
    pub(crate) reason: String,
    /// What its values say about it.
    pub(crate) found: Found,
    pub(super) shape: Shape,
    /// The type was asked for, so a value that does not fit is a bad value and no contradiction.
    pub(super) forced: bool,
}

/// How columns get their types.
#[derive(Debug, Clone, Default)]
pub(crate) struct JsonSchemaOptions {
    /// How those get their types that are not named in `type_overrides`. With
    /// [`TypePolicy::Text`] a value that is no object and no array is its text, a nested one its
    /// JSON text.
    pub(crate) types: TypePolicy,
    /// Types of columns, by the unique name that their name in the input becomes.
    pub(crate) wanted: HashMap<String, Wanted>,
    /// The fields of objects are columns of their own.
    pub(crate) flatten: bool,
}

impl JsonSchema {
    /// Returns the schema of the batches.
    pub(crate) fn arrow_schema(&self) -> SchemaRef {
        let fields = self
            .columns
            .iter()
            .map(|column| Field::new(&column.name, column.column_type.to_arrow(), true));
        let mut fields: Vec<Field> = fields.collect();
        if let Some((number, facts, details)) = &self.geometry {
            let covering = self.columns.get(number + 1).map(|column| column.name.clone());
            let details = GeometryDetails { covering, ..details.clone() };
            let mut metadata = facts.to_metadata();
            metadata.extend(details.to_metadata());
            fields[*number].set_metadata(metadata);
        }
        Arc::new(Schema::new(fields))
    }

    /// Returns the bytes that a chunk should have. Where records mention few of many columns,
    /// their rows are much larger than they are, and their batches must not be.
    pub(crate) fn chunk_bytes(&self) -> usize {
        const BATCH_BYTES: u64 = 64 << 20;
        const LEAST: usize = 16 << 10;
        let rows = BATCH_BYTES / self.row_bytes.max(1);
        let bytes = rows.saturating_mul(self.record_bytes.max(1));
        usize::try_from(bytes).unwrap_or(CHUNK_BYTES).clamp(LEAST, CHUNK_BYTES)
    }
}

impl JsonObservation {
    /// Returns the columns that hold everything that was observed. With `complete` that is every
    /// record of the input.
    ///
    /// When most records are objects, their fields are the columns, and a record that is no
    /// object is a bad one. Else the records are one column named `value`.
    pub(crate) fn finish(&self, options: &JsonSchemaOptions, complete: bool) -> JsonSchema {
        let objects = self.root.objects.as_deref().filter(|objects| {
            let most = objects.seen.count * 2 > self.records;
            most && objects.opaque.is_none() && !objects.fields.is_empty()
        });
        let mut leaves = Leaves { options, found: Vec::new(), groups: Vec::new() };
        let entries = match objects {
            Some(objects) => leaves.of(objects, ""),
            None if self.records == 0 && self.faulty == 0 => Vec::new(),
            None => vec![leaves.column(VALUE_COLUMN, VALUE_COLUMN.to_owned(), &self.root)],
        };
        let Leaves { found, groups, .. } = leaves;
        let names = unique_names(found.iter().map(|(path, _)| path.as_str()));
        let mut sources = HashSet::new();
        let columns = found.into_iter().zip(names).map(|((path, node), name)| {
            // `{"a.b": 1, "a": {"b": 2}}` has two of one path.
            let is_first = sources.insert(path.clone());
            let source = if is_first { path } else { name.clone() };
            let mut column = column(source, name, node, options, complete);
            if !is_first {
                column.reason.push_str("; another field comes to the same name with its dots");
            }
            column
        });
        let columns: Vec<JsonColumn> = columns.collect();
        let record_bytes = self.bytes.checked_div(self.records + self.faulty).unwrap_or(0);
        let width: u64 = columns.iter().map(|column| column.shape.row_bytes()).sum();
        JsonSchema {
            columns,
            complete,
            row_bytes: width + record_bytes,
            record_bytes,
            rows: if objects.is_some() { Rows::Fields } else { Rows::Value },
            entries,
            groups,
            content: Content::Json,
            geometry: None,
        }
    }
}

/// The columns that the fields of objects are read into.
pub(super) struct Leaves<'a> {
    pub(super) options: &'a JsonSchemaOptions,
    /// The place and the values of each column.
    pub(super) found: Vec<(String, &'a Node)>,
    pub(super) groups: Vec<String>,
}

impl<'a> Leaves<'a> {
    /// Returns what the fields of objects are read into. `prefix` is what stands before their names.
    pub(super) fn of(&mut self, objects: &'a Objects, prefix: &str) -> Vec<Entry> {
        let mut entries = Vec::with_capacity(objects.fields.len());
        for field in &objects.fields {
            let path = format!("{prefix}{}", field.name);
            let inner = objects_only(&field.node).filter(|_| {
                // Who gives the object a type wants it to be a column.
                self.options.flatten && !self.options.wanted.contains_key(&path)
            });
            entries.push(match inner {
                None => self.column(&field.name, path, &field.node),
                Some(inner) => {
                    let number = self.groups.len();
                    let prefix = format!("{path}.");
                    self.groups.push(path);
                    let entries = self.of(inner, &prefix);
                    let source = field.name.clone().into_string();
                    Entry { source, slot: Slot::Group { number, entries } }
                }
            });
        }
        entries
    }

    pub(super) fn column(&mut self, source: &str, path: String, node: &'a Node) -> Entry {
        self.found.push((path, node));
        Entry { source: source.to_owned(), slot: Slot::Column(self.found.len() - 1) }
    }
}

/// Returns the objects when the values of a node are these and nothing else, and have fields.
pub(super) fn objects_only(node: &Node) -> Option<&Objects> {
    let alone = node.booleans.count == 0
        && node.numbers.is_none()
        && node.strings.is_none()
        && node.lists.is_none();
    let objects = node.objects.as_deref().filter(|_| alone)?;
    (objects.opaque.is_none() && !objects.fields.is_empty()).then_some(objects)
}

pub(super) fn column(
    source_name: String,
    name: String,
    node: &Node,
    options: &JsonSchemaOptions,
    complete: bool,
) -> JsonColumn {
    let mut notes = Vec::new();
    let (found_shape, mut why) = match options.types {
        TypePolicy::Text => text_shape(node),
        TypePolicy::Infer => infer_shape(node, &source_name, &mut notes, MAX_PARQUET_LEVELS),
    };
    let found_type = found_shape.column_type();
    let wanted = options.wanted.get(&name);
    let forced = wanted.is_some_and(|wanted| !wanted.is_met_by(&found_type, None));
    if !complete && options.types == TypePolicy::Infer {
        why.push_str(match forced {
            false => "; decided on a sample, and every later record was checked",
            // Those are held against the type that was asked for, and not against this one.
            true => "; so far as a sample shows",
        });
    }
    for note in notes {
        why.push_str("; ");
        why.push_str(&note);
    }
    let (shape, mut reason) = match wanted {
        Some(wanted) if wanted.by == WantedBy::Option => {
            let shape = Shape::forced(&wanted.column_type, wanted.format, false);
            (shape, "the type was given".to_owned())
        }
        Some(wanted) => {
            let reason = wanted.reason(&found_type, &why);
            let shape = if forced {
                Shape::forced(&wanted.column_type, wanted.format, wanted.exact())
            } else {
                found_shape
            };
            (shape, reason)
        }
        None => (found_shape, why.clone()),
    };
    if name != source_name {
        reason.push_str(match source_name.as_str() {
            "" => "; the name is empty",
            _ if source_name.contains('\0') => "; the name holds a zero byte",
            _ => "; another name differs from this one in case only",
        });
    }
    JsonColumn {
        found: Found { name: name.clone(), column_type: found_type.to_string(), reason: why },
        column_type: shape.column_type(),
        name,
        source_name,
        reason,
        shape,
        forced,
    }
}

/// Returns how a column is read when all columns are text.
fn text_shape(node: &Node) -> (Shape, String) {
    let nested = node.objects.is_some() || node.lists.is_some();
    if nested {
        (Shape::Json, "all columns are text as asked for, nested values as JSON".to_owned())
    } else {
        (Shape::Scalar, "all columns are text as asked for".to_owned())
    }
}

/// Returns how the values of a node are read, and why. Notes are added about what is inside of
/// them. `levels` are those of groups in the schema of Parquet that are left.
fn infer_shape(node: &Node, path: &str, notes: &mut Vec<String>, levels: usize) -> (Shape, String) {
    let mut kinds = kinds(node);
    kinds.sort_by_key(|kind| kind.seen.first.as_ref().map_or(0, |first| first.record));
    match kinds.as_slice() {
        [] if node.nulls > 0 => (Shape::Null, "there are no values, only nulls".to_owned()),
        [] => (Shape::Null, "there are no values".to_owned()),
        [kind] => match &kind.what {
            What::Booleans => {
                (Shape::Boolean, format!("all {} values are true or false", kind.seen.count))
            }
            What::Numbers(shape) => shape.clone(),
            What::Strings(strings) => string_shape(strings),
            What::Lists(lists) => list_shape(lists, path, notes, levels),
            What::Objects(objects) => object_shape(objects, path, notes, levels),
        },
        [one, other, ..] => {
            let place = |kind: &Kind<'_>| match &kind.seen.first {
                Some(Place { record, text }) => {
                    format!("record {record} has {}, `{text}`", kind.noun)
                }
                None => format!("there is {}", kind.noun),
            };
            let reason = format!("{}, and {}; kept as JSON", place(one), place(other));
            (Shape::Json, reason)
        }
    }
}

/// A kind of values that a node has.
struct Kind<'a> {
    what: What<'a>,
    noun: &'static str,
    seen: &'a Seen,
}

enum What<'a> {
    Booleans,
    Numbers((Shape, String)),
    Strings(&'a Strings),
    Lists(&'a Lists),
    Objects(&'a Objects),
}

fn kinds(node: &Node) -> Vec<Kind<'_>> {
    let mut kinds = Vec::new();
    if node.booleans.count > 0 {
        kinds.push(Kind { what: What::Booleans, noun: "a boolean", seen: &node.booleans });
    }
    if let Some(numbers) = &node.numbers {
        let verdict = numbers.evidence.verdict();
        let shape = match verdict.column_type {
            ColumnType::BigInt => Shape::BigInt,
            ColumnType::UBigInt => Shape::UBigInt,
            ColumnType::Decimal { precision, scale } => Shape::Decimal { precision, scale },
            ColumnType::Double => Shape::Double,
            _ => Shape::Number,
        };
        let what = What::Numbers((shape, verdict.reason));
        kinds.push(Kind { what, noun: "a number", seen: &numbers.seen });
    }
    if let Some(strings) = &node.strings {
        let what = What::Strings(strings);
        kinds.push(Kind { what, noun: "a string", seen: &strings.seen });
    }
    if let Some(lists) = &node.lists {
        kinds.push(Kind { what: What::Lists(lists), noun: "an array", seen: &lists.seen });
    }
    if let Some(objects) = &node.objects {
        let what = What::Objects(objects);
        kinds.push(Kind { what, noun: "an object", seen: &objects.seen });
    }
    kinds
}

fn string_shape(strings: &Strings) -> (Shape, String) {
    let shape = match strings.forms {
        Forms::DATE => Shape::Date,
        Forms::TIMESTAMP => Shape::Timestamp,
        Forms::TIMESTAMPTZ => Shape::TimestampTz,
        _ => Shape::Text,
    };
    let count = strings.seen.count;
    let reason = match (&shape, &strings.stopped) {
        (Shape::Date, _) => format!("all {count} values are dates, year first"),
        (Shape::Timestamp, _) => format!("all {count} values are timestamps without a zone"),
        (Shape::TimestampTz, _) => {
            format!("all {count} values are timestamps with a zone, kept as instants")
        }
        (_, Some((place, before))) => {
            let form = before.describe();
            format!("record {} has `{}`, which is not {form}", place.record, place.text)
        }
        (_, None) => format!("all {count} values are strings"),
    };
    (shape, reason)
}

fn list_shape(
    lists: &Lists,
    path: &str,
    notes: &mut Vec<String>,
    levels: usize,
) -> (Shape, String) {
    if let Some(opaque) = &lists.opaque {
        let reason = format!("{}, as record {} shows; kept as JSON", opaque.why, opaque.record);
        return (Shape::Json, reason);
    }
    let Some(levels) = levels.checked_sub(2) else { return too_deep(&lists.seen) };
    let count = lists.seen.count;
    let (items, reason) = infer_shape(&lists.items, &format!("{path}[]"), notes, levels);
    if items == Shape::Json && reason.starts_with(TOO_DEEP) {
        // What lies between says nothing more.
        return (items, reason);
    }
    if items == Shape::Json {
        // A list of texts of JSON would only be harder to read than the text of the list.
        return (Shape::Json, format!("all {count} values are arrays, and in them {reason}"));
    }
    (Shape::List(Box::new(items)), format!("all {count} values are arrays, and in them {reason}"))
}

fn object_shape(
    objects: &Objects,
    path: &str,
    notes: &mut Vec<String>,
    levels: usize,
) -> (Shape, String) {
    /// More would be a report, not a reason.
    const NOTES: usize = 3;
    let count = objects.seen.count;
    if let Some(opaque) = &objects.opaque {
        let reason = format!("{}, as record {} shows; kept as JSON", opaque.why, opaque.record);
        return (Shape::Json, reason);
    }
    if objects.fields.is_empty() {
        return (Shape::EmptyObject, format!("all {count} values are empty objects; kept as JSON"));
    }
    let Some(levels) = levels.checked_sub(1) else { return too_deep(&objects.seen) };
    let names = unique_names(objects.fields.iter().map(|field| &*field.name));
    let members = objects.fields.iter().zip(names).map(|(field, name)| {
        let path = format!("{path}.{}", field.name);
        let (shape, reason) = infer_shape(&field.node, &path, notes, levels);
        if shape == Shape::Json && notes.len() < NOTES {
            notes.push(format!("`{path}` is JSON: {reason}"));
        }
        Member { source: field.name.clone().into_string(), name, shape }
    });
    let members: Vec<Member> = members.collect();
    let reason = format!("all {count} values are objects, with {} fields together", members.len());
    (Shape::Struct(members), reason)
}

/// Returns how values are read that are nested deeper than readers of Parquet go.
fn too_deep(seen: &Seen) -> (Shape, String) {
    let place = match &seen.first {
        Some(first) => format!(", as record {} shows", first.record),
        None => String::new(),
    };
    (Shape::Json, format!("{TOO_DEEP}{place}; kept as JSON"))
}
