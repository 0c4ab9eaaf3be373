//! The columns of several inputs as those of one table.
//!
//! Start at [`Union`]. What was seen of the columns of each input is added to it, by the names of the
//! columns, and the types are those that one input with the records of all of them would get. What comes
//! out, [`United`], is what each input is then read as. Names that differ in case only are one column,
//! because no output can have both.

pub(crate) mod typed;

use std::{collections::HashMap, sync::Arc};

use arrow::datatypes::{Field, Schema, SchemaRef};

use crate::{
    ColumnPlan, ConvertOptions, Error, TypePolicy,
    read::{
        csv::{
            decode::CsvColumn,
            infer::CsvObservation,
            plan::{CsvColumns, plan_columns},
        },
        json::{FeaturesSeen, JsonObservation, JsonSchema, JsonSchemaOptions, name_columns},
        lattice::Evidence,
        table::{ColumnOptions, Found, wanted_types},
        unite::typed::{ReadColumn, TypedColumn, TypedSeen},
        workbook::{SheetColumns, SheetSeen},
    },
    readers,
};

/// What was seen of the columns of an input.
#[derive(Debug)]
pub(crate) enum Seen {
    /// Of delimited text.
    Text {
        /// Of each column.
        observed: CsvObservation,
    },
    /// Of JSON.
    Json {
        /// Of the records as they are.
        observed: Box<JsonObservation>,
    },
    /// Of GeoJSON.
    Geo {
        /// What the features are.
        features: FeaturesSeen,
        /// Of the records as they are.
        observed: Box<JsonObservation>,
    },
    /// Of a sheet.
    Sheet {
        /// Of each column.
        seen: SheetSeen,
    },
    /// Of a Parquet file.
    Typed {
        /// Its columns.
        columns: Vec<TypedColumn>,
    },
}

/// Columns that grow with each input.
#[derive(Debug, Default)]
pub(crate) struct Union {
    columns: Vec<Column>,
    places: HashMap<String, usize>,
    merged: Option<Merged>,
    inputs: u64,
    /// Not all records of all inputs were seen.
    is_partial: bool,
}

/// A column, and what the inputs say of it, each by itself.
#[derive(Debug)]
struct Column {
    name: String,
    kinds: Vec<Kind>,
    inputs: u64,
}

/// A type that inputs have for a column.
#[derive(Debug)]
struct Kind {
    column_type: String,
    reason: String,
    /// The first input that has it.
    first: String,
    inputs: u64,
}

#[derive(Debug)]
enum Merged {
    Text(CsvObservation),
    Json(Box<JsonObservation>),
    Geo(FeaturesSeen, Box<JsonObservation>),
    Sheet(SheetSeen),
    Typed(TypedSeen),
}

/// The columns of one table of several inputs.
#[derive(Debug)]
pub(crate) struct United {
    /// The columns of the output.
    pub(crate) columns: Vec<ColumnPlan>,
    /// The schema that rows of all inputs have, where we hand them over.
    pub(crate) schema: SchemaRef,
    /// Types were asked for that can be read only when all values were looked at.
    pub(crate) needs_whole: bool,
    places: HashMap<String, usize>,
    how: How,
}

#[derive(Debug)]
enum How {
    Text(Vec<CsvColumn>),
    Json(Arc<JsonSchema>),
    Sheet(SheetColumns),
    Typed(Vec<ReadColumn>),
}

