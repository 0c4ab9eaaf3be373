//! How an input differs from a schema.

use std::{fmt, iter};

use super::SchemaColumn;
use crate::{ColumnType, DataError};

/// One way in which an input differs from a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// The input has a column that the schema does not know.
    Added {
        /// Its name in the input.
        column: String,
        /// Its type by its values.
        column_type: String,
    },
    /// The input lacks a column of the schema.
    Missing {
        /// Its name in the schema.
        column: String,
        /// Its type in the schema, if it has one there.
        column_type: Option<ColumnType>,
    },
    /// Values of a column do not fit its type in the schema.
    Retyped {
        /// Its name in the input.
        column: String,
        /// Its type in the schema.
        expected: ColumnType,
        /// Its type by its values.
        found: String,
        /// Why it has that type.
        reason: String,
        /// How many values do not fit; `None` when they were not counted.
        values: Option<u64>,
        /// The first of them.
        first: Option<Box<DataError>>,
    },
    /// A column has nulls, and the schema says that it has none.
    Nulls {
        /// Its name in the input.
        column: String,
        /// How many nulls; `None` when they were not counted.
        nulls: Option<u64>,
    },
}

impl Difference {
    /// Returns the sort of difference, as programs see it; stable.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Added { .. } => "added",
            Self::Missing { .. } => "missing",
            Self::Retyped { .. } => "retyped",
            Self::Nulls { .. } => "nulls",
        }
    }

    /// Returns the name of the column in the input, or in the schema when it is missing.
    pub fn column(&self) -> &str {
        match self {
            Self::Added { column, .. }
            | Self::Missing { column, .. }
            | Self::Retyped { column, .. }
            | Self::Nulls { column, .. } => column,
        }
    }

    /// Returns what is different of the column, as a sentence fragment.
    pub fn detail(&self) -> String {
        match self {
            Self::Added { column_type, .. } => column_type.clone(),
            Self::Missing { column_type: Some(column_type), .. } => column_type.to_string(),
            Self::Missing { column_type: None, .. } => String::new(),
            Self::Retyped { expected, found, reason, values, first, .. } => {
                let mut text = if expected.to_string() == *found {
                    found.clone()
                } else {
                    format!("{expected} in the schema, {found} by its values")
                };
                match (values, first) {
                    (Some(values), Some(first)) => {
                        let (plural, verb) = if *values == 1 { ("", "es") } else { ("s", "") };
                        text.push_str(&format!(
                            "; {values} value{plural} do{verb} not fit, the first on line {} (byte {}, \
                             record {}): `{}`",
                            first.line, first.byte, first.record, first.text
                        ));
                    }
                    _ => text.push_str(&format!(": {reason}")),
                }
                text
            }
            Self::Nulls { nulls: None, .. } => "there are nulls".to_owned(),
            Self::Nulls { nulls: Some(1), .. } => "1 null".to_owned(),
            Self::Nulls { nulls: Some(nulls), .. } => format!("{nulls} nulls"),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}` {}", self.kind(), self.column(), self.detail())
    }
}

/// All differences between an input and a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The differences, by their kind and in the order of the columns; at least one.
    pub differences: Vec<Difference>,
}

impl Drift {
    /// Returns how many columns there are of each kind of difference, such as `1 added, 2 retyped`.
    pub fn summary(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for (kind, what) in [
            ("added", "added"),
            ("missing", "missing"),
            ("retyped", "retyped"),
            ("nulls", "with nulls"),
        ] {
            let count = self.differences.iter().filter(|it| it.kind() == kind).count();
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        parts.join(", ")
    }
}

impl fmt::Display for Drift {
    /// Writes one line for each difference, in columns.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Longer names do not move the others.
        const WIDEST: usize = 32;
        let width = |difference: &Difference| difference.column().chars().count() + 2;
        let widest = self.differences.iter().map(width).filter(|it| *it <= WIDEST).max();
        for (index, difference) in self.differences.iter().enumerate() {
            let name = format!("`{}`", difference.column());
            let padding = widest.unwrap_or(0).saturating_sub(width(difference));
            let padding: String = iter::repeat_n(' ', padding).collect();
            let line = format!("{:<8}{name}{padding}  {}", difference.kind(), difference.detail());
            let newline = if index > 0 { "\n" } else { "" };
            write!(f, "{newline}  {}", line.trim_end())?;
        }
        Ok(())
    }
}

/// A column of an input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// Its type.
    pub(crate) column_type: &'a str,
    /// Why it has that type.
    pub(crate) reason: &'a str,
    /// Its nulls, when they were counted.
    pub(crate) nulls: Option<u64>,
    /// There are no values that could say anything.
    pub(crate) is_empty: bool,
}

/// Returns the columns that only one side has: those that were added first.
pub(crate) fn by_name(expected: &[SchemaColumn], found: &[Seen<'_>]) -> Vec<Difference> {
    let known: std::collections::HashSet<&str> =
        expected.iter().map(|column| column.name.as_str()).collect();
    let there: std::collections::HashSet<&str> = found.iter().map(|column| column.name).collect();
    let added = found.iter().filter(|column| !known.contains(column.name)).map(|column| {
        Difference::Added {
            column: column.name.to_owned(),
            column_type: column.column_type.to_owned(),
        }
    });
    let missing = expected.iter().filter(|column| !there.contains(column.name.as_str()));
    let missing = missing.map(|column| Difference::Missing {
        column: column.name.clone(),
        column_type: column.column_type.clone(),
    });
    added.chain(missing).collect()
}

/// Returns all differences that the names and the types of columns show.
pub(crate) fn by_type(expected: &[SchemaColumn], found: &[Seen<'_>]) -> Vec<Difference> {
    let mut differences = by_name(expected, found);
    let there: std::collections::HashMap<&str, &Seen<'_>> =
        found.iter().map(|column| (column.name, column)).collect();
    let pairs: Vec<(&SchemaColumn, &Seen<'_>)> = expected
        .iter()
        .filter_map(|column| Some((column, *there.get(column.name.as_str())?)))
        .collect();
    for (column, seen) in &pairs {
        let Some(wanted) = &column.column_type else { continue };
        let holds = seen.column_type.parse::<ColumnType>().is_ok_and(|found| wanted.holds(&found));
        if !holds && !column.force && !seen.is_empty {
            differences.push(Difference::Retyped {
                column: column.name.clone(),
                expected: wanted.clone(),
                found: seen.column_type.to_owned(),
                reason: seen.reason.to_owned(),
                values: None,
                first: None,
            });
        }
    }
    for (column, seen) in &pairs {
        if !column.nullable && seen.nulls.is_some_and(|nulls| nulls > 0) {
            differences.push(Difference::Nulls { column: column.name.clone(), nulls: seen.nulls });
        }
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DataCode;

    #[test]
    fn a_drift_is_a_table_of_its_differences() {
        let first = Box::new(DataError {
            code: DataCode::BadValue,
            record: 3,
            line: 4,
            byte: 31,
            column: Some("zip".to_owned()),
            text: "00713".to_owned(),
            message: "no BIGINT".to_owned(),
        });
        let drift = Drift {
            differences: vec![
                Difference::Added { column: "note".to_owned(), column_type: "VARCHAR".to_owned() },
                Difference::Missing { column: "price".to_owned(), column_type: None },
                Difference::Retyped {
                    column: "zip".to_owned(),
                    expected: ColumnType::BigInt,
                    found: "VARCHAR".to_owned(),
                    reason: "record 3 has `00713`".to_owned(),
                    values: Some(2),
                    first: Some(first),
                },
                Difference::Nulls { column: "x".repeat(50), nulls: Some(1) },
            ],
        };
        let long = "x".repeat(50);
        assert_eq!(
            drift.to_string(),
            format!(
                "  added   `note`   VARCHAR
  missing `price`
  retyped `zip`    BIGINT in the schema, VARCHAR by its values; 2 values do not fit, the first on line 4 (byte 31, record 3): `00713`
  nulls   `{long}`  1 null"
            )
        );
        assert_eq!(drift.summary(), "1 added, 1 missing, 1 retyped, 1 with nulls");
    }
}
