//! Rows as delimited text by RFC 4180: UTF-8, commas, quotes doubled, a header, lines that end with LF.
//!
//! A null is an empty field and an empty text is `""`, so that the two stay apart. Fields have quotes
//! where a reader could otherwise take them for something else.

use arrow::{array::RecordBatch, datatypes::SchemaRef};

use super::{
    Unwritable, json,
    value::{Special, columns, refused},
};

/// Writes rows as delimited text.
pub(super) struct CsvRows {
    specials: Vec<Special>,
    header: Option<String>,
    text: String,
}

impl CsvRows {
    pub(super) fn new(schema: &SchemaRef, specials: Vec<Special>) -> Result<Self, Unwritable> {
        json::check(schema, &specials)?;
        let mut header = String::new();
        for (index, field) in schema.fields().iter().enumerate() {
            if index > 0 {
                header.push(',');
            }
            field_of(field.name(), schema.fields().len() == 1, &mut header);
        }
        header.push('\n');
        Ok(Self { specials, header: Some(header), text: String::new() })
    }

    pub(super) fn write(
        &mut self,
        batch: &RecordBatch,
        out: &mut Vec<u8>,
    ) -> Result<(), Unwritable> {
        out.extend(self.header.take().unwrap_or_default().bytes());
        let schema = batch.schema();
        let columns = columns(schema.fields(), batch.columns(), &self.specials)?;
        for row in 0..batch.num_rows() {
            for (index, (column, field)) in columns.iter().zip(schema.fields()).enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                if column.is_null(row) {
                    if columns.len() == 1 {
                        return Err(alone(field.name()));
                    }
                    continue;
                }
                self.text.clear();
                column.plain(row, &mut self.text).map_err(|what| refused(field, what))?;
                if column.is_free_text() && needs_quotes(&self.text, columns.len() == 1) {
                    quote(&self.text, out);
                } else {
                    out.extend_from_slice(self.text.as_bytes());
                }
            }
            out.push(b'\n');
        }
        Ok(())
    }

    pub(super) fn finish(self, out: &mut Vec<u8>) {
        out.extend(self.header.unwrap_or_default().bytes());
    }
}

/// The error of a null in the only column: its line would be blank, and blank lines are no records.
fn alone(column: &str) -> Unwritable {
    Unwritable {
        column: column.to_owned(),
        what: "it has a null and is the only column, so that its line would be blank and lost"
            .to_owned(),
        hint: "add a column, replace the nulls, or write another format",
    }
}

fn field_of(text: &str, is_alone: bool, out: &mut String) {
    if !needs_quotes(text, is_alone) {
        out.push_str(text);
        return;
    }
    let mut bytes = Vec::with_capacity(text.len() + 2);
    quote(text, &mut bytes);
    // Quotes in UTF-8 leave UTF-8.
    out.push_str(&String::from_utf8_lossy(&bytes));
}

fn quote(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text.as_bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// Returns whether a text needs quotes: by the RFC, to be no null, not to begin a comment, to keep its
/// blanks, and not to be split by another delimiter. Where there is no comma, blanks and colons are some too.
fn needs_quotes(text: &str, is_alone: bool) -> bool {
    let Some(first) = text.chars().next() else { return true };
    let splits = |byte: u8| match byte {
        b',' | b'"' | b';' | b'|' | b'^' | b'~' => true,
        b' ' | b':' => is_alone,
        _ => byte < b' ',
    };
    !(first.is_alphanumeric() || first == '-' || first == '+')
        || text.ends_with(char::is_whitespace)
        || text.bytes().any(splits)
}
