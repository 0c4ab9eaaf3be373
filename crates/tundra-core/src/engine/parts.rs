//! An output that is several files: of partitions, of a size, or both.
//!
//! Start at [`split`]. DuckDB has written all rows into a [`Spool`], those of a partition together, and what
//! it wrote was compared with what was read. Here ranges of its rows become files, each by a statement of
//! DuckDB's, with its own footer read back; all of them together are compared with the spool. They are sent
//! when they are published ([`Parts`]) and stand in one file of the temporary directory until then, so that
//! neither their number nor their size takes memory.

mod groups;
mod hive;
mod layout;
mod publish;
mod sizes;

use std::{ops::Range, sync::Arc, time::Instant};

use parquet::file::metadata::ParquetMetaData;
use tundra_duckdb::Database;

pub(crate) use self::{
    groups::partitions,
    hive::NULL as HIVE_NULL,
    layout::{Layout, Place},
    publish::Parts,
};
use self::{
    groups::{Group, groups},
    publish::Part,
    sizes::Sizes,
};
use crate::{
    Error, OutputFacts, Receipt, Resources, Result,
    engine::{
        blocks::{VECTOR, are_even},
        copy::{Functions, RowOrder, open_database, run_copy},
        files::RunFiles,
        parquet::group_rows,
        resources::alone,
        run::{Data, Finished, Run},
        spool::Spool,
        sql,
        verify::{Expected, checked_footer, null_count},
    },
};

/// Makes the files of what is finished in the spool.
///
/// # Errors
/// Fails when there are too many partitions, when a value makes no name of a directory, when a row is larger
/// than a file may be, and when the files do not hold what the spool holds.
pub(crate) fn split(
    run: &Run,
    finished: Finished,
    spool: &Spool,
    layout: Layout,
) -> Result<Finished> {
    let began = Instant::now();
    let Finished { mut receipt, data: _, rejects, metadata, row_group_rows } = finished;
    let done = Splitting::new(run, &receipt, (&metadata, row_group_rows), spool, &layout)
        .and_then(|splitting| splitting.done(&receipt));
    match done {
        Ok(Done { parts, outputs, kept }) => {
            let rejects_facts = receipt.outputs.drain(..).skip(1);
            receipt.outputs = outputs.into_iter().chain(rejects_facts).collect();
            receipt.timings.convert_seconds += began.elapsed().as_secs_f64();
            let parts = Parts { layout, parts, file: kept.file() };
            Ok(Finished { receipt, data: Data::Several(parts), rejects, metadata, row_group_rows })
        }
        Err(error) => {
            if let Some(rejects) = rejects {
                run.runtime.block_on(rejects.abort());
            }
            Err(run.stop.explain(error))
        }
    }
}

/// What is on its way from the spool to the files.
struct Splitting<'a> {
    run: &'a Run,
    layout: &'a Layout,
    /// The columns of the spool that stand in the files, by their names.
    names: Vec<String>,
    /// The same as the SQL says them.
    columns: Vec<String>,
    /// Columns of the spool that make partitions, by their places.
    keys: Vec<usize>,
    /// Columns of the spool.
    width: usize,
    metadata: Vec<(&'a str, &'a str)>,
    row_group_rows: u64,
    footer: ParquetMetaData,
    files: Arc<RunFiles>,
    database: Arc<Database>,
    /// Where the files stand until they are published.
    kept: Spool,
    /// Bytes of `kept` that belong to files.
    taken: u64,
}

/// What came of it.
struct Done {
    parts: Vec<Part>,
    outputs: Vec<OutputFacts>,
    kept: Spool,
}

/// A file that was written and looked at.
struct Checked {
    size: u64,
    sha256: String,
    footer: ParquetMetaData,
}

