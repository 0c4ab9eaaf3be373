//! One question in SQL about one input.
//!
//! Start at [`query`], which returns rows to look at, and at [`query_into`], which writes them. The input is
//! the table `input`: a Parquet file as it is, and the rows of everything else in a table of the run's own
//! database, read as losslessly as for a conversion, so that they can be asked for more than once. What the
//! SQL can reach is that table: the sandbox of `tundra-duckdb` keeps everything else away, and it stands where
//! only a query can stand.

use std::{collections::HashSet, sync::Arc};

use arrow::array::{RecordBatch, RecordBatchReader};
use tokio::runtime::Handle;
use tundra_duckdb::Database;

use crate::{
    BadRowPolicy, Compression, Control, ConvertOptions, Error, Format, GeometryOptions, Input,
    ObjectWriter, Output, OutputFormat, Resources, Result, RunId, Stage,
    engine::{
        copy::{Functions, RowOrder, Stop, open_database, run_copy_or},
        encrypt::{Encryption, encrypt},
        failure::{input_error, query_error},
        files::{RunFiles, Written},
        head::special,
        input::OpenInput,
        inspect::show::shown_value,
        load::{Geometries, Loading, watched},
        opening,
        parquet::{ParquetInput, input_footer},
        prepared::{StopOnDrop, not_published},
        resources::shares,
        rows::{RowColumn, Rows},
        run::{ROW_GROUP_ROWS, create, in_background},
        spool::{Spool, Spooled, spooled, unreadable},
        sql,
        transcode::{Transcoding, merged, transcode},
        verify::{Expected, check_output},
    },
};

/// What was written of the rows of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryOutput {
    /// The columns.
    pub columns: Vec<RowColumn>,
    /// How many rows there are.
    pub rows: u64,
    /// The size of the output in bytes.
    pub size_bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// Asks a question of an input and returns the first `limit` rows of the answer, and how many there are.
///
/// Must be called within a Tokio runtime; the work runs on blocking threads.
///
/// # Errors
/// Fails with [`Error::Query`] when the question is none, and as [`super::convert`] does for the input.
///
/// # Cancellation
/// As [`super::convert`].
pub async fn query(
    input: &Input,
    sql: &str,
    limit: u64,
    options: &ConvertOptions,
    resources: &Resources,
    control: &Control,
) -> Result<Rows> {
    let question = Question::open(input, sql, options, resources, control).await?;
    let _guard = StopOnDrop(question.stop.clone());
    question.work(move |question| question.rows(limit)).await
}

/// Asks a question of an input and writes the rows of the answer, in the format that the options say.
///
/// The output appears under its name complete and checked, or not at all. Must be called within a Tokio
/// runtime; the work runs on blocking threads.
///
/// # Errors
/// As [`query`]; with [`Error::Unwritable`] when the format cannot hold the rows; and when the store fails.
pub async fn query_into(
    input: &Input,
    sql: &str,
    output: &Output,
    options: &ConvertOptions,
    resources: &Resources,
    control: &Control,
) -> Result<QueryOutput> {
    let question = Question::open(input, sql, options, resources, control).await?;
    let guard = StopOnDrop(question.stop.clone());
    // A place that cannot be written is told before anything is read.
    let writer = create(output, &question.stop).await?;
    let location = output.storage.display(&output.path);
    let opened = Arc::clone(&question.opened);
    let (answer, mut written) =
        question.work(move |question| question.write(writer, &location)).await?;
    control.reporter.stage(Stage::Publishing);
    let ready = guard.0.unless_stopped(async {
        let unchanged = opened.original.check_unchanged().await;
        unchanged.map_err(|source| Error::Storage { role: "could not read the input", source })?;
        written.writer.flush().await.map_err(not_published)
    });
    if let Err(error) = ready.await.flatten() {
        written.abort().await;
        return Err(error);
    }
    written.writer.publish().await.map_err(not_published)?;
    Ok(answer)
}

/// A question on its way.
struct Question {
    opened: Arc<OpenInput>,
    sql: String,
    options: ConvertOptions,
    resources: Resources,
    control: Control,
    stop: Stop,
    runtime: Handle,
}

