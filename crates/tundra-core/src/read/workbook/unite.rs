//! The columns of several sheets as those of one table.

use arrow::datatypes::Field;

use super::{decode::SheetColumn, observe, plan::plan_column};
use crate::{ColumnPlan, ConvertOptions, Error, read::table::ColumnOptions};

/// What was seen of the columns of a sheet, or of several.
#[derive(Debug, Clone, Default)]
pub(crate) struct SheetSeen {
    pub(super) columns: Vec<observe::Seen>,
}

/// The columns of a table of several sheets.
#[derive(Debug)]
pub(crate) struct SheetColumns(Vec<SheetColumn>);

impl SheetSeen {
    /// Returns whether a column has no value.
    pub(crate) fn is_empty(&self, column: usize) -> bool {
        self.columns.get(column).is_none_or(observe::Seen::is_empty)
    }

    /// Takes into account what was seen of a sheet, whose columns have these places here.
    pub(crate) fn merge(&mut self, later: &Self, places: &[usize]) {
        for (seen, place) in later.columns.iter().zip(places) {
            if self.columns.len() <= *place {
                self.columns.resize(place + 1, observe::Seen::default());
            }
            self.columns[*place].merge(seen);
        }
    }

    /// Decides what each column becomes.
    ///
    /// # Errors
    /// Fails when a type that was asked for cannot be read from a sheet.
    pub(crate) fn plan(
        &self,
        names: &[String],
        column_options: &ColumnOptions,
        options: &ConvertOptions,
        whole: bool,
    ) -> Result<(Vec<ColumnPlan>, SheetColumns), Error> {
        let (mut plans, mut columns) = (Vec::new(), Vec::new());
        for (place, name) in names.iter().enumerate() {
            let seen = self.columns.get(place).copied().unwrap_or_default();
            // Where something stands is told by the sheets themselves.
            let verdict = seen.verdict("", 0);
            let planned = plan_column(name, 0, &verdict, column_options, options, whole)?;
            plans.push(planned.plan);
            columns.push(planned.column);
        }
        Ok((plans, SheetColumns(columns)))
    }
}

impl SheetColumns {
    /// Returns a column, whose place in a sheet is still to be said.
    pub(super) fn get(&self, column: usize) -> Option<SheetColumn> {
        self.0.get(column).cloned()
    }

    /// Returns what the columns are in a schema.
    pub(crate) fn fields(&self) -> Vec<Field> {
        self.0.iter().map(SheetColumn::field).collect()
    }
}