impl<'a> Splitting<'a> {
    fn new(
        run: &'a Run,
        receipt: &Receipt,
        (metadata, row_group_rows): (&'a [(String, String)], u64),
        spool: &Spool,
        layout: &'a Layout,
    ) -> Result<Self> {
        let Run { resources, stop, runtime, .. } = run;
        let options = &run.writing.options;
        let footer = spool.footer()?;
        let names: Vec<&str> = receipt.plan.columns.iter().map(|it| it.name.as_str()).collect();
        let by = &options.files.partition_by;
        let place = |column: &String| names.iter().position(|name| *name == column.as_str());
        let keys: Vec<usize> = by.iter().filter_map(place).collect();
        let stands = |index: &usize| !keys.contains(index);
        let standing: Vec<usize> = (0..names.len()).filter(stands).collect();
        let files =
            Arc::new(RunFiles::new(runtime.clone(), stop, Some((sql::INPUT, spool.object()?))));
        let database = open(run, resources, &files)?;
        Ok(Self {
            run,
            layout,
            names: standing.iter().map(|index| names[*index].to_owned()).collect(),
            columns: standing
                .iter()
                .map(|index| sql::nullable_column(*index, names[*index]))
                .collect(),
            keys,
            width: names.len(),
            metadata: metadata.iter().map(|(key, value)| (&**key, &**value)).collect(),
            row_group_rows,
            footer,
            files,
            database,
            kept: Spool::new(resources)?,
            taken: 0,
        })
    }

    fn done(mut self, receipt: &Receipt) -> Result<Done> {
        let rows = u64::try_from(self.footer.file_metadata().num_rows()).unwrap_or(0);
        let options = &self.run.writing.options.files;
        let groups = if self.keys.is_empty() {
            vec![Group { rows: 0..rows, values: Vec::new() }]
        } else {
            groups(&self.database, &self.run.stop, options, &self.keys, self.width, rows)?
        };
        if !self.are_even(&groups) {
            self.database = open(self.run, &alone(&self.run.resources), &self.files)?;
        }
        let mut sums = Sums::new(receipt, &self.keys, &self.names);
        let (mut parts, mut outputs) = (Vec::new(), Vec::new());
        for group in groups {
            let directories = hive::directories(&options.partition_by, &group.values)?;
            sums.add_keys(&self.keys, &group);
            let mut number = 0;
            // The last one first, because a file that is too large is cut in two.
            let mut left = self.cuts(group.rows)?;
            left.reverse();
            while let Some(range) = left.pop() {
                let checked = self.write(&range)?;
                if let Some(max) = options.max_size.filter(|max| checked.size > *max) {
                    let halves = halves(&range, self.row_group_rows);
                    let (first, second) = halves.ok_or_else(|| too_large(&checked, max))?;
                    left.extend([second, first]);
                    continue;
                }
                number += 1;
                let path = self.layout.path(&directories, number)?;
                sums.add(&checked.footer, &range);
                outputs.push(OutputFacts {
                    role: "data".to_owned(),
                    location: self.layout.display(&path),
                    size_bytes: checked.size,
                    sha256: checked.sha256.clone(),
                    rows: range.end - range.start,
                    row_groups: checked.footer.num_row_groups() as u64,
                    format: None,
                });
                let bytes = self.taken..self.taken + checked.size;
                self.taken = bytes.end;
                parts.push(Part { path, bytes, sha256: checked.sha256 });
            }
        }
        sums.check(rows, receipt, &self.run.location())?;
        Ok(Done { parts, outputs, kept: self.kept })
    }

    /// Cuts rows into as many ranges as there are to be files, by what they take in the spool.
    fn cuts(&self, rows: Range<u64>) -> Result<Vec<Range<u64>>> {
        let Some(max) = self.run.writing.options.files.max_size else { return Ok(vec![rows]) };
        let taken: usize = self.metadata.iter().map(|(key, value)| key.len() + value.len()).sum();
        let taken = taken as u64;
        if taken > max / 2 {
            return Err(Error::Request {
                message: format!(
                    "`--max-file-size` is {max} bytes, and what the metadata of each file says of \
                     the run takes {taken}"
                ),
                hint: Some("allow larger files".to_owned()),
            });
        }
        let mut ranges = Sizes::of(&self.footer).cut(rows, max - taken);
        for at in 1..ranges.len() {
            let start = aligned(ranges[at - 1].start..ranges[at].start, self.row_group_rows);
            ranges[at - 1].end = start;
            ranges[at].start = start;
        }
        Ok(ranges)
    }

    /// Returns whether the row groups of files with these rows are the same however far which thread is: each
    /// has one, or rows of whole row groups of the spool but at its beginning, where it begins with a vector.
    fn are_even(&self, groups: &[Group]) -> bool {
        let options = &self.run.writing.options;
        let are_short = groups.iter().all(|it| it.rows.end - it.rows.start <= self.row_group_rows);
        let is_even = |batch| are_even(batch, self.row_group_rows);
        let may_be_long = self.keys.is_empty() && group_rows(&self.footer).is_some_and(is_even);
        options.row_group_bytes.is_none() && (are_short || may_be_long)
    }

    /// Writes rows of the spool behind what was kept so far, and looks at what was written.
    fn write(&self, rows: &Range<u64>) -> Result<Checked> {
        let Run { stop, runtime, writing, .. } = self.run;
        self.files.offer(sql::OUTPUT, self.kept.writer_at(self.taken));
        let select = sql::select_range(&self.columns, self.width, rows);
        let options = &writing.options;
        let statement =
            sql::copy(&select, sql::OUTPUT, options, self.row_group_rows, &self.metadata);
        let written = run_copy(&self.database, &statement, stop, None)?;
        let mut file = self
            .files
            .take_written(sql::OUTPUT)
            .ok_or_else(|| Error::Internal("a file of the output was not finished".to_owned()))?;
        let location = self.run.location();
        let expected =
            Expected { output: &location, rows: rows.end - rows.start, written, nulls: &[] };
        let footer = checked_footer(&mut file, expected, runtime)?;
        Ok(Checked { size: file.size, sha256: file.sha256, footer })
    }
}

/// What all files hold together.
struct Sums {
    rows: u64,
    /// Nulls of each column of the output and where they come from; `None` when a file does not tell.
    nulls: Vec<(String, Option<u64>)>,
    /// Places of the columns that stand in the files.
    standing: Vec<usize>,
}

impl Sums {
    fn new(receipt: &Receipt, keys: &[usize], names: &[String]) -> Self {
        let columns = receipt.columns.iter();
        let nulls: Vec<_> = columns.map(|column| (column.name.clone(), Some(0))).collect();
        let standing: Vec<usize> = (0..nulls.len()).filter(|it| !keys.contains(it)).collect();
        debug_assert_eq!(standing.len(), names.len(), "a column is a key or stands in the files");
        Self { rows: 0, nulls, standing }
    }

