//! Parquet as an input: DuckDB reads it, and its footer says beforehand what must come out.

use std::sync::Arc;

use arrow::datatypes::DataType;
use parquet::{
    arrow::parquet_to_arrow_schema, basic::LogicalType, file::metadata::ParquetMetaData,
};
use tokio::runtime::Handle;

use crate::{
    BadRowPolicy, ColumnPlan, ColumnType, ConvertOptions, Decision, Difference, Drift, Error,
    Expected, ObjectReader, OnDrift, SchemaColumn, TypePolicy,
    engine::{
        check::columns_of,
        contract::drift_decisions,
        fit::{Given, apply, fitted_kind, for_readers, renamed},
        geo::{self, GeoMetadata},
        sql,
        verify::{FooterError, null_count, read_footer},
    },
    read::{
        arrange::missing_column,
        names::usable_name,
        table::{ColumnOptions, WantedBy, check_names},
    },
    readers::Kind,
    schema_file::{self, Seen},
};

/// A Parquet input and what becomes of it.
#[derive(Debug)]
pub(crate) struct ParquetInput {
    /// How the input differs from its schema, where that is accepted.
    pub(crate) decisions: Vec<Decision>,
    /// The columns of the output.
    pub(crate) columns: Vec<ColumnPlan>,
    /// What the input says of columns of geometries that are kept.
    pub(crate) geo: Option<String>,
    /// The query that yields them.
    pub(crate) select: String,
    /// Rows of the input.
    pub(crate) rows: u64,
    /// Rows that the options leave out.
    pub(crate) skipped: u64,
    /// Nulls of each column of the output, where the input tells them.
    pub(crate) nulls: Vec<(String, Option<u64>)>,
    /// About how many bytes a row takes in memory.
    pub(crate) row_bytes: u64,
    /// Rows of its row groups, where all but the last have as many and none is left out of.
    pub(crate) group_rows: Option<u64>,
}

/// Reads the footer of the input.
pub(crate) fn input_footer(
    object: &Arc<dyn ObjectReader>,
    location: &str,
    runtime: &Handle,
) -> Result<ParquetMetaData, Error> {
    let footer = read_footer(object.info().size, |range| runtime.block_on(object.read(range)));
    footer.map_err(|error| match error {
        FooterError::Storage(source) => Error::Storage { role: "could not read the input", source },
        FooterError::Malformed(source) => Error::BadParquet { input: location.to_owned(), source },
    })
}

/// A column of a Parquet input.
#[derive(Debug)]
pub(crate) struct InputColumn {
    /// Its place in the file, from 0.
    pub(crate) index: usize,
    /// Its name in the file.
    pub(crate) written: String,
    /// The name by which it is known here: the same, unless the engine could not say it.
    pub(crate) name: String,
    pub(crate) kind: DataType,
}

/// Returns the columns of a Parquet file.
pub(crate) fn input_columns(
    footer: &ParquetMetaData,
    location: &str,
) -> Result<Vec<InputColumn>, Error> {
    let file = footer.file_metadata();
    let schema = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata()).map_err(
        |error| Error::BadParquet { input: location.to_owned(), source: Box::new(error) },
    )?;
    Ok(schema
        .fields()
        .iter()
        .enumerate()
        .map(|(index, field)| InputColumn {
            index,
            written: field.name().clone(),
            name: usable_name(field.name(), index),
            kind: field.data_type().clone(),
        })
        .collect())
}

