//! The addresses of cells and ranges: `C17`, `A1:F100`, `A:F`, `2:10`.

use std::fmt;

/// Rows of the largest sheet.
pub(super) const MAX_ROWS: u32 = 1_048_576;

/// Columns of the widest sheet.
pub(super) const MAX_COLUMNS: u32 = 16_384;

/// A rectangle of cells. Rows count from 1 and columns from 0; both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) first_row: u32,
    pub(super) last_row: u32,
    pub(super) first_column: u32,
    pub(super) last_column: u32,
}

impl Area {
    /// The whole sheet.
    pub(super) const SHEET: Self =
        Self { first_row: 1, last_row: MAX_ROWS, first_column: 0, last_column: MAX_COLUMNS - 1 };

    /// Reads a range, with or without `$`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (start, end) = text.split_once(':').unwrap_or((text, text));
        let ((column, row), (last_column, last_row)) = (corner(start)?, corner(end)?);
        let first_row = row.unwrap_or(1);
        let last_row = last_row.unwrap_or(MAX_ROWS);
        let first_column = column.unwrap_or(0);
        let last_column = last_column.unwrap_or(MAX_COLUMNS - 1);
        // A column alone, or a row alone, is a range only when it says so.
        if !text.contains(':') && (column.is_none() || row.is_none()) {
            return None;
        }
        let fits = first_row <= last_row && first_column <= last_column;
        fits.then_some(Self { first_row, last_row, first_column, last_column })
    }

    /// Returns its first and its last column.
    pub(super) fn within(&self) -> (u32, u32) {
        (self.first_column, self.last_column)
    }

    /// Returns how many cells it has.
    pub(super) fn cells(&self) -> u64 {
        u64::from(self.last_row - self.first_row + 1)
            * u64::from(self.last_column - self.first_column + 1)
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first_row, last_row, first_column, last_column } = *self;
        write!(f, "{}:{}", address(first_column, first_row), address(last_column, last_row))
    }
}

/// A cell of a sheet, as people write it.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    /// The sheet's name.
    pub(super) sheet: &'a str,
    /// The column, counted from 0.
    pub(super) column: u32,
    /// The row, counted from 1.
    pub(super) row: u32,
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain =
            self.sheet.chars().all(|character| {
                character.is_alphanumeric() || character == '_' || character == '.'
            }) && !self.sheet.starts_with(|first: char| first.is_ascii_digit());
        match is_plain {
            true => f.write_str(self.sheet)?,
            false => write!(f, "'{}'", self.sheet.replace('\'', "''"))?,
        }
        write!(f, "!{}", address(self.column, self.row))
    }
}

/// Returns the address of a cell within its sheet.
pub(super) fn address(column: u32, row: u32) -> String {
    format!("{}{row}", column_letters(column))
}

/// Returns the letters of a column, counted from 0.
pub(super) fn column_letters(column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + (rest % 26) as u8));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

/// Splits the sheet off a reference such as `'My sheet'!$A$1:$F$100`.
pub(super) fn split_sheet(text: &str) -> (Option<String>, &str) {
    let Some(at) = text.rfind('!') else { return (None, text) };
    let sheet = &text[..at];
    let sheet = match sheet.strip_prefix('\'').and_then(|sheet| sheet.strip_suffix('\'')) {
        Some(quoted) => quoted.replace("''", "'"),
        None => sheet.to_owned(),
    };
    (Some(sheet), &text[at + 1..])
}

/// Reads the column, counted from 0, and the row of a cell.
#[inline]
pub(super) fn cell(text: &[u8]) -> Option<(u32, u32)> {
    let mut column: u32 = 0;
    let mut at = 0;
    while let Some(byte) = text.get(at).filter(|byte| byte.is_ascii_alphabetic()) {
        if at == 3 {
            return None;
        }
        column = column * 26 + u32::from(byte.to_ascii_uppercase() - b'A') + 1;
        at += 1;
    }
    let row = row(&text[at..])?;
    (at > 0 && column <= MAX_COLUMNS).then(|| (column - 1, row))
}

/// Reads the number of a row.
#[inline]
pub(super) fn row(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 7 {
        return None;
    }
    let mut row: u32 = 0;
    for byte in text {
        if !byte.is_ascii_digit() {
            return None;
        }
        row = row * 10 + u32::from(byte - b'0');
    }
    (1..=MAX_ROWS).contains(&row).then_some(row)
}

/// Reads one end of a range: its column, its row or both.
fn corner(text: &str) -> Option<(Option<u32>, Option<u32>)> {
    let text: Vec<u8> = text.trim().bytes().filter(|byte| *byte != b'$').collect();
    if text.iter().all(u8::is_ascii_digit) {
        return Some((None, Some(row(&text)?)));
    }
    if text.iter().all(u8::is_ascii_alphabetic) {
        let with_row: Vec<u8> = text.iter().copied().chain([b'1']).collect();
        return Some((Some(cell(&with_row)?.0), None));
    }
    cell(&text).map(|(column, row)| (Some(column), Some(row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for (text, place) in [
            ("A1", (0, 1)),
            ("Z9", (25, 9)),
            ("AA10", (26, 10)),
            ("XFD1048576", (16_383, 1_048_576)),
        ] {
            assert_eq!(cell(text.as_bytes()), Some(place));
            assert_eq!(address(place.0, place.1), text);
        }
        for text in ["", "A", "1", "A0", "XFE1", "A1048577", "AAAA1", "A1B", "A99999999"] {
            assert_eq!(cell(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn ranges_are_read() {
        let area = Area { first_row: 2, last_row: 10, first_column: 1, last_column: 5 };
        assert_eq!(Area::parse("$B$2:$F$10"), Some(area));
        assert_eq!(Area::parse("b2:f10"), Some(area));
        assert_eq!(Area::parse("B:F").map(|area| area.last_row), Some(MAX_ROWS));
        assert_eq!(Area::parse("2:10").map(|area| area.last_column), Some(MAX_COLUMNS - 1));
        for text in ["", "B", "2", "F10:B2", "B2:", ":B2", "B2:C3:D4", "Sales"] {
            assert_eq!(Area::parse(text), None, "{text}");
        }
        assert_eq!(split_sheet("'It''s'!A1"), (Some("It's".to_owned()), "A1"));
    }

    #[test]
    fn sheets_are_quoted_where_excel_does() {
        let at = |sheet| At { sheet, column: 2, row: 17 }.to_string();
        assert_eq!(at("Sheet1"), "Sheet1!C17");
        assert_eq!(at("It's 1"), "'It''s 1'!C17");
    }
}
