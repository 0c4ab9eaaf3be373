//! What a comparison of two inputs finds.
//!
//! Start at [`Diff`]. These are plain values; values of cells are texts that hold them exactly, as
//! [`crate::engine::Rows::cells`] has them.

use crate::{Format, engine::rows::RowColumn};

/// How one input differs from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    /// The one that is looked from.
    pub a: DiffSide,
    /// The one that is looked to.
    pub b: DiffSide,
    /// How the columns differ: what is removed, what is added, what has another type, what moved.
    pub columns: Vec<ColumnChange>,
    /// The columns whose values are compared, in the order of `a`; those of a key stand in
    /// [`KeyedRows::key`].
    pub compared: Vec<String>,
    /// How the rows differ.
    pub rows: RowsDiff,
}

/// One of two inputs that are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffSide {
    /// Its place, as a person would write it.
    pub location: String,
    /// Its format.
    pub format: Format,
    /// Its columns, without those that are not looked at.
    pub columns: Vec<RowColumn>,
    /// Its rows.
    pub rows: u64,
}

/// How a column differs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnChange {
    /// Only `a` has it.
    Removed {
        /// Its name.
        column: String,
        /// Its type.
        column_type: String,
    },
    /// Only `b` has it.
    Added {
        /// Its name.
        column: String,
        /// Its type.
        column_type: String,
    },
    /// It has another type.
    Retyped {
        /// Its name.
        column: String,
        /// Its type in `a`.
        from: String,
        /// Its type in `b`.
        to: String,
        /// As what its values are compared: a type, `numbers` or `text`.
        compared_as: String,
    },
    /// It stands elsewhere among the columns that both have.
    Moved {
        /// Its name.
        column: String,
        /// Its place in `a`, counted from 1.
        from: usize,
        /// Its place in `b`, counted from 1.
        to: usize,
    },
}

/// How the rows differ.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowsDiff {
    /// Rows of the same key are compared, whatever their order.
    Keyed(KeyedRows),
    /// Rows are compared as wholes, whatever their order: how often each is there.
    Whole(WholeRows),
    /// There is nothing to compare: no column is in both.
    Incomparable,
}

/// How rows of the same key differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedRows {
    /// The columns of the key.
    pub key: Vec<RowColumn>,
    /// Rows that are the same in all columns that are compared.
    pub same: u64,
    /// Rows with another value in one of them.
    pub changed: u64,
    /// In how many rows each column changed, without those that did not.
    pub changed_values: Vec<(String, u64)>,
    /// The first of the changed rows, by their order in `a`.
    pub changes: Vec<ChangedRow>,
    /// Rows whose key only `a` has.
    pub removed: u64,
    /// The first of them.
    pub removed_rows: ShownRows,
    /// Rows whose key only `b` has.
    pub added: u64,
    /// The first of them.
    pub added_rows: ShownRows,
}

/// A row that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedRow {
    /// The values of its key, as `a` has them; `None` is a null.
    pub key: Vec<Option<String>>,
    /// What changed.
    pub values: Vec<ChangedValue>,
}

/// A value that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedValue {
    /// Its column.
    pub column: String,
    /// The value in `a`; `None` is a null.
    pub from: Option<String>,
    /// The value in `b`; `None` is a null.
    pub to: Option<String>,
}

/// How often rows are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeRows {
    /// Rows of `a` for which there is one in `b`.
    pub same: u64,
    /// Rows that are in `a` only, or more often there.
    pub removed: u64,
    /// The first of them.
    pub removed_rows: ShownRows,
    /// Rows that are in `b` only, or more often there.
    pub added: u64,
    /// The first of them.
    pub added_rows: ShownRows,
    /// A column whose values are unique in both inputs, mostly the same, and not null: by it, changed rows
    /// could be told from others. Looked for only where rows are in either input only.
    pub possible_key: Option<String>,
}

/// Some rows of one of the inputs, with all of its columns that are looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShownRows {
    /// The columns.
    pub columns: Vec<RowColumn>,
    /// The rows; `None` is a null.
    pub cells: Vec<Vec<Option<String>>>,
    /// How often each of them is there more than in the other input.
    pub times: Vec<u64>,
}

impl Diff {
    /// Returns whether nothing that was looked at differs.
    pub fn is_same(&self) -> bool {
        self.columns.is_empty() && self.rows.is_same() && self.a.rows == self.b.rows
    }
}

impl RowsDiff {
    /// Returns whether the rows are the same.
    pub fn is_same(&self) -> bool {
        match self {
            Self::Keyed(rows) => rows.changed == 0 && rows.removed == 0 && rows.added == 0,
            Self::Whole(rows) => rows.removed == 0 && rows.added == 0,
            Self::Incomparable => true,
        }
    }
}

impl ColumnChange {
    /// Returns the name that programs see; stable.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Removed { .. } => "removed",
            Self::Added { .. } => "added",
            Self::Retyped { .. } => "retyped",
            Self::Moved { .. } => "moved",
        }
    }

    /// Returns the column.
    pub fn column(&self) -> &str {
        match self {
            Self::Removed { column, .. }
            | Self::Added { column, .. }
            | Self::Retyped { column, .. }
            | Self::Moved { column, .. } => column,
        }
    }
}
