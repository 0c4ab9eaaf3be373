//! The rows of a sheet as record batches.
//!
//! Start at [`SheetDecode`]. A row is looked at as a whole before anything of it is appended, so that one
//! that is set aside leaves no value behind.

use std::{collections::BTreeSet, sync::Arc};

use arrow::{
    array::{RecordBatch, RecordBatchOptions},
    datatypes::{Field, Schema, SchemaRef},
};

use super::{
    append::{Column, Put},
    cell::{Cell, Meaning, Sort},
    observe::Sorts,
    reference::{Area, At},
    row::Row,
    sheet::Sheet,
};
use crate::{
    BadRowPolicy, DataCode, DataError, Error, ErrorCells,
    read::{
        chunk::{Chunk, Decode, DecodeError, Decoded, Reject},
        csv::decode::CsvColumn,
    },
};

/// Rows that there is room for at first.
const USUAL_ROWS: usize = 4096;

/// A column of the output.
#[derive(Debug, Clone)]
pub(super) struct SheetColumn {
    /// Its name and its type in the output, and how text becomes that where somebody asked for it.
    pub(super) column: CsvColumn,
    /// Its number in the sheet.
    pub(super) at: u32,
    /// Values that are taken as they are; nothing when the type was asked for.
    pub(super) accepts: Option<Sorts>,
}

/// Everything that decides how a chunk becomes a batch.
#[derive(Debug, Clone)]
pub(super) struct SheetDecode {
    pub(super) sheet: Arc<dyn Sheet>,
    pub(super) columns: Vec<SheetColumn>,
    pub(super) schema: SchemaRef,
    pub(super) rules: Rules,
}

impl SheetDecode {
    /// Returns the same with other columns.
    pub(super) fn with_columns(&self, columns: Vec<SheetColumn>) -> Self {
        let fields: Vec<Field> = columns.iter().map(SheetColumn::field).collect();
        Self { columns, schema: Arc::new(Schema::new(fields)), ..self.clone() }
    }
}

impl SheetColumn {
    /// Returns what it is in a schema.
    pub(super) fn field(&self) -> Field {
        Field::new(&self.column.name, self.column.column_type.to_arrow(), true)
    }
}

/// Which rows are records, and what becomes of bad ones.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// The first and the last row that can be records.
    pub(super) body: (u32, u32),
    /// The columns that can hold something.
    pub(super) within: (u32, u32),
    /// The first and the last column of each run among them that is left out.
    pub(super) left_out: Vec<(u32, u32)>,
    pub(super) skip_rows: BTreeSet<u64>,
    pub(super) skip_hidden: bool,
    pub(super) on_bad_row: BadRowPolicy,
    pub(super) error_cells: ErrorCells,
}

impl Rules {
    /// Returns whether a row can be a record.
    #[inline]
    pub(super) fn has(&self, row: &Row<'_>) -> bool {
        row.is_record && (self.body.0..=self.body.1).contains(&row.number)
    }

    /// Returns whether columns are left out, so that a row may be empty without them.
    pub(super) fn is_partial(&self) -> bool {
        self.within != Area::SHEET.within() || !self.left_out.is_empty()
    }

    /// Returns whether a column can be one of the table.
    pub(super) fn has_column(&self, column: u32) -> bool {
        let is_within = |(first, last): &(u32, u32)| (*first..=*last).contains(&column);
        is_within(&self.within) && !self.left_out.iter().any(is_within)
    }

    /// Returns whether a record of the sheet is one of the table, which alone have numbers.
    #[inline]
    pub(super) fn is_of_table(&self, row: &Row<'_>) -> bool {
        !self.is_partial() || row.filled().any(|column| self.has_column(column))
    }
}

impl Decode for SheetDecode {
    type Output = Decoded;

    fn decode(&self, chunk: Chunk) -> Result<Decoded, DecodeError> {
        let mut state = State {
            plan: self,
            chunk: &chunk,
            columns: self.columns.iter().filter_map(|it| Column::new(it, USUAL_ROWS)).collect(),
            puts: Vec::with_capacity(self.columns.len()),
            text: String::new(),
            seen: 0,
            outside: 0,
            rows: 0,
            decoded: 0,
            skipped: 0,
            rejects: Vec::new(),
            repairs: Vec::new(),
            repaired: 0,
        };
        self.sheet.walk(&chunk, &mut |row| state.row(row))?;
        if state.seen != chunk.records {
            // Whoever takes the batches compares the counts once more; this says what it means.
            let what = "its rows cannot be told apart";
            return Err(DecodeError::Other(self.sheet.damaged(what)));
        }
        let State { columns, outside, rows, decoded, skipped, rejects, repairs, repaired, .. } =
            state;
        let nulls = columns.iter().map(Column::null_count).collect();
        let arrays = columns
            .into_iter()
            .map(|column| column.finish(self.sheet.strings()))
            .collect::<Result<Vec<_>, _>>();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = arrays
            .and_then(|arrays| {
                RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            })
            .map_err(|error| DecodeError::Other(Error::Internal(error.to_string())))?;
        Ok(Decoded {
            batch,
            // What is outside of the range was counted as well, and is no record of the table.
            counted: chunk.records.saturating_sub(outside),
            decoded,
            skipped,
            rejects,
            repairs,
            repaired,
            headers: Vec::new(),
            comments: 0,
            comment_bytes: 0,
            nulls,
        })
    }
}

