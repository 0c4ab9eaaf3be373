//! How the columns of a source change from version to version.

use std::{collections::HashMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{column_type::ColumnType, receipt::Plan};

/// The columns of a version, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSchema {
    /// The columns.
    pub columns: Vec<TableColumn>,
}

/// A column of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// Its type, as [`ColumnType`] prints it.
    #[serde(rename = "type")]
    pub column_type: String,
}

/// How one column differs from the version before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaDifference {
    /// The column.
    pub column: String,
    /// What became of it.
    pub change: SchemaChange,
    /// Its type before; `None` when it was added.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<String>,
    /// Its type now; `None` when it was removed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to: Option<String>,
}

/// What became of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchemaChange {
    /// It is gone, which breaks whoever reads it.
    Removed,
    /// Its type is one that does not hold what it held, or it became text, which breaks whoever
    /// reckons with it.
    Breaking,
    /// Its type holds everything that it held, and more.
    Widened,
    /// It is new.
    Added,
}

impl SchemaChange {
    /// Returns the name that programs see; stable.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Breaking => "breaking",
            Self::Widened => "widened",
            Self::Added => "added",
        }
    }

    /// Returns whether a reader of the version before can stumble over it.
    pub const fn is_breaking(self) -> bool {
        matches!(self, Self::Removed | Self::Breaking)
    }
}

impl TableSchema {
    /// Returns the columns of a run's output.
    pub fn of(plan: &Plan) -> Self {
        let columns = plan.columns.iter().map(|column| TableColumn {
            name: column.name.clone(),
            column_type: column.column_type.clone(),
        });
        Self { columns: columns.collect() }
    }

    /// Returns what is different now from the schema before: what breaks first, and by the order of
    /// the columns. That columns changed places is no difference, because they are read by name.
    pub fn differences_since(&self, before: &Self) -> Vec<SchemaDifference> {
        let now: HashMap<&str, &str> = self.columns.iter().map(TableColumn::pair).collect();
        let then: HashMap<&str, &str> = before.columns.iter().map(TableColumn::pair).collect();
        let kept = before.columns.iter().filter_map(|column| match now.get(&*column.name) {
            None => Some(SchemaDifference {
                column: column.name.clone(),
                change: SchemaChange::Removed,
                from: Some(column.column_type.clone()),
                to: None,
            }),
            Some(&to) if to == column.column_type => None,
            Some(&to) => Some(SchemaDifference {
                column: column.name.clone(),
                change: change_of_type(&column.column_type, to),
                from: Some(column.column_type.clone()),
                to: Some(to.to_owned()),
            }),
        });
        let added = self.columns.iter().filter(|column| !then.contains_key(&*column.name));
        let added = added.map(|column| SchemaDifference {
            column: column.name.clone(),
            change: SchemaChange::Added,
            from: None,
            to: Some(column.column_type.clone()),
        });
        let mut differences: Vec<_> = kept.chain(added).collect();
        differences.sort_by_key(|difference| difference.change);
        differences
    }
}

impl TableColumn {
    fn pair(&self) -> (&str, &str) {
        (&self.name, &self.column_type)
    }
}

fn change_of_type(from: &str, to: &str) -> SchemaChange {
    match (from.parse::<ColumnType>(), to.parse::<ColumnType>()) {
        // Text holds everything, but nobody can add it up.
        (Ok(from), Ok(to)) if to != ColumnType::Varchar && to.holds(&from) => SchemaChange::Widened,
        _ => SchemaChange::Breaking,
    }
}

impl fmt::Display for SchemaDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.change.name(), self.column)?;
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => write!(f, " from {from} to {to}"),
            (Some(kind), None) | (None, Some(kind)) => write!(f, " {kind}"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(columns: &[(&str, &str)]) -> TableSchema {
        let column = |&(name, kind): &(&str, &str)| TableColumn {
            name: name.to_owned(),
            column_type: kind.to_owned(),
        };
        TableSchema { columns: columns.iter().map(column).collect() }
    }

    #[test]
    fn what_breaks_readers_comes_first() {
        let before =
            schema(&[("id", "INTEGER"), ("zip", "BIGINT"), ("day", "DATE"), ("x", "DATE")]);
        let now = schema(&[("new", "DATE"), ("day", "DATE"), ("zip", "VARCHAR"), ("id", "BIGINT")]);
        let shown: Vec<String> =
            now.differences_since(&before).iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "removed `x` DATE",
                "breaking `zip` from BIGINT to VARCHAR",
                "widened `id` from INTEGER to BIGINT",
                "added `new` DATE",
            ]
        );
        assert!(now.differences_since(&now).is_empty());
    }

    #[test]
    fn a_narrower_type_breaks() {
        let (wide, narrow) = (schema(&[("a", "DECIMAL(10,2)")]), schema(&[("a", "DECIMAL(9,2)")]));
        assert_eq!(narrow.differences_since(&wide)[0].change, SchemaChange::Breaking);
        assert_eq!(wide.differences_since(&narrow)[0].change, SchemaChange::Widened);
    }

    #[test]
    fn a_type_of_another_writer_that_is_unknown_here_breaks() {
        let (before, now) = (schema(&[("a", "DATE")]), schema(&[("a", "HLLSKETCH")]));
        assert_eq!(now.differences_since(&before)[0].change, SchemaChange::Breaking);
    }
}
