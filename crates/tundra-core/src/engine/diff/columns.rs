//! The columns of two tables: which belong together, how they differ, and as what their values are compared.

use std::collections::HashMap;

use crate::{
    ColumnType, MAX_DECIMAL_PRECISION,
    engine::{
        diff::report::ColumnChange,
        query::names_type,
        rows::RowColumn,
        sql::compare::{Paired, Shape, Told},
    },
};

/// Types whose values DuckDB shows better than their Arrow type says them.
const SHOWN_AS_TEXT: [&str; 11] = [
    "HUGEINT",
    "UHUGEINT",
    "INTERVAL",
    "TIME WITH TIME ZONE",
    "UNION",
    "VARIANT",
    "BIT",
    "BIGNUM",
    "UUID",
    "GEOMETRY",
    "ENUM",
];

/// A column of one of the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    /// Its type as it is shown.
    pub(super) shown: String,
    /// Its type, where it is one of ours.
    parsed: Option<ColumnType>,
    /// Its type in DuckDB's words.
    engine: String,
    /// Its place in its table.
    index: usize,
}

impl Column {
    /// Makes a column of what is known of it. `planned` is its type where the rows come from us, which is
    /// more than DuckDB knows.
    pub(super) fn new(name: String, engine: String, planned: Option<String>, index: usize) -> Self {
        let own = engine.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ");
        let text = planned.unwrap_or(own);
        let parsed: Option<ColumnType> = text.parse().ok();
        let shown = parsed.as_ref().map_or(text, ToString::to_string);
        Self { name, shown, parsed, engine, index }
    }

    /// Returns how its values are shown.
    pub(super) fn told(&self) -> Told {
        let as_text = SHOWN_AS_TEXT.iter().any(|kind| names_type(&self.engine, kind));
        Told { index: self.index, as_text }
    }

    /// Returns it as it is shown.
    pub(super) fn row_column(&self) -> RowColumn {
        RowColumn { name: self.name.clone(), column_type: self.shown.clone() }
    }

    /// Returns whether its values may tell rows apart and are worth a try.
    pub(super) fn may_be_key(&self) -> bool {
        use ColumnType as T;
        let parsed = self.parsed.as_ref();
        parsed.is_some_and(|it| {
            !matches!(
                it,
                T::Boolean | T::Float | T::Double | T::Blob | T::Json | T::List(_) | T::Struct(_)
            )
        })
    }
}

/// A column that both tables have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) columns: [Column; 2],
    pub(super) paired: Paired,
}

impl Pair {
    pub(super) fn name(&self) -> &str {
        &self.columns[0].name
    }
}

/// What the columns of two tables have to do with each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    /// Those that both have, in the order of the first.
    pub(super) pairs: Vec<Pair>,
    /// How they differ.
    pub(super) changes: Vec<ColumnChange>,
}

/// Puts columns of the same name together.
pub(super) fn pair_up(a: &[Column], b: &[Column]) -> Columns {
    let there: HashMap<&str, &Column> = b.iter().map(|column| (&*column.name, column)).collect();
    let here: HashMap<&str, &Column> = a.iter().map(|column| (&*column.name, column)).collect();
    let mut changes: Vec<ColumnChange> = a
        .iter()
        .filter(|column| !there.contains_key(&*column.name))
        .map(|column| ColumnChange::Removed {
            column: column.name.clone(),
            column_type: column.shown.clone(),
        })
        .collect();
    let added = b.iter().filter(|column| !here.contains_key(&*column.name));
    changes.extend(added.map(|column| ColumnChange::Added {
        column: column.name.clone(),
        column_type: column.shown.clone(),
    }));
    let mut pairs = Vec::new();
    for column in a {
        let Some(&other) = there.get(&*column.name) else { continue };
        let (shape, compared_as) = meet(column, other);
        if column.shown != other.shown {
            changes.push(ColumnChange::Retyped {
                column: column.name.clone(),
                from: column.shown.clone(),
                to: other.shown.clone(),
                compared_as,
            });
        }
        pairs.push(Pair {
            columns: [column.clone(), other.clone()],
            paired: Paired { index: [column.index, other.index], shape },
        });
    }
    changes.extend(moved(&pairs));
    Columns { pairs, changes }
}