/// One chunk on its way.
struct State<'a> {
    plan: &'a SheetDecode,
    chunk: &'a Chunk,
    columns: Vec<Column>,
    /// What becomes of the cells of the row.
    puts: Vec<Put>,
    /// The text of a cell.
    text: String,
    /// Records of the splitter that were seen, and those that are none of the table.
    seen: u64,
    outside: u64,
    rows: usize,
    decoded: u64,
    skipped: u64,
    rejects: Vec<Reject>,
    repairs: Vec<DataError>,
    repaired: u64,
}

impl State<'_> {
    fn row(&mut self, row: &Row<'_>) -> Result<(), DecodeError> {
        let plan = self.plan;
        let rules = &plan.rules;
        if !rules.has(row) {
            return Ok(());
        }
        self.seen += 1;
        if !rules.is_of_table(row) {
            self.outside += 1;
            return Ok(());
        }
        let number = self.chunk.record + self.decoded;
        self.decoded += 1;
        if rules.skip_rows.contains(&number) || rules.skip_hidden && row.is_hidden {
            self.skipped += 1;
            return Ok(());
        }
        if let Some(column) = self.beyond(row) {
            let cell = row.cell(column);
            let error = self.error(row, number, column, cell, DataCode::BadValue, "a new column");
            return Err(DecodeError::Contradiction(Box::new(error)));
        }
        let meaning = self.meaning(row);
        self.puts.clear();
        let mut is_repaired = false;
        for column in &plan.columns {
            let cell = row.cell(column.at);
            let Some((sort, value)) = meaning.of(cell) else {
                self.puts.push(Put::Null);
                continue;
            };
            let unfit = if sort == Sort::Error && rules.error_cells != ErrorCells::Text {
                Some((DataCode::ErrorCell, "an error of the workbook".to_owned()))
            } else {
                match column.accepts {
                    Some(accepts) if accepts.has(sort) => None,
                    Some(_) => {
                        let why = "another sort of value";
                        let code = DataCode::BadValue;
                        let error = self.error(row, number, column.at, cell, code, why);
                        return Err(DecodeError::Contradiction(Box::new(error)));
                    }
                    None => {
                        self.text.clear();
                        meaning.write(cell, column.is_moment(), &mut self.text);
                        let asked = column.column.asked();
                        let text = self.text.as_bytes();
                        (!asked.fits(text)).then(|| (DataCode::BadValue, asked.why_not(text)))
                    }
                }
            };
            let Some((code, why)) = unfit else {
                self.puts.push(Put::Value(value));
                continue;
            };
            let error = self.error(row, number, column.at, cell, code, &why);
            let is_null = code == DataCode::ErrorCell && rules.error_cells == ErrorCells::Null;
            match rules.on_bad_row {
                _ if is_null => {}
                BadRowPolicy::Repair => {}
                BadRowPolicy::Fail => return Err(DecodeError::Data(Box::new(error))),
                BadRowPolicy::Reject => {
                    let raw = raw(row, meaning);
                    self.rejects.push(Reject { end_byte: error.byte, raw, error });
                    return Ok(());
                }
            }
            self.repairs.push(error);
            is_repaired = true;
            self.puts.push(Put::Null);
        }
        self.repaired += u64::from(is_repaired);
        for ((into, put), column) in self.columns.iter_mut().zip(&self.puts).zip(&plan.columns) {
            into.append(*put, row.cell(column.at), meaning);
        }
        self.rows += 1;
        Ok(())
    }

    fn meaning<'b>(&self, row: &'b Row<'_>) -> Meaning<'b>
    where
        Self: 'b,
    {
        let sheet = self.plan.sheet.as_ref();
        Meaning { epoch: sheet.epoch(), strings: sheet.strings(), made: &row.made }
    }

    /// Returns the first column that holds something, is none of the table and is not left out.
    fn beyond(&self, row: &Row<'_>) -> Option<u32> {
        let rules = &self.plan.rules;
        let (first, last) = match self.plan.columns.as_slice() {
            [] => (u32::MAX, 0),
            [first, .., last] => (first.at, last.at),
            [only] => (only.at, only.at),
        };
        let before = row.cells.iter().take(first as usize);
        let behind = row.cells.iter().skip(last as usize + 1);
        // Nearly always there is neither.
        if before.chain(behind).all(|cell| *cell == Cell::Empty) {
            return None;
        }
        row.filled().find(|column| !(first..=last).contains(column) && rules.has_column(*column))
    }

    fn error(
        &self,
        row: &Row<'_>,
        number: u64,
        column: u32,
        cell: Cell<'_>,
        code: DataCode,
        why: &str,
    ) -> DataError {
        let sheet = self.plan.sheet.as_ref();
        let at = At { sheet: sheet.name(), column, row: row.number };
        let name = self.plan.columns.iter().find(|it| it.at == column);
        DataError {
            code,
            record: number + 1,
            line: u64::from(row.number),
            byte: self.chunk.byte,
            column: name.map(|it| it.column.name.clone()),
            text: DataError::shorten(self.meaning(row).text(cell).as_bytes()),
            message: format!("`{at}` is {why}"),
        }
    }
}

/// Returns a row as a line of delimited text, to be looked at by people.
fn raw(row: &Row<'_>, meaning: Meaning<'_>) -> Vec<u8> {
    let mut line = String::new();
    for (at, cell) in row.cells.iter().enumerate() {
        if at > 0 {
            line.push(',');
        }
        let text = meaning.text(*cell);
        if text.contains([',', '"', '\n', '\r']) {
            line.push_str(&format!("\"{}\"", text.replace('"', "\"\"")));
        } else {
            line.push_str(&text);
        }
    }
    line.into_bytes()
}
