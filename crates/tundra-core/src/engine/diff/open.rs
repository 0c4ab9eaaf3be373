//! Two inputs that are opened, and become the tables `a` and `b` of one database.

use std::sync::Arc;

use arrow::array::RecordBatch;
use tokio::runtime::Handle;
use tundra_duckdb::Database;

use crate::{
    Control, ConvertOptions, Error, Format, Input, InspectOptions, Resources, Result, RunId,
    TextHints, TypePolicy,
    engine::{
        copy::{Functions, RowOrder, Stop, open_database},
        diff::{DiffOptions, columns::Column, report::DiffSide},
        failure::{engine_error, input_error},
        files::RunFiles,
        input::OpenInput,
        inspect::show::shown_value,
        load::{Geometries, Loading, watched},
        opening,
        parquet::{input_columns, input_footer, lossy},
        resources::shares,
        sql::compare::{self, Side},
    },
};

/// Two inputs that are open.
pub(super) struct OpenPair {
    inputs: [OpenInput; 2],
    /// How each of them is read.
    options: [ConvertOptions; 2],
    resources: Resources,
    control: Control,
}

/// Two tables.
pub(super) struct LoadedPair {
    pub(super) database: Arc<Database>,
    /// The columns of each that are looked at.
    pub(super) columns: [Vec<Column>; 2],
    /// The rows of each.
    pub(super) rows: [u64; 2],
    locations: [String; 2],
    formats: [Format; 2],
    /// About how many bytes a statement that reads both has before it.
    pub(super) bytes: u64,
    /// In how many parts rows are grouped.
    pub(super) slices: u64,
}

/// Memory that a thread of DuckDB should have for grouping more rows than fit: measured, with rows of 130
/// bytes. At 65 MB it goes through, at 50 MB it fails.
const GROUPING: u64 = 80 << 20;

/// The most parts that rows are grouped in; each is a pass over both tables.
const MOST_SLICES: u64 = 64;

impl OpenPair {
    pub(super) async fn open(
        inputs: [&Input; 2],
        reading: &InspectOptions,
        resources: &Resources,
        control: &Control,
        stop: &Stop,
    ) -> Result<Self> {
        stop.check()?;
        let asked = opening::looked_at(reading);
        let [a, b] = inputs.map(|input| opening::open(input, &asked, resources, stop));
        let inputs = [a.await?, b.await?];
        let options = options_of(&inputs, &asked)?;
        Ok(Self { inputs, options, resources: resources.clone(), control: control.clone() })
    }

    /// Makes both inputs tables. Columns are left out as the options say.
    pub(super) fn load(
        &self,
        options: &DiffOptions,
        runtime: &Handle,
        stop: &Stop,
    ) -> Result<LoadedPair> {
        let files = Side::BOTH
            .into_iter()
            .filter(|side| self.input(*side).format == Format::Parquet)
            .map(|side| (side.file(), Arc::clone(&self.input(side).object)));
        let files = Arc::new(RunFiles::new(runtime.clone(), stop, files));
        let shares = shares(&self.resources);
        let database = open_database(
            &self.resources,
            shares,
            RunId::generate(),
            RowOrder::Kept,
            Functions::All,
            files,
        )?;
        let mut columns = [Vec::new(), Vec::new()];
        let (mut rows, mut files) = ([0, 0], 0);
        for side in Side::BOTH {
            let (found, file_bytes) = self.table(side, &database, runtime, stop)?;
            columns[side as usize] = found;
            files += file_bytes;
            let input = self.input(side);
            let counted = watched(&database, stop, None, |database| {
                let counted = database.query(&compare::count_compared(side));
                counted.map_err(|error| self.failed(side, error))
            })?;
            rows[side as usize] = number(&counted, 0).ok_or_else(|| {
                Error::Internal(format!("DuckDB did not count the rows of `{}`", input.location))
            })?;
        }
        let locations = self.inputs.each_ref().map(|input| input.location.clone());
        check_names(&columns, &locations, options)?;
        let columns = columns.map(|columns| looked_at(columns, options));
        Ok(LoadedPair {
            columns,
            rows,
            locations,
            formats: self.inputs.each_ref().map(|input| input.format),
            bytes: self.inputs.iter().map(OpenInput::total_bytes).sum(),
            slices: slices(
                database.memory_used() + database.spilled() + files,
                shares.engine,
                self.resources.threads,
            ),
            database,
        })
    }

    /// Fails when one of the inputs is another one by now.
    pub(super) async fn check_unchanged(&self) -> Result<()> {
        for input in &self.inputs {
            let unchanged = input.original.check_unchanged().await;
            unchanged
                .map_err(|source| Error::Storage { role: "could not read the input", source })?;
        }
        Ok(())
    }

    fn input(&self, side: Side) -> &OpenInput {
        &self.inputs[side as usize]
    }