impl ParquetInput {
    /// Plans the conversion of a Parquet file.
    ///
    /// # Errors
    /// Fails when an option does not fit, and when DuckDB would not keep a column as it is.
    pub(crate) fn plan(
        footer: &ParquetMetaData,
        location: &str,
        options: &ConvertOptions,
    ) -> Result<Self, Error> {
        check_policy(options)?;
        let found = input_columns(footer, location)?;
        let names: Vec<String> = found.iter().map(|column| column.name.clone()).collect();
        let rows = u64::try_from(footer.file_metadata().num_rows()).unwrap_or(0);
        let skipped = options.skip_rows.iter().filter(|&&row| row < rows).count() as u64;
        let known_nulls = |name: &str| if skipped == 0 { null_count(footer, name) } else { None };
        let (options, drift) = held_against_schema(&found, options, location, rows, known_nulls)?;
        let column_options = ColumnOptions::new(&options, &names, location)?;
        let (mut columns, mut selected, mut nulls) = (Vec::new(), Vec::new(), Vec::new());
        let (mut missing, mut kept) = (Vec::new(), Vec::new());
        let (readers, said) = (&options.writing.readers, Given::of(&options));
        let file_columns = if readers.is_empty() { Vec::new() } else { columns_of(footer) };
        let mut fitting = Vec::new();
        if !readers.is_empty() {
            fitting.push(for_readers(readers));
        }
        for slot in slots(&found, options.expected.as_ref()) {
            let InputColumn { index, written, name, kind } = match slot {
                Slot::Column(column) => column,
                Slot::Missing(column) => {
                    let plan = missing_column(column);
                    let kind = column.column_type.as_ref().unwrap_or(&ColumnType::Varchar);
                    selected.push(sql::null_column(&plan.name, kind));
                    nulls.push((plan.name.clone(), (skipped == 0).then_some(rows)));
                    missing.push(plan.name.clone());
                    columns.push(plan);
                    continue;
                }
            };
            let file_kind = file_columns.get(*index).map(|column| column.kind.rewritten());
            if let Some(found) = lossy(kind) {
                return Err(Error::Unconvertible {
                    input: location.to_owned(),
                    column: name.clone(),
                    found,
                });
            }
            let text = (options.types == TypePolicy::Text).then_some(&ColumnType::Varchar);
            let wanted = column_options.wanted(name);
            if let Some(format) = wanted.and_then(|wanted| wanted.format) {
                return Err(Error::Request {
                    message: format!(
                        "column `{name}` is given the format `{format}`, and the values of a \
                         Parquet file have none"
                    ),
                    hint: Some("leave the format away; formats are for text".to_owned()),
                });
            }
            let own = ColumnType::from_arrow(kind);
            let geometry = other_geometry(footer, *index);
            // What a schema says that is so already needs no cast.
            let met = geometry.is_none()
                && wanted
                    .zip(own.as_ref())
                    .is_some_and(|(wanted, own)| wanted.is_met_by(own, None));
            let given = wanted.map(|wanted| &wanted.column_type).or(text).filter(|_| !met);
            if let (Some(found), None) = (geometry, given) {
                return Err(Error::Unconvertible {
                    input: location.to_owned(),
                    column: name.clone(),
                    found,
                });
            }
            let new_name = column_options.name_of(name);
            let kind_now = given.map(Kind::of_engine).or(file_kind);
            let fitted = match kind_now.filter(|_| !readers.is_empty()) {
                Some(kind) => fitted_kind(readers, (name, new_name), &kind, &said)?,
                None => None,
            };
            let (column_type, reason) = match given {
                // Of what type it is then is said below.
                _ if fitted.is_some() => (String::new(), "as in the input"),
                Some(given) => {
                    // Text has many ways to write one value, so only other types are led back.
                    let back = own.as_ref().filter(|own| {
                        !matches!(own, ColumnType::Varchar | ColumnType::Json) && *own != given
                    });
                    selected.push(sql::cast_column((*index, name), new_name, given, back));
                    let reason = match wanted.map(|wanted| wanted.by) {
                        Some(WantedBy::Schema | WantedBy::ForcingSchema) => "as the schema says",
                        Some(WantedBy::Option) | None => "given",
                    };
                    (given.to_string(), reason)
                }
                None => {
                    kept.push((written.clone(), new_name.to_owned()));
                    selected.push(sql::column(*index, new_name));
                    let shown = own.map_or_else(|| kind.to_string(), |own| own.to_string());
                    (shown, "as in the input")
                }
            };
            let mut column = ColumnPlan {
                name: new_name.to_owned(),
                source_name: written.clone(),
                column_type,
                format: None,
                reason: reason.to_owned(),
            };
            fitting.extend(renamed(readers, &column, &said));
            if let Some(fitted) = fitted {
                let (to, from) = (&fitted.column_type, &fitted.from);
                selected.push(sql::fitted_column(&sql::placed(*index), new_name, to, from));
                apply(&mut column, fitted, &mut fitting);
            }
            columns.push(column);
            nulls.push((new_name.to_owned(), known_nulls(written)));
        }
        if !missing.is_empty() {
            check_names(
                columns.iter().map(|column| (column.source_name.as_str(), column.name.as_str())),
            )?;
        }
        let bytes: i64 = footer.row_groups().iter().map(|group| group.total_byte_size()).sum();
        Ok(Self {
            decisions: drift.iter().flat_map(drift_decisions).chain(fitting).collect(),
            columns,
            geo: geo_of(footer).and_then(|json| GeoMetadata::carried_over(json, &kept)),
            select: sql::select_input(&selected, found.len(), &options.skip_rows),
            group_rows: group_rows(footer).filter(|_| options.skip_rows.is_empty()),
            rows,
            skipped,
            nulls,
            row_bytes: u64::try_from(bytes).unwrap_or(0).checked_div(rows).unwrap_or(0)
                + 16 * found.len() as u64,
        })
    }
}

/// Refuses a policy for records that cannot be read, of which a Parquet file has none.
pub(crate) fn check_policy(options: &ConvertOptions) -> Result<(), Error> {
    if options.on_bad_row == BadRowPolicy::Fail {
        return Ok(());
    }
    Err(Error::Request {
        message: "`--on-bad-row` is for text inputs, and the input is Parquet".to_owned(),
        hint: Some("a Parquet file has no records that cannot be read".to_owned()),
    })
}

/// Returns what a Parquet file says of its columns of geometries.
pub(crate) fn geo_of(footer: &ParquetMetaData) -> Option<&str> {
    let entries = footer.file_metadata().key_value_metadata()?;
    entries.iter().find(|entry| entry.key == geo::KEY)?.value.as_deref()
}

