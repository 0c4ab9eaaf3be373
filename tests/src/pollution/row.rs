//! Damage to one row: a delimiter too few or too many, a stray quote, or other delimiters.

use std::sync::Arc;

use crate::pollution::{
    Cell, Expected, Polluted, Source,
    write::{PLAIN, Style},
};

/// Returns the files: each kind at every place. Row 0 is the header. Their weights are not set.
pub(super) fn files(source: &Source) -> Vec<Polluted> {
    let expected = source.expected();
    let records = PLAIN.records(source);
    let mut files = Vec::new();
    for (row, cells) in source.lines().into_iter().enumerate() {
        let mut file = |kind, place: &str, record: &str, expected: &Arc<Expected>| {
            files.push(Polluted {
                kind,
                name: format!("{kind}_row{row}{place}.csv"),
                bytes: with_record(&records, row, record),
                expected: Arc::clone(expected),
                weight: 0.0,
            });
        };
        for column in 0..cells.len() {
            let place = format!("_col{column}");
            if column > 0 {
                file("row_less_sep", &place, &joined(cells, column), &expected);
            }
            file("row_more_sep", &place, &parted(cells, column), &expected);
            let with_quote = Arc::new(with_quote(&expected, row, column));
            file("row_extra_quote", &place, &quoted(cells, column), &with_quote);
        }
        let style = Style { delimiter: " ", ..PLAIN };
        file("row_field_delimiter", "", &style.record(cells), &expected);
    }
    files
}

/// Returns the file with another record in the place of one.
pub(super) fn with_record(records: &[String], row: usize, record: &str) -> Vec<u8> {
    let [before, after] = [&records[..row], &records[row + 1..]].map(<[String]>::concat);
    [before.as_str(), record, after.as_str()].concat().into_bytes()
}

/// Leaves out the delimiter before a cell.
fn joined(cells: &[Cell], column: usize) -> String {
    let mut raw = PLAIN.cells(cells);
    let second = raw.remove(column);
    raw[column - 1] += &second;
    PLAIN.join(&raw)
}

/// Writes a delimiter too many before a cell.
fn parted(cells: &[Cell], column: usize) -> String {
    let mut raw = PLAIN.cells(cells);
    raw.insert(column, String::new());
    PLAIN.join(&raw)
}

/// Writes a quote too many before the text of a cell.
fn quoted(cells: &[Cell], column: usize) -> String {
    let mut raw = PLAIN.cells(cells);
    raw[column] = PLAIN.cell_with_stray_quote(&cells[column]);
    PLAIN.join(&raw)
}

/// Returns the table with that quote in it.
fn with_quote(expected: &Expected, row: usize, column: usize) -> Expected {
    let mut expected = expected.clone();
    let line = match row.checked_sub(1) {
        None => &mut expected.header,
        Some(row) => &mut expected.rows[row],
    };
    line[column].insert(0, '"');
    expected
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pollution::prices;

    #[track_caller]
    fn check(name: &str, line: usize, expected: &str) -> Polluted {
        let files = files(&prices());
        let file = files.iter().find(|file| file.name == name).unwrap();
        let text = String::from_utf8(file.bytes.clone()).unwrap();
        assert_eq!(text.split("\r\n").count(), 85);
        assert_eq!(text.split("\r\n").nth(line).unwrap(), expected);
        file.clone()
    }

    #[test]
    fn one_row_is_damaged_in_one_place() {
        let link = "https://www.example.com/items/LM_1000.html";
        let text =
            "Made by hand in a small workshop: comes with a spare part and a 5 year guarantee.";
        let start = "13/01/2021,00:00,0,LM-1000,$0.95,Carpenter's Hammer";
        check("row_more_sep_row1_col0.csv", 1, &format!(",{start},\"{text}\",\"{link}\","));
        check("row_more_sep_row1_col8.csv", 1, &format!("{start},\"{text}\",\"{link}\",,"));
        check("row_less_sep_row1_col8.csv", 1, &format!("{start},\"{text}\",\"{link}\""));
        check("row_less_sep_row1_col7.csv", 1, &format!("{start},\"{text}\"\"{link}\","));
        check("row_less_sep_row1_col6.csv", 1, &format!("{start}\"{text}\",\"{link}\","));
        check(
            "row_less_sep_row0_col2.csv",
            0,
            "Day,HourUNITS,ItemCode,Cost,ItemKind,\"ItemText\",\"Link\",Remarks",
        );
        let blanks = start.replace(',', " ");
        check("row_field_delimiter_row1.csv", 1, &format!("{blanks} \"{text}\" \"{link}\" "));
    }

    #[test]
    fn a_stray_quote_stays_in_its_cell() {
        let names = "Day,Hour,UNITS,ItemCode,Cost,ItemKind";
        let file = check(
            "row_extra_quote_row0_col6.csv",
            0,
            &format!("{names},\"\"ItemText\",\"Link\",Remarks"),
        );
        assert_eq!(file.expected.header[6], "\"ItemText");
        let file = check(
            "row_extra_quote_row0_col8.csv",
            0,
            &format!("{names},\"ItemText\",\"Link\",\"Remarks"),
        );
        assert_eq!(file.expected.header[8], "\"Remarks");
        let files = files(&prices());
        let file = files.iter().find(|file| file.name == "row_extra_quote_row83_col8.csv").unwrap();
        assert!(file.bytes.ends_with(b".html\",\"\r\n"));
        assert_eq!(file.expected.rows[82][8], "\"");
    }
}
