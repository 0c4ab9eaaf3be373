//! Rows as JSON objects: one a line, or all of them in an array.

use arrow::{
    array::RecordBatch,
    datatypes::{Schema, SchemaRef},
};

use super::{
    Unwritable,
    value::{Special, columns, quoted, refused},
};

/// Writes rows as JSON. Every object has every column, nulls included, so that the first row says which
/// columns there are.
pub(super) struct JsonRows {
    specials: Vec<Special>,
    /// `{"first":`, `,"second":` and so on.
    names: Vec<String>,
    /// Whether the objects stand in one array.
    array: bool,
    empty: bool,
    text: String,
}

impl JsonRows {
    /// Begins lines.
    pub(super) fn lines(schema: &SchemaRef, specials: Vec<Special>) -> Result<Self, Unwritable> {
        check(schema, &specials)?;
        let mut names = Vec::with_capacity(schema.fields().len());
        for (index, field) in schema.fields().iter().enumerate() {
            let mut name = String::from(if index == 0 { "{" } else { "," });
            quoted(field.name(), &mut name).map_err(|what| refused(field, what))?;
            name.push(':');
            names.push(name);
        }
        Ok(Self { specials, names, array: false, empty: true, text: String::new() })
    }

    /// Begins an array.
    pub(super) fn array(schema: &SchemaRef, specials: Vec<Special>) -> Result<Self, Unwritable> {
        Ok(Self { array: true, ..Self::lines(schema, specials)? })
    }

    pub(super) fn write(
        &mut self,
        batch: &RecordBatch,
        out: &mut Vec<u8>,
    ) -> Result<(), Unwritable> {
        let schema = batch.schema();
        let columns = columns(schema.fields(), batch.columns(), &self.specials)?;
        for row in 0..batch.num_rows() {
            self.text.clear();
            if self.array {
                self.text.push_str(if self.empty { "[\n" } else { ",\n" });
            }
            self.empty = false;
            for ((column, name), field) in columns.iter().zip(&self.names).zip(schema.fields()) {
                self.text.push_str(name);
                column.json(row, &mut self.text).map_err(|what| refused(field, what))?;
            }
            self.text.push_str(if self.array { "}" } else { "}\n" });
            out.extend_from_slice(self.text.as_bytes());
        }
        Ok(())
    }

    pub(super) fn finish(self, out: &mut Vec<u8>) {
        if self.array {
            out.extend_from_slice(if self.empty { b"[]\n" } else { b"\n]\n" });
        }
    }
}

/// Looks at the types, before there is a value.
pub(super) fn check(schema: &SchemaRef, specials: &[Special]) -> Result<(), Unwritable> {
    let empty = RecordBatch::new_empty(SchemaRef::clone(schema));
    let schema: &Schema = schema;
    columns(schema.fields(), empty.columns(), specials).map(drop)
}