    /// Makes an input a table, and returns its columns and about how many bytes DuckDB will have of it that
    /// it does not hold yet.
    fn table(
        &self,
        side: Side,
        database: &Arc<Database>,
        runtime: &Handle,
        stop: &Stop,
    ) -> Result<(Vec<Column>, u64)> {
        let mut bytes = 0;
        let (opened, options) = (self.input(side), &self.options[side as usize]);
        let mut columns: Vec<(String, Option<String>)> = if opened.format == Format::Parquet {
            let names;
            (names, bytes) = self.parquet_table(side, database, runtime)?;
            names.into_iter().map(|name| (name, None)).collect()
        } else {
            let loading = Loading {
                opened,
                options,
                resources: &self.resources,
                control: &self.control,
                stop,
                runtime,
                stream: side.table(),
                geometries: Geometries::Bytes,
            };
            let planned = loading.table(database, |stream, width| {
                compare::create_compared_rows(side, stream, width).into()
            })?;
            planned.into_iter().map(|plan| (plan.name, Some(plan.column_type))).collect()
        };
        let described = database
            .query(&compare::describe_compared(side))
            .map_err(|error| self.failed(side, error))?;
        let types = described_types(&described);
        let text = (options.types == TypePolicy::Text).then(|| "VARCHAR".to_owned());
        for (_, planned) in &mut columns {
            if planned.is_none() {
                planned.clone_from(&text);
            }
        }
        let columns = columns.into_iter().enumerate().map(|(index, (name, planned))| {
            let engine = types.get(index).cloned().unwrap_or_default();
            Column::new(name, engine, planned, index)
        });
        Ok((columns.collect(), bytes))
    }

    /// Makes a Parquet file a table, and returns the names of its columns and about how many bytes it has
    /// when it is unpacked.
    fn parquet_table(
        &self,
        side: Side,
        database: &Database,
        runtime: &Handle,
    ) -> Result<(Vec<String>, u64)> {
        /// Dictionaries make a file smaller than its values are.
        const LARGER: u64 = 2;
        let opened = self.input(side);
        let footer = input_footer(&opened.object, &opened.location, runtime)?;
        let found = input_columns(&footer, &opened.location)?;
        for column in &found {
            if let Some(kind) = lossy(&column.kind) {
                return Err(Error::Unconvertible {
                    input: opened.location.clone(),
                    column: column.name.clone(),
                    found: kind,
                });
            }
        }
        let written: Vec<&str> = found.iter().map(|column| &*column.written).collect();
        database
            .execute(&compare::create_compared_view(side, &written))
            .map_err(|error| self.failed(side, error))?;
        let bytes: i64 = footer.row_groups().iter().map(|group| group.total_byte_size()).sum();
        let bytes = u64::try_from(bytes).unwrap_or(0).saturating_mul(LARGER);
        Ok((found.into_iter().map(|column| column.name).collect(), bytes))
    }

    /// Returns the error of a statement that reads one of the tables.
    fn failed(&self, side: Side, error: tundra_duckdb::Error) -> Error {
        let input = self.input(side);
        match input.format {
            Format::Parquet => input_error("read the input", &input.location, error),
            _ => engine_error("read the input", error),
        }
    }
}

impl LoadedPair {
    /// Runs a query that reads both tables.
    pub(super) fn query(&self, sql: &str, stop: &Stop) -> Result<Vec<RecordBatch>> {
        watched(&self.database, stop, Some(self.bytes), |database| {
            database.query(sql).map_err(|error| self.failed(error))
        })
    }

    /// Returns the place of one of the inputs.
    pub(super) fn location(&self, side: Side) -> &str {
        &self.locations[side as usize]
    }

    /// Returns what is told of each input.
    pub(super) fn sides(&self) -> [DiffSide; 2] {
        Side::BOTH.map(|side| DiffSide {
            location: self.location(side).to_owned(),
            format: self.formats[side as usize],
            columns: self.columns[side as usize].iter().map(Column::row_column).collect(),
            rows: self.rows[side as usize],
        })
    }

    /// Returns the error of a statement that reads both: what is wrong with a Parquet file is its fault.
    fn failed(&self, error: tundra_duckdb::Error) -> Error {
        let files: Vec<&str> = Side::BOTH
            .into_iter()
            .filter(|side| self.formats[*side as usize] == Format::Parquet)
            .map(|side| self.location(side))
            .collect();
        match files.is_empty() {
            true => engine_error("compare the rows", error),
            // Which of two it was is not said.
            false => input_error("compare the rows", &files.join("` or `"), error),
        }
    }
}