/// Returns the rows of a row group, where all but the last, which may have fewer, have as many.
pub(crate) fn group_rows(footer: &ParquetMetaData) -> Option<u64> {
    let mut rows = footer.row_groups().iter().map(|group| group.num_rows());
    let last = rows.next_back()?;
    let first = rows.next().unwrap_or(last);
    (last <= first && rows.all(|rows| rows == first)).then_some(u64::try_from(first).ok()?)
}

/// Where a column of the output comes from.
enum Slot<'a> {
    /// A column of the input.
    Column(&'a InputColumn),
    /// Nowhere.
    Missing(&'a SchemaColumn),
}

/// Returns the columns of the output: those of a schema first, and then all others of the input.
fn slots<'a>(found: &'a [InputColumn], expected: Option<&'a Expected>) -> Vec<Slot<'a>> {
    let columns = expected.map_or(&[][..], |expected| &expected.columns);
    let known = columns.iter().map(|column| {
        let there = found.iter().find(|found| found.name == column.name);
        there.map_or(Slot::Missing(column), Slot::Column)
    });
    let is_other = |found: &&InputColumn| columns.iter().all(|column| column.name != found.name);
    known.chain(found.iter().filter(is_other).map(Slot::Column)).collect()
}

/// Compares the columns with those that are expected, and returns the options without the types
/// that were accepted as others, and what was accepted.
fn held_against_schema(
    found: &[InputColumn],
    options: &ConvertOptions,
    location: &str,
    rows: u64,
    nulls: impl Fn(&str) -> Option<u64>,
) -> Result<(ConvertOptions, Option<Drift>), Error> {
    let mut options = options.clone();
    let given: Vec<String> = options.type_overrides.iter().map(|(name, _)| name.clone()).collect();
    let Some(expected) = &mut options.expected else { return Ok((options, None)) };
    let types: Vec<String> = found
        .iter()
        .map(|column| {
            let kind = &column.kind;
            ColumnType::from_arrow(kind).map_or_else(|| kind.to_string(), |kind| kind.to_string())
        })
        .collect();
    let seen: Vec<Seen<'_>> = found
        .iter()
        .zip(&types)
        .map(|(column, column_type)| Seen {
            name: &column.name,
            column_type,
            reason: "as in the input",
            nulls: nulls(&column.written),
            is_empty: nulls(&column.written) == Some(rows),
        })
        .collect();
    let mut differences = schema_file::by_type(&expected.columns, &seen);
    // What stands on the command line goes before the schema.
    differences.retain(|difference| match difference {
        Difference::Retyped { column, .. } => !given.contains(column),
        _ => true,
    });
    if differences.is_empty() {
        return Ok((options, None));
    }
    let drift = Drift { differences };
    if expected.on_drift == OnDrift::Fail {
        return Err(Error::Drift { input: location.to_owned(), drift: Box::new(drift) });
    }
    for difference in &drift.differences {
        let Difference::Retyped { column, .. } = difference else { continue };
        for other in expected.columns.iter_mut().filter(|other| other.name == *column) {
            other.column_type = None;
        }
    }
    Ok((options, Some(drift)))
}

/// Names the type of geometries when DuckDB would make another one of it: it knows no geometries on a sphere,
/// and it forgets reference systems that are not defined in the file.
pub(crate) fn other_geometry(footer: &ParquetMetaData, index: usize) -> Option<String> {
    let schema = footer.file_metadata().schema_descr();
    let mut leaves =
        (0..schema.num_columns()).filter(|leaf| schema.get_column_root_idx(*leaf) == index);
    leaves.find_map(|leaf| match schema.column(leaf).logical_type_ref()? {
        LogicalType::Geography(_) => Some("GEOGRAPHY".to_owned()),
        LogicalType::Geometry(own) => {
            let crs = own.crs.as_ref()?;
            (!crs.trim_start().starts_with('{')).then(|| format!("GEOMETRY({crs})"))
        }
        _ => None,
    })
}

/// Returns the reference system of a column of Parquet's own geometries, as the file has it.
pub(crate) fn geometry_system(footer: &ParquetMetaData, leaf: usize) -> Option<&str> {
    let schema = footer.file_metadata().schema_descr();
    let column = (leaf < schema.num_columns()).then(|| schema.columns()[leaf].as_ref())?;
    match column.logical_type_ref()? {
        LogicalType::Geometry(own) => own.crs.as_deref(),
        _ => None,
    }
}

/// Names the type when DuckDB would not keep its values as they are.
pub(crate) fn lossy(kind: &DataType) -> Option<String> {
    match kind {
        // DuckDB's decimals end at 38 digits, and it reads wider ones as doubles.
        DataType::Decimal256(precision, scale) if *precision > 38 => {
            Some(format!("DECIMAL({precision},{scale})"))
        }
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => lossy(item.data_type()),
        DataType::Struct(fields) => fields.iter().find_map(|field| lossy(field.data_type())),
        _ => None,
    }
}
