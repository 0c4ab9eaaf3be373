//! Parquet inputs of a table of several inputs.
//!
//! DuckDB reads all of them one behind the other, as it reads a single one, and their footers say beforehand
//! what must come out. In the first pass a footer is looked at ([`Many::look_into_file`]); the second is one
//! statement ([`Conversion::copy_files`]), for which each object is opened when its turn has come.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Instant,
};

use arrow::{array::Array, util::display::array_value_to_string};
use async_trait::async_trait;

use super::{
    Conversion, CopiedParts, Failed, Many,
    extra::Extras,
    facts, fault,
    look::{LeftOutParts, Looked, Survey},
    object::PartObject,
    part::{Part, not_read},
    rows::Pass,
};
use crate::{
    ColumnPlan, ColumnType, Counts, Decision, Error, Format, ObjectReader, ObjectWriter, Result,
    Stage, TypePolicy,
    engine::{
        check::columns_of,
        copy::ReadByEngine,
        files::LateInputs,
        fit::{FittedValues, Given},
        geo::GeoMetadata,
        input::OpenInput,
        parquet::{
            check_policy, geo_of, geometry_system, input_columns, input_footer, lossy,
            other_geometry,
        },
        run::Feed,
        sql::inputs as sql,
        tally::Tally,
        verify::null_count,
    },
    read::{
        table::Found,
        unite::{
            Seen,
            typed::{ReadColumn, TypedColumn, shown},
        },
    },
    readers::Kind,
};

/// What the footer of a Parquet input says.
#[derive(Debug)]
pub(super) struct FilePart {
    object: Arc<PartObject>,
    rows: u64,
    /// The nulls of each column where they are told, by its name in small letters.
    nulls: HashMap<String, Option<u64>>,
    /// What it says of columns of geometries.
    geo: Option<String>,
    /// It is unpacked each time that it is opened.
    is_packed: bool,
    is_local: bool,
}

impl FilePart {
    /// Returns what it says of columns of geometries, if it has any of which that could be wrong.
    pub(super) fn geometries(&self) -> Option<Option<&str>> {
        (self.rows > 0).then_some(self.geo.as_deref())
    }
}

impl Many {
    /// Looks at the footer of a part that is Parquet.
    pub(super) fn look_into_file(
        &self,
        part: &Part,
        opened: &OpenInput,
        object: Arc<PartObject>,
    ) -> Result<(Looked, Seen)> {
        check_policy(&self.all_options)?;
        let name = part.name();
        let footer = input_footer(&opened.object, &name, &self.runtime)?;
        let (mut found, mut columns, mut nulls) = (Vec::new(), Vec::new(), HashMap::new());
        let kinds = columns_of(&footer);
        let arrow = input_columns(&footer, &name)?;
        if arrow.len() != kinds.len() {
            let source = "its schema is read in two ways".into();
            return Err(Error::BadParquet { input: name, source });
        }
        for (column, file_column) in arrow.into_iter().zip(kinds) {
            let is_given = self.all_options.types == TypePolicy::Text
                || self.all_options.type_overrides.iter().any(|(it, _)| *it == column.name);
            let kind = read_kind(&file_column.kind);
            let is_named = kind == Kind::Geometry || kind.rewritten().sql().is_some();
            let unread = lossy(&column.kind)
                .or_else(|| other_geometry(&footer, column.index).filter(|_| !is_given))
                .or_else(|| (!is_named).then(|| shown(&kind)));
            if let Some(found) = unread {
                return Err(Error::Unconvertible { input: name, column: column.name, found });
            }
            if column.name != column.written {
                return Err(Error::Request {
                    message: format!(
                        "column {} of `{name}` has no name by which it could be united with others",
                        column.index + 1
                    ),
                    hint: Some("convert that input by itself, which gives it one".to_owned()),
                });
            }
            let known = null_count(&footer, &column.written);
            if nulls.insert(column.name.to_lowercase(), known).is_some() {
                return Err(Error::Request {
                    message: format!(
                        "`{name}` has two columns `{}`, and the columns of several inputs are united \
                         by name, whatever its case",
                        column.name
                    ),
                    hint: Some("convert that input by itself, with `--rename`".to_owned()),
                });
            }
            let exact = (kind == Kind::Geometry).then(|| {
                let system = geometry_system(&footer, file_column.first_leaf);
                sql::geometry(system.filter(|system| system.trim_start().starts_with('{')))
            });
            found.push(Found {
                name: column.name,
                column_type: shown(&kind),
                reason: "as in the input".to_owned(),
            });
            columns.push(TypedColumn { written: column.written, kind, exact });
        }
        self.runtime.block_on(object.check_unchanged()).map_err(not_read)?;
        let is_local = object.is_local();
        let held = opened.head();
        if !is_local
            && opened.held_bytes() == 0
            && opened.is_small()
            && self.may_hold(held.len() as u64)
        {
            object.hold(held.to_vec().into());
        }
        object.close();
        let rows = u64::try_from(footer.file_metadata().num_rows()).unwrap_or(0);
        let bytes: i64 = footer.row_groups().iter().map(|group| group.total_byte_size()).sum();
        let row_bytes = u64::try_from(bytes).unwrap_or(0).checked_div(rows).unwrap_or(0);
        let file = FilePart {
            rows,
            nulls,
            geo: geo_of(&footer).map(str::to_owned),
            is_packed: opened.held_bytes() > 0,
            is_local,
            object: Arc::clone(&object),
        };
        let looked = Looked {
            format: Format::Parquet,
            info: object.info().clone(),
            decisions: opened.decisions(),
            found,
            is_complete: true,
            is_small: true,
            row_bytes,
            kept: Mutex::new(None),
            file: Some(file),
        };
        Ok((looked, Seen::Typed { columns }))
    }
}

