//! From bytes to the sheet that is read.

use std::{cell::RefCell, sync::Arc};

use super::{
    book::Book,
    bytes::Source,
    container::{Container, recognise},
    fault::Fault,
    foreign::Foreign,
    package::Package,
    reference::Area,
    scan::Context,
    sheet::{Choice, Sheet, SheetFacts, choose, listed},
    strings::Strings,
    xlsx::XlsxSheet,
};
use crate::{Decision, Error, WorkbookHints, read::table::ReadContext};

/// The share of the memory that what is held of a workbook may take: a half, since the writer needs the
/// other one.
const HELD_SHARE: u64 = 2;

/// A sheet, and why it was chosen.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) sheet: Arc<dyn Sheet>,
    /// The range, if one was asked for.
    pub(super) area: Option<Area>,
    pub(super) decisions: Vec<Decision>,
}

/// Opens a workbook and chooses the sheet.
///
/// # Errors
/// Fails when it is none, is damaged, is encrypted or has not what was asked for.
pub(super) fn open(
    source: Source,
    hints: &WorkbookHints,
    context: &ReadContext,
) -> Result<Opened, Error> {
    let head = source.head().map_err(|fault| fault.of(&context.name))?;
    let limit = context.memory / HELD_SHARE;
    match recognise(&source, &head) {
        Some(Container::Xlsx) => open_xlsx(source, hints, context, limit),
        Some(Container::Encrypted) => Err(Error::EncryptedWorkbook { input: context.name.clone() }),
        Some(sort) => open_foreign(&source, sort, hints, context, limit),
        None => Err(Error::BadWorkbook {
            input: context.name.clone(),
            what: "nothing in it is a workbook".to_owned(),
        }),
    }
}

/// Returns the names of the sheets that are visible, in order.
///
/// # Errors
/// As [`open`].
pub(crate) fn sheets(source: Source, context: &ReadContext) -> Result<Vec<String>, Error> {
    let of = |fault: Fault| fault.of(&context.name);
    let head = source.head().map_err(of)?;
    let facts: Vec<SheetFacts> = match recognise(&source, &head) {
        Some(Container::Xlsx) => {
            let book = Package::open(source).and_then(Book::open).map_err(of)?;
            book.sheets.into_iter().map(|sheet| sheet.facts).collect()
        }
        Some(Container::Encrypted) => {
            return Err(Error::EncryptedWorkbook { input: context.name.clone() });
        }
        Some(sort) => Foreign::open(&source, sort, context.memory / HELD_SHARE).map_err(of)?.sheets,
        None => {
            let what = "nothing in it is a workbook".to_owned();
            return Err(Error::BadWorkbook { input: context.name.clone(), what });
        }
    };
    Ok(facts.into_iter().filter(|sheet| sheet.is_visible).map(|sheet| sheet.name).collect())
}

fn open_xlsx(
    source: Source,
    hints: &WorkbookHints,
    context: &ReadContext,
    limit: u64,
) -> Result<Opened, Error> {
    let name = &context.name;
    let of = |fault: Fault| fault.of(name);
    let book = Package::open(source).and_then(Book::open).map_err(of)?;
    let facts: Vec<SheetFacts> = book.sheets.iter().map(|sheet| sheet.facts.clone()).collect();
    let choice = choice(hints, &facts, &book.names, || book.tables()).map_err(of)?;
    let strings = match &book.strings {
        Some(part) => Strings::read(&book.package, part, limit).map_err(of)?,
        None => Strings::default(),
    };
    let cells =
        Context { strings: Arc::new(strings), styles: Arc::new(book.styles), epoch: book.epoch };
    let open = |number: usize| -> Result<XlsxSheet, Error> {
        let sheet = &book.sheets[number];
        let part = book.package.needed(&sheet.part).map_err(of)?.clone();
        let (title, source) = (sheet.facts.name.clone(), book.package.source().clone());
        XlsxSheet::open(name.clone(), title, source, part, cells.clone()).map_err(of)
    };
    let (number, sheet) = pick(&choice, &facts, name, open)?;
    let sheet = if hints.fill_merged { sheet.fill_merged(limit)? } else { sheet };
    let decisions = decisions(hints, &choice, number, &facts);
    Ok(Opened { sheet: Arc::new(sheet), area: choice.area, decisions })
}

