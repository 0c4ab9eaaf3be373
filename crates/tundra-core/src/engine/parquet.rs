//! Parquet as an input: DuckDB reads it, and its footer says beforehand what must come out.

use std::sync::Arc;

use arrow::datatypes::DataType;
use parquet::{arrow::parquet_to_arrow_schema, file::metadata::ParquetMetaData};
use tokio::runtime::Handle;

use crate::{
    BadRowPolicy, ColumnPlan, ColumnType, ConvertOptions, Error, ObjectReader, TypePolicy,
    engine::{
        sql,
        verify::{FooterError, null_count, read_footer},
    },
    read::table::ColumnOptions,
};

/// A Parquet input and what becomes of it.
#[derive(Debug)]
pub(crate) struct ParquetInput {
    /// The columns of the output.
    pub(crate) columns: Vec<ColumnPlan>,
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

/// Returns the columns of a Parquet file as Arrow types.
pub(crate) fn input_columns(
    footer: &ParquetMetaData,
    location: &str,
) -> Result<Vec<(String, DataType)>, Error> {
    let file = footer.file_metadata();
    let schema = parquet_to_arrow_schema(file.schema_descr(), file.key_value_metadata()).map_err(
        |error| Error::BadParquet { input: location.to_owned(), source: Box::new(error) },
    )?;
    Ok(schema
        .fields()
        .iter()
        .map(|field| (field.name().clone(), field.data_type().clone()))
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
        if options.on_bad_row != BadRowPolicy::Fail {
            return Err(Error::Request {
                message: "`--on-bad-row` is for text inputs, and the input is Parquet".to_owned(),
                hint: Some("a Parquet file has no records that cannot be read".to_owned()),
            });
        }
        let found = input_columns(footer, location)?;
        let names: Vec<String> = found.iter().map(|(name, _)| name.clone()).collect();
        let column_options = ColumnOptions::new(options, &names, location)?;
        let rows = u64::try_from(footer.file_metadata().num_rows()).unwrap_or(0);
        let skipped = options.skip_rows.iter().filter(|&&row| row < rows).count() as u64;
        let (mut columns, mut selected, mut nulls) = (Vec::new(), Vec::new(), Vec::new());
        for (name, kind) in &found {
            if let Some(found) = lossy(kind) {
                return Err(Error::Unconvertible {
                    input: location.to_owned(),
                    column: name.clone(),
                    found,
                });
            }
            let text = (options.types == TypePolicy::Text).then_some(&ColumnType::Varchar);
            let given = column_options.type_of(name).or(text);
            let new_name = column_options.name_of(name);
            let own = ColumnType::from_arrow(kind);
            let (column_type, reason) = match given {
                Some(given) => {
                    // Text has many ways to write one value, so only other types are led back.
                    let back = own.as_ref().filter(|own| {
                        !matches!(own, ColumnType::Varchar | ColumnType::Json) && *own != given
                    });
                    selected.push(sql::cast_column(name, new_name, given, back));
                    (given.to_string(), "given")
                }
                None => {
                    selected.push(sql::column(name, new_name));
                    let shown = own.map_or_else(|| kind.to_string(), |own| own.to_string());
                    (shown, "as in the input")
                }
            };
            columns.push(ColumnPlan {
                name: new_name.to_owned(),
                source_name: name.clone(),
                column_type,
                reason: reason.to_owned(),
            });
            let known = if skipped == 0 { null_count(footer, name) } else { None };
            nulls.push((new_name.to_owned(), known));
        }
        let bytes: i64 = footer.row_groups().iter().map(|group| group.total_byte_size()).sum();
        Ok(Self {
            columns,
            select: sql::select_input(&selected, &options.skip_rows),
            rows,
            skipped,
            nulls,
            row_bytes: u64::try_from(bytes).unwrap_or(0).checked_div(rows).unwrap_or(0)
                + 16 * found.len() as u64,
        })
    }
}

/// Names the type when DuckDB would not keep its values as they are.
fn lossy(kind: &DataType) -> Option<String> {
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