/// Returns in how many parts so many bytes of rows are grouped. One, which DuckDB brings to disk as it needs
/// to, unless its threads have too little memory for that.
fn slices(bytes: u64, engine: u64, threads: usize) -> u64 {
    if engine / threads.max(1) as u64 >= GROUPING {
        return 1;
    }
    bytes.div_ceil((engine / 4).max(1)).clamp(1, MOST_SLICES)
}

/// Returns how each input is read: what is asked for one sort of input is left away for another one, and is
/// an error only where neither is such.
fn options_of(inputs: &[OpenInput; 2], asked: &ConvertOptions) -> Result<[ConvertOptions; 2]> {
    let options = inputs.each_ref().map(|input| {
        let (format, location) = (input.format, &*input.location);
        let mut options = asked.clone();
        let mut refused = Vec::new();
        if let Err(error) = asked.json.check(format, location) {
            refused.push(("json", error));
            options.json = crate::JsonHints::default();
        }
        if let Err(error) = asked.workbook.check(format, location) {
            refused.push(("workbook", error));
            options.workbook = crate::WorkbookHints::default();
        }
        if let Err(error) = asked.text.check(&asked.null_words, format, location) {
            refused.push(("text", error));
            options.text = fitting(&asked.text, format);
            options.null_words = Vec::new();
        }
        (options, refused)
    });
    let [(a, refused), (b, others)] = options;
    for (what, error) in refused {
        if others.iter().any(|(other, _)| *other == what) {
            return Err(error);
        }
    }
    Ok([a, b])
}

/// Returns the hints that are for an input besides delimited text.
fn fitting(hints: &TextHints, format: Format) -> TextHints {
    let nothing = TextHints::default();
    match format {
        Format::Parquet => nothing,
        Format::Excel => TextHints {
            header: hints.header,
            header_rows: hints.header_rows,
            preamble: hints.preamble,
            ..nothing
        },
        _ => TextHints { encoding: hints.encoding.clone(), ..nothing },
    }
}

/// Fails when an option names a column that neither input has, or a key that one of them has not.
fn check_names(
    columns: &[Vec<Column>; 2],
    locations: &[String; 2],
    options: &DiffOptions,
) -> Result<()> {
    let has = |side: Side, name: &str| columns[side as usize].iter().any(|it| it.name == name);
    let unknown = |option, name: &String, side: Side| Error::UnknownColumn {
        option,
        column: name.clone(),
        input: locations[side as usize].clone(),
        known: columns[side as usize].iter().map(|it| it.name.clone()).collect(),
    };
    for name in &options.key {
        if let Some(side) = Side::BOTH.into_iter().find(|side| !has(*side, name)) {
            return Err(unknown("`--key`", name, side));
        }
        if options.ignored.contains(name) {
            return Err(Error::request(format!("`{name}` is of the key and cannot be ignored")));
        }
    }
    for (option, names) in [("`--column`", &options.columns), ("`--ignore`", &options.ignored)] {
        let is_unknown = |name: &&String| !has(Side::A, name) && !has(Side::B, name);
        if let Some(name) = names.iter().find(is_unknown) {
            return Err(unknown(option, name, Side::B));
        }
    }
    Ok(())
}

/// Returns the columns that are looked at.
fn looked_at(columns: Vec<Column>, options: &DiffOptions) -> Vec<Column> {
    let is_wanted = |column: &Column| {
        let name = &column.name;
        let is_chosen = options.columns.is_empty() || options.columns.contains(name);
        options.key.contains(name) || is_chosen && !options.ignored.contains(name)
    };
    columns.into_iter().filter(is_wanted).collect()
}

/// Returns the types of the columns of a table, without the number of the row.
fn described_types(described: &[RecordBatch]) -> Vec<String> {
    let mut types = Vec::new();
    for batch in described {
        let text = |column: usize, row: usize| {
            batch.columns().get(column).and_then(|values| shown_value(values.as_ref(), row))
        };
        for row in 0..batch.num_rows() {
            if text(0, row).as_deref() != Some("r") {
                types.push(text(1, row).unwrap_or_default());
            }
        }
    }
    types
}

/// Returns a number of the only row of an answer.
pub(super) fn number(answer: &[RecordBatch], column: usize) -> Option<u64> {
    use arrow::{array::AsArray, datatypes::Int64Type};
    let batch = answer.iter().find(|batch| batch.num_rows() > 0)?;
    let values = batch.columns().get(column)?.as_primitive_opt::<Int64Type>()?;
    u64::try_from(values.value(0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_grouped_in_parts_only_where_memory_is_short() {
        for (bytes, engine, threads, expected) in [
            (1 << 40, 4 << 30, 8, 1),
            (1 << 20, 64 << 20, 8, 1),
            (160 << 20, 64 << 20, 2, 10),
            (1 << 40, 64 << 20, 2, MOST_SLICES),
        ] {
            assert_eq!(slices(bytes, engine, threads), expected, "{bytes} {engine} {threads}");
        }
    }
}
