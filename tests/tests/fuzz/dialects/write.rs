//! Writing a table as delimited text, in any dialect.

/// How a text is written.
#[derive(Debug, Clone)]
pub(crate) struct Dialect {
    pub(crate) delimiter: &'static str,
    pub(crate) quote: Option<char>,
    /// Whether a quote inside quotes has a backslash before it; it is doubled otherwise.
    pub(crate) backslash: bool,
    pub(crate) newline: &'static str,
    pub(crate) ends_with_newline: bool,
    /// Whether fields are quoted that need no quotes.
    pub(crate) quotes_all: bool,
}

/// A table: names of columns, and rows of cells of which `None` is a null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) names: Vec<String>,
    pub(crate) rows: Vec<Vec<Option<String>>>,
}

impl Dialect {
    /// Writes a table with a header.
    pub(crate) fn write(&self, table: &Table) -> String {
        let header: Vec<_> = table.names.iter().cloned().map(Some).collect();
        let records = std::iter::once(&header).chain(&table.rows);
        let lines: Vec<String> = records.map(|record| self.record(record)).collect();
        let end = if self.ends_with_newline { self.newline } else { "" };
        lines.join(self.newline) + end
    }

    /// Takes out of a cell what this dialect has no way to write.
    pub(crate) fn writable(&self, cell: &str) -> String {
        let is_writable = |character: &char| match self.quote {
            // `\r` and `\n` between quotes would hide how lines end.
            Some(_) => self.newline != "\r" || !['\r', '\n'].contains(character),
            None => !self.delimiter.contains(*character) && !['\r', '\n'].contains(character),
        };
        cell.chars().filter(is_writable).collect()
    }

    fn record(&self, cells: &[Option<String>]) -> String {
        let fields: Vec<String> = cells.iter().map(|cell| self.field(cell.as_deref())).collect();
        fields.join(self.delimiter)
    }

    fn field(&self, cell: Option<&str>) -> String {
        let Some(cell) = cell else { return String::new() };
        let Some(quote) = self.quote else { return cell.to_owned() };
        let is_syntax = |character: char| {
            character == quote
                || self.delimiter.contains(character)
                || ['\r', '\n', '\\'].contains(&character)
        };
        if !self.quotes_all && !cell.is_empty() && !cell.contains(is_syntax) {
            return cell.to_owned();
        }
        let escaped = match self.backslash {
            true => cell.replace('\\', "\\\\").replace(quote, &format!("\\{quote}")),
            false => cell.replace(quote, &format!("{quote}{quote}")),
        };
        format!("{quote}{escaped}{quote}")
    }
}