impl Union {
    /// Adds what was seen of an input. `found` is what it has for its columns by itself, and `complete` says
    /// that all of its records were seen.
    ///
    /// # Errors
    /// Hands back what the inputs before it are when they are of another sort.
    pub(crate) fn add(
        &mut self,
        input: &str,
        seen: Seen,
        found: &[Found],
        complete: bool,
    ) -> Result<(), &'static str> {
        match (&self.merged, &seen) {
            (None, _)
            | (Some(Merged::Text(_)), Seen::Text { .. })
            | (Some(Merged::Json(_)), Seen::Json { .. })
            | (Some(Merged::Sheet(_)), Seen::Sheet { .. })
            | (Some(Merged::Typed(_)), Seen::Typed { .. }) => {}
            (Some(Merged::Geo(known, _)), Seen::Geo { features, .. }) if known.fits(features) => {}
            (Some(merged), _) => return Err(merged.name()),
        }
        self.inputs += 1;
        self.is_partial |= !complete;
        let places = self.places_of(input, &seen, found);
        match (&mut self.merged, seen) {
            (Some(Merged::Text(merged)), Seen::Text { observed }) => {
                add_text(merged, observed, &places);
            }
            (
                Some(Merged::Json(merged) | Merged::Geo(_, merged)),
                Seen::Json { observed } | Seen::Geo { observed, .. },
            ) => merged.merge(*observed),
            (Some(Merged::Sheet(merged)), Seen::Sheet { seen }) => merged.merge(&seen, &places),
            (Some(Merged::Typed(merged)), Seen::Typed { columns }) => {
                merged.add(input, columns, &places);
            }
            (merged, Seen::Text { observed }) => {
                let mut all = CsvObservation::default();
                add_text(&mut all, observed, &places);
                *merged = Some(Merged::Text(all));
            }
            (merged, Seen::Json { observed }) => *merged = Some(Merged::Json(observed)),
            (merged, Seen::Geo { features, observed }) => {
                *merged = Some(Merged::Geo(features, observed));
            }
            (merged, Seen::Sheet { seen }) => {
                let mut all = SheetSeen::default();
                all.merge(&seen, &places);
                *merged = Some(Merged::Sheet(all));
            }
            (merged, Seen::Typed { columns }) => {
                let mut all = TypedSeen::default();
                all.add(input, columns, &places);
                *merged = Some(Merged::Typed(all));
            }
        }
        Ok(())
    }

    /// Returns the places of the columns of an input among those of all.
    fn places_of(&mut self, input: &str, seen: &Seen, found: &[Found]) -> Vec<usize> {
        let is_empty = |at: usize| match seen {
            Seen::Text { observed } => observed.columns.get(at).is_none_or(Evidence::is_empty),
            Seen::Sheet { seen } => seen.is_empty(at),
            Seen::Typed { columns } => {
                columns.get(at).is_none_or(|column| column.kind == readers::Kind::Null)
            }
            Seen::Json { .. } | Seen::Geo { .. } => false,
        };
        let mut places = Vec::with_capacity(found.len());
        for (at, found) in found.iter().enumerate() {
            let place = *self.places.entry(found.name.to_lowercase()).or_insert_with(|| {
                self.columns.push(Column {
                    name: found.name.clone(),
                    kinds: Vec::new(),
                    inputs: 0,
                });
                self.columns.len() - 1
            });
            places.push(place);
            let column = &mut self.columns[place];
            column.inputs += 1;
            if is_empty(at) {
                continue;
            }
            let same = |kind: &&mut Kind| kind.column_type == found.column_type;
            match column.kinds.iter_mut().find(same) {
                Some(kind) => kind.inputs += 1,
                None => column.kinds.push(Kind {
                    column_type: found.column_type.clone(),
                    reason: found.reason.clone(),
                    first: input.to_owned(),
                    inputs: 1,
                }),
            }
        }
        places
    }

    /// Returns whether an input has a column of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.name == name)
    }

    /// Decides what each column becomes. `input` is what errors call all inputs together.
    ///
    /// # Errors
    /// Fails when an option names a column that no input has, or a type that cannot be read.
    pub(crate) fn finish(&self, options: &ConvertOptions, input: &str) -> Result<United, Error> {
        let names: Vec<String> = self.columns.iter().map(|column| column.name.clone()).collect();
        let whole = !self.is_partial;
        let none = || Error::Internal("there is nothing to be united".to_owned());
        let mut united = match self.merged.as_ref().ok_or_else(none)? {
            Merged::Text(observed) => {
                let column_options = ColumnOptions::new(options, &names, input)?;
                let CsvColumns { plans, columns, needs_whole, .. } =
                    plan_columns(&names, observed, &column_options, options, whole)?;
                let fields: Vec<Field> = columns
                    .iter()
                    .map(|it| Field::new(&it.name, it.column_type.to_arrow(), true))
                    .collect();
                United {
                    columns: plans,
                    schema: Arc::new(Schema::new(fields)),
                    needs_whole,
                    places: HashMap::new(),
                    how: How::Text(columns),
                }
            }
            Merged::Sheet(seen) => {
                let column_options = ColumnOptions::new(options, &names, input)?;
                let (plans, columns) = seen.plan(&names, &column_options, options, whole)?;
                United {
                    columns: plans,
                    schema: Arc::new(Schema::new(columns.fields())),
                    needs_whole: false,
                    places: HashMap::new(),
                    how: How::Sheet(columns),
                }
            }
            Merged::Typed(seen) => {
                let (plans, columns) = seen.finish(&names, options, input)?;
                United {
                    columns: plans,
                    schema: Arc::new(Schema::empty()),
                    needs_whole: false,
                    places: HashMap::new(),
                    how: How::Typed(columns),
                }
            }
            Merged::Json(observed) => {
                let schema_options = JsonSchemaOptions {
                    types: options.types,
                    wanted: wanted_types(options)?,
                    flatten: options.json.flatten,
                };
                of_json(observed.finish(&schema_options, whole), options, input)?
            }
            Merged::Geo(features, observed) => {
                of_json(features.schema(observed, options, whole)?, options, input)?
            }
        };
        if united.places.is_empty() {
            united.places.clone_from(&self.places);
        }
        self.tell(&mut united.columns, options);
        Ok(united)
    }

    /// Adds to the reasons what the inputs say, each by itself, where that is not the same.
    fn tell(&self, plans: &mut [ColumnPlan], options: &ConvertOptions) {
        for plan in plans {
            let key = plan.source_name.to_lowercase();
            let Some(column) = self.places.get(&key).map(|place| &self.columns[*place]) else {
                continue;
            };
            let is_given = options.types == TypePolicy::Text
                || options.type_overrides.iter().any(|(name, _)| *name == plan.source_name);
            if column.kinds.len() > 1 && !is_given {
                plan.reason = column.reason(plan, matches!(self.merged, Some(Merged::Typed(_))));
            }
            if column.inputs < self.inputs {
                let text = format!("; {} of {} have it", column.inputs, self.inputs);
                plan.reason.push_str(&text);
            }
        }
    }
}

