//! A sheet, however its workbook is stored, and which one is read.
//!
//! Start at [`Sheet`]. [`choose`] decides by the options and by what is there; nothing is read of a
//! sheet that was not chosen but its beginning.

use std::fmt;

use super::{
    fault::Fault,
    reference::{Area, split_sheet},
    row::Row,
    serial::Epoch,
    strings::Strings,
};
use crate::{
    Error,
    read::chunk::{Chunk, DecodeError, Split},
};

/// What is done with each row of a chunk.
pub(super) type Visit<'a> = dyn FnMut(&Row<'_>) -> Result<(), DecodeError> + 'a;

/// A sheet whose rows can be read again and again.
pub(super) trait Sheet: fmt::Debug + Send + Sync {
    /// Returns its name.
    fn name(&self) -> &str;

    /// Begins a pass over the rows from the first to the last of `body`.
    fn split(&self, body: (u32, u32)) -> Result<Box<dyn Split>, Error>;

    /// Hands over each row of a chunk, in order, those outside the body as well.
    fn walk(&self, chunk: &Chunk, visit: &mut Visit<'_>) -> Result<(), DecodeError>;

    /// Returns the error of a sheet that is not what it should be.
    fn damaged(&self, what: &str) -> Error;

    /// Returns the strings that its cells point to.
    fn strings(&self) -> &Strings;

    /// Returns from which year it counts days.
    fn epoch(&self) -> Epoch;

    /// Returns the first and the last column of each run of hidden columns.
    fn hidden_columns(&self) -> &[(u32, u32)];
}

/// What is known of a sheet without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SheetFacts {
    pub(super) name: String,
    pub(super) is_visible: bool,
}

/// A name for a range, or a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) name: String,
    /// What it stands for, such as `'My sheet'!$A$1:$F$100`.
    pub(super) refers: String,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    /// The sheet's number among all, if one was asked for.
    pub(super) sheet: Option<usize>,
    /// The range, if one was asked for.
    pub(super) area: Option<Area>,
}

/// Finds the sheet and the range that were asked for. `tables` is called when a name is none of the
/// workbook's own.
pub(super) fn choose(
    sheet: Option<&str>,
    range: Option<&str>,
    sheets: &[SheetFacts],
    names: &[Named],
    tables: impl FnOnce() -> Result<Vec<Named>, Fault>,
) -> Result<Choice, Fault> {
    let given = sheet.map(|sheet| find(sheet, sheets)).transpose()?;
    let Some(range) = range else { return Ok(Choice { sheet: given, area: None }) };
    let (sheet, area) = match parse(range) {
        Some(found) => found,
        None => named(range, names, tables)?,
    };
    let of_range = sheet.as_deref().map(|sheet| find(sheet, sheets)).transpose()?;
    if let (Some(given), Some(of_range)) = (given, of_range)
        && given != of_range
    {
        return Err(Fault::Request {
            message: format!(
                "`--range {range}` is in sheet `{}`, and `--sheet` asks for `{}`",
                sheets[of_range].name, sheets[given].name
            ),
            hint: Some("one of the two is enough".to_owned()),
        });
    }
    Ok(Choice { sheet: of_range.or(given), area: Some(area) })
}

fn parse(range: &str) -> Option<(Option<String>, Area)> {
    let (sheet, area) = split_sheet(range);
    Some((sheet, Area::parse(area)?))
}

/// Finds the range that a name stands for.
fn named(
    name: &str,
    names: &[Named],
    tables: impl FnOnce() -> Result<Vec<Named>, Fault>,
) -> Result<(Option<String>, Area), Fault> {
    let folded = name.to_lowercase();
    let is_it = |named: &&Named| named.name.to_lowercase() == folded;
    let tables = match names.iter().find(is_it) {
        Some(_) => Vec::new(),
        None => tables()?,
    };
    let Some(found) = names.iter().chain(&tables).find(is_it) else {
        let known: Vec<&str> =
            names.iter().chain(&tables).map(|named| named.name.as_str()).collect();
        let hint = match known.as_slice() {
            [] => "it has no names and no tables; a range is written as `A1:F100`".to_owned(),
            known => format!("its names and tables are {}", listed(known)),
        };
        return Err(Fault::Request {
            message: format!("`{name}` is neither a range nor a name of the workbook"),
            hint: Some(hint),
        });
    };
    parse(found.refers.trim_start_matches('=')).ok_or_else(|| Fault::Request {
        message: format!("the name `{name}` stands for `{}`, which is no range", found.refers),
        hint: Some("give the range itself, such as `--range 'Sheet1!A1:F100'`".to_owned()),
    })
}

/// Finds a sheet by its name, or by its number from 1 on.
fn find(asked: &str, sheets: &[SheetFacts]) -> Result<usize, Fault> {
    let folded = asked.to_lowercase();
    let found = sheets
        .iter()
        .position(|sheet| sheet.name == asked)
        .or_else(|| sheets.iter().position(|sheet| sheet.name.to_lowercase() == folded))
        .or_else(|| {
            let number = asked.parse::<usize>().ok()?.checked_sub(1)?;
            (number < sheets.len()).then_some(number)
        });
    found.ok_or_else(|| {
        let names: Vec<&str> = sheets.iter().map(|sheet| sheet.name.as_str()).collect();
        Fault::Request {
            message: format!("there is no sheet `{asked}` in it"),
            hint: Some(format!("the sheets are {}", listed(&names))),
        }
    })
}

/// Lists names, and says how many more there are.
pub(super) fn listed(names: &[&str]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(SHOWN);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{tail}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheets() -> Vec<SheetFacts> {
        ["Notes", "Data", "2"]
            .map(|name| SheetFacts { name: name.to_owned(), is_visible: true })
            .to_vec()
    }

    #[track_caller]
    fn check(sheet: Option<&str>, range: Option<&str>, found: Option<(Option<usize>, &str)>) {
        let names = [("Area", "Data!$A$1:$B$2"), ("Sum", "SUM(A1)")]
            .map(|(name, refers)| Named { name: name.to_owned(), refers: refers.to_owned() });
        let table = Named { name: "Table1".to_owned(), refers: "'2'!C3:D4".to_owned() };
        let choice = choose(sheet, range, &sheets(), &names, || Ok(vec![table])).ok();
        let choice = choice.map(|it| (it.sheet, it.area.map(|area| area.to_string())));
        let found = found.map(|(sheet, area)| (sheet, (!area.is_empty()).then(|| area.to_owned())));
        assert_eq!(choice, found);
    }

    #[test]
    fn sheets_and_ranges_are_found() {
        check(None, None, Some((None, "")));
        check(Some("data"), None, Some((Some(1), "")));
        check(Some("1"), None, Some((Some(0), "")));
        check(Some("2"), None, Some((Some(2), "")));
        check(Some("4"), None, None);
        check(Some("0"), None, None);
        check(None, Some("A1:B2"), Some((None, "A1:B2")));
        check(Some("Notes"), Some("A1:B2"), Some((Some(0), "A1:B2")));
        check(None, Some("Data!A1:B2"), Some((Some(1), "A1:B2")));
        check(None, Some("area"), Some((Some(1), "A1:B2")));
        check(None, Some("Table1"), Some((Some(2), "C3:D4")));
        check(Some("Notes"), Some("Area"), None);
        check(None, Some("Sum"), None);
        check(None, Some("Other"), None);
    }
}
