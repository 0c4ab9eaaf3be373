//! A sheet of a workbook as a table.

use std::{collections::BTreeSet, sync::Arc};

use arrow::datatypes::SchemaRef;

use super::{
    cell::Meaning,
    decode::{Rules, SheetColumn},
    layout::{self, Asked, LOOKED_AT, SampleRow},
    observe::Observation,
    open::{Opened, open},
    plan::{Known, SheetPlan, plan},
    records,
    reference::Area,
    row::Row,
    sheet::Sheet,
    unite::{SheetColumns, SheetSeen},
};
use crate::{
    ColumnPlan, ConvertOptions, Decision, Error, ErrorCells, EventSample, LossEvent, TextHints,
    read::{
        chunk::{Chunk, Decode, DecodeError},
        pipeline,
        table::{Batches, Found, LeftOut, ReadContext, Table},
        unite::{Seen, United},
        workbook::Source,
    },
};

/// A sheet whose columns are known.
#[derive(Debug)]
pub(crate) struct WorkbookTable {
    sheet: Arc<dyn Sheet>,
    context: ReadContext,
    options: ConvertOptions,
    rules: Rules,
    /// The columns of a range that was asked for.
    asked: Option<(u32, u32)>,
    /// What stands above the header, and the header.
    preamble: Vec<SampleRow>,
    header: Vec<SampleRow>,
    decisions: Vec<Decision>,
    plan: SheetPlan,
    observed: Observation,
    complete: bool,
    row_bytes: u64,
}

impl WorkbookTable {
    /// Chooses a sheet and looks at its beginning.
    pub(crate) fn open(
        source: Source,
        options: &ConvertOptions,
        context: ReadContext,
    ) -> Result<Self, Error> {
        let Opened { sheet, area, mut decisions } = open(source, &options.workbook, &context)?;
        let asked = area.filter(|area| area.last_column < Area::SHEET.last_column);
        let asked = asked.map(|area| (area.first_column, area.last_column));
        let area = area.unwrap_or(Area::SHEET);
        let is_hidden = options.workbook.skip_hidden;
        let mut rules = Rules {
            body: (area.first_row, area.last_row),
            within: area.within(),
            left_out: if is_hidden { sheet.hidden_columns().to_vec() } else { Vec::new() },
            skip_rows: BTreeSet::new(),
            skip_hidden: is_hidden,
            on_bad_row: options.on_bad_row,
            error_cells: options.workbook.error_cells,
        };
        let mut split = sheet.split(rules.body)?;
        // A range may begin far below, and rows before it may be hidden.
        let mut passed = 0;
        let (first, sample) = loop {
            let Some(chunk) = split.next_chunk()? else { break (None, Vec::new()) };
            let sample = sample_rows(sheet.as_ref(), &chunk, &rules)?;
            if !sample.is_empty() {
                break (Some(chunk), sample);
            }
            passed += records::count(sheet.as_ref(), &chunk, &rules)?;
        };
        let whole = first.is_none() || split.next_chunk()?.is_none();
        drop(split);
        if sample.is_empty() {
            return Err(Error::EmptyInput { input: context.name });
        }
        let layout = layout::find(&sample, area.first_row, asked_of(&options.text));
        let mut above = sample;
        above.truncate(layout.preamble + layout.header);
        let header = above.split_off(layout.preamble.min(above.len()));
        let last_above = header.last().or(above.last()).map(|row| row.number);
        rules.body.0 = last_above.map_or(area.first_row, |row| row + 1);
        rules.skip_rows = options.skip_rows.clone();
        decisions.push(header_decision(&header, &layout));
        if !above.is_empty() {
            decisions.push(preamble_decision(&above, options.text.preamble.is_some()));
        }
        let mut observed = Observation::default();
        let infer = SheetInfer { sheet: Arc::clone(&sheet), rules: rules.clone() };
        let mut bytes = 0;
        if let Some(mut chunk) = first {
            // Records are counted from the header on.
            chunk.record = if last_above.is_some() { 0 } else { passed };
            bytes = chunk.bytes.len() as u64;
            observed = infer.decode(chunk).map_err(|error| failed(error, &context.name))?;
        }
        let known = Known {
            sheet: &sheet,
            header: &header,
            asked,
            rules: &rules,
            observed: &observed,
            whole,
        };
        let plan = plan(known, options)?;
        let row_bytes =
            bytes.checked_div(observed.records).unwrap_or(0) / 2 + 16 * plan.columns.len() as u64;
        Ok(Self {
            sheet,
            context,
            options: options.clone(),
            rules,
            asked,
            preamble: above,
            header,
            decisions,
            plan,
            observed,
            // Where nothing is inferred a new column can still come.
            complete: whole,
            row_bytes,
        })
    }
}

impl Table for WorkbookTable {
    fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    fn hints(&self) -> TextHints {
        let rows = self.header.len();
        TextHints {
            header: Some(rows > 0),
            header_rows: u32::try_from(rows).ok().filter(|rows| *rows > 1),
            ..TextHints::default()
        }
    }

    fn columns(&self) -> &[ColumnPlan] {
        &self.plan.columns
    }