/// Returns what a column is when DuckDB has read it. Nothing but nulls stays that.
fn read_kind(kind: &Kind) -> Kind {
    kind.mapped(&mut |part| match part {
        Kind::Null | Kind::List(_) | Kind::Map(..) | Kind::Struct(_) => part,
        leaf => leaf.rewritten(),
    })
}

/// The parts, as DuckDB opens them.
struct Files {
    many: Arc<Many>,
    parts: Arc<Vec<Part>>,
    survey: Arc<Survey>,
}

#[async_trait]
impl LateInputs for Files {
    fn find(&self, name: &str) -> Option<usize> {
        sql::input_number(name).filter(|number| self.file(*number).is_some())
    }

    async fn open(&self, number: usize) -> Result<Arc<dyn ObjectReader>> {
        let unknown = || Error::Internal("an input was not looked at".to_owned());
        let file = self.file(number).ok_or_else(unknown)?;
        let object = file.object.again().await.map_err(not_read)?;
        if !file.is_packed {
            return Ok(object);
        }
        let part = &self.parts[number];
        let mut unpacking = self.many.unpacking.clone();
        unpacking.found.clone_from(&part.member);
        let (path, location) = (&part.input.path, part.location.clone());
        let format = Some(Format::Parquet);
        Ok(OpenInput::of(object, path, location, format, unpacking).await?.object)
    }
}

impl Files {
    fn file(&self, number: usize) -> Option<&FilePart> {
        self.survey.looked.get(&number)?.file.as_ref()
    }
}

/// What is read of the parts, and what is made of it.
struct Reading<'a> {
    read: Vec<sql::ReadAs<'a>>,
    /// What each column of the output is, and the expression for it.
    values: Vec<(Kind, String)>,
}

impl<'a> Reading<'a> {
    fn of(
        columns: &'a [ReadColumn],
        names: impl Iterator<Item = &'a String>,
        extras: &Extras,
        numbers: &[usize],
    ) -> Result<Self> {
        let (mut read, mut values) = (Vec::new(), Vec::new());
        for (column, name) in columns.iter().zip(names) {
            let ReadColumn { spellings, kind, read_as, given, is_numbers } = column;
            let value = sql::one_of(read.len(), spellings.len());
            read.extend(spellings.iter().map(|name| sql::ReadAs { name, column_type: read_as }));
            values.push(match given {
                Some(given) if *is_numbers => (Kind::of_engine(given), sql::double(&value, name)),
                Some(given) => {
                    // Text has many ways to write one value, so only other types are led back.
                    let is_text = matches!(kind, Kind::Text | Kind::Enum | Kind::Json);
                    let back = kind.sql().filter(|_| !is_text && *read_as != given.to_string());
                    (Kind::of_engine(given), sql::cast(&value, name, given, back.as_deref()))
                }
                None => (kind.clone(), value),
            });
        }
        for (at, plan) in extras.columns.iter().enumerate() {
            let kind = plan.column_type.parse::<ColumnType>();
            let kind = kind.map_or(Kind::Text, |kind| Kind::of_stream(&kind));
            let of_parts: Result<Vec<Option<String>>> =
                numbers.iter().map(|number| extra_value(extras, *number, at)).collect();
            let value = sql::of_input(&of_parts?, &shown(&kind));
            values.push((kind, value));
        }
        Ok(Self { read, values })
    }

    /// Returns the query for values of the rows of these parts.
    fn select(&self, selected: &[String], numbers: &[usize]) -> String {
        sql::select_inputs(selected, numbers, &self.read)
    }
}

/// Returns the value of an extra column in all rows of a part, as text.
fn extra_value(extras: &Extras, number: usize, at: usize) -> Result<Option<String>> {
    let value = extras.values(number).get(at).filter(|value| value.is_valid(0));
    let text = value.map(|value| array_value_to_string(value, 0)).transpose();
    text.map_err(|error| Error::Internal(error.to_string()))
}

