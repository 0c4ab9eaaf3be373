//! What values are read as.

use std::collections::{HashMap, HashSet};

use crate::ColumnType;

/// How the values of one place in the records are read.
///
/// It knows more than a [`ColumnType`]: which values it stands for when it is text, and how names
/// are written in the input. A value that does not fit is a contradiction, so that a schema made
/// from a sample never holds what one made from the whole input would not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// Nulls only.
    Null,
    Boolean,
    BigInt,
    UBigInt,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Double,
    /// Numbers, kept as they are written.
    Number,
    Date,
    Timestamp,
    TimestampTz,
    /// Strings.
    Text,
    /// Everything but objects and arrays, as text without quotes.
    Scalar,
    /// Everything, as it is written.
    Json,
    /// Objects without fields, as they are written: there is no empty STRUCT in Parquet.
    EmptyObject,
    List(Box<Self>),
    Struct(Vec<Member>),
    /// What was asked for; no list and no struct.
    Forced(Forced),
}

/// A type that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Forced {
    pub(super) kind: ColumnType,
    /// A number must keep every digit, and its sign.
    pub(super) exact: bool,
}

/// A field of a [`Shape::Struct`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// The name in the input.
    pub(super) source: String,
    /// The name in the output.
    pub(super) name: String,
    pub(super) shape: Shape,
}

impl Shape {
    /// Returns the type in the output.
    pub(super) fn column_type(&self) -> ColumnType {
        match self {
            Self::Null | Self::Number | Self::Text | Self::Scalar => ColumnType::Varchar,
            Self::Boolean => ColumnType::Boolean,
            Self::BigInt => ColumnType::BigInt,
            Self::UBigInt => ColumnType::UBigInt,
            Self::Decimal { precision, scale } => {
                ColumnType::Decimal { precision: *precision, scale: *scale }
            }
            Self::Double => ColumnType::Double,
            Self::Date => ColumnType::Date,
            Self::Timestamp => ColumnType::Timestamp,
            Self::TimestampTz => ColumnType::TimestampTz,
            Self::Json | Self::EmptyObject => ColumnType::Json,
            Self::List(items) => ColumnType::List(Box::new(items.column_type())),
            Self::Struct(members) => ColumnType::Struct(
                members
                    .iter()
                    .map(|member| (member.name.clone(), member.shape.column_type()))
                    .collect(),
            ),
            Self::Forced(forced) => forced.kind.clone(),
        }
    }

    /// Returns the bytes that a row takes without its texts and its items.
    pub(super) fn row_bytes(&self) -> u64 {
        match self {
            Self::Boolean => 1,
            Self::Date => 4,
            Self::BigInt | Self::UBigInt | Self::Double | Self::Timestamp | Self::TimestampTz => 8,
            Self::List(_) => 4,
            Self::Struct(members) => members.iter().map(|member| member.shape.row_bytes()).sum(),
            _ => 16,
        }
    }

    /// Returns the shape of a type that was asked for. With `exact` a number must keep every digit.
    pub(super) fn forced(kind: &ColumnType, exact: bool) -> Self {
        match kind {
            ColumnType::List(item) => Self::List(Box::new(Self::forced(item, exact))),
            ColumnType::Struct(fields) => {
                let names = unique_names(fields.iter().map(|field| field.0.as_str()));
                let members = fields.iter().zip(names).map(|((source, kind), name)| Member {
                    source: source.clone(),
                    name,
                    shape: Self::forced(kind, exact),
                });
                Self::Struct(members.collect())
            }
            scalar => Self::Forced(Forced { kind: scalar.clone(), exact }),
        }
    }
}

/// Returns the names under which fields are written: as they are, unless there is none, it holds
/// a zero byte, or it differs from another one in case only, which the engine does not see.
pub(super) fn unique_names<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> Vec<String> {
    let wanted: Vec<String> = names
        .enumerate()
        .map(|(index, name)| match name {
            "" => format!("column{}", index + 1),
            // Names are handed over as C strings; this is the symbol for a zero byte.
            name => name.replace('\0', "\u{2400}"),
        })
        .collect();
    // A name as it is written comes before one that was made up.
    let written: HashSet<String> = wanted.iter().map(|name| name.to_lowercase()).collect();
    let mut taken: HashSet<String> = HashSet::new();
    let mut suffixes: HashMap<String, u64> = HashMap::new();
    let mut unique = Vec::with_capacity(wanted.len());
    for name in wanted {
        let key = name.to_lowercase();
        if taken.insert(key.clone()) {
            unique.push(name);
            continue;
        }
        let suffix = suffixes.entry(key.clone()).or_default();
        loop {
            *suffix += 1;
            let candidate = format!("{key}_{suffix}");
            if !written.contains(&candidate) && taken.insert(candidate) {
                unique.push(format!("{name}_{suffix}"));
                break;
            }
        }
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], expected: &[&str]) {
        assert_eq!(unique_names(names.iter().copied()), expected);
    }

    #[test]
    fn names_stay_as_they_are_when_they_differ() {
        check(&["a", "b c", "é", "è", "_"], &["a", "b c", "é", "è", "_"]);
    }

    #[test]
    fn names_that_differ_in_case_only_get_a_suffix() {
        check(&["id", "ID", "Id"], &["id", "ID_1", "Id_2"]);
        check(&["a", "A", "A_1"], &["a", "A_2", "A_1"]);
    }

    #[test]
    fn names_that_cannot_be_written_are_replaced() {
        check(&["", "x", "column1"], &["column1", "x", "column1_1"]);
        check(&["a\0b"], &["a\u{2400}b"]);
    }

    #[test]
    fn ten_thousand_equal_names_do_not_take_forever() {
        let names = vec!["a"; 5_000];
        let unique = unique_names(names.into_iter());
        assert_eq!(unique.last().map(String::as_str), Some("a_4999"));
    }
}