    fn found(&self) -> &[Found] {
        &self.plan.found
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.plan.decode.schema)
    }

    fn is_complete(&self) -> bool {
        self.complete
    }

    fn row_bytes(&self) -> u64 {
        self.row_bytes
    }

    fn left_out(&self) -> LeftOut {
        let Some(first) = self.preamble.first() else { return LeftOut::default() };
        let count = self.preamble.len() as u64;
        let line = u64::from(first.number);
        let sample = EventSample { record: 0, line, byte: 0, column: None, text: first.shown() };
        let code = "left_out_preamble".to_owned();
        let events = vec![LossEvent { code, count, samples: vec![sample] }];
        LeftOut { events, lines: count, bytes: 0 }
    }

    fn infer_whole(&mut self) -> Result<(), Error> {
        let context = &self.context;
        let infer = SheetInfer { sheet: Arc::clone(&self.sheet), rules: self.rules.clone() };
        let parts = pipeline::run(
            records::split(&self.sheet, &self.rules)?,
            Arc::new(infer),
            context.threads,
            context.cancel.clone(),
            Arc::clone(&context.reporter),
            context.total_bytes,
        )?;
        let mut observed = Observation::default();
        for part in parts {
            observed.merge(&part.map_err(|error| failed(error, &context.name))?);
        }
        let known = Known {
            sheet: &self.sheet,
            header: &self.header,
            asked: self.asked,
            rules: &self.rules,
            observed: &observed,
            whole: true,
        };
        self.plan = plan(known, &self.options)?;
        self.observed = observed;
        self.complete = true;
        Ok(())
    }

    fn rows(&self) -> Result<Batches, Error> {
        let context = &self.context;
        let rows = pipeline::run(
            records::split(&self.sheet, &self.rules)?,
            Arc::clone(&self.plan.decode),
            context.threads,
            context.cancel.clone(),
            Arc::clone(&context.reporter),
            context.total_bytes,
        )?;
        Ok(Box::new(rows))
    }

    fn take_seen(&mut self) -> Seen {
        let observed = std::mem::take(&mut self.observed);
        let columns = self.plan.decode.columns.iter();
        let columns = columns.map(|column| observed.column(column.at)).collect();
        Seen::Sheet { seen: SheetSeen { columns } }
    }

    fn join(&mut self, united: &United) -> Result<(), Error> {
        let names: Vec<String> = self.plan.found.iter().map(|found| found.name.clone()).collect();
        let (plans, columns) = united.sheet_columns(&names, SheetColumns::get)?;
        let places = self.plan.decode.columns.iter();
        let columns: Vec<SheetColumn> =
            places.zip(columns).map(|(own, united)| SheetColumn { at: own.at, ..united }).collect();
        self.plan.decode = Arc::new(self.plan.decode.with_columns(columns));
        self.plan.columns = plans;
        Ok(())
    }
}

/// Looks at chunks.
#[derive(Debug, Clone)]
struct SheetInfer {
    sheet: Arc<dyn Sheet>,
    rules: Rules,
}

impl Decode for SheetInfer {
    type Output = Observation;

    fn decode(&self, chunk: Chunk) -> Result<Observation, DecodeError> {
        let mut observed = Observation::default();
        let (rules, sheet) = (&self.rules, self.sheet.as_ref());
        let mut seen = 0;
        sheet.walk(&chunk, &mut |row| {
            if !rules.has(row) || !rules.is_of_table(row) {
                return Ok(());
            }
            let number = chunk.record + seen;
            seen += 1;
            let is_skipped =
                rules.skip_rows.contains(&number) || rules.skip_hidden && row.is_hidden;
            if !is_skipped {
                let no_errors = rules.error_cells != ErrorCells::Text;
                observed.observe(row, meaning(sheet, row), rules.within, no_errors);
            }
            Ok(())
        })?;
        Ok(observed)
    }
}

fn meaning<'a>(sheet: &'a dyn Sheet, row: &'a Row<'_>) -> Meaning<'a> {
    Meaning { epoch: sheet.epoch(), strings: sheet.strings(), made: &row.made }
}

/// Returns the first records of a chunk.
fn sample_rows(sheet: &dyn Sheet, chunk: &Chunk, rules: &Rules) -> Result<Vec<SampleRow>, Error> {
    let mut rows = Vec::new();
    let visited = sheet.walk(chunk, &mut |row| {
        if rows.len() < LOOKED_AT && rules.has(row) && !(rules.skip_hidden && row.is_hidden) {
            rows.extend(SampleRow::of(row, meaning(sheet, row), rules.within));
        }
        Ok(())
    });
    match visited {
        Ok(()) => Ok(rows),
        Err(error) => Err(failed(error, sheet.name())),
    }
}

fn asked_of(hints: &TextHints) -> Asked {
    let rows = match (hints.header_rows, hints.header) {
        (Some(rows), _) => Some(usize::try_from(rows).unwrap_or(usize::MAX)),
        (None, Some(true)) => Some(1),
        (None, Some(false)) => Some(0),
        (None, None) => None,
    };
    Asked { header_rows: rows, preamble: hints.preamble }
}

fn header_decision(header: &[SampleRow], layout: &layout::Layout) -> Decision {
    let value = match header {
        [] => "none".to_owned(),
        [only] => format!("row {}", only.number),
        [first, .., last] => format!("rows {} to {}", first.number, last.number),
    };
    let (confidence, reason) = (layout.confidence, layout.reason.clone());
    Decision { what: "header".to_owned(), value, confidence, reason }
}

fn preamble_decision(above: &[SampleRow], is_given: bool) -> Decision {
    let plural = if above.len() == 1 { "" } else { "s" };
    let shown = above.first().map(SampleRow::shown).unwrap_or_default();
    let reason = if is_given { "given".to_owned() } else { format!("above the header: `{shown}`") };
    Decision {
        what: "preamble".to_owned(),
        value: format!("{} row{plural}", above.len()),
        confidence: if is_given { 1.0 } else { 0.9 },
        reason,
    }
}

/// Returns the error of a sheet that could not be read.
pub(super) fn failed(error: DecodeError, input: &str) -> Error {
    match error {
        DecodeError::Other(error) => error,
        DecodeError::Data(source) | DecodeError::Contradiction(source) => {
            Error::Data { input: input.to_owned(), source }
        }
    }
}