impl Question {
    async fn open(
        input: &Input,
        sql: &str,
        options: &ConvertOptions,
        resources: &Resources,
        control: &Control,
    ) -> Result<Self> {
        let sql = asked(sql)?.to_owned();
        if options.on_bad_row == BadRowPolicy::Reject {
            return Err(Error::request("a query has no place for rejected records"));
        }
        options.writing.check()?;
        options.writing.files.check_single("the answer to a query")?;
        if options.output_format != OutputFormat::Parquet {
            options.writing.check_readable(&format!("an output as {}", options.output_format))?;
        }
        if let Some(reader) = options.writing.readers.first() {
            return Err(Error::Request {
                message: format!(
                    "the answer to a query is not fitted to a reader such as {reader}"
                ),
                hint: Some("write it first, and then convert what was written".to_owned()),
            });
        }
        if let Some(key) = options.writing.sort_by.first() {
            return Err(Error::Request {
                message: format!("`--sort-by {key}` is for conversions"),
                hint: Some("say `ORDER BY` in the query".to_owned()),
            });
        }
        if options.geometry != GeometryOptions::default() {
            return Err(Error::request("`--geometry` and `--hilbert` are for conversions"));
        }
        let stop = Stop::new(control);
        stop.check()?;
        control.reporter.stage(Stage::Inspecting);
        let opened = opening::open(input, options, resources, &stop).await?;
        opening::check_hints(&opened, options)?;
        Ok(Self {
            opened: Arc::new(opened),
            sql,
            options: options.clone(),
            resources: resources.clone(),
            control: control.clone(),
            stop,
            runtime: Handle::current(),
        })
    }

