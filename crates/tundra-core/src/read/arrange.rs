//! The columns of a table in the order of a schema.
//!
//! Start at [`Arranged`]. It moves columns and adds such that are null in every row; it changes no
//! value and no count.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array},
    datatypes::{Field, Schema, SchemaRef},
};

use crate::{
    ColumnPlan, ColumnType, Decision, Error, SchemaColumn, TextHints,
    read::{
        chunk::{DecodeError, Decoded},
        table::{Batches, Found, LeftOut, Table, check_names},
        unite::{Seen, United},
    },
};

/// A table whose columns stand in the order of a schema: first those of the schema, and then all
/// others in the order of the input.
pub(crate) struct Arranged {
    table: Box<dyn Table>,
    /// What is expected; the table stays as it is when nothing is.
    expected: Option<Vec<SchemaColumn>>,
    slots: Arc<[Slot]>,
    columns: Vec<ColumnPlan>,
    schema: SchemaRef,
}

/// Where a column of the output comes from.
#[derive(Debug, Clone)]
enum Slot {
    /// The column of this number.
    Column(usize),
    /// Nowhere: it is null in every row.
    Null,
}

impl Arranged {
    /// Arranges the columns of a table.
    ///
    /// # Errors
    /// Fails when a column that is missing has the name of another one.
    pub(crate) fn new(
        table: Box<dyn Table>,
        expected: Option<&[SchemaColumn]>,
    ) -> Result<Self, Error> {
        let schema = table.schema();
        let mut arranged = Self {
            table,
            expected: expected.map(<[SchemaColumn]>::to_vec),
            slots: Arc::new([]),
            columns: Vec::new(),
            schema,
        };
        arranged.arrange()?;
        Ok(arranged)
    }

    fn arrange(&mut self) -> Result<(), Error> {
        let schema = self.table.schema();
        let Some(expected) = &self.expected else {
            self.columns = self.table.columns().to_vec();
            self.schema = schema;
            return Ok(());
        };
        let found = self.table.found();
        let mut places: std::collections::HashMap<&str, usize> =
            found.iter().enumerate().map(|(at, found)| (found.name.as_str(), at)).collect();
        let mut slots = Vec::with_capacity(found.len());
        let mut columns = Vec::with_capacity(found.len());
        let mut fields = Vec::with_capacity(found.len());
        let mut take = |at: usize, slots: &mut Vec<Slot>, columns: &mut Vec<ColumnPlan>| {
            slots.push(Slot::Column(at));
            columns.push(self.table.columns()[at].clone());
            fields.push(Arc::clone(&schema.fields()[at]));
        };
        let mut missing = Vec::new();
        for column in expected {
            match places.remove(column.name.as_str()) {
                Some(at) => take(at, &mut slots, &mut columns),
                None => missing.push((slots.len() + missing.len(), column)),
            }
        }
        for (at, column) in found.iter().enumerate() {
            if places.contains_key(column.name.as_str()) {
                take(at, &mut slots, &mut columns);
            }
        }
        for (place, column) in missing {
            let plan = missing_column(column);
            let kind = column.column_type.as_ref().map(ColumnType::to_arrow);
            let kind = kind.unwrap_or_else(|| ColumnType::Varchar.to_arrow());
            fields.insert(place, Arc::new(Field::new(&plan.name, kind, true)));
            slots.insert(place, Slot::Null);
            columns.insert(place, plan);
        }
        check_names(
            columns.iter().map(|column| (column.source_name.as_str(), column.name.as_str())),
        )?;
        self.slots = slots.into();
        self.columns = columns;
        self.schema = Arc::new(Schema::new(fields));
        Ok(())
    }
}

/// Returns the plan of a column that the input lacks.
pub(crate) fn missing_column(column: &SchemaColumn) -> ColumnPlan {
    let column_type = column.column_type.as_ref().unwrap_or(&ColumnType::Varchar);
    ColumnPlan {
        name: column.output_name().to_owned(),
        source_name: column.name.clone(),
        column_type: column_type.to_string(),
        format: None,
        reason: "as the schema says; the input has no such column".to_owned(),
    }
}

impl Table for Arranged {
    fn decisions(&self) -> &[Decision] {
        self.table.decisions()
    }

    fn hints(&self) -> TextHints {
        self.table.hints()
    }

    fn columns(&self) -> &[ColumnPlan] {
        &self.columns
    }

    /// Returns what the values say about the columns of the input, in its own order.
    fn found(&self) -> &[Found] {
        self.table.found()
    }

    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn is_complete(&self) -> bool {
        self.table.is_complete()
    }

    fn row_bytes(&self) -> u64 {
        self.table.row_bytes()
    }

    fn left_out(&self) -> LeftOut {
        self.table.left_out()
    }

    fn infer_whole(&mut self) -> Result<(), Error> {
        self.table.infer_whole()?;
        self.arrange()
    }

    fn rows(&self) -> Result<Batches, Error> {
        let rows = self.table.rows()?;
        if self.expected.is_none() {
            return Ok(rows);
        }
        let (slots, schema) = (Arc::clone(&self.slots), Arc::clone(&self.schema));
        Ok(Box::new(rows.map(move |decoded| arranged(decoded?, &slots, &schema))))
    }

    fn take_seen(&mut self) -> Seen {
        self.table.take_seen()
    }

    fn join(&mut self, united: &United) -> Result<(), Error> {
        self.table.join(united)?;
        self.arrange()
    }
}

fn arranged(decoded: Decoded, slots: &[Slot], schema: &SchemaRef) -> Result<Decoded, DecodeError> {
    let rows = decoded.batch.num_rows();
    let (arrays, nulls): (Vec<ArrayRef>, Vec<u64>) = slots
        .iter()
        .zip(schema.fields())
        .map(|(slot, field)| match slot {
            Slot::Column(at) => (Arc::clone(decoded.batch.column(*at)), decoded.nulls[*at]),
            Slot::Null => (new_null_array(field.data_type(), rows), rows as u64),
        })
        .unzip();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)
        .map_err(|error| DecodeError::Other(Error::Internal(error.to_string())))?;
    Ok(Decoded { batch, nulls, ..decoded })
}