/// Returns the columns that stand elsewhere among those that both tables have: as few as explain it.
fn moved(pairs: &[Pair]) -> Vec<ColumnChange> {
    let places: Vec<usize> = pairs.iter().map(|pair| pair.columns[1].index).collect();
    let stays = longest_rising(&places);
    pairs
        .iter()
        .zip(stays)
        .filter(|(_, stays)| !stays)
        .map(|(pair, _)| ColumnChange::Moved {
            column: pair.name().to_owned(),
            from: pair.columns[0].index + 1,
            to: pair.columns[1].index + 1,
        })
        .collect()
}

/// Returns for each number whether it belongs to a longest rising sequence of them.
fn longest_rising(numbers: &[usize]) -> Vec<bool> {
    // Of the sequences of each length the one that ends lowest, by the place of its end.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(numbers.len());
    for (at, number) in numbers.iter().enumerate() {
        let length = ends.partition_point(|end| numbers[*end] < *number);
        before.push(length.checked_sub(1).map(|shorter| ends[shorter]));
        match ends.get_mut(length) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let mut rising = vec![false; numbers.len()];
    let mut next = ends.last().copied();
    while let Some(at) = next {
        rising[at] = true;
        next = before[at];
    }
    rising
}

/// Decides as what the values of two columns are compared, and says it.
fn meet(a: &Column, b: &Column) -> ([Shape; 2], String) {
    let same = || ([Shape::Same, Shape::Same], a.shown.clone());
    let as_text = || ([Shape::Text, Shape::Text], "text".to_owned());
    let (Some(first), Some(second)) = (&a.parsed, &b.parsed) else {
        return if a.engine == b.engine { same() } else { as_text() };
    };
    let (first, second) = (as_compared(first), as_compared(second));
    if first == second && a.engine == b.engine {
        return same();
    }
    match common(&first, &second) {
        Some(ColumnType::Varchar) => as_text(),
        Some(kind) => {
            let said = kind.to_string();
            ([Shape::As(kind.clone()), Shape::As(kind)], said)
        }
        None if is_floating(&first) && is_exact(&second) => {
            ([Shape::FloatingText, Shape::Digits(second)], "numbers".to_owned())
        }
        None if is_exact(&first) && is_floating(&second) => {
            ([Shape::Digits(first), Shape::FloatingText], "numbers".to_owned())
        }
        None => as_text(),
    }
}

/// Returns the type with everything that is text as `VARCHAR`: JSON and UUIDs are texts of one form.
fn as_compared(kind: &ColumnType) -> ColumnType {
    match kind {
        ColumnType::Json | ColumnType::Uuid => ColumnType::Varchar,
        ColumnType::List(item) => ColumnType::List(Box::new(as_compared(item))),
        ColumnType::Struct(fields) => ColumnType::Struct(
            fields.iter().map(|(name, kind)| (name.clone(), as_compared(kind))).collect(),
        ),
        other => other.clone(),
    }
}

/// Returns the narrowest type that holds every value of both.
fn common(a: &ColumnType, b: &ColumnType) -> Option<ColumnType> {
    if a.holds(b) {
        return Some(a.clone());
    }
    if b.holds(a) {
        return Some(b.clone());
    }
    let ((whole, scale), (other, fraction)) = (digits(a)?, digits(b)?);
    let (whole, scale) = (whole.max(other), scale.max(fraction));
    let precision = whole + scale;
    (precision <= MAX_DECIMAL_PRECISION).then_some(ColumnType::Decimal { precision, scale })
}

/// Returns the digits of an exact number before and behind the point.
fn digits(kind: &ColumnType) -> Option<(u8, u8)> {
    use ColumnType as T;
    Some(match kind {
        T::TinyInt | T::UTinyInt => (3, 0),
        T::SmallInt | T::USmallInt => (5, 0),
        T::Integer | T::UInteger => (10, 0),
        T::BigInt => (19, 0),
        T::UBigInt => (20, 0),
        T::Decimal { precision, scale } => (precision - scale, *scale),
        _ => return None,
    })
}

fn is_exact(kind: &ColumnType) -> bool {
    digits(kind).is_some()
}

fn is_floating(kind: &ColumnType) -> bool {
    matches!(kind, ColumnType::Float | ColumnType::Double)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, kind: &str, index: usize) -> Column {
        Column::new(name.to_owned(), kind.to_owned(), None, index)
    }

    fn columns(all: &[(&str, &str)]) -> Vec<Column> {
        all.iter().enumerate().map(|(index, (name, kind))| column(name, kind, index)).collect()
    }

    #[test]
    fn values_are_compared_as_the_narrowest_type_that_holds_both() {
        for (a, b, expected) in [
            ("INTEGER", "INTEGER", "INTEGER"),
            ("INTEGER", "BIGINT", "BIGINT"),
            ("BIGINT", "UBIGINT", "DECIMAL(20,0)"),
            ("DECIMAL(10,2)", "DECIMAL(12,1)", "DECIMAL(13,2)"),
            ("DECIMAL(4,2)", "INTEGER", "DECIMAL(12,2)"),
            ("INTEGER", "DOUBLE", "DOUBLE"),
            ("BIGINT", "DOUBLE", "numbers"),
            ("DOUBLE", "DECIMAL(12,2)", "numbers"),
            ("FLOAT", "DOUBLE", "DOUBLE"),
            ("DATE", "TIMESTAMP", "TIMESTAMP"),
            ("DATE", "VARCHAR", "text"),
            ("BIGINT", "VARCHAR", "text"),
            ("UUID", "VARCHAR", "text"),
            ("DECIMAL(38,30)", "BIGINT", "text"),
            ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "text"),
            ("INTEGER[]", "BIGINT[]", "BIGINT[]"),
            ("STRUCT(a INTEGER)", "STRUCT(b INTEGER)", "text"),
            ("INTERVAL", "INTERVAL", "INTERVAL"),
            ("INTERVAL", "DATE", "text"),
        ] {
            let (left, right) = (column("x", a, 0), column("x", b, 0));
            assert_eq!(meet(&left, &right).1, expected, "{a} and {b}");
            assert_eq!(meet(&right, &left).1, expected, "{b} and {a}");
        }
    }

    #[test]
    fn as_few_columns_as_explain_it_have_moved() {
        let a = columns(&[("a", "DATE"), ("b", "DATE"), ("c", "DATE"), ("d", "DATE")]);
        let b =
            columns(&[("d", "DATE"), ("a", "DATE"), ("x", "DATE"), ("b", "DATE"), ("c", "DATE")]);
        let found = pair_up(&a, &b);
        let shown: Vec<String> = found.changes.iter().map(|it| format!("{it:?}")).collect();
        assert_eq!(shown.len(), 2, "{shown:?}");
        assert!(matches!(&found.changes[0], ColumnChange::Added { column, .. } if column == "x"));
        let ColumnChange::Moved { column, from, to } = &found.changes[1] else {
            panic!("{shown:?}")
        };
        assert_eq!((column.as_str(), *from, *to), ("d", 4, 1));
        assert!(pair_up(&a, &a).changes.is_empty());
    }

    #[test]
    fn names_are_compared_exactly() {
        let found = pair_up(&columns(&[("id", "DATE")]), &columns(&[("ID", "DATE")]));
        assert!(found.pairs.is_empty());
        assert_eq!(found.changes.len(), 2);
    }
}