    async fn work<T: Send + 'static>(
        self,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let stop = self.stop.clone();
        in_background(&stop, move || work(&self)).await
    }

    /// Keeps the answer, and returns the first rows of it.
    fn rows(&self, limit: u64) -> Result<Rows> {
        let spool = Spool::new(&self.resources)?;
        let (columns, _) = self.answer(spool.writer()?, "the answer", OutputFormat::Csv)?;
        let Spooled { rows, specials, total } = spool.read()?;
        let known: Vec<_> = columns.iter().map(|column| special(&column.column_type)).collect();
        let specials = merged(specials, &known);
        let schema = rows.schema();
        let rows = rows.map(|batch| batch.map_err(|error| unreadable(&error)));
        Rows::first(columns, schema, specials, rows, limit, Some(total))
    }

    /// Writes the answer.
    fn write(
        &self,
        writer: Box<dyn ObjectWriter>,
        location: &str,
    ) -> Result<(QueryOutput, Written)> {
        let format = self.options.output_format;
        let (stop, runtime) = (&self.stop, &self.runtime);
        let options = &self.options.writing;
        let (columns, rows, written) = match (format, &options.encryption) {
            (OutputFormat::Parquet, None) => {
                let (columns, (rows, written)) = self.answer(writer, location, format)?;
                (columns, rows, written)
            }
            (OutputFormat::Parquet, Some(key)) => {
                let spool = Spool::new(&self.resources)?;
                let (columns, (rows, _)) = self.answer(spool.writer()?, location, format)?;
                let what = Encryption { spool: &spool, key, options, location };
                let (_, written) = encrypt(&what, writer, stop, runtime)?;
                (columns, rows, written)
            }
            _ => {
                let spool = Spool::new(&self.resources)?;
                let (columns, _) = self.answer(spool.writer()?, location, format)?;
                let specials: Vec<_> =
                    columns.iter().map(|column| special(&column.column_type)).collect();
                let what = Transcoding { spool: &spool, specials: &specials, format, location };
                let (rows, written) = transcode(&what, writer, stop, runtime)?;
                (columns, rows, written)
            }
        };
        let output =
            QueryOutput { columns, rows, size_bytes: written.size, sha256: written.sha256.clone() };
        Ok((output, written))
    }

    /// Writes the answer as Parquet, checks it, and returns its columns and how many rows it has. What is to
    /// become text later may be written as such.
    fn answer(
        &self,
        writer: Box<dyn ObjectWriter>,
        location: &str,
        format: OutputFormat,
    ) -> Result<(Vec<RowColumn>, (u64, Written))> {
        let input = (self.opened.format == Format::Parquet)
            .then(|| (sql::INPUT, Arc::clone(&self.opened.object)));
        let files = Arc::new(RunFiles::new(self.runtime.clone(), &self.stop, input));
        files.offer(sql::OUTPUT, writer);
        let shares = shares(&self.resources);
        let database = open_database(
            &self.resources,
            shares,
            RunId::generate(),
            RowOrder::Kept,
            Functions::All,
            files.clone(),
        )?;
        let names = self.load(&database)?;
        let wrong = |error| query_error("run the query", error, &names);
        let described = watched(&database, &self.stop, None, |database| {
            database.query(&sql::describe(&self.sql)).map_err(wrong)
        })?;
        let columns = described_columns(&described);
        let selected: Vec<sql::Answered<'_>> = columns
            .iter()
            .map(|column| Ok(sql::Answered { name: &column.name, cast: kept_as(column, format)? }))
            .collect::<Result<_>>()?;
        self.control.reporter.stage(Stage::Converting);
        let is_kept = format != OutputFormat::Parquet;
        let rows_of_group = self.options.writing.row_group_rows.unwrap_or(ROW_GROUP_ROWS);
        let mut writing = spooled(&self.options.writing, rows_of_group)
            .unwrap_or_else(|| self.options.writing.clone());
        if is_kept {
            writing.compression = Compression::Snappy;
        }
        let metadata: Vec<_> =
            writing.metadata.iter().map(|(key, value)| (&**key, &**value)).collect();
        let statement = sql::copy(
            &sql::select_answer(&self.sql, &selected),
            sql::OUTPUT,
            &writing,
            rows_of_group,
            &metadata,
        );
        let rows = run_copy_or(&database, &statement, &self.stop, None, wrong)?;
        let mut written = files
            .take_written(sql::OUTPUT)
            .ok_or_else(|| Error::Internal("the answer was not finished".to_owned()))?;
        let expected = Expected { output: location, rows, written: rows, nulls: &[] };
        if let Err(error) = check_output(&mut written, expected, &self.runtime) {
            self.runtime.block_on(written.abort());
            return Err(error);
        }
        Ok((columns, (rows, written)))
    }

    /// Makes the input the table `input`, and returns the names of its columns.
    fn load(&self, database: &Arc<Database>) -> Result<Vec<String>> {
        let location = &self.opened.location;
        if self.opened.format == Format::Parquet {
            let footer = input_footer(&self.opened.object, location, &self.runtime)?;
            let input = ParquetInput::plan(&footer, location, &self.options)?;
            database
                .execute(&sql::create_view(&input.select))
                .map_err(|error| input_error("read the input", location, error))?;
            return Ok(input.columns.into_iter().map(|column| column.name).collect());
        }
        let loading = Loading {
            opened: &self.opened,
            options: &self.options,
            resources: &self.resources,
            control: &self.control,
            stop: &self.stop,
            runtime: &self.runtime,
            stream: sql::STREAM,
            geometries: Geometries::Known,
        };
        let columns = loading.table(database, |stream, _| vec![sql::create_table(stream)])?;
        Ok(columns.into_iter().map(|column| column.name).collect())
    }
}

/// Returns the question without what may stand behind it.
fn asked(sql: &str) -> Result<&str> {
    let sql = sql.trim_end_matches(|character: char| character == ';' || character.is_whitespace());
    if sql.trim().is_empty() {
        return Err(Error::Request {
            message: "the query is empty".to_owned(),
            hint: Some("ask something, such as `SELECT count(*) FROM input`".to_owned()),
        });
    }
    Ok(sql)
}