impl Column {
    /// Says which inputs say what, and why the type is the one that holds all. What inputs say of types
    /// that they have already is no reason.
    fn reason(&self, plan: &ColumnPlan, is_typed: bool) -> String {
        let kinds: Vec<String> = self.kinds.iter().map(Kind::describe).collect();
        let decisive = |kind: &&Kind| !is_typed && kind.column_type == plan.column_type;
        let decisive = self.kinds.iter().find(decisive);
        let why = decisive.map_or(plan.reason.as_str(), |kind| &kind.reason);
        format!("{}; {why}", kinds.join(", "))
    }
}

impl Kind {
    fn describe(&self) -> String {
        let Self { column_type, first, inputs, .. } = self;
        match inputs {
            1 => format!("{column_type} in `{first}`"),
            inputs => format!("{column_type} in `{first}` and {} more", inputs - 1),
        }
    }
}

impl Merged {
    fn name(&self) -> &'static str {
        match self {
            Self::Text(_) => "delimited text",
            Self::Json(_) => "JSON",
            Self::Geo(..) => "GeoJSON, of one sort and with one reference system",
            Self::Sheet(_) => "workbooks",
            Self::Typed(_) => "Parquet",
        }
    }
}

fn add_text(merged: &mut CsvObservation, later: CsvObservation, places: &[usize]) {
    merged.records += later.records;
    for (evidence, place) in later.columns.into_iter().zip(places) {
        if merged.columns.len() <= *place {
            merged.columns.resize(place + 1, Evidence::default());
        }
        merged.columns[*place].merge(evidence);
    }
}

fn of_json(mut schema: JsonSchema, options: &ConvertOptions, input: &str) -> Result<United, Error> {
    let columns = name_columns(&mut schema, options, input)?;
    // Their order is that of the fields, which inputs may have in another one.
    let names = schema.columns.iter().map(|column| column.found.name.to_lowercase());
    let places = names.zip(0..).collect();
    Ok(United {
        columns,
        schema: schema.arrow_schema(),
        needs_whole: false,
        places,
        how: How::Json(Arc::new(schema)),
    })
}

impl United {
    /// Returns the plans of columns of these names, and how they are read as delimited text.
    ///
    /// # Errors
    /// Fails when they are columns of another sort of input, or others than were united.
    pub(crate) fn text_columns(
        &self,
        names: &[String],
    ) -> Result<(Vec<ColumnPlan>, Vec<CsvColumn>), Error> {
        let How::Text(columns) = &self.how else { return Err(misused()) };
        self.of(names, |place| columns.get(place).cloned())
    }

    /// Returns the plans of columns of these names, and how they are read from a sheet.
    ///
    /// # Errors
    /// As [`United::text_columns`].
    pub(crate) fn sheet_columns<T>(
        &self,
        names: &[String],
        get: impl Fn(&SheetColumns, usize) -> Option<T>,
    ) -> Result<(Vec<ColumnPlan>, Vec<T>), Error> {
        let How::Sheet(columns) = &self.how else { return Err(misused()) };
        self.of(names, |place| get(columns, place))
    }

    /// Returns how records of JSON are read.
    ///
    /// # Errors
    /// Fails when the columns are those of another sort of input.
    pub(crate) fn json_schema(&self) -> Result<Arc<JsonSchema>, Error> {
        match &self.how {
            How::Json(schema) => Ok(Arc::clone(schema)),
            _ => Err(misused()),
        }
    }

    /// Returns how the columns of Parquet files are read, if it is those.
    pub(crate) fn typed_columns(&self) -> Option<&[ReadColumn]> {
        match &self.how {
            How::Typed(columns) => Some(columns),
            _ => None,
        }
    }

    /// Returns the place of a column by its name in an input.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.places.get(&name.to_lowercase()).copied()
    }

    fn of<T>(
        &self,
        names: &[String],
        get: impl Fn(usize) -> Option<T>,
    ) -> Result<(Vec<ColumnPlan>, Vec<T>), Error> {
        let found = names.iter().map(|name| {
            let place = self.place(name)?;
            let plan = ColumnPlan { source_name: name.clone(), ..self.columns.get(place)?.clone() };
            Some((plan, get(place)?))
        });
        Ok(found.collect::<Option<Vec<_>>>().ok_or_else(misused)?.into_iter().unzip())
    }
}

fn misused() -> Error {
    Error::Internal("an input has other columns than were united".to_owned())
}