fn open_foreign(
    source: &Source,
    sort: Container,
    hints: &WorkbookHints,
    context: &ReadContext,
    limit: u64,
) -> Result<Opened, Error> {
    let name = &context.name;
    let given = [("--fill-merged", hints.fill_merged), ("--skip-hidden", hints.skip_hidden)];
    if let Some((option, _)) = given.iter().find(|(_, is_given)| *is_given) {
        return Err(Error::Request {
            message: format!("`{option}` is for xlsx, and `{name}` is a workbook of another sort"),
            hint: Some("save it as xlsx first".to_owned()),
        });
    }
    let of = |fault: Fault| fault.of(name);
    let book = Foreign::open(source, sort, limit).map_err(of)?;
    let (facts, names) = (book.sheets.clone(), book.names.clone());
    let choice = choice(hints, &facts, &names, || Ok(Vec::new())).map_err(of)?;
    let book = RefCell::new(book);
    let open = |number: usize| book.borrow_mut().sheet(name, &facts[number].name).map_err(of);
    let (number, sheet) = pick(&choice, &facts, name, open)?;
    let decisions = decisions(hints, &choice, number, &facts);
    Ok(Opened { sheet: Arc::new(sheet), area: choice.area, decisions })
}

/// Finds what was asked for.
pub(super) fn choice(
    hints: &WorkbookHints,
    facts: &[SheetFacts],
    names: &[super::sheet::Named],
    tables: impl FnOnce() -> Result<Vec<super::sheet::Named>, Fault>,
) -> Result<Choice, Fault> {
    if facts.is_empty() {
        return Err(Fault::damaged("it has no sheet with cells"));
    }
    choose(hints.sheet.as_deref(), hints.range.as_deref(), facts, names, tables)
}

/// Opens the sheet that was asked for, or the first visible one that has a record, or a hidden one if
/// there is no other.
pub(super) fn pick<S: Sheet>(
    choice: &Choice,
    facts: &[SheetFacts],
    input: &str,
    open: impl Fn(usize) -> Result<S, Error>,
) -> Result<(usize, S), Error> {
    if let Some(number) = choice.sheet {
        return Ok((number, open(number)?));
    }
    let visible = (0..facts.len()).filter(|at| facts[*at].is_visible);
    let hidden = (0..facts.len()).filter(|at| !facts[*at].is_visible);
    for number in visible.chain(hidden) {
        let sheet = open(number)?;
        let mut split = sheet.split((1, u32::MAX))?;
        while let Some(chunk) = split.next_chunk()? {
            if chunk.records > 0 {
                return Ok((number, sheet));
            }
        }
    }
    Err(Error::EmptyInput { input: input.to_owned() })
}

/// Says which sheet is read, and which range of it.
pub(super) fn decisions(
    hints: &WorkbookHints,
    choice: &Choice,
    number: usize,
    facts: &[SheetFacts],
) -> Vec<Decision> {
    let others: Vec<&str> = facts
        .iter()
        .enumerate()
        .filter(|(at, _)| *at != number)
        .map(|(_, facts)| facts.name.as_str())
        .collect();
    let (confidence, reason) = match (choice.sheet, others.as_slice()) {
        (Some(_), _) => (1.0, "given".to_owned()),
        (None, []) => (1.0, "the only sheet".to_owned()),
        (None, others) => {
            let which = if facts[number].is_visible { "visible" } else { "hidden" };
            let others = listed(others);
            (0.8, format!("the first {which} sheet with cells; there are also {others}"))
        }
    };
    let value = facts[number].name.clone();
    let mut decisions = vec![Decision { what: "sheet".to_owned(), value, confidence, reason }];
    if let (Some(area), Some(given)) = (choice.area, &hints.range) {
        decisions.push(Decision {
            what: "range".to_owned(),
            value: area.to_string(),
            confidence: 1.0,
            reason: format!("given as `{given}`"),
        });
    }
    decisions
}