impl Conversion {
    /// Copies the rows of all parts, which are Parquet.
    pub(super) fn copy_files(
        &self,
        parts: &Arc<Vec<Part>>,
        survey: &Arc<Survey>,
        left_out: &LeftOutParts,
        writer: Box<dyn ObjectWriter>,
    ) -> Result<CopiedParts, Failed> {
        let Self { run, many, inputs, options, .. } = self;
        let numbers: Vec<usize> = survey.looked.keys().copied().collect();
        let united = &survey.united;
        let columns = united.typed_columns().unwrap_or_default();
        if columns.is_empty() {
            return Err(Error::request(format!("`{}` have no columns", many.name)).into());
        }
        let extras = Extras::of(inputs, parts, &numbers, &united.columns, options)?;
        let names = united.columns.iter().map(|column| &column.source_name);
        let reading = Reading::of(columns, names, &extras, &numbers)?;
        let plans = united.columns.iter().chain(&extras.columns).cloned().collect();
        let readers = &options.writing.readers;
        let fitted = FittedValues::of(readers, plans, reading.values.clone(), &Given::of(options))?;
        let common = facts::common_decisions(survey);
        let told: Vec<Decision> = vec![super::united_decision(&numbers, left_out)];
        let decisions = [told, common.clone(), fitted.decisions].concat();
        let nulls = nulls(survey, &extras, &fitted.columns);
        let geo = self.geo(survey, columns);
        let source = facts::source(&many.name, parts, survey, left_out);
        let plan = run.plan(source, decisions, fitted.columns, geo)?;
        let inspected = Instant::now();
        run.control.reporter.stage(Stage::Converting);
        let files: Arc<dyn LateInputs> = Arc::new(Files {
            many: Arc::clone(many),
            parts: Arc::clone(parts),
            survey: Arc::clone(survey),
        });
        let bytes = survey.looked.values().map(|part| part.info.size).sum();
        let feed = Feed::Objects {
            objects: Arc::clone(&files),
            select: reading.select(&fitted.selected, &numbers),
            read: ReadByEngine { location: &many.name, bytes },
        };
        let rows = match run.copy(feed, &plan, super::row_bytes(survey), writer) {
            Ok(copied) => copied,
            Err(error) if fault::may_be_of_one(&error) => {
                let query = |number| {
                    let select = reading.select(&fitted.selected, &[number]);
                    sql::read_through(&select, fitted.selected.len())
                };
                return Err(self.at_fault(error, parts, survey, &files, &query)?);
            }
            Err(error) => return Err(error.into()),
        };
        self.check_unchanged(survey)?;
        let mut pass = Pass::default();
        let mut counts = Counts::default();
        for (number, part) in &survey.looked {
            let rows = part.file.as_ref().map_or(0, |file| file.rows);
            let of_part = Counts { records: rows, decoded: rows, ..Counts::default() };
            counts.records += rows;
            counts.decoded += rows;
            pass.tallies.insert(*number, Tally { counts: of_part, ..Tally::default() });
        }
        let inputs = facts::of_parts(parts, survey, &common, &mut pass, left_out);
        let tally = Tally { counts, ..Tally::default() };
        Ok(CopiedParts { plan, rows, tally, nulls, inputs, inspected })
    }

    /// Returns the metadata of GeoParquet for columns that are kept as they are.
    fn geo(&self, survey: &Survey, columns: &[ReadColumn]) -> Option<String> {
        let json = survey.geo.json()?;
        let pairs = survey.united.columns.iter().zip(columns);
        let kept: Vec<(String, String)> = pairs
            .filter(|(_, column)| column.given.is_none())
            .map(|(plan, _)| (plan.source_name.clone(), plan.name.clone()))
            .collect();
        GeoMetadata::carried_over(&json, &kept)
    }

    /// Checks that no part is another one than when it was looked at. Far away that was found out by every
    /// read.
    fn check_unchanged(&self, survey: &Survey) -> Result<()> {
        let files = survey.looked.values().filter_map(|part| part.file.as_ref());
        for file in files.filter(|file| file.is_local) {
            let now = self.run.runtime.block_on(file.object.again()).map_err(not_read)?;
            self.run.runtime.block_on(now.check_unchanged()).map_err(not_read)?;
        }
        Ok(())
    }
}

/// Returns the nulls of each column of the output, where all parts tell them.
fn nulls(survey: &Survey, extras: &Extras, columns: &[ColumnPlan]) -> Vec<(String, Option<u64>)> {
    let files = || survey.looked.iter().filter_map(|(at, part)| Some((at, part.file.as_ref()?)));
    let mut counted = Vec::with_capacity(columns.len());
    for column in &survey.united.columns {
        let name = column.source_name.to_lowercase();
        // What a part lacks is null in all of its rows.
        let of_file = |file: &FilePart| file.nulls.get(&name).copied().unwrap_or(Some(file.rows));
        counted.push(files().map(|(_, file)| of_file(file)).sum());
    }
    for at in 0..extras.columns.len() {
        let is_null = |number: &usize| extras.values(*number)[at].is_null(0);
        let rows = files().filter(|(number, _)| is_null(number)).map(|(_, file)| file.rows);
        counted.push(Some(rows.sum()));
    }
    columns.iter().map(|column| column.name.clone()).zip(counted).collect()
}