/// Returns the columns of an answer, no two of one name.
fn described_columns(described: &[RecordBatch]) -> Vec<RowColumn> {
    let mut columns = Vec::new();
    let mut taken: HashSet<String> = HashSet::new();
    for batch in described {
        let text = |column: usize, row: usize| {
            let values = batch.columns().get(column)?;
            shown_value(values.as_ref(), row)
        };
        for row in 0..batch.num_rows() {
            let name = text(0, row).unwrap_or_default();
            let mut candidates = std::iter::once(name.clone())
                .chain((1..).map(|number: u64| format!("{name}_{number}")));
            // DuckDB compares names without regard to case.
            let free = candidates.find(|candidate| taken.insert(candidate.to_lowercase()));
            let column_type = text(1, row).unwrap_or_default();
            columns.push(RowColumn { name: free.unwrap_or(name), column_type });
        }
    }
    columns
}

/// Types of DuckDB that its Parquet has no place for, and what they are kept as.
const EXACT: &str = "DECIMAL(38,0)";
const TEXT: &str = "VARCHAR";

/// Returns as what a column is kept where Parquet would change its values.
fn kept_as(column: &RowColumn, format: OutputFormat) -> Result<Option<&'static str>> {
    /// Parquet has doubles for the first two, cuts off or moves the next two, and has no such type as the
    /// others.
    const CHANGED: [&str; 8] = [
        "HUGEINT",
        "UHUGEINT",
        "INTERVAL",
        "TIME WITH TIME ZONE",
        "UNION",
        "VARIANT",
        "BIT",
        "BIGNUM",
    ];
    let kind = column.column_type.as_str();
    match kind {
        "HUGEINT" | "UHUGEINT" => return Ok(Some(EXACT)),
        "INTERVAL" | "TIME WITH TIME ZONE" | "VARIANT" | "BIT" | "BIGNUM" => return Ok(Some(TEXT)),
        "UUID" | "GEOMETRY" if format != OutputFormat::Parquet => return Ok(Some(TEXT)),
        _ if kind.starts_with("ENUM(") => return Ok(Some(TEXT)),
        _ if kind.starts_with("UNION(") && !kind.ends_with(']') => return Ok(Some(TEXT)),
        _ => {}
    }
    // Text does not say what they are within others.
    let of_text = if format == OutputFormat::Parquet { &[][..] } else { &["UUID", "GEOMETRY"] };
    match CHANGED.iter().chain(of_text).find(|changed| names_type(kind, changed)) {
        None => Ok(None),
        Some(changed) => Err(Error::Unwritable {
            column: column.name.clone(),
            format,
            what: format!("it has {changed} within its type {kind}"),
            hint: "cast what is within to another type in the query".to_owned(),
        }),
    }
}

/// Returns whether a nested type has this one in it: as a word, and not within quotes, where names stand.
pub(super) fn names_type(kind: &str, name: &str) -> bool {
    let outside: String = kind.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    outside.match_indices(name).any(|(at, _)| {
        let before = outside[..at].chars().next_back();
        let behind = outside[at + name.len()..].chars().next();
        !before.is_some_and(is_word) && !behind.is_some_and(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(column_type: &str) -> RowColumn {
        RowColumn { name: "a".to_owned(), column_type: column_type.to_owned() }
    }

    #[test]
    fn types_that_parquet_would_change_are_kept_as_others_or_refused() {
        let kept = |kind: &str| kept_as(&column(kind), OutputFormat::Csv).ok();
        assert_eq!(kept("BIGINT"), Some(None));
        assert_eq!(kept("HUGEINT"), Some(Some(EXACT)));
        assert_eq!(kept("INTERVAL"), Some(Some(TEXT)));
        assert_eq!(kept("STRUCT(a HUGEINT)"), None);
        assert_eq!(kept("INTERVAL[]"), None);
        assert_eq!(kept("STRUCT(\"my INTERVAL\" INTEGER, bits_of_bit VARCHAR)"), Some(None));
        assert_eq!(kept("ENUM('HUGEINT')"), Some(Some(TEXT)));
        assert_eq!(kept("UUID[]"), None);
        for kind in ["UUID", "UUID[]", "STRUCT(a UUID)"] {
            assert_eq!(kept_as(&column(kind), OutputFormat::Parquet).ok(), Some(None), "{kind}");
        }
    }

    #[test]
    fn a_question_has_something_in_it() {
        assert_eq!(asked("SELECT 1 ; \n;").ok(), Some("SELECT 1"));
        assert!(asked(" ;; ").is_err());
    }
}