    /// Counts the nulls of the columns of which a group has one value.
    fn add_keys(&mut self, keys: &[usize], group: &Group) {
        for (key, value) in keys.iter().zip(&group.values) {
            let rows = if value.is_none() { group.rows.end - group.rows.start } else { 0 };
            if let Some((_, Some(nulls))) = self.nulls.get_mut(*key) {
                *nulls += rows;
            }
        }
    }

    /// Counts what the footer of a file tells.
    fn add(&mut self, footer: &ParquetMetaData, rows: &Range<u64>) {
        self.rows += rows.end - rows.start;
        for index in &self.standing {
            if let Some((name, nulls)) = self.nulls.get_mut(*index) {
                *nulls = nulls.zip(null_count(footer, name)).map(|(sum, found)| sum + found);
            }
        }
    }

    /// Compares it with what was read.
    fn check(&self, rows: u64, receipt: &Receipt, output: &str) -> Result<()> {
        let fail =
            |mismatch: String| Err(Error::Verification { output: output.to_owned(), mismatch });
        if self.rows != rows || rows != receipt.counts.written {
            return fail(format!(
                "{} rows were to be written, and all files together have {}",
                receipt.counts.written, self.rows
            ));
        }
        for (read, (name, found)) in receipt.columns.iter().zip(&self.nulls) {
            let (Some(nulls), Some(found)) = (read.nulls, found) else { continue };
            if nulls != *found {
                return fail(format!(
                    "column `{name}` was read with {nulls} nulls, and all files together have {found}"
                ));
            }
        }
        Ok(())
    }
}

/// Opens a database that reads the spool.
fn open(run: &Run, resources: &Resources, files: &Arc<RunFiles>) -> Result<Arc<Database>> {
    open_database(resources, run.shares, run.id, RowOrder::Kept, Functions::All, files.clone())
}

/// Returns where rows that begin with a vector end, so that those behind them do, unless they are few.
fn aligned(rows: Range<u64>, row_group_rows: u64) -> u64 {
    let length = rows.end - rows.start;
    let whole = length / VECTOR * VECTOR;
    if length > row_group_rows && whole > 0 { rows.start + whole } else { rows.end }
}

fn halves(rows: &Range<u64>, row_group_rows: u64) -> Option<(Range<u64>, Range<u64>)> {
    let length = rows.end - rows.start;
    let middle = aligned(rows.start..rows.start + length / 2, row_group_rows);
    (length > 1).then_some((rows.start..middle, middle..rows.end))
}

fn too_large(checked: &Checked, max: u64) -> Error {
    Error::Request {
        message: format!(
            "`--max-file-size` is {max} bytes, and a file with one row has {}",
            checked.size
        ),
        hint: Some("allow larger files".to_owned()),
    }
}
